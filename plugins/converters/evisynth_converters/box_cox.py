"""Estimate mean and standard deviation by the power that makes the reported numbers symmetric."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from evisynth import Conversion, FloatArray, IntArray, bracketed_roots, hookimpl
from evisynth_converters.five_numbers import FIVE, QUARTILES, RANGE, Pair, by_r, checked
from evisynth_converters.power_normal import moments, power, power_slope
from evisynth_converters.quantiles import even_sd, five_number_mean, quartile_mean, quartile_sd, range_mean, range_sd
from evisynth_converters.shape_search import global_minimum

if TYPE_CHECKING:
    from collections.abc import Callable

MCGRATH = "McGrath, Zhao, Steele, Thombs, Benedetti & DEPRESSD (2020), Stat. Methods Med. Res. 29:2520-2537"

Powered: TypeAlias = tuple[FloatArray, FloatArray, FloatArray]
"""Mean, SD and the power λ (NaN where all numbers are equal)."""

Scores: TypeAlias = "Callable[[list[FloatArray], FloatArray], Pair]"
"""Mean and SD of normal data by the reported numbers and n."""


def from_range(minimum: FloatArray, median: FloatArray, maximum: FloatArray, n: FloatArray) -> Powered:
    """Make minimum and maximum lie at one distance from the median by a power, and bring back mean and SD.

    Arrays of one shape; NaN where a value is missing. On the scale of the power (Box & Cox 1964) mean and SD are those
    of Luo and of Wan; `moments` brings them back. Raises `DataError` that names every row with a number that is not
    above 0, with numbers that do not ascend or with one equal to the median, or whose n is below 2. Source: McGrath et
    al. (2020), scenario S₁.
    """
    numbers = dict(zip(RANGE, (minimum, median, maximum), strict=True))
    *x, n = checked(numbers, n, positive=True, apart=(("minimum", "median"), ("median", "maximum")))
    return by_power(x, n, _symmetric, range_scores)


def from_quartiles(q1: FloatArray, median: FloatArray, q3: FloatArray, n: FloatArray) -> Powered:
    """Make the quartiles lie at one distance from the median by a power, and bring back mean and SD.

    Arrays and errors as in `from_range`. Source: McGrath et al. (2020), scenario S₂.
    """
    numbers = dict(zip(QUARTILES, (q1, median, q3), strict=True))
    *x, n = checked(numbers, n, positive=True, apart=(("q1", "median"), ("median", "q3")))
    return by_power(x, n, _symmetric, quartile_scores)


def from_five_numbers(
    minimum: FloatArray, q1: FloatArray, median: FloatArray, q3: FloatArray, maximum: FloatArray, n: FloatArray
) -> Powered:
    """Make both pairs of numbers as symmetric about the median as one power can, and bring back mean and SD.

    The sum of the squared differences of both distances, in units of the median, is least over the powers between
    that which makes the range symmetric and that for the quartiles: beyond them both grow less symmetric. Arrays and
    errors as in `from_range`. Source: McGrath et al. (2020), scenario S₃.
    """
    numbers = dict(zip(FIVE, (minimum, q1, median, q3, maximum), strict=True))
    *x, n = checked(numbers, n, positive=True, apart=(("q1", "median"), ("median", "q3")))
    return by_power(x, n, _most_symmetric, five_scores)


def range_scores(x: list[FloatArray], n: FloatArray) -> Pair:
    """Estimate mean and SD by Luo and Wan from median and range."""
    a, m, b = x
    return range_mean(a, m, b, n), range_sd(a, b, n)


def quartile_scores(x: list[FloatArray], n: FloatArray) -> Pair:
    """Estimate mean and SD by Luo and Wan from the quartiles."""
    q1, m, q3 = x
    return quartile_mean(q1, m, q3, n), quartile_sd(q1, q3, n)


def five_scores(x: list[FloatArray], n: FloatArray) -> Pair:
    """Estimate mean and SD by Luo and Wan from all five numbers."""
    a, q1, m, q3, b = x
    return five_number_mean(a, q1, m, q3, b, n), even_sd(a, q1, q3, b, n)


def by_power(
    x: list[FloatArray],
    n: FloatArray,
    exponents: Callable[[list[FloatArray], FloatArray], FloatArray],
    scores: Scores,
) -> Powered:
    """Find each row's power of the numbers over their median, estimate on its scale and bring back mean and SD."""
    median = x[len(x) // 2]
    mean, sd = (np.where(np.isnan(sum(x) + n), np.nan, value) for value in (median, np.zeros(n.shape)))
    shape = np.full(n.shape, np.nan)
    rows = np.nonzero((x[0] < x[-1]) & ~np.isnan(mean))[0]
    if rows.size:
        logs, size = [np.log(value[rows] / median[rows]) for value in x], n[rows]
        exponent = exponents(logs, size)
        mu, sigma = scores([power(value, exponent) for value in logs], size)
        shape[rows] = exponent
        mean[rows], sd[rows] = moments(median[rows], exponent, mu, sigma, size)
    return mean, sd, shape


def _symmetric(logs: list[FloatArray], _: FloatArray) -> FloatArray:
    """Find the only power that makes both ends symmetric: the sum of their powers rises with λ.

    Its sign is that of -(sum of logs), and neither end passes twice the other in the direction of its growth.
    """
    low, high = logs[0], logs[-1]
    left, right = -np.log(2.0) / np.abs(low), np.log(2.0) / high

    def bend(x: FloatArray, which: IntArray) -> FloatArray:
        return power(low[which], x) + power(high[which], x)

    rows = np.arange(low.size, dtype=np.int64)
    return bracketed_roots(bend, left, right, bend(left, rows), bend(right, rows))


def _most_symmetric(logs: list[FloatArray], n: FloatArray) -> FloatArray:
    outer, inner = _symmetric([logs[0], logs[4]], n), _symmetric([logs[1], logs[3]], n)
    low, high = np.minimum(outer, inner), np.maximum(outer, inner)

    def bends(x: FloatArray, which: IntArray) -> Pair:
        return (
            power(logs[0][which], x) + power(logs[4][which], x),
            power(logs[1][which], x) + power(logs[3][which], x),
        )

    def size(x: FloatArray, which: IntArray) -> FloatArray:
        one, two = bends(x, which)
        with np.errstate(over="ignore"):  # far from the minimum
            return one**2 + two**2

    def slope(x: FloatArray, which: IntArray) -> FloatArray:
        one, two = bends(x, which)
        turns = [power_slope(value[which], x) for value in logs]
        with np.errstate(over="ignore"):
            return one * (turns[0] + turns[4]) + two * (turns[1] + turns[3])

    return global_minimum(size, slope, low[:, None] + (high - low)[:, None] * np.linspace(0.0, 1.0, 33))


_SYMMETRIC = {
    "range": "λ: f(maximum) - f(median) = f(median) - f(minimum)",
    "iqr": "λ: f(q3) - f(median) = f(median) - f(q1)",
    "full": (
        "λ: [f(q1) + f(q3) - 2·f(median)]² + [f(minimum) + f(maximum) - 2·f(median)]² is least, "
        "numbers in units of the median"
    ),
}


@hookimpl
def conversions() -> list[Conversion]:
    """Offer the Box–Cox method for the three scenarios."""
    return [
        Conversion(
            f"box-cox-{scenario}",
            function,
            targets=("mean", "sd", "power"),
            formula=(
                f"f(x) = (x^λ - 1)/λ; {_SYMMETRIC[scenario]}; μ and σ of f by Luo and Wan; "
                "mean and SD of the x whose f is normal with these"
            ),
            reference=f"{MCGRATH}, scenario {case}; Box & Cox (1964), J. R. Stat. Soc. B 26:211-252",
            r_equivalent=by_r(scenario, "method='bc'"),
            r_version="metafor 4.0",
            shifts=False,
            positive=True,
        )
        for scenario, function, case in (
            ("range", from_range, "S1"),
            ("iqr", from_quartiles, "S2"),
            ("full", from_five_numbers, "S3"),
        )
    ]
