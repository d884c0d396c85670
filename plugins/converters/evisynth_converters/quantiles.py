"""Estimate mean and standard deviation from a median with quartiles, a range, or both, after Wan and others."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from evisynth import Conversion, DataError, FloatArray, Problem, hookimpl

WAN = "Wan, Wang, Liu & Tong (2014), BMC Med. Res. Methodol. 14:135"


def from_quartiles(median: FloatArray, q1: FloatArray, q3: FloatArray, n: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Take the mean of the three numbers, and the quartiles' distance over its expectation in a normal sample.

    Arrays of one shape; NaN where a value is missing. Raises `DataError` that names every row whose quartiles do not
    enclose the median or whose n is below 2. Source: Wan et al. (2014), scenario C₃, eq. 14 and 16.
    """
    median, q1, q3, n = _checked({"q1": q1, "median": median, "q3": q3}, n, order=("median", "q1", "q3"))
    return (q1 + median + q3) / 3, (q3 - q1) / (2 * _quartile_score(n))


def from_range(
    minimum: FloatArray, median: FloatArray, maximum: FloatArray, n: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Weigh the median double, and take the range over its expectation in a normal sample.

    Arrays of one shape; NaN where a value is missing. Raises `DataError` as `from_quartiles` does. Source: Wan et al.
    (2014), scenario C₁, eq. 3 and 9; the mean is that of Hozo, Djulbegovic & Hozo (2005), BMC Med. Res. Methodol. 5:13.
    """
    minimum, median, maximum, n = _checked(
        {"minimum": minimum, "median": median, "maximum": maximum}, n, order=("minimum", "median", "maximum")
    )
    return (minimum + 2 * median + maximum) / 4, (maximum - minimum) / (2 * _extreme_score(n))


def from_five_numbers(
    minimum: FloatArray, q1: FloatArray, median: FloatArray, q3: FloatArray, maximum: FloatArray, n: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Weigh the inner three numbers double, and take the mean of the estimates from the range and from the quartiles.

    Arrays of one shape; NaN where a value is missing. Raises `DataError` as `from_quartiles` does. Source: Wan et al.
    (2014), scenario C₂, eq. 10 and 13; the mean is that of Bland (2015), Int. J. Stat. Med. Res. 4:57-64.
    """
    minimum, q1, median, q3, maximum, n = _checked(
        {"minimum": minimum, "q1": q1, "median": median, "q3": q3, "maximum": maximum},
        n,
        order=("minimum", "q1", "median", "q3", "maximum"),
    )
    sd = (maximum - minimum) / (4 * _extreme_score(n)) + (q3 - q1) / (4 * _quartile_score(n))
    return (minimum + 2 * q1 + 2 * median + 2 * q3 + maximum) / 8, sd


def _extreme_score(n: FloatArray) -> FloatArray:
    """Give Φ⁻¹((n - 0.375)/(n + 0.25)), the expected largest of n standard normal values (Blom 1958)."""
    from scipy.special import ndtri  # noqa: PLC0415 - scipy comes with the first use

    return np.asarray(ndtri((n - 0.375) / (n + 0.25)))


def _quartile_score(n: FloatArray) -> FloatArray:
    """Give Φ⁻¹((0.75 n - 0.125)/(n + 0.25)), the expected upper quartile of n standard normal values (Blom 1958)."""
    from scipy.special import ndtri  # noqa: PLC0415 - scipy comes with the first use

    return np.asarray(ndtri((0.75 * n - 0.125) / (n + 0.25)))


def _checked(numbers: dict[str, FloatArray], n: FloatArray, order: tuple[str, ...]) -> list[FloatArray]:
    """Refuse numbers that no sample has; returns them in the order given, and n."""
    arrays = {name: np.atleast_1d(np.asarray(values, dtype=np.float64)) for name, values in numbers.items()}
    size = np.atleast_1d(np.asarray(n, dtype=np.float64))
    problems: list[Problem] = []
    ascending = list(arrays)
    for lower, upper in pairwise(ascending):
        for i in np.nonzero(arrays[lower] > arrays[upper])[0]:
            given = f"{arrays[lower][i]:g} > {arrays[upper][i]:g}"
            problems.append(Problem(int(i) + 1, None, lower, given, f"{lower} is above {upper}"))
    problems.extend(
        Problem(int(i) + 1, None, "n", f"{size[i]:g}", "a sample has at least 2 values")
        for i in np.nonzero(~np.isnan(size) & (size < 2))[0]  # noqa: PLR2004 - the smallest sample with a spread
    )
    problems.extend(
        Problem(int(i) + 1, None, name, f"{values[i]:g}", "is not finite")
        for name, values in (*arrays.items(), ("n", size))
        for i in np.nonzero(np.isinf(values))[0]
    )
    if problems:
        problems.sort(key=lambda problem: problem.row or 0)
        summary = "there are quantiles that no sample has"
        raise DataError(summary, problems)
    return [*(np.asarray(numbers[name], dtype=np.float64) for name in order), np.asarray(n, dtype=np.float64)]


@hookimpl
def conversions() -> list[Conversion]:
    """Offer the three scenarios of Wan and others."""
    targets = ("mean", "sd")
    call = "metafor::conv.fivenum({}, n=n, method=c('wan2014', 'wan2014'), test=FALSE)"
    five = {"min": "minimum", "q1": "q1", "median": "median", "q3": "q3", "max": "maximum"}

    def equivalent(*names: str) -> str:
        return call.format(", ".join(f"{name}={five[name]}" for name in names))

    version = "metafor 4.0"
    return [
        Conversion(
            "wan-iqr",
            from_quartiles,
            targets=targets,
            reference=f"{WAN}, scenario C3",
            r_equivalent=equivalent("q1", "median", "q3"),
            r_version=version,
        ),
        Conversion(
            "wan-range",
            from_range,
            targets=targets,
            reference=f"{WAN}, scenario C1; Hozo, Djulbegovic & Hozo (2005), BMC Med. Res. Methodol. 5:13",
            r_equivalent=equivalent("min", "median", "max"),
            r_version=version,
        ),
        Conversion(
            "wan-full",
            from_five_numbers,
            targets=targets,
            reference=f"{WAN}, scenario C2; Bland (2015), Int. J. Stat. Med. Res. 4:57-64",
            r_equivalent=equivalent("min", "q1", "median", "q3", "max"),
            r_version=version,
        ),
    ]
