"""Read a linear combination of coefficients: a text such as ``a - b``, weights by name, or rows of weights."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from evisynth.errors import SettingsError
from evisynth.settings import refuse_unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth.kernels.arrays import FloatArray

_NUMBER = re.compile(r"(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_SIGN = re.compile(r"\s*([-+])\s*")
_FACTOR = re.compile(r"\s*\*\s*")
_DIVISOR = re.compile(r"\s*/\s*")
MAX_LENGTH = 10_000
"""Characters of a contrast."""


def read_contrast(contrast: Any, names: Sequence[str]) -> list[tuple[str, FloatArray]]:  # noqa: ANN401 - any of the forms
    """Give the rows of weights that a contrast stands for, each with a label.

    Raises `SettingsError` for a name that is no coefficient, a text that cannot be read and weights that are all 0.
    """
    if isinstance(contrast, str):
        rows = [(contrast.strip(), _read_text(contrast, names))]
    elif isinstance(contrast, Mapping):
        weights = cast("Mapping[str, float]", contrast)
        refuse_unknown("the coefficients", weights, names)
        row = np.array([_weight(weights.get(name, 0.0)) for name in names])
        rows = [(_written(row, names), row)]
    elif _is_list_of_contrasts(contrast):
        return [row for one in contrast for row in read_contrast(one, names)]
    else:
        try:
            matrix = np.atleast_2d(np.asarray(contrast, dtype=np.float64))
        except (TypeError, ValueError):
            matrix = np.empty((1, 0))
        if matrix.ndim != 2 or matrix.shape[1] != len(names) or not np.isfinite(matrix).all():  # noqa: PLR2004 - rows and columns
            msg = f"a contrast is a text such as 'a - b', weights by name, or rows of {len(names)} finite weights"
            raise SettingsError(msg)
        rows = [(_written(row, names), row) for row in matrix]
    for label, row in rows:
        if not row.any():
            msg = f"the contrast {label!r} has no weight on any coefficient"
            raise SettingsError(msg)
    return rows


def _is_list_of_contrasts(value: object) -> bool:
    if not isinstance(value, list | tuple):
        return False
    return any(isinstance(one, str | Mapping) for one in cast("Sequence[object]", value))


def _weight(value: Any) -> float:  # noqa: ANN401 - whatever was given
    plain: Any = cast("Any", value).item() if isinstance(value, np.generic) else value
    if isinstance(plain, bool) or not isinstance(plain, int | float) or not math.isfinite(plain):
        msg = f"a weight of a contrast is a finite number, not {value!r}"
        raise SettingsError(msg)
    return float(plain)


def _written(row: FloatArray, names: Sequence[str]) -> str:
    """Write weights as a text that reads as them."""
    made: list[str] = []
    for weight, name in zip(row.tolist(), names, strict=True):
        if weight:
            size = "" if abs(weight) == 1.0 else f"{abs(weight):g}*"
            sign = "-" if weight < 0 else "+"
            made.append(f"{sign} {size}{name}" if made else f"{'-' if weight < 0 else ''}{size}{name}")
    return " ".join(made) or "0"


def _read_text(text: str, names: Sequence[str]) -> FloatArray:
    """Read a sum of ``number * name / number`` terms; names are the longest that match, or stand in backticks."""
    if len(text) > MAX_LENGTH:
        msg = f"a contrast of more than {MAX_LENGTH:,} characters cannot be read"
        raise SettingsError(msg)
    row = np.zeros(len(names))
    longest = sorted(names, key=len, reverse=True)
    place, stripped = 0, text.strip()
    while place < len(stripped) or not place:
        sign = _SIGN.match(stripped, place)
        if sign is None and place:
            raise _unread(text, stripped[place:], names)
        place = sign.end() if sign is not None else place
        weight = -1.0 if sign is not None and sign[1] == "-" else 1.0
        name = _name_at(stripped, place, longest)
        if name is None and (number := _NUMBER.match(stripped, place)) is not None:
            weight *= float(number[0])
            times = _FACTOR.match(stripped, number.end())
            place = times.end() if times is not None else number.end()
            name = _name_at(stripped, place, longest)
        if name is None:
            raise _unread(text, stripped[place:], names)
        column, place = name
        for pattern, divides in ((_FACTOR, False), (_DIVISOR, True)):
            operator = pattern.match(stripped, place)
            number = None if operator is None else _NUMBER.match(stripped, operator.end())
            if number is not None:
                factor = float(number[0])
                weight = weight / factor if divides and factor else weight * factor
                place = number.end()
        place += len(stripped[place:]) - len(stripped[place:].lstrip())
        row[names.index(column)] += weight
    if not np.isfinite(row).all():
        raise _unread(text, text, names)
    return row


def _name_at(text: str, place: int, longest: Sequence[str]) -> tuple[str, int] | None:
    for name in longest:
        if text.startswith(name, place) and _ends(text, place + len(name)):
            return name, place + len(name)
        quoted = f"`{name}`"
        if text.startswith(quoted, place):
            return name, place + len(quoted)
    return None


def _ends(text: str, place: int) -> bool:
    """Tell whether a name may end here, and not in the middle of a longer word."""
    return place >= len(text) or not (text[place].isalnum() or text[place] in "_.[(")


def _unread(text: str, rest: str, names: Sequence[str]) -> SettingsError:
    shown = ", ".join(names[:10]) + (" …" if len(names) > 10 else "")  # noqa: PLR2004 - a readable line
    where = repr(rest[:40]) if rest.strip() else "its end"
    return SettingsError(f"the contrast {text[:80]!r} cannot be read at {where}; the coefficients are {shown}")
