"""Bring correlations and coefficients of determination to Fisher's scale and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import Conversion, hookimpl
from evisynth_converters.ranges import refuse_outside

if TYPE_CHECKING:
    from evisynth import FloatArray

FISHER = "Fisher (1921), Metron 1:3-32"
OLKIN_FINN = "Olkin & Finn (1995), Psychol. Bull. 118:155-164"


def r_to_z(r: FloatArray) -> tuple[FloatArray]:
    """Take z = artanh r, infinite for r = ±1; raises `DataError` for a correlation beyond ±1."""
    refuse_outside(-1.0, 1.0, r=r)
    with np.errstate(divide="ignore"):
        return (np.arctanh(r),)


def z_to_r(z: FloatArray) -> tuple[FloatArray]:
    """Take r = tanh z."""
    return (np.tanh(z),)


def r_squared_to_z(r_squared: FloatArray) -> tuple[FloatArray]:
    """Take z = artanh √R², infinite for R² = 1; raises `DataError` for an R² outside 0 to 1."""
    refuse_outside(0.0, 1.0, r_squared=r_squared)
    with np.errstate(divide="ignore"):
        return (np.arctanh(np.sqrt(r_squared)),)


def z_to_r_squared(z: FloatArray) -> tuple[FloatArray]:
    """Take R² = tanh² z; a negative z, which no R² has, stands for 0."""
    return (np.tanh(np.maximum(z, 0.0)) ** 2,)


@hookimpl
def conversions() -> list[Conversion]:
    """Offer Fisher's transformation of r and of R², and their inverses."""
    return [
        Conversion(
            "r-to-z",
            r_to_z,
            targets=("z",),
            infinite=True,
            reference=FISHER,
            formula="z = artanh r",
            r_equivalent="metafor::transf.rtoz(r)",
        ),
        Conversion(
            "z-to-r",
            z_to_r,
            targets=("r",),
            reference=FISHER,
            formula="r = tanh z",
            r_equivalent="metafor::transf.ztor(z)",
        ),
        Conversion(
            "r-squared-to-z",
            r_squared_to_z,
            targets=("z",),
            infinite=True,
            reference=OLKIN_FINN,
            formula="z = artanh √R²",
            r_equivalent="metafor::transf.r2toz(r_squared)",
            r_version="metafor 4.4",
        ),
        Conversion(
            "z-to-r-squared",
            z_to_r_squared,
            targets=("r_squared",),
            reference=OLKIN_FINN,
            formula="R² = tanh² z",
            r_equivalent="metafor::transf.ztor2(z)",
            r_version="metafor 4.4",
        ),
    ]
