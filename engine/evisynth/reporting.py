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

    from evisynth.figures import FigureSpec
    from evisynth.results import MetaAnalysis


Rendered: TypeAlias = "str | bytes | Mapping[str, bytes]"


@overload
def render(
    result: MetaAnalysis,
    reporter: str | FigureSpec = "text",
    *,
    suffix: str | None = None,
    registry: Registry | None = None,
    **options: Any,  # noqa: ANN401 - each reporter has its own
) -> str | bytes: ...


@overload
def render(
    result: object,
    reporter: str | FigureSpec = "text",
    *,
    suffix: str | None = None,
    registry: Registry | None = None,
    **options: Any,  # noqa: ANN401 - each reporter has its own
) -> Rendered: ...


def render(
    result: Any,
    reporter: str | FigureSpec = "text",
    *,
    suffix: str | None = None,
    registry: Registry | None = None,
    **options: Any,
) -> Rendered:
    """Render a result as text or bytes; ``suffix`` (such as ``".svg"``) chooses among a reporter's formats.

    A result is a `MetaAnalysis`, a `ReviewAnalysis`, a `Review`, a `SettingsComparison` or a `BiasSurvey`; a reporter
    that makes several files gives a mapping of their names to bytes. The spec of a figure may stand for its reporter's
    name. Raises `CombinationError` for a result that the reporter does not render.
    """
    record, result, kind, registry, options = _asked(result, reporter, registry, options)
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


def draw(
    result: Any,  # noqa: ANN401 - as above
    figure: str | FigureSpec,
    ax: Any = None,  # noqa: ANN401 - axes of matplotlib, which is optional
    *,
    registry: Registry | None = None,
    **options: Any,  # noqa: ANN401 - each figure has its own
) -> Any:  # noqa: ANN401 - as above
    """Draw a figure on matplotlib axes, and give them back; without axes on new ones, whose figure fits.

    Nothing global is touched: no pyplot, no backend. On axes of the caller's the figure is as large as fits in them,
    its letters and lines with it. Raises `CombinationError` for a result that the figure is not of and for a reporter
    that draws none, `SettingsError` for an option that it does not have, and `MissingExtraError` without matplotlib.
    """
    record, result, _, registry, options = _asked(result, figure, registry, options)
    if record.draw is None:
        able = ", ".join(one.name for one in registry.all(Reporter) if one.draw is not None)
        msg = f"reporter {record.name!r} draws no figure; these do: {able}"
        raise CombinationError(msg)
    spec = record.made_spec(options)
    try:
        return record.draw(result, spec, ax)
    except EvisynthError:
        raise
    except Exception as error:
        msg = f"Reporter {record.name!r} of plugin {registry.provider(record)} failed: {type(error).__name__}: {error}"
        raise PluginError(msg) from error


def _asked(
    result: Any,  # noqa: ANN401 - as above
    reporter: str | FigureSpec,
    registry: Registry | None,
    options: Mapping[str, Any],
) -> tuple[Reporter, Any, str, Registry, dict[str, Any]]:
    """Find the reporter, and see that it renders this kind of result."""
    registry, options = registry or _registry_of(result), dict(options)
    if not isinstance(reporter, str):
        options["spec"] = reporter
    record = registry.get(Reporter, reporter if isinstance(reporter, str) else reporter.figure)
    kind = _kind(result)
    if kind == "review" and record.of == "review data":
        result, kind = result.review, "review data"
    if record.function_for(kind) is None:
        able = ", ".join(one.name for one in registry.all(Reporter) if one.function_for(kind) is not None)
        msg = f"reporter {record.name!r} does not render {_KINDS[kind]}; these do: {able}"
        raise CombinationError(msg)
    return record, result, kind, registry, options


_KINDS = {
    "analysis": "one analysis",
    "review": "a whole review",
    "review data": "a review that is not analysed",
    "settings comparison": "a comparison of settings",
    "bias survey": "tests and adjustments for small-study effects",
    "validation": "a validation of this installation",
}


def _kind(result: object) -> str:
    # Names, not classes: whoever reports one analysis has no need of what the other results are made of.
    kinds = {
        "ReviewAnalysis": "review",
        "Review": "review data",
        "SettingsComparison": "settings comparison",
        "BiasSurvey": "bias survey",
        "Validation": "validation",
    }
    return kinds.get(type(result).__name__, "analysis")


def _registry_of(result: Any) -> Registry:  # noqa: ANN401 - as above
    made = result.analysis if _kind(result) == "bias survey" else result
    return made.methods.registry if hasattr(made, "methods") else default_registry()


@overload
def report(
    result: MetaAnalysis,
    reporter: str | FigureSpec = "text",
    path: str | os.PathLike[str] | None = None,
    *,
    registry: Registry | None = None,
    **options: Any,  # noqa: ANN401 - each reporter has its own
) -> str | bytes: ...


@overload
def report(
    result: object,
    reporter: str | FigureSpec = "text",
    path: str | os.PathLike[str] | None = None,
    *,
    registry: Registry | None = None,
    **options: Any,  # noqa: ANN401 - each reporter has its own
) -> Rendered: ...


def report(
    result: Any,
    reporter: str | FigureSpec = "text",
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
