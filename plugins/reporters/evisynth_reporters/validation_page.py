"""Report a validation as one page that opens from disk, or printed as PDF."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from evisynth import MissingExtraError, Reporter, hookimpl
from evisynth_reporters.browser import find_browser, printed_page
from evisynth_reporters.interactive import policy

if TYPE_CHECKING:
    from evisynth import Validation

BAD = frozenset({"differs", "FAILS", "SILENT", "NOT COMPARED"})
"""Cells that a reader's eye is led to."""


def validation_page(made: Validation, suffix: str = ".html", *, browser: str | None = None) -> str | bytes:
    """Render all tables of a validation with their coverage matrix and reasons.

    PDF is printed by a browser of the Chromium family, ``browser`` or one that is found. Raises `MissingExtraError`
    without jinja2 and `MissingProgramError` without a browser.
    """
    program = find_browser(browser) if suffix == ".pdf" else None
    look = _file("article.css") + _file("validation.css")
    tables = made.tables()
    short = list(made.shortfalls())
    contents = [
        *([("shortfalls", "What falls short")] if short else []),
        ("installation", "Installation qualification"),
        ("operation", "Operational qualification"),
        ("coverage", "Coverage"),
        ("divergences", "Divergences"),
        *([("performance", "Performance qualification")] if tables.performance else []),
        ("details", "Methods beside each set"),
    ]
    page: str = _template().render(
        made=made,
        tables=tables,
        closing=made.closing,
        shortfalls=short,
        contents=contents,
        bad=BAD,
        look=look,
        policy=policy(styles=[look], scripts=[]).replace("script-src ;", "script-src 'none';"),
    )
    return page if program is None else printed_page(page, program)


@cache
def _file(name: str) -> str:
    return files("evisynth_reporters").joinpath("templates", name).read_text(encoding="utf-8")


@cache
def _template() -> Any:  # noqa: ANN401 - jinja2 is optional
    try:
        from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 - optional, only for pages
    except ModuleNotFoundError as error:
        what = "the page of a validation"
        raise MissingExtraError(what, "jinja2", "reports") from error
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_file("validation.html"))


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the page of a validation."""
    return [
        Reporter(
            "validation-page",
            validation_page,
            of="validation",
            media_types={".html": "text/html", ".pdf": "application/pdf"},
            reference="FDA (2002), General Principles of Software Validation; ISPE (2022), GAMP 5, 2nd ed.; "
            "McCullough (1998), Am. Stat. 52:358-366 (correct digits)",
        )
    ]
