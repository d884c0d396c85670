"""Check the participants of trials: counts that cannot be, arms that are exceeded or counted more than once.

Fewer participants in one outcome than in another are ordinary (data are missing); more than were randomised are not,
nor are subgroups that together hold a whole group more than the trial has. Sources: Cochrane Handbook 6.4, §6.2.9
(unit of analysis), §23.3.4 (a group shared by several comparisons); Higgins et al. (2019), ibid. ch. 10.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING

from evisynth.consistency.findings import Rule
from evisynth.consistency.trials import RELATIVE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evisynth.consistency.findings import Ledger
    from evisynth.consistency.trials import OutcomeRows, TrialRow

HANDBOOK = "Higgins et al. (2023), Cochrane Handbook for Systematic Reviews of Interventions 6.4"
COUNTS = Rule("possible values", f"{HANDBOOK}, §6.4.1")
RANDOMISED = Rule("participants randomised", f"{HANDBOOK}, §10.12.1")
SHARED = Rule("group counted once", f"{HANDBOOK}, §23.3.4")
EXCEEDED = Rule("participants within the trial's arms", f"{HANDBOOK}, §6.2.9 and §23.3.4")
DUPLICATE = Rule("trial reported once", "Tramèr et al. (1997), BMJ 315:635-640 (duplicate publication)")

FAR = 1.5
"""How many times the largest number of participants elsewhere is far more than a trial has."""
FEWEST_OUTCOMES = 2
FEWEST_EVENTS = 10
"""Events from which on two trials hardly have all four counts in common by chance."""


def check_row(row: TrialRow, ledger: Ledger) -> None:
    """Look for counts that no trial can have."""
    data = row.data
    ledger.applied(COUNTS)
    for column, value in data.items():
        if value < 0 and column.startswith(("events", "n_", "sd", "sei", "o_e_v")):
            ledger.found(COUNTS, f"{column} is {value:g}", "it cannot be negative", columns=(column,))
    for arm in ("1", "2"):
        events, n = data.get(f"events_{arm}"), data.get(f"n_{arm}")
        if events is not None and n is not None and events > n:
            columns = (f"events_{arm}", f"n_{arm}")
            ledger.found(
                COUNTS, f"{events:g} of {n:g} participants with an event", "there are more than all", columns=columns
            )
    _check_randomised(row, ledger)


def _check_randomised(row: TrialRow, ledger: Ledger) -> None:
    if not row.randomised:
        return
    ledger.applied(RANDOMISED)
    totals = {**row.data}
    if "n_1" in totals and "n_2" in totals:
        totals.setdefault("n", totals["n_1"] + totals["n_2"])
    for column, most in row.randomised.items():
        found = totals.get(column)
        if found is not None and found > most:
            # A number read from a text may be of something else; a column is what it is called.
            read = row.randomised_by != "column"
            ledger.found(
                RANDOMISED,
                f"{found:g} participants ({column}), {most:g} randomised",
                f"an outcome has no more participants than were randomised ({row.randomised_by})",
                columns=(column,),
                suspicious=read,
            )


def largest_groups(outcomes: Iterable[OutcomeRows]) -> Mapping[tuple[str, str], float]:
    """Give the largest group that a trial has in an outcome where it has one row, by study and column."""
    found: dict[tuple[str, str], float] = {}
    for outcome in outcomes:
        for row in outcome.single.values():
            for column in ("n_1", "n_2"):
                key = row.study, column
                found[key] = max(found.get(key, 0.0), row.data.get(column, 0.0))
    return found


def check_shared(outcome: OutcomeRows, largest: Mapping[tuple[str, str], float], ledger: Ledger) -> None:
    """Look for a group that stands in two rows of one pooled outcome, and for one trial under two names.

    ``largest`` are the trials' groups in other outcomes: parts of equal size into which a group was divided look like
    one that is counted twice, and add up to it.
    """
    if not outcome.pooled:
        ledger.skipped(SHARED, "an outcome without an overall result may show participants more than once")
        return
    ledger.applied(SHARED)
    ledger.applied(DUPLICATE)
    rows = [row for row in outcome.rows if row.overall and row.kind is not None]
    by_author: dict[tuple[str, str | None], list[TrialRow]] = defaultdict(list)
    by_numbers: dict[tuple[float, ...], list[TrialRow]] = defaultdict(list)
    for row in rows:
        by_author[row.name.author, row.name.year].append(row)
        by_numbers[row.numbers].append(row)
    for related in by_author.values():
        for number in (1, 2):
            _check_group(related, number, largest, ledger)
    for alike in by_numbers.values():
        for one, other in combinations(alike, 2):
            one_author = (one.name.author, one.name.year) == (other.name.author, other.name.year)
            if not one_author and one.study != other.study and _no_chance(one):
                ledger.at(study=one.label).found(
                    DUPLICATE,
                    f"{one.label} and {other.label} have the same data ({one.shown()})",
                    "two trials hardly have every number in common: is it one, published twice or copied?",
                    suspicious=True,
                )


def _no_chance(row: TrialRow) -> bool:
    if row.kind == "events":
        return row.data["events_1"] + row.data["events_2"] >= FEWEST_EVENTS
    return row.kind in {"means", "o_e"}


def _check_group(
    related: Sequence[TrialRow], number: int, largest: Mapping[tuple[str, str], float], ledger: Ledger
) -> None:
    alike: dict[tuple[float, ...], list[TrialRow]] = defaultdict(list)
    for row in related:
        # No events in groups of one size is common.
        if row.kind == "means" or (row.kind == "events" and row.data[f"events_{number}"] > 0):
            alike[row.arm(number)].append(row)
    column = f"n_{number}"
    for rows in alike.values():
        one = rows[0]
        total = sum(row.data[column] for row in rows)
        if len(rows) < 2 or largest.get((one.study, column), 0.0) >= total * (1.0 - RELATIVE):  # noqa: PLR2004 - a pair
            continue
        labels, places = dict.fromkeys(row.label for row in rows), dict.fromkeys(row.place for row in rows)
        group = {1: "experimental", 2: "control"}[number]
        ledger.at(study=one.label).found(
            SHARED,
            f"the same {group} group ({one.shown(number)}) stands in {len(rows)} rows "
            f"({', '.join(labels)}; {', '.join(places)})",
            "a group that several comparisons share is divided among them, or they are combined: unless these are its "
            "equal parts, its participants are counted more than once",
            columns=tuple(name for name in one.data if name.endswith(f"_{number}")),
            suspicious=True,
        )


def check_arms(outcomes: Sequence[OutcomeRows], ledgers: Mapping[str, Ledger]) -> None:
    """Compare a trial's participants over the outcomes of one comparison; ``ledgers`` are by place of the outcome."""
    for column in ("n_1", "n_2"):
        of_study: dict[str, dict[str, list[TrialRow]]] = defaultdict(lambda: defaultdict(list))
        for outcome in outcomes:
            for row in outcome.rows:
                if row.data.get(column, 0.0) > 0 and row.overall:
                    of_study[row.study][outcome.place].append(row)
        pooled = {outcome.place for outcome in outcomes if outcome.pooled}
        for by_place in of_study.values():
            _check_sums(column, by_place, pooled, ledgers)
            _check_far(column, by_place, ledgers)


def _largest(rows: Iterable[TrialRow], column: str) -> float:
    return max((row.data[column] for row in rows), default=0.0)


def _check_sums(
    column: str, by_place: Mapping[str, list[TrialRow]], pooled: set[str], ledgers: Mapping[str, Ledger]
) -> None:
    """Flag subgroups that together hold a whole group more than the trial has in any outcome without subgroups."""
    alone = [rows[0] for rows in by_place.values() if len(rows) == 1]
    most = _largest(alone, column)
    for place, rows in by_place.items():
        if len(rows) < 2 or place not in pooled or not alone:  # noqa: PLR2004 - a sum has two terms
            continue
        ledgers[place].applied(EXCEEDED)
        total, smallest = sum(row.data[column] for row in rows), min(row.data[column] for row in rows)
        # Short of a whole group the others may lack data; the fewest rows that reach the trial's size leave one over.
        if total - smallest >= most * (1.0 - RELATIVE):
            ledgers[place].at(study=rows[0].label).found(
                EXCEEDED,
                f"{len(rows)} rows of the trial hold {total:g} participants ({column}), {most:g} in other outcomes",
                f"even without the smallest of them they are {total - smallest:g}: some are counted more than once",
                columns=(column,),
                suspicious=True,
            )


def _check_far(column: str, by_place: Mapping[str, list[TrialRow]], ledgers: Mapping[str, Ledger]) -> None:
    """Flag an outcome that has far more participants of a trial than every other, where the others agree."""
    alone = {place: rows[0] for place, rows in by_place.items() if len(rows) == 1}
    if len(alone) <= FEWEST_OUTCOMES:
        return
    for place, row in alone.items():
        ledgers[place].applied(EXCEEDED)
        others = [other.data[column] for at, other in alone.items() if at != place]
        most = max(others)
        if row.data[column] >= FAR * most and others.count(most) >= FEWEST_OUTCOMES:
            ledgers[place].at(study=row.label).found(
                EXCEEDED,
                f"{row.data[column]:g} participants ({column}), at most {most:g} in the {len(others)} other outcomes",
                "outcomes lack participants rather than have more than the trial",
                columns=(column,),
                suspicious=True,
            )
