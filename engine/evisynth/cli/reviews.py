"""Fit the commands ``review`` and ``verify``: every outcome of a review file, and its stored numbers beside ours."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evisynth.cli.fit import report_target, word_options, words_given
from evisynth.columns import OUTPUT
from evisynth.documents import strict_json
from evisynth.errors import FormatError
from evisynth.escaping import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from evisynth.reviews.analysis import ReviewAnalysis
    from evisynth.reviews.model import Review
    from evisynth.reviews.verification import ComparedNumber, Verification

SHOWN = 100
"""Disagreements that are listed on a terminal; all are in the JSON."""


def load_review(file: str, format: str | None = None) -> Review:  # noqa: A002 - the word of the command line
    """Read a review; raises `FormatError` for one table of studies."""
    from evisynth.loading import load  # noqa: PLC0415 - only when a file is read
    from evisynth.reviews.model import Review as Whole  # noqa: PLC0415 - as above

    read = load(Path(file), format=format)
    if not isinstance(read, Whole):
        msg = f"{file} is one table of studies, not a review: `evisynth fit {file}` pools it"
        raise FormatError(msg)
    return read


@contextmanager
def outcome_progress(review: Review, only: tuple[str, ...]) -> Generator[Callable[[object], None]]:
    """Show how many outcomes are done, on a terminal."""
    from rich.progress import Progress  # noqa: PLC0415 - rich only when a review is run

    from evisynth.cli.tables import console  # noqa: PLC0415 - as above

    total = None if only else sum(1 for _ in review.outcomes)
    with Progress(console=console(err=True), transient=True) as bar:
        task = bar.add_task("Outcomes", total=total)
        yield lambda _: bar.advance(task)


@click.command("review", short_help="Run every outcome of a review file by the settings stored in it.")
@click.argument("file")
@click.option("--settings", default=None, help="Preset for all outcomes, in the place of what the file states.")
@click.option("--outcome", "only", multiple=True, metavar="PLACE", help="Outcome 1.2, or comparison 1 (repeatable).")
@word_options
@click.option("--exclude", multiple=True, metavar="STUDY", help="Leave a study out (repeatable).")
@click.option("--format", default=None, help="Read the file by this converter.")
@click.option("--report", multiple=True, metavar="NAME[=PATH]", help="text, csv, json, html=FOLDER … (repeatable).")
@click.option("--json", "as_json", is_flag=True, help="Print the whole result as JSON.")
def review_command(file: str, *, only: tuple[str, ...], as_json: bool, **given: Any) -> None:  # noqa: ANN401 - one per option
    """Run every outcome of FILE (RevMan 5, RevMan Web, Cochrane's data package, a folder, a workbook …).

    Outcomes without data, or that cannot be run, are listed with the reason.
    """
    from evisynth.reviews.analysis import fit_review  # noqa: PLC0415 - only when a review is run

    review = load_review(file, given["format"])
    with outcome_progress(review, only) as advance:
        made = fit_review(
            review, given["settings"], exclude=given["exclude"], only=only, progress=advance, **words_given(given)
        )
    if as_json:
        click.echo(strict_json(made.to_dict(), indent=2).encode())
    elif not given["report"]:
        _print_review(made, one=len(only) == 1 and len(made) == 1)
    for name, path in map(report_target, given["report"]):
        _report(made, name, path)


def _print_review(made: ReviewAnalysis, *, one: bool) -> None:
    from evisynth.reporting import render  # noqa: PLC0415 - only when something is printed

    if one and made[0].analysis is not None:
        # Of a single outcome its own table says more than a line.
        click.echo(printable(str(render(made[0].analysis, "text", title=made[0].outcome.name)), keep="\n\t"), nl=False)
        return
    click.echo(printable(str(render(made, "text")), keep="\n\t"), nl=False)
    click.echo(_summary(made))


def _summary(made: ReviewAnalysis) -> str:
    pooled = sum(one.analysis is not None and one.analysis.reason is None for one in made)
    reasons: dict[str, int] = {}
    for one in made:
        if one.reason is not None:
            reasons[one.reason] = reasons.get(one.reason, 0) + 1
    others = "".join(f"; {count} not: {printable(reason)}" for reason, count in reasons.items())
    word = "outcome" if len(made) == 1 else "outcomes"
    return f"\n{len(made)} {word}: {pooled} with an effect{others}"


def _report(made: ReviewAnalysis, name: str, path: str | None) -> None:
    from evisynth.reporting import render, report  # noqa: PLC0415 - only when something is reported

    if path is not None:
        report(made, name, path)
        click.echo(f"wrote {printable(path)}", err=True)
        return
    rendered = render(made, name)
    if not isinstance(rendered, str):
        msg = f"report {name!r} is not text: say where it goes, --report {name}=PATH"
        raise FormatError(msg)
    click.echo(printable(rendered, keep="\n\t"), nl=not rendered.endswith("\n"))


@click.command("verify", short_help="Compare every number stored in a review file with the engine's.")
@click.argument("file")
@click.option("--settings", default=None, help="Preset for all outcomes, in the place of what the file states.")
@click.option("--outcome", "only", multiple=True, metavar="PLACE", help="Outcome 1.2, or comparison 1 (repeatable).")
@click.option("--format", default=None, help="Read the file by this converter.")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
def verify_command(file: str, *, only: tuple[str, ...], as_json: bool, **given: Any) -> None:  # noqa: ANN401 - one per option
    """Compare each stored effect, limit, weight, Q, tau², I², Z, P and subgroup test of FILE with the engine's.

    The exit status is 1 where any differs by more than the rounding of the file and RevMan's own.
    """
    from evisynth.reviews.verification import verify  # noqa: PLC0415 - only when a review is verified

    review = load_review(file, given["format"])
    with outcome_progress(review, only) as advance:
        made = verify(review, given["settings"], only=only, progress=advance)
    if as_json:
        click.echo(strict_json(made.to_dict(), indent=2).encode())
    else:
        _print_verification(made)
    if not made.agrees:
        click.get_current_context().exit(1)


def _print_verification(made: Verification) -> None:
    from evisynth.cli.tables import print_table  # noqa: PLC0415 - rich only for tables

    rows = [
        (NAMES.get(name, OUTPUT.get(name, name)), count, agree, f"{largest:.1e}" if largest else "0")
        for name, (count, agree, largest) in made.by_name.items()
    ]
    if rows:
        print_table(("Stored number", "Compared", "Agree", "Largest difference"), rows, right=(1, 2, 3))
    if made.disagreements:
        found = [_difference(one) for one in made.disagreements[:SHOWN]]
        print_table(
            ("Place", "Study", "Number", "Stored", "evisynth", "Difference"), found, "Different", right=(3, 4, 5)
        )
        if len(made.disagreements) > SHOWN:
            click.echo(f"… and {len(made.disagreements) - SHOWN} more (all are in --json)")
    for reason, count in made.reasons.items():
        click.echo(f"not compared: {count} ({printable(reason)})")
    decimals = made.review.decimals
    digits = "all their digits" if decimals is None else f"{decimals} decimals"
    agree = len(made.compared) - len(made.disagreements)
    largest = made.largest
    most = "" if largest is None else f"; largest difference for its tolerance: {_size(largest)}"
    click.echo(f"{agree} of {len(made.compared)} numbers, stored with {digits}, agree{most}")


NAMES = {
    "estimable": "whether there is an effect",
    "log10_display": "decimal logarithm of the effect",
    "log10_display_ci_low": "decimal logarithm of the lower limit",
    "log10_display_ci_high": "decimal logarithm of the upper limit",
    "studies": "number of studies",
    "events_1": "events in arm 1",
    "events_2": "events in arm 2",
    "n_1": "participants in arm 1",
    "n_2": "participants in arm 2",
    "vi": "variance of the effect",
    "o_e": "O - E",
    "o_e_variance": "variance of O - E",
    "subgroup_q": "Q of the subgroup test",
    "subgroup_q_df": "degrees of freedom of the subgroup test",
    "subgroup_q_p_value": "p-value of the subgroup test",
    "subgroup_i2": "I² of the subgroup test, percent",
}


def _place(one: ComparedNumber) -> str:
    return printable(one.place if one.study is None else f"{one.place}, {one.study}")


def _size(one: ComparedNumber) -> str:
    name = NAMES.get(one.name, OUTPUT.get(one.name, one.name))
    far = "the engine has none" if one.computed is None else f"{one.difference:.1e}"
    return f"{name}, {_place(one)}: {far}"


def _difference(one: ComparedNumber) -> tuple[str, ...]:
    computed = "none" if one.computed is None else f"{one.computed:.10g}"
    far = "" if one.computed is None else f"{one.difference:.1e}"
    return one.place, one.study or "", NAMES.get(one.name, one.name), f"{one.stored:.10g}", computed, far
