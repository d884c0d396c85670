"""What unpublished studies could do: against recorded results of R, 50-digit arithmetic, and small and odd data."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import attrs
import mpmath as _untyped
import numpy as np
import pytest

import evisynth as es
from evisynth_estimators.bias_bound import truncated_mean
from evisynth_estimators.excess_significance import excess_p_value, sum_of_events
from evisynth_estimators.funnel_contours import contour_limits
from evisynth_estimators.worst_case import robust_variance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

mp: Any = _untyped
CLOSED = 1e-13
RECORDED = 1e-9
"""Precision of the records, by their readme."""
EARLY_STOP = 1e-5
"""`fsn` fits with metafor's default control, which stops τ² by REML within this of the maximum, in units of v."""
FIVE_SIGMA = 5.7330314e-7
"""Probability of a normal variable to lie more than 5 standard deviations from its mean."""
DENORMAL = 1e-300
"""Numbers below have fewer digits than others, and R sets some of them to 0."""
UNIROOT = 2.0**-13
"""R's ``uniroot`` stops here unless told otherwise, and nobody can tell `tes`'s search for the limit."""

METHODS = (
    "fail-safe N",
    "excess significance",
    "PSST",
    "TESS",
    "bias bound",
    "contour levels",
    "worst-case sensitivity",
)

ONE_MORE = {
    "fsn/dat.bcg|RR/General",
    "fsn/dat.bcg|RD/General",
    "fsn/dat.nielweise2007|OR/General",
    "fsn/dat.nielweise2007|RR/General",
    "fsn/dat.hine1989|RD/General",
    "fsn/dat.egger2001|RR/General",
    "fsn/dat.lee2004|OR/General",
    "fsn/dat.hahn2001|RR/General",
    "fsn/dat.curtis1998|ROM/General",
    "fsn/dat.furukawa2003|SMD/General",
    "fsn/dat.poole2003|MD/General",
    "fsn/dat.gibson2002|SMD/General",
    "fsn/dat.mcdaniel1994|COR/General",
    "fsn/dat.molloy2014|ZCOR/General",
    "fsn/dat.molloy2014|COR/General",
    "fsn/dat.crisafulli2020|PFT/General",
    "fsn/dat.hart1999|IRR/General",
    "fsn/dat.hart1999.single|IRLN/General",
    "fsn/dat.bonett2010|ABT/General",
    "fsn/dat.normand1999.single|MNLN/General",
    "fsn/dat.bangertdrowns2004|GEN/General",
    "fsn/dat.dumouchel1994|GEN/General",
    "fsn/dat.meeker2017|GEN/General",
}
"""Records of ``fsn(type="General")`` whose N is one above the least: metafor takes the whole number nearest to where P
crosses α and adds 1, which is one too many where the crossing lies in the upper half. At N - 1 its own P is above α."""
STEEP = {"tes/k6.tiny.vi|GEN/two.sided": 2e-4, "tes/k6.tiny.vi|GEN/greater": 1e-5}
"""Records of ``tes`` in which R's quadrature misses that power is a step: √v is a hundredth of τ and less."""


def numbers(values: list[Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([math.nan if value is None else float(value) for value in values])


def leaning(seed: int, k: int = 12, unit: float = 1.0, shift: float = 0.3) -> es.Effects:
    rng = np.random.default_rng(seed)
    v = np.exp(rng.normal(-2.5, 1.0, k))
    return es.Effects(unit * rng.normal(shift + 0.8 * np.sqrt(v), np.sqrt(v + 0.02)), unit * unit * v)


SETS = [leaning(1), leaning(2, 5), leaning(3, 40), leaning(4, 9, 1e6), leaning(5, 7, 1e-6), leaning(6, 20, 1.0, -0.8)]


def random(effects: es.Effects) -> es.MetaAnalysis:
    return es.fit(effects, settings="metafor", tau2="DL")


def common(effects: es.Effects) -> es.MetaAnalysis:
    return es.fit(effects, settings="metafor", model="common")


def close(value: float | None, truth: Any, tolerance: float = CLOSED, condition: float = 1.0) -> bool:  # noqa: ANN401 - mpmath has no types
    return value is not None and abs(value - truth) <= tolerance * max(1.0, condition) * abs(truth) + DENORMAL


def cases(r_cases: Mapping[str, Any], group: str) -> Iterator[tuple[dict[str, Any], es.Effects, dict[str, Any]]]:
    for case in r_cases["cases"]:
        if case["group"] == group:
            inputs = r_cases["inputs"][case["inputs"]["ref"]]
            truth = {name: value[0] if len(value) == 1 else value for name, value in case["outputs"].items()}
            yield case, es.Effects(numbers(inputs["yi"]), numbers(inputs["vi"])), truth


# -- recorded results of metafor 5.1 ----------------------------------------------------------------------------------


def test_fail_safe_n_agrees_with_fsn(r_cases: Mapping[str, Any]) -> None:
    compared = {"General": 0, "Rosenthal": 0, "Orwin": 0, "Rosenberg": 0}
    one_more: set[str] = set()
    for case, effects, truth in cases(r_cases, "fsn"):
        kind = case["options"]["type"]
        compared[kind] += 1
        settings: dict[str, Any] = {}
        if kind == "General":
            # At metafor's own τ² everything else has to be the same.
            assert abs(own_tau2(effects) - truth["tau2"]) <= EARLY_STOP * max(1.0, float(np.nanmean(effects.v))), case[
                "id"
            ]
            settings = {"tau2": truth["tau2"]}
        analysis = es.fit(effects, settings="metafor", prediction=None, tau2_interval=None, **settings)
        seen = es.bias(analysis, "fail-safe N", type=kind)
        pairs = {
            "Rosenthal": {"combined P": "pval"},
            "Orwin": {"mean": "meanes", "target": "target"},
            "Rosenberg": {"mean": "est", "p-value": "pval"},
            "General": {"mean": "est", "p-value": "pval"},
        }[kind]
        for ours, theirs in pairs.items():
            assert close(seen.figures[ours], truth[theirs], RECORDED), (case["id"], ours)
        if kind == "General" and seen.statistic == truth["fsnum"] - 1:
            one_more.add(case["id"])
            assert seen.figures["p-value with N studies"] > 0.05, case["id"]
            continue
        assert seen.statistic == truth["fsnum"], case["id"]
        if kind == "General":
            for ours, theirs in (("mean", "est_fsn"), ("τ²", "tau2_fsn"), ("p-value", "pval_fsn")):
                assert close(seen.figures[f"{ours} with N studies"], truth[theirs], RECORDED), (case["id"], ours)
    assert compared == dict.fromkeys(compared, 53)
    assert one_more == ONE_MORE


def own_tau2(effects: es.Effects) -> float:
    tau2 = es.fit(effects, settings="metafor", prediction=None, tau2_interval=None).heterogeneity.tau2
    assert tau2 is not None
    return tau2


def test_excess_significance_agrees_with_tes(r_cases: Mapping[str, Any]) -> None:
    compared = {"exact": 0, "chi-square": 0, "binomial": 0}
    steep: set[str] = set()
    limits = 0
    for case, effects, truth in cases(r_cases, "tes"):
        test = {"exact": "exact", "chi2": "chi-square", "binom": "binomial"}[truth["test"]]
        compared[test] += 1
        name = case["id"]
        study_test = "two-sided" if name.endswith("two.sided") else "greater"
        seen = es.bias(random(effects), "excess significance", test=test, study_test=study_test)
        assert seen.figures["significant"] == truth["O"], name
        assert [row["significant"] == "yes" for row in seen.table] == truth["sig"], name
        assert close(seen.figures["effect"], truth["theta"], RECORDED), name
        power = np.array(truth["power"])
        apart = np.array([float(str(row["power"])) for row in seen.table]) - power
        # metafor integrates power over 5 standard deviations of the true effects to either side, and what lies beyond
        # is missing from it: at most the probability of all that.
        missing = FIVE_SIGMA if seen.figures["τ²"] > 0 else 0.0
        allowed = STEEP.get(name, 1e-8)
        if apart.min() < -1e-8 or apart.max() > missing + 1e-8:
            steep.add(name)
        assert apart.min() >= -allowed, name
        assert apart.max() <= missing + allowed, name
        # By its own power everything else is the same.
        p = excess_p_value(truth["O"], power, 1.0 - power, test, "greater")
        assert p == pytest.approx(truth["pval"], rel=RECORDED), name
        assert power.sum() == pytest.approx(truth["E"], rel=RECORDED), name
        limit = seen.figures.get("limit estimate")
        assert (limit is None) == (truth["theta_lim"] is None), name
        if limit is not None:
            limits += 1
            assert abs(limit - truth["theta_lim"]) <= UNIROOT, name
    assert sum(compared.values()) == 106
    assert compared["chi-square"] == 11
    assert limits == 53
    assert steep == set(STEEP)


DORN = (
    "29 38 11 32 20 31 21 30 14 23 30 46 17 30 5 13 11 27 6 23 24 29 5 29 26 32 9 22 17 18 13 18 4 12 5 13 21 60 26 59 "
    "15 17 8 17 37 51 20 52 13 33 17 33 19 20 3 20 29 50 30 46 13 16 5 16 25 33 8 26 37 57 17 50 55 90 37 90"
)
"""Responders and patients under acupuncture-like treatment and under placebo: Dorn et al. (2007), the example of
metafor's documentation for the test of Ioannidis and Trikalinos."""


def dorn() -> es.Effects:
    table = np.array(DORN.split(), dtype=float).reshape(-1, 4)
    a, n, c, m = table.T
    return es.Effects(np.log(a / n / (c / m)), 1 / a - 1 / n + 1 / c - 1 / m)


R_SCRIPT = """
yi <- c({y}); vi <- c({v})
out <- NULL
for (a in c("greater", "two.sided", "less")) for (t in c("exact", "chi2", "binom"))
  out <- c(out, tes(yi, vi, test=t, tes.alternative=a, progbar=FALSE)$pval)
for (s in c("greater", "less")) {{
  r <- tes(yi, vi, test="exact", alternative=s, progbar=FALSE); out <- c(out, r$pval, r$E)
}}
out <- c(out, fsn(yi, vi)$fsnum, fsn(yi, vi, alpha=.01)$fsnum, fsn(yi, vi, type="Rosenberg")$fsnum,
         fsn(yi, type="Orwin", target=.05)$fsnum, fsn(yi, vi, type="Orwin", weighted=TRUE, target=.05)$fsnum)
"""


@pytest.mark.live_r
def test_it_agrees_with_the_r_of_this_machine(ask_r: Callable[..., Any]) -> None:
    # R adds up all sets of studies for an exact test, and 9 have few.
    effects = dorn().take(range(9))
    code = R_SCRIPT.format(y=", ".join(map(repr, effects.y.tolist())), v=", ".join(map(repr, effects.v.tolist())))
    expected = ask_r(code)
    analysis = common(effects)
    seen = [
        es.bias(analysis, "excess significance", test=test, alternative=alternative).p_value
        for alternative in ("greater", "two-sided", "less")
        for test in ("exact", "chi-square", "binomial")
    ]
    for side in ("greater", "less"):
        made = es.bias(analysis, "excess significance", study_test=side)
        seen += [made.p_value, made.figures["expected"]]
    calls: tuple[dict[str, Any], ...] = (
        {"type": "Rosenthal"},
        {"type": "Rosenthal", "alpha": 0.01},
        {"type": "Rosenberg"},
        {"type": "Orwin", "weighted": False, "target": 0.05},
        {"type": "Orwin", "target": 0.05},
    )
    for options in calls:
        seen.append(es.bias(analysis, "fail-safe N", **options).statistic)
    assert seen == pytest.approx(expected, rel=RECORDED)


# -- 50-digit arithmetic ----------------------------------------------------------------------------------------------


def exact(values: es.FloatArray) -> list[Any]:
    return [mp.mpf(float(value)) for value in values]


def pooled(y: list[Any], w: list[Any]) -> Any:  # noqa: ANN401 - mpmath has no types
    return sum(a * b for a, b in zip(y, w, strict=True)) / sum(w)


def quantile(tail: Any) -> Any:  # noqa: ANN401 - mpmath has no types
    """Give z with the probability ``tail`` above it."""
    return mp.sqrt(2) * mp.erfinv(1 - 2 * mp.mpf(tail))


@pytest.mark.parametrize("effects", SETS)
def test_fail_safe_numbers_are_the_least(effects: es.Effects) -> None:
    with mp.workdps(50):
        y, v = exact(effects.y), exact(effects.v)
        k, w = len(y), [1 / b for b in v]
        z = sum(a / mp.sqrt(b) for a, b in zip(y, v, strict=True))
        analysis = random(effects)
        seen = es.bias(analysis, "fail-safe N", type="Rosenthal")
        p = mp.erfc(abs(z) / mp.sqrt(k) / mp.sqrt(2)) / 2
        assert close(seen.figures["combined P"], p, condition=float(z * z / k))
        assert seen.statistic == max(0, math.ceil((z / quantile("0.05")) ** 2 - k))
        mean = pooled(y, w)
        seen = es.bias(analysis, "fail-safe N", type="Rosenberg")
        assert close(
            seen.figures["mean"],
            mean,
            condition=float(sum(abs(a) * b for a, b in zip(y, w, strict=True)) / abs(mean * sum(w))),
        )
        assert seen.statistic == max(0, math.ceil(k * (mean**2 * sum(w) / quantile("0.025") ** 2 - 1)))
        target = float(mean) / 7.3
        seen = es.bias(analysis, "fail-safe N", type="Orwin", target=-target)
        assert seen.statistic == math.ceil(k * (mean / mp.mpf(target) - 1))
        assert es.bias(analysis, "fail-safe N", type="Orwin").statistic == k
        general(analysis, y, v)


def general(analysis: es.MetaAnalysis, y: list[Any], v: list[Any]) -> None:
    """Count up from 0 by the formulas as they are documented."""
    assert analysis.fit is not None
    tau2, k = mp.mpf(float(analysis.fit.tau2)), len(y)
    mean = pooled(y, [1 / (b + tau2) for b in v])
    typical = k / sum(1 / b for b in v)

    def at(n: int) -> tuple[Any, Any, Any]:
        spread = tau2 if n == 0 else ((k + n - 2) * tau2 + mean**2 * k * n / (k + n)) / (k + n - 1)
        w = [1 / (b + spread) for b in v]
        total = sum(w) + n / (typical + spread)
        moment = sum(a * b for a, b in zip(y, w, strict=True))
        return moment / total, spread, abs(moment) / mp.sqrt(total)

    critical, n = quantile("0.025"), 0
    while at(n)[2] > critical:
        n += 1
    seen = es.bias(analysis, "fail-safe N")
    assert seen.statistic == n
    then, spread, _ = at(n)
    assert close(seen.figures["mean with N studies"], then, condition=10.0)
    assert close(seen.figures["τ² with N studies"], spread, condition=10.0)
    target = float(mean) / 3.1
    n = 0
    while abs(at(n)[0]) > abs(target):
        n += 1
    assert es.bias(analysis, "fail-safe N", target=target).statistic == n


def test_rosenthal_by_fisher_takes_the_least_number() -> None:
    with mp.workdps(50):
        effects = SETS[0]
        chi2 = -2 * sum(
            mp.log(mp.erfc(a / mp.sqrt(b) / mp.sqrt(2)) / 2)
            for a, b in zip(exact(effects.y), exact(effects.v), strict=True)
        )

        def p(n: int) -> Any:  # noqa: ANN401 - mpmath has no types
            return mp.gammainc(len(effects) + n, (chi2 + 2 * n * mp.log(2)) / 2, regularized=True)

        seen = es.bias(random(effects), "fail-safe N", type="Rosenthal", pool="fisher")
        assert seen.statistic is not None
        n = int(seen.statistic)
        assert n > 0
        assert p(n) >= 0.05 > p(n - 1)
        assert close(seen.figures["combined P"], p(0), 1e-12)


@pytest.mark.parametrize("study_test", ["two-sided", "greater", "less"])
@pytest.mark.parametrize("effects", SETS)
def test_power_and_its_tests(effects: es.Effects, study_test: str) -> None:
    with mp.workdps(50):
        v, k = exact(effects.v), len(effects)
        analysis = random(effects)
        seen = es.bias(analysis, "excess significance", study_test=study_test)
        mean, tau2 = mp.mpf(seen.figures["effect"]), mp.mpf(seen.figures["τ²"])
        z = quantile("0.025" if study_test == "two-sided" else "0.05")
        powers: list[Any] = []
        for b, row in zip(v, seen.table, strict=True):
            scale, limit = mp.sqrt(b + tau2), z * mp.sqrt(b)
            above, below = mp.ncdf((mean - limit) / scale), mp.ncdf((-mean - limit) / scale)
            powers.append({"two-sided": above + below, "greater": above, "less": below}[study_test])
            # A normal tail has the condition of its squared argument.
            assert close(float(str(row["power"])), powers[-1], condition=float((abs(mean) + limit) ** 2 / scale**2))
        distribution: list[Any] = [mp.mpf(1)]
        for p in powers:
            distribution = [
                (distribution[j] * (1 - p) if j < len(distribution) else 0) + (distribution[j - 1] * p if j else 0)
                for j in range(len(distribution) + 1)
            ]
        o, e = int(seen.figures["significant"]), sum(powers)
        assert seen.statistic == o
        assert close(seen.p_value, sum(distribution[o:]), condition=30.0 * k)
        chi = es.bias(analysis, "excess significance", study_test=study_test, test="chi-square")
        x2 = (o - e) ** 2 / e + (o - e) ** 2 / (k - e)
        assert (seen.df, chi.df) == (None, 1.0)
        assert close(chi.statistic, x2, condition=float(60 * (e + o) / abs(o - e)))
        both = es.bias(
            analysis, "excess significance", study_test=study_test, test="chi-square", alternative="two-sided"
        )
        assert close(both.p_value, mp.erfc(mp.sqrt(x2 / 2)), condition=float(60 * (1 + x2) * (e + o) / abs(o - e)))


@pytest.mark.parametrize("test", ["exact", "chi-square", "binomial"])
@pytest.mark.parametrize("alternative", ["greater", "less"])
def test_at_the_limit_estimate_p_is_the_level(test: str, alternative: str) -> None:
    found = 0
    for effects in (*SETS, dorn()):
        analysis = common(effects)
        for level in (0.05, 0.10):
            made = es.bias(analysis, "excess significance", test=test, alternative=alternative, limit_level=level)
            limit = made.figures.get("limit estimate")
            there = es.bias(analysis, "excess significance", test=test, alternative=alternative, theta=limit or 0.0)
            assert there.p_value is not None
            if limit is None:
                assert there.p_value > level
                continue
            assert there.p_value == pytest.approx(level, rel=1e-9)
            found += 1
    assert found >= 6


def test_the_two_sided_chi_square_test_has_two_limits() -> None:
    made = es.bias(common(dorn()), "excess significance", test="chi-square", alternative="two-sided")
    assert made.figures["limit estimate"] == pytest.approx(0.37886583820788, abs=UNIROOT)
    assert made.figures["upper limit estimate"] == pytest.approx(0.696658086543874, abs=UNIROOT)
    for limit in (made.figures["limit estimate"], made.figures["upper limit estimate"]):
        there = es.bias(common(dorn()), "excess significance", test="chi-square", alternative="two-sided", theta=limit)
        assert there.p_value == pytest.approx(0.10, rel=1e-9)
    made = es.bias(common(dorn()), "excess significance", alternative="two-sided")
    assert "limit estimate" not in made.figures


@pytest.mark.parametrize("effects", SETS)
def test_shares_of_significant_results(effects: es.Effects) -> None:
    with mp.workdps(50):
        y, v, k = exact(effects.y), exact(effects.v), len(effects)
        mean = pooled(y, [1 / b for b in v])
        seen = es.bias(common(effects), "PSST")
        tau2, z = mp.mpf(seen.figures["τ²"]), quantile("0.025")
        assert seen.figures["τ²"] == random(effects).heterogeneity.tau2 or seen.figures["τ²"] == own_tau2(effects)
        share = sum(1 for a, b in zip(y, v, strict=True) if mp.sign(mean) * a / mp.sqrt(b) > z) / mp.mpf(k)
        expected = sum(1 - mp.ncdf((z * mp.sqrt(b) - abs(mean)) / mp.sqrt(b + tau2)) for b in v) / k
        assert close(seen.figures["critical z"], z)
        assert seen.side == ("right" if mean > 0 else "left")
        assert close(seen.figures["weighted mean"], mean, condition=20.0)
        for name, truth in (("share", share), ("expected share", expected), ("excess share", share - expected)):
            assert float(abs(mp.mpf(seen.figures[name]) - truth)) < 1e-13
            times_k = {"share": "significant", "expected share": "expected"}.get(name)
            assert times_k is None or float(abs(mp.mpf(seen.figures[times_k]) - truth * k)) < 1e-12 * k
        lost = float(20 * (share + expected) / abs(share - expected))
        proportion = (share - expected) / mp.sqrt(expected * (1 - expected) / k)
        assert close(seen.statistic, proportion, condition=lost)
        assert close(seen.p_value, mp.erfc(proportion / mp.sqrt(2)) / 2, condition=lost * float(1 + proportion**2))
        excess = (share - expected - mp.mpf(0.05)) / mp.sqrt(mp.mpf(0.05) * mp.mpf(0.95) / k)
        seen = es.bias(common(effects), "TESS")
        assert close(
            seen.statistic, excess, condition=float(20 * (share + expected + 0.05) / abs(share - expected - 0.05))
        )


@pytest.mark.parametrize("effects", SETS)
def test_the_bound_for_unpublished_studies(effects: es.Effects) -> None:
    with mp.workdps(50):
        k = len(effects)
        analysis = random(effects)
        assert analysis.fit is not None
        assert analysis.pooled is not None
        total = [b + mp.mpf(float(analysis.fit.tau2)) for b in exact(effects.v)]
        scale = sum(1 / mp.sqrt(b) for b in total) / sum(1 / b for b in total)
        for missing in (1, 3, k, 10 * k):
            share = mp.mpf(k) / (k + missing)
            bound = scale * mp.npdf(quantile(1 - share)) / share
            seen = es.bias(analysis, "bias bound", missing=missing, table=[missing])
            assert close(seen.figures["bound"], bound, condition=4.0)
            assert seen.table[1]["bound"] == seen.figures["bound"]
            assert seen.after is not None
            assert seen.after.value == analysis.pooled.value - math.copysign(
                seen.figures["bound"], analysis.pooled.value
            )
            assert seen.after.se == analysis.pooled.se
            # The interval moves with the estimate.
            for end, before in (
                (seen.after.ci_low, analysis.pooled.ci_low),
                (seen.after.ci_high, analysis.pooled.ci_high),
            ):
                assert end - before == pytest.approx(seen.after.value - analysis.pooled.value, rel=1e-12)
        assert es.bias(analysis, "bias bound", missing=0).after == analysis.pooled
        least = seen.figures["missing to reach 0"]
        for number, enough in ((least - 1, False), (least, True)):
            share = mp.mpf(k) / (k + mp.mpf(number))
            bound = scale * mp.npdf(quantile(1 - share)) / share if number else 0
            assert (bound >= abs(analysis.pooled.value)) is enough


def test_the_bound_is_what_the_worst_selection_does() -> None:
    # Of n + m standard normal numbers the n largest are kept.
    rng = np.random.default_rng(7)
    kept = np.sort(rng.standard_normal((2000, 100)), axis=1)[:, 30:]
    assert kept.mean() == pytest.approx(truncated_mean(70, 30), abs=0.01)
    assert truncated_mean(1, 1) == pytest.approx(math.sqrt(2 / math.pi), rel=1e-15)


@pytest.mark.parametrize("effects", SETS)
@pytest.mark.parametrize("eta", [1.0, 3.0, 40.0, math.inf])
def test_studies_weighted_by_a_selection_ratio(effects: es.Effects, eta: float) -> None:
    with mp.workdps(50):
        y, v, k = exact(effects.y), exact(effects.v), len(effects)
        for model in ("common", "robust"):
            seen = es.bias(random(effects), "worst-case sensitivity", eta=eta, model=model)
            sign = 1 if seen.side == "right" else -1
            tau2 = mp.mpf(seen.figures["τ²"])
            yes = [sign * a / mp.sqrt(b) > quantile("0.025") for a, b in zip(y, v, strict=True)]
            assert seen.figures["affirmative"] == sum(yes)
            w = [(1 / mp.mpf(eta) if a else 1) / (b + tau2) for a, b in zip(yes, v, strict=True)]
            mean = pooled(y, w)
            assert seen.after is not None
            size = float(sum(abs(a) * b for a, b in zip(y, w, strict=True)) / abs(mean * sum(w)))
            assert close(seen.after.value, mean, condition=10 * size)
            if model == "common":
                variance = sum(b * b * c for b, c in zip(w, v, strict=True)) / sum(w) ** 2
                assert seen.after.df is None
            else:
                variance, df = cr2(y, w, [b + tau2 for b in v])
                assert close(seen.after.df, df, condition=k * 10.0)
            assert close(seen.after.se, mp.sqrt(variance), condition=100.0 * size)


def cr2(y: list[Any], w: list[Any], working: list[Any]) -> tuple[Any, Any]:
    """Give variance and degrees of freedom by the matrices of Pustejovsky and Tipton (2018)."""
    kept = [i for i, one in enumerate(w) if one > 0]
    h = [w[i] / sum(w) for i in kept]
    k = len(kept)
    phi = mp.diag([working[i] for i in kept])
    maker = mp.eye(k) - mp.matrix(k, 1) * 0 * mp.matrix(1, k)
    for i in range(k):
        for j in range(k):
            maker[i, j] = (1 if i == j else 0) - h[j]
    inner = maker * phi * maker.T
    mean = sum(h[i] * y[j] for i, j in enumerate(kept))
    a = [h[i] * mp.sqrt(phi[i, i] / inner[i, i]) for i in range(k)]
    variance = sum((a[i] * (y[j] - mean)) ** 2 for i, j in enumerate(kept))
    form = mp.matrix(k, k)
    for i in range(k):
        for j in range(k):
            form[i, j] = a[i] * inner[i, j] * a[j]
    trace = sum(form[i, i] for i in range(k))
    # The trace of a product of symmetrical matrices is the sum of the products of their elements.
    return variance, trace**2 / sum(form[i, j] ** 2 for i in range(k) for j in range(k))


@pytest.mark.parametrize("model", ["common", "robust"])
def test_at_the_s_value_the_estimate_and_its_limit_are_at_the_threshold(model: str) -> None:
    reached = {"estimate": 0, "limit": 0}
    for effects in SETS:
        analysis = random(effects)
        assert analysis.pooled is not None
        for q in (0.0, 0.5 * analysis.pooled.value):
            made = es.bias(analysis, "worst-case sensitivity", q=q, model=model)
            assert made.after is not None
            sign = math.copysign(1.0, analysis.pooled.value)
            for name in reached:
                s_value = made.figures.get(f"s-value of the {name}")
                if s_value is None:
                    far = (
                        made.after.value
                        if name == "estimate"
                        else made.after.ci_low
                        if sign > 0
                        else made.after.ci_high
                    )
                    assert sign * (far - q) >= 0
                    continue
                there = es.bias(analysis, "worst-case sensitivity", q=q, model=model, eta=s_value).after
                assert there is not None
                value = there.value if name == "estimate" else there.ci_low if sign > 0 else there.ci_high
                if s_value > 1:
                    reached[name] += 1
                    assert value == pytest.approx(q, abs=1e-10 * there.se)
                else:
                    assert sign * (value - q) <= 0
    assert min(reached.values()) >= 2


def test_a_common_effect_s_value_is_the_printed_ratio() -> None:
    # η = ν_A(ȳ_A - q)/(ν_N(q - ȳ_N)) with the sums of weights ν of the affirmative and the other studies.
    effects = es.Effects([0.9, 1.1, 0.1, -0.3, -0.2], [0.05, 0.04, 0.06, 0.09, 0.05])
    made = es.bias(common(effects), "worst-case sensitivity", q=0.1)
    w, yes = 1 / effects.v, np.array([True, True, False, False, False])
    nu_a, nu_n = w[yes].sum(), w[~yes].sum()
    mean_a, mean_n = (w * effects.y)[yes].sum() / nu_a, (w * effects.y)[~yes].sum() / nu_n
    assert made.figures["s-value of the estimate"] == pytest.approx(
        nu_a * (mean_a - 0.1) / (nu_n * (0.1 - mean_n)), rel=1e-13
    )
    assert made.after is not None
    assert made.after.value == pytest.approx(mean_n, rel=1e-13)
    assert [study.change for study in made.studies] == ["set aside"] * 2
    weighted = es.bias(common(effects), "worst-case sensitivity", eta=4.0)
    assert weighted.studies[0].weight == pytest.approx(w[0] / (nu_a + 4 * nu_n), rel=1e-13)


def test_with_equal_weights_the_robust_variance_is_that_of_a_mean() -> None:
    residual = np.array([0.3, -0.1, -0.4, 0.2])
    found = robust_variance(np.full(4, 0.25), residual, np.full(4, 0.7))
    assert found is not None
    assert found == pytest.approx((residual @ residual / 12, 3.0), rel=1e-14)


@pytest.mark.parametrize("effects", SETS)
def test_regions_of_significance(effects: es.Effects) -> None:
    made = es.bias(common(effects), "contour levels", se=[0.25, 0.5])
    z = np.abs(effects.y) / np.sqrt(effects.v)
    bounds = [0.0, 1.6448536269514722, 1.959963984540054, 2.5758293035489004, math.inf]
    counts = [int(((z > low) & (z <= high)).sum()) for low, high in pairwise(bounds)]
    assert [row["studies"] for row in made.table[:4]] == counts
    assert list(made.figures.values()) == counts
    assert made.statistic == counts[0]
    assert sum(int(str(row["left"])[0:-2]) + int(str(row["right"])[0:-2]) for row in made.table[:4]) == len(effects)
    for row, bound in zip(made.table[4::2], bounds[1:], strict=False):
        assert row["ci_high"] == pytest.approx(0.25 * bound, rel=1e-13)
        assert row["ci_low"] == -float(str(row["ci_high"]))


def test_contours_lie_about_the_null() -> None:
    ((se, low, high),) = contour_limits([0.2], 0.05, null=1.0)
    assert (se, low, high) == pytest.approx((0.2, 1 - 0.2 * 1.959963984540054, 1 + 0.2 * 1.959963984540054), rel=1e-15)
    made = es.bias(common(es.Effects([1.0, 2.0], [0.04, 0.04])), "contour levels", null=1.0, levels=[0.05])
    assert list(made.figures) == ["P ≥ 0.05", "P < 0.05"]
    assert list(made.figures.values()) == [1.0, 1.0]
    assert (made.table[0]["left"], made.table[0]["right"]) == (0.0, 0.0)


# -- small and odd data -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("k", [0, 1])
def test_one_study_or_none_gets_a_reason(k: int, method: str) -> None:
    made = es.bias(es.fit(es.Effects([0.5][:k], [0.01][:k]), settings="metafor"), method)
    assert (made.reason is None) == (method == "contour levels" and k == 1)
    assert (made.p_value, made.after) == (None, None)


@pytest.mark.parametrize("method", METHODS)
def test_a_meta_regression_gets_a_reason(method: str) -> None:
    made = es.bias(es.fit(SETS[0], settings="metafor", moderators={"x": list(range(12))}), method)
    assert (made.reason is None) == (method == "contour levels")


ODD = {
    "equal effects": es.Effects([0.25] * 5, [0.01, 0.04, 0.09, 0.16, 0.25]),
    "equal variances": es.Effects([0.1, 0.4, 0.2, 0.9, 0.3], [0.04] * 5),
    "all significant": es.Effects([5.0, 6.0, 7.0, 6.5], [0.1, 0.2, 0.3, 0.4]),
    "none significant": es.Effects([0.1, 0.2, -0.1, 0.15], [0.1, 0.2, 0.3, 0.4]),
    "two studies": es.Effects([0.5, 0.1], [0.01, 0.02]),
    "three studies": es.Effects([0.5, 0.1, 0.3], [0.01, 0.02, 0.01]),
    "no effect": es.Effects([0.5, -0.5], [0.01, 0.01]),
    "sure": es.Effects([1e3, 1e3, 1e3 + 1], [1e-4, 1e-4, 1e-4]),
}
SILENT = {
    ("fail-safe N", "no effect"): "the mean effect is 0: there is no effect to overturn",
    ("PSST", "no effect"): "the weighted mean is 0: it has no direction in which to be significant",
    ("TESS", "no effect"): "the weighted mean is 0: it has no direction in which to be significant",
    (
        "bias bound",
        "no effect",
    ): "the pooled effect is 0, so it cannot tell which direction is favoured: choose side 'left' or 'right'",
    (
        "worst-case sensitivity",
        "no effect",
    ): "the pooled effect is 0, so it cannot tell which direction is favoured: choose side 'left' or 'right'",
    ("PSST", "sure"): "every study is expected to be significant, to the last digit: the share has no variance",
    **dict.fromkeys(
        [("worst-case sensitivity", "all significant"), ("worst-case sensitivity", "sure")],
        "every study is significant in the favoured direction: there is none for the worst case to rest on",
    ),
    ("worst-case sensitivity", "two studies"): "one study alone is not significant in the favoured direction: a robust "
    "variance needs two for the worst case",
    (
        "worst-case sensitivity",
        "three studies",
    ): "one study alone is not significant in the favoured direction: a robust variance needs two for the worst case",
    ("worst-case sensitivity", "equal effects"): "the effects that the estimate rests on are equal: they leave no "
    "variance for the robust interval",
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ODD)
def test_odd_data_give_a_result_or_its_reason(name: str, method: str) -> None:
    for analysis in (es.fit(ODD[name], settings="metafor"), es.fit(ODD[name], settings="metafor", interval="HK")):
        made = es.bias(analysis, method)
        assert made.reason == SILENT.get((method, name))
        given = [made.statistic, made.p_value, *made.figures.values()]
        assert all(math.isfinite(number) for number in given if number is not None)
        assert (made.statistic is None and made.after is None) == (made.reason is not None)


def test_common_effects_have_a_worst_case_where_robust_variances_have_none() -> None:
    for name in ("two studies", "three studies", "equal effects"):
        made = es.bias(common(ODD[name]), "worst-case sensitivity")
        assert made.reason is None
        assert made.after is not None
        assert made.variant.startswith("common-effect")


def test_without_an_affirmative_study_selection_changes_nothing() -> None:
    analysis = common(ODD["none significant"])
    made = es.bias(analysis, "worst-case sensitivity")
    assert analysis.pooled is not None
    assert made.after is not None
    assert made.after.value == pytest.approx(analysis.pooled.value, rel=1e-14)
    assert "no study is significant" in made.warnings[0]


def test_certain_power_leaves_no_chi_square() -> None:
    made = es.bias(common(ODD["sure"]), "excess significance", test="chi-square")
    assert made.reason == "the power of every study is 1 to the last digit: χ² is not defined"
    assert es.bias(common(ODD["sure"]), "excess significance").p_value == 1.0
    sure, nothing = (np.array([1.0, 1.0]), np.array([0.0, 0.0])), (np.array([0.0, 0.0]), np.array([1.0, 1.0]))
    for observed, (power, misses), greater, less in ((2, sure, 1.0, 1.0), (1, sure, 1.0, 0.0), (1, nothing, 0.0, 1.0)):
        assert excess_p_value(observed, power, misses, "chi-square", "greater") == greater
        assert excess_p_value(observed, power, misses, "chi-square", "less") == less


def test_the_distribution_of_a_sum_of_events_keeps_its_small_parts() -> None:
    p = np.full(30, 1e-12)
    assert sum_of_events(p, 1 - p)[30] == pytest.approx(1e-12**30, rel=1e-12)
    assert sum_of_events(np.array([0.25, 0.5]), np.array([0.75, 0.5])).tolist() == [0.375, 0.5, 0.125]


@pytest.mark.parametrize("method", ["bias bound", "worst-case sensitivity"])
def test_the_side_is_that_of_the_effect_unless_it_is_given(method: str) -> None:
    for analysis, side in ((random(SETS[0]), "right"), (random(SETS[5]), "left")):
        made = es.bias(analysis, method)
        assert made.side == side
        assert es.bias(analysis, method, side=side) == made
        other = es.bias(analysis, method, side="left" if side == "right" else "right")
        assert other.after is not None
        assert analysis.pooled is not None
        assert made.after is not None
        assert abs(made.after.value) < abs(analysis.pooled.value)


def test_pooling_by_mantel_haenszel_is_named() -> None:
    table = {"ai": [30, 12, 9, 9], "n1i": [400, 150, 90, 60], "ci": [61, 31, 17, 16], "n2i": [400, 150, 90, 60]}
    analysis = es.fit(table, "OR", settings="revman5")
    for method in METHODS:
        assert es.bias(analysis, method).reason is None
    assert "pooled by M-H" in es.bias(analysis, "bias bound").warnings[0]


def test_given_effects_and_spreads_are_used() -> None:
    analysis = random(SETS[0])
    made = es.bias(analysis, "excess significance", theta=0.2, tau2=0.01)
    assert (made.figures["effect"], made.figures["τ²"]) == (0.2, 0.01)
    made = es.bias(analysis, "excess significance", effect="common")
    assert made.figures["effect"] == pytest.approx(es.bias(common(SETS[0]), "excess significance").figures["effect"])
    assert made.figures["τ²"] == 0.0
    assert "common-effect effect" in made.variant


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (
        "fail-safe N",
        {"type": "Fisher"},
        "type of fail-safe N is one of 'General', 'Rosenthal', 'Orwin', 'Rosenberg', not 'Fisher'",
    ),
    ("fail-safe N", {"pool": "tippett"}, "pool of fail-safe N is one of 'stouffer', 'fisher', not 'tippett'"),
    ("fail-safe N", {"alpha": 0}, "alpha of fail-safe N is a number between 0 and 1, not 0"),
    ("fail-safe N", {"target": 0.0}, "target of fail-safe N is a number other than 0"),
    ("fail-safe N", {"target": math.nan}, "target of fail-safe N is a finite number, not nan"),
    (
        "excess significance",
        {"test": "G"},
        "test of excess significance is one of 'exact', 'chi-square', 'binomial', not 'G'",
    ),
    ("excess significance", {"alternative": "up"}, "alternative of excess significance is one of 'greater'"),
    ("excess significance", {"study_test": "up"}, "study_test of excess significance is one of 'two-sided'"),
    ("excess significance", {"effect": "largest"}, "effect of excess significance is one of 'analysis', 'common'"),
    ("excess significance", {"tau2": -1.0}, "tau2 of excess significance is a finite number of at least 0, not -1.0"),
    ("excess significance", {"theta": True}, "theta of excess significance is a finite number, not True"),
    ("PSST", {"alpha": 1}, "alpha of PSST is a number between 0 and 1, not 1"),
    ("TESS", {"excess": "5%"}, "excess of TESS is a number between 0 and 1, not '5%'"),
    ("bias bound", {"side": "up"}, "side of bias bound is one of 'auto', 'right', 'left', not 'up'"),
    ("bias bound", {"missing": -1}, "missing of bias bound is a number of studies, 0 or more, not -1"),
    ("bias bound", {"table": [1, math.inf]}, "table of bias bound is a number of studies, 0 or more, not inf"),
    ("contour levels", {"levels": []}, "levels of contour levels are one or more numbers between 0 and 1, not ()"),
    ("contour levels", {"levels": [0.05, 5]}, "levels of contour levels is a number between 0 and 1, not 5"),
    ("contour levels", {"se": [-1]}, "se of contour levels are standard errors, 0 or more, not -1"),
    ("worst-case sensitivity", {"eta": 0.5}, "eta of worst-case sensitivity is a ratio of 1 or more"),
    (
        "worst-case sensitivity",
        {"model": "random"},
        "model of worst-case sensitivity is one of 'auto', 'common', 'robust'",
    ),
]


@pytest.mark.parametrize(("method", "options", "says"), REFUSED)
def test_an_option_out_of_range_is_refused_by_name(method: str, options: dict[str, Any], says: str) -> None:
    with pytest.raises(es.SettingsError, match=re.escape(says)):
        es.bias(common(SETS[0]), method, **options)


def test_results_say_what_was_done() -> None:
    made = {method: es.bias(random(SETS[0]), method) for method in METHODS}
    assert len({one.variant for one in made.values()}) == len(METHODS)
    assert attrs.evolve(made["bias bound"], variant="other") != made["bias bound"]
    for method in METHODS:
        assert made[method].before == random(SETS[0]).pooled
