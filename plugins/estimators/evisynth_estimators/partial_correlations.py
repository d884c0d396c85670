"""Measure partial and semi-partial correlations of a predictor in regressions, from its t statistic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import EffectMeasure, FilledColumns, MeasuredEffects, Route, hookimpl
from evisynth_estimators.correlations import CORRELATION, FISHER, PERFECT

if TYPE_CHECKING:
    from evisynth import Average, BoolArray, FloatArray, Reasons

TOO_FEW = "too few participants for the number of predictors"
BEYOND = "the t statistic is larger than R² allows"
SATURATED = "R² is 1"

PARTIAL = "Aloe (2014), J. Gen. Psychol. 141:47-64; van Aert & Goos (2023), Res. Synth. Methods 14:520-525"
SEMIPARTIAL = "Aloe & Becker (2012), J. Educ. Behav. Stat. 37:278-297"


def partial_correlation(
    t_value: FloatArray, n: FloatArray, predictors: FloatArray, average: Average, vtype: str = "LS"
) -> MeasuredEffects:
    """Take r = t/√(t² + n - m - 1) with variance (1 - r²)²/(n - m), m counting all predictors, that of interest too.

    ``vtype``: ``LS`` with the study's own r, ``AV`` with the mean r of the analysis, weighted by n.
    """
    dof = n - predictors - 1
    square = t_value * t_value
    r = t_value / np.sqrt(square + dof)
    # 1 - r² as a quotient keeps its digits for r near ±1.
    rest = 1 - average(r, n) ** 2 if vtype == "AV" else dof / (square + dof)
    return MeasuredEffects(r, rest * rest / (n - predictors), ((dof <= 0, TOO_FEW),))


def partial_fisher_z(t_value: FloatArray, n: FloatArray, predictors: FloatArray) -> MeasuredEffects:
    """Take artanh r = arsinh(t/√(n - m - 1)) with variance 1/(n - m - 2)."""
    dof = n - predictors - 1
    return MeasuredEffects(np.arcsinh(t_value / np.sqrt(dof)), 1 / (dof - 1), ((dof <= 1, TOO_FEW),))


def semipartial_correlation(
    t_value: FloatArray,
    n: FloatArray,
    predictors: FloatArray,
    r_squared: FloatArray,
    average: Average,
    vtype: str = "LS",
) -> MeasuredEffects:
    """Take r = t √((1 - R²)/(n - m - 1)), with Aloe and Becker's variance.

    That is ((1 - R²)² + q (1 - q))/n with q = R² - r², the R² without the predictor. ``vtype`` as in
    `partial_correlation`. A t that would take more than R² leaves no effect.
    """
    dof = n - predictors - 1
    r = t_value * np.sqrt((1 - r_squared) / dof)
    return MeasuredEffects(
        r,
        _semipartial_variance(average(r, n) if vtype == "AV" else r, r_squared, n),
        _unusable_semipartial(r, r_squared, dof),
    )


def semipartial_fisher_z(
    t_value: FloatArray, n: FloatArray, predictors: FloatArray, r_squared: FloatArray
) -> MeasuredEffects:
    """Take artanh of the semi-partial correlation, its variance divided by (1 - r²)² (delta method)."""
    dof = n - predictors - 1
    r = t_value * np.sqrt((1 - r_squared) / dof)
    return _semipartial_z(r, r_squared, n, _unusable_semipartial(r, r_squared, dof))


def t_of_partial(r: FloatArray, n: FloatArray, predictors: FloatArray) -> FilledColumns:
    """Take the t of a partial correlation that is reported."""
    dof = n - predictors - 1
    t = r * np.sqrt(dof / ((1 - r) * (1 + r)))
    return FilledColumns({"t_value": t}, ((dof <= 0, TOO_FEW), (np.abs(r) == 1, PERFECT)))


def t_of_semipartial(r: FloatArray, n: FloatArray, predictors: FloatArray, r_squared: FloatArray) -> FilledColumns:
    """Take the t of a semi-partial correlation that is reported."""
    dof = n - predictors - 1
    return FilledColumns(
        {"t_value": r * np.sqrt(dof / (1 - r_squared))}, ((dof <= 0, TOO_FEW), (r_squared == 1, SATURATED))
    )


def _semipartial_variance(r: FloatArray, r_squared: FloatArray, n: FloatArray) -> FloatArray:
    without = r_squared - r * r
    return ((1 - r_squared) ** 2 + without * (1 - without)) / n


def _semipartial_z(r: FloatArray, r_squared: FloatArray, n: FloatArray, reasons: Reasons) -> MeasuredEffects:
    rest = (1 - r) * (1 + r)
    return MeasuredEffects(np.arctanh(r), _semipartial_variance(r, r_squared, n) / (rest * rest), reasons)


def _unusable_semipartial(r: FloatArray, r_squared: FloatArray, dof: FloatArray) -> Reasons:
    # What is equal but for the rounding of printed numbers is not refused.
    beyond: BoolArray = r * r > r_squared + 1e-12
    return ((dof <= 0, TOO_FEW), (r_squared == 1, SATURATED), (beyond, BEYOND))


@hookimpl
def effect_measures() -> list[EffectMeasure]:
    """Offer partial and semi-partial correlations, raw and on Fisher's scale."""
    escalc = "metafor::escalc(measure='{}', ti=t_value, ni=n, mi=predictors{})"
    version = "metafor 5.1"
    return [
        EffectMeasure(
            "PCOR",
            partial_correlation,
            label="Partial Correlation",
            scale=CORRELATION,
            variances=("LS", "AV"),
            formula="r = t/√(t² + n - m - 1); v = (1 - r²)²/(n - m)",
            reference=PARTIAL,
            r_equivalent=escalc.format("PCOR", ""),
            r_version=version,
        ),
        EffectMeasure(
            "ZPCOR",
            partial_fisher_z,
            label="Partial Correlation",
            scale=FISHER,
            formula="y = artanh r = arsinh(t/√(n - m - 1)); v = 1/(n - m - 2)",
            reference=PARTIAL,
            r_equivalent=escalc.format("ZPCOR", ""),
            r_version=version,
        ),
        EffectMeasure(
            "SPCOR",
            semipartial_correlation,
            label="Semi-Partial Correlation",
            scale=CORRELATION,
            variances=("LS", "AV"),
            formula="r = t √((1 - R²)/(n - m - 1)); v = ((1 - R²)² + q(1 - q))/n, q = R² - r²",
            reference=SEMIPARTIAL,
            r_equivalent=escalc.format("SPCOR", ", r2i=r_squared"),
        ),
        EffectMeasure(
            "ZSPCOR",
            semipartial_fisher_z,
            label="Semi-Partial Correlation",
            scale=FISHER,
            formula="y = artanh r, r = t √((1 - R²)/(n - m - 1)); v = Var(r)/(1 - r²)²",
            reference=SEMIPARTIAL,
            r_equivalent=escalc.format("ZSPCOR", ", r2i=r_squared"),
            r_version=version,
        ),
    ]


@hookimpl
def routes() -> list[Route]:
    """Take partial and semi-partial correlations that are reported themselves."""
    return [
        Route(
            "partial r",
            t_of_partial,
            measures=frozenset({"PCOR", "ZPCOR"}),
            fills=True,
            formula="t = r √((n - m - 1)/(1 - r²))",
            reference=PARTIAL,
        ),
        Route(
            "semi-partial r",
            t_of_semipartial,
            measures=frozenset({"SPCOR", "ZSPCOR"}),
            fills=True,
            formula="t = r √((n - m - 1)/(1 - R²))",
            reference=SEMIPARTIAL,
        ),
    ]
