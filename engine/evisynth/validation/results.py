"""Hold a whole validation, and give it as JSON."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import attrs

from evisynth.documents import strict_json
from evisynth.validation.agreements import Agreement, key_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evisynth.records import Method
    from evisynth.validation.agreements import MethodKey
    from evisynth.validation.installation import Installation
    from evisynth.validation.operation import Operation, Tally
    from evisynth.validation.performance import Performance
    from evisynth.validation.tables import ValidationTables

SCHEMA = "evisynth validation 1"


@attrs.frozen(eq=False)
class Validation:
    """Hold the three qualifications: of the installation, of the operation, and of performance on the user's data."""

    engine_version: str
    started: str
    """UTC, to the second."""
    seconds: float
    quick: bool
    installation: Installation
    operation: Operation
    performance: tuple[Performance, ...] = ()
    live: Mapping[str, str] | None = None
    """R and its packages, where they were asked; None where not."""

    @property
    def passed(self) -> bool:
        """Whether nothing falls short."""
        return self.installation.passed and self.operation.passed and all(one.passed for one in self.performance)

    @property
    def numbers(self) -> int:
        """How many numbers were compared with references."""
        return sum(one.numbers for one in self.operation.sets)

    def shortfalls(self) -> Iterator[str]:
        """Say in a line each what falls short."""
        yield from _of_installation(self.installation)
        yield from _of_operation(self.operation)
        for replay in self.performance:
            yield from (f"{replay.source}: {line}" for line in replay.disagreements)
            for analysis in replay.analyses:
                yield from (f"{replay.source}, {sentence(number)}" for number in analysis.differing)

    @property
    def closing(self) -> tuple[str, str]:
        """How much was compared, and whether it passed, in a line each."""
        from evisynth.validation.tables import closing  # noqa: PLC0415 - tables are made of this class

        return closing(self)

    def tables(self) -> ValidationTables:
        """Give the tables that reports show."""
        from evisynth.validation.tables import tables  # noqa: PLC0415 - as above

        return tables(self)

    def to_dict(self) -> dict[str, Any]:
        """Give everything as JSON-ready values."""
        return {
            "schema": SCHEMA,
            "passed": self.passed,
            "engine": self.engine_version,
            "started": self.started,
            "seconds": round(self.seconds, 1),
            "quick": self.quick,
            "shortfalls": list(self.shortfalls()),
            "installation": {
                **attrs.asdict(self.installation),
                "passed": self.installation.passed,
            },
            "sets": [attrs.asdict(one) for one in self.operation.sets],
            "methods": [self._method(method) for method in self.operation.methods],
            "divergences": [
                {
                    "set": one.set,
                    "cause": one.cause,
                    "methods": [list(key) for key in one.methods],
                    "count": one.count,
                    "example": _number(one.example),
                }
                for one in self.operation.divergences
            ],
            "performance": [_replay(one) for one in self.performance],
            "live_r": None if self.live is None else dict(self.live),
        }

    def to_json(self, *, indent: int | None = None) -> str:
        """Write everything as JSON."""
        return strict_json(self.to_dict(), indent=indent)

    def _method(self, method: Method) -> dict[str, Any]:
        key = key_of(method)
        sets = [(one.name, self.operation.tallies.get((key, one.name))) for one in self.operation.sets]
        return {
            "kind": method.kind,
            "name": method.name,
            "distribution": self.operation.distributions[key],
            "reference": method.reference,
            "sets": [_tally(name, tally) for name, tally in sets if tally is not None],
            "absent": [
                {"set": name, "reason": self.operation.absences[key, name]} for name, tally in sets if tally is None
            ],
        }


def _of_installation(made: Installation) -> Iterator[str]:
    for files in made.files:
        for what, names in (("altered", files.altered), ("missing", files.missing), ("added", files.unrecorded)):
            yield from (f"{files.distribution}: file {name} is {what}" for name in names)
    yield from (f"plugin left out: {plugin}" for plugin in made.broken_plugins)
    for check in made.arithmetic:
        if not check.passed:
            yield f"arithmetic: {check.name}: {check.found} instead of {check.expected}"


def _of_operation(made: Operation) -> Iterator[str]:
    for one in made.sets:
        if one.problem:
            yield f"reference set {one.name} broke off: {one.problem}"
    for key, name, tally in made.differing:
        worst = max(tally.differing, key=lambda each: each.excess)
        yield f"{written(key)}: {tally.differs} of {tally.numbers} numbers differ from {name}; {sentence(worst)}"
    for key, name in made.silent:
        yield f"{written(key)}: {name} neither compares it nor says why not"
    for method in made.uncompared:
        yield f"{written(key_of(method))}: no set of references compares it"


def written(key: MethodKey) -> str:
    """Write kind and name of a method."""
    return f"{key[0]} {key[1]}"


def shown(number: object) -> str:
    """Write a number with all its digits, anything else as it is."""
    return f"{number!r}" if isinstance(number, float) else str(number)


def sentence(one: Agreement) -> str:
    """Say what one number is and what it is held to."""
    return f"{one.case}, {one.quantity}: {shown(one.observed)} instead of {shown(one.expected)}"


def verdict_of(tally: Tally) -> str:
    """Say in a word what a method's numbers are beside a set."""
    return "differs" if tally.differs else "diverges" if tally.diverges and not tally.agreeing else "agrees"


def _tally(name: str, tally: Tally) -> dict[str, Any]:
    largest = tally.largest
    return {
        "set": name,
        "verdict": verdict_of(tally),
        "cases": len(tally.cases),
        "numbers": tally.numbers,
        "differ": tally.differs,
        "diverge": tally.diverges,
        "worst_error": None if largest is None else _finite(largest.own_error),
        "digits": None if largest is None else round(largest.digits, 1),
        "worst": None if largest is None else _number(largest),
        "nearest_to_tolerance": None if tally.worst is None else _number(tally.worst),
        "differing": [_number(one) for one in tally.differing],
    }


def _number(one: Agreement) -> dict[str, Any]:
    return {
        "case": one.case,
        "quantity": one.quantity,
        "expected": _finite(one.expected),
        "observed": _finite(one.observed),
        "error": _finite(one.error),
        "tolerance": one.tolerance,
        "condition": _finite(one.condition),
        "floor": one.floor,
        "digits": round(one.digits, 1),
    }


def _finite(value: Any) -> Any:  # noqa: ANN401 - a number or a word
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _replay(one: Performance) -> dict[str, Any]:
    return {
        "source": one.source,
        "kind": one.kind,
        "passed": one.passed,
        "stored": None if one.stored is None else {"agree": one.stored[0], "compared": one.stored[1]},
        "disagreements": list(one.disagreements),
        "not_compared": dict(one.not_compared),
        "analyses": [
            {
                "place": analysis.place,
                "k": analysis.k,
                "seconds": round(analysis.seconds, 3),
                "numbers": len(analysis.agreements),
                "worst": _worst(analysis.agreements),
                "differing": [_number(number) for number in analysis.differing],
                "reasons": list(analysis.reasons),
            }
            for analysis in one.analyses
        ],
    }


def _worst(found: tuple[Agreement, ...]) -> dict[str, Any] | None:
    numeric = [one for one in found if one.numeric]
    return _number(max(numeric, key=lambda one: one.excess)) if numeric else None
