"""Numerical derivatives against those of functions that mpmath knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
import pytest
import scipy.special

from evisynth.kernels.derivatives import derivative

if TYPE_CHECKING:
    from collections.abc import Callable

mp: Any = mpmath  # it has no types


def cubic(x: Any) -> Any:  # noqa: ANN401 - of an array and of mpmath's number alike
    return x * x * x - 2 * x


def logit(x: Any) -> Any:  # noqa: ANN401 - mpmath's number
    return mp.log(x / (1 - x))


FUNCTIONS: list[tuple[Callable[[Any], Any], Callable[[Any], Any], list[float]]] = [
    (np.exp, mp.exp, [-20.0, -1.0, 0.0, 0.4, 3.0, 30.0]),
    (np.tanh, mp.tanh, [-2.0, -0.3, 0.0, 1e-9, 0.7]),
    (cubic, cubic, [-5.0, 0.0, 0.1, 4.0, 1e6]),
    # The first steps leave the domain on one side, and then end near the pole.
    (np.log, mp.log, [1e-9, 1e-3, 0.05, 1.0, 50.0]),
    (scipy.special.logit, logit, [1e-6, 0.02, 0.5, 0.97, 1.0 - 1e-6]),
    (np.arcsin, mp.asin, [-0.999, 0.0, 0.6, 0.9999]),
]


@pytest.mark.parametrize(("f", "exact", "x"), FUNCTIONS)
def test_smooth_functions(f: Callable[[Any], Any], exact: Callable[[Any], Any], x: list[float]) -> None:
    with mp.workdps(50):
        truth = [float(mp.diff(exact, mp.mpf(point))) for point in x]
    assert derivative(f, np.array(x)) == pytest.approx(truth, rel=1e-10, abs=1e-12)


def test_a_point_outside_of_the_domain_has_none() -> None:
    found = derivative(np.sqrt, np.array([-1.0, 4.0]))
    assert np.isnan(found[0])
    assert found[1] == pytest.approx(0.25, rel=1e-11)


def test_points_are_differentiated_each_for_itself() -> None:
    x = np.array([1e-8, 0.3, 1.0, 1e5])
    alone = [derivative(np.log, x[i : i + 1])[0] for i in range(x.size)]
    assert derivative(np.log, x).tolist() == alone
