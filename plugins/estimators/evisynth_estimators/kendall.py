"""Test whether two columns go up and down together, by Kendall's S."""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import accumulate

import attrs
import numpy as np

from evisynth import FloatArray, normal_p_value

FEW = 50
"""Pairs below which the exact distribution is taken unless asked for or against."""
MANY = 200
"""Pairs up to which there is an exact distribution: beyond, it differs from the normal one in no digit of use."""


@attrs.frozen
class Kendall:
    """Hold the number of concordant pairs less the discordant, ``s``, of ``k`` items, and how values are tied."""

    s: int
    k: int
    ties_x: tuple[int, ...]
    ties_y: tuple[int, ...]
    """How many items share a value, for each value."""

    @property
    def tied(self) -> bool:
        """Whether two items share a value of either column."""
        return len(self.ties_x) < self.k or len(self.ties_y) < self.k

    @property
    def tau(self) -> float:
        """Kendall's τ, corrected for ties (τ_b)."""
        pairs = self.k * (self.k - 1) // 2
        untied = [pairs - sum(t * (t - 1) // 2 for t in ties) for ties in (self.ties_x, self.ties_y)]
        return self.s / math.sqrt(untied[0] * untied[1])

    @property
    def variance(self) -> float:
        """Variance of S without correlation, given the ties."""
        k, x, y = self.k, self.ties_x, self.ties_y
        plain = k * (k - 1) * (2 * k + 5) - sum(t * (t - 1) * (2 * t + 5) for t in (*x, *y))
        triples = _falling(x, 3) * _falling(y, 3) / (9 * k * (k - 1) * (k - 2))
        return plain / 18 + triples + _falling(x, 2) * _falling(y, 2) / (2 * k * (k - 1))

    @property
    def constant(self) -> bool:
        """Whether all items share a value in either column, so that nothing can go up or down."""
        return len(self.ties_x) == 1 or len(self.ties_y) == 1

    def z(self, *, continuity: bool) -> float:
        """Standardise S; with ``continuity`` it is first drawn to 0 by 1."""
        s = math.copysign(max(abs(self.s) - 1, 0), self.s) if continuity else self.s
        return s / math.sqrt(self.variance)

    def normal_p_value(self, *, continuity: bool) -> float:
        """Give the two-sided p-value of the normal approximation."""
        p_value, _ = normal_p_value(self.z(continuity=continuity))
        return float(p_value)

    def exact_p_value(self) -> float:
        """Give twice the probability, among all orders, of an S as far from 0 in its direction; there are no ties.

        S = k(k - 1)/2 less twice the number of inversions of an order. Source: Kendall (1970), Rank Correlation
        Methods, 4th ed., ch. 5.
        """
        most = (self.k * (self.k - 1) // 2 - abs(self.s)) // 2
        return min(1.0, 2 * _orders(self.k)[most] / math.factorial(self.k))


def kendall(x: FloatArray, y: FloatArray) -> Kendall:
    """Count concordant and discordant pairs of two columns ``(k,)``, k ≥ 3."""
    s = sum(int((np.sign(x[i] - x[:i]) * np.sign(y[i] - y[:i])).sum()) for i in range(1, x.size))
    ties_x, ties_y = (tuple(np.unique(column, return_counts=True)[1].tolist()) for column in (x, y))
    return Kendall(s, x.size, ties_x, ties_y)


def _falling(ties: tuple[int, ...], factors: int) -> int:
    """Sum t(t - 1)… over the ties."""
    return sum(math.perm(t, factors) for t in ties)


@lru_cache(maxsize=16)
def _orders(k: int) -> tuple[int, ...]:
    """Count the orders of k items with no more than 0, 1, 2, … inversions, up to half of the most.

    An item put among n - 1 others makes 0 to n - 1 inversions, so each count is a sum of n of the last ones. The counts
    are whole numbers of any size, and nothing is rounded.
    """
    half = k * (k - 1) // 4
    counts = [1]
    for n in range(2, k + 1):
        sums = list(accumulate(counts))
        length = min(half, n * (n - 1) // 2) + 1
        last = len(sums) - 1
        counts = [sums[min(j, last)] - (sums[j - n] if j >= n else 0) for j in range(length)]
    return tuple(accumulate(counts))
