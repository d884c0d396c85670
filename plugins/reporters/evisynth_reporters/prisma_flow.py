"""Draw the PRISMA 2020 flow diagram: how studies were found, screened and included."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from evisynth import FigureSpec, Reporter, Review, flow_imbalances, hookimpl, number_between
from evisynth_reporters import printed
from evisynth_reporters.chart import MARGIN, notice, sheet
from evisynth_reporters.drawing import Group, Label, Line, Shape, wrap
from evisynth_reporters.figure import figure
from evisynth_reporters.palettes import palette_of
from evisynth_reporters.prisma_layout import COLUMNS, Cell, cells_of
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth_reporters.drawing import Drawing, Item, Measure
    from evisynth_reporters.words import Words

SIZE = 8.5
PITCH = 11.5
PAD = 6.0
GUTTER = 22.0
BETWEEN = 20.0
PHASE = 20.0
"""Width of the bars that name the phases."""
ARROW = 5.0
INDENT = "   "
PHASES = ("Identification", "Screening", "Included")
BAR_COLOUR = {"standard": "#9fc5e8", "colour-blind": "#a9cbe3", "grey": "#d0d0d0"}
TITLE_COLOUR = {"standard": "#ffd966", "colour-blind": "#f0d37a", "grey": "#bdbdbd"}
OTHER_COLOUR = "#d9d9d9"
NARROWEST = 420.0


@attrs.frozen(kw_only=True)
class PrismaSpec(FigureSpec):
    """Hold the options of a flow diagram."""

    figure: ClassVar[str] = "prisma"

    previous: bool | None = None
    """Whether the column of previous studies is there; by default where there are any."""
    other: bool | None = None
    """Whether the columns of other methods are there; by default where they found any."""
    box_width: float = attrs.field(default=165.0, validator=number_between(90.0, 600.0))
    notes: bool = True
    """Whether counts that do not add up are named beneath."""


def prisma(review: Review, spec: PrismaSpec, measure: Measure) -> Drawing:
    """Draw boxes with their counts, arrows between them, and the phases at the side; no count is invented."""
    words, title = words_of(spec.language), printed.one_line(spec.title)
    if review.flow is None:
        text = words("There is no flow to draw: the review holds no counts of records.")
        return notice(text, measure, width=NARROWEST, title=title)
    flow = review.flow
    previous = bool(flow.counts.get("previous_studies")) if spec.previous is None else spec.previous
    found = ("website_results", "organisation_results", "citations_results", "other_sought_reports")
    other = any(flow.counts.get(key) for key in found) if spec.other is None else spec.other
    return _Flow(cells_of(flow, words, previous=previous, other=other), spec, measure, words).drawing(
        title, tuple(flow_imbalances(flow)) if spec.notes else ()
    )


class _Flow:
    def __init__(self, cells: Sequence[Cell], spec: PrismaSpec, measure: Measure, words: Words) -> None:
        self.cells, self.spec, self.measure, self.words = cells, spec, measure, words
        palette_of(spec.palette)
        columns = [column for column in COLUMNS if any(cell.column == column for cell in cells)]
        step = spec.box_width + GUTTER
        start = MARGIN + PHASE + GUTTER / 2
        self.left = {column: start + i * step for i, column in enumerate(columns)}
        self.width = start + len(columns) * step - GUTTER + MARGIN
        self.lines = {cell.key: self.wrapped(cell) for cell in cells}
        self.height = {key: len(lines) * PITCH + 2 * PAD for key, lines in self.lines.items()}
        self.top: dict[str, float] = {}
        self.row_span: dict[int, tuple[float, float]] = {}
        y = 4.0
        for row in sorted({cell.row for cell in cells}):
            here = [cell for cell in cells if cell.row == row]
            tallest = max(self.height[cell.key] for cell in here)
            for cell in here:
                # Boxes beside one another are as tall as the tallest, so that arrows are straight.
                self.top[cell.key], self.height[cell.key] = y, tallest
            self.row_span[row] = (y, y + tallest)
            y += tallest + BETWEEN
        self.bottom = y - BETWEEN + 4.0

    def wrapped(self, cell: Cell) -> list[tuple[str, bool]]:
        room, bold = self.spec.box_width - 2 * PAD, cell.is_title
        return [
            (f"{INDENT if text.indented else ''}{line}", bold)
            for text in cell.texts
            for line in wrap(
                text.text,
                room - (self.width_of(INDENT) if text.indented else 0.0),
                lambda s: self.measure(s, bold=bold, size=SIZE),
            )
        ]

    def width_of(self, text: str) -> float:
        return self.measure(text, size=SIZE) if text else 0.0

    def drawing(self, title: str, imbalances: Sequence[str]) -> Drawing:
        items: list[Item] = [*self.phases()]
        for cell in self.cells:
            items.append(self.box(cell))
            for target in cell.to:
                if target in self.top:
                    items += self.arrow(cell.key, target)
        notes = [self.words("Counts that do not add up: {what}.", what=text) for text in imbalances]
        described = self.words("PRISMA 2020 flow diagram of the studies found, screened and included.")
        return sheet(
            items, self.measure, width=self.width, bottom=self.bottom, title=title, notes=notes, description=described
        )

    def column_of(self, key: str) -> str:
        return next(cell.column for cell in self.cells if cell.key == key)

    def box(self, cell: Cell) -> Item:
        left, top = self.left[cell.column], self.top[cell.key]
        right, bottom = left + self.spec.box_width, top + self.height[cell.key]
        corners = ((left, top), (right, top), (right, bottom), (left, bottom))
        colour = "#ffffff"
        if cell.is_title:
            colour = TITLE_COLOUR[self.spec.palette] if cell.column == "new" else OTHER_COLOUR
            if cell.wide:
                right = left + 2 * self.spec.box_width + GUTTER
                corners = ((left, top), (right, top), (right, bottom), (left, bottom))
        lines = self.lines[cell.key]
        start = top + (bottom - top - len(lines) * PITCH) / 2 + 0.78 * PITCH
        texts = [
            Label(
                line,
                (left + right) / 2 if bold else left + PAD,
                start + i * PITCH,
                "center" if bold else "left",
                bold=bold,
                size=SIZE,
            )
            for i, (line, bold) in enumerate(lines)
        ]
        tip = tuple(text.text for text in cell.texts)
        return Group((Shape(corners, colour, "#404040", 0.8), *texts), tip)

    def arrow(self, start: str, end: str) -> list[Item]:
        """Draw an arrow to the right within a row, else down, with a bend where the columns differ."""
        from_left, from_top = self.left[self.column_of(start)], self.top[start]
        to_left, to_top = self.left[self.column_of(end)], self.top[end]
        from_bottom, half = from_top + self.height[start], self.spec.box_width / 2
        if from_top == to_top:
            y = from_top + self.height[start] / 2
            ends = (
                (from_left + self.spec.box_width, to_left)
                if to_left > from_left
                else (from_left, to_left + self.spec.box_width)
            )
            return [Line((ends[0], y), (ends[1], y)), _head((ends[1], y), 1.0 if to_left > from_left else -1.0, 0.0)]
        x, target = from_left + half, to_left + half
        if x == target:
            return [Line((x, from_bottom), (x, to_top)), _head((x, to_top), 0.0, 1.0)]
        # Down beside the boxes between, then across to the side of the box.
        y = to_top + self.height[end] / 2
        edge = to_left if x < target else to_left + self.spec.box_width
        return [
            Line((x, from_bottom), (x, y)),
            Line((x, y), (edge, y)),
            _head((edge, y), 1.0 if x < target else -1.0, 0.0),
        ]

    def phases(self) -> list[Item]:
        made: list[Item] = []
        for place, name in enumerate(PHASES):
            rows = [cell.row for cell in self.cells if cell.phase == place]
            if not rows:
                continue
            top, bottom = self.row_span[min(rows)][0], self.row_span[max(rows)][1]
            text = self.words(name)
            wanted = self.measure(text, bold=True, size=SIZE) + 6.0
            if bottom - top < wanted:
                middle = (top + bottom) / 2
                top, bottom = middle - wanted / 2, middle + wanted / 2
            corners = ((MARGIN, top), (MARGIN + PHASE, top), (MARGIN + PHASE, bottom), (MARGIN, bottom))
            made.append(Shape(corners, BAR_COLOUR[self.spec.palette], "#404040", 0.8))
            x = MARGIN + PHASE / 2 + 0.36 * SIZE
            made.append(Label(text, x, (top + bottom) / 2, "center", bold=True, size=SIZE, upright=True))
        return made


def _head(tip: tuple[float, float], across: float, down: float) -> Shape:
    x, y = tip
    if across:
        return Shape(((x, y), (x - across * ARROW, y - 2.6), (x - across * ARROW, y + 2.6)))
    return Shape(((x, y), (x - 2.6, y - down * ARROW), (x + 2.6, y - down * ARROW)))


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the flow diagram."""
    return [
        figure(
            PrismaSpec,
            prisma,
            of="review data",
            reference="Page et al. (2021), BMJ 372:n71; Haddaway et al. (2022), Campbell Syst. Rev. 18:e1230",
        )
    ]
