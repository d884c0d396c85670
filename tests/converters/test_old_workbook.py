"""Workbooks of Excel 97–2003: their cells, and what is refused."""

from __future__ import annotations

import datetime as dt
import importlib
from typing import TYPE_CHECKING, Any

import pytest

import evisynth as es
from evisynth.loading import load_studies
from evisynth_converters import old_workbook
from evisynth_converters.old_workbook import old_sheets

if TYPE_CHECKING:
    from pathlib import Path

xlwt: Any = importlib.import_module("xlwt")


def opened(path: Path) -> es.Source:
    return es.Source(path)


def test_every_type_of_cell_is_read(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Deaths")
    day = xlwt.easyxf(num_format_str="yyyy-mm-dd")
    moment = xlwt.easyxf(num_format_str="yyyy-mm-dd hh:mm")
    for column, (value, style) in enumerate(
        [("Ferguson", None), (3, None), (2.5, None), (True, None), (dt.date(1948, 3, 1), day), ("", None)]
    ):
        sheet.write(1, column + 1, value, *(() if style is None else (style,)))
    sheet.write(2, 0, dt.datetime(1968, 7, 2, 12, 30), moment)  # noqa: DTZ001 - workbooks know no time zone
    sheet.write_merge(3, 5, 0, 0, "cluster")
    sheet.write(5, 1, 7)
    book.add_sheet("Empty")
    book.save(tmp_path / "a.xls")
    deaths, empty = old_sheets(opened(tmp_path / "a.xls"))
    assert (deaths.name, empty.name) == ("Deaths", "Empty")
    assert deaths.rows[1] == [
        None,
        "Ferguson",
        3.0,
        2.5,
        True,
        dt.date(1948, 3, 1),
        *[None] * (len(deaths.rows[1]) - 6),
    ]
    assert deaths.rows[2][0] == dt.datetime(1968, 7, 2, 12, 30)  # noqa: DTZ001 - workbooks know no time zone
    assert [deaths.rows[row][0] for row in (3, 4, 5)] == ["cluster"] * 3
    assert deaths.rows[5][1] == 7.0
    assert not any(any(cell is not None for cell in row) for row in empty.rows)


def test_a_table_of_studies_is_the_same_as_in_a_newer_workbook(tmp_path: Path) -> None:
    rows = [("study", "e1", "n1", "e2", "n2"), ("Aronson", 4, 123, 11, 139), ("Ferguson", 6, 306, 29, 303)]
    book = xlwt.Workbook()
    sheet = book.add_sheet("BCG")
    for row, cells in enumerate(rows):
        for column, value in enumerate(cells):
            sheet.write(row, column, value)
    book.save(tmp_path / "bcg.xls")
    openpyxl = importlib.import_module("openpyxl")
    newer = openpyxl.Workbook()
    newer.active.title = "BCG"
    for cells in rows:
        newer.active.append(cells)
    newer.save(tmp_path / "bcg.xlsx")
    old, new = (load_studies(tmp_path / name) for name in ("bcg.xls", "bcg.xlsx"))
    assert es.fit(old, "RR").pooled == es.fit(new, "RR").pooled
    assert list(old.study_id) == list(new.study_id)


def test_a_long_text_that_many_cells_share_is_refused_without_being_copied(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("S")
    for row in range(5_000):
        sheet.write(row, 0, "x" * 32_000)
    book.save(tmp_path / "shared.xls")
    assert (tmp_path / "shared.xls").stat().st_size < 1_000_000
    with pytest.raises(es.FormatError, match="the cells hold more than 67,108,864 characters"):
        es.load(tmp_path / "shared.xls")


def test_cells_far_apart_are_refused(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("S")
    sheet.write(0, 0, "study")
    sheet.write(65_535, 255, "study")
    book.save(tmp_path / "far.xls")
    with pytest.raises(es.FormatError, match="spans 65,536 rows and 256 columns"):
        es.load(tmp_path / "far.xls")


def test_damaged_locked_and_large_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = xlwt.Workbook()
    book.add_sheet("S").write(0, 0, "study")
    book.save(tmp_path / "whole.xls")
    content = (tmp_path / "whole.xls").read_bytes()
    (tmp_path / "cut.xls").write_bytes(content[:600] + b"\xff" * 400 + content[1000:])
    with pytest.raises(es.FormatError, match="cannot be opened as a workbook"):
        es.load(tmp_path / "cut.xls")
    (tmp_path / "locked.xls").write_bytes(content + old_workbook.ENCRYPTED)
    with pytest.raises(es.FormatError, match="locked by a password"):
        es.load(tmp_path / "locked.xls")
    monkeypatch.setattr(old_workbook, "MOST_OLD_BYTES", 1_000)
    with pytest.raises(es.FormatError, match="old workbooks of up to 1,000 are read"):
        es.load(tmp_path / "whole.xls")
