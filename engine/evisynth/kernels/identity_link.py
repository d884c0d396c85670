"""Maximise the likelihood over ``τ²_i = z_i'α`` where no τ²_i may be negative.

From many starts inside the cone ``Zα ≥ 0`` Newton's steps climb from face to face: within a face the binding
constraints are exact, so that a study of great precision whose τ² is 0 spoils no digit of the rest, and at the end of a
face the multipliers say which constraints to release.

Source: Nocedal & Wright (2006), Numerical Optimization, 2nd ed., ch. 16 (active sets); Lawson & Hanson (1974), Solving
Least Squares Problems, ch. 23.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth.kernels.scale_optimum import Optimum, chosen_starts, falling_direction, newton_step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth.kernels.arrays import BoolArray, FloatArray
    from evisynth.kernels.location_scale import Effects, Point

_STEPS = 200
_LAST_STEPS = 20
_HALVINGS = 50
_NEAR = 1e-3
"""Relative step below which Newton's steps need no watching."""
_LEAST = 1e-8
_LIFT = 1e-9
"""Log-likelihood by which rounding may feign a height."""
_ROUNDING = 1e-11
"""Share of its terms below which a sum is 0."""


@attrs.frozen(eq=False)
class Cone:
    """Hold the log-likelihood over γ with ``τ² = basis γ ≥ 0``; ``rows`` are the constraints, scaled to length one."""

    effects: Effects
    basis: FloatArray
    rows: FloatArray

    def derivatives(self, point: Point) -> tuple[FloatArray, FloatArray]:
        """Give gradient and Hessian in γ."""
        return np.asarray(self.basis.T @ point.score), point.curvature(self.basis)


@attrs.frozen(eq=False)
class Peak:
    """Hold where a climb ended; ``binding`` are the constraints that hold it."""

    gamma: FloatArray
    tau2: FloatArray
    point: Point
    hessian: FloatArray
    binding: FloatArray
    settled: bool
    steps: int


def non_negative_least_squares(E: FloatArray, f: FloatArray) -> FloatArray:
    """Minimise ``|E x - f|`` with ``x ≥ 0`` by Lawson & Hanson's active set; ``E`` has few columns."""
    n = E.shape[1]
    x = np.zeros(n)
    passive = np.zeros(n, dtype=np.bool_)
    size = np.linalg.norm(E, axis=0) * np.linalg.norm(f)
    for _ in range(3 * n + 10):
        pull = E.T @ (f - E @ x)
        pull[passive] = -np.inf
        enters = int(pull.argmax())
        if not pull[enters] > 1e-14 * size[enters]:
            break
        passive[enters] = True
        while True:
            trial = np.zeros(n)
            trial[passive] = np.linalg.lstsq(E[:, passive], f, rcond=None)[0]
            if bool((trial[passive] > 0.0).all()):
                x = trial
                break
            falling = passive & (trial <= 0.0)
            ratio = np.full(n, np.inf)
            ratio[falling] = x[falling] / np.maximum(x[falling] - trial[falling], np.finfo(np.float64).tiny)
            leaves = int(ratio.argmin())
            x = x + ratio[leaves] * (trial - x)
            x[leaves] = 0.0
            passive[leaves] = False
            passive &= x > 0.0
            x[~passive] = 0.0
            if not passive.any():
                break
    return x


def climb(cone: Cone, gamma: FloatArray) -> Peak:
    """Climb to a maximum within the cone by Newton's steps that never lose height, from face to face.

    A step that meets a constraint ends there and keeps to it; where a face has no more to give, the constraints that
    hold the climb back are released.
    """
    effects = cone.effects
    face = Face.of(cone, ())
    inner = gamma
    point = effects.near(face.tau2(inner))
    n = 0
    for n in range(_STEPS):
        ends, step, gain = face.end(inner, point)
        if ends is not None:
            inner = ends
            point = effects.at(face.tau2(inner))
            uphill = face.uphill(point)
            if uphill is None:
                return face.peak(inner, point, settled=True, steps=n)
            # A step along the slope within the cone leaves also a corner where more constraints bind than needed.
            held, along = uphill
            gamma = face.directions @ inner
            face = Face.of(cone, held)
            inner, step = face.directions.T @ gamma, face.directions.T @ along
            gain = float(step @ (face.basis.T @ point.score))
            bend = -float(step @ point.curvature(face.basis) @ step)
            step = step * (gain / bend) if bend > 0.0 else step * (float(np.abs(inner).max()) or 1.0)
            gain = float(step @ (face.basis.T @ point.score))
        limit, meets = face.room(inner, step)
        length = min(1.0, limit)
        rounding = 8 * np.finfo(np.float64).eps * (effects.k + abs(point.log_likelihood))
        for _ in range(_HALVINGS):
            higher = effects.near(face.tau2(inner + length * step))
            if higher.log_likelihood >= point.log_likelihood + 1e-4 * length * gain - rounding:
                break
            length *= 0.5
        else:
            break
        inner, point = inner + length * step, higher
        if length == limit:
            gamma = face.directions @ inner
            face = Face.of(cone, (*face.held_rows, meets))
            inner = face.directions.T @ gamma
            point = effects.near(face.tau2(inner))
    return face.peak(inner, effects.at(face.tau2(inner)), settled=False, steps=n)


@attrs.frozen(eq=False)
class Face:
    """Hold the part of a cone where some constraints bind: ``γ = directions @ inner`` and ``τ² = basis @ inner``.

    ``zero`` are the rows of the cone's constraints that bind there, those ``held_rows`` and what follows from them.
    """

    cone: Cone
    held_rows: tuple[int, ...]
    directions: FloatArray
    basis: FloatArray
    zero: BoolArray

    @classmethod
    def of(cls, cone: Cone, held: tuple[int, ...]) -> Face:
        """Make the face on which the rows ``held`` bind."""
        q = int(cone.rows.shape[1])
        directions = np.eye(q)
        if held:
            _, size, rows = np.linalg.svd(cone.rows[list(held)])
            rank = int((size > 1e-10 * size[0]).sum())
            directions = np.asarray(rows[rank:].T)
        zero = np.zeros(len(cone.rows), dtype=np.bool_)
        basis = cone.basis
        if held:
            # A sum that is rounding beside its terms is a constraint that binds.
            zero = _vanishing(cone.rows, directions)
            basis = np.where(_vanishing(cone.basis, directions)[:, np.newaxis], 0.0, cone.basis @ directions)
        return cls(cone, held, directions, basis, zero)

    def tau2(self, inner: FloatArray) -> FloatArray:
        """Give τ² of every study; rounding below 0 is 0."""
        return np.maximum(self.basis @ inner, 0.0)

    def room(self, inner: FloatArray, step: FloatArray) -> tuple[float, int]:
        """Say how far a step may go, in its own length, and which constraint it meets there."""
        rows = self.cone.rows
        slack = np.maximum(rows @ (self.directions @ inner), 0.0)
        fall = rows @ (self.directions @ step)
        towards = (fall < -_ROUNDING * float(np.abs(step).max())) & ~self.zero
        if not towards.any():
            return np.inf, -1
        lengths = np.full(len(rows), np.inf)
        lengths[towards] = slack[towards] / -fall[towards]
        first = int(lengths.argmin())
        return float(lengths[first]), first

    def polished(self, inner: FloatArray) -> FloatArray | None:
        """Take Newton's steps until rounding has the last word; None where they lead away or out of the cone."""
        effects, cone = self.cone.effects, self.cone
        before, shortest, best = np.inf, np.inf, inner
        for _ in range(_LAST_STEPS):
            gamma = self.directions @ inner
            if bool((cone.rows @ gamma < -_ROUNDING * float(np.abs(gamma).max())).any()):
                return None
            point = effects.at(self.tau2(inner))
            step, concave = newton_step(self.basis.T @ point.score, point.curvature(self.basis))
            widest = float(np.abs(step).max() / np.abs(inner).max())
            if not concave or widest > 10 * _NEAR:
                return None
            if widest < shortest:
                shortest, best = widest, inner
            if widest < _LEAST and widest >= 0.5 * before:
                return best
            before = widest
            inner = inner + step
        return None

    def end(self, inner: FloatArray, point: Point) -> tuple[FloatArray | None, FloatArray, float]:
        """Give the maximum within the face where it is near, else None; with Newton's step and its gain."""
        if not self.basis.shape[1]:
            return inner, inner, 0.0
        slope = self.basis.T @ point.score
        step, concave = newton_step(slope, point.curvature(self.basis))
        near = concave and float(np.abs(step).max()) <= _NEAR * float(np.abs(inner).max())
        return self.polished(inner) if near else None, step, float(slope @ step)

    def uphill(self, point: Point) -> tuple[tuple[int, ...], FloatArray] | None:
        """Give the constraints that still bind along the way up from the face's maximum, and that way; None without.

        The slope at a maximum is a sum of binding rows with weights that are not positive (Moreau: what is left of it
        beside the nearest such sum is a direction into the cone, and uphill).
        """
        if not self.zero.any():
            return None
        cone = self.cone
        places = np.nonzero(self.zero)[0]
        slope = cone.basis.T @ point.score
        rows = cone.rows[places].T
        size = float(np.abs(cone.basis * point.score[:, np.newaxis]).sum(axis=0).max())
        weights = non_negative_least_squares(rows, -slope)
        left = slope + rows @ weights
        if float(np.abs(left).max()) <= _ROUNDING * size:
            return None
        return tuple(places[weights > 0.0].tolist()), np.asarray(left)

    def peak(self, inner: FloatArray, point: Point, *, settled: bool, steps: int) -> Peak:
        """Give the end of a climb."""
        cone = self.cone
        return Peak(
            np.asarray(self.directions @ inner),
            point.tau2,
            point,
            cone.derivatives(point)[1],
            cone.rows[list(self.held_rows)],
            settled,
            steps,
        )


def _vanishing(rows: FloatArray, directions: FloatArray) -> BoolArray:
    """Tell the rows that are at right angles to all directions, up to rounding."""
    if not directions.shape[1]:
        return np.ones(len(rows), dtype=np.bool_)
    terms = (np.abs(rows) @ np.abs(directions)).max(axis=1)
    return np.asarray(np.abs(rows @ directions).max(axis=1) <= _ROUNDING * terms)


def maximise_identity_link(effects: Effects, Z: FloatArray, constant: FloatArray | None) -> Optimum | str:
    """Find the global maximum over α with ``τ² = Zα ≥ 0``, or say why no α gives positive τ²."""
    k, q = len(Z), int(Z.shape[1])
    unit, triangle = np.linalg.qr(Z)
    unit, triangle = unit * np.sqrt(k), triangle / np.sqrt(k)
    length = np.linalg.norm(unit, axis=1, keepdims=True)
    rows = np.unique(unit / np.where(length > 0.0, length, 1.0), axis=0) if k <= 1 << 16 else unit / length
    rows = rows[(rows != 0.0).any(axis=1)]
    cone = Cone(effects, unit, rows)
    centre = triangle @ constant if constant is not None else falling_direction(-rows)
    if centre is None:
        return "no coefficients but 0 keep every tau² = z'α from being negative: use the log link"
    starts = _starts(cone, centre)
    peaks = [climb(cone, gamma) for gamma in starts]
    peaks.append(climb(cone, np.zeros(q)))
    # Of two that are alike, the one that settled is the answer.
    best = max(peaks, key=lambda peak: peak.point.log_likelihood - (0.0 if peak.settled else _LIFT))
    return _optimum(best, peaks, triangle, len(starts) + 1)


def _starts(cone: Cone, centre: FloatArray) -> list[FloatArray]:
    """Choose starts from points on rays of the cone: inside, and on its surface."""
    effects, q = cone.effects, cone.rows.shape[1]
    k = effects.k
    rng = np.random.default_rng(q)
    typical: float = np.sort(cone.basis @ centre)[k // 2]
    centre = centre / typical if typical > 0.0 else centre
    budget = max(24, min(640, (1 << 25) // (k * effects.p)))
    shares = np.array([0.0, 0.5, 0.9, 1.0])
    sizes = np.geomspace(float(effects.v.min()) / 16, 4 * effects.largest_tau2, 16)
    rays: list[FloatArray] = []
    for _ in range(max(1, budget // (len(shares) * len(sizes))) if q > 2 else 1):  # noqa: PLR2004 - one line has two ends
        out: FloatArray = rng.normal(0.0, 1.0, (q,))
        out = out - centre * (out @ centre) / (centre @ centre)
        for sign in (1.0, -1.0):
            fall = -(cone.rows @ (sign * out)) / (cone.rows @ centre)
            reach = 1.0 / float(fall.max()) if fall.max() > 0.0 else 1.0
            rays += [centre + share * reach * sign * out for share in shares]
    gammas = np.array([size * ray for ray in rays for size in sizes]).T if q > 1 else (sizes[:, np.newaxis] * centre).T
    gammas = gammas[:, :budget]
    tau2 = np.maximum(cone.basis @ gammas, 0.0)
    heights = effects.log_likelihoods(tau2)
    few = k * effects.p * q > 1 << 18
    typical_v = np.median(effects.v)
    levels = np.log(typical_v + np.maximum(cone.rows[: 1 << 10] @ gammas, 0.0)).T
    return [gammas[:, j] for j in chosen_starts(levels, heights, apart=0.5, most=3 if few else 16)]


def _optimum(best: Peak, peaks: Sequence[Peak], triangle: FloatArray, starts: int) -> Optimum:
    q = len(triangle)
    back = np.linalg.inv(triangle)
    covariance = np.full((q, q), np.nan)
    flat = False
    if not len(best.binding):
        information = -best.hessian
        size = np.linalg.eigvalsh(information)
        flat = not bool(size[0] > 1e-13 * size[-1])
        if not flat:
            half = np.linalg.solve(np.linalg.cholesky(information), back.T)
            covariance = half.T @ half
    seen: list[Peak] = []
    for peak in sorted((one for one in peaks if one.settled), key=lambda one: -one.point.log_likelihood):
        total = 1.0 / peak.point.w
        if all(float(np.abs(np.log(total * other.point.w)).max()) > 1e-5 for other in seen):  # noqa: PLR2004
            seen.append(peak)
    return Optimum(
        alpha=np.asarray(back @ best.gamma),
        tau2=best.tau2,
        point=best.point,
        covariance=covariance,
        unbounded=(None,) * q,
        at_zero=best.tau2 == 0.0,
        flat=flat,
        settled=best.settled,
        steps=best.steps,
        starts=starts,
        modes=len(seen),
        binding=int(np.linalg.matrix_rank(best.binding)) if len(best.binding) else 0,
    )
