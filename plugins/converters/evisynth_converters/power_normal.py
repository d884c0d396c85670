"""Give powers (Box & Cox 1964), and mean and standard deviation of data whose power is normal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import DataError, FloatArray, Problem

if TYPE_CHECKING:
    from evisynth_converters.five_numbers import Pair


def power(logs: FloatArray, exponent: FloatArray) -> FloatArray:
    """Give (x^λ - 1)/λ, or log x where λ is 0, from log x."""
    with np.errstate(over="ignore"):
        return logs * _relative(exponent * logs)


def power_slope(logs: FloatArray, exponent: FloatArray) -> FloatArray:
    """Differentiate `power` by λ."""
    x = exponent * logs
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        direct = (np.exp(x) * (x - 1) + 1) / x**2
    series, term = np.zeros_like(x), np.ones_like(x)
    for j in range(20):
        series += term / (j + 2)
        term = term * x / (j + 1)
    return logs**2 * np.where(np.abs(x) < 1.0, series, direct)


def _relative(x: FloatArray) -> FloatArray:
    return np.where(x == 0.0, 1.0, np.expm1(x) / np.where(x == 0.0, 1.0, x))


def moments(unit: FloatArray, exponent: FloatArray, mu: FloatArray, sigma: FloatArray, n: FloatArray) -> Pair:
    """Give mean and SD of x where the power λ of x/unit is normal with mean μ and SD σ; all ``(k,)``.

    A normal variable z reaches where no number has that power (λz < -1). As in McGrath et al. (2020) that part is cut
    off, with its mirror image. Where λ is below 0 x grows beyond bounds towards the cut, and mean or SD are infinite
    all the same. There x counts as what it is at the expected largest of n values wherever it is above, as it is a
    sample of n whose mean and SD are sought; or as what it is where the integrand of the second moment is least between
    its peak and its growth beyond bounds, if that is farther out, which changes nothing that can be seen. Raises
    `DataError` with the rows whose SD exceeds the range of numbers. Double-exponential quadrature (Takahasi & Mori
    1974).
    """
    from scipy.special import ndtr, ndtri  # noqa: PLC0415 - scipy comes with the first use

    level = 1 + exponent * mu
    falling = exponent < 0
    size = np.where(exponent == 0.0, 1.0, np.abs(exponent))
    pole = np.where(exponent == 0.0, np.inf, level / (size * sigma))
    beyond = np.asarray(ndtr(-pole), dtype=np.float64)
    largest = -np.asarray(ndtri(beyond + 0.625 / (n + 0.25) * (1 - 2 * beyond)), dtype=np.float64)
    apart = np.where(falling, pole**2 - 8 / size, 0.0)
    lull = np.where(apart < 0, 0.0, (pole + np.sqrt(np.maximum(apart, 0.0))) / 2)
    end = np.where(falling, np.maximum(lull, largest), pole)
    tail = np.maximum(np.asarray(ndtr(-end), dtype=np.float64) - beyond, 0.0) / (1 - 2 * beyond)
    peak = np.where(falling, 2 / size / end, 2 * sigma / level)
    left, right = -np.minimum(end, WIDE), np.minimum(end, 2 * peak + WIDE)
    mean, sd = np.full(unit.shape, np.nan), np.full(unit.shape, np.nan)
    for rows in np.array_split(np.arange(unit.size, dtype=np.int64), max(1, unit.size // CHUNK)):
        mean[rows], sd[rows] = _integrated(exponent[rows], mu[rows], sigma[rows], left[rows], right[rows], tail[rows])
    mean, sd = unit * mean, unit * sd
    problems = [
        Problem(int(i) + 1, None, "median", f"{unit[i]:g}", "the SD of the power-normal distribution has no number")
        for i in np.nonzero(~np.isfinite(mean + sd))[0]
    ]
    if problems:
        summary = "there are quantiles too far apart"
        raise DataError(summary, problems)
    return mean, sd


WIDE, CHUNK = 13.0, 4096
"""Standard deviations beyond which a normal density adds nothing; rows that are integrated at once."""

POINTS, END = 500, 3.6
"""Points on either side of the middle of the quadrature, and where the last one lies before it is mapped."""


def _integrated(
    exponent: FloatArray, mu: FloatArray, sigma: FloatArray, left: FloatArray, right: FloatArray, tail: FloatArray
) -> Pair:
    """Integrate x and its variance between two ends, with a mass of ``tail`` at each of them."""
    w = np.linspace(-END, END, 2 * POINTS + 1)
    inner = np.pi / 2 * np.sinh(w)
    # A row's points lie side by side, so that its sum does not depend on how many rows there are.
    t = left[:, None] + (right - left)[:, None] / (1 + np.exp(-2 * inner))
    weight = np.cosh(w) / np.cosh(inner) ** 2 * np.exp(-(t**2) / 2)
    weight = weight * ((1 - 2 * tail) / weight.sum(axis=1))[:, None]
    t = np.concatenate([t, left[:, None], right[:, None]], axis=1)
    weight = np.concatenate([weight, tail[:, None], tail[:, None]], axis=1)
    z, shape = mu[:, None] + sigma[:, None] * t, exponent[:, None]
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        x = np.where(shape == 0.0, np.exp(z), np.exp(np.log1p(np.maximum(shape * z, -1.0)) / shape))
        x = np.where(weight > 0.0, x, 0.0)
        mean = (weight * x).sum(axis=1)
        return mean, np.sqrt((weight * (x - mean[:, None]) ** 2).sum(axis=1))
