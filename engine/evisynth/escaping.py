"""Make text from outside harmless in the place that shows it: a terminal, a spreadsheet."""

from __future__ import annotations

import re
import unicodedata

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?")
# Format characters that turn the order of what follows; those that join letters stay, some scripts need them.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def printable(text: str, *, keep: str = "") -> str:
    r"""Show control characters as escapes (``\x1b``), so that text cannot steer a terminal; those in ``keep`` stay."""
    if text.isprintable():
        return text
    return "".join(_shown(character, keep) for character in text)


def _shown(character: str, keep: str) -> str:
    steers = unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or character in _TURNING
    return character.encode("unicode_escape").decode() if steers and character not in keep else character


def guarded_cell(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would run as a formula; numbers stay as they are."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def unguarded_cell(text: str) -> str:
    """Take away the apostrophe that `guarded_cell` puts."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text
