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
ROUGH = 1e-2
_STAGNANT = 1e-13
_STEPS = 200
_ROUGH_STEPS = 15
_HALVINGS = 50
_ENOUGH = 1e-4
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
) -> Summit:
    """Climb by Newton steps on the coordinates that are not held by an end of the box (Bertsekas 1982, SIAM J. Control Optim. 20:221-246)."""
    x = np.clip(x, box.low, box.high)
    height = function(x)
    able = box.low < box.high
    if moving is not None:
        able = able & moving
    for _ in range(_ROUGH_STEPS if rough else _STEPS):
        if not math.isfinite(height.value):
            return Summit(x, height, converged=False)
        free = able & ~held(x, height.gradient, box)
        if not free.any():
            return Summit(x, height, converged=True)
        step, decrement = _newton(height, free)
        if decrement <= (ROUGH if rough else DECREMENT):
            return Summit(x, height, converged=True)
        further = _further(function, x, height, step, box)
        if further is None:
            return Summit(x, height, converged=decrement <= _STAGNANT * max(1.0, abs(height.value)))
        x, height = further
    return Summit(x, height, converged=False)


def held(x: FloatArray, gradient: FloatArray, box: Box) -> BoolArray:
    """Say which coordinates lie at an end of the box with the slope pressing them there."""
    return np.asarray(((x <= box.low) & (gradient <= 0.0)) | ((x >= box.high) & (gradient >= 0.0)))


def _newton(height: Height, free: BoolArray) -> tuple[FloatArray, float]:
    """Give the Newton step, with every curvature taken as that of a maximum, and the squared scaled gradient."""
    chosen = np.nonzero(free)[0]
    curvature = -height.hessian[np.ix_(chosen, chosen)]
    diagonal = np.abs(np.diag(curvature))
    gradient = height.gradient[chosen]
    scale = 1.0 / np.sqrt(np.maximum(diagonal, _FLOOR))
    values, vectors = np.linalg.eigh(curvature * scale * scale[:, np.newaxis])
    size = np.maximum(np.abs(values), _SINGULAR * max(float(np.abs(values).max()), 1e-4))
    along = vectors.T @ (gradient * scale)
    step = np.zeros(free.size)
    step[chosen] = scale * (vectors @ (along / size))
    return step, float((along * along / size).sum())


def _further(
    function: Callable[[FloatArray], Height], x: FloatArray, height: Height, step: FloatArray, box: Box
) -> tuple[FloatArray, Height] | None:
    """Halve the step until it rises enough; None where rounding is all that is left."""
    noise = 1e-13 * max(1.0, abs(height.value))
    for _ in range(_HALVINGS):
        to = np.clip(x + step, box.low, box.high)
        move = to - x
        if not move.any():
            return None
        rise = float(height.gradient @ move)
        there = function(to)
        enough = there.value >= height.value + _ENOUGH * rise
        flat = rise <= noise and there.value >= height.value - noise and _slope(there, box, to) < _slope(height, box, x)
        if math.isfinite(there.value) and (enough or flat):
            return to, there
        step = 0.5 * step
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
) -> Maximum:
    """Climb from a grid over the coordinates in ``grids``, the others first along it, and keep different summits."""
    axes = list(grids)
    sizes = [len(grids[axis]) for axis in axes]
    moving = np.ones(start.size, dtype=bool)
    moving[axes] = False
    places: dict[tuple[int, ...], Summit] = {}
    for index in product(*(range(size) for size in sizes)):
        x = start.copy()
        for back in range(len(axes)):
            before = (*index[:back], index[back] - 1, *index[back + 1 :])
            if before in places and math.isfinite(places[before].height.value):
                x = places[before].x.copy()
        x[axes] = [grids[axis][i] for axis, i in zip(axes, index, strict=True)]
        places[index] = climb(function, x, box, moving=moving, rough=True)
    tops = sorted(_tops(places), key=lambda summit: -summit.height.value)
    summits: list[Summit] = []
    for top in tops:
        found = climb(function, top.x, box)
        if math.isfinite(found.height.value) and not any(_same(found, other) for other in summits):
            summits.append(found)
    summits.sort(key=lambda summit: -summit.height.value)
    best = summits[0] if summits else next(iter(places.values()))
    return Maximum(best, tuple(summits), len(tops))


def _tops(places: dict[tuple[int, ...], Summit]) -> list[Summit]:
    """List the grid points that none of their neighbours is higher than."""
    found: list[Summit] = []
    for index, summit in places.items():
        around = product(*((i - 1, i, i + 1) for i in index))
        heights = [places[other].height.value for other in around if other in places and other != index]
        if math.isfinite(summit.height.value) and all(summit.height.value >= value for value in heights):
            found.append(summit)
    return found


def _same(one: Summit, other: Summit) -> bool:
    near = abs(one.height.value - other.height.value) <= _SAME * max(1.0, abs(one.height.value))
    return near and bool(np.allclose(one.x, other.x, rtol=1e-4, atol=1e-6))
