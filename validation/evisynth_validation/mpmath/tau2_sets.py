"""Estimate τ² by every other estimator, with its standard error, from the sets of `heterogeneity.json`.

Sources: those of `closed_forms.py`; Viechtbauer (2021) for medians; Morris (1983) for the standard error of
Paule-Mandel estimates.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from evisynth_validation.mpmath.closed_forms import (
    crude_and_scaled,
    match_hunter_schmidt,
    match_with_weights,
    traces,
)
from evisynth_validation.mpmath.exact import brief, chi_squared_quantile, dot, exact, nearest, root, sqrt, total
from evisynth_validation.mpmath.heterogeneity import cond_of_q, solve_q
from evisynth_validation.mpmath.linear import Data, Fit
from evisynth_validation.mpmath.modes import global_maximum
from evisynth_validation.mpmath.spread import tail_of_q

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth_validation.mpmath.exact import Exact, Json

CLEAREST = 1e-5  # a set decides nothing about an estimator that is so near to 0, or whose two best modes are so alike
MOST_FOR_TAILS = 8  # studies, for which the exact distribution is inverted in a moment


@cache
def median(df: int) -> Exact:
    """Give the median of χ²."""
    return chi_squared_quantile("0.5", df)


def spread_of_form(data: Data, a: Sequence[Exact], tau2: Exact) -> Exact:
    """Give the standard deviation of y'Py where the variances are v + τ², τ² truncated at 0."""
    at_least = max(tau2, exact(0))
    return sqrt(2 * traces(data, a, [v + at_least for v in data.v])[1])


def line(tau2: Exact, cond: Exact, se: Exact) -> dict[str, Json]:
    """Lay out one estimate: untruncated, with what rounding can do to it, and its standard error."""
    return {"tau2": nearest(tau2), "cond": brief(max(cond, exact(1))), "se": nearest(se)}


def with_weights(data: Data, a: Sequence[Exact]) -> dict[str, Json] | None:
    """Match y'Py to its expectation."""
    match = match_with_weights(data, a)
    if not clear(match.form, match.expected):
        return None
    return line(match.tau2, match.cond, spread_of_form(data, a, match.tau2) / match.slope)


def clear(one: Exact, other: Exact) -> bool:
    """Say whether two positive numbers are far enough apart."""
    return abs(one - other) > CLEAREST * (one + other)


def hunter_schmidt(data: Data, factor: Exact) -> dict[str, Json] | None:
    """Match factor·Q to k."""
    match = match_hunter_schmidt(data, factor)
    if not clear(match.form, match.expected):
        return None
    weights = data.fit(exact(0)).weights
    return line(match.tau2, match.cond, factor * spread_of_form(data, weights, match.tau2) / match.slope)


def sidik_jonkman(data: Data) -> dict[str, Json]:
    """Scale the crude variance by the residuals."""
    fit, tau2 = crude_and_scaled(data)
    return line(tau2, exact(1), fit.tau2 * spread_of_form(data, fit.weights, tau2) / data.df)


def paule_mandel_error(fit: Fit) -> Exact:
    """Give Morris's standard error."""
    k = len(fit.data.y)
    return sqrt(exact(2 * k * k) / fit.data.df) / total(fit.weights)


def median_unbiased(data: Data) -> dict[str, Json] | None:
    """Find the τ² at which y'Py is the median of χ² with k − p degrees of freedom."""
    common, target = data.fit(exact(0)), median(data.df)
    if not clear(common.q, target):
        return None
    fit = data.fit(solve_q(data, target)) if common.q > target else common
    return line(fit.tau2, cond_of_q(fit, target) if fit.tau2 > 0 else exact(1), paule_mandel_error(fit))


def with_weights_median(data: Data, a: Sequence[Exact]) -> dict[str, Json] | None:
    """Find the τ² at which y'Py, with any weights, is the median of its distribution."""

    def excess(tau2: Exact) -> Exact:
        return tail_of_q(data, a, tau2) - exact(1) / 2

    at_zero = excess(exact(0))
    if abs(at_zero) < CLEAREST:
        return None
    slope = traces(data, a, [exact(1)] * len(data.v))[0]
    if at_zero < 0:
        return line(exact(0), exact(1), spread_of_form(data, a, exact(0)) / slope)
    high = max(*data.v, data.unweighted_rss)
    while excess(high) > 0:
        high = high * 4
    low = high / 4
    while excess(low) < 0:
        low = low / 4
    tau2 = root(excess, low, low * 4)
    step = tau2 * exact(10) ** -20
    growth = abs(excess(tau2 + step) - excess(tau2 - step)) / 2 * exact(10) ** 20
    return line(tau2, 1 / growth, spread_of_form(data, a, tau2) / slope)


def maximum_likelihood(data: Data) -> dict[str, Json] | None:
    """Take the global maximum of the plain likelihood, its standard error from the expected information ½Σw²."""
    try:
        best = global_maximum(data, restricted=False)
    except ArithmeticError:
        return None
    if best.gap is not None and best.gap < CLEAREST:
        return None
    fit = data.fit(best.tau2)
    whole, squares = total(fit.weights), dot(fit.weights, fit.weights)
    if best.tau2 > 0:
        cond = (fit.ypp + whole) / (abs(squares - 2 * fit.yppp) * fit.tau2)
    elif clear(fit.ypp, whole):
        cond = exact(1)
    else:
        return None
    return line(fit.tau2, cond, sqrt(2 / squares)) | {
        "log_likelihood": nearest(best.log_likelihood),
        "log_likelihood_scale": brief(best.scale),
        "modes": best.modes,
    }


def standard_errors(data: Data, expected: dict[str, Any]) -> dict[str, Json]:
    """Give the standard errors of the estimates that `heterogeneity.json` holds, at its τ²."""
    common = data.fit(exact(0))
    tau2 = (common.q - data.df) / common.trace_p
    reml, pm = (data.fit(exact(expected[name]["tau2"])) for name in ("REML", "PM"))
    return {
        "DL": nearest(spread_of_form(data, common.weights, tau2) / common.trace_p),
        "REML": nearest(sqrt(2 / reml.trace_pp)),
        "PM": nearest(paule_mandel_error(pm)),
    }


def derived(case: dict[str, Any]) -> dict[str, Json]:
    """Derive every estimate of one set."""
    data = Data.of(case["y"], case["v"], case.get("x"))
    ones = [exact(1)] * len(data.v)
    roots = [1 / sqrt(v) for v in data.v]
    estimates: dict[str, Json] = {
        "HE": with_weights(data, ones),
        "GENQ": with_weights(data, roots),
        "HS": hunter_schmidt(data, exact(1)),
        "HSk": hunter_schmidt(data, exact(len(data.y)) / data.df),
        "SJ": sidik_jonkman(data),
        "PMM": median_unbiased(data),
        "ML": maximum_likelihood(data),
    }
    if len(data.y) <= MOST_FOR_TAILS and Fit(data, exact(0), roots).q > 0:
        estimates["GENQM"] = with_weights_median(data, roots)
    return {"se": standard_errors(data, case["expected"])} | estimates


def sets() -> list[dict[str, Json]]:
    """Derive the estimates of every set."""
    path = Path(__file__).with_name("heterogeneity.json")
    stored = cast("list[dict[str, Any]]", json.loads(path.read_text("utf-8"))["sets"])
    return [{"id": case["id"], "expected": derived(case)} for case in stored]
