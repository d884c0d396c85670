"""Maximise the likelihood over ``τ²_i = exp(z_i'α)``: many starts, Newton's steps, and the suprema at infinity.

The likelihood may have several maxima, and it may rise for ever as α runs off in a direction d along which some τ²_i
fall to 0 and no other changes (``z_i'd < 0`` for those and ``z_j'd = 0`` for the rest). Such a supremum is a *face*:
the first studies have τ² = 0 and the rest follow a model of fewer coefficients, which is maximised in its turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth.kernels.location_scale import anchors
from evisynth.kernels.scale_optimum import (
    Optimum,
    chosen_starts,
    falling_direction,
    newton_step,
    undetermined_signs,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth.kernels.arrays import BoolArray, FloatArray
    from evisynth.kernels.location_scale import Effects, Point

_STEPS = 250
_ALL_STEPS = 5000
"""Steps of all climbs beyond which no other begins: five times what hard samples take."""
_HALVINGS = 50
_LAST_STEPS = 20
_WIDEST = 3.0
"""Largest step in any log τ²."""
_SETTLED = 1e-4
"""Step in log τ² below which Newton's steps need no watching: the error squares itself."""
_LEAST = 1e-8
_NO_GAIN = 1e-11
"""Gain of a step, in log-likelihood, below which steps that stay long lead to infinity."""
_SMALL, _FALLS, _SHARES = 1e-3, 0.1, (1e-12, 1e-9, 1e-6)
"""Which τ² may be on their way to 0: below a share of v, with a step in log τ² below 0; or by a share alone."""
_LIFT = 1e-9
_ROUNDS = 4
_ALONE, _PAIRS = 12, 6
"""Studies tried as the only one with a τ², and as one of two."""
_TRIES = (1, 4, 16, 64)
"""Steps without gain at which infinity is looked for."""
_COUNTS = 1e-6
"""Share of v from which a τ² counts in the length of a step."""
_LARGEST_LOG = 600.0
_STUDIES = 4096
"""Studies beyond which a face with one study alone is not looked for."""
_NEAR = 0.1
"""Distance in log τ² within which a climb is taken to end where an earlier one did."""
_FEW = 1 << 18
"""Numbers in the designs beyond which starts are few: every step costs, and maxima are fewer."""


@attrs.frozen(eq=False)
class Surface:
    """Hold the log-likelihood over γ, ``(r,)``: ``log τ² = basis γ + offset`` where ``free`` and τ² = 0 elsewhere.

    ``frame`` ``(q, r)`` brings γ to the coordinates of the whole model.
    """

    effects: Effects
    basis: FloatArray
    offset: float
    free: BoolArray
    frame: FloatArray

    def tau2(self, gamma: FloatArray) -> FloatArray:
        """Give τ² of every study."""
        log = np.minimum(self.basis @ gamma + self.offset, _LARGEST_LOG)
        return np.where(self.free, np.exp(log), 0.0)

    def derivatives(self, point: Point) -> tuple[FloatArray, FloatArray]:
        """Give gradient and Hessian in γ."""
        M = point.tau2[:, np.newaxis] * self.basis
        pull = point.score * point.tau2
        gradient = self.basis.T @ pull
        hessian = point.curvature(M) + self.basis.T @ (pull[:, np.newaxis] * self.basis)
        return np.asarray(gradient), np.asarray(hessian)


@attrs.frozen(eq=False)
class Peak:
    """Hold where a climb ended."""

    surface: Surface
    gamma: FloatArray
    point: Point
    hessian: FloatArray
    settled: bool
    steps: int
    direction: FloatArray | None = None
    """Direction to infinity, in the coordinates of the whole model; None where the maximum is finite."""


def climb(surface: Surface, gamma: FloatArray, known: Sequence[Peak] = ()) -> Peak:
    """Climb to a maximum of the surface, finite or at infinity, by Newton's steps that never lose height.

    A climb that comes near the end of a ``known`` one, where the surface is concave, ends there too.
    """
    effects = surface.effects
    if not gamma.size:
        return Peak(surface, gamma, effects.at(surface.tau2(gamma)), np.empty((0, 0)), settled=True, steps=0)
    point = effects.near(surface.tau2(gamma))
    lost = n = 0
    for n in range(_STEPS):
        gradient, hessian = surface.derivatives(point)
        step, concave = newton_step(gradient, hessian)
        move = surface.basis @ step
        widest = float(np.abs(move[surface.free]).max())
        gain = float(gradient @ step)
        peak = None
        if concave and widest < _SETTLED:
            peak = _polished(surface, gamma, n)
        elif concave and widest < _NEAR:
            peak = _same(surface, gamma, known)
        elif gain < _NO_GAIN:
            lost += 1
            peak = _at_infinity(surface, gamma, point, step, n) if lost in _TRIES else None
        if peak is not None:
            return peak
        length = min(1.0, _longest(surface, point, move))
        rounding = 8 * np.finfo(np.float64).eps * (effects.k + abs(point.log_likelihood))
        for _ in range(_HALVINGS):
            higher = effects.near(surface.tau2(gamma + length * step))
            if higher.log_likelihood >= point.log_likelihood + 1e-4 * length * gain - rounding:
                break
            length *= 0.5
        else:
            break
        gamma, point = gamma + length * step, higher
    end = effects.at(point.tau2)
    return Peak(surface, gamma, end, surface.derivatives(end)[1], settled=False, steps=n)


def _same(surface: Surface, gamma: FloatArray, known: Sequence[Peak]) -> Peak | None:
    """Find the end of an earlier climb close by."""
    for peak in known:
        if peak.surface is surface and float(np.abs(surface.basis @ (gamma - peak.gamma)).max()) < _NEAR:
            return peak
    return None


def _polished(surface: Surface, gamma: FloatArray, steps: int) -> Peak | None:
    """Take Newton's steps to the last bits: once rounding no longer lets them shrink, the shortest marks the end."""
    shortest, best, before = np.inf, gamma, np.inf
    for n in range(_LAST_STEPS):
        step, concave = newton_step(*surface.derivatives(surface.effects.at(surface.tau2(gamma))))
        widest = float(np.abs(surface.basis @ step)[surface.free].max())
        if not concave or widest > 10 * _SETTLED:
            return None
        if widest < shortest:
            shortest, best = widest, gamma
        if widest < _LEAST and widest >= 0.5 * before:
            point = surface.effects.at(surface.tau2(best))
            return Peak(surface, best, point, surface.derivatives(point)[1], settled=True, steps=steps + n)
        before = widest
        gamma = gamma + step
    return None


def _longest(surface: Surface, point: Point, move: FloatArray) -> float:
    """Bound a step so that no τ² changes out of sight, save those too small to count beside their v."""
    with np.errstate(divide="ignore", over="ignore"):
        below = np.log(_COUNTS * surface.effects.v) - np.log(point.tau2)
        room = np.where(move > 0.0, _WIDEST + np.maximum(below, 0.0), np.where(below > 0.0, np.inf, _WIDEST))
        return float((room[surface.free] / np.maximum(np.abs(move[surface.free]), np.finfo(np.float64).tiny)).min())


def _at_infinity(surface: Surface, gamma: FloatArray, point: Point, step: FloatArray, steps: int) -> Peak | None:
    """Find the face that steps without gain lead to, and maximise there; None where they lead to none."""
    share = point.tau2 / surface.effects.v
    # Where τ² fall to 0 exponentially, Newton's step lowers the logarithm of the slowest by one.
    candidates = [(share < _SMALL) & (surface.basis @ step < -_FALLS), *(share < least for least in _SHARES)]
    for candidate in candidates:
        falling = surface.free & candidate
        face = face_of(surface, surface.free & ~falling) if falling.any() else None
        if face is None:
            continue
        across, lower = face
        along = recession(surface, across, falling, step)
        if along is None:
            continue
        peak = climb(lower, across.T @ gamma)
        if peak.point.log_likelihood < point.log_likelihood - _LIFT * max(1.0, abs(point.log_likelihood)):
            continue
        direction = surface.frame @ along
        return attrs.evolve(
            peak,
            steps=peak.steps + steps,
            direction=direction if peak.direction is None else direction + peak.direction,
        )
    return None


def recession(surface: Surface, across: FloatArray, falling: BoolArray, hint: FloatArray) -> FloatArray | None:
    """Find a direction that lowers log τ² of all ``falling`` studies and changes none of the rest; None without one.

    ``across`` are the coordinates that the rest can tell, ``hint`` a direction to try first.
    """
    # With the rest's coordinates taken out, `missing` spans the directions that they cannot tell.
    missing = np.linalg.svd(across, full_matrices=True)[0][:, across.shape[1] :]
    slopes = surface.basis[falling] @ missing
    first = missing.T @ hint
    for trial in (first, -first) if missing.shape[1] == 1 else (first,):
        if trial.any() and bool((slopes @ trial < -1e-9 * np.linalg.norm(trial)).all()):
            return np.asarray(missing @ trial)
    if missing.shape[1] == 1:
        return None
    found = falling_direction(slopes)
    return None if found is None else np.asarray(missing @ found)


def face_of(surface: Surface, rest: BoolArray) -> tuple[FloatArray, Surface] | None:
    """Give the model that is left when all but the studies ``rest`` have τ² = 0; None where none falls away alone.

    Also gives the orthonormal coordinates, ``(r, s)``, that the rest of the studies can tell.
    """
    r = surface.basis.shape[1]
    if rest.any():
        _, size, rows = np.linalg.svd(surface.basis[rest], full_matrices=False)
        rank = int((size > 1e-10 * size[0]).sum())
        across = rows[:rank].T
    else:
        rank, across = 0, np.empty((r, 0))
    if rank == r:
        return None
    basis = np.where(rest[:, np.newaxis], surface.basis @ across, 0.0)
    return across, Surface(surface.effects, basis, surface.offset, rest, surface.frame @ across)


def maximise_log_link(effects: Effects, Z: FloatArray, offset: float, constant: FloatArray | None) -> Optimum:
    """Find the global maximum over α of ``τ² = exp(Zα + offset)``; ``constant`` is a c with ``Zc = 1``, or None."""
    k, q = len(Z), int(Z.shape[1])
    unit, triangle = np.linalg.qr(Z)
    unit, triangle = unit * np.sqrt(k), triangle / np.sqrt(k)
    whole = Surface(effects, unit, offset, np.ones(k, dtype=np.bool_), np.eye(q))
    starts = _starts(whole)
    peaks: list[Peak] = []
    for gamma in starts:
        if sum(peak.steps for peak in peaks) < _ALL_STEPS:
            peaks.append(climb(whole, gamma, peaks))
    best = max(peaks, key=_height)
    if q > 1 and k <= _STUDIES and sum(peak.steps for peak in peaks) < _ALL_STEPS:
        best = _hop(whole, best, peaks)
        peaks += _few_free(whole, best.point.log_likelihood)
    best = max(peaks, key=_height)
    bottom = None if constant is None else face_of(whole, np.zeros(k, dtype=np.bool_))
    if constant is not None and bottom is not None:
        # All τ² = 0 is a limit of the model with an intercept, though it need not be a maximum.
        zero = attrs.evolve(climb(bottom[1], np.empty(0)), direction=-(triangle @ constant))
        if zero.point.log_likelihood >= best.point.log_likelihood:
            best = zero
            peaks.append(zero)
    return _optimum(best, peaks, Z, triangle, len(starts))


def _height(peak: Peak) -> float:
    """Give the height by which ends of climbs are compared: of two that are alike, the one that settled is higher."""
    height = peak.point.log_likelihood
    return height if peak.settled else height - _LIFT * max(1.0, abs(height))


def _starts(surface: Surface) -> list[FloatArray]:
    """Choose starts: the highest and some at random of a wide set of log τ².

    The wide set holds log τ² of the q studies that span the scale moderators best.
    """
    effects, q = surface.effects, surface.basis.shape[1]
    fixed = surface.basis[anchors(surface.basis)]
    low, high = np.log(effects.v.min()) - 6.0, np.log(4 * effects.largest_tau2) + 2.0
    levels = _levels(effects, q, float(low), float(high))
    gammas = np.asarray(np.linalg.solve(fixed, (levels - surface.offset).T), dtype=np.float64)
    log = np.minimum(surface.basis @ gammas + surface.offset, _LARGEST_LOG)
    heights = effects.log_likelihoods(np.exp(log))
    if effects.k * effects.p * q > _FEW:
        return [np.asarray(gammas[:, j]) for j in chosen_starts(levels, heights, apart=2.0, most=3)]
    highest = chosen_starts(levels, heights, apart=2.0, most=20)
    if q == 1:
        return [np.asarray(gammas[:, j]) for j in highest]
    # Height at the start says little about height at the end where slopes are steep.
    others = np.random.default_rng(q).permutation(len(levels))[: 12 * q]
    return [np.asarray(gammas[:, j]) for j in dict.fromkeys([*highest, *others.tolist()])]


def _hop(whole: Surface, best: Peak, peaks: list[Peak]) -> Peak:
    """Climb from points about the highest maximum found, until none leads higher; each climb joins ``peaks``."""
    q = whole.basis.shape[1]
    rng = np.random.default_rng(q)
    # A direction to infinity is followed a fair way, so that the hop begins at a point.
    for _ in range(_ROUNDS):
        centre = best.surface.frame @ best.gamma
        if best.direction is not None:
            fall = np.abs(whole.basis @ best.direction)
            centre = centre + 3.0 / float(np.median(fall[fall > 1e-6 * fall.max()])) * best.direction
        level = (whole.basis.mean(axis=0) @ centre) * whole.basis.mean(axis=0)
        level = level / max(float(level @ level), 1e-300) * float(level @ centre) if level.any() else level
        starts = [level + share * (centre - level) for share in (0.3, 0.6, 1.5, 2.5)]
        starts += [centre + rng.normal(scale=spread, size=q) for spread in (1.0, 3.0) for _ in range(2 * q)]
        found = [climb(whole, gamma, peaks) for gamma in starts]
        peaks += found
        highest = max(found, key=_height)
        if highest.point.log_likelihood <= best.point.log_likelihood + _LIFT:
            break
        best = highest
    return best


def _few_free(whole: Surface, floor: float) -> list[Peak]:
    """List the faces higher than ``floor`` on which one study has a τ² of its own, or two have, and the rest have none.

    They are where steep slopes lead, which few starts find. The studies tried are those that lie farthest off.
    """
    effects, basis, q = whole.effects, whole.basis, whole.basis.shape[1]
    residuals = effects.at(np.zeros(effects.k)).residuals
    far = np.argsort(-(residuals**2) / effects.v, kind="stable")[:_ALONE].tolist()
    groups: list[tuple[int, ...]] = [(i,) for i in far]
    if q > 2:  # noqa: PLR2004 - with two coefficients, two studies' τ² settle all
        groups += [(i, j) for n, i in enumerate(far[:_PAIRS]) for j in far[:n]]
    made: list[Peak] = []
    for group in groups:
        rest = np.zeros(effects.k, dtype=np.bool_)
        for i in group:
            rest |= (basis == basis[i]).all(axis=1)
        face = face_of(whole, rest)
        if face is None or face[0].shape[1] != len(group):
            continue
        across, lower = face
        tops = np.log(np.maximum(residuals[list(group)] ** 2, effects.v[list(group)])) - whole.offset
        peak = climb(lower, np.asarray(np.linalg.solve(basis[list(group)] @ across, tops), dtype=np.float64))
        if peak.point.log_likelihood <= floor or not peak.settled:
            continue
        hint = -basis[~rest].sum(axis=0)
        along = recession(whole, across, ~rest, hint)
        if along is not None:
            direction = along if peak.direction is None else along + peak.direction
            made.append(attrs.evolve(peak, direction=direction))
    return made


def _levels(effects: Effects, q: int, low: float, high: float) -> FloatArray:
    if q == 1:
        return np.linspace(low, high, max(48, int(2 * (high - low))))[:, np.newaxis]
    budget = max(24, min(640, (1 << 25) // (effects.k * effects.p)))
    count = int(budget**0.5)
    if q == 2 and count >= 12:  # noqa: PLR2004 - two coefficients, and a grid that is worth it
        one = np.linspace(low, high, count)
        return np.stack(np.meshgrid(one, one, indexing="ij"), axis=-1).reshape(-1, 2)
    rng = np.random.default_rng(q)
    alike = np.repeat(np.linspace(low, high, 12)[:, np.newaxis], q, axis=1)
    return np.vstack([alike, rng.uniform(low, high, (budget - 12, q))])


def _optimum(best: Peak, peaks: Sequence[Peak], Z: FloatArray, triangle: FloatArray, starts: int) -> Optimum:
    q = len(triangle)
    back = np.linalg.inv(triangle)
    reach = back @ best.surface.frame
    alpha = reach @ best.gamma
    information = -best.hessian
    covariance = np.full((q, q), np.nan)
    flat = False
    if best.gamma.size:
        size = np.linalg.eigvalsh(information)
        flat = not bool(size[0] > 1e-13 * size[-1])
        if not flat:
            root = np.linalg.cholesky(information)
            half = np.linalg.solve(root, reach.T)
            covariance = half.T @ half
    signs: tuple[str | None, ...] = (None,) * q
    if best.direction is not None:
        missing = np.eye(q) - best.surface.frame @ best.surface.frame.T
        lost = np.linalg.norm(back @ missing, axis=1) > 1e-9 * np.linalg.norm(back, axis=1)
        signs = undetermined_signs(lost, back @ best.direction, Z, best.surface.free)
        alpha = np.where(lost, np.nan, alpha)
        covariance[lost] = covariance[:, lost] = np.nan
    return Optimum(
        alpha=np.asarray(alpha),
        tau2=best.point.tau2,
        point=best.point,
        covariance=covariance,
        unbounded=signs,
        at_zero=~best.surface.free,
        flat=flat,
        settled=best.settled,
        steps=best.steps,
        starts=starts,
        modes=_count([peak for peak in peaks if peak.settled]),
    )


def _count(peaks: Sequence[Peak]) -> int:
    """Count the maxima that differ, by height and by the variances that they give."""
    seen: list[Peak] = []
    for peak in sorted(peaks, key=lambda one: -one.point.log_likelihood):
        total = peak.surface.effects.v + peak.point.tau2
        for other in seen:
            theirs = peak.surface.effects.v + other.point.tau2
            if float(np.abs(np.log(total / theirs)).max()) < 1e-5:  # noqa: PLR2004 - far above rounding
                break
        else:
            seen.append(peak)
    return len(seen)
