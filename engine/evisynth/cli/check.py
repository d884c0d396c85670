"""Check the consistency of reviews and tables: the command ``check``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from evisynth.documents import strict_json
from evisynth.errors import SettingsError

if TYPE_CHECKING:
    from evisynth.consistency.findings import Consistency


@click.command("check", short_help="List numbers of reviews and tables that cannot all be true.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--scale", default=None, help="Scale of printed effects: log (ratios) or linear; else either may fit.")
@click.option("--level", type=float, default=0.95, help="Probability of printed intervals, 0.95 unless said.")
@click.option("--df", type=float, default=None, help="Degrees of freedom of Student's t behind intervals and P.")
@click.option("--measure", default=None, help="Effect measure that guard rails look at a table with.")
@click.option(
    "--integer", multiple=True, metavar="COLUMN", help="Means of whole numbers: a column, or an outcome (repeatable)."
)
@click.option("--items", type=int, default=1, help="Whole numbers that each response is the mean of.")
@click.option("--range", "bounds", default=None, metavar="LOW:HIGH", help="Ends of the scale of the means: 0:10.")
@click.option("--role", multiple=True, metavar="NAME=HEADING", help="q_p='P (het.)' (repeatable).")
@click.option("--format", default=None, help="Read the files by this converter.")
@click.option("--strict", is_flag=True, help="Exit with status 1 on suspicious findings too.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def check_command(files: tuple[str, ...], *, strict: bool, as_json: bool, **given: Any) -> None:  # noqa: ANN401 - one per option
    """List the numbers of each FILE, a review or a table, that cannot all be true, and say why.

    Several files are also compared with each other: the same trial has the same numbers. The exit status is 1 where
    something is impossible (with --strict also where something is suspicious), 0 otherwise.
    """
    from evisynth.consistency.checking import check  # noqa: PLC0415 - reading and checking only when asked for

    found = check(
        *files,
        scale=given["scale"],
        level=given["level"],
        df=given["df"],
        measure=given["measure"],
        integer=given["integer"],
        items=given["items"],
        bounds=None if given["bounds"] is None else _bounds(given["bounds"]),
        roles=dict(_role(text) for text in given["role"]),
        format=given["format"],
    )
    if as_json:
        click.echo(strict_json(found.to_dict(), indent=2).encode())
    else:
        _print(found)
    if found.impossible or (strict and found.suspicious):
        click.get_current_context().exit(1)


def _bounds(text: str) -> tuple[float, float]:
    low, _, high = text.partition(":")
    try:
        return float(low), float(high)
    except ValueError:
        msg = f"--range is LOW:HIGH, such as --range 0:10, not {text!r}"
        raise SettingsError(msg) from None


def _role(text: str) -> tuple[str, str]:
    name, equals, heading = text.partition("=")
    if not equals or not name.strip() or not heading.strip():
        msg = f"--role is NAME=HEADING, such as --role q_p='P (het.)', not {text!r}"
        raise SettingsError(msg)
    return name.strip(), heading.strip()


def _print(found: Consistency) -> None:
    from evisynth.cli.tables import print_table  # noqa: PLC0415 - rich only for tables

    several = len(found.sources) > 1
    for title, findings in (("Impossible", found.impossible), ("Suspicious", found.suspicious)):
        if findings:
            headings = (*(("File",) if several else ()), "Place", "Study", "Rule", "Found", "Why")
            rows = [
                (*((f.source,) if several else ()), f.place, f.study, f.rule, f.message, f.reasoning) for f in findings
            ]
            print_table(headings, rows, title)
    if found.unchecked:
        rows = [(entry.rule, entry.count, entry.reason) for entry in found.unchecked]
        print_table(("Rule", "Times", "Why not"), rows, "Not checked", right=(1,))
    counts = f"{len(found.impossible)} impossible, {len(found.suspicious)} suspicious"
    click.echo(f"{counts}; {sum(found.checked.values())} checks by {len(found.checked)} rules")
