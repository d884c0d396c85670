"""Write tables as Excel workbooks and Word documents, whose cells are texts whatever they begin with."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, Any

from evisynth import MissingExtraError

if TYPE_CHECKING:
    from evisynth_reporters.table_sheet import TableSheet

WIDEST = 60
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*(<)")
EPOCH = dt.datetime(2000, 1, 1)  # noqa: DTZ001 - workbooks have times without a zone
SHEET_NAME = "Table"


def _library(module: str, package: str, extra: str, what: str) -> Any:  # noqa: ANN401 - optional libraries
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtraError(what, package, extra) from error


def as_excel(table: TableSheet) -> bytes:
    """Write a workbook of one sheet: title, headings, rows and notes; the same bytes every time."""
    openpyxl = _library("openpyxl", "openpyxl", "excel", "a table as Excel workbook")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = SHEET_NAME
    book.properties.created = book.properties.modified = EPOCH
    _put(sheet, 1, 1, table.title, strong=True)
    line = _excel_heads(sheet, table, 3)
    for row in table.rows:
        line += 1
        for i, (cell, column) in enumerate(zip(row.cells, table.columns, strict=True), 1):
            _put(sheet, line, i, cell, strong=row.kind != "row", align=column.align)
    for number, note in enumerate(table.notes, 2):
        _put(sheet, line + number, 1, note, wrapped=False)
    letters = import_module("openpyxl.utils").get_column_letter
    for i, column in enumerate(table.columns, 1):
        longest = max([len(column.heading), *(len(row.cells[i - 1]) for row in table.rows if row.kind != "heading")])
        sheet.column_dimensions[letters(i)].width = min(longest + 2, WIDEST)
    held = BytesIO()
    book.save(held)
    return _without_times(held.getvalue())


def _excel_heads(sheet: Any, table: TableSheet, line: int) -> int:  # noqa: ANN401 - openpyxl's own type
    """Write the headings, which stay in sight; gives the line of the last."""
    if table.groups:
        start = 1
        for name, span in table.groups:
            _put(sheet, line, start, name, strong=True, align="center")
            if span > 1:
                sheet.merge_cells(start_row=line, start_column=start, end_row=line, end_column=start + span - 1)
            start += span
        line += 1
    for i, column in enumerate(table.columns, 1):
        _put(sheet, line, i, column.heading, strong=True, align=column.align)
    sheet.freeze_panes = sheet.cell(row=line + 1, column=2)
    return line


def _put(
    sheet: Any,  # noqa: ANN401 - openpyxl's own type
    row: int,
    column: int,
    content: str,
    *,
    strong: bool = False,
    align: str = "left",
    wrapped: bool = True,
) -> None:
    styles = import_module("openpyxl.styles")
    cell = sheet.cell(row=row, column=column, value=content)
    # A text that begins with = stays one.
    cell.data_type = "s"
    cell.alignment = styles.Alignment(horizontal=align, vertical="top", wrap_text=wrapped)
    if strong:
        cell.font = styles.Font(bold=True)


def _without_times(archive: bytes) -> bytes:
    """Write a ZIP archive anew with one time for all its members: that of writing would make every file another."""
    held = BytesIO()
    with zipfile.ZipFile(BytesIO(archive)) as given, zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as made:
        for member in given.infolist():
            content = given.read(member)
            if member.filename == "docProps/core.xml":
                content = _MODIFIED.sub(rb"\g<1>2000-01-01T00:00:00Z\g<2>", content)
            info = zipfile.ZipInfo(member.filename, date_time=(2000, 1, 1, 0, 0, 0))
            made.writestr(info, content, zipfile.ZIP_DEFLATED)
    return held.getvalue()


def as_word(table: TableSheet) -> bytes:
    """Write a document with the table, its heading rows repeated on every page; the same bytes every time."""
    docx = _library("docx", "python-docx", "office", "a table as Word document")
    positions = import_module("docx.enum.text").WD_ALIGN_PARAGRAPH
    sides = {"left": positions.LEFT, "center": positions.CENTER, "right": positions.RIGHT}
    document = docx.Document()
    document.core_properties.created = document.core_properties.modified = EPOCH
    document.core_properties.title = table.title[:250]
    document.add_heading(table.title, level=1)
    heads = 2 if table.groups else 1
    grid = document.add_table(rows=heads + len(table.rows), cols=len(table.columns))
    grid.style = "Light List"

    def put(row: int, column: int, content: str, *, strong: bool = False, align: str = "left") -> None:
        paragraph = grid.cell(row, column).paragraphs[0]
        run = paragraph.add_run(content)
        run.bold = strong
        paragraph.alignment = sides[align]

    if table.groups:
        start = 0
        for name, span in table.groups:
            put(0, start, name, strong=True, align="center")
            if span > 1:
                grid.cell(0, start).merge(grid.cell(0, start + span - 1))
            start += span
    for i, column in enumerate(table.columns):
        put(heads - 1, i, column.heading, strong=True, align=column.align)
    for i in range(heads):
        _repeated(grid.rows[i])
    for line, row in enumerate(table.rows, heads):
        for i, (cell, column) in enumerate(zip(row.cells, table.columns, strict=True)):
            put(line, i, cell, strong=row.kind != "row", align=column.align)
    for note in table.notes:
        document.add_paragraph(note)
    held = BytesIO()
    document.save(held)
    return _without_times(held.getvalue())


def _repeated(row: Any) -> None:  # noqa: ANN401 - python-docx's own type
    oxml = import_module("docx.oxml")
    mark = oxml.OxmlElement("w:tblHeader")
    mark.set(import_module("docx.oxml.ns").qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(mark)  # noqa: SLF001 - python-docx has no other way
