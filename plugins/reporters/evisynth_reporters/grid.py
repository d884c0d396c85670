"""Measure the columns of a forest plot's table: where each begins and ends, headings and groups included."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import attrs

from evisynth_reporters.drawing import Label, Measure, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evisynth_reporters.table import Column, Row

PITCH = 13.5
"""From one line of text to the next."""
ASCENT = 9.5
"""From the top of a line to its baseline."""
GAP = 12.0
SPARE = 8.0
"""How much of the gap beside a column its texts may take, which differ a little without one of the studies."""
MARGIN = 10.0
LABEL_MOST = 230.0
HEADING_MOST = 150.0
GROUP_MOST = 170.0
NOTE_MOST = 400.0
SIGN_WIDTH = 11.0
SIGN_GAP = 2.5


@attrs.frozen
class Span:
    """Hold a heading over one or more columns, between two edges, broken into lines."""

    lines: tuple[str, ...]
    left: float
    right: float


@attrs.frozen
class Grid:
    """Hold the edges of the columns, their headings and the headings of groups of them."""

    edges: tuple[tuple[float, float], ...]
    headings: tuple[Span, ...]
    groups: tuple[Span, ...]

    @property
    def right(self) -> float:
        """Where the table ends."""
        return self.edges[-1][1] if self.edges else MARGIN

    columns: tuple[Column, ...] = ()
    places: tuple[int, ...] = ()
    """Which cells of a row stand in the columns."""

    def cells(self, row: Row, y: float, measure: Measure) -> Iterable[Label]:
        """Write a row whose top is at ``y``: texts over as many lines as they take, numbers on the first."""
        for column, place, (left, right) in zip(self.columns, self.places, self.edges, strict=True):
            cell = row.cells[place]
            if not cell or column.signs:
                continue
            if not column.left:
                yield Label(cell, right, y + ASCENT, "right", bold=row.bold)
                continue
            for i, line in enumerate(self.lines(row, place, right - left, measure)):
                yield Label(line, left, y + ASCENT + i * PITCH, bold=row.bold)

    def height(self, row: Row, measure: Measure) -> int:
        """Count the lines that a row takes."""
        texts = [i for i, column in enumerate(self.columns) if column.left]
        widths = [self.edges[i][1] - self.edges[i][0] for i in texts]
        return max(
            (len(self.lines(row, self.places[i], width, measure)) for i, width in zip(texts, widths, strict=True)),
            default=1,
        )

    @staticmethod
    def lines(row: Row, place: int, width: float, measure: Measure) -> list[str]:
        """Break the text of a cell to the width of its column."""
        return wrap(row.cells[place], width, lambda text: measure(text, bold=row.bold))


def grid_of(
    columns: Sequence[Column],
    rows: Sequence[Row],
    measure: Measure,
    *,
    places: Sequence[int] | None = None,
    start: float = MARGIN,
    like: Sequence[Row] | None = None,
) -> Grid:
    """Make every column as wide as its widest cell or heading, the first ones wide enough for the footers below.

    ``places`` are the cells of rows that stand in the columns, all without it; ``start`` is where the first begins.
    Columns are as wide as those of the rows ``like`` them, where the texts that differ fit the gap beside.
    """
    places = tuple(range(len(columns))) if places is None else tuple(places)
    headings = [tuple(wrap(column.heading, HEADING_MOST, lambda s: measure(s, bold=True))) for column in columns]
    widths = [
        _kept(
            _width(column, place, lines, rows, measure),
            None if like is None else _width(column, place, lines, like, measure),
        )
        for column, place, lines in zip(columns, places, headings, strict=True)
    ]
    spans = [(members[0], members[-1], group) for group, members in _grouped(columns)]
    groups = [tuple(wrap(group, GROUP_MOST, lambda s: measure(s, bold=True))) for _, _, group in spans]
    for (first, last, _), lines in zip(spans, groups, strict=True):
        needed = max(measure(line, bold=True) for line in lines)
        missing = needed - sum(widths[first : last + 1]) - GAP * (last - first)
        for i in range(first, last + 1):
            widths[i] += max(missing, 0.0) / (last - first + 1)
    if start == MARGIN and widths:
        notes = _kept(_notes(rows, measure), None if like is None else _notes(like, measure))
        widths[0] += max(notes - sum(widths) - GAP * (len(widths) - 1), 0.0)
    edges = _edges(widths, columns, start)
    return Grid(
        edges,
        tuple(Span(lines, *edge) for lines, edge in zip(headings, edges, strict=True)),
        tuple(
            Span(lines, edges[first][0], edges[last][1]) for (first, last, _), lines in zip(spans, groups, strict=True)
        ),
        tuple(columns),
        places,
    )


def _kept(width: float, like: float | None) -> float:
    """Keep to a width that there was, unless the text needs more than there is to spare."""
    return width if like is None or width > like + SPARE else like


def _notes(rows: Sequence[Row], measure: Measure) -> float:
    return max((min(measure(row.cells[0]), NOTE_MOST) for row in rows if row.kind == "note"), default=0.0)


def _width(column: Column, place: int, heading: Sequence[str], rows: Sequence[Row], measure: Measure) -> float:
    if column.signs:
        return SIGN_WIDTH
    cells = (measure(row.cells[place], bold=row.bold) for row in rows if not row.spans)
    widest = max([*cells, *(measure(line, bold=True) for line in heading)], default=0.0)
    return min(widest, LABEL_MOST) if column.left else widest


def _grouped(columns: Sequence[Column]) -> Iterable[tuple[str, list[int]]]:
    for group, members in groupby(range(len(columns)), key=lambda i: columns[i].group):
        if group:
            yield group, list(members)


def _edges(widths: Sequence[float], columns: Sequence[Column], start: float) -> tuple[tuple[float, float], ...]:
    made: list[tuple[float, float]] = []
    left = start
    for width, column in zip(widths, columns, strict=True):
        made.append((left, left + width))
        left += width + (SIGN_GAP if column.signs else GAP)
    return tuple(made)
