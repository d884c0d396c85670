"""Estimate τ² by every estimator, with what is pooled at it, in one pass."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

from evisynth_validation.corpus.passes import Number
from evisynth_validation.corpus.tails import lower_tail
from evisynth_validation.mpmath.closed_forms import (
    Match,
    crude_and_scaled,
    match_hunter_schmidt,
    match_with_weights,
    traces,
)
from evisynth_validation.mpmath.exact import (
    brief,
    chi_squared_quantile,
    digits_now,
    exact,
    root,
    sqrt,
    total,
    working_digits,
)
from evisynth_validation.mpmath.heterogeneity import cond_of_q, cond_of_score, conditions
from evisynth_validation.mpmath.linear import Fit
from evisynth_validation.mpmath.modes import upper_bound

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evisynth_validation.corpus.outline import Outline
    from evisynth_validation.corpus.passes import Roots, Tree
    from evisynth_validation.mpmath.exact import Exact
    from evisynth_validation.mpmath.linear import Data

ALIKE = {"EB": "PM", "DLIT": "PM", "SJIT": "PM"}
"""Estimators whose equation is Paule and Mandel's in another form, so that they have its root."""
CLOSED = ("DL", "HE", "GENQ", "HS", "HSk", "SJ")
ROUGH, ROUGH_ROOT = 30, 15
"""Digits with which the median is first looked for, and the digits that can then be relied on."""
NOTHING = 50
"""A difference smaller than its terms by so many digits is taken for 0 exactly."""
NAMES = (*CLOSED, "PM", *ALIKE, "PMM", "GENQM", "ML", "REML")


@cache
def _quantile(probability: str, df: int, digits: int) -> Exact:
    del digits  # the precision it is computed with, by which it is remembered
    return chi_squared_quantile(probability, df)


def quantile(probability: str, df: int) -> Exact:
    """Invert the χ² distribution function."""
    return _quantile(probability, df, digits_now())


def pooled(fit: Fit, cond_tau2: Exact, shift: Exact) -> dict[str, Tree]:
    """Lay out effect and standard error at one τ²."""
    cond_effect, cond_se = conditions(fit, cond_tau2)
    effect = cleared(fit.coefficients[0], fit.coefficient_sizes[0])
    if not abs(effect) > 0:
        cond_effect = [1.0]
    return {
        "effect": Number(effect + shift),
        "se": Number(sqrt(fit.covariance[0][0])),
        "cond_effect": cond_effect[0],
        "cond_se": cond_se[0],
    }


def cleared(value: Exact, size: Exact) -> Exact:
    """Take a difference for 0 that only rounding can have left of terms of a size."""
    return value if abs(value) > size * exact(10) ** -NOTHING else exact(0)


def at(data: Data, tau2: Exact, cond: Exact, shift: Exact) -> dict[str, Tree]:
    """Lay out an estimate of τ², not below 0, and what is pooled there."""
    cond = max(cond, exact(1))
    estimate: dict[str, Tree] = {"tau2": Number(tau2), "cond": brief(cond)}
    return estimate | pooled(data.fit(tau2), cond, shift)


def closed(data: Data, match: Match, shift: Exact) -> dict[str, Tree]:
    """Lay out a closed form, truncated and not."""
    untruncated = cleared(match.tau2, (match.form + match.expected) / match.slope)
    # Form and expectation may be exactly alike: nothing then scales the rounding of their difference, which is 0.
    cond = match.cond if abs(untruncated) > 0 else exact(1)
    return {"untruncated": Number(untruncated)} | at(data, max(untruncated, exact(0)), cond, shift)


def bracket(excess: Callable[[Exact], Exact], start: Exact) -> tuple[Exact, Exact]:
    """Find two points, four times apart, between which a function that is positive at 0 falls through 0."""
    high = start
    while excess(high) > 0:
        high = high * 4
    low = high / 4
    while excess(low) < 0:
        low = low / 4
    return low, low * 4


def where_q_is(data: Data, target: Exact, name: str, roots: Roots) -> Exact:
    """Find the τ² at which y'Py equals a target, 0 where it is smaller from the start."""
    if not data.fit(exact(0)).q > target:
        return exact(0)

    def excess(tau2: Exact) -> Exact:
        return data.fit(tau2).q - target

    return roots.root(name, excess, lambda: bracket(excess, upper_bound(data)))


def by_q(data: Data, target: Exact, name: str, roots: Roots, shift: Exact) -> dict[str, Tree]:
    """Lay out the estimate at which y'Py equals a target."""
    tau2 = where_q_is(data, target, name, roots)
    return at(data, tau2, cond_of_q(data.fit(tau2), target) if tau2 > 0 else exact(1), shift)


def by_median(data: Data, weights: Sequence[Exact], roots: Roots, shift: Exact) -> dict[str, Tree]:
    """Lay out the estimate at which y'Py, with fixed weights, is the median of its distribution.

    The first pass comes near with half of its digits.

    Raises
    ------
        ArithmeticError: the probability at 0 is ½ by a hair.

    """
    q = Fit(data, exact(0), list(weights)).q
    half = exact(1) / 2

    def excess(tau2: Exact) -> Exact:
        return lower_tail(q, weights, [v + tau2 for v in data.v]) - half

    def near() -> tuple[Exact, Exact]:
        with working_digits(ROUGH):
            about = root(excess, *bracket(excess, mean))
        return about * (1 - exact(10) ** -ROUGH_ROOT), about * (1 + exact(10) ** -ROUGH_ROOT)

    with working_digits(ROUGH):
        at_zero = excess(exact(0)) if q > 0 else -half
    if abs(at_zero) < exact(10) ** -ROUGH_ROOT:
        message = "GENQM: the probability at 0 is ½ by a hair"
        raise ArithmeticError(message)
    if at_zero < 0:
        return at(data, exact(0), exact(1), shift)
    mean = q / traces(data, weights, [exact(1)] * len(data.v))[0]
    tau2 = roots.root("GENQM", excess, near)
    with working_digits(ROUGH):
        step = tau2 * exact(10) ** -8
        growth = abs(excess(tau2 + step) - excess(tau2 - step)) / 2 * exact(10) ** 8
    return at(data, tau2, 1 / growth, shift)


def by_likelihood(data: Data, outline: Outline, shift: Exact) -> dict[str, Tree]:
    """Lay out the global maximum of a likelihood."""
    best = outline.best
    fit = data.fit(best.tau2)
    if not best.tau2 > 0:
        cond = exact(1)
    elif outline.restricted:
        cond = cond_of_score(fit)
    else:
        whole = total(fit.weights)
        squares = total(w * w for w in fit.weights)
        cond = (fit.ypp + whole) / (abs(squares - 2 * fit.yppp) * fit.tau2)
    return at(data, best.tau2, cond, shift) | {
        "log_likelihood": Number(best.height),
        "log_likelihood_scale": brief(best.scale),
        "modes": outline.modes,
        "gap": None if outline.gap is None else brief(outline.gap),
    }


def every(data: Data, outlines: dict[str, Outline], roots: Roots, shift: Exact) -> dict[str, Tree]:
    """Lay out every estimate, in the order of their names above."""
    k, df = exact(len(data.y)), exact(data.df)
    root_weights = [1 / sqrt(v) for v in data.v]
    match = partial(match_with_weights, data)
    forms = {
        "DL": match([1 / v for v in data.v]),
        "HE": match([exact(1)] * len(data.v)),
        "GENQ": match(root_weights),
        "HS": match_hunter_schmidt(data, exact(1)),
        "HSk": match_hunter_schmidt(data, k / df),
    }
    found: dict[str, Tree] = {name: closed(data, form, shift) for name, form in forms.items()}
    return (
        found
        | {"SJ": at(data, crude_and_scaled(data)[1], exact(1), shift), "PM": by_q(data, df, "PM", roots, shift)}
        | {name: {"same_as": other} for name, other in ALIKE.items()}
        | {
            "PMM": by_q(data, quantile("0.5", data.df), "PMM", roots, shift),
            "GENQM": by_median(data, root_weights, roots, shift),
        }
        | {name: by_likelihood(data, outline, shift) for name, outline in outlines.items()}
    )
