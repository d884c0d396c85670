"""Say how far ordered residuals stray by chance: the quantiles that they have, simulated or of order statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from evisynth import Fit, FloatArray

SMALL = 10
"""Up to here plotting positions are Blom's, beyond Hazen's: what statistical programs plot."""
AT_ONCE = 1 << 20
"""Numbers that are simulated at a time."""


def normal_scores(n: int) -> FloatArray:
    """Give the normal quantiles that n ordered residuals are plotted against, ``(n,)``.

    Source: Blom (1958), Statistical Estimates and Transformed Beta-Variables, for few; Hazen's positions else.
    """
    from scipy.special import ndtri  # noqa: PLC0415 - only for this plot

    a = 0.375 if n <= SMALL else 0.5
    return np.asarray(ndtri((np.arange(1, n + 1) - a) / (n + 1 - 2 * a)))


def analytical_envelope(n: int, level: float) -> tuple[FloatArray, FloatArray]:
    """Give pointwise limits of n ordered independent standard normal numbers, each ``(n,)``.

    The i-th of n uniform numbers follows a beta distribution with parameters i and n + 1 - i. Source: David & Nagaraja
    (2003), Order Statistics, 3rd ed., ch. 2.
    """
    from scipy.special import betaincinv, ndtri  # noqa: PLC0415 - only for this plot

    i = np.arange(1, n + 1)
    tail = 0.5 * (1.0 - level)
    return np.asarray(ndtri(betaincinv(i, n + 1 - i, tail))), np.asarray(ndtri(betaincinv(i, n + 1 - i, 1.0 - tail)))


def simulated_envelope(fit: Fit, level: float, *, draws: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """Give pointwise limits of the ordered residuals of data drawn from the fitted model, each ``(k,)``.

    Effects are normal with variances ``v + τ²``, τ² held. Their residuals are divided by their own standard errors,
    which makes those of the one fit and those of the fits without each study the same numbers: with known variances
    ``e/(1 - h)`` over ``√(σ²/(1 - h))`` is ``e`` over ``√(σ²(1 - h))``. Source: Atkinson (1985), Plots,
    Transformations and Regression, ch. 4; Cook & Weisberg (1982), Residuals and Influence in Regression, ch. 2.
    """
    rng = np.random.default_rng(seed)
    sigma = np.sqrt(fit.v + fit.tau2)
    weights = 1.0 / (fit.v + fit.tau2) if fit.weights is None else fit.weights
    # Rows of H are what the fitted values are made of; residuals are (I - H)y.
    root = np.sqrt(weights)[:, np.newaxis]
    hat = fit.X @ (np.linalg.pinv(root * fit.X) * root.T)
    left = np.eye(fit.k) - hat
    own = np.sqrt(np.einsum("ij,j,ij->i", left, sigma**2, left))
    ordered: list[FloatArray] = []
    at_once = max(1, AT_ONCE // max(fit.k, 1))
    for start in range(0, draws, at_once):
        y = rng.standard_normal((min(at_once, draws - start), fit.k)) * sigma
        ordered.append(np.sort((y @ left.T) / own, axis=1))
    tail = 0.5 * (1.0 - level)
    low, high = np.quantile(np.concatenate(ordered), (tail, 1.0 - tail), axis=0)
    return low, high
