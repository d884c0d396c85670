"""Draw the summary of risk of bias: for each domain the share of the studies by judgement, weighted or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from evisynth import FigureSpec, Reporter, Review, hookimpl, number_between
from evisynth_reporters import printed
from evisynth_reporters.bias_domains import judged_columns, tool_of, words_used
from evisynth_reporters.chart import KEY, MARGIN, PITCH, Key, notice, sheet
from evisynth_reporters.drawing import TEXT_SIZE, Group, Label, Line, Shape, wrap
from evisynth_reporters.figure import figure
from evisynth_reporters.signs import colour_of
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth_reporters.bias_domains import JudgedColumn
    from evisynth_reporters.drawing import Drawing, Item, Measure
    from evisynth_reporters.words import Words

BAR = 15.0
ROW = 24.0
GAP = 10.0
NAME_MOST = 230.0
NARROWEST = 320.0
APART = 10.0
EDGE = "#5a5a5a"


@attrs.frozen(kw_only=True)
class BiasSummarySpec(FigureSpec):
    """Hold the options of a risk-of-bias summary; its colours are those of the palette."""

    figure: ClassVar[str] = "risk-of-bias-summary"

    tool: str | None = None
    """The tool whose judgements are shown, where a review has several; by default the first."""
    weighted: bool = True
    """Whether studies count by the weights that the judgements come with, where they come with any."""
    bar_width: float = attrs.field(default=260.0, validator=number_between(100.0, 2000.0))
    """Length of 100 % in points."""


def bias_summary(review: Review, spec: BiasSummarySpec, measure: Measure) -> Drawing:
    """Draw a bar per domain, its parts by the share of studies with each judgement."""
    words, title = words_of(spec.language), printed.one_line(spec.title)
    tool = tool_of(review, spec.tool)
    columns = [] if tool is None else [column for column in judged_columns(tool) if any(column.judgements.values())]
    if tool is None or not columns:
        text = words("There is no risk of bias to draw: the review holds no judgements.")
        return notice(text, measure, width=NARROWEST, title=title)
    weights: Mapping[str, float] = tool.weights if spec.weighted else {}
    names = [words("Overall") if column.block == "overall" else column.name for column in columns]
    label = min(max(measure(name) for name in names), NAME_MOST)
    left = MARGIN + label + GAP
    width = max(left + spec.bar_width + 2 * MARGIN, NARROWEST)
    order = words_used(columns)
    items: list[Item] = []
    y = 6.0
    for i, (column, name) in enumerate(zip(columns, names, strict=True)):
        if i and column.block != columns[i - 1].block:
            y += APART
            if column.block == "applicability":
                items.append(Label(words("Concerns about applicability"), MARGIN, y + TEXT_SIZE, bold=True))
                y += PITCH + 4.0
        lines = wrap(name, label, measure)
        height = max(ROW, len(lines) * PITCH + 4.0)
        middle = y + height / 2
        start = middle - (len(lines) - 1) * PITCH / 2 + 0.36 * TEXT_SIZE
        bold = column.block == "overall"
        items += [
            Label(line, MARGIN, start + j * PITCH, bold=bold and measure(line, bold=True) <= label)
            for j, line in enumerate(lines)
        ]
        items += _bar(column, name, weights, order, left, middle, spec, words)
        y += height
    items += _scale(left, y, spec.bar_width)
    keys = [Key(words(word.capitalize()), (_key(colour_of(word, spec.palette)),)) for word in order]
    studies = {study for column in columns for study in column.judgements}
    notes = [words("Studies count by their weights.") if weights else words("Every study counts alike.")]
    absent = len([study for study in studies if weights and study not in weights])
    if absent:
        notes.append(words("{k} studies have no weight and do not count.", k=absent))
    described = words("Risk of bias of {k} studies by {tool}.", k=len(studies), tool=printed.one_line(tool.tool))
    return sheet(
        items, measure, width=width, bottom=y + 22.0, title=title, keys=keys, notes=notes, description=described
    )


def shares(column: JudgedColumn, weights: Mapping[str, float]) -> dict[str, float]:
    """Give each judgement's share of the studies that are judged, of their weights where there are any."""
    sums: dict[str, float] = {}
    for study, word in column.judgements.items():
        if word.strip():
            counted = weights.get(study, 0.0) if weights else 1.0
            sums[word.strip().casefold()] = sums.get(word.strip().casefold(), 0.0) + counted
    total = sum(sums.values())
    return {word: value / total for word, value in sums.items()} if total > 0.0 else {}


def _bar(
    column: JudgedColumn, name: str, weights: Mapping[str, float], order: list[str], left: float, middle: float,
    spec: BiasSummarySpec, words: Words,
) -> list[Item]:  # fmt: skip
    made: list[Item] = []
    found, x = shares(column, weights), left
    for word in order:
        share = found.get(word, 0.0)
        if share <= 0.0:
            continue
        end = x + share * spec.bar_width
        corners = tuple((px, middle + py) for px, py in ((x, -BAR / 2), (end, -BAR / 2), (end, BAR / 2), (x, BAR / 2)))
        tip = (f"{name}: {words(word.capitalize())}", f"{100 * share:.1f}%")
        made.append(Group((Shape(corners, colour_of(word, spec.palette), EDGE, 0.5),), tip))
        x = end
    return made


def _scale(left: float, y: float, width: float) -> list[Item]:
    made: list[Item] = [Line((left, y), (left + width, y))]
    for percent in (0, 25, 50, 75, 100):
        x = left + width * percent / 100
        made += [Line((x, y), (x, y + 3.0)), Label(f"{percent}%", x, y + 13.0, "center", size=8.0)]
    return made


def _key(colour: str) -> Shape:
    return Shape(((0.0, -4.5), (KEY, -4.5), (KEY, 4.5), (0.0, 4.5)), colour, EDGE, 0.5)


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the summary of risk of bias."""
    return [
        figure(
            BiasSummarySpec,
            bias_summary,
            of="review data",
            reference="McGuinness & Higgins (2021), Res. Synth. Methods 12:55-61; Higgins et al. (2011), BMJ 343:d5928",
        )
    ]
