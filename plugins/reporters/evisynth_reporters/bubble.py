"""Draw a bubble plot of a meta-regression: effects against a moderator, with the fitted line and its bands."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
import numpy as np

from evisynth import MetaAnalysis, Reporter, SettingsError, hookimpl, one_of
from evisynth_reporters import printed
from evisynth_reporters.chart import Axis, area_key, axes, axis_over, chart_box, line_key, notice, sheet
from evisynth_reporters.chart_spec import ChartSpec
from evisynth_reporters.drawing import Disc, Group, Line
from evisynth_reporters.effect_axis import effect_axis
from evisynth_reporters.figure import figure
from evisynth_reporters.label_placing import legible, placed_labels
from evisynth_reporters.palettes import palette_of
from evisynth_reporters.study_tips import study_tip
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evisynth_reporters.chart import Box
    from evisynth_reporters.drawing import Drawing, Item, Measure
    from evisynth_reporters.words import Words

LARGEST = 9.0
SMALLEST = 1.6
STEPS = 60
PREDICTION = "#efe6d8"
HALF_CATEGORY = 0.32
HALF_SPREAD = 0.24
"""Half the width that the circles of a category are spread over."""


@attrs.frozen(kw_only=True)
class BubbleSpec(ChartSpec):
    """Hold the options of a bubble plot."""

    figure: ClassVar[str] = "bubble"

    moderator: str | None = None
    """The moderator on the axis, by default the first; the others stay at their means, or at the commonest word."""
    prediction: bool = True
    """Whether the prediction band is drawn, where there is one."""
    labels: str = attrs.field(default="none", validator=one_of("none", "outliers", "all"))


def bubble(analysis: MetaAnalysis, spec: BubbleSpec, measure: Measure) -> Drawing:
    """Draw effects against a moderator, areas by weight, with the line of the meta-regression and its bands."""
    words, title = words_of(spec.language), printed.one_line(spec.title)
    regression = analysis.regression
    if regression is None or not analysis.coefficients:
        why = words("the analysis has no moderators")
        if regression is not None:
            why = printed.one_line(analysis.reason or why)
        return notice(words("There is no bubble plot to draw: {why}.", why=why), measure, width=spec.width, title=title)
    return _Bubble(analysis, spec, measure, words).drawing(title)


class _Bubble:
    def __init__(self, analysis: MetaAnalysis, spec: BubbleSpec, measure: Measure, words: Words) -> None:
        self.analysis, self.spec, self.measure, self.words = analysis, spec, measure, words
        self.columns = moderator_columns(analysis)
        self.name = spec.moderator or next(iter(self.columns))
        if self.name not in self.columns:
            msg = f"moderator of figure 'bubble' is one of {', '.join(map(repr, self.columns))}, not {self.name!r}"
            raise SettingsError(msg)
        values = self.columns[self.name]
        self.categories: tuple[str, ...] = ()
        if isinstance(values[0], str):
            self.categories = tuple(sorted(set(values)))
            self.x = np.array([float(self.categories.index(value)) for value in values])
            self.x = beside(self.x)
        else:
            self.x = np.array(values, dtype=np.float64)
        rows = list(analysis.rows)
        self.y = np.array([analysis.studies[row].effect for row in rows], dtype=np.float64)
        self.palette = palette_of(spec.palette)

    def drawing(self, title: str) -> Drawing:
        spec, words = self.spec, self.words
        at, held = self.grid()
        regression = self.analysis.regression
        assert regression is not None  # noqa: S101 - the caller has seen it
        made = regression.predict(held)
        bands = [(made.ci_low, made.ci_high, self.palette.band)]
        shown = spec.prediction and bool(np.isfinite(made.prediction_low).all())
        if shown:
            bands.insert(0, (made.prediction_low, made.prediction_high, PREDICTION))
        limits = [value for low, high, _ in bands for value in (*low, *high)]
        box = chart_box(
            self.across(),
            effect_axis(self.analysis, [*self.y, *limits], self.words, most=8),
            self.measure,
            width=spec.width,
            height=spec.height,
        )  # fmt: skip
        items: list[Item] = []
        for low, high, colour in bands:
            items += self.band(box, at, low, high, colour)
        line = self.line(box, at, made.value)
        items += line
        null = self.analysis.scale.null
        items += [] if null is None else box.horizontal(null, colour="#9a9a9a", width=0.7)
        studies, names = self.studies(box, line)
        items += [*studies, *names, *axes(box, self.measure)]
        level = printed.level(self.analysis.settings.level)
        keys = [
            line_key(words("Fitted effect"), self.palette.pooled),
            area_key(words("{level} confidence band", level=level), self.palette.band),
        ]
        if shown:
            keys.append(area_key(words("{level} prediction band", level=level), PREDICTION))
        description = words("Bubble plot of {k} studies over {name}.", k=self.analysis.k, name=self.shown_name)
        return sheet(
            items, self.measure, width=spec.width, bottom=spec.height, title=title, keys=keys, notes=self.notes(),
            description=description,
        )  # fmt: skip

    @property
    def shown_name(self) -> str:
        return printed.one_line(self.name)

    def across(self) -> Axis:
        if not self.categories:
            return axis_over(self.x, self.shown_name, spare=0.06)
        places = tuple(float(i) for i in range(len(self.categories)))
        labels = tuple(legible(printed.one_line(word), 24) for word in self.categories)
        return Axis(-0.6, len(places) - 0.4, self.shown_name, given_ticks=places, labels=labels)

    def grid(self) -> tuple[np.ndarray, dict[str, Any]]:
        """Give places along the axis, and the moderators there."""
        if self.categories:
            at: np.ndarray = np.arange(len(self.categories), dtype=np.float64)
            own: Sequence[Any] = self.categories
        else:
            low, high = float(self.x.min()), float(self.x.max())
            at = np.linspace(low, high, STEPS) if high > low else np.array([low])
            own = at.tolist()
        held: dict[str, Any] = {name: [usual(values)] * at.size for name, values in self.columns.items()}
        held[self.name] = list(own)
        return at, held

    def band(self, box: Box, at: np.ndarray, low: np.ndarray, high: np.ndarray, colour: str) -> list[Item]:
        if not self.categories:
            edge = [*zip(at, low, strict=True), *zip(at[::-1], high[::-1], strict=True)]
            return box.area(edge, colour=colour) if at.size > 1 else []
        made: list[Item] = []
        for x, lower, upper in zip(at, low, high, strict=True):
            left, right = x - HALF_CATEGORY, x + HALF_CATEGORY
            made += box.area([(left, lower), (right, lower), (right, upper), (left, upper)], colour=colour)
        return made

    def line(self, box: Box, at: np.ndarray, value: np.ndarray) -> list[Item]:
        if not self.categories:
            return box.curve(at, value, colour=self.palette.pooled)
        ends = [(box.at(x - HALF_CATEGORY, y), box.at(x + HALF_CATEGORY, y)) for x, y in zip(at, value, strict=True)]
        return [Line(start, end, 1.2, self.palette.pooled) for start, end in ends]

    def studies(self, box: Box, line: list[Item]) -> tuple[list[Item], list[Item]]:
        analysis = self.analysis
        weights = [analysis.studies[row].weight or 0.0 for row in analysis.rows]
        largest = max(weights) or 1.0
        radii = [max(LARGEST * math.sqrt(weight / largest), SMALLEST) for weight in weights]
        places = [box.at(float(x), float(y)) for x, y in zip(self.x, self.y, strict=True)]
        order = sorted(range(len(places)), key=lambda i: -radii[i])
        made: list[Item] = []
        for i in order:
            row = int(analysis.rows[i])
            value = self.columns[self.name][i]
            shown = printed.one_line(value) if isinstance(value, str) else printed.entered(value)
            tip = (*study_tip(analysis, row, self.words), f"{self.shown_name} {shown}")
            made.append(Group((Disc(places[i], radii[i], self.palette.study, "#ffffff", 0.6, 0.6),), tip, row))
        if self.spec.labels == "none":
            return made, []
        assert analysis.regression is not None  # noqa: S101 - there is a plot
        far = np.abs(analysis.regression.residuals("standardised"))
        ranked = [int(i) for i in np.argsort(-far)]
        named = [i for i in ranked if self.spec.labels == "all" or far[i] > 1.959963984540054]  # noqa: PLR2004 - 5 %
        names = [(legible(printed.one_line(analysis.effects.study_id[analysis.rows[i]])), places[i]) for i in named]
        return made, list(placed_labels(names, list(zip(places, radii, strict=True)), box, self.measure, lines=line))

    def notes(self) -> list[str]:
        others = {name: usual(values) for name, values in self.columns.items() if name != self.name}
        held = [
            f"{printed.one_line(name)} = {printed.one_line(v) if isinstance(v, str) else printed.entered(v)}"
            for name, v in others.items()
        ]
        made = [self.words("Areas of circles are proportional to {size}.", size=self.words("weight"))]
        if held:
            made.append(self.words("The line holds for {values}.", values=", ".join(held)))
        return made


def moderator_columns(analysis: MetaAnalysis) -> Mapping[str, Sequence[Any]]:
    """Give the moderators as they were given, by name, a value for each pooled study."""
    design = analysis.design
    if design is not None and design.source is not None:
        return {
            name: [*column] if isinstance(column, tuple) else column.tolist()
            for name, column in design.source.columns.items()
        }
    return {
        term: analysis.X[:, j].tolist()
        for j, term in enumerate(analysis.terms)
        if j or not (analysis.X[:, j] == 1.0).all()
    }


def beside(places: np.ndarray) -> np.ndarray:
    """Set those of a category beside each other, in the order of the table, so that none hides another."""
    made = places.copy()
    for place in np.unique(places):
        own = np.flatnonzero(places == place)
        if own.size > 1:
            made[own] += np.linspace(-HALF_SPREAD, HALF_SPREAD, own.size)
    return made


def usual(values: Sequence[Any]) -> Any:  # noqa: ANN401 - a number or a word
    """Give the mean of numbers, the commonest of words."""
    if isinstance(values[0], str):
        return Counter(values).most_common(1)[0][0]
    return math.fsum(values) / len(values)


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the bubble plot."""
    return [
        figure(
            BubbleSpec,
            bubble,
            reference="Thompson & Higgins (2002), Stat. Med. 21:1559-1573",
            r_equivalent="metafor::regplot(res)",
        )
    ]
