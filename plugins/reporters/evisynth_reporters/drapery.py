"""Draw a drapery plot: the p-value of every hypothesis about the effect, by each study and by the pooled effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs
import numpy as np

from evisynth import MetaAnalysis, Reporter, hookimpl, normal_p_value, number_between, one_of, t_p_value
from evisynth_reporters import printed
from evisynth_reporters.chart import Axis, area_key, axes, chart_box, line_key, notice, sheet
from evisynth_reporters.chart_spec import ChartSpec
from evisynth_reporters.drawing import Group
from evisynth_reporters.effect_axis import effect_axis
from evisynth_reporters.figure import figure
from evisynth_reporters.palettes import palette_of
from evisynth_reporters.pooled_studies import points_of
from evisynth_reporters.study_tips import study_tip
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from evisynth import Estimate, FloatArray
    from evisynth_reporters.drawing import Drawing, Item, Measure

STEPS = 400
REACH = 2.5
"""Standard errors of studies beside their effects that the axis holds, as far as that is within the funnel's foot."""
LEVELS = (0.01, 0.05, 0.1)
PREDICTION = "#efe6d8"
OPACITY = 0.55
FAINTEST = 0.12
CROWD = 14.0
"""Studies from which curves are drawn fainter, so that many do not make one dark patch."""


@attrs.frozen(kw_only=True)
class DraperySpec(ChartSpec):
    """Hold the options of a drapery plot."""

    figure: ClassVar[str] = "drapery"

    models: str = attrs.field(default="both", validator=one_of("asked for", "common", "random", "both"))
    """Which pooled effects are drawn."""
    prediction: bool = True
    """Whether the range of the prediction interval is shaded, where there is one."""
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
    names = {"both": ("common", "random"), "asked for": (analysis.settings.model,)}.get(spec.models, (spec.models,))
    pooled = {name: analysis.models[name].pooled for name in names}
    ses = np.array([point.se for point in points])
    effects = np.array([point.effect for point in points])
    near = np.minimum(ses, 2.0 * float(np.median(ses)))
    held = [*(effects - REACH * near), *(effects + REACH * near)]
    limits = whole.prediction if spec.prediction else None
    held += [] if limits is None else [limits.low, limits.high]
    ticks = (0.0, *LEVELS, 0.2, 0.4, 0.6, 0.8, 1.0)
    upwards = Axis(
        0.0,
        1.0,
        words("P value"),
        given_ticks=ticks,
        labels=("0", "", "0.05", "0.1", *(f"{tick:g}" for tick in ticks[4:])),
    )
    box = chart_box(effect_axis(whole, held, words, spare=0.0), upwards, measure, width=spec.width, height=spec.height)
    across = np.linspace(box.x.low, box.x.high, STEPS + 1)
    items: list[Item] = []
    keys = [line_key(words("Studies"), palette.study, width=0.8)]
    shown = analysis.prediction if spec.prediction else None
    if limits is not None:
        low, high = (limits.low, limits.high) if shown is None else (shown.low, shown.high)
        edge = [(low, 0.0), (high, 0.0), (high, 1.0), (low, 1.0)]
        items += box.area(edge, colour=PREDICTION)
        level = printed.level(analysis.settings.level)
        keys.append(area_key(words("{level} prediction interval", level=level), PREDICTION))
    for p in LEVELS:
        items += box.horizontal(p, colour="#b0b0b0", width=0.5, dash=(2.0, 2.0))
    null = analysis.scale.null
    items += [] if null is None else box.vertical(null, colour="#9a9a9a", width=0.7)
    for point in points:
        # The peak is a corner, which an even grid would cut off.
        xs = np.unique([*across, *([point.effect] if box.x.low < point.effect < box.x.high else [])])
        curve_of = normal_p_value((xs - point.effect) / point.se)[0]
        opacity = (0.3 if point.pale else 1.0) * min(OPACITY, max(FAINTEST, CROWD / len(points)))
        curve = box.curve(xs, curve_of, colour=palette.study, width=0.8, opacity=opacity)
        items.append(Group(tuple(curve), study_tip(whole, point.row, words), point.row))
    labels = {"common": words("Common effect"), "random": words("Random effects")}
    for name, estimate in pooled.items():
        if estimate is None:
            continue
        colour, dash = (palette.second, (6.0, 2.5)) if name == "common" else (palette.pooled, ())
        xs = np.unique([*across, estimate.value])
        items += box.curve(xs, _p_values(estimate, xs), colour=colour, width=2.0, dash=dash)
        keys.append(line_key(labels[name], colour, dash=dash, width=2.0))
    items += axes(box, measure)
    return sheet(
        items, measure, width=spec.width, bottom=spec.height, title=title, keys=keys,
        description=words("Drapery plot: p-value functions of {k} studies.", k=len(points)),
    )  # fmt: skip


def _p_values(estimate: Estimate, at: FloatArray) -> FloatArray:
    statistic = (at - estimate.value) / estimate.se
    return np.asarray((normal_p_value(statistic) if estimate.df is None else t_p_value(statistic, estimate.df))[0])


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
