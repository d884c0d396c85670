"""Hold the result of an analysis: numbers only; reporters hold layout.

What follows from the pooled models is computed when it is first asked for, once.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth.errors import EvisynthError
from evisynth.fits import Display
from evisynth.heterogeneity import heterogeneity_of, no_heterogeneity
from evisynth.kernels.distributions import chi2_p_value
from evisynth.kernels.weighted_fit import is_intercept, weighted_fit
from evisynth.models import FEWER_STUDIES, NO_DOF, NO_STUDIES, ONE_STUDY, SUMS_ARE_ZERO, Model
from evisynth.studies import NOT_COUNTED, ONLY_IN_SUBGROUP

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from evisynth.designs import Design
    from evisynth.fit_statistics import FitStatistics
    from evisynth.fits import Estimate, Fit, Interval
    from evisynth.heterogeneity import Heterogeneity
    from evisynth.kernels.arrays import FloatArray
    from evisynth.pooling import Methods, Pooled
    from evisynth.records import Conversion, Route
    from evisynth.regression import Regression
    from evisynth.scales import Scale
    from evisynth.settings import Settings
    from evisynth.studies import Effects
    from evisynth.study_limits import StudyLimits
    from evisynth.thresholds import Probability

NO_NULL = "this measure has no value that stands for no effect, so that there is nothing to test"
SCHEMA_VERSION = "1.0"
OWN_COLUMNS = "own columns"
"""Route of studies that are measured by the measure's own columns."""


@attrs.frozen(eq=False)
class SubgroupTest:
    """Hold the test for differences between subgroups' pooled effects; I² in percent."""

    q: float | None
    df: int
    p_value: float | None
    i2: float | None
    reason: str | None = None


@attrs.frozen(eq=False)
class Subgroup:
    """Hold one subgroup: an analysis of its own rows, with a τ² of its own, and its share of the overall weight."""

    name: str
    analysis: MetaAnalysis
    rows: tuple[int, ...]
    """Its rows in the whole table, from 0."""
    weight: float | None
    """Percent of the overall weight."""

    @property
    def pooled(self) -> Estimate | None:
        """The subgroup's pooled effect."""
        return self.analysis.pooled

    @property
    def k(self) -> int:
        """Number of its studies that are pooled."""
        return self.analysis.k


@attrs.frozen(eq=False)
class StudyResult:
    """Hold one row of the input with its effect and weight, or the reason why it has none.

    ``effect`` is on the analysis scale and ``display`` on the scale shown; weights are in percent. A study may have
    weight without an effect (a Mantel–Haenszel sum in metafor's convention).
    """

    row: int
    study: str
    study_id: str
    year: str | None
    subgroup: str | None
    effect: float | None
    se: float | None
    ci_low: float | None
    ci_high: float | None
    display: Display | None
    weight: float | None
    weight_common: float | None
    weight_random: float | None
    included: bool
    reason: str | None
    route: str | None
    """How the effect was come by: ``"own columns"`` of the measure, or the name of a route."""
    formula: str | None
    """What was computed on that way."""
    origins: tuple[str, ...]
    """Numbers of the row that were converted from others, and how."""
    data: Mapping[str, float | None]
    """The numbers that were entered, by canonical name."""


@attrs.frozen(eq=False, slots=False)  # a plain dictionary serves cached properties fastest
class MetaAnalysis:
    """Hold a meta-analysis: the data, the choices, both models and all that follows from them."""

    effects: Effects
    settings: Settings
    methods: Methods
    X: FloatArray
    """Design of the rows that have an effect, ``(k, p)``."""
    terms: tuple[str, ...]
    rows: Sequence[int]
    """Rows of the input that the common-effect fit weighs, from 0."""
    _pooled: Pooled | None
    subgroups: tuple[Subgroup, ...] = ()
    notes: tuple[str, ...] = ()
    design: Design | None = None
    """What a meta-regression was asked for; None without moderators."""

    @property
    def label(self) -> str:
        """Name of the effect for readers: ``Risk Ratio``."""
        return self.settings.effect_label or self.effects.label

    # -- the models ---------------------------------------------------------------------------------------------------

    @cached_property
    def models(self) -> Mapping[str, Model]:
        """Common-effect and random-effects model side by side."""
        common = None if self._pooled is None else self._pooled.common
        random = None if self._pooled is None else self._pooled.random
        nothing = self._nothing
        absent = "this way of pooling has no random-effects model"
        if self._pooled is None:
            absent = nothing
        elif self.methods.pooling.random == "own":
            absent = SUMS_ARE_ZERO
        no_common = None if common else nothing if self._pooled is None else SUMS_ARE_ZERO
        offered = self._offered
        if "random" not in offered and random is not None:
            random, absent = None, f"the program of settings {self.settings.preset!r} has no such model"
        return {
            "common": Model("common", common, self.settings, self.methods, self.scale, no_common),
            "random": Model("random", random, self.settings, self.methods, self.scale, None if random else absent),
        }

    @cached_property
    def scale(self) -> Scale:
        """The scale that pooled effects are shown on."""
        return self.effects.scale_of(self.rows)

    @property
    def _nothing(self) -> str:
        """Why there is no model at all."""
        return FEWER_STUDIES if self.rows else NO_STUDIES

    @property
    def _offered(self) -> tuple[str, ...]:
        from evisynth.presets import available_models  # noqa: PLC0415 - presets need the settings this module serves

        return available_models(self.settings.preset, self.methods.pooling.name)

    @property
    def model(self) -> Model:
        """The model that was asked for."""
        return self.models[self.settings.model]

    @property
    def fit(self) -> Fit | None:
        """The arrays of the model that was asked for."""
        return self.model.fit

    @property
    def pooled(self) -> Estimate | None:
        """The pooled effect on the analysis scale; None with a `reason`."""
        return self.model.pooled

    @property
    def display(self) -> Display | None:
        """The pooled effect on the scale shown to readers."""
        return self.model.display

    def probability(
        self, *, below: float | None = None, above: float | None = None, on: str | None = None
    ) -> Probability:
        """Give the probability that a new study's true effect lies below, or above, a threshold; see `Model`."""
        return self.model.probability(below=below, above=above, on=on)

    @property
    def prediction(self) -> Interval | None:
        """The prediction interval on the analysis scale; see ``model.prediction_display`` for readers."""
        return self.model.prediction

    @cached_property
    def coefficients(self) -> Mapping[str, Estimate]:
        """All coefficients by name; without moderators the pooled effect is the only one."""
        estimates = self.model.estimates
        return {} if estimates is None else {term: estimates.one(i) for i, term in enumerate(self.terms)}

    @property
    def reason(self) -> str | None:
        """Why there is no pooled effect; None where there is one."""
        if self.pooled is not None:
            return None
        if self.model.fit is not None:
            return "a meta-regression has coefficients, not one pooled effect"
        return self.model.absent

    @property
    def is_regression(self) -> bool:
        """Whether effects are regressed on moderators, so that there is no one pooled effect."""
        return not is_intercept(self.X)

    @cached_property
    def regression(self) -> Regression | None:
        """Tests, contrasts, R², predictions of a meta-regression; None without moderators."""
        if not self.is_regression:
            return None
        from evisynth.regression import Regression  # noqa: PLC0415 - only for meta-regression

        return Regression(self)

    @property
    def fit_statistics(self) -> Mapping[str, FitStatistics]:
        """Fit statistics of the model that was asked for; see `Model.fit_statistics`."""
        return self.model.fit_statistics

    # -- heterogeneity ------------------------------------------------------------------------------------------------

    @cached_property
    def heterogeneity(self) -> Heterogeneity:
        """Cochran's Q, τ², I² and H²."""
        if self._pooled is None:
            return no_heterogeneity(self._nothing, None, None)
        if self._pooled.q_df < 1:
            return no_heterogeneity(NO_DOF if self.is_regression else ONE_STUDY, 0.0, 0)
        return heterogeneity_of(self._pooled, self.settings, self.methods, self.models["random"].absent)

    # -- studies ------------------------------------------------------------------------------------------------------

    @property
    def k(self) -> int:
        """Number of studies pooled."""
        return len(self.rows)

    @property
    def k_total(self) -> int:
        """Number of studies given."""
        return len(self.effects)

    @cached_property
    def weights(self) -> Mapping[str, FloatArray]:
        """Weights of all rows in either model, in percent, 0 for a study that is not pooled; empty without a model."""
        made: dict[str, FloatArray] = {}
        for name, model in self.models.items():
            if model.fit is None:
                continue
            column = np.zeros(self.k_total)
            used = self.effects.used
            rows = (
                list(self.rows)
                if model.fit.w.shape[0] == len(self.rows)
                else np.nonzero(used)[0]
                if used is not None
                else ...
            )
            column[rows] = 100.0 * model.fit.w / model.fit.w.sum()
            made[name] = column
        return made

    @property
    def _shown_weights(self) -> Mapping[int, float] | None:
        """Weights as they are shown, by row: of the overall, of the subgroup where only subtotals are shown."""
        chosen = self.settings.model
        if self.settings.totals == "overall":
            column = self.weights.get(chosen)
            return None if column is None else {i: float(column[i]) for i in self.rows}
        if self.settings.totals == "none":
            return None
        parts = [(group, group.analysis.weights.get(chosen)) for group in self.subgroups]
        return {
            group.rows[i]: float(column[i])
            for group, column in parts
            if column is not None
            for i in group.analysis.rows
        }

    @cached_property
    def _study_limits(self) -> StudyLimits:
        from evisynth.study_limits import study_limits  # noqa: PLC0415 - only where studies are listed

        return study_limits(self.effects, self.settings, self.methods)

    @cached_property
    def studies(self) -> tuple[StudyResult, ...]:
        """Every row of the input with its effect and weight, or the reason why it has none."""
        effects, source = self.effects, self.effects.studies
        se = np.sqrt(effects.v)
        limits = self._study_limits
        columns: Mapping[str, FloatArray] = {} if source is None else source.columns
        pooled = set(self.rows)
        shown_weights = self._shown_weights
        plain = effects.display_scale.size is None
        # Effects that were given were not measured in any way.
        given = effects.made_by is None
        own, formulas = self.methods.measure.summary, {route.name: route.formula for route in self.routes}
        made: list[StudyResult] = []
        for i in range(self.k_total):
            reason = effects.reasons.get(i)
            y, s = float(effects.y[i]), float(se[i])
            # A row that is pooled in its subgroup has an effect, wherever it is not pooled.
            seen = reason is None or reason == ONLY_IN_SUBGROUP
            scale = effects.display_scale if plain else effects.scale_of([i])
            (low, high), shown_limits = limits.of(i, scale)
            shown = Display(scale.show(y), *shown_limits) if seen else None
            by_model = {name: float(column[i]) if i in pooled else None for name, column in self.weights.items()}
            made.append(
                StudyResult(
                    row=i + 1,
                    study=effects.study[i],
                    study_id=effects.study_id[i],
                    year=_text_at(source.year if source is not None else None, i),
                    subgroup=_text_at(source.subgroup if source is not None else None, i),
                    effect=y if seen else None,
                    se=s if seen else None,
                    ci_low=low if seen else None,
                    ci_high=high if seen else None,
                    display=shown,
                    weight=None if shown_weights is None else shown_weights.get(i),
                    weight_common=by_model.get("common"),
                    weight_random=by_model.get("random"),
                    included=i in pooled,
                    reason=reason,
                    route=None if not seen or given else effects.routes.get(i, OWN_COLUMNS),
                    formula=None if not seen or given else formulas.get(effects.routes.get(i, ""), own),
                    origins=() if source is None else source.origins.get(i, ()),
                    data={name: _number_at(column, i) for name, column in columns.items()},
                )
            )
        return tuple(made)

    @property
    def routes(self) -> tuple[Route, ...]:
        """Routes that some studies took to their effects, in the order of the studies."""
        from evisynth.records import Route  # noqa: PLC0415 - only where studies are listed

        names = dict.fromkeys(self.effects.routes.values())
        return tuple(self.methods.registry.get(Route, name) for name in names)

    @property
    def conversions(self) -> tuple[Conversion, ...]:
        """Conversions by which the table was completed, in the order that they were asked for."""
        from evisynth.records import Conversion  # noqa: PLC0415 - only where sources are listed

        source = self.effects.studies
        names = () if source is None else source.conversions
        return tuple(self.methods.registry.get(Conversion, name) for name in names)

    @property
    def effect_rows(self) -> tuple[int, ...]:
        """Rows (from 0) that are pooled and have an effect; Mantel–Haenszel sums may weigh others besides."""
        return tuple(i for i in self.rows if i not in self.effects.reasons)

    @property
    def excluded(self) -> tuple[StudyResult, ...]:
        """Rows that are not pooled, each with its reason; ``k + len(excluded) == k_total``."""
        return tuple(study for study in self.studies if not study.included)

    @cached_property
    def participants(self) -> Mapping[str, int | float | None]:
        """Participants by arm and in all, over every row but those left out on request; None where not entered."""
        return self._totals("n_1", "n_2")

    @cached_property
    def events(self) -> Mapping[str, int | float | None]:
        """Events by arm and in all, over every row but those left out on request; None where not entered."""
        events = self._totals("events_1", "events_2")
        if not self.settings.swap_events:
            return events
        return {
            arm: None if given is None or events[arm] is None else given - (events[arm] or 0)
            for arm, given in self.participants.items()
        }

    def _totals(self, one: str, two: str) -> Mapping[str, int | float | None]:
        source, reasons = self.effects.studies, self.effects.reasons
        # RevMan counts a study without an effect, and does not count one that is left out.
        if source is not None and not NOT_COUNTED.isdisjoint(reasons.values()):
            source = source.take([i for i in range(len(source)) if reasons.get(i) not in NOT_COUNTED])
        first = None if source is None else source.total(one)
        second = None if source is None else source.total(two)
        both = None if first is None or second is None else first + second
        return {"arm_1": _whole(first), "arm_2": _whole(second), "total": _whole(both)}

    # -- subgroups ----------------------------------------------------------------------------------------------------

    @cached_property
    def subgroup_test(self) -> SubgroupTest | None:
        """Test for differences between subgroups: ``Σ W (θ_s - θ̄)²`` with ``W = 1/SE²`` of the pooled effects.

        None where the analysis has no subgroups. Source: Borenstein et al. (2009), Introduction to Meta-Analysis, ch.
        19.
        """
        if not self.subgroups:
            return None
        pooled = [subgroup.pooled for subgroup in self.subgroups if subgroup.pooled is not None]
        df = max(len(pooled) - 1, 0)
        if df < 1:
            return SubgroupTest(None, df, None, None, "fewer than two subgroups have a pooled effect")
        y = np.array([estimate.value for estimate in pooled])
        q = float(weighted_fit(y, np.array([estimate.se for estimate in pooled]) ** -2.0).rss)
        i2 = 100.0 * max(0.0, (q - df) / q) if q > 0 else 0.0
        return SubgroupTest(q, df, float(chi2_p_value(q, df)), i2)

    # -- words and forms ----------------------------------------------------------------------------------------------

    @cached_property
    def reasons(self) -> Mapping[str, str]:
        """Why a number of the result is null, by its place in the result."""
        found: dict[str, str] = {}
        if self.reason is not None:
            found["pooled"] = found["display"] = self.reason
        found.update(self._reasons_of_tests)
        if self.model.prediction is None and self.model.prediction_reason is not None:
            found["prediction"] = self.model.prediction_reason
        for name, model in self.models.items():
            if model.fit is None:
                found[f"models.{name}"] = model.absent or NO_STUDIES
            elif model.tau2 is None:
                found[f"models.{name}.tau2"] = model.fit.no_tau2 or (NO_DOF if self.is_regression else ONE_STUDY)
        heterogeneity = self.heterogeneity
        found.update({f"heterogeneity.{name}": reason for name, reason in heterogeneity.reasons.items()})
        for names, said in (
            (("tau2", "tau"), heterogeneity.tau2_ci_reason),
            (("i2", "h2"), heterogeneity.i2_ci_reason),
        ):
            if said is not None:
                found |= {f"heterogeneity.{name}_ci_{end}": said for name in names for end in ("low", "high")}
        if self.subgroup_test is not None and self.subgroup_test.reason is not None:
            found["subgroup_test"] = self.subgroup_test.reason
        found.update(self._reasons_of_fit)
        return found

    @property
    def _reasons_of_tests(self) -> Mapping[str, str]:
        untested = NO_NULL if self.scale.null is None else "the interval method tests 0 alone"
        models = {"": self.model, **{f"models.{name}.": model for name, model in self.models.items()}}
        return {
            f"{place}pooled.{name}": untested
            for place, model in models.items()
            if model.pooled is not None and math.isnan(model.pooled.p_value)
            for name in ("statistic", "p_value", "log_p_value")
        }

    @property
    def _reasons_of_fit(self) -> Mapping[str, str]:
        found = {f"fit_statistics.{name}.bic": NO_DOF for name, one in self.fit_statistics.items() if one.bic is None}
        if self.regression is not None:
            if self.regression.r2_reason is not None:
                found["regression.r2"] = self.regression.r2_reason
            if self.regression.omnibus.reason is not None:
                found["regression.omnibus"] = self.regression.omnibus.reason
        return found

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What a reader should look at before believing the numbers."""
        source = self.effects.studies
        found = [*(source.notes if source is not None else ()), *self.notes]
        if self.model.note is not None:
            found.append(self.model.note)
        modes = self.heterogeneity.tau2_modes if self.settings.model == "random" else None
        if modes is not None and modes > 1:
            found.append(f"the likelihood of tau² has {modes} local maxima; the estimate is the highest of them")
        if self.settings.study_interval is not None and self._study_limits.note is not None:
            found.append(self._study_limits.note)
        if self.model.prediction_note is not None:
            found.append(f"prediction interval: {self.model.prediction_note}")
        found.extend(
            f"subgroup {group.name}: {note}" for group in self.subgroups if (note := group.analysis.model.note)
        )
        found.extend(self.suspicions)
        return tuple(dict.fromkeys(found))

    @cached_property
    def suspicions(self) -> tuple[str, ...]:
        """What the guard rails say: studies that look as if something had been entered wrongly."""
        from evisynth.guarding import suspicions  # noqa: PLC0415 - only when warnings are asked for

        return suspicions(self)

    @property
    def references(self) -> tuple[str, ...]:
        """Published sources of the methods behind the model that was asked for."""
        used = self.methods.used(self.settings.model)
        return tuple(
            dict.fromkeys(method.reference for method in (*used[:1], *self.routes, *self.conversions, *used[1:]))
        )

    @cached_property
    def provenance(self) -> Mapping[str, Any]:
        """Versions of the engine and its plugins, and a digest of the input."""
        from evisynth.provenance import describe  # noqa: PLC0415 - hashing and metadata only when asked for

        return describe(self)

    def to_dict(self) -> dict[str, Any]:
        """Give the whole result as JSON-ready values, without NaN or infinity."""
        from evisynth.documents import analysis_document  # noqa: PLC0415 - only when asked for

        return analysis_document(self)

    def to_json(self, *, indent: int | None = None) -> str:
        """Give the whole result as strict JSON."""
        from evisynth.documents import strict_json  # noqa: PLC0415 - only when asked for

        return strict_json(self.to_dict(), indent=indent)

    def to_frame(self) -> pd.DataFrame:
        """Give the studies as a table, a row each, with columns of the glossary."""
        from evisynth.documents import study_frame  # noqa: PLC0415 - pandas only when asked for

        return study_frame(self)

    def to_r(self, package: str | None = None) -> str:
        """Give an R script with data and calls that reproduces the result, and compares R's numbers with it.

        ``package`` is ``"metafor"`` or ``"meta"``, by default that of the preset. Raises `CombinationError` where R
        cannot reproduce it.
        """
        from evisynth.r_script import write  # noqa: PLC0415 - only when asked for

        return write(self, package)

    def __str__(self) -> str:
        """Print as the ``text`` reporter does."""
        from evisynth.reporting import render  # noqa: PLC0415 - reporters need results

        try:
            return str(render(self, "text"))
        except EvisynthError as error:
            return f"{self!r} (no text: {error})"

    def __repr__(self) -> str:
        """Say the main numbers in one line."""
        shown = self.display
        effect = "no pooled effect" if shown is None else f"{shown.value:.4g} [{shown.ci_low:.4g}, {shown.ci_high:.4g}]"
        return f"<MetaAnalysis {self.effects.measure} {self.model.label}: {effect}, k = {self.k} of {self.k_total}>"


def _text_at(column: Sequence[str | None] | None, i: int) -> str | None:
    return None if column is None else column[i]


def _number_at(column: FloatArray, i: int) -> float | None:
    value = float(column[i])
    return None if math.isnan(value) else value


def _whole(value: float | None) -> int | float | None:
    return int(value) if value is not None and value.is_integer() else value
