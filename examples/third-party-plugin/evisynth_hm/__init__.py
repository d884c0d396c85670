"""Offer Hartung and Makambi's estimator of the between-study variance to evisynth."""

from evisynth import FloatArray, ReferenceSet, Tau2Estimator, hookimpl, weighted_fit

from evisynth_hm.references import absent, exact_results

SOURCE = "Hartung & Makambi (2003), Commun. Stat. Simul. Comput. 32:1179-1190"


def hartung_makambi(y: FloatArray, v: FloatArray, X: FloatArray) -> FloatArray:
    """Keep the moment estimate positive by damping Cochran's Q instead of truncating."""
    fit = weighted_fit(y, 1 / v, X)
    return fit.rss**2 / ((2 * fit.dof + fit.rss) * fit.trace)


@hookimpl
def tau2_estimators() -> list[Tau2Estimator]:
    """Offer the estimator under the name HM."""
    return [
        Tau2Estimator(
            "HM",
            hartung_makambi,
            formula="τ² = Q²/((2(k - p) + Q) tr(P)), Q = Σ (yᵢ - xᵢβ̂)²/vᵢ",
            reference=SOURCE,
        )
    ]


@hookimpl
def reference_sets() -> list[ReferenceSet]:
    """Offer its exact results."""
    label = "Hartung and Makambi's formula in fractions"
    return [ReferenceSet("hm", exact_results, label=label, truth="exact", absent=absent, reference=SOURCE)]
