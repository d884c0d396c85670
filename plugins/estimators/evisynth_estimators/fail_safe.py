"""Count the studies averaging no effect that would overturn a meta-analysis."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import BiasResult, BiasTest, SettingsError, chi2_p_value, hookimpl, normal_p_value, normal_quantile
from evisynth_estimators.bias_options import require_level, require_number, require_word
from evisynth_estimators.small_study_data import Pooled, pooled_studies

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth import FloatArray, MetaAnalysis

REFERENCE = (
    "Rosenthal (1979), Psychol. Bull. 86:638-641; Orwin (1983), J. Educ. Stat. 8:157-159; "
    "Rosenberg (2005), Evolution 59:464-468; "
    "by Fisher's method: Becker (2005), in: Publication Bias in Meta-Analysis, ch. 7"
)
NAME = "fail-safe N"
TYPES = ("General", "Rosenthal", "Orwin", "Rosenberg")
POOLS = ("stouffer", "fisher")
VARIANTS = {
    "General": "studies of no effect until the pooled effect under the analysis' τ² {until}",
    "Rosenthal": "studies of no effect until the combined one-sided P ({pool}) reaches {alpha:g}",
    "Orwin": "studies of no effect until the {weighted} mean falls to the target",
    "Rosenberg": "studies of no effect, of mean weight, until the inverse-variance mean loses P < {alpha:g}",
}
FEWEST = 2
TOO_FEW = "a fail-safe N needs at least 2 studies, and here are {k}"
MODERATORS = "a fail-safe N is for one pooled effect, not for a meta-regression"
ZERO = "the mean effect is 0: there is no effect to overturn"
NO_MODEL = "there is no pooled effect to overturn"
FAR = 2.0**53
ROUNDING = 1e-12
"""Relative distance from a whole number within which a quotient of rounded sums is taken for it."""


def fail_safe(
    analysis: MetaAnalysis,
    *,
    type: str = "General",  # noqa: A002 - what the field calls it
    alpha: float = 0.05,
    target: float | None = None,
    pool: str = "stouffer",
    weighted: bool = True,
) -> BiasResult:
    """Find the least number N of further studies averaging no effect that takes away the finding.

    ``"Rosenthal"``: until the one-sided combined P of the studies is ``alpha``, by Stouffer's Σz/√k or, with
    ``pool="fisher"``, by Fisher's -2Σ log P with further P-values of 1/2. ``"Orwin"``: until the mean effect
    (``weighted`` by inverse variances, or not) is ``target``, by default half of it, which makes N = k.
    ``"Rosenberg"``: until the inverse-variance mean is not significant (two-sided, normal), each further study having
    the mean weight. ``"General"``: the same for the analysis' model, further studies having the harmonic mean of the
    variances and the τ² about 0 that the studies have about their mean; the τ² of all is then the variance of that
    mixture. With ``target`` the pooled effect has to fall to it instead. Under a common effect that is Rosenberg's N,
    or Orwin's.

    The number is in ``statistic``; it is 0 where there is nothing to take away. It says nothing of how many studies
    are missing: its authors' own rule of thumb, 5k + 10, is among the ``figures``. A reason stands instead for fewer
    than 2 studies, a mean of 0 and a meta-regression. Raises `SettingsError` for options out of range.
    """
    require_word(NAME, "type", type, TYPES)
    require_word(NAME, "pool", pool, POOLS)
    require_level(NAME, "alpha", alpha)
    if target is not None:
        require_number(NAME, "target", target)
        if target == 0:
            msg = f"target of {NAME} is a number other than 0: no number of studies takes a mean to 0"
            raise SettingsError(msg)
    studies = pooled_studies(analysis)
    until = f"loses P < {alpha:g}" if target is None else "falls to the target"
    variant = VARIANTS[type].format(
        until=until, alpha=alpha, pool=pool.title(), weighted="weighted" if weighted else "unweighted"
    )
    made = BiasResult(
        name=NAME, variant=f"{type}: {variant}", k=studies.k, symbol="N", before=analysis.pooled, reference=REFERENCE
    )
    if analysis.is_regression:
        return attrs.evolve(made, reason=MODERATORS)
    if studies.k < FEWEST:
        return attrs.evolve(made, reason=TOO_FEW.format(k=studies.k))
    if type == "Rosenthal":
        found = _rosenthal(studies, alpha, pool)
    elif type == "Orwin":
        found = _orwin(studies, target, weighted=weighted)
    elif type == "Rosenberg":
        found = _rosenberg(studies, alpha)
    else:
        tau2 = math.nan if analysis.fit is None else float(analysis.fit.tau2)
        found = NO_MODEL if math.isnan(tau2) else _general(studies, tau2, alpha, target)
    if isinstance(found, str):
        return attrs.evolve(made, reason=found)
    number, figures = found
    return attrs.evolve(made, statistic=number, figures={**figures, "5k + 10": 5.0 * studies.k + 10.0})


Found = tuple[float, dict[str, float]]


def _whole(number: float) -> float:
    """Round up, but for a rounding error above a whole number."""
    near = float(round(number))
    return max(0.0, near if abs(number - near) <= ROUNDING * max(1.0, abs(near)) else float(math.ceil(number)))


def _rosenthal(studies: Pooled, alpha: float, pool: str) -> Found | str:
    z = studies.y / np.sqrt(studies.v)
    total, k = float(z.sum()), studies.k
    if total == 0.0:
        return ZERO
    critical = normal_quantile(1.0 - 2.0 * alpha)
    if pool == "stouffer":
        p = 0.5 * float(normal_p_value(total / math.sqrt(k))[0])
        number = _whole((total / critical) ** 2 - k) if p < alpha else 0.0
        return number, {"combined P": p}
    from scipy.special import log_ndtr  # noqa: PLC0415 - scipy comes with the first fit

    fisher = -2.0 * float(log_ndtr(-math.copysign(1.0, total) * z).sum())

    def combined(n: float) -> float:
        return float(chi2_p_value(fisher + 2.0 * math.log(2.0) * n, 2.0 * (k + n)))

    return _least(lambda n: combined(n) >= alpha), {"combined P": combined(0.0)}


def _orwin(studies: Pooled, target: float | None, *, weighted: bool) -> Found | str:
    w = 1.0 / studies.v if weighted else np.ones(studies.k)
    mean = float((w * studies.y).sum() / w.sum())
    if mean == 0.0:
        return ZERO
    goal = math.copysign(abs(mean) / 2.0 if target is None else abs(target), mean)
    return _whole(studies.k * (mean / goal - 1.0)), {"mean": mean, "target": goal}


def _rosenberg(studies: Pooled, alpha: float) -> Found | str:
    w = 1.0 / studies.v
    total = float(w.sum())
    mean = float((w * studies.y).sum()) / total
    if mean == 0.0:
        return ZERO
    z = mean * math.sqrt(total)
    p = float(normal_p_value(z)[0])
    number = _whole(studies.k * ((z / normal_quantile(1.0 - alpha)) ** 2 - 1.0)) if p < alpha else 0.0
    return number, {"mean": mean, "p-value": p}


def _general(studies: Pooled, tau2: float, alpha: float, target: float | None) -> Found | str:
    at = _mixture(studies, tau2)
    mean, _, z = at(0.0)
    if mean == 0.0:
        return ZERO
    if target is None:
        critical = normal_quantile(1.0 - alpha)
        number = _least(lambda n: abs(at(n)[2]) <= critical)
    else:
        number = _least(lambda n: abs(at(n)[0]) <= abs(target))
    then, spread, z_then = at(number)
    figures = {
        "mean": mean,
        "τ²": tau2,
        "p-value": float(normal_p_value(z)[0]),
        "mean with N studies": then,
        "τ² with N studies": spread,
        "p-value with N studies": float(normal_p_value(z_then)[0]),
    }
    if target is not None:
        figures["target"] = math.copysign(target, mean)
    return number, figures


def _mixture(studies: Pooled, tau2: float) -> Callable[[float], tuple[float, float, float]]:
    """Give mean, τ² and z of the studies and n more of mean 0, as a function of n."""
    y, v, k = studies.y, studies.v, studies.k
    typical = k / float((1.0 / v).sum())
    w = 1.0 / (v + tau2)
    observed = float((w * y).sum() / w.sum())

    def at(n: float) -> tuple[float, float, float]:
        spread = tau2
        if n > 0.0:
            # Sums of squares within both groups and between their means.
            spread = ((k - 1.0 + n - 1.0) * tau2 + k * (n / (k + n)) * observed**2) / (k + n - 1.0)
        weights: FloatArray = 1.0 / (v + spread)
        total = float(weights.sum()) + n / (typical + spread)
        moment = float((weights * y).sum())
        return moment / total, spread, moment / math.sqrt(total)

    return at


STEP_BY_STEP = 64


def _least(reached: Callable[[float], bool]) -> float:
    """Find the least whole number from which a condition holds that holds for all large ones."""
    n = 0.0
    while n <= STEP_BY_STEP:
        # The first studies may do more than later ones: τ² jumps where there was none.
        if reached(n):
            return n
        n += 1.0
    low = high = n - 1.0
    while not reached(high):
        low, high = high, 2.0 * high
        if high > FAR:
            return high
    while high - low > 1.0:
        middle = float(math.floor((low + high) / 2.0))
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


@hookimpl
def bias_tests() -> list[BiasTest]:
    """Offer the fail-safe N."""
    return [
        BiasTest(
            NAME,
            fail_safe,
            formula="General: the least N for which θ̂ of k + N studies has |θ̂|/SE < z, N of them with "
            "effect 0; Rosenthal: Σzᵢ/√(k + N) = z_α; Orwin: N = k (θ̂/target - 1); Rosenberg: N = k "
            "(Z²/z² - 1), Z = Σ wᵢyᵢ/√Σwᵢ, wᵢ = 1/vᵢ",
            reference=REFERENCE,
            r_equivalent="metafor::fsn(res)",
            index=True,
        )
    ]
