"""Hazard ratios from log-rank statistics, intervals, p-values and curves: the worked examples of the sources."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import evisynth as es


def first(name: str, **columns: Any) -> dict[str, float]:  # noqa: ANN401 - a number or a column
    return {key: float(column[0]) for key, column in es.convert(name, **columns).items()}


# The bladder cancer trial of Tierney, Stewart, Ghersi, Burdett & Sydes (2007), Trials 8:16: HR 0.85 (0.71 to 1.02),
# log-rank P = 0.075, 485 deaths, and by the curves HR 0.88 with V = 128.81 (0.74 to 1.05).


def test_the_curves_of_the_bladder_cancer_trial_have_their_interval() -> None:
    made = first("oe-to-hr", o_e=np.log(0.88) * 128.81, o_e_variance=128.81)
    limits = np.exp([made["yi"] - 1.959964 * made["sei"], made["yi"] + 1.959964 * made["sei"]])
    assert np.exp(made["yi"]) == pytest.approx(0.88, rel=1e-14)
    assert limits == pytest.approx([0.74, 1.05], abs=0.005)


def test_the_p_value_of_the_bladder_cancer_trial_gives_its_hazard_ratio() -> None:
    # Tierney: the z-score of P = 0.075 is 1.78, and the hazard ratio 0.85.
    assert es.convert("p-to-z", p_value=0.075, direction=-1)["z_value"][0] == pytest.approx(-1.78, abs=0.005)
    made = first("p-total-to-hr", p_value=0.075, direction=-1, events=485)
    assert np.exp(made["yi"]) == pytest.approx(0.85, abs=0.005)
    assert made["o_e_variance"] == 121.25
    assert made["o_e"] == pytest.approx(-1.78 * np.sqrt(121.25), rel=2e-3)
    by_z = first("z-total-to-hr", z_value=-1.7805, events=485)
    assert by_z["yi"] == pytest.approx(made["yi"], abs=1e-4)
    by_chi2 = first("chi2-total-to-hr", chi2=1.7805**2, direction=-1, events=485)
    assert by_chi2 == pytest.approx(by_z, rel=1e-13)


def test_the_interval_of_the_bladder_cancer_trial() -> None:
    made = first("hr-ci-to-oe", estimate=0.85, ci_low=0.71, ci_high=1.02)
    assert made["o_e_variance"] == pytest.approx((2 * 1.959964 / (np.log(1.02) - np.log(0.71))) ** 2, rel=1e-6)
    assert made["o_e"] == pytest.approx(np.log(0.85) * made["o_e_variance"], rel=1e-14)
    back = first("oe-to-hr", o_e=made["o_e"], o_e_variance=made["o_e_variance"])
    assert back == pytest.approx({"yi": made["yi"], "sei": made["sei"]}, rel=1e-14)
    assert made["sei"] == pytest.approx(es.convert("ratio-to-log", estimate=0.85, ci_low=0.71, ci_high=1.02)["sei"][0])


def test_numbers_of_events_agree_where_groups_are_equal() -> None:
    by_events = first("hr-events-to-oe", estimate=0.8, events_1=100, events_2=100)
    assert first("hr-total-to-oe", estimate=0.8, events=200) == pytest.approx(by_events, rel=1e-14)
    assert first("hr-allocation-to-oe", estimate=0.8, events=200, n_1=300, n_2=300) == pytest.approx(
        by_events, rel=1e-14
    )
    assert by_events["o_e_variance"] == 50
    # Two to one: V = O·2/9 (Parmar and others 1998, with R = 2).
    assert first("hr-allocation-to-oe", estimate=0.8, events=90, n_1=200, n_2=100)["o_e_variance"] == pytest.approx(20)
    for kind, given in (("p", {"p_value": 0.05, "direction": 1}), ("z", {"z_value": 1.959963984540054})):
        made = first(f"{kind}-events-to-hr", **given, events_1=60, events_2=30)
        assert made["o_e_variance"] == 20
        assert made["yi"] == pytest.approx(1.959963984540054 / np.sqrt(20), rel=1e-14)
        assert first(f"{kind}-allocation-to-hr", **given, events=90, n_1=200, n_2=100) == pytest.approx(made, rel=1e-14)


def test_observed_and_expected_of_both_groups() -> None:
    # Freireich (1963) as in Machin, Cheung & Parmar (2006), Survival Analysis: 6-MP and placebo, O 9 and 21,
    # E 19.25 and 10.75, ratio of relative deaths 0.24.
    made = first("observed-expected-to-hr", events_1=9, expected_1=19.25, events_2=21, expected_2=10.75)
    assert np.exp(made["yi"]) == pytest.approx(0.24, abs=0.005)
    assert made["o_e_variance"] == pytest.approx(19.25 * 10.75 / 30, rel=1e-14)


# The overall survival of FLOT4 (Al-Batran and others 2019, Lancet 393:1948: HR 0.77, 0.63 to 0.94) as read off the
# published curves by Taylor (2019), CEBM, Tips for data extraction for meta-analysis 15 and 16; the readings were not
# found again, so that they are a check of size, and 50 digits decide (`test_exact_conversions.test_curves`).
TIME = [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 21, 24, 27, 30, 33, 36, 39, 42, 45, 48, 54, 60, 66, 72]
FLOT = [100, 99, 98, 93, 91, 87, 84, 80, 78, 76, 72, 69, 65, 61, 60, 57, 55, 54, 53, 50, 49, 45, 43, 43]
ECF = [100, 99, 97, 91, 90, 83, 80, 75, 73, 69, 63, 58, 55, 54, 51, 49, 47, 46, 45, 44, 40, 36, 35, 32]
AT_RISK = {0: (356, 360), 12: (297, 287), 24: (231, 202), 36: (140, 126), 48: (87, 83), 60: (39, 33), 72: (5, 9)}


def readings() -> dict[str, Any]:
    return {"time": TIME, "survival_1": np.array(FLOT) / 100, "survival_2": np.array(ECF) / 100}


def test_the_curves_of_flot4_with_follow_up() -> None:
    made = first("km-follow-up-to-hr", **readings(), n_1=356, n_2=360, follow_up_min=12, follow_up_max=78)
    published = first("hr-ci-to-oe", estimate=0.77, ci_low=0.63, ci_high=0.94)
    assert np.exp(made["yi"]) == pytest.approx(0.77, abs=0.02)
    assert made["sei"] == pytest.approx(published["sei"], rel=0.03)
    assert made["o_e"] == pytest.approx(made["yi"] * made["o_e_variance"], rel=1e-14)


def test_the_curves_of_flot4_with_numbers_at_risk() -> None:
    rows = [i for i, time in enumerate(TIME) if time in AT_RISK]
    given: dict[str, Any] = {name: np.asarray(column)[rows] for name, column in readings().items()}
    one, other = (np.array(column) for column in zip(*AT_RISK.values(), strict=True))
    made = first("km-at-risk-to-hr", **given, at_risk_1=one, at_risk_2=other)
    assert np.exp(made["yi"]) == pytest.approx(0.77, abs=0.02)
    published = first("hr-ci-to-oe", estimate=0.77, ci_low=0.63, ci_high=0.94)
    assert made["sei"] == pytest.approx(published["sei"], rel=0.08)


def test_without_censoring_the_two_readings_are_the_life_table() -> None:
    # 40 and 40 at the start, all followed: 10, 5, 5 and 8, 12, 4 events.
    survival_1, survival_2 = np.array([40, 30, 25, 20]) / 40, np.array([40, 32, 20, 16]) / 40
    time = [0, 1, 2, 3]
    d_1, r_1 = np.array([10, 5, 5]), np.array([40, 30, 25])
    d_2, r_2 = np.array([8, 12, 4]), np.array([40, 32, 20])
    w = 1 / (1 / d_1 - 1 / r_1 + 1 / d_2 - 1 / r_2)
    expected = (w * np.log((d_1 / r_1) / (d_2 / r_2))).sum() / w.sum()
    curves = {"time": time, "survival_1": survival_1, "survival_2": survival_2}
    by_range = first("km-follow-up-to-hr", **curves, n_1=40, n_2=40, follow_up_min=3, follow_up_max=5)
    by_risk = first("km-at-risk-to-hr", **curves, at_risk_1=survival_1 * 40, at_risk_2=survival_2 * 40)
    assert by_range["yi"] == pytest.approx(expected, rel=1e-13)
    assert by_range["o_e_variance"] == pytest.approx(w.sum(), rel=1e-13)
    assert by_risk == pytest.approx(by_range, rel=1e-13)


def test_intervals_without_events_in_a_group_have_no_weight() -> None:
    curves = {"time": [0, 1, 2], "survival_1": [1, 1, 0.8], "survival_2": [1, 0.9, 0.7]}
    made = first("km-follow-up-to-hr", **curves, n_1=50, n_2=50, follow_up_min=5, follow_up_max=6)
    later = {"time": [0, 1], "survival_1": [1, 0.8], "survival_2": [1, 7 / 9]}
    alone = first("km-follow-up-to-hr", **later, n_1=50, n_2=45, follow_up_min=5, follow_up_max=6)
    assert made == pytest.approx(alone, rel=1e-13)
    never = es.convert(
        "km-follow-up-to-hr",
        time=[0, 1],
        survival_1=1,
        survival_2=[1, 0.5],
        n_1=9,
        n_2=9,
        follow_up_min=1,
        follow_up_max=2,
    )
    assert all(np.isnan(column).all() for column in never.values())


def test_curves_of_several_trials_at_once() -> None:
    rows = [i for i, time in enumerate(TIME) if time in AT_RISK]
    given: dict[str, Any] = {name: np.asarray(column)[rows] for name, column in readings().items()}
    one, other = (np.array(column, dtype=float) for column in zip(*AT_RISK.values(), strict=True))
    both: dict[str, Any] = {
        name: np.concatenate([column, column]) for name, column in {**given, "at_risk_1": one}.items()
    }
    made = es.convert(
        "km-at-risk-to-hr", by=["FLOT4"] * 7 + ["again"] * 7, **both, at_risk_2=np.concatenate([other, other])
    )
    alone = es.convert("km-at-risk-to-hr", **given, at_risk_1=one, at_risk_2=other)
    assert {name: column.tolist() for name, column in made.items()} == {
        name: [column[0]] * 2 for name, column in alone.items()
    }


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"survival_1": [100, 90, 80]}, "divide percentages by 100"),
        ({"survival_1": [1, 0.8, 0.9]}, "row 3 column survival_1: a survival curve does not rise"),
        ({"survival_1": [0.9, 0.8, 0.7]}, "row 1 column survival_1: the first point is the start"),
        ({"time": [0, 2, 1]}, "row 3 column time: the points are not in order of time"),
        ({"time": [0, 0, 1]}, "not in order of time"),
        ({"time": [-1, 0, 1]}, "time cannot be negative"),
        ({"at_risk_2": [50, 60, 30]}, "row 2 column at_risk_2: the number at risk rises"),
        ({"at_risk_2": [50, 40, -1]}, "a count cannot be negative"),
    ],
)
def test_readings_that_no_curve_has_are_refused(change: dict[str, Any], says: str) -> None:
    good: dict[str, Any] = {
        "time": [0, 1, 2],
        "survival_1": [1, 0.8, 0.6],
        "survival_2": [1, 0.7, 0.5],
        "at_risk_1": [50, 40, 30],
        "at_risk_2": [50, 35, 25],
    }
    with pytest.raises(es.DataError, match=says):
        es.convert("km-at-risk-to-hr", **{**good, **change})


def test_follow_up_is_one_range_for_the_whole_curve() -> None:
    good: dict[str, Any] = {"time": [0, 1], "survival_1": [1, 0.8], "survival_2": [1, 0.7], "n_1": 50, "n_2": 50}
    with pytest.raises(es.DataError, match="the shortest follow-up is longer"):
        es.convert("km-follow-up-to-hr", **good, follow_up_min=3, follow_up_max=2)
    good["n_1"] = [50, 40]
    with pytest.raises(es.DataError, match="n_1 is the same for all points"):
        es.convert("km-follow-up-to-hr", **good, follow_up_min=1, follow_up_max=2)


def test_no_events_leave_no_hazard_ratio() -> None:
    made = es.convert("hr-events-to-oe", estimate=0.8, events_1=[0, 0, 5], events_2=[0, 5, 0])
    assert all(np.isnan(column).all() for column in made.values())
    assert all(np.isnan(column).all() for column in es.convert("oe-to-hr", o_e=0, o_e_variance=0).values())
    same = es.convert("hr-ci-to-oe", estimate=1, ci_low=1, ci_high=1)
    assert all(np.isnan(column).all() for column in same.values())
    assert first("p-total-to-hr", p_value=1, direction=1, events=40)["yi"] == 0
