"""Evaluate τ²'s estimating equations in plain floats: with a few dozen studies an array call costs more than the sums.

The formulas are those of `evisynth.kernels.weighted_fit` for the intercept alone; a test holds the two together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evisynth.kernels.arrays import FloatArray

FEW = 64
"""Up to this many studies plain floats are faster."""


class FewStudies:
    """Hold one analysis of few studies without moderators, ``y`` and ``v`` ``(k,)``."""

    def __init__(self, y: FloatArray, v: FloatArray) -> None:
        """Take the numbers out of the arrays once."""
        self.y: list[float] = y.tolist()
        self.v: list[float] = v.tolist()

    def q(self, tau2: float) -> float:
        """Give the generalised Q, the weighted residual sum of squares with weights ``1/(v + tau2)``."""
        w, residuals, _ = self._residuals(tau2)
        return sum(a * r * r for a, r in zip(w, residuals, strict=True))

    def q_and_slope(self, tau2: float) -> tuple[float, float]:
        """Give the generalised Q and minus its derivative, ``y'PPy``."""
        w, residuals, _ = self._residuals(tau2)
        q = 0.0
        slope = 0.0
        for a, r in zip(w, residuals, strict=True):
            pull = a * r
            q += pull * r
            slope += pull * pull
        return q, slope

    def reml_score(self, tau2: float) -> float:
        """Give twice the derivative of the restricted log-likelihood, ``y'PPy - tr P``."""
        w, residuals, total = self._residuals(tau2)
        pull = 0.0
        trace = 0.0
        for a, r in zip(w, residuals, strict=True):
            pull += (a * r) ** 2
            trace += a * (total - a)
        top = max(w)
        if top > 0.5 * total:
            # Only a study with more than half of the weight loses digits in total - a.
            i = w.index(top)
            trace += top * (sum(w[:i]) + sum(w[i + 1 :]) - (total - top))
        return pull - trace / total

    def ml_score(self, tau2: float) -> float:
        """Give twice the derivative of the log-likelihood, ``y'PPy - tr W``."""
        w, residuals, total = self._residuals(tau2)
        return sum((a * r) ** 2 for a, r in zip(w, residuals, strict=True)) - total

    def _residuals(self, tau2: float) -> tuple[list[float], list[float], float]:
        w = [1.0 / (v + tau2) for v in self.v]
        total = sum(w)
        first = sum(map(float.__mul__, w, self.y)) / total
        residuals = [y - first for y in self.y]
        step = sum(map(float.__mul__, w, residuals)) / total
        return w, [r - step for r in residuals], total
