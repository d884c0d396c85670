"""Give the distribution that a new study's true effect is expected to come from, where one is known."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from evisynth import FloatArray, MetaAnalysis

CURVE_STEPS = 121


def predictive_density(analysis: MetaAnalysis, at: FloatArray) -> FloatArray | None:
    """Give the predictive density on the analysis scale, up to a factor, by differences of its probabilities.

    None where the analysis has no prediction, or one that names no distribution.
    """
    below = _probabilities(analysis, at, "below")
    if below is None:
        return None
    held = np.gradient(below, at)
    return held if held.max() > 0.0 else None


def predictive_p_values(analysis: MetaAnalysis, at: FloatArray) -> FloatArray | None:
    """Give, for effects on the analysis scale, one less the level of the prediction interval that ends there.

    None where `predictive_density` is.
    """
    below, above = _probabilities(analysis, at, "below"), _probabilities(analysis, at, "above")
    return None if below is None or above is None else np.minimum(2.0 * np.minimum(below, above), 1.0)


def _probabilities(analysis: MetaAnalysis, at: FloatArray, side: str) -> FloatArray | None:
    found = [analysis.probability(**{side: float(x)}, on="analysis").value for x in at]
    return None if None in found else np.array(found, dtype=np.float64)


def density_curve(analysis: MetaAnalysis) -> tuple[tuple[float, float], ...]:
    """Give the predictive density as pairs of an effect, as shown, and a height up to 1; none where it is not known."""
    limits = analysis.prediction
    if limits is None or not math.isfinite(limits.low + limits.high):
        return ()
    reach = 0.75 * (limits.high - limits.low)
    middle = 0.5 * (limits.high + limits.low)
    at = np.linspace(middle - reach, middle + reach, CURVE_STEPS)
    density = predictive_density(analysis, at)
    if density is None:
        return ()
    heights = density / density.max()
    return tuple((analysis.scale.show(float(x)), float(height)) for x, height in zip(at, heights, strict=True))
