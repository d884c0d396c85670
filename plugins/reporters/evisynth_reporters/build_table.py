"""Build RevMan's forest-plot table of an analysis, once for all that render it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import attrs
import numpy as np

from evisynth_reporters import printed
from evisynth_reporters.forest_columns import Columns
from evisynth_reporters.forest_signs import sign_columns, sign_legend
from evisynth_reporters.forest_styles import FOREST_STYLES, ForestStyle
from evisynth_reporters.outcome_columns import outcome_of
from evisynth_reporters.predictive import predictive_density
from evisynth_reporters.table import Coefficient, ForestTable, Mark, Row
from evisynth_reporters.words import IN_ENGLISH

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evisynth import MetaAnalysis, Model, RiskOfBias, StudyResult, Subgroup
    from evisynth_reporters.forest_columns import ForestColumn
    from evisynth_reporters.table import Shape
    from evisynth_reporters.words import Words

COEFFICIENT_DECIMALS = 4
OUTSIDE_SUBGROUPS = "Not in any subgroup"
DENSITY_STEPS = 121


@attrs.frozen(kw_only=True)
class Wishes:
    """Hold what is asked of a forest plot's table beyond the analysis."""

    style: ForestStyle = FOREST_STYLES["revman5"]
    left: tuple[str, ...] | None = None
    right: tuple[str, ...] | None = None
    models: str = "asked for"
    prediction: Literal["bar", "line", "density"] | None = "bar"
    sort: str = "given"
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
        self.analysis, self.wishes, self.words, self.whole = analysis, wishes, words, whole
        self.layout = wishes.style
        self.style = self.layout.numbers(printed.style_of(analysis, decimals))
        self.groups = (printed.one_line(groups[0]), printed.one_line(groups[1]))
        self.outcome = outcome_of(analysis, self.groups)
        self.label = words(printed.one_line(analysis.settings.effect_label or analysis.effects.label))
        level = printed.level(analysis.settings.study_level)
        self.how = f"{analysis.model.label}, {level} {words('CI')}"
        # Layouts of journals name the model beside the total, not above the effects.
        heading = (self.label, self.how) if self.layout.plot_heading else ("", f"{self.label} ({level} {words('CI')})")
        self.columns = self._columns(heading)

    def _columns(self, heading: tuple[str, str]) -> list[ForestColumn]:
        makers = Columns(
            self.analysis,
            self.outcome,
            self.style,
            self.words,
            *heading,
            study_heading=self.layout.study_heading,
            whole=self.whole,
        )
        left = self.layout.left if self.wishes.left is None else self.wishes.left
        right = self.layout.right if self.wishes.right is None else self.wishes.right
        if "study" not in left:
            left = ("study", *left)
        made = [*makers.made(left, "left"), *makers.made(right, "right")]
        if self.wishes.risk_of_bias is not None:
            made += sign_columns(self.whole or self.analysis, self.wishes.risk_of_bias)
        return made

    def table(self) -> ForestTable:
        analysis = self.analysis
        return ForestTable(
            title=f"{self.label} ({self.how}): {_pooled_of(analysis)}",
            columns=tuple(column.heading for column in self.columns),
            rows=tuple(self.rows()),
            kind=self.outcome.kind,
            log_scale=analysis.effects.scale == "log",
            null=None if analysis.scale.null is None else analysis.scale.show(analysis.scale.null),
            favours=self.favours(),
            excluded=tuple(
                f"{printed.one_line(study.study_id)}: {printed.one_line(study.reason or 'not pooled')}"
                for study in analysis.excluded
            ),
            warnings=tuple(map(printed.one_line, analysis.warnings)),
            coefficients=tuple(
                _coefficients(analysis, attrs.evolve(self.style, decimals=COEFFICIENT_DECIMALS, ratio=False))
            ),
            plot_heading=(self.label, self.how) if self.layout.plot_heading else ("", ""),
            signs=() if self.wishes.risk_of_bias is None else sign_legend(self.wishes.risk_of_bias),
        )

    def favours(self) -> tuple[str, str]:
        """Name what each side of the axis speaks for: nothing where there are no arms, unless the settings say so."""
        settings = self.analysis.settings
        said = (settings.favours_1, settings.favours_2)
        names = self.analysis.methods.measure.columns
        arms = not names or "o_e" in names or any(name.endswith(("_1", "_2")) for name in names)
        usual = tuple(self.words("Favours [{group}]", group=group.lower()) if arms else "" for group in self.groups)
        if self.analysis.scale.decreasing:
            usual = usual[::-1]
        return (printed.one_line(said[0] or usual[0]), printed.one_line(said[1] or usual[1]))

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
        shown = printed.with_symbols(text, leading_zero=self.layout.leading_zero) if self.layout.symbols else text
        return Row("note", (shown,))

    def without_total(self) -> Iterable[Row]:
        """Say what is not shown, and the test that remains."""
        analysis = self.analysis
        only = analysis.settings.totals == "subgroups"
        yield self.note(self.words("Subtotals only") if only else self.words("No totals"))
        if only and analysis.subgroups and analysis.settings.subgroup_test:
            yield self.note(printed.subgroup_line(analysis.subgroup_test, self.words))

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
        yield self.pooled(self.words("Subtotal"), part, rows, share, part.model)
        yield from self.events(part, rows)
        yield self.note(printed.heterogeneity_line(part, self.words))
        yield self.note(printed.overall_line(part, self.words))

    def overall(self) -> Iterable[Row]:
        analysis = self.analysis
        if analysis.is_regression:
            yield from self.regression()
            return
        everything = range(analysis.k_total)
        for word, model in self.models():
            own = model is analysis.model
            weight = 100.0 if own and analysis.pooled is not None else None
            yield self.pooled(word, analysis, everything, weight, model, second=not own)
        yield from self.prediction()
        yield from self.events(analysis, everything)
        yield self.note(printed.heterogeneity_line(analysis, self.words))
        yield self.note(printed.overall_line(analysis, self.words))
        if (analysis.subgroups and analysis.settings.subgroup_test) or self.style.always_subgroup_line:
            yield self.note(printed.subgroup_line(analysis.subgroup_test, self.words))

    def models(self) -> list[tuple[str, Model]]:
        """Give the models that are shown, with the words for their totals."""
        analysis, words = self.analysis, self.words
        names = {"asked for": (analysis.settings.model,), "both": ("common", "random")}.get(
            self.wishes.models, (self.wishes.models,)
        )
        if len(names) == 1 and names[0] == analysis.settings.model and self.layout.plot_heading:
            return [(words("Total"), analysis.model)]
        return [(f"{words('Total')}, {analysis.models[name].label}", analysis.models[name]) for name in names]

    def regression(self) -> Iterable[Row]:
        analysis = self.analysis
        yield self.note(printed.heterogeneity_line(analysis, self.words))
        yield from (self.note(line) for line in printed.regression_lines(analysis))
        if not analysis.coefficients:
            why = printed.one_line(analysis.reason or "no model")
            yield self.note(f"Coefficients: {self.words(printed.NOT_ESTIMABLE)} ({why})")

    def pooled(
        self,
        word: str,
        part: MetaAnalysis,
        rows: Sequence[int],
        weight: float | None,
        model: Model,
        *,
        second: bool = False,
    ) -> Row:
        shown = model.display
        mark = None if shown is None else Mark("diamond", shown.value, shown.ci_low, shown.ci_high, second=second)
        label = f"{word} ({printed.level(part.settings.level)} {self.words('CI')})"
        cells = (label if column.label else column.total(part, rows, weight, model) for column in self.columns)
        return Row("pooled", tuple(cells), mark)

    def events(self, part: MetaAnalysis, rows: Sequence[int]) -> Iterable[Row]:
        adding = [column for column in self.outcome.columns if column.adds == "events"]
        if not adding or not self.layout.events_row:
            return
        label = self.words("Total {events}:", events=self.words(adding[0].heading.lower()))
        cells = tuple(label if column.label else column.events(part, rows) for column in self.columns)
        yield Row("events", cells)

    def prediction(self) -> Iterable[Row]:
        limits, how = self.analysis.model.prediction_display, self.wishes.prediction
        if limits is None or how is None:
            return
        level = printed.level(self.analysis.settings.level)
        label = self.words("Prediction interval ({level})", level=level)
        cell = printed.interval(limits.low, limits.high, self.style)
        cells = tuple(label if column.label else cell if column.effect else "" for column in self.columns)
        curve = density_curve(self.analysis) if how == "density" else ()
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


def density_curve(analysis: MetaAnalysis) -> tuple[tuple[float, float], ...]:
    """Give the predictive density as pairs of an effect, as shown, and a height up to 1; none where it is not known."""
    limits = analysis.prediction
    if limits is None or not math.isfinite(limits.low + limits.high):
        return ()
    reach = 0.75 * (limits.high - limits.low)
    middle = 0.5 * (limits.high + limits.low)
    at = np.linspace(middle - reach, middle + reach, DENSITY_STEPS)
    density = predictive_density(analysis, at)
    if density is None:
        return ()
    heights = density / density.max()
    return tuple((analysis.scale.show(float(x)), float(height)) for x, height in zip(at, heights, strict=True))


def sorted_rows(analysis: MetaAnalysis, rows: Iterable[int], by: str, *, descending: bool) -> list[int]:
    """Sort rows by what stands in them; those without it come last, in the order of the table."""
    held = list(rows)
    if by == "given":
        return held[::-1] if descending else held

    def key(row: int) -> Any:  # noqa: ANN401 - a text or a number
        study = analysis.studies[row]
        precision = None if not study.se else 1.0 / study.se
        year = _number_in(study.year)
        return {"effect": study.effect, "weight": study.weight, "precision": precision, "year": year}.get(
            by, study.study.casefold()
        )

    known = [row for row in held if key(row) is not None]
    return [*sorted(known, key=key, reverse=descending), *(row for row in held if key(row) is None)]


def _number_in(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None
