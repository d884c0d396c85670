"""Give the sheets of a workbook of Excel 97–2003 (.xls) as rows of cells.

Its library keeps a text that many cells share once and stores rows no wider than they are, so that what is held in
memory is in proportion to the file; sheets are opened one after another.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from evisynth import FormatError, MissingExtraError
from evisynth_converters.workbook_cells import Sheet, fill_merged
from evisynth_converters.workbook_guard import MOST_BYTES, MOST_SHEETS, refuse_beyond, refuse_span

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from evisynth import Source
    from evisynth_converters.workbook_cells import Cell

MOST_OLD_BYTES = 16 * 1024 * 1024
"""Bytes of a workbook of Excel 97–2003, whose inside is not looked through before it is read."""
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_TEXT, _NUMBER, _DATE, _BOOLEAN, _ERROR = 1, 2, 3, 4, 5
"""What the library calls the types of cells."""


def old_sheets(source: Source) -> Iterator[Sheet]:
    """Go through the sheets; raises `FormatError` for a workbook that is damaged, locked or too large."""
    try:
        # An optional library, and only old workbooks need it.
        import xlrd  # noqa: PLC0415
    except ImportError:
        what = "reading workbooks of Excel 97-2003"
        raise MissingExtraError(what, "xlrd", "excel") from None
    if len(source.content) > MOST_OLD_BYTES:
        msg = f"{source.name} has {len(source.content):,} bytes; old workbooks of up to {MOST_OLD_BYTES:,} are read"
        raise FormatError(msg)
    if ENCRYPTED in source.content:
        msg = f"{source.name} is locked by a password: save it without one"
        raise FormatError(msg)
    left = MOST_BYTES
    try:
        book = xlrd.open_workbook(
            file_contents=source.content, logfile=io.StringIO(), on_demand=True, ragged_rows=True, formatting_info=True
        )
        if book.nsheets > MOST_SHEETS:
            msg = f"{source.name} has {book.nsheets} sheets; up to {MOST_SHEETS} are read"
            raise FormatError(msg)  # noqa: TRY301 - passed on below
        for number in range(book.nsheets):
            made, characters = _sheet(book, number, source.name)
            left -= characters
            if left < 0:
                msg = f"{source.name}: the cells hold more than {MOST_BYTES:,} characters"
                raise FormatError(msg)  # noqa: TRY301 - passed on below
            yield made
            book.unload_sheet(number)
    except FormatError:
        raise
    except Exception as error:  # noqa: BLE001 - on damaged bytes the library raises whatever its parts do
        msg = f"{source.name} cannot be opened as a workbook: {str(error)[:200] or type(error).__name__}"
        raise FormatError(msg) from None


def _sheet(book: Any, number: int, where: str) -> tuple[Sheet, int]:  # noqa: ANN401 - the library is untyped
    """Give a sheet, and how many characters its texts have."""
    sheet = book.sheet_by_index(number)
    where = f"{where}, sheet {sheet.name!r}"
    last = [row for row in range(sheet.nrows) if sheet.row_len(row)]
    widest = max((sheet.row_len(row) for row in last), default=0)
    if last:
        refuse_beyond(last[-1], widest - 1, where)
        refuse_span(last[-1], widest - 1, where)
    rows: list[list[Cell]] = [
        [_cell(kind, value, book) for kind, value in zip(sheet.row_types(row), sheet.row_values(row), strict=True)]
        for row in range(sheet.nrows)
    ]
    characters = sum(len(cell) for row in rows for cell in row if isinstance(cell, str))
    merged = [((top, left), (bottom - 1, right - 1)) for top, bottom, left, right in sheet.merged_cells]
    fill_merged(rows, merged, where)
    return Sheet(sheet.name, rows), characters


def _cell(kind: int, value: Any, book: Any) -> Cell:  # noqa: ANN401 - the library is untyped
    if kind == _TEXT:
        return str(value) or None
    if kind == _NUMBER:
        return float(value)
    if kind == _BOOLEAN:
        return bool(value)
    if kind == _DATE:
        return _date(float(value), book)
    if kind == _ERROR:
        from xlrd import error_text_from_code  # noqa: PLC0415 - an optional library

        return str(error_text_from_code.get(value, "#ERROR"))
    return None


def _date(value: float, book: Any) -> Cell:  # noqa: ANN401 - the library is untyped
    from xlrd import xldate  # noqa: PLC0415 - an optional library

    try:
        when: dt.datetime = xldate.xldate_as_datetime(value, book.datemode)
    except (xldate.XLDateError, OverflowError, ValueError):
        return value
    if value < 1:
        return when.time()
    return when.date() if value == int(value) else when
