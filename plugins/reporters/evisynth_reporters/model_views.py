"""See an analysis under its other model: both are fitted, and which one leads is a setting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from evisynth import MetaAnalysis, Subgroup

ASKED_FOR = "asked for"
BOTH = "both"
MODEL_CHOICES = (ASKED_FOR, BOTH, "common", "random")


def models_shown(analysis: MetaAnalysis, choice: str) -> tuple[str, ...]:
    """Name the models that a choice shows, the common-effect model first."""
    if choice == BOTH:
        return ("common", "random")
    return (analysis.settings.model if choice == ASKED_FOR else choice,)


def in_model(analysis: MetaAnalysis, choice: str) -> MetaAnalysis:
    """Make the model of a choice the one that was asked for, in the subgroups too; with both, or as it is, do nothing.

    It is what the same request with that model gives: weights, tests and predictions are those of the model.
    """
    if choice in {ASKED_FOR, BOTH, analysis.settings.model}:
        return analysis
    made = attrs.evolve(analysis, settings=analysis.settings.replace(model=choice), subgroups=())
    if not analysis.subgroups:
        return made
    return attrs.evolve(made, subgroups=tuple(_in_model(group, made, choice) for group in analysis.subgroups))


def _in_model(group: Subgroup, whole: MetaAnalysis, choice: str) -> Subgroup:
    weight = group.weight
    # Where only subtotals are shown, each subgroup is the whole of its weights in either model.
    if whole.settings.totals == "overall":
        column = whole.weights.get(choice)
        weight = None if column is None else float(column[list(group.rows)].sum())
    return attrs.evolve(group, analysis=in_model(group.analysis, choice), weight=weight)
