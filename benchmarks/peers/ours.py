"""Do the tasks by evisynth: several ways for some, each a row of the comparison."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import evisynth as es
from peers import ANALYSES, COMPARED, FEWER, HUGE, LARGE, MEASURED, REGRESSED, STUDIES, Answer, Call, Data, K

if TYPE_CHECKING:
    from collections.abc import Mapping

EXACT, STOPPED = 1e-8, 2e-3
"""Relative differences allowed: of closed forms, and of iterations that others stop early."""


def rows(data: Data) -> list[tuple[str, str, Call, float]]:
    """List the rows: what, the task that peers do beside it ("" for none), our call and the difference allowed."""
    one = es.Effects(*data.one)
    listed: list[tuple[str, str, Call, float]] = []
    for method, tolerance in (("DL", EXACT), ("REML", STOPPED), ("PM", STOPPED)):
        what = f"fit, {K} studies, {method}"
        listed += [
            (f"{what}: estimate", f"one {method}", Call(partial(estimate, one, tau2=method)), tolerance),
            (f"{what}: and heterogeneity", f"one {method}", Call(partial(heterogeneity, one, tau2=method)), tolerance),
        ]
    tables = es.load(dict(data.tables))
    moderators = data.moderators
    regressed = es.Effects(*data.regressed)
    large, huge = es.Effects(*data.large), es.Effects(*data.huge)
    return [
        *listed,
        (f"fit, {K} studies, REML, Hartung-Knapp", "one HK", Call(partial(hartung_knapp, one)), STOPPED),
        (f"Q-profile interval of τ², {K} studies", "one QP", Call(partial(q_profile, one)), STOPPED),
        (f"fit, {K} 2×2 tables, RR by Mantel-Haenszel", "tables MH", Call(partial(mantel_haenszel, tables)), EXACT),
        (f"log risk ratios of {MEASURED:,} tables", "log RR", Call(partial(log_risk_ratios, data.measured)), EXACT),
        (f"fit, {LARGE:,} studies, DL", "large DL", Call(partial(estimate, large, tau2="DL")), EXACT),
        (f"fit, {HUGE:,} studies, DL", "", Call(partial(estimate, huge, tau2="DL")), EXACT),
        (
            f"meta-regression, {REGRESSED} studies, 2 moderators, REML",
            "regression REML",
            Call(partial(regression, regressed, moderators)),
            STOPPED,
        ),
        (f"leave one out, {LARGE:,} studies, DL", "leave-one-out DL", Call(partial(leave_one_out, large)), EXACT),
        *batches(data),
    ]


def batches(data: Data) -> list[tuple[str, str, Call, float]]:
    """List the rows of many analyses at once."""
    y, v = data.many
    numbers = np.repeat(np.arange(ANALYSES), STUDIES)
    names = np.array([f"outcome {i}" for i in range(ANALYSES)])[numbers].tolist()
    by_number = pd.DataFrame({"outcome": numbers, "yi": y, "vi": v})
    by_name = by_number.assign(outcome=names)
    offsets = np.arange(0, y.size + 1, STUDIES)
    columns = {"by": "outcome", "y": "yi", "v": "vi"}
    what = f"fit_many, {ANALYSES:,} × {STUDIES} studies, DL"
    ways: Mapping[str, Any] = {
        "offsets": partial(first_of_many, y=y, v=v, offsets=offsets, tau2="DL"),
        "integer keys": partial(first_of_many, by_number, tau2="DL", **columns),
        "string keys": partial(first_of_many, by_name, tau2="DL", **columns),
    }
    few = slice(0, FEWER * STUDIES)
    fewer = partial(first_of_many, y=y[few], v=v[few], offsets=offsets[: FEWER + 1], tau2="REML")
    return [
        *((f"{what}: {way}", "many DL", Call(call, ANALYSES), EXACT) for way, call in ways.items()),
        (f"fit_many, {FEWER:,} × {STUDIES} studies, REML", "many REML", Call(fewer, FEWER), STOPPED),
    ]


def estimate(effects: es.Effects, **words: Any) -> Answer:  # noqa: ANN401 - the fields of Settings
    """Give the pooled estimate of one analysis, with the τ² that it was made by."""
    analysis = es.fit(effects, settings="metafor", **words)
    assert analysis.pooled is not None
    assert analysis.fit is not None
    return analysis.pooled.value, analysis.pooled.se, float(analysis.fit.tau2)


def heterogeneity(effects: es.Effects, **words: Any) -> Answer:  # noqa: ANN401 - the fields of Settings
    """Ask for what a call of metafor computes too: Q and its p-value, τ² and its standard error, I², H²."""
    analysis = es.fit(effects, settings="metafor", tau2_interval=None, **words)
    spread = analysis.heterogeneity
    assert analysis.pooled is not None
    assert spread.tau2 is not None
    return analysis.pooled.value, analysis.pooled.se, spread.tau2


def hartung_knapp(effects: es.Effects) -> Answer:
    """Give the estimate with its Hartung–Knapp interval."""
    pooled = es.fit(effects, settings="metafor", tau2="REML", interval="HK").pooled
    assert pooled is not None
    return pooled.value, pooled.ci_low, pooled.ci_high


def q_profile(effects: es.Effects) -> Answer:
    """Give the limits of τ²."""
    spread = es.fit(effects, settings="metafor", tau2="DL", tau2_interval="QP").heterogeneity
    assert spread.tau2_ci_low is not None
    assert spread.tau2_ci_high is not None
    return spread.tau2_ci_low, spread.tau2_ci_high


def mantel_haenszel(studies: es.Studies) -> Answer:
    """Pool 2×2 tables."""
    pooled = es.fit(studies, measure="RR", method="MH", model="common", settings="metafor").pooled
    assert pooled is not None
    return pooled.value, pooled.se


def log_risk_ratios(columns: Mapping[str, Any]) -> Answer:
    """Measure tables, from their columns on."""
    made = es.effects(columns, "RR", settings="metafor")
    return [*made.y[:COMPARED].tolist(), *made.v[:COMPARED].tolist()]


def regression(effects: es.Effects, moderators: Any) -> Answer:  # noqa: ANN401 - a matrix
    """Regress on two moderators."""
    made = es.fit(effects, settings="metafor", tau2="REML", moderators=moderators)
    return [one.value for one in made.coefficients.values()]


def leave_one_out(effects: es.Effects) -> Answer:
    """Leave each study out, from the analysis on."""
    made = es.leave_one_out(es.fit(effects, settings="metafor", tau2="DL"))
    return np.ravel(made.numbers.value).tolist()


def first_of_many(data: Any = None, **request: Any) -> Answer:  # noqa: ANN401 - what `fit_many` takes
    """Pool many analyses and give the first estimates."""
    return es.fit_many(data, settings="metafor", **request)["effect"].iloc[:COMPARED].tolist()
