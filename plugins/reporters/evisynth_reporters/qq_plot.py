"""Report as a normal quantile–quantile plot of standardised residuals, with a pointwise envelope."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs
import numpy as np

from evisynth import FigureSpec, MetaAnalysis, Reporter, hookimpl, influence, normal_quantile, number_between, one_of
from evisynth_reporters import printed
from evisynth_reporters.chart import Axis, area_key, axes, chart_box, line_key
from evisynth_reporters.chart_sheet import made_sheet, upright_title
from evisynth_reporters.chart_studies import POINT, chart_studies, group_keys, look_of, looks, study_mark
from evisynth_reporters.effect_axis import limits_of
from evisynth_reporters.figure import figure
from evisynth_reporters.label_placing import Named, along, place_names, rectangle_of
from evisynth_reporters.palettes import palette_of
from evisynth_reporters.residual_envelopes import analytical_envelope, normal_scores, simulated_envelope
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from evisynth import FloatArray
    from evisynth_reporters.chart import Key
    from evisynth_reporters.drawing import Drawing, Item, Measure
    from evisynth_reporters.words import Words

RESIDUALS = {"deleted": "Deleted residual, standardised", "standardised": "Standardised residual"}


@attrs.frozen(kw_only=True)
class QQSpec(FigureSpec):
    """Hold the options of a normal quantile–quantile plot."""

    figure: ClassVar[str] = "qq"

    residuals: str = attrs.field(default="deleted", validator=one_of(*RESIDUALS))
    """Residuals of fits without each study (externally studentised), or of the one fit."""
    envelope: str = attrs.field(default="simulated", validator=one_of("simulated", "analytical", "none"))
    """Simulated under the fitted model, or of the order statistics of independent normal numbers."""
    level: float = attrs.field(default=0.95, validator=number_between(0.5, 0.999))
    """Pointwise level of the envelope."""
    draws: int = attrs.field(default=1000, validator=number_between(100, 100_000))
    """Data sets that are simulated."""
    seed: int = attrs.field(default=1, validator=number_between(0, 2**32))
    labels: str = attrs.field(default="outliers", validator=one_of("none", "outliers", "all"))
    """Which studies are named, where there is room: those whose residual is beyond the level's quantile, or all."""
    subgroups: bool = True
    """Whether subgroups of the analysis have colours of their own."""
    width: float = attrs.field(default=400.0, validator=number_between(200.0, 2000.0))
    """Width of the sheet in points."""
    height: float = attrs.field(default=340.0, validator=number_between(150.0, 2000.0))
    """Height in points of the chart, legend and notes aside."""


def qq_plot(analysis: MetaAnalysis, spec: QQSpec, measure: Measure) -> Drawing:
    """Draw the ordered residuals against normal quantiles, with the line of equality and an envelope."""
    words = words_of(spec.language)
    numbers = influence(analysis).numbers
    held = numbers.rstudent if spec.residuals == "deleted" else numbers.rstandard
    known = [i for i, value in enumerate(held) if np.isfinite(value)]
    by_row = {analysis.rows[i]: float(held[i]) for i in known}
    listed = [study for study in chart_studies(analysis, words) if study.row in by_row]
    studies = sorted(listed, key=lambda study: (by_row[study.row], study.row))
    if not studies:
        return made_sheet(spec, measure, reason=_nothing(analysis, numbers.reasons, words))
    notes: list[str] = []
    if len(studies) < analysis.k:
        why = "; ".join(sorted({words(reason) for reason in numbers.reasons.values()}))
        notes.append(words("Not shown: {k} ({reason}).", k=analysis.k - len(studies), reason=why))
    scores = normal_scores(len(studies))
    values = np.array([by_row[study.row] for study in studies])
    low, high = _envelope(analysis, spec, known, notes, words)
    ends = [] if low is None or high is None else [*low.tolist(), *high.tolist()]
    box = chart_box(
        Axis(*limits_of([*scores.tolist(), -1.0, 1.0]), words("Normal quantile")),
        Axis(
            *limits_of([*values.tolist(), *ends, -1.0, 1.0]),
            upright_title(words(RESIDUALS[spec.residuals]), spec.height, measure),
        ),
        measure,
        width=spec.width,
        height=spec.height,
    )
    colours, grouped = palette_of(spec.palette), spec.subgroups and bool(analysis.subgroups)
    keys = group_keys(listed, colours, words, grouped=grouped)
    items: list[Item] = []
    outside = 0
    if low is not None and high is not None:
        pairs = [*zip(scores, low, strict=True), *zip(scores[::-1], high[::-1], strict=True)]
        items += box.area(pairs, colour=colours.band, opacity=0.6)
        for edge in (low, high):
            items += box.curve(scores, edge, colour=colours.study, width=0.7, dash=(3.0, 2.0))
        keys.append(_envelope_key(spec, words, colours.band))
        outside = int(((values < low) | (values > high)).sum())
    line = box.curve([box.x.low, box.x.high], [box.x.low, box.x.high], colour=colours.pooled, width=0.9)
    keys.append(line_key(words("Line of equality"), colours.pooled))
    chosen = looks(listed, colours, grouped=grouped)
    centres = [box.at(x, y) for x, y in zip(scores.tolist(), values.tolist(), strict=True)]
    items += [*line, *axes(box, measure)]
    items += [study_mark(study, at, look_of(study, chosen)) for study, at in zip(studies, centres, strict=True)]
    order = sorted(range(len(studies)), key=lambda i: -abs(values[i]))
    beyond = int((np.abs(values) > normal_quantile(spec.level)).sum())
    named = {"none": 0, "outliers": beyond, "all": len(order)}[spec.labels]
    items += place_names(
        [Named(studies[i].name, centres[i], POINT) for i in order[:named]],
        measure,
        rectangle_of(box),
        [(centre, POINT) for centre in centres],
        along(line),
    )
    said = words("Normal quantile plot of residuals (k = {k}).", k=len(studies))
    if low is not None:
        said += " " + words("Studies outside the envelope: {k}.", k=outside)
    return made_sheet(spec, measure, items=items, keys=keys, notes=notes, description=said)


def _nothing(analysis: MetaAnalysis, reasons: object, words: Words) -> str:
    if analysis.k == 1:
        return words("One study alone leaves no residual.")
    found = sorted({str(reason) for reason in reasons.values()}) if isinstance(reasons, dict) else []
    why = "; ".join(words(reason) for reason in found) or words(analysis.reason or "no study has an effect")
    return words("There are no residuals to show: {reason}.", reason=why)


def _envelope_key(spec: QQSpec, words: Words, colour: str) -> Key:
    text = words("{level} pointwise envelope", level=printed.level(spec.level))
    return area_key(text, colour, 0.6)


def _envelope(
    analysis: MetaAnalysis, spec: QQSpec, known: list[int], notes: list[str], words: Words
) -> tuple[FloatArray | None, FloatArray | None]:
    fit = analysis.fit
    if spec.envelope == "none" or fit is None:
        return None, None
    if spec.envelope == "analytical":
        notes.append(words("Envelope: order statistics of independent normal residuals."))
        return analytical_envelope(len(known), spec.level)
    if fit.weighted is None or len(known) < fit.k:
        # Pooling that is not linear in the effects, or a study that its own coefficient fits.
        notes.append(words("Envelope: order statistics of independent normal residuals, since none can be simulated."))
        return analytical_envelope(len(known), spec.level)
    notes.append(
        words(
            "Envelope: {draws} data sets simulated from the model with τ² as estimated (seed {seed}).",
            draws=spec.draws,
            seed=spec.seed,
        )
    )
    return simulated_envelope(fit, spec.level, draws=int(spec.draws), seed=int(spec.seed))


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the normal quantile–quantile plot."""
    return [
        figure(
            QQSpec,
            qq_plot,
            reference=(
                "Wang & Bushman (1998), Psychol. Methods 3:46-54; envelope: Atkinson (1985), Plots, Transformations "
                "and Regression, ch. 4; Cook & Weisberg (1982), Residuals and Influence in Regression"
            ),
            r_equivalent="metafor::qqnorm(res, type='rstudent')",
        )
    ]
