"""Build the tables of a validation once, for the terminal and for pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from evisynth.validation.agreements import key_of
from evisynth.validation.results import sentence, shown, verdict_of, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evisynth.validation.agreements import Agreement
    from evisynth.validation.operation import Tally
    from evisynth.validation.results import Validation

AS_PRINTED = "as printed"
HOLDS = "holds"


@attrs.frozen
class ValidationTable:
    """Hold one table: texts by row, and which columns are numbers."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[int, ...] = ()


@attrs.frozen
class ValidationTables:
    """Hold all tables of a report."""

    installation: ValidationTable
    arithmetic: ValidationTable
    sets: ValidationTable
    methods: ValidationTable
    matrix: ValidationTable
    reasons: ValidationTable
    divergences: ValidationTable
    details: ValidationTable
    performance: tuple[ValidationTable, ...]


def tables(made: Validation) -> ValidationTables:
    """Build all tables of a report."""
    return ValidationTables(
        installation(made),
        arithmetic(made),
        sets(made),
        methods(made),
        matrix(made),
        reasons(made),
        divergences(made),
        details(made),
        tuple(performance(made)),
    )


def summary(made: Validation) -> Iterator[ValidationTable]:
    """Give the tables of a terminal, in the order of the three qualifications."""
    yield installation(made)
    failing = tuple(row for row in arithmetic(made).rows if row[-1] != HOLDS)
    if failing:
        yield attrs.evolve(arithmetic(made), rows=failing)
    yield sets(made)
    yield methods(made)
    if made.operation.divergences:
        yield divergences(made)
    yield from performance(made)


def installation(made: Validation) -> ValidationTable:
    """List what is installed, and whether its files are those of the wheel."""
    rows = [("engine", f"evisynth {made.engine_version}", "")]
    for one in made.installation.files:
        said = one.reason or f"{one.checked} files as recorded"
        if not one.passed:
            said = f"{len(one.altered)} altered, {len(one.missing)} missing, {len(one.unrecorded)} added"
        rows.append(("files", f"{one.distribution} {one.version}".strip(), said))
    rows += [("version", name, value) for name, value in made.installation.versions.items()]
    rows += [("machine", name, value) for name, value in made.installation.machine.items()]
    tried = made.installation.arithmetic
    held = sum(one.passed for one in tried)
    rows.append(("machine", "arithmetic", f"{held} of {len(tried)} properties hold"))
    rows += [("R", name, value) for name, value in (made.live or {}).items()]
    return ValidationTable("Installation", ("", "What", "Found"), tuple(rows))


def arithmetic(made: Validation) -> ValidationTable:
    """List floating-point arithmetic and library functions."""
    rows = tuple(
        (one.name, one.expected, one.found, HOLDS if one.passed else "FAILS") for one in made.installation.arithmetic
    )
    return ValidationTable("Arithmetic of this machine", ("Property", "Expected", "Found", ""), rows)


def sets(made: Validation) -> ValidationTable:
    """List what each set of references holds methods to, and what became of it."""
    rows = tuple(
        (one.name, one.label, one.truth, f"{one.cases:,}", f"{one.numbers:,}", f"{one.seconds:.1f}", one.problem or "")
        for one in made.operation.sets
    )
    headings = ("Set", "What methods are held to", "Truth", "Cases", "Numbers", "Seconds", "Broke off")
    return ValidationTable("Sets of references", headings, rows, (3, 4, 5))


def methods(made: Validation) -> ValidationTable:
    """Give a row per method: what it was held to, and its worst number with the input that gave it."""
    rows: list[tuple[str, ...]] = []
    for method in made.operation.methods:
        found = [(one.name, made.operation.of(method, one.name)) for one in made.operation.sets]
        held = [(name, tally) for name, tally in found if tally is not None]
        cases, numbers = sum(len(tally.cases) for _, tally in held), sum(tally.numbers for _, tally in held)
        worst = max(held, key=lambda pair: _rank(pair[1]), default=None)
        said = ("NOT COMPARED", "", "", "") if worst is None else _said(worst[1])
        where = f"{worst[0]}: {said[-1]}" if worst is not None and said[-1] else ""
        names = ", ".join(name for name, _ in held)
        rows.append((method.kind, method.name, names, f"{cases:,}", f"{numbers:,}", *said[:-1], where))
    headings = ("Kind", "Method", "Held to", "Cases", "Numbers", "Verdict", "Worst error", "Digits", "Where")
    return ValidationTable("Methods", headings, tuple(rows), (3, 4, 6, 7))


def _rank(tally: Tally) -> tuple[int, float, float]:
    """Order tallies from the one that shows least to the one that shows most of what can be wrong."""
    largest = -1.0 if tally.largest is None else tally.largest.own_error
    worst = 0.0 if tally.worst is None else tally.worst.excess
    return tally.differs, largest, worst


def details(made: Validation) -> ValidationTable:
    """Give a row per method and set that compares it."""
    rows = tuple(
        (method.kind, method.name, one.name, f"{len(tally.cases):,}", f"{tally.numbers:,}", *_said(tally))
        for method in made.operation.methods
        for one in made.operation.sets
        if (tally := made.operation.of(method, one.name)) is not None
    )
    headings = ("Kind", "Method", "Set", "Cases", "Numbers", "Verdict", "Worst error", "Digits", "Where")
    return ValidationTable("Methods beside each set", headings, rows, (3, 4, 6, 7))


def _said(tally: Tally) -> tuple[str, str, str, str]:
    """Say verdict, worst error, digits and where of one method beside one set."""
    verdict = verdict_of(tally)
    if tally.diverges and verdict == "agrees":
        verdict = f"agrees, {tally.diverges} diverge"
    if tally.differs:
        worst = max(tally.differing, key=lambda one: one.excess)
        error, digits = (f"{worst.error:.1e}", f"{worst.digits:.1f}") if worst.numeric else ("", "")
        return verdict, error, digits, sentence(worst)
    largest = tally.largest
    if largest is None:
        printed = tally.worst is not None and tally.worst.printed
        return verdict, AS_PRINTED if printed else HOLDS if tally.agreeing else "", "", ""
    if largest.error == 0.0:
        return verdict, "0", f"{largest.digits:.1f}", ""
    return verdict, f"{largest.own_error:.1e}", f"{largest.digits:.1f}", _where(largest)


def _where(one: Agreement) -> str:
    grown = f", condition {one.condition:.3g}" if one.condition != 1.0 else ""
    return f"{one.case}, {one.quantity}{grown}"


def matrix(made: Validation) -> ValidationTable:
    """Set every method beside every set: how many numbers, or by which of the reasons below there are none."""
    names = tuple(one.name for one in made.operation.sets)
    numbered = _reasons(made)
    rows: list[tuple[str, ...]] = []
    for method in made.operation.methods:
        cells: list[str] = []
        for name in names:
            tally = made.operation.of(method, name)
            reason = made.operation.absences.get((key_of(method), name), "")
            cells.append(f"{tally.numbers:,}" if tally is not None else f"[{numbered[reason]}]" if reason else "SILENT")
        rows.append((method.kind, method.name, *cells))
    return ValidationTable("Coverage: numbers compared, or [reason]", ("Kind", "Method", *names), tuple(rows))


def reasons(made: Validation) -> ValidationTable:
    """List the reasons that the matrix refers to."""
    rows = tuple((f"[{number}]", reason) for reason, number in _reasons(made).items())
    return ValidationTable("Why a method is not compared", ("", "Reason"), rows)


def _reasons(made: Validation) -> dict[str, int]:
    found = dict.fromkeys(reason for reason in made.operation.absences.values() if reason)
    return {reason: number for number, reason in enumerate(found, start=1)}


def divergences(made: Validation) -> ValidationTable:
    """List known causes of differences, each with how often it was met and an example."""
    rows: list[tuple[str, ...]] = []
    for one in made.operation.divergences:
        named = dict.fromkeys(written(key) for key in one.methods)
        few = ", ".join(list(named)[:4]) + (f" and {len(named) - 4} more" if len(named) > 4 else "")  # noqa: PLR2004 - enough to see
        example = one.example
        rows.append(
            (
                one.set,
                one.cause,
                few,
                f"{one.count:,}",
                f"{example.case}, {example.quantity}: {shown(example.observed)} here, {shown(example.expected)} there",
            )
        )
    headings = ("Set", "Cause", "Methods", "Numbers", "Example")
    return ValidationTable("Divergences", headings, tuple(rows), (3,))


def performance(made: Validation) -> Iterator[ValidationTable]:
    """Give a table for each file of the user's."""
    for replay in made.performance:
        rows: list[tuple[str, ...]] = []
        for one in replay.analyses:
            numeric = [each for each in one.agreements if each.numeric]
            worst = max(numeric, key=lambda each: each.error, default=None)
            rows.append(
                (
                    one.place,
                    str(one.k),
                    f"{len(one.agreements):,}",
                    "" if worst is None else f"{worst.error:.1e}" if worst.error else "0",
                    "" if worst is None else f"{worst.digits:.1f}",
                    "differs" if one.differing else "agrees" if one.agreements else "–",
                    "; ".join(one.reasons) or ("" if worst is None or not worst.error else _where(worst)),
                )
            )
        stored = (
            "no results stored" if replay.stored is None else "{} of {} stored results agree".format(*replay.stored)
        )
        headings = ("Analysis", "k", "Numbers", "Worst error", "Digits", "Verdict", "Where, or why not")
        yield ValidationTable(f"{replay.source}: {stored}", headings, tuple(rows), (1, 2, 3, 4))


def closing(made: Validation) -> tuple[str, str]:
    """Say how much was compared, and whether it passed."""
    cases = sum(one.cases for one in made.operation.sets)
    quick = " (a share: --quick)" if made.quick else ""
    compared = {key for key, _ in made.operation.tallies}
    counted = f"{len(compared)} of {len(made.operation.methods)} methods, {len(made.operation.sets)} sets of references"
    short = sum(1 for _ in made.shortfalls())
    return (
        f"{counted}, {cases:,} cases, {made.numbers:,} numbers{quick} in {made.seconds:.0f} s",
        f"FAILED: {short} points fall short" if short else "PASSED: nothing falls short",
    )
