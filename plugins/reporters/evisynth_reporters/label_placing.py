"""Place names beside points: in the first free place around each, and nowhere rather than over another."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import attrs

from evisynth_reporters.drawing import BLACK, Curve, Label, Line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from evisynth_reporters.chart import Box
    from evisynth_reporters.drawing import Item, Measure, Point

NAME_SIZE = 7.5
WIDEST = 130.0
"""Longest name beside a point; the rest is cut off with an ellipsis, and stands in the study's tip."""
GAP = 1.5
DISTANCES = (0.0, 4.0)
"""How far from the point a name may stand, beyond the gap."""
_ASCENT, _DESCENT = 0.78, 0.24
"""Height above and below the baseline, of the font's size."""
_COMPASS = ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1))
"""Right, left, above, below, and the corners between."""


@attrs.frozen
class Rectangle:
    """Hold a part of the sheet."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Rectangle) -> bool:
        """Say whether it has a part in common with another."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def within(self, other: Rectangle) -> bool:
        """Say whether it lies in another."""
        return (
            other.left <= self.left
            and self.right <= other.right
            and other.top <= self.top
            and self.bottom <= other.bottom
        )


@attrs.frozen
class Named:
    """Ask for a name beside a point whose mark has a radius."""

    text: str
    centre: Point
    radius: float
    colour: str = BLACK


def rectangle_of(box: Box) -> Rectangle:
    """Give the part of the sheet within the axes of a chart."""
    return Rectangle(box.left, box.top, box.right, box.bottom)


def about(centre: Point, radius: float) -> Rectangle:
    """Give the square about a mark."""
    x, y = centre
    return Rectangle(x - radius, y - radius, x + radius, y + radius)


def along(items: Iterable[Item], pieces: int = 12) -> list[Rectangle]:
    """Give the parts of the sheet that lines and curves among some items run through."""
    made: list[Rectangle] = []
    for item in items:
        points = (item.start, item.end) if isinstance(item, Line) else item.points if isinstance(item, Curve) else ()
        for (x, y), (next_x, next_y) in itertools.pairwise(points):
            # A slanting line is cut up, else its rectangle would be the half of the chart.
            n = pieces if len(points) == 2 and x != next_x and y != next_y else 1  # noqa: PLR2004 - its two ends
            for i in range(n):
                xs = [x + (next_x - x) * share / n for share in (i, i + 1)]
                ys = [y + (next_y - y) * share / n for share in (i, i + 1)]
                made.append(Rectangle(min(xs) - 0.5, min(ys) - 0.5, max(xs) + 0.5, max(ys) + 0.5))
    return made


def shortened(text: str, width: float, measure: Callable[[str], float]) -> str:
    """Cut a text to a width, with an ellipsis in place of its end."""
    if measure(text) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if measure(f"{text[:middle].rstrip()}…") <= width else (low, middle - 1)
    return f"{text[:low].rstrip()}…"


def place_names(
    wanted: Sequence[Named], measure: Measure, inside: Rectangle, marks: Iterable[tuple[Point, float]],
    lines: Iterable[Rectangle] = (), *, size: float = NAME_SIZE,
) -> list[Label]:  # fmt: skip
    """Give the names that find a place ``inside`` clear of all marks and of each other, the first ones first.

    A name stands across ``lines`` (see `along`) only where there is no place clear of them too.
    """

    def width_of(text: str) -> float:
        return measure(text, size=size)

    squares = [about(centre, radius) for centre, radius in marks]
    used: list[Rectangle] = []
    strokes = list(lines)
    made: list[Label] = []
    for one in wanted:
        if not one.text or not all(map(math.isfinite, one.centre)):
            continue
        text = shortened(one.text, WIDEST, width_of)
        width, marked = width_of(text), [*used, *squares]
        place = _free(one, width, size, inside, [*marked, *strokes]) or _free(one, width, size, inside, marked)
        if place is None:
            continue
        used.append(place)
        made.append(Label(text, place.left, place.top + _ASCENT * size, size=size, colour=one.colour))
    return made


def _free(one: Named, width: float, size: float, inside: Rectangle, used: Sequence[Rectangle]) -> Rectangle | None:
    height = (_ASCENT + _DESCENT) * size
    reach = DISTANCES[-1] + GAP + one.radius
    x, y = one.centre
    # Only what is near can be in the way of a name.
    around = Rectangle(x - reach - width, y - reach - height, x + reach + width, y + reach + height)
    near = [other for other in used if other.meets(around)]
    for distance in DISTANCES:
        for across, down in _COMPASS:
            # At a corner the circle of the mark is nearer than its square's corner.
            away = (GAP + one.radius + distance) * (0.75 if across and down else 1.0)
            middle_x = x + across * (away + width / 2) if across else x
            middle_y = y + down * (away + height / 2) if down else y
            tried = Rectangle(middle_x - width / 2, middle_y - height / 2, middle_x + width / 2, middle_y + height / 2)
            if tried.within(inside) and not any(tried.meets(other) for other in near):
                return tried
    return None
