"""Effects remember how they were measured, and an analysis cannot claim another way."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import evisynth as es

TABLE: dict[str, Any] = {
    "study": list("ABC"),
    "events_1": [3, 0, 10],
    "n_1": [20, 30, 50],
    "events_2": [6, 9, 12],
    "n_2": [21, 29, 48],
}


def test_effects_are_pooled_by_the_settings_that_made_them() -> None:
    for preset in ("revman5", "revman-web", "metafor", "meta"):
        once = es.fit(TABLE, "RR", settings=preset)
        assert es.fit(es.effects(TABLE, "RR", settings=preset)).to_dict()["pooled"] == once.to_dict()["pooled"]


def test_other_settings_are_refused_by_name() -> None:
    effects = es.effects(TABLE, "RR", settings="metafor")
    with pytest.raises(es.CombinationError, match="correction 'metafor'"):
        es.fit(effects, settings="revman5")
    with pytest.raises(es.CombinationError, match="swap_events False"):
        es.fit(effects, swap_events=True)
    with pytest.raises(es.CombinationError, match="give the study data"):
        es.fit(es.Effects([0.1], [0.1]), swap_events=True)


def test_given_effects_take_the_scale_asked_for() -> None:
    analysis = es.fit(es.Effects([0.1, 0.5], [0.1, 0.2]), scale="log")
    assert analysis.display is not None
    assert analysis.pooled is not None
    assert analysis.display.value == pytest.approx(np.exp(analysis.pooled.value))


def test_the_level_of_entered_limits_is_its_own_word() -> None:
    data = {"yi": [0.1, 0.3], "ci_low": [-0.2, 0.0], "ci_high": [0.4, 0.6]}
    # Hartung and Knapp's standard error does not depend on the unit of equal variances; Wald's does.
    shown = es.fit(data, study_level=0.99, interval="Wald")
    entered = es.fit(data, given_level=0.99, interval="Wald")
    plain = es.fit(data, interval="Wald")
    assert plain.pooled is not None
    assert shown.pooled == plain.pooled
    assert entered.pooled is not None
    assert entered.pooled.se < plain.pooled.se


def test_moderators_of_another_orientation_are_refused() -> None:
    effects = es.Effects([0.1, 0.2, 0.4, 0.3, 0.9, 0.5], [0.1] * 6)
    with pytest.raises(es.DataError, match="2 rows"):
        es.fit(effects, moderators=np.arange(12.0).reshape(2, 6))
    assert len(es.fit(effects, moderators=np.array([1.0, 2, 3, 5, 8, 13])).coefficients) == 2


def test_subgroups_beside_moderators_are_refused() -> None:
    effects = es.Effects([0.1, 0.2, 0.4, 0.3], [0.1] * 4)
    with pytest.raises(es.CombinationError, match="not both"):
        es.fit(effects, by=["a", "a", "b", "b"], moderators=np.array([1.0, 2, 3, 5]))


def test_studies_without_a_subgroup_are_said_to_be_one() -> None:
    analysis = es.fit(es.Effects([0.1, 0.2, 0.4], [0.1] * 3), by=["a", None, "a"])
    assert [group.name for group in analysis.subgroups] == ["a", "(no label)"]
    assert any("without a subgroup label" in warning for warning in analysis.warnings)


@pytest.mark.parametrize(
    "columns",
    [
        {"mean_1": [1.0], "sd_1": [1.0], "n_1": [-5.0], "mean_2": [1.0], "sd_2": [1.0], "n_2": [9.0]},
        {"mean_1": [1.0], "sd_1": [1.0], "n_1": [np.inf], "mean_2": [1.0], "sd_2": [1.0], "n_2": [9.0]},
    ],
)
def test_a_batch_refuses_what_a_fit_refuses(columns: dict[str, list[float]]) -> None:
    with pytest.raises(es.DataError, match="n_1"):
        es.fit_many({**columns, "by": [1]}, by="by", measure="MD")
    with pytest.raises(es.DataError, match="n_1"):
        es.fit(columns, "MD")


def test_a_batch_says_where_the_interval_is_another_one() -> None:
    table = es.fit_many(y=[0.1, 0.2, 0.4], v=[0.1, 0.1, 0.1], offsets=[0, 1, 3], interval="HK")
    assert "Wald is given instead" in table["note"][0]
    assert table["note"][1] is None
    with pytest.raises(es.SettingsError, match="not both"):
        es.fit_many(y=[0.1], v=[0.1], by=[1], offsets=[0, 1])


def test_errors_cross_processes() -> None:
    for error in (
        es.UnknownMethodError("Tau2Estimator", "DLL", ["DL"]),
        es.DataError("bad", [es.Problem(1, "A", "vi", "-1", "negative")]),
        es.MissingExtraError("the forest reporter", "matplotlib", "plots"),
    ):
        assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 - our own bytes


def test_only_a_standard_error_of_0_is_refused() -> None:
    made = es.effects({"yi": [0.1, 0.2, 0.3], "sei": [1.0, 0.0, 2.0]}, "GEN")
    assert dict(made.reasons) == {1: "standard error is 0"}
    assert made.v[[0, 2]].tolist() == [1.0, 4.0]
