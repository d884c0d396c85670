"""Laws of intervals: nested in their level, in step with the test, and about their estimate."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.special import chdtrc

import evisynth as es
from evisynth.testing import strategies

few = strategies.examples(50)
OURS = [
    (record.kind, record.name)
    for record, plugin in es.default_registry()
    if plugin.distribution == "evisynth"  # another package's method may have laws of its own
]
INTERVALS = [name for kind, name in OURS if kind == "IntervalMethod"]
PREDICTIONS = [name for kind, name in OURS if kind == "PredictionInterval"]
LEVELS = st.floats(0.01, 0.999)


@pytest.mark.parametrize("model", ["common", "random"])
@pytest.mark.parametrize("name", INTERVALS)
@given(data=st.data())
@few
def test_intervals_are_nested_and_hold_their_estimate(name: str, model: str, data: st.DataObject) -> None:
    effects = es.Effects(*data.draw(strategies.samples(1)))
    narrow, wide = sorted(data.draw(st.lists(LEVELS, min_size=2, max_size=2, unique=True)))
    adhoc = data.draw(st.booleans())
    inner, outer = (
        es.fit(effects, model=model, interval=name, tau2="DL", adhoc=adhoc, level=level).pooled
        for level in (narrow, wide)
    )
    assert inner is not None
    assert outer is not None
    assert outer.ci_low <= inner.ci_low <= inner.value <= inner.ci_high <= outer.ci_high
    # A permutation test may reject every hypothesis but the estimate itself, if at a low level.
    assert inner.ci_low < inner.ci_high or name == "permutation"
    assert (inner.value, inner.se, inner.statistic, inner.p_value) == (
        outer.value,
        outer.se,
        outer.statistic,
        outer.p_value,
    )


@pytest.mark.parametrize("name", INTERVALS)
@given(data=st.data())
@few
def test_the_test_rejects_where_the_interval_excludes_zero(name: str, data: st.DataObject) -> None:
    effects = es.Effects(*data.draw(strategies.samples(1)))
    level = data.draw(LEVELS)
    found = es.fit(effects, interval=name, tau2="PM", level=level).pooled
    assert found is not None
    assume(abs(found.p_value - (1 - level)) > 1e-9)
    assert (found.p_value < 1 - level) == (found.ci_low > 0 or found.ci_high < 0)
    if found.p_value > 0:
        assert found.log_p_value == pytest.approx(math.log(found.p_value), rel=1e-9, abs=1e-12)


@given(data=st.data())
@few
def test_the_floor_keeps_hartung_knapp_at_least_as_wide_as_wald(data: st.DataObject) -> None:
    effects = es.Effects(*data.draw(strategies.samples()))
    wald, plain, floored = (
        es.fit(effects, tau2="DL", interval=interval, adhoc=adhoc).pooled
        for interval, adhoc in (("Wald", False), ("HK", False), ("HK", True))
    )
    assert wald is not None
    assert plain is not None
    assert floored is not None
    assert floored.se >= wald.se
    if plain.df is not None:  # effects that do not differ at all have Wald's
        assert floored.se == max(plain.se, wald.se)


@pytest.mark.parametrize("name", PREDICTIONS)
@given(data=st.data())
@few
def test_predictions_hold_the_mean_and_widen_with_the_level(name: str, data: st.DataObject) -> None:
    effects = es.Effects(*data.draw(strategies.samples(3)))
    narrow, wide = sorted(data.draw(st.lists(LEVELS, min_size=2, max_size=2, unique=True)))
    interval = data.draw(st.sampled_from(INTERVALS))
    inner, outer = (
        es.fit(effects, tau2="DL", interval=interval, prediction=name, level=level, settings="metafor")
        for level in (narrow, wide)
    )
    assert inner.fit is not None
    if inner.prediction is None or outer.prediction is None:
        assert inner.model.prediction_reason
        assert name in {"KR-PR", "NNF"}  # too few degrees of freedom; effects that are all equal
        return
    assert outer.prediction.low <= inner.prediction.low <= inner.prediction.high <= outer.prediction.high
    assert inner.prediction.low < inner.prediction.high or (name == "simple" and inner.fit.tau2 == 0)
    if not es.default_registry().get(es.PredictionInterval, name).own_tau2:
        assert inner.prediction.low <= float(inner.fit.coefficients[0]) <= inner.prediction.high


@pytest.mark.parametrize("name", PREDICTIONS)
@given(data=st.data())
@few
def test_the_limits_of_a_prediction_have_the_probability_of_its_level(name: str, data: st.DataObject) -> None:
    effects = es.Effects(*data.draw(strategies.samples(3)))
    level = data.draw(st.floats(0.05, 0.99))
    found = es.fit(effects, tau2="DL", prediction=name, level=level, settings="metafor")
    limits = found.prediction
    if limits is None or not math.isfinite(limits.low):
        return
    probabilities = [
        found.probability(below=limits.low),
        found.probability(above=limits.high),
        found.probability(below=limits.high),
    ]
    values = [probability.value for probability in probabilities]
    if None in values:
        assert all(probability.reason for probability in probabilities)
        assert name == "simple"
        return
    # Limits of one double each: far from 0 their rounding is seen in the probability.
    size = max(abs(limits.low), abs(limits.high)) / (limits.high - limits.low)
    tails = pytest.approx((1 - level) / 2, rel=1e-9 + 1e-12 * size, abs=2e-4 if name == "NNF" else 1e-14 * size)
    assert values[0] == tails
    assert values[1] == tails
    assert values[2] == pytest.approx((1 + level) / 2, rel=1e-9 + 1e-12 * size, abs=2e-4 if name == "NNF" else 0)


@given(data=st.data())
@few
def test_a_prediction_is_at_least_as_wide_as_the_interval_of_the_mean(data: st.DataObject) -> None:
    effects = es.Effects(*data.draw(strategies.samples(2)))
    for interval, prediction in (("Wald", "S"), ("HK", "HK")):
        found = es.fit(effects, tau2="PM", interval=interval, prediction=prediction)
        assert found.pooled is not None
        if found.prediction is None:
            continue
        slack = 1e-12 * found.pooled.se
        assert found.prediction.low <= found.pooled.ci_low + slack
        assert found.prediction.high >= found.pooled.ci_high - slack


@given(data=st.data())
@few
def test_the_q_profile_holds_paule_mandel_and_is_nested(data: st.DataObject) -> None:
    effects = es.Effects(*data.draw(strategies.samples()))
    # From 0.8 up the mean of a chi-squared variable, k - 1, lies between its quantiles.
    narrow, wide = sorted(data.draw(st.lists(st.floats(0.8, 0.999), min_size=2, max_size=2)))
    inner, outer = (
        es.fit(effects, tau2="PM", tau2_interval="QP", level=level).heterogeneity for level in (narrow, wide)
    )
    if inner.tau2_ci_low is None or inner.tau2_ci_high is None:
        assert inner.tau2 == 0
        assert inner.tau2_ci_reason
        return
    assert inner.tau2 is not None
    assert outer.tau2_ci_low is not None
    assert outer.tau2_ci_high is not None
    slack = 1e-10 * inner.tau2_ci_high
    assert 0 <= inner.tau2_ci_low <= inner.tau2 + slack
    assert inner.tau2 <= inner.tau2_ci_high + slack
    assert outer.tau2_ci_low <= inner.tau2_ci_low + slack
    assert inner.tau2_ci_high <= outer.tau2_ci_high + slack


@given(data=st.data())
@few
def test_q_at_the_limits_of_the_q_profile_has_the_tail_probabilities(data: st.DataObject) -> None:
    y, v = data.draw(strategies.samples())
    level = data.draw(st.floats(0.5, 0.999))
    spread = es.fit(es.Effects(y, v), tau2="DL", tau2_interval="QP", level=level).heterogeneity
    for limit, tail in ((spread.tau2_ci_low, (1 - level) / 2), (spread.tau2_ci_high, (1 + level) / 2)):
        at = limit or 0.0
        w = 1 / (v + at)
        q = float((w * (y - (w * y).sum() / w.sum()) ** 2).sum())
        above = float(chdtrc(y.size - 1, q))
        if limit:
            assert above == pytest.approx(tail, rel=1e-8)
        else:  # Q is below the quantile already at 0
            assert above >= tail * (1 - 1e-9)


@given(data=st.data())
@few
def test_a_power_of_two_scales_every_interval_exactly(data: st.DataObject) -> None:
    y, v = data.draw(strategies.samples())
    n = data.draw(st.integers(-40, 40))
    words: dict[str, Any] = {
        "tau2": data.draw(st.sampled_from(["DL", "REML", "PM"])),
        "interval": data.draw(st.sampled_from(INTERVALS)),
    }
    one, other = (
        es.fit(es.Effects(*sample), prediction="S", tau2_interval="QP", **words)
        for sample in ((y, v), (np.ldexp(y, n), np.ldexp(v, 2 * n)))
    )
    assert one.pooled is not None
    assert other.pooled is not None
    for name in ("value", "se", "ci_low", "ci_high"):
        assert getattr(other.pooled, name) == math.ldexp(getattr(one.pooled, name), n)
    assert (other.pooled.statistic, other.pooled.p_value) == (one.pooled.statistic, one.pooled.p_value)
    for name in ("tau2_ci_low", "tau2_ci_high"):
        limit = getattr(one.heterogeneity, name)
        scaled = getattr(other.heterogeneity, name)
        assert scaled is None if limit is None else scaled == math.ldexp(limit, 2 * n)
    assert one.prediction is not None
    assert other.prediction is not None
    assert other.prediction.low == math.ldexp(one.prediction.low, n)
