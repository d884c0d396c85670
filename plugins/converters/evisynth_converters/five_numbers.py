"""Read the five numbers that papers report, refuse those that no sample has, and give their normal scores."""

from __future__ import annotations

from itertools import pairwise
from typing import TypeAlias

import numpy as np

from evisynth import BoolArray, DataError, FloatArray, Problem

RANGE: tuple[str, ...] = ("minimum", "median", "maximum")
QUARTILES: tuple[str, ...] = ("q1", "median", "q3")
FIVE: tuple[str, ...] = ("minimum", "q1", "median", "q3", "maximum")
SCENARIOS = {"range": RANGE, "iqr": QUARTILES, "full": FIVE}
"""Names of the scenarios as they end the names of conversions: S1, S2 and S3 of the literature."""

LARGEST = 1e150
"""Largest number whose square is a number."""

R_NAMES = {"minimum": "min", "q1": "q1", "median": "median", "q3": "q3", "maximum": "max"}

Pair: TypeAlias = tuple[FloatArray, FloatArray]
"""A mean and a standard deviation."""


def checked(
    numbers: dict[str, FloatArray],
    n: FloatArray,
    *,
    least: int = 2,
    positive: bool = False,
    apart: tuple[tuple[str, str], ...] = (),
) -> tuple[FloatArray, ...]:
    """Refuse numbers that no sample has, or that a method cannot take; gives them as doubles, n last.

    ``numbers`` are named and ascend. Raises `DataError` that names every row in which they do not, in which n is below
    ``least``, a number is infinite or with ``positive`` not above 0, or two that must be ``apart`` are equal (though
    not all are).
    """
    arrays = {name: np.asarray(values, dtype=np.float64) for name, values in numbers.items()}
    size = np.asarray(n, dtype=np.float64)
    flat = {name: np.atleast_1d(values) for name, values in arrays.items()}
    flat_n = np.atleast_1d(size)
    special = positive or bool(apart)
    problems: list[Problem] = []

    def refuse(rows: BoolArray, name: str, message: str, *shown: FloatArray) -> None:
        for i in np.nonzero(rows)[0]:
            given = " > ".join(f"{values[i]:g}" for values in shown)
            problems.append(Problem(int(i) + 1, None, name, given, message))

    for lower, upper in pairwise(flat):
        refuse(flat[lower] > flat[upper], lower, f"{lower} is above {upper}", flat[lower], flat[upper])
    refuse(flat_n < least, "n", _least(least), flat_n)
    for name, values in (*flat.items(), ("n", flat_n)):
        refuse(np.isinf(values), name, "is not finite", values)
        refuse((np.abs(values) > LARGEST) & ~np.isinf(values), name, "is too large to compute with", values)
    if positive:
        for name, values in flat.items():
            refuse(values <= 0, name, "takes numbers above 0 alone", values)
    first, *_, last = flat.values()
    for lower, upper in apart:
        equal = (flat[lower] == flat[upper]) & (first < last)
        refuse(equal, lower, f"is equal to {upper}, which the method cannot take", flat[lower])
    if problems:
        problems.sort(key=lambda problem: problem.row or 0)
        summary = "there are quantiles that no sample has" + (", or that the method cannot take" if special else "")
        raise DataError(summary, problems)
    return (*arrays.values(), size)


def checked_five(
    minimum: FloatArray, q1: FloatArray, median: FloatArray, q3: FloatArray, maximum: FloatArray, n: FloatArray
) -> tuple[FloatArray, ...]:
    """Refuse five numbers that no sample has, as `checked` does."""
    return checked({"minimum": minimum, "q1": q1, "median": median, "q3": q3, "maximum": maximum}, n)


def _least(least: int) -> str:
    smallest = 2
    return "a sample has at least 2 values" if least == smallest else f"the method takes samples of {least} or more"


def extreme_score(n: FloatArray) -> FloatArray:
    """Give Φ⁻¹((n - 0.375)/(n + 0.25)), the expected largest of n standard normal values (Blom 1958)."""
    from scipy.special import ndtri  # noqa: PLC0415 - scipy comes with the first use

    return np.asarray(-ndtri(0.625 / (n + 0.25)))  # the other tail: it keeps its digits where n is large


def quartile_score(n: FloatArray) -> FloatArray:
    """Give Φ⁻¹((0.75 n - 0.125)/(n + 0.25)), the expected upper quartile of n standard normal values (Blom 1958)."""
    from scipy.special import ndtri  # noqa: PLC0415 - scipy comes with the first use

    return np.asarray(-ndtri((0.25 * n + 0.375) / (n + 0.25)))


def by_r(scenario: str, options: str) -> str:
    """Write the call of metafor that takes the numbers of a scenario."""
    columns = ", ".join(f"{R_NAMES[name]}={name}" for name in SCENARIOS[scenario])
    return f"metafor::conv.fivenum({columns}, n=n, {options}, test=FALSE)"
