"""The recorded results of R (metafor 5.1, meta 8.4) for the methods that are here, at the precision of the records."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Error = Callable[[float, float], float]

TIGHT = 2e-12
ITERATIVE = 1e-9


def cases_of(r_cases: Mapping[str, Any], *groups: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for case in r_cases["cases"]:
        if case["group"] not in groups or "error" in case["outputs"]:
            continue
        inputs = case["inputs"]
        yield case, r_cases["inputs"][inputs["ref"]] if "ref" in inputs else inputs


def numbers(values: list[Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([math.nan if value is None else float(value) for value in values])


def apart(value: float | None, truth: float | str | None, floor: float = 0.0) -> float:
    """Relative distance; a truth that is 0 only because R stops early may differ by ``floor``."""
    if truth is None or value is None:
        return 0.0 if truth is None and value is None else math.inf
    truth = float(truth)
    if math.isnan(value) and math.isnan(truth):
        return 0.0
    return 0.0 if abs(value - truth) <= floor else abs(value - truth) / max(abs(truth), 1e-300)


def test_rma_uni(r_cases: Mapping[str, Any]) -> None:
    compared = 0
    for case, inputs in cases_of(r_cases, "rma.uni"):
        options, truth = case["options"], case["outputs"]
        method, test = options.get("method"), options.get("test")
        usable = method in {"EE", "DL", "REML", "PM"} and test in {"z", "knha", "adhoc"} and not options.get("weights")
        if (
            not usable
            or "mods" in case["call"]
            or not {"yi", "vi"} <= inputs.keys()
            or (method == "EE" and test != "z")
        ):
            continue
        if test != "z" and float(truth["se"][0]) == 0.0:
            continue  # identical effects: an interval of no width in metafor, Wald's with a note here
        v = numbers(inputs["vi"])
        analysis = es.fit(
            es.Effects(numbers(inputs["yi"]), v),
            settings="metafor",
            tau2="DL" if method == "EE" else method,
            model="common" if method == "EE" else "random",
            interval="Wald" if test == "z" else "HK",
            adhoc=test == "adhoc",
            level=options["level"] / 100,
        )
        pooled, spread = analysis.pooled, analysis.heterogeneity
        assert pooled is not None
        tolerance = TIGHT if method in {"EE", "DL"} else ITERATIVE
        # metafor adds up in the order given without recentring; a spread of weights over many decades costs it digits.
        ill = np.nanmax(v) / np.nanmin(v) > 1e6
        found = {
            "beta": apart(pooled.value, truth["beta"][0]),
            "se": apart(pooled.se, truth["se"][0]),
            "ci_lb": apart(pooled.ci_low, truth["ci_lb"][0]),
            "ci_ub": apart(pooled.ci_high, truth["ci_ub"][0]),
            "k": apart(analysis.k, truth["k"]),
        }
        if analysis.k > 1:
            found |= {
                "QE": apart(spread.q, truth["QE"]),
                "QEp": apart(spread.p_value, truth["QEp"], 1e-15),
                "I2": apart(spread.i2, truth["I2"], 1e-7),
                "H2": apart(spread.h2, truth["H2"]),
            }
            if method != "EE":
                found["tau2"] = apart(spread.tau2, truth["tau2"], 1e-11 * float(np.nanmean(v)))
                found["se_tau2"] = apart(spread.tau2_se, truth["se_tau2"])
        far = {name: by for name, by in found.items() if by > (1e-6 if ill else tolerance)}
        assert not far, (case["id"], far)
        compared += 1
    assert compared > 1000


def test_q_profile_and_prediction(r_cases: Mapping[str, Any]) -> None:
    variants = {"": None, "simple": "skip", "Riley": "HTS", "t": "V"}
    compared = 0
    for case, inputs in cases_of(r_cases, "confint", "predict"):
        call, truth = case["call"], case["outputs"]
        model = re.match(r"(?:confint|predict)\((res|dl)[,)]", call)
        if model is None or not {"yi", "vi"} <= inputs.keys() or "mods" in str(case["options"]):
            continue
        if case["group"] == "confint" and not ("QP" in call or "type" not in call):
            continue
        effects = es.Effects(numbers(inputs["yi"]), numbers(inputs["vi"]))
        predtype = re.search(r'predtype="(\w+)"', call)
        variant = variants[predtype[1] if predtype else ""]
        if variant == "skip" or "prob=" in call or "level" in call or "transf" in call:
            continue
        words: dict[str, Any] = {"prediction": variant} if variant else {}
        analysis = es.fit(effects, settings="metafor", tau2="DL" if model[1] == "dl" else "REML", **words)
        if case["group"] == "confint":
            rows = dict(zip(truth["names"], truth["random"], strict=True))
            _, low, high = rows["tau^2"]
            if analysis.heterogeneity.tau2_ci_low is None or truth["ub_sign"] or truth["lb_sign"]:
                continue  # empty, or metafor stopped at the bound of its own search
            mean = float(np.nanmean(effects.v))
            assert apart(analysis.heterogeneity.tau2_ci_low, low, 1e-9 * mean) < 1e-8, (case["id"], low)
            assert apart(analysis.heterogeneity.tau2_ci_high, high, 1e-9 * mean) < 1e-8, (case["id"], high)
        elif analysis.k > 1:
            assert analysis.prediction is not None
            assert apart(analysis.prediction.low, truth["pi_lb"][0], 1e-12) < 1e-8, case["id"]
            assert apart(analysis.prediction.high, truth["pi_ub"][0], 1e-12) < 1e-8, case["id"]
        compared += 1
    assert compared > 200


def test_mantel_haenszel_and_peto(r_cases: Mapping[str, Any], make_studies: Callable[..., es.Studies]) -> None:
    compared = 0
    for case, inputs in cases_of(r_cases, "rma.mh", "rma.peto"):
        names = dict(re.findall(r"\b(ai|bi|ci|di|n1i|n2i)=([\w.]+)", case["call"]))
        cells = {key: numbers(inputs[key if key in inputs else name]) for key, name in names.items()}
        if "ai" not in cells or "add=" in case["call"]:
            continue
        n_1 = cells["n1i"] if "n1i" in cells else cells["ai"] + cells["bi"]
        n_2 = cells["n2i"] if "n2i" in cells else cells["ci"] + cells["di"]
        studies = make_studies(events_1=cells["ai"], n_1=n_1, events_2=cells["ci"], n_2=n_2)
        analysis = es.fit(
            studies,
            measure=case["options"]["measure"],
            method="MH" if case["group"] == "rma.mh" else "Peto",
            settings="metafor",
        )
        truth, pooled, spread = case["outputs"], analysis.pooled, analysis.heterogeneity
        assert pooled is not None
        found = {
            "beta": apart(pooled.value, truth["beta"][0]),
            "se": apart(pooled.se, truth["se"][0]),
            "QE": apart(spread.q, truth["QE"]),
            "I2": apart(spread.i2, truth["I2"], 1e-10),
            "H2": apart(spread.h2, truth["H2"]),
        }
        far = {name: by for name, by in found.items() if by > 1e-12}
        assert not far, (case["id"], far)
        compared += 1
    assert compared > 40


def test_effects_of_escalc(r_cases: Mapping[str, Any], make_studies: Callable[..., es.Studies]) -> None:
    arguments = {
        "ai": "events_1",
        "n1i": "n_1",
        "ci": "events_2",
        "n2i": "n_2",
        "m1i": "mean_1",
        "sd1i": "sd_1",
        "m2i": "mean_2",
        "sd2i": "sd_2",
    }
    options = ("vtype", "add=", "to=", "drop00", "correct", "subset", "flip", "append")
    compared = 0
    for case, inputs in cases_of(r_cases, "escalc"):
        measure = case["options"].get("measure")
        if measure not in {"OR", "RR", "RD", "PETO", "MD", "SMD"} or any(word in case["call"] for word in options):
            continue
        columns = {name: numbers(inputs[key]) for key, name in arguments.items() if key in inputs}
        for arm, other in (("1", "bi"), ("2", "di")):
            if other in inputs and f"events_{arm}" in columns:
                columns[f"n_{arm}"] = columns[f"events_{arm}"] + numbers(inputs[other])
        effects = es.effects(make_studies(**columns), measure=measure, settings="metafor")
        pairs = zip(effects.y, numbers(case["outputs"]["yi"]), numbers(case["outputs"]["vi"]), strict=True)
        for value, truth, v in pairs:
            if v == 0.0:
                continue  # cannot be pooled: no effect here, with the reason
            # R's SMD takes J from lgamma, which is short of digits where N is large.
            assert apart(value, truth, 1e-15) < (1e-11 if measure == "SMD" else 2e-13), case["id"]
        for value, truth in zip(effects.v, numbers(case["outputs"]["vi"]), strict=True):
            if truth == 0.0:
                continue
            assert apart(value, truth) < (1e-11 if measure == "SMD" else 2e-13), case["id"]
        compared += 1
    assert compared > 20


@pytest.mark.parametrize("model", ["common", "random"])
def test_metabin_by_default(model: str, r_cases: Mapping[str, Any], make_studies: Callable[..., es.Studies]) -> None:
    methods = {"MH": "MH", "Inverse": "IV", "Peto": "Peto"}
    compared = 0
    for case, inputs in cases_of(r_cases, "meta.metabin"):
        words = re.fullmatch(
            r'metabin\(.*sm="(OR|RR|RD)", method="(MH|Inverse|Peto)", prediction=TRUE, control=.*\)', case["call"]
        )
        if words is None:
            continue
        columns = [numbers(column) for column in inputs.values() if not isinstance(column[0], str)][:4]
        truth = case["outputs"]
        measure = "PETO" if words[2] == "Peto" else words[1]
        studies = make_studies(events_1=columns[0], n_1=columns[1], events_2=columns[2], n_2=columns[3])
        analysis = es.fit(studies, measure=measure, method=methods[words[2]], model=model, settings="meta")
        pooled = analysis.pooled
        assert pooled is not None
        tolerance = 1e-11
        if model == "random":
            # meta's REML stops when τ² moves by less than 1e-10, whatever its size.
            tolerance = ITERATIVE + 1e-9 / max(float(truth["tau2"]), 1e-4)
        found = {
            "TE": apart(pooled.value, truth[f"TE_{model}"], 1e-14),
            "seTE": apart(pooled.se, truth[f"seTE_{model}"]),
            "Q": apart(analysis.heterogeneity.q, truth["Q"]),
        }
        far = {name: by for name, by in found.items() if by > tolerance}
        assert not far, (case["id"], far)
        compared += 1
    assert compared > 40
