"""Measure how far a result hangs on each study, with moderators too.

Source: Viechtbauer & Cheung (2010), Res. Synth. Methods 1:112-125; Cook & Weisberg (1982), Residuals and Influence in
Regression.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth.diagnostics.deletions import without_each
from evisynth.diagnostics.subsets import CELLS, DEPENDENT, Subsets, analysed_sample, method_covariance
from evisynth.diagnostics.tables import excluded_studies, frame, number, study_records
from evisynth.kernels.distributions import chi2_p_value
from evisynth.kernels.rational_sums import rational_sums
from evisynth.kernels.weighted_fit import is_intercept, weighted_fit

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from evisynth.fits import Fit
    from evisynth.kernels.arrays import BoolArray, FloatArray
    from evisynth.results import MetaAnalysis

NOT_LINEAR = "leverage and what follows from it are of inverse-variance weights, not of this pooling"
NEEDED = "no other study has its leverage: the coefficients cannot be estimated without it"


@attrs.frozen(eq=False)
class InfluenceNumbers:
    """Hold the measures of the k pooled studies, each ``(k,)`` but ``dfbetas`` ``(p, k)``; NaN where there is none."""

    weight: FloatArray
    hat: FloatArray
    residual: FloatArray
    residual_se: FloatArray
    deleted_residual: FloatArray
    deleted_residual_se: FloatArray
    dffits: FloatArray
    cook_distance: FloatArray
    covariance_ratio: FloatArray
    tau2_deleted: FloatArray
    q_deleted: FloatArray
    dfbetas: FloatArray
    squared_shift: FloatArray
    """Square of the change of the fitted value, relative to its variance without the study."""
    reasons: Mapping[int, str]

    @property
    def rstandard(self) -> FloatArray:
        """Standardised residuals."""
        return _ratio(self.residual, self.residual_se)

    @property
    def rstudent(self) -> FloatArray:
        """Deleted residuals, standardised (externally)."""
        return _ratio(self.deleted_residual, self.deleted_residual_se)


def _ratio(one: FloatArray, other: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(other > 0, one / other, np.full_like(one, np.nan))


@attrs.frozen(eq=False, slots=False)  # a plain dictionary serves cached properties
class Influence:
    """Hold the residuals, leverages and deletion measures of an analysis, one a study that is pooled."""

    analysis: MetaAnalysis

    @cached_property
    def deleted(self) -> Subsets:
        """The numbers of the analysis without each study."""
        return without_each(self.analysis)

    @cached_property
    def numbers(self) -> InfluenceNumbers:
        """All measures as arrays, in the order of the rows that are pooled."""
        return _measures(self.analysis, self.deleted)

    @cached_property
    def influential(self) -> BoolArray:
        """Studies beyond a limit of one measure or another.

        ``|DFFITS| > 3√(p/(k - p))``, Cook's distance beyond the median of χ² with p degrees of freedom, leverage
        > 3p/k, or any ``|DFBETAS| > 1``.
        """
        numbers, p, k = self.numbers, self.analysis.X.shape[1], int(np.isfinite(self.numbers.residual).sum())
        limit = 3.0 * math.sqrt(p / (k - p)) if k > p else math.inf
        with np.errstate(invalid="ignore"):
            beyond = np.abs(numbers.dffits) > limit
            cook = np.where(np.isfinite(numbers.cook_distance), numbers.cook_distance, 0.0)
            far = chi2_p_value(cook, p) < 0.5  # noqa: PLR2004 - the median
            shifts = (np.abs(numbers.dfbetas) > 1.0).any(axis=0)
            return np.asarray(beyond | far | (numbers.hat * k > 3.0 * p) | shifts)

    @cached_property
    def normal_scores(self) -> FloatArray:
        """Normal quantiles that the ordered standardised residuals are plotted against."""
        from scipy.special import ndtri  # noqa: PLC0415 - only for this plot

        residuals = self.numbers.rstandard
        scores = np.full(residuals.size, np.nan)
        seen = np.nonzero(np.isfinite(residuals))[0]
        n = seen.size
        # Blom (1958) for few, else Hazen: what statistical programs plot.
        a = 0.375 if n <= 10 else 0.5  # noqa: PLR2004 - as they do
        ranked = seen[np.argsort(residuals[seen], kind="stable")]
        scores[ranked] = ndtri((np.arange(1, n + 1) - a) / (n + 1 - 2 * a))
        return scores

    @property
    def excluded(self) -> Mapping[str, str]:
        """Studies that the analysis leaves out already, with the reason."""
        return excluded_studies(self.analysis)

    def records(self) -> list[dict[str, Any]]:
        """Give a row for every study of the table; ``dfbetas`` is the largest in size where there are moderators."""
        numbers = self.numbers
        columns = {
            name: getattr(numbers, name)
            for name in (
                "weight",
                "hat",
                "residual",
                "rstandard",
                "rstudent",
                "dffits",
                "cook_distance",
                "covariance_ratio",
                "tau2_deleted",
                "q_deleted",
            )
        }
        made = study_records(self.analysis, {**columns, "dfbetas": self._largest}, numbers.reasons)
        place = {row: i for i, row in enumerate(self.analysis.rows)}
        for row, record in enumerate(made):
            reason = record.pop("reason")
            record["influential"] = bool(self.influential[place[row]]) if row in place else None
            record["reason"] = reason
        return made

    @property
    def _largest(self) -> FloatArray:
        dfbetas = self.numbers.dfbetas
        sizes = np.where(np.isnan(dfbetas), -1.0, np.abs(dfbetas))
        return np.asarray(np.take_along_axis(dfbetas, sizes.argmax(axis=0)[np.newaxis], axis=0)[0])

    def dfbetas_records(self) -> list[dict[str, Any]]:
        """Give a row per pooled study and coefficient: how many standard errors it moves without the study."""
        analysis = self.analysis
        return [
            {"study": analysis.effects.study[row], "study_id": analysis.effects.study_id[row], "term": term}
            | {"dfbetas": number(self.numbers.dfbetas[j, i])}
            for i, row in enumerate(analysis.rows)
            for j, term in enumerate(analysis.terms)
        ]

    def to_frame(self) -> pd.DataFrame:
        """Give `records` as a table."""
        return frame(self.records())


def influence(analysis: MetaAnalysis) -> Influence:
    """Measure the influence of each study by the settings of an analysis: residuals, leverages and what deletion does.

    A deleted residual has the variance ``s(v + τ²) + x'Cx`` of the fit without the study: C is the covariance by the
    interval method, s its multiple of the model's (Hartung–Knapp's scale, else 1).
    """
    return Influence(analysis)


def _measures(analysis: MetaAnalysis, deleted: Subsets) -> InfluenceNumbers:
    sample, fit = analysed_sample(analysis), analysis.fit
    y, v, X = sample.y, sample.v, sample.X
    k, p = X.shape
    nothing = np.full(k, np.nan)
    reasons = {i: reason for i, reason in enumerate(deleted.reason) if reason is not None}
    if fit is None or analysis.model.estimates is None:
        reasons = dict.fromkeys(range(k), analysis.reason or "there is no such model")
        arrays = dict.fromkeys((field.name for field in attrs.fields(InfluenceNumbers)[:-1]), nothing)
        return InfluenceNumbers(**{**arrays, "dfbetas": np.full((p, k), np.nan)}, reasons=reasons)
    covariance = method_covariance(analysis.model.estimates, fit, analysis.model.estimates.se.reshape(p, 1))
    covariance = covariance.reshape(p, p)
    shift = fit.coefficients[:, np.newaxis] - deleted.value
    moved = np.einsum("kp,pk->k", X, shift)
    variance = np.einsum("kp,pqk,kq->k", X, deleted.covariance, X)
    tau2 = deleted.model_tau2
    gone = y - np.einsum("kp,pk->k", X, deleted.value)
    gone_se = np.sqrt(deleted.scale * (v + tau2) + variance)
    weight = np.zeros(k)
    seen = np.isfinite(y)
    weight[... if fit.w.size == k else seen] = 100.0 * fit.w / fit.w.sum()
    hat, residual, residual_se = nothing, y - X @ fit.coefficients, nothing
    dffits, dfbetas = nothing, np.full((p, k), np.nan)
    if fit.weighted is None:
        reasons = {**dict.fromkeys(range(k), NOT_LINEAR), **reasons}
        cook = _distance(covariance, shift)
    else:
        weights = fit.weights
        hat, residual, residual_se = (_spread(values, seen) for values in _residuals(fit))
        own = _full_data_variances(y[seen], v[seen], X[seen], tau2, weights)
        dfbetas = shift / np.sqrt(deleted.scale * np.einsum("ppk->pk", own))
        spread = hat * (tau2 + v) if weights is None else np.einsum("kp,pqk,kq->k", X, own, X)
        dffits = moved / np.sqrt(deleted.scale * spread)
        cook = _cook(fit, covariance, shift, analysis)
        reasons |= {i: NEEDED for i, reason in reasons.items() if reason == DEPENDENT}
    return InfluenceNumbers(
        weight=weight,
        hat=hat,
        residual=residual,
        residual_se=residual_se,
        deleted_residual=gone,
        deleted_residual_se=gone_se,
        dffits=dffits,
        cook_distance=cook,
        covariance_ratio=_determinant_ratio(deleted.covariance, covariance),
        tau2_deleted=tau2,
        q_deleted=deleted.q,
        dfbetas=dfbetas,
        squared_shift=moved * moved / variance,
        reasons=reasons,
    )


def _spread(values: FloatArray, seen: BoolArray) -> FloatArray:
    """Place the values of studies with an effect among all that are weighed."""
    if values.size == seen.size:
        return values
    made = np.full(seen.size, np.nan)
    made[seen] = values
    return made


def _residuals(fit: Fit) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give leverages, residuals and their standard errors ``√(v + τ²)(1 - h)``, or those of weights of one's own."""
    total = fit.v + fit.tau2
    assert fit.weighted is not None  # noqa: S101 - asked for before
    if fit.weights is None:
        weighted = fit.weighted
        return weighted.leverages, weighted.residuals, np.sqrt(total * weighted.deleted_leverages)
    own = weighted_fit(fit.y, fit.weights, fit.X)
    hat = own.leverages
    spread = total * (1.0 - 2.0 * hat) + np.einsum("kp,pq,kq->k", fit.X, fit.covariance, fit.X)
    return hat, own.residuals, np.sqrt(np.maximum(spread, 0.0))


def _determinant_ratio(one: FloatArray, whole: FloatArray) -> FloatArray:
    """Divide the determinants of n covariances ``(p, p, n)`` by that of another, by correlations and variances."""
    made = np.full(one.shape[2], np.nan)
    known = np.isfinite(one).all(axis=(0, 1))
    variances, correlations = _taken_apart(one[:, :, known].transpose(2, 0, 1))
    variance, correlation = _taken_apart(whole[np.newaxis])
    made[known] = np.prod(variances / variance, axis=1)
    if len(whole) > 1:
        made[known] *= np.linalg.det(correlations) / np.linalg.det(correlation)
    return made


def _taken_apart(covariances: FloatArray) -> tuple[FloatArray, FloatArray]:
    variances = np.einsum("nii->ni", covariances)
    root = np.sqrt(variances)
    return variances, covariances / (root[:, :, np.newaxis] * root[:, np.newaxis])


def _distance(covariance: FloatArray, shift: FloatArray) -> FloatArray:
    return np.asarray((shift * np.linalg.solve(covariance, shift)).sum(axis=0))


def _cook(fit: Fit, covariance: FloatArray, shift: FloatArray, analysis: MetaAnalysis) -> FloatArray:
    """Give the distance between the coefficients with and without each study, in the metric of their covariance."""
    multiple = analysis.methods.interval.one_scale or np.array_equal(covariance, fit.covariance)
    if fit.weights is not None or not multiple:
        return _distance(covariance, shift)
    # By the triangular factor of W^½X, whose condition number is but the root of that of the covariance.
    root = np.linalg.qr(np.sqrt(fit.w)[:, np.newaxis] * fit.X, mode="r")
    scale = covariance[0, 0] / fit.covariance[0, 0]
    return np.asarray(((root @ shift) ** 2).sum(axis=0) / scale)


def _full_data_variances(
    y: FloatArray, v: FloatArray, X: FloatArray, tau2: FloatArray, weights: FloatArray | None
) -> FloatArray:
    """Give the covariance ``(p, p, n)`` of the coefficients of all studies for each of n values of τ²."""
    k, p = X.shape
    made = np.full((p, p, tau2.size), np.nan)
    known = np.nonzero(np.isfinite(tau2))[0]
    if not known.size:
        return made
    if weights is not None:
        own = weighted_fit(y, weights, X)
        rows = (X @ own.covariance) * weights[:, np.newaxis]
        constant, slope = np.einsum("kp,k,kq->pq", rows, v, rows), rows.T @ rows
        made[:, :, known] = constant[:, :, np.newaxis] + slope[:, :, np.newaxis] * tau2[known]
        return made
    if is_intercept(X):
        made[0, 0, known] = 1.0 / rational_sums(v, np.ones((k, 1)), tau2[known])[:, 0]
        return made
    values, place = np.unique(tau2[known], return_inverse=True)
    covariance = np.empty((p, p, values.size))
    width = max(1, CELLS // (k * p))
    for start in range(0, values.size, width):
        part = slice(start, start + width)
        w = 1.0 / (v + values[part, np.newaxis])
        root = np.linalg.qr(np.sqrt(w)[:, :, np.newaxis] * X, mode="r")
        inverse = np.linalg.inv(root)
        covariance[:, :, part] = (inverse @ inverse.transpose(0, 2, 1)).transpose(1, 2, 0)
    made[:, :, known] = covariance[:, :, place]
    return made
