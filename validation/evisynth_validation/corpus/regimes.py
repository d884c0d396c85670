"""Draw the sets of the corpus, regime by regime; the streams are seeded, each regime has its own."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from evisynth_validation.mpmath import heterogeneity_sets as drawn
from evisynth_validation.mpmath.draws import normal, wide
from evisynth_validation.mpmath.heterogeneity_sets import Effects, scatter, size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SEED = 20070115


def alone(rng: Random) -> Effects:
    """Draw a single study."""
    v = [wide(rng, -4, 2)]
    return Effects(scatter(rng, v, 0.1, normal(rng)), v)


def huge(rng: Random) -> Effects:
    """Draw variances from a million to a billion."""
    v = [wide(rng, 6, 9) for _ in range(size(rng))]
    return Effects(scatter(rng, v, wide(rng, 5, 9), 1e4 * normal(rng)), v)


def tiny(rng: Random) -> Effects:
    """Draw variances from a trillionth to a millionth."""
    v = [wide(rng, -12, -6) for _ in range(size(rng))]
    return Effects(scatter(rng, v, wide(rng, -12, -6), 1e-3 * normal(rng)), v)


def alike(rng: Random) -> Effects:
    """Draw effects that are all the same."""
    v = [wide(rng, -2, 1) for _ in range(size(rng))]
    return Effects([rng.choice((0.0, 0.1, 0.7, -1.5))] * len(v), v)


def boundary(rng: Random) -> Effects:
    """Draw two studies for which Q is exactly 1 or the slope of the likelihood at 0 exactly 0, in binary fractions."""
    unit = 4.0 ** rng.randint(-4, 4)
    return Effects([rng.randint(-3, 3) * unit**0.5, 0.0], [0.5 * unit, 0.5 * unit])


def many(rng: Random) -> Effects:
    """Draw from 40 to 199 studies."""
    v = [wide(rng, -3, 1) for _ in range(rng.randint(40, 199))]
    return Effects(scatter(rng, v, wide(rng, -3, 0.5), normal(rng)), v)


def two_hundred(rng: Random) -> Effects:
    """Draw 200 studies."""
    v = [wide(rng, *rng.choice(((-3, 1), (-6, 6)))) for _ in range(200)]
    return Effects(scatter(rng, v, wide(rng, -3, 0.5), normal(rng)), v)


REGIMES: tuple[tuple[Callable[[Random], Effects], int], ...] = (
    (alone, 6), (drawn.pair, 40), (drawn.triple, 40), (drawn.realistic, 70), (drawn.full_precision, 15),
    (drawn.sparse, 45), (drawn.homogeneous, 30), (drawn.heterogeneous, 30), (huge, 20), (tiny, 20),
    (drawn.twelve_decades, 40), (drawn.outlier, 25), (drawn.ties, 25), (alike, 6), (boundary, 6), (drawn.dominant, 30),
    (drawn.shifted, 15), (drawn.large, 15), (many, 16), (two_hundred, 8), (drawn.two_modes, 32),
    (drawn.three_modes, 12),
)  # fmt: skip
"""Every regime with the number of its sets."""
ATTEMPTS = 3  # draws for each set that is kept, at most: hardly any draw decides nothing


def attempts(draw: Callable[[Random], Effects], count: int, number: int) -> Iterator[Effects]:
    """Draw more sets of a regime than are kept."""
    rng = Random(SEED + number)  # noqa: S311 (a reproducible stream, no secret)
    for _ in range(ATTEMPTS * count):
        yield draw(rng)
