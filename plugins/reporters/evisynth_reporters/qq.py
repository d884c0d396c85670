"""Draw a normal QQ plot of the residuals, with an envelope for each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs
import numpy as np

from evisynth import MetaAnalysis, Reporter, hookimpl, influence, normal_quantile, number_between, one_of
from evisynth_reporters import printed
from evisynth_reporters.chart import area_key, axes, axis_over, chart_box, line_key, notice, sheet
from evisynth_reporters.chart_spec import ChartSpec
from evisynth_reporters.drawing import Disc, Group
from evisynth_reporters.figure import figure
from evisynth_reporters.label_placing import legible, placed_labels
from evisynth_reporters.palettes import palette_of
from evisynth_reporters.residual_envelopes import simulated_envelope
from evisynth_reporters.study_tips import study_tip
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from evisynth import FloatArray
    from evisynth_reporters.drawing import Drawing, Item, Measure
    from evisynth_reporters.words import Words

RADIUS = 3.0
HALF = 0.5


@attrs.frozen(kw_only=True)
class QQSpec(ChartSpec):
    """Hold the options of a normal QQ plot."""

    figure: ClassVar[str] = "qq"

    residuals: str = attrs.field(default="standardised", validator=one_of("standardised", "deleted"))
    """``deleted`` are standardised by the analysis without the study."""
    envelope: str = attrs.field(default="simulated", validator=one_of("simulated", "analytical"))
    """Whether the limits are those of data drawn from the model, or of order statistics of independent residuals."""
    level: float | None = attrs.field(default=0.95, validator=number_between(0.5, 0.9999))
    """Level of the pointwise envelope; None: none."""
    draws: int = attrs.field(default=2000, validator=number_between(100, 100_000))
    """Data sets that are drawn."""
    seed: int = attrs.field(default=1, validator=number_between(0, 2**32))
    labels: str = attrs.field(default="outliers", validator=one_of("none", "outliers", "all"))
    """Which studies are named: those whose residual is beyond the normal quantile of the level, all, or none."""
    width: float = attrs.field(default=340.0, validator=number_between(200.0, 2000.0))
    height: float = attrs.field(default=330.0, validator=number_between(150.0, 2000.0))


def qq(analysis: MetaAnalysis, spec: QQSpec, measure: Measure) -> Drawing:
    """Draw the ordered residuals against normal quantiles, with the limits that chance alone keeps them to."""
    words, palette, title = words_of(spec.language), palette_of(spec.palette), printed.one_line(spec.title)
    measured = influence(analysis).numbers
    values = measured.rstudent if spec.residuals == "deleted" else measured.rstandard
    seen = np.flatnonzero(np.isfinite(values))
    if seen.size < 2:  # noqa: PLR2004 - an order needs two
        text = words("There is no QQ plot to draw: it needs at least two studies with a residual.")
        return notice(text, measure, width=spec.width, title=title)
    order = seen[np.argsort(values[seen], kind="stable")]
    ranks: list[int] = [int(i) for i in order]
    n = order.size
    scores = _ndtri((np.arange(1, n + 1, dtype=np.float64) - 0.375) / (n + 0.25))
    limits, notes = _limits(analysis, spec, n, words)
    held = [*scores, *values[order], *(limits.ravel() if limits is not None else ())]
    name = words("Standardised residual") if spec.residuals == "standardised" else words("Deleted residual")
    box = chart_box(
        axis_over(scores, words("Normal quantile")), axis_over(held, name), measure, width=spec.width,
        height=spec.height,
    )  # fmt: skip
    items: list[Item] = []
    keys = [line_key(words("Residuals of the normal distribution"), "#000000", width=0.8)]
    if limits is not None:
        edge = [*zip(scores, limits[0], strict=True), *zip(scores[::-1], limits[1][::-1], strict=True)]
        items += box.area(edge, colour=palette.band)
        keys.append(area_key(words("{level} of each, pointwise", level=printed.level(spec.level or 0.0)), palette.band))
    line = box.curve([scores[0], scores[-1]], [scores[0], scores[-1]], width=0.8)
    items += line
    points = [box.at(float(x), float(values[i])) for x, i in zip(scores, ranks, strict=True)]
    for at, i in zip(points, ranks, strict=True):
        row = int(analysis.rows[i])
        tip = (*study_tip(analysis, row, words), f"{name} {printed.number(float(values[i]))}")
        items.append(Group((Disc(at, RADIUS, palette.study, "#ffffff", 0.5),), tip, row))
    # An envelope is narrow in the middle: what lies outside it there is no study that is far from the others.
    far = normal_quantile(0.95 if spec.level is None else spec.level)
    ranked = [int(j) for j in np.argsort(-np.abs(values[order]), kind="stable")]
    chosen = ranked if spec.labels == "all" else [j for j in ranked if abs(values[ranks[j]]) > far]
    names = [
        (legible(printed.one_line(analysis.effects.study_id[analysis.rows[ranks[j]]])), points[j])
        for j in (chosen if spec.labels != "none" else [])
    ]
    items += [*placed_labels(names, [(at, RADIUS) for at in points], box, measure, lines=line), *axes(box, measure)]
    return sheet(
        items, measure, width=spec.width, bottom=spec.height, title=title, keys=keys, notes=notes,
        description=words("Normal QQ plot of the residuals of {k} studies.", k=n),
    )  # fmt: skip


def _limits(analysis: MetaAnalysis, spec: QQSpec, n: int, words: Words) -> tuple[FloatArray | None, list[str]]:
    if spec.level is None:
        return None, []
    fit = analysis.fit
    if spec.envelope == "simulated" and fit is not None and fit.weighted is not None and n == fit.k:
        drawn = simulated_envelope(fit, spec.level, draws=int(spec.draws), seed=int(spec.seed))
        text = words(
            "Envelope: {n} data sets drawn from the model, its tau² held (seed {seed}).", n=spec.draws, seed=spec.seed
        )
        return drawn, [text]
    text = words("Envelope: order statistics of independent normal residuals.")
    return envelope(n, spec.level), [text]


def envelope(n: int, level: float) -> FloatArray:
    """Give the limits of each of n ordered standard normal values, ``(2, n)``.

    The i-th of them lies between the normal quantiles of the Beta(i, n + 1 - i) distribution's; residuals are
    dependent, so that for them this is an approximation.
    """
    from scipy.special import betaincinv  # noqa: PLC0415 - scipy comes with the first fit

    i = np.arange(1, n + 1, dtype=np.float64)
    tail = HALF * (1.0 - level)
    return np.array([_ndtri(np.asarray(betaincinv(i, n + 1 - i, p), dtype=np.float64)) for p in (tail, 1.0 - tail)])


def _ndtri(p: FloatArray) -> FloatArray:
    from scipy.special import ndtri  # noqa: PLC0415 - scipy comes with the first fit

    return np.asarray(ndtri(p))


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the normal QQ plot."""
    return [
        figure(
            QQSpec,
            qq,
            reference=(
                "Wang & Bushman (1998), Psychol. Methods 3:46-54; envelope: David & Nagaraja (2003), Order Statistics, "
                "3rd ed., section 2.1; simulated: Atkinson (1985), Plots, Transformations and Regression, ch. 4"
            ),
            r_equivalent="metafor::qqnorm(res)",
        )
    ]
