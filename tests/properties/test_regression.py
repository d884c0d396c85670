"""Laws of meta-regression: of the columns' span, of shifts along it, of units, of order."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import evisynth as es
from evisynth.testing import strategies

Value: TypeAlias = Any

few = strategies.examples(33)
TAU2 = [
    record.name
    for record, plugin in es.default_registry()
    if plugin.distribution == "evisynth" and isinstance(record, es.Tau2Estimator)
]
INTERVALS = ["Wald", "HK"]


def draw_case(data: st.DataObject) -> tuple[es.Effects, es.FloatArray]:
    drawn = data.draw(strategies.designs(most=12))
    return drawn.effects, drawn.X


def regress(effects: es.Effects, X: Value, **words: Value) -> es.Regression:
    design = es.Design(X, intercept=False)
    regression = es.fit(effects, settings="metafor", moderators=design, tau2_interval=None, **words).regression
    assert regression is not None
    return regression


@pytest.mark.parametrize("tau2", TAU2)
@given(data=st.data())
@few
def test_another_basis_of_the_same_columns_says_the_same(tau2: str, data: st.DataObject) -> None:
    effects, X = draw_case(data)
    A = np.array([[1.0, 2.0, 0.0], [0.0, 0.5, 1.0], [0.0, 0.0, -4.0]])
    words: dict[str, Any] = {"tau2": tau2, "interval": data.draw(st.sampled_from(INTERVALS))}
    one, other = regress(effects, X, **words), regress(effects, X @ A, **words)
    scale = float(effects.v.mean()) + float(np.var(effects.y))
    assert float(other.fit.tau2) == pytest.approx(float(one.fit.tau2), rel=1e-7, abs=1e-11 * scale)
    np.testing.assert_allclose(A @ other.fit.coefficients, one.fit.coefficients, rtol=1e-6, atol=1e-8 * np.sqrt(scale))
    assert other.predict().se == pytest.approx(one.predict().se, rel=1e-6)
    # The hypothesis on all columns is one, whatever they are called.
    everything = one.test([0, 1, 2]).statistic
    assert other.test([0, 1, 2]).statistic == pytest.approx(everything, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("tau2", TAU2)
@given(data=st.data())
@few
def test_a_shift_along_the_columns_moves_the_coefficients_alone(tau2: str, data: st.DataObject) -> None:
    effects, X = draw_case(data)
    b = np.array(data.draw(st.lists(st.integers(-8, 8), min_size=3, max_size=3)), dtype=np.float64)
    if not es.default_registry().get(es.Tau2Estimator, tau2).moderator_law:
        # Sidik and Jonkman start from the variance about the mean, which a shift along a moderator changes.
        b[1:] = 0.0
    scale = np.sqrt(float(effects.v.mean()) + float(np.var(effects.y)))
    shifted = es.Effects(effects.y + X @ b * scale, effects.v)
    one, other = (regress(each, X, tau2=tau2) for each in (effects, shifted))
    assert float(other.fit.tau2) == pytest.approx(float(one.fit.tau2), rel=1e-7, abs=1e-9 * scale**2)
    np.testing.assert_allclose(other.fit.coefficients, one.fit.coefficients + b * scale, rtol=1e-6, atol=1e-7 * scale)
    np.testing.assert_allclose(other.residuals(), one.residuals(), atol=1e-7 * scale)


@pytest.mark.parametrize("tau2", TAU2)
@given(data=st.data(), n=st.integers(-12, 12))
@few
def test_units_scale_to_the_bit(tau2: str, data: st.DataObject, n: int) -> None:
    effects, X = draw_case(data)
    scaled = es.Effects(np.ldexp(effects.y, n), np.ldexp(effects.v, 2 * n))
    one, other = (regress(each, X, tau2=tau2, interval="HK") for each in (effects, scaled))
    assert float(other.fit.tau2) == float(np.ldexp(one.fit.tau2, 2 * n))
    np.testing.assert_array_equal(other.fit.coefficients, np.ldexp(one.fit.coefficients, n))
    np.testing.assert_array_equal(other.predict().se, np.ldexp(one.predict().se, n))
    assert other.omnibus == one.omnibus
    assert other.r2 == one.r2


@given(data=st.data())
@few
def test_the_order_of_studies_does_not_matter(data: st.DataObject) -> None:
    effects, X = draw_case(data)
    order = np.array(data.draw(st.permutations(range(len(effects)))))
    one, other = regress(effects, X, tau2="DL"), regress(effects.take(order.tolist()), X[order], tau2="DL")
    assert other.omnibus.statistic == pytest.approx(one.omnibus.statistic, rel=1e-9, abs=1e-12)
    np.testing.assert_allclose(other.predict().value, one.predict().value[order], rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(
        other.residuals("standardised"), one.residuals("standardised")[order], rtol=1e-6, atol=1e-9
    )


@given(data=st.data())
@few
def test_a_contrast_squared_is_its_joint_test(data: st.DataObject) -> None:
    effects, X = draw_case(data)
    weights = data.draw(st.lists(st.integers(-3, 3), min_size=3, max_size=3).filter(any))
    regression = regress(effects, X, tau2="DL", interval=data.draw(st.sampled_from(INTERVALS)))
    found = regression.contrast(weights)
    assert found.joint.statistic == pytest.approx(found[0].statistic ** 2, rel=1e-12)
    assert found.joint.p_value == pytest.approx(found[0].p_value, rel=1e-9, abs=1e-14)
    assert found[0].value == pytest.approx(float(np.dot(weights, regression.fit.coefficients)), rel=1e-7, abs=1e-9)


@given(data=st.data())
@few
def test_the_larger_model_fits_no_worse(data: st.DataObject) -> None:
    effects, X = draw_case(data)
    full = es.fit(effects, settings="metafor", tau2="ML", moderators=es.Design(X, intercept=False))
    reduced = es.fit(effects, settings="metafor", tau2="ML", moderators=X[:, 1])
    found = es.compare(full, reduced)
    assert found.full.log_likelihood >= found.reduced.log_likelihood - 1e-9
    assert 0.0 <= found.p_value <= 1.0
