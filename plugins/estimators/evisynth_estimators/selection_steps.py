"""Make the weights of a step function: one for every interval of p, or of the effect, relative to a first one.

At the maximum the weight of an interval without a study is 0 (or, where weights must not increase, that of the next
interval with one), so such intervals take no search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth_estimators.selection_weights import StepSelection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth import FloatArray, IntArray

WIDEST = 60.0
"""Largest logarithm of the ratio of two weights."""


@attrs.frozen(eq=False)
class Intervals:
    """Hold the parts of the z axis, the interval each belongs to, and where the studies are."""

    regions: FloatArray
    """``(1 or k, r, 2)``."""
    interval: IntArray
    """Of each region, ``(r,)``."""
    region_of: IntArray
    """Region of each study, ``(k,)``."""
    count: int

    @property
    def of_study(self) -> IntArray:
        """Interval of each study."""
        return np.asarray(self.interval[self.region_of])


def intervals_of_p(z: FloatArray, steps: Sequence[float], *, two_sided: bool) -> Intervals:
    """Cut the z axis where p is one of ``steps`` (ascending); p on a cut point belongs to the interval below it."""
    from scipy.special import ndtri  # noqa: PLC0415 - scipy comes with the first fit

    cuts = -np.asarray(ndtri(np.array(steps) * (0.5 if two_sided else 1.0)))
    last = len(steps)
    if two_sided:
        ends = np.concatenate([[-np.inf], -cuts, cuts[::-1], [np.inf]])
        interval = np.array([*range(last + 1), *range(last - 1, -1, -1)])
        place = np.where(z >= 0.0, (z[:, np.newaxis] >= cuts[::-1]).sum(axis=1) + last, 0)
        place = np.where(z < 0.0, (z[:, np.newaxis] > -cuts).sum(axis=1), place)
    else:
        ends = np.concatenate([[-np.inf], cuts[::-1], [np.inf]])
        interval = np.arange(last, -1, -1)
        place = (z[:, np.newaxis] >= cuts[::-1]).sum(axis=1)
    regions = np.column_stack([ends[:-1], ends[1:]])[np.newaxis]
    return Intervals(regions, interval.astype(np.int64), place.astype(np.int64), last + 1)


def intervals_of_effect(y: FloatArray, se: FloatArray, cut: float, above: FloatArray | None = None) -> Intervals:
    """Cut at one effect: ``above`` says which studies lie above it, by default those with y beyond it."""
    ends = cut / se
    nothing = np.full(se.size, np.inf)
    regions = np.stack([np.column_stack([-nothing, ends]), np.column_stack([ends, nothing])], axis=1)
    place = (y > cut) if above is None else above
    return Intervals(regions, np.array([1, 0], dtype=np.int64), place.astype(np.int64), 2)


@attrs.frozen(eq=False)
class Steps:
    """Hold the weights of intervals as log δ = constant + slopes · u, for every group of studies."""

    selection: StepSelection
    low: FloatArray
    high: FloatArray
    constant: FloatArray
    """``(groups, intervals)``."""
    slopes: FloatArray
    """``(coordinates, groups, intervals)``."""
    counts: IntArray
    """Studies in each interval, ``(groups, intervals)``."""
    first: tuple[int, ...]
    """Interval of each group whose weight is 1."""
    impossible: bool = False
    """Whether a study lies where the weight is fixed at 0."""


def steps_of(intervals: Intervals, group: IntArray, delta: Sequence[float | None] | None, *, decreasing: bool) -> Steps:
    """Give each group of studies weights of its own; ``delta`` fixes those that are not None."""
    groups = int(group.max(initial=-1)) + 1
    counts = np.array(
        [np.bincount(intervals.of_study[group == g], minlength=intervals.count) for g in range(groups)]
    ).reshape(groups, intervals.count)
    constants: list[FloatArray] = []
    tables: list[FloatArray] = []
    firsts: list[int] = []
    for g in range(groups):
        if decreasing:
            constant, table, first = _falling(counts[g])
        else:
            constant, table, first = _free(counts[g], delta)
        constants.append(constant)
        tables.append(table)
        firsts.append(first)
    size = sum(len(table) for table in tables)
    slopes = np.zeros((size, groups, intervals.count))
    at = 0
    for g, table in enumerate(tables):
        slopes[at : at + len(table), g] = table
        at += len(table)
    constant = np.array(constants).reshape(groups, intervals.count)
    one = groups == 1 and not (group < 0).any()
    rows = np.zeros(1, dtype=np.int64) if one else group
    inside = (rows >= 0)[:, np.newaxis]
    selection = StepSelection(
        intervals.regions,
        np.where(inside, constant[rows][:, intervals.interval], 0.0),
        tuple(np.where(inside, slope[rows][:, intervals.interval], 0.0) for slope in slopes),
        intervals.region_of,
    )
    chosen = group >= 0
    impossible = bool(np.isneginf(constant[group[chosen], intervals.of_study[chosen]]).any())
    low = np.full(size, 0.0 if decreasing else -WIDEST)
    return Steps(selection, low, np.full(size, WIDEST), constant, slopes, counts, tuple(firsts), impossible)


def _free(counts: IntArray, delta: Sequence[float | None] | None) -> tuple[FloatArray, FloatArray, int]:
    given = [1.0, *[None] * (len(counts) - 1)] if delta is None else list(delta)
    with np.errstate(divide="ignore"):
        constant = np.array([-np.inf if value is None else np.log(value) for value in given])
    seen = counts > 0
    fixed = np.array([value is not None for value in given])
    first = 0
    if seen.any() and not (fixed & seen).any():
        # The weights that are fixed vanish beside those of the intervals with studies.
        first = int(np.argmax(seen))
        constant = np.full(len(counts), -np.inf)
        constant[first] = 0.0
        fixed = ~seen
        fixed[first] = True
    moving = np.nonzero(seen & ~fixed)[0]
    constant[moving] = 0.0
    return constant, np.eye(len(counts))[moving], first


def _falling(counts: IntArray) -> tuple[FloatArray, FloatArray, int]:
    seen = np.nonzero(counts > 0)[0]
    constant = np.full(len(counts), -np.inf)
    if not seen.size:
        return np.zeros(len(counts)), np.zeros((0, len(counts))), 0
    constant[: seen[-1] + 1] = 0.0
    table = np.zeros((len(seen) - 1, len(counts)))
    for row, before in enumerate(seen[:-1]):
        table[row, before + 1 : seen[-1] + 1] = -1.0
    return constant, table, 0
