"""What `location_scale` promises: results or reasons for awkward data, typed limits, every form of a result."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import evisynth as es
from evisynth import read_only
from evisynth.columns import unknown_output_columns

Y = [0.1, 0.2, 0.15, 0.9, -0.8, 0.3, 0.4, 1.3]
V = [0.1, 0.08, 0.12, 0.1, 0.1, 0.2, 0.05, 0.1]
GROUP = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0]
DOSE = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 2.5, 7.0]
EFFECTS = es.Effects(Y, V)


def wide() -> es.Effects:
    """Effects that differ in both groups."""
    rng = np.random.default_rng(2)
    group = np.arange(30) % 2
    v = rng.uniform(0.05, 0.3, 30)
    return es.Effects(rng.normal(0.2, np.sqrt(v + np.where(group == 0, 0.3, 2.0))), v)


WIDE = wide()
WIDE_GROUP = read_only(np.arange(30) % 2.0)


@pytest.mark.parametrize("method", ["ML", "REML"])
@pytest.mark.parametrize("link", ["log", "identity"])
def test_intercepts_alone_are_the_random_effects_model(link: str, method: str) -> None:
    model = es.location_scale(EFFECTS, link=link, method=method)
    plain = es.fit(EFFECTS, settings="metafor", tau2=method, interval="Wald")
    assert plain.pooled is not None
    tau2 = plain.heterogeneity.tau2
    assert tau2 is not None
    assert model.tau2 is not None
    assert np.allclose(model.tau2, tau2, rtol=1e-11, atol=0.0)
    one = model.location["intercept"]
    assert one.value == pytest.approx(plain.pooled.value, rel=1e-12)
    assert one.se == pytest.approx(plain.pooled.se, rel=1e-12)
    alpha = model.scale["intercept"].value
    assert alpha is not None
    assert (math.exp(alpha) if link == "log" else alpha) == pytest.approx(tau2, rel=1e-11)
    assert model.likelihood_ratio is None
    assert model.maximum is not None
    assert plain.fit is not None
    assert plain.fit.tau2_fit is not None
    assert model.log_likelihood == pytest.approx(float(plain.fit.tau2_fit.log_likelihood), rel=1e-12)  # type: ignore[arg-type]


def test_a_factor_gives_each_group_its_own_tau2() -> None:
    apart = [es.fit(es.Effects(WIDE.y[g == WIDE_GROUP], WIDE.v[g == WIDE_GROUP]), tau2="ML") for g in (0, 1)]
    own = [one.heterogeneity.tau2 for one in apart]
    for link in ("log", "identity"):
        model = es.location_scale(WIDE, location={"g": WIDE_GROUP}, scale={"g": WIDE_GROUP}, link=link, method="ML")
        assert model.tau2 is not None
        assert model.tau2[:2] == pytest.approx(own, rel=1e-9)


def test_a_group_without_spread_is_a_typed_limit() -> None:
    model = es.location_scale(EFFECTS, scale={"g": GROUP})
    assert {name: one.unbounded for name, one in model.scale.items()} == {"intercept": "below", "g": "above"}
    assert all(one.value is None and one.se is None and one.reason for one in model.scale_coefficients)
    assert model.tau2 is not None
    assert model.tau2[:3].tolist() == [0.0, 0.0, 0.0]
    assert model.tau2[3] > 0
    assert model.notes
    assert model.scale_test is not None
    assert model.scale_test.statistic is None
    assert model.scale_test.reason
    assert model.likelihood_ratio is not None
    assert model.likelihood_ratio.p_value is not None
    # The limit is that of the model in which only the other group has a tau², which the identity link reaches.
    edge = es.location_scale(EFFECTS, scale={"g": GROUP}, link="identity")
    assert edge.log_likelihood == pytest.approx(model.log_likelihood, rel=1e-12)
    assert edge.scale["g"].value == pytest.approx(model.tau2[3], rel=1e-9)
    assert edge.scale["g"].se is None
    assert "edge" in (edge.scale["g"].reason or "")
    assert edge.convergence is not None
    assert edge.convergence.binding == 1
    assert "runs to −∞" in str(model)


def test_a_coefficient_that_stays_finite_beside_one_that_does_not() -> None:
    # The first group's effects are equal, so that its tau² falls to 0; the dose acts on the other two groups alone.
    rng = np.random.default_rng(4)
    group = np.repeat([0, 1, 2], 10)
    v = np.full(30, 0.1)
    spread = np.array([0.0, 0.5, 2.0])[group]
    y = np.where(group == 0, 0.2, rng.normal(0.2, np.sqrt(v + spread)))
    Z = es.Design(np.column_stack([group == g for g in range(3)]).astype(float), ["a", "b", "c"], intercept=False)
    model = es.location_scale(es.Effects(y, v), scale=Z)
    assert [one.unbounded for one in model.scale_coefficients] == ["below", None, None]
    rest = es.location_scale(es.Effects(y, v), scale=Z, link="identity")
    for name in ("b", "c"):
        one, other = model.scale[name], rest.scale[name]
        assert one.value is not None
        assert other.value is not None
        assert one.se is not None
        assert math.exp(one.value) == pytest.approx(other.value, rel=1e-8)


def test_equal_effects() -> None:
    model = es.location_scale(es.Effects([0.3] * 6, V[:6]), scale={"dose": DOSE[:6]})
    assert model.tau2 is not None
    assert not model.tau2.any()
    assert model.scale["dose"].unbounded == "undetermined"
    edge = es.location_scale(es.Effects([0.3] * 6, V[:6]), scale={"dose": DOSE[:6]}, link="identity")
    assert edge.tau2 is not None
    assert not edge.tau2.any()
    assert [one.value for one in edge.scale_coefficients] == [0.0, 0.0]


@pytest.mark.parametrize("method", ["ML", "REML"])
@pytest.mark.parametrize("link", ["log", "identity"])
@pytest.mark.parametrize("k", range(7))
def test_few_studies_give_a_result_or_a_reason(k: int, link: str, method: str) -> None:
    model = es.location_scale(
        es.Effects(Y[:k], V[:k]),
        location={"g": [0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0][:k]},
        scale={"dose": DOSE[:k]},
        link=link,
        method=method,
        test="t",
    )
    json.loads(model.to_json())
    assert str(model)
    if k < 4 or (k == 4 and method == "REML" and model.maximum is None):
        assert model.reason
        assert model.tau2 is None
    else:
        assert model.maximum is not None
        assert model.tau2 is not None
        assert np.isfinite(model.tau2).all()
        assert all(one.value is not None or one.reason for one in model.scale_coefficients)
        assert all(one.se is not None or one.reason for one in model.scale_coefficients)


def test_what_the_restricted_likelihood_cannot_tell() -> None:
    # One contrast is left, whose variance is one number.
    model = es.location_scale(es.Effects(Y[:3], V[:3]), location={"g": [0.0, 1.0, 1.0]}, scale=None)
    assert model.maximum is not None
    untold = es.location_scale(
        es.Effects(Y[:5], V[:5]), location=np.vander(np.arange(5.0), 4)[:, :3], scale={"dose": DOSE[:5]}
    )
    assert untold.reason is not None
    assert "5 studies cannot tell" in untold.reason
    lone = es.location_scale(EFFECTS, location={"first": [1.0] + [0.0] * 7}, scale={"first": [1.0] + [0.0] * 7})
    assert lone.reason is not None
    assert "first" in lone.reason


def test_no_positive_tau2_is_possible() -> None:
    only = es.Design(np.array([[-1.0], [1.0], [2.0], [0.5], [1.0], [1.0], [-1.0], [1.0]]), ["x"], intercept=False)
    model = es.location_scale(EFFECTS, scale=only, link="identity")
    assert model.reason is not None
    assert "log link" in model.reason


def test_scales_by_powers_of_two_to_the_bit() -> None:
    for link in ("log", "identity"):
        one = es.location_scale(WIDE, location={"g": WIDE_GROUP}, scale={"g": WIDE_GROUP}, link=link).maximum
        for n in (-20, 7):
            scaled = es.Effects(WIDE.y * 2.0**n, WIDE.v * 4.0**n)
            two = es.location_scale(scaled, location={"g": WIDE_GROUP}, scale={"g": WIDE_GROUP}, link=link).maximum
            assert one is not None
            assert two is not None
            assert np.array_equal(two.tau2, one.tau2 * 4.0**n)
            assert np.array_equal(two.beta, one.beta * 2.0**n)
            if link == "identity":
                assert np.array_equal(two.alpha, one.alpha * 4.0**n)
            else:
                assert two.alpha[1] == one.alpha[1]
                assert two.alpha[0] == pytest.approx(one.alpha[0] + n * math.log(4.0), rel=1e-14)
                assert np.array_equal(two.alpha_covariance, one.alpha_covariance)


def test_without_an_intercept_the_unit_matters() -> None:
    dose = es.Design(np.array(DOSE)[:, np.newaxis] / 10, ["dose"], intercept=False)
    model = es.location_scale(EFFECTS, scale=dose)
    made = model.maximum
    assert made is not None
    assert made.tau2 == pytest.approx(np.exp(np.array(DOSE) / 10 * made.alpha[0]), rel=1e-12)
    # The likelihood is that of the unit given, whatever unit it is computed in.
    scaled = es.location_scale(es.Effects(EFFECTS.y * 1024, EFFECTS.v * 1024.0**2), scale=dose).maximum
    assert scaled is not None
    assert scaled.tau2 == pytest.approx(np.exp(np.array(DOSE) / 10 * scaled.alpha[0]), rel=1e-12)


def test_tests_by_t_and_levels() -> None:
    z = es.location_scale(WIDE, location={"g": WIDE_GROUP}, scale={"g": WIDE_GROUP})
    t = es.location_scale(WIDE, location={"g": WIDE_GROUP}, scale={"g": WIDE_GROUP}, test="t", level=0.9)
    one, other = z.scale["g"], t.scale["g"]
    assert (one.df, other.df, t.location["g"].df) == (None, 28, 28)
    assert one.statistic == other.statistic
    assert one.p_value is not None
    assert other.p_value is not None
    assert one.p_value < other.p_value
    assert z.scale_test is not None
    assert t.scale_test is not None
    # One degree of freedom: χ² is the square of z, and F of t.
    assert z.scale_test.p_value == pytest.approx(one.p_value, rel=1e-12)
    assert t.scale_test.p_value == pytest.approx(other.p_value, rel=1e-12)
    assert t.scale_test.df_residual == 28


def test_formulas_columns_and_matrices_say_the_same() -> None:
    studies = es.load({"yi": Y, "vi": V, "dose": DOSE, "arm": ["a" if g else "b" for g in GROUP]})
    by_name = es.location_scale(studies, location=["dose"], scale=["dose"])
    by_formula = es.location_scale(studies, location="~ dose", scale="~ dose")
    by_matrix = es.location_scale(EFFECTS, location=np.array(DOSE), scale=np.array(DOSE))
    assert by_name.log_likelihood == by_formula.log_likelihood == by_matrix.log_likelihood
    own = es.location_scale(studies, scale="~ 0 + arm")
    assert list(own.scale) == ["arm[a]", "arm[b]"]
    assert own.scale["arm[b]"].unbounded == "below"
    assert own.scale["arm[a]"].value is not None


def test_studies_without_an_effect_are_listed() -> None:
    effects = es.Effects([*Y, math.nan], [*V, 0.1])
    model = es.location_scale(effects, scale={"dose": [*DOSE, math.nan]}, exclude=["Study 2"])
    assert (model.k, model.k_total) == (7, 9)
    rows = model.study_records()
    assert [row["reason"] for row in rows if not row["included"]] == ["left out on request", "missing effect"]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ({"link": "logit"}, es.SettingsError),
        ({"method": "DL"}, es.SettingsError),
        ({"test": "F"}, es.SettingsError),
        ({"level": 95}, es.SettingsError),
        ({"measure": "RR"}, es.SettingsError),
        ({"scale": {"dose": DOSE[:3]}}, es.DataError),
        ({"scale": {"dose": [math.nan, *DOSE[1:]]}}, es.DataError),
        ({"scale": {"same": [1.0] * 8}}, es.CombinationError),
        ({"location": np.column_stack([DOSE, DOSE])}, es.CombinationError),
    ],
)
def test_errors_are_named(words: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        es.location_scale(EFFECTS, **words)


def test_forms() -> None:
    model = es.location_scale(WIDE, scale={"g": WIDE_GROUP})
    document = json.loads(model.to_json())
    assert document["kind"] == "location-scale"
    assert document["scale"][1]["term"] == "g"
    assert document["convergence"]["settled"]
    for of in ("coefficients", "studies"):
        assert not unknown_output_columns(model.to_frame(of).columns)
    assert len(model.to_frame()) == 3
    assert len(model.to_frame("studies")) == 30
    assert "Location-scale model, REML, log link" in str(model)
    assert "log-likelihood" in repr(model)


@pytest.mark.parametrize("size", [1e-24, 1.0, 1e24])
@pytest.mark.parametrize("link", ["log", "identity"])
def test_any_unit(size: float, link: str) -> None:
    model = es.location_scale(es.Effects(WIDE.y * size, WIDE.v * size**2), scale={"g": WIDE_GROUP}, link=link)
    plain = es.location_scale(WIDE, scale={"g": WIDE_GROUP}, link=link)
    assert model.tau2 is not None
    assert plain.tau2 is not None
    assert model.tau2 == pytest.approx(plain.tau2 * size**2, rel=1e-9)


def test_optimizers_are_not_imported_before_they_are_needed() -> None:
    code = (
        "import sys\nimport evisynth as es\n"
        "assert 'evisynth.scale_models' not in sys.modules\n"
        f"effects = es.Effects({WIDE.y.tolist()}, {WIDE.v.tolist()})\n"
        f"m = es.location_scale(effects, scale={{'g': {WIDE_GROUP.tolist()}}})\n"
        "assert m.convergence.settled\n"
        "assert 'scipy.stats' not in sys.modules and 'pandas' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 - our own code
    assert done.returncode == 0, done.stderr
