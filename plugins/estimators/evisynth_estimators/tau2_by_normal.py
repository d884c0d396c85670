"""Bound τ² by the large-sample normal distribution of its estimate, as it is or transformed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import Fit, Limits, Tau2Interval, hookimpl, no_limits, normal_quantile, reasoned_limits

if TYPE_CHECKING:
    from evisynth import FloatArray

NO_SE = "the estimator of τ² gives no standard error"
ZERO = "τ² is estimated as 0, which has no logarithm"
TOO_FAR = "τ² is so small beside its standard error that the upper limit is beyond the range of numbers"
NO_ROOT_SE = "τ² is estimated as 0, where its square root has no finite standard error: there is no upper limit"
_SOURCE = "Viechtbauer (2007), Stat. Med. 26:37-52; Biggerstaff & Tweedie (1997), Stat. Med. 16:753-768"


def plain(fit: Fit, level: float) -> Limits:
    """Take τ² ± z·SE, cut off at 0."""
    half = _half(fit, level)
    if half is None:
        return no_limits(NO_SE)
    return Limits(np.maximum(fit.tau2 - half, 0.0), fit.tau2 + half)


def of_logarithm(fit: Fit, level: float) -> Limits:
    """Take log τ² ± z·SE/τ², the logarithm's standard error by the delta method; there is none where τ² is 0."""
    half = _half(fit, level)
    if half is None:
        return no_limits(NO_SE)
    positive = fit.tau2 > 0.0
    with np.errstate(over="ignore"):
        tau2 = np.where(positive, fit.tau2, 1.0)
        ratio = np.exp(half / tau2)
        low, high = tau2 / ratio, tau2 * ratio
    return reasoned_limits(low, high, (~positive, ZERO), (np.isinf(high), TOO_FAR), absent=~positive)


def of_square_root(fit: Fit, level: float) -> Limits:
    """Take (τ ± z·SE/(2τ))², the root's standard error by the delta method; without upper limit where τ² is 0."""
    half = _half(fit, level)
    if half is None:
        return no_limits(NO_SE)
    positive = fit.tau2 > 0.0
    tau = np.sqrt(fit.tau2)
    with np.errstate(over="ignore"):
        step = 0.5 * half / np.where(positive, tau, 1.0)
        low, high = np.square(np.maximum(tau - step, 0.0)), np.where(positive, np.square(tau + step), np.inf)
    return reasoned_limits(low, high, (~positive, NO_ROOT_SE))


def _half(fit: Fit, level: float) -> FloatArray | None:
    se = fit.tau2_fit.se if fit.tau2_fit is not None else None
    return None if se is None else np.asarray(normal_quantile(level) * se)


@hookimpl
def tau2_intervals() -> list[Tau2Interval]:
    """Offer the Wald-type intervals."""
    formulas = {
        "Wald": "τ² ± z SE(τ²), at least 0",
        "Wald.log": "exp(ln τ² ± z SE(τ²)/τ²)",
        "Wald.sqrt": "(τ ± z SE(τ²)/(2τ))², τ at least 0",
    }
    return [
        Tau2Interval(
            name,
            function,
            formula=formulas[name],
            reference=_SOURCE,
            r_equivalent=f"metafor::confint(res, type='{name}')",
        )
        for name, function in (("Wald", plain), ("Wald.log", of_logarithm), ("Wald.sqrt", of_square_root))
    ]
