"""Draw where true effects are expected: the predictive distribution, the pooled effect's, the studies as rain."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any, ClassVar, cast

import attrs
import numpy as np

from evisynth import MetaAnalysis, Reporter, SettingsError, each_between, hookimpl
from evisynth_reporters import printed
from evisynth_reporters.chart import Axis, area_key, axes, chart_box, line_key, notice, point_key, sheet
from evisynth_reporters.chart_spec import ChartSpec
from evisynth_reporters.drawing import Disc, Group
from evisynth_reporters.effect_axis import effect_axis
from evisynth_reporters.falling import fall
from evisynth_reporters.figure import figure
from evisynth_reporters.palettes import palette_of
from evisynth_reporters.pooled_studies import points_of
from evisynth_reporters.predictive import predictive_density
from evisynth_reporters.study_tips import study_tip
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth import Estimate, FloatArray
    from evisynth_reporters.chart import Box, Key
    from evisynth_reporters.drawing import Drawing, Item, Measure
    from evisynth_reporters.palettes import Palette
    from evisynth_reporters.pooled_studies import Point
    from evisynth_reporters.words import Words

STEPS = 300
RAIN = 0.42
"""Share of the height that the studies have below the distributions."""
LEAST_SHARE = 0.005
"""Probabilities below are none to print as 0%."""
SHADE = 0.35


def _listed(given: Any) -> tuple[float, ...]:  # noqa: ANN401 - options may be anything, and are looked at after this
    if isinstance(given, int | float):
        return (given,)
    return tuple(cast("list[float]", given)) if isinstance(given, list) else given


@attrs.frozen(kw_only=True)
class RainSpec(ChartSpec):
    """Hold the options of a rain plot."""

    figure: ClassVar[str] = "rain"

    thresholds: tuple[float, ...] = attrs.field(default=(), converter=_listed, validator=each_between(-1e300, 1e300))
    """Effects as shown to readers that divide the distribution; by default the settings' threshold, or no effect."""


def rain(analysis: MetaAnalysis, spec: RainSpec, measure: Measure, *, whole: MetaAnalysis | None = None) -> Drawing:
    """Draw the predictive distribution of a new study's true effect, the pooled effect's, and the studies below."""
    words, palette, title = words_of(spec.language), palette_of(spec.palette), printed.one_line(spec.title)
    dividing = _thresholds(analysis, spec)
    points, pooled = points_of(analysis, whole), analysis.pooled
    if pooled is None or not points:
        why = printed.one_line(analysis.reason or words("no study has an effect"))
        return notice(words("There is nothing to draw: {why}.", why=why), measure, width=spec.width, title=title)
    of = whole or analysis
    outer = of.pooled or pooled
    held = [point.effect for point in points] + [outer.value - 4.0 * outer.se, outer.value + 4.0 * outer.se]
    limits = of.prediction
    if limits is not None and math.isfinite(limits.low + limits.high):
        half = limits.high - limits.low
        held += [limits.low - 0.15 * half, limits.high + 0.15 * half]
    across = effect_axis(of, held, words, spare=0.02)
    xs = np.linspace(across.low, across.high, STEPS + 1)
    predicted = predictive_density(analysis, xs)
    own = _pooled_density(pooled, xs)
    upwards = Axis(-RAIN / (1.0 - RAIN), 1.05, given_ticks=(), labels=())
    box = chart_box(across, upwards, measure, width=spec.width, height=spec.height)
    if not dividing:
        dividing = (pooled.value if analysis.scale.null is None else analysis.scale.null,)
    items: list[Item] = []
    keys: list[Key] = []
    if predicted is not None:
        height = predicted / predicted.max()
        items, keys = _shares(analysis, box, (xs, height), dividing, palette, words)
        items += box.curve(xs, height, colour="#404040", width=1.0)
        keys.append(line_key(words("True effect of a new study"), "#404040", width=1.0))
    items += box.curve(xs, own / own.max(), colour=palette.pooled, width=1.4, dash=(5.0, 2.0))
    keys.append(line_key(words("Pooled effect"), palette.pooled, dash=(5.0, 2.0)))
    items += box.horizontal(0.0, width=0.8)
    for threshold in dividing:
        items += box.vertical(threshold, colour="#767676", width=0.7)
    items += _drops(box, points, of, palette.study, words)
    keys.append(point_key(words("Studies, areas by weight"), palette.study))
    items += axes(box, measure)
    notes: list[str] = []
    if predicted is None:
        why = printed.one_line(analysis.model.prediction_reason or words("no prediction interval was asked for"))
        notes.append(words("No predictive distribution: {why}.", why=why.rstrip(".")))
    else:
        notes.append(words("Both curves are drawn to the same height."))
    return sheet(
        items, measure, width=spec.width, bottom=spec.height, title=title, keys=keys, notes=notes,
        description=words("Predictive distribution of true effects, and {k} studies.", k=len(points)),
    )  # fmt: skip


def _shares(
    analysis: MetaAnalysis, box: Box, curve: tuple[FloatArray, FloatArray], dividing: tuple[float, ...],
    palette: Palette, words: Words,
) -> tuple[list[Item], list[Key]]:  # fmt: skip
    """Shade the distribution between thresholds, and say how probable each part is."""
    xs, height = curve
    below = [analysis.probability(below=threshold, on="analysis").value for threshold in dividing]
    # What is above is asked for: a difference from 1 would lose a small probability.
    above = analysis.probability(above=dividing[-1], on="analysis").value
    if above is None or None in below:
        return [], []
    known = [share for share in below if share is not None]
    shares = [known[0], *(high - low for low, high in itertools.pairwise(known)), above]
    between = palette.series[2:]
    colours = [palette.series[0], *(between[i % len(between)] for i in range(len(dividing) - 1)), palette.series[1]]
    items: list[Item] = []
    keys: list[Key] = []
    edges = (-math.inf, *dividing, math.inf)
    for (low, high), share, colour in zip(itertools.pairwise(edges), shares, colours, strict=True):
        begin, end = max(low, box.x.low), min(high, box.x.high)
        if begin < end:
            at = np.array([begin, *xs[(xs > begin) & (xs < end)], end])
            outline = [(begin, 0.0), *zip(at, np.interp(at, xs, height), strict=True), (end, 0.0)]
            items += box.area(outline, colour=colour, opacity=SHADE)
        keys.append(area_key(_share(analysis, low, high, share, words), colour, SHADE))
    return items, keys


def _share(analysis: MetaAnalysis, low: float, high: float, share: float, words: Words) -> str:
    """Say how probable true effects between two places on the analysis scale are."""
    style = printed.style_of(analysis)
    ends = sorted((analysis.scale.show(end), end) for end in (low, high) if math.isfinite(end))
    shown = [printed.number(end, style.decimals) for end, _ in ends]
    effect = words("true effect")
    if len(shown) > 1:
        part = f"{shown[0]} < {effect} < {shown[1]}"
    else:
        part = f"{effect} {'<' if math.isinf(low) != analysis.scale.decreasing else '>'} {shown[0]}"
    said = "< 1%" if share < LEAST_SHARE else "> 99%" if share > 1.0 - LEAST_SHARE else f"= {100 * share:.0f}%"
    return f"P({part}) {said}"


def _drops(box: Box, points: Sequence[Point], of: MetaAnalysis, colour: str, words: Words) -> list[Item]:
    """Let the studies fall below the line, each at its effect, the heavier ones nearer to it."""
    top = box.at_y(0.0)
    full = {point.row: point.weight for point in points_of(of)}
    across = [box.at_x(point.effect) for point in points]
    # A study's place is that among all studies, whichever is left out.
    fallen = fall([full[point.row] for point in points], across, width=box.width, top=top, bottom=box.bottom)
    heaviest = max((point.weight for point in points), default=0.0) or 1.0
    made: list[Item] = []
    for point, x, y in zip(points, across, fallen.places, strict=True):
        radius = max(fallen.largest * math.sqrt(point.weight / heaviest), fallen.smallest)
        disc = Disc((x, y), radius, colour, "#ffffff", 0.5, 0.2 if point.pale else 0.75)
        made.append(Group((disc,), study_tip(of, point.row, words), point.row))
    return made


def _thresholds(analysis: MetaAnalysis, spec: RainSpec) -> tuple[float, ...]:
    """Take the thresholds to the analysis scale; raises `SettingsError` for one that it has no place for."""
    own = analysis.settings.threshold
    given = spec.thresholds or (() if own is None else (own,))
    taken = sorted({float(analysis.scale.take(threshold)) for threshold in given})
    if not all(map(math.isfinite, taken)):
        msg = f"thresholds of figure 'rain' are effects as they are shown, not {given!r}"
        raise SettingsError(msg)
    return tuple(taken)


def _pooled_density(pooled: Estimate, xs: FloatArray) -> FloatArray:
    z = (xs - pooled.value) / pooled.se
    if pooled.df is None:
        return np.exp(-0.5 * z * z)
    return np.asarray((1.0 + z * z / pooled.df) ** (-0.5 * (pooled.df + 1.0)))


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the rain of the predictive distribution."""
    return [
        figure(
            RainSpec,
            rain,
            reference=(
                "Higgins, Thompson & Spiegelhalter (2009), J. R. Stat. Soc. A 172:137-159; rain: Schild & Voracek "
                "(2015), Res. Synth. Methods 6:74-86"
            ),
            leaves_out=True,
        )
    ]
