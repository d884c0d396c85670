"""Report in plain text: RevMan's table in a monospaced font, with reasons, warnings, settings and sources."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

from evisynth import Heterogeneity, MetaAnalysis, Reporter, hookimpl
from evisynth_reporters import printed
from evisynth_reporters.bias_text import survey_text
from evisynth_reporters.build_table import build_table
from evisynth_reporters.monospaced import PROSE_WIDTH, items, set_table
from evisynth_reporters.review_lines import HEADINGS, NUMBERS, lines_of
from evisynth_reporters.table import Column, Row

if TYPE_CHECKING:
    from evisynth import ReviewAnalysis
    from evisynth_reporters.table import ForestTable


def text(
    analysis: MetaAnalysis,
    *,
    title: str | None = None,
    group_1: str | None = None,
    group_2: str | None = None,
    decimals: int = 2,
) -> str:
    """Print the table of a forest plot with its footers, the studies not pooled, warnings, settings and sources.

    ``group_1`` and ``group_2`` name the arms (else the settings do), ``decimals`` are those of effects and their
    limits.
    """
    table = build_table(analysis, printed.arm_names(analysis, group_1, group_2), decimals)
    blocks = (
        [printed.one_line(title), table.title] if title else [table.title],
        set_table(table.columns, table.rows),
        _coefficients(table),
        _spread(analysis, printed.style_of(analysis)),
        items("Not pooled", table.excluded),
        items("Effects by other statistics", _other_ways(analysis)),
        items("Converted", _converted(analysis)),
        items("Warnings", table.warnings),
        _methods(analysis),
    )
    return "\n\n".join("\n".join(line.rstrip() for line in block) for block in blocks if block) + "\n"


def review_text(made: ReviewAnalysis, *, subgroups: bool = True) -> str:
    """Print a review's outcomes in a table, with those that have no pooled effect and why."""
    columns = tuple(Column(heading, left=i not in NUMBERS) for i, heading in enumerate(HEADINGS) if i)
    rows = [
        Row("heading" if line.level == 0 else "study", (f"{line.place} {line.name}", *line.cells[2:]))
        for line in lines_of(made, subgroups=subgroups)
    ]
    title = printed.one_line(made.review.title) or "Review"
    notes = items("Notes on the file", map(printed.one_line, made.review.notes))
    blocks = [[title], [line.rstrip() for line in set_table(columns, rows)[1:]], notes]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _coefficients(table: ForestTable) -> list[str]:
    if not table.coefficients:
        return []
    columns = (Column("Coefficient"), Column("Estimate"), Column("SE"), Column("Test"))
    rows = [Row("study", (found.term, found.effect, found.se, found.test)) for found in table.coefficients]
    scale = ["(on the log scale)"] if table.log_scale else []
    return [*set_table(columns, rows)[1:], *scale]


def _spread(analysis: MetaAnalysis, style: printed.Style) -> list[str]:
    found, settings = analysis.heterogeneity, analysis.settings
    if settings.model != "random" or found.tau2_ci_low is None or found.tau2_ci_high is None:
        return []
    limits = printed.interval(found.tau2_ci_low, found.tau2_ci_high, style)
    lines = [f"Tau² ({settings.tau2}): {printed.number(found.tau2)}, {printed.level(settings.level)} CI {limits}"]
    if settings.preset == "meta":
        lines += _i2_interval(found, settings.level)
    return [*lines, *([f"  ({found.tau2_ci_reason})"] if found.tau2_ci_reason else [])]


def _i2_interval(found: Heterogeneity, level: float) -> list[str]:
    """Print I² and H with their limits, as meta does."""
    shown = (found.h, found.h2_ci_low, found.h2_ci_high)
    if found.i2 is None or found.i2_ci_low is None or found.i2_ci_high is None or None in shown:
        return []
    h, low, high = (max(value or 1.0, 1.0) for value in shown)
    i2_limits = f"[{printed.percent(found.i2_ci_low)}, {printed.percent(found.i2_ci_high)}]"
    h_limits = f"[{printed.number(math.sqrt(low))}, {printed.number(math.sqrt(high))}]"
    interval = f"{printed.level(level)} CI"
    return [f"I²: {printed.percent(found.i2)}, {interval} {i2_limits}; H: {printed.number(h)}, {interval} {h_limits}"]


def _other_ways(analysis: MetaAnalysis) -> list[str]:
    return [
        f"{printed.one_line(study.study_id)}: {study.route} ({study.formula})"
        for study in analysis.studies
        if study.route is not None and study.row - 1 in analysis.effects.routes
    ]


def _converted(analysis: MetaAnalysis) -> list[str]:
    return [f"{printed.one_line(study.study_id)}: {origin}" for study in analysis.studies for origin in study.origins]


def _methods(analysis: MetaAnalysis) -> list[str]:
    settings = textwrap.wrap(f"Settings: {settings_line(analysis)}", PROSE_WIDTH, subsequent_indent="  ")
    return [*settings, *items("Sources", analysis.references)]


def settings_line(analysis: MetaAnalysis) -> str:
    """Name the choices that made the numbers, in the words of a request."""
    s = analysis.settings
    words = [f"preset {s.preset}", f"measure {analysis.effects.measure}", f"method {s.method}", f"model {s.model}"]
    words += [f"tau2 {s.tau2}", f"interval {s.interval}"] if s.model == "random" else []
    words += [f"adhoc {s.adhoc}"] if s.adhoc else []
    own_weights = analysis.effects.weights is not None
    words += ["weights of the user's"] if own_weights else ["weights equal"] if s.weighting == "equal" else []
    words += [f"prediction {s.prediction}"] if s.model == "random" and s.prediction else []
    words += [f"study interval {s.study_interval}"] if s.study_interval is not None else []
    words += [f"correction {s.correction} {s.increment:g}"] if analysis.methods.measure.counts else []
    words += [f"vtype {s.vtype}"] if s.vtype else []
    words += ["events swapped"] if s.swap_events else []
    words.append(f"level {s.level:g}")
    return ", ".join(words)


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the text report."""
    return [
        Reporter(
            "text",
            text,
            reference="Lewis & Clarke (2001), BMJ 322:1479-1480 (layout: RevMan 5.4 and RevMan Web)",
            media_types={".txt": "text/plain"},
            review=review_text,
            bias_survey=survey_text,
        )
    ]
