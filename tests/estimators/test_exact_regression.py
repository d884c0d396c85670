"""Meta-regression beside 50-digit arithmetic, each tolerance times the condition of the design."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable

Value: TypeAlias = Any
mpmath: Any = import_module("mpmath")

Array = np.ndarray[Any, np.dtype[np.float64]]
DIGITS = 1e-13

Y = np.array(
    [-0.8893, -1.5854, -1.3481, -1.4416, -0.2175, -0.7861, -1.6209, 0.012, -0.4694, -1.3713, -0.3394, 0.4459, -0.0173]
)
V = np.array([0.3256, 0.1946, 0.4154, 0.02, 0.0512, 0.0069, 0.223, 0.004, 0.0564, 0.073, 0.0124, 0.5325, 0.0714])
YEAR = np.array([1948.0, 1949, 1960, 1977, 1973, 1953, 1973, 1980, 1968, 1961, 1974, 1969, 1976])
ABLAT = np.array([44.0, 55, 42, 52, 13, 44, 19, 13, 27, 42, 18, 33, 33])
RANDOM = np.array([1.0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0, 0])
SYSTEMATIC = np.array([0.0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1])

DESIGNS: dict[str, Array] = {
    "latitude": np.column_stack([np.ones(13), ABLAT]),
    "years as they are": np.column_stack([np.ones(13), ABLAT, RANDOM, SYSTEMATIC, YEAR]),
    "square of years": np.column_stack([np.ones(13), YEAR, YEAR**2]),
    "no intercept": np.column_stack([ABLAT, YEAR]),
    "units apart": np.column_stack([np.ones(13), ABLAT * 1e-9, YEAR * 1e9]),
    "levels": np.column_stack([1 - RANDOM - SYSTEMATIC, RANDOM, SYSTEMATIC]),
}
VARIANCES: dict[str, Array] = {"as recorded": V, "twelve decades": V * 10.0 ** np.linspace(-6, 6, 13)}


class Exact:
    """The weighted least-squares fit at 50 digits."""

    def __init__(self, y: Array, total: list[Any], X: Array) -> None:
        self.X = mpmath.matrix(X.tolist())
        self.y = mpmath.matrix(y.tolist())
        self.w = [1 / t for t in total]
        k, p = X.shape
        self.A = mpmath.matrix(p, p)
        right = mpmath.matrix(p, 1)
        for i in range(p):
            right[i] = mpmath.fsum(self.w[s] * self.X[s, i] * self.y[s] for s in range(k))
            for j in range(p):
                self.A[i, j] = mpmath.fsum(self.w[s] * self.X[s, i] * self.X[s, j] for s in range(k))
        self.V = self.A**-1
        self.beta = self.V * right
        self.residuals = self.y - self.X * self.beta
        self.rss = mpmath.fsum(w * r * r for w, r in zip(self.w, self.residuals, strict=True))
        self.trace = mpmath.fsum(self.w) - mpmath.fsum(
            w * w * (self.X[s, :] * self.V * self.X[s, :].T)[0] for s, w in enumerate(self.w)
        )

    def wald(self, L: list[list[float]]) -> Value:
        rows = mpmath.matrix(L)
        inner = rows * self.V * rows.T
        return ((rows * self.beta).T * inner**-1 * (rows * self.beta))[0]


def condition(X: Array, w: Array) -> float:
    """Condition of W^½ X with columns of one length, which no change of units can mend."""
    rows = np.sqrt(w)[:, None] * X
    return float(np.linalg.cond(rows / np.sqrt((rows * rows).sum(axis=0))))


@pytest.mark.parametrize("spread", VARIANCES)
@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("model", ["common", "random"])
def test_a_regression_is_that_of_fifty_digits(
    model: str, design: str, spread: str, relative_error: Callable[[float, float], float]
) -> None:
    X, v = DESIGNS[design], VARIANCES[spread]
    words: dict[str, Any] = {"model": "common"} if model == "common" else {"tau2": 0.25}
    analysis = es.fit(es.Effects(Y, v), settings="metafor", moderators=es.Design(X, intercept=False), **words)
    regression = analysis.regression
    assert regression is not None
    fit = regression.fit
    with mpmath.workdps(50):
        exact = Exact(Y, [mpmath.mpf(x) + float(fit.tau2) for x in v.tolist()], X)
        cond = condition(X, 1 / (v + float(fit.tau2)))
        limit = DIGITS * cond
        p = X.shape[1]
        for j, (value, se) in enumerate(zip(fit.coefficients, fit.se, strict=True)):
            # A coefficient near 0 is as exact as its standard error lets it be.
            assert abs(value - float(exact.beta[j])) <= limit * max(abs(float(exact.beta[j])), se), (j, "beta")
            assert relative_error(float(se), float(mpmath.sqrt(exact.V[j, j]))) <= limit, (j, "se")
        assert relative_error(float(analysis.heterogeneity.q or 0), float(_q(X, v))) <= limit
        places = [j for j in range(p) if j != regression.intercept]
        wanted = exact.wald([[float(i == j) for i in range(p)] for j in places])
        assert relative_error(float(regression.omnibus.statistic or 0), float(wanted)) <= limit
        if len(places) > 1:
            one = exact.wald([[float(i == places[-1]) for i in range(p)]])
            assert relative_error(float(regression.test(places[-1]).statistic or 0), float(one)) <= 2 * limit
        predicted = regression.predict()
        for s in (0, 4, 7):
            row = exact.X[s, :]
            assert (
                abs(predicted.value[s] - float((row * exact.beta)[0])) <= limit * predicted.se[s] + 1e-15 * abs(Y).max()
            )
            assert relative_error(float(predicted.se[s]), float(mpmath.sqrt((row * exact.V * row.T)[0]))) <= limit


def _q(X: Array, v: Array) -> Value:
    return Exact(Y, [mpmath.mpf(x) for x in v.tolist()], X).rss


@pytest.mark.parametrize("design", ["latitude", "years as they are", "square of years", "units apart", "levels"])
def test_r2_is_that_of_fifty_digits(design: str) -> None:
    X = DESIGNS[design]
    analysis = es.fit(es.Effects(Y, V), settings="metafor", tau2="DL", moderators=es.Design(X, intercept=False))
    assert analysis.regression is not None
    with mpmath.workdps(50):
        v = [mpmath.mpf(x) for x in V.tolist()]
        exact = [Exact(Y, v, one) for one in (X, np.ones((13, 1)))]
        tau2, without = ((one.rss - (13 - q)) / one.trace for one, q in zip(exact, (X.shape[1], 1), strict=True))
        wanted = max(100 * (1 - tau2 / without), mpmath.mpf(0))
    found = analysis.regression.r2
    assert found is not None
    # 1 - R² is what is computed: the distance is relative to it.
    assert abs(found - float(wanted)) <= DIGITS * condition(X, 1 / V) * max(100 - float(wanted), 1.0)
