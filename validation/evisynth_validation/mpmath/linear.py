"""Solve the small linear systems of a weighted regression exactly, and take what every τ² is a function of.

Notation: W = diag(1/(v + τ²)), b = (X'WX)⁻¹X'Wy, P = W − WX(X'WX)⁻¹X'W. No k×k matrix is formed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from evisynth_validation.mpmath.exact import dot, exact, log, total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth_validation.mpmath.exact import Exact

Matrix: TypeAlias = "list[list[Exact]]"


def inverse_and_determinant(matrix: Matrix) -> tuple[Matrix, Exact]:
    """Invert a positive definite matrix by Gauss-Jordan elimination, whose pivots multiply to the determinant."""
    size = len(matrix)
    rows = [[*row, *(exact(int(i == j)) for j in range(size))] for i, row in enumerate(matrix)]
    determinant = exact(1)
    for i in range(size):
        pivot = rows[i][i]
        determinant = determinant * pivot
        rows[i] = [value / pivot for value in rows[i]]
        for j in range(size):
            if j != i:
                factor = rows[j][i]
                rows[j] = [value - factor * scaled for value, scaled in zip(rows[j], rows[i], strict=True)]
    return [row[size:] for row in rows], determinant


def product(left: Matrix, right: Matrix) -> Matrix:
    """Multiply two small matrices."""
    columns = list(zip(*right, strict=True))
    return [[dot(row, column) for column in columns] for row in left]


def trace(matrix: Matrix) -> Exact:
    """Add the diagonal."""
    return total(row[i] for i, row in enumerate(matrix))


@dataclass(frozen=True)
class Data:
    """Hold effects, variances and the columns of the design, an intercept of ones unless others are given."""

    y: tuple[Exact, ...]
    v: tuple[Exact, ...]
    columns: tuple[tuple[Exact, ...], ...]

    @classmethod
    def of(cls, y: Sequence[float], v: Sequence[float], x: Sequence[Sequence[float]] | None = None) -> Data:
        """Take doubles as the numbers they are; ``x`` has a row per study."""
        rows: Sequence[Sequence[float]] = x if x is not None else [[1.0]] * len(y)
        columns = tuple(tuple(exact(value) for value in column) for column in zip(*rows, strict=True))
        return cls(tuple(exact(value) for value in y), tuple(exact(value) for value in v), columns)

    @property
    def df(self) -> int:
        """Return the residual degrees of freedom."""
        return len(self.y) - len(self.columns)

    def gram(self, weights: Sequence[Exact]) -> Matrix:
        """Form X'WX."""
        weighted = [[w * value for w, value in zip(weights, column, strict=True)] for column in self.columns]
        return [[dot(left, column) for column in self.columns] for left in weighted]

    def moments(self, values: Sequence[Exact]) -> list[Exact]:
        """Form X'z."""
        return [dot(column, values) for column in self.columns]

    def fit(self, tau2: Exact) -> Fit:
        """Fit the weighted regression at one τ²."""
        return Fit(self, tau2, [1 / (v + tau2) for v in self.v])

    @cached_property
    def unweighted_rss(self) -> Exact:
        """Return the residual sum of squares of unweighted least squares."""
        return Fit(self, exact(0), [exact(1)] * len(self.y)).q


@dataclass(frozen=True)
class Fit:
    """Hold a weighted regression; each quantity is computed when it is first asked for."""

    data: Data
    tau2: Exact
    weights: list[Exact]

    @cached_property
    def _solved(self) -> tuple[Matrix, Exact]:
        return inverse_and_determinant(self.data.gram(self.weights))

    @property
    def covariance(self) -> Matrix:
        """Return (X'WX)⁻¹."""
        return self._solved[0]

    @property
    def log_determinant(self) -> Exact:
        """Return log|X'WX|."""
        return log(self._solved[1])

    @cached_property
    def coefficients(self) -> list[Exact]:
        """Return b."""
        weighted = [w * y for w, y in zip(self.weights, self.data.y, strict=True)]
        moments = self.data.moments(weighted)
        return [dot(row, moments) for row in self.covariance]

    @cached_property
    def residuals(self) -> list[Exact]:
        """Return y − Xb."""
        if len(self.data.columns) == 1:
            # As below, without adding up single products.
            (slope,), (column,) = self.coefficients, self.data.columns
            return [y - x * slope for y, x in zip(self.data.y, column, strict=True)]
        rows = zip(*self.data.columns, strict=True)
        return [y - dot(row, self.coefficients) for y, row in zip(self.data.y, rows, strict=True)]

    @cached_property
    def weighted_residuals(self) -> list[Exact]:
        """Return Py = W(y − Xb)."""
        return [w * r for w, r in zip(self.weights, self.residuals, strict=True)]

    @cached_property
    def q(self) -> Exact:
        """Return y'Py."""
        return dot(self.weighted_residuals, self.residuals)

    @cached_property
    def ypp(self) -> Exact:
        """Return y'PPy = −dQ/dτ²."""
        return dot(self.weighted_residuals, self.weighted_residuals)

    @cached_property
    def yppp(self) -> Exact:
        """Return y'PPPy."""
        again = [w * u for w, u in zip(self.weights, self.weighted_residuals, strict=True)]
        moments = self.data.moments(again)
        return dot(again, self.weighted_residuals) - dot(moments, [dot(row, moments) for row in self.covariance])

    def _share(self, power: int) -> Matrix:
        """Form (X'WX)⁻¹ X'WᵖX."""
        return product(self.covariance, self.data.gram([w**power for w in self.weights]))

    @cached_property
    def trace_p(self) -> Exact:
        """Return tr(P)."""
        return total(self.weights) - trace(self._share(2))

    @cached_property
    def trace_pp(self) -> Exact:
        """Return tr(PP)."""
        second = self._share(2)
        return dot(self.weights, self.weights) - 2 * trace(self._share(3)) + trace(product(second, second))

    @cached_property
    def drift(self) -> list[Exact]:
        """Return db/dτ² = −(X'WX)⁻¹X'W²(y − Xb)."""
        moments = self.data.moments([w * u for w, u in zip(self.weights, self.weighted_residuals, strict=True)])
        return [-dot(row, moments) for row in self.covariance]

    @cached_property
    def variance_drift(self) -> list[Exact]:
        """Return the diagonal of d(X'WX)⁻¹/dτ² = (X'WX)⁻¹ X'W²X (X'WX)⁻¹."""
        matrix = product(self._share(2), self.covariance)
        return [row[i] for i, row in enumerate(matrix)]

    @cached_property
    def coefficient_sizes(self) -> list[Exact]:
        """Return Σ|hᵢyᵢ| of each coefficient Σhᵢyᵢ, what its terms amount to before they cancel."""
        rows = list(zip(*self.data.columns, strict=True))
        return [
            total(abs(dot(line, row) * w * y) for row, w, y in zip(rows, self.weights, self.data.y, strict=True))
            for line in self.covariance
        ]
