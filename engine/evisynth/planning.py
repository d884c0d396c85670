"""Plan a trial: participants needed to tell two proportions or two means apart."""

from __future__ import annotations

import math

import attrs

from evisynth.errors import InputError
from evisynth.kernels.distributions import normal_quantile


@attrs.frozen
class SampleSize:
    """Hold a sample size: exact per group, and in whole participants per group and in all."""

    exact: float
    per_group: int
    total: int
    formula: str
    reference: str


def sample_size(
    *,
    p1: float | None = None,
    p2: float | None = None,
    difference: float | None = None,
    sd: float | None = None,
    alpha: float = 0.05,
    power: float = 0.80,
) -> SampleSize:
    """Solve the normal-approximation power formula for n, two groups of equal size, two-sided ``alpha``.

    Either two proportions ``p1``, ``p2`` (variance pooled under the null hypothesis), or a ``difference`` of means
    with a common ``sd``. Raises `InputError` for values outside their range. Source: Fleiss, Levin & Paik (2003),
    Statistical Methods for Rates and Proportions, 3rd ed., eq. 4.14 (without continuity correction); Chow, Shao &
    Wang (2008), Sample Size Calculations in Clinical Research, 2nd ed., §3.2.
    """
    for name, value in (("alpha", alpha), ("power", power)):
        if not 0.0 < value < 1.0:
            msg = f"{name} is a probability between 0 and 1, not {value!r}"
            raise InputError(msg)
    z_alpha = normal_quantile(1.0 - alpha)
    # Power is one-sided: z such that P(Z < z) = power, negative below one half.
    z_beta = math.copysign(normal_quantile(abs(2.0 * power - 1.0)), power - 0.5) if power != 0.5 else 0.0  # noqa: PLR2004
    if p1 is not None and p2 is not None and difference is None and sd is None:
        exact = _two_proportions(p1, p2, z_alpha, z_beta)
        formula = "two proportions, normal approximation, variance pooled under the null hypothesis"
        reference = "Fleiss, Levin & Paik (2003), Statistical Methods for Rates and Proportions, 3rd ed., eq. 4.14"
    elif difference is not None and sd is not None and p1 is None and p2 is None:
        if not sd > 0 or difference == 0:
            msg = f"two means need sd > 0 and a difference other than 0, not sd={sd!r} and difference={difference!r}"
            raise InputError(msg)
        exact = 2.0 * ((z_alpha + z_beta) * sd / difference) ** 2
        formula = "two means, normal approximation, common standard deviation"
        reference = "Chow, Shao & Wang (2008), Sample Size Calculations in Clinical Research, 2nd ed., §3.2"
    else:
        msg = "give two proportions (p1, p2) or a difference of means with its sd"
        raise InputError(msg)
    per_group = math.ceil(exact)
    return SampleSize(exact, per_group, 2 * per_group, formula, reference)


def _two_proportions(p1: float, p2: float, z_alpha: float, z_beta: float) -> float:
    for name, value in (("p1", p1), ("p2", p2)):
        if not 0.0 <= value <= 1.0:
            msg = f"{name} is a proportion between 0 and 1, not {value!r}"
            raise InputError(msg)
    if p1 == p2:
        msg = f"p1 and p2 are both {p1!r}: no sample can tell them apart"
        raise InputError(msg)
    mean = 0.5 * (p1 + p2)
    null = math.sqrt(2.0 * mean * (1.0 - mean))
    alternative = math.sqrt(p1 * (1.0 - p1) + p2 * (1.0 - p2))
    return ((z_alpha * null + z_beta * alternative) / (p1 - p2)) ** 2
