"""Derive effects made of correlations, regressions and reliabilities exactly.

Variances that the delta method gives are found by differentiation at 50 digits; nothing here is rearranged as a program
would. Sources: those of the records that are compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from evisynth_validation.mpmath.exact import artanh, derivative, exact, hypergeometric, log, power, sqrt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from evisynth_validation.mpmath.exact import Exact

Pair: TypeAlias = "tuple[Exact, Exact]"


def delta(function: Callable[[Exact], Exact], at: Exact, variance: Exact) -> Exact:
    """Give the variance of a function of one variable."""
    return derivative(function, at) ** 2 * variance


def unbiased_square(r: Exact, n: Exact) -> Exact:
    """Give Olkin and Pratt's unbiased estimate of ρ²."""
    return 1 - (n - 3) / (n - 2) * (1 - r * r) * hypergeometric(1, n / 2, 1 - r * r)


def unbiased(r: Exact, n: Exact) -> Exact:
    """Give Olkin and Pratt's unbiased estimate of ρ."""
    return r * hypergeometric(exact(1) / 2, (n - 2) / 2, 1 - r * r)


def correlation(row: Sequence[Exact], vtype: str, average: Exact | None = None) -> Pair:
    """Take r."""
    r, n = row
    del vtype
    at = r if average is None else average
    return r, (1 - at * at) ** 2 / (n - 1)


def unbiased_correlation(row: Sequence[Exact], vtype: str, average: Exact | None = None) -> Pair:
    """Take G."""
    r, n = row
    g = unbiased(r, n)
    if vtype == "UB":
        return g, g * g - unbiased_square(r, n)
    at = g if average is None else average
    return g, (1 - at * at) ** 2 / (n - 1)


def fisher(row: Sequence[Exact], vtype: str) -> Pair:  # noqa: ARG001 - as every effect
    """Take z."""
    r, n = row
    return log((1 + r) / (1 - r)) / 2, 1 / (n - 3)


def partial(row: Sequence[Exact], vtype: str, average: Exact | None = None) -> Pair:  # noqa: ARG001 - as every effect
    """Take the partial correlation."""
    t, n, m = row
    r = t / sqrt(t * t + n - m - 1)
    at = r if average is None else average
    return r, (1 - at * at) ** 2 / (n - m)


def partial_z(row: Sequence[Exact], vtype: str) -> Pair:
    """Take its z."""
    _, n, m = row
    return artanh(partial(row, vtype)[0]), 1 / ((n - (m - 1)) - 3)


def semipartial(row: Sequence[Exact], vtype: str, average: Exact | None = None) -> Pair:  # noqa: ARG001 - as every effect
    """Take the semi-partial correlation, with the variance as Aloe and Becker print it."""
    t, n, m, full = row
    r = t * sqrt(1 - full) / sqrt(n - m - 1)
    at = r if average is None else average
    without = full - at * at
    return r, (full * full - 2 * full + without + 1 - without * without) / n


def semipartial_z(row: Sequence[Exact], vtype: str) -> Pair:
    """Take its z."""
    r, v = semipartial(row, vtype)
    return artanh(r), delta(artanh, r, v)


def determination(row: Sequence[Exact], vtype: str, average: Exact | None = None) -> Pair:
    """Take R², the square of a correlation with variance (1 - R²)²/n."""
    square, n, m = row
    at = square if average is None else average
    v = delta(lambda r: r * r, sqrt(at), (1 - at) ** 2 / n)
    if vtype.endswith("2"):
        v = v * n * (n - m - 1) ** 2 / ((n * n - 1) * (n + 3))
    return square, v


def z_of_determination(row: Sequence[Exact], vtype: str) -> Pair:
    """Take artanh R, of which the variance of R leaves 1/n."""
    square, n, _ = row
    root = sqrt(square)
    del vtype
    return artanh(root), delta(artanh, root, (1 - square) ** 2 / n)


def determination_fixed(row: Sequence[Exact], vtype: str) -> Pair:
    """Take R² = f/(1 + f), where nf is a non-central χ² over another's mean."""
    square, n, _ = row
    del vtype
    f = square / (1 - square)
    return square, delta(lambda x: x / (1 + x), f, (4 * f + 2 * f * f) / n)


def z_of_determination_fixed(row: Sequence[Exact], vtype: str) -> Pair:
    """Take artanh R of it."""
    square, v = determination_fixed(row, vtype)
    return artanh(sqrt(square)), delta(lambda x: artanh(sqrt(x)), square, v)


def alpha(row: Sequence[Exact], vtype: str) -> Pair:
    """Take alpha, with the delta method's variance from that of ln(1 - α)."""
    a, _, _ = row
    return a, delta(lambda x: 1 - exact(1) / _exp(x), -log(1 - a), bonett(row, vtype)[1])


def _exp(x: Exact) -> Exact:
    from evisynth_validation.mpmath.exact import exp  # noqa: PLC0415 - only here

    return exp(x)


def hakstian_whalen(row: Sequence[Exact], vtype: str) -> Pair:  # noqa: ARG001 - as every effect
    """Take 1 - ∛(1 - α)."""
    a, m, n = row
    rest = power(1 - a, exact(1) / 3)
    return 1 - rest, 18 * m * (n - 1) * rest * rest / ((m - 1) * (9 * n - 11) ** 2)


def bonett(row: Sequence[Exact], vtype: str) -> Pair:  # noqa: ARG001 - as every effect
    """Take -ln(1 - α)."""
    a, m, n = row
    return -log(1 - a), 2 * m / ((m - 1) * (n - 2))


EFFECTS: Mapping[str, Callable[..., Pair]] = {
    "COR": correlation,
    "UCOR": unbiased_correlation,
    "ZCOR": fisher,
    "PCOR": partial,
    "ZPCOR": partial_z,
    "SPCOR": semipartial,
    "ZSPCOR": semipartial_z,
    "R2": determination,
    "ZR2": z_of_determination,
    "R2F": determination_fixed,
    "ZR2F": z_of_determination_fixed,
    "ARAW": alpha,
    "AHW": hakstian_whalen,
    "ABT": bonett,
}
"""Effect and variance of a row, by code; ``average`` is what AV plugs in."""
