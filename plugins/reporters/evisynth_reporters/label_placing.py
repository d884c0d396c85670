"""Set names beside points so that none covers another, a point or the edge; a name without room is left out."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from evisynth_reporters.drawing import Curve, Label, Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evisynth_reporters.chart import Box
    from evisynth_reporters.drawing import Item, Measure, Point

SIZE = 7.5
GAP = 2.5
Rectangle = tuple[float, float, float, float]


def placed_labels(
    names: Iterable[tuple[str, Point]],
    points: Sequence[tuple[Point, float]],
    box: Box,
    measure: Measure,
    taken: Sequence[Rectangle] = (),
    lines: Iterable[Item] = (),
) -> list[Label]:
    """Place each name by its point, the first ones first: to the right, left, above, below and between.

    ``points`` are all points with their radii, which no name may cover; ``taken`` are further areas (left, top, right,
    bottom) that are not free. A name stands across ``lines`` only where there is no other place.
    """
    strokes = along(lines)
    blocked = [*taken, *((x - r, y - r, x + r, y + r) for (x, y), r in points)]
    radii = dict(points)
    made: list[Label] = []
    for name, point in names:
        width = measure(name, size=SIZE)
        free: list[tuple[Rectangle, float, float]] = []
        for left, base in _places(point, radii.get(point, 0.0) + GAP, width):
            area = (left, base - 0.75 * SIZE, left + width, base + 0.22 * SIZE)
            inside = box.left <= area[0] and area[2] <= box.right and box.top <= area[1] and area[3] <= box.bottom
            if inside and not any(_overlap(area, other) for other in blocked):
                free.append((area, left, base))
        if free:
            clear = (place for place in free if not any(_overlap(place[0], other) for other in strokes))
            area, left, base = next(clear, free[0])
            made.append(Label(name, left, base, size=SIZE))
            blocked.append(area)
    return made


def along(items: Iterable[Item]) -> list[Rectangle]:
    """Give the areas that the lines and curves among some items run through."""
    made: list[Rectangle] = []
    for item in items:
        points = (item.start, item.end) if isinstance(item, Line) else item.points if isinstance(item, Curve) else ()
        for (x, y), (next_x, next_y) in itertools.pairwise(points):
            # A long slanting line is cut up, else the area about it would be half of the chart.
            n = 1 + int(min(abs(next_x - x), abs(next_y - y)) / SIZE)
            xs = [x + (next_x - x) * i / n for i in range(n + 1)]
            ys = [y + (next_y - y) * i / n for i in range(n + 1)]
            for (x1, x2), (y1, y2) in zip(itertools.pairwise(xs), itertools.pairwise(ys), strict=True):
                made.append((min(x1, x2) - 0.5, min(y1, y2) - 0.5, max(x1, x2) + 0.5, max(y1, y2) + 0.5))
    return made


def _places(point: Point, away: float, width: float) -> Iterable[tuple[float, float]]:
    x, y = point
    middle, above, below = y + 0.36 * SIZE, y - away, y + away + 0.72 * SIZE
    yield x + away, middle
    yield x - away - width, middle
    yield x - width / 2, above
    yield x - width / 2, below
    for base in (above, below):
        yield x + away * 0.7, base
        yield x - away * 0.7 - width, base


def _overlap(one: Rectangle, other: Rectangle) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def legible(name: str, most: int = 28) -> str:
    """Shorten a long name for a chart; the tip has it whole."""
    return name if len(name) <= most else f"{name[: most - 1].rstrip()}…"
