"""Fit the command ``fit``: a table or a request in JSON comes in, reports or the result in JSON go out."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evisynth.documents import strict_json
from evisynth.errors import EvisynthError, FormatError, SettingsError
from evisynth.escaping import printable
from evisynth.reporting import render, report
from evisynth.requests import Request, error_document, read_request
from evisynth.sources import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

NONE_WORDS = ("adhoc", "prediction", "tau2_interval", "i2_interval", "study_interval")
"""Words whose value may be ``none``."""

WORDS: tuple[tuple[str, type | None, str], ...] = (
    # option, type (None for a flag), help
    ("--measure", str, "Effect measure: RR, OR, RD, PETO, MD, SMD, GEN, O-E."),
    ("--method", str, "Pooling: IV, MH, Peto."),
    ("--model", str, "common (or fixed), or random."),
    ("--tau2", str, "Estimator of τ² (DL, REML, PM, …), or its value."),
    ("--tau2-common", None, "Let subgroups share one τ², estimated within them."),
    ("--interval", str, "Interval of the random-effects model: Wald, HK, …"),
    ("--adhoc", str, "Keep a Hartung-Knapp interval from being too narrow: se, ci, IQWiG6, or none."),
    ("--weighting", str, "Weights of the studies: 'inverse variance' or equal."),
    ("--prediction", str, "Prediction interval: HTS, V, HK, HK-PR, KR, KR-PR, NNF, S, simple, or none."),
    ("--threshold", float, "An effect as shown: how probable are true effects on either side of it?"),
    ("--tau2-interval", str, "Interval for τ²: QP, PL, BJ, J, …, or none."),
    ("--i2-interval", str, "Interval for τ² that those of I² and H² follow from."),
    ("--level", float, "Probability of the intervals, such as 0.95."),
    ("--study-level", float, "Probability of the studies' intervals."),
    ("--study-interval", str, "Interval of single studies: CP, WS, WSCC, AC, SA, SACC, Poisson, NAsm, or none."),
    ("--given-level", float, "Probability of the limits that the table holds."),
    ("--correction", str, "Zero-cell correction: revman, metafor, meta or none."),
    ("--increment", float, "What a zero-cell correction adds."),
    ("--increment-to", str, "Tables that it is added to: only0, if0all, all or none."),
    ("--double-zeros", str, "Tables without events, or with nothing but: 'by correction', kept or dropped."),
    ("--vtype", str, "Variance type of the measure, as metafor calls it: LS, UB, AV, HO, …"),
    ("--scale", str, "Analysis scale of given effects: linear or log."),
    ("--budget", int, "The most resamples or subsets that a method may use."),
    ("--seed", int, "Start of the random numbers of methods that sample."),
    ("--swap-events", None, "Analyse non-events instead of events; for measures of 2×2 tables."),
    ("--totals", str, "Pooled effects that are shown: overall, subgroups or none."),
    ("--effect-label", str, "Name of the effect for readers."),
    ("--group-1", str, "Name of the experimental group."),
    ("--group-2", str, "Name of the control group."),
    ("--favours-1", str, "Axis label of the experimental group's side."),
    ("--favours-2", str, "Axis label of the control group's side."),
)


def word_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each word of the settings."""
    for option, kind, text in reversed(WORDS):
        name = option.removeprefix("--").replace("-", "_")
        declared = option if kind is not None else f"{option}/--no-{option.removeprefix('--')}"
        command = click.option(declared, name, type=kind or bool, default=None, help=text)(command)
    return command


@click.command("fit", short_help="Pool the studies of a file, or answer a request in JSON.")
@click.argument("file")
@click.option("--settings", default=None, help="Preset: revman5, revman-web (the default), metafor, meta.")
@word_options
@click.option("--by", default=None, help="Column to make subgroups of.")
@click.option("--exclude", multiple=True, metavar="STUDY", help="Leave a study out (repeatable).")
@click.option("--moderator", multiple=True, metavar="COLUMN", help="Column for a meta-regression (repeatable).")
@click.option("--weights", default=None, metavar="COLUMN", help="Column of weights of your own.")
@click.option("--formula", default=None, metavar="FORMULA", help="Formula of a meta-regression: '~ dose + C(design)'.")
@click.option("--role", multiple=True, metavar="NAME=HEADING", help="events_1='deaths treated' (repeatable).")
@click.option(
    "--convert", multiple=True, metavar="NAME", help="Fill what the table lacks by a conversion (repeatable)."
)
@click.option("--format", default=None, help="Read the file by this converter.")
@click.option("--leave-one-out", is_flag=True, help="Also pool without each study in turn.")
@click.option("--report", multiple=True, metavar="NAME[=PATH]", help="text, csv, json, forest=out.png … (repeatable).")
@click.option("--json", "as_json", is_flag=True, help="Print the result (or the error) as JSON, and nothing else.")
def fit_command(file: str, *, as_json: bool, **given: Any) -> None:  # noqa: ANN401 - one per option
    """Pool the studies of FILE (CSV, JSON, …), or answer the JSON request on standard input where FILE is "-".

    The words are those of `evisynth.fit`; `evisynth schema request` describes the request.
    """
    if file != "-" and not as_json:
        _print_reports(_request(file, given), given["report"])
        return
    indent = None if file == "-" else 2
    document, failed = _answer(lambda: _stdin_answer(given) if file == "-" else _file_answer(file, given))
    click.echo(strict_json(document, indent=indent).encode())
    if failed:
        click.get_current_context().exit(2)


def _answer(make: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], bool]:
    """Give the result or the error, and whether it is an error."""
    try:
        return make(), False
    except (EvisynthError, OSError) as error:
        return error_document(error), True
    except Exception as error:  # noqa: BLE001 - whoever asked in JSON is answered in JSON
        traceback.print_exc()
        return error_document(error), True


def _stdin_answer(given: Mapping[str, Any]) -> dict[str, Any]:
    said = [name for name, value in given.items() if value not in (None, False, ())]
    if said:
        msg = f"a request on standard input carries its own words: put {', '.join(said)} into it"
        raise SettingsError(msg)
    return read_request(sys.stdin.buffer.read(MAX_BYTES + 1)).answer()


def _file_answer(file: str, given: Mapping[str, Any]) -> dict[str, Any]:
    asked = [report_target(text) for text in given["report"]]
    # Standard output is the answer's: reports without a file travel in it.
    request = _request(file, given, [name for name, path in asked if path is None])
    for name, path in asked:
        if path is not None:
            report(request.analysis, name, path)
    return request.answer()


def words_given(given: Mapping[str, Any]) -> dict[str, Any]:
    """Pick the words of settings among the options of a command."""
    words: dict[str, Any] = {}
    for option, *_ in WORDS:
        name = option.removeprefix("--").replace("-", "_")
        if given[name] is not None:
            words[name] = None if name in NONE_WORDS and given[name].casefold() == "none" else given[name]
    if "tau2" in words:
        words["tau2"] = _number_or_name(words["tau2"])
    return words


def _request(file: str, given: Mapping[str, Any], reports: Sequence[str] = ()) -> Request:
    return Request(
        data=Path(file),
        words=words_given(given),
        settings=given["settings"],
        roles=dict(pair("--role", role, "events_1='deaths treated'") for role in given["role"]),
        format=given["format"],
        convert=dict(_conversion(text) for text in given["convert"]),
        exclude=given["exclude"],
        by=given["by"],
        moderators=moderators_given(given),
        weights=given["weights"],
        leave_one_out=given["leave_one_out"],
        reports={name: {} for name in reports},
    )


def _number_or_name(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def option_value(text: str) -> Any:  # noqa: ANN401 - each option's own
    """Read the value of a method's option: a number, a list of numbers with semicolons, true or false, or a word."""
    if ";" in text:
        return [option_value(part.strip()) for part in text.split(";") if part.strip()]
    if text.casefold() in {"true", "false"}:
        return text.casefold() == "true"
    return None if text.casefold() == "none" else _number_or_name(text)


def moderators_given(given: Mapping[str, Any]) -> str | Sequence[str]:
    """Read the moderators among the options of a command: a formula, or columns by name."""
    formula: str | None = given.get("formula")
    columns: Sequence[str] = given["moderator"]
    if formula is None:
        return columns
    if columns:
        msg = "--formula and --moderator both name moderators: give one of them"
        raise SettingsError(msg)
    # The shell has a meaning of its own for a tilde at the start of a word.
    return formula if formula.lstrip().startswith("~") else f"~ {formula}"


def pair(option: str, text: str, example: str) -> tuple[str, str]:
    """Read ``NAME=VALUE``; raises `SettingsError` for anything else."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value.strip():
        msg = f"{option} is NAME=VALUE, such as {option} {example}, not {text!r}"
        raise SettingsError(msg)
    return name.strip(), value.strip()


def _conversion(text: str) -> tuple[str, dict[str, float]]:
    """Read ``name`` or ``name:option=0.5,other=2``."""
    name, _, words = text.partition(":")
    options: dict[str, float] = {}
    for word in filter(None, words.split(",")):
        option, value = pair("--convert", word, "name:correlation=0.5")
        number = _number_or_name(value)
        if isinstance(number, str):
            msg = f"--convert: {option} of {name} is a number, not {value!r}"
            raise SettingsError(msg)
        options[option] = number
    return name.strip(), options


def report_target(text: str) -> tuple[str, str | None]:
    """Read ``NAME`` or ``NAME=PATH``."""
    return pair("--report", text, "forest=out.png") if "=" in text else (text.strip(), None)


def _print_reports(request: Request, asked: Sequence[str]) -> None:
    analysis = request.analysis
    for name, path in map(report_target, asked or ("text",)):
        if path is not None:
            report(analysis, name, path)
            click.echo(f"wrote {printable(path)}", err=True)
            continue
        made = render(analysis, name)
        if isinstance(made, bytes):
            msg = f"report {name!r} is not text: say where it goes, --report {name}=FILE"
            raise FormatError(msg)
        click.echo(printable(made, keep="\n\t"), nl=not made.endswith("\n"))
    if request.leave_one_out:
        from evisynth.cli.tables import print_leave_one_out  # noqa: PLC0415 - rich only for tables

        print_leave_one_out(analysis)
