"""The recorded effects of metafor 5.1 and the analyses of meta 8.4 on means, of two groups and of one."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

import evisynth as es
from evisynth_validation.meta.words import words_of_metacont
from evisynth_validation.mpmath.exact import exact, nearest
from evisynth_validation.mpmath.means import EFFECTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Cases = Mapping[str, Any]
    Make = Callable[..., es.Studies]

CLOSED = 1e-12
TWO_GROUPS = (
    *("MD", "SMD", "SMDH", "SMD1", "SMD1H", "ROM", "VR", "CVR", "RPB", "ZPB", "RBIS", "ZBIS"),
    *("D2OR", "D2ORN", "D2ORL", "CLESN", "AUCN"),
)
ONE_GROUP = ("MN", "SMN", "MNLN", "SDLN", "CVLN")
REPORTED = ("CLES", "AUC")
ARGUMENTS = {
    "m1i": "mean_1",
    "sd1i": "sd_1",
    "n1i": "n_1",
    "m2i": "mean_2",
    "sd2i": "sd_2",
    "n2i": "n_2",
    "mi": "mean",
    "sdi": "sd",
    "ni": "n",
    "ai": "cles",
}
ONE_VARIANCE = ("SMD1H", "RBIS")
"""Measures with one variance, for which escalc takes any ``vtype`` and computes the same."""


def numbers(values: list[Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([math.nan if value is None else float(value) for value in values])


def inputs_of(case: Mapping[str, Any], cases: Cases) -> Mapping[str, Any]:
    inputs = case["inputs"]
    found: Mapping[str, Any] = cases["inputs"][inputs["ref"]] if "ref" in inputs else inputs
    return found


def words_of(call: str, measure: str) -> dict[str, Any]:
    """Translate the options of a call of escalc."""
    words: dict[str, Any] = {}
    vtype = re.search(r'vtype="(\w+)"', call)
    if vtype and not (measure in ONE_VARIANCE and vtype[1] != "LS"):
        words["vtype"] = vtype[1]
    if "correct=FALSE" in call:
        words["smd_correction"] = "none"
    return words


def apart(value: float | None, truth: float | str | None) -> float:
    if value is None or truth is None:
        return 0.0 if value is None and truth is None else math.inf
    return 0.0 if value == float(truth) else abs(value - float(truth)) / abs(float(truth))


def test_effects_of_escalc(r_cases: Cases, make_studies: Make) -> None:
    compared = dict.fromkeys((*TWO_GROUPS, *ONE_GROUP, *REPORTED), 0)
    short: set[tuple[str, int]] = set()
    rows = 0
    for case in r_cases["cases"]:
        measure = case["options"].get("measure")
        if case["group"] != "escalc" or measure not in compared:
            continue
        inputs = inputs_of(case, r_cases)
        columns = {ARGUMENTS[name]: numbers(column) for name, column in inputs.items() if name in ARGUMENTS}
        made = es.effects(make_studies(**columns), measure, settings="metafor", **words_of(case["call"], measure))
        truth_y, truth_v = numbers(case["outputs"]["yi"]), numbers(case["outputs"]["vi"])
        for i, (y, v) in enumerate(zip(truth_y, truth_v, strict=True)):
            where = (case["id"], i, made.y[i], made.v[i], made.reasons.get(i))
            if math.isnan(y) or v == 0.0:
                # An effect without a variance cannot be pooled: here it has a reason, as one that R lacks.
                assert made.reasons[i] in {"SD is 0", "missing mean_1"}, where
                continue
            assert apart(float(made.y[i]), y) <= CLOSED, where
            if apart(float(made.v[i]), v) > CLOSED:
                short.add((case["id"], i))
                _is_exact(made, i, "UB")
            rows += 1
        compared[measure] += 1
    assert {(name, i) for name, places in SHORT.items() for i in places} == short
    assert compared == {
        "MD": 9,
        "SMD": 13,
        "SMDH": 6,
        "SMD1": 6,
        "SMD1H": 9,
        "ROM": 7,
        "VR": 5,
        "CVR": 5,
        "RPB": 4,
        "ZPB": 1,
        "RBIS": 9,
        "ZBIS": 1,
        "D2OR": 1,
        "D2ORN": 1,
        "D2ORL": 1,
        "CLESN": 1,
        "AUCN": 1,
        "CLES": 4,
        "AUC": 4,
        **dict.fromkeys(ONE_GROUP, 1),
    }
    assert sum(compared.values()) == 93
    assert rows > 1000


SHORT = {"escalc/normand1999/SMD/vtype=UB": (2, 7), "escalc/normand1999/SMD1/vtype=UB": (2,)}
"""Variances in which R is short of digits, by row: 1 - (m - 2)/(m J²) magnifies the rounding of J, which R takes from
differences of lgamma, by m."""


def _is_exact(made: es.Effects, i: int, vtype: str) -> None:
    """Show by 50 digits that the variance is the one here."""
    assert made.studies is not None
    columns = ("mean_1", "sd_1", "n_1", "mean_2", "sd_2", "n_2")
    row = [exact(float(made.studies.columns[column][i])) for column in columns]
    assert made.made_by is not None
    _, v = EFFECTS[made.measure](row, vtype, correction=made.made_by.smd_correction)
    assert apart(float(made.v[i]), nearest(v)) < 1e-15


SHORT_IN_META = ("classic", "HK", "KR", "Hedges/exact=TRUE", "Cohen/exact=TRUE")
"""Analyses of dat.normand1999 in which meta is short of digits, for the same cause as `SHORT`."""


def test_metacont(r_cases: Cases, make_studies: Make) -> None:
    compared: dict[str, int] = dict.fromkeys(("MD", "SMD", "SMD1", "ROM"), 0)
    short: set[tuple[str, int]] = set()
    for case in r_cases["cases"]:
        if case["group"] != "meta.metacont":
            continue
        columns = inputs_of(case, r_cases)
        arms = {
            f"{what}_{arm}": numbers(columns[f"{what}_{at}"])
            for what in ("mean", "sd", "n")
            for arm, at in (("1", "e"), ("2", "c"))
        }
        call = case["call"]
        words = words_of_metacont(call)
        iterative = words["tau2"] != "DL"
        measure = words["measure"]
        analysis = es.fit(make_studies(**arms), **words)
        truth = case["outputs"]
        short |= {(case["id"], i) for i in _compare(case["id"], analysis, truth, iterative=iterative)}
        compared[measure] += 1
    assert short == {(f"meta/metacont/dat.normand1999/SMD/{kind}", i) for kind in SHORT_IN_META for i in (2, 7)}
    assert compared == {"MD": 16, "SMD": 28, "SMD1": 8, "ROM": 12}


def _compare(name: str, analysis: es.MetaAnalysis, truth: Mapping[str, Any], *, iterative: bool) -> list[int]:
    """Compare effects and what is pooled; returns the rows whose variance in R is short of digits."""
    short: list[int] = []
    made = analysis.effects
    for i, (effect, se) in enumerate(zip(numbers(truth["TE"]), numbers(truth["seTE"]), strict=True)):
        assert apart(float(made.y[i]), effect) <= CLOSED, (name, i, made.y[i], effect)
        if apart(float(made.v[i]), se * se) > CLOSED:
            short.append(i)
            _is_exact(made, i, analysis.settings.vtype or "UB")
    common, random = analysis.models["common"].pooled, analysis.models["random"].pooled
    assert common is not None
    assert random is not None
    assert apart(common.value, truth["TE_common"]) <= 10 * CLOSED, name
    assert apart(common.se, truth["seTE_common"]) <= CLOSED, name
    assert apart(analysis.heterogeneity.q, truth["Q"]) <= 10 * CLOSED, name
    # meta's REML stops when τ² moves by less than 1e-10, whatever its size.
    tolerance = 10 * CLOSED + (1e-9 + 1e-9 / max(float(truth["tau2"]), 1e-4) if iterative else 0.0)
    for what, ours in (("TE", random.value), ("lower", random.ci_low), ("upper", random.ci_high)):
        assert abs(ours - float(truth[f"{what}_random"])) <= tolerance * max(abs(ours), random.se), (
            name,
            what,
            ours,
            truth[f"{what}_random"],
        )
    assert apart(random.se, truth["seTE_random"]) <= tolerance, (name, random.se, truth["seTE_random"])
    assert apart(analysis.heterogeneity.tau2, truth["tau2"]) <= tolerance, (
        name,
        analysis.heterogeneity.tau2,
        truth["tau2"],
    )
    return short


def test_metamean(r_cases: Cases, make_studies: Make) -> None:
    names = {"MRAW": "MN", "MLN": "MNLN"}
    compared = 0
    for case in r_cases["cases"]:
        if case["group"] != "meta.metamean" or "median" in case["call"]:
            continue
        columns = inputs_of(case, r_cases)
        studies = make_studies(**{name: numbers(columns[name]) for name in ("mean", "sd", "n")})
        analysis = es.fit(studies, measure=names[case["options"]["sm"]], settings="meta", tau2="DL")
        assert not _compare(case["id"], analysis, case["outputs"], iterative=False)
        compared += 1
    assert compared == 2
