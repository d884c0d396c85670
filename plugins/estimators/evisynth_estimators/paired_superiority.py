"""Measure the probability that one of two dependent measurements exceeds the other, for normal data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import EffectMeasure, MeasuredEffects, hookimpl
from evisynth_estimators.change import NO_CHANGE_SD, change_variance
from evisynth_estimators.mean_difference import SD_IS_ZERO, TOO_FEW
from evisynth_estimators.superiority import PROBABILITY

if TYPE_CHECKING:
    from evisynth import FloatArray

CLES = "McGraw & Wong (1992), Psychol. Bull. 111:361-365; Goddard & Hinberg (1990), Stat. Med. 9:325-337"


def dependent_superiority(
    mean_1: FloatArray, sd_1: FloatArray, mean_2: FloatArray, sd_2: FloatArray, n: FloatArray, r: FloatArray
) -> MeasuredEffects:
    """Take Φ(δ), δ = (x̄₁ - x̄₂)/√(s₁² + s₂²), the probability for measurements of different people.

    The variance is the delta method's, φ(δ)² (s_d²/S + δ² (s₁⁴ + s₂⁴ + 2r²s₁²s₂²)/(2S²))/(n - 1) with S = s₁² + s₂² and
    s_d the standard deviation of the changes.
    """
    from scipy.special import ndtr  # noqa: PLC0415 - scipy comes with the first fit

    total = sd_1 * sd_1 + sd_2 * sd_2
    delta = (mean_1 - mean_2) / np.sqrt(total)
    one, two = sd_1 * sd_1 / total, sd_2 * sd_2 / total
    fourth = one * one + two * two + 2 * r * r * one * two
    spread = change_variance(sd_1, sd_2, r) / total
    v = np.exp(-delta * delta) / (2 * np.pi) * (spread + delta * delta * fourth / 2) / (n - 1)
    return MeasuredEffects(
        np.asarray(ndtr(delta)),
        v,
        ((n <= 1, TOO_FEW), (total == 0, SD_IS_ZERO), ((spread == 0) & (delta == 0), NO_CHANGE_SD)),
    )


@hookimpl
def effect_measures() -> list[EffectMeasure]:
    """Offer it under its two names: the common language effect size and the area under the ROC curve."""
    means = "m1i=mean_1, m2i=mean_2, sd1i=sd_1, sd2i=sd_2, ni=n, ri=r"
    names = {"CLESCN": "Probability of Superiority", "AUCCN": "Area under the Curve"}
    return [
        EffectMeasure(
            name,
            dependent_superiority,
            label=label,
            scale=PROBABILITY,
            formula="y = Φ(δ), δ = (x̄₁ - x̄₂)/s, s² = s₁² + s₂²; v = φ(δ)² (s_d²/s² + δ² (s₁⁴ + s₂⁴ "
            "+ 2r²s₁²s₂²)/(2s⁴))/(n - 1), s_d² = s₁² + s₂² - 2r s₁s₂",
            reference=CLES,
            r_equivalent=f"metafor::escalc(measure='{name}', {means})",
            r_version="metafor 4.8",
        )
        for name, label in names.items()
    ]
