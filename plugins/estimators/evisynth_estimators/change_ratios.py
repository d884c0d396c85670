"""Compare two measurements of one group, or of matched pairs, by ratios: of means, of spreads, of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import EffectMeasure, MeasuredEffects, hookimpl
from evisynth_estimators.change import NO_CHANGE_SD, change_variance
from evisynth_estimators.mean_difference import SD_IS_ZERO, TOO_FEW
from evisynth_estimators.mean_ratio import MEAN_IS_ZERO, NOT_POSITIVE, OPPOSITE
from evisynth_estimators.two_by_two import log_ratio

if TYPE_CHECKING:
    from evisynth import FloatArray, Reasons

FIXED = "the correlation is 1 or -1"

LAJEUNESSE = "Lajeunesse (2011), Ecology 92:2049-2055; Lajeunesse (2015), Ecology 96:2056-2063"
NAKAGAWA = (
    "Nakagawa et al. (2015), Methods Ecol. Evol. 6:143-152; "
    "Senior, Viechtbauer & Nakagawa (2020), Res. Synth. Methods 11:553-567"
)


def ratio_of_means(
    mean_1: FloatArray,
    sd_1: FloatArray,
    mean_2: FloatArray,
    sd_2: FloatArray,
    n: FloatArray,
    r: FloatArray,
    *,
    smd_correction: str = "exact",
    rom_correction: str = "Lajeunesse",
) -> MeasuredEffects:
    """Take ln(x̄₁/x̄₂), of means of one sign, with variance (c₁² + c₂² - 2r c₁c₂)/n and c = s/x̄.

    ``rom_correction``: ``Lajeunesse`` adds (c₁² - c₂²)/(2n), the second-order term of its bias; ``none`` does not, and
    neither does ``smd_correction`` ``none``.
    """
    v = change_variance(sd_1 / np.abs(mean_1), sd_2 / np.abs(mean_2), r) / n
    kind = "none" if rom_correction == "none" else smd_correction
    y = log_ratio(np.abs(mean_1), np.abs(mean_2)) + _bias(mean_1, sd_1, mean_2, sd_2, n, kind)
    zero, opposite = (mean_1 == 0) | (mean_2 == 0), np.sign(mean_1) * np.sign(mean_2) < 0
    return MeasuredEffects(y, v, ((n < 1, TOO_FEW), (zero, MEAN_IS_ZERO), (opposite, OPPOSITE), (v == 0, NO_CHANGE_SD)))


def variability_ratio(sd_1: FloatArray, sd_2: FloatArray, n: FloatArray, r: FloatArray) -> MeasuredEffects:
    """Take ln(s₁/s₂) with variance (1 - r²)/(n - 1); the corrections of the two logarithms for bias are equal."""
    return MeasuredEffects(log_ratio(sd_1, sd_2), _spread(n, r), (*_no_spread(sd_1, sd_2, n), (np.abs(r) == 1, FIXED)))


def coefficient_of_variation_ratio(
    mean_1: FloatArray,
    sd_1: FloatArray,
    mean_2: FloatArray,
    sd_2: FloatArray,
    n: FloatArray,
    r: FloatArray,
    smd_correction: str = "exact",
) -> MeasuredEffects:
    """Take ln of the ratio of the two s/x̄: `variability_ratio` less `ratio_of_means`, their variances added.

    Means and standard deviations of normal data are independent. ``smd_correction="none"`` leaves out the correction of
    the ratio of means for bias.
    """
    v = _spread(n, r) + change_variance(sd_1 / mean_1, sd_2 / mean_2, r) / n
    y = log_ratio(sd_1 * mean_2, sd_2 * mean_1) - _bias(mean_1, sd_1, mean_2, sd_2, n, smd_correction)
    not_positive = ((mean_1 <= 0) | (mean_2 <= 0), NOT_POSITIVE)
    return MeasuredEffects(y, v, (*_no_spread(sd_1, sd_2, n), not_positive, (v == 0, NO_CHANGE_SD)))


def _bias(
    mean_1: FloatArray, sd_1: FloatArray, mean_2: FloatArray, sd_2: FloatArray, n: FloatArray, smd_correction: str
) -> FloatArray:
    if smd_correction == "none":
        return np.zeros_like(mean_1)
    one, two = sd_1 / np.abs(mean_1), sd_2 / np.abs(mean_2)
    return (one - two) * (one + two) / (2 * n)


def _spread(n: FloatArray, r: FloatArray) -> FloatArray:
    return (1 - r) * (1 + r) / (n - 1)


def _no_spread(sd_1: FloatArray, sd_2: FloatArray, n: FloatArray) -> Reasons:
    return ((n <= 1, TOO_FEW), ((sd_1 == 0) | (sd_2 == 0), SD_IS_ZERO))


@hookimpl
def effect_measures() -> list[EffectMeasure]:
    """Offer ratios of means, of standard deviations and of coefficients of variation, for dependent measurements."""
    means = "m1i=mean_1, m2i=mean_2, sd1i=sd_1, sd2i=sd_2, ni=n, ri=r"
    return [
        EffectMeasure(
            "ROMC",
            ratio_of_means,
            label="Ratio of Means",
            scale="log",
            formula="y = ln(x̄₁/x̄₂) + (c₁² - c₂²)/(2n), c = s/x̄; v = (c₁² + c₂² - 2r c₁c₂)/n",
            reference=LAJEUNESSE,
            r_equivalent=f"metafor::escalc(measure='ROMC', {means})",
            r_version="metafor 5.1",
        ),
        EffectMeasure(
            "VRC",
            variability_ratio,
            label="Variability Ratio",
            scale="log",
            formula="y = ln(s₁/s₂); v = (1 - r²)/(n - 1)",
            reference=NAKAGAWA,
            r_equivalent="metafor::escalc(measure='VRC', sd1i=sd_1, sd2i=sd_2, ni=n, ri=r)",
        ),
        EffectMeasure(
            "CVRC",
            coefficient_of_variation_ratio,
            label="CV Ratio",
            scale="log",
            formula="y = ln(c₁/c₂) - (c₁² - c₂²)/(2n), c = s/x̄; v = (1 - r²)/(n - 1) + (c₁² + c₂² - 2r c₁c₂)/n",
            reference=NAKAGAWA,
            r_equivalent=f"metafor::escalc(measure='CVRC', {means})",
            r_version="metafor 5.1",
        ),
    ]
