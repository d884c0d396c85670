"""Climb to a maximum within a box by Newton steps with exact curvature."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth import BoolArray, FloatArray
    from evisynth_estimators.selection_likelihood import Height

DECREMENT = 1e-20
"""Square of the gradient in units of the curvature at which a climb has come to the top."""
ROUGH = 1e-3
_STAGNANT = 1e-13
_STEPS = 400
_ROUGH_STEPS = 15
_HALVINGS = 50
_ROUGH_HALVINGS = 8
_ENOUGH = 1e-4
_NOISE = 1e-13
_SINGULAR = 1e-10
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
    decrement = math.inf
    for _ in range(_ROUGH_STEPS if rough else steps):
        if not math.isfinite(height.value):
            return Summit(x, height, converged=False)
        step, decrement = _inward(height, able & ~held(x, height.gradient, box), x, box)
        if decrement <= (ROUGH if rough else DECREMENT):
            return Summit(x, height, converged=True)
        further = _further(function, x, height, step, box, _ROUGH_HALVINGS if rough else _HALVINGS)
        if further is None:
            break
        x, height = further
    return Summit(x, height, converged=decrement <= _STAGNANT * max(1.0, abs(height.value)))


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
