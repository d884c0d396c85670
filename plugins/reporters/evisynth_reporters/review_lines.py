"""Put a review's outcomes into lines that can be printed, for text, terminal and HTML alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from evisynth_reporters import printed

if TYPE_CHECKING:
    from evisynth import MetaAnalysis, OutcomeAnalysis, ReviewAnalysis

HEADINGS = ("", "Outcome or subgroup", "Studies", "Participants", "Method", "Effect", "P", "I²", "Note")
NUMBERS = (2, 3, 6, 7)
"""Columns that are set to the right."""


@attrs.frozen
class ReviewLine:
    """Hold one printed line: of a comparison (``level`` 0), an outcome (1) or a subgroup (2)."""

    level: int
    place: str
    name: str
    studies: str = ""
    participants: str = ""
    method: str = ""
    effect: str = ""
    p_value: str = ""
    i2: str = ""
    note: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells under `HEADINGS`."""
        return (
            *(self.place, self.name, self.studies, self.participants, self.method),
            *(self.effect, self.p_value, self.i2, self.note),
        )


def lines_of(made: ReviewAnalysis, *, subgroups: bool = True) -> tuple[ReviewLine, ...]:
    """Print every outcome and subgroup, under headings of their comparisons."""
    lines: list[ReviewLine] = []
    heading = None
    for one in made:
        if one.comparison is not heading:
            heading = one.comparison
            lines.append(ReviewLine(0, str(heading.number), printed.one_line(heading.name)))
        lines.append(_outcome(one))
        if subgroups:
            lines.extend(_subgroups(one))
    return tuple(lines)


def _outcome(one: OutcomeAnalysis) -> ReviewLine:
    name, note = printed.one_line(one.outcome.name), printed.one_line(one.note or "")
    analysis = one.analysis
    if analysis is None:
        return ReviewLine(1, one.place, name, str(len({row.study for _, row in one.rows})), note=note)
    totals = analysis.settings.totals == "overall"
    filled = _numbers(one, analysis) if totals else {}
    how = f"{printed.one_line(analysis.label)} ({analysis.model.label})"
    studies = str(len({row.study for _, row in one.rows}))
    return ReviewLine(1, one.place, name, studies, _participants(analysis), how, note=note, **filled)


def _subgroups(one: OutcomeAnalysis) -> list[ReviewLine]:
    made: list[ReviewLine] = []
    for subgroup, group in one.subgroups:
        place, name = f"{one.place}.{subgroup.number}", printed.one_line(subgroup.name)
        studies = str(len({row.study for row in subgroup.rows}))
        if group is None:
            made.append(ReviewLine(2, place, name, studies, note="no studies" if one.analysis is not None else ""))
            continue
        part = group.analysis
        filled = _numbers(one, part) if part.settings.totals != "none" else {}
        note = printed.one_line(part.reason or "")
        made.append(ReviewLine(2, place, name, studies, _participants(part), note=note, **filled))
    return made


def _participants(analysis: MetaAnalysis) -> str:
    total = analysis.participants["total"]
    return "" if total is None else printed.entered(float(total))


def _numbers(one: OutcomeAnalysis, part: MetaAnalysis) -> dict[str, str]:
    shown, pooled, spread = part.display, part.pooled, part.heterogeneity
    if shown is None or pooled is None:
        return {"effect": printed.NOT_ESTIMABLE}
    assert one.analysis is not None  # noqa: S101 - it has this part
    style = printed.style_of(one.analysis)
    return {
        "effect": printed.effect(shown.value, shown.ci_low, shown.ci_high, style),
        "p_value": printed.p_value(pooled.p_value).removeprefix("P = ").removeprefix("P "),
        "i2": printed.percent(spread.i2, 0) if spread.df else "",
    }
