"""Draw a drapery plot: the p-value of every hypothesis about the effect, by each study and by the pooled effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs
import numpy as np

from evisynth import (
    MetaAnalysis,
    Reporter,
    each_between,
    hookimpl,
    normal_p_value,
    number_between,
    one_of,
    t_p_value,
)
from evisynth_reporters import printed
from evisynth_reporters.chart import area_key, axes, chart_box, line_key, notice, sheet
from evisynth_reporters.chart_spec import ChartSpec
from evisynth_reporters.drapery_heights import HEIGHTS, height_axis
from evisynth_reporters.drawing import Group
from evisynth_reporters.effect_axis import effect_axis
from evisynth_reporters.figure import figure
from evisynth_reporters.label_placing import legible
from evisynth_reporters.name_row import names_that_fit, room_above, row_of_names
from evisynth_reporters.palettes import palette_of
from evisynth_reporters.pooled_studies import points_of
from evisynth_reporters.predictive import predictive_p_values
from evisynth_reporters.study_tips import study_tip
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from evisynth import Estimate, FloatArray
    from evisynth_reporters.chart import Box, Key
    from evisynth_reporters.drapery_heights import Height
    from evisynth_reporters.drawing import Drawing, Item, Measure
    from evisynth_reporters.pooled_studies import Point
    from evisynth_reporters.words import Words

REACH = 2.5
"""Standard errors of studies beside their effects that the axis holds, as far as that is within the funnel's foot."""
FOOT = 4.5
"""Standard errors from the peak to where a curve lies on the axis."""
Z = np.concatenate([-np.linspace(FOOT, 0.0, 41)[:-1], np.linspace(0.0, FOOT, 41)])
"""Where curves are computed: the peak is a corner, which an even grid of effects would cut off."""
STEPS = 160
PREDICTION = "#efe6d8"
OPACITY = 0.6
FAINTEST = 0.12
CROWD = 14.0
"""Studies from which curves are drawn fainter, so that many do not make one dark patch."""
LONGEST_NAME = 22


@attrs.frozen(kw_only=True)
class DraperySpec(ChartSpec):
    """Hold the options of a drapery plot."""

    figure: ClassVar[str] = "drapery"

    y_axis: str = attrs.field(default="p", validator=one_of(*HEIGHTS))
    """``p`` for p-values, ``confidence`` for the levels of the intervals that end there, ``z`` for test statistics."""
    models: str = attrs.field(default="both", validator=one_of("asked for", "common", "random", "both"))
    """Which pooled effects are drawn."""
    prediction: bool = True
    """Whether the range of the prediction intervals is shaded, where there is one."""
    levels: tuple[float, ...] = attrs.field(default=(0.01, 0.05, 0.1), validator=each_between(1e-6, 1.0))
    """P values at which there are lines across."""
    labels: bool = True
    """Whether the studies are named above their peaks, where there is room for all."""
    width: float = attrs.field(default=430.0, validator=number_between(200.0, 2000.0))


def drapery(
    analysis: MetaAnalysis, spec: DraperySpec, measure: Measure, *, whole: MetaAnalysis | None = None
) -> Drawing:
    """Draw the two-sided p-value against the hypothetical effect, a curve for every study and pooled effect."""
    words, palette, title = words_of(spec.language), palette_of(spec.palette), printed.one_line(spec.title)
    points = points_of(analysis, whole)
    if not points:
        text = words("There is no drapery plot to draw: {why}.", why=words("no study has an effect"))
        return notice(text, measure, width=spec.width, title=title)
    whole = whole or analysis
    names = [legible(printed.one_line(point.name), LONGEST_NAME) for point in points]
    above = room_above(names, measure) if spec.labels and len(names) <= names_that_fit(0.8 * spec.width) else 0.0
    height = HEIGHTS[spec.y_axis]
    across = effect_axis(whole, _held(points, whole, spec), words, spare=0.0)
    upwards = height_axis(spec.y_axis, spec.levels, spec.height, words)
    box = chart_box(across, upwards, measure, width=spec.width, height=spec.height, top=above)
    items, keys = _predicted(analysis, whole, box, spec, words)
    for p in spec.levels:
        items += box.horizontal(float(height.of_p(p)), colour="#a8a8a8", width=0.5, dash=(2.0, 2.0))
    null = analysis.scale.null
    items += [] if null is None else box.vertical(null, colour="#767676", width=0.7)
    opacity = min(OPACITY, max(FAINTEST, CROWD / len(points)))
    places = [box.at_x(point.effect) for point in points]
    ink = ["#b8b8b8" if point.pale else "#404040" for point in points]
    row = row_of_names(names, places, ink, left=box.left + 4.0, right=box.right - 4.0, bottom=box.top) if above else []
    for i, point in enumerate(points):
        xs, heights = point.effect + point.se * Z, height.of_p(normal_p_value(Z)[0])
        faint = 0.3 * opacity if point.pale else opacity
        curve = box.curve(xs, heights, colour=palette.study, width=0.8, opacity=faint)
        items.append(Group((*curve, *(row[i] if row else ())), study_tip(whole, point.row, words), point.row))
    keys.insert(0, line_key(words("Studies"), palette.study, width=0.8))
    chosen = {"both": ("common", "random"), "asked for": (analysis.settings.model,)}.get(spec.models, (spec.models,))
    for name in chosen:
        pooled = analysis.models[name].pooled
        if pooled is None:
            continue
        colour, dash = (palette.second, (6.0, 2.5)) if name == "common" else (palette.pooled, ())
        xs = pooled.value + pooled.se * Z
        items += box.curve(xs, height.of_p(_p_values(pooled)), colour=colour, width=2.0, dash=dash)
        said = words("Common effect") if name == "common" else words("Random effects")
        keys.append(line_key(said, colour, dash=dash, width=2.0))
    items += axes(box, measure)
    return sheet(
        items, measure, width=spec.width, bottom=above + spec.height, title=title, keys=keys,
        description=words("Drapery plot: p-value functions of {k} studies.", k=len(points)),
    )  # fmt: skip


def _held(points: tuple[Point, ...], whole: MetaAnalysis, spec: DraperySpec) -> list[float]:
    """List the effects that the axis holds."""
    ses = np.array([point.se for point in points])
    effects = np.array([point.effect for point in points])
    near = np.minimum(ses, 2.0 * float(np.median(ses)))
    limits = whole.prediction if spec.prediction else None
    beside = [] if limits is None else [limits.low, limits.high]
    return [*(effects - REACH * near), *(effects + REACH * near), *beside]


def _predicted(
    analysis: MetaAnalysis, whole: MetaAnalysis, box: Box, spec: DraperySpec, words: Words
) -> tuple[list[Item], list[Key]]:
    """Shade the prediction intervals of all levels, or of one where there is no distribution behind it."""
    limits = whole.prediction if spec.prediction else None
    if limits is None:
        return [], []
    height: Height = HEIGHTS[spec.y_axis]
    xs = np.linspace(box.x.low, box.x.high, STEPS + 1)
    found = predictive_p_values(analysis, xs)
    level = printed.level(analysis.settings.level)
    if found is not None:
        edge = [(xs[0], height.foot), *zip(xs, height.of_p(found), strict=True), (xs[-1], height.foot)]
        return box.area(edge, colour=PREDICTION), [area_key(words("Prediction range"), PREDICTION)]
    shown = analysis.prediction or limits
    low, high, p = shown.low, shown.high, 1.0 - analysis.settings.level
    top = float(height.of_p(p))
    edge = [(low, height.foot), (high, height.foot), (high, top), (low, top)]
    return box.area(edge, colour=PREDICTION), [area_key(words("{level} prediction interval", level=level), PREDICTION)]


def _p_values(estimate: Estimate) -> FloatArray:
    return np.asarray((normal_p_value(Z) if estimate.df is None else t_p_value(Z, estimate.df))[0])


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the drapery plot."""
    return [
        figure(
            DraperySpec,
            drapery,
            reference="Rücker & Schwarzer (2021), Res. Synth. Methods 12:8-19",
            leaves_out=True,
            r_equivalent="meta::drapery(res)",
        )
    ]
