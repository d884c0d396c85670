"""Give the likelihood of effects whose between-study variance differs from study to study, with its derivatives.

``y_i ~ N(x_i'β, v_i + τ²_i)`` with β profiled out (maximum likelihood) or integrated out (restricted). With
``W = diag(1/(v + τ²))`` and ``P = W - W X (X'W X)⁻¹ X'W`` the derivatives in the τ²_i are

* score: ``½ ((P y)_i² - w_i)``, restricted ``½ ((P y)_i² - P_ii)``,
* Hessian: ``½ W² - diag(P y) P diag(P y)``, restricted ``½ P∘P - diag(P y) P diag(P y)``,

of which only the products ``M' H M`` with a ``(k, q)`` matrix are made, in O(k p² q) and without a k × k matrix.

Source: Viechtbauer & López-López (2022), Res. Synth. Methods 13:697-715; the derivatives: Harville (1977), J. Am. Stat.
Assoc. 72:320-338.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth.kernels.weighted_fit import WeightedFit, weighted_fit

if TYPE_CHECKING:
    from evisynth.kernels.arrays import FloatArray

_ROWS = 1 << 16
"""Studies taken at a time where a product has p² columns."""
_NUMBERS = 1 << 22
"""Numbers that the fits of one tile may hold, so that many candidates for a million studies fit in memory."""


@attrs.frozen(eq=False, slots=False)  # a plain dictionary serves cached properties fastest
class Effects:
    """Hold the data of one analysis: ``y`` and ``v`` ``(k,)``, ``X`` ``(k, p)``, of any unit."""

    y: FloatArray
    v: FloatArray
    X: FloatArray
    restricted: bool

    @property
    def k(self) -> int:
        """Number of studies."""
        return len(self.y)

    @property
    def p(self) -> int:
        """Number of location coefficients."""
        return int(self.X.shape[1])

    @cached_property
    def constant(self) -> float:
        """Part of the log-likelihood that no parameter changes."""
        if not self.restricted:
            return -0.5 * self.k * math.log(2 * math.pi)
        r = np.linalg.qr(self.X, mode="r")
        return float(np.log(np.abs(np.diagonal(r))).sum()) - 0.5 * (self.k - self.p) * math.log(2 * math.pi)

    @cached_property
    def largest_tau2(self) -> float:
        """Bound on a τ² that all studies share, beyond which its likelihood falls."""
        dof = max(self.k - self.p, 1)
        rss = float(weighted_fit(self.y, np.ones_like(self.v), self.X).rss)
        return max(float(self.v.max()), 2 * rss / dof)

    @cached_property
    def deviations(self) -> FloatArray:
        """Deviations of ``y`` from a fit at equal weights, ``(k,)``: the same likelihood, without the size of ``y``."""
        return np.asarray(weighted_fit(self.y, np.ones_like(self.v), self.X).residuals)

    def log_likelihood(self, tau2: FloatArray) -> float:
        """Give the log-likelihood at ``tau2`` ``(k,)``."""
        total = self.v + tau2
        return self._height(weighted_fit(self.y, 1 / total, self.X), total)

    def log_likelihoods(self, tau2: FloatArray) -> FloatArray:
        """Give the log-likelihood at each of m candidates, ``tau2`` ``(k, m)``, tile by tile."""
        size = max(1, _NUMBERS // (self.k * self.p))
        made = np.empty(tau2.shape[1])
        for begin in range(0, tau2.shape[1], size):
            total = self.v[:, np.newaxis] + tau2[:, begin : begin + size]
            y = np.broadcast_to(self.y[:, np.newaxis], total.shape)
            fit = weighted_fit(y, 1 / total, self.X)
            extra = fit.log_det if self.restricted else 0.0
            made[begin : begin + size] = self.constant - 0.5 * (np.log(total).sum(axis=0) + extra + fit.rss)
        return made

    def _height(self, fit: WeightedFit, total: FloatArray) -> float:
        extra = float(fit.log_det) if self.restricted else 0.0
        return self.constant - 0.5 * (float(np.log(total).sum()) + extra + float(fit.rss))

    def at(self, tau2: FloatArray) -> Point:
        """Give the likelihood at ``tau2`` ``(k,)``, ready to be differentiated, to full accuracy."""
        total = self.v + tau2
        fit = weighted_fit(self.y, 1 / total, self.X)
        return Point(
            tau2=tau2,
            w=fit.w,
            residuals=fit.residuals,
            basis=_basis(fit),
            free=fit.deleted_leverages,
            log_likelihood=self._height(fit, total),
            restricted=self.restricted,
            fit=fit,
        )

    def near(self, tau2: FloatArray) -> Point:
        """Give the likelihood as `at` does, in a fifth of the time and without its care for weights many decades apart.

        It is good enough to climb by: its rounding is that of the deviations, so that a climb among effects far from 0
        sees the slope and not the noise.
        """
        total = self.v + tau2
        w = 1 / total
        root = np.sqrt(w)
        basis, triangle = np.linalg.qr(root[:, np.newaxis] * self.X)
        residuals = root * self.deviations
        residuals = residuals - basis @ (basis.T @ residuals)
        height = np.log(total).sum() + residuals @ residuals
        if self.restricted:
            height += 2 * np.log(np.abs(np.diagonal(triangle))).sum()
        return Point(
            tau2=tau2,
            w=w,
            residuals=residuals / root,
            basis=basis,
            free=1 - (basis * basis).sum(axis=1),
            log_likelihood=self.constant - 0.5 * float(height),
            restricted=self.restricted,
        )

    def information_structure(self, Z: FloatArray) -> FloatArray:
        """Give ``Z'(P∘P) Z`` at equal weights, whose rank is the number of directions of ``Z`` that the data can tell.

        Under the full likelihood it is ``Z'Z``.
        """
        if not self.restricted:
            return np.asarray(Z.T @ Z)
        fit = weighted_fit(self.y, np.ones_like(self.v), self.X)
        return _squared_projection(Z, _basis(fit), fit.deleted_leverages)


@attrs.frozen(eq=False, slots=False, kw_only=True)  # a plain dictionary serves cached properties fastest
class Point:
    """Hold the likelihood at one set of τ².

    ``basis`` are orthonormal columns of ``W^½ X``, ``free`` one minus each leverage.
    """

    tau2: FloatArray
    w: FloatArray
    residuals: FloatArray
    basis: FloatArray
    free: FloatArray
    log_likelihood: float
    restricted: bool
    fit: WeightedFit | None = None

    @cached_property
    def pull(self) -> FloatArray:
        """``P y``, shape ``(k,)``."""
        return np.asarray(self.w * self.residuals)

    @cached_property
    def score(self) -> FloatArray:
        """Derivative of the log-likelihood in every τ²_i, shape ``(k,)``."""
        expected = self.w * self.free if self.restricted else self.w
        return np.asarray(0.5 * (self.pull * self.pull - expected))

    def curvature(self, M: FloatArray) -> FloatArray:
        """Give ``M' H M`` with the Hessian of the log-likelihood in the τ²_i and ``M`` ``(k, q)``."""
        weighted = self.w[:, np.newaxis] * M
        drawn = (self.pull / np.sqrt(self.w))[:, np.newaxis] * weighted
        drawn = drawn - self.basis @ (self.basis.T @ drawn)
        if not self.restricted:
            return np.asarray(0.5 * (weighted.T @ weighted) - drawn.T @ drawn)
        return np.asarray(0.5 * _squared_projection(weighted, self.basis, self.free) - drawn.T @ drawn)


def _basis(fit: WeightedFit) -> FloatArray:
    """Orthonormal columns of ``W^½ X``, shape ``(k, p)``."""
    if fit.basis is None:
        return np.asarray(np.sqrt(fit.w / fit.w.sum()))[:, np.newaxis]
    return np.asarray(fit.basis[0])


def _squared_projection(weighted: FloatArray, q: FloatArray, free: FloatArray) -> FloatArray:
    """Give ``M'(P∘P) M``: the diagonal apart, and ``P_ij² = w_i w_j (q_i·q_j)²`` summed as ``(q_i q_i')·(q_j q_j')``.

    ``weighted`` is ``W M``, ``q`` the orthonormal rows and ``free`` one minus their squared lengths.
    """
    k, p = q.shape
    between = np.zeros((weighted.shape[1], p * p))
    for begin in range(0, k, _ROWS):
        rows = slice(begin, begin + _ROWS)
        part = q[rows]
        between += weighted[rows].T @ (part[:, :, np.newaxis] * part[:, np.newaxis, :]).reshape(len(part), p * p)
    # P_ii² less the term that the sum over all pairs holds for i = j.
    leverage = 1 - free
    own = (free - leverage) * (free + leverage)
    return np.asarray(weighted.T @ (own[:, np.newaxis] * weighted) + between @ between.T)


def spans_constant(Z: FloatArray) -> FloatArray | None:
    """Find ``c`` with ``Z c = 1`` in every study, shape ``(q,)``; None where the columns do not span a constant."""
    for j in range(Z.shape[1]):
        column = Z[:, j]
        if column[0] != 0.0 and bool((column == column[0]).all()):
            c = np.zeros(Z.shape[1])
            c[j] = 1.0 / column[0]
            return c
    found = np.linalg.lstsq(Z, np.ones(len(Z)), rcond=None)[0]
    rounded = np.round(found)
    if bool((Z @ rounded == 1.0).all()):
        return np.asarray(rounded, dtype=np.float64)
    near = np.abs(Z @ found - 1.0).max() <= 1e-10 * max(1.0, float((np.abs(Z) @ np.abs(found)).max()))
    return np.asarray(found, dtype=np.float64) if near else None


def anchors(basis: FloatArray) -> list[int]:
    """Choose q studies whose rows of an orthonormal ``basis`` ``(k, q)`` span it best, the outermost first."""
    rest = basis.copy()
    chosen: list[int] = []
    for _ in range(basis.shape[1]):
        i = int((rest * rest).sum(axis=1).argmax())
        chosen.append(i)
        direction = rest[i] / np.linalg.norm(rest[i])
        rest = rest - np.outer(rest @ direction, direction)
    return chosen
