"""Refuse statistics that cannot be, naming row and column."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from evisynth import DataError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth import FloatArray


def refuse_outside(low: float, high: float, **columns: FloatArray | None) -> None:
    """Raise `DataError` for every value outside [low, high]; NaN and None pass."""
    if math.isinf(high):
        message = f"is at least {low:g}" if math.isfinite(low) else "is a number"
    else:
        message = f"lies between {low:g} and {high:g}" if math.isfinite(low) else f"is at most {high:g}"
    _refuse({name: values for name, values in columns.items() if values is not None}, low, high, message)


def refuse_not_positive(**columns: FloatArray | None) -> None:
    """Raise `DataError` for every value that is not above 0; NaN and None pass."""
    given = {name: values for name, values in columns.items() if values is not None}
    _refuse(given, math.nextafter(0.0, 1.0), math.inf, "is more than 0")


def _refuse(columns: Mapping[str, FloatArray], low: float, high: float, message: str) -> None:
    problems: list[Problem] = []
    for name, values in columns.items():
        array = np.atleast_1d(np.asarray(values, dtype=np.float64))
        problems.extend(
            Problem(int(i) + 1, None, name, f"{array[i]:g}", message)
            for i in np.nonzero((array < low) | (array > high))[0]
        )
    if problems:
        problems.sort(key=lambda problem: problem.row or 0)
        names = dict.fromkeys(str(problem.column) for problem in problems)
        summary = f"{', '.join(names)} cannot be so"
        raise DataError(summary, problems)
