"""Measure the asymmetry of a Doi plot: the LFK index."""

from __future__ import annotations

import attrs
import numpy as np

from evisynth import BiasResult, BiasTest, FloatArray, MetaAnalysis, SettingsError, hookimpl
from evisynth_estimators.small_study_data import pooled_studies

REFERENCE = "Furuya-Kanamori, Barendregt & Doi (2018), Int. J. Evid. Based Healthc. 16:195-203"
TOO_FEW = "the LFK index needs at least 3 studies, and here are {k}"
MODERATORS = "the LFK index is for one pooled effect, not for a meta-regression"
EQUAL = "all effects are equal: a Doi plot of them has no width"
NO_SPREAD = "one study holds nearly all the weight: a Doi plot of the others has no height"
UNRELIABLE = (
    "the LFK index is no test: how often it sees asymmetry where there is none depends on the number and size of "
    "studies and on heterogeneity (Schwarzer, Rücker & Semaca 2024, Res. Synth. Methods 15:603-615)"
)
PERCENTILES = ("middle", "metasens")
MINOR, MAJOR = 1.0, 2.0
SIZE = 100.0
"""Participants that the study of the largest variance counts for."""
FEWEST = 3
_TIED = 1e-12


def lfk(analysis: MetaAnalysis, *, percentile: str = "middle") -> BiasResult:
    """Sum over both limbs of a Doi plot how far studies lie from its tip, in effect and in normal quantile.

    Studies count as ``Nᵢ = 100 max(v)/vᵢ`` participants each. In the order of the effects, half of a study's own and
    those before it are the share of ΣN whose normal quantile is zᵢ (equal effects share theirs). The Doi plot shows |z|
    over the effects; its tip is at the effect t of the smallest |z|. With effects in the unit that gives them the range
    of z, ``LFK = 5/(2k) Σ (zᵢ + (yᵢ - t) range(z)/range(y))``: up to ±1 no, up to ±2 minor, beyond it major asymmetry.
    ``percentile="metasens"`` takes half a participant less, and equal effects in the order of the table; then the sign
    of the effects matters a little. Each row of the ``table`` is a point of the plot. The result has a reason instead
    for fewer than 3 studies, for equal effects and for a meta-regression. Raises `SettingsError` for another
    percentile.
    """
    if percentile not in PERCENTILES:
        msg = f"percentile of LFK is one of {', '.join(map(repr, PERCENTILES))}, not {percentile!r}"
        raise SettingsError(msg)
    studies = pooled_studies(analysis)
    made = BiasResult(
        name="LFK",
        variant=f"LFK index of the Doi plot, percentiles by {percentile}",
        k=studies.k,
        warnings=(UNRELIABLE,),
        reference=REFERENCE,
    )
    if analysis.is_regression:
        return attrs.evolve(made, reason=MODERATORS)
    if studies.k < FEWEST:
        return attrs.evolve(made, reason=TOO_FEW.format(k=studies.k))
    if np.ptp(studies.y) == 0.0:
        return attrs.evolve(made, reason=EQUAL)
    order = np.argsort(studies.y, kind="stable")
    y = studies.y[order]
    z = _quantiles(y, studies.v[order], percentile)
    if not np.isfinite(z).all():
        return attrs.evolve(made, reason=NO_SPREAD)
    away = np.abs(z)
    # Where two studies are equally near to the median, the tip is between them.
    tip = float(y[away <= away.min() + _TIED * away.max()].mean())
    index = 2.5 * float((z + (y - tip) * (np.ptp(z) / np.ptp(y))).mean())
    return attrs.evolve(
        made,
        statistic=index,
        symbol="LFK",
        variant=f"{made.variant}: {_words(index)} asymmetry",
        figures={"tip": tip},
        table=tuple(
            {"study": studies.study[int(row)], "effect": float(studies.y[row]), "z": float(z[place])}
            for place, row in enumerate(order)
        ),
    )


def _quantiles(y: FloatArray, v: FloatArray, percentile: str) -> FloatArray:
    """Give the normal quantiles of the studies' places among all participants; y ascends."""
    from scipy.special import ndtri  # noqa: PLC0415 - scipy comes with the first fit

    size = SIZE * (v.max() / v)
    if percentile == "metasens":
        left, less = np.arange(y.size), 0.5
        own = size
    else:
        _, left = np.unique(y, return_inverse=True)
        own, less = np.bincount(left, weights=size), 0.0
    before = np.concatenate([[0.0], np.cumsum(own)[:-1]])
    # Places above the median are counted from the other end, where their shares keep their digits.
    after = np.concatenate([np.cumsum(own[::-1])[:-1][::-1], [0.0]])
    total = float(own.sum())
    low, high = (before + 0.5 * own - less) / total, (after + 0.5 * own + less) / total
    z = np.where(low < high, ndtri(low), -np.asarray(ndtri(high)))
    return np.asarray(z[left], dtype=np.float64)


def _words(index: float) -> str:
    size = abs(index)
    return "no" if size <= MINOR else "minor" if size <= MAJOR else "major"


@hookimpl
def bias_tests() -> list[BiasTest]:
    """Offer the LFK index."""
    return [
        BiasTest(
            "LFK",
            lfk,
            formula="LFK = (5/(2k)) Σ (zᵢ + (yᵢ - t) range(z)/range(y)), t the effect of the least |z|; zᵢ = "
            "Φ⁻¹((Nᵢ/2 + Σ_(before i) N)/ΣN), Nᵢ = 100 max(v)/vᵢ",
            reference=REFERENCE,
            r_equivalent="metasens::lfkindex(res)",
            index=True,
        )
    ]
