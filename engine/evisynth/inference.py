"""Choose the interval method that a fit can have, and say where it is not the one asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth.errors import CombinationError
from evisynth.fits import no_limits
from evisynth.kernels.distributions import normal_p_value, t_p_value
from evisynth.kernels.weighted_fit import is_intercept
from evisynth.pooling import Methods, call

if TYPE_CHECKING:
    from evisynth.fits import Estimates, Fit, Limits
    from evisynth.kernels.arrays import BoolArray, FloatArray
    from evisynth.records import IntervalMethod, PredictionInterval, Tau2Interval
    from evisynth.settings import Settings


def infer(methods: Methods, fit: Fit, settings: Settings) -> tuple[Estimates, str | None]:
    """Infer by the interval method asked for; where it cannot be computed by Wald's, with a note.

    The test is against the value of no effect on the measure's scale; where there is none, as for a single group,
    statistic and p-value are NaN.
    """
    estimates, note = _infer(methods, fit, settings)
    scale = methods.measure.scale
    if isinstance(scale, str) or scale.null == 0.0 or not is_intercept(fit.X):
        return estimates, note
    return _against(estimates, scale.null), note


def _against(estimates: Estimates, null: float | None) -> Estimates:
    nothing = np.full(np.shape(estimates.value), np.nan)
    if null is None:
        return attrs.evolve(estimates, statistic=nothing, p_value=nothing, log_p_value=nothing)
    with np.errstate(divide="ignore", invalid="ignore"):
        # A test that is not the normal or t test of estimate over standard error is a test of 0 alone.
        plain = (estimates.statistic == estimates.value / estimates.se) & np.isclose(
            estimates.log_p_value, _p_value(estimates.statistic, estimates.df)[1], rtol=1e-9, equal_nan=True
        )
        statistic = np.where(plain, (estimates.value - null) / estimates.se, np.nan)
        p_value, log_p_value = _p_value(statistic, estimates.df)
    return attrs.evolve(estimates, statistic=statistic, p_value=p_value, log_p_value=log_p_value)


def _p_value(statistic: FloatArray, df: float | FloatArray | None) -> tuple[FloatArray, FloatArray]:
    return normal_p_value(statistic) if df is None else t_p_value(statistic, df)


def _infer(methods: Methods, fit: Fit, settings: Settings) -> tuple[Estimates, str | None]:
    """Infer about 0.

    A method that is for random effects alone gives way to Wald's under a common effect without a note. In a batch
    ``(k, m)`` an analysis that has no interval by the method gets Wald's, and ``without_df`` says which.
    """
    record, fallback = methods.interval, methods.common_interval
    if record.random_only and fit.model == "common":
        return _estimates(methods, fallback, fit, settings), None
    instead = f"; {fallback.name} is given instead"
    if record.random_only and fit.dof < 1:
        return (
            _estimates(methods, fallback, fit, settings),
            f"interval {record.name} needs more studies than coefficients{instead}",
        )
    if record.random_only and fit.weighted is None:
        return (
            _estimates(methods, fallback, fit, settings),
            f"interval {record.name} is of models that weigh by inverse variances, not of {fit.method}{instead}",
        )
    estimates = _estimates(methods, record, fit, settings)
    absent = np.isnan(estimates.se)
    if not absent.any() or record is fallback:
        return estimates, estimates.note
    other = _estimates(methods, fallback, fit, settings)
    why = estimates.note or "does not exist where effects do not differ at all"
    note = f"interval {record.name} {why}{instead}"
    if absent.all():
        return other, note
    return _merged(estimates, other, np.asarray(absent.any(axis=0))), note


def prediction_inputs(record: PredictionInterval, estimates: Estimates, settings: Settings) -> dict[str, Any]:
    """Give what a prediction interval asks for."""
    available = {"estimates": estimates, "adhoc": settings.adhoc, **resampling_inputs(settings)}
    return record.named_inputs(available)


def predict(methods: Methods, record: PredictionInterval, fit: Fit, estimates: Estimates, settings: Settings) -> Limits:
    """Predict by one of the methods for it; what a model does not have that weighs otherwise is a reason."""
    inputs = prediction_inputs(record, estimates, settings)
    try:
        made: Limits = call(methods.registry, record, fit, settings.level, **inputs)
    except CombinationError as error:
        if fit.weighted is not None:
            raise
        return no_limits(str(error))
    return made


def resampling_inputs(settings: Settings) -> dict[str, object]:
    """Give what a method that resamples may ask for."""
    return {"budget": settings.budget, "seed": settings.seed}


def tau2_limits(
    methods: Methods,
    record: Tau2Interval,
    fit: Fit,
    settings: Settings,
    *,
    q: FloatArray,
    h2: FloatArray | None,
) -> Limits:
    """Bound τ² of a random-effects model by one of the methods for it."""
    available = {"estimator": methods.tau2.name, "q": q, "h2": h2, **resampling_inputs(settings)}
    made: Limits = call(methods.registry, record, fit, settings.level, **record.named_inputs(available))
    return made


def _merged(estimates: Estimates, other: Estimates, absent: BoolArray) -> Estimates:
    names = ("value", "se", "ci_low", "ci_high", "statistic", "p_value", "log_p_value")
    merged: dict[str, Any] = {name: np.where(absent, getattr(other, name), getattr(estimates, name)) for name in names}
    return attrs.evolve(estimates, without_df=absent, **merged)


def _estimates(methods: Methods, record: IntervalMethod, fit: Fit, settings: Settings) -> Estimates:
    inputs = record.named_inputs(resampling_inputs(settings) | {"adhoc": settings.adhoc})
    made: Estimates = call(methods.registry, record, fit, settings.level, **inputs)
    return made
