"""Solve every equation twice, with 60 digits and with 80, and let no digit through that the two do not share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from evisynth_validation.mpmath.exact import Exact, decimal, digits_now, exact, root, working_digits

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth_validation.mpmath.exact import Json

SEARCHED, CONFIRMED = 60, 80
PRINTED = 40
AGREED = 42  # digits in which both passes must agree, relative to the value
CLOSE = 44  # a root lies within this power of ten of the one found with 60 digits


@dataclass(frozen=True, slots=True)
class Number:
    """Mark a number that is printed with 40 digits."""

    value: Exact


Crossings: TypeAlias = tuple[float, list[tuple[float, float, bool]]]
Tree: TypeAlias = "Mapping[str, Tree] | Number | int | float | str | None"


@dataclass(slots=True)
class Roots:
    """Remember brackets and roots of the first pass, which the second confirms."""

    known: dict[str, Exact] = field(default_factory=dict[str, Exact])
    brackets: dict[str, Crossings] = field(default_factory=dict[str, Crossings])

    def root(self, name: str, function: Callable[[Exact], Exact], ends: Callable[[], tuple[Exact, Exact]]) -> Exact:
        """Find a root between two ends, or confirm the known one by a change of sign around it and sharpen it.

        Raises
        ------
            ArithmeticError: no change of sign where one should be.

        """
        if name not in self.known:
            self.known[name] = root(function, *ends())
            return self.known[name]
        before = self.known[name]
        step = before * exact(10) ** -CLOSE
        low, high = before - step, before + step
        at_low, at_high = function(low), function(high)
        if (at_low > 0) is (at_high > 0):
            message = f"{name}: no change of sign within 1e-{CLOSE} with {digits_now()} digits"
            raise ArithmeticError(message)
        return low - at_low * (high - low) / (at_high - at_low)


def certified(derive: Callable[[Roots], Mapping[str, Tree]]) -> dict[str, Json]:
    """Derive a tree of results in both passes and print the numbers in which they agree.

    Raises
    ------
        ArithmeticError: a number is not the same in both.

    """
    roots = Roots()
    with working_digits(SEARCHED):
        first = derive(roots)
    with working_digits(CONFIRMED):
        second = derive(roots)
        return {key: _agreed(first[key], value, key) for key, value in second.items()}


def _agreed(first: Tree, second: Tree, where: str) -> Json:
    """Print one branch of the tree."""
    if isinstance(second, Number):
        if isinstance(first, Number) and _alike(first.value, second.value):
            return decimal(second.value, PRINTED)
    elif isinstance(second, Mapping):
        if isinstance(first, Mapping):
            return {key: _agreed(first[key], value, f"{where}.{key}") for key, value in second.items()}
    elif first == second or isinstance(second, float):  # a condition number has three digits and may round either way
        return second
    message = f"{where} differs between {SEARCHED} and {CONFIRMED} digits: {first} and {second}"
    raise ArithmeticError(message)


def _alike(first: Exact, second: Exact) -> bool:
    near = abs(first - second) <= abs(second) * exact(10) ** -AGREED
    return near and decimal(first, PRINTED) == decimal(second, PRINTED)
