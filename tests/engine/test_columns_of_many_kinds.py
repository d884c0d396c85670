"""Columns whose names are common words are read where they hold numbers, and kept as texts where they do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import evisynth as es

TABLE = {
    "study": ["A", "B", "C"],
    "events_1": [3, 4, 5],
    "n_1": [30, 40, 50],
    "events_2": [6, 7, 9],
    "n_2": [30, 41, 52],
    "p": ["<0.001", "0.02", "n.s."],
    "total": ["60 patients", "81", "102"],
    "outcome": ["x", "x", "y"],
}


def test_texts_under_a_common_word_are_kept_with_a_note() -> None:
    with (
        pytest.warns(es.DataWarning, match="'p' is kept as text, not read as p_value: row 1 holds '<0.001'"),
        pytest.warns(es.DataWarning, match="'total' is kept as text, not read as n: row 1 holds '60 patients'"),
    ):
        studies = es.load(TABLE)
    assert "p_value" not in studies.columns
    assert studies.text["p"] == ("<0.001", "0.02", "n.s.")
    assert len(studies.notes) == 2


def test_a_role_that_is_asked_for_has_to_hold_numbers() -> None:
    with pytest.raises(es.DataError, match="is not a number"):
        es.load(TABLE, roles={"p_value": "p"})


def test_many_analyses_pass_over_them_too() -> None:
    assert es.fit_many(TABLE, by="outcome", measure="RR", tau2="DL")["k"].tolist() == [2, 1]
    with pytest.raises(es.DataError):
        es.fit_many(TABLE, by="outcome", measure="RR", roles={"p_value": "p"})


def test_arrays_and_frames_are_read_like_lists() -> None:
    numbers = {name: column for name, column in TABLE.items() if name not in {"study", "p", "total", "outcome"}}
    lists = es.load(numbers)
    arrays = es.load({name: np.array(column) for name, column in numbers.items()})
    frame = es.load(pd.DataFrame(numbers))
    assert lists == arrays == frame
    assert lists.study == ("Study 1", "Study 2", "Study 3")
    assert len(arrays) == 3
    with pytest.raises(es.DataError, match="is not finite"):
        es.load({**numbers, "events_1": np.array([1.0, np.inf, 2.0])})


def test_what_was_loaded_does_not_change_with_the_array() -> None:
    events = np.array([3.0, 4.0, 5.0])
    studies = es.load({**TABLE, "events_1": events, "p": [0.1] * 3, "total": [60, 81, 102]})
    events[0] = 99.0
    assert studies.columns["events_1"][0] == 3.0


def test_numbered_arms_need_no_underscore() -> None:
    means = {
        f"{column}{arm}": [value, value + 1.0]
        for arm in (1, 2)
        for column, value in (("mean", 2.0 * arm), ("sd", 1.5), ("n", 20.0))
    }
    counts = {"events1": [3, 5], "n1": [20, 30], "events2": [6, 7], "n2": [21, 29]}
    for columns, measure in ((means, "MD"), (counts, "RR")):
        spaced = {f"{name[:-1]}_{name[-1]}": values for name, values in columns.items()}
        assert es.fit(columns, measure).pooled == es.fit(spaced, measure).pooled
