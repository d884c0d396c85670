"""Check that an estimate, its interval and its p-value, as reported, fit together within the digits that are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import Check, FloatArray, Reasons, hookimpl, normal_quantile

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth import BoolArray

DIGITS = 12
"""Decimals beyond which a number is held to be exact."""
CLOSE = 0.1
"""Part of the interval's half-width by which its middle may lie beside the estimate, beyond rounding: some intervals
are from t or from a likelihood."""
Z_CLOSE = 0.1
"""Part by which two z may differ, beyond rounding."""


def asymmetric_interval(
    scale: str,
    forward: Callable[[FloatArray], FloatArray],
    estimate: FloatArray | None = None,
    yi: FloatArray | None = None,
    ci_low: FloatArray | None = None,
    ci_high: FloatArray | None = None,
) -> Reasons:
    """Find intervals whose middle is not the estimate on the analysis scale, however the numbers were rounded.

    Where they are symmetric on the other of the two scales, natural and logarithmic, the message says so.
    """
    if ci_low is None or ci_high is None or (estimate is None and yi is None):
        return ()
    centre = yi if yi is not None else estimate
    assert centre is not None  # noqa: S101 - one of them is there
    here = _as_given if yi is not None else forward
    outside = (centre < ci_low) | (centre > ci_high)
    skewed = _skewed(here, centre, ci_low, ci_high) & ~outside
    logs = scale == "log" and yi is None
    elsewhere = _as_given if logs else np.log
    possible = np.isfinite(ci_low) & np.isfinite(ci_high) & np.isfinite(centre)
    if not logs:
        possible &= (ci_low > 0) & (centre > 0)
    symmetric_elsewhere = skewed & possible & ~_skewed(elsewhere, centre, ci_low, ci_high)
    said = "as they are: are they logarithms already?" if logs else "as logarithms: is this a ratio (scale 'log')?"
    return (
        (outside, "the estimate lies outside its own interval"),
        (
            symmetric_elsewhere,
            f"the interval is not symmetric about the estimate, and would be with the numbers {said}",
        ),
        (
            skewed & ~symmetric_elsewhere,
            "the interval is not symmetric about the estimate on the analysis scale",
        ),
    )


def interval_against_p(
    forward: Callable[[FloatArray], FloatArray],
    estimate: FloatArray | None = None,
    ci_low: FloatArray | None = None,
    ci_high: FloatArray | None = None,
    p_value: FloatArray | None = None,
    level: float = 0.95,
) -> Reasons:
    """Find p-values that the estimate and its interval cannot have, however the numbers were rounded."""
    if estimate is None or ci_low is None or ci_high is None or p_value is None:
        return ()
    from scipy.special import ndtri  # noqa: PLC0415 - scipy comes with the first use

    low, high = _range(forward, ci_low), _range(forward, ci_high)
    y = _range(forward, estimate)
    widest, narrowest = high[1] - low[0], np.maximum(high[0] - low[1], 0.0)
    twice = 2 * normal_quantile(level)
    # 0 may lie within the rounding of the estimate.
    nearest = np.where((y[0] <= 0) & (y[1] >= 0), 0.0, np.minimum(np.abs(y[0]), np.abs(y[1])))
    farthest = np.maximum(np.abs(y[0]), np.abs(y[1]))
    least, most = twice * nearest / widest, twice * farthest / narrowest
    half = 0.5 * 10.0 ** -_decimals(p_value)
    p_low, p_high = np.clip(p_value - half, 0.0, 1.0), np.clip(p_value + half, 0.0, 1.0)
    z_high, z_low = -ndtri(p_low / 2), -ndtri(p_high / 2)
    apart = (least > z_high * (1 + Z_CLOSE) + Z_CLOSE) | (most < z_low * (1 - Z_CLOSE) - Z_CLOSE)
    return ((apart, "the p-value does not go with the estimate and its interval"),)


def _as_given(values: FloatArray) -> FloatArray:
    return values


def _decimals(values: FloatArray) -> FloatArray:
    """Count the decimals that are printed, at least one; a number with more than twelve is held to be exact."""
    found = np.full(np.shape(values), float(DIGITS))
    for digits in range(DIGITS - 1, 0, -1):
        found = np.where(np.round(values, digits) == values, float(digits), found)
    return found


def _range(scale: Callable[[FloatArray], FloatArray], values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give the least and largest that a rounded number may have been, on a scale."""
    half = np.where(np.isfinite(values), 0.5 * 10.0 ** -_decimals(values), 0.0)
    one, other = scale(values - half), scale(values + half)
    return np.minimum(one, other), np.maximum(one, other)


def _skewed(
    scale: Callable[[FloatArray], FloatArray], centre: FloatArray, ci_low: FloatArray, ci_high: FloatArray
) -> BoolArray:
    y, low, high = _range(scale, centre), _range(scale, ci_low), _range(scale, ci_high)
    slack = CLOSE * 0.5 * (high[1] - low[0])
    below, above = 0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1])
    return np.asarray((y[1] < below - slack) | (y[0] > above + slack))


@hookimpl
def checks() -> list[Check]:
    """Offer checks of an estimate, its limits and its p-value against one another."""
    handbook = "Higgins et al. (2023), Cochrane Handbook for Systematic Reviews of Interventions 6.4, §6.3"
    return [
        Check("interval", asymmetric_interval, reference=handbook),
        Check(
            "p-value",
            interval_against_p,
            reference=f"{handbook}; Nuijten et al. (2016), Behav. Res. Methods 48:1205-1226 (recomputing p-values)",
        ),
    ]
