"""Join rows of a file with the parts of the main file that they belong to: subgroups, domains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from evisynth import FormatError
from evisynth_converters.toml_fields import Kind, TomlTable, fields_given, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Row = TypeVar("Row")
ROWS = "rows"
"""Key of what rows call a part, where that is not its name."""


def distinct_names(names: Sequence[str]) -> list[str]:
    """Give what rows call each part: its name, with a number where that is blank or another's."""
    taken = set(names)
    made: list[str] = []
    for place, name in enumerate(names, 1):
        label, number = name, place
        while not label.strip() or label in made or (label != name and label in taken):
            label, number = f"{name} ({number})".strip(), number + 1
        made.append(label)
    return made


def part_fields(part: Any, label: str, kinds: Mapping[str, Kind]) -> dict[str, Any]:  # noqa: ANN401 - a value of the model with a name
    """Give the fields of a part for the main file, with what rows call it where that is not its name."""
    return fields_given(part, kinds) | ({} if label == part.name else {ROWS: label})


def rows_by_part(
    rows: Iterable[tuple[str, int, Row]], listed: Sequence[TomlTable], *, called: str, file: str
) -> dict[str, list[Row]]:
    """Sort rows (what each calls its part, its line, and what it holds) by part, in the order of the main file.

    Where that lists none, parts are made in the order in which rows name them. Raises `FormatError` for two parts that
    rows call the same, and for a row of a part that is not listed.
    """
    found: dict[str, list[Row]] = {}
    for table in listed:
        label = label_of(table)
        if label in found:
            msg = f'{table.where}: another {called} is called {label!r}, too; give one of them {ROWS} = "…"'
            raise FormatError(msg)
        found[label] = []
    for label, line, row in rows:
        if listed and label not in found:
            msg = f"{file}, line {line}: no {called} is called {label!r}{nearest(label, found)}"
            raise FormatError(msg)
        found.setdefault(label, []).append(row)
    return found


def label_of(table: TomlTable) -> str:
    """Give what rows call a part."""
    given = table.fields({"name": str, ROWS: str})
    label = given.get(ROWS, given.get("name"))
    if label is None:
        msg = f"{table.where} has no name"
        raise FormatError(msg)
    return str(label)
