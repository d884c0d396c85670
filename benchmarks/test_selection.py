"""Time selection models, from the call to the adjusted effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import evisynth as es

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from evisynth import Effects


@pytest.mark.benchmark(group="selection models, 13 studies")
@pytest.mark.parametrize(
    "name", ["3PSM", "beta", "half-normal", "logistic", "negative exponential power", "truncated, estimated cut"]
)
def test_selection(benchmark: BenchmarkFixture, effects: Effects, name: str) -> None:
    """Fit one model; the beta model is to take under 100 ms."""
    analysis = es.fit(effects, tau2="ML", settings="metafor")

    def run() -> object:
        return es.bias(analysis, f"selection: {name}").convergence

    assert benchmark(run) is not None
