"""Lay out a figure of two settings: names, numbers, both intervals below one another, and what changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evisynth_reporters.drawing import TEXT_SIZE, Drawing, Label, Line, Measure, Shape, wrap
from evisynth_reporters.grid import ASCENT, GAP, MARGIN, PITCH

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evisynth_reporters.settings_rows import ComparedRow, Mark, Section

COLOURS = ("#0072b2", "#d55e00")
"""Of Okabe and Ito's palette: told apart by people with any kind of colour blindness, and by lightness in grey."""
GREY = "#b0b0b0"
TITLE_SIZE = 11.0
TITLE_PITCH = 16.0
SMALL = 7.5
SMALL_PITCH = 10.5
LABEL_MOST = 230.0
TAGS_MOST = 150.0
ROW_GAP = 5.0
COMPARISON_GAP = 4.0
SECTION_GAP = 10.0
TICK = 3.0
HALF_MARK = 3.2
KEY = 12.0
"""Width of the mark before the numbers."""
ARROW = 5.0
HALF_ARROW = 2.6
STUB = 8.0
RISE = 0.36 * TEXT_SIZE
"""From a baseline up to the middle of its letters."""


def lay_out(
    found: Sequence[Section],
    measure: Measure,
    *,
    title: str,
    names: tuple[str, str],
    plot_width: float,
    small_print: Sequence[str],
) -> Drawing:
    """Place title, key, sections with an axis each, and small print."""
    return _Layout(found, measure, names, plot_width).drawing(title, small_print)


class _Layout:
    def __init__(self, found: Sequence[Section], measure: Measure, names: tuple[str, str], plot_width: float) -> None:
        self.sections, self.measure, self.names = found, measure, names
        rows = [row for section in found for row in section.rows]
        label = max((self.measure(row.label, bold=row.bold) for row in rows), default=0.0)
        self.label_width = min(label, LABEL_MOST)
        effect = max((self.measure(text) for row in rows for text in row.effects), default=0.0)
        spread = max((self.measure(text) for row in rows for text in row.spreads), default=0.0)
        tags = max((self.measure(tag, bold=True) for row in rows for tag in row.tags), default=0.0)
        self.tags_width = min(tags, TAGS_MOST)
        self.key_left = MARGIN + self.label_width + GAP
        self.effect_left = self.key_left + KEY
        self.spread_right = self.effect_left + effect + GAP + spread
        ends = [f"{tick:g}" for section in found for tick in (section.axis.ticks[0], section.axis.ticks[-1])]
        overhang = max(map(self.measure, ends), default=0.0) / 2
        self.plot_left = self.spread_right + GAP + overhang
        self.plot_right = self.plot_left + plot_width
        self.tags_left = self.plot_right + overhang + GAP
        key = sum(map(self.measure, names)) + 2 * (KEY + GAP)
        self.width = max(self.tags_left + self.tags_width, MARGIN + key) + MARGIN
        self.items: list[Label | Line | Shape] = []

    def drawing(self, title: str, small_print: Sequence[str]) -> Drawing:
        y = self.head(title)
        for section in self.sections:
            y = self.section(section, y) + SECTION_GAP
        y = self.small_print(small_print, y)
        return Drawing(self.width, y + MARGIN, tuple(self.items))

    def head(self, title: str) -> float:
        """Write the title, and the key of both settings."""
        y = MARGIN
        room = self.width - 2 * MARGIN
        for line in wrap(title, room, lambda text: self.measure(text, bold=True, size=TITLE_SIZE)) if title else ():
            self.items.append(Label(line, MARGIN, y + TITLE_PITCH * 0.75, bold=True, size=TITLE_SIZE))
            y += TITLE_PITCH
        x = MARGIN
        for i, name in enumerate(self.names):
            needed = KEY + self.measure(name)
            if x > MARGIN and x + needed > self.width - MARGIN:
                x, y = MARGIN, y + PITCH
            for line in wrap(name, room - KEY, self.measure):
                if line != name and x > MARGIN:
                    x = MARGIN
                self.items.append(self.shape(i, x + HALF_MARK, y + ASCENT - RISE))
                self.items.append(Label(line, x + KEY, y + ASCENT))
                if line != name:
                    y += PITCH
            x += needed + GAP
        return y + PITCH + ROW_GAP

    def section(self, section: Section, y: float) -> float:
        """Write the rows of a section under its title, and its axis below."""
        y = self.heading(section.title, y)
        top, heading = y, ""
        for row in section.rows:
            if row.heading != heading:
                y = self.comparison(row.heading, y + (COMPARISON_GAP if heading else 0.0))
                heading = row.heading
            y = self.row(row, section, y)
        return self.axis(section, top, y)

    def heading(self, title: str, y: float) -> float:
        for line in wrap(title, self.width - 2 * MARGIN, self.measure):
            self.items.append(Label(line, MARGIN, y + ASCENT))
            y += PITCH
        self.items.append(Line((MARGIN, y + 2), (self.width - MARGIN, y + 2)))
        return y + ROW_GAP

    def comparison(self, name: str, y: float) -> float:
        # Names may be long: they keep clear of the plot, whose line of no effect runs through.
        for line in wrap(name, self.spread_right - MARGIN, lambda text: self.measure(text, size=SMALL)):
            self.items.append(Label(line, MARGIN, y + SMALL_PITCH * 0.8, size=SMALL))
            y += SMALL_PITCH
        return y + 2

    def row(self, row: ComparedRow, section: Section, y: float) -> float:
        """Write a row: its label and tags over as many lines as they take, numbers and intervals on the first two."""
        label = wrap(row.label, self.label_width, lambda text: self.measure(text, bold=row.bold))
        bold = [
            line for tag in row.tags for line in wrap(tag, self.tags_width, lambda text: self.measure(text, bold=True))
        ]
        self.items += [Label(text, MARGIN, y + ASCENT + i * PITCH, bold=row.bold) for i, text in enumerate(label)]
        self.items += [Label(text, self.tags_left, y + ASCENT + i * PITCH, bold=True) for i, text in enumerate(bold)]
        for i, (effect, spread, mark) in enumerate(zip(row.effects, row.spreads, row.marks, strict=True)):
            base = y + ASCENT + i * PITCH
            self.items.append(self.shape(i, self.key_left + HALF_MARK, base - RISE))
            self.items.append(Label(effect, self.effect_left, base))
            self.items.append(Label(spread, self.spread_right, base, "right"))
            if mark is not None:
                self.items += self.interval(mark, i, section, base - RISE)
        return y + max(len(label), len(bold), 2) * PITCH + ROW_GAP

    def interval(self, mark: Mark, which: int, section: Section, y: float) -> Iterable[Line | Shape]:
        """Draw an interval, with arrows where it leaves the axis."""
        left, right, colour = self.plot_left, self.plot_right, COLOURS[which]
        width = right - left
        start, middle, stop = (left + section.axis.place(end) * width for end in (mark.low, mark.value, mark.high))
        cut_left, cut_right = start < left - 0.01, stop > right + 0.01
        if stop < left:
            stop = left + STUB
        if start > right:
            start = right - STUB
        yield Line((max(start, left), y), (min(stop, right), y), 1.2, colour)
        for cut, tip, length in ((cut_left, left, ARROW), (cut_right, right, -ARROW)):
            if cut:
                yield Shape(((tip, y), (tip + length, y - HALF_ARROW), (tip + length, y + HALF_ARROW)), colour)
        if left <= middle <= right:
            yield self.shape(which, middle, y)

    def shape(self, which: int, x: float, y: float) -> Shape:
        """Draw the mark of the first settings, a square, or of the second, a diamond."""
        half = HALF_MARK
        if which == 0:
            half *= 0.85
            corners = ((x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half))
        else:
            half *= 1.15
            corners = ((x - half, y), (x, y - half), (x + half, y), (x, y + half))
        return Shape(corners, COLOURS[which])

    def axis(self, section: Section, top: float, y: float) -> float:
        axis, left, right = section.axis, self.plot_left, self.plot_right
        if axis.no_effect is not None:
            x = left + axis.place(axis.no_effect) * (right - left)
            # Below the marks.
            self.items.insert(0, Line((x, top), (x, y), 0.8, GREY))
        self.items.append(Line((left, y), (right, y)))
        base = y + TICK + ASCENT
        for tick in axis.ticks:
            x = left + axis.place(tick) * (right - left)
            self.items.append(Line((x, y - TICK), (x, y + TICK)))
            self.items.append(Label(f"{tick:g}", x, base, "center"))
        return base + PITCH - ASCENT

    def small_print(self, paragraphs: Sequence[str], y: float) -> float:
        for paragraph in paragraphs:
            for line in wrap(paragraph, self.width - 2 * MARGIN, lambda text: self.measure(text, size=SMALL)):
                self.items.append(Label(line, MARGIN, y + SMALL_PITCH * 0.75, size=SMALL))
                y += SMALL_PITCH
        return y
