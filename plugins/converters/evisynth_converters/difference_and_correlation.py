"""Convert between standardised mean differences and correlations."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from evisynth import Conversion, hookimpl
from evisynth_converters.ranges import refuse_not_positive, refuse_outside

if TYPE_CHECKING:
    from evisynth import FloatArray

POINT_BISERIAL = "Tate (1954), Ann. Math. Stat. 25:603-607; Jacobs & Viechtbauer (2017), Res. Synth. Methods 8:161-180"
COHEN = "Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, 2nd ed., eq. 2.2.6"


def smd_to_point_biserial(
    smd: FloatArray, n_1: FloatArray | None = None, n_2: FloatArray | None = None
) -> tuple[FloatArray]:
    """Take r = d/√(d² + h) with h = m/n₁ + m/n₂ and m = n₁ + n₂ - 2; h is 4 where sizes are not given."""
    d = np.asarray(smd, dtype=np.float64)
    return (d / np.hypot(d, np.sqrt(_ratio(n_1, n_2))),)


def point_biserial_to_smd(
    r: FloatArray, n_1: FloatArray | None = None, n_2: FloatArray | None = None
) -> tuple[FloatArray]:
    """Take d = √h r/√(1 - r²) with h as in `smd_to_point_biserial`; infinite for r = ±1."""
    refuse_outside(-1.0, 1.0, r=r)
    rho = np.asarray(r, dtype=np.float64)
    with np.errstate(divide="ignore"):
        return (np.sqrt(_ratio(n_1, n_2)) * rho / np.sqrt((1 - rho) * (1 + rho)),)


def r_to_smd(r: FloatArray, n_1: FloatArray | None = None, n_2: FloatArray | None = None) -> tuple[FloatArray]:
    """Give the difference of groups that one of two normal variables was cut into, from their correlation.

    The point-biserial correlation is r φ(z)/√(pq) where z cuts off the share p = n₁/(n₁ + n₂), by halves where sizes
    are not given; d follows from it as in `point_biserial_to_smd`.
    """
    refuse_outside(-1.0, 1.0, r=r)
    rho = np.asarray(r, dtype=np.float64) * _attenuation(n_1, n_2)
    return (np.sqrt(_ratio(n_1, n_2)) * rho / np.sqrt((1 - rho) * (1 + rho)),)


def smd_to_mean_difference(smd: FloatArray, sd: FloatArray) -> tuple[FloatArray]:
    """Take d times a standard deviation that is known from elsewhere, to read a difference in the unit of a scale."""
    refuse_outside(0.0, np.inf, sd=sd)
    return (np.asarray(smd) * np.asarray(sd),)


def _ratio(n_1: FloatArray | None, n_2: FloatArray | None) -> FloatArray:
    if n_1 is None or n_2 is None:
        return np.asarray(4.0)
    refuse_not_positive(n_1=n_1, n_2=n_2)
    one, two = np.asarray(n_1, dtype=np.float64), np.asarray(n_2, dtype=np.float64)
    m = one + two - 2
    return np.where(np.isnan(m), 4.0, np.where(m > 0, m / one + m / two, np.nan))


def _attenuation(n_1: FloatArray | None, n_2: FloatArray | None) -> FloatArray:
    from scipy.special import ndtri  # noqa: PLC0415 - scipy comes with the first use

    halves = math.sqrt(2 / math.pi)
    if n_1 is None or n_2 is None:
        return np.asarray(halves)
    one, two = np.asarray(n_1, dtype=np.float64), np.asarray(n_2, dtype=np.float64)
    p, q = one / (one + two), two / (one + two)
    z = np.asarray(ndtri(np.minimum(p, q)))
    return np.where(np.isnan(p), halves, np.exp(-z * z / 2) / np.sqrt(2 * np.pi * p * q))


@hookimpl
def conversions() -> list[Conversion]:
    """Offer d ↔ r for groups that are given and for groups cut out of a continuous variable, and d → MD."""
    return [
        Conversion(
            "smd-to-r",
            smd_to_point_biserial,
            targets=("r",),
            reference=POINT_BISERIAL,
            formula="r = d/√(d² + h), h = m/n₁ + m/n₂, m = n₁ + n₂ - 2 (4 without sizes)",
            r_equivalent="metafor::transf.dtorpb(smd, n1i=n_1, n2i=n_2)",
        ),
        Conversion(
            "r-to-smd",
            point_biserial_to_smd,
            targets=("smd",),
            infinite=True,
            reference=POINT_BISERIAL,
            formula="d = √h r/√(1 - r²), h = m/n₁ + m/n₂, m = n₁ + n₂ - 2 (4 without sizes)",
        ),
        Conversion(
            "r-to-smd-of-cut",
            r_to_smd,
            targets=("smd",),
            reference=POINT_BISERIAL,
            formula="d = √h ρ/√(1 - ρ²), ρ = r φ(z)/√(pq), p = n₁/(n₁ + n₂)",
            r_equivalent="metafor::transf.rtod(r, n1i=n_1, n2i=n_2)",
            r_version="metafor 4.2",
        ),
        Conversion(
            "smd-to-md",
            smd_to_mean_difference,
            targets=("mean_difference",),
            reference=COHEN,
            formula="MD = d · SD",
            r_equivalent="metafor::transf.dtomd(smd, targs=list(sd=sd))",
        ),
    ]
