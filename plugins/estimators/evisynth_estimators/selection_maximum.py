"""Find the highest maximum of the likelihood of a selection model.

Given τ² (and the coordinates that log w is not linear in) the log-likelihood is concave in the mean and the other
coordinates of the weights: it is that of an exponential family. So a grid of τ² whose every point is climbed, and
then climbs in all coordinates from every grid point above its neighbours, finds all maxima that are wider than the
grid.
"""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import BoolArray, FloatArray

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evisynth_estimators.selection_likelihood import Height

DECREMENT = 1e-20
"""Square of the gradient in units of the curvature at which a climb has come to the top."""
ROUGH = 1e-3
_STAGNANT = 1e-13
_STEPS = 400
_FIRST_STEPS = 50
_ROUGH_STEPS = 15
_HALVINGS = 50
_ROUGH_HALVINGS = 8
_NEAR = 40.0
"""How far below the grid the far corner may start: the climb from it rises by some units for every study."""
_ENOUGH = 1e-4
_NOISE = 1e-13
_SINGULAR = 1e-10
_SAME = 1e-7
_FLOOR = 1e-12


@attrs.frozen(eq=False)
class Box:
    """Hold the ends of every coordinate, each ``(n,)``."""

    low: FloatArray
    high: FloatArray


@attrs.frozen(eq=False)
class Summit:
    """Hold where a climb ended: the place, the height there and whether it is a maximum within the box."""

    x: FloatArray
    height: Height
    converged: bool


@attrs.frozen(eq=False)
class Maximum:
    """Hold the highest summit with how it was found."""

    summit: Summit
    summits: tuple[Summit, ...]
    """Different ones, the highest first."""
    starts: int


def climb(
    function: Callable[[FloatArray], Height],
    x: FloatArray,
    box: Box,
    *,
    moving: BoolArray | None = None,
    rough: bool = False,
    steps: int = _STEPS,
) -> Summit:
    """Climb by Newton steps, each up to the first end of the box; a coordinate at an end moves only inwards."""
    x = np.clip(x, box.low, box.high)
    height = function(x)
    able = box.low < box.high
    if moving is not None:
        able = able & moving
    for _ in range(_ROUGH_STEPS if rough else steps):
        if not math.isfinite(height.value):
            return Summit(x, height, converged=False)
        step, decrement = _inward(height, able & ~held(x, height.gradient, box), x, box)
        if decrement <= (ROUGH if rough else DECREMENT):
            return Summit(x, height, converged=True)
        further = _further(function, x, height, step, box, _ROUGH_HALVINGS if rough else _HALVINGS)
        if further is None:
            return Summit(x, height, converged=decrement <= _STAGNANT * max(1.0, abs(height.value)))
        x, height = further
    return Summit(x, height, converged=False)


def held(x: FloatArray, gradient: FloatArray, box: Box) -> BoolArray:
    """Say which coordinates lie at an end of the box with the slope pressing them there."""
    return np.asarray(((x <= box.low) & (gradient <= 0.0)) | ((x >= box.high) & (gradient >= 0.0)))


def _inward(height: Height, free: BoolArray, x: FloatArray, box: Box) -> tuple[FloatArray, float]:
    """Give the Newton step of the coordinates that it does not press against an end they lie at."""
    step, decrement = _newton(height, free)
    while free.any():
        pressed = free & (((x <= box.low) & (step < 0.0)) | ((x >= box.high) & (step > 0.0)))
        if not pressed.any():
            break
        left = free & ~pressed
        if not left.any():
            # Alone, a coordinate goes where its own slope points: inwards.
            step = np.where(free, height.gradient / np.maximum(np.abs(np.diag(height.hessian)), _FLOOR), 0.0)
            return step, float((height.gradient * step).sum())
        free = left
        step, decrement = _newton(height, free)
    return step, decrement


def _newton(height: Height, free: BoolArray) -> tuple[FloatArray, float]:
    """Give the Newton step, with every curvature taken as that of a maximum, and the squared scaled gradient."""
    step = np.zeros(free.size)
    chosen = np.nonzero(free)[0]
    if not chosen.size:
        return step, 0.0
    curvature = -height.hessian[np.ix_(chosen, chosen)]
    gradient = height.gradient[chosen]
    scale = 1.0 / np.sqrt(np.maximum(np.abs(np.diag(curvature)), _FLOOR))
    values, vectors = np.linalg.eigh(curvature * scale * scale[:, np.newaxis])
    size = np.maximum(np.abs(values), _SINGULAR * max(float(np.abs(values).max()), 1e-4))
    along = vectors.T @ (gradient * scale)
    step[chosen] = scale * (vectors @ (along / size))
    return step, float((along * along / size).sum())


def _further(
    function: Callable[[FloatArray], Height],
    x: FloatArray,
    height: Height,
    step: FloatArray,
    box: Box,
    halvings: int,
) -> tuple[FloatArray, Height] | None:
    """Go to the first end of the box at most, and halve the step until it rises; None where only rounding is left."""
    noise = _NOISE * max(1.0, abs(height.value))
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(step > 0.0, (box.high - x) / step, np.where(step < 0.0, (box.low - x) / step, np.inf))
    first = float(room.min())
    reach = min(1.0, first)
    for halving in range(halvings):
        to = np.clip(x + reach * step, box.low, box.high)
        ends = halving == 0 and first < 1.0
        if ends:
            at = room <= first
            to[at] = np.where(step > 0.0, box.high, box.low)[at]
        move = to - x
        if not move.any():
            return None
        rise = float(height.gradient @ move)
        there = function(to)
        if math.isfinite(there.value):
            if there.value >= height.value + _ENOUGH * rise:
                return to, there
            level = rise <= noise and there.value >= height.value - noise
            if level and (ends or _slope(there, box, to) < _slope(height, box, x)):
                return to, there
        reach *= 0.5
    return None


def _slope(height: Height, box: Box, x: FloatArray) -> float:
    """Measure the gradient in units of the curvature."""
    free = ~held(x, height.gradient, box) & (box.low < box.high)
    scale = np.maximum(np.abs(np.diag(height.hessian)), _FLOOR)
    return float((height.gradient**2 / scale)[free].sum())


def maximise(
    function: Callable[[FloatArray], Height],
    start: FloatArray,
    box: Box,
    grids: dict[int, Sequence[float]],
    corner: FloatArray | None = None,
) -> Maximum:
    """Climb from a grid over the coordinates in ``grids``, the others first along it, and keep different summits.

    ``corner`` is a second start at the far end of the first grid, where the way from its neighbour may be barred.
    """
    axes = list(grids)
    sizes = [len(grids[axis]) for axis in axes]
    moving = np.ones(start.size, dtype=bool)
    moving[axes] = False
    places: dict[tuple[int, ...], Summit] = {}
    corners: list[Summit] = []
    for index in product(*(range(size) for size in sizes)):
        x = start.copy()
        for back in range(len(axes)):
            before = (*index[:back], index[back] - 1, *index[back + 1 :])
            if before in places and math.isfinite(places[before].height.value):
                x = places[before].x.copy()
        x[axes] = [grids[axis][i] for axis, i in zip(axes, index, strict=True)]
        places[index] = climb(function, x, box, moving=moving, rough=True)
        if corner is not None and index[0] == sizes[0] - 1:
            there = corner.copy()
            there[axes] = x[axes]
            corners.append(climb(function, there, box, moving=moving, rough=True))
    tops = _tops(places, axes[0])
    if corners and tops:
        highest = max(corners, key=lambda summit: summit.height.value)
        if highest.height.value >= max(top.height.value for top in tops) - _NEAR:
            tops.append(highest)
    summits: list[Summit] = []
    for top in tops:
        found = climb(function, top.x, box, steps=_FIRST_STEPS)
        if _there(found) and not any(_same(found, other) for other in summits):
            summits.append(found)
    if not summits:
        return Maximum(next(iter(places.values())), (), len(tops))
    # Climbs that take long go on as long as they are the highest.
    while not (best := max(summits, key=lambda summit: summit.height.value)).converged:
        summits.remove(best)
        further = climb(function, best.x, box)
        summits.append(further)
        if not further.converged:
            return Maximum(further, tuple(summits), len(tops))
    found = [best]
    for summit in sorted(summits, key=lambda summit: -summit.height.value):
        if summit.converged and not any(_same(summit, other) for other in found):
            found.append(summit)
    return Maximum(best, tuple(found), len(tops))


def _tops(places: dict[tuple[int, ...], Summit], axis: int) -> list[Summit]:
    """List the grid points to climb from, along the first axis of the grid in each of its rows.

    They are those that neither neighbour is higher than, and pairs of neighbours whose slopes point at each other.
    """
    best = max((summit.height.value for summit in places.values() if _there(summit)), default=-math.inf)
    found: dict[tuple[int, ...], Summit] = {}
    for index, summit in places.items():
        if not _there(summit) or summit.height.value < best - _NEAR:
            continue
        before, after = (places.get((index[0] + step, *index[1:])) for step in (-1, 1))
        if all(other is None or not other.height.value > summit.height.value for other in (before, after)):
            found[index] = summit
        if after is not None and (summit.x[axis] - after.x[axis]) * summit.height.gradient[axis] < 0.0:
            if (summit.x[axis] - after.x[axis]) * after.height.gradient[
                axis
            ] > 0.0 and after.height.value >= best - _NEAR:
                found[index] = summit
                found[index[0] + 1, *index[1:]] = after
    return list(found.values())


def _there(summit: Summit) -> bool:
    return math.isfinite(summit.height.value)


def _same(one: Summit, other: Summit) -> bool:
    near = abs(one.height.value - other.height.value) <= _SAME * max(1.0, abs(one.height.value))
    return near and bool(np.allclose(one.x, other.x, rtol=1e-4, atol=1e-6))
