"""Infer with the weighted residual variance and Student's t, after Hartung and Knapp."""

from __future__ import annotations

import numpy as np

from evisynth import (
    CombinationError,
    Estimates,
    Fit,
    FloatArray,
    IntervalMethod,
    hookimpl,
    inverse_variance_fit,
    normal_p_value,
    normal_quantile,
    symmetric_estimates,
    t_quantile,
)
from evisynth_estimators.moments import dersimonian_laird


def hartung_knapp(fit: Fit, level: float, *, adhoc: str | None = None) -> Estimates:
    """Scale the covariance by the mean weighted squared residual, with k - p degrees of freedom.

    ``adhoc`` keeps the interval from being too narrow. ``"se"``: the scale is never below 1, so that the standard error
    is never smaller than Wald's. ``"IQWiG6"``: it is so only where the interval would be narrower than Wald's with the
    τ² of DerSimonian and Laird. ``"ci"``: the wider one of this interval and Wald's is given, Wald's with its normal
    test. Where the effects do not differ at all the scale is 0 and without such a rule there is no interval: the
    estimates are NaN.
    """
    if fit.rss is None:
        msg = f"Hartung-Knapp needs inverse-variance weights, not those of {fit.method}"
        raise CombinationError(msg)
    scale = np.asarray(fit.rss / fit.dof)
    if adhoc == "ci":
        return _wider(fit, level, scale)
    if adhoc == "se":
        scale = np.maximum(scale, 1)
    elif adhoc == "IQWiG6":
        scale = np.where(_narrower(fit, level, scale), np.maximum(scale, 1), scale)
    return _scaled(fit, level, scale)


def _scaled(fit: Fit, level: float, scale: FloatArray) -> Estimates:
    scale = np.where(scale > 0, scale, np.nan)
    return symmetric_estimates(
        fit.coefficients, fit.se * np.sqrt(scale), level, float(fit.dof), covariance=np.asarray(fit.covariance * scale)
    )


def _narrower(fit: Fit, level: float, scale: FloatArray) -> FloatArray:
    """Tell whether the interval is narrower than Wald's with the τ² of DerSimonian and Laird, ``()`` or ``(m,)``."""
    if fit.p > 1:
        msg = "IQWiG's rule is for a pooled effect, not for coefficients of moderators"
        raise CombinationError(msg)
    tau2 = np.maximum(dersimonian_laird(fit.y, fit.v, fit.X, details=False).tau2, 0)
    classic = inverse_variance_fit(fit.y, fit.v, fit.X, np.asarray(tau2), model="random", weights=fit.weights)
    half = t_quantile(level, float(fit.dof)) * fit.se[0] * np.sqrt(scale)
    return np.asarray(half < normal_quantile(level) * classic.se[0])


def _wider(fit: Fit, level: float, scale: FloatArray) -> Estimates:
    """Give Wald's interval to the analyses where it is the wider one."""
    wald = np.asarray(normal_quantile(level) > t_quantile(level, float(fit.dof)) * np.sqrt(scale))
    if not wald.any():
        return _scaled(fit, level, scale)
    if wald.all():
        return symmetric_estimates(fit.coefficients, fit.se, level, covariance=fit.covariance)
    df = np.broadcast_to(np.where(wald, np.inf, float(fit.dof)), fit.se.shape)
    kept = np.where(wald, 1.0, scale)
    made = _scaled(fit, level, kept)
    half = np.where(wald, normal_quantile(level), t_quantile(level, float(fit.dof))) * made.se
    p_value, log_p_value = normal_p_value(made.statistic)
    return Estimates(
        value=made.value,
        se=made.se,
        ci_low=made.value - half,
        ci_high=made.value + half,
        statistic=made.statistic,
        df=np.array(df),
        p_value=np.where(wald, p_value, made.p_value),
        log_p_value=np.where(wald, log_p_value, made.log_p_value),
        level=level,
        covariance=made.covariance,
    )


@hookimpl
def interval_methods() -> list[IntervalMethod]:
    """Offer the Hartung–Knapp interval."""
    return [
        IntervalMethod(
            "HK",
            hartung_knapp,
            random_only=True,
            one_scale=True,
            formula="θ̂ ± t(k - p) SE; SE² = s² (X'WX)⁻¹, s² = Σ wᵢ (yᵢ - xᵢβ̂)²/(k - p)",
            reference="Hartung & Knapp (2001), Stat. Med. 20:1771-1782; Sidik & Jonkman (2002), Stat. Med. "
            "21:3153-3159; with moderators and the floor: Knapp & Hartung (2003), Stat. Med. 22:2693-2710; the wider "
            "interval: Jackson, Law, Rücker & Schwarzer (2017), Stat. Med. 36:3923-3934, hybrid method 2; IQWiG's "
            "rule: IQWiG (2022), General Methods, version 6.1",
            r_equivalent="metafor::rma(yi, vi, test='knha')",
        )
    ]
