"""Write and read the studies of a review's folder, and their references."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import attrs

from evisynth import FormatError, ReviewReference, ReviewStudy
from evisynth_converters.csv_cells import write_csv
from evisynth_converters.folder_headings import TEXT, Headings, in_order
from evisynth_converters.toml_fields import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evisynth_converters.csv_cells import CsvRow, CsvTable
    from evisynth_converters.folder_files import Folder

STUDIES = "studies.csv"
REFERENCES = "references.csv"
STATUSES = ("included", "excluded", "awaiting", "ongoing")

OF_STUDIES = Headings(("key", "id", "name", "year", "status", "data_source", "identifiers"))
OF_REFERENCES = Headings(("study", "kind", "primary", "identifiers", "notes"))
_CHARACTERISTICS = ("methods", "participants", "interventions", "outcomes", "notes", "reason_for_exclusion")
_FIELDS = (
    *("authors", "title", "source", "year", "volume", "issue", "pages", "publisher", "city", "editors"),
    *("edition", "medium", "language"),
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_CODES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}
_CHARACTERS = {"n": "\n", "r": "\r"}


@attrs.frozen
class StudyLabels:
    """Call studies in files by their names, where those tell them apart, and by their ids elsewhere."""

    ids: frozenset[str]
    by_name: Mapping[str, str]
    """Ids of studies by the names that only one study has."""

    @classmethod
    def of(cls, studies: Iterable[ReviewStudy], *, ids_alone: bool = False) -> StudyLabels:
        """Take the names of studies, or nothing but their ids."""
        held = list(studies)
        counts = Counter(study.name for study in held)
        named = {} if ids_alone else {study.name: study.id for study in held if counts[study.name] == 1}
        return cls(frozenset(study.id for study in held), named)

    def id_of(self, label: str) -> str:
        """Find the study that a file calls so; an unknown label is an id."""
        return label if label in self.ids else self.by_name.get(label, label)

    def labels(self, studies: Iterable[ReviewStudy]) -> Mapping[str, str]:
        """Give the label of each study by its id."""
        return {
            study.id: study.name if study.name.strip() and self.id_of(study.name) == study.id else study.id
            for study in studies
        }


def write_studies(studies: Sequence[ReviewStudy]) -> dict[str, bytes]:
    """Write the table of studies, and that of references where there are any."""
    if not studies:
        return {}
    counts = Counter(study.id for study in studies)
    # References are joined by id; where two studies share one, by a key.
    keyed = max(counts.values()) > 1
    named = any(study.id != study.name for study in studies)
    texts = in_order((key for study in studies for key in study.characteristics), _CHARACTERISTICS)
    own = [
        *(["key"] if keyed else []),
        *(["id"] if named else []),
        *("name", "year", "status"),
        *(name for name in ("data_source", "identifiers") if any(getattr(study, name) for study in studies)),
    ]
    if "data_source" not in own and any(study.data_source is not None for study in studies):
        own.append("data_source")
    rows: list[list[str | None]] = []
    for place, study in enumerate(studies, 1):
        cells: dict[str, str | None] = {
            "key": str(place),
            "id": study.id,
            "name": study.name,
            "year": study.year,
            "status": study.status,
            "data_source": study.data_source,
            "identifiers": pairs_text(study.identifiers),
        }
        rows.append([*(cells[name] for name in own), *(study.characteristics.get(key) for key in texts)])
    files = {STUDIES: write_csv([*own, *map(OF_STUDIES.of_text, texts)], rows)}
    labels = StudyLabels.of(studies).labels(studies)
    keys = [str(place) if keyed else labels[study.id] for place, study in enumerate(studies, 1)]
    return files | _write_references(list(zip(keys, studies, strict=True)))


def _write_references(studies: Sequence[tuple[str, ReviewStudy]]) -> dict[str, bytes]:
    held = [(key, reference) for key, study in studies for reference in study.references]
    if not held:
        return {}
    fields = in_order((name for _, reference in held for name in reference.fields), _FIELDS)
    rows = [
        [
            key,
            reference.kind,
            "yes" if reference.primary else None,
            *(reference.fields.get(name) for name in fields),
            pairs_text(reference.identifiers),
            reference.notes,
        ]
        for key, reference in held
    ]
    headings = ["study", "kind", "primary", *map(OF_REFERENCES.of_text, fields), "identifiers", "notes"]
    return {REFERENCES: write_csv(headings, rows)}


@attrs.frozen
class StudiesRead:
    """Hold the studies of a file, and their places by the key that references have."""

    studies: tuple[ReviewStudy, ...] = ()
    keys: Mapping[str, int] = attrs.field(factory=dict[str, int])


def read_studies(folder: Folder) -> StudiesRead:
    """Read the table of studies; one without an id has its name for one."""
    return studies_of(folder.table(STUDIES, STUDIES), folder.notes) if folder.has(STUDIES) else StudiesRead()


def studies_of(table: CsvTable, notes: list[str]) -> StudiesRead:
    """Take studies from a table of them.

    Raises `FormatError` for a study without a name, and for a status that there is not.
    """
    kinds = OF_STUDIES.sorted(table)
    studies, keys = list[ReviewStudy](), dict[str, int]()
    for row in table.rows:
        own, texts = _split(row, kinds)
        name = own.get("name", own.get("id"))
        if name is None:
            msg = f"{table.name}, line {row.line}: a study without a name"
            raise FormatError(msg)
        status = own.get("status", "included").strip().casefold()
        if status not in STATUSES:
            msg = f"{table.name}, line {row.line} ({name}), column status: {own['status']!r}{nearest(status, STATUSES)}"
            raise FormatError(msg)
        if "key" in own:
            keys[own["key"]] = len(studies)
        given: Any = {
            "id": own.get("id", name),
            "name": name,
            "year": own.get("year"),
            "status": status,
            "data_source": own.get("data_source"),
            "characteristics": texts,
            "identifiers": read_pairs(own.get("identifiers")),
        }
        studies.append(ReviewStudy(**given))
    repeated = [one for one, count in Counter(study.id for study in studies).items() if count > 1]
    if repeated:
        notes.append(f"{table.name}: several studies have the id {', '.join(map(repr, repeated[:5]))}")
    return StudiesRead(tuple(studies), keys)


def with_references(folder: Folder, read: StudiesRead, studies: Sequence[ReviewStudy]) -> tuple[ReviewStudy, ...]:
    """Join references with their studies; raises `FormatError` for one of a study that is not there."""
    if not folder.has(REFERENCES):
        return tuple(studies)
    table = folder.table(REFERENCES, REFERENCES)
    kinds = OF_REFERENCES.sorted(table)
    places = {study.id: place for place, study in reversed(list(enumerate(studies)))}
    named = StudyLabels.of(studies)
    references: dict[int, list[ReviewReference]] = {}
    for row in table.rows:
        own, texts = _split(row, kinds)
        label = own.get("study")
        place = None if label is None else read.keys.get(label, places.get(named.id_of(label)))
        if place is None:
            known = nearest(label or "", [study.name for study in studies])
            msg = f"{REFERENCES}, line {row.line}: no study is called {label or ''!r}{known}"
            raise FormatError(msg)
        references.setdefault(place, []).append(
            ReviewReference(
                kind=own.get("kind", "OTHER"),
                fields=texts,
                identifiers=read_pairs(own.get("identifiers")),
                primary=read_flag(own.get("primary"), table, row, "primary") or False,
                notes=own.get("notes"),
            )
        )
    return tuple(
        attrs.evolve(study, references=tuple(references[place])) if place in references else study
        for place, study in enumerate(studies)
    )


def _split(row: CsvRow, kinds: Mapping[str, tuple[str, str]]) -> tuple[dict[str, str], dict[str, str]]:
    own, texts = dict[str, str](), dict[str, str]()
    for heading, cell in row.cells.items():
        kind, name = kinds[heading]
        if cell is not None:
            (texts if kind == TEXT else own)[name] = cell
    return own, texts


def read_flag(cell: str | None, table: CsvTable, row: CsvRow, column: str) -> bool | None:
    """Read yes or no; None where the cell is blank."""
    word = "" if cell is None else cell.strip().casefold()
    if word in {"yes", "true", "1", "y"}:
        return True
    if word in {"no", "false", "0", "n"}:
        return False
    if word:
        msg = f"{table.name}, line {row.line}, column {column}: {cell!r} is neither yes nor no"
        raise FormatError(msg)
    return None


def pairs_text(pairs: Sequence[tuple[str, str]]) -> str | None:
    r"""Write identifiers as lines ``DOI: 10.1002/…``; a backslash keeps line ends and colons within a kind."""
    if not pairs:
        return None
    return "\n".join(f"{_escape(kind).replace(':', chr(92) + ':')}: {_escape(value)}" for kind, value in pairs)


def _escape(text: str) -> str:
    return re.sub(r"[\\\n\r]", lambda found: _CODES[found[0]], text)


def read_pairs(text: str | None) -> tuple[tuple[str, str], ...]:
    """Read identifiers; a line without a colon is of the kind ``ID``."""
    if text is None:
        return ()
    pairs: list[tuple[str, str]] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        found = re.match(r"((?:[^\\:]|\\.)*+):( ?)", line, re.DOTALL)
        kind, value = ("ID", line) if found is None else (found[1], line[found.end() :])
        pairs.append((_unescape(kind), _unescape(value)))
    return tuple(pairs)


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda found: _CHARACTERS.get(found[1], found[1]), text)
