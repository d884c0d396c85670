"""Give powers (Box & Cox 1964), and mean and standard deviation of data whose power is normal."""

from __future__ import annotations

import numpy as np

from evisynth import DataError, FloatArray, Problem
from evisynth_converters.five_numbers import Pair, extreme_score


def power(logs: FloatArray, exponent: FloatArray) -> FloatArray:
    """Give (x^λ - 1)/λ, or log x where λ is 0, from log x."""
    return logs * _relative(exponent * logs)


def power_slope(logs: FloatArray, exponent: FloatArray) -> FloatArray:
    """Differentiate `power` by λ."""
    x = exponent * logs
    with np.errstate(invalid="ignore", divide="ignore"):
        direct = (x * np.exp(x) - np.expm1(x)) / x**2
    series, term = np.zeros_like(x), np.ones_like(x)
    for j in range(20):
        series += term / (j + 2)
        term = term * x / (j + 1)
    return logs**2 * np.where(np.abs(x) < 1.0, series, direct)


def _relative(x: FloatArray) -> FloatArray:
    return np.where(x == 0.0, 1.0, np.expm1(x) / np.where(x == 0.0, 1.0, x))


def moments(unit: FloatArray, exponent: FloatArray, mu: FloatArray, sigma: FloatArray, n: FloatArray) -> Pair:
    """Give mean and SD of x where the power λ of x/unit is normal with mean μ and SD σ; all ``(k,)``.

    A normal variable reaches where no number has that power (λz < -1). As in McGrath et al. (2020) that part is cut
    off, with its mirror image. Where λ is below 0 the moments are infinite all the same, as x is near the cut. There
    the cut is made where the integrand of the second moment is least, which changes nothing that can be seen unless
    the data are near having no mean; where that cut would be inside the range of a sample of n values, there is no
    mean to give. Raises `DataError` with these rows. Double-exponential quadrature (Takahasi & Mori 1974).
    """
    level = 1 + exponent * mu
    falling = exponent < 0
    size = np.where(exponent == 0.0, 1.0, np.abs(exponent))
    pole = np.where(exponent == 0.0, np.inf, level / (size * sigma))
    apart = np.where(falling, pole**2 - 8 / size, 0.0)
    cut = np.where(falling, (pole + np.sqrt(np.maximum(apart, 0.0))) / 2, pole)
    peak = np.where(falling, 2 / size / cut, 2 * sigma / level)
    hopeless = falling & ((apart < 0) | (cut < extreme_score(n)))
    left, right = -np.minimum(cut, WIDE), np.minimum(cut, 2 * peak + WIDE)
    mean, sd = np.full(unit.shape, np.nan), np.full(unit.shape, np.nan)
    for rows in np.array_split(np.arange(unit.size), max(1, unit.size // CHUNK)):
        mean[rows], sd[rows] = _integrated(exponent[rows], mu[rows], sigma[rows], left[rows], right[rows])
    mean, sd = unit * mean, unit * sd
    hopeless |= ~np.isfinite(mean + sd)
    if hopeless.any():
        message = "the power that makes them symmetric leaves no finite mean: take luo, qe or log-normal"
        problems = [
            Problem(int(i) + 1, None, "median", f"{unit[i]:g}", f"{message} (power {exponent[i]:.3g})")
            for i in np.nonzero(hopeless)[0]
        ]
        summary = "there are quantiles whose power-normal distribution has no mean"
        raise DataError(summary, problems)
    return mean, sd


WIDE, CHUNK = 13.0, 4096
"""Standard deviations beyond which a normal density adds nothing; rows that are integrated at once."""

POINTS, END = 500, 3.6
"""Points on either side of the middle of the quadrature, and where the last one lies before it is mapped."""


def _integrated(
    exponent: FloatArray, mu: FloatArray, sigma: FloatArray, left: FloatArray, right: FloatArray
) -> Pair:
    w = np.linspace(-END, END, 2 * POINTS + 1)[:, None]
    inner = np.pi / 2 * np.sinh(w)
    share = 1 / (1 + np.exp(-2 * inner))
    t = left + (right - left) * share
    weight = (right - left) * np.cosh(w) / np.cosh(inner) ** 2 * np.exp(-(t**2) / 2)
    weight = weight / weight.sum(axis=0)
    z = mu + sigma * t
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        x = np.where(exponent == 0.0, np.exp(z), np.exp(np.log1p(np.maximum(exponent * z, -1.0)) / exponent))
        mean = (weight * x).sum(axis=0)
        return mean, np.sqrt((weight * (x - mean) ** 2).sum(axis=0))
