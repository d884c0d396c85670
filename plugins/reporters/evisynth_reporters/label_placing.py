"""Set names beside points so that none covers another, a point or the edge; a name without room is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evisynth_reporters.drawing import Label

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evisynth_reporters.chart import Box
    from evisynth_reporters.drawing import Measure, Point

SIZE = 7.5
GAP = 2.5
Rectangle = tuple[float, float, float, float]


def placed_labels(
    names: Iterable[tuple[str, Point]],
    points: Sequence[tuple[Point, float]],
    box: Box,
    measure: Measure,
    taken: Sequence[Rectangle] = (),
) -> list[Label]:
    """Place each name by its point, the first ones first: to the right, left, above, below and between.

    ``points`` are all points with their radii, which no name may cover; ``taken`` are further areas (left, top, right,
    bottom) that are not free.
    """
    blocked = [*taken, *((x - r, y - r, x + r, y + r) for (x, y), r in points)]
    radii = dict(points)
    made: list[Label] = []
    for name, point in names:
        width = measure(name, size=SIZE)
        for left, base in _places(point, radii.get(point, 0.0) + GAP, width):
            area = (left, base - 0.75 * SIZE, left + width, base + 0.22 * SIZE)
            inside = box.left <= area[0] and area[2] <= box.right and box.top <= area[1] and area[3] <= box.bottom
            if inside and not any(_overlap(area, other) for other in blocked):
                made.append(Label(name, left, base, size=SIZE))
                blocked.append(area)
                break
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
