"""Estimate τ² from a quadratic form of the effects, in closed form and with any weights.

``y'P y`` with P of any weights has the expectation ``tr(P V) + τ² tr(P)`` and, where effects are normal, the variance
``2 tr(P(V + τ²)P(V + τ²))``, which the standard errors are from (at τ² truncated at 0).
"""

from __future__ import annotations

import numpy as np

from evisynth import FloatArray, Tau2Estimator, Tau2Fit, WeightedFit, hookimpl, power_of_two_scale, weighted_fit


def hedges_olkin(y: FloatArray, v: FloatArray, X: FloatArray) -> Tau2Fit:
    """Match the unweighted residual sum of squares to its expectation: τ² = (RSS - tr(P V)) / (k - p).

    Without moderators the sample variance of the effects less their mean sampling variance: Cochran's, by analysis of
    variance. Not truncated; shapes as in `generalised_q`.
    """
    return _matched(y, v, X, np.ones_like(v))


def generalised_q(y: FloatArray, v: FloatArray, X: FloatArray, *, weights: FloatArray | None = None) -> Tau2Fit:
    """Match the residual sum of squares with the user's weights to its expectation: τ² = (Q - tr(P V)) / tr(P).

    Without weights of the user's they are ``1/√v``, between those of DL (``1/v``) and of HE (equal), as Jackson (2013)
    advises; R asks for some. Not truncated. ``y`` and ``v`` are ``(k,)`` or ``(k, m)``, ``weights`` ``(k,)`` or as y.
    """
    return _matched(y, v, X, weights_or_default(v, weights))


def weights_or_default(v: FloatArray, weights: FloatArray | None) -> FloatArray:
    """Give the weights of a generalised Q, shaped as v: the user's, or the inverse standard errors.

    Those come in a unit of order one: their square roots, which a regression takes, scale exactly by 4ⁿ only.
    """
    if weights is None:
        scale = power_of_two_scale(v)
        return np.asarray(1 / np.sqrt(v / (scale * scale)))
    return np.broadcast_to(weights.reshape(*weights.shape, *(1,) * (v.ndim - weights.ndim)), v.shape)


def _matched(y: FloatArray, v: FloatArray, X: FloatArray, a: FloatArray) -> Tau2Fit:
    fit = weighted_fit(y, a, X)
    tau2 = np.asarray((fit.rss - fit.trace_with(a * v)) / fit.trace)
    return Tau2Fit(tau2, lambda: spread_of_form(fit, v, tau2) / fit.trace)


def spread_of_form(fit: WeightedFit, v: FloatArray, tau2: FloatArray) -> FloatArray:
    """Give the standard deviation of ``y'P y`` at τ² or, where it is negative, at 0."""
    return np.asarray(np.sqrt(2 * fit.trace_squared_with(fit.w * (v + np.maximum(tau2, 0)))))


def hunter_schmidt(y: FloatArray, v: FloatArray, X: FloatArray, *, common: WeightedFit | None = None) -> Tau2Fit:
    """Match Cochran's Q to the number of studies: τ² = (Q - k) / Σw, not truncated."""
    return _beyond_k(y, v, X, common, 1.0)


def hunter_schmidt_corrected(
    y: FloatArray, v: FloatArray, X: FloatArray, *, common: WeightedFit | None = None
) -> Tau2Fit:
    """Match Cochran's Q, times k/(k - p), to the number of studies: τ² = (Q k/(k - p) - k) / Σw, not truncated."""
    k, p = X.shape[:2]
    return _beyond_k(y, v, X, common, k / (k - p))


def _beyond_k(y: FloatArray, v: FloatArray, X: FloatArray, common: WeightedFit | None, factor: float) -> Tau2Fit:
    fit = common or weighted_fit(y, 1 / v, X)
    total = np.add.reduce(fit.w, axis=0)
    tau2 = np.asarray((factor * fit.rss - y.shape[0]) / total)
    return Tau2Fit(tau2, lambda: factor * spread_of_form(fit, v, tau2) / total)


def sidik_jonkman(y: FloatArray, v: FloatArray, X: FloatArray) -> Tau2Fit:
    """Match the residuals, with variances in proportion to v + a crude estimate, to their expectation.

    τ² = τ₀² Q(τ₀²) / (k - p) with Q of weights ``1/(v + τ₀²)``, where the crude τ₀² is the variance of the effects
    about their mean, with divisor k, also with moderators. Above 0 wherever effects differ at all.
    """
    k = y.shape[0]
    gaps = y - np.add.reduce(y, axis=0) / k
    # A second pass, after which equal effects differ by nothing.
    gaps = gaps - np.add.reduce(gaps, axis=0) / k
    crude = np.asarray(np.add.reduce(gaps * gaps, axis=0) / k)
    fit = weighted_fit(y, 1 / (v + crude), X)
    tau2 = np.asarray(crude * fit.rss / fit.dof)
    return Tau2Fit(tau2, lambda: crude * spread_of_form(fit, v, tau2) / fit.dof)


@hookimpl
def tau2_estimators() -> list[Tau2Estimator]:
    """Offer the estimators in closed form that have weights of their own."""
    return [
        Tau2Estimator(
            "HE",
            hedges_olkin,
            formula="τ² = (RSS - tr(PV))/(k - p); without moderators τ² = Σ (yᵢ - ȳ)²/(k - 1) - Σ vᵢ/k",
            reference="Hedges & Olkin (1985), Statistical Methods for Meta-Analysis, ch. 9; Cochran (1954), Biometrics "
            "10:101-129",
            r_equivalent="metafor::rma(yi, vi, method='HE')",
            moment_weights=np.ones_like,
        ),
        Tau2Estimator(
            "GENQ",
            generalised_q,
            formula="τ² = (Q - tr(PV))/tr(P), Q = y'Py = Σ aᵢ (yᵢ - xᵢβ̂)² with weights aᵢ; aᵢ = 1/√vᵢ by default",
            reference="DerSimonian & Kacker (2007), Contemp. Clin. Trials 28:105-114; Jackson (2013), Res. Synth. "
            "Methods 4:220-229; with moderators: Jackson, Turner, Rhodes & Viechtbauer (2014), BMC Med. Res. "
            "Methodol. 14:103",
            r_equivalent="metafor::rma(yi, vi, weights=weights, method='GENQ')",
            moment_weights=lambda v: weights_or_default(v, None),
        ),
        Tau2Estimator(
            "HS",
            hunter_schmidt,
            formula="τ² = (Q - k)/Σwᵢ, Q = Σ wᵢ (yᵢ - xᵢβ̂)², wᵢ = 1/vᵢ",
            reference="Schmidt & Hunter (2015), Methods of Meta-Analysis, 3rd ed., ch. 9; Viechtbauer (2005), J. Educ. "
            "Behav. Stat. 30:261-293",
            r_equivalent="metafor::rma(yi, vi, method='HS')",
            duplication_law=True,
        ),
        Tau2Estimator(
            "HSk",
            hunter_schmidt_corrected,
            formula="τ² = (Q k/(k - p) - k)/Σwᵢ, Q = Σ wᵢ (yᵢ - xᵢβ̂)², wᵢ = 1/vᵢ",
            reference="Brannick, Potter, Benitez & Morris (2019), Organ. Res. Methods 22:490-514",
            r_equivalent="metafor::rma(yi, vi, method='HSk')",
        ),
        Tau2Estimator(
            "SJ",
            sidik_jonkman,
            formula="τ² = τ₀² Q(τ₀²)/(k - p), τ₀² = Σ (yᵢ - ȳ)²/k, Q(τ₀²) = Σ (yᵢ - xᵢβ̂)²/(vᵢ + τ₀²)",
            reference="Sidik & Jonkman (2005), J. R. Stat. Soc. C 54:367-384; with moderators: Sidik & Jonkman (2005), "
            "J. Biopharm. Stat. 15:823-838",
            r_equivalent="metafor::rma(yi, vi, method='SJ')",
            moderator_law=False,
        ),
    ]
