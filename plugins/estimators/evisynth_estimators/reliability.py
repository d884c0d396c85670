"""Measure the reliability of an instrument by Cronbach's alpha, raw or on a scale on which it is nearly normal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import EffectMeasure, MeasuredEffects, Scale, hookimpl

if TYPE_CHECKING:
    from evisynth import FloatArray, Reasons

PERFECT = "alpha is 1"
ONE_ITEM = "an instrument of one item has no alpha"
TOO_FEW = "too few participants for the variance of alpha"

BONETT = "Bonett (2002), J. Educ. Behav. Stat. 27:335-340; Bonett (2010), Psychol. Methods 15:368-385"
HAKSTIAN_WHALEN = "Hakstian & Whalen (1976), Psychometrika 41:219-231"


def at_most_one(value: FloatArray) -> FloatArray:
    """Keep to alphas that are possible: they may be negative, and are at most 1."""
    return np.minimum(value, 1.0)


def alpha_of_bonett(value: FloatArray) -> FloatArray:
    """Take α = 1 - exp(-x)."""
    return -np.expm1(-np.asarray(value))


def bonett_of_alpha(alpha: FloatArray) -> FloatArray:
    """Take x = -ln(1 - α)."""
    return -np.log1p(-np.asarray(alpha))


def alpha_of_hakstian_whalen(value: FloatArray) -> FloatArray:
    """Take α = 1 - (1 - x)³, and 1 for x beyond 1."""
    x = np.minimum(value, 1.0)
    alpha: FloatArray = x * (3 - 3 * x + x * x)
    return alpha


def hakstian_whalen_of_alpha(alpha: FloatArray) -> FloatArray:
    """Take x = 1 - ∛(1 - α)."""
    return -np.expm1(np.log1p(-np.asarray(alpha)) / 3)


ALPHA = Scale("alpha", back=at_most_one, forward=np.asarray, null=None)
BONETT_SCALE = Scale("-ln(1 - alpha)", back=alpha_of_bonett, forward=bonett_of_alpha, null=None)
HAKSTIAN_WHALEN_SCALE = Scale(
    "1 - ∛(1 - alpha)", back=alpha_of_hakstian_whalen, forward=hakstian_whalen_of_alpha, null=None
)


def raw_alpha(alpha: FloatArray, items: FloatArray, n: FloatArray) -> MeasuredEffects:
    """Take α with variance 2m (1 - α)²/((m - 1)(n - 2)) for m items."""
    return MeasuredEffects(
        alpha, 2 * items * (1 - alpha) ** 2 / ((items - 1) * (n - 2)), _unusable(alpha, items, n, 2.0)
    )


def hakstian_whalen(alpha: FloatArray, items: FloatArray, n: FloatArray) -> MeasuredEffects:
    """Take 1 - ∛(1 - α) with variance 18m (n - 1)(1 - α)^⅔/((m - 1)(9n - 11)²).

    The transformation is turned over so that it rises with α.
    """
    v = 18 * items * (n - 1) * np.cbrt(1 - alpha) ** 2 / ((items - 1) * (9 * n - 11) ** 2)
    return MeasuredEffects(hakstian_whalen_of_alpha(alpha), v, _unusable(alpha, items, n, 1.0))


def bonett(alpha: FloatArray, items: FloatArray, n: FloatArray) -> MeasuredEffects:
    """Take -ln(1 - α) with variance 2m/((m - 1)(n - 2)); the transformation is turned over so that it rises with α."""
    return MeasuredEffects(bonett_of_alpha(alpha), 2 * items / ((items - 1) * (n - 2)), _unusable(alpha, items, n, 2.0))


def _unusable(alpha: FloatArray, items: FloatArray, n: FloatArray, least: float) -> Reasons:
    return ((items <= 1, ONE_ITEM), (n <= least, TOO_FEW), (alpha == 1, PERFECT))


@hookimpl
def effect_measures() -> list[EffectMeasure]:
    """Offer raw alpha and its two transformations."""
    escalc = "metafor::escalc(measure='{}', ai=alpha, mi=items, ni=n)"
    return [
        EffectMeasure(
            "ARAW",
            raw_alpha,
            label="Cronbach's Alpha",
            scale=ALPHA,
            formula="y = α; v = 2m (1 - α)²/((m - 1)(n - 2))",
            reference=BONETT,
            r_equivalent=escalc.format("ARAW"),
        ),
        EffectMeasure(
            "AHW",
            hakstian_whalen,
            label="Cronbach's Alpha",
            scale=HAKSTIAN_WHALEN_SCALE,
            formula="y = 1 - ∛(1 - α); v = 18m (n - 1)(1 - α)^⅔/((m - 1)(9n - 11)²)",
            reference=HAKSTIAN_WHALEN,
            r_equivalent=escalc.format("AHW"),
        ),
        EffectMeasure(
            "ABT",
            bonett,
            label="Cronbach's Alpha",
            scale=BONETT_SCALE,
            formula="y = -ln(1 - α); v = 2m/((m - 1)(n - 2))",
            reference=BONETT,
            r_equivalent=escalc.format("ABT"),
        ),
    ]
