"""What is written reads back: tables as CSV, settings as dictionaries, results as strict JSON by the schema."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import evisynth as es
from evisynth.presets import COMBINATIONS
from evisynth.requests import schema
from evisynth.testing import strategies
from evisynth_converters import delimited

if TYPE_CHECKING:
    from pathlib import Path

few = strategies.examples(50)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables")


@pytest.fixture(scope="module")
def result_schema() -> Any:  # noqa: ANN401 - a validator of jsonschema
    return Draft202012Validator(schema("result"))


@given(data=st.data())
@few
def test_tables_read_back_from_csv_as_they_were(data: st.DataObject, folder: Path) -> None:
    studies = data.draw(strategies.text_tables())
    file = folder / "table.csv"
    file.write_bytes(delimited.write(studies))
    again = es.load(file)
    assert again.study == studies.study
    # A column in which nothing is given says nothing; a file keeps it all the same.
    assert again.columns.keys() == studies.columns.keys()
    for name, column in studies.columns.items():
        assert again.columns[name].tobytes() == column.tobytes(), name
    assert dict(again.text) == dict(studies.text)


@given(data=st.data())
@few
def test_settings_go_through_a_dictionary_and_json(data: st.DataObject) -> None:
    made = es.Settings(**data.draw(strategies.requests()))
    assert es.Settings.from_dict(made.to_dict()) == made
    again = es.Settings.from_dict(json.loads(json.dumps(made.to_dict(), allow_nan=False)))
    assert again == made
    assert hash(again) == hash(made)


def refuse(word: str) -> None:
    pytest.fail(f"{word} is no JSON")


@given(data=st.data())
@few
def test_every_document_is_strict_json_by_the_schema(
    data: st.DataObject,
    result_schema: Any,  # noqa: ANN401 - a validator of jsonschema
) -> None:
    measure, columns = data.draw(strategies.hard_columns())
    way = data.draw(strategies.combinations())
    preset, method, model = way
    if method == "Peto" and measure != "PETO":
        method = "IV"
    if method == "MH" and measure not in {"OR", "RR", "RD"}:
        method = "IV"
    model = model if model in COMBINATIONS[preset][method] else "common"
    k = len(next(iter(columns.values())))
    labels = data.draw(st.lists(st.sampled_from(["a", "b", None]), min_size=k, max_size=k))
    analysis = es.fit(
        {"study": [f"S{i}" for i in range(k)], **columns},
        measure,
        settings=preset,
        method=method,
        model=model,
        by=labels if data.draw(st.booleans()) else None,
        interval=data.draw(st.sampled_from(["Wald", "HK"])),
        tau2=data.draw(st.sampled_from(["DL", "REML", "PM"])),
        scale=data.draw(st.sampled_from(["linear", "log"])),
    )
    document = json.loads(analysis.to_json(), parse_constant=refuse)
    result_schema.validate(document)
    assert document == analysis.to_dict() or document == json.loads(json.dumps(analysis.to_dict()))
    assert document["k"] + sum(not study["included"] for study in document["studies"]) == document["k_total"] == k
    assert (document["pooled"] is None) == (document["reason"] is not None)
    assert all(study["included"] or study["reason"] for study in document["studies"])
    if document["pooled"] is not None:
        whole = sum(study["weight"] for study in document["studies"] if study["weight"] is not None)
        assert whole == pytest.approx(100.0)
        assert document["pooled"]["se"] > 0
