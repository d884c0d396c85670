"""Hold the cells of 2×2 tables, as they are and as each use wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

if TYPE_CHECKING:
    from evisynth.kernels.arrays import BoolArray, FloatArray, IntArray


@attrs.frozen(eq=False)
class Cells:
    """Hold counts of events (a, c) and non-events (b, d) in arm 1 and arm 2, each ``(k,)`` or ``(k, m)``."""

    a: FloatArray
    b: FloatArray
    c: FloatArray
    d: FloatArray

    @property
    def n_1(self) -> FloatArray:
        """Participants of arm 1."""
        return self.a + self.b

    @property
    def n_2(self) -> FloatArray:
        """Participants of arm 2."""
        return self.c + self.d

    @property
    def any_zero(self) -> BoolArray:
        """Tables in which some cell is 0."""
        return np.asarray((self.a == 0) | (self.b == 0) | (self.c == 0) | (self.d == 0))

    @property
    def no_events(self) -> BoolArray:
        """Tables without events in either arm."""
        return np.asarray((self.a == 0) & (self.c == 0))

    @property
    def all_events(self) -> BoolArray:
        """Tables in which everybody had the event."""
        return np.asarray((self.b == 0) & (self.d == 0))

    def plus(self, increment: FloatArray, in_arm_2: FloatArray | None = None) -> Cells:
        """Add an increment to all four cells of each table, or one to those of arm 1 and another in arm 2."""
        other = increment if in_arm_2 is None else in_arm_2
        return Cells(self.a + increment, self.b + increment, self.c + other, self.d + other)

    def at(self, index: BoolArray | IntArray | tuple[IntArray, IntArray]) -> Cells:
        """Take some tables, in numpy's indexing."""
        return Cells(self.a[index], self.b[index], self.c[index], self.d[index])


@attrs.frozen(eq=False)
class CorrectedCells:
    """Hold the cells that each use takes after a zero-cell correction.

    ``raw`` as given, ``effect`` for effects, ``variance`` for their variances, ``sums`` inside Mantel–Haenszel sums and
    weights, ``spread`` inside the variance of an M-H risk difference.
    """

    raw: Cells
    effect: Cells
    variance: Cells
    sums: Cells
    spread: Cells
    without_effect: tuple[tuple[BoolArray, str], ...] = ()
    """Tables that get no effect, with the reason."""
    kept_in_sums: BoolArray | None = None
    """Tables that stay in the M-H sums even though they get no effect."""
    unit_ratio: BoolArray | None = None
    """Tables whose ratio is 1 by convention (all events in both arms)."""
    differences: Cells | None = None
    """Tables whose risk differences a Mantel–Haenszel sum weighs; None: those as given."""

    def weighing(self, which: str, double_zeros: str) -> CorrectedCells:
        """Say which tables a pooling takes that have no effect, as `PoolingModel.tables` has it."""
        if which == "by correction":
            return self
        if which == "none":
            return attrs.evolve(self, kept_in_sums=None)
        whole = np.asarray((self.raw.n_1 > 0) & (self.raw.n_2 > 0))
        if which == "informative" or double_zeros == "dropped":
            whole &= ~(self.raw.no_events | self.raw.all_events)
        return attrs.evolve(self, kept_in_sums=whole)

    @classmethod
    def unchanged(cls, cells: Cells, without_effect: tuple[tuple[BoolArray, str], ...] = ()) -> CorrectedCells:
        """Take the same cells for every use."""
        return cls(raw=cells, effect=cells, variance=cells, sums=cells, spread=cells, without_effect=without_effect)

    def at(self, index: BoolArray | IntArray | tuple[IntArray, IntArray]) -> CorrectedCells:
        """Take some tables, in numpy's indexing; the reasons stay behind."""
        unit, differences = self.unit_ratio, self.differences
        return CorrectedCells(
            raw=self.raw.at(index),
            effect=self.effect.at(index),
            variance=self.variance.at(index),
            sums=self.sums.at(index),
            spread=self.spread.at(index),
            unit_ratio=None if unit is None else unit[index],
            differences=None if differences is None else differences.at(index),
        )
