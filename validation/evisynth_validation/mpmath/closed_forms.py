"""Estimate τ² by closed forms exactly, untruncated, with the two numbers whose difference an estimate is made of.

Sources: Hedges & Olkin (1985); Hunter & Schmidt in Viechtbauer (2005); Brannick et al. (2019); Sidik & Jonkman (2005);
DerSimonian & Kacker (2007) and Jackson (2013) for any weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from evisynth_validation.mpmath.exact import dot, exact, total
from evisynth_validation.mpmath.linear import Fit, inverse_and_determinant, product, trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth_validation.mpmath.exact import Exact
    from evisynth_validation.mpmath.linear import Data


class Match(NamedTuple):
    """Hold an estimate (form − expected)/slope."""

    form: Exact
    expected: Exact
    slope: Exact

    @property
    def tau2(self) -> Exact:
        """Return the estimate, not truncated."""
        return (self.form - self.expected) / self.slope

    @property
    def cond(self) -> Exact:
        """Say what the cancellation does to rounding."""
        return (self.form + self.expected) / abs(self.form - self.expected)


def traces(data: Data, a: Sequence[Exact], s: Sequence[Exact]) -> tuple[Exact, Exact]:
    """Give tr(PS) and tr(PSPS) with P of any weights a and S = diag(s)."""
    inverse, _ = inverse_and_determinant(data.gram(a))
    products = [x * y for x, y in zip(a, s, strict=True)]
    second = product(inverse, data.gram([x * y for x, y in zip(a, products, strict=True)]))
    third = product(inverse, data.gram([x * y * y for x, y in zip(a, products, strict=True)]))
    return total(products) - trace(second), dot(products, products) - 2 * trace(third) + trace(product(second, second))


def match_with_weights(data: Data, a: Sequence[Exact]) -> Match:
    """Match y'Py to its expectation: τ² = (y'Py − tr(PV))/tr(P)."""
    slope = traces(data, a, [exact(1)] * len(data.v))[0]
    return Match(Fit(data, exact(0), list(a)).q, traces(data, a, data.v)[0], slope)


def match_hunter_schmidt(data: Data, factor: Exact) -> Match:
    """Match factor·Q to k: τ² = (factor·Q − k)/Σw."""
    common = data.fit(exact(0))
    return Match(factor * common.q, exact(len(data.y)), total(common.weights))


def crude_and_scaled(data: Data) -> tuple[Fit, Exact]:
    """Scale the crude variance about the mean, divisor k, by the residuals with weights 1/(v + it).

    Gives the fit at the crude variance, and the estimate of Sidik and Jonkman.
    """
    mean = total(data.y) / len(data.y)
    crude = total((y - mean) ** 2 for y in data.y) / len(data.y)
    fit = data.fit(crude)
    return fit, crude * fit.q / data.df
