"""Read and write a whole review as a plain folder: CSV and one TOML, to edit by hand and to keep in version control."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import attrs

from evisynth import FormatError, Review, ReviewStudy, Source, find_roles
from evisynth_converters.csv_cells import encoded
from evisynth_converters.folder_bias import read_risk_of_bias, write_risk_of_bias
from evisynth_converters.folder_files import MAIN, Folder, find_folder
from evisynth_converters.folder_flow import read_flow, write_flow
from evisynth_converters.folder_outcomes import read_comparisons, refuse_unknown_preset, write_comparisons
from evisynth_converters.folder_studies import STUDIES, StudyLabels, read_studies, with_references, write_studies
from evisynth_converters.toml_fields import Kind, fields_given, parse_toml, toml_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from evisynth import ReviewComparison

MARK = "evisynth_review"
VERSION = 1
PRESET = "revman-web"
"""Settings of a folder that names none; one that is written always does."""

REVIEW: Mapping[str, Kind] = {"title": str, "id": str, "doi": str, "preset": str, "decimals": int}
_MARKED = re.compile(rb"^[ \t]*(evisynth_review\b|\[\[[ \t]*comparison[ \t]*\]\])", re.MULTILINE)
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)
_COMMENT = """\
A systematic review with its meta-analyses, as plain files: es.load of this folder reads them.

review.toml         this file: comparisons, outcomes and their settings; what is not given has its usual value
data/1.2.csv        rows of comparison 1, outcome 2: a row a study
studies.csv         the studies and their characteristics; references.csv their references
risk-of-bias/*.csv  judgements: a row for each study and domain
prisma.csv          counts of the flow diagram
parts/              what else a review's file held, as it stood there

Cells may be edited in any spreadsheet; keep commas between them, and UTF-8."""


def certainty(source: Source) -> float:
    """Look for a folder or an archive with a ``review.toml``, and for our words in it."""
    try:
        folder = find_folder(source)
        main = b"" if folder is None else folder.read(MAIN, source.name)
    except FormatError:
        # Whatever it holds, it is a folder or an archive that must not be opened: reading says why.
        return 0.1
    if folder is None:
        return 0.0
    return 1.0 if _MARKED.search(main) else 0.4


def read_folder(source: Source) -> Review:
    """Read a folder, or an archive of one.

    The least that it needs is a title, a comparison with a name, an outcome with a name and a measure (or data_type),
    and its rows with the names of studies. Studies that ``studies.csv`` lacks are made of the rows. Raises
    `FormatError` for files that are absent or not understood (with the nearest word that is), and `DataError` for
    texts in numbers.
    """
    folder = find_folder(source)
    if folder is None:
        msg = f"{source.name} holds no {MAIN}"
        raise FormatError(msg)
    table = parse_toml(folder.read(MAIN, source.name), MAIN)
    table.refuse_unknown(
        REVIEW, (MARK, "studies_by", "unlisted_studies", "flow", "parts", "comparison", "risk_of_bias")
    )
    version = table.fields({MARK: int}).get(MARK, VERSION)
    if version != VERSION:
        msg = f"{MAIN} is of version {version} of its format, and this evisynth reads version {VERSION}"
        raise FormatError(msg)
    fields: dict[str, Any] = {"preset": PRESET, **table.fields(REVIEW)}
    refuse_unknown_preset(fields["preset"], MAIN)
    held = read_studies(folder)
    by_id = table.fields({"studies_by": ("name", "id")}).get("studies_by") == "id"
    labels = StudyLabels.of(held.studies, ids_alone=by_id)
    comparisons = tuple(read_comparisons(folder, table, labels))
    studies = [*held.studies, *_made_of_rows(folder, comparisons, labels, table.texts("unlisted_studies"))]
    review = Review(
        **fields,
        studies=with_references(folder, held, studies),
        risk_of_bias=tuple(read_risk_of_bias(folder, table, labels)),
        comparisons=comparisons,
        flow=read_flow(folder, table),
        parts={name: _part(folder, path, name) for name, path in table.mapping("parts", str).items()},
        source=source.name,
    )
    _note_what_is_left(folder, review)
    return attrs.evolve(review, notes=tuple(folder.notes))


def _made_of_rows(
    folder: Folder, comparisons: Sequence[ReviewComparison], labels: StudyLabels, unlisted: Sequence[str]
) -> list[ReviewStudy]:
    """Make a study of each label in rows that the table of studies lacks; its year, where a row has one."""
    made: dict[str, str | None] = {}
    for comparison in comparisons:
        for outcome in comparison.outcomes:
            for _, row in outcome.all_rows:
                if row.study not in labels.ids and row.study not in unlisted:
                    year = row.text.get(find_roles(row.text).get("year", ""))
                    made[row.study] = made.get(row.study) or year
    if made and folder.has(STUDIES):
        folder.notes.append(f"{STUDIES} lacks studies that have rows, which were added: {_few(list(made))}")
    return [ReviewStudy(id=name, name=name, year=year) for name, year in made.items()]


def _part(folder: Folder, path: str, name: str) -> str:
    try:
        return folder.read(path, f"{MAIN}, parts").decode()
    except UnicodeDecodeError as error:
        msg = f"{path} (part {name!r}) is not UTF-8: {error.reason} at byte {error.start + 1}"
        raise FormatError(msg) from None


def _note_what_is_left(folder: Folder, review: Review) -> None:
    unread = folder.unread
    if unread:
        folder.notes.append(f"files that {MAIN} does not name, and that were not read: {_few(unread)}")
    for tool in review.risk_of_bias:
        judged = {judgement.study: None for domain in tool.domains for judgement in domain.judgements}
        unknown = [study for study in judged if study not in review.study_by_id]
        if unknown:
            folder.notes.append(f"{tool.tool} judges studies that the review does not list: {_few(unknown)}")


def _few(names: Sequence[str]) -> str:
    shown, more = names[:5], len(names) - 5
    return ", ".join(map(repr, shown)) + (f" and {more} more" if more > 0 else "")


def folder_files(review: Review) -> dict[str, bytes]:
    """Write the files of a folder; equal reviews give equal bytes, and reading gives an equal review.

    Raises `FormatError` for words that are no settings, and for texts that UTF-8 cannot hold.
    """
    in_rows = {row.study: None for _, _, outcome in review.outcomes for _, row in outcome.all_rows}
    named = [*in_rows, *_judged(review), *(study.id for study in review.studies)]
    studies = StudyLabels.of(review.studies)
    # A study that the review does not list may be called what another one is named.
    by_id = any(studies.id_of(study) != study for study in named)
    labels = StudyLabels.of(review.studies, ids_alone=by_id).labels(review.studies)
    comparisons, of_outcomes = write_comparisons(review.comparisons, labels)
    tools, of_tools = write_risk_of_bias(review.risk_of_bias, labels)
    flow, of_flow = write_flow(review.flow)
    parts = {f"parts/{stem}.xml": name for name, stem in _stems(sorted(review.parts)).items()}
    unlisted = sorted(set(in_rows).difference(studies.ids))
    main = {
        MARK: VERSION,
        "title": review.title,
        "preset": review.preset,
        **fields_given(review, REVIEW),
        **({"studies_by": "id"} if by_id else {}),
        **({"unlisted_studies": unlisted} if unlisted else {}),
        **flow,
        **({"parts": {name: path for path, name in parts.items()}} if parts else {}),
        **({"comparison": comparisons} if comparisons else {}),
        **({"risk_of_bias": tools} if tools else {}),
    }
    return {
        MAIN: encoded(toml_text(_COMMENT, main)),
        **write_studies(review.studies),
        **of_outcomes,
        **of_tools,
        **of_flow,
        **{path: encoded(review.parts[name]) for path, name in parts.items()},
    }


def _judged(review: Review) -> Iterator[str]:
    for tool in review.risk_of_bias:
        yield from tool.weights
        for domain in tool.domains:
            yield from (judgement.study for judgement in domain.judgements)


def _stems(names: Sequence[str]) -> dict[str, str]:
    """Give each part a name that every file system takes, and that differs from the others in more than case."""
    made: dict[str, str] = {}
    taken: set[str] = set()
    for place, name in enumerate(names, 1):
        plain = _SAFE.fullmatch(name) and not _RESERVED.fullmatch(name) and name.casefold() not in taken
        stem = name if plain else f"part_{place}"
        while stem.casefold() in taken:
            stem += "_"
        taken.add(stem.casefold())
        made[name] = stem
    return made
