"""Correlations, changes, transformations and dependent effects beside metafor on this machine."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    Ask = Callable[..., Any]
    Make = Callable[..., es.Studies]


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
CLOSED = 1e-12


def columns_of(k: int = 12) -> dict[str, np.ndarray[Any, Any]]:
    rng = np.random.default_rng(2024)
    return {
        "mean_1": rng.uniform(20, 60, k),
        "sd_1": rng.uniform(2, 12, k),
        "mean_2": rng.uniform(20, 60, k),
        "sd_2": rng.uniform(2, 12, k),
        "n": rng.integers(8, 300, k).astype(float),
        "r": rng.uniform(-0.6, 0.95, k),
        "t_value": rng.normal(1, 1.5, k),
        "predictors": rng.integers(1, 5, k).astype(float),
        "r_squared": rng.uniform(0.5, 0.9, k),
        "alpha": rng.uniform(0.3, 0.95, k),
        "items": rng.integers(2, 30, k).astype(float),
    }


CALLS = {
    **dict.fromkeys(("COR", "ZCOR"), "ri=r, ni=n"),
    "SPCOR": "ti=t_value, ni=n, mi=predictors, r2i=r_squared",
    **dict.fromkeys(("ARAW", "AHW", "ABT"), "ai=alpha, mi=items, ni=n"),
    **dict.fromkeys(
        ("MC", "SMCC", "SMCR", "ROMC", "VRC", "CVRC"),
        "m1i=mean_1, sd1i=sd_1, m2i=mean_2, sd2i=sd_2, ni=n, ri=r",
    ),
}
VTYPES = [("COR", "AV"), ("SPCOR", "AV"), ("SMCC", "LS2"), ("SMCR", "LS2")]


def test_effects(ask_r: Ask, make_studies: Make) -> None:
    columns = columns_of()
    asked = [*((measure, "LS") for measure in CALLS), *VTYPES]
    script = [f"{name} <- {LIVE.as_r(values)}" for name, values in columns.items()]
    calls = [f"escalc('{measure}', {CALLS[measure]}, vtype='{vtype}')" for measure, vtype in asked]
    rows = ", ".join(f"(function(e) list(y=as.numeric(e$yi), v=as.numeric(e$vi)))({call})" for call in calls)
    truths = ask_r("\n".join(script), f"list({rows})")
    for (measure, vtype), truth in zip(asked, truths, strict=True):
        words: dict[str, Any] = {} if vtype == "LS" else {"vtype": vtype}
        if measure in {"ROMC", "CVRC"}:
            # metafor 3.8 does not yet correct ratios of means for bias.
            words |= {"smd_correction": "none"}
        effects = es.effects(make_studies(**columns), measure, settings="metafor", **words)
        assert effects.y == pytest.approx(truth["y"], rel=CLOSED), measure
        assert effects.v == pytest.approx(truth["v"], rel=CLOSED), (measure, vtype)


def test_transformations_that_have_no_record(ask_r: Ask) -> None:
    calls = [
        "transf.irft(c(0, .3, 2), c(10, 4, 7))",
        "transf.iirft(c(.1, .3, 2), c(10, 4, 7))",
        "transf.dtorpb(c(.5, 1, -.2), c(20, 30, 40), c(25, 30, 10))",
        "transf.dtomd(.5, targs=list(sd=12))",
        "transf.logortord(c(.5, -1), c(.2, .3))",
        "transf.logortorr(c(.5, -1), c(.2, .3))",
    ]
    truths = ask_r("", f"list({', '.join(calls)})")
    found = [
        es.convert("rate-to-freeman-tukey", rate=[0, 0.3, 2], time=[10, 4, 7])["freeman_tukey"],
        es.convert("freeman-tukey-to-rate", freeman_tukey=[0.1, 0.3, 2], time=[10, 4, 7])["rate"],
        es.convert("smd-to-r", smd=[0.5, 1, -0.2], n_1=[20, 30, 40], n_2=[25, 30, 10])["r"],
        es.convert("smd-to-md", smd=0.5, sd=12)["mean_difference"],
        es.convert("log-or-to-rd", log_or=[0.5, -1], baseline_risk=[0.2, 0.3])["risk_difference"],
        es.convert("log-or-to-rr", log_or=[0.5, -1], baseline_risk=[0.2, 0.3])["risk_ratio"],
    ]
    for value, truth in zip(found, truths, strict=True):
        assert value == pytest.approx(np.atleast_1d(truth), rel=CLOSED)


def _r(values: Any) -> str:  # noqa: ANN401 - a number, or several
    if isinstance(values, list | tuple):
        return f"c({', '.join(repr(value) for value in cast('list[Any]', values))})"
    return repr(values)


DESIGNS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"obs": [1, 2, 3, 1, 2, 1, 2, 3, 4]}, {"rho": 0.6}),
    ({"type": ["a", "b", "a", "a", "b", "a", "b", "b", "a"]}, {"rho": 0.4}),
    ({"type": ["a", "b", "a", "a", "b", "a", "b", "b", "a"], "obs": [1, 1, 2, 1, 1, 1, 1, 2, 2]}, {"rho": (0.7, 0.5)}),
    ({"time1": [1, 2, 4, 1, 3, 1, 2, 5, 6]}, {"phi": 0.8}),
    ({"time1": [1, 2, 2, 1, 1, 1, 2, 1, 2], "obs": [1, 1, 2, 1, 2, 1, 1, 2, 2]}, {"phi": 0.8, "rho": 0.5}),
    (
        {
            "grp1": ["a", "b", "c", "a", "b", "a", "b", "c", "d"],
            "grp2": ["p", "p", "b", "p", "p", "p", "p", "p", "a"],
            "w1": [10, 20, 30, 8, 9, 40, 50, 60, 70],
            "w2": [40, 40, 20, 12, 12, 45, 45, 45, 40],
        },
        {},
    ),
    (
        {
            "grp1": [1, 1, 1, 1, 1, 1, 2, 1, 2],
            "grp2": [1, 1, 2, 1, 2, 3, 3, 2, 3],
            "time1": [2, 3, 3, 2, 3, 1, 1, 2, 2],
            "time2": [1, 1, 3, 1, 3, 1, 1, 2, 2],
        },
        {"phi": 0.7},
    ),
    ({"subgroup": [1, 1, 2, 1, 1, 1, 2, 2, 1], "obs": [1, 2, 1, 1, 2, 1, 1, 2, 2]}, {"rho": 0.3}),
]


def test_covariances(ask_r: Ask) -> None:
    cluster = [1, 1, 1, 2, 2, 3, 3, 3, 3]
    v = [0.1, 0.2, 0.15, 0.3, 0.25, 0.05, 0.06, 0.07, 0.08]
    calls: list[str] = []
    for columns, words in DESIGNS:
        given = [f"{name}={_r(values)}" for name, values in columns.items()]
        given += [f"{name}={_r(value)}" for name, value in words.items()]
        calls.append(f"vcalc({_r(v)}, cluster={_r(cluster)}, {', '.join(given)}, checkpd=FALSE)")
    truths = ask_r("", f"list({', '.join(calls)})")
    for (columns, words), truth in zip(DESIGNS, truths, strict=True):
        made = es.covariance(v, cluster=cluster, **columns, **words)
        assert np.allclose(made.dense(), np.array(truth), rtol=CLOSED, atol=1e-16), columns


STRUCTURES: list[tuple[str, dict[str, Any]]] = [
    ("CS", {"rho": 0.6}),
    ("CS", {"rho": [0.2, 0.5, 0.8]}),
    ("ID", {}),
    ("CAR", {"phi": 0.9}),
    ("CS+CAR", {"rho": 0.3, "phi": 0.7}),
    ("CS*CAR", {"rho": 0.6, "phi": 0.7}),
]


def test_aggregates(ask_r: Ask) -> None:
    cluster = [1, 1, 1, 2, 2, 3, 3, 3, 3, 3]
    time, obs = [1, 2, 4, 1, 3, 1, 2, 3, 5, 9], [1, 1, 1, 1, 2, 1, 1, 2, 2, 3]
    y = [0.3, 0.1, 0.5, -0.2, 0.4, 0.6, 0.2, 0.1, 0.9, None]
    v = [0.1, 0.2, 0.15, 0.3, 0.25, 0.05, 0.06, 0.07, 0.08, 0.1]
    shown = ", ".join("NA" if value is None else repr(value) for value in y)
    calls: list[str] = []
    for struct, words in STRUCTURES:
        given = [f"struct={struct!r}", *(f"{name}={_r(value)}" for name, value in words.items())]
        calls += [f"agg({', '.join(given)}, weighted={flag})" for flag in ("TRUE", "FALSE")]
    script = f"""
    dat <- escalc(yi=c({shown}), vi={_r(v)}, data=data.frame(cl={_r(cluster)}, time={_r(time)}, obs={_r(obs)}))
    agg <- function(struct, ...) {{
        a <- if (grepl('CAR', struct)) aggregate(dat, cluster=cl, struct=struct, time=time, obs=obs, ...)
             else aggregate(dat, cluster=cl, struct=struct, ...)
        list(y=as.numeric(a$yi), v=as.numeric(a$vi))
    }}"""
    truths = ask_r(script, f"list({', '.join(calls)})")
    asked = [(struct, words, weighted) for struct, words in STRUCTURES for weighted in (True, False)]
    effects = es.Effects(y, v)
    for (struct, words, weighted), truth in zip(asked, truths, strict=True):
        extra: dict[str, Any] = {"time": time, "obs": obs} if "CAR" in struct else {}
        made = es.aggregate(effects, cluster=cluster, struct=struct, weighted=weighted, **words, **extra)
        assert made.y == pytest.approx(truth["y"], rel=CLOSED), (struct, weighted)
        assert made.v == pytest.approx(truth["v"], rel=CLOSED), (struct, weighted)
