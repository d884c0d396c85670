"""Compare means, spreads, or spreads relative to means, by the logarithm of their ratio."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import EffectMeasure, FloatArray, MeasuredEffects, hookimpl
from evisynth_estimators.mean_difference import SD_IS_ZERO, TOO_FEW, pooled_sd, too_few, unusable_arms
from evisynth_estimators.two_by_two import log_ratio

if TYPE_CHECKING:
    from evisynth_estimators.mean_difference import Averaging

MEAN_IS_ZERO = "a mean is 0: there is no ratio"
OPPOSITE = "the means have opposite signs: there is no ratio"
NOT_POSITIVE = "a mean is not positive: there is no coefficient of variation"


def ratio_of_means(  # noqa: PLR0913 - six columns of a table and what the settings say
    mean_1: FloatArray,
    sd_1: FloatArray,
    n_1: FloatArray,
    mean_2: FloatArray,
    sd_2: FloatArray,
    n_2: FloatArray,
    *,
    smd_correction: str = "exact",
    rom_correction: str = "Lajeunesse",
    zero_sd: str = "kept",
    vtype: str = "LS",
    average: Averaging | None = None,
) -> MeasuredEffects:
    """Take ln(x̄₁/x̄₂), of means of one sign; with c = (s/x̄)², the variance is c₁/n₁ + c₂/n₂.

    ``rom_correction``: ``Lajeunesse`` adds (c₁/n₁ - c₂/n₂)/2, the second-order term of its bias; ``none`` does not, and
    neither does ``smd_correction`` ``none``. ``vtype``: ``LS``; ``LS2`` adds the second-order terms (c/n)²/2; ``HO``
    takes the pooled standard deviation for both arms; ``AV`` the square of the mean coefficient of variation of each
    arm over the studies, weighted by n; ``AVHO`` that of both arms together. ``zero_sd`` as in `mean_difference`.
    """
    of_1, of_2 = _second_order(mean_1, sd_1, n_1), _second_order(mean_2, sd_2, n_2)
    opposite = np.sign(mean_1) * np.sign(mean_2) < 0
    few = too_few(n_1 + n_2 - 2, "none") if vtype == "HO" else ()
    if vtype == "HO":
        pooled = pooled_sd(sd_1, n_1, sd_2, n_2)
        v = _second_order(mean_1, pooled, n_1) + _second_order(mean_2, pooled, n_2)
    elif vtype in {"AV", "AVHO"} and average is not None:
        one, two = (np.where(opposite, np.nan, np.abs(sd / mean)) for sd, mean in ((sd_1, mean_1), (sd_2, mean_2)))
        if vtype == "AVHO":
            total = n_1 + n_2
            both = average((n_1 * one + n_2 * two) / total, total)
            v = both * both * (1 / n_1 + 1 / n_2)
        else:
            v = average(one, n_1) ** 2 / n_1 + average(two, n_2) ** 2 / n_2
    else:
        v = of_1 + of_2
        if vtype == "LS2":
            v = v + (of_1 * of_1 + of_2 * of_2) / 2
    corrected = rom_correction != "none" and smd_correction != "none"
    y = log_ratio(np.abs(mean_1), np.abs(mean_2)) + ((of_1 - of_2) / 2 if corrected else 0.0)
    reasons = (((mean_1 == 0) | (mean_2 == 0), MEAN_IS_ZERO), (opposite, OPPOSITE), *few)
    return MeasuredEffects(y, v, (*unusable_arms(sd_1, n_1, sd_2, n_2, zero_sd), *reasons))


def ratio_of_spreads(
    sd_1: FloatArray,
    n_1: FloatArray,
    sd_2: FloatArray,
    n_2: FloatArray,
    smd_correction: str = "exact",
    vtype: str = "LS",
) -> MeasuredEffects:
    """Take ln(s₁/s₂) + 1/(2(n₁ - 1)) - 1/(2(n₂ - 1)), with variance 1/(2(n₁ - 1)) + 1/(2(n₂ - 1)).

    ``vtype``: ``LS``; ``LS2`` with the second-order terms, n/(2(n - 1)²) for each arm. ``smd_correction`` ``none``
    leaves the logarithm as it is.
    """
    y = log_ratio(sd_1, sd_2) + _spread_bias(n_1, n_2, smd_correction)
    return MeasuredEffects(y, _of_spread(n_1, vtype) + _of_spread(n_2, vtype), _without_spread(sd_1, n_1, sd_2, n_2))


def ratio_of_variation(
    mean_1: FloatArray,
    sd_1: FloatArray,
    n_1: FloatArray,
    mean_2: FloatArray,
    sd_2: FloatArray,
    n_2: FloatArray,
    smd_correction: str = "exact",
    vtype: str = "LS",
) -> MeasuredEffects:
    """Take the logarithm of the ratio of coefficients of variation: that of the spreads less that of the means.

    Both are corrected as `ratio_of_spreads` and `ratio_of_means` say, and the variance (``LS`` or, of second order,
    ``LS2``) is the sum of theirs, for in normal samples mean and spread are independent.
    """
    of_1, of_2 = _second_order(mean_1, sd_1, n_1), _second_order(mean_2, sd_2, n_2)
    correction = _spread_bias(n_1, n_2, smd_correction)
    if smd_correction != "none":
        correction = correction - (of_1 - of_2) / 2
    v = _of_spread(n_1, vtype) + _of_spread(n_2, vtype) + (of_1 + of_2)
    if vtype == "LS2":
        v = v + (of_1 * of_1 + of_2 * of_2) / 2
    not_positive = ((mean_1 <= 0) | (mean_2 <= 0), NOT_POSITIVE)
    return MeasuredEffects(
        log_ratio(sd_1 * mean_2, sd_2 * mean_1) + correction,
        v,
        (*_without_spread(sd_1, n_1, sd_2, n_2), not_positive),
    )


def _second_order(mean: FloatArray, sd: FloatArray, n: FloatArray) -> FloatArray:
    """Give the squared coefficient of variation over n, the variance of the logarithm of a mean."""
    variation = sd / mean
    return variation * variation / n


def _of_spread(n: FloatArray, vtype: str) -> FloatArray:
    """Give the variance of the logarithm of a standard deviation."""
    return 1 / (2 * (n - 1)) if vtype == "LS" else n / (2 * (n - 1) ** 2)


def _spread_bias(n_1: FloatArray, n_2: FloatArray, correction: str) -> FloatArray | float:
    # 1/(2(n₁ - 1)) - 1/(2(n₂ - 1)) without a difference of two quotients.
    return 0.0 if correction == "none" else (n_2 - n_1) / (2 * (n_1 - 1) * (n_2 - 1))


def _without_spread(
    sd_1: FloatArray, n_1: FloatArray, sd_2: FloatArray, n_2: FloatArray
) -> tuple[tuple[np.ndarray, str], ...]:
    return (
        ((n_1 == 0) | (n_2 == 0), "no participants in an arm"),
        ((n_1 < 2) | (n_2 < 2), TOO_FEW),  # noqa: PLR2004 - the least that have a standard deviation
        ((sd_1 == 0) | (sd_2 == 0), SD_IS_ZERO),
    )


@hookimpl
def effect_measures() -> list[EffectMeasure]:
    """Offer the log ratios of means, of standard deviations and of coefficients of variation."""
    means, spreads = "m1i=mean_1, {}m2i=mean_2, {}", ("sd1i=sd_1, n1i=n_1, ", "sd2i=sd_2, n2i=n_2")
    arms = means.format(*spreads)
    nakagawa = "Nakagawa et al. (2015), Methods Ecol. Evol. 6:143-152"
    senior = "Senior, Viechtbauer & Nakagawa (2020), Res. Synth. Methods 11:553-567"
    return [
        EffectMeasure(
            "ROM",
            ratio_of_means,
            label="Ratio of Means",
            scale="log",
            variances=("LS", "LS2", "HO", "AV", "AVHO"),
            formula="y = ln(x̄₁/x̄₂) + ½(c₁/n₁ - c₂/n₂), c = (s/x̄)²; v = c₁/n₁ + c₂/n₂",
            reference="Hedges, Gurevitch & Curtis (1999), Ecology 80:1150-1156; Lajeunesse (2015), Ecology "
            f"96:2056-2063; Nakagawa et al. (2023), Ecol. Lett. 26:232-244; {senior}",
            r_equivalent=f"metafor::escalc(measure='ROM', {arms})",
            r_version="metafor 5.1",
        ),
        EffectMeasure(
            "VR",
            ratio_of_spreads,
            label="Variability Ratio",
            scale="log",
            variances=("LS", "LS2"),
            formula="y = ln(s₁/s₂) + 1/(2(n₁ - 1)) - 1/(2(n₂ - 1)); v = 1/(2(n₁ - 1)) + 1/(2(n₂ - 1))",
            reference=f"{nakagawa}, eq. 4 and 5; {senior}",
            r_equivalent=f"metafor::escalc(measure='VR', {''.join(spreads)})",
        ),
        EffectMeasure(
            "CVR",
            ratio_of_variation,
            label="Coefficient of Variation Ratio",
            scale="log",
            variances=("LS", "LS2"),
            formula="y = ln((s₁/x̄₁)/(s₂/x̄₂)) + 1/(2(n₁ - 1)) - 1/(2(n₂ - 1)) - ½(c₁/n₁ - c₂/n₂), c = "
            "(s/x̄)²; v = 1/(2(n₁ - 1)) + 1/(2(n₂ - 1)) + c₁/n₁ + c₂/n₂",
            reference=f"{nakagawa}, eq. 11 and 12; {senior}",
            r_equivalent=f"metafor::escalc(measure='CVR', {arms})",
            r_version="metafor 5.1",
        ),
    ]
