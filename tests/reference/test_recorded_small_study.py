"""Every recorded regression test, rank correlation and test of `meta::metabias`, compared with ours."""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

import evisynth as es
from evisynth_validation.meta.replaying import TESTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CLOSED = 1e-9

NOT_REFUSED = {
    "regtest/dat.graves2010|RR/res/rma/ninv": "1/n is small beside the intercept",
    "regtest/dat.crisafulli2020|PFT/res/rma/vi": "variances are small beside the intercept",
    "regtest/dat.crisafulli2020|PFT/res/rma/ninv": "1/n is small beside the intercept",
    "regtest/dat.hart1999|IRD/res/rma/vi": "variances are small beside the intercept",
    "regtest/k6.tiny.vi|GEN/res/rma/vi": "variances are small beside the intercept",
}
"""metafor takes a predictor in a small unit for a multiple of the intercept; in another unit it has the answer."""

NOISE = {
    f"regtest/k5.identical|GEN/ee/lm/{predictor}": "effects are equal: R divides one rounding by another"
    for predictor in ("sei", "vi")
}

BY_SIZE = ("ni", "ninv", "sqrtni", "sqrtninv")


def agrees(value: float | None, expected: float | None, size: float = 0.0, tolerance: float = CLOSED) -> bool:
    if value is None or expected is None:
        return value is None and expected is None
    return abs(value - expected) <= tolerance * max(abs(expected), size)


def cases(r_cases: Mapping[str, Any], group: str) -> Iterator[tuple[dict[str, Any], Mapping[str, Any]]]:
    for case in r_cases["cases"]:
        if case["group"] == group:
            yield case, r_cases["inputs"][case["inputs"]["ref"]]


def numbers(inputs: Mapping[str, Any], name: str) -> es.FloatArray:
    return np.array(inputs[name], dtype=float)


@lru_cache(maxsize=4)
def _fitted(y: tuple[float, ...], v: tuple[float, ...], tau2: str, model: str) -> es.MetaAnalysis:
    return es.fit(es.Effects(y, v), settings="metafor", prediction=None, tau2_interval=None, tau2=tau2, model=model)


def analysis_of(inputs: Mapping[str, Any], *, tau2: str = "REML", model: str = "random") -> es.MetaAnalysis:
    y, v = (tuple(numbers(inputs, name).tolist()) for name in ("yi", "vi"))
    return _fitted(y, v, tau2, model)


# -- metafor::regtest -------------------------------------------------------------------------------------------------


def test_regression_tests(r_cases: Mapping[str, Any]) -> None:
    counted: Counter[str] = Counter()
    off: list[str] = []
    for case, inputs in cases(r_cases, "regtest"):
        options, expected = case["options"], case["outputs"]
        if "predictor" not in options:
            effects = es.Effects(numbers(inputs, "yi"), numbers(inputs, "vi"))
            design = es.Design(numbers(inputs, "X"), intercept=False)
            seen = es.bias(es.fit(effects, settings="metafor", moderators=design), "regression")
            counted["moderators"] += 1
        else:
            common = options["model2"] == "lm"
            analysis = analysis_of(inputs, model="common") if common else analysis_of(inputs, tau2="REML")
            predictor = options["predictor"]
            n = inputs["ni"] if predictor in BY_SIZE else None
            variant = "classical" if common else "mixed"
            seen = es.bias(analysis, "regression", predictor=predictor, variant=variant, n=n)
            counted[variant] += 1
        if case["id"] in NOT_REFUSED:
            assert "not of full rank" in expected["error"]
            assert seen.p_value is not None, case["id"]
            counted["not refused"] += 1
        elif case["id"] in NOISE:
            assert seen.reason is not None, case["id"]
            counted["noise"] += 1
        else:
            off += [f"{case['id']}: {what}" for what in differences(seen, expected)]
    assert off == []
    assert counted == {"classical": 270, "mixed": 270, "moderators": 19, "not refused": 5, "noise": 2}


def differences(seen: es.BiasResult, expected: Mapping[str, Any]) -> Iterator[str]:
    if seen.statistic is None or seen.p_value is None:
        yield f"{seen.reason}"
        return
    for name, value, size in (("zval", seen.statistic, 1.0), ("pval", seen.p_value, 0.0), ("dfs", seen.df, 0.0)):
        if not agrees(value, expected[name][0], size):
            yield f"{name} {value}, not {expected[name][0]}"
    limit = seen.limit
    if (limit is None) != ("est" not in expected):
        yield f"limit {limit}"
    elif limit is not None:
        pairs = (("est", limit.value), ("ci_lb", limit.ci_low), ("ci_ub", limit.ci_high))
        for name, value in pairs:
            if not agrees(value, expected[name][0], limit.se):
                yield f"{name} {value}, not {expected[name][0]}"


def test_what_metafor_refuses_it_has_in_another_unit(r_cases: Mapping[str, Any]) -> None:
    # The answer does not depend on the unit of the predictor, which is all that R objected to.
    for case, inputs in cases(r_cases, "regtest"):
        if case["id"] not in NOT_REFUSED:
            continue
        y, v = numbers(inputs, "yi"), numbers(inputs, "vi")
        analysis = analysis_of(inputs, tau2="REML")
        predictor = case["options"]["predictor"]
        seen = es.bias(analysis, "regression", predictor=predictor, n=inputs["ni"])
        x = v if predictor == "vi" else 1.0 / numbers(inputs, "ni")
        direct = es.fit(
            es.Effects(y, v), settings="metafor", tau2="REML", moderators={"x": ((x - x.mean()) / x.std()).tolist()}
        )
        assert agrees(seen.statistic, direct.coefficients["x"].statistic, 1.0, 1e-7), case["id"]


# -- metafor::ranktest ------------------------------------------------------------------------------------------------


def test_rank_correlations(r_cases: Mapping[str, Any]) -> None:
    counted: Counter[str] = Counter()
    off: list[str] = []
    for case, inputs in cases(r_cases, "ranktest"):
        exact = "exact=FALSE" not in case["call"]
        seen = es.bias(analysis_of(inputs, tau2="DL"), "Begg", exact=exact)
        expected = case["outputs"]
        tau = seen.figures.get("Kendall's tau")
        if not (agrees(seen.p_value, expected["pval"]) and agrees(tau, expected["tau"], 1.0)):
            off.append(f"{case['id']}: p {seen.p_value}, not {expected['pval']}; tau {tau}, not {expected['tau']}")
        counted["undefined" if seen.reason else "τ" if seen.symbol == "τ" else "z"] += 1
    assert off == []
    assert counted == {"undefined": 2, "τ": 44, "z": 60}


# -- meta::metabias ---------------------------------------------------------------------------------------------------

COUNTS = {"events_1": "event_e", "n_1": "n_e", "events_2": "event_c", "n_2": "n_c"}
MEANS = {"n_1": "n_e", "mean_1": "mean_e", "sd_1": "sd_e", "n_2": "n_c", "mean_2": "mean_c", "sd_2": "sd_c"}


def metabias_analysis(inputs: Mapping[str, Any], call: str) -> es.MetaAnalysis:
    words: dict[str, Any] = {"settings": "meta", "method": "IV", "tau2": "DL", "prediction": None}
    if "yi" in inputs:
        return es.fit(es.Effects(numbers(inputs, "yi"), numbers(inputs, "vi")), **words)
    names = COUNTS if "event_e" in inputs else MEANS
    measure = re.search(r'sm="(\w+)"', call)
    assert measure is not None
    return es.fit({ours: inputs[theirs] for ours, theirs in names.items()}, measure.group(1), **words)


def test_tests_of_metabias(r_cases: Mapping[str, Any]) -> None:
    counted: Counter[str] = Counter()
    off: list[str] = []
    for case, inputs in cases(r_cases, "meta.metabias"):
        name, options = TESTS[case["options"]["method.bias"]]
        seen = es.bias(metabias_analysis(inputs, case["call"]), name, **options)
        expected = case["outputs"]
        counted[name] += 1
        if not expected:
            # meta says nothing of two studies.
            assert seen.reason == f"the test needs at least 3 studies, and here are {seen.k}", case["id"]
            counted["nothing said"] += 1
            continue
        off += [f"{case['id']}: {what}" for what in differences_from_meta(seen, expected)]
    assert off == []
    assert counted == {
        **dict.fromkeys(("Begg", "Egger", "Thompson-Sharp"), 17),
        **dict.fromkeys(("Schwarzer", "Harbord", "Peters", "Deeks", "Macaskill"), 8),
        "Pustejovsky-Rodgers": 4,
        "nothing said": 3,
    }


def differences_from_meta(seen: es.BiasResult, expected: Mapping[str, Any]) -> Iterator[str]:
    found: dict[str, tuple[float | None, float]] = {
        "statistic": (seen.statistic, 1.0),
        "pval": (seen.p_value, 0.0),
    }
    slope = seen.asymmetry
    if slope is None:
        found["estimate"] = seen.figures.get("Kendall's S"), 1.0
        found["se"] = seen.figures.get("SE of S"), 0.0
    else:
        intercept = seen.parameters["intercept"]
        tau2 = seen.figures.get("tau2")
        tau = seen.figures["residual standard deviation"] if tau2 is None else math.sqrt(tau2)
        found |= {
            "df": (seen.df, 0.0),
            "estimate": (slope.value, slope.se),
            "se": (slope.se, 0.0),
            "tau": (tau, 0.0),
            "intercept": (intercept.value, intercept.se),
            "se_intercept": (intercept.se, 0.0),
        }
    for name, (value, size) in found.items():
        wanted = expected["estimate"][1] if name == "se" else expected[name][0]
        if not agrees(value, wanted, size):
            yield f"{name} {value}, not {wanted}"
