"""Bound the parameters of a selection model by their profile likelihood."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import FloatArray, bracketed_root, chi2_quantile
from evisynth_estimators.selection_climb import Box, climb
from evisynth_estimators.selection_likelihood import Height

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth_estimators.selection_fit import Fitted

_DOUBLINGS = 60
_FURTHER = 1.5


@attrs.frozen(eq=False)
class _Held:
    """The likelihood with one parameter held: λⱼ = slope·ρ for a coefficient, or a coordinate at a value."""

    fitted: Fitted
    index: int
    slope: float

    def at(self, w: FloatArray) -> Height:
        p = self.fitted.sample.X.shape[1]
        x = w.copy()
        x[self.index] = self.slope * w[p]
        height = self.fitted.likelihood.at(x)
        gradient, hessian = height.gradient.copy(), height.hessian.copy()
        gradient[p] += self.slope * gradient[self.index]
        hessian[p] += self.slope * hessian[self.index]
        hessian[:, p] += self.slope * hessian[:, self.index]
        return Height(height.value, gradient, hessian)


def profile_limits(fitted: Fitted, which: int, guess: float, level: float) -> tuple[float, float]:
    """Find where the profile log-likelihood of a coordinate's parameter is half a χ² quantile below its maximum.

    ``which`` is a coordinate: of a coefficient, of τ² (its place is that of ρ) or of the weights; limits are on the
    scale of β less its centre, of log ρ, and of the coordinate. ``guess`` is how far the first step goes. An end that
    the likelihood never falls below is the end of the range.
    """
    p = fitted.sample.X.shape[1]
    drop = 0.5 * chi2_quantile(1.0 - level, 1.0)
    top = fitted.log_likelihood - drop
    places: dict[float, list[FloatArray]] = {}
    root = math.sqrt(fitted.sample.unit)
    here = fitted.x
    centre = float(here[which] * root / here[p]) if which < p else float(here[which])
    if which == p:
        centre = math.log(here[p])
    places[centre] = [summit.x for summit in fitted.maximum.summits] or [here]

    def gap(value: float) -> float:
        nearest = min(places, key=lambda known: abs(known - value))
        best = -math.inf
        kept: list[FloatArray] = []
        for start in places[nearest]:
            height, x = _profiled(fitted, which, value, start)
            best = max(best, height)
            kept.append(x)
        places[value] = kept
        return best - top

    low_end, high_end = -math.inf, math.inf
    if which == p:
        low_end, high_end = (math.log(float(end[p])) for end in (fitted.box.low, fitted.box.high))
    elif which > p:
        low_end, high_end = float(fitted.box.low[which]), float(fitted.box.high[which])
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        return _crossing(gap, centre, -guess, low_end, drop), _crossing(gap, centre, guess, high_end, drop)


def _profiled(fitted: Fitted, which: int, value: float, start: FloatArray) -> tuple[float, FloatArray]:
    p = fitted.sample.X.shape[1]
    low, high = fitted.box.low.copy(), fitted.box.high.copy()
    start = start.copy()
    if which < p:
        held = _Held(fitted, which, value / math.sqrt(fitted.sample.unit))
        start[which] = low[which] = high[which] = 0.0
        found = climb(held.at, start, Box(low, high))
    else:
        start[which] = low[which] = high[which] = math.exp(value) if which == p else value
        found = climb(fitted.likelihood.at, start, Box(low, high))
    return found.height.value, found.x


def _crossing(gap: Callable[[float], float], centre: float, step: float, end: float, drop: float) -> float:
    before, height = centre, drop
    for _ in range(_DOUBLINGS):
        after = min(before + step, end) if step > 0.0 else max(before + step, end)
        if after == before:
            return end
        there = gap(after)
        if there < 0.0:
            low, high = sorted((before, after))
            ends = (height, there) if step > 0.0 else (there, height)
            return float(bracketed_root(gap, low, high, *ends))
        before, height, step = after, there, step * _FURTHER
    return end
