"""Infer from the large-sample normal distribution."""

from __future__ import annotations

from evisynth import Estimates, Fit, IntervalMethod, hookimpl, symmetric_estimates


def wald(fit: Fit, level: float) -> Estimates:
    """Take the estimate ± a normal quantile times its standard error."""
    return symmetric_estimates(fit.coefficients, fit.se, level, covariance=fit.covariance)


@hookimpl
def interval_methods() -> list[IntervalMethod]:
    """Offer Wald's interval."""
    return [
        IntervalMethod(
            "Wald",
            wald,
            formula="β̂ ± z SE, SE² = (X'WX)⁻¹",
            reference="DerSimonian & Laird (1986), Control. Clin. Trials 7:177-188",
            r_equivalent="metafor::rma(yi, vi, test='z')",
        )
    ]
