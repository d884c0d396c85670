"""Give tails of the normal distribution beyond a point, given that a cut was passed, without cancellation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from evisynth import BoolArray, FloatArray

_FAR = 6.0
"""From where the continued fraction serves."""
_LEVELS = 20
"""Its levels: the error of n of them falls as exp(-x√(2n))."""
_ROOT_HALF = math.sqrt(0.5)
_ROOT_2_BY_PI = math.sqrt(2.0 / math.pi)


def log_conditional_tail(above: FloatArray, cut: FloatArray) -> FloatArray:
    """Give the logarithm of P(Z ≥ cut + above | Z ≥ cut) for a standard normal Z and ``above`` ≥ 0.

    Far in the upper tail both probabilities are ``½ exp(-x²/2) erfcx(x/√2)``, and the exponents are subtracted as
    ``-above (2 cut + above)/2`` instead of after they were computed.
    """
    from scipy.special import erfcx, log_ndtr  # noqa: PLC0415 - scipy comes with the first fit

    point = cut + above
    high = cut > 0.0
    near = np.where(high, cut, 0.0)
    far = np.where(high, point, 0.0)
    scaled = -0.5 * above * (near + far) + np.log(erfcx(far * _ROOT_HALF) / erfcx(near * _ROOT_HALF))
    return np.asarray(np.where(high, scaled, log_ndtr(-point) - log_ndtr(-cut)), dtype=np.float64)


def hazard(x: FloatArray) -> FloatArray:
    """Give the hazard of a standard normal, its density by its upper tail."""
    from scipy.special import erfcx  # noqa: PLC0415 - scipy comes with the first fit

    with np.errstate(over="ignore"):
        return np.asarray(_ROOT_2_BY_PI / erfcx(np.asarray(x) * _ROOT_HALF), dtype=np.float64)


def mean_excess(x: FloatArray) -> FloatArray:
    """Give the mean of Z - x given Z ≥ x, ``hazard(x) - x``, without cancellation far out."""
    far, first, _ = _fractions(x)
    return np.asarray(np.where(far, first, hazard(x) - x))


def truncated_variance(x: FloatArray) -> FloatArray:
    """Give the variance of Z given Z ≥ x, ``1 - hazard(x) (hazard(x) - x)``, without cancellation far out."""
    far, first, second = _fractions(x)
    rate = np.where(far, 0.0, hazard(x))
    return np.asarray(np.where(far, first * (second - first), 1.0 - rate * (rate - np.where(far, 0.0, x))))


def _fractions(x: FloatArray) -> tuple[BoolArray, FloatArray, FloatArray]:
    """Give ``m = 1/(x + t)`` and ``t = 2/(x + 3/(x + …))``, for which hazard(x) = x + m (Laplace).

    Source: Abramowitz & Stegun (1964), 26.2.14.
    """
    far = np.asarray(x) > _FAR
    point = np.where(far, x, _FAR)
    second = np.zeros_like(point)
    for level in range(_LEVELS, 1, -1):
        second = level / (point + second)
    return far, 1.0 / (point + second), second


def log_complement(log_p: FloatArray) -> FloatArray:
    """Give ln(1 - p) from ln p, where either may be near 0."""
    with np.errstate(divide="ignore"):
        return np.asarray(
            np.where(log_p > -math.log(2.0), np.log(-np.expm1(log_p)), np.log1p(-np.exp(log_p))), dtype=np.float64
        )
