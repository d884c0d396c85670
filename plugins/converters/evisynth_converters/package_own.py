"""Read and write the tables that evisynth adds to a package, for what a package has no place for.

They are the review itself (title, ids, preset, decimals), its comparisons, studies' references and identifiers, risk of
bias with its domains and groups, the flow of studies, and parts of another file that go with it. Texts that a table of
long form holds stand in the column Value; which of them they are stands before it.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import attrs

from evisynth import (
    FormatError,
    Review,
    ReviewReference,
    StudyFlow,
)
from evisynth_converters import package_files as files
from evisynth_converters.review_cells import flag_cell, text_cell
from evisynth_converters.review_sheets import Record, fold_heading, read_sheet, sheet_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from evisynth import ReviewStudy
    from evisynth_converters.package_files import PackageFiles

FORMAT = "1"

_REVIEW = ("Field", "Value")
_COMPARISONS = ("place", "Analysis group", "Analysis group name", "ID")
_REFERENCES = ("Study", "Reference", "Part", "Name", "Value")
DOMAINS = ("Tool", "Domain", "Part", "Name", "Value")
JUDGEMENTS = ("Tool", "Domain", "Study", "Judgement", "Support", "Group")
WEIGHTS = ("Tool", "Study", "Weight")
_FLOW = ("Part", "Key", "Name", "Value")
_PARTS = ("Name", "File")
_COLUMNS = {
    files.OWN_REVIEW: _REVIEW,
    files.OWN_COMPARISONS: _COMPARISONS,
    files.OWN_REFERENCES: _REFERENCES,
    files.OWN_DOMAINS: DOMAINS,
    files.OWN_JUDGEMENTS: JUDGEMENTS,
    files.OWN_WEIGHTS: WEIGHTS,
    files.OWN_FLOW: _FLOW,
    files.OWN_PARTS: _PARTS,
}


def records_of(package: PackageFiles, kind: str) -> list[Record]:
    """Read the lines of one of evisynth's own tables; none where it is not there."""
    if kind not in package.files:
        return []
    name, content = package.files[kind]
    sheet = read_sheet(name, content, known=frozenset(map(fold_heading, _COLUMNS[kind])), exact=True)
    sheet.need(*_COLUMNS[kind])
    return sheet.records


def text_in(record: Record, heading: str) -> str:
    """Give a text that cannot be missing; an empty cell is an empty text."""
    return record.text(heading) or ""


def position_in(record: Record, heading: str, most: int) -> int:
    """Read a place in a list, from 1; raises `FormatError` where there is no such place."""
    number = record.needed(heading)
    if not 1 <= number <= most:
        msg = f"{record.place}: {heading} {number} is not there ({most} are)"
        raise FormatError(msg)
    return number - 1


# -- the review and its comparisons ---------------------------------------------------------------------------------


def write_review(review: Review) -> bytes:
    """Write the fields of the review itself."""
    values = {
        "format": FORMAT,
        "title": text_cell(review.title or None),
        "id": text_cell(review.id),
        "doi": text_cell(review.doi),
        "preset": text_cell(review.preset),
        "decimals": "" if review.decimals is None else str(review.decimals),
    }
    return sheet_bytes(_REVIEW, [{"Field": name, "Value": value} for name, value in values.items()])


def read_review(package: PackageFiles) -> dict[str, Any]:
    """Read the fields of the review itself."""
    records = {text_in(record, "Field"): record for record in records_of(package, files.OWN_REVIEW)}
    texts = {name: record.text("Value") for name, record in records.items()}
    if texts.get("format") != FORMAT:
        msg = f"{package.files[files.OWN_REVIEW][0]} is of format {texts.get('format')!r}: {FORMAT} is read"
        raise FormatError(msg)
    decimals = records["decimals"].whole("Value") if "decimals" in records else None
    return {
        "title": texts.get("title") or "",
        "id": texts.get("id"),
        "doi": texts.get("doi"),
        "preset": texts.get("preset") or "",
        "decimals": decimals,
    }


def write_comparisons(review: Review) -> bytes:
    """Write the comparisons, those without outcomes too."""
    rows = [
        {
            "place": str(i),
            "Analysis group": str(comparison.number),
            "Analysis group name": text_cell(comparison.name or None),
            "ID": text_cell(comparison.id),
        }
        for i, comparison in enumerate(review.comparisons, 1)
    ]
    return sheet_bytes(_COMPARISONS, rows)


def read_comparisons(package: PackageFiles) -> list[tuple[str, int, str, str | None]]:
    """Read place, number, name and id of each comparison."""
    return [
        (
            text_in(record, "place"),
            record.needed("Analysis group"),
            text_in(record, "Analysis group name"),
            record.text("ID"),
        )
        for record in records_of(package, files.OWN_COMPARISONS)
    ]


# -- references and identifiers -------------------------------------------------------------------------------------


def write_references(studies: Sequence[ReviewStudy]) -> bytes:
    """Write studies' references and identifiers; Study counts the lines of the table of studies, from 1."""
    return sheet_bytes(_REFERENCES, (row for i, study in enumerate(studies, 1) for row in _of_study(str(i), study)))


def _of_study(number: str, study: ReviewStudy) -> Iterator[dict[str, str]]:
    for kind, value in study.identifiers:
        yield _long(number, "", "identifier", kind, value)
    for i, reference in enumerate(study.references, 1):
        yield _long(number, str(i), "kind", "", reference.kind)
        yield _long(number, str(i), "primary", "", flag_cell(reference.primary))
        if reference.notes is not None:
            yield _long(number, str(i), "notes", "", reference.notes)
        for name, value in reference.fields.items():
            yield _long(number, str(i), "field", name, value)
        for kind, value in reference.identifiers:
            yield _long(number, str(i), "identifier", kind, value)


def _long(study: str, reference: str, part: str, name: str, value: str) -> dict[str, str]:
    cells = (study, reference, part, text_cell(name or None), text_cell(value or None))
    return dict(zip(_REFERENCES, cells, strict=True))


def read_references(package: PackageFiles, studies: Sequence[ReviewStudy]) -> list[ReviewStudy]:
    """Give studies their references and identifiers."""
    made = list(studies)
    records = records_of(package, files.OWN_REFERENCES)
    for (_, reference), held in groupby(records, lambda one: (one.raw("Study"), one.raw("Reference"))):
        lines = list(held)
        i = position_in(lines[0], "Study", len(made))
        pairs = [(text_in(one, "Part"), text_in(one, "Name"), text_in(one, "Value")) for one in lines]
        identifiers = tuple((name, value) for part, name, value in pairs if part == "identifier")
        if not reference:
            made[i] = attrs.evolve(made[i], identifiers=(*made[i].identifiers, *identifiers))
            continue
        parts = {part: value for part, _, value in pairs}
        read = ReviewReference(
            kind=parts.get("kind", "OTHER"),
            primary=parts.get("primary") == "true",
            notes=parts.get("notes"),
            fields={name: value for part, name, value in pairs if part == "field"},
            identifiers=identifiers,
        )
        made[i] = attrs.evolve(made[i], references=(*made[i].references, read))
    return made


# -- the flow of studies, and parts ---------------------------------------------------------------------------------


def write_flow(flow: StudyFlow | None) -> dict[str, bytes]:
    """Write the counts of a flow diagram."""
    if flow is None:
        return {}
    rows = [_flow_row("flow", "", "", "")]
    rows += [_flow_row("count", key, "", str(count)) for key, count in flow.counts.items()]
    for key, reasons in flow.reasons.items():
        rows.append(_flow_row("reasons", key, "", ""))
        rows += [_flow_row("reason", key, name, "" if count is None else str(count)) for name, count in reasons]
    rows += [_flow_row("label", key, "", text_cell(label or None)) for key, label in flow.labels.items()]
    return {files.OWN_FLOW: sheet_bytes(_FLOW, rows)}


def _flow_row(part: str, key: str, name: str, value: str) -> dict[str, str]:
    return dict(zip(_FLOW, (part, text_cell(key or None), text_cell(name or None), value), strict=True))


def read_flow(package: PackageFiles) -> StudyFlow | None:
    """Read the counts of a flow diagram; None where there is none."""
    if files.OWN_FLOW not in package.files:
        return None
    counts: dict[str, int] = {}
    reasons: dict[str, list[tuple[str, int | None]]] = {}
    labels: dict[str, str] = {}
    for record in records_of(package, files.OWN_FLOW):
        part, key = text_in(record, "Part"), text_in(record, "Key")
        if part == "count":
            counts[key] = record.needed("Value")
        elif part == "reasons":
            reasons[key] = []
        elif part == "reason":
            reasons.setdefault(key, []).append((text_in(record, "Name"), record.whole("Value")))
        elif part == "label":
            labels[key] = text_in(record, "Value")
        record.sheet.refuse()
    return StudyFlow(counts=counts, reasons={key: tuple(held) for key, held in reasons.items()}, labels=labels)


def write_parts(parts: Mapping[str, str]) -> dict[str, bytes]:
    """Write parts of another file, each as a file of its own; and the table that says which is which."""
    names = {name: f"{files.OWN}part-{i}.txt" for i, name in enumerate(parts, 1)}
    rows = [{"Name": text_cell(name or None), "File": file} for name, file in names.items()]
    texts = {names[name]: text.encode("utf-8", "surrogatepass") for name, text in parts.items()}
    return {files.OWN_PARTS: sheet_bytes(_PARTS, rows), **texts} if parts else {}


def read_parts(package: PackageFiles) -> dict[str, str]:
    """Read the parts."""
    parts: dict[str, str] = {}
    for record in records_of(package, files.OWN_PARTS):
        file = text_in(record, "File")
        if file not in package.others:
            msg = f"{record.place}: the file {file!r} is not there"
            raise FormatError(msg)
        parts[text_in(record, "Name")] = part_text(file, package.others[file])
    return parts


def part_text(name: str, content: bytes) -> str:
    """Decode a part; raises `FormatError` where it is no text."""
    try:
        return content.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        msg = f"{name} is no text in UTF-8"
        raise FormatError(msg) from None


def every(rows: Iterable[Iterable[dict[str, str]]]) -> list[dict[str, str]]:
    """Put the lines of several outcomes one after the other."""
    return [row for held in rows for row in held]
