"""Leave one study out at a time."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth.diagnostics.deletions import without_each
from evisynth.diagnostics.tables import excluded_studies, frame, pooled_records
from evisynth.fitting import analyse
from evisynth.kernels.weighted_fit import is_intercept

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from evisynth.diagnostics.subsets import Subsets
    from evisynth.results import MetaAnalysis


@attrs.frozen(eq=False, slots=False)  # a plain dictionary serves cached properties
class LeaveOneOut:
    """Hold an analysis without one study each, in the order of the table; only pooled studies are left out.

    ``numbers`` are those of the analyses as arrays, the same that `evisynth.fit` gives for the other studies.
    """

    analysis: MetaAnalysis

    @cached_property
    def omitted(self) -> tuple[str, ...]:
        """The studies left out."""
        names = self.analysis.effects.study_id
        return names if len(names) == self.analysis.k else tuple(names[i] for i in self.analysis.rows)

    @cached_property
    def numbers(self) -> Subsets:
        """The numbers without each study, ``(k,)`` or ``(p, k)``."""
        return without_each(self.analysis)

    @property
    def excluded(self) -> Mapping[str, str]:
        """Studies that the analysis leaves out already, with the reason."""
        return excluded_studies(self.analysis)

    @cached_property
    def analyses(self) -> tuple[MetaAnalysis, ...]:
        """The whole analyses, made one by one when they are asked for."""
        return tuple(self.without(name) for name in self.omitted)

    def without(self, study: str) -> MetaAnalysis:
        """Make the whole analysis without one of the ``omitted`` studies.

        Raises `KeyError` for another name, and `CombinationError` where the design cannot be fitted without the study.
        """
        analysis = self.analysis
        if study not in self.omitted:
            raise KeyError(study)
        i = analysis.rows[self.omitted.index(study)]
        rows = [j for j in range(analysis.k_total) if j != i]
        design = None
        if not is_intercept(analysis.X):
            whole = np.full((analysis.k_total, analysis.X.shape[1]), np.nan)
            whole[list(analysis.rows)] = analysis.X
            design = whole[rows]
        return analyse(analysis.effects.take(rows), analysis.settings, analysis.methods, design, analysis.terms)

    def records(self) -> list[dict[str, Any]]:
        """Give a row per study left out: the pooled effect without it, and the heterogeneity that is left.

        In a meta-regression a row per study and coefficient, which ``term`` names.
        """
        rows = self.analysis.rows
        return pooled_records(
            self.numbers,
            "omitted",
            self.omitted,
            self.analysis,
            rows=lambda i: [*rows[:i], *rows[i + 1 :]],
            without=("statistic", "h2"),
        )

    def to_frame(self) -> pd.DataFrame:
        """Give `records` as a table."""
        return frame(self.records())


def leave_one_out(analysis: MetaAnalysis) -> LeaveOneOut:
    """Repeat an analysis without each of its pooled studies in turn, by the same settings.

    The numbers are made together: from sums where the methods allow, else in batches of the methods' own kernels.
    """
    return LeaveOneOut(analysis)
