"""Measure change within one group, or the difference of matched pairs, as a mean or standardised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import EffectMeasure, MeasuredEffects, hookimpl
from evisynth_estimators.mean_difference import SD_IS_ZERO, TOO_FEW, bias_factor, too_few

if TYPE_CHECKING:
    from evisynth import FloatArray, Reasons

NO_CHANGE_SD = "the SD of the change is 0"

BECKER = "Becker (1988), Br. J. Math. Stat. Psychol. 41:257-278"
BONETT = "Bonett (2008), Psychol. Methods 13:99-109"
BORENSTEIN = "Borenstein (2009), Effect sizes for continuous data, in Handbook of Research Synthesis, 2nd ed., ch. 12"
COUSINEAU = "Cousineau (2020), Quant. Methods Psychol. 16:418-421"
GIBBONS = "Gibbons, Hedeker & Davis (1993), J. Educ. Stat. 18:271-279"
MORRIS = "Morris (2000), Br. J. Math. Stat. Psychol. 53:17-29"


def mean_change(
    mean_1: FloatArray, sd_1: FloatArray, mean_2: FloatArray, sd_2: FloatArray, n: FloatArray, r: FloatArray
) -> MeasuredEffects:
    """Take the difference of means with variance (s₁² + s₂² - 2r s₁s₂)/n, that of the changes over n.

    Where only the change and its standard deviation are known, they may stand in ``mean_1`` and ``sd_1`` with
    ``mean_2``, ``sd_2`` and ``r`` 0.
    """
    spread = change_variance(sd_1, sd_2, r)
    return MeasuredEffects(mean_1 - mean_2, spread / n, ((n < 1, TOO_FEW), (spread == 0, NO_CHANGE_SD)))


def change_by_change_sd(
    mean_1: FloatArray,
    sd_1: FloatArray,
    mean_2: FloatArray,
    sd_2: FloatArray,
    n: FloatArray,
    r: FloatArray,
    vtype: str = "LS",
    smd_correction: str = "exact",
) -> MeasuredEffects:
    """Take the mean change over the standard deviation of the changes, freed of bias by J(n - 1).

    ``vtype``: ``LS`` is 1/n + g²/(2n), ``LS2`` J² (1/n + d²/(2n)) with d before the correction.
    """
    spread = change_variance(sd_1, sd_2, r)
    d = (mean_1 - mean_2) / np.sqrt(spread)
    return _corrected(d, n, n - 1, 1 / n, vtype, smd_correction, (spread == 0, NO_CHANGE_SD))


def change_by_first_sd(
    mean_1: FloatArray,
    sd_1: FloatArray,
    mean_2: FloatArray,
    n: FloatArray,
    r: FloatArray,
    vtype: str = "LS",
    smd_correction: str = "exact",
) -> MeasuredEffects:
    """Take the mean change over the standard deviation of the first measurements, freed of bias by J(n - 1).

    ``vtype``: ``LS`` is 2(1 - r)/n + g²/(2n), ``LS2`` J² (2(1 - r)/n + d²/(2n)) with d before the correction; both hold
    the two standard deviations to be equal in the population.
    """
    d = (mean_1 - mean_2) / sd_1
    return _corrected(d, n, n - 1, 2 * (1 - r) / n, vtype, smd_correction, (sd_1 == 0, SD_IS_ZERO))


def change_by_first_sd_unequal(
    mean_1: FloatArray,
    sd_1: FloatArray,
    mean_2: FloatArray,
    sd_2: FloatArray,
    n: FloatArray,
    r: FloatArray,
    smd_correction: str = "exact",
) -> MeasuredEffects:
    """Take the mean change over the first standard deviation, holding the two to differ in the population.

    The variance is s_d²/(s₁² (n - 1)) + g²/(2(n - 1)) with s_d that of the changes (Bonett 2008, eq. 13).
    """
    g = bias_factor(n - 1, smd_correction) * (mean_1 - mean_2) / sd_1
    v = change_variance(sd_1, sd_2, r) / (sd_1 * sd_1 * (n - 1)) + g * g / (2 * (n - 1))
    return MeasuredEffects(g, v, (*too_few(n - 1, smd_correction), (sd_1 == 0, SD_IS_ZERO)))


def change_by_mean_sd(
    mean_1: FloatArray,
    sd_1: FloatArray,
    mean_2: FloatArray,
    sd_2: FloatArray,
    n: FloatArray,
    r: FloatArray,
    smd_correction: str = "exact",
) -> MeasuredEffects:
    """Take the mean change over √(½(s₁² + s₂²)), freed of bias by J(2(n - 1)/(1 + r²)), Cousineau's degrees of freedom.

    The variance is 2(1 - r)/n + g² (1 + r²)/(4n), for equal standard deviations in the population.
    """
    g, mean_square = _by_mean_sd(mean_1, sd_1, mean_2, sd_2, n, r, smd_correction)
    v = 2 * (1 - r) / n + g * g * (1 + r * r) / (4 * n)
    return MeasuredEffects(g, v, (*_few_by_mean_sd(n, r, smd_correction), (mean_square == 0, SD_IS_ZERO)))


def change_by_mean_sd_unequal(
    mean_1: FloatArray,
    sd_1: FloatArray,
    mean_2: FloatArray,
    sd_2: FloatArray,
    n: FloatArray,
    r: FloatArray,
    smd_correction: str = "exact",
) -> MeasuredEffects:
    """Take the mean change over s = √(½(s₁² + s₂²)), holding the two to differ in the population.

    The variance is s_d²/(s² (n - 1)) + g² (s₁⁴ + s₂⁴ + 2r²s₁²s₂²)/(8s⁴ (n - 1)) (Bonett 2008, eq. 10).
    """
    g, mean_square = _by_mean_sd(mean_1, sd_1, mean_2, sd_2, n, r, smd_correction)
    # Shares of the mean square keep fourth powers within range.
    one, two = sd_1 * sd_1 / mean_square, sd_2 * sd_2 / mean_square
    fourth = one * one + two * two + 2 * r * r * one * two
    v = (change_variance(sd_1, sd_2, r) / mean_square + g * g * fourth / 8) / (n - 1)
    return MeasuredEffects(g, v, (*_few_by_mean_sd(n, r, smd_correction), (mean_square == 0, SD_IS_ZERO)))


def change_variance(sd_1: FloatArray, sd_2: FloatArray, r: FloatArray) -> FloatArray:
    """Give s₁² + s₂² - 2r s₁s₂, the variance of changes, without the cancellation of a strong correlation."""
    return (sd_1 - sd_2) ** 2 + 2 * (1 - r) * sd_1 * sd_2


def _corrected(
    d: FloatArray,
    n: FloatArray,
    dof: FloatArray,
    sampling: FloatArray,
    vtype: str,
    smd_correction: str,
    zero: tuple[np.ndarray, str],
) -> MeasuredEffects:
    factor = bias_factor(dof, smd_correction)
    g = factor * d
    v = sampling + g * g / (2 * n) if vtype == "LS" else factor * factor * (sampling + d * d / (2 * n))
    return MeasuredEffects(g, v, (*too_few(dof, smd_correction), zero))


def _by_mean_sd(
    mean_1: FloatArray,
    sd_1: FloatArray,
    mean_2: FloatArray,
    sd_2: FloatArray,
    n: FloatArray,
    r: FloatArray,
    smd_correction: str,
) -> tuple[FloatArray, FloatArray]:
    mean_square = (sd_1 * sd_1 + sd_2 * sd_2) / 2
    factor = bias_factor(_cousineau(n, r), smd_correction)
    return factor * (mean_1 - mean_2) / np.sqrt(mean_square), mean_square


def _cousineau(n: FloatArray, r: FloatArray) -> FloatArray:
    """Give the degrees of freedom of a mean of two dependent variances."""
    return 2 * (n - 1) / (1 + r * r)


def _few_by_mean_sd(n: FloatArray, r: FloatArray, smd_correction: str) -> Reasons:
    return ((n <= 1, TOO_FEW), *too_few(_cousineau(n, r), smd_correction)[1:])


@hookimpl
def effect_measures() -> list[EffectMeasure]:
    """Offer the mean change, raw and over four standard deviations."""
    means = "m1i=mean_1, m2i=mean_2, sd1i=sd_1, sd2i=sd_2, ni=n, ri=r"
    escalc = f"metafor::escalc(measure='{{}}', {means})"
    label = "Std. Mean Change"
    return [
        EffectMeasure(
            "MC",
            mean_change,
            label="Mean Change",
            scale="linear",
            formula="y = x̄₁ - x̄₂; v = (s₁² + s₂² - 2r s₁s₂)/n",
            reference=f"{MORRIS}; {BORENSTEIN}",
            r_equivalent=escalc.format("MC"),
        ),
        EffectMeasure(
            "SMCC",
            change_by_change_sd,
            label=label,
            scale="linear",
            variances=("LS", "LS2"),
            formula="g = J(n - 1) (x̄₁ - x̄₂)/s_d, s_d² = s₁² + s₂² - 2r s₁s₂; v = 1/n + g²/(2n); J(m) = "
            "Γ(m/2)/(√(m/2) Γ((m - 1)/2))",
            reference=f"{GIBBONS}; {BORENSTEIN}",
            r_equivalent=escalc.format("SMCC"),
        ),
        EffectMeasure(
            "SMCR",
            change_by_first_sd,
            label=label,
            scale="linear",
            variances=("LS", "LS2"),
            formula="g = J(n - 1) (x̄₁ - x̄₂)/s₁; v = 2(1 - r)/n + g²/(2n); J(m) = Γ(m/2)/(√(m/2) Γ((m - 1)/2))",
            reference=f"{BECKER}; {MORRIS}",
            r_equivalent="metafor::escalc(measure='SMCR', m1i=mean_1, m2i=mean_2, sd1i=sd_1, ni=n, ri=r)",
        ),
        EffectMeasure(
            "SMCRH",
            change_by_first_sd_unequal,
            label=label,
            scale="linear",
            formula="g = J(n - 1) (x̄₁ - x̄₂)/s₁; v = s_d²/(s₁² (n - 1)) + g²/(2(n - 1)), s_d² = s₁² + s₂² - "
            "2r s₁s₂; J(m) = Γ(m/2)/(√(m/2) Γ((m - 1)/2))",
            reference=BONETT,
            r_equivalent=escalc.format("SMCRH"),
            r_version="metafor 5.1",
        ),
        EffectMeasure(
            "SMCRP",
            change_by_mean_sd,
            label=label,
            scale="linear",
            formula="g = J(2(n - 1)/(1 + r²)) (x̄₁ - x̄₂)/s, s² = ½(s₁² + s₂²); v = 2(1 - r)/n + g² (1 + "
            "r²)/(4n); J(m) = Γ(m/2)/(√(m/2) Γ((m - 1)/2))",
            reference=COUSINEAU,
            r_equivalent=escalc.format("SMCRP"),
            r_version="metafor 4.4",
        ),
        EffectMeasure(
            "SMCRPH",
            change_by_mean_sd_unequal,
            label=label,
            scale="linear",
            formula="g = J(2(n - 1)/(1 + r²)) (x̄₁ - x̄₂)/s, s² = ½(s₁² + s₂²); v = s_d²/(s² (n - 1)) + g² "
            "(s₁⁴ + s₂⁴ + 2r²s₁²s₂²)/(8s⁴ (n - 1)), s_d² = s₁² + s₂² - 2r s₁s₂; J(m) = Γ(m/2)/(√(m/2) "
            "Γ((m - 1)/2))",
            reference=f"{BONETT}; {COUSINEAU}",
            r_equivalent=escalc.format("SMCRPH"),
            r_version="metafor 4.4",
        ),
    ]
