"""Measure the share of variance that regressions explain, R², raw or on Fisher's scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import EffectMeasure, FilledColumns, MeasuredEffects, Route, Scale, hookimpl

if TYPE_CHECKING:
    from evisynth import Average, FloatArray, Reasons

NOTHING = "R² is 0"
EVERYTHING = "R² is 1"
TOO_FEW = "too few participants for the number of predictors"

KENDALL_STUART = "Kendall & Stuart (1979), The Advanced Theory of Statistics, vol. 2, 4th ed., eq. 27.87 and 27.88"
FIXED = "Cramer (1987), J. Econom. 35:253-266"
OLKIN_FINN = "Olkin & Finn (1995), Psychol. Bull. 118:155-164"


def share(value: FloatArray) -> FloatArray:
    """Keep to shares that are possible."""
    return np.clip(value, 0.0, 1.0)


def share_of_z(value: FloatArray) -> FloatArray:
    """Take R² = tanh² z, and 0 for a negative z."""
    return np.tanh(np.maximum(value, 0.0)) ** 2


def z_of_share(r_squared: FloatArray) -> FloatArray:
    """Take z = artanh √R²."""
    return np.arctanh(np.sqrt(r_squared))


SHARE = Scale("R²", back=share, forward=np.asarray, null=None)
FISHER_OF_SHARE = Scale("Fisher's z of R", back=share_of_z, forward=z_of_share, null=None)


def r_squared_random(
    r_squared: FloatArray, n: FloatArray, predictors: FloatArray, average: Average, vtype: str = "LS"
) -> MeasuredEffects:
    """Take R² with variance 4R²(1 - R²)²/n, for predictors that are sampled with the outcome.

    ``vtype``: ``LS`` with the study's own R², ``AV`` with the mean R² of the analysis, weighted by n; ``LS2`` and
    ``AV2`` are 4R²(1 - R²)²(n - m - 1)²/((n² - 1)(n + 3)) with them, for m predictors.
    """
    at = average(r_squared, n) if vtype.startswith("AV") else r_squared
    v = 4 * at * (1 - at) ** 2
    v = v * (n - predictors - 1) ** 2 / ((n * n - 1) * (n + 3)) if vtype.endswith("2") else v / n
    return MeasuredEffects(r_squared, v, _unusable(r_squared, n, predictors))


def r_squared_z_random(r_squared: FloatArray, n: FloatArray, predictors: FloatArray) -> MeasuredEffects:
    """Take artanh √R² with variance 1/n, for predictors that are sampled with the outcome."""
    few = n - predictors - 1 <= 0
    return MeasuredEffects(z_of_share(r_squared), 1 / n, ((few, TOO_FEW), (r_squared == 1, EVERYTHING)))


def r_squared_fixed(r_squared: FloatArray, n: FloatArray, predictors: FloatArray) -> MeasuredEffects:
    """Take R² with variance 2R²(1 - R²)²(2 - R²)/n, for predictors whose values are fixed by design.

    The non-centrality nR²/(1 - R²) of the F statistic then has variance 4λ + 2λ²/n, from which it follows by the delta
    method; sampled predictors add to it.
    """
    v = 2 * r_squared * (1 - r_squared) ** 2 * (2 - r_squared) / n
    return MeasuredEffects(r_squared, v, _unusable(r_squared, n, predictors))


def r_squared_z_fixed(r_squared: FloatArray, n: FloatArray, predictors: FloatArray) -> MeasuredEffects:
    """Take artanh √R² with variance (1 - ½R²)/n, for predictors whose values are fixed by design (delta method)."""
    reasons = _unusable(r_squared, n, predictors)
    return MeasuredEffects(z_of_share(r_squared), (1 - r_squared / 2) / n, (reasons[0], reasons[2]))


def r_squared_of_f(f_value: FloatArray, n: FloatArray, predictors: FloatArray) -> FilledColumns:
    """Take R² = mF/(mF + n - m - 1) of the F statistic of a whole regression."""
    dof = n - predictors - 1
    explained = predictors * f_value
    return FilledColumns({"r_squared": explained / (explained + dof)}, ((dof <= 0, TOO_FEW),))


def _unusable(r_squared: FloatArray, n: FloatArray, predictors: FloatArray) -> Reasons:
    return ((n - predictors - 1 <= 0, TOO_FEW), (r_squared == 0, NOTHING), (r_squared == 1, EVERYTHING))


@hookimpl
def effect_measures() -> list[EffectMeasure]:
    """Offer R², raw and transformed."""
    escalc = "metafor::escalc(measure='{}', r2i=r_squared, ni=n, mi=predictors)"
    version = "metafor 4.4"
    return [
        EffectMeasure(
            "R2",
            r_squared_random,
            label="R²",
            scale=SHARE,
            variances=("LS", "LS2", "AV", "AV2"),
            formula="y = R²; v = 4R² (1 - R²)²/n",
            reference=KENDALL_STUART,
            r_equivalent=escalc.format("R2"),
            r_version=version,
        ),
        EffectMeasure(
            "ZR2",
            r_squared_z_random,
            label="R²",
            scale=FISHER_OF_SHARE,
            formula="y = artanh √R²; v = 1/n",
            reference=OLKIN_FINN,
            r_equivalent=escalc.format("ZR2"),
            r_version=version,
        ),
        EffectMeasure(
            "R2F",
            r_squared_fixed,
            label="R²",
            scale=SHARE,
            formula="y = R²; v = 2R² (1 - R²)² (2 - R²)/n",
            reference=FIXED,
        ),
        EffectMeasure(
            "ZR2F",
            r_squared_z_fixed,
            label="R²",
            scale=FISHER_OF_SHARE,
            formula="y = artanh √R²; v = (1 - ½R²)/n",
            reference=f"{FIXED}; {OLKIN_FINN}",
        ),
    ]


@hookimpl
def routes() -> list[Route]:
    """Take R² from the F statistic of a regression."""
    return [
        Route(
            "F of a regression",
            r_squared_of_f,
            measures=frozenset({"R2", "ZR2", "R2F", "ZR2F"}),
            fills=True,
            formula="R² = mF/(mF + n - m - 1)",
            reference="Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, 2nd ed., eq. 9.2.1",
        )
    ]
