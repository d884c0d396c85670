"""Differentiate a function of one variable numerically, for many points at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth.kernels.arrays import FloatArray

ORDER = 12
"""Rows of the table of extrapolations; the best stands long before the last."""
HALVINGS = 60
_SHRINK = 1.4


def derivative(f: Callable[[FloatArray], FloatArray], x: FloatArray) -> FloatArray:
    """Extrapolate central differences to a step of 0.

    ``x`` and the result are ``(k,)``, and so is what ``f`` takes and gives.

    Steps start at a sixteenth of ``|x|`` (or of 1 where x is smaller), or well inside the domain where ``f`` is not
    finite so far out, and shrink by 1.4; each column of the table removes the next power of the step, and each point
    keeps the entry whose error seems smallest. NaN where no step is within the domain. Relative errors are below 1e-10
    for functions that are smooth within the first steps. Source: Ridders (1982), Adv. Eng. Softw. 4:75-76.
    """
    x = np.asarray(x, dtype=np.float64)
    step = _first_step(f, x)
    best, error = np.full(x.shape, np.nan), np.full(x.shape, np.inf)
    before: list[FloatArray] = []
    with np.errstate(all="ignore"):
        for row in range(ORDER):
            high, low = x + step, x - step
            table = [np.asarray((np.asarray(f(high)) - np.asarray(f(low))) / (high - low), dtype=np.float64)]
            factor = 1.0
            for column in range(1, row + 1):
                factor *= _SHRINK**2
                table.append((table[column - 1] * factor - before[column - 1]) / (factor - 1.0))
                apart = np.maximum(
                    np.abs(table[column] - table[column - 1]), np.abs(table[column] - before[column - 1])
                )
                better = apart <= error
                best, error = np.where(better, table[column], best), np.where(better, apart, error)
            before, step = table, step / _SHRINK
    return best


def _first_step(f: Callable[[FloatArray], FloatArray], x: FloatArray) -> FloatArray:
    step = np.maximum(np.abs(x), 1.0) / 16.0
    short = np.zeros(x.shape, dtype=np.bool_)
    with np.errstate(all="ignore"):
        for _ in range(HALVINGS):
            outside = ~np.isfinite(np.asarray(f(x + step)) + np.asarray(f(x - step)))
            if not outside.any():
                break
            step, short = np.where(outside, 0.5 * step, step), short | outside
    # The first step that fits may end next to a pole, where differences say little about the middle.
    return np.where(short, 0.125 * step, step)
