"""What the kernels tell about the arrays they are given."""

from __future__ import annotations

import numpy as np
import pytest

from evisynth import holds_numbers, power_of_two_scale, read_only


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64, np.uint8])
def test_numbers_in_one_dimension_are_plain(kind: type[np.generic]) -> None:
    assert holds_numbers(np.ones(3, dtype=kind))
    assert not holds_numbers(np.ones((3, 1), dtype=kind))
    assert not holds_numbers(np.ones((), dtype=kind))


@pytest.mark.parametrize("values", [[1.0, 2.0], (1.0,), 1.0, None, np.array(["a"]), np.array([True]), np.array([1j])])
def test_other_things_are_not(values: object) -> None:
    assert not holds_numbers(values)


def test_a_masked_array_is_not_plain() -> None:
    assert not holds_numbers(np.ma.masked_array([1.0, 2.0], mask=[False, True]))


def test_read_only_keeps_what_it_is_given_and_takes_no_copy() -> None:
    given = np.array([1.0, 2.0])
    taken = read_only(given)
    assert given.flags.writeable
    assert not taken.flags.writeable
    assert np.shares_memory(given, taken)
    assert read_only(taken) is taken


def test_the_scale_is_a_power_of_two_that_brings_the_largest_variance_near_one() -> None:
    for exponent in range(-40, 41):
        for factor in (1.0, 1.3, 1.9):
            largest = factor * 2.0**exponent
            v = np.array([1e-9 * largest, largest, 0.01 * largest])
            scale = float(power_of_two_scale(v))
            assert np.frexp(scale)[0] == 0.5
            assert 0.5 <= largest / scale**2 < 2.0
            # Another unit of measurement takes the scale along.
            assert float(power_of_two_scale(v * 4.0**7)) == scale * 2.0**7


def test_each_analysis_has_its_own_scale() -> None:
    v = np.array([[1.0, 1e6, 1e-6], [0.1, 1e2, 1e-9]])
    assert power_of_two_scale(v).tolist() == [float(power_of_two_scale(column)) for column in v.T]
