"""Points of WebPlotDigitizer as arm values: projects, exports, error bars, and what cannot be read."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es
from evisynth_converters import webplotdigitizer

if TYPE_CHECKING:
    from pathlib import Path

BARS: dict[str, Any] = {
    "name": "Bar",
    "type": "BarAxes",
    "isLog": False,
    "isRotated": False,
    "calibrationPoints": [
        {"px": 100.4, "py": 540.9, "dx": 0, "dy": "-2", "dz": None},
        {"px": 100.4, "py": 60.6, "dx": 0, "dy": "2", "dz": None},
    ],
}
XY: dict[str, Any] = {
    "name": "XY",
    "type": "XYAxes",
    "isLogX": False,
    "isLogY": False,
    "calibrationPoints": [
        {"px": 101.0, "py": 540.6, "dx": "0", "dy": "-2", "dz": None},
        {"px": 693.1, "py": 540.0, "dx": "6", "dy": "-2", "dz": None},
    ],
}


def bars(name: str, keyed: bool = False, **values: float | None) -> dict[str, Any]:  # noqa: FBT001, FBT002 - a word of the test
    """Make a dataset of bars as the program writes it: labels in a list, or by key as from version 4.2 on."""
    data: list[dict[str, Any]] = [
        {
            "x": 100.0 + 50 * i,
            "y": 300.5,
            "metadata": {"label": label.replace("_plus_", " + ")} if keyed else [label.replace("_plus_", " + ")],
            "value": None if value is None else [value],
        }
        for i, (label, value) in enumerate(values.items())
    ]
    return {"name": name, "axesName": "Bar", "metadataKeys": ["label" if keyed else "Label"], "data": data}


def points(name: str, *pairs: tuple[float, float]) -> dict[str, Any]:
    data = [{"x": 10.0 * x, "y": 300.0, "value": [x, y]} for x, y in pairs]
    return {"name": name, "axesName": "XY", "metadataKeys": [], "data": data}


def project(*datasets: dict[str, Any], **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"version": [4, 2], "axesColl": [BARS, XY], "datasetColl": list(datasets), "measurementColl": [], **changes}


def load(folder: Path, content: Any, name: str = "figure 2.json", **words: Any) -> es.Studies:  # noqa: ANN401 - JSON or text
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    studies: es.Studies = es.load(path, **words)
    return studies


def test_bars_and_error_bars_of_several_studies(tmp_path: Path) -> None:
    studies = load(
        tmp_path,
        project(
            bars("mean_1", Smith=5.0, Lee=7.5),
            bars("mean_1 + sd_1", Lee=9.5, Smith=6.25),
            bars("mean_2", Smith=4.0, Lee=6.0),
            bars("mean_2 - sd_2", Smith=3.0, Lee=4.5),
        ),
    )
    assert studies.study == ("Smith", "Lee")
    found = {name: column.tolist() for name, column in studies.columns.items()}
    assert found == {"mean_1": [5, 7.5], "sd_1": [1.25, 2], "mean_2": [4, 6], "sd_2": [1, 1.5]}


def test_one_figure_of_one_study_has_its_arms_in_the_labels(tmp_path: Path) -> None:
    for keyed in (False, True):
        one = bars("Default Dataset", keyed, mean_1=5, mean_1_plus_se_1=5.5, mean_2=4, mean_2_plus_se_2=4.25)
        studies = load(tmp_path, project(one))
        assert studies.study == ("figure 2",)
        found = {name: column.tolist() for name, column in studies.columns.items()}
        assert found == {"mean_1": [5], "se_1": [0.5], "mean_2": [4], "se_2": [0.25]}
    studies = load(tmp_path, project(bars("Smith 2010", mean_1=5), bars("Lee 2012", mean_1=6)))
    assert studies.study == ("Smith 2010", "Lee 2012")


def test_points_without_labels_belong_together_in_order_of_x(tmp_path: Path) -> None:
    studies = load(
        tmp_path,
        project(
            points("mean_1", (2.02, 7), (1.01, 5)),
            points("mean_1 + ci_1", (1.0, 6), (1.99, 7.5)),
            points("mean_1 - ci_1", (1.0, 4.5), (2.0, 6.5)),
            points("n_1", (1.0, 20), (2.0, 30)),
        ),
    )
    assert studies.study == ("Point 1", "Point 2")
    assert studies.columns["mean_1"].tolist() == [5, 7]
    # Half the interval is the mean of both ends' distances: (1 + 0.5)/2 and (0.5 + 0.5)/2.
    assert studies.columns["mean_ci_low_1"].tolist() == [4.25, 6.5]
    assert studies.columns["mean_ci_high_1"].tolist() == [5.75, 7.5]


def test_what_was_read_goes_on_to_an_analysis_with_its_provenance(tmp_path: Path) -> None:
    table = project(
        bars("mean_1", A=5.0, B=7.5),
        bars("mean_1 + se_1", A=5.5, B=8.0),
        bars("mean_2", A=4.0, B=6.0),
        bars("mean_2 + se_2", A=4.5, B=6.25),
        bars("n_1", A=25, B=36),
        bars("n_2", A=25, B=36),
    )
    studies = es.complete(load(tmp_path, table), "se-to-sd")
    assert studies.columns["sd_1"] == pytest.approx([2.5, 3.0])
    assert studies.columns["sd_2"] == pytest.approx([2.5, 1.5])
    analysis = es.fit(studies, "MD")
    said = analysis.studies[0].origins
    assert said[0].startswith("read off a figure: mean_1 (dataset 'mean_1', point 1, pixel 100.0, 300.5)")
    assert "figure 2.json, WebPlotDigitizer 4.2; axes 'Bar': -2 at 100.4, 540.9; 2 at 100.4, 60.6" in said[0]
    assert "by se-to-sd" in said[1]
    assert analysis.to_dict()["studies"][0]["origins"] == list(said)
    assert analysis.k == 2


def test_the_archive_that_the_program_saves(tmp_path: Path) -> None:
    path = tmp_path / "figure.tar"
    with tarfile.open(path, "w") as archive:
        for name, content in (
            ("figure/info.json", b"{}"),
            ("../wpd.json", json.dumps(project(bars("mean_1", A=5.0))).encode()),
            ("figure/image.png", b"\x89PNG"),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    assert es.load(path).columns["mean_1"].tolist() == [5]
    assert [found.name for found in tmp_path.iterdir()] == ["figure.tar"]
    path.write_bytes(path.read_bytes()[:1800])
    with pytest.raises(es.FormatError, match="tape archive"):
        es.load(path)
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("notes.txt"))
    with pytest.raises(es.FormatError, match=r"without a wpd\.json"):
        es.load(path)


# -- CSV --------------------------------------------------------------------------------------------------------------


def test_all_datasets_in_one_export(tmp_path: Path) -> None:
    # Two lines of headings, the name of a dataset over the first of its two columns (issue 324 of the program).
    content = "mean_1,,mean_1 + sd_1,,mean_2,\nX,Y,X,Y,X,Y\n1.01, 5,1,6.25,1,4\n2, 7.5,2.01,9.5,2,6\n"
    studies = load(tmp_path, content, "wpd_datasets.csv")
    found = {name: column.tolist() for name, column in studies.columns.items()}
    assert found == {"mean_1": [5, 7.5], "sd_1": [1.25, 2], "mean_2": [4, 6]}
    assert "WebPlotDigitizer" in studies.origins[0][0]
    repeated = content.replace("mean_1,,", "mean_1,mean_1,", 1)
    assert load(tmp_path, repeated, "again.csv").columns["mean_1"].tolist() == [5, 7.5]


def test_datasets_of_different_length_leave_gaps(tmp_path: Path) -> None:
    content = "mean_1,,mean_2,\nLabel,Value,Label,Value\nSmith,5,Lee,6\nLee,7,,\n"
    studies = load(tmp_path, content, "bars.csv")
    assert studies.study == ("Smith", "Lee")
    assert studies.columns["mean_1"].tolist() == [5, 7]
    assert np.isnan(studies.columns["mean_2"][0])
    assert studies.columns["mean_2"][1] == 6


@pytest.mark.parametrize("delimiter", [", ", "; ", "\t"])
def test_one_dataset_of_labelled_bars(tmp_path: Path, delimiter: str) -> None:
    content = "".join(f"{label}{delimiter}{value}\n" for label, value in (("mean_1", 5), ("mean_1 + sd_1", 6.5)))
    studies = load(tmp_path, content, "Smith 2010.csv")
    assert studies.study == ("Smith 2010",)
    assert {name: column.tolist() for name, column in studies.columns.items()} == {"mean_1": [5], "sd_1": [1.5]}


def test_one_dataset_of_points_takes_its_name_from_the_file(tmp_path: Path) -> None:
    studies = load(tmp_path, "2.1, 7.5\n1.0, 5\n", "mean_1.csv")
    assert studies.columns["mean_1"].tolist() == [5, 7.5]


def test_points_of_no_name_come_as_they_are(tmp_path: Path) -> None:
    with pytest.warns(es.DataWarning, match="name datasets or bars such as mean_1"):
        studies = load(tmp_path, project(points("Treated", (1, 5), (2, 6)), bars("Control", Bar0=4)))
    assert studies.study == ("Treated 1", "Treated 2", "Bar0")
    assert studies.text["dataset"] == ("Treated", "Treated", "Control")
    assert studies.text["value"] == ("5", "6", "4")
    with pytest.warns(es.DataWarning):
        named = load(tmp_path, project(points("Treated", (1, 5), (2, 6))), roles={"yi": "value"})
    assert named.columns["yi"].tolist() == [5, 6]


def test_a_table_with_headings_stays_a_table(tmp_path: Path) -> None:
    studies = load(tmp_path, "study,yi\nA,1\nB,2\n", "table.csv")
    assert studies.columns["yi"].tolist() == [1, 2]
    assert studies.origins == {}
    assert load(tmp_path, '{"study": ["A"], "yi": [1]}', "table.json").columns["yi"].tolist() == [1]


# -- what cannot be read ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"wpd": {"version": [3, 8], "dataSeries": []}}, "WebPlotDigitizer 3 or older"),
        (project(version=[3, 1]), r"version \[3, 1\]"),
        (project(version="4.2"), "version '4.2'"),
        (project(), "holds no points"),
        (project(datasetColl=5), "datasetColl is not a list of objects"),
        (project(axesColl=["x"]), "axesColl is not a list of objects"),
        (project({"name": "mean_1", "axesName": "Bar", "data": ["x"]}), "dataset 'mean_1'.*data is not a list"),
        (project({**bars("mean_1", A=1), "axesName": "gone"}), "axes of dataset 'mean_1' are not in the file"),
        (
            project(bars("mean_1", A=1), axesColl=[{**BARS, "type": "PolarAxes"}]),
            "axes of dataset 'mean_1' are PolarAxes; values are read off BarAxes and XYAxes",
        ),
        (
            project({"name": "mean_1", "axesName": "XY", "data": [{"value": [1]}]}),
            "point 1 of dataset 'mean_1' has no 2 values",
        ),
        (
            project({"name": "mean_1", "axesName": "Bar", "data": [{"value": ["5"]}]}),
            "value '5', which is not a number",
        ),
        (project({"name": "mean_1", "axesName": "Bar", "data": [{"value": [True]}]}), "value True"),
        (project(bars("mean_1 + sd_1", A=6)), r"error bar 'mean_1 \+ sd_1' needs the value 'mean_1'"),
        (project(bars("mean_1", A=6), bars("mean_1", A=6)), "'mean_1' of 'A' stands there twice"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_project_with_values_is_refused(tmp_path: Path, content: dict[str, Any], says: str) -> None:
    with pytest.raises(es.FormatError, match=says):
        load(tmp_path, content)


def test_projects_of_too_many_points_are_refused(tmp_path: Path) -> None:
    many = {"name": "curve", "axesName": "XY", "data": [{"value": [1, 2]}] * (webplotdigitizer.MOST_POINTS + 1)}
    with pytest.raises(es.FormatError, match="more than 20,000 points"):
        load(tmp_path, project(many))
    with pytest.raises(es.FormatError, match="more than 20,000 points"):
        load(tmp_path, "1,2\n" * (webplotdigitizer.MOST_POINTS + 1), "curve.csv")


def test_deep_and_cut_projects_are_refused(tmp_path: Path) -> None:
    whole = json.dumps(project(bars("mean_1", A=1)))
    with pytest.raises(es.FormatError, match="is not JSON"):
        load(tmp_path, whole[:-10])
    with pytest.raises(es.FormatError, match="too deep"):
        load(tmp_path, '{"axesColl": ' + "[" * 50_000)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("mean_1,\nX,Y\n1,2\n1,x\n", "line 4.*'1, x' of dataset 'mean_1' is no pair"),
        ("mean_1,\nX,Y\n1,2,3,4\n", "line 3: 4 fields where 1 pairs are announced"),
        ("mean_1,\nX,Y\n1\n", "line 3.*no pair"),
        ("mean_1,\nX,Y\n", "holds no points"),
    ],
)
def test_exports_that_do_not_fit_are_refused_with_the_line(tmp_path: Path, content: str, says: str) -> None:
    with pytest.raises(es.FormatError, match=says):
        load(tmp_path, content, "export.csv")


def test_an_error_bar_on_the_wrong_side_is_an_impossible_spread(tmp_path: Path) -> None:
    with pytest.raises(es.DataError, match=r"row 2 \(B\) column sd_1: a standard deviation cannot be negative"):
        load(tmp_path, project(bars("mean_1", A=5, B=5), bars("mean_1 + sd_1", A=6, B=4)))


def test_missing_values_and_points_of_no_column_are_said(tmp_path: Path) -> None:
    table = project(bars("mean_1", A=5.0, B=None), bars("mean_1 + sd_1", A=6.0, B=7.0), bars("legend", x=1.0))
    with pytest.warns(es.DataWarning, match="left out: 'legend' point 1"):
        studies = load(tmp_path, table)
    assert np.isnan([studies.columns["mean_1"][1], studies.columns["sd_1"][1]]).all()
    assert studies.study == ("A", "B")
