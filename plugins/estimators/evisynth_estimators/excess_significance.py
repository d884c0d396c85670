"""Test whether more studies are significant than their power lets one expect."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import BiasResult, BiasTest, bracketed_root, hookimpl, weighted_fit
from evisynth_estimators.bias_options import require_level, require_number, require_word
from evisynth_estimators.small_study_data import LOW_POWER, Pooled, pooled_studies
from evisynth_estimators.study_power import (
    SIDES_OF_TEST,
    TWO_SIDED,
    TrueEffects,
    estimated_effects,
    power,
    significant,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth import FloatArray, MetaAnalysis

REFERENCE = (
    "Ioannidis & Trikalinos (2007), Clin. Trials 4:245-253; exact test: Francis (2013), J. Math. Psychol. 57:153-169"
)
NAME = "excess significance"
TESTS = {
    "exact": "exact (Poisson-binomial)",
    "chi-square": "Pearson's χ²",
    "binomial": "binomial with the mean power",
}
ALTERNATIVES = ("greater", "two-sided", "less")
EFFECTS = ("analysis", "common")
FEWEST = 2
TOO_FEW = "the test needs at least 2 studies, and here are {k}"
MODERATORS = "the test is for one mean effect, not for a meta-regression"
NO_EFFECT = "there is no pooled effect to compute power for"
CERTAIN = "the power of every study is {power} to the last digit: χ² is not defined"
HETEROGENEOUS = (
    "τ² is above 0: under heterogeneity the test rests on the normal distribution of the true effects "
    "(Ioannidis & Trikalinos 2007, Clin. Trials 4:245-253)"
)
FEW = 10
SAME = 1e-7
"""Relative distance within which two probabilities of a distribution count as equal, as in Fisher's exact test."""


def excess_significance(  # noqa: PLR0913 - keyword-only, each an option of the method
    analysis: MetaAnalysis,
    *,
    test: str = "exact",
    alternative: str = "greater",
    effect: str = "analysis",
    theta: float | None = None,
    tau2: float | None = None,
    alpha: float = 0.05,
    study_test: str = TWO_SIDED,
    limit_level: float = 0.10,
) -> BiasResult:
    """Compare the number O of significant studies with the sum E of their power.

    A study is significant by the Wald test of no effect at ``alpha`` (``study_test`` two-sided, ``"greater"`` or
    ``"less"``). Power is for a true effect of ``theta``, by default the pooled effect of the analysis, or the
    common-effect one with ``effect="common"``, averaged over true effects of variance ``tau2``, by default the
    analysis' (0 for a common effect). ``test`` is ``"exact"``, the distribution of a sum of independent events of
    different probabilities; ``"chi-square"``, (O - E)²/E + (O - E)²/(k - E), one-sided by the sign of O - E; or
    ``"binomial"`` with the mean power. ``alternative`` ``"two-sided"`` adds up all outcomes that are no more probable.

    The limit estimate among the ``figures`` is the true effect, between 0 and infinity on the side of ``theta``, for
    which P is ``limit_level``; there is none where P is above it even for 0. The two-sided χ² test has two, and
    two-sided tests of counts have none: their P jumps where an outcome becomes as probable as another. The rows of
    ``table`` are the studies. A reason stands instead for fewer than 2 studies and a meta-regression. Raises
    `SettingsError` for options out of range.
    """
    require_word(NAME, "test", test, tuple(TESTS))
    require_word(NAME, "alternative", alternative, ALTERNATIVES)
    require_word(NAME, "effect", effect, EFFECTS)
    require_word(NAME, "study_test", study_test, SIDES_OF_TEST)
    require_level(NAME, "alpha", alpha)
    require_level(NAME, "limit_level", limit_level)
    if theta is not None:
        require_number(NAME, "theta", theta)
    if tau2 is not None:
        require_number(NAME, "tau2", tau2, least=0.0)
    studies = pooled_studies(analysis)
    made = BiasResult(
        name=NAME,
        variant=f"{TESTS[test]}, {alternative}; power for the {_of(effect, theta)} effect",
        k=studies.k,
        symbol="χ²" if test == "chi-square" else "O",
        before=analysis.pooled,
        reference=REFERENCE,
    )
    if analysis.is_regression:
        return attrs.evolve(made, reason=MODERATORS)
    if studies.k < FEWEST:
        return attrs.evolve(made, reason=TOO_FEW.format(k=studies.k))
    true = _true_effects(analysis, studies, effect, theta, tau2)
    if true is None:
        return attrs.evolve(made, reason=NO_EFFECT)
    hits = significant(studies.y, studies.v, alpha, study_test)
    observed = int(hits.sum())
    powers, misses = power(true, studies.v, alpha, study_test)
    expected = float(powers.sum())
    warnings = (LOW_POWER.format(k=studies.k),) if studies.k < FEW else ()
    made = attrs.evolve(
        made,
        figures={
            "significant": float(observed),
            "expected": expected,
            "effect": true.mean,
            "τ²": true.tau2,
        },
        table=tuple(
            {"study": name, "significant": "yes" if hit else "no", "power": float(one)}
            for name, hit, one in zip(studies.study, hits, powers, strict=True)
        ),
        warnings=(*warnings, HETEROGENEOUS) if true.tau2 > 0 else warnings,
    )
    if test == "chi-square" and not (expected > 0 and float(misses.sum()) > 0):
        return attrs.evolve(made, reason=CERTAIN.format(power=0 if expected <= 0 else 1))

    def p_at(mean: float) -> float:
        at = power(TrueEffects(mean, true.tau2), studies.v, alpha, study_test)
        return excess_p_value(observed, *at, test, alternative)

    limits: dict[str, float] = {}
    if alternative != TWO_SIDED or test == "chi-square":
        limits = _limits(p_at, math.copysign(1.0, true.mean), _far(studies, true), limit_level, alternative)
    return attrs.evolve(
        made,
        statistic=pearson(observed, powers, misses) if test == "chi-square" else float(observed),
        df=1.0 if test == "chi-square" else None,
        p_value=excess_p_value(observed, powers, misses, test, alternative),
        figures={**made.figures, **limits},
    )


def _of(effect: str, theta: float | None) -> str:
    if theta is not None:
        return "given"
    return "pooled" if effect == "analysis" else "common-effect"


def _true_effects(
    analysis: MetaAnalysis, studies: Pooled, effect: str, theta: float | None, tau2: float | None
) -> TrueEffects | None:
    if effect == "common":
        mean = float(weighted_fit(studies.y, 1.0 / studies.v).coefficients[0])
        own: TrueEffects | None = TrueEffects(mean, 0.0)
    else:
        own = estimated_effects(analysis)
    if own is None and (theta is None or tau2 is None):
        return None
    return TrueEffects(
        theta if theta is not None else own.mean if own else 0.0, tau2 if tau2 is not None else own.tau2 if own else 0.0
    )


# -- P-values ---------------------------------------------------------------------------------------------------------


def sum_of_events(probability: FloatArray, complement: FloatArray) -> FloatArray:
    """Give the distribution ``(k + 1,)`` of the number of k independent events that happen.

    Every step adds products of positive numbers, so that each probability keeps its relative accuracy.
    """
    distribution = np.ones(1)
    for p, q in zip(probability.tolist(), complement.tolist(), strict=True):
        longer = np.zeros(distribution.size + 1)
        longer[:-1] = distribution * q
        longer[1:] += distribution * p
        distribution = longer
    return distribution


def pearson(observed: int, powers: FloatArray, misses: FloatArray) -> float:
    """Give Pearson's χ² for the number of significant studies."""
    expected, remaining = float(powers.sum()), float(misses.sum())
    # k - O - (k - E) where E is near k, so that the difference does not cancel.
    difference = observed - expected if expected <= remaining else remaining - (powers.size - observed)
    return difference * difference * (1.0 / expected + 1.0 / remaining)


def excess_p_value(observed: int, powers: FloatArray, misses: FloatArray, test: str, alternative: str) -> float:
    """Give the P-value of ``observed`` significant studies, with the power ``(k,)`` of each and its complement."""
    if test == "chi-square":
        return _pearson_p_value(observed, powers, misses, alternative)
    if test == "binomial":
        powers, misses = (np.full(powers.size, float(part.mean())) for part in (powers, misses))
    distribution = sum_of_events(powers, misses)
    if alternative == "greater":
        p = distribution[observed:].sum()
    elif alternative == "less":
        p = distribution[: observed + 1].sum()
    else:
        p = distribution[distribution <= distribution[observed] * (1.0 + SAME)].sum()
    return min(float(p), 1.0)


def _pearson_p_value(observed: int, powers: FloatArray, misses: FloatArray, alternative: str) -> float:
    from scipy.special import ndtr  # noqa: PLC0415 - scipy comes with the first fit

    expected, remaining = float(powers.sum()), float(misses.sum())
    if not (expected > 0 and remaining > 0):
        # The limit of χ² as power becomes certain: infinite but where it is what happened.
        as_expected = observed == (0 if expected <= 0 else powers.size)
        return 1.0 if as_expected or (alternative == "greater") == (expected > 0) else 0.0
    z = math.copysign(math.sqrt(pearson(observed, powers, misses)), observed - expected)
    if alternative == TWO_SIDED:
        return float(2.0 * ndtr(-abs(z)))
    return float(ndtr(-z if alternative == "greater" else z))


# -- the limit estimate -----------------------------------------------------------------------------------------------


def _far(studies: Pooled, true: TrueEffects) -> float:
    """Give an effect for which every study is sure to be significant but for 1 in 10⁹."""
    return 2.0 * abs(true.mean) + 16.0 * math.sqrt(float(studies.v.max()) + true.tau2)


def _limits(
    p_at: Callable[[float], float], sign: float, far: float, level: float, alternative: str
) -> dict[str, float]:
    """Find where P is ``level`` as the effect goes from 0 to ``far``; P rises, falls, or does both in this order."""

    def above(size: float) -> float:
        return p_at(sign * size) - level

    grid = np.linspace(0.0, far, 257 if alternative == TWO_SIDED else 2).tolist()
    values = [above(size) for size in grid]
    found: dict[str, float] = {}
    steps = list(zip(pairwise(grid), pairwise(values), strict=True))
    if values[0] <= 0:
        for (low, high), (at_low, at_high) in steps:
            if at_low <= 0 < at_high:
                found["limit estimate"] = sign * bracketed_root(above, low, high, at_low, at_high)
                break
    if values[-1] <= 0:
        name = "limit estimate" if alternative == "less" else "upper limit estimate"
        for (low, high), (at_low, at_high) in reversed(steps):
            if at_high <= 0 < at_low:
                found[name] = sign * bracketed_root(above, low, high, at_low, at_high)
                break
    return found


@hookimpl
def bias_tests() -> list[BiasTest]:
    """Offer the test of excess significance."""
    return [
        BiasTest(
            NAME,
            excess_significance,
            formula="P(O* ≥ O), O* a sum of independent events of probabilities πᵢ, the power of each study, "
            "E = Σ πᵢ; or χ² = (O - E)²/E + (O - E)²/(k - E)",
            reference=REFERENCE,
            r_equivalent="metafor::tes(res)",
        )
    ]
