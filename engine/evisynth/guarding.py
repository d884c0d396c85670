"""Ask the guard rails: which studies look wrong, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth.measuring import forward_of
from evisynth.pooling import call
from evisynth.records import Check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth.kernels.arrays import FloatArray
    from evisynth.results import MetaAnalysis
    from evisynth.studies import Reasons

NAMED = 5
"""Studies named in one warning; of more, the number is given."""


def suspicions(analysis: MetaAnalysis) -> tuple[str, ...]:
    """Give a warning per check and finding, with the studies that it is about."""
    found: list[str] = []
    for record in analysis.methods.registry.all(Check):
        for mask, message in findings(analysis, record):
            rows = np.nonzero(mask)[0].tolist()
            if rows:
                found.append(f"{_names(analysis, rows)}: {message}")
    return tuple(found)


def findings(analysis: MetaAnalysis, record: Check) -> Reasons:
    """Ask one check about an analysis: masks over the rows of the table."""
    effects, settings = analysis.effects, analysis.settings
    columns: Mapping[str, FloatArray] = {} if effects.studies is None else effects.studies.columns
    available = {
        **columns,
        "y": effects.y,
        "v": effects.v,
        "measure": analysis.methods.measure.name,
        "scale": effects.scale,
        "forward": forward_of(analysis.methods.measure, settings),
        "level": settings.given_level,
    }
    with np.errstate(all="ignore"):
        found: Reasons = call(analysis.methods.registry, record, **record.named_inputs(available))
    return found


def _names(analysis: MetaAnalysis, rows: list[int]) -> str:
    names = [analysis.effects.study_id[i] for i in rows[:NAMED]]
    more = len(rows) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")
