"""Sums over many studies agree with decompositions, and are left where they would lose digits."""

from __future__ import annotations

import numpy as np
import pytest

import evisynth as es


def sample(k: int, spread: float = 1.0) -> tuple[es.FloatArray, es.FloatArray, es.FloatArray]:
    generator = np.random.default_rng(k)
    X = np.column_stack(
        [np.ones(k), generator.normal(size=(k, 3)), generator.integers(1950, 2000, k).astype(np.float64)]
    )
    v = np.exp(spread * generator.normal(size=k)) / 20
    y = X @ np.array([0.1, 0.2, -0.1, 0.0, 0.001]) + generator.normal(size=k) * np.sqrt(v + 0.05)
    return y, v, X


@pytest.mark.parametrize("k", [5000, 20_001])
@pytest.mark.parametrize("tau2", [0.0, 1e-3, 0.05, 2.0])
def test_sums_are_those_of_a_decomposition(k: int, tau2: float) -> None:
    y, v, X = sample(k)
    many = es.many_studies(y, v, X)
    assert many is not None
    fit = es.weighted_fit(y, 1 / (v + tau2), X)
    pull = fit.w * fit.residuals
    size = float(pull @ pull) + float(fit.trace)
    assert many.score(tau2, restricted=True) == pytest.approx(float(pull @ pull - fit.trace), abs=1e-13 * size)
    assert many.score(tau2, restricted=False) == pytest.approx(float(pull @ pull - fit.w.sum()), abs=1e-13 * size)
    q, slope = many.q_and_slope(tau2)
    assert q == pytest.approx(float(fit.rss), rel=1e-12)
    assert slope == pytest.approx(float(pull @ pull), rel=1e-12)
    np.testing.assert_array_equal(
        many.scores(np.array([tau2, 1.0]), restricted=True),
        [many.score(tau2, restricted=True), many.score(1.0, restricted=True)],
    )


def test_hard_weights_and_few_studies_are_left_to_decompositions() -> None:
    y, v, X = sample(5000)
    assert es.many_studies(y[:1000], v[:1000], X[:1000]) is None
    assert es.many_studies(y, v, X[:, :1]) is None
    heavy = v.copy()
    heavy[7] = 1e-9
    assert es.many_studies(y, heavy, X) is None
    # A column that only studies of little weight have.
    rare = X.copy()
    rare[:, 1] = 0.0
    rare[:50, 1] = 1.0
    light = v.copy()
    light[:50] = 1e9
    assert es.many_studies(y, light, rare) is None


@pytest.mark.parametrize("name", ["REML", "ML", "PM"])
def test_estimates_are_those_of_decompositions(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    y, v, X = sample(6000)
    design = es.Design(X, intercept=False)

    def tau2() -> float:
        return float(
            es.fit(es.Effects(y, v), settings="metafor", tau2=name, tau2_interval=None, moderators=design).model.tau2
            or 0
        )

    summed = tau2()
    monkeypatch.setattr("evisynth.kernels.many_studies.MANY", 10**9)
    assert summed == pytest.approx(tau2(), rel=1e-12)
    assert summed > 0
