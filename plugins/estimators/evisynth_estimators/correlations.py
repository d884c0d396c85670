"""Measure the correlation of two variables: as it is, freed of its bias, or on Fisher's scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import EffectMeasure, MeasuredEffects, Scale, hookimpl

if TYPE_CHECKING:
    from evisynth import Average, BoolArray, FloatArray, Reasons

PERFECT = "the correlation is 1 or -1"
TOO_FEW = "too few participants for the variance of a correlation"
NOT_POSITIVE = "the unbiased variance is not positive"

BORENSTEIN = "Borenstein (2009), Effect sizes for continuous data, Handbook of Research Synthesis, eq. 12.27"
OLKIN_PRATT = "Olkin & Pratt (1958), Ann. Math. Stat. 29:201-211"
HEDGES = "Hedges (1989), J. Appl. Psychol. 74:469-477"


def within_one(value: FloatArray) -> FloatArray:
    """Keep to the correlations that are possible."""
    return np.clip(value, -1.0, 1.0)


CORRELATION = Scale("correlation", back=within_one, forward=np.asarray)
FISHER = Scale("Fisher's z", back=np.tanh, forward=np.arctanh)


def correlation(r: FloatArray, n: FloatArray, average: Average, vtype: str = "LS") -> MeasuredEffects:
    """Take r with variance (1 - r²)²/(n - 1), the large sample's.

    ``vtype``: ``LS`` with the study's own r, ``AV`` with the mean r of the analysis, weighted by n. Two points always
    lie on a line: below three participants there is no correlation to speak of.
    """
    return MeasuredEffects(r, _large_sample(average(r, n) if vtype == "AV" else r, n), _unusable(r, n, least=2.0))


def unbiased_correlation(r: FloatArray, n: FloatArray, average: Average, vtype: str = "LS") -> MeasuredEffects:
    """Take Olkin and Pratt's unbiased G = r F(½, ½; (n - 2)/2; 1 - r²), the hypergeometric function itself.

    ``vtype``: ``LS`` is (1 - G²)²/(n - 1), ``AV`` the same with the mean G of the analysis, weighted by n, ``UB`` the
    unbiased estimate G² - ρ̂², with ρ̂² = 1 - (n - 3)/(n - 2) (1 - r²) F(1, 1; n/2; 1 - r²).
    """
    x = (1 - r) * (1 + r)
    known = n > 3  # noqa: PLR2004 - at 3 the estimate is ±1 whatever r is
    excess = np.where(known, _hypergeometric_excess(0.5, np.where(known, (n - 2) / 2, 1.0), x), np.nan)
    g = r * (1 + excess)
    if vtype == "UB":
        v = r * r * excess * (2 + excess) + _unbiased_excess(r, n)
        return MeasuredEffects(g, v, _unusable(r, n, least=4.0, unbiased=v))
    return MeasuredEffects(g, _large_sample(average(g, n) if vtype == "AV" else g, n), _unusable(r, n, least=3.0))


def fisher_z(r: FloatArray, n: FloatArray) -> MeasuredEffects:
    """Take z = artanh r with variance 1/(n - 3)."""
    return MeasuredEffects(np.arctanh(r), 1 / (n - 3), _unusable(r, n, least=3.0))


def _large_sample(r: FloatArray, n: FloatArray) -> FloatArray:
    one_less = (1 - r) * (1 + r)
    return one_less * one_less / (n - 1)


def _unbiased_excess(r: FloatArray, n: FloatArray) -> FloatArray:
    """Give r² - ρ̂² in powers that do not cancel as r² and its unbiased estimate do."""
    x = (1 - r) * (1 + r)
    known = n > 4  # noqa: PLR2004 - at 4 F diverges for r = 0
    excess = np.where(known, _hypergeometric_excess(1.0, np.where(known, n / 2, 3.0), x), np.nan)
    return x * (excess - (1 + excess) / (n - 2))


def _hypergeometric_excess(a: float, c: FloatArray, x: FloatArray) -> FloatArray:
    """Give F(a, a; c; x) - 1 for 0 ≤ x ≤ 1, by its series where c is large and F near 1."""
    from scipy.special import hyp2f1  # noqa: PLC0415 - scipy comes with the first fit

    by_series = (c >= 8) | (x <= 0.5)  # noqa: PLR2004 - terms fall faster than k⁻⁸, or than 2⁻ᵏ
    order, argument = np.where(by_series, c, 8.0), np.where(by_series & ~np.isnan(x), x, 0.0)
    term = a * a / order * argument
    total = term.copy()
    k = 1
    while np.any(np.abs(term) > 1e-18 * total):
        term = term * ((a + k) * (a + k) / ((order + k) * (k + 1)) * argument)
        total = total + term
        k += 1
    total = np.where(np.isnan(x), np.nan, total)
    rest = ~by_series
    if rest.any():
        total[rest] = hyp2f1(a, a, c[rest], x[rest]) - 1
    return total


def _unusable(r: FloatArray, n: FloatArray, *, least: float, unbiased: FloatArray | None = None) -> Reasons:
    rows: list[tuple[BoolArray, str]] = [(n <= least, TOO_FEW), (np.abs(r) == 1, PERFECT)]
    if unbiased is not None:
        rows.append((unbiased <= 0, NOT_POSITIVE))
    return tuple(rows)


@hookimpl
def effect_measures() -> list[EffectMeasure]:
    """Offer the raw, the unbiased and the transformed correlation."""
    escalc = "metafor::escalc(measure='{}', ri=r, ni=n)"
    return [
        EffectMeasure(
            "COR",
            correlation,
            label="Correlation",
            scale=CORRELATION,
            variances=("LS", "AV"),
            formula="y = r; v = (1 - r²)²/(n - 1)",
            reference=BORENSTEIN,
            r_equivalent=escalc.format("COR"),
        ),
        EffectMeasure(
            "UCOR",
            unbiased_correlation,
            label="Correlation",
            scale=CORRELATION,
            variances=("LS", "UB", "AV"),
            formula="G = r F(½, ½; (n - 2)/2; 1 - r²); v = (1 - G²)²/(n - 1)",
            reference=f"{OLKIN_PRATT}, eq. 2.3; {HEDGES}",
            r_equivalent=escalc.format("UCOR"),
        ),
        EffectMeasure(
            "ZCOR",
            fisher_z,
            label="Correlation",
            scale=FISHER,
            formula="y = artanh r; v = 1/(n - 3)",
            reference="Fisher (1921), Metron 1:3-32",
            r_equivalent=escalc.format("ZCOR"),
        ),
    ]
