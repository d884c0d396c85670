"""Look through a workbook before a library unpacks it: how far its cells reach, how much text they hold."""

from __future__ import annotations

import io
import re
import zipfile
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

import attrs

from evisynth import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evisynth import Source

MOST_BYTES = 64 * 1024 * 1024
"""Bytes that the parts of a workbook may come to, and characters that its cells may hold."""
MOST_SHEETS = 200
MOST_ROWS = 100_000
MOST_COLUMNS = 500
MOST_CELLS = 5_000_000
"""Cells of the rectangle that a sheet's cells span: a library holds all of it, however few there are."""
MOST_ELEMENTS = 2_000_000
DEEPEST = 100
"""Elements of one part, and elements within elements."""
NO_VALUE = "a formula without a stored value"
"""Stands for a cell whose formula no spreadsheet has computed."""

_PLACE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_READ = (".xml", ".rels")


@attrs.frozen
class Guarded:
    """Hold a workbook's parts in an archive of our own, so that what was checked is what is read.

    ``marks`` are texts for cells (row and column from 0) of which the library would make blanks: values in error, and
    formulas without values.
    """

    content: bytes
    marks: Mapping[str, Mapping[tuple[int, int], str]] = attrs.field(factory=dict[str, "Mapping[tuple[int, int], str]"])


def guarded_xlsx(source: Source) -> Guarded:
    """Check an Excel workbook of 2007 and later; raises `FormatError` for one that reaches too far."""
    parts = _parts(source, _READ)
    sheets = dict(_sheets(parts, source.name))
    lengths = _shared_lengths(parts, source.name)
    left = [MOST_BYTES]
    marks: dict[str, Mapping[tuple[int, int], str]] = {}
    paths = {path: name for name, path in sheets.items()}
    for path in sorted(parts):
        if path in paths or b"sheetData" in parts[path]:
            where = f"{source.name}, sheet {paths.get(path, path)!r}"
            marks[paths.get(path, path)] = _cells_of(parts[path], lengths, left, where)
    return Guarded(_archive(parts), marks)


def guarded_ods(source: Source) -> Guarded:
    """Check an OpenDocument spreadsheet; raises `FormatError` for one that reaches too far."""
    parts = _parts(source, (*_READ, "mimetype"))
    for path, content in parts.items():
        if path.lower().endswith("content.xml"):
            _check_repeats(content, source.name)
    return Guarded(_archive(parts))


def _parts(source: Source, endings: tuple[str, ...]) -> dict[str, bytes]:
    container = source.container
    names = () if container is None else container.names
    parts: dict[str, bytes] = {}
    size = 0
    for name in names:
        if container is not None and name.lower().endswith(endings):
            parts[name] = container.read(name)
            size += len(parts[name])
            if size > MOST_BYTES:
                msg = f"{source.name} unpacks to more than {MOST_BYTES:,} bytes: no table of studies is that large"
                raise FormatError(msg)
    return parts


def _archive(parts: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return out.getvalue()


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2]


def _walk(content: bytes, where: str) -> Iterator[tuple[str, Any]]:
    depth = count = 0
    for event, element in _events(content, where):
        depth += 1 if event == "start" else -1
        count += event == "start"
        if depth > DEEPEST or count > MOST_ELEMENTS:
            most = (
                f"nests elements deeper than {DEEPEST}" if depth > DEEPEST else f"has over {MOST_ELEMENTS:,} elements"
            )
            msg = f"{where} {most}: no spreadsheet of studies does"
            raise FormatError(msg)
        yield event, element


def _events(content: bytes, where: str) -> Iterator[tuple[str, Any]]:
    # The parser of XML takes a while to import, and most loads are of tables.
    from defusedxml import DefusedXmlException  # noqa: PLC0415
    from defusedxml.ElementTree import iterparse  # noqa: PLC0415

    try:
        yield from iterparse(io.BytesIO(content), events=("start", "end"), forbid_dtd=True)
    except DefusedXmlException:
        msg = f"{where} declares entities, which no spreadsheet does: it is not read"
        raise FormatError(msg) from None
    except (ParseError, ValueError, LookupError) as error:
        msg = f"{where} is damaged: {error}"
        raise FormatError(msg) from None


def _sheets(parts: Mapping[str, bytes], where: str) -> Iterator[tuple[str, str]]:
    """Go through the names of sheets and the parts that hold them."""
    targets: dict[str, str] = {}
    for path, content in parts.items():
        if path.lower() == "xl/_rels/workbook.xml.rels":
            for event, element in _walk(content, where):
                if event == "end" and _local(element.tag) == "Relationship":
                    target = element.get("Target", "")
                    targets[element.get("Id", "")] = target[1:] if target.startswith("/") else f"xl/{target}"
    for path, content in parts.items():
        if path.lower() == "xl/workbook.xml":
            for event, element in _walk(content, where):
                if event == "end" and _local(element.tag) == "sheet":
                    ids = [value for key, value in element.attrib.items() if _local(key) == "id"]
                    yield element.get("name", ""), targets.get(ids[0] if ids else "", "")


def _shared_lengths(parts: Mapping[str, bytes], where: str) -> list[int]:
    lengths: list[int] = []
    for path, content in parts.items():
        if path.lower().endswith("sharedstrings.xml"):
            for event, element in _walk(content, where):
                if event == "end" and _local(element.tag) == "si":
                    lengths.append(sum(len(text) for text in element.itertext()))
                    element.clear()
    return lengths


def _cells_of(content: bytes, lengths: list[int], left: list[int], where: str) -> dict[tuple[int, int], str]:
    """Follow the cells that hold something; give texts for those whose value would be lost."""
    marks: dict[tuple[int, int], str] = {}
    row = column = last = widest = -1
    data: Any = None
    for event, element in _walk(content, where):
        name = _local(element.tag)
        if event == "start" and name == "sheetData":
            data = element
        elif event == "start" and name == "row":
            row, column = _row(element.get("r"), row + 1, where), -1
        elif event == "end" and name == "c":
            at, column = _place(element.get("r"), row, column + 1, where)
            held = {_local(child.tag): "".join(child.itertext()) for child in element}
            if held.get("v") or "f" in held or "is" in held:
                refuse_beyond(at, column, where)
                last, widest = max(last, at), max(widest, column)
                refuse_span(last, widest, where)
            left[0] -= _length(held, element.get("t"), lengths)
            if left[0] < 0:
                msg = f"{where}: the cells hold more than {MOST_BYTES:,} characters"
                raise FormatError(msg)
            mark = _mark(held, element.get("t"))
            if mark is not None:
                marks[at, column] = mark
        elif event == "end" and name == "row" and data is not None:
            data.clear()
    return marks


def _row(given: str | None, following: int, where: str) -> int:
    return _place(None if given is None else f"A{given}", following, 0, where)[0]


def _place(given: str | None, row: int, column: int, where: str) -> tuple[int, int]:
    """Read a place, or take the one that follows; raises `FormatError` for one that the library may read otherwise."""
    place = None if given is None else _PLACE.fullmatch(given)
    if given is not None and place is None:
        msg = f"{where} is damaged: {given[:40]!r} is no place of a row or a cell"
        raise FormatError(msg)
    return (row, column) if place is None else (int(place[2]) - 1, _column(place[1]))


def _whole(text: str, otherwise: int) -> int:
    return int(text) if text.isdecimal() and len(text) <= 9 else otherwise  # noqa: PLR2004 - digits of a row or an index


def _length(held: Mapping[str, str], kind: str | None, lengths: list[int]) -> int:
    value = held.get("v", "")
    shared = _whole(value, -1) if kind == "s" else -1
    return lengths[shared] if 0 <= shared < len(lengths) else len(value) + len(held.get("is", ""))


def _mark(held: Mapping[str, str], kind: str | None) -> str | None:
    value = held.get("v", "")
    if kind == "e" and value:
        return value
    # A formula whose value is an empty text says that it is a text.
    return NO_VALUE if "f" in held and not value and kind != "str" else None


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def refuse_beyond(row: int, column: int, where: str) -> None:
    """Raise `FormatError` for a cell, by its row and column from 0, that lies too far out."""
    if row >= MOST_ROWS or column >= MOST_COLUMNS:
        msg = (
            f"{where} has a cell in row {row + 1:,}, column {column + 1:,}; up to {MOST_ROWS:,} rows and "
            f"{MOST_COLUMNS} columns are read"
        )
        raise FormatError(msg)


def refuse_span(row: int, column: int, where: str) -> None:
    """Raise `FormatError` for a sheet whose last row and column, from 0, span too many cells."""
    if (row + 1) * (column + 1) > MOST_CELLS:
        msg = f"{where} spans {row + 1:,} rows and {column + 1:,} columns; up to {MOST_CELLS:,} cells are read"
        raise FormatError(msg)


def _check_repeats(content: bytes, where: str) -> None:
    """Follow rows and cells that stand for many: what holds nothing may repeat to the end of the sheet."""
    row, column, repeats, reach, widest, text, total = 0, 0, 1, 0, 0, 0, 0
    for event, element in _single_tables(content, where):
        name = _local(element.tag)
        if event == "start":
            if name == "table":
                row = widest = 0
            elif name == "table-row":
                column, reach, text, repeats = 0, 0, 0, _repeats(element, "rows")
        elif name in {"table-cell", "covered-table-cell"}:
            column += _repeats(element, "columns")
            held = sum(len(one) for one in element.itertext())
            if held or any(_local(key) in {"value-type", "formula"} for key in element.attrib):
                reach = column
                text += held * _repeats(element, "columns")
        elif name == "table-row":
            row += repeats
            if reach:
                widest = max(widest, reach)
                refuse_beyond(row - 1, reach - 1, where)
                refuse_span(row - 1, widest - 1, where)
                total += text * repeats
                if total > MOST_BYTES:
                    msg = f"{where}: the cells hold more than {MOST_BYTES:,} characters"
                    raise FormatError(msg)
            element.clear()


def _single_tables(content: bytes, where: str) -> Iterator[tuple[str, Any]]:
    inside = 0
    for event, element in _walk(content, where):
        if _local(element.tag) == "table":
            inside += 1 if event == "start" else -1
            if inside > 1:
                msg = f"{where} holds a table within a table: no spreadsheet of studies does"
                raise FormatError(msg)
        yield event, element


def _repeats(element: Any, of: str) -> int:  # noqa: ANN401 - an element of XML
    given = next((value for key, value in element.attrib.items() if _local(key) == f"number-{of}-repeated"), "1")
    return int(given) if given.isdecimal() and len(given) <= 12 else 1  # noqa: PLR2004 - digits of a count
