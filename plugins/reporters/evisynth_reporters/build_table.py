"""Build RevMan's forest-plot table of an analysis, once for all that render it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import attrs

from evisynth_reporters import printed
from evisynth_reporters.favours import favours
from evisynth_reporters.forest_columns import Columns
from evisynth_reporters.forest_signs import sign_columns, sign_legend
from evisynth_reporters.forest_styles import FOREST_STYLES, ForestStyle
from evisynth_reporters.model_views import ASKED_FOR, in_model, models_shown
from evisynth_reporters.outcome_columns import outcome_of
from evisynth_reporters.predictive import density_curve
from evisynth_reporters.study_order import GIVEN, sorted_rows
from evisynth_reporters.table import Coefficient, ForestTable, Mark, Row
from evisynth_reporters.words import IN_ENGLISH

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evisynth import MetaAnalysis, RiskOfBias, StudyResult, Subgroup
    from evisynth_reporters.forest_columns import ForestColumn
    from evisynth_reporters.table import Shape
    from evisynth_reporters.words import Words

COEFFICIENT_DECIMALS = 4
OUTSIDE_SUBGROUPS = "Not in any subgroup"


@attrs.frozen(kw_only=True)
class Wishes:
    """Hold what is asked of a forest plot's table beyond the analysis."""

    style: ForestStyle = FOREST_STYLES["revman5"]
    left: tuple[str, ...] | None = None
    right: tuple[str, ...] | None = None
    models: str = ASKED_FOR
    prediction: Literal["bar", "line", "density"] | None = "bar"
    sort: str = GIVEN
    descending: bool = False
    risk_of_bias: RiskOfBias | None = None


def build_table(
    analysis: MetaAnalysis,
    groups: tuple[str, str],
    decimals: int = 2,
    *,
    wishes: Wishes | None = None,
    words: Words = IN_ENGLISH,
    whole: MetaAnalysis | None = None,
) -> ForestTable:
    """Lay out studies, subgroups, totals and footers of an analysis; ``groups`` names the arms.

    ``whole`` is the analysis with the studies that this one leaves out, which then keep their effects in the table.
    """
    wishes = wishes or Wishes(style=revman_style(analysis))
    return _Builder(analysis, groups, decimals, wishes, words, whole).table()


def revman_style(analysis: MetaAnalysis) -> ForestStyle:
    """Take RevMan's own layout: that of RevMan Web for its preset, else that of RevMan 5."""
    return FOREST_STYLES["revman-web" if analysis.settings.preset == "revman-web" else "revman5"]


class _Builder:
    def __init__(
        self,
        analysis: MetaAnalysis,
        groups: tuple[str, str],
        decimals: int,
        wishes: Wishes,
        words: Words,
        whole: MetaAnalysis | None,
    ) -> None:
        self.analysis, self.wishes, self.words = in_model(analysis, wishes.models), wishes, words
        self.whole = None if whole is None else in_model(whole, wishes.models)
        self.models = models_shown(analysis, wishes.models)
        analysis = self.analysis
        self.layout = wishes.style
        self.style = self.layout.numbers(printed.style_of(analysis, decimals))
        self.groups = (printed.one_line(groups[0]), printed.one_line(groups[1]))
        self.outcome = outcome_of(analysis, self.groups)
        self.label = words(printed.one_line(analysis.settings.effect_label or analysis.effects.label))
        level = printed.level(analysis.settings.study_level)
        interval = f"{level} {words('CI')}"
        # With two models each total says which it is of.
        self.how = interval if self.both else f"{printed.model_label(analysis.model.label, words)}, {interval}"
        # Layouts of journals name the model beside the total, not above the effects.
        heading = (self.label, self.how) if self.layout.plot_heading else ("", f"{self.label} ({interval})")
        self.columns = self._columns(heading)

    def _columns(self, heading: tuple[str, str]) -> list[ForestColumn]:
        makers = Columns(
            self.analysis,
            self.outcome,
            self.style,
            self.words,
            *heading,
            study_heading=self.layout.study_heading,
            leading_zero=self.layout.leading_zero,
            whole=self.whole,
        )
        left = self._usual(self.layout.left) if self.wishes.left is None else self.wishes.left
        right = self._usual(self.layout.right) if self.wishes.right is None else self.wishes.right
        if "study" not in {*left, *right}:
            left = ("study", *left)
        made = [*makers.made(left, "left"), *makers.made(right, "right")]
        if self.wishes.risk_of_bias is not None:
            made += sign_columns(self.whole or self.analysis, self.wishes.risk_of_bias, self.words)
        return made

    @property
    def both(self) -> bool:
        """Whether two models stand one below the other."""
        return len(self.models) > 1

    def _usual(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Take a layout's own columns: with two models, weights of either in the place of those of one."""
        pair = ("weight_common", "weight_random") if self.both else ("weight",)
        return tuple(made for name in names for made in (pair if name == "weight" else (name,)))

    def table(self) -> ForestTable:
        analysis = self.analysis
        return ForestTable(
            title=f"{self.label} ({self.how}): {_pooled_of(analysis)}",
            columns=tuple(column.heading for column in self.columns),
            rows=tuple(self.rows()),
            kind=self.outcome.kind,
            log_scale=analysis.effects.scale == "log",
            null=None if analysis.scale.null is None else analysis.scale.show(analysis.scale.null),
            favours=favours(analysis, self.groups, self.words),
            excluded=tuple(
                f"{printed.one_line(study.study_id)}: {printed.one_line(study.reason or 'not pooled')}"
                for study in analysis.excluded
            ),
            warnings=tuple(map(printed.one_line, analysis.warnings)),
            coefficients=tuple(
                _coefficients(analysis, attrs.evolve(self.style, decimals=COEFFICIENT_DECIMALS, ratio=False))
            ),
            coefficients_heading=self.words(
                "Coefficients (on the log scale):" if analysis.effects.scale == "log" else "Coefficients:"
            ),
            description=description(analysis, f"{self.label} ({self.how})", self.style, self.words),
            plot_heading=(self.label, self.how) if self.layout.plot_heading else ("", ""),
            signs=() if self.wishes.risk_of_bias is None else sign_legend(self.wishes.risk_of_bias),
        )

    def rows(self) -> Iterable[Row]:
        analysis = self.analysis
        for subgroup in analysis.subgroups:
            yield from self.subgroup(subgroup)
            yield Row("blank")
        grouped = {row for subgroup in analysis.subgroups for row in subgroup.rows}
        others = [row for row in range(analysis.k_total) if row not in grouped]
        if others and grouped:
            yield self.heading(self.words(OUTSIDE_SUBGROUPS))
        if others or not grouped:
            yield from self.studies(others)
            yield Row("blank")
        if analysis.settings.totals == "overall" or analysis.is_regression:
            yield from self.overall()
        else:
            yield from self.without_total()

    def heading(self, text: str) -> Row:
        return Row("heading", tuple(text if column.label else "" for column in self.columns))

    def note(self, text: str) -> Row:
        return Row("note", (self.layout.footer(text),))

    def without_total(self) -> Iterable[Row]:
        """Say what is not shown, and the test that remains."""
        analysis = self.analysis
        only = analysis.settings.totals == "subgroups"
        yield self.note(self.words("Subtotals only") if only else self.words("No totals"))
        if only and analysis.subgroups and analysis.settings.subgroup_test:
            yield from self.subgroup_tests()

    def studies(self, rows: Iterable[int]) -> Iterable[Row]:
        order = sorted_rows(self.whole or self.analysis, rows, self.wishes.sort, descending=self.wishes.descending)
        for row in order:
            shown = (self.whole or self.analysis).studies[row]
            pale = self.whole is not None and shown.included and not self.analysis.studies[row].included
            mark = _square(shown, self.analysis.studies[row].weight or 0.0, pale=pale)
            yield Row("study", tuple(column.study(row) for column in self.columns), mark, row)

    def subgroup(self, subgroup: Subgroup) -> Iterable[Row]:
        part, rows = subgroup.analysis, subgroup.rows
        yield self.heading(printed.one_line(subgroup.name))
        yield from self.studies(rows)
        if part.settings.totals == "none":
            return
        share = subgroup.weight if part.pooled is not None else None
        yield from self.totals(self.words("Subtotal"), part, rows, share)
        yield from self.events(part, rows)
        yield from self.tests(part)

    def overall(self) -> Iterable[Row]:
        analysis = self.analysis
        if analysis.is_regression:
            yield from self.regression()
            return
        everything = range(analysis.k_total)
        word = self.words("Total")
        if not self.both and not self.layout.plot_heading:
            word = f"{word}, {printed.model_label(analysis.model.label, self.words)}"
        yield from self.totals(word, analysis, everything, None if analysis.pooled is None else 100.0)
        yield from self.prediction()
        yield from self.events(analysis, everything)
        yield from self.tests(analysis)
        if (analysis.subgroups and analysis.settings.subgroup_test) or self.style.always_subgroup_line:
            yield from self.subgroup_tests()

    def views(self, part: MetaAnalysis) -> list[tuple[str, MetaAnalysis]]:
        """See a part under each model that is shown, with the words that tell them apart where there are two."""
        parts = [in_model(part, name) for name in self.models]
        return [(printed.model_label(view.model.label, self.words) if self.both else "", view) for view in parts]

    def tests(self, part: MetaAnalysis) -> Iterable[Row]:
        """Write the footers of a part: heterogeneity once, with τ² where a random-effects model is shown."""
        views = self.views(part)
        fitted = [view for _, view in views if view.fit is not None]
        yield self.note(printed.heterogeneity_line((fitted or [part])[-1], self.words))
        for name, view in views:
            yield self.note(printed.overall_line(view, self.words, of=name))

    def subgroup_tests(self) -> Iterable[Row]:
        for name, view in self.views(self.analysis):
            yield self.note(printed.subgroup_line(view.subgroup_test, self.words, of=name))

    def regression(self) -> Iterable[Row]:
        analysis = self.analysis
        yield self.note(printed.heterogeneity_line(analysis, self.words))
        yield from (self.note(line) for line in printed.regression_lines(analysis, self.words))
        if not analysis.coefficients:
            why = printed.one_line(analysis.reason or "no model")
            yield self.note(f"{self.words('Coefficients:')} {self.words(printed.NOT_ESTIMABLE)} ({why})")

    def totals(self, word: str, part: MetaAnalysis, rows: Sequence[int], weight: float | None) -> Iterable[Row]:
        """Write the pooled effects of a part; ``weight`` is its share in the model that was asked for."""
        interval = f"({printed.level(part.settings.level)} {self.words('CI')})"
        for name, view in self.views(part):
            model, own = view.model, view.settings.model == part.settings.model
            shown = model.display
            mark = None if shown is None else Mark("diamond", shown.value, shown.ci_low, shown.ci_high, second=not own)
            label = f"{word}, {name} {interval}" if name else f"{word} {interval}"
            yield Row(
                "pooled",
                tuple(
                    label if column.label else column.total(part, rows, weight if own else None, model)
                    for column in self.columns
                ),
                mark,
            )

    def events(self, part: MetaAnalysis, rows: Sequence[int]) -> Iterable[Row]:
        adding = [column for column in self.outcome.columns if column.adds == "events"]
        if not adding or not self.layout.events_row:
            return
        label = self.words("Total {events}:", events=self.words(adding[0].heading.lower()))
        cells = tuple(label if column.label else column.events(part, rows) for column in self.columns)
        yield Row("events", cells)

    def prediction(self) -> Iterable[Row]:
        # Where two models are shown, the one that predicts.
        predicting = in_model(self.analysis, "random") if self.both else self.analysis
        limits, how = predicting.model.prediction_display, self.wishes.prediction
        if limits is None or how is None:
            return
        level = printed.level(self.analysis.settings.level)
        label = self.words("Prediction interval ({level})", level=level)
        cell = printed.interval(limits.low, limits.high, self.style)
        cells = tuple(label if column.label else cell if column.effect else "" for column in self.columns)
        curve = density_curve(predicting) if how == "density" else ()
        shape: Shape = "density" if curve else "line" if how == "line" else "bar"
        yield Row("prediction", cells, Mark(shape, None, limits.low, limits.high, curve=curve))


def _coefficients(analysis: MetaAnalysis, style: printed.Style) -> Iterable[Coefficient]:
    if not analysis.is_regression:
        return
    for term, estimate in analysis.coefficients.items():
        yield Coefficient(
            printed.one_line(term),
            printed.effect(estimate.value, estimate.ci_low, estimate.ci_high, style),
            printed.number(estimate.se, style.decimals),
            printed.statistic(estimate),
        )


def description(analysis: MetaAnalysis, effect: str, style: printed.Style, words: Words) -> str:
    """Say in words what a forest plot of an analysis shows, for those who cannot see it."""
    shown = analysis.display
    result = words("no pooled effect")
    if shown is not None:
        result = printed.effect(shown.value, shown.ci_low, shown.ci_high, style)
    said = words(
        "Forest plot: {effect}: {result}; {k} of {n} studies pooled",
        effect=effect,
        result=result,
        k=analysis.k,
        n=analysis.k_total,
    )
    return f"{said}. {printed.heterogeneity_line(analysis, words)}."


def _pooled_of(analysis: MetaAnalysis) -> str:
    if analysis.settings.totals != "overall":
        return "subtotals only" if analysis.settings.totals == "subgroups" else "no totals"
    word = "study" if analysis.k_total == 1 else "studies"
    return f"{analysis.k} of {analysis.k_total} {word} pooled"


def _square(study: StudyResult, weight: float, *, pale: bool = False) -> Mark | None:
    if study.display is None:
        return None
    shown = study.display
    return Mark("square", shown.value, shown.ci_low, shown.ci_high, study.weight or 0.0 if pale else weight, pale=pale)
