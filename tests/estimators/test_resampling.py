"""Permutation tests and the bootstrap prediction: against enumeration by hand, R's live answer and a published run."""

from __future__ import annotations

import importlib
import itertools
import math
import time
from typing import Any

import numpy as np
import pytest

import evisynth as es

Y = np.array([0.2, -0.3, 0.5, 0.9, 0.1, 0.7])
V = np.array([0.05, 0.1, 0.07, 0.2, 0.09, 0.04])


def statistic(y: np.ndarray[Any, Any], v: np.ndarray[Any, Any], X: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """|estimate/SE| by DerSimonian and Laird, with plain matrices."""
    k, p = X.shape
    w = np.diag(1 / v)
    P = w - w @ X @ np.linalg.inv(X.T @ w @ X) @ X.T @ w
    tau2 = max(0.0, (y @ P @ y - (k - p)) / np.trace(P))
    w = np.diag(1 / (v + tau2))
    covariance = np.linalg.inv(X.T @ w @ X)
    return np.asarray(np.abs(covariance @ X.T @ w @ y) / np.sqrt(np.diag(covariance)))


def share(values: list[np.ndarray[Any, Any]], seen: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(np.mean([value >= seen * (1 - 1e-9) for value in values], axis=0))


def test_all_changes_of_sign() -> None:
    X = np.ones((6, 1))
    seen = statistic(Y, V, X)
    values = [statistic(Y * np.array(signs), V, X) for signs in itertools.product((1, -1), repeat=6)]
    found = es.fit(es.Effects(Y, V), tau2="DL", interval="permutation", settings="metafor")
    assert found.pooled is not None
    assert found.pooled.p_value == pytest.approx(share(values, seen)[0], rel=1e-12)
    assert found.pooled.p_value == pytest.approx(0.09375)  # metafor 3.8, permutest(exact=TRUE)
    assert found.model.note == "the permutation test used all 64 changes of sign"


def test_limits_are_where_the_test_turns() -> None:
    def p_value(centre: float) -> float:
        moved = es.fit(es.Effects(Y - centre, V), tau2="DL", interval="permutation", settings="metafor", level=0.9)
        assert moved.pooled is not None
        return moved.pooled.p_value

    for level in (0.5, 0.8, 0.9):
        found = es.fit(es.Effects(Y, V), tau2="DL", interval="permutation", settings="metafor", level=level).pooled
        assert found is not None
        for limit, side in ((found.ci_low, -1), (found.ci_high, 1)):
            step = 1e-6 * found.se
            assert p_value(limit - side * step) >= 1 - level > p_value(limit + side * step)
    found = es.fit(es.Effects(Y, V), tau2="DL", interval="permutation", settings="metafor").pooled
    assert found is not None
    assert found.ci_high == pytest.approx(0.8999888, abs=2e-5)  # metafor 3.8, permutest(permci=TRUE)


@pytest.mark.parametrize("moderator", [(1.0, 2.0, 3.0, 4.0, 5.0, 7.0), (0.0, 0.0, 1.0, 1.0, 1.0, 0.0)])
def test_all_assignments_of_a_moderator(moderator: tuple[float, ...]) -> None:
    X = np.column_stack([np.ones(6), moderator])
    seen = statistic(Y, V, X)
    values = [statistic(Y, V, X[list(order)]) for order in itertools.permutations(range(6))]
    found = es.fit(
        es.Effects(Y, V), tau2="DL", interval="permutation", settings="metafor", moderators={"dose": moderator}
    )
    p_values = [estimate.p_value for estimate in found.coefficients.values()]
    assert p_values == pytest.approx(share(values, seen).tolist(), rel=1e-12)
    distinct = len({tuple(moderator[i] for i in order) for order in itertools.permutations(range(6))})
    assert f"all {distinct} assignments of the moderators" in (found.model.note or "")
    wald = es.fit(es.Effects(Y, V), tau2="DL", interval="Wald", settings="metafor", moderators={"dose": moderator})
    for name, estimate in found.coefficients.items():
        assert (estimate.ci_low, estimate.ci_high) == (wald.coefficients[name].ci_low, wald.coefficients[name].ci_high)


def test_no_p_value_is_below_the_least_and_the_interval_says_so() -> None:
    found = es.fit(es.Effects(Y[:4], V[:4]), tau2="DL", interval="permutation", settings="metafor")
    assert found.pooled is not None
    assert (found.pooled.ci_low, found.pooled.ci_high) == (-math.inf, math.inf)
    assert found.model.note == (
        "the permutation test used all 16 changes of sign; with 4 studies no p-value can be below 0.125, "
        "so the interval is unbounded"
    )
    assert found.to_dict()["pooled"]["ci_low"] is None
    assert "unbounded" in found.to_dict()["reasons"]["pooled.ci_low"]


def many() -> es.Effects:
    rng = np.random.default_rng(5)
    v = rng.uniform(0.02, 0.5, 20)
    return es.Effects(rng.normal(0.25, np.sqrt(v + 0.1)), v)


def test_beyond_the_budget_permutations_are_drawn_and_can_be_drawn_again() -> None:
    def run(**words: Any) -> es.MetaAnalysis:  # noqa: ANN401 - words of the settings
        return es.fit(many(), tau2="DL", interval="permutation", settings="metafor", **words)

    one, again, other = run(budget=2000, seed=3), run(budget=2000, seed=3), run(budget=2000, seed=4)
    assert one.pooled is not None
    assert other.pooled is not None
    assert one.pooled == again.pooled
    assert one.pooled != other.pooled
    assert "used 2000 of 1e6 changes of sign, drawn with seed 3" in (one.model.note or "")
    everything = run(budget=2**19)
    assert everything.pooled is not None
    assert f"all {2**20} changes" in (everything.model.note or "")
    p = everything.pooled.p_value
    for sampled in (one, other):
        assert sampled.pooled is not None
        assert abs(sampled.pooled.p_value - p) < 4 * math.sqrt(p * (1 - p) / 2000)
        assert sampled.pooled.p_value * 2000 == pytest.approx(round(sampled.pooled.p_value * 2000))


def test_thousands_of_permutations_a_second() -> None:
    begun = time.perf_counter()
    rng = np.random.default_rng(6)
    design = rng.normal(size=(20, 2))
    found = es.fit(many(), tau2="DL", interval="permutation", settings="metafor", moderators=design)
    assert found.model.estimates is not None
    assert 10_000 / (time.perf_counter() - begun) > 5000


def test_permutations_in_parts_are_those_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    inside: Any = importlib.import_module("evisynth_estimators.permutation")

    whole = inside._signs(40, 500, 1)
    assert whole.held is not None
    again = inside._Draws(500, "", 0.0, 40, 1, whole.part)
    which = np.array([3, 499, 0, 250, 3])
    assert np.array_equal(again.take(which), whole.held[:, which])
    monkeypatch.setattr(inside, "_HELD", 40 * 64)
    parts = inside._signs(40, 500, 1)
    assert parts.held is None
    everything = parts.take(np.arange(500))
    assert np.array_equal(everything[:, which], parts.take(which))
    assert np.unique(everything).tolist() == [-1, 1]
    assert (everything[:, 0] == 1).all()


@pytest.mark.parametrize("interval", ["t", "HK", "KR", "HC", "IVhet", "permutation"])
@pytest.mark.parametrize("adhoc", [None, "se", "ci", "IQWiG6"])
def test_a_batch_is_single_analyses(interval: str, adhoc: str | None) -> None:
    if adhoc is not None and interval != "HK":
        return
    rng = np.random.default_rng(8)
    sizes = [2, 3, 5, 5, 5, 8, 8, 13, 5, 1]
    v = [np.exp(rng.normal(-2, 1, k)) for k in sizes]
    y = [rng.normal(0.3, np.sqrt(a + (j % 3) * 0.2)) for j, a in enumerate(v)]
    y[8] = np.full(5, 0.25)
    words: dict[str, Any] = {"tau2": "REML", "interval": interval, "adhoc": adhoc, "budget": 300, "prediction": "KR"}
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    table = es.fit_many(y=np.concatenate(y), v=np.concatenate(v), offsets=offsets, settings="metafor", **words).to_dict(
        "records"
    )
    for j, row in enumerate(table):
        single = es.fit(es.Effects(y[j], v[j]), settings="metafor", **words)
        assert single.pooled is not None
        for name, column in (
            ("value", "effect"),
            ("se", "se"),
            ("ci_low", "ci_low"),
            ("ci_high", "ci_high"),
            ("p_value", "p_value"),
        ):
            assert row[column] == pytest.approx(getattr(single.pooled, name), rel=1e-11, abs=1e-12), (j, name)
        if single.pooled.df is None:
            assert math.isnan(row["df"])
        else:
            assert row["df"] == pytest.approx(single.pooled.df, rel=1e-11)
        if single.prediction is not None:
            assert row["prediction_low"] == pytest.approx(single.prediction.low, rel=1e-11)


# -- Nagashima, Noma and Furukawa -------------------------------------------------------------------------------------

# Trials of cisapride: Hartung & Knapp (2001), Stat. Med. 20:1771-1782; log odds ratios with ½ in every cell.
CISAPRIDE = np.array(
    [
        [15, 12, 29, 42, 14, 44, 14, 29, 10, 17, 38, 19, 21],
        [16, 16, 34, 56, 22, 54, 17, 58, 14, 26, 44, 29, 38],
        [9, 1, 18, 31, 6, 17, 7, 23, 3, 6, 12, 22, 19],
        [16, 16, 34, 56, 22, 55, 15, 58, 15, 27, 45, 30, 38],
    ],
    dtype=float,
)


def cisapride() -> es.Effects:
    a, n_1, c, n_2 = CISAPRIDE
    cells = [a + 0.5, n_1 - a + 0.5, c + 0.5, n_2 - c + 0.5]
    return es.Effects(np.log(cells[0] / cells[1] / (cells[2] / cells[3])), sum(1 / cell for cell in cells))


def test_bootstrap_prediction_is_that_of_its_authors() -> None:
    found = es.fit(cisapride(), tau2="DL", prediction="NNF", settings="metafor", budget=25_000)
    assert found.prediction is not None
    assert found.heterogeneity.tau2 == pytest.approx(0.718, abs=5e-4)
    # pimeta 1.1.4 prints 0.533 and 33.692 from 25,000 draws of its own; its error is that of ours.
    errors = [float(word) for word in (found.model.prediction_note or "").split("limits ")[1].split(" and ")]
    assert abs(found.prediction.low - math.log(0.533)) < 3 * math.sqrt(2) * errors[0]
    assert abs(found.prediction.high - math.log(33.692)) < 3 * math.sqrt(2) * errors[1]
    below = found.probability(below=0.0)
    assert below.value is not None
    assert below.standard_error is not None
    assert abs(below.value - 0.075) < 3 * math.sqrt(2) * below.standard_error + 5e-4
    assert below.distribution == "simulated"


def test_the_confidence_distribution_of_tau2_is_that_of_q() -> None:
    """The share of draws at 0 is the probability that Q of equal effects exceeds the one seen: χ² exactly."""
    inside: Any = importlib.import_module("evisynth_estimators.nagashima")

    rng = np.random.default_rng(9)
    v = rng.uniform(0.05, 0.5, 7)
    y = rng.normal(0.0, np.sqrt(v) * 1.3)
    found = es.fit(es.Effects(y, v), tau2="DL", settings="metafor")
    p = found.heterogeneity.p_value
    assert p is not None
    x = np.random.default_rng(10).standard_normal((7, 40_000))
    root = 1 / np.sqrt(v)[:, np.newaxis]
    r = x - root * ((root * x).sum(axis=0) / (1 / v).sum())
    # r'r is chi-squared with k - 1 degrees of freedom, so that Q - r'r <= 0 has the p-value of Q.
    assert np.mean((r * r).sum(axis=0) >= found.heterogeneity.q) == pytest.approx(p, abs=0.01)
    drawn = inside._draws(y[:, np.newaxis], v[:, np.newaxis], 500, 1)
    assert drawn.shape == (1000, 1)
    assert np.isfinite(drawn).all()


@pytest.mark.parametrize("k", [3, 40])
def test_effects_that_hardly_differ_leave_every_draw_at_their_mean(k: int) -> None:
    inside: Any = importlib.import_module("evisynth_estimators.nagashima")

    y = 0.7 + 1e-12 * np.random.default_rng(k).standard_normal((k, 2))
    y[:, 1] += 0.2
    # More pairs than one tile holds.
    pairs = inside._TILE // k + 7
    drawn = inside._draws(y, np.full((k, 2), 0.25), pairs, 3)
    assert drawn.shape == (2 * pairs, 2)
    assert abs(drawn - [0.7, 0.9]).max() < 1e-7


def test_the_bootstrap_can_be_drawn_again_and_its_error_falls_with_the_budget() -> None:
    def run(**words: Any) -> es.MetaAnalysis:  # noqa: ANN401 - words of the settings
        return es.fit(cisapride(), tau2="DL", prediction="NNF", settings="metafor", **words)

    assert run().prediction == run().prediction
    assert run(seed=2).prediction != run(seed=1).prediction
    few, more = (run(budget=budget).model.prediction_note or "" for budget in (1000, 100_000))
    error = [float(note.rpartition(" ")[2]) for note in (few, more)]
    assert error[1] < error[0] / 5


@pytest.mark.parametrize("interval", ["KR", "HC", "IVhet"])
def test_methods_about_other_weights_give_way_with_a_note(interval: str) -> None:
    weights = [1.0, 2.0, 1.0, 1.0, 3.0, 1.0]
    found = es.fit(es.Effects(Y, V), tau2="DL", interval=interval, settings="metafor", weights=weights)
    wald = es.fit(es.Effects(Y, V), tau2="DL", interval="Wald", settings="metafor", weights=weights)
    assert found.pooled == wald.pooled
    assert f"interval {interval} is about the estimate with inverse-variance weights" in (found.model.note or "")
    assert (found.model.note or "").endswith("; Wald is given instead")


def test_kenward_roger_gives_way_where_tau2_is_given() -> None:
    found = es.fit(es.Effects(Y, V), tau2=0.1, interval="KR", prediction="KR", settings="metafor")
    assert found.pooled is not None
    assert found.pooled.df is None
    assert found.model.note == (
        "interval KR allows for the estimation of tau², and here tau² is given; Wald is given instead"
    )
    assert found.prediction is None
    assert "here tau² is given" in (found.model.prediction_reason or "")


@pytest.mark.parametrize(("interval", "adhoc"), [("HC", None), ("HK", "IQWiG6")])
def test_methods_without_a_theory_for_moderators_are_refused(interval: str, adhoc: str | None) -> None:
    with pytest.raises(es.CombinationError, match="is for a pooled effect, not for coefficients of moderators"):
        es.fit(
            es.Effects(Y, V),
            interval=interval,
            adhoc=adhoc,
            settings="metafor",
            moderators={"dose": [1, 2, 3, 4, 5, 7]},
        )


def test_a_threshold_on_either_scale() -> None:
    found = es.fit(es.Effects(Y, V, scale="log"), tau2="DL", settings="metafor", prediction="HTS", threshold=0.8)
    below = found.probability(below=0.8, on="display")
    assert below.value == found.probability(below=math.log(0.8), on="analysis").value
    assert below.value is not None
    above = found.probability(above=0.8, on="display")
    assert above.value == pytest.approx(1 - below.value, rel=1e-12)
    document = found.to_dict()["probability"]
    assert (document["below"], document["above"], document["df"]) == (below.value, above.value, 4.0)
    with pytest.raises(es.SettingsError, match="say on='display'"):
        found.probability(below=0.8)
    with pytest.raises(es.SettingsError, match="a ratio is positive"):
        found.probability(below=-0.2, on="display")
    with pytest.raises(es.SettingsError, match="say one threshold"):
        found.probability(below=0.8, above=0.9, on="display")
    with pytest.raises(es.SettingsError, match="a threshold for ratios is positive"):
        es.fit(es.Effects(Y, V, scale="log"), threshold=-1.0)
    common = es.fit(es.Effects(Y, V), model="common", settings="metafor").probability(below=0.0)
    assert common.value is None
    assert common.reason == "a common effect leaves nothing to predict"
