"""Give the probability that a member of group 1 has the higher value: the common language effect size, the AUC."""

from __future__ import annotations

import numpy as np

from evisynth import EffectMeasure, FloatArray, MeasuredEffects, Scale, hookimpl
from evisynth_estimators.mean_difference import SD_IS_ZERO, TOO_FEW

EXTREME = "a probability of 0 or 1 has no variance"


def _possible(y: FloatArray) -> FloatArray:
    return np.clip(y, 0.0, 1.0)


PROBABILITY = Scale("probability", back=_possible, forward=np.asarray, null=0.5)


def reported(cles: FloatArray, n_1: FloatArray, n_2: FloatArray, vtype: str = "LS") -> MeasuredEffects:
    """Take the probability A as reported, with a variance that needs no more than the sizes of the groups.

    ``vtype``: ``LS`` A(1 - A)(1 + (N/2 - 1)((1 - A)/(2 - A) + A/(1 + A)))/((n₁ - 1)(n₂ - 1)), Newcombe's method 5;
    ``LS2`` Hanley & McNeil's, with (n₁ - 1)(1 - A)/(2 - A) + (n₂ - 1)A/(1 + A) in the place of the middle term, over
    the same; ``H0`` (N + 1)/(12 n₁n₂), that of A = ½ without ties; ``MAX`` A(1 - A)/(min(n₁, n₂) - 1), the largest
    possible.
    """
    spread, least = cles * (1 - cles), np.minimum(n_1, n_2)
    above, below = (1 - cles) / (2 - cles), cles / (1 + cles)
    if vtype == "H0":
        v = (n_1 + n_2 + 1) / (12 * n_1 * n_2)
    elif vtype == "MAX":
        v = spread / (least - 1)
    else:
        middle = (n_1 + n_2) / 2 - 1
        weights = (n_1 - 1, n_2 - 1) if vtype == "LS2" else (middle, middle)
        v = spread * (1 + weights[0] * above + weights[1] * below) / ((n_1 - 1) * (n_2 - 1))
    reasons = [(least == 0, "no participants in an arm")]
    if vtype != "H0":
        reasons += [(least < 2, TOO_FEW), (spread == 0, EXTREME)]  # noqa: PLR2004 - the least that have a spread
    return MeasuredEffects(cles, v, tuple(reasons))


def from_means(
    mean_1: FloatArray,
    sd_1: FloatArray,
    n_1: FloatArray,
    mean_2: FloatArray,
    sd_2: FloatArray,
    n_2: FloatArray,
) -> MeasuredEffects:
    """Take Φ(δ) with δ = (x̄₁ - x̄₂)/√(s₁² + s₂²): the probability where both groups are normal.

    The variance is the delta method's, φ(δ)² ((s₁²/(n₁ - 1) + s₂²/(n₂ - 1))/s² + δ² (s₁⁴/(n₁ - 1) + s₂⁴/(n₂ - 1))/
    (2 s⁴)) with s² = s₁² + s₂².
    """
    from scipy.special import ndtr  # noqa: PLC0415 - scipy comes with the first fit

    square_1, square_2 = sd_1 * sd_1, sd_2 * sd_2
    whole = square_1 + square_2
    delta = (mean_1 - mean_2) / np.sqrt(whole)
    share_1, share_2 = square_1 / whole, square_2 / whole
    inner = share_1 / (n_1 - 1) + share_2 / (n_2 - 1)
    outer = share_1 * share_1 / (n_1 - 1) + share_2 * share_2 / (n_2 - 1)
    v = np.exp(-delta * delta) / (2 * np.pi) * (inner + delta * delta * outer / 2)
    return MeasuredEffects(
        np.asarray(ndtr(delta)),
        v,
        (
            ((n_1 == 0) | (n_2 == 0), "no participants in an arm"),
            ((n_1 < 2) | (n_2 < 2), TOO_FEW),  # noqa: PLR2004 - the least that have a standard deviation
            (whole == 0, SD_IS_ZERO),
            (v < _SMALLEST, "the groups do not overlap: the probability has no variance"),
        ),
    )


_SMALLEST = 1e-50
"""Variances below cannot be pooled, as `evisynth.Effects` says."""


@hookimpl
def effect_measures() -> list[EffectMeasure]:
    """Offer the probability as reported, and as it follows from means; both by two names."""
    newcombe = "Newcombe (2006), Stat. Med. 25:559-573"
    cho = "Cho, Matthews & Harel (2019), Stat. Methods Med. Res. 28:3139-3159"
    hanley = "Hanley & McNeil (1982), Radiology 143:29-36"
    names = (("CLES", "CLESN", "Probability of Superiority"), ("AUC", "AUCN", "Area under the Curve"))
    arms = "m1i=mean_1, sd1i=sd_1, n1i=n_1, m2i=mean_2, sd2i=sd_2, n2i=n_2"
    made: list[EffectMeasure] = []
    for as_reported, from_normal, label in names:
        made += [
            EffectMeasure(
                as_reported,
                reported,
                label=label,
                scale=PROBABILITY,
                variances=("LS", "LS2", "H0", "MAX"),
                formula="y = A, the probability as reported; v = A(1 - A)(1 + (N/2 - 1)((1 - A)/(2 - A) + "
                "A/(1 + A)))/((n₁ - 1)(n₂ - 1))",
                reference=f"{hanley}; {newcombe}; {cho}",
                r_equivalent=f"metafor::escalc(measure='{as_reported}', ai=cles, n1i=n_1, n2i=n_2)",
                r_version="metafor 4.8",
            ),
            EffectMeasure(
                from_normal,
                from_means,
                label=label,
                scale=PROBABILITY,
                variances=("LS",),
                formula="y = Φ(δ), δ = (x̄₁ - x̄₂)/s, s² = s₁² + s₂²; v = φ(δ)² ((s₁²/(n₁ - 1) + s₂²/(n₂ "
                "- 1))/s² + δ² (s₁⁴/(n₁ - 1) + s₂⁴/(n₂ - 1))/(2s⁴))",
                reference=f"McGraw & Wong (1992), Psychol. Bull. 111:361-365; {newcombe}",
                r_equivalent=f"metafor::escalc(measure='{from_normal}', {arms})",
                r_version="metafor 4.8",
            ),
        ]
    return made
