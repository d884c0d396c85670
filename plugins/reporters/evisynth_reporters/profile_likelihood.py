"""Compute the profile likelihood of τ², restricted or not, all its modes, and the ends of its interval."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import bracketed_root, weighted_fit

if TYPE_CHECKING:
    from evisynth import FloatArray, WeightedFit

STEP = 0.05
"""Spacing of the search in log (τ² + least variance), in which the score has no feature narrower than about one."""
ZOOMS = 6
BETWEEN = 21
DIP = 1.2
"""Times a low of the score that a neighbour must be, for the score to reach 0 between points so close."""
MOST_DIPS = 8
FAR = 60
"""Times that the search for the upper end goes on at four times the distance."""


@attrs.frozen(eq=False, slots=False)  # a plain dictionary serves the cached properties
class Profile:
    """Hold the effects ``y, v`` ``(k,)`` and the design ``X`` ``(k, p)`` whose likelihood is asked for."""

    y: FloatArray
    v: FloatArray
    X: FloatArray
    restricted: bool

    def _fit(self, tau2: FloatArray) -> tuple[WeightedFit, FloatArray]:
        total = self.v[:, np.newaxis] + tau2
        return weighted_fit(np.broadcast_to(self.y[:, np.newaxis], total.shape), 1.0 / total, self.X), total

    def at(self, tau2: FloatArray) -> FloatArray:
        """Give the log-likelihood, maximised over the coefficients, at values ``(m,)`` of τ² (Harville 1977)."""
        fit, total = self._fit(tau2)
        k, p = self.X.shape
        free = k - p if self.restricted else k
        value = -0.5 * (free * math.log(2.0 * math.pi) + np.log(total).sum(axis=0) + fit.rss)
        if not self.restricted:
            return np.asarray(value)
        # The determinant of X'X makes it the likelihood of contrasts, whatever the units of the moderators.
        of_design = float(np.linalg.slogdet(self.X.T @ self.X)[1])
        return np.asarray(value - 0.5 * (fit.log_det - of_design))

    def score(self, tau2: FloatArray) -> FloatArray:
        """Give twice the slope of the log-likelihood at values ``(m,)`` of τ²: ``y'PPy - tr P``, or ``tr W`` for P."""
        fit, _ = self._fit(tau2)
        pull = fit.w * fit.residuals
        return np.asarray((pull * pull).sum(axis=0) - (fit.trace if self.restricted else fit.w.sum(axis=0)))

    @cached_property
    def bound(self) -> float:
        """A value of τ² beyond which the likelihood only falls."""
        k, p = self.X.shape
        rss = float(weighted_fit(self.y, np.ones_like(self.y), self.X).rss)
        return float(max(self.v.max(), 2.0 * rss / (k - p if self.restricted else k)))

    @cached_property
    def modes(self) -> tuple[tuple[float, float], ...]:
        """All local maxima with τ² of 0 or more: pairs of τ² and log-likelihood, the highest first.

        They are where the score turns from rise to fall, and 0 where the curve falls from there.
        """
        tau2, score = self._outline
        found: list[float] = [] if score[0] > 0.0 else [0.0]
        for i in np.flatnonzero((score[:-1] > 0.0) & (score[1:] <= 0.0)):
            low, high = float(tau2[i]), float(tau2[i + 1])
            found.append(bracketed_root(self._slope, low, high, float(score[i]), float(score[i + 1])))
        heights = self.at(np.array(found))
        pairs = zip(found, heights.tolist(), strict=True)
        return tuple(sorted(pairs, key=lambda pair: -pair[1]))

    def _slope(self, tau2: float) -> float:
        return float(self.score(np.array([tau2]))[0])

    @cached_property
    def _outline(self) -> tuple[FloatArray, FloatArray]:
        """Give values of τ² from 0 to the bound, and the scores, so close that every change of sign is seen.

        Where the score, as a share of its size, comes nearest to 0 without a change of sign, ever closer points tell
        whether it crosses twice.
        """
        least = float(self.v.min())
        points = max(math.ceil(math.log1p(self.bound / least) / STEP), 16) + 1
        tau2 = least * np.expm1(np.linspace(0.0, math.log1p(self.bound / least), points))
        score = self.score(tau2)
        for _ in range(ZOOMS):
            # Times τ² + v the score is of one size over the whole range.
            size = np.abs(score * (tau2 + least))
            inner = (size[1:-1] <= size[:-2]) & (size[1:-1] <= size[2:])
            steady = (np.sign(score[:-2]) == np.sign(score[1:-1])) & (np.sign(score[1:-1]) == np.sign(score[2:]))
            deep = np.maximum(size[:-2], size[2:]) > DIP * size[1:-1]
            near = np.flatnonzero(inner & steady & deep) + 1
            if not near.size:
                break
            # Where rounding alone is left there would be no end of lows.
            near = near[np.argsort(size[near], kind="stable")[:MOST_DIPS]]
            more = np.concatenate([np.linspace(tau2[i - 1], tau2[i + 1], BETWEEN) for i in near])
            tau2 = np.unique(np.concatenate([tau2, more]))
            score = self.score(tau2)
        return tau2, score

    def ends(self, drop: float) -> tuple[float, float | None]:
        """Give the least and the greatest τ² whose log-likelihood is at most ``drop`` below the maximum.

        The greatest is None where it is beyond all that is searched.
        """
        level = self.modes[0][1] - drop
        grid = np.unique(np.concatenate([self._outline[0], [mode for mode, _ in self.modes]]))
        within = np.flatnonzero(self.at(grid) >= level)
        first, last = int(within[0]), int(within[-1])
        low = 0.0 if first == 0 else self._crossing(float(grid[first - 1]), float(grid[first]), level)
        if last + 1 < grid.size:
            return low, self._crossing(float(grid[last]), float(grid[last + 1]), level)
        # Beyond the bound the likelihood only falls.
        near = float(grid[last])
        for _ in range(FAR):
            far = 4.0 * near
            if self._above(far, level) < 0.0:
                return low, self._crossing(near, far, level)
            near = far
        return low, None

    def _above(self, tau2: float, level: float) -> float:
        return float(self.at(np.array([tau2]))[0]) - level

    def _crossing(self, low: float, high: float, level: float) -> float:
        ends = self._above(low, level), self._above(high, level)
        return bracketed_root(lambda tau2: self._above(tau2, level), low, high, *ends)
