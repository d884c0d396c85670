"""Hold heterogeneity and pooled effects to ``heterogeneity.json`` and ``tau2.json``: ordinary and hard sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evisynth import Agreement, Asked, Effects, Tau2Estimator, Tau2Fit, fit, intercept
from evisynth_validation.mpmath.stored import CLOSED, ITERATIVE, share, stored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evisynth import MetaAnalysis, Method

WHOLE = ("DL", "REML", "PM")
"""Estimators whose pooled effects, standard errors and limits are stored too."""
CLOSED_FORMS = frozenset({"DL", "HE", "GENQ", "HS", "HSk", "SJ"})
SAME_ROOT = {"EB": "PM", "DLIT": "PM", "SJIT": "PM"}
"""Estimators whose iterations end at Paule and Mandel's root."""
DUST = 1e-40
"""What 50 digits leave of a sum of squares that is 0."""
_GROWS = 5.0
"""Rounding of Q about a recentred mean, and of what is made of it, in units of that of its terms."""


def compared_heterogeneity(asked: Asked) -> Iterator[Agreement]:
    """Fit each set of effects by each estimator."""
    pairs = list(zip(stored("heterogeneity.json")["sets"], stored("tau2.json")["sets"], strict=True))
    for case, more in share(pairs, asked.quick):
        y, v = np.array(case["y"]), np.array(case["v"])
        X = np.array(case["x"]) if "x" in case else intercept(y.size)
        for record in asked.records(Tau2Estimator):
            yield from _alone(record, case, more["expected"], record.function(y, v, X))
        for name in WHOLE:
            # Other methods than τ² itself are behind these numbers.
            if asked.any_of((Tau2Estimator.kind, name), *_BESIDE):
                yield from _whole(case, name, y, v)


_BESIDE = (
    ("PoolingModel", "IV"),
    ("EffectMeasure", "GEN"),
    ("IntervalMethod", "HK"),
    ("IntervalMethod", "Wald"),
    ("Tau2Interval", "QP"),
)


def _where(case: Any) -> str:  # noqa: ANN401 - JSON
    return f"{case['id']} ({case['group']}, k = {len(case['y'])})"


def _alone(record: Method, case: Any, more: Any, made: object) -> Iterator[Agreement]:  # noqa: ANN401 - JSON
    key = SAME_ROOT.get(record.name, record.name)
    truth = case["expected"].get(key) if key in WHOLE else more.get(key)
    if truth is None or not isinstance(made, Tau2Fit):
        return
    where, grown = _where(case), case["expected"].get("cond_x", 1.0)
    tolerance = (CLOSED if record.name in CLOSED_FORMS else ITERATIVE) * grown
    tau2 = float(made.tau2) if key not in WHOLE else max(float(made.tau2), 0.0)
    yield Agreement(record, where, "τ²", truth["tau2"], tau2, tolerance, truth["cond"])
    se = more["se"][key] if key in WHOLE else truth["se"]
    # It grows with τ² at most as fast as τ² itself does.
    growth = 1.0 + (truth["cond"] if truth["tau2"] > 0 else 0.0)
    yield Agreement(
        record, where, "standard error of τ²", se, None if made.se is None else float(made.se), tolerance, growth
    )
    if key != record.name or "modes" not in truth or made.modes is None or made.log_likelihood is None:
        return
    yield Agreement(record, where, "maxima of the likelihood", truth["modes"], int(made.modes))
    yield Agreement(
        record,
        where,
        "log-likelihood",
        truth["log_likelihood"],
        float(made.log_likelihood),
        floor=ITERATIVE * grown * truth["log_likelihood_scale"],
    )


def _whole(case: Any, name: str, y: Any, v: Any) -> Iterator[Agreement]:  # noqa: ANN401 - JSON and arrays
    expected, where = case["expected"], f"{_where(case)}, {name}"
    moderators = np.array(case["x"])[:, 1:] if "x" in case else None
    analysis = fit(
        Effects(y, v), tau2=name, settings="metafor", moderators=moderators, interval="HK", tau2_interval="QP"
    )
    tolerance = (CLOSED if name == "DL" else ITERATIVE) * expected.get("cond_x", 1.0)
    methods, spread, truth = analysis.methods.used("random"), analysis.heterogeneity, expected[name]
    pooling = (("PoolingModel", "IV"), ("EffectMeasure", "GEN"), (Tau2Estimator.kind, name))
    q = expected["q"] if expected["q"] > DUST else 0.0
    yield Agreement(pooling, where, "degrees of freedom", expected["df"], spread.df)
    yield Agreement(pooling, where, "Q", q, spread.q, CLOSED * expected.get("cond_x", 1.0), _GROWS)
    made = analysis.models["random"].fit
    for j, (b, s) in enumerate(zip(truth["coefficients"], truth["se"], strict=True)):
        value, se = (None, None) if made is None else (float(made.coefficients[j]), float(made.se[j]))
        yield Agreement(pooling, where, f"coefficient {j}", b, value, tolerance, truth["cond_coefficients"][j])
        yield Agreement(pooling, where, f"standard error {j}", s, se, tolerance, truth["cond_se"][j])
    if name == "REML":
        yield from _limits(where, analysis, expected, tolerance)
        i2 = expected["i2_tau2"]
        yield Agreement(methods, where, "I² from τ²", i2, spread.i2_tau2, tolerance, truth["cond"] * _GROWS)


def _limits(where: str, analysis: MetaAnalysis, expected: Any, tolerance: float) -> Iterator[Agreement]:  # noqa: ANN401 - JSON
    truth, estimates, spread = expected["REML"], analysis.model.estimates, analysis.heterogeneity
    for j, s in enumerate(truth["se_hk"]):
        key = ("IntervalMethod", "HK")
        if s < DUST:
            # Identical effects have no Hartung-Knapp interval.
            yield Agreement(key, where, "said to be none", expected=True, observed=bool(analysis.model.note))
        elif estimates is not None:
            condition = truth["cond_se_hk"][j] * _GROWS
            yield Agreement(key, where, f"standard error {j}", s, float(estimates.se[j]), tolerance, condition)
    limits, key = expected["q_profile"], ("Tau2Interval", "QP")
    if limits is None:
        said = spread.tau2_ci_low is None and "empty" in str(spread.tau2_ci_reason)
        yield Agreement(key, where, "said to be empty", expected=True, observed=said)
        return
    low, high = spread.tau2_ci_low, spread.tau2_ci_high
    yield Agreement(key, where, "lower limit of τ²", limits["lower"], low, tolerance, limits["cond_lower"])
    yield Agreement(key, where, "upper limit of τ²", limits["upper"], high, tolerance, limits["cond_upper"])
