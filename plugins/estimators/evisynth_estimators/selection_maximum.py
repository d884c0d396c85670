"""Find the highest maximum of the likelihood of a selection model.

Given τ² (and the coordinates that log w is not linear in) the log-likelihood is concave in the mean and the other
coordinates of the weights: it is that of an exponential family. So a grid of τ² whose every point is climbed, and
then climbs in all coordinates from every grid point above its neighbours, finds all maxima that are wider than the
grid.
"""

from __future__ import annotations

import math
from itertools import pairwise, product
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth_estimators.selection_climb import Summit, climb

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evisynth import FloatArray
    from evisynth_estimators.selection_climb import Box
    from evisynth_estimators.selection_likelihood import Height

_FIRST_STEPS = 50
_LONG_CLIMBS = 3
_NEAR = 40.0
"""How far below the grid the far corner may start: the climb from it rises by some units for every study."""
_SAME = 1e-7
_LEVEL = 1e-10


@attrs.frozen(eq=False)
class Maximum:
    """Hold the highest summit with how it was found."""

    summit: Summit
    summits: tuple[Summit, ...]
    """Different ones, the highest first."""
    starts: int

    @property
    def modes(self) -> int:
        """Number of different heights."""
        return 1 + sum(_apart(a, b) for a, b in pairwise(self.summits))

    @property
    def lead(self) -> float:
        """How much lower the next maximum is."""
        return next((self.summit.height.value - s.height.value for s in self.summits if _apart(self.summit, s)), 0.0)

    @property
    def level(self) -> bool:
        """Whether climbs end at the same height in different places."""
        return any(not _apart(self.summit, other) for other in self.summits[1:])


def maximise(
    function: Callable[[FloatArray], Height],
    start: FloatArray,
    box: Box,
    grids: dict[int, Sequence[float]],
    corner: FloatArray | None = None,
) -> Maximum:
    """Climb from a grid over the coordinates in ``grids``, the others first along it, and keep different summits.

    ``corner`` is a second start at the far end of the first grid, where the way from its neighbour may be barred.
    """
    axes = list(grids)
    places, corners = _grid(function, start, box, grids, corner)
    tops = _tops(places, axes[0])
    if corners and tops:
        far = max(corners, key=lambda summit: summit.height.value)
        if far.height.value >= max(top.height.value for top in tops) - _NEAR:
            tops.append(far)
    summits: list[Summit] = []
    for top in tops:
        found = climb(function, top.x, box, steps=_FIRST_STEPS)
        if _there(found) and not any(_same(found, other) for other in summits):
            summits.append(found)
    if not summits:
        return Maximum(next(iter(places.values())), (), len(tops))
    return _highest(function, start, summits, box, len(tops))


def _grid(
    function: Callable[[FloatArray], Height],
    start: FloatArray,
    box: Box,
    grids: dict[int, Sequence[float]],
    corner: FloatArray | None,
) -> tuple[dict[tuple[int, ...], Summit], list[Summit]]:
    """Climb in the coordinates without a grid from every point of it, each from its neighbour's place."""
    axes = list(grids)
    sizes = [len(grids[axis]) for axis in axes]
    moving = np.ones(start.size, dtype=bool)
    moving[axes] = False
    places: dict[tuple[int, ...], Summit] = {}
    corners: list[Summit] = []
    for index in product(*(range(size) for size in sizes)):
        x = start.copy()
        for back in range(len(axes)):
            before = (*index[:back], index[back] - 1, *index[back + 1 :])
            if before in places and _there(places[before]):
                x = places[before].x.copy()
        x[axes] = [grids[axis][i] for axis, i in zip(axes, index, strict=True)]
        places[index] = climb(function, x, box, moving=moving, rough=True)
        if corner is not None and index[0] == sizes[0] - 1:
            there = corner.copy()
            there[axes] = x[axes]
            corners.append(climb(function, there, box, moving=moving, rough=True))
    return places, corners


def _highest(
    function: Callable[[FloatArray], Height], start: FloatArray, summits: list[Summit], box: Box, starts: int
) -> Maximum:
    """Go on with climbs that take long as long as they are the highest."""
    for _ in range(_LONG_CLIMBS):
        best = max(summits, key=lambda summit: summit.height.value)
        if best.converged:
            break
        summits.remove(best)
        summits.append(climb(function, best.x, box))
    best = max(summits, key=lambda summit: summit.height.value)
    if not best.converged:
        return Maximum(best, (best,), starts)
    # On level ground the place nearest to the start says least that the data do not.
    level = [summit for summit in summits if summit.converged and not _apart(best, summit)]
    best = min(level, key=lambda summit: float(np.abs(summit.x - start).sum()))
    found = [best]
    for summit in sorted(summits, key=lambda summit: -summit.height.value):
        if summit.converged and not any(_same(summit, other) for other in found):
            found.append(summit)
    return Maximum(best, tuple(found), starts)


def _tops(places: dict[tuple[int, ...], Summit], axis: int) -> list[Summit]:
    """List the grid points to climb from, along the first axis of the grid in each of its rows.

    They are those that neither neighbour is higher than, and pairs of neighbours whose slopes point at each other.
    """
    best = max((summit.height.value for summit in places.values() if _there(summit)), default=-math.inf)
    found: dict[tuple[int, ...], Summit] = {}
    for index, summit in places.items():
        if not _there(summit) or summit.height.value < best - _NEAR:
            continue
        before, after = (places.get((index[0] + step, *index[1:])) for step in (-1, 1))
        if all(other is None or not other.height.value > summit.height.value for other in (before, after)):
            found[index] = summit
        if after is None or not after.height.value >= best - _NEAR:
            continue
        way = after.x[axis] - summit.x[axis]
        if way * summit.height.gradient[axis] > 0.0 > way * after.height.gradient[axis]:
            found[index] = summit
            found[index[0] + 1, *index[1:]] = after
    return list(found.values())


def _there(summit: Summit) -> bool:
    return math.isfinite(summit.height.value)


def _apart(one: Summit, other: Summit) -> bool:
    """Say whether two heights differ by more than rounding."""
    return abs(one.height.value - other.height.value) > _LEVEL * max(1.0, abs(one.height.value))


def _same(one: Summit, other: Summit) -> bool:
    near = abs(one.height.value - other.height.value) <= _SAME * max(1.0, abs(one.height.value))
    return near and bool(np.allclose(one.x, other.x, rtol=1e-4, atol=1e-6))
