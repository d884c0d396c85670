"""Give the distribution that a new study's true effect is expected to come from, where one is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from evisynth import FloatArray, MetaAnalysis


def predictive_density(analysis: MetaAnalysis, at: FloatArray) -> FloatArray | None:
    """Give the predictive density on the analysis scale, up to a factor, by differences of its probabilities.

    None where the analysis has no prediction, or one that names no distribution.
    """
    steps = [analysis.probability(below=float(x), on="analysis").value for x in at]
    if None in steps:
        return None
    held = np.gradient(np.array(steps, dtype=np.float64), at)
    return held if held.max() > 0.0 else None
