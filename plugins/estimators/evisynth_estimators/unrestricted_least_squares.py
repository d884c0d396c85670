"""Pool by unrestricted weighted least squares: all studies, or the adequately powered alone."""

from __future__ import annotations

import math

import attrs
import numpy as np

from evisynth import (
    Adjustment,
    BiasResult,
    BiasStudy,
    Estimates,
    FloatArray,
    MetaAnalysis,
    SettingsError,
    hookimpl,
    normal_quantile,
    symmetric_estimates,
    weighted_fit,
)
from evisynth_estimators.small_study_data import Pooled, pooled_studies

UWLS_REFERENCE = "Stanley & Doucouliagos (2015), Stat. Med. 34:2116-2127"
WAAP_REFERENCE = "Stanley, Doucouliagos & Ioannidis (2017), Stat. Med. 36:1580-1598"
MODERATORS = "{name} is for one pooled effect, not for a meta-regression"
TOO_FEW = "{name} needs at least {fewest} studies, and here are {k}"
NO_VARIANCE = "the effects are equal: there is no residual variance to infer from"
FEWER_POWERED = "studies with adequate power: {powered}, and at least {fewest} are needed"
INSTEAD = "{reason}: all studies are pooled, by unrestricted weighted least squares"
SET_ASIDE = "set aside"
FEWEST = 2
SIZE = 0.05
POWER = 0.8
OTHERWISE = ("reason", "UWLS")


def unrestricted_fit(y: FloatArray, v: FloatArray, X: FloatArray, level: float) -> Estimates | None:
    """Minimise ``Σ (y - x'β)²/v`` and take the factor of the variances from the residuals; None where there are none.

    ``y`` and ``v`` are ``(k,)``, ``X`` is ``(k, p)`` with k > p. The factor, RSS/(k - p), may be below 1; Student's t
    with k - p degrees of freedom.
    """
    line = weighted_fit(y, 1.0 / v, X)
    rounding = float(np.finfo(np.float64).eps) * y.size
    # What is left of effects on a line is rounding, and a variance made of it would be noise.
    if line.rss <= rounding**2 * (y * y / v).sum():
        return None
    variance = line.covariance.diagonal() * line.rss / line.dof
    return symmetric_estimates(line.coefficients, np.sqrt(variance), level, float(line.dof))


def uwls(analysis: MetaAnalysis) -> BiasResult:
    """Pool with inverse-variance weights, with a variance that is multiplied by Q/(k - 1).

    The factor is not restricted to be at least 1. The interval is by Student's t with k - 1 degrees of freedom. The
    result has a reason instead for fewer than 2 studies, for a meta-regression and for equal effects.
    """
    studies = pooled_studies(analysis)
    made = BiasResult(
        name="UWLS",
        variant="inverse-variance weights, variance times Q/(k - 1), Student's t",
        k=studies.k,
        before=analysis.pooled,
        reference=UWLS_REFERENCE,
    )
    reason = _refused("UWLS", analysis, studies)
    return attrs.evolve(made, reason=reason) if reason else _pooled(made, analysis, studies.y, studies.v)


def waap(
    analysis: MetaAnalysis, *, power: float = POWER, size: float = SIZE, fewest: int = FEWEST, otherwise: str = "reason"
) -> BiasResult:
    """Pool the adequately powered studies alone, by unrestricted weighted least squares.

    A study is adequately powered where its standard error is at most |mean|/(z₁ + z₂), in which the mean is that of
    inverse-variance weights over all studies, z₁ the normal quantile of the two-sided ``size`` and z₂ that of the
    ``power``: 1.960 + 0.842, which the authors round to 2.8. With fewer than ``fewest`` such studies the result has
    ``otherwise`` a ``"reason"``, or pools all studies (``"UWLS"``, the authors' hybrid WAAP-WLS) and warns of it.
    Studies that are not adequately powered are listed as set aside. The result has a reason instead for fewer than 2
    studies, for a meta-regression and where those pooled are equal. Raises `SettingsError` for a power or size that
    is no probability between 0 and 1 (a power of at least half), fewer than 2 studies and another word.
    """
    _check_waap(power, size, fewest, otherwise)
    studies = pooled_studies(analysis)
    made = BiasResult(
        name="WAAP",
        variant=f"studies with {100 * power:g} % power at a two-sided size of {100 * size:g} %, Student's t",
        k=studies.k,
        before=analysis.pooled,
        reference=WAAP_REFERENCE,
    )
    reason = _refused("WAAP", analysis, studies)
    if reason:
        return attrs.evolve(made, reason=reason)
    y, v = studies.y, studies.v
    mean = float(weighted_fit(y, 1.0 / v).coefficients[0])
    largest = abs(mean) / (normal_quantile(1.0 - size) + normal_quantile(2.0 * power - 1.0))
    powered = np.sqrt(v) <= largest
    made = attrs.evolve(
        made, figures={"adequately powered": float(powered.sum()), "largest SE with adequate power": largest}
    )
    if powered.sum() < fewest:
        reason = FEWER_POWERED.format(powered=int(powered.sum()), fewest=fewest)
        if otherwise == "reason":
            return attrs.evolve(made, reason=reason)
        return _pooled(attrs.evolve(made, warnings=(INSTEAD.format(reason=reason),)), analysis, y, v)
    aside = tuple(
        BiasStudy(study=studies.study[i], y=float(y[i]), v=float(v[i]), change=SET_ASIDE)
        for i in np.nonzero(~powered)[0].tolist()
    )
    return _pooled(attrs.evolve(made, studies=aside), analysis, y[powered], v[powered])


def _check_waap(power: float, size: float, fewest: int, otherwise: str) -> None:
    if not 0.5 <= power < 1.0:  # noqa: PLR2004 - the power of a coin
        msg = f"power of WAAP is a probability from 0.5 to below 1, such as 0.8, not {power!r}"
        raise SettingsError(msg)
    if not 0.0 < size < 1.0:
        msg = f"size of WAAP is a probability between 0 and 1, such as 0.05, not {size!r}"
        raise SettingsError(msg)
    if fewest < FEWEST:
        msg = f"fewest of WAAP is a number of studies, {FEWEST} or more, not {fewest!r}"
        raise SettingsError(msg)
    if otherwise not in OTHERWISE:
        msg = f"otherwise of WAAP is one of {', '.join(map(repr, OTHERWISE))}, not {otherwise!r}"
        raise SettingsError(msg)


def _refused(name: str, analysis: MetaAnalysis, studies: Pooled) -> str | None:
    if analysis.is_regression:
        return MODERATORS.format(name=name)
    return TOO_FEW.format(name=name, fewest=FEWEST, k=studies.k) if studies.k < FEWEST else None


def _pooled(made: BiasResult, analysis: MetaAnalysis, y: FloatArray, v: FloatArray) -> BiasResult:
    found = unrestricted_fit(y, v, np.ones((y.size, 1)), analysis.settings.level)
    if found is None or np.ptp(y) == 0.0:
        return attrs.evolve(made, reason=NO_VARIANCE)
    after = found.one(0)
    factor = after.se**2 * float((1.0 / v).sum())
    assert math.isfinite(factor)  # noqa: S101 - of finite effects with positive variances
    return attrs.evolve(made, after=after, figures={**made.figures, "variance factor": factor})


@hookimpl
def adjustments() -> list[Adjustment]:
    """Offer unrestricted weighted least squares, over all studies and over the adequately powered."""
    return [
        Adjustment(
            "UWLS",
            uwls,
            formula="θ̂ = Σ wᵢyᵢ/Σ wᵢ, SE² = (Q/(k - 1))/Σ wᵢ, wᵢ = 1/vᵢ, Q = Σ wᵢ (yᵢ - θ̂)²; θ̂ ± t(k - 1) SE",
            reference=UWLS_REFERENCE,
            r_equivalent="lm(yi ~ 1, weights=1/vi)",
        ),
        Adjustment(
            "WAAP",
            waap,
            formula="UWLS of the studies with SEᵢ ≤ |θ̂|/(z₁ + z₂), θ̂ of all; z₁ + z₂ = Φ⁻¹(0.975) + Φ⁻¹(0.8)",
            reference=WAAP_REFERENCE,
            r_equivalent="lm(yi ~ 1, weights=1/vi, subset=sei <= abs(mean)/2.8)",
        ),
    ]
