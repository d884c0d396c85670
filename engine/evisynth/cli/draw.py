"""Draw a figure of a file: the command ``draw``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evisynth.cli.analysed import analyses_of
from evisynth.cli.fit import option_value, pair, word_options
from evisynth.errors import CombinationError, SettingsError
from evisynth.escaping import printable

if TYPE_CHECKING:
    from evisynth.figures import FigureSpec


@click.command("draw", short_help="Draw a figure of a table of studies or of a review.")
@click.argument("figure")
@click.argument("file")
@click.option("-o", "--output", required=True, metavar="PATH", help="Where to: .png, .svg, .pdf or .html.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="Option of the figure (repeatable).")
@click.option("--spec", "spec_file", default=None, metavar="FILE", help="Options that were saved as JSON.")
@click.option("--save-spec", default=None, metavar="FILE", help="Save the options as JSON.")
@click.option("--settings", default=None, help="Preset: revman5, revman-web (the default), metafor, meta.")
@click.option("--outcome", "only", multiple=True, metavar="PLACE", help="Outcome 1.2 of a review.")
@word_options
@click.option("--by", default=None, help="Column to make subgroups of.")
@click.option("--exclude", multiple=True, metavar="STUDY", help="Leave a study out (repeatable).")
@click.option("--moderator", multiple=True, metavar="COLUMN", help="Column for a meta-regression (repeatable).")
@click.option("--formula", default=None, metavar="FORMULA", help="Formula of a meta-regression: '~ dose'.")
@click.option("--role", multiple=True, metavar="NAME=HEADING", help="events_1='deaths treated' (repeatable).")
@click.option("--format", default=None, help="Read the file by this converter.")
def draw_command(
    figure: str, file: str, *, output: str, options: tuple[str, ...], spec_file: str | None, save_spec: str | None,
    **given: Any,  # noqa: ANN401 - one per option
) -> None:  # fmt: skip
    """Draw FIGURE of FILE: of the analysis of a table, of an outcome of a review, or of a whole review.

    The suffix of the output says how: a bitmap, vector graphics, or a page that answers to the mouse.
    `evisynth methods reporters` lists the figures.
    """
    from evisynth.reporting import report  # noqa: PLC0415 - only when something is drawn

    spec = _spec(figure, spec_file, options)
    report(_result(figure, file, given), spec, output)
    click.echo(f"wrote {printable(output)}", err=True)
    if save_spec is not None:
        Path(save_spec).write_text(spec.to_json(indent=2) + "\n", encoding="utf-8")
        click.echo(f"wrote {printable(save_spec)}", err=True)


def _spec(figure: str, spec_file: str | None, options: tuple[str, ...]) -> FigureSpec:
    from evisynth.figures import figure as make_figure  # noqa: PLC0415 - only when something is drawn
    from evisynth.figures import read_figure  # noqa: PLC0415 - as above

    made = make_figure(figure)
    if spec_file is not None:
        saved = read_figure(Path(spec_file).read_text(encoding="utf-8"))
        if type(saved) is not type(made):
            msg = f"{spec_file} holds the spec of figure {saved.figure!r}, not of {figure!r}"
            raise SettingsError(msg)
        made = saved
    named = (pair("--option", text, "title=Mortality") for text in options)
    return made.but({name: option_value(value) for name, value in named})


def _result(figure: str, file: str, given: dict[str, Any]) -> object:
    """Give what the figure is of: a review as it is read, a whole review, or one analysis."""
    from evisynth.cli.reviews import load_review, outcome_progress  # noqa: PLC0415 - only for reviews
    from evisynth.records import Reporter  # noqa: PLC0415 - only when something is drawn
    from evisynth.registry import default_registry  # noqa: PLC0415 - as above
    from evisynth.reviews.analysis import fit_review  # noqa: PLC0415 - only for reviews

    of = default_registry().get(Reporter, figure).of
    if of == "review data":
        return load_review(file, given["format"])
    if of == "review":
        review = load_review(file, given["format"])
        with outcome_progress(review, given["only"]) as advance:
            return fit_review(review, given["settings"], only=given["only"], progress=advance)
    made = list(analyses_of(file, given))
    if len(made) != 1:
        have = ", ".join(title.partition(" ")[0] for title, _ in made[:20]) or "none"
        msg = f"figure {figure!r} is of one analysis: choose one by --outcome; outcomes that are analysed: {have}"
        raise CombinationError(msg)
    return made[0][1]
