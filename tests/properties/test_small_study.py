"""Laws of tests for small-study effects and of adjustments: signs, units, order, nothing where nothing is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import evisynth as es
from evisynth.testing import strategies

few = strategies.examples(10)
TESTS = ["Egger", "Begg", "Thompson-Sharp", "LFK", "regression"]
SYMMETRIC = ["PET", "PEESE", "UWLS", "Henmi-Copas", "limit meta-analysis"]
Sample = strategies.Sample
SAMPLES = strategies.samples(5, 12, decades=3.0)


def fitted(y: es.FloatArray, v: es.FloatArray) -> es.MetaAnalysis:
    return es.fit(es.Effects(y, v), settings="metafor", tau2="DL")


def of(name: str, y: es.FloatArray, v: es.FloatArray, **words: Any) -> es.BiasResult:  # noqa: ANN401 - options
    return es.bias(fitted(y, v), name, **words)


def near(one: float | None, other: float | None, rel: float = 1e-7, floor: float = 1e-9) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= rel * abs(one) + floor


@pytest.mark.parametrize("name", TESTS)
@few
@given(sample=SAMPLES)
def test_turned_effects_have_the_same_p(name: str, sample: Sample) -> None:
    y, v = sample
    assert near(of(name, y, v).p_value, of(name, -y, v).p_value)


@pytest.mark.parametrize("name", TESTS)
@few
@given(sample=SAMPLES, n=st.integers(-20, 20))
def test_a_test_does_not_know_the_unit(name: str, sample: Sample, n: int) -> None:
    y, v = sample
    one, other = of(name, y, v), of(name, np.ldexp(y, n), np.ldexp(v, 2 * n))
    assert near(one.statistic, other.statistic)
    assert near(one.p_value, other.p_value)


@pytest.mark.parametrize("name", [name for name in TESTS if name != "LFK"])
@few
@given(sample=SAMPLES, data=st.data())
def test_a_test_does_not_know_the_order(name: str, sample: Sample, data: st.DataObject) -> None:
    y, v = sample
    order = np.array(data.draw(st.permutations(range(y.size))))
    assert near(of(name, y, v).p_value, of(name, y[order], v[order]).p_value)


@pytest.mark.parametrize("name", SYMMETRIC)
@few
@given(sample=SAMPLES)
def test_turned_effects_have_the_turned_adjustment(name: str, sample: Sample) -> None:
    y, v = sample
    one, other = of(name, y, v).after, of(name, -y, v).after
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert other.value == pytest.approx(-one.value, rel=1e-7, abs=1e-9 * one.se + 1e-14)


@pytest.mark.parametrize("name", SYMMETRIC)
@few
@given(sample=SAMPLES, n=st.integers(-15, 15))
def test_an_adjustment_has_the_unit_of_the_effects(name: str, sample: Sample, n: int) -> None:
    y, v = sample
    one, other = of(name, y, v).after, of(name, np.ldexp(y, n), np.ldexp(v, 2 * n)).after
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        size = np.ldexp(abs(one.value) + one.se, n)
        assert abs(other.value - np.ldexp(one.value, n)) <= 1e-8 * size


@few
@given(sample=SAMPLES)
def test_unrestricted_least_squares_have_the_common_effect(sample: Sample) -> None:
    y, v = sample
    common = es.fit(es.Effects(y, v), settings="metafor", model="common").pooled
    made = of("UWLS", y, v)
    after = made.after
    assert common is not None
    if after is None:
        assert np.ptp(y) == 0  # there is nothing to estimate a standard error from
        assert made.reason
        return
    assert after.value == pytest.approx(common.value, rel=1e-11, abs=1e-12 * common.se)


@few
@given(sample=SAMPLES)
def test_pet_is_the_limit_of_eggers_line(sample: Sample) -> None:
    y, v = sample
    egger, pet = of("Egger", y, v), of("PET", y, v)
    if egger.limit is not None and pet.after is not None:
        assert pet.after.value == pytest.approx(egger.limit.value, rel=1e-8, abs=1e-9 * pet.after.se)


@few
@given(sample=SAMPLES)
def test_filled_studies_mirror_studies_that_are_there(sample: Sample) -> None:
    y, v = sample
    made = of("trim-and-fill", y, v)
    variances = v.tolist()
    assert all(any(abs(one - of_study) <= 1e-12 * one for one in variances) for _, of_study in made.added)
    assert len(made.added) < y.size


@few
@given(sample=SAMPLES)
def test_a_result_is_there_or_its_reason(sample: Sample) -> None:
    y, v = sample
    analysis = fitted(y, v)
    for name in (*TESTS, *SYMMETRIC, "trim-and-fill"):
        made = es.bias(analysis, name)
        assert made.reason or made.statistic is not None or made.after is not None, name
        assert made.p_value is None or 0 <= made.p_value <= 1
