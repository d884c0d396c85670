"""Infer about the common-effect estimate by its distribution under heterogeneity, after Henmi and Copas."""

from __future__ import annotations

import math
from functools import lru_cache

import attrs
import numpy as np

from evisynth import (
    BoolArray,
    CombinationError,
    Estimates,
    Fit,
    FloatArray,
    IntArray,
    IntervalMethod,
    bracketed_roots,
    hookimpl,
    is_intercept,
    no_estimates,
    normal_quantile,
    power_of_two_scale,
    weighted_fit,
)

_NODES = 12
"""Points of Gauss–Legendre quadrature in each panel."""
_HALVINGS = 24
_EVEN = 8
_AROUND = np.array([-8.0, -4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0, 8.0])
"""Where panels end about the rise of the distribution of Q, in its standard deviations."""
_REACH = 90.0
"""Twice the logarithm of what the normal density has lost where the integral ends."""
_LEAST = 1e-100
"""A ratio below this has probability 1 of being exceeded, and its square is still a number."""
_STEPS = 40
_DOUBLINGS = 60


def henmi_copas(fit: Fit, level: float) -> Estimates:
    """Find t so that the common-effect estimate lies within ±t of its standard errors with probability ``level``.

    The estimate θ̂ has the weights w = 1/v and the squared standard error (W1 + τ̂² W2)/W1², Wr = Σwʳ, in which τ̂² is
    DerSimonian and Laird's. Given the standardised θ̂, Q (and with it τ̂²) follows nearly a gamma distribution with the
    exact conditional mean and variance of a quadratic form; the distribution of the ratio is one integral over the
    normal density, by Gauss–Legendre quadrature. The p-value is of the same distribution. τ² of the fit has no part
    in it, nor has its estimate.
    """
    if fit.p != 1 or not is_intercept(fit.X):
        msg = "interval HC is for a pooled effect, not for coefficients of moderators: choose HK, KR, t or Wald"
        raise CombinationError(msg)
    if fit.weighted is None:
        msg = f"interval HC is about the estimate with inverse-variance weights, not those of {fit.method}"
        raise CombinationError(msg)
    if fit.weights is not None:
        return no_estimates(
            fit.coefficients,
            level,
            "is about the estimate with inverse-variance weights, and here are weights of the user's",
        )
    unit = power_of_two_scale(fit.v)
    y, v = (a.reshape(fit.k, -1) for a in (fit.y / unit, fit.v / (unit * unit)))
    with np.errstate(over="ignore", invalid="ignore"):
        everything = _Pivot.of(y, v)
    seen = np.nonzero(everything.finite)[0]
    ratio, log_p, t = (np.full(everything.mean.size, np.nan) for _ in range(3))
    if seen.size:
        pivot = everything.at(seen)
        ratio[seen] = pivot.mean / pivot.se
        log_p[seen] = pivot.log_p(np.abs(ratio[seen]), np.arange(seen.size))
        t[seen] = pivot.quantile(level)
    shape = (1, *fit.y.shape[1:])
    error = np.where(everything.finite, everything.se, np.nan)
    value, se, half = (np.asarray((a * unit.reshape(-1)).reshape(shape)) for a in (everything.mean, error, error * t))
    log_p = log_p.reshape(shape)
    return Estimates(
        value=value,
        se=se,
        ci_low=value - half,
        ci_high=value + half,
        statistic=ratio.reshape(shape),
        df=None,
        p_value=np.exp(log_p),
        log_p_value=log_p,
        level=level,
        covariance=(se * se)[np.newaxis],
        note=None if seen.size == ratio.size else "cannot be computed where variances lie so far apart",
    )


@attrs.frozen(eq=False)
class _Pivot:
    """The ratio of the estimate to its standard error for m analyses, each field ``(m,)``.

    The conditional mean of Q is ``mean_0 + mean_2 r²`` and its variance ``variance_0 + variance_2 r²`` where the
    standardised estimate is r; Q stays below ``dof + rise (r² - r0²)``, r0 = t · floor, where the ratio exceeds t,
    with the rise divided by t².
    """

    mean: FloatArray
    se: FloatArray
    dof: int
    floor: FloatArray
    rise: FloatArray
    mean_0: FloatArray
    mean_2: FloatArray
    variance_0: FloatArray
    variance_2: FloatArray

    @classmethod
    def of(cls, y: FloatArray, v: FloatArray) -> _Pivot:
        """Take the moments of m analyses ``(k, m)``."""
        w = 1.0 / v
        fit = weighted_fit(y, w)
        dof, trace = fit.dof, fit.trace
        tau2 = np.maximum((fit.rss - dof) / trace, 0.0)
        squares = w * w
        w1, w2 = w.sum(axis=0), squares.sum(axis=0)
        # With a = w/W1 and D = V + τ²: the variance of the estimate, and how Q leans on it (a'DBDa and a'DBDBDa).
        above = 1.0 + tau2 * w2 / w1
        gaps = weighted_fit(w, w).residuals
        lean = (w * gaps * gaps).sum(axis=0)
        rest = (squares * (gaps - lean / w2) ** 2).sum(axis=0)
        share = tau2 * tau2 / (w1 * above)
        mean_2 = share * lean
        # a'DBDBDa/σ² less (a'DBDa/σ²)², as a sum of positive terms.
        slope = share * (lean + tau2 * rest + tau2 * lean * lean / (w2 * above))
        spread = dof + 2.0 * tau2 * trace + tau2 * tau2 * fit.trace_squared
        return cls(
            mean=fit.coefficients[0],
            se=np.sqrt(above / w1),
            dof=dof,
            floor=1.0 / np.sqrt(above),
            rise=trace * w1 * above / w2,
            mean_0=dof + tau2 * trace - mean_2,
            mean_2=mean_2,
            variance_0=2.0 * (spread - 2.0 * slope - mean_2 * mean_2),
            variance_2=4.0 * slope,
        )

    @property
    def finite(self) -> BoolArray:
        """Analyses whose sums are within the range of doubles."""
        fields = (getattr(self, field.name) for field in attrs.fields(_Pivot) if field.name != "dof")
        return np.asarray(np.logical_and.reduce([np.isfinite(held) for held in fields]), dtype=np.bool_)

    def at(self, which: IntArray) -> _Pivot:
        """Take some analyses."""
        names = (field.name for field in attrs.fields(_Pivot) if field.name != "dof")
        return attrs.evolve(self, **{name: getattr(self, name)[which] for name in names})

    def log_p(self, t: FloatArray, which: IntArray) -> FloatArray:
        """Give the logarithm of the probability that the ratio is beyond ±t, ``t`` as ``which``."""
        from scipy.special import gammainc  # noqa: PLC0415 - scipy comes with the first fit

        held = self.at(which)
        t = np.maximum(t, _LEAST)
        r0 = t * held.floor
        reach = _REACH / (np.sqrt(r0 * r0 + _REACH) + r0)
        nodes, weights = _panels(held.edges(r0, t, reach))
        below = held.dof + held.rise / (t * t) * (nodes * (2.0 * r0 + nodes))
        square = (r0 + nodes) ** 2
        mean = held.mean_0 + held.mean_2 * square
        variance = held.variance_0 + held.variance_2 * square
        under = gammainc(mean * mean / variance, below * mean / variance)
        integral = (weights * np.exp(-nodes * (r0 + 0.5 * nodes)) * under).sum(axis=0)
        with np.errstate(divide="ignore"):
            # Beyond the range of doubles the probability is 0.
            log_p = 0.5 * math.log(2.0 / math.pi) - 0.5 * r0 * r0 + np.log(integral)
        return np.asarray(np.minimum(log_p, 0.0), dtype=np.float64)

    def edges(self, r0: FloatArray, t: FloatArray, reach: FloatArray) -> FloatArray:
        """Cut [0, reach] where the normal density and the distribution of Q change, ``(panels + 1, m)``."""
        fractions = np.concatenate([[0.0], 0.5 ** np.arange(_HALVINGS, 0, -1), np.arange(1, _EVEN + 1) / _EVEN])
        low, high = np.zeros((_AROUND.size, r0.size)), np.broadcast_to(reach, (_AROUND.size, r0.size)).copy()
        for _ in range(_STEPS):
            middle = 0.5 * (low + high)
            square = (r0 + middle) ** 2
            below = self.dof + self.rise / (t * t) * (middle * (2.0 * r0 + middle))
            away = below - self.mean_0 - self.mean_2 * square
            under = away < _AROUND[:, np.newaxis] * np.sqrt(self.variance_0 + self.variance_2 * square)
            low, high = np.where(under, middle, low), np.where(under, high, middle)
        return np.sort(np.concatenate([fractions[:, np.newaxis] * reach, low]), axis=0)

    def quantile(self, level: float) -> FloatArray:
        """Find the t that the ratio exceeds in size with probability 1 - level, ``(m,)``."""
        goal = math.log1p(-level)
        everything = np.arange(self.mean.size)

        def gap(t: FloatArray, which: IntArray) -> FloatArray:
            return self.log_p(t, which) - goal

        low = np.zeros(everything.size)
        f_low = np.full(everything.size, -goal)
        high = np.full(everything.size, normal_quantile(level))
        f_high = gap(high, everything)
        for _ in range(_DOUBLINGS):
            short = np.nonzero(f_high > 0)[0]
            if not short.size:
                break
            low[short], f_low[short] = high[short], f_high[short]
            high[short] = 2.0 * high[short]
            f_high[short] = gap(high[short], short)
        return bracketed_roots(gap, low, high, f_low, f_high)


def _panels(edges: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Put Gauss–Legendre nodes into every panel: nodes and weights ``(panels · nodes, m)``."""
    points, weights = _legendre()
    half = 0.5 * np.diff(edges, axis=0)
    centre = 0.5 * (edges[:-1] + edges[1:])
    at = centre[:, np.newaxis] + half[:, np.newaxis] * points[:, np.newaxis]
    by = half[:, np.newaxis] * weights[:, np.newaxis]
    return at.reshape(-1, edges.shape[1]), by.reshape(-1, edges.shape[1])


@lru_cache(maxsize=1)
def _legendre() -> tuple[FloatArray, FloatArray]:
    points, weights = np.polynomial.legendre.leggauss(_NODES)
    return np.asarray(points), np.asarray(weights)


@hookimpl
def interval_methods() -> list[IntervalMethod]:
    """Offer the Henmi–Copas interval."""
    return [
        IntervalMethod(
            "HC",
            henmi_copas,
            random_only=True,
            moderators=False,
            formula="P(|θ̂ - θ| ≤ t SE) = level, limits θ̂ ± t SE; θ̂ = Σ wᵢyᵢ/Σ wᵢ, SE² = (Σw + τ̂² "
            "Σw²)/(Σw)², wᵢ = 1/vᵢ, τ̂² by DL",
            reference="Henmi & Copas (2010), Stat. Med. 29:2969-2983",
            r_equivalent="metafor::hc(metafor::rma(yi, vi, method='DL'))",
        )
    ]
