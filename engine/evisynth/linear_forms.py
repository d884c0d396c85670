"""Estimate linear combinations of coefficients, and turn a model so that a method sees one as its first coefficient.

With ``W^½ X = QR`` a combination ``Lβ`` is ``B'z``, ``B = R⁻ᵀL'`` and ``z = Q'W^½ y``, and its variance ``B'B``: no
inverse of ``X'WX`` appears, whose condition is the square of the design's. Source: Golub & Van Loan (2013), Matrix
Computations, 4th ed., ch. 5; Seber & Lee (2003), Linear Regression Analysis, 2nd ed., ch. 4 (hypotheses).
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth.errors import CombinationError
from evisynth.kernels.weighted_fit import WeightedFit
from evisynth.records import Tau2Fit

if TYPE_CHECKING:
    from evisynth.fits import Fit
    from evisynth.kernels.arrays import FloatArray, IntArray

_LEAST = 1e-10
"""Share of a combination that the others must leave of it."""


@attrs.frozen(eq=False, slots=False)
class LinearForms:
    """Compute combinations of the coefficients of one fit; ``L`` is ``(n, p)`` throughout."""

    fit: Fit

    @cached_property
    def _intercept(self) -> int | None:
        """Place of the intercept, along which effects may be shifted."""
        places: list[int] = np.nonzero((self.fit.X == 1.0).all(axis=0))[0].tolist()
        return places[0] if places else None

    @cached_property
    def _factors(self) -> tuple[FloatArray, FloatArray, float]:
        """Give R, ``z`` of the effects less their mean, and that mean (0 without an intercept)."""
        fit = self.fit
        root = np.sqrt(1.0 / (fit.v + fit.tau2))
        rows = root[:, np.newaxis] * fit.X
        basis = None if fit.weighted is None else fit.weighted.basis
        # Householder reflections keep small rows accurate only when large rows come first.
        order = np.argsort(-root, kind="stable")
        q = np.linalg.qr(rows[order])[0] if basis is None else basis[0][order]
        centre = 0.0 if self._intercept is None else float(fit.y.mean())
        return np.triu(q.T @ rows[order]), q.T @ (root * (fit.y - centre))[order], centre

    def solved(self, L: FloatArray) -> FloatArray:
        """Give ``R⁻ᵀL'``, ``(p, n)``, by substitution."""
        R = self._factors[0]
        B = np.empty((R.shape[0], L.shape[0]))
        for i in range(R.shape[0]):
            B[i] = (L[:, i] - R[:i, i] @ B[:i]) / R[i, i]
        return B

    def values(self, L: FloatArray) -> FloatArray:
        """Give ``Lβ``."""
        if self.fit.weights is not None:
            return L @ self.fit.coefficients
        _, z, centre = self._factors
        shift = 0.0 if self._intercept is None else centre * L[:, self._intercept]
        return np.asarray(self.solved(L).T @ z + shift)

    def variances(self, L: FloatArray) -> FloatArray:
        """Give the variances of ``Lβ`` under the model."""
        if self.fit.weights is not None:
            return np.asarray(np.einsum("ni,ij,nj->n", L, self.fit.covariance, L))
        return np.asarray((self.solved(L) ** 2).sum(axis=0))

    def joint(self, L: FloatArray, covariance: FloatArray | None = None) -> float:
        """Give ``(Lβ)' (L V L')⁻¹ Lβ`` with V of the model, or the ``covariance`` given.

        Raises `CombinationError` for combinations that are dependent.
        """
        stable = covariance is None and self.fit.weights is None
        B, z = self._stable(L) if stable else self._standardised(L, covariance)
        q, r = np.linalg.qr(B)
        if np.any(np.abs(np.diagonal(r)) <= _LEAST * np.sqrt((B * B).sum(axis=0))):
            msg = "the hypotheses to test are combinations of one another: leave out those that the others imply"
            raise CombinationError(msg)
        projected = q.T @ z
        return float(projected @ projected)

    def _stable(self, L: FloatArray) -> tuple[FloatArray, FloatArray]:
        R, z, centre = self._factors
        if self._intercept is None or not L[:, self._intercept].any():
            # A shift along the intercept is none of these combinations' business.
            return self.solved(L), z
        return self.solved(L), np.asarray(z + centre * R[:, self._intercept], dtype=np.float64)

    def _standardised(self, L: FloatArray, covariance: FloatArray | None) -> tuple[FloatArray, FloatArray]:
        V = self.fit.covariance if covariance is None else covariance
        unit = np.sqrt(np.diagonal(V))
        # V = SCS with correlations C = FF': the combinations of standardised coefficients.
        F = np.linalg.cholesky(V / np.outer(unit, unit))
        z = np.linalg.solve(F, self.fit.coefficients / unit)
        return F.T @ (L * unit).T, np.asarray(z, dtype=np.float64)

    def turned(self, L: FloatArray) -> Fit:
        """Write the model as n models side by side whose first coefficients are the combinations.

        The columns of each span what those of the model do, so that every method may be asked about a combination as
        about a coefficient. Holds k·p·n numbers.
        """
        fit, (n, p) = self.fit, L.shape
        places: IntArray = np.arange(n, dtype=np.int64)
        size = np.sqrt((fit.X * fit.X).mean(axis=0))
        pivot = np.argmax(np.abs(L) / size, axis=1)
        top = L[places, pivot]
        # β of the coefficients γ: the pivot's is (γ₀ - Σ L_i γ_i)/L_pivot, the others are their own.
        back = np.zeros((p, p, n))
        forth = np.zeros((p, p, n))
        forth[0] = L.T
        for g in range(n):
            others = [i for i in range(p) if i != pivot[g]]
            back[pivot[g], 0, g] = 1.0 / top[g]
            for q, i in enumerate(others, start=1):
                back[i, q, g] = forth[q, i, g] = 1.0
                back[pivot[g], q, g] = -L[g, i] / top[g]
        coefficients = np.einsum("qin,i->qn", forth, fit.coefficients)
        covariance = np.einsum("qin,ij,rjn->qrn", forth, fit.covariance, forth)
        coefficients[0], covariance[0, 0] = self.values(L), self.variances(L)
        log_det = None if fit.weighted is None else fit.weighted.log_det - 2.0 * np.log(np.abs(top))
        return _side_by_side(fit, np.einsum("ki,iqn->kqn", fit.X, back), coefficients, covariance, log_det)

    def blind(self, L: FloatArray) -> Fit:
        """Do as `turned` for methods that look at the first coefficient and its variance only, in O(n) numbers."""
        # One coefficient beside a design of p columns, so that the degrees of freedom are the model's.
        coefficients, covariance = self.values(L)[np.newaxis], self.variances(L)[np.newaxis, np.newaxis]
        return _side_by_side(self.fit, self.fit.X, coefficients, covariance, None)


def _side_by_side(
    fit: Fit, X: FloatArray, coefficients: FloatArray, covariance: FloatArray, log_det: FloatArray | None
) -> Fit:
    n = coefficients.shape[1]

    def repeated(column: FloatArray) -> FloatArray:
        return np.broadcast_to(column[:, np.newaxis], (column.size, n))

    weighted = fit.weighted
    if weighted is not None:
        basis = None if weighted.basis is None else np.broadcast_to(weighted.basis, (n, *weighted.basis.shape[1:]))
        side = WeightedFit(
            w=repeated(weighted.w),
            coefficients=coefficients,
            covariance=covariance,
            residuals=repeated(weighted.residuals),
            dof=weighted.dof,
            basis=basis,
            log_det=log_det,
        )
        # The residuals are those of the model however it is written: their sum of squares need not be taken n times.
        side.__dict__["rss"] = np.broadcast_to(weighted.rss, (n,))
        weighted = side
    tau2 = np.broadcast_to(fit.tau2, (n,))
    estimated = fit.tau2_fit
    return attrs.evolve(
        fit,
        y=repeated(fit.y),
        v=repeated(fit.v),
        X=X,
        w=repeated(fit.w),
        tau2=tau2,
        coefficients=coefficients,
        covariance=covariance,
        weighted=weighted,
        tau2_fit=None if estimated is None else Tau2Fit(tau2, estimated.se, estimated.log_likelihood, estimated.modes),
        weights=None if fit.weights is None else repeated(fit.weights),
    )
