"""Draw the sets of effects on which heterogeneity is estimated, from the ordinary to the hard."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from random import Random
from typing import TYPE_CHECKING

from evisynth_validation.mpmath import heterogeneity
from evisynth_validation.mpmath.draws import normal, significant, wide
from evisynth_validation.mpmath.exact import exact
from evisynth_validation.mpmath.linear import Data
from evisynth_validation.mpmath.modes import global_maximum

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evisynth_validation.mpmath.exact import Json

SEED = 19860915
CLEAREST = 1e-5  # a set decides nothing when its best two modes, or 0 and not 0, lie closer than this


@dataclass(frozen=True, slots=True)
class Effects:
    """Hold effects, variances and, with moderators, a row of the design per study."""

    y: list[float]
    v: list[float]
    x: list[list[float]] | None = None


def scatter(rng: Random, v: list[float], tau2: float, mean: float = 0.0) -> list[float]:
    """Draw effects about a mean, within and between studies."""
    return [significant(mean + normal(rng) * (variance + tau2) ** 0.5) for variance in v]


def size(rng: Random) -> int:
    """Draw a number of studies as reviews have them: mostly few."""
    return rng.choice((2, 3, 4, 4, 5, 5, 6, 6, 7, 8, 9, 10, 11, 13, 15, 18, 22, 27, 35))


def realistic(rng: Random) -> Effects:
    """Draw log ratios of trials of ordinary size."""
    v = [wide(rng, -2.5, 0) for _ in range(size(rng))]
    return Effects(scatter(rng, v, wide(rng, -3, 0), 0.5 * normal(rng)), v)


def full_precision(rng: Random) -> Effects:
    """Draw inputs that use every bit of a double."""
    k = size(rng)
    return Effects([normal(rng) for _ in range(k)], [0.01 + rng.random() for _ in range(k)])


def pair(rng: Random) -> Effects:
    """Draw two studies."""
    v = [wide(rng, -3, 1) for _ in range(2)]
    return Effects(scatter(rng, v, wide(rng, -4, 1), normal(rng)), v)


def triple(rng: Random) -> Effects:
    """Draw three studies."""
    v = [wide(rng, -3, 1) for _ in range(3)]
    return Effects(scatter(rng, v, wide(rng, -4, 1), normal(rng)), v)


def sparse(rng: Random) -> Effects:
    """Draw log odds ratios of rare events, corrected by one half, where effects and variances repeat."""
    y: list[float] = []
    v: list[float] = []
    for _ in range(size(rng)):
        n1, n2 = rng.randint(10, 60), rng.randint(10, 60)
        a, c = rng.randint(0, 3) + 0.5, rng.randint(0, 4) + 0.5
        b, d = n1 + 1 - a, n2 + 1 - c
        y.append(significant(log(a * d / (b * c))))
        v.append(significant(1 / a + 1 / b + 1 / c + 1 / d))
    return Effects(y, v)


def homogeneous(rng: Random) -> Effects:
    """Draw effects that differ by less than their variances allow."""
    v = [wide(rng, -3, 1) for _ in range(size(rng))]
    return Effects([significant(0.3 + 0.4 * normal(rng) * variance**0.5) for variance in v], v)


def heterogeneous(rng: Random) -> Effects:
    """Draw effects beside whose spread the variances are nothing."""
    v = [wide(rng, -6, -2) for _ in range(size(rng))]
    return Effects(scatter(rng, v, wide(rng, 1, 4), 10 * normal(rng)), v)


def twelve_decades(rng: Random) -> Effects:
    """Draw variances from 1e-6 to 1e6 within one set."""
    v = [wide(rng, -6, 6) for _ in range(max(size(rng), 3))]
    return Effects(scatter(rng, v, wide(rng, -6, 4)), v)


def outlier(rng: Random) -> Effects:
    """Draw one study far from the others."""
    v = [wide(rng, -2.5, 0) for _ in range(max(size(rng), 3))]
    y = scatter(rng, v, 0.02)
    y[rng.randrange(len(y))] += rng.choice((-30.0, 8.0, 100.0))
    return Effects(y, v)


def ties(rng: Random) -> Effects:
    """Draw equal variances, equal effects, or both in part."""
    k = max(size(rng), 3)
    kind = rng.randrange(3)
    v = [0.25] * k if kind == 0 else [rng.choice((0.04, 0.25, 1.0)) for _ in range(k)]
    y = [0.7] * k if kind == 1 else [rng.choice((-1.5, 0.25, 0.5, 2.0)) for _ in range(k)]
    return Effects(y, v)


def dominant(rng: Random) -> Effects:
    """Draw one study with nearly all the weight."""
    v = [wide(rng, -1, 1) for _ in range(max(size(rng), 3))]
    v[rng.randrange(len(v))] = wide(rng, -8, -5)
    return Effects(scatter(rng, v, wide(rng, -2, 1)), v)


def shifted(rng: Random) -> Effects:
    """Draw effects far from 0, where a sum of squares loses what recentring keeps."""
    v = [wide(rng, -4, 0) for _ in range(size(rng))]
    return Effects([1e6 + value for value in scatter(rng, v, 0.1)], v)


def large(rng: Random) -> Effects:
    """Draw as many studies as the largest reviews have."""
    v = [wide(rng, -3, 1) for _ in range(rng.randint(40, 60))]
    return Effects(scatter(rng, v, wide(rng, -4, 1), normal(rng)), v)


def moderated(rng: Random) -> Effects:
    """Draw one or two moderators: a proportion, a group, or a calendar year as it stands."""
    columns = rng.choice((1, 1, 2))
    k = max(size(rng), columns + 2)
    v = [wide(rng, -3, 0.5) for _ in range(k)]
    base = scatter(rng, v, wide(rng, -3, 0.5))
    kinds = [rng.randrange(3) for _ in range(columns)]
    x: list[list[float]] = []
    for i in range(k):
        drawn = (significant(rng.random()), float(i % 2), float(rng.randint(1950, 2020)))
        x.append([1.0, *(drawn[kind] for kind in kinds)])
    y = [significant(value + 0.5 * row[1] / (1 if row[1] <= 1 else 1000)) for value, row in zip(base, x, strict=True)]
    return Effects(y, v, x)


def float_modes(effects: Effects) -> int:
    """Count changes of sign of the restricted score on a coarse grid, in doubles; a sieve and not a result."""
    count, before = 0, 1.0
    tau2 = min(effects.v) / 100
    while tau2 < 1e4:  # noqa: PLR2004 (beyond every set drawn for this)
        w = [1 / (variance + tau2) for variance in effects.v]
        sum1, sum2 = sum(w), sum(x * x for x in w)
        mean = sum(x * y for x, y in zip(w, effects.y, strict=True)) / sum1
        here = sum((x * (y - mean)) ** 2 for x, y in zip(w, effects.y, strict=True)) - (sum1 - sum2 / sum1)
        count += before > 0 and here <= 0
        before = here
        tau2 *= 1.25
    return count


def two_modes(rng: Random) -> Effects:
    """Search for a set whose restricted likelihood has two maxima: a precise core and vague outliers."""
    while True:
        v = [wide(rng, *rng.choice(((-5, -3), (-1, 1.5)))) for _ in range(rng.randint(3, 9))]
        effects = Effects(scatter(rng, [2 * variance for variance in v], 0.0), v)
        if float_modes(effects) > 1:
            return effects


def three_modes(rng: Random) -> Effects:
    """Search for a set whose restricted likelihood has three maxima: three orders of precision, each its own spread."""
    wanted = 3
    while True:
        v = [wide(rng, *rng.choice(((-7, -6), (-2.5, -1.5), (1.5, 2.5)))) for _ in range(rng.randint(4, 9))]
        effects = Effects(scatter(rng, [2 * variance for variance in v], 0.0), v)
        if float_modes(effects) >= wanted:
            return effects


GROUPS: tuple[tuple[Callable[[Random], Effects], int], ...] = (
    (realistic, 110), (full_precision, 20), (pair, 60), (triple, 60), (sparse, 50), (homogeneous, 40),
    (heterogeneous, 40), (twelve_decades, 60), (outlier, 40), (ties, 30), (dominant, 30), (shifted, 15), (large, 20),
    (two_modes, 30), (three_modes, 8), (moderated, 70),
)  # fmt: skip


def full_rank(effects: Effects) -> bool:
    """Say whether the moderators vary and differ from one another."""
    if effects.x is None:
        return True
    columns = list(zip(*effects.x, strict=True))[1:]
    return all(len(set(column)) > 1 for column in columns) and len(set(columns)) == len(columns)


def decisive(data: Data) -> bool:
    """Say whether Q is clear of k − p and the score at 0 clear of 0, so that 0 or not 0 is no matter of rounding."""
    common = data.fit(exact(0))
    slope = abs(common.ypp - common.trace_p) / (common.ypp + common.trace_p)
    return abs(common.q - data.df) / data.df > CLEAREST and slope > CLEAREST


def derived_from(effects: Effects) -> dict[str, Json] | None:
    """Derive the results of a set; none where it is not identified or decides nothing."""
    if not full_rank(effects):
        return None
    data = Data.of(effects.y, effects.v, effects.x)
    if not decisive(data):
        return None
    best = global_maximum(data)
    return None if best.gap is not None and best.gap < CLEAREST else heterogeneity.record(data, best)


def drawn() -> Iterator[tuple[str, Effects, dict[str, Json]]]:
    """Yield sets by group with their results."""
    for number, (draw, count) in enumerate(GROUPS):
        rng = Random(SEED + number)  # noqa: S311 (a reproducible stream, no secret)
        kept = 0
        while kept < count:
            effects = draw(rng)
            expected = derived_from(effects)
            if expected is not None:
                kept += 1
                yield draw.__name__.replace("_", " "), effects, expected


def sets() -> list[dict[str, Json]]:
    """Derive every set and number it."""
    derived: list[dict[str, Json]] = []
    for number, (group, effects, expected) in enumerate(drawn(), start=1):
        inputs: dict[str, Json] = {"y": effects.y, "v": effects.v}
        if effects.x is not None:
            inputs["x"] = effects.x
        derived.append({"id": f"set-{number:03d}", "group": group} | inputs | {"expected": expected})
    return derived
