"""Hold a drawing as data: texts, lines and filled shapes in points, with y running down from the top."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable

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
    """Write a text whose baseline is at ``y``."""

    text: str
    x: float
    y: float
    align: Align = "left"
    bold: bool = False
    size: float = TEXT_SIZE


@attrs.frozen
class Line:
    """Draw a straight line."""

    start: Point
    end: Point
    width: float = 0.8
    colour: str = BLACK


@attrs.frozen
class Shape:
    """Fill a polygon."""

    corners: tuple[Point, ...]
    colour: str = BLACK


@attrs.frozen
class Drawing:
    """Hold all that is drawn, in the order of drawing, and the size of the sheet."""

    width: float
    height: float
    items: tuple[Label | Line | Shape, ...]


def wrap(text: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """Break a text into lines of at most a width, between words where that is possible."""
    # The width is often that of the widest text itself, less a rounding error.
    width += 1e-6
    if measure(text) <= width:
        return [text]
    lines: list[str] = []
    line = ""
    for word in text.split():
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
