"""Adjust the pooled effect for selection by precision and effect: Copas' model and its sensitivity analysis."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import (
    Adjustment,
    BiasResult,
    BiasStudy,
    Convergence,
    Effects,
    Estimate,
    FloatArray,
    MetaAnalysis,
    SettingsError,
    chi2_p_value,
    fit,
    hookimpl,
    power_of_two_scale,
    symmetric_estimates,
    weighted_fit,
)
from evisynth_estimators.copas_likelihood import BOUND, CopasLikelihood, Selected
from evisynth_estimators.small_study_data import Pooled, pooled_studies, usual_warnings
from evisynth_estimators.unrestricted_least_squares import MODERATORS

if TYPE_CHECKING:
    from collections.abc import Sequence

REFERENCE = (
    "Copas & Shi (2000), Biostatistics 1:247-262; Copas & Shi (2001), Stat. Methods Med. Res. 10:251-265; choice of "
    "the row: Carpenter, Schwarzer, Rücker & Künstler (2009), J. Clin. Epidemiol. 62:624-631"
)
TOO_FEW = "Copas' model needs at least 3 studies, and here are {k}"
EQUAL = "all studies are equally precise: selection by precision cannot be told from none"
STILL_BIASED = (
    "no strength of selection leaves the small-study effects unremarkable: the largest p-value is {p:.3g}, not above "
    "{level:g} (see the table)"
)
NOT_CONVERGED = "the likelihood has no maximum that could be confirmed for {rows} of {all} strengths of selection"
NO_ERROR = "the information at the maximum has no inverse, so that there is no standard error"
FEWEST = 3
LEAST, MOST, OFTEN = -0.25, 1.04, 2.0
"""Propensities at the corners of the grid, as Copas and Shi advise and Carpenter et al. have them: with the strongest
selection 40 % of the studies of the largest standard error are published and 85 % of those of the smallest one; at the
other end 98 % of any."""
FARTHEST = -2.0
PROBABILITIES = (0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5, 0.45, 0.4)
CELLS = 5
MOST_CELLS = 500
CLOSE = 1e-6
"""Standard errors whose ratio is nearer to 1 than this are equal."""


def copas(
    analysis: MetaAnalysis,
    *,
    at: Sequence[tuple[float, float]] | None = None,
    cells: int = CELLS,
    significance: float = 0.1,
) -> BiasResult:
    """Estimate the effect under selection with probability Φ(γ0 + γ1/s), for a table of γ0 and γ1.

    Each row of the ``table`` maximises the likelihood over μ, τ² and ρ, the correlation of effect and selection. Rows
    ``on`` the ``"path"`` begin without selection; the others lie on the line from the corner of the grid without
    selection (γ0 = 2) that is orthogonal to the contours of μ over a grid of ``cells`` x ``cells`` strengths, the axes
    of it taken as equally long, where 95, 90, 85, … % of studies with the largest standard error would be published,
    as far as the line is in the grid. ``at`` are pairs (γ0, γ1) in its place, which are rows as given. Rows ``on`` the
    ``"grid"`` are the cells. The ``p_value`` of a row tests residual selection bias: the likelihood ratio against
    no selection with a regression on the standard error instead, χ² with 1 degree of freedom.

    ``after`` is the first row on the path, from the weakest selection on, whose p-value is above ``significance``;
    ``studies`` have their probability of publication there. ρ is kept within ±0.9999. The result has a reason instead
    where there is no such row, for fewer than 3 studies, equal precisions and a meta-regression. Raises
    `SettingsError` for strengths that are not pairs of numbers with γ1 ≥ 0, another number of cells and another
    significance than a probability.
    """
    pairs = _checked(at, cells, significance)
    studies = pooled_studies(analysis)
    made = BiasResult(
        name="Copas",
        variant=f"maximum likelihood, first row with a residual p-value above {significance:g}",
        k=studies.k,
        before=analysis.pooled,
        warnings=usual_warnings(analysis, studies.k, by_se=True),
        reference=REFERENCE,
    )
    if analysis.is_regression:
        return attrs.evolve(made, reason=MODERATORS.format(name="Copas' model"))
    if studies.k < FEWEST:
        return attrs.evolve(made, reason=TOO_FEW.format(k=studies.k))
    s = np.sqrt(studies.v)
    if s.max() / s.min() - 1.0 < CLOSE:
        return attrs.evolve(made, reason=EQUAL)
    model = _Model.of(analysis, studies)
    grid = model.rows(*_grid(model.s, cells), on="grid")
    gamma0, gamma1 = _path(model.s, grid, cells) if pairs is None else (pairs[0], pairs[1] / model.unit)
    path = (model.unselected(), *model.rows(gamma0, gamma1, on="path"))
    everything = (*path, *grid)
    poor = sum(not row.convergence.converged for row in everything)
    if poor:
        made = attrs.evolve(made, warnings=(*made.warnings, NOT_CONVERGED.format(rows=poor, all=len(everything))))
    made = attrs.evolve(made, table=tuple(row.columns(model) for row in everything))
    chosen = next((row for row in path if row.p_value > significance), None)
    if chosen is None:
        largest = max(row.p_value for row in path)
        return attrs.evolve(made, reason=STILL_BIASED.format(p=largest, level=significance))
    if not math.isfinite(chosen.se):
        return attrs.evolve(made, reason=NO_ERROR, convergence=chosen.convergence)
    return attrs.evolve(
        made,
        after=model.estimate(chosen),
        p_value=chosen.p_value,
        figures={
            "τ²": chosen.tau2 * model.unit**2,
            "ρ": chosen.rho,
            "publication probability of the largest SE": float(chosen.published.min()),
            "unpublished": chosen.unpublished,
        },
        studies=tuple(
            BiasStudy(study=name, y=float(y), v=float(v), change="weighted", weight=float(p))
            for name, y, v, p in zip(studies.study, studies.y, studies.v, chosen.published, strict=True)
        ),
        convergence=chosen.convergence,
    )


def _checked(
    at: Sequence[tuple[float, float]] | None, cells: int, significance: float
) -> tuple[FloatArray, FloatArray] | None:
    if not 2 <= cells <= MOST_CELLS:  # noqa: PLR2004 - corners
        msg = f"cells of Copas are a number from 2 to {MOST_CELLS}, not {cells!r}"
        raise SettingsError(msg)
    if not 0.0 < significance < 1.0:
        msg = f"significance of Copas is a probability between 0 and 1, such as 0.1, not {significance!r}"
        raise SettingsError(msg)
    if at is None:
        return None
    try:
        pairs = np.array(at, dtype=np.float64).reshape(len(at), 2)
    except (TypeError, ValueError):
        pairs = np.full((1, 2), np.nan)
    if not np.isfinite(pairs).all() or (pairs[:, 1] < 0.0).any():
        msg = f"at of Copas are pairs of numbers (gamma0, gamma1) with gamma1 of 0 or more, not {at!r}"
        raise SettingsError(msg)
    return pairs[:, 0], pairs[:, 1]


@attrs.frozen(eq=False)
class _Row:
    """Hold the model at one strength of selection, in the unit of `_Model`."""

    on: str
    gamma0: float | None
    gamma1: float | None
    mu: float
    se: float
    tau2: float
    rho: float
    p_value: float
    published: FloatArray
    convergence: Convergence

    @property
    def unpublished(self) -> float:
        """How many studies are expected for those published, and were not."""
        return float(((1.0 - self.published) / self.published).sum())

    def columns(self, model: _Model) -> dict[str, float | str | None]:
        """Make a row of the table, in the unit of the effects."""
        estimate = model.estimate(self) if math.isfinite(self.se) else None
        return {
            "on": self.on,
            "gamma0": self.gamma0,
            "gamma1": None if self.gamma1 is None else self.gamma1 * model.unit,
            "publication_probability": float(self.published.min()),
            "unpublished": self.unpublished,
            "effect": model.centre + self.mu * model.unit,
            "se": None if estimate is None else estimate.se,
            "ci_low": None if estimate is None else estimate.ci_low,
            "ci_high": None if estimate is None else estimate.ci_high,
            "tau2": self.tau2 * model.unit**2,
            "rho": self.rho,
            "log_likelihood": self.convergence.log_likelihood,
            "p_value": self.p_value,
            "at_bounds": ", ".join(self.convergence.at_bounds),
        }


@attrs.frozen(eq=False)
class _Model:
    """Hold the effects about their common mean and in a unit near the largest standard error."""

    y: FloatArray
    s: FloatArray
    unit: float
    centre: float
    level: float
    mu: float
    """Effect without selection."""
    se: float
    tau2: float
    free: float
    """Log-likelihood without selection."""
    regressed: float
    """Log-likelihood without selection, with a regression on the standard error."""

    @classmethod
    def of(cls, analysis: MetaAnalysis, studies: Pooled) -> _Model:
        unit = float(power_of_two_scale(studies.v))
        s = np.sqrt(studies.v) / unit
        centre = float(weighted_fit(studies.y, 1.0 / studies.v).coefficients[0])
        y = (studies.y - centre) / unit
        one, by_se = (_likelihood(analysis, y, s, moderators) for moderators in (None, s[:, np.newaxis]))
        return cls(
            y=y,
            s=s,
            unit=unit,
            centre=centre,
            level=analysis.settings.level,
            mu=one[1],
            se=one[2],
            tau2=one[3],
            free=one[0],
            # The regression holds the mean, and rounding alone could say otherwise.
            regressed=max(by_se[0], one[0]),
        )

    def estimate(self, row: _Row) -> Estimate:
        value = np.array([self.centre + row.mu * self.unit])
        return symmetric_estimates(value, np.array([row.se * self.unit]), self.level).one(0)

    def p_value(self, log_likelihood: float) -> float:
        return float(chi2_p_value(max(2.0 * (self.regressed - log_likelihood), 0.0), 1))

    def unselected(self) -> _Row:
        """Give the row in which every study is published."""
        bounds = ("tau2",) if self.tau2 == 0.0 else ()
        return _Row(
            on="path",
            gamma0=None,
            gamma1=None,
            mu=self.mu,
            se=self.se,
            tau2=self.tau2,
            rho=0.0,
            p_value=self.p_value(self.free),
            published=np.ones(self.s.size),
            convergence=Convergence(converged=True, log_likelihood=self._shown(self.free), at_bounds=bounds),
        )

    def rows(self, gamma0: FloatArray, gamma1: FloatArray, *, on: str) -> tuple[_Row, ...]:
        """Maximise the likelihood at each strength of selection."""
        from scipy.special import ndtr  # noqa: PLC0415 - scipy comes with the first fit

        if not gamma0.size:
            return ()
        likelihood = CopasLikelihood.of(self.y, self.s, gamma0, gamma1)
        found = likelihood.maximum(self.tau2)
        published = ndtr(likelihood.u)
        return tuple(
            _Row(
                on=on,
                gamma0=float(gamma0[j]),
                gamma1=float(gamma1[j]),
                mu=float(found.mu[j]),
                se=float(found.se[j]),
                tau2=float(found.tau2[j]),
                rho=float(found.rho[j]),
                p_value=self.p_value(float(found.log_likelihood[j])),
                published=published[:, j],
                convergence=self._convergence(found, j),
            )
            for j in range(gamma0.size)
        )

    def _convergence(self, found: Selected, j: int) -> Convergence:
        bounds = (("tau2", found.tau2[j] == 0.0), ("rho", abs(found.rho[j]) >= BOUND))
        return Convergence(
            converged=bool(found.converged[j]),
            flat=bool(found.flat[j]),
            starts=int(found.starts[j]),
            modes=int(found.modes[j]),
            log_likelihood=self._shown(float(found.log_likelihood[j])),
            at_bounds=tuple(name for name, there in bounds if there),
        )

    def _shown(self, log_likelihood: float) -> float:
        """Give the log-likelihood of the effects in their own unit, with the constant of the normal density."""
        k = self.y.size
        return log_likelihood - k * (math.log(self.unit) + 0.5 * math.log(2.0 * math.pi))


def _likelihood(
    analysis: MetaAnalysis, y: FloatArray, s: FloatArray, moderators: FloatArray | None
) -> tuple[float, float, float, float]:
    """Maximise the likelihood without selection: its logarithm without the constant, intercept, its SE and τ²."""
    fitted = fit(
        Effects(y, s * s),
        settings="metafor",
        registry=analysis.methods.registry,
        tau2="ML",
        moderators=moderators,
        prediction=None,
        tau2_interval=None,
    ).fit
    assert fitted is not None  # noqa: S101 - there are effects
    total = s * s + float(fitted.tau2)
    assert fitted.weighted is not None  # noqa: S101 - pooled by inverse variance
    e = fitted.weighted.residuals
    value = -0.5 * float((np.log(total) + e * e / total).sum())
    return value, float(fitted.coefficients[0]), _observed_error(e, total, float(fitted.tau2)), float(fitted.tau2)


def _observed_error(e: FloatArray, total: FloatArray, tau2: float) -> float:
    """Give the standard error of the mean by the observed information of (μ, τ²), as the other rows have theirs."""
    w = 1.0 / total
    of_mu, both = float(w.sum()), float((w * w * e).sum())
    of_tau2 = float((w**3 * e * e - 0.5 * w * w).sum())
    if tau2 > 0.0 and of_tau2 > 0.0 and of_mu * of_tau2 > both * both:
        of_mu -= both * both / of_tau2
    return 1.0 / math.sqrt(of_mu)


def _corner(s: FloatArray) -> tuple[float, float]:
    """Give the least γ0 and the largest γ1, at which the propensities are LEAST and MOST.

    Where standard errors lie so near to each other that γ0 would be below FARTHEST, γ1 is what that leaves.
    """
    largest = (MOST - LEAST) / float(1.0 / s.min() - 1.0 / s.max())
    largest = min(largest, (LEAST - FARTHEST) * float(s.max()))
    return LEAST - largest / float(s.max()), largest


def _grid(s: FloatArray, cells: int) -> tuple[FloatArray, FloatArray]:
    least, largest = _corner(s)
    gamma0, gamma1 = np.meshgrid(np.linspace(least, OFTEN, cells), np.linspace(0.0, largest, cells), indexing="ij")
    return gamma0.ravel(), gamma1.ravel()


def _path(s: FloatArray, grid: tuple[_Row, ...], cells: int) -> tuple[FloatArray, FloatArray]:
    """Go down from the corner of the grid across the contours of μ, to the probabilities of publication."""
    from scipy.special import ndtri  # noqa: PLC0415 - scipy comes with the first fit

    least, largest = _corner(s)
    place = np.linspace(-0.5, 0.5, cells)
    mu = np.array([row.mu for row in grid]).reshape(cells, cells)
    # The plane that is nearest to μ over the square.
    down = np.array([(place[:, np.newaxis] * mu).sum(), (place[np.newaxis] * mu).sum()])
    across = np.array([1.0, 0.0])
    if down.any():
        # Selection grows where γ0 or γ1 falls; a line that would weaken it in one of them keeps that one as it is.
        across = np.maximum(down * np.sign(down[np.abs(down).argmax()]), 0.0)
    step = across / across.max() * np.array([OFTEN - least, largest])
    # Propensity of the largest standard error at the corner, and how much of it the whole line takes away.
    start, loss = OFTEN + largest / float(s.max()), step[0] + step[1] / float(s.max())
    share = (start - ndtri(np.array(PROBABILITIES))) / loss
    share = share[(share > 0.0) & (share <= 1.0)]
    return OFTEN - share * step[0], largest - share * step[1]


@hookimpl
def adjustments() -> list[Adjustment]:
    """Offer Copas' selection model."""
    return [
        Adjustment(
            "Copas",
            copas,
            formula="yᵢ = μ + √(τ² + σᵢ²) εᵢ, published where γ₀ + γ₁/sᵢ + δᵢ > 0, correlation ρ of the error "
            "within studies and δᵢ; σᵢ² = sᵢ²/(1 - cᵢ²ρ²), cᵢ² = λ(u)(u + λ(u)), u = γ₀ + γ₁/sᵢ, λ = "
            "φ/Φ; likelihood → max",
            reference=REFERENCE,
            r_equivalent="metasens::copas(res)",
        )
    ]
