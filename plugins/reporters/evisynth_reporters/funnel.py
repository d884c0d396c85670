"""Draw a funnel plot: effects against their precision, with the region where studies of one effect belong."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import attrs

from evisynth import MetaAnalysis, Reporter, bias, each_between, hookimpl, normal_quantile, one_of
from evisynth_reporters import printed
from evisynth_reporters.chart import axes, chart_box, line_key, notice, point_key, sheet
from evisynth_reporters.chart_spec import ChartSpec
from evisynth_reporters.drawing import Disc, Group
from evisynth_reporters.effect_axis import effect_axis
from evisynth_reporters.figure import figure
from evisynth_reporters.funnel_heights import HEIGHTS
from evisynth_reporters.funnel_regions import confidence_region, significance_contours
from evisynth_reporters.label_placing import legible, placed_labels
from evisynth_reporters.palettes import palette_of
from evisynth_reporters.pooled_studies import points_of
from evisynth_reporters.study_tips import study_tip
from evisynth_reporters.turned_box import TurnedBox
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth import BiasResult, Model
    from evisynth_reporters.chart import Box, Key
    from evisynth_reporters.drawing import Drawing, Item, Measure
    from evisynth_reporters.palettes import Palette
    from evisynth_reporters.pooled_studies import Point
    from evisynth_reporters.words import Words

RADIUS = 3.0
PALE = 0.25
FAR_OUT = 1.959963984540054
WIDER = 0.4
"""Share of the effects' range by which the foot of the funnel may widen the axis at either side."""


@attrs.frozen(kw_only=True)
class FunnelSpec(ChartSpec):
    """Hold the options of a funnel plot."""

    figure: ClassVar[str] = "funnel"

    y_axis: str = attrs.field(default="se", validator=one_of(*HEIGHTS))
    """``se``, ``variance``, ``precision`` (1/SE), ``inverse variance``, ``n``, ``root n``, ``1/n`` or ``1/root n``."""
    swapped: bool = False
    """Whether effects run up the page, and precision across it, best at the right."""
    model: str = attrs.field(default="asked for", validator=one_of("asked for", "common", "random"))
    """Whose pooled effect stands in the middle."""
    levels: tuple[float, ...] = attrs.field(default=(0.95,), validator=each_between(1e-6, 1.0 - 1e-12))
    """Levels of the region that studies belong to if they share one effect."""
    contours: bool = False
    """Whether regions of significance about no effect are shaded."""
    adjustment: str | None = None
    """Method whose filled studies and adjusted effect are shown, such as ``"trim-and-fill"``."""
    regression: bool = False
    """Whether Egger's regression line is drawn; on the axes of the SE, variance and precision."""
    labels: str = attrs.field(default="outliers", validator=one_of("none", "outliers", "all"))
    """Which studies are named: those outside the region of 95 %, all that there is room for, or none."""


def funnel(analysis: MetaAnalysis, spec: FunnelSpec, measure: Measure, *, whole: MetaAnalysis | None = None) -> Drawing:
    """Draw each study's effect against its precision, and the funnel that chance alone would fill."""
    return _Funnel(analysis, spec, measure, whole or analysis).drawing()


class _Funnel:
    def __init__(self, analysis: MetaAnalysis, spec: FunnelSpec, measure: Measure, whole: MetaAnalysis) -> None:
        self.analysis, self.spec, self.measure, self.whole = analysis, spec, measure, whole
        self.words: Words = words_of(spec.language)
        self.palette: Palette = palette_of(spec.palette)
        self.height = HEIGHTS[spec.y_axis]
        self.points = points_of(analysis, whole)
        self.model: Model = analysis.model if spec.model == "asked for" else analysis.models[spec.model]
        self.keys: list[Key] = []

    def drawing(self) -> Drawing:
        spec, words = self.spec, self.words
        title = printed.one_line(spec.title)
        known = [point for point in self.points if not self.height.of_size or point.n]
        if not known:
            why = words("no study has an effect with a standard error")
            if self.points:
                why = words("no study says how many participants it has")
            text = words("There is no funnel to draw: {why}.", why=why)
            return notice(text, self.measure, width=spec.width, title=title)
        real = self.box(known)
        box = TurnedBox(real) if spec.swapped else real
        items: list[Item] = []
        if spec.contours and not self.height.of_size:
            shades, keys = significance_contours(box, self.height, self.analysis, self.palette, words)
            items += shades
            self.keys += keys
        lines = [*self.region(box), *self.pooled(box)]
        items += lines
        studies = self.studies(box, known)
        items += [*self.filled(box), *studies, *self.names(box, real, known, lines), *axes(real, self.measure)]
        description = words(
            "Funnel plot of {k} studies: {effect} against {height}.",
            k=len(known), effect=printed.one_line(self.analysis.label), height=words(self.height.title),
        )  # fmt: skip
        return sheet(
            items, self.measure, width=spec.width, bottom=spec.height, title=title, keys=self.keys,
            notes=self.notes(known), description=description,
        )  # fmt: skip

    def box(self, known: Sequence[Point]) -> Box:
        """Take axes that hold the studies, those filled in, and the foot of the funnel."""
        model = self.whole.model if self.spec.model == "asked for" else self.whole.models[self.spec.model]
        added = self.added
        ses = [*(point.se for point in known), *(math.sqrt(v) for _, v in added)]
        effects = [*(point.effect for point in known), *(y for y, _ in added)]
        if model.pooled is not None and not self.height.of_size:
            reach = max(map(normal_quantile, self.spec.levels), default=0.0) * max(ses)
            # A wide foot is cut off, where the studies would be crowded within it.
            low, high = min(*effects, model.pooled.value), max(*effects, model.pooled.value)
            room = WIDER * (high - low) if high > low else math.inf
            effects += [max(model.pooled.value - reach, low - room), min(model.pooled.value + reach, high + room)]
        y = self.height.axis([self.height.of(point.se, point.n) for point in known], ses, self.words)
        x = effect_axis(self.analysis, effects, self.words)
        if self.spec.swapped:
            x, y = y, x
        return chart_box(
            x,
            y,
            self.measure,
            width=self.spec.width,
            height=self.spec.height,
        )

    @property
    def added(self) -> tuple[tuple[float, float], ...]:
        """Effects that the adjustment fills in; it knows no sizes."""
        return () if self.adjusted is None or self.height.of_size else self.adjusted.added

    @cached_property
    def adjusted(self) -> BiasResult | None:
        """What the adjustment comes to."""
        return None if self.spec.adjustment is None else bias(self.analysis, self.spec.adjustment)

    def region(self, box: Box | TurnedBox) -> list[Item]:
        if self.model.pooled is None or self.height.of_size:
            return []
        made: list[Item] = []
        for i, level in enumerate(sorted(self.spec.levels)):
            dash = ((4.0, 2.5), (2.0, 2.0), (1.0, 1.5))[min(i, 2)]
            made += confidence_region(box, self.height, self.model.pooled.value, normal_quantile(level), dash)
            text = self.words("{level} pseudo confidence limits", level=printed.level(level))
            self.keys.append(line_key(text, "#000000", dash=dash, width=0.8))
        return made

    def pooled(self, box: Box | TurnedBox) -> list[Item]:
        made: list[Item] = []
        null = self.analysis.scale.null
        if null is not None:
            made += box.vertical(null, colour="#9a9a9a", width=0.7)
        if self.model.pooled is not None:
            made += box.vertical(self.model.pooled.value, colour=self.palette.pooled, width=1.0)
            self.keys.append(line_key(self.words("Pooled effect"), self.palette.pooled, width=1.0))
        if self.spec.adjustment is not None:
            after = None if self.adjusted is None else self.adjusted.after
            if after is not None:
                made += box.vertical(after.value, colour=self.palette.added, width=1.0, dash=(5.0, 2.5))
                text = self.words("Adjusted effect ({method})", method=self.spec.adjustment)
                self.keys.append(line_key(text, self.palette.added, dash=(5.0, 2.5)))
        return made + self.regression(box)

    def regression(self, box: Box | TurnedBox) -> list[Item]:
        """Draw the line that Egger's regression takes effects to lie on: limit + slope · SE."""
        if not self.spec.regression or self.height.of_size:
            return []
        found = bias(self.analysis, "Egger")
        if found.limit is None or found.asymmetry is None:
            return []
        low, high = box.y.low, box.y.high
        heights = [low + (high - low) * i / 200 for i in range(201)]
        ses = [self.height.se_at(height) for height in heights]
        effects = [found.limit.value + found.asymmetry.value * se for se in ses]
        self.keys.append(line_key(self.words("Egger's regression line"), self.palette.second, width=1.2))
        return box.curve(effects, heights, colour=self.palette.second)

    def studies(self, box: Box | TurnedBox, known: Sequence[Point]) -> list[Item]:
        groups = list(dict.fromkeys(point.subgroup for point in known if point.subgroup is not None))
        shown = self.analysis.subgroups and len(groups) > 1
        colours = {
            group: self.palette.series[i % len(self.palette.series)] if shown else self.palette.study
            for i, group in enumerate(groups)
        }
        if shown:
            self.keys += [point_key(printed.one_line(group), colours[group]) for group in groups]
        made: list[Item] = []
        for point in known:
            colour = self.palette.study if point.subgroup is None else colours[point.subgroup]
            at = box.at(point.effect, self.height.of(point.se, point.n))
            disc = Disc(at, RADIUS, colour, "#ffffff", 0.5, PALE if point.pale else 1.0)
            made.append(Group((disc,), study_tip(self.whole, point.row, self.words), point.row))
        return made

    def filled(self, box: Box | TurnedBox) -> list[Item]:
        added = self.added
        if self.spec.adjustment is None:
            return []
        if added:
            text = self.words("Filled in by {method}", method=self.spec.adjustment)
            self.keys.append(point_key(text, "#ffffff", edge=self.palette.added))
        return [Disc(at, RADIUS, "#ffffff", self.palette.added, 1.0) for at in self.filled_places(box)]

    def filled_places(self, box: Box | TurnedBox) -> list[tuple[float, float]]:
        return [box.at(y, self.height.of(math.sqrt(v), None)) for y, v in self.added]

    def names(self, box: Box | TurnedBox, real: Box, known: Sequence[Point], lines: list[Item]) -> list[Item]:
        if self.spec.labels == "none":
            return []
        pooled = self.whole.model.pooled
        centre = 0.0 if pooled is None else pooled.value
        ranked = sorted(known, key=lambda point: -abs(point.effect - centre) / point.se)
        if self.spec.labels == "outliers":
            ranked = [point for point in ranked if abs(point.effect - centre) > FAR_OUT * point.se]
        places = [(box.at(point.effect, self.height.of(point.se, point.n)), RADIUS) for point in known]
        at = dict(zip((point.row for point in known), places, strict=True))
        named = [(legible(printed.one_line(point.name)), at[point.row][0]) for point in ranked]
        blocked = [*places, *((at, RADIUS) for at in self.filled_places(box))]
        return list(placed_labels(named, blocked, real, self.measure, lines=lines))

    def notes(self, known: Sequence[Point]) -> list[str]:
        made: list[str] = []
        absent = len(self.points) - len(known)
        if absent:
            made.append(self.words("{k} studies do not say how many participants they have.", k=absent))
        found = self.adjusted
        if found is not None:
            if found.after is not None:
                scale, after = self.analysis.scale, found.after
                shown = scale.show(after.value), *scale.show_limits(after.ci_low, after.ci_high)
                effect = printed.effect(*shown, printed.style_of(self.analysis))
                made.append(
                    self.words(
                        "{method}: {k} filled in, adjusted effect {effect}.",
                        method=found.name,
                        k=len(found.added),
                        effect=effect,
                    )
                )
            made += [f"{found.name}: {printed.one_line(text)}" for text in (found.reason, *found.warnings) if text]
        return made


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the funnel plot."""
    return [
        figure(
            FunnelSpec,
            funnel,
            reference=(
                "Sterne & Egger (2001), J. Clin. Epidemiol. 54:1046-1055; contours: Peters et al. (2008), "
                "J. Clin. Epidemiol. 61:991-996"
            ),
            leaves_out=True,
            r_equivalent="metafor::funnel(res)",
        )
    ]
