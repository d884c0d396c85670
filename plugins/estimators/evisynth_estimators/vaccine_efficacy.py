"""Measure how much of the risk a vaccine takes away."""

from __future__ import annotations

import numpy as np

from evisynth import EffectMeasure, FloatArray, Scale, hookimpl
from evisynth_estimators.two_by_two import risk_ratio


def _efficacy(y: FloatArray) -> FloatArray:
    return -np.expm1(y)


def _log_risk_ratio(efficacy: FloatArray) -> FloatArray:
    return np.log1p(-efficacy)


EFFICACY = Scale("efficacy", back=_efficacy, forward=_log_risk_ratio, decreasing=True)
"""1 - RR: a larger log risk ratio is a smaller efficacy, so that limits change places."""


@hookimpl
def effect_measures() -> list[EffectMeasure]:
    """Offer vaccine efficacy: the log risk ratio, shown as 1 - RR."""
    return [
        EffectMeasure(
            "VE",
            risk_ratio,
            label="Vaccine Efficacy",
            scale=EFFICACY,
            default_method="MH",
            uninformative="no events",
            variances=("LS", "AV"),
            formula="y = ln((a/n₁)/(c/n₂)), VE = 1 - exp y; v = 1/a - 1/n₁ + 1/c - 1/n₂",
            reference="Greenwood & Yule (1915), Proc. R. Soc. Med. 8:113-194; Halloran, Struchiner & Longini (1997), "
            "Am. J. Epidemiol. 146:789-803",
            r_equivalent="meta::metabin(events_1, n_1, events_2, n_2, sm='VE')",
        )
    ]
