"""Estimate a standardised mean difference from event counts of a dichotomised outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import EffectMeasure, FloatArray, MeasuredEffects, hookimpl
from evisynth_estimators.normal_scores import probit, probit_difference
from evisynth_estimators.two_by_two import odds_ratio

if TYPE_CHECKING:
    from evisynth import CorrectedCells

COX = 1.65
LOGISTIC = np.pi / np.sqrt(3.0)
"""Standard deviation of the logistic distribution."""


def probit_risk_difference(cells: CorrectedCells) -> MeasuredEffects:
    """Take Φ⁻¹(p₁) - Φ⁻¹(p₂) with variance Σ p(1 - p)/(n φ(Φ⁻¹(p))²), the delta method's."""
    e, s = cells.effect, cells.variance
    return MeasuredEffects(probit_difference(e.a, e.b, e.c, e.d), probit_variance(s.a, s.b) + probit_variance(s.c, s.d))


def probit_variance(events: FloatArray, others: FloatArray) -> FloatArray:
    """Give the variance of Φ⁻¹(p), p = events/(events + others): 2π p(1 - p) exp(z²)/n."""
    n, z = events + others, probit(events, others)
    return 2 * np.pi * events * others / n**3 * np.exp(z * z)


def odds_ratio_to_d_normal(cells: CorrectedCells) -> MeasuredEffects:
    """Take the log odds ratio over 1.65, a standardised mean difference of normal outcomes (Cox & Snell 1989)."""
    made = odds_ratio(cells)
    return MeasuredEffects(made.y / COX, made.v / COX**2)


def odds_ratio_to_d_logistic(cells: CorrectedCells) -> MeasuredEffects:
    """Take the log odds ratio times √3/π, a standardised mean difference of logistic outcomes (Chinn 2000)."""
    made = odds_ratio(cells)
    return MeasuredEffects(made.y / LOGISTIC, made.v / LOGISTIC**2)


@hookimpl
def effect_measures() -> list[EffectMeasure]:
    """Offer the standardised mean differences behind 2×2 tables."""
    escalc = "metafor::escalc(measure='{}', ai=events_1, n1i=n_1, ci=events_2, n2i=n_2)"
    review = "Sánchez-Meca, Marín-Martínez & Chacón-Moscoso (2003), Psychol. Methods 8:448-467"
    chinn = f"Chinn (2000), Stat. Med. 19:3127-3131; Hasselblad & Hedges (1995), Psychol. Bull. 117:167-178; {review}"
    made = {
        "PBIT": (probit_risk_difference, "Probit-Transformed Risk Difference", review),
        "OR2D": (odds_ratio_to_d_logistic, "Std. Mean Difference (from Odds Ratio)", chinn),
        "OR2DN": (
            odds_ratio_to_d_normal,
            "Std. Mean Difference (from Odds Ratio, Normal)",
            f"Cox & Snell (1989), Analysis of Binary Data, 2nd ed.; {review}",
        ),
        "OR2DL": (odds_ratio_to_d_logistic, "Std. Mean Difference (from Odds Ratio, Logistic)", chinn),
    }
    formulas = {
        "PBIT": "y = Φ⁻¹(p₁) - Φ⁻¹(p₂), p₁ = a/n₁, p₂ = c/n₂; v = p₁(1 - p₁)/(n₁ φ(Φ⁻¹(p₁))²) + "
        "p₂(1 - p₂)/(n₂ φ(Φ⁻¹(p₂))²)",
        "OR2D": "y = (√3/π) ln(ad/(bc)); v = (3/π²)(1/a + 1/b + 1/c + 1/d)",
        "OR2DN": "y = ln(ad/(bc))/1.65; v = (1/a + 1/b + 1/c + 1/d)/1.65²",
        "OR2DL": "y = (√3/π) ln(ad/(bc)); v = (3/π²)(1/a + 1/b + 1/c + 1/d)",
    }
    return [
        EffectMeasure(
            name,
            function,
            label=label,
            scale="linear",
            uninformative="no or all events",
            formula=formulas[name],
            reference=reference,
            r_equivalent=escalc.format(name),
        )
        for name, (function, label, reference) in made.items()
    ]
