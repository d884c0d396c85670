"""Give tail probabilities of quadratic forms of normal variables, which are weighted sums of χ² variables.

The probability is the integral of the moment generating function along a parabola about its singularities, by the
trapezoidal rule, which converges geometrically there. Nothing is factored and no eigenvalue is computed: the
determinant that the function is made of costs O(k p²), also for a million studies.

Sources: Imhof (1961), Biometrika 48:419-426 (the integral); Weideman & Trefethen (2007), Math. Comp. 76:1341-1356
(the parabola).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evisynth.kernels.arrays import FloatArray
    from evisynth.kernels.weighted_fit import WeightedFit

    ComplexArray: TypeAlias = NDArray[np.complex128]

_ROUNDING = 39.0
"""exp(-39) is below a rounding: by that much the trapezoidal rule errs."""
_NOTHING = 1e-19
"""The sum ends with terms below this."""
_MOST_NODES = 4096
_BLOCK = 32
_CHUNK = 1 << 20
"""Nodes, and complex numbers, at a time."""


def quadratic_form_tail(q: FloatArray, fit: WeightedFit, variances: FloatArray) -> FloatArray:
    """Give the probability that ``y'P y`` exceeds ``q > 0`` where y is normal with ``variances``.

    P is that of a `WeightedFit` of any weights; ``variances`` are shaped as its w, q and the result ``()`` or
    ``(m,)``. The error is a few roundings of 1, and of the probability itself where q is above its mean.
    """
    d = (fit.w * variances).reshape(len(fit.w), -1)
    m = d.shape[1]
    target = np.broadcast_to(np.reshape(q, -1), (m,))
    mean = fit.trace_with(fit.w * variances).reshape(-1)
    square = fit.trace_squared_with(fit.w * variances).reshape(-1)
    below = target < mean
    # The largest eigenvalue is at most this; the singularities are a pole at 0 and a cut from 0.5/bound or later.
    bound = np.minimum(d.max(axis=0), np.sqrt(square))
    right, left = _stationary(mean, target, bound)
    crossing = np.where(below, left, right)
    focus = 0.5 / bound
    gap = focus - crossing
    # How near the singularities are bounds the step, and so does how fast the integrand falls at first.
    strip = np.minimum(np.abs(np.sqrt(focus / gap) - 1.0), 1.0)
    flat = np.where(below, _curvature_below(d, left), 2.0 * square / (1.0 - 2.0 * right * bound) ** 2)
    step = np.minimum(2.0 * math.pi * strip / _ROUNDING, 0.35 / (gap * np.sqrt(flat + 1.0 / crossing**2)))
    total = np.zeros(m)
    at_once = min(max(1, _CHUNK // d.size), _BLOCK)
    for first in range(0, _MOST_NODES, at_once):
        x = (np.arange(first, first + at_once)[:, np.newaxis] + 0.5) * step
        turn = 1.0 - 1j * x
        s = focus - gap * turn * turn
        factors = 1.0 - 2.0 * s[:, np.newaxis, :] * d
        log_det = np.log(factors).sum(axis=1) + _log_det_of_projection(factors, fit)
        terms = np.exp(-0.5 * log_det - s * target) / s * turn * (gap * step)
        total += terms.real.sum(axis=0)
        if (np.abs(terms[-1]) < _NOTHING).all():
            break
    integral = 2.0 / math.pi * total
    # Left of the pole at 0 the integral lacks its residue, 1.
    return np.asarray(np.clip(below + integral, 0.0, 1.0).reshape(fit.w.shape[1:]))


def _stationary(mean: FloatArray, target: FloatArray, bound: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Say where on the real axis the integrand would rest if all eigenvalues were the bound: above and below 0.

    The two solve ``mean/(1 - 2 s bound) = target + 1/s``, a quadratic equation, here without cancellation.
    """
    half = mean - target + 2.0 * bound
    root = np.sqrt(half * half + 8.0 * bound * target)
    product = -0.5 / (bound * target)
    far = np.where(half > 0.0, -(half + root), root - half) / (4.0 * bound * target)
    near = product / far
    return np.maximum(far, near), np.minimum(far, near)


def _curvature_below(d: FloatArray, s: FloatArray) -> FloatArray:
    """Bound the second derivative of the cumulant function at ``s < 0``; eigenvalues interlace with the d."""
    return np.asarray((2.0 * (d / (1.0 - 2.0 * s * d)) ** 2).sum(axis=0))


def _log_det_of_projection(factors: ComplexArray, fit: WeightedFit) -> ComplexArray:
    """Give log det Q'(I - 2sD)⁻¹Q, ``(nodes, m)``, on the sheet that is real on the real axis.

    Q holds the orthonormal columns of ``W^½ X``. Off the axis all eigenvalues lie on one side of it, so their principal
    logarithms add up to that sheet.
    """
    inverse = 1.0 / factors
    if fit.basis is None:
        shares = (fit.w / fit.w.sum(axis=0)).reshape(len(fit.w), -1)
        return np.asarray(np.log((inverse * shares).sum(axis=1)))
    form: ComplexArray = np.einsum("gki,nkg,gkj->ngij", fit.basis, inverse, fit.basis)
    return np.asarray(np.log(np.asarray(np.linalg.eigvals(form), dtype=np.complex128)).sum(axis=2))
