"""Report as a L'Abbé plot: event proportions of the treated against those of the controls."""

from __future__ import annotations

import itertools
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import attrs
import numpy as np

from evisynth import FigureSpec, MetaAnalysis, Reporter, hookimpl, number_between, one_of
from evisynth_reporters import printed
from evisynth_reporters.chart import Box, Key, axes, chart_box, line_key
from evisynth_reporters.chart_sheet import made_sheet, upright_title
from evisynth_reporters.chart_studies import (
    ChartStudy,
    chart_studies,
    circle_radius,
    group_keys,
    heaviest_first,
    look_of,
    looks,
    study_mark,
)
from evisynth_reporters.event_risks import CURVES, RISK_SCALES, events_by_row
from evisynth_reporters.figure import figure
from evisynth_reporters.label_placing import Named, along, place_names, rectangle_of, shortened
from evisynth_reporters.palettes import MUTED, palette_of
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth_reporters.drawing import Drawing, Item, Measure
    from evisynth_reporters.event_risks import Events, RiskScale
    from evisynth_reporters.words import Words

STEPS = 121


@attrs.frozen(kw_only=True)
class LabbeSpec(FigureSpec):
    """Hold the options of a L'Abbé plot."""

    figure: ClassVar[str] = "labbe"

    scale: str = attrs.field(default="risk", validator=one_of(*RISK_SCALES))
    """What is shown of each arm: its proportion of events, that on a logarithmic axis, or its odds on one."""
    size: str = attrs.field(default="weight", validator=one_of("weight", "n", "equal"))
    """What the area of a study's circle stands for: its weight, its participants, or nothing."""
    group_1: str | None = None
    """Name of the first arm, else the settings' own."""
    group_2: str | None = None
    labels: str = attrs.field(default="none", validator=one_of("none", "all"))
    """Whether studies are named, the heaviest first, where there is room."""
    subgroups: bool = True
    """Whether subgroups of the analysis have colours of their own."""
    width: float = attrs.field(default=360.0, validator=number_between(200.0, 2000.0))
    """Width of the sheet in points; the chart is a square."""

    @property
    def height(self) -> float:
        """Height of the chart, before it is made a square."""
        return self.width


def labbe(analysis: MetaAnalysis, spec: LabbeSpec, measure: Measure, *, whole: MetaAnalysis | None = None) -> Drawing:
    """Draw each study as a circle at its two proportions, with the line of no effect and that of the pooled effect."""
    words = words_of(spec.language)
    events = events_by_row(whole or analysis)
    studies = [study for study in chart_studies(analysis, words, whole) if study.row in events]
    if not studies:
        return made_sheet(spec, measure, reason=_nothing(analysis, words))
    layers = LabbeLayers(tuple(studies), events, analysis, spec, words, measure)
    said = words(
        "L'Abbé plot (k = {k}): {scale} of {group_1} against {group_2}.",
        k=len(studies),
        scale=layers.scale_name,
        group_1=layers.arms[0],
        group_2=layers.arms[1],
    )
    return made_sheet(
        spec,
        measure,
        items=layers.items,
        keys=layers.keys,
        notes=layers.notes,
        description=said,
        bottom=layers.bottom,
    )


def _nothing(analysis: MetaAnalysis, words: Words) -> str:
    if analysis.effect_rows:
        return words("A L'Abbé plot shows events of two arms, which these studies do not have.")
    why = words(analysis.reason or "no study has an effect")
    return words("There is no study to show: {reason}.", reason=why)


@attrs.frozen(eq=False, slots=False)  # a plain dictionary serves cached properties
class LabbeLayers:
    """Draw the circles of a L'Abbé plot and its two lines."""

    studies: tuple[ChartStudy, ...]
    events: Mapping[int, Events]
    analysis: MetaAnalysis
    spec: LabbeSpec
    words: Words
    measure: Measure

    @property
    def arms(self) -> tuple[str, str]:
        """Names of the arms."""
        one, other = printed.arm_names(self.analysis, self.spec.group_1, self.spec.group_2)
        return printed.one_line(self.words(one)), printed.one_line(self.words(other))

    @property
    def _scale(self) -> RiskScale:
        return RISK_SCALES[self.spec.scale]

    @property
    def scale_name(self) -> str:
        """What is shown of each arm."""
        return self.words(self._scale.title)

    @cached_property
    def _places(self) -> list[tuple[float, float]]:
        """Controls across, treated up."""
        made: list[tuple[float, float]] = []
        for arms in self._arms_of_studies:
            # A logarithm needs events and others in both arms: then half of one of each in all four cells.
            bare = self._scale.needs_events and any(not 0 < events < n for events, n in arms)
            one, other = ((events + 0.5) / (n + 1.0) if bare else events / n for events, n in arms)
            treated, controls = self._scale.of_risk(np.array([one, other])).tolist()
            made.append((controls, treated))
        return made

    @cached_property
    def _arms_of_studies(self) -> list[tuple[tuple[float, float], tuple[float, float]]]:
        return [self.events[study.row].arms for study in self.studies]

    @cached_property
    def box(self) -> Box:
        """A square with the same axis across and up."""
        axis = self._scale.axis(list(itertools.chain.from_iterable(self._places)))
        width = self.spec.width
        titles = [f"{self.scale_name} ({arm})" for arm in reversed(self.arms)]
        across = attrs.evolve(axis, title=shortened(titles[0], 0.8 * width, self.measure))
        up = attrs.evolve(axis, title=upright_title(titles[1], 0.75 * width, self.measure))
        rough = chart_box(across, up, self.measure, width=width, height=width)
        return attrs.evolve(rough, height=rough.width)

    @property
    def bottom(self) -> float:
        """Where the chart ends, titles included."""
        rough = chart_box(self.box.x, self.box.y, self.measure, width=self.spec.width, height=self.spec.width)
        return self.spec.width - rough.height + self.box.height

    @property
    def items(self) -> list[Item]:
        """All that is drawn."""
        lines = self._lines
        return [*lines, *axes(self.box, self.measure), *self._circles, *self._names(lines)]

    @property
    def _lines(self) -> list[Item]:
        low, high = self.box.x.low, self.box.x.high
        made = self.box.curve([low, high], [low, high], colour=MUTED, width=0.9, dash=(4.0, 3.0))
        pooled, curve = self.analysis.pooled, CURVES.get(self.analysis.effects.measure)
        if pooled is None or curve is None:
            return made
        numbers = np.geomspace(low, high, STEPS) if self.box.x.log else np.linspace(low, high, STEPS)
        risks = self._scale.risk_of(numbers)
        with np.errstate(all="ignore"):
            treated = self._scale.of_risk(curve(risks, pooled.value))
        # A pooled difference leads beyond what is a proportion: the line ends there.
        held = np.isfinite(treated)
        colour = palette_of(self.spec.palette).pooled
        return made + self.box.curve(numbers[held].tolist(), treated[held].tolist(), colour=colour, width=1.2)

    @cached_property
    def _radii(self) -> dict[int, float]:
        if self.spec.size == "n":
            sizes = {study.row: self.events[study.row].n for study in self.studies}
        elif self.spec.size == "weight":
            sizes = {study.row: study.weight for study in self.studies}
        else:
            return dict.fromkeys((study.row for study in self.studies), 4.0)
        largest = max(sizes.values()) or 1.0
        return {row: circle_radius(size / largest, len(sizes)) for row, size in sizes.items()}

    @property
    def _centres(self) -> dict[int, tuple[float, float]]:
        return {study.row: self.box.at(*place) for study, place in zip(self.studies, self._places, strict=True)}

    @property
    def _circles(self) -> list[Item]:
        chosen = {
            group: attrs.evolve(look, shape="circle")
            for group, look in looks(self.studies, palette_of(self.spec.palette), grouped=self._grouped).items()
        }
        centres, radii = self._centres, self._radii
        return [
            study_mark(study, centres[study.row], look_of(study, chosen), radii[study.row], opacity=0.75)
            for study in heaviest_first(self.studies)
        ]

    @property
    def _grouped(self) -> bool:
        return self.spec.subgroups and bool(self.analysis.subgroups)

    def _names(self, lines: list[Item]) -> list[Item]:
        if self.spec.labels == "none":
            return []
        centres, radii = self._centres, self._radii
        order = sorted(self.studies, key=lambda study: (study.v, study.row))
        wanted = [Named(study.name, centres[study.row], radii[study.row]) for study in order]
        marks = [(centres[row], radii[row]) for row in centres]
        return list(place_names(wanted, self.measure, rectangle_of(self.box), marks, along(lines)))

    @property
    def keys(self) -> list[Key]:
        """What the lines and the colours mean."""
        colours = palette_of(self.spec.palette)
        made = group_keys(self.studies, colours, self.words, grouped=self._grouped, shape="circle")
        made.append(line_key(self.words("No effect"), MUTED, dash=(4.0, 3.0)))
        if self.analysis.pooled is not None and self.analysis.effects.measure in CURVES:
            shown = self.analysis.display
            value = "" if shown is None else f" {printed.number(shown.value)}"
            made.append(line_key(f"{printed.one_line(self.analysis.label)}{value}", colours.pooled))
        return made

    @property
    def notes(self) -> list[str]:
        """What a reader should know."""
        made: list[str] = []
        words = self.words
        if self.analysis.pooled is None:
            made.append(words("No line: {reason}.", reason=words(self.analysis.reason or "")))
        elif self.analysis.effects.measure not in CURVES:
            made.append(words("No line: a pooled {effect} gives no risk for a risk.", effect=self.analysis.label))
        if self.spec.size == "weight":
            made.append(words("Areas are proportional to weights."))
        elif self.spec.size == "n":
            made.append(words("Areas are proportional to participants."))
        if self._scale.needs_events and any(not 0 < events < n for arms in self._arms_of_studies for events, n in arms):
            made.append(
                words("In studies with an arm of no events, or of events alone, 0.5 is added to all four cells.")
            )
        missing = len(self.analysis.studies) - sum(not study.left_out for study in self.studies)
        if missing > 0:
            made.append(words("Not pooled and not shown: {k}.", k=missing))
        return made


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
            also=("L'Abbé", "labbé"),
        )
    ]
