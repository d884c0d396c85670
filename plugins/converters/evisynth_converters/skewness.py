"""Test from quantiles whether data are skewed, so that a method for normal (or log-normal) data does not fit them."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from evisynth import Conversion, FloatArray, hookimpl
from evisynth_converters.five_numbers import FIVE, QUARTILES, RANGE, checked

LEAST = 5
"""Smallest sample that has a critical value."""

Test: TypeAlias = tuple[FloatArray, FloatArray, FloatArray]
"""The statistic, its critical value at the level of 5 %, and 1 where it is above, 0 where not, NaN where untested."""


def from_range(minimum: FloatArray, median: FloatArray, maximum: FloatArray, n: FloatArray) -> Test:
    """Compare how far mid-range and median are apart, in half ranges, with what normal samples have.

    Arrays of one shape; NaN where a value is missing, and for critical value and flag where n is below 5. Numbers that
    are all equal are not skewed. Raises `DataError` that names every row whose numbers do not ascend. Source: Shi et
    al. (2023), scenario S₁.
    """
    return _of_range(*checked(dict(zip(RANGE, (minimum, median, maximum), strict=True)), n))


def from_quartiles(q1: FloatArray, median: FloatArray, q3: FloatArray, n: FloatArray) -> Test:
    """Compare how far the quartiles' middle and the median are apart, in half distances, with what normal samples have.

    Arrays and errors as in `from_range`. Source: Shi et al. (2023), scenario S₂; the statistic is Bowley's.
    """
    return _of_quartiles(*checked(dict(zip(QUARTILES, (q1, median, q3), strict=True)), n))


def from_five_numbers(
    minimum: FloatArray, q1: FloatArray, median: FloatArray, q3: FloatArray, maximum: FloatArray, n: FloatArray
) -> Test:
    """Compare the larger of both statistics, that of the range weighted by n, with what normal samples have.

    Arrays and errors as in `from_range`. Source: Shi et al. (2023), scenario S₃.
    """
    return _of_five(*checked(dict(zip(FIVE, (minimum, q1, median, q3, maximum), strict=True)), n))


def log_from_range(minimum: FloatArray, median: FloatArray, maximum: FloatArray, n: FloatArray) -> Test:
    """Test the logarithms from median and range, for methods that take data to be log-normal.

    Arrays and errors as in `from_range`; numbers that are not above 0 are refused too.
    """
    *numbers, n = checked(dict(zip(RANGE, (minimum, median, maximum), strict=True)), n, positive=True)
    a, m, b = map(np.log, numbers)
    return _of_range(a, m, b, n)


def log_from_quartiles(q1: FloatArray, median: FloatArray, q3: FloatArray, n: FloatArray) -> Test:
    """Test the logarithms from the quartiles, for methods that take data to be log-normal.

    Arrays and errors as in `log_from_range`.
    """
    *numbers, n = checked(dict(zip(QUARTILES, (q1, median, q3), strict=True)), n, positive=True)
    q1, m, q3 = map(np.log, numbers)
    return _of_quartiles(q1, m, q3, n)


def log_from_five_numbers(
    minimum: FloatArray, q1: FloatArray, median: FloatArray, q3: FloatArray, maximum: FloatArray, n: FloatArray
) -> Test:
    """Test the logarithms from all five numbers, for methods that take data to be log-normal.

    Arrays and errors as in `log_from_range`.
    """
    five = dict(zip(FIVE, (minimum, q1, median, q3, maximum), strict=True))
    *numbers, n = checked(five, n, positive=True)
    a, q1, m, q3, b = map(np.log, numbers)
    return _of_five(a, q1, m, q3, b, n)


def _of_range(a: FloatArray, m: FloatArray, b: FloatArray, n: FloatArray) -> Test:
    return _decided(_bend(a, m, b), 1 / np.log(n + 9) + 2.5 / (n + 1), n)


def _of_quartiles(q1: FloatArray, m: FloatArray, q3: FloatArray, n: FloatArray) -> Test:
    return _decided(_bend(q1, m, q3), 2.65 / np.sqrt(n) - 6 / n**2, n)


def _of_five(a: FloatArray, q1: FloatArray, m: FloatArray, q3: FloatArray, b: FloatArray, n: FloatArray) -> Test:
    outer = 2.65 * np.log(0.6 * n) / np.sqrt(n) * _bend(a, m, b)
    return _decided(np.maximum(outer, _bend(q1, m, q3)), 3 / np.sqrt(n) - 40 / n**3, n)


def _bend(low: FloatArray, m: FloatArray, high: FloatArray) -> FloatArray:
    """Give |low + high - 2m|/(high - low), 0 where all are equal."""
    span = high - low
    return np.abs((low - m) + (high - m)) / np.where(span == 0.0, 1.0, span)


def _decided(statistic: FloatArray, limit: FloatArray, n: FloatArray) -> Test:
    limit = np.where((n >= LEAST) & ~np.isnan(statistic), limit, np.nan)
    statistic = np.where(np.isnan(n), np.nan, statistic)
    return statistic, limit, np.where(np.isnan(limit), np.nan, (statistic > limit).astype(np.float64))


_LIMITS = {
    "range": "T = |minimum + maximum - 2·median|/(maximum - minimum); skewed where T > 1/ln(n + 9) + 2.5/(n + 1)",
    "iqr": "T = |q1 + q3 - 2·median|/(q3 - q1); skewed where T > 2.65/√n - 6/n²",
    "full": (
        "T = max{2.65·ln(0.6n)/√n·|minimum + maximum - 2·median|/(maximum - minimum), "
        "|q1 + q3 - 2·median|/(q3 - q1)}; skewed where T > 3/√n - 40/n³"
    ),
}


@hookimpl
def conversions() -> list[Conversion]:
    """Offer the tests of Shi and others for the three scenarios, on the data and on their logarithms."""
    return [
        Conversion(
            f"skewness-{kind}{scenario}",
            function,
            targets=("statistic", "critical_value", "skewed"),
            formula=_LIMITS[scenario] + (", all of logarithms" if kind else ""),
            reference="Shi, Luo, Wan, Liu, Liu, Bian & Tong (2023), Stat. Methods Med. Res. 32:1338-1360",
            positive=bool(kind),
            shifts=not kind,
        )
        for kind, scenario, function in (
            ("", "range", from_range),
            ("", "iqr", from_quartiles),
            ("", "full", from_five_numbers),
            ("log-", "range", log_from_range),
            ("log-", "iqr", log_from_quartiles),
            ("log-", "full", log_from_five_numbers),
        )
    ]
