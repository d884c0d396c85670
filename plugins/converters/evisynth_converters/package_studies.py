"""Read and write a package's studies, their references and the risk of bias.

The tables name studies; a study that only rows or references name is taken from there. Ids are names, as the files
have none; in evisynth's own packages they stand beside the names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import attrs

from evisynth import ReviewStudy
from evisynth_converters.package_files import STATUSES
from evisynth_converters.review_cells import text_cell
from evisynth_converters.review_sheets import fold_heading, sheet_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evisynth import ReviewReference
    from evisynth_converters.review_sheets import Record

_CHARACTERISTICS = {
    f"Char: {name.capitalize()}": name for name in ("methods", "participants", "interventions", "outcomes", "notes")
} | {"Reason for exclusion": "reason_for_exclusion"}
STANDARD_STUDIES = ("Study", "Year", "Data source", *_CHARACTERISTICS)
KNOWN_STUDIES = frozenset(map(fold_heading, STANDARD_STUDIES))
_LINE_ENDS = re.compile(r"\s+")
_RIS_FIELDS = (("title", "TI"), ("source", "JO"), ("year", "PY"), ("volume", "VL"), ("issue", "IS"), ("pages", "SP"))
_RIS_KINDS = {
    **dict.fromkeys(("JOURNAL_ARTICLE", "JOUR", "JOURNAL ARTICLE"), "JOUR"),
    **dict.fromkeys(("BOOK", "BOOK_SECTION", "CHAP"), "BOOK"),
    **dict.fromkeys(("CONFERENCE_PROC", "CONF"), "CONF"),
}


@attrs.define
class Studies:
    """Gather the studies of a package by name."""

    by_id: dict[str, ReviewStudy] = attrs.field(factory=dict[str, ReviewStudy])
    exact: list[ReviewStudy] = attrs.field(factory=list[ReviewStudy])
    """Those of evisynth's own table, in its order."""

    def study_of(self, record: Record) -> str:
        """Give the id of a row's study; one that no table has is taken from the row."""
        own = record.own("id")
        if own is not None:
            return own
        name = record.text("Study")
        if name is None:
            record.problem("Study", None, "is missing")
            return ""
        return self.named(name, year=record.text("Study year"))

    def named(self, name: str, *, year: str | None = None, status: Any = "included") -> str:  # noqa: ANN401 - the model's word
        """Give the id of a study by its name, and make one where there is none."""
        for known in self.exact:
            if known.name == name:
                return known.id
        study = self.by_id.get(name)
        if study is None:
            self.by_id[name] = ReviewStudy(id=name, name=name, year=year, status=status)
        elif study.year is None and year is not None:
            self.by_id[name] = attrs.evolve(study, year=year)
        return name

    def finished(self) -> tuple[ReviewStudy, ...]:
        """Give all of them."""
        return (*self.exact, *self.by_id.values())


def read_study(record: Record, studies: Studies) -> None:
    """Read one line of the table of studies."""
    record.study = name = record.text("Study") or ""
    held = {key: record.text(heading) for heading, key in _CHARACTERISTICS.items()}
    characteristics = {key: text for key, text in held.items() if text is not None}
    for heading, text in record.unknown(KNOWN_STUDIES).items():
        named = heading.startswith("Char: ") and not record.sheet.exact
        key = heading[6:].strip().casefold().replace(" ", "_") if named else heading
        characteristics[key] = text
    identity = record.own("id")
    if identity is None and not name:
        record.problem("Study", None, "is missing")
        return
    if identity is None and name in studies.by_id:
        record.problem("Study", name, "stands twice")
        return
    status: Any = record.own("status") or "included"
    if status not in STATUSES.values():
        record.problem("status", status[:80], f"is none of {', '.join(STATUSES.values())}")
        return
    study = ReviewStudy(
        id=name if identity is None else identity,
        name=name,
        year=record.text("Year"),
        data_source=record.text("Data source"),
        status=status,
        characteristics=characteristics,
    )
    if identity is None:
        studies.by_id[study.id] = study
    else:
        studies.exact.append(study)


def write_studies(studies: Sequence[ReviewStudy]) -> bytes:
    """Write the table of studies, those that are not included with it."""
    headings = {key: heading for heading, key in _CHARACTERISTICS.items()}
    rows = [
        {
            "Study": text_cell(study.name or None),
            "Year": text_cell(study.year),
            "Data source": text_cell(study.data_source),
            "place": str(i),
            "id": text_cell(study.id),
            "status": study.status,
            **{headings.get(key, f"text.{key}"): text_cell(text) for key, text in study.characteristics.items()},
        }
        for i, study in enumerate(studies, 1)
    ]
    return sheet_bytes((*STANDARD_STUDIES, "place", "id", "status"), rows)


def add_references(studies: Studies, status: str, references: Iterable[tuple[str | None, ReviewReference]]) -> int:
    """Give studies their references, and tell how many name no study; an empty one says only that a study is there."""
    left = 0
    for name, reference in references:
        if name is None:
            left += 1
            continue
        study = studies.by_id[studies.named(name, status=STATUSES[status])]
        if reference.fields or reference.identifiers or reference.notes:
            studies.by_id[study.id] = attrs.evolve(study, references=(*study.references, reference))
    return left


def write_ris(studies: Iterable[ReviewStudy]) -> bytes:
    """Write references for other programs: a study's name under ``NS``, and one empty reference where it has none."""
    entries: list[str] = []
    for study in studies:
        for reference in study.references or (None,):
            lines = ["TY  - JOUR" if reference is None else f"TY  - {_RIS_KINDS.get(reference.kind, 'GEN')}"]
            lines.append(f"NS  - {_one_line(study.name)}")
            if reference is not None:
                authors = re.split(r"\s*;\s*", reference.fields.get("authors", ""))
                lines += [f"AU  - {_one_line(author)}" for author in authors if author.strip()]
                lines += [
                    f"{tag}  - {_one_line(reference.fields[key])}"
                    for key, tag in _RIS_FIELDS
                    if key in reference.fields
                ]
                lines += [f"DO  - {_one_line(value)}" for kind, value in reference.identifiers if kind == "DOI"]
            entries.append("\r\n".join([*lines, "ER  - "]))
    text = "\r\n\r\n".join(entries) + "\r\n"
    return b"\xef\xbb\xbf" + text.encode(errors="replace")


def _one_line(text: str) -> str:
    return _LINE_ENDS.sub(" ", text).strip()
