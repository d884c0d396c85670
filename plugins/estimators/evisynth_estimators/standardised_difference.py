"""Standardise the difference of two means by another standard deviation than the pooled one, or make a log odds ratio.

All take the effect d, corrected for bias, and a variance of two parts: that of the difference of means, and what the
standard deviation adds to it, d² over twice its degrees of freedom.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import EffectMeasure, FloatArray, MeasuredEffects, hookimpl
from evisynth_estimators.mean_difference import (
    SD_IS_ZERO,
    TOO_FEW,
    bias_factor,
    pooled_sd,
    too_few,
    unbiased_variance_factor,
    unusable_arms,
)

if TYPE_CHECKING:
    from evisynth_estimators.mean_difference import Averaging

NORMAL = 1.65
"""log odds ratio per standardised difference of normal distributions, after Cox & Snell (1989)."""
LOGISTIC = np.pi / np.sqrt(3.0)
"""log odds ratio per standardised difference of logistic distributions: their standard deviation."""


def by_average_variance(  # noqa: PLR0913 - six columns of a table and what the settings say
    mean_1: FloatArray,
    sd_1: FloatArray,
    n_1: FloatArray,
    mean_2: FloatArray,
    sd_2: FloatArray,
    n_2: FloatArray,
    smd_correction: str = "exact",
    zero_sd: str = "kept",
    vtype: str = "LS",
) -> MeasuredEffects:
    """Divide the difference of means by the root of the average of two variances that may differ.

    With s² that average, the variance is (s₁²/m₁ + s₂²/m₂)/s² + g² (s₁⁴/k₁ + s₂⁴/k₂)/(8 s⁴), where ``LS`` takes m = k =
    n - 1, ``LS2`` m = k = n and ``LS3`` m = n, k = n - 1. ``smd_correction`` and ``zero_sd`` as in
    `standardised_mean_difference`.
    """
    square_1, square_2 = sd_1 * sd_1, sd_2 * sd_2
    whole = square_1 + square_2
    g = bias_factor(n_1 + n_2 - 2, smd_correction) * (mean_1 - mean_2) / np.sqrt(whole / 2)
    share_1, share_2 = square_1 / whole, square_2 / whole
    of_means, of_sds = (0 if vtype in {"LS2", "LS3"} else 1), (0 if vtype == "LS2" else 1)
    means = share_1 / (n_1 - of_means) + share_2 / (n_2 - of_means)
    spread = share_1 * share_1 / (n_1 - of_sds) + share_2 * share_2 / (n_2 - of_sds)
    few = ((n_1 < 2) | (n_2 < 2), TOO_FEW)  # noqa: PLR2004 - the least that have a standard deviation
    return MeasuredEffects(g, 2 * means + g * g * spread / 2, (*unusable_arms(sd_1, n_1, sd_2, n_2, zero_sd), few))


def by_second_sd(
    mean_1: FloatArray,
    n_1: FloatArray,
    mean_2: FloatArray,
    sd_2: FloatArray,
    n_2: FloatArray,
    smd_correction: str = "exact",
    vtype: str = "LS",
    average: Averaging | None = None,
) -> MeasuredEffects:
    """Divide the difference of means by the standard deviation of arm 2 (Glass's Δ), equal variances supposed.

    The variance is 1/n₁ + 1/n₂ and, with m = n₂ - 1 and J the exact correction, by ``vtype``: ``LS`` g²/(2n₂); ``LS2``
    the sum with d²/(2n₂), times the square of the correction; ``UB`` the unbiased g² (1 - (m - 2)/(m J²)); ``AV``
    ḡ²/(2n₂), ḡ the mean of g over the studies, weighted by n₁ + n₂; ``Deeks`` g²/(2m), as metacont takes it.
    """
    dof = n_2 - 1
    d = (mean_1 - mean_2) / sd_2
    factor = bias_factor(dof, smd_correction)
    g = factor * d
    means = 1 / n_1 + 1 / n_2
    if vtype == "UB":
        v = means + g * g * unbiased_variance_factor(dof)
    elif vtype == "Deeks":
        v = means + g * g / (2 * dof)
    elif vtype == "LS2":
        v = factor * factor * (means + d * d / (2 * n_2))
    else:
        centre = g if vtype != "AV" or average is None else average(g, n_1 + n_2)
        v = means + centre * centre / (2 * n_2)
    return MeasuredEffects(
        g,
        v,
        (
            ((n_1 == 0) | (n_2 == 0), "no participants in an arm"),
            (sd_2 == 0, SD_IS_ZERO),
            *too_few(dof, smd_correction),
        ),
    )


def by_second_sd_of_unequal(
    mean_1: FloatArray,
    sd_1: FloatArray,
    n_1: FloatArray,
    mean_2: FloatArray,
    sd_2: FloatArray,
    n_2: FloatArray,
    smd_correction: str = "exact",
) -> MeasuredEffects:
    """Divide the difference of means by the standard deviation of arm 2, with variances that may differ.

    The variance is (s₁²/s₂²)/(n₁ - 1) + 1/(n₂ - 1) + g²/(2(n₂ - 1)).
    """
    dof = n_2 - 1
    g = bias_factor(dof, smd_correction) * (mean_1 - mean_2) / sd_2
    ratio = sd_1 / sd_2
    v = ratio * ratio / (n_1 - 1) + 1 / dof + g * g / (2 * dof)
    return MeasuredEffects(
        g,
        v,
        (
            ((n_1 == 0) | (n_2 == 0), "no participants in an arm"),
            (sd_2 == 0, SD_IS_ZERO),
            ((n_1 < 2) | (n_2 < 2), TOO_FEW),  # noqa: PLR2004 - the least that have a standard deviation
            *too_few(dof, smd_correction),
        ),
    )


def log_odds_ratio_of_logistic(
    mean_1: FloatArray,
    sd_1: FloatArray,
    n_1: FloatArray,
    mean_2: FloatArray,
    sd_2: FloatArray,
    n_2: FloatArray,
    zero_sd: str = "kept",
) -> MeasuredEffects:
    """Take π/√3 Cohen's d: the log odds ratio of any cut where both groups are logistic and differ in place only."""
    return _scaled_d(LOGISTIC, mean_1, sd_1, n_1, mean_2, sd_2, n_2, zero_sd)


def log_odds_ratio_of_normal(
    mean_1: FloatArray,
    sd_1: FloatArray,
    n_1: FloatArray,
    mean_2: FloatArray,
    sd_2: FloatArray,
    n_2: FloatArray,
    zero_sd: str = "kept",
) -> MeasuredEffects:
    """Take 1.65 Cohen's d: the log odds ratio of a cut where both groups are normal and differ in place only."""
    return _scaled_d(NORMAL, mean_1, sd_1, n_1, mean_2, sd_2, n_2, zero_sd)


def _scaled_d(
    factor: float,
    mean_1: FloatArray,
    sd_1: FloatArray,
    n_1: FloatArray,
    mean_2: FloatArray,
    sd_2: FloatArray,
    n_2: FloatArray,
    zero_sd: str,
) -> MeasuredEffects:
    total = n_1 + n_2
    d = (mean_1 - mean_2) / pooled_sd(sd_1, n_1, sd_2, n_2)
    v = factor * factor * (total / (n_1 * n_2) + d * d / (2 * total))
    return MeasuredEffects(factor * d, v, (*unusable_arms(sd_1, n_1, sd_2, n_2, zero_sd), *too_few(total - 2, "none")))


@hookimpl
def effect_measures() -> list[EffectMeasure]:
    """Offer differences in units of an average or of the control group's SD, and log odds ratios made of d."""
    arms = "m1i=mean_1, sd1i=sd_1, n1i=n_1, m2i=mean_2, sd2i=sd_2, n2i=n_2"
    escalc = f"metafor::escalc(measure='{{}}', {arms})"
    hedges = "Hedges (1981), J. Educ. Stat. 6:107-128"
    to_odds = "Hasselblad & Hedges (1995), Psychol. Bull. 117:167-178; Chinn (2000), Stat. Med. 19:3127-3131"
    return [
        EffectMeasure(
            "SMDH",
            by_average_variance,
            label="Std. Mean Difference (Unequal Variances)",
            scale="linear",
            variances=("LS", "LS2", "LS3"),
            formula="g = J(N - 2) (x̄₁ - x̄₂)/s, s² = ½(s₁² + s₂²); v = (s₁²/(n₁ - 1) + s₂²/(n₂ - 1))/s² + g² "
            "(s₁⁴/(n₁ - 1) + s₂⁴/(n₂ - 1))/(8s⁴); J(m) = Γ(m/2)/(√(m/2) Γ((m - 1)/2))",
            reference="Bonett (2008), Psychol. Methods 13:99-109; Bonett (2009), Psychol. Methods 14:225-238",
            r_equivalent=escalc.format("SMDH"),
            r_version="metafor 5.1",
        ),
        EffectMeasure(
            "SMD1",
            by_second_sd,
            label="Std. Mean Difference (SD of Group 2)",
            scale="linear",
            variances=("LS", "LS2", "UB", "AV", "Deeks"),
            formula="g = J(n₂ - 1) (x̄₁ - x̄₂)/s₂; v = 1/n₁ + 1/n₂ + g²/(2n₂); J(m) = Γ(m/2)/(√(m/2) Γ((m - 1)/2))",
            reference=f"Glass (1976), Educ. Res. 5(10):3-8; {hedges}; Deeks, Altman & Bradburn (2001), in: Egger, "
            "Davey Smith & Altman, Systematic Reviews in Health Care, ch. 15",
            r_equivalent="metafor::escalc(measure='SMD1', m1i=mean_1, n1i=n_1, m2i=mean_2, sd2i=sd_2, n2i=n_2)",
            r_version="metafor 3.0",
        ),
        EffectMeasure(
            "SMD1H",
            by_second_sd_of_unequal,
            label="Std. Mean Difference (SD of Group 2, Unequal Variances)",
            scale="linear",
            variances=("LS",),
            formula="g = J(n₂ - 1) (x̄₁ - x̄₂)/s₂; v = (s₁²/s₂²)/(n₁ - 1) + 1/(n₂ - 1) + g²/(2(n₂ - 1)); J(m) "
            "= Γ(m/2)/(√(m/2) Γ((m - 1)/2))",
            reference=f"{hedges}; Bonett (2008), Psychol. Methods 13:99-109",
            r_equivalent=escalc.format("SMD1H"),
            r_version="metafor 5.1",
        ),
        *(
            EffectMeasure(
                name,
                log_odds_ratio_of_logistic,
                label="Odds Ratio (from Std. Mean Difference)",
                scale="log",
                variances=("LS",),
                formula="y = (π/√3) d, d = (x̄₁ - x̄₂)/s, s pooled; v = (π²/3)(1/n₁ + 1/n₂ + d²/(2N))",
                reference=to_odds,
                r_equivalent=escalc.format("D2ORL"),
            )
            for name in ("D2OR", "D2ORL")
        ),
        EffectMeasure(
            "D2ORN",
            log_odds_ratio_of_normal,
            label="Odds Ratio (from Std. Mean Difference, Normal)",
            scale="log",
            variances=("LS",),
            formula="y = 1.65 d, d = (x̄₁ - x̄₂)/s, s pooled; v = 1.65² (1/n₁ + 1/n₂ + d²/(2N))",
            reference="Cox & Snell (1989), Analysis of Binary Data; Sánchez-Meca, Marín-Martínez & Chacón-Moscoso "
            "(2003), Psychol. Methods 8:448-467",
            r_equivalent=escalc.format("D2ORN"),
        ),
    ]
