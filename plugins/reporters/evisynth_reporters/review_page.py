"""Report a whole review as a folder: a page with every outcome's table and forest plot, and the results as data."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from evisynth import MissingExtraError, Reporter, ReviewAnalysis, hookimpl, render
from evisynth_reporters import printed
from evisynth_reporters.csv_table import review_table
from evisynth_reporters.json_document import json_document
from evisynth_reporters.review_lines import HEADINGS, NUMBERS, lines_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth import OutcomeAnalysis


def review_page(
    made: ReviewAnalysis,
    *,
    title: str | None = None,
    plots: bool = True,
    progress: Callable[[str], object] | None = None,
) -> dict[str, bytes]:
    """Make ``index.html``, a forest plot of each outcome that has an analysis, ``review.json`` and ``review.csv``.

    The page opens from disk and asks nothing of any network. ``plots=False`` leaves the figures out, and so does a
    missing matplotlib. ``progress`` is told of every outcome. Raises `MissingExtraError` without jinja2.
    """
    template = _template()
    files: dict[str, bytes] = {}
    sections: list[dict[str, Any]] = []
    for one in made:
        name, plot = f"plots/{one.place}.svg", None
        if plots and one.analysis is not None:
            try:
                drawn = render(one.analysis, "forest", title=one.outcome.name, suffix=".svg")
                files[_distinct(name, files)] = drawn if isinstance(drawn, bytes) else drawn.encode()
                plot = list(files)[-1]
            except MissingExtraError:
                plots = False
        sections.append(_section(one, plot))
        if progress is not None:
            progress(one.place)
    page = template.render(
        title=printed.one_line(title or made.review.title or "Review"),
        summary=_summary(made),
        notes=[printed.one_line(note) for note in made.review.notes],
        headings=HEADINGS,
        numbers=NUMBERS,
        lines=lines_of(made),
        outcomes=sections,
        version=version("evisynth"),
    )
    return {
        "index.html": page.encode(errors="replace"),
        "review.json": json_document(made).encode(errors="replace"),
        "review.csv": review_table(made).encode(errors="replace"),
        **files,
    }


def _template() -> Any:  # noqa: ANN401 - jinja2's own type, which is not always there
    try:
        import jinja2  # noqa: PLC0415 - optional
    except ImportError:
        what = "the html reporter"
        raise MissingExtraError(what, "jinja2", "reports") from None
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("evisynth_reporters"),
        autoescape=True,
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("review.html")


def _distinct(name: str, taken: dict[str, bytes]) -> str:
    stem, count = name.removesuffix(".svg"), 1
    while name in taken:
        count += 1
        name = f"{stem}-{count}.svg"
    return name


def _section(one: OutcomeAnalysis, plot: str | None) -> dict[str, Any]:
    text = "" if one.analysis is None else str(render(one.analysis, "text"))
    return {
        "place": one.place,
        "name": printed.one_line(one.outcome.name),
        "note": printed.one_line(one.note or ""),
        "plot": plot,
        "text": text,
    }


def _summary(made: ReviewAnalysis) -> str:
    pooled = sum(one.analysis is not None and one.analysis.pooled is not None for one in made)
    settings = "the settings that the file states" if made.settings is None else f"settings {_named(made)}"
    return f"{len(made)} outcomes, {pooled} with a pooled effect; {len(made.review.studies)} studies; by {settings}."


def _named(made: ReviewAnalysis) -> str:
    return made.settings if isinstance(made.settings, str) else getattr(made.settings, "preset", "")


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the page of a review."""
    return [
        Reporter(
            "html",
            review_page,
            of="review",
            media_types={"": "text/html"},
            reference="Page et al. (2021), PRISMA 2020 explanation and elaboration, BMJ 372:n160, items 13 and 20",
        )
    ]
