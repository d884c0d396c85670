"""Check the numbers printed of an effect: estimate, limits, SE, Z (or t) and P, as of one test.

Each printed number stands for all that round to it; a contradiction is reported where no true numbers fit. Sources:
Altman & Bland (2011), BMJ 343:d2090 and d2304 (P from a confidence interval and back); Nuijten et al. (2016), Behav.
Res. Methods 48:1205-1226 (statcheck: P recomputed within rounding); Moore et al. (2009), Introduction to Interval
Analysis.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from evisynth.consistency.findings import Rule
from evisynth.consistency.heterogeneity_rules import fits_heterogeneity
from evisynth.consistency.intervals import bounds_of, degrees_that_fit, fits_effect, p_of, p_range, quantile
from evisynth.consistency.printed_results import (
    ALTMAN,
    P_LABEL,
    STATCHECK,
    between,
    heterogeneity_words,
    interval_words,
    named_test,
    short,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth.consistency.findings import Ledger
    from evisynth.consistency.intervals import Bounds, ScaleName
    from evisynth.consistency.printed_numbers import Printed
    from evisynth.consistency.printed_results import PrintedResult

ORDER = Rule("limits in order", ALTMAN)
CENTRE = Rule("estimate amid its limits", ALTMAN)
WIDTH = Rule("SE and limits", ALTMAN)
STATISTIC = Rule("statistic and limits", ALTMAN)
P_AND_LIMITS = Rule("P and limits", ALTMAN)
P_AND_STATISTIC = Rule("P and statistic", STATCHECK)


def possible_scales(result: PrintedResult, ledger: Ledger) -> Mapping[ScaleName, Bounds]:
    """Check order and centre, and give the bounds on each scale that the numbers may be on."""
    low, high, estimate = result.ci_low, result.ci_high, result.estimate
    if low is None or high is None or not _in_order(result, low, high, ledger):
        return {}
    columns = result.columns("estimate", "ci_low", "ci_high")
    scales: tuple[ScaleName, ...] = (result.scale,) if result.scale is not None else ("log", "linear")
    if result.scale is None and (low.high <= 0.0 or (estimate is not None and estimate.high <= 0.0)):
        scales = ("linear",)
    if estimate is None:
        return {scale: bounds_of(None, low, high, scale) for scale in scales}
    ledger.applied(CENTRE)
    shown = f"estimate {estimate} with limits {low} to {high}"
    if estimate.high < low.low or estimate.low > high.high:
        ledger.found(CENTRE, shown, "the estimate lies outside its own interval", columns=columns)
        return {}
    made: dict[ScaleName, Bounds] = {scale: bounds_of(estimate, low, high, scale) for scale in scales}
    if all(bounds.empty for bounds in made.values()):
        ledger.found(CENTRE, shown, _centres(made), columns=columns)
    return {scale: bounds for scale, bounds in made.items() if not bounds.empty}


def _in_order(result: PrintedResult, low: Printed, high: Printed, ledger: Ledger) -> bool:
    ledger.applied(ORDER)
    reason = None
    if low.low > high.high:
        reason = "the lower limit is above the upper"
    elif result.scale == "log" and high.high <= 0.0:
        reason = "a ratio is above 0"
    if reason is not None:
        ledger.found(ORDER, f"limits {low} to {high}", reason, columns=result.columns("ci_low", "ci_high"))
        return False
    if not all(math.isfinite(end) for limit in (low, high) for end in (limit.low, limit.high)):
        ledger.skipped(CENTRE, "a limit is not printed as a number")
        return False
    return True


def _centres(made: Mapping[ScaleName, Bounds]) -> str:
    words = {"log": "geometric", "linear": "arithmetic"}
    parts: list[str] = []
    for scale, bounds in made.items():
        least, most = (math.exp(c) if scale == "log" else c for c in bounds.centre)
        parts.append(f"the {words[scale]} middle of these limits lies between {short(least)} and {short(most)}")
    return f"{' and '.join(parts)}, whatever was rounded"


def check_width(result: PrintedResult, of_scales: Mapping[ScaleName, Bounds], ledger: Ledger) -> None:
    """Compare a standard error with the one that limits so far apart belong to."""
    if result.se is None or not of_scales:
        return
    ledger.applied(WIDTH)
    c = quantile(result.level, result.df)
    ranges = [(low / c, high / c) for low, high in (bounds.half_width for bounds in of_scales.values())]
    if not any(result.se.meets(*pair) for pair in ranges):
        ledger.found(
            WIDTH,
            f"standard error {result.se} with limits {result.ci_low} to {result.ci_high}",
            f"limits so far apart belong to a standard error {between(ranges)} ({named_test(result)})",
            columns=result.columns("se", "ci_low", "ci_high"),
        )


def check_statistic(result: PrintedResult, of_scales: Mapping[ScaleName, Bounds], ledger: Ledger) -> None:
    """Compare a statistic, sign aside, with estimate over standard error."""
    if result.statistic is None or not of_scales:
        return
    ledger.applied(STATISTIC)
    c = quantile(result.level, result.df)
    ranges = [(low * c, high * c) for low, high in (bounds.ratio for bounds in of_scales.values())]
    if not any(_unsigned(result.statistic, *pair) for pair in ranges):
        ledger.found(
            STATISTIC,
            f"statistic {result.statistic} with {interval_words(result)}",
            f"this interval belongs to a statistic {between(ranges)} ({named_test(result)})",
            columns=result.columns("statistic", "estimate", "ci_low", "ci_high"),
        )


def _unsigned(printed: Printed, low: float, high: float) -> bool:
    return printed.meets(low, high) or printed.meets(-high, -low)


def check_p_and_statistic(result: PrintedResult, ledger: Ledger) -> None:
    """Compare a P with that of the statistic printed beside it."""
    if result.statistic is None or result.p is None:
        return
    ledger.applied(P_AND_STATISTIC)
    ends = sorted((abs(result.statistic.low), abs(result.statistic.high)))
    least = 0.0 if result.statistic.low <= 0.0 <= result.statistic.high else ends[0]
    low, high = p_of(ends[1], result.df), p_of(least, result.df)
    if not result.p.meets(low, high):
        ledger.found(
            P_AND_STATISTIC,
            f"P {result.p} with statistic {result.statistic}",
            f"this statistic has P {between([(low, high)])} ({named_test(result)})",
            columns=result.columns("statistic", "p"),
        )


def check_effect_p(result: PrintedResult, of_scales: Mapping[ScaleName, Bounds], ledger: Ledger) -> None:
    """Compare a P with that of the test that the interval belongs to; one that is of heterogeneity is said to be so."""
    if result.p is None or not of_scales:
        return
    ledger.applied(P_AND_LIMITS)
    if fits_effect(result.p, of_scales, result):
        return
    columns = result.columns("p", "estimate", "ci_low", "ci_high")
    shown = f"P {result.p} with {interval_words(result)}"
    ranges = [p_range(bounds.ratio, result.level, result.df) for bounds in of_scales.values()]
    reasoning = f"this interval belongs to P {between(ranges)} ({named_test(result)})"
    if fits_heterogeneity(result, result.p):
        ledger.found(
            P_LABEL,
            f"{shown}: it is that of heterogeneity ({heterogeneity_words(result)}), not of the effect",
            reasoning,
            columns=result.columns("p", "q", "q_df", "i2"),
        )
        return
    if result.df is None:
        degrees = [degrees_that_fit(bounds.ratio, result.level, result.p) for bounds in of_scales.values()]
        first = next((pair for pair in degrees if pair is not None), None)
        if first is not None:
            which = f"{first[0]}" if first[0] == first[1] else f"{first[0]} to {first[1]}"
            more = f"{reasoning}; Student's t would give both with {which} degrees of freedom: say so if it was used"
            ledger.found(P_AND_LIMITS, shown, more, columns=columns, suspicious=True)
            return
        reasoning += "; Student's t does not give both with any degrees of freedom"
    ledger.found(P_AND_LIMITS, shown, f"{reasoning}: they are not of one test", columns=columns)
