"""The kernel against 50-digit arithmetic, in the regimes that spoil naive forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
import pytest

from evisynth import FewStudies, intercept, weighted_fit

if TYPE_CHECKING:
    from evisynth import FloatArray

DIGITS = 50


mp: Any = mpmath  # it has no types


def exact(y: FloatArray, w: FloatArray, X: FloatArray) -> dict[str, Any]:
    with mp.workdps(DIGITS):
        design = mp.matrix(X.tolist())
        weights = mp.diag([mp.mpf(float(value)) for value in w])
        effects = mp.matrix([float(value) for value in y])
        information = design.T * weights * design
        covariance = information**-1
        p = weights - weights * design * covariance * design.T * weights
        squared = p * p
        k = len(y)
        return {
            "coefficients": covariance * design.T * weights * effects,
            "covariance": covariance,
            "rss": (effects.T * p * effects)[0],
            "trace": mp.fsum(p[i, i] for i in range(k)),
            "trace_squared": mp.fsum(squared[i, i] for i in range(k)),
            "log_det": mp.log(mp.det(information)),
        }


def close(value: float, truth: Any, tolerance: float) -> bool:  # noqa: ANN401 - an mpmath number
    return bool(abs(mp.mpf(value) - truth) <= tolerance * abs(truth))


def sample(seed: int, k: int, p: int, spread: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(k), rng.normal(size=(k, p - 1))])
    return rng.normal(size=k), 10.0 ** rng.uniform(-spread, spread, size=k), X


@pytest.mark.parametrize("p", [1, 2, 3])
@pytest.mark.parametrize("spread", [0.3, 3.0, 6.0])
@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_exact_arithmetic(p: int, spread: float, seed: int) -> None:
    y, w, X = sample(seed, 12, p, spread)
    fit, truth = weighted_fit(y, w, X), exact(y, w, X)
    # The condition number of √W·X with columns of length 1 is by what rounding can grow.
    scaled = np.sqrt(w)[:, np.newaxis] * X
    tolerance = 1e-13 * float(np.linalg.cond(scaled / np.linalg.norm(scaled, axis=0)))
    assert close(float(fit.trace), truth["trace"], tolerance)
    assert close(float(fit.rss), truth["rss"], tolerance)
    assert close(float(fit.log_det), truth["log_det"], tolerance * 10)
    assert close(float(fit.trace_squared), truth["trace_squared"], tolerance * 10)
    for i in range(p):
        scale = float(mp.sqrt(truth["covariance"][i, i]))
        assert abs(float(fit.coefficients[i]) - float(truth["coefficients"][i])) <= 1e-12 * max(
            scale, abs(float(truth["coefficients"][i]))
        )
        assert close(float(fit.covariance[i, i]), truth["covariance"][i, i], tolerance * 10)


def test_a_dominant_weight_leaves_the_trace_its_digits() -> None:
    w = np.array([1.1e14, 0.1, 0.2, 0.3])
    truth = exact(np.zeros(4), w, np.ones((4, 1)))
    assert close(float(weighted_fit(np.zeros(4), w).trace), truth["trace"], 1e-15)
    # The naive form, the sum of w(W - w)/W, is off in the third digit.
    assert not close(float((w * (w.sum() - w)).sum() / w.sum()), truth["trace"], 1e-3)


@pytest.mark.parametrize("p", [1, 3])
def test_a_batch_equals_single_fits(p: int) -> None:
    k, m = 9, 7
    rng = np.random.default_rng(3)
    y, w = rng.normal(size=(k, m)), rng.uniform(0.1, 50, size=(k, m))
    w[0, 2] = 1e9
    X = np.column_stack([np.ones(k), rng.normal(size=(k, p - 1))])
    batch = weighted_fit(y, w, X)
    for j in range(m):
        one = weighted_fit(y[:, j], w[:, j], X)
        for name in ("rss", "trace", "trace_squared", "log_det"):
            assert getattr(batch, name)[j] == pytest.approx(float(getattr(one, name)), rel=1e-12)
        np.testing.assert_allclose(batch.coefficients[:, j], one.coefficients, rtol=1e-12)
        np.testing.assert_allclose(batch.covariance[..., j], one.covariance, rtol=1e-11, atol=1e-300)
        np.testing.assert_allclose(batch.leverages[:, j], one.leverages, rtol=1e-11)
        np.testing.assert_allclose(batch.deleted_leverages[:, j], one.deleted_leverages, rtol=1e-9)


def test_scaling_by_powers_of_two_changes_no_bit() -> None:
    y, w, _ = sample(1, 20, 1, 2.0)
    one, other = weighted_fit(y, w), weighted_fit(y * 2.0**9, w * 2.0**-18)
    assert float(other.coefficients[0]) == float(one.coefficients[0]) * 2.0**9
    assert float(other.rss) == float(one.rss)
    assert float(other.trace) == float(one.trace) * 2.0**-18


def test_a_far_origin_costs_no_digits_of_the_spread() -> None:
    y, w, _ = sample(2, 15, 1, 1.0)
    shifted = np.round(y * 2**20) / 2**20 + 2.0**20
    near = weighted_fit(shifted - 2.0**20, w)
    assert float(weighted_fit(shifted, w).rss) == pytest.approx(float(near.rss), rel=1e-14)


def test_the_intercept_is_shared_and_read_only() -> None:
    assert intercept(5) is intercept(5)
    with pytest.raises(ValueError, match="read-only"):
        intercept(5)[0, 0] = 2.0


@pytest.mark.parametrize("spread", [0.3, 6.0])
@pytest.mark.parametrize("tau2", [0.0, 0.01, 1.0, 1e6])
def test_plain_floats_give_what_arrays_give(spread: float, tau2: float) -> None:
    y, w, _ = sample(4, 13, 1, spread)
    v = 1 / w
    fit = weighted_fit(y, 1 / (v + tau2))
    few = FewStudies(y, v)
    pull = fit.w * fit.residuals
    assert few.q(tau2) == pytest.approx(float(fit.rss), rel=1e-14)
    terms = float(pull @ pull) + float(fit.trace)
    assert abs(few.reml_score(tau2) - float(pull @ pull - fit.trace)) <= 1e-14 * terms


def test_plain_floats_keep_their_digits_beside_a_dominant_weight() -> None:
    v = np.array([0.3, 1e-14, 0.5, 0.2])
    few = FewStudies(np.full(4, 0.7), v)
    truth = exact(np.zeros(4), 1 / v, np.ones((4, 1)))
    # Without residuals the score is minus the trace, and Q and its slope are 0.
    assert close(-few.reml_score(0.0), truth["trace"], 1e-15)
    assert close(-few.ml_score(0.0), mp.fsum(mp.mpf(1) / mp.mpf(float(x)) for x in v), 1e-15)
    assert few.q_and_slope(0.0) == (few.q(0.0), 0.0) == (0.0, 0.0)


def test_a_million_studies_with_moderators_need_no_square_matrix() -> None:
    k = 200_000
    rng = np.random.default_rng(9)
    X = np.column_stack([np.ones(k), rng.normal(size=(k, 4))])
    fit = weighted_fit(X @ np.arange(5.0) + rng.normal(size=k), rng.uniform(0.5, 2, size=k), X)
    np.testing.assert_allclose(fit.coefficients, np.arange(5.0), atol=0.02)
    assert float(fit.trace) > 0


@pytest.mark.parametrize("effect", [0.3, -0.1, 1 / 3, 1e6 + 0.1])
def test_equal_effects_leave_no_residuals(effect: float) -> None:
    w = 1 / np.array([4.1, 4.1, 1.1, 0.4, 0.1, 0.6, 0.7, 0.1])
    rng = np.random.default_rng(5)
    weights = np.column_stack([w, *(rng.uniform(0.01, 10, 8) for _ in range(200))])
    fit = weighted_fit(np.full(8, effect), w)
    assert float(fit.rss) == 0.0
    assert float(fit.coefficients[0]) == effect
    batch = np.full((8, 201), effect)
    batch[3, 7] += 1e-12 * abs(effect)
    made = weighted_fit(batch, weights)
    assert (made.rss == 0).sum() == 200
    assert made.rss[7] > 0
    # One column of effects may stand beside many of weights.
    assert (weighted_fit(np.full((8, 1), effect), weights).rss == 0).all()


@pytest.mark.parametrize("far", [0.0, 1e3, 1e6, 1e9])
@pytest.mark.parametrize("p", [1, 2, 3])
def test_effects_far_from_zero_keep_their_spread(far: float, p: int) -> None:
    for seed in range(5):
        y, w, X = sample(seed, 7, p, 1.0)
        X[:, 1:] = np.round(20 * X[:, 1:])
        X[:, 1:] += 2000.0 if p > 1 else 0.0
        # Years in place of small numbers cost what the condition number says, and the distance from 0 costs nothing.
        moved = y + far
        truth = exact(moved, w, X)
        scaled = np.sqrt(w)[:, np.newaxis] * X
        cond = float(np.linalg.cond(scaled / np.linalg.norm(scaled, axis=0)))
        assert close(float(weighted_fit(moved, w, X).rss), truth["rss"], 1e-14 * cond), (far, p, seed)
        columns = weighted_fit(np.column_stack([moved, y]), np.column_stack([w, w]), X)
        assert close(float(columns.rss[0]), truth["rss"], 1e-14 * cond), (far, p, seed)


@pytest.mark.parametrize("p", [1, 2, 3])
@pytest.mark.parametrize("spread", [0.3, 3.0])
def test_traces_with_other_variances(p: int, spread: float) -> None:
    for seed in range(5):
        y, w, X = sample(seed, 9, p, spread)
        s = 10.0 ** np.random.default_rng(seed + 50).uniform(-spread, spread, size=9)
        fit = weighted_fit(y, w, X)
        with mp.workdps(DIGITS):
            design, weights = mp.matrix(X.tolist()), mp.diag([mp.mpf(float(value)) for value in w])
            p_matrix = weights - weights * design * (design.T * weights * design) ** -1 * design.T * weights
            product = p_matrix * mp.diag([mp.mpf(float(value)) for value in s])
            squared = product * product
            first = mp.fsum(product[i, i] for i in range(9))
            second = mp.fsum(squared[i, i] for i in range(9))
        scaled = np.sqrt(w)[:, np.newaxis] * X
        tolerance = 1e-13 * float(np.linalg.cond(scaled / np.linalg.norm(scaled, axis=0)))
        # Products of weights and variances round by themselves.
        assert close(float(fit.trace_with(w * s)), first, tolerance)
        assert close(float(fit.trace_squared_with(w * s)), second, tolerance)
