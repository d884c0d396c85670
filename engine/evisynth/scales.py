"""Hold the scale that effects are analysed on, and how its numbers are shown to readers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth.kernels.arrays import FloatArray


@attrs.frozen
class Scale:
    """State how numbers of the analysis scale are shown: ``back(y)``, or ``back(y, size)`` where ``size`` is named.

    ``forward`` is the inverse of ``back``. Both take arrays of any shape and keep to the values that are possible: a
    limit beyond the end of the scale is shown as the end. Where ``size`` names a column (``n`` or ``time``, as for
    Freeman and Tukey's transformations), the number shown depends on it: a study's own, and for pooled effects the
    harmonic mean over the studies pooled.
    """

    name: str
    back: Callable[..., FloatArray] = attrs.field(kw_only=True)
    forward: Callable[..., FloatArray] | None = attrs.field(default=None, kw_only=True)
    size: str | None = attrs.field(default=None, kw_only=True)
    null: float | None = attrs.field(default=0.0, kw_only=True)
    """Where the analysis scale has no effect; None where there is no such value, as for a single group."""
    decreasing: bool = attrs.field(default=False, kw_only=True)
    """Whether larger numbers are shown as smaller ones, so that limits change places."""
    at: float | None = attrs.field(default=None, kw_only=True)
    """The size that numbers are shown for."""

    @property
    def as_shown(self) -> bool:
        """Whether numbers of the analysis are shown as they are, but for those beyond the possible range."""
        return self.forward in {_as_it_is, np.asarray}

    def for_size(self, size: float) -> Scale:
        """Take the scale for one size."""
        return self if self.size is None else attrs.evolve(self, at=float(size))

    def show(self, value: float) -> float:
        """Bring one number to the scale shown to readers; NaN where that needs a size that is not known."""
        if self.size is None:
            return _plain(self.back, value)
        return math.nan if self.at is None else _plain(self.back, value, self.at)

    def show_limits(self, low: float, high: float) -> tuple[float, float]:
        """Bring an interval to the scale shown to readers."""
        one, other = self.show(low), self.show(high)
        return (other, one) if self.decreasing else (one, other)

    def take(self, shown: float) -> float:
        """Bring one number from the scale shown to readers to the analysis scale; NaN where it has none there."""
        if self.forward is None or (self.size is not None and self.at is None):
            return math.nan
        return _plain(self.forward, shown) if self.size is None else _plain(self.forward, shown, self.at)


def _plain(function: Callable[..., Any], *arguments: float | None) -> float:
    with np.errstate(all="ignore"):
        return float(function(*(np.float64(math.nan if argument is None else argument) for argument in arguments)))


def _as_it_is(value: FloatArray) -> FloatArray:
    return value


LINEAR = Scale("linear", back=_as_it_is, forward=_as_it_is)
LOG = Scale("log", back=np.exp, forward=np.log)
OF_THE_ENGINE = {scale.name: scale for scale in (LINEAR, LOG)}


def scale_of(scale: str | Scale) -> Scale:
    """Take a scale by name, where it is one of the engine's; a scale is itself."""
    if isinstance(scale, Scale):
        return scale
    return OF_THE_ENGINE.get(scale, LINEAR)
