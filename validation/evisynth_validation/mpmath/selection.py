"""Give the log-likelihood of selection models with 20 digits, straight from the density of a published effect.

``f(y) = w(p(y)) φ(y; xβ, v + τ²) / ∫ w φ``, the integral by quadrature between the places where w has a kink.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

mpmath: Any = import_module("mpmath")
Real: TypeAlias = Any
"""A number of mpmath."""

DIGITS = 20


def p_value(z: Real, *, two_sided: bool) -> Real:
    """Give the p-value of z for effects on the right, or on both sides."""
    return mpmath.erfc(abs(z) / mpmath.sqrt(2)) if two_sided else mpmath.erfc(z / mpmath.sqrt(2)) / 2


def z_value(p: Real, *, two_sided: bool) -> Real:
    """Give the z that has this p-value, the positive one of two."""
    return mpmath.sqrt(2) * mpmath.erfinv(1 - p if two_sided else 1 - 2 * p)


def log_likelihood(
    y: Sequence[float],
    v: Sequence[float],
    *,
    mean: float,
    tau2: float,
    weight: Callable[[Real], Real],
    kinks: Sequence[float] = (),
    two_sided: bool = False,
) -> Real:
    """Sum log f over the studies; ``weight`` is a function of p, with kinks or jumps at p of ``kinks``."""
    with mpmath.workdps(DIGITS):
        cuts = sorted(
            {
                sign * z_value(mpmath.mpf(p), two_sided=two_sided)
                for p in kinks
                for sign in ((1, -1) if two_sided else (1,))
            }
            | ({mpmath.mpf(0)} if two_sided else set())
        )
        total = mpmath.mpf(0)
        for effect, variance in zip(y, v, strict=True):
            se = mpmath.sqrt(mpmath.mpf(variance))
            m, c = mpmath.mpf(mean) / se, mpmath.sqrt(1 + mpmath.mpf(tau2) / mpmath.mpf(variance))

            def part(z: Real, m: Real = m, c: Real = c) -> Real:
                return weight(p_value(z, two_sided=two_sided)) * mpmath.npdf(z, m, c)

            # Where the weight is small the mass may lie far from the mean.
            ends = [min(m - 10 * c, mpmath.mpf(-12)), max(m + 10 * c, mpmath.mpf(12))]
            between = [m + step * c for step in (-4, 0, 4)] + [-6, -3, 0, 2, 4, 6]
            inner = sorted({*cuts, *between})
            places = [ends[0], *(z for z in inner if ends[0] < z < ends[1]), ends[1]]
            z = mpmath.mpf(effect) / se
            own = weight(p_value(z, two_sided=two_sided)) * mpmath.npdf(z, m, c)
            total += mpmath.log(
                own / mpmath.quad(part, places, method="tanh-sinh" if two_sided else "gauss-legendre")
            ) - mpmath.log(se)
        return total
