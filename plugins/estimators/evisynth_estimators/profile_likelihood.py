"""Bound τ² by the values whose profile likelihood is near enough to its maximum."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import (
    Fit,
    FloatArray,
    IntArray,
    Limits,
    Tau2Interval,
    WeightedFit,
    bracketed_roots,
    chi2_quantile,
    design_of,
    falling_roots,
    hookimpl,
    power_of_two_scale,
    reasoned_limits,
    weighted_fit,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

APART = "the likelihood is near enough to its maximum in separate ranges of τ²: the limits are those of the outermost"
UNBOUNDED = "no τ² within the range of numbers is too large for these effects"
_STEP = 0.5
"""Spacing of the grid in log τ²: the slope has no feature narrower than about one there."""
_LEAST_POINTS = 16
_ZOOMS = 8
_BETWEEN = np.array([[0.25], [0.5], [0.75]])


def profile_likelihood(fit: Fit, level: float, *, estimator: str = "REML") -> Limits:
    """Collect every τ² whose log-likelihood is within half a χ² quantile (one degree of freedom) of the maximum.

    The likelihood is the plain one beside the ``estimator`` ML and the restricted one beside all others, and its
    maximum the global one. All crossings are found; where they bound separate ranges, the limits are those of the hull
    and there is a reason.
    """
    scale = power_of_two_scale(fit.v)
    square = np.asarray(scale * scale)
    k = fit.k
    curve = _Curve((fit.y / scale).reshape(k, -1), (fit.v / square).reshape(k, -1), fit.X, estimator != "ML")
    low, high, ranges = _hull(curve, 0.5 * chi2_quantile(1.0 - level, 1.0))
    shape = fit.tau2.shape
    low, high = low.reshape(shape) * square, high.reshape(shape) * square
    apart = (ranges > 1).reshape(shape)
    return reasoned_limits(low, high, (np.isinf(high), UNBOUNDED), (apart, APART))


@attrs.frozen(eq=False, slots=False)  # a plain dictionary serves the cached property
class _Curve:
    """The profile log-likelihoods of m analyses, ``y`` and ``v`` ``(k, m)``, up to constants."""

    y: FloatArray
    v: FloatArray
    X: FloatArray
    restricted: bool

    def _fit(self, tau2: FloatArray, which: IntArray) -> tuple[WeightedFit, FloatArray]:
        total = self.v[:, which] + tau2
        design = self.X[:, :, 0] if self.X.shape[2:] == (1,) else design_of(self.X, which)
        return weighted_fit(self.y[:, which], 1.0 / total, design), total

    def both(self, tau2: FloatArray, which: IntArray) -> tuple[FloatArray, FloatArray]:
        """Give the log-likelihood and twice its slope."""
        fit, total = self._fit(tau2, which)
        pull = fit.w * fit.residuals
        push = fit.trace if self.restricted else fit.w.sum(axis=0)
        return self._height(fit, total), np.asarray((pull * pull).sum(axis=0) - push)

    def height(self, tau2: FloatArray, which: IntArray) -> FloatArray:
        return self._height(*self._fit(tau2, which))

    def slope(self, tau2: FloatArray, which: IntArray) -> FloatArray:
        return self.both(tau2, which)[1]

    def _height(self, fit: WeightedFit, total: FloatArray) -> FloatArray:
        log_det = fit.log_det if self.restricted else 0.0
        return np.asarray(-0.5 * (np.log(total).sum(axis=0) + fit.rss + log_det))

    @cached_property
    def bound(self) -> FloatArray:
        """Where the likelihood falls for good, ``max(max v, 2 RSS/(k - p))``, or with k for k - p."""
        k, p = self.X.shape[:2]
        design = self.X[:, :, 0] if self.X.shape[2:] == (1,) else self.X
        rss = weighted_fit(self.y, np.ones_like(self.v), design).rss
        return np.asarray(np.maximum(self.v.max(axis=0), 2.0 * rss / (k - p if self.restricted else k)))


def _hull(curve: _Curve, drop: float) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
    """Give the smallest and the largest τ² of every set, and of how many ranges it is made, each ``(m,)``."""
    m = curve.y.shape[1]
    owner, tau2, height = _outline(curve)
    best = np.full(m, -np.inf)
    np.maximum.at(best, owner, height)
    gap = height - (best - drop)[owner]
    last = np.append(owner[1:] != owner[:-1], True)
    first = np.append(True, last[:-1])
    # Between neighbours the curve rises or falls throughout, so that a change of sign is one crossing.
    step = np.nonzero((gap[:-1] >= 0.0) != (gap[1:] >= 0.0))[0]
    step = step[~last[step]]

    def above(x: FloatArray, which: IntArray) -> FloatArray:
        return np.asarray(curve.height(x, owner[step[which]]) - (best - drop)[owner[step[which]]])

    root = bracketed_roots(above, tau2[step], tau2[step + 1], gap[step], gap[step + 1])
    rises = gap[step] < 0.0
    low = np.where(gap[first] >= 0.0, 0.0, np.inf)
    np.minimum.at(low, owner[step[rises]], root[rises])
    high = np.zeros(m)
    np.maximum.at(high, owner[step[~rises]], root[~rises])
    ranges = np.bincount(owner[step[rises]], minlength=m) + (gap[first] >= 0.0)
    beyond = np.nonzero(gap[last] >= 0.0)[0]
    start = curve.bound[beyond]

    def further(x: FloatArray, which: IntArray) -> FloatArray:
        return np.asarray(curve.height(start[which] + x, beyond[which]) - (best - drop)[beyond[which]])

    # On the bound itself a rounding must not hide that the curve is still near enough.
    high[beyond] = start + falling_roots(further, gap[last][beyond], start)
    return low, high, ranges


def _outline(curve: _Curve) -> tuple[IntArray, FloatArray, FloatArray]:
    """List points between which every curve rises or falls throughout: owners, τ² and heights, in order of both.

    They are those of a grid from 0 over a quarter of the smallest variance to the bound, points ever nearer to where
    the slope turns back before it is 0, and all maxima and minima.
    """
    m = curve.y.shape[1]
    everything = np.arange(m, dtype=np.int64)
    bottom = curve.v.min(axis=0) / 4.0
    ratio = curve.bound / bottom
    points = max(_LEAST_POINTS, math.ceil(math.log(ratio.max()) / _STEP) + 1)
    grid = np.vstack([np.zeros(m), bottom * ratio ** np.linspace(0.0, 1.0, points)[:, np.newaxis]])
    known = [curve.both(row, everything) for row in grid]
    owner, tau2 = np.repeat(everything, len(grid)), grid.T.ravel()
    height, slope = (np.vstack(part).T.ravel() for part in zip(*known, strict=True))
    unit = 4.0 * bottom
    for _ in range(_ZOOMS):
        left = _turns(owner, tau2, slope, unit)
        if not left.size:
            break
        shift = unit[owner[left]]
        low, high = tau2[left] + shift, tau2[left + 1] + shift
        more = (low * (high / low) ** _BETWEEN - shift).ravel()
        whose = np.tile(owner[left], len(_BETWEEN))
        more_height, more_slope = curve.both(more, whose)
        owner, tau2 = np.concatenate([owner, whose]), np.concatenate([tau2, more])
        height, slope = np.concatenate([height, more_height]), np.concatenate([slope, more_slope])
        order = np.lexsort((tau2, owner))
        owner, tau2, height, slope = owner[order], tau2[order], height[order], slope[order]
    step = np.nonzero(((slope[:-1] > 0.0) != (slope[1:] > 0.0)) & (owner[:-1] == owner[1:]))[0]
    turning = owner[step]
    ends = (tau2[step], tau2[step + 1], slope[step], slope[step + 1])
    root = bracketed_roots(lambda x, which: curve.slope(x, turning[which]), *ends)
    owner, tau2 = np.concatenate([owner, turning]), np.concatenate([tau2, root])
    height = np.concatenate([height, curve.height(root, turning)])
    order = np.lexsort((tau2, owner))
    return owner[order], tau2[order], height[order]


def _turns(owner: IntArray, tau2: FloatArray, slope: FloatArray, unit: FloatArray) -> IntArray:
    """List the cells, by their left points, beside one where the slope is nearest to 0 and of one sign around it.

    Times ``τ² + min v`` the slope is of one size over the whole grid.
    """
    size = np.abs(slope * (tau2 + unit[owner]))
    same = ((slope[:-1] > 0.0) == (slope[1:] > 0.0)) & (owner[:-1] == owner[1:])
    before, after = np.append(False, same), np.append(same, False)
    left, right = np.append(np.inf, size[:-1]), np.append(size[1:], np.inf)
    inner = before & after & (size <= np.minimum(left, right)) & (2.0 * size <= np.maximum(left, right))
    # The first cell has no point to its left.
    first = np.append(True, owner[1:] != owner[:-1]) & after & (2.0 * size <= right)
    at = np.nonzero(inner | first)[0]
    return np.unique(np.concatenate([at, np.nonzero(inner)[0] - 1])).astype(np.int64)


@hookimpl
def tau2_intervals() -> list[Tau2Interval]:
    """Offer the profile likelihood interval."""
    return [
        Tau2Interval(
            "PL",
            profile_likelihood,
            formula="{τ²: ℓ(τ²) ≥ max ℓ - ½ χ²(1; level)}",
            reference="Hardy & Thompson (1996), Stat. Med. 15:619-629; of the restricted likelihood: Viechtbauer "
            "(2007), Stat. Med. 26:37-52",
            r_equivalent="metafor::confint(res, type='PL')",
        )
    ]
