"""Give quantiles and tail probabilities of the distributions that meta-analysis needs.

``scipy.special`` costs a thirtieth of ``scipy.stats`` a call; it is imported at the first use, not with the package.
Tail probabilities also come as logarithms, which do not underflow.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, overload

import numpy as np

if TYPE_CHECKING:
    from evisynth.kernels.arrays import FloatArray

_LOG_2 = math.log(2.0)
_SMALL_P = 1e-250
_FEW_DF = 64
_TINY_DF = 0.1
_HUGE_T = 1e140
_FAR = 20.0
"""Logarithm of t from which further terms of its tail are below the rounding of the first."""
_TWO_BY_ROOT_PI = 2.0 / math.sqrt(math.pi)


@lru_cache(maxsize=256)
def normal_quantile(level: float) -> float:
    """Give z so that a standard normal lies within ±z with probability ``level``."""
    from scipy.special import ndtri  # noqa: PLC0415 - scipy comes with the first fit

    return float(-ndtri(0.5 * (1.0 - level)))


@overload
def t_quantile(level: float, df: float) -> float: ...
@overload
def t_quantile(level: float, df: FloatArray) -> FloatArray: ...
def t_quantile(level: float, df: float | FloatArray) -> float | FloatArray:
    """Give t so that Student's t with ``df`` degrees of freedom lies within ±t with probability ``level``."""
    if isinstance(df, np.ndarray):
        return _t_quantiles(level, df)
    return _t_quantile(level, df)


def _t_quantiles(level: float, df: FloatArray) -> FloatArray:
    """Give quantiles for degrees of freedom of any size, infinite where they are beyond the range of doubles.

    Below a tenth of a degree of freedom t is so far out that the first term of the series of the tail,
    ``(df/t²)^(df/2) / (df/2 · B(df/2, 1/2))`` (DLMF 8.17.8), is all of it; the library's function fails there.
    """
    from scipy.special import betaln, ndtri, stdtrit  # noqa: PLC0415 - scipy comes with the first fit

    tail = 0.5 * (1.0 - level)
    normal = np.isinf(df)
    found = np.asarray(-stdtrit(np.where(normal, 1.0, df), tail), dtype=np.float64)
    if normal.any():
        found = np.where(normal, -ndtri(tail), found)
    few = df < _TINY_DF
    if few.any():
        half = 0.5 * df[few]
        log_t = 0.5 * np.log(df[few]) - (math.log(2.0 * tail) + np.log(half) + betaln(half, 0.5)) / df[few]
        far = log_t > _FAR
        with np.errstate(over="ignore"):
            found[few] = np.where(far, np.exp(log_t), found[few])
    return found


@lru_cache(maxsize=1024)
def _t_quantile(level: float, df: float) -> float:
    if not _TINY_DF <= df < math.inf:
        return float(_t_quantiles(level, np.array([df]))[0])
    from scipy.special import stdtrit  # noqa: PLC0415 - scipy comes with the first fit

    return float(-stdtrit(df, 0.5 * (1.0 - level)))


@lru_cache(maxsize=1024)
def chi2_quantile(upper_tail: float, df: float) -> float:
    """Give the χ² value with ``upper_tail`` probability above it."""
    from scipy.special import chdtri  # noqa: PLC0415 - scipy comes with the first fit

    return float(chdtri(df, upper_tail))


def chi2_p_value(q: FloatArray | float, df: FloatArray | float) -> FloatArray:
    """Give the probability that χ² with ``df`` degrees of freedom exceeds ``q``."""
    if isinstance(df, int) and 0 < df <= _FEW_DF:
        return _chi2_tail(np.asarray(q, dtype=np.float64), df)
    from scipy.special import chdtrc  # noqa: PLC0415 - scipy comes with the first fit

    return np.asarray(chdtrc(df, q), dtype=np.float64)


def _chi2_tail(q: FloatArray, df: int) -> FloatArray:
    """Sum the finite series for whole degrees of freedom, whose terms are all positive.

    Source: Abramowitz & Stegun (1964), 26.4.4 and 26.4.5. Three times as fast as the incomplete gamma function, and
    closer.
    """
    # Beyond the cap the probability is 0, and short of it no power overflows.
    half = np.minimum(0.5 * q, 1e4)
    odd = df % 2
    series = np.ones_like(half)
    for j in range((df - 2 - odd) // 2, 0, -1):
        series = 1.0 + half / (j + 0.5 * odd) * series
    # In two factors, so that the product and not the exponential decides where it underflows.
    root = np.exp(-0.5 * half)
    tail = root * series * root
    if not odd:
        return np.asarray(tail)
    from scipy.special import erfc  # noqa: PLC0415 - scipy comes with the first fit

    first = erfc(np.sqrt(half))
    return np.asarray(first if df == 1 else first + _TWO_BY_ROOT_PI * np.sqrt(half) * tail)


def f_p_value(f: FloatArray | float, df: float, df_residual: float) -> FloatArray:
    """Give the probability that Fisher's F with ``df`` and ``df_residual`` degrees of freedom exceeds ``f``.

    ``I_x(df_residual/2, df/2)`` with ``x = df_residual/(df_residual + df·f)``; where x is near 1, and rounds to it,
    the complement of ``I_{1-x}(df/2, df_residual/2)``, by a function of its own: with many residual degrees of freedom
    the probability is small there too, and 1 less the other would have no digits left.
    """
    from scipy.special import betainc, betaincc  # noqa: PLC0415 - scipy comes with the first fit

    part = df * np.asarray(f, dtype=np.float64)
    whole = df_residual + part
    far = betainc(0.5 * df_residual, 0.5 * df, df_residual / whole)
    near = betaincc(0.5 * df, 0.5 * df_residual, part / whole)
    return np.asarray(np.where(part < df_residual, near, far), dtype=np.float64)


def normal_p_value(z: FloatArray | float) -> tuple[FloatArray, FloatArray]:
    """Give the two-sided p-value of ``z`` and its natural logarithm."""
    from scipy.special import log_ndtr  # noqa: PLC0415 - scipy comes with the first fit

    log_p = np.asarray(log_ndtr(-np.abs(z)) + _LOG_2, dtype=np.float64)
    return np.exp(log_p), log_p


def normal_tail(z: FloatArray | float) -> FloatArray:
    """Give the probability that a standard normal exceeds ``z``."""
    from scipy.special import ndtr  # noqa: PLC0415 - scipy comes with the first fit

    return np.asarray(ndtr(-np.asarray(z, dtype=np.float64)))


def t_tail(t: FloatArray | float, df: FloatArray | float) -> FloatArray:
    """Give the probability that Student's t with ``df`` degrees of freedom exceeds ``t``."""
    half = 0.5 * t_p_value(t, df)[0]
    return np.asarray(np.where(np.asarray(t) >= 0.0, half, 1.0 - half))


_MANY_DF = 200.0


def t_p_value(t: FloatArray | float, df: FloatArray | float) -> tuple[FloatArray, FloatArray]:
    """Give the two-sided p-value of Student's ``t`` and its natural logarithm.

    ``p = I_x(df/2, 1/2)`` with ``x = df/(df + t²)``, by its complement where t is small and x would round to almost 1.
    ``df`` is one number or has the shape of ``t``. Where p underflows, the logarithm is that of the series
    ``I_x(a, b) = x^a (1-x)^b / (a B(a, b)) · ₂F₁(a+b, 1; a+1; x)`` (DLMF 8.17.8).
    """
    from scipy.special import betainc  # noqa: PLC0415 - scipy comes with the first fit

    size = np.abs(np.atleast_1d(np.asarray(t, dtype=np.float64)))
    huge = size > _HUGE_T
    square = np.where(huge, 1.0, size) ** 2
    dfs = np.broadcast_to(np.asarray(df, dtype=np.float64), square.shape)
    whole = dfs + square
    near = square < 1.0
    p = np.empty_like(square)
    p[near] = 1.0 - betainc(0.5, 0.5 * dfs[near], square[near] / whole[near])
    many = dfs > _MANY_DF
    far = ~near & ~many
    p[far] = betainc(0.5 * dfs[far], 0.5, dfs[far] / whole[far])
    far = ~near & many
    if far.any():
        # x is so near 1 that its rounding counts df times.
        from scipy.special import stdtr  # noqa: PLC0415 - as above

        p[far] = 2.0 * stdtr(dfs[far], -size[far])
    with np.errstate(divide="ignore"):
        log_p = np.log(p)
    tiny = p < _SMALL_P
    if tiny.any():
        log_p[tiny] = _log_t_tail(square[tiny], dfs[tiny])
    if huge.any():
        # The square is beyond a double, and the first term of the series all of it.
        from scipy.special import betaln  # noqa: PLC0415 - only for t beyond the range of doubles

        a = 0.5 * dfs[huge]
        log_p[huge] = a * (np.log(dfs[huge]) - 2.0 * np.log(size[huge])) - np.log(a) - betaln(a, 0.5)
        p[huge] = np.exp(log_p[huge])
    shape = np.shape(t)
    return p.reshape(shape), log_p.reshape(shape)


def _log_t_tail(square: FloatArray, df: FloatArray) -> FloatArray:
    from scipy.special import betaln, hyp2f1  # noqa: PLC0415 - only for p-values beyond the range of doubles

    a, b = 0.5 * df, 0.5
    x = df / (df + square)
    constant = -np.log(a) - betaln(a, b)
    with np.errstate(divide="ignore"):
        series = a * np.log(x) + b * np.log1p(-x) + constant + np.log(hyp2f1(a + b, 1.0, a + 1.0, x))
    return np.asarray(series, dtype=np.float64)
