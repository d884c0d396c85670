"""Test funnel plots for asymmetry exactly: regressions on precision or size, and Kendall's S.

Sources: Egger et al. (1997), Thompson & Sharp (1999), Begg & Mazumdar (1994), Harbord et al. (2006), Peters et al.
(2006), Macaskill et al. (2001), Deeks et al. (2005), Schwarzer et al. (2007), Rücker et al. (2008), Pustejovsky &
Rodgers (2019), each from its formulas; Kendall (1970) for the distribution of S.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING

from evisynth_validation.mpmath.exact import (
    arcsine,
    dot,
    exact,
    normal_distribution,
    sqrt,
    student_tails,
    total,
)
from evisynth_validation.mpmath.linear import Data, Fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth_validation.mpmath.exact import Exact


@dataclass(frozen=True)
class Line:
    """Hold a slope with its standard error, its test by Student's t, and the intercept with its own."""

    slope: Exact
    se: Exact
    intercept: Exact
    intercept_se: Exact
    df: int
    size: Exact
    """What the terms of the slope amount to before they cancel, in standard errors."""

    @property
    def t(self) -> Exact:
        """Return the slope over its standard error."""
        return self.slope / self.se

    @property
    def p_value(self) -> Exact:
        """Return the two-sided p-value."""
        return student_tails(self.t, self.df)


def _line(fit: Fit, factor: Exact) -> Line:
    errors = [sqrt(row[i] * factor) for i, row in enumerate(fit.covariance)]
    b = fit.coefficients
    return Line(b[-1], errors[-1], b[0], errors[0], fit.data.df, fit.coefficient_sizes[-1] / errors[-1])


def multiplicative(y: Sequence[Exact], v: Sequence[Exact], columns: Sequence[Sequence[Exact]]) -> Line:
    """Regress with weights 1/v and an error variance from the residuals; the last column is what is tested."""
    ones = tuple(exact(1) for _ in y)
    data = Data(tuple(y), tuple(v), (ones, *(tuple(column) for column in columns)))
    fit = data.fit(exact(0))
    return _line(fit, fit.q / data.df)


def additive(y: Sequence[Exact], v: Sequence[Exact], x: Sequence[Exact]) -> Line:
    """Regress with weights 1/(v + τ²), τ² by DerSimonian and Laird's moment of the regression."""
    data = Data(tuple(y), tuple(v), (tuple(exact(1) for _ in y), tuple(x)))
    plain = data.fit(exact(0))
    excess = (plain.q - data.df) / plain.trace_p
    return _line(data.fit(excess if excess > 0 else exact(0)), exact(1))


@dataclass(frozen=True)
class Table:
    """Hold a 2×2 table as counted, and its log odds ratio with its variance."""

    a: int
    b: int
    c: int
    d: int

    @property
    def n(self) -> int:
        """Return the participants."""
        return self.a + self.b + self.c + self.d

    @property
    def score(self) -> tuple[Exact, Exact]:
        """Return O - E and its hypergeometric variance."""
        n = exact(self.n)
        row, column = self.a + self.b, self.a + self.c
        v = exact(row) * (self.c + self.d) * column * (self.b + self.d) / (n * n * (n - 1))
        return exact(self.a) - exact(row) * column / n, v

    @property
    def both_arms(self) -> Exact:
        """Return 1/events + 1/non-events."""
        return 1 / exact(self.a + self.c) + 1 / exact(self.b + self.d)

    @property
    def inverse_effective_size(self) -> Exact:
        """Return (n₁ + n₂)/(4 n₁ n₂)."""
        return exact(self.n) / (exact(4) * (self.a + self.b) * (self.c + self.d))

    @property
    def arcsine(self) -> tuple[Exact, Exact]:
        """Return the arcsine difference and its variance."""
        n_1, n_2 = exact(self.a + self.b), exact(self.c + self.d)
        difference = arcsine(sqrt(self.a / n_1)) - arcsine(sqrt(self.c / n_2))
        return difference, 1 / (4 * n_1) + 1 / (4 * n_2)

    def standardised_events(self, psi: Exact) -> tuple[Exact, Exact]:
        """Return (a - E)/√V and V of the events in arm 1 with the margins fixed, at the odds ratio ψ."""
        n_1, n_2, events = self.a + self.b, self.c + self.d, self.a + self.c
        counts = range(max(0, events - n_2), min(n_1, events) + 1)
        weights: list[Exact] = []
        power = exact(1)
        for count in counts:
            weights.append(power * comb(n_1, count) * comb(n_2, events - count))
            power = power * psi
        whole = total(weights)
        mean = dot(weights, [exact(count) for count in counts]) / whole
        variance = dot(weights, [(count - mean) ** 2 for count in counts]) / whole
        return (self.a - mean) / sqrt(variance), variance


def harbord(tables: Sequence[Table]) -> Line:
    """Regress Z/V on 1/√V with weights V."""
    scores = [table.score for table in tables]
    return multiplicative([z / v for z, v in scores], [1 / v for _, v in scores], [[1 / sqrt(v) for _, v in scores]])


def begg_deviates(y: Sequence[Exact], v: Sequence[Exact]) -> list[Exact]:
    """Standardise effects about their inverse-variance mean, each by the variance of the difference."""
    weights = [1 / value for value in v]
    whole = total(weights)
    mean = dot(weights, y) / whole
    return [(one - mean) / sqrt(value - 1 / whole) for one, value in zip(y, v, strict=True)]


def kendall_s(x: Sequence[Exact], y: Sequence[Exact]) -> int:
    """Count concordant pairs less discordant."""
    pairs = combinations(zip(x, y, strict=True), 2)
    return sum(_sign(a - c) * _sign(b - d) for (a, b), (c, d) in pairs)


def _sign(value: Exact) -> int:
    return int(value > 0) - int(value < 0)


def exact_p_of_s(s: int, k: int) -> Exact:
    """Count, among the k! orders, those whose S is as far from 0, both ways; by Kendall's recursion over k."""
    counts = {0: 1}
    for size in range(1, k):
        grown: dict[int, int] = {}
        for value, count in counts.items():
            for step in range(-size, size + 1, 2):
                grown[value + step] = grown.get(value + step, 0) + count
        counts = grown
    far = sum(count for value, count in counts.items() if value >= abs(s))
    p = 2 * exact(far) / exact(sum(counts.values()))
    return p if p < 1 else exact(1)


def normal_p_of_s(s: int, k: int) -> Exact:
    """Give the two-sided p-value of the normal approximation without ties."""
    z = abs(s) / sqrt(exact(k * (k - 1) * (2 * k + 5)) / 18)
    return 2 * normal_distribution(-z)
