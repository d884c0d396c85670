"""Steps uphill, directions in which a likelihood rises for ever, and which coefficients go along."""

from __future__ import annotations

import numpy as np
import pytest

from evisynth.kernels.scale_optimum import falling_direction, newton_step, undetermined_signs


def test_on_a_concave_surface_the_step_is_newtons_in_any_unit() -> None:
    hessian = -np.array([[3.0, 1.0], [1.0, 2.0]])
    gradient = np.array([1.0, -4.0])
    step, concave = newton_step(gradient, hessian)
    assert concave
    assert step == pytest.approx(np.linalg.solve(-hessian, gradient), rel=1e-12)
    unit = np.array([1e6, 1e-5])
    scaled, concave = newton_step(gradient / unit, hessian / np.outer(unit, unit))
    assert concave
    assert scaled == pytest.approx(step * unit, rel=1e-9)


def test_on_a_saddle_the_step_goes_up_along_both_axes() -> None:
    step, concave = newton_step(np.array([1.0, 1.0]), np.diag([2.0, -4.0]))
    assert not concave
    assert step == pytest.approx([0.5, 0.25], rel=1e-12)


def test_a_falling_direction_is_the_steepest_or_there_is_none() -> None:
    found = falling_direction(np.array([[1.0, 0.0], [0.0, 5.0]]))
    assert found is not None
    assert found == pytest.approx([-1.0, -1.0], abs=1e-9)
    found = falling_direction(np.array([[1.0, 1.0, 0.0], [1.0, -1.0, 0.0]]))
    assert found is not None
    assert found.shape == (3,)
    assert found[:2] == pytest.approx([-1.0, 0.0], abs=1e-9)
    assert falling_direction(np.array([[1.0, 0.0], [-1.0, 0.0]])) is None


def test_the_signs_of_lost_coefficients() -> None:
    two = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 3.0]])
    lost, free = np.array([False, True]), np.array([True, False, False])
    # What keeps the first study moves along the second column alone, and the others fall where that falls.
    assert undetermined_signs(lost, np.array([0.0, -2.0]), two, free) == (None, "below")
    assert undetermined_signs(lost, np.array([0.0, 2.0]), two, free) == (None, "above")
    # With nothing to keep, a column that every study to be lowered has falls, and another may go either way.
    three = np.array([[1.0, 1.0], [1.0, -1.0], [1.0, 0.0]])
    nothing, direction = np.zeros(3, dtype=np.bool_), np.array([-1.0, 0.0])
    assert undetermined_signs(np.array([True, True]), direction, three, nothing) == ("below", "undetermined")
    assert undetermined_signs(np.array([True, False]), direction, three, nothing) == ("below", None)
    assert undetermined_signs(np.array([True, True]), -direction, -three, nothing) == ("above", "undetermined")
