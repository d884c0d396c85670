"""Standard deviations and errors from what is reported of them: the worked examples of the sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable

HANDBOOK = {"n_1": 25, "n_2": 22}
"""Cochrane Handbook 6.4, §6.5.2.3: MD 3.8, P = 0.008, groups of 25 and 22 (t = 2.78, SE = 1.37)."""


def only(name: str, **columns: Any) -> float:  # noqa: ANN401 - a number or a column
    made = es.convert(name, **columns)
    (column,) = made.values()
    assert column.shape == (1,)
    return float(column[0])


def test_the_handbooks_way_from_a_p_value_to_a_standard_deviation() -> None:
    t = only("p-to-t", p_value=0.008, df=45, direction=1)
    assert t == pytest.approx(2.78, abs=0.005)
    assert only("t-to-se", yi=3.8, t_value=t) == pytest.approx(1.37, abs=0.005)
    assert only("p-to-se-t", yi=3.8, p_value=0.008, df=45) == pytest.approx(1.37, abs=0.005)
    # The Handbook goes on with the rounded standard error.
    assert only("se-to-pooled-sd", se=1.37, **HANDBOOK) == pytest.approx(4.69, abs=0.005)
    sd = only("p-to-pooled-sd", estimate=3.8, p_value=0.008, **HANDBOOK)
    assert sd == pytest.approx(4.69, abs=0.015)
    for name, given in (
        ("t-to-pooled-sd", {"estimate": 3.8, "t_value": t}),
        ("t-to-pooled-sd", {"estimate": 3.8, "t_value": -t}),
        ("f-to-pooled-sd", {"estimate": -3.8, "f_value": t * t}),
        ("p-to-pooled-sd-one-sided", {"estimate": 3.8, "p_value": 0.004}),
        ("p-to-pooled-sd-one-sided", {"estimate": 3.8, "p_value": 0.996}),
        ("se-to-pooled-sd", {"se": 3.8 / t}),
    ):
        assert only(name, **given, **HANDBOOK) == pytest.approx(sd, rel=1e-13), name


def test_intervals_of_a_mean_divide_by_the_t_that_the_handbook_prints() -> None:
    # §6.5.2.2: tinv(1 - 0.95, 25 - 1) is 2.0639, and the divisor 3.92 becomes 2 × 2.0639 = 4.128.
    assert only("ci-to-sd", mean_ci_low=0, mean_ci_high=4.128, n=25) == pytest.approx(5, rel=1e-4)
    # For large samples 3.92, and 3.29 and 5.15 for 90 % and 99 %.
    for level, divisor in ((0.95, 3.92), (0.9, 3.29), (0.99, 5.15)):
        assert only("ci-to-sd-normal", mean_ci_low=-divisor, mean_ci_high=0, n=100, level=level) == pytest.approx(
            10, rel=5e-4
        )
        assert only("ci-to-se", ci_low=-divisor, ci_high=0, level=level) == pytest.approx(1, rel=5e-4)
    # §6.5.2.3: tinv(1 - 0.95, 25 + 22 - 2) is 2.0141.
    width = 2 * 2.0141 * 1.37
    assert only("ci-to-pooled-sd", ci_low=0, ci_high=width, **HANDBOOK) == pytest.approx(4.69, abs=0.005)
    assert only("ci-to-pooled-sd-normal", ci_low=0, ci_high=3.92 * 1.37, **HANDBOOK) == pytest.approx(4.69, abs=0.005)
    assert only("ci-to-se-t", ci_low=0, ci_high=4.128, df=24) == pytest.approx(1, rel=1e-4)


def test_one_group_by_its_standard_error_t_and_p() -> None:
    # Student (1908), Biometrika 6:20: 10 differences, mean 1.58, SD 1.23, t = 4.0621, P = 0.002833 (?sleep in R).
    sd = only("se-to-sd", se=1.229995 / np.sqrt(10), n=10)
    assert sd == pytest.approx(1.23, abs=0.005)
    assert only("t-to-sd", mean=1.58, t_value=4.0621, n=10) == pytest.approx(1.23, abs=0.0005)
    assert only("p-to-sd", mean=1.58, p_value=0.002833, n=10) == pytest.approx(1.23, abs=0.0005)
    assert only("p-to-sd-one-sided", mean=1.58, p_value=0.0014165, n=10) == pytest.approx(1.23, abs=0.0005)


def test_standard_errors_of_a_risk_difference_and_of_a_ratio() -> None:
    # Handbook §6.3.1 (5.1, §7.7.7.2): a risk difference of 0.03 (P = 0.008) has Z = 2.652 and SE = 0.03/2.652 = 0.011.
    assert only("p-to-z", p_value=0.008, direction=1) == pytest.approx(2.652, abs=0.0005)
    assert only("p-to-se", yi=0.03, p_value=0.008) == pytest.approx(0.011, abs=0.0005)
    assert only("z-to-se", yi=0.03, z_value=2.652) == pytest.approx(0.03 / 2.652, rel=1e-15)
    assert only("p-to-chi2", p_value=0.008) == pytest.approx(2.652**2, rel=5e-4)
    # Altman & Bland (2011): 17 percentage points, P = 0.032, by an approximation of z good to two parts in a thousand.
    assert only("p-to-se", yi=17, p_value=0.032) == pytest.approx(7.940, rel=2e-3)
    # And a risk ratio of 0.30 with P = 0.034: SE 0.569 of the logarithm.
    assert only("p-to-se", yi=np.log(0.30), p_value=0.034) == pytest.approx(0.569, rel=4e-3)


def test_one_sided_p_values_have_a_direction() -> None:
    assert only("p-to-z-one-sided", p_value=0.025, direction=1) == pytest.approx(1.959964, abs=1e-6)
    assert only("p-to-z-one-sided", p_value=0.975, direction=1) == pytest.approx(-1.959964, abs=1e-6)
    assert only("p-to-z-one-sided", p_value=0.025, direction=-1) == pytest.approx(-1.959964, abs=1e-6)
    assert only("p-to-t-one-sided", p_value=0.975, df=24, direction=-1) == pytest.approx(2.0639, abs=5e-5)
    assert only("p-to-se-one-sided", yi=-0.5, p_value=0.025) == pytest.approx(0.5 / 1.959964, rel=1e-6)
    assert only("f-to-t", f_value=7.7284, direction=-1) == pytest.approx(-2.78, rel=1e-12)


def test_walds_interval_of_the_manual() -> None:
    # metafor's page of conv.wald: OR 0.64 [0.33, 1.22] gives -0.4463 and 0.1113, and with P = 0.17 alone 0.1058.
    made = es.convert("wald-log", estimate=0.64, ci_low=0.33, ci_high=1.22)
    assert made["yi"][0] == pytest.approx(-0.4463, abs=5e-5)
    assert made["vi"][0] == pytest.approx(0.1113, abs=5e-5)
    assert es.convert("wald-log", estimate=0.64, p_value=0.17)["vi"][0] == pytest.approx(0.1058, abs=5e-5)
    both = es.convert("ratio-to-log", estimate=0.64, ci_low=0.33, ci_high=1.22)
    assert both["sei"][0] ** 2 == pytest.approx(made["vi"][0], rel=1e-14)
    # The page's first example: 1.37 [1.03, 1.82] and 1.89 [1.60, 2.23].
    two = es.convert("wald-log", estimate=[1.37, 1.89], ci_low=[1.03, 1.60], ci_high=[1.82, 2.23])
    assert two["vi"] == pytest.approx([0.0211, 0.0072], abs=5e-5)


def test_a_row_takes_its_interval_before_z_and_z_before_p() -> None:
    nan = np.nan
    made = es.convert(
        "wald",
        estimate=[2, 2, 2, 2, 2],
        ci_low=[1, nan, nan, nan, 1],
        ci_high=[3, 3, nan, nan, 3],
        z_value=[9, 4, nan, nan, 0],
        p_value=[0.5, 0.5, 0.05, nan, 1],
    )
    z = 1.959963984540054
    assert made["yi"].tolist() == [2] * 5
    assert made["vi"] == pytest.approx([1 / z**2, 0.25, 4 / z**2, nan, 1 / z**2], rel=1e-14, nan_ok=True)
    assert np.isnan(es.convert("wald", estimate=2)["vi"]).all()
    assert np.isnan(es.convert("wald", estimate=2, z_value=0)["vi"]).all()


BORENSTEIN = (
    # Borenstein, Hedges, Higgins & Rothstein (2009), Introduction to Meta-Analysis, ch. 7
    ("delta-log-odds-to-d", 0.9069, 0.0676, 0.5000, 0.0205),
    ("delta-d-to-log-odds", 0.5000, 0.02055, 0.9069, 0.0676),
    ("delta-d-to-r", 0.5000, 0.0205, 0.2425, 0.0043),
    ("delta-r-to-d", 0.50, 0.0058, 1.1547, 0.0550),
)


@pytest.mark.parametrize(("name", "y", "v", "moved", "variance"), BORENSTEIN)
def test_effects_of_one_kind_as_those_of_another(name: str, y: float, v: float, moved: float, variance: float) -> None:
    made = es.convert(name, yi=y, vi=v)
    assert made["yi"][0] == pytest.approx(moved, abs=1e-4)
    assert made["vi"][0] == pytest.approx(variance, abs=1e-4)


def test_sizes_of_the_groups_matter_to_r() -> None:
    made = es.convert("delta-d-to-r", yi=[0.5, 0.5, 0.5], vi=0.02, n_1=[10, 10, np.nan], n_2=[10, 40, 40])
    bare = es.convert("delta-d-to-r", yi=0.5, vi=0.02)
    assert made["yi"] == pytest.approx([bare["yi"][0], 0.5 / np.sqrt(0.25 + 6.25), bare["yi"][0]], rel=1e-15)


def test_the_logit_of_a_proportion_has_its_known_variance() -> None:
    # metafor's page of conv.delta: proportions 5/40 and 12/80 and their logit, 1/x + 1/(n - x).
    p, n = np.array([5 / 40, 12 / 80]), np.array([40, 80])
    made = es.convert("delta-logit", yi=p, vi=p * (1 - p) / n)
    assert made["vi"] == pytest.approx([1 / 5 + 1 / 35, 1 / 12 + 1 / 68], rel=1e-14)
    by_any = es.delta_method(p, p * (1 - p) / n, lambda y: np.log(y / (1 - y)))
    assert by_any["yi"] == pytest.approx(made["yi"], rel=1e-14)
    assert by_any["vi"] == pytest.approx(made["vi"], rel=1e-11)


FUNCTIONS: dict[str, tuple[Callable[[es.FloatArray], Any], list[float]]] = {
    "delta-log": (np.log, [1e-6, 0.5, 3, 1e5]),
    "delta-exp": (np.exp, [-3, 0, 0.5, 20]),
    "delta-inverse-logit": (lambda y: 1 / (1 + np.exp(-y)), [-3, 0, 0.5, 4]),
    "delta-fisher-z": (np.arctanh, [-0.99, 0, 0.3, 0.9]),
    "delta-inverse-fisher-z": (np.tanh, [-3, 0, 0.3, 2]),
    "delta-arcsine": (lambda p: np.arcsin(np.sqrt(p)), [1e-4, 0.3, 0.9]),
    "delta-root": (np.sqrt, [1e-6, 2, 300]),
    "delta-square": (np.square, [-5, 0.1, 30]),
    "delta-reciprocal": (lambda y: 1 / y, [-5, 0.1, 30]),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_any_function_by_differences_is_the_named_one(name: str) -> None:
    function, inside = FUNCTIONS[name]
    exact = es.convert(name, yi=inside, vi=0.25)
    near = es.delta_method(inside, 0.25, function)
    assert near["yi"] == pytest.approx(exact["yi"], rel=1e-13)
    assert near["vi"] == pytest.approx(exact["vi"], rel=1e-9)


def test_what_no_function_takes_is_missing_or_refused() -> None:
    made = es.delta_method([0.5, -1, None], [0.1, 0.1, 0.1], np.log)
    assert np.isfinite([made["yi"][0], made["vi"][0]]).all()
    assert np.isnan([made["yi"][1:], made["vi"][1:]]).all()
    with pytest.raises(es.DataError, match="row 2 column vi: a variance cannot be negative"):
        es.delta_method([1, 2], [0.1, -0.1], np.exp)
    with pytest.raises(es.DataError, match=r"shape \(\) for 2 effects"):
        es.delta_method([1, 2], [0.1, 0.1], lambda y: y.sum())


def test_what_says_nothing_of_the_spread_leaves_it_missing() -> None:
    silent: tuple[tuple[str, dict[str, Any]], ...] = (
        ("t-to-sd", {"mean": [0, 2], "t_value": 0, "n": 9}),
        ("p-to-sd", {"mean": [0, 2], "p_value": 1, "n": 9}),
        ("p-to-sd-one-sided", {"mean": [0, 2], "p_value": 0.5, "n": 9}),
        ("f-to-pooled-sd", {"estimate": [0, 2], "f_value": 0, **HANDBOOK}),
        ("z-to-se", {"yi": [0, 2], "z_value": 0}),
        ("p-to-se", {"yi": [0, 2], "p_value": 1}),
    )
    for name, given in silent:
        (made,) = es.convert(name, **given).values()
        assert np.isnan(made).all(), name
    assert only("se-to-sd", se=0, n=9) == 0
    assert only("ci-to-sd", mean_ci_low=2, mean_ci_high=2, n=9) == 0
    assert only("t-to-sd", mean=0, t_value=2, n=9) == 0
