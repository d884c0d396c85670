"""Time a single meta-analysis, from the call to the pooled estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark.fixture import BenchmarkFixture

    from evisynth import Effects, FloatArray, Studies


@pytest.mark.benchmark(group="fit, 13 studies")
@pytest.mark.parametrize("settings", ["metafor", "revman-web"])
@pytest.mark.parametrize("tau2", ["DL", "REML", "PM"])
def test_effects(benchmark: BenchmarkFixture, effects: Effects, tau2: str, settings: str) -> None:
    """Pool effect sizes; the presets differ in the interval."""
    assert benchmark(lambda: es.fit(effects, tau2=tau2, settings=settings).pooled) is not None


@pytest.mark.benchmark(group="fit, 13 studies")
def test_heterogeneity_too(benchmark: BenchmarkFixture, effects: Effects) -> None:
    """Ask for Q, I² and H² as well."""

    def run() -> tuple[object, object]:
        analysis = es.fit(effects, tau2="DL", settings="metafor", tau2_interval=None)
        return analysis.pooled, analysis.heterogeneity

    assert None not in benchmark(run)


@pytest.mark.benchmark(group="fit, 13 studies")
@pytest.mark.parametrize("settings", ["metafor", "revman5"])
def test_two_by_two(benchmark: BenchmarkFixture, studies: Studies, settings: str) -> None:
    """Pool risk ratios of 2×2 tables by Mantel and Haenszel."""

    def run() -> object:
        return es.fit(studies, "RR", method="MH", model="common", settings=settings).pooled

    assert benchmark(run) is not None


@pytest.mark.benchmark(group="fit, many studies")
@pytest.mark.parametrize("tau2", ["DL", "REML"])
@pytest.mark.parametrize("k", [1_000, 100_000])
def test_many_studies(
    benchmark: BenchmarkFixture, draw: Callable[..., tuple[FloatArray, FloatArray]], k: int, tau2: str
) -> None:
    """Pool thousands of effect sizes in one analysis; time and memory rise with k, not with its square."""
    large = es.Effects(*draw(k))
    assert benchmark(lambda: es.fit(large, tau2=tau2, settings="metafor").pooled) is not None
