"""The likelihood of location–scale models, its derivatives and its global maximum, beside 50-digit arithmetic."""

from __future__ import annotations

import math
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from evisynth import read_only
from evisynth.kernels.identity_link import maximise_identity_link, non_negative_least_squares
from evisynth.kernels.location_scale import Effects, anchors, spans_constant
from evisynth.kernels.log_link import maximise_log_link
from evisynth_validation.mpmath.location_scale import LocationScaleLikelihood, mpmath

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth import FloatArray

LINKS = ("log", "identity")
KINDS = (False, True)
SETS = ("plain", "moderators", "eight decades", "far from 0", "one study of great weight")


def drawn(name: str) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    rng = np.random.default_rng(SETS.index(name))
    k = 14
    v = np.exp(rng.normal(-2.0, 0.8, k))
    x, z = rng.normal(size=k), rng.uniform(0.0, 2.0, k)
    X = np.ones((k, 1)) if name == "plain" else np.column_stack([np.ones(k), x])
    Z = np.column_stack([np.ones(k), z])
    y = rng.normal(0.4 + 0.3 * x, np.sqrt(v + np.exp(-2.0 + z)))
    if name == "eight decades":
        v = v * 10.0 ** np.linspace(-6.0, 2.0, k)
    if name == "far from 0":
        y = y + 1e6
    if name == "one study of great weight":
        v[3] *= 1e-9
    return y, v, X, Z


def exact(name: str, link: str, *, restricted: bool) -> LocationScaleLikelihood:
    y, v, X, Z = drawn(name)
    return LocationScaleLikelihood(y.tolist(), v.tolist(), X.tolist(), Z.tolist(), link=link, restricted=restricted)


@pytest.mark.parametrize("restricted", KINDS)
@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("name", SETS)
def test_likelihood_and_derivatives(name: str, link: str, restricted: bool) -> None:  # noqa: FBT001 - a parameter
    y, v, X, Z = drawn(name)
    alpha = np.array([-1.5, 0.7]) if link == "log" else np.array([0.2, 0.1])
    linear = Z @ alpha
    tau2 = np.exp(linear) if link == "log" else linear
    point = Effects(y, v, X, restricted).at(tau2)
    truth = exact(name, link, restricted=restricted)
    # Effects a million from 0 carry six digits less.
    digits = 1e-13 * (1e6 if name == "far from 0" else 1.0)
    height = float(truth(alpha.tolist()))
    assert abs(point.log_likelihood - height) < digits * (len(y) + abs(height))
    M = tau2[:, np.newaxis] * Z if link == "log" else Z
    gradient = M.T @ point.score
    terms = np.abs(M).T @ np.abs(point.score)
    for j, value in enumerate(truth.gradient(alpha.tolist())):
        assert abs(gradient[j] - float(value)) < 10 * digits * terms[j]
    hessian = point.curvature(M)
    if link == "log":
        hessian = hessian + Z.T @ ((point.score * tau2)[:, np.newaxis] * Z)
    there = truth.hessian(alpha.tolist())
    size = np.sqrt(np.abs(np.diagonal(hessian)))
    for i in range(2):
        for j in range(2):
            assert abs(hessian[i, j] - float(there[i, j])) < 100 * digits * (terms.max() + size[i] * size[j])


def test_many_candidates_have_the_likelihood_of_each() -> None:
    y, v, X, Z = drawn("moderators")
    effects = Effects(y, v, X, restricted=True)
    tau2 = np.exp(Z @ np.random.default_rng(3).normal(size=(2, 30)))
    one_by_one = [effects.log_likelihood(tau2[:, j]) for j in range(30)]
    assert np.allclose(effects.log_likelihoods(tau2), one_by_one, rtol=1e-13, atol=0.0)
    assert np.allclose([effects.near(tau2[:, j]).log_likelihood for j in range(30)], one_by_one, rtol=1e-13, atol=0.0)


@pytest.mark.parametrize("restricted", KINDS)
@pytest.mark.parametrize("name", SETS)
def test_maximum_under_the_log_link(name: str, restricted: bool) -> None:  # noqa: FBT001 - a parameter
    y, v, X, Z = drawn(name)
    found = maximise_log_link(Effects(y, v, X, restricted), Z, 0.0, spans_constant(Z))
    assert found.settled
    if any(found.unbounded):
        return
    truth = exact(name, "log", restricted=restricted)
    there = truth.nearest_maximum(found.alpha.tolist(), 3)
    # Rounding of the slope moves α by its share of a standard error; 14 studies' terms are of order one.
    far = 1e6 if name == "far from 0" else 1.0
    se = np.sqrt(np.diagonal(found.covariance))
    off = np.array([float(mpmath.mpf(float(a)) - b) for a, b in zip(found.alpha, there, strict=True)])
    assert np.abs(off / se).max() < 1e-12 * far * max(1.0, float(se.max()))
    inverse = -(truth.hessian(there) ** -1)
    for j in range(2):
        assert abs(float(inverse[j, j]) / se[j] ** 2 - 1.0) < 1e-10 * far


@pytest.mark.parametrize("restricted", KINDS)
def test_climbs_far_from_0_end_at_the_same_place(restricted: bool) -> None:  # noqa: FBT001 - a parameter
    for seed in range(8):
        rng = np.random.default_rng(seed)
        k = 14
        x, z = rng.normal(size=k), rng.uniform(0.0, 2.0, k)
        v = np.exp(rng.normal(-2.0, 0.8, k))
        X, Z = np.column_stack([np.ones(k), x]), np.column_stack([np.ones(k), z])
        # Of these effects a shift by a power of two loses no bit.
        y = np.round(rng.normal(0.4 + 0.3 * x, np.sqrt(v + np.exp(-2.0 + z))) * 2.0**20) / 2.0**20
        near, far = (
            maximise_log_link(Effects(one, v, X, restricted), Z, 0.0, spans_constant(Z)) for one in (y, y + 2.0**27)
        )
        assert near.settled
        assert far.settled
        assert far.unbounded == near.unbounded
        assert np.allclose(far.tau2, near.tau2, rtol=1e-5, atol=1e-9)


class Rival:
    """Climb from random places by scipy's optimizers."""

    def __init__(self, effects: Effects, Z: FloatArray, link: str) -> None:
        self.effects, self.link = effects, link
        self.unit = read_only(np.linalg.qr(Z)[0] * np.sqrt(len(Z)))
        self.rng = np.random.default_rng(11)
        self.low, self.high = math.log(effects.v.min()) - 6, math.log(effects.largest_tau2) + 3

    def down(self, gamma: FloatArray) -> tuple[float, FloatArray]:
        """Give minus the log-likelihood and its slope."""
        linear = self.unit @ gamma
        log = self.link == "log"
        tau2 = np.exp(np.minimum(linear, 500.0)) if log else np.maximum(linear, 0.0)
        point = self.effects.at(read_only(tau2))
        return -point.log_likelihood, read_only(-(self.unit.T @ (point.score * tau2 if log else point.score)))

    def linear(self, gamma: FloatArray) -> FloatArray:
        return read_only(self.unit @ gamma)

    def slope(self, _: FloatArray) -> FloatArray:
        return self.unit

    def start(self) -> FloatArray:
        q = self.unit.shape[1]
        if self.link == "log":
            levels = self.rng.uniform(self.low, self.high, (q,))
            return read_only(np.linalg.solve(self.unit[anchors(self.unit)], levels))
        inside = read_only(np.linalg.lstsq(self.unit, np.ones(len(self.unit)), rcond=None)[0])
        out = read_only(self.rng.normal(0.0, 1.0, (q,)))
        fall = float(np.max(-self.linear(out) / self.linear(inside)))
        share = self.rng.uniform(0.0, 0.99) / fall
        return read_only((inside + share * out) * math.exp(self.rng.uniform(self.low, self.high)))

    def highest(self, count: int) -> float:
        minimize: Any = import_module("scipy.optimize").minimize
        best = -math.inf
        for _ in range(count):
            start = self.start()
            if self.link == "log":
                if np.abs(self.linear(start)).max() > 200:
                    continue
                bounds = [(-300, 300)] * start.size
                end = minimize(self.down, start, jac=True, method="L-BFGS-B", bounds=bounds)
            else:
                limits = {"type": "ineq", "fun": self.linear, "jac": self.slope}
                end = minimize(self.down, start, jac=True, method="SLSQP", constraints=limits)
                if self.linear(end.x).min() < 0.0:
                    continue
            best = max(best, -float(end.fun))
        return best


@pytest.fixture
def hard_sample() -> Callable[[int], tuple[Effects, FloatArray]]:
    """Few studies, outliers, ties and variances over decades, with two or three scale coefficients."""

    def sample(seed: int) -> tuple[Effects, FloatArray]:
        rng = np.random.default_rng(seed)
        p, q = int(rng.integers(1, 4)), int(rng.integers(2, 4))
        k = int(rng.integers(p + q + 1, 24))

        def design(columns: int) -> FloatArray:
            kinds = (rng.normal(size=k), rng.permutation(np.arange(k) % 2).astype(float), rng.exponential(size=k) * 100)
            rest = [kinds[int(i)] for i in rng.permutation(3)[: columns - 1]]
            return np.column_stack([np.ones(k), *rest])

        X, Z = design(p), design(q)
        v = 10.0 ** rng.uniform(-float(rng.uniform(0.1, 5.0)), 0.0, k)
        y = rng.normal(0.0, np.sqrt(v + np.exp(rng.normal(-2.0, 2.0, k)) * rng.integers(0, 2, k)))
        return Effects(np.round(y, 1) if seed % 5 == 0 else y, v, X, restricted=seed % 2 == 0), Z

    return sample


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.sweep) for seed in range(4, 12))])
def test_no_random_start_ends_higher(
    link: str, seed: int, hard_sample: Callable[[int], tuple[Effects, FloatArray]]
) -> None:
    effects, Z = hard_sample(seed)
    constant = spans_constant(Z)
    found = (
        maximise_log_link(effects, Z, 0.0, constant) if link == "log" else maximise_identity_link(effects, Z, constant)
    )
    assert not isinstance(found, str)
    assert found.settled
    assert found.modes >= 1
    assert found.point.log_likelihood >= Rival(effects, Z, link).highest(15) - 1e-9
    if link == "identity":
        assert (found.tau2 >= 0.0).all()
        assert np.allclose(Z @ found.alpha, found.tau2, rtol=0.0, atol=1e-9 * max(found.tau2.max(), 1e-300))


def test_constant_in_the_span() -> None:
    one = np.array([1.0, 0.0, 1.0, 0.0])
    assert spans_constant(np.column_stack([one, 1 - one])).tolist() == [1.0, 1.0]  # type: ignore[union-attr]
    assert spans_constant(np.column_stack([one, np.full(4, 4.0)])).tolist() == [0.0, 0.25]  # type: ignore[union-attr]
    assert spans_constant(one[:, np.newaxis]) is None


def test_non_negative_least_squares() -> None:
    E = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    assert np.allclose(non_negative_least_squares(E, np.array([2.0, 1.0])) @ E.T, [2.0, 1.0])
    assert non_negative_least_squares(E, np.array([-1.0, -2.0])).tolist() == [0.0, 0.0, 0.0]
    assert np.allclose(non_negative_least_squares(E[:, :1], np.array([3.0, 5.0])), [3.0])


def test_large_samples_make_no_square_matrix() -> None:
    # 40,000² numbers would be 13 GB.
    rng = np.random.default_rng(1)
    k = 40_000
    v = rng.uniform(0.05, 0.2, k)
    Z = np.column_stack([np.ones(k), rng.normal(size=k)])
    X = np.column_stack([np.ones(k), rng.normal(size=(k, 3))])
    y = rng.normal(0.0, np.sqrt(v + np.exp(-2.0 + 0.5 * Z[:, 1])))
    found = maximise_log_link(Effects(y, v, X, restricted=True), Z, 0.0, spans_constant(Z))
    assert found.settled
    assert np.abs((found.alpha - [-2.0, 0.5]) / np.sqrt(np.diagonal(found.covariance))).max() < 4.0
