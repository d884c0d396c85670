"""Say how well a model fits: log-likelihoods, deviance and information criteria, and compare nested models.

Source: Harville (1977), J. Am. Stat. Assoc. 72:320-338 (both likelihoods); Akaike (1974), IEEE Trans. Autom. Control
19:716-723; Schwarz (1978), Ann. Stat. 6:461-464; Hurvich & Tsai (1989), Biometrika 76:297-307 (small samples).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth.errors import CombinationError
from evisynth.kernels.distributions import chi2_p_value
from evisynth.kernels.weighted_fit import weighted_fit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth.fits import Fit
    from evisynth.kernels.arrays import FloatArray
    from evisynth.results import MetaAnalysis

ML = "ML"
REML = "REML"
_LOG_2_PI = math.log(2.0 * math.pi)
_IN_SPAN = 1e-7


@attrs.frozen
class FitStatistics:
    """Hold the log-likelihood of a model with what follows from it; None where it does not exist.

    ``deviance`` is twice the distance from a model with a mean for every study, ``-2 log-likelihood`` for the
    restricted one. ``parameters`` are the coefficients and, where it was estimated, τ².
    """

    log_likelihood: float
    deviance: float
    aic: float
    bic: float | None
    aicc: float
    parameters: int


def fit_statistics(fit: Fit, *, estimated: bool) -> Mapping[str, FitStatistics]:
    """Give the statistics of a model under the likelihood and the restricted likelihood, at its own estimates.

    They are those of ``N(Xβ, v + τ²)`` whatever estimated τ² and β; ``estimated`` says whether τ² is a parameter, and
    not given. Empty where pooling is neither by inverse variance nor by weights of the user's.
    """
    if fit.weighted is None or not fit.k:
        return {}
    k, p = fit.k, fit.p
    total = fit.v + fit.tau2
    residuals = fit.weighted.residuals
    if fit.weights is not None:
        residuals = fit.y - fit.X @ fit.coefficients
    rss = float((residuals * residuals / total).sum())
    parameters = p + int(estimated)
    log_total = float(np.log(total).sum())
    log_likelihood = -0.5 * (k * _LOG_2_PI + log_total + rss)
    # Against means of their own: log((v + τ²)/v) would lose τ² where it is small.
    deviance = float(np.log1p(fit.tau2 / fit.v).sum()) + rss
    made = {ML: _statistics(log_likelihood, deviance, parameters, k)}
    unweighted = (
        weighted_fit(fit.y, np.ones(k), fit.X).log_det if p > 1 or fit.weighted.basis is not None else math.log(k)
    )
    determinants = float(unweighted) - float(fit.weighted.log_det)
    restricted = -0.5 * ((k - p) * _LOG_2_PI - determinants + log_total + rss)
    return {**made, REML: _statistics(restricted, -2.0 * restricted, parameters, k - p)}


def _statistics(log_likelihood: float, deviance: float, parameters: int, n: int) -> FitStatistics:
    least = max(n, parameters + 2)
    return FitStatistics(
        log_likelihood=log_likelihood,
        deviance=deviance,
        aic=-2.0 * log_likelihood + 2.0 * parameters,
        bic=-2.0 * log_likelihood + parameters * math.log(n) if n else None,
        aicc=-2.0 * log_likelihood + 2.0 * parameters * least / (least - parameters - 1),
        parameters=parameters,
    )


@attrs.frozen
class Comparison:
    """Hold the likelihood-ratio test of a model against one that it contains; R² in percent, None without τ²."""

    statistic: float
    df: int
    p_value: float
    full: FitStatistics
    reduced: FitStatistics
    r2: float | None
    likelihood: str
    """``ML`` or ``REML``."""
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Give the comparison as JSON-ready values."""
        return attrs.asdict(self)


def compare(full: MetaAnalysis, reduced: MetaAnalysis) -> Comparison:
    """Test a model against a smaller one by the ratio of their likelihoods: ``2 (l₁ - l₀)`` against χ².

    Both are models of the same effects, and the columns of the smaller one are combinations of those of the larger
    one. Models that differ in their coefficients are compared by their likelihoods, fitted by ML; restricted
    likelihoods are of different data there. Raises `CombinationError` for models that are not nested, not of the same
    effects, or not fitted by ML.

    Source: Wilks (1938), Ann. Math. Stat. 9:60-62; for τ² on its bound: Self & Liang (1987), J. Am. Stat. Assoc.
    82:605-610.
    """
    one, other = _model_of(full), _model_of(reduced)
    if one.k != other.k or not (np.array_equal(one.y, other.y) and np.array_equal(one.v, other.v)):
        msg = f"the two models are of different effects ({one.k} and {other.k} studies): compare models of the same"
        raise CombinationError(msg)
    extra = one.p - other.p
    tau2 = int(full.model.estimates_tau2) - int(reduced.model.estimates_tau2)
    outside = _outside_span(other.X, one.X)
    if outside or extra < 0 or tau2 < 0:
        terms = [reduced.terms[j] for j in outside]
        what = f" ({', '.join(terms)} is not a combination of its terms)" if terms else ""
        msg = f"the first model does not contain the second{what}: give the larger one first"
        raise CombinationError(msg)
    if extra + tau2 == 0:
        msg = "the two models are the same: there is nothing to test"
        raise CombinationError(msg)
    likelihood = _likelihood(full, reduced, same=extra == 0)
    found, less = full.model.fit_statistics[likelihood], reduced.model.fit_statistics[likelihood]
    ratio = max(2.0 * (found.log_likelihood - less.log_likelihood), 0.0)
    tau2_other = float(other.tau2)
    notes = (
        ("tau² is 0 in the smaller model, on the bound of what it can be: the P value is conservative",) if tau2 else ()
    )
    both = full.model.estimates_tau2 and reduced.model.estimates_tau2 and tau2_other > 0.0
    return Comparison(
        statistic=ratio,
        df=extra + tau2,
        p_value=float(chi2_p_value(ratio, extra + tau2)),
        full=found,
        reduced=less,
        r2=100.0 * max(0.0, (tau2_other - float(one.tau2)) / tau2_other) if both else None,
        likelihood=likelihood,
        notes=notes,
    )


def _model_of(analysis: MetaAnalysis) -> Fit:
    fit = analysis.fit
    if fit is None or fit.weighted is None or fit.weights is not None:
        msg = "a likelihood-ratio test compares models pooled by inverse variance"
        raise CombinationError(msg)
    return fit


def _likelihood(full: MetaAnalysis, reduced: MetaAnalysis, *, same: bool) -> str:
    """Choose the likelihood that both models are the maximum of."""
    methods = {analysis.methods.tau2.name for analysis in (full, reduced) if analysis.model.estimates_tau2}
    if methods == {REML} and same:
        return REML
    if methods <= {ML}:
        return ML
    if methods == {REML}:
        msg = (
            "restricted likelihoods of models with different coefficients are likelihoods of different data: "
            "fit both with tau2='ML'"
        )
        raise CombinationError(msg)
    shown = " and ".join(sorted(methods))
    msg = f"a likelihood-ratio test compares maxima of the likelihood, not fits by {shown}: fit both with tau2='ML'"
    raise CombinationError(msg)


def _outside_span(columns: FloatArray, X: FloatArray) -> list[int]:
    """List the columns that are no linear combination of those of X."""
    scaled = X / np.sqrt((X * X).sum(axis=0))
    q = np.linalg.qr(scaled)[0]
    found: list[int] = []
    for j in range(columns.shape[1]):
        column = columns[:, j] / np.sqrt(columns[:, j] @ columns[:, j])
        for _ in range(2):
            column = column - q @ (q.T @ column)
        if np.sqrt(column @ column) > _IN_SPAN:
            found.append(j)
    return found
