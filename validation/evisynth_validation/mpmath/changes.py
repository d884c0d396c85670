"""Derive effects of two dependent measurements exactly, their variances by differentiation.

Of normal pairs, the means have variances σ²/n and covariance rσ₁σ₂/n, the squared standard deviations variances 2σ⁴/m
and covariance 2r²σ₁²σ₂²/m, and means and standard deviations are independent. The delta method's variance is
Σ ∂ᵢf ∂ⱼf Cᵢⱼ with derivatives taken at 50 digits. Sources: those of the records that are compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from evisynth_validation.mpmath.exact import derivative, exact, log, normal_distribution, sqrt
from evisynth_validation.mpmath.means import bias_factor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from evisynth_validation.mpmath.exact import Exact

Pair: TypeAlias = "tuple[Exact, Exact]"
Function: TypeAlias = "Callable[[Exact, Exact, Exact, Exact], Exact]"


def by_delta(function: Function, at: Sequence[Exact], r: Exact, means: Exact, spreads: Exact) -> Exact:
    """Give the variance of a function of two means and two squared deviations; ``means``, ``spreads`` are the sizes."""
    _, _, q1, q2 = at
    slopes: list[Exact] = []
    for i in range(4):

        def along(x: Exact, i: int = i) -> Exact:
            moved = [*at[:i], x, *at[i + 1 :]]
            return function(moved[0], moved[1], moved[2], moved[3])

        slopes.append(derivative(along, at[i]))
    a, b, c, d = slopes
    s1, s2 = sqrt(q1), sqrt(q2)
    of_means = (a * a * q1 + b * b * q2 + 2 * a * b * r * s1 * s2) / means
    of_spreads = (2 * c * c * q1 * q1 + 2 * d * d * q2 * q2 + 4 * c * d * r * r * q1 * q2) / spreads
    return of_means + of_spreads


def change_variance(s1: Exact, s2: Exact, r: Exact) -> Exact:
    """Give the variance of the changes."""
    return s1 * s1 + s2 * s2 - 2 * r * s1 * s2


def mean_change(row: Sequence[Exact], vtype: str, correction: str) -> Pair:
    """Subtract the means."""
    m1, s1, m2, s2, n, r = row
    del vtype, correction
    return m1 - m2, by_delta(lambda a, b, c, d: a - b + 0 * c * d, (m1, m2, s1 * s1, s2 * s2), r, n, n)


def by_change_sd(row: Sequence[Exact], vtype: str, correction: str) -> Pair:
    """Divide by the standard deviation of the changes, a sample of its own."""
    m1, s1, m2, s2, n, r = row
    j = bias_factor(n - 1, correction)
    d = (m1 - m2) / sqrt(change_variance(s1, s2, r))

    def large_sample(at: Exact) -> Exact:
        return 1 / n + derivative(lambda q: at / sqrt(q), exact(1)) ** 2 * 2 / n

    return j * d, large_sample(j * d) if vtype == "LS" else j * j * large_sample(d)


def by_first_sd(row: Sequence[Exact], vtype: str, correction: str) -> Pair:
    """Divide by the first standard deviation, which holds for both."""
    m1, s1, m2, _, n, r = row
    j = bias_factor(n - 1, correction)
    d = (m1 - m2) / s1
    q = s1 * s1

    def effect(a: Exact, b: Exact, c: Exact, e: Exact) -> Exact:
        return (a - b) / sqrt(c) + 0 * e

    def large_sample(at: Exact) -> Exact:
        return by_delta(effect, (at * s1, exact(0), q, q), r, n, n)

    return j * d, large_sample(j * d) if vtype == "LS" else j * j * large_sample(d)


def by_first_sd_unequal(row: Sequence[Exact], vtype: str, correction: str) -> Pair:
    """Divide by the first standard deviation."""
    m1, s1, m2, s2, n, r = row
    del vtype
    g = bias_factor(n - 1, correction) * (m1 - m2) / s1

    def effect(a: Exact, b: Exact, c: Exact, e: Exact) -> Exact:
        return (a - b) / sqrt(c) + 0 * e

    return g, by_delta(effect, (g * s1, exact(0), s1 * s1, s2 * s2), r, n - 1, n - 1)


def _mean_sd(a: Exact, b: Exact, c: Exact, d: Exact) -> Exact:
    return (a - b) / sqrt((c + d) / 2)


def by_mean_sd(row: Sequence[Exact], vtype: str, correction: str) -> Pair:
    """Divide by the root of the mean variance, which holds for both."""
    m1, s1, m2, s2, n, r = row
    del vtype
    q = (s1 * s1 + s2 * s2) / 2
    g = bias_factor(2 * (n - 1) / (1 + r * r), correction) * (m1 - m2) / sqrt(q)
    return g, by_delta(_mean_sd, (g * sqrt(q), exact(0), q, q), r, n, n)


def by_mean_sd_unequal(row: Sequence[Exact], vtype: str, correction: str) -> Pair:
    """Divide by the root of the mean variance."""
    m1, s1, m2, s2, n, r = row
    del vtype
    q = (s1 * s1 + s2 * s2) / 2
    g = bias_factor(2 * (n - 1) / (1 + r * r), correction) * (m1 - m2) / sqrt(q)
    return g, by_delta(_mean_sd, (g * sqrt(q), exact(0), s1 * s1, s2 * s2), r, n - 1, n - 1)


def _second_order(m: Exact, s: Exact, n: Exact) -> Exact:
    return derivative(log, m, 2) * s * s / (2 * n)


def ratio_of_means(row: Sequence[Exact], vtype: str, correction: str) -> Pair:
    """Take the log ratio of means, less the bias of second order."""
    m1, s1, m2, s2, n, r = row
    del vtype
    bias = exact(0) if correction == "none" else _second_order(m1, s1, n) - _second_order(m2, s2, n)
    v = by_delta(lambda a, b, c, d: log(a / b) + 0 * c * d, (m1, m2, s1 * s1, s2 * s2), r, n, n - 1)
    return log(m1 / m2) - bias, v


def ratio_of_spreads(row: Sequence[Exact], vtype: str, correction: str) -> Pair:
    """Take the log ratio of standard deviations."""
    m1, s1, m2, s2, n, r = row
    del vtype, correction
    v = by_delta(lambda a, b, c, d: log(c / d) / 2 + 0 * a * b, (m1, m2, s1 * s1, s2 * s2), r, n, n - 1)
    return log(s1 / s2), v


def ratio_of_variation(row: Sequence[Exact], vtype: str, correction: str) -> Pair:
    """Take the log ratio of coefficients of variation."""
    m1, s1, m2, s2, n, r = row
    v = by_delta(lambda a, b, c, d: log(c / d) / 2 - log(a / b), (m1, m2, s1 * s1, s2 * s2), r, n, n - 1)
    return ratio_of_spreads(row, vtype, correction)[0] - ratio_of_means(row, vtype, correction)[0], v


def superiority(row: Sequence[Exact], vtype: str, correction: str) -> Pair:
    """Take the probability of exceeding another person's measurement."""
    m1, s1, m2, s2, n, r = row
    del vtype, correction

    def effect(a: Exact, b: Exact, c: Exact, d: Exact) -> Exact:
        return normal_distribution((a - b) / sqrt(c + d))

    at = (m1, m2, s1 * s1, s2 * s2)
    return effect(*at), by_delta(effect, at, r, n - 1, n - 1)


EFFECTS: Mapping[str, Callable[..., Pair]] = {
    "MC": mean_change,
    "SMCC": by_change_sd,
    "SMCR": by_first_sd,
    "SMCRH": by_first_sd_unequal,
    "SMCRP": by_mean_sd,
    "SMCRPH": by_mean_sd_unequal,
    "ROMC": ratio_of_means,
    "VRC": ratio_of_spreads,
    "CVRC": ratio_of_variation,
    "CLESCN": superiority,
    "AUCCN": superiority,
}
"""Effect and variance of a row (two means with deviations, n, r), by code."""
