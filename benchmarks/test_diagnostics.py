"""Time diagnostics, from the call to all numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark.fixture import BenchmarkFixture

    from evisynth import FloatArray
    from evisynth.diagnostics.gosh import SubsetNumbers
    from evisynth.diagnostics.influence import InfluenceNumbers
    from evisynth.diagnostics.subsets import Subsets

    Draw = Callable[..., tuple[FloatArray, FloatArray]]


@pytest.mark.benchmark(group="diagnostics")
@pytest.mark.parametrize("tau2", ["DL", "PM"])
def test_leave_one_out(benchmark: BenchmarkFixture, draw: Draw, tau2: str) -> None:
    """Leave each of a thousand studies out: from sums, or by the estimator's kernel in tiles."""
    analysis = es.fit(es.Effects(*draw(1000)), tau2=tau2, settings="metafor")

    def run() -> Subsets:
        return es.leave_one_out(analysis).numbers

    benchmark(run)
    assert run().value.shape == (1, 1000)


@pytest.mark.benchmark(group="diagnostics")
def test_cumulative(benchmark: BenchmarkFixture, draw: Draw) -> None:
    """Add a thousand studies one by one."""
    analysis = es.fit(es.Effects(*draw(1000)), tau2="DL", settings="metafor")

    def run() -> Subsets:
        return es.cumulative(analysis, "precision").numbers

    benchmark(run)
    assert run().value.shape == (1, 1000)


@pytest.mark.benchmark(group="diagnostics")
@pytest.mark.parametrize("moderators", [0, 1])
def test_influence(benchmark: BenchmarkFixture, draw: Draw, moderators: int) -> None:
    """Measure the influence of each of a thousand studies."""
    y, v = draw(1000)
    columns = y[::-1] if moderators else None
    analysis = es.fit(es.Effects(y, v), tau2="DL", settings="metafor", moderators=columns)

    def run() -> InfluenceNumbers:
        return es.influence(analysis).numbers

    benchmark(run)
    assert run().hat.shape == (1000,)


@pytest.mark.benchmark(group="diagnostics")
@pytest.mark.parametrize("tau2", ["DL", "REML"])
def test_all_subsets(benchmark: BenchmarkFixture, draw: Draw, tau2: str) -> None:
    """Pool all 65,535 subsets of 16 studies."""
    analysis = es.fit(es.Effects(*draw(16)), tau2=tau2, settings="metafor")

    def run() -> SubsetNumbers:
        return es.gosh(analysis, budget=65_535).numbers

    benchmark(run)
    assert run().k.size == 65_535
