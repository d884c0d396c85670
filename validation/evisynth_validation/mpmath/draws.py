"""Draw random inputs so that every machine draws the same.

Only additions, multiplications and divisions reach the full precision of a double; whatever passes through a library
function is rounded to a few digits, where a last-place difference between C libraries disappears.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random


def significant(value: float, digits: int = 6) -> float:
    """Round to a number of significant digits."""
    return float(f"{value:.{digits}g}")


def normal(rng: Random) -> float:
    """Approximate a standard normal by the sum of twelve uniforms, which needs no library function."""
    return sum(rng.random() for _ in range(12)) - 6


def wide(rng: Random, low: float, high: float) -> float:
    """Draw log-uniformly between two powers of ten."""
    return significant(10 ** (low + (high - low) * rng.random()))
