"""Fit weighted least squares: the one computation that every model shares.

Source: Seber & Lee (2003), Linear Regression Analysis, 2nd ed., ch. 3 and 11; the role of ``tr(P)`` in
meta-analysis: DerSimonian & Kacker (2007), Contemp. Clin. Trials 28:105-114; Jackson, Turner, Rhodes & Viechtbauer
(2014), BMC Med. Res. Methodol. 14:103 (with moderators).
"""

from __future__ import annotations

from functools import cached_property, lru_cache

import attrs
import numpy as np

from evisynth.kernels.arrays import FloatArray, IntArray, read_only

_HALF = 0.5
"""Share of the weight, or leverage, beyond which a difference from the whole loses digits."""


@attrs.frozen(eq=False, slots=False)  # a plain dictionary serves cached properties fastest
class WeightedFit:
    """Hold a weighted least-squares fit of one analysis ``(k,)`` or of m analyses side by side ``(k, m)``.

    With ``P = W - W X (X'W X)⁻¹ X'W``: ``rss = y'P y`` and ``trace = tr(P)``. Shapes: ``coefficients`` ``(p,)`` or
    ``(p, m)``, ``covariance`` ``(p, p)`` or ``(p, p, m)``, ``residuals`` as y, the rest ``()`` or ``(m,)``.
    """

    w: FloatArray
    coefficients: FloatArray
    covariance: FloatArray
    residuals: FloatArray
    dof: int
    basis: FloatArray | None = None
    """Orthonormal rows ``q_i`` of ``W^½ X``, shape ``(m, k, p)``; None for the intercept alone."""
    _log_det: FloatArray | None = attrs.field(default=None, alias="log_det")

    @cached_property
    def rss(self) -> FloatArray:
        """Weighted residual sum of squares."""
        one, other = self.w * self.residuals, self.residuals
        if self.basis is None and one.ndim == 1:
            return np.asarray(one.dot(other))
        columns = (one * other).reshape(one.shape[0], -1) if self.basis is not None else one * other
        return np.asarray(np.add.reduce(columns, axis=0).reshape(one.shape[1:]))

    @cached_property
    def log_det(self) -> FloatArray:
        """Logarithm of ``det(X'W X)``."""
        return np.asarray(np.log(np.add.reduce(self.w, axis=0))) if self._log_det is None else self._log_det

    @cached_property
    def _others(self) -> FloatArray:
        """Sum the weights of all the other studies, for each study, without cancellation."""
        return sum_of_others(self.w)

    @cached_property
    def trace(self) -> FloatArray:
        """Trace of P in a form that one dominant weight cannot spoil."""
        if self.basis is None:
            return np.asarray(np.add.reduce(self.w * self._others, axis=0) / np.add.reduce(self.w, axis=0))
        return np.asarray((self.w * self.deleted_leverages).sum(axis=0))

    @cached_property
    def trace_squared(self) -> FloatArray:
        """Trace of P·P, which the information about τ² is made of."""
        w = self.w
        if self.basis is None:
            share = self._others / w.sum(axis=0)
            squares = w * w
            return np.asarray(
                (squares * share**2).sum(axis=0) + (squares * sum_of_others(squares)).sum(axis=0) / w.sum(axis=0) ** 2
            )
        q = self.basis
        weights = w.reshape(w.shape[0], -1).T
        # Σ_{i≠j} w_i w_j (q_i·q_j)²: for each i the sum over all j less its own term, unless that is most of it.
        whole = np.einsum("gki,gij,gkj->gk", q, np.einsum("gki,gk,gkj->gij", q, weights, q), q)
        own = weights * (q * q).sum(axis=2) ** 2
        others = whole - own
        for g, i in zip(*np.nonzero(own > _HALF * whole), strict=True):
            inner = (q[g] @ q[g, i]) ** 2 * weights[g]
            inner[i] = 0.0
            others[g, i] = inner.sum()
        between = (weights * others).sum(axis=1).reshape(w.shape[1:])
        return np.asarray(((w * self.deleted_leverages) ** 2).sum(axis=0) + between)

    def covariance_under(self, total: FloatArray, X: FloatArray) -> FloatArray:
        """Give the covariance of the coefficients where the variances are ``total`` instead of ``1/w``; shape as that.

        ``(X'WX)⁻¹ X'W diag(total) WX (X'WX)⁻¹``, in O(k p²).
        """
        if self.basis is None:
            share = self.w / np.add.reduce(self.w, axis=0)
            return np.asarray((share * share * total).sum(axis=0))[np.newaxis, np.newaxis]
        k, p = X.shape[:2]
        trailing = self.residuals.shape[1:]
        weights = self.w.reshape(k, -1)
        spread = (weights * weights * total.reshape(k, -1)).T
        design = np.broadcast_to(X.reshape(k, p, -1), (k, p, weights.shape[1])).transpose(2, 0, 1)
        bread = self.covariance.reshape(p, p, -1).transpose(2, 0, 1)
        # Rows of the hat map first, so that the product is a sum of squares and cannot lose its sign.
        rows = (design @ bread) * np.sqrt(spread)[:, :, np.newaxis]
        return np.asarray((rows.transpose(0, 2, 1) @ rows).transpose(1, 2, 0).reshape(p, p, *trailing))

    @cached_property
    def leverages(self) -> FloatArray:
        """Diagonal of the hat matrix, shape as y."""
        if self.basis is None:
            return np.asarray(self.w / self.w.sum(axis=0))
        return np.asarray((self.basis**2).sum(axis=2).T.reshape(self.w.shape))

    @cached_property
    def deleted_leverages(self) -> FloatArray:
        """One minus each leverage, to full relative accuracy also where the leverage is almost one."""
        if self.basis is None:
            return np.asarray(self._others / self.w.sum(axis=0))
        q = self.basis
        leverage = (q * q).sum(axis=2)
        rest = 1.0 - leverage
        # Leverages add up to p, so at most 2p of them exceed one half; only those lose digits in 1 - h.
        for g, i in zip(*np.nonzero(leverage > _HALF), strict=True):
            inner = q[g] @ q[g, i]
            inner[i] = rest[g, i]
            rest[g, i] = inner @ inner
        return np.asarray(rest.T.reshape(self.w.shape))


def sum_of_others(w: FloatArray) -> FloatArray:
    """Sum ``w`` over the other studies, for each study: ``Σ_{j≠i} w_j``, shape as w.

    ``W - w_i`` is as good as the sum itself unless study i holds more than half of W, and only one study can: that
    one is summed without it.
    """
    total = np.add.reduce(w, axis=0)
    others = np.asarray(total - w)
    if w.ndim == 1:
        top = int(w.argmax())
        if w[top] > _HALF * total:
            others[top] = w[:top].sum() + w[top + 1 :].sum()
        return others
    columns = np.nonzero(np.maximum.reduce(w, axis=0) > _HALF * total)[0]
    if columns.size:
        rows = w[:, columns].argmax(axis=0)
        rest = w[:, columns].copy()
        rest[rows, np.arange(columns.size)] = 0.0
        others[rows, columns] = rest.sum(axis=0)
    return others


def is_intercept(X: FloatArray) -> bool:
    """Tell whether the design is the intercept alone."""
    if X.shape[1] != 1:
        return False
    return X is intercept(X.shape[0]) or bool((X == 1.0).all())


@lru_cache(maxsize=1024)
def intercept(k: int) -> FloatArray:
    """Give the design of a model without moderators, shape ``(k, 1)``; the same read-only array for the same k."""
    return read_only(np.ones((k, 1)))


def design_of(X: FloatArray, which: IntArray) -> FloatArray:
    """Take the design of some analyses: ``(k, p)`` serves all, of ``(k, p, m)`` each has its own."""
    return X if X.ndim == 2 else X[:, :, which]  # noqa: PLR2004 - number of axes


def weighted_fit(y: FloatArray, w: FloatArray, X: FloatArray | None = None) -> WeightedFit:
    """Minimise ``Σ w_i (y_i - x_i'β)²``.

    ``y`` and ``w`` are ``(k,)`` or ``(k, m)``, ``X`` is ``(k, p)`` for all analyses or ``(k, p, m)``; None is the
    intercept alone. ``w`` is positive and finite. Costs O(k p²) a fit and makes no k × k matrix.
    """
    if X is None or is_intercept(X):
        return _weighted_mean(y, w)
    return _regression(y, w, X)


def _weighted_mean(y: FloatArray, w: FloatArray) -> WeightedFit:
    # A dot product of one analysis costs a quarter of a product and a sum.
    dot = np.dot if y.ndim == 1 and w.ndim == 1 else _dot_columns
    total = np.add.reduce(w, axis=0)
    # A second pass about the first answer: the mean then carries the rounding of its correction only.
    first = dot(w, y) / total
    residuals = y - first
    step = dot(w, residuals) / total
    # In place: for a million studies, memory is what costs.
    residuals -= step
    return WeightedFit(
        w=w,
        coefficients=np.asarray(first + step)[np.newaxis],
        covariance=np.asarray(1.0 / total)[np.newaxis, np.newaxis],
        residuals=residuals,
        dof=y.shape[0] - 1,
    )


def _dot_columns(one: FloatArray, other: FloatArray) -> FloatArray:
    return np.asarray(np.add.reduce(one * other, axis=0))


def _regression(y: FloatArray, w: FloatArray, X: FloatArray) -> WeightedFit:
    k, p = X.shape[:2]
    columns = y.reshape(k, -1)
    weights = np.broadcast_to(w.reshape(k, -1), columns.shape).T
    design = np.broadcast_to(X.reshape(k, p, -1), (k, p, columns.shape[1])).transpose(2, 0, 1)
    # Householder reflections keep small rows accurate only when large rows come first.
    order = np.argsort(-weights, axis=1, kind="stable")
    root = np.sqrt(np.take_along_axis(weights, order, axis=1))[:, :, np.newaxis]
    sorted_design = np.take_along_axis(design, order[:, :, np.newaxis], axis=1)
    sorted_y = np.take_along_axis(columns.T, order, axis=1)[:, :, np.newaxis]
    q, r = np.linalg.qr(root * sorted_design)
    inverse = np.linalg.inv(r)
    beta = np.zeros((columns.shape[1], p, 1))
    residuals = sorted_y
    for _ in range(3):
        step = inverse @ (q.transpose(0, 2, 1) @ (root * residuals))
        beta = beta + step
        residuals = residuals - sorted_design @ step
    back = np.argsort(order, axis=1, kind="stable")
    residuals = np.take_along_axis(residuals[:, :, 0], back, axis=1).T
    covariance = inverse @ inverse.transpose(0, 2, 1)
    trailing = y.shape[1:]
    return WeightedFit(
        w=np.broadcast_to(w, y.shape),
        coefficients=beta[:, :, 0].T.reshape(p, *trailing),
        covariance=covariance.transpose(1, 2, 0).reshape(p, p, *trailing),
        residuals=residuals.reshape(y.shape),
        dof=k - p,
        log_det=np.asarray(2.0 * np.log(np.abs(np.einsum("gii->gi", r))).sum(axis=1).reshape(trailing)),
        basis=np.take_along_axis(q, back[:, :, np.newaxis], axis=1),
    )
