"""Estimate τ² and what follows from it exactly: DerSimonian-Laird, Paule-Mandel, REML, Q-profile limits, I² and H².

Sources: DerSimonian & Laird (1986); Paule & Mandel (1982); Viechtbauer (2005, 2007) for REML and the Q-profile;
Raudenbush (2009) for models with moderators; Higgins & Thompson (2002) for I², H² and the typical variance;
Knapp & Hartung (2003) for the scaled standard error.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from evisynth_validation.mpmath.exact import brief, chi_squared_quantile, exact, nearest, root, sqrt
from evisynth_validation.mpmath.linear import inverse_and_determinant
from evisynth_validation.mpmath.modes import upper_bound

if TYPE_CHECKING:
    from evisynth_validation.mpmath.exact import Exact, Json
    from evisynth_validation.mpmath.linear import Data, Fit, Matrix
    from evisynth_validation.mpmath.modes import Maximum

quantile = cache(chi_squared_quantile)


def solve_q(data: Data, target: Exact) -> Exact:
    """Find the τ² at which y'Py, which falls with τ², equals a target below its value at 0."""
    high = upper_bound(data)
    while data.fit(high).q > target:
        high = high * 4
    low = high / 4
    while data.fit(low).q < target:
        low = low / 4
    return root(lambda tau2: data.fit(tau2).q - target, low, high)


def cond_of_q(fit: Fit, target: Exact) -> Exact:
    """Say how much the root of y'Py = target magnifies rounding: target / (|dQ/dτ²|·τ²)."""
    return target / (fit.ypp * fit.tau2)


def cond_of_score(fit: Fit) -> Exact:
    """Say how much the root of the score magnifies rounding: the size of its terms over |dscore/dτ²|·τ²."""
    return (fit.ypp + fit.trace_p) / (abs(fit.trace_pp - 2 * fit.yppp) * fit.tau2)


def design_condition(fit: Fit) -> Exact:
    """Bound the condition number of √W·X with its columns scaled to length 1, by Frobenius norms."""
    gram = fit.data.gram(fit.weights)
    lengths = [sqrt(row[i]) for i, row in enumerate(gram)]
    scaled: Matrix = [[value / (lengths[i] * lengths[j]) for j, value in enumerate(row)] for i, row in enumerate(gram)]
    inverse, _ = inverse_and_determinant(scaled)
    norms = [sqrt(sum((value**2 for row in matrix for value in row), exact(0))) for matrix in (scaled, inverse)]
    return sqrt(norms[0] * norms[1])


def conditions(fit: Fit, cond_tau2: Exact) -> tuple[list[float], list[float]]:
    """Say what rounding in the data and in τ² can do to the coefficients and to their standard errors."""
    lever = fit.tau2 * cond_tau2
    sizes = zip(fit.coefficients, fit.coefficient_sizes, fit.drift, strict=True)
    return (
        [brief((size + abs(drift) * lever) / abs(b)) if abs(b) > 0 else 1.0 for b, size, drift in sizes],
        [brief(1 + slope * lever / 2) for slope in variance_slopes(fit)],
    )


def variance_slopes(fit: Fit) -> list[Exact]:
    """Give the derivatives of the logarithms of the coefficients' variances by τ²."""
    return [drift / row[i] for i, (drift, row) in enumerate(zip(fit.variance_drift, fit.covariance, strict=True))]


def coefficients(fit: Fit, cond_tau2: Exact, *, hartung_knapp: bool = False) -> dict[str, Json]:
    """Give the estimates and standard errors at one τ², with what rounding in the data and in τ² can do to them."""
    variances = [row[i] for i, row in enumerate(fit.covariance)]
    cond_coefficients, cond_se = conditions(fit, cond_tau2)
    record: dict[str, Json] = {
        "coefficients": [nearest(b) for b in fit.coefficients],
        "se": [nearest(sqrt(variance)) for variance in variances],
        "cond_coefficients": cond_coefficients,
        "cond_se": cond_se,
    }
    if hartung_knapp:
        lever = fit.tau2 * cond_tau2
        scale = fit.q / fit.data.df
        record["se_hk"] = [nearest(sqrt(scale * variance)) for variance in variances]
        loss = fit.ypp / fit.q if fit.q > 0 else exact(0)
        record["cond_se_hk"] = [brief(1 + abs(slope - loss) * lever / 2) for slope in variance_slopes(fit)]
    return record


def dersimonian_laird(common: Fit) -> dict[str, Json]:
    """Match Q to its expectation: τ² = (Q − df)/tr(P), also before truncation at 0."""
    df = common.data.df
    untruncated = (common.q - df) / common.trace_p
    tau2 = max(untruncated, exact(0))
    cond = max(common.q / abs(common.q - df), exact(1))
    fit = common.data.fit(tau2)
    return {"tau2": nearest(tau2), "tau2_untruncated": nearest(untruncated), "cond": brief(cond)} | coefficients(
        fit, cond
    )


def paule_mandel(common: Fit) -> dict[str, Json]:
    """Find the τ² at which the generalised Q equals k − p, 0 where it is smaller from the start."""
    data, target = common.data, exact(common.data.df)
    tau2 = solve_q(data, target) if common.q > target else exact(0)
    fit = data.fit(tau2)
    cond = cond_of_q(fit, target) if tau2 > 0 else exact(1)
    return {"tau2": nearest(tau2), "cond": brief(cond)} | coefficients(fit, cond)


def restricted_likelihood(data: Data, best: Maximum) -> tuple[Fit, dict[str, Json]]:
    """Describe the global maximum of the restricted likelihood and what is estimated there."""
    fit = data.fit(best.tau2)
    cond = cond_of_score(fit) if best.tau2 > 0 else exact(1)
    record: dict[str, Json] = {
        "tau2": nearest(best.tau2),
        "cond": brief(cond),
        "log_likelihood": nearest(best.log_likelihood),
        "log_likelihood_scale": brief(best.scale),
        "modes": best.modes,
        "gap": None if best.gap is None else brief(best.gap),
    }
    return fit, record | coefficients(fit, cond, hartung_knapp=True)


def q_profile(common: Fit) -> dict[str, Json] | None:
    """Find the 95 % limits of τ² where the generalised Q meets chi-squared quantiles; none where the set is empty."""
    data = common.data
    low_target, high_target = quantile("0.975", data.df), quantile("0.025", data.df)
    if not common.q > high_target:
        return None
    record: dict[str, Json] = {"lower": 0.0, "cond_lower": 1.0}
    if common.q > low_target:
        lower = solve_q(data, low_target)
        record = {"lower": nearest(lower), "cond_lower": brief(cond_of_q(data.fit(lower), low_target))}
    upper = solve_q(data, high_target)
    return record | {"upper": nearest(upper), "cond_upper": brief(cond_of_q(data.fit(upper), high_target))}


def record(data: Data, best: Maximum) -> dict[str, Json]:
    """Derive everything from one set of effects, given the global maximum of its restricted likelihood."""
    common = data.fit(exact(0))
    reml, reml_record = restricted_likelihood(data, best)
    typical = data.df / common.trace_p
    result: dict[str, Json] = {
        "df": data.df,
        "q": nearest(common.q),
        "i2_q": nearest(max(100 * (common.q - data.df) / common.q, exact(0))) if common.q > 0 else 0.0,
        "h2_q": nearest(common.q / data.df),
        "typical_variance": nearest(typical),
        "i2_tau2": nearest(100 * reml.tau2 / (reml.tau2 + typical)),
        "h2_tau2": nearest((reml.tau2 + typical) / typical),
        "common": coefficients(common, exact(1)),
        "DL": dersimonian_laird(common),
        "REML": reml_record,
        "PM": paule_mandel(common),
        "q_profile": q_profile(common),
    }
    if len(data.columns) > 1:
        result["cond_x"] = brief(max(design_condition(common), design_condition(reml)))
    return result
