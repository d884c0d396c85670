"""Pool 2×2 tables, and events over person-time, by Mantel and Haenszel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import (
    Cells,
    CombinationError,
    CorrectedCells,
    Fit,
    FloatArray,
    PoolingModel,
    Sample,
    Settings,
    hookimpl,
    is_intercept,
)
from evisynth_estimators.mantel_haenszel_rates import rate_difference, rate_ratio

if TYPE_CHECKING:
    from collections.abc import Callable


def mantel_haenszel(sample: Sample, settings: Settings) -> Fit:
    """Weigh each table by its Mantel–Haenszel weight; the sums take the cells that the correction meant for them.

    Events over person-time enter as they are: nothing is divided by the events of one study alone.
    """
    rates = sample.measure in _RATES
    if sample.cells is None and not (rates and sample.columns.keys() >= set(_PERSON_TIME)):
        what = "person-time" if rates else "participants"
        msg = f"Mantel-Haenszel pooling needs the events and {what} of each arm: give study data, not effect sizes"
        raise CombinationError(msg)
    if rates and settings.mh_increment == "added":
        msg = "Mantel-Haenszel sums of events over person-time take no increments: leave mh_increment out"
        raise CombinationError(msg)
    if not is_intercept(sample.X):
        msg = "Mantel-Haenszel pooling takes no moderators: choose method 'IV'"
        raise CombinationError(msg)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Sums of 0 leave no finite estimate, which the engine reports with its reason.
        if sample.cells is None:
            estimate, variance, weights = _RATES[sample.measure](*(sample.columns[name] for name in _PERSON_TIME))
        else:
            estimate, variance, weights = _FORMULAS[sample.measure](sample.cells, sample.v, settings)
    return Fit(
        y=sample.y,
        v=sample.v,
        X=sample.X,
        w=weights,
        tau2=np.zeros(sample.y.shape[1:]),
        coefficients=np.asarray(estimate)[np.newaxis],
        covariance=np.asarray(variance)[np.newaxis, np.newaxis],
        model="common",
        method="M-H",
    )


def _odds_ratio(cells: CorrectedCells, _: FloatArray, __: Settings) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Use the variance of Robins, Breslow & Greenland (1986), Biometrics 42:311-323."""
    t = cells.sums
    n = t.n_1 + t.n_2
    r, s = t.a * t.d / n, t.b * t.c / n
    p, q = (t.a + t.d) / n, (t.b + t.c) / n
    r_sum, s_sum = r.sum(axis=0), s.sum(axis=0)
    variance = (
        (p * r).sum(axis=0) / (2 * r_sum**2)
        + (p * s + q * r).sum(axis=0) / (2 * r_sum * s_sum)
        + (q * s).sum(axis=0) / (2 * s_sum**2)
    )
    return _log_of_sums(r, s), variance, s


def _risk_ratio(cells: CorrectedCells, _: FloatArray, __: Settings) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Use the variance of Greenland & Robins (1985), Biometrics 41:55-68."""
    t = cells.sums
    n_1, n_2 = t.n_1, t.n_2
    n = n_1 + n_2
    r, s = t.a * n_2 / n, t.c * n_1 / n
    # n₁ n₂ (a + c) - a c n, regrouped so that nothing cancels.
    spread = (t.a * t.d * n_1 + t.c * t.b * n_2) / n**2
    variance = spread.sum(axis=0) / (r.sum(axis=0) * s.sum(axis=0))
    if cells.unit_ratio is not None:
        # The variance keeps the corrected cells, so that a table alone has its own standard error.
        r = np.where(cells.unit_ratio, s, r)
    return _log_of_sums(r, s), variance, s


def _risk_difference(
    cells: CorrectedCells, v: FloatArray, settings: Settings
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Use the variance of Greenland & Robins (1985), where a single table has its own, or that of Sato (1989)."""
    t, e = cells.sums, cells.raw if cells.differences is None else cells.differences
    weights = t.n_1 * t.n_2 / (t.n_1 + t.n_2)
    total = weights.sum(axis=0)
    estimate = (weights * ((e.a * e.n_2 - e.c * e.n_1) / (e.n_1 * e.n_2))).sum(axis=0) / total
    if settings.mh_rd_variance == "Sato":
        return estimate, _sato(t, estimate) / total**2, weights
    if weights.shape[0] == 1:
        return estimate, v[0], weights
    s = cells.spread
    m_1, m_2 = s.n_1, s.n_2
    spread = (s.a * s.b * m_2**3 + s.c * s.d * m_1**3) / (m_1 * m_2 * (m_1 + m_2) ** 2)
    return estimate, spread.sum(axis=0) / total**2, weights


def _sato(t: Cells, difference: FloatArray) -> FloatArray:
    """Sum the terms of the variance that holds for few large and for many sparse tables.

    Source: Sato, Greenland & Robins (1989), Biometrics 45:1323-1324.
    """
    n_1, n_2 = t.n_1, t.n_2
    n = n_1 + n_2
    p = (n_1**2 * t.c - n_2**2 * t.a + n_1 * n_2 * (n_2 - n_1) / 2) / n**2
    q = (t.a * t.d + t.c * t.b) / (2 * n)
    return np.asarray(difference * p.sum(axis=0) + q.sum(axis=0))


def _log_of_sums(r: FloatArray, s: FloatArray) -> FloatArray:
    """Take ln(Σr/Σs) through the sum of differences where the ratio is near 1."""
    r_sum, s_sum = np.asarray(r.sum(axis=0)), np.asarray(s.sum(axis=0))
    difference = np.asarray((r - s).sum(axis=0))
    near = np.abs(difference) < 0.5 * s_sum
    return np.asarray(np.where(near, np.log1p(difference / s_sum), np.log(r_sum / s_sum)))


_FORMULAS: dict[str, Callable[[CorrectedCells, FloatArray, Settings], tuple[FloatArray, FloatArray, FloatArray]]] = {
    "OR": _odds_ratio,
    "RR": _risk_ratio,
    "VE": _risk_ratio,
    "RD": _risk_difference,
}


def _rate_ratio(
    x_1: FloatArray, t_1: FloatArray, x_2: FloatArray, t_2: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    r, s, variance, weights = rate_ratio(x_1, t_1, x_2, t_2)
    return _log_of_sums(r, s), variance, weights


_PERSON_TIME = ("events_1", "time_1", "events_2", "time_2")
_RATES: dict[str, Callable[..., tuple[FloatArray, FloatArray, FloatArray]]] = {
    "IRR": _rate_ratio,
    "IRD": rate_difference,
}


@hookimpl
def pooling_models() -> list[PoolingModel]:
    """Offer Mantel–Haenszel pooling; its random-effects model takes DL's Q about the M-H estimate."""
    return [
        PoolingModel(
            "MH",
            mantel_haenszel,
            label="M-H",
            measures=frozenset({*_FORMULAS, *_RATES}),
            centre=True,
            tables="by correction",
            columns=_PERSON_TIME,
            formula="OR: θ̂ = ln(ΣR/ΣS), R = ad/N, S = bc/N; Var(θ̂) = ΣPR/(2(ΣR)²) + Σ(PS + QR)/(2 ΣR ΣS) + "
            "ΣQS/(2(ΣS)²), P = (a + d)/N, Q = (b + c)/N; RR: θ̂ = ln(ΣR/ΣS), R = an₂/N, S = cn₁/N, "
            "Var(θ̂) = Σ((a + c)n₁n₂/N² - ac/N)/(ΣR ΣS); RD: θ̂ = Σw(a/n₁ - c/n₂)/Σw, w = n₁n₂/N; "
            "Var(θ̂) = Σ((abn₂³ + cdn₁³)/(n₁n₂N²))/(Σw)²; IRR: θ̂ = ln(ΣR/ΣS), R = x₁t₂/T, S = "
            "x₂t₁/T, T = t₁ + t₂; IRD: θ̂ = Σw(x₁/t₁ - x₂/t₂)/Σw, w = t₁t₂/T",
            reference="Mantel & Haenszel (1959), J. Natl. Cancer Inst. 22:719-748; Robins, Breslow & Greenland (1986), "
            "Biometrics 42:311-323; Greenland & Robins (1985), Biometrics 41:55-68",
            r_equivalent="metafor::rma.mh(measure=measure, ai=events_1, n1i=n_1, ci=events_2, n2i=n_2)",
        )
    ]
