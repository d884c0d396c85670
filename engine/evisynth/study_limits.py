"""Bound the effects of single studies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth.kernels.distributions import normal_quantile
from evisynth.pooling import call

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth.kernels.arrays import BoolArray, FloatArray
    from evisynth.pooling import Methods
    from evisynth.scales import Scale
    from evisynth.settings import Settings
    from evisynth.studies import Effects


@attrs.frozen(eq=False)
class StudyLimits:
    """Hold the limits of every row ``(k,)``, on the analysis scale or, where ``on_display`` holds, on the readers'."""

    low: FloatArray
    high: FloatArray
    on_display: BoolArray
    note: str | None = None

    def of(self, i: int, scale: Scale) -> tuple[tuple[float, float], tuple[float, float]]:
        """Give the limits of one row, which is shown on ``scale``, on the analysis scale and on that of readers."""
        low, high = float(self.low[i]), float(self.high[i])
        if not self.on_display[i]:
            return (low, high), scale.show_limits(low, high)
        one, other = scale.take(low), scale.take(high)
        return ((other, one) if scale.decreasing else (one, other)), (low, high)


def study_limits(effects: Effects, settings: Settings, methods: Methods) -> StudyLimits:
    """Compute the limits of every row; rows that lack what the interval needs get the effect ± z standard errors."""
    se = np.sqrt(effects.v)
    half = normal_quantile(settings.study_level) * se
    low, high = effects.y - half, effects.y + half
    on_display = np.zeros(low.shape, dtype=np.bool_)
    record = methods.study_interval
    if record is None:
        return StudyLimits(low, high, on_display)
    columns: Mapping[str, FloatArray] = {} if effects.studies is None else effects.studies.columns
    seen = np.isfinite(effects.y)
    if all(name in columns for name in record.columns):
        available = {**columns, "effect": effects.y, "se": se, "level": settings.study_level}
        with np.errstate(all="ignore"):
            own_low, own_high = call(methods.registry, record, **record.named_inputs(available))
        own = np.isfinite(own_low) & np.isfinite(own_high)
        low, high = np.where(own, own_low, low), np.where(own, own_high, high)
        on_display = own & record.on_display
    else:
        own = np.zeros(low.shape, dtype=np.bool_)
    lacking = int((seen & ~own).sum())
    note = None
    if lacking:
        what = " and ".join(record.columns) or "what it needs"
        note = f"{lacking} of the studies' intervals are normal: {record.name} needs {what} of each study"
    return StudyLimits(low, high, on_display, note)
