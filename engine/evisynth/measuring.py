"""Measure every row of a table: by the measure's own columns, or by another route that the row's columns allow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth.across_rows import Analyses, Average, Increments
from evisynth.cells import Cells, CorrectedCells
from evisynth.columns import COUNTS, NUMERIC
from evisynth.errors import CombinationError, DataError, PluginError, Problem
from evisynth.kernels.arrays import FloatArray, read_only
from evisynth.pooling import call
from evisynth.records import GIVEN, Correction, EffectMeasure, Route
from evisynth.scales import Scale, scale_of
from evisynth.studies import (
    MISSING_VALUE,
    NO_PARTICIPANTS,
    Effects,
    FilledColumns,
    MeasuredEffects,
    Reasons,
    Studies,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from evisynth.kernels.arrays import BoolArray, IntArray
    from evisynth.registry import Registry
    from evisynth.settings import Settings

CONVENTIONS = ("smd_correction", "rom_correction", "smd_variance", "zero_sd")
NO_EFFECT = "no effect can be computed"
BEYOND = "the effect given lies beyond what this measure can be"
ZERO_CELL = "a cell is 0, and nothing is added to it"
NO_EVENTS = "no events in either arm"
OF_EVENTS = "states an effect on events, which no table turns into one on non-events"
NO_TABLE = "has no 2×2 table, only statistics of it: choose method 'IV'"


def measure_studies(studies: Studies, settings: Settings, registry: Registry) -> Effects:
    """Measure the rows of a table of studies."""
    record = registry.get(EffectMeasure, settings.measure or "GEN")
    _refuse_texts(record, studies)
    measured = measure_columns(studies.columns, settings, registry, studies.source or "the table", studies.text)
    reasons: dict[int, str] = {}
    for mask, reason in measured.without_effect:
        for i in np.nonzero(mask)[0].tolist():
            reasons.setdefault(i, reason)
    return Effects(
        measured.y,
        measured.v,
        studies=studies,
        measure=record.name,
        label=settings.effect_label or record.label,
        scale=settings.scale if record.scale == "given" else record.scale,
        reasons=dict(sorted(reasons.items())),
        cells=measured.cells,
        plugin=str(registry.provider(record)),
        made_by=settings,
        routes=measured.routes,
    )


@attrs.frozen(eq=False)
class MeasuredColumns:
    """Hold the effects of a long table, ``y`` and ``v`` NaN where there is none, with the reasons in order."""

    y: FloatArray
    v: FloatArray
    without_effect: Reasons
    cells: CorrectedCells | None
    routes: Mapping[int, str] = attrs.field(factory=dict[int, str])
    """Rows (from 0) that took another route than the measure's own columns, with its name."""


def measure_columns(
    columns: Mapping[str, FloatArray],
    settings: Settings,
    registry: Registry,
    source: str = "the table",
    others: Iterable[str] = (),
    analyses: Analyses | None = None,
) -> MeasuredColumns:
    """Compute the effects of all rows at once; raises `DataError` for columns that are needed and absent.

    Raises `CombinationError` for events to be swapped where the measure has no 2×2 tables.

    ``analyses`` tells which rows belong together, for what a row takes from the others; None: all.
    """
    record = registry.get(EffectMeasure, settings.measure or "GEN")
    if settings.swap_events and not record.counts:
        msg = f"swap_events turns 2×2 tables, and measure {record.name!r} has none: swap the counts in the table"
        raise CombinationError(msg)
    if not columns:
        _refuse_absent(record, columns, source, others)
    shape = next(iter(columns.values())).shape if columns else (0,)
    taken = _routes_taken(record, columns, registry, shape)
    if not taken:
        _refuse_absent(record, columns, source, others)
        return _own(record, columns, settings, registry, analyses or Analyses(), shape)
    return _along(taken, record, columns, settings, registry, analyses or Analyses())


def _own(
    record: EffectMeasure,
    columns: Mapping[str, FloatArray],
    settings: Settings,
    registry: Registry,
    analyses: Analyses,
    shape: tuple[int, ...],
) -> MeasuredColumns:
    """Measure by the measure's own columns."""
    rule = _rule(settings, registry, analyses)
    rules: list[tuple[BoolArray, str]] = [
        (np.isnan(columns[name]), MISSING_VALUE.format(column=name)) for name in record.columns
    ]
    inputs: dict[str, Any] = {name: columns[name] for name in record.parameters if name in columns}
    cells = None
    if not record.counts and {"time_1", "time_2"} <= {*record.columns}:
        dropped = settings.double_zeros == "dropped"
        by_rule = settings.method in registry.get(Correction, settings.correction).rates_without_events
        if dropped or (by_rule and settings.double_zeros == "by correction"):
            rules.append(((columns["events_1"] == 0) & (columns["events_2"] == 0), NO_EVENTS))
    if record.counts:
        raw = raw_cells(columns, swap=settings.swap_events)
        rules.extend(_empty_arms(raw))
        cells = _corrected(registry, raw, record, settings, rule)
        inputs["cells"] = cells
        rules.extend(cells.without_effect)
    available = {**options_of(settings), "increments": rule, "average": Average(analyses)}
    inputs |= record.named_inputs(available)
    made = _asked(registry, record, inputs, shape)
    if not isinstance(made, MeasuredEffects):
        msg = f"EffectMeasure {record.name!r} of plugin {registry.provider(record)} gave columns, not effects"
        raise PluginError(msg)
    rules.extend(made.without_effect)
    bad = ~np.isfinite(made.y) | ~(made.v > 0)
    if bad.any():
        rules.append((bad & _zero_cells(record, columns, cells), ZERO_CELL))
    return _with_reasons(made, rules, cells)


def _zero_cells(record: EffectMeasure, columns: Mapping[str, FloatArray], cells: CorrectedCells | None) -> BoolArray:
    """Find rows with a cell of 0, for which a measure has no effect where nothing is added."""
    if cells is not None:
        return cells.raw.any_zero
    counted = [name for name in record.columns if name in COUNTS and name != "n"]
    shape = next(iter(columns.values())).shape
    zero = np.any([columns[name] == 0 for name in counted], axis=0) if counted else np.zeros(shape, dtype=np.bool_)
    if {"events", "n"} <= {*record.columns}:
        zero = zero | (columns["events"] == columns["n"])
    return np.asarray(zero, dtype=np.bool_)


def _asked(
    registry: Registry, record: EffectMeasure | Route, inputs: Mapping[str, Any], shape: tuple[int, ...]
) -> MeasuredEffects | FilledColumns:
    """Ask a measure or a route, and check that it answers for every row."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        made: MeasuredEffects | FilledColumns = call(registry, record, **inputs)
    if isinstance(made, MeasuredEffects):
        made = attrs.evolve(made, y=np.asarray(made.y, dtype=np.float64), v=np.asarray(made.v, dtype=np.float64))
    arrays = made.columns.values() if isinstance(made, FilledColumns) else (made.y, made.v)
    shapes = {*map(np.shape, arrays), *(np.shape(mask) for mask, _ in made.without_effect)}
    if shapes != {shape}:
        msg = (
            f"{record.kind} {record.name!r} of plugin {registry.provider(record)} gave arrays of shape "
            f"{', '.join(map(str, sorted(shapes)))} for columns of shape {shape}: one effect per study"
        )
        raise PluginError(msg)
    return made


def _with_reasons(
    made: MeasuredEffects, rules: list[tuple[BoolArray, str]], cells: CorrectedCells | None
) -> MeasuredColumns:
    y, v = made.y, made.v
    rules.append((~np.isfinite(y) | ~(v > 0) | ~np.isfinite(v), NO_EFFECT))
    held = tuple((mask, reason) for mask, reason in rules if mask.any())
    if held:
        absent = np.logical_or.reduce([mask for mask, _ in held])
        y, v = np.where(absent, np.nan, y), np.where(absent, np.nan, v)
    return MeasuredColumns(read_only(y), read_only(v), held, cells)


# -- routes -----------------------------------------------------------------------------------------------------------


def _complete(names: Iterable[str], columns: Mapping[str, FloatArray], shape: tuple[int, ...]) -> BoolArray:
    """Find rows that have a value in every column named."""
    rows = np.ones(shape, dtype=np.bool_)
    for name in names:
        if name not in columns:
            return np.zeros(shape, dtype=np.bool_)
        rows &= ~np.isnan(columns[name])
    return rows


def _own_rows(record: EffectMeasure, columns: Mapping[str, FloatArray], shape: tuple[int, ...]) -> BoolArray:
    return _complete(record.columns, columns, shape)


def _routes_taken(
    record: EffectMeasure, columns: Mapping[str, FloatArray], registry: Registry, shape: tuple[int, ...]
) -> list[tuple[Route, BoolArray]]:
    """Find the rows that lack what the measure needs and that another route can take, each by the first that can."""
    if not record.columns:
        return []  # its own columns are alternatives to one another
    routes = [
        route
        for route in registry.all(Route)
        if (route.measures is None or record.name in route.measures) and all(name in columns for name in route.columns)
    ]
    if not routes:
        return []
    pending = ~_own_rows(record, columns, shape)
    taken: list[tuple[Route, BoolArray]] = []
    for route in routes:
        if not pending.any():
            break
        rows = pending & _complete(route.columns, columns, shape)
        if rows.any():
            taken.append((route, rows))
            pending &= ~rows
    return taken


def has_effects_alone(columns: Mapping[str, FloatArray], record: EffectMeasure, registry: Registry) -> bool:
    """Tell whether some row has an effect by a route that gives none of the measure's own columns."""
    shape = next(iter(columns.values())).shape if columns else (0,)
    return any(not route.fills for route, _ in _routes_taken(record, columns, registry, shape))


def _along(
    taken: list[tuple[Route, BoolArray]],
    record: EffectMeasure,
    columns: Mapping[str, FloatArray],
    settings: Settings,
    registry: Registry,
    analyses: Analyses,
) -> MeasuredColumns:
    """Take other routes where rows need them, and measure the rest by the measure's own columns."""
    shape = next(iter(columns.values())).shape
    filled = {name: columns.get(name, np.full(shape, np.nan)) for name in (*columns, *record.columns)}
    y, v = np.full(shape, np.nan), np.full(shape, np.nan)
    reasons: list[tuple[BoolArray, str]] = []
    routes: dict[int, str] = {}
    elsewhere = np.zeros(shape, dtype=np.bool_)
    scale = scale_of(settings.scale if record.scale == GIVEN else record.scale)
    options = {**options_of(settings), "forward": forward_of(record, settings), "null": scale.null}
    for route, rows in taken:
        at = np.nonzero(rows)[0]
        routes.update(dict.fromkeys(at.tolist(), route.name))
        inputs = {name: read_only(columns[name][at]) for name in route.parameters if name in columns}
        made = _asked(registry, route, {**inputs, **route.named_inputs(options)}, at.shape)
        reasons.extend((_spread(mask, at, shape), reason) for mask, reason in made.without_effect)
        if isinstance(made, FilledColumns):
            if not route.fills:
                msg = f"Route {route.name!r} of plugin {registry.provider(route)} fills columns: say so, fills=True"
                raise PluginError(msg)
            for name, values in made.columns.items():
                whole = filled[name].copy()
                whole[at] = values
                filled[name] = read_only(whole)
            continue
        elsewhere |= rows
        measured = _with_reasons(made, [*made.without_effect, (_beyond(made.y, scale), BEYOND)], None)
        y[at], v[at] = measured.y, measured.v
        reasons.extend((_spread(mask, at, shape), reason) for mask, reason in measured.without_effect)
        if settings.method != "IV":
            reasons.append((rows, NO_TABLE))
        if settings.swap_events:
            reasons.append((rows, OF_EVENTS))
    own = _own(record, filled, settings, registry, analyses, shape)
    reasons.extend((mask & ~elsewhere, reason) for mask, reason in own.without_effect)
    if settings.method != "IV" or settings.swap_events:
        y[elsewhere] = v[elsewhere] = np.nan
    y, v = np.where(elsewhere, y, own.y), np.where(elsewhere, v, own.v)
    held = tuple((mask, reason) for mask, reason in reasons if mask.any())
    return MeasuredColumns(read_only(y), read_only(v), held, own.cells, dict(sorted(routes.items())))


def _beyond(y: FloatArray, scale: Scale) -> BoolArray:
    """Find effects that lie beyond what the measure can be: shown, they would be something else."""
    if not scale.as_shown:
        return np.zeros(y.shape, dtype=np.bool_)
    return np.asarray(np.isfinite(y) & (np.asarray(scale.back(y)) != y))


def _spread(mask: BoolArray, at: IntArray, shape: tuple[int, ...]) -> BoolArray:
    whole = np.zeros(shape, dtype=np.bool_)
    whole[at[mask]] = True
    return whole


def forward_of(record: EffectMeasure, settings: Settings) -> Callable[[FloatArray], FloatArray]:
    """Give the function that brings numbers as they are shown to the analysis scale; NaN where there is none."""
    scale = scale_of(settings.scale if record.scale == GIVEN else record.scale)
    if scale.forward is None or scale.size is not None:
        return _nowhere
    return scale.forward


def _nowhere(shown: FloatArray) -> FloatArray:
    return np.full(np.shape(shown), np.nan)


# -- what a measure may ask for ---------------------------------------------------------------------------------------


def _refuse_absent(
    record: EffectMeasure, columns: Mapping[str, FloatArray], source: str, others: Iterable[str]
) -> None:
    absent = [
        f"{name} (or {', '.join(NUMERIC[name][:3])})" if NUMERIC[name] else name
        for name in record.columns
        if name not in columns
    ]
    if absent:
        have = ", ".join((*columns, *others)) or "none"
        summary = f"measure {record.name} needs columns that {source} lacks; it has {have}"
        raise DataError(summary, [Problem(None, None, name, None, "is missing") for name in absent])


def _refuse_texts(record: EffectMeasure, studies: Studies) -> None:
    """Raise `DataError` for a column of the measure's that is there and holds texts."""
    problems = [problem for name in record.columns for problem in studies.unread.get(name, ())]
    if problems:
        summary = f"measure {record.name} needs columns that hold values which are not numbers"
        raise DataError(summary, problems)


def options_of(settings: Settings) -> Mapping[str, object]:
    """Give what the settings say to measures and routes; without a variance type, theirs is the default."""
    conventions = {name: getattr(settings, name) for name in CONVENTIONS}
    vtype = {} if settings.vtype is None else {"vtype": settings.vtype}
    return {"level": settings.given_level, "scale": settings.scale, **conventions, **vtype}


def raw_cells(columns: Mapping[str, FloatArray], *, swap: bool = False) -> Cells:
    """Make 2×2 cells of the columns of events and totals; ``swap`` counts non-events as events."""
    a, c = columns["events_1"], columns["events_2"]
    b, d = columns["n_1"] - a, columns["n_2"] - c
    return Cells(b, a, d, c) if swap else Cells(a, b, c, d)


def _rule(settings: Settings, registry: Registry, analyses: Analyses) -> Increments:
    adds = registry.get(Correction, settings.correction).adds
    return Increments(settings.increment if adds else 0.0, settings.increment_to, analyses)


def _corrected(
    registry: Registry, raw: Cells, measure: EffectMeasure, settings: Settings, rule: Increments
) -> CorrectedCells:
    correction = registry.get(Correction, settings.correction)
    choices = {"double_zeros": settings.double_zeros, "mh_increment": settings.mh_increment}
    inputs = correction.inputs(raw, measure, settings.method, rule, **choices)
    with np.errstate(invalid="ignore"):
        made: CorrectedCells = call(registry, correction, raw, **inputs)
    if made.kept_in_sums is None:
        return made
    return attrs.evolve(made, kept_in_sums=made.kept_in_sums & (raw.n_1 > 0) & (raw.n_2 > 0))


def _empty_arms(raw: Cells) -> Reasons:
    one, two = raw.n_1 == 0, raw.n_2 == 0
    arms = ((one & two, "either arm"), (one, "arm 1"), (two, "arm 2"))
    return tuple((mask, NO_PARTICIPANTS.format(arms=name)) for mask, name in arms)
