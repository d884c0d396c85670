"""Lay out a chart: two axes with ticks and titles, a legend and notes beneath, all from measured text."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import attrs

from evisynth_reporters.drawing import BLACK, TEXT_SIZE, Curve, Disc, Drawing, Label, Line, Measure, Shape, moved, wrap
from evisynth_reporters.palettes import MUTED
from evisynth_reporters.ticks import linear_ticks, log_ticks, tick_label

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evisynth_reporters.drawing import Item, Point

MARGIN = 10.0
TICK = 3.5
TICK_GAP = 3.0
TITLE_SIZE = 11.0
TITLE_PITCH = 15.0
PITCH = 12.5
ASCENT = 9.0
SMALL = 7.5
SMALL_PITCH = 10.5
KEY = 16.0
"""Width of a legend's key."""
KEY_GAP = 5.0
ENTRY_GAP = 16.0
ROUNDING = 1e-9


@attrs.frozen
class Axis:
    """Map numbers to places from 0 (start) to 1 (end); ``low`` stands at the end where it is ``reversed``.

    ``ticks`` are chosen where none are given; ``labels`` are what is written at them, the numbers where none are given.
    """

    low: float
    high: float
    title: str = ""
    log: bool = False
    reversed: bool = False
    given_ticks: tuple[float, ...] | None = None
    labels: tuple[str, ...] | None = None
    most: int = 6

    def place(self, value: float) -> float:
        """Give a number's place; below 0 or above 1 it is off the axis."""
        if self.log:
            share = (
                math.log(value / self.low) / math.log(self.high / self.low) if 0.0 < value < math.inf
                else -math.inf if value <= 0.0 else math.inf
            )  # fmt: skip
        else:
            share = (value - self.low) / (self.high - self.low)
        return 1.0 - share if self.reversed else share

    @property
    def ticks(self) -> tuple[tuple[float, str], ...]:
        """Numbers to mark, with what is written at them."""
        if self.given_ticks is not None:
            values = self.given_ticks
        else:
            values = (log_ticks if self.log else linear_ticks)(self.low, self.high, self.most)
        labels = self.labels or tuple(map(tick_label, values))
        return tuple(zip(values, labels, strict=True))


def axis_over(
    values: Iterable[float], title: str = "", *, log: bool = False, spare: float = 0.05, reverse: bool = False
) -> Axis:
    """Take an axis that holds some numbers, infinite ones aside, with a share to spare at both ends."""
    held = [value for value in values if math.isfinite(value) and (value > 0.0 or not log)]
    low, high = (min(held), max(held)) if held else (1.0, 10.0) if log else (0.0, 1.0)
    if log:
        factor = (high / low) ** spare if high > low else 2.0
        return Axis(low / factor, high * factor, title, log=True, reversed=reverse)
    room = spare * (high - low) if high > low else max(abs(high), 1.0) * 0.5
    return Axis(low - room, high + room, title, reversed=reverse)


@attrs.frozen
class Key:
    """Explain one thing that is drawn: its text, and items drawn about (0, 0) within a key's width."""

    text: str
    items: tuple[Item, ...]


def point_key(text: str, colour: str | None, *, edge: str | None = None, radius: float = 3.0) -> Key:
    """Explain points."""
    return Key(text, (Disc((KEY / 2, 0.0), radius, colour, edge),))


def line_key(text: str, colour: str, *, dash: tuple[float, ...] = (), width: float = 1.2) -> Key:
    """Explain a line."""
    return Key(text, (Line((0.0, 0.0), (KEY, 0.0), width, colour, dash),))


def area_key(text: str, colour: str, opacity: float = 1.0) -> Key:
    """Explain an area."""
    corners = ((0.0, -4.0), (KEY, -4.0), (KEY, 4.0), (0.0, 4.0))
    return Key(text, (Shape(corners, colour, opacity=opacity, edge=MUTED, edge_width=0.4),))


@attrs.frozen
class Box:
    """Hold where the axes of a chart are, and place numbers within."""

    x: Axis
    y: Axis
    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Lower edge."""
        return self.top + self.height

    @property
    def corners(self) -> tuple[Point, ...]:
        """Corners, from the upper left one clockwise."""
        return (self.left, self.top), (self.right, self.top), (self.right, self.bottom), (self.left, self.bottom)

    def at(self, x: float, y: float) -> Point:
        """Place a pair of numbers."""
        return self.at_x(x), self.at_y(y)

    def at_x(self, x: float) -> float:
        """Place a number across."""
        return self.left + self.x.place(x) * self.width

    def at_y(self, y: float) -> float:
        """Place a number upwards."""
        return self.bottom - self.y.place(y) * self.height

    def holds(self, x: float, y: float) -> bool:
        """Say whether a pair of numbers is within the axes."""
        return _on(self.x, x) and _on(self.y, y)

    def vertical(
        self, x: float, *, colour: str = BLACK, width: float = 0.8, dash: tuple[float, ...] = ()
    ) -> list[Item]:
        """Draw a line up the chart, where it is within."""
        if not _on(self.x, x):
            return []
        return [Line((self.at_x(x), self.top), (self.at_x(x), self.bottom), width, colour, dash)]

    def horizontal(
        self, y: float, *, colour: str = BLACK, width: float = 0.8, dash: tuple[float, ...] = ()
    ) -> list[Item]:
        """Draw a line across the chart, where it is within."""
        if not _on(self.y, y):
            return []
        return [Line((self.left, self.at_y(y)), (self.right, self.at_y(y)), width, colour, dash)]

    def curve(
        self, xs: Iterable[float], ys: Iterable[float], *, colour: str = BLACK, width: float = 1.2,
        dash: tuple[float, ...] = (), opacity: float = 1.0,
    ) -> list[Item]:  # fmt: skip
        """Draw a line through pairs of numbers, cut off at the edges of the axes."""
        points = [self.at(x, y) for x, y in zip(xs, ys, strict=True)]
        return [Curve(tuple(run), width, colour, dash, opacity) for run in self._within(points) if len(run) > 1]

    def area(self, points: Iterable[tuple[float, float]], *, colour: str, opacity: float = 1.0) -> list[Item]:
        """Fill the polygon through pairs of numbers, cut off at the edges of the axes."""
        corners = [self.at(x, y) for x, y in points]
        for side, edge, sign in ((0, self.left, 1), (0, self.right, -1), (1, self.top, 1), (1, self.bottom, -1)):
            corners = _clipped(corners, side, edge, sign)
        return [Shape(tuple(corners), colour, opacity=opacity)] if len(corners) > 2 else []  # noqa: PLR2004 - a triangle at least

    def _within(self, points: Sequence[Point]) -> Iterable[list[Point]]:
        run: list[Point] = []
        for start, end in itertools.pairwise(points):
            cut = _segment_within(start, end, (self.left, self.right), (self.top, self.bottom))
            if cut is None:
                if run:
                    yield run
                run = []
                continue
            if not run:
                run = [cut[0]]
            run.append(cut[1])
            if cut[1] != end:
                yield run
                run = []
        if run:
            yield run


def _on(axis: Axis, value: float) -> bool:
    """Say whether a number is on an axis, its ends included whatever their rounding."""
    return -ROUNDING <= axis.place(value) <= 1 + ROUNDING


def _segment_within(
    start: Point, end: Point, across: tuple[float, float], down: tuple[float, float]
) -> tuple[Point, Point] | None:
    """Cut a segment to a box (Liang & Barsky 1984, ACM Trans. Graph. 3:1-22); None where it is outside."""
    if not all(map(math.isfinite, (*start, *end))):
        return None
    first, last = 0.0, 1.0
    dx, dy = end[0] - start[0], end[1] - start[1]
    for delta, gap in (
        (-dx, start[0] - across[0]), (dx, across[1] - start[0]), (-dy, start[1] - down[0]), (dy, down[1] - start[1]),
    ):  # fmt: skip
        if delta == 0.0:
            if gap < 0.0:
                return None
        elif delta < 0.0:
            first = max(first, gap / delta)
        else:
            last = min(last, gap / delta)
    if first > last:
        return None
    begin = start if first == 0.0 else (start[0] + first * dx, start[1] + first * dy)
    return begin, end if last == 1.0 else (start[0] + last * dx, start[1] + last * dy)


def _clipped(corners: Sequence[Point], side: int, edge: float, sign: int) -> list[Point]:
    """Keep the part of a polygon on one side of an edge."""
    kept: list[Point] = []
    for here, there in zip(corners, [*corners[1:], *corners[:1]], strict=True):
        inside, next_inside = sign * (here[side] - edge) >= 0, sign * (there[side] - edge) >= 0
        if inside:
            kept.append(here)
        if inside != next_inside:
            share = (edge - here[side]) / (there[side] - here[side])
            kept.append((here[0] + share * (there[0] - here[0]), here[1] + share * (there[1] - here[1])))
    return kept


def chart_box(
    x: Axis, y: Axis, measure: Measure, *, width: float, height: float, left: float = 0.0, top: float = 0.0,
) -> Box:  # fmt: skip
    """Place the axes so that ticks and titles have room within ``width`` and ``height``; see `axes`."""
    labels = max((measure(label) for _, label in y.ticks), default=0.0)
    # Half of the widest number of the x axis stands beyond either end.
    beside = max((measure(label) for _, label in x.ticks), default=0.0) / 2
    begin = left + MARGIN + (PITCH + TICK_GAP if y.title else 0.0) + labels + TICK + TICK_GAP
    begin = max(begin, left + MARGIN + beside)
    below = TICK + PITCH + (len(_title_lines(x.title, width, measure)) * PITCH + TICK_GAP if x.title else 0.0)
    room = width - (begin - left) - MARGIN - beside
    return Box(x, y, begin, top + MARGIN / 2, room, height - MARGIN / 2 - below)


def _title_lines(title: str, width: float, measure: Measure) -> list[str]:
    return wrap(title, width - 6 * MARGIN, measure)


def axes(box: Box, measure: Measure, *, frame: bool = True) -> list[Item]:
    """Draw the axes of a box, or all four sides of its frame, with ticks, numbers and titles."""
    corners = box.corners
    sides = list(zip(corners, [*corners[1:], corners[0]], strict=True))
    made: list[Item] = [Line(*side) for side in (sides if frame else sides[2:])]
    widest = 0.0
    end = -math.inf
    for value, label in sorted(box.x.ticks, key=lambda tick: box.at_x(tick[0])):
        x, half = box.at_x(value), 0.5 * measure(label)
        made.append(Line((x, box.bottom), (x, box.bottom + TICK)))
        # On an axis that is neither linear nor logarithmic round numbers may come close.
        if label and x - half > end:
            made.append(Label(label, x, box.bottom + TICK + ASCENT, "center"))
            end = x + half + TICK_GAP
    for value, label in box.y.ticks:
        y = box.at_y(value)
        made.append(Line((box.left - TICK, y), (box.left, y)))
        made.append(Label(label, box.left - TICK - TICK_GAP, y + 0.36 * TEXT_SIZE, "right"))
        widest = max(widest, measure(label))
    for i, line in enumerate(_title_lines(box.x.title, box.width + 12 * MARGIN, measure) if box.x.title else []):
        base = box.bottom + TICK + (i + 1) * PITCH + TICK_GAP + ASCENT
        made.append(Label(line, box.left + box.width / 2, base, "center"))
    if box.y.title:
        x = box.left - TICK - 2 * TICK_GAP - widest - 3.0
        made.append(
            Label(_cut(box.y.title, box.height + MARGIN, measure), x, box.top + box.height / 2, "center", upright=True)
        )
    return made


def _cut(title: str, length: float, measure: Measure) -> str:
    """Cut the title of an upright axis to its length, since it has but one line."""
    if measure(title) <= length:
        return title
    return max(
        (f"{title[:i].rstrip()}…" for i in range(len(title)) if measure(f"{title[:i].rstrip()}…") <= length), key=len
    )


def sheet(
    items: Sequence[Item],
    measure: Measure,
    *,
    width: float,
    bottom: float,
    title: str = "",
    keys: Sequence[Key] = (),
    notes: Sequence[str] = (),
    description: str = "",
) -> Drawing:
    """Put a title above what is drawn (from 0 down to ``bottom``), a legend and notes beneath it."""
    made: list[Item] = []
    y = MARGIN
    for line in (
        wrap(title, width - 2 * MARGIN, lambda words: measure(words, bold=True, size=TITLE_SIZE)) if title else []
    ):
        made.append(Label(line, MARGIN, y + TITLE_SIZE, bold=True, size=TITLE_SIZE))
        y += TITLE_PITCH
    made += moved(items, 0.0, y)
    y += bottom
    placed, y = _legend(keys, measure, width, y)
    made += placed
    y += 2.0 if notes else 0.0
    for note in notes:
        for line in wrap(note, width - 2 * MARGIN, lambda words: measure(words, size=SMALL)):
            made.append(Label(line, MARGIN, y + SMALL_PITCH * 0.75, size=SMALL, colour="#404040"))
            y += SMALL_PITCH
    return Drawing(width, y + MARGIN, tuple(made), description)


def _legend(keys: Sequence[Key], measure: Measure, width: float, y: float) -> tuple[list[Item], float]:
    made: list[Item] = []
    x = MARGIN
    y += 6.0 if keys else 0.0
    for key in keys:
        lines = wrap(key.text, width - 2 * MARGIN - KEY - KEY_GAP, measure)
        needed = KEY + KEY_GAP + max(measure(line) for line in lines)
        if x > MARGIN and x + needed > width - MARGIN:
            x, y = MARGIN, y + PITCH
        made += moved(key.items, x, y + PITCH / 2)
        for i, line in enumerate(lines):
            made.append(Label(line, x + KEY + KEY_GAP, y + PITCH / 2 + 0.36 * TEXT_SIZE + i * PITCH))
        y += (len(lines) - 1) * PITCH
        x += needed + ENTRY_GAP
    return made, y + PITCH if keys else y


def notice(text: str, measure: Measure, *, width: float, title: str = "") -> Drawing:
    """Say on an otherwise empty sheet why there is nothing to draw."""
    lines = wrap(text, width - 4 * MARGIN, measure)
    items = [Label(line, width / 2, 3 * PITCH + i * PITCH, "center", colour="#404040") for i, line in enumerate(lines)]
    return sheet(items, measure, width=width, bottom=(4 + len(lines)) * PITCH, title=title, description=text)
