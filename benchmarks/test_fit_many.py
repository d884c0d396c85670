"""Time thousands of meta-analyses in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark.fixture import BenchmarkFixture

    from evisynth import FloatArray, IntArray

    Draw = Callable[..., tuple[FloatArray, FloatArray]]

ANALYSES, STUDIES = 100_000, 10
FEWER = 10_000
ROUNDS = 7


def _time(benchmark: BenchmarkFixture, analyses: int, **request: Any) -> None:  # noqa: ANN401 - what fit_many takes
    def run() -> pd.DataFrame:
        return es.fit_many(**request)

    # Fixed rounds: without them a second's worth of calls would be made of each.
    table: pd.DataFrame = cast("Any", benchmark).pedantic(run, rounds=ROUNDS, warmup_rounds=1)
    assert len(table) == analyses
    assert not table["effect"].isna().any()


@pytest.mark.benchmark(group="fit_many, 100,000 analyses of 10 studies, DL")
@pytest.mark.parametrize("settings", ["metafor", "revman-web"])
def test_offsets(benchmark: BenchmarkFixture, draw: Draw, settings: str) -> None:
    """Take analyses as runs of rows; the presets differ in the interval, Wald's or Hartung and Knapp's."""
    y, v = draw(ANALYSES * STUDIES)
    offsets = np.arange(0, y.size + 1, STUDIES)
    _time(benchmark, ANALYSES, y=y, v=v, offsets=offsets, tau2="DL", settings=settings)


def _keys(kind: str) -> Any:  # noqa: ANN401 - a column of any kind
    numbers = np.repeat(np.arange(ANALYSES), STUDIES)
    if kind == "shuffled integers":
        return np.random.default_rng(1).permutation(numbers)
    return numbers if kind == "integers" else np.array([f"outcome {i}" for i in range(ANALYSES)])[numbers].tolist()


@pytest.mark.benchmark(group="fit_many, 100,000 analyses of 10 studies, DL")
@pytest.mark.parametrize("kind", ["integers", "strings", "shuffled integers"])
def test_keys(benchmark: BenchmarkFixture, draw: Draw, kind: str) -> None:
    """Tell analyses apart by a column of a data frame."""
    y, v = draw(ANALYSES * STUDIES)
    table = pd.DataFrame({"outcome": _keys(kind), "yi": y, "vi": v})
    _time(benchmark, ANALYSES, data=table, by="outcome", y="yi", v="vi", tau2="DL", settings="metafor")


@pytest.mark.benchmark(group="fit_many, 10,000 analyses")
@pytest.mark.parametrize("tau2", ["DL", "REML", "PM"])
@pytest.mark.parametrize("sizes", ["of 10 studies", "of 2 to 30 studies"])
def test_estimators(benchmark: BenchmarkFixture, draw: Draw, tau2: str, sizes: str) -> None:
    """Compare estimators, and analyses that differ in size with those of one size."""
    counts: IntArray = np.full(FEWER, STUDIES)
    if sizes != "of 10 studies":
        counts = np.random.default_rng(1).integers(2, 31, FEWER)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    y, v = draw(int(offsets[-1]))
    _time(benchmark, FEWER, y=y, v=v, offsets=offsets, tau2=tau2, settings="metafor")
