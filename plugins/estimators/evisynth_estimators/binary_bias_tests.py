"""Test funnel plots of odds ratios by regressions whose weights and predictors depend little on the odds ratio."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import BiasResult, BiasTest, Cells, FloatArray, MetaAnalysis, SettingsError, hookimpl
from evisynth_estimators.count_tables import Tables, odds_tables
from evisynth_estimators.funnel_regression import Regression, multiplicative_error
from evisynth_estimators.small_study_data import usual_warnings
from evisynth_estimators.two_by_two import hypergeometric

if TYPE_CHECKING:
    from collections.abc import Callable

HARBORD = "Harbord, Egger & Sterne (2006), Stat. Med. 25:3443-3457"
PETERS = "Peters, Sutton, Jones, Abrams & Rushton (2006), JAMA 295:676-680"
MACASKILL = "Macaskill, Walter & Irwig (2001), Stat. Med. 20:641-654"
DEEKS = "Deeks, Macaskill & Irwig (2005), J. Clin. Epidemiol. 58:882-893"
WEIGHTS = {
    "variance": "inverse variance of the log odds ratio (FIV)",
    "pooled": "inverse variance at the risk of both arms together (FPV)",
}


def harbord(analysis: MetaAnalysis) -> BiasResult:
    """Regress Z/V on 1/√V with weights V, of the efficient score Z = O - E of the log odds ratio and its variance V.

    Z and V are of the tables as counted, V hypergeometric. The slope is tested by Student's t with k - 2 degrees of
    freedom, the error variance estimated from the residuals; ``limit`` is the score's estimate at infinite V.
    """
    return _tested(analysis, "Harbord", "score Z/V on 1/√V, weights V, multiplicative error, t test", HARBORD, _score)


def _score(tables: Tables) -> Regression:
    z, v = hypergeometric(tables.cells)
    return Regression(attrs.evolve(tables.studies, y=z / v, v=1.0 / v), np.sqrt(1.0 / v), vanishes=True)


def peters(analysis: MetaAnalysis) -> BiasResult:
    """Regress log odds ratios on 1/N with weights 1/(1/events + 1/non-events), of both arms together.

    Student's t with k - 2 degrees of freedom, the error variance estimated from the residuals; ``limit`` is the log
    odds ratio at infinite N.
    """
    words = (
        "log odds ratio on one over the sample size, weights from events and non-events, multiplicative error, t test"
    )
    return _tested(analysis, "Peters", words, PETERS, _one_over_size)


def _one_over_size(tables: Tables) -> Regression:
    studies = attrs.evolve(tables.studies, v=_both_arms(tables.cells))
    return Regression(studies, 1.0 / _size(tables.cells), vanishes=True, differ_in="large")


def macaskill(analysis: MetaAnalysis, *, weights: str = "variance") -> BiasResult:
    """Regress log odds ratios on the sample size.

    ``weights="variance"`` are 1/v (the authors' FIV), ``"pooled"`` 1/(1/events + 1/non-events) of both arms together
    (their FPV, which they prefer). Student's t with k - 2 degrees of freedom, the error variance estimated from the
    residuals; there is no limit, as the sample size has no end. Raises `SettingsError` for other weights.
    """
    if weights not in WEIGHTS:
        msg = f"weights of Macaskill's test is one of {', '.join(map(repr, WEIGHTS))}, not {weights!r}"
        raise SettingsError(msg)
    pooled = weights == "pooled"
    words = f"log odds ratio on the sample size, weights: {WEIGHTS[weights]}, multiplicative error, t test"

    def on_size(tables: Tables) -> Regression:
        studies = attrs.evolve(tables.studies, v=_both_arms(tables.cells)) if pooled else tables.studies
        return Regression(studies, _size(tables.cells), vanishes=False, differ_in="large")

    return _tested(analysis, "Macaskill", words, MACASKILL, on_size, by_se=not pooled)


def deeks(analysis: MetaAnalysis) -> BiasResult:
    """Regress log (diagnostic) odds ratios on 1/√ESS with weights ESS, the effective sample size 4 n₁n₂/(n₁ + n₂).

    n₁ are the diseased and n₂ the others, or the arms of a trial. Student's t with k - 2 degrees of freedom, the error
    variance estimated from the residuals; ``limit`` is the log odds ratio at infinite size.
    """
    words = "log odds ratio on one over the root of the effective sample size, weights: that size, t test"
    return _tested(analysis, "Deeks", words, DEEKS, _one_over_root_of_effective_size)


def _one_over_root_of_effective_size(tables: Tables) -> Regression:
    n_1, n_2 = tables.cells.n_1, tables.cells.n_2
    inverse = _size(tables.cells) / (4.0 * n_1 * n_2)
    return Regression(attrs.evolve(tables.studies, v=inverse), np.sqrt(inverse), vanishes=True, differ_in="large")


def _size(cells: Cells) -> FloatArray:
    return cells.n_1 + cells.n_2


def _both_arms(cells: Cells) -> FloatArray:
    """Give 1/events + 1/non-events of both arms together: a variance that does not depend on their difference."""
    return 1.0 / (cells.a + cells.c) + 1.0 / (cells.b + cells.d)


def _tested(
    analysis: MetaAnalysis,
    name: str,
    variant: str,
    reference: str,
    regress: Callable[[Tables], Regression],
    *,
    by_se: bool = False,
) -> BiasResult:
    made = BiasResult(name=name, variant=variant, k=len(analysis.effect_rows), reference=reference)
    tables = odds_tables(analysis)
    if isinstance(tables, str):
        return attrs.evolve(made, reason=tables)
    warnings = (*usual_warnings(analysis, tables.studies.k, by_se=by_se), *tables.note)
    return multiplicative_error(analysis, regress(tables), attrs.evolve(made, warnings=warnings))


@hookimpl
def bias_tests() -> list[BiasTest]:
    """Offer four tests of 2×2 tables."""
    call = "meta::metabias(res, method.bias='{}')"
    return [
        BiasTest(
            "Harbord",
            harbord,
            formula="Zᵢ/Vᵢ = β₀ + β₁/√Vᵢ + εᵢ, weights Vᵢ; Z = a - n₁(a + c)/N, V = n₁n₂(a + c)(b + d)/(N² (N "
            "- 1)); t = β̂₁/SE, k - 2 degrees of freedom",
            reference=HARBORD,
            r_equivalent=call.format("Harbord"),
        ),
        BiasTest(
            "Peters",
            peters,
            formula="yᵢ = β₀ + β₁/Nᵢ + εᵢ, weights 1/(1/(a + c) + 1/(b + d)); t = β̂₁/SE, k - 2 degrees of freedom",
            reference=PETERS,
            r_equivalent=call.format("Peters"),
        ),
        BiasTest(
            "Macaskill",
            macaskill,
            formula="yᵢ = β₀ + β₁Nᵢ + εᵢ, weights 1/vᵢ; t = β̂₁/SE, k - 2 degrees of freedom",
            reference=MACASKILL,
            r_equivalent=call.format("Macaskill"),
        ),
        BiasTest(
            "Deeks",
            deeks,
            formula="yᵢ = β₀ + β₁/√ESSᵢ + εᵢ, weights ESSᵢ = 4n₁n₂/(n₁ + n₂); t = β̂₁/SE, k - 2 degrees of freedom",
            reference=DEEKS,
            r_equivalent=call.format("Deeks"),
        ),
    ]
