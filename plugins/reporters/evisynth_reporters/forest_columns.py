"""Make the columns of a forest plot by name: what each says of a study, of a total, of the events."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from evisynth import LEFT_OUT, NOT_COUNTED, SettingsError, normal_p_value
from evisynth_reporters import printed
from evisynth_reporters.table import Column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from evisynth import FloatArray, MetaAnalysis, Model, StudyResult
    from evisynth_reporters.outcome_columns import DataColumn, Outcome
    from evisynth_reporters.printed import Style
    from evisynth_reporters.table import Side
    from evisynth_reporters.words import Words

NAMES = ("study", "data", "year", "weight", "weight_common", "weight_random", "effect", "p_value", "se", "n")
"""Columns that every analysis has; further ones are those of its studies."""


def _nothing(*_: object) -> str:
    return ""


@attrs.frozen
class ForestColumn:
    """Hold a column's heading and the functions that fill it in.

    ``study`` takes a row of the input; ``total`` an analysis of a part, the rows it is of, its share in percent and the
    model that is shown; ``events`` an analysis and rows.
    """

    heading: Column
    study: Callable[[int], str]
    total: Callable[[MetaAnalysis, Sequence[int], float | None, Model], str] = _nothing
    events: Callable[[MetaAnalysis, Sequence[int]], str] = _nothing
    effect: bool = False
    """Whether it shows the effect, so that limits of predictions stand in it."""
    label: bool = False
    """Whether it names studies, so that names of totals stand in it."""


@attrs.frozen
class Columns:
    """Make columns of an analysis; ``how`` is the heading of the effect's column, with the model and the level."""

    analysis: MetaAnalysis
    outcome: Outcome
    style: Style
    words: Words
    label: str
    how: str
    study_heading: str = "Study or Subgroup"
    leading_zero: bool = True
    """Whether P has a zero before its point."""
    whole: MetaAnalysis | None = None
    """The analysis with the studies that this one leaves out."""

    def made(self, names: Iterable[str], side: Side) -> list[ForestColumn]:
        """Give the columns of some names; raises `SettingsError` for a name that no column has."""
        return [column for name in names for column in self._named(name, side)]

    def _named(self, name: str, side: Side) -> list[ForestColumn]:
        if name == "data":
            return [self._data(column, side) for column in self.outcome.columns]
        makers: dict[str, Callable[[Side], ForestColumn]] = {
            "study": self._study, "year": self._year, "effect": self._effect, "p_value": self._p_value, "se": self._se,
            "n": self._n, "weight": self._weight, "weight_common": self._weight_common,
            "weight_random": self._weight_random,
        }  # fmt: skip
        if name in makers:
            return [makers[name](side)]
        return [self._further(name, side)]

    def _study(self, side: Side) -> ForestColumn:
        heading = Column(self.words(self.study_heading), left=True, side=side)
        return ForestColumn(heading, lambda row: printed.one_line(self._shown(row).study), label=True)

    def _data(self, column: DataColumn, side: Side) -> ForestColumn:
        def total(part: MetaAnalysis, rows: Sequence[int], _: float | None, __: Model) -> str:
            return column.total(counted(part, rows)) if column.adds == "participants" else ""

        def events(part: MetaAnalysis, rows: Sequence[int]) -> str:
            return column.total(counted(part, rows)) if column.adds == "events" else ""

        heading = Column(self.words(column.heading), column.group, side=side)
        return ForestColumn(heading, column.cell, total, events)

    def _year(self, side: Side) -> ForestColumn:
        heading = Column(self.words("Year"), side=side)
        return ForestColumn(heading, lambda row: printed.one_line(self._shown(row).year or ""))

    def _effect(self, side: Side) -> ForestColumn:
        def study(row: int) -> str:
            shown = self._shown(row).display
            if shown is None:
                return self.words(absent(self.analysis, row))
            return self.words(printed.effect(shown.value, shown.ci_low, shown.ci_high, self.style))

        def total(_: MetaAnalysis, __: Sequence[int], ___: float | None, model: Model) -> str:
            shown = model.display
            if shown is None:
                return self.words(printed.NOT_ESTIMABLE)
            return self.words(printed.effect(shown.value, shown.ci_low, shown.ci_high, self.style))

        return ForestColumn(Column(self.how, self.label, side=side), study, total, effect=True)

    def _p_value(self, side: Side) -> ForestColumn:
        def study(row: int) -> str:
            made = self._shown(row)
            if made.effect is None or not made.se or self.analysis.scale.null is None:
                return ""
            p = float(normal_p_value((made.effect - self.analysis.scale.null) / made.se)[0])
            return self._p(p)

        def total(part: MetaAnalysis, _: Sequence[int], __: float | None, model: Model) -> str:
            if model.pooled is None or part.scale.null is None:
                return ""
            return "" if math.isnan(model.pooled.p_value) else self._p(model.pooled.p_value)

        return ForestColumn(Column("P", side=side), study, total)

    def _p(self, p: float) -> str:
        shown = printed.p_value(p)
        shown = shown if self.leading_zero else printed.with_symbols(shown, leading_zero=False)
        return shown.removeprefix("P = ").removeprefix("P ")

    def _se(self, side: Side) -> ForestColumn:
        def total(_: MetaAnalysis, __: Sequence[int], ___: float | None, model: Model) -> str:
            return "" if model.pooled is None else printed.number(model.pooled.se, self.style.decimals)

        def study(row: int) -> str:
            se = self._shown(row).se
            return "" if se is None else printed.number(se, self.style.decimals)

        return ForestColumn(Column("SE", side=side), study, total)

    def _n(self, side: Side) -> ForestColumn:
        def participants(row: int) -> float | None:
            data = self._shown(row).data
            known = [data[name] for name in ("n", "n_1", "n_2") if data.get(name) is not None]
            return sum(value for value in known if value is not None) if known else None

        def total(part: MetaAnalysis, rows: Sequence[int], _: float | None, __: Model) -> str:
            known = [value for row in counted(part, rows) if (value := participants(row)) is not None]
            return printed.entered(sum(known)) if known else ""

        heading = Column(self.words("Participants"), side=side)
        return ForestColumn(heading, lambda row: printed.entered(participants(row)), total)

    def _weight(self, side: Side) -> ForestColumn:
        heading = Column(self.words("Weight"), side=side)
        study = self._weights(lambda study: study.weight)
        return ForestColumn(heading, study, lambda _, __, weight, ___: printed.percent(weight))

    def _weights(self, weight: Callable[[StudyResult], float | None]) -> Callable[[int], str]:
        def study(row: int) -> str:
            left_out = self.whole is not None and self._shown(row).included and not self.analysis.studies[row].included
            return "–" if left_out else printed.percent(weight(self.analysis.studies[row]))

        return study

    def _weight_common(self, side: Side) -> ForestColumn:
        heading = Column(self.words("common"), self.words("Weight"), side=side)
        return ForestColumn(heading, self._weights(lambda study: study.weight_common), self._share("common"))

    def _weight_random(self, side: Side) -> ForestColumn:
        heading = Column(self.words("random"), self.words("Weight"), side=side)
        return ForestColumn(heading, self._weights(lambda study: study.weight_random), self._share("random"))

    def _share(self, name: str) -> Callable[[MetaAnalysis, Sequence[int], float | None, Model], str]:
        """Add up weights beside the total of their own model."""

        def total(_: MetaAnalysis, rows: Sequence[int], __: float | None, model: Model) -> str:
            column = self.analysis.weights.get(name)
            if column is None or model.model != name or model.pooled is None:
                return ""
            return printed.percent(float(column[list(rows)].sum()))

        return total

    def _further(self, name: str, side: Side) -> ForestColumn:
        studies = self.analysis.effects.studies
        numbers: Mapping[str, FloatArray] = {} if studies is None else studies.columns
        texts: Mapping[str, Sequence[str | None]] = {} if studies is None else studies.text
        heading = printed.one_line(name)
        if name in numbers:
            column = numbers[name]
            return ForestColumn(Column(heading, side=side), lambda row: printed.entered(float(column[row])))
        if name in texts:
            words = texts[name]
            return ForestColumn(Column(heading, left=True, side=side), lambda row: printed.one_line(words[row] or ""))
        have = ", ".join(map(repr, dict.fromkeys([*NAMES, *texts, *numbers])))
        msg = f"a column of figure 'forest' is one of {have}, not {name!r}"
        raise SettingsError(msg)

    def _shown(self, row: int) -> StudyResult:
        return (self.whole or self.analysis).studies[row]


def counted(part: MetaAnalysis, rows: Sequence[int]) -> list[int]:
    """Pick the rows that a part's totals add up: RevMan counts a study without an effect, not one that is left out."""
    reasons = part.effects.reasons
    return [row for i, row in enumerate(rows) if reasons.get(i) not in NOT_COUNTED]


def absent(analysis: MetaAnalysis, row: int) -> str:
    """Say why a study has no effect, in a word or two."""
    return "Left out" if analysis.studies[row].reason == LEFT_OUT else printed.NOT_ESTIMABLE
