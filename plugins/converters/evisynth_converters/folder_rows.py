"""Write and read the rows of an outcome as CSV: a row a study, columns by the type of data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from evisynth import DATA_COLUMNS, DataError, FormatError, Problem, ReviewRow, StoredResults, find_roles
from evisynth_converters.csv_cells import MISSING, number_cell, read_number, write_csv
from evisynth_converters.folder_headings import TEXT, Headings, in_order
from evisynth_converters.folder_studies import read_flag
from evisynth_converters.toml_fields import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evisynth import ReviewOutcome
    from evisynth_converters.csv_cells import CsvRow, CsvTable
    from evisynth_converters.folder_studies import StudyLabels

LEVELS = ("both", "subgroup", "overall")
DATA, STORED = "data", "stored"
_BESIDE = ("level", "order", "footnote", "estimable")


@attrs.frozen
class NamedRow:
    """Hold a row as a file has it: what it calls its subgroup, its line, and what it holds."""

    subgroup: str | None
    line: int
    row: ReviewRow


def headings_of(data_type: Any) -> Headings:  # noqa: ANN401 - a word of the model
    """Give the columns of a type of data; those of the data go by the common names, too (``Total_1``, ``ai``)."""
    columns = DATA_COLUMNS[data_type]
    own = ("subgroup", "study", *columns, *_BESIDE)

    def canonical(heading: str) -> str | None:
        found = next(iter(find_roles([heading])), None)
        return found if found in own else None

    return Headings(own, (DATA, STORED), canonical)


def write_rows(outcome: ReviewOutcome, names: Sequence[str], labels: Mapping[str, str]) -> bytes:
    """Write the rows of an outcome; ``names`` are what they call its subgroups, ``labels`` studies by their ids."""
    rows = [(None, row) for row in outcome.rows] + [
        (name, row) for name, subgroup in zip(names, outcome.subgroups, strict=True) for row in subgroup.rows
    ]
    columns = headings_of(outcome.data_type)
    known = DATA_COLUMNS[outcome.data_type]
    others = [name for name in in_order((name for _, row in rows for name in row.data)) if name not in known]
    stored = in_order(name for _, row in rows for name in row.stored.numbers)
    texts = in_order(key for _, row in rows for key in row.text)
    beside = [name for name in _BESIDE if any(_beside(row)[name] is not None for _, row in rows)]
    cells = [
        [
            *([name] if outcome.subgroups else []),
            labels.get(row.study, row.study),
            *(number_cell(row.data.get(column)) for column in (*known, *others)),
            *(_beside(row)[column] for column in beside),
            *(row.text.get(key) for key in texts),
            *(number_cell(row.stored.numbers.get(column)) for column in stored),
        ]
        for name, row in rows
    ]
    headings = [
        *(["subgroup"] if outcome.subgroups else []),
        *("study", *known, *(f"{DATA}.{name}" for name in others), *beside),
        *(columns.of_text(key) for key in texts),
        *(f"{STORED}.{name}" for name in stored),
    ]
    return write_csv(headings, cells)


def _beside(row: ReviewRow) -> dict[str, str | None]:
    estimable = row.stored.estimable
    return {
        "level": None if row.level == "both" else row.level,
        "order": None if row.order is None else str(row.order),
        "footnote": row.footnote,
        "estimable": None if estimable is None else "yes" if estimable else "no",
    }


def read_rows(table: CsvTable, data_type: Any, labels: StudyLabels, notes: list[str]) -> tuple[NamedRow, ...]:  # noqa: ANN401 - a word of the model
    """Read the rows of an outcome.

    Raises `FormatError` for columns that are not understood and rows without a study, and `DataError` that names every
    study and column with a text where a number belongs.
    """
    kinds = headings_of(data_type).sorted(table)
    headings = {key: heading for heading, key in kinds.items()}
    if ("own", "study") not in headings:
        msg = f"{table.name} has no column study{nearest('study', table.headings)}"
        raise FormatError(msg)
    lacking = [name for name in DATA_COLUMNS[data_type] if ("own", name) not in headings]
    if table.rows and len(lacking) == len(DATA_COLUMNS[data_type]) > 0:
        notes.append(f"{table.name} has none of the columns of {data_type} data ({', '.join(lacking)})")
    problems: list[Problem] = []
    rows = [_row(row, table, kinds, labels, problems) for row in table.rows]
    if problems:
        summary = f"{table.name} holds {len(problems)} value{'s' * (len(problems) > 1)} that cannot be used"
        raise DataError(summary, problems)
    return tuple(rows)


def _row(
    row: CsvRow,
    table: CsvTable,
    kinds: Mapping[str, tuple[str, str]],
    labels: StudyLabels,
    problems: list[Problem],
) -> NamedRow:
    own, text = dict[str, str](), dict[str, str]()
    numbers: dict[str, dict[str, float]] = {DATA: {}, STORED: {}}
    label = next(cell for heading, cell in row.cells.items() if kinds[heading] == ("own", "study"))
    if label is None:
        msg = f"{table.name}, line {row.line}: a row without a study"
        raise FormatError(msg)
    for heading, cell in row.cells.items():
        kind, name = kinds[heading]
        if cell is None:
            continue
        if kind == TEXT:
            text[name] = cell
        elif kind == "own" and (name in _BESIDE or name in {"subgroup", "study"}):
            own[name] = cell
        elif cell.strip().casefold() not in MISSING:
            number = read_number(cell, decimal_comma=table.decimal_comma)
            if number is None:
                problems.append(Problem(row.number, label, heading, repr(cell[:60]), "is not a number"))
            else:
                numbers[DATA if kind == "own" else kind][name] = number
    level = own.get("level", "both").strip().casefold()
    if level not in LEVELS:
        msg = f"{table.name}, line {row.line} ({label}), column level: {own['level']!r}{nearest(level, LEVELS)}"
        raise FormatError(msg)
    given: Any = {"level": level}
    made = ReviewRow(
        study=labels.id_of(label),
        data=numbers[DATA],
        order=_order(own.get("order"), row, label, problems),
        footnote=own.get("footnote"),
        stored=StoredResults(numbers[STORED], read_flag(own.get("estimable"), table, row, "estimable")),
        text=text,
        **given,
    )
    return NamedRow(own.get("subgroup"), row.line, made)


def _order(cell: str | None, row: CsvRow, label: str, problems: list[Problem]) -> int | None:
    if cell is None or not cell.strip():
        return None
    try:
        return int(cell)
    except ValueError:
        problems.append(Problem(row.number, label, "order", repr(cell[:60]), "is not a whole number"))
        return None
