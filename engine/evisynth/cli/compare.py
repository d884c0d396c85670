"""Fit the command ``compare``: a review file under two settings, with what changes and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from evisynth.cli.fit import NONE_WORDS, word_options, words_given
from evisynth.cli.reviews import load_review, outcome_progress
from evisynth.documents import strict_json
from evisynth.errors import SettingsError
from evisynth.escaping import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evisynth.results import MetaAnalysis
    from evisynth.reviews.causes import Change
    from evisynth.reviews.comparing import ComparedOutcome, ComparedResult, SettingsComparison

AS_STATED = "file"
"""Word for the settings that the file itself states."""
FIGURE = "settings-comparison"
"""Reporter of the figure."""


@click.command("compare", short_help="Run a review file under two settings: which conclusions change, and why.")
@click.argument("file")
@click.option(
    "--settings",
    default="revman5",
    show_default=True,
    metavar="SETTINGS",
    help="The first settings: a preset, or 'file' for what FILE states, and words over it: revman5,tau2=PM.",
)
@click.option("--with", "other", default="revman-web", show_default=True, metavar="SETTINGS", help="The second ones.")
@click.option("--outcome", "only", multiple=True, metavar="PLACE", help="Outcome 1.2, or comparison 1 (repeatable).")
@click.option("--width-ratio", type=float, default=1.2, show_default=True, help="Factor that makes an interval wider.")
@click.option("--all", "everything", is_flag=True, help="Also list results whose conclusions do not change.")
@word_options
@click.option("--format", default=None, help="Read the file by this converter.")
@click.option("--figure", default=None, metavar="PATH", help="Draw both intervals of every outcome: .png, .svg, .pdf.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole comparison as JSON.")
def compare_command(file: str, *, only: tuple[str, ...], everything: bool, as_json: bool, **given: Any) -> None:  # noqa: ANN401 - one per option
    """Run every outcome of FILE by RevMan 5 and by RevMan (Web), or by any two settings.

    Tells which conclusions change (significance, direction, width of the interval, band of I², prediction interval)
    and which choices make them: the estimator of tau², the interval, the definition of I² …. Words given as options
    hold for both settings.
    """
    from evisynth.reviews.comparing import compare_settings  # noqa: PLC0415 - only when reviews are compared

    one, other = settings_given(given["settings"]), settings_given(given["other"])
    review = load_review(file, given["format"])
    with outcome_progress(review, only) as advance:
        made = compare_settings(
            review, one, other, only=only, width_ratio=given["width_ratio"], progress=advance, **words_given(given)
        )
    if as_json:
        click.echo(strict_json(made.to_dict(), indent=2).encode())
    else:
        _print_comparison(made, everything=everything)
    if given["figure"] is not None:
        _draw(made, given["figure"])


def settings_given(text: str) -> dict[str, Any]:
    """Read ``revman5``, ``revman5,tau2=PM``, ``file`` or ``file,interval=HK``; raises `SettingsError`."""
    preset, *words = (part.strip() for part in text.split(","))
    if "=" in preset:
        preset, words = AS_STATED, [preset, *words]
    made: dict[str, Any] = {} if preset.casefold() == AS_STATED else {"settings": preset}
    for word in words:
        name, equals, value = (part.strip() for part in word.partition("="))
        if not equals or not name or not value:
            msg = f"settings are PRESET,WORD=VALUE, such as revman5,tau2=PM, not {text!r}"
            raise SettingsError(msg)
        name = name.replace("-", "_")
        made[name] = None if name in NONE_WORDS and value.casefold() == "none" else _value(value)
    return made


def _value(text: str) -> str | float | bool:
    if text.casefold() in {"true", "false"}:
        return text.casefold() == "true"
    try:
        return float(text)
    except ValueError:
        return text


def _draw(made: SettingsComparison, path: str) -> None:
    from evisynth.reporting import report  # noqa: PLC0415 - only when a figure is drawn

    report(made, FIGURE, path)
    click.echo(f"wrote {printable(path)}", err=True)


def _print_comparison(made: SettingsComparison, *, everything: bool) -> None:
    from evisynth.cli.tables import print_table  # noqa: PLC0415 - rich only for tables
    from evisynth.reviews.comparing import summary  # noqa: PLC0415 - only when reviews are compared

    changed = [pair for pair in _results(made) if pair[1].changed]
    headings = ("Place", "Outcome", made.one, made.other, "Changes", "Why")
    if changed:
        # Those that turn a finding round come before those that only blur it.
        changed.sort(key=lambda pair: _weight(pair[1]))
        rows = [row for outcome, result in changed for row in _rows(outcome, result, result.changes)]
        print_table(headings, rows, "Conclusions that change")
    others = [pair for pair in _results(made) if pair[1].compared and not pair[1].changed]
    if everything and others:
        rows = [row for outcome, result in others for row in _rows(outcome, result, result.moved)]
        print_table(headings, rows, "Conclusions that stay")
    click.echo(printable(summary(made)))


def _results(made: SettingsComparison) -> Iterator[tuple[ComparedOutcome, ComparedResult]]:
    for outcome in made:
        for result in outcome.results:
            yield outcome, result


def _weight(result: ComparedResult) -> int:
    from evisynth.reviews.conclusions import CONCLUSIONS  # noqa: PLC0415 - only when reviews are compared

    return min(CONCLUSIONS.index(change.kind) for change in result.changes)


def _rows(
    outcome: ComparedOutcome, result: ComparedResult, changes: tuple[Change, ...]
) -> Iterator[tuple[object, ...]]:
    """Give a row for each reason with all that it changes, the first with the result itself, and one for warnings."""
    name = outcome.name if result.subgroup is None else f"{outcome.name}: {result.subgroup}"
    first = (result.place, name, *(_cell(each) for each in (result.one, result.other)))
    by_reason: dict[str, list[str]] = {}
    for change in changes:
        by_reason.setdefault(change.why or _absence(change), []).append(change.tag)
    said = [("; ".join(tags), why) for why, tags in by_reason.items()] or [("", "")]
    for i, (tags, why) in enumerate([*said, *(("", f"note: {warning}") for warning in result.warnings)]):
        yield (*(first if i == 0 else ("", "", "", "")), tags, why)


def _absence(change: Change) -> str:
    return max(change.difference.one, change.difference.other, key=len) if change.kind == "estimability" else ""


def _cell(analysis: MetaAnalysis | None) -> str:
    from evisynth.reviews.conclusions import shown_number  # noqa: PLC0415 - only when reviews are compared

    if analysis is None or analysis.display is None:
        return "–"
    shown, i2 = analysis.display, analysis.heterogeneity.i2
    numbers = [shown_number(value) for value in (shown.value, shown.ci_low, shown.ci_high)]
    spread = "" if i2 is None else f", I² {i2:.0f} %"
    return f"{numbers[0]} [{numbers[1]}, {numbers[2]}], k = {analysis.k}{spread}"
