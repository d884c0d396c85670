"""Agreement with 50-digit arithmetic, each tolerance times the condition number of the quantity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[[str, str], Any]
    Error = Callable[[float, float], float]

CLOSED = 1e-13
ITERATIVE = 1e-12
DUST = 1e-40
"""What 50 digits leave of a sum of squares that is 0."""


def table(inputs: dict[str, float], make_studies: Callable[..., es.Studies]) -> es.Studies:
    names = {"o_minus_e": "o_e", "variance": "o_e_variance"}
    return make_studies(**{names.get(name, name): [value] for name, value in inputs.items()})


@pytest.mark.parametrize("preset", ["revman5", "metafor"])
def test_study_effects(
    preset: str, validation_set: Read, relative_error: Error, make_studies: Callable[..., es.Studies]
) -> None:
    compared = 0
    for row in validation_set("mpmath", "effects.json")["rows"]:
        studies = table(row["inputs"], make_studies)
        for measure, by_convention in row["expected"].items():
            if preset not in by_convention:
                continue
            expected = by_convention[preset]
            effects = es.effects(studies, measure=measure, settings=preset)
            if expected is None:
                assert np.isnan(effects.y[0]), (row["id"], measure)
                assert effects.reasons[0]
                continue
            compared += 1
            # Integer cross-products make a ratio near 1 as exact as any other: no condition number is needed there.
            cond = expected.get("cond", 1.0)
            condition = cond if measure in {"MD", "SMD", "O-E"} else 1.0
            # Whole numbers of nine digits multiply beyond 2**53.
            largest = max(abs(value) for value in row["inputs"].values())
            condition = max(condition, cond if largest > 2**26 else 1.0)
            where = (row["id"], row["group"], measure, effects.y[0], expected["y"])
            assert relative_error(float(effects.y[0]), expected["y"]) <= CLOSED * condition, where
            assert relative_error(float(effects.v[0]), expected["v"]) <= CLOSED, (*where, effects.v[0])
    assert compared > 400


def test_pooled_tables_by_revman5(
    validation_set: Read, relative_error: Error, make_studies: Callable[..., es.Studies]
) -> None:
    compared = 0
    for case in validation_set("mpmath", "pooling.json")["sets"]:
        a, n_1, c, n_2 = np.array(case["studies"], dtype=float).T
        studies = make_studies(events_1=a, n_1=n_1, events_2=c, n_2=n_2)
        for measure, expected in case["expected"]["revman5"].items():
            if expected is None or expected["k"] == 0:
                empty = es.fit(studies, measure=measure, settings="revman5")
                assert empty.pooled is None
                assert empty.reason
                continue
            for method, key in (("MH", "mh"), ("IV", "iv"), ("Peto", "peto")):
                truth = expected.get(key)
                if truth is None or (method == "Peto") != (measure == "PETO"):
                    continue
                for model in ("common", "random"):
                    if model == "random" and "random" not in truth:
                        continue
                    analysis = es.fit(studies, measure=measure, method=method, model=model, settings="revman5")
                    line = truth if model == "common" else truth["random"]
                    where = (case["id"], case["group"], measure, method, model)
                    assert analysis.pooled is not None
                    assert analysis.k == expected["k"], where
                    assert relative_error(analysis.pooled.value, line["estimate"]) <= CLOSED * line["cond"], where
                    allowed = CLOSED * line.get("cond_se", line["cond"])
                    assert relative_error(analysis.pooled.se, line["se"]) <= allowed, where
                    compared += 1
                    if truth["df"] == 0:
                        continue
                    spread = analysis.heterogeneity
                    assert spread.df == truth["df"]
                    assert spread.q is not None
                    assert relative_error(spread.q, truth["q"]) <= CLOSED * truth["cond_q"], where
                    if "tau2" in truth and spread.tau2 is not None:
                        assert relative_error(spread.tau2, truth["tau2"]) <= CLOSED * truth["cond_tau2"], where
    assert compared > 300


def test_pooled_tables_by_metafor(
    validation_set: Read, relative_error: Error, make_studies: Callable[..., es.Studies]
) -> None:
    compared = 0
    for case in validation_set("mpmath", "pooling.json")["sets"]:
        a, n_1, c, n_2 = np.array(case["studies"], dtype=float).T
        studies = make_studies(events_1=a, n_1=n_1, events_2=c, n_2=n_2)
        for measure, truth in case["expected"]["metafor"].items():
            if truth is None or measure == "PETO":
                continue
            analysis = es.fit(studies, measure=measure, method="MH", settings="metafor")
            if analysis.pooled is None:
                continue
            se = truth.get("se_sato", truth["se"])
            where = (case["id"], case["group"], measure)
            assert relative_error(analysis.pooled.value, truth["estimate"]) <= CLOSED * truth["cond"], where
            assert relative_error(analysis.pooled.se, se) <= CLOSED * max(truth["cond"], 10.0), where
            compared += 1
    assert compared > 100


def test_heterogeneity_and_pooled_effects(validation_set: Read, relative_error: Error) -> None:
    sets = validation_set("mpmath", "heterogeneity.json")["sets"]
    assert len(sets) >= 560
    for case in sets:
        effects = es.Effects(case["y"], case["v"])
        moderators = np.array(case["x"])[:, 1:] if "x" in case else None
        expected = case["expected"]
        scale = expected.get("cond_x", 1.0)
        for estimator in ("DL", "REML", "PM"):
            tolerance = (CLOSED if estimator == "DL" else ITERATIVE) * scale
            truth = expected[estimator]
            analysis = es.fit(
                effects, tau2=estimator, settings="metafor", moderators=moderators, interval="HK", tau2_interval="QP"
            )
            spread = analysis.heterogeneity
            where = (case["id"], case["group"], estimator)
            assert spread.df == expected["df"]
            assert spread.q is not None
            assert spread.tau2 is not None
            assert spread.i2_q is not None
            assert relative_error(spread.q, expected["q"] if expected["q"] > DUST else 0.0) <= CLOSED * scale * 5, where
            assert relative_error(spread.tau2, truth["tau2"]) <= tolerance * truth["cond"], (*where, spread.tau2, truth)
            fit = analysis.models["random"].fit
            assert fit is not None
            for j, (b, s) in enumerate(zip(truth["coefficients"], truth["se"], strict=True)):
                assert relative_error(float(fit.coefficients[j]), b) <= tolerance * truth["cond_coefficients"][j], where
                assert relative_error(float(fit.se[j]), s) <= tolerance * truth["cond_se"][j], where
            if estimator != "REML":
                continue
            assert fit.tau2_fit is not None
            assert fit.tau2_fit.log_likelihood is not None
            assert fit.tau2_fit.modes is not None
            gap = abs(float(fit.tau2_fit.log_likelihood) - truth["log_likelihood"])
            assert gap <= ITERATIVE * scale * truth["log_likelihood_scale"], where
            assert int(fit.tau2_fit.modes) == truth["modes"], where
            estimates = analysis.model.estimates
            assert estimates is not None
            for j, s in enumerate(truth["se_hk"]):
                if s < DUST:
                    assert analysis.model.note  # identical effects have no Hartung-Knapp interval
                    continue
                assert relative_error(float(estimates.se[j]), s) <= tolerance * truth["cond_se_hk"][j] * 5, where
            limits = expected["q_profile"]
            if limits is None:
                assert spread.tau2_ci_low is None
                assert spread.tau2_ci_reason
                assert "empty" in spread.tau2_ci_reason
            else:
                assert spread.tau2_ci_low is not None
                assert spread.tau2_ci_high is not None
                low, high = spread.tau2_ci_low, spread.tau2_ci_high
                assert relative_error(low, limits["lower"]) <= tolerance * limits["cond_lower"], (*where, low, limits)
                assert relative_error(high, limits["upper"]) <= tolerance * limits["cond_upper"], (*where, high, limits)
            assert spread.i2_tau2 is not None
            assert relative_error(spread.i2_tau2, expected["i2_tau2"]) <= tolerance * truth["cond"] * 5, where
