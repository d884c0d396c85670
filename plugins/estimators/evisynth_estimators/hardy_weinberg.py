"""Measure how far genotype counts are from Hardy–Weinberg equilibrium."""

from __future__ import annotations

import numpy as np

from evisynth import EffectMeasure, FloatArray, MeasuredEffects, hookimpl
from evisynth_estimators.two_by_two import log_ratio

EMPTY = "a genotype that nobody has"


def relative_excess_heterozygosity(
    genotype_11: FloatArray, genotype_12: FloatArray, genotype_22: FloatArray
) -> MeasuredEffects:
    """Take ln(n₁₂/(2√(n₁₁ n₂₂))), 0 in equilibrium, with variance 1/n₁₂ + 1/(4n₁₁) + 1/(4n₂₂)."""
    y = log_ratio(genotype_12 * genotype_12, 4 * genotype_11 * genotype_22) / 2
    v = 1 / genotype_12 + 1 / (4 * genotype_11) + 1 / (4 * genotype_22)
    empty = np.asarray((genotype_11 == 0) | (genotype_12 == 0) | (genotype_22 == 0))
    return MeasuredEffects(y, v, ((empty, EMPTY),))


@hookimpl
def effect_measures() -> list[EffectMeasure]:
    """Offer relative excess heterozygosity."""
    return [
        EffectMeasure(
            "REH",
            relative_excess_heterozygosity,
            label="Relative Excess Heterozygosity",
            scale="log",
            formula="y = ln(n₁₂/(2√(n₁₁n₂₂))); v = 1/n₁₂ + 1/(4n₁₁) + 1/(4n₂₂)",
            reference="Ziegler, Van Steen & Wellek (2011), Breast Cancer Res. Treat. 128:197-201",
            r_equivalent="metafor::escalc(measure='REH', ai=genotype_11, bi=genotype_12, ci=genotype_22)",
        )
    ]
