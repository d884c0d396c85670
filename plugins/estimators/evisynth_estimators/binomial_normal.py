"""Maximise the likelihood of binomial counts whose logits vary normally between studies."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import attrs
import numpy as np

if TYPE_CHECKING:
    from evisynth import FloatArray

NODES = {0: (1,), 1: (80,), 2: (14, 56)}
"""Points of the quadrature in each direction, by the number of random effects; few at first where they are dear."""
STARTS = (0.3, 1.5)
"""Standard deviations of a random effect that climbs begin at."""
STEPS = 200
BLOCK = 100_000
"""Points of all studies that are worked on at once."""
_MODES = 100
_SHORTEST = 1e-18
_FINE = 1e-11
_LEAST = 0.2
_AS_GOOD_AS_0 = 1e-7


@attrs.frozen(eq=False)
class Arms:
    """Hold binomial counts of J arms in k studies and what their logits are made of.

    The logit of an arm is ``offset + X β + C (λ · z)``, plus an intercept of its study's own where ``intercepts`` says
    so; z are standard normal numbers of each study, λ their standard deviations. ``events``, ``n`` and ``offset`` are
    ``(J, k)``, ``X`` ``(J, k, p)`` and ``C`` ``(J, k, r)``.
    """

    events: FloatArray
    n: FloatArray
    offset: FloatArray
    X: FloatArray
    C: FloatArray
    intercepts: bool = False


@attrs.frozen(eq=False)
class Likelihood:
    """Hold the maximum: β ``(p,)``, λ ``(r,)`` (0 or more), the covariance of β, and the logarithm of the likelihood.

    The covariance is that of the observed information on β, λ and the intercepts, or without λ where it is 0.
    ``weights`` ``(J, k)`` are the expected binomial variances n p (1 - p).
    """

    beta: FloatArray
    scale: FloatArray
    covariance: FloatArray
    log_likelihood: float
    weights: FloatArray
    intercepts: FloatArray


@attrs.frozen(eq=False)
class _State:
    """Hold one step: the likelihood, its gradient and information for (β, λ) and for the intercepts."""

    value: float
    gradient: FloatArray
    own_gradient: FloatArray
    information: FloatArray
    """Minus the second derivatives by (β, λ), ``(P, P)``."""
    mixed: FloatArray
    """Minus those by (β, λ) and an intercept, ``(k, P)``."""
    own: FloatArray
    """Minus those by an intercept, ``(k,)``."""
    complete: tuple[FloatArray, FloatArray, FloatArray]
    """The same three if z were known: never negative."""
    weights: FloatArray


def maximum(arms: Arms) -> Likelihood:
    """Climb to the highest maximum of the likelihood, over several starts, λ = 0 included.

    The integral over z is taken by Gauss–Hermite quadrature about each study's mode, with its curvature, and with so
    many points that more change nothing; gradient and information then follow by the identities of Fisher and Louis.
    Newton's steps use the observed information where it is positive definite, else that given z, and are halved until
    they lead up. Sources: Pinheiro & Bates (1995), J. Comput. Graph. Stat. 4:12-35; Louis (1982), J. R. Stat. Soc. B
    44:226-233.
    """
    if not arms.C.shape[2]:
        p, k = int(arms.X.shape[2]), int(arms.events.shape[1])
        return _climb(arms, np.zeros(p), np.zeros(0), np.zeros(k))
    # Without the last random effect the likelihood may be higher than at any point that a climb ends at.
    inner = maximum(Arms(arms.events, arms.n, arms.offset, arms.X, arms.C[:, :, :-1], arms.intercepts))
    known = np.maximum(inner.scale, _LEAST)
    climbs = [_climb(arms, inner.beta, np.append(known, start), inner.intercepts) for start in STARTS]
    best = max(climbs, key=_height)
    if best.scale[-1] < _AS_GOOD_AS_0 or inner.log_likelihood >= best.log_likelihood:
        return attrs.evolve(inner, scale=np.append(inner.scale, 0.0))
    return best


def _height(found: Likelihood) -> float:
    return found.log_likelihood


def _climb(arms: Arms, beta: FloatArray, scale: FloatArray, own: FloatArray) -> Likelihood:
    p = arms.X.shape[2]
    psi = np.concatenate([beta, scale])
    *few, many = NODES[len(scale)]
    for points in few:
        psi, own, _ = _ascend(arms, psi, own, points)
    psi, own, state = _ascend(arms, psi, own, many)
    scale = np.abs(psi[p:])
    kept = np.concatenate([np.ones(p, dtype=np.bool_), scale > _AS_GOOD_AS_0])
    schur = _schur(arms, state.information, state.mixed, state.own)[np.ix_(kept, kept)]
    covariance = np.asarray(np.linalg.inv(schur), dtype=np.float64)[:p, :p]
    return Likelihood(psi[:p], scale, covariance, state.value, state.weights, own)


def _ascend(arms: Arms, psi: FloatArray, own: FloatArray, points: int) -> tuple[FloatArray, FloatArray, _State]:
    state = _at(arms, psi, own, points)
    for _ in range(STEPS):
        step, own_step, newton = _step(arms, state)
        longest = max(float(np.abs(step).max()), float(np.abs(own_step).max(initial=0.0)))
        least = state.value - 1e-12 * (1.0 + abs(state.value))
        length = 1.0
        trial = _at(arms, psi + step, own + own_step, points)
        while not trial.value >= least and length > _SHORTEST:
            length *= 0.5
            trial = _at(arms, psi + length * step, own + length * own_step, points)
        psi, own, state = psi + length * step, own + length * own_step, trial
        if newton and longest < _FINE * (1.0 + float(np.abs(psi).max())):
            break
    return psi, own, state


def _step(arms: Arms, state: _State) -> tuple[FloatArray, FloatArray, bool]:
    """Solve for a step, intercepts eliminated; tell whether it is Newton's."""
    parts = (state.information, state.mixed, state.own)
    newton = bool((state.own > 0).all()) and bool((np.linalg.eigvalsh(_schur(arms, *parts)) > 0).all())
    information, mixed, own = parts if newton else state.complete
    schur = _schur(arms, information, mixed, own)
    if not newton:
        # Given z a scale of 0 has no information of its own.
        schur = schur + 1e-8 * np.trace(schur) * np.eye(len(schur))
    if not arms.intercepts:
        return np.asarray(np.linalg.solve(schur, state.gradient), dtype=np.float64), np.zeros_like(own), newton
    step = np.asarray(np.linalg.solve(schur, state.gradient - mixed.T @ (state.own_gradient / own)), dtype=np.float64)
    return step, (state.own_gradient - mixed @ step) / own, newton


def _schur(arms: Arms, information: FloatArray, mixed: FloatArray, own: FloatArray) -> FloatArray:
    return information - mixed.T @ (mixed / own[:, np.newaxis]) if arms.intercepts else information


def _at(arms: Arms, psi: FloatArray, own: FloatArray, points: int) -> _State:
    k, many = arms.events.shape[1], max(1, BLOCK // points ** arms.C.shape[2])
    if k <= many:
        return _of_block(arms, psi, own, points)
    parts = [_of_block(_studies(arms, slice(i, i + many)), psi, own[i : i + many], points) for i in range(0, k, many)]
    return _State(
        sum(part.value for part in parts),
        np.sum([part.gradient for part in parts], axis=0),
        np.concatenate([part.own_gradient for part in parts]),
        np.sum([part.information for part in parts], axis=0),
        np.concatenate([part.mixed for part in parts]),
        np.concatenate([part.own for part in parts]),
        (
            np.sum([part.complete[0] for part in parts], axis=0),
            np.concatenate([part.complete[1] for part in parts]),
            np.concatenate([part.complete[2] for part in parts]),
        ),
        np.concatenate([part.weights for part in parts], axis=1),
    )


def _studies(arms: Arms, rows: slice) -> Arms:
    return attrs.evolve(
        arms,
        events=arms.events[:, rows],
        n=arms.n[:, rows],
        offset=arms.offset[:, rows],
        X=arms.X[:, rows],
        C=arms.C[:, rows],
    )


def _of_block(arms: Arms, psi: FloatArray, own: FloatArray, points: int) -> _State:
    p = arms.X.shape[2]
    fixed = arms.offset + arms.X @ psi[:p] + own
    slopes = arms.C * psi[p:]
    z, log_weights = _nodes(arms, fixed, slopes, points)
    eta = fixed[:, :, np.newaxis] + np.einsum("jkr,kqr->jkq", slopes, z)
    up, down = np.logaddexp(0.0, -eta), np.logaddexp(0.0, eta)
    events, rest = arms.events[:, :, np.newaxis], (arms.n - arms.events)[:, :, np.newaxis]
    terms = (-events * up - rest * down).sum(axis=0) + log_weights
    top = terms.max(axis=1, keepdims=True)
    posterior = np.exp(terms - top)
    mass = posterior.sum(axis=1, keepdims=True)
    posterior = posterior / mass
    risks = np.exp(-up)
    gaps = events - arms.n[:, :, np.newaxis] * risks
    weights = arms.n[:, :, np.newaxis] * risks * np.exp(-down)
    J, k, q = eta.shape
    design = np.concatenate(
        [
            np.broadcast_to(arms.X[:, :, np.newaxis, :], (J, k, q, p)),
            arms.C[:, :, np.newaxis, :] * z,
            np.ones((J, k, q, 1)),
        ],
        axis=3,
    )
    score = np.einsum("jkq,jkqa->kqa", gaps, design)
    mean = np.einsum("kq,kqa->ka", posterior, score)
    centred = score - mean[:, np.newaxis, :]
    given = np.einsum("kq,jkq,jkqa,jkqb->kab", posterior, weights, design, design, optimize=True)
    observed = given - np.einsum("kq,kqa,kqb->kab", posterior, centred, centred, optimize=True)
    return _State(
        float((top[:, 0] + np.log(mass[:, 0])).sum()),
        mean[:, :-1].sum(axis=0),
        mean[:, -1],
        observed[:, :-1, :-1].sum(axis=0),
        observed[:, :-1, -1],
        observed[:, -1, -1],
        (given[:, :-1, :-1].sum(axis=0), given[:, :-1, -1], given[:, -1, -1]),
        np.einsum("kq,jkq->jk", posterior, weights),
    )


def _nodes(arms: Arms, fixed: FloatArray, slopes: FloatArray, many: int) -> tuple[FloatArray, FloatArray]:
    """Place the points of the quadrature about the mode of each study: z ``(k, q, r)`` and log weights ``(k, q)``."""
    k = fixed.shape[1]
    r = slopes.shape[2]
    t, log_w = _rule(r, many)
    if not r:
        return np.zeros((k, 1, 0)), np.zeros((k, 1))
    z: FloatArray = np.zeros((k, r))
    gradient, curvature = _slope(arms, fixed, slopes, z)
    for _ in range(_MODES):
        step = np.asarray(np.linalg.solve(curvature, gradient[:, :, np.newaxis]))[:, :, 0]
        longest = np.asarray(np.abs(step).max(axis=1, keepdims=True))
        z = z + step * np.minimum(1.0, 2.0 / np.maximum(longest, 1e-300))
        gradient, curvature = _slope(arms, fixed, slopes, z)
        if longest.max(initial=0.0) < 1e-8:  # noqa: PLR2004 - the points need not lie about the mode exactly
            break
    root = np.asarray(np.linalg.inv(np.linalg.cholesky(curvature)), dtype=np.float64).transpose(0, 2, 1)
    points = np.asarray(z[:, np.newaxis, :] + np.einsum("krs,qs->kqr", root, t), dtype=np.float64)
    log_root = np.log(np.abs(np.linalg.det(root)))[:, np.newaxis]
    density = -0.5 * np.square(points).sum(axis=2) - 0.5 * r * np.log(2.0 * np.pi)
    return points, np.asarray(density + 0.5 * np.square(t).sum(axis=1) + log_w + log_root, dtype=np.float64)


def _slope(arms: Arms, fixed: FloatArray, slopes: FloatArray, z: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give gradient ``(k, r)`` and curvature ``(k, r, r)`` of minus the logarithm of the integrand by z."""
    eta = fixed + np.einsum("jkr,kr->jk", slopes, z)
    risks = np.exp(-np.logaddexp(0.0, -eta))
    weights = arms.n * risks * np.exp(-np.logaddexp(0.0, eta))
    gradient = np.einsum("jk,jkr->kr", arms.events - arms.n * risks, slopes) - z
    curvature = np.einsum("jk,jkr,jks->krs", weights, slopes, slopes) + np.eye(z.shape[1])
    return np.asarray(gradient, dtype=np.float64), np.asarray(curvature, dtype=np.float64)


@lru_cache(maxsize=8)
def _rule(r: int, many: int) -> tuple[FloatArray, FloatArray]:
    """Give the points ``(q, r)`` of a product rule with weight exp(-t²/2), and the logarithms of its weights."""
    if not r:
        return np.zeros((1, 0)), np.zeros(1)
    t, w = np.polynomial.hermite_e.hermegauss(many)
    grids = np.meshgrid(*[t] * r, indexing="ij")
    log_w = np.log(w)
    logs = sum(np.meshgrid(*[log_w] * r, indexing="ij"))
    return np.stack([grid.ravel() for grid in grids], axis=1), np.asarray(logs).ravel()
