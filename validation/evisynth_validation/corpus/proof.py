"""Prove how many maxima the likelihoods of small sets have, by Sturm's theorem in whole numbers: no grid, no rounding.

With ``p = Π(vᵢ + s)``, ``pᵢ = p/(vᵢ + s)``, ``S = Σpᵢ`` and ``Y = Σpᵢyᵢ`` twice the derivative of the restricted
log-likelihood at τ² = s, times ``p²S²`` which is positive, is the polynomial ``Σpᵢ²(yᵢS − Y)² − pS³ + pSΣpᵢ²``; that of
the plain one lacks the last term. Both are negative for large s, so n positive zeros mean n // 2 + 1 maxima, τ² = 0
included. Run ``python -m evisynth_validation.corpus.proof`` for the sets of up to seven studies.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from functools import reduce
from itertools import pairwise
from math import gcd
from typing import TYPE_CHECKING, TypeAlias

from evisynth_validation import corpus
from evisynth_validation.corpus.integers import whole

if TYPE_CHECKING:
    from collections.abc import Sequence

Polynomial: TypeAlias = "list[int]"  # coefficients, the constant first
MOST = 7


def times(left: Polynomial, right: Polynomial) -> Polynomial:
    """Multiply."""
    made = [0] * (len(left) + len(right) - 1)
    for i, one in enumerate(left):
        for j, other in enumerate(right):
            made[i + j] += one * other
    return made


def plus(left: Polynomial, right: Polynomial, factor: int = 1) -> Polynomial:
    """Add a multiple."""
    longest = max(len(left), len(right))
    padded = [one + [0] * (longest - len(one)) for one in (left, right)]
    return [one + factor * other for one, other in zip(*padded, strict=True)]


def score_polynomial(y: Sequence[float], v: Sequence[float], *, restricted: bool) -> Polynomial:
    """Give the polynomial above, in units in which effects and variances are whole numbers."""
    effects, unit = whole(y)
    variances, square = whole(v)
    factors = [[variance, 1] for variance in variances]
    product = reduce(times, factors)
    lacking = [reduce(times, [one for j, one in enumerate(factors) if j != i], [1]) for i in range(len(factors))]
    whole_sum: Polynomial = reduce(plus, lacking)
    moment: Polynomial = reduce(plus, ([y * c for c in one] for y, one in zip(effects, lacking, strict=True)))
    pull: Polynomial = [0]
    for effect, one in zip(effects, lacking, strict=True):
        part = times(one, plus([effect * c for c in whole_sum], moment, -1))
        pull = plus(pull, times(part, part))
    # The effects' unit squared is not that of the variances: y'PPy counts square/unit² of what the rest does.
    scaled = [square * c for c in pull]
    push = times(product, times(whole_sum, times(whole_sum, whole_sum)))
    if restricted:
        squares: Polynomial = reduce(plus, (times(one, one) for one in lacking))
        push = plus(push, times(times(product, whole_sum), squares), -1)
    return plus(scaled, [unit * unit * c for c in push], -1)


def positive_zeros(polynomial: Polynomial) -> int:
    """Count the different positive zeros."""
    chain = [_primitive(polynomial)]
    chain.append(_primitive([i * c for i, c in enumerate(chain[0])][1:]))
    while len(chain[-1]) > 1:
        rest = _negative_remainder(chain[-2], chain[-1])
        if not rest:
            break
        chain.append(_primitive(rest))
    return _changes([one[0] for one in chain]) - _changes([one[-1] for one in chain])


def _primitive(polynomial: Polynomial) -> Polynomial:
    """Drop leading zeros and the common factor."""
    kept = list(polynomial)
    while kept and not kept[-1]:
        kept.pop()
    common = gcd(*kept)
    return [c // common for c in kept]


def _negative_remainder(left: Polynomial, right: Polynomial) -> Polynomial:
    """Give the remainder of a division, times a negative number."""
    rest, lead = list(left), right[-1]
    while len(rest) >= len(right):
        top, sign = rest[-1], 1 if lead > 0 else -1
        offset = len(rest) - len(right)
        rest = [abs(lead) * c for c in rest]
        for i, c in enumerate(right):
            rest[offset + i] -= sign * top * c
        while rest and not rest[-1]:
            rest.pop()
    return [-c for c in rest]


def _changes(values: Sequence[int]) -> int:
    signs = [value > 0 for value in values if value]
    return sum(one is not other for one, other in pairwise(signs))


def modes(one: corpus.CertifiedSet, *, restricted: bool) -> int:
    """Count the maxima of a likelihood."""
    return positive_zeros(score_polynomial(one.y, one.v, restricted=restricted)) // 2 + 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare the number of maxima of small sets with the stored ones; 1 where one differs."""
    parser = ArgumentParser(description="Prove the number of maxima of every likelihood of a small set.")
    parser.add_argument("--most", type=int, default=MOST, help=f"studies in a set, at most (default {MOST})")
    most: int = parser.parse_args(arguments).most
    compared = differing = 0
    for one in corpus.sets():
        for name in ("ML", "REML") if 1 < len(one.y) <= most else ():
            compared += 1
            proved, stored = modes(one, restricted=name == "REML"), one.estimates[name].modes
            if proved != stored:
                differing += 1
                sys.stderr.write(f"{one.id} {name}: {stored} maxima stored, {proved} proved\n")
    sys.stderr.write(f"{compared} likelihoods compared, {differing} differ\n")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
