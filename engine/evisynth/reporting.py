"""The verb `report`: render a result by any reporter, to a value or a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from evisynth.errors import EvisynthError, FormatError, PluginError
from evisynth.records import Reporter
from evisynth.registry import Registry, default_registry

if TYPE_CHECKING:
    import os

    from evisynth.results import MetaAnalysis


def render(
    analysis: MetaAnalysis,
    reporter: str = "text",
    *,
    suffix: str | None = None,
    registry: Registry | None = None,
    **options: Any,  # noqa: ANN401 - each reporter has its own
) -> str | bytes:
    """Render a result as text or bytes; ``suffix`` (such as ``".svg"``) chooses among a reporter's formats."""
    registry = registry or analysis.methods.registry or default_registry()
    record = registry.get(Reporter, reporter)
    chosen = (suffix or next(iter(record.media_types))).lower()
    if chosen not in record.media_types:
        msg = f"reporter {record.name!r} writes {', '.join(record.media_types)}, not {chosen!r}"
        raise FormatError(msg)
    record.refuse_unknown(options)
    try:
        return record.render(analysis, chosen, options)
    except EvisynthError:
        raise
    except Exception as error:
        msg = f"Reporter {record.name!r} of plugin {registry.provider(record)} failed: {type(error).__name__}: {error}"
        raise PluginError(msg) from error


def report(
    analysis: MetaAnalysis,
    reporter: str = "text",
    path: str | os.PathLike[str] | None = None,
    *,
    registry: Registry | None = None,
    **options: Any,  # noqa: ANN401 - each reporter has its own
) -> str | bytes:
    """Render a result by any reporter, such as ``text``, ``json``, ``csv`` or ``forest``; with a path also write it.

    The path's suffix chooses the format. Raises `FormatError` for another suffix, `SettingsError` for another option
    and `MissingExtraError` where an optional library is absent.
    """
    target = None if path is None else Path(path)
    rendered = render(
        analysis, reporter, suffix=target.suffix or None if target else None, registry=registry, **options
    )
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(rendered if isinstance(rendered, bytes) else rendered.encode(errors="replace"))
    return rendered
