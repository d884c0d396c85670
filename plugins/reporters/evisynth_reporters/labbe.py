"""Draw a L'Abbé plot: the risk in the one arm against that in the other, and where the pooled effect would put it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import attrs

from evisynth import MetaAnalysis, Reporter, hookimpl, number_between, one_of
from evisynth_reporters import printed
from evisynth_reporters.chart import axes, chart_box, line_key, notice, point_key, sheet
from evisynth_reporters.chart_spec import ChartSpec
from evisynth_reporters.drawing import Disc, Group
from evisynth_reporters.event_risks import RISK_SCALES
from evisynth_reporters.figure import figure
from evisynth_reporters.label_placing import legible, placed_labels
from evisynth_reporters.palettes import palette_of
from evisynth_reporters.pooled_studies import subgroup_names
from evisynth_reporters.study_tips import study_tip
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from evisynth_reporters.chart import Key
    from evisynth_reporters.drawing import Drawing, Item, Measure
    from evisynth_reporters.event_risks import RiskScale
    from evisynth_reporters.palettes import Palette
    from evisynth_reporters.words import Words

LARGEST = 11.0
SMALLEST = 1.8
STEPS = 200
CURVES: Mapping[str, Callable[[float, float], float]] = {
    "RR": lambda risk, shown: risk * shown,
    "OR": lambda risk, shown: risk * shown / (1.0 - risk + risk * shown),
    "PETO": lambda risk, shown: risk * shown / (1.0 - risk + risk * shown),
    "RD": lambda risk, shown: risk + shown,
}
"""Measure → the risk of the first arm that an effect, as shown, makes of that of the second."""


@attrs.frozen(kw_only=True)
class LabbeSpec(ChartSpec):
    """Hold the options of a L'Abbé plot."""

    figure: ClassVar[str] = "labbe"

    size: str = attrs.field(default="weight", validator=one_of("weight", "participants"))
    """What the areas of the circles are proportional to."""
    scale: str = attrs.field(default="risk", validator=one_of(*RISK_SCALES))
    """``risk``, ``log risk`` or ``log odds``: the last two on logarithmic axes."""
    labels: str = attrs.field(default="none", validator=one_of("none", "all"))
    """Whether studies are named, the largest first, where there is room."""
    group_1: str | None = None
    group_2: str | None = None
    width: float = attrs.field(default=340.0, validator=number_between(200.0, 2000.0))
    height: float = attrs.field(default=330.0, validator=number_between(150.0, 2000.0))


def labbe(analysis: MetaAnalysis, spec: LabbeSpec, measure: Measure, *, whole: MetaAnalysis | None = None) -> Drawing:
    """Draw the risk in the first arm against that in the second, a circle a study, with the pooled effect's line."""
    words, palette, title = words_of(spec.language), palette_of(spec.palette), printed.one_line(spec.title)
    whole = whole or analysis
    cells = whole.effects.cells
    if cells is None:
        text = words("There is no L'Abbé plot to draw: the studies have no tables of events in two arms.")
        return notice(text, measure, width=spec.width, title=title)
    raw = cells.raw
    rows = [row for row in range(whole.k_total) if raw.n_1[row] > 0 and raw.n_2[row] > 0]
    if not rows:
        text = words("There is no L'Abbé plot to draw: no study has participants in both arms.")
        return notice(text, measure, width=spec.width, title=title)
    scale = RISK_SCALES[spec.scale]
    arms = {row: (_arm(raw.a[row], raw.n_1[row]), _arm(raw.c[row], raw.n_2[row])) for row in rows}
    # The second arm runs across.
    risks = {row: scale.risks(both)[::-1] for row, both in arms.items()}
    axis = scale.axis([risk for pair in risks.values() for risk in pair])
    one, two = printed.arm_names(analysis, spec.group_1, spec.group_2)
    event = words(scale.title)
    x = attrs.evolve(axis, title=event.format(group=printed.one_line(two)))
    y = attrs.evolve(axis, title=event.format(group=printed.one_line(one)))
    box = chart_box(x, y, measure, width=spec.width, height=spec.height)
    numbers = scale.numbers(axis, STEPS)
    lines = box.curve(numbers, numbers, colour="#9a9a9a", width=0.8)
    keys = [line_key(words("No effect"), "#9a9a9a", width=0.8)]
    pooled, key, notes = _pooled_line(analysis, scale, numbers, words)
    lines += box.curve([x for x, _ in pooled], [y for _, y in pooled], width=1.2, dash=(5.0, 2.5))
    keys += key
    sizes = {row: _size(whole, analysis, row, spec) for row in rows}
    largest = max(sizes.values()) or 1.0
    radii = {row: max(LARGEST * math.sqrt(sizes[row] / largest), SMALLEST) for row in rows}
    colours, group_keys = _colours(whole, rows, palette)
    keys = [*group_keys, *keys]
    items: list[Item] = list(lines)
    for row in sorted(rows, key=lambda row: -sizes[row]):
        left_out = whole.studies[row].included and not analysis.studies[row].included
        opacity = 0.15 if left_out else 0.6
        disc = Disc(box.at(*map(scale.of, risks[row])), radii[row], colours[row], "#ffffff", 0.6, opacity)
        items.append(Group((disc,), study_tip(whole, row, words), row if whole.studies[row].included else None))
    if spec.labels == "all":
        at = {row: box.at(*map(scale.of, risks[row])) for row in rows}
        order = sorted(rows, key=lambda row: -_size(whole, whole, row, spec))
        names = [(legible(printed.one_line(whole.effects.study_id[row])), at[row]) for row in order]
        items += placed_labels(names, [(at[row], radii[row]) for row in rows], box, measure, lines=lines)
    items += axes(box, measure)
    notes += [words("Areas of circles are proportional to {size}.", size=words(spec.size))]
    if any(scale.lacks(both) for both in arms.values()):
        notes.append(words("Where an arm has no events, or nothing else, 0.5 is added to all four cells."))
    absent = whole.k_total - len(rows)
    if absent:
        notes.append(words("{k} studies have no participants in an arm.", k=absent))
    return sheet(
        items, measure, width=spec.width, bottom=spec.height, title=title, keys=keys, notes=notes,
        description=words("L'Abbé plot of {k} studies.", k=len(rows)),
    )  # fmt: skip


def _pooled_line(
    analysis: MetaAnalysis, scale: RiskScale, numbers: Sequence[float], words: Words
) -> tuple[list[tuple[float, float]], list[Key], list[str]]:
    """Give where the pooled effect puts the first arm, with its key, or a note that it does not."""
    shown, curve = analysis.display, CURVES.get(analysis.effects.measure)
    name = printed.one_line(analysis.label)
    if shown is None:
        return [], [], []
    if curve is None:
        return [], [], [words("No line: no risk follows from another by a pooled {effect}.", effect=name)]
    made = [(number, curve(scale.back(number), shown.value)) for number in numbers]
    # A difference may lead beyond what is a risk: the line ends there.
    held = [(number, scale.of(risk)) for number, risk in made if 0.0 <= risk <= 1.0]
    text = words("Pooled {effect} {value}", effect=name, value=printed.number(shown.value))
    return held, [line_key(text, "#000000", dash=(5.0, 2.5))], []


def _arm(events: float, n: float) -> tuple[float, float]:
    return float(events), float(n)


def _colours(whole: MetaAnalysis, rows: Sequence[int], palette: Palette) -> tuple[dict[int, str], list[Key]]:
    """Give studies the colours of their subgroups, with a legend where the analysis has some."""
    names = subgroup_names(whole)
    groups = list(dict.fromkeys(names[row] for row in rows if row in names))
    if len(groups) < 2:  # noqa: PLR2004 - nothing to tell apart
        return dict.fromkeys(rows, palette.study), []
    colours = {group: palette.series[i % len(palette.series)] for i, group in enumerate(groups)}
    keys = [point_key(printed.one_line(group), colours[group]) for group in groups]
    return {row: colours[names[row]] if row in names else palette.study for row in rows}, keys


def _size(whole: MetaAnalysis, analysis: MetaAnalysis, row: int, spec: LabbeSpec) -> float:
    if spec.size == "participants":
        data = whole.studies[row].data
        return float((data.get("n_1") or 0.0) + (data.get("n_2") or 0.0))
    return analysis.studies[row].weight or 0.0


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the L'Abbé plot."""
    return [
        figure(
            LabbeSpec,
            labbe,
            reference="L'Abbé, Detsky & O'Rourke (1987), Ann. Intern. Med. 107:224-233",
            leaves_out=True,
            r_equivalent="metafor::labbe(res)",
        )
    ]
