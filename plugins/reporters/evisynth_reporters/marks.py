"""Draw what stands in the plot beside a row: squares with intervals, diamonds, prediction bars, arrows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from evisynth_reporters.drawing import BLACK, Line, Point, Shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evisynth_reporters.axis import Axis
    from evisynth_reporters.table import Mark

LARGEST_SQUARE = 10.0
SMALLEST_LARGEST_SQUARE = 6.0
SMALLEST_SQUARE = 1.6
DIAMOND_HALF_HEIGHT = 5.0
BAR_HALF_HEIGHT = 2.5
DENSITY_HEIGHT = 13.0
DENSITY_DROP = 5.0
PALE = 0.25
ARROW_LENGTH = 5.0
ARROW_HALF_HEIGHT = 2.6
STUB = 8.0
"""Length of the arrow of an interval that lies off the axis altogether."""


@attrs.frozen
class Plot:
    """Map numbers to points within the plot, and weights to squares whose areas are proportional to them."""

    axis: Axis
    left: float
    width: float
    colour: str
    largest_weight: float
    diamond: str = BLACK
    second: str = "#767676"
    """Colour of the other of two models, and of distributions."""

    @property
    def right(self) -> float:
        """Right end of the axis."""
        return self.left + self.width

    def x(self, value: float) -> float:
        """Give the horizontal place of a number."""
        return self.left + self.axis.place(value) * self.width

    def side(self, weight: float) -> float:
        """Give the side of a study's square; the heaviest study's grows with its share of the whole."""
        if self.largest_weight <= 0:
            return SMALLEST_LARGEST_SQUARE
        share = self.largest_weight / 100
        largest = SMALLEST_LARGEST_SQUARE + (LARGEST_SQUARE - SMALLEST_LARGEST_SQUARE) * min(math.sqrt(share), 1.0)
        return max(largest * math.sqrt(weight / self.largest_weight), SMALLEST_SQUARE)

    def draw(self, mark: Mark, y: float) -> Iterable[Line | Shape]:
        """Draw a mark at a height."""
        if mark.shape == "diamond" and mark.value is not None:
            return self._diamond(mark, mark.value, y)
        if mark.shape == "bar":
            return self._bar(mark, y)
        if mark.shape == "line":
            return self._interval(mark.low, mark.high, y, width=1.6)
        if mark.shape == "density":
            return self._density(mark, y)
        return self._square(mark, y)

    def _density(self, mark: Mark, y: float) -> Iterable[Line | Shape]:
        """Draw a distribution as tall as its row, the part outside the axis left out, with its limits as a bar."""
        points = [(self.x(value), y + DENSITY_DROP - DENSITY_HEIGHT * height) for value, height in mark.curve]
        corners = [(points[0][0], y + DENSITY_DROP), *points, (points[-1][0], y + DENSITY_DROP)]
        kept = _clip(_clip(corners, self.left, 1), self.right, -1)
        if len(kept) > 2:  # noqa: PLR2004 - a triangle at least
            yield Shape(tuple(kept), self.second, opacity=0.45)
        yield from self._interval(mark.low, mark.high, y + DENSITY_DROP, width=1.2)

    def _square(self, mark: Mark, y: float) -> Iterable[Line | Shape]:
        yield from self._interval(mark.low, mark.high, y)
        x = self.x(mark.value) if mark.value is not None else math.nan
        if self.left <= x <= self.right:
            half = self.side(mark.weight) / 2
            corners = ((x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half))
            yield Shape(corners, self.colour, opacity=PALE if mark.pale else 1.0)

    def _diamond(self, mark: Mark, value: float, y: float) -> Iterable[Line | Shape]:
        low, middle, high = self.x(mark.low), self.x(value), self.x(mark.high)
        if not self.left <= middle <= self.right:
            yield from self._interval(mark.low, mark.high, y)
            return
        # An end without bound has no place to draw towards: a long way off the axis gives the same edges.
        far = 50 * self.width
        low, high = max(low, self.left - far), min(high, self.right + far)
        corners = ((low, y), (middle, y - DIAMOND_HALF_HEIGHT), (high, y), (middle, y + DIAMOND_HALF_HEIGHT))
        colour = self.second if mark.second else self.diamond
        yield Shape(tuple(_clip(_clip(corners, self.left, 1), self.right, -1)), colour)

    def _bar(self, mark: Mark, y: float) -> Iterable[Line | Shape]:
        yield from self._interval(mark.low, mark.high, y, width=1.6)
        for end in (self.x(mark.low), self.x(mark.high)):
            if self.left <= end <= self.right:
                yield Line((end, y - BAR_HALF_HEIGHT), (end, y + BAR_HALF_HEIGHT), 1.6)

    def _interval(self, low: float, high: float, y: float, width: float = 0.8) -> Iterable[Line | Shape]:
        start, stop = self.x(low), self.x(high)
        cut_left, cut_right = start < self.left - 0.01, stop > self.right + 0.01
        if stop < self.left:
            stop = self.left + STUB
        if start > self.right:
            start = self.right - STUB
        start, stop = max(start, self.left), min(stop, self.right)
        yield Line((start, y), (stop, y), width)
        if cut_left:
            yield _arrow(self.left, ARROW_LENGTH, y)
        if cut_right:
            yield _arrow(self.right, -ARROW_LENGTH, y)


def _arrow(tip: float, length: float, y: float) -> Shape:
    back = tip + length
    return Shape(((tip, y), (back, y - ARROW_HALF_HEIGHT), (back, y + ARROW_HALF_HEIGHT)), BLACK)


def _clip(corners: Sequence[Point], edge: float, side: int) -> list[Point]:
    """Keep the part of a polygon on one side of a vertical line: to its right for 1, to its left for -1."""
    kept: list[Point] = []
    for (x_1, y_1), (x_2, y_2) in zip(corners, [*corners[1:], *corners[:1]], strict=True):
        inside_1, inside_2 = side * (x_1 - edge) >= 0, side * (x_2 - edge) >= 0
        if inside_1:
            kept.append((x_1, y_1))
        if inside_1 != inside_2:
            kept.append((edge, y_1 + (edge - x_1) / (x_2 - x_1) * (y_2 - y_1)))
    return kept
