"""A root outside of where one stands: far ones are reached by doubling, and what never comes to 0 is infinite."""

from __future__ import annotations

import math

import pytest

from evisynth_estimators.outward_root import outward_root


@pytest.mark.parametrize("root", [1e-9, 0.7, 3.0, 1000.0, 2.0**19])
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_root_is_found_however_far_it_is(root: float, side: float) -> None:
    asked: list[float] = []

    def lacks(x: float) -> float:
        asked.append(x)
        return side * x - root

    assert outward_root(lacks, 0.0, side, doublings=20) == pytest.approx(side * root, rel=1e-15)
    # No place between the start and the root is left out, and none is far beyond it.
    assert max(side * x for x in asked) <= 2.0 * root + 1.0


def test_what_does_not_come_to_zero_has_its_root_at_infinity() -> None:
    assert outward_root(lambda x: math.atan(x) - 2.0, 0.0, 1.0, doublings=30) == math.inf
    assert outward_root(lambda x: math.atan(-x) - 2.0, 0.0, -1.0, doublings=30) == -math.inf
    # The last doubling ends at 2**20 - 1.
    assert outward_root(lambda x: x - 2.0**20, 0.0, 1.0, doublings=20) == math.inf
