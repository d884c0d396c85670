"""Adjust a pooled effect for selection of studies by functions that fall with their p-values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evisynth import Adjustment, BiasResult, MetaAnalysis, hookimpl
from evisynth_estimators import selection_functions as functions
from evisynth_estimators.selection_smooth import SmoothModel

if TYPE_CHECKING:
    from collections.abc import Sequence

PRESTON = "Preston, Ashby & Smyth (2004), J. Eval. Clin. Pract. 10:231-247"
BEGG = "Begg & Mazumdar (1994), Biometrics 50:1088-1101; " + PRESTON
_HALF_NORMAL = SmoothModel("selection: half-normal", "exp(-δ p²)", PRESTON, functions.HALF_NORMAL)
_EXPONENTIAL = SmoothModel("selection: negative exponential", "exp(-δ p)", PRESTON, functions.NEGATIVE_EXPONENTIAL)
_LOGISTIC = SmoothModel("selection: logistic", "2 exp(-δ p)/(1 + exp(-δ p))", PRESTON, functions.LOGISTIC)
_POWER = SmoothModel("selection: power", "(1 - p)^δ", PRESTON, functions.POWER)
_EXPONENTIAL_POWER = SmoothModel(
    "selection: negative exponential power", "exp(-δ₁ p^(1/δ₂))", BEGG, functions.NEGATIVE_EXPONENTIAL_POWER
)


def half_normal(
    analysis: MetaAnalysis,
    *,
    prec: str | None = None,
    n: Sequence[float] | None = None,
    steps: Sequence[float] | None = None,
    delta: Sequence[float | None] | None = None,
    side: str = "auto",
    subset: Sequence[object] | None = None,
    interval: str = "Wald",
) -> BiasResult:
    """Weigh studies by exp(-δ p²), δ ≥ 0; ``prec`` multiplies δ, and ``steps`` is a p below which w is 1."""
    return _HALF_NORMAL.adjust(
        analysis, delta=delta, side=side, subset=subset, interval=interval, prec=prec, n=n, steps=steps
    )


def negative_exponential(
    analysis: MetaAnalysis,
    *,
    prec: str | None = None,
    n: Sequence[float] | None = None,
    steps: Sequence[float] | None = None,
    delta: Sequence[float | None] | None = None,
    side: str = "auto",
    subset: Sequence[object] | None = None,
    interval: str = "Wald",
) -> BiasResult:
    """Weigh studies by exp(-δ p), δ ≥ 0; ``prec`` multiplies δ, and ``steps`` is a p below which w is 1."""
    return _EXPONENTIAL.adjust(
        analysis, delta=delta, side=side, subset=subset, interval=interval, prec=prec, n=n, steps=steps
    )


def logistic(
    analysis: MetaAnalysis,
    *,
    prec: str | None = None,
    n: Sequence[float] | None = None,
    steps: Sequence[float] | None = None,
    delta: Sequence[float | None] | None = None,
    side: str = "auto",
    subset: Sequence[object] | None = None,
    interval: str = "Wald",
) -> BiasResult:
    """Weigh studies by 2 exp(-δ p)/(1 + exp(-δ p)), δ ≥ 0; ``prec`` multiplies δ, below ``steps`` w is 1."""
    return _LOGISTIC.adjust(
        analysis, delta=delta, side=side, subset=subset, interval=interval, prec=prec, n=n, steps=steps
    )


def power(
    analysis: MetaAnalysis,
    *,
    prec: str | None = None,
    n: Sequence[float] | None = None,
    steps: Sequence[float] | None = None,
    delta: Sequence[float | None] | None = None,
    side: str = "auto",
    subset: Sequence[object] | None = None,
    interval: str = "Wald",
) -> BiasResult:
    """Weigh studies by (1 - p)^δ, δ ≥ 0; ``prec`` multiplies δ, below ``steps`` w is 1; 1 - p is at least 1e-5."""
    return _POWER.adjust(
        analysis, delta=delta, side=side, subset=subset, interval=interval, prec=prec, n=n, steps=steps
    )


def negative_exponential_power(
    analysis: MetaAnalysis,
    *,
    prec: str | None = None,
    n: Sequence[float] | None = None,
    steps: Sequence[float] | None = None,
    delta: Sequence[float | None] | None = None,
    side: str = "auto",
    subset: Sequence[object] | None = None,
    interval: str = "Wald",
) -> BiasResult:
    """Weigh studies by exp(-δ₁ p^(1/δ₂)), with δ₂ between 1/32 and 20."""
    return _EXPONENTIAL_POWER.adjust(
        analysis, delta=delta, side=side, subset=subset, interval=interval, prec=prec, n=n, steps=steps
    )


@hookimpl
def adjustments() -> list[Adjustment]:
    """Offer selection models with weights that fall with p."""
    return [
        Adjustment(
            "selection: half-normal",
            half_normal,
            formula="w(p) = exp(-δp²); density of yᵢ: w(pᵢ) φ(yᵢ; xᵢβ, vᵢ + τ²)/E(w(p(Y)))",
            reference=PRESTON,
            r_equivalent="metafor::selmodel(res, type='halfnorm')",
        ),
        Adjustment(
            "selection: negative exponential",
            negative_exponential,
            formula="w(p) = exp(-δp); density of yᵢ: w(pᵢ) φ(yᵢ; xᵢβ, vᵢ + τ²)/E(w(p(Y)))",
            reference=PRESTON,
            r_equivalent="metafor::selmodel(res, type='negexp')",
        ),
        Adjustment(
            "selection: logistic",
            logistic,
            formula="w(p) = 2 exp(-δp)/(1 + exp(-δp)); density of yᵢ: w(pᵢ) φ(yᵢ; xᵢβ, vᵢ + τ²)/E(w(p(Y)))",
            reference=PRESTON,
            r_equivalent="metafor::selmodel(res, type='logistic')",
        ),
        Adjustment(
            "selection: power",
            power,
            formula="w(p) = (1 - p)^δ; density of yᵢ: w(pᵢ) φ(yᵢ; xᵢβ, vᵢ + τ²)/E(w(p(Y)))",
            reference=PRESTON,
            r_equivalent="metafor::selmodel(res, type='power')",
        ),
        Adjustment(
            "selection: negative exponential power",
            negative_exponential_power,
            formula="w(p) = exp(-δ₁ p^(1/δ₂)); density of yᵢ: w(pᵢ) φ(yᵢ; xᵢβ, vᵢ + τ²)/E(w(p(Y)))",
            reference=BEGG,
            r_equivalent="metafor::selmodel(res, type='negexppow')",
        ),
    ]
