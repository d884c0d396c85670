"""Give the studies of a chart: where they are, how much they weigh, and which one a reader has left out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from evisynth_reporters import printed
from evisynth_reporters.chart import KEY, Key
from evisynth_reporters.drawing import Disc, Group, Shape
from evisynth_reporters.palettes import GRID, MUTED
from evisynth_reporters.study_tips import study_tip

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evisynth import MetaAnalysis
    from evisynth_reporters.drawing import Item, Point
    from evisynth_reporters.palettes import Palette
    from evisynth_reporters.words import Words

POINT = 3.0
"""Radius of a study's point."""
WHITE = "#ffffff"
LARGEST, SMALLEST = 13.0, 1.6
"""Radii of the heaviest study's circle among few, and of the lightest one's."""
SHAPES = ("circle", "square", "diamond", "triangle")


@attrs.frozen
class ChartStudy:
    """Hold a study with an effect: its row in the input (from 0), its effect ``y`` and variance ``v``, its weight."""

    row: int
    name: str
    y: float
    v: float
    weight: float
    """Percent of the pooled effect; 0 for one that is left out, and in a model without weights."""
    subgroup: str | None
    tip: tuple[str, ...]
    left_out: bool = False

    @property
    def se(self) -> float:
        """Standard error."""
        return math.sqrt(self.v)


def chart_studies(analysis: MetaAnalysis, words: Words, whole: MetaAnalysis | None = None) -> tuple[ChartStudy, ...]:
    """List the studies pooled; those of ``whole`` where a reader has left out one, which is marked so."""
    every = analysis if whole is None else whole
    gone = None if whole is None else left_out_row(analysis, whole)
    made: list[ChartStudy] = []
    for row in every.effect_rows:
        out = row == gone
        own = row if gone is None or row < gone else row - 1
        source, place = (every, row) if out else (analysis, own)
        weights = source.weights.get(source.settings.model)
        study = source.studies[place]
        tip = study_tip(source, place, words)
        made.append(
            ChartStudy(
                row=row,
                name=printed.one_line(study.study),
                y=float(source.effects.y[place]),
                v=float(source.effects.v[place]),
                weight=0.0 if out or weights is None else float(weights[place]),
                subgroup=None if study.subgroup is None else printed.one_line(study.subgroup),
                tip=(*tip, words("Left out")) if out else tip,
                left_out=out,
            )
        )
    return tuple(made)


def left_out_row(analysis: MetaAnalysis, whole: MetaAnalysis) -> int | None:
    """Find the row of ``whole`` that ``analysis`` lacks, by what its rows hold; of equal rows, the last."""
    if len(analysis.effects) == len(whole.effects):
        return None
    for row in range(len(analysis.effects)):
        if _held(analysis, row) != _held(whole, row):
            return row
    return len(whole.effects) - 1


def _held(analysis: MetaAnalysis, row: int) -> tuple[str, str, str]:
    effects = analysis.effects
    # As text: a missing effect is not equal to itself.
    return effects.study[row], repr(float(effects.y[row])), repr(float(effects.v[row]))


def circle_radius(share: float, count: int) -> float:
    """Give the radius of a circle whose area is a share of the largest one's; the largest is smaller among many."""
    largest = LARGEST * min(1.0, math.sqrt(math.sqrt(20.0 / max(count, 1))))
    return max(largest * math.sqrt(max(share, 0.0)), SMALLEST)


def mark(
    shape: str, centre: Point, radius: float, colour: str | None, edge: str | None = WHITE, opacity: float = 1.0
) -> Item:
    """Draw the point of a study."""
    if shape == "circle":
        return Disc(centre, radius, colour, edge, 0.6, opacity)
    x, y = centre
    corners = {
        "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
        "diamond": ((0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)),
        "triangle": ((0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)),
    }[shape]
    return Shape(tuple((x + radius * a, y + radius * b) for a, b in corners), colour, edge, 0.6, opacity)


@attrs.frozen
class Look:
    """Hold how the studies of a group are marked."""

    shape: str
    colour: str


def looks(studies: Iterable[ChartStudy], palette: Palette, *, grouped: bool) -> dict[str | None, Look]:
    """Give the subgroups in their order a colour and a shape each; one look for all where there is but one."""
    groups = list(dict.fromkeys(study.subgroup for study in studies)) if grouped else []
    if len(groups) < 2:  # noqa: PLR2004 - nothing to tell apart
        return {None: Look("circle", palette.study)}
    return {
        group: Look(SHAPES[i % len(SHAPES)], palette.series[i % len(palette.series)]) for i, group in enumerate(groups)
    }


def study_mark(study: ChartStudy, centre: Point, look: Look, radius: float = POINT, *, opacity: float = 1.0) -> Group:
    """Draw a study so that its data show when it is pointed at; pale where it is left out."""
    colour, edge = (GRID, MUTED) if study.left_out else (look.colour, WHITE)
    return Group((mark(look.shape, centre, radius, colour, edge, opacity),), study.tip, study.row)


def look_of(study: ChartStudy, chosen: dict[str | None, Look]) -> Look:
    """Give the look of a study's group."""
    return chosen[study.subgroup if len(chosen) > 1 else None]


def heaviest_first(studies: Sequence[ChartStudy]) -> list[ChartStudy]:
    """Order studies so that small circles are drawn over large ones, whichever is left out."""
    return sorted(studies, key=lambda study: (study.v, study.row))


def group_keys(
    studies: Sequence[ChartStudy], palette: Palette, words: Words, *, grouped: bool, shape: str | None = None
) -> list[Key]:
    """Explain the marks of subgroups, of one ``shape`` where it is given; nothing where all are marked alike."""
    chosen = looks(studies, palette, grouped=grouped)
    if len(chosen) < 2:  # noqa: PLR2004 - nothing to tell apart
        return []
    return [
        Key(group or words("No subgroup"), (mark(shape or look.shape, (KEY / 2, 0.0), POINT, look.colour),))
        for group, look in chosen.items()
    ]
