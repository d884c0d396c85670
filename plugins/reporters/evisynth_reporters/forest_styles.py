"""Hold the layouts of forest plots as data: which columns, how numbers are written, which rules and colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

from evisynth_reporters.printed import with_symbols

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth_reporters.outcome_columns import Kind
    from evisynth_reporters.printed import Style

Rules: TypeAlias = Literal["below headings", "around headings", "light"]


@attrs.frozen(kw_only=True)
class ForestStyle:
    """Hold one layout.

    ``left`` and ``right`` name the columns on the two sides of the plot; ``data`` stands for the numbers that the
    measure was computed from. Colours are those of squares by kind of outcome, and of the diamond.
    """

    left: tuple[str, ...]
    right: tuple[str, ...] = ()
    open: str = "["
    close: str = "]"
    to: str = ", "
    to_negative: str = ", "
    """Between limits of which one may be negative."""
    study_heading: str = "Study or Subgroup"
    squares: Mapping[Kind, str]
    diamond: str = "#000000"
    rules: Rules = "below headings"
    symbols: bool = False
    """Whether footers write τ² and χ² instead of Tau² and Chi²."""
    leading_zero: bool = True
    """Whether P has a zero before its point."""
    round_ticks: bool = True
    """Whether logarithmic axes are marked at 1, 2 and 5 times powers of ten; RevMan has marks of its own."""
    favours_above: bool = False
    plot_heading: bool = True
    """Whether the plot repeats the effect and the model above it."""
    events_row: bool = True
    """Whether a row adds up the events."""
    web: bool = False
    """Whether numbers and footers are written as RevMan Web does."""

    def numbers(self, style: Style) -> Style:
        """Take the style of numbers that is the layout's."""
        to = " , " if self.web else self.to if style.ratio else self.to_negative
        return attrs.evolve(style, comma=to, open=self.open, close=self.close, always_subgroup_line=self.web)

    def footer(self, line: str) -> str:
        """Write a footer in the layout's way."""
        return with_symbols(line, leading_zero=self.leading_zero) if self.symbols else line


_REVMAN: Mapping[Kind, str] = {"counts": "#0000cc", "means": "#00cc00", "given": "#cc0000"}
_REVMAN_WEB: Mapping[Kind, str] = {"counts": "#2a5db0", "means": "#3a8f3a", "given": "#b03a3a"}
_NAVY: Mapping[Kind, str] = dict.fromkeys(("counts", "means", "given"), "#1f4e79")
_BLACK: Mapping[Kind, str] = dict.fromkeys(("counts", "means", "given"), "#404040")

FOREST_STYLES: Mapping[str, ForestStyle] = {
    "revman5": ForestStyle(left=("study", "data", "weight", "effect"), squares=_REVMAN, round_ticks=False),
    "revman-web": ForestStyle(
        left=("study", "data", "weight", "effect"), squares=_REVMAN_WEB, rules="light", web=True, round_ticks=False
    ),
    "jama": ForestStyle(
        left=("study", "data"),
        right=("effect", "weight"),
        open="(",
        close=")",
        to="-",
        to_negative=" to ",
        study_heading="Source",
        squares=_NAVY,
        diamond="#1f4e79",
        rules="around headings",
        symbols=True,
        leading_zero=False,
        favours_above=True,
        plot_heading=False,
        events_row=False,
    ),
    "bmj": ForestStyle(
        left=("study", "data"),
        right=("weight", "effect"),
        open="(",
        close=")",
        to=" to ",
        to_negative=" to ",
        study_heading="Study",
        squares=_BLACK,
        diamond="#000000",
        rules="around headings",
        symbols=True,
        plot_heading=False,
    ),
    "plain": ForestStyle(
        left=("study",),
        right=("weight", "effect"),
        study_heading="Study",
        squares=_BLACK,
        diamond="#404040",
        rules="light",
        symbols=True,
        plot_heading=False,
        events_row=False,
    ),
}
"""By the words of the option ``layout``."""
