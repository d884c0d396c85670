"""Refuse statistics that cannot be, naming row and column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import DataError, Problem

if TYPE_CHECKING:
    from evisynth import FloatArray


def refuse_outside(low: float, high: float, *, strict: bool = False, **columns: FloatArray | None) -> None:
    """Raise `DataError` for every value outside [low, high] (``strict``: on the limits too); NaN and None pass."""
    problems: list[Problem] = []
    for name, values in columns.items():
        if values is None:
            continue
        array = np.atleast_1d(np.asarray(values, dtype=np.float64))
        wrong = ((array <= low) | (array >= high)) if strict else ((array < low) | (array > high))
        problems.extend(
            Problem(int(i) + 1, None, name, f"{array[i]:g}", _range(low, high, strict=strict))
            for i in np.nonzero(wrong)[0]
        )
    if problems:
        problems.sort(key=lambda problem: problem.row or 0)
        summary = f"{', '.join(dict.fromkeys(str(problem.column) for problem in problems))} cannot be so"
        raise DataError(summary, problems)


def _range(low: float, high: float, *, strict: bool) -> str:
    if np.isinf(high):
        if np.isinf(low):
            return "is a finite number"
        return f"is {'more than' if strict else 'at least'} {low:g}"
    return f"lies {'strictly ' if strict else ''}between {low:g} and {high:g}"
