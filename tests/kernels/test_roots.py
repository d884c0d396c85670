"""Roots to the last bits, one at a time and many at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from evisynth import bracketed_root, bracketed_roots
from evisynth.kernels.roots import falling_roots

if TYPE_CHECKING:
    from collections.abc import Callable

FUNCTIONS: list[tuple[Callable[[float], float], float, float, float]] = [
    (lambda x: x * x - 2.0, 0.0, 2.0, math.sqrt(2.0)),
    (lambda x: math.exp(x) - 3.0, -5.0, 5.0, math.log(3.0)),
    (lambda x: 1.0 / (x + 1e-9) - 1e6, 0.0, 1.0, 1e-6 - 1e-9),
    (lambda x: (x - 1e-12) * 1e3, 0.0, 1.0, 1e-12),
    (lambda x: math.atan(1e6 * (x - 0.3)), 0.0, 1.0, 0.3),
    (lambda x: (x - 7e11) ** 3, 0.0, 1e12, 7e11),
]


@pytest.mark.parametrize(("f", "low", "high", "root"), FUNCTIONS)
def test_single(f: Callable[[float], float], low: float, high: float, root: float) -> None:
    found = bracketed_root(f, low, high, f(low), f(high))
    assert found == pytest.approx(root, rel=2e-15 if root != 7e11 else 1e-5)


def test_many_equal_single() -> None:
    targets = np.geomspace(1e-8, 1e8, 200)

    def f(x: np.ndarray, which: np.ndarray) -> np.ndarray:
        return np.asarray(x**3 - targets[which])

    low, high = np.zeros(200), np.full(200, 1e4)
    everything = np.arange(200)
    found = bracketed_roots(f, low, high, f(low, everything), f(high, everything))
    np.testing.assert_allclose(found, np.cbrt(targets), rtol=1e-15)
    for i in (0, 77, 199):
        one = bracketed_root(lambda x, i=i: x**3 - targets[i], 0.0, 1e4, -targets[i], 1e12 - targets[i])  # type: ignore[misc]
        assert one == pytest.approx(found[i], rel=1e-15)


def test_ends_that_are_roots() -> None:
    assert bracketed_root(lambda x: x, 0.0, 1.0, 0.0, 1.0) == 0.0
    assert bracketed_root(lambda x: x - 1.0, 0.0, 1.0, -1.0, 0.0) == 1.0
    found = bracketed_roots(
        lambda x, _: x, np.array([0.0, -1.0]), np.array([1.0, 0.0]), np.array([0.0, -1.0]), np.array([1.0, 0.0])
    )
    assert found.tolist() == [0.0, 0.0]


def test_scaling_by_powers_of_two_changes_no_bit() -> None:
    def f(scale: float) -> Callable[[float], float]:
        return lambda x: math.tanh(x / scale - 0.7)

    one = bracketed_root(f(1.0), 0.0, 8.0, math.tanh(-0.7), math.tanh(7.3))
    other = bracketed_root(f(2.0**40), 0.0, 8.0 * 2.0**40, math.tanh(-0.7), math.tanh(7.3))
    assert other == one * 2.0**40


def test_falling_functions() -> None:
    roots = np.array([0.0, 0.0, 1e-9, 0.02, 1.0, 37.0, 1e12, math.inf])

    def f(x: np.ndarray, which: np.ndarray) -> np.ndarray:
        # The first is negative and the second 0 from the start; the last stays above 0.
        at = roots[which]
        with np.errstate(divide="ignore", invalid="ignore"):
            falling = np.where(np.isinf(at), 1e-3, (at - x) / (at + x))
        return np.where(which == 0, -1.0, np.where(which == 1, -x, falling))

    everything = np.arange(roots.size)
    for guess in (1e-3, 1.0, 500.0):
        found = falling_roots(f, f(np.zeros(roots.size), everything), np.full(roots.size, guess))
        assert found[2:-1] == pytest.approx(roots[2:-1], rel=1e-15)
        assert found[[0, 1, -1]].tolist() == [0.0, 0.0, math.inf]
