"""Estimate the correlation behind a 2×2 table of two dichotomised normal variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import EffectMeasure, FloatArray, MeasuredEffects, hookimpl
from evisynth_estimators.correlations import CORRELATION, FISHER
from evisynth_estimators.normal_scores import probit, probit_difference

if TYPE_CHECKING:
    from evisynth import BoolArray, CorrectedCells, IntArray

ZERO_CELL = "a cell is 0: the tetrachoric correlation is 1 or -1, without a variance"
ROWS = 4096
"""Tables that are solved together: the nodes of all of them fit into the processor's cache."""
POINTS = 16
TAIL = 40
"""Beyond this many units of Fisher's z the rest of an orthant's probability is lost in rounding."""
MOST = 100


def tetrachoric(cells: CorrectedCells) -> MeasuredEffects:
    """Take the correlation of the bivariate normal distribution that has the table's proportions.

    It maximises the likelihood; the variance is the delta method's for multinomial counts (Pearson 1900; Kirk 1973;
    Brown 1977).
    """
    z, v, zero = _solved(cells)
    return MeasuredEffects(np.tanh(z), v / np.cosh(z) ** 4, ((zero, ZERO_CELL),))


def fisher_tetrachoric(cells: CorrectedCells) -> MeasuredEffects:
    """Take Fisher's z = artanh ρ of the tetrachoric correlation, with the delta method's variance."""
    z, v, zero = _solved(cells)
    return MeasuredEffects(z, v, ((zero, ZERO_CELL),))


def _solved(cells: CorrectedCells) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Solve all tables without an empty cell; the cells are taken as they are."""
    table = np.stack(np.broadcast_arrays(cells.raw.a, cells.raw.b, cells.raw.c, cells.raw.d)).astype(np.float64)
    flat = table.reshape(4, -1)
    usable = np.nonzero((flat > 0).all(axis=0))[0]
    z, v = np.full(flat.shape[1], np.nan), np.full(flat.shape[1], np.nan)
    for first in range(0, usable.size, ROWS):
        rows = usable[first : first + ROWS]
        z[rows], v[rows] = _solve(*flat[:, rows])
    return z.reshape(table.shape[1:]), v.reshape(table.shape[1:]), np.asarray(cells.raw.any_zero)


@attrs.frozen(eq=False)
class _Orthant:
    """Hold the thresholds h (rows) and k (columns) as h, k - h and k + h, each ``(m,)``.

    With r = tanh s the probability of both variables below their thresholds grows by ``density(s) ds``, whose integral
    from s = 0 is its excess over independence: no subtraction of probabilities is ever needed.
    """

    h: FloatArray
    minus: FloatArray
    plus: FloatArray

    def at(self, rows: BoolArray | IntArray) -> _Orthant:
        return _Orthant(self.h[rows], self.minus[rows], self.plus[rows])

    def given_row(self, s: FloatArray) -> FloatArray:
        """Give (k - ρh)/√(1 - ρ²), the threshold of the column where the row's variable is at h."""
        grow = np.exp(s)
        return (self.minus * grow + self.plus / grow) / 2

    def given_column(self, s: FloatArray) -> FloatArray:
        """Give (h - ρk)/√(1 - ρ²)."""
        grow = np.exp(s)
        return (self.plus / grow - self.minus * grow) / 2

    def density(self, s: FloatArray) -> FloatArray:
        """Give φ₂(h, k; ρ) dρ/ds at ρ = tanh s."""
        x = self.given_row(s)
        return np.exp(-(self.h * self.h + x * x) / 2) / (2 * np.pi * np.cosh(s))

    def integral(self, lower: FloatArray, upper: FloatArray, panels: int = 1) -> FloatArray:
        """Integrate the density; it is analytic within π/4 of the real line: panels of length 1 lose nothing."""
        nodes, weights = np.polynomial.legendre.leggauss(POINTS)
        width = (upper - lower) / panels
        total = np.zeros(lower.shape)
        for panel in range(panels):
            for node, weight in zip(nodes.tolist(), weights.tolist(), strict=True):
                total += weight * self.density(lower + width * (panel + (1 + node) / 2))
        return total * width / 2


def _solve(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Find s = artanh ρ by Newton's method within a bracket, and its variance."""
    n = a + b + c + d
    orthant = _Orthant(
        probit(a + b, c + d),
        probit_difference(a + c, b + d, a + b, c + d),
        probit_difference(a + c, b + d, c + d, a + b),
    )
    # The probability is measured from where it has least to go: from independence, or from ρ = ±1.
    excess, to_one, to_minus_one = (a * d - b * c) / (n * n), np.minimum(b, c) / n, np.minimum(a, d) / n
    s = np.where(excess == 0, 0.0, _start(a, b, c, d, n))
    upper = to_one < np.minimum(np.abs(excess), to_minus_one)
    lower = to_minus_one < np.minimum(np.abs(excess), to_one)
    with np.errstate(over="ignore", under="ignore"):
        missing = excess.copy()
        panels = np.ceil(np.abs(s)).astype(np.int64)
        # Each table has the panels that it needs, whatever tables are solved with it.
        for count in np.unique(panels[panels > 0]).tolist():
            rows = panels == count
            missing[rows] -= orthant.at(rows).integral(np.zeros(int(rows.sum())), s[rows], count)
        for rows, sign, target in ((upper, 1.0, to_one), (lower, -1.0, to_minus_one)):
            if rows.any():
                beyond = orthant.at(rows).integral(s[rows], s[rows] + sign * TAIL, TAIL)
                missing[rows] = beyond - sign * target[rows]
        s = _newton(orthant, s, missing)
        return s, _variance(orthant, s, a / n, b / n, c / n, d / n) / n


def _start(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray, n: FloatArray) -> FloatArray:
    """Approximate artanh ρ from the odds ratio and the margins (Bonett & Price 2005)."""
    rarest = np.minimum(np.minimum(a + b, c + d), np.minimum(a + c, b + d)) / n
    power = (1 - np.abs(b - c) / (5 * n) - (0.5 - rarest) ** 2) / 2
    return -np.log(np.tan(np.pi / (2 * (1 + (a * d / (b * c)) ** power))))


def _newton(orthant: _Orthant, s: FloatArray, missing: FloatArray) -> FloatArray:
    """Move s until the integral has grown by what is missing; each step integrates only its own stretch."""
    low, high = np.full(s.shape, -np.inf), np.full(s.shape, np.inf)
    todo = np.nonzero(missing != 0)[0]
    for _ in range(MOST):
        if not todo.size:
            break
        part, at, gap = orthant.at(todo), s[todo], missing[todo]
        low[todo] = np.where(gap > 0, at, low[todo])
        high[todo] = np.where(gap < 0, at, high[todo])
        step = np.clip(gap / np.maximum(part.density(at), np.finfo(np.float64).tiny), -1.0, 1.0)
        new = at + step
        new = np.where(new >= high[todo], (at + high[todo]) / 2, new)
        new = np.where(new <= low[todo], (at + low[todo]) / 2, new)
        missing[todo] = gap - part.integral(at, new)
        s[todo] = new
        done = (np.abs(new - at) <= 2e-15 * np.abs(new)) | (missing[todo] == 0)
        todo = todo[~done]
    return s


def _variance(
    orthant: _Orthant, s: FloatArray, a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray
) -> FloatArray:
    """Give n times the variance of s, ``Σ pᵢ pⱼ (gᵢ - gⱼ)²`` over pairs of cells: no term is negative."""
    from scipy.special import ndtr  # noqa: PLC0415 - scipy comes with the first fit

    row, column = orthant.given_row(s), orthant.given_column(s)
    one, two, not_one, not_two = ndtr(row), ndtr(column), ndtr(-row), ndtr(-column)
    spread = (
        a * b * not_two**2
        + a * c * not_one**2
        + a * d * (not_one - two) ** 2
        + b * c * (two - one) ** 2
        + b * d * one**2
        + c * d * two**2
    )
    return spread / orthant.density(s) ** 2


@hookimpl
def effect_measures() -> list[EffectMeasure]:
    """Offer the tetrachoric correlation, as it is and transformed."""
    reference = (
        "Pearson (1900), Philos. Trans. R. Soc. A 195:1-47; Kirk (1973), Psychometrika 38:259-268; "
        "Brown (1977), Appl. Stat. 26:343-351 (variance)"
    )
    escalc = "metafor::escalc(measure='{}', ai=events_1, n1i=n_1, ci=events_2, n2i=n_2)"
    return [
        EffectMeasure(
            "RTET",
            tetrachoric,
            label="Tetrachoric Correlation",
            scale=CORRELATION,
            zero_cells="exact",
            uninformative="never",
            formula="P(Z₁ < h, Z₂ < k) = a/N under the correlation ρ, Φ(h) = n₁/N, Φ(k) = (a + c)/N; v by the "
            "delta method for multinomial counts",
            reference=reference,
            r_equivalent=escalc.format("RTET"),
        ),
        EffectMeasure(
            "ZTET",
            fisher_tetrachoric,
            label="Tetrachoric Correlation",
            scale=FISHER,
            zero_cells="exact",
            uninformative="never",
            formula="y = artanh ρ, ρ the tetrachoric correlation; v = Var(ρ)/(1 - ρ²)²",
            reference=f"{reference}; Fisher (1921), Metron 1:3-32",
            r_equivalent=escalc.format("ZTET"),
            r_version="metafor 4.0",
        ),
    ]
