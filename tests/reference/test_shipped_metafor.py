"""The shipped references made by metafor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Read = Callable[[str, str], Any]

KEYS = {"ai": "events_1", "n1i": "n_1", "ci": "events_2", "n2i": "n_2"}


@pytest.fixture(scope="module")
def reference(validation_set: Read) -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = validation_set("metafor", "expected.json")
    return loaded


def close(value: float | None, truth: float, tolerance: float, floor: float = 0.0) -> bool:
    return value is not None and (abs(value - truth) <= floor or abs(value - truth) <= tolerance * abs(truth))


def test_models(reference: Mapping[str, Any]) -> None:
    effects = reference["effects"]
    compared = 0
    for case in reference["cases"]:
        truth = case.get("model")
        if truth is None or "effects" not in case:
            continue
        given = effects[case["effects"]]
        method = case["method"]
        named = reference["moderators"].get(case["effects"].split()[0], {})
        columns = {name: named[name] for name in case["moderators"]} if "moderators" in case else None
        v = np.array(given["vi"])
        analysis = es.fit(
            es.Effects(given["yi"], v),
            settings="metafor",
            tau2="DL" if method == "EE" else method,
            model="common" if method == "EE" else "random",
            interval="Wald" if case.get("test", "z") == "z" else "HK",
            adhoc=case.get("test") == "adhoc",
            moderators=columns,
        )
        # metafor's iterations end early: at about 1e-9 of the variances with the control of these references.
        tolerance = 1e-11 if method in {"EE", "DL"} else 1e-7
        if columns is not None:
            tolerance *= (
                100  # metafor solves normal equations, and a year near 2000 beside an intercept is ill conditioned
            )
        spread = analysis.heterogeneity
        assert "q" not in truth or close(spread.q, truth["q"], 1e-10), case["id"]
        for j, estimate in enumerate(analysis.coefficients.values()):
            assert close(estimate.value, truth["coefficients"][j], tolerance, 1e-12), case["id"]
            assert close(estimate.se, truth["se"][j], tolerance), case["id"]
            assert close(estimate.ci_low, truth["ci_low"][j], tolerance, 1e-12), case["id"]
        if "tau2" in truth and method != "EE":
            assert close(spread.tau2, truth["tau2"], tolerance, 1e-9 * float(np.mean(v))), case["id"]
        compared += 1
    assert compared > 100


def test_egger(reference: Mapping[str, Any]) -> None:
    effects = reference["effects"]
    compared = 0
    for case in reference["cases"]:
        truth = case.get("egger")
        if truth is None:
            continue
        given = effects[case["effects"]]
        classical = "df" in truth
        model = "common" if case.get("method") == "EE" else "random"
        analysis = es.fit(es.Effects(given["yi"], given["vi"]), settings="metafor", tau2=_estimator(case), model=model)
        found = es.bias(analysis, "Egger", variant="classical" if classical else "mixed")
        tolerance = 1e-10 if classical or _estimator(case) == "DL" else 1e-6
        assert close(found.statistic, truth["statistic"], tolerance), case["id"]
        assert close(found.p_value, truth["p"], 10 * tolerance), case["id"]
        compared += 1
    assert compared > 10


def _estimator(case: Mapping[str, Any]) -> str:
    method = case.get("method", "REML")
    return method if method in {"DL", "REML", "PM"} else "DL"


def test_trim_and_fill(reference: Mapping[str, Any]) -> None:
    effects = reference["effects"]
    compared = 0
    for case in reference["cases"]:
        truth = case.get("trim_and_fill")
        if truth is None:
            continue
        given = effects[case["effects"]]
        analysis = es.fit(
            es.Effects(given["yi"], given["vi"]),
            settings="metafor",
            tau2=_estimator(case),
            model="common" if case.get("method") == "EE" else "random",
        )
        found = es.bias(analysis, "trim-and-fill", estimator=case.get("estimator", "L0"), side=case.get("side", "auto"))
        assert len(found.added) == truth["k0"], case["id"]
        compared += 1
    assert compared > 5
