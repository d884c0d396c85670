"""Fit the command ``demo``: the founding analyses beside the published figures, with their forest plots."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evisynth.errors import MissingExtraError
from evisynth.reporting import report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth_validation.founding.repeating import Comparison

PLOT = "forest"
FEW_FIGURES = 2

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Founding analyses</title>
<style>
body {{ font: 16px/1.4 sans-serif; margin: 2em auto; max-width: 70em; }}
table {{ border-collapse: collapse; }} td, th {{ border-bottom: 1px solid #ccc; padding: .3em .6em; text-align: left; }}
img {{ max-width: 100%; }}
</style></head>
<body><h1>Founding analyses</h1>
<p>{summary}</p>
<table><tr><th>Figure</th><th>Analysis</th><th>Published</th><th>evisynth</th><th></th><th></th></tr>
{rows}</table>
{plots}</body></html>
"""


@click.command(short_help="Repeat the founding analyses beside the published figures.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("evisynth-demo"),
    show_default=True,
    help="Folder for forest plots, results and an index.",
)
def demo(output: Path) -> None:
    """Repeat the analyses that evisynth grew from, beside the published figures.

    Exit status 1 if any figure differs at the printed digits.
    """
    # rich and the analyses only when they are asked for
    from rich.progress import track  # noqa: PLC0415

    from evisynth.cli.tables import console  # noqa: PLC0415
    from evisynth_validation.founding.repeating import compare_analysis, compare_sample_size, expected  # noqa: PLC0415

    held = expected()
    output.mkdir(parents=True, exist_ok=True)
    found: list[Comparison] = []
    trouble: str | None = None
    on_screen = console(err=True)
    for entry in track(held["analyses"], "Pooling and drawing", console=on_screen, transient=True):
        made = compare_analysis(entry, held["papers"])
        found.append(made)
        trouble = _write(made, output, trouble)
    found += [compare_sample_size(entry, held["papers"]) for entry in held["sample_sizes"]]
    _print(found)
    summary = _summary(found)
    (output / "index.html").write_text(_page(found, summary, output), encoding="utf-8")
    if trouble is not None:
        click.echo(f"no forest plots: {trouble}", err=True)
    written = "Results and index.html" if trouble is not None else "Forest plots, results and index.html"
    click.echo(f"{summary} {written} are in {output}")
    if not all(comparison.agrees for comparison in found):
        click.get_current_context().exit(1)


def _write(made: Comparison, output: Path, trouble: str | None) -> str | None:
    """Write result and plot; say why there is no plot (asked once, it is the same for all)."""
    assert made.analysis is not None  # noqa: S101 - only sample sizes have none
    report(made.analysis, "json", output / f"{made.id}.json")
    if trouble is not None:
        return trouble
    try:
        report(made.analysis, PLOT, output / f"{made.id}.png", title=f"{made.title} ({made.figure})")
    except MissingExtraError as error:
        return str(error)
    return None


def _print(found: Sequence[Comparison]) -> None:
    from rich.text import Text  # noqa: PLC0415 - rich only for tables

    from evisynth.cli.tables import print_table  # noqa: PLC0415 - rich only for tables
    from evisynth_validation.founding.repeating import sentence  # noqa: PLC0415 - the analyses only when they are asked for

    marks = {True: Text("✓", style="green"), False: Text("✗", style="bold red")}
    for citation in dict.fromkeys(made.citation for made in found):
        rows = [
            (
                made.figure,
                Text(f"{made.title}\n{made.measure}".strip()),
                Text(sentence(made.published, "\n")),
                Text(sentence(made.ours, "\n")),
                marks[made.agrees],
            )
            for made in found
            if made.citation == citation
        ]
        print_table(("Figure", "Analysis", "Published", "evisynth", ""), rows, citation)


def _summary(found: Sequence[Comparison]) -> str:
    figures = sum(len(made.published) for made in found)
    differing = sum(made.published[name] != made.ours[name] for made in found for name in made.published)
    agree = "all equal" if not differing else f"{differing} of them DIFFERENT"
    return f"{figures} published figures of {len(found)} analyses, {agree} at the printed digits."


def _page(found: Sequence[Comparison], summary: str, output: Path) -> str:
    from evisynth_validation.founding.repeating import sentence  # noqa: PLC0415 - the analyses only when they are asked for

    rows: list[str] = []
    plots: list[str] = []
    citation = ""
    for made in found:
        name, title = escape(made.id), escape(made.title)
        if made.citation != citation:
            citation = made.citation
            rows.append(f'<tr><th colspan="6">{escape(citation)}</th></tr>\n')
        link = f'<a href="{name}.json">JSON</a>' if made.analysis is not None else ""
        cells = (made.figure, f"{made.title}. {made.measure}", sentence(made.published), sentence(made.ours))
        row = "".join(f"<td>{_unbroken(escape(cell))}</td>" for cell in cells)
        rows.append(f"<tr>{row}<td>{'✓' if made.agrees else '✗'}</td><td>{link}</td></tr>\n")
        if (output / f"{made.id}.png").exists():
            heading = f"<h2>{title}</h2><p>{escape(made.citation)}, {escape(made.figure)}</p>"
            plots.append(f'{heading}<img src="{name}.png" alt="Forest plot: {title}">\n')
    return _PAGE.format(summary=escape(summary), rows="".join(rows), plots="".join(plots))


def _unbroken(text: str) -> str:
    """Keep a number with what it belongs to: break lines after a comma only where there are several figures."""
    parts = text.split(", ")
    return ", ".join(part.replace(" ", "\u00a0") for part in parts) if len(parts) > FEW_FIGURES else text
