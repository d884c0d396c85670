"""Print tables with rich; what comes from data or plugins is shown as it is, never as markup or control codes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from evisynth.diagnostics.leave_one_out import leave_one_out
from evisynth.escaping import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evisynth.results import MetaAnalysis

# A file or a pipe has no width of its own; eighty columns would break most lines.
_WIDTH_OF_FILES = 160


def console(*, err: bool = False) -> Console:
    """Make a console for standard output or standard error."""
    stream = sys.stderr if err else sys.stdout
    return Console(stderr=err, width=None if stream.isatty() else _WIDTH_OF_FILES, highlight=False)


def plain(value: object) -> Text:
    """Make a cell of a text from outside: no markup, no control characters; empty for None."""
    return Text("" if value is None else printable(str(value)))


def print_table(
    headings: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None, *, right: Sequence[int] = ()
) -> None:
    """Print a table; ``right`` names the columns of numbers."""
    table = Table(title=None if title is None else plain(title), title_justify="left", header_style="bold")
    for i, heading in enumerate(headings):
        table.add_column(plain(heading), justify="right" if i in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(value if isinstance(value, Text) else plain(value) for value in row))
    console().print(table)


def print_leave_one_out(analysis: MetaAnalysis) -> None:
    """Print the pooled effect without each study in turn."""

    def number(value: float | None) -> str:
        return "–" if value is None else f"{value:.3f}"

    records = leave_one_out(analysis).records()
    terms = len(analysis.terms) > 1
    rows = [
        (
            row["omitted"],
            *((row["term"],) if terms else ()),
            row["k"],
            number(row["display"]),
            f"[{number(row['display_ci_low'])}, {number(row['display_ci_high'])}]"
            if row["display"] is not None
            else "",
            number(row["p_value"]),
            number(row["tau2"]),
            "–" if row["i2"] is None else f"{row['i2']:.0f} %",
        )
        for row in records
    ]
    level = f"{100 * analysis.settings.level:g} % CI"
    named = ("Without", *(("Coefficient",) if terms else ()))
    headings = (*named, "k", analysis.effects.label, level, "P", "Tau²", "I²")
    print_table(headings, rows, "Leave one out", right=range(len(named), len(headings)))
