"""Draw the influence of each study in a panel of diagnostics."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs
import numpy as np

from evisynth import MetaAnalysis, Reporter, each_of, hookimpl, number_between
from evisynth import influence as measure_influence
from evisynth_reporters import printed
from evisynth_reporters.chart import Axis, Box, axes, axis_over, notice, point_key, sheet
from evisynth_reporters.chart_spec import ChartSpec
from evisynth_reporters.drawing import Disc, Group, Label
from evisynth_reporters.figure import figure
from evisynth_reporters.label_placing import legible
from evisynth_reporters.palettes import palette_of
from evisynth_reporters.study_tips import study_tip
from evisynth_reporters.ticks import linear_ticks
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth import Influence
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
GAP = 26.0
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


class _Panel:
    def __init__(
        self, analysis: MetaAnalysis, spec: InfluenceSpec, measure: Measure, words: Words, palette: Palette
    ) -> None:
        self.analysis, self.spec, self.measure, self.words, self.palette = analysis, spec, measure, words, palette
        ids = analysis.effects.study_id
        self.names = [legible(printed.one_line(ids[row]), 22) for row in analysis.rows]
        self.named = len(self.names) <= MOST_NAMED

    def drawing(self, title: str, found: Influence) -> Drawing:
        spec = self.spec
        columns = min(int(spec.columns), max(len(spec.measures), 1))
        rows = -(-len(spec.measures) // columns)
        numbers, marked = found.numbers, found.influential
        foot = 12.0 + (max(self.measure(name, size=SMALL) for name in self.names) if self.named else 14.0)
        items: list[Item] = []
        for place, name in enumerate(spec.measures):
            row, column = divmod(place, columns)
            values = np.asarray(getattr(numbers, name), dtype=np.float64)
            left = column * spec.width / columns
            last = place + columns >= len(spec.measures)
            items += self.panel(name, values, np.asarray(marked), left, row * (spec.height + HEAD), last=last)
        bottom = rows * (spec.height + HEAD) + foot
        keys = [
            point_key(self.words("Study"), self.palette.study, radius=2.4),
            point_key(self.words("Influential study"), self.palette.second, radius=2.4),
        ]
        k = self.analysis.k
        note = self.words(
            "Influential: |DFFITS| > 3√(p/(k − p)), Cook's distance beyond the median of χ², leverage > 3p/k or "
            "|DFBETAS| > 1."
        )
        return sheet(
            items, self.measure, width=spec.width, bottom=bottom, title=title, keys=keys, notes=[note],
            description=self.words("Influence of {k} studies by {n} diagnostics.", k=k, n=len(spec.measures)),
        )  # fmt: skip

    def panel(
        self, name: str, values: np.ndarray, marked: np.ndarray, left: float, top: float, *, last: bool
    ) -> list[Item]:
        k, spec = len(self.names), self.spec
        middle = MIDDLES.get(name)
        held = [*values, *([] if middle is None else [middle])]
        y = attrs.evolve(axis_over(held, spare=0.08), most=5)
        ticks = [float(i) for i in range(1, k + 1)] if self.named else linear_ticks(1.0, float(k), 8)
        labels = tuple("" if self.named or not last else f"{tick:g}" for tick in ticks)
        x = Axis(0.5, k + 0.5, given_ticks=tuple(ticks), labels=labels)
        beside = max((self.measure(label) for _, label in y.ticks), default=0.0)
        begin = left + 14.0 + beside
        columns = min(int(spec.columns), max(len(spec.measures), 1))
        box = Box(x, y, begin, top + HEAD, spec.width / columns - (begin - left) - 12.0, spec.height - GAP / 2)
        made: list[Item] = [Label(self.words(MEASURES[name]), begin, top + HEAD - 4.0, bold=True, size=8.0)]
        if middle is not None:
            made += box.horizontal(middle, colour="#9a9a9a", width=0.6)
        seen = [i for i in range(k) if np.isfinite(values[i])]
        made += box.curve([i + 1.0 for i in seen], values[seen], colour="#b8b8b8", width=0.6)
        radius = 2.4 if self.named else 1.6
        for i in seen:
            row = int(self.analysis.rows[i])
            colour = self.palette.second if marked[i] else self.palette.study
            tip = (*study_tip(self.analysis, row, self.words), f"{self.words(MEASURES[name])} {values[i]:.4g}")
            disc = Disc(box.at(i + 1.0, float(values[i])), radius, colour, "#ffffff", 0.4)
            made.append(Group((disc,), tip, row))
        made += axes(box, self.measure)
        if last and self.named:
            for i, study in enumerate(self.names):
                at = box.at_x(i + 1.0)
                made.append(Label(study, at + 2.5, box.bottom + 6.0, "right", size=SMALL, upright=True))
        if not seen:
            made.append(
                Label(self.words("not available"), box.left + box.width / 2, box.top + box.height / 2, "center")
            )
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
