"""Give which studies are significant, and how many one should expect to be, given a true mean and its spread."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import normal_quantile

if TYPE_CHECKING:
    from evisynth import BoolArray, FloatArray, MetaAnalysis

TWO_SIDED = "two-sided"
SIDES_OF_TEST = (TWO_SIDED, "greater", "less")


@attrs.frozen
class TrueEffects:
    """Hold the mean and the variance of the studies' true effects that power is computed for."""

    mean: float
    tau2: float


def estimated_effects(analysis: MetaAnalysis) -> TrueEffects | None:
    """Take the pooled effect and τ² (0 under a common effect) of the analysis' own model; None without one."""
    if analysis.pooled is None or analysis.fit is None:
        return None
    tau2 = float(analysis.fit.tau2)
    return TrueEffects(analysis.pooled.value, tau2) if math.isfinite(tau2) else None


def critical_value(alpha: float, sided: str) -> float:
    """Give the normal quantile that a study has to exceed."""
    return normal_quantile(1.0 - alpha) if sided == TWO_SIDED else normal_quantile(1.0 - 2.0 * alpha)


def significant(y: FloatArray, v: FloatArray, alpha: float, sided: str = TWO_SIDED) -> BoolArray:
    """Tell which Wald tests of no effect, ``(k,)``, reject at ``alpha``."""
    z = y / np.sqrt(v)
    z = np.abs(z) if sided == TWO_SIDED else -z if sided == "less" else z
    return np.asarray(z > critical_value(alpha, sided))


def power(true: TrueEffects, v: FloatArray, alpha: float, sided: str = TWO_SIDED) -> tuple[FloatArray, FloatArray]:
    """Give the expected power of each study's Wald test, ``(k,)``, and its complement, each without cancellation.

    An estimate is normal about the mean with variance v + τ², and significant beyond z·√v: the power averaged over the
    true effects has the closed form of a normal tail.
    """
    from scipy.special import ndtr  # noqa: PLC0415 - scipy comes with the first fit

    mean = -true.mean if sided == "less" else true.mean
    limit, scale = critical_value(alpha, sided) * np.sqrt(v), np.sqrt(v + true.tau2)
    above = ndtr((mean - limit) / scale)
    if sided != TWO_SIDED:
        return above, ndtr((limit - mean) / scale)
    far = abs(mean)
    # On the side of the mean the other tail is the smaller, and is taken from the complement of the larger.
    between = ndtr((limit - far) / scale) - ndtr((-limit - far) / scale)
    return above + ndtr((-limit - mean) / scale), between
