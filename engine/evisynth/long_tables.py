"""Take the columns of a long table, whatever kind it is, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from evisynth.columns import ALWAYS_NUMBERS, NUMERIC, find_roles
from evisynth.errors import DataError, Problem
from evisynth.kernels.arrays import FloatArray, read_only
from evisynth.tables import number_column

if TYPE_CHECKING:
    from collections.abc import Callable


def long_columns(
    data: Any,  # noqa: ANN401 - anything with columns
    by: Any,  # noqa: ANN401 - a column's name, or the keys themselves
    effects: Mapping[str, Any],
    roles: Mapping[str, str] | None,
    others: Mapping[str, Any] | None = None,
) -> tuple[dict[str, FloatArray], Any]:
    """Give the numeric columns by canonical name, and the keys.

    ``effects`` maps ``yi``, ``vi``, ``sei`` to a column's name, an array or None; ``others`` are taken beside whatever
    columns the effects come from. Raises `DataError` for columns that
    are not there or differ in length.
    """
    headings = _open(data)
    columns: dict[str, FloatArray] = {}
    given = {role: value for role, value in effects.items() if value is not None}
    if not given:
        named = {**find_roles(headings), **(roles or {})}
        given = {role: heading for role, heading in named.items() if role in NUMERIC and heading != by}
    if not given:
        have = ", ".join(map(repr, headings)) or "none"
        summary = f"fit_many needs effects (y and v or se) or the columns of a measure; columns there are: {have}"
        raise DataError(summary)
    given |= {role: value for role, value in (others or {}).items() if value is not None}
    asked = {*effects, *(roles or {}), *(others or {}), *ALWAYS_NUMBERS}
    for role, value in given.items():
        heading = value if isinstance(value, str) else None
        column = _column(headings, heading) if heading is not None else value
        try:
            columns[role] = _numbers(role, column)
        except DataError:
            # A column that only happens to be called "p" or "total" may hold texts.
            if role in asked:
                raise
    keys = _column(headings, by) if isinstance(by, str) else by
    lengths = {name: len(column) for name, column in columns.items()} | ({} if keys is None else {"by": len(keys)})
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name} {length}" for name, length in lengths.items())
        summary = f"the columns differ in length: {shown}"
        raise DataError(summary)
    return columns, np.zeros(next(iter(lengths.values())), dtype=np.int64) if keys is None else keys


def _open(data: Any) -> Mapping[str, Callable[[], Any]]:  # noqa: ANN401 - anything with columns
    """Map each heading to a function that takes its column out, so that only those in use are."""
    if data is None:
        return {}
    if isinstance(data, Mapping):
        held = cast("Mapping[str, Any]", data)
        return {str(name): partial(held.__getitem__, name) for name in held}
    if type(data).__module__.partition(".")[0] == "pandas":
        return {str(name): partial(data.__getitem__, name) for name in data.columns}
    import narwhals as nw  # noqa: PLC0415 - only for frames of other kinds

    frame = nw.from_native(data, eager_only=True)
    return {name: partial(_as_array, frame, name) for name in frame.columns}


def _as_array(frame: Any, name: str) -> Any:  # noqa: ANN401 - narwhals' own frames and arrays
    return frame[name].to_numpy()


def _column(headings: Mapping[str, Callable[[], Any]], name: str) -> Any:  # noqa: ANN401 - a column of any kind
    if name not in headings:
        summary = "a column asked for is not there"
        have = ", ".join(map(repr, headings)) or "none"
        raise DataError(summary, [Problem(None, None, name, None, f"no such column; there are {have}")])
    return headings[name]()


def _numbers(role: str, values: Any) -> FloatArray:  # noqa: ANN401 - a column of any kind
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        problems: list[Problem] = []
        array = number_column(role, values, problems, None)
        if problems:
            summary = f"column {role} holds values that are not numbers"
            raise DataError(summary, problems) from None
    if array.ndim != 1:
        summary = f"{role} is one number a row, not an array of shape {array.shape}"
        raise DataError(summary)
    return read_only(array)
