"""Infer from Student's t: Wald's standard error with the residual degrees of freedom."""

from __future__ import annotations

from evisynth import Estimates, Fit, IntervalMethod, hookimpl, no_estimates, symmetric_estimates


def student(fit: Fit, level: float) -> Estimates:
    """Take the estimate ± a quantile of t with k - p degrees of freedom times Wald's standard error."""
    if fit.dof < 1:
        return no_estimates(fit.coefficients, level, "needs more studies than coefficients")
    return symmetric_estimates(fit.coefficients, fit.se, level, float(fit.dof), covariance=fit.covariance)


@hookimpl
def interval_methods() -> list[IntervalMethod]:
    """Offer the t interval."""
    return [
        IntervalMethod(
            "t",
            student,
            formula="β̂ ± t(k - p) SE, SE² = (X'WX)⁻¹",
            reference="Follmann & Proschan (1999), Biometrics 55:732-737",
            r_equivalent="metafor::rma(yi, vi, test='t')",
        )
    ]
