"""Hold the arms of trials as an outcome has them, and tell when two names are of one trial or one outcome."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

_YEAR = re.compile(r"\b((?:19|20)\d\d)([a-z]?)\b")
_APART = re.compile(r"[^0-9a-z]+")
ARM = {
    "events": (("events_1", "n_1"), ("events_2", "n_2")),
    "means": (("mean_1", "sd_1", "n_1"), ("mean_2", "sd_2", "n_2")),
    "effect": (("yi", "sei"), ()),
    "o_e": (("o_e", "o_e_variance"), ()),
}
"""Columns that a trial's arms consist of, by what the outcome counts."""
RELATIVE = 1e-6
"""Part by which two numbers may differ and still be the same, stored with other decimals."""


@attrs.frozen
class TrialName:
    """Hold what a name says of a trial: its author (or acronym) without accents, its year, and the letter after it."""

    author: str
    year: str | None
    letter: str


def trial_name(name: str, year: str | None = None) -> TrialName:
    """Take a study's name apart: ``Fathi-Kazerooni 2022b`` is ``fathi kazerooni``, ``2022``, ``b``."""
    plain = _plain(name)
    found = _YEAR.search(plain)
    author = (plain[: found.start()] + plain[found.end() :] if found is not None else plain).strip()
    author = " ".join(word for word in _APART.sub(" ", author).split() if word not in {"et", "al"})
    own = found[1] if found is not None else None
    # The year in the name is the one that readers know the trial by.
    return TrialName(author or plain, own or (year or "").strip() or None, found[2] if found is not None else "")


def outcome_words(name: str) -> str:
    """Reduce the name of an outcome to what is compared: words in lower case, without accents and punctuation."""
    return " ".join(_APART.sub(" ", _plain(name)).split())


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).casefold()


@attrs.frozen(kw_only=True)
class TrialRow:
    """Hold one row: a trial (or a part of one) in an outcome."""

    study: str
    """Id of the study within its source."""
    label: str
    name: TrialName
    data: Mapping[str, float]
    place: str
    """Of the outcome, the subgroup, or the row of the table."""
    overall: bool = True
    """Whether it is part of the outcome's overall result."""
    randomised: Mapping[str, float] = attrs.field(factory=dict[str, float])
    """Participants randomised by arm (``n_1``, ``n_2``), or in all (``n``), where that is said."""
    randomised_by: str = "column"
    """Where that is said."""

    @cached_property
    def kind(self) -> str | None:
        """Which of `ARM` the row is made of; None where it lacks some of it."""
        for kind, (one, two) in ARM.items():
            if all(name in self.data for name in (*one, *two)):
                return kind
        return None

    def arm(self, number: int) -> tuple[float, ...]:
        """Give the numbers of arm 1 or 2."""
        return () if self.kind is None else tuple(self.data[name] for name in ARM[self.kind][number - 1])

    @property
    def numbers(self) -> tuple[float, ...]:
        """Give the numbers of both arms."""
        return (*self.arm(1), *self.arm(2))

    @property
    def telling(self) -> bool:
        """Whether another row is unlikely to have the same numbers by chance."""
        if self.kind != "events":
            return self.kind is not None
        return self.data["events_1"] + self.data["events_2"] > 0

    def shown(self, number: int | None = None) -> str:
        """Show an arm, or both, as ``3/29`` or ``mean 4.1, SD 2, n 30``."""
        if number is None:
            arms = [self.shown(1), *([self.shown(2)] if self.arm(2) else [])]
            return " v ".join(arms)
        numbers = self.arm(number)
        if self.kind == "events":
            return "/".join(f"{value:g}" for value in numbers)
        words = {"means": ("mean", "SD", "n"), "effect": ("effect", "SE"), "o_e": ("O-E", "variance")}[self.kind or ""]
        return ", ".join(f"{word} {value:g}" for word, value in zip(words, numbers, strict=True))


@attrs.frozen(kw_only=True)
class OutcomeRows:
    """Hold the rows of one outcome."""

    source: str
    place: str
    name: str
    comparison: str
    """Place of the comparison."""
    rows: tuple[TrialRow, ...]
    pooled: bool = True
    """Whether all rows are pooled into one result."""

    @cached_property
    def words(self) -> str:
        """The name as it is compared."""
        return outcome_words(self.name)

    @cached_property
    def single(self) -> Mapping[TrialName, TrialRow]:
        """The trials that have one row here, by their names."""
        counts = Counter(row.name for row in self.rows)
        return {row.name: row for row in self.rows if counts[row.name] == 1}


def same(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether numbers are the same, but for the decimals that they are stored with."""
    return len(one) == len(other) and all(
        abs(a - b) <= RELATIVE * max(abs(a), abs(b)) for a, b in zip(one, other, strict=True)
    )
