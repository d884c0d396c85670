"""Compute the profile likelihood of τ², restricted or not, and all its modes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import weighted_fit

if TYPE_CHECKING:
    from evisynth import FloatArray

FINE = 2001
"""Points of the bracket that looks for modes: even on the scale of τ, where they are apart."""
CLOSE = 1e-10
ROUNDING = 1e-13


@attrs.frozen(eq=False)
class Profile:
    """Hold the effects ``y, v`` ``(k,)`` and the design ``X`` ``(k, p)`` whose likelihood is asked for."""

    y: FloatArray
    v: FloatArray
    X: FloatArray
    restricted: bool

    def at(self, tau2: FloatArray) -> FloatArray:
        """Give the log-likelihood, maximised over the coefficients, at values ``(m,)`` of τ² (Harville 1977)."""
        total = self.v[:, np.newaxis] + tau2
        columns = np.broadcast_to(self.y[:, np.newaxis], total.shape)
        fit = weighted_fit(columns, 1.0 / total, self.X)
        k, p = self.X.shape
        free = k - p if self.restricted else k
        value = -0.5 * (free * math.log(2.0 * math.pi) + np.log(total).sum(axis=0) + fit.rss)
        if not self.restricted:
            return np.asarray(value)
        # The determinant of X'X makes it the likelihood of contrasts, whatever the units of the moderators.
        of_design = float(np.linalg.slogdet(self.X.T @ self.X)[1])
        return np.asarray(value - 0.5 * (fit.log_det - of_design))

    @property
    def bound(self) -> float:
        """A value of τ² beyond which the likelihood only falls."""
        k, p = self.X.shape
        rss = float(weighted_fit(self.y, np.ones_like(self.y), self.X).rss)
        return float(max(self.v.max(), 2.0 * rss / (k - p if self.restricted else k)))

    def modes(self) -> tuple[tuple[float, float], ...]:
        """Find all local maxima with τ² of 0 or more: pairs of τ² and log-likelihood, the highest first."""
        grid = np.linspace(0.0, math.sqrt(self.bound), FINE) ** 2
        heights = self.at(grid)
        before, after = np.r_[-np.inf, heights[:-1]], np.r_[heights[1:], -np.inf]
        found: list[tuple[float, float]] = []
        for i in np.flatnonzero((heights > before) & (heights >= after)):
            low, high = float(grid[max(int(i) - 1, 0)]), float(grid[min(int(i) + 1, grid.size - 1)])
            top = self._climbed(low, high)
            found.append((top, float(self.at(np.array([top]))[0])))
        return tuple(sorted(found, key=lambda pair: -pair[1]))

    def _climbed(self, low: float, high: float) -> float:
        """Narrow a bracket of one maximum, 33 points at a time."""
        scale = high
        while high - low > CLOSE * scale:
            grid = np.linspace(low, high, 33)
            i = int(np.argmax(self.at(grid)))
            low, high = float(grid[max(i - 1, 0)]), float(grid[min(i + 1, 32)])
        middle = 0.5 * (low + high)
        # A maximum at 0 is one of an end: a bracket misses it by its width, and rounding may favour any point in it.
        at_zero, at_middle = self.at(np.array([0.0, middle]))
        at_end = at_zero >= at_middle - ROUNDING * max(1.0, abs(at_middle))
        return 0.0 if low == 0.0 or at_end else middle
