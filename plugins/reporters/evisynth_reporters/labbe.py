"""Draw a L'Abbé plot: the risk in the one arm against that in the other, and where the pooled effect would put it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import attrs

from evisynth import MetaAnalysis, Reporter, hookimpl, number_between, one_of
from evisynth_reporters import printed
from evisynth_reporters.chart import Axis, axes, chart_box, line_key, notice, sheet
from evisynth_reporters.chart_spec import ChartSpec
from evisynth_reporters.drawing import Disc, Group
from evisynth_reporters.figure import figure
from evisynth_reporters.palettes import palette_of
from evisynth_reporters.study_tips import study_tip
from evisynth_reporters.ticks import linear_ticks
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evisynth_reporters.drawing import Drawing, Item, Measure

LARGEST = 11.0
SMALLEST = 1.8
STEPS = 200
CURVES: Mapping[str, Callable[[float, float], float]] = {
    "RR": lambda risk, shown: risk * shown,
    "OR": lambda risk, shown: risk * shown / (1.0 - risk + risk * shown),
    "PETO": lambda risk, shown: risk * shown / (1.0 - risk + risk * shown),
    "RD": lambda risk, shown: risk + shown,
}
"""Measure → the risk of the first arm that an effect, as shown, makes of that of the second."""


@attrs.frozen(kw_only=True)
class LabbeSpec(ChartSpec):
    """Hold the options of a L'Abbé plot."""

    figure: ClassVar[str] = "labbe"

    size: str = attrs.field(default="weight", validator=one_of("weight", "participants"))
    """What the areas of the circles are proportional to."""
    group_1: str | None = None
    group_2: str | None = None
    width: float = attrs.field(default=340.0, validator=number_between(200.0, 2000.0))
    height: float = attrs.field(default=330.0, validator=number_between(150.0, 2000.0))


def labbe(analysis: MetaAnalysis, spec: LabbeSpec, measure: Measure, *, whole: MetaAnalysis | None = None) -> Drawing:
    """Draw the risk in the first arm against that in the second, a circle a study, with the pooled effect's line."""
    words, palette, title = words_of(spec.language), palette_of(spec.palette), printed.one_line(spec.title)
    whole = whole or analysis
    cells = whole.effects.cells
    if cells is None:
        text = words("There is no L'Abbé plot to draw: the studies have no tables of events in two arms.")
        return notice(text, measure, width=spec.width, title=title)
    raw = cells.raw
    rows = [row for row in range(whole.k_total) if raw.n_1[row] > 0 and raw.n_2[row] > 0]
    if not rows:
        text = words("There is no L'Abbé plot to draw: no study has participants in both arms.")
        return notice(text, measure, width=spec.width, title=title)
    risks = {row: (float(raw.c[row] / raw.n_2[row]), float(raw.a[row] / raw.n_1[row])) for row in rows}
    top = max(max(pair) for pair in risks.values())
    end = min(1.0, max(1.15 * top, 0.05)) if top < 0.85 else 1.0  # noqa: PLR2004 - nearly all of the axis
    one, two = printed.arm_names(analysis, spec.group_1, spec.group_2)
    low = -0.04 * end
    event = words("Risk of the event: {group}")
    x = Axis(low, end - low, event.format(group=printed.one_line(two)), given_ticks=linear_ticks(0.0, end))
    y = Axis(low, end - low, event.format(group=printed.one_line(one)), given_ticks=linear_ticks(0.0, end))
    box = chart_box(x, y, measure, width=spec.width, height=spec.height)
    items: list[Item] = [*box.curve([0.0, end], [0.0, end], colour="#9a9a9a", width=0.8)]
    keys = [line_key(words("No effect"), "#9a9a9a", width=0.8)]
    curve = CURVES.get(analysis.effects.measure)
    if analysis.display is not None and curve is not None:
        xs = [end * i / STEPS for i in range(STEPS + 1)]
        items += box.curve(xs, [curve(risk, analysis.display.value) for risk in xs], width=1.2, dash=(5.0, 2.5))
        shown = printed.number(analysis.display.value)
        text = words("Pooled {effect} {value}", effect=printed.one_line(analysis.label), value=shown)
        keys.append(line_key(text, palette.pooled, dash=(5.0, 2.5)))
    sizes = {row: _size(whole, analysis, row, spec) for row in rows}
    largest = max(sizes.values()) or 1.0
    for row in sorted(rows, key=lambda row: -sizes[row]):
        radius = max(LARGEST * math.sqrt(sizes[row] / largest), SMALLEST)
        left_out = whole.studies[row].included and not analysis.studies[row].included
        opacity = 0.15 if left_out else 0.6
        disc = Disc(box.at(*risks[row]), radius, palette.study, "#ffffff", 0.6, opacity)
        items.append(Group((disc,), study_tip(whole, row, words), row if whole.studies[row].included else None))
    items += axes(box, measure)
    notes = [words("Areas of circles are proportional to {size}.", size=words(spec.size))]
    absent = whole.k_total - len(rows)
    if absent:
        notes.append(words("{k} studies have no participants in an arm.", k=absent))
    return sheet(
        items, measure, width=spec.width, bottom=spec.height, title=title, keys=keys, notes=notes,
        description=words("L'Abbé plot of {k} studies.", k=len(rows)),
    )  # fmt: skip


def _size(whole: MetaAnalysis, analysis: MetaAnalysis, row: int, spec: LabbeSpec) -> float:
    if spec.size == "participants":
        data = whole.studies[row].data
        return float((data.get("n_1") or 0.0) + (data.get("n_2") or 0.0))
    return analysis.studies[row].weight or 0.0


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the L'Abbé plot."""
    return [
        figure(
            LabbeSpec,
            labbe,
            reference="L'Abbé, Detsky & O'Rourke (1987), Ann. Intern. Med. 107:224-233",
            leaves_out=True,
            r_equivalent="metafor::labbe(res)",
        )
    ]
