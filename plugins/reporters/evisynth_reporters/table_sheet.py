"""Hold a table as data: columns, rows of texts and notes, which every format renders in its own way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

from evisynth_reporters import printed
from evisynth_reporters.marked_up import legal

if TYPE_CHECKING:
    from collections.abc import Iterable

Align: TypeAlias = Literal["left", "center", "right"]
RowKind: TypeAlias = Literal["row", "heading", "total"]


def shown(text: str) -> str:
    """Make a text fit for a cell: one line, nothing that a document may not hold."""
    return legal(printed.one_line(text))


def _texts(cells: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(shown, cells))


@attrs.frozen
class TableColumn:
    """Head a column; ``group`` stands over all neighbours that share it."""

    heading: str = attrs.field(converter=shown)
    align: Align = "left"
    group: str = attrs.field(default="", converter=shown)


@attrs.frozen
class TableRow:
    """Hold a row: a cell for every column. A ``heading`` has its text in the first cell alone."""

    cells: tuple[str, ...] = attrs.field(converter=_texts)
    kind: RowKind = "row"


@attrs.frozen
class TableSheet:
    """Hold a table with its title and the notes beneath it."""

    title: str = attrs.field(converter=shown)
    columns: tuple[TableColumn, ...]
    rows: tuple[TableRow, ...]
    notes: tuple[str, ...] = attrs.field(default=(), converter=_texts)

    @property
    def groups(self) -> tuple[tuple[str, int], ...]:
        """Headings over columns, with how many they span; empty where there are none."""
        made: list[tuple[str, int]] = []
        for column in self.columns:
            if made and column.group and made[-1][0] == column.group:
                made[-1] = (column.group, made[-1][1] + 1)
            else:
                made.append((column.group, 1))
        return tuple(made) if any(text for text, _ in made) else ()
