"""Adjustments for small-study effects: against recorded results of R, exact arithmetic, and data that leave no answer."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

CLOSED = 1e-9
EXACT = 1e-13

# These lean to the right and hold no ties.
LEANING = es.Effects(
    [0.10, 0.15, 0.22, 0.35, 0.31, 0.48, 0.62, 0.80, 0.95, 1.30],
    [0.010, 0.012, 0.020, 0.030, 0.040, 0.080, 0.120, 0.200, 0.260, 0.400],
    study=[f"Trial {i}" for i in range(10)],
)


def cases(r_cases: Mapping[str, Any], group: str, fn: str | None = None) -> Iterator[tuple[Any, es.MetaAnalysis]]:
    """Go through the cases of a group with DerSimonian and Laird's analysis of their effects."""
    for case in r_cases["cases"]:
        if case["group"] == group and fn in (None, case["fn"]):
            inputs = r_cases["inputs"][case["inputs"]["ref"]]
            effects = es.Effects(np.array(inputs["yi"], dtype=float), np.array(inputs["vi"], dtype=float))
            yield case, es.fit(effects, settings="metafor", tau2="DL", prediction=None, tau2_interval=None)


def agrees(value: float | None, expected: float | None, size: float = 0.0, tolerance: float = CLOSED) -> bool:
    if value is None or expected is None:
        return value is None and expected is None
    return abs(value - expected) <= tolerance * max(abs(expected), size)


# -- recorded results of meta 8.4 and metafor 5.1 ---------------------------------------------------------------------


def test_trimming_by_the_common_mean_agrees_with_meta(r_cases: Mapping[str, Any]) -> None:
    compared, refused = 0, 0
    for case, analysis in cases(r_cases, "meta.trimfill"):
        expected = case["outputs"]
        words: Any = {"estimator": f"{case['options']['type']}0", "trim_by": "common"}
        filled = {by: es.bias(analysis, "trim-and-fill", fill_by=by, **words) for by in ("common", "random")}
        if expected["k0"] is None:
            refused += 1
            assert filled["random"].reason == "trim and fill needs at least 3 studies, and here are 2"
            continue
        compared += 1
        for by, made in filled.items():
            assert len(made.added) == expected["k0"], case["id"]
            assert made.after is not None
            se = made.after.se
            pairs = [
                (made.after.value, expected[f"TE_{by}"], se),
                (se, expected[f"seTE_{by}"], 0.0),
                (made.after.ci_low, expected[f"lower_{by}"], se),
                (made.after.ci_high, expected[f"upper_{by}"], se),
                (made.after.p_value, expected[f"pval_{by}"], 0.0),
            ]
            assert all(agrees(*pair) for pair in pairs), (case["id"], by, pairs)
        analysed = filled["random"].analysis
        assert analysed is not None
        assert agrees(analysed.heterogeneity.tau2, expected["tau2"]), case["id"]
        if "TE" in expected:
            assert sorted(analysed.effects.y) == pytest.approx(sorted(expected["TE"]), rel=CLOSED, abs=1e-12)
    assert (compared, refused) == (16, 2)


UNIROOT = 2.0**-13
"""metafor solves for the quantile of `hc` by uniroot at its default tolerance."""
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
"""metafor's quantile is further from the root than that; ours is proved in the tests of the interval HC."""


def test_henmi_and_copas_agree_with_hc(r_cases: Mapping[str, Any]) -> None:
    compared = 0
    off: list[str] = []
    differs: set[str] = set()
    for case, analysis in cases(r_cases, "hc"):
        expected = {name: column[0] for name, column in case["outputs"].items() if name != "beta_rma"}
        made = es.bias(analysis, "Henmi-Copas")
        compared += 1
        assert made.after is not None, case["id"]
        after = made.after
        pairs = [
            (after.value, expected["beta"], after.se),
            (after.se, expected["se"], 0.0),
            (made.figures["tau²"], expected["tau2"], after.se**2),
        ]
        limits = [(after.ci_low, expected["ci_lb"]), (after.ci_high, expected["ci_ub"])]
        if not all(agrees(*pair, after.se, UNIROOT) for pair in limits):
            differs.add(case["id"])
        off += [f"{case['id']}: {pair}" for pair in pairs if not agrees(*pair)]
    assert off == []
    assert (compared, differs) == (53, HC_DIFFERS)


# -- recorded results of metasens 1.5 ---------------------------------------------------------------------------------


def test_limit_meta_analysis_agrees_with_limitmeta(r_cases: Mapping[str, Any]) -> None:
    compared = 0
    off: list[str] = []
    for case, analysis in cases(r_cases, "metasens", "limitmeta"):
        expected = case["outputs"]
        one = {name: column[0] for name, column in expected.items()}
        made = es.bias(analysis, "limit meta-analysis", adjust=case["options"]["method.adjust"])
        compared += 1
        assert made.after is not None
        after = made.after
        pairs = [
            (after.value, one["TE_adjust"], after.se),
            (after.se, one["seTE_adjust"], 0.0),
            (after.ci_low, one["lower_adjust"], after.se),
            (after.ci_high, one["upper_adjust"], after.se),
            (after.statistic, one["statistic_adjust"], 1.0),
            (after.p_value, one["pval_adjust"], 0.0),
            (made.parameters["alpha"].value, one["alpha_r"], 1.0),
            (made.parameters["beta"].value, one["beta_r"], after.se),
            (made.figures["Q"], one["Q"], 0.0),
            (made.figures["Q small"], one["Q_small"], 0.0),
            (made.figures["Q residual"], one["Q_resid"], 0.0),
            (made.figures["G²"], one["G_squared"], 0.0),
            *((study.y, limit, after.se) for study, limit in zip(made.studies, expected["TE_limit"], strict=True)),
        ]
        off += [f"{case['id']}: {pair}" for pair in pairs if not agrees(*pair)]
    assert off == []
    assert compared == 12
