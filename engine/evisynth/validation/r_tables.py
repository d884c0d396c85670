"""Ask R about methods that take columns of a table: measures, routes, ways to pool, conversions, study intervals."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from evisynth.converting import convert
from evisynth.fitting import effects, fit
from evisynth.records import Conversion, Correction, EffectMeasure, PoolingModel, Route, StudyInterval
from evisynth.testing.conversions import example_columns
from evisynth.testing.samples import ORDINARY, paired_table, study_table
from evisynth.validation.r_asking import CLOSED, ITERATED, Columns, Held, Numbers, Question, estimate_numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from evisynth.kernels.arrays import FloatArray
    from evisynth.records import Method
    from evisynth.registry import Registry

LAW = 1e-11
"""R takes the exact J as a difference of log-gamma functions, and log ratios as differences of logarithms."""
TETRACHORIC = 1e-3
"""metafor maximises the likelihood of tetrachoric correlations with optim's default tolerance."""
NEAR_ZERO = 1e-13
CELLS = ("events_1", "n_1", "events_2", "n_2")
OF_TABLES = ("OR", "RR", "RD", "PETO")


def _names_in(call: str) -> list[str]:
    """Give the columns that a call speaks of, in the order of the table."""
    words = set(re.findall(r"[A-Za-z][A-Za-z_0-9.]*", re.sub(r"'[^']*'", "", call)))
    return [name for name in study_table().columns if name in words]


def _arrays(columns: Columns) -> dict[str, FloatArray]:
    return {name: np.asarray(column) for name, column in columns.items() if not isinstance(column, str)}


def measure_in(call: str) -> str | None:
    """Find the measure that a call names."""
    found = re.search(r"(?:measure|sm)='(\w+)'", call)
    return found[1] if found else None


def _settings_of(call: str) -> str:
    return "meta" if call.startswith("meta::") else "metafor"


def _measure(method: Method, registry: Registry) -> Iterator[Question]:
    call = method.r_equivalent or ""
    assert isinstance(method, EffectMeasure)  # noqa: S101 - of its kind
    table = (paired_table() if method.counts and "r" in method.parameters else study_table()).columns
    columns: dict[str, FloatArray | str] = {name: table[name] for name in _names_in(call)}

    def ours(given: Columns) -> Numbers:
        made = effects(
            _arrays(given), method.name, settings=_settings_of(call), registry=registry, rom_correction="none"
        )
        return _rows(made.y, made.v, TETRACHORIC if method.name in {"RTET", "ZTET"} else LAW)

    yield Question("ordinary and hard rows", columns, call, ours, by_row=True)


def _route(method: Method, registry: Registry) -> Iterator[Question]:
    call = method.r_equivalent or ""
    assert isinstance(method, Route)  # noqa: S101 - of its kind
    table = study_table().take(range(ORDINARY)).columns
    columns: dict[str, FloatArray | str] = {name: table[name] for name in _names_in(call)}
    needed = method.columns
    measure = measure_in(call) or ("RR" if "transf=log" in call else "GEN")

    def ours(given: Columns) -> Numbers:
        table = {name: column for name, column in _arrays(given).items() if name in needed}
        made = effects(table, measure, settings=_settings_of(call), registry=registry)
        return _rows(made.y, made.v)

    yield Question("ordinary rows", columns, call, ours, by_row=True)


def _rows(y: FloatArray, v: FloatArray, tolerance: float = LAW) -> dict[str, list[Held]]:
    return {
        "y": [Held(float(one), tolerance, NEAR_ZERO) for one in y],
        "v": [Held(float(one), tolerance) for one in v],
    }


def _correction(method: Method, registry: Registry) -> Iterator[Question]:
    call = method.r_equivalent or ""
    table = study_table().columns
    columns: dict[str, FloatArray | str] = {name: table[name] for name in CELLS}
    measure = measure_in(call) or "RR"

    def ours(given: Columns) -> Numbers:
        made = effects(_arrays(given), measure, settings="meta", correction=method.name, registry=registry)
        return _rows(made.y, made.v)

    yield Question("tables with every pattern of zeros", columns, call, ours)


def _pool(method: Method, registry: Registry) -> Iterator[Question]:
    call = method.r_equivalent or ""
    assert isinstance(method, PoolingModel)  # noqa: S101 - of its kind
    named = measure_in(call)
    measures = [named] if named else [one for one in OF_TABLES if one in (method.measures or ())]
    model = "random" if method.random == "own" and "method.tau" not in call else "common"
    table = study_table().take(range(ORDINARY)).columns
    zeros = study_table().take([*range(ORDINARY), ORDINARY, ORDINARY + 1, ORDINARY + 3]).columns
    for case, rows in (("tables without empty cells", table), ("tables with empty cells", zeros)):
        for measure in measures:
            columns: dict[str, FloatArray | str] = {name: rows[name] for name in _names_in(call)}
            columns["measure"] = measure
            words = {"measure": measure, "method": method.name, "model": model}
            ours = partial(_pooled, {**words, "settings": _settings_of(call)}, registry)
            yield Question(f"{case}, {measure}", columns, call, ours, model=model)


def _pooled(words: Mapping[str, str], registry: Registry, given: Columns) -> Numbers:
    analysis = fit(_arrays(given), registry=registry, **words)
    own = words["model"] == "random"
    made = estimate_numbers(analysis, ITERATED if own else CLOSED)
    # Tests with and without a continuity correction, and Q of other tables, have their own sets.
    return {name: held for name, held in made.items() if name in {"estimate", "se", "ci_low", "ci_high"}}


def _study_interval(method: Method, _: Registry) -> Iterator[Question]:
    call = method.r_equivalent or ""
    assert isinstance(method, StudyInterval)  # noqa: S101 - of its kind
    table = study_table().take(range(ORDINARY)).columns
    columns: dict[str, FloatArray | str] = {name: table[name] for name in _names_in(call)}

    def ours(given: Columns) -> Numbers:
        table = _arrays(given)
        low, high = method.function(**{name: table[name] for name in method.columns}, level=0.95)
        ends = {"limit_of_study_low": low, "limit_of_study_high": high}
        return {name: [Held(float(one), LAW, NEAR_ZERO) for one in end] for name, end in ends.items()}

    yield Question("ordinary rows", columns, call, ours)


def _conversion(method: Method, registry: Registry) -> Iterator[Question]:
    call = method.r_equivalent or ""
    assert isinstance(method, Conversion)  # noqa: S101 - of its kind
    words = set(re.findall(r"[A-Za-z][A-Za-z_0-9.]*", call))
    columns: dict[str, FloatArray | str] = {
        name: column for name, column in example_columns(method).items() if name in words
    }

    def ours(given: Columns) -> Numbers:
        sources: dict[str, Any] = {**_arrays(given)}
        made = convert(method.name, registry=registry, **sources)
        return {name: [Held(float(one), 1e-8, 1e-12) for one in column] for name, column in made.items()}

    yield Question("example rows", columns, call, ours, by_row=True)


TABLES: Mapping[type[Method], Callable[[Method, Registry], Iterator[Question]]] = {
    EffectMeasure: _measure,
    Route: _route,
    Correction: _correction,
    PoolingModel: _pool,
    StudyInterval: _study_interval,
    Conversion: _conversion,
}
