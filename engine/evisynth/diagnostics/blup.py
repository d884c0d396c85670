"""Predict the true effect of each study: its own effect drawn towards the model's."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth.diagnostics.subsets import method_covariance
from evisynth.diagnostics.tables import excluded_studies, frame, shown, study_records
from evisynth.fits import symmetric_estimates
from evisynth.models import NO_STUDIES, ONE_STUDY

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from evisynth.kernels.arrays import FloatArray
    from evisynth.results import MetaAnalysis


@attrs.frozen(eq=False)
class Predicted:
    """Hold predictions of the k pooled studies with standard errors and limits, each ``(k,)``."""

    value: FloatArray
    se: FloatArray
    low: FloatArray
    high: FloatArray


@attrs.frozen(eq=False, slots=False)  # a plain dictionary serves cached properties
class StudyPredictions:
    """Hold the best linear unbiased predictions of the studies' true effects, and their random effects alone."""

    analysis: MetaAnalysis
    level: float
    reason: str | None
    """Why there are none."""

    @cached_property
    def effects(self) -> Predicted:
        """The true effects: ``λ y + (1 - λ) x'β`` with ``λ = τ²/(τ² + v)``."""
        return self._predicted(random_only=False)

    @cached_property
    def random_effects(self) -> Predicted:
        """The deviations from the model: ``λ (y - x'β)``."""
        return self._predicted(random_only=True)

    @property
    def excluded(self) -> Mapping[str, str]:
        """Studies that the analysis leaves out, with the reason."""
        return excluded_studies(self.analysis)

    def _predicted(self, *, random_only: bool) -> Predicted:
        analysis, fit = self.analysis, self.analysis.fit
        k = analysis.k
        if self.reason is not None or fit is None or fit.weighted is None or analysis.model.estimates is None:
            nothing = np.full(k, np.nan)
            return Predicted(nothing, nothing, nothing, nothing)
        estimates, total, p = analysis.model.estimates, fit.v + fit.tau2, fit.p
        covariance = method_covariance(estimates, fit, estimates.se.reshape(p, 1)).reshape(p, p)
        own, rest = fit.tau2 / total, fit.v / total
        share = own if random_only else rest
        variance = own * fit.v + share * share * np.einsum("kp,pq,kq->k", fit.X, covariance, fit.X)
        residuals = fit.weighted.residuals
        # From whichever counts most: the study's own effect, or the model's.
        drawn = np.where(own > rest, fit.y - rest * residuals, fit.X @ fit.coefficients + own * residuals)
        value = own * residuals if random_only else drawn
        df = estimates.df
        # Where coefficients have degrees of freedom of their own, the fewest.
        least = None if df is None else float(np.min(df))
        with np.errstate(divide="ignore", invalid="ignore"):
            made = symmetric_estimates(value, np.sqrt(variance), self.level, least)
        columns = (made.value, made.se, made.ci_low, made.ci_high)
        if fit.k == k:
            return Predicted(*columns)
        seen = np.array([row not in analysis.effects.reasons for row in analysis.rows])
        spread = [np.full(k, np.nan) for _ in columns]
        for place, column in zip(spread, columns, strict=True):
            place[seen] = column
        return Predicted(*spread)

    def records(self) -> list[dict[str, Any]]:
        """Give a row for every study of the table: its true effect and random effect as predicted, with limits."""
        true, random = self.effects, self.random_effects
        columns = {
            "effect": true.value,
            "se": true.se,
            "prediction_low": true.low,
            "prediction_high": true.high,
            "random_effect": random.value,
            "random_effect_se": random.se,
            "random_effect_low": random.low,
            "random_effect_high": random.high,
        }
        made = study_records(self.analysis, columns, {}, self.reason)
        for row, record in enumerate(made):
            reason = record.pop("reason")
            scale = self.analysis.effects.scale_of([row])
            values = shown(scale, record["effect"], record["prediction_low"], record["prediction_high"])
            record["display"] = values["display"]
            record["display_prediction_low"] = values["display_ci_low"]
            record["display_prediction_high"] = values["display_ci_high"]
            record["reason"] = reason
        return made

    def to_frame(self) -> pd.DataFrame:
        """Give `records` as a table."""
        return frame(self.records())


def blup(analysis: MetaAnalysis, *, level: float | None = None) -> StudyPredictions:
    """Predict the studies' true effects (empirical Bayes) with intervals at the level of the analysis or another.

    The standard error takes up that of the coefficients, by the interval method of the analysis, but not that of τ².
    Source: Robinson (1991), Stat. Sci. 6:15-32; Raudenbush & Bryk (1985), J. Educ. Stat. 10:75-98.
    """
    level = analysis.settings.replace(level=level).level if level is not None else analysis.settings.level
    fit = analysis.fit
    reason = None
    if fit is None:
        reason = analysis.model.absent or NO_STUDIES
    elif analysis.settings.model == "common":
        reason = "a common effect leaves no random effects to predict"
    elif analysis.model.tau2 is None:
        reason = ONE_STUDY
    elif fit.weights is not None or fit.weighted is None:
        reason = "predictions are of studies weighed by their variances, not by weights of one's own"
    return StudyPredictions(analysis, level, reason)
