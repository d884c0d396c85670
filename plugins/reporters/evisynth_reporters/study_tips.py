"""Say what there is to read about a study when it is pointed at in a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evisynth_reporters import printed

if TYPE_CHECKING:
    from evisynth import MetaAnalysis
    from evisynth_reporters.words import Words


def study_tip(analysis: MetaAnalysis, row: int, words: Words) -> tuple[str, ...]:
    """Give a study's name, its effect with its interval, its standard error, its weight and the numbers entered."""
    study = analysis.studies[row]
    style = printed.style_of(analysis)
    lines = [printed.one_line(study.study)]
    if study.display is not None:
        shown = printed.effect(study.display.value, study.display.ci_low, study.display.ci_high, style)
        lines.append(f"{printed.one_line(analysis.label)} {shown}")
    if study.se is not None:
        lines.append(f"{words('Standard error')} {printed.entered(study.se)}")
    if study.weight is not None:
        lines.append(f"{words('Weight')} {printed.percent(study.weight)}")
    entered = [f"{name} = {printed.entered(value)}" for name, value in study.data.items() if value is not None]
    if entered:
        lines.append(", ".join(entered))
    if study.reason is not None:
        lines.append(printed.one_line(study.reason))
    return tuple(lines)
