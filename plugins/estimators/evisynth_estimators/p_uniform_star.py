"""Adjust an effect and tau² by the likelihood of effects given that they are, or are not, significant (p-uniform*)."""

from __future__ import annotations

import math
from functools import cached_property

import attrs
import numpy as np

from evisynth import (
    Adjustment,
    BiasResult,
    Convergence,
    Effects,
    Estimate,
    FloatArray,
    MetaAnalysis,
    bracketed_root,
    chi2_p_value,
    chi2_quantile,
    fit,
    hookimpl,
    power_of_two_scale,
)
from evisynth_estimators.conditional_tails import hazard, mean_excess, truncated_variance
from evisynth_estimators.outward_root import outward_root
from evisynth_estimators.significant_studies import Selected, selected_studies

NAME = "p-uniform*"
REFERENCE = (
    "van Aert & van Assen (2026), Psychon. Bull. Rev. 33, doi:10.3758/s13423-025-02812-4 (preprint: MetaArXiv, "
    "2018, doi:10.31222/osf.io/zqjr9)"
)
VARIANT = "maximum likelihood of normal distributions truncated at the critical effects, profile likelihood intervals"
TOO_FEW = "two parameters need at least 2 studies, and here are {k}"
ONE_KIND = (
    "all {k} studies are {kind}: the tail of one truncated normal looks like that of others, so that mean and tau² can "
    "hardly be told apart"
)
ENDLESS = (
    "all {k} studies are {kind}, and the likelihood rises without end as tau² grows and the effect falls away: there "
    "is no estimate (p-uniform takes significant studies alone)"
)
FEWEST = 2
_STEP = 0.5
"""Spacing of the grid in the logarithm of τ²: the profile has no feature narrower than about one there."""
_LEAST = 1e-3
"""First point of the grid beside 0, as a share of the smallest variance: the profile has no feature below that."""
_WIDEST = 1e12
_FAR = 200
_NEWTON = 200
_SETTLED = 4.0 * float(np.finfo(np.float64).eps)


def p_uniform_star(
    analysis: MetaAnalysis, *, side: str = "auto", alpha: float = 0.05, compared: str = "ML"
) -> BiasResult:
    """Maximise the likelihood of the effects, each given whether it is significant on the favoured side.

    The density of a significant effect is ``φ((y-μ)/σ)/σ / P(Z ≥ (c-μ)/σ)``, and that of another has the other tail
    below it, with ``σ² = v + τ²`` and c the critical effect of a z test at ``alpha`` (two-sided) on ``side``. For a τ²
    the
    likelihood has one maximum over μ, so that all maxima lie on one curve, which is searched whole: ``convergence``
    counts them. Intervals are by profile likelihood, both ways to the outermost bound. The test of μ = 0 is with the
    estimate, that of τ² = 0 with ``parameters["tau2"]``: likelihood ratios, χ² with one degree of freedom, for τ² on
    the edge of its range half of it (Self & Liang 1987, J. Am. Stat. Assoc. 82:605-610).

    Statistic and p-value of the result test publication bias: the likelihood ratio of the estimates and of those of the
    random-effects model, with τ² by the estimator ``compared``; χ² with two degrees of freedom. As the latter are
    estimates themselves, it rejects too seldom.

    The result has a reason for a meta-regression, for fewer than 2 studies, and where all studies are significant, or
    all are not, and the likelihood has no maximum. Raises `SettingsError` for another side and for an ``alpha`` that is
    not between 0 and 1, `UnknownMethodError` for an estimator that there is not.
    """
    studies = selected_studies(analysis, NAME, side, alpha)
    made = BiasResult(name=NAME, variant=VARIANT, symbol="χ²", before=analysis.pooled, reference=REFERENCE)
    if isinstance(studies, str):
        return attrs.evolve(made, reason=studies)
    k = studies.y.size
    made = attrs.evolve(made, k=k, side=studies.side)
    if k < FEWEST:
        return attrs.evolve(made, reason=TOO_FEW.format(k=k))
    surface = Truncated.of(studies)
    significant = int(studies.significant.sum())
    kind = "significant" if significant == k else "not significant" if not significant else ""
    top = surface.top
    if top is None:
        return attrs.evolve(made, reason=ENDLESS.format(k=k, kind=kind))
    level = analysis.settings.level
    mean = surface.mean_estimate(level)
    tau2 = surface.tau2_estimate(level)
    statistic = _against_random_effects(analysis, studies, surface, compared)
    return attrs.evolve(
        made,
        statistic=statistic,
        df=2.0,
        p_value=float(chi2_p_value(statistic, 2)),
        after=_turned(mean, studies.sign),
        parameters={"tau2": tau2},
        figures={"significant studies": float(significant), "studies": float(k)},
        convergence=Convergence(
            converged=True,
            starts=surface.grid.size,
            modes=top.modes,
            log_likelihood=top.height - k * math.log(surface.unit),
            at_bounds=("tau2",) if top.tau2 == 0.0 else (),
        ),
        warnings=(ONE_KIND.format(k=k, kind=kind),) if kind else (),
    )


def _against_random_effects(analysis: MetaAnalysis, studies: Selected, surface: Truncated, compared: str) -> float:
    usual = fit(
        Effects(studies.y, studies.se**2, measure=analysis.effects.measure, scale=analysis.scale),
        settings=analysis.settings.replace(swap_events=False),  # the effects have been turned already
        registry=analysis.methods.registry,
        method="IV",
        model="random",
        tau2=compared,
    )
    assert usual.fit is not None  # noqa: S101 - there are effects to pool
    assert surface.top is not None  # noqa: S101 - the caller has seen it
    mu = float(usual.fit.coefficients[0]) / surface.unit
    height = surface.height(mu, max(float(usual.fit.tau2), 0.0) / surface.unit**2)
    return 2.0 * max(surface.top.height - height, 0.0)


def _turned(estimate: Estimate, sign: float) -> Estimate:
    if sign > 0:
        return estimate
    return attrs.evolve(
        estimate,
        value=-estimate.value,
        ci_low=-estimate.ci_high,
        ci_high=-estimate.ci_low,
    )


@attrs.frozen
class _Top:
    """Hold the global maximum: where it is, how high, and among how many."""

    mu: float
    tau2: float
    height: float
    modes: int


@attrs.frozen(eq=False, slots=False)  # a plain dictionary serves cached properties
class Truncated:
    """The log-likelihood of effects ``y (k,)`` with variances ``v``, in a ``unit`` near the largest standard error.

    ``turn`` is 1 for a significant effect and -1 for another, whose tail is the lower one; ``cut`` are the critical
    effects. After turning, all are effects above their cut: ``excess`` is how far.
    """

    y: FloatArray
    v: FloatArray
    cut: FloatArray
    turn: FloatArray
    unit: float

    @classmethod
    def of(cls, studies: Selected) -> Truncated:
        """Take effects that are turned to the favoured side."""
        unit = float(power_of_two_scale(studies.se**2))
        y, se = studies.y / unit, studies.se / unit
        return cls(y, se * se, studies.cut * se, np.where(studies.significant, 1.0, -1.0), unit)

    @cached_property
    def excess(self) -> FloatArray:
        """How far each effect lies beyond its cut, ``(k,)``."""
        return np.asarray(self.turn * (self.y - self.cut))

    def _parts(self, mu: FloatArray | float, tau2: FloatArray | float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Give σ, the cuts and the effects beyond them in σ; ``mu`` and ``tau2`` ``()`` or ``(m,)`` give ``(k, m)``."""
        y, v, cut, turn, excess = self.y, self.v, self.cut, self.turn, self.excess
        if np.ndim(tau2) or np.ndim(mu):
            y, v, cut, turn, excess = (x[:, np.newaxis] for x in (y, v, cut, turn, excess))
        sigma = np.sqrt(v + tau2)
        return sigma, turn * (cut - mu) / sigma, excess / sigma

    def heights(self, mu: FloatArray | float, tau2: FloatArray | float) -> FloatArray:
        """Give log-likelihoods, ``()`` or ``(m,)``."""
        from scipy.special import log_ndtr  # noqa: PLC0415 - scipy comes with the first fit

        sigma, low, above = self._parts(mu, tau2)
        # Where the cut lies in the upper tail, the exponents of density and tail are subtracted before they are large.
        high = low > 0.0
        near = np.where(high, low, 0.0)
        scaled = -0.5 * above * (2.0 * near + above) + np.log(hazard(near))
        point = low + above
        plain = -0.5 * point * point - log_ndtr(-low) - 0.5 * math.log(2.0 * math.pi)
        return np.asarray((np.where(high, scaled, plain) - np.log(sigma)).sum(axis=0))

    def height(self, mu: float, tau2: float) -> float:
        """Give the log-likelihood."""
        return float(self.heights(mu, tau2))

    def slope_mu(self, mu: FloatArray | float, tau2: FloatArray | float) -> FloatArray:
        """Give the derivative by μ, which falls throughout."""
        sigma, low, above = self._parts(mu, tau2)
        turn = self.turn if low.ndim == 1 else self.turn[:, np.newaxis]
        return np.asarray((turn * (above - mean_excess(low)) / sigma).sum(axis=0))

    def slope_tau2(self, mu: FloatArray | float, tau2: FloatArray | float) -> FloatArray:
        """Give the derivative by τ²."""
        sigma, low, above = self._parts(mu, tau2)
        point = low + above
        # d/dσ of -p²/2 - ln tail - ln σ is (p² - low·hazard(low) - 1)/σ.
        part = above * (point + low) - low * mean_excess(low) - 1.0
        return np.asarray((0.5 * part / (sigma * sigma)).sum(axis=0))

    def best_mu(self, tau2: FloatArray) -> FloatArray:
        """Maximise over μ for every τ², ``(m,)``, by Newton's steps that never leave the bracket of the root."""
        spread = np.sqrt(self.v.max() + tau2)
        mu: FloatArray = np.full(tau2.shape, float(self.y.mean()))
        low: FloatArray = mu - spread
        high: FloatArray = mu + spread
        for _ in range(_FAR):
            short = self.slope_mu(low, tau2) < 0.0
            if not short.any():
                break
            low = np.asarray(np.where(short, mu - 2.0 * (mu - low), low))
        for _ in range(_FAR):
            short = self.slope_mu(high, tau2) > 0.0
            if not short.any():
                break
            high = np.asarray(np.where(short, mu + 2.0 * (high - mu), high))
        for _ in range(_NEWTON):
            slope = self.slope_mu(mu, tau2)
            low = np.asarray(np.where(slope >= 0.0, mu, low))
            high = np.asarray(np.where(slope <= 0.0, mu, high))
            with np.errstate(divide="ignore", invalid="ignore"):
                step = slope / self._bend(mu, tau2)
            new = mu + step
            new = np.where((new > low) & (new < high), new, 0.5 * (low + high))
            settled = np.abs(new - mu) <= _SETTLED * (np.abs(new) + spread)
            mu = new
            if settled.all():
                break
        return mu

    def _bend(self, mu: FloatArray, tau2: FloatArray) -> FloatArray:
        """Give minus the second derivative by μ: every part is the variance of a truncated normal."""
        sigma, low, _ = self._parts(mu, tau2)
        return np.asarray((truncated_variance(low) / (sigma * sigma)).sum(axis=0))

    def profile(self, tau2: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Give the best μ, the height there and its slope by τ², each ``(m,)``."""
        mu = self.best_mu(tau2)
        return mu, self.heights(mu, tau2), self.slope_tau2(mu, tau2)

    @cached_property
    def grid(self) -> FloatArray:
        """τ² from 0 on: evenly in its logarithm from a share of the smallest variance to beyond the data's spread."""
        first = _LEAST * float(self.v.min())
        last = max(float(self.v.max()), float(np.ptp(self.y)) ** 2) * (_WIDEST if self.one_kind else 1e4)
        return np.concatenate([[0.0], np.geomspace(first, last, math.ceil(math.log(last / first) / _STEP) + 1)])

    @property
    def one_kind(self) -> bool:
        """Whether all effects are significant, or none is."""
        return bool((self.turn == self.turn[0]).all())

    @cached_property
    def endless(self) -> float:
        """The limit of the log-likelihood as τ² goes to infinity; minus infinity where both kinds are there.

        Of effects of one kind the truncated normals become exponential distributions of the excess, of one rate: σ²
        grows like τ² and the distance of μ from the cuts in proportion.
        """
        return self.y.size * (-math.log(float(self.excess.mean())) - 1.0) if self.one_kind else -math.inf

    @cached_property
    def top(self) -> _Top | None:
        """The global maximum; None where the likelihood is higher at infinity."""
        _, heights, slopes = self.profile(self.grid)
        falls = np.nonzero((slopes[:-1] > 0.0) & (slopes[1:] <= 0.0))[0].tolist()
        found = [0.0] * bool(slopes[0] <= 0.0) + [self._turning(i, slopes) for i in falls]
        if not found:
            return None
        tau2 = np.array(found)
        mu, heights, _ = self.profile(tau2)
        best = int(np.argmax(heights))
        if heights[best] <= self.endless:
            return None
        return _Top(float(mu[best]), float(tau2[best]), float(heights[best]), len(found))

    def _turning(self, i: int, slopes: FloatArray) -> float:
        def slope(tau2: float) -> float:
            return float(self.profile(np.array([tau2]))[2][0])

        low, high = (float(x) for x in self.grid[i : i + 2])
        return bracketed_root(slope, low, high, float(slopes[i]), float(slopes[i + 1]))

    def at_mu(self, mu: float) -> float:
        """Give the height at the best τ² for a μ: the highest of all its maxima."""
        grid = self.grid
        fixed = np.full(grid.shape, mu)
        heights, slopes = self.heights(fixed, grid), self.slope_tau2(fixed, grid)
        best = float(heights.max())
        for i in np.nonzero((slopes[:-1] > 0.0) & (slopes[1:] <= 0.0))[0]:
            ends = (float(grid[i]), float(grid[i + 1]), float(slopes[i]), float(slopes[i + 1]))
            found = bracketed_root(lambda tau2: float(self.slope_tau2(mu, tau2)), *ends)
            best = max(best, self.height(mu, found))
        return best

    def mean_estimate(self, level: float) -> Estimate:
        """Estimate μ with its profile likelihood interval and its likelihood-ratio test against 0."""
        top = self.top
        assert top is not None  # noqa: S101 - the caller has seen it
        drop = 0.5 * chi2_quantile(1.0 - level, 1.0)

        def lacks(mu: float) -> float:
            return top.height - drop - self.at_mu(mu)

        se = self._standard_errors(top)[0]
        step = se if math.isfinite(se) else math.sqrt(float(self.v.max()) + top.tau2)
        statistic = 2.0 * max(top.height - self.at_mu(0.0), 0.0)
        far_low = self.one_kind and self.turn[0] > 0.0 and self.endless > top.height - drop
        far_high = self.one_kind and self.turn[0] < 0.0 and self.endless > top.height - drop
        p_value = float(chi2_p_value(statistic, 1))
        return Estimate(
            value=top.mu * self.unit,
            se=se * self.unit,
            ci_low=-math.inf if far_low else outward_root(lacks, top.mu, -step, doublings=_FAR) * self.unit,
            ci_high=math.inf if far_high else outward_root(lacks, top.mu, step, doublings=_FAR) * self.unit,
            statistic=statistic,
            df=1.0,
            p_value=p_value,
            log_p_value=math.log(p_value) if p_value > 0.0 else -math.inf,
            level=level,
        )

    def tau2_estimate(self, level: float) -> Estimate:
        """Estimate τ² with its profile likelihood interval and its likelihood-ratio test against 0."""
        top = self.top
        assert top is not None  # noqa: S101 - the caller has seen it
        drop = 0.5 * chi2_quantile(1.0 - level, 1.0)

        def lacks(tau2: float) -> float:
            return top.height - drop - float(self.profile(np.array([tau2]))[1][0])

        square = self.unit * self.unit
        at_zero = lacks(0.0)
        low = 0.0
        if at_zero > 0.0:
            low = bracketed_root(lacks, 0.0, top.tau2, at_zero, -drop)
        statistic = 2.0 * max(at_zero + drop, 0.0) if top.tau2 > 0.0 else 0.0
        p_value = 0.5 * float(chi2_p_value(statistic, 1)) if statistic > 0.0 else 1.0
        step = max(top.tau2, float(self.v.min()))
        endless = self.endless > top.height - drop
        return Estimate(
            value=top.tau2 * square,
            se=self._standard_errors(top)[1] * square,
            ci_low=low * square,
            ci_high=math.inf if endless else outward_root(lacks, top.tau2, step, doublings=_FAR) * square,
            statistic=statistic,
            df=1.0,
            p_value=p_value,
            log_p_value=math.log(p_value) if p_value > 0.0 else -math.inf,
            level=level,
        )

    def _standard_errors(self, top: _Top) -> tuple[float, float]:
        """Give those of the observed information of μ and τ²; of μ alone, and NaN for τ², where τ² is 0."""
        sigma, low, above = self._parts(top.mu, top.tau2)
        bend = truncated_variance(low)
        # Second derivatives of -p²/2 - ln tail(low) - ln σ, by μ and τ² through low and p = low + above.
        mean = float((bend / sigma**2).sum())
        if top.tau2 == 0.0:
            return 1.0 / math.sqrt(mean), math.nan
        point, rate = low + above, hazard(low)
        mixed = self.turn * 0.5 * (2.0 * point - rate - low * (1.0 - bend)) / sigma**3
        spread = 0.25 * (4.0 * point**2 - 3.0 * low * rate - low**2 * (1.0 - bend) - 2.0) / sigma**4
        cross, own = float(mixed.sum()), float(spread.sum())
        determinant = mean * own - cross * cross
        if determinant <= 0.0:
            return math.nan, math.nan
        return math.sqrt(own / determinant), math.sqrt(mean / determinant)


@hookimpl
def adjustments() -> list[Adjustment]:
    """Offer p-uniform*."""
    return [
        Adjustment(
            NAME,
            p_uniform_star,
            formula="Σ ln(φ((yᵢ - μ)/σᵢ)/(σᵢ P(Z ≥ (cᵢ - μ)/σᵢ))) over significant studies, + Σ ln(φ((yᵢ - "
            "μ)/σᵢ)/(σᵢ P(Z < (cᵢ - μ)/σᵢ))) over the others → max; σᵢ² = vᵢ + τ², cᵢ = z_α √vᵢ",
            reference=REFERENCE,
            r_equivalent="puniform::puni_star(yi=yi, vi=vi, side='right', method='ML')",
        )
    ]
