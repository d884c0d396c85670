"""Quantiles and tails against mpmath."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest

from evisynth import chi2_p_value, chi2_quantile, f_p_value, normal_p_value, normal_quantile, t_p_value, t_quantile
from evisynth.kernels.distributions import normal_tail
from evisynth.kernels.distributions import t_tail as one_t_tail

mp: Any = mpmath  # it has no types


def t_tail(t: float, df: float) -> Any:  # noqa: ANN401 - an mpmath number
    with mp.workdps(60):
        x = mp.mpf(df) / (mp.mpf(df) + mp.mpf(t) ** 2)
        return mp.betainc(mp.mpf(df) / 2, mp.mpf("0.5"), 0, x, regularized=True)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95, 0.99, 0.999])
def test_normal_quantile(level: float) -> None:
    with mp.workdps(40):
        truth = mp.sqrt(2) * mp.erfinv(mp.mpf(level))
    assert normal_quantile(level) == pytest.approx(float(truth), rel=1e-14)


def test_revmans_quantile_to_the_bit() -> None:
    assert normal_quantile(0.95) == 1.959963984540054


@pytest.mark.parametrize("z", [0.0, 1e-8, 0.3, 1.96, 8.0, 30.0, 1e3])
def test_normal_p_value(z: float) -> None:
    with mp.workdps(60):
        truth = mp.erfc(mp.mpf(z) / mp.sqrt(2))
        log_truth = mp.log(truth)
    p, log_p = normal_p_value(z)
    assert float(log_p) == pytest.approx(float(log_truth), rel=1e-13, abs=1e-15)
    if truth > mp.mpf("1e-290"):
        assert float(p) == pytest.approx(float(truth), rel=1e-13)


@pytest.mark.parametrize("df", [1.0, 2.0, 6.0, 12.0, 69.0, 201.0, 500.0, 1e5, 1e6])
@pytest.mark.parametrize("t", [1e-6, 0.1, 1.0, 2.2, 9.0, 60.0, 1e5])
def test_t_p_value(t: float, df: float) -> None:
    truth = t_tail(t, df)
    p, log_p = t_p_value(t, df)
    if truth > mp.mpf("1e-290"):
        assert float(p) == pytest.approx(float(truth), rel=5e-14 if t < 60 else 2e-12)
    assert float(log_p) == pytest.approx(float(mp.log(truth)), rel=1e-12, abs=1e-12)


def test_t_p_value_below_the_smallest_double() -> None:
    p, log_p = t_p_value(np.array([1.5, 1e9]), 69.0)
    assert float(p[1]) == 0.0
    assert float(log_p[1]) == pytest.approx(float(mp.log(t_tail(1e9, 69.0))), rel=1e-13)


@pytest.mark.parametrize("df", [1.0, 2.0, 3.0, 12.0, 69.0])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_t_quantile_inverts_the_tail(df: float, level: float) -> None:
    assert float(t_tail(t_quantile(level, df), df)) == pytest.approx(1 - level, rel=1e-12)


@pytest.mark.parametrize("df", [1.0, 6.0, 12.0, 199.0])
@pytest.mark.parametrize("tail", [0.025, 0.5, 0.975])
def test_chi2(df: float, tail: float) -> None:
    with mp.workdps(40):
        x = chi2_quantile(tail, df)
        truth = mp.gammainc(mp.mpf(df) / 2, mp.mpf(x) / 2, mp.inf, regularized=True)
    assert float(truth) == pytest.approx(tail, rel=1e-12)
    assert float(chi2_p_value(x, df)) == pytest.approx(tail, rel=1e-12)


@pytest.mark.parametrize("df", [0.003, 0.01, 0.05, 0.0999, 0.3, 0.83, 2.5, 21.6])
@pytest.mark.parametrize("level", [0.5, 0.95])
def test_t_of_few_degrees_of_freedom(df: float, level: float) -> None:
    with mp.workdps(50):
        half = mp.mpf(df) / 2

        def outside(log_t: Any) -> Any:  # noqa: ANN401 - mpmath has no types
            x = mp.mpf(df) / (mp.mpf(df) + mp.exp(2 * log_t))
            return mp.betainc(half, mp.mpf(1) / 2, 0, x, regularized=True)

        low, high = mp.mpf(-9), 50 / mp.mpf(df)
        for _ in range(150):
            middle = (low + high) / 2
            low, high = (middle, high) if outside(middle) > 1 - mp.mpf(level) else (low, middle)
        for given in (df, np.array([df])):
            found = np.asarray(t_quantile(level, given)).reshape(-1)[0]
            if high > mp.log(mp.mpf(2) ** 1024):
                assert np.isinf(found)
            else:
                assert abs(float(found / mp.exp(high) - 1)) < 1e-15 * (10 + 20 / df)
        for log_t in (10.0, 300.0, 340.0, 700.0):
            truth = float(outside(mp.log(math.exp(log_t))))
            p, log_p = t_p_value(math.exp(log_t), df)
            assert float(p) == pytest.approx(truth, rel=1e-12)
            assert float(log_p) == pytest.approx(float(mp.log(outside(mp.log(math.exp(log_t))))), rel=1e-13)


@pytest.mark.parametrize("df", [1, 2, 3, 4, 5, 6, 17, 63, 64, 65, 300])
def test_chi2_of_whole_degrees_of_freedom(df: int) -> None:
    q = np.array([0.0, 1e-9, 0.3, 1.0, 2.0, df - 0.5, 2.0 * df, 60.0, 500.0])
    with mp.workdps(40):
        truth = [float(mp.gammainc(mp.mpf(df) / 2, mp.mpf(x) / 2, mp.inf, regularized=True)) for x in q]
    assert chi2_p_value(q, df) == pytest.approx(truth, rel=1e-12)
    assert chi2_p_value(q, float(df)) == pytest.approx(truth, rel=1e-11)


@pytest.mark.parametrize("df", [1.0, 2.0, 7.0])
@pytest.mark.parametrize("df_residual", [1.0, 4.0, 40.0, 1e4])
def test_f_p_value(df: float, df_residual: float) -> None:
    f = np.array([0.0, 1e-6, 0.1, 0.9, 1.0, 3.0, 50.0, 1e4])
    with mp.workdps(40):
        x = [mp.mpf(df_residual) / (mp.mpf(df_residual) + mp.mpf(df) * mp.mpf(float(one))) for one in f]
        truth = [float(mp.betainc(mp.mpf(df_residual) / 2, mp.mpf(df) / 2, 0, one, regularized=True)) for one in x]
    assert f_p_value(f, df, df_residual) == pytest.approx(truth, rel=1e-11, abs=1e-300)


@pytest.mark.parametrize("t", [-9.0, -1.0, -0.2, 0.0, 0.2, 3.0])
def test_one_tail_of_t_and_of_the_normal(t: float) -> None:
    with mp.workdps(40):
        normal = mp.erfc(mp.mpf(t) / mp.sqrt(2)) / 2
        both = mp.betainc(mp.mpf(5) / 2, mp.mpf("0.5"), 0, mp.mpf(5) / (5 + mp.mpf(t) ** 2), regularized=True)
        student = both / 2 if t >= 0 else 1 - both / 2
    assert float(normal_tail(t)) == pytest.approx(float(normal), rel=1e-13)
    assert float(one_t_tail(t, 5.0)) == pytest.approx(float(student), rel=1e-13)


def test_t_beyond_the_range_of_squares() -> None:
    for df in (0.5, 1.0, 2.0):
        p, log_p = t_p_value(np.array([1e139, 1e141, 1e200]), df)
        with mp.workdps(60):
            half = mp.mpf(df) / 2
            # The first term of the series: the others are below 1e-270 of it.
            truth = [
                half * (mp.log(df) - 2 * mp.log(mp.mpf(t))) - mp.log(half) - mp.log(mp.beta(half, mp.mpf(1) / 2))
                for t in (1e139, 1e141, 1e200)
            ]
        assert log_p == pytest.approx([float(x) for x in truth], rel=1e-13)
        assert p == pytest.approx([float(mp.exp(x)) for x in truth], rel=1e-10)
