"""Lay out a forest plot from measured text, so that nothing overlaps and nothing is cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evisynth_reporters.axis import choose_axis, spanning_axis
from evisynth_reporters.drawing import TEXT_SIZE, Drawing, Label, Line, Measure, Shape, wrap
from evisynth_reporters.grid import ASCENT, GAP, MARGIN, PITCH, Grid, Span, grid_of
from evisynth_reporters.marks import Plot
from evisynth_reporters.table import Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evisynth_reporters.axis import Axis
    from evisynth_reporters.outcome_columns import Kind
    from evisynth_reporters.table import ForestTable

COLOURS: Mapping[Kind, str] = {"counts": "#0000cc", "means": "#00cc00", "given": "#cc0000"}
"""As in RevMan: squares of dichotomous, continuous and generic outcomes."""

TITLE_SIZE = 11.0
TITLE_PITCH = 16.0
SMALL = 7.5
SMALL_PITCH = 10.5
BLANK = 0.6
"""Height of an empty row, in lines."""
RULE_GAP = 4.0
TICK = 3.0
FAVOURS_MOST = 170.0
FAVOURS_GAP = 9.0
FAVOURS_DROP = 15.0
"""From the base line of the ticks' numbers to that of what each side favours."""


def axis_of(table: ForestTable, scale: float | None = None) -> Axis:
    """Choose the axis of a table; ``scale`` is its right end where it is given."""
    middle = 1.0 if table.log_scale else 0.0
    if table.null == middle:
        return choose_axis(table.marks, log=table.log_scale, end=scale)
    return spanning_axis(table.marks, log=table.log_scale, end=scale, null=table.null)


def lay_out(
    table: ForestTable,
    measure: Measure,
    *,
    title: str = "",
    axis: Axis | None = None,
    plot_width: float = 200.0,
    small_print: Sequence[str] = (),
) -> Drawing:
    """Place everything: title, headings, rows, footers under the table, plot and axis beside it, small print below."""
    return _Layout(table, measure, axis or axis_of(table), plot_width).drawing(title, small_print)


class _Layout:
    def __init__(self, table: ForestTable, measure: Measure, axis: Axis, plot_width: float) -> None:
        self.table, self.measure, self.axis = table, measure, axis
        self.rows = self._rows()
        self.grid: Grid = grid_of(table.columns, self.rows, measure)
        self.ticks = [(tick, f"{tick:g}") for tick in axis.ticks]
        self.overhang = max(self.plain(self.ticks[0][1]), self.plain(self.ticks[-1][1])) / 2
        symmetric = axis.no_effect is not None and axis.start is None
        self.sides = table.favours if symmetric and any(table.favours) else ()
        favours = max((min(self.plain(text), FAVOURS_MOST) for text in self.sides), default=0.0)
        left = self.grid.right + GAP + self.overhang
        self.plot = Plot(
            axis,
            left,
            max(plot_width, 2 * (favours + FAVOURS_GAP - self.overhang)),
            COLOURS[table.kind],
            max((mark.weight for mark in table.marks), default=0.0),
        )
        self.width = self.plot.right + self.overhang + MARGIN
        self.items: list[Label | Line | Shape] = []

    def plain(self, text: str, size: float = TEXT_SIZE) -> float:
        return self.measure(text, size=size)

    def bold(self, text: str, size: float = TEXT_SIZE) -> float:
        return self.measure(text, bold=True, size=size)

    def _rows(self) -> list[Row]:
        found = self.table.coefficients
        scale = " (on the log scale)" if self.table.log_scale else ""
        heading = [Row("note", (f"Coefficients{scale}:",))] if found else []
        return [*self.table.rows, *heading, *(Row("note", (coefficient.line,)) for coefficient in found)]

    def drawing(self, title: str, small_print: Sequence[str]) -> Drawing:
        y = self.title(title, MARGIN)
        top = self.headings(y)
        bottom, plot_bottom = self.body(top)
        bottom = max(bottom, self.axis_and_labels(top, plot_bottom))
        bottom = self.small_print(small_print, bottom)
        return Drawing(self.width, bottom + MARGIN, tuple(self.items))

    def title(self, title: str, y: float) -> float:
        if not title:
            return y
        lines = wrap(title, self.width - 2 * MARGIN, lambda text: self.bold(text, TITLE_SIZE))
        for line in lines:
            self.items.append(Label(line, MARGIN, y + TITLE_PITCH * 0.75, bold=True, size=TITLE_SIZE))
            y += TITLE_PITCH
        return y + RULE_GAP

    def headings(self, y: float) -> float:
        """Write both lines of headings and the rule below; gives where the rows begin."""
        effect, how = self.table.columns[-1].group, self.table.columns[-1].heading
        over = [tuple(wrap(text, self.plot.width, self.bold)) for text in (effect, how)]
        groups = [*self.grid.groups, Span(over[0], self.plot.left, self.plot.right)]
        y = self.band(y, groups, centred=range(len(groups)))
        heads = [*self.grid.headings, Span(over[1], self.plot.left, self.plot.right)]
        y = self.band(y, heads, centred=(len(heads) - 2, len(heads) - 1)) + RULE_GAP
        self.items.append(Line((MARGIN, y), (self.width - MARGIN, y)))
        return y + RULE_GAP

    def band(self, y: float, spans: Sequence[Span], centred: Iterable[int]) -> float:
        height = max((len(span.lines) for span in spans), default=0)
        middle = set(centred)
        for i, span in enumerate(spans):
            for j, line in enumerate(span.lines):
                base = y + (height - len(span.lines) + j) * PITCH + ASCENT
                if i in middle:
                    self.items.append(Label(line, (span.left + span.right) / 2, base, "center", bold=True))
                elif i == 0:
                    self.items.append(Label(line, span.left, base, bold=True))
                else:
                    self.items.append(Label(line, span.right, base, "right", bold=True))
        return y + height * PITCH

    def body(self, y: float) -> tuple[float, float]:
        """Write the rows and draw their marks; gives where the rows end and where those beside the plot do."""
        label_width = self.grid.edges[0][1] - self.grid.edges[0][0]
        beside = y
        for row in self.rows:
            if row.kind == "blank":
                y += BLANK * PITCH
                continue
            room = self.grid.right - MARGIN if row.kind in {"note", "heading"} else label_width
            lines = wrap(row.cells[0], room, self.bold if row.bold else self.plain)
            if row.kind == "note":
                self.items.extend(Label(line, MARGIN, y + ASCENT + i * PITCH) for i, line in enumerate(lines))
            else:
                self.items.extend(self.grid.cells(row, y, lines))
            if row.mark is not None:
                self.items.extend(self.plot.draw(row.mark, y + ASCENT - 0.36 * TEXT_SIZE))
            y += len(lines) * PITCH
            if row.kind not in {"note", "events"}:
                beside = y
        return y, beside

    def axis_and_labels(self, top: float, bottom: float) -> float:
        """Draw the line of no effect, the axis below the last row beside it, and what each side favours."""
        plot, y = self.plot, bottom + RULE_GAP
        middle = None if self.axis.no_effect is None else plot.x(self.axis.no_effect)
        if middle is not None:
            # Below everything else in the plot: squares and diamonds lie over the line.
            self.items.insert(0, Line((middle, top - RULE_GAP), (middle, y)))
        self.items.append(Line((plot.left, y), (plot.right, y)))
        base = y + TICK + ASCENT
        for value, text in self.ticks:
            x = plot.x(value)
            self.items.append(Line((x, y - TICK), (x, y + TICK)))
            self.items.append(Label(text, x, base, "center"))
        if middle is None or not self.sides:
            return base + PITCH - ASCENT
        room = plot.width / 2 - FAVOURS_GAP + self.overhang
        sides = [wrap(text, room, self.plain) for text in self.sides]
        for i, line in enumerate(sides[0]):
            self.items.append(Label(line, middle - FAVOURS_GAP, base + FAVOURS_DROP + i * PITCH, "right"))
        for i, line in enumerate(sides[1]):
            self.items.append(Label(line, middle + FAVOURS_GAP, base + FAVOURS_DROP + i * PITCH))
        return base + FAVOURS_DROP + max(map(len, sides)) * PITCH - ASCENT

    def small_print(self, paragraphs: Sequence[str], y: float) -> float:
        y += RULE_GAP if paragraphs else 0.0
        for paragraph in paragraphs:
            for line in wrap(paragraph, self.width - 2 * MARGIN, lambda text: self.plain(text, SMALL)):
                self.items.append(Label(line, MARGIN, y + SMALL_PITCH * 0.75, size=SMALL))
                y += SMALL_PITCH
        return y
