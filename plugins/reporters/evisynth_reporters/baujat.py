"""Draw a Baujat plot: which studies make effects differ, and which move the pooled effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs
import numpy as np

from evisynth import MetaAnalysis, Reporter, hookimpl, number_between
from evisynth import baujat as baujat_points
from evisynth_reporters import printed
from evisynth_reporters.chart import axes, axis_over, chart_box, notice, sheet
from evisynth_reporters.chart_spec import ChartSpec
from evisynth_reporters.drawing import Disc, Group
from evisynth_reporters.figure import figure
from evisynth_reporters.label_placing import legible, placed_labels
from evisynth_reporters.palettes import palette_of
from evisynth_reporters.study_tips import study_tip
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from evisynth_reporters.drawing import Drawing, Item, Measure

RADIUS = 3.0


@attrs.frozen(kw_only=True)
class BaujatSpec(ChartSpec):
    """Hold the options of a Baujat plot."""

    figure: ClassVar[str] = "baujat"

    named: int = attrs.field(default=10, validator=number_between(0, 1000))
    """The most studies that are named, those farthest from the origin first."""


def baujat(analysis: MetaAnalysis, spec: BaujatSpec, measure: Measure) -> Drawing:
    """Draw each study's influence on the pooled effect against its contribution to heterogeneity."""
    words, palette, title = words_of(spec.language), palette_of(spec.palette), printed.one_line(spec.title)
    found = baujat_points(analysis)
    x, y = found.heterogeneity, found.influence
    seen = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    if not seen.size:
        text = words("There is no Baujat plot to draw: it needs at least two studies that are pooled.")
        return notice(text, measure, width=spec.width, title=title)
    across = axis_over([0.0, *x[seen]], words("Contribution to heterogeneity"))
    upwards = axis_over([0.0, *y[seen]], words("Influence on the pooled effect"))
    box = chart_box(across, upwards, measure, width=spec.width, height=spec.height)
    points = {int(i): box.at(float(x[i]), float(y[i])) for i in seen}
    items: list[Item] = []
    for i, at in points.items():
        row = int(analysis.rows[i])
        figures = (
            f"{across.title} {printed.entered(float(x[i]))}",
            f"{upwards.title} {printed.entered(float(y[i]))}",
        )
        disc = Disc(at, RADIUS, palette.study, "#ffffff", 0.5)
        items.append(Group((disc,), (*study_tip(analysis, row, words), *figures), row))
    far = np.hypot(x / max(x[seen].max(), 1e-300), y / max(y[seen].max(), 1e-300))
    order = sorted(points, key=lambda i: -far[i])[: int(spec.named)]
    names = [(legible(printed.one_line(analysis.effects.study_id[analysis.rows[i]])), points[i]) for i in order]
    items += [*placed_labels(names, [(at, RADIUS) for at in points.values()], box, measure), *axes(box, measure)]
    absent = analysis.k - len(points)
    notes = [words("{k} studies have no measure of influence.", k=absent)] if absent else []
    return sheet(
        items, measure, width=spec.width, bottom=spec.height, title=title, notes=notes,
        description=words("Baujat plot of {k} studies.", k=len(points)),
    )  # fmt: skip


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the Baujat plot."""
    return [
        figure(
            BaujatSpec,
            baujat,
            reference="Baujat, Mahé, Pignon & Hill (2002), Stat. Med. 21:2641-2652",
            r_equivalent="metafor::baujat(res)",
        )
    ]
