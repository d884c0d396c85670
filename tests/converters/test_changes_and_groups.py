"""Changes from baseline, combined and split groups, cluster and cross-over trials: worked examples of the sources."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import evisynth as es


def test_the_handbooks_correlations_of_baseline_and_final() -> None:
    # Cochrane Handbook 6.4, §6.5.2.8 (5.1, §16.1.3.2): SD 6.4, 7.1 and change 4.5; 7.0, 6.9 and 4.2: 0.78 and 0.82.
    given: dict[str, Any] = {"sd_baseline": [6.4, 7.0], "sd_final": [7.1, 6.9]}
    made = es.convert("change-correlation", **given, sd_change=[4.5, 4.2])
    assert made["r"] == pytest.approx([0.78, 0.82], abs=0.005)
    assert es.convert("change-sd", **given, r=made["r"])["sd_change"] == pytest.approx([4.5, 4.2], rel=1e-14)
    assert es.convert("change-sd", **given, r=[0.78, 0.82])["sd_change"] == pytest.approx([4.5, 4.2], abs=0.05)
    # Its table's mean changes: 15.2 to 16.2 and 15.7 to 17.2.
    means = es.convert("change-mean", mean_baseline=[15.2, 15.7], mean_final=[16.2, 17.2])
    assert means["mean_change"] == pytest.approx([1.0, 1.5], rel=1e-12)


def test_three_groups_as_one() -> None:
    # StatsToDo, Combine Means and SDs Into One Group (after the Handbook's Table 6.5.a): 45, 12.2222, 4.5028.
    n, mean, sd = [10, 20, 15], [11.8, 15.3, 8.4], [2.4, 3.2, 4.1]
    rows = es.convert("combine-rows", n=n, mean=mean, sd=sd)
    assert [float(rows[name][0]) for name in ("n", "mean", "sd")] == pytest.approx([45, 12.2222, 4.5028], abs=5e-5)
    two = es.convert("combine-groups", mean_1=11.8, sd_1=2.4, n_1=10, mean_2=15.3, sd_2=3.2, n_2=20)
    three = es.convert("combine-groups", mean_1=two["mean"], sd_1=two["sd"], n_1=two["n"], mean_2=8.4, sd_2=4.1, n_2=15)
    assert {name: float(column[0]) for name, column in three.items()} == pytest.approx(
        {name: float(column[0]) for name, column in rows.items()}, rel=1e-14
    )


def test_a_sample_in_two_halves_is_the_sample() -> None:
    # Student (1908), Biometrika 6:20: hours of sleep gained by two drugs.
    one = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
    other = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
    for shift in (0.0, 1e8):
        a, b = one + shift, other + shift
        whole = np.concatenate([a, b])
        parts: dict[str, Any] = {
            "mean_1": a.mean(),
            "sd_1": a.std(ddof=1),
            "n_1": 10,
            "mean_2": b.mean(),
            "sd_2": b.std(ddof=1),
        }
        made = es.convert("combine-groups", **parts, n_2=10)
        assert made["mean"][0] == pytest.approx(whole.mean(), rel=1e-15)
        assert made["sd"][0] == pytest.approx(whole.std(ddof=1), rel=1e-14 if shift == 0 else 1e-7)


def test_several_analyses_of_rows_at_once() -> None:
    made = es.convert(
        "combine-rows",
        by=["B", "A", "B", "A", "C"],
        n=[10, 5, 20, 5, 7],
        mean=[11.8, 1, 15.3, 3, 2],
        sd=[2.4, 1, 3.2, 1, 0.5],
    )
    assert made["n"].tolist() == [30, 10, 7]
    assert made["mean"] == pytest.approx([(118 + 306) / 30, 2, 2], rel=1e-15)
    assert made["sd"][2] == pytest.approx(0.5, rel=1e-15)
    counts = es.convert("combine-count-rows", by=[1, 1, 2], events=[3, 4, 5], n=[10, 20, 30])
    assert {name: column.tolist() for name, column in counts.items()} == {"events": [7, 5], "n": [30, 30]}
    with pytest.raises(es.DataError, match=r"row 3 column sd: a standard deviation cannot be negative"):
        es.convert("combine-rows", by=["B", "A", "B"], n=9, mean=1, sd=[1, 1, -1])
    with pytest.raises(es.DataError, match="by 2, the others 3"):
        es.convert("combine-rows", by=["B", "A"], n=9, mean=[1, 2, 3], sd=1)
    with pytest.raises(es.DataError, match="takes each row on its own: leave out by"):
        es.convert("se-to-sd", by=["A"], se=1, n=4)


def test_groups_that_are_empty_or_of_one() -> None:
    made = es.convert(
        "combine-groups",
        mean_1=[5, 5, 5, 0],
        sd_1=[2, 0, np.nan, 0],
        n_1=[10, 1, 1, 0],
        mean_2=[0, 7, 7, 0],
        sd_2=0,
        n_2=[0, 1, 1, 0],
    )
    assert made["mean"] == pytest.approx([5, 6, 6, np.nan], nan_ok=True)
    assert made["sd"] == pytest.approx([2, np.sqrt(2), np.nan, np.nan], nan_ok=True)
    assert made["n"].tolist() == [10, 2, 2, 0]
    assert np.isnan(es.convert("combine-rows", n=[1], mean=[3], sd=[0])["sd"]).all()


def test_counts_add_up() -> None:
    made = es.convert("combine-counts", events_1=[3, 0], n_1=[20, 5], events_2=[4, 0], n_2=[25, 0])
    assert {name: column.tolist() for name, column in made.items()} == {"events": [7, 0], "n": [45, 5]}


def test_a_shared_group_is_split_with_fractions_kept() -> None:
    # Harrer, Cuijpers, Furukawa & Ebert (2019), Doing Meta-Analysis in R, §15.9: a control group of 50 for two
    # comparisons is two groups of 25 with the same mean and standard deviation (Handbook §23.3.4).
    made = es.convert("split-means", mean=12.5, sd=3.0, n=[50, 25], parts=2)
    assert {name: column.tolist() for name, column in made.items()} == {
        "mean": [12.5, 12.5],
        "sd": [3, 3],
        "n": [25, 12.5],
    }
    counts = es.convert("split-counts", events=[10, 5], n=[50, 25], parts=[2, 3])
    assert counts["events"] == pytest.approx([5, 5 / 3])
    assert counts["n"] == pytest.approx([25, 25 / 3])
    with pytest.raises(es.DataError, match="whole number of comparisons"):
        es.convert("split-counts", events=10, n=50, parts=1.5)


def test_the_handbooks_cluster_trial() -> None:
    # Cochrane Handbook 6.4, §23.1.4 (5.1, §16.3.5): 10 and 11 classrooms with 295 and 330 children, 63 and 84 events,
    # ICC 0.02: mean size 29.8, design effect 1.576, 40/187 and 53/209; standard errors times √1.576.
    size = (295 + 330) / (10 + 11)
    assert size == pytest.approx(29.8, abs=0.05)
    effect = es.convert("design-effect", cluster_size=size, icc=0.02)["design_effect"][0]
    assert effect == pytest.approx(1.576, abs=0.001)
    made = es.convert("cluster-counts", events=[63, 84], n=[295, 330], cluster_size=size, icc=0.02)
    assert np.rint(made["events"]).tolist() == [40, 53]
    assert np.rint(made["n"]).tolist() == [187, 209]
    assert es.convert("cluster-se", sei=0.1, cluster_size=size, icc=0.02)["sei"][0] == pytest.approx(
        0.1 * np.sqrt(effect), rel=1e-15
    )
    means = es.convert("cluster-means", mean=3, sd=2, n=295, cluster_size=size, icc=0.02)
    assert (means["mean"][0], means["sd"][0], np.rint(means["n"][0])) == (3, 2, 187)


def test_clusters_of_unequal_size_lose_more() -> None:
    # Eldridge, Ashby & Kerry (2006): 1 + ((cv² + 1) m - 1) ICC.
    made = es.convert("design-effect", cluster_size=20, icc=0.05, cluster_cv=[0, 0.5, 1])
    assert made["design_effect"] == pytest.approx([1.95, 2.2, 2.95], rel=1e-14)


CROSS_OVER: dict[str, Any] = {"mean_1": 7.0, "sd_1": 2.38, "mean_2": 6.5, "sd_2": 2.21, "n": 10}
"""Cochrane Handbook 5.1, §16.4.6.4, after Elbourne and others (2002)."""


def test_the_handbooks_cross_over_trial() -> None:
    made = es.convert("paired-difference", **CROSS_OVER, r=0.68)
    assert made["yi"][0] == pytest.approx(0.5, rel=1e-14)
    assert made["sei"][0] == pytest.approx(0.583, abs=0.0005)
    spreads: dict[str, Any] = {name: CROSS_OVER[name] for name in ("sd_1", "sd_2", "n")}
    assert es.convert("paired-se", **spreads, r=0.68)["se"][0] == made["sei"][0]
    smd = es.convert("paired-smd", **CROSS_OVER, r=0.68)
    assert smd["yi"][0] == pytest.approx(0.218, abs=0.0005)
    assert smd["sei"][0] == pytest.approx(0.256, abs=0.0005)
    # With an SD of differences of 2 the standard error is 0.632.
    r = es.convert("paired-se-to-correlation", **spreads, se=2 / np.sqrt(10))["r"]
    assert es.convert("paired-se", **spreads, r=r)["se"][0] == pytest.approx(0.632, abs=0.0005)
    assert r[0] == pytest.approx((2.38**2 + 2.21**2 - 4) / (2 * 2.38 * 2.21), rel=1e-13)


def test_the_correlation_comes_back_from_every_paired_statistic() -> None:
    se = es.convert("paired-difference", **CROSS_OVER, r=[0.68, -0.2, 1.0, -1.0])["sei"]
    t = 0.5 / se
    spreads: dict[str, Any] = {name: CROSS_OVER[name] for name in ("sd_1", "sd_2", "n")}
    from_se = es.convert("paired-se-to-correlation", **spreads, se=se * (1 - 1e-15))["r"]
    assert from_se == pytest.approx([0.68, -0.2, 1.0, -1.0], rel=1e-12)
    assert es.convert("paired-t-to-correlation", **CROSS_OVER, t_value=-t[:2])["r"] == pytest.approx(
        [0.68, -0.2], rel=1e-12
    )
    p = es.t_p_value(t[:2], 9)[0]
    assert es.convert("paired-p-to-correlation", **CROSS_OVER, p_value=p)["r"] == pytest.approx([0.68, -0.2], rel=1e-12)


def test_students_drugs_are_paired() -> None:
    # Student (1908): paired t = 4.0621 with 9 df; the correlation of the two columns is 0.7952.
    one = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
    other = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
    given: dict[str, Any] = {
        "mean_1": other.mean(),
        "sd_1": other.std(ddof=1),
        "mean_2": one.mean(),
        "sd_2": one.std(ddof=1),
        "n": 10,
    }
    r = es.convert("paired-t-to-correlation", **given, t_value=4.0621)["r"][0]
    assert r == pytest.approx(np.corrcoef(one, other)[0, 1], abs=5e-5)
    assert r == pytest.approx(0.7952, abs=5e-5)


def test_statistics_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(es.DataError, match=r"row 2 column sd_change: no correlation between -1 and 1"):
        es.convert("change-correlation", sd_baseline=[6.4, 6.4], sd_final=[7.1, 7.1], sd_change=[4.5, 14])
    with pytest.raises(es.DataError, match="no correlation between -1 and 1 goes with this"):
        es.convert("paired-t-to-correlation", **CROSS_OVER, t_value=0.2)
    assert np.isnan(es.convert("change-correlation", sd_baseline=0, sd_final=1, sd_change=1)["r"]).all()
    assert np.isnan(es.convert("paired-t-to-correlation", **CROSS_OVER, t_value=0)["r"]).all()
    assert es.convert("change-sd", sd_baseline=[2, 2, 0], sd_final=[2, 3, 3], r=[1, -1, 0.5])["sd_change"].tolist() == [
        0,
        5,
        3,
    ]
