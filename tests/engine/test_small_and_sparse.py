"""k = 0, 1 and 2, empty and double-zero tables: results with reasons, through every verb."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable

PRESETS = ("revman5", "revman-web", "metafor", "meta")
TABLES: dict[str, dict[str, list[float]]] = {
    "no studies": {"events_1": [], "n_1": [], "events_2": [], "n_2": []},
    "one study": {"events_1": [3], "n_1": [20], "events_2": [7], "n_2": [21]},
    "one study without events": {"events_1": [0], "n_1": [20], "events_2": [0], "n_2": [21]},
    "one study with a zero": {"events_1": [0], "n_1": [20], "events_2": [4], "n_2": [21]},
    "two studies": {"events_1": [3, 5], "n_1": [20, 30], "events_2": [7, 6], "n_2": [21, 29]},
    "no events anywhere": {"events_1": [0, 0, 0], "n_1": [9, 8, 7], "events_2": [0, 0, 0], "n_2": [9, 8, 7]},
    "events in everybody": {"events_1": [9, 8], "n_1": [9, 8], "events_2": [7, 6], "n_2": [7, 6]},
    "double zeros": {"events_1": [0, 3, 9], "n_1": [9, 12, 9], "events_2": [0, 5, 7], "n_2": [9, 11, 7]},
    "an empty arm": {"events_1": [0, 3, 4], "n_1": [0, 12, 15], "events_2": [2, 5, 3], "n_2": [9, 11, 14]},
    "missing values": {"events_1": [np.nan, 3, 4], "n_1": [9, 12, np.nan], "events_2": [2, 5, 3], "n_2": [9, 11, 14]},
    "one participant": {"events_1": [1, 0], "n_1": [1, 1], "events_2": [0, 1], "n_2": [1, 1]},
}
MEASURES = ("OR", "RR", "RD", "PETO")


@pytest.mark.parametrize("table", TABLES, ids=str)
@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("preset", PRESETS)
def test_every_verb_answers(table: str, measure: str, preset: str, make_studies: Callable[..., es.Studies]) -> None:
    studies = make_studies(**TABLES[table])
    effects = es.effects(studies, measure=measure, settings=preset)
    assert len(effects) == len(studies)
    models = ("common", "random") if measure != "PETO" or preset == "meta" else ("common",)
    for model in models:
        method: dict[str, Any] = {"method": "IV"} if preset == "metafor" and model == "random" else {}
        analysis = es.fit(studies, measure=measure, model=model, settings=preset, **method)
        assert analysis.k + len(analysis.excluded) == analysis.k_total == len(studies)
        assert all(study.reason for study in analysis.excluded)
        assert (analysis.pooled is None) == (analysis.reason is not None)
        assert analysis.k > 0 or analysis.pooled is None
        document = json.loads(analysis.to_json())
        assert document["k"] == analysis.k
        if analysis.pooled is None:
            assert document["pooled"] is None
            assert document["reason"]
        if analysis.heterogeneity.df == 0:
            assert analysis.heterogeneity.tau2 is None
            assert analysis.reasons["heterogeneity.tau2"]
        assert str(analysis)
        assert len(es.leave_one_out(analysis).omitted) == analysis.k
        assert es.bias(analysis, "Egger").p_value is None or analysis.k > 2
        for reporter in ("text", "json", "csv"):
            assert es.report(analysis, reporter)


@pytest.mark.parametrize("table", TABLES, ids=str)
@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
@pytest.mark.parametrize("preset", PRESETS)
def test_a_batch_gives_what_a_fit_gives(
    table: str, measure: str, preset: str, make_studies: Callable[..., es.Studies]
) -> None:
    columns: dict[str, Any] = {name: np.asarray(values) for name, values in TABLES[table].items()}
    k = len(columns["n_1"])
    model: dict[str, Any] = {"model": "common"} if preset == "metafor" else {"model": "random"}
    method: dict[str, Any] = {"method": "MH"}
    row = es.fit_many(
        {**columns, "by": np.zeros(k, dtype=int)}, by="by", measure=measure, settings=preset, **method, **model
    )
    analysis = es.fit(make_studies(**TABLES[table]), measure=measure, settings=preset, **method, **model)
    if k == 0:
        assert len(row) == 0
        return
    assert int(row.k[0]) == analysis.k
    assert int(row.k_total[0]) == analysis.k_total
    if analysis.pooled is None:
        assert np.isnan(row.effect[0])
        assert row.reason[0]
        return
    assert row.effect[0] == pytest.approx(analysis.pooled.value, rel=1e-12, abs=1e-15)
    assert row.se[0] == pytest.approx(analysis.pooled.se, rel=1e-12)
    if analysis.heterogeneity.tau2 is not None:
        assert row.tau2[0] == pytest.approx(analysis.heterogeneity.tau2, rel=1e-12, abs=1e-300)
        assert row.i2[0] == pytest.approx(analysis.heterogeneity.i2, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("preset", PRESETS)
def test_means_that_have_no_effect(preset: str, make_studies: Callable[..., es.Studies]) -> None:
    studies = make_studies(
        mean_1=[1.0, 2.0, np.nan, 1.0, 3.0],
        sd_1=[0.0, 1.0, 1.0, 1.0, 2.0],
        n_1=[10, 1, 10, 0, 12],
        mean_2=[0.0, 1.0, 1.0, 1.0, 1.0],
        sd_2=[0.0, 1.0, 1.0, 1.0, 2.5],
        n_2=[10, 10, 10, 5, 11],
    )
    for measure in ("MD", "SMD"):
        analysis = es.fit(studies, measure=measure, settings=preset)
        assert analysis.studies[0].reason == "SD is 0"
        assert analysis.studies[2].reason == "missing mean_1"
        assert analysis.studies[3].reason is not None
        assert analysis.studies[4].included
        assert analysis.studies[1].included == (preset == "metafor")


def test_effects_that_cannot_be_pooled() -> None:
    analysis = es.fit(es.Effects([0.1, np.nan, 0.3, np.inf, 0.5], [0.1, 0.1, np.nan, 0.1, 0.0]))
    assert [study.reason for study in analysis.studies] == [
        None,
        "missing effect",
        "missing variance",
        "effect is infinite",
        "variance is 0",
    ]
    assert analysis.k == 1
    assert analysis.pooled is not None
    assert analysis.pooled.df is None
    assert any("HK" in warning for warning in analysis.warnings)


def test_identical_effects_have_no_hartung_knapp_interval() -> None:
    analysis = es.fit(es.Effects([0.5, 0.5, 0.5], [0.04, 0.04, 0.04]), interval="HK")
    assert analysis.pooled is not None
    assert analysis.pooled.se == pytest.approx(0.2 / np.sqrt(3))
    assert any("do not differ at all" in warning for warning in analysis.warnings)
    assert json.loads(analysis.to_json())["pooled"]["p_value"] == pytest.approx(analysis.pooled.p_value)


def test_variances_at_both_ends_of_the_range_of_numbers() -> None:
    analysis = es.fit(es.Effects([1e50, -1e50, 0.0], [1e-50, 1e50, 1.0]), interval="HC", tau2="EB")
    assert analysis.pooled is not None
    assert analysis.model.note is not None
    assert "variances lie so far apart; Wald is given instead" in analysis.model.note
    extreme = es.fit(es.Effects([1e50, -1e50, 1e50], [1e-50, 1e-50, 2e-50]), tau2="GENQM", weights=[1e-6, 1.0, 1e6])
    assert extreme.heterogeneity.tau2_se is not None
    assert np.isfinite(extreme.heterogeneity.tau2_se)


@pytest.mark.parametrize("prediction", ["S", "simple", "V"])
def test_one_study_predicts_only_with_a_given_tau2(prediction: str) -> None:
    effects = es.Effects([0.3], [0.2])
    for tau2 in ("REML", 0.5):
        analysis = es.fit(effects, prediction=prediction, tau2=tau2, model="random")
        known = tau2 == 0.5 and prediction != "V"
        assert (analysis.prediction is not None) == known
        assert known or "prediction" in analysis.reasons
        row = es.fit_many(y=[0.3], v=[0.2], offsets=[0, 1], prediction=prediction, tau2=tau2, model="random").iloc[0]
        low = np.nan if analysis.prediction is None else analysis.prediction.low
        assert row["prediction_low"] == pytest.approx(low, rel=1e-12, nan_ok=True)


def test_a_batch_says_why_one_study_and_none_have_no_limits_of_tau2() -> None:
    table = es.fit_many(y=[0.3, 0.1, 0.2, 0.6], v=[0.2] * 4, offsets=[0, 0, 1, 4], tau2_interval="QP", model="random")
    none, one, three = table["tau2_ci_reason"]
    assert none == es.fit(es.Effects([], [])).heterogeneity.tau2_ci_reason
    assert one == es.fit(es.Effects([0.3], [0.2])).heterogeneity.tau2_ci_reason
    assert three is None


@pytest.mark.parametrize("tau2", ["HS", "HSk", "GENQ", "DL", "HE", "SJ"])
def test_the_largest_effects_beside_the_smallest_variances_have_a_standard_error(tau2: str) -> None:
    y, v = np.array([1e45, -2e45, 5e44, 3e44, 1e44]), np.full(5, 1e-45)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        heterogeneity = es.fit(es.Effects(y, v), tau2=tau2, model="random").heterogeneity
    assert heterogeneity.tau2 is not None
    # With equal variances that are nothing beside it, τ² is a sum of squares with 4 degrees of freedom, divided by 4;
    # HS divides by 5.
    share = np.sqrt(8.0) / (5.0 if tau2 == "HS" else 4.0)
    assert heterogeneity.tau2_se == pytest.approx(heterogeneity.tau2 * share, rel=1e-12)


def test_equal_effects_have_no_hartung_knapp_interval_whatever_their_variances() -> None:
    variances = [4.1, 4.1, 1.1, 0.4, 0.1, 0.6, 0.7, 0.1]
    analysis = es.fit(es.Effects([0.3] * 8, variances), settings="metafor", tau2="DL", interval="HK")
    assert analysis.pooled == es.fit(es.Effects([0.3] * 8, variances), settings="metafor", tau2="DL").pooled
    assert analysis.model.note is not None
