"""The verb `delta_method`: transform effects by any function, and their variances with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evisynth.converting import one_column
from evisynth.errors import DataError, Problem
from evisynth.kernels.derivatives import derivative

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth.kernels.arrays import FloatArray


def delta_method(
    yi: Any,  # noqa: ANN401 - a number or a column of them
    vi: Any,  # noqa: ANN401 - a number or a column of them
    transform: Callable[[FloatArray], FloatArray],
) -> dict[str, FloatArray]:
    """Give ``f(y)`` with the variance ``v f'(y)²``, the derivative by extrapolated differences.

    ``transform`` takes an array ``(k,)`` and gives one. Named functions, with exact derivatives, are the conversions
    ``delta-log``, ``delta-exp`` and so on. NaN where y or v is missing and where the function is not defined about y.
    Raises `DataError` for values that are no numbers and for negative variances, naming every row. Source: Oehlert
    (1992), Am. Stat. 46:27-29.
    """
    problems: list[Problem] = []
    y, v = np.broadcast_arrays(one_column("yi", yi, problems), one_column("vi", vi, problems))
    problems += [
        Problem(i + 1, None, "vi", f"{v[i]:g}", "a variance cannot be negative") for i in np.nonzero(v < 0)[0].tolist()
    ]
    if problems:
        summary = "there are effects that cannot be transformed"
        raise DataError(summary, problems)
    with np.errstate(all="ignore"):
        moved = np.asarray(transform(np.array(y)), dtype=np.float64)
    if moved.shape != y.shape:
        summary = f"the function gives an array of shape {moved.shape} for {y.size} effects: one of each per row"
        raise DataError(summary)
    found = np.where(np.isfinite(moved), moved, np.nan)
    return {"yi": found, "vi": v * derivative(transform, np.where(np.isnan(found), np.nan, y)) ** 2}
