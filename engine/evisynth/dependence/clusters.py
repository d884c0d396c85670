"""Put rows that depend on each other together, clusters of one size side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth.errors import DataError
from evisynth.grouping import groups_by_key
from evisynth.kernels.arrays import IntArray, read_only

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth.kernels.arrays import FloatArray
    from evisynth.studies import Effects


@attrs.frozen(eq=False)
class Clusters:
    """Hold which rows belong to which cluster; clusters are numbered from 0 in order of first appearance."""

    labels: tuple[str, ...]
    codes: IntArray
    """The cluster of every row, ``(k,)``."""
    by_size: tuple[tuple[IntArray, IntArray], ...]
    """For each size s that occurs: the numbers of its m clusters, ``(m,)``, and their rows, ``(m, s)``."""


def clusters_of(keys: Sequence[Any] | np.ndarray[Any, Any]) -> Clusters:
    """Group rows by key."""
    groups = groups_by_key(keys)
    counts, starts = groups.counts, groups.starts
    order: IntArray = np.arange(int(counts.sum())) if groups.order is None else groups.order
    by_size: list[tuple[IntArray, IntArray]] = []
    for size in np.unique(counts).tolist():
        which = np.nonzero(counts == size)[0]
        rows: IntArray = order[starts[which][:, None] + np.arange(size)]
        by_size.append((which, rows))
    codes = groups.codes()
    codes.setflags(write=False)
    return Clusters(tuple(str(_plain(key)) for key in groups.keys), codes, tuple(by_size))


def _plain(key: Any) -> Any:  # noqa: ANN401 - a key of any kind
    return int(key) if isinstance(key, float) and key.is_integer() else key


def column_of(effects: Effects | None, values: Any, rows: int, name: str) -> np.ndarray[Any, Any]:  # noqa: ANN401 - a column's name or a column of anything
    """Take a column by name from the table that effects were made of, or as it is given.

    Raises `DataError` for a name that no column has, a length that differs and missing values.
    """
    column = _named(effects, values, name) if isinstance(values, str) else values
    array = np.asarray(column, dtype=None if hasattr(column, "dtype") else _kind(column))
    if array.shape != (rows,):
        summary = f"{name} has {array.size} values for {rows} effects: one of each"
        raise DataError(summary)
    missing = _missing(array)
    if missing:
        summary = f"{name} is missing in row {', '.join(str(i + 1) for i in missing[:10])}"
        raise DataError(summary)
    return array


def number_column_of(effects: Effects | None, values: Any, rows: int, name: str) -> FloatArray:  # noqa: ANN401 - as in `column_of`
    """Take a column of numbers as `column_of` does; raises `DataError` for what is not a finite number."""
    array = column_of(effects, values, rows, name)
    try:
        numbers = read_only(array.astype(np.float64))
    except (TypeError, ValueError):
        summary = f"{name} holds values that are not numbers"
        raise DataError(summary) from None
    if not np.isfinite(numbers).all():
        summary = f"{name} holds values that are not finite"
        raise DataError(summary)
    return numbers


def _kind(column: Any) -> type[object] | None:  # noqa: ANN401 - a column of anything
    """Keep texts beside numbers what they are: numpy would make texts of all."""
    return object if any(isinstance(value, str) or value is None for value in column) else None


def _named(effects: Effects | None, column: str, name: str) -> Any:  # noqa: ANN401 - texts or numbers
    studies = None if effects is None else effects.studies
    if column == "study" and effects is not None:
        return effects.study
    if studies is not None and column in studies.text:
        return studies.text[column]
    if studies is not None and column in studies.columns:
        return studies.columns[column]
    have = "none" if studies is None else ", ".join(("study", *studies.text, *studies.columns))
    summary = f"there is no column {column!r} to take {name} from; columns: {have}"
    raise DataError(summary)


def _missing(array: np.ndarray[Any, Any]) -> list[int]:
    if array.dtype.kind == "f":
        return np.nonzero(np.isnan(array))[0].tolist()
    if array.dtype.kind != "O":
        return []
    return [i for i, value in enumerate(array.tolist()) if value is None or value != value]  # noqa: PLR0124 - NaN
