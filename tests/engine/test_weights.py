from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth import FloatArray

mp: Any = mpmath  # it ships no types

Y = np.array([0.1, -0.4, 0.9, 0.3, 1.2, -0.2])
V = np.array([0.04, 0.5, 0.09, 0.02, 0.3, 1e-3])
W = np.array([3.0, 1.0, 2.5, 10.0, 0.5, 4.0])
X = np.array([1.0, 2.0, 3.5, 5.0, 8.0, 13.0])


def exact(w: FloatArray, tau2: float, *, moderator: bool) -> tuple[list[Any], Any]:
    """Weigh by w and give the coefficients with their covariance, with 50 digits."""
    with mp.workdps(50):
        design = mp.matrix([[1, mp.mpf(float(x))] if moderator else [1] for x in X])
        weights, total = mp.diag([mp.mpf(float(x)) for x in w]), mp.diag([mp.mpf(float(x)) + mp.mpf(tau2) for x in V])
        bread = mp.inverse(design.T * weights * design) * design.T * weights
        return list(bread * mp.matrix([mp.mpf(float(x)) for x in Y])), bread * total * bread.T


@pytest.mark.parametrize("moderator", [False, True])
@pytest.mark.parametrize("model", ["common", "random"])
def test_weights_of_ones_own(model: str, *, moderator: bool) -> None:
    words: dict[str, Any] = {"settings": "metafor", "model": model, "tau2": 0.125}
    analysis = es.fit(es.Effects(Y, V), weights=W, moderators={"x": X.tolist()} if moderator else None, **words)
    coefficients, covariance = exact(W, 0.125 if model == "random" else 0.0, moderator=moderator)
    for i, (estimate, truth) in enumerate(zip(analysis.coefficients.values(), coefficients, strict=True)):
        assert estimate.value == pytest.approx(float(truth), rel=1e-13)
        assert estimate.se == pytest.approx(float(mp.sqrt(covariance[i, i])), rel=1e-13)
    assert analysis.weights[model] == pytest.approx(100 * W / W.sum(), rel=1e-15)
    assert analysis.heterogeneity.q == es.fit(es.Effects(Y, V), moderators=analysis.X[:, 1:], **words).heterogeneity.q


def test_equal_weights_are_weights_of_one() -> None:
    equal = es.fit(es.Effects(Y, V), settings="metafor", weighting="equal", tau2="DL")
    ones = es.fit(es.Effects(Y, V), settings="metafor", weights=np.ones(6), tau2="DL")
    assert equal.pooled == ones.pooled
    assert equal.pooled is not None
    assert equal.pooled.value == pytest.approx(Y.mean(), rel=1e-15)


def test_weights_follow_their_studies() -> None:
    effects = es.Effects([*Y, np.nan], [*V, 0.1], study=list("abcdefg"), weights=[*W, 7.0])
    without = es.fit(effects, settings="metafor", exclude=["c"])
    keep = [0, 1, 3, 4, 5]
    assert without.pooled == es.fit(es.Effects(Y[keep], V[keep], weights=W[keep]), settings="metafor").pooled
    groups = es.fit(effects, settings="metafor", by=list("xyxyxyx"))
    assert (
        groups.subgroups[1].pooled == es.fit(es.Effects(Y[1::2], V[1::2], weights=W[1::2]), settings="metafor").pooled
    )


def test_a_batch_weighs_as_single_analyses_do() -> None:
    table = {"key": [1] * 6 + [2] * 5, "yi": [*Y, *Y[:5]], "vi": [*V, *V[:5]], "own": [*W, *W[:5]]}
    requests: list[dict[str, Any]] = [
        {"weights": "own"},
        {"weighting": "equal"},
        {"weights": "own", "tau2": 0.25, "interval": "HK"},
    ]
    for words in requests:
        made: Any = es.fit_many(table, by="key", settings="metafor", **words)
        single: dict[str, Any] = {**words}
        for i, size in enumerate((6, 5)):
            if "weights" in words:
                single["weights"] = W[:size]
            one = es.fit(es.Effects(Y[:size], V[:size]), settings="metafor", **single).pooled
            assert one is not None
            assert (made["effect"][i], made["se"][i]) == pytest.approx((one.value, one.se), rel=1e-14)


def test_tau2_may_be_given() -> None:
    analysis = es.fit(es.Effects(Y, V), settings="metafor", tau2=0.25)
    w = 1 / (V + 0.25)
    assert analysis.pooled is not None
    assert analysis.pooled.value == pytest.approx((w * Y).sum() / w.sum(), rel=1e-15)
    assert analysis.heterogeneity.tau2 == 0.25
    assert analysis.heterogeneity.tau2_se is None
    one = es.fit(es.Effects(Y[:1], V[:1]), settings="metafor", tau2=0.25)
    assert one.pooled is not None
    assert one.pooled.se == pytest.approx(np.sqrt(V[0] + 0.25), rel=1e-15)
    assert analysis.to_dict()["settings"]["tau2"] == 0.25
    assert all("given" not in reference for reference in analysis.references)


@pytest.mark.parametrize("weights", [[1.0] * 5, [1, 1, 0, 1, 1, 1], [1, 1, -2, 1, 1, 1], [1, 1, np.inf, 1, 1, 1]])
def test_impossible_weights_are_named(weights: list[float]) -> None:
    with pytest.raises(es.DataError, match="weights"):
        es.fit(es.Effects(Y, V), weights=weights)
    if len(weights) == 6:
        with pytest.raises(es.DataError, match="weights"):
            es.fit_many(y=Y, v=V, offsets=[0, 6], weights=weights)


def test_other_ways_to_pool_have_weights_of_their_own(make_studies: Any) -> None:  # noqa: ANN401 - a fixture
    studies = make_studies(events_1=[1, 2, 3], n_1=[10, 20, 30], events_2=[2, 4, 5], n_2=[11, 19, 31])
    with pytest.raises(es.CombinationError, match="choose method 'IV'"):
        es.fit(studies, "RR", settings="revman5", weights=[1.0, 2.0, 3.0])
    with pytest.raises(es.DataError, match="no column 'w'"):
        es.fit(studies, "RR", method="IV", weights="w")


def test_recorded_results_of_r(r_cases: Mapping[str, Any]) -> None:
    seen = 0
    for case in r_cases["cases"]:
        options = case["options"]
        own, equal, given = options.get("weights"), options.get("weighted") is False, options.get("tau2")
        if case["group"] != "rma.uni" or not (own or equal or given) or options["method"] in {"GENQ", "GENQM"}:
            continue
        data = r_cases["inputs"][case["inputs"]["ref"]]
        pairs = [(a, b) for a, b in zip(data["yi"], data["vi"], strict=True) if a is not None and b is not None]
        y, v = np.array(pairs).T
        words: dict[str, Any] = {"tau2": 0.1 if given else options["method"]}
        if equal:
            words["weighting"] = "equal"
        if own:
            words["weights"] = 1 / np.sqrt(v)
        if words["tau2"] not in {0.1, "DL", "REML", "PM"}:
            continue
        analysis = es.fit(
            es.Effects(y, v), settings="metafor", interval={"knha": "HK"}.get(options.get("test"), "Wald"), **words
        )
        truth = case["outputs"]
        assert analysis.pooled is not None
        assert analysis.pooled.value == pytest.approx(truth["beta"][0], rel=1e-8, abs=1e-10), case["id"]
        assert analysis.pooled.se == pytest.approx(truth["se"][0], rel=1e-8), case["id"]
        seen += 1
    assert seen >= 100
