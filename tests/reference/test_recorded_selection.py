"""The recorded selection models of R (metafor 5.1, weightr), at the 1e-4 of their readme.

Every case is met twice: our likelihood at R's estimates is R's (which its quadrature gives to some 1e-5), and our
maximum is no lower. Where estimates differ the case stands below with the cause.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es
from evisynth_estimators import selection_functions as functions
from evisynth_estimators.selection_fit import Sample
from evisynth_estimators.selection_likelihood import SelectionLikelihood
from evisynth_estimators.selection_plans import SmoothOptions, smooth_plan, step_plan
from evisynth_estimators.selection_steps import intervals_of_effect, intervals_of_p, steps_of

if TYPE_CHECKING:
    from collections.abc import Mapping

TOLERANCE = 1e-4
NAMES = {
    "stepfun": "step",
    "beta": "beta",
    "halfnorm": "half-normal",
    "negexp": "negative exponential",
    "logistic": "logistic",
    "power": "power",
    "negexppow": "negative exponential power",
    "trunc": "truncated",
    "truncest": "truncated, estimated cut",
}
SMOOTH = {
    "beta": functions.BETA,
    "halfnorm": functions.HALF_NORMAL,
    "negexp": functions.NEGATIVE_EXPONENTIAL,
    "logistic": functions.LOGISTIC,
    "power": functions.POWER,
    "negexppow": functions.NEGATIVE_EXPONENTIAL_POWER,
}
EARLY = "optim stops before the maximum (by its default relative change of 1e-8 of the log-likelihood)"
HESSIAN = "the standard errors are second differences of an integral that is good to 1e-4 alone"
BOUND = "delta ends at metafor's bound of 100, or 0 is met as 1e-4; ours goes on to the maximum"
LOCAL = "optim ends in a lower maximum"
RUGGED = "the cut point cannot move past an effect by gradients: optim ends in a lower maximum"
FAILED = "optim does not converge"
DIVERGE = {
    "hackshaw1998/greater/beta": HESSIAN,
    "hackshaw1998/greater/halfnorm": EARLY,
    "hackshaw1998/greater/negexp": EARLY,
    "hackshaw1998/greater/logistic": HESSIAN,
    "hackshaw1998/greater/power": EARLY,
    "hackshaw1998/greater/negexppow": EARLY,
    "hackshaw1998/greater/truncest": RUGGED,
    "baskerville2012/greater/stepfun, steps=c(0.025,0.5)": BOUND,
    "baskerville2012/greater/beta": BOUND,
    "baskerville2012/greater/halfnorm": HESSIAN,
    "baskerville2012/greater/negexppow": FAILED,
    "baskerville2012/greater/trunc": BOUND,
    "baskerville2012/greater/truncest": RUGGED,
    "bangertdrowns2004/greater/stepfun, steps=0.025": EARLY,
    "bangertdrowns2004/greater/beta": LOCAL,
    "bangertdrowns2004/greater/halfnorm": EARLY,
    "bangertdrowns2004/greater/negexp": EARLY,
    "bangertdrowns2004/greater/logistic": EARLY,
    "bangertdrowns2004/greater/power": EARLY,
    "bangertdrowns2004/greater/negexppow": LOCAL,
    'bangertdrowns2004/greater/halfnorm, prec="sei"': EARLY,
    "bangertdrowns2004/greater/truncest": RUGGED,
    **{
        f"begg1989/{side}/{kind}": BOUND
        for side in ("greater", "two.sided")
        for kind in (
            "stepfun, steps=0.025",
            "stepfun, steps=c(0.025,0.5)",
            "beta",
            "halfnorm",
            "negexp",
            "logistic",
            "power",
            "negexppow",
            'halfnorm, prec="sei"',
        )
    },
    "begg1989/greater/trunc": BOUND,
    "begg1989/greater/truncest": RUGGED,
}


def short(name: str) -> str:
    return name.removeprefix("selmodel/dat.").replace("|GEN", "")


def cases_of(r_cases: Mapping[str, Any], group: str) -> list[tuple[dict[str, Any], es.MetaAnalysis]]:
    found: list[tuple[dict[str, Any], es.MetaAnalysis]] = []
    for case in r_cases["cases"]:
        if case["group"] == group:
            inputs = r_cases["inputs"][case["inputs"]["ref"]]
            effects = es.Effects(inputs["yi"], inputs["vi"])
            found.append((case, es.fit(effects, settings="metafor", tau2="ML", prediction=None, tau2_interval=None)))
    return found


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"[\d.]+", text)]


def options_of(case: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    call = case["call"]
    (kind,) = re.findall(r'type="(\w+)"', call)
    options: dict[str, Any] = {"side": "two-sided" if "two.sided" in call else "right"}
    if "prec" in call:
        options["prec"] = "sei"
    for name in ("steps", "delta"):
        given = re.search(rf"{name}=(c\([^)]*\)|[\d.]+)", call)
        if given:
            options[name] = numbers(given.group(1))
    return kind, options


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
    assert made.after is not None
    assert made.convergence is not None
    assert made.convergence.log_likelihood is not None
    tau2 = made.parameters["tau2"]
    pairs: dict[str, tuple[float | None, float | None]] = {
        "mean": (made.after.value, out["beta"][0]),
        "se": (made.after.se, out["se"][0]),
        "low": (made.after.ci_low - made.after.value, out["ci_lb"][0] and out["ci_lb"][0] - out["beta"][0]),
        "tau2": (tau2.value, out["tau2"]),
        "se of tau2": (tau2.se, out["se_tau2"]),
        "LRT": (made.statistic, out["LRT"]),
        "p": (made.p_value, out["LRTp"]),
        "log-likelihood": (made.convergence.log_likelihood, out["ll"]),
    }
    deltas = [one for name, one in made.parameters.items() if name != "tau2"]
    if kind in {"trunc", "truncest"}:
        deltas = deltas[1:]
    for place, (one, value, se) in enumerate(zip(deltas, out["delta"], out["se_delta"], strict=True)):
        pairs[f"delta {place}"], pairs[f"se of delta {place}"] = (one.value, value), (one.se, se)
    return {
        name: abs(ours - theirs) / abs(theirs)
        for name, (ours, theirs) in pairs.items()
        if ours is not None and theirs is not None
    }


def test_recorded_selection_models(r_cases: Mapping[str, Any]) -> None:
    diverging: list[str] = []
    compared = cases_of(r_cases, "selmodel")
    assert len(compared) == 58
    for case, analysis in compared:
        kind, options = options_of(case)
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
