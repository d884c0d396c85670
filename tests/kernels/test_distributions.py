"""Quantiles and tails against mpmath."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest

from evisynth import chi2_p_value, chi2_quantile, normal_p_value, normal_quantile, t_p_value, t_quantile

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
