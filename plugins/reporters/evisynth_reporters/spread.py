"""Name what a funnel plot shows effects against: standard errors, sample sizes and functions of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@attrs.frozen
class Spread:
    """Hold an axis of a funnel plot; where it is a function of the standard error, the way there and back."""

    title: str
    falls: bool
    """Whether larger numbers are of smaller studies, so that 0 stands where the most precise ones are."""
    of_se: Callable[[float], float] | None = None
    se_of: Callable[[float], float] | None = None
    of_n: Callable[[float], float] | None = None


def _inverse(value: float) -> float:
    return 1.0 / value if value > 0 else math.inf


def _square(value: float) -> float:
    return value * value


def _as_it_is(value: float) -> float:
    return value


SPREADS: Mapping[str, Spread] = {
    "se": Spread("Standard error", falls=True, of_se=_as_it_is, se_of=_as_it_is),
    "variance": Spread("Variance", falls=True, of_se=_square, se_of=math.sqrt),
    "precision": Spread("Precision (1/SE)", falls=False, of_se=_inverse, se_of=_inverse),
    "inverse variance": Spread(
        "Inverse variance (1/SE²)",
        falls=False,
        of_se=lambda se: _inverse(se * se),
        se_of=lambda value: _inverse(math.sqrt(value)),
    ),
    "n": Spread("Sample size", falls=False, of_n=_as_it_is),
    "1/n": Spread("1/sample size", falls=True, of_n=_inverse),
    "sqrt n": Spread("√sample size", falls=False, of_n=math.sqrt),
    "1/sqrt n": Spread("1/√sample size", falls=True, of_n=lambda n: _inverse(math.sqrt(n))),
}
"""By the name of the option ``y_axis`` (Sterne & Egger 2001, J. Clin. Epidemiol. 54:1046-1055)."""


def sample_size(data: Mapping[str, float | None]) -> float | None:
    """Give the number of participants of a study from what was entered; None where it was not."""
    arms = [data.get(f"n_{arm}") for arm in (1, 2)]
    given = [n for n in arms if n is not None] if None not in arms else [data.get("n")]
    found = [n for n in given if n is not None and n > 0]
    return sum(found) if found else None
