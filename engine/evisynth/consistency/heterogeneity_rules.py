"""Check the numbers printed of heterogeneity: Q, its degrees of freedom, P, I² and τ².

I² = max(0, (Q - df)/Q) and P = P(χ²(df) > Q). Sources: Higgins & Thompson (2002), Stat. Med. 21:1539-1558;
DerSimonian & Laird (1986), Control. Clin. Trials 7:177-188 (τ² is 0 where Q is at most df).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from evisynth.consistency.findings import Rule
from evisynth.consistency.intervals import fits_effect
from evisynth.consistency.printed_results import I2, P_LABEL, STATCHECK, between, heterogeneity_words, interval_words
from evisynth.kernels.distributions import chi2_p_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth.consistency.findings import Ledger
    from evisynth.consistency.intervals import Bounds, ScaleName
    from evisynth.consistency.printed_numbers import Printed
    from evisynth.consistency.printed_results import PrintedResult

I2_AND_Q = Rule("I² and Q", I2)
P_AND_Q = Rule("P and Q", f"{STATCHECK}; {I2}")
TAU2_AND_Q = Rule("τ² and Q", "DerSimonian & Laird (1986), Control. Clin. Trials 7:177-188")

MOST_WITHOUT_EFFECT = 200
"""Studies without an effect that are reckoned with, where the degrees of freedom are not printed."""


def heterogeneity_p(result: PrintedResult) -> list[tuple[float, float]]:
    """Bound the P of heterogeneity by Q, or by I² where Q is not printed; a range per possible number of degrees.

    Without degrees of freedom they are at most the number of studies less one: those without an effect do not count.
    """
    if result.q_df is not None:
        degrees: range = range(result.q_df, result.q_df + 1)
    elif result.k is not None:
        degrees = range(max(1, result.k - MOST_WITHOUT_EFFECT), result.k)
    else:
        return []
    made: list[tuple[float, float]] = []
    for df in degrees:
        bounds = _q_bounds(result, df)
        if df > 0 and bounds is not None:
            made.append((_tail(bounds[1], df), _tail(bounds[0], df)))
    return made


def _tail(q: float, df: int) -> float:
    return 0.0 if math.isinf(q) else float(chi2_p_value(max(q, 0.0), df))


def _q_bounds(result: PrintedResult, df: int) -> tuple[float, float] | None:
    if result.q is not None:
        return max(result.q.low, 0.0), result.q.high
    if result.i2 is None or not result.i2_from_q or result.i2.low >= 100.0:  # noqa: PLR2004 - percent
        return None
    # I² = 0 stands for every Q up to df.
    low = 0.0 if result.i2.low <= 0.0 else df / (1.0 - result.i2.low / 100.0)
    high = math.inf if result.i2.high >= 100.0 else df / (1.0 - max(result.i2.high, 0.0) / 100.0)  # noqa: PLR2004 - percent
    return low, high


def fits_heterogeneity(result: PrintedResult, p: Printed) -> bool:
    """Whether a P can be that of the heterogeneity printed beside it."""
    return any(p.meets(*pair) for pair in heterogeneity_p(result))


def check_i2(result: PrintedResult, ledger: Ledger) -> None:
    """Compare I² with (Q - df)/Q."""
    i2, q, df = result.i2, result.q, result.q_df
    if i2 is None:
        return
    if q is None or df is None:
        return
    if not result.i2_from_q:
        ledger.skipped(I2_AND_Q, "I² is not from Q here, but from the estimate of τ²")
        return
    if df <= 0 or q.high <= 0.0:
        ledger.skipped(I2_AND_Q, "one study has no heterogeneity, or Q is 0")
        return
    ledger.applied(I2_AND_Q)
    low, high = (max(0.0, 100.0 * (1.0 - df / end)) if end > 0.0 else 0.0 for end in (q.low, q.high))
    if not i2.meets(low, high):
        ledger.found(
            I2_AND_Q,
            f"I² {i2} with Q {q} and {df} df",
            f"(Q - df)/Q is {between([(low, high)])} %",
            columns=result.columns("i2", "q", "q_df"),
        )


def check_q_p(result: PrintedResult, of_scales: Mapping[ScaleName, Bounds], ledger: Ledger) -> None:
    """Compare the P of heterogeneity with that of Q (or I²); one that is of the effect is said to be so."""
    ranges = heterogeneity_p(result)
    if result.q_p is None or not ranges:
        return
    ledger.applied(P_AND_Q)
    if any(result.q_p.meets(*pair) for pair in ranges):
        return
    shown = f"P {result.q_p} of heterogeneity with {heterogeneity_words(result)}"
    reasoning = f"these belong to P {between(ranges)} (χ²)"
    if fits_effect(result.q_p, of_scales, result):
        ledger.found(
            P_LABEL,
            f"{shown}: it is that of the effect ({interval_words(result)}), not of heterogeneity",
            reasoning,
            columns=result.columns("q_p", "estimate", "ci_low", "ci_high"),
        )
        return
    ledger.found(P_AND_Q, shown, reasoning, columns=result.columns("q_p", "q", "q_df", "i2"))


def check_tau2(result: PrintedResult, ledger: Ledger) -> None:
    """See that the moment estimate of τ² is 0 where Q is below its degrees of freedom."""
    tau2, q, df = result.tau2, result.q, result.q_df
    if tau2 is None or q is None or df is None or not result.tau2_from_q or df <= 0:
        return
    ledger.applied(TAU2_AND_Q)
    columns = result.columns("tau2", "q", "q_df")
    if tau2.low > 0.0 and q.high < df:
        ledger.found(TAU2_AND_Q, f"τ² {tau2} with Q {q} and {df} df", "τ² is 0 where Q is below df", columns=columns)
    elif tau2.low < 0.0 and tau2.high < 0.0:
        ledger.found(TAU2_AND_Q, f"τ² {tau2}", "a variance is not negative", columns=columns)
