"""Laws of the diagnostics: order, shift, powers of two to the bit, subsets that hold one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import evisynth as es
from evisynth.testing import strategies

if TYPE_CHECKING:
    from hypothesis.strategies import DataObject

    from evisynth import FloatArray

few = strategies.examples(12)
WAYS = [("DL", "random"), ("REML", "random"), ("DL", "common")]


def fitted(y: FloatArray, v: FloatArray, way: tuple[str, str]) -> es.MetaAnalysis:
    return es.fit(es.Effects(y, v), settings="metafor", tau2=way[0], model=way[1])


def long_sample(data: DataObject) -> tuple[FloatArray, FloatArray]:
    """Draw a few effects and variances and repeat them with changes, beyond what is done without sums."""
    y, v = data.draw(strategies.samples(3, 8, decades=3.0))
    step = np.arange(70)
    return y[step % y.size] + np.sqrt(np.median(v)) * (step % 7) / 8, v[step % v.size] * (1 + (step % 5) / 4)


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
@pytest.mark.parametrize("long", [False, True])
@few
@given(data=st.data())
def test_powers_of_two_are_exact(data: DataObject, way: tuple[str, str], *, long: bool) -> None:
    y, v = long_sample(data) if long else data.draw(strategies.samples(3, 8))
    n = data.draw(st.integers(-20, 20))
    one, other = (fitted(y * scale, v * scale**2, way) for scale in (1.0, 2.0**n))
    for verb in (es.leave_one_out, es.cumulative):
        left, right = verb(one).numbers, verb(other).numbers
        assert np.array_equal(left.value * 2.0**n, right.value, equal_nan=True)
        assert np.array_equal(left.tau2 * 4.0**n, right.tau2, equal_nan=True)
        assert np.array_equal(left.q, right.q, equal_nan=True)
        assert np.array_equal(left.p_value, right.p_value, equal_nan=True)
    first, second = es.influence(one).numbers, es.influence(other).numbers
    for name in ("hat", "rstandard", "rstudent", "dffits", "dfbetas", "covariance_ratio"):
        assert np.array_equal(getattr(first, name), getattr(second, name), equal_nan=True), name


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
@few
@given(data=st.data())
def test_order_is_immaterial(data: DataObject, way: tuple[str, str]) -> None:
    y, v = long_sample(data)
    order = np.array(data.draw(st.permutations(range(y.size))))
    one, other = es.leave_one_out(fitted(y, v, way)).numbers, es.leave_one_out(fitted(y[order], v[order], way)).numbers
    scale = np.abs(one.value[0, order]) + one.se[0, order]
    assert (np.abs(one.value[0, order] - other.value[0]) <= 1e-12 * scale).all()
    floor = 1e-12 * float(v.mean())
    assert other.tau2 == pytest.approx(one.tau2[order], rel=1e-10, abs=floor)
    assert other.q == pytest.approx(one.q[order], rel=1e-12)


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
@few
@given(data=st.data(), shift=st.integers(-1024, 1024))
def test_a_shift_moves_effects_alone(data: DataObject, shift: int, way: tuple[str, str]) -> None:
    y, v = long_sample(data)
    y = np.round(y * 2**20) / 2**20
    one, other = (es.influence(fitted(values, v, way)).numbers for values in (y, y + shift))
    scale = 1.0 + (abs(shift) + np.abs(y).max()) / float(np.sqrt(v.min()))
    for name in ("rstandard", "rstudent", "q_deleted"):
        first, second = getattr(one, name), getattr(other, name)
        assert (np.abs(first - second) <= 1e-12 * scale * (1.0 + np.abs(first))).all(), name


@few
@given(data=st.data())
def test_the_last_step_is_the_whole_and_leverages_add_up(data: DataObject) -> None:
    y, v = data.draw(strategies.samples(2, 10))
    analysis = fitted(y, v, ("DL", "random"))
    last, pooled = es.cumulative(analysis, "precision").numbers, analysis.pooled
    assert pooled is not None
    assert last.value[0, -1] == pytest.approx(pooled.value, rel=1e-12, abs=1e-12 * pooled.se)
    assert es.influence(analysis).numbers.hat.sum() == pytest.approx(1.0, rel=1e-12)
    assert es.influence(analysis).numbers.weight.sum() == pytest.approx(100.0, rel=1e-12)


@few
@given(data=st.data())
def test_predictions_lie_between_a_study_and_the_pooled_effect(data: DataObject) -> None:
    y, v = data.draw(strategies.samples(2, 10))
    analysis = fitted(y, v, ("REML", "random"))
    assert analysis.pooled is not None
    made = es.blup(analysis).effects.value
    slack = 1e-12 * (np.abs(y).max() + abs(analysis.pooled.value))
    low, high = np.minimum(y, analysis.pooled.value), np.maximum(y, analysis.pooled.value)
    assert ((made >= low - slack) & (made <= high + slack)).all()


@few
@given(data=st.data(), seed=st.integers(0, 5))
def test_a_sample_of_subsets_is_of_different_ones_and_repeats(data: DataObject, seed: int) -> None:
    y, v = data.draw(strategies.samples(6, 14))
    analysis = fitted(y, v, ("DL", "random"))
    one, other = (es.gosh(analysis, budget=40, seed=seed) for _ in range(2))
    assert not one.complete
    assert np.array_equal(one.members, other.members)
    assert len(np.unique(one.members, axis=0)) == one.members.shape[0] == 40
    assert one.members.any(axis=1).all()
