"""Make axes of effects: places by the analysis scale, numbers as readers are shown them."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from evisynth_reporters import printed
from evisynth_reporters.chart import Axis
from evisynth_reporters.ticks import linear_ticks, log_ticks, tick_label
from evisynth_reporters.words import IN_ENGLISH

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evisynth import MetaAnalysis, Scale
    from evisynth_reporters.words import Words

SPARE = 0.06
EMPTIEST = 0.4
"""Share of an axis that may be without a tick before others are chosen."""
EVEN = 6
HALF_OF_ONE = 0.5
SMALLEST, LARGEST = 1e-12, 1e12
"""Ratios beyond these are drawn at the edge."""


def effect_axis(
    analysis: MetaAnalysis, values: Iterable[float], words: Words = IN_ENGLISH, *, spare: float = SPARE, most: int = 10
) -> Axis:
    """Take an axis that holds effects on the analysis scale, infinite ones aside, with its ticks on the scale shown."""
    held = [value for value in values if math.isfinite(value)]
    if analysis.scale.name == "log":
        held = [min(max(value, math.log(SMALLEST)), math.log(LARGEST)) for value in held]
    low, high = (min(held), max(held)) if held else (-1.0, 1.0)
    room = spare * (high - low) if high > low else max(HALF_OF_ONE * abs(high), HALF_OF_ONE)
    low, high = low - room, high + room
    ticks = _ticks(analysis, low, high, most)
    return Axis(
        low,
        high,
        words(printed.one_line(analysis.label)),
        given_ticks=tuple(place for place, _ in ticks),
        labels=tuple(label for _, label in ticks),
    )


def _ticks(analysis: MetaAnalysis, low: float, high: float, most: int) -> list[tuple[float, str]]:
    scale = analysis.scale
    if scale.name == "log":
        return [(math.log(tick), tick_label(tick)) for tick in log_ticks(math.exp(low), math.exp(high), most)]
    if scale.as_shown:
        return [(tick, tick_label(tick)) for tick in linear_ticks(low, high, most)]
    shown_low, shown_high = scale.show_limits(low, high)
    if not (math.isfinite(shown_low) and math.isfinite(shown_high) and shown_high > shown_low):
        return [(tick, tick_label(tick)) for tick in linear_ticks(low, high, most)]
    placed = _placed(scale, linear_ticks(shown_low, shown_high, most), low, high)
    edges = [low, *(place for place, _ in placed), high]
    if max(after - before for before, after in itertools.pairwise(edges)) > EMPTIEST * (high - low):
        # Round numbers crowd at one end of a curved scale: round what stands at even places instead.
        even = [scale.show(low + (i + 0.5) * (high - low) / EVEN) for i in range(EVEN)]
        placed = _placed(scale, [float(f"{shown:.1g}") for shown in even], low, high) or placed
    return placed


def _placed(scale: Scale, shown: Iterable[float], low: float, high: float) -> list[tuple[float, str]]:
    places = {scale.take(tick): tick_label(tick) for tick in shown}
    return sorted((place, label) for place, label in places.items() if low <= place <= high)
