"""Turn a chart on its side: what would run across runs up, by the same calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from evisynth_reporters.drawing import BLACK

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evisynth_reporters.chart import Axis, Box
    from evisynth_reporters.drawing import Item, Point


@attrs.frozen
class TurnedBox:
    """Take numbers as the box of a chart that is not turned would; its own x runs up the page, its y across."""

    box: Box

    @property
    def x(self) -> Axis:
        """What would run across."""
        return self.box.y

    @property
    def y(self) -> Axis:
        """What would run up."""
        return self.box.x

    @property
    def corners(self) -> tuple[Point, ...]:
        """Corners of the chart."""
        return self.box.corners

    def at(self, x: float, y: float) -> Point:
        """Place a pair of numbers."""
        return self.box.at(y, x)

    def vertical(
        self, x: float, *, colour: str = BLACK, width: float = 0.8, dash: tuple[float, ...] = ()
    ) -> list[Item]:
        """Draw the line of one number, across the page."""
        return self.box.horizontal(x, colour=colour, width=width, dash=dash)

    def curve(
        self, xs: Iterable[float], ys: Iterable[float], *, colour: str = BLACK, width: float = 1.2,
        dash: tuple[float, ...] = (), opacity: float = 1.0,
    ) -> list[Item]:  # fmt: skip
        """Draw a line through pairs of numbers."""
        return self.box.curve(ys, xs, colour=colour, width=width, dash=dash, opacity=opacity)

    def area(self, points: Iterable[tuple[float, float]], *, colour: str, opacity: float = 1.0) -> list[Item]:
        """Fill the polygon through pairs of numbers."""
        return self.box.area([(y, x) for x, y in points], colour=colour, opacity=opacity)
