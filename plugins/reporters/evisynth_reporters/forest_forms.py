"""Build the tables of forest plots whose rows are pooled effects: cumulative, and leaving one study out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evisynth import cumulative, leave_one_out
from evisynth_reporters import printed
from evisynth_reporters.table import Column, ForestTable, Mark, Row

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evisynth import MetaAnalysis
    from evisynth_reporters.forest_styles import ForestStyle
    from evisynth_reporters.words import Words

FORMS = ("studies", "cumulative", "leave-one-out")


def form_table(
    analysis: MetaAnalysis,
    form: str,
    style: ForestStyle,
    words: Words,
    *,
    order: str = "given",
    descending: bool = False,
) -> ForestTable:
    """Lay out the pooled effects of a growing set of studies, or of all studies but one, with that of all below.

    ``order`` is that of adding: ``given``, ``study``, ``year``, ``effect``, ``weight`` or ``precision``.
    """
    numbers = style.numbers(printed.style_of(analysis))
    label = words(printed.one_line(analysis.settings.effect_label or analysis.effects.label))
    level = printed.level(analysis.settings.level)
    how = f"{analysis.model.label}, {level} {words('CI')}"
    if form == "cumulative":
        records = cumulative(analysis, _order(analysis, order), descending=descending).records()
        labels = [f"+ {printed.one_line(record['added'])}" for record in records]
        heading = words("Study added")
    else:
        records = leave_one_out(analysis).records()
        labels = [printed.one_line(record["omitted"]) for record in records]
        heading = words("Study left out")
    columns = (
        Column(heading, left=True),
        Column(words("Studies")),
        Column("I²"),
        Column(how, label),
    )
    return ForestTable(
        title=f"{label} ({how}): {form}",
        columns=columns,
        rows=tuple(_rows(analysis, records, labels, numbers, words)),
        kind="given",
        log_scale=analysis.effects.scale == "log",
        null=None if analysis.scale.null is None else analysis.scale.show(analysis.scale.null),
        favours=("", ""),
        excluded=tuple(
            f"{printed.one_line(study.study_id)}: {printed.one_line(study.reason or 'not pooled')}"
            for study in analysis.excluded
        ),
        warnings=tuple(map(printed.one_line, analysis.warnings)),
        plot_heading=(label, how),
    )


def _order(analysis: MetaAnalysis, order: str) -> Any:  # noqa: ANN401 - what `cumulative` takes
    if order in {"given", "year", "precision"}:
        return None if order == "given" else order
    if order == "study":
        names = sorted(study.study.casefold() for study in analysis.studies)
        return [float(names.index(study.study.casefold())) for study in analysis.studies]
    held = [study.effect if order == "effect" else study.weight for study in analysis.studies]
    return [float("nan") if value is None else value for value in held]


def _rows(
    analysis: MetaAnalysis, records: list[dict[str, Any]], labels: list[str], style: printed.Style, words: Words
) -> Iterable[Row]:
    for record, label in zip(records, labels, strict=True):
        value, low, high = record["display"], record["display_ci_low"], record["display_ci_high"]
        if value is None or low is None or high is None:
            yield Row("study", (label, f"{record['k']}", "", words(printed.NOT_ESTIMABLE)))
            continue
        i2 = "" if record["i2"] is None else printed.percent(record["i2"], 0)
        mark = Mark("square", value, low, high, weight=50.0)
        yield Row("study", (label, f"{record['k']}", i2, printed.effect(value, low, high, style)), mark)
    yield Row("blank")
    shown, spread = analysis.display, analysis.heterogeneity.i2
    if shown is None:
        yield Row("pooled", (words("All studies"), f"{analysis.k}", "", words(printed.NOT_ESTIMABLE)))
    else:
        cells = (
            words("All studies"),
            f"{analysis.k}",
            "" if spread is None else printed.percent(spread, 0),
            printed.effect(shown.value, shown.ci_low, shown.ci_high, style),
        )
        yield Row("pooled", cells, Mark("diamond", shown.value, shown.ci_low, shown.ci_high))
    yield Row("note", (printed.heterogeneity_line(analysis, words),))
    yield Row("note", (printed.overall_line(analysis, words),))
