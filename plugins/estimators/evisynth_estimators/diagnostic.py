"""Measure how well a diagnostic test tells the diseased from the healthy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import EffectMeasure, FloatArray, MeasuredEffects, hookimpl
from evisynth_estimators.two_by_two import log_ratio

if TYPE_CHECKING:
    from evisynth import Increments


def diagnostic_odds_ratio(
    tp: FloatArray, fp: FloatArray, fn: FloatArray, tn: FloatArray, increments: Increments
) -> MeasuredEffects:
    """Take ln(TP·TN/(FP·FN)) with variance 1/TP + 1/FP + 1/FN + 1/TN."""
    nobody = np.asarray((tp + fn == 0) | (fp + tn == 0))
    added = increments(tp, fp, fn, tn)
    a, b, c, d = tp + added, fp + added, fn + added, tn + added
    v = 1 / a + 1 / b + 1 / c + 1 / d
    return MeasuredEffects(log_ratio(a * d, b * c), v, ((nobody, "nobody with the disease, or nobody without it"),))


@hookimpl
def effect_measures() -> list[EffectMeasure]:
    """Offer the diagnostic odds ratio."""
    return [
        EffectMeasure(
            "DOR",
            diagnostic_odds_ratio,
            label="Diagnostic Odds Ratio",
            scale="log",
            formula="y = ln(TP·TN/(FP·FN)); v = 1/TP + 1/FP + 1/FN + 1/TN",
            reference="Glas, Lijmer, Prins, Bonsel & Bossuyt (2003), J. Clin. Epidemiol. 56:1129-1135",
            r_equivalent="meta::metabin(tp, tp+fn, fp, fp+tn, sm='DOR', method='Inverse')",
        )
    ]
