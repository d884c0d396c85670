"""Selection models by name: what their results say, their options, and what they say where there is no maximum."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable

Y = [0.10, 0.15, 0.22, 0.35, 0.31, 0.48, 0.62, 0.80, 0.95, 1.30, -0.2, 0.05]
V = [0.010, 0.012, 0.020, 0.030, 0.040, 0.080, 0.120, 0.200, 0.260, 0.400, 0.05, 0.09]
LEANING = es.Effects(Y, V, study=[f"Trial {i}" for i in range(12)])
X = [0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0]
CHI2 = 3.841458820694124


def analysis(effects: es.Effects = LEANING, **words: Any) -> es.MetaAnalysis:  # noqa: ANN401 - fields of Settings
    return es.fit(effects, settings="metafor", tau2="ML", prediction=None, **words)


def height(made: es.BiasResult) -> float:
    assert made.convergence is not None
    assert made.convergence.converged
    assert made.convergence.log_likelihood is not None
    return made.convergence.log_likelihood


def pooled(made: es.BiasResult) -> es.Estimate:
    assert made.after is not None, made.reason
    return made.after


# -- without selection it is the maximum likelihood of the analysis ----------------------------------------------------


@pytest.mark.parametrize("words", [{}, {"model": "common"}, {"moderators": {"x": X}}])
def test_equal_weights_are_the_analysis_itself(words: dict[str, Any]) -> None:
    plain = analysis(**words)
    made = es.bias(plain, "selection: step", steps=[0.05], delta=[1, 1])
    names = list(plain.coefficients)
    found = {names[0]: pooled(made), **made.parameters} if len(names) == 1 else made.parameters
    for name in names:
        assert found[name].value == pytest.approx(plain.coefficients[name].value, rel=1e-9)
        assert found[name].se == pytest.approx(plain.coefficients[name].se, rel=1e-9)
    tau2 = 0.0 if words.get("model") == "common" else plain.heterogeneity.tau2
    assert made.parameters["tau2"].value == pytest.approx(tau2, rel=1e-8, abs=1e-12)
    assert made.statistic == pytest.approx(0.0, abs=1e-10)
    assert (made.df, made.p_value) == (None, None)


def test_profile_limits_of_tau2_are_those_of_the_profile_likelihood() -> None:
    plain = analysis(
        es.Effects([0.1, 0.9, -0.5, 0.4, 0.7, 1.4], [0.05, 0.03, 0.1, 0.02, 0.04, 0.08]), tau2_interval="PL"
    )
    made = es.bias(plain, "selection: step", steps=[0.05], delta=[1, 1], interval="profile")
    limits = plain.heterogeneity.tau2_limits[0]
    assert limits is not None
    assert made.parameters["tau2"].ci_low == pytest.approx(limits.low, rel=1e-9)
    assert made.parameters["tau2"].ci_high == pytest.approx(limits.high, rel=1e-9)


@pytest.mark.parametrize("name", ["3PSM", "half-normal"])
def test_at_profile_limits_the_likelihood_is_half_a_quantile_lower(name: str) -> None:
    made = es.bias(analysis(), f"selection: {name}", interval="profile")
    (delta,) = [one for key, one in made.parameters.items() if key not in {"tau2", "delta 1: p ≤ 0.025"}]
    met = 0
    for end in (delta.ci_low, delta.ci_high):
        if 0.0 < end < math.inf:
            given = [end] if name == "half-normal" else [1.0, end]
            full = "selection: half-normal" if name == "half-normal" else "selection: step"
            words: dict[str, Any] = {} if name == "half-normal" else {"steps": [0.025]}
            at_end = es.bias(analysis(), full, delta=given, **words)
            assert 2.0 * (height(made) - height(at_end)) == pytest.approx(CHI2, abs=1e-7)
            met += 1
    assert met
    mean = pooled(made)
    assert mean.ci_low < mean.value < mean.ci_high
    assert mean.ci_low != pooled(es.bias(analysis(), f"selection: {name}")).ci_low


# -- what a result holds -----------------------------------------------------------------------------------------------


def test_a_result_names_everything() -> None:
    made = es.bias(analysis(), "selection: 4PSM")
    assert made.name == "selection: 4PSM"
    assert made.variant == "step function with steps at 0.025 and 0.5, random-effects model, maximum likelihood"
    assert made.before == analysis().pooled
    assert list(made.parameters) == ["tau2", "delta 1: p ≤ 0.025", "delta 2: 0.025 < p ≤ 0.5", "delta 3: p > 0.5"]
    assert made.figures == {
        "studies with p ≤ 0.025": 2.0,
        "studies with 0.025 < p ≤ 0.5": 9.0,
        "studies with p > 0.5": 1.0,
    }
    assert (made.symbol, made.df, made.side, made.k) == ("χ²", 2.0, "right", 12)
    assert made.statistic is not None
    assert made.p_value == pytest.approx(math.exp(-made.statistic / 2.0), rel=1e-12)
    assert [study.change for study in made.studies] == ["weighted"] * 12
    deltas = [one.value for name, one in made.parameters.items() if name != "tau2"]
    for study, y, v in zip(made.studies, Y, V, strict=True):
        one = y / math.sqrt(v)
        place = (one < 1.959963984540054) + (one < 0.0)
        assert study.weight == pytest.approx(deltas[place], rel=1e-12)
    assert "1 of the studies have p > 0.5: its weight is hardly known" in made.warnings


def test_weights_of_a_smooth_function() -> None:
    made = es.bias(analysis(), "selection: beta")
    first, second = (made.parameters[f"delta {i}"].value for i in (1, 2))
    for study, y, v in zip(made.studies, Y, V, strict=True):
        p = 0.5 * math.erfc(y / math.sqrt(2.0 * v))
        assert study.weight == pytest.approx(p ** (first - 1.0) * (1.0 - p) ** (second - 1.0), rel=1e-9)


def test_the_side_follows_the_pooled_effect() -> None:
    right, left = (analysis(es.Effects(sign * np.array(Y), V)) for sign in (1.0, -1.0))
    for name in ("3PSM", "beta", "truncated", "truncated, estimated cut"):
        one, other = (es.bias(each, f"selection: {name}") for each in (right, left))
        assert (one.side, other.side) == ("right", "left")
        assert pooled(other).value == pytest.approx(-pooled(one).value, rel=1e-9)
        assert pooled(other).ci_low == pytest.approx(-pooled(one).ci_high, rel=1e-7)
        assert height(other) == pytest.approx(height(one), rel=1e-12)
    against = es.bias(right, "selection: 3PSM", side="left")
    assert height(against) != pytest.approx(height(es.bias(right, "selection: 3PSM")))
    both = [es.bias(each, "selection: beta", side="two-sided") for each in (right, left)]
    assert pooled(both[0]).value == pytest.approx(-pooled(both[1]).value, rel=1e-9)


def test_a_meta_regression_has_its_coefficients() -> None:
    made = es.bias(analysis(moderators={"x": X}), "selection: 3PSM", interval="profile")
    assert made.before is None
    assert list(made.parameters)[:3] == ["intercept", "x", "tau2"]
    assert made.after == made.parameters["intercept"]
    slope = made.parameters["x"]
    assert slope.ci_low < slope.value < slope.ci_high


def test_a_common_effect_has_no_tau2() -> None:
    made = es.bias(analysis(model="common"), "selection: negative exponential")
    assert made.parameters["tau2"].value == 0.0
    assert "common-effect model" in made.variant
    assert height(made) <= height(es.bias(analysis(), "selection: negative exponential")) + 1e-9


# -- ends of ranges ----------------------------------------------------------------------------------------------------


def test_an_interval_without_a_study_has_the_weight_0() -> None:
    made = es.bias(analysis(), "selection: step", steps=[0.025, 0.999])
    assert made.parameters["delta 3: p > 0.999"].value == 0.0
    assert made.convergence is not None
    assert "delta 3: p > 0.999" in made.convergence.at_bounds
    assert "no study has p > 0.999: its weight is 0" in made.warnings


def test_without_a_study_in_the_first_interval_another_is_the_unit() -> None:
    made = es.bias(analysis(), "selection: step", steps=[1e-6, 0.05])
    assert made.parameters["delta 1: p ≤ 1e-06"].value == 0.0
    assert made.parameters["delta 2: 1e-06 < p ≤ 0.05"].value == 1.0
    assert any(warning.startswith("no study has p ≤ 1e-06: weights are relative to") for warning in made.warnings)


def test_a_mean_that_runs_off_gets_a_reason() -> None:
    # All are significant, and they fall off faster than any normal tail: an exponential one fits better.
    z = 1.96 + np.array([0.01, 0.02, 0.03, 0.05, 0.1, 0.1, 0.2, 0.2, 0.5, 4.0])
    for sign in (1.0, -1.0):
        made = es.bias(analysis(es.Effects(sign * 0.2 * z, np.full(10, 0.04))), "selection: 3PSM")
        assert made.after is None
        assert made.reason is not None
        assert f"runs off to {'-' if sign > 0 else ''}∞" in made.reason
        assert made.convergence is not None
        assert made.convergence.converged
        assert "tau2" in made.convergence.at_bounds
        excess = 0.2 * (z - 1.959963984540054)
        assert made.convergence.log_likelihood == pytest.approx(-10.0 * (math.log(excess.mean()) + 1.0), abs=1e-6)


def test_weights_that_no_study_speaks_of_are_flat() -> None:
    far = analysis(es.Effects(np.linspace(19.0, 21.0, 12), np.full(12, 0.25)))
    for name in ("beta", "negative exponential"):
        made = es.bias(far, f"selection: {name}")
        assert made.convergence is not None
        assert made.convergence.flat
        assert pooled(made).value == pytest.approx(20.0, rel=1e-9)
        assert pooled(made).se > 0.0
        assert any(warning.startswith("the likelihood is flat") for warning in made.warnings)


def test_weights_that_do_not_increase() -> None:
    effects = es.Effects([0.1, 0.3, 0.5, 0.9, 0.2, 0.45, 0.05, 0.6, 0.15, 0.35], [0.04] * 10)
    free, bound = (
        es.bias(analysis(effects), "selection: step", steps=[0.01, 0.05, 0.3], decreasing=d) for d in (False, True)
    )
    weights = [one.value for name, one in bound.parameters.items() if name != "tau2"]
    assert weights == sorted(weights, reverse=True)
    assert height(bound) <= height(free) + 1e-9
    loose = [one.value for name, one in free.parameters.items() if name != "tau2"]
    assert loose != sorted(loose, reverse=True)


@pytest.mark.parametrize("k", [0, 1, 2, 3])
def test_few_studies_get_a_reason(k: int) -> None:
    made = es.bias(analysis(LEANING.take(range(k))), "selection: 4PSM")
    assert made.after is None
    assert made.reason is not None
    expected = "no studies" if k == 0 else "4 parameters"
    assert expected in made.reason


# -- options -----------------------------------------------------------------------------------------------------------


def test_precision_multiplies_delta() -> None:
    for prec, size in (("sei", np.sqrt(V)), ("vi", np.array(V))):
        made = es.bias(analysis(), "selection: negative exponential", prec=prec)
        delta = made.parameters["delta"].value
        for study, y, v, imprecision in zip(made.studies, Y, V, size / size.max(), strict=True):
            p = 0.5 * math.erfc(y / math.sqrt(2.0 * v))
            assert study.weight == pytest.approx(math.exp(-delta * imprecision * p), rel=1e-9)
    sizes = [1.0 / v for v in V]
    by_n = es.bias(analysis(), "selection: half-normal", prec="ninv", n=sizes)
    assert height(by_n) == pytest.approx(height(es.bias(analysis(), "selection: half-normal", prec="vi")), rel=1e-12)
    by_root = es.bias(analysis(), "selection: logistic", prec="sqrtninv", n=sizes)
    assert height(by_root) == pytest.approx(height(es.bias(analysis(), "selection: logistic", prec="sei")), rel=1e-12)
    unknown = es.bias(analysis(), "selection: power", prec="ninv")
    assert unknown.reason is not None
    assert "sample sizes" in unknown.reason


def test_below_a_threshold_all_are_published() -> None:
    made = es.bias(analysis(), "selection: power", steps=[0.05])
    for study, y, v in zip(made.studies, Y, V, strict=True):
        if y / math.sqrt(v) > 1.6448536269514722:
            assert study.weight == 1.0
        else:
            assert study.weight is not None
            assert study.weight < 1.0 or made.parameters["delta"].value == 0.0


def test_special_cases_of_the_exponential_power_function() -> None:
    for second, name in ((1.0, "negative exponential"), (0.5, "half-normal")):
        special = es.bias(analysis(), f"selection: {name}")
        general = es.bias(analysis(), "selection: negative exponential power", delta=[None, second])
        assert height(general) == pytest.approx(height(special), rel=1e-10)
        assert general.df == 1.0


def test_a_beta_weight_may_be_kept_constant_near_the_ends() -> None:
    made = es.bias(analysis(), "selection: truncated beta", steps=[0.1, 0.6])
    weights = [study.weight for study, y, v in zip(made.studies, Y, V, strict=True) if y / math.sqrt(v) > 1.2816]
    assert len(weights) > 2
    assert weights == pytest.approx([weights[0]] * len(weights), rel=1e-12)


def test_groups_have_weights_of_their_own() -> None:
    labels = ["a", "b"] * 6
    both = es.bias(analysis(), "selection: negative exponential", subset=labels)
    assert list(both.parameters) == ["tau2", "delta (a)", "delta (b)"]
    assert both.df == 2.0
    one = es.bias(analysis(), "selection: negative exponential", subset=[label == "a" for label in labels])
    assert list(one.parameters) == ["tau2", "delta"]
    assert [study.weight for study, label in zip(one.studies, labels, strict=True) if label == "b"] == [1.0] * 6
    assert height(both) >= height(one) - 1e-9
    steps = es.bias(analysis(), "selection: 3PSM", subset=labels)
    assert "delta 2: p > 0.025 (b)" in steps.parameters
    alone = es.bias(analysis(), "selection: 3PSM", subset=[label == "a" for label in labels])
    assert height(steps) >= height(alone) - 1e-9
    assert es.bias(analysis(), "selection: beta", subset=[False] * 12).reason is not None


def test_patterns_of_vevea_and_woods() -> None:
    moderate, severe = (es.bias(analysis(), "selection: fixed weights", delta=word) for word in ("moderate", "severe"))
    plain = analysis().pooled
    assert plain is not None
    assert pooled(severe).value < pooled(moderate).value < plain.value
    two_sided = es.bias(analysis(), "selection: fixed weights", side="two-sided", delta="severe")
    assert two_sided.parameters["delta 7: 0.35 < p ≤ 0.5"].value == 0.25
    given = es.bias(analysis(), "selection: fixed weights", steps=[0.05, 0.5], delta=[1, 0.5, 0.2])
    same = es.bias(analysis(), "selection: step", steps=[0.05, 0.5], delta=[1, 0.5, 0.2])
    assert pooled(given) == pooled(same)


def test_an_effect_may_be_the_cut_point() -> None:
    made = es.bias(analysis(), "selection: truncated", cut=0.2)
    assert made.figures == {"studies with y > 0.2": 8.0, "studies with y ≤ 0.2": 4.0}
    estimated = es.bias(analysis(), "selection: truncated, estimated cut")
    assert height(estimated) >= height(made) - 1e-9
    assert estimated.parameters["cut"].value in Y
    assert estimated.p_value is None


def test_a_study_of_weight_0_is_impossible() -> None:
    made = es.bias(analysis(), "selection: step", steps=[0.5], delta=[1, 0])
    assert made.reason == "a study lies where the weight is fixed at 0, which is impossible under the model"


WRONG: dict[str, Callable[[es.MetaAnalysis], object]] = {
    "side of selection: 3PSM is one of 'auto', 'left', 'right', 'two-sided', not 'up'": lambda a: es.bias(
        a, "selection: 3PSM", side="up"
    ),
    "side of selection: truncated is one of 'auto', 'left', 'right', not 'two-sided'": lambda a: es.bias(
        a, "selection: truncated", side="two-sided"
    ),
    "interval of selection: beta is one of 'Wald', 'profile', not 'PL'": lambda a: es.bias(
        a, "selection: beta", interval="PL"
    ),
    "prec of selection: power is one of 'sei', 'vi', 'ninv', 'sqrtninv', not 'se'": lambda a: es.bias(
        a, "selection: power", prec="se"
    ),
    "steps of selection: step are p-values between 0 and 1 in ascending order": lambda a: es.bias(
        a, "selection: step", steps=[0.5, 0.05]
    ),
    "steps of selection: logistic is one p-value": lambda a: es.bias(a, "selection: logistic", steps=[0.05, 0.5]),
    "steps of selection: truncated beta are the two p-values": lambda a: es.bias(
        a, "selection: truncated beta", steps=[0.05]
    ),
    "delta of selection: step is 2 numbers": lambda a: es.bias(a, "selection: step", steps=[0.05], delta=[1]),
    "delta of selection: beta is 2 numbers, each positive": lambda a: es.bias(a, "selection: beta", delta=[0, 1]),
    "delta of selection: fixed weights is one of 'moderate', 'severe'": lambda a: es.bias(
        a, "selection: fixed weights", delta="mild"
    ),
    "delta of selection: fixed weights is a weight for every interval": lambda a: es.bias(
        a, "selection: fixed weights", steps=[0.05], delta=[1, None]
    ),
    "decreasing of selection: step goes with weights that are estimated": lambda a: es.bias(
        a, "selection: step", steps=[0.05], delta=[1, 1], decreasing=True
    ),
    "censor of selection: beta lies between 0 and 0.5": lambda a: es.bias(a, "selection: beta", censor=0.5),
    "cut of selection: truncated is an effect": lambda a: es.bias(a, "selection: truncated", cut=math.inf),
    "subset of selection: 3PSM is one entry for each of 12 studies": lambda a: es.bias(
        a, "selection: 3PSM", subset=[True]
    ),
}


@pytest.mark.parametrize("says", WRONG)
def test_wrong_options_are_refused_by_name(says: str) -> None:
    with pytest.raises(es.SettingsError, match=re.escape(says)):
        WRONG[says](analysis())


def test_effects_on_a_cut_point_get_a_reason() -> None:
    # The density can grow without end above the cut point that all of them lie on.
    made = es.bias(analysis(es.Effects(np.zeros(8), np.linspace(0.01, 0.1, 8))), "selection: truncated")
    assert made.after is None
    assert made.reason is not None
    assert "piles up at a cut point" in made.reason


def test_an_adjusted_effect_beyond_all_effects_is_warned_of() -> None:
    equal = es.Effects([0.4] * 12, np.linspace(0.01, 0.3, 12))
    beyond = es.bias(analysis(equal), "selection: half-normal")
    assert pooled(beyond).value < 0.4
    assert any("beyond the effects of all studies" in warning for warning in beyond.warnings)
    within = es.bias(analysis(), "selection: half-normal")
    assert min(Y) < pooled(within).value < max(Y)
    assert not any("beyond the effects of all studies" in warning for warning in within.warnings)


def test_a_study_that_cannot_have_been_published_gets_a_reason() -> None:
    effects = es.Effects([0.1, 0.5, -0.9, 1.4, 0.2], [0.01, 0.02, 0.05, 0.1, 0.02])
    chosen: dict[str, dict[str, Any]] = {
        "selection: truncated": {"delta": [0.0]},
        "selection: step": {"steps": [0.5], "delta": [1.0, 0.0]},
    }
    for name, options in chosen.items():
        made = es.bias(analysis(effects), name, side="right", **options)
        assert made.after is None
        assert made.reason == "a study lies where the weight is fixed at 0, which is impossible under the model"
        shown = es.Effects(np.delete(effects.y, 2), np.delete(effects.v, 2))
        assert es.bias(analysis(shown), name, side="right", **options).reason is None


@pytest.mark.parametrize("name", ["beta", "half-normal", "negative exponential"])
def test_only_a_range_that_ends_at_no_selection_has_a_conservative_p_value(name: str) -> None:
    warned = any("χ² is conservative" in text for text in es.bias(analysis(), f"selection: {name}").warnings)
    assert warned == (name != "beta")
