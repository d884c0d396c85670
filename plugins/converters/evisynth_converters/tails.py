"""Turn p-values and levels of intervals into the normal and t values that they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from evisynth import FloatArray


def normal_value(p_value: FloatArray | float) -> FloatArray:
    """Give the z that is exceeded in size with this two-sided probability; 0 for 1, infinite for 0."""
    from scipy.special import ndtri  # noqa: PLC0415 - scipy comes with the first use

    return np.abs(np.asarray(ndtri(0.5 * np.asarray(p_value, dtype=np.float64)), dtype=np.float64))


def t_value(p_value: FloatArray | float, df: FloatArray | float) -> FloatArray:
    """Give the t with ``df`` degrees of freedom that is exceeded in size with this two-sided probability.

    NaN where df is not positive.
    """
    from scipy.special import stdtrit  # noqa: PLC0415 - scipy comes with the first use

    p, dfs = np.asarray(p_value, dtype=np.float64), np.asarray(df, dtype=np.float64)
    found = np.abs(stdtrit(np.where(dfs > 0, dfs, np.nan), 0.5 * p))
    return np.asarray(np.where(p == 1, 0.0, found), dtype=np.float64)
