"""Write names upright in a row above a chart, spread so that none touches another, with lines to where they belong."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from evisynth_reporters.drawing import Label, Line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth_reporters.drawing import Item, Measure

SIZE = 7.0
PITCH = 9.0
LEADER = 9.0
"""Height of the lines from the names down to their places."""


def room_above(names: Sequence[str], measure: Measure) -> float:
    """Give the height that a row of names takes."""
    return max((measure(name, size=SIZE) for name in names), default=0.0) + LEADER + 2.0 if names else 0.0


def names_that_fit(width: float) -> int:
    """Count the names that there is room for beside one another."""
    return int(width / PITCH)


def row_of_names(
    names: Sequence[str], places: Sequence[float], colours: Sequence[str], *, left: float, right: float, bottom: float
) -> list[tuple[Item, ...]]:
    """Write each name as near above its place as the others allow, all between two edges."""
    made: list[tuple[Item, ...]] = []
    for name, place, x, colour in zip(names, places, spread(places, left, right, PITCH), colours, strict=True):
        label = Label(name, x + 0.36 * SIZE, bottom - LEADER - 1.0, size=SIZE, colour=colour, upright=True)
        made.append((Line((place, bottom), (x, bottom - LEADER), 0.4, colour), label))
    return made


def spread(places: Sequence[float], low: float, high: float, pitch: float) -> list[float]:
    """Move places apart to a distance of at least ``pitch``, each as little as can be, between two ends.

    Those that would touch form a block about the mean of their places, as in isotonic regression (Barlow et al. 1972).
    """
    order = sorted(range(len(places)), key=lambda i: places[i])
    blocks: list[tuple[float, int]] = []
    for rank, i in enumerate(order):
        # Without the distances that they must keep, neighbours must not be out of order.
        total, count = min(max(places[i], low), high) - rank * pitch, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
            before = blocks.pop()
            total, count = total + before[0], count + before[1]
        blocks.append((total, count))
    level = itertools.chain.from_iterable([total / count] * count for total, count in blocks)
    last = high - (len(places) - 1) * pitch
    made = [0.0] * len(places)
    for rank, (i, at) in enumerate(zip(order, level, strict=True)):
        made[i] = min(max(at, low), max(last, low)) + rank * pitch
    return made
