"""The recorded results of metafor's conversions of tables, Wald statistics and transformed effects."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Mapping

CELLS = {"ai": "events_1", "bi": "nonevents_1", "ci": "events_2", "di": "nonevents_2"}

DIVERGES = {
    "conv.delta/exp": "what is recorded as yi and vi are other columns of the frame: the trials' sizes and years",
}
"""Cases that cannot agree, with the cause."""


def of_group(r_cases: Mapping[str, Any], group: str) -> list[dict[str, Any]]:
    return [case for case in r_cases["cases"] if case["group"] == group]


def numbers(values: list[Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([math.nan if value is None else float(value) for value in values])


def test_conv_2x2(r_cases: Mapping[str, Any]) -> None:
    compared = 0
    for case in of_group(r_cases, "conv.2x2"):
        given = {name: numbers(values) for name, values in case["inputs"].items()}
        margins: dict[str, Any] = {"events": given["n2i"], "n_1": given["n1i"], "n_2": given["ni"] - given["n1i"]}
        chi2 = given["x2i"]
        found = {
            "ri": es.convert("phi-to-2x2", r=given["ri"], **margins),
            "ori": es.convert("or-to-2x2", estimate=given["ori"], **margins),
            "x2i": es.convert("chi2-to-2x2", chi2=np.abs(chi2), direction=np.sign(chi2), **margins),
        }
        for row in range(chi2.size):
            (source,) = (name for name in found if not math.isnan(given[name][row]))
            made = [float(found[source][ours][row]) for ours in CELLS.values()]
            assert made == [case["outputs"][theirs][row] for theirs in CELLS], (case["id"], row)
            compared += 1
    assert compared == 4


def test_conv_wald(r_cases: Mapping[str, Any]) -> None:
    compared = 0
    for case in of_group(r_cases, "conv.wald"):
        assert "transf=log" in case["call"]
        names = {"est": "estimate", "lo": "ci_low", "hi": "ci_high", "p": "p_value", "z": "z_value"}
        given: dict[str, Any] = {names[name]: numbers(values) for name, values in case["inputs"].items()}
        made = es.convert("wald-log", **given)
        for target in ("yi", "vi"):
            assert made[target] == pytest.approx(case["outputs"][target], rel=1e-12), (case["id"], target)
            compared += made[target].size
    assert compared == 8


def test_conv_delta(r_cases: Mapping[str, Any]) -> None:
    cases = of_group(r_cases, "conv.delta")
    assert {case["id"] for case in cases} == set(DIVERGES)
    (case,) = cases
    inputs = r_cases["inputs"][case["inputs"]["ref"]]
    y, v = numbers(inputs["yi"]), numbers(inputs["vi"])
    made = es.convert("delta-exp", yi=y, vi=v)
    assert case["outputs"]["yi"] == inputs["ni"]
    assert case["outputs"]["vi"] == inputs["ord"]
    assert made["yi"] == pytest.approx([math.exp(value) for value in y], rel=1e-15)
    assert made["vi"] == pytest.approx(
        [value * math.exp(effect) ** 2 for effect, value in zip(y, v, strict=True)], rel=1e-14
    )
