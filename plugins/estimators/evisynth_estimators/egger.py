"""Test a funnel plot for asymmetry by regression on the standard error."""

from __future__ import annotations

import numpy as np

from evisynth import BiasResult, BiasTest, MetaAnalysis, SettingsError, hookimpl
from evisynth_estimators.funnel_regression import Regression, additive_error, model_error, multiplicative_error
from evisynth_estimators.small_study_data import Pooled, pooled_studies, usual_warnings

REFERENCE = (
    "Egger, Davey Smith, Schneider & Minder (1997), BMJ 315:629-634; mixed: Sterne & Egger (2005), in: "
    "Publication Bias in "
    "Meta-Analysis, ch. 6"
)
THOMPSON_SHARP = "Thompson & Sharp (1999), Stat. Med. 18:2693-2708"
VARIANTS = {
    "classical": "weighted regression on the standard error, multiplicative error, t test",
    "mixed": "meta-regression on the standard error by the model, tau² estimator and interval of the analysis",
}
ADDITIVE = "random-effects meta-regression on the standard error, tau² by {tau2}, t test"


def egger(analysis: MetaAnalysis, *, variant: str = "classical") -> BiasResult:
    """Regress the effects on their standard errors and test the slope.

    ``variant="classical"`` is Egger's regression: weights 1/v, an error variance estimated from the residuals,
    Student's t with k - 2 degrees of freedom. ``"mixed"`` adds the standard error as a moderator to the analysis' own
    model. In ``asymmetry`` is the slope, in ``limit`` the effect at a standard error of 0; moderators of the analysis
    stay in (there is no limit then). Effects that Mantel–Haenszel or Peto pooled enter with inverse-variance weights.
    The result has a reason instead of a test for fewer than 3 studies and for equal precisions. Raises
    `SettingsError` for another variant.
    """
    if variant not in VARIANTS:
        msg = f"variant of Egger's test is one of {', '.join(map(repr, VARIANTS))}, not {variant!r}"
        raise SettingsError(msg)
    studies = pooled_studies(analysis)
    made = BiasResult(
        name="Egger",
        variant=VARIANTS[variant],
        warnings=usual_warnings(analysis, studies.k, by_se=True),
        reference=REFERENCE,
    )
    regress = multiplicative_error if variant == "classical" else model_error
    return regress(analysis, on_standard_error(studies), made)


def thompson_sharp(analysis: MetaAnalysis) -> BiasResult:
    """Regress the effects on their standard errors with weights 1/(v + τ²) and test the slope by Student's t.

    τ² is that of the regression, by the analysis' estimator, whichever model the analysis has; k - 2 degrees of
    freedom. Asymmetry, limit, moderators and reasons are as in Egger's test.
    """
    studies = pooled_studies(analysis)
    made = BiasResult(
        name="Thompson-Sharp",
        variant=ADDITIVE.format(tau2=analysis.methods.tau2.name),
        warnings=usual_warnings(analysis, studies.k, by_se=True),
        reference=THOMPSON_SHARP,
    )
    return additive_error(analysis, on_standard_error(studies), made)


def on_standard_error(studies: Pooled) -> Regression:
    """Take the standard errors as what effects are regressed on."""
    return Regression(studies, np.sqrt(studies.v), vanishes=True)


def asymmetry_slope(analysis: MetaAnalysis) -> float | None:
    """Give the slope of the ``mixed`` regression; None where all studies are equally precise."""
    asymmetry = egger(analysis, variant="mixed").asymmetry
    return None if asymmetry is None else asymmetry.value


@hookimpl
def bias_tests() -> list[BiasTest]:
    """Offer Egger's test and its form with additive error."""
    return [
        BiasTest(
            "Egger",
            egger,
            formula="yᵢ = β₀ + β₁√vᵢ + εᵢ, weights 1/vᵢ; t = β̂₁/SE, k - 2 degrees of freedom",
            reference=REFERENCE,
            r_equivalent="metafor::regtest(res, model='lm')",
        ),
        BiasTest(
            "Thompson-Sharp",
            thompson_sharp,
            formula="yᵢ = β₀ + β₁√vᵢ + εᵢ, weights 1/(vᵢ + τ²); t = β̂₁/SE, k - 2 degrees of freedom",
            reference=THOMPSON_SHARP,
            r_equivalent="meta::metabias(res, method.bias='Thompson')",
            also=("Thompson–Sharp", "Thompson"),
        ),
    ]
