"""Build RevMan's forest-plot table of an analysis, once for all that render it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from evisynth import LEFT_OUT, NOT_COUNTED
from evisynth_reporters import printed
from evisynth_reporters.outcome_columns import outcome_of
from evisynth_reporters.table import Coefficient, Column, ForestTable, Mark, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evisynth import Display, MetaAnalysis, StudyResult, Subgroup

COEFFICIENT_DECIMALS = 4
OUTSIDE_SUBGROUPS = "Not in any subgroup"


def build_table(analysis: MetaAnalysis, groups: tuple[str, str], decimals: int = 2) -> ForestTable:
    """Lay out studies, subgroups, totals and footers of an analysis; ``groups`` names the arms."""
    return _Builder(analysis, groups, decimals).table()


class _Builder:
    def __init__(self, analysis: MetaAnalysis, groups: tuple[str, str], decimals: int) -> None:
        self.analysis = analysis
        self.style = printed.style_of(analysis, decimals)
        self.groups = (printed.one_line(groups[0]), printed.one_line(groups[1]))
        self.outcome = outcome_of(analysis, self.groups)
        self.label = printed.one_line(analysis.settings.effect_label or analysis.effects.label)

    def table(self) -> ForestTable:
        analysis, settings = self.analysis, self.analysis.settings
        how = f"{analysis.model.label}, {printed.level(settings.study_level)} CI"
        return ForestTable(
            title=f"{self.label} ({how}): {_pooled_of(analysis)}",
            columns=(
                Column("Study or Subgroup"),
                *(Column(column.heading, column.group) for column in self.outcome.columns),
                Column("Weight"),
                Column(how, self.label),
            ),
            rows=tuple(self.rows()),
            kind=self.outcome.kind,
            log_scale=analysis.effects.scale == "log",
            null=None if analysis.scale.null is None else analysis.scale.show(analysis.scale.null),
            favours=self.favours(),
            excluded=tuple(
                f"{printed.one_line(study.study_id)}: {printed.one_line(study.reason or 'not pooled')}"
                for study in analysis.excluded
            ),
            warnings=tuple(map(printed.one_line, analysis.warnings)),
            coefficients=tuple(
                _coefficients(analysis, attrs.evolve(self.style, decimals=COEFFICIENT_DECIMALS, ratio=False))
            ),
        )

    def favours(self) -> tuple[str, str]:
        """Name what each side of the axis speaks for: nothing where there are no arms, unless the settings say so."""
        settings = self.analysis.settings
        said = (settings.favours_1, settings.favours_2)
        names = self.analysis.methods.measure.columns
        arms = not names or "o_e" in names or any(name.endswith(("_1", "_2")) for name in names)
        usual = tuple(f"Favours [{group.lower()}]" if arms else "" for group in self.groups)
        if self.analysis.scale.decreasing:
            usual = usual[::-1]
        return (printed.one_line(said[0] or usual[0]), printed.one_line(said[1] or usual[1]))

    def rows(self) -> Iterable[Row]:
        analysis = self.analysis
        for subgroup in analysis.subgroups:
            yield from self.subgroup(subgroup)
            yield Row("blank")
        grouped = {row for subgroup in analysis.subgroups for row in subgroup.rows}
        others = [row for row in range(analysis.k_total) if row not in grouped]
        if others and grouped:
            yield Row("heading", (OUTSIDE_SUBGROUPS, *("",) * (len(self.outcome.columns) + 2)))
        if others or not grouped:
            yield from self.studies(others)
            yield Row("blank")
        if analysis.settings.totals == "overall" or analysis.is_regression:
            yield from self.overall()
        else:
            yield from self.without_total()

    def without_total(self) -> Iterable[Row]:
        """Say what is not shown, and the test that remains."""
        analysis = self.analysis
        only = analysis.settings.totals == "subgroups"
        yield Row("note", ("Subtotals only" if only else "No totals",))
        if only and analysis.subgroups and analysis.settings.subgroup_test:
            yield Row("note", (printed.subgroup_line(analysis.subgroup_test),))

    def studies(self, rows: Iterable[int]) -> Iterable[Row]:
        for row in rows:
            study = self.analysis.studies[row]
            mark = _square(study)
            yield Row(
                "study",
                (
                    printed.one_line(study.study),
                    *(column.cell(row) for column in self.outcome.columns),
                    printed.percent(study.weight),
                    self.effect(study.display) if study.display else _absent(study),
                ),
                mark,
            )

    def subgroup(self, subgroup: Subgroup) -> Iterable[Row]:
        part, rows = subgroup.analysis, subgroup.rows
        empty = ("",) * (len(self.outcome.columns) + 2)
        yield Row("heading", (printed.one_line(subgroup.name), *empty))
        yield from self.studies(rows)
        if part.settings.totals == "none":
            return
        share = subgroup.weight if part.pooled is not None else None
        yield self.pooled("Subtotal", part, rows, share)
        yield from self.events(part, rows)
        yield Row("note", (printed.heterogeneity_line(part),))
        yield Row("note", (printed.overall_line(part),))

    def overall(self) -> Iterable[Row]:
        analysis = self.analysis
        if analysis.is_regression:
            yield from self.regression()
            return
        everything = range(analysis.k_total)
        yield self.pooled("Total", analysis, everything, None if analysis.pooled is None else 100.0)
        yield from self.prediction()
        yield from self.events(analysis, everything)
        yield Row("note", (printed.heterogeneity_line(analysis),))
        yield Row("note", (printed.overall_line(analysis),))
        if (analysis.subgroups and analysis.settings.subgroup_test) or self.style.always_subgroup_line:
            yield Row("note", (printed.subgroup_line(analysis.subgroup_test),))

    def regression(self) -> Iterable[Row]:
        analysis = self.analysis
        yield Row("note", (printed.heterogeneity_line(analysis),))
        yield from (Row("note", (line,)) for line in printed.regression_lines(analysis))
        if not analysis.coefficients:
            yield Row(
                "note", (f"Coefficients: {printed.NOT_ESTIMABLE} ({printed.one_line(analysis.reason or 'no model')})",)
            )

    def pooled(self, word: str, part: MetaAnalysis, rows: Sequence[int], weight: float | None) -> Row:
        shown = part.display
        mark = None if shown is None else Mark("diamond", shown.value, shown.ci_low, shown.ci_high)
        return Row(
            "pooled",
            (
                f"{word} ({printed.level(part.settings.level)} CI)",
                *(
                    column.total(_counted(part, rows)) if column.adds == "participants" else ""
                    for column in self.outcome.columns
                ),
                printed.percent(weight),
                printed.NOT_ESTIMABLE if shown is None else self.effect(shown),
            ),
            mark,
        )

    def events(self, part: MetaAnalysis, rows: Sequence[int]) -> Iterable[Row]:
        columns = self.outcome.columns
        adding = [column for column in columns if column.adds == "events"]
        if adding:
            sums = (column.total(_counted(part, rows)) if column in adding else "" for column in columns)
            yield Row("events", (f"Total {adding[0].heading.lower()}:", *sums, "", ""))

    def prediction(self) -> Iterable[Row]:
        limits = self.analysis.model.prediction_display
        if limits is None:
            return
        label = f"Prediction interval ({printed.level(self.analysis.settings.level)})"
        empty = ("",) * (len(self.outcome.columns) + 1)
        cell = printed.interval(limits.low, limits.high, self.style)
        yield Row("prediction", (label, *empty, cell), Mark("bar", None, limits.low, limits.high))

    def effect(self, shown: Display) -> str:
        return printed.effect(shown.value, shown.ci_low, shown.ci_high, self.style)


def _coefficients(analysis: MetaAnalysis, style: printed.Style) -> Iterable[Coefficient]:
    if not analysis.is_regression:
        return
    for term, estimate in analysis.coefficients.items():
        yield Coefficient(
            printed.one_line(term),
            printed.effect(estimate.value, estimate.ci_low, estimate.ci_high, style),
            printed.number(estimate.se, style.decimals),
            printed.statistic(estimate),
        )


def _counted(part: MetaAnalysis, rows: Sequence[int]) -> list[int]:
    """Pick the rows that a part's totals add up: RevMan counts a study without an effect, not one that is left out."""
    reasons = part.effects.reasons
    return [row for i, row in enumerate(rows) if reasons.get(i) not in NOT_COUNTED]


def _pooled_of(analysis: MetaAnalysis) -> str:
    if analysis.settings.totals != "overall":
        return "subtotals only" if analysis.settings.totals == "subgroups" else "no totals"
    word = "study" if analysis.k_total == 1 else "studies"
    return f"{analysis.k} of {analysis.k_total} {word} pooled"


def _square(study: StudyResult) -> Mark | None:
    if study.display is None:
        return None
    return Mark("square", study.display.value, study.display.ci_low, study.display.ci_high, study.weight or 0.0)


def _absent(study: StudyResult) -> str:
    return "Left out" if study.reason == LEFT_OUT else printed.NOT_ESTIMABLE
