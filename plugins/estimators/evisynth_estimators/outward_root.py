"""Find where a function that grows away from a point comes to 0, however far that is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from evisynth import bracketed_root

if TYPE_CHECKING:
    from collections.abc import Callable


def outward_root(lacks: Callable[[float], float], value: float, step: float, *, doublings: int) -> float:
    """Find where a function that is negative at ``value`` comes to 0 on the side of the step.

    The step is doubled until the function is no longer negative; where it is so nowhere within the ``doublings`` the
    answer is infinite, with the sign of the step.
    """
    near, f_near = value, lacks(value)
    for _ in range(doublings):
        far = near + step
        f_far = lacks(far)
        if f_far >= 0.0:
            return bracketed_root(lacks, near, far, f_near, f_far)
        near, f_near, step = far, f_far, 2.0 * step
    return math.copysign(math.inf, step)
