"""Match the studies of one source with those of another, by name or by id."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

from evisynth.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evisynth.reviews.model import ReviewStudy

By: TypeAlias = Literal["name", "id"]

_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")


@attrs.frozen
class Matches:
    """Hold what became of each study of a part: the one it matches, by id, or none; and what is in the way."""

    found: Mapping[str, ReviewStudy]
    missing: tuple[ReviewStudy, ...]
    problems: tuple[Problem, ...]


def folded_name(name: str) -> str:
    """Reduce a name to its letters and digits: "Shu 2020" is "Shu, 2020"; a name without any stays as it is."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join(character for character in plain if character.isalnum()) or plain.strip()


def match_studies(known: Sequence[ReviewStudy], of_part: Iterable[ReviewStudy], by: By) -> Matches:
    """Find the known study that each study of a part is.

    By name, the same text goes before the same letters and digits, and these before the name with the year after it
    ("Shu" of 2020 is "Shu 2020"). Problems are names that several known studies have, known studies that two of the
    part are, and years that differ.
    """
    tables = [_table(known, key) for key in (_KEYS_BY_NAME if by == "name" else (_id,))]
    found: dict[str, ReviewStudy] = {}
    missing: list[ReviewStudy] = []
    problems: list[Problem] = []
    taken: dict[str, ReviewStudy] = {}
    for study in of_part:
        candidates = _candidates(study, tables)
        if not candidates:
            missing.append(study)
            continue
        match = candidates[0]
        other = taken.setdefault(match.id, study)
        if len(candidates) > 1:
            names = ", ".join(repr(one.name) for one in candidates)
            problems.append(Problem(None, study.name, "study", None, f"may be any of {names}"))
        elif other is not study:
            problems.append(Problem(None, study.name, "study", None, f"is {match.name!r}, as is {other.name!r}"))
        elif _years_differ(study.year, match.year):
            message = f"matches {match.name!r}, whose year is {match.year}"
            problems.append(Problem(None, study.name, "year", study.year, message))
        found[study.id] = match
    return Matches(found, tuple(missing), tuple(problems))


def _years_differ(one: str | None, other: str | None) -> bool:
    # "2020", "2020a" and "2020/3" are of one year, and "in press" of none.
    years = [_YEAR.search(text or "") for text in (one, other)]
    return len({year[0] for year in years if year is not None}) > 1


def near_name(name: str, known: Iterable[ReviewStudy]) -> str | None:
    """Give the known name that is most like a name, None where none is near."""
    # difflib is slow to import, and only names that match none need it.
    from difflib import get_close_matches  # noqa: PLC0415

    by_folded = {folded_name(study.name): study.name for study in known}
    near = get_close_matches(folded_name(name), by_folded, n=1, cutoff=0.8)
    return by_folded[near[0]] if near else None


def _id(study: ReviewStudy) -> str:
    return study.id


def _name(study: ReviewStudy) -> str:
    return " ".join(study.name.split())


def _folded(study: ReviewStudy) -> str:
    return folded_name(study.name)


def _with_year(study: ReviewStudy) -> str:
    folded, year = folded_name(study.name), study.year or ""
    return folded if folded.endswith(year) else folded + year


_KEYS_BY_NAME = (_name, _folded, _with_year)


def _table(known: Sequence[ReviewStudy], key: _Key) -> tuple[_Key, Mapping[str, Sequence[ReviewStudy]]]:
    held: dict[str, list[ReviewStudy]] = {}
    for study in known:
        held.setdefault(key(study), []).append(study)
    return key, held


def _candidates(
    study: ReviewStudy, tables: Sequence[tuple[_Key, Mapping[str, Sequence[ReviewStudy]]]]
) -> Sequence[ReviewStudy]:
    for key, held in tables:
        candidates = held.get(key(study), ())
        if candidates:
            return candidates
    return ()


if TYPE_CHECKING:
    from collections.abc import Callable

    _Key: TypeAlias = Callable[[ReviewStudy], str]
