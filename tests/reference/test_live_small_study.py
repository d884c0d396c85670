"""Regression tests and rank correlations of funnel plots beside metafor on this machine."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


def _load(name: str) -> ModuleType:
    """Import a module that lies beside this one; test folders are not packages."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


LIVE = _load("test_live_r")
pytestmark = LIVE.pytestmark
PREDICTORS = ("sei", "vi", "ni", "ninv", "sqrtni", "sqrtninv")
REL = 1e-8


def test_regressions_and_ranks(ask_r: Callable[..., Any]) -> None:
    rng = np.random.default_rng(77)
    drawn: list[tuple[es.FloatArray, es.FloatArray]] = LIVE.effect_sets()
    sets = [(y, v, np.floor(rng.uniform(8, 900, y.size))) for y, v in drawn if len(y) > 2]
    calls = ",".join(f"list(y={LIVE.as_r(y)}, v={LIVE.as_r(v)}, n={LIVE.as_r(n)})" for y, v, n in sets)
    script = f"""
    number <- function(x) if (is.null(x)) NA else as.numeric(x)
    one <- function(s) {{
      res <- rma(s$y, s$v, method="DL"); ee <- rma(s$y, s$v, method="FE"); kn <- rma(s$y, s$v, method="DL", test="knha")
      tests <- lapply(list({", ".join(f'"{name}"' for name in PREDICTORS)}), function(p) {{
        made <- list(regtest(ee, model="lm", predictor=p, ni=s$n), regtest(res, predictor=p, ni=s$n),
                     regtest(kn, predictor=p, ni=s$n))
        lapply(made, function(m) list(z=m$zval, p=m$pval, df=number(m$dfs), est=number(m$est), lo=number(m$ci.lb),
                                      hi=number(m$ci.ub)))
      }})
      ranks <- lapply(c(TRUE, FALSE), function(exact) {{
        m <- ranktest(res, exact=exact); list(tau=as.numeric(m$tau), p=as.numeric(m$pval))
      }})
      list(tests=tests, ranks=ranks)
    }}
    out <- suppressWarnings(lapply(list({calls}), one))
    """
    compared = 0
    for (y, v, n), truth in zip(sets, ask_r(script), strict=True):
        effects = es.Effects(y, v)
        random = es.fit(effects, settings="metafor", tau2="DL")
        hartung = es.fit(effects, settings="metafor", tau2="DL", interval="HK")
        for predictor, made in zip(PREDICTORS, truth["tests"], strict=True):
            ways = ((random, "classical"), (random, "mixed"), (hartung, "mixed"))
            for (analysis, variant), expected in zip(ways, made, strict=True):
                seen = es.bias(analysis, "regression", predictor=predictor, variant=variant, n=n)
                limit = seen.limit
                found = {"z": seen.statistic, "p": seen.p_value, "df": seen.df}
                found |= (
                    {"est": None, "lo": None, "hi": None}
                    if limit is None
                    else {"est": limit.value, "lo": limit.ci_low, "hi": limit.ci_high}
                )
                for name, value in found.items():
                    what = (y.size, predictor, variant, name)
                    if value is None or expected[name] is None:
                        assert value is expected[name], what
                    else:
                        assert value == pytest.approx(expected[name], rel=REL, abs=REL), what
                compared += 1
        for exact, expected in zip((True, False), truth["ranks"], strict=True):
            ranks = es.bias(random, "Begg", exact=exact)
            assert ranks.p_value == pytest.approx(expected["p"], rel=REL)
            assert ranks.figures["Kendall's tau"] == pytest.approx(expected["tau"], rel=REL, abs=1e-12)
            compared += 1
    assert compared == 20 * len(sets)
