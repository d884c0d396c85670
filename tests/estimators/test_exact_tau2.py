"""Weights of the user's reach the estimators that take them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import evisynth as es


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
