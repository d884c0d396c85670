"""Find the table of studies in a sheet, and make an outcome's rows of it: no statistic is converted into another."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import TYPE_CHECKING, Any

import attrs

from evisynth import DATA_COLUMNS, DataError, Problem, ReviewRow, ReviewSubgroup, find_roles
from evisynth_converters.csv_cells import MISSING, number_text, read_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evisynth_converters.workbook_cells import Cell, Sheet

_LOOKED_AT = 30
"""Rows in which the headings are looked for: titles and notes may stand above them."""
_TYPES: Sequence[tuple[str, Sequence[Iterable[str]]]] = (
    ("o-e", [("o_e", "o_e_variance")]),
    ("dichotomous", [("events_1", "n_1", "events_2", "n_2"), ("events_1", "nonevents_1", "events_2", "nonevents_2")]),
    ("continuous", [("mean_1", "mean_2")]),
    ("generic", [("yi", "sei"), ("yi", "vi"), ("yi", "ci_low", "ci_high"), ("estimate", "ci_low", "ci_high")]),
)
MEASURES: Mapping[str, tuple[str, str | None]] = {
    "dichotomous": ("RR", "MH"),
    "continuous": ("MD", "IV"),
    "generic": ("GEN", "IV"),
    "o-e": ("O-E", None),
}
"""Measure and method of a type of data, unless the settings say otherwise."""
_TEXTS = ("study", "year", "subgroup")
_SUMS = re.compile(r"(sub)?-?total(s)?( \(95% ci\))?|sum|overall|pooled", re.IGNORECASE)
_YEAR = "year"


@attrs.frozen
class StudyTable:
    """Hold the table of studies that a sheet has: columns by heading, and which column each role has."""

    name: str
    columns: Mapping[str, Sequence[Cell]]
    roles: Mapping[str, str]
    data_type: str
    decimal_comma: bool = False

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return max(map(len, self.columns.values()), default=0)


def find_table(sheet: Sheet, notes: list[str], said: str | None = None) -> StudyTable | str:
    """Find the headings of a table of studies, and what stands below them; a text says why there is none.

    ``said`` is the type of data that the settings name; else it is that of the columns. Empty rows, and rows that sum
    up others, are left out; of the latter a note is made.
    """
    if sheet.why_not:
        return sheet.why_not
    if not any(cell is not None for row in sheet.rows for cell in row):
        return "is empty"
    for place, row in enumerate(sheet.rows[:_LOOKED_AT]):
        headings = [cell.strip() if isinstance(cell, str) else "" for cell in row]
        roles = find_roles(filter(None, headings))
        data_type = type_of(roles) if said is None or "study" not in roles else said
        if data_type is None:
            continue
        twice = next((one for one in roles.values() if headings.count(one) > 1), None)
        if twice is not None:
            return f"has two columns with the heading {twice!r}"
        return _below(sheet, place, headings, roles, data_type, notes)
    return "has no row of headings of a table of studies (such as study, events_1, n_1, events_2, n_2)"


def type_of(roles: Iterable[str]) -> str | None:
    """Give the type of data that columns make, None where they make none."""
    held = set(roles)
    return next((kind for kind, ways in _TYPES if any(held.issuperset(way) for way in ways)), None)


def _below(
    sheet: Sheet, place: int, headings: Sequence[str], roles: Mapping[str, str], data_type: str, notes: list[str]
) -> StudyTable:
    names = _distinct(headings, sheet.rows[place + 1 :])
    kept: list[Sequence[Cell]] = []
    study = headings.index(roles["study"]) if "study" in roles else None
    for row in sheet.rows[place + 1 :]:
        if not any(cell is not None for cell in row):
            continue
        label = row[study] if study is not None and study < len(row) else None
        if isinstance(label, str) and _SUMS.fullmatch(label.strip()):
            notes.append(f"{sheet.name}: the row {label.strip()!r} sums up others and was left out")
            continue
        kept.append(row)
    columns = {
        name: [row[j] if j < len(row) else None for row in kept] for j, name in enumerate(names) if name is not None
    }
    return StudyTable(sheet.name, columns, roles, data_type, sheet.decimal_comma)


def _distinct(headings: Sequence[str], below: Sequence[Sequence[Cell]]) -> list[str | None]:
    """Name every column that holds something; one without a heading by its place."""
    width = max((len(row) for row in below), default=0)
    made: list[str | None] = []
    for j in range(max(width, len(headings))):
        heading = headings[j] if j < len(headings) else ""
        used = any(j < len(row) and row[j] is not None for row in below)
        name = heading or (f"column {j + 1}" if used else None)
        while name is not None and name in made:
            name += " (2)"
        made.append(name)
    return made


def plain_cell(cell: Cell, *, role: str | None) -> Any:  # noqa: ANN401 - what tables hold
    """Give a cell as a number or a text: dates of the year as years, others so that no one takes them for numbers."""
    if isinstance(cell, dt.date):
        if role == _YEAR:
            return str(cell.year)
        day = cell.date() if isinstance(cell, dt.datetime) and cell.time() == dt.time() else cell
        return f"{day.isoformat()} (a date)" if role is not None and role not in _TEXTS else day.isoformat()
    if isinstance(cell, dt.time | dt.timedelta):
        return f"{cell} (a time)"
    if isinstance(cell, bool) and (role is None or role in _TEXTS):
        return "true" if cell else "false"
    return cell


def plain_columns(table: StudyTable) -> dict[str, list[Any]]:
    """Give the columns as a table of studies that the engine reads."""
    by_heading = {heading: role for role, heading in table.roles.items()}
    return {
        heading: [plain_cell(cell, role=by_heading.get(heading)) for cell in column]
        for heading, column in table.columns.items()
    }


def text_of(cell: Any) -> str | None:  # noqa: ANN401 - what tables hold
    """Give a cell as a text, None for a blank."""
    if cell is None:
        return None
    if isinstance(cell, float | int) and not isinstance(cell, bool):
        return number_text(cell)
    return str(cell).strip() or None


@attrs.frozen
class OutcomeRows:
    """Hold the rows of an outcome, and the years of its studies."""

    rows: tuple[ReviewRow, ...]
    subgroups: tuple[ReviewSubgroup, ...]
    years: Mapping[str, str]


def outcome_rows(table: StudyTable, data_type: Any, ids: Mapping[str, str], where: str) -> OutcomeRows:  # noqa: ANN401 - a word of the model
    """Make rows; ``ids`` gives studies by name.

    Totals are added where a table has events and non-events, and a standard error is the root of a variance: these say
    the same. Every other column stays as text. Raises `DataError` for texts, dates and truth values in columns of data.
    """
    columns = plain_columns(table)
    roles, known = table.roles, DATA_COLUMNS[data_type]
    of_data = {role: columns[heading] for role, heading in roles.items() if role in known or role in _same_as(known)}
    used = {roles[role] for role in (*of_data, "study", "subgroup") if role in roles}
    problems: list[Problem] = []
    made: list[tuple[str | None, ReviewRow]] = []
    years: dict[str, str] = {}
    for i in range(table.rows):
        name = text_of(columns[roles["study"]][i]) if "study" in roles else None
        label = name or f"Row {i + 1}"
        numbers: dict[str, float] = {}
        for role, column in of_data.items():
            number = _number(column[i], Problem(i + 1, label, roles[role], None, ""), table, problems)
            if number is not None:
                numbers[role] = number
        texts = {
            heading: text
            for heading, column in columns.items()
            if heading not in used and (text := text_of(column[i])) is not None
        }
        subgroup = text_of(columns[roles["subgroup"]][i]) if "subgroup" in roles else None
        study = ids.get(label, label)
        if "year" in roles and (year := text_of(columns[roles["year"]][i])) is not None:
            years.setdefault(study, year)
        made.append((subgroup, ReviewRow(study=study, data=_data(numbers, known), text=texts)))
    if problems:
        summary = (
            f"{where}, sheet {table.name!r} holds {len(problems)} value{'s' * (len(problems) > 1)} that cannot be used"
        )
        raise DataError(summary, problems)
    groups = dict.fromkeys(subgroup for subgroup, _ in made if subgroup is not None)
    return OutcomeRows(
        tuple(row for subgroup, row in made if subgroup is None),
        tuple(
            ReviewSubgroup(number=number, name=name, rows=tuple(row for subgroup, row in made if subgroup == name))
            for number, name in enumerate(groups, 1)
        ),
        years,
    )


def _same_as(known: Sequence[str]) -> tuple[str, ...]:
    return (*(("vi",) if "sei" in known else ()), *(("nonevents_1", "nonevents_2") if "events_1" in known else ()))


def _data(numbers: Mapping[str, float], known: Sequence[str]) -> dict[str, float]:
    data = {name: numbers[name] for name in known if name in numbers}
    for arm in ("1", "2"):
        if f"events_{arm}" in data and f"nonevents_{arm}" in numbers:
            data.setdefault(f"n_{arm}", data[f"events_{arm}"] + numbers[f"nonevents_{arm}"])
    if "sei" in known and "vi" in numbers:
        data.setdefault("sei", math.sqrt(numbers["vi"]))
    return data


def _number(cell: Any, at: Problem, table: StudyTable, problems: list[Problem]) -> float | None:  # noqa: ANN401 - what tables hold
    if cell is None or (isinstance(cell, str) and cell.strip().casefold() in MISSING):
        return None
    number = read_number(cell, decimal_comma=table.decimal_comma) if isinstance(cell, str) else None
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        number = float(cell)
    message = "is not a number" if number is None else "" if math.isfinite(number) else "is not finite"
    if number is not None and not message and at.column == table.roles.get("vi") and number < 0:
        message = "a variance cannot be negative"
    if message:
        problems.append(attrs.evolve(at, value=repr(cell)[:60], message=message))
        return None
    return number
