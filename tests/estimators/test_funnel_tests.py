"""What tests of funnel plots say beside their numbers: warnings, reasons, options, and where sample sizes come from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMED = (
    *("Egger", "Thompson-Sharp", "regression", "Begg", "Harbord", "Peters", "Macaskill", "Deeks", "Schwarzer"),
    *("Rücker", "Pustejovsky-Rodgers"),
)
OF_TABLES = ("Harbord", "Peters", "Macaskill", "Deeks", "Schwarzer", "Rücker")
PREDICTORS = ("sei", "vi", "ni", "ninv", "sqrtni", "sqrtninv")

Y = np.array([0.10, 0.15, 0.22, 0.35, 0.31, 0.48, 0.62, 0.80, 0.95, 1.30])
V = np.array([0.010, 0.012, 0.020, 0.030, 0.040, 0.080, 0.120, 0.200, 0.260, 0.400])
N = np.array([400, 330, 210, 130, 101, 52, 33, 20, 15, 10])

COUNTS: Mapping[str, list[int]] = {
    "events_1": [3, 5, 12, 2, 30, 7, 9, 1, 0, 20, 6],
    "n_1": [20, 30, 60, 25, 200, 33, 50, 19, 15, 90, 40],
    "events_2": [5, 9, 15, 6, 41, 9, 14, 4, 3, 26, 5],
    "n_2": [21, 30, 58, 25, 199, 30, 51, 20, 14, 92, 38],
}


def plain(k: int = 10) -> es.MetaAnalysis:
    return es.fit(es.Effects(Y[:k], V[:k]), settings="metafor", tau2="DL")


def counts(measure: str = "OR", k: int = 11, **words: Any) -> es.MetaAnalysis:  # noqa: ANN401 - the words of fit
    table = {name: column[:k] for name, column in COUNTS.items()}
    chosen: dict[str, Any] = {"settings": "meta", "tau2": "DL", **words}
    return es.fit(table, measure, **chosen)


# -- what is told beside the test -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Egger", "Harbord", "Peters", "Deeks"])
def test_the_limit_is_the_intercept_where_the_predictor_vanishes(name: str) -> None:
    seen = es.bias(counts(), name)
    assert seen.limit == seen.parameters["intercept"]
    assert es.bias(counts(), "Macaskill").limit is None


def test_harbords_regression_by_another_way() -> None:
    # Harbord's own form: Z/√V on √V and 1, without weights.
    a, n_1, c, n_2 = (np.array(COUNTS[name], dtype=np.float64) for name in ("events_1", "n_1", "events_2", "n_2"))
    n, events = n_1 + n_2, a + c
    score = a - events * n_1 / n
    variance = n_1 * n_2 * events * (n - events) / (n * n * (n - 1))
    design = np.column_stack([np.sqrt(variance), np.ones(11)])
    beta, rss, *_ = np.linalg.lstsq(design, score / np.sqrt(variance), rcond=None)
    seen = es.bias(counts(), "Harbord")
    assert seen.asymmetry is not None
    assert seen.asymmetry.value == pytest.approx(beta[1], rel=1e-11)
    assert seen.parameters["intercept"].value == pytest.approx(beta[0], rel=1e-11)
    assert seen.figures["residual standard deviation"] == pytest.approx(np.sqrt(rss[0] / 9), rel=1e-12)


# -- small and odd data -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("k", [0, 1, 2, 3, 4])
def test_few_studies_get_a_test_or_a_reason(name: str, k: int) -> None:
    for analysis in (plain(k), counts(k=k) if k else plain(0)):
        seen = es.bias(analysis, name)
        assert (seen.p_value is None) == (seen.reason is not None)
        assert (seen.statistic is None) == (seen.p_value is None)
        if k < 3:
            assert seen.reason is not None


@pytest.mark.parametrize("name", NAMED)
def test_equal_studies_get_a_reason(name: str) -> None:
    seen = es.bias(es.fit(es.Effects(Y[:6], np.full(6, 0.04)), settings="metafor"), name)
    assert seen.reason is not None
    table = {key: [value] * 5 for key, value in (("ai", 3), ("n1i", 20), ("ci", 5), ("n2i", 20))}
    seen = es.bias(es.fit(table, "OR", settings="metafor", method="IV"), name)
    assert seen.reason is not None


@pytest.mark.parametrize("name", ["Begg", "Egger"])
def test_equal_effects_get_a_reason(name: str) -> None:
    seen = es.bias(es.fit(es.Effects(np.full(6, 0.3), V[:6]), settings="metafor"), name)
    assert seen.reason is not None
    assert "same effect" in seen.reason or "on a line" in seen.reason


def test_effects_that_are_almost_on_a_line_are_tested() -> None:
    se = np.sqrt(V)
    line = 0.3 + 1.5 * se
    assert "on a line" in (es.bias(es.fit(es.Effects(line, V), settings="metafor"), "Egger").reason or "")
    noise = 1e-9 * np.cos(np.arange(10))
    seen = es.bias(es.fit(es.Effects(line + noise, V), settings="metafor"), "Egger")
    assert seen.reason is None
    assert seen.asymmetry is not None
    assert seen.asymmetry.value == pytest.approx(1.5, abs=1e-7)
    assert 0.0 < seen.figures["residual standard deviation"] < 1e-7


def test_effects_without_tables_get_a_reason() -> None:
    for name in OF_TABLES:
        assert es.bias(plain(), name).reason == "the test needs 2×2 tables: events and participants of both arms"
    means = {"n1i": [20, 30, 25], "m1i": [1.0, 2.0, 1.5], "sd1i": [1.0, 1.1, 0.9]}
    means |= {"n2i": [21, 29, 26], "m2i": [0.5, 1.1, 1.2], "sd2i": [1.2, 1.0, 1.1]}
    # Arms have sizes here, too, but no events.
    for name in OF_TABLES:
        reason = es.bias(es.fit(means, "MD", settings="metafor"), name).reason
        assert reason == "the test needs 2×2 tables: events and participants of both arms"
    assert "standardised mean differences" in (es.bias(plain(), "Pustejovsky-Rodgers").reason or "")


def test_a_study_without_a_table_is_named() -> None:
    data = {
        "study": ["A", "B", "C", "D"],
        "ai": [3, 5, 8, None],
        "n1i": [20, 30, 40, None],
        "ci": [5, 9, 9, None],
        "n2i": [20, 30, 40, None],
        "yi": [None, None, None, 0.4],
        "sei": [None, None, None, 0.3],
    }
    analysis = es.fit(data, "OR", settings="metafor", method="IV")
    assert analysis.k == 4
    assert es.bias(analysis, "Harbord").reason == "the test needs a 2×2 table for every study, and D has none"
    assert es.bias(analysis, "Egger").p_value is not None
    assert es.bias(analysis, "regression", predictor="ni").reason == "the sample size of D is not known"


def test_matched_pairs_are_not_two_arms() -> None:
    assert es.bias(counts("MPORM"), "Peters").reason is not None
    assert "matched pairs" in (es.bias(counts("MPORM"), "Peters").reason or "")


@pytest.mark.parametrize("preset", ["revman5", "revman-web", "metafor", "meta"])
@pytest.mark.parametrize("measure", ["OR", "RR", "RD", "PETO"])
def test_every_preset_and_measure_of_counts_is_tested(measure: str, preset: str) -> None:
    analysis = counts(measure, settings=preset, tau2="DL") if measure != "PETO" else counts(measure, settings=preset)
    for name in NAMED[:-1]:
        seen = es.bias(analysis, name)
        assert seen.p_value is not None, (name, seen.reason)


def test_named_tests_of_tables_do_not_depend_on_the_measure() -> None:
    for name in OF_TABLES:
        of_odds, of_risks = (es.bias(counts(measure), name) for measure in ("OR", "RR"))
        assert of_risks.statistic == of_odds.statistic
        note = "arcsine differences" if name == "Rücker" else "log odds ratios"
        assert any(warning.startswith(f"tested are {note}") for warning in of_risks.warnings)
    assert not any("tested are" in warning for name in OF_TABLES[:-1] for warning in es.bias(counts(), name).warnings)


def test_tables_that_tell_nothing_are_named() -> None:
    table: dict[str, Any] = {name: [0, *column] for name, column in COUNTS.items()}
    table |= {"n_1": [15, *COUNTS["n_1"]], "n_2": [12, *COUNTS["n_2"]]}
    table |= {"study": [f"Trial {i}" for i in range(12)]}
    analysis = es.fit(table, "OR", settings="metafor", method="IV")
    assert analysis.k == 12
    with_it, without = es.bias(analysis, "Peters"), es.bias(counts(settings="metafor", method="IV"), "Peters")
    assert with_it.k == 11
    assert with_it.statistic == pytest.approx(without.statistic, rel=1e-13)
    assert "not tested, as all or none of their participants had the event: Trial 0" in with_it.warnings
    # The arcsine difference of no events is 0, and counts; a study that was left out does not.
    assert es.bias(analysis, "Rücker").k == 12
    left = es.fit(table, "OR", settings="metafor", method="IV", exclude=["Trial 0"])
    assert es.bias(left, "Rücker").k == 11


def test_diagnostic_tables_are_of_diseased_and_others() -> None:
    a, n_1, c, n_2 = (np.array(COUNTS[name]) for name in ("events_1", "n_1", "events_2", "n_2"))
    diagnostic = es.fit({"tp": a, "fn": n_1 - a, "fp": c, "tn": n_2 - c}, "DOR", settings="meta", tau2="DL")
    for name in OF_TABLES:
        assert es.bias(diagnostic, name).statistic == pytest.approx(es.bias(counts(), name).statistic, rel=1e-12)


def test_swapped_events_turn_the_slope() -> None:
    for name in ("Harbord", "Peters", "Macaskill", "Deeks", "Rücker"):
        one, two = es.bias(counts(), name), es.bias(counts(swap_events=True), name)
        assert two.statistic == pytest.approx(-(one.statistic or 0.0), rel=1e-12)
        assert two.p_value == pytest.approx(one.p_value, rel=1e-12)


def test_effects_of_swapped_events_are_trimmed_and_filled() -> None:
    one, two = (es.bias(counts(swap_events=swap), "trim-and-fill") for swap in (False, True))
    assert one.after is not None
    assert two.after is not None
    assert two.after.value == pytest.approx(-one.after.value, rel=1e-12)


def test_odds_ratios_that_were_given_beside_their_tables() -> None:
    measured = counts().effects
    given = es.Effects(measured.y, measured.v, studies=measured.studies, measure="OR", scale="log")
    analysis = es.fit(given, settings="meta", method="IV", tau2="DL")
    for name in OF_TABLES:
        assert es.bias(analysis, name).statistic == pytest.approx(es.bias(counts(), name).statistic, rel=1e-12)


# -- warnings ---------------------------------------------------------------------------------------------------------


def test_few_studies_and_standard_errors_that_hold_the_effect_get_warnings() -> None:
    for name in NAMED[:4]:
        assert es.bias(plain(), name).warnings == ()
        assert "fewer than 10 studies (9)" in es.bias(plain(9), name).warnings[0]
        assert "depends on the effect itself" in es.bias(counts(), name).warnings[-1], name
    for name in (*OF_TABLES[:2], *OF_TABLES[3:5]):
        assert es.bias(counts(), name).warnings == (), name
    assert es.bias(counts("AS"), "Egger").warnings == ()
    assert es.bias(counts(), "regression", predictor="sqrtninv").warnings == ()
    assert es.bias(counts(), "Macaskill", weights="pooled").warnings == ()


# -- sample sizes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("predictor", PREDICTORS)
def test_sample_sizes_come_from_the_data_or_from_the_option(predictor: str) -> None:
    given = es.bias(plain(), "regression", predictor=predictor, n=N)
    with_column = es.fit({"yi": Y, "vi": V, "ni": N}, settings="metafor", tau2="DL")
    assert es.bias(with_column, "regression", predictor=predictor).p_value == given.p_value
    assert (given.limit is None) == (predictor in {"ni", "sqrtni"})
    arms = counts()
    total = np.array(COUNTS["n_1"]) + np.array(COUNTS["n_2"])
    one, two = (es.bias(arms, "regression", predictor=predictor, n=n) for n in (None, total.tolist()))
    assert one.p_value == two.p_value


def test_sizes_of_studies_that_are_not_pooled_are_not_needed() -> None:
    effects = es.Effects([*Y, 1.0], [*V, 0.1], study=[*"ABCDEFGHIJK"])
    analysis = es.fit(effects, settings="metafor", tau2="DL", exclude=["K"])
    seen = es.bias(analysis, "regression", predictor="ninv", n=[*N.tolist(), None])
    assert seen.p_value == es.bias(plain(), "regression", predictor="ninv", n=N).p_value


def test_sample_sizes_that_cannot_be_are_refused() -> None:
    analysis = plain()
    assert "sample sizes are not known" in (es.bias(analysis, "regression", predictor="ni").reason or "")
    with pytest.raises(es.DataError, match="9 sample sizes for 10 studies"):
        es.bias(analysis, "regression", predictor="ni", n=N[:9])
    with pytest.raises(es.DataError, match=re.escape("row 2 (Study 2) column n")):
        es.bias(analysis, "regression", predictor="ni", n=[5, -3, *N[2:]])
    with pytest.raises(es.DataError, match="in numbers"):
        es.bias(analysis, "regression", predictor="ni", n=["many"] * 10)
    with pytest.raises(es.DataError, match="in numbers"):
        es.bias(analysis, "regression", predictor="ni", n=5)
    missing = es.bias(analysis, "regression", predictor="ni", n=[None, *N[1:]])
    assert missing.reason == "the sample size of Study 1 is not known"
    same = es.bias(analysis, "regression", predictor="ni", n=[50] * 10)
    assert same.reason == "all studies are equally large: there is nothing to regress on"


# -- models and moderators --------------------------------------------------------------------------------------------


def test_egger_is_a_case_of_the_regression_test() -> None:
    for variant in ("classical", "mixed"):
        one, two = (es.bias(plain(), name, variant=variant) for name in ("Egger", "regression"))
        assert (one.statistic, one.p_value, one.limit) == (two.statistic, two.p_value, two.limit)


def test_thompson_and_sharp_have_random_effects_and_t_whatever_the_analysis_has() -> None:
    common = es.fit(es.Effects(Y, V), settings="metafor", tau2="DL", model="common")
    one, two = es.bias(common, "Thompson-Sharp"), es.bias(plain(), "Thompson–Sharp")
    assert one.statistic == two.statistic
    assert (one.df, one.symbol) == (8.0, "t")
    assert "tau² by DL" in one.variant


@pytest.mark.parametrize("variant", ["classical", "mixed"])
def test_a_design_without_an_intercept_is_kept(variant: str) -> None:
    group = np.array([0.0, 1, 0, 1, 1, 0, 0, 1, 1, 0])
    effects = es.Effects(Y, V)
    levels = es.fit(
        effects, settings="metafor", moderators=es.Design(np.column_stack([1 - group, group]), intercept=False)
    )
    with_one = es.fit(effects, settings="metafor", moderators={"group": group.tolist()})
    one, two = (es.bias(analysis, "regression", variant=variant) for analysis in (levels, with_one))
    assert one.statistic == pytest.approx(two.statistic, rel=1e-9)
    assert one.limit is None
    through_0 = es.fit(effects, settings="metafor", moderators=es.Design(1 + group[:, np.newaxis], intercept=False))
    assert es.bias(through_0, "regression", variant=variant).statistic != pytest.approx(two.statistic, rel=1e-3)
    assert es.bias(through_0, "regression", variant=variant).limit is None


def test_moderators_stay_in_tests_of_tables() -> None:
    analysis = counts(method="IV", moderators={"x": [0, 1, 0, 1, 1, 0, 0, 1, 1, 0, 1]})
    for name in (*OF_TABLES[:4], "Rücker"):
        assert (es.bias(analysis, name).df, es.bias(analysis, name).limit) == (8.0, None)
    assert "meta-regression" in (es.bias(analysis, "Schwarzer").reason or "")
    assert "meta-regression" in (es.bias(analysis, "Begg").reason or "")


# -- ranks ------------------------------------------------------------------------------------------------------------


def test_ranks_are_exact_below_fifty_studies_without_ties() -> None:
    rng = np.random.default_rng(3)
    v = rng.uniform(0.1, 1.0, 210)
    y = rng.normal(0, np.sqrt(v))

    def begg(k: int, *, exact: bool | None = None) -> es.BiasResult:
        return es.bias(es.fit(es.Effects(y[:k], v[:k]), settings="metafor", model="common"), "Begg", exact=exact)

    assert (begg(49).symbol, begg(50).symbol, begg(50, exact=True).symbol) == ("τ", "z", "τ")
    assert begg(200, exact=True).p_value == pytest.approx(begg(200).p_value, rel=0.01)
    beyond = begg(210, exact=True)
    assert beyond.symbol == "z"
    assert any("more than 200 studies" in warning for warning in beyond.warnings)


def test_ties_take_the_normal_approximation() -> None:
    tied = es.fit(es.Effects([0.1, 0.4, 0.2, 0.9, 0.3], [0.1, 0.1, 0.2, 0.3, 0.4]), settings="metafor")
    seen = es.bias(tied, "Begg", exact=True)
    assert seen.symbol == "z"
    assert any(warning.startswith("ties:") for warning in seen.warnings)
    assert "corrected for ties" in seen.variant
    assert not any(warning.startswith("ties:") for warning in es.bias(tied, "Begg").warnings)


def test_the_continuity_correction_draws_s_towards_0() -> None:
    one, two = (es.bias(plain(), "rank correlation", exact=False, continuity=chosen) for chosen in (False, True))
    s, se = one.figures["Kendall's S"], one.figures["SE of S"]
    assert one.statistic == pytest.approx(s / se, rel=1e-13)
    assert two.statistic == pytest.approx((abs(s) - 1) / se * np.sign(s), rel=1e-13)


# -- options ----------------------------------------------------------------------------------------------------------

REFUSED: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "predictor of the regression test is one of 'sei', 'vi', 'ni', 'ninv', 'sqrtni', 'sqrtninv', not 'se'": (
        "regression",
        {"predictor": "se"},
    ),
    "variant of the regression test is one of 'mixed', 'classical', not 'lm'": ("regression", {"variant": "lm"}),
    "exact of Begg's test is True, False or None": ("Begg", {"exact": "yes"}),
    "continuity of Begg's test is True or False, not 1": ("Begg", {"continuity": 1}),
    "exact of Schwarzer's test is True, False or None": ("Schwarzer", {"exact": 0}),
    "weights of Macaskill's test is one of 'variance', 'pooled', not 'FIV'": ("Macaskill", {"weights": "FIV"}),
    "variant of Rücker's test is one of 'Thompson', 'Egger', 'Begg', not 'AS'": ("Rucker", {"variant": "AS"}),
    "weights of Pustejovsky and Rodgers' test is one of 'variance', 'modified', not 'W'": (
        "Pustejovsky–Rodgers",
        {"weights": "W"},
    ),
    "has no option 'side'": ("Deeks", {"side": "left"}),
}


@pytest.mark.parametrize("says", REFUSED)
def test_an_option_that_is_not_known_is_refused_by_name(says: str) -> None:
    name, options = REFUSED[says]
    with pytest.raises(es.SettingsError, match=re.escape(says)):
        es.bias(plain(), name, **options)
