"""Compare event counts in two groups: odds ratio, risk ratio, risk difference, Peto's odds ratio."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import Cells, CorrectedCells, EffectMeasure, FloatArray, MeasuredEffects, hookimpl

if TYPE_CHECKING:
    from evisynth import Average, Reasons

HANDBOOK = "Deeks & Higgins (2010), Statistical algorithms in Review Manager 5"
NO_VARIATION = "nobody or everybody of each arm had the event: the variance is 0"
ONE = "one participant in an arm: the unbiased variance divides by n - 1"


def log_ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Take the logarithm of a ratio of cross-products, to full accuracy where it is near 0.

    Products of counts (and of halves) are exact up to 2⁵³, and so is their difference.
    """
    difference = numerator - denominator
    near = np.abs(difference) < 0.5 * denominator
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(near, np.log1p(difference / denominator), np.log(numerator / denominator))


def odds_ratio(cells: CorrectedCells, average: Average | None = None, vtype: str = "LS") -> MeasuredEffects:
    """Take ln(ad/bc) with variance 1/a + 1/b + 1/c + 1/d (Woolf).

    With ``vtype="AV"`` the variance is Σ 1/(n p(1 - p)), p the risk of the arm in all studies together.
    """
    e, s = cells.effect, cells.variance
    if vtype == "AV" and average is not None:
        p_1, p_2 = average(s.a / s.n_1, s.n_1), average(s.c / s.n_2, s.n_2)
        v = 1 / (s.n_1 * p_1 * (1 - p_1)) + 1 / (s.n_2 * p_2 * (1 - p_2))
    else:
        v = 1 / s.a + 1 / s.b + 1 / s.c + 1 / s.d
    return MeasuredEffects(log_ratio(e.a * e.d, e.b * e.c), v)


def risk_ratio(cells: CorrectedCells, average: Average | None = None, vtype: str = "LS") -> MeasuredEffects:
    """Take ln of the ratio of risks with variance (1/a - 1/n₁) + (1/c - 1/n₂), the delta method's.

    With ``vtype="AV"`` the variance is Σ (1 - p)/(n p), p the risk of the arm in all studies together.
    """
    e, s = cells.effect, cells.variance
    if vtype == "AV" and average is not None:
        p_1, p_2 = average(s.a / s.n_1, s.n_1), average(s.c / s.n_2, s.n_2)
        v = (1 - p_1) / (s.n_1 * p_1) + (1 - p_2) / (s.n_2 * p_2)
    else:
        # 1/a - 1/n = b/(a n) does not cancel.
        v = s.b / (s.a * s.n_1) + s.d / (s.c * s.n_2)
    return MeasuredEffects(log_ratio(e.a * e.n_2, e.c * e.n_1), v)


def risk_difference(cells: CorrectedCells, average: Average | None = None, vtype: str = "LS") -> MeasuredEffects:
    """Take the difference of risks with variance ab/n₁³ + cd/n₂³.

    ``vtype``: ``UB`` divides by n - 1 for one n, which is unbiased; ``AV`` is Σ p(1 - p)/n, p the risk of the arm in
    all studies together.
    """
    e, s = cells.effect, cells.variance
    n_1, n_2 = e.n_1, e.n_2
    one, two = s.a * s.b / s.n_1**3, s.c * s.d / s.n_2**3
    reasons: Reasons = ()
    if vtype == "UB":
        reasons = ((np.asarray((s.n_1 <= 1) | (s.n_2 <= 1)), ONE),)
        one, two = one * s.n_1 / (s.n_1 - 1), two * s.n_2 / (s.n_2 - 1)
    if vtype == "AV" and average is not None:
        p_1, p_2 = average(s.a / s.n_1, s.n_1), average(s.c / s.n_2, s.n_2)
        one, two = p_1 * (1 - p_1) / s.n_1, p_2 * (1 - p_2) / s.n_2
    # The integer cross-difference is exact; a difference of two quotients is not.
    reasons = (*reasons, (np.asarray(one + two == 0), NO_VARIATION))
    return MeasuredEffects((e.a * n_2 - e.c * n_1) / (n_1 * n_2), one + two, reasons)


def peto_odds_ratio(cells: CorrectedCells) -> MeasuredEffects:
    """Take (O - E)/V with variance 1/V, V the hypergeometric variance of the events in arm 1."""
    observed_minus_expected, v = hypergeometric(cells.effect)
    return MeasuredEffects(observed_minus_expected / v, 1 / v)


def hypergeometric(cells: Cells) -> tuple[FloatArray, FloatArray]:
    """Give O - E and its variance V for the events of arm 1 under no effect, margins fixed."""
    n_1, n_2 = cells.n_1, cells.n_2
    total, events = n_1 + n_2, cells.a + cells.c
    expected_gap = (cells.a * n_2 - cells.c * n_1) / total
    return expected_gap, n_1 * n_2 * events * (cells.b + cells.d) / (total * total * (total - 1))


@hookimpl
def effect_measures() -> list[EffectMeasure]:
    """Offer the four measures of RevMan's dichotomous outcomes."""
    escalc = "metafor::escalc(measure='{}', ai=events_1, n1i=n_1, ci=events_2, n2i=n_2)"
    return [
        EffectMeasure(
            "OR",
            odds_ratio,
            label="Odds Ratio",
            scale="log",
            default_method="MH",
            uninformative="no or all events",
            formula="y = ln(ad/(bc)); v = 1/a + 1/b + 1/c + 1/d",
            reference=f"Woolf (1955), Ann. Hum. Genet. 19:251-253; {HANDBOOK}",
            variances=("LS", "AV"),
            r_equivalent=escalc.format("OR"),
        ),
        EffectMeasure(
            "RR",
            risk_ratio,
            label="Risk Ratio",
            scale="log",
            default_method="MH",
            uninformative="no events",
            formula="y = ln((a/n₁)/(c/n₂)); v = 1/a - 1/n₁ + 1/c - 1/n₂",
            reference=f"Katz, Baptista, Azen & Pike (1978), Biometrics 34:469-474; {HANDBOOK}",
            variances=("LS", "AV"),
            r_equivalent=escalc.format("RR"),
        ),
        EffectMeasure(
            "RD",
            risk_difference,
            label="Risk Difference",
            scale="linear",
            default_method="MH",
            zero_cells="difference",
            formula="y = a/n₁ - c/n₂; v = ab/n₁³ + cd/n₂³",
            reference=f"Newcombe (1998), Stat. Med. 17:873-890, method 1; {HANDBOOK}",
            variances=("LS", "UB", "AV"),
            r_equivalent=escalc.format("RD"),
        ),
        EffectMeasure(
            "PETO",
            peto_odds_ratio,
            label="Peto Odds Ratio",
            scale="log",
            default_method="Peto",
            zero_cells="exact",
            uninformative="no or all events",
            formula="y = (O - E)/V, O = a, E = n₁(a + c)/N, V = n₁n₂(a + c)(b + d)/(N² (N - 1)); v = 1/V",
            reference=f"Yusuf, Peto, Lewis, Collins & Sleight (1985), Prog. Cardiovasc. Dis. 27:335-371; {HANDBOOK}",
            r_equivalent=escalc.format("PETO"),
        ),
    ]
