"""Samples, and the comparison of numbers made side by side with those of whole analyses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import evisynth as es
    from evisynth import FloatArray
    from evisynth.diagnostics.subsets import Subsets

Draw: TypeAlias = "Callable[..., tuple[FloatArray, FloatArray]]"

ESTIMATES = ("value", "se", "ci_low", "ci_high", "statistic", "df", "p_value", "log_p_value")
SPREAD = ("q", "tau2", "i2", "h2")


@pytest.fixture(scope="session")
def draw() -> Draw:
    """Draw effects and variances of k studies, their variances over some decades."""

    def make(k: int, seed: int = 1, *, spread: float = 1.0, decades: float = 1.0) -> tuple[FloatArray, FloatArray]:
        random = np.random.default_rng(seed)
        v = 10.0 ** random.uniform(-decades, 0.0, k)
        return random.normal(0.4, 1.0, k) * np.sqrt(v + spread * np.median(v)), v

    return make


def _apart(value: float, truth: float | None, floor: float = 0.0) -> float:
    if truth is None or np.isnan(value):
        return 0.0 if truth is None and np.isnan(value) else np.inf
    if value == truth or abs(value - truth) <= floor:
        return 0.0
    return abs(value - truth) / abs(truth)


def _compare(numbers: Subsets, wholes: Sequence[es.MetaAnalysis], tolerance: float = 1e-12) -> None:
    """Hold the numbers of subsets against whole analyses, relative to their condition."""
    assert numbers.k.tolist() == [whole.k for whole in wholes]
    for i, whole in enumerate(wholes):
        assert numbers.note[i] == whole.model.note
        coefficients = list(whole.coefficients.values())
        if not coefficients:
            assert np.isnan(numbers.value[:, i]).all()
            assert numbers.reason[i] == whole.model.absent
            continue
        assert numbers.reason[i] is None
        for j, estimate in enumerate(coefficients):
            # A coefficient near 0 is as good as its standard error, and its p-value as its statistic.
            floor = tolerance * estimate.se
            by_name: dict[str, Any] = {
                name: getattr(estimate, name) for name in ESTIMATES if name not in {"p_value", "log_p_value"}
            }
            for name, truth in by_name.items():
                at_least = {"df": 0.0, "se": 0.0, "statistic": tolerance}.get(name, floor)
                assert _apart(float(getattr(numbers, name)[j, i]), truth, at_least) <= tolerance, (name, i, j)
            steep = tolerance * (1.0 + abs(estimate.statistic)) ** 2
            assert abs(float(numbers.log_p_value[j, i]) - estimate.log_p_value) <= steep
        spread = whole.heterogeneity
        for name in SPREAD:
            truth = getattr(spread, name)
            # I² and τ² near 0 are differences of Q and its degrees of freedom.
            at_least = {"i2": 100 * tolerance, "tau2": tolerance * float(np.nanmean(whole.effects.v))}.get(name, 0.0)
            assert _apart(float(getattr(numbers, name)[i]), truth, at_least) <= tolerance, (name, i)


@pytest.fixture(scope="session")
def compare() -> Callable[..., None]:
    """Give the comparison."""
    return _compare
