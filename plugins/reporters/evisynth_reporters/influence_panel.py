"""Draw the influence of each study in a panel of diagnostics."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import attrs
import numpy as np

from evisynth import MetaAnalysis, Reporter, chi2_quantile, each_of, hookimpl, number_between
from evisynth import influence as measure_influence
from evisynth_reporters import printed
from evisynth_reporters.chart import Axis, Box, axes, axis_over, line_key, notice, point_key, sheet
from evisynth_reporters.chart_spec import ChartSpec
from evisynth_reporters.drawing import Disc, Group, Label
from evisynth_reporters.figure import figure
from evisynth_reporters.label_placing import legible, placed_labels
from evisynth_reporters.palettes import MUTED, palette_of
from evisynth_reporters.study_tips import study_tip
from evisynth_reporters.ticks import linear_ticks
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth import BoolArray, FloatArray, Influence
    from evisynth_reporters.drawing import Drawing, Item, Measure
    from evisynth_reporters.palettes import Palette
    from evisynth_reporters.words import Words

MEASURES: Mapping[str, str] = {
    "rstudent": "Deleted residual",
    "dffits": "DFFITS",
    "cook_distance": "Cook's distance",
    "covariance_ratio": "Covariance ratio",
    "tau2_deleted": "τ² without the study",
    "q_deleted": "Q without the study",
    "hat": "Leverage",
    "weight": "Weight (%)",
}
"""Names of the numbers of `evisynth.influence` → headings of the panels."""
MIDDLES: Mapping[str, float] = {"rstudent": 0.0, "dffits": 0.0, "covariance_ratio": 1.0}
MOST_NAMED = 24
LONGEST_NAME = 22
GAP = 26.0
EDGE = 13.0
DASH = (3.0, 2.0)
HEAD = 16.0
SMALL = 7.0


@attrs.frozen(kw_only=True)
class InfluenceSpec(ChartSpec):
    """Hold the options of an influence panel."""

    figure: ClassVar[str] = "influence"

    measures: tuple[str, ...] = attrs.field(default=tuple(MEASURES), validator=each_of(*MEASURES))
    """Which diagnostics: names of the numbers of `evisynth.influence`."""
    columns: int = attrs.field(default=2, validator=number_between(1, 4))
    width: float = attrs.field(default=520.0, validator=number_between(200.0, 2000.0))
    height: float = attrs.field(default=110.0, validator=number_between(60.0, 1000.0))
    """Height of one panel."""


def influence(analysis: MetaAnalysis, spec: InfluenceSpec, measure: Measure) -> Drawing:
    """Draw each diagnostic against the studies in the order of the table, influential studies in another colour."""
    words, palette, title = words_of(spec.language), palette_of(spec.palette), printed.one_line(spec.title)
    found = measure_influence(analysis)
    if not analysis.k:
        text = words("There is no influence to draw: {why}.", why=words("no study is pooled"))
        return notice(text, measure, width=spec.width, title=title)
    return _Panel(analysis, spec, measure, words, palette).drawing(title, found)


@attrs.frozen
class _Diagnostic:
    """Hold one diagnostic: its values, its axis, and the limits that make a study influential."""

    name: str
    values: FloatArray
    axis: Axis
    limits: tuple[float, ...]

    @property
    def seen(self) -> list[int]:
        return np.flatnonzero(np.isfinite(self.values)).tolist()


class _Panel:
    def __init__(
        self, analysis: MetaAnalysis, spec: InfluenceSpec, measure: Measure, words: Words, palette: Palette
    ) -> None:
        self.analysis, self.spec, self.measure, self.words, self.palette = analysis, spec, measure, words, palette
        ids = analysis.effects.study_id
        self.names = [legible(printed.one_line(ids[row]), LONGEST_NAME) for row in analysis.rows]
        self.named = len(self.names) <= MOST_NAMED
        self.columns = min(int(spec.columns), max(len(spec.measures), 1))

    def drawing(self, title: str, found: Influence) -> Drawing:
        spec, columns = self.spec, self.columns
        marked = np.asarray(found.influential)
        made = [self.diagnostic(name, found) for name in spec.measures]
        rows = -(-len(made) // columns)
        foot = 12.0 + (max(self.measure(name, size=SMALL) for name in self.names) if self.named else 14.0)
        items: list[Item] = []
        for column in range(columns):
            within = made[column::columns]
            # The frames of a column stand below one another, whatever the numbers beside them.
            beside = max((self.measure(label) for one in within for _, label in one.axis.ticks), default=0.0)
            for row, one in enumerate(within):
                top = row * (spec.height + HEAD) + HEAD
                begin = column * spec.width / columns + EDGE + beside
                width = (column + 1) * spec.width / columns - begin - EDGE
                box = Box(self.across(last=row + 1 == len(within)), one.axis, begin, top, width, spec.height - GAP / 2)
                items += self.panel(box, one, marked, last=row + 1 == len(within))
        keys = [
            point_key(self.words("Study"), self.palette.study, radius=2.4),
            point_key(self.words("Influential study"), self.palette.second, radius=2.4),
        ]
        if any(one.limits for one in made):
            keys.append(line_key(self.words("Limit of influence"), self.palette.second, dash=DASH, width=0.7))
        note = self.words(
            "Influential: |DFFITS| > 3√(p/(k − p)), Cook's distance beyond the median of χ², leverage > 3p/k or "
            "|DFBETAS| > 1."
        )
        flagged = int(marked.sum())
        said = self.words(
            "Influence of {k} studies by {n} diagnostics; influential studies: {flagged}.",
            k=self.analysis.k, n=len(spec.measures), flagged=flagged,
        )  # fmt: skip
        return sheet(
            items, self.measure, width=spec.width, bottom=rows * (spec.height + HEAD) + foot, title=title, keys=keys,
            notes=[note], description=said,
        )  # fmt: skip

    def diagnostic(self, name: str, found: Influence) -> _Diagnostic:
        values = np.asarray(getattr(found.numbers, name), dtype=np.float64)
        middle = MIDDLES.get(name)
        if not np.isfinite(values).any():
            return _Diagnostic(name, values, Axis(0.0, 1.0, given_ticks=(), labels=()), ())
        axis = attrs.evolve(axis_over([*values, *([] if middle is None else [middle])], spare=0.08), most=5)
        shown = tuple(limit for limit in self.limits(name, found) if axis.low <= limit <= axis.high)
        return _Diagnostic(name, values, axis, shown)

    def limits(self, name: str, found: Influence) -> tuple[float, ...]:
        """Give the limits of `Influence.influential` that this diagnostic has."""
        k, p = int(np.isfinite(found.numbers.residual).sum()), self.analysis.X.shape[1]
        if name == "dffits" and k > p:
            limit = 3.0 * math.sqrt(p / (k - p))
            return (-limit, limit)
        if name == "cook_distance":
            return (float(chi2_quantile(0.5, float(p))),)
        return (3.0 * p / k,) if name == "hat" and k else ()

    def across(self, *, last: bool) -> Axis:
        k = len(self.names)
        ticks = [float(i) for i in range(1, k + 1)] if self.named else linear_ticks(1.0, float(k), 8)
        labels = tuple("" if self.named or not last else f"{tick:g}" for tick in ticks)
        return Axis(0.5, k + 0.5, given_ticks=tuple(ticks), labels=labels)

    def panel(self, box: Box, one: _Diagnostic, marked: BoolArray, *, last: bool) -> list[Item]:
        heading = self.words(MEASURES[one.name])
        made: list[Item] = [Label(heading, box.left, box.top - 4.0, bold=True, size=8.0)]
        middle = MIDDLES.get(one.name)
        if not one.seen:
            at = (box.left + box.width / 2, box.top + box.height / 2)
            made.append(Label(self.words("not available"), *at, "center", colour=MUTED))
        elif middle is not None:
            made += box.horizontal(middle, colour="#9a9a9a", width=0.6)
        for limit in one.limits:
            made += box.horizontal(limit, colour=self.palette.second, width=0.7, dash=DASH)
        made += box.curve([i + 1.0 for i in one.seen], one.values[one.seen], colour="#b8b8b8", width=0.6)
        radius = 2.4 if self.named else 1.6
        points = {i: box.at(i + 1.0, float(one.values[i])) for i in one.seen}
        # Influential studies last, so that none hides them.
        for i in sorted(one.seen, key=lambda i: bool(marked[i])):
            row = int(self.analysis.rows[i])
            colour = self.palette.second if marked[i] else self.palette.study
            tip = (*study_tip(self.analysis, row, self.words), f"{heading} {one.values[i]:.4g}")
            disc = Disc(points[i], 1.3 * radius if marked[i] else radius, colour, "#ffffff", 0.4)
            made.append(Group((disc,), tip, row))
        if not self.named:
            flagged = [(self.names[i], points[i]) for i in one.seen if marked[i]]
            made += placed_labels(flagged, [(at, radius) for _, at in flagged], box, self.measure)
        made += axes(box, self.measure)
        if last and self.named:
            for i, study in enumerate(self.names):
                at_x = box.at_x(i + 1.0)
                made.append(Label(study, at_x + 2.5, box.bottom + 6.0, "right", size=SMALL, upright=True))
        return made


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the influence panel."""
    return [
        figure(
            InfluenceSpec,
            influence,
            reference="Viechtbauer & Cheung (2010), Res. Synth. Methods 1:112-125",
            r_equivalent="plot(metafor::influence(res))",
        )
    ]
