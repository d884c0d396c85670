"""Correct zero cells as RevMan, metafor and meta do: they differ in which cells go where."""

from __future__ import annotations

import attrs
import numpy as np

from evisynth import BoolArray, Cells, CorrectedCells, Correction, EffectMeasure, FloatArray, hookimpl

NO_EVENTS = "no events in either arm"
ALL_EVENTS = "everybody in both arms had the event"
IN_SUMS = ("MH", "Peto")
"""Pooling that adds up tables, so that one without an effect of its own may weigh in."""
MIXED = ("UM.FS", "UM.RS", "CM.AL")
"""Mixed models, which double zeros tell nothing."""


def revman(
    cells: Cells,
    *,
    measure: EffectMeasure,
    increments: FloatArray,
    double_zeros: str = "by correction",
    mh_increment: str = "by correction",
) -> CorrectedCells:
    """Add to all cells of a ratio's table with a zero, in effects and M-H sums; a difference changes its variance only.

    A ratio with all events in both arms is 1, with the standard error of the corrected cells.
    """
    without = _without_effect(cells, measure, double_zeros, _uninformative(cells, measure))
    if measure.zero_cells in {"exact", "never"}:
        return CorrectedCells.unchanged(cells, without)
    added = cells.plus(increments)
    if measure.zero_cells == "difference":
        sums = added if mh_increment == "added" else cells
        return CorrectedCells(raw=cells, effect=cells, variance=added, sums=sums, spread=added, without_effect=without)
    everybody = cells.all_events
    sums = cells if mh_increment == "none" else added
    by_convention = measure.uninformative != "no or all events" and everybody.any()
    return CorrectedCells(
        raw=cells,
        effect=_replace(added, cells, everybody) if by_convention else added,
        variance=added,
        sums=sums,
        spread=sums,
        without_effect=without,
        unit_ratio=everybody,
    )


def metafor(
    cells: Cells,
    *,
    measure: EffectMeasure,
    method: str,
    increments: FloatArray,
    double_zeros: str = "by correction",
    mh_increment: str = "by correction",
) -> CorrectedCells:
    """Add to all cells of a table with a zero for effects and variances, and nothing inside M-H and Peto sums.

    Inverse-variance pooling keeps double-zero tables; ``rma.mh`` and ``rma.peto`` give them no effect (they do not
    count in Q) but leave them in the sums, and ``rma.glmm`` leaves them out. ``rma.peto`` takes Q from uncorrected
    tables, and so do the effects here.
    """
    dropped = _double_zeros(cells) if method in {*IN_SUMS, *MIXED} else ()
    without = _without_effect(cells, measure, double_zeros, dropped)
    if measure.zero_cells == "never":
        return CorrectedCells.unchanged(cells, without)
    added = cells.plus(increments)
    own = cells if method == "Peto" and measure.zero_cells == "exact" else added
    sums = added if mh_increment == "added" else cells
    made = CorrectedCells(
        raw=cells, effect=own, variance=own, sums=sums, spread=sums, without_effect=without, differences=sums
    )
    if method not in IN_SUMS or (own is cells and sums is cells):
        return made
    counts = np.ones_like(cells.no_events) if mh_increment == "added" else _contributes(cells, measure)
    if double_zeros == "dropped":
        counts = counts & ~(cells.no_events | cells.all_events)
    return attrs.evolve(made, kept_in_sums=counts)


def meta(
    cells: Cells,
    *,
    measure: EffectMeasure,
    increments: FloatArray,
    double_zeros: str = "by correction",
    mh_increment: str = "by correction",
) -> CorrectedCells:
    """Add to all cells of a table with a zero, inside M-H sums too; the effect of a difference stays as it is.

    The effect and variance of a ratio of risks have the increment added to events and to participants once, that is to
    the cells of events alone (``RR.Cochrane=FALSE``, the default of metabin).
    """
    increased = Cells(cells.a + increments, cells.b, cells.c + increments, cells.d)
    own = increased if measure.uninformative == "no events" else None
    return _as_meta(cells, measure, cells.plus(increments), own, double_zeros, mh_increment)


def meta_cochrane(
    cells: Cells,
    *,
    measure: EffectMeasure,
    increments: FloatArray,
    double_zeros: str = "by correction",
    mh_increment: str = "by correction",
) -> CorrectedCells:
    """Add to all cells as `meta` does, for the effect of a ratio of risks too (``RR.Cochrane=TRUE``)."""
    return _as_meta(cells, measure, cells.plus(increments), None, double_zeros, mh_increment)


def treatment_arm(
    cells: Cells,
    *,
    measure: EffectMeasure,
    increments: FloatArray,
    double_zeros: str = "by correction",
    mh_increment: str = "by correction",
) -> CorrectedCells:
    """Add to both cells of an arm in proportion to its size, where `meta` adds the same to both arms.

    An increment of ½ adds n₁/(n₁ + n₂) in arm 1 and n₂/(n₁ + n₂) in arm 2: the reciprocal of the other arm's size,
    scaled so that both make 1.
    """
    total = cells.n_1 + cells.n_2
    with np.errstate(divide="ignore", invalid="ignore"):
        one = np.where(total > 0, 2.0 * increments * cells.n_1 / total, 0.0)
        two = np.where(total > 0, 2.0 * increments * cells.n_2 / total, 0.0)
    increased = Cells(cells.a + one, cells.b, cells.c + two, cells.d)
    own = increased if measure.uninformative == "no events" else None
    return _as_meta(cells, measure, cells.plus(one, two), own, double_zeros, mh_increment)


def none(cells: Cells, *, measure: EffectMeasure, double_zeros: str = "by correction") -> CorrectedCells:
    """Leave all cells as they are; a ratio with a zero cell then has no effect."""
    return CorrectedCells.unchanged(
        cells, _without_effect(cells, measure, double_zeros, _uninformative(cells, measure))
    )


def _as_meta(
    cells: Cells, measure: EffectMeasure, added: Cells, own: Cells | None, double_zeros: str, mh_increment: str
) -> CorrectedCells:
    """Give each use its cells by meta's rule; ``own`` are those of a ratio's effect where not the ``added`` ones."""
    informative = measure.uninformative != "never"
    without = _without_effect(cells, measure, double_zeros, _double_zeros(cells) if informative else ())
    if measure.zero_cells in {"exact", "never"}:
        return CorrectedCells.unchanged(cells, without)
    variance = added if own is None else own
    effect = cells if measure.zero_cells == "difference" else variance
    sums = cells if mh_increment == "none" else added
    return CorrectedCells(raw=cells, effect=effect, variance=variance, sums=sums, spread=sums, without_effect=without)


def _double_zeros(cells: Cells) -> tuple[tuple[BoolArray, str], ...]:
    return ((cells.no_events, NO_EVENTS), (cells.all_events, ALL_EVENTS))


def _uninformative(cells: Cells, measure: EffectMeasure) -> tuple[tuple[BoolArray, str], ...]:
    if measure.uninformative == "never":
        return ()
    if measure.uninformative == "no events":
        return ((cells.no_events, NO_EVENTS),)
    return _double_zeros(cells)


def _without_effect(
    cells: Cells, measure: EffectMeasure, double_zeros: str, by_correction: tuple[tuple[BoolArray, str], ...]
) -> tuple[tuple[BoolArray, str], ...]:
    """Leave out double-zero tables as the settings say, or as the program does."""
    if double_zeros == "dropped":
        return _double_zeros(cells)
    # O - E over its variance is 0/0 in such a table, and no correction of this kind changes its cells.
    if double_zeros == "kept":
        return _uninformative(cells, measure) if measure.zero_cells == "exact" else ()
    return by_correction


def _contributes(cells: Cells, measure: EffectMeasure) -> BoolArray:
    """Find tables that carry weight in uncorrected sums."""
    if measure.uninformative == "never":
        return np.ones_like(cells.no_events)
    if measure.uninformative == "no events":
        return ~cells.no_events
    return ~(cells.no_events | cells.all_events)


def _replace(added: Cells, raw: Cells, rows: BoolArray) -> Cells:
    return Cells(
        np.where(rows, raw.a, added.a),
        np.where(rows, raw.b, added.b),
        np.where(rows, raw.c, added.c),
        np.where(rows, raw.d, added.d),
    )


@hookimpl
def corrections() -> list[Correction]:
    """Offer the conventions of the three programs, the treatment-arm correction, and none."""
    handbook = "Higgins et al. (2023), Cochrane Handbook for Systematic Reviews of Interventions 6.4, §10.4.4"
    of_meta = "Balduzzi, Rücker & Schwarzer (2019), Evid. Based Ment. Health 22:153-160"
    return [
        Correction(
            "revman",
            revman,
            formula="a' = a + δ, b' = b + δ, c' = c + δ, d' = d + δ where a cell is 0, δ = ½; OR, RR: in "
            "effects, variances and M-H sums; RD: in variances alone",
            reference="Deeks & Higgins (2010), Statistical algorithms in Review Manager 5; rules checked against "
            "RevMan's "
            "stored results",
        ),
        Correction(
            "metafor",
            metafor,
            rates_without_events=frozenset(IN_SUMS),
            formula="a' = a + δ, b' = b + δ, c' = c + δ, d' = d + δ where a cell is 0, δ = ½; in effects and "
            "variances; M-H and Peto sums take the cells as they are",
            reference="Viechtbauer (2010), J. Stat. Softw. 36(3):1-48; metafor's documentation of escalc, "
            "rma.mh, rma.peto",
        ),
        Correction(
            "meta",
            meta,
            formula="a' = a + δ, b' = b + δ, c' = c + δ, d' = d + δ where a cell is 0, δ = ½; in variances "
            "and M-H sums, and in effects of ratios; RR: y = ln((a + δ)/(n₁ + δ)) - ln((c + δ)/(n₂ + "
            "δ))",
            reference=of_meta,
        ),
        Correction(
            "meta-Cochrane",
            meta_cochrane,
            formula="a' = a + δ, b' = b + δ, c' = c + δ, d' = d + δ where a cell is 0, δ = ½; in variances "
            "and M-H sums, and in effects of ratios",
            reference=f"{of_meta}; metabin's RR.Cochrane=TRUE",
        ),
        Correction(
            "TACC",
            treatment_arm,
            formula="a' = a + δ₁, b' = b + δ₁, c' = c + δ₂, d' = d + δ₂ where a cell is 0; δ₁ = 2δ n₁/N, δ₂ = "
            "2δ n₂/N, δ = ½",
            reference="Sweeting, Sutton & Lambert (2004), Stat. Med. 23:1351-1375, §2.2",
            r_equivalent="meta::metabin(events_1, n_1, events_2, n_2, incr='TACC')",
        ),
        Correction("none", none, adds=False, formula="a' = a, b' = b, c' = c, d' = d", reference=handbook),
    ]
