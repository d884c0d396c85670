"""Laws of location–scale models, over drawn samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import evisynth as es
from evisynth.testing import strategies

if TYPE_CHECKING:
    from evisynth import FloatArray

FEW = strategies.examples(8)


@st.composite
def _samples(draw: st.DrawFn) -> tuple[FloatArray, FloatArray, FloatArray, str, str]:
    k = draw(st.integers(4, 12))
    v = 10.0 ** np.array(draw(st.lists(st.floats(-2.0, 0.5), min_size=k, max_size=k)))
    y = np.array(draw(st.lists(st.integers(-128, 128), min_size=k, max_size=k)), dtype=np.float64) / 64
    z = np.array(draw(st.lists(st.integers(0, 8), min_size=k, max_size=k)), dtype=np.float64)
    z[:2] = 0.0, 8.0
    return y, v, z, draw(st.sampled_from(["log", "identity"])), draw(st.sampled_from(["ML", "REML"]))


def model_of(y: FloatArray, v: FloatArray, z: FloatArray, link: str, method: str) -> es.LocationScale:
    return es.location_scale(es.Effects(y, v), location={"z": z}, scale={"z": z}, link=link, method=method)


def height(model: es.LocationScale) -> float:
    assert model.log_likelihood is not None
    return model.log_likelihood


@FEW
@given(_samples(), st.integers(-40, 40))
def test_unit_of_effects(sample: tuple[Any, ...], n: int) -> None:
    y, v, z, link, method = sample
    one, two = model_of(y, v, z, link, method), model_of(y * 2.0**n, v * 4.0**n, z, link, method)
    if one.maximum is None:
        assert two.reason == one.reason
        return
    assert two.maximum is not None
    assert np.array_equal(two.maximum.tau2, one.maximum.tau2 * 4.0**n)
    assert np.array_equal(two.maximum.beta, one.maximum.beta * 2.0**n)


@FEW
@given(_samples())
def test_never_below_the_model_of_one_tau2(sample: tuple[Any, ...]) -> None:
    y, v, z, link, method = sample
    model = model_of(y, v, z, link, method)
    if model.maximum is None:
        return
    one = es.location_scale(es.Effects(y, v), location={"z": z}, link=link, method=method)
    assert height(model) >= height(one) - 1e-9


@FEW
@given(_samples())
def test_order_sign_and_shift(sample: tuple[Any, ...]) -> None:
    y, v, z, link, method = sample
    model = model_of(y, v, z, link, method)
    others = (
        model_of(y[::-1], v[::-1], z[::-1], link, method),
        model_of(-y, v, z, link, method),
        model_of(y + 2.0 - 3.0 * z, v, z, link, method),
    )
    for other in others:
        assert (other.maximum is None) == (model.maximum is None)
        if model.maximum is not None:
            assert height(other) == pytest.approx(height(model), abs=1e-9)


@FEW
@given(_samples(), st.sampled_from([0.5, 3.0, 1e6]), st.sampled_from([0.0, 2.0, -40.0]))
def test_unit_and_origin_of_the_moderator(sample: tuple[Any, ...], unit: float, origin: float) -> None:
    y, v, z, link, method = sample
    model, other = model_of(y, v, z, link, method), model_of(y, v, z * unit + origin, link, method)
    if model.maximum is None:
        assert other.maximum is None
        return
    assert height(other) == pytest.approx(height(model), abs=1e-9)
    one, two = model.scale["z"], other.scale["z"]
    assert one.unbounded == two.unbounded
    if one.value is not None and one.se is not None and two.value is not None:
        assert two.value * unit == pytest.approx(one.value, abs=1e-6 * one.se)


@FEW
@given(_samples())
def test_identity_and_log_link_agree_on_a_factor(sample: tuple[Any, ...]) -> None:
    y, v, z, _, method = sample
    group = (z > 3).astype(float)
    log, identity = (model_of(y, v, group, link, method) for link in ("log", "identity"))
    assert (log.maximum is None) == (identity.maximum is None)
    if log.maximum is not None and identity.maximum is not None:
        assert height(log) == pytest.approx(height(identity), abs=1e-9)
        assert log.maximum.tau2 == pytest.approx(identity.maximum.tau2, rel=1e-5, abs=1e-6 * float(v.mean()))


@FEW
@given(_samples())
def test_every_number_is_there_or_has_its_reason(sample: tuple[Any, ...]) -> None:
    model = model_of(*sample)
    model.to_json()
    if model.maximum is None:
        assert model.reason
        return
    assert (model.maximum.tau2 >= 0.0).all()
    for one in (*model.location_coefficients, *model.scale_coefficients):
        assert (one.value is None) == (one.unbounded is not None)
        assert one.se is not None or one.reason
    assert model.convergence is not None
    assert model.convergence.settled or any("settle" in note for note in model.notes)
