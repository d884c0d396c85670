"""Hold the maximum of a location–scale likelihood, and the steps that both links share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

if TYPE_CHECKING:
    from evisynth.kernels.arrays import BoolArray, FloatArray
    from evisynth.kernels.location_scale import Point

_SLIGHT = 1e-15
"""Share of the largest curvature below which a curvature is rounding."""
_LEAST = 1e-200
"""Curvature below which there is none: powers of it leave the range of doubles."""


@attrs.frozen(eq=False)
class Optimum:
    """Hold the global maximum: ``alpha`` ``(q,)`` with ``covariance`` ``(q, q)``, NaN where α runs to infinity.

    ``unbounded`` says per coefficient whether it has no finite value: ``"below"``, ``"above"``, ``"undetermined"``
    (some τ² fall to 0 along directions of either sign) or None. ``at_zero`` are the studies whose τ² is 0 at the
    maximum. ``flat``: the likelihood has no curvature there in some direction. ``binding`` is the number of constraints
    that hold the maximum.
    """

    alpha: FloatArray
    tau2: FloatArray
    point: Point
    covariance: FloatArray
    unbounded: tuple[str | None, ...]
    at_zero: BoolArray
    flat: bool
    settled: bool
    steps: int
    starts: int
    modes: int
    binding: int = 0


def newton_step(gradient: FloatArray, hessian: FloatArray) -> tuple[FloatArray, bool]:
    """Give an uphill step: Newton's where the surface is concave, along a mirrored curvature where it is not.

    Also says whether it is concave.
    """
    # Units of the coordinates must not decide what is rounding; beside the largest they may be rounding themselves.
    diagonal = np.abs(np.diagonal(hessian))
    size = np.sqrt(np.maximum(diagonal, max(1e-24 * float(diagonal.max()), _LEAST)))
    values, vectors = np.linalg.eigh(-hessian / np.outer(size, size))
    largest = float(np.abs(values).max())
    bounded = np.maximum(np.abs(values), max(_SLIGHT * largest, 1e-60))
    step = (vectors @ ((vectors.T @ (gradient / size)) / bounded)) / size
    return np.asarray(step), bool(values[0] > _SLIGHT * largest)


def chosen_starts(levels: FloatArray, heights: FloatArray, *, apart: float, most: int) -> list[int]:
    """Choose the highest of the candidates, ``levels`` ``(m, q)``, of which no two are nearer than ``apart``."""
    chosen: list[int] = []
    for j in np.argsort(-heights, kind="stable").tolist():
        if np.isnan(heights[j]):
            continue
        if all(float(np.abs(levels[j] - levels[i]).max()) >= apart for i in chosen):
            chosen.append(j)
            if len(chosen) == most:
                break
    return chosen


def undetermined_signs(
    lost: BoolArray, direction: FloatArray, Z: FloatArray, free: BoolArray
) -> tuple[str | None, ...]:
    """Say which way each lost coefficient runs, in all directions that keep ``free`` studies and lower the others.

    One of these directions is given. Where there is only one up to its length its signs are the answer; else each
    coefficient's least and greatest value among them is found by linear programming.
    """
    kept = Z[free]
    rank = int(np.linalg.matrix_rank(kept)) if len(kept) else 0
    if Z.shape[1] - rank == 1:
        return tuple(("below" if direction[j] < 0 else "above") if lost[j] else None for j in range(len(lost)))
    size = np.abs(Z).max(axis=0)
    rows = np.unique(Z[~free] / size, axis=0)
    equal = np.unique(kept / size, axis=0) if len(kept) else None
    made: list[str | None] = []
    for j in range(len(lost)):
        if not lost[j]:
            made.append(None)
            continue
        ends: list[float] = []
        for sign in (1.0, -1.0):
            aim = np.zeros(len(lost))
            aim[j] = sign
            made_d = _programme(aim, rows, equal, (-1.0, 1.0))
            ends.append(np.nan if made_d is None else float(made_d[j]))
        low, high = ends
        # The box has sides of one: anything else than rounding is a fair share of it.
        small = 1e-7
        made.append("below" if high < small else "above" if low > -small else "undetermined")
    return tuple(made)


def falling_direction(rows: FloatArray) -> FloatArray | None:
    """Find a direction d with ``rows d < 0`` in every row, the steepest for rows of length one; None without one."""
    q = rows.shape[1]
    unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    aim = np.zeros(q + 1)
    aim[-1] = -1.0
    made = _programme(aim, np.column_stack([unit, np.ones(len(rows))]), None, [(-1.0, 1.0)] * q + [(None, 1.0)])
    # Rounding of a linear programme in a box of sides one.
    return None if made is None or made[-1] < 1e-9 else made[:-1]  # noqa: PLR2004


def _programme(aim: FloatArray, rows: FloatArray, equal: FloatArray | None, bounds: Any) -> FloatArray | None:  # noqa: ANN401 - scipy's forms
    """Minimise ``aim'd`` with ``rows d ≤ 0`` and ``equal d = 0`` within bounds; None where that fails."""
    from scipy.optimize import linprog  # noqa: PLC0415 - rare, and not on the plain path

    zeros = None if equal is None else np.zeros(len(equal))
    solve: Any = linprog
    found = solve(aim, A_ub=rows, b_ub=np.zeros(len(rows)), A_eq=equal, b_eq=zeros, bounds=bounds)
    return np.asarray(found.x, dtype=np.float64) if found.status == 0 else None
