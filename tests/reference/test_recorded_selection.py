"""The recorded selection models of R (metafor 5.1, weightr), at the 1e-4 of their readme.

Every case is met twice: our likelihood at R's estimates is R's (which its quadrature gives to some 1e-5), and our
maximum is no lower. Where estimates differ the case stands in the set of references with the cause.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es
from evisynth_estimators import selection_functions as functions
from evisynth_estimators.selection_fit import Sample
from evisynth_estimators.selection_likelihood import SelectionLikelihood
from evisynth_estimators.selection_plans import SmoothOptions, smooth_plan, step_plan
from evisynth_estimators.selection_steps import intervals_of_effect, intervals_of_p, steps_of
from evisynth_validation.metafor.selection import DIVERGE, NAMES, TOLERANCE, options_of, pairs, selection_models, short

if TYPE_CHECKING:
    from collections.abc import Mapping

SMOOTH = {
    "beta": functions.BETA,
    "halfnorm": functions.HALF_NORMAL,
    "negexp": functions.NEGATIVE_EXPONENTIAL,
    "logistic": functions.LOGISTIC,
    "power": functions.POWER,
    "negexppow": functions.NEGATIVE_EXPONENTIAL_POWER,
}


def cases_of(r_cases: Mapping[str, Any], group: str) -> list[tuple[dict[str, Any], es.MetaAnalysis]]:
    found: list[tuple[dict[str, Any], es.MetaAnalysis]] = []
    for case in r_cases["cases"]:
        if case["group"] == group:
            inputs = r_cases["inputs"][case["inputs"]["ref"]]
            effects = es.Effects(inputs["yi"], inputs["vi"])
            found.append((case, es.fit(effects, settings="metafor", tau2="ML", prediction=None, tau2_interval=None)))
    return found


def at_r(analysis: es.MetaAnalysis, kind: str, options: Mapping[str, Any], out: Mapping[str, Any]) -> float:
    """Give our log-likelihood at R's estimates."""
    y, v = analysis.effects.y, analysis.effects.v
    sample = Sample.of(y, v, np.ones((y.size, 1)), common=False)
    two_sided = options["side"] == "two-sided"
    group = np.zeros(y.size, dtype=np.int64)
    delta, u = out["delta"], np.zeros(0)
    if kind in SMOOTH:
        function = SMOOTH[kind]
        plan = smooth_plan(
            sample,
            SmoothOptions(
                function=function,
                two_sided=two_sided,
                group=group,
                precision=np.sqrt(v / v.max()) if "prec" in options else None,
                alpha=None,
                censor=(1e-5, 1e-5),
                delta=None,
            ),
            0.5,
        )
        u = np.array([functions.SCALES[s].of(d) for s, d in zip(function.scales, delta, strict=False)])
    elif kind == "stepfun":
        intervals = intervals_of_p(y / np.sqrt(v), options["steps"], two_sided=two_sided)
        plan = step_plan(steps_of(intervals, group, delta, decreasing=False))
    else:
        cut = delta[1] if kind == "truncest" else 0.0
        intervals = intervals_of_effect(y, np.sqrt(v), cut)
        plan = step_plan(steps_of(intervals, group, (1.0, delta[0]), decreasing=False))
    likelihood = SelectionLikelihood.of(y, v, sample.X, sample.centre, plan.selection)
    rho = sample.rho(out["tau2"])
    lam = rho * (out["beta"][0] - float(sample.centre[0])) / math.sqrt(sample.unit)
    return likelihood.at(np.array([lam, rho, *u])).value


def apart(made: es.BiasResult, kind: str, out: Mapping[str, Any]) -> dict[str, float]:
    """Give relative distances of everything that R gives too."""
    return {
        name: abs(ours - theirs) / abs(theirs)
        for name, (ours, theirs) in pairs(made, kind, out).items()
        if ours is not None and theirs is not None
    }


def test_recorded_selection_models(r_cases: Mapping[str, Any]) -> None:
    diverging: list[str] = []
    compared = cases_of(r_cases, "selmodel")
    assert len(compared) == 58
    for case, analysis in compared:
        kind, options = options_of(case["call"])
        name, out = short(case["id"]), case["outputs"]
        made = es.bias(analysis, f"selection: {NAMES[kind]}", **options)
        assert made.reason is None, (name, made.reason)
        assert made.convergence is not None
        assert made.convergence.converged
        ours = made.convergence.log_likelihood
        assert ours is not None
        if "error" in out:
            diverging.append(name)
            continue
        theirs = at_r(analysis, kind, options, out)
        assert theirs == pytest.approx(out["ll"], rel=TOLERANCE), name
        assert ours >= theirs - 1e-9, name
        if not all(distance < TOLERANCE for distance in apart(made, kind, out).values()):
            diverging.append(name)
    assert sorted(diverging) == sorted(DIVERGE)


def test_recorded_weightr(r_cases: Mapping[str, Any]) -> None:
    compared = cases_of(r_cases, "weightr")
    assert len(compared) == 2
    for case, analysis in compared:
        out = case["outputs"]
        made = es.bias(analysis, "selection: step", steps=case["options"]["steps"], side="right")
        assert made.after is not None
        assert made.convergence is not None
        ours = [made.parameters["tau2"], made.after, made.parameters["delta 2: p > 0.025"]]
        # Their search stops a little before the maximum, as its rounder numbers show: its log-likelihood is lower.
        constant = 0.5 * math.log(2.0 * math.pi) * made.k
        assert made.convergence.log_likelihood == pytest.approx(out["ll"][1] - constant, abs=TOLERANCE)
        assert made.convergence.log_likelihood >= out["ll"][1] - constant - 1e-9
        for one, (value,), se in zip(
            ours, out["adj_par"], np.array(out["adj_se"], dtype=np.float64).ravel().tolist(), strict=True
        ):
            assert one.value == pytest.approx(value, abs=3e-2 * one.se)
            assert one.se == pytest.approx(se, rel=3e-2)


def test_the_shipped_share_agrees_or_diverges_for_a_known_cause() -> None:
    found = list(selection_models(es.Asked(quick=True)))
    assert [one for one in found if one.verdict == "differs"] == []
    assert len({key for one in found for key in one.methods}) == 9
