"""Reports of tests and adjustments for small-study effects: every method is there, in numbers or with its reason."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import attrs
import pytest

import evisynth as es

HOSTILE = '=cmd|"x"!A1\n\x1b[31m'
EFFECTS = es.Effects(
    y=[0.9, 0.7, 0.5, 0.6, 0.3, 0.4, 0.2, 0.25, 0.1, 0.15, 0.05],
    v=[0.4, 0.3, 0.25, 0.2, 0.15, 0.1, 0.09, 0.05, 0.04, 0.02, 0.01],
)


@pytest.fixture(scope="module")
def survey() -> es.BiasSurvey:
    return es.bias_survey(es.fit(EFFECTS, settings="metafor", tau2="DL"), title="1.2 Deaths")


def made_up(**changes: Any) -> es.BiasSurvey:  # noqa: ANN401 - fields of a result
    analysis = es.fit(EFFECTS, settings="metafor", tau2="DL")
    result = es.BiasResult(name="made up", variant="a variant", k=11, **changes)
    return es.BiasSurvey(analysis, (result,))


def test_every_method_is_in_every_report(survey: es.BiasSurvey) -> None:
    names = [record.name for record in es.bias_methods(es.default_registry())]
    text = es.render(survey, "text")
    assert isinstance(text, str)
    assert text.startswith("1.2 Deaths\n")
    for name in names:
        assert f"{name}: " in text, name
    document = json.loads(survey.to_json())
    assert [made["name"] for made in document["results"]] == names
    rows = list(csv.DictReader(io.StringIO(str(es.render(survey, "csv")))))
    assert [row["name"] for row in rows] == names
    for row, made in zip(rows, survey, strict=True):
        assert row["p_value"] == ("" if made.p_value is None else repr(made.p_value)), made.name
        assert row["after"] == ("" if made.after is None else repr(made.after.value)), made.name
        assert row["outcome"] == "1.2 Deaths"


def test_a_result_is_found_by_name(survey: es.BiasSurvey) -> None:
    assert survey["egger"].name == "Egger"
    with pytest.raises(KeyError, match="Eger"):
        _ = survey["Eger"]
    assert len(survey) == len(survey.results)


def test_ten_studies_are_asked_for_unless_said_otherwise() -> None:
    nine = es.fit(EFFECTS.take(range(9)), settings="metafor", tau2="DL")
    refused = es.bias_survey(nine, ("Egger",))["Egger"]
    assert refused.p_value is None
    assert refused.reason == "9 studies: tests for small-study effects are made from 10 on unless they are asked for"
    told: list[str] = []
    made = es.bias_survey(nine, ("Egger",), fewest=0, progress=told.append)["Egger"]
    assert made.p_value == es.bias(nine, "Egger").p_value
    assert told == ["Egger"]


def test_an_adjusted_effect_is_shown_on_the_scale_of_readers() -> None:
    logs = es.Effects(EFFECTS.y, EFFECTS.v, measure="OR", scale="log")
    text = str(es.render(es.bias_survey(es.fit(logs, settings="metafor"), ("trim-and-fill",)), "text"))
    made = es.bias(es.fit(logs, settings="metafor"), "trim-and-fill")
    assert made.analysis is not None
    assert made.analysis.display is not None
    assert f"{made.analysis.display.value:.2f} [" in text


def test_small_coefficients_keep_their_digits() -> None:
    found = es.bias(es.fit(EFFECTS, settings="metafor"), "Egger").asymmetry
    assert found is not None
    tiny = attrs.evolve(found, value=2.5e-6, ci_low=1e-6, ci_high=4e-6)
    assert "2.5e-6 [1.0e-6, 4.0e-6]" in str(es.render(made_up(p_value=0.5, asymmetry=tiny), "text"))


def test_a_sensitivity_table_is_printed_in_part_and_kept_whole() -> None:
    table = tuple({"row": float(i), "effect": 0.5 + i, "note": "a" if i else None} for i in range(20))
    made = made_up(p_value=0.5, table=table)
    text = str(es.render(made, "text"))
    assert "… and 8 more rows" in text
    assert len(json.loads(made.to_json())["results"][0]["table"]) == 20


def test_names_from_outside_stay_text() -> None:
    made = made_up(reason=HOSTILE, warnings=(HOSTILE,))
    survey = es.BiasSurvey(made.analysis, made.results, title=HOSTILE)
    text = str(es.render(survey, "text"))
    assert "\x1b" not in text
    (row,) = csv.DictReader(io.StringIO(str(es.render(survey, "csv"))))
    assert row["outcome"].startswith("'=")
    assert row["reason"].startswith("'=")


def test_numbers_that_are_none_have_their_reason() -> None:
    found = es.bias(es.fit(EFFECTS, settings="metafor"), "Egger").asymmetry
    assert found is not None
    made = made_up(p_value=0.5, asymmetry=attrs.evolve(found, ci_high=float("inf")))
    document = made.to_dict()["results"][0]
    assert document["asymmetry"]["ci_high"] is None
    assert "asymmetry.ci_high" in document["reasons"]


def test_reporters_of_other_results_say_so(survey: es.BiasSurvey) -> None:
    with pytest.raises(es.CombinationError, match="does not render tests and adjustments for small-study effects"):
        es.render(survey, "forest")
