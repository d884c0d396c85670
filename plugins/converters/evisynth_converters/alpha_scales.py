"""Bring Cronbach's alpha to a scale on which it is nearly normal, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import Conversion, hookimpl
from evisynth_converters.ranges import refuse_outside

if TYPE_CHECKING:
    from evisynth import FloatArray

BONETT = "Bonett (2002), J. Educ. Behav. Stat. 27:335-340"
HAKSTIAN_WHALEN = "Hakstian & Whalen (1976), Psychometrika 41:219-231"


def alpha_to_bonett(alpha: FloatArray) -> tuple[FloatArray]:
    """Take -ln(1 - α), Bonett's transformation with its sign turned so that it rises with α; infinite for α = 1."""
    refuse_outside(-np.inf, 1.0, alpha=alpha)
    with np.errstate(divide="ignore"):
        return (-np.log1p(-np.asarray(alpha)),)


def bonett_to_alpha(bonett: FloatArray) -> tuple[FloatArray]:
    """Take α = 1 - exp(-x), and 0 where x is negative."""
    return (-np.expm1(-np.maximum(bonett, 0.0)),)


def alpha_to_hakstian_whalen(alpha: FloatArray) -> tuple[FloatArray]:
    """Take 1 - ∛(1 - α), Hakstian and Whalen's transformation turned so that it rises with α."""
    refuse_outside(-np.inf, 1.0, alpha=alpha)
    with np.errstate(divide="ignore"):
        # 1 - ∛(1 - α) itself loses the digits of a small α.
        return (-np.expm1(np.log1p(-np.asarray(alpha)) / 3),)


def hakstian_whalen_to_alpha(hakstian_whalen: FloatArray) -> tuple[FloatArray]:
    """Take α = 1 - (1 - x)³ for x from 0 to 1; what lies outside stands for the nearer end."""
    x = np.clip(hakstian_whalen, 0.0, 1.0)
    return (x * (3 - 3 * x + x * x),)


@hookimpl
def conversions() -> list[Conversion]:
    """Offer the two transformations of alpha and their inverses."""
    return [
        Conversion(
            "alpha-to-bonett",
            alpha_to_bonett,
            targets=("bonett",),
            infinite=True,
            reference=BONETT,
            formula="x = -ln(1 - α)",
            r_equivalent="metafor::transf.abt(alpha)",
        ),
        Conversion(
            "bonett-to-alpha",
            bonett_to_alpha,
            targets=("alpha",),
            reference=BONETT,
            formula="α = 1 - exp(-x)",
            r_equivalent="metafor::transf.iabt(bonett)",
        ),
        Conversion(
            "alpha-to-hakstian-whalen",
            alpha_to_hakstian_whalen,
            targets=("hakstian_whalen",),
            reference=HAKSTIAN_WHALEN,
            formula="x = 1 - ∛(1 - α)",
            r_equivalent="metafor::transf.ahw(alpha)",
        ),
        Conversion(
            "hakstian-whalen-to-alpha",
            hakstian_whalen_to_alpha,
            targets=("alpha",),
            reference=HAKSTIAN_WHALEN,
            formula="α = 1 - (1 - x)³",
            r_equivalent="metafor::transf.iahw(hakstian_whalen)",
        ),
    ]
