"""Give the points of two plots that show where heterogeneity comes from."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth.diagnostics.influence import Influence
from evisynth.diagnostics.subsets import analysed_sample
from evisynth.diagnostics.tables import excluded_studies, frame, study_records
from evisynth.models import NO_STUDIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from evisynth.kernels.arrays import FloatArray
    from evisynth.results import MetaAnalysis


@attrs.frozen(eq=False, slots=False)  # a plain dictionary serves cached properties
class Baujat:
    """Hold the points of a Baujat plot, one a pooled study; NaN with a reason where there is none."""

    analysis: MetaAnalysis

    @cached_property
    def _influence(self) -> Influence:
        return Influence(self.analysis)

    @cached_property
    def heterogeneity(self) -> FloatArray:
        """Contribution to heterogeneity: the squared residual over ``v + τ²``, ``(k,)``."""
        sample, fit = analysed_sample(self.analysis), self.analysis.fit
        if fit is None:
            return np.full(self.analysis.k, np.nan)
        return np.asarray(self._influence.numbers.residual**2 / (sample.v + fit.tau2))

    @cached_property
    def influence(self) -> FloatArray:
        """Influence on the pooled effect: its squared change without the study, over its variance then, ``(k,)``."""
        return self._influence.numbers.squared_shift

    @property
    def excluded(self) -> Mapping[str, str]:
        """Studies that the analysis leaves out, with the reason."""
        return excluded_studies(self.analysis)

    def records(self) -> list[dict[str, Any]]:
        """Give a row for every study of the table."""
        columns = {"heterogeneity_contribution": self.heterogeneity, "squared_influence": self.influence}
        deleted = self._influence.deleted.reason
        reasons = {i: reason for i, reason in enumerate(deleted) if reason is not None}
        return study_records(self.analysis, columns, reasons)

    def to_frame(self) -> pd.DataFrame:
        """Give `records` as a table."""
        return frame(self.records())


def baujat(analysis: MetaAnalysis) -> Baujat:
    """Find the studies that make effects differ, and those that move the pooled effect.

    Source: Baujat, Mahé, Pignon & Hill (2002), Stat. Med. 21:2641-2652, with the weights of the model in use.
    """
    return Baujat(analysis)


@attrs.frozen(eq=False, slots=False)  # a plain dictionary serves cached properties
class Radial:
    """Hold the points of a radial (Galbraith) plot, one a pooled study; slopes from the origin are effects."""

    analysis: MetaAnalysis
    precision: FloatArray
    """``1/√(v + τ²)``, ``(k,)``."""
    standardised: FloatArray
    """``y/√(v + τ²)``, ``(k,)``."""
    slope: float | None
    """The pooled effect: slope of the line through the origin."""
    slope_low: float | None
    slope_high: float | None
    reason: str | None
    """Why there is no line."""

    @property
    def excluded(self) -> Mapping[str, str]:
        """Studies that the analysis leaves out, with the reason."""
        return excluded_studies(self.analysis)

    def records(self) -> list[dict[str, Any]]:
        """Give a row for every study of the table."""
        columns = {"precision": self.precision, "standardised_effect": self.standardised}
        return study_records(self.analysis, columns, {}, self.reason if self.analysis.fit is None else None)

    def to_frame(self) -> pd.DataFrame:
        """Give `records` as a table."""
        return frame(self.records())


def radial(analysis: MetaAnalysis) -> Radial:
    """Show each effect over its standard error against its precision, τ² of the model included.

    Source: Galbraith (1988), Technometrics 30:271-281.
    """
    sample, fit, pooled = analysed_sample(analysis), analysis.fit, analysis.pooled
    if fit is None:
        nothing = np.full(analysis.k, np.nan)
        return Radial(analysis, nothing, nothing, None, None, None, analysis.reason or NO_STUDIES)
    root = np.sqrt(sample.v + fit.tau2)
    precision, standardised = 1.0 / root, sample.y / root
    if pooled is None:
        return Radial(analysis, precision, standardised, None, None, None, analysis.reason)
    return Radial(analysis, precision, standardised, pooled.value, pooled.ci_low, pooled.ci_high, None)
