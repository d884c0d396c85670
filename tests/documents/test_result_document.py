"""The result as JSON: valid by the published schema, strict, and with a reason for every null."""

from __future__ import annotations

import csv
import json
import math
from typing import TYPE_CHECKING, Any

import attrs
import pytest

import evisynth as es
from evisynth.columns import unknown_output_columns
from evisynth.documents import analysis_document, finite_values, read_json, strict_json
from evisynth.presets import PRESETS
from evisynth.requests import schema

if TYPE_CHECKING:
    from collections.abc import Callable

COUNTS: dict[str, list[Any]] = {
    "study": ["Shu", "Lanzoni", "Dilogo", "Shi", "Adas", "Monsel"],
    "year": [2020, 2021, 2021, 2021, 2021, 2022],
    "events_1": [0, 1, 10, 0, 3, 5],
    "n_1": [12, 12, 20, 65, 10, 21],
    "events_2": [3, 7, 16, 0, 6, 4],
    "n_2": [29, 12, 20, 35, 10, 24],
    "subgroup": ["a", "a", "b", "b", "b", "a"],
    "dose": [1.0, 2.0, 2.0, 3.0, 1.0, 4.0],
}
MEANS: dict[str, list[Any]] = {
    "study": ["A", "B", "C"],
    "mean_1": [5.1, 4.2, 6.0],
    "sd_1": [1.0, 1.2, 0.0],
    "n_1": [20, 15, 12],
    "mean_2": [6.0, 4.0, 7.5],
    "sd_2": [1.1, 0.9, 0.0],
    "n_2": [18, 16, 11],
}
GIVEN: dict[str, list[Any]] = {"study": ["A", "B", "C"], "yi": [0.1, -0.4, 0.3], "sei": [0.2, 0.25, 0.5]}


def rows(table: dict[str, Any], *index: int) -> dict[str, list[Any]]:
    return {name: [column[i] for i in index] for name, column in table.items()}


CASES: dict[str, tuple[object, dict[str, Any]]] = {
    "RR": (COUNTS, {"measure": "RR"}),
    "OR, IV": (COUNTS, {"measure": "OR", "method": "IV", "model": "random", "prediction": "HTS"}),
    "RD": (COUNTS, {"measure": "RD", "model": "random"}),
    "PETO": (COUNTS, {"measure": "PETO"}),
    "SMD": (MEANS, {"measure": "SMD"}),
    "GEN": (GIVEN, {"measure": "GEN"}),
    "GEN, log": (GIVEN, {"measure": "GEN", "scale": "log", "model": "random", "interval": "HK", "adhoc": True}),
    "effects": (es.Effects([0.1, 0.5], [0.01, 0.02]), {}),
    "subgroups": (COUNTS, {"measure": "RR", "by": "subgroup", "model": "random"}),
    "subgroup without an effect": (rows(COUNTS, 0, 1, 3), {"measure": "RR", "by": ["x", "x", "y"]}),
    "moderators": (COUNTS, {"measure": "OR", "method": "IV", "model": "random", "moderators": ["dose"]}),
    "fewer studies than coefficients": (rows(COUNTS, 0), {"measure": "OR", "method": "IV", "moderators": ["dose"]}),
    "excluded": (COUNTS, {"measure": "RR", "exclude": ["Shi", "Shu"]}),
    "swapped": (COUNTS, {"measure": "RR", "swap_events": True}),
    "k = 0": (rows(COUNTS), {"measure": "RR"}),
    "k = 0, no events": (rows(COUNTS, 3), {"measure": "RR", "model": "random"}),
    "k = 1": (rows(COUNTS, 1), {"measure": "RR", "model": "random"}),
    "k = 2": (rows(COUNTS, 1, 2), {"measure": "RR", "model": "random"}),
    "beyond a double": (es.Effects([800.0, 900.0], [1.0, 2.0], scale="log"), {}),
}


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("case", CASES)
def test_every_result_follows_the_schema_and_gives_reasons(
    validate: Callable[[str, object], None], case: str, preset: str
) -> None:
    data, words = CASES[case]
    try:
        analysis = es.fit(data, settings=preset, **words)
    except es.CombinationError:
        assert preset == "metafor"  # which has no M-H random
        return
    document = analysis_document(analysis)
    validate("result", document)
    assert json.loads(strict_json(document)) == document
    assert document["k"] + sum(not study["included"] for study in document["studies"]) == document["k_total"]
    unexplained = [place for place in _nulls(document) if not _explained(place, document["reasons"])]
    assert not unexplained


def _nulls(document: dict[str, Any]) -> list[str]:
    """Places of nulls that are numbers which might have been; a df is null for a normal test."""
    places = [name for name in ("pooled", "display", "prediction") if document[name] is None]
    places += [f"heterogeneity.{name}" for name, value in document["heterogeneity"].items() if value is None]
    for name in ("pooled", "display", "prediction"):
        held: dict[str, Any] = document[name] or {}
        places += [f"{name}.{field}" for field, value in held.items() if value is None]
    return [place for place in places if place != "pooled.df"]


def _explained(place: str, reasons: dict[str, str]) -> bool:
    # No pooled effect, nothing to show; no preset's prediction asked for under a common effect, nothing to explain.
    stand_in = {"display": "pooled", "prediction": ""}.get(place, place)
    return any(stand_in.startswith(known) for known in reasons) or place == "prediction"


def test_no_study_gives_null_with_a_reason() -> None:
    document = es.fit(rows(COUNTS, 3), "RR", settings="revman5").to_dict()
    assert document["pooled"] is None
    assert document["k"] == 0
    assert document["reason"] == document["reasons"]["pooled"] == "no study has an effect that can be pooled"
    assert document["studies"][0]["reason"] == "no events in either arm"
    assert document["models"]["common"]["reason"]


def test_too_few_studies_for_the_coefficients_say_so() -> None:
    analysis = es.fit(rows(COUNTS, 0), "OR", method="IV", moderators=["dose"])
    assert analysis.reason == "there are fewer studies than coefficients"


def test_what_is_beyond_a_double_is_null_and_unbounded() -> None:
    document = es.fit(es.Effects([800.0, 900.0], [1.0, 2.0], scale="log")).to_dict()
    assert document["display"]["value"] is None
    assert "unbounded" in document["reasons"]["display.value"]
    assert document["studies"][0]["display"]["ci_low"] is None
    assert "unbounded" in document["reasons"]["studies.0.display.ci_low"]


def test_a_meta_regression_has_coefficients() -> None:
    document = es.fit(COUNTS, "OR", method="IV", moderators=["dose"], settings="metafor").to_dict()
    assert list(document["coefficients"]) == ["intercept", "dose"]
    assert document["pooled"] is None
    assert document["models"]["common"]["reason"] == document["reason"]


def test_python_and_json_say_the_same() -> None:
    analysis = es.fit(COUNTS, "RR", settings="revman5", model="random", by="subgroup")
    document = json.loads(analysis.to_json())
    assert analysis.pooled is not None
    pooled = attrs.asdict(analysis.pooled)
    assert document["pooled"] == {name: value for name, value in pooled.items() if name != "level"}
    assert document["heterogeneity"]["tau2"] == analysis.heterogeneity.tau2
    assert [group["name"] for group in document["subgroups"]] == ["a", "b"]
    assert document["subgroup_test"]["df"] == 1
    assert document["participants"] == {"arm_1": 140, "arm_2": 130, "total": 270}


def test_studies_left_out_on_request_are_not_counted() -> None:
    analysis = es.fit(COUNTS, "RR", exclude=["Shi"])
    assert analysis.participants["total"] == 170
    assert analysis.k_total == 6


def test_the_schema_knows_every_setting() -> None:
    fields = {field.name for field in attrs.fields(es.Settings)}
    assert set(schema("result")["$defs"]["settings"]["properties"]) == fields
    assert set(schema("request")["properties"]) >= fields - {"preset"}


@pytest.mark.parametrize("case", CASES)
def test_the_frame_has_the_columns_of_the_glossary(case: str) -> None:
    data, words = CASES[case]
    analysis = es.fit(data, **words)
    frame = analysis.to_frame()
    assert unknown_output_columns(frame.columns) == []
    assert len(frame) == analysis.k_total
    assert frame["included"].sum() == analysis.k


def test_frame_and_csv_hold_the_same_numbers() -> None:
    data = {**COUNTS, "study": ["=1+1", '"quoted", Müller', *COUNTS["study"][2:]]}
    analysis = es.fit(data, "RR", settings="revman5")
    text = es.render(analysis, "csv")
    assert isinstance(text, str)
    read = list(csv.DictReader(text.splitlines()))
    frame = analysis.to_frame()
    for name in ("effect", "se", "weight", "display"):
        assert [float(row[name] or "nan") for row in read] == pytest.approx(frame[name].tolist(), rel=0, nan_ok=True)
    assert [row["study"] for row in read[:2]] == ["'=1+1", '"quoted", Müller']


def test_the_json_report_is_the_document() -> None:
    analysis = es.fit(COUNTS, "RR")
    assert json.loads(es.render(analysis, "json")) == analysis.to_dict()
    assert es.render(analysis, "json", indent=None) == analysis.to_json() + "\n"


def test_json_refuses_what_is_not_finite() -> None:
    with pytest.raises(ValueError, match="Out of range"):
        strict_json({"x": math.nan})
    reasons: dict[str, str] = {}
    assert finite_values({"x": [math.inf, 1.0]}, reasons) == {"x": [None, 1.0]}
    assert list(reasons) == ["x.0"]


def test_half_a_surrogate_pair_can_be_written() -> None:
    text = es.fit({**GIVEN, "study": ["\ud800", "B", "C"]}).to_json()
    assert json.loads(text.encode())["studies"][0]["study"] == "\ud800"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": NaN}', "NaN"),
        ('{"a": [-Infinity]}', "-Infinity"),
        ('{"a": 1, "a": 2}', "'a' twice"),
        ("[" * 100_000, "too deep"),
        ('{"a": ', "not JSON"),
        (b'{"a": "\xff"}', "not UTF-8"),
    ],
)
def test_json_from_outside_is_hostile_until_read(text: str | bytes, said: str) -> None:
    with pytest.raises(es.FormatError, match=said):
        read_json(text)


def test_a_whole_number_without_end_is_a_float() -> None:
    assert read_json("9" * 5000) == math.inf
    assert read_json("12") == 12
