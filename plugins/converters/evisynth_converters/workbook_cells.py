"""Hold the sheets of a workbook as rows of cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import attrs

from evisynth import FormatError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

Cell: TypeAlias = "str | float | bool | dt.date | dt.time | dt.timedelta | None"


@attrs.frozen
class Sheet:
    """Hold one sheet: its name, and its rows of cells from the first row and column on."""

    name: str
    rows: Sequence[Sequence[Cell]]
    decimal_comma: bool = False
    why_not: str = ""
    """Why there is nothing to look at, where it is no sheet of cells."""


def fill_merged(rows: list[list[Cell]], ranges: Sequence[tuple[tuple[int, int], tuple[int, int]]], where: str) -> None:
    """Let a text that is merged over rows hold for each of them; a number stands where it stands."""
    left_over = sum(map(len, rows))
    for (top, left), (bottom, _) in ranges:
        if top < len(rows) and left < len(rows[top]) and isinstance(rows[top][left], str):
            left_over -= min(bottom + 1, len(rows)) - top
            if left_over < 0:
                msg = f"{where} has merged cells that lie over each other"
                raise FormatError(msg)
            for row in rows[top + 1 : bottom + 1]:
                if left < len(row) and row[left] is None:
                    row[left] = rows[top][left]
