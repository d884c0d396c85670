"""Estimate τ² by matching a quadratic form to its median instead of its expectation."""

from __future__ import annotations

import numpy as np

from evisynth import (
    FloatArray,
    IntArray,
    QuadraticForm,
    Tau2Estimator,
    Tau2Fit,
    bracketed_roots,
    chi2_quantile,
    hookimpl,
    power_of_two_scale,
    weighted_fit,
)
from evisynth_estimators.moments import where_q_meets
from evisynth_estimators.quadratic_forms import spread_of_form, weights_or_default

_MEDIAN = (
    "Viechtbauer (2021), Median-unbiased estimators for the amount of heterogeneity in meta-analysis, European "
    "Congress of Methodology, Valencia"
)
_HALF = 0.5
_LOWEST_MEDIAN = 0.45
"""Below the median of χ² with one degree of freedom."""


def paule_mandel_median(y: FloatArray, v: FloatArray, X: FloatArray) -> Tau2Fit:
    """Match the generalised Q, with weights 1/(v + τ²), to the median of χ² with k - p degrees of freedom.

    0 where Q is smaller even at 0; the root lies below RSS over that median. The standard error is that of
    `paule_mandel`.
    """
    return where_q_meets(y, v, X, chi2_quantile(_HALF, float(y.shape[0] - X.shape[1])))


def generalised_q_median(y: FloatArray, v: FloatArray, X: FloatArray, *, weights: FloatArray | None = None) -> Tau2Fit:
    """Find the τ² at which the residual sum of squares with the user's weights is the median of its distribution.

    That distribution is a weighted sum of χ² variables, computed to a few roundings; 0 where the sum of squares is
    below the median even at 0. Weights and the standard error are those of `generalised_q`.
    """
    scale = power_of_two_scale(v)
    square = scale * scale
    k, trailing = y.shape[0], y.shape[1:]
    y_unit, v_unit = y / scale, v / square
    a = weights_or_default(v_unit, weights)
    design = X[:, :, 0] if X.ndim > 2 and X.shape[2] == 1 else X  # noqa: PLR2004 - axes of one that each analysis has
    tau2 = _median_root(y_unit.reshape(k, -1), v_unit.reshape(k, -1), a.reshape(k, -1), design).reshape(trailing)

    def se() -> FloatArray:
        fit = weighted_fit(y_unit, a, X)
        return np.asarray(spread_of_form(fit, v_unit, tau2) / fit.trace * square)

    return Tau2Fit(np.asarray(tau2 * square), se)


def _median_root(y: FloatArray, v: FloatArray, a: FloatArray, X: FloatArray) -> FloatArray:
    """Find the root of every problem, ``y``, ``v`` and ``a`` ``(k, m)``."""
    fit = weighted_fit(y, a, X)
    q, at_zero = fit.rss, fit.trace_with(a * v)
    square = fit.trace_squared_with(a * v)
    root = np.zeros(q.shape)
    # The median exceeds that of the largest term alone, and the largest eigenvalue exceeds this ratio.
    open_ = np.nonzero(q > _LOWEST_MEDIAN * square / at_zero)[0]

    whole = QuadraticForm.of(fit, v)

    def surplus(tau2: FloatArray, which: IntArray) -> FloatArray:
        columns = open_[which]
        form = whole.take(columns)
        form = QuadraticForm(form.d + a.take(columns, axis=1) * tau2, form.basis, form.rest)
        return np.exp(form.log_tails(q[columns])[1]) - _HALF

    everything = np.arange(open_.size)
    f_zero = surplus(np.zeros(open_.size), everything) if open_.size else np.zeros(0)
    open_, f_zero = open_[f_zero < 0], f_zero[f_zero < 0]
    if not open_.size:
        return root
    everything = np.arange(open_.size)
    trace, traces = fit.trace[open_], fit.trace_squared[open_]
    top = q[open_] / (_LOWEST_MEDIAN * traces / trace)
    # A median lies within one standard deviation of the mean, and that one grows by no more than this with τ².
    slope = trace - np.sqrt(2 * traces)
    beyond = (q - at_zero + np.sqrt(2 * square))[open_]
    top = np.where(slope * top > beyond, beyond / np.where(slope > 0, slope, 1.0), top)
    # Where the expectation is Q the median is mostly below it, so that τ² is too small.
    low = np.maximum((q - at_zero)[open_] / trace, 0.0)
    f_low = np.where(low > 0, surplus(low, everything), f_zero)
    low, f_low = np.where(f_low < 0, low, 0.0), np.where(f_low < 0, f_low, f_zero)
    f_top = np.maximum(surplus(top, everything), 0.0)
    root[open_] = bracketed_roots(surplus, low, top, f_low, f_top)
    return root


@hookimpl
def tau2_estimators() -> list[Tau2Estimator]:
    """Offer the median-unbiased estimators."""
    return [
        Tau2Estimator(
            "PMM",
            paule_mandel_median,
            formula="Q(τ²) = Σ (yᵢ - xᵢβ̂)²/(vᵢ + τ²) = median of χ² with k - p degrees of freedom",
            reference=f"{_MEDIAN}; Paule & Mandel (1982), J. Res. Natl. Bur. Stand. 87:377-385",
            r_equivalent="metafor::rma(yi, vi, method='PMM')",
        ),
        Tau2Estimator(
            "GENQM",
            generalised_q_median,
            formula="P(Qₐ ≤ qₐ) = ½ under τ², Qₐ = Σ aᵢ (yᵢ - xᵢβ̂ₐ)² with weights aᵢ; aᵢ = 1/√vᵢ by default",
            reference=f"{_MEDIAN}; Jackson (2013), Res. Synth. Methods 4:220-229",
            r_equivalent="metafor::rma(yi, vi, weights=weights, method='GENQM')",
        ),
    ]
