"""Adjustments for small-study effects: against R, exact arithmetic, and data that leave no answer."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CLOSED = 1e-9
EXACT = 1e-13

# These lean to the right and hold no ties.
LEANING = es.Effects(
    [0.10, 0.15, 0.22, 0.35, 0.31, 0.48, 0.62, 0.80, 0.95, 1.30],
    [0.010, 0.012, 0.020, 0.030, 0.040, 0.080, 0.120, 0.200, 0.260, 0.400],
    study=[f"Trial {i}" for i in range(10)],
)


def cases(r_cases: Mapping[str, Any], group: str, fn: str | None = None) -> Iterator[tuple[Any, es.MetaAnalysis]]:
    """Go through the cases of a group with DerSimonian and Laird's analysis of their effects."""
    for case in r_cases["cases"]:
        if case["group"] == group and fn in (None, case["fn"]):
            inputs = r_cases["inputs"][case["inputs"]["ref"]]
            effects = es.Effects(np.array(inputs["yi"], dtype=float), np.array(inputs["vi"], dtype=float))
            yield case, es.fit(effects, settings="metafor", tau2="DL", prediction=None, tau2_interval=None)


def agrees(value: float | None, expected: float | None, size: float = 0.0, tolerance: float = CLOSED) -> bool:
    if value is None or expected is None:
        return value is None and expected is None
    return abs(value - expected) <= tolerance * max(abs(expected), size)


# -- recorded results of meta 8.4 and metafor 5.1 ---------------------------------------------------------------------


def test_trimming_by_the_common_mean_agrees_with_meta(r_cases: Mapping[str, Any]) -> None:
    compared, refused = 0, 0
    for case, analysis in cases(r_cases, "meta.trimfill"):
        expected = case["outputs"]
        words: Any = {"estimator": f"{case['options']['type']}0", "trim_by": "common"}
        filled = {by: es.bias(analysis, "trim-and-fill", fill_by=by, **words) for by in ("common", "random")}
        if expected["k0"] is None:
            refused += 1
            assert filled["random"].reason == "trim and fill needs at least 3 studies, and here are 2"
            continue
        compared += 1
        for by, made in filled.items():
            assert len(made.added) == expected["k0"], case["id"]
            assert made.after is not None
            se = made.after.se
            pairs = [
                (made.after.value, expected[f"TE_{by}"], se),
                (se, expected[f"seTE_{by}"], 0.0),
                (made.after.ci_low, expected[f"lower_{by}"], se),
                (made.after.ci_high, expected[f"upper_{by}"], se),
                (made.after.p_value, expected[f"pval_{by}"], 0.0),
            ]
            assert all(agrees(*pair) for pair in pairs), (case["id"], by, pairs)
        analysed = filled["random"].analysis
        assert analysed is not None
        assert agrees(analysed.heterogeneity.tau2, expected["tau2"]), case["id"]
        if "TE" in expected:
            assert sorted(analysed.effects.y) == pytest.approx(sorted(expected["TE"]), rel=CLOSED, abs=1e-12)
    assert (compared, refused) == (16, 2)


UNIROOT = 2.0**-13
"""metafor solves for the quantile of `hc` by uniroot at its default tolerance."""
HC_DIFFERS = {
    "hc/dat.bcg|RD/ee",
    "hc/dat.bcg|RR/ee",
    "hc/dat.mcdaniel1994|COR/ee",
    "hc/dat.normand1999|MD/ee",
    "hc/dat.normand1999|ROM/ee",
    "hc/dat.normand1999.single|MNLN/ee",
    "hc/k6.extreme|GEN/ee",
    "hc/k6.tiny.vi|GEN/ee",
}
"""metafor's quantile is further from the root than that; ours is proved in the tests of the interval HC."""


def test_henmi_and_copas_agree_with_hc(r_cases: Mapping[str, Any]) -> None:
    compared = 0
    off: list[str] = []
    differs: set[str] = set()
    for case, analysis in cases(r_cases, "hc"):
        expected = {name: column[0] for name, column in case["outputs"].items() if name != "beta_rma"}
        made = es.bias(analysis, "Henmi-Copas")
        compared += 1
        assert made.after is not None, case["id"]
        after = made.after
        pairs = [
            (after.value, expected["beta"], after.se),
            (after.se, expected["se"], 0.0),
            (made.figures["tau²"], expected["tau2"], after.se**2),
        ]
        limits = [(after.ci_low, expected["ci_lb"]), (after.ci_high, expected["ci_ub"])]
        if any(abs(limit - theirs) > UNIROOT * after.se for limit, theirs in limits):
            differs.add(case["id"])
        off += [f"{case['id']}: {pair}" for pair in pairs if not agrees(*pair)]
    assert off == []
    assert (compared, differs) == (53, HC_DIFFERS)


# -- recorded results of metasens 1.5 ---------------------------------------------------------------------------------


def test_limit_meta_analysis_agrees_with_limitmeta(r_cases: Mapping[str, Any]) -> None:
    compared = 0
    off: list[str] = []
    for case, analysis in cases(r_cases, "metasens", "limitmeta"):
        expected = case["outputs"]
        one = {name: column[0] for name, column in expected.items()}
        made = es.bias(analysis, "limit meta-analysis", adjust=case["options"]["method.adjust"])
        compared += 1
        assert made.after is not None
        after = made.after
        pairs = [
            (after.value, one["TE_adjust"], after.se),
            (after.se, one["seTE_adjust"], 0.0),
            (after.ci_low, one["lower_adjust"], after.se),
            (after.ci_high, one["upper_adjust"], after.se),
            (after.statistic, one["statistic_adjust"], 1.0),
            (after.p_value, one["pval_adjust"], 0.0),
            (made.parameters["alpha"].value, one["alpha_r"], 1.0),
            (made.parameters["beta"].value, one["beta_r"], after.se),
            (made.figures["Q"], one["Q"], 0.0),
            (made.figures["Q small"], one["Q_small"], 0.0),
            (made.figures["Q residual"], one["Q_resid"], 0.0),
            (made.figures["G²"], one["G_squared"], 0.0),
            *((study.y, limit, after.se) for study, limit in zip(made.studies, expected["TE_limit"], strict=True)),
        ]
        off += [f"{case['id']}: {pair}" for pair in pairs if not agrees(*pair)]
    assert off == []
    assert compared == 12


# -- exact arithmetic -------------------------------------------------------------------------------------------------

FAR_APART = es.Effects([0.3, 0.1, -0.2, 0.9, 0.45, 0.6], [1e-4, 2e-3, 0.5, 3.0, 0.02, 1.5])
FAR_FROM_0 = es.Effects([100.1, 100.4, 99.8, 101.0, 100.6], [0.04, 0.09, 0.01, 0.25, 0.16])
SETS = {"leaning": LEANING, "far apart": FAR_APART, "far from 0": FAR_FROM_0}


def exact_line(mp: Any, y: list[Any], w: list[Any], x: list[Any] | None) -> tuple[Any, Any, Any, Any]:  # noqa: ANN401
    """Give coefficients, the inverse of X'WX, RSS, and the design."""
    design = mp.matrix([[1] if x is None else [1, one] for one in ([0] * len(y) if x is None else x)])
    weights = mp.diag(w)
    inverse = (design.T * weights * design) ** -1
    beta = inverse * design.T * weights * mp.matrix(y)
    rest = mp.matrix(y) - design * beta
    return beta, inverse, (rest.T * weights * rest)[0], design


@pytest.mark.parametrize("name", SETS)
def test_closed_forms_are_exact(name: str) -> None:
    mpmath = pytest.importorskip("mpmath")
    effects = SETS[name]
    analysis = es.fit(effects, settings="metafor", tau2="DL")
    with mpmath.workdps(50):
        mp = mpmath.mp
        y, v = ([mp.mpf(float(one)) for one in column] for column in (effects.y, effects.v))
        s, k = [mp.sqrt(one) for one in v], len(y)
        w = [1 / one for one in v]
        expected: list[tuple[Any, Any]] = []
        seen: list[tuple[float, float]] = []

        def note(method: str, value: Any, variance: Any, **options: Any) -> None:  # noqa: ANN401 - of mpmath
            after = es.bias(analysis, method, **options).after
            assert after is not None
            seen.append((after.value, after.se))
            expected.append((value, mp.sqrt(variance)))

        for method, x in (("UWLS", None), ("PET", s), ("PEESE", v)):
            beta, inverse, rss, design = exact_line(mp, y, w, x)
            note(method, beta[0], inverse[0, 0] * rss / (k - design.cols))
        assert analysis.fit is not None
        tau2 = mp.mpf(float(analysis.fit.tau2))
        total = [one + tau2 for one in v]
        beta, inverse, _, _ = exact_line(mp, y, [1 / one for one in total], [mp.sqrt(one) for one in total])
        at = mp.sqrt(tau2)
        variance = inverse[0, 0] + 2 * at * inverse[0, 1] + at * at * inverse[1, 1]
        note("limit meta-analysis", beta[0] + at * beta[1], variance)
        limits = [beta[0] + mp.sqrt(tau2 / one) * (e - beta[0]) for one, e in zip(total, y, strict=True)]
        for adjust, x in (("betalim", s), ("mulim", None)):
            slope, inverse, _, _ = exact_line(mp, limits, w, x)
            note("limit meta-analysis", slope[0], inverse[0, 0], adjust=adjust)
        for (value, se), (exact, error) in zip(seen, expected, strict=True):
            assert abs(value - exact) <= EXACT * max(abs(exact), error)
            assert abs(se - error) <= EXACT * error


# -- the choice of PET-PEESE ------------------------------------------------------------------------------------------


def test_pet_peese_takes_peese_where_the_intercept_differs() -> None:
    analysis = es.fit(es.Effects(LEANING.y + 0.1, LEANING.v), settings="metafor", tau2="DL")
    pet, peese, both = (es.bias(analysis, name) for name in ("PET", "PEESE", "PET-PEESE"))
    assert pet.after is not None
    assert pet.after.value > 0
    assert both.p_value == 0.5 * pet.after.p_value
    assert both.p_value is not None
    p = both.p_value
    for size, expected, taken in ((p * 1.01, peese, "PEESE"), (p * 0.99, pet, "PET")):
        made = es.bias(analysis, "PET-PEESE", size=size)
        assert made.after == expected.after
        assert made.variant.startswith(f"{taken} taken")
    assert es.bias(analysis, "PET-PEESE", test="two-sided").p_value == pet.after.p_value
    other = es.bias(analysis, "PET-PEESE", side="negative")
    assert other.p_value == pytest.approx(1.0 - p, rel=1e-12)
    assert (both.side, other.side) == ("positive", "negative")


def test_the_sizes_of_the_two_tests_differ() -> None:
    analysis = es.fit(LEANING, settings="metafor", tau2="DL")
    assert "one-sided test of PET's intercept at 5 %" in es.bias(analysis, "PET-PEESE").variant
    assert "two-sided test of PET's intercept at 10 %" in es.bias(analysis, "PET-PEESE", test="two-sided").variant


def test_the_meta_regression_variant_is_the_analysis_own() -> None:
    analysis = es.fit(LEANING, settings="metafor", tau2="DL", interval="HK")
    for name, column in (("PET", np.sqrt(LEANING.v)), ("PEESE", LEANING.v)):
        made = es.bias(analysis, name, variant="meta-regression")
        regression = es.fit(LEANING, settings="metafor", tau2="DL", interval="HK", moderators={"x": column.tolist()})
        intercept, slope = regression.coefficients.values()
        assert made.after is not None
        assert made.asymmetry is not None
        assert made.after.value == pytest.approx(intercept.value, rel=1e-12)
        assert made.after.se == pytest.approx(intercept.se, rel=1e-12)
        assert made.asymmetry.value == pytest.approx(slope.value, rel=1e-12)


# -- the adequately powered -------------------------------------------------------------------------------------------


def test_waap_pools_the_adequately_powered() -> None:
    analysis = es.fit(es.Effects(LEANING.y + 0.5, LEANING.v, study=LEANING.study), settings="metafor", tau2="DL")
    made = es.bias(analysis, "WAAP")
    largest = made.figures["largest SE with adequate power"]
    mean = float(np.average(LEANING.y + 0.5, weights=1 / LEANING.v))
    # 2.8 of the authors, not rounded.
    assert largest == pytest.approx(mean / 2.801585218113, rel=1e-9)
    kept = np.sqrt(LEANING.v) <= largest
    assert 2 < kept.sum() < 10
    assert [study.study for study in made.studies] == [LEANING.study[i] for i in np.nonzero(~kept)[0]]
    alone = es.bias(es.fit(es.Effects(LEANING.y[kept] + 0.5, LEANING.v[kept]), settings="metafor"), "UWLS")
    assert made.after == alone.after


def test_without_adequate_power_waap_says_so_or_pools_all() -> None:
    analysis = es.fit(es.Effects(LEANING.y - 0.2, LEANING.v), settings="metafor", tau2="DL")
    made = es.bias(analysis, "WAAP")
    assert made.after is None
    assert made.reason is not None
    assert made.reason.startswith("studies with adequate power: 0, and at least 2")
    instead = es.bias(analysis, "WAAP", otherwise="UWLS")
    assert instead.after == es.bias(analysis, "UWLS").after
    assert "all studies are pooled" in instead.warnings[0]


# -- data that leave no answer ----------------------------------------------------------------------------------------

FEWEST = {"UWLS": 2, "WAAP": 2, "Henmi-Copas": 2, "PET": 3, "PEESE": 3, "PET-PEESE": 3, "limit meta-analysis": 3}


@pytest.mark.parametrize("name", FEWEST)
@pytest.mark.parametrize("k", range(4))
def test_few_studies_get_a_reason(k: int, name: str) -> None:
    made = es.bias(es.fit(es.Effects([2.1, 2.5, 2.3][:k], [0.01, 0.02, 0.04][:k]), settings="metafor"), name)
    if k < FEWEST[name]:
        assert made.after is None
        assert made.reason is not None
        assert f"at least {FEWEST[name]} studies, and here are {k}" in made.reason
    else:
        assert made.reason is None
        assert made.after is not None


@pytest.mark.parametrize("name", ["PET", "PEESE", "PET-PEESE", "limit meta-analysis"])
def test_equal_precisions_get_a_reason(name: str) -> None:
    for v in (0.04, 1e-12, 1e12):
        made = es.bias(es.fit(es.Effects([0.1, 0.2, 0.4, 0.3], [v] * 4), settings="metafor"), name)
        assert made.reason is not None
        assert "equally precise" in made.reason


@pytest.mark.parametrize("name", ["UWLS", "WAAP", "PET", "PEESE", "PET-PEESE"])
def test_equal_effects_leave_no_residual_variance(name: str) -> None:
    made = es.bias(es.fit(es.Effects([2.25] * 5, [0.01, 0.04, 0.09, 0.16, 0.25]), settings="metafor"), name)
    assert made.after is None
    assert made.reason is not None
    assert "no residual variance" in made.reason


def test_equal_effects_are_their_own_limit() -> None:
    analysis = es.fit(es.Effects([0.25] * 5, [0.01, 0.04, 0.09, 0.16, 0.25]), settings="metafor")
    made = es.bias(analysis, "limit meta-analysis")
    assert made.after is not None
    assert made.after.value == pytest.approx(0.25, rel=1e-14)
    assert any("τ² is 0" in warning for warning in made.warnings)


@pytest.mark.parametrize("name", [*FEWEST, "trim-and-fill"])
def test_a_meta_regression_has_no_effect_to_adjust(name: str) -> None:
    made = es.bias(es.fit(LEANING, settings="metafor", moderators={"x": list(range(10))}), name)
    assert made.reason is not None
    assert "not for a meta-regression" in made.reason


def test_filling_by_another_model_says_so() -> None:
    analysis = es.fit(LEANING, settings="metafor", tau2="DL")
    made = es.bias(analysis, "trim-and-fill", trim_by="common", fill_by="common")
    assert made.variant == "L0, trimmed by the common and filled by the common model"
    assert made.analysis is not None
    assert made.analysis.settings.model == "common"
    whole = es.bias(es.fit(LEANING, settings="metafor", model="common"), "trim-and-fill")
    assert made.after == whole.after


UNKNOWN: dict[str, tuple[str, dict[str, Any]]] = {
    "trim_by of trim-and-fill is one of 'analysis', 'common', 'random', not 'both'": (
        "trim-and-fill",
        {"trim_by": "both"},
    ),
    "fill_by of trim-and-fill is one of": ("trim-and-fill", {"fill_by": "both"}),
    "variant of PET is one of 'multiplicative', 'meta-regression', not 'a'": ("PET", {"variant": "a"}),
    "test of PET-PEESE is one of 'one-sided', 'two-sided', not 'a'": ("PET-PEESE", {"test": "a"}),
    "side of PET-PEESE is one of 'auto', 'positive', 'negative', not 'left'": ("PET-PEESE", {"side": "left"}),
    "size of PET-PEESE is a probability between 0 and 1": ("PET-PEESE", {"size": 5}),
    "adjust of a limit meta-analysis is one of 'beta0', 'betalim', 'mulim', not 'a'": (
        "limit meta-analysis",
        {"adjust": "a"},
    ),
    "power of WAAP is a probability": ("WAAP", {"power": 0.2}),
    "size of WAAP is a probability between 0 and 1, such as 0.05, not 0.0": ("WAAP", {"size": 0.0}),
    "size of WAAP is a probability between 0 and 1, such as 0.05, not 1.0": ("WAAP", {"size": 1.0}),
    "fewest of WAAP is a number of studies": ("WAAP", {"fewest": 1}),
    "otherwise of WAAP is one of 'reason', 'UWLS', not 'a'": ("WAAP", {"otherwise": "a"}),
}


@pytest.mark.parametrize("says", UNKNOWN)
def test_an_option_that_is_not_known_is_refused_by_name(says: str) -> None:
    name, options = UNKNOWN[says]
    with pytest.raises(es.SettingsError, match=re.escape(says)):
        es.bias(es.fit(LEANING), name, **options)


def test_figures_and_p_values_of_q_add_up() -> None:
    made = es.bias(es.fit(LEANING, settings="metafor", tau2="DL"), "limit meta-analysis")
    figures = made.figures
    assert figures["Q"] == pytest.approx(figures["Q small"] + figures["Q residual"], rel=1e-12)
    assert all(0.0 <= figures[f"p of {name}"] <= 1.0 for name in ("Q", "Q small", "Q residual"))
    assert 0.0 <= figures["G²"] <= 1.0
    assert math.isfinite(made.parameters["alpha"].value)
