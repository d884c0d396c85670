"""Hold what R is asked: data, a call on them, and the same numbers computed here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evisynth.kernels.arrays import FloatArray
    from evisynth.results import MetaAnalysis

CLOSED = 1e-10
"""R adds up in the order given, without recentring, and solves normal equations."""
ITERATED = 1e-7
"""R's iterations end on absolute thresholds, which the calls tighten as far as metafor takes them."""
ROOT = 1.3e-4
"""R's root finder at its default tolerance, the fourth root of the rounding unit: metafor hands no other on there."""
TIGHT = "tight <- list(threshold=1e-13*median(vi), tol=1e-15*median(vi), maxiter=10000, tau2.max=1e4)\n"


@attrs.frozen
class Held:
    """Hold a number of ours with what it may differ by: relatively, and absolutely."""

    value: float | None
    tolerance: float = CLOSED
    floor: float = 0.0


Columns: TypeAlias = "Mapping[str, FloatArray | str]"
"""Columns by name, and words."""
Numbers: TypeAlias = "Mapping[str, list[Held]]"
"""Numbers by the names that the reading of R's answers gives them."""


@attrs.frozen(eq=False)
class Question:
    """Hold data, a call of R on them, and how the same is computed here."""

    case: str
    columns: Columns
    call: str
    ours: Callable[[Columns], Numbers]
    """Our numbers for columns such as these."""
    setup: str = ""
    """What R does before: the model ``res`` that some calls speak of."""
    model: str = "random"
    """Which of the two models of R's package meta is meant."""
    by_row: bool = False
    """Whether R is called for each row on its own, so that an impossible one stops no other."""


def tightened(call: str) -> str:
    """Let metafor iterate to the end."""
    return re.sub(r"metafor::rma\(", "metafor::rma(control=tight, ", call)


def estimator_in(call: str, default: str = "REML") -> str:
    """Find the estimator of τ² that a call names; metafor's and meta's own is REML."""
    found = re.search(r"method(?:\.tau)?='(\w+)'", call)
    return found[1] if found else default


def estimate_numbers(analysis: MetaAnalysis, tolerance: float) -> dict[str, list[Held]]:
    """Give the pooled effect of an analysis with its error, limits and test, and Q."""
    pooled = analysis.pooled
    if pooled is None:
        return {}
    unit = tolerance * pooled.se
    return {
        "estimate": [Held(pooled.value, tolerance, unit)],
        "se": [Held(pooled.se, tolerance)],
        "ci_low": [Held(pooled.ci_low, tolerance, unit)],
        "ci_high": [Held(pooled.ci_high, tolerance, unit)],
        "p": [Held(pooled.p_value, 100.0 * tolerance)],
        "q": [Held(analysis.heterogeneity.q, 1e-10)],
    }
