"""Intervals and predictions against 50-digit arithmetic, by formulas as they are printed, for a τ² that is given."""

from __future__ import annotations

import math
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any, TypeAlias

import mpmath as _untyped
import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Iterator

mp: Any = _untyped
Number: TypeAlias = Any
"""One of mpmath's, which have no types."""

CLOSED = 1e-13
LEVEL = 0.95
REGISTRY = es.default_registry()
DIGITS = 50


def fits() -> Iterator[tuple[str, es.Fit]]:
    """Samples of every size and spread, without and with moderators, at several τ²."""
    rng = np.random.default_rng(2024)
    for k, decades, p in product((2, 3, 5, 12), (0.3, 3.0, 6.0), (1, 2, 3)):
        if k <= p:
            continue
        v = 10.0 ** rng.uniform(-decades / 2, decades / 2, k)
        for share in (0.0, 0.01, 1.0, 100.0):
            tau2 = share * float(np.exp(np.log(v).mean()))
            y = rng.normal(0.3, np.sqrt(v + tau2))
            X = np.column_stack([np.ones(k), rng.normal(size=(k, p - 1))])
            name = f"k {k}, {decades} decades, p {p}, tau2 {tau2:.3g}"
            yield name, es.inverse_variance_fit(y, v, X, np.asarray(tau2), model="random")


FITS = list(fits())


class Exact:
    """Weighted least squares with mpmath's matrices."""

    def __init__(self, fit: es.Fit, tau2: float | None = None) -> None:
        self.k, self.p = fit.k, fit.p
        self.y = mp.matrix([mp.mpf(float(a)) for a in fit.y])
        self.v = [mp.mpf(float(a)) for a in fit.v]
        self.X = mp.matrix(fit.X.tolist())
        self.tau2 = mp.mpf(float(fit.tau2) if tau2 is None else tau2)
        self.w = [1 / (a + self.tau2) for a in self.v]
        self.W = mp.diag(self.w)
        self.phi = mp.inverse(self.X.T * self.W * self.X)
        self.beta = self.phi * self.X.T * self.W * self.y
        r = self.y - self.X * self.beta
        self.rss = (r.T * self.W * r)[0]
        self.P = self.W - self.W * self.X * self.phi * self.X.T * self.W

    def trace(self, matrix: Number) -> Number:
        return sum(matrix[i, i] for i in range(matrix.rows))


@cache
def t_quantile(df: Number) -> Number:
    """The t that Student's t lies within ±t of with the probability of the level."""
    if df is None:
        return mp.sqrt(2) * mp.erfinv(mp.mpf(LEVEL))
    df = mp.mpf(df)

    def gap(t: Number) -> Number:
        inside = mp.betainc(df / 2, mp.mpf(1) / 2, 0, df / (df + t * t), regularized=True)
        return inside - (1 - mp.mpf(LEVEL))

    low, high = mp.mpf(-5), mp.mpf(30) / df + 5
    while high - low > mp.mpf("0.1"):
        middle = (low + high) / 2
        low, high = (middle, high) if gap(mp.exp(middle)) > 0 else (low, middle)
    # Newton's steps for log t, by the density; what is inside ±t has twice its slope.
    constant = mp.gamma((df + 1) / 2) / mp.gamma(df / 2) / mp.sqrt(mp.pi * df)
    u = (low + high) / 2
    for _ in range(20):
        t = mp.exp(u)
        step = gap(t) / (2 * t * constant * (1 + t * t / df) ** (-(df + 1) / 2))
        u += step
        if abs(step) < mp.mpf(10) ** (10 - DIGITS) * max(1, 1 / df):
            return mp.exp(u)
    msg = f"the quantile of Student's t was not found: df {df}"
    raise ArithmeticError(msg)


def kenward_roger(exact: Exact) -> tuple[Any, list[Any]]:
    w2, w3 = mp.diag([a**2 for a in exact.w]), mp.diag([a**3 for a in exact.w])
    phi, X = exact.phi, exact.X
    variance = 2 / exact.trace(exact.P * exact.P)
    p = X.T * w2 * X
    covariance = phi + 2 * variance * phi * (X.T * w3 * X - p * phi * p) * phi
    pulled = covariance * p * covariance
    return covariance, [2 * covariance[j, j] ** 2 / (variance * pulled[j, j] ** 2) for j in range(exact.p)]


def truths(  # noqa: PLR0911 - one for each method
    name: str, fit: es.Fit
) -> tuple[Any, list[Any], list[Any]] | None:
    """Value, standard errors and degrees of freedom of every coefficient."""
    exact = Exact(fit)
    wald = [mp.sqrt(exact.phi[j, j]) for j in range(exact.p)]
    dof = fit.dof
    if name == "Wald":
        return exact.beta, wald, [None] * exact.p
    if name == "t":
        return exact.beta, wald, [dof] * exact.p
    scale = exact.rss / dof
    if name == "HK":
        return exact.beta, [a * mp.sqrt(scale) for a in wald], [dof] * exact.p
    if name == "HK se":
        return exact.beta, [a * mp.sqrt(max(scale, 1)) for a in wald], [dof] * exact.p
    if name == "HK ci":
        wider = t_quantile(dof) * mp.sqrt(scale) >= t_quantile(None)
        return truths("HK" if wider else "Wald", fit)
    if name == "HK IQWiG6":
        if exact.p > 1:
            return None
        common = Exact(fit, 0.0)
        tau2 = max(0.0, float((common.rss - dof) / common.trace(common.P)))
        classic = mp.sqrt(Exact(fit, tau2).phi[0, 0]) * t_quantile(None)
        narrow = t_quantile(dof) * wald[0] * mp.sqrt(scale) < classic
        return truths("HK se" if narrow else "HK", fit)
    if name == "KR":
        covariance, df = kenward_roger(exact)
        return exact.beta, [mp.sqrt(covariance[j, j]) for j in range(exact.p)], df
    common = Exact(fit, 0.0)
    total = mp.diag([a + exact.tau2 for a in exact.v])
    bread = common.phi * exact.X.T * common.W
    covariance = bread * total * bread.T
    return common.beta, [mp.sqrt(covariance[j, j]) for j in range(exact.p)], [None] * exact.p


def condition(exact: Exact) -> float:
    """How far a scaled cross-product of the design is from singular."""
    gram = exact.X.T * exact.W * exact.X
    scaled = mp.matrix(exact.p, exact.p)
    for i, j in product(range(exact.p), repeat=2):
        scaled[i, j] = gram[i, j] / mp.sqrt(gram[i, i] * gram[j, j])
    return float(mp.mnorm(scaled, "f") * mp.mnorm(mp.inverse(scaled), "f"))


NAMES = ["Wald", "t", "HK", "HK se", "HK ci", "HK IQWiG6", "KR", "IVhet"]


@pytest.mark.parametrize("name", NAMES)
def test_intervals_of_coefficients(name: str) -> None:
    method, _, adhoc = name.partition(" ")
    record = REGISTRY.get(es.IntervalMethod, method)
    compared = 0
    with mp.workdps(DIGITS):
        for where, fit in FITS:
            truth = truths(name, fit)
            if truth is None:
                continue
            value, se, df = truth
            made = record.function(fit, LEVEL, **record.named_inputs({"adhoc": adhoc or None}))
            exact = Exact(fit)
            # Residuals carry the rounding of effects that are large beside them.
            size = float(
                sum(w * y * y for w, y in zip(exact.w, exact.y, strict=True)) / max(exact.rss, mp.mpf(10) ** -40)
            )
            cond = condition(exact) + condition(Exact(fit, 0.0))
            loss = math.sqrt(size) if method == "HK" else 1.0
            for j in range(fit.p):
                tolerance = CLOSED * cond * loss
                assert abs(float(made.se[j] / se[j] - 1)) <= tolerance, (where, j, made.se[j], se[j])
                terms = max(abs(float(b)) for b in value)
                assert abs(float(made.value[j] - value[j])) <= CLOSED * cond * (terms + float(se[j])), (where, j)
                one = made.one(j)
                assert (one.df is None) == (df[j] is None)
                if one.df is not None:
                    assert abs(float(one.df / df[j] - 1)) <= tolerance, (where, j, one.df, df[j])
                half = t_quantile(one.df) * se[j]
                if half > mp.mpf(2) ** 1024:
                    assert made.ci_high[j] == -made.ci_low[j] == np.inf
                    continue
                # log t goes with 1/df.
                slack = 20 * tolerance * (1 + abs(float(value[j] / half)) + 1 / (one.df or 1.0))
                assert abs(float((made.ci_high[j] - made.ci_low[j]) / (2 * half) - 1)) <= slack, (where, j)
                compared += 1
    assert compared >= 48


def condition_of_df(fit: es.Fit, df: float) -> float:
    """How much of df is left of Kenward and Roger's."""
    record = REGISTRY.get(es.IntervalMethod, "KR")
    return float(np.asarray(record.function(fit, LEVEL).df)[0] / df)


PREDICTIONS: dict[str, tuple[str | None, int | str | None]] = {
    "HTS": ("Wald", 2),
    "V": ("Wald", 1),
    "HK": ("HK", 1),
    "HK-PR": ("HK", 2),
    "KR": ("KR", "0"),
    "KR-PR": ("KR", "1"),
    "S": ("Wald", None),
    "simple": (None, None),
}
"""Whose standard error, and what its degrees of freedom are short of: k, or (as text) Kenward and Roger's."""


@pytest.mark.parametrize("name", sorted(PREDICTIONS))
def test_prediction_intervals(name: str) -> None:
    method, less = PREDICTIONS[name]
    record = REGISTRY.get(es.PredictionInterval, name)
    compared = absent = 0
    with mp.workdps(DIGITS):
        for where, fit in FITS:
            if fit.p > 1:
                continue
            exact = Exact(fit)
            truth = truths(method or "Wald", fit)
            assert truth is not None
            se = truth[1][0]
            df: Number = None if less is None else truth[2][0] - int(less) if isinstance(less, str) else fit.k - less
            limits = record.function(fit, LEVEL, **record.named_inputs({"adhoc": None}))
            if df is not None and df <= 0:
                assert np.isnan(limits.low)
                assert limits.reason
                absent += 1
                continue
            scale = mp.sqrt((0 if method is None else se**2) + exact.tau2)
            half = t_quantile(df) * scale
            if half > mp.mpf(2) ** 1024:
                assert np.isinf(limits.low)
                assert np.isinf(limits.high)
                compared += 1
                continue
            size = float(
                sum(w * y * y for w, y in zip(exact.w, exact.y, strict=True)) / max(exact.rss, mp.mpf(10) ** -40)
            )
            loss = (math.sqrt(size) if method == "HK" else 1.0) * (
                1 + abs(float(exact.beta[0] / max(half, mp.mpf(10) ** -40)))
            )
            if method == "KR" and df is not None:  # log t goes with 1/df, and the rounding of df with it
                loss *= (1 + 1 / float(df)) ** 2 * condition_of_df(fit, float(df))
            for end, side in ((limits.low, -1), (limits.high, 1)):
                expected = exact.beta[0] + side * half
                slack = 50 * CLOSED * loss * float(half) + 1e-15 * abs(float(exact.beta[0]))
                assert abs(float(float(end) - expected)) <= slack, (where, end, expected)
            compared += 1
    assert compared >= 20
    assert absent == {"HTS": 12, "HK-PR": 12}.get(name, absent)


def test_the_quantile_of_henmi_and_copas_keeps_its_probability_where_weights_are_extreme() -> None:
    record = REGISTRY.get(es.IntervalMethod, "HC")
    for _, fit in FITS[::7]:
        if fit.p > 1:
            continue
        for level in (0.5, 0.95, 0.999):
            made = record.function(fit, level)
            t = (made.ci_high - made.value) / made.se
            shown = attrs_with_value(fit, float(t[0]), made)
            assert shown == pytest.approx(1 - level, rel=1e-10)


def attrs_with_value(fit: es.Fit, t: float, made: es.Estimates) -> float:
    """The p-value of the same sample moved so that its statistic is t."""
    record = REGISTRY.get(es.IntervalMethod, "HC")
    moved = es.inverse_variance_fit(
        fit.y - float(made.value[0]) + t * float(made.se[0]), fit.v, fit.X, fit.tau2, model="random"
    )
    return float(record.function(moved, 0.9).p_value[0])
