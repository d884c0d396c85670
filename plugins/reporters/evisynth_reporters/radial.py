"""Draw a radial (Galbraith) plot: standardised effects against precision; slopes from the origin are effects."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import attrs
import numpy as np

from evisynth import MetaAnalysis, Reporter, hookimpl, one_of
from evisynth import radial as radial_points
from evisynth_reporters import printed
from evisynth_reporters.chart import Axis, axes, chart_box, line_key, notice, sheet
from evisynth_reporters.chart_spec import ChartSpec
from evisynth_reporters.drawing import Curve, Disc, Group, Label, Line
from evisynth_reporters.effect_axis import effect_axis
from evisynth_reporters.figure import figure
from evisynth_reporters.label_placing import legible, placed_labels
from evisynth_reporters.palettes import palette_of
from evisynth_reporters.study_tips import study_tip
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from evisynth_reporters.chart import Box
    from evisynth_reporters.drawing import Drawing, Item, Measure

RADIUS = 3.0
BAND = 1.959963984540054
"""Standardised effects of 95 % of the studies lie so far from the line."""
ARC_STEPS = 60
STEEPER = 3.0
TICK = 4.0


@attrs.frozen(kw_only=True)
class RadialSpec(ChartSpec):
    """Hold the options of a radial plot."""

    figure: ClassVar[str] = "radial"

    labels: str = attrs.field(default="outliers", validator=one_of("none", "outliers", "all"))
    """Which studies are named: those outside the band, all that there is room for, or none."""


def radial(analysis: MetaAnalysis, spec: RadialSpec, measure: Measure) -> Drawing:
    """Draw y/√(v + τ²) against 1/√(v + τ²), the pooled effect as a slope, and an arc of effects at the right."""
    words, palette, title = words_of(spec.language), palette_of(spec.palette), printed.one_line(spec.title)
    found = radial_points(analysis)
    if found.slope is None or not np.isfinite(found.precision).any():
        why = printed.one_line(found.reason or analysis.reason or words("no study has an effect"))
        return notice(words("There is no radial plot to draw: {why}.", why=why), measure, width=spec.width, title=title)
    box, arc_room = _box(found.precision, found.standardised, found.slope, analysis, spec, measure)
    items: list[Item] = [*box.horizontal(0.0, colour="#9a9a9a", width=0.6)]
    end = box.x.high
    for shift, dash in ((0.0, ()), (BAND, (4.0, 2.5)), (-BAND, (4.0, 2.5))):
        items += box.curve([0.0, end], [shift, found.slope * end + shift], dash=dash, width=1.0 if not shift else 0.8)
    points = [box.at(x, y) for x, y in zip(found.precision, found.standardised, strict=True)]
    for row, at in zip(analysis.rows, points, strict=True):
        disc = Disc(at, RADIUS, palette.study, "#ffffff", 0.5)
        items.append(Group((disc,), study_tip(analysis, int(row), words), int(row)))
    far = np.abs(found.standardised - found.slope * found.precision)
    order = [i for i in np.argsort(-far) if spec.labels == "all" or far[i] > BAND] if spec.labels != "none" else []
    named = [(legible(printed.one_line(analysis.effects.study_id[analysis.rows[i]])), points[i]) for i in order]
    items += placed_labels(named, [(at, RADIUS) for at in points], box, measure)
    items += [*axes(box, measure, frame=False), Line((box.left, box.top), (box.left, box.bottom))]
    items += _arc(box, analysis, found.slope, arc_room, words(printed.one_line(analysis.label)))
    keys = [
        line_key(words("Pooled effect"), "#000000", width=1.0),
        line_key(words("±{z} about it", z=f"{BAND:.2f}"), "#000000", dash=(4.0, 2.5), width=0.8),
    ]
    description = words("Radial plot of {k} studies.", k=len(points))
    return sheet(items, measure, width=spec.width, bottom=spec.height, title=title, keys=keys, description=description)


def _box(
    x: np.ndarray, y: np.ndarray, slope: float, analysis: MetaAnalysis, spec: RadialSpec, measure: Measure
) -> tuple[Box, float]:
    """Take axes from 0, with room at the right for the arc's numbers."""
    words = words_of(spec.language)
    end = 1.08 * float(x.max())
    held = [*y, 0.0, BAND, -BAND, slope * end + BAND, slope * end - BAND]
    low, high = float(min(held)), float(max(held))
    room = 0.05 * (high - low)
    over = words("Precision (1/√(v + τ²))") if analysis.settings.model == "random" else words("Precision (1/SE)")
    # The arc spans about the slopes to the corners, and none is steeper than 95 % of upright.
    labels = [label for _, label in effect_axis(analysis, [low / end * STEEPER, high / end * STEEPER, slope]).ticks]
    beside = max((measure(label) for label in labels), default=0.0) + 3 * TICK + 12.0
    box = chart_box(
        Axis(0.0, end, over), Axis(low - room, high + room, words("Standardised effect")), measure,
        width=spec.width - beside, height=spec.height,
    )  # fmt: skip
    return box, beside


def _arc(box: Box, analysis: MetaAnalysis, slope: float, room: float, name: str) -> list[Item]:
    """Draw a part of a circle about the origin on which slopes can be read as effects."""
    origin = box.at(0.0, 0.0)
    radius = box.right - origin[0]
    per_x, per_y = box.width / (box.x.high - box.x.low), box.height / (box.y.high - box.y.low)

    def at(effect: float, out: float = 0.0) -> tuple[float, float]:
        angle = math.atan2(effect * per_y, per_x)
        return origin[0] + (radius + out) * math.cos(angle), origin[1] - (radius + out) * math.sin(angle)

    def effect_at(height: float) -> float:
        share = min(max((origin[1] - height) / radius, -0.95), 0.95)
        return math.tan(math.asin(share)) * per_x / per_y

    low, high = effect_at(box.bottom - 2.0), effect_at(box.top + 2.0)
    steps = [low + (high - low) * i / ARC_STEPS for i in range(ARC_STEPS + 1)]
    made: list[Item] = [Curve(tuple(map(at, steps)), 0.8)]
    last = math.inf
    for place, label in effect_axis(analysis, [low, high], spare=0.0, most=8).ticks:
        x, y = at(place, 2.5 * TICK)
        if last - y < 11.0:  # noqa: PLR2004 - a line of text
            continue
        last = y
        made += [Line(at(place), at(place, TICK)), Label(label, x, y + 3.2)]
    made.append(Line(at(slope, -TICK), at(slope, TICK), 1.6))
    made.append(Label(name, box.right + room - 3.0, origin[1], "center", upright=True))
    return made


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the radial plot."""
    return [
        figure(
            RadialSpec,
            radial,
            reference="Galbraith (1988), Technometrics 30:271-281",
            r_equivalent="metafor::radial(res)",
            also=("Galbraith",),
        )
    ]
