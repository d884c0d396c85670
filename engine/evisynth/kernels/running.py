"""Add studies one by one: weighted means, Q and moment estimates of τ² of every prefix, by sums that only grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from evisynth.kernels.arrays import FloatArray, IntArray

_HALF = 0.5
_TILE = 1 << 17
"""Numbers in one block."""


def running_mean(y: FloatArray, w: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give the sum of weights, the weighted mean and the residual sum of squares of every prefix, each ``(k,)``.

    Source: West (1979), Commun. ACM 22:532-535.
    """
    total = np.cumsum(w)
    means: list[float] = []
    squares: list[float] = []
    # The mean in two parts, so that gaps keep their digits however far from 0 the effects are.
    mean, rest, rss, before = 0.0, 0.0, 0.0, 0.0
    for one, weight, after in zip(y.tolist(), w.tolist(), total.tolist(), strict=True):
        gap = (one - mean) - rest
        share = weight / after
        rss += before * share * gap * gap
        # From the heavier side, so that a light outlier that came first leaves no rounding behind.
        mean, rest = _sum(mean, rest + share * gap) if share <= _HALF else _sum(one, -(before / after) * gap)
        before = after
        means.append(mean)
        squares.append(rss)
    return total, np.array(means), np.array(squares)


def _sum(one: float, other: float) -> tuple[float, float]:
    """Add two numbers and tell what rounding took. Source: Knuth (1997), TAOCP 2, 3rd ed., §4.2.2."""
    total = one + other
    back = total - one
    return total, (one - (total - back)) + (other - back)


def running_moment_tau2(y: FloatArray, v: FloatArray, a: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Match ``Σ a (y - ȳ_a)²`` to its expectation in every prefix; also gives ``Σ a (1 - a/A)``. NaN for one study.

    All ``(k,)``, not truncated. Source: DerSimonian & Kacker (2007), Contemp. Clin. Trials 28:105-114, eq. 6.
    """
    total, _, rss = running_mean(y, a)
    before = np.concatenate(([0.0], total[:-1]))
    heavy = a * v
    heavy_before = np.concatenate(([0.0], np.cumsum(heavy)[:-1]))
    trace = np.cumsum(2.0 * a * before) / total
    expected = np.cumsum(heavy * before + a * heavy_before) / total
    with np.errstate(divide="ignore", invalid="ignore"):
        return (rss - expected) / trace, trace


def prefix_means(
    y: FloatArray, v: FloatArray, sizes: IntArray, tau2: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give total weight, mean and residual sum of squares of prefixes with weights ``1/(v + tau2)`` of their own.

    y and v are ``(k,)``; sizes and tau2 ``(n,)``, sizes rising. Costs n·k evaluations in tiles.
    """
    total, mean, rss = np.empty(sizes.size), np.empty(sizes.size), np.empty(sizes.size)
    start = 0
    while start < sizes.size:
        width = max(1, _TILE // int(sizes[start]))
        part = slice(start, start + width)
        length = int(sizes[part][-1])
        inside = np.arange(length)[:, np.newaxis] < sizes[part]
        w = np.where(inside, 1.0 / (v[:length, np.newaxis] + tau2[part]), 0.0)
        whole = w.sum(axis=0)
        first = (w * y[:length, np.newaxis]).sum(axis=0) / whole
        gap = y[:length, np.newaxis] - first
        step = (w * gap).sum(axis=0) / whole
        gap = gap - step
        total[part], mean[part], rss[part] = whole, first + step, (w * gap * gap).sum(axis=0)
        start += width
    return total, mean, rss
