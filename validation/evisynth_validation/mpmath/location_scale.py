"""Give the likelihood of location–scale models with 50 digits, straight from its definition.

``y ~ N(Xβ, diag(v + τ²))``, ``τ² = exp(Zα)`` or ``Zα``; β maximised over, or integrated out of it (restricted).
Derivatives in α are differences of the likelihood over steps of 1e-20, taken with 90 digits.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

mpmath: Any = import_module("mpmath")
Real: TypeAlias = Any
"""A number of mpmath."""

DIGITS = 90
STEP = 20


class LocationScaleLikelihood:
    """Hold the data of one analysis as exact numbers; α is a sequence of numbers throughout."""

    def __init__(
        self,
        y: Sequence[float],
        v: Sequence[float],
        X: Sequence[Sequence[float]],
        Z: Sequence[Sequence[float]],
        *,
        link: str,
        restricted: bool,
    ) -> None:
        """Take doubles, which are exact."""
        self.y, self.v = [mpmath.mpf(value) for value in y], [mpmath.mpf(value) for value in v]
        self.X = [[mpmath.mpf(value) for value in row] for row in X]
        self.Z = [[mpmath.mpf(value) for value in row] for row in Z]
        self.link, self.restricted = link, restricted
        self.k, self.p, self.q = len(self.y), len(self.X[0]), len(self.Z[0])

    def tau2(self, alpha: Sequence[Real]) -> list[Real]:
        """Give τ² of every study."""
        linear = [mpmath.fdot(row, alpha) for row in self.Z]
        return [mpmath.exp(value) for value in linear] if self.link == "log" else linear

    def at_tau2(self, tau2: Sequence[Real]) -> Real:
        """Give the log-likelihood at τ² of every study."""
        with mpmath.workdps(DIGITS):
            w = [1 / (v + t) for v, t in zip(self.v, tau2, strict=True)]
            sums = mpmath.matrix(self.p, self.p)
            plain = mpmath.matrix(self.p, self.p)
            right = mpmath.matrix(self.p, 1)
            for a in range(self.p):
                right[a] = mpmath.fsum(w[i] * self.X[i][a] * self.y[i] for i in range(self.k))
                for b in range(self.p):
                    sums[a, b] = mpmath.fsum(w[i] * self.X[i][a] * self.X[i][b] for i in range(self.k))
                    plain[a, b] = mpmath.fsum(self.X[i][a] * self.X[i][b] for i in range(self.k))
            beta = mpmath.lu_solve(sums, right)
            residuals = [self.y[i] - mpmath.fdot(self.X[i], beta) for i in range(self.k)]
            rss = mpmath.fsum(w[i] * residuals[i] ** 2 for i in range(self.k))
            log_w = mpmath.fsum(mpmath.log(value) for value in w)
            if not self.restricted:
                return -(self.k * mpmath.log(2 * mpmath.pi) - log_w + rss) / 2
            extra = mpmath.log(mpmath.det(sums)) - mpmath.log(mpmath.det(plain))
            return -((self.k - self.p) * mpmath.log(2 * mpmath.pi) - log_w + extra + rss) / 2

    def __call__(self, alpha: Sequence[Real]) -> Real:
        """Give the log-likelihood at α."""
        with mpmath.workdps(DIGITS):
            return self.at_tau2(self.tau2(alpha))

    def gradient(self, alpha: Sequence[Real]) -> list[Real]:
        """Give the first derivatives in α."""
        with mpmath.workdps(DIGITS):
            return [
                (self(_moved(alpha, {j: h})) - self(_moved(alpha, {j: -h}))) / (2 * h)
                for j, h in enumerate(self._steps(alpha))
            ]

    def hessian(self, alpha: Sequence[Real]) -> Real:
        """Give the second derivatives in α as a matrix of mpmath."""
        with mpmath.workdps(DIGITS):
            steps, made = self._steps(alpha), mpmath.matrix(self.q, self.q)
            middle = self(alpha)
            for i, h in enumerate(steps):
                made[i, i] = (self(_moved(alpha, {i: h})) - 2 * middle + self(_moved(alpha, {i: -h}))) / h**2
                for j in range(i):
                    g = steps[j]
                    corners = [s * t * self(_moved(alpha, {i: s * h, j: t * g})) for s in (1, -1) for t in (1, -1)]
                    made[i, j] = made[j, i] = mpmath.fsum(corners) / (4 * h * g)
            return made

    def nearest_maximum(self, alpha: Sequence[Real], steps: int = 4) -> list[Real]:
        """Take Newton's steps from α, which lies near a maximum."""
        with mpmath.workdps(DIGITS):
            here = [mpmath.mpf(value) for value in alpha]
            for _ in range(steps):
                step = mpmath.lu_solve(self.hessian(here), mpmath.matrix(self.gradient(here)))
                here = [value - step[j] for j, value in enumerate(here)]
            return here

    def _steps(self, alpha: Sequence[Real]) -> list[Real]:
        """Size the steps by what they do to the linear predictor."""
        unit = mpmath.mpf(10) ** -STEP
        size = max(abs(value) for value in self.tau2(alpha)) if self.link == "identity" else mpmath.mpf(1)
        return [unit * (size or 1) / max(abs(row[j]) for row in self.Z) for j in range(self.q)]


def _moved(alpha: Sequence[Real], by: dict[int, Real]) -> list[Real]:
    return [mpmath.mpf(value) + by.get(j, 0) for j, value in enumerate(alpha)]
