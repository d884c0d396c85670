"""Pool events over person-time by Mantel and Haenszel: the sums behind rate ratios and rate differences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from evisynth import FloatArray


def rate_ratio(
    x_1: FloatArray, t_1: FloatArray, x_2: FloatArray, t_2: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Give the terms of numerator and denominator and the variance of the logarithm, with the weights.

    Arrays are ``(k,)`` or ``(k, m)``. Source: Greenland & Robins (1985), Biometrics 41:55-68; Rothman, Greenland & Lash
    (2008), Modern Epidemiology, ch. 15.
    """
    total = t_1 + t_2
    r, s = x_1 * t_2 / total, x_2 * t_1 / total
    spread = (x_1 + x_2) * t_1 * t_2 / total**2
    return r, s, spread.sum(axis=0) / (r.sum(axis=0) * s.sum(axis=0)), s


def rate_difference(
    x_1: FloatArray, t_1: FloatArray, x_2: FloatArray, t_2: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give the estimate, its variance and the weights; sources as for the ratio."""
    time = t_1 + t_2
    weights = t_1 * t_2 / time
    total = weights.sum(axis=0)
    estimate = ((x_1 * t_2 - x_2 * t_1) / time).sum(axis=0) / total
    spread = (x_1 * t_2**2 + x_2 * t_1**2) / time**2
    return np.asarray(estimate), spread.sum(axis=0) / total**2, weights
