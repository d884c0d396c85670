"""Tables are completed by conversions, arm by arm and row by row; what was filled stands in the result."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import evisynth as es
from evisynth.requests import read_request

TABLE: dict[str, Any] = {
    "study": ["Means", "Medians", "Neither"],
    "mean_1": [8.1, None, None],
    "sd_1": [2.9, None, None],
    "n_1": [25, 31, 20],
    "mean_2": [10.0, None, 9.5],
    "sd_2": [3.2, None, None],
    "n_2": [26, 30, 22],
    "median_1": [99.0, 7.5, None],
    "q1_1": [98.0, 6.0, None],
    "q3_1": [100.0, 10.0, None],
    "median_2": [None, 9.0, 9.1],
    "q1_2": [None, 7.0, 7.0],
    "q3_2": [None, 12.0, 12.0],
}


def test_what_is_missing_is_filled_and_what_was_entered_stays() -> None:
    given = es.load(TABLE)
    made = es.complete(given, "wan-iqr")
    one = es.convert("wan-iqr", median=[7.5], q1=[6.0], q3=[10.0], n=[31])
    assert made.columns["mean_1"][1] == one["mean"][0]
    assert made.columns["sd_1"][1] == one["sd"][0]
    assert made.columns["mean_1"][0] == 8.1
    assert np.isnan(made.columns["mean_1"][2])
    # A mean that was entered stays beside an SD that is filled.
    assert made.columns["mean_2"][2] == 9.5
    assert np.isfinite(made.columns["sd_2"][2])
    assert np.isnan(given.columns["mean_1"][1])


def test_origins_stand_in_the_result() -> None:
    analysis = es.fit(es.complete(es.load(TABLE), "wan-iqr"), "MD")
    assert analysis.k == 2
    entered, filled, neither = analysis.studies
    assert entered.origins == ()
    assert len(filled.origins) == 2
    assert filled.origins[0].startswith("mean_1, sd_1 from ")
    assert "by wan-iqr" in filled.origins[0]
    assert neither.origins[0].startswith("sd_2 from ")
    assert analysis.to_dict()["studies"][1]["origins"] == list(filled.origins)
    assert analysis.to_frame()["origins"][1] == "; ".join(filled.origins)
    assert "Medians: mean_1, sd_1 from" in str(analysis)
    assert analysis.effects.take([1]).studies is not None
    left = es.leave_one_out(analysis).without("Means")
    assert left.studies[0].origins == filled.origins


def test_conversions_are_cited_and_stand_in_the_provenance() -> None:
    analysis = es.fit(es.complete(es.load(TABLE), "wan-iqr"), "MD")
    assert any(reference.startswith("Wan, Wang, Liu & Tong (2014)") for reference in analysis.references)
    assert "wan-iqr" in [method["name"] for method in analysis.provenance["methods"]]
    assert es.fit(es.load({name: TABLE[name] for name in list(TABLE)[:7]}), "MD").conversions == ()


def test_studies_of_which_a_conversion_makes_nothing_are_named() -> None:
    table = {"study": ["A", "B"], "mean": [5.0, 6.0], "t_value": [2.0, 0.0], "n": [20, 20]}
    made = es.complete(es.load(table), "t-to-sd")
    assert np.isfinite(made.columns["sd"][0])
    assert made.notes == ("B: t-to-sd gives no sd for these numbers",)
    assert any("t-to-sd gives no sd" in warning for warning in es.fit(made, "MN").warnings)


def test_an_option_that_no_conversion_takes_is_refused() -> None:
    with pytest.raises(es.SettingsError, match="no conversion named takes levle"):
        es.complete(es.load(TABLE), "wan-iqr", levle=0.9)


def test_requests_and_the_command_line_convert() -> None:
    table = {name: column for name, column in TABLE.items() if name != "study"}
    request = read_request(
        json.dumps({"data": {**table, "study": TABLE["study"]}, "measure": "MD", "convert": "wan-iqr"})
    )
    assert request.analysis.k == 2
    with_options: dict[str, Any] = {"data": TABLE, "measure": "MD", "convert": {"wan-iqr": {}}}
    assert read_request(json.dumps(with_options)).analysis.k == 2
    with pytest.raises(es.SettingsError, match="convert"):
        read_request(json.dumps({"data": TABLE, "convert": {"wan-iqr": {"level": "high"}}}))


def test_a_conversion_without_its_sources_is_refused() -> None:
    with pytest.raises(es.CombinationError, match="needs minimum, median, maximum, n"):
        es.complete(es.load(TABLE), "wan-range")
    with pytest.raises(es.UnknownMethodError):
        es.complete(es.load(TABLE), "nothing")


def test_impossible_statistics_name_study_and_column() -> None:
    table = {**TABLE, "q1_1": [98.0, 8.0, None]}
    with pytest.raises(es.DataError) as caught:
        es.complete(es.load(table), "wan-iqr")
    (problem,) = caught.value.problems
    assert (problem.row, problem.study, problem.column) == (2, "Medians", "q1_1")


def test_sample_sizes_of_the_whole_are_not_those_of_an_arm() -> None:
    table = {name: column for name, column in TABLE.items() if name != "n_1"} | {"n": [51, 61, 42]}
    made = es.complete(es.load(table), "wan-iqr")
    assert np.isnan(made.columns["mean_1"][1])
    assert np.isfinite(made.columns["mean_2"][1])


def test_conversions_of_an_arm_fill_it_from_whatever_was_reported() -> None:
    table = {
        "mean_1": [10, 11],
        "mean_2": [9, 10],
        "n_1": [25, 25],
        "n_2": [25, 25],
        "se_1": [0.4, None],
        "mean_ci_low_1": [None, 10],
        "mean_ci_high_1": [None, 12],
        "sd_2": [2, 2],
    }
    studies = es.complete(es.load(table), "se-to-sd", "ci-to-sd")
    assert studies.columns["sd_1"] == pytest.approx([2, 5 / 2.0638986], rel=1e-6)
    assert studies.columns["sd_2"].tolist() == [2, 2]
    assert "by se-to-sd: SD = SE √n" in studies.origins[0][0]
    changes = {"sd_baseline_1": [4], "sd_final_1": [4]}
    assert es.complete(es.load(changes), "change-sd", r=0.5).columns["sd_change_1"] == pytest.approx([4])


def test_a_conversion_that_joins_rows_fills_none() -> None:
    with pytest.raises(es.CombinationError, match="joins rows into one and cannot fill them"):
        es.complete(es.load({"mean": [1, 2], "sd": [1, 1], "n": [9, 9]}), "combine-rows")


def test_a_table_is_read_as_for_a_fit() -> None:
    table = {"study": ["A"], "median_1": [5.0], "q1_1": [3.0], "q3_1": [8.0], "n_1": [30]}
    assert es.complete(table, "wan-iqr") == es.complete(es.load(table), "wan-iqr")
