"""Leave one study out at a time."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth.diagnostics.deletions import without_each
from evisynth.diagnostics.tables import excluded_studies, frame, pooled_records
from evisynth.fitting import analyse, leave_out_rows
from evisynth.kernels.weighted_fit import is_intercept
from evisynth.studies import ONLY_IN_SUBGROUP

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from evisynth.diagnostics.subsets import Subsets
    from evisynth.kernels.arrays import FloatArray
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
        i = self._row(study)
        rows = [j for j in range(analysis.k_total) if j != i]
        design = None if self._design is None else self._design[rows]
        return analyse(analysis.effects.take(rows), analysis.settings, analysis.methods, design, analysis.terms)

    def marked(self, study: str) -> MetaAnalysis:
        """Make the whole analysis `without` a study, which stays in the table as left out, with its subgroups.

        Raises as `without` does.
        """
        analysis = self.analysis
        apart = [i for i, reason in analysis.effects.reasons.items() if reason == ONLY_IN_SUBGROUP]
        others = {i: reason for i, reason in analysis.effects.reasons.items() if i not in apart}
        measured = leave_out_rows(analysis.effects.replace(reasons=others), [self._row(study)])
        members = {group.name: group.rows for group in analysis.subgroups} or None
        settings, methods, terms = analysis.settings, analysis.methods, analysis.terms
        return analyse(measured, settings, methods, self._design, terms, members, only_in_subgroups=apart)

    def _row(self, study: str) -> int:
        if study not in self.omitted:
            raise KeyError(study)
        return int(self.analysis.rows[self.omitted.index(study)])

    @cached_property
    def _design(self) -> FloatArray | None:
        """The design with a row for every row of the table; None without moderators."""
        analysis = self.analysis
        if is_intercept(analysis.X):
            return None
        whole = np.full((analysis.k_total, analysis.X.shape[1]), np.nan)
        whole[list(analysis.rows)] = analysis.X
        return whole

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
