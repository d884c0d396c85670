"""Read and write tables as text: comma, semicolon, tab or bar between the fields."""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from typing import TYPE_CHECKING

from evisynth import Converter, FormatError, Source, Studies, Table, guarded_cell, hookimpl, unguarded_cell
from evisynth_converters.csv_cells import refuse_large, refuse_wide
from evisynth_converters.foreign import foreign_kind

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_ROWS = 1_000_000
"""Rows that are read: tables of very many analyses are long, those of one review are not."""
SUFFIXES = (".csv", ".tsv", ".tab", ".txt")

_SEPARATOR_LINE = re.compile(r"sep=(.)\s*", re.IGNORECASE)
_COMMA_DECIMAL = re.compile(r"\s*[+-]?(0,\d+|\d+,(\d{1,2}|\d{4,}))\s*")
_POINT_DECIMAL = re.compile(r"\s*[+-]?\d*\.\d+\s*")
# In this order where two of them explain the file equally well.
_DELIMITERS = "\t;,|"
_SAMPLE = 50


def recognises(source: Source) -> float:
    """Go by the suffix, or else by a first line that has a delimiter."""
    if source.path is None:
        return 0.0
    if source.suffix in SUFFIXES:
        return 0.5
    if _foreign(source.head) is not None or source.head.lstrip()[:1] in {b"{", b"["}:
        return 0.0
    first = source.head.partition(b"\n")[0]
    return 0.2 if any(delimiter.encode() in first for delimiter in _DELIMITERS) else 0.0


def read(source: Source) -> Table:
    """Find the delimiter and take the columns; blank lines and empty columns at the end do not count.

    A comma is a decimal comma where the delimiter is a semicolon (unless the numbers have decimal points), and between
    tabs or bars where numbers cannot be read otherwise. Raises `FormatError`, with the line, for rows that do not fit
    the heading.
    """
    foreign = _foreign(source.content)
    if foreign is not None:
        msg = f"{source.name} is {foreign}, not a table of text: save the table as CSV"
        raise FormatError(msg)
    text, delimiter = _announced(_text(source))
    delimiter = delimiter or _detect(text)
    lines = _records(text, delimiter, source.name)
    if not lines:
        msg = f"{source.name} has no heading: its first line names the columns"
        raise FormatError(msg)
    headings = _headings(lines[0][1], source.name)
    rows = [_fitted(row, len(headings), line, source.name) for line, row in lines[1:]]
    columns = {
        heading or f"column {j + 1}": [row[j] for row in rows]
        for j, heading in enumerate(headings)
        # R writes its row names under an empty heading; an empty column under one is nothing.
        if heading or any(row[j] for row in rows)
    }
    return Table(columns, decimal_comma=delimiter != "," and _decimal_comma(rows, delimiter))


def _foreign(content: bytes) -> str | None:
    kind = foreign_kind(content)
    if kind is None and content[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        return "an XML file"
    return kind


def _text(source: Source) -> str:
    if not source.content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return source.text
    try:
        return source.content.decode("utf-16")  # what Excel calls Unicode text
    except UnicodeDecodeError as error:
        msg = f"{source.name} opens as UTF-16 but is not: {error.reason} at byte {error.start + 1}"
        raise FormatError(msg) from None


def _announced(text: str) -> tuple[str, str | None]:
    """Take off the line ``sep=;`` with which some programs tell a spreadsheet the delimiter."""
    first, _, rest = text.partition("\n")
    found = _SEPARATOR_LINE.fullmatch(first)
    # The line stays as a blank one, so that line numbers remain those of the file.
    return (f"\n{rest}", found[1]) if found else (text, None)


def _detect(text: str) -> str:
    best, best_score = ",", (False, 1)
    sample = text[: 1 << 16]
    for delimiter in _DELIMITERS:
        try:
            reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter, skipinitialspace=True)
            rows = [row for row, _ in zip((row for row in reader if any(row)), range(_SAMPLE), strict=False)]
        except csv.Error:
            continue
        width = len(rows[0]) if rows else 1
        # The last row of a sample may be cut short.
        score = (all(len(row) == width for row in rows[: _SAMPLE - 1]), width)
        if width > 1 and score > best_score:
            best, best_score = delimiter, score
    return best


def _records(text: str, delimiter: str, name: str) -> list[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    records: list[tuple[int, list[str]]] = []
    cells = 0
    try:
        for row in reader:
            records.append((reader.line_num, [unguarded_cell(field.strip()) for field in row]))
            cells += len(row)
            refuse_large(len(records) - 1, cells, name, MOST_ROWS)
    except csv.Error as error:
        msg = f"{name}, line {reader.line_num}: {error}"
        raise FormatError(msg) from None
    return [(line, row) for line, row in records if any(row)]


def _headings(row: Sequence[str], name: str) -> list[str]:
    headings = list(row)
    while not headings[-1]:
        headings.pop()
    refuse_wide(len(headings), name)
    repeated = sorted(heading for heading, times in Counter(headings).items() if heading and times > 1)
    if repeated:
        msg = f"{name} has columns of the same name: {', '.join(map(repr, repeated))}; name each differently"
        raise FormatError(msg)
    return headings


def _fitted(row: Sequence[str], width: int, line: int, name: str) -> list[str]:
    if len(row) < width or any(row[width:]):
        msg = (
            f"{name}, line {line}: {len(row)} fields where the heading has {width}; put text that holds the delimiter "
            "in quotation marks"
        )
        raise FormatError(msg)
    return list(row[:width])


def _decimal_comma(rows: Sequence[Sequence[str]], delimiter: str) -> bool:
    with_comma = any(_COMMA_DECIMAL.fullmatch(field) for row in rows for field in row)
    if with_comma or delimiter != ";":
        return with_comma
    return not any(_POINT_DECIMAL.fullmatch(field) for row in rows for field in row)


def write(studies: Studies) -> bytes:
    """Write a table as CSV in UTF-8; numbers read back as the same numbers, and no text as a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    text = {name: column for name, column in studies.text.items() if name != "study"}
    writer.writerow(["study", *(guarded_cell(heading) for heading in text), *studies.columns])
    for i, label in enumerate(studies.study):
        texts = [guarded_cell(column[i] or "") for column in text.values()]
        writer.writerow([guarded_cell(label), *texts, *(_number(float(c[i])) for c in studies.columns.values())])
    return out.getvalue().encode()


def _number(value: float) -> str:
    if math.isnan(value):
        return ""
    whole = value.is_integer() and abs(value) < 2**53 and (value != 0 or math.copysign(1.0, value) > 0)
    return str(int(value)) if whole else repr(value)


@hookimpl
def converters() -> list[Converter]:
    """Offer tables of delimited text."""
    return [
        Converter(
            "csv",
            read,
            recognises=recognises,
            suffixes=SUFFIXES,
            write=write,
            reference="Shafranovich (2005), Common Format and MIME Type for CSV Files, RFC 4180",
        )
    ]
