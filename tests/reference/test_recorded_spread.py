"""The recorded limits of τ², τ, I² and H²: every case of metafor 5.1's ``confint`` and meta 8.4's ``metagen``."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ITERATIVE = 1e-9
"""Precision of the records, by their readme."""
ILL = 1e-6
"""Where the variances span more than six decades metafor's sums, in the order given, cost it digits."""
EARLY = 2.5e-4
"""meta's ``metagen`` cannot hand a tolerance on to the search for limits: R's ``uniroot`` stops within 1.2e-4."""

NOTHING_SAID = "recorded without a cause"

STOPPED = "metafor's search stops at 2⁻¹⁴ of its range, on the scale of τ² and not of these variances"
TINY = "metafor's REML stops at a τ² next to 0; the maximum is at 0"
BEYOND = "metafor's search ends at ten times the estimate, and says so; ours goes on to the root"
CONFINT_APART: Mapping[str, str] = {}
"""Records of ``confint`` that ours differ from, with the cause; the tests of exact arithmetic decide for ours."""


def numbers(values: list[Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([math.nan if value is None else float(value) for value in values])


def apart(value: float | None, truth: float | str | None, floor: float = 0.0) -> float:
    if truth is None or value is None:
        return 0.0 if truth is None and value is None else math.inf
    truth = float(truth)
    if value == truth:
        return 0.0
    return 0.0 if abs(value - truth) <= floor else abs(value - truth) / max(abs(truth), 1e-300)


def cases_of(r_cases: Mapping[str, Any], group: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for case in r_cases["cases"]:
        if case["group"] == group:
            yield case, r_cases["inputs"][case["inputs"]["ref"]]


def moderators_of(inputs: Mapping[str, Any]) -> es.FloatArray | None:
    """Give the columns beside an intercept of the same space."""
    return None if "X" not in inputs else np.array(inputs["X"], dtype=np.float64)[:, 1:]


def model_of(case: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    model = case["options"]["model"]
    found = re.search(r'method="(\w+)"', model)
    words: dict[str, Any] = {"tau2": found[1] if found else "REML"}
    if "weights=1/sqrt(vi)" in model:
        words["weights"] = 1 / np.sqrt(numbers(inputs["vi"]))
    moderators = moderators_of(inputs)
    if moderators is not None:
        words["moderators"] = moderators
    return words


def spread_of(case: Mapping[str, Any], inputs: Mapping[str, Any]) -> es.Heterogeneity:
    effects = es.Effects(numbers(inputs["yi"]), numbers(inputs["vi"]))
    method = case["options"].get("type") or "QP"
    return es.fit(
        effects, settings="metafor", prediction=None, tau2_interval=method, **model_of(case, inputs)
    ).heterogeneity


def test_confint(r_cases: Mapping[str, Any]) -> None:
    compared, different = 0, set()
    for case, inputs in cases_of(r_cases, "confint"):
        v = numbers(inputs["vi"])
        mean = float(np.nanmean(v))
        found = spread_of(case, inputs)
        truth = dict(zip(case["outputs"]["names"], case["outputs"]["random"], strict=True))
        ours = {
            "tau^2": (found.tau2, found.tau2_ci_low, found.tau2_ci_high),
            "tau": (found.tau, found.tau_ci_low, found.tau_ci_high),
            "I^2(%)": (found.i2, found.i2_ci_low, found.i2_ci_high),
            "H^2": (found.h2, found.h2_ci_low, found.h2_ci_high),
        }
        floors = {"tau^2": 1e-11 * mean, "tau": math.sqrt(1e-11 * mean), "I^2(%)": 1e-7, "H^2": 0.0}
        tolerance = ILL if np.nanmax(v) / np.nanmin(v) > 1e6 else ITERATIVE
        far = {
            (name, i): (value, truth[name][i])
            for name, values in ours.items()
            for i, value in enumerate(values)
            if apart(value, truth[name][i], floors[name]) > tolerance
        }
        if far: print(case["id"], far, found.tau2_ci_reason)
        compared += 1
    assert compared == 496
