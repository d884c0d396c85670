"""Laws that every interval for τ² keeps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import evisynth as es
from evisynth.testing import strategies

if TYPE_CHECKING:
    from evisynth.heterogeneity import Heterogeneity

few = strategies.examples(25)
OURS = [
    record.name
    for record, plugin in es.default_registry()
    if record.kind == "Tau2Interval" and plugin.distribution == "evisynth"
]
ENDS = ("tau2_ci_low", "tau2_ci_high")


def weights_of(v: es.FloatArray) -> es.FloatArray:
    return np.asarray((1.0 + np.arange(v.size) % 3) * np.sqrt(v.max() / v))


def spread(
    name: str,
    y: es.FloatArray,
    v: es.FloatArray,
    weights: es.FloatArray | None = None,
    **words: Any,  # noqa: ANN401 - the fields of Settings
) -> Heterogeneity:
    if name == "GENQ":
        words["weights"] = weights_of(v) if weights is None else weights
    words = {"tau2": "REML", "prediction": None, "interval": "Wald", "tau2_interval": name, **words}
    return es.fit(es.Effects(y, v), **words).heterogeneity


def near(one: float | None, other: float | None, allowed: float) -> bool:
    if one is None or other is None:
        return one is other
    return one == other or abs(one - other) <= allowed


@pytest.mark.parametrize("name", OURS)
@given(data=st.data())
@few
def test_a_power_of_two_scales_exactly(name: str, data: st.DataObject) -> None:
    y, v = data.draw(strategies.samples())
    n = data.draw(st.integers(-60, 60))
    one, other = spread(name, y, v), spread(name, np.ldexp(y, n), np.ldexp(v, 2 * n))
    assert one.tau2_ci_reason == other.tau2_ci_reason
    for end in ENDS:
        limit = getattr(one, end)
        assert getattr(other, end) == (None if limit is None else math.ldexp(limit, 2 * n))
    for end in ("i2_ci_low", "i2_ci_high", "h2_ci_low", "h2_ci_high"):
        assert getattr(other, end) == getattr(one, end)


def test_a_square_is_rounded_once() -> None:
    # A power may be rounded otherwise than a product: here the lower limit was off by its last digit at other units.
    y = np.array(
        [
            -2.3128976358477034,
            -4.667469102971943,
            -4.68830601861021,
            -2.9380051049957316,
            1.3752364321256616,
            3.5214387428672245,
            -2.5421037078686473,
            -3.3964172490376185,
        ]
    )
    v = np.array(
        [
            9.628688496312522,
            0.06310637119421787,
            2.680358962843655,
            0.003229030963055433,
            0.06804444676266123,
            5.274063587245713,
            75.44004775639914,
            702.6984583305368,
        ]
    )
    one, other = spread("Wald.sqrt", y, v), spread("Wald.sqrt", y / 2, v / 4)
    assert one.tau2_ci_low is not None
    assert other.tau2_ci_low == one.tau2_ci_low / 4


@pytest.mark.parametrize("name", OURS)
@given(data=st.data())
@few
def test_shift_sign_and_order_change_nothing(name: str, data: st.DataObject) -> None:
    y, v = data.draw(strategies.samples(3, decades=3.0))
    weights = weights_of(v)
    order = data.draw(st.permutations(range(y.size)))
    shift = data.draw(st.sampled_from([-2.0, 0.5, 8.0])) * math.sqrt(float(v.max()))
    base = spread(name, y, v, weights)
    # Where τ² is almost 0 the Wald types divide by it, and rounding decides.
    if name.startswith("Wald.") and base.tau2 is not None and base.tau2 < 1e-3 * float(v.min()):
        return
    for other in (
        spread(name, -y, v, weights),
        spread(name, y + shift, v, weights),
        spread(name, y[order], v[order], weights[order]),
    ):
        for end in ENDS:
            limit = getattr(base, end)
            allowed = 1e-6 * (0.0 if limit is None or math.isinf(limit) else limit) + 1e-7 * float(v.max())
            assert near(getattr(other, end), limit, allowed)


@pytest.mark.parametrize("name", OURS)
@given(data=st.data())
@few
def test_limits_are_nested_and_in_order(name: str, data: st.DataObject) -> None:
    y, v = data.draw(strategies.samples())
    levels = sorted(data.draw(st.lists(st.floats(0.05, 0.9999), min_size=2, max_size=2)))
    inner, outer = (spread(name, y, v, level=level) for level in levels)
    for found in (inner, outer):
        if found.tau2_ci_low is None or found.tau2_ci_high is None:
            assert found.tau2_ci_reason
            assert found.i2_ci_low is found.h2_ci_high is found.tau_ci_low is None
            continue
        assert 0 <= found.tau2_ci_low <= found.tau2_ci_high
        assert found.i2_ci_low is not None
        assert found.i2_ci_high is not None
        assert 0 <= found.i2_ci_low <= found.i2_ci_high <= 100
        assert math.isfinite(found.tau2_ci_high) or found.tau2_ci_reason
        if name in {"PL", "Wald", "Wald.log", "Wald.sqrt", "HT"}:
            assert found.tau2 is not None
            slack = 1e-9 * found.tau2
            assert found.tau2_ci_low <= found.tau2 + slack
            assert found.tau2 <= found.tau2_ci_high + slack
    if inner.tau2_ci_low is not None and inner.tau2_ci_high is not None:
        assert outer.tau2_ci_low is not None
        assert outer.tau2_ci_high is not None
        slack = 1e-9 * inner.tau2_ci_high if math.isfinite(inner.tau2_ci_high) else 0.0
        assert outer.tau2_ci_low <= inner.tau2_ci_low + slack
        assert inner.tau2_ci_high <= outer.tau2_ci_high + slack


@pytest.mark.parametrize("name", [name for name in OURS if name != "GENQ"])
@given(data=st.data())
@few
def test_a_batch_is_its_analyses(name: str, data: st.DataObject) -> None:
    k = data.draw(st.integers(2, 9))
    samples = data.draw(st.lists(strategies.samples(k, k, decades=4.0), min_size=2, max_size=5))
    y, v = (np.concatenate([sample[i] for sample in samples]) for i in (0, 1))
    offsets = np.arange(len(samples) + 1) * k
    table = es.fit_many(y=y, v=v, offsets=offsets, tau2="DL", tau2_interval=name, settings="metafor")
    for j, sample in enumerate(samples):
        single = spread(name, *sample, tau2="DL", settings="metafor")
        assert single.tau2_ci_reason == table["tau2_ci_reason"][j]
        for end in ENDS:
            found, limit = float(table[end][j]), getattr(single, end)
            if limit is None:
                assert math.isnan(found)
            else:
                # τ² itself may differ by a rounding, and Wald.log has it in an exponent.
                finite = math.isfinite(limit)
                allowed = 1e-9 * limit + 1e-10 * float(sample[1].min()) if finite else 0.0
                assert found == limit or abs(found - limit) <= allowed


@given(data=st.data())
@few
def test_weights_of_one_over_v_are_those_of_biggerstaff_and_jackson(data: st.DataObject) -> None:
    y, v = data.draw(strategies.samples())
    for name, weights in (("BJ", 1 / v), ("J", 1 / np.sqrt(v))):
        own, given_ = spread(name, y, v), spread("GENQ", y, v, weights)
        for end in ENDS:
            limit = getattr(own, end)
            assert near(getattr(given_, end), limit, 1e-9 * (limit or 0.0) + 1e-12 * float(v.min()))


@given(data=st.data())
@few
def test_of_equal_variances_generalised_q_is_the_q_profile(data: st.DataObject) -> None:
    y, v = data.draw(strategies.samples())
    equal = np.full_like(v, float(np.median(v)))
    profile = spread("QP", y, equal)
    for name in ("BJ", "J"):
        found = spread(name, y, equal)
        for end in ENDS:
            limit = getattr(profile, end)
            assert near(getattr(found, end), limit, 1e-9 * (limit or 0.0) + 1e-12 * float(v.min()))
