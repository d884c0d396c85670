"""Report as a Baujat plot: contribution to heterogeneity against influence on the pooled effect."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import attrs

from evisynth import FigureSpec, MetaAnalysis, Reporter, baujat, hookimpl, number_between, one_of
from evisynth_reporters import printed
from evisynth_reporters.chart import Axis, axes, chart_box
from evisynth_reporters.chart_sheet import made_sheet, upright_title
from evisynth_reporters.chart_studies import POINT, chart_studies, group_keys, look_of, looks, study_mark
from evisynth_reporters.figure import figure
from evisynth_reporters.label_placing import Named, place_names, rectangle_of
from evisynth_reporters.palettes import palette_of
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from evisynth_reporters.drawing import Drawing, Measure


@attrs.frozen(kw_only=True)
class BaujatSpec(FigureSpec):
    """Hold the options of a Baujat plot."""

    figure: ClassVar[str] = "baujat"

    labels: str = attrs.field(default="farthest", validator=one_of("none", "farthest", "all"))
    """Which studies are named, where there is room: the ``named`` ones farthest from the origin, or all."""
    named: int = attrs.field(default=8, validator=number_between(1, 1000))
    subgroups: bool = True
    """Whether subgroups of the analysis have colours of their own."""
    width: float = attrs.field(default=430.0, validator=number_between(200.0, 2000.0))
    """Width of the sheet in points."""
    height: float = attrs.field(default=330.0, validator=number_between(150.0, 2000.0))
    """Height in points of the chart, legend and notes aside."""


def baujat_plot(analysis: MetaAnalysis, spec: BaujatSpec, measure: Measure) -> Drawing:
    """Draw for each study how much it adds to heterogeneity and how far the pooled effect moves without it."""
    words = words_of(spec.language)
    found = baujat(analysis)
    values = {
        row: (float(x), float(y))
        for row, x, y in zip(analysis.rows, found.heterogeneity, found.influence, strict=True)
        if math.isfinite(x) and math.isfinite(y)
    }
    studies = [study for study in chart_studies(analysis, words) if study.row in values]
    notes = []
    if len(studies) < analysis.k:
        missing = {row["reason"] for row in found.records() if row["reason"] is not None}
        why = "; ".join(sorted(words(printed.one_line(reason)) for reason in missing))
        notes = [words("Not shown: {k} ({reason}).", k=analysis.k - len(studies), reason=why)]
    if not studies and analysis.k == 1:
        return made_sheet(spec, measure, reason=words("One study alone has no influence on a pooled effect."))
    if not studies:
        reason = (
            notes[0] if notes else words("There is no study to show: {reason}.", reason=words(analysis.reason or ""))
        )
        return made_sheet(spec, measure, reason=reason)
    across = words("Contribution to heterogeneity, (yᵢ − μ)²/(vᵢ + τ²)")
    if analysis.is_regression:
        across = words("Squared Pearson residual")
    up = words("Influence on the pooled effect")
    if analysis.is_regression:
        up = words("Influence on the fitted value")
    highest = [max(pair[i] for pair in values.values()) or 1.0 for i in (0, 1)]
    box = chart_box(
        Axis(0.0, 1.08 * highest[0], across),
        Axis(0.0, 1.08 * highest[1], upright_title(up, spec.height, measure)),
        measure,
        width=spec.width,
        height=spec.height,
    )
    colours, grouped = palette_of(spec.palette), spec.subgroups and bool(analysis.subgroups)
    chosen = looks(studies, colours, grouped=grouped)
    centres = {study.row: box.at(*values[study.row]) for study in studies}
    items = [*axes(box, measure), *(study_mark(one, centres[one.row], look_of(one, chosen)) for one in studies)]
    far = sorted(studies, key=lambda one: -math.hypot(*(v / m for v, m in zip(values[one.row], highest, strict=True))))
    most = {"none": 0, "farthest": int(spec.named), "all": len(far)}[spec.labels]
    items += place_names(
        [Named(one.name, centres[one.row], POINT) for one in far[:most]],
        measure,
        rectangle_of(box),
        [(centre, POINT) for centre in centres.values()],
    )
    said = words(
        "Baujat plot (k = {k}); farthest from the origin: {names}.",
        k=len(studies),
        names=", ".join(one.name for one in far[:3]),
    )
    keys = group_keys(studies, colours, words, grouped=grouped)
    return made_sheet(spec, measure, items=items, keys=keys, notes=notes, description=said)


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the Baujat plot."""
    return [
        figure(
            BaujatSpec,
            baujat_plot,
            reference="Baujat, Mahé, Pignon & Hill (2002), Stat. Med. 21:2641-2652",
            r_equivalent="metafor::baujat(res)",
        )
    ]
