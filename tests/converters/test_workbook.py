"""Workbooks and folders of CSV as reviewers keep them: a sheet an outcome, nothing skipped in silence."""

from __future__ import annotations

import datetime as dt
import io
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

import evisynth as es
from evisynth.sources import Source
from evisynth.testing import strategies
from evisynth_converters import workbook, workbook_guard
from evisynth_converters.workbook_write import sheet_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

openpyxl = pytest.importorskip("openpyxl")
pytest.importorskip("python_calamine")

Rows = list[list[Any]]
MAIN = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"

COUNTS: Rows = [
    ["Study", "Events E", "Total E", "Events C", "Total C"],
    ["A 2001", 3, 50, 7, 49],
    ["B 1999", 0, 20, 2, 22],
]
MEANS: Rows = [
    ["Study", "Year", "Subgroup", "mean_1", "sd_1", "n_1", "mean_2", "sd_2", "n_2", "Country"],
    ["A 2001", 2001, "Men", 1.5, 0.5, 10, 1.25, 0.75, 12, "UK"],
    ["C 2010", 2010, "Women", 2, 1, 20, 2.5, 1, 20, None],
]
EFFECTS: Rows = [["Study", "yi", "sei"], ["A 2001", -0.25, 0.125], ["C 2010", 0.5, 0.0625]]


def xlsx(sheets: Mapping[str, Sequence[Sequence[Any]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def repacked(
    content: bytes, changes: Mapping[str, Callable[[bytes], bytes]], extra: Mapping[str, bytes] | None = None
) -> bytes:
    """Change parts of a workbook."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, changes.get(name, bytes)(old.read(name)))
        for name, added in (extra or {}).items():
            new.writestr(name, added)
    return out.getvalue()


@pytest.fixture
def book(tmp_path: Path) -> Callable[..., Path]:
    """Write a workbook of some sheets, or of bytes."""

    def write(content: Mapping[str, Sequence[Sequence[Any]]] | bytes, name: str = "review.xlsx") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else xlsx(content))
        return path

    return write


@pytest.fixture
def csv_folder(tmp_path: Path) -> Callable[..., Path]:
    """Write a folder of text files."""

    def write(files: Mapping[str, str]) -> Path:
        folder = tmp_path / "tables"
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        return folder

    return write


def outcomes(review: es.Review) -> list[es.ReviewOutcome]:
    return [outcome for _, _, outcome in review.outcomes]


# -- one table, several outcomes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mortality.xlsx", "mortality", "mortality.csv"])
def test_one_table_is_a_table_of_studies_whatever_its_suffix(book: Callable[..., Path], name: str) -> None:
    studies = es.load(book({"Sheet1": COUNTS}, name))
    assert isinstance(studies, es.Studies)
    assert studies.study == ("A 2001", "B 1999")
    assert studies.columns["events_2"].tolist() == [7, 2]


def test_titles_above_notes_and_sums_below_the_table(book: Callable[..., Path]) -> None:
    rows = [
        ["Deaths at 30 days"],
        [],
        [None, *COUNTS[0]],
        [None, *COUNTS[1]],
        [],
        [None, *COUNTS[2]],
        [None, "Total (95% CI)", 3, 70, 9, 71],
    ]
    with pytest.warns(
        es.DataWarning, match=r"'Cover' was left out: it has no row of headings|'Total \(95% CI\)' sums up"
    ):
        studies = es.load(book({"Cover": [["A review of deaths"]], "Sheet1": rows}))
    assert studies.study == ("A 2001", "B 1999")
    assert any("Cover" in note for note in studies.notes)
    assert any("sums up" in note for note in studies.notes)


def test_a_sheet_an_outcome(book: Callable[..., Path]) -> None:
    sheets = {"About": [["Made in 2020"]], "Empty": [], "Death": COUNTS, "2.3 Pain score": MEANS, "HR": EFFECTS}
    with pytest.warns(es.DataWarning) as warned:
        review = es.load(book(sheets))
    assert isinstance(review, es.Review)
    assert len(warned) == len(review.notes) == 2
    assert "sheet 'Empty' was left out: it is empty" in review.notes
    assert review.notes[0].startswith("sheet 'About' was left out: it has no row of headings")
    assert (review.title, review.preset) == ("review", "revman-web")
    named = [(place, outcome.name, outcome.data_type) for place, _, outcome in review.outcomes]
    assert named == [("1.1", "Death", "dichotomous"), ("1.2", "HR", "generic"), ("2.3", "Pain score", "continuous")]


def test_types_measures_and_texts_follow_from_the_columns(book: Callable[..., Path]) -> None:
    logrank: Rows = [["Study", "O-E", "Variance"], ["A 2001", -3.5, 7.25]]
    limits: Rows = [["Study", "Estimate", "Lower CI", "Upper CI"], ["A 2001", 0.5, 0.25, 1]]
    variances: Rows = [["Study", "yi", "vi"], ["A 2001", 0.5, 0.0625]]
    cells: Rows = [["Study", "ai", "bi", "ci", "di"], ["A 2001", 1, 9, 3, 8]]
    sheets = {"D": COUNTS, "C": MEANS, "G": EFFECTS, "L": logrank, "E": limits, "V": variances, "T": cells}
    review = es.load(book(sheets))
    found = {outcome.name: outcome for outcome in outcomes(review)}
    said = {name: (outcome.data_type, outcome.measure, outcome.method) for name, outcome in found.items()}
    assert said == {
        "D": ("dichotomous", "RR", "MH"),
        "C": ("continuous", "MD", "IV"),
        "G": ("generic", "GEN", "IV"),
        "L": ("o-e", "O-E", None),
        "E": ("generic", "GEN", "IV"),
        "V": ("generic", "GEN", "IV"),
        "T": ("dichotomous", "RR", "MH"),
    }
    assert found["L"].rows[0].data == {"o_e": -3.5, "o_e_variance": 7.25}
    assert found["V"].rows[0].data == {"yi": 0.5, "sei": 0.25}
    assert found["T"].rows[0].data == {"events_1": 1, "n_1": 10, "events_2": 3, "n_2": 11}
    # No statistic is converted: what an interval says of an effect stays as it is written.
    assert found["E"].rows[0].data == {}
    assert found["E"].rows[0].text == {"Estimate": "0.5", "Lower CI": "0.25", "Upper CI": "1"}
    pain = found["C"]
    assert [(group.number, group.name, len(group.rows)) for group in pain.subgroups] == [(1, "Men", 1), (2, "Women", 1)]
    assert pain.subgroups[0].rows[0].text == {"Year": "2001", "Country": "UK"}
    assert [(study.name, study.year) for study in review.studies] == [
        ("A 2001", "2001"),
        ("B 1999", None),
        ("C 2010", "2010"),
    ]


def test_settings_studies_judgements_and_flow(book: Callable[..., Path]) -> None:
    said: Rows = [
        [
            "Outcome",
            "Comparison",
            "Measure",
            "Method",
            "Model",
            "tau2",
            "interval",
            "Level",
            "Totals",
            "Swap events",
            "Favours 1",
            "prediction",
            "preset",
            "log data",
        ],
        [
            "Death",
            "Drug v placebo",
            "OR",
            "Peto",
            "common",
            None,
            None,
            0.9,
            "subgroups",
            "yes",
            "drug",
            None,
            None,
            None,
        ],
        ["1.2", "Drug v placebo", None, None, None, "PM", "Wald", None, None, None, None, "none", None, None],
        [None, None, None, None, "random", None, None, None, None, None, None, None, "metafor", None],
    ]
    sheets: dict[str, Rows] = {
        "Settings": said,
        "Death": COUNTS,
        "1.2 Pain": MEANS,
        "Studies": [
            ["id", "Name", "Year", "Status", "Country"],
            ["S1", "A 2001", 2001, "included", "UK"],
            ["S9", "Z", None, "Excluded", None],
        ],
        "Risk of bias (RoB 2)": [["Study", "D1", "Overall"], ["A 2001", "Low", "Some concerns"]],
        "PRISMA": [["box", "n", "reason"], ["records_screened", 120, None], ["dbr_excluded", 4, "No controls"]],
    }
    with pytest.warns(es.DataWarning, match="lacks studies that have rows, which were added: 'B 1999', 'C 2010'"):
        review = es.load(book(sheets))
    death, pain = outcomes(review)
    assert (death.measure, death.method, death.model, death.level, death.totals) == (
        "OR",
        "Peto",
        "common",
        0.9,
        "subgroups",
    )
    assert (death.swap_events, death.favours_1, death.words) == (True, "drug", {})
    assert (pain.measure, pain.method, pain.model) == ("MD", "IV", "random")
    assert pain.words == {"tau2": "PM", "interval": "Wald", "prediction": None}
    assert [comparison.name for comparison in review.comparisons] == ["Drug v placebo"]
    assert review.preset == "metafor"
    assert [(study.id, study.name, study.status) for study in review.studies][:2] == [
        ("S1", "A 2001", "included"),
        ("S9", "Z", "excluded"),
    ]
    assert death.rows[0].study == "S1"
    (tool,) = review.risk_of_bias
    assert (tool.tool, [domain.id for domain in tool.domains]) == ("RoB 2", ["D1", "Overall"])
    assert tool.domains[1].judgements == (es.Judgement(study="S1", judgement="some concerns"),)
    assert review.flow == es.StudyFlow(
        counts={"records_screened": 120}, reasons={"dbr_excluded": (("No controls", 4),)}
    )


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [["outcome", "mesure"], ["Death", "OR"]],
            r"sheet 'Settings': there is no setting 'mesure' \(did you mean 'measure'",
        ),
        ([["outcome", "measure"], ["Deaths", "OR"]], r"no sheet holds the outcome 'deaths' \(did you mean 'Death'"),
        ([["outcome", "totals"], ["Death", "sub"]], "column totals: 'sub'"),
        ([["outcome", "level"], ["Death", "high"]], "column level: 'high' is not a number"),
        ([["outcome", "swap events"], ["Death", "perhaps"]], "column swap_events: 'perhaps' is neither yes nor no"),
        ([["outcome", "level"], ["Death", 0.9], ["death", 0.8]], "two rows are of 'death'"),
        ([["outcome", "level"], ["Death?", 0.9], ["death", 0.8]], "two rows are of 'death'"),
        ([["outcome", "level"], ["Death?", 0.9], ["Death!", 0.8]], "two rows are of 'Death!'"),
        ([["outcome", "level"], ["!", 0.9]], "no sheet holds the outcome '!'"),
        ([["outcome", "preset"], ["Death", "meta"], ["Pain", "metafor"]], "different things of preset"),
        ([["outcome", "preset"], ["Death", "revman6"]], "'revman6' are not known"),
    ],
)
def test_settings_that_are_not_understood(book: Callable[..., Path], rows: Rows, message: str) -> None:
    with pytest.raises(es.InputError, match=message):
        es.load(book({"Settings": rows, "Death": COUNTS, "Pain": MEANS}))


def test_names_that_differ_in_their_signs_alone_are_kept_apart(book: Callable[..., Path]) -> None:
    sheets = {"Pain!": MEANS, "Pain+": MEANS, "Death": COUNTS, "+": COUNTS}
    said = [["outcome", "level"], ["Pain+", 0.9], ["pain!", 0.8], ["+", 0.7], ["death?", 0.6]]
    levels = {outcome.name: outcome.level for outcome in outcomes(es.load(book({"Settings": said, **sheets})))}
    assert levels == {"Pain!": 0.8, "Pain+": 0.9, "Death": 0.6, "+": 0.7}


# -- cells ------------------------------------------------------------------------------------------------------------


def _cells(change: Callable[[Any], None]) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(xlsx({"Death": COUNTS, "Pain": MEANS})))
    change(book["Death"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _set(place: str, value: Any, form: str | None = None) -> Callable[[Any], None]:  # noqa: ANN401 - what a cell holds
    def change(sheet: Any) -> None:  # noqa: ANN401 - openpyxl's sheet
        sheet[place] = value
        if form is not None:
            sheet[place].number_format = form

    return change


@pytest.mark.parametrize(
    ("place", "value", "given"),
    [
        ("B2", dt.date(2020, 3, 12), r"2020-03-12 \(a date\)"),
        ("C2", True, "True"),
        ("C2", dt.time(1, 30), r"01:30:00 \(a time\)"),
        ("D3", "3 of 5", "3 of 5"),
        ("D3", "12%", "12%"),
        ("E3", "=SUM(E1:E2)", "a formula without a stored value"),
    ],
)
def test_cells_that_are_no_numbers_are_named(book: Callable[..., Path], place: str, value: Any, given: str) -> None:  # noqa: ANN401 - what a cell holds
    path = book(_cells(_set(place, value)))
    study = {"2": "A 2001", "3": "B 1999"}[place[1]]
    heading = dict(zip("BCDE", COUNTS[0][1:], strict=True))[place[0]]
    with pytest.raises(es.DataError, match=given) as caught:
        es.load(path)
    assert [(problem.study, problem.column) for problem in caught.value.problems] == [(study, heading)]
    assert "sheet 'Death'" in caught.value.summary
    # A table alone is read by the engine, which names the same cell.
    alone = openpyxl.load_workbook(path)
    alone.remove(alone["Pain"])
    alone.save(path)
    with pytest.raises(es.DataError, match=given) as caught:
        es.load(path)
    assert [(problem.study, problem.column) for problem in caught.value.problems] == [(study, heading)]


def test_cells_that_are_numbers_in_some_form(book: Callable[..., Path]) -> None:
    def change(sheet: Any) -> None:  # noqa: ANN401 - openpyxl's sheet
        _set("B2", 0.5, "0%")(sheet)
        sheet["C2"] = "\u2009 60"
        sheet["D2"] = "NA"

    death = outcomes(es.load(book(_cells(change))))[0]
    assert death.rows[0].data == {"events_1": 0.5, "n_1": 60, "n_2": 49}


def test_errors_of_formulas_are_not_blanks(book: Callable[..., Path]) -> None:
    def in_error(xml: bytes) -> bytes:
        assert b'<c r="B2" t="n"><v>3</v></c>' in xml
        return xml.replace(b'<c r="B2" t="n"><v>3</v></c>', b'<c r="B2" t="e"><f>1/0</f><v>#DIV/0!</v></c>')

    path = book(repacked(xlsx({"Death": COUNTS, "Pain": MEANS}), {"xl/worksheets/sheet1.xml": in_error}))
    with pytest.raises(es.DataError, match=r"\(A 2001\) column Events E: is not a number \(given: '#DIV/0!'\)"):
        es.load(path)


def test_names_that_are_merged_over_rows_and_years_that_are_dates(book: Callable[..., Path]) -> None:
    rows = [["Subgroup", "Year", *COUNTS[0]], ["Men", dt.date(2001, 1, 1), *COUNTS[1]], [None, 1999, *COUNTS[2]]]
    made = openpyxl.load_workbook(io.BytesIO(xlsx({"Death": rows, "Pain": MEANS})))
    made["Death"].merge_cells("A2:A3")
    out = io.BytesIO()
    made.save(out)
    review = es.load(book(out.getvalue()))
    (group,) = outcomes(review)[0].subgroups
    assert (group.name, len(group.rows)) == ("Men", 2)
    assert [study.year for study in review.studies[:2]] == ["2001", "1999"]


def test_two_columns_of_one_heading(book: Callable[..., Path]) -> None:
    rows: Rows = [["Study", "Events E", "Total E", "Events C", "Total C", "Total C"], ["A", 1, 2, 3, 4, 5]]
    with pytest.raises(es.FormatError, match=r"sheet 'S' was left out: it has two columns with the heading 'Total C'"):
        es.load(book({"S": rows}))


# -- what is hostile --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (b'<c r="XFD1048576" t="n"><v>1</v></c>', "row 1,048,576, column 16,384"),
        (b'<c x=">" r="A100001" t="n"><v>1</v></c>', "row 100,001, column 1"),
        (b'<c r="SG2" t="n"><v>1</v></c>', "row 2, column 501"),
    ],
)
def test_cells_that_lie_far_out_are_refused_before_memory_is_taken(
    book: Callable[..., Path], cell: bytes, message: str
) -> None:
    def far(xml: bytes) -> bytes:
        return xml.replace(b"</sheetData>", b"<row>" + cell + b"</row></sheetData>")

    with pytest.raises(es.FormatError, match=message):
        es.load(book(repacked(xlsx({"Death": COUNTS}), {"xl/worksheets/sheet1.xml": far})))


def test_blank_cells_with_a_format_may_lie_far_out(book: Callable[..., Path]) -> None:
    def far(xml: bytes) -> bytes:
        return xml.replace(b"</sheetData>", b'<row r="1048576"><c r="XFD1048576" s="0"/></row></sheetData>')

    assert len(es.load(book(repacked(xlsx({"Death": COUNTS}), {"xl/worksheets/sheet1.xml": far})))) == 2


def test_bombs_are_refused(book: Callable[..., Path]) -> None:
    plain = xlsx({"Death": COUNTS})
    large = repacked(plain, {}, {"xl/worksheets/sheet9.xml": b" " * (workbook_guard.MOST_BYTES + 1)})
    assert len(large) < 200_000
    with pytest.raises(es.FormatError, match="unpacks to more than 67,108,864 bytes"):
        es.load(book(large))
    # One long text that very many cells share takes little room in the file, and all of it in memory.
    strings = b'<sst xmlns="%b"><si><t>%b</t></si></sst>' % (MAIN, b"x" * 1_000_000)

    def uses(xml: bytes) -> bytes:
        return xml.replace(b"</sheetData>", b'<row><c t="s"><v>0</v></c></row>' * 100 + b"</sheetData>")

    bomb = repacked(plain, {"xl/worksheets/sheet1.xml": uses}, {"xl/sharedStrings.xml": strings})
    assert len(bomb) < 20_000
    with pytest.raises(es.FormatError, match="the cells hold more than 67,108,864 characters"):
        es.load(book(bomb))


def test_entities_damage_and_locks_are_refused(book: Callable[..., Path]) -> None:
    plain = xlsx({"Death": COUNTS})

    def entity(xml: bytes) -> bytes:
        return (
            b'<!DOCTYPE x [<!ENTITY a "b">]>' + xml.partition(b"?>")[2]
            if xml.startswith(b"<?xml")
            else b'<!DOCTYPE x [<!ENTITY a "b">]>' + xml
        )

    cases = {
        "declares entities": repacked(plain, {"xl/worksheets/sheet1.xml": entity}),
        "is damaged": repacked(plain, {"xl/worksheets/sheet1.xml": lambda xml: xml[:200]}),
        "holds no table of studies: it has no sheet of data": repacked(
            plain, {"xl/workbook.xml": lambda _: b"<workbook/>"}, {"xl/workbook2.xml": b""}
        ),
        "binary workbook of Excel": repacked(plain, {}, {"xl/workbook.bin": b""}).replace(
            b"xl/workbook.xml", b"xl/workbook.xxx"
        ),
        "locked by a password": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + bytes(600)
        + "EncryptedPackage".encode("utf-16-le")
        + bytes(600),
        r"cannot be opened as a workbook|holds no table": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + bytes(600)
        + "Workbook".encode("utf-16-le")
        + bytes(600),
    }
    for message, content in cases.items():
        with pytest.raises(es.FormatError, match=message):
            es.load(book(content), format="workbook")


def test_too_many_sheets(book: Callable[..., Path]) -> None:
    with pytest.raises(es.FormatError, match="has 201 sheets; up to 200 are read"):
        es.load(book({f"S{i}": [] for i in range(201)}))


def _ods(rows: str) -> bytes:
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {spaces} office:version="1.2"><office:body>'
        f'<office:spreadsheet><table:table table:name="Death">{rows}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:media-type="{kind}" manifest:full-path="/"/></manifest:manifest>'
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", kind)
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", manifest)
    return out.getvalue()


def _ods_row(row: Sequence[Any], repeated: str = "") -> str:
    cells = ""
    for cell in row:
        kind = 'string"' if isinstance(cell, str) else f'float" office:value="{cell}"'
        cells += f'<table:table-cell office:value-type="{kind}{repeated}><text:p>{cell}</text:p></table:table-cell>'
    end = '<table:table-cell table:number-columns-repeated="16000"/>'
    return f"<table:table-row>{cells}{end}</table:table-row>"


def test_open_document_spreadsheets(book: Callable[..., Path]) -> None:
    rows = (
        "".join(map(_ods_row, COUNTS))
        + '<table:table-row table:number-rows-repeated="1048000"><table:table-cell/></table:table-row>'
    )
    studies = es.load(book(_ods(rows), "deaths"))
    assert studies.study == ("A 2001", "B 1999")
    assert studies.columns["n_2"].tolist() == [49, 22]


@pytest.mark.parametrize(
    "rows",
    [
        _ods_row(["x"], ' table:number-columns-repeated="1000000000"'),
        '<table:table-row><table:table-cell table:number-columns-repeated="1000000000"/>'
        + _ods_row(["x"]).removeprefix("<table:table-row>"),
        _ods_row(["x"]).replace("<table:table-row>", '<table:table-row table:number-rows-repeated="1000000000">'),
        '<table:table-row table:number-rows-repeated="1000000000"/>' + _ods_row(["x"]),
    ],
)
def test_cells_that_repeat_without_end_are_refused(book: Callable[..., Path], rows: str) -> None:
    with pytest.raises(es.FormatError, match="up to 100,000 rows and 500 columns are read"):
        es.load(book(_ods(rows), "deaths.ods"))


def test_the_library_may_be_absent(book: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    path = book({"Death": COUNTS})
    studies = es.load(path)
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(es.MissingExtraError, match=r"python-calamine.*evisynth\[excel\]"):
        es.load(path)
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(es.MissingExtraError, match=r"openpyxl.*evisynth\[excel\]"):
        es.save(studies, path)


def test_other_archives_are_not_taken_for_workbooks(tmp_path: Path) -> None:
    for name, member in (
        ("a.docx", "word/document.xml"),
        ("b.zip", "x.txt"),
        ("c.zip", "a-overall-estimates-and-settings.csv"),
    ):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("[Content_Types].xml", "<Types/>")
            archive.writestr(member, "study,yi,sei\nA,1,2\n")
        assert workbook.recognises(Source(tmp_path / name)) == 0.0


# -- folders of CSV ---------------------------------------------------------------------------------------------------

CSV = "study,events_1,n_1,events_2,n_2\nA,3,50,7,49\n"


def test_a_folder_of_csv_is_a_review(csv_folder: Callable[..., Path]) -> None:
    files = {
        "1.1 Death.csv": CSV,
        "1.2 Pain.csv": "study;mean_1;sd_1;n_1;mean_2;sd_2;n_2\nA;1,5;0,5;10;1;0,75;12\n",
        "settings.csv": "outcome,measure\nDeath,OR\n",
        "notes.csv": "who,what\nme,this\n",
        "sub/other.csv": CSV,
    }
    folder = csv_folder(files)
    assert workbook.recognises(Source(folder)) == 0.3
    with pytest.warns(es.DataWarning, match="'notes' was left out"):
        review = es.load(folder)
    death, pain = outcomes(review)
    assert (review.title, death.measure, death.method, pain.measure) == ("tables", "OR", None, "MD")
    assert pain.rows[0].data["mean_1"] == 1.5


def test_one_csv_in_a_folder_is_a_table(csv_folder: Callable[..., Path]) -> None:
    studies = es.load(csv_folder({"death.csv": CSV}))
    assert isinstance(studies, es.Studies)
    assert studies.columns["n_1"].tolist() == [50]


@pytest.mark.parametrize("other", ["review.toml", "x-analysis-data/a-overall-estimates-and-settings.csv"])
def test_folders_of_other_formats_are_left_to_them(csv_folder: Callable[..., Path], other: str) -> None:
    assert workbook.recognises(Source(csv_folder({"death.csv": CSV, other: "title = 1"}))) == 0.0
    assert workbook.recognises(Source(csv_folder({"death.csv": "who,what\nme,this\n"}))) == 0.0


# -- writing ----------------------------------------------------------------------------------------------------------


def test_a_table_of_studies_comes_back(tmp_path: Path) -> None:
    numbers = [0.1 + 0.2, 1e-300, -0.0, 12345678901234567.0, 5e-324]
    labels = ("=1+1", "@x", "_x0041_", "#N/A", "+1")
    studies = es.Studies(columns={"yi": es.read_only(numbers), "vi": es.read_only([1.0] * 5)}, study=labels)
    back = es.load(es.save(studies, tmp_path / "s.xlsx"))
    assert back.study == labels
    assert [float(x).hex() for x in back.columns["yi"]] == [x.hex() for x in numbers]
    book = openpyxl.load_workbook(tmp_path / "s.xlsx")
    assert {cell.data_type for row in book.worksheets[0] for cell in row} == {"s", "n"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("written")


@pytest.mark.filterwarnings("ignore:not written, a workbook")
@strategies.examples(25, suppress=[HealthCheck.data_too_large])
@given(data=st.data())
def test_rows_and_settings_of_a_review_come_back(place: Path, data: st.DataObject) -> None:
    plain = st.text(st.characters(categories=["L", "Nd", "Sm", "Po"]), min_size=2, max_size=6).filter(_kept)
    numbers = st.integers(-3, 200).map(float) | st.floats(allow_nan=False, allow_infinity=False)
    ids = st.sampled_from(["A 1", "B 2"])
    narrower = strategies.reviews(texts=plain, keys=plain, numbers=numbers, ids=ids, words_of_outcomes=False)
    review = data.draw(narrower)
    original = {outcome.name: outcome for outcome in outcomes(review)}
    path = place / "review.xlsx"
    path.write_bytes(workbook.write_review(review))
    if not original:
        with pytest.raises(es.FormatError, match="holds no table of studies"):
            workbook.read(Source(path))
        return
    back = workbook.read(Source(path))
    assert isinstance(back, es.Review)
    assert (back.title, back.preset, len(outcomes(back))) == (review.title, review.preset, len(outcomes(review)))
    listed = {study.id: (study.name, study.year, study.status) for study in review.studies}
    assert {study.id: (study.name, study.year, study.status) for study in back.studies}.items() >= listed.items()
    for outcome in outcomes(back):
        given = original[outcome.name]
        if [one.name for one in outcomes(review)].count(outcome.name) > 1:
            continue  # any of them may be the one
        for field in attrs.fields(es.ReviewOutcome):
            if field.name not in {"id", "rows", "subgroups", "stored", "text"}:
                assert getattr(outcome, field.name) == getattr(given, field.name), field.name
        held = [(row.study, row.data, row.text) for _, row in outcome.all_rows]
        assert held == [(row.study, row.data, row.text) for _, row in given.all_rows]


def _kept(text: str) -> bool:
    # What stands for a missing value or for a column, and what looks like a number, is read as that.
    taken = text.casefold() in {"none", "na", "nr", "nan"} or bool(es.find_roles([text]))
    return not taken and not any(character.isdigit() for character in text)


def test_names_of_sheets_are_what_excel_takes() -> None:
    taken: set[str] = set()
    long = "1.1 A very long name of an outcome: at 30 [days] / months?"
    names = [sheet_name(name, taken) for name in (long, long, long.upper(), "", "'", "\x00", "history", "a*b")]
    assert len({name.casefold() for name in names}) == len(names)
    assert all(
        0 < len(name) <= 31 and not set(name) & set("[]:*?/\\\x00") and name.strip("'") == name for name in names
    )
    assert names[0] == "1.1 A very long name of an outc"


def test_what_a_workbook_cannot_hold_is_said(tmp_path: Path) -> None:
    def review(**row: Any) -> es.Review:  # noqa: ANN401 - fields of a row
        outcome = es.ReviewOutcome(number=1, name="O", data_type="generic", rows=(es.ReviewRow(study="S", **row),))
        return es.Review(comparisons=(es.ReviewComparison(number=1, name="C", outcomes=(outcome,)),))

    with pytest.raises(es.FormatError, match=r"row 2, column 6: a text of 40,000 characters"):
        es.save(review(text={"Note": "x" * 40_000}), tmp_path / "r.xlsx")
    with pytest.raises(es.FormatError, match=r"row 2, column 2: inf is not finite"):
        es.save(review(data={"yi": float("inf")}), tmp_path / "r.xlsx")


def test_what_a_workbook_does_not_hold_is_said(tmp_path: Path) -> None:
    row = es.ReviewRow(study="A", data={"yi": 0.5, "sei": 0.25}, level="subgroup", footnote="see text")
    half = es.ReviewSubgroup(number=1, name="Half", rows=(row,))
    outcome = es.ReviewOutcome(number=1, name="Pain", data_type="generic", measure="GEN", subgroups=(half,))
    review = es.Review(
        studies=(es.ReviewStudy(id="A", name="A"),),
        comparisons=(es.ReviewComparison(number=1, name="B", outcomes=(outcome,)),),
    )
    with pytest.warns(es.DataWarning) as said:
        es.save(review, tmp_path / "review.xlsx")
    shown = " ".join(str(one.message) for one in said)
    assert "outcomes 1.1" in shown
    assert "footnotes" in shown
