"""Test a funnel plot for asymmetry by regression on the standard error."""

from __future__ import annotations

import math

import attrs
import numpy as np

from evisynth import (
    BiasResult,
    BiasTest,
    Effects,
    Estimate,
    FloatArray,
    MetaAnalysis,
    SettingsError,
    fit,
    hookimpl,
    power_of_two_scale,
    symmetric_estimates,
    weighted_fit,
)
from evisynth_estimators.small_study_data import Pooled, pooled_studies, usual_warnings

REFERENCE = (
    "Egger, Davey Smith, Schneider & Minder (1997), BMJ 315:629-634; mixed: Sterne & Egger (2005), in: "
    "Publication Bias in "
    "Meta-Analysis, ch. 6"
)
TOO_FEW = "the test needs at least 3 studies, and here are {k}"
NO_DOF = "the test needs more studies than coefficients: {k} studies for {p}"
EQUAL = "all studies are equally precise: there is nothing to regress on"
ON_A_LINE = "the effects lie on a line exactly: there is no residual variance to test with"
FEWEST = 3
VARIANTS = {
    "classical": "weighted regression on the standard error, multiplicative error, t test",
    "mixed": "meta-regression on the standard error by the model, tau² estimator and interval of the analysis",
}


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
    k, p = studies.k, studies.p
    made = BiasResult(
        name="Egger",
        variant=VARIANTS[variant],
        k=k,
        warnings=usual_warnings(analysis, k, by_se=True),
        reference=REFERENCE,
    )
    if k < FEWEST:
        return attrs.evolve(made, reason=TOO_FEW.format(k=k))
    if k <= p + 1:
        return attrs.evolve(made, reason=NO_DOF.format(k=k, p=p + 1))
    regress = _classical if variant == "classical" else _mixed
    found = regress(analysis, studies)
    if found is None:
        return attrs.evolve(made, reason=EQUAL)
    asymmetry, limit = found
    if not math.isfinite(asymmetry.statistic):
        return attrs.evolve(made, reason=ON_A_LINE)
    return attrs.evolve(
        made,
        statistic=asymmetry.statistic,
        symbol="z" if asymmetry.df is None else "t",
        df=asymmetry.df,
        p_value=asymmetry.p_value,
        asymmetry=asymmetry,
        limit=limit if p == 1 else None,
    )


def asymmetry_slope(analysis: MetaAnalysis, model: str) -> float | None:
    """Give the slope of the ``mixed`` regression by another model; None where all studies are equally precise."""
    found = _mixed(analysis, pooled_studies(analysis), model)
    return None if found is None else found[0].value


def _regression(studies: Pooled) -> tuple[FloatArray, FloatArray, FloatArray, float] | None:
    """Give y, v, the design with the standard error (in a unit near the largest) as its last column, and that unit."""
    y, v = studies.y, studies.v
    unit = float(power_of_two_scale(v))
    design = np.column_stack([studies.X, np.sqrt(v) / unit])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return None
    return y, v, design, unit


def _classical(analysis: MetaAnalysis, studies: Pooled) -> tuple[Estimate, Estimate] | None:
    found = _regression(studies)
    if found is None:
        return None
    y, v, design, unit = found
    line = weighted_fit(y, 1 / v, design)
    rounding = float(np.finfo(np.float64).eps) * y.size
    # What is left of effects on a line is rounding, and a variance made of it would be noise.
    rss = line.rss if line.rss > rounding**2 * (y * y / v).sum() else np.zeros(())
    variance = line.covariance.diagonal() * rss / line.dof
    with np.errstate(divide="ignore", invalid="ignore"):
        estimates = symmetric_estimates(line.coefficients, np.sqrt(variance), analysis.settings.level, float(line.dof))
    return _in_unit(estimates.one(-1), unit), estimates.one(0)


def _mixed(analysis: MetaAnalysis, studies: Pooled, model: str | None = None) -> tuple[Estimate, Estimate] | None:
    found = _regression(studies)
    if found is None:
        return None
    y, v, design, unit = found
    regression = fit(
        Effects(y, v, measure=analysis.effects.measure, scale=analysis.scale),
        settings=analysis.settings,
        registry=analysis.methods.registry,
        moderators=design[:, 1:],
        method="IV",
        model=model or analysis.settings.model,
    )
    coefficients = tuple(regression.coefficients.values())
    return _in_unit(coefficients[-1], unit), coefficients[0]


def _in_unit(slope: Estimate, unit: float) -> Estimate:
    return attrs.evolve(
        slope,
        value=slope.value / unit,
        se=slope.se / unit,
        ci_low=slope.ci_low / unit,
        ci_high=slope.ci_high / unit,
    )


@hookimpl
def bias_tests() -> list[BiasTest]:
    """Offer Egger's test."""
    return [BiasTest("Egger", egger, reference=REFERENCE, r_equivalent="metafor::regtest(res, model='lm')")]
