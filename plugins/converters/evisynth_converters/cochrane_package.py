"""Read and write the data package of a Cochrane review (RevMan Web): tables in folders or archives.

`package_files` finds the tables; `package_settings`, `package_rows` and `package_studies` read and write them by their
columns' names, before and after the change of September 2024. A package that evisynth writes has the standard tables
for other programs, with columns of its own after theirs (lower-case names), and the tables of `package_own` for what a
package has no place for. Read again it gives an equal review. References and risk of bias stand in it twice, once for
other programs: evisynth reads its own tables.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from evisynth import Converter, FormatError, Review, ReviewComparison, Source, hookimpl
from evisynth_converters import package_bias as bias
from evisynth_converters import package_files as files
from evisynth_converters import package_own as own
from evisynth_converters import package_own_bias as own_bias
from evisynth_converters import package_rows as rows
from evisynth_converters import package_settings as settings
from evisynth_converters import package_studies as studies_of
from evisynth_converters.review_cells import rounded_to, text_cell
from evisynth_converters.review_sheets import Sheet, read_sheet, sheet_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth_converters.package_files import PackageFiles

REFERENCE = "Cochrane (2024), RevMan Knowledge Base, Data package specification"

_UNSAFE = re.compile(r"[^0-9A-Za-z_-]+")


def recognises(source: Source) -> float:
    """Look for a package's tables in a folder or an archive."""
    if source.path is None:
        return 0.0
    try:
        return 0.95 if files.holds_package(source) else 0.0
    except FormatError:
        # What is wrong with an archive says reading it.
        return 0.3 if source.suffix == ".zip" else 0.0


def read(source: Source) -> Review:
    """Read a package.

    Raises `FormatError`, with file and line, for files of two reviews, missing tables and columns, rows of an analysis
    that is not there, and `DataError` for texts in the place of numbers, each with its study and column.
    """
    package = files.find_files(source)
    notes = [*package.notes]
    studies = studies_of.Studies()
    for record in (sheet := _sheet(package, files.STUDIES, studies_of.KNOWN_STUDIES, "Study")).records:
        studies_of.read_study(record, studies)
    sheet.refuse()
    parts = own.read_parts(package) if package.exact else _references(package, studies, notes)
    drafts, decimals, preset = _analyses(package, studies, notes)
    risk_of_bias = own_bias.read_risk_of_bias(package) if package.exact else _risk_of_bias(package, studies)
    every = studies.finished()
    words: dict[str, Any] = {"id": package.id or None, "preset": preset, "decimals": rounded_to(decimals)}
    if package.exact:
        words = own.read_review(package)
        every = tuple(own.read_references(package, every))
    return Review(
        studies=every,
        risk_of_bias=risk_of_bias,
        comparisons=_comparisons(package, drafts),
        flow=own.read_flow(package),
        parts=parts,
        source=source.name,
        notes=tuple(dict.fromkeys(notes)),
        **words,
    )


def _sheet(package: PackageFiles, kind: str, known: frozenset[str], *needed: str) -> Sheet:
    if kind not in package.files:
        return Sheet(kind)
    name, content = package.files[kind]
    sheet = read_sheet(name, content, known=known, exact=package.exact)
    sheet.need(*needed)
    return sheet


def _analyses(
    package: PackageFiles, studies: studies_of.Studies, notes: list[str]
) -> tuple[rows.Drafts, set[int], str]:
    """Read settings, subgroups and rows."""
    drafts = rows.Drafts()
    numbers = (settings.GROUP, settings.NUMBER)
    stated = _sheet(package, files.SETTINGS, settings.KNOWN_SETTINGS, *numbers, "Data type")
    for record in stated.records:
        name = record.text("Analysis group name") or ""
        outcome = settings.read_outcome(record, notes)
        draft = rows.OutcomeDraft(outcome, record.needed(settings.GROUP), name, record.own("place"))
        drafts.add(record, draft)
    subgroups = _sheet(package, files.SUBGROUPS, rows.KNOWN_SUBGROUPS, *numbers, "Subgroup")
    for record in subgroups.records:
        rows.read_subgroup(record, drafts)
    data = _sheet(package, files.ROWS, rows.KNOWN_ROWS, *numbers, "Study")
    for record in data.records:
        rows.read_row(record, drafts, studies.study_of)
    for sheet in (stated, subgroups, data):
        sheet.refuse()
    preset = "revman-web" if any(heading in stated for heading in settings.NEW_COLUMNS) else "revman5"
    return drafts, stated.decimals | subgroups.decimals | data.decimals, preset


def _comparisons(package: PackageFiles, drafts: rows.Drafts) -> tuple[ReviewComparison, ...]:
    outcomes: dict[str, list[Any]] = {}
    heads: dict[str, tuple[int, str, str | None]] = {}
    for place, number, name, identity in own.read_comparisons(package) if package.exact else ():
        heads[place] = (number, name, identity)
    for draft in drafts.every:
        of_number = next((key for key, head in heads.items() if head[0] == draft.group), str(draft.group))
        key = of_number if draft.place is None else draft.place.partition(".")[0]
        heads.setdefault(key, (draft.group, draft.group_name, None))
        outcomes.setdefault(key, []).append(draft.finished())
    return tuple(
        ReviewComparison(number=number, name=name, id=identity, outcomes=tuple(outcomes.get(key, ())))
        for key, (number, name, identity) in heads.items()
    )


def _risk_of_bias(package: PackageFiles, studies: studies_of.Studies) -> tuple[Any, ...]:
    sheet = _sheet(package, files.RISK_OF_BIAS, bias.KNOWN_RISK, "Study")
    read_one = bias.read_risk_of_bias(sheet, studies)
    sheet.refuse()
    return () if read_one is None else (read_one,)


def _references(package: PackageFiles, studies: studies_of.Studies, notes: list[str]) -> dict[str, str]:
    """Give studies their references; what is not known in the package becomes parts of the review."""
    parts: dict[str, str] = {}
    for name, content in package.others.items():
        parts[name] = own.part_text(name, content)
    for status, path, content in package.references:
        from evisynth_converters.ris import references_of  # noqa: PLC0415 - only packages with references need it

        text = own.part_text(path, content)
        left = studies_of.add_references(studies, status, references_of(text.removeprefix("\ufeff")))
        if left:
            notes.append(f"{path}: {left} references name no study; the file is kept among the review's parts")
            parts[path] = text
    return parts


# -- writing --------------------------------------------------------------------------------------------------------


def write_review(review: Review) -> Mapping[str, bytes]:
    """Write a package whose reading gives an equal review."""
    by_id = review.study_by_id

    def study_cells(identity: str) -> dict[str, str]:
        study = by_id.get(identity)
        name, year = (identity, None) if study is None else (study.name, study.year)
        return {"Study": text_cell(name or None), "Study year": text_cell(year), "id": text_cell(identity)}

    placed = [
        (comparison, outcome, f"{i}.{j}")
        for i, comparison in enumerate(review.comparisons, 1)
        for j, outcome in enumerate(comparison.outcomes, 1)
    ]
    analysis_data = {
        files.SETTINGS: sheet_bytes(
            (*settings.STANDARD, "place"),
            [settings.write_outcome(outcome, of.number, of.name, place) for of, outcome, place in placed],
        ),
        files.ROWS: sheet_bytes(
            (*rows.STANDARD_ROWS, "place", "id"),
            own.every(rows.write_rows(outcome, of.number, place, study_cells) for of, outcome, place in placed),
        ),
        files.SUBGROUPS: sheet_bytes(
            (*rows.STANDARD_SUBGROUPS, "place"),
            own.every(rows.write_subgroups(outcome, of.number, place) for of, outcome, place in placed),
        ),
    }
    study_data = {files.STUDIES: studies_of.write_studies(review.studies)}
    shown = bias.write_risk_of_bias(review.risk_of_bias, by_id)
    if shown is not None:
        study_data[files.RISK_OF_BIAS] = shown
    for status in files.STATUSES.values():
        held = [study for study in review.studies if study.status == status]
        if held:
            study_data[f"{status}.ris"] = studies_of.write_ris(held)
    mine = {
        files.OWN_REVIEW: own.write_review(review),
        files.OWN_COMPARISONS: own.write_comparisons(review),
        files.OWN_REFERENCES: own.write_references(review.studies),
        **own_bias.write_risk_of_bias(review.risk_of_bias),
        **own.write_flow(review.flow),
        **own.write_parts(review.parts),
    }
    prefix = _UNSAFE.sub("-", review.id or "").strip("-")[:40] or "review"
    return {
        f"{prefix}-{folder}/{prefix}-{name}": content
        for folder, held in (("analysis-data", analysis_data), ("study-data", study_data), ("evisynth", mine))
        for name, content in held.items()
    }


@hookimpl
def converters() -> list[Converter]:
    """Offer the data packages of Cochrane reviews."""
    return [
        Converter(
            "cochrane-package",
            read,
            recognises=recognises,
            suffixes=(".zip",),
            write_review=write_review,
            reference=REFERENCE,
        )
    ]
