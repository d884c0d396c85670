"""The verb `location_scale`: model the mean of effects and how much they differ, each by moderators of its own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth.designs import Design, design_of, refuse_dependent
from evisynth.errors import SettingsError
from evisynth.fitting import DEFAULT, effects, leave_out
from evisynth.kernels.arrays import power_of_two_scale
from evisynth.kernels.distributions import (
    chi2_p_value,
    f_p_value,
    normal_p_value,
    normal_quantile,
    t_p_value,
    t_quantile,
)
from evisynth.kernels.identity_link import maximise_identity_link
from evisynth.kernels.location_scale import Effects as Sample
from evisynth.kernels.location_scale import spans_constant
from evisynth.kernels.log_link import maximise_log_link
from evisynth.kernels.weighted_fit import weighted_fit
from evisynth.models import NO_STUDIES
from evisynth.scale_results import Coefficient, Convergence, InformationCriteria, LocationScale, Maximum, Omnibus
from evisynth.studies import Effects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth.designs import Columns, Moderators
    from evisynth.kernels.arrays import FloatArray
    from evisynth.kernels.scale_optimum import Optimum
    from evisynth.registry import Registry
    from evisynth.settings import Settings

LINKS = ("log", "identity")
METHODS = ("ML", "REML")
TESTS = ("z", "t")

_EDGE = (
    "the constraint tau² ≥ 0 holds the maximum at the edge of what the identity link allows, "
    "where there is no standard error"
)
_FLAT = "the likelihood has no curvature at its maximum"
_RUNS_OFF = {
    "below": "the likelihood rises for ever as it runs to −∞ and tau² of some studies to 0",
    "above": "the likelihood rises for ever as it runs to +∞ and tau² of some studies to 0",
    "undetermined": "the likelihood rises for ever as tau² of some studies falls to 0, whichever way it runs",
}


def location_scale(  # noqa: PLR0913 - keyword-only, each a choice of the model
    data: Any,  # noqa: ANN401 - what `fit` takes
    measure: str | None = None,
    *,
    location: Moderators = None,
    scale: Moderators = None,
    link: str = "log",
    method: str = "REML",
    test: str = "z",
    level: float = 0.95,
    columns: Columns = None,
    exclude: Sequence[str] = (),
    settings: str | Settings | None = None,
    registry: Registry | None = None,
    **words: Any,  # noqa: ANN401 - the fields of Settings that effects are measured by
) -> LocationScale:
    """Maximise the likelihood of ``y_i ~ N(x_i'β, v_i + τ²_i)`` with ``log τ²_i = z_i'α``, or ``τ²_i = z_i'α ≥ 0``.

    ``data`` is what `fit` takes; ``location`` (x) and ``scale`` (z) are what its ``moderators`` take: a formula, names
    of columns, columns, a matrix or a `Design`, None for the intercept alone. ``columns`` are columns by name beside
    those of the studies. ``method`` is ``"REML"`` or ``"ML"``, ``test`` ``"z"`` or ``"t"`` (k − p and k − q degrees of
    freedom). The maximum is the global one, from many starts. Standard errors of α are from the observed information
    of the (restricted) likelihood in α alone; those of β take τ² as known.

    Where the likelihood has no finite maximum, the coefficients that run off are ``unbounded`` and the τ² of the limit
    are given. Raises `DataError` for impossible data, `CombinationError` for dependent moderators and `SettingsError`
    for words that are not understood. Source: Viechtbauer & López-López (2022), Res. Synth. Methods 13:697-715.
    """
    for name, value, known in (("link", link, LINKS), ("method", method, METHODS), ("test", test, TESTS)):
        if value not in known:
            msg = f"{name} is one of {', '.join(map(repr, known))}, not {value!r}"
            raise SettingsError(msg)
    if isinstance(level, bool) or not isinstance(level, float) or not 0.0 < level < 1.0:  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
        msg = f"level is a probability between 0 and 1, such as 0.95, not {level!r}"
        raise SettingsError(msg)
    measured = _measured(data, measure, settings, exclude, registry, words)
    k = len(measured)
    X = design_of(measured, location, columns) or Design(np.empty((k, 0)))
    Z = design_of(measured, scale, columns) or Design(np.empty((k, 0)))
    used = measured.used
    rows = tuple(range(k)) if used is None else tuple(np.nonzero(used)[0].tolist())
    model = LocationScale(measured, rows, X, Z, link, method, test, level, None)
    return _fitted(model)


def _measured(
    data: Any,  # noqa: ANN401 - what `fit` takes
    measure: str | None,
    settings: str | Settings | None,
    exclude: Sequence[str],
    registry: Registry | None,
    words: dict[str, Any],
) -> Effects:
    if isinstance(data, Effects):
        if measure not in (None, data.measure) or words:
            given = ", ".join([*([] if measure is None else ["measure"]), *words])
            msg = f"the effects given are measured already: {given} needs the study data instead"
            raise SettingsError(msg)
        measured = data
    else:
        measured = effects(data, measure, settings=settings or DEFAULT, registry=registry, **words)
    return leave_out(measured, exclude) if exclude else measured


def _fitted(model: LocationScale) -> LocationScale:
    """Fill in the maximum and all that follows from it, or the reason why there is none."""
    rows = list(model.rows)
    y, v = model.effects.y[rows], model.effects.v[rows]
    X, Z = model.location_design.matrix[rows], model.scale_design.matrix[rows]
    k, p, q = len(rows), X.shape[1], Z.shape[1]
    if not rows:
        return attrs.evolve(model, reason=NO_STUDIES)
    if k < p + q:
        reason = f"{k} {'study' if k == 1 else 'studies'} cannot tell {p} location and {q} scale coefficients"
        return attrs.evolve(model, reason=reason)
    refuse_dependent(X, model.location_design.names)
    refuse_dependent(Z, model.scale_design.names)
    unit = float(power_of_two_scale(v))
    # Effects far from 0 keep their digits where they may be shifted along the design.
    level = spans_constant(X)
    centre = 0.0 if level is None else float(y.mean())
    sample = Sample((y - centre) / unit, v / (unit * unit), X, restricted=model.method == "REML")
    open_terms = _untold(sample, Z, model.scale_design.names)
    if open_terms:
        reason = (
            f"the restricted likelihood of {k} studies with {p} location coefficients does not tell the scale "
            f"coefficients {', '.join(open_terms)} apart"
        )
        return attrs.evolve(model, reason=reason)
    constant = spans_constant(Z)
    found = _maximise(sample, Z, model.link, constant, unit)
    if isinstance(found, str):
        return attrs.evolve(model, reason=found)
    maximum = _maximum(sample, found, model.link, constant, unit)
    if level is not None:
        maximum = attrs.evolve(maximum, beta=maximum.beta + centre * level)
    degrees = (None, None) if model.test == "z" else (k - p, k - q)
    se = _roots(maximum.beta_covariance)
    location = [
        _coefficient(name, float(b), s, degrees[0], model.level)
        for name, b, s in zip(model.location_design.names, maximum.beta, se, strict=True)
    ]
    scale = _scale_coefficients(model, maximum, found, degrees[1])
    return attrs.evolve(
        model,
        maximum=maximum,
        location_coefficients=tuple(location),
        scale_coefficients=tuple(scale),
        location_test=_wald(location, maximum.beta_covariance, model.location_design, degrees[0]),
        scale_test=_wald(scale, maximum.alpha_covariance, model.scale_design, degrees[1]),
        likelihood_ratio=_against_one_tau2(model, sample, found, constant),
        criteria=_criteria(maximum.log_likelihood, k - p if sample.restricted else k, p + q),
        notes=tuple(_notes(model, found)),
    )


def _maximise(sample: Sample, Z: FloatArray, link: str, constant: FloatArray | None, unit: float) -> Optimum | str:
    if link == "identity":
        return maximise_identity_link(sample, Z, constant)
    # With an intercept the unit of the effects is a shift of α; without, the model is one of the given unit.
    return maximise_log_link(sample, Z, 0.0 if constant is not None else -2.0 * math.log(unit), constant)


def _untold(sample: Sample, Z: FloatArray, names: Sequence[str]) -> list[str]:
    """Name the scale coefficients that the restricted likelihood cannot tell, at any τ²."""
    if not sample.restricted:
        return []
    size = np.sqrt((Z * Z).sum(axis=0))
    values, vectors = np.linalg.eigh(sample.information_structure(Z / size))
    lost = vectors[:, values <= 1e-12 * max(float(values[-1]), 1.0)]
    share = np.abs(lost).max(axis=1) if lost.size else np.zeros(len(names))
    return [name for name, own in zip(names, share.tolist(), strict=True) if own > 1e-6]  # noqa: PLR2004 - rounding


def _maximum(sample: Sample, found: Optimum, link: str, constant: FloatArray | None, unit: float) -> Maximum:
    square = unit * unit
    fit = found.point.fit or weighted_fit(sample.y, 1 / (sample.v + found.tau2), sample.X)
    alpha, covariance = found.alpha, found.covariance
    if link == "identity":
        alpha, covariance = alpha * square, covariance * (square * square)
    elif constant is not None:
        alpha = alpha + (2.0 * math.log(unit)) * constant
    dof = sample.k - sample.p if sample.restricted else sample.k
    return Maximum(
        beta=fit.coefficients * unit,
        beta_covariance=fit.covariance * square,
        alpha=alpha,
        alpha_covariance=covariance,
        tau2=found.tau2 * square,
        w=fit.w / square,
        log_likelihood=found.point.log_likelihood - dof * math.log(unit),
        q=float(weighted_fit(sample.y, 1 / sample.v, sample.X).rss),
        convergence=Convergence(found.settled, found.steps, found.starts, found.modes, found.binding),
    )


def _roots(covariance: FloatArray) -> list[float | None]:
    diagonal = np.diagonal(covariance)
    return [math.sqrt(value) if value > 0.0 else None for value in diagonal.tolist()]


def _coefficient(
    term: str,
    value: float,
    se: float | None,
    df: float | None,
    level: float,
    reason: str | None = None,
) -> Coefficient:
    if se is None or df == 0:
        why = reason or "no degrees of freedom are left for a t test"
        return Coefficient(term, value, se, None, None, None, df, None, None, level, reason=why)
    statistic = value / se
    quantile = normal_quantile(level) if df is None else float(t_quantile(level, df))
    p_value, log_p_value = normal_p_value(statistic) if df is None else t_p_value(statistic, df)
    half = quantile * se
    return Coefficient(
        term, value, se, value - half, value + half, statistic, df, float(p_value), float(log_p_value), level
    )


def _scale_coefficients(model: LocationScale, maximum: Maximum, found: Optimum, df: float | None) -> list[Coefficient]:
    made: list[Coefficient] = []
    why = _EDGE if found.binding else _FLAT
    roots = _roots(maximum.alpha_covariance)
    for name, value, se, runs in zip(
        model.scale_design.names, maximum.alpha.tolist(), roots, found.unbounded, strict=True
    ):
        if runs is None:
            made.append(_coefficient(name, value, se, df, model.level, why))
        else:
            made.append(
                Coefficient(name, None, None, None, None, None, df, None, None, model.level, runs, _RUNS_OFF[runs])
            )
    return made


def _wald(coefficients: Sequence[Coefficient], covariance: FloatArray, design: Design, df: float | None) -> Omnibus:
    """Test all coefficients but the intercept, or the intercept where it is the only one."""
    places = [j for j, name in enumerate(design.names) if name != "intercept"] or [0]
    terms = tuple(design.names[j] for j in places)
    tested = [coefficients[j] for j in places]
    lacking = next((one for one in tested if one.se is None), None)
    if lacking is not None or df == 0:
        reason = "no degrees of freedom are left" if lacking is None else f"{lacking.term}: {lacking.reason}"
        return Omnibus(None, len(places), df, None, terms, reason)
    values = np.array([one.value for one in tested])
    se = np.array([one.se for one in tested])
    # Correlations, whose condition no unit of the moderators spoils.
    correlation = covariance[np.ix_(places, places)] / np.outer(se, se)
    z = values / se
    statistic = float(z @ np.linalg.solve(correlation, z))
    if df is None:
        return Omnibus(statistic, len(places), None, float(chi2_p_value(statistic, len(places))), terms)
    f = statistic / len(places)
    return Omnibus(f, len(places), df, float(f_p_value(f, len(places), df)), terms)


def _against_one_tau2(
    model: LocationScale, sample: Sample, found: Optimum, constant: FloatArray | None
) -> Omnibus | None:
    """Compare with the model of one τ² for all; None where it is that model, or does not hold it."""
    names = model.scale_design.names
    if constant is None or len(names) == 1:
        return None
    one = maximise_log_link(sample, np.ones((sample.k, 1)), 0.0, np.ones(1))
    # The larger model holds the smaller one, up to rounding.
    statistic = max(0.0, 2.0 * (found.point.log_likelihood - one.point.log_likelihood))
    df = len(names) - 1
    terms = tuple(name for name in names if name != "intercept")
    if found.binding:
        return Omnibus(statistic, df, None, None, terms, f"{_EDGE.partition(',')[0]}, where χ² does not hold")
    return Omnibus(statistic, df, None, float(chi2_p_value(statistic, df)), terms)


def _criteria(log_likelihood: float, n: int, parameters: int) -> InformationCriteria:
    deviance = -2.0 * log_likelihood
    enough = max(n, parameters + 2)
    return InformationCriteria(
        aic=deviance + 2 * parameters,
        bic=deviance + parameters * math.log(n),
        aicc=deviance + 2 * parameters * enough / (enough - parameters - 1),
        n=n,
        parameters=parameters,
    )


def _notes(model: LocationScale, found: Optimum) -> list[str]:
    notes: list[str] = []
    zero = int(found.at_zero.sum())
    k = len(found.tau2)
    if model.link == "log" and zero:
        terms = [name for name, runs in zip(model.scale_design.names, found.unbounded, strict=True) if runs]
        some = "every study" if zero == k else f"{zero} of {k} studies"
        notes.append(
            f"the likelihood is highest in the limit where tau² of {some} is 0, which no finite coefficients reach: "
            f"{', '.join(terms)} {'is' if len(terms) == 1 else 'are'} unbounded, "
            "and all other numbers are those of the limit"
        )
    if found.binding:
        notes.append(f"{_EDGE}; tau² of {zero} of {k} studies is 0")
    if found.flat:
        notes.append(f"{_FLAT}, so that the scale coefficients have no standard errors")
    if not found.settled:
        notes.append("the climb to the maximum did not settle to the last digits: look at the data before the numbers")
    if found.modes > 1:
        notes.append(f"the likelihood has {found.modes} maxima that were found; the highest is given")
    return notes
