"""Give the sheets of a workbook, or the files of a folder of CSV, as rows of cells."""

from __future__ import annotations

import io
from functools import partial
from typing import TYPE_CHECKING, Any

from evisynth import FormatError, MissingExtraError
from evisynth_converters.csv_cells import csv_records
from evisynth_converters.old_workbook import ENCRYPTED, old_sheets
from evisynth_converters.workbook_cells import Cell, Sheet, fill_merged
from evisynth_converters.workbook_guard import (
    MOST_BYTES,
    MOST_COLUMNS,
    MOST_ROWS,
    MOST_SHEETS,
    Guarded,
    guarded_ods,
    guarded_xlsx,
    refuse_beyond,
    refuse_span,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from evisynth import Source

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
PACKAGE = "-overall-estimates-and-settings.csv"
"""End of a name that only a Cochrane data package has."""
_MARKS = (("xl/workbook.xml", "xlsx"), ("xl/workbook.bin", "xlsb"))
_ODS = b"application/vnd.oasis.opendocument.spreadsheet"
_OLD = tuple(word.encode("utf-16-le") for word in ("Workbook", "Book"))


def kind_of(source: Source) -> str:
    """Tell by content what kind of workbook a source is; empty for none. Raises `FormatError` for a hostile archive."""
    if source.path is None:
        return ""
    if not source.is_folder and source.head.startswith(OLE):
        content = source.content
        return "xls" if any(word in content for word in (*_OLD, ENCRYPTED)) else ""
    container = source.container
    if container is None:
        return ""
    lower = {name.lower() for name in container.names}
    if "mimetype" in container and "content.xml" in container:
        return "ods" if container.read("mimetype").startswith(_ODS) else ""
    return next((kind for mark, kind in _MARKS if mark in lower), "folder" if _of_csv(source, lower) else "")


def _of_csv(source: Source, names: Iterable[str]) -> bool:
    another = any(name.endswith(PACKAGE) or name.rpartition("/")[2] == "review.toml" for name in names)
    return not another and any(csv_files(source))


def csv_files(source: Source) -> Iterator[tuple[str, str]]:
    """Go through the CSV files at the root of a folder or archive, or in its only folder: path and name."""
    names = () if source.container is None else source.container.names
    top = {name.partition("/")[0] if "/" in name else "" for name in names} - {"__MACOSX"}
    prefix = f"{top.copy().pop()}/" if len(top) == 1 and "" not in top else ""
    for name in names:
        own = name.removeprefix(prefix)
        if name.startswith(prefix) and "/" not in own and own.lower().endswith(".csv"):
            yield name, own[:-4]


def read_sheets(source: Source, notes: list[str]) -> list[Sheet]:
    """Read every sheet.

    Raises `FormatError` for a workbook that is damaged, locked, of another kind or too large, and `MissingExtraError`
    where the library for workbooks is absent.
    """
    kind = kind_of(source)
    if kind == "folder":
        return [_csv_sheet(source, path, name, notes) for path, name in csv_files(source)]
    if kind == "xlsx":
        return list(_of_calamine(source, guarded_xlsx))
    if kind == "ods":
        return list(_of_calamine(source, guarded_ods))
    if kind == "xls":
        return list(old_sheets(source))
    what = "a binary workbook of Excel (.xlsb)" if kind == "xlsb" else "no workbook"
    msg = f"{source.name} is {what}: save it as an Excel workbook (.xlsx)"
    raise FormatError(msg)


def _csv_sheet(source: Source, path: str, name: str, notes: list[str]) -> Sheet:
    container = source.container
    content = b"" if container is None else container.read(path)
    if len(content) > MOST_BYTES:
        msg = f"{path} has {len(content):,} bytes; files of up to {MOST_BYTES:,} are read"
        raise FormatError(msg)
    delimiter, records = csv_records(content, path, notes)
    rows = [cells for _, cells in records]
    _refuse_large(rows, f"{source.name}, {path}")
    return Sheet(name, rows, decimal_comma=delimiter != ",")


def _refuse_large(rows: Sequence[Sequence[Cell]], where: str) -> None:
    width = max(map(len, rows), default=0)
    if len(rows) > MOST_ROWS or width > MOST_COLUMNS:
        msg = f"{where} has {len(rows):,} rows and {width:,} columns; up to {MOST_ROWS:,} and {MOST_COLUMNS} are read"
        raise FormatError(msg)


def _of_calamine(source: Source, guard: Callable[[Source], Guarded]) -> Iterator[Sheet]:
    try:
        # An optional library, and only workbooks need it.
        import python_calamine  # noqa: PLC0415
    except ImportError:
        what = "reading workbooks"
        raise MissingExtraError(what, "python-calamine", "excel") from None
    guarded = guard(source)
    book = _called(lambda: python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(guarded.content)), source)
    described = list(book.sheets_metadata)
    if len(described) > MOST_SHEETS:
        msg = f"{source.name} has {len(described)} sheets; up to {MOST_SHEETS} are read"
        raise FormatError(msg)
    for number, sheet in enumerate(described):
        if sheet.typ != python_calamine.SheetTypeEnum.WorkSheet:
            yield Sheet(sheet.name, (), why_not="is no sheet of cells")
            continue
        held = _called(partial(book.get_sheet_by_index, number), source)
        end = held.end
        if end is not None:
            refuse_beyond(end[0], end[1], f"{source.name}, sheet {sheet.name!r}")
            refuse_span(end[0], end[1], f"{source.name}, sheet {sheet.name!r}")
        cells = _called(partial(held.to_python, skip_empty_area=False), source)
        rows: list[list[Cell]] = [[None if cell == "" else cell for cell in row] for row in cells]
        for (row, column), text in guarded.marks.get(sheet.name, {}).items():
            rows.extend([] for _ in range(row + 1 - len(rows)))
            rows[row].extend([None] * (column + 1 - len(rows[row])))
            rows[row][column] = text
        merged = _called(lambda: held.merged_cell_ranges, source)  # noqa: B023 - asked at once
        fill_merged(rows, merged or (), f"{source.name}, sheet {sheet.name!r}")
        yield Sheet(sheet.name, rows)


def _called(ask: Callable[[], Any], source: Source) -> Any:  # noqa: ANN401 - what the library gives
    try:
        return ask()
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # noqa: BLE001 - the library panics by exceptions of its own, which are no `Exception`
        msg = f"{source.name} cannot be opened as a workbook: {str(error)[:200] or type(error).__name__}"
        raise FormatError(msg) from None
