"""Prove that the numbers are right on this machine: the command ``validate``."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evisynth.escaping import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from evisynth.validation.results import Validation

SHOWN = 40
"""Shortfalls that are listed on a terminal; all are in the reports."""


@click.command("validate", short_help="Hold this installation and every method to the references.")
@click.option(
    "--method", "methods", multiple=True, metavar="NAME", help="Only this method: SMD, or KIND:NAME (repeatable)."
)
@click.option(
    "--plugin", "plugins", multiple=True, metavar="NAME", help="Only the methods of this plugin (repeatable)."
)
@click.option("--quick", is_flag=True, help="Take a share of the cases: seconds in the place of minutes.")
@click.option("--data", multiple=True, metavar="FILE", help="Replay your own table or review (repeatable).")
@click.option("--measure", default=None, help="Effect measure of a table that is replayed.")
@click.option("--settings", default=None, help="Preset that your data are replayed with.")
@click.option("--live-r", is_flag=True, help="Also run R on this machine by each method's own R call.")
@click.option("--html", default=None, metavar="FILE", help="Write the report as a page.")
@click.option("--json", "as_json", default=None, metavar="FILE", help="Write the report as JSON; - is standard output.")
@click.option(
    "--pdf", default=None, metavar="FILE", help="Print the report as PDF, by a browser of the Chromium family."
)
@click.option("--matrix", is_flag=True, help="Print the coverage matrix: every method beside every set.")
def validate_command(*, as_json: str | None, matrix: bool, html: str | None, pdf: str | None, **given: Any) -> None:  # noqa: ANN401 - one per option
    """Hold this installation, every method and your own data to the references, and print what was found.

    Installation: files against the wheel's record, versions, arithmetic of this machine. Operation: every method
    beside every set of references that applies to it. Performance: your data (--data). The exit status is 1 where
    anything falls short, 0 otherwise.
    """
    from evisynth.reporting import report  # noqa: PLC0415 - only when something is validated
    from evisynth.validation.running import validate  # noqa: PLC0415 - as above

    with _progress() as told:
        made = validate(progress=told, **given)
    for path, name in ((html, "validation-page"), (pdf, "validation-page")):
        if path is not None:
            report(made, name, path)
            click.echo(f"wrote {printable(path)}", err=True)
    if as_json is not None and as_json != "-":
        Path(as_json).write_bytes((made.to_json(indent=1) + "\n").encode())
        click.echo(f"wrote {printable(as_json)}", err=True)
    if as_json == "-":
        click.echo(made.to_json(indent=1).encode())
    else:
        _print(made, matrix=matrix)
    if not made.passed:
        click.get_current_context().exit(1)


@contextmanager
def _progress() -> Generator[Callable[[str, int], None]]:
    """Show which set is run and how many of its numbers are done, on a terminal."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    from evisynth.cli.tables import console  # noqa: PLC0415 - rich only for people
    from evisynth.records import ReferenceSet  # noqa: PLC0415 - as above
    from evisynth.registry import default_registry  # noqa: PLC0415 - as above

    total = len(default_registry().all(ReferenceSet))
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console(err=True), transient=True) as bar:
        task = bar.add_task("Looking at the installation", total=total)

        def told(name: str, count: int) -> None:
            if count < 0:
                bar.advance(task)
            else:
                bar.update(task, description=f"{name}: {count:,} numbers" if count else name)

        yield told


def _print(made: Validation, *, matrix: bool) -> None:
    from evisynth.cli.tables import print_table  # noqa: PLC0415 - as above
    from evisynth.validation import tables  # noqa: PLC0415 - as above

    for one in tables.summary(made):
        print_table(one.headings, one.rows, one.title, right=one.right)
    if matrix:
        for one in (tables.matrix(made), tables.reasons(made)):
            print_table(one.headings, one.rows, one.title, right=one.right)
    short = list(made.shortfalls())
    for line in short[:SHOWN]:
        click.echo(f"FALLS SHORT: {printable(line)}")
    if len(short) > SHOWN:
        click.echo(f"… and {len(short) - SHOWN} more")
    for line in made.closing:
        click.echo(printable(line))
