"""Refuse numbers that cannot have been reported, naming every row and column."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from evisynth import BoolArray, DataError, FloatArray, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

Rule: TypeAlias = "tuple[str, BoolArray, str]"
"""Column, rows that break the rule ``(k,)``, and what is wrong with them."""

SPREAD = "a standard deviation cannot be negative"
ERROR = "a standard error cannot be negative"


def refuse(summary: str, columns: Mapping[str, FloatArray], *rules: Rule) -> None:
    """Raise `DataError` for every row that breaks a rule, and for infinities in any column; NaN breaks none."""
    broken = [
        *rules,
        *((name, np.isinf(values), "is not finite") for name, values in columns.items()),
    ]
    problems = [
        Problem(int(row) + 1, None, name, f"{np.atleast_1d(columns[name])[row]:g}", message)
        for name, rows, message in broken
        for row in np.nonzero(np.broadcast_to(rows, _rows(columns)))[0]
    ]
    if problems:
        problems.sort(key=lambda problem: problem.row or 0)
        raise DataError(summary, problems)


def _rows(columns: Mapping[str, FloatArray]) -> tuple[int, ...]:
    return np.broadcast_shapes((1,), *(np.shape(values) for values in columns.values()))


def negative(columns: Mapping[str, FloatArray], message: str, *names: str) -> list[Rule]:
    """Make rules against negative numbers."""
    return [(name, columns[name] < 0, message) for name in names]


def too_small(columns: Mapping[str, FloatArray], least: float, *names: str) -> list[Rule]:
    """Make rules against groups below a size."""
    word = f"a group has at least {least:g} participants here"
    return [(name, columns[name] < least, word) for name in names]


def of_level(level: FloatArray | float) -> list[Rule]:
    """Make the rule that the level of an interval lies between 0 and 1, such as 0.95."""
    values = np.asarray(level)
    return [("level", (values <= 0) | (values >= 1), "the level of an interval lies between 0 and 1, such as 0.95")]


def of_p_value(p_value: FloatArray) -> list[Rule]:
    """Make the rule that a p-value lies above 0 and not above 1."""
    return [
        ("p_value", (p_value < 0) | (p_value > 1), "a p-value lies between 0 and 1"),
        ("p_value", p_value == 0, "a p-value is not 0: printed as 0.000 it lies below a bound, such as 0.001"),
    ]


def of_limits(low: FloatArray, high: FloatArray, name: str = "ci_low") -> list[Rule]:
    """Make the rule that the lower limit, the column of this name, is not above the upper."""
    return [(name, low > high, "the lower limit is above the upper")]


def of_direction(direction: FloatArray) -> list[Rule]:
    """Make the rule that a direction is 1 or -1."""
    return [("direction", ~np.isnan(direction) & (np.abs(direction) != 1), "a direction is 1 or -1")]
