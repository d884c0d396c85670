"""Convert statistics at baseline and at the end to those of the change, with the correlation between the two."""

from __future__ import annotations

import numpy as np

from evisynth import Conversion, FloatArray, hookimpl
from evisynth_converters.refusals import SPREAD, negative, refuse

REFERENCE = "Higgins, Li & Deeks (2023), Cochrane Handbook 6.4, §6.5.2.8"
SUMMARY = "there are statistics that no change from baseline has"


def change_sd(sd_baseline: FloatArray, sd_final: FloatArray, r: FloatArray) -> tuple[FloatArray]:
    """Take the root of s₀² + s₁² - 2 r s₀ s₁, written as (s₁ - s₀)² + 2 (1 - r) s₀ s₁ so that nothing cancels."""
    columns = {"sd_baseline": sd_baseline, "sd_final": sd_final, "r": r}
    refuse(
        SUMMARY,
        columns,
        *negative(columns, SPREAD, "sd_baseline", "sd_final"),
        ("r", np.abs(r) > 1, "a correlation lies between -1 and 1"),
    )
    return (spread_of_difference(sd_baseline, sd_final, r),)


def change_mean(mean_baseline: FloatArray, mean_final: FloatArray) -> tuple[FloatArray]:
    """Subtract the mean at baseline from that at the end."""
    refuse(SUMMARY, {"mean_baseline": mean_baseline, "mean_final": mean_final})
    return (mean_final - mean_baseline,)


def change_correlation(sd_baseline: FloatArray, sd_final: FloatArray, sd_change: FloatArray) -> tuple[FloatArray]:
    """Solve for the correlation that gives the change its standard deviation; NaN where a standard deviation is 0.

    Raises `DataError` for rows whose three standard deviations go with no correlation between -1 and 1.
    """
    columns = {"sd_baseline": sd_baseline, "sd_final": sd_final, "sd_change": sd_change}
    r = correlation_of_spreads(sd_baseline, sd_final, sd_change)
    beyond = np.abs(r) > 1
    refuse(
        SUMMARY,
        columns,
        *negative(columns, SPREAD, *columns),
        ("sd_change", beyond, "no correlation between -1 and 1 gives the change this standard deviation"),
    )
    return (r,)


def spread_of_difference(one: FloatArray, other: FloatArray, r: FloatArray) -> FloatArray:
    """Give the standard deviation of a difference of two correlated measurements."""
    return np.asarray(np.sqrt((other - one) ** 2 + 2.0 * (1.0 - r) * one * other))


def correlation_of_spreads(one: FloatArray, other: FloatArray, difference: FloatArray) -> FloatArray:
    """Give the correlation of two measurements from their standard deviations and that of their difference."""
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = (difference - (other - one)) * (difference + (other - one))
        r = 1.0 - apart / (2.0 * one * other)
    return np.asarray(np.where((one == 0) | (other == 0), np.nan, r))


@hookimpl
def conversions() -> list[Conversion]:
    """Offer mean and standard deviation of the change, and the correlation."""
    return [
        Conversion(
            "change-sd",
            change_sd,
            targets=("sd_change",),
            reference=REFERENCE,
            formula="SD = √(s₀² + s₁² - 2 r s₀ s₁)",
        ),
        Conversion(
            "change-mean",
            change_mean,
            targets=("mean_change",),
            reference=REFERENCE,
            formula="change = final - baseline",
        ),
        Conversion(
            "change-correlation",
            change_correlation,
            targets=("r",),
            reference=REFERENCE,
            formula="r = (s₀² + s₁² - s²) / (2 s₀ s₁)",
        ),
    ]
