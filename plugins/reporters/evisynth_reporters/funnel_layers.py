"""Draw a funnel plot layer by layer: shaded contours, regions, lines, studies, names."""

from __future__ import annotations

import itertools
import math
from functools import cached_property
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import normal_quantile
from evisynth_reporters import printed
from evisynth_reporters.chart import Axis, Box, Key, area_key, axes, chart_box, line_key
from evisynth_reporters.chart_sheet import upright_title
from evisynth_reporters.chart_studies import POINT, WHITE, group_keys, look_of, looks, mark, study_mark
from evisynth_reporters.drawing import Disc, Shape
from evisynth_reporters.effect_axis import effect_axis, limits_of
from evisynth_reporters.label_placing import Named, along, place_names, rectangle_of
from evisynth_reporters.palettes import MUTED, palette_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth_reporters.chart_studies import Look
    from evisynth_reporters.drawing import Item, Measure
    from evisynth_reporters.funnel import FunnelSpec
    from evisynth_reporters.funnel_data import FunnelData
    from evisynth_reporters.words import Words

SHADES = ("#f1f1f1", "#dadada", "#c2c2c2", "#ababab")
"""From the most significant outwards in: the regions between two levels grow darker, the inmost is white."""
STEPS = 81
WIDER = 0.4
"""Share of the effects' range by which the funnel may widen the axis at either side."""
DASH = (4.0, 3.0)
DOTS = (1.5, 2.5)
DASH_AND_DOT = (6.0, 2.0, 1.5, 2.0)


@attrs.frozen(eq=False, slots=False)  # a plain dictionary serves cached properties
class FunnelLayers:
    """Draw the data of a funnel plot."""

    data: FunnelData
    spec: FunnelSpec
    words: Words
    measure: Measure

    # -- axes ---------------------------------------------------------------------------------------------------------

    @cached_property
    def _spread_axis(self) -> Axis:
        data = self.data
        places = [*(point.spread for point in data.points), *(place for _, place in data.added)]
        title = self.words(data.spread.title)
        highest, lowest = max(places), min(places)
        if data.spread.falls:
            return Axis(0.0, highest * 1.06, title, reversed=not self.spec.swapped)
        room = 0.06 * (highest - lowest) or 0.25 * highest
        return Axis(max(lowest - room, 0.3 * lowest), highest + room, title)

    @cached_property
    def _effect_axis(self) -> Axis:
        data = self.data
        effects = [*(point.effect for point in data.points), *(y for y, _ in data.added)]
        held = [*effects, *(value for value in (data.theta, data.adjusted) if value is not None)]
        low, high = min(held), max(held)
        ses = self._ses
        if ses and data.theta is not None and self.spec.levels:
            half = max(data.half_width(se, data.level) for se in ses)
            room = WIDER * (high - low) if high > low else math.inf
            low, high = max(data.theta - half, low - room), min(data.theta + half, high + room)
            low, high = min(low, *held), max(high, *held)
        if self.spec.contours and data.null is not None and high > low:
            # No effect belongs on the axis of contours where it is not far from all that there is.
            room = high - low
            low = min(low, max(data.null - 0.1 * room, low - room))
            high = max(high, min(data.null + 0.1 * room, high + room))
        return effect_axis(data.scale, *limits_of([low, high], spare=0.04), data.title, as_it_is=data.residuals)

    @cached_property
    def _ses(self) -> list[float]:
        """Standard errors along the axis, where it is of them; the last one is the largest."""
        se_of, axis = self.data.spread.se_of, self._spread_axis
        if se_of is None:
            return []
        if self.data.spread.falls:
            return [se_of(axis.high * i / (STEPS - 1)) for i in range(STEPS)]
        # Even steps of the standard error draw a smooth line where the axis is of its inverse.
        return [float(se) for se in np.linspace(se_of(axis.high), se_of(axis.low), STEPS)]

    @cached_property
    def box(self) -> Box:
        """Where the axes are."""
        spec = self.spec
        across, up = self._effect_axis, self._spread_axis
        if spec.swapped:
            across, up = up, across
        up = attrs.evolve(up, title=upright_title(up.title, spec.height, self.measure))
        return chart_box(across, up, self.measure, width=spec.width, height=spec.height)

    def _pairs(self, effects: Sequence[float], spreads: Sequence[float]) -> list[tuple[float, float]]:
        pairs = zip(effects, spreads, strict=True)
        return [(spread, effect) if self.spec.swapped else (effect, spread) for effect, spread in pairs]

    def _line(
        self, effects: Sequence[float], spreads: Sequence[float], colour: str, width: float, dash: tuple[float, ...]
    ) -> list[Item]:
        pairs = self._pairs(effects, spreads)
        return self.box.curve([x for x, _ in pairs], [y for _, y in pairs], colour=colour, width=width, dash=dash)

    def _at_effect(self, effect: float, colour: str, width: float = 1.0, dash: tuple[float, ...] = ()) -> list[Item]:
        draw = self.box.horizontal if self.spec.swapped else self.box.vertical
        return draw(effect, colour=colour, width=width, dash=dash)

    # -- layers -------------------------------------------------------------------------------------------------------

    @property
    def items(self) -> list[Item]:
        """All that is drawn."""
        return [
            *self._contours,
            *self._regions,
            *self._lines,
            *axes(self.box, self.measure),
            *self._filled,
            *self._studies,
            *self._names,
        ]

    @cached_property
    def _contour_levels(self) -> list[float]:
        """Levels from the least to the most significant."""
        drawn = self.data.spread.se_of is not None and self.data.null is not None
        return sorted(self.spec.contours, reverse=True) if drawn else []

    @property
    def _contours(self) -> list[Item]:
        null, box = self.data.null, self.box
        if not self._contour_levels or null is None:
            return []
        corners = ((box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom))
        made: list[Item] = [Shape(corners, SHADES[0])]
        for i, level in enumerate(reversed(self._contour_levels)):
            inmost = i == len(self._contour_levels) - 1
            made += self._wedge(null, normal_quantile(1.0 - level), WHITE if inmost else SHADES[i + 1])
        return made

    def _wedge(self, centre: float, z: float, colour: str) -> list[Item]:
        ses = self._ses
        spreads = [self._spread_at(se) for se in ses]
        low = self._pairs([centre - z * se for se in ses], spreads)
        high = self._pairs([centre + z * se for se in ses], spreads)
        return self.box.area([*low, *reversed(high)], colour=colour)

    def _spread_at(self, se: float) -> float:
        of_se, axis = self.data.spread.of_se, self._spread_axis
        assert of_se is not None  # noqa: S101 - asked for before
        return min(max(of_se(se), axis.low), axis.high)

    @property
    def _regions(self) -> list[Item]:
        data = self.data
        made: list[Item] = []
        if data.theta is None or not self._ses:
            return made
        spreads = [self._spread_at(se) for se in self._ses]
        for i, level in enumerate(sorted(self.spec.levels)):
            halves = [data.half_width(se, level) for se in self._ses]
            for sign in (-1.0, 1.0):
                effects = [data.theta + sign * half for half in halves]
                made += self._line(effects, spreads, MUTED if i else "#404040", 0.9, DASH if not i else DOTS)
        return made

    @property
    def _lines(self) -> list[Item]:
        data, colours = self.data, palette_of(self.spec.palette)
        made: list[Item] = []
        if self._contour_levels and data.null is not None:
            made += self._at_effect(data.null, MUTED, 0.8)
        if data.theta is not None:
            made += self._at_effect(data.theta, colours.pooled, 1.0)
        if data.adjusted is not None:
            made += self._at_effect(data.adjusted, colours.added, 1.0, DASH)
        if data.line is not None and self._ses:
            limit, slope = data.line
            spreads = [self._spread_at(se) for se in self._ses]
            effects = [limit + slope * se for se in self._ses]
            made += self._line(effects, spreads, colours.second, 1.3, DASH_AND_DOT)
        return made

    @cached_property
    def _looks(self) -> dict[str | None, Look]:
        studies = [point.study for point in self.data.points]
        return looks(studies, palette_of(self.spec.palette), grouped=self.data.grouped)

    @property
    def _centres(self) -> list[tuple[float, float]]:
        return [self.box.at(*self._pairs([point.effect], [point.spread])[0]) for point in self.data.points]

    @property
    def _added_centres(self) -> list[tuple[float, float]]:
        return [self.box.at(*self._pairs([y], [place])[0]) for y, place in self.data.added]

    @property
    def _filled(self) -> list[Item]:
        colour = palette_of(self.spec.palette).added
        return [Disc(centre, POINT, WHITE, colour, 1.1) for centre in self._added_centres]

    @property
    def _studies(self) -> list[Item]:
        pairs = zip(self.data.points, self._centres, strict=True)
        return [study_mark(point.study, centre, look_of(point.study, self._looks)) for point, centre in pairs]

    @property
    def _names(self) -> list[Item]:
        if self.spec.labels == "none":
            return []
        centres = dict(zip(map(id, self.data.points), self._centres, strict=True))
        chosen = self.data.outside if self.spec.labels == "outliers" else self.data.points
        wanted = [Named(point.study.name, centres[id(point)], POINT) for point in chosen]
        marks = [(centre, POINT) for centre in (*self._centres, *self._added_centres)]
        return list(place_names(wanted, self.measure, rectangle_of(self.box), marks, along(self._lines)))

    # -- legend -------------------------------------------------------------------------------------------------------

    @property
    def keys(self) -> list[Key]:
        """What the marks, lines and shades mean, where there is more than studies and one region."""
        data, words, colours = self.data, self.words, palette_of(self.spec.palette)
        made: list[Key] = []
        made += group_keys([point.study for point in data.points], colours, words, grouped=data.grouped)
        if data.added and not made:
            made.append(Key(words("Studies"), (mark("circle", (8.0, 0.0), POINT, colours.study),)))
        if data.added:
            made.append(Key(words("Filled studies"), (Disc((8.0, 0.0), POINT, WHITE, colours.added, 1.1),)))
        if data.theta is not None and not data.residuals:
            made.append(line_key(words("Pooled effect"), colours.pooled, width=1.0))
        if data.adjusted is not None:
            made.append(line_key(words("Adjusted effect"), colours.added, dash=DASH, width=1.0))
        if data.theta is not None and self._ses:
            made += [
                line_key(
                    words("{level} region", level=printed.level(level)),
                    MUTED if i else "#404040",
                    dash=DASH if not i else DOTS,
                    width=0.9,
                )
                for i, level in enumerate(sorted(self.spec.levels))
            ]
        if data.line is not None:
            made.append(line_key(words("Egger's regression"), colours.second, dash=DASH_AND_DOT, width=1.3))
        return [*made, *self._contour_keys]

    @property
    def _contour_keys(self) -> list[Key]:
        levels = self._contour_levels
        if not levels:
            return []
        shades = [WHITE, *reversed(SHADES[: len(levels)])]
        texts = [f"P > {levels[0]:g}"]
        texts += [f"{low:g} < P ≤ {high:g}" for high, low in itertools.pairwise(levels)]
        texts.append(f"P ≤ {levels[-1]:g}")
        return [area_key(text, shade) for text, shade in zip(texts, shades, strict=True)]
