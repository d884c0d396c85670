"""Draw the studies whose effects are derived: ordinary ones and those at the edges of the formulas."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from evisynth_validation.mpmath import effects
from evisynth_validation.mpmath.draws import normal, significant, wide

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evisynth_validation.mpmath.exact import Json

Counts = tuple[int, int, int, int]
Means = tuple[float, float, int, float, float, int]
MEASURES = ("OR", "RR", "RD", "PETO")
SEED = 20220826

# Every way in which cells can be empty, at equal and unequal arms.
EMPTY_CELLS: tuple[Counts, ...] = (
    (0, 12, 3, 29), (3, 12, 0, 29), (0, 65, 0, 35), (0, 10, 0, 10), (12, 12, 7, 12), (5, 9, 14, 14), (8, 8, 8, 8),
    (17, 17, 4, 4), (0, 7, 9, 9), (11, 11, 0, 6), (0, 1, 0, 1), (1, 1, 0, 1), (0, 1, 1, 1), (1, 1, 1, 1), (1, 1, 1, 3),
    (0, 1, 2, 5), (1, 2, 0, 1), (0, 2000, 1, 2000), (0, 1000000, 1, 3), (999999, 999999, 5, 7),
)  # fmt: skip
EMPTY_ARMS: tuple[Counts, ...] = ((0, 0, 3, 10), (2, 9, 0, 0), (0, 0, 0, 0))
# Ratios next to 1 in arms of up to 1.5e9, where the cross-products of doubled, corrected cells still fit 64 bits.
NEAR_ONE: tuple[Counts, ...] = (
    (500000001, 1000000000, 500000000, 1000000000), (1, 1000000000, 1, 999999999), (7, 1400000000, 7, 1400000001),
    (749999999, 1500000000, 749999998, 1500000000), (333333333, 1000000000, 333333334, 1000000002),
    (123456789, 987654321, 123456788, 987654313), (1, 3, 333333333, 1000000000), (10, 40, 20, 80),
    (1000000, 3000000, 1000001, 3000003), (99999, 100000, 999989, 1000000), (5, 10, 5, 10), (0, 50000, 0, 50001),
    (40000000, 80000001, 40000001, 80000003), (2, 5, 400000000, 1000000001),
)  # fmt: skip
SMALL_ARMS = ((2, 2), (2, 3), (3, 2), (3, 3), (2, 5), (4, 2), (2, 40), (5, 4), (4, 4), (3, 7))
# The gamma functions in the exact J overflow a double near 343 participants, and their logarithms lose digits later.
LARGE_ARMS = (171, 172, 343, 1000, 10**4, 10**5, 10**6, 10**8)
NO_SPREAD: tuple[Means, ...] = ((1.5, 0.0, 10, 1.25, 0.5, 12), (2.0, 0.75, 8, 3.0, 0.0, 9), (4.0, 0.0, 5, 1.0, 0.0, 6))
EDGES = ((0.0, 3.5), (1e-300, 1e-3), (-1e-9, 1e9), (1e6, 1e-6), (-0.125, 0.25), (3.0, 7.0))


def count_rows() -> Iterator[tuple[str, Counts]]:
    """Yield groups of 2×2 tables."""
    rng = Random(SEED)  # noqa: S311 (a reproducible stream, no secret)
    for _ in range(90):
        n1, n2 = rng.randint(5, 500), rng.randint(5, 500)
        yield "ordinary", (rng.randint(1, n1 - 1), n1, rng.randint(1, n2 - 1), n2)
    yield from (("empty cells", row) for row in EMPTY_CELLS)
    yield from (("empty arms", row) for row in EMPTY_ARMS)
    yield from (("near one", row) for row in NEAR_ONE)
    for _ in range(16):
        n1 = rng.randint(10**6, 15 * 10**8)
        a = rng.randint(1, n1 - 1)
        yield "near one", (a, n1, a + rng.choice((-1, 0, 1)), n1 + rng.choice((0, 1, 2)))
    for _ in range(25):
        n1, n2 = rng.randint(10**6, 15 * 10**8), rng.randint(10**6, 15 * 10**8)
        yield "huge counts", (rng.randint(1, n1 - 1), n1, rng.randint(1, n2 - 1), n2)
    for _ in range(25):
        n1, n2 = rng.randint(10**4, 10**9), rng.randint(10**4, 10**9)
        yield "tiny risks", (rng.randint(0, 4), n1, rng.randint(1, 4), n2)


def mean_rows() -> Iterator[tuple[str, Means]]:
    """Yield groups of two arms of means and standard deviations."""
    rng = Random(SEED + 1)  # noqa: S311 (a reproducible stream, no secret)
    for _ in range(40):
        m, s, other = 10 * normal(rng), 1 + 9 * rng.random(), 0.5 + rng.random()
        n1, n2 = rng.randint(5, 300), rng.randint(5, 300)
        yield (
            "ordinary",
            (significant(m), significant(s), n1, significant(m + normal(rng) * s), significant(s * other), n2),
        )
    for n1, n2 in SMALL_ARMS:
        m1, m2 = significant(normal(rng)), significant(normal(rng))
        yield "small arms", (m1, significant(0.2 + rng.random()), n1, m2, significant(0.2 + rng.random()), n2)
    for _ in range(10):
        m, step = normal(rng), 2.0 ** -rng.randint(20, 50)
        yield "nearly equal means", (m, 1.25, rng.randint(10, 99), m * (1 + step), 0.75, rng.randint(10, 99))
    yield from (("equal means", (m, 1.5, 20, m, 2.5, 25)) for m in (0.0, 3.7, -1e6))
    for n in LARGE_ARMS:
        yield "large arms", (significant(normal(rng)), 1.5, n, significant(normal(rng)), 1.25, n + rng.randint(0, 9))
    for _ in range(6):
        m1, m2 = 1e6 + normal(rng), 1e6 + normal(rng)
        yield "far from zero", (m1, 0.5, rng.randint(5, 50), m2, 0.625, rng.randint(5, 50))
    yield from (("no spread", row) for row in NO_SPREAD)


def o_minus_e_rows() -> Iterator[tuple[str, tuple[float, float]]]:
    """Yield observed minus expected events with their variances."""
    rng = Random(SEED + 2)  # noqa: S311 (a reproducible stream, no secret)
    for _ in range(24):
        variance = significant(wide(rng, -2, 4))
        yield "ordinary", (significant(normal(rng) * variance / 4), variance)
    yield from (("edge", row) for row in EDGES)


def two_by_two_row(group: str, counts: Counts) -> dict[str, Json]:
    """Derive all measures of one 2×2 table under both conventions."""
    cells = effects.Cells.of(*counts)
    expected: dict[str, Json] = {}
    for measure in MEASURES:
        revman = effects.revman_two_by_two(measure, cells)
        conventions: dict[str, Json] = {"revman5": revman.record() if revman else None}
        if not cells.empty_arm:
            metafor = effects.metafor_two_by_two(measure, cells)
            conventions["metafor"] = metafor.record() if metafor else None
        expected[measure] = conventions
    return {
        "group": group,
        "inputs": dict(zip(("events_1", "n_1", "events_2", "n_2"), counts, strict=True)),
        "expected": expected,
    }


def mean_row(group: str, means: Means) -> dict[str, Json]:
    """Derive both measures of two arms of means under both conventions."""
    arms = effects.Arms.of(means)
    md, exact_j, revman = effects.mean_difference(arms), effects.hedges_exact(arms), effects.hedges_revman(arms)
    return {
        "group": group,
        "inputs": dict(zip(("mean_1", "sd_1", "n_1", "mean_2", "sd_2", "n_2"), means, strict=True)),
        "expected": {
            "MD": {"revman5": md.record() if md and not arms.flat else None, "metafor": md.record() if md else None},
            "SMD": {"revman5": revman.record() if revman else None, "metafor": exact_j.record() if exact_j else None},
        },
    }


def rows() -> list[dict[str, Json]]:
    """Derive every row and number it."""
    derived = [two_by_two_row(group, counts) for group, counts in count_rows()]
    derived += [mean_row(group, means) for group, means in mean_rows()]
    for group, (o_minus_e, variance) in o_minus_e_rows():
        effect = effects.observed_minus_expected(o_minus_e, variance)
        derived.append(
            {
                "group": group,
                "inputs": {"o_minus_e": o_minus_e, "variance": variance},
                "expected": {"O-E": {"revman5": effect.record(), "metafor": effect.record()}},
            }
        )
    return [{"id": f"effect-{number:03d}"} | row for number, row in enumerate(derived, start=1)]
