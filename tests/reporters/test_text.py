from __future__ import annotations

import math
import re
import unicodedata
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import evisynth as es
from evisynth_reporters import printed
from evisynth_reporters.monospaced import width_of

FLEISS: dict[
    str, list[Any]
] = {  # aspirin after myocardial infarction: Fleiss (1993), Stat. Methods Med. Res. 2:121-145
    "study": ["MRC-1", "CDP", "MRC-2", "GASP", "PARIS", "AMIS", "ISIS-2"],
    "events_1": [49, 44, 102, 32, 85, 246, 1570],
    "n_1": [615, 758, 832, 317, 810, 2267, 8587],
    "events_2": [67, 64, 126, 38, 52, 219, 1720],
    "n_2": [624, 771, 850, 309, 406, 2257, 8600],
}
MORTALITY: dict[str, list[Any]] = {  # Kirkham et al. (2022), figure 2A
    "study": ["Shu", "Lanzoni", "Dilogo", "Shi", "Adas", "Fathi-Kazerooni", "Rebelatto", "Monsel"],
    "events_1": [0, 1, 10, 0, 3, 6, 5, 5],
    "n_1": [12, 12, 20, 65, 10, 14, 11, 21],
    "events_2": [3, 7, 16, 0, 6, 12, 1, 4],
    "n_2": [29, 12, 20, 35, 10, 15, 6, 24],
    "subgroup": ["cord", "cord", "cord", "cord", "cord", "marrow", "marrow", "marrow"],
}


def lines(analysis: es.MetaAnalysis, **options: Any) -> list[str]:  # noqa: ANN401 - options of the reporter
    return str(es.render(analysis, "text", **options)).splitlines()


def first(count: int) -> dict[str, list[Any]]:
    return {name: list(values[:count]) for name, values in MORTALITY.items()}


# -- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("p", "shown"),
    [
        (1.0, "P = 1.00"),
        (0.996, "P = 1.00"),
        (0.995, "P = 0.99"),
        (0.1269, "P = 0.13"),
        (0.0149, "P = 0.01"),
        (0.01, "P = 0.01"),
        (math.nextafter(0.01, 0), "P = 0.01"),
        (0.0096, "P = 0.01"),
        (0.0094, "P = 0.009"),
        (0.008, "P = 0.008"),
        (0.00101, "P = 0.001"),
        (0.00096, "P = 0.001"),
        (0.0006, "P = 0.0006"),
        (0.0001, "P = 0.0001"),
        (math.nextafter(0.0001, 0), "P < 0.0001"),
        (0.00001, "P < 0.0001"),
        (math.nextafter(0.00001, 0), "P < 0.00001"),
        (0.0, "P < 0.00001"),
    ],
)
def test_p_has_two_decimals_then_one_digit_then_bounds(p: float, shown: str) -> None:
    assert printed.p_value(p) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.72, "0.72"),
        (-0.001, "0.00"),
        (-0.0, "0.00"),
        (-0.005000001, "-0.01"),
        (0.125, "0.13"),
        (-0.125, "-0.13"),
        (1.005, "1.00"),
        (1234.5, "1234.50"),
        (12_345_678.9, "1.2e7"),
        (-1e300, "-1.0e300"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
        (math.nan, "Not estimable"),
        (None, "Not estimable"),
    ],
)
def test_a_number_is_rounded_half_up_and_stays_readable(value: float | None, shown: str) -> None:
    assert printed.number(value) == shown


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_no_number_prints_as_nan_or_negative_zero(value: float) -> None:
    for shown in (printed.number(value), printed.percent(value), printed.entered(value)):
        assert "nan" not in shown.lower()
        assert shown.strip("%") not in {"-0", "-0.0", "-0.00"}


@given(st.floats(0, 1))
def test_every_p_prints_close_to_itself_or_as_a_bound(p: float) -> None:
    relation, number = printed.p_value(p).removeprefix("P ").split()
    if relation == "<":
        assert p < float(number)
    else:
        assert abs(p - float(number)) <= max(0.005, p / 2)
        assert p >= 0.0001


def test_an_effect_prints_with_its_limits_in_the_way_of_either_program() -> None:
    assert printed.effect(0.7213, 0.4912, 1.0583, printed.Style()) == "0.72 [0.49, 1.06]"
    assert printed.effect(0.7213, 0.4912, 1.0583, printed.Style(comma=" , ")) == "0.72 [0.49 , 1.06]"
    assert printed.effect(1.0, 0.0, math.inf, printed.Style()) == "1.00 [0.00, ∞]"
    assert printed.effect(math.inf, 0.0, math.inf, printed.Style()) == "Not estimable"
    assert printed.effect(1.0, math.nan, 2.0, printed.Style()) == "Not estimable"
    assert printed.effect(12.0, 1.0, 1.2e7, printed.Style()) == "12.00 [1.00, 1.2e7]"


def test_a_ratio_that_would_print_as_nothing_but_zeros_keeps_its_digits() -> None:
    assert printed.effect(1.3e-5, 2e-7, 8e-4, printed.Style(ratio=True)) == "1.3e-5 [2.0e-7, 8.0e-4]"
    assert printed.effect(1.3e-5, 2e-7, 8e-4, printed.Style()) == "0.00 [0.00, 0.00]"


def test_entered_numbers_print_as_they_were_entered() -> None:
    shown = [printed.entered(value) for value in (4.9, 10.65, 5.0, 0.0, -0.978, 1570.0, 0.00123, 12.34567, None)]
    assert shown == ["4.9", "10.65", "5", "0", "-0.978", "1570", "0.00123", "12.3457", "–"]


def test_text_from_outside_prints_in_one_line_without_controls() -> None:
    assert printed.one_line("A\nB\t\x1b[31mC\u202eD\ud800") == "A B [31mCD�"


# -- lines ------------------------------------------------------------------------------------------------------------


def of(**fields: Any) -> Any:  # noqa: ANN401 - stands in for a result
    return SimpleNamespace(is_regression=False, **fields)


def heterogeneity(model: str, **found: Any) -> str:  # noqa: ANN401 - numbers of a result
    return printed.heterogeneity_line(
        of(heterogeneity=of(**found), terms=("intercept",), model=of(tau2=found.get("tau2")), settings=of(model=model))
    )


def test_footers_are_revmans_to_the_letter() -> None:
    fixed = {"q": 9.946, "df": 6, "p_value": 0.1269, "i2": 39.67, "tau2": 0.0}
    random = {"q": 7.10, "df": 6, "p_value": 0.3117, "i2": 15.49, "tau2": 0.0203}
    assert heterogeneity("common", **fixed) == "Heterogeneity: Chi² = 9.95, df = 6 (P = 0.13); I² = 40%"
    assert heterogeneity("random", **random) == ("Heterogeneity: Tau² = 0.02; Chi² = 7.10, df = 6 (P = 0.31); I² = 15%")
    test = es.SubgroupTest(2.10, 2, 0.3499, 4.76)
    assert printed.subgroup_line(test) == "Test for subgroup differences: Chi² = 2.10, df = 2 (P = 0.35), I² = 5%"
    assert printed.subgroup_line(None) == "Test for subgroup differences: Not applicable"


def test_fleiss_prints_as_revman_web_exported_it() -> None:
    shown = lines(es.fit(FLEISS, "OR", settings="revman5"))
    assert any(line.startswith("MRC-1") and line.endswith("3.2%   0.72 [0.49, 1.06]") for line in shown)
    assert any(line.startswith("ISIS-2") and line.endswith("72.9%   0.89 [0.83, 0.97]") for line in shown)
    assert "Heterogeneity: Chi² = 9.95, df = 6 (P = 0.13); I² = 40%" in shown
    assert "Test for overall effect: Z = 3.29 (P = 0.001)" in shown
    assert not any(line.startswith("Test for subgroup") for line in shown)
    total = next(line for line in shown if line.startswith("Total (95% CI)"))
    assert total.split() == ["Total", "(95%", "CI)", "14186", "13817", "100.0%", "0.90", "[0.84,", "0.96]"]
    events = next(line for line in shown if line.startswith("Total events:"))
    assert events.split() == ["Total", "events:", "2128", "2286"]


def test_mortality_prints_as_published() -> None:
    shown = lines(es.fit(MORTALITY, "RR", model="random", settings="revman5"))
    assert "Heterogeneity: Tau² = 0.04; Chi² = 7.00, df = 6 (P = 0.32); I² = 14%" in shown
    assert "Test for overall effect: Z = 2.26 (P = 0.02)" in shown
    assert any(line.startswith("Total (95% CI)") and line.endswith("100.0%    0.63 [0.42, 0.94]") for line in shown)
    assert "  Shi: no events in either arm" in shown
    shi = next(line for line in shown if line.startswith("Shi "))
    assert shi.split() == ["Shi", "0", "65", "0", "35", "Not", "estimable"]


def test_revman_web_has_its_own_comma_third_line_and_prediction() -> None:
    shown = lines(es.fit(MORTALITY, "RR"))
    assert any(line.endswith("0.62 [0.40 , 0.98]") for line in shown if line.startswith("Total (95% CI)"))
    assert any(line.startswith("Prediction interval (95%)") for line in shown)
    assert "Test for overall effect: T = 2.53, df = 6 (P = 0.04)" in shown
    assert "Test for subgroup differences: Not applicable" in shown


def test_subgroups_have_headings_subtotals_and_a_test() -> None:
    shown = lines(es.fit(MORTALITY, "RR", model="random", settings="revman5", by="subgroup"))
    assert shown.count("cord") == shown.count("marrow") == 1
    assert sum(line.startswith("Subtotal (95% CI)") for line in shown) == 2
    assert sum(line.startswith("Heterogeneity: ") for line in shown) == 3
    last = [line for line in shown if line.startswith("Test for subgroup differences: Chi² = ")]
    assert len(last) == 1
    assert ", df = 1 (P = " in last[0]
    assert "), I² = " in last[0]


# -- few studies, other kinds of data ---------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", ["revman5", "revman-web", "metafor", "meta"])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_studies_print(count: int, settings: str) -> None:
    data = es.load(first(2)).take(range(count))
    shown = lines(es.fit(data, "RR", settings=settings))
    assert "nan" not in "\n".join(shown).lower()
    if count < 2:
        assert "Heterogeneity: Not applicable" in shown
    if count == 0:
        assert any(line.startswith("Total (95% CI)") and line.endswith("Not estimable") for line in shown)
        assert "Test for overall effect: Not applicable" in shown


def test_no_events_at_all_print_as_not_estimable_with_reasons() -> None:
    data = {**first(3), "events_1": [0, 0, 0], "events_2": [0, 0, 0]}
    shown = lines(es.fit(data, "RR", settings="revman5"))
    assert sum(line.endswith("Not estimable") for line in shown) == 4
    assert sum(line.endswith("no events in either arm") for line in shown) == 3


def test_a_meta_regression_prints_its_coefficients() -> None:
    analysis = es.fit(MORTALITY, "RR", method="IV", settings="metafor", moderators={"dose": [1.0, 2, 3, 4, 5, 6, 7, 8]})
    shown = lines(analysis)
    assert any(line.startswith("Coefficient") and line.endswith("Test") for line in shown)
    assert any(line.startswith("dose") and "Z = " in line for line in shown)
    assert any(line.startswith("Residual heterogeneity: Tau² = ") for line in shown)
    assert any(re.match(r"Test of moderators: Chi² = \d+\.\d\d, df = 1 \(P", line) for line in shown)
    assert any(line.startswith("Heterogeneity explained: ") for line in shown)
    assert not any(line.startswith(("Total (", "Test for overall")) for line in shown)


def test_means_and_given_effects_have_their_own_columns() -> None:
    means = {"study": ["A"], "mean_1": [4.9], "sd_1": [1.71], "n_1": [30], "mean_2": [6.1], "sd_2": [2.3], "n_2": [50]}
    shown = lines(es.fit(means, "MD", settings="revman5"))
    assert shown[3].split()[:9] == ["Study", "or", "Subgroup", "Mean", "SD", "Total", "Mean", "SD", "Total"]
    assert "4.9  1.71     30" in shown[5]
    ratio = es.Effects(np.log([0.5, 0.8]), [0.04, 0.09], scale="log", label="Hazard Ratio")
    assert "log[Hazard Ratio]" in "\n".join(lines(es.fit(ratio, settings="revman5")))
    observed = {"study": ["A"], "o_e": [-3.2], "o_e_variance": [10.5]}
    assert "O-E  Variance" in "\n".join(lines(es.fit(observed, "O-E", settings="revman5")))


def test_swapped_events_show_what_was_analysed() -> None:
    shown = lines(es.fit(first(2), "RR", settings="revman5", swap_events=True))
    assert next(line for line in shown if line.startswith("Lanzoni")).split()[1:5] == ["11", "12", "5", "12"]
    assert any(line.startswith("Total non-events:") for line in shown)


def test_a_study_left_out_stays_in_the_table_but_not_in_the_totals() -> None:
    analysis = es.fit(MORTALITY, "RR", settings="revman5", exclude=["Dilogo"])
    shown = lines(analysis)
    assert next(line for line in shown if line.startswith("Dilogo")).endswith("Left out")
    total = next(line for line in shown if line.startswith("Total (95% CI)")).split()
    assert total[3:5] == [str(analysis.participants["arm_1"]), str(analysis.participants["arm_2"])] == ["145", "131"]
    events = next(line for line in shown if line.startswith("Total events:")).split()
    assert events[2:] == [str(analysis.events["arm_1"]), str(analysis.events["arm_2"])] == ["20", "33"]


def test_columns_are_aligned_whatever_the_names() -> None:
    names = ["A", "田中 2020", "Ünïcødé", "$x$", "A name\nwith a break " * 6, "e\u0301", "G", "H"]
    shown = lines(es.fit({**MORTALITY, "study": names}, "RR", settings="revman5"), decimals=3)
    ends = {width_of(line) for line in shown if line.endswith("]") and not line.startswith(" ")}
    assert len(ends) == 1
    assert "$x$" in "\n".join(shown)
    assert all(unicodedata.category(character) != "Cc" for line in shown for character in line)


def test_printing_an_analysis_prints_this_report() -> None:
    analysis = es.fit(MORTALITY, "RR", settings="revman5")
    assert str(analysis) == es.render(analysis, "text")


def test_arms_and_title_can_be_named() -> None:
    shown = lines(es.fit(MORTALITY, "RR", settings="revman5"), group_1="MSC", group_2="Usual care", title="Mortality")
    assert shown[0] == "Mortality"
    assert shown[3].split() == ["MSC", "Usual", "care", "Risk", "Ratio"]


def test_limits_of_the_spread_as_meta_prints_them() -> None:
    y, v = [-0.9, -1.6, -1.3, -1.4, -0.2, -0.8, -1.6], [0.33, 0.19, 0.42, 0.02, 0.05, 0.007, 0.22]
    analysis = es.fit(es.Effects(y, v), settings="meta")
    found = analysis.heterogeneity
    shown = str(es.render(analysis, "text")).splitlines()
    line = next(line for line in shown if line.startswith("I²: "))
    assert line.startswith(f"I²: {found.i2:.1f}%, 95% CI [{found.i2_ci_low:.1f}%, {found.i2_ci_high:.1f}%]; H: ")
    assert not any(line.startswith("I²: ") for line in str(es.render(es.fit(es.Effects(y, v)), "text")).splitlines())


def test_an_interval_without_end_says_why() -> None:
    analysis = es.fit(es.Effects([0.5, 0.5, 0.6], [0.1, 0.2, 0.3]), settings="metafor", tau2_interval="Wald.sqrt")
    assert analysis.heterogeneity.tau2_ci_reason is not None
    assert f"  ({analysis.heterogeneity.tau2_ci_reason})" in str(es.render(analysis, "text")).splitlines()
