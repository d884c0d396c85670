"""Fit each family of selection models: smooth weights, step functions, truncation at a given or an estimated effect."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth_estimators.selection_fit import Fitted, Plan, Sample, fit_plan
from evisynth_estimators.selection_functions import LARGEST, MOST_SEVERE, SCALES
from evisynth_estimators.selection_quadrature import constant_from
from evisynth_estimators.selection_steps import Steps, intervals_of_effect, steps_of
from evisynth_estimators.selection_weights import smooth_selection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth import FloatArray, IntArray
    from evisynth_estimators.selection_functions import WeightFunction
    from evisynth_estimators.selection_steps import Intervals

_AGREE = 1e-11
_REFINEMENTS = 4
_CANDIDATES = 6


@attrs.frozen(eq=False)
class SmoothOptions:
    """Hold what a smooth weight function depends on besides its δ."""

    function: WeightFunction
    two_sided: bool
    group: IntArray
    precision: FloatArray | None
    alpha: float | None
    censor: tuple[float, float]
    delta: tuple[float | None, ...] | None


def fit_smooth(sample: Sample, options: SmoothOptions) -> Fitted:
    """Fit a smooth weight function: search with coarse quadrature, then climb with ever finer until both agree."""
    width = 1.0
    fitted = fit_plan(sample, smooth_plan(sample, options, width))
    for _ in range(_REFINEMENTS):
        width *= 0.5
        finer = fit_plan(sample, smooth_plan(sample, options, width), near=fitted.x)
        apart = abs(finer.log_likelihood - fitted.log_likelihood)
        fitted = attrs.evolve(finer, maximum=attrs.evolve(fitted.maximum, summit=finer.maximum.summit))
        if not finer.maximum.summit.converged or not apart > _AGREE * max(1.0, abs(fitted.log_likelihood)):
            break
    return fitted


def smooth_plan(sample: Sample, options: SmoothOptions, width: float) -> Plan:
    """Lay out the weights with panels of ``width``."""
    function, groups = options.function, int(options.group.max(initial=-1)) + 1
    reach = constant_from(LARGEST)
    if function.reach_of_power:
        reach = math.sqrt(2.0 * MOST_SEVERE * (37.0 + math.log(LARGEST)))
    selection = smooth_selection(
        sample.y / np.sqrt(sample.v),
        function,
        two_sided=options.two_sided,
        group=options.group,
        precision=options.precision,
        alpha=options.alpha,
        truncate=options.censor,
        reach=reach,
        width=width,
    )
    each = len(function.names)
    low, high, start = (np.tile(part, groups) for part in (function.lower, function.upper, function.none))
    scales = [SCALES[scale] for scale in function.scales[:each]] * groups
    grids: dict[int, Sequence[float]] = {}
    for a in range(each * groups):
        grid = function.grid[a % each]
        value = None if options.delta is None else options.delta[a % each]
        if value is not None:
            low[a] = high[a] = start[a] = scales[a].of(value)
        elif grid is not None:
            grids[a] = grid
    if len(grids) > 1:
        # Every group has a grid of its own: few values each keep their product small.
        grids = {a: grid[1::2] for a, grid in grids.items()}

    def deltas(u: FloatArray) -> tuple[FloatArray, FloatArray]:
        value = np.array([scale.to(float(one)) for scale, one in zip(scales, u, strict=True)])
        return value, np.diag([scale.slope(float(one)) for scale, one in zip(scales, u, strict=True)])

    corner = np.where(np.arange(each * groups) % each == 0, high, start) if function.at_end else None
    return Plan(selection, low, high, start, grids, corner, deltas)


def step_plan(steps: Steps) -> Plan:
    """Search the logarithms of the weights of intervals."""

    def deltas(u: FloatArray) -> tuple[FloatArray, FloatArray]:
        value = np.exp(steps.constant + np.tensordot(u, steps.slopes, axes=1)).ravel()
        return value, (value * steps.slopes.reshape(len(u), value.size)).T

    return Plan(steps.selection, steps.low, steps.high, np.zeros(len(steps.low)), {}, None, deltas)


def fit_steps(
    sample: Sample, intervals: Intervals, group: IntArray, delta: Sequence[float | None] | None, *, decreasing: bool
) -> tuple[Fitted, Steps]:
    """Fit a step function; its weights come with what they are relative to."""
    steps = steps_of(intervals, group, delta, decreasing=decreasing)
    return fit_plan(sample, step_plan(steps)), steps


def fit_estimated_cut(sample: Sample, group: IntArray) -> tuple[Fitted, Steps, float] | None:
    """Fit truncation at an effect that is estimated too, with a study on either side; None where all effects are equal.

    Between two neighbouring effects the likelihood has no maximum: for a weight below 1 it rises until the cut point
    reaches the upper of them (which counts as above it), for one over 1 until it reaches the lower one. So these two
    ends of every gap are all that can be the maximum.
    """
    values = np.unique(sample.y[group >= 0])
    near: FloatArray | None = None
    rough: list[tuple[float, int, bool]] = []
    for place in range(len(values) - 1):
        for falling in (True, False):
            plan, _ = cut_plan(sample, values, place, group, falling=falling)
            found = fit_plan(sample, plan) if near is None else fit_plan(sample, plan, near=near)
            near = found.x
            rough.append((found.log_likelihood, place, falling))
    rough.sort(reverse=True)
    best: tuple[Fitted, Steps, float] | None = None
    for _, place, falling in rough[:_CANDIDATES]:
        plan, steps = cut_plan(sample, values, place, group, falling=falling)
        fitted = fit_plan(sample, plan)
        if best is None or fitted.log_likelihood > best[0].log_likelihood:
            best = fitted, steps, float(values[place + 1] if falling else values[place])
    return best


def cut_plan(sample: Sample, values: FloatArray, place: int, group: IntArray, *, falling: bool) -> tuple[Plan, Steps]:
    """Lay out a cut point at an end of the gap above the effect in this place of ``values``.

    With ``falling`` weights it is the upper end, which counts as above it.
    """
    cut = float(values[place + 1] if falling else values[place])
    intervals = intervals_of_effect(sample.y, np.sqrt(sample.v), cut, above=sample.y > values[place])
    steps = steps_of(intervals, group, None, decreasing=False)
    ends = (-math.inf, 0.0) if falling else (0.0, math.inf)
    steps = attrs.evolve(steps, low=np.maximum(steps.low, ends[0]), high=np.minimum(steps.high, ends[1]))
    return step_plan(steps), steps
