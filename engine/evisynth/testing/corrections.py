"""Check zero-cell corrections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth.cells import Cells
from evisynth.kernels.arrays import read_only
from evisynth.records import EffectMeasure
from evisynth.registry import default_registry
from evisynth.testing.conformance import ask, check_record, ensure, same
from evisynth.testing.measures import INCREMENTS, measure_options
from evisynth.testing.samples import ORDINARY, count_cells

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth.cells import CorrectedCells
    from evisynth.kernels.arrays import FloatArray
    from evisynth.records import Correction
    from evisynth.studies import MeasuredEffects


def check_correction(record: Correction) -> None:
    """Check a zero-cell correction with every installed measure of counts; raises `ConformanceError`.

    Each use gets four cells of the shape given, finite and not negative; the tables stay as they were in ``raw``;
    tables none of which has a zero are left alone; a table that is changed has a finite effect with a positive
    variance; tables side by side ``(k, m)`` are corrected as single ones.
    """
    check_record(record)
    cells = count_cells()
    measures = [measure for measure in default_registry().all(EffectMeasure) if measure.counts]
    for measure in measures:
        for method in ("MH", "IV", "Peto"):
            given = f"tables with zeros, measure {measure.name}, method {method}"
            made = _corrected(record, cells, measure, method, given)
            _usable_where_changed(record, cells, made, measure, given)
            ordinary = cells.at(np.arange(ORDINARY))
            kept = _corrected(record, ordinary, measure, method, f"tables without zeros, measure {measure.name}")
            ensure(
                all(same(x, o) for use in _uses(kept) for x, o in zip(_four(use), _four(ordinary), strict=True)),
                record,
                "tables without a zero are left alone",
                f"tables without zeros, measure {measure.name}",
                kept,
            )
            pair = Cells(*(np.column_stack([x, x[::-1]]) for x in _four(cells)))
            both = _corrected(record, pair, measure, method, f"{given}, two analyses side by side")
            ensure(
                all(
                    same(x[:, 0], o)
                    for use, single in zip(_uses(both), _uses(made), strict=True)
                    for x, o in zip(_four(use), _four(single), strict=True)
                ),
                record,
                "tables side by side are corrected as single ones",
                given,
                both,
            )


def _four(cells: Cells) -> Sequence[FloatArray]:
    return (cells.a, cells.b, cells.c, cells.d)


def _uses(made: CorrectedCells) -> tuple[Cells, ...]:
    return (made.effect, made.variance, made.sums, made.spread)


def _corrected(record: Correction, cells: Cells, measure: EffectMeasure, method: str, given: str) -> CorrectedCells:
    before = Cells(*(read_only(x) for x in _four(cells)))
    made: CorrectedCells = ask(
        record, "answers, and writes nothing into its inputs", given, record.apply, before, measure, method, INCREMENTS
    )
    shapes = {np.shape(x) for use in (made.raw, *_uses(made)) for x in _four(use)}
    ensure(shapes == {cells.a.shape}, record, "each use gets cells of the shape given", given, shapes)
    values = np.array([x for use in _uses(made) for x in _four(use)])
    ensure(np.isfinite(values) & (values >= 0), record, "cells are finite and not negative", given, values)
    ensure(
        all(same(x, o) for x, o in zip(_four(made.raw), _four(cells), strict=True)),
        record,
        "the tables as given are kept in raw",
        given,
        made.raw,
    )
    return made


def _usable_where_changed(
    record: Correction, cells: Cells, made: CorrectedCells, measure: EffectMeasure, given: str
) -> None:
    inputs = {"cells": made, **measure.named_inputs(measure_options())}
    with np.errstate(all="ignore"):
        measured: MeasuredEffects = measure.function(**inputs)
    changed = np.any([x != o for use in _uses(made) for x, o in zip(_four(use), _four(cells), strict=True)], axis=0)
    for mask, _ in (*made.without_effect, *measured.without_effect):
        changed = changed & ~mask
    y, v = measured.y[changed], measured.v[changed]
    ensure(
        np.isfinite(y) & np.isfinite(v) & (v > 0),
        record,
        "a table that is changed has an effect",
        given,
        f"y {y}, v {v}",
    )
