"""Read what validation found: the file of ``evisynth validate --json``, and the grid of deciding references."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from evisynth import Method

WORST_FIRST = ("differs", "diverges", "agrees")
SIGNS = {"agrees": "✓ agrees", "diverges": "≠ diverges, cause known", "differs": "✗ differs"}


@attrs.frozen
class OfSet:
    """Hold what one set of references found of one method."""

    set: str
    cases: int
    numbers: int
    worst_error: float | None
    digits: float | None
    verdict: str


@attrs.frozen
class OfMethod:
    """Hold what all sets found of one method, which sets do not compare it and why, and what decides it."""

    sets: tuple[OfSet, ...] = ()
    absent: tuple[tuple[str, str], ...] = ()
    deciding: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """The worst verdict of any set; empty where no set has compared the method."""
        seen = {one.verdict for one in self.sets}
        return next((verdict for verdict in WORST_FIRST if verdict in seen), "")

    @property
    def words(self) -> str:
        """The verdict for readers."""
        numbers = sum(one.numbers for one in self.sets)
        return f"{SIGNS[self.verdict]} ({numbers:,})" if self.verdict else "not among the stored results"


@attrs.frozen
class Status:
    """Hold what validation found, by kind and name."""

    methods: dict[tuple[str, str], OfMethod]
    ran: str = ""
    """Of which engine, when and how much; empty where there is no file."""

    def of(self, method: Method) -> OfMethod:
        """Give what was found of a method: nothing, for one that was not there when validation ran."""
        return self.methods.get((method.kind, method.name), OfMethod())


def read_status(path: Path) -> Status:
    """Read the results; without such a file every method has its deciding references only."""
    grid: dict[str, Any] = json.loads(files("evisynth_validation").joinpath("grid.json").read_text(encoding="utf-8"))
    del grid["about"]
    deciding: dict[tuple[str, str], tuple[str, ...]] = {
        (kind, name): tuple(references) for kind, methods in grid.items() for name, references in methods.items()
    }
    held: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"methods": []}
    found = {(one["kind"], one["name"]): one for one in held["methods"]}
    return Status(
        {key: _of_method(found.get(key, {}), deciding.get(key, ())) for key in {*found, *deciding}},
        _ran(held),
    )


def _ran(held: dict[str, Any]) -> str:
    if "engine" not in held:
        return ""
    share = ", with a share of the cases" if held.get("quick") else ""
    return f" of evisynth {held['engine']} on {str(held.get('started', '')).partition('T')[0]}{share}"


def _of_method(found: dict[str, Any], deciding: Iterable[str]) -> OfMethod:
    return OfMethod(
        tuple(
            OfSet(
                one["set"],
                int(one["cases"]),
                int(one["numbers"]),
                one.get("worst_error"),
                one.get("digits"),
                one["verdict"],
            )
            for one in found.get("sets", ())
        ),
        tuple((one["set"], one["reason"]) for one in found.get("absent", ())),
        tuple(deciding),
    )
