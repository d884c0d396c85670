"""Build the tables of forest plots whose rows are pooled effects: cumulative, and leaving one study out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evisynth import cumulative, leave_one_out
from evisynth_reporters import printed
from evisynth_reporters.build_table import description
from evisynth_reporters.favours import favours
from evisynth_reporters.study_order import GIVEN, places, sorted_rows
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
    groups: tuple[str, str] = ("", ""),
    decimals: int = 2,
    order: str = GIVEN,
    descending: bool = False,
) -> ForestTable:
    """Lay out the pooled effects of a growing set of studies, or of all studies but one, with that of all below.

    ``order`` is that of adding, or of the studies that are left out: ``given``, ``study``, ``year``, ``effect``,
    ``weight`` or ``precision``. In a meta-regression there is a row for each coefficient.
    """
    return _Forms(analysis, style, words, decimals).table(form, groups, order, descending=descending)


class _Forms:
    def __init__(self, analysis: MetaAnalysis, style: ForestStyle, words: Words, decimals: int) -> None:
        self.analysis, self.layout, self.words = analysis, style, words
        self.style = style.numbers(printed.style_of(analysis, decimals))
        self.label = words(printed.one_line(analysis.settings.effect_label or analysis.effects.label))
        level = f"{printed.level(analysis.settings.level)} {words('CI')}"
        self.how = f"{printed.model_label(analysis.model.label, words)}, {level}"
        # Journals' layouts have effects behind the plot, and nothing above it.
        self.behind = not style.plot_heading
        self.effect = Column(
            f"{self.label} ({level})" if self.behind else self.how,
            "" if self.behind else self.label,
            side="right" if self.behind else "left",
        )

    def table(self, form: str, groups: tuple[str, str], order: str, *, descending: bool) -> ForestTable:
        analysis, words = self.analysis, self.words
        adding = form == "cumulative"
        rows = self.added(order, descending=descending) if adding else self.left_out(order, descending=descending)
        return ForestTable(
            title=f"{self.label} ({self.how}): {form}",
            columns=(
                Column(words("Study added") if adding else words("Study left out"), left=True),
                Column(words("Studies")),
                Column("I²"),
                self.effect,
            ),
            rows=(*rows, Row("blank"), *self.all_studies(), *self.footers()),
            kind="given",
            log_scale=analysis.effects.scale == "log",
            null=None if analysis.scale.null is None else analysis.scale.show(analysis.scale.null),
            favours=favours(analysis, groups, words),
            excluded=tuple(
                f"{printed.one_line(study.study_id)}: {printed.one_line(study.reason or 'not pooled')}"
                for study in analysis.excluded
            ),
            warnings=tuple(map(printed.one_line, analysis.warnings)),
            description=description(analysis, f"{self.label} ({self.how})", self.style, words),
            plot_heading=("", "") if self.behind else (self.label, self.how),
        )

    def added(self, order: str, *, descending: bool) -> Iterable[Row]:
        how = None if order == GIVEN and not descending else places(self.analysis, order, descending=descending)
        made = cumulative(self.analysis, how)
        rows = [step[0] for step in made.steps for _ in self.terms]
        for record, row in zip(made.records(), rows, strict=True):
            yield self.row(f"+ {printed.one_line(record['added'])}", record, row)

    def left_out(self, order: str, *, descending: bool) -> Iterable[Row]:
        records = leave_one_out(self.analysis).records()
        by_row: dict[int, list[dict[str, Any]]] = {}
        for i, row in enumerate(self.analysis.rows):
            by_row[int(row)] = records[i * len(self.terms) : (i + 1) * len(self.terms)]
        for row in sorted_rows(self.analysis, by_row, order, descending=descending):
            for record in by_row[row]:
                yield self.row(printed.one_line(record["omitted"]), record, row)

    @property
    def terms(self) -> tuple[str, ...]:
        return self.analysis.terms if self.analysis.is_regression else ("",)

    def row(self, label: str, record: dict[str, Any], row: int) -> Row:
        name = f"{label}: {printed.one_line(record['term'])}" if self.analysis.is_regression else label
        numbers = (record["display"], record["display_ci_low"], record["display_ci_high"])
        cells = self.cells(name, record["k"], record["i2"], numbers)
        mark = None if None in numbers else Mark("square", *numbers, weight=50.0)
        return Row("study", cells, mark, row)

    def cells(self, label: str, k: int, i2: float | None, numbers: tuple[float | None, ...]) -> tuple[str, ...]:
        value, low, high = numbers
        known = value is not None and low is not None and high is not None
        shown = printed.effect(value, low, high, self.style) if known else printed.NOT_ESTIMABLE  # type: ignore[arg-type]
        return (label, f"{k}", printed.percent(i2, 0), self.words(shown))

    def all_studies(self) -> Iterable[Row]:
        analysis, word = self.analysis, self.words("All studies")
        i2 = analysis.heterogeneity.i2
        if analysis.is_regression:
            for term, found in analysis.coefficients.items():
                limits = analysis.scale.show_limits(found.ci_low, found.ci_high)
                yield self.total(f"{word}: {printed.one_line(term)}", i2, (analysis.scale.show(found.value), *limits))
            return
        shown = analysis.display
        yield self.total(word, i2, None if shown is None else (shown.value, shown.ci_low, shown.ci_high))

    def total(self, label: str, i2: float | None, numbers: tuple[float, float, float] | None) -> Row:
        cells = self.cells(label, self.analysis.k, i2, numbers or (None, None, None))
        return Row("pooled", cells, None if numbers is None else Mark("diamond", *numbers))

    def footers(self) -> Iterable[Row]:
        analysis, words = self.analysis, self.words
        tests = (
            printed.regression_lines(analysis, words)
            if analysis.is_regression
            else [printed.overall_line(analysis, words)]
        )
        for line in (printed.heterogeneity_line(analysis, words), *tests):
            yield Row("note", (self.layout.footer(line),))
