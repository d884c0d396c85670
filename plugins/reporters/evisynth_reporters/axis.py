"""Choose and use the axis of a forest plot: symmetric about no effect, with the ticks that RevMan offers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from evisynth import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evisynth_reporters.table import Mark

RATIO_TICKS: Mapping[float, tuple[float, ...]] = {
    2.0: (0.5, 0.7, 1.0, 1.5, 2.0),
    5.0: (0.2, 0.5, 1.0, 2.0, 5.0),
    10.0: (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
    20.0: (0.05, 0.2, 1.0, 5.0, 20.0),
    50.0: (0.02, 0.1, 1.0, 10.0, 50.0),
    100.0: (0.01, 0.1, 1.0, 10.0, 100.0),
    200.0: (0.005, 0.1, 1.0, 10.0, 200.0),
    500.0: (0.002, 0.1, 1.0, 10.0, 500.0),
    1000.0: (0.001, 0.1, 1.0, 10.0, 1000.0),
}
"""End of the scale → ticks, for ratios."""

LINEAR_STEPS = (1.0, 2.0, 4.0, 5.0, 10.0)
"""Ends of the scale within a power of ten, for differences; ticks stand at the ends, half-way and at 0."""

USUAL_RATIO = 100.0
"""A study's limits widen a ratio's scale up to here, which is RevMan's own default; beyond, they end as arrows."""
FAR_OUT = 4.0
"""A study's limits widen a linear scale up to so many times what the estimates and totals need."""


@attrs.frozen
class Axis:
    """Map numbers on the scale shown to readers to places from 0 (left end) to 1 (right end).

    It is symmetric about no effect, or runs from ``start`` where there is none in the middle.
    """

    end: float
    log: bool
    start: float | None = None
    null: float | None = None
    """Where no effect stands on an axis that has a start."""
    given: tuple[float, ...] = ()
    """Numbers to mark where they are chosen."""

    @property
    def no_effect(self) -> float | None:
        """The number that stands for no effect; None where there is none."""
        return self.null if self.start is not None else 1.0 if self.log else 0.0

    @property
    def ticks(self) -> tuple[float, ...]:
        """Numbers to mark."""
        if self.given:
            return tuple(tick for tick in self.given if -1e-9 <= self.place(tick) <= 1 + 1e-9)  # noqa: PLR2004 - rounding
        if self.start is not None:
            return self._ticks_from(self.start)
        if not self.log:
            return (-self.end, -self.end / 2, 0.0, self.end / 2, self.end)
        return RATIO_TICKS.get(self.end, (1 / self.end, 1.0, self.end))

    def _ticks_from(self, start: float) -> tuple[float, ...]:
        if self.log:
            powers = round(math.log10(self.end / start))
            step = 1 + (powers - 1) // len(LINEAR_STEPS)
            return tuple(start * 10.0**power for power in range(0, powers + 1, step))
        quarter = (self.end - start) / 4
        return tuple(start + i * quarter for i in range(5))

    def place(self, value: float) -> float:
        """Give a number's place; below 0 or above 1 it is off the axis, and infinite where it has none."""
        if self.start is not None:
            if not self.log:
                return (value - self.start) / (self.end - self.start)
            if value <= 0:
                return -math.inf
            return math.log(value / self.start) / math.log(self.end / self.start) if value < math.inf else math.inf
        if not self.log:
            return 0.5 + value / (2 * self.end)
        if value <= 0:
            return -math.inf
        return 0.5 + math.log(value) / (2 * math.log(self.end)) if value < math.inf else math.inf


def choose_axis(marks: Sequence[Mark], *, log: bool, end: float | None = None) -> Axis:
    """Take the smallest of RevMan's scales that holds every estimate and total, and the studies' limits within reason.

    ``end`` overrules it: the right end of the axis.
    """
    if end is not None:
        if not math.isfinite(end) or end <= (1.0 if log else 0.0):
            msg = f"scale is the right end of the axis, a number above {1 if log else 0}, not {end!r}"
            raise SettingsError(msg)
        return Axis(float(end), log)
    if not marks:
        return Axis(USUAL_RATIO if log else 1.0, log)
    core = _reach((value for mark in marks for value in _core(mark)), log=log)
    wide = _reach((value for mark in marks for value in (mark.low, mark.high)), log=log)
    if log:
        wanted = math.exp(min(max(core, min(wide, math.log(USUAL_RATIO))), math.log(max(RATIO_TICKS))))
        # exp(log(x)) may miss x by a rounding error, which must not cost a step of the scale.
        return Axis(next(step for step in RATIO_TICKS if step >= wanted * (1 - 1e-12)), log)
    return Axis(_round_up(max(core, min(wide, FAR_OUT * core)) or wide or 1.0), log)


def spanning_axis(marks: Sequence[Mark], *, log: bool, end: float | None = None, null: float | None = None) -> Axis:
    """Take an axis from the least to the largest number, for effects without a middle: proportions, means, rates.

    It begins at 0 where nothing is negative, or at a power of ten on a logarithmic scale. ``end`` is its right end,
    ``null`` where no effect stands, if anywhere.
    """
    values = [v for mark in marks for v in (mark.value, mark.low, mark.high) if v is not None and math.isfinite(v)]
    if log:
        values = [value for value in values if value > 0] or [0.1, 1.0]
        low, high = 10.0 ** math.floor(math.log10(min(values))), 10.0 ** math.ceil(math.log10(max(values)))
        last = high if end is None else float(end)
        return Axis(last if last > low else 10.0 * low, log=True, start=low, null=null)
    values = values or [0.0, 1.0]
    low = 0.0 if min(values) >= 0 else -_round_up(-min(values))
    last = float(end) if end is not None else _round_up(max(values)) if max(values) > 0 else 0.0
    return Axis(last if last > low else low + 1.0, log=False, start=low, null=null)


def _core(mark: Mark) -> Iterable[float]:
    if mark.value is not None:
        yield mark.value
    if mark.shape == "diamond":
        yield from (mark.low, mark.high)


def _reach(values: Iterable[float], *, log: bool) -> float:
    """Give the farthest distance from no effect, on the scale that is drawn; 0 without values."""
    if log:
        return max((abs(math.log(value)) for value in values if 0 < value < math.inf), default=0.0)
    return max((abs(value) for value in values if math.isfinite(value)), default=0.0)


def _round_up(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in LINEAR_STEPS if step * power >= value * (1 - 1e-12))
