"""Meta-regression: formulas and designs, tests, contrasts, R², predictions, comparison of models."""

from __future__ import annotations

import copy
import json
import pickle
import sys
import tracemalloc
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
import numpy as np
import pandas as pd
import pytest

import evisynth as es
from evisynth import formulas
from evisynth.columns import unknown_output_columns
from evisynth.requests import read_request

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Value: TypeAlias = Any

# The BCG trials (Colditz et al. 1994, JAMA 271:698-702): latitude, allocation and year.
TRIALS: dict[str, list[Any]] = {
    "study": ["Aronson", "Ferguson", "Rosenthal 1", "Hart", "Frimodt-Moller", "Stein", "Vandiviere", "Madras",
              "Coetzee", "Rosenthal 2", "Comstock 1", "Comstock 2", "Comstock 3"],
    "events_1": [4, 6, 3, 62, 33, 180, 8, 505, 29, 17, 186, 5, 27],
    "n_1": [123, 306, 231, 13598, 5069, 1541, 2545, 88391, 7499, 1716, 50634, 2498, 16913],
    "events_2": [11, 29, 11, 248, 47, 372, 10, 499, 45, 65, 141, 3, 29],
    "n_2": [139, 303, 220, 12867, 5808, 1451, 629, 88391, 7277, 1665, 27338, 2341, 17854],
    "ablat": [44, 55, 42, 52, 13, 44, 19, 13, 27, 42, 18, 33, 33],
    "alloc": ["random", "random", "random", "random", "alternate", "alternate", "random", "random", "random",
              "systematic", "systematic", "systematic", "systematic"],
    "year": [1948, 1949, 1960, 1977, 1973, 1953, 1973, 1980, 1968, 1961, 1974, 1969, 1976],
}  # fmt: skip
STUDIES = es.load(TRIALS)
EFFECTS = es.effects(STUDIES, "RR", settings="metafor")
RAW = es.Effects(EFFECTS.y, EFFECTS.v, scale="log")


def regress(moderators: Value, **words: Value) -> es.MetaAnalysis:
    return es.fit(STUDIES, "RR", settings="metafor", moderators=moderators, **words)


def asked(moderators: Value, **words: Value) -> es.Regression:
    regression = regress(moderators, **words).regression
    assert regression is not None
    return regression


# -- formulas ---------------------------------------------------------------------------------------------------------

NAMES: dict[str, tuple[str, ...]] = {
    "~ ablat + C(alloc)": ("intercept", "ablat", "C(alloc)[T.random]", "C(alloc)[T.systematic]"),
    "~ alloc": ("intercept", "alloc[T.random]", "alloc[T.systematic]"),
    "~ 0 + C(alloc)": ("C(alloc)[alternate]", "C(alloc)[random]", "C(alloc)[systematic]"),
    "~ C(alloc) - 1": ("C(alloc)[alternate]", "C(alloc)[random]", "C(alloc)[systematic]"),
    "~ 0 + ablat": ("ablat",),
    "~ ablat:year": ("intercept", "ablat:year"),
    "~ ablat*I(year-1966)": ("intercept", "ablat", "I(year - 1966)", "ablat:I(year - 1966)"),
    "~ ablat/C(alloc)": ("intercept", "ablat", "ablat:C(alloc)[T.random]", "ablat:C(alloc)[T.systematic]"),
    "~ (ablat + year)^2": ("intercept", "ablat", "year", "ablat:year"),
    "~ I(ablat**2) + log(ablat)": ("intercept", "I(ablat ** 2)", "log(ablat)"),
    "~ poly(ablat, 2)": ("intercept", "poly(ablat, 2)[1]", "poly(ablat, 2)[2]"),
    "~ bs(ablat, df=3)": ("intercept", "bs(ablat, df=3)[1]", "bs(ablat, df=3)[2]", "bs(ablat, df=3)[3]"),
    "~ cr(ablat, df=2)": ("intercept", "cr(ablat, df=2)[1]", "cr(ablat, df=2)[2]"),
    "~ pmin(ablat, 30) + scale(year)": ("intercept", "pmin(ablat, 30)", "scale(year)"),
    "~ center(ablat) + sqrt(year - 1900) + pmax(30, ablat)": (
        *("intercept", "center(ablat)", "sqrt(year - 1900)", "pmax(30, ablat)"),
    ),
    "~ log1p(abs(-ablat)) + n_1": ("intercept", "log1p(abs(-ablat))", "n_1"),
}


@pytest.mark.parametrize("formula", NAMES)
def test_formulas_name_their_coefficients(formula: str) -> None:
    analysis = regress(formula)
    assert tuple(analysis.coefficients) == NAMES[formula]
    assert analysis.pooled is None
    assert analysis.regression is not None
    # What was fitted comes back when the same columns are given as new ones.
    again = analysis.regression.predict(pd.DataFrame(TRIALS))
    np.testing.assert_allclose(again.value, analysis.regression.predict().value, rtol=1e-12)


def test_the_reference_level_is_chosen() -> None:
    plain = asked("~ C(alloc)")
    for coding in ('contr.treatment("random")', "contr.treatment(base='random')", "Treatment('random')"):
        chosen = asked(f"~ C(alloc, {coding})")
        assert [name[-13:] for name in chosen.names[1:]] == ["[T.alternate]", "T.systematic]"]
        assert chosen.omnibus.statistic == pytest.approx(plain.omnibus.statistic, rel=1e-12)
        first = next(iter(chosen.analysis.coefficients.values()))
        assert first.value == pytest.approx(plain.contrast("intercept + C(alloc)[T.random]")[0].value, rel=1e-12)


def test_levels_that_are_whole_numbers_read_as_such() -> None:
    grades = [float(i % 3 + 1) for i in range(13)]
    analysis = es.fit(RAW, moderators="~ C(grade)", columns={"grade": grades})
    assert analysis.terms == ("intercept", "C(grade)[T.2]", "C(grade)[T.3]")
    assert analysis.regression is not None
    assert len(analysis.regression.predict({"grade": [1, 2, 3]})) == 3
    with pytest.raises(es.InputError, match="grade"):
        analysis.regression.predict({"grade": [4]})


def test_any_heading_can_be_written() -> None:
    columns = {"dose (mg)": TRIALS["ablat"], "co2.elev": TRIALS["year"]}
    analysis = es.fit(RAW, moderators="~ `dose (mg)` + I(`dose (mg)`**2) + co2.elev", columns=columns)
    assert analysis.terms[1] == "dose (mg)"
    assert analysis.terms[3] == "co2.elev"
    assert len(analysis.coefficients) == 4


REFUSED = (
    '~ __import__("os").system("touch made")',
    "~ I(ablat.__class__)",
    "~ I(ablat.to_csv('made'))",
    "~ ablat.__class__",
    "~ np.log(ablat)",
    "~ I(open('made', 'w'))",
    "~ {open('made', 'w')}",
    "~ eval('1')",
    "~ I((lambda: 1)())",
    "~ I([x for x in ablat])",
    "~ I(f'{ablat}')",
    "~ I(ablat := 3)",
    "~ I(ablat if 1 else 2)",
    "~ I(9**9**9)",
    "~ I(ablat**9**9)",
    "~ I(ablat**99)",
    "~ I('a'*1000000000)",
    "~ ablat[0]",
    "~ `a__b`",
    "~ I(`__builtins__`)",
    "~ C(alloc, contr.__class__)",
    "~ C(alloc, _state=3)",
    "~ C(alloc, **year)",
    "~ C(alloc, levels=[*year])",
    "~ C(alloc, getattr(year, 'x'))",
    "~ Q('ablat')",
    "~ hashed(alloc)",
    "~ bs(ablat, df=100000000)",
    "~ bs(ablat, df=9**9)",
    "~ poly(ablat, degree=year)",
    "~ I(True)",
    "~ I(ablat^2)",
    "~ I(ablat, year)",
    "~ Treatment('random')",
    "~ log()",
    "~ (ablat + year + n_1 + n_2 + alloc + study)^6",
    "~ ablat^1000",
    "~ ablat^year",
    "~ " + "*".join("abcdefghijkl"),
    "~ " + ":".join("abcdefghijkl"),
    "~ I(" + "(" * 300 + "ablat" + ")" * 300 + ")",
    "~ I(" + "-" * 900 + "ablat)",
    "~ " + " + ".join(["ablat"] * 500),
    "~ .",
    "~ 'ablat'",
    "~ 2",
    "~ ablat + 2",
    "~ 0",
    "~",
    "~ ablat ~ year",
    "~ ablat | year",
    "~ [ablat]",
    "~ ablat %% year",
    "~ ablat // year",
    "~ ablat @ year",
    "~ log(ablat",
    "~ `ablat",
    "~ ablat + '",
    "~ +",
    "~ \x00",
    "~ I(alloc**2)",
)


@pytest.mark.parametrize("formula", REFUSED, ids=lambda text: text[:40])
def test_what_is_no_formula_is_refused_and_not_run(
    formula: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(es.InputError) as caught:
        regress(formula)
    assert "formula" in str(caught.value) or "column" in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_nothing_is_evaluated_before_it_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        msg = "a formula was built before it was checked"
        raise AssertionError(msg)

    monkeypatch.setattr(formulas.BoundFormula, "matrix", property(refuse))
    with pytest.raises(es.SettingsError):
        regress("~ ablat + I(year.mean())")


def test_designs_that_nothing_could_hold_are_refused_before_they_are_made() -> None:
    k = 3000
    effects = es.Effects(np.linspace(0, 1, k), np.ones(k))
    columns = {"a": [f"{i}" + "x" for i in range(k)], "b": [f"{i}" + "y" for i in range(k)]}
    with pytest.raises(es.CombinationError, match=r"'a:b' has more columns than the 3000 studies"):
        es.fit(effects, moderators="~ a:b", columns=columns)
    with pytest.raises(es.SettingsError, match=r"it may make 3,001 columns"):
        es.fit(effects, moderators="~ a", columns=columns)


def test_the_library_is_named_where_it_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "formulaic"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "formulaic", None)
    with pytest.raises(es.MissingExtraError, match=r"formulaic.*evisynth\[regression\]"):
        regress("~ ablat")
    # Columns and matrices need no library.
    assert len(regress(["ablat"]).coefficients) == 2


def test_missing_values_point_at_study_and_column() -> None:
    table = {
        **TRIALS,
        "ablat": [44, None, *TRIALS["ablat"][2:]],
        "alloc": [*TRIALS["alloc"][:3], "NA", *TRIALS["alloc"][4:]],
    }
    with pytest.raises(es.DataError) as caught:
        es.fit(table, "RR", settings="metafor", moderators="~ ablat + alloc")
    assert [(problem.row, problem.study, problem.column) for problem in caught.value.problems] == [
        (2, "Ferguson", "ablat"),
        (4, "Hart", "alloc"),
    ]
    # Studies that are not pooled may lack them.
    analysis = es.fit(table, "RR", settings="metafor", moderators="~ ablat + alloc", exclude=["Ferguson", "Hart"])
    assert analysis.k == 11
    with pytest.raises(es.DataError, match="no such column; there are"):
        regress("~ nothere")
    with pytest.raises(es.DataError, match=r"Frimodt-Moller.*log\(ablat - 13\): has no finite value"):
        regress("~ log(ablat - 13)")


def test_what_is_remembered_is_that_of_the_studies_pooled() -> None:
    fitted = asked("~ center(ablat)", exclude=["Ferguson"])
    mean = np.mean([lat for lat in TRIALS["ablat"] if lat != 55])
    one = fitted.predict({"ablat": [mean]})
    assert one.value[0] == pytest.approx(fitted.analysis.coefficients["intercept"].value, rel=1e-13)
    with pytest.raises(es.DataError, match=r"column alloc: no pooled study has it.*given: quasi"):
        asked("~ alloc").predict({"alloc": ["random", "quasi"]})
    with pytest.raises(es.SettingsError, match="beyond upper"):
        asked("~ bs(ablat, df=4)").predict({"ablat": [80]})


# -- designs ----------------------------------------------------------------------------------------------------------


def test_a_design_matrix_is_one_with_its_formula() -> None:
    X = np.column_stack([TRIALS["ablat"], np.array(TRIALS["year"]) - 1966.0])
    by_formula = regress("~ ablat + I(year - 1966)")
    names = ("latitude", "years")
    for design in (X, es.Design(X), es.Design(X, names), es.Design(np.column_stack([np.ones(13), X]), intercept=False)):
        analysis = regress(design)
        np.testing.assert_array_equal(analysis.X, by_formula.X)
        assert [one.value for one in analysis.coefficients.values()] == [
            one.value for one in by_formula.coefficients.values()
        ]
        assert analysis.regression is not None
        assert by_formula.regression is not None
        assert analysis.regression.omnibus.statistic == by_formula.regression.omnibus.statistic
        assert (
            analysis.regression.predict([[30.0, 4.0]]).value[0]
            == by_formula.regression.predict({"ablat": 30, "year": 1970}).value[0]
        )
    assert regress(es.Design(X, names)).terms == ("intercept", *names)


def test_a_design_without_an_intercept_tests_all_coefficients() -> None:
    regression = asked(es.Design(np.array(TRIALS["ablat"], dtype=float), intercept=False))
    assert regression.names == ("x1",)
    assert regression.omnibus.df == 1
    assert regression.intercept is None
    with pytest.raises(es.DataError, match="2 columns and 1 names"):
        es.Design(np.ones((3, 2)), ["a"])
    with pytest.raises(es.DataError, match="called 'a'"):
        es.Design(np.ones((3, 2)), ["a", "a"])
    with pytest.raises(es.DataError, match="made of numbers"):
        es.Design([["a"], ["b"]])
    with pytest.raises(es.DataError, match="12 rows"):
        regress(es.Design(np.ones((12, 1))))


@pytest.mark.parametrize("method", ["MH", "Peto"])
def test_sums_take_no_moderators_without_an_intercept_either(method: str) -> None:
    with pytest.raises(es.CombinationError, match="no moderators"):
        es.fit(STUDIES, "OR" if method == "MH" else "PETO", method=method, model="common", moderators="~ 0 + ablat")


DEPENDENT: dict[str, str] = {
    "~ year + I(year - 1966)": r"I\(year - 1966\) is a linear combination of intercept, year",
    "~ ablat + I(2*ablat)": r"I\(2 \* ablat\) is a multiple of ablat",
    "~ I(0*ablat)": r"I\(0 \* ablat\) is 0 everywhere",
    "~ I(0*ablat + 3)": r"I\(0 \* ablat \+ 3\) is constant \(3\)",
    "~ I(ablat*1e-9) + I(ablat*1e9)": r"I\(ablat \* 1e\+?09?.*\) is a multiple of I\(ablat \* 1e-09\)|multiple",
    "~ C(alloc):ablat + C(alloc) + I(year*0.1) + I(year/10)": r"I\(year / 10\) is a multiple of I\(year \* 0.1\)",
}


@pytest.mark.parametrize("formula", DEPENDENT)
def test_dependent_columns_are_named(formula: str) -> None:
    with pytest.raises(es.CombinationError, match=DEPENDENT[formula]):
        regress(formula)


def test_a_level_without_pooled_studies_is_no_column_and_the_last_of_a_kind_is_named() -> None:
    kept = [name for name, alloc in zip(TRIALS["study"], TRIALS["alloc"], strict=True) if alloc != "alternate"]
    gone = [name for name in TRIALS["study"] if name not in kept]
    assert regress("~ alloc", exclude=gone).terms == ("intercept", "alloc[T.systematic]")
    flags = {"flag": [1.0 if name in gone else 0.0 for name in TRIALS["study"]]}
    with pytest.raises(es.CombinationError, match="flag is 0 everywhere"):
        regress(["flag"], columns=flags, exclude=gone)


def test_near_dependence_is_not_dependence() -> None:
    years = np.array(TRIALS["year"], dtype=float)
    analysis = regress(es.Design(np.column_stack([years, years**2, years + np.linspace(0, 1e-3, 13) ** 2])))
    assert len(analysis.coefficients) == 4
    assert all(np.isfinite(one.se) for one in analysis.coefficients.values())


# -- questions --------------------------------------------------------------------------------------------------------


def test_tests_by_name_place_and_term_are_one() -> None:
    for words in ({"interval": "Wald"}, {"interval": "HK"}):
        regression = asked("~ ablat + C(alloc)", **words)
        names = ["C(alloc)[T.random]", "C(alloc)[T.systematic]"]
        by_term = regression.test("C(alloc)")
        assert by_term == regression.test(names) == regression.test([2, 3]) == regression.test([-2, -1])
        assert by_term.name == ("chi2" if words["interval"] == "Wald" else "F")
        assert regression.test() == regression.omnibus == regression.test([1, 2, 3])
        one = regression.test("ablat")
        estimate = regression.analysis.coefficients["ablat"]
        assert one.statistic == pytest.approx(estimate.statistic**2, rel=1e-12)
        assert one.p_value == pytest.approx(estimate.p_value, rel=1e-11)
    with pytest.raises(es.SettingsError, match="did you mean 'ablat'"):
        asked("~ ablat").test("ablatt")
    with pytest.raises(es.SettingsError, match="places are 0 to 1"):
        asked("~ ablat").test(2)
    with pytest.raises(es.SettingsError, match="at least one"):
        asked("~ ablat").test([])


def test_contrasts_in_every_form_are_one() -> None:
    regression = asked("~ 0 + C(alloc)", interval="HK")
    forms: tuple[Any, ...] = (
        "C(alloc)[random] - C(alloc)[systematic]",
        "-C(alloc)[systematic]+1.0*`C(alloc)[random]`",
        "2*C(alloc)[random]/2 - 0.5*C(alloc)[systematic]*2",
        {"C(alloc)[random]": 1, "C(alloc)[systematic]": -1},
        [0, 1, -1],
        np.array([[0.0, 1.0, -1.0]]),
    )
    found = [regression.contrast(form)[0] for form in forms]
    assert all(one == found[0] for one in found)
    both = regression.contrast(forms[0], {"C(alloc)[alternate]": 1, "C(alloc)[random]": -1})
    # Two differences between three levels: the test of the factor in the model with an intercept.
    assert both.joint.statistic == pytest.approx(asked("~ C(alloc)", interval="HK").omnibus.statistic, rel=1e-12)
    assert both.joint.df == 2
    assert both["C(alloc)[random] - C(alloc)[systematic]"] == found[0]
    assert not unknown_output_columns(both.to_frame().columns)
    with pytest.raises(es.CombinationError, match="combinations of one another"):
        regression.contrast([1, -1, 0], [0, 1, -1], [1, 0, -1])


@pytest.mark.parametrize(
    "contrast",
    ["", "ablat -", "ablat year", "ablat + + year", "nothere", "2", "ablat - ablat", {"x": 1}, {"ablat": "1"},
     [1.0], [0, 0], [[1, np.nan]], "ablat*", "1e999*ablat", "ablatx", {}],
    ids=str,
)  # fmt: skip
def test_what_is_no_contrast_is_refused(contrast: Value) -> None:
    with pytest.raises(es.SettingsError):
        asked("~ ablat").contrast(contrast)


def test_r2_is_what_tau2_loses() -> None:
    full, empty = asked("~ ablat", tau2="DL"), es.fit(STUDIES, "RR", settings="metafor", tau2="DL")
    assert full.analysis.model.tau2 is not None
    assert empty.model.tau2 is not None
    assert full.r2 == pytest.approx(100 * (1 - full.analysis.model.tau2 / empty.model.tau2), rel=1e-12)
    common = asked("~ ablat", model="common")
    spread, without = common.analysis.heterogeneity, empty.heterogeneity
    assert spread.q is not None
    assert without.q is not None
    assert common.r2 == pytest.approx(100 * (1 - spread.q / 11 / (without.q / 12)), rel=1e-12)
    given = asked("~ ablat", tau2=0.1)
    assert given.r2 is None
    assert given.r2_reason is not None
    assert "given" in given.r2_reason
    alike = es.fit(
        es.Effects([0.1, 0.2, 0.15, 0.1], [1.0] * 4), settings="metafor", moderators=np.arange(4.0)
    ).regression
    assert alike is not None
    assert alike.r2 is None
    assert "without moderators it is 0" in str(alike.r2_reason)


def test_too_few_studies_give_reasons() -> None:
    exact = es.fit(es.Effects([0.1, 0.4], [0.1, 0.2]), settings="metafor", moderators=np.array([1.0, 2.0]))
    assert exact.regression is not None
    assert exact.regression.r2 is None
    assert exact.regression.omnibus.p_value is not None
    assert exact.to_dict()["reasons"]["regression.r2"]
    fewer = es.fit(es.Effects([0.1], [0.1]), settings="metafor", moderators=np.array([1.0]))
    assert fewer.regression is not None
    assert fewer.regression.omnibus.statistic is None
    assert fewer.regression.omnibus.reason == "there are fewer studies than coefficients"
    assert fewer.fit_statistics == {}
    with pytest.raises(es.CombinationError, match="there is no model"):
        fewer.regression.predict()
    with pytest.raises(es.CombinationError, match="there is no model"):
        fewer.regression.contrast([1, 0])


def test_equal_effects_give_wald_with_a_note() -> None:
    analysis = es.fit(es.Effects([0.5] * 5, [0.1, 0.2, 0.3, 0.4, 0.5]), interval="HK", moderators=np.arange(5.0))
    assert analysis.regression is not None
    assert analysis.regression.omnibus.p_value == pytest.approx(1.0)
    assert any("does not exist where effects do not differ" in note for note in analysis.warnings)


def test_inflation_is_that_of_a_regression_among_moderators() -> None:
    regression = asked("~ ablat + year + C(alloc)")
    fit = regression.fit
    for name, found in regression.vif.items():
        j = regression.names.index(name)
        others = [i for i in range(fit.p) if i != j]
        target = fit.X[:, j]
        left = es.weighted_fit(target, fit.w, fit.X[:, others]).rss
        whole = es.weighted_fit(target, fit.w).rss
        assert found == pytest.approx(float(whole / left), rel=1e-10)
    by_term = {found.term: found for found in regression.gvif}
    assert by_term["ablat"].gvif == pytest.approx(regression.vif["ablat"], rel=1e-12)
    assert by_term["C(alloc)"].scaled == pytest.approx(by_term["C(alloc)"].gvif ** 0.25, rel=1e-14)
    assert by_term["C(alloc)"].coefficients == ("C(alloc)[T.random]", "C(alloc)[T.systematic]")


@pytest.mark.parametrize(
    "words", [{}, {"weights": np.arange(1.0, 14.0)}, {"model": "common"}], ids=["IV", "own", "common"]
)
def test_residuals_add_up(words: dict[str, Any]) -> None:
    regression = asked("~ ablat", **words)
    fit = regression.fit
    raw, pearson, standardised = map(regression.residuals, ("raw", "pearson", "standardised"))
    assert np.abs(fit.X.T @ (fit.w * raw)).max() < 1e-10 * np.abs(fit.X.T @ (fit.w * np.abs(fit.y))).max()
    total = fit.v + fit.tau2
    np.testing.assert_allclose(pearson, raw / np.sqrt(total), rtol=1e-14)
    # By the definition, with the k × k hat matrix.
    hat = fit.X @ np.linalg.solve(fit.X.T @ (fit.w[:, None] * fit.X), (fit.w[:, None] * fit.X).T)
    left = np.eye(fit.k) - hat
    np.testing.assert_allclose(standardised, raw / np.sqrt(np.diagonal(left @ np.diag(total) @ left.T)), rtol=1e-10)
    with pytest.raises(es.SettingsError, match="pearson"):
        regression.residuals("Pearson")


# -- predictions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("interval", "prediction"), [("Wald", "S"), ("Wald", "V"), ("Wald", "HTS"), ("HK", "HK")])
def test_predictions_are_made_of_the_covariance(interval: str, prediction: str) -> None:
    regression = asked("~ ablat + C(alloc)", interval=interval, prediction=prediction, level=0.9)
    found = regression.predict({"ablat": [10, 40, 40], "alloc": ["random", "alternate", "systematic"]})
    L = np.array([[1.0, 10, 1, 0], [1, 40, 0, 0], [1, 40, 0, 1]])
    fit = regression.fit
    estimates = regression.analysis.model.estimates
    assert estimates is not None
    V = fit.covariance if estimates.covariance is None else estimates.covariance
    se = np.sqrt(np.einsum("ni,ij,nj->n", L, V, L))
    np.testing.assert_allclose(found.value, L @ fit.coefficients, rtol=1e-10)
    np.testing.assert_allclose(found.se, se, rtol=1e-11)
    quantile = es.normal_quantile(0.9) if interval == "Wald" else es.t_quantile(0.9, 9.0)
    np.testing.assert_allclose(found.ci_high - found.value, quantile * se, rtol=1e-9)
    wide = {"S": es.normal_quantile(0.9), "V": es.t_quantile(0.9, 9.0), "HTS": es.t_quantile(0.9, 8.0)}.get(
        prediction, quantile
    )
    np.testing.assert_allclose(found.prediction_high - found.value, wide * np.sqrt(se**2 + fit.tau2), rtol=1e-9)
    np.testing.assert_allclose([row.value for row in found.display], np.exp(found.value), rtol=1e-15)
    for i, row in enumerate(L):
        one = regression.contrast(row)[0]
        assert one.value == pytest.approx(found.value[i], rel=1e-13)
        assert one.ci_low == pytest.approx(found.ci_low[i], rel=1e-12)
    frame = found.to_frame()
    assert not unknown_output_columns(frame.columns)
    np.testing.assert_allclose(frame["display_prediction_low"], np.exp(found.prediction_low), rtol=1e-14)
    assert np.isinf(found.df).all() if interval == "Wald" else (found.df == 9).all()


def test_no_prediction_interval_has_its_reason() -> None:
    new = {"ablat": 30}
    assert (
        asked("~ ablat", model="common").predict(new).prediction_reason == "a common effect leaves nothing to predict"
    )
    none = asked("~ ablat", prediction=None).predict(new)
    assert none.prediction_reason == "no prediction interval was asked for"
    assert np.isnan(none.prediction_low).all()


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ({"ablat": [1, 2], "alloc": ["random"] * 3}, "values and the studies are"),
        ({"ablat": [1]}, "alloc: no such column"),
        ({"ablat": [None], "alloc": ["random"]}, "new row 1.*ablat: a moderator is missing"),
        (np.ones((2, 7)), "7 columns and the design 4"),
        (np.full((1, 4), np.nan), "has no finite value"),
        ("ablat", "columns by name"),
    ],
    ids=["lengths", "absent", "missing", "columns", "NaN", "text"],
)
def test_new_rows_that_cannot_be_used_are_named(new: Value, said: str) -> None:
    with pytest.raises(es.DataError, match=said):
        asked("~ ablat + C(alloc)").predict(new)


# -- likelihoods ------------------------------------------------------------------------------------------------------


def test_nested_models_are_compared_by_their_likelihoods() -> None:
    full, reduced = regress("~ ablat + C(alloc)", tau2="ML"), regress("~ ablat", tau2="ML")
    found = es.compare(full, reduced)
    assert found.df == 2
    assert found.likelihood == "ML"
    assert found.statistic == pytest.approx(
        2 * (full.fit_statistics["ML"].log_likelihood - reduced.fit_statistics["ML"].log_likelihood), rel=1e-12
    )
    # Another coding of the same columns is nested just so.
    again = es.compare(
        full,
        regress(
            es.Design(np.column_stack([np.ones(13), -3.0 * np.array(TRIALS["ablat"]) + 2]), intercept=False), tau2="ML"
        ),
    )
    assert again.statistic == pytest.approx(found.statistic, rel=1e-9)
    one = es.compare(regress("~ ablat", tau2="ML"), regress("~ ablat", model="common"))
    assert one.df == 1
    assert one.notes
    assert es.compare(regress("~ ablat", tau2="REML"), regress("~ ablat", model="common")).likelihood == "REML"


UNCOMPARABLE: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "REML": ({"moderators": "~ ablat"}, {}, "restricted likelihoods"),
    "DL": ({"moderators": "~ ablat", "tau2": "DL"}, {"tau2": "DL"}, "not fits by DL"),
    "not nested": (
        {"moderators": "~ ablat", "tau2": "ML"},
        {"moderators": "~ year", "tau2": "ML"},
        "year is not a combination",
    ),
    "reversed": ({"tau2": "ML"}, {"moderators": "~ ablat", "tau2": "ML"}, "give the larger one first"),
    "the same": ({"moderators": "~ ablat", "tau2": "ML"}, {"moderators": "~ I(ablat*2)", "tau2": "ML"}, "are the same"),
    "other studies": (
        {"moderators": "~ ablat", "tau2": "ML"},
        {"tau2": "ML", "exclude": ["Hart"]},
        "different effects",
    ),
    "weights": ({"moderators": "~ ablat", "tau2": "ML", "weights": "n_1"}, {"tau2": "ML"}, "by inverse variance"),
}


@pytest.mark.parametrize("case", UNCOMPARABLE)
def test_models_that_cannot_be_compared_say_why(case: str) -> None:
    one, other, said = UNCOMPARABLE[case]
    full, reduced = (es.fit(STUDIES, "RR", settings="metafor", **words) for words in (one, other))
    with pytest.raises(es.CombinationError, match=said):
        es.compare(full, reduced)


def test_sums_have_no_likelihood() -> None:
    analysis = es.fit(STUDIES, "RR", method="MH", model="common")
    assert analysis.fit_statistics == {}
    assert analysis.to_dict()["fit_statistics"] == {}


# -- forms ------------------------------------------------------------------------------------------------------------


def test_a_regression_can_be_copied_and_pickled() -> None:
    analysis = regress("~ center(ablat) + C(alloc)")
    assert analysis.regression is not None
    new = {"ablat": [30], "alloc": ["random"]}
    expected = analysis.regression.predict(new)
    copies: list[Value] = [pickle.loads(pickle.dumps(analysis)), copy.deepcopy(analysis)]  # noqa: S301 - our own
    for again in copies:
        np.testing.assert_array_equal(again.regression.predict(new).value, expected.value)


def test_requests_in_json_take_a_formula(validate_result: Callable[[object], None]) -> None:
    words = {"data": TRIALS, "measure": "RR", "settings": "metafor", "moderators": "~ ablat + C(alloc)"}
    answer = read_request(json.dumps(words)).answer()
    validate_result(answer)
    assert answer["regression"]["formula"] == "~ ablat + C(alloc)"
    assert [term["term"] for term in answer["regression"]["terms"]] == ["intercept", "ablat", "C(alloc)"]
    assert answer["regression"]["omnibus"]["df"] == 3
    assert answer["regression"]["terms"][2]["test"]["df"] == 2
    with pytest.raises(es.SettingsError, match="no function"):
        read_request(json.dumps({**words, "moderators": "~ exec('1')"})).answer()


@pytest.fixture
def validate_result() -> Callable[[object], None]:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - only here

    from evisynth.requests import schema  # noqa: PLC0415 - only here

    validator: Value = Draft202012Validator(schema("result"))
    return validator.validate  # type: ignore[no-any-return]


def test_coefficients_are_a_table_of_the_glossary() -> None:
    frame = asked("~ ablat + C(alloc)").to_frame()
    assert not unknown_output_columns(frame.columns)
    assert list(frame["term"]) == ["intercept", "ablat", "C(alloc)[T.random]", "C(alloc)[T.systematic]"]


def test_columns_need_moderators() -> None:
    with pytest.raises(es.SettingsError, match="say which"):
        es.fit(RAW, columns={"ablat": TRIALS["ablat"]})


def test_many_studies_need_no_square_matrix() -> None:
    k, p = 100_000, 10
    generator = np.random.default_rng(1)
    X = generator.normal(size=(k, p))
    v = generator.uniform(0.01, 0.2, k)
    y = X @ np.linspace(-0.1, 0.1, p) + generator.normal(size=k) * np.sqrt(v + 0.05)
    effects = es.Effects(y, v)
    tracemalloc.start()
    analysis = es.fit(effects, settings="metafor", moderators=X, tau2="DL", model="common", tau2_interval=None)
    regression = analysis.regression
    assert regression is not None
    assert regression.omnibus.df == p
    predicted = regression.predict()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(predicted) == k
    assert peak < 30 * 8 * k * (p + 1)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(predicted.se, predicted.se[0])
    np.testing.assert_allclose(predicted.value, analysis.X @ regression.fit.coefficients, rtol=1e-9, atol=1e-12)


def test_a_script_for_r_has_the_design_with_and_without_an_intercept() -> None:
    assert "mods=~x1 + x2 + x3," in regress("~ ablat + C(alloc)").to_r()
    script = regress("~ 0 + C(alloc)").to_r()
    assert "mods=~0 + x1 + x2 + x3," in script
    assert "# x1 is C(alloc)[alternate]" in script


def test_p_values_of_another_kind_have_no_joint_test() -> None:
    def halved(fit: es.Fit, level: float) -> es.Estimates:
        made = es.symmetric_estimates(fit.coefficients, fit.se, level, covariance=fit.covariance)
        return attrs.evolve(made, p_value=made.p_value / 2)

    def by_coefficient(fit: es.Fit, level: float) -> es.Estimates:
        return es.symmetric_estimates(fit.coefficients, fit.se, level, 3.0 + np.abs(fit.coefficients / fit.se))

    methods = ModuleType("methods_of_a_test")
    records = [es.IntervalMethod(f.__name__, f, reference="a test") for f in (halved, by_coefficient)]
    methods.interval_methods = es.hookimpl(lambda: records)  # type: ignore[attr-defined]
    methods.interval_methods.__name__ = "interval_methods"
    registry = es.Registry()
    registry.register(methods)
    for name, said in (("halved", "P values of its own"), ("by_coefficient", "degrees of freedom by coefficient")):
        regression = asked("~ ablat + C(alloc)", interval=name, registry=registry)
        assert regression.omnibus.statistic is None
        assert said in str(regression.omnibus.reason)
        assert regression.test("ablat").p_value == pytest.approx(regression.analysis.coefficients["ablat"].p_value)
