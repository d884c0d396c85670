"""Take tables that are in memory already: data frames of any library, mappings of columns, lists of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from evisynth import Converter, FormatError, Source, Table, holds_numbers, hookimpl

MOST_CELLS = 20_000_000
"""Cells of a list of rows, each of which may bring a name of its own."""
_FRAMES = frozenset({"DataFrame", "LazyFrame", "Table", "RecordBatch", "DuckDBPyRelation"})
_TO_LIST = ("to_pylist", "to_list", "tolist")


def recognises(source: Source) -> float:
    """Look at the kind of value, without importing the library that made it."""
    value = source.value
    if isinstance(value, Mapping) or _is_frame(value):
        return 1.0
    rows = isinstance(value, list | tuple) and all(isinstance(row, Mapping) for row in cast("Sequence[object]", value))
    return 1.0 if rows else 0.0


def read(source: Source) -> Table:
    """Take the columns as lists of plain values. Raises `FormatError` for columns that are no columns."""
    value = source.value
    if isinstance(value, Mapping):
        return Table(columns_of_mapping(cast("Mapping[object, object]", value)))
    if isinstance(value, list | tuple):
        return Table(columns_of_rows(cast("Sequence[Mapping[object, object]]", value)))
    return Table(_columns_of_frame(value))


def columns_of_mapping(columns: Mapping[object, object]) -> dict[str, Sequence[Any]]:
    """Check that each column has a name and is a sequence of single values."""
    made: dict[str, Sequence[Any]] = {}
    for name, column in columns.items():
        if not isinstance(name, str):
            msg = f"a column's name is a text, not {name!r}"
            raise FormatError(msg)
        made[name] = _values(name, column)
    return made


def _values(name: str, column: object) -> Sequence[Any]:
    if holds_numbers(column):
        return cast("Sequence[Any]", column)
    convert: Any = next((getattr(column, word) for word in _TO_LIST if hasattr(column, word)), None)
    kind = _kind(column)
    if isinstance(column, str | bytes | Mapping) or (convert is None and not isinstance(column, Sequence)):
        msg = f"column {name!r} is {kind}, not a sequence with a value for every study"
        raise FormatError(msg)
    values: Any = convert() if convert is not None else list(cast("Sequence[object]", column))
    if not isinstance(values, list):
        msg = f"column {name!r} is a single number, not a sequence with a value for every study"
        raise FormatError(msg)
    for value in cast("list[object]", values):
        if isinstance(value, list | tuple | Mapping):
            msg = f"column {name!r} holds {_kind(cast('object', value))} where a single value belongs"
            raise FormatError(msg)
    return cast("list[object]", values)


def columns_of_rows(rows: Sequence[Mapping[object, object]]) -> dict[str, Sequence[Any]]:
    """Turn rows into columns, named in the order of their first appearance; what a row lacks is missing."""
    names = dict.fromkeys(name for row in rows for name in row)
    if len(names) * len(rows) > MOST_CELLS:
        msg = (
            f"{len(rows):,} rows of {len(names):,} names in all are more than {MOST_CELLS:,} cells: no table of studies"
        )
        raise FormatError(msg)
    return columns_of_mapping({name: [row.get(name) for row in rows] for name in names})


def _kind(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeio' else 'a'} {name}"


def _is_frame(value: object) -> bool:
    return hasattr(value, "__narwhals_dataframe__") or any(kind.__name__ in _FRAMES for kind in type(value).__mro__)


def _columns_of_frame(value: Any) -> dict[str, Sequence[Any]]:  # noqa: ANN401 - a frame of any library
    import narwhals as nw  # noqa: PLC0415 - only for frames

    index = getattr(getattr(value, "index", None), "name", None)
    if index is not None and hasattr(value, "reset_index") and index not in value.columns:
        value = value.reset_index()  # a named index of pandas is a column that was set aside
    try:
        frame = nw.from_native(value)
        if isinstance(frame, nw.LazyFrame):
            frame = frame.collect()
        columns = [(str(name), _column_of_frame(frame.get_column(name))) for name in frame.columns]
    except Exception as error:
        msg = f"the {type(value).__module__.partition('.')[0]} {type(value).__name__} cannot be read: {error}"
        raise FormatError(msg) from error
    names = [name for name, _ in columns]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        msg = f"the frame has columns of the same name: {', '.join(map(repr, repeated))}; name each differently"
        raise FormatError(msg)
    return dict(columns)


def _column_of_frame(column: Any) -> Sequence[Any]:  # noqa: ANN401 - narwhals' own columns
    if column.dtype.is_numeric() and not column.dtype.is_decimal() and not column.is_null().any():
        array = column.to_numpy()
        if holds_numbers(array):
            return cast("Sequence[Any]", array)
    return cast("list[Any]", column.to_list())


@hookimpl
def converters() -> list[Converter]:
    """Offer tables in memory."""
    return [
        Converter(
            "frame",
            read,
            recognises=recognises,
            reference="McKinney (2010), Proc. 9th Python in Science Conf. 56-61; narwhals, https://narwhals-dev.github.io/narwhals",
        )
    ]
