"""Take a printed number for what it says: that the true one lies within half a unit of its last digit."""

from __future__ import annotations

import math
import re
from decimal import Decimal, InvalidOperation
from fractions import Fraction

import attrs

from evisynth.errors import DataError
from evisynth.tables import MISSING

_MINUS = str.maketrans({"\u2212": "-", "\u2013": "-", "\u2010": "-", "\u2011": "-", "\u00a0": " ", "\u202f": " "})
_POWER = re.compile(r"\s*[x×*·]\s*10\s*(?:\^|\*\*)?\s*\(?(?P<power>[+-]?\d+)\)?$")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_RELATION = re.compile(r"^(?:[a-zA-Z²]+(?:\s+|(?=[<>=≤≥])))?(?P<sign><=|>=|[<>=≤≥])?\s*(?P<rest>.*)$", re.DOTALL)
_MAX_DIGITS = 60
_SLACK = 1e-9
"""Part of half a unit by which bounds are widened, so that no rounding of ours makes a contradiction."""


@attrs.frozen
class Printed:
    """Hold a number as printed, and the bounds (both included) between which the true one lies.

    Which way halves were rounded is not known, so both ends belong to it.
    """

    low: float
    high: float
    text: str

    def __str__(self) -> str:
        """Show what is printed."""
        return self.text

    def meets(self, low: float, high: float) -> bool:
        """Whether some number between ``low`` and ``high`` prints so."""
        slack = _SLACK * max(abs(low), abs(high)) if math.isfinite(low) and math.isfinite(high) else 0.0
        return low - slack <= self.high and high + slack >= self.low

    def divided(self, by: float) -> Printed:
        """Give the bounds over a number above 0."""
        return Printed(self.low / by, self.high / by, self.text)

    def logarithm(self) -> Printed:
        """Give the bounds of the natural logarithm; one that starts at 0 or below has no lower bound."""

        def log(value: float) -> float:
            return math.log(value) if value > 0.0 else -math.inf

        return Printed(log(self.low), log(self.high), self.text)


def read_printed(text: str, *, decimal_comma: bool = False) -> Printed | None:
    """Read ``0.58``, ``−1,27``, ``1.2e-5``, ``3 × 10⁻⁴``, ``34%``, ``P < 0.001``, ``>0.05``; None where it is missing.

    Zeros at the end count as digits. A comma is a decimal comma where that is said, or where it can be nothing else.
    Raises `DataError` for a text that is no number.
    """
    given = text.strip()
    if given.casefold() in MISSING:
        return None
    found = _RELATION.match(given.translate(_SUPERSCRIPTS).translate(_MINUS))
    assert found is not None  # noqa: S101 - everything in the pattern is optional
    digits, exponent = _plain(found["rest"].strip().removesuffix("%").strip(), decimal_comma=decimal_comma)
    if not _NUMBER.fullmatch(digits) or len(digits) > _MAX_DIGITS or abs(exponent) > _MAX_DIGITS:
        raise DataError(_not_printed(text))
    try:
        value = Decimal(digits).scaleb(exponent)
        power = value.as_tuple().exponent
        half = Decimal(5).scaleb(int(power) - 1)
    except (InvalidOperation, OverflowError):
        raise DataError(_not_printed(text)) from None
    shown = " ".join(given.split())
    bound = float(value)
    if not math.isfinite(bound):
        raise DataError(_not_printed(text))
    sign = found["sign"]
    if sign in {"<", "<=", "≤"}:
        return Printed(-math.inf, bound, shown)
    if sign in {">", ">=", "≥"}:
        return Printed(bound, math.inf, shown)
    slack = float(half) * _SLACK
    return Printed(float(value - half) - slack, float(value + half) + slack, shown)


def _plain(text: str, *, decimal_comma: bool) -> tuple[str, int]:
    power = _POWER.search(text)
    exponent = 0
    if power is not None and len(power["power"]) < 6:  # noqa: PLR2004 - digits of the largest power that is looked at
        text, exponent = text[: power.start()], int(power["power"])
    if decimal_comma:
        return text.replace(".", "").replace(",", "."), exponent
    if text.count(",") == 1 and "." not in text and not re.search(r"[1-9]\d{0,2},\d{3}$", text):
        return text.replace(",", "."), exponent
    return re.sub(r"(?<=\d),(?=\d{3}(\D|$))", "", text), exponent


def _not_printed(text: str) -> str:
    shown = repr(text if len(text) <= 40 else f"{text[:39]}…")  # noqa: PLR2004 - a line of a message
    return f"{shown} is not a number as papers print them, such as '0.58', '34%' or 'P < 0.001'"


def printed_double(value: float) -> Printed | None:
    """Take a number in memory as if printed with the digits that it has; None for NaN.

    Zeros at the end are lost there, so the bounds may be wider than those of the number on paper, never narrower.
    """
    if math.isnan(value):
        return None
    return Printed(value, value, f"{value}") if math.isinf(value) else read_printed(repr(float(value)))


def stored(value: float, decimals: int | None, *, relative: float = 1e-6, absolute: float = 0.0) -> Printed:
    """Take a number that a file stores, rounded to ``decimals`` (None: a double, ``relative`` accuracy)."""
    half = relative * abs(value) + absolute if decimals is None else 0.5 * 10.0**-decimals * (1.0 + _SLACK)
    shown = f"{value:.6g}" if decimals is None else f"{value:.{decimals}f}".rstrip("0").rstrip(".") or "0"
    return Printed(value - half, value + half, shown)


def fractions(number: Printed) -> tuple[Fraction, Fraction]:
    """Give the bounds as fractions, for arithmetic without rounding."""
    return Fraction(number.low), Fraction(number.high)
