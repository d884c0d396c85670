"""Say what a fitted selection model says: estimates with intervals, the test of selection, warnings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import (
    BiasResult,
    BiasStudy,
    Convergence,
    Estimate,
    FloatArray,
    chi2_p_value,
    symmetric_estimates,
)
from evisynth_estimators.selection_profile import profile_limits

if TYPE_CHECKING:
    from evisynth_estimators.selection_fit import Fitted

FEW = 10
NOT_CONVERGED = "the search of the maximum did not come to an end: no estimate is given"
PILES_UP = (
    "the likelihood rises without end while the density piles up at a cut point: effects lie on it exactly, or all are "
    "the same"
)
_PILED = 1e4
RUNS_OFF = (
    "the likelihood has no maximum: it rises without end while the mean runs off to {where} and tau² to infinity, "
    "which happens where hardly any study lies on the side that is held back"
)
NOT_FINITE = "the likelihood cannot be computed for these data"
FEW_STUDIES = "{k} studies are few for a selection model: its estimates are imprecise and may be biased"
FLAT = "the likelihood is flat in some direction: {names} cannot be told apart by these data and have no standard error"
AT_BOUNDS = "{names} at the end of the range: no standard error"
MODES = "the likelihood has {modes} maxima; the highest is taken, and the next is {apart:.3g} lower"
AT_END = (
    "no selection lies at the end of the range of delta, so that the p-value by χ² is conservative (for one delta "
    "alone it is twice what it should be)"
)
BEYOND = "the adjusted effect lies beyond the effects of all studies: the model explains them by selection alone"


@attrs.frozen(eq=False)
class Report:
    """Hold what a result needs beside the fit."""

    made: BiasResult
    terms: tuple[str, ...]
    sign: float
    names: tuple[str, ...]
    """Of every δ, in the order of the fit."""
    null: tuple[float, ...]
    """δ of no selection."""
    df: int
    """Number of δ that are estimated, 0 where the test has no χ² distribution."""
    base: Fitted
    """The fit without selection."""
    rows: tuple[BiasStudy, ...]
    interval: str
    level: float
    at_end: bool = False
    extra: tuple[tuple[str, float], ...] = ()
    """Further parameters without a standard error."""


def result_of(fitted: Fitted, report: Report) -> BiasResult:
    """Give the result, or a reason where there is no maximum."""
    made, maximum = report.made, fitted.maximum
    log_likelihood = fitted.log_likelihood
    if not math.isfinite(log_likelihood):
        return attrs.evolve(made, reason=NOT_FINITE)
    converged = maximum.summit.converged and report.base.maximum.summit.converged
    variances, flat = fitted.variances()
    flat = flat or maximum.level
    beta, tau2, delta = fitted.estimates()
    p = beta.size
    names = (*report.terms, "tau2", *report.names)
    convergence = Convergence(
        converged=converged,
        flat=flat,
        starts=maximum.starts,
        modes=maximum.modes,
        log_likelihood=log_likelihood,
        at_bounds=_at_bounds(fitted, names),
    )
    made = attrs.evolve(made, convergence=convergence)
    if not converged:
        piled = float(np.abs(fitted.x[:p]).max()) > _PILED
        return attrs.evolve(made, reason=PILES_UP if piled else NOT_CONVERGED)
    if fitted.runs_off:
        # The sign of λ is that of the mean.
        below = report.sign * float(fitted.x[0]) < 0.0
        return attrs.evolve(made, reason=RUNS_OFF.format(where="-∞" if below else "∞"))
    values = np.concatenate([report.sign * beta, [tau2], delta])
    null = np.array([*np.zeros(p + 1), *report.null])
    estimates = dict(zip(names, _estimates(values, null, np.sqrt(variances), report), strict=True))
    if report.interval == "profile":
        estimates = _profiled(fitted, estimates, report)
    coefficients = {name: estimates[name] for name in report.terms}
    statistic = max(0.0, 2.0 * (log_likelihood - report.base.log_likelihood))
    if not report.df:
        # Weights that are given may fit worse than none.
        statistic = 2.0 * (log_likelihood - report.base.log_likelihood)
    parameters = {**(coefficients if p > 1 else {}), **{name: estimates[name] for name in names[p:]}}
    extra = {name: _bare(value, report.level) for name, value in report.extra}
    studies, after = _weighted(fitted, report), estimates[names[0]]
    beyond = p == 1 and not min(one.y for one in studies) <= after.value <= max(one.y for one in studies)
    return attrs.evolve(
        made,
        after=after,
        parameters={**parameters, **extra},
        statistic=statistic,
        # Weights that are given leave nothing to test.
        symbol="χ²" if report.df else "2Δℓ",
        df=float(report.df) if report.df else None,
        p_value=float(chi2_p_value(np.array(statistic), float(report.df))) if report.df else None,
        studies=studies,
        warnings=(*made.warnings, *((BEYOND,) if beyond else ()), *_warnings(fitted, report, convergence, estimates)),
    )


def _bare(value: float, level: float) -> Estimate:
    nothing = math.nan
    return Estimate(value, nothing, nothing, nothing, nothing, None, nothing, nothing, level)


def _at_bounds(fitted: Fitted, names: tuple[str, ...]) -> tuple[str, ...]:
    """Name the parameters that an end of their range holds."""
    p = fitted.sample.X.shape[1]
    held, given = fitted.held, fitted.box.low >= fitted.box.high
    ends = held & ~given
    _, slopes = fitted.plan.deltas(fitted.x[p + 1 :])
    found: list[str] = [names[p]] if ends[p] else []
    found += [name for name, slope in zip(names[p + 1 :], slopes, strict=True) if (slope != 0.0)[ends[p + 1 :]].any()]
    value = fitted.estimates()[2]
    found += [
        name
        for name, slope, delta in zip(names[p + 1 :], slopes, value, strict=True)
        if delta == 0.0 and not slope.any()
    ]
    return tuple(dict.fromkeys(found))


def _estimates(values: FloatArray, null: FloatArray, se: FloatArray, report: Report) -> list[Estimate]:
    with np.errstate(divide="ignore", invalid="ignore"):
        shifted = symmetric_estimates(values - null, se, report.level)
    found: list[Estimate] = []
    terms = len(report.terms)
    for place in range(values.size):
        one = shifted.one(place)
        offset = float(null[place])
        low, high = one.ci_low + offset, one.ci_high + offset
        # τ² and δ are not negative.
        found.append(
            attrs.evolve(
                one,
                value=float(values[place]),
                ci_low=max(low, 0.0) if place >= terms else low,
                ci_high=high,
            )
        )
    return found


def _profiled(fitted: Fitted, estimates: dict[str, Estimate], report: Report) -> dict[str, Estimate]:
    p = fitted.sample.X.shape[1]
    root = math.sqrt(fitted.sample.unit)
    found = dict(estimates)
    given = fitted.box.low >= fitted.box.high
    for j, name in enumerate(report.terms):
        one = estimates[name]
        guess = one.se if one.se > 0.0 else root
        low, high = profile_limits(fitted, j, guess, report.level)
        centre = float(fitted.sample.centre[j])
        ends = sorted((report.sign * (centre + low), report.sign * (centre + high)))
        found[name] = attrs.evolve(one, ci_low=ends[0], ci_high=ends[1])
    if not given[p]:
        low, high = profile_limits(fitted, p, 1.0, report.level)
        furthest = math.log(float(fitted.box.low[p]))
        unit = fitted.sample.unit
        found["tau2"] = attrs.evolve(
            estimates["tau2"],
            ci_low=unit * math.expm1(max(0.0, -high)),
            ci_high=math.inf if low <= furthest else unit * math.expm1(-low),
        )
    found.update(_profiled_weights(fitted, estimates, report))
    return found


def _profiled_weights(fitted: Fitted, estimates: dict[str, Estimate], report: Report) -> dict[str, Estimate]:
    """Bound each δ that is the only one of a coordinate, by the coordinate."""
    p = fitted.sample.X.shape[1]
    _, slopes = fitted.plan.deltas(fitted.x[p + 1 :])
    found: dict[str, Estimate] = {}
    for a, coordinate in enumerate(range(p + 1, fitted.x.size)):
        if fitted.box.low[coordinate] >= fitted.box.high[coordinate]:
            continue
        low, high = profile_limits(fitted, coordinate, 1.0, report.level)
        for place in np.nonzero(slopes[:, a])[0].tolist():
            ends: list[float] = []
            for end in (low, high):
                u = fitted.x[p + 1 :].copy()
                u[a] = end
                ends.append(float(fitted.plan.deltas(u)[0][place]))
            if slopes[place, a] < 0.0:
                ends.reverse()
            elif high >= fitted.box.high[coordinate]:
                ends[1] = math.inf
            name = report.names[place]
            found[name] = attrs.evolve(estimates[name], ci_low=ends[0], ci_high=ends[1])
    return found


def _weighted(fitted: Fitted, report: Report) -> tuple[BiasStudy, ...]:
    p = fitted.sample.X.shape[1]
    logs = fitted.plan.selection.at(fitted.x[p + 1 :]).own
    logs = np.broadcast_to(logs, (fitted.sample.y.size,))
    return tuple(attrs.evolve(row, weight=float(weight)) for row, weight in zip(report.rows, np.exp(logs), strict=True))


def _warnings(fitted: Fitted, report: Report, convergence: Convergence, estimates: dict[str, Estimate]) -> list[str]:
    found: list[str] = []
    if fitted.sample.y.size < FEW:
        found.append(FEW_STUDIES.format(k=fitted.sample.y.size))
    if convergence.at_bounds:
        found.append(AT_BOUNDS.format(names=", ".join(convergence.at_bounds)))
    if convergence.flat:
        lost = [name for name, one in estimates.items() if math.isnan(one.se) and name not in convergence.at_bounds]
        found.append(FLAT.format(names=", ".join(lost) or ", ".join(report.names)))
    if convergence.modes > 1:
        found.append(MODES.format(modes=convergence.modes, apart=fitted.maximum.lead))
    if report.at_end and report.df:
        found.append(AT_END)
    return found
