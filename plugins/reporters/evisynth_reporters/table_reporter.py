"""Make a reporter of a function that builds a table: every format from the one table."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from evisynth import Reporter
from evisynth_reporters.tables_markup import as_html, as_latex
from evisynth_reporters.tables_office import as_excel, as_word
from evisynth_reporters.tables_plain import as_csv, as_markdown, as_text
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evisynth_reporters.table_sheet import TableSheet

MEDIA_TYPES: Mapping[str, str] = {
    ".txt": "text/plain",
    ".md": "text/markdown",
    ".html": "text/html",
    ".tex": "application/x-tex",
    ".csv": "text/csv",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}


def rendered(table: TableSheet, suffix: str, language: str) -> str | bytes:
    """Render a table as the format of a suffix."""
    if suffix == ".html":
        return as_html(table, language)
    makers: dict[str, Callable[[TableSheet], str | bytes]] = {
        ".txt": as_text, ".md": as_markdown, ".tex": as_latex, ".csv": as_csv, ".xlsx": as_excel, ".docx": as_word,
    }  # fmt: skip
    return makers[suffix](table)


def table_reporter(
    name: str,
    build: Callable[..., TableSheet],
    *,
    reference: str,
    of: Any = "analysis",  # noqa: ANN401 - the words of `Reporter.of`
    review: Callable[..., TableSheet] | None = None,
) -> Reporter:
    """Make the reporter of a table; ``build`` takes a result, the `Words` and keyword options, ``review`` likewise."""
    return Reporter(
        name,
        _renderer(build),
        reference=reference,
        of=of,
        media_types=MEDIA_TYPES,
        review=None if review is None else _renderer(review),
    )


def _renderer(build: Callable[..., TableSheet]) -> Callable[..., str | bytes]:
    """Wrap a builder, with its own options and those of every table in its signature."""

    def render(result: Any, *, suffix: str = ".txt", language: str = "en", **options: Any) -> str | bytes:  # noqa: ANN401 - each table has its own
        return rendered(build(result, words_of(language), **options), suffix, language)

    own = [p for p in inspect.signature(build).parameters.values() if p.kind is inspect.Parameter.KEYWORD_ONLY]
    plain = [p for p in inspect.signature(render).parameters.values() if p.name != "options"]
    render.__signature__ = inspect.Signature([*plain, *own])  # type: ignore[attr-defined]
    render.__doc__ = build.__doc__
    return render
