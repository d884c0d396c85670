"""Take the risks of two arms, the scales they are shown on, and the risk that a pooled effect makes of another."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth_reporters.chart import Axis, axis_over

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from evisynth import FloatArray, MetaAnalysis

Arm = tuple[float, float]
"""Events and participants."""


@attrs.frozen
class Events:
    """Hold the events and participants of both arms of a study."""

    arms: tuple[Arm, Arm]

    @property
    def n(self) -> float:
        """Participants of both arms."""
        return self.arms[0][1] + self.arms[1][1]


def events_by_row(analysis: MetaAnalysis) -> dict[int, Events]:
    """Give the counts of the rows that have both arms, events and non-events exchanged where the settings do so."""
    made: dict[int, Events] = {}
    for row, study in enumerate(analysis.studies):
        arms: list[Arm] = []
        for arm in (1, 2):
            events, n = study.data.get(f"events_{arm}"), study.data.get(f"n_{arm}")
            rest = study.data.get(f"nonevents_{arm}")
            if n is None and events is not None and rest is not None:
                n = events + rest
            if events is not None and n is not None and n > 0:
                arms.append((n - events if analysis.settings.swap_events else events, n))
        if len(arms) == 2:  # noqa: PLR2004 - both
            made[row] = Events((arms[0], arms[1]))
    return made


@attrs.frozen
class RiskScale:
    """Hold what is shown of an arm, and the way between it and a risk."""

    title: str
    of_risk: Callable[[FloatArray], FloatArray]
    risk_of: Callable[[FloatArray], FloatArray]
    needs_events: bool
    """Whether an arm without events, or of events alone, has no place on it."""

    def axis(self, values: Sequence[float]) -> Axis:
        """Take an axis that holds some numbers."""
        if self.needs_events:
            return axis_over(values, log=True, spare=0.08)
        highest = max(values)
        return Axis(0.0, min(1.0, 1.12 * highest) if highest > 0 else 1.0)


def _as_it_is(values: FloatArray) -> FloatArray:
    return values


def _odds(risks: FloatArray) -> FloatArray:
    return np.where((risks >= 0) & (risks < 1), risks / (1.0 - risks), np.nan)


def _risk_of_odds(odds: FloatArray) -> FloatArray:
    return odds / (1.0 + odds)


def _possible(risks: FloatArray) -> FloatArray:
    return np.where((risks >= 0) & (risks <= 1), risks, np.nan)


RISK_SCALES: Mapping[str, RiskScale] = {
    "risk": RiskScale("Risk", _possible, _as_it_is, needs_events=False),
    "log risk": RiskScale("Risk", _possible, _as_it_is, needs_events=True),
    "log odds": RiskScale("Odds", _odds, _risk_of_odds, needs_events=True),
}


def _by_odds_ratio(risks: FloatArray, theta: float) -> FloatArray:
    factor = math.exp(theta)
    return factor * risks / (1.0 - risks + factor * risks)


def _by_risk_ratio(risks: FloatArray, theta: float) -> FloatArray:
    return math.exp(theta) * risks


def _by_difference(risks: FloatArray, theta: float) -> FloatArray:
    return risks + theta


def _by_arcsine(risks: FloatArray, theta: float) -> FloatArray:
    angle = np.arcsin(np.sqrt(np.clip(risks, 0.0, 1.0))) + theta
    return np.where((angle >= 0) & (angle <= np.pi / 2), np.sin(angle) ** 2, np.nan)


def _by_probit(risks: FloatArray, theta: float) -> FloatArray:
    from scipy.special import ndtr, ndtri  # noqa: PLC0415 - only for this measure

    return np.asarray(ndtr(ndtri(risks) + theta))


CURVES: Mapping[str, Callable[[FloatArray, float], FloatArray]] = {
    "OR": _by_odds_ratio,
    "PETO": _by_odds_ratio,
    "MPORM": _by_odds_ratio,
    "RR": _by_risk_ratio,
    "VE": _by_risk_ratio,
    "RD": _by_difference,
    "AS": _by_arcsine,
    "PBIT": _by_probit,
}
"""By measure: the treated risk of a control risk under an effect on the analysis scale."""
