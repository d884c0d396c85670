"""Pool rate ratios by the expected events, after Cochran."""

from __future__ import annotations

import numpy as np

from evisynth import CombinationError, Fit, PoolingModel, Sample, Settings, hookimpl, is_intercept

COLUMNS = ("events_1", "time_1", "events_2", "time_2")


def cochran(sample: Sample, settings: Settings) -> Fit:  # noqa: ARG001 - every pooling model gets the settings
    """Weigh the log rate ratio of each study by the events that arm 1 would have at the rate of arm 2, x₂t₁/t₂.

    The variance of the mean is 1/Σx₁ + 1/Σx₂. Events enter as they are.
    """
    if not sample.columns.keys() >= set(COLUMNS):
        msg = "Cochran's method needs the events and person-time of each arm: give study data, not effect sizes"
        raise CombinationError(msg)
    if not is_intercept(sample.X):
        msg = "Cochran's method takes no moderators: choose method 'IV'"
        raise CombinationError(msg)
    x_1, t_1, x_2, t_2 = (sample.columns[name] for name in COLUMNS)
    weights = x_2 * t_1 / t_2
    with np.errstate(divide="ignore", invalid="ignore"):
        # Without any event in an arm there is no finite estimate, which the engine reports with its reason.
        estimate = (weights * sample.y).sum(axis=0) / weights.sum(axis=0)
        variance = 1 / x_1.sum(axis=0) + 1 / x_2.sum(axis=0)
    return Fit(
        y=sample.y,
        v=sample.v,
        X=sample.X,
        w=weights,
        tau2=np.zeros(sample.y.shape[1:]),
        coefficients=np.asarray(estimate)[np.newaxis],
        covariance=np.asarray(variance)[np.newaxis, np.newaxis],
        model="common",
        method="Cochran",
    )


@hookimpl
def pooling_models() -> list[PoolingModel]:
    """Offer Cochran's method."""
    return [
        PoolingModel(
            "Cochran",
            cochran,
            label="Cochran",
            measures=frozenset({"IRR"}),
            columns=COLUMNS,
            formula="θ̂ = Σ wᵢyᵢ/Σ wᵢ, wᵢ = x₂t₁/t₂; Var(θ̂) = 1/Σx₁ + 1/Σx₂",
            reference="Cochran (1954), Biometrics 10:417-451; Bayne-Jones et al. (1964), Smoking and Health: Report of "
            "the Advisory Committee to the Surgeon General of the Public Health Service, ch. 8",
            r_equivalent="meta::metainc(events_1, time_1, events_2, time_2, sm='IRR', method='Cochran')",
        )
    ]
