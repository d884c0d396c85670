"""Say what a L'Abbé plot shows of each arm: its risk, that on a logarithmic axis, or its odds on one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from evisynth_reporters.chart import Axis, axis_over
from evisynth_reporters.ticks import linear_ticks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

NEARLY_ALL = 0.85
"""From this risk on the axis has all risks."""
MARGIN = 0.04
"""Share of the axis below 0, for circles there."""
Arm = tuple[float, float]
"""Events and participants."""


@attrs.frozen
class RiskScale:
    """Hold a scale of risks, and the way there and back."""

    title: str
    """With the place of the arm's name."""
    of: Callable[[float], float]
    back: Callable[[float], float]
    logarithmic: bool
    """Whether risks of 0 and 1 have no place on it."""

    def risks(self, arms: tuple[Arm, Arm]) -> tuple[float, float]:
        """Give the risks of two arms; where one has no place, of half a person more in all four cells."""
        more = 0.5 if self.lacks(arms) else 0.0
        one, other = ((events + more) / (n + 2.0 * more) for events, n in arms)
        return one, other

    def lacks(self, arms: tuple[Arm, Arm]) -> bool:
        """Say whether an arm has no place on it."""
        return self.logarithmic and any(not 0 < events < n for events, n in arms)

    def axis(self, risks: Sequence[float]) -> Axis:
        """Take an axis for some risks."""
        if self.logarithmic:
            return axis_over([self.of(risk) for risk in risks], log=True, spare=0.1)
        top = max(risks)
        end = min(1.0, max(1.15 * top, 0.05)) if top < NEARLY_ALL else 1.0
        return Axis(-MARGIN * end, (1.0 + MARGIN) * end, given_ticks=linear_ticks(0.0, end))

    def numbers(self, axis: Axis, steps: int) -> list[float]:
        """Give even steps along an axis, risks below 0 and above 1 aside."""
        if axis.log:
            return [axis.low * (axis.high / axis.low) ** (i / steps) for i in range(steps + 1)]
        end = axis.high / (1.0 + MARGIN)
        return [end * i / steps for i in range(steps + 1)]


def _as_it_is(risk: float) -> float:
    return risk


def _odds(risk: float) -> float:
    return risk / (1.0 - risk) if risk < 1.0 else math.inf


def _risk(odds: float) -> float:
    return odds / (1.0 + odds)


RISK_SCALES: Mapping[str, RiskScale] = {
    "risk": RiskScale("Risk of the event: {group}", _as_it_is, _as_it_is, logarithmic=False),
    "log risk": RiskScale("Risk of the event: {group}", _as_it_is, _as_it_is, logarithmic=True),
    "log odds": RiskScale("Odds of the event: {group}", _odds, _risk, logarithmic=True),
}
"""By the words of the option ``scale``."""
