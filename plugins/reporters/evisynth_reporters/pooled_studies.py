"""Pick the studies that charts show: those with an effect and a standard error, and how each stands in the analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from evisynth import LEFT_OUT

if TYPE_CHECKING:
    from evisynth import MetaAnalysis


@attrs.frozen
class Point:
    """Hold a study's numbers on the analysis scale; ``pale`` where it is left out of the analysis shown."""

    row: int
    name: str
    effect: float
    se: float
    n: float | None
    weight: float
    subgroup: str | None
    pale: bool


def subgroup_names(analysis: MetaAnalysis) -> dict[int, str]:
    """Give the rows of an analysis's subgroups their names, whatever column or list they came from."""
    return {int(row): group.name for group in analysis.subgroups for row in group.rows}


def points_of(analysis: MetaAnalysis, whole: MetaAnalysis | None = None) -> tuple[Point, ...]:
    """Give the studies that are pooled, and of ``whole`` also the one that is left out of ``analysis``."""
    groups = subgroup_names(whole or analysis)
    made: list[Point] = []
    for row, study in enumerate((whole or analysis).studies):
        now = analysis.studies[row]
        if not study.included or study.effect is None or study.se is None or not study.se > 0.0:
            continue
        sizes = [study.data.get(name) for name in ("n_1", "n_2")] if study.data.get("n") is None else [study.data["n"]]
        known = [size for size in sizes if size is not None]
        made.append(
            Point(
                row,
                study.study_id,
                study.effect,
                study.se,
                float(sum(known)) if known and len(known) == len(sizes) else None,
                now.weight or 0.0,
                groups.get(row),
                now.reason == LEFT_OUT,
            )
        )
    return tuple(made)
