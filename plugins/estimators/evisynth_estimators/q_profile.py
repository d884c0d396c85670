"""Bound τ² by profiling the generalised Q statistic."""

from __future__ import annotations

import numpy as np

from evisynth import (
    Fit,
    Limits,
    Tau2Interval,
    chi2_quantile,
    generalised_q_root,
    hookimpl,
    power_of_two_scale,
    reasoned_limits,
)

EMPTY = "the interval is empty: effects differ less than their variances lead one to expect"


def q_profile(fit: Fit, level: float) -> Limits:
    """Invert Q(τ²), which has a χ² distribution with k - p degrees of freedom at the true τ².

    Each limit is the τ² at which Q equals a χ² quantile, 0 where Q is smaller already at 0. The interval is empty where
    even the upper one is: the effects are more alike than their variances allow.
    """
    tail = 0.5 * (1 - level)
    scale = power_of_two_scale(fit.v)
    square = scale * scale
    y, v = fit.y / scale, fit.v / square
    near = np.asarray(fit.tau2 / square)
    low = generalised_q_root(y, v, fit.X, chi2_quantile(tail, float(fit.dof)), near) * square
    high = generalised_q_root(y, v, fit.X, chi2_quantile(1 - tail, float(fit.dof)), near) * square
    empty = np.asarray(high == 0)
    return reasoned_limits(low, high, (empty, EMPTY), empty=empty)


@hookimpl
def tau2_intervals() -> list[Tau2Interval]:
    """Offer the Q-profile interval."""
    return [
        Tau2Interval(
            "QP",
            q_profile,
            formula="Q(τ²) = χ²(k - p; ½(1 + level)) at the lower limit, χ²(k - p; ½(1 - level)) at the upper "
            "one; Q(τ²) = Σ (yᵢ - xᵢβ̂)²/(vᵢ + τ²)",
            reference="Viechtbauer (2007), Stat. Med. 26:37-52",
            r_equivalent="metafor::confint(res)",
        )
    ]
