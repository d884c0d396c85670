"""Estimate mean and standard deviation of log-normal data from quantiles, with the bias of both steps taken out."""

from __future__ import annotations

import numpy as np

from evisynth import Conversion, DataError, FloatArray, Problem, hookimpl
from evisynth_converters.five_numbers import FIVE, QUARTILES, RANGE, Pair, by_r, checked
from evisynth_converters.quantiles import (
    five_number_mean,
    quartile_mean,
    quartile_sd,
    range_mean,
    range_sd,
    weighted_sd,
)

SHI_LOG = "Shi, Tong, Wang & Genton (2020), Stat. Its Interface 13:519-531"


def from_range(minimum: FloatArray, median: FloatArray, maximum: FloatArray, n: FloatArray) -> Pair:
    """Estimate on the logarithms from median and range, and bring mean and SD back with their bias taken out.

    Arrays of one shape; NaN where a value is missing. Raises `DataError` that names every row with a number that is
    not above 0, with numbers that do not ascend, or with n below 5. Source: Shi et al. (2020), scenario S₁.
    """
    a, m, b, n = _logarithms(RANGE, (minimum, median, maximum), n)
    variance = range_sd(a, b, n) ** 2 / (1.01 + 0.25 / np.log(n) ** 2)
    return _back(range_mean(a, m, b, n), variance, n, 0.565, 0.37)


def from_quartiles(q1: FloatArray, median: FloatArray, q3: FloatArray, n: FloatArray) -> Pair:
    """Estimate on the logarithms from the quartiles, and bring mean and SD back with their bias taken out.

    Arrays and errors as in `from_range`. Source: Shi et al. (2020), scenario S₂.
    """
    a, m, b, n = _logarithms(QUARTILES, (q1, median, q3), n)
    variance = quartile_sd(a, b, n) ** 2 / (1 + 1.58 / n)
    return _back(quartile_mean(a, m, b, n), variance, n, 0.57, 0.75)


def from_five_numbers(
    minimum: FloatArray, q1: FloatArray, median: FloatArray, q3: FloatArray, maximum: FloatArray, n: FloatArray
) -> Pair:
    """Estimate on the logarithms from all five numbers, and bring mean and SD back with their bias taken out.

    Arrays and errors as in `from_range`. Source: Shi et al. (2020), scenario S₃.
    """
    a, q, m, r, b, n = _logarithms(FIVE, (minimum, q1, median, q3, maximum), n)
    variance = weighted_sd(a, q, r, b, n) ** 2 / (1 + 0.28 / np.log(n) ** 2)
    return _back(five_number_mean(a, q, m, r, b, n), variance, n, 0.405, 0.315)


def _logarithms(names: tuple[str, ...], values: tuple[FloatArray, ...], n: FloatArray) -> list[FloatArray]:
    *numbers, size = checked(dict(zip(names, values, strict=True)), n, least=5, positive=True)
    return [*(np.log(number) for number in numbers), size]


def _back(mu: FloatArray, variance: FloatArray, n: FloatArray, first: float, second: float) -> Pair:
    """Bring back mean and SD: E e^X over 1 + (c₁σ² + c₂σ⁴)/n, and (E e^2X and E² e^X, each so corrected) for the SD.

    The two parts of the variance are brought to one denominator, so that a small σ costs no digits.
    """
    one, two = first * variance / n, second * variance**2 / n
    with np.errstate(over="ignore"):
        mean = np.exp(mu + variance / 2) / (1 + one + two)
        small, large = 1 + 4 * one + 4 * two, 1 + 4 * one + 16 * two
        excess = (np.expm1(variance) * small - 12 * two) / (small * large)
        sd = np.exp(mu + variance / 2) * np.sqrt(excess)
    problems = [
        Problem(int(i) + 1, None, "maximum", None, "the log-normal mean or SD exceeds the range of numbers")
        for i in np.nonzero(np.atleast_1d(np.isinf(mean) | np.isinf(sd)))[0]
    ]
    if problems:
        summary = "there are quantiles too far apart for a log-normal distribution"
        raise DataError(summary, problems)
    return mean, sd


_BACK = (
    "mean = e^(μ + σ²/2)/(1 + ({0}σ² + {1}σ⁴)/n); "
    "SD² = e^(2μ + 2σ²)/(1 + ({2}σ² + {4}σ⁴)/n) - e^(2μ + σ²)/(1 + ({2}σ² + {3}σ⁴)/n)"
)


@hookimpl
def conversions() -> list[Conversion]:
    """Offer the three scenarios of Shi and others for log-normal data."""
    return [
        Conversion(
            f"log-normal-{scenario}",
            function,
            targets=("mean", "sd"),
            formula=f"μ as luo-{scenario} and σ² as {sd}-{scenario}, on the logarithms, σ² over {correction}; {back}",
            reference=f"{SHI_LOG}, scenario {case}",
            r_equivalent=by_r(scenario, "dist='lnorm'"),
            r_version="metafor 4.0",
            shifts=False,
            positive=True,
            tested_by=f"skewness-log-{scenario}",
        )
        for scenario, function, case, sd, correction, back in (
            ("range", from_range, "S1", "wan", "1.01 + 0.25/ln(n)²", _BACK.format(0.565, 0.37, 2.26, 1.48, 5.92)),
            ("iqr", from_quartiles, "S2", "wan", "1 + 1.58/n", _BACK.format(0.57, 0.75, 2.28, 3, 12)),
            ("full", from_five_numbers, "S3", "luo", "1 + 0.28/ln(n)²", _BACK.format(0.405, 0.315, 1.62, 1.26, 5.04)),
        )
    ]
