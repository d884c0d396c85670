"""Every estimator of τ² and its standard error beside 50-digit arithmetic."""

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
ESTIMATORS = {
    "HE": CLOSED,
    "GENQ": CLOSED,
    "HS": CLOSED,
    "HSk": CLOSED,
    "SJ": CLOSED,
    "PMM": ITERATIVE,
    "ML": ITERATIVE,
    "GENQM": ITERATIVE,
}


def inputs_of(case: dict[str, Any]) -> tuple[es.FloatArray, es.FloatArray, es.FloatArray]:
    y, v = np.array(case["y"]), np.array(case["v"])
    return y, v, np.array(case["x"]) if "x" in case else es.intercept(y.size)


@pytest.fixture(scope="module")
def cases(validation_set: Read) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Give each set with the estimates of this one."""
    given = validation_set("mpmath", "heterogeneity.json")["sets"]
    derived = validation_set("mpmath", "tau2.json")["sets"]
    assert [case["id"] for case in given] == [case["id"] for case in derived]
    return [(case, more["expected"]) for case, more in zip(given, derived, strict=True)]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_tau2_and_its_error(
    name: str, cases: list[tuple[dict[str, Any], dict[str, Any]]], relative_error: Error
) -> None:
    record = es.default_registry().get(es.Tau2Estimator, name)
    compared = 0
    for case, expected in cases:
        truth = expected.get(name)
        if truth is None:
            continue
        tolerance = ESTIMATORS[name] * case["expected"].get("cond_x", 1.0)
        made = record.function(*inputs_of(case))
        assert isinstance(made, es.Tau2Fit)
        assert made.se is not None
        where = (case["id"], case["group"], float(made.tau2), truth)
        assert relative_error(float(made.tau2), truth["tau2"]) <= tolerance * truth["cond"], where
        # It grows with τ² at most as fast as τ² itself does.
        growth = 1.0 + (truth["cond"] if truth["tau2"] > 0 else 0.0)
        assert relative_error(float(made.se), truth["se"]) <= tolerance * growth, (*where, float(made.se))
        if "modes" in truth:
            assert made.modes is not None
            assert made.log_likelihood is not None
            assert int(made.modes) == truth["modes"], where
            gap = abs(float(made.log_likelihood) - truth["log_likelihood"])
            assert gap <= tolerance * truth["log_likelihood_scale"], where
        compared += 1
    assert compared > (300 if name == "GENQM" else 600)


@pytest.mark.parametrize("name", ["DL", "REML", "PM", "EB", "DLIT", "SJIT"])
def test_errors_of_the_others(
    name: str, cases: list[tuple[dict[str, Any], dict[str, Any]]], relative_error: Error
) -> None:
    record = es.default_registry().get(es.Tau2Estimator, name)
    # The last three have Paule and Mandel's root.
    key = name if name in {"DL", "REML"} else "PM"
    for case, expected in cases:
        truth = case["expected"][key]
        tolerance = (CLOSED if name == "DL" else ITERATIVE) * case["expected"].get("cond_x", 1.0)
        made = record.function(*inputs_of(case))
        assert isinstance(made, es.Tau2Fit)
        assert made.se is not None
        where = (case["id"], case["group"], name)
        assert relative_error(max(float(made.tau2), 0.0), truth["tau2"]) <= tolerance * truth["cond"], where
        growth = 1.0 + (truth["cond"] if truth["tau2"] > 0 else 0.0)
        assert relative_error(float(made.se), expected["se"][key]) <= tolerance * growth, where


@pytest.mark.parametrize("name", ["GENQ", "GENQM"])
def test_weights_of_the_users_reach_the_estimator_one_by_one_and_side_by_side(name: str) -> None:
    rng = np.random.default_rng(8)
    y, v, a = rng.normal(0.0, 1.0, 14), rng.uniform(0.05, 0.5, 14), rng.uniform(0.5, 4.0, 14)
    table = {"key": [1] * 8 + [2] * 6, "yi": y, "vi": v, "own": a}
    made: Any = es.fit_many(table, by="key", tau2=name, weights="own", settings="metafor")
    record = es.default_registry().get(es.Tau2Estimator, name)
    for row, rows in enumerate((slice(0, 8), slice(8, 14))):
        one = es.fit(es.Effects(y[rows], v[rows]), tau2=name, weights=a[rows], settings="metafor").heterogeneity
        assert one.tau2 is not None
        assert made["tau2"][row] == pytest.approx(one.tau2, rel=1e-12)
        direct = record.function(y[rows], v[rows], es.intercept(len(y[rows])), weights=a[rows])
        assert isinstance(direct, es.Tau2Fit)
        assert one.tau2 == max(float(direct.tau2), 0.0)
        plain = es.fit(es.Effects(y[rows], v[rows]), tau2=name, settings="metafor").heterogeneity.tau2
        by_error = record.function(y[rows], v[rows], es.intercept(len(y[rows])), weights=1 / np.sqrt(v[rows]))
        assert isinstance(by_error, es.Tau2Fit)
        # Without weights they are the inverse standard errors.
        assert plain == pytest.approx(max(float(by_error.tau2), 0.0), rel=1e-12)
    several = record.function(
        np.column_stack([y[:8], 2 * y[:8]]), np.column_stack([v[:8]] * 2), es.intercept(8), weights=a[:8]
    )
    assert isinstance(several, es.Tau2Fit)
    single = record.function(y[:8], v[:8], es.intercept(8), weights=a[:8])
    assert isinstance(single, es.Tau2Fit)
    assert float(several.tau2[0]) == pytest.approx(float(single.tau2), rel=1e-12)
