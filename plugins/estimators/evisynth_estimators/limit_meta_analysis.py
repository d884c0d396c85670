"""Take the effect of a study of infinite precision, where small studies have another one than large ones."""

from __future__ import annotations

import math

import attrs
import numpy as np

from evisynth import (
    Adjustment,
    BiasResult,
    BiasStudy,
    Estimate,
    FloatArray,
    MetaAnalysis,
    SettingsError,
    chi2_p_value,
    hookimpl,
    symmetric_estimates,
    weighted_fit,
)
from evisynth_estimators.small_study_data import Pooled, pooled_studies, usual_warnings
from evisynth_estimators.unrestricted_least_squares import MODERATORS

REFERENCE = (
    "Rücker, Schwarzer, Carpenter, Binder & Schumacher (2011), Biostatistics 12:122-142; Schwarzer, Carpenter & Rücker "
    "(2015), Meta-Analysis with R, ch. 5"
)
ADJUSTMENTS = {
    "beta0": "beta0, the expectation of a study of infinite precision, β + τα",
    "betalim": "betalim, the slope of the radial plot of the limit effects with the bias parameter",
    "mulim": "mulim, the slope of the radial plot of the limit effects through the origin",
}
TOO_FEW = "a limit meta-analysis needs at least 3 studies, and here are {k}"
EQUAL = "all studies are equally precise: there is nothing to regress on"
NO_RANDOM = "there is no τ² to extend by small-study effects: {reason}"
NO_HETEROGENEITY = "τ² is 0: the limit effects are all β, and the standard errors are those of the common effect alone"
FEWEST = 3


def limit_meta_analysis(analysis: MetaAnalysis, *, adjust: str = "beta0") -> BiasResult:
    """Extend the random-effects model by a bias α in units of √(vᵢ + τ²), and let the precision grow without limit.

    ``yᵢ = β + √(vᵢ + τ²) (α + εᵢ)`` is a line in the generalised radial plot, fitted by least squares with τ² of the
    analysis' random-effects model as given and Var(εᵢ) = 1. In the limit study i has the effect
    ``β + √(τ²/(vᵢ + τ²)) (yᵢ - β)`` (among ``studies``). ``adjust`` is ``"beta0"`` (the expectation β + τα there),
    ``"betalim"`` or ``"mulim"`` (the radial plot of the limit effects, with weights 1/v, with and without an
    intercept). ``parameters`` hold alpha and beta; ``figures`` Q, the part of it that the regression on standard
    errors takes, the residual one, their p-values, and G², the heterogeneity that is left: 1 - R² of the radial plot
    of the limit effects. The result has a reason instead for fewer than 3 studies, for equal precisions and a
    meta-regression. Raises `SettingsError` for another adjustment.
    """
    if adjust not in ADJUSTMENTS:
        msg = f"adjust of a limit meta-analysis is one of {', '.join(map(repr, ADJUSTMENTS))}, not {adjust!r}"
        raise SettingsError(msg)
    studies = pooled_studies(analysis)
    made = BiasResult(
        name="limit meta-analysis",
        variant=ADJUSTMENTS[adjust],
        k=studies.k,
        before=analysis.pooled,
        warnings=usual_warnings(analysis, studies.k, by_se=True),
        reference=REFERENCE,
    )
    if analysis.is_regression:
        return attrs.evolve(made, reason=MODERATORS.format(name="a limit meta-analysis"))
    if studies.k < FEWEST:
        return attrs.evolve(made, reason=TOO_FEW.format(k=studies.k))
    random = analysis.models["random"]
    if random.fit is None:
        return attrs.evolve(made, reason=NO_RANDOM.format(reason=random.absent))
    tau2 = float(random.fit.tau2)
    if not math.isfinite(tau2):
        return attrs.evolve(made, reason=NO_RANDOM.format(reason=random.fit.no_tau2 or "it is not finite"))
    design = _design(studies, tau2)
    if np.linalg.matrix_rank(design / design.max(axis=0)) < design.shape[1]:
        return attrs.evolve(made, reason=EQUAL)
    return _limited(made, analysis, studies, tau2, adjust)


def _design(studies: Pooled, tau2: float) -> FloatArray:
    return np.column_stack([np.ones(studies.k), np.sqrt(studies.v + tau2)])


def _limited(made: BiasResult, analysis: MetaAnalysis, studies: Pooled, tau2: float, adjust: str) -> BiasResult:
    y, v, level = studies.y, studies.v, analysis.settings.level
    line = weighted_fit(y, 1.0 / (v + tau2), _design(studies, tau2))
    beta, alpha = line.coefficients
    limits = beta + np.sqrt(tau2 / (v + tau2)) * (y - beta)
    by_se = np.column_stack([np.ones(studies.k), np.sqrt(v)])
    radial = weighted_fit(limits, 1.0 / v, by_se)
    through_origin = weighted_fit(limits, 1.0 / v)
    if adjust == "beta0":
        at = np.array([1.0, math.sqrt(tau2)])
        value, variance = beta + at[1] * alpha, at @ line.covariance @ at
    elif adjust == "betalim":
        value, variance = radial.coefficients[0], radial.covariance[0, 0]
    else:
        value, variance = through_origin.coefficients[0], through_origin.covariance[0, 0]
    coefficients = symmetric_estimates(line.coefficients, np.sqrt(line.covariance.diagonal()), level)
    return attrs.evolve(
        made,
        after=_estimate(float(value), float(variance), level),
        parameters={"beta": coefficients.one(0), "alpha": coefficients.one(1)},
        asymmetry=coefficients.one(1),
        figures=_figures(studies, by_se, limits, float(radial.rss)),
        studies=tuple(
            BiasStudy(study=name, y=float(limit), v=float(variance), change="limit")
            for name, limit, variance in zip(studies.study, limits, v, strict=True)
        ),
        warnings=(*made.warnings, NO_HETEROGENEITY) if tau2 == 0.0 else made.warnings,
    )


def _estimate(value: float, variance: float, level: float) -> Estimate:
    return symmetric_estimates(np.array([value]), np.sqrt(np.array([variance])), level).one(0)


def _figures(studies: Pooled, by_se: FloatArray, limits: FloatArray, radial_rss: float) -> dict[str, float]:
    """Split Q by the regression on standard errors, and give G²."""
    q = float(weighted_fit(studies.y, 1.0 / studies.v).rss)
    rest = float(weighted_fit(studies.y, 1.0 / studies.v, by_se).rss)
    dof = studies.k - 2
    figures = {"Q": q, "Q small": max(q - rest, 0.0), "Q residual": rest}
    for name, degrees in (("Q", dof + 1), ("Q small", 1), ("Q residual", dof)):
        figures[f"p of {name}"] = float(chi2_p_value(figures[name], degrees))
    z = limits / np.sqrt(studies.v)
    total = float(((z - z.mean()) ** 2).sum())
    if total > 0.0:
        figures["G²"] = min(radial_rss / total, 1.0)
    return figures


@hookimpl
def adjustments() -> list[Adjustment]:
    """Offer limit meta-analysis."""
    return [
        Adjustment(
            "limit meta-analysis",
            limit_meta_analysis,
            formula="yᵢ = β + √(vᵢ + τ²)(α + εᵢ), Var(εᵢ) = 1; θ̂ = β̂ + τα̂; limit effects β̂ + √(τ²/(vᵢ + τ²))(yᵢ - β̂)",
            reference=REFERENCE,
            r_equivalent="metasens::limitmeta(res, method.adjust='beta0')",
        )
    ]
