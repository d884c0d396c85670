"""Make the data that the benchmarks share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth import Effects, FloatArray, Studies

SEED = 1
K = 13


@pytest.fixture(scope="session", autouse=True)
def _first_fit() -> None:
    """Load plugins and scipy before anything is timed."""
    assert es.fit(es.Effects([0.1, 0.9], [0.1, 0.1])).pooled is not None


@pytest.fixture(scope="session")
def draw() -> Callable[..., tuple[FloatArray, FloatArray]]:
    """Draw effects that differ, with their variances, of any shape; the same at every call."""

    def effects_and_variances(*shape: int) -> tuple[FloatArray, FloatArray]:
        rng = np.random.default_rng(SEED)
        v = np.exp(rng.normal(-2.0, 0.8, shape))
        return rng.normal(-0.4, np.sqrt(v + 0.25)), v

    return effects_and_variances


@pytest.fixture(scope="session")
def effects(draw: Callable[..., tuple[FloatArray, FloatArray]]) -> Effects:
    """Give an ordinary meta-analysis: 13 studies."""
    return es.Effects(*draw(K))


@pytest.fixture(scope="session")
def studies() -> Studies:
    """Give 13 trials with events in two arms, none of them empty."""
    rng = np.random.default_rng(SEED)
    n_1, n_2 = rng.integers(50, 500, K), rng.integers(50, 500, K)
    columns = {"events_1": rng.binomial(n_1 - 2, 0.1) + 1, "n_1": n_1, "events_2": rng.binomial(n_2 - 2, 0.2) + 1}
    studies: es.Studies = es.load({**columns, "n_2": n_2})
    return studies
