"""Pool by inverse variance."""

from __future__ import annotations

import numpy as np

from evisynth import Fit, PoolingModel, Sample, Settings, hookimpl, inverse_variance_fit


def inverse_variance(sample: Sample, settings: Settings) -> Fit:  # noqa: ARG001 - every pooling model gets the settings
    """Weigh each study by the inverse of its variance, for the least variance of the mean, or as the user says."""
    zero = np.zeros(sample.y.shape[1:])
    return inverse_variance_fit(sample.y, sample.v, sample.X, zero, model="common", weights=sample.weights)


@hookimpl
def pooling_models() -> list[PoolingModel]:
    """Offer inverse-variance pooling."""
    return [
        PoolingModel(
            "IV",
            inverse_variance,
            label="IV",
            weights=True,
            formula="β̂ = (X'WX)⁻¹X'Wy, wᵢ = 1/(vᵢ + τ²), τ² = 0 for a common effect; without moderators θ̂ = "
            "Σ wᵢyᵢ/Σ wᵢ, Var(θ̂) = 1/Σ wᵢ",
            reference="Cochran (1954), Biometrics 10:101-129; DerSimonian & Laird (1986), Control. Clin. Trials "
            "7:177-188",
            r_equivalent="metafor::rma(yi, vi, method='EE')",
        )
    ]
