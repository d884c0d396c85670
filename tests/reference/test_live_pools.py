"""Options of rma.mh and escalc for zero cells, and person-time, beside metafor on this machine."""

from __future__ import annotations

import importlib.util
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    Ask = Callable[..., Any]


def _load(name: str) -> ModuleType:
    """Import a module that lies beside this one; test folders are not packages."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


LIVE = _load("test_live_r")
pytestmark = pytest.mark.live_r
RULES = list(product((0.5, 0.1), ("only0", "if0all", "all", "none")))


def near(value: float | None, truth: float | None, rel: float = 1e-10) -> bool:
    if value is None or truth is None:
        return value is None and truth is None
    return bool(value == pytest.approx(truth, rel=rel, abs=1e-12))


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
def test_zero_cell_options(measure: str, ask_r: Ask, make_studies: Any) -> None:  # noqa: ANN401 - a fixture
    sets = [*LIVE.tables(), np.array([[0, 4, 0, 9], [10, 20, 12, 9], [0, 0, 3, 8], [11, 22, 30, 8]], dtype=float)]
    calls = ",".join(
        f"list({', '.join(f'{n}={LIVE.as_r(x)}' for n, x in zip(('ai', 'n1i', 'ci', 'n2i'), columns, strict=True))})"
        for columns in sets
    )
    rules = ",".join(f'list(add={add}, to="{to}")' for add, to in RULES)
    script = f"""
    one <- function(s, add, to, drop) suppressWarnings({{
      e <- escalc(measure="{measure}", ai=s$ai, n1i=s$n1i, ci=s$ci, n2i=s$n2i, add=add, to=to, drop00=drop)
      r <- tryCatch(rma.mh(measure="{measure}", ai=s$ai, n1i=s$n1i, ci=s$ci, n2i=s$n2i, add=c(add, add), to=c(to, to),
                           drop00=c(TRUE, drop)), error=function(e) NULL)
      number <- function(x) if (is.null(x) || !is.finite(x)) NA else as.numeric(x)
      list(yi=as.numeric(e$yi), vi=as.numeric(e$vi), beta=number(r$beta[1]), se=number(r$se), Q=number(r$QE))
    }})
    out <- lapply(list({calls}), function(s) lapply(list({rules}), function(rule)
      lapply(c(FALSE, TRUE), function(drop) one(s, rule$add, rule$to, drop))))
    """
    compared = 0
    for columns, by_rule in zip(sets, ask_r(script), strict=True):
        studies: es.Studies = make_studies(events_1=columns[0], n_1=columns[1], events_2=columns[2], n_2=columns[3])
        for ((add, to), by_drop), drop in product(zip(RULES, by_rule, strict=True), (False, True)):
            truth = by_drop[int(drop)]
            words: dict[str, Any] = {
                "measure": measure,
                "settings": "metafor",
                "increment": add,
                "increment_to": to,
                "double_zeros": "dropped" if drop else "by correction",
            }
            effects = es.effects(studies, **words)
            for i, (y, v) in enumerate(zip(truth["yi"], truth["vi"], strict=True)):
                if v is None or v == 0.0 or y is None:
                    assert i in effects.reasons
                    continue
                assert near(float(effects.y[i]), y), (add, to, drop, i)
                assert near(float(effects.v[i]), v), (add, to, drop, i)
            analysis = es.fit(studies, method="MH", mh_increment="added", **words)
            pooled = analysis.pooled
            assert near(None if pooled is None else pooled.value, truth["beta"]), (add, to, drop)
            if pooled is not None:
                assert near(pooled.se, truth["se"]), (add, to, drop)
                compared += 1
            if truth["Q"] is not None and analysis.heterogeneity.q is not None:
                assert near(analysis.heterogeneity.q, truth["Q"], 1e-9), (add, to, drop)
    assert compared > 100


@pytest.mark.parametrize("measure", ["IRR", "IRD"])
def test_person_time(measure: str, ask_r: Ask, make_studies: Any) -> None:  # noqa: ANN401 - a fixture
    rng = np.random.default_rng(31)
    sets: list[np.ndarray[Any, Any]] = []
    for k in (2, 5, 12):
        time = rng.uniform(20.0, 900.0, (2, k))
        events = np.maximum(rng.poisson(time * 0.01), [np.zeros(k), np.ones(k)])
        sets.append(np.array([events[0], time[0], events[1], time[1]]))
    # Studies without an event weigh in a difference, and have no effect that counts in Q.
    sets.append(np.array([[0, 5, 3, 0], [10, 20, 30, 15], [0, 7, 2, 2], [10, 20, 31, 11]], dtype=float))
    calls = ",".join(
        f"list({', '.join(f'{n}={LIVE.as_r(x)}' for n, x in zip(('x1', 't1', 'x2', 't2'), columns, strict=True))})"
        for columns in sets
    )
    script = f"""
    out <- lapply(list({calls}), function(s) suppressWarnings({{
      r <- rma.mh(measure="{measure}", x1i=s$x1, t1i=s$t1, x2i=s$x2, t2i=s$t2)
      plain <- rma.mh(measure="{measure}", x1i=s$x1, t1i=s$t1, x2i=s$x2, t2i=s$t2, correct=FALSE)
      list(beta=r$beta[1], se=r$se, Q=r$QE, MH=as.numeric(r$MH), plain=as.numeric(plain$MH))
    }}))
    """
    for columns, truth in zip(sets, ask_r(script), strict=True):
        studies: es.Studies = make_studies(
            events_1=columns[0], time_1=columns[1], events_2=columns[2], time_2=columns[3]
        )
        analysis = es.fit(studies, measure=measure, method="MH", settings="metafor")
        assert analysis.pooled is not None
        assert near(analysis.pooled.value, truth["beta"])
        assert near(analysis.pooled.se, truth["se"])
        assert near(analysis.heterogeneity.q, truth["Q"])
        many = es.fit_many(
            {"set": [1] * len(studies), **studies.columns}, by="set", measure=measure, method="MH", settings="metafor"
        )
        assert near(float(many["effect"][0]), truth["beta"])
        assert near(float(many["q"][0]), truth["Q"])
        if measure == "IRR":
            tests = es.table_tests(analysis)
            assert near(tests.mantel_haenszel_corrected.statistic, truth["MH"])
            assert near(tests.mantel_haenszel.statistic, truth["plain"])


def test_scripts_of_ours_give_our_numbers(ask_r: Ask, make_studies: Any) -> None:  # noqa: ANN401 - a fixture
    columns = LIVE.tables()[4]
    tables = make_studies(events_1=columns[0], n_1=columns[1], events_2=columns[2], n_2=columns[3])
    rates = make_studies(events_1=[3, 0, 7], time_1=[90.5, 50, 210], events_2=[6, 2, 9], time_2=[95, 51, 190])
    requests: list[tuple[Any, dict[str, Any]]] = [
        (tables, {"measure": "OR", "method": "MH", "mh_increment": "added", "increment": 0.3}),
        (tables, {"measure": "RR", "method": "MH", "mh_increment": "added", "increment_to": "all"}),
        (tables, {"measure": "RD", "method": "MH", "increment_to": "if0all"}),
        (tables, {"measure": "OR", "method": "MH", "double_zeros": "kept"}),
        (rates, {"measure": "IRR", "method": "MH"}),
        (rates, {"measure": "IRD", "method": "MH"}),
    ]
    data: es.Studies
    for data, words in requests:
        analysis = es.fit(data, settings="metafor", **words)
        truth = ask_r(analysis.to_r(), "list(beta=res$beta[1], se=res$se, Q=res$QE)")
        assert analysis.pooled is not None
        assert near(analysis.pooled.value, truth["beta"], 1e-9), words
        assert near(analysis.pooled.se, truth["se"], 1e-9), words
        assert near(analysis.heterogeneity.q, truth["Q"], 1e-9), words
