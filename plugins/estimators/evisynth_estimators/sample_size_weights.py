"""Pool with weights that do not depend on the effects: sample sizes."""

from __future__ import annotations

import numpy as np

from evisynth import CombinationError, Fit, PoolingModel, Sample, Settings, hookimpl, inverse_variance_fit, is_intercept


def sample_size_weights(sample: Sample, settings: Settings) -> Fit:  # noqa: ARG001 - every pooling model gets the settings
    """Weigh each study by its effective sample size n₁n₂/(n₁ + n₂), so that estimated variances leave the mean alone.

    The variance of the mean is Σ w²(v + τ²)/(Σ w)². Source: Bakbergenuly, Hoaglin & Kulinskaya (2020), Res. Synth.
    Methods 11:426-442.
    """
    if not sample.columns.keys() >= {"n_1", "n_2"}:
        msg = "sample-size weights need the participants of each arm: give study data, not effect sizes"
        raise CombinationError(msg)
    if not is_intercept(sample.X):
        msg = "pooling by sample-size weights takes no moderators: choose method 'IV'"
        raise CombinationError(msg)
    n_1, n_2 = sample.columns["n_1"], sample.columns["n_2"]
    zero = np.zeros(sample.y.shape[1:])
    weights = n_1 * n_2 / (n_1 + n_2)
    return inverse_variance_fit(sample.y, sample.v, sample.X, zero, model="common", method="SSW", weights=weights)


@hookimpl
def pooling_models() -> list[PoolingModel]:
    """Offer sample-size weights."""
    return [
        PoolingModel(
            "SSW",
            sample_size_weights,
            label="SSW",
            measures=frozenset({"OR", "RR", "RD", "AS", "MD", "SMD", "ROM"}),
            columns=("n_1", "n_2"),
            formula="θ̂ = Σ wᵢyᵢ/Σ wᵢ, wᵢ = n₁n₂/(n₁ + n₂); Var(θ̂) = Σ wᵢ² (vᵢ + τ²)/(Σ wᵢ)²",
            reference="Bakbergenuly, Hoaglin & Kulinskaya (2020), Res. Synth. Methods 11:426-442",
            r_equivalent="meta::metabin(events_1, n_1, events_2, n_2, sm='OR', method='SSW')",
        )
    ]
