"""Repeat `escalc`, `rma`, `predict`, `confint` and `leave1out`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evisynth import Agreement
from evisynth import effects as measured
from evisynth import leave_one_out as without_each
from evisynth_validation.metafor.stored import (
    condition_of,
    estimate_agreements,
    estimator_of,
    methods_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evisynth import MetaAnalysis
    from evisynth.validation.agreements import MethodKey
    from evisynth_validation.metafor.stored import Stored

TIGHTENED = 1e-12
"""metafor's iterations end when τ² moves by less than 1e-13 of the median variance."""
LOG_GAMMA = 1e-12
"""R has the exact J as a difference of log-gamma functions, which loses a digit by 100 participants."""
NO_CONVERGENCE = "metafor's REML does not converge without this study"


def effects(stored: Stored) -> Iterator[Agreement]:
    """Measure every table with every measure."""
    for name, truth in stored.results["effects"].items():
        columns = stored.results["data"][truth["data"]]
        if truth["measure"] == "GEN":
            continue
        methods: tuple[MethodKey, ...] = (("EffectMeasure", truth["measure"]),)
        if "events_1" in columns:
            methods = (*methods, ("Correction", "metafor"))
        if not stored.asked.any_of(*methods):
            continue
        made = measured(dict(columns), truth["measure"], settings="metafor", registry=stored.asked.registry)
        tolerance = LOG_GAMMA if truth["measure"] == "SMD" else 1e-13
        for i, (y, v) in enumerate(zip(truth["yi"], truth["vi"], strict=True)):
            where = f"{name}, study {i + 1}"
            if not v:
                # Of arms without events; or both SD are 0. What has no variance cannot be weighed.
                yield Agreement(methods, where, "reason", expected=True, observed=i in made.reasons)
                continue
            yield Agreement(methods, where, "yi", y, float(made.y[i]), tolerance=tolerance, floor=1e-15)
            yield Agreement(methods, where, "vi", v, float(made.v[i]), tolerance=tolerance)


def models(stored: Stored) -> Iterator[Agreement]:
    """Fit every model, with its prediction interval and Q-profile limits."""
    for case in stored.cases("model"):
        used = (*methods_of(case), ("PredictionInterval", "S"), ("PredictionInterval", "HK"), ("Tau2Interval", "QP"))
        if not stored.asked.any_of(*used):
            continue
        analysis = stored.analysis(case)
        yield from _coefficients(case, analysis)
        yield from _heterogeneity(case, analysis)
        if "prediction" in case:
            yield from _prediction(case, analysis)
        if "tau2_interval" in case:
            yield from _tau2_interval(case, analysis)


def tolerance_of(case: Mapping[str, Any], closed: float = 1e-13) -> float:
    """Allow for the end of metafor's iterations."""
    return closed if case.get("method", "EE") in {"EE", "DL"} else TIGHTENED


def _coefficients(case: Mapping[str, Any], analysis: MetaAnalysis) -> Iterator[Agreement]:
    truth, tolerance, condition = case["model"], tolerance_of(case), condition_of(analysis)
    columns = ("coefficients", "se", "statistic", "p", "ci_low", "ci_high")
    for j, (term, estimate) in enumerate(analysis.coefficients.items()):
        one: dict[str, Any] = dict(
            zip(("estimate", *columns[1:]), (truth[column][j] for column in columns), strict=True)
        )
        name = f"{term}: " if analysis.is_regression else ""
        yield from estimate_agreements(
            methods_of(case), case["id"], name, estimate, one, tolerance, condition=condition
        )


def _heterogeneity(case: Mapping[str, Any], analysis: MetaAnalysis) -> Iterator[Agreement]:
    truth, spread, tolerance = case["model"], analysis.heterogeneity, tolerance_of(case)
    if "k" not in truth:
        return
    methods = (("PoolingModel", "IV"), *estimator_of(case))
    condition = condition_of(analysis)
    q, df = float(spread.q or 0.0), float(spread.df or 0)
    # τ² by moments is a difference: its error is that of Q, in units of the trace that divides it.
    mean = float(np.mean(analysis.effects.v))
    found: dict[str, tuple[float | None, float, float]] = {
        "q": (spread.q, 1.0, 0.0),
        "q_p": (spread.p_value, 1.0 + q, 0.0),
        "i2": (spread.i2, 1.0, 100.0),
        "h2": (spread.h2, 1.0, 0.0),
    }
    if case["method"] != "EE":
        found["tau2"] = spread.tau2, 1.0, mean * max(q / df, 1.0) if df else mean
        found["tau2_se"] = spread.tau2_se, 1.0, mean
    if "log_likelihood" in truth:
        found["log_likelihood"] = analysis.fit_statistics["REML"].log_likelihood, 1.0, 1.0
    if analysis.regression is not None:
        omnibus = analysis.regression.omnibus
        statistic = omnibus.statistic
        found["r2"] = analysis.regression.r2, 1.0, 100.0
        found["qm"] = statistic, 1.0, 1.0
        found["qm_df"] = omnibus.df, 1.0, 0.0
        found["qm_p"] = omnibus.p_value, 1.0 + float(statistic or 0.0), 0.0
    yield Agreement(methods, case["id"], "k", truth["k"], analysis.k)
    for quantity, (value, growth, unit) in found.items():
        if quantity in truth:
            yield Agreement(
                methods,
                case["id"],
                quantity,
                truth[quantity],
                value,
                tolerance=tolerance,
                condition=growth * condition,
                floor=tolerance * condition * unit,
            )


def _prediction(case: Mapping[str, Any], analysis: MetaAnalysis) -> Iterator[Agreement]:
    limits, pooled = analysis.prediction, analysis.pooled
    name = "S" if case["test"] == "z" else "HK"
    methods = (("PredictionInterval", name), *methods_of(case))
    for side in ("low", "high"):
        value = None if limits is None else getattr(limits, side)
        unit = 0.0 if pooled is None else pooled.se
        yield Agreement(
            methods,
            case["id"],
            f"pi_{side}",
            case["prediction"][f"pi_{side}"],
            value,
            tolerance=tolerance_of(case),
            floor=tolerance_of(case) * unit,
        )


def _tau2_interval(case: Mapping[str, Any], analysis: MetaAnalysis) -> Iterator[Agreement]:
    truth, spread = case["tau2_interval"], analysis.heterogeneity
    methods = (("Tau2Interval", "QP"),)
    if "empty" in truth:
        yield Agreement(methods, case["id"], "empty", expected=True, observed=spread.tau2_ci_low is None)
        return
    mean, condition = float(np.mean(analysis.effects.v)), condition_of(analysis)
    for quantity, unit in (("tau2", mean), ("i2", 100.0), ("h2", 1.0)):
        for side in ("low", "high"):
            yield Agreement(
                methods,
                case["id"],
                f"{quantity}_{side}",
                truth[f"{quantity}_{side}"],
                getattr(spread, f"{quantity}_ci_{side}"),
                tolerance=TIGHTENED,
                condition=condition,
                floor=TIGHTENED * condition * unit,
            )


def leave_one_out(stored: Stored) -> Iterator[Agreement]:
    """Leave out one study at a time."""
    for case in stored.cases("leave_one_out"):
        methods = (*methods_of(case),)
        if not stored.asked.any_of(*methods):
            continue
        truth, analysis = case["leave_one_out"], stored.analysis(case)
        numbers, tolerance = without_each(analysis).numbers, tolerance_of(case)
        mean = float(np.mean(analysis.effects.v))
        columns = {
            "estimate": (numbers.value[0], numbers.se[0]),
            "se": (numbers.se[0], 0.0),
            "ci_low": (numbers.ci_low[0], numbers.se[0]),
            "ci_high": (numbers.ci_high[0], numbers.se[0]),
            "q": (numbers.q, 0.0),
            "i2": (numbers.i2, 100.0),
            "tau2": (numbers.tau2, mean * np.maximum(numbers.q / (analysis.k - 2), 1.0)),
        }
        for quantity, (values, unit) in columns.items():
            units = np.broadcast_to(unit, values.shape)
            for i, expected in enumerate(truth.get(quantity, ())):
                yield Agreement(
                    methods,
                    f"{case['id']}, without study {i + 1}",
                    quantity,
                    expected,
                    float(values[i]),
                    tolerance=tolerance,
                    floor=tolerance * float(units[i]),
                    divergence=NO_CONVERGENCE if expected is None else "",
                )
