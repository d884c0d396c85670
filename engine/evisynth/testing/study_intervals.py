"""Check intervals for the effects of single studies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth.fitting import effects
from evisynth.kernels.arrays import read_only
from evisynth.records import EffectMeasure
from evisynth.registry import default_registry
from evisynth.testing.conformance import ask, check_record, ensure, same
from evisynth.testing.samples import ORDINARY, study_table

if TYPE_CHECKING:
    from evisynth.kernels.arrays import FloatArray
    from evisynth.records import StudyInterval
    from evisynth.studies import Effects, Studies

LEVELS = (0.5, 0.9, 0.95, 0.99)
SLACK = 1e-12


def check_study_interval(record: StudyInterval) -> None:
    """Check an interval for single studies on every installed measure that it is for; raises `ConformanceError`.

    Ordinary rows have finite limits about their effect; limits are in order and widen with the level; each row depends
    on itself alone; a hard row gets limits or NaN, not an exception; a missing
    value leaves its own row without; it leaves its inputs alone.
    """
    check_record(record)
    table = study_table()
    for name in sorted(record.measures or {"MD"}):
        measured = effects(table, default_registry().get(EffectMeasure, name).name)
        _check_on(record, table, measured)


def _check_on(record: StudyInterval, table: Studies, measured: Effects) -> None:
    given = f"a table of ordinary and hard rows, measure {measured.measure}"
    low, high = _limits(record, table, measured, 0.95, given)
    y = np.array([_on_scale(record, measured, i) for i in range(ORDINARY)])
    ensure(
        np.isfinite(low[:ORDINARY]) & np.isfinite(high[:ORDINARY]),
        record,
        "ordinary rows have finite limits",
        given,
        f"[{low[:ORDINARY]}, {high[:ORDINARY]}]",
    )
    ensure(
        (low[:ORDINARY] <= y * (1 + SLACK) + SLACK) & (y <= high[:ORDINARY] * (1 + SLACK) + SLACK),
        record,
        "limits lie about the effect",
        given,
        f"[{low[:ORDINARY]}, {high[:ORDINARY]}] about {y}",
    )
    ensure(~(low > high), record, "limits are in order", given, f"[{low}, {high}]")
    ensure(np.isnan(low) == np.isnan(high), record, "both limits or neither", given, f"[{low}, {high}]")
    narrow = None
    for level in LEVELS:
        wide = _limits(record, table, measured, level, f"{given}, level {level}")
        if narrow is not None:
            ensure(
                ~(wide[0] > narrow[0] + SLACK) & ~(wide[1] < narrow[1] - SLACK),
                record,
                "limits widen with the level",
                f"{given}, level {level}",
                f"{wide} after {narrow}",
            )
        narrow = wide
    for rows in ([3, 1, 4], [len(table) - 1], [0]):
        some = _limits(record, table.take(rows), measured.take(rows), 0.95, f"rows {rows} of {given}")
        ensure(
            same(some[0], low[rows]) and same(some[1], high[rows]),
            record,
            "the limits of a row depend on that row alone",
            f"rows {rows} of {given}",
            f"{some} instead of [{low[rows]}, {high[rows]}]",
        )
    _with_gaps(record, table, measured, low)


def _with_gaps(record: StudyInterval, table: Studies, measured: Effects, low: FloatArray) -> None:
    for column in record.columns:
        gap = table.columns[column].copy()
        gap[1] = np.nan
        given = f"a table that lacks {column} in row 2"
        holed = attrs.evolve(table, columns={**table.columns, column: read_only(gap)})
        made, _ = _limits(record, holed, measured, 0.95, given)
        ensure(
            np.isnan(made[1]) and made[0] == low[0],
            record,
            "a missing value leaves its own row without limits",
            given,
            made[:2],
        )


def _on_scale(record: StudyInterval, measured: Effects, i: int) -> float:
    y = float(measured.y[i])
    return measured.scale_of([i]).show(y) if record.on_display else y


def _limits(
    record: StudyInterval, table: Studies, measured: Effects, level: float, given: str
) -> tuple[FloatArray, FloatArray]:
    available: dict[str, Any] = {
        **table.columns,
        "effect": measured.y,
        "se": read_only(np.sqrt(measured.v)),
        "level": level,
    }
    with np.errstate(all="ignore"):
        made = ask(
            record,
            "answers, and writes nothing into its inputs",
            given,
            record.function,
            **record.named_inputs(available),
        )
    low, high = (np.asarray(limit, dtype=np.float64) for limit in made)
    ensure(low.shape == high.shape == (len(table),), record, "two limits per row", given, f"{low.shape}, {high.shape}")
    return low, high
