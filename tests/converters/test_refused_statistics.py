"""What conversions refuse, and what they leave missing: a table over every one of them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import evisynth as es
from evisynth.testing import conversions as kit

MODULES = frozenset(
    f"evisynth_converters.{name}"
    for name in (
        *("standard_deviations", "standard_errors", "wald", "delta", "change_scores", "groups", "hazard_ratios"),
        *("kaplan_meier", "fourfold_tables", "cluster_trials", "cross_over"),
    )
)
REGISTRY = es.default_registry()
OURS = [record for record in REGISTRY.all(es.Conversion) if record.function.__module__ in MODULES]
APART = [record for record in OURS if not record.joins_rows]

IMPOSSIBLE = {
    # column → values that nobody can have reported
    "se": [-0.1],
    "sei": [-0.1],
    "vi": [-0.1],
    **{f"sd{word}": [-1.0] for word in ("", "_1", "_2", "_baseline", "_final", "_change")},
    **{f"n{word}": [-1.0] for word in ("", "_1", "_2")},
    **{name: [-1.0] for name in ("events", "events_1", "events_2", "expected_1", "expected_2")},
    "p_value": [-0.1, 0.0, 1.1],
    "level": [0.0, 1.0, 95.0],
    "direction": [0.0, 2.0],
    "r": [-1.1, 1.1],
    "f_value": [-1.0],
    "chi2": [-1.0],
    "df": [0.0, -1.0],
    "o_e_variance": [-1.0],
    "parts": [0.0, 1.5],
    "percent": [-1.0, 101.0],
    "corrected": [0.5],
    "cluster_size": [0.5],
    "cluster_cv": [-0.1],
    "icc": [1.5],
    "time": [-1.0],
    **{name: [-0.1, 1.1] for name in ("survival_1", "survival_2")},
    **{name: [-1.0] for name in ("at_risk_1", "at_risk_2", "follow_up_min", "follow_up_max")},
}


def examples(record: es.Conversion) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    known = {**kit.LOCATIONS, **kit.SPREADS, **kit.NUMBERS, **(kit.READINGS if record.joins_rows else {})}
    return {name: np.array({**known, **record.examples}[name]) for name in record.sources}


def test_all_are_here() -> None:
    assert len(OURS) == 88
    assert all(record.formula for record in OURS)


@pytest.mark.parametrize("record", OURS, ids=lambda record: record.name)
def test_impossible_values_are_refused_with_row_and_column(record: es.Conversion) -> None:
    good = examples(record)
    tried = 0
    for name in record.sources:
        for value in [*IMPOSSIBLE.get(name, []), np.inf]:
            column = good[name].copy()
            column[1] = value
            with pytest.raises(es.DataError) as caught:
                record.function(**{**good, name: column})
            found = {(problem.row, problem.column) for problem in caught.value.problems}
            # A limit or a count that is impossible may make its fellow so too.
            assert any(row == 2 for row, _ in found), (name, value)
            assert name in {column for _, column in found} or name in {
                "n",
                "n_1",
                "n_2",
                "ci_high",
                "mean_ci_high",
                "df",
            }, (
                name,
                found,
            )
            tried += 1
    assert tried >= len(record.sources)


@pytest.mark.parametrize("record", APART, ids=lambda record: record.name)
def test_missing_values_and_no_rows(record: es.Conversion) -> None:
    required = [name for name, p in record.parameters.items() if p.default is p.empty]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        missing: dict[str, Any] = {name: [None, np.nan, ""] for name in required}
        made = es.convert(record.name, **missing)
        assert all(np.isnan(column).all() and column.shape == (3,) for column in made.values())
        nobody: dict[str, Any] = {name: [] for name in required}
        none = es.convert(record.name, **nobody)
        assert all(column.shape == (0,) for column in none.values())


@pytest.mark.parametrize("record", APART, ids=lambda record: record.name)
def test_zeros_and_ones_give_a_number_or_nothing_but_no_warning(record: es.Conversion) -> None:
    good = examples(record)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in record.sources:
            for value in (0.0, 1.0, 1e-12, 1e12):
                try:
                    made = record.function(**{**good, name: np.full(3, value)})
                except es.DataError:
                    continue
                assert not any(np.isinf(column).any() for column in made), (name, value)


@pytest.mark.parametrize("record", APART, ids=lambda record: record.name)
def test_many_rows_at_once(record: es.Conversion) -> None:
    good = examples(record)
    rows = 300_000
    many = {name: np.tile(column, rows // 3) for name, column in good.items()}
    made = record.function(**many)
    few = record.function(**good)
    for column, row in zip(made, few, strict=True):
        assert np.array_equal(column[-3:], row, equal_nan=True)


@pytest.mark.parametrize("record", OURS, ids=lambda record: record.name)
def test_numbers_at_the_ends_of_their_range(record: es.Conversion) -> None:
    good = examples(record)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in record.sources:
            for value in (1e-300, 1e300, -1e300, 5e-324):
                given: dict[str, Any] = {**good, name: np.full(good[name].size, value)}
                try:
                    made = es.convert(record.name, **given)
                except es.DataError:
                    continue
                assert not any(np.isinf(column).any() for column in made.values()), (name, value)


def test_limits_and_counts_that_contradict_each_other() -> None:
    with pytest.raises(es.DataError, match="row 2 column mean_ci_low: the lower limit is above the upper"):
        es.convert("ci-to-sd", mean_ci_low=[1, 3], mean_ci_high=2, n=9)
    with pytest.raises(es.DataError, match=r"row 1 column events_1: more events than participants \(n_1\)"):
        es.convert("combine-counts", events_1=9, n_1=5, events_2=1, n_2=5)
    with pytest.raises(es.DataError, match="row 1 column ci_low: a ratio is positive"):
        es.convert("wald-log", estimate=0.5, ci_low=-0.2, ci_high=1.2)
    with pytest.raises(es.DataError, match=r"printed as 0\.000 it lies below a bound, such as 0\.001"):
        es.convert("p-to-se", yi=0.5, p_value=0)
    with pytest.raises(es.DataError, match="t needs three participants"):
        es.convert("p-to-pooled-sd", estimate=1, p_value=0.5, n_1=1, n_2=1)
    with pytest.raises(es.DataError, match="at least 2 participants"):
        es.convert("ci-to-sd", mean_ci_low=1, mean_ci_high=2, n=1)
    with pytest.raises(es.DataError, match="leaves no variance to the clusters"):
        es.convert("design-effect", cluster_size=30, icc=-0.5)
