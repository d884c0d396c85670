"""Check tests and adjustments for small-study effects."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from evisynth.bias_results import Adjusted, BiasTestResult
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

    For every analysis, of none, one or two studies too, it gives a finite statistic with a p-value between 0 and 1, or
    a reason; turning the sign of the effects, their unit and the order of studies leave the p-value as it is; the
    estimate of asymmetry lies in its interval.
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
        seen = _tested(record, other, given)
        expected = math.nan if base.p_value is None else base.p_value
        p_value = math.nan if seen.p_value is None else seen.p_value
        ensure(close(p_value, expected, TOLERANCE), record, law, given, f"p {p_value} instead of {expected}")


def _tested(record: BiasTest, analysis: MetaAnalysis, given: str) -> BiasTestResult:
    answer: object = ask(record, "answers without an exception", given, record.function, analysis)
    if not isinstance(answer, BiasTestResult):
        raise ConformanceError(record, "returns BiasTestResult", given, type(answer).__name__)
    made = answer
    there = made.p_value is not None and math.isfinite(made.p_value) and 0 <= made.p_value <= 1
    finite = made.statistic is None or math.isfinite(made.statistic)
    ensure(
        finite and there != bool(made.reason) and (made.p_value is not None) == there,
        record,
        "a p-value between 0 and 1, or a reason",
        given,
        f"statistic {made.statistic}, p {made.p_value}, reason {made.reason!r}",
    )
    ensure(bool(made.name and made.variant), record, "the result says what was done", given, made)
    return made


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


def _pooled(made: Adjusted) -> float:
    return math.nan if made.pooled is None else made.pooled.value


def _adjusted(record: Adjustment, analysis: MetaAnalysis, given: str) -> Adjusted:
    answer: object = ask(record, "answers without an exception", given, record.function, analysis)
    if not isinstance(answer, Adjusted):
        raise ConformanceError(record, "returns Adjusted", given, type(answer).__name__)
    made = answer
    ensure(
        (made.pooled is not None) != bool(made.reason),
        record,
        "an adjusted effect, or a reason",
        given,
        f"estimate {made.estimate!r}, analysis {made.analysis!r}, reason {made.reason!r}",
    )
    ensure(
        all(math.isfinite(y) and 0 < v < math.inf for y, v in made.added),
        record,
        "effects that are added are finite, with positive variances",
        given,
        made.added,
    )
    ensure(
        made.analysis is None or made.analysis.k_total == analysis.k_total + len(made.added),
        record,
        "effects that are added stand beside the others",
        given,
        f"{len(made.added)} added to {analysis.k_total}, result {made.analysis!r}",
    )
    ensure(bool(made.name and made.variant), record, "the result says what was done", given, made)
    return made
