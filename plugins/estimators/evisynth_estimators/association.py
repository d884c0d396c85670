"""Measure the association of two dichotomous variables: phi, Yule's Q and Yule's Y, the arcsine difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import EffectMeasure, FloatArray, MeasuredEffects, hookimpl
from evisynth_estimators.correlations import CORRELATION, FISHER

if TYPE_CHECKING:
    from evisynth import Cells, CorrectedCells

STRONG = 0.5
NOTHING_VARIES = "all participants are in one row or one column of the table"
PERFECT = "the association is perfect: 1 or -1, without a variance"


def arcsine_difference(cells: CorrectedCells) -> MeasuredEffects:
    """Take asin √p₁ - asin √p₂ with variance 1/(4n₁) + 1/(4n₂); zero cells need no correction and get none."""
    a, b, c, d = _raw(cells.raw)
    # The tangent of the difference, with the integer cross-difference: equal risks lose nothing.
    sine = _root_gap(a * d, b * c)
    return MeasuredEffects(
        np.arctan2(sine, np.sqrt(a * c) + np.sqrt(b * d)), 1 / (4 * cells.raw.n_1) + 1 / (4 * cells.raw.n_2)
    )


def phi(cells: CorrectedCells, vtype: str = "LS") -> MeasuredEffects:
    """Take φ = (ad - bc)/√(n₁ n₂ m₁ m₂) with the delta method's variance; zero cells get no correction.

    ``vtype``: ``ST`` for counts in two groups of fixed sizes, ``CS`` (or ``LS``) for a cross-sectional sample, whose
    margins are all free (Yule 1912).
    """
    value, v, reasons = _phi(cells.raw, stratified=vtype == "ST")
    return MeasuredEffects(value, v, reasons)


def fisher_phi(cells: CorrectedCells, vtype: str = "LS") -> MeasuredEffects:
    """Take Fisher's z = artanh φ with variance that of φ over (1 - φ²)²; ``vtype`` as for φ."""
    value, v, reasons = _phi(cells.raw, stratified=vtype == "ST")
    rest = _one_less_phi_squared(cells.raw)
    # 1 - |φ| of a strong association is (1 - φ²)/(1 + |φ|), without the difference.
    strong = np.sign(value) * (np.log1p(np.abs(value)) - np.log(rest) / 2)
    return MeasuredEffects(np.where(np.abs(value) < STRONG, np.arctanh(value), strong), v / rest**2, reasons)


def _phi(cells: Cells, *, stratified: bool) -> tuple[FloatArray, FloatArray, tuple[tuple[np.ndarray, str], ...]]:
    a, b, c, d = _raw(cells)
    n_1, n_2, m_1, m_2 = a + b, c + d, a + c, b + d
    n = n_1 + n_2
    root = np.sqrt(n_1 * m_1) * np.sqrt(n_2 * m_2)
    value = (a * d - b * c) / root
    # Derivatives by the proportion of each cell: those of ad - bc less half of φ's share of each margin's.
    half = (a * d - b * c) / 2
    one, two, three, four = half / n_1, half / n_2, half / m_1, half / m_2
    g_a, g_b, g_c, g_d = d - one - three, -c - one - four, -b - two - three, a - two - four
    within = a * b * (g_a - g_b) ** 2, c * d * (g_c - g_d) ** 2
    if stratified:
        total = within[0] / n_1 + within[1] / n_2
    else:
        across = (
            a * c * (g_a - g_c) ** 2 + a * d * (g_a - g_d) ** 2 + b * c * (g_b - g_c) ** 2 + b * d * (g_b - g_d) ** 2
        )
        total = (within[0] + within[1] + across) / n
    reasons = ((root == 0, NOTHING_VARIES), (((b == 0) & (c == 0)) | ((a == 0) & (d == 0)), PERFECT))
    return value, total / root**2, reasons


def _one_less_phi_squared(cells: Cells) -> FloatArray:
    """Give 1 - φ² as a sum of products of counts, none of them negative."""
    a, b, c, d = _raw(cells)
    n_1, n_2, m_1, m_2 = a + b, c + d, a + c, b + d
    n = n_1 + n_2
    return n * (a * b * c + a * b * d + a * c * d + b * c * d) / (n_1 * m_1) / (n_2 * m_2)


def yules_q(cells: CorrectedCells) -> MeasuredEffects:
    """Take Q = (ad - bc)/(ad + bc) with variance (1 - Q²)²/4 · (1/a + 1/b + 1/c + 1/d)."""
    e, s = cells.effect, cells.variance
    one, two = s.a * s.d, s.b * s.c
    v = (2 * np.sqrt(one * two) / (one + two)) ** 4 / 4 * _reciprocals(s)
    return MeasuredEffects((e.a * e.d - e.b * e.c) / (e.a * e.d + e.b * e.c), v)


def yules_y(cells: CorrectedCells) -> MeasuredEffects:
    """Take Y = (√ad - √bc)/(√ad + √bc) with variance (1 - Y²)²/16 · (1/a + 1/b + 1/c + 1/d)."""
    e, s = cells.effect, cells.variance
    one, two = np.sqrt(s.a * s.d), np.sqrt(s.b * s.c)
    v = (2 * np.sqrt(one * two) / (one + two)) ** 4 / 16 * _reciprocals(s)
    y = _root_gap(e.a * e.d, e.b * e.c) / (np.sqrt(e.a * e.d) + np.sqrt(e.b * e.c))
    return MeasuredEffects(y, v)


def _raw(cells: Cells) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    return cells.a, cells.b, cells.c, cells.d


def _reciprocals(cells: Cells) -> FloatArray:
    return 1 / cells.a + 1 / cells.b + 1 / cells.c + 1 / cells.d


def _root_gap(one: FloatArray, two: FloatArray) -> FloatArray:
    """Give √one - √two without cancellation."""
    total = np.sqrt(one) + np.sqrt(two)
    return np.where(total == 0, 0.0, (one - two) / np.where(total == 0, 1.0, total))


@hookimpl
def effect_measures() -> list[EffectMeasure]:
    """Offer the measures of association of a 2×2 table."""
    escalc = "metafor::escalc(measure='{}', ai=events_1, n1i=n_1, ci=events_2, n2i=n_2)"
    yule = "Yule (1912), J. R. Stat. Soc. 75:579-652"
    schemes = (
        "delta method for both sampling schemes: Bishop, Fienberg & Holland (1975), Discrete Multivariate Analysis"
    )
    return [
        EffectMeasure(
            "AS",
            arcsine_difference,
            label="Arcsine Difference",
            also=("ASD",),
            scale="linear",
            zero_cells="exact",
            formula="y = asin √(a/n₁) - asin √(c/n₂); v = 1/(4n₁) + 1/(4n₂)",
            reference="Rücker, Schwarzer, Carpenter & Olkin (2009), Stat. Med. 28:721-738",
            r_equivalent=escalc.format("AS"),
        ),
        EffectMeasure(
            "PHI",
            phi,
            label="Phi Coefficient",
            scale=CORRELATION,
            zero_cells="exact",
            variances=("LS", "ST", "CS"),
            formula="φ = (ad - bc)/√(n₁n₂m₁m₂), m₁ = a + c, m₂ = b + d; v = Σ pᵢφᵢ² - (Σ pᵢφᵢ)², over N, with "
            "the derivatives φᵢ of φ by the proportions pᵢ of the four cells",
            reference=f"{yule}; {schemes}",
            r_equivalent=escalc.format("PHI"),
        ),
        EffectMeasure(
            "ZPHI",
            fisher_phi,
            label="Transformed Phi Coefficient",
            scale=FISHER,
            zero_cells="exact",
            variances=("LS", "ST", "CS"),
            formula="y = artanh φ; v = Var(φ)/(1 - φ²)²",
            reference=f"{yule}; {schemes}; Fisher (1921), Metron 1:3-32",
            r_equivalent=escalc.format("ZPHI"),
            r_version="metafor 4.0",
        ),
        EffectMeasure(
            "YUQ",
            yules_q,
            label="Yule's Q",
            scale=CORRELATION,
            uninformative="no or all events",
            formula="Q = (ad - bc)/(ad + bc); v = ¼ (1 - Q²)² (1/a + 1/b + 1/c + 1/d)",
            reference=yule,
            r_equivalent=escalc.format("YUQ"),
        ),
        EffectMeasure(
            "YUY",
            yules_y,
            label="Yule's Y",
            scale=CORRELATION,
            uninformative="no or all events",
            formula="Y = (√(ad) - √(bc))/(√(ad) + √(bc)); v = (1 - Y²)² (1/a + 1/b + 1/c + 1/d)/16",
            reference=yule,
            r_equivalent=escalc.format("YUY"),
        ),
    ]
