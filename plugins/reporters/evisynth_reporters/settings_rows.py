"""Gather what a figure of two settings shows: a row per outcome, in a section per kind of scale."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from evisynth_reporters import printed
from evisynth_reporters.axis import Axis

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from evisynth import ComparedOutcome, ComparedResult, MetaAnalysis, SettingsComparison

RATIO_ENDS = (2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
LINEAR_ENDS = (2.0, 4.0, 6.0, 8.0, 10.0, 20.0, 40.0, 60.0, 80.0, 100.0)
ESTIMATES = 0.95
"""Part of the estimates that the axis holds; those beyond, and their intervals, end as arrows."""
LIMITS = 0.85
"""Part of the limits that it holds: two studies under Hartung and Knapp would make any axis useless for the others."""

RATIOS = "Ratios"
DIFFERENCES = "Differences, each in standard errors of its first result"
SINGLE = "Effects without a value for no effect, about their first result and in its standard errors"


@attrs.frozen
class Mark:
    """Hold an estimate with its limits, as the axis has them."""

    value: float
    low: float
    high: float


@attrs.frozen
class ComparedRow:
    """Hold one row: the label, what is printed under either settings, the marks, and what changes."""

    label: str
    effects: tuple[str, str]
    spreads: tuple[str, str]
    marks: tuple[Mark | None, Mark | None]
    tags: tuple[str, ...]
    heading: str
    """Name of the comparison."""

    @property
    def bold(self) -> bool:
        """Whether a conclusion changes."""
        return bool(self.tags)


@attrs.frozen
class Section:
    """Hold the rows that share an axis."""

    title: str
    rows: tuple[ComparedRow, ...]
    axis: Axis


def sections(comparison: SettingsComparison, *, only_changed: bool = False) -> list[Section]:
    """Sort the results into sections: ratios on a logarithmic axis, differences in standard errors."""
    by_title: dict[str, list[ComparedRow]] = {RATIOS: [], DIFFERENCES: [], SINGLE: []}
    for outcome in comparison:
        for result in _shown(outcome):
            if result.compared and (result.changed or not only_changed):
                title, row = _row(outcome, result)
                by_title[title].append(row)
    return [Section(title, tuple(rows), _axis(rows, log=title == RATIOS)) for title, rows in by_title.items() if rows]


def _shown(outcome: ComparedOutcome) -> Iterable[ComparedResult]:
    """Give the overall result, and those of subgroups where only these are shown."""
    return [outcome.whole] if outcome.whole.not_shown is None else [result for _, result in outcome.subgroups]


def _row(outcome: ComparedOutcome, result: ComparedResult) -> tuple[str, ComparedRow]:
    sides = result.one, result.other
    base = next(side for side in sides if side is not None and side.pooled is not None)
    null = base.scale.null
    title = RATIOS if base.effects.scale == "log" else SINGLE if null is None else DIFFERENCES
    name = outcome.name if result.subgroup is None else f"{outcome.name}: {result.subgroup}"
    marks = [_mark(side, base, title) for side in sides]
    effects = [_effect(side) for side in sides]
    spreads = [_spread(side) for side in sides]
    comparison = outcome.one.comparison
    return title, ComparedRow(
        f"{result.place} {printed.one_line(name)}".rstrip(),
        (effects[0], effects[1]),
        (spreads[0], spreads[1]),
        (marks[0], marks[1]),
        tuple(change.tag for change in result.changes),
        f"{comparison.number} {printed.one_line(comparison.name)}".rstrip(),
    )


def _mark(side: MetaAnalysis | None, base: MetaAnalysis, title: str) -> Mark | None:
    if side is None or side.pooled is None or side.effects.scale != base.effects.scale or base.pooled is None:
        return None
    pooled = side.pooled
    numbers = pooled.value, pooled.ci_low, pooled.ci_high
    if any(map(math.isnan, numbers)):
        return None
    if title == RATIOS:
        return Mark(*(side.scale.show(number) for number in numbers))
    centre = base.pooled.value if base.scale.null is None else base.scale.null
    unit = base.pooled.se or 1.0
    return Mark(*((number - centre) / unit for number in numbers))


def _effect(side: MetaAnalysis | None) -> str:
    shown = None if side is None else side.display
    if side is None or shown is None:
        return "no effect"
    style = printed.Style(ratio=side.effects.scale == "log")
    return f"{side.effects.measure} {printed.effect(shown.value, shown.ci_low, shown.ci_high, style)}"


def _spread(side: MetaAnalysis | None) -> str:
    i2 = None if side is None or side.pooled is None else side.heterogeneity.i2
    return "" if i2 is None else f"I² {i2:.0f}%"


def _axis(rows: Sequence[ComparedRow], *, log: bool) -> Axis:
    """Take the smallest axis about no effect that holds nearly all estimates, and most of the limits."""
    marks = [mark for row in rows for mark in row.marks if mark is not None]
    far = max(
        _quantile(_distances((mark.value for mark in marks), log=log), ESTIMATES),
        _quantile(_distances((end for mark in marks for end in (mark.low, mark.high)), log=log), LIMITS),
    )
    ends = RATIO_ENDS if log else LINEAR_ENDS
    end = next((end for end in ends if far <= (math.log(end) if log else end)), ends[-1])
    return Axis(end, log)


def _distances(values: Iterable[float], *, log: bool) -> Iterator[float]:
    for value in values:
        if log:
            yield abs(math.log(value)) if 0 < value < math.inf else math.inf
        else:
            yield abs(value)


def _quantile(distances: Iterable[float], part: float) -> float:
    ordered = sorted(distances)
    return ordered[math.ceil(part * len(ordered)) - 1] if ordered else 0.0
