"""Limits of τ², τ, I² and H² beside 50-digit arithmetic."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.special import chdtri, ndtri

import evisynth as es
from evisynth_validation.mpmath.exact import exact
from evisynth_validation.mpmath.linear import Data
from evisynth_validation.mpmath.spread import profile_height, relative_distance, tail_of_q

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evisynth.heterogeneity import Heterogeneity
    from evisynth_validation.mpmath.exact import Exact

ITERATIVE = 1e-12
LEVELS = (0.5, 0.95, 0.999)


def samples(p: int) -> Iterator[tuple[es.FloatArray, es.FloatArray, es.FloatArray | None]]:
    rng = np.random.default_rng(20 + p)
    for k, decades, tau in ((p + 1, 1.0, 1.0), (p + 2, 1.0, 0.3), (7, 2.0, 1.0), (9, 6.0, 3.0), (14, 1.0, 0.0)):
        v = 10.0 ** rng.uniform(-decades / 2, decades / 2, k)
        y = rng.normal(0.5, np.sqrt(v + tau * tau))
        yield y, v, None if p == 1 else rng.normal(size=(k, p - 1))


def spread(
    sample: tuple[es.FloatArray, es.FloatArray, es.FloatArray | None], interval: str, level: float, tau2: str = "REML"
) -> Heterogeneity:
    y, v, moderators = sample
    words: dict[str, Any] = {} if moderators is None else {"moderators": moderators}
    if interval == "GENQ":
        words["weights"] = own_weights(v)
    chosen: dict[str, Any] = {
        "settings": "metafor",
        "prediction": None,
        "level": level,
        "tau2": tau2,
        "tau2_interval": interval,
    }
    return es.fit(es.Effects(y, v), **chosen, **words).heterogeneity


def own_weights(v: es.FloatArray) -> es.FloatArray:
    return (1.0 + np.arange(v.size) % 3) / (v + 0.125)


def data_of(sample: tuple[es.FloatArray, es.FloatArray, es.FloatArray | None]) -> Data:
    y, v, moderators = sample
    ones = np.ones((y.size, 1))
    design = ones if moderators is None else np.column_stack([ones, moderators])
    return Data.of(y.tolist(), v.tolist(), design.tolist())


WEIGHTS: dict[str, Callable[[es.FloatArray], es.FloatArray]] = {
    "GENQ": own_weights,
    "BJ": lambda v: 1.0 / v,
    "J": lambda v: 1.0 / np.sqrt(v),
}


def _tail_excess(data: Data, weights: list[Exact], tail: float, *, upper: bool) -> Callable[[Exact], Exact]:
    def excess(tau2: Exact) -> Exact:
        lower = tail_of_q(data, weights, tau2)
        return ((1 - lower if upper else lower) - tail) / tail

    return excess


def _height_above(data: Data, best: float, drop: float, *, restricted: bool) -> Callable[[Exact], Exact]:
    floor = profile_height(data, exact(best), restricted=restricted) - drop
    return lambda tau2: profile_height(data, tau2, restricted=restricted) - floor


@pytest.mark.parametrize("p", [1, 3])
@pytest.mark.parametrize("interval", WEIGHTS)
def test_generalised_q_has_its_tail_probabilities(interval: str, p: int) -> None:
    met = 0
    for sample in samples(p):
        data = data_of(sample)
        weights = [exact(a) for a in WEIGHTS[interval](sample[1]).tolist()]
        for level in LEVELS:
            found = spread(sample, interval, level)
            tail = 0.5 * (1.0 - level)
            at_zero = tail_of_q(data, weights, exact(0))
            if found.tau2_ci_low is None or found.tau2_ci_high is None:
                assert at_zero < tail
                continue
            assert at_zero > tail
            if found.tau2_ci_low == 0.0:
                assert 1 - at_zero >= tail
            for limit, upper in ((found.tau2_ci_low, True), (found.tau2_ci_high, False)):
                if limit == 0.0:
                    continue

                apart, slope = relative_distance(_tail_excess(data, weights, tail, upper=upper), limit)
                assert apart <= ITERATIVE * max(1.0, 1.0 / slope), (interval, p, level, limit)
                met += 1
    assert met > 15


@pytest.mark.parametrize("p", [1, 3])
@pytest.mark.parametrize("estimator", ["REML", "ML"])
def test_profile_likelihood_falls_by_half_a_quantile(estimator: str, p: int) -> None:
    for sample in samples(p):
        data, restricted = data_of(sample), estimator == "REML"
        for level in LEVELS:
            found = spread(sample, "PL", level, estimator)
            assert found.tau2 is not None
            assert found.tau2_ci_low is not None
            assert found.tau2_ci_high is not None
            assert found.tau2_ci_low <= found.tau2 <= found.tau2_ci_high
            drop = 0.5 * float(chdtri(1.0, 1.0 - level))
            excess = _height_above(data, found.tau2, drop, restricted=restricted)
            for limit in (found.tau2_ci_low, found.tau2_ci_high):
                if limit == 0.0:
                    assert excess(exact(0)) >= 0
                    continue
                apart, slope = relative_distance(excess, limit)
                assert apart <= ITERATIVE * max(1.0, 1.0 / slope), (estimator, p, level, limit)
            # Beyond the limits nothing is near enough.
            for beyond in (found.tau2_ci_low * 0.9, found.tau2_ci_low * 0.01, found.tau2_ci_high * 1.1):
                assert found.tau2_ci_low == beyond == 0.0 or excess(exact(beyond)) < 0


def test_a_likelihood_near_enough_in_two_places_says_so() -> None:
    # Precise studies that are alike and a vague one far away: the likelihood has two modes.
    y = np.array([0.0, 0.0, 0.0, 0.0, 9.0])
    v = np.array([1e-4, 1e-4, 1e-4, 1e-4, 9.0])
    data = data_of((y, v, None))
    found = spread((y, v, None), "PL", 0.95)
    assert found.tau2_ci_low is not None
    assert found.tau2_ci_high is not None
    best = profile_height(data, exact(found.tau2 or 0.0), restricted=True)
    grid = [0.0, *np.geomspace(1e-7, 10 * found.tau2_ci_high, 300).tolist()]
    near = [t for t in grid if best - profile_height(data, exact(t), restricted=True) <= 0.5 * float(chdtri(1.0, 0.05))]
    assert found.tau2_ci_low <= near[0]
    assert near[-1] <= found.tau2_ci_high
    pieces = 1 + sum(grid.index(b) - grid.index(a) > 1 for a, b in pairwise(near))
    assert (found.tau2_ci_reason is not None) == (pieces > 1)


@pytest.mark.parametrize("p", [1, 3])
def test_wald_types_are_their_formulas(p: int) -> None:
    for sample in samples(p):
        for level in LEVELS:
            z = -float(ndtri(0.5 * (1 - level)))
            plain, log, root = (spread(sample, name, level) for name in ("Wald", "Wald.log", "Wald.sqrt"))
            tau2, se = plain.tau2, plain.tau2_se
            assert tau2 is not None
            assert se is not None
            assert plain.tau2_ci_low == pytest.approx(max(tau2 - z * se, 0.0), rel=1e-13)
            assert plain.tau2_ci_high == pytest.approx(tau2 + z * se, rel=1e-13)
            if tau2 == 0:
                assert log.tau2_ci_high is None
                assert root.tau2_ci_high == math.inf
                continue
            ratio = math.exp(z * se / tau2)
            assert (log.tau2_ci_low, log.tau2_ci_high) == pytest.approx((tau2 / ratio, tau2 * ratio), rel=1e-12)
            tau, step = math.sqrt(tau2), 0.5 * z * se / math.sqrt(tau2)
            assert root.tau2_ci_low == pytest.approx(max(tau - step, 0.0) ** 2, rel=1e-12)
            assert root.tau2_ci_high == pytest.approx((tau + step) ** 2, rel=1e-12)


def test_limits_of_the_others_follow_from_those_of_tau2() -> None:
    for interval in ("QP", "PL", "J", "Wald", "HT"):
        for sample in samples(1):
            found = spread(sample, interval, 0.95)
            if found.tau2_ci_low is None:
                assert (found.i2_ci_low, found.h2_ci_high, found.tau_ci_low) == (None, None, None)
                continue
            w = [1 / v for v in data_of(sample).v]
            total = sum(w, exact(0))
            trace = total - sum((x * x for x in w), exact(0)) / total
            typical = float((len(w) - 1) / trace)
            for tau2, tau, i2, h2 in (
                (found.tau2_ci_low, found.tau_ci_low, found.i2_ci_low, found.h2_ci_low),
                (found.tau2_ci_high, found.tau_ci_high, found.i2_ci_high, found.h2_ci_high),
            ):
                assert tau2 is not None
                assert (tau, i2, h2) == pytest.approx(
                    (math.sqrt(tau2), 100 * tau2 / (tau2 + typical), 1 + tau2 / typical), rel=1e-13
                )


def test_higgins_and_thompson_by_hand() -> None:
    for sample in samples(1):
        y, v, _ = sample
        q_shown = es.fit(es.Effects(y, v), settings="meta", prediction=None, level=0.9)
        found = q_shown.heterogeneity
        assert q_shown.settings.i2_interval == "HT"
        q, df = found.q, found.df
        assert q is not None
        assert df is not None
        k = df + 1
        if k == 2 and q <= k:
            assert found.i2_ci_reason is not None
            continue
        se = (
            0.5 * (math.log(q) - math.log(df)) / (math.sqrt(2 * q) - math.sqrt(2 * k - 3))
            if q > k
            else math.sqrt((1 - 1 / (3 * (k - 2) ** 2)) / (2 * (k - 2)))
        )
        h = math.sqrt(max(q / df, 1.0))
        z = -float(ndtri(0.05))
        low, high = (max(h * math.exp(sign * z * se), 1.0) for sign in (-1, 1))
        assert (found.h2_ci_low, found.h2_ci_high) == pytest.approx((low**2, high**2), rel=1e-12)
        assert found.i2_ci_high == pytest.approx(100 * (1 - 1 / high**2), rel=1e-12)


@pytest.mark.parametrize("interval", ["QP", "BJ", "J", "GENQ"])
def test_equal_effects_leave_no_tau2(interval: str) -> None:
    found = spread((np.full(4, 0.5), np.array([0.1, 0.2, 0.3, 4.0]), None), interval, 0.95)
    assert found.tau2_limits[0] is None
    assert found.tau2_ci_reason is not None
    assert "empty" in found.tau2_ci_reason
    document = es.fit(es.Effects([0.5, 0.5, 0.5], [0.1, 0.2, 0.3]), tau2_interval="QP").to_dict()
    assert document["heterogeneity"]["tau2_ci_low"] is None
    assert "empty" in document["reasons"]["heterogeneity.i2_ci_high"]


def test_one_study_has_no_spread() -> None:
    for interval in ("QP", "BJ", "J", "PL", "Wald", "Wald.log", "Wald.sqrt", "HT"):
        found = es.fit(es.Effects([0.3], [0.1]), tau2_interval=interval).heterogeneity
        assert found.tau2_ci_reason is not None
        assert found.i2_ci_reason is not None


def test_a_batch_says_of_each_analysis_what_is_wrong() -> None:
    y = np.array([0.5, 0.5, 0.5, 0.0, 2.0, 4.0])
    v = np.full(6, 0.1)
    for interval, said in (("QP", "empty"), ("J", "empty"), ("Wald.log", "logarithm"), ("Wald.sqrt", "no upper limit")):
        table = es.fit_many(y=y, v=v, offsets=[0, 3, 6], tau2="DL", tau2_interval=interval)
        assert said in table["tau2_ci_reason"][0]
        assert table["tau2_ci_reason"][1] is None
        assert np.isfinite(table["tau2_ci_high"][1])
        single = es.fit(es.Effects(y[3:], v[3:]), tau2="DL", tau2_interval=interval).heterogeneity
        assert table["tau2_ci_high"][1] == pytest.approx(single.tau2_ci_high, rel=1e-12)
