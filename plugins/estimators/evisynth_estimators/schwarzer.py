"""Test a funnel plot of sparse 2×2 tables for asymmetry by rank correlation of the cell counts."""

from __future__ import annotations

import math

import attrs
import numpy as np

from evisynth import BiasResult, BiasTest, Cells, FloatArray, MetaAnalysis, hookimpl
from evisynth_estimators.count_tables import odds_tables
from evisynth_estimators.rank_correlation import FEWEST, MODERATORS, TOO_FEW, rank_test, refuse_options
from evisynth_estimators.small_study_data import usual_warnings

REFERENCE = (
    "Schwarzer, Antes & Schumacher (2007), Stat. Med. 26:721-733; moments: Liao & Rosen (2001), Am. Stat. 55:366-369"
)
VARIANT = "rank correlation of events in arm 1, standardised at the Mantel-Haenszel odds ratio, and their variances"
NOT_WHOLE = "the counts of {study} are not whole numbers, which the hypergeometric distribution is of"
NO_ODDS_RATIO = "the Mantel-Haenszel odds ratio is 0 or infinite"
_WIDTH = 40.0
"""Standard deviations from the mode beyond which no count has a probability of any weight."""


def schwarzer(analysis: MetaAnalysis, *, exact: bool | None = False, continuity: bool = False) -> BiasResult:
    """Correlate (n₁₁ - E)/√V with 1/V by Kendall's S.

    E and V are mean and variance of the events in arm 1 with the margins fixed (non-central hypergeometric) at the
    Mantel–Haenszel odds ratio, whose sums take the cells by the analysis' zero-cell correction. ``exact`` and
    ``continuity`` are as in Begg's test. The result has a reason for fewer than 3 tables with events and non-events,
    counts that are not whole, and a meta-regression.
    """
    refuse_options("Schwarzer's test", exact=exact, continuity=continuity)
    made = BiasResult(name="Schwarzer", variant=VARIANT, k=len(analysis.effect_rows), reference=REFERENCE)
    if analysis.is_regression:
        return attrs.evolve(made, reason=MODERATORS)
    tables = odds_tables(analysis)
    if isinstance(tables, str):
        return attrs.evolve(made, reason=tables)
    k, cells = tables.studies.k, tables.cells
    made = attrs.evolve(made, k=k, warnings=(*usual_warnings(analysis, k, by_se=False), *tables.note))
    if k < FEWEST:
        return attrs.evolve(made, reason=TOO_FEW.format(k=k))
    whole = np.all([cell == np.rint(cell) for cell in (cells.a, cells.b, cells.c, cells.d)], axis=0)
    if not whole.all():
        return attrs.evolve(made, reason=NOT_WHOLE.format(study=tables.studies.study[int(np.argmin(whole))]))
    psi = mantel_haenszel_odds_ratio(tables.sums)
    if not 0.0 < psi < math.inf:
        return attrs.evolve(made, reason=NO_ODDS_RATIO)
    deviates, variances = standardised_events(cells, psi)
    return rank_test(deviates, 1.0 / variances, made, exact=exact, continuity=continuity)


def mantel_haenszel_odds_ratio(cells: Cells) -> float:
    """Pool odds ratios as Σ(ad/N)/Σ(bc/N); not finite where that has no value."""
    n = cells.n_1 + cells.n_2
    above, below = float((cells.a * cells.d / n).sum()), float((cells.b * cells.c / n).sum())
    return above / below if below > 0.0 else math.nan


def standardised_events(cells: Cells, psi: float) -> tuple[FloatArray, FloatArray]:
    """Give (a - E)/√V and V of the events in arm 1 at the odds ratio ψ, each ``(k,)``."""
    tables: list[list[float]] = np.column_stack([cells.a, cells.n_1, cells.n_2, cells.a + cells.c]).tolist()
    made = [_standardised(a, n_1, n_2, events, psi) for a, n_1, n_2, events in tables]
    return np.array([z for z, _ in made]), np.array([v for _, v in made])


def _standardised(a: float, n_1: float, n_2: float, events: float, psi: float) -> tuple[float, float]:
    """Sum over the counts about the most probable one, from which probabilities fall by known ratios to either side."""
    low, high = max(0.0, events - n_2), min(n_1, events)
    mode = min(max(_mode(n_1, n_2, events, psi), low), high)
    inner = 1.0 / (
        1.0 / (mode + 1.0) + 1.0 / (n_1 - mode + 1.0) + 1.0 / (events - mode + 1.0) + 1.0 / (n_2 - events + mode + 1.0)
    )
    reach = math.ceil(_WIDTH * math.sqrt(inner) + _WIDTH**2)
    up = np.arange(mode, min(high, mode + reach))
    down = np.arange(mode, max(low, mode - reach), -1.0)
    rising = (n_1 - up) * (events - up) / ((up + 1.0) * (n_2 - events + up + 1.0)) * psi
    falling = down * (n_2 - events + down) / ((n_1 - down + 1.0) * (events - down + 1.0)) / psi
    p = np.concatenate([np.cumprod(falling)[::-1], [1.0], np.cumprod(rising)])
    steps = np.arange(-down.size, up.size + 1.0)
    p /= p.sum()
    offset = float((p * steps).sum())
    variance = float((p * (steps - offset) ** 2).sum())
    return ((a - mode) - offset) / math.sqrt(variance), variance


def _mode(n_1: float, n_2: float, events: float, psi: float) -> float:
    """Find the most probable count: the whole part of the root of a quadratic, in the form that does not cancel."""
    square = psi - 1.0
    linear = -((events + n_1 + 2.0) * psi + n_2 - events)
    constant = (n_1 + 1.0) * (events + 1.0) * psi
    q = linear - math.sqrt(max(0.0, linear * linear - 4.0 * square * constant))
    return math.floor(-2.0 * constant / q)


@hookimpl
def bias_tests() -> list[BiasTest]:
    """Offer the rank correlation test of cell counts."""
    return [
        BiasTest(
            "Schwarzer",
            schwarzer,
            formula="S = Σ_(i<j) sign((uᵢ - uⱼ)(wᵢ - wⱼ)), uᵢ = (aᵢ - E(aᵢ))/√V(aᵢ), wᵢ = 1/V(aᵢ), at the M-H "
            "odds ratio",
            reference=REFERENCE,
            r_equivalent="meta::metabias(res, method.bias='Schwarzer')",
        )
    ]
