"""Give what methods for small-study effects start from: the effects that were pooled, and what to warn of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from evisynth import FloatArray, MetaAnalysis

LOW_POWER = (
    "fewer than 10 studies ({k}): the test can hardly tell chance from asymmetry (Sterne et al. 2011, BMJ 343:d4002)"
)
DEPENDENT = (
    "the standard error of the {label} depends on the effect itself, which makes a funnel plot asymmetric without any "
    "bias (Sterne et al. 2011, BMJ 343:d4002)"
)
FEW = 10


@attrs.frozen(eq=False)
class Pooled:
    """Hold the k studies of an analysis that have an effect: ``y``, ``v`` ``(k,)``, ``X`` ``(k, p)``, ``study`` names.

    ``rows`` are their places in the analysis' table.
    """

    y: FloatArray
    v: FloatArray
    X: FloatArray
    study: tuple[str, ...]
    rows: tuple[int, ...]

    @property
    def k(self) -> int:
        """Number of studies."""
        return len(self.rows)

    @property
    def p(self) -> int:
        """Number of coefficients of the analysis."""
        return int(self.X.shape[1])


def pooled_studies(analysis: MetaAnalysis) -> Pooled:
    """Take the effects that inverse-variance weights would pool, with the rows of the design that are theirs."""
    rows = tuple(analysis.effect_rows)
    places = {row: place for place, row in enumerate(analysis.rows)}
    chosen = list(rows)
    return Pooled(
        y=analysis.effects.y[chosen],
        v=analysis.effects.v[chosen],
        X=analysis.X[[places[row] for row in rows]],
        study=tuple(analysis.effects.study_id[row] for row in rows),
        rows=rows,
    )


def usual_warnings(analysis: MetaAnalysis, k: int, *, by_se: bool) -> tuple[str, ...]:
    """Warn of few studies and, for a test ``by_se``, of standard errors that depend on the effects."""
    found: list[str] = []
    if k < FEW:
        found.append(LOW_POWER.format(k=k))
    if by_se and analysis.methods.measure.counts:
        found.append(DEPENDENT.format(label=analysis.methods.measure.label.lower()))
    return tuple(found)
