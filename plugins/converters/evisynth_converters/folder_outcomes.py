"""Write and read the comparisons and outcomes of a review's folder: settings in the main file, rows beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from evisynth import (
    DATA_COLUMNS,
    FormatError,
    ReviewComparison,
    ReviewOutcome,
    ReviewSubgroup,
    Settings,
    SettingsError,
    StoredResults,
)
from evisynth_converters.folder_labels import ROWS, distinct_names, label_of, part_fields, rows_by_part
from evisynth_converters.folder_rows import NamedRow, read_rows, write_rows
from evisynth_converters.toml_fields import Kind, TomlTable, fields_given, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from evisynth import ReviewRow
    from evisynth_converters.folder_files import Folder
    from evisynth_converters.folder_studies import StudyLabels

COMPARISON: Mapping[str, Kind] = {"number": int, "name": str, "id": str}
SUBGROUP: Mapping[str, Kind] = {"name": str, "number": int, "id": str}
OUTCOME: Mapping[str, Kind] = {
    "number": int,
    "name": str,
    "id": str,
    "data_type": tuple(DATA_COLUMNS),
    "measure": str,
    "method": str,
    "model": str,
    "effect_label": str,
    "log_data": bool,
    "level": float,
    "study_level": float,
    "totals": ("overall", "subgroups", "none"),
    "subgroup_test": bool,
    "swap_events": bool,
    "sort_by": ("study", "year", "weight", "effect", "user"),
    "group_1": str,
    "group_2": str,
    "favours_1": str,
    "favours_2": str,
    "units": str,
    "axis": float,
}
WORDS = tuple(field.name for field in attrs.fields(Settings) if field.name != "preset")
_OWN_WORDS = tuple(word for word in WORDS if word not in OUTCOME)
_TYPE_OF_MEASURE = {
    **dict.fromkeys(("OR", "RR", "RD", "PETO"), "dichotomous"),
    **dict.fromkeys(("MD", "SMD", "ROM"), "continuous"),
    "GEN": "generic",
    "O-E": "o-e",
}


def refuse_unknown_preset(preset: str, where: str) -> None:
    """Raise `FormatError` for settings that have no such name."""
    try:
        Settings(preset=preset)
    except SettingsError as error:
        msg = f"{where}: {error}"
        raise FormatError(msg) from None


def write_comparisons(
    comparisons: Sequence[ReviewComparison], labels: Mapping[str, str]
) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    """Give the comparisons for the main file, and the files of their rows; ``labels`` calls studies by their ids."""
    files: dict[str, bytes] = {}
    made: list[dict[str, Any]] = []
    for comparison in comparisons:
        outcomes: list[dict[str, Any]] = []
        for outcome in comparison.outcomes:
            path, copy = f"data/{comparison.number}.{outcome.number}.csv", 1
            while path in files:
                copy += 1
                path = f"data/{comparison.number}.{outcome.number}-{copy}.csv"
            names = distinct_names([subgroup.name for subgroup in outcome.subgroups])
            files[path] = write_rows(outcome, names, labels)
            outcomes.append(_outcome_fields(outcome, path, names))
        made.append(fields_given(comparison, COMPARISON) | ({"outcome": outcomes} if outcomes else {}))
    return made, files


def _outcome_fields(outcome: ReviewOutcome, path: str, names: Sequence[str]) -> dict[str, Any]:
    for word, value in outcome.words.items():
        if word not in WORDS or not (value is None or isinstance(value, str | bool | int | float)):
            msg = f"outcome {outcome.name!r}: {word} = {value!r} is no word of settings{nearest(word, WORDS)}"
            raise FormatError(msg)
    given = {word: outcome.words[word] for word in sorted(outcome.words) if outcome.words[word] is not None}
    without = sorted(word for word, value in outcome.words.items() if value is None)
    subgroups = [
        part_fields(subgroup, name, SUBGROUP) | _stored_fields(subgroup.stored)
        for subgroup, name in zip(outcome.subgroups, names, strict=True)
    ]
    # Subgroups that follow from the rows alone need not be listed.
    plain = [{"name": name, "number": number} for number, name in enumerate(names, 1)]
    listed = subgroups != plain or not all(subgroup.rows for subgroup in outcome.subgroups)
    beside = {word: value for word, value in given.items() if word in OUTCOME}
    return {
        **fields_given(outcome, OUTCOME),
        **{word: value for word, value in given.items() if word not in OUTCOME},
        **({"without": without} if without else {}),
        "data": path,
        **({"settings": beside} if beside else {}),
        **({"text": {key: outcome.text[key] for key in sorted(outcome.text)}} if outcome.text else {}),
        **_stored_fields(outcome.stored),
        **({"subgroup": subgroups} if listed and subgroups else {}),
    }


def _stored_fields(stored: StoredResults) -> dict[str, Any]:
    numbers = {name: float(stored.numbers[name]) for name in sorted(stored.numbers)}
    flag = {} if stored.estimable is None else {"estimable": stored.estimable}
    return {**flag, **({"stored": numbers} if numbers else {})}


def read_comparisons(folder: Folder, review: TomlTable, labels: StudyLabels) -> Iterator[ReviewComparison]:
    """Read the comparisons of the main file, with the rows of their files."""
    for place, table in enumerate(review.tables("comparison", "comparison"), 1):
        table.refuse_unknown(COMPARISON, ("outcome",))
        given: dict[str, Any] = {"number": place, **table.fields(COMPARISON)}
        _named(table, given)
        outcomes = tuple(
            _outcome(folder, one, f"{given['number']}.", number, labels)
            for number, one in enumerate(table.tables("outcome", "outcome"), 1)
        )
        yield ReviewComparison(**given, outcomes=outcomes)


def _named(table: TomlTable, given: Mapping[str, Any]) -> None:
    if "name" not in given:
        msg = f"{table.where} has no name"
        raise FormatError(msg)


def _outcome(folder: Folder, table: TomlTable, comparison: str, place: int, labels: StudyLabels) -> ReviewOutcome:
    table.refuse_unknown(
        OUTCOME, _OWN_WORDS, ("without", "data", "settings", "text", "estimable", "stored", "subgroup")
    )
    given: dict[str, Any] = {"number": place, **table.fields(OUTCOME)}
    _named(table, given)
    if "data_type" not in given:
        given["data_type"] = _type_of_measure(table, given.get("measure"))
    listed = list(table.tables("subgroup", "subgroup"))
    for one in listed:
        one.refuse_unknown(SUBGROUP, (ROWS, "estimable", "stored"))
    usual = f"data/{comparison}{given['number']}.csv"
    rows = _rows(folder, table, usual, given["data_type"], labels)
    parts = rows_by_part(
        ((row.subgroup, row.line, row.row) for row in rows if row.subgroup is not None),
        listed,
        called="subgroup",
        file=str(table.held.get("data", usual)),
    )
    by_label = {label_of(one): one for one in listed}
    subgroups = tuple(
        _subgroup(number, label, by_label.get(label), held) for number, (label, held) in enumerate(parts.items(), 1)
    )
    return ReviewOutcome(
        **given,
        words=_words(table),
        rows=tuple(row.row for row in rows if row.subgroup is None),
        subgroups=subgroups,
        stored=_stored(table),
        text=table.mapping("text", str),
    )


def _subgroup(number: int, label: str, table: TomlTable | None, rows: Sequence[ReviewRow]) -> ReviewSubgroup:
    given: dict[str, Any] = {"number": number, "name": label}
    if table is None:
        return ReviewSubgroup(**given, rows=tuple(rows))
    return ReviewSubgroup(**(given | table.fields(SUBGROUP)), rows=tuple(rows), stored=_stored(table))


def _type_of_measure(table: TomlTable, measure: object) -> str:
    found = _TYPE_OF_MEASURE.get(measure) if isinstance(measure, str) else None
    if found is None:
        msg = f"{table.where} has no data_type: one of {', '.join(DATA_COLUMNS)}"
        raise FormatError(msg)
    return found


def _rows(
    folder: Folder,
    table: TomlTable,
    usual: str,
    data_type: Any,  # noqa: ANN401 - a checked word
    labels: StudyLabels,
) -> tuple[NamedRow, ...]:
    path = table.fields({"data": str}).get("data")
    if path is None:
        if not folder.has(usual):
            folder.notes.append(f"{table.where} has no rows: it names no data file, and there is no {usual}")
            return ()
        path = usual
    return read_rows(folder.table(path, table.where), data_type, labels, folder.notes)


def _words(table: TomlTable) -> dict[str, Any]:
    words = TomlTable(table.where, {word: table.held[word] for word in _OWN_WORDS if word in table.held}).scalars()
    settings, without = table.table("settings"), table.texts("without")
    if settings is not None:
        settings.refuse_unknown(WORDS)
        words |= settings.scalars()
    TomlTable(f"{table.where}, without", dict.fromkeys(without)).refuse_unknown(WORDS)
    return words | dict.fromkeys(without)


def _stored(table: TomlTable) -> StoredResults:
    return StoredResults(table.mapping("stored", float), table.fields({"estimable": bool}).get("estimable"))
