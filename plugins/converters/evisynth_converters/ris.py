"""Read and write references in RIS, one study per name.

A study's name stands under the tag ``NS`` in packages of Cochrane reviews, several references may have the same one;
elsewhere a reference is a study of its own, named by its first author and year. Two forms of the standard are told
apart by nothing, so authors are taken as it has them: "Surname, Initials", or an organisation where there is no comma.
"""

from __future__ import annotations

import re
from collections import Counter
from importlib import import_module
from itertools import count
from typing import TYPE_CHECKING, Any

from evisynth import Converter, FormatError, Review, ReviewReference, ReviewStudy, Source, hookimpl
from evisynth_converters.ris_fields import reference_of, tags_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

REFERENCE = "Research Information Systems (2001), RIS Format Specifications; Clarivate (2012), RIS Format"

_TAGGED = re.compile(r"\s{0,3}(?:([A-Z][A-Z0-9]) {2}|(TY|ER) ?)-(.*)")
_STARTS = re.compile(r"\s*(?:\[?\d+\]?\.?\s+)?TY {0,2}-")
_COUNTER = re.compile(r"\[?\d*\]?\.?")
_INITIALS = re.compile(r"(?:[^\W\d_]\.?-?){1,4}")
_YEAR_AT_END = re.compile(r"\b(1[5-9]\d\d|2[01]\d\d)[a-z]{0,2}$")
_LONGEST_NAME = 60
MOST_REFERENCES = 50_000
"""References of a file; a search of several databases gives some thousands."""


def recognises(source: Source) -> float:
    """Look whether the file begins with a reference, or with a count of it."""
    if source.path is None:
        return 0.0
    if _STARTS.match(source.head.decode("utf-8-sig", errors="replace")):
        return 0.9
    return 0.3 if source.suffix == ".ris" else 0.0


def references_of(text: str) -> list[tuple[str | None, ReviewReference]]:
    """Give each reference of a text with the name of its study, None where it names none, in the order of the text.

    An end that is missing is where the next reference begins. Lines without a tag continue the one above. A reference
    that names its study and nothing else is there, without fields.
    """
    return [(_name_of(tags), reference_of(tags)) for tags in _entries(text)[0]]


def read(source: Source) -> Review:
    """Join references by the names of their studies.

    Raises `FormatError` where there is no reference. Lines outside of references and empty references are noted.
    """
    text = source.text
    entries, strays = _entries(text)
    if not entries:
        msg = f"{source.name} holds no reference: each begins with a line 'TY  - ' (JOUR, BOOK …) in RIS"
        raise FormatError(msg)
    references = [(_name_of(tags), reference_of(tags)) for tags in entries]
    empty = [i for i, (name, reference) in enumerate(references, 1) if name is None and _is_empty(reference)]
    notes = [f"reference {i} of {source.name} is empty and left out" for i in empty[:20]]
    if len(empty) > len(notes):
        notes.append(f"and {len(empty) - len(notes)} more empty references of {source.name}")
    notes += [f"{source.name}, line {number}: {line!r} belongs to no reference" for number, line in strays[:20]]
    if len(strays) > 20:  # noqa: PLR2004 - as many as are shown
        notes.append(f"and {len(strays) - 20} more lines of {source.name} that belong to no reference")
    return Review(studies=tuple(_studies(references)), source=source.name, notes=tuple(notes))


def _entries(text: str) -> tuple[list[dict[str, list[str]]], list[tuple[int, str]]]:
    """Split a text into the tags of each reference, and the lines outside of them with their numbers."""
    entries: list[list[tuple[str, list[str]]]] = []
    strays: list[tuple[int, str]] = []
    open_ = False
    for number, line in enumerate(re.split(r"\r\n?|\n", text.removeprefix("\ufeff")), 1):
        found = _TAGGED.fullmatch(line)
        tag, value = (found[1] or found[2], found[3].strip()) if found else ("", line.strip())
        if tag == "TY":
            entries.append([(tag, [value])])
            if len(entries) > MOST_REFERENCES:
                msg = f"a file holds more than {MOST_REFERENCES:,} references: give those of the studies alone"
                raise FormatError(msg)
            open_ = True
        elif not open_:
            if tag != "ER" and not _COUNTER.fullmatch(value):
                strays.append((number, line.strip()[:80]))
        elif tag == "ER":
            open_ = False
        elif tag:
            entries[-1].append((tag, [value]))
        elif value:
            above, so_far = entries[-1][-1]
            if above == "TY":
                entries[-1].append(("N1", [value]))
            else:
                so_far.append(value)
    return _parsed(entries), strays


def _parsed(entries: Sequence[Sequence[tuple[str, list[str]]]]) -> list[dict[str, list[str]]]:
    """Let rispy read what has one line for every value and an end for every reference."""
    rispy: Any = import_module("rispy")  # it ships no types, and only references need it
    lines = (f"{tag}  - {' '.join(value).strip()}" for entry in entries for tag, value in (*entry, ("ER", [""])))
    # Every tag by itself and as a list, so that none that is repeated replaces the one before.
    tags = {tag for entry in entries for tag, _ in entry} | {"TY", "ER", "UK"}
    parsed: list[dict[str, Any]] = rispy.loads(
        "\n".join(lines), mapping={tag: tag for tag in tags}, list_tags=sorted(tags), delimiter_tags_mapping={}
    )
    return [{tag: [held] if isinstance(held, str) else held for tag, held in entry.items()} for entry in parsed]


def _name_of(tags: dict[str, list[str]]) -> str | None:
    return next((" ".join(name.split()) for name in tags.get("NS", ()) if name), None)


def _is_empty(reference: ReviewReference) -> bool:
    return not (reference.fields or reference.identifiers or reference.notes)


def _studies(references: Sequence[tuple[str | None, ReviewReference]]) -> Iterator[ReviewStudy]:
    """Make a study of the references of each name, and of each reference without one."""
    given = {name for name, _ in references if name is not None}
    unnamed = [
        (i, _made_name(reference, i))
        for i, (name, reference) in enumerate(references, 1)
        if name is None and not _is_empty(reference)
    ]
    counts = Counter(name for _, name in unnamed)
    taken = set(given)
    letters: dict[str, Iterator[int]] = {}
    made: dict[int, str] = {}
    for i, name in unnamed:
        if counts[name] == 1 and name not in taken:
            made[i] = name
        else:
            made[i] = _distinct(name, taken, letters.setdefault(name, count()))
        taken.add(made[i])
    held: dict[str, list[ReviewReference]] = {}
    for i, (given_name, reference) in enumerate(references, 1):
        study = given_name if given_name is not None else made.get(i)
        if study is not None:
            held.setdefault(study, []).extend([] if _is_empty(reference) else [reference])
    for name, of_study in held.items():
        # References of a study may have several years: which is its own, only its name says.
        year = _YEAR_AT_END.search(name)
        yield ReviewStudy(id=name, name=name, year=year[1] if year else None, references=tuple(of_study))


def _made_name(reference: ReviewReference, number: int) -> str:
    fields = reference.fields
    author = fields.get("authors", "").partition("; ")[0] or fields.get("editors", "").partition("; ")[0]
    surname, comma, _ = author.partition(",")
    words = surname.split()
    if not comma and len(words) > 1 and words[-1].isupper() and _INITIALS.fullmatch(words[-1]):
        words = words[:-1]
    name = " ".join(words) or " ".join(fields.get("title", "").split()) or f"Reference {number}"
    return " ".join((name[:_LONGEST_NAME].strip(), *fields.get("year", "").split())).strip()


def _distinct(name: str, taken: set[str], letters: Iterator[int]) -> str:
    return next(made for i in letters if (made := f"{name}{_letters(i)}") not in taken)


def _letters(number: int) -> str:
    more, last = divmod(number, 26)
    return (_letters(more - 1) if more else "") + chr(ord("a") + last)


def write_review(review: Review) -> bytes:
    """Write the references of all studies as RIS in UTF-8, each with the name of its study.

    RIS holds neither which studies are included nor which reference is the primary one, no identifiers of studies and
    nothing else of a review. A study without references is an entry with its name alone. Raises `FormatError` where
    there are no studies, and where two have the same name, since reading would make them one.
    """
    if not review.studies:
        msg = "a review without studies has nothing to write as RIS"
        raise FormatError(msg)
    names = [" ".join(study.name.split()) for study in review.studies]
    same = sorted(name for name, times in Counter(names).items() if times > 1 or not name)
    if same:
        msg = f"studies of the same name cannot be told apart in RIS: {', '.join(map(repr, same[:5]))}; rename them"
        raise FormatError(msg)
    empty = ReviewReference(kind="JOURNAL_ARTICLE")
    entries = [
        [*tags_of(reference), ("NS", name), ("ER", "")]
        for name, study in zip(names, review.studies, strict=True)
        for reference in study.references or (empty,)
    ]
    return "\n".join("".join(f"{tag}  - {value}\n" for tag, value in entry) for entry in entries).encode()


@hookimpl
def converters() -> list[Converter]:
    """Offer references in RIS."""
    return [
        Converter(
            "ris",
            read,
            recognises=recognises,
            suffixes=(".ris",),
            write_review=write_review,
            whole_review=False,
            reference=REFERENCE,
        )
    ]
