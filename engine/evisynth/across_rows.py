"""Give measures what depends on the other rows of an analysis: weighted means, and what a zero-cell rule adds."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import attrs
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth.kernels.arrays import BoolArray, FloatArray, IntArray

INCREMENT_TO = ("only0", "if0all", "all", "none")
"""Which rows get an increment: those with a zero, all of an analysis that has one, all, or none."""


@attrs.frozen(eq=False, slots=False)
class Analyses:
    """Tell which rows of a table belong to one analysis: all, or those with equal numbers of ``_codes()``."""

    _codes: Callable[[], IntArray] | None = None

    @cached_property
    def codes(self) -> IntArray | None:
        """The number of each row's analysis, from 0; None where all rows are one."""
        return None if self._codes is None else self._codes()

    def total(self, values: FloatArray) -> FloatArray:
        """Add up values over each analysis: a sum for every row."""
        if self.codes is None:
            return np.full(values.shape, values.sum())
        return np.asarray(np.bincount(self.codes, weights=values), dtype=np.float64)[self.codes]

    def any(self, mask: BoolArray) -> BoolArray:
        """Tell for every row whether the mask holds anywhere in its analysis."""
        if self.codes is None:
            return np.full(mask.shape, mask.any())
        return np.bincount(self.codes, weights=mask)[self.codes] > 0


@attrs.frozen(eq=False)
class Average:
    """Take the mean of values over an analysis, weighted by sample size; rows that lack either do not count."""

    analyses: Analyses

    def __call__(self, values: FloatArray, n: FloatArray) -> FloatArray:
        """Give it for every row, ``(k,)``; NaN where nothing counts."""
        seen = np.isfinite(values) & np.isfinite(n)
        weights = np.where(seen, n, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.analyses.total(weights * np.where(seen, values, 0.0)) / self.analyses.total(weights)


@attrs.frozen(eq=False)
class Increments:
    """State what a zero-cell rule adds to every cell of each row."""

    increment: float
    to: str
    analyses: Analyses

    def __call__(self, *cells: FloatArray) -> FloatArray:
        """Give it for rows with these cells, each ``(k,)``: 0 where nothing is added."""
        shape = cells[0].shape
        if self.to == "none" or self.increment == 0.0:
            return np.zeros(shape)
        if self.to == "all":
            return np.full(shape, self.increment)
        some = cells[0] == 0
        for cell in cells[1:]:
            some = some | (cell == 0)
        if self.to == "if0all":
            some = self.analyses.any(some)
        return np.where(some, self.increment, 0.0)
