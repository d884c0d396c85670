"""Write tables as plain text, as Markdown and as CSV."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from evisynth import guarded_cell
from evisynth_reporters.monospaced import pad, width_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evisynth_reporters.table_sheet import TableSheet

GAP = "  "
SIDES = {"left": "<", "center": "^", "right": ">"}
RULES = {"left": ":--", "center": ":-:", "right": "--:"}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~$!])")


def as_text(table: TableSheet) -> str:
    """Set a table in a monospaced font."""
    widths = [width_of(column.heading) for column in table.columns]
    for row in table.rows:
        if row.kind != "heading":
            widths = [max(width, width_of(cell)) for width, cell in zip(widths, row.cells, strict=True)]
    start = 0
    for group, span in table.groups:
        lacking = width_of(group) - sum(widths[start : start + span]) - len(GAP) * (span - 1)
        widths[start + span - 1] += max(lacking, 0)
        start += span
    sides = [SIDES[column.align] for column in table.columns]

    def line(cells: tuple[str, ...]) -> str:
        return GAP.join(pad(cell, width, side) for cell, width, side in zip(cells, widths, sides, strict=True)).rstrip()

    heading = line(tuple(column.heading for column in table.columns))
    over: list[str] = []
    start = 0
    for group, span in table.groups:
        over.append(pad(group, sum(widths[start : start + span]) + len(GAP) * (span - 1), "^"))
        start += span
    rule = "-" * (sum(widths) + len(GAP) * (len(widths) - 1))
    body = [row.cells[0] if row.kind == "heading" else line(row.cells) for row in table.rows]
    lines = [table.title, "", *([GAP.join(over).rstrip()] if over else []), heading, rule, *body]
    return "\n".join([*lines, *([""] if table.notes else []), *table.notes]) + "\n"


def as_markdown(table: TableSheet) -> str:
    """Write a table of GitHub's Markdown; headings over columns become part of them."""
    names = [f"{column.group}: {column.heading}" if column.group else column.heading for column in table.columns]
    lines = [f"**{_escaped(table.title)}**", "", _piped(map(_escaped, names))]
    lines.append(_piped(RULES[column.align] for column in table.columns))
    for row in table.rows:
        cells = [_escaped(cell) for cell in row.cells]
        lines.append(_piped(f"**{cell}**" if cell and row.kind != "row" else cell for cell in cells))
    notes = [line for note in table.notes for line in ("", _escaped(note))]
    return "\n".join([*lines, *notes]) + "\n"


def _piped(cells: Iterable[str]) -> str:
    inner = " | ".join(cells)
    return f"| {inner} |"


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)


def as_csv(table: TableSheet) -> str:
    """Write a table as CSV, whose cells no spreadsheet takes for formulas; title and notes are left out."""
    held = io.StringIO()
    writer = csv.writer(held, lineterminator="\r\n")
    names = [f"{column.group}: {column.heading}" if column.group else column.heading for column in table.columns]
    writer.writerow([guarded_cell(name) for name in names])
    for row in table.rows:
        writer.writerow([guarded_cell(cell) for cell in row.cells])
    return held.getvalue()
