"""Estimate mean and standard deviation by the distribution whose quantiles lie nearest to those reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from evisynth import Conversion, FloatArray, IntArray, hookimpl
from evisynth_converters.five_numbers import FIVE, QUARTILES, RANGE, by_r, checked
from evisynth_converters.nearest_beta import nearest_beta
from evisynth_converters.shape_search import derivatives, global_minimum

if TYPE_CHECKING:
    from collections.abc import Callable

MCGRATH = "McGrath, Zhao, Steele, Thombs, Benedetti & DEPRESSD (2020), Stat. Methods Med. Res. 29:2520-2537"

NORMAL, LOG_NORMAL, GAMMA, BETA, WEIBULL = range(5)
"""Numbers of the distributions in the target ``distribution``."""

Chosen: TypeAlias = tuple[FloatArray, FloatArray, FloatArray, FloatArray]
"""Mean, SD, number of the distribution, and the sum of squared distances of its quantiles from those reported."""


def from_range(minimum: FloatArray, median: FloatArray, maximum: FloatArray, n: FloatArray) -> Chosen:
    """Fit five distributions to median and range, and take mean and SD of the one whose quantiles lie nearest.

    Arrays of one shape; NaN where a value is missing. The range stands for the quantiles of 1/n and 1 - 1/n. Every
    distance is the global minimum over the distribution's parameters; a distribution that comes the nearer the more it
    degenerates is none. With a negative number or a median of 0 only the normal distribution is fitted, and the beta
    distribution only to numbers from 0 to 1. Raises `DataError` that names every row whose numbers do not ascend or
    whose n is below 3. Source: McGrath et al. (2020), scenario S₁.
    """
    *q, n = checked(dict(zip(RANGE, (minimum, median, maximum), strict=True)), n, least=3)
    return _nearest(np.stack(q, axis=-1), np.stack([1 / n, np.full_like(n, 0.5), 1 - 1 / n], axis=-1))


def from_quartiles(q1: FloatArray, median: FloatArray, q3: FloatArray, n: FloatArray) -> Chosen:
    """Fit five distributions to the quartiles, and take mean and SD of the one whose quantiles lie nearest.

    Arrays and errors as in `from_range`; n is checked, and enters nothing. Source: McGrath et al. (2020), scenario S₂.
    """
    *q, n = checked(dict(zip(QUARTILES, (q1, median, q3), strict=True)), n)
    quarters = [np.where(np.isnan(n), np.nan, p) for p in (0.25, 0.5, 0.75)]
    return _nearest(np.stack(q, axis=-1), np.stack(quarters, axis=-1))


def from_five_numbers(
    minimum: FloatArray, q1: FloatArray, median: FloatArray, q3: FloatArray, maximum: FloatArray, n: FloatArray
) -> Chosen:
    """Fit five distributions to all five numbers, and take mean and SD of the one whose quantiles lie nearest.

    Arrays and errors as in `from_range`. Source: McGrath et al. (2020), scenario S₃.
    """
    *q, n = checked(dict(zip(FIVE, (minimum, q1, median, q3, maximum), strict=True)), n, least=5)
    quarters = [np.full_like(n, p) for p in (0.25, 0.5, 0.75)]
    return _nearest(np.stack(q, axis=-1), np.stack([1 / n, *quarters, 1 - 1 / n], axis=-1))


def _nearest(q: FloatArray, p: FloatArray) -> Chosen:
    """Fit all distributions that may be fitted to ``q (k, m)`` at ``p (k, m)``, and take the nearest of each row."""
    out = np.full((4, q.shape[0]), np.nan)
    rows = np.nonzero(~np.isnan(q + p).any(axis=1))[0]
    q, p = q[rows], p[rows]
    if rows.size:
        # A power of two as the unit keeps squares in the range of numbers, and changes no digit.
        unit = np.ldexp(1.0, np.frexp(np.abs(q).max(axis=1))[1])
        q = q / unit[:, None]
        fits = np.full((5, 3, rows.size), np.inf)
        fits[NORMAL] = nearest_normal(q, p)
        spread = (q[:, 0] >= 0.0) & (q[:, q.shape[1] // 2] > 0.0) & (q[:, -1] > q[:, 0])
        fitted = np.nonzero(spread)[0]
        for number, fit in ((LOG_NORMAL, nearest_log_normal), (GAMMA, nearest_gamma), (WEIBULL, nearest_weibull)):
            if fitted.size:
                fits[number][:, fitted] = fit(q[fitted], p[fitted])
        fitted = np.nonzero(spread & (q[:, -1] * unit <= 1.0) & (unit > SMALLEST))[0]
        if fitted.size:
            fits[BETA][:, fitted] = nearest_beta(q[fitted], p[fitted], unit[fitted])
        chosen = np.argmin(np.where(np.isfinite(fits).all(axis=1), fits[:, 2], np.inf), axis=0)
        mean, sd, distance = fits[chosen, :, np.arange(rows.size)].T
        out[:, rows] = unit * mean, unit * sd, chosen, unit**2 * distance
    return out[0], out[1], out[2], out[3]


def nearest_normal(q: FloatArray, p: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Regress the quantiles on the normal scores: mean, SD and squared distance of the nearest normal quantiles."""
    from scipy.special import ndtri  # noqa: PLC0415 - scipy comes with the first use

    z = ndtri(p)
    z = (z - z[:, ::-1]) / 2  # exactly antisymmetric: the intercept is the mean of the quantiles
    mean = q.mean(axis=1)
    sd = (z * (q - mean[:, None])).sum(axis=1) / (z * z).sum(axis=1)
    return mean, sd, ((q - mean[:, None] - sd[:, None] * z) ** 2).sum(axis=1)


SMALLEST = 1e-100
"""Least number of a row's largest that a beta distribution is fitted to; below, squares leave the range of numbers."""

Curves: TypeAlias = "Callable[[FloatArray, FloatArray], FloatArray]"
"""Quantiles ``(r, m)`` at ``p (r, m)`` in some unit, by the logarithm of the shape ``(r, 1)``."""


def _fit(q: FloatArray, p: FloatArray, curves: Curves, centre: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Find shape and unit of the nearest quantiles; gives the logarithm of the shape, the unit and the distance.

    The best unit for a shape follows from the quantiles, which leaves one parameter: its derivative of the distance
    is that at a fixed unit.
    """

    def unit(t: FloatArray, which: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        b = curves(t[:, None], p[which])
        s = (q[which] * b).sum(axis=1) / (b * b).sum(axis=1)
        return b, s, s[:, None] * b - q[which]

    def distance(t: FloatArray, which: IntArray) -> FloatArray:
        return np.asarray((unit(t, which)[2] ** 2).sum(axis=1))

    def slope(t: FloatArray, which: IntArray) -> FloatArray:
        _, _, over = unit(t, which)
        turn, _ = derivatives(lambda x, rows: curves(x[:, None], p[rows]), t, which)
        return np.asarray((over * turn).sum(axis=1))

    grid = centre[:, None] + np.arange(-FAR, FAR + GAP / 2, GAP)
    t = global_minimum(distance, slope, grid)
    _, s, over = unit(t, np.arange(t.size, dtype=np.int64))
    # At an end the distance goes on falling towards shapes that are no distribution: there is no nearest one.
    inside = (t > grid[:, 0]) & (t < grid[:, -1])
    return t, s, np.where(inside, (over**2).sum(axis=1), np.inf)


FAR, GAP = 5.0, 0.125
"""The logarithm of the shape is sought in that distance of the one with the coefficient of variation, in such steps."""


def _variation(q: FloatArray, p: FloatArray) -> FloatArray:
    mean, sd, _ = nearest_normal(q, p)
    return sd / mean


def nearest_log_normal(q: FloatArray, p: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give mean, SD and squared distance of the nearest log-normal quantiles."""
    from scipy.special import ndtri  # noqa: PLC0415 - scipy comes with the first use

    z = ndtri(p)
    top = z[:, -1:]

    def curves(t: FloatArray, at: FloatArray) -> FloatArray:
        scores = ndtri(at)
        return np.exp(np.exp(t) * (scores - scores[:, -1:]))

    t, s, distance = _fit(q, p, curves, np.log(_variation(q, p)))
    sigma = np.exp(t)
    with np.errstate(over="ignore"):
        mean = s * np.exp(sigma * (sigma / 2 - top[:, 0]))
        return mean, mean * np.sqrt(np.expm1(sigma**2)), distance


def nearest_gamma(q: FloatArray, p: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give mean, SD and squared distance of the nearest gamma quantiles."""
    from scipy.special import gammaincinv  # noqa: PLC0415 - scipy comes with the first use

    def curves(t: FloatArray, at: FloatArray) -> FloatArray:
        shape = np.exp(t)
        return np.asarray(gammaincinv(shape, at) / shape)

    t, s, distance = _fit(q, p, curves, -2 * np.log(_variation(q, p)))
    return s, s / np.exp(t / 2), distance


def nearest_weibull(q: FloatArray, p: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give mean, SD and squared distance of the nearest Weibull quantiles."""
    from scipy.special import gammaln  # noqa: PLC0415 - scipy comes with the first use

    top = np.log(-np.log1p(-p[:, -1]))

    def curves(t: FloatArray, at: FloatArray) -> FloatArray:
        scores = np.log(-np.log1p(-at))
        return np.asarray(np.exp(np.exp(-t) * (scores - scores[:, -1:])))

    t, s, distance = _fit(q, p, curves, -np.log(_variation(q, p)))
    x = np.exp(-t)
    with np.errstate(over="ignore"):
        mean = s * np.exp(gammaln(1 + x) - x * top)
        return mean, mean * np.sqrt(np.expm1(_weibull_excess(x))), distance


def _weibull_excess(x: FloatArray) -> FloatArray:
    """Give log Γ(1 + 2x) - 2 log Γ(1 + x): by its series for a small x, where the logarithms cancel."""
    from scipy.special import gammaln, zeta  # noqa: PLC0415 - scipy comes with the first use

    series = sum((-1) ** j * zeta(j) * (2**j - 2) * x**j / j for j in range(2, 18))
    return np.where(x < SMALL, series, gammaln(1 + 2 * x) - 2 * gammaln(1 + x))


SMALL = 0.04


_FIT = (
    "minimise Σ(quantile of the distribution at p - number)² over the parameters of the normal, log-normal, gamma, "
    "beta and Weibull distribution, p = {}; mean and SD of the distribution with the least sum"
)


@hookimpl
def conversions() -> list[Conversion]:
    """Offer quantile estimation for the three scenarios."""
    return [
        Conversion(
            f"qe-{scenario}",
            function,
            targets=("mean", "sd", "distribution", "distance"),
            formula=_FIT.format(levels),
            reference=f"{MCGRATH}, scenario {case}",
            r_equivalent=by_r(scenario, "method='qe'"),
            r_version="metafor 4.0",
            shifts=False,
            labels={"distribution": ("normal", "log-normal", "gamma", "beta", "Weibull")},
        )
        for scenario, function, case, levels in (
            ("range", from_range, "S1", "1/n, ½, 1 - 1/n"),
            ("iqr", from_quartiles, "S2", "¼, ½, ¾"),
            ("full", from_five_numbers, "S3", "1/n, ¼, ½, ¾, 1 - 1/n"),
        )
    ]
