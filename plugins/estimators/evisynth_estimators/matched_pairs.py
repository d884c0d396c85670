"""Compare event counts of two treatments within matched pairs, or within persons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import EffectMeasure, FloatArray, MeasuredEffects, hookimpl
from evisynth_estimators.two_by_two import log_ratio

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth import CorrectedCells, Increments

NO_PAIRS = "no pairs"
NOT_PAIRS = "arms of matched pairs have the same number of participants"
NO_CORRELATION = "missing r (or proportion_both)"
NO_VARIATION = "the arms are alike and perfectly correlated: the variance is 0"
NOT_FEASIBLE = "the correlation (or the proportion with both events) cannot be had with these margins"


def marginal_risk_difference(
    pairs_both: FloatArray,
    pairs_only_1: FloatArray,
    pairs_only_2: FloatArray,
    pairs_neither: FloatArray,
    increments: Increments,
) -> MeasuredEffects:
    """Take (b - c)/n with variance ((b + c) - (b - c)²/n)/n², b and c the pairs with one event."""
    a, b, c, d, empty = _cells(pairs_both, pairs_only_1, pairs_only_2, pairs_neither, increments)
    n = a + b + c + d
    return MeasuredEffects((b - c) / n, ((a + d) * (b + c) + 4 * b * c) / n**3, empty)


def marginal_risk_ratio(
    pairs_both: FloatArray,
    pairs_only_1: FloatArray,
    pairs_only_2: FloatArray,
    pairs_neither: FloatArray,
    increments: Increments,
) -> MeasuredEffects:
    """Take ln((a + b)/(a + c)) with variance (b + c)/((a + b)(a + c))."""
    a, b, c, _, empty = _cells(pairs_both, pairs_only_1, pairs_only_2, pairs_neither, increments)
    return MeasuredEffects(log_ratio(a + b, a + c), (b + c) / ((a + b) * (a + c)), empty)


def marginal_odds_ratio(
    pairs_both: FloatArray,
    pairs_only_1: FloatArray,
    pairs_only_2: FloatArray,
    pairs_neither: FloatArray,
    increments: Increments,
) -> MeasuredEffects:
    """Take ln((a + b)(b + d)/((a + c)(c + d))) with the delta method's variance for multinomial counts.

    That variance is that of two independent logits less twice their covariance, here as a sum of squares.
    """
    a, b, c, d, empty = _cells(pairs_both, pairs_only_1, pairs_only_2, pairs_neither, increments)
    n = a + b + c + d
    one, two = (a + b) * (c + d), (a + c) * (b + d)
    u_1, u_2 = 1 / one, 1 / two
    # one - two = (b - c)(d - a): the difference of the two gradients, without cancellation.
    gap = (c - b) * (d - a) / (one * two)
    v = n * ((a * b + c * d) * u_2**2 + (a * c + b * d) * u_1**2 + b * c * (u_1 + u_2) ** 2 + a * d * gap**2)
    return MeasuredEffects(log_ratio((a + b) * (b + d), (a + c) * (c + d)), v, empty)


def conditional_odds_ratio(
    pairs_only_1: FloatArray,
    pairs_only_2: FloatArray,
    increments: Increments,
    pairs_both: FloatArray | None = None,
    pairs_neither: FloatArray | None = None,
) -> MeasuredEffects:
    """Take ln(b/c) with variance 1/b + 1/c: pairs with one outcome under both treatments say nothing.

    Their numbers need not be known; where they are, a zero among them makes the zero-cell rule add to b and c too.
    """
    b, c, empty = _discordant(pairs_only_1, pairs_only_2, pairs_both, pairs_neither, increments)
    return MeasuredEffects(log_ratio(b, c), 1 / b + 1 / c, empty)


def peto_conditional_odds_ratio(
    pairs_only_1: FloatArray,
    pairs_only_2: FloatArray,
    increments: Increments,
    pairs_both: FloatArray | None = None,
    pairs_neither: FloatArray | None = None,
) -> MeasuredEffects:
    """Take (O - E)/V = 2(b - c)/(b + c) with variance 1/V = 4/(b + c); other pairs as in `conditional_odds_ratio`."""
    b, c, empty = _discordant(pairs_only_1, pairs_only_2, pairs_both, pairs_neither, increments)
    return MeasuredEffects(2 * (b - c) / (b + c), 4 / (b + c), empty)


def _discordant(
    only_1: FloatArray,
    only_2: FloatArray,
    both: FloatArray | None,
    neither: FloatArray | None,
    increments: Increments,
) -> tuple[FloatArray, FloatArray, tuple[tuple[np.ndarray, str], ...]]:
    # A number that is not known is not known to be 0.
    a, d = (
        np.ones(only_1.shape) if pairs is None else np.where(np.isnan(pairs), 1.0, pairs) for pairs in (both, neither)
    )
    added = increments(a, only_1, only_2, d)
    empty = a + only_1 + only_2 + d == 0
    return only_1 + added, only_2 + added, ((empty, NO_PAIRS),)


def _cells(
    both: FloatArray, only_1: FloatArray, only_2: FloatArray, neither: FloatArray, increments: Increments
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, tuple[tuple[np.ndarray, str], ...]]:
    added = increments(both, only_1, only_2, neither)
    empty = both + only_1 + only_2 + neither == 0
    return both + added, only_1 + added, only_2 + added, neither + added, ((empty, NO_PAIRS),)


def marginal_odds_ratio_from_margins(
    cells: CorrectedCells, r: FloatArray | None = None, proportion_both: FloatArray | None = None
) -> MeasuredEffects:
    """Take ln(ad/bc) of the marginal table, whose arms are correlated: ``1/a + 1/b + 1/c + 1/d - 2 r n/√(abcd)``.

    ``r`` is the phi coefficient of the pairs; where it is missing it follows from ``proportion_both``, the share of
    pairs with the event under both treatments.
    """
    e, s = cells.effect, cells.variance
    n, product = s.a + s.b, np.sqrt(s.a * s.b) * np.sqrt(s.c * s.d)
    covered = s.a * s.c
    correlation = np.full(n.shape, np.nan) if r is None else r
    if proportion_both is not None:
        correlation = np.where(np.isnan(correlation), (proportion_both * n * n - covered) / product, correlation)
    # Twice (1 - r) beside a square: a correlation near 1 of margins that are alike loses nothing.
    roots = 1 / np.sqrt(s.a * s.b) - 1 / np.sqrt(s.c * s.d)
    v = n * (roots**2 + 2 * (1 - correlation) / product)
    both = (covered + correlation * product) / n
    slack = 1e-9 * n
    feasible = (both <= np.minimum(s.a, s.c) + slack) & (both >= np.maximum(s.a + s.c - n, 0.0) - slack)
    reasons = (
        (cells.raw.n_1 != cells.raw.n_2, NOT_PAIRS),
        (np.isnan(correlation) & ~np.isnan(n), NO_CORRELATION),
        (~feasible & ~np.isnan(both), NOT_FEASIBLE),
        (v == 0, NO_VARIATION),
    )
    return MeasuredEffects(log_ratio(e.a * e.d, e.b * e.c), v, reasons)


@hookimpl
def effect_measures() -> list[EffectMeasure]:
    """Offer the measures of matched pairs and cross-over trials with dichotomous outcomes."""
    pairs = "ai=pairs_both, bi=pairs_only_1, ci=pairs_only_2, di=pairs_neither"
    elbourne = "Elbourne et al. (2002), Int. J. Epidemiol. 31:140-149"
    curtin = "Curtin, Elbourne & Altman (2002), Stat. Med. 21:2145-2159"
    zou = "Zou (2007), Clin. Trials 4:25-31"
    made: dict[str, tuple[Callable[..., MeasuredEffects], str, str, str]] = {
        "MPRD": (
            marginal_risk_difference,
            "Risk Difference (Matched Pairs)",
            "linear",
            "May & Johnson (1997), Stat. Med. 16:2127-2136; Newcombe (1998), Stat. Med. 17:2635-2650",
        ),
        "MPRR": (marginal_risk_ratio, "Risk Ratio (Matched Pairs)", "log", zou),
        "MPOR": (
            marginal_odds_ratio,
            "Odds Ratio (Matched Pairs, Marginal)",
            "log",
            f"Becker & Balagtas (1993), Biometrics 49:997-1009; {curtin}",
        ),
        "MPORC": (conditional_odds_ratio, "Odds Ratio (Matched Pairs, Conditional)", "log", f"{curtin}; {zou}"),
        "MPPETO": (
            peto_conditional_odds_ratio,
            "Peto Odds Ratio (Matched Pairs)",
            "log",
            f"{curtin}; Yusuf et al. (1985), Prog. Cardiovasc. Dis. 27:335-371",
        ),
    }
    formulas = {
        "MPRD": "y = (b - c)/n; v = ((b + c) - (b - c)²/n)/n²",
        "MPRR": "y = ln((a + b)/(a + c)); v = (b + c)/((a + b)(a + c))",
        "MPOR": "y = ln((a + b)(b + d)/((a + c)(c + d))); v = n/((a + b)(c + d)) + n/((a + c)(b + "
        "d)) - 2n(ad - bc)/((a + b)(c + d)(a + c)(b + d))",
        "MPORC": "y = ln(b/c); v = 1/b + 1/c",
        "MPPETO": "y = 2(b - c)/(b + c); v = 4/(b + c)",
    }
    return [
        *(
            EffectMeasure(
                name,
                function,
                label=label,
                scale="log" if scale == "log" else "linear",
                formula=formulas[name],
                reference=reference,
                r_equivalent=f"metafor::escalc(measure='{name}', {pairs})",
            )
            for name, (function, label, scale, reference) in made.items()
        ),
        EffectMeasure(
            "MPORM",
            marginal_odds_ratio_from_margins,
            label="Odds Ratio (Matched Pairs, from Margins)",
            scale="log",
            uninformative="no or all events",
            formula="y = ln(ad/(bc)), a, b, c, d of the marginal table; v = 1/a + 1/b + 1/c + 1/d - 2r n/√(abcd)",
            reference=f"{elbourne}; {zou}",
            r_equivalent="metafor::escalc(measure='MPORM', ai=events_1, bi=n_1-events_1, ci=events_2, "
            "di=n_2-events_2, ri=r)",
        ),
    ]
