"""Test a funnel plot of standardised mean differences by regression on a standard error without the effect in it."""

from __future__ import annotations

import attrs
import numpy as np

from evisynth import BiasResult, BiasTest, MetaAnalysis, SettingsError, hookimpl
from evisynth_estimators.funnel_regression import Regression, multiplicative_error
from evisynth_estimators.small_study_data import pooled_studies, usual_warnings

REFERENCE = "Pustejovsky & Rodgers (2019), Res. Synth. Methods 10:57-71"
MEASURES = ("SMD", "SMDH", "SMD1", "SMD1H")
NOT_SMD = "the test is for standardised mean differences, not for the {label}"
NO_SIZES = "the test needs the participants of both arms of every study, and those of {study} are not known"
WEIGHTS = {
    "variance": "inverse variance",
    "modified": "inverse of the modified variance",
}


def pustejovsky_rodgers(analysis: MetaAnalysis, *, weights: str = "variance") -> BiasResult:
    """Regress standardised mean differences on √(1/n₁ + 1/n₂), the part of their standard error without the effect.

    ``weights="variance"`` are 1/v, ``"modified"`` 1/(1/n₁ + 1/n₂). The slope is tested by Student's t with k - 2
    degrees of freedom, the error variance estimated from the residuals; ``limit`` is the effect at infinite size. The
    result has a reason for other measures and for effects without sample sizes. Raises `SettingsError` for other
    weights.
    """
    if weights not in WEIGHTS:
        msg = f"weights of Pustejovsky and Rodgers' test is one of {', '.join(map(repr, WEIGHTS))}, not {weights!r}"
        raise SettingsError(msg)
    studies = pooled_studies(analysis)
    made = BiasResult(
        name="Pustejovsky-Rodgers",
        variant=f"regression on √(1/n₁ + 1/n₂), weights: {WEIGHTS[weights]}, multiplicative error, t test",
        k=studies.k,
        warnings=usual_warnings(analysis, studies.k, by_se=False),
        reference=REFERENCE,
    )
    if analysis.effects.measure not in MEASURES:
        return attrs.evolve(made, reason=NOT_SMD.format(label=analysis.label.lower()))
    source = analysis.effects.studies
    missing = np.full(len(analysis.effects), np.nan)
    columns = [missing if source is None else source.columns.get(name, missing) for name in ("n_1", "n_2")]
    n_1, n_2 = (column[list(studies.rows)] for column in columns)
    for study, size in zip(studies.study, n_1 + n_2, strict=True):
        if np.isnan(size):
            return attrs.evolve(made, reason=NO_SIZES.format(study=study))
    modified = 1.0 / n_1 + 1.0 / n_2
    if weights == "modified":
        studies = attrs.evolve(studies, v=modified)
    return multiplicative_error(
        analysis, Regression(studies, np.sqrt(modified), vanishes=True, differ_in="large"), made
    )


@hookimpl
def bias_tests() -> list[BiasTest]:
    """Offer the test for standardised mean differences."""
    return [
        BiasTest(
            "Pustejovsky-Rodgers",
            pustejovsky_rodgers,
            formula="yᵢ = β₀ + β₁√(1/n₁ + 1/n₂) + εᵢ, weights 1/vᵢ; t = β̂₁/SE, k - 2 degrees of freedom",
            reference=REFERENCE,
            r_equivalent="meta::metabias(res, method.bias='Pustejovsky')",
            also=("Pustejovsky–Rodgers", "Pustejovsky"),
        )
    ]
