"""Draw the arc of a radial plot, on which slopes from the origin are read as effects."""

from __future__ import annotations

import itertools
import math
from functools import cached_property
from typing import TYPE_CHECKING

import attrs

from evisynth_reporters import printed
from evisynth_reporters.chart import MARGIN
from evisynth_reporters.drawing import TEXT_SIZE, Curve, Label, Line
from evisynth_reporters.effect_axis import effect_axis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth import MetaAnalysis
    from evisynth_reporters.chart import Box
    from evisynth_reporters.drawing import Item, Measure, Point

TICK = 4.0
STEPS = 60
PITCH = 11.0
"""Least distance between two numbers, up or down."""
TITLE = 14.0
BASELINE = 3.2
"""From the middle of a number down to its baseline."""


@attrs.frozen(eq=False, slots=False)  # a plain dictionary serves cached properties
class Arc:
    """Hold the effects that the arc spans as far as it is within the chart: those of the studies and of the model."""

    analysis: MetaAnalysis
    effects: Sequence[float]
    measure: Measure

    @cached_property
    def _span(self) -> tuple[float, float]:
        pooled = self.analysis.pooled
        limits = [] if pooled is None else [pooled.value, pooled.ci_low, pooled.ci_high]
        held = [effect for effect in (*self.effects, *limits) if math.isfinite(effect)]
        low, high = min(held), max(held)
        return (low, high) if high > low else (low - 0.5, high + 0.5)

    @property
    def room(self) -> float:
        """Width that its numbers and its title need."""
        ticks = self._ticks(*self._span, 8)
        return max((self.measure(text) for _, text in ticks), default=0.0) + 3.5 * TICK + TITLE

    def _ticks(self, low: float, high: float, most: int) -> Sequence[tuple[float, str]]:
        return effect_axis(self.analysis, [low, high], spare=0.0, most=most).ticks

    def drawn(self, box: Box, analysis: MetaAnalysis, colour: str, width: float) -> list[Item]:
        """Draw the arc with its numbers, and on it the interval of the pooled effect of ``analysis``."""
        low, high = self._within(box)
        if not low < high:
            return []
        made: list[Item] = [Curve(self._curve(box, low, high), 0.8)]
        for effect, text in self._spaced(box, low, high):
            x, y = _on(box, effect, 2.5 * TICK)
            made += [Line(_on(box, effect), _on(box, effect, TICK)), Label(text, x, y + BASELINE)]
        pooled = analysis.pooled
        if pooled is not None:
            ends = (pooled.ci_low, pooled.ci_high)
            one, other = (min(max(end, low), high) if not math.isnan(end) else pooled.value for end in ends)
            made.append(Curve(self._curve(box, one, other), 3.0, colour))
        name = printed.one_line(self.analysis.label)
        longest = box.height
        while name and self.measure(name) > longest:
            name = f"{name[:-2].rstrip()}…"
        made.append(Label(name, width - MARGIN + 2.0, box.top + box.height / 2, "center", upright=True))
        return made

    def _within(self, box: Box) -> tuple[float, float]:
        """Give the effects at the ends of the arc."""
        across, up = _units(box)
        middle, reach = box.at_y(0.0), box.width
        ends = [
            math.tan(math.asin(max(min((middle - y) / reach, 0.99), -0.99))) * across / up
            for y in (box.bottom, box.top)
        ]
        return max(self._span[0], ends[0]), min(self._span[1], ends[1])

    def _spaced(self, box: Box, low: float, high: float) -> list[tuple[float, str]]:
        """Choose as many numbers as have room above each other, none beside the axis below."""
        lowest = box.bottom - 0.7 * TEXT_SIZE
        kept: list[tuple[float, str]] = []
        for most in range(8, 2, -1):
            ticks = [tick for tick in self._ticks(low, high, most) if _on(box, tick[0])[1] < lowest]
            heights = [_on(box, effect)[1] for effect, _ in ticks]
            if all(abs(one - other) >= PITCH for one, other in itertools.pairwise(heights)):
                return ticks
            kept = ticks[:1]
        return kept

    def _curve(self, box: Box, low: float, high: float) -> tuple[Point, ...]:
        return tuple(_on(box, low + (high - low) * i / STEPS) for i in range(STEPS + 1))


def _units(box: Box) -> tuple[float, float]:
    """Give the points on paper of a unit across and of one up."""
    return box.width / (box.x.high - box.x.low), box.height / (box.y.high - box.y.low)


def _on(box: Box, effect: float, beyond: float = 0.0) -> Point:
    """Place an effect on the arc, or beyond it."""
    across, up = _units(box)
    angle = math.atan2(effect * up, across)
    x, y = box.at(0.0, 0.0)
    reach = box.width + beyond
    return x + reach * math.cos(angle), y - reach * math.sin(angle)
