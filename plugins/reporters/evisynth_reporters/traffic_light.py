"""Draw a traffic-light table: the judgement of every study in every domain, as signs that colours only support."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

import attrs

from evisynth import FigureSpec, Reporter, Review, hookimpl
from evisynth_reporters import printed
from evisynth_reporters.bias_domains import judged_columns, lettered, tool_of, words_used
from evisynth_reporters.chart import MARGIN, PITCH, Key, notice, sheet
from evisynth_reporters.drawing import TEXT_SIZE, Group, Label, Line, wrap
from evisynth_reporters.figure import figure
from evisynth_reporters.signs import sign_items
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth_reporters.bias_domains import JudgedColumn
    from evisynth_reporters.drawing import Drawing, Item, Measure
    from evisynth_reporters.words import Words

RADIUS = 7.0
CELL = 22.0
ROW = 19.0
GAP = 12.0
NAME_MOST = 220.0
HEAD = 34.0
NARROWEST = 320.0
KEY_CENTRE = 8.0
TAGS = re.compile(r"<[^>]{0,200}>")


@attrs.frozen(kw_only=True)
class TrafficLightSpec(FigureSpec):
    """Hold the options of a risk-of-bias table; its colours are those of the palette."""

    figure: ClassVar[str] = "risk-of-bias"

    tool: str | None = None
    """The tool whose judgements are shown, where a review has several; by default the first."""


def traffic_light(review: Review, spec: TrafficLightSpec, measure: Measure) -> Drawing:
    """Draw studies down and domains across, applicability and the whole apart, with a legend of domains and signs."""
    words, title = words_of(spec.language), printed.one_line(spec.title)
    tool = tool_of(review, spec.tool)
    columns = [] if tool is None else lettered(judged_columns(tool))
    judged = {study for column in columns for study in column.judgements}
    names = {study.id: printed.one_line(study.name) for study in review.studies if study.id in judged}
    names |= {study: printed.one_line(study) for study in sorted(judged) if study not in names}
    if tool is None or not names:
        text = words("There is no risk of bias to draw: the review holds no judgements.")
        return notice(text, measure, width=NARROWEST, title=title)
    label = min(max(measure(name) for name in (*names.values(), words("Study"))), NAME_MOST)
    places = _places(columns, MARGIN + label + GAP)
    width = max(places[-1] + CELL / 2 + MARGIN + 8.0, NARROWEST)
    items: list[Item] = [*_headings(columns, places, words), Line((MARGIN, HEAD), (width - MARGIN, HEAD))]
    y = HEAD + 3.0
    for study, name in names.items():
        lines = wrap(name, label, measure)
        height = max(ROW, len(lines) * PITCH + 4.0)
        middle = y + height / 2
        start = middle - (len(lines) - 1) * PITCH / 2 + 0.36 * TEXT_SIZE
        items += [Label(line, MARGIN, start + i * PITCH) for i, line in enumerate(lines)]
        for column, x in zip(columns, places, strict=True):
            word = column.judgements.get(study, "").strip()
            if word:
                tip = (name, f"{column.name}: {words(word.capitalize())}", *_support(column, study))
                items.append(Group(tuple(sign_items(word, x, middle, RADIUS, spec.palette)), tip))
        y += height
        items.append(Line((MARGIN, y), (width - MARGIN, y), 0.4, "#d0d0d0"))
    keys = [
        Key(words(word.capitalize()), tuple(sign_items(word, KEY_CENTRE, 0.0, 5.5, spec.palette)))
        for word in words_used(columns)
    ]
    notes = [f"{column.letter}: {column.name}" for column in columns if column.letter]
    described = words("Risk of bias of {k} studies by {tool}.", k=len(names), tool=printed.one_line(tool.tool))
    return sheet(
        items, measure, width=width, bottom=y + 4.0, title=title, keys=keys, notes=notes, description=described
    )


def _support(column: JudgedColumn, study: str) -> tuple[str, ...]:
    """Give the reviewers' reasons without markup."""
    text = TAGS.sub(" ", column.support.get(study, ""))
    return (printed.one_line(text),) if text.strip() else ()


def _places(columns: Sequence[JudgedColumn], start: float) -> list[float]:
    made: list[float] = []
    x = start + CELL / 2
    for i, column in enumerate(columns):
        if i and column.block != columns[i - 1].block:
            x += GAP
        made.append(x)
        x += CELL
    return made


def _headings(columns: Sequence[JudgedColumn], places: Sequence[float], words: Words) -> list[Item]:
    made: list[Item] = [Label(words("Study"), MARGIN, HEAD - 6.0, bold=True)]
    for column, x in zip(columns, places, strict=True):
        text = words("Overall") if column.block == "overall" else column.letter
        made.append(Label(text, x, HEAD - 6.0, "center", bold=True, size=8.0))
    apart = [x for column, x in zip(columns, places, strict=True) if column.block == "applicability"]
    if apart:
        made.append(Label(words("Applicability"), (apart[0] + apart[-1]) / 2, HEAD - 20.0, "center", size=8.0))
    return made


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the traffic-light table."""
    return [
        figure(
            TrafficLightSpec,
            traffic_light,
            of="review data",
            reference="McGuinness & Higgins (2021), Res. Synth. Methods 12:55-61; Sterne et al. (2019), BMJ 366:l4898",
        )
    ]
