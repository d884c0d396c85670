"""Maximise the likelihood over ``τ²_i = z_i'α`` where no τ²_i may be negative.

From many starts inside the cone ``Zα ≥ 0`` each step solves a quadratic problem under all the constraints (by Lawson &
Hanson's least distance programming, whose multipliers say which constraints hold), and the end is polished by Newton's
steps within the face that is left. Constraints enter as they are violated, so a million studies cost a product each.

Source: Nocedal & Wright (2006), Numerical Optimization, 2nd ed., ch. 18; Lawson & Hanson (1974), Solving Least Squares
Problems, ch. 23.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth.kernels.scale_optimum import Optimum, chosen_starts, falling_direction, newton_step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth.kernels.arrays import FloatArray
    from evisynth.kernels.location_scale import Effects, Point

_STEPS = 200
_NO_GAIN = 1e-9
_LIFT = 1e-9
"""Log-likelihood that rounding at the constraints may feign."""
_ROUNDING = 1e-11
"""Share of its terms below which a sum ``z'α`` is 0."""


@attrs.frozen(eq=False)
class Cone:
    """Hold the log-likelihood over γ with ``τ² = basis γ ≥ 0``; ``rows`` are the constraints, scaled to length one."""

    effects: Effects
    basis: FloatArray
    rows: FloatArray

    def at(self, gamma: FloatArray) -> Point:
        """Give the likelihood at γ; rounding below 0 is 0."""
        return self.effects.at(np.maximum(self.basis @ gamma, 0.0))

    def derivatives(self, point: Point) -> tuple[FloatArray, FloatArray]:
        """Give gradient and Hessian in γ."""
        return np.asarray(self.basis.T @ point.score), point.curvature(self.basis)


@attrs.frozen(eq=False)
class Peak:
    """Hold where a climb ended; ``face`` ``(q, s)`` spans the directions that the binding constraints leave."""

    gamma: FloatArray
    tau2: FloatArray
    point: Point
    hessian: FloatArray
    face: FloatArray
    binding: FloatArray
    settled: bool
    steps: int


def quadratic_step(
    gradient: FloatArray, hessian: FloatArray, cone: Cone, gamma: FloatArray
) -> tuple[FloatArray, list[int]]:
    """Maximise ``g'd - ½ d'B d`` with ``rows (γ + d) ≥ 0``, B the Hessian mirrored where it is not concave.

    Also gives the constraints that hold d.
    """
    values, vectors = np.linalg.eigh(-hessian)
    bounded = np.maximum(np.abs(values), max(1e-13 * float(np.abs(values).max()), np.finfo(np.float64).tiny))
    # u = L'd - L⁻¹g with B = L L' makes it the nearest point of a polyhedron to the origin.
    inverse = vectors / np.sqrt(bounded)
    centre = inverse.T @ gradient
    slack = np.maximum(cone.rows @ gamma, 0.0)
    size = float(np.abs(gamma).max())
    held: list[int] = []
    step, active = inverse @ centre, []
    for _ in range(100):
        short = cone.rows @ step + slack
        worst = int(short.argmin())
        if short[worst] >= -1e-13 * max(size, float(np.abs(step).max())) or worst in held:
            break
        held.append(worst)
        G = cone.rows[held] @ inverse
        u, multipliers = nearest_to_origin(G, -slack[held] - G @ centre)
        step = inverse @ (u + centre)
        active = [i for i, multiplier in zip(held, multipliers.tolist(), strict=True) if multiplier > 0.0]
    return step, active


def nearest_to_origin(G: FloatArray, h: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Minimise ``|u|`` with ``G u ≥ h``; gives u and the multipliers."""
    E = np.vstack([G.T, h])
    f = np.zeros(len(E))
    f[-1] = 1.0
    weights = non_negative_least_squares(E, f)
    residual = E @ weights - f
    if residual[-1] == 0.0:
        return np.zeros(int(G.shape[1])), np.zeros(len(h))
    last = float(residual[-1])
    return np.asarray(-residual[:-1] / last), np.asarray(-weights / last)


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
    """Climb to a maximum within the cone by quadratic steps that never lose height, and polish it within its face."""
    effects = cone.effects
    point = cone.at(gamma)
    rounding = 8 * np.finfo(np.float64).eps * (effects.k + abs(point.log_likelihood))
    for n in range(_STEPS):
        gradient, hessian = cone.derivatives(point)
        step, active = quadratic_step(gradient, hessian, cone, gamma)
        gain = float(gradient @ step)
        if gain < _NO_GAIN:
            peak = _polished(cone, gamma, active, n)
            # A sum that rounding makes negative counts as 0, which may lift the height of a step a little.
            if peak is not None and peak.point.log_likelihood >= point.log_likelihood - _LIFT:
                return peak
            if gain <= rounding:
                return _peak(cone, gamma, active, settled=False, steps=n)
        length = 1.0
        while True:
            new = gamma + length * step
            higher = cone.at(new)
            if higher.log_likelihood >= point.log_likelihood + 1e-4 * length * gain - rounding:
                break
            length *= 0.5
            if length < 1e-12:  # noqa: PLR2004 - nothing is left of the step
                return _peak(cone, gamma, active, settled=False, steps=n)
        gamma, point = new, higher
    return _peak(cone, gamma, [], settled=False, steps=_STEPS)


def _face_of(cone: Cone, active: Sequence[int]) -> FloatArray:
    """Directions that keep the binding constraints at 0, ``(q, s)``."""
    q = cone.rows.shape[1]
    if not active:
        return np.eye(q)
    _, size, rows = np.linalg.svd(cone.rows[list(active)])
    rank = int((size > 1e-10 * size[0]).sum())
    return np.asarray(rows[rank:].T)


def _peak(cone: Cone, gamma: FloatArray, active: Sequence[int], *, settled: bool, steps: int) -> Peak:
    tau2 = np.maximum(cone.basis @ gamma, 0.0)
    point = cone.effects.at(tau2)
    return Peak(
        gamma, tau2, point, cone.derivatives(point)[1], _face_of(cone, active), cone.rows[list(active)], settled, steps
    )


def _polished(cone: Cone, gamma: FloatArray, active: Sequence[int], steps: int) -> Peak | None:
    """Take Newton's steps within the face of the binding constraints until rounding has the last word."""
    face = _face_of(cone, active)
    if not face.shape[1]:
        zero = np.zeros(cone.effects.k)
        point = cone.effects.at(zero)
        return Peak(
            np.zeros(len(gamma)),
            zero,
            point,
            cone.derivatives(point)[1],
            face,
            cone.rows[list(active)],
            settled=True,
            steps=steps,
        )
    basis = cone.basis @ face
    # A sum that is rounding beside its terms is a constraint that binds.
    terms = np.abs(cone.basis) @ np.abs(face)
    basis = np.where((np.abs(basis) <= _ROUNDING * terms.max(axis=1, keepdims=True)), 0.0, basis)
    inner = face.T @ gamma
    before, best = np.inf, (np.inf, inner)
    for _ in range(12):
        tau2 = basis @ inner
        if bool((tau2 < -_ROUNDING * (np.abs(basis) @ np.abs(inner))).any()):
            return None
        point = cone.effects.at(np.maximum(tau2, 0.0))
        step, concave = newton_step(basis.T @ point.score, point.curvature(basis))
        widest = float(np.abs(step).max() / np.abs(inner).max()) if np.abs(inner).max() > 0 else np.inf
        if not concave or widest > 1e-2:  # noqa: PLR2004 - not near a maximum
            return None
        if widest < best[0]:
            best = widest, inner
        if widest >= 0.5 * before:
            break
        before = widest
        inner = inner + step
    inner = best[1]
    tau2 = np.maximum(basis @ inner, 0.0)
    point = cone.effects.at(tau2)
    return Peak(
        np.asarray(face @ inner),
        tau2,
        point,
        cone.derivatives(point)[1],
        face,
        cone.rows[list(active)],
        settled=True,
        steps=steps,
    )


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
