"""Copas' selection model: against metasens, its derivatives, other climbs of its likelihood, and odd data."""

from __future__ import annotations

import itertools
import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es
from evisynth_estimators.copas_likelihood import BOUND, CopasLikelihood

if TYPE_CHECKING:
    from collections.abc import Mapping

OPTIM = 1e-4
"""metasens climbs by R's optim, whose gradient is followed to about this."""

SE_DIFFERS = {
    # At |ρ| = 0.9999 the likelihood still rises with ρ and is convex in it: the inverse of an information that is not
    # positive definite gives metasens a standard error below the one with ρ known.
    ("dat.bcg", 1),
    ("dat.bcg", 2),
    ("dat.bcg", 3),
    ("dat.hackshaw1998", 3),
    # metasens warns of NaNs here and repeats the standard error of the row before.
    ("dat.baskerville2012", 2),
    ("dat.baskerville2012", 3),
    # optim's information is of differences over ±0.001, which is wide where ρ is near ±1: off by 0.3 % and 0.06 %.
    ("dat.egger2001", 5),
    ("dat.egger2001", 8),
}
STOPS_SHORT = {("dat.egger2001", 6), ("dat.egger2001", 7)}
"""metasens stays on a local maximum with τ > 0; at τ = 0 the log-likelihood is higher, by 0.73 and by 0.39."""

BCG = es.Effects(
    [-0.8893, -1.5854, -1.3481, -1.4416, -0.2175, -0.7861, -1.6209, 0.0120, -0.4694, -1.3713, -0.3394, 0.4459, -0.0173],
    [0.3256, 0.1946, 0.4154, 0.0200, 0.0512, 0.0069, 0.2230, 0.0040, 0.0564, 0.0730, 0.0124, 0.5325, 0.0714],
    study=[f"Trial {i}" for i in range(13)],
)
LEANING = es.Effects(
    [0.10, 0.15, 0.22, 0.35, 0.31, 0.48, 0.62, 0.80, 0.95, 1.30],
    [0.010, 0.012, 0.020, 0.030, 0.040, 0.080, 0.120, 0.200, 0.260, 0.400],
)


def strength_of(s: es.FloatArray, probability: float, unpublished: float) -> tuple[float, float]:
    """Find (γ0, γ1) of a row of metasens, which are not recorded, from the two numbers that they determine."""
    special = pytest.importorskip("scipy.special")
    optimize = pytest.importorskip("scipy.optimize")
    at_largest = float(special.ndtri(probability))

    def gap(gamma1: float) -> float:
        u = at_largest + gamma1 * (1 / s - 1 / s.max())
        return float(np.exp(special.log_ndtr(-u) - special.log_ndtr(u)).sum()) - unpublished

    gamma1 = float(optimize.brentq(gap, 0.0, 10 * s.min(), xtol=1e-15))
    return at_largest - gamma1 / float(s.max()), gamma1


def log_likelihood(effects: es.Effects, gamma0: float, gamma1: float, at: tuple[float, float, float]) -> float:
    """Evaluate the likelihood as Copas and Shi write it, at (μ, τ, ρ)."""
    special = pytest.importorskip("scipy.special")
    mu, tau, rho = at
    y, s = effects.y, np.sqrt(effects.v)
    u = gamma0 + gamma1 / s
    mills = np.exp(-0.5 * u * u - 0.5 * math.log(2 * math.pi) - special.log_ndtr(u))
    sigma2 = s**2 / (1 - mills * (u + mills) * rho**2)
    total = tau**2 + sigma2
    leaning = rho * np.sqrt(sigma2 / total)
    v = (u + leaning * (y - mu) / np.sqrt(total)) / np.sqrt(1 - leaning**2)
    terms = -0.5 * np.log(2 * math.pi * total) - (y - mu) ** 2 / (2 * total) - special.log_ndtr(u) + special.log_ndtr(v)
    return float(terms.sum())


def test_every_row_agrees_with_metasens(r_cases: Mapping[str, Any]) -> None:
    cases = [case for case in r_cases["cases"] if case["group"] == "metasens" and case["fn"] == "copas"]
    off: list[str] = []
    rows, se_differs, short = 0, set[tuple[str, int]](), set[tuple[str, int]]()
    for case in cases:
        inputs, expected = r_cases["inputs"][case["inputs"]["ref"]], case["outputs"]
        effects = es.Effects(np.array(inputs["yi"], dtype=float), np.array(inputs["vi"], dtype=float))
        s = np.sqrt(effects.v)
        pairs = list(zip(expected["publprob"], expected["N_unpubl"], strict=True))
        strengths = [strength_of(s, *pair) for pair in pairs[1:]]
        made = es.bias(es.fit(effects, settings="metafor", tau2="DL"), "Copas", at=strengths, cells=2)
        for n, row in enumerate(row for row in made.table if row["on"] == "path"):
            rows += 1
            mine: dict[str, Any] = dict(row)
            se = mine["se"]
            theirs = (expected["TE_slope"][n], expected["tau_slope"][n], expected["rho_slope"][n])
            if n:
                least = log_likelihood(effects, *strengths[n - 1], theirs)
                assert mine["log_likelihood"] >= least - 1e-10, (case["id"], n)
                if mine["log_likelihood"] > least + 1e-6:
                    short.add((case["dataset"], n))
                    continue
            found = {
                "effect": abs(mine["effect"] - theirs[0]) / se,
                "tau": abs(math.sqrt(mine["tau2"]) - theirs[1]),
                # Without selection there is no ρ: metasens shows where its climb began.
                "rho": abs(mine["rho"] - theirs[2]) if n else 0.0,
                "p": abs(mine["p_value"] - expected["pval_rsb"][n]),
                "probability": abs(mine["publication_probability"] - pairs[n][0]),
                "unpublished": abs(mine["unpublished"] - pairs[n][1]),
            }
            off += [f"{case['id']} {n}: {name} {by}" for name, by in found.items() if by > OPTIM]
            if abs(se / expected["seTE_slope"][n] - 1) > OPTIM:
                se_differs.add((case["dataset"], n))
        adjusted = expected["TE_adjust"][0]
        if adjusted is None:
            assert made.after is None
            assert made.reason is not None
            assert "the largest p-value is 0.08, not above 0.1" in made.reason
        else:
            assert made.after is not None
            assert made.after.value == pytest.approx(adjusted, abs=OPTIM * made.after.se)
            assert made.after.se == pytest.approx(expected["seTE_adjust"][0], rel=OPTIM)
            assert made.after.ci_low == pytest.approx(expected["lower_adjust"][0], abs=OPTIM * made.after.se)
            assert made.after.ci_high == pytest.approx(expected["upper_adjust"][0], abs=OPTIM * made.after.se)
    assert off == []
    assert (len(cases), rows) == (4, 33)
    assert se_differs == SE_DIFFERS
    assert short == STOPS_SHORT


def likelihood_of(effects: es.Effects, gamma0: float, gamma1: float) -> CopasLikelihood:
    return CopasLikelihood.of(effects.y, np.sqrt(effects.v), np.array([gamma0]), np.array([gamma1]))


@pytest.mark.parametrize("at", [(-0.4, 0.1, -0.9), (0.3, 0.0, 0.5), (-1.0, 2.0, 0.99), (0.0, 0.02, 0.0)])
def test_derivatives_are_those_of_the_likelihood(at: tuple[float, float, float]) -> None:
    mpmath = pytest.importorskip("mpmath")
    likelihood, one = likelihood_of(BCG, -0.2, 0.08), np.array([0])
    point = np.array(at)[:, np.newaxis]

    def exact(mu: Any, tau2: Any, rho: Any) -> Any:  # noqa: ANN401 - of mpmath
        total = mpmath.mpf(0)
        for y, variance in zip(BCG.y.tolist(), BCG.v.tolist(), strict=True):
            s2 = mpmath.sqrt(variance) ** 2
            u = mpmath.mpf(-0.2) + mpmath.mpf(0.08) / mpmath.sqrt(s2)
            mills = mpmath.npdf(u) / mpmath.ncdf(u)
            within = s2 / (1 - mills * (u + mills) * rho**2)
            whole = within + tau2
            leaning = rho * mpmath.sqrt(within / whole)
            v = (u + leaning * (y - mu) / mpmath.sqrt(whole)) / mpmath.sqrt(1 - leaning**2)
            total += -mpmath.log(whole) / 2 - (y - mu) ** 2 / (2 * whole)
            total += mpmath.log(mpmath.ncdf(v)) - mpmath.log(mpmath.ncdf(u))
        return total

    with mpmath.workdps(40):
        here = tuple(mpmath.mpf(one) for one in at)
        assert likelihood.value(point, one)[0] == pytest.approx(float(exact(*here)), rel=1e-12)
        slope, bend = likelihood.slope(point, one), likelihood.curvature(point, one)
        for i in range(3):
            order = [int(i == j) for j in range(3)]
            wanted = float(mpmath.diff(exact, here, tuple(order)))
            assert slope[i, 0] == pytest.approx(wanted, rel=1e-11, abs=1e-11)
            for j in range(3):
                both = [order[n] + int(j == n) for n in range(3)]
                wanted = float(mpmath.diff(exact, here, tuple(both)))
                assert bend[0, i, j] == pytest.approx(wanted, rel=1e-9, abs=1e-9)


def beaten_by(effects: es.Effects, gamma0: float, gamma1: float, seeds: int) -> float:
    """Climb from random starts by L-BFGS-B, and give how far the highest of them is above the maximum found."""
    optimize = pytest.importorskip("scipy.optimize")
    rng = np.random.default_rng(20)
    y = effects.y - np.average(effects.y, weights=1 / effects.v)
    likelihood = CopasLikelihood.of(y, np.sqrt(effects.v), np.array([gamma0]), np.array([gamma1]))
    one = np.array([0])
    found = likelihood.maximum(0.1)
    assert found.converged.all()

    def down(at: es.FloatArray) -> tuple[float, es.FloatArray]:
        point = at[:, np.newaxis]
        return -float(likelihood.value(point, one)[0]), -np.real(likelihood.slope(point, one))[:, 0]

    highest = -math.inf
    for _ in range(seeds):
        start = [rng.normal(0, 0.5), rng.uniform(0, 0.5), rng.uniform(-0.999, 0.999)]
        bounds = [(None, None), (0, None), (-BOUND, BOUND)]
        highest = max(highest, -optimize.minimize(down, start, jac=True, method="L-BFGS-B", bounds=bounds).fun)
    return highest - float(found.log_likelihood[0])


@pytest.mark.parametrize("gammas", [(-0.3, 0.08), (0.5, 0.0)])
def test_no_other_climb_gets_higher(gammas: tuple[float, float]) -> None:
    assert beaten_by(LEANING, *gammas, 4) <= 1e-9


@pytest.mark.sweep
@pytest.mark.parametrize("seed", range(40))
def test_no_other_climb_gets_higher_on_simulated_sets(seed: int) -> None:
    rng = np.random.default_rng(seed)
    k = int(rng.integers(4, 40))
    s = np.exp(rng.normal(-1.5, 0.7, k))
    slope, tau2 = float(rng.choice([0.0, 1.5])), float(rng.choice([0.0, 0.02, 0.2]))
    y = rng.normal(0.3 + slope * s, np.sqrt(s**2 + tau2))
    for gammas in ((-0.3, float(s.min())), (-0.3, 0.0), (1.0, 0.5 * float(s.min()))):
        assert beaten_by(es.Effects(y, s * s), *gammas, 20) <= 1e-6


def test_without_selection_it_is_maximum_likelihood() -> None:
    made = es.bias(es.fit(BCG, settings="metafor", tau2="DL"), "Copas")
    pooled = es.fit(BCG, settings="metafor", tau2="ML").pooled
    assert pooled is not None
    first: dict[str, Any] = dict(made.table[0])
    assert (first["gamma0"], first["publication_probability"], first["unpublished"]) == (None, 1.0, 0.0)
    assert first["effect"] == pytest.approx(pooled.value, rel=1e-12)


def test_the_path_weakens_publication_row_by_row() -> None:
    made = es.bias(es.fit(LEANING, settings="metafor", tau2="DL"), "Copas")
    path: list[dict[str, Any]] = [dict(row) for row in made.table if row["on"] == "path"]
    shown = [row["publication_probability"] for row in path]
    assert shown[:5] == pytest.approx([1.0, 0.95, 0.9, 0.85, 0.8], rel=1e-12)
    assert all(one["unpublished"] < other["unpublished"] for one, other in itertools.pairwise(path))
    grid = [row for row in made.table if row["on"] == "grid"]
    assert len(grid) == 25
    largest = max(float(row["gamma1"]) for row in grid if isinstance(row["gamma1"], float))
    assert all(row["gamma1"] <= largest * (1 + 1e-12) for row in path[1:])


def test_the_first_row_that_leaves_no_bias_is_taken() -> None:
    analysis = es.fit(LEANING, settings="metafor", tau2="DL")
    made = es.bias(analysis, "Copas")
    path: list[dict[str, Any]] = [dict(row) for row in made.table if row["on"] == "path"]
    chosen = next(row for row in path if row["p_value"] > 0.1)
    assert path[0]["p_value"] <= 0.1
    assert made.after is not None
    assert made.convergence is not None
    assert made.convergence.converged
    assert (made.after.value, made.after.se, made.p_value) == (chosen["effect"], chosen["se"], chosen["p_value"])
    assert min(float(study.weight or 0.0) for study in made.studies) == chosen["publication_probability"]
    lenient = es.bias(analysis, "Copas", significance=1e-9)
    assert lenient.after is not None
    assert lenient.after.value == path[0]["effect"]


@pytest.mark.parametrize(
    ("effects", "says"),
    [
        (es.Effects([], []), "at least 3 studies, and here are 0"),
        (LEANING.take([0]), "at least 3 studies, and here are 1"),
        (LEANING.take([0, 1]), "at least 3 studies, and here are 2"),
        (es.Effects([0.1, 0.4, 0.2, 0.9], [0.04] * 4), "equally precise"),
    ],
)
def test_data_that_leave_no_answer_get_a_reason(effects: es.Effects, says: str) -> None:
    made = es.bias(es.fit(effects, settings="metafor"), "Copas")
    assert made.after is None
    assert made.reason is not None
    assert says in made.reason


def test_odd_data_get_a_number() -> None:
    for effects in (
        LEANING.take([0, 4, 8]),
        es.Effects([0.25] * 5, [0.01, 0.04, 0.09, 0.16, 0.25]),
        es.Effects([0.1, 0.5, 0.3, 0.8], [1e-6, 1.0, 0.01, 100.0]),
        es.Effects([0.1, 0.5, 0.3, 0.8], [0.04, 0.0400001, 0.0400002, 0.0401]),
    ):
        made = es.bias(es.fit(effects, settings="metafor"), "Copas")
        assert (made.after is None) == (made.reason is not None)
        assert all(math.isfinite(row["effect"]) for row in made.table if isinstance(row["effect"], float))
        assert not any("no maximum that could be confirmed" in warning for warning in made.warnings)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"at": [(0.5, -0.1)]}, "at of Copas are pairs of numbers (gamma0, gamma1) with gamma1 of 0 or more"),
        ({"at": [0.5]}, "at of Copas are pairs"),
        ({"at": [(math.nan, 0.1)]}, "at of Copas are pairs"),
        ({"cells": 1}, "cells of Copas are a number from 2 to 500, not 1"),
        ({"significance": 5}, "significance of Copas is a probability between 0 and 1"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(es.SettingsError, match=re.escape(says)):
        es.bias(es.fit(LEANING), "Copas", **options)
