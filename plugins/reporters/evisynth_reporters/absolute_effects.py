"""Turn relative effects into absolute ones at a stated baseline risk."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from evisynth import MetaAnalysis

HAZARD = "Hazard Ratio"


@attrs.frozen
class AbsoluteEffect:
    """Hold a baseline risk with the risk that the effect makes of it, and its interval; risks from 0 to 1."""

    baseline: float
    risk: float
    low: float
    high: float


def risk_with(measure: str, effect: float, baseline: float) -> float | None:
    """Give the risk that an effect, as shown, makes of a baseline risk; None for a measure of no risks.

    Of a hazard ratio it is ``1 - (1 - baseline)^HR``, where the hazards are proportional.
    """
    if measure == "RR":
        made = baseline * effect
    elif measure in {"OR", "PETO"}:
        made = baseline * effect / (1.0 - baseline + baseline * effect)
    elif measure == "RD":
        made = baseline + effect
    elif measure == "HR":
        made = 1.0 - (1.0 - baseline) ** effect
    else:
        return None
    return min(max(made, 0.0), 1.0)


def measure_of(analysis: MetaAnalysis) -> str:
    """Name the measure of a relative effect; given effects count as hazard ratios where they are called so."""
    name = analysis.effects.measure
    if name not in {"RR", "OR", "PETO", "RD"} and analysis.label.casefold() == HAZARD.casefold():
        return "HR"
    return name


def absolute_effect(analysis: MetaAnalysis, baseline: float) -> AbsoluteEffect | None:
    """Give the absolute effect of the pooled one; None where there is none, or no measure of risks."""
    shown, measure = analysis.display, measure_of(analysis)
    if shown is None:
        return None
    risks = [risk_with(measure, value, baseline) for value in (shown.value, shown.ci_low, shown.ci_high)]
    held = [risk for risk in risks if risk is not None and math.isfinite(risk)]
    return AbsoluteEffect(baseline, held[0], *sorted(held[1:])) if len(held) == len(risks) else None


def usual_baseline(analysis: MetaAnalysis) -> float | None:
    """Give the median risk of the control groups that are pooled; None without tables of events."""
    cells = analysis.effects.cells
    if cells is None:
        return None
    raw = cells.raw
    risks = [float(raw.c[row] / raw.n_2[row]) for row in analysis.rows if raw.n_2[row] > 0]
    return statistics.median(risks) if risks else None
