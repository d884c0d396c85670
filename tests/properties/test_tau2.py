"""Laws that every estimator of τ² keeps, and what is particular to REML and Paule–Mandel."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import evisynth as es
from evisynth.pooling import estimate_tau2
from evisynth.testing import strategies

few = strategies.examples(50)
OURS = [
    (record.kind, record.name)
    for record, plugin in es.default_registry()
    if plugin.distribution == "evisynth"  # another package's method may have laws of its own
]
ESTIMATORS = [name for kind, name in OURS if kind == "Tau2Estimator"]
LAW_OF_DUPLICATION = [
    record.name
    for record, plugin in es.default_registry()
    if isinstance(record, es.Tau2Estimator) and record.duplication_law and plugin.distribution == "evisynth"
]
NOTHING = dict.fromkeys(("centre", "weights", "common")) | {"details": False}


POSITIVE = {"SJ"}
"""Estimators that are above 0 wherever effects differ at all."""


def dispersion(name: str, y: es.FloatArray) -> float:
    """Give what an estimate tends to where errors vanish: the sum of squares over k - 1, k or a median of χ²."""
    squares = float(((y - y.mean()) ** 2).sum())
    median = {"PMM", "GENQM"}
    return squares / (es.chi2_quantile(0.5, y.size - 1) if name in median else y.size - (name not in {"ML", "HS"}))


def tau2_of(name: str, y: es.FloatArray, v: es.FloatArray) -> float:
    fit = es.fit(es.Effects(y, v), tau2=name).models["random"].fit
    assert fit is not None
    return float(fit.tau2)


def likelihood(y: es.FloatArray, v: es.FloatArray, tau2: float, *, restricted: bool) -> float:
    """Give twice the (restricted) log-likelihood without its constant."""
    w = 1 / (v + tau2)
    mean = float((w * y).sum() / w.sum())
    full = -float(np.log(v + tau2).sum() + (w * (y - mean) ** 2).sum())
    return full - math.log(w.sum()) if restricted else full


def generalised_q(y: es.FloatArray, v: es.FloatArray, tau2: float) -> float:
    w = 1 / (v + tau2)
    mean = float((w * y).sum() / w.sum())
    return float((w * (y - mean) ** 2).sum())


@pytest.mark.parametrize("name", ESTIMATORS)
@given(data=st.data())
@few
def test_shift_sign_and_order_change_nothing(name: str, data: st.DataObject) -> None:
    y, v = data.draw(strategies.samples(decades=4.0))
    base = tau2_of(name, y, v)
    # The law is exact in exact numbers; near a flat likelihood rounding moves the root by its condition number.
    allowed = 1e-6 * base + 1e-7 * float(v.min())
    shift = data.draw(st.sampled_from([-2.0, 0.5, 8.0])) * math.sqrt(float(v.max()))
    assert tau2_of(name, -y, v) == pytest.approx(base, abs=1e-10 * base + 1e-12 * float(v.min()))
    assert abs(tau2_of(name, y + shift, v) - base) <= allowed
    order = data.draw(st.permutations(range(y.size)))
    assert abs(tau2_of(name, y[order], v[order]) - base) <= allowed


@pytest.mark.parametrize("name", ESTIMATORS)
@given(data=st.data())
@few
def test_a_power_of_two_scales_exactly(name: str, data: st.DataObject) -> None:
    y, v = data.draw(strategies.samples())
    n = data.draw(st.integers(-60, 60))
    assert tau2_of(name, np.ldexp(y, n), np.ldexp(v, 2 * n)) == math.ldexp(tau2_of(name, y, v), 2 * n)


@pytest.mark.parametrize("name", ESTIMATORS)
@given(data=st.data())
@few
def test_a_batch_is_its_analyses(name: str, data: st.DataObject) -> None:
    k = data.draw(st.integers(2, 9))
    samples = data.draw(st.lists(strategies.samples(k, k, decades=4.0), min_size=2, max_size=6))
    single = np.array([tau2_of(name, y, v) for y, v in samples])
    y, v = np.column_stack([y for y, _ in samples]), np.column_stack([v for _, v in samples])
    methods = es.fit(es.Effects(*samples[0]), tau2=name).methods
    batch = estimate_tau2(methods, y, v, np.ones((k, 1)), NOTHING).tau2
    assert (np.abs(batch - single) <= 1e-10 * (single + v.min(axis=0))).all()


@pytest.mark.parametrize("name", ESTIMATORS)
@given(data=st.data())
@few
def test_without_tau2_the_random_model_is_the_common_one(name: str, data: st.DataObject) -> None:
    y, v = data.draw(strategies.samples())
    # Effects within a hundredth of their errors leave nothing for any estimator to explain.
    y = y / max(1.0, 100.0 * float(np.abs(y).max()) / math.sqrt(float(v.min())))
    analysis = es.fit(es.Effects(y, v), tau2=name, interval="Wald", settings="metafor")
    if name in POSITIVE:
        # What it leaves is at most twice the spread of the effects.
        assert tau2_of(name, y, v) <= 2 * float(np.ptp(y)) ** 2
        return
    assert analysis.heterogeneity.tau2 == 0
    common, random = (analysis.models[model].pooled for model in ("common", "random"))
    assert common == random


@pytest.mark.parametrize("name", ESTIMATORS)
@given(data=st.data())
@few
def test_tau2_tends_to_the_sample_variance_where_errors_vanish(name: str, data: st.DataObject) -> None:
    _, v = data.draw(strategies.samples(2, 12, decades=2.0))
    steps = data.draw(st.lists(st.integers(-50, 50), min_size=v.size, max_size=v.size, unique=True))
    y = np.array(steps, dtype=np.float64)
    equal = np.full(v.size, 1e-9)
    assert tau2_of(name, y, equal) == pytest.approx(dispersion(name, y), rel=1e-8)
    pooled = es.fit(es.Effects(y, v * 1e-9), tau2=name).models["random"].pooled
    assert pooled is not None
    # All weights tend to 1/τ², so the mean to the plain one.
    assert pooled.value == pytest.approx(float(y.mean()), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", ESTIMATORS)
@given(data=st.data())
@few
def test_large_errors_leave_no_tau2(name: str, data: st.DataObject) -> None:
    y, v = data.draw(strategies.samples())
    if name in POSITIVE:
        assert tau2_of(name, y, v * 1e12) <= 2 * float(np.ptp(y)) ** 2
        return
    assert tau2_of(name, y, v * (1e6 * (1.0 + float(np.ptp(y)) ** 2 / float(v.min())))) == 0


@pytest.mark.parametrize("name", ["REML", "ML"])
@given(data=st.data())
@few
def test_no_tau2_has_a_higher_likelihood(name: str, data: st.DataObject) -> None:
    y, v = data.draw(strategies.samples(decades=8.0))
    restricted = name == "REML"
    best = likelihood(y, v, tau2_of(name, y, v), restricted=restricted)
    top = 10 * (float(v.max()) + float(np.ptp(y)) ** 2)
    rivals = [0.0, *np.geomspace(float(v.min()) * 1e-3, top, 60).tolist()]
    rivals += data.draw(st.lists(st.floats(0, top), max_size=10))
    highest = max(likelihood(y, v, rival, restricted=restricted) for rival in rivals)
    assert best >= highest - 1e-12 * max(1.0, abs(highest)) * y.size


@given(data=st.data())
@few
def test_paule_mandel_meets_the_degrees_of_freedom(data: st.DataObject) -> None:
    y, v = data.draw(strategies.samples())
    tau2 = tau2_of("PM", y, v)
    dof = y.size - 1
    if tau2 == 0:
        assert generalised_q(y, v, 0.0) <= dof * (1 + 1e-12)
    else:
        assert generalised_q(y, v, tau2) == pytest.approx(dof, rel=1e-10)


@given(data=st.data())
@few
def test_the_median_estimate_meets_the_median(data: st.DataObject) -> None:
    y, v = data.draw(strategies.samples())
    tau2, median = tau2_of("PMM", y, v), es.chi2_quantile(0.5, y.size - 1)
    if tau2 == 0:
        assert generalised_q(y, v, 0.0) <= median * (1 + 1e-12)
    else:
        assert generalised_q(y, v, tau2) == pytest.approx(median, rel=1e-10)
    assert tau2 >= tau2_of("PM", y, v) * (1 - 1e-12)


@given(data=st.data())
@few
def test_repetition_stays_where_the_equation_says(data: st.DataObject) -> None:
    y, v = data.draw(strategies.samples(decades=4.0))
    tau2 = tau2_of("PM", y, v)
    assert {tau2_of(name, y, v) for name in ("EB", "DLIT", "SJIT")} == {tau2}
    w = 1 / (v + tau2)
    trace = float(w.sum() - (w * w).sum() / w.sum())
    q, k = generalised_q(y, v, tau2), y.size
    near = 1e-9 * (tau2 + float(v.min()))
    if tau2 > 0:
        # One more step of each moves nothing.
        assert tau2 * q / (k - 1) == pytest.approx(tau2, rel=1e-9)
        expected = float((w * v).sum() - (w * w * v).sum() / w.sum())
        assert (q - expected) / trace == pytest.approx(tau2, rel=1e-8, abs=near)
        assert float(w.sum()) * tau2 == pytest.approx(q * k / (k - 1) - float((w * v).sum()), rel=1e-8)
    else:
        assert q <= (k - 1) * (1 + 1e-12)


@pytest.mark.parametrize("name", ["HE", "GENQ"])
@given(data=st.data())
@few
def test_a_form_meets_its_expectation(name: str, data: st.DataObject) -> None:
    y, v = data.draw(strategies.samples(decades=4.0))
    a = np.ones_like(v) if name == "HE" else 1 / np.sqrt(v)
    whole = float(a.sum())
    q = float((a * (y - float((a * y).sum()) / whole) ** 2).sum())
    slope = whole - float((a * a).sum()) / whole
    expected = float((a * v).sum()) - float((a * a * v).sum()) / whole
    assert tau2_of(name, y, v) == pytest.approx(max(0.0, (q - expected) / slope), rel=1e-9, abs=1e-9 * q / slope)


@pytest.mark.parametrize("name", LAW_OF_DUPLICATION)
@given(data=st.data())
@few
def test_entering_every_study_twice_changes_nothing(name: str, data: st.DataObject) -> None:
    y, v = data.draw(strategies.samples(decades=4.0))
    base = tau2_of(name, y, v)
    assert abs(tau2_of(name, np.tile(y, 2), np.tile(v, 2)) - base) <= 1e-6 * base + 1e-7 * float(v.min())


@given(data=st.data())
@few
def test_equal_weights_of_the_users_give_hedges_and_olkin(data: st.DataObject) -> None:
    y, v = data.draw(strategies.samples(decades=4.0))
    unit = data.draw(st.floats(1e-3, 1e3))
    record = es.default_registry().get(es.Tau2Estimator, "GENQ").function
    equal = float(record(y, v, es.intercept(y.size), weights=np.full(y.size, unit)).tau2)  # type: ignore[union-attr] # pyright: ignore[reportAttributeAccessIssue] - it gives more than τ²
    squares = float(((y - y.mean()) ** 2).sum()) / (y.size - 1)
    assert equal == pytest.approx(squares - float(v.mean()), rel=1e-9, abs=1e-10 * (squares + float(v.mean())))


@given(data=st.data())
@few
def test_dersimonian_laird_meets_the_expectation_of_q(data: st.DataObject) -> None:
    y, v = data.draw(strategies.samples(decades=4.0))
    w = 1 / v
    trace = float(w.sum() - (w * w).sum() / w.sum())
    q = generalised_q(y, v, 0.0)
    expected = max(0.0, (q - (y.size - 1)) / trace)
    assert tau2_of("DL", y, v) == pytest.approx(expected, rel=1e-9, abs=1e-10 * q / trace)
