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
FREE_OF_EFFECT = frozenset({"AS"})
"""Measures of counts whose variances depend on the sample sizes alone."""
TIED_TO_EFFECT = frozenset(
    {
        *("DOR", "SMD", "SMDH", "SMD1", "SMD1H", "ROM", "COR", "UCOR", "PR", "PLN", "PLO", "IR", "IRLN", "IRR", "IRD"),
    }
)
"""Other measures whose variances hold the effect (Pustejovsky & Rodgers 2019, Res. Synth. Methods 10:57-71)."""


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
    measure = analysis.methods.measure
    tied = measure.name in TIED_TO_EFFECT or (measure.counts and measure.name not in FREE_OF_EFFECT)
    if by_se and tied:
        found.append(DEPENDENT.format(label=analysis.methods.measure.label.lower()))
    return tuple(found)
