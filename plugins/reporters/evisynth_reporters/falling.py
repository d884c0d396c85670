"""Let discs fall from a line, each below its place on it, so that none hides another."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

LARGEST, SMALLEST = 6.0, 1.4
FULLEST = 0.22
"""Share of the room that discs fill; where they would fill more they are drawn smaller."""
MOST = 1.6
"""Times the usual size, for few studies."""
STEP = 1.0
GAP = 0.6
EDGE = 2.0


@attrs.frozen
class Fallen:
    """Hold the heights of discs' centres, and the radii of the heaviest and of those that would be too small to see."""

    places: list[float]
    largest: float
    smallest: float


def fall(weights: Sequence[float], across: Sequence[float], *, width: float, top: float, bottom: float) -> Fallen:
    """Place discs of areas by weight below ``top``, the heaviest first and as high as it does not touch another.

    One that finds no room is where it covers the least.
    """
    heaviest = max(weights, default=0.0) or 1.0
    radii = np.maximum(LARGEST * np.sqrt(np.array(weights, dtype=np.float64) / heaviest), SMALLEST)
    area = math.pi * float((radii * radii).sum())
    factor = min(MOST, math.sqrt(FULLEST * width * (bottom - top) / area)) if area else 1.0
    radii = radii * factor
    x, y = np.array(across, dtype=np.float64), np.full(len(weights), np.nan)
    placed: list[int] = []
    for i in np.argsort(-radii, kind="stable").tolist():
        r = float(radii[i])
        heights = np.arange(top + EDGE + r, max(bottom - EDGE - r, top + EDGE + r) + STEP / 2, STEP)
        gaps = np.hypot(x[placed] - x[i], heights[:, np.newaxis] - y[placed]) - radii[placed] - r
        nearest = gaps.min(axis=1, initial=math.inf)
        free = np.flatnonzero(nearest >= GAP)
        y[i] = heights[int(free[0]) if free.size else int(np.argmax(nearest))]
        placed.append(i)
    return Fallen(y.tolist(), LARGEST * factor, SMALLEST * factor)
