"""Average a back-transformation over the normal distribution of true effects: mean ratios, proportions, correlations.

The back-transform of a pooled effect is the median of the true ratios (proportions, correlations); their mean is an
integral over N(effect, τ²).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import Conversion, hookimpl
from evisynth_converters.ranges import refuse_outside

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth import FloatArray

MEAN = "Aitchison & Brown (1957), The Lognormal Distribution"
LOGISTIC_NORMAL = "Crouch & Spiegelman (1990), J. Am. Stat. Assoc. 85:464-469"
HUNTER_SCHMIDT = "Hafdahl (2009), Br. J. Math. Stat. Psychol. 62:233-261"

LARGEST = 100.0
"""Between-study variance beyond which nobody means a logit or Fisher's z; the quadrature is exact up to it."""
REACH = 9.0
"""Standard deviations beyond which the normal density is below 1e-18."""


def log_ratio_to_mean_ratio(log_ratio: FloatArray, tau2: FloatArray) -> tuple[FloatArray]:
    """Give exp(x + τ²/2), the mean of ratios whose logarithms are N(x, τ²)."""
    refuse_outside(0.0, np.inf, tau2=tau2)
    with np.errstate(over="ignore"):
        return (np.exp(np.asarray(log_ratio) + np.asarray(tau2) / 2),)


def logit_to_mean_proportion(logit: FloatArray, tau2: FloatArray) -> tuple[FloatArray]:
    """Integrate the proportion 1/(1 + exp(-x)) over N(x, τ²)."""
    from scipy.special import expit  # noqa: PLC0415 - scipy comes with the first use

    refuse_outside(0.0, LARGEST, tau2=tau2)
    x, tau = np.broadcast_arrays(np.asarray(logit, dtype=np.float64), np.sqrt(tau2))

    def pair(shift: FloatArray) -> FloatArray:
        return np.asarray(expit(x + shift) + expit(x - shift))

    # The mass of small proportions lies up to τ standard deviations to the right of the middle.
    return (_normal_mean(pair, tau, np.pi, REACH + tau),)


def z_to_mean_r(z: FloatArray, tau2: FloatArray) -> tuple[FloatArray]:
    """Integrate the correlation tanh z over N(z, τ²)."""
    refuse_outside(0.0, LARGEST, tau2=tau2)
    x, tau = np.broadcast_arrays(np.asarray(z, dtype=np.float64), np.sqrt(tau2))
    size = np.abs(x)

    def pair(shift: FloatArray) -> FloatArray:
        # tanh(x + t) + tanh(x - t) without the cancellation of its terms, scaled against overflow
        most = 2 * np.maximum(size, shift)
        top = np.exp(2 * size - most) * -np.expm1(-4 * size)
        below = [np.exp(sign * 2 * value - most) for value in (size, shift) for sign in (1, -1)]
        return np.asarray(2 * top / sum(below))

    return (np.sign(x) * _normal_mean(pair, tau, np.pi / 2, np.full_like(tau, REACH)),)


def _normal_mean(
    pair: Callable[[FloatArray], FloatArray], tau: FloatArray, pole: float, reach: FloatArray
) -> FloatArray:
    """Apply the trapezoidal rule, which converges geometrically for a function analytic in a strip.

    ``pair(t)`` is h(x + t) + h(x - t) for a shift t ≥ 0, ``pole`` the distance of h's nearest pole from the real line.
    The error is exp(-2π a/step) with a the pole's distance in standard deviations, and below 1e-16 for this step, which
    every row has of its own.
    """
    with np.errstate(divide="ignore"):
        step = np.minimum(0.25, pole / (6.2 * tau))
    total = pair(np.zeros_like(tau)) / 2
    weights = np.full_like(tau, 0.5)
    most = float(np.max(np.ceil(reach / step), initial=0.0, where=np.isfinite(tau)))
    for i in range(1, int(most) + 1):
        at = i * step
        weight = np.where(at <= reach, np.exp(-at * at / 2), 0.0)
        total = total + weight * pair(tau * at)
        weights = weights + weight
    return np.asarray(total / (2 * weights))


@hookimpl
def conversions() -> list[Conversion]:
    """Offer means of ratios, proportions and correlations over the distribution of true effects."""
    return [
        Conversion(
            "log-ratio-to-mean-ratio",
            log_ratio_to_mean_ratio,
            targets=("mean_ratio",),
            reference=MEAN,
            formula="exp(x + τ²/2)",
            r_equivalent="metafor::transf.exp.int(log_ratio, targs=list(tau2=tau2))",
        ),
        Conversion(
            "logit-to-mean-proportion",
            logit_to_mean_proportion,
            targets=("mean_proportion",),
            reference=LOGISTIC_NORMAL,
            formula="∫ 1/(1 + exp(-t)) dN(t; x, τ²)",
            r_equivalent="metafor::transf.ilogit.int(logit, targs=list(tau2=tau2))",
        ),
        Conversion(
            "z-to-mean-r",
            z_to_mean_r,
            targets=("mean_r",),
            reference=HUNTER_SCHMIDT,
            formula="∫ tanh t dN(t; z, τ²)",
            r_equivalent="metafor::transf.ztor.int(z, targs=list(tau2=tau2))",
        ),
    ]
