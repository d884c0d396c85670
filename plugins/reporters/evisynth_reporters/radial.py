"""Draw a radial (Galbraith) plot: standardised effects against precision; slopes from the origin are effects."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import attrs

from evisynth import MetaAnalysis, Reporter, hookimpl, number_between, one_of
from evisynth import radial as radial_points
from evisynth_reporters import printed
from evisynth_reporters.chart import Axis, axes, chart_box, line_key, notice, point_key, sheet
from evisynth_reporters.chart_spec import ChartSpec
from evisynth_reporters.drawing import Disc, Group
from evisynth_reporters.figure import figure
from evisynth_reporters.label_placing import legible, placed_labels
from evisynth_reporters.palettes import palette_of
from evisynth_reporters.pooled_studies import points_of
from evisynth_reporters.radial_arc import TICK, Arc
from evisynth_reporters.study_tips import study_tip
from evisynth_reporters.ticks import linear_ticks
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth_reporters.chart import Box, Key
    from evisynth_reporters.drawing import Drawing, Item, Measure
    from evisynth_reporters.pooled_studies import Point as Study
    from evisynth_reporters.words import Words

RADIUS = 3.0
PALE = 0.25
BAND = 1.959963984540054
"""Standardised effects of 95 % of the studies lie so far from the line."""
CLEAR = 12.0
"""Between the arc and the study that is nearest to it."""
BEYOND = 1.03
"""How far lines go, of the largest precision."""


@attrs.frozen(kw_only=True)
class RadialSpec(ChartSpec):
    """Hold the options of a radial plot."""

    figure: ClassVar[str] = "radial"

    band: float = attrs.field(default=BAND, validator=number_between(0.1, 10.0))
    """Half the height of the band about the line, in standard errors."""
    labels: str = attrs.field(default="outliers", validator=one_of("none", "outliers", "all"))
    """Which studies are named: those outside the band, all that there is room for, or none."""


def radial(analysis: MetaAnalysis, spec: RadialSpec, measure: Measure, *, whole: MetaAnalysis | None = None) -> Drawing:
    """Draw y/√(v + τ²) against 1/√(v + τ²), the pooled effect as a slope, and an arc of effects at the right."""
    words, title = words_of(spec.language), printed.one_line(spec.title)
    found = radial_points(analysis)
    studies = points_of(analysis, whole)
    if found.slope is None or analysis.fit is None or not studies:
        why = printed.one_line(found.reason or analysis.reason or words("no study has an effect"))
        return notice(words("There is no radial plot to draw: {why}.", why=why), measure, width=spec.width, title=title)
    return _Radial(analysis, whole or analysis, studies, spec, measure, words).drawing(found.slope, title)


class _Radial:
    def __init__(
        self,
        analysis: MetaAnalysis,
        whole: MetaAnalysis,
        studies: Sequence[Study],
        spec: RadialSpec,
        measure: Measure,
        words: Words,
    ) -> None:
        self.analysis, self.whole, self.studies = analysis, whole, studies
        self.spec, self.measure, self.words = spec, measure, words
        self.palette = palette_of(spec.palette)
        self.places = self._places(analysis)
        self.framed = [*self.places, *self._places(whole)]
        self.farthest = max(x for x, _ in self.framed)

    def _places(self, analysis: MetaAnalysis) -> list[tuple[float, float]]:
        """Place the studies by the τ² of an analysis."""
        tau2 = 0.0 if analysis.fit is None else float(analysis.fit.tau2)
        roots = [math.hypot(study.se, math.sqrt(tau2)) for study in self.studies]
        return [(1.0 / root, study.effect / root) for study, root in zip(self.studies, roots, strict=True)]

    def drawing(self, slope: float, title: str) -> Drawing:
        spec, words = self.spec, self.words
        arc = Arc(self.whole, [study.effect for study in self.studies], self.measure)
        box = self._box(arc)
        lines = self._lines(box, slope)
        studies, keys = self._studies(box)
        items: list[Item] = [*box.horizontal(0.0, colour="#9a9a9a", width=0.6), *lines, *studies]
        drawn = arc.drawn(box, self.analysis, self.palette.pooled, spec.width)
        items += [*self._names(box, [*lines, *drawn]), *axes(box, self.measure, frame=False), *drawn]
        level = printed.level(self.analysis.settings.level)
        keys += [
            line_key(words("Pooled effect"), self.palette.pooled, width=1.0),
            line_key(words("±{z} about it", z=f"{spec.band:.2f}"), "#000000", dash=(4.0, 2.5), width=0.8),
            line_key(words("{level} confidence interval", level=level), self.palette.pooled, width=3.0),
        ]
        description = words("Radial plot of {k} studies.", k=len(self.studies))
        return sheet(
            items, self.measure, width=spec.width, bottom=spec.height, title=title, keys=keys, description=description,
        )  # fmt: skip

    def _box(self, arc: Arc) -> Box:
        """Take axes from 0, their units so that the arc, a circle about the origin on paper, clears every study."""
        spec, words, far = self.spec, self.words, self.farthest
        ends = [model.pooled.value * far for model in (self.analysis.model, self.whole.model) if model.pooled]
        held = [*(z for _, z in self.framed), *ends, -spec.band, spec.band]
        low, high = min(held), max(held)
        room = 0.08 * (high - low)
        random = self.analysis.settings.model == "random"
        over = words("Precision (1/√(v + τ²))") if random else words("Precision (1/SE)")
        up = Axis(low - room, high + room, words("Standardised effect"))
        rough = chart_box(
            Axis(0.0, far, over), up, self.measure, width=spec.width - arc.room, height=spec.height
        )  # fmt: skip
        per_z = rough.height / (up.high - up.low)
        reach = rough.width - CLEAR
        per_x = min(
            # A study that is higher than the arc is wide cannot be cleared, and is kept to the left.
            math.sqrt(max(reach**2 - (per_z * z) ** 2, (0.3 * reach) ** 2)) / x
            for x, z in self.framed
        )
        end = rough.width / per_x
        marks = tuple(tick for tick in linear_ticks(0.0, end) if tick <= far)
        return attrs.evolve(rough, x=Axis(0.0, end, over, given_ticks=marks))

    def _lines(self, box: Box, slope: float) -> list[Item]:
        end = min(BEYOND * self.farthest, box.x.high)
        made = box.curve([0.0, end], [0.0, slope * end], colour=self.palette.pooled, width=1.0)
        for shift in (self.spec.band, -self.spec.band):
            made += box.curve([0.0, end], [shift, slope * end + shift], dash=(4.0, 2.5), width=0.8)
        return made

    def _studies(self, box: Box) -> tuple[list[Item], list[Key]]:
        groups = list(dict.fromkeys(study.subgroup for study in self.studies if study.subgroup is not None))
        colours: dict[str | None, str] = {}
        keys: list[Key] = []
        if self.whole.subgroups and len(groups) > 1:
            series = self.palette.series
            colours = {group: series[i % len(series)] for i, group in enumerate(groups)}
            keys = [point_key(printed.one_line(group), colours[group]) for group in groups]
        made: list[Item] = []
        for study, place in zip(self.studies, self.places, strict=True):
            colour = colours.get(study.subgroup, self.palette.study)
            disc = Disc(box.at(*place), RADIUS, colour, "#ffffff", 0.5, PALE if study.pale else 1.0)
            made.append(Group((disc,), study_tip(self.whole, study.row, self.words), study.row))
        return made, keys

    def _names(self, box: Box, lines: list[Item]) -> list[Item]:
        if self.spec.labels == "none" or self.whole.pooled is None:
            return []
        # By the analysis of all studies, so that the names stay when one is left out.
        slope = self.whole.pooled.value
        off = [abs(z - slope * x) for x, z in self._places(self.whole)]
        order = sorted(range(len(off)), key=lambda i: -off[i])
        if self.spec.labels == "outliers":
            order = [i for i in order if off[i] > self.spec.band]
        at = [box.at(*place) for place in self.places]
        names = [(legible(printed.one_line(self.studies[i].name)), at[i]) for i in order]
        inside = attrs.evolve(box, width=box.width - CLEAR - TICK)
        return list(placed_labels(names, [(one, RADIUS) for one in at], inside, self.measure, lines=lines))


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the radial plot."""
    return [
        figure(
            RadialSpec,
            radial,
            reference="Galbraith (1988), Technometrics 30:271-281",
            leaves_out=True,
            r_equivalent="metafor::radial(res)",
            also=("Galbraith",),
        )
    ]
