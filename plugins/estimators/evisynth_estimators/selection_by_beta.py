"""Adjust a pooled effect for selection of studies by a beta density of their p-values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from evisynth import Adjustment, BiasResult, MetaAnalysis, SettingsError, hookimpl
from evisynth_estimators import selection_functions as functions
from evisynth_estimators.selection_settings import check_steps
from evisynth_estimators.selection_smooth import SmoothModel

if TYPE_CHECKING:
    from collections.abc import Sequence

CITKOWICZ = "Citkowicz & Vevea (2017), Psychol. Methods 22:28-41"
_BETA = SmoothModel("selection: beta", "beta density as the weight", CITKOWICZ, functions.BETA)
_TRUNCATED_BETA = attrs.evolve(_BETA, name="selection: truncated beta")


def beta(
    analysis: MetaAnalysis,
    *,
    censor: float = 1e-5,
    delta: Sequence[float | None] | None = None,
    side: str = "auto",
    subset: Sequence[object] | None = None,
    interval: str = "Wald",
) -> BiasResult:
    """Weigh studies by p^(δ₁ - 1) (1 - p)^(δ₂ - 1); δ₁ = δ₂ = 1 is no selection.

    p nearer to 0 or 1 than ``censor`` counts as that, which keeps weights finite.
    """
    if not 0.0 < censor < 0.5:  # noqa: PLR2004 - the middle of p
        msg = f"censor of selection: beta lies between 0 and 0.5, not {censor!r}"
        raise SettingsError(msg)
    return _BETA.adjust(analysis, delta=delta, side=side, subset=subset, interval=interval, censor=(censor, censor))


def truncated_beta(
    analysis: MetaAnalysis,
    *,
    steps: Sequence[float] = (0.025, 0.975),
    delta: Sequence[float | None] | None = None,
    side: str = "auto",
    subset: Sequence[object] | None = None,
    interval: str = "Wald",
) -> BiasResult:
    """Weigh studies by a beta density of p between ``steps``, and by its values there for p outside them."""
    cuts = check_steps(_TRUNCATED_BETA.name, steps)
    if len(cuts) != 2:  # noqa: PLR2004 - two ends
        msg = f"steps of {_TRUNCATED_BETA.name} are the two p-values between which the weight varies, not {steps!r}"
        raise SettingsError(msg)
    low, high = cuts
    record = attrs.evolve(
        _TRUNCATED_BETA, variant=f"beta density as the weight, constant outside {low:g} < p < {high:g}"
    )
    return record.adjust(analysis, delta=delta, side=side, subset=subset, interval=interval, censor=(low, 1.0 - high))


@hookimpl
def adjustments() -> list[Adjustment]:
    """Offer the beta selection model and its truncated form."""
    return [
        Adjustment(
            "selection: beta",
            beta,
            formula="w(p) = p^(δ₁ - 1) (1 - p)^(δ₂ - 1); density of yᵢ: w(pᵢ) φ(yᵢ; xᵢβ, vᵢ + τ²)/E(w(p(Y)))",
            reference=CITKOWICZ,
            r_equivalent="metafor::selmodel(res, type='beta')",
        ),
        Adjustment(
            "selection: truncated beta",
            truncated_beta,
            formula="w(p) = p̃^(δ₁ - 1) (1 - p̃)^(δ₂ - 1), p̃ = p held between the steps; density of yᵢ: "
            "w(pᵢ) φ(yᵢ; xᵢβ, vᵢ + τ²)/E(w(p(Y)))",
            reference=CITKOWICZ,
            r_equivalent="metafor::selmodel(res, type='beta', steps=c(.025,.975))",
        ),
    ]
