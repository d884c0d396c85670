"""Means and standard deviations from quantiles: the paper's tables, R's numbers, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Mapping

EXPECTED_RANGE = {10: 3.078, 20: 3.735, 25: 3.931, 30: 4.086, 40: 4.322, 50: 4.498}
"""Wan et al. (2014), BMC Med. Res. Methodol. 14:135, Table 1: ξ(n), the expected range of n standard normal values."""


@pytest.mark.parametrize("n", EXPECTED_RANGE)
def test_a_range_over_its_published_expectation_is_one_standard_deviation(n: int) -> None:
    # The formula takes 2Φ⁻¹((n - 0.375)/(n + 0.25)), which the paper gives as an approximation to the table.
    made = es.convert("wan-range", minimum=0, median=1, maximum=EXPECTED_RANGE[n], n=n)
    assert made["sd"][0] == pytest.approx(1.0, rel=0.006)


def test_quartiles_of_a_large_normal_sample_give_its_standard_deviation() -> None:
    # η(n) tends to 1.349, the interquartile range of the standard normal (Handbook 6.4, §6.5.2.5: IQR/1.35).
    made = es.convert("wan-iqr", median=10, q1=10 - 1.349, q3=10 + 1.349, n=100_000)
    assert made["sd"][0] == pytest.approx(2.0, rel=1e-4)
    assert made["mean"][0] == 10.0


@pytest.mark.parametrize(
    ("name", "given", "of_paper"),
    [
        ("wan-range", {"minimum": 2, "median": 6, "maximum": 14, "n": 20}, (2 + 12 + 14) / 4),
        ("wan-iqr", {"q1": 4, "median": 6, "q3": 10, "n": 20}, 20 / 3),
        (
            "wan-full",
            {"minimum": 2, "q1": 5, "median": 7, "q3": 9, "maximum": 14, "n": 25},
            (2 + 10 + 14 + 18 + 14) / 8,
        ),
    ],
)
def test_the_formulas_as_printed(name: str, given: dict[str, Any], of_paper: float) -> None:
    from statistics import NormalDist  # noqa: PLC0415 - an inverse normal that is not the one under test

    quantile, n = NormalDist().inv_cdf, given["n"]
    ends, quarters = quantile((n - 0.375) / (n + 0.25)), quantile((0.75 * n - 0.125) / (n + 0.25))
    by_range = (given.get("maximum", 0) - given.get("minimum", 0)) / (2 * ends)
    by_quartiles = (given.get("q3", 0) - given.get("q1", 0)) / (2 * quarters)
    sd = {"wan-range": by_range, "wan-iqr": by_quartiles, "wan-full": (by_range + by_quartiles) / 2}[name]
    made = es.convert(name, **given)
    assert made["mean"][0] == pytest.approx(of_paper, rel=1e-15)
    assert made["sd"][0] == pytest.approx(sd, rel=1e-12)


def test_it_agrees_with_metafor(r_cases: Mapping[str, Any]) -> None:
    compared = 0
    names = {"min": "minimum", "q1": "q1", "median": "median", "q3": "q3", "max": "maximum", "n": "n"}
    for case in r_cases["cases"]:
        if case["group"] != "conv.fivenum" or case["options"]["method"] != ["wan2014", "wan2014"]:
            continue
        given = {names[key]: values for key, values in case["inputs"].items() if values[0] is not None}
        by_columns = {4: "wan-iqr" if "q1" in given else "wan-range", 6: "wan-full"}
        made = es.convert(by_columns[len(given)], **given)
        for target in ("mean", "sd"):
            assert made[target] == pytest.approx(case["outputs"][target], rel=1e-13), case["id"]
        compared += 1
    assert compared == 3


@pytest.mark.parametrize("name", ["wan-iqr", "wan-range", "wan-full"])
def test_it_moves_with_the_data(name: str) -> None:
    given = {"minimum": 2.0, "q1": 5.0, "median": 7.0, "q3": 9.0, "maximum": 14.0}
    record = es.default_registry().get(es.Conversion, name)
    own: dict[str, Any] = {key: value for key, value in given.items() if key in record.sources}
    base = es.convert(name, **own, n=25)
    farther: dict[str, Any] = {key: 8 * value - 100 for key, value in own.items()}
    moved = es.convert(name, **farther, n=25)
    assert moved["mean"] == pytest.approx(8 * base["mean"] - 100, rel=1e-13)
    assert moved["sd"] == pytest.approx(8 * base["sd"], rel=1e-13)


# -- the verb ---------------------------------------------------------------------------------------------------------


def test_columns_of_any_kind_and_single_numbers_go_together() -> None:
    made = es.convert(
        "wan-iqr", median=["6", "7,000.0", None, ""], q1=(4, 5, 6, 7), q3=np.array([10, 9000, 8, 9]), n=20
    )
    assert made["mean"].tolist() == pytest.approx([20 / 3, 16005 / 3, np.nan, np.nan], nan_ok=True)
    assert np.isfinite(made["sd"]).all()
    assert {name: column.shape for name, column in made.items()} == {"mean": (4,), "sd": (4,)}


def test_impossible_quantiles_are_refused_with_every_row() -> None:
    with pytest.raises(es.DataError) as caught:
        es.convert("wan-iqr", median=[6, 2, 6, np.nan], q1=[4, 5, 4, 4], q3=[10, 9, 5, 9], n=[20, 20, 1, 20])
    assert str(caught.value).splitlines() == [
        "there are quantiles that no sample has",
        "  row 2 column q1: q1 is above median (given: 5 > 2)",
        "  row 3 column median: median is above q3 (given: 6 > 5)",
        "  row 3 column n: a sample has at least 2 values (given: 1)",
    ]
    assert isinstance(caught.value, es.InputError)


@pytest.mark.parametrize(
    ("name", "columns", "says"),
    [
        ("wan-iqr", {"median": 1, "q1": 0, "n": 9}, "column q3: is missing"),
        ("wan-iqr", {"median": 1, "q1": 0, "q3": 2, "n": 9, "mean": 1}, "column mean: is not a column it takes"),
        ("wan-iqr", {"median": ["x"], "q1": 0, "q3": 2, "n": 9}, "column median: is not a number"),
        ("wan-iqr", {"median": [1, 2], "q1": [0, 0, 0], "q3": 2, "n": 9}, "differ in length: median 2, q1 3"),
        ("wan-range", {"minimum": 0, "median": 1, "maximum": np.inf, "n": 9}, "is not finite"),
    ],
)
def test_columns_that_do_not_fit_are_refused_by_name(name: str, columns: dict[str, Any], says: str) -> None:
    with pytest.raises(es.DataError, match=says):
        es.convert(name, **columns)


def test_another_conversion_is_not_found() -> None:
    with pytest.raises(
        es.UnknownMethodError, match=r"did you mean 'wan-iqr'.*; available: .*wan-iqr, wan-range, wan-full"
    ):
        es.convert("wan-irq", median=1, q1=0, q3=2, n=9)


def test_no_rows_give_no_rows() -> None:
    made = es.convert("wan-iqr", median=[], q1=[], q3=[], n=[])
    assert made["mean"].shape == made["sd"].shape == (0,)


def test_a_conversion_of_the_wrong_shape_is_a_plugin_error() -> None:
    def one(median: es.FloatArray) -> tuple[es.FloatArray, ...]:
        """Give one number whatever comes."""
        return (np.asarray(median.mean()),)

    class Plugin:
        @es.hookimpl
        def conversions(self) -> list[es.Conversion]:
            return [es.Conversion("one", one, targets=("mean",), reference="Nobody (2020)")]

    registry = es.Registry()
    registry.register(Plugin(), "one-plugin")
    with pytest.raises(es.PluginError, match=r"Conversion 'one' of plugin 'one-plugin' .* gave arrays of shape \(\)"):
        es.convert("one", median=[1, 2], registry=registry)


def test_arrays_are_columns_as_they_are() -> None:
    made = es.convert("wan-iqr", median=np.array([6, 7]), q1=np.float64(4), q3=np.array(10.0), n=np.array([20]))
    assert made["mean"].tolist() == pytest.approx([20 / 3, 7.0])
    with pytest.raises(es.DataError, match="column median: is not a number"):
        es.convert("wan-iqr", median=np.ones((2, 2)), q1=0, q3=2, n=20)
