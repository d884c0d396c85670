"""Put the rows of an outcome in the order that its file asks for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from evisynth.results import MetaAnalysis
    from evisynth.reviews.model import Review, ReviewOutcome, ReviewRow, ReviewSubgroup

    Rows: TypeAlias = tuple[tuple[ReviewSubgroup | None, ReviewRow], ...]


def order_of(outcome: ReviewOutcome, review: Review) -> Rows:
    """Sort rows within their subgroup by study, year or the reviewers' own order; `reorder` does the rest."""
    known = review.study_by_id

    def by_name(row: ReviewRow) -> tuple[Any, ...]:
        return (known[row.study].name.casefold() if row.study in known else row.study.casefold(),)

    def by_year(row: ReviewRow) -> tuple[Any, ...]:
        year = known[row.study].year if row.study in known else None
        return (year is None, year or "", *by_name(row))

    def by_order(row: ReviewRow) -> tuple[Any, ...]:
        return (row.order is None, row.order or 0)

    keys: dict[str, Callable[[ReviewRow], tuple[Any, ...]]] = {"study": by_name, "year": by_year, "user": by_order}
    key = keys.get(outcome.sort_by)
    groups = [(None, outcome.rows), *((subgroup, subgroup.rows) for subgroup in outcome.subgroups)]
    return tuple((subgroup, row) for subgroup, rows in groups for row in (sorted(rows, key=key) if key else rows))


def reorder(outcome: ReviewOutcome, rows: Rows, analysis: MetaAnalysis) -> Rows:
    """Sort rows within their subgroup by effect or weight, those without one last."""
    if outcome.sort_by not in {"effect", "weight"}:
        return rows
    place = {id(subgroup): position for position, subgroup in enumerate((None, *outcome.subgroups))}
    by_effect = outcome.sort_by == "effect"

    def key(i: int) -> tuple[int, float]:
        study = analysis.studies[i]
        value = study.effect if by_effect else study.weight
        number = math.inf if value is None else value if by_effect else -value
        return place[id(rows[i][0])], number

    return tuple(rows[i] for i in sorted(range(len(rows)), key=key))
