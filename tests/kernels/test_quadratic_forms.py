"""Tails of sums of weighted χ² variables beside 50-digit inversion of their Laplace transform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from mpmath.ctx_mp import MPContext

from evisynth import FloatArray, IntArray, QuadraticForm, chi2_p_value, falling_roots, weighted_fit

if TYPE_CHECKING:
    from evisynth_validation.mpmath.exact import Exact

ctx: Any = MPContext()
ctx.dps = 50
TIGHT = 1e-13


def form_of(a: FloatArray, s: FloatArray, X: FloatArray) -> QuadraticForm:
    return QuadraticForm.of(weighted_fit(np.zeros_like(a), a, X), s)


def exact_tail(a: FloatArray, s: FloatArray, X: FloatArray, q: float) -> Exact:
    """Invert ``det(S½AS½·2z + 1)^-½/z`` by Talbot's contour; the determinant from its definition, k × k."""
    k = len(a)
    W = ctx.diag([ctx.mpf(value) for value in a.tolist()])
    design = ctx.matrix(X.tolist())
    A = W - W * design * ctx.inverse(design.T * W * design) * design.T * W
    root = ctx.diag([ctx.sqrt(ctx.mpf(value)) for value in s.tolist()])
    weights = sorted(ctx.eigsy(root * A * root, eigvals_only=True))[X.shape[1] :]
    assert len(weights) == k - X.shape[1]

    def transform(z: Exact) -> Exact:
        product = 1 / z
        for weight in weights:
            product /= ctx.sqrt(1 + 2 * z * weight)
        return product

    return cast("Exact", ctx.invertlaplace(transform, ctx.mpf(q), method="talbot", degree=70))


def off(log_tail: FloatArray, truth: Exact) -> float:
    return abs(float(ctx.exp(ctx.mpf(float(log_tail[0]))) / truth - 1))


@pytest.mark.parametrize("decades", [0.5, 3.0, 12.0])
@pytest.mark.parametrize("p", [1, 2, 3])
def test_both_tails_are_exact(p: int, decades: float) -> None:
    rng = np.random.default_rng(17 * p + int(decades))
    for _ in range(12):
        k = int(rng.integers(p + 1, p + 8))
        a, s = 10 ** rng.uniform(-decades / 2, decades / 2, (2, k))
        X = np.column_stack([np.ones(k), rng.normal(size=(k, 2))])[:, :p]
        form = form_of(a, s, X)
        q = float(form.mean[0]) * 10 ** rng.uniform(-3.0, 1.0)
        lower, upper = form.log_tails(np.array([q]))
        truth = exact_tail(a, s, X, q)
        # Beside moderators the leverages themselves are as good as a reduction of the design makes them.
        allowed = TIGHT if p == 1 else 1e-12
        assert off(lower, truth) < allowed
        assert off(upper, 1 - truth) < allowed


@pytest.mark.parametrize("p", [1, 3])
def test_of_equal_weights_it_is_chi_squared(p: int) -> None:
    rng = np.random.default_rng(p)
    for k in (p + 1, p + 2, 12, 60):
        X = np.column_stack([np.ones(k), rng.normal(size=(k, p - 1))])
        form = form_of(np.full(k, 2.0), np.full(k, 0.25), X)
        for q in (1e-6, 0.05, 1.0, 0.5 * (k - p), 3.0 * k, 40.0 * k):
            lower, upper = form.log_tails(np.array([q]))
            truth = ctx.gammainc(ctx.mpf(k - p) / 2, 0, ctx.mpf(q), regularized=True)
            assert off(lower, truth) < TIGHT
            above = ctx.gammainc(ctx.mpf(k - p) / 2, ctx.mpf(q), regularized=True)
            assert off(upper, above) < TIGHT * max(1.0, -float(upper[0]))
            assert float(np.exp(upper[0])) == pytest.approx(float(chi2_p_value(2 * q, k - p)), rel=1e-12)


def test_many_forms_are_each_itself() -> None:
    rng = np.random.default_rng(3)
    a, s = 10 ** rng.uniform(-1, 1, (2, 7, 40))
    forms = QuadraticForm.of(weighted_fit(np.zeros_like(a), a), s)
    q = forms.mean * 10 ** rng.uniform(-2, 1, 40)
    lower, upper = forms.log_tails(q)
    for j in range(40):
        one, other = forms.take(slice(j, j + 1)).log_tails(q[j : j + 1])
        assert one[0] == pytest.approx(lower[j], rel=1e-13)
        assert other[0] == pytest.approx(upper[j], rel=1e-13)


def test_extremes_are_numbers() -> None:
    form = form_of(np.array([1e8, 1.0, 1e-8]), np.array([1e-8, 1.0, 1e9]), np.ones((3, 1)))
    before = -np.inf
    for q in 10.0 ** np.arange(-250, 250, 10):
        lower, upper = form.log_tails(np.array([q]))
        assert not np.isnan(lower[0])
        assert not np.isnan(upper[0])
        assert before <= lower[0] <= 0.0
        assert upper[0] <= 0.0
        before = lower[0]


@pytest.mark.parametrize("unit", [1.0, 2.0**40, 2.0**-40])
def test_falling_roots_scale_with_their_unit(unit: float) -> None:
    target = np.array([1e-9, 1e-3, 1.0, 1e6, 1e12])

    def f(x: FloatArray, which: IntArray) -> FloatArray:
        return np.asarray(target[which] * unit - x)

    assert falling_roots(f, target * unit, np.full(5, unit)).tolist() == (target * unit).tolist()


def test_a_root_may_be_at_zero_or_nowhere() -> None:
    at_zero = np.array([-1.0, 1.0, 2.0])

    def f(x: FloatArray, which: IntArray) -> FloatArray:
        # The first is negative from the start, the second never falls to 0.
        return np.choose(which, [-1.0 - x, 1.0 / (1.0 + x), 2.0 - x])

    assert falling_roots(f, at_zero, np.ones(3)).tolist() == [0.0, np.inf, 2.0]
