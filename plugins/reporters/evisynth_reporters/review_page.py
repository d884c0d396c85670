"""Report a whole review as a folder: one page with everything, and the results as data beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evisynth import MissingExtraError, Reporter, ReviewAnalysis, default_registry, hookimpl
from evisynth_reporters import canvas
from evisynth_reporters.article_document import article_document
from evisynth_reporters.article_page import article_page
from evisynth_reporters.browser import find_browser, printed_page
from evisynth_reporters.csv_table import review_table
from evisynth_reporters.json_document import json_document
from evisynth_reporters.outcome_section import Asked
from evisynth_reporters.review_article import review_article
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth_reporters.article import Article

SOURCE = "Page et al. (2021), PRISMA 2020 explanation and elaboration, BMJ 372:n160, items 13 and 20"


def review_page(
    made: ReviewAnalysis,
    *,
    title: str | None = None,
    language: str = "en",
    plots: bool = True,
    leave_one_out: int = 20,
    progress: Callable[[str], object] | None = None,
) -> dict[str, bytes]:
    """Make ``index.html`` with every outcome, its figure and all else, ``review.json`` and ``review.csv``.

    The page opens from disk and asks nothing of any network. ``plots=False`` leaves the figures out, and so does a
    missing matplotlib. Readers can leave out studies where an outcome has no more than ``leave_one_out`` of them.
    ``progress`` is told of every outcome. Raises `MissingExtraError` without jinja2.
    """
    article = article_of(made, title=title, language=language, plots=plots, leave_one_out=leave_one_out)
    return {
        "index.html": article_page(article, words_of(language), progress).encode(errors="replace"),
        "review.json": json_document(made).encode(errors="replace"),
        "review.csv": review_table(made).encode(errors="replace"),
    }


def review_document(
    made: ReviewAnalysis,
    *,
    title: str | None = None,
    language: str = "en",
    plots: bool = True,
    progress: Callable[[str], object] | None = None,
) -> bytes:
    """Make a Word document of the same report; raises `MissingExtraError` without python-docx."""
    article = article_of(made, title=title, language=language, plots=plots)
    return article_document(article, words_of(language), progress)


def review_print(
    made: ReviewAnalysis,
    *,
    title: str | None = None,
    language: str = "en",
    plots: bool = True,
    browser: str | None = None,
    progress: Callable[[str], object] | None = None,
) -> bytes:
    """Print the page of the report as PDF by a browser of the Chromium family, ``browser`` or one that is found.

    Raises `MissingProgramError` without one, and `MissingExtraError` without jinja2.
    """
    found = find_browser(browser)
    article = article_of(made, title=title, language=language, plots=plots)
    return printed_page(article_page(article, words_of(language), progress), found)


def article_of(
    made: ReviewAnalysis, *, title: str | None, language: str, plots: bool = True, leave_one_out: int = 0
) -> Article:
    """Build the report, without figures where there is nothing to draw them with."""
    try:
        canvas.require_matplotlib("figures")
    except MissingExtraError:
        plots = False
    registry = next((one.analysis.methods.registry for one in made if one.analysis is not None), None)
    asked = Asked(words_of(language), registry or default_registry(), plots, leave_one_out)
    return review_article(made, asked, title)


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the report of a review as a page, a document and in print."""
    word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    return [
        Reporter("html", review_page, of="review", media_types={"": "text/html"}, reference=SOURCE),
        Reporter("docx", review_document, of="review", media_types={".docx": word}, reference=SOURCE),
        Reporter("pdf", review_print, of="review", media_types={".pdf": "application/pdf"}, reference=SOURCE),
    ]
