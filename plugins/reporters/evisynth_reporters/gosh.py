"""Draw a GOSH plot: pooled effect and heterogeneity of all subsets of the studies, or of a sample of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import attrs
import numpy as np

from evisynth import MetaAnalysis, Reporter, SettingsError, hookimpl, number_between, one_of
from evisynth import gosh as pool_subsets
from evisynth_reporters import printed
from evisynth_reporters.chart import area_key, axes, axis_over, chart_box, notice, sheet
from evisynth_reporters.chart_spec import ChartSpec
from evisynth_reporters.drawing import Group, Shape
from evisynth_reporters.effect_axis import effect_axis
from evisynth_reporters.figure import figure
from evisynth_reporters.palettes import palette_of
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth import FloatArray
    from evisynth_reporters.chart import Box
    from evisynth_reporters.drawing import Drawing, Item, Measure
    from evisynth_reporters.words import Words

CELLS = 56
"""Cells across and down: subsets are counted in them, so that a million make no larger a file than a thousand."""
PALEST = 0.12
MANY = 1_000_000_000
MARGINAL = 34.0
"""Height of the histograms at the edges."""
HETEROGENEITY: Mapping[str, str] = {"i2": "I² (%)", "tau2": "τ²", "q": "Q", "h2": "H²"}


@attrs.frozen(kw_only=True)
class GoshSpec(ChartSpec):
    """Hold the options of a GOSH plot."""

    figure: ClassVar[str] = "gosh"

    heterogeneity: str = attrs.field(default="i2", validator=one_of(*HETEROGENEITY))
    highlight: str | None = None
    """Study whose subsets have a colour of their own."""
    budget: float | None = attrs.field(default=None, validator=number_between(1, 10_000_000))
    """The most subsets, by default that of the analysis's settings."""
    height: float = attrs.field(default=330.0, validator=number_between(150.0, 2000.0))


def gosh(analysis: MetaAnalysis, spec: GoshSpec, measure: Measure) -> Drawing:
    """Count the subsets by pooled effect and heterogeneity in cells, the darker the more, with their histograms."""
    words, palette, title = words_of(spec.language), palette_of(spec.palette), printed.one_line(spec.title)
    found = pool_subsets(analysis, budget=None if spec.budget is None else int(spec.budget))
    if found.reason is not None or not found.members.size:
        why = printed.one_line(found.reason or words("no study is pooled"))
        return notice(words("There is no GOSH plot to draw: {why}.", why=why), measure, width=spec.width, title=title)
    numbers = found.numbers
    x, y = numbers.value[0], np.asarray(getattr(numbers, spec.heterogeneity), dtype=np.float64)
    # A subset of one study has no heterogeneity.
    seen = np.isfinite(x) & np.isfinite(y) & (numbers.k > analysis.X.shape[1])
    if not seen.any():
        text = words("There is no GOSH plot to draw: no subset has heterogeneity to show.")
        return notice(text, measure, width=spec.width, title=title)
    across = effect_axis(analysis, x[seen], words, spare=0.03)
    upwards = axis_over([0.0, *y[seen]], HETEROGENEITY[spec.heterogeneity], spare=0.03)
    box = chart_box(across, upwards, measure, width=spec.width - MARGINAL, height=spec.height - MARGINAL, top=MARGINAL)
    groups = [(seen, palette.study, words("Subsets"))]
    if spec.highlight is not None:
        try:
            inside = found.with_study(spec.highlight)
        except KeyError:
            msg = f"highlight of figure 'gosh' is one of the pooled studies, not {spec.highlight!r}"
            raise SettingsError(msg) from None
        name = printed.one_line(spec.highlight)
        groups = [
            (seen & ~inside, palette.series[0], words("without {study}", study=name)),
            (seen & inside, palette.series[1], words("with {study}", study=name)),
        ]
    items: list[Item] = []
    for which, colour, name in groups:
        items += _cells(box, (x[which], y[which]), colour, name, spec, analysis, words)
        items += _histograms(box, x[which], y[which], colour)
    items += axes(box, measure)
    kind = words("All {n} subsets") if found.complete else words("{n} of {possible} subsets, drawn with seed {seed}")
    n = int(seen.sum())
    text = kind.format(n=f"{found.members.shape[0]:,}", possible=_many(found.possible), seed=found.seed)
    notes = [words("{what}; {n} of them have heterogeneity to show.", what=text, n=f"{n:,}")]
    keys = [area_key(name, colour) for _, colour, name in groups] if len(groups) > 1 else []
    return sheet(
        items, measure, width=spec.width, bottom=spec.height, title=title, keys=keys, notes=notes,
        description=words("GOSH plot of {n} subsets of {k} studies.", n=f"{n:,}", k=analysis.k),
    )  # fmt: skip


def _many(count: int) -> str:
    """Write a number of subsets, which may be beyond what a floating-point number holds."""
    if count < MANY:
        return f"{count:,}"
    power, rest = divmod(math.log10(count), 1.0)
    return f"{10.0**rest:.1f}e{power:.0f}"


def _cells(
    box: Box, found: tuple[FloatArray, FloatArray], colour: str, name: str, spec: GoshSpec, analysis: MetaAnalysis,
    words: Words,
) -> list[Item]:  # fmt: skip
    """Shade the cells by how many subsets are in each; those above one another have one tip, to be read one by one."""
    x, y = found
    spans = [(box.x.low, box.x.high), (box.y.low, box.y.high)]
    counts, across, up = np.histogram2d(x, y, bins=CELLS, range=spans)
    most = np.log1p(counts.max()) if counts.size else 1.0
    column = np.clip(np.searchsorted(across, x, side="right") - 1, 0, CELLS - 1)
    made: list[Item] = []
    for i in np.flatnonzero(counts.sum(axis=1)):
        left, right = box.at_x(float(across[i])), box.at_x(float(across[i + 1]))
        cells: list[Item] = []
        for j in np.flatnonzero(counts[i]):
            low, high = box.at_y(float(up[j])), box.at_y(float(up[j + 1]))
            shade = PALEST + (1.0 - PALEST) * float(np.log1p(counts[i, j]) / most)
            corners = ((left, low), (right, low), (right, high), (left, high))
            cells.append(Shape(corners, colour, opacity=0.9 * shade))
        ends = analysis.scale.show_limits(float(across[i]), float(across[i + 1]))
        middle = float(np.median(y[column == i]))
        tip = (
            words("{n} subsets: {name}", n=int(counts[i].sum()), name=name),
            f"{printed.one_line(analysis.label)} [{', '.join(map(printed.entered, ends))}]",
            words("Median of {what}: {value}", what=HETEROGENEITY[spec.heterogeneity], value=printed.entered(middle)),
        )
        made.append(Group(tuple(cells), tip))
    return made


def _histograms(box: Box, x: FloatArray, y: FloatArray, colour: str) -> list[Item]:
    made: list[Item] = []
    counts, edges = np.histogram(x, bins=CELLS, range=(box.x.low, box.x.high))
    most = max(int(counts.max()), 1)
    for count, low, high in zip(counts, edges, edges[1:], strict=False):
        if count:
            left, right, top = box.at_x(float(low)), box.at_x(float(high)), box.top - 3.0
            up = top - (MARGINAL - 8.0) * float(count) / most
            made.append(Shape(((left, top), (right, top), (right, up), (left, up)), colour, opacity=0.55))
    counts, edges = np.histogram(y, bins=CELLS, range=(box.y.low, box.y.high))
    most = max(int(counts.max()), 1)
    for count, low, high in zip(counts, edges, edges[1:], strict=False):
        if count:
            bottom, top, left = box.at_y(float(low)), box.at_y(float(high)), box.right + 3.0
            out = left + (MARGINAL - 8.0) * float(count) / most
            made.append(Shape(((left, bottom), (out, bottom), (out, top), (left, top)), colour, opacity=0.55))
    return made


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the GOSH plot."""
    return [
        figure(
            GoshSpec,
            gosh,
            reference="Olkin, Dahabreh & Trikalinos (2012), Res. Synth. Methods 3:214-223",
            r_equivalent="plot(metafor::gosh(res))",
        )
    ]
