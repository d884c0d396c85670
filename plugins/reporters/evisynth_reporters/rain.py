"""Draw where true effects are expected: the predictive distribution, the pooled effect's, the studies as rain."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import attrs
import numpy as np

from evisynth import MetaAnalysis, Reporter, hookimpl, number_between
from evisynth_reporters import printed
from evisynth_reporters.chart import Axis, area_key, axes, chart_box, line_key, notice, point_key, sheet
from evisynth_reporters.chart_spec import ChartSpec
from evisynth_reporters.drawing import Disc, Group
from evisynth_reporters.effect_axis import effect_axis
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
    from evisynth_reporters.pooled_studies import Point
    from evisynth_reporters.words import Words

STEPS = 300
LARGEST, SMALLEST = 6.0, 1.4
RAIN = 0.42
"""Share of the height that the studies have below the distributions."""
SIDES = ("below", "above")
DROPS = 7
"""Levels at which the drops fall, so that they do not hide one another."""


@attrs.frozen(kw_only=True)
class RainSpec(ChartSpec):
    """Hold the options of a rain plot."""

    figure: ClassVar[str] = "rain"

    threshold: float | None = attrs.field(default=None, validator=number_between(-1e300, 1e300))
    """An effect as shown to readers, on either side of which the distribution is shaded; no effect by default."""


def rain(analysis: MetaAnalysis, spec: RainSpec, measure: Measure, *, whole: MetaAnalysis | None = None) -> Drawing:
    """Draw the predictive distribution of a new study's true effect, the pooled effect's, and the studies below."""
    words, palette, title = words_of(spec.language), palette_of(spec.palette), printed.one_line(spec.title)
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
    threshold = _threshold(analysis, spec)
    items: list[Item] = []
    keys: list[Key] = []
    if predicted is not None:
        height = predicted / predicted.max()
        for side, colour in zip(SIDES, palette.series, strict=False):
            area, key = _side(analysis, box, xs, height, threshold, side, colour, words)
            items += area
            keys += key
        items += box.curve(xs, height, colour="#404040", width=1.0)
        keys.append(line_key(words("True effect of a new study"), "#404040", width=1.0))
    items += box.curve(xs, own / own.max(), colour=palette.pooled, width=1.4, dash=(5.0, 2.0))
    keys.append(line_key(words("Pooled effect"), palette.pooled, dash=(5.0, 2.0)))
    items += box.horizontal(0.0, width=0.8)
    items += box.vertical(threshold, colour="#9a9a9a", width=0.7)
    items += _drops(box, points, of, palette.study, words)
    keys.append(point_key(words("Studies, areas by weight"), palette.study))
    items += axes(box, measure)
    notes = []
    if predicted is None:
        why = printed.one_line(analysis.model.prediction_reason or words("no prediction interval was asked for"))
        notes.append(words("No predictive distribution: {why}.", why=why.rstrip(".")))
    else:
        notes.append(words("Both curves are drawn to the same height."))
    return sheet(
        items, measure, width=spec.width, bottom=spec.height, title=title, keys=keys, notes=notes,
        description=words("Predictive distribution of true effects, and {k} studies.", k=len(points)),
    )  # fmt: skip


def _side(
    analysis: MetaAnalysis, box: Box, xs: FloatArray, height: FloatArray, threshold: float, side: str, colour: str,
    words: Words,
) -> tuple[list[Item], list[Key]]:  # fmt: skip
    """Shade the distribution on one side of the threshold, and say how probable it is."""
    low, high = (box.x.low, threshold) if side == "below" else (threshold, box.x.high)
    inside = xs[(xs > low) & (xs < high)]
    if not inside.size:
        return [], []
    edge = np.array([max(low, box.x.low), *inside, min(high, box.x.high)])
    ys = np.interp(edge, xs, height)
    area = box.area([(edge[0], 0.0), *zip(edge, ys, strict=True), (edge[-1], 0.0)], colour=colour, opacity=0.35)
    below, above = (threshold, None) if side == "below" else (None, threshold)
    share = analysis.probability(below=below, above=above, on="analysis").value
    if share is None:
        return area, []
    shown = printed.number(analysis.scale.show(threshold))
    sign = "<" if (side == "below") != analysis.scale.decreasing else ">"
    text = words("P(true effect {sign} {value}) = {p}", sign=sign, value=shown, p=f"{100 * share:.0f}%")
    return area, [area_key(text, colour, 0.35)]


def _drops(box: Box, points: Sequence[Point], of: MetaAnalysis, colour: str, words: Words) -> list[Item]:
    """Let the studies fall below the line, each at its effect, at heights that keep neighbours apart."""
    heaviest = max((point.weight for point in points), default=0.0) or 1.0
    made: list[Item] = []
    for i, point in enumerate(sorted(points, key=lambda one: one.effect)):
        level = -(RAIN / (1.0 - RAIN)) * (0.14 + 0.76 * (i * 3 % DROPS) / (DROPS - 1))
        radius = max(LARGEST * math.sqrt(point.weight / heaviest), SMALLEST)
        disc = Disc(box.at(point.effect, level), radius, colour, "#ffffff", 0.5, 0.2 if point.pale else 0.7)
        made.append(Group((disc,), study_tip(of, point.row, words), point.row))
    return made


def _threshold(analysis: MetaAnalysis, spec: RainSpec) -> float:
    if spec.threshold is not None:
        return float(analysis.scale.take(spec.threshold))
    assert analysis.pooled is not None  # noqa: S101 - the caller has seen it
    return analysis.pooled.value if analysis.scale.null is None else analysis.scale.null


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
