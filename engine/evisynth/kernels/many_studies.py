"""Evaluate the likelihoods' estimating equations of one regression of many studies, at many values of τ² in one pass.

With the design orthonormal under middling weights, all that the equations need at any τ² are sums over the studies of
``1/(v + τ²)`` and of its square with fixed products, which a pass takes by matrix products. An orthogonal decomposition
of each would be ten times the work. Sums of squares have the square of the condition, so this is for designs that the
weights leave well-conditioned, and where no study has much of the weight; `many_studies` says where.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth.kernels.weighted_fit import is_intercept, weighted_fit

if TYPE_CHECKING:
    from evisynth.kernels.arrays import FloatArray

MANY = 4096
"""From so many studies on a pass over products is faster than decompositions."""
_CHUNK = 2048
"""Studies taken at a time: their products stay in the processor's nearest memory."""
_WELL = 1e3
"""Condition of the normal equations up to which they lose no more than three of the sixteen digits."""
_SHARE = 0.25
"""Of the weight, that p of the heaviest studies may have: leverages are then small and no difference cancels."""


@attrs.frozen(eq=False)
class ManyStudies:
    """Hold one regression of many studies with its design in a form that suits all τ²."""

    v: FloatArray
    rows: FloatArray
    """Columns that span those of the design, residuals at middling weights, and ones: ``(p + 2, k)``."""

    def scores(self, tau2: FloatArray, *, restricted: bool) -> FloatArray:
        """Give twice the derivative of the (restricted) log-likelihood at values of τ², ``(g,)``."""
        once, twice = self._sums(tau2)
        made = np.empty(tau2.size)
        for g, (one, two) in enumerate(zip(once, twice, strict=True)):
            # The last row is that of y, the last of all that of ones: [X y]'W[X y] and Σw.
            _, slope = _q_and_slope(one, two)
            fitted = _solved(one[:-2, :-2], two[:-2, :-2]) if restricted else np.zeros((1, 1))
            made[g] = slope - (one[-1, -1] - float(np.trace(fitted)))
        return made

    def score(self, tau2: float, *, restricted: bool) -> float:
        """Give one of `scores`."""
        return float(self.scores(np.array([tau2]), restricted=restricted)[0])

    def q_and_slope(self, tau2: float) -> tuple[float, float]:
        """Give the generalised Q and minus its derivative."""
        once, twice = self._sums(np.array([tau2]))
        return _q_and_slope(once[0], twice[0])

    def condition(self, tau2: float) -> float:
        """Give the condition of the normal equations at τ²."""
        return float(np.linalg.cond(self._sums(np.array([tau2]))[0][0][:-2, :-2]))

    def _sums(self, tau2: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Sum the products of the rows with weights ``1/(v + τ²)`` and their squares, each ``(g, p + 2, p + 2)``."""
        rows, k = self.rows.shape
        once = np.zeros((tau2.size, rows, rows))
        twice = np.zeros_like(once)
        for start in range(0, k, _CHUNK):
            part, v = self.rows[:, start : start + _CHUNK], self.v[start : start + _CHUNK]
            for g, value in enumerate(tau2):
                weighted = part / (v + value)
                once[g] += weighted @ part.T
                twice[g] += weighted @ weighted.T
        return once, twice


def _q_and_slope(one: FloatArray, two: FloatArray) -> tuple[float, float]:
    beta = _solved(one[:-2, :-2], one[:-2, -2])
    slope = two[-2, -2] - 2.0 * (beta @ two[:-2, -2]) + beta @ (two[:-2, :-2] @ beta)
    return float(one[-2, -2] - beta @ one[:-2, -2]), float(slope)


def _solved(normal: FloatArray, right: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.solve(normal, right), dtype=np.float64)


def many_studies(y: FloatArray, v: FloatArray, X: FloatArray) -> ManyStudies | None:
    """Prepare one regression, ``y`` and ``v`` ``(k,)`` and ``X (k, p)``; None where decompositions are due instead."""
    k, p = X.shape
    if k < MANY or is_intercept(X):
        return None
    w = 1.0 / v
    if p * w.max() > _SHARE * w.sum():
        return None
    total = v + v.mean()
    fit = weighted_fit(y, 1.0 / total, X)
    if fit.basis is None:
        return None
    rows = np.empty((p + 2, k))
    np.multiply(fit.basis[0].T, np.sqrt(total), out=rows[:p])
    rows[p], rows[p + 1] = fit.residuals, 1.0
    prepared = ManyStudies(v, rows)
    extremes = (0.0, float(v.max()) * k)
    return prepared if all(prepared.condition(tau2) <= _WELL for tau2 in extremes) else None
