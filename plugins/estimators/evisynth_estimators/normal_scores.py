"""Give normal quantiles of proportions of counts, and differences of them, to full accuracy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from evisynth import FloatArray

ROOT_TWO_PI = np.sqrt(2 * np.pi)
CENTRAL = 0.5
"""Proportions of which the rest differs by less than this have their quantile from that difference."""
NEAR = 0.2
"""Proportions closer than this, relative to the rarest outcome, have their difference of quantiles integrated."""


def probit(count: FloatArray, rest: FloatArray) -> FloatArray:
    """Give Φ⁻¹(count/(count + rest)), without loss near a half and near 1; infinite where one of them is 0."""
    from scipy.special import erfinv, ndtri  # noqa: PLC0415 - scipy comes with the first fit

    total = count + rest
    gap = (count - rest) / total
    tail = ndtri(np.minimum(count, rest) / total)
    return np.where(np.abs(gap) < CENTRAL, np.sqrt(2.0) * erfinv(gap), np.where(count < rest, tail, -tail))


def probit_difference(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> FloatArray:
    """Give Φ⁻¹(a/(a + b)) - Φ⁻¹(c/(c + d)); where the two are near, as the integral of 1/φ(Φ⁻¹(p)) between them.

    Gauss–Legendre quadrature with 8 points is exact to rounding there, and the difference of proportions comes of an
    integer cross-product.
    """
    made = np.asarray(probit(a, b) - probit(c, d))
    n_1, n_2 = a + b, c + d
    delta = np.asarray((a * d - b * c) / (n_1 * n_2))
    least = np.minimum(np.minimum(a, b) / n_1, np.minimum(c, d) / n_2)
    near = np.abs(delta) < NEAR * least
    if near.any():
        nodes, weights = np.polynomial.legendre.leggauss(8)
        # Proportions are taken on the side of the rarer outcome, where nothing is lost.
        rare = (c <= d)[near]
        start, step = np.where(rare, (c / n_2)[near], (d / n_2)[near]), np.where(rare, delta[near], -delta[near])
        total = np.zeros(step.shape)
        for node, weight in zip(nodes.tolist(), weights.tolist(), strict=True):
            p = start + step * (node + 1) / 2
            z = probit(p, 1 - p)
            total += weight / 2 * np.exp(z * z / 2)
        made[near] = ROOT_TWO_PI * delta[near] * total
    return made
