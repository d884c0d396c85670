"""Say a ratio as a risk in the treated group, given the risk without treatment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import Conversion, DataError, Problem, hookimpl
from evisynth_converters.ranges import refuse_outside

if TYPE_CHECKING:
    from evisynth import FloatArray

HANDBOOK = "Schünemann et al. (2019), Cochrane Handbook for Systematic Reviews of Interventions, 2nd ed., ch. 15"
ZHANG_YU = "Zhang & Yu (1998), JAMA 280:1690-1691"
RISK = ("risk", "risk_low", "risk_high")


def risk_from_odds_ratio(
    odds_ratio: FloatArray,
    baseline_risk: FloatArray,
    odds_ratio_low: FloatArray | None = None,
    odds_ratio_high: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give the risk p OR/(1 - p + p OR) for a baseline risk p, and at the limits of the odds ratio where given.

    Raises `DataError` for a negative ratio and a risk outside 0 to 1.
    """
    _check(baseline_risk, odds_ratio=odds_ratio, odds_ratio_low=odds_ratio_low, odds_ratio_high=odds_ratio_high)
    p = np.asarray(baseline_risk, dtype=np.float64)
    point, low, high = (_risk_of_odds_ratio(ratio, p) for ratio in (odds_ratio, odds_ratio_low, odds_ratio_high))
    return point, low, high


def risk_from_risk_ratio(
    risk_ratio: FloatArray,
    baseline_risk: FloatArray,
    risk_ratio_low: FloatArray | None = None,
    risk_ratio_high: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give the risk p RR for a baseline risk p, and at the limits of the risk ratio where given (at most 1).

    Raises `DataError` for a negative ratio, a risk outside 0 to 1 and a risk ratio that makes a risk above 1.
    """
    _check(baseline_risk, risk_ratio=risk_ratio, risk_ratio_low=risk_ratio_low, risk_ratio_high=risk_ratio_high)
    p = np.asarray(baseline_risk, dtype=np.float64)
    point = p * np.asarray(risk_ratio, dtype=np.float64)
    refuse_certainty(point)
    return point, _at_most_one(risk_ratio_low, p), _at_most_one(risk_ratio_high, p)


def log_odds_ratio_to_risk_difference(log_or: FloatArray, baseline_risk: FloatArray) -> tuple[FloatArray]:
    """Give the difference of risks that an odds ratio makes at a baseline risk."""
    _check(baseline_risk)
    p = np.asarray(baseline_risk, dtype=np.float64)
    excess = np.expm1(log_or)
    return (p * (1 - p) * excess / (1 + p * excess),)


def log_odds_ratio_to_risk_ratio(log_or: FloatArray, baseline_risk: FloatArray) -> tuple[FloatArray]:
    """Give the ratio of risks OR/(1 - p + p OR) that an odds ratio makes at a baseline risk p."""
    _check(baseline_risk)
    return (np.exp(log_or) / (1 + np.asarray(baseline_risk, dtype=np.float64) * np.expm1(log_or)),)


def refuse_certainty(risk: FloatArray) -> None:
    """Raise `DataError` for every risk above 1, which a risk ratio gives at a high baseline risk."""
    risks = np.atleast_1d(risk)
    problems = [
        Problem(int(i) + 1, None, "risk_ratio", f"a risk of {risks[i]:g}", "is above 1 at this baseline risk")
        for i in np.nonzero(risks > 1)[0]
    ]
    if problems:
        summary = "a risk ratio cannot hold at a baseline risk that it brings above 1: use an odds ratio"
        raise DataError(summary, problems)


def _check(baseline_risk: FloatArray, **ratios: FloatArray | None) -> None:
    refuse_outside(0.0, 1.0, baseline_risk=baseline_risk)
    refuse_outside(0.0, np.inf, **ratios)


def _risk_of_odds_ratio(ratio: FloatArray | None, p: FloatArray) -> FloatArray:
    if ratio is None:
        return np.full(p.shape, np.nan)
    odds = np.asarray(ratio, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.isinf(odds), np.where(p > 0, 1.0, 0.0), p * odds / (1 - p + p * odds))


def _at_most_one(ratio: FloatArray | None, p: FloatArray) -> FloatArray:
    return np.full(p.shape, np.nan) if ratio is None else np.minimum(p * np.asarray(ratio, dtype=np.float64), 1.0)


@hookimpl
def conversions() -> list[Conversion]:
    """Offer the risk that a ratio makes at a baseline risk, and other ratios from odds ratios."""
    return [
        Conversion(
            "risk-from-or",
            risk_from_odds_ratio,
            targets=RISK,
            reference=HANDBOOK,
            formula="p₁ = p₀ OR/(1 - p₀ + p₀ OR)",
        ),
        Conversion(
            "risk-from-rr",
            risk_from_risk_ratio,
            targets=RISK,
            reference=HANDBOOK,
            formula="p₁ = p₀ RR",
        ),
        Conversion(
            "log-or-to-rd",
            log_odds_ratio_to_risk_difference,
            targets=("risk_difference",),
            reference=HANDBOOK,
            formula="RD = p₀ OR/(1 - p₀ + p₀ OR) - p₀",
            r_equivalent="metafor::transf.logortord(log_or, pc=baseline_risk)",
            r_version="metafor 3.8",
        ),
        Conversion(
            "log-or-to-rr",
            log_odds_ratio_to_risk_ratio,
            targets=("risk_ratio",),
            reference=ZHANG_YU,
            formula="RR = OR/(1 - p₀ + p₀ OR)",
            r_equivalent="metafor::transf.logortorr(log_or, pc=baseline_risk)",
            r_version="metafor 3.8",
        ),
    ]
