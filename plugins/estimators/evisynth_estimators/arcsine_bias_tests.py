"""Test a funnel plot of arcsine differences for asymmetry: their variances depend on the sample sizes alone."""

from __future__ import annotations

import attrs
import numpy as np

from evisynth import BiasResult, BiasTest, CorrectedCells, MetaAnalysis, SettingsError, hookimpl, weighted_fit
from evisynth_estimators.association import arcsine_difference
from evisynth_estimators.count_tables import counted_rows, raw_tables
from evisynth_estimators.egger import on_standard_error
from evisynth_estimators.funnel_regression import additive_error, multiplicative_error
from evisynth_estimators.rank_correlation import FEWEST, MODERATORS, TOO_FEW, rank_test
from evisynth_estimators.small_study_data import Pooled, usual_warnings

REFERENCE = "Rücker, Schwarzer & Carpenter (2008), Stat. Med. 27:746-763"
NOTE = "tested are arcsine differences of the tables, not the {label} of the analysis"
VARIANTS = {
    "Thompson": "arcsine difference on its standard error, random effects, tau² by {tau2}, t test (AS-Thompson)",
    "Egger": "arcsine difference on its standard error, multiplicative error, t test (AS-Egger)",
    "Begg": "rank correlation of standardised arcsine differences and variances (AS-Begg)",
}


def ruecker(analysis: MetaAnalysis, *, variant: str = "Thompson") -> BiasResult:
    """Test asin √p₁ - asin √p₂, of variance 1/(4n₁) + 1/(4n₂), for a slope on its standard error.

    ``variant="Thompson"`` has an additive error, τ² by the analysis' estimator; ``"Egger"`` a multiplicative one;
    ``"Begg"`` correlates ranks by the normal approximation. Every table has a difference, those without events too, so
    that all are taken which were not left out on request (in a meta-regression those that are pooled). Raises
    `SettingsError` for another variant.
    """
    if variant not in VARIANTS:
        msg = f"variant of Rücker's test is one of {', '.join(map(repr, VARIANTS))}, not {variant!r}"
        raise SettingsError(msg)
    rows = counted_rows(analysis)
    made = BiasResult(
        name="Rücker",
        variant=VARIANTS[variant].format(tau2=analysis.methods.tau2.name),
        k=len(rows),
        reference=REFERENCE,
    )
    cells = raw_tables(analysis, rows)
    if isinstance(cells, str):
        return attrs.evolve(made, reason=cells)
    note = () if analysis.effects.measure == "AS" else (NOTE.format(label=analysis.label.lower()),)
    made = attrs.evolve(made, warnings=(*usual_warnings(analysis, len(rows), by_se=False), *note))
    measured = arcsine_difference(CorrectedCells.unchanged(cells))
    places = {row: place for place, row in enumerate(analysis.rows)}
    studies = Pooled(
        y=measured.y,
        v=measured.v,
        X=analysis.X[[places[row] for row in rows]] if analysis.is_regression else np.ones((len(rows), 1)),
        study=tuple(analysis.effects.study_id[row] for row in rows),
        rows=rows,
    )
    if variant != "Begg":
        regress = additive_error if variant == "Thompson" else multiplicative_error
        return regress(analysis, on_standard_error(studies), made)
    if analysis.is_regression or studies.k < FEWEST:
        return attrs.evolve(made, reason=MODERATORS if analysis.is_regression else TOO_FEW.format(k=studies.k))
    line = weighted_fit(studies.y, 1.0 / studies.v)
    deviates = line.residuals / np.sqrt(studies.v * line.deleted_leverages)
    return rank_test(deviates, studies.v, made, exact=False, continuity=False)


@hookimpl
def bias_tests() -> list[BiasTest]:
    """Offer the arcsine tests."""
    return [
        BiasTest(
            "Rücker",
            ruecker,
            formula="yᵢ = asin √p₁ - asin √p₂, vᵢ = 1/(4n₁) + 1/(4n₂); yᵢ = β₀ + β₁√vᵢ + εᵢ, Var(εᵢ) = vᵢ + "
            "τ²; t = β̂₁/SE",
            reference=REFERENCE,
            also=("Rucker", "arcsine"),
        )
    ]
