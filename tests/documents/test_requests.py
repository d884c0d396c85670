"""A request in JSON: the words of `fit`, checked; the answer is Python's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

import evisynth as es
from evisynth.requests import error_document, read_request, schema

if TYPE_CHECKING:
    from collections.abc import Callable

    Validate = Callable[[str, object], None]
    Ask = Callable[[dict[str, Any]], dict[str, Any]]

DATA: dict[str, list[Any]] = {
    "study": ["A", "B", "C", "D"],
    "events_1": [1, 10, 3, 5],
    "n_1": [12, 20, 10, 21],
    "events_2": [7, 16, 6, 4],
    "n_2": [12, 20, 10, 24],
    "arm": ["x", "x", "y", "y"],
    "dose": [1, 2, 3, 4],
}

WORDS: list[dict[str, Any]] = [
    {"measure": "RR"},
    {"measure": "RR", "method": "MH", "model": "random", "settings": "revman5"},
    {"measure": "OR", "method": "IV", "model": "fixed", "level": 0.9, "study_level": 0.99, "settings": "metafor"},
    {"measure": "OR", "tau2": "PM", "interval": "HK", "adhoc": True, "prediction": "HTS"},
    {"measure": "RD", "prediction": None, "tau2_interval": None},
    {"measure": "RR", "by": "arm"},
    {"measure": "RR", "by": ["x", None, "y", "y"]},
    {"measure": "RR", "exclude": ["B"]},
    {"measure": "RR", "exclude": "B"},
    {"measure": "OR", "method": "IV", "moderators": ["dose"]},
    {"measure": "OR", "method": "IV", "moderators": {"x": [1, 2.5, 3, 4]}},
]


@pytest.fixture
def ask(validate: Validate) -> Ask:
    """Check a request and its answer against the schemas."""

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        validate("request", request)
        made = read_request(json.dumps(request)).answer()
        validate("result", made)
        return made

    return answer


@pytest.mark.parametrize("words", WORDS, ids=str)
def test_the_answer_is_what_python_gives(ask: Ask, words: dict[str, Any]) -> None:
    assert ask({"data": DATA, **words}) == es.fit(DATA, **words).to_dict()


def test_rows_do_as_well_as_columns(ask: Ask) -> None:
    rows = [dict(zip(DATA, row, strict=True)) for row in zip(*DATA.values(), strict=True)]
    by_rows, by_columns = (ask({"data": data, "measure": "RR"}) for data in (rows, DATA))
    assert by_rows["pooled"] == by_columns["pooled"]


def test_roles_name_columns(ask: Ask) -> None:
    data = {"deaths": DATA["events_1"], **{name: DATA[name] for name in ("n_1", "events_2", "n_2")}}
    answer = ask({"data": data, "measure": "RR", "roles": {"events_1": "deaths"}})
    assert answer["pooled"] == ask({"data": DATA, "measure": "RR"})["pooled"]


def test_the_settings_of_a_result_make_the_same_result(ask: Ask) -> None:
    first = ask({"data": DATA, "measure": "OR", "model": "random", "settings": "meta", "level": 0.9})
    again = ask({"data": DATA, "settings": first["settings"]})
    assert again == first


def test_some_settings_are_put_over_their_preset_and_words_over_settings(ask: Ask) -> None:
    answer = ask({"data": DATA, "measure": "RR", "tau2": "PM", "settings": {"preset": "revman5", "tau2": "DL"}})
    assert answer == es.fit(DATA, "RR", tau2="PM", settings="revman5").to_dict()


def test_reports_travel_in_the_answer(ask: Ask) -> None:
    answer = ask({"data": DATA, "measure": "RR", "reports": {"csv": True, "json": {"indent": None}, "text": False}})
    assert list(answer["reports"]) == ["csv", "json"]
    assert answer["reports"]["csv"]["media_type"] == "text/csv"


def test_leave_one_out_travels_in_the_answer(ask: Ask) -> None:
    answer = ask({"data": DATA, "measure": "RR", "leave_one_out": True})
    analysis = es.fit(DATA, "RR")
    assert answer["leave_one_out"] == es.leave_one_out(analysis).records()


def test_leave_one_out_of_a_meta_regression_has_a_row_for_each_coefficient(ask: Ask) -> None:
    data = {"yi": [0.1, 0.4, 0.2, 0.5], "vi": [0.04, 0.02, 0.05, 0.03]}
    answer = ask({"data": data, "moderators": {"dose": [1, 2, 4, 3]}, "leave_one_out": True})
    rows = [(row["omitted"], row["term"]) for row in answer["leave_one_out"]]
    assert rows[:3] == [("Study 1", "intercept"), ("Study 1", "dose"), ("Study 2", "intercept")]
    assert len(rows) == 8


@pytest.mark.parametrize(
    ("request_words", "said"),
    [
        ({"methd": "MH"}, "did you mean 'method'"),
        ({"data": None}, "carries its data"),
        ({"settings": {"tau": "DL"}}, "did you mean 'tau2'"),
        ({"settings": 5}, "a preset's name"),
        ({"settings": "revman6"}, "presets: revman5"),
        ({"level": 95}, "between 0 and 1"),
        ({"level": 1e999}, "Infinity"),
        ({"model": "mixed"}, "'common', 'random'"),
        ({"adhoc": "yes"}, "'se', 'ci', 'IQWiG6'"),
        ({"weights": 3}, "a column's name, or a list"),
        ({"weights": ["a"]}, "made of numbers"),
        ({"exclude": [1]}, "exclude is made of texts"),
        ({"by": 3}, "by is a list"),
        ({"moderators": {"x": ["a"]}}, "made of numbers"),
        ({"settings": {"preset": "x"}}, "presets: revman5"),
        ({"roles": ["events_1"]}, "roles is canonical name"),
        ({"reports": {"text": 1}}, "reports.text"),
        ({"reports": {"text": {"suffix": 1}}}, "suffix"),
        ({"leave_one_out": 1}, "true or false"),
    ],
)
def test_words_that_are_not_understood_are_named(validate: Validate, request_words: dict[str, Any], said: str) -> None:
    text = json.dumps({"data": DATA, "measure": "RR", **request_words})
    with pytest.raises((es.SettingsError, es.FormatError), match=said) as caught:
        read_request(text).answer()
    validate("error", error_document(caught.value))


@pytest.mark.parametrize(
    "text",
    ["[]", "5", "", "{", '{"data": NaN}', '{"data": {}, "data": {}}', '{"data":' * 50_000, "\ufeff\ufeff{}"],
    ids=lambda text: text[:20],
)
def test_what_is_no_request_is_a_format_error(text: str) -> None:
    with pytest.raises(es.FormatError):
        read_request(text)


@pytest.mark.parametrize(
    "data",
    [
        {"yi": [1, 2], "vi": [1]},
        {"yi": 1, "vi": 2},
        {"yi": [[1]], "vi": [1]},
        [{"yi": {}}],
        [1],
        {"yi": "12", "vi": [1]},
    ],
    ids=str,
)
def test_data_of_another_shape_are_refused(data: object) -> None:
    with pytest.raises(es.InputError):
        read_request(json.dumps({"data": data})).answer()


def test_a_number_beyond_a_double_is_an_impossible_value() -> None:
    with pytest.raises(es.DataError, match="not finite"):
        read_request('{"data": {"yi": [1' + "0" * 400 + '], "vi": [1]}}').answer()


def test_an_error_lists_every_problem(validate: Validate) -> None:
    data = {**DATA, "events_1": [1, 99, "many", 5], "n_2": [12, -1, 10, 24]}
    with pytest.raises(es.DataError) as caught:
        read_request(json.dumps({"data": data, "measure": "RR"})).answer()
    document = error_document(caught.value)
    validate("error", document)
    found = {(problem["row"], problem["column"]) for problem in document["error"]["problems"]}
    assert found >= {(2, "events_1"), (3, "events_1"), (2, "n_2")}


def test_a_fault_of_ours_is_described_as_well(validate: Validate) -> None:
    for error, code in ((RuntimeError("x"), "internal"), (PermissionError("x"), "file")):
        document = error_document(error)
        validate("error", document)
        assert document["error"]["code"] == code


@pytest.mark.parametrize("name", ["result", "request", "error"])
def test_the_schemas_are_schemas(name: str) -> None:
    Draft202012Validator.check_schema(schema(name))


def test_the_request_schema_refuses_unknown_words(validate: Validate) -> None:
    for request in ({"data": DATA, "methd": "MH"}, {"measure": "RR"}, {"data": DATA, "level": 95}):
        with pytest.raises(ValidationError):
            validate("request", request)


@pytest.mark.parametrize(
    ("moderators", "said"),
    [
        ({"x": [1, 2]}, "has 2 values and the studies are 4"),
        ({"x": [1, None, 3, 4]}, "moderator is missing"),
        ({"x": [1, True, 3, 4]}, "not a number"),
        ({"intercept": [1, 2, 3, 4]}, "cannot be called 'intercept'"),
    ],
    ids=str,
)
def test_moderators_that_cannot_be_used_are_named(moderators: dict[str, list[Any]], said: str) -> None:
    text = json.dumps({"data": DATA, "measure": "OR", "method": "IV", "moderators": moderators})
    with pytest.raises(es.DataError, match=said):
        read_request(text).answer()


def test_a_word_python_does_not_know_is_named_as_well() -> None:
    with pytest.raises(es.SettingsError, match="did you mean 'method'"):
        es.fit(DATA, "RR", methd="MH")
    with pytest.raises(es.SettingsError, match="presets: revman5"):
        es.fit(DATA, "RR", settings=es.Settings(preset="revman6"))
