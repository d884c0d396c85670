"""Follow a likelihood from τ² = 0 to its end: all points where it turns, and so every range in which it is high."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import TYPE_CHECKING

from evisynth_validation.corpus.integers import Scores
from evisynth_validation.mpmath.exact import exact, total
from evisynth_validation.mpmath.modes import crossings, log_likelihood_terms, score, upper_bound

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth_validation.corpus.passes import Roots
    from evisynth_validation.mpmath.exact import Exact
    from evisynth_validation.mpmath.linear import Data

TOO_ALIKE = 1e-8
UNDECIDED = 1e-30


@dataclass(frozen=True, slots=True)
class Point:
    """Hold a point of the curve, with the size of the terms that make up its height."""

    tau2: Exact
    height: Exact
    scale: Exact


class Outline:
    """Hold every turning point of one likelihood; between neighbours the curve rises or falls throughout."""

    def __init__(self, data: Data, roots: Roots, *, restricted: bool) -> None:
        """Search on the grid in the first pass, and polish or confirm every turning point."""
        self.data, self.restricted, self._roots = data, restricted, roots
        self._name = "REML" if restricted else "ML"
        if self._name not in roots.brackets:
            scores = Scores([float(y) for y in data.y], [float(v) for v in data.v], restricted=restricted)
            roots.brackets[self._name] = crossings(data, restricted=restricted, relative=scores.relative)
        at_zero, turns = roots.brackets[self._name]
        if 0 < abs(at_zero) < UNDECIDED:
            message = f"{self._name}: the slope at 0 is neither 0 nor clear of it"
            raise ArithmeticError(message)
        slope = partial(score, data, restricted=restricted)
        # A slope of exactly 0 at τ² = 0 counts by where it goes: a rise is then a minimum at 0 and no turn.
        kept = [turn for turn in turns if turn[0] > 0 or turn[2] or at_zero != 0]
        self._turns = [
            self.point(roots.root(f"{self._name} {i}", slope, partial(_ends, left, right)))
            for i, (left, right, _) in enumerate(kept)
        ]
        falls = [turn[2] for turn in kept]
        zero = self.point(exact(0))
        self.points = [zero, *self._turns]
        falls_from_zero = not falls[0] if falls else True
        self.maxima = ([zero] if falls_from_zero else []) + [
            turn for turn, fall in zip(self._turns, falls, strict=True) if fall
        ]

    def point(self, tau2: Exact) -> Point:
        """Measure the curve."""
        terms = log_likelihood_terms(self.data, tau2, restricted=self.restricted)
        return Point(tau2, total(terms), total(abs(term) for term in terms))

    @cached_property
    def best(self) -> Point:
        """Return the global maximum.

        Raises
        ------
            ArithmeticError: another is as high.

        """
        if self.gap is not None and self.gap < TOO_ALIKE:
            message = f"{self._name}: two maxima are alike"
            raise ArithmeticError(message)
        return max(self.maxima, key=lambda point: point.height)

    @property
    def modes(self) -> int:
        """Return the number of maxima, τ² = 0 included."""
        return len(self.maxima)

    @cached_property
    def gap(self) -> Exact | None:
        """Return how far the best maximum stands above the next."""
        heights = sorted((point.height for point in self.maxima), reverse=True)
        return heights[0] - heights[1] if len(heights) > 1 else None

    def crossings(self, drop: Exact) -> tuple[list[Exact], bool]:
        """List every τ² at which the curve is ``drop`` below its maximum, and say whether it is nearer at 0."""
        level = self.best.height - drop

        def above(tau2: Exact) -> Exact:
            return self.point(tau2).height - level

        found = [
            self._roots.root(f"{self._name} limit {i}", above, partial(_nearer, left.tau2, right.tau2, above))
            for i, (left, right) in enumerate(pairwise(self.points))
            if (left.height > level) != (right.height > level)
        ]
        last = self.points[-1]
        if last.height > level:
            start = max(upper_bound(self.data, restricted=self.restricted), last.tau2)
            found.append(self._roots.root(f"{self._name} limit", above, partial(_beyond, last.tau2, start, above)))
        return found, self.points[0].height > level


def _ends(left: float, right: float) -> tuple[Exact, Exact]:
    return exact(left), exact(right)


def _nearer(low: Exact, high: Exact, above: Callable[[Exact], Exact]) -> tuple[Exact, Exact]:
    """Come from the right by quarters to where a function has changed its sign."""
    sign = above(high) > 0
    while high / 4 > low and (above(high / 4) > 0) is sign:
        high = high / 4
    return max(low, high / 4), high


def _beyond(low: Exact, start: Exact, above: Callable[[Exact], Exact]) -> tuple[Exact, Exact]:
    """Go right until a falling function is negative."""
    high = start
    while above(high) > 0:
        low, high = high, high * 4
    return _nearer(low, high, above)
