"""Qualify the operation: every method asked for beside every set of references that applies to it."""

from __future__ import annotations

import warnings
from time import perf_counter
from typing import TYPE_CHECKING, Any

import attrs

from evisynth.errors import DataWarning, PluginWarning
from evisynth.records import ReferenceSet
from evisynth.validation.agreements import Agreement, MethodKey, key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from evisynth.records import Method
    from evisynth.validation.asking import Asked
    from evisynth.validation.live_r import LiveReason

SHOWN = 20
"""Differing numbers that are kept of a method beside a set; the others are counted."""
IN_A_QUICK_RUN = "not among the share of cases that a quick run takes"
ASKED_FOR_SETS = "sets of references are what methods are held to"


@attrs.define
class Tally:
    """Count what a method gave beside one set."""

    cases: set[str] = attrs.field(factory=set[str])
    numbers: int = 0
    agreeing: int = 0
    worst: Agreement | None = None
    """The number nearest to (or furthest beyond) what is allowed, of those that agree or differ."""
    largest: Agreement | None = None
    """The number with the largest error by its condition number, of those held to more digits than a paper prints."""
    differing: list[Agreement] = attrs.field(factory=list[Agreement])
    differs: int = 0
    diverges: int = 0

    def add(self, one: Agreement) -> None:
        """Count a number."""
        self.numbers += 1
        self.cases.add(one.case)
        verdict = one.verdict
        if verdict == "diverges":
            self.diverges += 1
            return
        if self.worst is None or one.excess > self.worst.excess:
            self.worst = one
        if one.numeric and not one.printed and (self.largest is None or one.own_error > self.largest.own_error):
            self.largest = one
        if verdict == "differs":
            self.differs += 1
            if len(self.differing) < SHOWN:
                self.differing.append(one)
        else:
            self.agreeing += 1


@attrs.frozen
class SetRun:
    """Say what became of one set of references."""

    name: str
    label: str
    truth: str
    reference: str
    distribution: str
    numbers: int
    cases: int
    seconds: float
    problem: str | None = None
    """Why it broke off; None where it ran to its end."""


@attrs.frozen
class Divergence:
    """Hold a known cause of differences, with how often it was met and one example."""

    set: str
    cause: str
    methods: tuple[MethodKey, ...]
    count: int
    example: Agreement


@attrs.frozen
class Operation:
    """Hold what every method gave beside every set."""

    methods: tuple[Method, ...]
    distributions: Mapping[MethodKey, str]
    sets: tuple[SetRun, ...]
    tallies: Mapping[tuple[MethodKey, str], Tally]
    absences: Mapping[tuple[MethodKey, str], str]
    divergences: tuple[Divergence, ...]
    quick: bool = False

    def of(self, method: Method, name: str) -> Tally | None:
        """Give what a method gave beside a set; None where it is not among those that it compares."""
        return self.tallies.get((key_of(method), name))

    @property
    def silent(self) -> tuple[tuple[MethodKey, str], ...]:
        """Methods that a set neither compares nor gives a reason for."""
        return tuple(place for place, reason in self.absences.items() if not reason.strip())

    @property
    def differing(self) -> Iterator[tuple[MethodKey, str, Tally]]:
        """Methods with a number that differs, each with the set."""
        return ((key, name, tally) for (key, name), tally in self.tallies.items() if tally.differs)

    @property
    def uncompared(self) -> tuple[Method, ...]:
        """Methods that no set compares; a quick run, which leaves out what takes long, has none."""
        if self.quick:
            return ()
        compared = {key for key, _ in self.tallies}
        return tuple(method for method in self.methods if key_of(method) not in compared)

    @property
    def passed(self) -> bool:
        """Whether every set ran to its end, no number differs and no method is absent without a reason."""
        broken = any(one.problem for one in self.sets)
        return not (broken or self.silent or self.uncompared or any(True for _ in self.differing))


@attrs.frozen
class Source:
    """A set of references as it is run: one of a plugin's, or R on this machine."""

    name: str
    label: str
    truth: str
    reference: str
    distribution: str
    function: Callable[[Asked], Iterable[Agreement]]
    absent: Callable[[Method], str]


def sources_of(asked: Asked) -> list[Source]:
    """Give every set of references in the registry, whichever methods are asked for."""
    return [
        Source(
            one.name,
            one.label,
            one.truth,
            one.reference,
            plugin.distribution,
            one.function,
            one.absent,
        )
        for one, plugin in asked.registry
        if isinstance(one, ReferenceSet)
    ]


LIVE = "live R"


def live_source(comparison: Callable[[Asked], Iterable[Agreement | LiveReason]]) -> Source:
    """Make a source of R on this machine, whose reasons are known when it has been asked."""
    reasons: dict[MethodKey, str] = {}

    def agreements(asked: Asked) -> Iterator[Agreement]:
        for one in comparison(asked):
            if isinstance(one, Agreement):
                yield one
            elif not one.case:
                reasons[one.method] = one.text

    return Source(
        LIVE,
        "R on this machine, by each method's own R call on made data",
        "program",
        "R Core Team, R: A Language and Environment for Statistical Computing, and the packages of the calls",
        "evisynth",
        agreements,
        lambda method: reasons.get(key_of(method), ""),
    )


def qualify_operation(
    asked: Asked, sources: Sequence[Source], progress: Callable[[str, int], object] | None = None
) -> Operation:
    """Run every set; a set that raises is said to have broken off, and the others go on.

    ``progress`` is told the set and the count of its numbers so far.
    """
    methods = tuple(method for method, _ in asked.registry if method in asked and not isinstance(method, ReferenceSet))
    distributions = {key_of(method): plugin.distribution for method, plugin in asked.registry}
    wanted = {key_of(method) for method in methods}
    tallies: dict[tuple[MethodKey, str], Tally] = {}
    causes: dict[tuple[str, str], list[Agreement]] = {}
    runs: list[SetRun] = []
    for source in sources:
        start, numbers, cases, problem = perf_counter(), 0, set[str](), None
        try:
            for one in _quietly(source.function(asked)):
                keys = wanted.intersection(one.methods)
                if not keys:
                    continue
                numbers += 1
                cases.add(one.case)
                for key in keys:
                    tallies.setdefault((key, source.name), Tally()).add(one)
                if one.verdict == "diverges":
                    causes.setdefault((source.name, one.divergence), []).append(one)
                if progress is not None:
                    progress(source.name, numbers)
        except Exception as error:  # noqa: BLE001 - a method may fail in any way, and the others are to be seen too
            problem = f"{type(error).__name__}: {error}"
        seconds = perf_counter() - start
        runs.append(
            SetRun(
                source.name,
                source.label,
                source.truth,
                source.reference,
                source.distribution,
                numbers,
                len(cases),
                seconds,
                problem,
            )
        )
        if progress is not None:
            progress(source.name, -1)
    absences = {
        (key_of(method), source.name): source.absent(method) or (IN_A_QUICK_RUN if asked.quick else "")
        for source in sources
        for method in methods
        if (key_of(method), source.name) not in tallies
    }
    divergences = tuple(_divergence(name, cause, found) for (name, cause), found in causes.items())
    return Operation(methods, distributions, tuple(runs), tallies, absences, divergences, asked.quick)


def _divergence(name: str, cause: str, found: Sequence[Agreement]) -> Divergence:
    methods = tuple(dict.fromkeys(key for one in found for key in one.methods))
    return Divergence(name, cause, methods, len(found), max(found, key=lambda one: one.error))


def _quietly(found: Iterable[Agreement]) -> Iterator[Agreement]:
    """Go through agreements without the engine's warnings: sparse data are looked for here, not stumbled on."""
    iterator = iter(found)
    done: Any = object()
    while True:
        with warnings.catch_warnings():
            for category in (DataWarning, PluginWarning):
                warnings.simplefilter("ignore", category)
            one = next(iterator, done)
        if one is done:
            return
        yield one
