"""Pool by Peto's one-step method."""

from __future__ import annotations

import numpy as np

from evisynth import CombinationError, Fit, PoolingModel, Sample, Settings, hookimpl, inverse_variance_fit, is_intercept
from evisynth_estimators.two_by_two import hypergeometric


def peto(sample: Sample, settings: Settings) -> Fit:  # noqa: ARG001 - every pooling model gets the settings
    """Divide the sum of O - E by the sum of its variances V, which are the weights."""
    if not is_intercept(sample.X):
        msg = "Peto's pooling takes no moderators: choose method 'IV'"
        raise CombinationError(msg)
    zero = np.zeros(sample.y.shape[1:])
    if sample.cells is None or sample.cells.sums is sample.cells.effect:
        # With y = (O - E)/V and v = 1/V the inverse-variance mean is Σ(O - E)/ΣV.
        return inverse_variance_fit(sample.y, sample.v, sample.X, zero, model="common", method="Peto")
    observed_minus_expected, v = hypergeometric(sample.cells.sums)
    total = v.sum(axis=0)
    return Fit(
        y=sample.y,
        v=sample.v,
        X=sample.X,
        w=v,
        tau2=zero,
        coefficients=np.asarray(observed_minus_expected.sum(axis=0) / total)[np.newaxis],
        covariance=np.asarray(1 / total)[np.newaxis, np.newaxis],
        model="common",
        method="Peto",
    )


@hookimpl
def pooling_models() -> list[PoolingModel]:
    """Offer Peto's method."""
    return [
        PoolingModel(
            "Peto",
            peto,
            label="Peto",
            measures=frozenset({"PETO", "O-E"}),
            centre=True,
            tables="by correction",
            formula="θ̂ = Σ(O - E)/ΣV, Var(θ̂) = 1/ΣV; O = a, E = n₁(a + c)/N, V = n₁n₂(a + c)(b + d)/(N² (N - 1))",
            reference="Yusuf, Peto, Lewis, Collins & Sleight (1985), Prog. Cardiovasc. Dis. 27:335-371",
            r_equivalent="metafor::rma.peto(ai=events_1, n1i=n_1, ci=events_2, n2i=n_2)",
        )
    ]
