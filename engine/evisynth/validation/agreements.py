"""Hold one number of a method beside what it is held to."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import attrs

from evisynth.records import Method

MethodKey: TypeAlias = "tuple[str, str]"
"""Kind and name of a method: ``("Tau2Estimator", "REML")``."""
Number: TypeAlias = "float | str | bool | None"
"""A number, a word, a truth, or None where there is none."""
MOST_DIGITS = 15.95
"""What a double holds: -log10 of half its rounding unit, as NIST's StRD counts correct digits."""
Verdict: TypeAlias = "Literal['agrees', 'diverges', 'differs']"


def key_of(method: Method | MethodKey) -> MethodKey:
    """Give kind and name of a record."""
    return (method.kind, method.name) if isinstance(method, Method) else method


def _keys(methods: Method | MethodKey | tuple[Method | MethodKey, ...] | list[Method]) -> tuple[MethodKey, ...]:
    if isinstance(methods, Method):
        return (key_of(methods),)
    if isinstance(methods, tuple) and all(isinstance(one, str) for one in methods):
        return (methods,)  # type: ignore[return-value] # pyright: ignore[reportReturnType] - a single key
    return tuple(key_of(one) for one in methods)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


@attrs.frozen
class Agreement:
    """Hold what methods gave in one case beside what a reference says.

    Numbers agree where ``|observed - expected| <= tolerance · condition · |expected| + floor``; anything else, and
    missing numbers, where it is the same. The tolerance is for the method, the condition number for the case: by what
    factor rounding of the inputs can grow.
    """

    methods: tuple[MethodKey, ...] = attrs.field(converter=_keys)
    """Every method that the number was made by."""
    case: str
    """Which input, so that a reader finds it."""
    quantity: str
    expected: Number
    observed: Number
    tolerance: float = 0.0
    condition: float = 1.0
    floor: float = 0.0
    """Absolute difference that counts as none: half a unit of the last digit printed, rounding of effects near 0."""
    printed: bool = False
    """Whether the reference has the number with few digits only, as a paper prints it."""
    divergence: str = ""
    """Why it is known to differ here, where it is; a number that differs for a known cause is listed, not failed."""

    @property
    def numeric(self) -> bool:
        """Whether two numbers are compared."""
        return all(isinstance(one, int | float) and not isinstance(one, bool) for one in (self.expected, self.observed))

    @property
    def difference(self) -> float:
        """Absolute difference, infinite where one of the two is not a number that can be compared."""
        if not self.numeric:
            return 0.0 if self.expected == self.observed else math.inf
        expected, observed = float(self.expected), float(self.observed)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - numeric
        if expected == observed or (math.isnan(expected) and math.isnan(observed)):
            return 0.0
        difference = abs(observed - expected)
        return difference if math.isfinite(difference) else math.inf

    @property
    def error(self) -> float:
        """Relative error beyond the floor."""
        beyond = self.difference - self.floor
        if beyond <= 0.0:
            return 0.0
        size = abs(float(self.expected)) if self.numeric else 0.0  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - numeric
        return beyond / size if size else math.inf

    @property
    def own_error(self) -> float:
        """Relative error in units of the condition number: what is left when rounding of the inputs is taken out."""
        return self.error / self.condition

    @property
    def excess(self) -> float:
        """Relative error in units of what is allowed: above 1 the numbers differ."""
        error, allowed = self.error, self.tolerance * self.condition
        return 0.0 if error == 0.0 else error / allowed if allowed else math.inf

    @property
    def digits(self) -> float:
        """Correct digits: the logarithm of the relative error, as NIST counts them, from 0 to what a double holds."""
        if self.difference == 0.0:
            return MOST_DIGITS
        size = abs(float(self.expected)) if self.numeric else 0.0  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - numeric
        relative = self.difference / size if size else self.difference
        return min(max(-math.log10(relative), 0.0), MOST_DIGITS) if math.isfinite(relative) else 0.0

    @property
    def verdict(self) -> Verdict:
        """Whether the numbers agree, differ, or diverge for a known cause."""
        if self.excess <= 1.0:
            return "agrees"
        return "diverges" if self.divergence else "differs"


def as_printed(methods: object, case: str, quantity: str, printed: str, observed: float | None) -> Agreement:
    """Compare a number with one that a paper prints: it may lie half a unit of the last digit away."""
    decimals = len(printed.lower().partition("e")[0].partition(".")[2])
    power = int(printed.lower().partition("e")[2] or 0)
    half = 0.5 * 10.0 ** (power - decimals)
    # A tie may be rounded either way, and is held in a double.
    return Agreement(
        methods,  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - the converter takes what is a method
        case,
        quantity,
        float(printed),
        observed,
        floor=half * (1.0 + 1e-9),
        printed=True,
    )
