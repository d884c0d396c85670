"""The verb `convert`: turn statistics that were reported into those that are needed, by name of the conversion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evisynth.errors import DataError, PluginError, Problem
from evisynth.pooling import call
from evisynth.records import Conversion
from evisynth.registry import Registry, default_registry
from evisynth.tables import number_column

if TYPE_CHECKING:
    from evisynth.kernels.arrays import FloatArray


def convert(
    name: str,
    /,
    *,
    registry: Registry | None = None,
    **columns: Any,  # noqa: ANN401 - a number or a column of them
) -> dict[str, FloatArray]:
    """Convert columns of statistics, such as ``convert("wan-iqr", median=…, q1=…, q3=…, n=…)`` → ``mean``, ``sd``.

    A column is one number or one per row, missing values as None, NaN or an empty text; a single number stands for all
    rows. Gives the conversion's targets by name, each ``(k,)``, NaN where an input is missing. Raises
    `UnknownMethodError` for another conversion and `DataError` for columns that it does not take or lacks, that
    differ in length or that hold impossible values, naming every row.
    """
    registry = registry or default_registry()
    record = registry.get(Conversion, name)
    _check_names(record, columns)
    problems: list[Problem] = []
    arrays = {key: number_column(key, _items(values), problems, study=None) for key, values in columns.items()}
    if problems:
        summary = f"conversion {record.name!r} was given values that are not numbers"
        raise DataError(summary, problems)
    lengths = {key: array.size for key, array in arrays.items() if array.size != 1}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{key} {length}" for key, length in lengths.items())
        summary = f"the columns differ in length: {shown}"
        raise DataError(summary)
    rows = next(iter(lengths.values()), 1)
    made = call(registry, record, **{key: np.broadcast_to(array, (rows,)) for key, array in arrays.items()})
    values = tuple(np.asarray(column, dtype=np.float64) for column in made)
    if len(values) != len(record.targets) or any(column.shape != (rows,) for column in values):
        shapes = ", ".join(str(column.shape) for column in values)
        msg = (
            f"Conversion {record.name!r} of plugin {registry.provider(record)} gave arrays of shape {shapes}: "
            f"expected one of shape ({rows},) for each of {', '.join(record.targets)}"
        )
        raise PluginError(msg)
    return dict(zip(record.targets, values, strict=True))


def _items(values: Any) -> list[Any]:  # noqa: ANN401 - a number or a column of them
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
