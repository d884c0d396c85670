"""Bring incidence rates to the square-root and Freeman–Tukey scales, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import Conversion, hookimpl
from evisynth_converters.ranges import refuse_not_positive, refuse_outside

if TYPE_CHECKING:
    from evisynth import FloatArray

SQUARE_ROOT = "Bartlett (1936), Suppl. J. R. Stat. Soc. 3:68-78"
FREEMAN_TUKEY = "Freeman & Tukey (1950), Ann. Math. Stat. 21:607-611"


def rate_to_square_root(rate: FloatArray) -> tuple[FloatArray]:
    """Take √rate; raises `DataError` for a negative rate."""
    refuse_outside(0.0, np.inf, rate=rate)
    return (np.sqrt(rate),)


def square_root_to_rate(square_root: FloatArray) -> tuple[FloatArray]:
    """Take the square, and 0 where the root is negative."""
    return (np.maximum(square_root, 0.0) ** 2,)


def rate_to_freeman_tukey(rate: FloatArray, time: FloatArray) -> tuple[FloatArray]:
    """Take ½ (√rate + √(rate + 1/time)); raises `DataError` for a negative rate and no time."""
    refuse_outside(0.0, np.inf, rate=rate)
    refuse_not_positive(time=time)
    rates, times = np.asarray(rate, dtype=np.float64), np.asarray(time, dtype=np.float64)
    return ((np.sqrt(rates) + np.sqrt(rates + 1 / times)) / 2,)


def freeman_tukey_to_rate(freeman_tukey: FloatArray, time: FloatArray) -> tuple[FloatArray]:
    """Take rate = (x - 1/(4 t x))², and 0 for x below ½ √(1/t), the transformation of no events."""
    refuse_not_positive(time=time)
    times = np.asarray(time, dtype=np.float64)
    least = np.sqrt(1 / times) / 2
    x = np.maximum(freeman_tukey, least)
    # (x - 1/(4 t x)) factored: its two terms are equal where the rate is 0.
    return (((x - least) * (x + least) / x) ** 2,)


@hookimpl
def conversions() -> list[Conversion]:
    """Offer two transformations of rates and their inverses."""
    return [
        Conversion(
            "rate-to-square-root",
            rate_to_square_root,
            targets=("square_root",),
            reference=SQUARE_ROOT,
            formula="x = √rate",
            r_equivalent="sqrt(rate)",
        ),
        Conversion(
            "square-root-to-rate",
            square_root_to_rate,
            targets=("rate",),
            reference=SQUARE_ROOT,
            formula="rate = x²",
            r_equivalent="metafor::transf.isqrt(square_root)",
        ),
        Conversion(
            "rate-to-freeman-tukey",
            rate_to_freeman_tukey,
            targets=("freeman_tukey",),
            reference=FREEMAN_TUKEY,
            formula="x = ½ (√rate + √(rate + 1/t))",
            r_equivalent="metafor::transf.irft(rate, time)",
        ),
        Conversion(
            "freeman-tukey-to-rate",
            freeman_tukey_to_rate,
            targets=("rate",),
            reference=FREEMAN_TUKEY,
            formula="rate = (x - 1/(4 t x))²",
            r_equivalent="metafor::transf.iirft(freeman_tukey, time)",
        ),
    ]
