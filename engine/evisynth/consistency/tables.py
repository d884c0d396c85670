"""Check a table: results as printed, counts, means and percentages, by the texts that stand in it."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from evisynth.columns import NUMERIC, TEXT
from evisynth.consistency.counts import COUNTS, check_arms, check_row, check_shared, largest_groups
from evisynth.consistency.effect_rules import P_AND_LIMITS
from evisynth.consistency.findings import Ledger
from evisynth.consistency.grim import GRIM, PERCENT, PrintedMean, check_mean, check_percent
from evisynth.consistency.guard_rails import check_studies
from evisynth.consistency.headings import (
    DIFFERENCES,
    HEADINGS,
    PERCENTAGES,
    PRINTED,
    RANDOMISED_HEADINGS,
    RATIOS,
    columns_of,
    plain,
)
from evisynth.consistency.printed_numbers import Printed, read_printed
from evisynth.consistency.printed_results import PrintedResult
from evisynth.consistency.result_rules import check_result
from evisynth.consistency.same_trial import check_within
from evisynth.consistency.trials import ARM, OutcomeRows, TrialRow, trial_name
from evisynth.errors import DataError
from evisynth.sources import Table
from evisynth.tables import NOT_A_NUMBER, studies_from_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth.consistency.headings import Columns
    from evisynth.consistency.intervals import ScaleName
    from evisynth.consistency.options import Options
    from evisynth.registry import Registry
    from evisynth.studies import Studies

_WITHIN = re.compile(r"\s*[\[(]?\s*([^\s,;\[\]()]+)\s*(?:,|;|\bto\b|\s[-–]\s|\s)\s*([^\s,;\[\]()]+)\s*[\])]?\s*")
WHOLE_I2 = 1.0
_SILENT = Ledger()
"""For cells whose state is written down elsewhere."""


def table_of(studies: Studies) -> Table:
    """Give the columns of studies as a table; the digits are those that the numbers have."""
    return Table({"study": list(studies.study), **studies.text, **{n: c.tolist() for n, c in studies.columns.items()}})


def table_outcomes(columns: Columns, studies: Studies, source: str) -> tuple[OutcomeRows, ...]:
    """Give the rows of a table of studies: of one outcome, or by a column that names outcomes."""
    needed = {name for one, two in ARM.values() for name in (*one, *two)}
    numbers = {name: values for name, values in studies.columns.items() if name in needed}
    years = studies.text.get("year", (None,) * len(studies))
    rows: dict[tuple[str, str], list[TrialRow]] = {}
    for i, label in enumerate(studies.study):
        randomised = {name: columns.whole(f"randomised {name}", i, _SILENT) for name in RANDOMISED_HEADINGS}
        key = (columns.text("comparison", i) or "", columns.text("outcome", i) or "")
        rows.setdefault(key, []).append(
            TrialRow(
                study=label,
                label=label,
                name=trial_name(label, years[i]),
                data={name: float(v[i]) for name, v in numbers.items() if not math.isnan(v[i])},
                place=f"row {i + 1}",
                randomised={name: float(number) for name, number in randomised.items() if number is not None},
            )
        )
    return tuple(
        OutcomeRows(
            source=source,
            place=outcome,
            name=outcome,
            comparison=comparison,
            rows=tuple(held),
        )
        for (comparison, outcome), held in rows.items()
    )


def check_table(
    table: Table, source: str, roles: Mapping[str, str], options: Options, registry: Registry, ledger: Ledger
) -> tuple[OutcomeRows, ...]:
    """Go through all rules on one table, and give its rows for comparison with other tables and reviews."""
    columns = columns_of(table, roles)
    k = min((len(values) for values in table.columns.values()), default=0)
    here = ledger.at(source=source)
    for i in range(k):
        row = here.at(place=f"row {i + 1}", study=columns.text("study", i) or columns.text("outcome", i))
        check_result(_result(columns, i, options, row), row)
        _check_means(columns, i, options, row)
        _check_percentages(columns, i, row)
    if not {"ci_low", "ci_high"} <= columns.headings.keys() and "interval" not in columns.headings:
        here.skipped(P_AND_LIMITS, "there are no columns of printed limits")
    studies = _studies(table, source, roles, here)
    if studies is None:
        return ()
    outcomes = table_outcomes(columns, studies, source)
    largest = largest_groups(outcomes)
    for outcome in outcomes:
        check_shared(outcome, largest, here.at(place=outcome.place))
        for trial in outcome.rows:
            if trial.data:
                check_row(trial, here.at(place=trial.place, study=trial.label))
    if len(outcomes) == 1:
        ledgers = [here.at(place=trial.place, study=trial.label) for trial in outcomes[0].rows]
        words = {"scale": options.scale} if options.scale else {}
        check_studies(studies, options.measure, registry, ledgers, **words)
    compared: dict[str, list[OutcomeRows]] = {}
    for outcome in outcomes:
        compared.setdefault(outcome.comparison, []).append(outcome)
    for of_comparison in compared.values():
        check_arms(of_comparison, {outcome.place: here.at(place=outcome.place) for outcome in of_comparison})
    check_within(outcomes, here)
    return outcomes


def _studies(table: Table, source: str, roles: Mapping[str, str], ledger: Ledger) -> Studies | None:
    """Make studies of a table; values that no study can have are findings."""
    own = {**HEADINGS, **PERCENTAGES, "outcome": (), "comparison": ()}
    known = {role: heading for role, heading in roles.items() if role in {**NUMERIC, **TEXT} or role not in own}
    try:
        return studies_from_table(table, known, source=source)
    except DataError as error:
        for problem in error.problems:
            if problem.row is None or problem.message == NOT_A_NUMBER:
                ledger.skipped(COUNTS, f"the table cannot be read as studies: {problem.message}")
                continue
            ledger.applied(COUNTS)
            ledger.at(place=f"row {problem.row}", study=problem.study).found(
                COUNTS, f"{problem.value}", problem.message, columns=(problem.column,) if problem.column else ()
            )
        if not error.problems:
            ledger.skipped(COUNTS, f"the table cannot be read as studies: {error.summary}")
        return None


# -- printed results --------------------------------------------------------------------------------------------------


def _result(columns: Columns, row: int, options: Options, ledger: Ledger) -> PrintedResult:
    low, high = columns.printed("ci_low", row, ledger), columns.printed("ci_high", row, ledger)
    joined = columns.text("interval", row)
    names = {name: heading for name, heading in columns.headings.items() if name in HEADINGS}
    if low is None and high is None and joined is not None:
        low, high = _limits(joined, columns, ledger)
        names |= dict.fromkeys(("ci_low", "ci_high"), names["interval"])
    i2 = columns.printed("i2", row, ledger)
    return PrintedResult(
        estimate=columns.printed("estimate", row, ledger),
        ci_low=low,
        ci_high=high,
        se=columns.printed("se", row, ledger),
        statistic=columns.printed("statistic", row, ledger),
        p=columns.printed("p", row, ledger),
        q=columns.printed("q", row, ledger),
        q_df=columns.whole("q_df", row, ledger),
        q_p=columns.printed("q_p", row, ledger),
        i2=None if i2 is None else as_percent(i2),
        tau2=columns.printed("tau2", row, ledger),
        k=columns.whole("k", row, ledger),
        scale=options.scale or _scale(columns, row),
        level=options.level,
        df=options.df,
        names=names,
    )


def as_percent(i2: Printed) -> Printed:
    """Take I² for a share of 1 where it is at most 1, has decimals and no sign of percent."""
    if "%" in i2.text or "." not in i2.text or i2.low + i2.high > 2.0 * WHOLE_I2:
        return i2
    return Printed(100.0 * i2.low, 100.0 * i2.high, i2.text)


def _limits(text: str, columns: Columns, ledger: Ledger) -> tuple[Printed | None, Printed | None]:
    found = _WITHIN.fullmatch(text)
    try:
        if found is not None and not columns.table.decimal_comma:
            return read_printed(found[1]), read_printed(found[2])
    except DataError:
        pass
    ledger.skipped(PRINTED, f"a cell of {columns.headings['interval']!r} is not two limits such as '0.38 to 0.87'")
    return None, None


def _scale(columns: Columns, row: int) -> ScaleName | None:
    measure = columns.text("measure", row)
    name = plain(measure if measure is not None else columns.headings.get("estimate", ""))
    if name in RATIOS:
        return "log"
    return "linear" if name in {*DIFFERENCES, "yi", "te"} else None


# -- means and percentages --------------------------------------------------------------------------------------------


def _check_means(columns: Columns, row: int, options: Options, ledger: Ledger) -> None:
    for arm in ("", "_1", "_2"):
        names = f"mean{arm}", f"sd{arm}", f"n{arm}"
        mean, sd, n = (columns.printed(name, row, ledger) for name in names)
        if mean is None or n is None:
            continue
        heading = columns.headings[names[0]]
        whole = options.is_whole(names[0], heading)
        if not whole and not options.integer:
            ledger.skipped(GRIM, "it is not said that the responses are whole numbers (integer=)")
        size = columns.whole(names[2], row, ledger)
        if size is None or size < 1:
            continue
        lowest, highest = options.bounds_of(whole=whole)
        given = PrintedMean(
            mean=mean,
            n=size,
            sd=sd,
            whole=whole,
            items=options.items,
            lowest=lowest,
            highest=highest,
            columns=(heading, columns.headings.get(names[1], names[1])),
        )
        check_mean(given, ledger)


def _check_percentages(columns: Columns, row: int, ledger: Ledger) -> None:
    for arm in ("", "_1", "_2"):
        percent, n = columns.printed(f"percent{arm}", row, ledger), columns.whole(f"n{arm}", row, ledger)
        if percent is None:
            continue
        if n is None or n < 1:
            ledger.skipped(PERCENT, "a percentage without a number of participants")
            continue
        events = columns.whole(f"events{arm}", row, ledger)
        check_percent(percent, n, events, ledger, (columns.headings[f"percent{arm}"],))
