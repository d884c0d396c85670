"""Compare every number that a review's file stores with the engine's, at the digits stored.

Tolerances are those of RevMan's own arithmetic: 1e-8 for effects, limits, weights, Q, tau², I² and Z; its P of a
chi-square is an approximation, good to 2e-5 of itself, and that of Z to 1e-6. Numbers that were stored rounded may
differ by half of their last digit besides.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth.fits import Display, inverse_variance_fit, symmetric_estimates
from evisynth.kernels.weighted_fit import intercept
from evisynth.reviews.analysis import OutcomeAnalysis, fit_review

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pandas as pd

    from evisynth.fits import Estimate
    from evisynth.registry import Registry
    from evisynth.results import MetaAnalysis, StudyResult
    from evisynth.reviews.model import Review, ReviewRow, StoredResults
    from evisynth.settings import Settings

PLAIN = 1e-8
OF_Z = 1e-6
OF_CHI2 = (1e-9, 2e-5)
HALF = 0.5 + 1e-6
"""Of the last digit stored: numbers that lie between two of them may have been rounded either way."""

_CHI2_P_VALUES = frozenset({"q_p_value", "subgroup_q_p_value"})
_RESULTS = frozenset(
    {
        *("display", "display_ci_low", "display_ci_high", "se", "statistic", "p_value", "q", "q_p_value", "i2", "tau2"),
        *("subgroup_q", "subgroup_q_p_value", "subgroup_i2", "weight", "o_e"),
    }
)
"""Numbers that tell, by not all being 0, that results were stored at all."""

_COUNTS = frozenset({"studies", "n_1", "n_2", "events_1", "events_2"})
"""Numbers that files store also where there is no effect; all others are 0 there."""

NOT_STORED = "nothing stored"
NO_DF = "df = 0: files hold 0 or 100, 1 or 0"
NO_ANALYSIS = "no analysis: {reason}"
OF_DIFFERENCES = "a difference has no logarithm: what files hold there means nothing"
NOT_KNOWN = "the engine has no such number here"


@attrs.frozen
class ComparedNumber:
    """Hold one stored number beside the engine's; ``estimable`` counts as 1 or 0."""

    place: str
    study: str | None
    name: str
    """Name of the glossary."""
    stored: float
    computed: float | None
    tolerance: float

    @property
    def difference(self) -> float:
        """How far the engine's number is from the stored one; infinite where it has none."""
        return math.inf if self.computed is None else abs(self.computed - self.stored)

    @property
    def agrees(self) -> bool:
        """Whether the difference is within the tolerance."""
        return self.difference <= self.tolerance


@attrs.frozen
class NotCompared:
    """Hold a stored number, or a whole node of results (no ``name``), that was not compared, with the reason."""

    place: str
    study: str | None
    name: str | None
    reason: str


@attrs.frozen(eq=False, slots=False)
class Verification:
    """Hold what was compared, and what was not."""

    review: Review
    compared: tuple[ComparedNumber, ...]
    not_compared: tuple[NotCompared, ...]

    @cached_property
    def disagreements(self) -> tuple[ComparedNumber, ...]:
        """Numbers that differ by more than the tolerance."""
        return tuple(one for one in self.compared if not one.agrees)

    @property
    def agrees(self) -> bool:
        """Whether all that was compared agrees."""
        return not self.disagreements

    @cached_property
    def largest(self) -> ComparedNumber | None:
        """The number with the largest difference relative to its tolerance."""
        return max(self.compared, key=lambda one: one.difference / one.tolerance, default=None)

    @cached_property
    def by_name(self) -> Mapping[str, tuple[int, int, float]]:
        """By kind of number: how many were compared, how many agree, and the largest difference."""
        made: dict[str, tuple[int, int, float]] = {}
        for one in self.compared:
            count, agree, largest = made.get(one.name, (0, 0, 0.0))
            made[one.name] = (count + 1, agree + one.agrees, max(largest, one.difference))
        return made

    @cached_property
    def reasons(self) -> Mapping[str, int]:
        """How many were not compared, by reason."""
        made: dict[str, int] = {}
        for one in self.not_compared:
            made[one.reason] = made.get(one.reason, 0) + 1
        return made

    def to_dict(self) -> dict[str, Any]:
        """Give the whole result as JSON-ready values."""
        from evisynth.reviews.documents import verification_document  # noqa: PLC0415 - only when asked for

        return verification_document(self)

    def to_frame(self) -> pd.DataFrame:
        """Give a row per number compared, with columns of the glossary."""
        from evisynth.reviews.documents import verification_frame  # noqa: PLC0415 - pandas only when asked for

        return verification_frame(self)

    def __repr__(self) -> str:
        """Count in one line."""
        agree = len(self.compared) - len(self.disagreements)
        return f"<Verification of {self.review.title!r}: {agree} of {len(self.compared)} stored numbers agree>"


def verify(
    review: Review,
    settings: str | Settings | None = None,
    *,
    only: Sequence[str] = (),
    registry: Registry | None = None,
    progress: Callable[[OutcomeAnalysis], object] | None = None,
    **words: Any,  # noqa: ANN401 - the fields of Settings
) -> Verification:
    """Run a review by the settings that its file states and compare every result stored in it with ours.

    ``settings`` and ``words`` change how it is run, as in `evisynth.fit`. Results that a file stores as empty, or all
    as 0 for an outcome with an effect, count as not stored.
    """
    compared: list[ComparedNumber] = []
    missing: list[NotCompared] = []
    rounding = 0.0 if review.decimals is None else HALF * 10.0**-review.decimals
    for outcome in fit_review(review, settings, only=only, registry=registry, progress=progress, **words):
        for node in _nodes(outcome):
            node.compare(rounding, compared, missing)
    return Verification(review, tuple(compared), tuple(missing))


@attrs.frozen
class _Node:
    """Hold a place with stored results and what the engine has for them: None for a number not to compare, and why."""

    place: str
    study: str | None
    stored: StoredResults
    computed: Mapping[str, float | None]
    apart: Mapping[str, str]
    estimable: bool | None
    """Whether the engine has an effect to show here; None where there is no analysis."""
    reason: str | None = None
    """Why there is no analysis."""

    def compare(self, rounding: float, compared: list[ComparedNumber], missing: list[NotCompared]) -> None:
        results = {name: number for name, number in self.stored.numbers.items() if name in _RESULTS}
        if self.estimable is None:
            if any(results.values()):
                reason = NO_ANALYSIS.format(reason=self.reason)
                compared.extend(
                    ComparedNumber(self.place, self.study, name, number, None, PLAIN)
                    for name, number in results.items()
                )
                missing.append(NotCompared(self.place, self.study, None, reason))
            elif self.stored.numbers:
                missing.append(NotCompared(self.place, self.study, None, NO_ANALYSIS.format(reason=self.reason)))
            return
        if self.stored.estimable is not None:
            said = float(self.stored.estimable)
            compared.append(ComparedNumber(self.place, self.study, "estimable", said, float(self.estimable), PLAIN))
        nothing = not any(results.values()) and (self.estimable or self.stored.estimable is None)
        if nothing:
            missing.append(NotCompared(self.place, self.study, None, NOT_STORED))
        for name, number in self.stored.numbers.items():
            if nothing and (name in _RESULTS or name not in self.computed):
                continue
            if not self.estimable and name not in _COUNTS:
                compared.append(ComparedNumber(self.place, self.study, name, number, 0.0, PLAIN))
            elif name in self.apart or name not in self.computed:
                missing.append(NotCompared(self.place, self.study, name, self.apart.get(name, NOT_KNOWN)))
            else:
                computed = self.computed[name]
                compared.append(
                    ComparedNumber(self.place, self.study, name, number, computed, _tolerance(name, number, rounding))
                )


def _tolerance(name: str, stored: float, rounding: float) -> float:
    if name in _CHI2_P_VALUES:
        own = max(OF_CHI2[0], OF_CHI2[1] * abs(stored))
    elif name == "p_value":
        own = OF_Z
    else:
        own = PLAIN * max(1.0, abs(stored))
    return own + rounding


def _nodes(outcome: OutcomeAnalysis) -> Iterator[_Node]:
    analysis, place = outcome.analysis, outcome.place
    if analysis is None:
        nodes: list[tuple[str, str | None, StoredResults]] = [(place, None, outcome.outcome.stored)]
        nodes += [(f"{place}.{one.number}", None, one.stored) for one in outcome.outcome.subgroups]
        nodes += [(place, row.study, row.stored) for _, row in outcome.rows]
        for where, study, stored in nodes:
            yield _Node(where, study, stored, {}, {}, None, outcome.reason)
        return
    totals = analysis.settings.totals
    rows = [row for _, row in outcome.rows if row.level != "subgroup"]
    yield _pooled_node(analysis, place, outcome.outcome.stored, analysis, rows, _whole_weight(analysis))
    for subgroup, made in outcome.subgroups:
        where = f"{place}.{subgroup.number}"
        if made is None:
            yield _Node(where, None, subgroup.stored, {}, {}, None, "the file holds no studies for this subgroup")
            continue
        own_rows = [row for row in subgroup.rows if row.level != "overall"]
        weight = 0.0 if totals == "none" or made.pooled is None else made.weight
        yield _pooled_node(analysis, where, subgroup.stored, made.analysis, own_rows, weight)
    number = {id(one): f"{place}.{one.number}" for one in outcome.outcome.subgroups}
    for (own, row), result in zip(outcome.rows, analysis.studies, strict=True):
        yield _row_node(number.get(id(own), place), row, result, analysis)


def _pooled_node(
    analysis: MetaAnalysis,
    place: str,
    stored: StoredResults,
    part: MetaAnalysis,
    rows: Sequence[ReviewRow],
    weight: float | None,
) -> _Node:
    """Gather what the engine has for a pooled effect, that of the whole ``analysis`` or of a ``part`` of it."""
    overall = part is analysis
    totals = analysis.settings.totals
    spread = part.heterogeneity
    shown, pooled = part.display, part.pooled
    if overall and totals == "subgroups":
        shown, pooled = _mean_of_subtotals(analysis)
    random = analysis.settings.model == "random"
    computed: dict[str, float | None] = {
        "studies": float(len({row.study for row in rows})),
        **{name: math.fsum(row.data.get(name, 0.0) for row in rows) for name in ("n_1", "n_2", "events_1", "events_2")},
    }
    apart: dict[str, str] = {}
    if shown is not None and pooled is not None:
        computed |= {"display": shown.value, "display_ci_low": shown.ci_low, "display_ci_high": shown.ci_high}
        computed |= {"se": pooled.se, "statistic": abs(pooled.statistic), "p_value": pooled.p_value}
        computed |= _logarithms(computed, analysis, apart)
        computed |= {"q": spread.q, "q_df": spread.df, "tau2": (spread.tau2 or 0.0) if random else 0.0}
        computed |= {"q_p_value": spread.p_value, "i2": spread.i2 or 0.0}
        computed |= {"tau2_ci_low": spread.tau2_ci_low, "tau2_ci_high": spread.tau2_ci_high}
        limits = part.model.prediction_display
        if limits is not None:
            computed |= {"display_prediction_low": limits.low, "display_prediction_high": limits.high}
        if not spread.df:
            apart |= dict.fromkeys(("q_p_value", "i2"), NO_DF)
        computed["weight"] = weight
    if overall:
        computed |= _subgroup_test(analysis, apart)
    if analysis.settings.swap_events:
        apart |= dict.fromkeys(("events_1", "events_2"), "whether files count events or non-events here is not known")
    return _Node(place, None, stored, computed, apart, shown is not None and totals != "none")


def _mean_of_subtotals(analysis: MetaAnalysis) -> tuple[Display | None, Estimate | None]:
    """Give what files store overall where only subtotals are shown: their inverse-variance mean, as in the test."""
    parts = [group.pooled for group in analysis.subgroups if group.pooled is not None]
    if not parts:
        return None, None
    y, v = np.array([part.value for part in parts]), np.array([part.se for part in parts]) ** 2
    fitted = inverse_variance_fit(y, v, intercept(len(parts)), np.zeros(()), model="common", method="IV")
    estimate = symmetric_estimates(
        fitted.coefficients, fitted.se, analysis.settings.level, covariance=fitted.covariance
    ).one()
    scale = analysis.scale
    return Display(scale.show(estimate.value), *scale.show_limits(estimate.ci_low, estimate.ci_high)), estimate


def _whole_weight(analysis: MetaAnalysis) -> float:
    """Give the weight of the overall line: where only subtotals are shown, files store the sum of these."""
    if analysis.settings.totals != "subgroups":
        return 100.0
    return 100.0 * sum(group.pooled is not None for group in analysis.subgroups)


def _subgroup_test(analysis: MetaAnalysis, apart: dict[str, str]) -> dict[str, float | None]:
    test = analysis.subgroup_test
    if test is None or test.q is None:
        apart |= dict.fromkeys(("subgroup_q_p_value", "subgroup_i2"), NO_DF)
        return {"subgroup_q": 0.0, "subgroup_q_df": 0.0 if test is None else float(test.df)}
    return {
        "subgroup_q": test.q,
        "subgroup_q_df": float(test.df),
        "subgroup_q_p_value": test.p_value,
        "subgroup_i2": test.i2,
    }


def _row_node(place: str, row: ReviewRow, study: StudyResult, analysis: MetaAnalysis) -> _Node:
    shown = study.display
    computed: dict[str, float | None] = {"weight": study.weight or 0.0}
    apart: dict[str, str] = {}
    if row.level != "both":
        apart["weight"] = "pooled in its subgroup or overall alone: which weight files store is not known"
    if shown is not None and study.se is not None and study.effect is not None:
        computed |= {"display": shown.value, "display_ci_low": shown.ci_low, "display_ci_high": shown.ci_high}
        computed |= _logarithms(computed, analysis, apart)
        computed |= {"se": study.se, "vi": study.se**2, "o_e": 0.0}
        if analysis.effects.measure == "PETO":
            computed |= {"o_e_variance": study.se**-2, "o_e": study.effect / study.se**2}
            # With an O - E of exactly 0 nothing tells that V, not its inverse, is stored.
            computed["vi"] = study.se**-2
    return _Node(place, row.study, row.stored, computed, apart, shown is not None)


def _logarithms(
    computed: Mapping[str, float | None], analysis: MetaAnalysis, apart: dict[str, str]
) -> dict[str, float | None]:
    """Give decimal logarithms of a ratio and its limits."""
    shown = {f"log10_{name}": number for name, number in computed.items() if name.startswith("display")}
    if analysis.effects.scale != "log":
        apart |= dict.fromkeys(shown, OF_DIFFERENCES)
        return {}
    return {name: math.log10(number) for name, number in shown.items() if number is not None and number > 0}
