"""Tables of studies from text, frames and JSON; what cannot be used is named, what is missing has its reason."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import evisynth as es
from evisynth.testing import strategies
from evisynth_converters import delimited

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pa = pytest.importorskip("pyarrow")

Columns: TypeAlias = dict[str, list[Any]]

COUNTS: Columns = {
    "study": ["Müller 2020", "B", "C"],
    "events_1": [1, 10, 3],
    "n_1": [12, 20, 10],
    "events_2": [7, 16, 6],
    "n_2": [12, 20, 10],
}
CSV = "study,events_1,n_1,events_2,n_2\nMüller 2020,1,12,7,12\nB,10,20,16,20\nC,3,10,6,10\n"


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., es.Studies]:
    """Write text or bytes to a file and load it."""

    def write(content: str | bytes, name: str = "table.csv", **words: Any) -> es.Studies:  # noqa: ANN401 - those of load
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        studies: es.Studies = es.load(path, **words)
        return studies

    return write


# -- text -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (CSV, "table.csv"),
        (CSV.encode("utf-8-sig"), "table.csv"),
        (CSV.encode("cp1252"), "table.csv"),
        (CSV.encode("utf-16"), "table.txt"),
        (CSV.replace("\n", "\r\n"), "table.csv"),
        (CSV.replace(",", "\t"), "table.tsv"),
        (CSV.replace(",", ";"), "table.csv"),
        (CSV.replace(",", "|"), "table.csv"),
        (CSV.replace(",", ";"), "no_suffix"),
        ("sep=;\n" + CSV.replace(",", ";"), "table.csv"),
        ("\n" + CSV.replace("\n", ",,\n").replace("B,", "\n,,,,\n  \nB,"), "table.csv"),
        (CSV.replace("B,10", '"B","10"').replace("C,3", 'C, "3"'), "table.csv"),
    ],
)
def test_every_way_to_write_a_table_reads_the_same(
    table: Callable[..., es.Studies], content: str | bytes, name: str
) -> None:
    studies = table(content, name)
    assert studies.study == ("Müller 2020", "B", "C")
    assert studies.columns["events_1"].tolist() == [1, 10, 3]
    assert studies.columns["n_2"].tolist() == [12, 20, 10]


def test_a_decimal_comma_goes_with_a_semicolon(table: Callable[..., es.Studies]) -> None:
    assert table("yi;vi\n-0,5;1,25\n0,1;2\n").columns["yi"].tolist() == [-0.5, 0.1]
    assert table("yi;vi\n-0.5;1.25\n").columns["vi"].tolist() == [1.25]
    assert table("yi\tvi\n-0,5\t1,25\n").columns["vi"].tolist() == [1.25]
    assert table("yi\tn_1\n0.5\t1,250\n").columns["n_1"].tolist() == [1250.0]


def test_the_delimiter_is_the_one_that_explains_all_lines(table: Callable[..., es.Studies]) -> None:
    studies = table("study, year;yi;vi\nShu, 2020;1,5;0,5\n")
    assert list(studies.columns) == ["yi", "vi"]
    studies = table('study,note,yi,vi\nA,"a;b;c;d",1,2\nB,e,3,4\n')
    assert studies.text["note"] == ("a;b;c;d", "e")


def test_a_heading_alone_is_a_table_without_rows(table: Callable[..., es.Studies]) -> None:
    studies = table("study,events_1,n_1,events_2,n_2\n")
    assert len(studies) == 0
    assert es.fit(studies, "RR").reason == "no study has an effect that can be pooled"


def test_row_names_of_r_stay_a_column(table: Callable[..., es.Studies]) -> None:
    studies = table('"","yi","vi"\n"1",0.1,1\n"2",0.2,1\n')
    assert studies.text["column 1"] == ("1", "2")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("study,yi,vi\nA,1,2\nB,1\n", "line 3: 2 fields where the heading has 3"),
        ("study,yi,vi\nA,1,2,3\n", "line 2: 4 fields"),
        ("study,yi,vi\n\nA,1,2\nShu, Lei,1,2\n", "line 4"),
        ("yi,vi,yi\n1,2,3\n", "same name: 'yi'"),
        ('study,yi,vi\n"A,1,2\n', "line 2"),
        ("", "empty"),
        ("  \n\n", "empty"),
        (",,,\n", "no heading"),
        ("<!DOCTYPE html><html></html>", "HTML page"),
        ("\ufeff <html>", "HTML page"),
        ("<?xml version='1.0'?><a/>", "XML file"),
        (b"PK\x03\x04\x14\x00", "Excel workbook"),
        (b"%PDF-1.4", "a PDF"),
        (b"a,b\n1,\x00\n", "a binary file"),
        (b"\xff\xfea", "UTF-16"),
    ],
)
def test_what_is_no_table_is_refused_with_the_line(
    table: Callable[..., es.Studies], content: str | bytes, said: str
) -> None:
    with pytest.raises(es.FormatError, match=said):
        table(content)


def test_a_path_without_a_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(es.FormatError, match="not there"):
        es.load(tmp_path / "nothing.csv")
    with pytest.raises(es.FormatError, match="a folder"):
        es.load(tmp_path)


names = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp")), min_size=1, max_size=8)
texts: st.SearchStrategy[str] = st.one_of(
    names, st.sampled_from(["=1+1", "'=x", "''-2", "@a", "+b", "-5", "a,b", 'say "x"', "-", "'"])
)


@given(study=st.lists(texts, min_size=1, max_size=5), data=st.data())
@strategies.examples()
def test_what_is_written_reads_back(study: list[str], data: st.DataObject) -> None:
    k = len(study)
    numbers = st.one_of(st.just(np.nan), st.floats(-1e12, 1e12), st.integers(0, 10**6).map(float))
    yi = data.draw(st.lists(numbers, min_size=k, max_size=k))
    note = data.draw(st.lists(texts, min_size=k, max_size=k))
    before = es.Studies(columns={"yi": es.read_only(yi)}, study=tuple(study), text={"note": tuple(note)})
    written = delimited.write(before)
    assert all(not line.startswith((b"=", b"@")) for line in written.splitlines())
    read = delimited.read(cast("es.Source", SimpleNamespace(name="x.csv", content=written, text=written.decode())))
    assert list(read.columns["study"]) == study
    assert list(read.columns["note"]) == note
    again = [float(value) if value else np.nan for value in read.columns["yi"]]
    assert np.array_equal(again, before.columns["yi"], equal_nan=True)


# -- memory -----------------------------------------------------------------------------------------------------------


def _rows(columns: Columns) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


MAKERS: list[Callable[[Columns], object]] = [
    dict,
    _rows,
    lambda columns: {name: tuple(column) for name, column in columns.items()},
    lambda columns: {name: np.array(column) for name, column in columns.items()},
    lambda columns: {name: pd.Series(column) for name, column in columns.items()},
    lambda columns: {name: pl.Series(values=column) for name, column in columns.items()},
    pd.DataFrame,
    lambda columns: pd.DataFrame(columns).set_index("study"),
    lambda columns: pd.DataFrame(columns).convert_dtypes(),
    pl.DataFrame,
    pl.LazyFrame,
    pa.table,
]


@pytest.mark.parametrize("make", MAKERS)
def test_every_kind_of_frame_reads_the_same(make: Callable[[Columns], object]) -> None:
    studies = es.load(make(COUNTS))
    assert studies.study == tuple(COUNTS["study"])
    assert {name: column.tolist() for name, column in studies.columns.items()} == {
        name: column for name, column in COUNTS.items() if name != "study"
    }


@pytest.mark.parametrize("library", [pd, pl])
def test_missing_values_of_frames_are_missing(library: Any) -> None:  # noqa: ANN401 - either library
    columns = {**COUNTS, "events_1": [1, None, 3], "study": ["A", None, "C"]}
    frame: object = library.DataFrame(columns)
    analysis = es.fit(frame, "RR")
    assert [study.reason for study in analysis.studies] == [None, "missing events_1", None]
    assert analysis.studies[1].study == "Row 2"


def test_missing_values_of_nullable_columns_are_missing() -> None:
    frame = pd.DataFrame({**COUNTS, "events_1": pd.array([1, pd.NA, 3], dtype="Int64")})
    assert es.fit(frame, "RR").k == 2


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"yi": 1.0, "vi": [1]}, "'yi' is a float"),
        ({"yi": "123", "vi": [1]}, "'yi' is a str"),
        ({"yi": np.float64(1), "vi": [1]}, "single number"),
        ({"yi": [[1, 2]], "vi": [1]}, "holds a list"),
        ({"yi": np.ones((2, 2)), "vi": [1]}, "holds a list"),
        ({1: [1]}, "name is a text"),
        (pd.DataFrame([[1, 2]], columns=["yi", "yi"]), "yi"),
        (5, "a mapping of columns"),
        ([1, 2], "a mapping of columns"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_no_table_in_memory_is_refused(value: object, said: str) -> None:
    with pytest.raises(es.FormatError, match=said):
        es.load(value)


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(es.DataError, match="differ in length"):
        es.load({"yi": [1, 2], "vi": [1]})


def test_a_frame_is_recognised_without_narwhals() -> None:
    code = (
        "import sys, pandas, evisynth as es; from evisynth_converters import frames;"
        "assert frames.recognises(es.Source(pandas.DataFrame())) == 1.0; assert 'narwhals' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - our own interpreter and code


# -- JSON -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["table.json", "table"])
@pytest.mark.parametrize(
    "content",
    [
        '{"study": ["A", "B"], "yi": [1, null], "vi": [1, 2]}',
        '\ufeff{"data": {"study": ["A", "B"], "yi": [1, null], "vi": [1, 2]}}',
        '[{"study": "A", "yi": 1, "vi": 1}, {"study": "B", "vi": 2}]',
        '{"data": [{"study": "A", "yi": 1, "vi": 1}, {"study": "B", "vi": 2}]}',
    ],
)
def test_columns_and_rows_in_json(table: Callable[..., es.Studies], content: str, name: str) -> None:
    studies = table(content, name)
    assert studies.study == ("A", "B")
    assert [study.reason for study in es.fit(studies).studies] == [None, "missing effect"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[1, 2]", "neither columns"),
        ("5", "neither columns"),
        ('{"data": {"yi": [1]}, "measure": "RR"}', "a request"),
        ('{"yi": [NaN]}', "NaN"),
        ('{"yi": 1}', "'yi' is an int"),
        ("[" * 50_000, "too deep"),
    ],
)
def test_json_of_another_shape_is_refused(table: Callable[..., es.Studies], content: str, said: str) -> None:
    with pytest.raises(es.FormatError, match=said):
        table(content, "table.json")


# -- values -----------------------------------------------------------------------------------------------------------


def test_one_error_lists_every_row_and_column() -> None:
    data = {
        "study": ["A", "B", "C", "D"],
        "events_1": ["many", 25, 3, -1],
        "n_1": [12, 20, 10, 10],
        "events_2": [1, 2, 3, 4],
        "n_2": [10, "1O", 10, 10],
        "sd_1": [1, 1, -0.5, 1],
        "vi": [1, -2, 1, 1],
    }
    with pytest.raises(es.DataError) as caught:
        es.load(data)
    found = {(problem.row, problem.study, problem.column) for problem in caught.value.problems}
    assert found == {
        (1, "A", "events_1"),
        (2, "B", "events_1"),
        (4, "D", "events_1"),
        (2, "B", "n_2"),
        (3, "C", "sd_1"),
        (2, "B", "vi"),
    }
    assert "'many'" in str(caught.value)


def test_a_missing_column_is_named_with_what_is_there() -> None:
    with pytest.raises(es.DataError, match=r"needs columns .* events_1.* ") as caught:
        es.fit({"study": ["A"], "events_1": [1], "n_1": [2]}, "RR")
    assert [str(problem.column).split()[0] for problem in caught.value.problems] == ["events_2", "n_2"]


def test_roles_can_be_given(table: Callable[..., es.Studies]) -> None:
    content = CSV.replace("events_1", "deaths treated")
    studies = table(content, roles={"events_1": "deaths treated"})
    assert studies.columns["events_1"].tolist() == [1, 10, 3]
    with pytest.raises(es.DataError, match="no such column"):
        table(content, roles={"events_1": "deaths"})
    with pytest.raises(es.DataError, match="no role 'event_1'"):
        table(content, roles={"event_1": "deaths treated"})


def test_missing_values_and_empty_arms_exclude_with_a_reason() -> None:
    data = {**COUNTS, "events_1": ["", 0, 3], "n_1": [12, 0, 10], "events_2": [7, 16, "NA"]}
    analysis = es.fit(data, "RR")
    assert [study.reason for study in analysis.excluded] == [
        "missing events_1",
        "no participants in arm 1",
        "missing events_2",
    ]
    assert analysis.k == 0
    assert len(analysis.excluded) == analysis.k_total


def test_repeated_names_are_kept_apart_with_a_warning(table: Callable[..., es.Studies]) -> None:
    with pytest.warns(es.DataWarning, match="several rows"):
        studies = table("study,yi,vi\nA,1,1\nA,2,1\nB,3,1\n")
    assert studies.study_id == ("A", "A (2)", "B")
    assert es.fit(studies).warnings[0].startswith("study names that stand in several rows")


@pytest.mark.parametrize("text", ["1,512", "12,345"])
def test_a_comma_that_could_be_either_is_refused(text: str) -> None:
    with pytest.raises(es.DataError, match="is not a number"):
        es.load({"yi": [text, "0.2"], "sei": ["0.1", "0.1"]})


def test_a_leading_zero_is_no_thousand() -> None:
    with pytest.raises(es.DataError, match="0,512"):
        es.load({"yi": ["0,512"], "sei": ["0.1"]})
    assert es.load({"yi": ["1,234,567.5"], "sei": ["0.1"]}).columns["yi"].tolist() == [1234567.5]


def test_points_beside_decimal_commas(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("study;events_1;n_1;events_2;n_2;dose\nA;10;1.234;9;1.000;0,5\n", encoding="utf-8")
    assert es.load(path).columns["n_1"].tolist() == [1234.0]
    path.write_text("study;yi;sei\nA;1.234;0,5\n", encoding="utf-8")
    with pytest.raises(es.DataError, match=r"1\.234"):
        es.load(path)
