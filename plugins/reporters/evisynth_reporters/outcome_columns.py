"""Choose the columns of study data that RevMan shows for an outcome: by the kind of data, not by the measure's name."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

from evisynth_reporters import printed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evisynth import FloatArray, MetaAnalysis

Kind: TypeAlias = Literal["counts", "means", "given"]
Adds: TypeAlias = Literal["participants", "events", "nothing"]


@attrs.frozen
class DataColumn:
    """Hold the numbers of one column, a value for every row of the input, and what they add up to."""

    heading: str
    values: tuple[float | None, ...]
    group: str = ""
    adds: Adds = "nothing"

    def cell(self, row: int) -> str:
        """Print one row's number."""
        return printed.entered(self.values[row])

    def total(self, rows: Iterable[int]) -> str:
        """Print the sum over some rows, missing values aside."""
        known = [value for row in rows if (value := self.values[row]) is not None]
        return printed.entered(math.fsum(known)) if known else ""


@attrs.frozen
class Outcome:
    """Say what kind of data an analysis has and which columns show them."""

    kind: Kind
    columns: tuple[DataColumn, ...]


def outcome_of(analysis: MetaAnalysis, groups: tuple[str, str]) -> Outcome:
    """Find the columns that the measure was computed from; those of effects given where there are no others."""
    needs = analysis.methods.measure.parameters
    if analysis.effects.cells is not None:
        return Outcome("counts", _counts(analysis, groups))
    source = analysis.effects.studies
    columns: Mapping[str, FloatArray] = {} if source is None else source.columns
    own = [name for name in needs if name in HEADINGS and name in columns]
    if own and "yi" not in needs and "o_e" not in needs:
        kind: Kind = "counts" if any(name.startswith("events") for name in own) else "means"
        return Outcome(kind, tuple(_own_column(name, columns[name], groups) for name in own))
    arms = _arms(analysis, groups, ("Events", "events"), ("Total", "n"))
    if "o_e" in needs and "o_e" in columns:
        observed = DataColumn("O-E", _entered(columns["o_e"]))
        return Outcome("given", (*arms, observed, DataColumn("Variance", _entered(columns["o_e_variance"]))))
    return Outcome("given", (*_effect_and_se(analysis), *_arms(analysis, groups, ("Total", "n"))))


HEADINGS: Mapping[str, str] = {
    **{f"{name}{arm}": heading for arm in ("_1", "_2", "") for name, heading in (
        ("events", "Events"), ("mean", "Mean"), ("sd", "SD"), ("n", "Total"), ("time", "Time"),
    )},
    "r": "r", "alpha": "Alpha", "items": "Items", "t_value": "t", "predictors": "Predictors", "r_squared": "R²",
    "cles": "CLES", "pairs_both": "Both", "pairs_only_1": "First only", "pairs_only_2": "Second only",
    "pairs_neither": "Neither", "tp": "TP", "fp": "FP", "fn": "FN", "tn": "TN", "genotype_11": "AA",
    "genotype_12": "Aa", "genotype_22": "aa",
}  # fmt: skip
"""Headings of columns that measures are computed from."""
_ADDS: Mapping[str, Adds] = {"n": "participants", "events": "events"}


def _own_column(name: str, column: FloatArray, groups: tuple[str, str]) -> DataColumn:
    arm = {"_1": groups[0], "_2": groups[1]}.get(name[-2:], "")
    base = name[:-2] if arm or name[-2:] in {"_1", "_2"} else name
    return DataColumn(HEADINGS[name], _entered(column), arm, _ADDS.get(base, "nothing"))


def _counts(analysis: MetaAnalysis, groups: tuple[str, str]) -> tuple[DataColumn, ...]:
    """Show the cells that were analysed, which are those of non-events where events were swapped."""
    cells = analysis.effects.cells
    if cells is None:
        return ()
    raw, word = cells.raw, "Non-events" if analysis.settings.swap_events else "Events"
    arms = ((raw.a, raw.n_1), (raw.c, raw.n_2))
    return tuple(
        column
        for group, (events, total) in zip(groups, arms, strict=True)
        for column in (
            DataColumn(word, _entered(events), group, "events"),
            DataColumn("Total", _entered(total), group, "participants"),
        )
    )


def _arms(analysis: MetaAnalysis, groups: tuple[str, str], *wanted: tuple[str, str]) -> tuple[DataColumn, ...]:
    """Show columns that exist once for each arm; those that were not given are left out."""
    source = analysis.effects.studies
    if source is None:
        return ()
    adds: dict[str, Adds] = {"n": "participants", "events": "events"}
    return tuple(
        DataColumn(heading, _entered(source.columns[f"{name}_{arm}"]), group, adds.get(name, "nothing"))
        for arm, group in enumerate(groups, start=1)
        for heading, name in wanted
        if f"{name}_{arm}" in source.columns
    )


def _effect_and_se(analysis: MetaAnalysis) -> tuple[DataColumn, ...]:
    effects = analysis.effects
    label = printed.one_line(analysis.settings.effect_label or effects.label)
    heading = f"log[{label}]" if effects.scale == "log" else label
    return (
        DataColumn(heading, tuple(study.effect for study in analysis.studies)),
        DataColumn("SE", tuple(study.se for study in analysis.studies)),
    )


def _entered(column: FloatArray) -> tuple[float | None, ...]:
    return tuple(None if math.isnan(value) else value for value in column.tolist())
