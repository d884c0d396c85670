"""Test a funnel plot for asymmetry by regression on a predictor of one's choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import BiasResult, BiasTest, FloatArray, MetaAnalysis, SettingsError, hookimpl
from evisynth_estimators.funnel_regression import Regression, model_error, multiplicative_error
from evisynth_estimators.small_study_data import pooled_studies, usual_warnings
from evisynth_estimators.study_sizes import study_sizes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

REFERENCE = (
    "Sterne & Egger (2005), in: Publication Bias in Meta-Analysis, ch. 6; Moreno, Sutton, Ades, Stanley, Abrams, "
    "Peters & Cooper (2009), BMC Med. Res. Methodol. 9:2"
)
VARIANTS = {
    "mixed": "meta-regression on {predictor} by the model, tau² estimator and interval of the analysis",
    "classical": "weighted regression on {predictor}, multiplicative error, t test",
}


@attrs.frozen
class _Predictor:
    words: str
    of: Callable[[FloatArray], FloatArray]
    """From variances, or from sample sizes where ``by_size``."""
    by_size: bool
    vanishes: bool


def _itself(values: FloatArray) -> FloatArray:
    return values


def _inverse(values: FloatArray) -> FloatArray:
    return 1.0 / values


def _root(values: FloatArray) -> FloatArray:
    return np.sqrt(values)


def _inverse_root(values: FloatArray) -> FloatArray:
    return np.sqrt(1.0 / values)


PREDICTORS = {
    "sei": _Predictor("the standard error", _root, by_size=False, vanishes=True),
    "vi": _Predictor("the variance", _itself, by_size=False, vanishes=True),
    "ni": _Predictor("the sample size", _itself, by_size=True, vanishes=False),
    "ninv": _Predictor("one over the sample size", _inverse, by_size=True, vanishes=True),
    "sqrtni": _Predictor("the root of the sample size", _root, by_size=True, vanishes=False),
    "sqrtninv": _Predictor("one over the root of the sample size", _inverse_root, by_size=True, vanishes=True),
}


def regression(
    analysis: MetaAnalysis,
    *,
    predictor: str = "sei",
    variant: str = "mixed",
    n: Sequence[float | None] | None = None,
) -> BiasResult:
    """Regress the effects on their standard error, their variance or a function of the sample size; test the slope.

    ``predictor`` is ``"sei"``, ``"vi"``, ``"ni"`` (the sample size), ``"ninv"`` (1/n), ``"sqrtni"`` (√n) or
    ``"sqrtninv"`` (1/√n). ``variant="mixed"`` adds it as a moderator to the analysis' own model; ``"classical"`` takes
    weights 1/v and an error variance estimated from the residuals, with Student's t. Sample sizes are those of the
    studies' data, or ``n``, one for each row of the analysis. ``limit`` is the effect at infinite size, with the
    predictors that vanish there (not ``"ni"`` and ``"sqrtni"``); moderators of the analysis stay in, without a limit.
    The result has a reason for fewer than 3 studies, an equal predictor and unknown sample sizes. Raises
    `SettingsError` for another predictor or variant and `DataError` for sample sizes that cannot be.
    """
    for option, value, words in (("predictor", predictor, PREDICTORS), ("variant", variant, VARIANTS)):
        if value not in words:
            msg = f"{option} of the regression test is one of {', '.join(map(repr, words))}, not {value!r}"
            raise SettingsError(msg)
    chosen = PREDICTORS[predictor]
    studies = pooled_studies(analysis)
    made = BiasResult(
        name="regression",
        variant=VARIANTS[variant].format(predictor=chosen.words),
        k=studies.k,
        warnings=usual_warnings(analysis, studies.k, by_se=not chosen.by_size),
        reference=REFERENCE,
    )
    values = study_sizes(analysis, studies, n) if chosen.by_size else studies.v
    if isinstance(values, str):
        return attrs.evolve(made, reason=values)
    given = Regression(studies, chosen.of(values), chosen.vanishes, "large" if chosen.by_size else "precise")
    return (model_error if variant == "mixed" else multiplicative_error)(analysis, given, made)


@hookimpl
def bias_tests() -> list[BiasTest]:
    """Offer the regression test."""
    return [
        BiasTest(
            "regression",
            regression,
            formula="yᵢ = β₀ + β₁xᵢ + εᵢ, xᵢ = √vᵢ, vᵢ, n, 1/n, √n or 1/√n; z or t = β̂₁/SE",
            reference=REFERENCE,
            r_equivalent="metafor::regtest(res, predictor='sei', ret.fit=TRUE)",
        )
    ]
