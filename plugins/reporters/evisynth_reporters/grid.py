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
MARGIN = 10.0
LABEL_MOST = 230.0
HEADING_MOST = 150.0
GROUP_MOST = 170.0
NOTE_MOST = 400.0


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
        return self.edges[-1][1]

    def cells(self, row: Row, y: float, label_lines: Sequence[str]) -> Iterable[Label]:
        """Write a row whose top is at ``y``: its label over as many lines as it takes, numbers on the first."""
        for i, line in enumerate(label_lines):
            yield Label(line, self.edges[0][0], y + ASCENT + i * PITCH, bold=row.bold)
        for cell, (_, right) in zip(row.cells[1:], self.edges[1:], strict=True):
            if cell:
                yield Label(cell, right, y + ASCENT, "right", bold=row.bold)


def grid_of(columns: Sequence[Column], rows: Sequence[Row], measure: Measure) -> Grid:
    """Make every column as wide as its widest cell or heading, and wide enough for the footers below."""
    headings = [tuple(wrap(column.heading, HEADING_MOST, lambda s: measure(s, bold=True))) for column in columns]
    widths = [max(measure(line, bold=True) for line in lines) for lines in headings]
    for row in rows:
        if not row.spans:
            for i, cell in enumerate(row.cells):
                widths[i] = max(widths[i], measure(cell, bold=row.bold))
    widths[0] = min(widths[0], LABEL_MOST)
    spans = [(members[0], members[-1], group) for group, members in _grouped(columns)]
    groups = [tuple(wrap(group, GROUP_MOST, lambda s: measure(s, bold=True))) for _, _, group in spans]
    for (first, last, _), lines in zip(spans, groups, strict=True):
        needed = max(measure(line, bold=True) for line in lines)
        missing = needed - sum(widths[first : last + 1]) - GAP * (last - first)
        for i in range(first, last + 1):
            widths[i] += max(missing, 0.0) / (last - first + 1)
    notes = max((min(measure(row.cells[0]), NOTE_MOST) for row in rows if row.kind == "note"), default=0.0)
    widths[0] += max(notes - sum(widths) - GAP * (len(widths) - 1), 0.0)
    edges = _edges(widths)
    return Grid(
        edges,
        tuple(Span(lines, *edge) for lines, edge in zip(headings, edges, strict=True)),
        tuple(
            Span(lines, edges[first][0], edges[last][1]) for (first, last, _), lines in zip(spans, groups, strict=True)
        ),
    )


def _grouped(columns: Sequence[Column]) -> Iterable[tuple[str, list[int]]]:
    for group, members in groupby(range(len(columns)), key=lambda i: columns[i].group):
        if group:
            yield group, list(members)


def _edges(widths: Sequence[float]) -> tuple[tuple[float, float], ...]:
    made: list[tuple[float, float]] = []
    left = MARGIN
    for width in widths:
        made.append((left, left + width))
        left += width + GAP
    return tuple(made)
