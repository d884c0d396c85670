"""Refuse wrong values of the options of methods for small-study effects, in words that say what would do."""

from __future__ import annotations

import math
from typing import TypeGuard

from evisynth import SettingsError


def require_word(method: str, option: str, value: object, words: tuple[str, ...]) -> None:
    """Raise `SettingsError` for a value that is not one of the words."""
    if not isinstance(value, str) or value not in words:
        msg = f"{option} of {method} is one of {', '.join(map(repr, words))}, not {value!r}"
        raise SettingsError(msg)


def require_level(method: str, option: str, value: object) -> None:
    """Raise `SettingsError` for a value that is not a number between 0 and 1."""
    if not is_number(value) or not 0.0 < value < 1.0:
        msg = f"{option} of {method} is a number between 0 and 1, not {value!r}"
        raise SettingsError(msg)


def require_number(method: str, option: str, value: object, *, least: float = -math.inf) -> None:
    """Raise `SettingsError` for a value that is not a finite number of at least ``least``."""
    if not is_number(value) or value < least:
        bound = "" if least == -math.inf else f" of at least {least:g}"
        msg = f"{option} of {method} is a finite number{bound}, not {value!r}"
        raise SettingsError(msg)


def is_number(value: object) -> TypeGuard[float]:
    """Tell whether a value is a finite number, and not a truth."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
