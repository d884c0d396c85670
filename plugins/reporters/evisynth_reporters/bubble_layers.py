"""Draw a bubble plot layer by layer: bands, line, circles, names."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth_reporters import printed
from evisynth_reporters.chart import Axis, Box, Key, area_key, axes, axis_over, chart_box, line_key
from evisynth_reporters.chart_sheet import upright_title
from evisynth_reporters.chart_studies import (
    ChartStudy,
    circle_radius,
    group_keys,
    heaviest_first,
    look_of,
    looks,
    study_mark,
)
from evisynth_reporters.drawing import Line
from evisynth_reporters.effect_axis import effect_axis, limits_of
from evisynth_reporters.label_placing import Named, along, place_names, rectangle_of, shortened
from evisynth_reporters.palettes import GRID, palette_of

if TYPE_CHECKING:
    from evisynth import FloatArray, MetaAnalysis
    from evisynth_reporters.bubble import BubbleSpec
    from evisynth_reporters.drawing import Item, Measure
    from evisynth_reporters.moderator_line import FittedLine, Moderator
    from evisynth_reporters.words import Words

STRIP = 0.3
"""Half the width of the strip of a factor's level, levels being 1 apart."""
SPREAD = 0.22
"""Half the width that the circles of a level are spread over."""
OUTLYING = 1.96


@attrs.frozen(eq=False, slots=False)  # a plain dictionary serves cached properties
class BubbleLayers:
    """Draw the studies of a meta-regression about its line."""

    studies: tuple[ChartStudy, ...]
    moderator: Moderator
    line: FittedLine | None
    analysis: MetaAnalysis
    spec: BubbleSpec
    words: Words
    measure: Measure

    @cached_property
    def _across(self) -> FloatArray:
        """Where studies are across the page; those of a level of a factor beside each other, in the table's order."""
        place = {row: i for i, row in enumerate(self.analysis.rows)}
        values = self.moderator.values[[place[study.row] for study in self.studies]]
        if not self.moderator.levels:
            return values
        made = values.copy()
        for level in range(len(self.moderator.levels)):
            own = np.nonzero(values == level)[0]
            if own.size > 1:
                made[own] += np.linspace(-SPREAD, SPREAD, own.size)
        return made

    @cached_property
    def box(self) -> Box:
        """Where the axes are."""
        spec, line = self.spec, self.line
        ys = [study.y for study in self.studies]
        if line is not None:
            low, high = min(ys), max(ys)
            room = 0.3 * (high - low) if high > low else math.inf
            held = [line.value]
            held += [line.ci_low, line.ci_high] if spec.confidence else []
            held += [line.prediction_low, line.prediction_high] if spec.prediction else []
            ends = [float(end) for values in held for end in values if math.isfinite(end)]
            # A band that widens without end at its ends does not flatten the studies.
            ys += [min(max(end, low - room), high + room) for end in ends]
        title = upright_title(printed.one_line(self.analysis.label), spec.height, self.measure)
        up = effect_axis(self.analysis.scale, *limits_of(ys, spare=0.07), title)
        return chart_box(self._across_axis, up, self.measure, width=spec.width, height=spec.height)

    @cached_property
    def _across_axis(self) -> Axis:
        name = shortened(printed.one_line(self.moderator.name), 0.8 * self.spec.width, self.measure)
        levels = self.moderator.levels
        if not levels:
            return axis_over(self._across.tolist(), name, spare=0.06)
        room = 0.85 * (self.spec.width - 60.0) / len(levels)
        labels = tuple(shortened(printed.one_line(level), room, self.measure) for level in levels)
        return Axis(-0.6, len(levels) - 0.4, name, given_ticks=tuple(map(float, range(len(levels)))), labels=labels)

    # -- layers -------------------------------------------------------------------------------------------------------

    @property
    def items(self) -> list[Item]:
        """All that is drawn."""
        lines = self._lines
        return [
            *self._bands,
            *self._null,
            *lines,
            *axes(self.box, self.measure),
            *self._circles,
            *self._names(lines),
        ]

    @property
    def _has_prediction(self) -> bool:
        return self.spec.prediction and self.line is not None and bool(np.isfinite(self.line.prediction_low).any())

    @property
    def _has_confidence(self) -> bool:
        return self.spec.confidence and self.line is not None and bool(np.isfinite(self.line.ci_low).any())

    @property
    def _bands(self) -> list[Item]:
        line, colours = self.line, palette_of(self.spec.palette)
        made: list[Item] = []
        if line is None:
            return made
        if self._has_prediction:
            made += self._band(line.prediction_low, line.prediction_high, colours.band, 0.45)
        if self._has_confidence:
            made += self._band(line.ci_low, line.ci_high, colours.band, 1.0)
        return made

    def _band(self, low: FloatArray, high: FloatArray, colour: str, opacity: float) -> list[Item]:
        assert self.line is not None  # noqa: S101 - asked for before
        at, axis = self.line.at, self.box.y
        known = np.isfinite(low) | np.isfinite(high)
        # An end without a limit lies beyond the chart, where the area is cut off.
        far = axis.high - axis.low
        low = np.clip(np.nan_to_num(low, nan=-np.inf), axis.low - far, axis.high + far)
        high = np.clip(np.nan_to_num(high, nan=np.inf), axis.low - far, axis.high + far)
        if self.moderator.levels:
            return [
                item
                for x, bottom, top, seen in zip(at, low, high, known, strict=True)
                if seen
                for item in self.box.area(
                    [(x - STRIP, bottom), (x + STRIP, bottom), (x + STRIP, top), (x - STRIP, top)],
                    colour=colour,
                    opacity=opacity,
                )
            ]
        if not known.all():
            at, low, high = at[known], low[known], high[known]
        pairs = [*zip(at, low, strict=True), *zip(at[::-1], high[::-1], strict=True)]
        return self.box.area(pairs, colour=colour, opacity=opacity)

    @property
    def _null(self) -> list[Item]:
        null = self.analysis.scale.null
        return [] if null is None else self.box.horizontal(null, colour=GRID)

    @property
    def _lines(self) -> list[Item]:
        line, colour = self.line, palette_of(self.spec.palette).pooled
        if line is None or not np.isfinite(line.value).any():
            return []
        if not self.moderator.levels:
            return self.box.curve(line.at.tolist(), line.value.tolist(), colour=colour, width=1.4)
        made: list[Item] = []
        for x, value in zip(line.at.tolist(), line.value.tolist(), strict=True):
            if self.box.holds(x, value):
                made.append(Line(self.box.at(x - STRIP, value), self.box.at(x + STRIP, value), 1.4, colour))
        return made

    @cached_property
    def _radii(self) -> list[float]:
        heaviest = max(study.weight for study in self.studies)
        if self.spec.size == "equal" or heaviest <= 0:
            return [4.0] * len(self.studies)
        return [circle_radius(study.weight / heaviest, len(self.studies)) for study in self.studies]

    @cached_property
    def _centres(self) -> list[tuple[float, float]]:
        return [self.box.at(x, study.y) for x, study in zip(self._across.tolist(), self.studies, strict=True)]

    @property
    def _circles(self) -> list[Item]:
        chosen = {
            group: attrs.evolve(look, shape="circle")
            for group, look in looks(self.studies, palette_of(self.spec.palette), grouped=self.spec.subgroups).items()
        }
        centres = {study.row: centre for study, centre in zip(self.studies, self._centres, strict=True)}
        radii = {study.row: radius for study, radius in zip(self.studies, self._radii, strict=True)}
        return [
            study_mark(study, centres[study.row], look_of(study, chosen), radii[study.row], opacity=0.75)
            for study in heaviest_first(self.studies)
        ]

    def _names(self, lines: list[Item]) -> list[Item]:
        if self.spec.labels == "none":
            return []
        off = self._distances
        order = sorted(range(len(self.studies)), key=lambda i: (-off[i], i))
        if self.spec.labels == "outliers":
            order = [i for i in order if off[i] > OUTLYING]
        wanted = [Named(self.studies[i].name, self._centres[i], self._radii[i]) for i in order]
        marks = list(zip(self._centres, self._radii, strict=True))
        return list(place_names(wanted, self.measure, rectangle_of(self.box), marks, along(lines)))

    @property
    def _distances(self) -> list[float]:
        """How far studies lie from what is fitted to them, in standard deviations of theirs."""
        regression = self.analysis.regression
        if self.line is None or regression is None:
            return [0.0] * len(self.studies)
        return [abs(float(value)) for value in regression.residuals("pearson")]

    # -- legend -------------------------------------------------------------------------------------------------------

    @property
    def keys(self) -> list[Key]:
        """What line and bands mean."""
        colours, words = palette_of(self.spec.palette), self.words
        made = group_keys(self.studies, colours, words, grouped=self.spec.subgroups, shape="circle")
        level = printed.level(self.analysis.settings.level)
        if self._lines:
            made.append(line_key(words("Mean effect"), colours.pooled))
        if self._has_confidence:
            made.append(area_key(words("{level} confidence interval", level=level), colours.band))
        if self._has_prediction:
            made.append(area_key(words("{level} prediction interval", level=level), colours.band, 0.45))
        return made

    @property
    def notes(self) -> list[str]:
        """What a reader should know."""
        words = self.words
        made = list(() if self.line is None else self.line.notes)
        if self.line is None:
            made.append(words("No line: {reason}.", reason=words(self.analysis.model.absent or "")))
        if self.spec.size == "weight":
            made.append(words("Areas are proportional to weights."))
        return [*made, *printed.regression_lines(self.analysis)]
