"""Check effect measures."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth.across_rows import Analyses, Average, Increments
from evisynth.columns import NUMERIC
from evisynth.errors import DataError
from evisynth.fitting import effects
from evisynth.kernels.arrays import read_only
from evisynth.measuring import options_of, raw_cells
from evisynth.records import Correction, EffectMeasure
from evisynth.registry import default_registry
from evisynth.settings import Settings
from evisynth.studies import MeasuredEffects, Studies
from evisynth.testing.conformance import ask, check_record, close, ensure, registry_with, same
from evisynth.testing.samples import ORDINARY, paired_table, study_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth.kernels.arrays import FloatArray

INCREMENTS = Increments(0.5, "only0", Analyses())
ROUNDING = 1e-12
_SWAPPED = {"1": "2", "2": "1"}


def check_effect_measure(record: EffectMeasure) -> None:
    """Check an effect measure; raises `ConformanceError` for the first law that it breaks.

    Its parameters are columns of the glossary or inputs that the engine has; rows of ordinary data get a finite effect
    with a positive variance; each row depends on itself alone; a missing value or a hard row (zero cells, SD 0) gets a
    reason, not an exception; it leaves its inputs alone; swapping the arms of a measure made of counts turns the sign
    of the effect.
    """
    check_record(record)
    _parameters_are_known(record)
    # Counts of two arms beside a correlation are those of pairs.
    table = paired_table() if record.counts and "r" in record.parameters else study_table()
    y, v = _measured(record, table, "a table of ordinary and hard rows")
    ordinary = slice(0, ORDINARY)
    ensure(
        np.isfinite(y[ordinary]) & np.isfinite(v[ordinary]) & (v[ordinary] > 0),
        record,
        "ordinary rows have a finite effect and a positive variance",
        f"the first {ORDINARY} rows of a table",
        f"y {y[ordinary]}, v {v[ordinary]}",
    )
    _row_by_row(record, table, y, v)
    _with_gaps(record, table)
    if record.counts:
        swapped_y, swapped_v = _measured(
            record, _swap_arms(table).take(range(ORDINARY)), "a table with its arms swapped"
        )
        ensure(
            close(swapped_y, -y[ordinary], ROUNDING, 1.0) and close(swapped_v, v[ordinary], ROUNDING),
            record,
            "swapping the arms turns the sign of the effect and keeps its variance",
            "a table with its arms swapped",
            f"y {swapped_y} instead of {-y[ordinary]}, v {swapped_v} instead of {v[ordinary]}",
        )


def _parameters_are_known(record: EffectMeasure) -> None:
    known = {*NUMERIC, "cells", *measure_options()}
    unknown = [
        name
        for name, parameter in record.parameters.items()
        if name not in known and parameter.default is inspect.Parameter.empty
    ]
    ensure(
        not unknown,
        record,
        "parameters are columns of the glossary or inputs that the engine has",
        "the function's parameters",
        ", ".join(unknown),
    )


def measure_options() -> Mapping[str, object]:
    """Give the options that settings hand to a measure, at their defaults."""
    return {**options_of(Settings()), "increments": INCREMENTS, "average": Average(Analyses())}


def _measured(record: EffectMeasure, table: Studies, given: str) -> tuple[FloatArray, FloatArray]:
    """Call the function itself, on columns that cannot be written to."""
    inputs: dict[str, Any] = {name: table.columns[name] for name in record.parameters if name in table.columns}
    if record.counts:
        cells = raw_cells(table.columns)
        inputs["cells"] = default_registry().get(Correction, "revman").apply(cells, record, "IV", INCREMENTS)
    inputs |= record.named_inputs(measure_options())
    with np.errstate(all="ignore"):
        made = ask(record, "answers, and writes nothing into its inputs", given, record.function, **inputs)
    ensure(isinstance(made, MeasuredEffects), record, "returns MeasuredEffects", given, type(made).__name__)
    y, v = np.asarray(made.y, dtype=np.float64), np.asarray(made.v, dtype=np.float64)
    masks = [np.shape(mask) for mask, _ in made.without_effect]
    ensure(
        y.shape == v.shape == (len(table),) and all(mask == y.shape for mask in masks),
        record,
        "one effect, variance and mask entry per row",
        given,
        f"y {y.shape}, v {v.shape}, masks {masks} for {len(table)} rows",
    )
    for mask, _ in made.without_effect:
        y, v = np.where(mask, np.nan, y), np.where(mask, np.nan, v)
    return y, v


def _row_by_row(record: EffectMeasure, table: Studies, y: FloatArray, v: FloatArray) -> None:
    for rows in ([3, 1, 4], list(range(len(table)))[::-1], [len(table) - 1], [0]):
        some_y, some_v = _measured(record, table.take(rows), f"rows {rows} of a table")
        ensure(
            same(some_y, y[rows]) and same(some_v, v[rows]),
            record,
            "the effect of a row depends on that row alone",
            f"rows {rows} of a table",
            f"y {some_y} instead of {y[rows]}, v {some_v} instead of {v[rows]}",
        )


def _with_gaps(record: EffectMeasure, table: Studies) -> None:
    registry = registry_with(record)
    # Other columns might lead to the effect by another route.
    own = {*record.columns, *record.parameters}
    table = attrs.evolve(table, columns={name: table.columns[name] for name in table.columns if name in own})
    for column in [name for name in record.columns if name in table.columns]:
        gap = table.columns[column].copy()
        gap[1] = np.nan
        given = f"a table that lacks {column} in row 2"
        holed = attrs.evolve(table, columns={**table.columns, column: read_only(gap)})
        made = ask(
            record,
            "a missing value gives a reason, not an exception",
            given,
            effects,
            holed,
            record.name,
            registry=registry,
        )
        ensure(
            1 in made.reasons and np.isnan(made.y[1]) and 0 not in made.reasons,
            record,
            "a missing value leaves out its own row, with a reason",
            given,
            dict(made.reasons),
        )
    # A column without which there is no effect is refused by name, not by a KeyError somewhere inside.
    nothing = Studies(columns={}, study=("A",))
    ask(
        record,
        "columns that are not there are refused by name",
        "a table without numbers",
        effects,
        nothing,
        record.name,
        registry=registry,
        refusals=(DataError,),
    )


def _swap_arms(table: Studies) -> Studies:
    def other(name: str) -> str:
        return f"{name[:-1]}{_SWAPPED[name[-1]]}" if name[-2:] in {"_1", "_2"} else name

    return attrs.evolve(table, columns={name: table.columns[other(name)] for name in table.columns})
