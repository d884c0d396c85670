"""Derive effects made of means and standard deviations exactly, their variances by differentiation where they are.

An effect is a function of the means and standard deviations of normal samples, which are independent: a mean has
variance σ²/n, a squared standard deviation 2σ⁴/m. The delta method's variance is Σ (∂f/∂x)² V(x), with derivatives
taken numerically at 50 digits; terms of second order are (f''V)²/2, and the bias they correct is f''V/2. Nothing
here is rearranged as a program would.

Sources: those of the records that are compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from evisynth_validation.mpmath.exact import (
    artanh,
    derivative,
    exact,
    gamma_ratio,
    log,
    normal_density,
    normal_distribution,
    normal_quantile,
    sqrt,
    two_pi,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from evisynth_validation.mpmath.exact import Exact

Pair: TypeAlias = "tuple[Exact, Exact]"


def bias_factor(m: Exact, correction: str = "exact") -> Exact:
    """Give J for m degrees of freedom."""
    if correction == "none":
        return exact(1)
    if correction == "approximate":
        return 1 - 3 / (4 * m - 1)
    return gamma_ratio(m / 2, (m - 1) / 2) / sqrt(m / 2)


def by_delta(function: Callable[..., Exact], at: Sequence[Exact], variances: Sequence[Exact | int]) -> Exact:
    """Add up (∂f/∂x)² V(x) over the variables."""
    result = exact(0)
    for i, variance in enumerate(variances):

        def along(x: Exact, i: int = i) -> Exact:
            return function(*at[:i], x, *at[i + 1 :])

        slope = derivative(along, at[i])
        result = result + slope * slope * variance
    return result


def pooled(s1: Exact, n1: Exact, s2: Exact, n2: Exact) -> Exact:
    """Pool two variances."""
    return ((n1 - 1) * s1 * s1 + (n2 - 1) * s2 * s2) / (n1 + n2 - 2)


def mean_difference(arms: Sequence[Exact], vtype: str) -> Pair:
    """Subtract the means."""
    m1, s1, n1, m2, s2, n2 = arms
    if vtype == "HO":
        return m1 - m2, pooled(s1, n1, s2, n2) * (1 / n1 + 1 / n2)
    return m1 - m2, s1 * s1 / n1 + s2 * s2 / n2


def ratio_to_sd(m1: Exact, m2: Exact, s: Exact) -> Exact:
    """Divide a difference by a standard deviation."""
    return (m1 - m2) / s


def standardised(arms: Sequence[Exact], vtype: str, correction: str = "exact", average: Exact | None = None) -> Pair:
    """Divide by the pooled standard deviation; ``average`` is the mean of g."""
    m1, s1, n1, m2, s2, n2 = arms
    n, m = n1 + n2, n1 + n2 - 2
    s = sqrt(pooled(s1, n1, s2, n2))
    j, unbiased = bias_factor(m, correction), bias_factor(m)
    g = j * (m1 - m2) / s
    h = 1 / n1 + 1 / n2

    def large_sample(d: Exact) -> Exact:
        variances = (s * s / n1, s * s / n2, s * s / (2 * n))
        return by_delta(ratio_to_sd, (d * s, exact(0), s), variances)

    variance = {
        "LS": lambda: large_sample(g),
        "AV": lambda: large_sample(g if average is None else average),
        "LS2": lambda: j * j * large_sample(g / j),
        "UB": lambda: h + g * g * (1 - (m - 2) / (m * unbiased * unbiased)),
        "WT": lambda: h + (unbiased * g / j) ** 2 * (1 - (m - 2) / (m * unbiased * unbiased)),
        "revman": lambda: h + g * g / (2 * (n - exact(394) / 100)),
    }
    return g, variance[vtype]()


def by_average_variance(arms: Sequence[Exact], vtype: str, correction: str = "exact") -> Pair:
    """Divide by the root of the average variance."""
    m1, s1, n1, m2, s2, n2 = arms

    def effect(m1: Exact, m2: Exact, q1: Exact, q2: Exact) -> Exact:
        return (m1 - m2) / sqrt((q1 + q2) / 2)

    j = bias_factor(n1 + n2 - 2, correction)
    q1, q2 = s1 * s1, s2 * s2
    a, b = (0 if vtype in {"LS2", "LS3"} else 1), (0 if vtype == "LS2" else 1)
    variances = (q1 / (n1 - a), q2 / (n2 - a), 2 * q1 * q1 / (n1 - b), 2 * q2 * q2 / (n2 - b))
    # The variance is taken at the corrected effect: as if the difference were that much smaller.
    return j * effect(m1, m2, q1, q2), by_delta(effect, (j * (m1 - m2), exact(0), q1, q2), variances)


def by_second_sd(arms: Sequence[Exact], vtype: str, correction: str = "exact", average: Exact | None = None) -> Pair:
    """Divide by the standard deviation of arm 2, which holds for both."""
    m1, _, n1, m2, s2, n2 = arms
    j, unbiased, m = bias_factor(n2 - 1, correction), bias_factor(n2 - 1), n2 - 1
    g = j * (m1 - m2) / s2
    h = 1 / n1 + 1 / n2

    def large_sample(d: Exact, freedom: Exact) -> Exact:
        variances = (s2 * s2 / n1, s2 * s2 / n2, s2 * s2 / (2 * freedom))
        return by_delta(ratio_to_sd, (d * s2, exact(0), s2), variances)

    variance = {
        "LS": lambda: large_sample(g, n2),
        "AV": lambda: large_sample(g if average is None else average, n2),
        "LS2": lambda: j * j * large_sample(g / j, n2),
        "UB": lambda: h + g * g * (1 - (m - 2) / (m * unbiased * unbiased)),
        "Deeks": lambda: large_sample(g, m),
    }
    return g, variance[vtype]()


def by_second_sd_of_unequal(arms: Sequence[Exact], vtype: str, correction: str = "exact") -> Pair:  # noqa: ARG001 - as its siblings
    """Divide by the standard deviation of arm 2, which does not hold for arm 1."""
    m1, s1, n1, m2, s2, n2 = arms
    j = bias_factor(n2 - 1, correction)
    g = j * (m1 - m2) / s2
    variances = (s1 * s1 / (n1 - 1), s2 * s2 / (n2 - 1), s2 * s2 / (2 * (n2 - 1)))
    return g, by_delta(ratio_to_sd, (g * s2, exact(0), s2), variances)


def log_odds(factor: Exact) -> Callable[[Sequence[Exact], str], Pair]:
    """Multiply Cohen's d."""

    def scaled(arms: Sequence[Exact], vtype: str) -> Pair:
        d, v = standardised(arms, vtype, "none")
        return factor * d, factor * factor * v

    return scaled


LOGISTIC = two_pi() / 2 / sqrt(3)


def _of_log_mean(m: Exact, s: Exact, n: Exact) -> tuple[Exact, Exact, Exact]:
    """Give the logarithm's variance, its second-order term and its bias."""
    variance = s * s / n
    slope, curve = derivative(log, m), derivative(log, m, 2)
    return slope * slope * variance, (curve * variance) ** 2 / 2, curve * variance / 2


def _of_log_sd(s: Exact, n: Exact) -> tuple[Exact, Exact, Exact]:
    variance = 2 * s**4 / (n - 1)

    def half(q: Exact) -> Exact:
        return log(q) / 2

    slope, curve = derivative(half, s * s), derivative(half, s * s, 2)
    return slope * slope * variance, (curve * variance) ** 2 / 2, curve * variance / 2


def ratio_of_means(
    arms: Sequence[Exact], vtype: str, correction: str = "Lajeunesse", averages: Sequence[Exact] = ()
) -> Pair:
    """Take the logarithm of the ratio of means; ``averages`` are the mean coefficients of variation."""
    m1, s1, n1, m2, s2, n2 = arms
    m1, m2 = abs(m1), abs(m2)
    v1, second1, bias1 = _of_log_mean(m1, s1, n1)
    v2, second2, bias2 = _of_log_mean(m2, s2, n2)
    y = log(m1 / m2) - (bias1 - bias2 if correction == "Lajeunesse" else 0)
    if vtype == "HO":
        s = sqrt(pooled(s1, n1, s2, n2))
        return y, _of_log_mean(m1, s, n1)[0] + _of_log_mean(m2, s, n2)[0]
    if vtype in {"AV", "AVHO"}:
        return y, averages[0] ** 2 / n1 + averages[1] ** 2 / n2
    return y, v1 + v2 + (second1 + second2 if vtype == "LS2" else 0)


def ratio_of_spreads(arms: Sequence[Exact], vtype: str, correction: str = "exact") -> Pair:
    """Take the logarithm of the ratio of standard deviations."""
    _, s1, n1, _, s2, n2 = arms
    v1, second1, bias1 = _of_log_sd(s1, n1)
    v2, second2, bias2 = _of_log_sd(s2, n2)
    y = log(s1 / s2) - (0 if correction == "none" else bias1 - bias2)
    return y, v1 + v2 + (second1 + second2 if vtype == "LS2" else 0)


def ratio_of_variation(arms: Sequence[Exact], vtype: str, correction: str = "exact") -> Pair:
    """Take the logarithm of the ratio of coefficients of variation."""
    spreads, v = ratio_of_spreads(arms, vtype, correction)
    means, w = ratio_of_means(arms, vtype, "none" if correction == "none" else "Lajeunesse")
    return spreads - means, v + w


def point_biserial(arms: Sequence[Exact], vtype: str) -> Pair:
    """Correlate with the group."""
    n1, n2 = arms[2], arms[5]
    n = n1 + n2
    h = (n - 2) / n1 + (n - 2) / n2

    def of_d(d: Exact) -> Exact:
        return d / sqrt(d * d + h)

    d, v = standardised(arms, "LS", "none")
    r = of_d(d)
    if vtype != "CS":
        return r, by_delta(of_d, (d,), (v,))
    p, q = n1 / n, n2 / n
    return r, (1 - r * r) ** 2 * (1 - exact(3) / 2 * r * r + r * r / (4 * p * q)) / n


def biserial(arms: Sequence[Exact], vtype: str) -> Pair:  # noqa: ARG001 - as its siblings
    """Correlate with what was cut into groups."""
    r, _ = point_biserial(arms, "ST")
    n1, n2 = arms[2], arms[5]
    n = n1 + n2
    p, q = n1 / n, n2 / n
    z = normal_quantile(q)
    f = normal_density(z)
    rb = r * sqrt(p * q) / f
    bracket = exact(3) / 2 + (1 - p * z / f) * (1 + q * z / f)
    rho = rb if abs(rb) < 1 else exact(1)
    return rb, (rho**4 - bracket * rho * rho + p * q / (f * f)) / (n - 1)


def fisher(correlate: Callable[[Sequence[Exact], str], Pair]) -> Callable[[Sequence[Exact], str], Pair]:
    """Transform a correlation."""

    def transformed(arms: Sequence[Exact], vtype: str) -> Pair:
        r, v = correlate(arms, vtype)
        return artanh(r), by_delta(artanh, (r,), (v,))

    return transformed


def superiority(arms: Sequence[Exact], vtype: str) -> Pair:  # noqa: ARG001 - as its siblings
    """Give the probability of a higher value in group 1, both normal."""
    m1, s1, n1, m2, s2, n2 = arms

    def effect(m1: Exact, m2: Exact, q1: Exact, q2: Exact) -> Exact:
        return normal_distribution((m1 - m2) / sqrt(q1 + q2))

    q1, q2 = s1 * s1, s2 * s2
    variances = (q1 / (n1 - 1), q2 / (n2 - 1), 2 * q1 * q1 / (n1 - 1), 2 * q2 * q2 / (n2 - 1))
    return effect(m1, m2, q1, q2), by_delta(effect, (m1, m2, q1, q2), variances)


def reported_superiority(row: Sequence[Exact], vtype: str) -> Pair:
    """Take a probability as reported: Newcombe's printed form, and Hanley & McNeil's Q₁ and Q₂."""
    a, m, n = row
    if vtype == "H0":
        return a, (m + n + 1) / (12 * m * n)
    if vtype == "MAX":
        return a, max(a * (1 - a) / (m - 1), a * (1 - a) / (n - 1))
    if vtype == "LS2":
        q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
        return a, (a * (1 - a) + (m - 1) * (q1 - a * a) + (n - 1) * (q2 - a * a)) / ((m - 1) * (n - 1))
    half = (m + n) / 2
    return a, a * (1 - a) / ((m - 1) * (n - 1)) * (2 * half - 1 - (3 * half - 3) / ((2 - a) * (1 + a)))


def mean_of_group(row: Sequence[Exact], vtype: str) -> Pair:  # noqa: ARG001 - as its siblings
    """Take the mean."""
    m, s, n = row
    return m, s * s / n


def standardised_mean(row: Sequence[Exact], vtype: str, correction: str = "exact") -> Pair:  # noqa: ARG001 - as its siblings
    """Divide the mean by the standard deviation."""
    m, s, n = row
    y = bias_factor(n - 1, correction) * m / s

    def ratio(m: Exact, s: Exact) -> Exact:
        return m / s

    return y, by_delta(ratio, (y * s, s), (s * s / n, s * s / (2 * n)))


def log_mean(row: Sequence[Exact], vtype: str) -> Pair:  # noqa: ARG001 - as its siblings
    """Take the logarithm of the mean."""
    m, s, n = row
    return log(m), _of_log_mean(m, s, n)[0]


def log_sd(row: Sequence[Exact], vtype: str, correction: str = "exact") -> Pair:  # noqa: ARG001 - as its siblings
    """Take the logarithm of the standard deviation."""
    _, s, n = row
    v, _, bias = _of_log_sd(s, n)
    return log(s) - (0 if correction == "none" else bias), v


def log_variation(row: Sequence[Exact], vtype: str, correction: str = "exact") -> Pair:
    """Take the logarithm of the coefficient of variation."""
    y, v = log_sd(row, vtype, correction)
    of_mean, w = log_mean(row, vtype)
    return y - of_mean, v + w


EFFECTS: Mapping[str, Callable[..., Pair]] = {
    "MD": mean_difference,
    "SMD": standardised,
    "SMDH": by_average_variance,
    "SMD1": by_second_sd,
    "SMD1H": by_second_sd_of_unequal,
    "D2OR": log_odds(LOGISTIC),
    "D2ORL": log_odds(LOGISTIC),
    "D2ORN": log_odds(exact(165) / 100),
    "ROM": ratio_of_means,
    "VR": ratio_of_spreads,
    "CVR": ratio_of_variation,
    "RPB": point_biserial,
    "ZPB": fisher(point_biserial),
    "RBIS": biserial,
    "ZBIS": fisher(biserial),
    "CLESN": superiority,
    "AUCN": superiority,
    "CLES": reported_superiority,
    "AUC": reported_superiority,
    "MN": mean_of_group,
    "SMN": standardised_mean,
    "MNLN": log_mean,
    "SDLN": log_sd,
    "CVLN": log_variation,
}
"""Effect and variance of a row, by measure and variance type."""
