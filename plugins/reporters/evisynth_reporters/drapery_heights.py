"""Say what a drapery plot shows upwards: p-values, levels of confidence, or test statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import normal_quantile
from evisynth_reporters.chart import Axis
from evisynth_reporters.ticks import tick_label

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth import FloatArray
    from evisynth_reporters.words import Words

LEAST_APART = 10.0
"""Points between the numbers of two ticks."""
DEEPEST = 3.5
"""Test statistic at the foot of the axis; it stands at the top for 0."""
SMALLEST = 1e-12
AXIS = 0.85
"""Share of a chart's height that its axis surely has."""


@attrs.frozen
class Height:
    """Hold how a p-value is placed: as itself, or as the standard normal quantile that has it."""

    title: str
    as_z: bool = False
    as_level: bool = False

    @property
    def foot(self) -> float:
        """Where a curve ends far from its peak."""
        return -DEEPEST if self.as_z else 0.0

    def of_p(self, p: FloatArray | float) -> FloatArray:
        """Place p-values upwards: 1 at the top."""
        given = np.asarray(p, dtype=np.float64)
        if not self.as_z:
            return given
        # Of p-values near rounding the axis has long ended.
        quantiles = [normal_quantile(1.0 - one) for one in np.maximum(given, SMALLEST).ravel().tolist()]
        return -np.array(quantiles).reshape(given.shape)

    def label(self, p: float) -> str:
        """Write a p-value as the axis has it."""
        return tick_label(round(100.0 * (1.0 - p), 6)) if self.as_level else tick_label(p)


HEIGHTS: Mapping[str, Height] = {
    "p": Height("P value"),
    "confidence": Height("Confidence level (%)", as_level=True),
    "z": Height("Test statistic |z|", as_z=True),
}
"""By the words of the option ``y_axis``."""


def height_axis(name: str, levels: tuple[float, ...], height: float, words: Words) -> Axis:
    """Make the axis, with numbers at the levels and between them as far as there is room."""
    kind = HEIGHTS[name]
    if kind.as_z:
        ticks = (-3.0, -2.0, -1.0, 0.0)
        return Axis(-DEEPEST, 0.0, words(kind.title), given_ticks=ticks, labels=("3", "2", "1", "0"))
    least = LEAST_APART / (AXIS * height)
    kept: list[float] = []
    for p in (0.0, 1.0, *sorted(levels, reverse=True), 0.2, 0.4, 0.6, 0.8):
        if all(abs(p - other) >= least for other in kept):
            kept.append(p)
    shown = tuple(sorted(kept))
    return Axis(0.0, 1.0, words(kind.title), given_ticks=shown, labels=tuple(map(kind.label, shown)))
