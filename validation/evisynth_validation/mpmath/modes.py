"""Search the likelihood, restricted or plain, for all its maxima in τ², by brute force and at full precision.

The derivative is evaluated on a dense logarithmic grid between 0 and a bound above which no stationary point can lie.
It is looked at more closely wherever it turns round without changing sign, every change of sign is polished, and the
likelihoods of all maxima are compared, τ² = 0 included.

Source: Viechtbauer (2005), J. Educ. Behav. Stat. 30:261-293, and Raudenbush (2009) for moderators.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from evisynth_validation.mpmath.exact import exact, log, root, total, two_pi
from evisynth_validation.mpmath.linear import inverse_and_determinant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evisynth_validation.mpmath.exact import Exact
    from evisynth_validation.mpmath.linear import Data

POINTS_PER_DECADE = 30
FEWEST_POINTS = 300
CLOSER_POINTS = 24


@dataclass(frozen=True, slots=True)
class Maximum:
    """Hold the global maximum: how many maxima there are and how far the best stands above the next."""

    tau2: Exact
    log_likelihood: Exact
    scale: Exact
    modes: int
    gap: Exact | None


def log_likelihood_terms(data: Data, tau2: Exact, *, restricted: bool = True) -> list[Exact]:
    """List −½(k−p)·log 2π, ½·log|X'X|, −½Σ log(v+τ²), −½·log|X'WX| and −½·y'Py, whose sum is the log-likelihood.

    The plain one has −½k·log 2π and none of the determinants.
    """
    fit = data.fit(tau2)
    spread, distance = -total(log(v + tau2) for v in data.v), -fit.q
    if restricted:
        _, plain = inverse_and_determinant(data.gram([exact(1)] * len(data.y)))
        doubled = [-data.df * log(two_pi()), log(plain), spread, -fit.log_determinant, distance]
    else:
        doubled = [-len(data.y) * log(two_pi()), spread, distance]
    return [term / 2 for term in doubled]


def parts_of_score(data: Data, tau2: Exact, *, restricted: bool = True) -> tuple[Exact, Exact]:
    """Return y'PPy and tr(P), or Σw: twice the derivative of the log-likelihood is their difference."""
    fit = data.fit(tau2)
    return fit.ypp, fit.trace_p if restricted else total(fit.weights)


def score(data: Data, tau2: Exact, *, restricted: bool = True) -> Exact:
    """Return twice the derivative of the log-likelihood."""
    pull, push = parts_of_score(data, tau2, restricted=restricted)
    return pull - push


def relative_score(data: Data, tau2: Exact, *, restricted: bool = True) -> float:
    """Return y'PPy/tr(P) − 1, which has the sign of the score and stays of order 1 however large τ² is."""
    pull, push = parts_of_score(data, tau2, restricted=restricted)
    return float(pull / push - 1)


def upper_bound(data: Data, *, restricted: bool = True) -> Exact:
    """Bound every stationary point: max(max v, 2·RSS/(k−p)), or 2·RSS/k, with RSS of unweighted least squares."""
    return max(*data.v, 2 * data.unweighted_rss / (data.df if restricted else len(data.y)))


def steps(low: float, high: float, points: int) -> list[float]:
    """Divide an interval into equal ratios."""
    return [low * (high / low) ** (i / points) for i in range(points + 1)]


def search_grid(data: Data, *, restricted: bool = True) -> list[float]:
    """Cover 0 and everything from far below the smallest variance to just beyond the bound."""
    low, high = float(min(data.v)) * 1e-4, float(upper_bound(data, restricted=restricted)) * 1.01
    decades = float(log(high / low) / log(10))
    return [0.0, *steps(low, high, max(FEWEST_POINTS, round(POINTS_PER_DECADE * decades)))]


def closer(data: Data, points: Sequence[float], scores: Sequence[float]) -> list[float]:
    """Add points on both sides of each place where the score comes near 0 and turns away again."""
    added: list[float] = []
    for i in range(1, len(points) - 1):
        before, here, after = scores[i - 1 : i + 2]
        same_side = (before > 0) == (here > 0) == (after > 0)
        if same_side and abs(here) <= min(abs(before), abs(after)):
            start = points[i - 1] or float(min(data.v)) * 1e-12
            added += steps(start, points[i + 1], CLOSER_POINTS)[1:-1]
    return added


def crossings(
    data: Data, *, restricted: bool = True, relative: Callable[[float], float] | None = None
) -> tuple[float, list[tuple[float, float, bool]]]:
    """Give the relative score at 0, and all pairs of points between which the score falls (True) or rises through 0.

    ``relative`` computes the relative score another way, if at all.

    Raises
    ------
        ArithmeticError: the likelihood still rises at the bound.

    """

    def score_at(point: float) -> float:
        return relative(point) if relative else relative_score(data, exact(point), restricted=restricted)

    points = search_grid(data, restricted=restricted)
    scores = {point: score_at(point) for point in points}
    if scores[points[-1]] >= 0:
        message = "the likelihood rises at its bound"
        raise ArithmeticError(message)
    for point in closer(data, points, [scores[p] for p in points]):
        scores.setdefault(point, score_at(point))
    turns = [
        (left, right, scores[left] > 0)
        for left, right in pairwise(sorted(scores))
        if (scores[left] > 0) != (scores[right] > 0)
    ]
    return scores[0.0], turns


def maxima(data: Data, *, restricted: bool = True) -> list[Exact]:
    """Return every local maximum, 0 among them if the likelihood falls from there.

    Raises
    ------
        ArithmeticError: the likelihood still rises at the bound, or is flat at 0.

    """
    at_zero, turns = crossings(data, restricted=restricted)
    if at_zero == 0:
        message = "the likelihood is flat at 0"
        raise ArithmeticError(message)
    found = [exact(0)] if at_zero < 0 else []
    slope = partial(score, data, restricted=restricted)
    return found + [root(slope, exact(left), exact(right)) for left, right, falls in turns if falls]


def global_maximum(data: Data, *, restricted: bool = True) -> Maximum:
    """Compare the likelihoods of all maxima."""
    found = maxima(data, restricted=restricted)
    terms = [log_likelihood_terms(data, tau2, restricted=restricted) for tau2 in found]
    heights = [total(parts) for parts in terms]
    best = max(heights)
    winner = heights.index(best)
    others = heights[:winner] + heights[winner + 1 :]
    scale = total(abs(part) for part in terms[winner])
    return Maximum(found[winner], best, scale, len(found), best - max(others) if others else None)
