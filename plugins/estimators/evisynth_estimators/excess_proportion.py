"""Test whether the share of significant studies exceeds what their power and heterogeneity let one expect."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from evisynth import BiasResult, BiasTest, hookimpl, normal_p_value, weighted_fit
from evisynth_estimators.bias_options import require_level
from evisynth_estimators.small_study_data import LOW_POWER, pooled_studies
from evisynth_estimators.study_power import TrueEffects, critical_value, power, significant

if TYPE_CHECKING:
    from evisynth import MetaAnalysis

REFERENCE = "Stanley, Doucouliagos, Ioannidis & Carter (2021), Res. Synth. Methods 12:776-795"
FEWEST = 2
FEW = 10
TOO_FEW = "the test needs at least 2 studies, and here are {k}"
MODERATORS = "the test is for one mean effect, not for a meta-regression"
NO_TAU2 = "there is no estimate of τ²"
ZERO = "the weighted mean is 0: it has no direction in which to be significant"
CERTAIN = "every study is expected to be significant, to the last digit: the share has no variance"
ONE_SIDED = "one-sided normal test; significant in the direction of the weighted mean, τ² of the random-effects model"


def psst(analysis: MetaAnalysis, *, alpha: float = 0.05) -> BiasResult:
    """Compare the share P of significant studies with the share E to be expected: z = (P - E)/√(E(1 - E)/k).

    A study counts where its two-sided Wald test rejects at ``alpha`` in the direction of the unrestricted weighted
    least squares mean M, which is the inverse-variance mean; it is expected to with probability
    1 - Φ((z·SE - abs(M))/√(SE² + τ²)). τ² is that of the analysis' random-effects model, also where the analysis is by
    a common effect. A reason stands instead for fewer than 2 studies, a mean of 0, a meta-regression and certain power.
    Raises `SettingsError` for a level out of range.
    """
    return _tested(analysis, "PSST", alpha, None)


def tess(analysis: MetaAnalysis, *, alpha: float = 0.05, excess: float = 0.05) -> BiasResult:
    """Test whether the excess share P - E is above ``excess``: z = (P - E - x)/√(x(1 - x)/k).

    Shares as in `psst`; ``excess`` is 5 %, what a test at that level allows. Raises `SettingsError` for a level or an
    excess out of range.
    """
    require_level("TESS", "excess", excess)
    return _tested(analysis, "TESS", alpha, excess)


def _tested(analysis: MetaAnalysis, name: str, alpha: float, excess: float | None) -> BiasResult:
    require_level(name, "alpha", alpha)
    studies = pooled_studies(analysis)
    k = studies.k
    what = "proportion of significant results" if excess is None else f"excess of significant results over {excess:g}"
    made = BiasResult(
        name=name,
        variant=f"{what}, {ONE_SIDED}",
        k=k,
        symbol="z",
        before=analysis.pooled,
        warnings=(LOW_POWER.format(k=k),) if k < FEW else (),
        reference=REFERENCE,
    )
    if analysis.is_regression:
        return attrs.evolve(made, reason=MODERATORS)
    if k < FEWEST:
        return attrs.evolve(made, reason=TOO_FEW.format(k=k))
    tau2 = analysis.heterogeneity.tau2
    if tau2 is None:
        return attrs.evolve(made, reason=NO_TAU2)
    mean = float(weighted_fit(studies.y, 1.0 / studies.v).coefficients[0])
    if mean == 0.0:
        return attrs.evolve(made, reason=ZERO)
    side = "greater" if mean > 0 else "less"
    # Half of a two-sided level lies on one side.
    powers, misses = power(TrueEffects(mean, tau2), studies.v, alpha / 2.0, side)
    observed = int(significant(studies.y, studies.v, alpha / 2.0, side).sum())
    expected, remaining = float(powers.sum()), float(misses.sum())
    figures = {
        "significant": float(observed),
        "expected": expected,
        "share": observed / k,
        "expected share": expected / k,
        "excess share": (observed - expected) / k,
        "weighted mean": mean,
        "τ²": tau2,
        "critical z": critical_value(alpha / 2.0, side),
    }
    made = attrs.evolve(made, figures=figures, side="right" if mean > 0 else "left")
    if excess is not None:
        z = ((observed - expected) / k - excess) / math.sqrt(excess * (1.0 - excess) / k)
    elif expected <= 0 or remaining <= 0:
        return attrs.evolve(made, reason=CERTAIN)
    else:
        z = (observed - expected) * math.sqrt(k / (expected * remaining))
    both = float(normal_p_value(z)[0])
    return attrs.evolve(made, statistic=z, p_value=0.5 * both if z > 0 else 1.0 - 0.5 * both)


@hookimpl
def bias_tests() -> list[BiasTest]:
    """Offer the tests of the proportion and of the excess of significant results."""
    return [
        BiasTest(
            "PSST",
            psst,
            formula="z = (P - E)/√(E(1 - E)/k), P the share of significant studies; E = (1/k) Σ (1 - Φ((z_α "
            "SEᵢ - |M|)/√(SEᵢ² + τ²))), M = Σ wᵢyᵢ/Σ wᵢ, wᵢ = 1/vᵢ",
            reference=REFERENCE,
            r_equivalent="metaumbrella::esb.test(x, method.esb='PSST')",
        ),
        BiasTest(
            "TESS",
            tess,
            formula="z = (P - E - x)/√(x(1 - x)/k), x = 0.05; P and E as in PSST",
            reference=REFERENCE,
            r_equivalent="metaumbrella::esb.test(x, method.esb='TESS')",
        ),
    ]
