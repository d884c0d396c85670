"""Integrate a normal density over parts of the z axis, and lay out the nodes where a weight varies.

With z = y/SE the standard deviation of z is never below 1 (1 + τ²/v is its variance), so that fixed nodes serve where
the weight varies; where it is constant the nodes follow the density.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import attrs
import numpy as np

if TYPE_CHECKING:
    from evisynth import FloatArray

NODES = 16
PANELS = 4
_DROP = 80.0
"""Twice the logarithm of what the density has lost where an integral ends."""
_CONSTANT = 8.5
"""Beyond this z, p or 1 - p is below the rounding of 1."""
_BEND = 5.0
_OUTER = 12.0


@lru_cache(maxsize=4)
def legendre(panels: int) -> tuple[FloatArray, FloatArray]:
    """Give nodes and weights of Gauss–Legendre quadrature in equal panels of [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    inner, shares = 0.5 * (nodes + 1.0), 0.5 * weights
    starts = np.arange(panels)[:, np.newaxis]
    return ((starts + inner) / panels).ravel(), np.tile(shares / panels, panels)


def region_moments(low: FloatArray, high: FloatArray, q: FloatArray, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Integrate exp(-q d²/2 + η d) over d from ``low`` to ``high``, either of which may be infinite.

    ``low`` and ``high`` are ``(k, r)``, q and η ``(k,)``. Returns the logarithms of the integrals, ``(k, r)``, and the
    means of d, d², d³ and d⁴, ``(4, k, r)``. Gauss–Legendre quadrature over the part within exp(-40) of the largest
    value; the exponent is taken relative to that value without a difference of large numbers.
    """
    q, eta = q[:, np.newaxis], eta[:, np.newaxis]
    if low.shape[1] == 1 and np.isneginf(low).all() and np.isposinf(high).all():
        return _whole_line(q, eta)
    with np.errstate(over="ignore"):
        peak = eta / q
    top = np.clip(peak, low, high)
    slope = np.where(top == peak, 0.0, q * top - eta)
    right = _DROP / (np.maximum(slope, 0.0) + np.sqrt(slope * slope + _DROP * q))
    left = _DROP / (np.maximum(-slope, 0.0) + np.sqrt(slope * slope + _DROP * q))
    start, end = np.maximum(low, top - left), np.minimum(high, top + right)
    nodes, weights = legendre(PANELS)
    away = (start - top)[..., np.newaxis] + (end - start)[..., np.newaxis] * nodes
    density = np.exp(-away * (0.5 * q[..., np.newaxis] * away + slope[..., np.newaxis])) * weights
    d = top[..., np.newaxis] + away
    total = density.sum(axis=-1)
    square = d * d
    share = density / total[..., np.newaxis]
    means = np.stack([(share * part).sum(axis=-1) for part in (d, square, square * d, square * square)])
    with np.errstate(divide="ignore"):
        log_total = np.log(total * (end - start)) - top * (0.5 * q * top - eta)
    return np.asarray(log_total), means


def _whole_line(q: FloatArray, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
    mean, variance = eta / q, 1.0 / q
    square = mean * mean
    log_total = 0.5 * (np.log(2.0 * math.pi * variance) + eta * mean)
    means = np.stack(
        [
            mean,
            square + variance,
            mean * (square + 3.0 * variance),
            square * square + 3.0 * variance * (2.0 * square + variance),
        ]
    )
    return np.asarray(log_total), means


@attrs.frozen(eq=False)
class Layout:
    """Hold nodes of the z axis where a weight varies, and the parts where it is constant.

    ``z`` and ``weights`` are ``(n,)``, ``regions`` ``(r, 2)`` with a z of each in ``inside``.
    """

    z: FloatArray
    weights: FloatArray
    regions: FloatArray
    inside: FloatArray


def layout(*, two_sided: bool, low: float, high: float, reach: float, width: float = 1.0) -> Layout:
    """Lay out nodes for a weight that varies where ``low`` < p < 1 - ``high`` and is constant elsewhere.

    ``reach`` is the z beyond which a weight that is not kept constant there has come to its limit.
    """
    from scipy.special import ndtri  # noqa: PLC0415 - scipy comes with the first fit

    share = 0.5 if two_sided else 1.0
    upper = float(-ndtri(share * low)) if low > 0.0 else reach
    inner = 0.0
    if two_sided:
        inner = float(ndtri(0.5 + 0.5 * high)) if high > 0.0 else 0.0
        half = _edges(inner, upper, width)
        panels = [*(-half[::-1] if inner > 0.0 else -half[:0:-1]), *half]
        cuts = np.array(panels)
        centre = [[-inner, inner]] if inner > 0.0 else []
        regions = np.array([[-np.inf, -upper], [upper, np.inf], *centre])
        inside = np.array([-upper, upper, *([0.0] if centre else [])])
    else:
        lower = float(ndtri(high)) if high > 0.0 else -_CONSTANT
        cuts = _edges(lower, upper, width)
        regions = np.array([[-np.inf, lower], [upper, np.inf]])
        inside = np.array([lower, upper])
    starts, sizes = cuts[:-1], np.diff(cuts)
    if inner > 0.0:
        gap = (len(cuts) - 1) // 2
        starts, sizes = np.delete(starts, gap), np.delete(sizes, gap)
    nodes, weights = legendre(1)
    z = (starts[:, np.newaxis] + sizes[:, np.newaxis] * nodes).ravel()
    return Layout(z, (sizes[:, np.newaxis] * weights).ravel(), regions, inside)


def _edges(low: float, high: float, width: float) -> FloatArray:
    """Give the ends of panels: of ratio 4 from a small ``low``, even around 0, wider far out."""
    found: list[float] = [low]
    while 0.0 < found[-1] < 0.1:  # noqa: PLR2004 - from where even panels resolve a power of z
        found.append(min(4.0 * found[-1], high))
    for until, step in ((_BEND, width), (_OUTER, 1.5 * width), (np.inf, 4.0 * width)):
        start, end = found[-1], min(high, until)
        if end > start:
            count = int(np.ceil((end - start) / step))
            found.extend(float(cut) for cut in np.linspace(start, end, count + 1)[1:])
    return np.array(found)


def constant_from(largest: float) -> float:
    """Give the z from which p times ``largest`` is below the rounding of 1."""
    from scipy.special import ndtri_exp  # noqa: PLC0415 - scipy comes with the first fit

    return max(_CONSTANT, -float(ndtri_exp(-37.0 - math.log(max(largest, 1.0)))))
