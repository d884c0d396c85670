"""Every method for medians: published numbers, what true quantiles give, and the ends of their range."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

import evisynth as es
from evisynth_converters.five_numbers import SCENARIOS

REGISTRY = es.default_registry()
OF_MEDIANS = [
    record
    for record, _ in REGISTRY
    if isinstance(record, es.Conversion) and record.name.rpartition("-")[2] in SCENARIOS and "mean" in record.targets
]
FIVE: dict[str, Any] = {"minimum": 1.0, "q1": 3.0, "median": 4.0, "q3": 7.0, "maximum": 15.0}


def given_to(record: es.Conversion, **changed: Any) -> dict[str, Any]:  # noqa: ANN401 - numbers or columns of them
    every = {**FIVE, "n": 30.0, **changed}
    return {name: every[name] for name in record.sources}


def named(name: str) -> es.Conversion:
    return REGISTRY.get(es.Conversion, name)


# -- published numbers ------------------------------------------------------------------------------------------------

EXPECTED_RANGE: dict[int, float] = dict(
    # Wan et al. (2014), Table 1; Tippett (1925); 1/factor of Walter & Yao (2007)
    zip(
        (2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50),
        (1.128, 1.693, 2.059, 2.326, 2.534, 2.704, 2.847, 2.970, 3.078, 3.472, 3.735, 3.931, 4.086, 4.322, 4.498),
        strict=True,
    )
)


@pytest.mark.parametrize("n", EXPECTED_RANGE)
def test_walter_and_yao_divide_by_the_expected_range(n: int) -> None:
    made = es.convert("walter-range", minimum=0, median=1, maximum=1000, n=n)
    assert round(1000 / made["sd"][0], 3) == EXPECTED_RANGE[n]
    assert made["mean"][0] == 1


def test_quantile_estimation_as_its_authors_print_it() -> None:
    """README of estmeansd by the authors of McGrath et al. (2020): minimum 2, median 4, maximum 9, n = 100.

    It prints 4.347284 and 1.502171; their optimiser stops 4e-6 short of the minimum, whose distance is smaller.
    """
    made = es.convert("qe-range", minimum=2, median=4, maximum=9, n=100)
    assert made["mean"][0] == pytest.approx(4.347284, rel=1e-5)
    assert made["sd"][0] == pytest.approx(1.502171, rel=1e-5)
    assert made["distribution"][0] == 1
    assert named("qe-range").label("distribution", made["distribution"][0]) == "log-normal"


@pytest.mark.parametrize(
    ("name", "printed"),
    [("box-cox-range", [(4.204881, 1.277236), (4.210971, 1.337348)]), ("mln-range", [(4.195238, 1.294908)])],
)
def test_powers_as_their_authors_print_them(name: str, printed: list[tuple[float, float]]) -> None:
    """The same README, versions 0.2 and 1.0: means and SDs of random draws, which differ among themselves by 5 %."""
    made = es.convert(name, minimum=2, median=4, maximum=9, n=100)
    for mean, sd in printed:
        assert made["mean"][0] == pytest.approx(mean, rel=0.01)
        assert made["sd"][0] == pytest.approx(sd, rel=0.05)


# -- true quantiles in, true mean and SD out --------------------------------------------------------------------------

TRUE = {
    "normal": stats.norm(50.0, 7.0),
    "log-normal": stats.lognorm(0.6, scale=12.0),
    "gamma": stats.gamma(2.3, scale=4.0),
    "beta": stats.beta(2.0, 5.5),
    "Weibull": stats.weibull_min(1.4, scale=9.0),
}
LARGE = 4 * 2500 + 1


def quantiles_of(distribution: str, n: int, ends: float) -> dict[str, float]:
    levels = [ends / n, 0.25, 0.5, 0.75, 1 - ends / n]
    return dict(zip(SCENARIOS["full"], (float(x) for x in TRUE[distribution].ppf(levels)), strict=True))


@pytest.mark.parametrize("distribution", TRUE)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_quantile_estimation_finds_the_distribution(distribution: str, scenario: str) -> None:
    record = named(f"qe-{scenario}")
    made = es.convert(record.name, **given_to(record, **quantiles_of(distribution, 100, 1.0), n=100.0))
    assert record.label("distribution", made["distribution"][0]) == distribution
    assert made["mean"][0] == pytest.approx(TRUE[distribution].mean(), rel=1e-12)
    assert made["sd"][0] == pytest.approx(TRUE[distribution].std(), rel=1e-12)


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize(
    ("method", "distribution"),
    [("wan", "normal"), ("luo", "normal"), ("log-normal", "log-normal")]
    + [(method, distribution) for method in ("box-cox", "mln") for distribution in ("normal", "log-normal", "gamma")],
)
def test_large_samples_give_mean_and_sd_of_their_distribution(method: str, distribution: str, scenario: str) -> None:
    record = named(f"{method}-{scenario}")
    # Blom's plotting positions of the extremes; a gamma is no power of a normal, and shows it in the tails.
    made = es.convert(record.name, **given_to(record, **quantiles_of(distribution, LARGE, 0.625), n=float(LARGE)))
    loose = method in {"mln", "log-normal"}  # whose corrections for a range do not vanish in large samples
    of_mean, of_sd = (0.02, 0.06) if distribution == "gamma" else (0.01, 0.04) if loose else (2e-3, 4e-3)
    assert made["mean"][0] == pytest.approx(TRUE[distribution].mean(), rel=of_mean)
    assert made["sd"][0] == pytest.approx(TRUE[distribution].std(), rel=of_sd)


def samples(distribution: str, n: int, times: int) -> dict[str, np.ndarray[Any, Any]]:
    x = TRUE[distribution].rvs(size=(times, n), random_state=np.random.default_rng(n))
    columns = np.quantile(x, [0.0, 0.25, 0.5, 0.75, 1.0], axis=1)
    return {**dict(zip(SCENARIOS["full"], columns, strict=True)), "n": np.full(times, float(n))}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_log_normal_estimates_are_without_bias(scenario: str) -> None:
    """What Shi, Tong, Wang & Genton (2020) correct for: the mean of many estimates is the mean, of SD² the variance."""
    record = named(f"log-normal-{scenario}")
    for n, of_variance in ((21, 0.15), (81, 0.05)):
        made = es.convert(record.name, **given_to(record, **samples("log-normal", n, 20_000)))
        assert made["mean"].mean() == pytest.approx(TRUE["log-normal"].mean(), rel=0.01)
        assert (made["sd"] ** 2).mean() == pytest.approx(TRUE["log-normal"].var(), rel=of_variance)


# -- the test for skewness --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_normal_samples_are_called_skewed_one_time_in_twenty(scenario: str) -> None:
    """Shi et al. (2023) chose their critical values for a level of 5 % at n = 4Q + 1.

    Two public programs by others have the same critical values; what decides is the level they were chosen for.
    """
    record = named(f"skewness-{scenario}")
    for n in (21, 101, 401):
        made = es.convert(record.name, **given_to(record, **samples("normal", n, 20_000)))
        assert made["skewed"].mean() == pytest.approx(0.05, abs=0.008), n


def test_the_statistics_of_skewness_as_defined() -> None:
    n = 30.0
    outer, inner = abs(1 + 15 - 8) / 14, abs(3 + 7 - 8) / 4
    by_range = es.convert("skewness-range", **given_to(named("skewness-range")))
    assert by_range["statistic"][0] == pytest.approx(outer)
    assert by_range["critical_value"][0] == pytest.approx(1 / np.log(n + 9) + 2.5 / (n + 1))
    by_quartiles = es.convert("skewness-iqr", **given_to(named("skewness-iqr")))
    assert by_quartiles["statistic"][0] == pytest.approx(inner)
    assert by_quartiles["critical_value"][0] == pytest.approx(2.65 / n**0.5 - 6 / n**2)
    by_all = es.convert("skewness-full", **given_to(named("skewness-full")))
    assert by_all["statistic"][0] == pytest.approx(max(2.65 * np.log(0.6 * n) / n**0.5 * outer, inner))
    assert by_all["critical_value"][0] == pytest.approx(3 / n**0.5 - 40 / n**3)
    assert [made["skewed"][0] for made in (by_range, by_quartiles, by_all)] == [1, 1, 1]


def test_logarithms_are_tested_for_log_normal_methods() -> None:
    powers = {name: 2.0 ** (i - 2) for i, name in enumerate(SCENARIOS["full"])}
    for scenario in SCENARIOS:
        of_logs, of_data = (named(f"skewness-{kind}{scenario}") for kind in ("log-", ""))
        made = es.convert(of_logs.name, **given_to(of_logs, **powers, n=400.0))
        assert made["statistic"][0] == pytest.approx(0.0, abs=1e-15)
        assert made["skewed"][0] == 0
        assert es.convert(of_data.name, **given_to(of_data, **powers, n=400.0))["skewed"][0] == 1


def test_small_samples_and_equal_numbers_are_not_skewed_or_not_tested() -> None:
    made = es.convert("skewness-iqr", q1=[5, 1, 1], median=[5, 1, 2], q3=[5, 9, 4], n=[30, 4, None])
    assert made["statistic"].tolist() == pytest.approx([0.0, 1.0, np.nan], nan_ok=True)
    assert made["skewed"].tolist() == pytest.approx([0.0, np.nan, np.nan], nan_ok=True)
    ends = es.convert("skewness-full", minimum=1, q1=3, median=3, q3=3, maximum=9, n=30)
    assert ends["skewed"][0] == 1


def test_what_tests_a_method_takes_what_the_method_takes() -> None:
    tested = [record for record in OF_MEDIANS if record.tested_by is not None]
    assert {record.name.rpartition("-")[0] for record in OF_MEDIANS if record.tested_by is None} == {
        "qe",
        "box-cox",
        "mln",
    }
    assert len(tested) == 14
    for record in tested:
        test = named(record.tested_by or "")
        assert test.targets == ("statistic", "critical_value", "skewed")
        assert test.sources == record.sources
        assert test.positive is record.positive


TABLE: dict[str, Any] = {
    "study": ["Even", "Skewed"],
    "mean_2": [10.0, 9.5],
    "sd_2": [3.2, 3.0],
    "n_2": [26, 22],
    "n_1": [31, 130],
    "median_1": [7.5, 7.0],
    "q1_1": [6.0, 6.0],
    "q3_1": [9.5, 14.0],
}


def test_a_completed_table_says_where_the_data_object() -> None:
    filled = es.complete(es.load(TABLE), "luo-iqr")
    (note,) = filled.notes
    assert note.startswith(
        "Skewed: q1_1, median_1, q3_1 are skewed (skewness-iqr: statistic 0.75, critical value 0.232)"
    )
    assert "luo-iqr does not allow for" in note
    assert note in es.fit(filled, "MD").warnings
    assert "by luo-iqr: w = 0.7 + 0.39/n" in filled.origins[0][0]


def test_a_completed_table_keeps_which_distribution_and_power_were_found() -> None:
    assert es.complete(es.load(TABLE), "qe-iqr").notes == ()
    assert "by qe-iqr (distribution log-normal, distance " in es.complete(es.load(TABLE), "qe-iqr").origins[1][0]
    assert "by box-cox-iqr (power " in es.complete(es.load(TABLE), "box-cox-iqr").origins[1][0]


# -- the ends of their range ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("record", OF_MEDIANS, ids=lambda record: record.name)
def test_equal_numbers_have_no_spread(record: es.Conversion) -> None:
    made = es.convert(record.name, **given_to(record, **dict.fromkeys(FIVE, 5.0)))
    assert made["mean"][0] == pytest.approx(5.0, rel=1e-15)
    assert made["sd"][0] == 0.0


@pytest.mark.parametrize("record", OF_MEDIANS, ids=lambda record: record.name)
def test_a_missing_number_leaves_its_row_missing(record: es.Conversion) -> None:
    for name in record.sources:
        made = es.convert(record.name, **given_to(record, **{name: [None, {**FIVE, "n": 30.0}[name]]}))
        assert np.isnan([made["mean"][0], made["sd"][0]]).any(), name
        assert np.isfinite([made["mean"][1], made["sd"][1]]).all(), name


@pytest.mark.parametrize("record", OF_MEDIANS, ids=lambda record: record.name)
def test_numbers_that_do_not_ascend_are_refused_by_row(record: es.Conversion) -> None:
    first = record.sources[0]
    with pytest.raises(es.DataError) as caught:
        es.convert(record.name, **given_to(record, **{first: [FIVE[first], 4.5]}))
    assert {(problem.row, problem.column) for problem in caught.value.problems} == {(2, first)}
    with pytest.raises(es.DataError, match=r"row 1 column n: .*samples? .* \(given: 1\)"):
        es.convert(record.name, **given_to(record, n=1))


@pytest.mark.parametrize("record", OF_MEDIANS, ids=lambda record: record.name)
def test_ties_give_a_number_or_a_reason(record: es.Conversion) -> None:
    given = given_to(record, q1=4.0)
    apart = record.name.startswith(("box-cox", "mln")) and "q1" in record.sources
    if apart:
        with pytest.raises(es.DataError, match="column q1: is equal to median, which the method cannot take"):
            es.convert(record.name, **given)
        return
    made = es.convert(record.name, **given)
    assert np.isfinite([made["mean"][0], made["sd"][0]]).all()
    assert made["sd"][0] > 0


@pytest.mark.parametrize("record", OF_MEDIANS, ids=lambda record: record.name)
def test_negative_numbers_are_taken_or_refused_by_row(record: es.Conversion) -> None:
    below: dict[str, Any] = {name: [value, value - 10] for name, value in FIVE.items()}
    if record.positive:
        with pytest.raises(es.DataError, match=r"row 2 column .*: takes numbers above 0 alone"):
            es.convert(record.name, **given_to(record, **below))
        return
    made = es.convert(record.name, **given_to(record, **below))
    if record.name.startswith("qe"):
        assert made["distribution"].tolist()[1] == 0
    else:
        assert made["mean"][1] == pytest.approx(made["mean"][0] - 10)
        assert made["sd"][1] == pytest.approx(made["sd"][0])


@pytest.mark.parametrize("record", OF_MEDIANS, ids=lambda record: record.name)
@pytest.mark.parametrize("unit", [1e-300, 1e-8, 1e8, 1e140])
def test_another_unit_is_another_unit(record: es.Conversion, unit: float) -> None:
    made = es.convert(record.name, **given_to(record))
    other = es.convert(record.name, **given_to(record, **{name: value * unit for name, value in FIVE.items()}))
    if record.name.startswith("qe") and unit == 1e-8:  # numbers below 1, to which a beta distribution may be nearer
        assert other["distance"][0] <= made["distance"][0] * unit**2 * (1 + 1e-9)
        return
    assert other["mean"][0] == pytest.approx(made["mean"][0] * unit, rel=1e-11)
    assert other["sd"][0] == pytest.approx(made["sd"][0] * unit, rel=1e-11)


@pytest.mark.parametrize("record", OF_MEDIANS, ids=lambda record: record.name)
def test_extreme_numbers_give_numbers_or_named_errors(record: es.Conversion) -> None:
    extremes: list[dict[str, Any]] = [
        {"minimum": 0.0, "q1": 0.0, "median": 0.0, "q3": 0.0, "maximum": 4.0},
        {"minimum": 0.0, "q1": 1e-3, "median": 0.5, "q3": 0.999, "maximum": 1.0},
        {"minimum": 1e-8, "q1": 1e-3, "median": 1.0, "q3": 1e4, "maximum": 1e9},
        {"minimum": 1.0, "q1": 1.1, "median": 1.2, "q3": 1.3, "maximum": 1e12},
        {"minimum": 1e-6, "q1": 8.0, "median": 9.0, "q3": 9.1, "maximum": 9.11},
        {"minimum": 1e3, "q1": 1e3 + 1e-9, "median": 1e3 + 2e-9, "q3": 1e3 + 4e-9, "maximum": 1e3 + 6e-9},
        {"minimum": 1e160, "q1": 2e160, "median": 3e160, "q3": 4e160, "maximum": 1e161},
    ]
    numbers = 0
    for numbers_given in extremes:
        for n in (5.0, 30.0, 1e9):
            try:
                made = es.convert(record.name, **given_to(record, **numbers_given, n=n))
            except es.DataError:
                continue
            assert np.isfinite([made["mean"][0], made["sd"][0]]).all(), (numbers_given, n)
            numbers += 1
    assert numbers >= 12


def test_thousands_of_rows_take_seconds_and_each_is_on_its_own() -> None:
    rng = np.random.default_rng(5)
    k = 1000
    five = dict(zip(SCENARIOS["full"], np.sort(rng.lognormal(1.0, 0.7, (5, k)), axis=0), strict=True))
    n = rng.integers(5, 400, k).astype(np.float64)
    for method in ("qe", "box-cox", "mln"):
        made = es.convert(f"{method}-full", **five, n=n)
        assert np.isfinite(made["mean"]).all()
        alone = es.convert(f"{method}-full", **{name: column[[7]] for name, column in five.items()}, n=n[7])
        assert alone["mean"][0] == made["mean"][7]
        assert alone["sd"][0] == made["sd"][7]


def test_no_row_is_no_row() -> None:
    for record in OF_MEDIANS:
        none: dict[str, Any] = {name: [] for name in record.sources}
        made = es.convert(record.name, **none)
        assert {column.shape for column in made.values()} == {(0,)}
