"""Check routes to a measure's effect, and guard rails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evisynth.columns import NUMERIC
from evisynth.scales import LINEAR, LOG
from evisynth.studies import FilledColumns, MeasuredEffects
from evisynth.testing.conformance import ask, check_record, ensure, same
from evisynth.testing.measures import measure_options
from evisynth.testing.samples import study_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth.kernels.arrays import FloatArray
    from evisynth.records import Check, Method, Route
    from evisynth.studies import Reasons, Studies

_OF_CHECKS = ("y", "v", "measure", "scale", "forward", "level")
_MEASURES = ("RR", "SMD", "MD", "GEN")


def check_route(record: Route) -> None:
    """Check a route; raises `ConformanceError` for the first law that it breaks.

    It needs some column of the glossary; it answers for every row with effects or with columns of the glossary, each
    row depending on itself alone; hard rows (no participants, a p-value of 0) do not raise; it leaves its inputs alone.
    """
    check_record(record)
    ensure(bool(record.columns), record, "it needs some column of the glossary", "the function's parameters", "none")
    _known(record, {*NUMERIC, "forward", "null", *measure_options()})
    table = study_table()
    base = _numbers(record, table, "a table of ordinary and hard rows")
    for rows in ([3, 1, 4], [len(table) - 1], [0]):
        some = _numbers(record, table.take(rows), f"rows {rows} of a table")
        ensure(
            some.keys() == base.keys() and all(same(some[name], base[name][rows]) for name in base),
            record,
            "each row depends on itself alone",
            f"rows {rows} of a table",
            some,
        )


def check_check(record: Check) -> None:
    """Check a guard rail; raises `ConformanceError` for the first law that it breaks.

    It answers with masks over the rows, each with a message, for any measure, with no more than the effects, and for
    no rows at all; it leaves its inputs alone and says nothing of rows that have no numbers.
    """
    check_record(record)
    _known(record, {*NUMERIC, *_OF_CHECKS})
    table = study_table()
    for measure in _MEASURES:
        for scale in (LINEAR, LOG):
            words = {"measure": measure, "scale": scale.name, "forward": scale.forward, "level": 0.95}
            columns = {**table.columns, "y": table.columns["yi"], "v": table.columns["vi"]}
            _found(record, {**columns, **words}, len(table), f"a table, measure {measure}, scale {scale.name}")
            alone = {name: columns[name] for name in ("y", "v")}
            _found(record, {**alone, **words}, len(table), f"effects alone, measure {measure}")
            nothing = {name: column[:0] for name, column in columns.items()}
            _found(record, {**nothing, **words}, 0, "a table without rows")
            missing = {name: np.full(len(table), np.nan) for name in columns}
            for mask, message in _found(record, {**missing, **words}, len(table), "a table without numbers"):
                ensure(~mask, record, "rows without numbers are not suspected", "a table without numbers", message)


def _known(record: Method, known: set[str]) -> None:
    unknown = [name for name in record.parameters if name not in known]
    law = "parameters are columns of the glossary or inputs that the engine has"
    ensure(not unknown, record, law, "the function's parameters", ", ".join(unknown))


def _numbers(record: Route, table: Studies, given: str) -> Mapping[str, FloatArray]:
    inputs: dict[str, Any] = {name: table.columns[name] for name in record.parameters if name in table.columns}
    inputs |= record.named_inputs({**measure_options(), "forward": np.asarray})
    with np.errstate(all="ignore"):
        made = ask(record, "answers, and writes nothing into its inputs", given, record.function, **inputs)
    law = "returns MeasuredEffects or FilledColumns"
    ensure(isinstance(made, MeasuredEffects | FilledColumns), record, law, given, type(made).__name__)
    found: Mapping[str, FloatArray] = made.columns if isinstance(made, FilledColumns) else {"y": made.y, "v": made.v}
    ensure(
        isinstance(made, FilledColumns) == record.fills,
        record,
        "it fills columns where its record says so",
        given,
        type(made).__name__,
    )
    ensure(
        isinstance(made, MeasuredEffects) or all(name in NUMERIC for name in found),
        record,
        "columns that it fills are of the glossary",
        given,
        list(found),
    )
    shapes = {np.shape(values) for values in (*found.values(), *(mask for mask, _ in made.without_effect))}
    ensure(shapes == {(len(table),)}, record, "one number per row", given, shapes)
    return found


def _found(record: Check, available: dict[str, Any], k: int, given: str) -> Reasons:
    with np.errstate(all="ignore"):
        made: Reasons = ask(
            record,
            "answers, and writes nothing into its inputs",
            given,
            record.function,
            **record.named_inputs(available),
        )
    for mask, message in made:
        ensure(np.shape(mask) == (k,), record, "a mask over the rows", given, np.shape(mask))
        ensure(bool(message.strip()), record, "a message that says what to look at", given, repr(message))
    return made
