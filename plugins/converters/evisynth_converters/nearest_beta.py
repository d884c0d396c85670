"""Find the beta distribution whose quantiles lie nearest to given ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth_converters.shape_search import STEP, derivatives

if TYPE_CHECKING:
    from evisynth import FloatArray

REACH = np.arange(-4.0, 4.01, 0.5)
"""The logit of the mean and the logarithm of α + β are sought on such a grid about those of the normal fit."""

MAX_STEPS = 100
CLOSE, DONE = 1e-5, 1e-13
"""Steps below which the distance does not tell up from down, and below which they are rounding."""


def nearest_beta(q: FloatArray, p: FloatArray, unit: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Minimise the squared distance of beta quantiles at ``p (k, m)`` from ``q·unit``, numbers from 0 to 1.

    Gives mean, SD and distance ``(k,)``, in that unit. A grid finds the valley, damped Newton steps (Levenberg 1944)
    its lowest point, each row on its own.
    """
    from scipy.special import logit, ndtri  # noqa: PLC0415 - scipy comes with the first use

    z = np.asarray(ndtri(p), dtype=np.float64)
    share = q.mean(axis=1)
    sd = unit * (z * (q - share[:, None])).sum(axis=1) / (z * z).sum(axis=1)
    share = np.clip(unit * share, 1e-12, 1 - 1e-12)
    place = np.asarray(logit(share), dtype=np.float64)
    centre = np.stack([place, np.log(np.clip(share * (1 - share) / sd**2, 0.05, 1e15))], axis=1)
    best, theta = np.full(q.shape[0], np.inf), centre.copy()
    for u in REACH:
        for v in REACH:
            tried = centre + np.array([u, v])
            distance = ((_quantiles(tried, p, unit) - q) ** 2).sum(axis=1)
            better = distance < best
            best, theta = np.where(better, distance, best), np.where(better[:, None], tried, theta)
    theta = _polished(theta, q, p, unit)
    share, rest = 1 / (1 + np.exp(-theta[:, 0])), 1 / (1 + np.exp(theta[:, 0]))
    sd = np.sqrt(share * rest / (np.exp(theta[:, 1]) + 1))
    return share / unit, sd / unit, ((_quantiles(theta, p, unit) - q) ** 2).sum(axis=1)


def _polished(theta: FloatArray, q: FloatArray, p: FloatArray, unit: FloatArray) -> FloatArray:
    """Go down to where the slopes of the distance are 0 to rounding, from the best point of the grid."""
    theta = theta.copy()
    rows = np.arange(q.shape[0], dtype=np.int64)
    damping = np.full(q.shape[0], 1e-3)
    over = _quantiles(theta, p, unit) - q
    for _ in range(MAX_STEPS):
        if not rows.size:
            break
        here, r = theta[rows], over[rows]
        step = _step(here, p[rows], unit[rows], r, damping[rows])
        new = _quantiles(here + step, p[rows], unit[rows]) - q[rows]
        size = np.abs(step).max(axis=1)
        near = size <= CLOSE
        taken = near | ((new**2).sum(axis=1) <= (r**2).sum(axis=1))
        theta[rows[taken]] = (here + step)[taken]
        over[rows[taken]] = new[taken]
        damping[rows] = np.where(near, 0.0, np.where(taken, damping[rows] / 8, np.maximum(damping[rows], 1e-6) * 8))
        rows = rows[size > DONE * (1 + np.abs(here).max(axis=1))]
    return theta


def _step(theta: FloatArray, p: FloatArray, unit: FloatArray, r: FloatArray, damping: FloatArray) -> FloatArray:
    """Take the Newton step of the distance, or where it is not convex that of Gauss; damped, and 1 at most."""
    u, v = theta.T
    rows = np.arange(u.size, dtype=np.int64)
    J_u, H_uu = derivatives(lambda x, at: _quantiles(np.stack([x, v[at]], axis=1), p[at], unit[at]), u, rows)
    J_v, H_vv = derivatives(lambda x, at: _quantiles(np.stack([u[at], x], axis=1), p[at], unit[at]), v, rows)
    corners = [(s * t) * _quantiles(theta + STEP * np.array([s, t]), p, unit) for s in (-1.0, 1.0) for t in (-1.0, 1.0)]
    H_uv = np.sum(corners, axis=0) / (4 * STEP**2)
    g = np.stack([(J_u * r).sum(axis=1), (J_v * r).sum(axis=1)], axis=1)
    gauss = [(J_u**2).sum(axis=1), (J_u * J_v).sum(axis=1), (J_v**2).sum(axis=1)]
    bent = [part + (H * r).sum(axis=1) for part, H in zip(gauss, (H_uu, H_uv, H_vv), strict=True)]
    convex = (bent[0] > 0) & (bent[0] * bent[2] > bent[1] ** 2)
    a, b, c = np.where(convex, np.stack(bent), np.stack(gauss)) * np.stack([1 + damping, np.ones(u.size), 1 + damping])
    with np.errstate(invalid="ignore", divide="ignore"):
        step = np.stack([b * g[:, 1] - c * g[:, 0], b * g[:, 0] - a * g[:, 1]], axis=1) / (a * c - b * b)[:, None]
    return np.where(np.isfinite(step), np.clip(step, -1.0, 1.0), 0.0)


def _quantiles(theta: FloatArray, p: FloatArray, unit: FloatArray) -> FloatArray:
    """Give beta quantiles ``(k, m)`` by the logit of the mean and the logarithm of α + β, ``(k, 2)``."""
    from scipy.special import betaincinv  # noqa: PLC0415 - scipy comes with the first use

    u, size = theta[:, :1], np.exp(theta[:, 1:])
    made = betaincinv(size / (1 + np.exp(-u)), size / (1 + np.exp(u)), p)
    return np.asarray(made, dtype=np.float64) / unit[:, None]
