"""Compute what a funnel plot shows: its points, its centre, what an adjustment fills in and a line of regression."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import LINEAR, MetaAnalysis, Scale, bias, normal_quantile
from evisynth_reporters import printed
from evisynth_reporters.chart_studies import ChartStudy, chart_studies
from evisynth_reporters.spread import SPREADS, Spread, sample_size

if TYPE_CHECKING:
    from evisynth_reporters.funnel import FunnelSpec
    from evisynth_reporters.words import Words

USUAL_LEVEL = 0.95


@attrs.frozen(eq=False)
class Point:
    """Hold a study with its place: its effect, or the residual of one, and its number on the axis of precision."""

    study: ChartStudy
    effect: float
    spread: float


@attrs.frozen(eq=False, slots=False)  # a plain dictionary serves cached properties
class FunnelData:
    """Hold the numbers of a funnel plot, effects on the analysis scale."""

    points: tuple[Point, ...]
    spread: Spread
    title: str
    scale: Scale
    residuals: bool
    """Whether effects are those that a meta-regression leaves."""
    theta: float | None
    """Centre of the funnel."""
    tau2: float
    null: float | None
    level: float
    """Level of the widest region."""
    grouped: bool = False
    """Whether the analysis has subgroups to tell apart."""
    added: tuple[tuple[float, float], ...] = ()
    """Effects that an adjustment filled in, with their numbers on the axis of precision."""
    adjusted: float | None = None
    """Effect that the adjustment comes to."""
    line: tuple[float, float] | None = None
    """Egger's line: the effect at a standard error of 0, and its slope."""
    notes: tuple[str, ...] = ()
    nothing: str = ""

    def shown(self, value: float) -> str:
        """Print an effect on the scale shown to readers."""
        return printed.number(value if self.residuals else self.scale.show(value))

    def half_width(self, se: float, level: float) -> float:
        """Give half the width of a region at a standard error."""
        return normal_quantile(level) * math.sqrt(se * se + self.tau2)

    @cached_property
    def outside(self) -> tuple[Point, ...]:
        """Studies beyond the widest region, the farthest first."""
        if self.theta is None:
            return ()
        theta, level = self.theta, self.level
        far = [
            (abs(point.effect - theta) / self.half_width(point.study.se, level), i)
            for i, point in enumerate(self.points)
            if not point.study.left_out
        ]
        return tuple(
            self.points[i] for distance, i in sorted(far, key=lambda pair: (-pair[0], pair[1])) if distance > 1
        )


def funnel_data(analysis: MetaAnalysis, spec: FunnelSpec, words: Words, whole: MetaAnalysis | None) -> FunnelData:
    """Take the points of the studies, and what the options ask for, with a note where it cannot be had."""
    spread = SPREADS[spec.y_axis]
    studies = chart_studies(analysis, words, whole)
    notes: list[str] = []
    left = _residuals(analysis) if analysis.is_regression else None
    if analysis.is_regression and left is None:
        studies = ()
    points = _points(whole or analysis, studies, spread, left)
    if len(points) < len(studies):
        notes.append(words("Not shown, for want of a sample size: {k}.", k=len(studies) - len(points)))
    theta = _centre(analysis, spec, notes, words)
    random = analysis.models["random"]
    tau2 = (random.tau2 or 0.0) if spec.with_tau2 else 0.0
    made = FunnelData(
        points=points,
        spread=spread,
        title=words("Residual of {effect}", effect=printed.one_line(analysis.label))
        if left is not None
        else printed.one_line(analysis.label),
        scale=LINEAR if left is not None else analysis.scale,
        residuals=left is not None,
        theta=theta,
        tau2=tau2,
        null=None if left is not None else analysis.scale.null,
        level=max(spec.levels, default=USUAL_LEVEL),
        grouped=spec.subgroups and bool((whole or analysis).subgroups),
        nothing=_nothing(analysis, studies, words),
    )
    if not points:
        return attrs.evolve(made, notes=tuple(notes))
    if spec.contours and made.null is None:
        notes.append(words("No contours: the measure has no value that stands for no effect."))
    if spread.se_of is None and (spec.levels or spec.contours):
        notes.append(words("Regions and contours are functions of the standard error, which this axis does not show."))
    if spec.adjustment is not None:
        made = _adjusted(made, analysis, spec.adjustment, notes, words)
    if spec.regression:
        made = _regressed(made, analysis, notes, words)
    return attrs.evolve(made, notes=tuple(notes))


def _nothing(analysis: MetaAnalysis, studies: tuple[ChartStudy, ...], words: Words) -> str:
    if studies:
        return words("No study has a sample size.")
    return words("There is no study to show: {reason}.", reason=words(analysis.reason or "no study has an effect"))


def _residuals(analysis: MetaAnalysis) -> dict[int, float] | None:
    """Give what a meta-regression leaves of each row's effect; None where it was not fitted."""
    regression = analysis.regression
    if regression is None or analysis.fit is None:
        return None
    return dict(zip(analysis.effect_rows, regression.residuals("raw").tolist(), strict=True))


def _points(
    every: MetaAnalysis, studies: tuple[ChartStudy, ...], spread: Spread, left: dict[int, float] | None
) -> tuple[Point, ...]:
    made: list[Point] = []
    for study in studies:
        if spread.of_se is not None:
            place = spread.of_se(study.se)
        else:
            n = sample_size(every.studies[study.row].data)
            if n is None or spread.of_n is None:
                continue
            place = spread.of_n(n)
        made.append(Point(study, study.y if left is None else left[study.row], place))
    return tuple(made)


def _centre(analysis: MetaAnalysis, spec: FunnelSpec, notes: list[str], words: Words) -> float | None:
    if analysis.is_regression:
        notes.append(words("Residuals of a meta-regression, which have no pooled effect but 0."))
        return 0.0
    model = analysis.model if spec.centre == "analysis" else analysis.models[spec.centre]
    if model.pooled is None:
        notes.append(words("No funnel: {reason}.", reason=words(model.absent or "there is no pooled effect")))
        return None
    return model.pooled.value


def _adjusted(made: FunnelData, analysis: MetaAnalysis, name: str, notes: list[str], words: Words) -> FunnelData:
    found = bias(analysis, name)
    if found.after is None:
        notes.append(f"{name}: {words(found.reason or 'there is no adjusted effect')}.")
        return made
    notes.append(
        words(
            "{name} ({variant}): studies filled in {k}, adjusted effect {effect}.",
            name=found.name,
            variant=found.variant,
            k=len(found.added),
            effect=_with_limits(made, found.after.value, found.after.ci_low, found.after.ci_high, analysis),
        )
    )
    made = attrs.evolve(made, adjusted=found.after.value)
    of_se = made.spread.of_se
    if of_se is None:
        if found.added:
            notes.append(words("Studies that are filled in have no sample size, and are not shown on this axis."))
        return made
    return attrs.evolve(made, added=tuple((y, of_se(math.sqrt(v))) for y, v in found.added))


def _with_limits(made: FunnelData, value: float, low: float, high: float, analysis: MetaAnalysis) -> str:
    shown = made.scale.show(value), *made.scale.show_limits(low, high)
    return printed.effect(*shown, printed.style_of(analysis))


def _regressed(made: FunnelData, analysis: MetaAnalysis, notes: list[str], words: Words) -> FunnelData:
    found = bias(analysis, "Egger")
    slope, limit = found.asymmetry, found.limit
    if slope is None or limit is None or not np.isfinite([slope.value, limit.value]).all():
        notes.append(words("No line of Egger's regression: {reason}.", reason=words(found.reason or "it has no limit")))
        return made
    if found.p_value is not None and found.statistic is not None and found.df is not None:
        t, df = printed.number(found.statistic), printed.degrees(found.df)
        test = f"t = {t}, df = {df} ({printed.p_value(found.p_value)})"
        notes.append(words("Egger's test: {test}.", test=test))
    if made.spread.se_of is None:
        notes.append(words("Egger's line is a function of the standard error, which this axis does not show."))
        return made
    return attrs.evolve(made, line=(limit.value, slope.value))
