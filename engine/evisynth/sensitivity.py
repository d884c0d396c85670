"""Leave one study out at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth.fitting import analyse
from evisynth.studies import LEFT_OUT

if TYPE_CHECKING:
    import pandas as pd

    from evisynth.results import MetaAnalysis


@attrs.frozen(eq=False)
class LeaveOneOut:
    """Hold the analyses without one study each, in the order of the table; only pooled studies are left out."""

    analysis: MetaAnalysis
    omitted: tuple[str, ...]
    analyses: tuple[MetaAnalysis, ...]

    def records(self) -> list[dict[str, Any]]:
        """Give a row per study left out: the pooled effect without it, and the heterogeneity that is left."""
        made: list[dict[str, Any]] = []
        for name, without in zip(self.omitted, self.analyses, strict=True):
            pooled, shown, spread = without.pooled, without.display, without.heterogeneity
            made.append(
                {
                    "omitted": name,
                    "k": without.k,
                    "effect": None if pooled is None else pooled.value,
                    "se": None if pooled is None else pooled.se,
                    "ci_low": None if pooled is None else pooled.ci_low,
                    "ci_high": None if pooled is None else pooled.ci_high,
                    "df": None if pooled is None else pooled.df,
                    "p_value": None if pooled is None else pooled.p_value,
                    "display": None if shown is None else shown.value,
                    "display_ci_low": None if shown is None else shown.ci_low,
                    "display_ci_high": None if shown is None else shown.ci_high,
                    "q": spread.q,
                    "q_p_value": spread.p_value,
                    "tau2": spread.tau2,
                    "i2": spread.i2,
                    "reason": without.reason,
                    "note": without.model.note,
                }
            )
        return made

    def to_frame(self) -> pd.DataFrame:
        """Give `records` as a table."""
        import pandas as pd  # noqa: PLC0415 - pandas only when asked for

        return pd.DataFrame(self.records())


def leave_one_out(analysis: MetaAnalysis) -> LeaveOneOut:
    """Repeat an analysis without each of its pooled studies in turn, by the same settings."""
    kept = [i for i in analysis.rows if analysis.effects.reasons.get(i) != LEFT_OUT]
    everything = range(analysis.k_total)
    design = np.full((analysis.k_total, analysis.X.shape[1]), np.nan)
    design[list(analysis.rows)] = analysis.X

    def without(i: int) -> MetaAnalysis:
        rows = [j for j in everything if j != i]
        return analyse(analysis.effects.take(rows), analysis.settings, analysis.methods, design[rows], analysis.terms)

    analyses = tuple(without(i) for i in kept)
    return LeaveOneOut(analysis, tuple(analysis.effects.study_id[i] for i in kept), analyses)
