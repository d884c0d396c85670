"""Take an effect as a paper reports it: with a variance, a standard error, an interval, or the p-value of its test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import FloatArray, MeasuredEffects, Reasons, Route, hookimpl, normal_quantile
from evisynth_converters.tails import normal_value

if TYPE_CHECKING:
    from collections.abc import Callable

IMPOSSIBLE = "the estimate has no value on the analysis scale"
P_IS_0 = "a p-value of 0 gives no standard error: the smallest p that it is below is needed"
NO_TEST = "this measure has no value of no effect, and so no test that would give a standard error"
NO_SPREAD = "an estimate without an effect, or a p-value of 1, gives no standard error"


def with_variance(yi: FloatArray, vi: FloatArray) -> MeasuredEffects:
    """Take the effect and its variance, both on the analysis scale."""
    return MeasuredEffects(yi, vi)


def with_standard_error(yi: FloatArray, sei: FloatArray) -> MeasuredEffects:
    """Take the effect and its standard error, both on the analysis scale."""
    return MeasuredEffects(yi, sei * sei)


def with_interval(
    estimate: FloatArray,
    ci_low: FloatArray,
    ci_high: FloatArray,
    forward: Callable[[FloatArray], FloatArray],
    level: float = 0.95,
) -> MeasuredEffects:
    """Take SE = (upper - lower) / (2 z) on the analysis scale; the estimate and its limits are as shown to readers."""
    y, low, high = forward(estimate), forward(ci_low), forward(ci_high)
    root = np.abs(high - low) / (2 * normal_quantile(level))
    return MeasuredEffects(y, root * root, _impossible(y, low, high))


def with_p_value(
    estimate: FloatArray,
    p_value: FloatArray,
    forward: Callable[[FloatArray], FloatArray],
    null: float | None = 0.0,
) -> MeasuredEffects:
    """Take SE = |y - y₀| / z with z = Φ⁻¹(1 - p/2), of a two-sided test of no effect; y₀ is 0 for most measures."""
    reasons = ((p_value == 0, P_IS_0), (p_value == 1, NO_SPREAD))
    return _over(forward(estimate), normal_value(p_value), null, reasons)


def with_z_value(
    estimate: FloatArray,
    z_value: FloatArray,
    forward: Callable[[FloatArray], FloatArray],
    null: float | None = 0.0,
) -> MeasuredEffects:
    """Take SE = |(y - y₀) / z|, of a Wald test of no effect; y₀ is 0 for most measures."""
    return _over(forward(estimate), z_value, null, ((z_value == 0, NO_SPREAD),))


def _over(y: FloatArray, z: FloatArray, null: float | None, reasons: Reasons) -> MeasuredEffects:
    if null is None:
        untested = np.ones(y.shape, dtype=np.bool_)
        return MeasuredEffects(y, np.full(y.shape, np.nan), ((untested, NO_TEST),))
    away = y - null
    return MeasuredEffects(y, (away / z) ** 2, (*_impossible(y), *reasons, (away == 0, NO_SPREAD)))


def log_rank(o_e: FloatArray, o_e_variance: FloatArray) -> MeasuredEffects:
    """Take (O - E)/V with variance 1/V."""
    return MeasuredEffects(o_e / o_e_variance, 1 / o_e_variance, ((o_e_variance == 0, "variance of O - E is 0"),))


def _impossible(*values: FloatArray) -> Reasons:
    return ((np.logical_or.reduce([~np.isfinite(value) for value in values]), IMPOSSIBLE),)


@hookimpl
def routes() -> list[Route]:
    """Offer effects as they are reported, for any measure."""
    handbook = "Higgins et al. (2023), Cochrane Handbook for Systematic Reviews of Interventions 6.4, §6.3"
    return [
        Route(
            "effect with variance",
            with_variance,
            measures=None,
            formula="y and v as given",
            reference=handbook,
            r_equivalent="metafor::escalc(measure='GEN', yi=yi, vi=vi)",
        ),
        Route(
            "effect with standard error",
            with_standard_error,
            measures=None,
            formula="v = SE²",
            reference=handbook,
            r_equivalent="metafor::escalc(measure='GEN', yi=yi, sei=sei)",
        ),
        Route(
            "estimate with interval",
            with_interval,
            measures=None,
            formula="SE = (upper - lower) / (2 z), on the analysis scale",
            reference=f"{handbook}.1",
            r_equivalent="metafor::conv.wald(out=estimate, ci.lb=ci_low, ci.ub=ci_high, transf=log)",
            r_version="metafor 4.0",
        ),
        Route(
            "estimate with p",
            with_p_value,
            measures=None,
            formula="SE = |y - y₀| / Φ⁻¹(1 - p/2), on the analysis scale",
            reference=f"{handbook}.2",
            r_equivalent="metafor::conv.wald(out=estimate, pval=p_value, transf=log)",
            r_version="metafor 4.0",
        ),
        Route(
            "estimate with z",
            with_z_value,
            measures=None,
            formula="SE = |(y - y₀) / z|, on the analysis scale",
            reference=f"{handbook}.2",
            r_equivalent="metafor::conv.wald(out=estimate, zval=z_value, transf=log)",
            r_version="metafor 4.0",
        ),
        Route(
            "O - E and V",
            log_rank,
            measures=frozenset({"PETO"}),
            formula="y = (O - E) / V, v = 1 / V",
            reference="Yusuf, Peto, Lewis, Collins & Sleight (1985), Prog. Cardiovasc. Dis. 27:335-371",
        ),
    ]
