"""Pool odds ratios by logistic regression with Firth's penalty: every table counts, double zeros included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import Cells, CombinationError, Fit, PoolingModel, Sample, Settings, hookimpl, is_intercept

if TYPE_CHECKING:
    from evisynth import BoolArray, FloatArray

NO_TAU2 = "heterogeneity is a factor of the variance in this model (overdispersion), not a tau²"
STEPS = 1000
FINE = 2e-15
_FARTHEST = 4.0
"""Longest step of a logit."""


@attrs.frozen(eq=False)
class _State:
    """Hold one step: fitted risks, information and score for the log odds ratio and each study's intercept."""

    p_1: FloatArray
    p_2: FloatArray
    w_1: FloatArray
    w_2: FloatArray
    log_likelihood: FloatArray
    """Logarithm of the likelihood times the root of the information's determinant."""

    @property
    def shares(self) -> FloatArray:
        """What each study adds to the information on the log odds ratio, its intercept being estimated."""
        return self.w_1 * self.w_2 / (self.w_1 + self.w_2)


def penalised_logistic(sample: Sample, settings: Settings) -> Fit:
    """Maximise the likelihood of binomial arms times Jeffreys' prior, one intercept a study and one log odds ratio.

    The penalty takes the first-order bias away and keeps every estimate finite. The variance is the inverse of the
    information at the maximum; the random-effects model multiplies it by the overdispersion (1 or more), Pearson's
    statistic over its degrees of freedom in Fletcher's form, which sparse tables do not blow up.
    """
    if sample.cells is None:
        msg = "penalised logistic regression needs the events and participants of each arm: give study data"
        raise CombinationError(msg)
    if not is_intercept(sample.X):
        msg = "penalised logistic regression takes no moderators here: choose method 'IV'"
        raise CombinationError(msg)
    cells = sample.cells.raw
    theta, state = _maximum(cells)
    variance = 1.0 / state.shares.sum(axis=0)
    random = settings.model == "random"
    return Fit(
        y=sample.y,
        v=sample.v,
        X=sample.X,
        w=state.shares,
        tau2=np.zeros(sample.y.shape[1:]),
        coefficients=np.asarray(theta)[np.newaxis],
        covariance=np.asarray(variance * (_overdispersion(cells, state) if random else 1.0))[np.newaxis, np.newaxis],
        model=settings.model,
        method="LRP",
        no_tau2=NO_TAU2 if random else None,
    )


def _maximum(cells: Cells) -> tuple[FloatArray, _State]:
    """Climb by Fisher's scoring on the modified score, halving steps that lead down; all analyses side by side."""
    x_1, n_1, x_2, n_2 = cells.a, cells.n_1, cells.c, cells.n_2
    crude = (cells.a + 0.5).sum(axis=0) * (cells.d + 0.5).sum(axis=0)
    theta = np.asarray(np.log(crude / ((cells.b + 0.5).sum(axis=0) * (cells.c + 0.5).sum(axis=0))))
    alpha = np.log((x_2 + 0.5) / (cells.d + 0.5))
    state = _at(cells, theta, alpha)
    moving: BoolArray = np.ones(theta.shape, dtype=np.bool_)
    for _ in range(STEPS):
        w_1, w_2 = state.w_1, state.w_2
        both = w_1 + w_2
        summed = state.shares.sum(axis=0)
        share_1, share_2 = w_1 / both, w_2 / both
        # The diagonal of the hat matrix: the information is an arrow, inverted study by study.
        h_1 = share_1 + w_1 * share_2**2 / summed
        h_2 = share_2 + w_2 * share_1**2 / summed
        score_1 = x_1 - n_1 * state.p_1 + h_1 * (0.5 - state.p_1)
        score_2 = x_2 - n_2 * state.p_2 + h_2 * (0.5 - state.p_2)
        step = (share_2 * score_1 - share_1 * score_2).sum(axis=0) / summed
        steps = (score_1 + score_2) / both - share_1 * step
        farthest = np.maximum(np.abs(step), np.abs(steps).max(axis=0))
        shrink = np.where(moving, np.minimum(1.0, _FARTHEST / np.maximum(farthest, 1e-300)), 0.0)
        # A maximum is flat: the last digits of the likelihood do not tell a step down.
        least = state.log_likelihood - 1e-13 * (1.0 + np.abs(state.log_likelihood))
        trial = _at(cells, theta + shrink * step, alpha + shrink * steps)
        while (down := trial.log_likelihood < least).any():
            shrink = np.where(down, 0.5 * shrink, shrink)
            trial = _at(cells, theta + shrink * step, alpha + shrink * steps)
        theta, alpha = theta + shrink * step, alpha + shrink * steps
        state = trial
        moving = moving & (farthest > FINE * (1.0 + np.maximum(np.abs(theta), np.abs(alpha).max(axis=0))))
        if not moving.any():
            break
    return theta, state


def _at(cells: Cells, theta: FloatArray, alpha: FloatArray) -> _State:
    eta_1 = alpha + theta
    p_1, p_2 = _risk(eta_1), _risk(alpha)
    w_1, w_2 = cells.n_1 * p_1 * _risk(-eta_1), cells.n_2 * p_2 * _risk(-alpha)
    both = w_1 + w_2
    fitted = -cells.a * np.logaddexp(0.0, -eta_1) - cells.b * np.logaddexp(0.0, eta_1)
    fitted = fitted - cells.c * np.logaddexp(0.0, -alpha) - cells.d * np.logaddexp(0.0, alpha)
    determinant = np.log(both).sum(axis=0) + np.log((w_1 * w_2 / both).sum(axis=0))
    return _State(p_1, p_2, w_1, w_2, np.asarray(fitted.sum(axis=0) + 0.5 * determinant))


def _risk(eta: FloatArray) -> FloatArray:
    return np.asarray(np.exp(-np.logaddexp(0.0, -eta)))


def _overdispersion(cells: Cells, state: _State) -> FloatArray:
    """Divide Pearson's statistic by its degrees of freedom and by 1 + the mean of (1 - 2p)(x - np)/(np(1 - p)).

    Source: Fletcher (2012), Biometrika 99:230-237. One where there is no residual degree of freedom.
    """
    k = cells.a.shape[0]
    if k == 1:
        return np.ones(state.log_likelihood.shape)
    arms = ((cells.a, cells.n_1, state.p_1, state.w_1), (cells.c, cells.n_2, state.p_2, state.w_2))
    residuals = [(x - n * p, p, w) for x, n, p, w in arms]
    pearson = sum((gap**2 / w).sum(axis=0) for gap, _, w in residuals)
    skew = sum(((1.0 - 2.0 * p) * gap / w).sum(axis=0) for gap, p, w in residuals) / (2 * k)
    return np.asarray(np.maximum(1.0, pearson / (k - 1) / (1.0 + skew)))


@hookimpl
def pooling_models() -> list[PoolingModel]:
    """Offer penalised logistic regression."""
    return [
        PoolingModel(
            "LRP",
            penalised_logistic,
            label="LRP",
            measures=frozenset({"OR"}),
            random="own",
            tables="all",
            one_study_law=False,
            formula="ℓ(α, θ) + ½ ln|I(α, θ)| → max, logit pᵢ₁ = αᵢ + θ, logit pᵢ₂ = αᵢ",
            reference="Firth (1993), Biometrika 80:27-38; Heinze & Schemper (2002), Stat. Med. 21:2409-2419; "
            "Evrenoglou, White, Afach, Mavridis & Chaimani (2022), Stat. Med. 41:5203-5219; Fletcher (2012), "
            "Biometrika 99:230-237",
            r_equivalent="meta::metabin(events_1, n_1, events_2, n_2, sm='OR', method='LRP')",
        )
    ]
