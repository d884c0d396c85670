"""Name the array types that cross every hook."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
IntArray: TypeAlias = NDArray[np.int64]


def holds_numbers(values: object) -> bool:
    """Tell whether this is an array of one dimension that holds plain numbers."""
    array: Any = values
    return type(array) is np.ndarray and array.ndim == 1 and array.dtype.kind in "iuf"


def read_only(values: object) -> FloatArray:
    """Take an array of doubles that nobody can write to (a view where it already is one)."""
    array = np.asarray(values, dtype=np.float64)
    if array.flags.writeable:
        array = array.view()
        array.flags.writeable = False
    return array


def power_of_two_scale(v: FloatArray) -> FloatArray:
    """Find 2ⁿ so that variances divided by 4ⁿ have a largest value of order one.

    Dividing by powers of two is exact, so an iteration on ``y/2ⁿ, v/4ⁿ`` takes the same steps,
    to the bit, whatever the unit of measurement. Shape ``(k,)`` gives a scalar array, ``(k, m)`` gives ``(m,)``.
    """
    _, exponent = np.frexp(v.max(axis=0))
    return np.asarray(np.ldexp(1.0, exponent >> 1), dtype=np.float64)
