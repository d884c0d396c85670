"""Tables of results: the studies of an analysis, effects, heterogeneity and subgroups, of one analysis or a review."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evisynth import MetaAnalysis, Reporter, ReviewAnalysis, hookimpl, i2_bands
from evisynth_reporters import printed
from evisynth_reporters.forest_columns import absent
from evisynth_reporters.outcome_columns import outcome_of
from evisynth_reporters.table_reporter import table_reporter
from evisynth_reporters.table_sheet import TableColumn, TableRow, TableSheet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evisynth import FloatArray
    from evisynth_reporters.words import Words

HANDBOOK = "Deeks, Higgins & Altman (2023), Cochrane Handbook v6.4, chapter 10"
PRISMA = "Page et al. (2021), PRISMA 2020, BMJ 372:n71, items 19 and 20"


def studies_table(
    analysis: MetaAnalysis, words: Words, *, columns: tuple[str, ...] = (), group_1: str | None = None,
    group_2: str | None = None, title: str = "",
) -> TableSheet:  # fmt: skip
    """List the studies with the numbers entered, effect, weight, and why one is not pooled.

    ``columns`` are further columns of the studies to show; ``group_1`` and ``group_2`` name the arms.
    """
    style = printed.style_of(analysis)
    outcome = outcome_of(analysis, printed.arm_names(analysis, group_1, group_2))
    level = printed.level(analysis.settings.study_level)
    source = analysis.effects.studies
    further = {name: None if source is None else source.text.get(name, source.columns.get(name)) for name in columns}
    heads = (
        TableColumn(words("Study")), TableColumn(words("Year"), "right"), *(TableColumn(name) for name in columns),
        *(TableColumn(words(column.heading), "right", column.group) for column in outcome.columns),
        TableColumn(f"{words(printed.one_line(analysis.label))} ({level} {words('CI')})", "right"),
        TableColumn(words("Weight"), "right"), TableColumn(words("Not pooled because")),
    )  # fmt: skip
    rows: list[TableRow] = []
    for row, study in enumerate(analysis.studies):
        effect = words(absent(analysis, row))
        if study.display is not None:
            effect = printed.effect(study.display.value, study.display.ci_low, study.display.ci_high, style)
        cells = (
            study.study, study.year or "", *(_cell(column, row) for column in further.values()),
            *(column.cell(row) for column in outcome.columns), effect, printed.percent(study.weight),
            study.reason or "",
        )  # fmt: skip
        rows.append(TableRow(cells))
    return TableSheet(title or words("Included studies"), heads, tuple(rows))


def _cell(column: Sequence[str | None] | FloatArray | None, row: int) -> str:
    if column is None:
        return ""
    value = column[row]
    return value or "" if isinstance(value, str | None) else printed.entered(float(value))


def _effect_heads(words: Words) -> tuple[TableColumn, ...]:
    return (
        TableColumn(words("Outcome")), TableColumn(words("Studies"), "right"),
        TableColumn(words("Participants"), "right"), TableColumn(words("Model")),
        TableColumn(words("Effect"), "right"), TableColumn("P", "right"), TableColumn("τ²", "right"),
        TableColumn("I²", "right"), TableColumn(words("Note")),
    )  # fmt: skip


def _effect_row(name: str, analysis: MetaAnalysis, words: Words, note: str = "") -> TableRow:
    shown, pooled, spread = analysis.display, analysis.pooled, analysis.heterogeneity
    total = analysis.participants["total"]
    model = f"{words(printed.one_line(analysis.label))}, {analysis.model.label}"
    people = "" if total is None else printed.entered(float(total))
    if shown is None or pooled is None:
        why = note or analysis.reason or ""
        return TableRow((name, str(analysis.k), people, model, words(printed.NOT_ESTIMABLE), "", "", "", why))
    return TableRow((
        name, str(analysis.k), people, model,
        printed.effect(shown.value, shown.ci_low, shown.ci_high, printed.style_of(analysis)),
        printed.p_value(pooled.p_value).removeprefix("P = ").removeprefix("P "),
        "" if analysis.settings.model != "random" or spread.tau2 is None else printed.number(spread.tau2),
        printed.percent(spread.i2, 0) if spread.df else "", note,
    ))  # fmt: skip


def effects_table(analysis: MetaAnalysis, words: Words, *, title: str = "") -> TableSheet:
    """Give the pooled effect with its interval, P, τ² and I², in the models asked for and in the other."""
    name = words(printed.one_line(analysis.label))
    return TableSheet(title or words("Pooled effects"), _effect_heads(words), (_effect_row(name, analysis, words),))


def review_effects(made: ReviewAnalysis, words: Words, *, title: str = "") -> TableSheet:
    """Give the pooled effect of every outcome, under headings of their comparisons, with why one has none."""
    rows: list[TableRow] = []
    heading = None
    heads = _effect_heads(words)
    for one in made:
        if one.comparison is not heading:
            heading = one.comparison
            rows.append(TableRow((f"{heading.number} {heading.name}", *("",) * (len(heads) - 1)), "heading"))
        name = f"{one.place} {one.outcome.name}"
        if one.analysis is None:
            rows.append(TableRow((name, "0", *("",) * (len(heads) - 3), one.note or "")))
        else:
            rows.append(_effect_row(name, one.analysis, words, one.note or ""))
    return TableSheet(title or words("Pooled effects"), heads, tuple(rows))


def _spread_heads(words: Words) -> tuple[TableColumn, ...]:
    return (
        TableColumn(words("Outcome")), TableColumn(words("Studies"), "right"), TableColumn("Q", "right"),
        TableColumn("df", "right"), TableColumn("P", "right"), TableColumn("τ²", "right"), TableColumn("I²", "right"),
        TableColumn("H²", "right"), TableColumn(words("Prediction interval"), "right"),
        TableColumn(words("Heterogeneity, by the Handbook's overlapping bands")),
    )  # fmt: skip


def _spread_row(name: str, analysis: MetaAnalysis, words: Words) -> TableRow:
    found, style = analysis.heterogeneity, printed.style_of(analysis)
    if found.q is None or not found.df or found.p_value is None:
        why = printed.one_line(analysis.reason or words("fewer than two studies"))
        return TableRow((name, str(analysis.k), *("",) * 7, f"{words(printed.NOT_APPLICABLE)} ({why})"))
    tau2 = "" if found.tau2 is None else printed.number(found.tau2)
    if found.tau2_ci_low is not None and found.tau2_ci_high is not None:
        tau2 += f" {printed.interval(found.tau2_ci_low, found.tau2_ci_high, style)}"
    i2 = printed.percent(found.i2, 0)
    if found.i2_ci_low is not None and found.i2_ci_high is not None:
        i2 += f" [{printed.percent(found.i2_ci_low, 0)}{style.comma}{printed.percent(found.i2_ci_high, 0)}]"
    limits = analysis.model.prediction_display
    predicted = "" if limits is None else printed.interval(limits.low, limits.high, style)
    bands = f" {words('or')} ".join(words(band) for band in i2_bands(found.i2)) if found.i2 is not None else ""
    p = printed.p_value(found.p_value).removeprefix("P = ").removeprefix("P ")
    h2 = "" if found.h2 is None else printed.number(found.h2)
    return TableRow((name, str(analysis.k), printed.number(found.q), str(found.df), p, tau2, i2, h2, predicted, bands))


def heterogeneity_table(analysis: MetaAnalysis, words: Words, *, title: str = "") -> TableSheet:
    """Give Q, τ², I² and H² with their intervals, the prediction interval, and I² in the Handbook's words."""
    row = _spread_row(words(printed.one_line(analysis.label)), analysis, words)
    return TableSheet(title or words("Heterogeneity"), _spread_heads(words), (row,))


def review_heterogeneity(made: ReviewAnalysis, words: Words, *, title: str = "") -> TableSheet:
    """Give the heterogeneity of every outcome that is analysed."""
    rows = tuple(
        _spread_row(f"{one.place} {one.outcome.name}", one.analysis, words) for one in made if one.analysis is not None
    )
    return TableSheet(title or words("Heterogeneity"), _spread_heads(words), rows)


def subgroups_table(analysis: MetaAnalysis, words: Words, *, title: str = "") -> TableSheet:
    """Give each subgroup's pooled effect and heterogeneity, and the test for differences between them."""
    return TableSheet(
        title or words("Subgroups"), _effect_heads(words), tuple(_subgroup_rows(analysis, words)),
        _differences(analysis, words),
    )  # fmt: skip


def _subgroup_rows(analysis: MetaAnalysis, words: Words) -> Iterator[TableRow]:
    for group in analysis.subgroups:
        yield _effect_row(group.name, group.analysis, words)
    total = _effect_row(words("Total"), analysis, words)
    yield TableRow(total.cells, "total")


def _differences(analysis: MetaAnalysis, words: Words) -> tuple[str, ...]:
    if not analysis.subgroups:
        return (words("The analysis has no subgroups."),)
    return (printed.subgroup_line(analysis.subgroup_test, words),)


def review_subgroups(made: ReviewAnalysis, words: Words, *, title: str = "") -> TableSheet:
    """Give the subgroups of every outcome that has any, with the tests for differences in the notes."""
    heads = _effect_heads(words)
    rows: list[TableRow] = []
    notes: list[str] = []
    for one in made:
        if one.analysis is None or not one.analysis.subgroups:
            continue
        rows.append(TableRow((f"{one.place} {one.outcome.name}", *("",) * (len(heads) - 1)), "heading"))
        rows += _subgroup_rows(one.analysis, words)
        notes += [f"{one.place}: {line}" for line in _differences(one.analysis, words)]
    if not rows:
        notes.append(words("No outcome has subgroups."))
    return TableSheet(title or words("Subgroups"), heads, tuple(rows), tuple(notes))


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the tables of results."""
    return [
        table_reporter("table-of-studies", studies_table, reference=PRISMA),
        table_reporter("effects", effects_table, reference=PRISMA, review=review_effects),
        table_reporter("heterogeneity", heterogeneity_table, reference=HANDBOOK, review=review_heterogeneity),
        table_reporter("subgroups", subgroups_table, reference=HANDBOOK, review=review_subgroups),
    ]
