"""Repeat the design of Carter et al. (2019): two-group experiments with the group sizes of psychology."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth import FloatArray

SHAPE, SCALE = 1.15326986, 0.04622745
"""Of the inverse gamma distribution of group sizes; the scale is that of the gamma distribution of their inverse."""
SMALLEST, LARGEST = 5, 1905
FEWEST_SIGNIFICANT = 4
"""Significant studies from which p-uniform is counted."""


def group_sizes(count: int, rng: np.random.Generator) -> FloatArray:
    """Draw sizes of one group from the truncated inverse gamma distribution, rounded."""
    ends = special.gammaincc(SHAPE, 1.0 / (SCALE * np.array([SMALLEST, LARGEST])))
    share = rng.uniform(ends[0], ends[1], count)
    return np.asarray(np.round(1.0 / (SCALE * special.gammainccinv(SHAPE, share))), dtype=np.float64)


def experiments(delta: float, tau: float, k: int, *, sets: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """Draw standardised mean differences d and their variances, each ``(k, sets)``."""
    rng = np.random.default_rng(seed)
    n = group_sizes(k * sets, rng).reshape(k, sets)
    effect = delta + tau * rng.normal(size=n.shape)
    pooled_sd = np.sqrt(rng.chisquare(2.0 * n - 2.0) / (2.0 * n - 2.0))
    d = (effect + np.sqrt(2.0 / n) * rng.normal(size=n.shape)) / pooled_sd
    return d, 2.0 / n + d * d / (4.0 * n)


def two_groups(delta: float, tau: float, k: int, *, sets: int, seed: int, uniform: bool = True) -> Mapping[str, float]:
    """Give the coverage of 95 % intervals of RE (REML, Wald), PET, PEESE and, if ``uniform``, p-uniform.

    They are shares of ``sets``, of p-uniform of the sets that it is counted for. Without an effect the rest of a
    coverage is the size of the two-sided test.
    """
    d, v = experiments(delta, tau, k, sets=sets, seed=seed)
    pooled = es.fit_many(
        y=d.T.ravel(), v=v.T.ravel(), offsets=np.arange(sets + 1) * k, settings="metafor", tau2="REML", progress=False
    )
    low: FloatArray = pooled["ci_low"].to_numpy()
    high: FloatArray = pooled["ci_high"].to_numpy()
    found = {"RE": float(np.mean((low <= delta) & (delta <= high)))}
    for name, predictor in (("PET", np.sqrt(v)), ("PEESE", v)):
        value, se = intercepts(d, v, predictor)
        found[name] = float(np.mean(np.abs(value - delta) <= es.t_quantile(0.95, float(k - 2)) * se))
    if uniform:
        covered = p_uniform_covers(d, v, delta)
        if covered.size:
            found["p-uniform"] = float(covered.mean())
    return found


def intercepts(y: FloatArray, v: FloatArray, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Regress y on x with weights 1/v and residual variance: intercepts and standard errors, ``(m,)``.

    With x the standard error this is the line of Egger's regression, whose limit the intercept is.
    """
    w = 1.0 / v
    mean_x, mean_y = (w * x).sum(axis=0) / w.sum(axis=0), (w * y).sum(axis=0) / w.sum(axis=0)
    spread = (w * (x - mean_x) ** 2).sum(axis=0)
    slope = (w * (x - mean_x) * (y - mean_y)).sum(axis=0) / spread
    value = mean_y - slope * mean_x
    residual = (w * (y - value - slope * x) ** 2).sum(axis=0) / (len(y) - 2)
    return value, np.sqrt(residual * (1.0 / w.sum(axis=0) + mean_x**2 / spread))


def p_uniform_covers(d: FloatArray, v: FloatArray, delta: float) -> FloatArray:
    """Tell of each set that p-uniform is counted for whether its interval holds ``delta``: 1 or 0.

    Counted are those with 4 significant studies or more and with a mean p-value of these of at most half the level:
    of the others the authors took no interval.
    """
    found: list[float] = []
    for y, variance in zip(d.T, v.T, strict=True):
        analysis = es.fit(es.Effects(y, variance), settings="metafor", tau2="DL")
        made = es.bias(analysis, "p-uniform", side="right")
        if made.k < FEWEST_SIGNIFICANT or made.parameters or made.after is None:
            continue
        found.append(float(made.after.ci_low <= delta <= made.after.ci_high))
    return np.array(found)
