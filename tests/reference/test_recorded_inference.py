"""The recorded results of R for inference and prediction without moderators: every case, or its cause in a table."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, TypeAlias

import mpmath as _untyped
import numpy as np
import pytest

import evisynth as es
from evisynth_validation.meta.words import words_of_metagen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

mp: Any = _untyped
Number: TypeAlias = Any
"""One of mpmath's, which have no types."""

TIGHT = 2e-12
ITERATIVE = 1e-9
ILL = 1e-6
"""metafor adds up without recentring: weights over more than six decades cost it digits."""


def cases_of(r_cases: Mapping[str, Any], *groups: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for case in r_cases["cases"]:
        if case["group"] in groups:
            inputs = case["inputs"]
            yield case, r_cases["inputs"][inputs["ref"]] if "ref" in inputs else inputs


def numbers(values: list[Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([math.nan if value is None else float(value) for value in values])


def effects_of(inputs: Mapping[str, Any]) -> es.Effects:
    return es.Effects(numbers(inputs["yi"]), numbers(inputs["vi"]))


def apart(value: float | None, truth: object, floor: float = 0.0) -> float:
    """Relative distance; numbers nearer than ``floor`` are equal, and so are two that are missing."""
    if truth is None or value is None:
        return 0.0 if truth is None and value is None else math.inf
    number = float(truth)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - a JSON number, or text for infinity
    if value == number or abs(value - number) <= floor:
        return 0.0
    return abs(value - number) / max(abs(number), 1e-300)


def far_off(found: Mapping[str, float], tolerance: float) -> dict[str, float]:
    return {name: by for name, by in found.items() if not by <= tolerance}


# -- predict ----------------------------------------------------------------------------------------------------------

PREDICTED = {
    "predict(res)": ("REML", "Wald", "S"),
    "predict(dl)": ("DL", "Wald", "S"),
    "predict(ee)": ("EE", "Wald", None),
    "predict(hk)": ("REML", "HK", "HK"),
    'predict(res, predtype="simple")': ("REML", "Wald", "simple"),
    'predict(res, predtype="Riley")': ("REML", "Wald", "HTS"),
    'predict(res, predtype="t")': ("REML", "Wald", "V"),
    'predict(hk, predtype="simple")': ("REML", "HK", "simple"),
    'predict(hk, predtype="Riley")': ("REML", "HK", "HK-PR"),
    'predict(hk, predtype="t")': ("REML", "HK", "HK"),
    'predict(res, prob="<0")': ("REML", "Wald", "S"),
}
IDENTICAL = "effects do not differ at all: metafor's Hartung-Knapp interval has no width, ours is Wald's, with a note"
STOPPED = "metafor stops at tau2 = 1.2e-14 where the maximum is at 0, and this interval has tau for its half width"
PREDICT_DIFFERS = {
    r"predict/dat\.steurer2006\|GEN/(res|hk)/simple": STOPPED,
    r"predict/k5\.identical\|GEN/hk/(default|t|Riley|simple)": IDENTICAL,
}


def cause(table: Mapping[str, str], name: str) -> str | None:
    return next((why for pattern, why in table.items() if re.fullmatch(pattern, name)), None)


def test_predict_without_moderators(r_cases: Mapping[str, Any]) -> None:
    compared = 0
    differed: set[str] = set()
    for case, inputs in cases_of(r_cases, "predict"):
        if "mods" in str(case["options"]):
            continue  # with the meta-regressions
        estimator, interval, prediction = PREDICTED[case["call"]]
        effects, truth = effects_of(inputs), case["outputs"]
        common = estimator == "EE"
        analysis = es.fit(
            effects,
            settings="metafor",
            model="common" if common else "random",
            tau2="DL" if common else estimator,
            interval=interval,
            prediction=prediction,
        )
        pooled = analysis.pooled
        assert pooled is not None
        size = float(np.sqrt(np.nanmean(effects.v)))
        found = {
            "pred": apart(pooled.value, truth["pred"][0]),
            "se": apart(pooled.se, truth["se"][0]),
            "ci_lb": apart(pooled.ci_low, truth["ci_lb"][0], 1e-9 * size),
            "ci_ub": apart(pooled.ci_high, truth["ci_ub"][0], 1e-9 * size),
            "ddf": apart(pooled.df, truth.get("ddf", [None])[0]),
        }
        limits = analysis.prediction
        if common:
            assert limits is None
            assert analysis.model.prediction_reason
            assert "pi_lb" not in truth
        else:
            low, high = (None, None) if limits is None else (limits.low, limits.high)
            found |= {
                "pi_lb": apart(low, truth.get("pi_lb", [None])[0], 1e-9 * size),
                "pi_ub": apart(high, truth.get("pi_ub", [None])[0], 1e-9 * size),
            }
        if "prob=" in case["call"]:
            probability = analysis.probability(below=0.0)
            assert probability.distribution == "normal"
            found["prob"] = apart(probability.value, truth["prob"][0], 1e-15)
        v = effects.v[~np.isnan(effects.v)]
        far = far_off(found, ILL if v.max() / v.min() > 1e6 else ITERATIVE)
        if far and cause(PREDICT_DIFFERS, case["id"]):
            differed.add(case["id"])
        else:
            assert not far, (case["id"], far)
        compared += 1
    assert compared == 583
    assert len(differed) == 6  # every entry of the table is needed


def test_restricted_likelihood_of_steurer_is_highest_at_0(r_cases: Mapping[str, Any]) -> None:
    inputs = next(inputs for case, inputs in cases_of(r_cases, "predict") if "steurer2006" in case["id"])
    effects = effects_of(inputs)

    def height(tau2: Number) -> Number:
        total = [mp.mpf(float(a)) + tau2 for a in effects.v]
        y = [mp.mpf(float(a)) for a in effects.y]
        w = [1 / a for a in total]
        mean = sum(a * b for a, b in zip(w, y, strict=True)) / sum(w)
        rss = sum(a * (b - mean) ** 2 for a, b in zip(w, y, strict=True))
        return -(sum(map(mp.log, total)) + mp.log(sum(w)) + rss) / 2

    with mp.workdps(50):
        at_0 = height(mp.mpf(0))
        assert at_0 > height(mp.mpf("1.2e-14"))
        assert all(at_0 > height(mp.mpf(10) ** -j) for j in range(0, 14, 2))


# -- Henmi and Copas --------------------------------------------------------------------------------------------------


def exact_tail(y: np.ndarray[Any, Any], v: np.ndarray[Any, Any], t: float) -> Number:
    """The probability that the ratio of Henmi and Copas is beyond ±t, by integrals of mpmath with 30 digits."""
    with mp.workdps(30):
        ys, vs = [mp.mpf(float(a)) for a in y], [mp.mpf(float(a)) for a in v]
        k = len(ys)
        w = [1 / a for a in vs]
        w1, w2, w3, w4 = (sum(a**r for a in w) for r in (1, 2, 3, 4))
        mean = sum(a * b for a, b in zip(w, ys, strict=True)) / w1
        q = sum(a * (b - mean) ** 2 for a, b in zip(w, ys, strict=True))
        trace = w1 - w2 / w1
        tau2 = max(mp.mpf(0), (q - (k - 1)) / trace)
        variance = (w1 + tau2 * w2) / w1**2
        # a'DBDa and a'DBDBDa with a = w/W1, B = W - ww'/W1 and D = V + tau2, written out in power sums of w.
        lean = tau2**2 / w1**2 * (w3 - w2**2 / w1)
        twice = tau2**2 / w1**2 * (w3 - w2**2 / w1 + tau2 * (w4 - 2 * w2 * w3 / w1 + w2**3 / w1**2))
        squared = (k - 1) + 2 * tau2 * trace + tau2**2 * (w2 - 2 * w3 / w1 + (w2 / w1) ** 2)
        t = mp.mpf(t)

        def integrand(r: Number) -> Number:
            centre = (k - 1) + tau2 * trace + (r * r - 1) * lean / variance
            spread = 2 * (squared - 2 * twice / variance + (lean / variance) ** 2) + 4 * r * r * (
                twice / variance - (lean / variance) ** 2
            )
            below = (k - 1) + trace * (w1**2 * variance * r * r / t**2 - w1) / w2
            shape = centre**2 / spread
            return mp.npdf(r) * mp.gammainc(shape, 0, below * centre / spread, regularized=True)

        start = t / mp.sqrt(variance * w1)
        ends = [start + mp.mpf(step) for step in (0, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 14)]
        return 2 * mp.quad(integrand, ends, maxdegree=8)


UNIROOT = 2.0**-13
"""metafor solves for t by uniroot at its default tolerance."""
HC_DIFFERS = {
    "hc/dat.bcg|RD/ee",
    "hc/dat.bcg|RR/ee",
    "hc/dat.mcdaniel1994|COR/ee",
    "hc/dat.normand1999|MD/ee",
    "hc/dat.normand1999|ROM/ee",
    "hc/dat.normand1999.single|MNLN/ee",
    "hc/k6.extreme|GEN/ee",
    "hc/k6.tiny.vi|GEN/ee",
}
"""metafor's t is further from the root than that (by 0.004 where weights are extreme); ours is checked below."""


def test_henmi_copas(r_cases: Mapping[str, Any]) -> None:
    differed: set[str] = set()
    compared = 0
    for case, inputs in cases_of(r_cases, "hc"):
        effects, truth = effects_of(inputs), case["outputs"]
        pooled = es.fit(effects, settings="metafor", tau2="DL", interval="HC").pooled
        other = es.fit(effects, settings="metafor", tau2="DL", interval="Wald")
        assert pooled is not None
        assert other.pooled is not None
        se = float(truth["se"][0])
        v = effects.v[~np.isnan(effects.v)]
        found = {
            "beta": apart(pooled.value, truth["beta"][0], 1e-14 * se),
            "se": apart(pooled.se, se),
            "beta_rma": apart(other.pooled.value, truth["beta_rma"][0][0], 1e-14 * se),
            "se_rma": apart(other.pooled.se, truth["se_rma"][0]),
            "ci_lb_rma": apart(other.pooled.ci_low, truth["ci_lb_rma"][0], 1e-13 * se),
            "ci_ub_rma": apart(other.pooled.ci_high, truth["ci_ub_rma"][0], 1e-13 * se),
            "tau2": apart(other.heterogeneity.tau2, truth["tau2"][0], 1e-13 * float(v.mean())),
        }
        assert not far_off(found, ILL if v.max() / v.min() > 1e6 else TIGHT), (case["id"], found)
        t = (pooled.ci_high - pooled.value) / pooled.se
        theirs = (float(truth["ci_ub"][0]) - float(truth["beta"][0])) / se
        if abs(t - theirs) > UNIROOT:
            differed.add(case["id"])
        compared += 1
    assert compared == 53
    assert differed == HC_DIFFERS


@pytest.mark.parametrize("name", [*sorted(HC_DIFFERS), "hc/dat.hahn2001|RR/ee", "hc/k3.homogeneous|GEN/ee"])
def test_the_quantile_of_henmi_and_copas_has_its_probability(name: str, r_cases: Mapping[str, Any]) -> None:
    inputs = next(inputs for case, inputs in cases_of(r_cases, "hc") if case["id"] == name)
    effects = effects_of(inputs)
    pooled = es.fit(effects, settings="metafor", tau2="DL", interval="HC").pooled
    assert pooled is not None
    t = (pooled.ci_high - pooled.value) / pooled.se
    assert float(exact_tail(effects.y, effects.v, t)) == pytest.approx(0.05, rel=1e-11)
    statistic = abs(pooled.value / pooled.se)
    assert pooled.p_value == pytest.approx(float(exact_tail(effects.y, effects.v, statistic)), rel=1e-11)


# -- permutation ------------------------------------------------------------------------------------------------------


def test_permutation(r_cases: Mapping[str, Any]) -> None:
    compared = 0
    for case, inputs in cases_of(r_cases, "permutest"):
        analysis = es.fit(effects_of(inputs), settings="metafor", tau2="DL", interval="permutation")
        pooled, truth = analysis.pooled, case["outputs"]
        assert pooled is not None
        assert pooled.p_value == pytest.approx(float(truth["pval"][0]), rel=1e-12), case["id"]
        assert apart(pooled.statistic, truth["zval"][0]) < TIGHT, case["id"]
        assert f"used all {2**analysis.k} changes of sign" in (analysis.model.note or "")
        compared += 1
    assert compared == 18


# -- metagen ----------------------------------------------------------------------------------------------------------


def infinite_df(value: object) -> object:
    return None if value == "Inf" else value


def test_metagen(r_cases: Mapping[str, Any]) -> None:
    compared = 0
    for case, inputs in cases_of(r_cases, "meta.metagen"):
        if "subgroup" in case["call"]:
            continue  # below
        words = words_of_metagen(case["call"])
        effects, truth = effects_of(inputs), case["outputs"]
        analysis = es.fit(effects, settings="meta", model="random", **words)
        common = es.fit(effects, settings="meta", model="common").pooled
        pooled, spread = analysis.pooled, analysis.heterogeneity
        assert pooled is not None
        assert common is not None
        if "IVhet" in case["call"]:
            common = es.fit(effects, settings="meta", tau2=words["tau2"], interval="IVhet").pooled
            assert common is not None
        size = float(np.sqrt(effects.v.mean()))
        # meta's own iterations stop when τ² moves by less than 1e-10 (1e-5 without control), whatever its size.
        step = 1e-10 if "control" in case["call"] else 1e-5
        iterative = words["tau2"] in {"REML", "ML", "EB", "PM"}
        slack = step / max(float(truth["tau2"]), 0.1 * float(effects.v.mean())) if iterative else 0.0
        limits = analysis.prediction
        low, high = (None, None) if limits is None else (limits.low, limits.high)
        found = {
            "TE_common": apart(common.value, truth["TE_common"]),
            "seTE_common": apart(common.se, truth["seTE_common"]),
            "statistic_common": apart(common.statistic, truth["statistic_common"]),
            "pval_common": apart(common.p_value, truth["pval_common"]),
            "lower_common": apart(common.ci_low, truth["lower_common"]),
            "upper_common": apart(common.ci_high, truth["upper_common"]),
            "Q": apart(spread.q, truth["Q"], 1e-12),
            "df_Q": apart(spread.df, truth["df_Q"]),
            "pval_Q": apart(spread.p_value, truth["pval_Q"], 1e-15),
            "k": apart(analysis.k, truth["k"]),
        }
        if not (iterative and step > 1e-9):
            assert not far_off(found, TIGHT * 10), (case["id"], far_off(found, TIGHT * 10))
        found |= {
            "TE_random": apart(pooled.value, truth["TE_random"]),
            "seTE_random": apart(pooled.se, truth["seTE_random"]),
            "statistic_random": apart(pooled.statistic, truth["statistic_random"]),
            "pval_random": apart(pooled.p_value, truth["pval_random"], 1e-15),
            "lower_random": apart(pooled.ci_low, truth["lower_random"], 1e-9 * size),
            "upper_random": apart(pooled.ci_high, truth["upper_random"], 1e-9 * size),
            "df_random": apart(pooled.df, infinite_df(truth["df_random"])),
            "tau2": apart(spread.tau2, truth["tau2"], 1e-9 * float(effects.v.mean())),
            "se_tau2": apart(spread.tau2_se, truth["se_tau2"]),
            "I2": apart(spread.i2, 100 * float(truth["I2"]), 1e-9),
            "H": apart(None if spread.h2 is None else max(1.0, spread.h2**0.5), truth["H"]),
            "df_predict": apart(
                analysis.probability(below=0.0).df,
                infinite_df(truth["df_predict"]) if limits is not None else None,
            ),
            "lower_predict": apart(low, truth["lower_predict"], 1e-9 * size),
            "upper_predict": apart(high, truth["upper_predict"], 1e-9 * size),
        }
        far = far_off(found, 1e-9 + 30 * slack)
        assert not far, (case["id"], far, slack)
        compared += 1
    assert compared == 252  # all


ALLOCATION = [*["random"] * 4, *["alternate"] * 2, *["random"] * 3, *["systematic"] * 4]
"""How the trials of BCG assigned treatment: Colditz et al. (1994), JAMA 271:698-702."""


@pytest.mark.parametrize("common", [True, False])
@pytest.mark.parametrize("estimator", ["DL", "REML"])
def test_metagen_by_subgroup(estimator: str, *, common: bool, r_cases: Mapping[str, Any]) -> None:
    wanted = f'tau.common={"TRUE" if common else "FALSE"}, method.tau="{estimator}"'
    case, inputs = next(both for both in cases_of(r_cases, "meta.metagen") if wanted in both[0]["call"])
    truth = case["outputs"]
    words: dict[str, Any] = {"settings": "meta", "by": ALLOCATION, "tau2": estimator, "tau2_common": common}
    analysis = es.fit(effects_of(inputs), model="random", **words)
    fixed = es.fit(effects_of(inputs), model="common", **words)
    groups = {group.name: group for group in analysis.subgroups}
    # meta's own iterations stop when τ² moves by less than 1e-5.
    tolerance = TIGHT if estimator == "DL" else 3e-5
    for i, name in enumerate(truth["subgroup_levels"]):
        pooled, spread = groups[name].pooled, groups[name].analysis.heterogeneity
        assert pooled is not None
        found = {
            "TE": apart(pooled.value, truth["TE_random_w"][i]),
            "seTE": apart(pooled.se, truth["seTE_random_w"][i]),
            "lower": apart(pooled.ci_low, truth["lower_random_w"][i]),
            "upper": apart(pooled.ci_high, truth["upper_random_w"][i], 1e-4 if estimator == "REML" else 0.0),
            "tau2": apart(spread.tau2, truth["tau2_w"][i]),
            "Q": apart(spread.q, truth["Q_w"][i]),
            "I2": apart(spread.i2, 100 * float(truth["I2_w"][i])),
        }
        assert not far_off(found, tolerance), (name, found)
        other = next(group for group in fixed.subgroups if group.name == name).pooled
        assert other is not None
        assert apart(other.value, truth["TE_common_w"][i]) < TIGHT
        assert apart(other.se, truth["seTE_common_w"][i]) < TIGHT
    test, fixed_test = analysis.subgroup_test, fixed.subgroup_test
    assert test is not None
    assert fixed_test is not None
    found = {
        "Q_b_random": apart(test.q, truth["Q_b_random"]),
        "pval_Q_b_random": apart(test.p_value, truth["pval_Q_b_random"]),
        "df": apart(test.df, truth["df_Q_b"]),
        "Q_b_common": apart(fixed_test.q, truth["Q_b_common"]),
        "pval_Q_b_common": apart(fixed_test.p_value, truth["pval_Q_b_common"]),
    }
    assert not far_off(found, max(tolerance, 1e-11)), found
