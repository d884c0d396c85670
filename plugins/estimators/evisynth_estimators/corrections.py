"""Correct zero cells as RevMan, metafor and meta do: they differ in which cells go where."""

from __future__ import annotations

import numpy as np

from evisynth import Cells, CorrectedCells, Correction, EffectMeasure, hookimpl

NO_EVENTS = "no events in either arm"
ALL_EVENTS = "everybody in both arms had the event"


def revman(cells: Cells, *, measure: EffectMeasure, increment: float) -> CorrectedCells:
    """Add to all cells of a ratio's table with a zero, in effects and M-H sums; a difference changes its variance only.

    A ratio with all events in both arms is 1, with the standard error of the corrected cells.
    """
    added = cells.plus(np.where(cells.any_zero, increment, 0.0))
    without = _uninformative(cells, measure)
    if measure.zero_cells == "exact":
        return CorrectedCells.unchanged(cells, without)
    if measure.zero_cells == "difference":
        return CorrectedCells(raw=cells, effect=cells, variance=added, sums=cells, spread=added, without_effect=without)
    everybody = cells.all_events
    effect = added if not everybody.any() else _replace(added, cells, everybody)
    return CorrectedCells(
        raw=cells, effect=effect, variance=added, sums=added, spread=added, without_effect=without, unit_ratio=everybody
    )


def metafor(cells: Cells, *, measure: EffectMeasure, method: str, increment: float) -> CorrectedCells:
    """Add to all cells of a table with a zero for effects and variances, and nothing inside M-H and Peto sums.

    Inverse-variance pooling keeps double-zero tables; ``rma.mh`` and ``rma.peto`` give them no effect (they do not
    count in Q) but leave them in the sums. ``rma.peto`` takes Q from uncorrected tables, and so do the effects here.
    """
    if method != "IV" and measure.zero_cells == "exact":
        return none(cells, measure=measure)
    added = cells.plus(np.where(cells.any_zero, increment, 0.0))
    if method == "IV":
        return CorrectedCells(raw=cells, effect=added, variance=added, sums=cells, spread=cells)
    counts = _contributes(cells, measure)
    return CorrectedCells(
        raw=cells,
        effect=added,
        variance=added,
        sums=cells,
        spread=cells,
        without_effect=((cells.no_events, NO_EVENTS), (cells.all_events, ALL_EVENTS)),
        kept_in_sums=counts,
    )


def meta(cells: Cells, *, measure: EffectMeasure, increment: float) -> CorrectedCells:
    """Add to all cells of a table with a zero, inside M-H sums too; the effect of a difference stays as it is.

    The effect and variance of a ratio of risks have the increment added to events and to participants once, that is to
    the cells of events alone (``RR.Cochrane=FALSE``, the default of metabin; with TRUE it is RevMan's rule).
    """
    increments = np.where(cells.any_zero, increment, 0.0)
    added = cells.plus(increments)
    informative = measure.uninformative != "never"
    without = ((cells.no_events, NO_EVENTS), (cells.all_events, ALL_EVENTS)) if informative else ()
    if measure.zero_cells == "exact":
        return CorrectedCells.unchanged(cells, without)
    variance = added
    if measure.uninformative == "no events":
        variance = Cells(cells.a + increments, cells.b, cells.c + increments, cells.d)
    effect = cells if measure.zero_cells == "difference" else variance
    return CorrectedCells(raw=cells, effect=effect, variance=variance, sums=added, spread=added, without_effect=without)


def none(cells: Cells, *, measure: EffectMeasure) -> CorrectedCells:
    """Leave all cells as they are; a ratio with a zero cell then has no effect."""
    return CorrectedCells.unchanged(cells, _uninformative(cells, measure))


def _uninformative(cells: Cells, measure: EffectMeasure) -> tuple[tuple[np.ndarray, str], ...]:
    if measure.uninformative == "never":
        return ()
    if measure.uninformative == "no events":
        return ((cells.no_events, NO_EVENTS),)
    return ((cells.no_events, NO_EVENTS), (cells.all_events, ALL_EVENTS))


def _contributes(cells: Cells, measure: EffectMeasure) -> np.ndarray:
    """Find tables that carry weight in uncorrected sums."""
    if measure.uninformative == "never":
        return np.ones_like(cells.no_events)
    if measure.uninformative == "no events":
        return ~cells.no_events
    return ~(cells.no_events | cells.all_events)


def _replace(added: Cells, raw: Cells, rows: np.ndarray) -> Cells:
    return Cells(
        np.where(rows, raw.a, added.a),
        np.where(rows, raw.b, added.b),
        np.where(rows, raw.c, added.c),
        np.where(rows, raw.d, added.d),
    )


@hookimpl
def corrections() -> list[Correction]:
    """Offer the conventions of the three programs, and none."""
    handbook = "Higgins et al. (2023), Cochrane Handbook for Systematic Reviews of Interventions 6.4, §10.4.4"
    return [
        Correction(
            "revman",
            revman,
            reference="Deeks & Higgins (2010), Statistical algorithms in Review Manager 5; rules checked against "
            "RevMan's "
            "stored results",
        ),
        Correction(
            "metafor",
            metafor,
            reference="Viechtbauer (2010), J. Stat. Softw. 36(3):1-48; metafor's documentation of escalc, "
            "rma.mh, rma.peto",
        ),
        Correction("meta", meta, reference="Balduzzi, Rücker & Schwarzer (2019), Evid. Based Ment. Health 22:153-160"),
        Correction("none", none, adds=False, reference=handbook),
    ]
