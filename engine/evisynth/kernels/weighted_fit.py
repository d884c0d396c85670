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
"""Share of the weight beyond which a difference from the whole is made anew; one study can have it."""
_MOST = 0.9
"""Share of a leverage beyond which a difference from the whole has lost a digit, and is made anew."""


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
        return self.trace_with(self.w)

    @property
    def _rows(self) -> FloatArray:
        """The basis as it lies in memory, ``(p, k, m)``."""
        assert self.basis is not None  # noqa: S101 - asked for with moderators only
        return self.basis.transpose(2, 1, 0)

    @cached_property
    def trace_squared(self) -> FloatArray:
        """Trace of P·P, which the information about τ² is made of."""
        return self.trace_squared_with(self.w)

    def trace_with(self, d: FloatArray) -> FloatArray:
        """Sum the eigenvalues of ``D^½ M D^½``, M the projection onto the residuals of ``W^½ X``; d shaped as w.

        With ``d = w·s`` it is ``tr(P S)``, the expectation of ``y'P y`` where the variances are s.
        """
        if self.basis is None:
            return np.asarray(np.add.reduce(d * self._others, axis=0) / np.add.reduce(self.w, axis=0))
        return np.asarray((d * self.deleted_leverages).sum(axis=0))

    def trace_squared_with(self, d: FloatArray) -> FloatArray:
        """Sum the squares of the eigenvalues of ``D^½ M D^½``, as `trace_with`; with ``d = w·s`` it is ``tr(P S P S)``.

        Half the variance of ``y'P y`` where y is normal with variances s.
        """
        w = self.w
        if self.basis is None:
            total = np.add.reduce(w, axis=0)
            # Divided before they are multiplied: with the largest effects beside the smallest variances the square of
            # the sum leaves the range of doubles.
            products = d * (w / total)
            return np.asarray(
                ((d * (self._others / total)) ** 2).sum(axis=0) + (products * sum_of_others(products)).sum(axis=0)
            )
        q = self._rows
        p, k, _ = q.shape
        weights = d.reshape(k, -1)
        # Σ_{i≠j} d_i d_j (q_i·q_j)²: for each i the sum over all j less its own term, unless that is most of it.
        inner = [[_dot_columns(weights * q[a], q[b]) for b in range(a + 1)] for a in range(p)]
        whole = np.zeros(weights.shape)
        for a in range(p):
            for b in range(a + 1):
                whole += q[a] * q[b] * (inner[a][b] if a == b else 2.0 * inner[a][b])
        own = weights * (q * q).sum(axis=0) ** 2
        others = whole - own
        i, g = np.nonzero(own > _MOST * whole)
        products = _products_with(q, i, g) ** 2 * weights[:, g]
        products[i, np.arange(i.size)] = 0.0
        others[i, g] = products.sum(axis=0)
        between = (weights * others).sum(axis=0).reshape(w.shape[1:])
        return np.asarray(((d * self.deleted_leverages) ** 2).sum(axis=0) + between)

    @cached_property
    def leverages(self) -> FloatArray:
        """Diagonal of the hat matrix, shape as y."""
        if self.basis is None:
            return np.asarray(self.w / self.w.sum(axis=0))
        return np.asarray((self._rows**2).sum(axis=0).reshape(self.w.shape))

    @cached_property
    def deleted_leverages(self) -> FloatArray:
        """One minus each leverage, to full relative accuracy also where the leverage is almost one."""
        if self.basis is None:
            return np.asarray(self._others / self.w.sum(axis=0))
        q = self._rows
        leverage = (q * q).sum(axis=0)
        rest = 1.0 - leverage
        # Leverages add up to p, so few of them come near one; only those lose digits in 1 - h.
        i, g = np.nonzero(leverage > _MOST)
        inner = _products_with(q, i, g)
        inner[i, np.arange(i.size)] = rest[i, g]
        rest[i, g] = (inner * inner).sum(axis=0)
        return np.asarray(rest.reshape(self.w.shape))

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


def _products_with(q: FloatArray, i: IntArray, g: IntArray) -> FloatArray:
    """Multiply rows i of the analyses g with all rows of theirs, ``(k, n)``."""
    made = np.zeros((q.shape[1], i.size))
    for row in q:
        made += row[:, g] * row[i, g]
    return made


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
    mean = np.asarray(first + step)
    if y.shape[0]:
        _clear_equal_effects(y, mean, residuals)
    return WeightedFit(
        w=w,
        coefficients=mean[np.newaxis],
        covariance=np.asarray(1.0 / total)[np.newaxis, np.newaxis],
        residuals=residuals,
        dof=y.shape[0] - 1,
    )


def _clear_equal_effects(y: FloatArray, mean: FloatArray, residuals: FloatArray) -> None:
    """Leave no residuals, in place, where effects do not differ: a rounding of one would pass for variation.

    The mean of equal effects is that effect to the bit, so that no others need a look.
    """
    like_first = mean == y[0]
    if not like_first.any():
        return
    if mean.ndim == 0:
        if (y == mean).all():
            residuals[...] = 0.0
        return
    which = np.nonzero(like_first)[0]
    columns = y if y.ndim > 1 else y[:, np.newaxis]
    same = (columns[:, which if columns.shape[1] > 1 else [0]] == mean[which]).all(axis=0)
    residuals[:, which[same]] = 0.0


def _dot_columns(one: FloatArray, other: FloatArray) -> FloatArray:
    return np.asarray(np.add.reduce(one * other, axis=0))


def _regression(y: FloatArray, w: FloatArray, X: FloatArray) -> WeightedFit:
    k, p = X.shape[:2]
    trailing = y.shape[1:]
    columns = y.reshape(k, -1)
    weights = np.broadcast_to(w.reshape(k, -1), columns.shape)
    design = X.reshape(k, p, -1)
    root = np.sqrt(weights)
    q, r = _orthonormal(root, design)
    inverse = _inverse(r)
    beta = np.zeros((p, columns.shape[1]))
    residuals = columns
    if (X[:, 0] == 1.0).all():
        # Effects far from 0 beside their spread would lose it to the rounding of what is predicted.
        beta[0] = np.add.reduce(columns, axis=0) / k
        residuals = columns - beta[0]
    for _ in range(3):
        step = _products(inverse, _against(q, root * residuals))
        beta += step
        residuals = residuals - _predicted(design, step)
    return WeightedFit(
        w=np.broadcast_to(w, y.shape),
        coefficients=beta.reshape(p, *trailing),
        covariance=np.einsum("acm,bcm->abm", inverse, inverse).reshape(p, p, *trailing),
        residuals=residuals.reshape(y.shape),
        dof=k - p,
        log_det=np.asarray(2.0 * np.log(np.einsum("jjm->jm", r)).sum(axis=0)).reshape(trailing),
        basis=q.transpose(2, 1, 0),
    )


def _orthonormal(root: FloatArray, design: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Factor ``W^½ X`` as QR: Q ``(p, k, m)`` and R ``(p, p, m)``, by Gram and Schmidt with each column taken twice.

    Twice is enough for columns orthogonal to the last bits, if they are independent at all: Giraud, Langou, Rozložník &
    van den Eshof (2005), Numer. Math. 101:87-100. Each study's row is scaled by itself alone, so that small weights
    beside large ones lose nothing, and there is no copy beyond Q.
    """
    k, m = root.shape
    p = design.shape[1]
    q = np.empty((p, k, m))
    r = np.zeros((p, p, m))
    for j in range(p):
        column = q[j]
        np.multiply(root, design[:, j], out=column)
        for _ in range(2 if j else 0):
            step = _against(q[:j], column)
            r[:j, j] += step
            _subtract(column, q[:j], step)
        length = np.sqrt(_dot_columns(column, column))
        r[j, j] = length
        column /= length
    return q, r


def _against(q: FloatArray, column: FloatArray) -> FloatArray:
    """Multiply the columns q ``(j, k, m)`` with another, ``(k, m)``: ``(j, m)``."""
    if column.shape[1] == 1:
        return np.asarray(q[:, :, 0] @ column)
    return np.stack([_dot_columns(one, column) for one in q])


def _subtract(column: FloatArray, q: FloatArray, step: FloatArray) -> None:
    """Take ``Σ q_j step_j`` from a column, in place."""
    if column.shape[1] == 1:
        column -= (step[:, 0] @ q[:, :, 0])[:, np.newaxis]
        return
    for one, part in zip(q, step, strict=True):
        column -= one * part


def _predicted(design: FloatArray, beta: FloatArray) -> FloatArray:
    """Multiply the design ``(k, p, 1 or m)`` with coefficients ``(p, m)``."""
    if beta.shape[1] == 1:
        return np.asarray(design[:, :, 0] @ beta)
    made: FloatArray = design[:, 0] * beta[0]
    for j in range(1, len(beta)):
        made += design[:, j] * beta[j]
    return made


def _products(matrices: FloatArray, vectors: FloatArray) -> FloatArray:
    """Multiply m matrices ``(p, p, m)`` with m vectors ``(p, m)``."""
    if vectors.shape[1] == 1:
        return np.asarray(matrices[:, :, 0] @ vectors)
    return np.asarray(np.einsum("abm,bm->am", matrices, vectors))


def _inverse(r: FloatArray) -> FloatArray:
    """Invert m triangles R ``(p, p, m)`` by substitution."""
    p = len(r)
    if r.shape[2] == 1:
        return np.asarray(np.linalg.inv(r[:, :, 0])[:, :, np.newaxis], dtype=np.float64)
    inverse = np.zeros_like(r)
    for j in range(p):
        inverse[j, j] = 1.0 / r[j, j]
        for i in reversed(range(j)):
            inverse[i, j] = -(r[i, i + 1 : j + 1] * inverse[i + 1 : j + 1, j]).sum(axis=0) / r[i, i]
    return inverse
