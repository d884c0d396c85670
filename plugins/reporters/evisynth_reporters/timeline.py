"""Draw how a living review's estimate moved: the pooled effect at each date or edition, and what was added."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, ClassVar

import attrs
import numpy as np

from evisynth import DataError, MetaAnalysis, Reporter, SettingsError, cumulative, hookimpl, number_between
from evisynth_reporters import printed
from evisynth_reporters.chart import Axis, area_key, axes, chart_box, line_key, notice, sheet
from evisynth_reporters.chart_spec import ChartSpec
from evisynth_reporters.drawing import Disc, Group, Label, Shape
from evisynth_reporters.effect_axis import effect_axis
from evisynth_reporters.figure import figure
from evisynth_reporters.palettes import palette_of
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from evisynth import Cumulative
    from evisynth_reporters.chart import Box
    from evisynth_reporters.drawing import Drawing, Item, Measure
    from evisynth_reporters.words import Words

BARS = 54.0
"""Height of the bars of studies below."""
MOST_LABELS = 14
WIDEST_BAR = 18.0
FAR = 6.0
"""Early limits that are farther from the last than so many times its width end at the edge."""


@attrs.frozen(kw_only=True)
class TimelineSpec(ChartSpec):
    """Hold the options of a timeline."""

    figure: ClassVar[str] = "timeline"

    order: str = "year"
    """Column whose values are the dates; studies of one date are added together."""
    editions: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Editions of a review in the place of dates: names, each with the ids of the studies that it added."""
    width: float = attrs.field(default=460.0, validator=number_between(200.0, 2000.0))


def timeline(analysis: MetaAnalysis, spec: TimelineSpec, measure: Measure) -> Drawing:
    """Draw the pooled effect with its interval at each date, and below how many studies there were."""
    words, palette, title = words_of(spec.language), palette_of(spec.palette), printed.one_line(spec.title)
    made, labels, why = _steps(analysis, spec, words)
    if made is None or not made.steps:
        return notice(words("There is no timeline to draw: {why}.", why=why), measure, width=spec.width, title=title)
    numbers = made.numbers
    value, low, high = numbers.value[0], numbers.ci_low[0], numbers.ci_high[0]
    seen = np.flatnonzero(np.isfinite(value) & np.isfinite(low) & np.isfinite(high))
    if not seen.size:
        why = words("no date has a pooled effect")
        return notice(words("There is no timeline to draw: {why}.", why=why), measure, width=spec.width, title=title)
    last = int(seen[-1])
    half = FAR * (high[last] - low[last])
    held = np.clip([*low[seen], *high[seen]], value[last] - half, value[last] + half)
    null = analysis.scale.null
    places = _places(labels)
    ends = (min(places), max(places))
    room = 0.04 * (ends[1] - ends[0]) or 0.5
    shown = _ticks(places, labels, measure, 0.8 * spec.width)
    x = Axis(ends[0] - room, ends[1] + room, given_ticks=shown[0], labels=shown[1])
    y = effect_axis(analysis, [*held, *([] if null is None else [null])], words, most=8)
    box = chart_box(x, y, measure, width=spec.width, height=spec.height - BARS)
    items: list[Item] = [] if null is None else box.horizontal(null, colour="#9a9a9a", width=0.7)
    band = [*zip([places[i] for i in seen], low[seen], strict=True)]
    band += [*zip([places[i] for i in seen[::-1]], high[seen][::-1], strict=True)]
    items += box.area(band, colour=palette.band) if seen.size > 1 else []
    items += box.curve([places[i] for i in seen], value[seen], colour=palette.study, width=1.4)
    if seen.size == 1:
        items += box.curve([places[last]] * 2, [low[last], high[last]], colour=palette.study)
    for i in seen:
        shown_effect = printed.effect(*_shown(analysis, value[i], low[i], high[i]), printed.style_of(analysis))
        added = ", ".join(printed.one_line(name) for name in made.added[i])
        tip = (
            f"{labels[i]}: {printed.one_line(analysis.label)} {shown_effect}",
            words("{k} studies", k=int(numbers.k[i])),
            words("Added: {studies}", studies=added),
        )
        at = box.at(places[i], float(value[i]))
        if box.holds(places[i], float(value[i])):
            items.append(Group((Disc(at, 3.0, palette.study, "#ffffff", 0.5),), tip))
    items += axes(box, measure)
    items += _bars(box, places, [int(k) for k in numbers.k], measure, words, spec)
    level = printed.level(analysis.settings.level)
    keys = [
        line_key(words("Pooled effect of all studies so far ({model})", model=analysis.model.label), palette.study),
        area_key(words("{level} confidence interval", level=level), palette.band),
    ]
    notes = [
        words("{k} studies have no date and are not shown.", k=len(made.unplaced)) for _ in range(bool(made.unplaced))
    ]
    return sheet(
        items, measure, width=spec.width, bottom=spec.height, title=title, keys=keys, notes=notes,
        description=words("Pooled effect over time, at {n} dates.", n=len(labels)),
    )  # fmt: skip


def _steps(analysis: MetaAnalysis, spec: TimelineSpec, words: Words) -> tuple[Cumulative | None, list[str], str]:
    """Give the analyses so far with their dates, or why there are none."""
    if not analysis.k:
        return None, [], words("no study is pooled")
    if spec.editions:
        ranks = [math.nan] * analysis.k_total
        for place, (_, studies) in enumerate(spec.editions):
            for study in studies:
                if study not in analysis.effects.study_id:
                    msg = f"editions of figure 'timeline' name {study!r}, which is no study of the analysis"
                    raise SettingsError(msg)
                ranks[analysis.effects.study_id.index(study)] = float(place)
        made = cumulative(analysis, ranks, collapse=True)
        reached = sorted({int(ranks[row]) for step in made.steps for row in step})
        return made, [printed.one_line(spec.editions[place][0]) for place in reached], words("no study has an edition")
    try:
        made = cumulative(analysis, spec.order, collapse=True)
    except DataError:
        return None, [], words("the studies have no column {name!r}", name=spec.order)
    return made, [_date(analysis, step[0], spec.order) for step in made.steps], words("no study has a date")


def _date(analysis: MetaAnalysis, row: int, order: str) -> str:
    studies = analysis.effects.studies
    if order == "year":
        return str(analysis.studies[row].year)
    column = None if studies is None else studies.columns.get(order, studies.text.get(order))
    value = None if column is None else column[row]
    return printed.one_line(value) if isinstance(value, str) else printed.entered(value)


def _places(labels: list[str]) -> list[float]:
    """Place dates that are numbers by their distance, others one by one."""
    try:
        numbers = [float(label) for label in labels]
    except ValueError:
        return [float(i) for i in range(len(labels))]
    return numbers


def _ticks(
    places: list[float], labels: list[str], measure: Measure, width: float
) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Choose the dates that are written: every one, every other … as there is room."""
    scale = width / ((max(places) - min(places)) or 1.0)
    kept = range(len(labels))
    for every in range(1, len(labels) + 1):
        kept = range(0, len(labels), every)
        apart = ((places[j] - places[i]) * scale for i, j in itertools.pairwise(kept))
        needed = (0.5 * (measure(labels[i]) + measure(labels[j])) + 5.0 for i, j in itertools.pairwise(kept))
        if all(room >= wanted for room, wanted in zip(apart, needed, strict=True)):
            break
    return tuple(places[i] for i in kept), tuple(labels[i] for i in kept)


def _shown(analysis: MetaAnalysis, value: float, low: float, high: float) -> tuple[float, float, float]:
    return analysis.scale.show(float(value)), *analysis.scale.show_limits(float(low), float(high))


def _bars(
    box: Box, places: list[float], counts: list[int], measure: Measure, words: Words, spec: TimelineSpec
) -> list[Item]:
    top, foot = box.bottom + 26.0, spec.height - 4.0
    width = min(WIDEST_BAR, 0.7 * box.width / max(len(places), 1))
    most = max(counts)
    made: list[Item] = [Label(words("Studies"), box.left - 8.0, foot - 2.0, "right", size=7.5)]
    for place, count in zip(places, counts, strict=True):
        x, height = box.at_x(place), (foot - top - 9.0) * count / most
        left, right = x - width / 2, x + width / 2
        corners = ((left, foot), (right, foot), (right, foot - height), (left, foot - height))
        made.append(Group((Shape(corners, "#b8c4d0"),), (words("{k} studies", k=count),)))
        if len(counts) <= MOST_LABELS and measure(str(count), size=7.0) <= width + 6.0:
            made.append(Label(str(count), x, foot - height - 2.0, "center", size=7.0))
    return made


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
