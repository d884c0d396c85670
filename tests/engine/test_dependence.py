"""Covariance of dependent effects: what it stores, what it refuses, and effects pooled within clusters."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import pandas as pd
import pytest

import evisynth as es
from evisynth.dependence.nearest import nearest_correlation
from evisynth_validation.mpmath.exact import exact, nearest, sqrt, total

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., es.Studies]

CLUSTER = ["A", "A", "B", "C", "C", "C"]
V = [0.1, 0.2, 0.3, 0.04, 0.05, 0.06]
Y = [0.5, 0.1, -0.2, 0.3, 0.4, 0.9]


def test_blocks_by_cluster_and_the_whole() -> None:
    made = es.covariance(V, cluster=CLUSTER, rho=0.5)
    assert made.labels == ("A", "B", "C")
    assert len(made) == 6
    dense = made.dense()
    assert np.array_equal(dense, dense.T)
    assert np.array_equal(np.diag(dense), V)
    assert np.array_equal(made.variances, V)
    assert dense[0, 1] == pytest.approx(0.5 * np.sqrt(0.02))
    assert np.array_equal(made.block("C"), dense[3:, 3:])
    assert (dense[:2, 2:] == 0).all()
    assert made.log_determinant == pytest.approx(np.linalg.slogdet(dense)[1])
    assert made.to_dict()["B"] == [[0.3]]
    correlation = made.correlation().dense()
    assert correlation[3, 5] == pytest.approx(0.5)
    assert np.array_equal(np.diag(correlation), np.ones(6))


def test_nobody_can_write_to_it_and_it_can_be_compared() -> None:
    one, other = es.covariance(V, cluster=CLUSTER, rho=0.5), es.covariance(V, cluster=CLUSTER, rho=0.5)
    assert one == other
    assert one != es.covariance(V, cluster=CLUSTER, rho=0.4)
    assert one != "another value"
    with pytest.raises(ValueError, match="read-only"):
        one.block("A")[0, 0] = 1.0
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        one.notes = ()  # type: ignore[misc]
    with pytest.raises(TypeError):
        hash(one)


def test_rows_of_a_cluster_need_not_stand_together() -> None:
    shuffled = [3, 0, 2, 5, 1, 4]
    made = es.covariance([V[i] for i in shuffled], cluster=[CLUSTER[i] for i in shuffled], rho=0.5)
    whole = es.covariance(V, cluster=CLUSTER, rho=0.5)
    assert np.array_equal(made.dense(), whole.dense()[np.ix_(shuffled, shuffled)])
    taken = whole.take(shuffled)
    assert np.array_equal(taken.dense(), made.dense())
    assert set(taken.labels) == {"A", "B", "C"}
    assert np.array_equal(whole.take([5, 3, 1]).dense(), whole.dense()[np.ix_([5, 3, 1], [5, 3, 1])])


def test_a_correlation_for_each_pair() -> None:
    pairs = {("x", "y"): 0.3, ("x", "z"): 0.4, ("z", "y"): 0.6}
    labels = ["x", "z", "x", "y", "z", "x"]
    made = es.covariance(np.ones(6), cluster=CLUSTER, obs=labels, rho=pairs)
    assert made.block("A")[0, 1] == 0.4
    assert made.block("C")[0].tolist() == [1.0, 0.6, 0.3]
    frame = pd.DataFrame([[1, 0.3, 0.4], [0.3, 1, 0.6], [0.4, 0.6, 1]], index=["x", "y", "z"], columns=["x", "y", "z"])
    assert es.covariance(np.ones(6), cluster=CLUSTER, obs=labels, rho=frame) == made
    kinds = ["p", "q", "p", "p", "p", "q"]
    both = es.covariance(np.ones(6), cluster=CLUSTER, obs=labels, type=kinds, rho=(pairs, {("p", "q"): 0.1}))
    assert both.block("C")[0].tolist() == [1.0, 0.6, 0.1]
    with pytest.raises(es.DataError, match="no correlation for obs"):
        es.covariance(np.ones(6), cluster=CLUSTER, obs=labels, rho={("x", "y"): 0.3})
    with pytest.raises(es.DataError, match="two correlations"):
        es.covariance(np.ones(6), cluster=CLUSTER, obs=labels, rho={**pairs, ("y", "x"): 0.2})


def test_columns_by_name_and_effects_without_a_variance(make_studies: Make) -> None:
    studies = attrs.evolve(
        make_studies(yi=Y, vi=[0.1, 0.2, 0.3, 0.04, np.nan, 0.06]),
        text={"trial": tuple(CLUSTER), "scale": ("a", "b", "a", "a", "b", "c")},
    )
    effects = es.effects(studies, "GEN")
    made = es.covariance(effects, cluster="trial", obs="scale", rho=0.5)
    assert np.isnan(made.block("C")[1]).all()
    assert made.block("C")[0, 2] == pytest.approx(0.5 * np.sqrt(0.0024))
    assert made.indefinite == ()
    assert es.covariance(effects, cluster="study", rho=0.5).labels == effects.study
    with pytest.raises(es.DataError, match="no column 'hospital'"):
        es.covariance(effects, cluster="hospital", rho=0.5)


def test_what_is_not_positive_definite_is_noted_named_and_mended() -> None:
    pairs = {(1, 2): 0.9, (2, 3): 0.9, (1, 3): -0.9}
    obs = [1, 2, 1, 1, 2, 3]
    made = es.covariance(V, cluster=CLUSTER, obs=obs, rho=pairs)
    assert made.indefinite == ("C",)
    assert made.notes == ("the correlation matrix is not positive definite in 'C': left as it is",)
    with pytest.raises(es.DataError, match="not positive definite in cluster 'C'"):
        _ = made.log_determinant
    mended = es.covariance(V, cluster=CLUSTER, obs=obs, rho=pairs, nearpd=True)
    assert mended.indefinite == ()
    assert mended.notes == ("the correlation matrix is not positive definite in 'C': replaced by the nearest that is",)
    assert np.array_equal(mended.variances, V)
    # R's nearPD gives ±0.5 for these.
    assert mended.correlation().block("C")[0, 1:] == pytest.approx([0.5, -0.5], abs=1e-6)
    same = es.covariance(V, cluster=CLUSTER, obs=[1, 1, 1, 1, 2, 2], rho=0.5)
    assert same.indefinite == ("A", "C")


def test_the_nearest_correlation_matrix_is_higham_s() -> None:
    # Higham (2002), section 4: the nearest to the tridiagonal matrix of ones, at the digits printed.
    matrix = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    made = nearest_correlation(matrix)
    assert made[0].round(4).tolist() == [1.0, 0.7607, 0.1573]
    assert np.array_equal(np.diag(made), np.ones(3))
    assert np.linalg.eigvalsh(made)[0] > 0


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        ({}, es.SettingsError, "what makes the effects of a cluster depend"),
        ({"rho": 1.5}, es.SettingsError, "between -1 and 1"),
        ({"rho": True}, es.SettingsError, "between -1 and 1"),
        ({"obs": [1] * 6}, es.SettingsError, "rho is needed"),
        ({"obs": [1] * 6, "rho": "much"}, es.SettingsError, "rho is a number"),
        ({"obs": [1] * 6, "type": [1] * 6, "rho": 0.5}, es.SettingsError, "two correlations"),
        ({"obs": [1] * 5, "rho": 0.5}, es.DataError, "obs has 5 values for 6 effects"),
        ({"obs": [1, 2, None, 1, 2, 3], "rho": 0.5}, es.DataError, "obs is missing in row 3"),
        ({"time1": [1] * 6}, es.SettingsError, "phi is needed"),
        ({"time1": [1] * 6, "phi": -0.5}, es.SettingsError, "between 0 and 1"),
        ({"time1": [1] * 6, "phi": 0.5, "rho": 0.5}, es.SettingsError, "rho needs obs or type"),
        ({"time1": ["a"] * 6, "phi": 0.5}, es.DataError, "not numbers"),
        ({"time1": [np.inf] * 6, "phi": 0.5}, es.DataError, "not finite"),
        ({"time2": [1] * 6, "grp1": [1] * 6, "grp2": [2] * 6}, es.SettingsError, "time2 needs time1"),
        ({"grp1": [1] * 6}, es.SettingsError, "grp1 and grp2 are needed together"),
        ({"grp1": [1] * 6, "grp2": [2] * 6, "w1": [1] * 6}, es.SettingsError, "w1 and w2 are needed together"),
        ({"grp1": [1] * 6, "grp2": [2] * 6, "w1": [0] * 6, "w2": [1] * 6}, es.DataError, "more than 0"),
        ({"grp1": [1] * 6, "grp2": [1] * 6}, es.DataError, "contrasts a group with itself"),
        ({"rvars": np.ones((6, 2))}, es.DataError, "3 columns"),
        ({"rvars": np.full((6, 3), np.nan)}, es.DataError, "diagonal of row 1"),
        (
            {"rvars": np.triu(np.ones((6, 3))) + np.tril(np.full((6, 3), 2.0), -1)},
            es.DataError,
            "between -1 and 1|diagonal",
        ),
    ],
)
def test_what_cannot_be_is_refused(words: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        es.covariance(V, cluster=CLUSTER, **words)


def test_there_is_no_other_cluster() -> None:
    with pytest.raises(es.DataError, match="no cluster 'Z'; there are A, B, C"):
        es.covariance(V, cluster=CLUSTER, rho=0.5).block("Z")


# -- one effect for each cluster --------------------------------------------------------------------------------


def test_a_published_example() -> None:
    # Borenstein et al. (2009), ch. 24: two outcomes with variances 0.05 and r = 0.5 have a mean with variance 0.0375.
    made = es.aggregate(es.Effects([0.3, 0.1], [0.05, 0.05]), cluster=["A", "A"], rho=0.5, weighted=False)
    assert made.y[0] == pytest.approx(0.2)
    assert made.v[0] == pytest.approx(0.0375)


@pytest.mark.parametrize("weighted", [True, False])
def test_agrees_with_50_digits(weighted: bool) -> None:  # noqa: FBT001 - parametrised
    made = es.aggregate(es.Effects(Y, V), cluster=CLUSTER, rho=0.5, weighted=weighted)
    # Two effects: the inverse of V is written down.
    a, b = exact(V[0]), exact(V[1])
    c = exact(0.5) * sqrt(a * b)
    w = [b - c, a - c] if weighted else [exact(1), exact(1)]
    y = total([w[0] * exact(Y[0]), w[1] * exact(Y[1])]) / total(w)
    v = (w[0] * w[0] * a + w[1] * w[1] * b + 2 * w[0] * w[1] * c) / total(w) ** 2
    assert abs(made.y[0] / nearest(y) - 1) < 1e-14
    assert abs(made.v[0] / nearest(v) - 1) < 1e-14
    assert (made.y[1], made.v[1]) == (Y[2], V[2])


def test_reasons_labels_and_notes_are_kept(make_studies: Make) -> None:
    studies = attrs.evolve(
        make_studies(
            ["T1", "T2", "T3", "T4", "T5", "T6"],
            yi=[0.5, 0.1, np.nan, 0.3, 0.4, 0.9],
            vi=[0.1, 0.2, 0.3, 0.04, 0.0, 0.06],
        ),
        text={"trial": tuple(CLUSTER), "country": ("NO", "NO", "SE", "DK", "FI", "DK")},
        notes=("a note of before",),
    )
    effects = es.effects(studies, "GEN", scale="log")
    made = es.aggregate(effects, cluster="trial", rho=0.5)
    assert made.study == ("A", "B", "C")
    assert dict(made.reasons) == {1: "no effect of the cluster can be pooled"}
    assert made.measure == "GEN"
    assert made.scale == "log"
    pair = es.aggregate(es.Effects([0.3, 0.9], [0.04, 0.06]), cluster=["C", "C"], rho=0.5)
    assert (made.y[2], made.v[2]) == (pytest.approx(pair.y[0], rel=1e-14), pytest.approx(pair.v[0], rel=1e-14))
    assert made.studies is not None
    assert made.studies.text == {"trial": ("A", "B", "C"), "country": ("NO", "SE", None)}
    assert made.studies.notes == (
        "a note of before",
        "4 effects of 3 clusters are pooled within clusters by generalised least squares (CS, rho = 0.5)",
        "effects left out of their cluster: row 3 (T3): missing effect; row 5 (T5): standard error is 0",
    )
    analysis = es.fit(made)
    assert analysis.k == 2
    assert any("pooled within clusters" in warning for warning in analysis.warnings)


def test_negative_weights_are_noted() -> None:
    made = es.aggregate(es.Effects([0.1, 0.5], [0.01, 0.25]), cluster=["A", "A"], rho=0.9)
    assert made.y[0] < 0.1
    assert made.studies is not None
    assert "1 cluster has effects with negative weights" in made.studies.notes[-1]


def test_a_cluster_that_cannot_be_pooled_has_a_reason() -> None:
    effects = es.Effects(Y, V)
    made = es.aggregate(effects, cluster=CLUSTER, rho=1.0)
    reason = "the covariance matrix of the cluster's effects is not positive definite"
    assert dict(made.reasons) == {0: reason, 2: reason}
    assert made.y[1] == Y[2]
    # An unweighted mean needs no inverse, but its variance has no meaning either.
    assert es.aggregate(effects, cluster=CLUSTER, rho=-0.9).reasons.keys() == {2}


def test_a_covariance_that_is_given() -> None:
    effects = es.Effects(Y, V)
    given = es.covariance(effects, cluster=CLUSTER, rho=0.5)
    one, other = (
        es.aggregate(effects, cluster=CLUSTER, covariance=given),
        es.aggregate(effects, cluster=CLUSTER, rho=0.5),
    )
    assert np.array_equal(one.y, other.y)
    # Clusters that hold several of the covariance's: those are independent.
    wide = es.aggregate(effects, cluster=["X", "X", "X", "Y", "Y", "Y"], covariance=given)
    inverse = np.linalg.inv(given.dense()[:3, :3])
    assert wide.v[0] == pytest.approx(1 / inverse.sum())
    assert wide.y[0] == pytest.approx(inverse.sum(axis=0) @ Y[:3] / inverse.sum())
    with pytest.raises(es.DataError, match=r"'A'.*depend on each other"):
        es.aggregate(effects, cluster=[1, 2, 3, 4, 4, 4], covariance=given)
    with pytest.raises(es.DataError, match="of 6 effects, and there are 2"):
        es.aggregate(es.Effects([1.0, 2.0], [1.0, 1.0]), cluster=[1, 1], covariance=given)


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        ({}, es.SettingsError, "struct 'CS' needs rho"),
        ({"struct": "AR"}, es.SettingsError, "struct is one of"),
        ({"struct": "CAR", "phi": 0.5}, es.SettingsError, "needs time"),
        ({"struct": "CS*CAR", "phi": 0.5, "rho": 0.5, "time": [1] * 6}, es.SettingsError, "needs obs"),
        ({"rho": 2.0}, es.SettingsError, "between -1 and 1"),
        ({"rho": [0.5, 0.5]}, es.DataError, "rho has 2 values for 3 clusters"),
        ({"struct": "CAR", "phi": -0.5, "time": [1] * 6}, es.SettingsError, "between 0 and 1"),
    ],
)
def test_what_cannot_be_pooled_so_is_refused(words: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        es.aggregate(es.Effects(Y, V), cluster=CLUSTER, **words)


def test_weights_of_one_s_own_are_refused() -> None:
    with pytest.raises(es.DataError, match="weights of one's own"):
        es.aggregate(es.Effects(Y, V, weights=[1.0] * 6), cluster=CLUSTER, rho=0.5)


def test_many_clusters_at_once() -> None:
    rng = np.random.default_rng(7)
    sizes = rng.integers(1, 6, 100_000)
    cluster = np.repeat(np.arange(sizes.size), sizes)
    effects = es.Effects(rng.normal(size=cluster.size), rng.uniform(0.01, 0.1, cluster.size))
    best = np.inf
    made = effects
    for _ in range(3):
        before = time.perf_counter()
        made = es.aggregate(effects, cluster=cluster, rho=0.5)
        best = min(best, time.perf_counter() - before)
    assert len(made) == sizes.size
    # About 0.1 s; the bound is for a busy machine.
    assert best < 1.0
    for number in (0, 17, 99_999):
        rows = np.nonzero(cluster == number)[0]
        alone = es.aggregate(effects.take(rows.tolist()), cluster=["A"] * rows.size, rho=0.5)
        assert made.y[number] == pytest.approx(alone.y[0], rel=1e-13)


# -- a control arm that is shared --------------------------------------------------------------------------------

# Gleser & Olkin (2009), Table 19.1: three studies with one, two and three treatments against one control.
SHARED = {
    "events_1": [100.0, 150.0, 15.0, 40.0, 80.0, 50.0],
    "n_1": [4000.0, 4000.0, 400.0, 1000.0, 1000.0, 1000.0],
    "events_2": [40.0, 40.0, 10.0, 150.0, 150.0, 150.0],
    "n_2": [1000.0, 1000.0, 200.0, 2000.0, 2000.0, 2000.0],
}
OF_STUDY = [1, 1, 2, 3, 3, 3]


PARTS: dict[str, Callable[[float, float], float]] = {
    "RR": lambda c, n: 1 / c - 1 / n,
    "OR": lambda c, n: 1 / c + 1 / (n - c),
    "RD": lambda c, n: c * (n - c) / n**3,
}


@pytest.mark.parametrize("measure", PARTS)
def test_the_shared_part_of_counts(measure: str, make_studies: Make) -> None:
    effects = es.effects(make_studies(**SHARED), measure)
    made = es.shared_control_covariance(effects, cluster=OF_STUDY)
    assert made.block("1")[0, 1] == pytest.approx(PARTS[measure](40.0, 1000.0), rel=1e-14)
    assert made.block("3")[0, 2] == pytest.approx(PARTS[measure](150.0, 2000.0), rel=1e-14)
    assert np.array_equal(made.variances, effects.v)
    assert made.indefinite == ()


def test_the_shared_part_of_means_is_that_of_their_weights(make_studies: Make) -> None:
    table = {
        "mean_1": [10.0, 12.0, 9.0],
        "sd_1": [3.0, 4.0, 2.0],
        "n_1": [20.0, 25.0, 30.0],
        "mean_2": [8.0] * 3,
        "sd_2": [3.5] * 3,
        "n_2": [40.0] * 3,
    }
    effects = es.effects(make_studies(**table), "MD")
    made = es.shared_control_covariance(effects, cluster=[1, 1, 1])
    one = np.array(table["n_1"]) / np.array(table["sd_1"]) ** 2
    by_weights = es.covariance(
        effects, cluster=[1, 1, 1], grp1=["a", "b", "c"], grp2=["p"] * 3, w1=one, w2=[40 / 3.5**2] * 3
    )
    assert made.dense() == pytest.approx(by_weights.dense(), rel=1e-13)
    smd = es.effects(make_studies(**table), "SMD")
    shared = es.shared_control_covariance(smd, cluster=[1, 1, 1])
    assert shared.dense()[0, 1] == pytest.approx(1 / 40 + smd.y[0] * smd.y[1] / (2 * 115))
    with pytest.raises(es.DataError, match="another control arm"):
        es.shared_control_covariance(
            es.effects(make_studies(**{**table, "sd_2": [3.5, 3.6, 3.5]}), "MD"), cluster=[1, 1, 1]
        )
    with pytest.raises(es.CombinationError, match="not for GEN"):
        es.shared_control_covariance(es.Effects([1.0], [1.0]), cluster=[1])


def test_a_zero_in_one_treatment_leaves_a_covariance(make_studies: Make) -> None:
    table = {"events_1": [0.0, 4.0], "n_1": [20.0, 20.0], "events_2": [5.0, 5.0], "n_2": [25.0, 25.0]}
    effects = es.effects(make_studies(**table), "RR", settings="metafor")
    made = es.shared_control_covariance(effects, cluster=[1, 1])
    assert made.indefinite == ()
    corrected, plain = 1 / 5.5 - 1 / 26, 1 / 5 - 1 / 25
    assert made.dense()[0, 1] == pytest.approx(np.sqrt(corrected * plain))
