"""Say what may stand on the upright axis of a funnel plot: measures of precision, best at the top."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from evisynth_reporters.chart import Axis

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from evisynth_reporters.words import Words


@attrs.frozen
class Height:
    """Map a standard error or a size to the axis, and back to the standard error."""

    title: str
    of_se: Callable[[float], float] | None = None
    se_at: Callable[[float], float] = math.sqrt
    of_n: Callable[[float], float] | None = None
    best_at_zero: bool = False
    """Whether the most precise studies are at 0, so that the axis is turned."""

    @property
    def of_size(self) -> bool:
        """Whether it is of the number of participants, from which no standard error follows."""
        return self.of_n is not None

    def of(self, se: float, n: float | None) -> float:
        """Give a study's height."""
        if self.of_n is not None:
            return self.of_n(n or 0.0)
        assert self.of_se is not None  # noqa: S101 - one of the two is there
        return self.of_se(se)

    def axis(self, heights: Sequence[float], ses: Sequence[float], words: Words) -> Axis:
        """Take an axis that holds the heights, from 0 where that is best."""
        own: list[float] = [] if self.of_se is None else list(map(self.of_se, ses))
        held = [*heights, *own]
        low, high = min(held), max(held)
        if self.best_at_zero:
            return Axis(0.0, 1.05 * high, words(self.title), reversed=True)
        room = 0.06 * (high - low) or 0.1 * high
        return Axis(max(low - room, 0.4 * low), high + room, words(self.title))


HEIGHTS: Mapping[str, Height] = {
    "se": Height("Standard error", lambda se: se, lambda y: y, best_at_zero=True),
    "variance": Height("Variance", lambda se: se * se, math.sqrt, best_at_zero=True),
    "precision": Height("Precision (1/SE)", lambda se: 1.0 / se, lambda y: 1.0 / y),
    "inverse variance": Height("Inverse variance", lambda se: se**-2.0, lambda y: y**-0.5),
    "n": Height("Participants", of_n=lambda n: n),
    "root n": Height("Square root of participants", of_n=math.sqrt),
    "1/n": Height("1/participants", of_n=lambda n: 1.0 / n, best_at_zero=True),
    "1/root n": Height("1/square root of participants", of_n=lambda n: n**-0.5, best_at_zero=True),
}
"""By the words of the option ``y_axis``."""
