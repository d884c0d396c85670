"""Hold conversions to ``conversions.json``: reported statistics, transformations, means and SDs of five numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evisynth import Agreement, Asked, Conversion, convert
from evisynth_validation.mpmath.stored import CLOSED, ITERATIVE, stored

if TYPE_CHECKING:
    from collections.abc import Iterator

INTEGRALS = frozenset({"logit-to-mean-proportion", "z-to-mean-r"})
"""Conversions by numerical integration, compared as what iterates."""
NO_SPREAD = 1e-7
"""A spread of 0 is that to half of the digits: the root of what rounding leaves of a difference."""
_SHOWN = 5


def compared_conversions(asked: Asked) -> Iterator[Agreement]:
    """Convert every row of every conversion asked for."""
    for entry in stored("conversions.json")["rows"]:
        name: str = entry["id"]
        if (Conversion.kind, name) not in asked:
            continue
        given: dict[str, Any] = {key: np.array(column, dtype=np.float64) for key, column in entry["given"].items()}
        made = convert(name, **given)
        for target, truths in entry["expected"].items():
            found: list[float] = made[target].tolist()
            for row, (truth, observed, condition) in enumerate(zip(truths, found, entry["cond"][target], strict=True)):
                yield _agreement(name, target, _case(row, entry["given"]), truth, observed, condition)


def _case(row: int, given: Any) -> str:  # noqa: ANN401 - JSON
    shown = [f"{key} = {column[row]!r}" for key, column in list(given.items())[:_SHOWN]]
    return ", ".join(shown) + (" …" if len(given) > _SHOWN else "")


def _agreement(name: str, target: str, case: str, truth: float, observed: float, condition: float) -> Agreement:
    tolerance = ITERATIVE if name in INTEGRALS else CLOSED
    floor = NO_SPREAD if truth == 0.0 else 0.0
    return Agreement((Conversion.kind, name), case, target, truth, observed, tolerance, condition, floor)
