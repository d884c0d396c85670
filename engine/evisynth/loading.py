"""The verb `load`: find the converter that recognises a source and make `Studies` of what it reads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from evisynth.errors import EvisynthError, FormatError, PluginError
from evisynth.pooling import call
from evisynth.records import Converter
from evisynth.registry import Registry, default_registry
from evisynth.sources import Source, Table
from evisynth.studies import Studies, warn_about
from evisynth.tables import studies_from_table

if TYPE_CHECKING:
    from collections.abc import Mapping


def load(
    source: Any,  # noqa: ANN401 - converters say what they recognise
    *,
    roles: Mapping[str, str] | None = None,
    format: str | None = None,  # noqa: A002 - the word of the command line
    registry: Registry | None = None,
) -> Studies:
    """Read a table of studies from a path, a DataFrame or a mapping of columns.

    The format is recognised by content; ``format`` names a converter instead. ``roles`` maps canonical names to
    headings (``{"events_1": "deaths treated"}``) where the common ones are not used. Raises `FormatError` for a source
    that nothing can read and `DataError` for impossible values, each with its study and column.
    """
    registry = registry or default_registry()
    if isinstance(source, Studies):
        return source
    if isinstance(source, str | os.PathLike):
        source = Path(cast("str | os.PathLike[str]", source))
    held = Source(source)
    converter = registry.get(Converter, format) if format is not None else _recognise(held, registry)
    read: Table | Studies = call(registry, converter, held)
    studies = read if isinstance(read, Studies) else studies_from_table(read, roles, source=held.name)
    warn_about(studies.notes)
    return studies


def _recognise(source: Source, registry: Registry) -> Converter:
    converters = registry.all(Converter)
    sure = [(_certainty(converter, source, registry), position) for position, converter in enumerate(converters)]
    best, position = max(sure, key=lambda item: (item[0], -item[1]), default=(0.0, 0))
    if best <= 0.0:
        known = ", ".join(converter.name for converter in converters) or "none"
        msg = f"no converter reads {source.name!r}: give a path, a DataFrame or a mapping of columns (formats: {known})"
        raise FormatError(msg)
    return converters[position]


def _certainty(converter: Converter, source: Source, registry: Registry) -> float:
    try:
        return converter.recognises(source)
    except EvisynthError:
        raise
    except Exception as error:
        author = f"Converter {converter.name!r} of plugin {registry.provider(converter)}"
        msg = f"{author} failed: {type(error).__name__}: {error}"
        raise PluginError(msg) from error
