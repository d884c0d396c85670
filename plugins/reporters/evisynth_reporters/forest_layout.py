"""Lay out a forest plot from measured text, so that nothing overlaps and nothing is cut off."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from evisynth import SettingsError
from evisynth_reporters.axis import Axis, choose_axis, spanning_axis
from evisynth_reporters.drawing import TEXT_SIZE, Drawing, Group, Label, Line, Measure, wrap
from evisynth_reporters.forest_styles import FOREST_STYLES
from evisynth_reporters.grid import ASCENT, GAP, MARGIN, PITCH, SPARE, Span, grid_of
from evisynth_reporters.marks import Plot
from evisynth_reporters.palettes import palette_of
from evisynth_reporters.signs import sign_items
from evisynth_reporters.table import Row
from evisynth_reporters.ticks import linear_ticks, log_ticks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evisynth_reporters.drawing import Align, Item
    from evisynth_reporters.forest_styles import ForestStyle
    from evisynth_reporters.table import Column, ForestTable

TITLE_SIZE = 11.0
TITLE_PITCH = 16.0
SMALL = 7.5
SMALL_PITCH = 10.5
BLANK = 0.6
"""Height of an empty row, in lines."""
RULE_GAP = 4.0
TICK = 3.0
SIGN_RADIUS = 5.0
FAVOURS_MOST = 170.0
FAVOURS_GAP = 9.0
LEAST_SIDE = 0.15
"""Least share of the axis on either side of no effect that leaves room to say what the sides speak for."""
FAVOURS_DROP = 15.0
"""From the base line of the ticks' numbers to that of what each side favours."""


def axis_of(
    table: ForestTable,
    scale: float | None = None,
    *,
    low: float | None = None,
    ticks: Sequence[float] = (),
    round_ticks: bool = False,
) -> Axis:
    """Choose the axis of a table; ``scale`` is its right end, ``low`` its left and ``ticks`` its marks where given.

    With ``round_ticks`` a logarithmic axis is marked at 1, 2 and 5 times powers of ten, not where RevMan marks it.
    """
    middle = 1.0 if table.log_scale else 0.0
    if low is not None:
        found = choose_axis(table.marks, log=table.log_scale, end=scale)
        axis = Axis(found.end, found.log, start=_start(low, found), null=table.null)
    elif table.null == middle:
        axis = choose_axis(table.marks, log=table.log_scale, end=scale)
    else:
        axis = spanning_axis(table.marks, log=table.log_scale, end=scale, null=table.null)
    if not ticks:
        # Of an axis with two ends of the user's, round numbers between them.
        chosen = () if low is None else (log_ticks if axis.log else linear_ticks)(low, axis.end)
        if low is None and round_ticks and axis.log:
            chosen = log_ticks(1.0 / axis.end if axis.start is None else axis.start, axis.end)
        return attrs.evolve(axis, given=tuple(chosen))
    return attrs.evolve(axis, given=tuple(ticks))


def _start(low: float, axis: Axis) -> float:
    if not math.isfinite(low) or low >= axis.end or (axis.log and low <= 0.0):
        msg = f"scale_low of figure 'forest' is the left end of the axis, a number below its right end, not {low!r}"
        raise SettingsError(msg)
    return low


def lay_out(  # noqa: PLR0913 - keyword-only from the second on
    table: ForestTable,
    measure: Measure,
    *,
    title: str = "",
    axis: Axis | None = None,
    plot_width: float = 200.0,
    small_print: Sequence[str] = (),
    style: ForestStyle = FOREST_STYLES["revman5"],
    palette: str = "standard",
    tips: Mapping[int, tuple[str, ...]] | None = None,
    like: ForestTable | None = None,
) -> Drawing:
    """Place everything: title, headings, rows, footers under the table, plot and axis beside it, small print below.

    ``tips`` are what there is to read about a study, by its row in the input. Columns are as wide as in
    the table ``like`` this one, that of all studies, where this one is without some.
    """
    made = _Layout(table, measure, axis or axis_of(table), plot_width, style, palette, tips or {}, like)
    return made.drawing(title, small_print)


def _rows(table: ForestTable) -> list[Row]:
    found = table.coefficients
    heading = [Row("note", (table.coefficients_heading,))] if found else []
    return [*table.rows, *heading, *(Row("note", (coefficient.line,)) for coefficient in found)]


class _Layout:
    def __init__(
        self,
        table: ForestTable,
        measure: Measure,
        axis: Axis,
        plot_width: float,
        style: ForestStyle,
        palette: str,
        tips: Mapping[int, tuple[str, ...]],
        like: ForestTable | None,
    ) -> None:
        self.table, self.measure, self.axis, self.style, self.palette, self.tips = (
            table, measure, axis, style, palette, tips,
        )  # fmt: skip
        self.rows = _rows(table)
        kept = None if like is None else _rows(like)
        on = {side: [i for i, column in enumerate(table.columns) if column.side == side] for side in ("left", "right")}
        self.grid = grid_of([table.columns[i] for i in on["left"]], self.rows, measure, places=on["left"], like=kept)
        self.ticks = [(tick, f"{tick:g}") for tick in axis.ticks]
        self.overhang = max((self.plain(text) for _, text in (self.ticks[:1] + self.ticks[-1:])), default=0.0) / 2
        # The share of the axis on the shorter side of no effect.
        share = 0.0 if axis.no_effect is None else min(axis.place(axis.no_effect), 1.0 - axis.place(axis.no_effect))
        self.sides = table.favours if share >= LEAST_SIDE and any(table.favours) else ()
        favours = max((min(self.plain(text), FAVOURS_MOST) for text in self.sides), default=0.0)
        left = self.grid.right + GAP + self.overhang
        self.plot = Plot(
            axis,
            left,
            max(plot_width, (favours + FAVOURS_GAP - self.overhang) / share) if self.sides else plot_width,
            style.squares[table.kind],
            max((mark.weight for mark in table.marks if mark.shape == "square"), default=0.0),
            style.diamond,
            palette_of(palette).second,
        )
        end = self.plot.right + self.overhang
        self.beside = grid_of(
            [table.columns[i] for i in on["right"]], self.rows, measure, places=on["right"], start=end + GAP, like=kept
        )
        self.width = (self.beside.right if on["right"] else end) + MARGIN
        self.items: list[Item] = []

    def plain(self, text: str, size: float = TEXT_SIZE) -> float:
        return self.measure(text, size=size)

    def bold(self, text: str, size: float = TEXT_SIZE) -> float:
        return self.measure(text, bold=True, size=size)

    def drawing(self, title: str, small_print: Sequence[str]) -> Drawing:
        y = self.title(title, MARGIN)
        top = self.headings(y)
        bottom, plot_bottom = self.body(top)
        bottom = max(bottom, self.axis_and_labels(top, plot_bottom))
        bottom = self.sign_legend(self.small_print(small_print, bottom))
        return Drawing(self.width, bottom + MARGIN, tuple(self.items), self.table.description)

    def title(self, title: str, y: float) -> float:
        if not title:
            return y
        lines = wrap(title, self.width - 2 * MARGIN, lambda text: self.bold(text, TITLE_SIZE))
        for line in lines:
            self.items.append(Label(line, MARGIN, y + TITLE_PITCH * 0.75, bold=True, size=TITLE_SIZE))
            y += TITLE_PITCH
        return y + RULE_GAP

    def headings(self, y: float) -> float:
        """Write both lines of headings and the rules about them; gives where the rows begin."""
        if self.style.rules == "around headings":
            self.rule(y, 1.2)
            y += RULE_GAP
        over = [tuple(wrap(text, self.plot.width, self.bold)) for text in self.table.plot_heading]
        groups = [*self.grid.groups, *self.beside.groups]
        groups += [Span(over[0], self.plot.left, self.plot.right)] if self.table.plot_heading[0] else []
        heads: list[tuple[Span, Align]] = [
            (span, self.alignment(column, of_plot=bool(self.table.plot_heading[1])))
            for grid in (self.grid, self.beside)
            for span, column in zip(grid.headings, grid.columns, strict=True)
        ]
        if self.table.plot_heading[1]:
            heads.append((Span(over[1], self.plot.left, self.plot.right), "center"))
        if self.sides and self.style.favours_above:
            y = self.favours_above(y, groups, [span for span, _ in heads])
        y = self.band(y, [(span, "center") for span in groups])
        y = self.band(y, heads) + RULE_GAP
        self.rule(y, 0.5 if self.style.rules == "light" else 0.8)
        return y + RULE_GAP

    def alignment(self, column: Column, *, of_plot: bool) -> Align:
        """Set headings as their cells; RevMan centres that of the effect, over table and plot alike."""
        if column.signs or (of_plot and column.heading == self.table.plot_heading[1]):
            return "center"
        return "left" if column.left else "right"

    def rule(self, y: float, width: float) -> None:
        self.items.append(Line((MARGIN, y), (self.width - MARGIN, y), width))

    def band(self, y: float, spans: Sequence[tuple[Span, Align]]) -> float:
        height = max((len(span.lines) for span, _ in spans), default=0)
        for span, align in spans:
            x = {"left": span.left, "center": (span.left + span.right) / 2, "right": span.right}[align]
            for j, line in enumerate(span.lines):
                base = y + (height - len(span.lines) + j) * PITCH + ASCENT
                self.items.append(Label(line, x, base, align, bold=True))
        return y + height * PITCH

    def body(self, y: float) -> tuple[float, float]:
        """Write the rows and draw their marks; gives where the rows end and where those beside the plot do."""
        beside = y
        for row in self.rows:
            if row.kind == "blank":
                y += BLANK * PITCH
                continue
            if row.kind == "note":
                lines = wrap(row.cells[0], self.grid.right - MARGIN + SPARE, self.plain)
                self.items.extend(Label(line, MARGIN, y + ASCENT + i * PITCH) for i, line in enumerate(lines))
                y += len(lines) * PITCH
                continue
            y += self.row(row, y)
            if row.kind != "events":
                beside = y
        return y, beside

    def row(self, row: Row, y: float) -> float:
        """Write one row and draw its mark; gives its height."""
        if row.kind == "heading":
            lines = wrap(row.cells[0], self.grid.right - MARGIN, self.bold)
            self.items.extend(Label(line, MARGIN, y + ASCENT + i * PITCH, bold=True) for i, line in enumerate(lines))
            return len(lines) * PITCH
        made: list[Item] = [*self.grid.cells(row, y, self.measure), *self.beside.cells(row, y, self.measure)]
        middle = y + ASCENT - 0.36 * TEXT_SIZE
        for grid in (self.grid, self.beside):
            for column, place, (left, right) in zip(grid.columns, grid.places, grid.edges, strict=True):
                if column.signs and row.cells[place]:
                    made += sign_items(row.cells[place], (left + right) / 2, middle, SIGN_RADIUS, self.palette)
        if row.mark is not None:
            made += self.plot.draw(row.mark, middle)
        height = max(self.grid.height(row, self.measure), self.beside.height(row, self.measure)) * PITCH
        if row.study is None:
            self.items += made
        else:
            area = (MARGIN, y, self.width - MARGIN, y + height)
            self.items.append(Group(tuple(made), self.tips.get(row.study, ()), row.study, area))
        return height

    def axis_and_labels(self, top: float, bottom: float) -> float:
        """Draw the line of no effect, the axis below the last row beside it, and what each side favours."""
        plot, y = self.plot, bottom + RULE_GAP
        middle = None if self.axis.no_effect is None else plot.x(self.axis.no_effect)
        if middle is not None and plot.left <= middle <= plot.right:
            # Below everything else in the plot: squares and diamonds lie over the line.
            self.items.insert(0, Line((middle, top - RULE_GAP), (middle, y)))
        self.items.append(Line((plot.left, y), (plot.right, y)))
        base, end = y + TICK + ASCENT, -math.inf
        for value, text in self.ticks:
            x, half = plot.x(value), self.plain(text) / 2
            self.items.append(Line((x, y - TICK), (x, y + TICK)))
            if x - half > end:
                self.items.append(Label(text, x, base, "center"))
                end = x + half + TICK
        if middle is None or not self.sides or self.style.favours_above:
            return base + PITCH - ASCENT
        return self.favours(base + FAVOURS_DROP - ASCENT)

    def favours_above(self, y: float, *bands: Sequence[Span]) -> float:
        """Write what each side speaks for down to the rule, or above headings; gives where those begin."""
        height = sum(max((len(span.lines) for span in band), default=0) for band in bands) * PITCH
        needed = max(map(len, self._side_lines()[1])) * PITCH
        over_plot = any(span.left == self.plot.left for band in bands for span in band)
        start = y + needed if over_plot else y + max(needed - height, 0.0)
        self.favours(start - needed if over_plot else start + height - needed)
        return start

    def _side_lines(self) -> tuple[float, list[list[str]]]:
        """Give where no effect is, and the lines of what stands on either side."""
        assert self.axis.no_effect is not None  # noqa: S101 - there are sides
        middle = self.plot.x(self.axis.no_effect)
        rooms = (middle - self.plot.left, self.plot.right - middle)
        return middle, [
            wrap(text, room - FAVOURS_GAP + self.overhang, self.plain)
            for text, room in zip(self.sides, rooms, strict=True)
        ]

    def favours(self, y: float) -> float:
        """Write what each side of the axis speaks for; gives where the texts end."""
        middle, sides = self._side_lines()
        for i, line in enumerate(sides[0]):
            self.items.append(Label(line, middle - FAVOURS_GAP, y + ASCENT + i * PITCH, "right"))
        for i, line in enumerate(sides[1]):
            self.items.append(Label(line, middle + FAVOURS_GAP, y + ASCENT + i * PITCH))
        return y + max(map(len, sides)) * PITCH

    def sign_legend(self, y: float) -> float:
        """Explain the letters over the columns of signs."""
        if not self.table.signs:
            return y
        y += RULE_GAP
        for letter, name in self.table.signs:
            for i, line in enumerate(
                wrap(f"({letter}) {name}", self.width - 2 * MARGIN, lambda s: self.plain(s, SMALL))
            ):
                self.items.append(Label(line, MARGIN + (10.0 if i else 0.0), y + SMALL_PITCH * 0.75, size=SMALL))
                y += SMALL_PITCH
        return y

    def small_print(self, paragraphs: Sequence[str], y: float) -> float:
        y += RULE_GAP if paragraphs else 0.0
        for paragraph in paragraphs:
            for line in wrap(paragraph, self.width - 2 * MARGIN, lambda text: self.plain(text, SMALL)):
                self.items.append(Label(line, MARGIN, y + SMALL_PITCH * 0.75, size=SMALL))
                y += SMALL_PITCH
        return y
