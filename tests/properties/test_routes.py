"""Laws of routes: whichever statistics a study reports, its effect is that of the measure's own columns."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import evisynth as es
from evisynth.testing import strategies

few = strategies.examples(20)
SIZES = st.tuples(st.integers(3, 300).map(float), st.integers(3, 300).map(float))


def effect(measure: str, **columns: float) -> tuple[float, float]:
    made = es.effects({name: [value] for name, value in columns.items()}, measure, settings="metafor")
    return float(made.y[0]), float(made.v[0])


@few
@given(rows=strategies.tables(1, 1), measure=st.sampled_from(["OR", "RR", "RD", "PETO"]))
def test_non_events_say_what_totals_say(rows: list[tuple[int, int, int, int]], measure: str) -> None:
    ((a, n_1, c, n_2),) = rows
    own = effect(measure, events_1=a, n_1=n_1, events_2=c, n_2=n_2)
    by_route = effect(measure, events_1=a, nonevents_1=n_1 - a, events_2=c, nonevents_2=n_2 - c)
    assert np.array_equal(own, by_route, equal_nan=True)


@few
@given(t=st.floats(-6.0, 6.0), sizes=SIZES)
def test_a_t_test_is_a_standardised_difference(t: float, sizes: tuple[float, float]) -> None:
    n_1, n_2 = sizes
    d = t * math.sqrt(1 / n_1 + 1 / n_2)
    own = effect("SMD", mean_1=d, sd_1=1.0, n_1=n_1, mean_2=0.0, sd_2=1.0, n_2=n_2)
    assert effect("SMD", t_value=t, n_1=n_1, n_2=n_2) == pytest.approx(own, rel=1e-11, abs=1e-14)


@few
@given(d=st.floats(-3.0, 3.0), sizes=SIZES)
def test_a_given_d_is_a_standardised_difference(d: float, sizes: tuple[float, float]) -> None:
    n_1, n_2 = sizes
    own = effect("SMD", mean_1=d, sd_1=1.0, n_1=n_1, mean_2=0.0, sd_2=1.0, n_2=n_2)
    assert effect("SMD", smd=d, n_1=n_1, n_2=n_2) == pytest.approx(own, rel=1e-11, abs=1e-14)


@few
@given(t=st.floats(0.05, 6.0), sizes=SIZES, sign=st.sampled_from([-1.0, 1.0]))
def test_an_f_with_a_direction_is_a_t(t: float, sizes: tuple[float, float], sign: float) -> None:
    n_1, n_2 = sizes
    by_t = effect("SMD", t_value=sign * t, n_1=n_1, n_2=n_2)
    assert effect("SMD", f_value=t * t, direction=sign, n_1=n_1, n_2=n_2) == pytest.approx(by_t, rel=1e-12)


@few
@given(t=st.floats(0.05, 5.0), sizes=SIZES, sign=st.sampled_from([-1.0, 1.0]))
def test_a_p_with_a_direction_is_a_t(t: float, sizes: tuple[float, float], sign: float) -> None:
    n_1, n_2 = sizes
    p = float(es.t_p_value(np.array(t), np.array(n_1 + n_2 - 2))[0])
    by_t = effect("SMD", t_value=sign * t, n_1=n_1, n_2=n_2)
    assert effect("SMD", p_value=p, direction=sign, n_1=n_1, n_2=n_2) == pytest.approx(by_t, rel=1e-7)


@few
@given(r=st.floats(-0.95, 0.95), n=st.integers(6, 500))
def test_the_t_of_a_correlation_is_that_correlation(r: float, n: int) -> None:
    t = r * math.sqrt((n - 2) / (1 - r * r))
    assert effect("ZCOR", t_value=t, n=n) == pytest.approx(effect("ZCOR", r=r, n=n), rel=1e-10, abs=1e-13)


@few
@given(y=st.floats(-3.0, 3.0), se=st.floats(0.05, 3.0))
def test_a_standard_error_is_the_root_of_a_variance(y: float, se: float) -> None:
    assert effect("GEN", yi=y, sei=se) == pytest.approx(effect("GEN", yi=y, vi=se * se), rel=1e-14)


@few
@given(y=st.floats(-2.0, 2.0), se=st.floats(0.05, 2.0), level=st.floats(0.6, 0.99))
def test_an_interval_of_a_ratio_is_its_logarithm(y: float, se: float, level: float) -> None:
    half = se * float(es.normal_quantile(level))
    given_ = {"estimate": math.exp(y), "ci_low": math.exp(y - half), "ci_high": math.exp(y + half)}
    made = es.effects({name: [value] for name, value in given_.items()}, "OR", settings="metafor", given_level=level)
    assert float(made.y[0]) == pytest.approx(y, rel=1e-10, abs=1e-12)
    assert float(made.v[0]) == pytest.approx(se * se, rel=1e-8)


@few
@given(y=st.floats(-2.0, 2.0), z=st.floats(0.05, 5.0))
def test_z_and_p_of_a_ratio_say_one_thing(y: float, z: float) -> None:
    assume(abs(y) > 0.01)
    p = float(es.normal_p_value(np.array(z))[0])
    by_z = effect("OR", estimate=math.exp(y), z_value=math.copysign(z, y))
    assert effect("OR", estimate=math.exp(y), p_value=p) == pytest.approx(by_z, rel=1e-7)


@few
@given(o_e=st.floats(-20.0, 20.0), v=st.floats(0.5, 50.0))
def test_observed_less_expected_is_a_log_ratio(o_e: float, v: float) -> None:
    assert effect("O-E", o_e=o_e, o_e_variance=v) == pytest.approx((o_e / v, 1 / v), rel=1e-13)
