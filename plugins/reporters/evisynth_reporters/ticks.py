"""Place the ticks of axes: steps of 1, 2 or 5 times a power of ten, on linear and on logarithmic axes."""

from __future__ import annotations

import math

STEPS = (1.0, 2.0, 5.0)
DECADES_OF_ALL_STEPS = 3.0
"""Up to here a logarithmic axis marks 1, 2 and 5 in every power of ten; beyond, powers of ten alone."""
FEWEST_ON_LOG = 3


def linear_ticks(low: float, high: float, most: int = 6) -> tuple[float, ...]:
    """Give round numbers from ``low`` to ``high``, at most so many, at the smallest step that allows it."""
    if not high > low:
        return (low,)
    step = _step_above((high - low) / most)
    while True:
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first + 1 <= most:
            # A whole number times the step, not a sum of steps: 0.3 stays 0.3 in the label.
            return tuple(float(f"{i * step:.12g}") for i in range(first, last + 1))
        step = _step_above(1.01 * step)


def log_ticks(low: float, high: float, most: int = 7) -> tuple[float, ...]:
    """Give 1-2-5 numbers from ``low`` to ``high``, powers of ten where too many, linear ones where too few."""
    decades = math.log10(high / low)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    chosen = STEPS if decades <= DECADES_OF_ALL_STEPS else (1.0,)
    inside = [
        float(f"{step}e{power}")
        for power in powers
        for step in chosen
        if low * (1 - 1e-9) <= float(f"{step}e{power}") <= high * (1 + 1e-9)
    ]
    if len(inside) < FEWEST_ON_LOG:
        return linear_ticks(low, high, most)
    every = 1 + (len(inside) - 1) // most
    if every == 1:
        return tuple(inside)
    # Whichever are dropped, 1 stays where it is on the axis: on a ratio's axis it is no effect.
    start = inside.index(1.0) % every if 1.0 in inside else 0
    return tuple(inside[start::every])


def _step_above(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next((step * power for step in STEPS if step * power >= least * (1 - 1e-9)), 10.0 * power)


def tick_label(value: float) -> str:
    """Write a tick's number with a minus of its own width, without digits that the step does not need."""
    return f"{value:g}".replace("-", "−")
