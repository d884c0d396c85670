"""Check tests and adjustments for small-study effects."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from evisynth.bias_results import BiasResult
from evisynth.testing.analyses import analyses_without_effect, effects_analysis, ordinary_analyses
from evisynth.testing.conformance import ConformanceError, ask, check_record, close, ensure
from evisynth.testing.samples import SEED

if TYPE_CHECKING:
    from evisynth.records import Adjustment, BiasTest
    from evisynth.results import MetaAnalysis

TOLERANCE = 1e-8
STUDIES = 13


def check_bias_test(record: BiasTest) -> None:
    """Check a test for small-study effects with its default options; raises `ConformanceError`.

    For every analysis, of none, one or two studies too, it gives a finite statistic with a p-value between 0 and 1 (one
    that is an index gives the statistic alone), or a reason; turning the sign of the effects, their unit and the order
    of studies leave the p-value, or the size of the index, as it is; the estimate of asymmetry lies in its interval.
    """
    check_record(record)
    for given, analysis in (*ordinary_analyses(), *analyses_without_effect()):
        made = _tested(record, analysis, given)
        for estimate in (made.asymmetry, made.limit):
            ensure(
                estimate is None or estimate.ci_low <= estimate.value <= estimate.ci_high,
                record,
                "an estimate lies in its interval",
                given,
                estimate,
            )
    base = _tested(record, effects_analysis(), "13 effects")
    order = np.random.default_rng(SEED).permutation(STUDIES)
    for given, law, other in (
        ("13 effects with their signs turned", "the sign of the effects does not matter", effects_analysis(sign=-1.0)),
        ("13 effects times 32", "the unit of the effects does not matter", effects_analysis(unit=32.0)),
        ("13 effects in another order", "the order of studies does not matter", effects_analysis(order=order)),
    ):
        one, two = _finding(record, _tested(record, other, given)), _finding(record, base)
        ensure(close(one, two, TOLERANCE), record, law, given, f"{one} instead of {two}")


def _finding(record: BiasTest, made: BiasResult) -> float:
    """Give what says how strong the asymmetry is: a p-value, or the size of an index."""
    found = made.p_value
    if record.index and made.statistic is not None:
        found = abs(made.statistic)
    return math.nan if found is None else found


def _tested(record: BiasTest, analysis: MetaAnalysis, given: str) -> BiasResult:
    answer: object = ask(record, "answers without an exception", given, record.function, analysis)
    if not isinstance(answer, BiasResult):
        raise ConformanceError(record, "returns BiasResult", given, type(answer).__name__)
    made = answer
    p_value = made.p_value is not None and math.isfinite(made.p_value) and 0 <= made.p_value <= 1
    finite = made.statistic is None or math.isfinite(made.statistic)
    there = (made.statistic is not None if made.p_value is None else p_value) if record.index else p_value
    ensure(
        finite and there != bool(made.reason) and (made.p_value is not None) == p_value,
        record,
        "a p-value between 0 and 1 (or an index), or a reason",
        given,
        f"statistic {made.statistic}, p {made.p_value}, reason {made.reason!r}",
    )
    _described(record, made, given)
    return made


def _described(record: BiasTest | Adjustment, made: BiasResult, given: str) -> None:
    ensure(bool(made.name and made.variant), record, "the result says what was done", given, made)
    ensure(
        all(math.isfinite(number) for number in made.figures.values()),
        record,
        "figures are finite numbers",
        given,
        dict(made.figures),
    )


def check_adjustment(record: Adjustment) -> None:
    """Check an adjustment for small-study effects with its default options; raises `ConformanceError`.

    For every analysis, of none, one or two studies too, it gives an adjusted effect (an estimate, or an analysis
    that has one) or a reason; effects that it adds are finite, have positive variances and are pooled beside the
    others; turning the sign of the effects turns that of the answer, and y·2ⁿ with v·4ⁿ multiplies it by 2ⁿ.
    """
    check_record(record)
    for given, analysis in (*ordinary_analyses(), *analyses_without_effect()):
        _adjusted(record, analysis, given)
    base = _adjusted(record, effects_analysis(), "13 effects")
    for given, law, factor, other in (
        ("13 effects with their signs turned", "turned signs turn the answer", -1.0, effects_analysis(sign=-1.0)),
        ("13 effects times 32", "y·2ⁿ with v·4ⁿ multiplies the answer by 2ⁿ", 32.0, effects_analysis(unit=32.0)),
    ):
        seen = _adjusted(record, other, given)
        one, two = _pooled(seen), factor * _pooled(base)
        ensure(
            len(seen.added) == len(base.added) and close(one, two, TOLERANCE, abs(factor)),
            record,
            law,
            given,
            f"{one} with {len(seen.added)} added, not {two} with {len(base.added)}",
        )


def _pooled(made: BiasResult) -> float:
    return math.nan if made.after is None else made.after.value


def _adjusted(record: Adjustment, analysis: MetaAnalysis, given: str) -> BiasResult:
    answer: object = ask(record, "answers without an exception", given, record.function, analysis)
    if not isinstance(answer, BiasResult):
        raise ConformanceError(record, "returns BiasResult", given, type(answer).__name__)
    made = answer
    ensure(
        (made.after is not None) != bool(made.reason),
        record,
        "an adjusted effect, or a reason",
        given,
        f"effect {made.after!r}, analysis {made.analysis!r}, reason {made.reason!r}",
    )
    ensure(
        all(math.isfinite(study.y) and 0 < study.v < math.inf for study in made.studies),
        record,
        "effects that are added are finite, with positive variances",
        given,
        made.studies,
    )
    ensure(
        made.analysis is None or made.analysis.k_total == analysis.k_total + len(made.added),
        record,
        "effects that are added stand beside the others",
        given,
        f"{len(made.added)} added to {analysis.k_total}, result {made.analysis!r}",
    )
    _described(record, made, given)
    return made
