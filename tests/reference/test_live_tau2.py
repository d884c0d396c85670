"""Every estimator of τ² beside metafor on this machine, on data made here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable

    Ask = Callable[..., Any]
    Version = Callable[[str], tuple[int, ...] | None]

CLOSED = {"DL", "HE", "HS", "HSk", "SJ", "GENQ"}
ESTIMATORS = [
    record.name
    for record, plugin in es.default_registry()
    if record.kind == "Tau2Estimator" and plugin.distribution == "evisynth"
]
pytestmark = pytest.mark.live_r


def as_r(values: np.ndarray[Any, Any]) -> str:
    return f"c({', '.join(repr(float(value)) for value in values)})"


def sets() -> list[tuple[es.FloatArray, es.FloatArray, es.FloatArray]]:
    """Make effects, variances and a moderator."""
    rng = np.random.default_rng(30)
    made: list[Any] = []
    for k in (3, 4, 6, 13, 40):
        for tau in (0.0, 0.4, 2.0):
            v = rng.uniform(0.02, 0.8, size=k)
            made.append((rng.normal(0.3, np.sqrt(tau**2 + v)), v, rng.normal(size=k)))
    return made


@pytest.mark.parametrize("name", ESTIMATORS)
def test_tau2_and_its_error(name: str, ask_r: Ask, r_version: Version) -> None:
    if name == "GENQM" and r_version("CompQuadForm") is None:
        pytest.skip("metafor needs CompQuadForm for GENQM, which is not installed")
    record = es.default_registry().get(es.Tau2Estimator, name)
    assert record.r_equivalent is not None
    lowest = tuple(int(part) for part in (record.r_version or "metafor 3").split()[1].split("."))
    if (r_version("metafor") or ()) < lowest:
        pytest.skip(f"{name} needs {record.r_version}")
    words = record.r_equivalent.removeprefix("metafor::rma(yi, vi, ").removesuffix(")")
    calls = ",".join(f"list(y={as_r(y)}, v={as_r(v)}, x={as_r(x)})" for y, v, x in sets())
    tight = "control=list(threshold=1e-12, tol=1e-14, maxiter=10000, tau2.max=1e4)"
    script = f"""
    sets <- list({calls})
    out <- lapply(sets, function(s) {{
      yi <- s$y; vi <- s$v; weights <- 1 / sqrt(vi)
      fit <- function(...) {{ r <- rma(yi, vi, ...); c(r$tau2, r$se.tau2) }}
      one <- function(...) tryCatch(fit(...), error=function(e) conditionMessage(e))
      list(one({words}, {tight}), one({words}, mods=~s$x, {tight}))
    }})
    """
    compared = 0
    tolerance = 1e-11 if name in CLOSED else 1e-8
    for (y, v, x), truths in zip(sets(), ask_r(script), strict=True):
        for X, truth in zip((es.intercept(y.size), np.column_stack([np.ones(y.size), x])), truths, strict=True):
            if isinstance(truth, str):
                # Its iterations may swing for ever, or stop at the end of their number.
                assert name not in CLOSED | {"PM", "PMM"}, truth
                assert "did not converge" in truth, truth
                continue
            compared += 1
            made = record.function(y, v, X)
            assert isinstance(made, es.Tau2Fit)
            assert made.se is not None
            # Sidik and Jonkman's repetition runs to 0 by smaller and smaller steps, and stops short of it.
            floor = (1e-8 if name == "SJIT" else 1e-11) * float(v.mean())
            assert max(float(made.tau2), 0.0) == pytest.approx(truth[0], rel=tolerance, abs=floor)
            assert float(made.se) == pytest.approx(truth[1], rel=1e-8)
    assert compared >= 20
