"""Time the effects of a million rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import evisynth as es

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

ROWS = 1_000_000


@pytest.mark.benchmark(group="effects of a million rows")
@pytest.mark.parametrize("measure", ["RR", "OR", "RD", "SMD"])
def test_frame(benchmark: BenchmarkFixture, measure: str) -> None:
    """Measure the rows of a data frame: some tables have zero cells."""
    rng = np.random.default_rng(1)
    n_1, n_2 = rng.integers(20, 400, ROWS), rng.integers(20, 400, ROWS)
    columns = {
        "events_1": np.floor(n_1 * rng.uniform(0.0, 0.5, ROWS)),
        "n_1": n_1,
        "events_2": np.floor(n_2 * rng.uniform(0.0, 0.5, ROWS)),
        "n_2": n_2,
    }
    if measure == "SMD":
        arms = {f"{name}_{arm}": rng.uniform(1.0, 3.0, ROWS) for name in ("mean", "sd") for arm in (1, 2)}
        columns = {**arms, "n_1": n_1, "n_2": n_2}
    table = pd.DataFrame(columns)
    timed: Any = benchmark
    effects: es.Effects = timed(lambda: es.effects(table, measure, settings="metafor"))
    assert len(effects) == ROWS
