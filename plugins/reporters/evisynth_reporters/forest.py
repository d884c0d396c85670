"""Report as a forest plot in RevMan's layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from evisynth import FigureSpec, MetaAnalysis, Reporter, hookimpl, number_between
from evisynth_reporters import printed
from evisynth_reporters.build_table import build_table
from evisynth_reporters.figure import figure
from evisynth_reporters.forest_layout import axis_of, lay_out

if TYPE_CHECKING:
    from evisynth_reporters.drawing import Drawing, Measure
    from evisynth_reporters.table import ForestTable


@attrs.frozen(kw_only=True)
class ForestSpec(FigureSpec):
    """Hold the options of a forest plot."""

    figure: ClassVar[str] = "forest"

    group_1: str | None = None
    """Name of the first arm, else the settings' own."""
    group_2: str | None = None
    decimals: int = 2
    scale: float | None = None
    """Right end of the axis (100 for 0.01 to 100), chosen by the data where it is not given."""
    plot_width: float = attrs.field(default=200.0, validator=number_between(100.0, 2000.0))
    """Length of the axis in points."""
    notes: bool = False
    """Whether the studies not pooled and the warnings stand beneath."""


def forest(analysis: MetaAnalysis, spec: ForestSpec, measure: Measure, *, whole: MetaAnalysis | None = None) -> Drawing:
    """Draw the table of a forest plot with squares, intervals and diamonds beside it."""
    arms = printed.arm_names(analysis, spec.group_1, spec.group_2)
    table = build_table(analysis, arms, spec.decimals)
    return lay_out(
        table,
        measure,
        title=printed.one_line(spec.title),
        axis=axis_of(table if whole is None else build_table(whole, arms, spec.decimals), spec.scale),
        plot_width=spec.plot_width,
        small_print=_small_print(table) if spec.notes else (),
    )


def _small_print(table: ForestTable) -> list[str]:
    return [*(f"Not pooled: {study}" for study in table.excluded), *(f"Warning: {text}" for text in table.warnings)]


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the forest plot."""
    return [
        figure(
            ForestSpec,
            forest,
            reference="Lewis & Clarke (2001), BMJ 322:1479-1480 (layout: RevMan 5.4 and RevMan Web)",
            leaves_out=True,
        )
    ]
