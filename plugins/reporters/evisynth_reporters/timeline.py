"""Draw how a living review's estimate moved: the pooled effect at each date or edition, and what was added."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs
import numpy as np

from evisynth import MetaAnalysis, Reporter, hookimpl, number_between, one_of
from evisynth_reporters import printed
from evisynth_reporters.chart import Axis, area_key, axes, chart_box, line_key, notice, sheet
from evisynth_reporters.chart_spec import ChartSpec
from evisynth_reporters.drawing import Disc, Group, Label, Shape
from evisynth_reporters.effect_axis import effect_axis
from evisynth_reporters.figure import figure
from evisynth_reporters.label_placing import legible
from evisynth_reporters.palettes import palette_of
from evisynth_reporters.timeline_dates import editions_of, history_of
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth_reporters.chart import Box
    from evisynth_reporters.drawing import Drawing, Item, Measure
    from evisynth_reporters.timeline_dates import History
    from evisynth_reporters.words import Words

BARS = 54.0
"""Height of the bars below, with the dates above them."""
DATES = 26.0
WIDEST_BAR = 18.0
SMALL = 7.0
APART = 4.0
MOST_WHISKERS = 60
LONGEST_DATE = 18
FAR = 6.0
"""Early limits that are farther from the last than so many times its width end at the edge."""


@attrs.frozen(kw_only=True)
class TimelineSpec(ChartSpec):
    """Hold the options of a timeline."""

    figure: ClassVar[str] = "timeline"

    order: str = "year"
    """Column whose values are the dates; studies of one date are added together."""
    editions: dict[str, tuple[str, ...]] = attrs.field(factory=dict[str, tuple[str, ...]], converter=editions_of)
    """Editions of a review in the place of dates: their names with the ids of the studies that they added or had."""
    bars: str = attrs.field(default="studies", validator=one_of("studies", "participants", "none"))
    """What the bars below count."""
    width: float = attrs.field(default=460.0, validator=number_between(200.0, 2000.0))


def timeline(analysis: MetaAnalysis, spec: TimelineSpec, measure: Measure) -> Drawing:
    """Draw the pooled effect with its interval at each date, and below how many studies there were."""
    words, title = words_of(spec.language), printed.one_line(spec.title)
    found = history_of(analysis, spec.order, spec.editions, words)
    if found.made is not None and not _Course(analysis, spec, measure, words, found).seen.size:
        found = attrs.evolve(found, made=None, reason=words("no date has a pooled effect"))
    if found.made is None:
        text = words("There is no timeline to draw: {why}.", why=found.reason)
        return notice(text, measure, width=spec.width, title=title)
    return _Course(analysis, spec, measure, words, found).drawing(title)


class _Course:
    def __init__(
        self, analysis: MetaAnalysis, spec: TimelineSpec, measure: Measure, words: Words, found: History
    ) -> None:
        self.analysis, self.spec, self.measure, self.words, self.found = analysis, spec, measure, words, found
        self.palette, self.moments = palette_of(spec.palette), found.moments
        assert found.made is not None  # noqa: S101 - a history with moments
        numbers = found.made.numbers
        at = np.array([moment.step for moment in found.moments], dtype=np.int64)
        self.value, self.low, self.high = numbers.value[0][at], numbers.ci_low[0][at], numbers.ci_high[0][at]
        self.k = [int(k) for k in numbers.k[at]]
        self.seen = np.flatnonzero(np.isfinite(self.value) & np.isfinite(self.low) & np.isfinite(self.high))

    def drawing(self, title: str) -> Drawing:
        spec, words, palette = self.spec, self.words, self.palette
        below = 0.0 if spec.bars == "none" else BARS
        box = self.box(spec.height - below)
        null = self.analysis.scale.null
        items: list[Item] = [] if null is None else box.horizontal(null, colour="#767676", width=0.7)
        places = [moment.place for moment in self.moments]
        xs = [places[i] for i in self.seen]
        band = [*zip(xs, self.low[self.seen], strict=True), *zip(xs[::-1], self.high[self.seen][::-1], strict=True)]
        items += box.area(band, colour=palette.band) if self.seen.size > 1 else []
        if self.seen.size <= MOST_WHISKERS:
            for i, x in zip(self.seen, xs, strict=True):
                items += box.curve([x, x], [self.low[i], self.high[i]], colour=palette.study, width=0.7)
        items += box.curve(xs, self.value[self.seen], colour=palette.study, width=1.4)
        for i, x in zip(self.seen, xs, strict=True):
            if box.holds(x, float(self.value[i])):
                disc = Disc(box.at(x, float(self.value[i])), 3.0, palette.study, "#ffffff", 0.5)
                items.append(Group((disc,), self.tip(int(i))))
        items += axes(box, self.measure)
        items += self.bars(box) if below else []
        level = printed.level(self.analysis.settings.level)
        model = self.analysis.model.label
        keys = [
            line_key(words("Pooled effect of all studies so far ({model})", model=model), palette.study),
            area_key(words("{level} confidence interval", level=level), palette.band),
        ]
        return sheet(
            items, self.measure, width=spec.width, bottom=spec.height, title=title, keys=keys, notes=self.notes(),
            description=words("Pooled effect over time, at {n} dates.", n=len(self.moments)),
        )  # fmt: skip

    def box(self, height: float) -> Box:
        places = [moment.place for moment in self.moments]
        labels = [legible(moment.label, LONGEST_DATE) for moment in self.moments]
        ends = (min(places), max(places))
        room = 0.04 * (ends[1] - ends[0]) or 0.5
        last = int(self.seen[-1])
        half = FAR * (self.high[last] - self.low[last])
        held = np.clip([*self.low[self.seen], *self.high[self.seen]], self.value[last] - half, self.value[last] + half)
        null = self.analysis.scale.null
        x = Axis(ends[0] - room, ends[1] + room, given_ticks=tuple(places), labels=tuple(labels))
        y = effect_axis(self.analysis, [*held, *([] if null is None else [null])], self.words, most=8)
        box = chart_box(x, y, self.measure, width=self.spec.width, height=height)
        kept = _apart([box.at_x(place) for place in places], [self.measure(label) for label in labels])
        chosen = attrs.evolve(x, given_ticks=tuple(places[i] for i in kept), labels=tuple(labels[i] for i in kept))
        return attrs.evolve(box, x=chosen)

    def tip(self, i: int) -> tuple[str, ...]:
        scale, moment, words = self.analysis.scale, self.moments[i], self.words
        limits = scale.show_limits(float(self.low[i]), float(self.high[i]))
        shown = printed.effect(scale.show(float(self.value[i])), *limits, printed.style_of(self.analysis))
        counted = f"{words('Studies')}: {self.k[i]}"
        if moment.participants is not None:
            counted += f", {words('Participants')}: {moment.participants:,.0f}"
        added = words("Added: {studies}", studies=", ".join(moment.added)) if moment.added else words("No study added")
        return f"{moment.label}: {printed.one_line(self.analysis.label)} {shown}", counted, added

    def counts(self) -> list[float]:
        if self.spec.bars == "studies":
            return [float(k) for k in self.k]
        return [moment.participants or 0.0 for moment in self.moments]

    def bars(self, box: Box) -> list[Item]:
        top, foot = box.bottom + DATES, self.spec.height - 4.0
        xs = [box.at_x(moment.place) for moment in self.moments]
        nearest = min(np.diff(sorted(xs)), default=WIDEST_BAR / 0.7)
        half = 0.5 * max(min(WIDEST_BAR, 0.7 * float(nearest)), 0.8)
        counts = self.counts()
        most = max(counts) or 1.0
        said = self.words("Studies") if self.spec.bars == "studies" else self.words("Participants")
        made: list[Item] = [Label(said, 4.0, foot - 2.0, size=SMALL)]
        start = 4.0 + self.measure(said, size=SMALL) + APART
        texts = [f"{count:,.0f}" for count in counts]
        named = _apart(xs, [self.measure(text, size=SMALL) for text in texts], start)
        tops = [foot - (foot - top - 9.0) * count / most for count in counts]
        for i, (x, up) in enumerate(zip(xs, tops, strict=True)):
            corners = ((x - half, foot), (x + half, foot), (x + half, up), (x - half, up))
            bar: list[Item] = [Shape(corners, "#b8c4d0")]
            if i in named:
                reach = half + 0.5 * self.measure(texts[i], size=SMALL)
                clear = min(other for at, other in zip(xs, tops, strict=True) if abs(at - x) <= reach)
                bar.append(Label(texts[i], x, clear - 2.0, "center", size=SMALL))
            made.append(Group(tuple(bar), (f"{self.moments[i].label}: {texts[i]}", said)))
        return made

    def notes(self) -> list[str]:
        words, found = self.words, self.found
        made = [words("Studies without a date, not shown: {k}.", k=found.unplaced)] if found.unplaced else []
        if self.spec.bars == "participants" and found.silent:
            made.append(words("Studies that do not say how many participants they had: {k}.", k=found.silent))
        return made


def _apart(centres: Sequence[float], widths: Sequence[float], start: float = -1e9) -> list[int]:
    """Choose the texts that are written: the last, and from the first on those that leave room for it."""
    last = len(centres) - 1
    edge = centres[last] - 0.5 * widths[last] - APART
    kept: list[int] = []
    for i, (x, width) in enumerate(zip(centres, widths, strict=True)):
        if i == last or (x - 0.5 * width >= start and x + 0.5 * width <= edge):
            kept.append(i)
            start = x + 0.5 * width + APART
    return kept


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the timeline of a living review."""
    return [
        figure(
            TimelineSpec,
            timeline,
            reference=(
                "Lau et al. (1992), N. Engl. J. Med. 327:248-254; Elliott et al. (2017), J. Clin. Epidemiol. 91:23-30"
            ),
        )
    ]
