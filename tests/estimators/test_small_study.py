"""Egger's test and trim and fill: against R, and where small or odd data leave no answer."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import pytest
import scipy.stats

import evisynth as es
from evisynth_estimators import trim_and_fill
from evisynth_estimators.kendall import kendall

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SE = "SE of missing studies"
CLOSED = 1e-9
EARLY_STOP = 2e-5
"""metafor refits the filled data with its default control, which stops τ² by REML within 1e-5 of the maximum."""

# These lean to the right and hold no ties.
LEANING = es.Effects(
    [0.10, 0.15, 0.22, 0.35, 0.31, 0.48, 0.62, 0.80, 0.95, 1.30],
    [0.010, 0.012, 0.020, 0.030, 0.040, 0.080, 0.120, 0.200, 0.260, 0.400],
    study=[f"Trial {i}" for i in range(10)],
)

BCG = es.Effects(
    [-0.8893, -1.5854, -1.3481, -1.4416, -0.2175, -0.7861, -1.6209, 0.0120, -0.4694, -1.3713, -0.3394, 0.4459, -0.0173],
    [0.3256, 0.1946, 0.4154, 0.0200, 0.0512, 0.0069, 0.2230, 0.0040, 0.0564, 0.0730, 0.0124, 0.5325, 0.0714],
)
"""Log risk ratios of tuberculosis after BCG vaccination, rounded: Colditz et al. (1994), JAMA 271:698-702."""


def analysis_of(inputs: Mapping[str, Any], method: str) -> es.MetaAnalysis:
    effects = es.Effects(np.array(inputs["yi"], dtype=float), np.array(inputs["vi"], dtype=float))
    words: dict[str, Any] = {"model": "common"} if method == "EE" else {"tau2": method}
    return es.fit(effects, settings="metafor", prediction=None, tau2_interval=None, **words)


def cases(r_cases: Mapping[str, Any], group: str) -> Iterator[tuple[dict[str, Any], Mapping[str, Any], str]]:
    for case in r_cases["cases"]:
        if case["group"] == group:
            method = re.search(r'method="(\w+)"', case["options"]["model"])
            yield case, r_cases["inputs"][case["inputs"]["ref"]], method.group(1) if method else "REML"


def agrees(value: float | None, expected: float | None, tolerance: float, size: float = 0.0) -> bool:
    if value is None or expected is None:
        return value is None and expected is None
    return abs(value - expected) <= tolerance * max(abs(expected), size)


# -- Egger's test against recorded results of metafor 5.1 -------------------------------------------------------------


def test_egger_agrees_with_regtest(r_cases: Mapping[str, Any]) -> None:
    compared = {"classical": 0, "mixed": 0}
    off: list[str] = []
    for case, inputs, method in cases(r_cases, "regtest"):
        if case["options"].get("predictor") != "sei":
            continue
        variant = "classical" if case["options"]["model2"] == "lm" else "mixed"
        seen = es.bias(analysis_of(inputs, method), variant=variant)
        compared[variant] += 1
        if case["dataset"] == "k5.identical":
            continue  # see test_effects_on_a_line
        expected = {name: case["outputs"][name][0] for name in ("zval", "pval", "dfs", "est", "ci_lb", "ci_ub")}
        limit = seen.limit
        assert limit is not None
        pairs = [
            (seen.statistic, expected["zval"], 1.0),
            (seen.p_value, expected["pval"], 0.0),
            (seen.df, expected["dfs"], 0.0),
            (limit.value, expected["est"], limit.se),
            (limit.ci_low, expected["ci_lb"], limit.se),
            (limit.ci_high, expected["ci_ub"], limit.se),
        ]
        off += [case["id"] for value, wanted, size in pairs if not agrees(value, wanted, CLOSED, size)]
    assert off == []
    assert compared == {"classical": 53, "mixed": 53}


def test_egger_beside_moderators_agrees_with_regtest(r_cases: Mapping[str, Any]) -> None:
    compared = 0
    for case, inputs, _ in cases(r_cases, "regtest"):
        if "predictor" in case["options"]:
            continue
        effects = es.Effects(np.array(inputs["yi"], dtype=float), np.array(inputs["vi"], dtype=float))
        design = np.array(inputs["X"], dtype=float)
        seen = es.bias(es.fit(effects, settings="metafor", moderators=design[:, 1:]), variant="mixed")
        assert agrees(seen.statistic, case["outputs"]["zval"][0], CLOSED, 1.0), case["id"]
        assert seen.limit is None
        compared += 1
    assert compared == 19


# -- trim and fill against recorded results of metafor 5.1 ------------------------------------------------------------


def test_trim_and_fill_agrees_with_trimfill(r_cases: Mapping[str, Any]) -> None:
    compared, undefined = 0, 0
    off: list[str] = []
    for case, inputs, method in cases(r_cases, "trimfill"):
        options, expected = case["options"], case["outputs"]
        seen = es.bias(
            analysis_of(inputs, method),
            "trim-and-fill",
            estimator=options["estimator"],
            side=options.get("side", "auto"),
        )
        if "error" in expected:
            # metafor stops where Q0 takes the root of a negative number, and where no deviation of R0's has a sign.
            undefined += 1
            assert (seen.reason is not None) == (options["estimator"] == "Q0"), case["id"]
            continue
        compared += 1
        off += [f"{case['id']}: {what}" for what in differences(seen, expected, method)]
    assert off == []
    assert (compared, undefined) == (561, 22)


def differences(seen: es.BiasResult, expected: Mapping[str, Any], method: str) -> Iterator[str]:
    if (len(seen.added), seen.side) != (expected["k0"], expected["side"]):
        yield f"{len(seen.added)} on the {seen.side}, not {expected['k0']} on the {expected['side']}"
        return
    if not agrees(seen.figures.get(SE), expected["se_k0"], CLOSED):
        yield f"SE {seen.figures.get(SE)}, not {expected['se_k0']}"
    if not agrees(seen.p_value, expected.get("p_k0"), CLOSED):
        yield f"p {seen.p_value}, not {expected.get('p_k0')}"
    analysis = seen.analysis
    assert analysis is not None
    assert analysis.pooled is not None
    pooled, spread = analysis.pooled, analysis.heterogeneity
    filled = sorted(y for y, _ in seen.added)
    for y, wanted in zip(filled, sorted(expected["fill_yi"]), strict=True):
        if not agrees(y, wanted, CLOSED, pooled.se):
            yield f"filled {y}, not {wanted}"
    early = method == "REML"
    tau2 = 0.0 if method == "EE" else spread.tau2
    assert tau2 is not None
    if not (abs(tau2 - expected["tau2"]) <= EARLY_STOP if early else agrees(tau2, expected["tau2"], CLOSED)):
        yield f"tau² {tau2}, not {expected['tau2']}"
    if early:
        # At metafor's own τ² everything else has to be the same.
        assert analysis.fit is not None
        fit = analysis.fit.refit(tau2=np.asarray(expected["tau2"]))
        value, se = float(fit.coefficients[0]), float(fit.se[0])
    else:
        value, se = pooled.value, pooled.se
    if not (agrees(value, expected["beta"][0], CLOSED, se) and agrees(se, expected["se"][0], CLOSED)):
        yield f"pooled {value} (SE {se}), not {expected['beta'][0]} (SE {expected['se'][0]})"
    if not agrees(spread.q, expected["QE"], CLOSED):
        yield f"Q {spread.q}, not {expected['QE']}"


# -- R on this machine ------------------------------------------------------------------------------------------------

R_SCRIPT = """
yi <- c({y}); vi <- c({v})
res <- rma(yi, vi, method="DL"); ee <- rma(yi, vi, method="FE")
out <- c(unlist(regtest(ee, model="lm")[c("zval", "pval", "dfs", "est", "ci.lb", "ci.ub")]),
         unlist(regtest(res)[c("zval", "pval", "est", "ci.lb", "ci.ub")]))
for (e in c("L0", "R0", "Q0")) for (side in c("left", "right")) {{
  tf <- trimfill(res, estimator=e, side=side)
  out <- c(out, tf$k0, tf$se.k0, coef(tf), tf$se, tf$tau2)
}}
"""


@pytest.mark.live_r
def test_it_agrees_with_the_r_of_this_machine(ask_r: Callable[..., Any]) -> None:
    numbers = {"y": BCG.y, "v": BCG.v}
    code = R_SCRIPT.format(**{name: ", ".join(map(repr, column.tolist())) for name, column in numbers.items()})
    expected = [math.nan if number is None else number for number in ask_r(code, "unname(out)")]
    common = es.fit(BCG, settings="metafor", model="common")
    random = es.fit(BCG, settings="metafor", tau2="DL")
    seen: list[float] = []
    for tested in (es.bias(common), es.bias(random, variant="mixed")):
        assert tested.limit is not None
        assert tested.statistic is not None
        assert tested.p_value is not None
        limit = tested.limit
        seen += [tested.statistic, tested.p_value, *([] if tested.df is None else [tested.df])]
        seen += [limit.value, limit.ci_low, limit.ci_high]
    for estimator in ("L0", "R0", "Q0"):
        for side in ("left", "right"):
            made = es.bias(random, "trim-and-fill", estimator=estimator, side=side)
            assert made.analysis is not None
            assert made.analysis.pooled is not None
            tau2 = made.analysis.heterogeneity.tau2
            assert tau2 is not None
            se = made.figures.get(SE, math.nan)
            seen += [len(made.added), se, made.analysis.pooled.value, made.analysis.pooled.se, tau2]
    assert seen == pytest.approx(expected, rel=CLOSED, abs=1e-12, nan_ok=True)


# -- what the test says beside its numbers ----------------------------------------------------------------------------


def test_the_classical_slope_is_eggers_intercept() -> None:
    # Egger's own form: the intercept of the regression of y/SE on 1/SE.
    seen = es.bias(es.fit(LEANING))
    se = np.sqrt(LEANING.v)
    design = np.column_stack([np.ones(10), 1 / se])
    beta, rss, *_ = np.linalg.lstsq(design, LEANING.y / se, rcond=None)
    error = math.sqrt(float(rss[0]) / 8 * np.linalg.inv(design.T @ design)[0, 0])
    assert seen.asymmetry is not None
    assert seen.limit is not None
    assert seen.asymmetry.value == pytest.approx(beta[0], rel=1e-12)
    assert seen.asymmetry.se == pytest.approx(error, rel=1e-12)
    assert seen.limit.value == pytest.approx(beta[1], rel=1e-12)
    assert (seen.df, seen.k, seen.statistic) == (8.0, 10, seen.asymmetry.statistic)


def test_the_mixed_variant_takes_model_estimator_and_interval_of_the_analysis() -> None:
    wald = es.bias(es.fit(LEANING, settings="metafor", tau2="DL"), variant="mixed")
    hartung = es.bias(es.fit(LEANING, settings="metafor", tau2="DL", interval="HK"), variant="mixed")
    assert (wald.df, hartung.df) == (None, 8.0)
    regression = es.fit(
        LEANING, settings="metafor", tau2="DL", moderators={"se": np.sqrt(LEANING.v).tolist()}
    ).coefficients["se"]
    assert wald.statistic == pytest.approx(regression.statistic, rel=1e-12)
    assert wald.variant != es.bias(es.fit(LEANING)).variant


@pytest.mark.parametrize("unit", [2.0**-40, 2.0**40])
def test_the_unit_of_the_effects_changes_no_digit(unit: float) -> None:
    other = es.Effects(LEANING.y * unit, LEANING.v * unit * unit)
    for variant in ("classical", "mixed"):
        one, two = (es.bias(es.fit(effects, tau2="DL"), variant=variant) for effects in (LEANING, other))
        assert two.p_value == pytest.approx(one.p_value, rel=1e-12)
        assert one.asymmetry is not None
        assert two.asymmetry is not None
        assert two.asymmetry.value == pytest.approx(one.asymmetry.value, rel=1e-12)


@pytest.mark.parametrize("variant", ["classical", "mixed"])
@pytest.mark.parametrize("k", [0, 1, 2])
def test_fewer_than_three_studies_get_a_reason(k: int, variant: str) -> None:
    seen = es.bias(es.fit(es.Effects([0.1, 0.2][:k], [0.1, 0.2][:k])), variant=variant)
    assert seen.reason == f"the test needs at least 3 studies, and here are {k}"
    assert (seen.statistic, seen.df, seen.p_value, seen.asymmetry, seen.limit) == (None,) * 5


@pytest.mark.parametrize("variant", ["classical", "mixed"])
@pytest.mark.parametrize("v", [0.04, 1e-12, 1e12])
def test_equal_precisions_get_a_reason(v: float, variant: str) -> None:
    seen = es.bias(es.fit(es.Effects([0.1, 0.2, 0.4, 0.3], [v] * 4)), variant=variant)
    assert seen.reason is not None
    assert "equally precise" in seen.reason


def test_effects_on_a_line() -> None:
    # R divides one rounding by another here.
    for y in ([0.25] * 5, (1 + 2 * np.sqrt([0.01, 0.04, 0.09, 0.16, 0.25])).tolist()):
        seen = es.bias(es.fit(es.Effects(y, [0.01, 0.04, 0.09, 0.16, 0.25]), settings="metafor"))
        assert seen.reason is not None
        assert "no residual variance" in seen.reason


def test_few_studies_and_ratios_get_warnings() -> None:
    tens = es.bias(es.fit(LEANING))
    assert tens.warnings == ()
    nine = es.bias(es.fit(LEANING.take(range(9))))
    assert [warning[:27] for warning in nine.warnings] == ["fewer than 10 studies (9): "]
    table = {"ai": [3, 5, 8, 2], "n1i": [20, 30, 40, 25], "ci": [5, 9, 9, 6], "n2i": [20, 30, 40, 25]}
    ratio = es.bias(es.fit(table, "OR"))
    assert len(ratio.warnings) == 2
    assert "the odds ratio depends on the effect itself" in ratio.warnings[1]


def test_pooling_by_mantel_haenszel_is_tested_with_inverse_variance_weights() -> None:
    table = {"ai": [3, 5, 8, 2, 0], "n1i": [20, 30, 40, 25, 10], "ci": [5, 9, 9, 6, 0], "n2i": [20, 30, 40, 25, 10]}
    by_mh = es.fit(table, "RR", method="MH", model="common", settings="metafor")
    assert by_mh.k == 4
    effects = by_mh.effects
    by_iv = es.fit(es.Effects(effects.y[:4], effects.v[:4], measure="RR"), settings="metafor", model="common")
    for variant in ("classical", "mixed"):
        assert es.bias(by_mh, variant=variant).p_value == es.bias(by_iv, variant=variant).p_value


def test_moderators_stay_in_and_take_degrees_of_freedom() -> None:
    analysis = es.fit(LEANING, settings="metafor", moderators={"x": [0, 1, 0, 1, 1, 0, 0, 1, 1, 0]})
    assert es.bias(analysis).df == 7.0
    few = es.fit(LEANING.take(range(3)), settings="metafor", moderators={"x": [0, 1, 1]})
    assert es.bias(few).reason == "the test needs more studies than coefficients: 3 studies for 3"


UNKNOWN: dict[str, Callable[[es.MetaAnalysis], object]] = {
    "variant of Egger's test is one of 'classical', 'mixed', not 'harbord'": lambda a: es.bias(a, variant="harbord"),
    "estimator of trim-and-fill is one of 'L0', 'R0', 'Q0', not 'L1'": lambda a: es.bias(
        a, "trim-and-fill", estimator="L1"
    ),
    "side of trim-and-fill is one of 'auto', 'left', 'right', not 'up'": lambda a: es.bias(
        a, "trim-and-fill", side="up"
    ),
}


@pytest.mark.parametrize("says", UNKNOWN)
def test_an_option_that_is_not_known_is_refused_by_name(says: str) -> None:
    with pytest.raises(es.SettingsError, match=re.escape(says)):
        UNKNOWN[says](es.fit(LEANING))


# -- what trim and fill says beside its numbers -----------------------------------------------------------------------


def test_the_filled_analysis_is_an_analysis_like_any_other() -> None:
    analysis = es.fit(LEANING, settings="metafor", tau2="DL", interval="HK")
    made = es.bias(analysis, "trim-and-fill")
    filled = made.analysis
    assert filled is not None
    assert len(made.added) > 0
    assert filled.settings == analysis.settings
    assert filled.k == analysis.k + len(made.added)
    assert [study.study for study in filled.studies][10:] == [
        f"Filled: Trial {i}" for i in range(10 - len(made.added), 10)
    ]
    assert [(s.effect, pytest.approx(made.added[i][1] ** 0.5)) for i, s in enumerate(filled.studies[10:])] == [
        (y, pytest.approx(v**0.5)) for y, v in made.added
    ]
    for reporter in ("text", "json", "csv"):
        assert "Filled: Trial 9" in str(es.report(filled, reporter))
    assert json.loads(filled.to_json())["k"] == filled.k


def test_mirror_images_lie_about_the_trimmed_mean() -> None:
    made = es.bias(es.fit(LEANING, settings="metafor", model="common"), "trim-and-fill", side="left")
    count = len(made.added)
    trimmed = es.fit(LEANING.take(range(10 - count)), settings="metafor", model="common")
    assert trimmed.pooled is not None
    for (y, v), i in zip(made.added, range(10 - count, 10), strict=True):
        assert y == pytest.approx(2 * trimmed.pooled.value - LEANING.y[i], rel=1e-12)
        assert v == LEANING.v[i]


def test_without_a_missing_study_the_result_is_the_analysis_itself() -> None:
    analysis = es.fit(LEANING, settings="metafor")
    made = es.bias(analysis, "trim-and-fill", side="right")
    assert made.analysis is analysis
    assert (made.added, made.reason) == ((), None)


def test_the_side_follows_the_slope_on_the_standard_error() -> None:
    turned = es.Effects(-LEANING.y, LEANING.v)
    sides = [es.bias(es.fit(effects, settings="metafor"), "trim-and-fill").side for effects in (LEANING, turned)]
    assert sides == ["left", "right"]
    left, right = (es.bias(es.fit(effects, settings="metafor"), "trim-and-fill") for effects in (LEANING, turned))
    assert [-y for y, _ in left.added] == pytest.approx([y for y, _ in right.added], rel=1e-12)
    assert [v for _, v in left.added] == [v for _, v in right.added]


def test_equal_precisions_cannot_tell_the_side() -> None:
    analysis = es.fit(es.Effects([0.1, 0.2, 0.4, 0.9], [0.04] * 4), settings="metafor")
    assert es.bias(analysis, "trim-and-fill").reason is not None
    assert es.bias(analysis, "trim-and-fill", side="left").reason is None


@pytest.mark.parametrize("k", [0, 1, 2])
def test_trim_and_fill_needs_three_studies(k: int) -> None:
    made = es.bias(es.fit(es.Effects([0.1, 0.2][:k], [0.1, 0.2][:k])), "trim-and-fill")
    assert made.reason == f"trim and fill needs at least 3 studies, and here are {k}"
    assert made.analysis is None


def test_a_meta_regression_is_not_filled() -> None:
    analysis = es.fit(LEANING, settings="metafor", moderators={"x": list(range(10))})
    assert (
        es.bias(analysis, "trim-and-fill").reason == "trim and fill is for one pooled effect, not for a meta-regression"
    )


def test_studies_left_out_stay_left_out() -> None:
    analysis = es.fit(LEANING, settings="metafor", exclude=["Trial 0"])
    made = es.bias(analysis, "trim-and-fill", side="left").analysis
    assert made is not None
    assert [study.study for study in made.excluded] == ["Trial 0"]


def test_counts_are_filled_by_inverse_variance_and_it_says_so() -> None:
    table = {
        "ai": [30, 12, 9, 9, 7, 8, 8],
        "n1i": [400, 150, 90, 60, 40, 30, 20],
        "ci": [31, 11, 7, 6, 3, 3, 2],
        "n2i": [400, 150, 90, 60, 40, 30, 20],
    }
    analysis = es.fit(table, "OR", settings="revman5")
    made = es.bias(analysis, "trim-and-fill", side="left")
    assert analysis.model.method == "M-H"
    assert made.analysis is not None
    assert len(made.added) > 0
    assert made.analysis.model.method == "IV"
    assert "by inverse variance instead of M-H" in made.warnings[0]
    assert made.analysis.effects.measure == "OR"
    assert made.analysis.display is not None
    assert "Odds Ratio" in str(es.report(made.analysis, "text"))


def test_equal_effects_lack_nothing() -> None:
    analysis = es.fit(es.Effects([0.1] * 5, [0.01, 0.04, 0.09, 0.16, 0.25]), settings="metafor", model="common")
    for estimator in ("L0", "R0", "Q0"):
        assert es.bias(analysis, "trim-and-fill", estimator=estimator).added == ()


def test_the_standard_error_is_left_out_where_its_variance_would_be_negative() -> None:
    effects = es.Effects(-LEANING.y, LEANING.v)
    made = es.bias(es.fit(effects, settings="metafor", model="common"), "trim-and-fill", side="left")
    assert made.added == ()
    assert made.figures.get(SE, 1.0) > 0


def test_a_registry_that_was_passed_in_is_used_for_refits() -> None:
    def fixed(y: es.FloatArray, v: es.FloatArray, X: es.FloatArray) -> es.FloatArray:  # noqa: ARG001 - as given
        """Give a number that no other estimator gives."""
        return np.full(y.shape[1:], 0.0123)

    registry = es.Registry()

    class Plugin:
        @es.hookimpl
        def tau2_estimators(self) -> list[es.Tau2Estimator]:
            return [es.Tau2Estimator("FIXED", fixed, reference="Nobody (2020)")]

    registry.register(Plugin(), "fixed")
    analysis = es.fit(LEANING, settings="metafor", tau2="FIXED", registry=registry)
    made = es.bias(analysis, "trim-and-fill")
    assert made.analysis is not None
    assert made.analysis.heterogeneity.tau2 == 0.0123
    assert es.bias(analysis, variant="mixed").p_value is not None


def test_results_can_be_told_apart() -> None:
    made = es.bias(es.fit(LEANING, settings="metafor"), "trim-and-fill", estimator="R0")
    assert (made.name, made.variant) == ("trim-and-fill", "R0")
    assert made.p_value == 0.5 ** (len(made.added) + 1)
    assert attrs.evolve(made, variant="L0") != made


SWAPPED: dict[str, Any] = {
    "events_1": [12, 30, 9, 21, 14, 8, 33, 17, 5, 26],
    "n_1": [40, 90, 25, 60, 52, 30, 99, 70, 21, 80],
    "events_2": [17, 41, 10, 30, 15, 9, 35, 16, 9, 40],
    "n_2": [41, 88, 24, 61, 50, 33, 101, 69, 20, 79],
}
METHODS = [record.name for record in es.bias_methods(es.default_registry())]


@pytest.mark.parametrize("name", METHODS)
def test_swapped_events_are_swapped_once(name: str) -> None:
    """Each method says of swapped events what it says of a table with the other events written in it."""
    swapped = es.bias(es.fit(SWAPPED, "OR", settings="metafor", swap_events=True), name)
    other = {f"events_{arm}": [n - e for e, n in zip(SWAPPED[f"events_{arm}"], SWAPPED[f"n_{arm}"], strict=True)]
             for arm in (1, 2)}  # fmt: skip
    written = es.bias(es.fit({**SWAPPED, **other}, "OR", settings="metafor"), name)
    assert swapped.reason == written.reason
    for one, two in ((swapped.p_value, written.p_value), (swapped.statistic, written.statistic)):
        assert (one is None) == (two is None)
        assert one is None or one == pytest.approx(two, rel=1e-9)
    assert (swapped.after is None) == (written.after is None)
    if swapped.after is not None and written.after is not None:
        assert swapped.after.value == pytest.approx(written.after.value, rel=1e-9)


def test_effects_on_a_line_over_their_variances_cost_no_other_method() -> None:
    v = np.linspace(0.01, 0.2, 12)
    analysis = es.fit(es.Effects(0.1 + 3 * v, v), settings="metafor")
    assert "lie on a line exactly" in (es.bias(analysis, "PET-PEESE").reason or "")
    survey = es.bias_survey(analysis)
    assert len(survey) == len(METHODS)
    assert not [result.name for result in survey if result.variant == "failed"]


def test_a_method_that_fails_is_named_and_the_others_are_made() -> None:
    def broken(analysis: es.MetaAnalysis) -> es.BiasResult:
        msg = f"no {analysis.k}"
        raise ZeroDivisionError(msg)

    class Plugin:
        @staticmethod
        @es.hookimpl
        def bias_tests() -> list[es.BiasTest]:
            return [es.BiasTest("broken", broken, reference="Nobody (2026)")]

    registry = es.Registry()
    registry.register(Plugin, "broken plugin")
    survey = es.bias_survey(es.fit(LEANING, settings="metafor", registry=registry), fewest=0)
    assert survey["broken"].variant == "failed"
    assert "ZeroDivisionError: no 10" in (survey["broken"].reason or "")
    assert survey["Egger"].p_value is not None


def test_weights_of_the_users_are_not_used_in_silence() -> None:
    weighted = es.fit(LEANING, settings="metafor", weights=list(range(1, 11)))
    for name in ("trim-and-fill", "PET", "Egger", "selection: 3PSM"):
        assert any("not by the weights" in warning for warning in es.bias(weighted, name).warnings), name
    assert not any("weights" in warning for warning in es.bias(es.fit(LEANING, settings="metafor"), "Egger").warnings)


def test_measures_without_a_value_of_no_effect_are_warned_of() -> None:
    table = {"study": list("abcdefghijkl"), "events": list(range(3, 15)), "n": [40] * 12}
    made = es.bias(es.fit(table, "PR", settings="metafor"), "p-curve")
    assert any("no value that stands for no effect" in warning for warning in made.warnings)
    made = es.bias(es.fit(table, "PR", settings="metafor"), "Egger")
    assert any("depends on the effect itself" in warning for warning in made.warnings)


def test_given_weights_of_selection_are_not_tested() -> None:
    made = es.bias(es.fit(LEANING, settings="metafor"), "selection: fixed weights")
    assert (made.symbol, made.p_value, made.df) == ("2Δℓ", None, None)


def test_what_is_no_analysis_is_named() -> None:
    other: Any = {"y": [1.0]}
    with pytest.raises(es.CombinationError, match=r"are of one analysis, .* not of dict"):
        es.bias(other, "Egger")
    analysis = es.fit(LEANING, settings="metafor")
    nameless: Any = None
    with pytest.raises(es.UnknownMethodError, match="None"):
        es.bias(analysis, nameless)
    assert [result.name for result in es.bias_survey(analysis, "Egger")] == ["Egger"]


@pytest.mark.parametrize("most", [3, 6, 10**9])
def test_kendalls_tau_is_that_of_scipy(most: int) -> None:
    rng = np.random.default_rng(most)
    x, y = rng.integers(0, most, 15).astype(float), rng.integers(0, most, 15).astype(float)
    seen, other = kendall(x, y), scipy.stats.kendalltau(x, y, method="asymptotic")
    assert seen.tau == pytest.approx(other.statistic, rel=1e-14)
    assert seen.normal_p_value(continuity=False) == pytest.approx(other.pvalue, rel=1e-12)
    assert seen.tied == (most < 10**9)
    if not seen.tied:
        assert seen.exact_p_value() == pytest.approx(scipy.stats.kendalltau(x, y, method="exact").pvalue, rel=1e-12)


@pytest.mark.parametrize("k", [3, 10, 47])
def test_with_none_missing_the_rank_sum_has_wilcoxons_variance(k: int) -> None:
    inside: Any = trim_and_fill
    variance = k * (k + 1) * (2 * k + 1) / 24
    assert inside._standard_error(0.0, k, "L0") == pytest.approx(4 / (2 * k - 1) * math.sqrt(variance), rel=1e-14)
    assert inside._standard_error(0.0, k, "Q0") == pytest.approx(2 / (k - 0.5) * math.sqrt(variance), rel=1e-14)
    assert inside._standard_error(0.0, k, "R0") == pytest.approx(math.sqrt(2), rel=1e-14)
