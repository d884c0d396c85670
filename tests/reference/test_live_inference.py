"""Comparison with metafor on this machine: t tests, Henmi and Copas, and permutation tests, on data made here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable

    Ask = Callable[..., Any]

pytestmark = pytest.mark.live_r


def as_r(values: np.ndarray[Any, Any]) -> str:
    return f"c({', '.join(repr(float(value)) for value in values)})"


def samples() -> list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    rng = np.random.default_rng(30)
    made: list[Any] = []
    for k in (3, 5, 6, 7):
        for tau in (0.0, 0.4, 2.0):
            v = rng.uniform(0.02, 0.8, size=k)
            made.append((rng.normal(0.3, np.sqrt(tau**2 + v)), v, rng.integers(0, 3, size=k) + np.arange(k) % 2))
    return made


def sets_of_r() -> str:
    return ",".join(f"list(y={as_r(y)}, v={as_r(v)}, x={as_r(x)})" for y, v, x in samples())


def test_student(ask_r: Ask) -> None:
    script = f"""
    out <- lapply(list({sets_of_r()}), function(s) {{
      r <- rma(s$y, s$v, method="DL", test="t"); m <- rma(s$y, s$v, mods=~s$x, method="DL", test="t")
      list(one=c(r$ci.lb, r$ci.ub, r$pval, r$se), two=c(m$ci.lb, m$ci.ub, m$pval, m$se))
    }})"""
    for (y, v, x), truth in zip(samples(), ask_r(script), strict=True):
        words: dict[str, Any] = {"tau2": "DL", "interval": "t", "settings": "metafor"}
        one = es.fit(es.Effects(y, v), **words).pooled
        assert one is not None
        assert [one.ci_low, one.ci_high, one.p_value, one.se] == pytest.approx(truth["one"], rel=1e-10)
        two = es.fit(es.Effects(y, v), moderators={"x": x.tolist()}, **words).coefficients.values()
        found = [getattr(e, name) for name in ("ci_low", "ci_high", "p_value", "se") for e in two]
        assert found == pytest.approx(truth["two"], rel=1e-9, abs=1e-12)


def test_henmi_copas(ask_r: Ask) -> None:
    script = f"""
    out <- lapply(list({sets_of_r()}), function(s) {{
      h <- hc(rma(s$y, s$v, method="DL")); list(beta=h$beta, se=h$se, ub=h$ci.ub)
    }})"""
    for (y, v, _), truth in zip(samples(), ask_r(script), strict=True):
        found = es.fit(es.Effects(y, v), tau2="DL", interval="HC", settings="metafor").pooled
        assert found is not None
        assert found.value == pytest.approx(truth["beta"], rel=1e-10)
        assert found.se == pytest.approx(truth["se"], rel=1e-10)
        # metafor solves for the quantile by uniroot at its default tolerance.
        t, theirs = (found.ci_high - found.value) / found.se, (truth["ub"] - truth["beta"]) / truth["se"]
        assert t == pytest.approx(theirs, abs=5e-4)


def test_permutation(ask_r: Ask) -> None:
    script = f"""
    out <- lapply(list({sets_of_r()}), function(s) {{
      r <- permutest(rma(s$y, s$v, method="DL"), exact=TRUE, progbar=FALSE)
      m <- permutest(rma(s$y, s$v, mods=~s$x, method="DL"), exact=TRUE, progbar=FALSE)
      list(one=r$pval, two=m$pval)
    }})"""
    for (y, v, x), truth in zip(samples(), ask_r(script), strict=True):
        words: dict[str, Any] = {"tau2": "DL", "interval": "permutation", "settings": "metafor"}
        one = es.fit(es.Effects(y, v), **words).pooled
        assert one is not None
        assert one.p_value == pytest.approx(truth["one"], rel=1e-10)
        two = es.fit(es.Effects(y, v), moderators={"x": x.tolist()}, **words).coefficients.values()
        assert [e.p_value for e in two] == pytest.approx(truth["two"], rel=1e-10)
