"""Find the files of a Cochrane data package: by the ends of their names, whatever stands before."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import attrs

from evisynth import FormatError, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS, ROWS, SUBGROUPS = "overall-estimates-and-settings.csv", "data-rows.csv", "subgroup-estimates.csv"
STUDIES, RISK_OF_BIAS = "study-information.csv", "risk-of-bias.csv"
STATUSES = {"included": "included", "excluded": "excluded", "awaiting": "awaiting", "ongoing": "ongoing"}

OWN = "evisynth-"
"""What the names of evisynth's own files go on with; they hold what the package has no place for."""
OWN_REVIEW, OWN_COMPARISONS = f"{OWN}review.csv", f"{OWN}comparisons.csv"
OWN_REFERENCES, OWN_FLOW, OWN_PARTS = f"{OWN}references.csv", f"{OWN}study-flow.csv", f"{OWN}parts.csv"
OWN_DOMAINS, OWN_JUDGEMENTS, OWN_WEIGHTS = f"{OWN}domains.csv", f"{OWN}judgements.csv", f"{OWN}weights.csv"

_KINDS = (
    *(OWN_REVIEW, OWN_COMPARISONS, OWN_REFERENCES, OWN_FLOW, OWN_PARTS, OWN_DOMAINS, OWN_JUDGEMENTS, OWN_WEIGHTS),
    *(SETTINGS, ROWS, SUBGROUPS, STUDIES, RISK_OF_BIAS),
)
_ANALYSES = frozenset({SETTINGS, ROWS, SUBGROUPS})
_TELLING = frozenset({SETTINGS, ROWS, STUDIES})
_RIS = re.compile(r"(?:^|-)(included|excluded|awaiting|ongoing)[a-z-]*\.ris$", re.IGNORECASE)
_DATA_ZIP = re.compile(r"data[a-z-]*\.zip$", re.IGNORECASE)
_PARAMETERS = re.compile(r"(?:^|-)parameters\.csv$", re.IGNORECASE)
_TEXTS = (".csv", ".tsv", ".txt", ".ris")
_SHOWN = 5


@attrs.frozen
class PackageFiles:
    """Hold a package's files by kind, with the review's id (what all names begin with) and what is not known."""

    id: str
    name: str
    files: dict[str, tuple[str, bytes]]
    """Kind → path and content."""
    references: tuple[tuple[str, str, bytes], ...]
    """Status of the studies, path and content."""
    others: dict[str, bytes]
    """Texts that belong to the review and are not known here, by their names without its id."""
    notes: tuple[str, ...]

    @property
    def exact(self) -> bool:
        """Whether evisynth wrote it."""
        return OWN_REVIEW in self.files


def holds_package(source: Source) -> bool:
    """Tell whether there is a table of a package in a folder or archive."""
    return any(_split(path, _TELLING) is not None for path in _paths(source))


def find_files(source: Source) -> PackageFiles:
    """Sort the files of a folder or archive; an archive of data within a folder is opened where nothing lies beside it.

    Raises `FormatError` for files of two reviews, for a review of diagnostic tests and for other folders.
    """
    source = _data_of(source)
    container = source.container
    found: dict[str, list[tuple[str, str]]] = {}
    references: list[tuple[str, str, str]] = []
    left: list[str] = []
    for path in () if container is None else container.names:
        split, ris = _split(path, _KINDS), _RIS.search(PurePosixPath(path).name)
        if split is not None:
            found.setdefault(split[1], []).append((split[0], path))
        elif ris is not None:
            references.append((PurePosixPath(path).name[: ris.start()], ris[1].lower(), path))
        else:
            left.append(path)
    if container is None or not _TELLING & found.keys():
        if any(_PARAMETERS.search(path) for path in left):
            msg = f"{source.name} is the package of a review of diagnostic tests: those of interventions are read"
        else:
            msg = f"{source.name} holds no table of a Cochrane data package (…-data-rows.csv and the like)"
        raise FormatError(msg)
    ids = sorted({identity for held in found.values() for identity, _ in held})
    if len(ids) > 1:
        msg = f"{source.name} holds files of {len(ids)} reviews ({', '.join(ids[:_SHOWN])}): give the folder of one"
        raise FormatError(msg)
    files: dict[str, tuple[str, bytes]] = {}
    for kind, held in found.items():
        contents = {container.read(path) for _, path in held}
        if len(contents) > 1:
            msg = f"{source.name} holds {len(held)} files …{kind} that differ: {', '.join(path for _, path in held)}"
            raise FormatError(msg)
        files[kind] = (held[0][1], contents.pop())
    if _ANALYSES & files.keys() and not {SETTINGS, ROWS} <= files.keys():
        missing = SETTINGS if SETTINGS not in files else ROWS
        msg = f"{source.name} holds analyses, but no file …{missing}"
        raise FormatError(msg)
    mine = [path for path in left if PurePosixPath(path).name.startswith(ids[0]) and path.lower().endswith(_TEXTS)]
    unread = [path for path in left if path not in mine]
    notes = [f"{source.name}: not read: {', '.join(unread[:_SHOWN])}{' …' if len(unread) > _SHOWN else ''}"]
    return PackageFiles(
        id=ids[0],
        name=source.name,
        files=files,
        references=tuple((status, path, container.read(path)) for of, status, path in references if of == ids[0]),
        others={PurePosixPath(path).name.removeprefix(f"{ids[0]}-"): container.read(path) for path in mine},
        notes=tuple(notes) if unread else (),
    )


def _paths(source: Source) -> Iterator[str]:
    held = _data_of(source).container
    yield from () if held is None else held.names


def _data_of(source: Source) -> Source:
    """Step into the one archive of data that a folder holds, where no table lies in the folder itself."""
    if source.path is None or not source.is_folder or source.container is None:
        return source
    names = source.container.names
    archives = [name for name in names if _DATA_ZIP.search(name)]
    if len(archives) != 1 or any(_split(name, _TELLING) for name in names):
        return source
    return Source(source.path / archives[0])


def _split(path: str, kinds: tuple[str, ...] | frozenset[str]) -> tuple[str, str] | None:
    """Split a file's name into the review's id and its kind."""
    name = PurePosixPath(path).name
    for kind in kinds:
        if name.lower() == kind or name.lower().endswith(f"-{kind}"):
            return name[: -len(kind)].removesuffix("-"), kind
    return None
