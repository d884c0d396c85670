"""Infer about the common-effect estimate with a variance that allows for heterogeneity."""

from __future__ import annotations

import numpy as np

from evisynth import (
    CombinationError,
    Estimates,
    Fit,
    IntervalMethod,
    hookimpl,
    no_estimates,
    symmetric_estimates,
    weighted_fit,
)


def inverse_variance_heterogeneity(fit: Fit, level: float) -> Estimates:
    """Take the common-effect estimate ± a normal quantile times its standard error under the model's τ².

    The estimate has the weights 1/v, and its covariance is (X'WX)⁻¹ X'W(V + τ²)WX (X'WX)⁻¹, the quasi-likelihood
    variance of the paper. Value and limits are therefore not those of the random-effects estimate.
    """
    if fit.weighted is None:
        msg = f"interval IVhet is about the estimate with inverse-variance weights, not those of {fit.method}"
        raise CombinationError(msg)
    if fit.weights is not None:
        return no_estimates(
            fit.coefficients,
            level,
            "is about the estimate with inverse-variance weights, and here are weights of the user's",
        )
    common = weighted_fit(fit.y, 1.0 / fit.v, fit.X)
    covariance = common.covariance_under(fit.v + fit.tau2, fit.X)
    se = np.sqrt(covariance[0] if fit.p == 1 else np.einsum("ii...->i...", covariance))
    return symmetric_estimates(common.coefficients, np.asarray(se), level, covariance=covariance)


@hookimpl
def interval_methods() -> list[IntervalMethod]:
    """Offer the IVhet interval."""
    return [
        IntervalMethod(
            "IVhet",
            inverse_variance_heterogeneity,
            random_only=True,
            formula="θ̂ ± z SE; θ̂ = Σ wᵢyᵢ/Σ wᵢ, SE² = Σ wᵢ² (vᵢ + τ²)/(Σ wᵢ)², wᵢ = 1/vᵢ",
            reference="Doi, Barendregt, Khan, Thalib & Williams (2015), Contemp. Clin. Trials 45:130-138",
            r_equivalent="meta::metagen(yi, sqrt(vi), method.tau='DL', method.common.ci='IVhet')",
            r_version="meta 8.1",
        )
    ]
