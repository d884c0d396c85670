"""Report as a radial plot (Galbraith plot): standardised effects against precision, with an arc of effects."""

from __future__ import annotations

import itertools
import math
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import attrs

from evisynth import FigureSpec, MetaAnalysis, Reporter, hookimpl, number_between, one_of, radial
from evisynth_reporters import printed
from evisynth_reporters.chart import MARGIN, PITCH, TICK, TICK_GAP, Axis, Box, Key, axes, chart_box, line_key
from evisynth_reporters.chart_sheet import made_sheet, upright_title
from evisynth_reporters.chart_studies import POINT, ChartStudy, chart_studies, group_keys, look_of, looks, study_mark
from evisynth_reporters.drawing import TEXT_SIZE, Curve, Label, Line
from evisynth_reporters.effect_axis import effect_ticks
from evisynth_reporters.figure import figure
from evisynth_reporters.label_placing import Named, along, place_names, rectangle_of
from evisynth_reporters.palettes import GRID, MUTED, palette_of
from evisynth_reporters.ticks import linear_ticks
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from evisynth_reporters.drawing import Drawing, Item, Measure
    from evisynth_reporters.words import Words

CLEAR = 12.0
"""Between the farthest study and the arc."""
LINE_PITCH = 10.0
STEPS = 60


@attrs.frozen(kw_only=True)
class RadialSpec(FigureSpec):
    """Hold the options of a radial plot."""

    figure: ClassVar[str] = "radial"

    centred: bool = False
    """Whether effects are taken from the pooled effect, whose line is then level."""
    band: float = attrs.field(default=2.0, validator=number_between(0.5, 5.0))
    """Half the height of the band about the line, in standard errors."""
    labels: str = attrs.field(default="outliers", validator=one_of("none", "outliers", "all"))
    """Which studies are named, where there is room: those outside the band, or all."""
    subgroups: bool = True
    """Whether subgroups of the analysis have colours of their own."""
    width: float = attrs.field(default=430.0, validator=number_between(200.0, 2000.0))
    """Width of the sheet in points."""
    height: float = attrs.field(default=330.0, validator=number_between(150.0, 2000.0))
    """Height in points of the chart, legend and notes aside."""


@attrs.frozen(eq=False, slots=False)  # a plain dictionary serves cached properties
class RadialData:
    """Hold the points of a radial plot: precision across, ``z`` up; the effect is the slope from the origin."""

    studies: tuple[ChartStudy, ...]
    places: tuple[tuple[float, float], ...]
    slope: float | None
    """The pooled effect, from which ``origin`` is taken."""
    limits: tuple[float, float] | None
    origin: float
    tau2: float

    def outside(self, band: float) -> list[int]:
        """Places of the studies outside the band, the farthest first."""
        if self.slope is None:
            return []
        off = [abs(z - self.slope * x) for x, z in self.places]
        far = [i for i, distance in enumerate(off) if distance > band and not self.studies[i].left_out]
        return sorted(far, key=lambda i: (-off[i], i))


def radial_data(analysis: MetaAnalysis, words: Words, whole: MetaAnalysis | None, *, centred: bool) -> RadialData:
    """Take the points and the line of `evisynth.radial`; a study that is left out is placed by the same τ²."""
    found = radial(analysis)
    fit = analysis.fit
    tau2 = 0.0 if fit is None else float(fit.tau2)
    origin = found.slope if centred and found.slope is not None else 0.0
    studies = () if fit is None else chart_studies(analysis, words, whole)
    roots = [math.sqrt(study.v + tau2) for study in studies]
    places = tuple((1.0 / root, (study.y - origin) / root) for study, root in zip(studies, roots, strict=True))
    limits = None
    if found.slope is not None and found.slope_low is not None and found.slope_high is not None:
        limits = found.slope_low - origin, found.slope_high - origin
    slope = None if found.slope is None else found.slope - origin
    return RadialData(studies, places, slope, limits, origin, tau2)


def radial_plot(
    analysis: MetaAnalysis, spec: RadialSpec, measure: Measure, *, whole: MetaAnalysis | None = None
) -> Drawing:
    """Draw standardised effects against precision, the line of the pooled effect, a band and an arc of effects."""
    words = words_of(spec.language)
    data = radial_data(analysis, words, whole, centred=spec.centred)
    if not data.studies:
        why = words(analysis.reason or "no study has an effect")
        return made_sheet(spec, measure, reason=words("There is no study to show: {reason}.", reason=why))
    framed = data if whole is None else radial_data(whole, words, None, centred=spec.centred)
    layers = RadialLayers(data, framed, analysis, spec, words, measure)
    notes = [] if data.slope is not None else [words("No line: {reason}.", reason=words(analysis.reason or ""))]
    outside = len(data.outside(spec.band))
    said = words("Radial plot (k = {k}): standardised effect against precision.", k=len(data.studies))
    if data.slope is not None:
        said += " " + words("Studies outside the band: {k}.", k=outside)
    return made_sheet(spec, measure, items=layers.items, keys=layers.keys, notes=notes, description=said)


@attrs.frozen(eq=False, slots=False)  # as above
class RadialLayers:
    """Draw the points of a radial plot within the frame of the analysis of all studies."""

    data: RadialData
    framed: RadialData
    analysis: MetaAnalysis
    spec: RadialSpec
    words: Words
    measure: Measure

    # -- where things are ---------------------------------------------------------------------------------------------

    @cached_property
    def _farthest(self) -> float:
        """Largest precision."""
        return max(x for x, _ in (*self.framed.places, *self.data.places))

    @cached_property
    def _room(self) -> float:
        """Width of the numbers beside the arc and of its title."""
        scale = self.analysis.scale
        texts = effect_ticks(scale, *self._effects, 7)
        return max((self.measure(text) for _, text in texts), default=0.0) + 3 * TICK_GAP + TICK + PITCH + 4.0

    @cached_property
    def _effects(self) -> tuple[float, float]:
        """Range of the effects, which the arc covers as far as there is room."""
        ys = [study.y for study in self.framed.studies]
        limits = self.framed.limits or ()
        held = [*ys, *(self.framed.origin + limit for limit in limits if math.isfinite(limit))]
        low, high = min(held), max(held)
        return (low, high) if high > low else (low - 0.5 * (abs(low) or 1.0), high + 0.5 * (abs(high) or 1.0))

    @cached_property
    def box(self) -> Box:
        """The axes, scaled so that the arc, a circle about the origin on paper, clears every study."""
        spec, band = self.spec, self.spec.band
        zs = [z for _, z in (*self.framed.places, *self.data.places)]
        slopes = [slope for slope in (self.framed.slope, *(self.framed.limits or ())) if slope is not None]
        ends = [slope * self._farthest for slope in slopes if math.isfinite(slope)]
        low, high = min(*zs, *ends, -band, 0.0), max(*zs, *ends, band, 0.0)
        room = 0.08 * (high - low)
        title = "1/√(v + τ²)" if self.data.tau2 > 0 or self.analysis.settings.model == "random" else "1/SE"
        up_title = self.words("Standardised effect (z)")
        if spec.centred:
            up_title = self.words("Standardised difference from the pooled effect (z)")
        up = Axis(low - room, high + room, upright_title(up_title, spec.height, self.measure))
        across = Axis(0.0, 1.0, f"{self.words('Precision')}, {title}")
        rough = chart_box(across, up, self.measure, width=spec.width - self._room, height=spec.height)
        up_unit = rough.height / (up.high - up.low)
        reach = rough.width - CLEAR
        unit = min(
            math.sqrt(max(reach**2 - (up_unit * z) ** 2, (0.3 * reach) ** 2)) / x
            for x, z in (*self.framed.places, *self.data.places)
        )
        far = rough.width / unit
        marks = tuple(tick for tick in linear_ticks(0.0, far, 6) if tick <= 1.08 * self._farthest)
        return attrs.evolve(rough, x=attrs.evolve(across, high=far, given_ticks=marks))

    @cached_property
    def _units(self) -> tuple[float, float]:
        """Points of a unit of precision, and of z."""
        return self.box.width / self.box.x.high, self.box.height / (self.box.y.high - self.box.y.low)

    def _on_arc(self, effect: float, beyond: float = 0.0) -> tuple[float, float]:
        across, up = self._units
        angle = math.atan2(up * (effect - self.framed.origin), across)
        x, y = self.box.at(0.0, 0.0)
        radius = self.box.width + beyond
        return x + radius * math.cos(angle), y - radius * math.sin(angle)

    @cached_property
    def _arc(self) -> tuple[float, float]:
        """Effects at the ends of the arc that is within the height of the chart."""
        across, up = self._units
        radius, middle = self.box.width, self.box.at_y(0.0)
        steepest = [
            math.tan(math.asin(max(min(share, 0.999), -0.999))) * across / up + self.framed.origin
            for share in ((middle - self.box.bottom) / radius, (middle - self.box.top) / radius)
        ]
        return max(self._effects[0], steepest[0]), min(self._effects[1], steepest[1])

    # -- layers -------------------------------------------------------------------------------------------------------

    @property
    def items(self) -> list[Item]:
        """All that is drawn."""
        lines = self._lines
        return [*lines, *axes(self.box, self.measure, frame=False), *self._scale, *self._studies, *self._names(lines)]

    @property
    def _lines(self) -> list[Item]:
        box, data = self.box, self.data
        made = box.horizontal(0.0, colour=GRID)
        if data.slope is None:
            return made
        colours, end = palette_of(self.spec.palette), min(1.03 * self._farthest, box.x.high)
        for off in (-self.spec.band, self.spec.band):
            made += box.curve([0.0, end], [off, data.slope * end + off], colour=MUTED, width=0.9, dash=(4.0, 3.0))
        return made + box.curve([0.0, end], [0.0, data.slope * end], colour=colours.pooled, width=1.1)

    @property
    def _scale(self) -> list[Item]:
        low, high = self._arc
        if not low < high:
            return []
        along_arc = [self._on_arc(low + (high - low) * i / STEPS) for i in range(STEPS + 1)]
        made: list[Item] = [Curve(tuple(along_arc), 0.8)]
        ticks = self._ticks(low, high)
        # Half of a number stands below its tick: none may reach the axis of precision.
        lowest = self.box.bottom - 0.6 * TEXT_SIZE
        for effect, text in ticks:
            if self._on_arc(effect)[1] > lowest:
                continue
            x, y = self._on_arc(effect, TICK + TICK_GAP)
            made += [Line(self._on_arc(effect), self._on_arc(effect, TICK)), Label(text, x, y + 0.36 * TEXT_SIZE)]
        if self.data.limits is not None and all(map(math.isfinite, self.data.limits)):
            one, other = (min(max(limit + self.data.origin, low), high) for limit in self.data.limits)
            bar = [self._on_arc(one + (other - one) * i / STEPS) for i in range(STEPS + 1)]
            made.append(Curve(tuple(bar), 3.0, palette_of(self.spec.palette).pooled))
        title = upright_title(printed.one_line(self.analysis.label), self.spec.height, self.measure)
        x = self.spec.width - MARGIN
        made.append(Label(title, x, self.box.top + self.box.height / 2, "center", upright=True))
        return made

    def _ticks(self, low: float, high: float) -> list[tuple[float, str]]:
        """Choose as many ticks as have room above each other."""
        for most in (7, 6, 5, 4, 3):
            found = effect_ticks(self.analysis.scale, low, high, most)
            if self._apart(found):
                return found
        return effect_ticks(self.analysis.scale, low, high, 3)[:1]

    def _apart(self, ticks: list[tuple[float, str]]) -> bool:
        heights = [self._on_arc(effect)[1] for effect, _ in ticks]
        return bool(ticks) and all(abs(one - other) >= LINE_PITCH for one, other in itertools.pairwise(heights))

    @property
    def _centres(self) -> list[tuple[float, float]]:
        return [self.box.at(x, z) for x, z in self.data.places]

    @property
    def _studies(self) -> list[Item]:
        chosen = looks(self.data.studies, palette_of(self.spec.palette), grouped=self._grouped)
        pairs = zip(self.data.studies, self._centres, strict=True)
        return [study_mark(study, centre, look_of(study, chosen)) for study, centre in pairs]

    @property
    def _grouped(self) -> bool:
        return self.spec.subgroups and bool(self.analysis.subgroups)

    def _names(self, lines: list[Item]) -> list[Item]:
        if self.spec.labels == "none":
            return []
        order = self.data.outside(self.spec.band)
        if self.spec.labels == "all":
            order += [i for i in range(len(self.data.studies)) if i not in order]
        centres = self._centres
        wanted = [Named(self.data.studies[i].name, centres[i], POINT) for i in order]
        marks = [(centre, POINT) for centre in centres]
        inside = attrs.evolve(rectangle_of(self.box), right=self.box.right - CLEAR)
        return list(place_names(wanted, self.measure, inside, marks, along(lines)))

    @property
    def keys(self) -> list[Key]:
        """What the lines and the colours mean."""
        colours = palette_of(self.spec.palette)
        made = group_keys(self.data.studies, colours, self.words, grouped=self._grouped)
        if self.data.slope is not None:
            level = printed.level(self.analysis.settings.level)
            made += [
                line_key(self.words("Pooled effect"), colours.pooled),
                line_key(self.words("± {band} standard errors", band=f"{self.spec.band:g}"), MUTED, dash=(4.0, 3.0)),
                line_key(self.words("{level} confidence interval", level=level), colours.pooled, width=3.0),
            ]
        return made


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the radial plot."""
    return [
        figure(
            RadialSpec,
            radial_plot,
            reference="Galbraith (1988), Technometrics 30:271-281",
            leaves_out=True,
            r_equivalent="metafor::radial(res)",
            also=("Galbraith",),
        )
    ]
