"""Write the report of a whole review: ``report``."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evisynth.cli.reviews import load_review
from evisynth.escaping import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

FORMATS = {"html": "", "docx": "report.docx", "pdf": "report.pdf"}
"""Formats with their files in the folder; the page is the folder's own."""


@click.command("report", short_help="Write the whole report of a review file: page, Word document, PDF.")
@click.argument("file")
@click.option("-o", "--output", required=True, metavar="DIR", help="Folder that the report is written into.")
@click.option("--settings", default=None, help="Preset for all outcomes, in the place of what the file states.")
@click.option("--outcome", "only", multiple=True, metavar="PLACE", help="Outcome 1.2, or comparison 1 (repeatable).")
@click.option("--exclude", multiple=True, metavar="STUDY", help="Leave a study out (repeatable).")
@click.option("--title", default=None, help="Title, in the place of the review's own.")
@click.option("--language", default="en", show_default=True, help="Language of the report's own words: en, de.")
@click.option(
    "--format", "formats", multiple=True, type=click.Choice(tuple(FORMATS)), help="html (the default), docx, pdf."
)
@click.option("--browser", default=None, metavar="PROGRAM", help="Browser that prints the PDF, by name or path.")
@click.option("--read-as", default=None, metavar="CONVERTER", help="Read the file by this converter.")
def report_command(file: str, *, output: str, formats: tuple[str, ...], **given: Any) -> None:  # noqa: ANN401 - one per option
    """Run every outcome of FILE and write DIR/index.html, with review.json and review.csv beside it.

    The page holds forest plots, heterogeneity, tests, risk of bias, methods, references, R scripts and data. It opens
    from disk and asks nothing of any network. --format docx writes DIR/report.docx, --format pdf DIR/report.pdf.
    """
    from evisynth.reporting import report  # noqa: PLC0415 - only when something is reported
    from evisynth.reviews.analysis import fit_review  # noqa: PLC0415 - as above

    review = load_review(file, given["read_as"])
    chosen = tuple(dict.fromkeys(formats or ("html",)))
    places = [place for place, one, _ in review.outcomes if _wanted(place, str(one.number), given["only"])]
    with _progress(len(places), chosen) as step:
        made = fit_review(
            review, given["settings"], exclude=given["exclude"], only=given["only"], progress=step("Analysing outcomes")
        )
        for name in chosen:
            options: dict[str, Any] = {"title": given["title"], "language": given["language"]}
            if name == "pdf" and given["browser"]:
                options["browser"] = given["browser"]
            report(made, name, Path(output) / FORMATS[name], progress=step(f"Writing {name}"), **options)
    for name in chosen:
        click.echo(f"wrote {printable(str(Path(output) / (FORMATS[name] or 'index.html')))}", err=True)


def _wanted(place: str, comparison: str, only: tuple[str, ...]) -> bool:
    return not only or place in only or comparison in only


@contextmanager
def _progress(total: int, formats: tuple[str, ...]) -> Generator[Callable[[str], Callable[[object], None]]]:
    """Show a bar for the analysis and one for each format, which moves on with every outcome."""
    from rich.progress import Progress  # noqa: PLC0415 - rich only when a review is run

    from evisynth.cli.tables import console  # noqa: PLC0415 - as above

    with Progress(console=console(err=True), transient=True) as bar:
        names = ("Analysing outcomes", *(f"Writing {name}" for name in formats))
        tasks = {name: bar.add_task(name, total=total) for name in names}

        def step(name: str) -> Callable[[object], None]:
            return lambda _: bar.advance(tasks[name])

        yield step
