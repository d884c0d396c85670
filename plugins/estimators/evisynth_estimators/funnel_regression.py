"""Regress effects on how precise or how large their studies are, and test the slope."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth import (
    BiasResult,
    Design,
    Effects,
    Estimate,
    FloatArray,
    MetaAnalysis,
    fit,
    symmetric_estimates,
    weighted_fit,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth_estimators.small_study_data import Pooled

TOO_FEW = "the test needs at least 3 studies, and here are {k}"
NO_DOF = "the test needs more studies than coefficients: {k} studies for {p}"
EQUAL = "all studies are equally {what}: there is nothing to regress on"
ON_A_LINE = "the effects lie on a line exactly: there is no residual variance to test with"
FEWEST = 3
RESIDUAL_SD = "residual standard deviation"
"""Square root of the multiplicative error variance: 1 where effects differ by their own variances alone."""


@attrs.frozen(eq=False)
class Regression:
    """Hold what a test regresses: effects y with weights 1/v and the design X in ``studies``, and the predictor x."""

    studies: Pooled
    x: FloatArray
    vanishes: bool
    """Whether x is 0 for a study of infinite size, so that the intercept is the effect there."""
    differ_in: str = "precise"
    """What studies equal in x are equally: ``"precise"``, ``"large"``."""


def multiplicative_error(analysis: MetaAnalysis, given: Regression, made: BiasResult) -> BiasResult:
    """Minimise ``Σ (y - Xβ - γx)²/v`` and test γ by Student's t, the error variance estimated from the residuals."""
    return _tested(analysis, given, made, "classical")


def model_error(analysis: MetaAnalysis, given: Regression, made: BiasResult) -> BiasResult:
    """Test x as a moderator in the analysis' own model, with its τ² estimator and interval method."""
    return _tested(analysis, given, made, "mixed")


def additive_error(analysis: MetaAnalysis, given: Regression, made: BiasResult) -> BiasResult:
    """Test x as a moderator in a random-effects model with the analysis' τ² estimator, by Student's t."""
    return _tested(analysis, given, made, "additive")


def _tested(analysis: MetaAnalysis, given: Regression, made: BiasResult, error: str) -> BiasResult:
    studies = given.studies
    k, p = studies.k, studies.p
    made = attrs.evolve(made, k=k)
    if k < FEWEST:
        return attrs.evolve(made, reason=TOO_FEW.format(k=k))
    if k <= p + 1:
        return attrs.evolve(made, reason=NO_DOF.format(k=k, p=p + 1))
    # In a unit near the largest, so that the rank does not depend on the unit.
    unit = math.ldexp(1.0, int(np.frexp(np.abs(given.x).max())[1]))
    design = np.column_stack([studies.X, given.x / unit])
    if _follows(design):
        return attrs.evolve(made, reason=EQUAL.format(what=given.differ_in))
    estimates, figures = (
        _classical(analysis, studies, design) if error == "classical" else _model(analysis, studies, design, error)
    )
    asymmetry = _in_unit(estimates[-1], unit)
    if not math.isfinite(asymmetry.statistic):
        return attrs.evolve(made, reason=ON_A_LINE)
    return attrs.evolve(
        made,
        statistic=asymmetry.statistic,
        symbol="z" if asymmetry.df is None else "t",
        df=asymmetry.df,
        p_value=asymmetry.p_value,
        asymmetry=asymmetry,
        limit=estimates[0] if given.vanishes and not analysis.is_regression else None,
        parameters=dict(zip(analysis.terms, estimates, strict=False)),
        figures=figures,
    )


def _follows(design: FloatArray) -> bool:
    """Tell whether the last column is a combination of those before it, but for the rounding of its own values."""
    basis, _ = np.linalg.qr(design[:, :-1] / np.abs(design[:, :-1]).max(axis=0))
    column = design[:, -1]
    left = column
    for _ in range(2):
        left = left - basis @ (basis.T @ left)
    limit = 32.0 * float(np.finfo(np.float64).eps) * math.sqrt(len(design))
    return float(np.linalg.norm(left)) <= limit * float(np.linalg.norm(column))


def _classical(
    analysis: MetaAnalysis, studies: Pooled, design: FloatArray
) -> tuple[tuple[Estimate, ...], Mapping[str, float]]:
    y, v = studies.y, studies.v
    line = weighted_fit(y, 1 / v, design)
    rounding = float(np.finfo(np.float64).eps) * y.size
    # What is left of effects on a line is rounding, and a variance made of it would be noise.
    rss = line.rss if line.rss > rounding**2 * (y * y / v).sum() else np.zeros(())
    variance = line.covariance.diagonal() * rss / line.dof
    with np.errstate(divide="ignore", invalid="ignore"):
        estimates = symmetric_estimates(line.coefficients, np.sqrt(variance), analysis.settings.level, float(line.dof))
    return tuple(estimates.one(i) for i in range(design.shape[1])), {RESIDUAL_SD: math.sqrt(rss / line.dof)}


def _model(
    analysis: MetaAnalysis, studies: Pooled, design: FloatArray, error: str
) -> tuple[tuple[Estimate, ...], Mapping[str, float]]:
    words: dict[str, Any] = {"model": "random", "interval": "t", "adhoc": None} if error == "additive" else {}
    regression = fit(
        Effects(studies.y, studies.v, measure=analysis.effects.measure, scale=analysis.scale),
        settings=analysis.settings.replace(swap_events=False),  # the effects have been turned already
        registry=analysis.methods.registry,
        moderators=Design(design, intercept=False),
        method="IV",
        **words,
    )
    tau2 = regression.heterogeneity.tau2
    random = regression.settings.model == "random" and tau2 is not None
    return tuple(regression.coefficients.values()), {"tau2": tau2} if random and tau2 is not None else {}


def _in_unit(slope: Estimate, unit: float) -> Estimate:
    return attrs.evolve(
        slope,
        value=slope.value / unit,
        se=slope.se / unit,
        ci_low=slope.ci_low / unit,
        ci_high=slope.ci_high / unit,
    )
