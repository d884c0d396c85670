"""Compute beforehand what leaving out each study does to the pooled result, for pages that let readers try."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evisynth import EvisynthError, leave_one_out
from evisynth_reporters import printed
from evisynth_reporters.interactive import Without

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth import MetaAnalysis
    from evisynth_reporters.drawing import Drawing
    from evisynth_reporters.words import Words

MOST_DRAWN = 60
"""With more studies the page says the result without one in words alone: the drawings grow with the square."""
MOST_SAID = 2000
FEWEST = 2


def results_without(
    analysis: MetaAnalysis, words: Words, redraw: Callable[[MetaAnalysis], Drawing]
) -> tuple[str, dict[int, Without]]:
    """Say the result of all studies, and by row of the input the result without each, drawn where they are few."""
    said = words("All {k} studies: {result}", k=analysis.k, result=_result(analysis, words))
    if not FEWEST <= analysis.k <= MOST_SAID or analysis.is_regression:
        return said, {}
    made: dict[int, Without] = {}
    try:
        left = leave_one_out(analysis)
        for name, row in zip(left.omitted, analysis.rows, strict=True):
            part = left.marked(name)
            shown = printed.one_line(name)
            says = words("Without {study}: {result}", study=shown, result=_result(part, words))
            made[int(row)] = Without(says, redraw(part) if analysis.k <= MOST_DRAWN else None)
    except EvisynthError:
        # A design or a method that cannot do without some study: there is nothing to click.
        return said, {}
    return said, made


def _result(analysis: MetaAnalysis, words: Words) -> str:
    shown, style = analysis.display, printed.style_of(analysis)
    if shown is None:
        return words(printed.NOT_ESTIMABLE)
    effect = printed.effect(shown.value, shown.ci_low, shown.ci_high, style)
    i2 = analysis.heterogeneity.i2
    spread = "" if i2 is None else f", I² = {printed.number(i2, 0)}%"
    return f"{printed.one_line(analysis.label)} {effect}{spread}"
