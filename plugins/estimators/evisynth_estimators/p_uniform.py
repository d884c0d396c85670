"""Adjust an effect by the p-values of significant studies, which are uniform given the true effect (p-uniform)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import (
    Adjustment,
    BiasResult,
    Convergence,
    Estimate,
    FloatArray,
    MetaAnalysis,
    bracketed_root,
    chi2_p_value,
    chi2_quantile,
    hookimpl,
    power_of_two_scale,
    weighted_fit,
)
from evisynth_estimators.conditional_tails import (
    hazard,
    log_complement,
    log_conditional_tail,
    mean_excess,
    truncated_variance,
)
from evisynth_estimators.irwin_hall import log_sum_below, sum_quantile
from evisynth_estimators.outward_root import outward_root
from evisynth_estimators.significant_studies import (
    NONE_SIGNIFICANT,
    Selected,
    checked_word,
    selected_studies,
)

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "p-uniform"
REFERENCE = (
    "van Assen, van Aert & Wicherts (2015), Psychol. Methods 20:293-309; van Aert, Wicherts & van Assen (2016), "
    "Perspect. Psychol. Sci. 11:713-729"
)
METHODS = {
    "P": "sum of conditional p-values, Irwin–Hall distribution",
    "LNP": "Fisher's sum of -ln p of conditional p-values, gamma distribution",
    "LN1MINP": "Fisher's sum of -ln(1 - p) of conditional p-values, gamma distribution",
    "KS": "least Kolmogorov–Smirnov distance of conditional p-values from uniform ones",
    "AD": "least Anderson–Darling distance of conditional p-values from uniform ones",
    "ML": "maximum likelihood of truncated normal distributions, likelihood-ratio tests",
}
COMPARISONS = ("all", "significant")
SYMBOLS = {"P": "Σp", "LNP": "Σ-ln p", "LN1MINP": "Σ-ln(1-p)", "KS": "", "AD": "", "ML": "χ²"}
SET_TO_ZERO = (
    "the mean conditional p-value at an effect of 0 is {mean:.3g}, above 0.5: the estimate is set to 0 instead of "
    "{value:.4g} (van Aert et al. 2016), while the interval stays that of {value:.4g}"
)
HETEROGENEOUS = (
    "p-uniform takes one true effect for all studies; its estimate is too high where effects vary (van Aert et al. "
    "2016): here I² is {i2:.0f} %"
)
NO_INTERVAL = "there is no interval and no test for the estimate of least distance ({method})"
MUCH = 50.0
_GRID = 128
_CLOSE = 0.1
"""Distance of the closest points of the grid, in smallest standard errors."""
_LARGEST_LOG = 300.0
"""Where p-values are so near 1 only the sign of the slope counts."""
_FAR = 1100
"""Doublings from the unit to the end of the range of numbers, and some more."""


def p_uniform(
    analysis: MetaAnalysis,
    *,
    estimator: str = "P",
    side: str = "auto",
    alpha: float = 0.05,
    compared: str = "all",
    zero: bool = True,
) -> BiasResult:
    """Find the effect at which the p-values of the significant studies, given that they are, look uniform.

    A study that is significant on the favoured ``side`` (z test at ``alpha``, two-sided) has the conditional p-value
    ``q(μ) = P(Z ≥ (y-μ)/s) / P(Z ≥ (c-μ)/s)`` with c its critical effect. ``estimator`` is ``"P"``, Σq = k/2;
    ``"LNP"``, Σ-ln q = k; ``"LN1MINP"``, Σ-ln(1-q) = k; ``"KS"`` and ``"AD"``, the least distance from the uniform
    distribution; ``"ML"``, the highest truncated likelihood. The interval holds every μ that a two-sided test of
    uniformity does not reject (of ML, the profile likelihood); its p-value is that of an effect of 0, one-sided (of ML
    two-sided). The statistic and p-value of the result test publication bias: that the effect is no smaller than the
    common-effect mean of ``compared`` studies, ``"all"`` or the ``"significant"`` ones. With ``zero``, the estimate is
    0 where the mean of q at μ = 0 is above ½; the estimate as it was is among ``parameters`` then. Standard errors are
    those of the estimating equation, and there is none for KS and AD.

    The result has a reason for a meta-regression and where no study is significant. Raises `SettingsError` for other
    words and for an ``alpha`` that is not between 0 and 1.
    """
    checked_word(NAME, "estimator", estimator, tuple(METHODS))
    checked_word(NAME, "compared", compared, COMPARISONS)
    studies = selected_studies(analysis, NAME, side, alpha)
    made = BiasResult(
        name=NAME, variant=METHODS[estimator], symbol=SYMBOLS[estimator], before=analysis.pooled, reference=REFERENCE
    )
    if isinstance(studies, str):
        return attrs.evolve(made, reason=studies)
    k = int(studies.significant.sum())
    made = attrs.evolve(made, k=k, side=studies.side)
    if not k:
        reason = NONE_SIGNIFICANT.format(name=NAME, k=studies.y.size, alpha=alpha, side=studies.side)
        return attrs.evolve(made, reason=reason)
    problem = Conditional.of(studies)
    level = analysis.settings.level
    estimate = problem.estimate(estimator, level)
    common = _common(studies, compared)
    warnings = _warnings(analysis, estimator)
    at_zero = float(np.exp(problem.log_q(0.0)).mean())
    parameters: dict[str, Estimate] = {}
    after = estimate
    half = 0.5
    if zero and at_zero > half:
        parameters["estimate not set to 0"] = _turned(estimate, studies.sign)
        warnings.append(SET_TO_ZERO.format(mean=at_zero, value=studies.sign * estimate.value))
        after = attrs.evolve(estimate, value=0.0)
    statistic, p_value = problem.publication_bias(estimator, common, estimate.value)
    figures = {
        "significant studies": float(k),
        "studies": float(studies.y.size),
        "common-effect mean": studies.sign * common,
        "mean conditional p-value without effect": at_zero,
    }
    if estimator == "P":
        figures["z of Σp"] = (float(np.exp(problem.log_q(common)).sum()) - k / 2.0) / math.sqrt(k / 12.0)
    return attrs.evolve(
        made,
        statistic=statistic if statistic is None or math.isfinite(statistic) else None,
        p_value=p_value,
        df=1.0 if estimator == "ML" else None,
        after=_turned(after, studies.sign),
        parameters=parameters,
        figures=figures,
        warnings=tuple(warnings),
        convergence=Convergence(converged=True, log_likelihood=problem.log_likelihood(estimate.value))
        if estimator == "ML"
        else None,
    )


def _warnings(analysis: MetaAnalysis, method: str) -> list[str]:
    found: list[str] = []
    i2 = analysis.heterogeneity.i2
    if i2 is not None and i2 > MUCH:
        found.append(HETEROGENEOUS.format(i2=i2))
    if method in {"KS", "AD"}:
        found.append(NO_INTERVAL.format(method=method))
    return found


def _common(studies: Selected, compared: str) -> float:
    taken = studies.significant if compared == "significant" else np.ones_like(studies.significant)
    return float(weighted_fit(studies.y[taken], studies.se[taken] ** -2.0).coefficients[0])


def _turned(estimate: Estimate, sign: float) -> Estimate:
    """Turn an estimate back to the side that its effects lie on."""
    if sign > 0:
        return estimate
    # The test is of the favoured side, whichever it is.
    # 0 minus it, so that 0 does not become -0.
    return attrs.evolve(estimate, value=0.0 - estimate.value, ci_low=-estimate.ci_high, ci_high=-estimate.ci_low)


@attrs.frozen(eq=False)
class Conditional:
    """The conditional p-values of k significant effects, as functions of the true effect μ.

    ``above`` ``(k,)``: how far z lies above the critical value ``cut``; ``se`` ``(k,)``.
    """

    above: FloatArray
    cut: float
    se: FloatArray

    @classmethod
    def of(cls, studies: Selected) -> Conditional:
        """Take the significant ones of the studies."""
        taken = studies.significant
        return cls(studies.above[taken], studies.cut, studies.se[taken])

    @property
    def k(self) -> int:
        """Number of significant studies."""
        return self.se.size

    def log_q(self, mu: float) -> FloatArray:
        """Give ln q of every study, ``(k,)``."""
        return log_conditional_tail(self.above, self.cut - mu / self.se)

    def slope_of_log_q(self, mu: float) -> FloatArray:
        """Give d ln q/dμ, which is positive, ``(k,)``."""
        cut = self.cut - mu / self.se
        return np.asarray((self.above + mean_excess(cut + self.above) - mean_excess(cut)) / self.se)

    def total(self, method: str, mu: float) -> float:
        """Give Σq, Σ-ln q or Σ-ln(1-q)."""
        log_q = self.log_q(mu)
        if method == "P":
            return float(np.exp(log_q).sum())
        return float(-(log_q if method == "LNP" else log_complement(log_q)).sum())

    def total_slope(self, method: str, mu: float) -> float:
        """Give the derivative of `total` by μ."""
        log_q, slope = self.log_q(mu), self.slope_of_log_q(mu)
        if method == "P":
            return float((np.exp(log_q) * slope).sum())
        if method == "LNP":
            return -float(slope.sum())
        return float((np.exp(log_q - log_complement(log_q)) * slope).sum())

    def log_likelihood(self, mu: float) -> float:
        """Give the log-likelihood of the truncated normal distributions."""
        from scipy.special import log_ndtr  # noqa: PLC0415 - scipy comes with the first fit

        cut = self.cut - mu / self.se
        point = cut + self.above
        # The exponents of density and tail are subtracted before they are large.
        high = cut > 0.0
        near = np.where(high, cut, 0.0)
        scaled = -0.5 * self.above * (2.0 * near + self.above) + np.log(hazard(near))
        plain = -0.5 * point * point - log_ndtr(-cut) - 0.5 * math.log(2.0 * math.pi)
        return float((np.where(high, scaled, plain) - np.log(self.se)).sum())

    def score(self, mu: float) -> float:
        """Give the derivative of the log-likelihood, which falls throughout."""
        cut = self.cut - mu / self.se
        return float(((self.above - mean_excess(cut)) / self.se).sum())

    def root(self, f: Callable[[float], float]) -> float:
        """Find where a function of μ that rises throughout is 0: it doubles its way from 0, then brackets."""
        unit = float(power_of_two_scale(self.se**2))
        near, f_near = 0.0, f(0.0)
        step = unit if f_near < 0.0 else -unit
        for _ in range(_FAR):
            far = near + step
            f_far = f(far)
            if (f_far > 0.0) == (step > 0.0) or f_far == 0.0:
                return bracketed_root(f, near, far, f_near, f_far)
            near, f_near, step = far, f_far, 2.0 * step
        return math.copysign(math.inf, step)

    def estimate(self, method: str, level: float) -> Estimate:
        """Estimate the effect with its interval and its test against 0."""
        if method == "ML":
            return self._likely(level)
        if method in {"KS", "AD"}:
            value = self.least_kolmogorov_smirnov() if method == "KS" else self.least_anderson_darling()
            nothing = math.nan
            return Estimate(value, nothing, nothing, nothing, nothing, None, nothing, nothing, level)
        k, tail = self.k, 0.5 * (1.0 - level)
        value = self.inverted(method, k / 2.0 if method == "P" else float(k))
        ends = [self.inverted(method, _quantile(method, p, k)) for p in (tail, 1.0 - tail)]
        statistic = self.total(method, 0.0)
        log_p = _log_tail(method, statistic, k, effect=True)
        spread = math.sqrt(k / 12.0 if method == "P" else k)
        return Estimate(
            value=value,
            se=spread / abs(self.total_slope(method, value)),
            ci_low=min(ends),
            ci_high=max(ends),
            statistic=statistic,
            df=None,
            p_value=math.exp(log_p),
            log_p_value=log_p,
            level=level,
        )

    def inverted(self, method: str, target: float) -> float:
        """Find the effect at which `total` is ``target``."""
        rises = -1.0 if method == "LNP" else 1.0
        return self.root(lambda mu: rises * (self.total(method, mu) - target))

    def _likely(self, level: float) -> Estimate:
        value = self.root(lambda mu: -self.score(mu))
        top = self.log_likelihood(value)
        drop = 0.5 * chi2_quantile(1.0 - level, 1.0)
        cut = self.cut - value / self.se
        information = float((truncated_variance(cut) / self.se**2).sum())
        se = 1.0 / math.sqrt(information)

        def lacks(mu: float) -> float:
            return top - drop - self.log_likelihood(mu)

        statistic = 2.0 * max(top - self.log_likelihood(0.0), 0.0)
        p_value = float(chi2_p_value(statistic, 1))
        return Estimate(
            value=value,
            se=se,
            ci_low=outward_root(lacks, value, -se, doublings=_FAR),
            ci_high=outward_root(lacks, value, se, doublings=_FAR),
            statistic=statistic,
            df=1.0,
            p_value=p_value,
            log_p_value=math.log(p_value) if p_value > 0.0 else -math.inf,
            level=level,
        )

    def least_kolmogorov_smirnov(self) -> float:
        """Find the least distance: the one side of it falls and the other rises with μ, so it is where they meet."""
        ranks = np.arange(self.k + 1) / self.k

        def imbalance(mu: float) -> float:
            q = np.sort(np.exp(self.log_q(mu)))
            return float((q - ranks[:-1]).max() - (ranks[1:] - q).max())

        return self.root(imbalance)

    def least_anderson_darling(self) -> float:
        """Find the least distance among all places where its slope rises through 0.

        The slope has the sign of ``q - (2i-1)/2k`` where that is the same for all ordered q, so that the least lies
        between where the largest and where the smallest of these is 0.
        """
        middles = (np.arange(self.k) + 0.5) / self.k

        def gaps(mu: float) -> FloatArray:
            return np.asarray(np.sort(np.exp(self.log_q(mu))) - middles)

        low = self.root(lambda mu: float(gaps(mu).max()))
        high = self.root(lambda mu: float(gaps(mu).min()))
        if low == high:
            return low
        # Studies just beyond the cut stretch the range far below: points lie close about the middle, and ever wider.
        middle, unit = self.inverted("P", 0.5 * self.k), _CLOSE * float(self.se.min())
        first, last = math.asinh((low - middle) / unit), math.asinh((high - middle) / unit)
        grid = middle + unit * np.sinh(np.linspace(first, last, _GRID + 1))
        slopes = [self._anderson_darling_slope(mu) for mu in grid.tolist()]
        found = [low, high]
        for i in range(_GRID):
            if slopes[i] < 0.0 <= slopes[i + 1]:
                bracket = (float(grid[i]), float(grid[i + 1]), slopes[i], slopes[i + 1])
                found.append(bracketed_root(self._anderson_darling_slope, *bracket))
        return min(found, key=self.anderson_darling)

    def anderson_darling(self, mu: float) -> float:
        """Give A², the Anderson–Darling distance of the conditional p-values from uniform ones."""
        log_q = np.sort(self.log_q(mu))
        odd = 2.0 * np.arange(self.k) + 1.0
        return float(-self.k - (odd * (log_q + log_complement(log_q)[::-1])).sum() / self.k)

    def _anderson_darling_slope(self, mu: float) -> float:
        log_q = self.log_q(mu)
        order = np.argsort(log_q)
        log_q, slope = log_q[order], self.slope_of_log_q(mu)[order]
        odd = 2.0 * np.arange(self.k) + 1.0
        left = log_complement(log_q)
        odds = np.exp(np.minimum(log_q - left, _LARGEST_LOG))
        return -float((slope * (odd - odd[::-1] * odds)).sum()) / self.k

    def publication_bias(self, method: str, common: float, value: float) -> tuple[float | None, float | None]:
        """Test whether the effect is smaller than the common-effect mean: statistic and p-value; None for KS and AD."""
        if method in {"KS", "AD"}:
            return None, None
        if method == "ML":
            statistic = 2.0 * max(self.log_likelihood(value) - self.log_likelihood(common), 0.0)
            return statistic, float(chi2_p_value(statistic, 1))
        statistic = self.total(method, common)
        return statistic, math.exp(_log_tail(method, statistic, self.k, effect=False))


def _quantile(method: str, p: float, k: int) -> float:
    from scipy.special import gammaincinv  # noqa: PLC0415 - scipy comes with the first fit

    return sum_quantile(p, k) if method == "P" else float(gammaincinv(k, p))


def _log_tail(method: str, statistic: float, k: int, *, effect: bool) -> float:
    """Give the log-probability of totals as far to the side of an ``effect``, or to the other, of uniform numbers."""
    from scipy.special import gammainc, gammaincc  # noqa: PLC0415 - scipy comes with the first fit

    if method == "P":
        return float(log_sum_below(statistic if effect else k - statistic, k))
    # An effect makes p small: its -ln large, and -ln(1-p) small.
    above = effect == (method == "LNP")
    if math.isinf(statistic):
        return -math.inf if above else 0.0
    p = float((gammaincc if above else gammainc)(k, statistic))
    if p > 0.0:
        return math.log(p)
    if not above:
        return -math.inf if statistic == 0.0 else k * math.log(statistic) - statistic - math.lgamma(k + 1.0)
    # The upper tail is exp(-x) Σ xʲ/j!, j < k, of which the last terms are all.
    terms = np.arange(k) * math.log(statistic) - np.array([math.lgamma(j + 1.0) for j in range(k)])
    return float(np.logaddexp.reduce(terms) - statistic)


@hookimpl
def adjustments() -> list[Adjustment]:
    """Offer p-uniform."""
    return [
        Adjustment(
            NAME,
            p_uniform,
            formula="Σ qᵢ(μ) = k/2 over the significant studies, qᵢ(μ) = P(Z ≥ (yᵢ - μ)/sᵢ)/P(Z ≥ (cᵢ - "
            "μ)/sᵢ), cᵢ = z_α sᵢ",
            reference=REFERENCE,
            r_equivalent="puniform::puniform(yi, vi, side='right')",
        )
    ]
