"""Read tables from JSON files: a mapping of columns, a list of rows, or either under the key ``data``."""

from __future__ import annotations

from typing import TypeGuard, cast

from evisynth import Converter, FormatError, Source, Table, hookimpl, read_json
from evisynth_converters.csv_cells import refuse_wide
from evisynth_converters.frames import columns_of_mapping, columns_of_rows

MOST_BYTES = 16 * 1024 * 1024
"""Largest document that is parsed: two bytes of it may become a hundred in memory."""


def recognises(source: Source) -> float:
    """Go by the suffix, or else by the first character."""
    if source.path is None:
        return 0.0
    opens = source.head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in {b"{", b"["}
    return 0.7 if opens else 0.5 if source.suffix == ".json" else 0.0


def read(source: Source) -> Table:
    """Take the columns. Raises `FormatError` for JSON of another shape, and for a request (a table and more)."""
    if len(source.content) > MOST_BYTES:
        msg = f"{source.name} has {len(source.content):,} bytes; JSON of up to {MOST_BYTES:,} is parsed: save it as CSV"
        raise FormatError(msg)
    value: object = read_json(source.content, source.name)
    if _is_object(value) and (_is_object(value.get("data")) or _is_rows(value.get("data"))):
        words = [word for word in value if word != "data"]
        if words:
            msg = f"{source.name} is a request ({', '.join(map(str, words))} beside data): hand it to `evisynth fit -`"
            raise FormatError(msg)
        value = value["data"]
    if _is_object(value):
        refuse_wide(len(value), source.name)
        return Table(columns_of_mapping(value))
    if _is_rows(value):
        return Table(columns_of_rows(value))
    msg = f"{source.name} is JSON, but neither columns ({{name: [values]}}) nor a list of rows ([{{name: value}}])"
    raise FormatError(msg)


def _is_object(value: object) -> TypeGuard[dict[object, object]]:
    return isinstance(value, dict)


def _is_rows(value: object) -> TypeGuard[list[dict[object, object]]]:
    return isinstance(value, list) and all(isinstance(row, dict) for row in cast("list[object]", value))


@hookimpl
def converters() -> list[Converter]:
    """Offer tables in JSON."""
    return [
        Converter(
            "json",
            read,
            recognises=recognises,
            suffixes=(".json",),
            reference="Bray (2017), The JavaScript Object Notation (JSON) Data Interchange Format, RFC 8259",
        )
    ]
