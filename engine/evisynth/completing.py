"""The verb `complete`: fill what a table lacks by conversions of what was reported, arm by arm and row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth.columns import NUMERIC
from evisynth.converting import convert
from evisynth.errors import CombinationError, DataError, Problem, SettingsError
from evisynth.kernels.arrays import read_only
from evisynth.loading import load_studies
from evisynth.records import Conversion
from evisynth.registry import Registry, default_registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evisynth.kernels.arrays import BoolArray, FloatArray
    from evisynth.studies import Studies

ARMS = ("_1", "_2", "")
"""What names of an arm's columns end with; without an ending, the column is of one group or of both arms together."""


def complete(
    data: object,
    *names: str,
    registry: Registry | None = None,
    **options: float,
) -> Studies:
    """Fill missing numbers by conversions, in the order named: ``complete(studies, "wan-iqr", "se-to-sd")``.

    ``data`` is a `Studies` or whatever `load` reads. A conversion whose sources are ``median, q1, q3, n`` and whose
    targets ``mean, sd`` fills ``mean_1, sd_1`` from ``median_1, q1_1, q3_1, n_1``, likewise arm 2 and one group. It
    fills rows in which some target is missing and every source is there; a number that was entered stays. ``options``
    are numbers for optional sources (``correlation=0.5``). What was filled from what is kept in ``origins`` and stands
    in the result. Raises `CombinationError` for a conversion that makes no columns of a table or whose sources the
    table lacks altogether, `SettingsError` for an option that none takes, and `DataError` as the conversion does,
    naming studies.
    """
    registry = registry or default_registry()
    studies = load_studies(data, registry=registry)
    records = [registry.get(Conversion, name) for name in names]
    taken = {source for record in records for source in record.sources}
    unknown = [option for option in options if option not in taken]
    if unknown:
        msg = f"no conversion named takes {', '.join(unknown)}; they take {', '.join(sorted(taken)) or 'nothing'}"
        raise SettingsError(msg)
    for record in records:
        studies = _filled(studies, record, options, registry)
    return studies


def _filled(studies: Studies, record: Conversion, options: Mapping[str, float], registry: Registry) -> Studies:
    if record.joins_rows:
        msg = f"conversion {record.name!r} joins rows into one and cannot fill them: use convert(…, by=…)"
        raise CombinationError(msg)
    ends = [end for end in ARMS if any(f"{target}{end}" in NUMERIC for target in record.targets)]
    if not ends:
        msg = f"conversion {record.name!r} gives {', '.join(record.targets)}, which are no columns of a table"
        raise CombinationError(msg)
    required = [name for name, p in record.parameters.items() if p.default is p.empty]
    ready = [end for end in ends if all(_source(studies, record, name, end, options) is not None for name in required)]
    if not ready:
        have = ", ".join(studies.columns) or "none"
        msg = f"conversion {record.name!r} needs {', '.join(required)} (of an arm: {required[0]}_1, …); columns: {have}"
        raise CombinationError(msg)
    columns = dict(studies.columns)
    origins = {row: list(said) for row, said in studies.origins.items()}
    notes = list(studies.notes)
    for end in ready:
        filled = _fill_arm(studies, record, end, options, registry, columns, origins, notes)
        notes += _objections(studies, record, end, registry, filled)
    said = {row: tuple(lines) for row, lines in sorted(origins.items())}
    used = studies.conversions if said == studies.origins else (*studies.conversions, record.name)
    return attrs.evolve(
        studies, columns=columns, origins=said, notes=tuple(notes), conversions=tuple(dict.fromkeys(used))
    )


def _source(
    studies: Studies, record: Conversion, name: str, end: str, options: Mapping[str, float]
) -> FloatArray | None:
    """Find a source's column: the arm's own, or (of what has a default) one without an arm; else an option."""
    column = _column(studies, record, name, end)
    if column is not None:
        return studies.columns[column]
    return np.full(len(studies), float(options[name])) if name in options else None


def _column(studies: Studies, record: Conversion, name: str, end: str) -> str | None:
    parameter = record.parameters[name]
    # Sample sizes without an arm are of another sample.
    names = (f"{name}{end}",) if parameter.default is parameter.empty else (f"{name}{end}", name)
    return next((column for column in names if column in studies.columns), None)


def _fill_arm(
    studies: Studies,
    record: Conversion,
    end: str,
    options: Mapping[str, float],
    registry: Registry,
    columns: dict[str, FloatArray],
    origins: dict[int, list[str]],
    notes: list[str],
) -> list[int]:
    """Fill the rows of an arm; gives them. What a conversion makes beside columns stands in the origin.

    ``notes`` get the studies that have what the conversion needs and that it makes nothing of.
    """
    sources = {
        name: column for name in record.sources if (column := _source(studies, record, name, end, options)) is not None
    }
    targets = [f"{target}{end}" for target in record.targets if f"{target}{end}" in NUMERIC]
    lacking = _any_missing(targets, columns, len(studies))
    needed = [name for name, p in record.parameters.items() if p.default is p.empty]
    there = ~_any_missing(needed, sources, len(studies))
    at = np.nonzero(lacking & there)[0]
    if not at.size:
        return []
    given: dict[str, Any] = {name: column[at] for name, column in sources.items()}
    try:
        made = convert(record.name, registry=registry, **given)
    except DataError as error:
        raise _with_studies(error, studies, at, end) from error
    written: dict[int, list[str]] = {}
    beside = {target: values for target, values in made.items() if f"{target}{end}" not in targets}
    for target, values in zip(targets, (made[name] for name in made if name not in beside), strict=True):
        whole = columns[target].copy() if target in columns else np.full(len(studies), np.nan)
        new = np.isnan(whole[at]) & np.isfinite(values)
        whole[at[new]] = values[new]
        columns[target] = read_only(whole)
        for row in at[new].tolist():
            written.setdefault(row, []).append(target)
    names = ", ".join(_column(studies, record, name, end) or f"{name} {options[name]:g}" for name in sources)
    formula = f": {record.formula}" if record.formula else ""
    of_row = dict(zip(at.tolist(), range(at.size), strict=True))
    for row, filled in written.items():
        found = ", ".join(f"{target} {record.label(target, values[of_row[row]])}" for target, values in beside.items())
        more = f" ({found})" if found else ""
        origins.setdefault(row, []).append(f"{', '.join(filled)} from {names} by {record.name}{more}{formula}")
    nothing = ", ".join(studies.study[row] for row in at.tolist() if row not in written)
    if nothing:
        notes.append(f"{nothing}: {record.name} gives no {' or '.join(targets)} for these numbers")
    return list(written)


def _objections(
    studies: Studies, record: Conversion, end: str, registry: Registry, rows: Sequence[int]
) -> Iterable[str]:
    """Say where the data object to a conversion that filled rows of an arm."""
    if record.tested_by is None or not rows:
        return
    test = registry.get(Conversion, record.tested_by)
    sources: dict[str, Any] = {name: studies.columns[f"{name}{end}"][list(rows)] for name in test.sources}
    made = convert(test.name, registry=registry, **sources)
    for i, row in enumerate(rows):
        if made["skewed"][i] == 1:
            names = ", ".join(f"{name}{end}" for name in test.sources if name != "n")
            numbers = f"statistic {made['statistic'][i]:.3g}, critical value {made['critical_value'][i]:.3g}"
            said = f"{names} are skewed ({test.name}: {numbers}), which {record.name} does not allow for"
            yield f"{studies.study[row]}: {said}"


def _any_missing(names: Iterable[str], columns: Mapping[str, FloatArray], k: int) -> BoolArray:
    missing = np.zeros(k, dtype=np.bool_)
    for name in names:
        missing |= np.isnan(columns[name]) if name in columns else True
    return missing


def _with_studies(error: DataError, studies: Studies, at: np.ndarray[Any, Any], end: str) -> DataError:
    """Say which studies a conversion's rows are."""
    problems = [
        Problem(
            problem.row if problem.row is None else int(at[problem.row - 1]) + 1,
            problem.study if problem.row is None else studies.study[int(at[problem.row - 1])],
            problem.column if problem.column is None else f"{problem.column}{end}",
            problem.value,
            problem.message,
        )
        for problem in error.problems
    ]
    return DataError(error.summary, problems)
