"""Draw data from a model, to say how far its ordered residuals stray by chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from evisynth import Fit, FloatArray

AT_ONCE = 1 << 20
"""Numbers that are simulated at a time."""


def simulated_envelope(fit: Fit, level: float, *, draws: int, seed: int) -> FloatArray:
    """Give pointwise limits of the ordered residuals of data drawn from the fitted model, ``(2, k)``.

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
    return np.asarray(np.quantile(np.concatenate(ordered), (tail, 1.0 - tail), axis=0))
