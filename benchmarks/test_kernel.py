"""Time the computation that every model shares, and the estimators of τ² on bare arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from evisynth import Tau2Estimator, Tau2Fit, default_registry, intercept, weighted_fit

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark.fixture import BenchmarkFixture

    from evisynth import FloatArray

    Draw = Callable[..., tuple[FloatArray, FloatArray]]

SHAPES = ((13,), (10, 8192))


def _moderated(k: int) -> FloatArray:
    columns = [np.ones(k), np.linspace(-1.0, 1.0, k), np.resize([0.0, 1.0], k)]
    return np.column_stack(columns).astype(np.float64)


@pytest.mark.benchmark(group="weighted_fit")
@pytest.mark.parametrize("p", [1, 3])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_weighted_fit(benchmark: BenchmarkFixture, draw: Draw, shape: tuple[int, ...], p: int) -> None:
    """Fit with rss and trace, which every moment estimator takes."""
    y, v = draw(*shape)
    w = 1.0 / v
    X = intercept(shape[0]) if p == 1 else _moderated(shape[0])

    def run() -> FloatArray:
        fit = weighted_fit(y, w, X)
        return np.asarray(fit.rss / fit.trace)

    made = cast("FloatArray", benchmark(run))
    assert np.isfinite(made).all()


@pytest.mark.benchmark(group="estimators of tau²")
@pytest.mark.parametrize("p", [1, 3])
@pytest.mark.parametrize("name", ["DL", "REML", "PM"])
def test_estimator(benchmark: BenchmarkFixture, draw: Draw, name: str, p: int) -> None:
    """Call an estimator's function on 13 studies, with what it gives beside τ²."""
    y, v = draw(13)
    X = intercept(13) if p == 1 else _moderated(13)
    estimator = default_registry().get(Tau2Estimator, name).function

    def run() -> Tau2Fit:
        made = estimator(y, v, X)
        assert isinstance(made, Tau2Fit)
        return made

    fitted = cast("Tau2Fit", benchmark(run))
    assert np.isfinite(fitted.tau2)
