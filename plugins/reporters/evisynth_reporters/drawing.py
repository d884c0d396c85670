"""Hold a drawing as data: texts, lines and filled shapes in points, with y running down from the top."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Align: TypeAlias = Literal["left", "center", "right"]
Point: TypeAlias = tuple[float, float]

BLACK = "#000000"
TEXT_SIZE = 9.0


class Measure(Protocol):
    """Give the width in points of a text."""

    def __call__(self, text: str, *, bold: bool = False, size: float = TEXT_SIZE) -> float:
        """Measure a text, bold or not, at a font size."""
        ...


@attrs.frozen
class Label:
    """Write a text whose baseline is at ``y``; one that is ``upright`` runs up the page from there."""

    text: str
    x: float
    y: float
    align: Align = "left"
    bold: bool = False
    size: float = TEXT_SIZE
    colour: str = BLACK
    upright: bool = False


@attrs.frozen
class Line:
    """Draw a straight line; ``dash`` gives the lengths of strokes and gaps in points."""

    start: Point
    end: Point
    width: float = 0.8
    colour: str = BLACK
    dash: tuple[float, ...] = ()


@attrs.frozen
class Curve:
    """Draw a line through points."""

    points: tuple[Point, ...]
    width: float = 1.0
    colour: str = BLACK
    dash: tuple[float, ...] = ()
    opacity: float = 1.0


@attrs.frozen
class Shape:
    """Fill a polygon, and draw its ``edge`` where it has a colour."""

    corners: tuple[Point, ...]
    colour: str | None = BLACK
    edge: str | None = None
    edge_width: float = 0.8
    opacity: float = 1.0


@attrs.frozen
class Disc:
    """Fill a circle, and draw its ``edge`` where it has a colour."""

    centre: Point
    radius: float
    colour: str | None = BLACK
    edge: str | None = None
    edge_width: float = 0.8
    opacity: float = 1.0


Simple: TypeAlias = "Label | Line | Curve | Shape | Disc"


@attrs.frozen
class Group:
    """Hold items that belong together: a study's, say, whose data show when it is pointed at.

    ``tip`` is what there is to read about it, a line each; ``row`` is the study's row in the input, from 0, where
    leaving it out changes the figure.
    """

    items: tuple[Item, ...]
    tip: tuple[str, ...] = ()
    row: int | None = None
    area: tuple[float, float, float, float] | None = None
    """Left, top, right and lower edge of the area that answers to a pointer; None: the items themselves."""


Item: TypeAlias = "Simple | Group"


@attrs.frozen
class Drawing:
    """Hold all that is drawn, in the order of drawing, and the size of the sheet."""

    width: float
    height: float
    items: tuple[Item, ...]
    description: str = ""
    """What it shows, in words, for those who cannot see it."""

    @property
    def flat(self) -> tuple[Simple, ...]:
        """The items without their groups."""
        return tuple(_flat(self.items))


def _flat(items: Iterable[Item]) -> Iterator[Simple]:
    for item in items:
        if isinstance(item, Group):
            yield from _flat(item.items)
        else:
            yield item


def moved(items: Iterable[Item], x: float, y: float) -> tuple[Item, ...]:
    """Move items to the right and down, as to set a panel beside another."""
    return tuple(_moved(item, x, y) for item in items)


def _moved(item: Item, x: float, y: float) -> Item:
    if isinstance(item, Group):
        area = item.area and (item.area[0] + x, item.area[1] + y, item.area[2] + x, item.area[3] + y)
        return attrs.evolve(item, items=moved(item.items, x, y), area=area)
    if isinstance(item, Label):
        return attrs.evolve(item, x=item.x + x, y=item.y + y)
    if isinstance(item, Line):
        start, end = ((px + x, py + y) for px, py in (item.start, item.end))
        return attrs.evolve(item, start=start, end=end)
    if isinstance(item, Disc):
        return attrs.evolve(item, centre=(item.centre[0] + x, item.centre[1] + y))
    if isinstance(item, Curve):
        return attrs.evolve(item, points=tuple((px + x, py + y) for px, py in item.points))
    return attrs.evolve(item, corners=tuple((px + x, py + y) for px, py in item.corners))


def wrap(text: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """Break a text into lines of at most a width, between words where that is possible."""
    # The width is often that of the widest text itself, less a rounding error.
    width += 1e-6
    if measure(text) <= width:
        return [text]
    lines: list[str] = []
    line = ""
    # A space that does not break is part of its word.
    for word in filter(None, re.split(r"[ \t\n]+", text)):
        longer = f"{line} {word}" if line else word
        if measure(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        *pieces, line = _pieces(word, width, measure)
        lines.extend(pieces)
    return [*lines, line] if line or not lines else lines


def _pieces(word: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """Cut a word that is longer than a line."""
    pieces = [""]
    for character in word:
        if pieces[-1] and measure(pieces[-1] + character) > width:
            pieces.append("")
        pieces[-1] += character
    return pieces
