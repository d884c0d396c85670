"""Bound τ² by the exact distribution of a generalised Q statistic with fixed weights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import (
    Fit,
    FloatArray,
    Limits,
    QuadraticForm,
    Tau2Interval,
    falling_roots,
    hookimpl,
    no_limits,
    power_of_two_scale,
    reasoned_limits,
    weighted_fit,
)
from evisynth_estimators.q_profile import EMPTY

if TYPE_CHECKING:
    from evisynth import IntArray

UNBOUNDED = "no τ² within the range of numbers is too large for these effects"


def user_weights(fit: Fit, level: float) -> Limits:
    """Invert the distribution of Q with the user's weights a: ``Q_a(y) = y'Ay`` is a weighted sum of χ² variables.

    A limit is the τ² under which Q_a would be at most, or at least, as large as it is with probability (1 - level)/2;
    the lower one is 0 where that holds for no τ². The interval is empty where even τ² = 0 makes so small a Q_a too
    rare. Costs O(k p²) for each of about 60 points of an integral, a dozen times for each limit; no k × k matrix.
    """
    if fit.weights is None:
        return no_limits("the interval by generalised Q needs weights of the user's; BJ and J choose their own")
    return _limits(fit, fit.weights, level)


def inverse_variances(fit: Fit, level: float) -> Limits:
    """Invert the distribution of Cochran's Q, which has the weights 1/v."""
    square = power_of_two_scale(fit.v) ** 2
    return _limits(fit, square / fit.v, level)


def inverse_standard_errors(fit: Fit, level: float) -> Limits:
    """Invert the distribution of Q with weights 1/√v, a compromise between those of a small and a large τ²."""
    scale = power_of_two_scale(fit.v)
    return _limits(fit, scale / np.sqrt(fit.v), level)


@attrs.frozen(eq=False)
class _Problem:
    """The statistics ``q (m,)`` of m analyses, in a unit in which v ``(k, m)`` is of order one, with weights ``a``."""

    a: FloatArray
    v: FloatArray
    q: FloatArray
    form: QuadraticForm

    def log_tails(self, tau2: FloatArray, which: IntArray) -> tuple[FloatArray, FloatArray]:
        """Give the logarithms of P(Q ≤ q) and P(Q > q) under τ²."""
        form = self.form.take(which)
        return QuadraticForm(form.d + self.a[:, which] * tau2, form.basis, form.rest).log_tails(self.q[which])


def _limits(fit: Fit, a: FloatArray, level: float) -> Limits:
    scale = power_of_two_scale(fit.v)
    square = np.asarray(scale * scale)
    # The unit of the weights does not matter.
    a = a / np.ldexp(1.0, np.frexp(a.max(axis=0))[1])
    problem = _problem(fit.y / scale, fit.v / square, fit.X, a)
    count = problem.q.size
    log_tail = math.log(0.5 * (1.0 - level))
    low, high = np.zeros(count), np.zeros(count)
    # A statistic of 0 is smaller than any τ² lets one expect.
    there = np.nonzero(problem.q > 0.0)[0]
    log_lower, log_upper = problem.log_tails(np.zeros(there.size), there)
    guess = problem.q[there] / (problem.a * problem.form.rest).sum(axis=0)[there]

    def too_small(tau2: FloatArray, which: IntArray) -> FloatArray:
        return problem.log_tails(tau2, there[which])[0] - log_tail

    def too_large(tau2: FloatArray, which: IntArray) -> FloatArray:
        return log_tail - problem.log_tails(tau2, there[which])[1]

    high[there] = falling_roots(too_small, log_lower - log_tail, guess)
    low[there] = falling_roots(too_large, log_tail - log_upper, guess)
    shape = fit.tau2.shape
    low, high = low.reshape(shape) * square, high.reshape(shape) * square
    empty = high == 0.0
    return reasoned_limits(low, high, (empty, EMPTY), (np.isinf(high), UNBOUNDED), empty=empty)


def _problem(y: FloatArray, v: FloatArray, X: FloatArray, a: FloatArray) -> _Problem:
    k = y.shape[0]
    fitted = weighted_fit(y, np.broadcast_to(a, y.shape), X)
    form = QuadraticForm.of(fitted, v)
    return _Problem(fitted.w.reshape(k, -1), v.reshape(k, -1), fitted.rss.reshape(-1), form)


@hookimpl
def tau2_intervals() -> list[Tau2Interval]:
    """Offer the generalised Q intervals with the user's weights, with 1/v and with 1/√v."""
    return [
        Tau2Interval(
            "GENQ",
            user_weights,
            formula="P(Qₐ ≥ qₐ) = ½(1 - level) under the lower limit of τ², P(Qₐ ≤ qₐ) = ½(1 - level) under "
            "the upper one; Qₐ = Σ aᵢ (yᵢ - xᵢβ̂ₐ)², aᵢ the weights of the user",
            reference="Jackson (2013), Res. Synth. Methods 4:220-229; with moderators: Jackson, Turner, Rhodes & "
            "Viechtbauer (2014), BMC Med. Res. Methodol. 14:103",
            r_equivalent="metafor::confint(metafor::rma(yi, vi, weights=weights, method='GENQ'))",
        ),
        Tau2Interval(
            "BJ",
            inverse_variances,
            formula="P(Qₐ ≥ qₐ) = ½(1 - level) under the lower limit of τ², P(Qₐ ≤ qₐ) = ½(1 - level) under "
            "the upper one; Qₐ = Σ aᵢ (yᵢ - xᵢβ̂ₐ)², aᵢ = 1/vᵢ",
            reference="Biggerstaff & Jackson (2008), Stat. Med. 27:6093-6110; Jackson (2013), Res. Synth. Methods "
            "4:220-229",
            r_equivalent="metafor::confint(metafor::rma(yi, vi, weights=1/vi, method='GENQ'))",
        ),
        Tau2Interval(
            "J",
            inverse_standard_errors,
            formula="P(Qₐ ≥ qₐ) = ½(1 - level) under the lower limit of τ², P(Qₐ ≤ qₐ) = ½(1 - level) under "
            "the upper one; Qₐ = Σ aᵢ (yᵢ - xᵢβ̂ₐ)², aᵢ = 1/√vᵢ",
            reference="Jackson (2013), Res. Synth. Methods 4:220-229",
            r_equivalent="metafor::confint(metafor::rma(yi, vi, weights=1/sqrt(vi), method='GENQ'))",
        ),
    ]
