"""Infer about the common-effect estimate, which small studies move little, under heterogeneity."""

from __future__ import annotations

import attrs

from evisynth import Adjustment, BiasResult, Effects, MetaAnalysis, fit, hookimpl
from evisynth_estimators.small_study_data import pooled_studies
from evisynth_estimators.unrestricted_least_squares import MODERATORS, TOO_FEW

REFERENCE = "Henmi & Copas (2010), Stat. Med. 29:2969-2983"
FEWEST = 2


def henmi_copas_adjustment(analysis: MetaAnalysis) -> BiasResult:
    """Keep the weights of the common effect, and give it the interval HC, by DerSimonian and Laird's τ².

    The weights of the random-effects model make more of small studies, and of their bias. The result has a reason
    instead for fewer than 2 studies, for a meta-regression and where the interval cannot be computed.
    """
    studies = pooled_studies(analysis)
    made = BiasResult(
        name="Henmi-Copas",
        variant="inverse-variance weights, interval by the distribution of the estimate under tau² by DL",
        k=studies.k,
        before=analysis.pooled,
        reference=REFERENCE,
    )
    if analysis.is_regression:
        return attrs.evolve(made, reason=MODERATORS.format(name="Henmi-Copas"))
    if studies.k < FEWEST:
        return attrs.evolve(made, reason=TOO_FEW.format(name="Henmi-Copas", fewest=FEWEST, k=studies.k))
    pooled = fit(
        Effects(studies.y, studies.v, measure=analysis.effects.measure, scale=analysis.scale),
        settings="metafor",
        registry=analysis.methods.registry,
        level=analysis.settings.level,
        model="random",
        tau2="DL",
        interval="HC",
        prediction=None,
        tau2_interval=None,
    )
    tau2 = pooled.heterogeneity.tau2
    if pooled.pooled is None or tau2 is None:
        return attrs.evolve(made, reason=pooled.reason or "tau² cannot be estimated")
    return attrs.evolve(made, after=pooled.pooled, figures={"tau²": tau2})


@hookimpl
def adjustments() -> list[Adjustment]:
    """Offer the Henmi–Copas estimate."""
    return [
        Adjustment(
            "Henmi-Copas",
            henmi_copas_adjustment,
            formula="θ̂ = Σ wᵢyᵢ/Σ wᵢ, wᵢ = 1/vᵢ; limits θ̂ ± t SE with P(|θ̂ - θ| ≤ t SE) = level, SE² = (Σw "
            "+ τ̂² Σw²)/(Σw)², τ̂² by DL",
            reference=REFERENCE,
            r_equivalent="metafor::hc(metafor::rma(yi, vi, method='DL'))",
        )
    ]
