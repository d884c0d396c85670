"""Give quantiles and tail probabilities of the three distributions that meta-analysis needs.

``scipy.special`` costs a thirtieth of ``scipy.stats`` a call; it is imported at the first use, not with the package.
Tail probabilities also come as logarithms, which do not underflow.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from evisynth.kernels.arrays import FloatArray

_LOG_2 = math.log(2.0)
_SMALL_P = 1e-250


@lru_cache(maxsize=256)
def normal_quantile(level: float) -> float:
    """Give z so that a standard normal lies within ±z with probability ``level``."""
    from scipy.special import ndtri  # noqa: PLC0415 - scipy comes with the first fit

    return float(-ndtri(0.5 * (1.0 - level)))


@lru_cache(maxsize=1024)
def t_quantile(level: float, df: float) -> float:
    """Give t so that Student's t with ``df`` degrees of freedom lies within ±t with probability ``level``."""
    from scipy.special import stdtrit  # noqa: PLC0415 - scipy comes with the first fit

    return float(-stdtrit(df, 0.5 * (1.0 - level)))


@lru_cache(maxsize=1024)
def chi2_quantile(upper_tail: float, df: float) -> float:
    """Give the χ² value with ``upper_tail`` probability above it."""
    from scipy.special import chdtri  # noqa: PLC0415 - scipy comes with the first fit

    return float(chdtri(df, upper_tail))


def chi2_p_value(q: FloatArray | float, df: FloatArray | float) -> FloatArray:
    """Give the probability that χ² with ``df`` degrees of freedom exceeds ``q``."""
    from scipy.special import chdtrc  # noqa: PLC0415 - scipy comes with the first fit

    return np.asarray(chdtrc(df, q), dtype=np.float64)


def normal_p_value(z: FloatArray | float) -> tuple[FloatArray, FloatArray]:
    """Give the two-sided p-value of ``z`` and its natural logarithm."""
    from scipy.special import log_ndtr  # noqa: PLC0415 - scipy comes with the first fit

    log_p = np.asarray(log_ndtr(-np.abs(z)) + _LOG_2, dtype=np.float64)
    return np.exp(log_p), log_p


def t_p_value(t: FloatArray | float, df: float) -> tuple[FloatArray, FloatArray]:
    """Give the two-sided p-value of Student's ``t`` and its natural logarithm.

    Where ``p = I_x(df/2, 1/2)``, ``x = df/(df + t²)``, underflows, the logarithm is that of the series
    ``I_x(a, b) = x^a (1-x)^b / (a B(a, b)) · ₂F₁(a+b, 1; a+1; x)`` (DLMF 8.17.8).
    """
    from scipy.special import betaln, hyp2f1, stdtr  # noqa: PLC0415 - scipy comes with the first fit

    # The tail of the distribution itself: I_x is short of digits where t is small and x rounds to almost 1.
    p = np.asarray(2.0 * stdtr(df, -np.abs(t)), dtype=np.float64)
    if (p > _SMALL_P).all():
        return p, np.log(p)
    square = np.asarray(t, dtype=np.float64) ** 2
    x = df / (df + square)
    a, b = 0.5 * df, 0.5
    with np.errstate(divide="ignore"):
        series = a * np.log(x) + b * np.log1p(-x) - math.log(a) - betaln(a, b) + np.log(hyp2f1(a + b, 1.0, a + 1.0, x))
        return p, np.asarray(np.where(p > _SMALL_P, np.log(p), series), dtype=np.float64)
