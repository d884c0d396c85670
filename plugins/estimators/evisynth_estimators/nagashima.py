"""Predict the true effect of a new study from the confidence distribution of τ², by parametric bootstrap."""

from __future__ import annotations

import math

import numpy as np

from evisynth import (
    Fit,
    FloatArray,
    Limits,
    PredictionInterval,
    hookimpl,
    no_limits,
    power_of_two_scale,
    weighted_fit,
)

ALIKE = "effects do not differ at all, and then the draws do not either"
_TILE = 2**18
"""Numbers in one batch of draws, about."""


def nagashima_noma_furukawa(fit: Fit, level: float, *, budget: int = 10_000, seed: int = 1) -> Limits:
    """Take quantiles of draws ``θ̂(τ̃²) + z·τ̃ - t·SE(τ̃²)`` with τ̃² from its confidence distribution.

    The distribution is that of the untruncated estimator of DerSimonian and Laird. With weights w = 1/v and standard
    normal x, Q under τ² is distributed as r'r + τ² r'Wr, r the residuals of x on the roots of w: so each draw solves
    ``Q = r'r + τ̃² r'Wr`` for τ̃², truncated at 0, and no distribution has to be inverted. θ̂(τ̃²) and SE(τ̃²) are the
    weighted mean and the Hartung–Knapp standard error with weights 1/(v + τ̃²); z is standard normal and t Student's
    with k - 1 degrees of freedom. There are as many draws as the ``budget``, in pairs (z, t) and (-z, -t), by ``seed``;
    the note gives the Monte Carlo standard errors of the limits.
    """
    if fit.weights is not None:
        return no_limits("the interval NNF weighs by inverse variance, and here are weights of the user's")
    if fit.k < 2:  # noqa: PLR2004 - the fewest studies that differ
        return no_limits(f"with {fit.k} study there are no degrees of freedom")
    unit = power_of_two_scale(fit.v)
    y, v = (a.reshape(fit.k, -1) for a in (fit.y / unit, fit.v / (unit * unit)))
    alike = weighted_fit(fit.y, 1.0 / fit.v).rss == 0.0
    if alike.all():
        return no_limits(ALIKE)
    pairs = max(1, (budget + 1) // 2)
    draws = np.sort(_draws(y, v, pairs, seed), axis=0)
    low, high = (_quantile(draws, p) for p in (0.5 * (1.0 - level), 0.5 * (1.0 + level)))
    trailing = fit.y.shape[1:]
    scale = np.reshape(unit, -1)
    low, high = (np.asarray((end * scale).reshape(trailing)) for end in (low, high))
    if trailing:
        note = f"simulated with {2 * pairs} draws, seed {seed}"
        low, high = np.where(alike, np.nan, low), np.where(alike, np.nan, high)
        return Limits(low, high, note=note, reason=ALIKE if alike.any() else None)
    errors = [_error(draws[:, 0], p) * float(unit) for p in (0.5 * (1.0 - level), 0.5 * (1.0 + level))]
    note = (
        f"simulated with {2 * pairs} draws, seed {seed}; Monte Carlo standard errors of the limits "
        f"{errors[0]:.2g} and {errors[1]:.2g}"
    )
    return Limits(low, high, draws=draws[:, 0] * float(unit), note=note)


def _draws(y: FloatArray, v: FloatArray, pairs: int, seed: int) -> FloatArray:
    """Draw true effects of a new study for m analyses, ``(2 · pairs, m)``; the same numbers for each."""
    k, m = y.shape
    made = np.empty((2, pairs, m))
    q = weighted_fit(y, 1.0 / v).rss
    length = max(1, _TILE // k)
    for number, start in enumerate(range(0, pairs, length)):
        rng = np.random.default_rng([seed, number])
        count = min(length, pairs - start)
        x, z, t = rng.standard_normal((count, k)).T, rng.standard_normal(count), rng.standard_t(k - 1, count)
        for j in range(m):
            w = 1.0 / v[:, j]
            root = np.sqrt(w)[:, np.newaxis]
            r = x - root * ((root * x).sum(axis=0) / w.sum())
            squares = r * r
            tau2 = np.maximum((q[j] - squares.sum(axis=0)) / (w[:, np.newaxis] * squares).sum(axis=0), 0.0)
            fit = weighted_fit(np.broadcast_to(y[:, j : j + 1], r.shape), 1.0 / (v[:, j : j + 1] + tau2))
            se = np.sqrt(fit.rss / (k - 1) * fit.covariance[0, 0])
            away = z * np.sqrt(tau2) - t * se
            made[0, start : start + count, j] = fit.coefficients[0] + away
            made[1, start : start + count, j] = fit.coefficients[0] - away
    return made.reshape(2 * pairs, m)


def _quantile(draws: FloatArray, p: float) -> FloatArray:
    """Interpolate between order statistics: the i-th of n stands for (i - ½)/n."""
    n = draws.shape[0]
    at = min(max(p * n - 0.5, 0.0), n - 1.0)
    below = math.floor(at)
    above = min(below + 1, n - 1)
    return np.asarray(draws[below] + (at - below) * (draws[above] - draws[below]))


def _error(draws: FloatArray, p: float) -> float:
    """Estimate the standard error of a quantile from the distance of those one standard error of p away."""
    by = math.sqrt(p * (1.0 - p) / draws.size)
    ends = [float(_quantile(draws[:, np.newaxis], min(max(p + side * by, 0.0), 1.0))[0]) for side in (-1.0, 1.0)]
    return 0.5 * (ends[1] - ends[0])


@hookimpl
def prediction_intervals() -> list[PredictionInterval]:
    """Offer the bootstrap interval of Nagashima, Noma and Furukawa."""
    return [
        PredictionInterval(
            "NNF",
            nagashima_noma_furukawa,
            own_tau2=True,
            formula="quantiles of θ̂(τ̃²) + z τ̃ - t SE(τ̃²), z ~ N(0, 1), t ~ t(k - 1); Q = r'r + τ̃² r'Wr, "
            "τ̃² ≥ 0, r the residuals of standard normal x on the roots of w = 1/v",
            reference="Nagashima, Noma & Furukawa (2019), Stat. Methods Med. Res. 28:1689-1702",
            r_equivalent="meta::metagen(yi, sqrt(vi), prediction=TRUE, method.predict='NNF')",
            r_version="meta 7.0",
        )
    ]
