"""Translate between the tags of a RIS reference and the fields, identifiers and notes of a `ReviewReference`.

Several tags name the same thing in different programs' files: the first that a reference has is the field, the others
stay beside it by rispy's names (``journal_name``, ``publication_year`` …), and tags that rispy does not know by
themselves. A tag that is repeated is one text, its values separated by "; " where they are names or keywords and by
line breaks elsewhere.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING, Any

from evisynth import ReviewReference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

KINDS: Mapping[str, tuple[str, ...]] = {
    "JOURNAL_ARTICLE": ("JOUR", "EJOUR", "MGZN", "JFULL"),
    "BOOK": ("BOOK", "EBOOK", "EDBOOK"),
    "BOOK_SECTION": ("CHAP", "ECHAP"),
    "CONFERENCE_PROC": ("CONF", "CPAPER"),
    "CORRESPONDENCE": ("PCOMM", "ICOMM"),
    "COMPUTER_PROGRAM": ("COMP",),
    "UNPUBLISHED": ("UNPB", "MANSCPT"),
    "OTHER": ("GEN",),
}
"""Kinds by the words of RevMan, with the types of RIS that are of that kind; the first is the one that is written."""
_KIND_OF_TYPE = {type_: kind for kind, types in KINDS.items() for type_ in types}
_TYPE = "type_of_reference"

TAGS: Mapping[str, tuple[str, ...]] = {
    "authors": ("AU", "A1"),
    "title": ("TI", "T1"),
    "source": ("T2", "JO", "JF", "BT", "JA", "J2"),
    "year": ("PY", "Y1"),
    "volume": ("VL",),
    "issue": ("IS", "CP"),
    "publisher": ("PB",),
    "city": ("CY",),
    "editors": ("A2", "ED"),
    "abstract": ("AB", "N2"),
    "keywords": ("KW",),
    "url": ("UR",),
}
"""Fields, with the tags that name them in order of precedence; the first is the one that is written."""

_LISTS = frozenset({"AU", "A1", "A2", "A3", "A4", "ED", "KW"})
_TAG = re.compile(r"[A-Z][A-Z0-9]")
_YEAR = re.compile(r"(?<!\d)(1[5-9]|20|21)\d\d(?!\d)")
_PAGES = re.compile(r"[^\s-]+-[^\s-]+")
_DOI = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:\s*)", re.IGNORECASE)
_NAMED = re.compile(r"([A-Z][A-Z0-9_]+): ?(\S.*)")
_PUBMED = re.compile(r"pubmed|medline|\bnlm\b", re.IGNORECASE)


def reference_of(tags: Mapping[str, Sequence[str]]) -> ReviewReference:
    """Make a reference of the values of its tags; the study's name (``NS``) is not part of it."""
    held = {tag: _joined(tag, values) for tag, values in tags.items() if tag not in {"TY", "NS", "N1"}}
    held = {tag: text for tag, text in held.items() if text}
    identifiers = tuple(_identifiers(held))
    fields: dict[str, str] = {}
    for name, known in TAGS.items():
        tag = next((tag for tag in known if tag in held), None)
        if tag is not None:
            fields[name] = held.pop(tag)
    if "SP" in held:
        fields["pages"] = "-".join(held.pop(tag) for tag in ("SP", "EP") if tag in held)
    fields |= _year(fields, held)
    type_ = next(iter(tags.get("TY", ())), "").upper()
    kind = _KIND_OF_TYPE.get(type_, "OTHER")
    if type_ not in {KINDS[kind][0], ""}:
        fields[_TYPE] = type_
    names = _names()
    fields |= {names.get(tag, tag): text for tag, text in held.items()}
    return ReviewReference(
        kind=kind, fields=fields, identifiers=identifiers, notes=_joined("N1", tags.get("N1", ())) or None
    )


def tags_of(reference: ReviewReference) -> Iterator[tuple[str, str]]:
    """Give the tags of a reference with their values, a line each, from its type to its notes.

    A kind that RIS lacks becomes the nearest, and a field that it lacks a note that begins with the field's name.
    """
    fields = dict(reference.fields)
    kind = reference.kind if reference.kind in KINDS else "OTHER"
    if reference.kind.startswith("COCHRANE_"):
        kind = "JOURNAL_ARTICLE"
    type_ = fields.get(_TYPE, "")
    if type_ and type_ == " ".join(type_.split()) and _KIND_OF_TYPE.get(type_, "OTHER") == kind:
        fields.pop(_TYPE)
    else:
        type_ = KINDS[kind][0]
    yield "TY", type_
    pages = fields.pop("pages", "")
    lacking: list[str] = []
    tag_of = {name: tag for tag, name in _names().items()} | {name: tags[0] for name, tags in TAGS.items()}
    for name, text in fields.items():
        tag = tag_of.get(name, name if _TAG.fullmatch(name) else None)
        if tag is None or tag in {"TY", "ER", "NS", "N1", "SP"}:
            lacking.append(f"{name}: {' '.join(text.split())}")
        else:
            yield from _lines(tag, text)
    if "end_page" not in fields and _PAGES.fullmatch(pages):
        first, _, last = pages.partition("-")
        yield from (("SP", first), ("EP", last))
    else:
        yield from _lines("SP", pages)
    for kind_of_identifier, value in reference.identifiers:
        yield _identifier_line(kind_of_identifier, re.sub(r"[\r\n]+", " ", value).strip())
    yield from _lines("N1", reference.notes or "")
    yield from (("N1", text) for text in lacking)


def _names() -> Mapping[str, str]:
    """Give rispy's name of each tag that is not a field above."""
    rispy: Any = import_module("rispy.config")  # it ships no types, and only references need it
    taken = {tag for tags in TAGS.values() for tag in tags[:1]}
    names: dict[str, str] = rispy.TAG_KEY_MAPPING
    return {tag: name for tag, name in names.items() if tag not in taken and tag != "UK"}


def _joined(tag: str, values: Sequence[str]) -> str:
    return ("; " if tag in _LISTS else "\n").join(value for value in values if value)


def _lines(tag: str, text: str) -> Iterator[tuple[str, str]]:
    parts = re.split(r"; |[\r\n]+" if tag in _LISTS else r"[\r\n]+", text)
    yield from ((tag, part.strip()) for part in parts if part.strip())


def _year(fields: Mapping[str, str], held: dict[str, str]) -> dict[str, str]:
    """Take the year out of a date such as ``2020/03/01/``, which stays as the date."""
    given = fields.get("year") or held.get("DA", "")
    found = _YEAR.search(given)
    if found is None:
        return {}
    if "year" in fields and given.strip(" /") != found[0]:
        date = held.setdefault("DA", given.strip(" /"))
        if date.strip(" /") != given.strip(" /"):
            held["Y1"] = "\n".join((given, *held.get("Y1", "").split("\n"))).strip()
    return {"year": found[0]}


def _identifiers(held: dict[str, str]) -> Iterator[tuple[str, str]]:
    for value in held.pop("DO", "").split("\n"):
        if value:
            yield "DOI", _DOI.sub("", value, count=1)
    from_pubmed = any(_PUBMED.search(held.get(tag, "")) for tag in ("DB", "DP"))
    for value in held.pop("AN", "").split("\n"):
        named = _NAMED.fullmatch(value)
        if named:
            yield "PUBMED" if named[1] == "PMID" else named[1], named[2]
        elif value.startswith("CN-"):
            yield "CENTRAL", value
        elif value:
            yield ("PUBMED" if from_pubmed and value.isdecimal() else "AN"), value


def _identifier_line(kind: str, value: str) -> tuple[str, str]:
    if kind == "DOI":
        return "DO", value
    plain = kind == "AN" or (kind == "CENTRAL" and value.startswith("CN-"))
    name = "PMID" if kind == "PUBMED" else re.sub(r"[^A-Z0-9]+", "_", kind.upper())
    return "AN", value if plain else f"{name}: {value}"
