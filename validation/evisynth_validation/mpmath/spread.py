"""Decide on limits of τ² exactly: the distribution of a generalised Q, and both profile likelihoods.

Sources: Jackson (2013), Res. Synth. Methods 4:220-229; Hardy & Thompson (1996); Viechtbauer (2007). The distribution is
the numerical inversion (Talbot's contour, at 50 digits) of the Laplace transform of a weighted sum of χ² variables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evisynth_validation.mpmath.exact import exact, invert_laplace, log, sqrt, total
from evisynth_validation.mpmath.linear import inverse_and_determinant, product

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evisynth_validation.mpmath.exact import Exact
    from evisynth_validation.mpmath.linear import Data, Matrix


def generalised_q(data: Data, weights: Sequence[Exact]) -> Exact:
    """Give the weighted residual sum of squares with fixed weights."""
    covariance, _ = inverse_and_determinant(data.gram(weights))
    moments = data.moments([a * y for a, y in zip(weights, data.y, strict=True)])
    beta = [row[0] for row in product(covariance, [[value] for value in moments])]
    fitted = [total(b * x for b, x in zip(beta, row, strict=True)) for row in zip(*data.columns, strict=True)]
    return total(a * (y - f) ** 2 for a, y, f in zip(weights, data.y, fitted, strict=True))


def tail_of_q(data: Data, weights: Sequence[Exact], tau2: Exact) -> Exact:
    """Give the probability of a generalised Q of at most that of the data, under τ².

    The transform at z is ``det(1 + 2zSA)^-½``, which is ``Π (1 + 2z a_i s_i)`` times the ratio of ``det(X'A(1 +
    2zD)⁻¹X)`` to ``det(X'AX)``; roots are taken factor by factor, each in the half-plane of its argument.
    """
    q = generalised_q(data, weights)
    d = [a * (v + tau2) for a, v in zip(weights, data.v, strict=True)]
    whole = data.gram(weights)

    def transform(z: Exact) -> Exact:
        grown = [1 + 2 * z * value for value in d]
        made = 1 / z
        for value in grown:
            made = made / sqrt(value)
        shrunk = data.gram([a / value for a, value in zip(weights, grown, strict=True)])
        for one, other in zip(_pivots(shrunk), _pivots(whole), strict=True):
            made = made / sqrt(one / other)
        return made

    return invert_laplace(transform, q)


def _pivots(matrix: Matrix) -> list[Exact]:
    rows = [list(row) for row in matrix]
    found: list[Exact] = []
    for c in range(len(rows)):
        found.append(rows[c][c])
        for i in range(c + 1, len(rows)):
            factor = rows[i][c] / rows[c][c]
            rows[i] = [value - factor * held for value, held in zip(rows[i], rows[c], strict=True)]
    return found


def profile_height(data: Data, tau2: Exact, *, restricted: bool) -> Exact:
    """Give the (restricted) profile log-likelihood without its constant."""
    fit = data.fit(tau2)
    height = -(total(log(v + tau2) for v in data.v) + fit.q) / 2
    return height - log(inverse_and_determinant(data.gram(fit.weights))[1]) / 2 if restricted else height


def relative_distance(function: Callable[[Exact], Exact], at: float) -> tuple[float, float]:
    """Say how far a zero of a function of a positive number is from a point, relative to it, by one Newton step.

    Beside it stands the slope ``dF/d log x``: a rounding of F moves the zero by its inverse.
    """
    x = exact(at)
    step = exact(10) ** -15
    here = function(x)
    slope = (function(x * (1 + step)) - here) / step
    return float(abs(here / slope)), float(abs(slope))
