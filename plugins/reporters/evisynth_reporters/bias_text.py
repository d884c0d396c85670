"""Print tests and adjustments for small-study effects in tables, with what was done and what speaks against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evisynth_reporters import printed
from evisynth_reporters.monospaced import items, set_table
from evisynth_reporters.table import Column, Row

if TYPE_CHECKING:
    from evisynth import BiasResult, BiasSurvey, Estimate

TESTS = ("Test", "k", "Statistic", "P", "Asymmetry [CI]", "Limit [CI]")
ADJUSTMENTS = ("Adjustment", "k", "Effect [CI]", "Studies", "Test")
SMALL = 0.05
"""Coefficients that two decimals would not show."""
SHOWN_ROWS = 12
"""Rows of a sensitivity table that are printed; all are in the JSON."""


def survey_text(survey: BiasSurvey, *, title: str | None = None) -> str:
    """Print what the tests and adjustments of one analysis found, effects as readers see them."""
    analysis = survey.analysis
    made = [result for result in survey if result.reason is None]
    tests = [result for result in made if result.after is None]
    adjusted = [result for result in made if result.after is not None]
    heading = printed.one_line(title or survey.title or "Small-study effects")
    scale = " (asymmetry and limits on the analysis scale)" if tests and not analysis.scale.as_shown else ""
    blocks = (
        [heading],
        [_pooled(survey)],
        _table(f"Tests{scale}", TESTS, [test_cells(result, survey) for result in tests]),
        _table("Adjusted effects", ADJUSTMENTS, [adjustment_cells(result, survey) for result in adjusted]),
        *(_sensitivity(result) for result in made if result.table),
        items(
            "Not made",
            (f"{result.name}: {printed.one_line(result.reason or '')}" for result in survey if result.reason),
        ),
        items("What was done", (f"{result.name}: {printed.one_line(result.variant)}" for result in made)),
        items("Warnings", bias_warnings(made)),
        items("Sources", dict.fromkeys(result.reference for result in made if result.reference)),
    )
    return "\n\n".join("\n".join(line.rstrip() for line in block) for block in blocks if block) + "\n"


def _pooled(survey: BiasSurvey) -> str:
    analysis = survey.analysis
    if analysis.display is None:
        return f"{analysis.label}: {printed.one_line(analysis.reason or printed.NOT_ESTIMABLE)}"
    shown = analysis.display
    effect = printed.effect(shown.value, shown.ci_low, shown.ci_high, printed.style_of(analysis))
    return f"{printed.one_line(analysis.label)} ({analysis.model.label}), {analysis.k} studies: {effect}"


def _table(title: str, headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    if not rows:
        return []
    columns = [Column(heading, left=i == 0) for i, heading in enumerate(headings)]
    return [f"{title}:", *set_table(columns, [Row("study", cells) for cells in rows])[1:]]


def test_cells(result: BiasResult, survey: BiasSurvey) -> tuple[str, ...]:
    """Print a test under `TESTS`."""
    asymmetry = "" if result.asymmetry is None else _plain(result.asymmetry, survey)
    limit = "" if result.limit is None else _plain(result.limit, survey)
    return result.name, str(result.k), _statistic(result), _p_value(result.p_value), asymmetry, limit


def _statistic(result: BiasResult) -> str:
    if result.statistic is None:
        return ""
    df = "" if result.df is None else f" (df = {printed.degrees(result.df)})"
    symbol = f"{result.symbol} = " if result.symbol else ""
    # A count, of studies or of significant results, has no decimals.
    return f"{symbol}{printed.number(result.statistic, 0 if result.statistic.is_integer() else 2)}{df}"


def _p_value(p_value: float | None) -> str:
    return "" if p_value is None else printed.p_value(p_value).removeprefix("P = ").removeprefix("P ")


def _plain(estimate: Estimate, survey: BiasSurvey) -> str:
    """Print an estimate on the analysis scale; a slope per patient has its digits far behind the point."""
    numbers = (estimate.value, estimate.ci_low, estimate.ci_high)
    comma = printed.style_of(survey.analysis).comma
    if max(map(abs, numbers)) < SMALL and any(numbers):
        value, low, high = map(printed.scientific, numbers)
        return f"{value} [{low}{comma}{high}]"
    return printed.effect(*numbers, printed.Style(comma=comma))


def adjustment_cells(result: BiasResult, survey: BiasSurvey) -> tuple[str, ...]:
    """Print an adjustment under `ADJUSTMENTS`."""
    after, analysis = result.after, survey.analysis
    assert after is not None  # noqa: S101 - those without are tests
    scale = analysis.scale if result.analysis is None else result.analysis.scale
    limits = scale.show_limits(after.ci_low, after.ci_high)
    effect = printed.effect(scale.show(after.value), *limits, printed.style_of(analysis))
    test = ", ".join(
        filter(None, (_statistic(result), "" if result.p_value is None else printed.p_value(result.p_value)))
    )
    return result.name, str(result.k), effect, _changes(result), test


def _changes(result: BiasResult) -> str:
    counts: dict[str, int] = {}
    for study in result.studies:
        counts[study.change] = counts.get(study.change, 0) + 1
    return ", ".join(f"{count} {change}" for change, count in counts.items())


def _sensitivity(result: BiasResult) -> list[str]:
    headings = tuple(dict.fromkeys(name for row in result.table for name in row))
    rows = [tuple(_cell(row.get(name)) for name in headings) for row in result.table[:SHOWN_ROWS]]
    more = [f"… and {len(result.table) - SHOWN_ROWS} more rows"] if len(result.table) > SHOWN_ROWS else []
    return [*_table(result.name, headings, rows), *more]


def _cell(value: float | str | None) -> str:
    if value is None:
        return ""
    return printed.one_line(value) if isinstance(value, str) else f"{value:.4g}"


def bias_warnings(made: list[BiasResult]) -> list[str]:
    """Give each warning once, after the names of the methods that it is of."""
    names: dict[str, list[str]] = {}
    for result in made:
        for warning in result.warnings:
            names.setdefault(warning, []).append(result.name)
    return [f"{', '.join(of)}: {printed.one_line(warning)}" for warning, of in names.items()]
