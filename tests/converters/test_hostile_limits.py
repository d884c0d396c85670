"""Files that are small and cost much: each is refused before it does, by the limits that the page states."""

from __future__ import annotations

import io
import json
import math
import random
import re
import tarfile
import zipfile
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import evisynth as es
from evisynth import archives, sources
from evisynth_converters import (
    csv_cells,
    delimited,
    hostile_xml,
    json_table,
    old_workbook,
    ris,
    risk_of_bias,
    toml_fields,
    webplotdigitizer,
    workbook_guard,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = Path(__file__).parents[2] / "docs" / "hostile-files.md"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
SPREADSHEET = """<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
><office:body><office:spreadsheet>{}</office:spreadsheet></office:body></office:document-content>"""
FILLED = '<table:table-cell office:value-type="string"><text:p>study</text:p></table:table-cell>'


def archive(path: Path, files: Mapping[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in files.items():
            made.writestr(name, text)
    return path


def workbook(path: Path, sheet: str) -> Path:
    link = f'<Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    parts = {
        "[Content_Types].xml": "<Types/>",
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="S" sheetId="1" '
        'r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}">{link}</Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{MAIN}">{sheet}</worksheet>',
    }
    return archive(path, parts)


def spreadsheet(path: Path, rows: str) -> Path:
    table = SPREADSHEET.format(f'<table:table table:name="S">{rows}</table:table>')
    return archive(path, {"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": table})


def cell(place: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>study</t></is></c>'


def refused(path: Path, match: str) -> None:
    with pytest.raises(es.FormatError, match=match):
        es.load(path)


def test_two_cells_far_apart_are_refused_before_the_library_makes_what_is_between(tmp_path: Path) -> None:
    most = f"{workbook_guard.MOST_CELLS:,} cells"
    corner = f'<sheetData><row r="1">{cell("A1")}</row><row r="99999">{cell("SF99999")}</row></sheetData>'
    refused(workbook(tmp_path / "corner.xlsx", corner), most)
    last = f'<table:table-cell table:number-columns-repeated="498"/>{FILLED}'
    rows = f'<table:table-row table:number-rows-repeated="99990">{last}</table:table-row>'
    refused(spreadsheet(tmp_path / "repeated.ods", rows), most)


def test_workbooks_of_very_many_or_very_deep_elements_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(workbook(tmp_path / "deep.xlsx", "<sheetData>" + "<A>" * 200_000), f"deeper than {workbook_guard.DEEPEST}")
    monkeypatch.setattr(workbook_guard, "MOST_ELEMENTS", 10_000)
    refused(workbook(tmp_path / "many.xlsx", "<A/>" * 10_001), "over 10,000 elements")


@pytest.mark.parametrize("place", ["CCCCCCCCCCCCC1", "a1", "A99999999999", "A", ""])
def test_places_that_the_library_may_read_otherwise_are_refused(place: str, tmp_path: Path) -> None:
    rows = f'<sheetData><row r="1">{cell("A1")}{cell(place)}</row></sheetData>'
    refused(workbook(tmp_path / "place.xlsx", rows), "is no place of a row or a cell")
    rows = f'<sheetData><row r="{place}">{cell("A1")}</row></sheetData>'
    refused(workbook(tmp_path / "row.xlsx", rows), "is no place of a row or a cell")


def test_a_table_within_a_table_does_not_begin_the_count_of_rows_again(tmp_path: Path) -> None:
    rows = f"<table:table-row>{FILLED}</table:table-row><table:table/>"
    refused(spreadsheet(tmp_path / "nested.ods", rows), "a table within a table")


def test_merged_cells_that_lie_over_each_other_are_refused(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["study"])
    book.active.cell(200, 1, "x")
    whole = io.BytesIO()
    book.save(whole)
    with zipfile.ZipFile(whole) as made:
        parts = {name: made.read(name).decode() for name in made.namelist()}
    name = "xl/worksheets/sheet1.xml"
    merges = '<mergeCell ref="A1:A199"/>' * 50
    parts[name] = parts[name].replace("</sheetData>", f"</sheetData><mergeCells>{merges}</mergeCells>")
    refused(archive(tmp_path / "merged.xlsx", parts), "lie over each other")


def test_encodings_that_take_the_square_of_the_time_are_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "review.rm5"
    text = "<COCHRANE_REVIEW REVMAN_VERSION='5'><COVER_SHEET><TITLE>{}</TITLE></COVER_SHEET></COCHRANE_REVIEW>"
    for encoding in ("punycode", "idna", "unicode_escape", "utf-7"):
        declared = f"<?xml version='1.0' encoding='{encoding}'?>"
        path.write_text(declared + text.format(r"+ADw- \x3c xn--a"), encoding="utf-8")
        assert es.load(path).title == r"+ADw- \x3c xn--a"


def test_long_keys_of_toml_are_refused_and_short_ones_in_texts_are_not() -> None:
    with pytest.raises(es.FormatError, match="line 2: a key of more than 20 parts"):
        toml_fields.parse_toml(f"x = 1\n[{'.'.join('a' * 30)}]\n".encode(), "review.toml")
    dots = "x = '''\nand so on .......................... 1.2.3 a.b.c\n'''\n[a.\"b.c\".d]\n"
    assert "a" in toml_fields.parse_toml(dots.encode(), "review.toml").held


def test_headers_of_a_tape_archive_that_follow_each_other_without_end_are_refused(tmp_path: Path) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = b"x", 512
    block = header.tobuf(tarfile.USTAR_FORMAT) + b"10 a=bcd\n\n".ljust(512, b"\0")
    path = tmp_path / "project.tar"
    path.write_bytes(block * 3_000)
    refused(path, "tape archive")


def test_tables_of_very_many_columns_rows_or_references_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = csv_cells.MOST_COLUMNS + 1
    path = tmp_path / "wide.csv"
    path.write_text(",".join(f"h{i}" for i in range(wide)) + "\n" + "1," * (wide - 1) + "1\n", encoding="utf-8")
    refused(path, f"up to {csv_cells.MOST_COLUMNS:,} are read")
    path = tmp_path / "wide.json"
    path.write_text(json.dumps({f"h{i}": [1] for i in range(wide)}), encoding="utf-8")
    refused(path, f"up to {csv_cells.MOST_COLUMNS:,} are read")
    path = tmp_path / "judged.csv"
    domains = risk_of_bias.MOST_DOMAINS + 1
    headings = ",".join(f"D{i}" for i in range(domains))
    path.write_text(f"Study,{headings}\nA{',Low' * domains}\n", encoding="utf-8")
    with pytest.raises(es.FormatError, match=f"up to {risk_of_bias.MOST_DOMAINS} are read"):
        es.load(path, format="risk-of-bias")
    path = tmp_path / "long.csv"
    path.write_text("study,yi,vi\n" + "A,1,1\n" * 11, encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(delimited, "MOST_ROWS", 10)
        refused(path, "more than 10 rows")
    monkeypatch.setattr(ris, "MOST_REFERENCES", 3)
    path = tmp_path / "many.ris"
    path.write_text("TY  - JOUR\nAU  - A, B\nER  - \n" * 4, encoding="utf-8")
    refused(path, "more than 3 references")


def test_documents_beyond_what_is_parsed_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_table, "MOST_BYTES", 10)
    path = tmp_path / "table.json"
    path.write_text('{"yi": [1, 2], "vi": [1, 1]}', encoding="utf-8")
    refused(path, "JSON of up to 10 is parsed")
    monkeypatch.setattr(webplotdigitizer, "LONGEST_PROJECT", 10)
    path.write_text('{"version": [4, 2], "axesColl": [], "datasetColl": []}', encoding="utf-8")
    refused(path, "projects of up to 10")


def test_the_page_states_the_limits_that_hold() -> None:
    """Each row's value holds the numbers of the constants, in their order; MB are 2**20 bytes."""
    rows = dict(re.findall(r"^\| ([^|]+?) \| ([^|]+?) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    mega = 1024 * 1024
    limits = {
        "size of a file": (sources.MAX_BYTES / mega,),
        "XML: size, elements, depth": (
            hostile_xml.MOST_BYTES / mega,
            hostile_xml.MOST_ELEMENTS,
            hostile_xml.DEEPEST,
        ),
        "files in a folder or archive, archives within it included": (archives.MOST_ENTRIES,),
        "entries of a folder that are looked at": (archives.MOST_LOOKED_AT,),
        "bytes that an archive unpacks to, counted as they come": (archives.MOST_BYTES / mega,),
        "archives within archives; folders within folders": (archives.DEEPEST, archives.DEEPEST_FOLDER),
        "workbooks: unpacked size, sheets, rows, columns": (
            workbook_guard.MOST_BYTES / mega,
            workbook_guard.MOST_SHEETS,
            workbook_guard.MOST_ROWS,
            workbook_guard.MOST_COLUMNS,
        ),
        "workbooks: cells that a sheet spans; elements and depth of a part": (
            workbook_guard.MOST_CELLS,
            workbook_guard.MOST_ELEMENTS,
            workbook_guard.DEEPEST,
        ),
        "old workbooks (.xls)": (old_workbook.MOST_OLD_BYTES / mega,),
        "tables as text: columns, cells, rows; rows of a review's tables": (
            csv_cells.MOST_COLUMNS,
            csv_cells.MOST_CELLS,
            delimited.MOST_ROWS,
            csv_cells.MOST_ROWS,
        ),
        "columns of a table of risk of bias": (risk_of_bias.MOST_DOMAINS,),
        "references of a file": (ris.MOST_REFERENCES,),
        "JSON; a digitised project; TOML": (
            json_table.MOST_BYTES / mega,
            webplotdigitizer.LONGEST_PROJECT / mega,
            toml_fields.LONGEST / mega,
        ),
    }
    for row, expected in limits.items():
        stated = [float(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", rows[row])]
        assert len(stated) == len(expected), row
        assert all(math.isclose(one, other) for one, other in zip(stated, expected, strict=True)), row


@pytest.mark.sweep
def test_very_many_spoilt_files_give_no_crash() -> None:
    spec = spec_from_file_location("fuzz_readers", Path(__file__).parents[1] / "fuzz" / "fuzz_readers.py")
    assert spec is not None
    assert spec.loader is not None
    script = module_from_spec(spec)
    spec.loader.exec_module(script)

    def more(done: int) -> bool:
        return done < 4_000

    count, crashes = script.fuzz(script.samples_of([]), random.Random(11), more)  # noqa: S311 - repeatable
    assert count == 4_000
    assert crashes == []
