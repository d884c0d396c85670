"""Evaluate the score of both likelihoods in whole numbers, on grids of hundreds of points.

Doubles are fractions with a power of two below, so v + τ² and y are whole numbers in a small enough unit. Only the
weights, 1/(v + τ²) relative to the largest, are rounded, at 2⁻²⁸⁸; all that follows is exact.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

BITS = 288


def whole(values: Sequence[float]) -> tuple[list[int], int]:
    """Give doubles in their smallest common unit, a power of two, and how often that divides 1."""
    fractions = [Fraction(value) for value in values]
    unit = max(fraction.denominator for fraction in fractions)
    return [int(fraction * unit) for fraction in fractions], unit


class Scores:
    """Hold effects and variances of a set with an intercept only."""

    def __init__(self, y: Sequence[float], v: Sequence[float], *, restricted: bool) -> None:
        """Take doubles as the numbers they are."""
        self._y, self._y_unit = whole(y)
        self._v, self._unit = whole(v)
        self._restricted = restricted

    def relative(self, tau2: float) -> float:
        """Return y'PPy/tr(P) − 1, with Σw in place of tr(P) for the plain likelihood."""
        above, below = tau2.as_integer_ratio()
        unit = max(self._unit, below)
        finer, added = unit // self._unit, above * (unit // below)
        sums = [v * finer + added for v in self._v]
        least = min(sums)
        weights = [(least << BITS) // one for one in sums]
        first = sum(weights)
        moment = sum(w * y for w, y in zip(weights, self._y, strict=True))
        pull = sum((w * (y * first - moment)) ** 2 for w, y in zip(weights, self._y, strict=True))
        push = first * first - (sum(w * w for w in weights) if self._restricted else 0)
        # y'PPy = (unit/least)² pull/(first·y_unit)², tr(P) = (unit/least) push/first, both for weights in their unit.
        numerator = unit * pull
        denominator = (least * first * push * self._y_unit**2) << BITS
        return (numerator - denominator) / denominator
