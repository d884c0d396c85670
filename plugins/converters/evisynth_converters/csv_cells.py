"""Read and write CSV that people edit and that gives every text back: a blank cell is nothing, "" an empty text."""

from __future__ import annotations

import math
import re
from functools import cached_property
from typing import TYPE_CHECKING

import attrs

from evisynth import FormatError, guarded_cell, unguarded_cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MOST_COLUMNS = 2_000
MOST_ROWS = 100_000
MOST_CELLS = 5_000_000
"""Rows and cells of a table; the largest reviews have some thousands of rows."""
MISSING = frozenset({"", "na", "n/a", "#n/a", "null", "none", ".", "-", "—", "not reported", "nr"})
"""What reviewers write where a number is missing."""

_QUOTED = re.compile(r'"[^"]*+(?:""[^"]*+)*+"')
_SPECIAL = re.compile(r'[",;\t\r\n]')
_MINUS = str.maketrans({"\u2212": "-", "\u2013": "-", "\u00a0": "", "\u202f": ""})
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")


@attrs.frozen
class CsvRow:
    """Hold one row: its place among the rows (from 1), its line in the file, and its cells by heading."""

    number: int
    line: int
    cells: Mapping[str, str | None]


@attrs.frozen(slots=False)
class CsvTable:
    """Hold the rows of a file."""

    name: str
    headings: tuple[str, ...]
    rows: tuple[CsvRow, ...]
    delimiter: str = ","

    @cached_property
    def decimal_comma(self) -> bool:
        """Whether numbers may have a decimal comma: where the delimiter is another character."""
        return self.delimiter != ","


def write_csv(headings: Sequence[str], rows: Iterable[Sequence[str | None]]) -> bytes:
    r"""Write cells in UTF-8 with ``\n`` at the ends of lines; equal cells give equal bytes.

    Texts that a spreadsheet would run as formulas are guarded by an apostrophe. None is a blank, and an empty text a
    pair of quotation marks. Raises `FormatError` for a text that UTF-8 cannot hold.
    """
    lines = [",".join(map(_cell, headings)), *(",".join(map(_cell, row)) for row in rows)]
    return encoded("\n".join(lines) + "\n")


def encoded(text: str) -> bytes:
    """Encode as UTF-8; raises `FormatError` for half of a surrogate pair, which no such file can hold."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        msg = f"{text[max(error.start - 20, 0) : error.end]!r} holds half of a surrogate pair, which UTF-8 cannot hold"
        raise FormatError(msg) from None


def _cell(value: str | None) -> str:
    if value is None:
        return ""
    # Marked numbers stand as they are: a guard would make texts of them.
    text = value if isinstance(value, _Number) else guarded_cell(value)
    if not text or text != text.strip() or _SPECIAL.search(text):
        return '"{}"'.format(text.replace('"', '""'))
    return text


class _Number(str):
    __slots__ = ()


def number_cell(value: float | None) -> str | None:
    """Write a number so that it reads back to the bit."""
    return None if value is None else _Number(number_text(value))


def number_text(value: float) -> str:
    """Write a number so that it reads back to the bit, a whole one without a point."""
    value = float(value)
    whole = value.is_integer() and abs(value) < 2**53 and (value != 0 or math.copysign(1.0, value) > 0)
    return str(int(value)) if whole else repr(value)


def read_number(text: str, *, decimal_comma: bool) -> float | None:
    """Read a number; None where the text is none."""
    plain = text.strip().translate(_MINUS)
    if decimal_comma and _DECIMAL_COMMA.fullmatch(plain):
        plain = plain.replace(",", ".")
    try:
        return float(plain) if "_" not in plain else None
    except ValueError:
        return None


def read_csv(content: bytes, name: str, notes: list[str]) -> CsvTable:
    """Read cells: commas between them, or semicolons or tabs where the heading has those and no comma.

    Quoted cells are taken as they are, others without the spaces around them. Lines without any cell do not count.
    Raises `FormatError`, with the line, for rows that do not fit the heading; adds to ``notes`` where the file is not
    UTF-8.
    """
    delimiter, records = csv_records(content, name, notes)
    if not records:
        msg = f"{name} is empty: its first line names the columns"
        raise FormatError(msg)
    headings = _headings(records[0][1], name)
    rows = [
        CsvRow(number, line, _fitted(cells, headings, line, name))
        for number, (line, cells) in enumerate(records[1:], 1)
    ]
    return CsvTable(name, tuple(heading for heading in headings if heading), tuple(rows), delimiter)


def csv_records(content: bytes, name: str, notes: list[str]) -> tuple[str, list[tuple[int, list[str | None]]]]:
    """Read the delimiter, and the line and cells of every row that has any."""
    text = _decoded(content, name, notes)
    delimiter = _delimiter(text)
    records: list[tuple[int, list[str | None]]] = []
    cells = 0
    for line, row in _records(text, delimiter, name):
        records.append((line, row))
        cells += len(row)
        refuse_large(len(records) - 1, cells, name)
    return delimiter, records


def refuse_wide(columns: int, name: str) -> None:
    """Raise `FormatError` for a table with more columns than any of studies."""
    if columns > MOST_COLUMNS:
        msg = f"{name} has {columns:,} columns; up to {MOST_COLUMNS:,} are read"
        raise FormatError(msg)


def refuse_large(rows: int, cells: int, name: str, most_rows: int = MOST_ROWS) -> None:
    """Raise `FormatError` for a table that is larger than any of studies."""
    if rows > most_rows or cells > MOST_CELLS:
        most = f"{most_rows:,} rows" if rows > most_rows else f"{MOST_CELLS:,} cells"
        msg = f"{name} has more than {most}: no table of studies is that large"
        raise FormatError(msg)


def _decoded(content: bytes, name: str, notes: list[str]) -> str:
    try:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            return content.decode("utf-16")  # what Excel calls Unicode text
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        notes.append(f"{name} is not UTF-8 and was read as Windows' Western encoding: look at letters with accents")
        return content.decode("cp1252", errors="replace")


def _delimiter(text: str) -> str:
    first = _QUOTED.sub("", text[: 1 << 16]).lstrip("\r\n").splitlines()
    outside = first[0] if first else ""
    return next((found for found in ",;\t" if found in outside), ",")


def _records(text: str, delimiter: str, name: str) -> Iterator[tuple[int, list[str | None]]]:
    """Go through the lines with cells; a blank cell is None."""
    plain = re.compile(rf"[^{delimiter}\r\n]*+")
    spaces = re.compile("[ ]*+")
    at, line, end = 0, 1, len(text)
    while at < end:
        begun, cells = line, list[str | None]()
        while True:
            start = at
            at = spaces.match(text, at).end()  # type: ignore[union-attr] # pyright: ignore[reportOptionalMemberAccess] - it matches nothing, too
            if text.startswith('"', at):
                quoted = _QUOTED.match(text, at)
                if quoted is None:
                    msg = f"{name}, line {line}: a quotation mark is open to the end of the file"
                    raise FormatError(msg)
                cells.append(unguarded_cell(quoted[0][1:-1].replace('""', '"')))
                line += _line_ends(quoted[0])
                at = spaces.match(text, quoted.end()).end()  # type: ignore[union-attr] # pyright: ignore[reportOptionalMemberAccess] - it matches nothing, too
                if at < end and text[at] not in (delimiter, "\r", "\n"):
                    msg = f"{name}, line {line}: text after a closing quotation mark; double the marks within a text"
                    raise FormatError(msg)
            else:
                at = plain.match(text, at).end()  # type: ignore[union-attr] # pyright: ignore[reportOptionalMemberAccess] - it matches nothing, too
                cells.append(unguarded_cell(text[start:at].strip()) or None)
            if not text.startswith(delimiter, at):
                break
            if len(cells) > MOST_COLUMNS:
                msg = f"{name}, line {line}: more than {MOST_COLUMNS:,} columns"
                raise FormatError(msg)
            at += 1
        at += 2 if text.startswith("\r\n", at) else 1
        line += 1
        if any(cell is not None for cell in cells):
            yield begun, cells


def _line_ends(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def _headings(cells: Sequence[str | None], name: str) -> list[str]:
    headings = [cell or "" for cell in cells]
    seen: set[str] = set()
    for heading in headings:
        if heading and heading in seen:
            msg = f"{name}: two columns have the heading {heading!r}"
            raise FormatError(msg)
        seen.add(heading)
    return headings


def _fitted(cells: Sequence[str | None], headings: Sequence[str], line: int, name: str) -> dict[str, str | None]:
    beyond = any(cell is not None for cell in cells[len(headings) :])
    if len(cells) < len(headings) or beyond:
        msg = (
            f"{name}, line {line}: {len(cells)} cells where the heading has {len(headings)}; put text that holds the "
            "delimiter in quotation marks"
        )
        raise FormatError(msg)
    for heading, cell in zip(headings, cells, strict=False):
        if not heading and cell is not None:
            msg = f"{name}, line {line}: {cell[:40]!r} stands in a column without a heading"
            raise FormatError(msg)
    return {heading: cell for heading, cell in zip(headings, cells, strict=False) if heading}
