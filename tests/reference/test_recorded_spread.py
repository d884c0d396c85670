"""The recorded limits of τ², τ, I² and H²: every case of metafor 5.1's ``confint`` and meta 8.4's ``metagen``."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es
from evisynth_validation.mpmath.exact import chi_squared_quantile, sqrt
from evisynth_validation.mpmath.linear import Data
from evisynth_validation.mpmath.spread import relative_distance, tail_of_q

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evisynth.heterogeneity import Heterogeneity

ITERATIVE = 1e-9
"""Precision of the records, by their readme."""
ILL = 1e-6
"""Where the variances span more than six decades metafor's sums, in the order given, cost it digits."""
CONTROL = 1e-13
"""What the recorded calls hand on as tolerance: an absolute one, whatever the unit of τ²."""
UNIROOT = 2.0**-13
"""R's ``uniroot`` stops here unless told otherwise, and nobody can tell the searches of GENQ and of ``metagen``."""

CONFINT_APART: Mapping[str, str] = {
    r"/GENQ/GENQ$": "the tolerance that is handed on does not reach the search by generalised Q, nor its distribution: "
    f"limits of τ² agree to {UNIROOT}, uniroot's own tolerance, and no better",
    r"dat\.normand1999\|MD/DL/QP$": "metafor's search ends at ten times the estimate, as its mark says; ours "
    "goes on to the root",
    r"dat\.steurer2006\|GEN/REML/Wald\.(log|sqrt)$": "metafor's REML stops at τ² = 1e-14, and its transformed "
    "intervals are of that number; the maximum is at 0, where log τ² has no interval and √τ² no upper limit",
}
"""Records that ours differ from, with the cause; the tests of exact arithmetic decide for ours."""


def numbers(values: list[Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([math.nan if value is None else float(value) for value in values])


def apart(value: float | None, truth: float | str | None, floor: float = 0.0) -> float:
    """Relative distance beyond an absolute one."""
    if truth is None or value is None:
        return 0.0 if truth is None and value is None else math.inf
    truth = float(truth)
    return 0.0 if value == truth or abs(value - truth) <= floor else abs(value - truth) / max(abs(truth), 1e-300)


def cases_of(r_cases: Mapping[str, Any], group: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for case in r_cases["cases"]:
        if case["group"] == group:
            yield case, r_cases["inputs"][case["inputs"]["ref"]]


def spread_of(case: Mapping[str, Any], inputs: Mapping[str, Any]) -> Heterogeneity:
    model = case["options"]["model"]
    found = re.search(r'method="(\w+)"', model)
    words: dict[str, Any] = {"tau2": found[1] if found else "REML"}
    if "weights=1/sqrt(vi)" in model:
        words["weights"] = 1 / np.sqrt(numbers(inputs["vi"]))
    if "X" in inputs:
        # Beside an intercept the other columns span the same space.
        words["moderators"] = np.array(inputs["X"], dtype=np.float64)[:, 1:]
    effects = es.Effects(numbers(inputs["yi"]), numbers(inputs["vi"]))
    method = case["options"].get("type") or "QP"
    return es.fit(effects, settings="metafor", prediction=None, tau2_interval=method, **words).heterogeneity


def rows_of(spread: Heterogeneity) -> dict[str, tuple[float | None, float | None, float | None]]:
    """Put ours as ``confint`` prints its own."""
    return {
        "tau^2": (spread.tau2, spread.tau2_ci_low, spread.tau2_ci_high),
        "tau": (spread.tau, spread.tau_ci_low, spread.tau_ci_high),
        "I^2(%)": (spread.i2, spread.i2_ci_low, spread.i2_ci_high),
        "H^2": (spread.h2, spread.h2_ci_low, spread.h2_ci_high),
    }


def far_from(
    case: Mapping[str, Any], spread: Heterogeneity, v: es.FloatArray, tolerance: float
) -> dict[str, list[tuple[float | None, float | None]]]:
    floor = max(1e-11 * float(np.nanmean(v)), CONTROL)
    # A τ² that is 0 but for the tolerance shows in τ by its root.
    floors = {"tau^2": floor, "tau": math.sqrt(floor), "I^2(%)": 1e-7, "H^2": 1e-9}
    truth = dict(zip(case["outputs"]["names"], case["outputs"]["random"], strict=True))
    found: dict[str, list[tuple[float | None, float | None]]] = {}
    for name, values in rows_of(spread).items():
        pairs = [
            (value, expected)
            for value, expected in zip(values, truth[name], strict=True)
            if apart(value, expected, floors[name]) > tolerance
        ]
        if pairs:
            found[name] = pairs
    return found


def test_confint(r_cases: Mapping[str, Any]) -> None:
    compared = 0
    seen: set[str] = set()
    for case, inputs in cases_of(r_cases, "confint"):
        v = numbers(inputs["vi"])
        spread = spread_of(case, inputs)
        tolerance = ILL if np.nanmax(v) / np.nanmin(v) > 1e6 else ITERATIVE
        kind = case["options"].get("type")
        compared += 1
        cause = next((pattern for pattern in CONFINT_APART if re.search(pattern, case["id"])), None)
        truth = dict(zip(case["outputs"]["names"], case["outputs"]["random"], strict=True))
        if case["outputs"]["ci_null"]:
            # metafor shows an interval from 0 to 0 with a mark, ours is no interval at all.
            assert spread.tau2_limits[0] is None, case["id"]
            assert spread.tau2_ci_reason is not None, case["id"]
            assert "empty" in spread.tau2_ci_reason, case["id"]
            assert truth["tau^2"][1:] == [0, 0], case["id"]
        elif spread.tau2 == 0 and kind in {"Wald.log", "Wald.sqrt"}:
            # metafor has 0 to NaN, or to infinity with an I² of NaN.
            assert (spread.tau2_ci_high is None) == (kind == "Wald.log"), case["id"]
            assert spread.tau2_ci_high is None or (spread.tau2_ci_high, spread.i2_ci_high) == (math.inf, 100.0)
            assert spread.tau2_ci_reason is not None, case["id"]
            if cause is None:
                assert truth["tau^2"][2] == (None if kind == "Wald.log" else "Inf"), case["id"]
            else:
                assert truth["tau^2"][0] < 1e-13, case["id"]
                seen.add(cause)
        elif cause is not None and kind == "GENQ":
            seen.add(cause)
            assert apart(spread.tau2, truth["tau^2"][0], 1e-11 * float(np.nanmean(v))) < ITERATIVE, case["id"]
            for ours, theirs in zip(rows_of(spread)["tau^2"][1:], truth["tau^2"][1:], strict=True):
                assert apart(ours, theirs, UNIROOT) < ITERATIVE, case["id"]
        elif cause is not None:
            seen.add(cause)
            assert spread.tau2_ci_high is not None, case["id"]
            assert case["outputs"]["ub_sign"] == ">", case["id"]
            assert spread.tau2_ci_high > truth["tau^2"][2] == pytest.approx(10 * truth["tau^2"][0]), case["id"]
            assert apart(spread.tau2_ci_low, truth["tau^2"][1]) < ITERATIVE, case["id"]
        else:
            assert not far_from(case, spread, v, tolerance), case["id"]
    assert compared == 496
    assert seen == set(CONFINT_APART)


def test_the_exact_distribution_decides_for_ours(r_cases: Mapping[str, Any]) -> None:
    """Where a record of ``confint`` differs, ours has the tail probability, or the likelihood, that it should."""
    decided = 0
    for case, inputs in cases_of(r_cases, "confint"):
        kind = case["options"].get("type")
        if not (kind == "GENQ" or re.search(r"normand1999\|MD/DL/QP", case["id"])):
            continue
        y, v = numbers(inputs["yi"]), numbers(inputs["vi"])
        there = np.isfinite(y) & np.isfinite(v)
        data = Data.of(y[there].tolist(), v[there].tolist())
        spread = spread_of(case, inputs)
        if spread.tau2_ci_high is None or len(data.y) > 14:
            continue
        if kind == "QP":
            target = chi_squared_quantile("0.025", data.df)
            apart_, slope = relative_distance(lambda tau2: data.fit(tau2).q / target - 1, spread.tau2_ci_high)  # noqa: B023 - called here
        else:
            a = [1 / sqrt(value) for value in data.v]
            tail = 0.5 * (1 - 0.95)
            apart_, slope = relative_distance(lambda tau2: tail_of_q(data, a, tau2) / tail - 1, spread.tau2_ci_high)  # noqa: B023 - called here
        assert apart_ < 1e-12 * max(1.0, 1.0 / slope), case["id"]
        decided += 1
    assert decided > 15


METAGEN_CI = {"QP": "QP", "J": "J", "BJ": "BJ", "PL": "QP"}
"""What `metagen` computes where it is asked for each: it has profile likelihood for multilevel models only, and gives
Q-profile without a word."""


def metagen_spread(case: Mapping[str, Any], inputs: Mapping[str, Any]) -> Heterogeneity:
    call = case["call"]
    method = re.search(r'method\.tau="(\w+)"', call)
    asked = re.search(r'method\.tau\.ci="(\w+)"', call)
    assert method is not None
    interval = METAGEN_CI[asked[1]] if asked else "J" if method[1] == "DL" else "QP"
    return es.fit(
        es.Effects(numbers(inputs["yi"]), numbers(inputs["vi"])),
        settings="meta",
        prediction=None,
        tau2=method[1],
        tau2_interval=interval,
        i2="tau2" if 'method.I2="tau2"' in call else "q",
    ).heterogeneity


def test_metagen(r_cases: Mapping[str, Any]) -> None:
    compared = 0
    for case, inputs in cases_of(r_cases, "meta.metagen"):
        truth, name = case["outputs"], case["id"]
        compared += 1
        spread = metagen_spread(case, inputs)
        assert spread.tau2 is not None
        assert spread.typical_variance is not None
        threshold = re.search(r"(?:threshold|tol)=([\de.-]+)", case["call"])
        closed = re.search(r'method\.tau="(DL|HS|HE)"', case["call"]) is not None
        # An iteration that stops at a step below the threshold is a few such steps from the maximum.
        floor = 1e-14 if closed else 3 * (float(threshold[1]) if threshold else 1e-5)
        allowed = ITERATIVE + 2 * floor / (spread.tau2 + float(np.nanmin(numbers(inputs["vi"]))))
        found = {
            "tau2": apart(spread.tau2, truth["tau2"], floor),
            "tau": apart(spread.tau2, truth["tau"] ** 2, floor),
            "se_tau2": apart(spread.tau2_se, truth["se_tau2"]) / allowed * ITERATIVE,
            "Rb": 0.0 if spread.r_b is None else apart(spread.r_b / 100, truth["Rb"]) / allowed * ITERATIVE,
        }
        if 'method.I2="tau2"' not in case["call"]:
            for ours, theirs in (("i2", "I2"), ("i2_ci_low", "lower_I2"), ("i2_ci_high", "upper_I2")):
                value = getattr(spread, ours)
                found[theirs] = apart(None if value is None else value / 100, truth[theirs], 1e-12)
            assert spread.h is not None
            # meta shows an H below 1 as 1.
            found["H"] = apart(max(spread.h, 1.0), truth["H"])
            for ours, theirs in (("h2_ci_low", "lower_H"), ("h2_ci_high", "upper_H")):
                value = getattr(spread, ours)
                found[theirs] = apart(None if value is None else math.sqrt(value), truth[theirs])
        else:
            # Theirs follow from their own limits of τ², and ours from ours, by the same formula.
            for end in ("lower", "upper"):
                tau2 = truth[f"{end}_tau2"]
                found[f"{end}_I2"] = apart(tau2 / (tau2 + spread.typical_variance), truth[f"{end}_I2"], 1e-12)
                found[f"{end}_H"] = apart(math.sqrt(1 + tau2 / spread.typical_variance), truth[f"{end}_H"])
        if spread.tau2_limits[0] is None:
            assert spread.tau2_ci_reason is not None, name
            assert "empty" in spread.tau2_ci_reason, name
            assert (truth["lower_tau2"], truth["upper_tau2"]) == (0, 0), name
        else:
            for limit, end in ((spread.tau2_ci_low, "lower"), (spread.tau2_ci_high, "upper")):
                found[f"{end}_tau2"] = apart(limit, truth[f"{end}_tau2"], UNIROOT)
                found[f"{end}_tau"] = apart(limit, truth[f"{end}_tau"] ** 2, UNIROOT)
        far = {quantity: by for quantity, by in found.items() if by > ITERATIVE}
        assert not far, (name, far)
    assert compared == 256
