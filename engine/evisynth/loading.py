"""The verbs `load` and `save`: find the converter of a source or a target, and read or write with it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, overload

from evisynth.archives import write_files
from evisynth.errors import EvisynthError, FormatError, PluginError
from evisynth.pooling import call, call_function
from evisynth.records import Converter
from evisynth.registry import Registry, default_registry
from evisynth.reviews.model import Review
from evisynth.sources import Source, Table
from evisynth.studies import Studies, warn_about
from evisynth.tables import studies_from_table

if TYPE_CHECKING:
    from collections.abc import Mapping


@overload
def load(
    source: str | os.PathLike[str],
    *,
    roles: Mapping[str, str] | None = None,
    format: str | None = None,
    registry: Registry | None = None,
) -> Any: ...  # noqa: ANN401 - what a file holds is known when it has been read


@overload
def load(
    source: object,
    *,
    roles: Mapping[str, str] | None = None,
    format: str | None = None,
    registry: Registry | None = None,
) -> Studies: ...


def load(
    source: Any,
    *,
    roles: Mapping[str, str] | None = None,
    format: str | None = None,  # noqa: A002 - the word of the command line
    registry: Registry | None = None,
) -> Any:
    """Read `Studies` from a table (a path, a DataFrame, a mapping of columns), or a `Review` from a review's files.

    The format is recognised by content; ``format`` names a converter instead. ``roles`` maps canonical names to
    headings (``{"events_1": "deaths treated"}``) where the common ones are not used. Raises `FormatError` for a source
    that nothing can read and `DataError` for impossible values, each with its study and column.
    """
    registry = registry or default_registry()
    if isinstance(source, Studies | Review):
        return source
    held, read = read_source(source, format=format, registry=registry)
    if isinstance(read, Review):
        warn_about(read.notes)
        return read
    studies = read if isinstance(read, Studies) else studies_from_table(read, roles, source=held.name)
    warn_about(studies.notes)
    return studies


def read_source(
    source: Any,  # noqa: ANN401 - converters say what they recognise
    *,
    format: str | None = None,  # noqa: A002 - the word of the command line
    registry: Registry,
) -> tuple[Source, Table | Studies | Review]:
    """Read a source as its converter gives it: a table still holds the texts that stand there."""
    if isinstance(source, str | os.PathLike):
        source = Path(cast("str | os.PathLike[str]", source))
    held = Source(source)
    converter = registry.get(Converter, format) if format is not None else _recognise(held, registry)
    read: Table | Studies | Review = call(registry, converter, held)
    return held, read


def load_studies(
    source: Any,  # noqa: ANN401 - converters say what they recognise
    *,
    roles: Mapping[str, str] | None = None,
    format: str | None = None,  # noqa: A002 - the word of the command line
    registry: Registry | None = None,
) -> Studies:
    """Read one table as `load` does; raises `FormatError` for a whole review, which is many."""
    read = load(source, roles=roles, format=format, registry=registry)
    if isinstance(read, Review):
        msg = (
            f"{read.source or 'this'} is a whole review ({read}), not one table of studies: fit it whole "
            "(`evisynth review FILE`, or `es.fit(review)`), or one outcome (`--outcome 1.2`)"
        )
        raise FormatError(msg)
    return cast("Studies", read)


def save(
    value: Studies | Review,
    path: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002 - the word of the command line
    registry: Registry | None = None,
) -> Path:
    """Write studies or a review in a format that `load` reads, and give the path.

    ``format`` names a converter; else the path's suffix chooses it: among those that write all data of a review, or
    the only one of that suffix. A format of several files makes a folder of that path, or an archive where it ends in
    ``.zip``. Raises `FormatError` for a suffix that no writer has.
    """
    registry = registry or default_registry()
    target = Path(path)
    of_review = isinstance(value, Review)
    writers = {
        converter.name: converter
        for converter in registry.all(Converter)
        if (converter.write_review if of_review else converter.write) is not None
    }
    if format is not None:
        converter = registry.get(Converter, format)
    else:
        suffix = target.suffix.lower()
        fitting = [one for one in writers.values() if suffix in (one.suffixes or ("",))]
        whole = [one for one in fitting if one.whole_review or not of_review]
        # Of several that write a part each, none is meant; the only one of its suffix is.
        fitting = whole or (fitting if len(fitting) == 1 else [])
        if not fitting:
            known = ", ".join(f"{one.name} ({', '.join(one.suffixes) or 'a folder'})" for one in writers.values())
            msg = f"no format of a {type(value).__name__.lower()} has files {suffix or 'without a suffix'}: {known}"
            raise FormatError(msg)
        converter = fitting[0]
    writer: Any = converter.write_review if of_review else converter.write
    if writer is None:
        msg = f"converter {converter.name!r} writes no {type(value).__name__.lower()}; these do: {', '.join(writers)}"
        raise FormatError(msg)
    written: bytes | Mapping[str, bytes] = call_function(registry, converter, writer, value)
    write_files(target, written)
    return target


def _recognise(source: Source, registry: Registry) -> Converter:
    converters = registry.all(Converter)
    sure = [(_certainty(converter, source, registry), position) for position, converter in enumerate(converters)]
    best, position = max(sure, key=lambda item: (item[0], -item[1]), default=(0.0, 0))
    if best <= 0.0:
        known = ", ".join(converter.name for converter in converters) or "none"
        what = f"{source.name!r}, which is a folder" if source.is_folder else repr(source.name)
        msg = f"no converter reads {what}: give a path, a DataFrame or a mapping of columns (formats: {known})"
        raise FormatError(msg)
    return converters[position]


def _certainty(converter: Converter, source: Source, registry: Registry) -> float:
    try:
        return converter.recognises(source)
    except EvisynthError:
        if source.is_folder:
            return 0.0  # it looked for the content of one file
        raise
    except Exception as error:
        author = f"Converter {converter.name!r} of plugin {registry.provider(converter)}"
        msg = f"{author} failed: {type(error).__name__}: {error}"
        raise PluginError(msg) from error
