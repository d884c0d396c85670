"""The verb `convert`: turn statistics that were reported into those that are needed, by name of the conversion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth.errors import DataError, PluginError, Problem
from evisynth.pooling import call
from evisynth.records import Conversion
from evisynth.registry import Registry, default_registry
from evisynth.tables import number_column

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from evisynth.kernels.arrays import FloatArray, IntArray


def convert(
    name: str,
    /,
    *,
    by: Sequence[Hashable] | None = None,
    registry: Registry | None = None,
    **columns: Any,  # noqa: ANN401 - a number or a column of them
) -> dict[str, FloatArray]:
    """Convert columns of statistics, such as ``convert("wan-iqr", median=…, q1=…, q3=…, n=…)`` → ``mean``, ``sd``.

    A column is one number or one per row, missing values as None, NaN or an empty text; a single number stands for all
    rows. Gives the conversion's targets by name, each ``(k,)``, NaN where an input is missing or where the numbers do
    not determine the target. A conversion that joins rows (the points of a curve, several groups) gives one row, or
    one for each key of ``by``, in the order in which they first come. Raises `UnknownMethodError` for another
    conversion and `DataError` for columns that it does not take or lacks, that differ in length or that hold
    impossible values, naming every row.
    """
    registry = registry or default_registry()
    record = registry.get(Conversion, name)
    _check_names(record, columns)
    problems: list[Problem] = []
    arrays = {key: one_column(key, values, problems) for key, values in columns.items()}
    if problems:
        summary = f"conversion {record.name!r} was given values that are not numbers"
        raise DataError(summary, problems)
    lengths = {key: array.size for key, array in arrays.items() if array.size != 1}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{key} {length}" for key, length in lengths.items())
        summary = f"the columns differ in length: {shown}"
        raise DataError(summary)
    rows = next(iter(lengths.values()), 1)
    given = {key: np.broadcast_to(array, (rows,)) for key, array in arrays.items()}
    if record.joins_rows:
        return _joined(registry, record, given, _parts(by, rows))
    if by is not None:
        summary = f"conversion {record.name!r} takes each row on its own: leave out by"
        raise DataError(summary)
    return dict(zip(record.targets, _converted(registry, record, given, rows), strict=True))


def _converted(
    registry: Registry, record: Conversion, given: dict[str, FloatArray], rows: int
) -> tuple[FloatArray, ...]:
    # Numbers at the ends of the range of doubles overflow on their way; a result beyond it is no number.
    with np.errstate(all="ignore"):
        made = call(registry, record, **given)
    values = tuple(np.asarray(column, dtype=np.float64) for column in made)
    if len(values) != len(record.targets) or any(column.shape != (rows,) for column in values):
        shapes = ", ".join(str(column.shape) for column in values)
        msg = (
            f"Conversion {record.name!r} of plugin {registry.provider(record)} gave arrays of shape {shapes}: "
            f"expected one of shape ({rows},) for each of {', '.join(record.targets)}"
        )
        raise PluginError(msg)
    return values if record.infinite else tuple(np.where(np.isinf(column), np.nan, column) for column in values)


def _parts(by: Sequence[Hashable] | None, rows: int) -> list[IntArray]:
    """List the rows of each key, in the order in which the keys first come."""
    if by is None:
        return [np.arange(rows)]
    if len(by) != rows:
        summary = f"the columns differ in length: by {len(by)}, the others {rows}"
        raise DataError(summary)
    found: dict[Hashable, list[int]] = {}
    for row, key in enumerate(by):
        found.setdefault(key, []).append(row)
    return [np.array(part) for part in found.values()]


def _joined(
    registry: Registry, record: Conversion, given: dict[str, FloatArray], parts: list[IntArray]
) -> dict[str, FloatArray]:
    made: list[tuple[FloatArray, ...]] = []
    problems: list[Problem] = []
    summary = ""
    for part in parts:
        try:
            made.append(_converted(registry, record, {key: column[part] for key, column in given.items()}, 1))
        except DataError as error:
            # The function counts the rows that it was given.
            summary = summary or error.summary
            problems += [
                attrs.evolve(problem, row=None if problem.row is None else int(part[problem.row - 1]) + 1)
                for problem in error.problems
            ]
    if summary:
        problems.sort(key=lambda problem: problem.row or 0)
        raise DataError(summary, problems)
    return {name: np.array([values[i][0] for values in made]) for i, name in enumerate(record.targets)}


def one_column(name: str, values: Any, problems: list[Problem]) -> FloatArray:  # noqa: ANN401 - a number or a column
    """Read one number or a column of them, ``(k,)``; what is no number is added to ``problems``."""
    return number_column(name, _items(values), problems, study=None)


def _items(values: Any) -> Iterable[Any]:  # noqa: ANN401 - a number or a column of them
    if hasattr(values, "ndim") and values.ndim < 2:  # noqa: PLR2004 - arrays and what counts as one, and their numbers
        return values if values.ndim else [values.item()]
    return list(values) if hasattr(values, "__iter__") and not isinstance(values, str | bytes) else [values]


def _check_names(record: Conversion, columns: dict[str, Any]) -> None:
    needed = [name for name in record.sources if record.parameters[name].default is record.parameters[name].empty]
    problems = [Problem(None, None, name, None, "is missing") for name in needed if name not in columns]
    problems += [
        Problem(None, None, name, None, "is not a column it takes") for name in columns if name not in record.sources
    ]
    if problems:
        summary = f"conversion {record.name!r} takes {', '.join(record.sources)}"
        raise DataError(summary, problems)
