"""Put studies in an order: by name, year, effect, weight or precision, those without it last."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from evisynth import MetaAnalysis, StudyResult

GIVEN = "given"


def _year(study: StudyResult) -> float | None:
    try:
        year = float(study.year or "")
    except ValueError:
        return None
    return year if math.isfinite(year) else None


_KEYS: Mapping[str, Callable[[StudyResult], Any]] = {
    "study": lambda study: study.study.casefold(),
    "year": _year,
    "effect": lambda study: study.effect,
    "weight": lambda study: study.weight,
    # As `evisynth.cumulative` has it: the most precise study first.
    "precision": lambda study: study.se,
}
SORTS = (GIVEN, *_KEYS)


def sorted_rows(analysis: MetaAnalysis, rows: Iterable[int], by: str, *, descending: bool) -> list[int]:
    """Sort rows by what stands in them; those without it come last, in the order of the table."""
    held = list(rows)
    if by == GIVEN:
        return held[::-1] if descending else held
    keys = {row: _KEYS[by](analysis.studies[row]) for row in held}
    known = [row for row in held if keys[row] is not None]
    return [
        *sorted(known, key=lambda row: keys[row], reverse=descending),
        *(row for row in held if keys[row] is None),
    ]


def places(analysis: MetaAnalysis, by: str, *, descending: bool) -> list[float]:
    """Give every row its place in an order, NaN where it has none."""
    order = sorted_rows(analysis, range(analysis.k_total), by, descending=descending)
    made = [math.nan] * analysis.k_total
    for place, row in enumerate(order):
        if by == GIVEN or _KEYS[by](analysis.studies[row]) is not None:
            made[row] = float(place)
    return made
