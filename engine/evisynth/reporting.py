"""The verb `report`: render a result by any reporter, to a value or a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, overload

from evisynth.archives import write_files
from evisynth.errors import CombinationError, EvisynthError, FormatError, PluginError
from evisynth.records import Reporter
from evisynth.registry import Registry, default_registry

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from evisynth.results import MetaAnalysis


Rendered: TypeAlias = "str | bytes | Mapping[str, bytes]"


@overload
def render(
    result: MetaAnalysis,
    reporter: str = "text",
    *,
    suffix: str | None = None,
    registry: Registry | None = None,
    **options: Any,  # noqa: ANN401 - each reporter has its own
) -> str | bytes: ...


@overload
def render(
    result: object,
    reporter: str = "text",
    *,
    suffix: str | None = None,
    registry: Registry | None = None,
    **options: Any,  # noqa: ANN401 - each reporter has its own
) -> Rendered: ...


def render(
    result: Any,
    reporter: str = "text",
    *,
    suffix: str | None = None,
    registry: Registry | None = None,
    **options: Any,
) -> Rendered:
    """Render a result as text or bytes; ``suffix`` (such as ``".svg"``) chooses among a reporter's formats.

    A result is a `MetaAnalysis`, a `ReviewAnalysis`, a `SettingsComparison` or a `BiasSurvey`; a reporter that makes
    several files gives a mapping of their names to bytes. Raises `CombinationError` for a result that the reporter does
    not render.
    """
    registry = registry or _registry_of(result)
    record = registry.get(Reporter, reporter)
    kind = _kind(result)
    if record.function_for(kind) is None:
        able = ", ".join(one.name for one in registry.all(Reporter) if one.function_for(kind) is not None)
        msg = f"reporter {record.name!r} does not render {_KINDS[kind]}; these do: {able}"
        raise CombinationError(msg)
    # The name of a folder may hold a dot, which begins no suffix.
    chosen = "" if "" in record.media_types else (suffix or next(iter(record.media_types))).lower()
    if chosen not in record.media_types:
        msg = f"reporter {record.name!r} writes {', '.join(record.media_types)}, not {chosen!r}"
        raise FormatError(msg)
    try:
        return record.render(result, chosen, options, kind)
    except EvisynthError:
        raise
    except Exception as error:
        msg = f"Reporter {record.name!r} of plugin {registry.provider(record)} failed: {type(error).__name__}: {error}"
        raise PluginError(msg) from error


_KINDS = {
    "analysis": "one analysis",
    "review": "a whole review",
    "settings comparison": "a comparison of settings",
    "bias survey": "tests and adjustments for small-study effects",
}


def _kind(result: object) -> str:
    # Names, not classes: whoever reports one analysis has no need of what the other results are made of.
    kinds = {"ReviewAnalysis": "review", "SettingsComparison": "settings comparison", "BiasSurvey": "bias survey"}
    return kinds.get(type(result).__name__, "analysis")


def _registry_of(result: Any) -> Registry:  # noqa: ANN401 - as above
    made = result.analysis if _kind(result) == "bias survey" else result
    return made.methods.registry if hasattr(made, "methods") else default_registry()


@overload
def report(
    result: MetaAnalysis,
    reporter: str = "text",
    path: str | os.PathLike[str] | None = None,
    *,
    registry: Registry | None = None,
    **options: Any,  # noqa: ANN401 - each reporter has its own
) -> str | bytes: ...


@overload
def report(
    result: object,
    reporter: str = "text",
    path: str | os.PathLike[str] | None = None,
    *,
    registry: Registry | None = None,
    **options: Any,  # noqa: ANN401 - each reporter has its own
) -> Rendered: ...


def report(
    result: Any,
    reporter: str = "text",
    path: str | os.PathLike[str] | None = None,
    *,
    registry: Registry | None = None,
    **options: Any,
) -> Rendered:
    """Render a result by any reporter, such as ``text``, ``json``, ``csv`` or ``forest``; with a path also write it.

    The path's suffix chooses the format; a reporter that makes several files makes a folder of that path. Raises
    `FormatError` for another suffix, `SettingsError` for another option, `CombinationError` for a result that the
    reporter does not render, and `MissingExtraError` where an optional library is absent.
    """
    target = None if path is None else Path(path)
    rendered: Rendered = render(
        result, reporter, suffix=target.suffix or None if target else None, registry=registry, **options
    )
    if target is not None:
        write_files(target, rendered.encode(errors="replace") if isinstance(rendered, str) else rendered)
    return rendered
