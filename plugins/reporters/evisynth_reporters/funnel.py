"""Report as a funnel plot: effects against their precision, with contours, filled studies and a line of regression."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import attrs

from evisynth import FigureSpec, MetaAnalysis, Reporter, hookimpl, number_between, one_of
from evisynth_reporters.chart_sheet import levels_between, made_sheet
from evisynth_reporters.figure import figure
from evisynth_reporters.funnel_data import FunnelData, funnel_data
from evisynth_reporters.funnel_layers import FunnelLayers
from evisynth_reporters.spread import SPREADS
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from evisynth_reporters.drawing import Drawing, Measure
    from evisynth_reporters.words import Words


@attrs.frozen(kw_only=True)
class FunnelSpec(FigureSpec):
    """Hold the options of a funnel plot."""

    figure: ClassVar[str] = "funnel"

    y_axis: str = attrs.field(default="se", validator=one_of(*SPREADS))
    """What effects are shown against; the most precise studies stand at the top whichever it is."""
    swapped: bool = False
    """Whether effects run up the page and precision across it."""
    centre: str = attrs.field(default="analysis", validator=one_of("analysis", "common", "random"))
    """Model whose pooled effect the funnel stands about."""
    levels: tuple[float, ...] = attrs.field(default=(0.95,), validator=levels_between(0.5, 0.9999, most=4))
    """Levels of the pseudo confidence regions; none for no region."""
    with_tau2: bool = False
    """Whether the region is that of studies whose effects differ: its variance has τ² of the random-effects model."""
    contours: tuple[float, ...] = attrs.field(default=(), validator=levels_between(0.0001, 0.5, most=4))
    """Two-sided levels of significance that are shaded about no effect: ``(0.10, 0.05, 0.01)``."""
    adjustment: str | None = None
    """Name of an adjustment whose filled studies are shown: ``"trim-and-fill"``."""
    regression: bool = False
    """Whether Egger's line of regression is drawn."""
    labels: str = attrs.field(default="none", validator=one_of("none", "outliers", "all"))
    """Which studies are named, where there is room: those beyond the widest region, or all."""
    subgroups: bool = True
    """Whether subgroups of the analysis have colours of their own."""
    width: float = attrs.field(default=430.0, validator=number_between(200.0, 2000.0))
    """Width of the sheet in points."""
    height: float = attrs.field(default=330.0, validator=number_between(150.0, 2000.0))
    """Height in points of the chart, legend and notes aside."""


def funnel(analysis: MetaAnalysis, spec: FunnelSpec, measure: Measure, *, whole: MetaAnalysis | None = None) -> Drawing:
    """Draw the effects against their standard errors, or what else shows how precise they are."""
    words = words_of(spec.language)
    data = funnel_data(analysis, spec, words, whole)
    if not data.points:
        return made_sheet(spec, measure, reason=data.nothing, notes=data.notes)
    layers = FunnelLayers(data, spec, words, measure)
    return made_sheet(
        spec,
        measure,
        items=layers.items,
        keys=layers.keys,
        notes=data.notes,
        description=_description(data, spec, words),
    )


def _description(data: FunnelData, spec: FunnelSpec, words: Words) -> str:
    said = [
        words(
            "Funnel plot (k = {k}): {effect} against {spread}.",
            k=len(data.points),
            effect=data.title,
            spread=words(SPREADS[spec.y_axis].title).lower(),
        )
    ]
    if data.theta is not None and math.isfinite(data.theta):
        said.append(words("The funnel stands about {value}.", value=data.shown(data.theta)))
    if data.outside:
        said.append(words("Studies outside the widest region: {k}.", k=len(data.outside)))
    if data.added:
        said.append(words("Studies filled in: {k}.", k=len(data.added)))
    return " ".join(said)


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the funnel plot."""
    return [
        figure(
            FunnelSpec,
            funnel,
            reference=(
                "Light & Pillemer (1984), Summing Up; axes: Sterne & Egger (2001), J. Clin. Epidemiol. 54:1046-1055; "
                "contours: Peters, Sutton, Jones, Abrams & Rushton (2008), J. Clin. Epidemiol. 61:991-996"
            ),
            leaves_out=True,
            r_equivalent="metafor::funnel(res)",
        )
    ]
