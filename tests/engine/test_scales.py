"""Effects are analysed on one scale and shown on another, whatever the measure's transformation is."""

from __future__ import annotations

import math
from typing import Any

import attrs
import numpy as np
import pytest

import evisynth as es
from evisynth.documents import strict_json

PROPORTIONS: dict[str, Any] = {"events": [5, 9, 0, 21], "n": [40, 50, 33, 60]}
AREAS: dict[str, Any] = {"cles": [0.6, 0.7, 0.65], "n_1": [20, 30, 40], "n_2": [22, 33, 44]}
TRIALS: dict[str, Any] = {"events_1": [2, 4, 3], "n_1": [100, 90, 80], "events_2": [8, 9, 9], "n_2": [98, 95, 79]}


def harmonic(values: list[float]) -> float:
    return len(values) / sum(1 / value for value in values)


@pytest.mark.parametrize("measure", ["PR", "PLN", "PLO", "PRZ", "PAS", "PFT"])
def test_proportions_are_shown_as_proportions(measure: str) -> None:
    analysis = es.fit(PROPORTIONS, measure, settings="metafor")
    assert analysis.display is not None
    assert 0 <= analysis.display.ci_low < analysis.display.value < analysis.display.ci_high < 1
    for study, events, n in zip(analysis.studies, PROPORTIONS["events"], PROPORTIONS["n"], strict=True):
        assert study.display is not None
        if events:
            assert study.display.value == pytest.approx(events / n, rel=1e-12)
    strict_json(analysis.to_dict())


def test_freeman_and_tukeys_depends_on_the_sizes_of_the_studies_pooled() -> None:
    analysis = es.fit(PROPORTIONS, "PFT", settings="metafor", tau2="DL")
    assert analysis.scale.at == pytest.approx(harmonic(PROPORTIONS["n"]), rel=1e-15)
    without = es.leave_one_out(analysis)
    for i, record in enumerate(without.records()):
        alone = without.without(analysis.studies[i].study_id)
        assert alone.scale.at == pytest.approx(harmonic(PROPORTIONS["n"][:i] + PROPORTIONS["n"][i + 1 :]), rel=1e-15)
        assert alone.display is not None
        assert record["display"] == pytest.approx(alone.display.value, rel=1e-12)
    for i, record in enumerate(es.cumulative(analysis).records()):
        part = {name: column[: i + 1] for name, column in PROPORTIONS.items()}
        alone = es.fit(part, "PFT", settings="metafor", tau2="DL")
        assert alone.display is not None
        assert record["display"] == pytest.approx(alone.display.value, rel=1e-12)
    grouped = es.fit({**PROPORTIONS, "subgroup": ["a", "b", "a", "b"]}, "PFT", by="subgroup")
    assert grouped.subgroups[0].analysis.scale.at == pytest.approx(harmonic([40, 33]), rel=1e-15)


def test_a_measure_of_one_group_has_nothing_to_test() -> None:
    analysis = es.fit(PROPORTIONS, "PLO")
    assert analysis.pooled is not None
    assert math.isnan(analysis.pooled.p_value)
    document = analysis.to_dict()
    assert document["pooled"]["p_value"] is None
    assert "no value that stands for no effect" in document["reasons"]["pooled.p_value"]
    assert "no value that stands for no effect" in document["reasons"]["models.random.pooled.statistic"]
    assert "Test for overall effect: Not applicable" in str(analysis)
    frame = es.fit_many({**PROPORTIONS, "g": [1, 1, 2, 2]}, by="g", measure="PLO", tau2="DL")
    assert frame["p_value"].isna().all()
    assert frame["effect"].notna().all()


@pytest.mark.parametrize("interval", ["Wald", "t", "HK"])
def test_a_measure_is_tested_against_its_own_value_of_no_effect(interval: str) -> None:
    analysis = es.fit(AREAS, "AUC", tau2="DL", interval=interval)
    shifted = es.fit(
        es.Effects(analysis.effects.y - 0.5, analysis.effects.v), tau2="DL", interval=interval, settings="revman-web"
    )
    assert analysis.pooled is not None
    assert shifted.pooled is not None
    assert analysis.pooled.statistic == pytest.approx(shifted.pooled.statistic, rel=1e-12)
    assert analysis.pooled.p_value == pytest.approx(shifted.pooled.p_value, rel=1e-10)


def test_a_test_of_another_kind_is_of_0_alone() -> None:
    analysis = es.fit(AREAS, "AUC", tau2="DL", interval="permutation")
    assert analysis.pooled is not None
    assert math.isnan(analysis.pooled.p_value)
    assert analysis.to_dict()["reasons"]["pooled.p_value"] == "the interval method tests 0 alone"


def test_limits_change_places_where_larger_numbers_are_shown_as_smaller() -> None:
    efficacy, ratio = es.fit(TRIALS, "VE"), es.fit(TRIALS, "RR", method="IV")
    assert efficacy.display is not None
    assert ratio.display is not None
    assert efficacy.pooled == ratio.pooled
    assert efficacy.display.ci_low == pytest.approx(1 - ratio.display.ci_high, rel=1e-12)
    assert efficacy.display.ci_high == pytest.approx(1 - ratio.display.ci_low, rel=1e-12)
    low, high = efficacy.model.prediction_display or (None, None), efficacy.model.prediction_display
    assert low is not None
    assert high is not None
    for record in es.leave_one_out(efficacy).records():
        assert record["display_ci_low"] <= record["display"] <= record["display_ci_high"]


def test_thresholds_are_on_the_scale_of_readers() -> None:
    analysis = es.fit(PROPORTIONS, "PLO", prediction="HTS")
    shown = analysis.probability(above=0.3, on="display")
    same = analysis.probability(above=math.log(0.3 / 0.7), on="analysis")
    assert shown.value == pytest.approx(same.value, rel=1e-12)
    with pytest.raises(es.SettingsError, match="say on='display'"):
        analysis.probability(above=0.3)
    with pytest.raises(es.SettingsError, match="has no such value"):
        analysis.probability(above=1.3, on="display")
    with pytest.raises(es.SettingsError, match="threshold"):
        es.fit(PROPORTIONS, "PLO", threshold=1.3)


def test_a_scale_that_only_keeps_to_the_possible_is_the_readers_own() -> None:
    analysis = es.fit({"r": [0.3, 0.5, 0.4], "n": [40, 30, 60]}, "COR", prediction="HTS")
    assert analysis.probability(above=0.2).value == analysis.probability(above=0.2, on="display").value


def square(y: es.FloatArray) -> es.FloatArray:
    return np.square(y)


def test_a_scale_of_ones_own() -> None:
    scale = es.Scale("square root", back=square, forward=np.sqrt, null=None)
    effects = es.Effects([1.0, 1.5, 2.0], [0.1, 0.2, 0.1], scale=scale)
    analysis = es.fit(effects)
    assert analysis.pooled is not None
    assert analysis.display is not None
    assert analysis.display.value == pytest.approx(analysis.pooled.value**2, rel=1e-15)
    assert analysis.to_dict()["measure"]["scale"] == "square root"
    assert effects.replace(v=np.ones(3)).display_scale == scale
    assert effects.take([0]).display_scale == scale
    with pytest.raises(es.SettingsError, match="scale of a record"):
        attrs.evolve(es.default_registry().get(es.EffectMeasure, "MD"), scale="cubic")


def test_a_size_that_is_not_known_leaves_nothing_to_show() -> None:
    scale = es.default_registry().get(es.EffectMeasure, "PFT").scale
    assert isinstance(scale, es.Scale)
    analysis = es.fit(es.Effects([0.4, 0.5], [0.01, 0.01], scale=scale))
    assert analysis.pooled is not None
    assert analysis.display is not None
    assert math.isnan(analysis.display.value)
    assert analysis.to_dict()["display"]["value"] is None
