"""Set tables in a monospaced font: the first column flush left, numbers flush right under their headings."""

from __future__ import annotations

import textwrap
import unicodedata
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evisynth_reporters.table import Column, Row

GAP = 2
LABEL_WIDTH = 48
PROSE_WIDTH = 100


def width_of(shown: str) -> int:
    """Count the cells that a terminal gives to a text: two for a wide character, none for a mark over another."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in shown
    )


def pad(shown: str, width: int, align: str = ">") -> str:
    """Fill with spaces to a width: ``<`` flush left, ``>`` flush right, ``^`` centred."""
    space = max(width - width_of(shown), 0)
    before = {"<": 0, "^": space // 2}.get(align, space)
    return " " * before + shown + " " * (space - before)


def set_table(columns: Sequence[Column], rows: Sequence[Row]) -> list[str]:
    """Set headings and rows; a row that spans all columns takes part in no column's width."""
    lines = [line for row in rows for line in ([row.cells] if row.spans else _wrapped(row.cells))]
    full = [line for line in lines if len(line) == len(columns)]
    widths = [
        max(width_of(text) for text in (column.heading, *(line[i] for line in full)))
        for i, column in enumerate(columns)
    ]
    spans = _spans(columns)
    for start, stop in spans:
        _widen(widths, start, stop, width_of(columns[start].group))
    groups = [
        pad(columns[start].group, sum(widths[start:stop]) + GAP * (stop - start - 1), "^") for start, stop in spans
    ]
    sides = ["<" if i == 0 or column.left else ">" for i, column in enumerate(columns)]
    heading = _join(tuple(column.heading for column in columns), widths, sides)
    body = [_join(line, widths, sides) if len(line) == len(columns) else "".join(line) for line in lines]
    return [(" " * GAP).join(groups), heading, "-" * width_of(heading), *body]


def _wrapped(cells: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    """Break a long label over lines; the other cells stand on the first."""
    first, *others = textwrap.wrap(cells[0], LABEL_WIDTH, subsequent_indent="  ") or [""]
    yield (first, *cells[1:])
    for other in others:
        yield (other, *("" for _ in cells[1:]))


def _spans(columns: Sequence[Column]) -> list[tuple[int, int]]:
    """Find neighbours that share a heading, as half-open ranges."""
    found: list[tuple[int, int]] = []
    for group, members in groupby(range(len(columns)), key=lambda i: columns[i].group):
        inside = list(members)
        found.extend([(inside[0], inside[-1] + 1)] if group else [(i, i + 1) for i in inside])
    return found


def _widen(widths: list[int], start: int, stop: int, wanted: int) -> None:
    missing = wanted - sum(widths[start:stop]) - GAP * (stop - start - 1)
    for step in range(max(missing, 0)):
        widths[start + step % (stop - start)] += 1


def _join(cells: Sequence[str], widths: Sequence[int], sides: Sequence[str]) -> str:
    aligned = (pad(cell, width, side) for cell, width, side in zip(cells, widths, sides, strict=True))
    return (" " * GAP).join(aligned)


def items(heading: str, items: Iterable[str]) -> list[str]:
    """Set items under a heading, each as a paragraph that hangs; nothing without items."""
    lines = [line for item in items for line in _prose(item)]
    return [f"{heading}:", *lines] if lines else []


def _prose(paragraph: str) -> list[str]:
    return textwrap.wrap(paragraph, PROSE_WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
