"""Read and write tables that hold a review: headings by name, lines with their places, what is wrong with their cells.

What stands empty or as ``#N/A`` is missing. A table that evisynth wrote itself is *exact*: its texts are taken as they
stand, spaces and all, and columns with names of its own (``field.axis``, ``stored.se``) go over the standard ones.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import attrs

from evisynth import DataError, FormatError, Problem, StoredResults
from evisynth_converters.csv_cells import refuse_large, refuse_wide
from evisynth_converters.review_cells import (
    ABSENT,
    ABSENT_CELL,
    FLAGS,
    MISSING,
    decimals_of,
    flag_cell,
    number_cell,
    number_of,
    text_cell,
    text_of,
    value_cell,
    value_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_LINE_END = re.compile(r"\r\n|\r|\n")
_QUOTED = re.compile(r'[",;\t\r\n]|^\s|\s$')
_FOREIGN = {b"PK\x03\x04": "a ZIP archive", b"%PDF": "a PDF", b"\xd0\xcf\x11\xe0": "an old Excel workbook"}


def fold_heading(heading: str) -> str:
    """Reduce a heading to what is compared: case, spaces and raised twos aside."""
    return " ".join(heading.replace("²", "2").replace("_", " ").casefold().split())


@attrs.define(eq=False)
class Sheet:
    """Hold a table; what is wrong with its cells is gathered, and raised by `refuse`."""

    name: str
    headings: tuple[str, ...] = ()
    exact: bool = False
    decimal_comma: bool = False
    records: list[Record] = attrs.field(factory=list["Record"])
    problems: list[Problem] = attrs.field(factory=list[Problem])
    decimals: set[int] = attrs.field(factory=set[int])
    """Numbers of decimals of the stored results read so far, zeros aside."""
    folded: dict[str, str] = attrs.field(factory=dict[str, str], init=False)

    def __attrs_post_init__(self) -> None:
        """Index the headings; the first of two that fold alike counts."""
        self.folded = {fold_heading(heading): heading for heading in reversed(self.headings)}

    def __contains__(self, heading: object) -> bool:
        """Tell whether there is a column of that heading."""
        return isinstance(heading, str) and fold_heading(heading) in self.folded

    def need(self, *headings: str) -> None:
        """Raise `FormatError` where a column is missing."""
        missing = [heading for heading in headings if heading not in self]
        if missing:
            msg = f"{self.name} lacks the column{'s' * (len(missing) > 1)} {', '.join(map(repr, missing))}"
            raise FormatError(msg)

    def refuse(self) -> None:
        """Raise `DataError` where cells could not be read."""
        if self.problems:
            summary = f"{self.name}: cells that cannot be read"
            raise DataError(summary, self.problems)


@attrs.define(eq=False)
class Record:
    """Hold one line of a table; ``study`` is its label in messages."""

    sheet: Sheet
    line: int
    row: int
    cells: Mapping[str, str]
    study: str | None = None

    @property
    def place(self) -> str:
        """File and line, for messages."""
        return f"{self.sheet.name}, line {self.line}"

    def raw(self, heading: str) -> str:
        """Give the cell as it stands; empty where there is no such column or nothing in it."""
        cell = self.cells.get(self.sheet.folded.get(fold_heading(heading), heading), "")
        if self.sheet.exact:
            return cell
        cell = cell.strip()
        return "" if cell.casefold() in MISSING else cell

    def text(self, heading: str) -> str | None:
        """Give a text; None where it is missing."""
        return self._text(self.raw(heading))

    def own(self, heading: str) -> str | None:
        """Give the text under precisely this heading."""
        return self._text(self.cells.get(heading, "")) if self.sheet.exact else None

    def _text(self, cell: str) -> str | None:
        return None if cell == "" else text_of(cell) if self.sheet.exact else cell

    def problem(self, heading: str, cell: str | None, message: str) -> None:
        """Keep what is wrong with a cell."""
        message = f"{message} (line {self.line})"
        self.sheet.problems.append(Problem(self.row, self.study, heading, cell, message))

    def number(self, heading: str, *, finite: bool = True) -> float | None:
        """Give a number; what is no number (or infinite, where that cannot be) is a problem of the table."""
        cell = self.raw(heading)
        if cell == "" or (cell.casefold() == "nan" and not self.sheet.exact):
            return None
        value = number_of(cell, decimal_comma=self.sheet.decimal_comma)
        if value is None:
            self.problem(heading, cell[:80], "is not a number")
        elif finite and not self.sheet.exact and not math.isfinite(value):
            self.problem(heading, cell[:80], "is not finite")
            return None
        return value

    def whole(self, heading: str) -> int | None:
        """Give a whole number."""
        value = self.number(heading)
        if value is None or (math.isfinite(value) and value.is_integer()):
            return None if value is None else int(value)
        self.problem(heading, self.raw(heading)[:80], "is not a whole number")
        return None

    def needed(self, heading: str) -> int:
        """Give a whole number that cannot be missing; raises `FormatError` where it is not there."""
        value = self.whole(heading)
        if value is None:
            msg = f"{self.place}: {heading!r} is no whole number (given: {self.raw(heading)[:80]!r})"
            raise FormatError(msg)
        return value

    def share(self, heading: str) -> float | None:
        """Give a level of confidence: ``95%``, ``95`` and ``0.95`` are the same."""
        cell = self.raw(heading)
        value = number_of(cell.rstrip("%").rstrip(), decimal_comma=self.sheet.decimal_comma) if cell else None
        if value is not None and (cell.endswith("%") or value > 1):
            value /= 100
        if cell and (value is None or not 0 < value < 1):
            self.problem(heading, cell[:80], "is not a percentage between 0 and 100")
            return None
        return value

    def flag(self, heading: str) -> bool | None:
        """Give a yes or no."""
        cell = self.raw(heading)
        if cell and cell.casefold() not in FLAGS:
            self.problem(heading, cell[:80], "is neither true nor false")
        return FLAGS.get(cell.casefold())

    def stored(self, names: Mapping[str, str], *, counts: frozenset[str] = frozenset()) -> dict[str, float]:
        """Give stored results by their names (heading → name), and note their decimals; ``counts`` have none."""
        found: dict[str, float] = {}
        for heading, name in names.items():
            value = self.number(heading, finite=False)
            if value is None or (math.isnan(value) and not self.sheet.exact):
                continue
            found[name] = value
            if name not in counts and value != 0 and math.isfinite(value):
                self.sheet.decimals.add(decimals_of(self.raw(heading), decimal_comma=self.sheet.decimal_comma))
        return found

    def unknown(self, known: frozenset[str]) -> dict[str, str]:
        """Give the texts of columns that are not ``known`` (folded), and those kept under ``text.``."""
        found: dict[str, str] = {}
        for heading in self.sheet.headings:
            if heading.startswith("text.") and self.sheet.exact:
                cell = self.cells.get(heading, "")
                if cell == ABSENT_CELL:
                    found.pop(heading[5:], None)
                elif cell:
                    found[heading[5:]] = text_of(cell)
            elif fold_heading(heading) not in known and not _is_own(heading, exact=self.sheet.exact):
                text = self._text(self.cells.get(heading, "") if self.sheet.exact else self.raw(heading))
                if text is not None:
                    found[heading] = text
        return found

    def own_values(self, prefix: str) -> dict[str, Any]:
        """Give the values of columns that evisynth names itself, ``prefix.name``; `ABSENT` among them."""
        if not self.sheet.exact:
            return {}
        start = f"{prefix}."
        headings = [heading for heading in self.sheet.headings if heading.startswith(start)]
        return {heading[len(start) :]: value_of(cell) for heading in headings if (cell := self.cells.get(heading, ""))}


def _is_own(heading: str, *, exact: bool) -> bool:
    return exact and heading.partition(".")[0] in OWN and heading != ""


OWN = frozenset({"place", "id", "order", "estimable", "status", "field", "words", "data", "stored", "text"})
"""What headings of evisynth's own begin with, in its own tables."""


def own_numbers(record: Record, prefix: str) -> dict[str, Any]:
    """Give the numbers of evisynth's own columns, and `ABSENT`; anything else is a problem of the table."""
    values = record.own_values(prefix)
    for name, value in values.items():
        if value is not ABSENT and (isinstance(value, bool) or not isinstance(value, int | float)):
            record.problem(f"{prefix}.{name}", record.cells[f"{prefix}.{name}"][:80], "is not a number")
    return values


def merged(standard: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Put values of evisynth's own columns over those of the standard ones."""
    return {name: value for name, value in {**standard, **own}.items() if value is not ABSENT}


def own_cells(prefix: str, wanted: Mapping[str, Any], read: Mapping[str, Any]) -> dict[str, str]:
    """Write what differs from what the standard columns give when they are read."""
    cells = {f"{prefix}.{name}": value_cell(value) for name, value in wanted.items() if not _same(name, value, read)}
    return cells | {f"{prefix}.{name}": ABSENT_CELL for name in read if name not in wanted}


def _same(name: str, value: object, read: Mapping[str, Any]) -> bool:
    return name in read and read[name] == value


# -- tables ---------------------------------------------------------------------------------------------------------


def read_sheet(name: str, content: bytes, *, known: frozenset[str], exact: bool = False) -> Sheet:
    """Take the lines of a table apart; the delimiter is the one that shows most of the ``known`` headings (folded).

    Raises `FormatError`, with the line, for what is no table: other kinds of files, an open quotation mark, two columns
    of one name, fields beyond the heading.
    """
    text = _decoded(name, content)
    first = text[: 1 << 14]
    counts = {one: len(known & {fold_heading(field) for field in _first_line(first, one)}) for one in ",;\t"}
    delimiter = max(counts, key=lambda one: counts[one])
    lines = [line for line in _lines(name, text, delimiter) if any(field.strip() for field in line[1])]
    if not lines:
        msg = f"{name} is empty"
        raise FormatError(msg)
    headings = [text_of(field) if exact else field.strip() for field in lines[0][1]]
    while headings and not headings[-1]:
        headings.pop()
    refuse_wide(len(headings), name)
    repeated = sorted(heading for heading, times in Counter(headings).items() if heading and times > 1)
    if repeated:
        msg = f"{name} has two columns of the name {', '.join(map(repr, repeated))}"
        raise FormatError(msg)
    sheet = Sheet(name, tuple(headings), exact=exact, decimal_comma=delimiter != ",")
    for row, (line, fields) in enumerate(lines[1:], 1):
        if len(fields) < len(headings) or any(field.strip() for field in fields[len(headings) :]):
            msg = f"{name}, line {line}: {len(fields)} fields where the heading has {len(headings)}"
            raise FormatError(msg)
        sheet.records.append(Record(sheet, line, row, dict(zip(headings, fields, strict=False))))
    return sheet


def sheet_bytes(headings: Sequence[str], rows: Iterable[Mapping[str, str]]) -> bytes:
    """Write a table in UTF-8 with its mark, as spreadsheets want it; columns that rows have beyond ``headings`` follow.

    Cells are written as they are given: by `text_cell` and the like.
    """
    rows = list(rows)
    more = dict.fromkeys(heading for row in rows for heading in row if heading not in headings)
    every = [*headings, *more]
    lines = [[text_cell(heading) for heading in every], *([row.get(heading, "") for heading in every] for row in rows)]
    text = "".join(",".join(map(_field, line)) + "\r\n" for line in lines)
    return b"\xef\xbb\xbf" + text.encode()


def _field(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if _QUOTED.search(cell) else cell


def _decoded(name: str, content: bytes) -> str:
    kind = next((kind for mark, kind in _FOREIGN.items() if content.startswith(mark)), None)
    start = content[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        kind = "an HTML page (perhaps the log-in or error page of a web site)"
    elif start.startswith(b"<"):
        kind = "an XML file"
    elif b"\0" in content:
        kind = "a binary file"
    if kind is not None:
        msg = f"{name} is {kind}, not a table of text"
        raise FormatError(msg)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _first_line(text: str, delimiter: str) -> list[str]:
    line = _LINE_END.split(text.lstrip(), maxsplit=1)[0]
    return [field.strip().strip('"') for field in line.split(delimiter)]


def _lines(name: str, text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Split a text into lines of fields; a field may be longer than `csv` allows without changing its global limit."""
    pattern = re.compile(rf'(?:"([^"]*(?:""[^"]*)*)"[ \t]*|((?!")[^{delimiter}\r\n]*))({delimiter}|\r\n|\r|\n|\Z)')
    lines: list[tuple[int, list[str]]] = []
    fields: list[str] = []
    position, number, began, cells = 0, 1, 1, 0
    while position < len(text) or fields:
        found = pattern.match(text, position)
        if found is None:
            msg = f"{name}, line {number}: a quotation mark that is not closed, or text after a closed one"
            raise FormatError(msg)
        quoted, plain, end = found.groups()
        fields.append(plain if quoted is None else quoted.replace('""', '"'))
        number += len(_LINE_END.findall(found[0]))
        position = found.end()
        if end != delimiter:
            lines.append((began, fields))
            cells += len(fields)
            refuse_large(len(lines) - 1, cells, name)
            fields, began = [], number
    return lines


def without_fillers(numbers: dict[str, float]) -> dict[str, float]:
    """Leave out zeros where nothing was stored: an effect of 0 with both limits 0 is none."""
    shown = [numbers.get(name) for name in ("display", "display_ci_low", "display_ci_high")]
    if any(value != 0 for value in shown):
        return numbers
    return {name: value for name, value in numbers.items() if value != 0}


def stored_results(record: Record, numbers: dict[str, float]) -> StoredResults:
    """Put results of evisynth's own columns (``stored.name``, ``estimable``) over those of the standard ones."""
    numbers = numbers if record.sheet.exact else without_fillers(numbers)
    own = merged(numbers, own_numbers(record, "stored"))
    estimable = FLAGS.get(record.cells.get("estimable", "")) if record.sheet.exact else None
    return StoredResults(own, estimable)


def stored_cells(
    stored: StoredResults, names: Mapping[str, str], read: Callable[[dict[str, str]], Mapping[str, float]]
) -> dict[str, str]:
    """Write stored results (heading → name), and in evisynth's own columns what those headings cannot hold."""
    cells = {heading: number_cell(stored.numbers[name]) for heading, name in names.items() if name in stored.numbers}
    cells |= {"estimable": flag_cell(stored.estimable)} if stored.estimable is not None else {}
    return cells | own_cells("stored", stored.numbers, read(cells))
