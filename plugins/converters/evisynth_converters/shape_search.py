"""Find the global minimum of a smooth function of one parameter, for many rows at once and each on its own.

A grid finds the valley, and the root of the derivative inside it the minimum: a comparison of values alone leaves half
of the digits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from evisynth import FloatArray, IntArray, bracketed_roots

Rows: TypeAlias = Callable[[FloatArray, IntArray], FloatArray]
"""Values at ``x (r,)`` of the rows with numbers ``which (r,)``: ``(r,)``, or ``(r, m)`` for a curve."""

_FIRST = (4 / 5, -1 / 5, 4 / 105, -1 / 280)
_SECOND = (8 / 5, -1 / 5, 8 / 315, -1 / 560)
"""Of the central differences that are exact for polynomials up to the eighth degree; the middle has -205/72."""

STEP = 0.02
"""Their step in a logarithm or power: the next term and the rounding are both near 1e-14 of the curve."""


def derivatives(curve: Rows, x: FloatArray, which: IntArray, step: float = STEP) -> tuple[FloatArray, FloatArray]:
    """Differentiate a curve once and twice by its parameter in each row, by differences of eighth order."""
    first = np.zeros(())
    second = -205 / 72 * curve(x, which)
    for k in range(1, 5):
        above, below = curve(x + k * step, which), curve(x - k * step, which)
        first = first + _FIRST[k - 1] * (above - below)
        second = second + _SECOND[k - 1] * (above + below)
    return np.asarray(first / step), np.asarray(second / step**2)


def global_minimum(value: Rows, slope: Rows, grid: FloatArray) -> FloatArray:
    """Find where each row's value is least between the ends of its grid ``(r, g)``; slopes are derivatives or alike.

    The best point of the grid and its neighbours hold the minimum; where the slope does not change its sign between
    them it is the better end.
    """
    rows = np.arange(grid.shape[0], dtype=np.int64)
    values = np.stack([value(grid[:, j], rows) for j in range(grid.shape[1])], axis=1)
    best = np.argmin(values, axis=1)
    low, high = grid[rows, np.maximum(best - 1, 0)], grid[rows, np.minimum(best + 1, grid.shape[1] - 1)]
    f_low, f_high = slope(low, rows), slope(high, rows)
    found: FloatArray = grid[rows, best].copy()
    inside = np.nonzero((f_low < 0.0) & (f_high > 0.0))[0]
    found[inside] = bracketed_roots(
        lambda x, which: slope(x, inside[which]), low[inside], high[inside], f_low[inside], f_high[inside]
    )
    return found
