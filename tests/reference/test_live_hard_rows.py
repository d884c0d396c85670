"""Comparison with metafor on this machine: the R call that each measure names, on the hard rows of every measure."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    Ask = Callable[..., Any]
    Version = Callable[[str], tuple[int, ...]]

CLOSED = 1e-12
NEEDS_A_PACKAGE = frozenset({"RTET", "ZTET", "UCOR"})
"""metafor asks for mvtnorm or gsl, which the Debian packages of the tests do not bring."""


pytestmark = pytest.mark.live_r


def _hard_rows() -> ModuleType:
    """Import the rows from the test beside; test folders are not packages."""
    path = Path(__file__).parents[1] / "engine" / "test_hard_rows.py"
    spec = importlib.util.spec_from_file_location("hard_rows", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HARD: Any = _hard_rows()


def asked(metafor: tuple[int, ...]) -> list[tuple[es.EffectMeasure, dict[str, list[float]], list[str]]]:
    """Give the measures that this metafor has, each with its table and the rows' labels."""
    made: list[tuple[es.EffectMeasure, dict[str, list[float]], list[str]]] = []
    for record in HARD.MEASURES:
        lowest = tuple(int(part) for part in (record.r_version or "metafor 0").split()[1].split("."))
        called = (record.r_equivalent or "").startswith("metafor::escalc(")
        if not record.columns or not called or lowest > metafor or record.name in NEEDS_A_PACKAGE:
            continue
        labels, rows = zip(*HARD.rows_of(record), strict=True)
        made.append((record, {name: [row[name] for row in rows] for name in rows[0]}, list(labels)))
    return made


def as_r(values: list[float]) -> str:
    return f"c({', '.join('NA' if math.isnan(value) else repr(float(value)) for value in values)})"


def test_the_r_call_of_every_measure_gives_what_it_gives(ask_r: Ask, r_version: Version) -> None:
    lines: list[str] = ["out <- list()"]
    measures = asked(r_version("metafor"))
    for record, table, _ in measures:
        frame = ", ".join(f"{name}={as_r(values)}" for name, values in table.items())
        # Row by row: an impossible one would stop the whole call.
        lines.append(
            f"out[['{record.name}']] <- local({{ d <- data.frame({frame}); lapply(seq_len(nrow(d)), function(i) "
            f"tryCatch(suppressWarnings(with(d[i, , drop=FALSE], {{ r <- {record.r_equivalent}; "
            "list(y=as.numeric(r$yi), v=as.numeric(r$vi)) })), error=function(e) list(e=conditionMessage(e)))) })"
        )
    truths = ask_r("\n".join(lines))
    unknown = [name for name, rows in truths.items() if any("Unknown 'measure'" in str(row.get("e")) for row in rows)]
    assert unknown == [], "this metafor does not know these: their records name no lowest version"
    apart: dict[tuple[str, str], str] = {}
    explained: set[tuple[str, str]] = set()
    compared = 0
    for record, table, labels in measures:
        made = es.effects(table, record.name, settings="metafor", rom_correction="none")
        truth = truths[record.name]
        for i, label in enumerate(labels):
            said = (truth[i].get(name) for name in "yv")
            y, v = (float(value) if isinstance(value, int | float) else math.nan for value in said)
            there = math.isfinite(y) and v > 0
            if there != (i not in made.reasons):
                apart[record.name, label] = f"R {y}, {v}; here {made.reasons.get(i) or (made.y[i], made.v[i])}"
            elif there and not (abs(made.y[i] - y) <= CLOSED * max(abs(y), 1e-3) and abs(made.v[i] - v) <= CLOSED * v):
                apart[record.name, label] = f"R {y!r}, {v!r}; here {made.y[i]!r}, {made.v[i]!r}"
            if (record.name, label) in apart and cause_of(record, label, {name: table[name][i] for name in table}):
                explained.add((record.name, label))
            compared += 1
    unexplained = {where: what for where, what in apart.items() if where not in explained}
    assert unexplained == {}
    assert 40 < len(explained) < 70
    assert len(measures) > 40
    assert compared > 700


def cause_of(record: es.EffectMeasure, label: str, row: dict[str, float]) -> str | None:
    """Say why a result differs from metafor's; None where it should not."""
    arms = [f"n_{arm}" for arm in "12" if f"n_{arm}" in row]
    if any(row[name] == 0 for name in arms):
        # Half an event among half a participant: the correction alone would make the effect.
        return "no participants in an arm"
    if record.name.startswith("MP") and label == "all 0":
        return "no pairs"
    if record.name == "MPORM" and row["n_1"] != row["n_2"]:
        return "pairs have as many participants in either arm"
    if record.name == "MPORM":
        # The share of pairs with both events that r asks for is below 0 or above a margin.
        return "no table of pairs has such a correlation"
    if record.name == "SPCOR" and label in {"predictors 38", "r_squared 0"}:
        return "a predictor explains no more than all of them do"
    return None
