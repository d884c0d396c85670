"""Read and write single cells of tables that hold a review: numbers, percentages, flags, texts.

In tables that evisynth writes itself a backslash before a text says that it is to be taken literally (an empty text,
``#N/A``), and a value says of which kind it is.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from evisynth import FormatError, guarded_cell, unguarded_cell

if TYPE_CHECKING:
    from collections.abc import Iterable

FULL_PRECISION = 12
"""Decimals from which on a number is taken to have all its digits."""
FLAGS = {"true": True, "yes": True, "y": True, "1": True, "false": False, "no": False, "n": False, "0": False}
MISSING = frozenset({"", "#n/a"})
ABSENT_CELL, NONE_CELL = "#absent", "#none"

_NUMBER = re.compile(r"[+-]?(\d+\.?(\d*)|\.(\d+))(?:e([+-]?\d{1,6}))?", re.IGNORECASE | re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?", re.ASCII)
_INFINITE = re.compile(r"([+-]?)inf(?:inity)?", re.IGNORECASE)
_WHOLE = re.compile(r"-?\d{1,4000}", re.ASCII)
_LITERAL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029\ud800-\udfff\ufeff]")
_ESCAPED = re.compile(r"\\(\\|u([0-9a-f]{4}))")


class Absent:
    """Say that a value which other columns suggest is not there."""


ABSENT = Absent()


def number_of(cell: str, *, decimal_comma: bool = False) -> float | None:
    """Read a number, digits grouped by commas (or with a decimal comma) included; None for anything else."""
    if decimal_comma and "." not in cell:
        cell = cell.replace(",", ".")
    elif _GROUPED.fullmatch(cell):
        cell = cell.replace(",", "")
    infinite = _INFINITE.fullmatch(cell)
    if infinite is not None:
        return -math.inf if infinite[1] == "-" else math.inf
    if cell.casefold() == "nan":
        return math.nan
    return float(cell) if _NUMBER.fullmatch(cell) else None


def decimals_of(cell: str, *, decimal_comma: bool = False) -> int:
    """Count the decimals that a number is written with; ``1.5E-7`` has 8."""
    if decimal_comma and "." not in cell:
        cell = cell.replace(",", ".")
    found = _NUMBER.fullmatch(cell.replace(",", ""))
    if found is None:
        return 0
    return max(len(found[2] or found[3] or "") - int(found[4] or 0), 0)


def rounded_to(decimals: Iterable[int]) -> int | None:
    """Tell the decimals that results are rounded to; None for no results, and for some with all their digits."""
    most = max(decimals, default=None)
    return None if most is None or most >= FULL_PRECISION else most


def number_cell(value: float | None) -> str:
    """Write a number so that it comes back to the bit."""
    if value is None:
        return ""
    value = float(value)
    whole = math.isfinite(value) and value.is_integer() and abs(value) < 2**53 and math.copysign(1.0, value) > 0
    return str(int(value)) if whole else repr(value)


def flag_cell(value: bool | None) -> str:  # noqa: FBT001 - a cell holds one value
    """Write a yes or no."""
    return "" if value is None else str(value).lower()


def percent_cell(value: float) -> str:
    """Write a level of confidence in percent."""
    return f"{number_cell(value * 100)}%"


def text_cell(text: str | None) -> str:
    """Write a text so that no spreadsheet runs it and it comes back as it was; None is an empty cell."""
    if text is None:
        return ""
    if text == "" or text[0] in "\\#" or text.strip().casefold() in MISSING or _LITERAL.search(text):
        return "\\" + _LITERAL.sub(lambda found: f"\\u{ord(found[0]):04x}", text.replace("\\", "\\\\"))
    return guarded_cell(text)


def text_of(cell: str) -> str:
    """Read what `text_cell` wrote."""
    if cell.startswith("\\"):
        return _ESCAPED.sub(lambda found: chr(int(found[2], 16)) if found[2] else "\\", cell[1:])
    return unguarded_cell(cell)


def value_cell(value: object) -> str:
    """Write a text, number, flag or nothing so that its kind comes back too; raises `FormatError` for others."""
    if value is None:
        return NONE_CELL
    if isinstance(value, bool):
        return flag_cell(value)
    if isinstance(value, int | float):
        return repr(value) if isinstance(value, int) else repr(float(value))
    if isinstance(value, str):
        plain = text_cell(value)
        taken = value in {"true", "false"} or number_of(value) is not None
        return f"\\{value}" if taken else plain
    msg = f"cannot write {value!r}: texts, numbers and flags are written"
    raise FormatError(msg)


def value_of(cell: str) -> Any:  # noqa: ANN401 - of whichever kind was written
    """Read what `value_cell` wrote."""
    special: dict[str, Any] = {NONE_CELL: None, ABSENT_CELL: ABSENT, "true": True, "false": False}
    if cell in special:
        return special[cell]
    number = number_of(cell)
    if number is None:
        return text_of(cell)
    return int(cell) if _WHOLE.fullmatch(cell) else number
