"""Report as a bubble plot of a meta-regression: effects against a moderator, with the line fitted and its bands."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from evisynth import FigureSpec, MetaAnalysis, Reporter, hookimpl, number_between, one_of
from evisynth_reporters import printed
from evisynth_reporters.bubble_layers import BubbleLayers
from evisynth_reporters.chart_sheet import made_sheet
from evisynth_reporters.chart_studies import chart_studies
from evisynth_reporters.figure import figure
from evisynth_reporters.moderator_line import fitted_line, moderator_of
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from evisynth_reporters.drawing import Drawing, Measure


@attrs.frozen(kw_only=True)
class BubbleSpec(FigureSpec):
    """Hold the options of a bubble plot."""

    figure: ClassVar[str] = "bubble"

    moderator: str | None = None
    """Name of the moderator across the page; the first of the regression where none is named."""
    confidence: bool = True
    """Whether the confidence band of the line is drawn."""
    prediction: bool = True
    """Whether the prediction band is drawn, where the analysis has one."""
    size: str = attrs.field(default="weight", validator=one_of("weight", "equal"))
    """What the area of a study's circle stands for."""
    labels: str = attrs.field(default="none", validator=one_of("none", "outliers", "all"))
    """Which studies are named, where there is room: those outside the prediction band (else farthest out), or all."""
    subgroups: bool = False
    """Whether subgroups of the table have colours of their own."""
    width: float = attrs.field(default=430.0, validator=number_between(200.0, 2000.0))
    """Width of the sheet in points."""
    height: float = attrs.field(default=330.0, validator=number_between(150.0, 2000.0))
    """Height in points of the chart, legend and notes aside."""


def bubble(analysis: MetaAnalysis, spec: BubbleSpec, measure: Measure) -> Drawing:
    """Draw effects against a moderator, circles by weight, with the fitted line and its bands."""
    words = words_of(spec.language)
    studies = chart_studies(analysis, words)
    if not analysis.is_regression or analysis.regression is None:
        reason = words("A bubble plot shows a meta-regression, and this analysis has no moderators.")
        return made_sheet(spec, measure, reason=reason)
    moderator = moderator_of(analysis, spec.moderator)
    if not studies:
        why = words(analysis.reason or "no study has an effect")
        return made_sheet(spec, measure, reason=words("There is no study to show: {reason}.", reason=why))
    line = fitted_line(analysis, moderator, words)
    layers = BubbleLayers(studies, moderator, line, analysis, spec, words, measure)
    said = words(
        "Bubble plot (k = {k}): {effect} against {moderator}.",
        k=len(studies),
        effect=printed.one_line(analysis.label),
        moderator=printed.one_line(moderator.name),
    )
    return made_sheet(spec, measure, items=layers.items, keys=layers.keys, notes=layers.notes, description=said)


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the bubble plot."""
    return [
        figure(
            BubbleSpec,
            bubble,
            reference="Thompson & Higgins (2002), Stat. Med. 21:1559-1573",
            r_equivalent="metafor::regplot(res)",
        )
    ]
