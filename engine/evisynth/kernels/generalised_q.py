"""Find the τ² at which the generalised Q takes a given value: the one equation of Paule–Mandel and Q-profile.

``Q(τ²) = y'P y`` with weights ``1/(v + τ²)`` is ``Σ c_j²/(λ_j + τ²)`` over the k - p eigenvalues ``λ_j > 0`` of the
variances seen in the space of the residuals. So ``1/Q`` rises and is concave, and Newton's method for it never
overshoots: from the second step on it climbs to the root and stops where rounding stops it. That is the device of Moré
& Sorensen (1983), SIAM J. Sci. Stat. Comput. 4:553-572, for the like equation of a trust region.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth.kernels.few_studies import FEW, FewStudies
from evisynth.kernels.many_studies import ManyStudies, many_studies
from evisynth.kernels.weighted_fit import design_of, is_intercept, weighted_fit

if TYPE_CHECKING:
    from evisynth.kernels.arrays import FloatArray

MAX_STEPS = 200
_RESOLUTION = float(np.finfo(np.float64).eps)
_COMPRESS = 0.5
"""Share of analyses still moving below which the others are laid aside."""


def generalised_q_root(
    y: FloatArray, v: FloatArray, X: FloatArray, target: FloatArray | float, start: FloatArray | None = None
) -> FloatArray:
    """Find τ² ≥ 0 with Q(τ²) equal to a positive target, 0 where Q(0) is not above it.

    ``y`` and ``v`` are ``(k,)`` or ``(k, m)`` with k > p, ``X`` ``(k, p)`` or ``(k, p, m)``, target and ``start`` (a
    guess) ``()`` or ``(m,)``; so is the root.
    """
    if y.ndim == 1:
        few = y.size <= FEW and is_intercept(X)
        begin = 0.0 if start is None else float(start)
        form = FewStudies(y, v) if few else many_studies(y, v, X)
        if form is not None:
            return np.asarray(_single(form, float(target), begin))
        return np.asarray(_many(y[:, np.newaxis], v[:, np.newaxis], X, np.full(1, target), np.full(1, begin))[0])
    m = y.shape[1]
    begin_at = np.zeros(m) if start is None else np.broadcast_to(start, (m,))
    return _many(y, v, X, np.broadcast_to(np.asarray(target, dtype=np.float64), (m,)), begin_at)


def _single(few: FewStudies | ManyStudies, target: float, begin: float) -> float:
    """Climb in plain floats, or by sums over many studies."""
    q, slope = few.q_and_slope(begin)
    tau2 = _first(begin, q, slope, target)
    if tau2 <= 0.0:
        q, slope = few.q_and_slope(0.0)
        if q <= target:
            return 0.0
        tau2 = _first(0.0, q, slope, target)
    for _ in range(MAX_STEPS):
        q, slope = few.q_and_slope(tau2)
        step = q * (q / target - 1.0) / slope
        if step <= _RESOLUTION * tau2:
            # Near the root a step is as exact as the sums are; beyond it, it goes back by rounding.
            return max(tau2 + step, 0.0)
        tau2 += step
    return tau2


def _first(begin: float, q: float, slope: float, target: float) -> float:
    return begin + q * (q / target - 1.0) / slope if slope > 0.0 else 0.0


def _many(y: FloatArray, v: FloatArray, X: FloatArray, target: FloatArray, begin: FloatArray) -> FloatArray:
    """Climb side by side, laying aside what has arrived."""
    design = X
    tau2 = np.maximum(begin, 0.0).astype(np.float64)
    root = np.zeros_like(tau2)
    which = np.arange(tau2.size, dtype=np.int64)
    moving = np.ones(tau2.size, dtype=np.bool_)
    for count in range(MAX_STEPS):
        q, slope = _q_and_slope(y, v, design, tau2)
        with np.errstate(invalid="ignore", divide="ignore"):
            step = np.where(slope > 0.0, q * (q / target - 1.0) / slope, -tau2)
        # Only the first step may go down, from a guess; later ones do by rounding alone, which is where to stop.
        arrived = step <= _RESOLUTION * tau2 if count else (tau2 == 0.0) & (step <= 0.0)
        tau2 = np.where(moving, np.maximum(tau2 + step, 0.0), tau2)
        moving &= ~arrived
        root[which] = tau2
        left = np.count_nonzero(moving)
        if not left:
            break
        if left < _COMPRESS * moving.size:
            keep = np.nonzero(moving)[0]
            y, v, design = y.take(keep, axis=1), v.take(keep, axis=1), design_of(design, keep)
            tau2, target, which, moving = tau2[keep], target[keep], which[keep], np.ones(keep.size, dtype=np.bool_)
    return root


def _q_and_slope(y: FloatArray, v: FloatArray, X: FloatArray, tau2: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give Q and minus its derivative, ``y'P P y``."""
    fit = weighted_fit(y, 1.0 / (v + tau2), X)
    pull = fit.w * fit.residuals
    q = np.add.reduce(pull * fit.residuals, axis=0)
    pull *= pull
    return np.asarray(q), np.asarray(np.add.reduce(pull, axis=0))
