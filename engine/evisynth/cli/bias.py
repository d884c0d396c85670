"""Test for small-study effects and adjust for them: the command ``bias``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from evisynth.cli.analysed import analyses_of
from evisynth.cli.fit import option_value, pair, report_target, word_options
from evisynth.documents import strict_json
from evisynth.errors import FormatError, SettingsError
from evisynth.escaping import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth.bias_results import BiasSurvey
    from evisynth.results import MetaAnalysis

_USE = re.compile(r"(.*?)(?::([^:=]*=.*))?", re.DOTALL)
USUAL = ("Egger", "trim-and-fill")
"""What reviewers are asked for most."""


@click.command("bias", short_help="Test for small-study effects and publication bias, and adjust for them.")
@click.argument("file")
@click.option("--all", "every", is_flag=True, help="Make every test and adjustment that is installed.")
@click.option(
    "--use",
    "methods",
    multiple=True,
    metavar="NAME[:OPTION=VALUE,…]",
    help="Make this one, such as 'Egger:variant=mixed' or 'selection: step:steps=0.025;0.5' (repeatable).",
)
@click.option(
    "--min-studies",
    type=int,
    default=None,
    help="Fewest studies with which methods are made: 10, or any number where they are named by --use.",
)
@click.option("--settings", default=None, help="Preset: revman5, revman-web (the default), metafor, meta.")
@click.option("--outcome", "only", multiple=True, metavar="PLACE", help="Outcome 1.2 of a review (repeatable).")
@word_options
@click.option("--exclude", multiple=True, metavar="STUDY", help="Leave a study out (repeatable).")
@click.option("--moderator", multiple=True, metavar="COLUMN", help="Column for a meta-regression (repeatable).")
@click.option("--role", multiple=True, metavar="NAME=HEADING", help="events_1='deaths treated' (repeatable).")
@click.option("--format", default=None, help="Read the file by this converter.")
@click.option("--report", multiple=True, metavar="NAME[=PATH]", help="text, csv or json (repeatable).")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def bias_command(file: str, *, methods: tuple[str, ...], every: bool, as_json: bool, **given: Any) -> None:  # noqa: ANN401 - one per option
    """Test the studies of FILE, a table or a review, for small-study effects, and adjust the pooled effect for them.

    Without --all or --use these are Egger's test and trim and fill. Each result names its variant, and says why it was
    not made or what speaks against it.
    """
    if every and methods:
        msg = "--all and --use both say what is made: give one of them"
        raise SettingsError(msg)
    surveys = [
        _survey(analysis, title, methods, every=every, given=given) for title, analysis in analyses_of(file, given)
    ]
    if as_json:
        documents = [survey.to_dict() for survey in surveys]
        click.echo(strict_json(documents[0] if given["whole"] is False else documents, indent=2).encode())
        return
    for survey in surveys:
        _report(survey, given["report"] or ("text",), one=len(surveys) == 1)


def _survey(
    analysis: MetaAnalysis, title: str, methods: Sequence[str], *, every: bool, given: dict[str, Any]
) -> BiasSurvey:
    from evisynth.bias_results import BiasSurvey as Survey  # noqa: PLC0415 - only when a file is analysed
    from evisynth.small_study import FEWEST, bias, bias_survey  # noqa: PLC0415 - as above

    fewest: int | None = given["min_studies"]
    if not methods:
        names = None if every else USUAL
        return bias_survey(analysis, names, fewest=FEWEST if fewest is None else fewest, title=title)
    if fewest is not None and analysis.k < fewest:
        return bias_survey(analysis, tuple(_named(text)[0] for text in methods), fewest=fewest, title=title)
    made = tuple(bias(analysis, name, **options) for name, options in map(_named, methods))
    return Survey(analysis, made, title)


def _named(text: str) -> tuple[str, dict[str, Any]]:
    """Read ``name`` or ``name:option=value,other=value``; a name may hold a colon of its own."""
    found = _USE.fullmatch(text)
    assert found is not None  # noqa: S101 - the pattern takes any text
    name, words = found[1], found[2] or ""
    options = (pair("--use", word, "Egger:variant=mixed") for word in filter(None, words.split(",")))
    return name.strip(), {option: option_value(value) for option, value in options}


def _report(survey: BiasSurvey, asked: Sequence[str], *, one: bool) -> None:
    from evisynth.reporting import render, report  # noqa: PLC0415 - only when something is reported

    for name, path in map(report_target, asked):
        if path is not None:
            if not one:
                msg = f"--report {name}=PATH is for one analysis: choose an outcome by --outcome"
                raise FormatError(msg)
            report(survey, name, path)
            click.echo(f"wrote {printable(path)}", err=True)
            continue
        made = render(survey, name)
        assert isinstance(made, str)  # noqa: S101 - reporters of surveys give text
        click.echo(printable(made, keep="\n\t"), nl=not made.endswith("\n"))
