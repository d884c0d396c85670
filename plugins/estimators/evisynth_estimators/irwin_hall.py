"""Give the distribution of the sum of independent uniform numbers (Irwin–Hall)."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from evisynth import bracketed_root

if TYPE_CHECKING:
    from evisynth import FloatArray


def log_sum_below(total: FloatArray | float, k: int) -> FloatArray:
    """Give the logarithm of the probability that k uniform numbers sum to at most ``total``, of any shape.

    The density of k of them is the cardinal B-spline of order k, ``M₁ = 1`` on [0, 1) and ``Mₙ₊₁(t) = (t Mₙ(t) +
    (n + 1 - t) Mₙ(t - 1))/n``, all of whose terms are positive, and the probability up to x is ``Σⱼ Mₖ₊₁(x - j)``;
    the textbook's alternating sum loses all digits from about k = 20 on. de Boor (1978), A Practical Guide to Splines,
    ch. X. Each step is scaled, so that nothing underflows.
    """
    shape = np.shape(total)
    x = np.asarray(total, dtype=np.float64).reshape(-1)
    found = np.where(x >= k, 0.0, -np.inf)
    inside = (x > 0.0) & (x < k)
    if inside.any():
        found[inside] = _inside(x[inside], k)
    return np.asarray(found.reshape(shape))


def _inside(x: FloatArray, k: int) -> FloatArray:
    t = x[np.newaxis, :] - np.arange(k + 1)[:, np.newaxis]
    spline = ((t >= 0.0) & (t < 1.0)).astype(np.float64)
    log_scale = np.zeros(x.size)
    for n in range(1, k + 1):
        before = np.vstack([spline[1:], np.zeros((1, x.size))])
        # The pieces are non-negative on the support [0, n + 1), and 0 elsewhere.
        spline = (np.maximum(t, 0.0) * spline + np.maximum(n + 1 - t, 0.0) * before) / n
        top = spline.max(axis=0)
        spline /= top
        log_scale += np.log(top)
    return np.asarray(np.log(spline.sum(axis=0)) + log_scale)


@lru_cache(maxsize=1024)
def sum_quantile(p: float, k: int) -> float:
    """Give the total below which k uniform numbers sum with probability ``p``."""
    half = 0.5
    if p >= half:
        return 0.5 * k if p == half else k - sum_quantile(1.0 - p, k)
    target = math.log(p)

    def beyond(x: float) -> float:
        return float(log_sum_below(x, k)) - target

    # Up to 1 the probability is x^k/k!.
    low = min(0.5, 0.5 * math.exp((target + math.lgamma(k + 1.0)) / k))
    return bracketed_root(beyond, low, 0.5 * k, beyond(low), beyond(0.5 * k))
