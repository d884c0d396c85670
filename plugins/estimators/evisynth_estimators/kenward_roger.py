"""Infer with a standard error and degrees of freedom that allow for the estimation of τ², after Kenward and Roger."""

from __future__ import annotations

import numpy as np

from evisynth import (
    CombinationError,
    Estimates,
    Fit,
    FloatArray,
    IntervalMethod,
    WeightedFit,
    hookimpl,
    is_intercept,
    no_estimates,
    symmetric_estimates,
    weighted_fit,
)


def kenward_roger(fit: Fit, level: float) -> Estimates:
    """Add to the covariance what the estimation of τ² costs, and match a t distribution to each Wald statistic.

    With Φ = (X'WX)⁻¹ and the variance 2/tr(PP) of τ² by its expected restricted information, the covariance is
    Φ_A = Φ + 2 Φ Λ Φ with Λ = Var(τ²)·(X'W³X - X'W²X Φ X'W²X), as the variances are linear in τ². For the coefficient
    l'β the degrees of freedom are 2 (l'Φ_A l)² / (Var(τ²) (l'Φ_A X'W²X Φ_A l)²), with Φ_A where Kenward and Roger have
    Φ, as Partlett and Riley (2017) and meta have it. The information is that of restricted likelihood whatever the
    estimator of τ².
    """
    fitted = fit.weighted
    if fitted is None:
        msg = f"Kenward-Roger needs inverse-variance weights, not those of {fit.method}"
        raise CombinationError(msg)
    if fit.weights is not None:
        return no_estimates(
            fit.coefficients,
            level,
            "is about the estimate with inverse-variance weights, and here are weights of the user's",
        )
    if fit.tau2_fit is not None and fit.tau2_fit.known:
        return no_estimates(fit.coefficients, level, "allows for the estimation of tau², and here tau² is given")
    variance = np.asarray(2.0 / fitted.trace_squared)
    covariance = np.asarray(fit.covariance + 2.0 * variance * _cost(fit, fitted))
    adjusted, pull = _curvature(fit, covariance)
    df = np.asarray(2.0 * (adjusted / pull) ** 2 / variance)
    return symmetric_estimates(fit.coefficients, np.sqrt(adjusted), level, df, covariance=covariance)


def _cost(fit: Fit, fitted: WeightedFit) -> FloatArray:
    """Compute Φ (X'W³X - X'W²X Φ X'W²X) Φ, ``(p, p)`` or ``(p, p, m)``.

    The bracket holds the cross-products of the residuals of W x_j after regression on X with the weights w: no
    difference of large sums.
    """
    w = fitted.w
    if is_intercept(fit.X):
        total = w.sum(axis=0)
        gaps = weighted_fit(w, w).residuals
        return np.asarray((w * gaps * gaps).sum(axis=0) / total**2)[np.newaxis, np.newaxis]
    design = fit.X if fit.X.ndim == w.ndim + 1 else fit.X[:, :, np.newaxis]
    gaps = np.stack([weighted_fit(w * design[:, j], w, fit.X).residuals for j in range(fit.p)], axis=1)
    inner = np.einsum("k...,kp...,kq...->pq...", w, gaps, gaps)
    phi = fit.covariance
    return np.asarray(np.einsum("ab...,bc...,cd...->ad...", phi, inner, phi))


def _curvature(fit: Fit, covariance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give l'Φ_A l and l'Φ_A X'W²X Φ_A l for every coefficient, each ``(p,)`` or ``(p, m)``."""
    design = fit.X if fit.X.ndim == fit.w.ndim + 1 else fit.X[:, :, np.newaxis]
    if is_intercept(fit.X):
        return covariance[0], np.asarray(covariance[0] ** 2 * (fit.w * fit.w).sum(axis=0))
    leverage = np.einsum("kp...,pq...->kq...", design, covariance)
    weights = fit.w[:, np.newaxis]
    return np.asarray(np.einsum("ii...->i...", covariance)), np.asarray(((weights * leverage) ** 2).sum(axis=0))


@hookimpl
def interval_methods() -> list[IntervalMethod]:
    """Offer the Kenward–Roger interval."""
    return [
        IntervalMethod(
            "KR",
            kenward_roger,
            random_only=True,
            formula="β̂ ± t(ν) SE, SE² from Φ + 2ΦΛΦ, Φ = (X'WX)⁻¹; Λ = Var(τ²)(X'W³X - X'W²X Φ X'W²X), "
            "Var(τ²) = 2/tr(PP); ν = 2 (l'Φₐl)²/(Var(τ²)(l'ΦₐX'W²XΦₐl)²), Φₐ = Φ + 2ΦΛΦ",
            reference="Kenward & Roger (1997), Biometrics 53:983-997; in meta-analysis: Partlett & Riley (2017), Stat. "
            "Med. 36:301-317",
            r_equivalent="meta::metagen(yi, sqrt(vi), method.random.ci='KR')",
            r_version="meta 7.0",
        )
    ]
