"""Estimate τ² by maximum likelihood: every mode is bracketed, and the highest one is the answer."""

from __future__ import annotations

import math
from functools import cache, cached_property, lru_cache
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import (
    FEW,
    FewStudies,
    FloatArray,
    IntArray,
    ManyStudies,
    Tau2Estimator,
    Tau2Fit,
    WeightedFit,
    bracketed_root,
    bracketed_roots,
    design_of,
    hookimpl,
    is_intercept,
    many_studies,
    power_of_two_scale,
    weighted_fit,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_STEP = 0.5
"""Spacing of the bracketing grid in log τ². The score is analytic with poles at -v only, so on the log scale it has no
feature narrower than about one; what could hide between two points shows as a turn of the score, and is looked at."""
_ZOOMS = 8
"""Rounds of looking closer at a turn, each four times as close."""
_BETWEEN = np.arange(1, 8)[:, np.newaxis] / 8
_AT_ONCE = 1 << 20
"""Numbers of a grid beside a design beyond which its points are taken one by one: memory would cost more than calls."""
_LEAST_POINTS = 8
MATRIX = 2
"""Axes of a design that serves all analyses; with three, each has its own."""


def reml(y: FloatArray, v: FloatArray, X: FloatArray, *, details: bool = True) -> Tau2Fit:
    """Maximise the restricted likelihood over τ² ≥ 0, always to its global maximum, τ² = 0 included.

    The score ``½ (y'PPy - tr P)`` is evaluated on a grid between 0 and the bound ``max(max v, 2 RSS/(k - p))`` beyond
    which it is negative (RSS unweighted); each fall through 0 is polished to the last bits and the likelihoods at all
    modes are compared. ``modes`` counts them. The standard error is from the expected information, ½ tr(PP).
    """
    return _maximise(y, v, X, restricted=True, details=details)


def ml(y: FloatArray, v: FloatArray, X: FloatArray, *, details: bool = True) -> Tau2Fit:
    """Maximise the likelihood over τ² ≥ 0, always to its global maximum, τ² = 0 included.

    As `reml`, with the score ``½ (y'PPy - tr W)``, which is negative beyond ``max(max v, 2 RSS/k)``, and the expected
    information ``½ tr(WW)``.
    """
    return _maximise(y, v, X, restricted=False, details=details)


def _maximise(y: FloatArray, v: FloatArray, X: FloatArray, *, restricted: bool, details: bool) -> Tau2Fit:
    scale = power_of_two_scale(v)
    square = scale * scale
    y_unit, v_unit = y / scale, v / square
    problem = _Likelihood(y_unit.reshape(y.shape[0], -1), v_unit.reshape(v.shape[0], -1), _shared(X), restricted)
    tau2, modes = _highest_modes(problem)
    tau2, modes = tau2.reshape(y.shape[1:]), modes.reshape(y.shape[1:])
    if not details:
        return Tau2Fit(np.asarray(tau2 * square), modes=modes)

    @cache
    def fit() -> WeightedFit:
        return weighted_fit(y_unit, 1 / (v_unit + tau2), X)

    def se() -> FloatArray:
        fitted = fit()
        information = fitted.trace_squared if restricted else np.add.reduce(fitted.w * fitted.w, axis=0)
        return np.asarray(np.sqrt(2 / information) * square)

    def log_likelihood() -> FloatArray:
        height = _log_likelihood(fit(), v_unit + tau2, X, restricted=restricted)
        return np.asarray(height - problem.size * np.log(scale))

    return Tau2Fit(np.asarray(tau2 * square), se, log_likelihood, modes)


def _shared(X: FloatArray) -> FloatArray:
    """Take a design for one analysis as one that serves all."""
    return X[:, :, 0] if X.ndim > MATRIX and X.shape[2] == 1 else X


@attrs.frozen(eq=False, slots=False)  # a plain dictionary serves cached properties
class _Likelihood:
    """The likelihood of m problems, ``y`` and ``v`` ``(k, m)``: the restricted one, or the plain one."""

    y: FloatArray
    v: FloatArray
    X: FloatArray
    restricted: bool

    @property
    def size(self) -> int:
        """Number of residuals that the likelihood is of: k - p, or k."""
        k, p = self.X.shape[:2]
        return int(k - p if self.restricted else k)

    @cached_property
    def many(self) -> ManyStudies | None:
        """The sums that serve one regression of many studies; None elsewhere."""
        return many_studies(self.y[:, 0], self.v[:, 0], self.X) if self.y.shape[1] == 1 else None

    def upper_bound(self) -> FloatArray:
        if is_intercept(self.X):
            gaps = self.y - np.add.reduce(self.y, axis=0) / len(self.y)
            rss = np.add.reduce(gaps * gaps, axis=0)
        else:
            rss = weighted_fit(self.y, np.ones_like(self.v), self.X).rss
        return np.asarray(np.maximum(self.v.max(axis=0), 2 * rss / self.size))

    def score(self, tau2: FloatArray, which: IntArray | None = None) -> FloatArray:
        if which is None:
            return self.score_of(weighted_fit(self.y, 1 / (self.v + tau2), self.X))
        w = 1 / (self.v.take(which, axis=1) + tau2)
        return self.score_of(weighted_fit(self.y.take(which, axis=1), w, design_of(self.X, which)))

    def score_of(self, fit: WeightedFit) -> FloatArray:
        """Twice the derivative of the log-likelihood."""
        pull = fit.w * fit.residuals
        push = fit.trace if self.restricted else np.add.reduce(fit.w, axis=0)
        return np.asarray((pull * pull).sum(axis=0) - push)

    def only(self) -> Callable[[float], float]:
        """Score of the only problem."""
        y, v, X, restricted = self.y[:, 0], self.v[:, 0], self.X, self.restricted
        many = self.many
        if many is not None:
            return lambda tau2: many.score(tau2, restricted=restricted)
        if y.size <= FEW and is_intercept(X):
            few = FewStudies(y, v)
            return few.reml_score if self.restricted else few.ml_score

        def score(tau2: float) -> float:
            fit = weighted_fit(y, 1 / (v + tau2), X)
            pull = fit.w * fit.residuals
            return float(pull.dot(pull) - (fit.trace if self.restricted else fit.w.sum()))

        return score

    def log_likelihood(self, tau2: FloatArray, which: IntArray) -> FloatArray:
        total = self.v[:, which] + tau2
        design = design_of(self.X, which)
        return _log_likelihood(
            weighted_fit(self.y[:, which], 1 / total, design), total, design, restricted=self.restricted
        )


def _log_likelihood(fit: WeightedFit, total: FloatArray, X: FloatArray, *, restricted: bool) -> FloatArray:
    k, p = X.shape[:2]
    height = -0.5 * (np.log(total).sum(axis=0) + fit.rss)
    if not restricted:
        return np.asarray(height - 0.5 * k * math.log(2 * math.pi))
    if fit.basis is None:
        log_det = np.asarray(math.log(k))
    else:
        log_det = np.linalg.slogdet(X.T @ X if X.ndim == MATRIX else np.einsum("kpm,kqm->mpq", X, X))[1]
    return np.asarray(height - 0.5 * (fit.log_det - log_det + (k - p) * math.log(2 * math.pi)))


def _highest_modes(problem: _Likelihood) -> tuple[FloatArray, FloatArray]:
    """Find the global maximum and the number of modes of every problem, each ``(m,)``."""
    m = problem.y.shape[1]
    owner, tau2 = _all_modes(problem)
    if m == 1 and owner.size == 1:
        return tau2, np.ones(1)
    counts = np.bincount(owner, minlength=m).astype(np.float64)
    best = np.zeros(m)
    single = counts[owner] == 1
    best[owner[single]] = tau2[single]
    rivals = np.nonzero(~single)[0]
    if rivals.size:
        height = problem.log_likelihood(tau2[rivals], owner[rivals])
        order = np.lexsort((-tau2[rivals], height, owner[rivals]))
        # The last of each owner's rivals is the highest; of equal ones, the smallest τ².
        best[owner[rivals][order]] = tau2[rivals][order]
    return best, counts


def _all_modes(problem: _Likelihood) -> tuple[IntArray, FloatArray]:
    """List every local maximum: which problem it belongs to and where it is."""
    m = problem.y.shape[1]
    everything = np.arange(m, dtype=np.int64)
    grid = _grid(problem)
    scores = _scores_on(problem, grid)
    at_zero = np.nonzero(scores[0] <= 0)[0]
    step, owner = np.nonzero((scores[:-1] > 0) & (scores[1:] <= 0))
    low, high = grid[step, owner], grid[step + 1, owner]
    f_low, f_high = scores[step, owner], scores[step + 1, owner]
    turns = _turns(problem, grid, scores)
    hidden = [] if turns is None else _falls_at(problem, *turns)
    if hidden:
        owner = np.concatenate([owner, *(fall.owner for fall in hidden)])
        low = np.concatenate([low, *(fall.low for fall in hidden)])
        high = np.concatenate([high, *(fall.high for fall in hidden)])
        f_low = np.concatenate([f_low, *(fall.f_low for fall in hidden)])
        f_high = np.concatenate([f_high, *(fall.f_high for fall in hidden)])
    if m == 1:
        score = problem.only()
        found = [bracketed_root(score, *map(float, ends)) for ends in zip(low, high, f_low, f_high, strict=True)]
        root = np.asarray(found, dtype=np.float64)
    else:
        root = bracketed_roots(lambda x, which: problem.score(x, owner[which]), low, high, f_low, f_high)
    return np.concatenate([everything[at_zero], owner]), np.concatenate([np.zeros(at_zero.size), root])


def _turns(
    problem: _Likelihood, grid: FloatArray, scores: FloatArray
) -> tuple[IntArray, FloatArray, FloatArray] | None:
    """List where the score turns back towards 0 between points of one sign, and may have crossed it twice unseen.

    Gives owner, left and right end. Times ``τ² + min v`` the score is of one size over the whole grid.
    """
    size = np.abs(scores * (grid + problem.v.min(axis=0)))
    above = scores > 0
    stays = above[1:] == above[:-1]
    middle, left, right = size[1:-1], size[:-2], size[2:]
    turn = stays[:-1] & stays[1:] & (middle <= np.minimum(left, right)) & (2 * middle <= np.maximum(left, right))
    # The first cell has no point to its left.
    first = stays[0] & (2 * size[0] <= size[1])
    if not (turn.any() or first.any()):
        return None
    i, owner = np.nonzero(turn)
    own = np.nonzero(first)[0]
    begin, end = np.concatenate([np.zeros_like(own), i]), np.concatenate([np.ones_like(own), i + 2])
    owner = np.concatenate([own, owner]).astype(np.int64)
    return owner, grid[begin, owner], grid[end, owner]


@attrs.frozen(eq=False)
class _Falls:
    """Brackets in which the score falls through 0, each ``(n,)``."""

    owner: IntArray
    low: FloatArray
    high: FloatArray
    f_low: FloatArray
    f_high: FloatArray


def _falls_at(problem: _Likelihood, owner: IntArray, left: FloatArray, right: FloatArray) -> list[_Falls]:
    """Look closer at each turn until the score is seen to cross 0, or seen not to."""
    found: list[_Falls] = []
    bottom = problem.v.min(axis=0)
    for _ in range(_ZOOMS):
        shift = bottom[owner]
        # Evenly on the scale of log(τ² + min v).
        points = np.vstack([left, (left + shift) * ((right + shift) / (left + shift)) ** _BETWEEN - shift, right])
        scores = np.vstack([problem.score(row, owner) for row in points])
        i, j = np.nonzero((scores[:-1] > 0) & (scores[1:] <= 0))
        if i.size:
            found.append(_Falls(owner[j], points[i, j], points[i + 1, j], scores[i, j], scores[i + 1, j]))
        size = np.abs(scores * (points + shift))
        everything = np.arange(owner.size)
        nearest = np.clip(size.argmin(axis=0), 1, len(points) - 2)
        around = np.maximum(size[nearest - 1, everything], size[nearest + 1, everything])
        same = (scores > 0).all(axis=0) | (scores <= 0).all(axis=0)
        still = np.nonzero(same & (2 * size[nearest, everything] <= around))[0]
        if not still.size:
            break
        nearest = nearest[still]
        left, right, owner = points[nearest - 1, still], points[nearest + 1, still], owner[still]
    return found


def _grid(problem: _Likelihood) -> FloatArray:
    """Make the grid from 0 over a quarter of the smallest variance to the bound, ``(points, m)``."""
    top = problem.upper_bound()
    bottom = problem.v.min(axis=0) / 4
    ratio = top / bottom
    points = max(_LEAST_POINTS, math.ceil(math.log(ratio.max()) / _STEP) + 1)
    grid = np.empty((points + 1, top.size))
    grid[0] = 0.0
    grid[1:] = bottom * ratio ** _fractions(points)
    return grid


@lru_cache(maxsize=64)
def _fractions(points: int) -> FloatArray:
    return np.linspace(0.0, 1.0, points)[:, np.newaxis]


def _scores_on(problem: _Likelihood, grid: FloatArray) -> FloatArray:
    if problem.many is not None:
        scores = problem.many.scores(grid[:, 0], restricted=problem.restricted)[:, np.newaxis]
    elif problem.y.shape[1] == 1 and grid.size * problem.X.size <= _AT_ONCE:
        w = 1 / (problem.v + grid[:, 0])
        # The intercept alone lets one column of effects stand beside many of weights.
        y = problem.y if is_intercept(problem.X) else np.broadcast_to(problem.y, w.shape)
        scores = problem.score_of(weighted_fit(y, w, problem.X))[:, np.newaxis]
    else:
        scores = np.vstack([problem.score(row) for row in grid])
    # Beyond the bound the score is negative; on it, rounding must not say otherwise.
    scores[-1] = np.minimum(scores[-1], 0.0)
    return scores


@hookimpl
def tau2_estimators() -> list[Tau2Estimator]:
    """Offer maximum likelihood, restricted and plain."""
    return [
        Tau2Estimator(
            "REML",
            reml,
            formula="ℓ(τ²) = -½ (Σ ln(vᵢ + τ²) + ln|X'WX| + y'Py) → max; W = diag(1/(vᵢ + τ²)), P = W - WX(X'WX)⁻¹X'W",
            reference="Patterson & Thompson (1971), Biometrika 58:545-554; Raudenbush (2009), in: The Handbook "
            "of Research "
            "Synthesis and Meta-Analysis, 2nd ed., ch. 16",
            r_equivalent="metafor::rma(yi, vi, method='REML')",
        ),
        Tau2Estimator(
            "ML",
            ml,
            formula="ℓ(τ²) = -½ (Σ ln(vᵢ + τ²) + y'Py) → max; W = diag(1/(vᵢ + τ²)), P = W - WX(X'WX)⁻¹X'W",
            reference="Hardy & Thompson (1996), Stat. Med. 15:619-629; Raudenbush (2009), in: The Handbook of Research "
            "Synthesis and Meta-Analysis, 2nd ed., ch. 16",
            r_equivalent="metafor::rma(yi, vi, method='ML')",
            duplication_law=True,
        ),
    ]
