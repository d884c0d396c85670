"""Give the distribution of a generalised Q to any number of digits, for hundreds of studies.

With ``gᵢ = 1 + 2z aᵢsᵢ`` the Laplace transform of the density of ``y'Ay − (Σay)²/Σa`` is ``(S/Σa)^-½`` where
``S = Σᵢ aᵢ Πⱼ≠ᵢ gⱼ``: the determinant of a diagonal matrix plus one of rank one, so no eigenvalues are needed. The root
is the branch whose argument is the sum of those of the factors, each within ±π off the negative axis. S is worked out
in whole numbers with a hundred guard bits.

Sources: Jackson (2013), Res. Synth. Methods 4:220-229; Weideman & Trefethen (2007) for the inversion.
"""

from __future__ import annotations

from cmath import phase
from math import pi
from typing import TYPE_CHECKING

from evisynth_validation.mpmath.exact import (
    digits_now,
    invert_on_parabola,
    of_integers,
    sqrt,
    to_integers,
    total,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth_validation.mpmath.exact import Exact

NODES_PER_DIGIT = 1.15  # the rule gains 0.91 digits with each node
BITS_PER_DIGIT = 3.33
GUARD = 100
SLACK = 16  # bits by which a product may grow or shrink before it is scaled back


def lower_tail(q: Exact, weights: Sequence[Exact], variances: Sequence[Exact]) -> Exact:
    """Give the probability of a generalised Q, about its weighted mean, of at most q."""
    bits = round(BITS_PER_DIGIT * digits_now()) + GUARD
    largest = max(weights)
    a = [weight / largest for weight in weights]
    d = [2 * weight * s for weight, s in zip(weights, variances, strict=True)]
    widest = max(d)
    pairs = [(to_integers(x, bits)[0], to_integers(s / widest, bits)[0]) for x, s in zip(a, d, strict=True)]
    whole = total(a)

    def transform(z: Exact) -> Exact:
        determinant, argument = _determinant(pairs, to_integers(z * widest, bits), bits)
        # The principal root is that of the argument within ±π: which sheet it is on decides the sign.
        sheets = round((argument - phase(complex(*_direction(determinant)))) / (2 * pi))
        real, imaginary, scale = determinant
        made = sqrt(of_integers(real, imaginary, scale) / whole)
        return (-1 if sheets % 2 else 1) / (z * made)

    return invert_on_parabola(transform, q, round(NODES_PER_DIGIT * digits_now()))


def _direction(number: tuple[int, int, int]) -> tuple[float, float]:
    size = max(abs(number[0]), abs(number[1]))
    return number[0] / size, number[1] / size


def _determinant(pairs: Sequence[tuple[int, int]], z: tuple[int, int], bits: int) -> tuple[tuple[int, int, int], float]:
    """Give S as two whole numbers with their unit, and its argument as the sum of those of its factors."""
    one = 1 << bits
    real, imaginary = z
    every, lacking, inverses, argument, scale = (one, 0), (0, 0), 0j, 0.0, bits
    for a, d in pairs:
        c, s = one + (real * d >> bits), imaginary * d >> bits
        (p, q), (t, u) = every, lacking
        lacking = (t * c - u * s + a * p) >> bits, (t * s + u * c + a * q) >> bits
        every = (p * c - q * s) >> bits, (p * s + q * c) >> bits
        here = complex(c / one, s / one)
        argument += phase(here)
        inverses += a / one / here
        excess = max(abs(every[0]), abs(every[1])).bit_length() - bits
        if abs(excess) > SLACK:
            scale -= excess
            every, lacking = _shifted(every, excess), _shifted(lacking, excess)
    return (*lacking, scale), argument + phase(inverses)


def _shifted(number: tuple[int, int], bits: int) -> tuple[int, int]:
    if bits > 0:
        return number[0] >> bits, number[1] >> bits
    return number[0] << -bits, number[1] << -bits
