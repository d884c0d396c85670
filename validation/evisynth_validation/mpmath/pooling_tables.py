"""Draw sets of 2×2 tables to pool, from single studies to thirty, sparse and ordinary."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from evisynth_validation.mpmath import pooling
from evisynth_validation.mpmath.draws import normal
from evisynth_validation.mpmath.effects import Cells

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evisynth_validation.mpmath.effects_rows import Counts
    from evisynth_validation.mpmath.exact import Json

MEASURES = ("OR", "RR", "RD", "PETO")
SEED = 19590401

# Sets that decide what a rule means; a single study comes alone in the first ones.
CORNERS: tuple[tuple[str, tuple[Counts, ...]], ...] = (
    ("one study", ((15, 40, 22, 41),)),
    ("one study", ((0, 12, 3, 29),)),
    ("one study", ((9, 9, 4, 9),)),
    ("one study, no events", ((0, 20, 0, 25),)),
    ("one study, all events", ((7, 7, 9, 9),)),
    ("no events anywhere", ((0, 20, 0, 20), (0, 31, 0, 12), (0, 8, 0, 9))),
    ("all events everywhere", ((7, 7, 9, 9), (12, 12, 10, 10))),
    ("all events in some", ((7, 7, 9, 9), (5, 12, 7, 11), (30, 40, 25, 41), (4, 4, 4, 4))),
    ("all events in some", ((20, 20, 11, 11), (0, 15, 3, 14), (9, 10, 8, 12))),
    ("no events in one arm throughout", ((0, 20, 3, 22), (0, 15, 1, 15), (0, 41, 2, 40))),
    ("no events in one arm throughout", ((2, 20, 0, 22), (1, 15, 0, 35))),
    ("empty arm", ((3, 20, 5, 21), (0, 0, 4, 9), (2, 11, 0, 0), (6, 19, 9, 20))),
    ("equal studies", ((5, 50, 10, 50), (5, 50, 10, 50), (5, 50, 10, 50))),
    ("balanced", ((5, 50, 10, 50), (10, 50, 5, 50))),
    ("one participant an arm", ((0, 1, 1, 1), (1, 1, 0, 1), (0, 1, 0, 1), (1, 1, 1, 1), (1, 2, 0, 1))),
)


def drawn_tables(rng: Random, k: int, control_risk: float, largest: int) -> tuple[Counts, ...]:
    """Draw k studies whose risks scatter about a common odds."""
    tables: list[Counts] = []
    for _ in range(k):
        n1, n2 = rng.randint(4, largest), rng.randint(4, largest)
        p2 = min(max(control_risk * (1 + 0.4 * normal(rng)), 0.0), 0.98)
        p1 = min(max(p2 * (0.75 + 0.3 * normal(rng)), 0.0), 0.98)
        tables.append((sum(rng.random() < p1 for _ in range(n1)), n1, sum(rng.random() < p2 for _ in range(n2)), n2))
    return tuple(tables)


def rare_events(rng: Random) -> Counts:
    """Draw a study of some events among hundreds of thousands."""
    return rng.randint(0, 40), rng.randint(10**5, 10**6), rng.randint(0, 60), rng.randint(10**5, 10**6)


def table_sets() -> Iterator[tuple[str, tuple[Counts, ...]]]:
    """Yield groups of sets of tables."""
    yield from CORNERS
    rng = Random(SEED)  # noqa: S311 (a reproducible stream, no secret)
    for k in (2, 2, 3, 3, 4, 5, 6, 8, 10, 13, 17, 22, 30):
        yield "ordinary", drawn_tables(rng, k, 0.3, 300)
    for k in (2, 3, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 30):
        yield "sparse", drawn_tables(rng, k, 0.05, 60)
    for k in (2, 3, 5, 7, 9, 12):
        yield "small and frequent", drawn_tables(rng, k, 0.85, 12)
    for k in (3, 6, 12):
        yield "large and rare", tuple(rare_events(rng) for _ in range(k))


def sets() -> list[dict[str, Json]]:
    """Pool every set by every measure under both conventions."""
    derived: list[dict[str, Json]] = []
    for number, (group, counts) in enumerate(table_sets(), start=1):
        tables = [Cells.of(*row) for row in counts]
        expected: dict[str, Json] = {
            "revman5": {measure: pooling.revman(measure, tables) for measure in MEASURES},
            "metafor": {measure: pooling.metafor(measure, tables) for measure in MEASURES},
        }
        derived.append({"id": f"pool-{number:02d}", "group": group, "studies": counts, "expected": expected})
    return derived
