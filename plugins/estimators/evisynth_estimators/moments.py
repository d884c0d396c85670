"""Estimate τ² by matching a quadratic form to its expectation."""

from __future__ import annotations

import numpy as np

from evisynth import (
    FloatArray,
    Tau2Estimator,
    Tau2Fit,
    WeightedFit,
    generalised_q_root,
    hookimpl,
    power_of_two_scale,
    weighted_fit,
)


def dersimonian_laird(
    y: FloatArray,
    v: FloatArray,
    X: FloatArray,
    *,
    centre: FloatArray | None = None,
    common: WeightedFit | None = None,
    details: bool = True,
) -> Tau2Fit:
    """Match Cochran's Q to its expectation: τ² = (Q - (k - p)) / tr(P), not truncated.

    With a ``centre`` Q is taken about it instead of the weighted mean, as RevMan does about the M-H estimate. The
    standard error is of the untruncated estimate with τ² at its truncated value.
    """
    fit = common or weighted_fit(y, 1 / v, X)
    q = fit.rss if centre is None else np.asarray((fit.w * (y - centre) ** 2).sum(axis=0))
    trace = fit.trace
    tau2 = np.asarray((q - fit.dof) / trace)
    if not details:
        return Tau2Fit(tau2)

    def se() -> FloatArray:
        at_least = np.maximum(tau2, 0)
        return np.asarray(np.sqrt(2 * fit.dof + 4 * at_least * trace + 2 * at_least**2 * fit.trace_squared) / trace)

    return Tau2Fit(tau2, se)


def paule_mandel(y: FloatArray, v: FloatArray, X: FloatArray) -> Tau2Fit:
    """Match the generalised Q, with weights 1/(v + τ²), to its expectation k - p; 0 where Q is smaller even at 0.

    Q falls as τ² rises, so there is one root at most. The standard error is that of Morris (1983), J. Am. Stat. Assoc.
    78:47-55, in which Σw (k - p)/k stands for the trace of P.
    """
    return where_q_meets(y, v, X, float(y.shape[0] - X.shape[1]))


def empirical_bayes(y: FloatArray, v: FloatArray, X: FloatArray) -> Tau2Fit:
    """Match squared residuals, times k/(k - p), to their variances with weights 1/(v + τ²).

    The equation ``Σw (r² k/(k - p) - (v + τ²)) = 0`` is that of `paule_mandel`, ``Q = k - p``, and so is its root.
    """
    return paule_mandel(y, v, X)


def dersimonian_laird_iterated(y: FloatArray, v: FloatArray, X: FloatArray) -> Tau2Fit:
    """Repeat DerSimonian and Laird's estimate with weights 1/(v + τ²) until it stays.

    Where ``(Q - tr(P V)) / tr(P) = τ²``, Q is ``tr(P (V + τ²)) = k - p``: it stays at the root of `paule_mandel`, the
    only one, and at 0 where Q is below k - p even there. The root is given also where the repetition would swing.
    """
    return paule_mandel(y, v, X)


def sidik_jonkman_iterated(y: FloatArray, v: FloatArray, X: FloatArray) -> Tau2Fit:
    """Repeat Sidik and Jonkman's estimate, each the crude one of the next, until it stays.

    ``τ² Q(τ²)/(k - p)`` rises with τ², so from any start above 0 it runs straight to the root of `paule_mandel`,
    ``Q = k - p``, or to 0 where Q is below k - p even there.
    """
    return paule_mandel(y, v, X)


def where_q_meets(y: FloatArray, v: FloatArray, X: FloatArray, target: float) -> Tau2Fit:
    """Find the τ² at which the generalised Q is ``target``, with the standard error that `paule_mandel` describes."""
    scale = power_of_two_scale(v)
    square = scale * scale
    y, v = y / scale, v / square
    root = generalised_q_root(y, v, X, target)
    k, p = X.shape[:2]
    return Tau2Fit(
        np.asarray(root * square),
        lambda: np.asarray(np.sqrt(2 * k * k / (k - p)) / (1 / (v + root)).sum(axis=0) * square),
    )


@hookimpl
def tau2_estimators() -> list[Tau2Estimator]:
    """Offer the moment estimators."""
    return [
        Tau2Estimator(
            "DL",
            dersimonian_laird,
            moment_weights=np.reciprocal,
            formula="τ² = (Q - (k - p))/tr(P), Q = Σ (yᵢ - xᵢβ̂)²/vᵢ; without moderators tr(P) = Σwᵢ - "
            "Σwᵢ²/Σwᵢ, wᵢ = 1/vᵢ",
            reference="DerSimonian & Laird (1986), Control. Clin. Trials 7:177-188; with moderators: Jackson, "
            "Turner, Rhodes "
            "& Viechtbauer (2014), BMC Med. Res. Methodol. 14:103",
            r_equivalent="metafor::rma(yi, vi, method='DL')",
        ),
        Tau2Estimator(
            "PM",
            paule_mandel,
            formula="Q(τ²) = Σ (yᵢ - xᵢβ̂)²/(vᵢ + τ²) = k - p",
            reference="Paule & Mandel (1982), J. Res. Natl. Bur. Stand. 87:377-385; DerSimonian & Kacker (2007), "
            "Contemp. "
            "Clin. Trials 28:105-114",
            r_equivalent="metafor::rma(yi, vi, method='PM')",
        ),
        Tau2Estimator(
            "EB",
            empirical_bayes,
            formula="Σ wᵢ ((yᵢ - xᵢβ̂)² k/(k - p) - (vᵢ + τ²)) = 0, wᵢ = 1/(vᵢ + τ²)",
            reference="Morris (1983), J. Am. Stat. Assoc. 78:47-55; Berkey, Hoaglin, Mosteller & Colditz (1995), Stat. "
            "Med. 14:395-411",
            r_equivalent="metafor::rma(yi, vi, method='EB')",
        ),
        Tau2Estimator(
            "DLIT",
            dersimonian_laird_iterated,
            formula="τ² = (Q - tr(PV))/tr(P) until it stays, Q = y'Py, wᵢ = 1/(vᵢ + τ²)",
            reference="DerSimonian & Kacker (2007), Contemp. Clin. Trials 28:105-114",
            r_equivalent="metafor::rma(yi, vi, method='DLIT')",
            r_version="metafor 5.1",
        ),
        Tau2Estimator(
            "SJIT",
            sidik_jonkman_iterated,
            formula="τ² ← τ² Q(τ²)/(k - p) until it stays, Q(τ²) = Σ (yᵢ - xᵢβ̂)²/(vᵢ + τ²)",
            reference="Sidik & Jonkman (2007), Stat. Med. 26:1964-1981; DerSimonian & Kacker (2007), Contemp. Clin. "
            "Trials 28:105-114",
            r_equivalent="metafor::rma(yi, vi, method='SJIT')",
        ),
    ]
