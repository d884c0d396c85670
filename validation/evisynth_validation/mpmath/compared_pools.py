"""Hold pooled 2×2 tables to ``pooling.json``, by the conventions of RevMan 5 and of metafor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evisynth import Agreement, Asked, EffectMeasure, PoolingModel, Studies, fit, read_only
from evisynth_validation.mpmath.stored import CLOSED, share, stored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evisynth import MetaAnalysis

MODELS = ("common", "random")
_METHODS = {"mh": "MH", "iv": "IV", "peto": "Peto"}
_ROUNDED = 10.0
"""Condition of a standard error whose terms are products of three sums."""


def compared_pools(asked: Asked) -> Iterator[Agreement]:
    """Pool each set of tables by every measure, method and model that the file has for it."""
    for case in share(stored("pooling.json")["sets"], asked.quick):
        a, n_1, c, n_2 = np.array(case["studies"], dtype=float).T
        columns = {"events_1": a, "n_1": n_1, "events_2": c, "n_2": n_2}
        labels = tuple(f"study {number}" for number in range(1, len(a) + 1))
        studies = Studies(columns={name: read_only(column) for name, column in columns.items()}, study=labels)
        for measure, truth in case["expected"]["revman5"].items():
            yield from _revman(asked, case, studies, measure, truth)
        for measure, truth in case["expected"]["metafor"].items():
            if truth is not None and measure != "PETO" and (PoolingModel.kind, "MH") in asked:
                yield from _metafor(case, studies, measure, truth)


def _revman(asked: Asked, case: Any, studies: Studies, measure: str, truth: Any) -> Iterator[Agreement]:  # noqa: ANN401 - JSON
    where = f"{case['id']} ({case['group']}), revman5 {measure}"
    if truth is None or truth["k"] == 0:
        empty = fit(studies, measure=measure, settings="revman5")
        methods = empty.methods.used()
        yield Agreement(
            methods,
            where,
            "no pooled effect, with a reason",
            expected=True,
            observed=empty.pooled is None and bool(empty.reason),
        )
        return
    for key, method in _METHODS.items():
        held = truth.get(key)
        if held is None or not asked.any_of(
            (PoolingModel.kind, method), (EffectMeasure.kind, measure), ("Tau2Estimator", "DL")
        ):
            continue
        for model in MODELS:
            if model == "common" or "random" in held:
                analysis = fit(studies, measure=measure, method=method, model=model, settings="revman5")
                yield from _line(f"{where} {method} {model}", analysis, truth["k"], held, model)


def _line(where: str, analysis: MetaAnalysis, k: int, held: Any, model: str) -> Iterator[Agreement]:  # noqa: ANN401 - JSON
    methods, pooled, spread = analysis.methods.used(model), analysis.pooled, analysis.heterogeneity
    line = held if model == "common" else held["random"]
    value, se = (None, None) if pooled is None else (pooled.value, pooled.se)
    yield Agreement(methods, where, "k", k, analysis.k)
    yield Agreement(methods, where, "pooled effect", line["estimate"], value, CLOSED, line["cond"])
    yield Agreement(methods, where, "standard error", line["se"], se, CLOSED, line.get("cond_se", line["cond"]))
    if held["df"] == 0:
        return
    yield Agreement(methods, where, "degrees of freedom", held["df"], spread.df)
    yield Agreement(methods, where, "Q", held["q"], spread.q, CLOSED, held["cond_q"])
    if "tau2" in held and spread.tau2 is not None:
        tau2 = (("Tau2Estimator", analysis.methods.tau2.name),)
        yield Agreement(tau2, where, "τ²", held["tau2"], spread.tau2, CLOSED, held["cond_tau2"])


def _metafor(case: Any, studies: Studies, measure: str, truth: Any) -> Iterator[Agreement]:  # noqa: ANN401 - JSON
    analysis = fit(studies, measure=measure, method="MH", settings="metafor")
    if analysis.pooled is None:
        return
    where, methods = f"{case['id']} ({case['group']}), metafor {measure} MH", analysis.methods.used("common")
    pooled, se = analysis.pooled, truth.get("se_sato", truth["se"])
    yield Agreement(methods, where, "pooled effect", truth["estimate"], pooled.value, CLOSED, truth["cond"])
    yield Agreement(methods, where, "standard error", se, pooled.se, CLOSED, max(truth["cond"], _ROUNDED))
