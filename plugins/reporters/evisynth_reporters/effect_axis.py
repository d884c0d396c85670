"""Make axes of effects: places by the analysis scale, numbers by the scale shown to readers."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from evisynth_reporters.chart import Axis
from evisynth_reporters.ticks import linear_ticks, log_ticks, tick_label

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evisynth import Scale

LARGEST_LOG = 600.0
"""Beyond this the number that a logarithm stands for leaves the range of doubles."""
MOST_DECADES = 12.0
EMPTIEST = 0.45
"""Share of an axis that may be without a tick before others are chosen."""
CANDIDATES = 5


def limits_of(values: Iterable[float], *, spare: float = 0.05) -> tuple[float, float]:
    """Give the ends of an axis that holds some numbers, infinite ones aside, with a share to spare at both."""
    held = [value for value in values if math.isfinite(value)]
    if not held:
        return -1.0, 1.0
    low, high = min(held), max(held)
    room = spare * (high - low)
    # Numbers that differ by their rounding alone are one number.
    if room <= 1e-9 * max(abs(low), abs(high)) or room == 0.0:
        room = max(abs(low), abs(high)) * 0.5 or 1.0
    return low - room, high + room


def is_ratio(scale: Scale) -> bool:
    """Say whether effects are analysed as logarithms of what is shown."""
    return scale.show(0.0) == 1.0 and math.isclose(scale.show(1.0), math.e)


def effect_axis(scale: Scale, low: float, high: float, title: str, *, most: int = 6, as_it_is: bool = False) -> Axis:
    """Make an axis from ``low`` to ``high`` of the analysis scale, with ticks at round numbers of the scale shown.

    ``as_it_is`` has them at round numbers of the analysis scale, as residuals need.
    """
    if as_it_is or scale.as_shown:
        return Axis(low, high, title, most=most)
    ticks = effect_ticks(scale, low, high, most)
    return Axis(
        low,
        high,
        title,
        reversed=scale.decreasing,
        given_ticks=tuple(place for place, _ in ticks),
        labels=tuple(label for _, label in ticks),
    )


def effect_ticks(scale: Scale, low: float, high: float, most: int = 6) -> list[tuple[float, str]]:
    """Choose round numbers of the scale shown between two of the analysis scale: their places there and their texts."""
    if scale.as_shown:
        return [(value, tick_label(value)) for value in linear_ticks(low, high, most)]
    if is_ratio(scale):
        return _ratio_ticks(low, high, most)
    one, other = scale.show(low), scale.show(high)
    if not (math.isfinite(one) and math.isfinite(other)):
        return [(value, tick_label(value)) for value in linear_ticks(low, high, most)]
    placed = _placed(scale, linear_ticks(min(one, other), max(one, other), most), low, high)
    edges = [low, *(place for place, _ in placed), high]
    if max(after - before for before, after in itertools.pairwise(edges)) > EMPTIEST * (high - low):
        # Round numbers crowd at one end of a curved scale: round what stands at even places instead.
        even = [scale.show(low + (i + 0.5) * (high - low) / CANDIDATES) for i in range(CANDIDATES)]
        placed = _placed(scale, [float(f"{value:.1g}") for value in even], low, high)
    return placed or [(value, tick_label(scale.show(value))) for value in (low, high)]


def _placed(scale: Scale, shown: Iterable[float], low: float, high: float) -> list[tuple[float, str]]:
    places = {scale.take(value): tick_label(value) for value in shown}
    return sorted((place, text) for place, text in places.items() if math.isfinite(place) and low <= place <= high)


def _ratio_ticks(low: float, high: float, most: int) -> list[tuple[float, str]]:
    if low > -LARGEST_LOG and high < LARGEST_LOG and (high - low) / math.log(10.0) <= MOST_DECADES:
        return [(math.log(value), _ratio_label(value)) for value in log_ticks(math.exp(low), math.exp(high), most)]
    powers = linear_ticks(low / math.log(10.0), high / math.log(10.0), most)
    return [(power * math.log(10.0), f"1e{power:g}".replace("-", "−")) for power in powers if power.is_integer()]


def _ratio_label(value: float) -> str:
    # Plain digits as far as readers are used to them: 0.00005, but 1e−07.
    return f"{value:f}".rstrip("0").rstrip(".") if 1e-5 <= value < 1e-4 else tick_label(value)  # noqa: PLR2004 - as said
