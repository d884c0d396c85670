"""Fit one selection model: its likelihood, the search, and estimates with their covariance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth_estimators.selection_climb import Box, climb, held
from evisynth_estimators.selection_likelihood import SelectionLikelihood
from evisynth_estimators.selection_maximum import Maximum, maximise
from evisynth_estimators.selection_weights import no_selection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evisynth import BoolArray, FloatArray
    from evisynth_estimators.selection_likelihood import Selection

_FACTOR = 3.0
_COARSE = 6.0
"""Ratio of neighbouring τ² of the grid, at most, and where another coordinate has a grid too."""
_FURTHEST = 1e10
"""The largest τ², in units of the variance of the effects: the likelihood is within 1e-9 of its limit there."""
_FLAT = 1e-9
_ALONG = 1e-5


@attrs.frozen(eq=False)
class Sample:
    """Hold effects of the favoured side, and the scale of the coordinates."""

    y: FloatArray
    v: FloatArray
    X: FloatArray
    common: bool
    centre: FloatArray
    spread: float
    """Variance of the effects about the centre, with that of a study."""

    @classmethod
    def of(cls, y: FloatArray, v: FloatArray, X: FloatArray, *, common: bool) -> Sample:
        """Take effects and find their centre, by weights that allow for how much they differ."""
        plain = np.linalg.lstsq(X, y, rcond=None)[0]
        residual = y - X @ plain
        tau2 = max(0.0, float(residual @ residual) / y.size - float(np.median(v)))
        root = 1.0 / np.sqrt(v + (0.0 if common else tau2))
        centre = np.linalg.lstsq(X * root[:, np.newaxis], y * root, rcond=None)[0]
        residual = y - X @ centre
        return cls(
            y,
            v,
            X,
            common,
            np.asarray(centre, dtype=np.float64),
            float(residual @ residual) / y.size + float(np.median(v)),
        )

    @property
    def unit(self) -> float:
        """The smallest variance."""
        return float(self.v.min())

    def rho(self, tau2: float) -> float:
        """Give the coordinate of τ²."""
        return self.unit / (tau2 + self.unit)

    def tau2_grid(self, factor: float) -> list[float]:
        """List τ² from 0 to beyond what the effects allow, and one that stands for infinity."""
        if self.common:
            return [0.0]
        low, high = 0.25 * min(self.unit, self.spread), 16.0 * self.spread
        low = max(low, 1e-4 * float(np.median(self.v)))
        count = max(3, math.ceil(math.log(high / low) / math.log(factor)) + 1)
        return [0.0, *np.geomspace(low, high, count).tolist(), _FURTHEST * self.spread]


@attrs.frozen(eq=False)
class Plan:
    """Hold what the weights add to a search: their coordinates' box, start, grids, and δ of them."""

    selection: Selection
    low: FloatArray
    high: FloatArray
    start: FloatArray
    grids: dict[int, Sequence[float]]
    corner: FloatArray | None
    """Coordinates of the most severe selection, where the mean may be infinite."""
    deltas: Callable[[FloatArray], tuple[FloatArray, FloatArray]]
    """Give δ ``(m,)`` and their derivatives in the coordinates, ``(m, n)``."""


@attrs.frozen(eq=False)
class Fitted:
    """Hold a fitted model in the coordinates, with its likelihood."""

    sample: Sample
    plan: Plan
    likelihood: SelectionLikelihood
    box: Box
    maximum: Maximum

    @property
    def x(self) -> FloatArray:
        """Coordinates of the maximum."""
        return self.maximum.summit.x

    @property
    def log_likelihood(self) -> float:
        """The highest log-likelihood found."""
        return self.maximum.summit.height.value

    @property
    def runs_off(self) -> bool:
        """Whether the likelihood rises towards an infinite τ² and mean."""
        p = self.sample.X.shape[1]
        return not self.sample.common and bool(self.x[p] <= self.box.low[p] * (1.0 + 1e-9))

    def estimates(self) -> tuple[FloatArray, float, FloatArray]:
        """Give β, τ² and δ."""
        p = self.sample.X.shape[1]
        rho = float(self.x[p])
        beta = self.sample.centre + self.x[:p] * (math.sqrt(self.sample.unit) / rho)
        tau2 = 0.0 if rho >= 1.0 else self.sample.unit * (1.0 / rho - 1.0)
        return beta, tau2, self.plan.deltas(self.x[p + 1 :])[0]

    @property
    def held(self) -> BoolArray:
        """Which coordinates an end of their range holds."""
        ends = held(self.x, self.maximum.summit.height.gradient, self.box)
        return np.asarray(ends | (self.box.low >= self.box.high))

    def variances(self) -> tuple[FloatArray, bool]:
        """Give the variances of β, τ² and δ (NaN where there is none), and whether the likelihood is flat.

        The inverse of the observed information in the coordinates that are free, carried over; along a flat direction
        there is no variance.
        """
        p = self.sample.X.shape[1]
        free = np.nonzero(~self.held)[0]
        jacobian = self._jacobian()
        moved = np.abs(jacobian[:, free]).sum(axis=1) > 0.0
        information = -self.maximum.summit.height.hessian[np.ix_(free, free)]
        diagonal = np.diag(information)
        scale = 1.0 / np.sqrt(np.maximum(np.abs(diagonal), 1e-8))
        values, vectors = np.linalg.eigh(information * scale * scale[:, np.newaxis])
        flat = values <= _FLAT * max(1.0, float(values.max(initial=0.0)))
        parts = (jacobian[:, free] * scale) @ vectors
        length = np.sqrt((parts * parts).sum(axis=1))
        with np.errstate(divide="ignore", invalid="ignore"):
            variance = np.where(flat, 0.0, parts * parts / np.where(flat, 1.0, values)).sum(axis=1)
        lost = (np.abs(parts) > _ALONG * length[:, np.newaxis]) & flat
        variance[lost.any(axis=1) | ~moved] = np.nan
        assert variance.size >= p  # noqa: S101 - β comes first
        return variance, bool(flat.any())

    def _jacobian(self) -> FloatArray:
        """Give the derivatives of β, τ² and δ in the coordinates."""
        p = self.sample.X.shape[1]
        rho, root = float(self.x[p]), math.sqrt(self.sample.unit)
        slopes = self.plan.deltas(self.x[p + 1 :])[1]
        found = np.zeros((p + 1 + slopes.shape[0], self.x.size))
        found[:p, :p] = np.eye(p) * (root / rho)
        found[:p, p] = -self.x[:p] * (root / rho**2)
        found[p, p] = -self.sample.unit / rho**2
        found[p + 1 :, p + 1 :] = slopes
        return found


def fit_plan(sample: Sample, plan: Plan, *, near: FloatArray | None = None) -> Fitted:
    """Find the maximum of the likelihood with these weights; ``near`` is a place to climb from in place of a search."""
    p = sample.X.shape[1]
    taus = sample.tau2_grid(_COARSE if plan.grids else _FACTOR)
    rhos = [sample.rho(tau2) for tau2 in taus]
    low = np.concatenate([np.full(p, -np.inf), [rhos[-1]], plan.low])
    high = np.concatenate([np.full(p, np.inf), [1.0], plan.high])
    box = Box(low, high)
    likelihood = SelectionLikelihood.of(sample.y, sample.v, sample.X, sample.centre, plan.selection)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        if near is not None:
            summit = climb(likelihood.at, near, box)
            return Fitted(sample, plan, likelihood, box, Maximum(summit, (summit,), 1))
        start = np.concatenate([np.zeros(p), [1.0], plan.start])
        grids: dict[int, Sequence[float]] = {p: rhos, **{p + 1 + a: grid for a, grid in plan.grids.items()}}
        corner = None if plan.corner is None else np.concatenate([np.zeros(p), [1.0], plan.corner])
        maximum = maximise(likelihood.at, start, box, grids, None if sample.common else corner)
    return Fitted(sample, plan, likelihood, box, maximum)


def without_selection(sample: Sample) -> Fitted:
    """Fit the model in which every study is published."""
    nothing = np.zeros(0)
    plan = Plan(no_selection(sample.y.size), nothing, nothing, nothing, {}, None, lambda u: (u, np.zeros((0, 0))))
    return fit_plan(sample, plan)
