"""Estimate τ² by matching a quadratic form to its expectation."""

from __future__ import annotations

import numpy as np

from evisynth import (
    FEW,
    FewStudies,
    FloatArray,
    Tau2Estimator,
    Tau2Fit,
    WeightedFit,
    bracketed_root,
    bracketed_roots,
    design_of,
    hookimpl,
    is_intercept,
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

    Q falls as τ² rises, from its value at 0 to at most RSS/τ² (unweighted residuals), so the root lies below RSS/(k -
    p). The standard error is that of Morris (1983), J. Am. Stat. Assoc. 78:47-55, in which Σw (k - p)/k stands for
    the trace of P.
    """
    scale = power_of_two_scale(v)
    square = scale * scale
    y, v = y / scale, v / square
    dof = y.shape[0] - X.shape[1]
    root = generalised_q_root(y, v, X, np.asarray(float(dof)))
    k = y.shape[0]
    se = np.sqrt(2 * k * k / dof) / (1 / (v + root)).sum(axis=0)
    return Tau2Fit(np.asarray(root * square), np.asarray(se * square))


def generalised_q_root(y: FloatArray, v: FloatArray, X: FloatArray, target: FloatArray) -> FloatArray:
    """Find τ² ≥ 0 with Q(τ²) equal to a positive target; 0 where Q(0) is below it. Shapes ``()`` or ``(m,)``."""
    high = np.asarray(weighted_fit(y, np.ones_like(v), X).rss / target)
    at_zero = np.asarray(weighted_fit(y, 1 / v, X).rss - target)
    if y.ndim == 1:
        if at_zero <= 0:
            return np.zeros(())
        goal = float(target)

        few = FewStudies(y, v) if y.size <= FEW and is_intercept(X) else None

        def gap(tau2: float) -> float:
            return (float(weighted_fit(y, 1 / (v + tau2), X).rss) if few is None else few.q(tau2)) - goal

        return np.asarray(bracketed_root(gap, *_bracket(y, v, X, goal, float(high), float(at_zero))))
    goals = np.broadcast_to(target, high.shape)
    root = np.zeros(high.shape)
    open_ = np.nonzero(at_zero > 0)[0]
    if open_.size:

        def gaps(tau2: FloatArray, which: np.ndarray) -> FloatArray:
            columns = open_[which]
            return np.asarray(
                weighted_fit(y.take(columns, axis=1), 1 / (v.take(columns, axis=1) + tau2), design_of(X, columns)).rss
                - goals[columns]
            )

        everything = np.arange(open_.size)
        low, f_low = np.zeros(open_.size), at_zero[open_]
        top = high[open_]
        probe = top
        for _ in range(_PROBES):
            probe = probe / 16
            at_probe = gaps(probe, everything)
            nearer = (at_probe > 0) & (low == 0)
            low, f_low = np.where(nearer, probe, low), np.where(nearer, at_probe, f_low)
            top = np.where((at_probe <= 0) & (low == 0), probe, top)
            if (low > 0).all():
                break
        root[open_] = bracketed_roots(gaps, low, top, f_low, np.minimum(gaps(top, everything), 0))
    return root


_PROBES = 16
"""Steps of 1/16 in the search for a lower end: down to 5e-20 of the upper bound."""


def _bracket(
    y: FloatArray, v: FloatArray, X: FloatArray, goal: float, high: float, at_zero: float
) -> tuple[float, float, float, float]:
    """Narrow [0, high] to a factor of 16 around the root: its ends and the gaps there."""
    probes = high * 16.0 ** -np.arange(_PROBES + 1)
    shape = (y.shape[0], probes.size)
    gaps = weighted_fit(np.broadcast_to(y[:, np.newaxis], shape), 1 / (v[:, np.newaxis] + probes), X).rss - goal
    above = np.nonzero(gaps > 0)[0]
    if not above.size:
        return 0.0, float(probes[-1]), at_zero, float(gaps[-1])
    first = int(above[0])
    # At the bound itself the gap is at most rounding above 0.
    last = max(first - 1, 0)
    return float(probes[first]), float(probes[last]), float(gaps[first]), min(float(gaps[last]), 0.0)


@hookimpl
def tau2_estimators() -> list[Tau2Estimator]:
    """Offer the moment estimators."""
    return [
        Tau2Estimator(
            "DL",
            dersimonian_laird,
            reference="DerSimonian & Laird (1986), Control. Clin. Trials 7:177-188; with moderators: Jackson, "
            "Turner, Rhodes "
            "& Viechtbauer (2014), BMC Med. Res. Methodol. 14:103",
            r_equivalent="metafor::rma(yi, vi, method='DL')",
        ),
        Tau2Estimator(
            "PM",
            paule_mandel,
            reference="Paule & Mandel (1982), J. Res. Natl. Bur. Stand. 87:377-385; DerSimonian & Kacker (2007), "
            "Contemp. "
            "Clin. Trials 28:105-114",
            r_equivalent="metafor::rma(yi, vi, method='PM')",
        ),
    ]
