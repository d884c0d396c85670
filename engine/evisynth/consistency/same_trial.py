"""Compare one trial's numbers in two outcomes of the same name, or in two reviews.

Studies are matched by author and year, outcomes by their names, or, across reviews, by most of their trials having the
same numbers. Source: Gøtzsche et al. (2007), JAMA 298:430-437, and Tendal et al. (2009), BMJ 339:b3128 (what reviewers
extract from the same trial differs).
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from evisynth.consistency.findings import Rule
from evisynth.consistency.trials import ARM, same

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evisynth.consistency.findings import Ledger
    from evisynth.consistency.trials import OutcomeRows, TrialRow

EXTRACTION = "Gøtzsche et al. (2007), JAMA 298:430-437; Tendal et al. (2009), BMJ 339:b3128"
SAME = Rule("same trial, same numbers", EXTRACTION)
SWAPPED = Rule("arms the same way round", EXTRACTION)

FEWEST_ALIKE = 3
"""Trials with the same numbers from which on two outcomes of different names are one."""


def check_within(outcomes: Sequence[OutcomeRows], ledger: Ledger) -> None:
    """Compare outcomes of one review that have the same name.

    Arms of different size are of different groups (or times), so only trials whose arms are of one size are compared.
    """
    named: dict[str, list[OutcomeRows]] = {}
    for outcome in outcomes:
        named.setdefault(outcome.words, []).append(outcome)
    for alike in named.values():
        for one, other in combinations(alike, 2):
            _compare(one, other, _common(one, other), ledger, of_one_review=True)


def check_across(ours: Iterable[OutcomeRows], theirs: Iterable[OutcomeRows], ledger: Ledger) -> None:
    """Compare the outcomes of two reviews, or of two tables, which are each one outcome.

    An outcome is compared with the one of its name (of several, which are of other groups, the most alike), and
    without any with the most alike of another name.
    """
    others, mine = list(theirs), list(ours)
    names, own_names = {other.words for other in others}, {one.words for one in mine}
    for one in mine:
        named = one.words in names
        candidates = [o for o in others if (o.words == one.words if named else o.words not in own_names)]
        alike = [(*_alike(_common(one, other)), other) for other in candidates]
        if not alike:
            continue
        most, telling, nearest = max(alike, key=lambda entry: (entry[0], -entry[1]))
        # Few trials tell little: then the name decides, unless several outcomes have it.
        by_name = (
            named and (most > 0 or len(candidates) == 1) if telling < FEWEST_ALIKE else named and 2 * most >= telling
        )
        if by_name or (most >= FEWEST_ALIKE and 2 * most >= telling):
            _compare(one, nearest, _common(one, nearest), ledger, of_one_review=False)
        elif named and telling:
            ledger.skipped(SAME, "outcomes of one name whose trials differ mostly: of other groups or times")


def _alike(common: Sequence[tuple[TrialRow, TrialRow]]) -> tuple[int, int]:
    """Count the trials with the same numbers (or the same with the arms exchanged), and those that can tell."""
    alike = sum(1 for mine, yours in common if mine.telling and same(mine.numbers, yours.numbers))
    swapped = sum(1 for mine, yours in common if _is_swapped(mine, yours))
    return max(alike, swapped), sum(1 for mine, yours in common if mine.telling or yours.telling)


def _common(one: OutcomeRows, other: OutcomeRows) -> list[tuple[TrialRow, TrialRow]]:
    pairs = [(row, other.single[name]) for name, row in one.single.items() if name in other.single]
    return [(mine, yours) for mine, yours in pairs if mine.kind is not None and mine.kind == yours.kind]


def _is_swapped(one: TrialRow, other: TrialRow) -> bool:
    """Whether the arms are exchanged; of arms that are alike that cannot be told."""
    return bool(one.arm(2)) and not same(one.arm(1), one.arm(2)) and same(one.numbers, (*other.arm(2), *other.arm(1)))


def _compare(
    one: OutcomeRows,
    other: OutcomeRows,
    common: Sequence[tuple[TrialRow, TrialRow]],
    ledger: Ledger,
    *,
    of_one_review: bool,
) -> None:
    for mine, yours in common:
        here = ledger.at(source=one.source, place=mine.place, study=mine.label)
        where = f"{other.name!r} ({', '.join(part for part in (other.source, yours.place) if part)})"
        if of_one_review:
            where = f"{other.name!r} ({yours.place})"
        if _is_swapped(mine, yours):
            here.applied(SWAPPED)
            # Comparisons may list the groups in either order.
            if not of_one_review or one.comparison == other.comparison:
                reasoning = "the numbers are the same with the arms exchanged"
                here.found(SWAPPED, f"{mine.shown()} here, {yours.shown()} in {where}", reasoning, suspicious=True)
            continue
        if of_one_review and not _same_sizes(mine, yours):
            continue
        here.applied(SAME)
        if not same(mine.numbers, yours.numbers):
            names = [name for arm in ARM[mine.kind or ""] for name in arm]
            differing = tuple(name for name in names if not same((mine.data[name],), (yours.data[name],)))
            here.found(
                SAME,
                f"{mine.shown()} here, {yours.shown()} in {where}",
                f"one trial has one {' and '.join(differing)} in one outcome, unless time or definition differ",
                columns=differing,
                suspicious=True,
            )


def _same_sizes(one: TrialRow, other: TrialRow) -> bool:
    return all(same((one.data.get(name, 0.0),), (other.data.get(name, 0.0),)) for name in ("n_1", "n_2"))
