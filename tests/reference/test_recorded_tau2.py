"""Every recorded `rma.uni` analysis of R (metafor 5.1), whole; where it stops early, 50 digits say who is right."""

from __future__ import annotations

import math
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

mp: Any = import_module("mpmath")  # it has no types
CLOSED = {"EE", "DL", "HE", "HS", "HSk", "SJ", "GENQ"}
TIGHT = 5e-12
ITERATIVE = 1e-9
ILL = 1e-6
"""metafor adds up in the order given without recentring: weights over six decades cost it that much."""


def cases_of(r_cases: Mapping[str, Any], group: str) -> Iterator[tuple[dict[str, Any], es.FloatArray, es.FloatArray]]:
    for case in r_cases["cases"]:
        if case["group"] == group:
            inputs = case["inputs"]
            data = r_cases["inputs"][inputs["ref"]] if "ref" in inputs else inputs
            pairs = [(a, b) for a, b in zip(data["yi"], data["vi"], strict=True) if a is not None and b is not None]
            y, v = np.array(pairs, dtype=np.float64).T
            yield case, y, v


def words_of(options: Mapping[str, Any], v: es.FloatArray) -> dict[str, Any]:
    """Translate a call."""
    words: dict[str, Any] = {"level": options.get("level", 95) / 100}
    method = options["method"]
    words |= {"model": "common"} if method == "EE" else {"tau2": options.get("tau2") or method}
    test = str(options.get("test"))
    words["interval"] = {"knha": "HK", "adhoc": "HK", "t": "t"}.get(test, "Wald")
    words["adhoc"] = test == "adhoc"
    if options.get("weights"):
        words["weights"] = 1 / np.sqrt(v)
    if options.get("weighted") is False:
        words["weighting"] = "equal"
    return words


def apart(value: float | None, truth: float | str | None, floor: float = 0.0) -> float:
    """Relative distance, 0 within ``floor``."""
    if value is None or truth is None:
        return 0.0 if value is None and truth is None else math.inf
    truth = float(truth)
    if value == truth or abs(value - truth) <= floor:
        return 0.0
    return abs(value - truth) / max(abs(truth), 1e-300)


def seen_of(analysis: es.MetaAnalysis, options: Mapping[str, Any]) -> dict[str, Any]:
    """Give the same quantities by metafor's names."""
    fit = analysis.model.fit
    assert fit is not None
    pooled, spread = analysis.pooled, analysis.heterogeneity
    if options["method"] == "EE" and options.get("test") in {"knha", "adhoc"} and fit.dof:
        # A common-effect model has Wald's interval here; the method itself can be asked.
        record = es.default_registry().get(es.IntervalMethod, "HK")
        adhoc = "se" if options["test"] == "adhoc" else None
        pooled = record.function(fit, analysis.settings.level, adhoc=adhoc).one()
    assert pooled is not None
    scale = 1.0
    if options.get("test") in {"knha", "adhoc"} and fit.dof:
        assert fit.rss is not None
        scale = float(fit.rss) / fit.dof
        scale = max(scale, 1.0) if options["test"] == "adhoc" else scale
    seen = {
        "beta": pooled.value,
        "se": pooled.se,
        "stat": pooled.statistic,
        "pval": pooled.p_value,
        "ci_lb": pooled.ci_low,
        "ci_ub": pooled.ci_high,
        "vb": pooled.se**2,
        "QM": pooled.statistic**2,
        "QMp": pooled.p_value,
        "QMdf": pooled.df,
        "ddf": pooled.df,
        "k": analysis.k,
        "s2w": scale,
    }
    if analysis.k > 1:
        seen |= {
            "tau2": spread.tau2 if analysis.settings.model == "random" else 0.0,
            "se_tau2": spread.tau2_se if analysis.settings.model == "random" else None,
            "I2": spread.i2,
            "H2": spread.h2,
            "vt": float(fit.dof / es.weighted_fit(fit.y, 1 / fit.v, fit.X).trace),
            "QE": spread.q,
            "QEp": spread.p_value,
        }
    return seen


def flat(truth: Mapping[str, Any]) -> dict[str, Any]:
    """Take the only coefficient's numbers; of the degrees of freedom of its test the second."""
    made: dict[str, Any] = {}
    for name, value in truth.items():
        made[name] = value[name == "QMdf"] if isinstance(value, list) else value
    return made | ({"vb": truth["vb"][0][0]} if "vb" in truth else {})


def far_from(
    seen: Mapping[str, Any], truth: Mapping[str, Any], v: es.FloatArray, tolerance: float, floor: float
) -> dict[str, tuple[Any, Any]]:
    """Name what differs by more than tolerance × condition number; ``floor`` is what 0 may be in units of v."""
    z = abs(float(seen["stat"])) if math.isfinite(seen["stat"]) else 0.0
    spare: dict[str, float] = {
        "tau2": floor * float(v.mean()),
        "I2": 100 * floor * float(v.mean()) / float(truth["vt"] or 1.0),
        # A limit is a difference, and so may be an estimate.
        **dict.fromkeys(("ci_lb", "ci_ub"), tolerance * (abs(seen["beta"]) + (z + 1) * seen["se"])),
    }
    # The tail beyond z changes by z² times the change of z.
    growth = dict.fromkeys(("pval", "QMp"), max(1.0, z * z)) | {"QEp": max(1.0, float(truth["QE"]))}
    return {
        name: (value, truth[name])
        for name, value in seen.items()
        if apart(value, truth[name], spare.get(name, 0.0)) > tolerance * growth.get(name, 1.0)
    }


ELSEWHERE = {"se_tau2 of a given tau2", "identical effects, Hartung-Knapp", "no degrees of freedom"}
"""What differs by design: a number that is given has no standard error; an interval without width is Wald's, with a
note; one study has no τ², no I² and no H² (those are not in `seen_of`)."""


def test_rma_uni(r_cases: Mapping[str, Any]) -> None:
    by_design: set[str] = set()
    errors: list[str] = []
    compared = 0
    for case, y, v in cases_of(r_cases, "rma.uni"):
        options = case["options"]
        analysis = es.fit(es.Effects(y, v), settings="metafor", **words_of(options, v))
        if "error" in case["outputs"]:
            errors.append(case["id"])
            assert analysis.heterogeneity.tau2 is not None
            assert falls_through(options["method"], y, v, analysis.heterogeneity.tau2), case["id"]
            continue
        compared += 1
        truth, seen = flat(case["outputs"]), seen_of(analysis, options)
        if options.get("tau2") and analysis.k > 1:
            by_design.add("se_tau2 of a given tau2")
            assert seen.pop("se_tau2") is None
        if options.get("test") == "knha" and not float(truth["se"]):
            by_design.add("identical effects, Hartung-Knapp")
            assert analysis.model.note or options["method"] == "EE"
            for name in ("se", "stat", "pval", "ci_lb", "ci_ub", "vb", "QM", "QMp", "QMdf", "ddf"):
                seen[name] = truth[name] if name not in {"se", "stat"} else float(truth[name])
        if analysis.k == 1:
            by_design.add("no degrees of freedom")
            assert analysis.heterogeneity.tau2 is None
            assert analysis.heterogeneity.i2 is None
        # Its repetition runs to 0 by smaller and smaller steps, and stops short of it.
        floor = 1e-9 if options["method"] == "SJIT" else 1e-11
        tolerance = TIGHT if options["method"] in CLOSED or options.get("tau2") else ITERATIVE
        far = far_from(seen, truth, v, ILL if v.max() / v.min() > 1e6 else tolerance, floor)
        assert not far, (case["id"], far)
    assert by_design == ELSEWHERE
    # metafor's search ends at a bound of its own, below the root.
    assert errors == ["rma.uni/dat.curtis1998|MD/PM/z", "rma.uni/dat.curtis1998|MD/PM/knha"]
    assert compared == 4294


def falls_through(method: str, y: es.FloatArray, v: es.FloatArray, tau2: float) -> bool:
    """Tell with 50 digits whether the estimating equation falls through 0 at τ², or is below 0 already at τ² = 0."""
    with mp.workdps(50):
        if tau2 == 0.0:
            return bool(equation(method, y, v, mp.mpf(0)) <= 0)
        low, high = mp.mpf(tau2) * (1 - mp.mpf(10) ** -11), mp.mpf(tau2) * (1 + mp.mpf(10) ** -11)
        return bool(equation(method, y, v, low) > 0 > equation(method, y, v, high))


def equation(method: str, y: es.FloatArray, v: es.FloatArray, tau2: Any) -> Any:  # noqa: ANN401 - as mpmath
    """Give what the estimator sets to 0, for the intercept alone, and which is above 0 where τ² is too small."""
    k = y.size
    effects, variances = [mp.mpf(float(x)) for x in y], [mp.mpf(float(x)) for x in v]
    if method == "GENQM":
        a = [1 / mp.sqrt(x) for x in variances]
        whole = mp.fsum(a)
        mean = mp.fdot(a, effects) / whole
        q = mp.fsum(b * (x - mean) ** 2 for b, x in zip(a, effects, strict=True))
        return mp.mpf("0.5") - tail(
            q, [b * (x + tau2) for b, x in zip(a, variances, strict=True)], [b / whole for b in a]
        )
    w = [1 / (x + tau2) for x in variances]
    total = mp.fsum(w)
    mean = mp.fdot(w, effects) / total
    residuals = [x - mean for x in effects]
    q = mp.fsum(b * r * r for b, r in zip(w, residuals, strict=True))
    if method in {"REML", "ML"}:
        pull = mp.fsum((b * r) ** 2 for b, r in zip(w, residuals, strict=True))
        return pull - total + (mp.fsum(b * b for b in w) / total if method == "REML" else 0)
    if method == "PMM":
        half = mp.mpf(k - 1) / 2

        def surplus(x: Any) -> Any:  # noqa: ANN401 - as mpmath
            return mp.gammainc(half, 0, x / 2, regularized=True) - mp.mpf("0.5")

        return q - mp.findroot(surplus, es.chi2_quantile(0.5, k - 1))
    return q - (k - 1)


def tail(q: Any, d: list[Any], shares: list[Any]) -> Any:  # noqa: ANN401 - as mpmath
    """Give P(Σ λ χ² > q) by Imhof's integral along a parabola about the negative axis, with a fine step."""
    g = mp.mpf(len(d)) / (2 * q)
    h = mp.mpf(1) / (24 * (1 + mp.sqrt(len(d)) / 4))
    total = mp.mpf(0)
    # The focus is a little to the right of 0, where the first cut begins.
    focus = 1 / (2 * max(d))
    doubles = np.array([float(x) for x in d])
    j = 0
    while True:
        turn = 1 - 1j * (j + mp.mpf("0.5")) * h
        s = focus - (g + focus) * turn * turn
        twice = 2 * s
        factors = [1 - twice * x for x in d]
        root = mp.sqrt(mp.fprod(factors))
        # The root of a product is that of its factors but for the sign, which the sum of their angles tells.
        angle = float(np.angle(1 - 2 * complex(s) * doubles).sum()) / 2
        root *= -1 if math.cos(angle - float(mp.arg(root))) < 0 else 1
        rest = mp.sqrt(mp.fsum(b / f for b, f in zip(shares, factors, strict=True)))
        term = mp.exp(-s * q) / (root * rest) / s * turn
        total += term.real
        j += 1
        if abs(term) * (g + focus) < mp.mpf(10) ** -24:
            return 1 + 2 / mp.pi * (g + focus) * h * total


EARLY = {"REML": 56, "ML": 23, "EB": 18, "PM": 91, "PMM": 29, "GENQM": 31, "DLIT": 19, "SJIT": 42}
"""How many of its analyses metafor stops so early, by default, that τ² is off by more than 1e-5 of itself."""


@pytest.mark.sweep
def test_rma_uni_by_default(r_cases: Mapping[str, Any]) -> None:
    early = dict.fromkeys(EARLY, 0)
    errors: list[str] = []
    for case, y, v in cases_of(r_cases, "rma.uni.default-control"):
        method, truth = case["options"]["method"], flat(case["outputs"])
        words = words_of(case["options"] | {"weights": "weights=" in case["call"]}, v)
        analysis = es.fit(es.Effects(y, v), settings="metafor", **words)
        if analysis.k == 1:
            continue
        tau2 = analysis.heterogeneity.tau2
        assert tau2 is not None
        if "error" in truth:
            errors.append(case["id"])
            assert falls_through(method, y, v, tau2), case["id"]
            continue
        if apart(tau2, truth["tau2"], 1e-11 * float(v.mean())) > 1e-5:
            early[method] += 1
            assert falls_through(method, y, v, tau2), case["id"]
            assert not falls_through(method, y, v, truth["tau2"]), case["id"]
        # What follows from τ² is as exact as ever.
        given = es.fit(es.Effects(y, v), settings="metafor", **words | {"tau2": truth["tau2"]})
        seen = seen_of(given, case["options"])
        del seen["se_tau2"]
        far = far_from(seen, truth, v, ILL if v.max() / v.min() > 1e6 else TIGHT, 1e-11)
        assert not far, (case["id"], far)
    assert early == EARLY
    # The first ends at a bound of metafor's own below the root, the other after its number of repetitions.
    assert errors == [
        "rma.uni/dat.curtis1998|MD/PM/z/default-control",
        "rma.uni/dat.spooner2002|MD/SJIT/z/default-control",
    ]
