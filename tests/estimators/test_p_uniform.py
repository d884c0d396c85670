"""p-uniform, p-uniform* and p-curve agree with 50-digit arithmetic, printed results and what they promise."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from mpmath.ctx_mp import MPContext  # mpmath has no annotations
from scipy import optimize, stats

import evisynth as es
from evisynth_estimators import p_uniform
from evisynth_estimators.conditional_tails import (
    hazard,
    log_complement,
    log_conditional_tail,
    mean_excess,
    truncated_variance,
)
from evisynth_estimators.irwin_hall import log_sum_below, sum_quantile
from evisynth_estimators.p_uniform import Conditional
from evisynth_estimators.p_uniform_star import Truncated
from evisynth_estimators.significant_studies import selected_studies

if TYPE_CHECKING:
    from collections.abc import Callable

mp = cast("Any", MPContext())
mp.dps = 50
CLOSED = 1e-13
EXACT = 1e-12
CUT = es.normal_quantile(0.95)


def mixed(k: int = 20, seed: int = 1, mu: float = 0.3, tau2: float = 0.0) -> es.Effects:
    rng = np.random.default_rng(seed)
    v = rng.uniform(0.01, 0.1, k)
    return es.Effects(rng.normal(mu, np.sqrt(v + tau2)), v)


def selected(k: int, seed: int, mu: float, tau2: float = 0.0, published: float = 0.0) -> es.Effects:
    """Draw studies until k are significant, or published with a lower probability otherwise."""
    rng = np.random.default_rng(seed)
    y, v = np.empty(0), np.empty(0)
    while y.size < k:
        new = rng.uniform(0.01, 0.1, 50)
        effect = rng.normal(mu, np.sqrt(new + tau2))
        kept = (effect / np.sqrt(new) > CUT) | (rng.uniform(size=50) < published)
        y, v = np.concatenate([y, effect[kept]]), np.concatenate([v, new[kept]])
    return es.Effects(y[:k], v[:k])


def fitted(effects: es.Effects) -> es.MetaAnalysis:
    return es.fit(effects, settings="metafor")


def tail(x: Any) -> Any:  # noqa: ANN401 - mpmath's own numbers
    return mp.erfc(x / mp.sqrt(2)) / 2


def density(x: Any) -> Any:  # noqa: ANN401 - mpmath's own numbers
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def relative(ours: float, exact: Any) -> float:  # noqa: ANN401 - mpmath's own numbers
    return float(abs(mp.mpf(ours) - exact) / abs(exact))


def test_tails_agree_with_50_digits() -> None:
    for cut in (-6.0, -1.0, -1e-3, 0.0, 1e-3, 1.96, 5.99, 6.01, 38.0, 1e3, 1e5):
        x = np.array([cut])
        exact = density(mp.mpf(cut)) / tail(mp.mpf(cut))
        assert relative(float(hazard(x)[0]), exact) < CLOSED or cut < 0
        assert float(hazard(x)[0]) == pytest.approx(float(exact), rel=CLOSED, abs=1e-300)
        # Short of the continued fraction a difference is taken of numbers of that size.
        rounding = CLOSED * (1.0 + cut**2 if 0 < cut < 6 else 1.0)
        assert relative(float(mean_excess(x)[0]), exact - mp.mpf(cut)) < rounding
        assert relative(float(truncated_variance(x)[0]), 1 - exact * (exact - mp.mpf(cut))) < rounding
        for above in (1e-8, 1e-3, 0.5, 3.0, 40.0):
            found = float(log_conditional_tail(np.array([above]), x)[0])
            wanted = mp.log(tail(mp.mpf(cut) + mp.mpf(above)) / tail(mp.mpf(cut)))
            # A tail near 1 is known as well as the excess above the cut is, which the sum of both rounds.
            slack = 1.0 + abs(cut) / above if cut <= 0 else 1.0
            assert relative(found, wanted) < CLOSED * 10 * slack + 1e-15 / above * (1.0 + abs(cut))


def test_complements_agree_with_50_digits() -> None:
    mp.dps = 50
    for log_p in (-1e-20, -1e-5, -0.5, -0.7, -3.0, -40.0):
        assert relative(float(log_complement(np.array(log_p))), mp.log(1 - mp.exp(mp.mpf(log_p)))) < CLOSED
    assert float(log_complement(np.array(0.0))) == -math.inf


@pytest.mark.parametrize("k", [1, 2, 3, 7, 20, 60])
def test_the_sum_of_uniforms_agrees_with_exact_fractions(k: int) -> None:
    for share in (Fraction(1, 64), Fraction(1, 8), Fraction(3, 8), Fraction(1, 2), Fraction(13, 16), Fraction(63, 64)):
        x = share * k
        terms = [(-1) ** j * math.comb(k, j) * (x - j) ** k for j in range(math.floor(x) + 1)]
        whole = sum(terms, Fraction(0)) / math.factorial(k)
        exact = mp.log(mp.mpf(whole.numerator) / whole.denominator)
        # The probability is right to all digits, and its logarithm as far as that is a large number.
        assert abs(float(log_sum_below(float(x), k)) - exact) < CLOSED * k
    assert float(log_sum_below(0.0, k)) == -math.inf
    assert float(log_sum_below(k + 0.5, k)) == 0.0
    for p in (0.001, 0.025, 0.5, 0.9):
        assert float(np.exp(log_sum_below(sum_quantile(p, k), k))) == pytest.approx(p, rel=1e-12)


def test_the_sum_of_many_uniforms_neither_underflows_nor_strays() -> None:
    assert float(log_sum_below(0.5, 500)) == pytest.approx(500 * math.log(0.5) - math.lgamma(501), rel=1e-12)
    z = (240.0 - 250.0) / math.sqrt(500 / 12)
    assert float(np.exp(log_sum_below(240.0, 500))) == pytest.approx(stats.norm.cdf(z), rel=1e-3)


def exact_q(problem: Conditional, mu: Any) -> list[Any]:  # noqa: ANN401 - mpmath's own numbers
    return [
        tail(mp.mpf(above) + mp.mpf(problem.cut) - mu / mp.mpf(se)) / tail(mp.mpf(problem.cut) - mu / mp.mpf(se))
        for above, se in zip(problem.above.tolist(), problem.se.tolist(), strict=True)
    ]


TOTALS: dict[str, Callable[[Any], Any]] = {
    "P": lambda q: q,
    "LNP": lambda q: -mp.log(q),
    "LN1MINP": lambda q: -mp.log(1 - q),
}


@pytest.mark.parametrize("estimator", ["P", "LNP", "LN1MINP"])
@pytest.mark.parametrize("effects", [mixed(), selected(30, 5, 0.2), selected(1, 2, 0.1)])
def test_estimates_and_limits_solve_their_equations(estimator: str, effects: es.Effects) -> None:
    made = es.bias(fitted(effects), "p-uniform", estimator=estimator, side="right", zero=False)
    assert made.after is not None
    studies = selected_studies(fitted(effects), "", "right", 0.05)
    assert not isinstance(studies, str)
    problem = Conditional.of(studies)
    k = problem.k

    def quantile(p: float) -> float:
        return sum_quantile(p, k) if estimator == "P" else float(stats.gamma.ppf(p, k))

    targets = {"value": k / 2 if estimator == "P" else k, "ci_low": quantile(0.025), "ci_high": quantile(0.975)}
    if estimator == "LNP":
        targets["ci_low"], targets["ci_high"] = targets["ci_high"], targets["ci_low"]
    for name, target in targets.items():
        mine = getattr(made.after, name)

        def gap(mu: Any, target: float = target) -> Any:  # noqa: ANN401 - mpmath's own numbers
            return sum(TOTALS[estimator](q) for q in exact_q(problem, mu)) - mp.mpf(target)

        exact = mp.findroot(gap, mp.mpf(mine))
        assert relative(mine, exact) < 1e-11, (name, mine, exact)
    total = sum(TOTALS[estimator](q) for q in exact_q(problem, mp.mpf(0)))
    assert relative(made.after.statistic, total) < 1e-12


def test_the_truncated_likelihood_is_at_its_maximum() -> None:
    made = es.bias(fitted(mixed()), "p-uniform", estimator="ML")
    assert made.after is not None
    studies = selected_studies(fitted(mixed()), "", "right", 0.05)
    assert not isinstance(studies, str)
    taken = studies.significant
    y, se = studies.y[taken].tolist(), studies.se[taken].tolist()

    def height(mu: Any) -> Any:  # noqa: ANN401 - mpmath's own numbers
        return sum(
            mp.log(density((mp.mpf(a) - mu) / mp.mpf(s)) / mp.mpf(s) / tail(mp.mpf(CUT) - mu / mp.mpf(s)))
            for a, s in zip(y, se, strict=True)
        )

    top = mp.findroot(partial(mp.diff, height), mp.mpf(made.after.value))
    assert relative(made.after.value, top) < 1e-11
    assert made.after.se == pytest.approx(float(1 / mp.sqrt(-mp.diff(height, top, 2))), rel=1e-10)
    drop = stats.chi2.ppf(0.95, 1) / 2
    for end in (made.after.ci_low, made.after.ci_high):
        assert float(height(top) - height(mp.mpf(end))) == pytest.approx(drop, rel=1e-11)
    assert made.after.statistic == pytest.approx(float(2 * (height(top) - height(mp.mpf(0)))), rel=1e-11)
    assert made.convergence is not None
    assert made.convergence.log_likelihood == pytest.approx(float(height(top)), rel=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_no_effect_brings_p_values_nearer_to_uniform(seed: int) -> None:
    effects = selected(3 + 4 * seed, seed, 0.25, 0.02)
    studies = selected_studies(fitted(effects), "", "right", 0.05)
    assert not isinstance(studies, str)
    problem = Conditional.of(studies)

    def distance(mu: float) -> float:
        return float(stats.kstest(np.exp(problem.log_q(mu)), "uniform").statistic)

    for estimator, far in (("KS", distance), ("AD", problem.anderson_darling)):
        made = es.bias(fitted(effects), "p-uniform", estimator=estimator, side="right", zero=False)
        assert made.after is not None
        best = far(made.after.value)
        around = made.after.value + np.concatenate([np.linspace(-1, 1, 81), np.linspace(-1e-3, 1e-3, 21)])
        assert best <= min(far(float(mu)) for mu in around) + 1e-12, estimator
        assert math.isnan(made.after.ci_low)
        assert made.p_value is None


def test_anderson_darling_is_the_textbooks() -> None:
    problem = Conditional(np.array([0.1, 0.7, 1.5, 2.0]), CUT, np.array([0.1, 0.2, 0.15, 0.3]))
    u = np.sort(np.exp(problem.log_q(0.05)))
    k = u.size
    a2 = -k - sum((2 * i - 1) * (math.log(u[i - 1]) + math.log1p(-u[k - i])) for i in range(1, k + 1)) / k
    assert problem.anderson_darling(0.05) == pytest.approx(a2, rel=1e-13)


def test_weak_evidence_sets_the_estimate_to_zero() -> None:
    v = np.full(5, 0.04)
    effects = es.Effects(np.sqrt(v) * np.array([2.0, 2.1, 1.98, 2.05, 3.0]), v)
    for estimator in ("P", "LNP", "LN1MINP", "KS", "AD", "ML"):
        made = es.bias(fitted(effects), "p-uniform", estimator=estimator)
        raw = es.bias(fitted(effects), "p-uniform", estimator=estimator, zero=False)
        assert made.after is not None
        assert raw.after is not None
        assert made.after.value == 0.0
        assert raw.after.value < 0.0
        assert made.parameters["estimate not set to 0"].value == raw.after.value
        assert any("set to 0" in warning for warning in made.warnings)
        assert not raw.parameters


def test_bias_is_tested_against_the_common_effect_mean_of_all_or_the_significant() -> None:
    effects = selected(25, 3, 0.1, 0.0, 0.15)
    common = es.fit(effects, settings="metafor", model="common").pooled
    assert common is not None
    made = es.bias(fitted(effects), "p-uniform")
    assert made.figures["common-effect mean"] == pytest.approx(common.value, rel=1e-12)
    other = es.bias(fitted(effects), "p-uniform", compared="significant")
    assert other.figures["common-effect mean"] > common.value
    assert other.p_value is not None
    assert made.p_value is not None
    assert other.p_value < made.p_value
    k = made.figures["significant studies"]
    assert made.statistic is not None
    z = (made.statistic - k / 2) / math.sqrt(k / 12)
    assert made.figures["z of Σp"] == pytest.approx(z, rel=1e-9)
    assert made.p_value == pytest.approx(stats.norm.sf(z), rel=0.05)


def star(effects: es.Effects) -> Truncated:
    studies = selected_studies(fitted(effects), "", "right", 0.05)
    assert not isinstance(studies, str)
    return Truncated.of(studies)


def exact_height(surface: Truncated, mu: Any, tau2: Any) -> Any:  # noqa: ANN401 - mpmath's own numbers
    total = mp.mpf(0)
    for y, v, cut, turn in zip(*(x.tolist() for x in (surface.y, surface.v, surface.cut, surface.turn)), strict=True):
        sigma = mp.sqrt(mp.mpf(v) + tau2)
        low, point = turn * (mp.mpf(cut) - mu) / sigma, (mp.mpf(y) - mu) / sigma
        total += mp.log(density(point) / sigma / tail(low))
    return total


def test_the_likelihood_and_its_slopes_agree_with_50_digits() -> None:
    surface = star(mixed(30, 4, 0.3, 0.02))
    for mu, tau2 in ((0.5, 0.1), (-2.0, 0.0), (3.0, 4.0), (-20.0, 0.5), (-30.0, 100.0)):
        exact = exact_height(surface, mp.mpf(mu), mp.mpf(tau2))
        assert relative(surface.height(mu, tau2), exact) < 1e-13
        by_mu = mp.diff(partial(exact_height, surface, tau2=mp.mpf(tau2)), mp.mpf(mu))
        by_tau2 = mp.diff(partial(exact_height, surface, mp.mpf(mu)), mp.mpf(tau2), direction=1)
        assert relative(float(surface.slope_mu(mu, tau2)), by_mu) < 1e-12
        assert relative(float(surface.slope_tau2(mu, tau2)), by_tau2) < 1e-11


def test_the_maximum_and_its_limits_agree_with_50_digits() -> None:
    effects = selected(25, 11, 0.3, 0.05, 0.3)
    surface = star(effects)
    made = es.bias(fitted(effects), "p-uniform*", side="right")
    top = surface.top
    assert top is not None
    assert made.after is not None
    tau2 = made.parameters["tau2"]
    assert top.tau2 > 0

    def slopes(mu: Any, t: Any) -> list[Any]:  # noqa: ANN401 - mpmath's own numbers
        by_mu = mp.diff(partial(exact_height, surface, tau2=t), mu)
        return [by_mu, mp.diff(partial(exact_height, surface, mu), t)]

    mp.dps = 30
    exact = mp.findroot(slopes, (mp.mpf(top.mu), mp.mpf(top.tau2)))
    assert relative(made.after.value, exact[0] * surface.unit) < 1e-10
    assert relative(tau2.value, exact[1] * surface.unit**2) < 1e-9
    mp.dps = 50
    # The height at the maximum is flat: it is right to twice the digits.
    assert relative(top.height, exact_height(surface, exact[0], exact[1])) < 1e-13
    drop = stats.chi2.ppf(0.95, 1) / 2
    for end in (made.after.ci_low, made.after.ci_high):
        best = climb(partial(surface.height, end / surface.unit), (0.0, 50.0))
        best = max(best, surface.height(end / surface.unit, 0.0))
        assert top.height - best == pytest.approx(drop, rel=1e-6)
    for end in (tau2.ci_low, tau2.ci_high):
        best = climb(partial(surface.height, tau2=end / surface.unit**2), (-20.0, 20.0))
        assert top.height - best == pytest.approx(drop, rel=1e-6) if end else top.height - best <= drop


def climb(f: Callable[[float], float], bounds: tuple[float, float]) -> float:
    """Give the height of the maximum of a function with one."""

    def cost(x: float) -> float:
        return -f(x)

    found = optimize.minimize_scalar(cost, bounds=bounds, method="bounded", options={"xatol": 1e-10})
    return -float(found.fun)


def random_starts(surface: Truncated, starts: int, seed: int) -> float:
    rng = np.random.default_rng(seed)
    best = -math.inf
    for _ in range(starts):
        start = [rng.normal(float(surface.y.mean()), 2.0), rng.exponential(1.0)]

        def cost(x: Any) -> tuple[float, Any]:  # noqa: ANN401 - what scipy passes
            slopes = [float(surface.slope_mu(x[0], x[1])), float(surface.slope_tau2(x[0], x[1]))]
            return -surface.height(x[0], x[1]), -np.array(slopes)

        found = optimize.minimize(cost, start, jac=True, method="L-BFGS-B", bounds=[(-60, 60), (0, 900)])
        best = max(best, -found.fun)
    return best


@pytest.mark.parametrize("seed", range(6))
def test_no_random_start_climbs_higher(seed: int) -> None:
    surface = star(selected(5 + 9 * seed, seed, 0.2, 0.03 * (seed % 3), (0.02, 0.2, 1.0)[seed % 3]))
    top = surface.top
    reached = random_starts(surface, 10, seed)
    if top is None:
        assert surface.one_kind
        assert reached <= surface.endless + 1e-6
    else:
        assert reached <= top.height + 1e-6


@pytest.mark.sweep
@pytest.mark.parametrize("tens", range(50))
def test_no_random_start_climbs_higher_on_500_sets(tens: int) -> None:
    for seed in range(10 * tens, 10 * tens + 10):
        rng = np.random.default_rng(seed)
        k = int(rng.integers(5, 200))
        surface = star(
            selected(k, seed, rng.normal(0.1, 0.3), rng.choice([0.0, 0.02, 0.2]), rng.choice([0.0, 0.05, 0.3, 1]))
        )
        top = surface.top
        reached = random_starts(surface, 50, seed)
        assert reached <= (surface.endless if top is None else top.height) + 1e-6, seed


def test_studies_of_one_kind_have_an_estimate_or_a_reason() -> None:
    seen: set[bool] = set()
    for seed in range(12):
        effects = selected(8, seed, 0.1)
        made = es.bias(fitted(effects), "p-uniform*")
        seen.add(made.reason is None)
        if made.reason is None:
            assert "can hardly be told apart" in made.warnings[0]
            assert made.after is not None
        else:
            assert "rises without end" in made.reason
            assert made.after is None
    assert seen == {True, False}
    none = es.bias(fitted(es.Effects([0.1, 0.15, 0.05, 0.2], [0.04] * 4)), "p-uniform*")
    assert "not significant" in (none.reason or none.warnings[0])


def test_the_limit_at_infinity_is_that_of_exponential_excesses() -> None:
    surface = star(selected(8, 3, 0.1))
    assert surface.one_kind
    tau2 = np.array([1e6, 1e9])
    _, heights, _ = surface.profile(tau2)
    assert heights[1] == pytest.approx(surface.endless, rel=1e-5)
    assert abs(heights[1] - surface.endless) < abs(heights[0] - surface.endless)


def test_random_effects_estimates_by_another_estimator_can_be_compared_with() -> None:
    analysis = fitted(mixed(30, 8, 0.3, 0.05))
    values = {es.bias(analysis, "p-uniform*", compared=word).statistic for word in ("ML", "PM", "DL")}
    assert len(values) == 3
    with pytest.raises(es.UnknownMethodError):
        es.bias(analysis, "p-uniform*", compared="nobody")


# Harrer, Cuijpers, Furukawa & Ebert (2021), Doing Meta-Analysis in R, ch. 9.2.3 (data "ThirdWave", output of pcurve)
THIRD_WAVE_STUDIES = (
    (0.7091362, 0.2608202),
    (0.3548641, 0.1963624),
    (1.7911700, 0.3455692),
    (0.1824552, 0.1177874),
    (0.4218509, 0.1448128),
    (0.6300000, 0.1960000),
    (0.7248838, 0.2246641),
    (0.5286638, 0.2104609),
    (0.2840000, 0.1680000),
    (1.2750682, 0.3371997),
    (0.1036082, 0.1947275),
    (0.3883906, 0.2307689),
    (0.5407398, 0.2443133),
    (0.4261593, 0.2579379),
    (0.5153969, 0.3512737),
    (1.4797260, 0.3152817),
    (0.6125782, 0.2266834),
    (0.6000000, 0.2490000),
)
THIRD_WAVE = es.Effects([y for y, _ in THIRD_WAVE_STUDIES], [se * se for _, se in THIRD_WAVE_STUDIES])


def test_the_printed_p_curve_of_a_textbook_is_reproduced() -> None:
    """All but the flatness of the half curve: 5.158 is printed there, see the next test."""
    made = es.bias(fitted(THIRD_WAVE), "p-curve", side="both")
    rows = {str(row["test"]): row for row in made.table}
    printed = {
        "right skew, full": ("statistic", -5.943),
        "right skew, half": ("statistic", -4.982),
        "right skew, binomial": ("p_value", 0.006),
        "flatter than 33 % power, full": ("statistic", 3.260),
        "flatter than 33 % power, binomial": ("p_value", 0.975),
    }
    for name, (column, value) in printed.items():
        assert round(float(cast("float", rows[name][column])), 3) == value, name
    assert (made.k, made.figures["studies with p below half the level"]) == (11, 10)
    power = made.parameters["power"]
    assert (round(power.value, 2), round(power.ci_low, 3), round(power.ci_high, 3)) == (0.84, 0.627, 0.946)
    assert (made.figures["evidential value"], made.figures["evidence absent or inadequate"]) == (1.0, 0.0)


def test_where_the_half_curve_differs_from_the_printed_one() -> None:
    """The printed 5.158 takes the share below half the level out of the distribution of all z, significant or not."""
    z = THIRD_WAVE.y / np.sqrt(THIRD_WAVE.v)
    z = z[2 * stats.norm.sf(z) < 0.025]
    weak = optimize.brentq(lambda n: stats.ncx2.sf(stats.chi2.isf(0.05, 1), 1, n) - 1 / 3, 0.1, 10)
    below = stats.ncx2.cdf(z**2, 1, weak)
    share = 3 * stats.ncx2.sf(stats.chi2.isf(0.025, 1), 1, weak)
    of_all = stats.norm.ppf((below - (1 - share)) / share).sum() / math.sqrt(z.size)
    of_significant = stats.norm.ppf((3 * (below - 2 / 3) - (1 - share)) / share).sum() / math.sqrt(z.size)
    assert round(of_all, 3) == 5.158
    rows = {row["test"]: row for row in es.bias(fitted(THIRD_WAVE), "p-curve", side="both").table}
    assert rows["flatter than 33 % power, half"]["statistic"] == pytest.approx(of_significant, rel=1e-9)


def test_p_curve_scores_are_normal_where_their_power_is_true() -> None:
    rng = np.random.default_rng(2)
    weak = optimize.brentq(lambda d: stats.norm.sf(CUT - d) + stats.norm.sf(CUT + d) - 1 / 3, 0.0, 5)
    names = ("flatter than 33 % power, full", "flatter than 33 % power, half")
    found: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(200):
        z = rng.normal(weak, 1.0, 60)
        rows = {row["test"]: row for row in es.bias(fitted(es.Effects(z, np.ones(60))), "p-curve", side="both").table}
        for name in names:
            found[name].append(float(cast("float", rows[name]["p_value"])))
    for name in names:
        assert stats.kstest(found[name], "uniform").pvalue > 0.001, name


def test_p_curve_says_when_evidence_is_absent() -> None:
    z = np.array([1.97, 2.0, 2.05, 1.98, 2.1, 2.02, 1.99, 0.3])
    made = es.bias(fitted(es.Effects(z * 0.1, np.full(8, 0.01))), "p-curve")
    assert (made.figures["evidential value"], made.figures["evidence absent or inadequate"]) == (0.0, 1.0)
    assert made.figures["effect"] == 0.0
    assert made.parameters["power"].value == 0.05
    assert "evidential value: no" in made.warnings[0]


def test_extreme_effects_do_not_overflow() -> None:
    for z in ([40.0, 60.0, 1e4], [1.96, 1.97, 300.0], [CUT + 1e-12, CUT + 1e-9, 2.5]):
        analysis = fitted(es.Effects(np.array(z) * 0.1, np.full(3, 0.01)))
        for name in ("p-curve", "p-uniform*"):
            made = es.bias(analysis, name)
            assert made.reason is not None or made.after is not None or made.p_value is not None, name
        for word in ("P", "LNP", "LN1MINP", "KS", "AD", "ML"):
            assert es.bias(analysis, "p-uniform", estimator=word).after is not None, word


@pytest.mark.parametrize("name", ["p-uniform", "p-uniform*", "p-curve"])
def test_few_equal_or_insignificant_studies_give_results_or_reasons(name: str) -> None:
    y, v = [0.5, 0.7, 0.9], [0.04, 0.05, 0.01]
    for k in range(4):
        made = es.bias(fitted(es.Effects(y[:k], v[:k])), name)
        assert made.reason or made.after is not None or made.p_value is not None
    none = es.bias(fitted(es.Effects([0.1, 0.2, 0.0], [0.04] * 3)), name)
    assert none.reason is not None or name == "p-uniform*"
    equal = es.bias(fitted(es.Effects([0.5] * 4, [0.04] * 4)), name)
    assert equal.reason or equal.after is not None or equal.p_value is not None
    regression = es.fit(mixed(), settings="metafor", moderators={"x": list(range(20))})
    assert es.bias(regression, name).reason == f"{name} is for one pooled effect, not for a meta-regression"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("p-uniform", {"estimator": "LS"}),
        ("p-uniform", {"side": "up"}),
        ("p-uniform", {"alpha": 1.0}),
        ("p-uniform", {"compared": "some"}),
        ("p-uniform*", {"side": "both"}),
        ("p-uniform*", {"alpha": 0.0}),
        ("p-curve", {"side": "none"}),
        ("p-curve", {"power_level": 2.0}),
    ],
)
def test_other_words_are_refused(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(es.SettingsError, match=r"is (one of|a number)"):
        es.bias(fitted(mixed()), name, **options)


@pytest.mark.parametrize("name", ["p-uniform", "p-uniform*"])
def test_the_side_follows_the_pooled_effect(name: str) -> None:
    effects = mixed(25, 6, 0.3, 0.01)
    right = es.bias(fitted(effects), name)
    left = es.bias(fitted(es.Effects(-effects.y, effects.v)), name)
    assert (right.side, left.side) == ("right", "left")
    assert right.after is not None
    assert left.after is not None
    assert left.after.value == -right.after.value
    assert (left.after.ci_low, left.after.ci_high) == (-right.after.ci_high, -right.after.ci_low)
    assert left.p_value == right.p_value


@pytest.mark.parametrize("k", [1, 4, 30])
@pytest.mark.parametrize("share", [0.2, 1.0, 3.0])
def test_tails_of_sums_of_logarithms(k: int, share: float) -> None:
    # Minus the logarithms of k uniform numbers add up to a gamma variable; an effect makes p small, and 1 - p near 1.
    inside: Any = p_uniform
    with mp.workdps(40):
        upper = mp.gammainc(k, mp.mpf(share) * k, mp.inf, regularized=True)
        lower = mp.gammainc(k, 0, mp.mpf(share) * k, regularized=True)
    for method, effect, truth in (
        ("LNP", True, upper),
        ("LNP", False, lower),
        ("LN1MINP", True, lower),
        ("LN1MINP", False, upper),
    ):
        assert inside._log_tail(method, share * k, k, effect=effect) == pytest.approx(float(mp.log(truth)), rel=1e-12)
