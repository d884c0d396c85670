"""Take the words of a review's long texts, which may hold the markup of the file that they come from."""

from __future__ import annotations

import re
from html import unescape

_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9_]*)(?:\s[^<>]*)?/?>")
_PARTING = frozenset({"P", "BR", "DIV", "UL", "OL", "TABLE", "TR", "H1", "H2", "H3", "H4", "H5", "H6", "SUBSECTION"})
_KNOWN = _PARTING | {
    *("A", "B", "EM", "I", "LI", "LINK", "SPAN", "STRONG", "SUB", "SUP", "TBODY", "TD", "TH", "THEAD", "U"),
    *("TITLE", "HEADING", "EXTENSION", "RHEADING", "SMALL", "S"),
}


def words_of_text(given: str | None) -> str:
    """Give the words, a line for each paragraph and item; tags that no such text is made of are words like others."""
    if not given:
        return ""
    if not any(found[1].upper() in _KNOWN for found in _TAG.finditer(given)):
        return given.strip()
    said = unescape(_TAG.sub(_replaced, " ".join(given.split())))
    return "\n".join(line for line in (" ".join(line.split()) for line in said.splitlines()) if line)


def _replaced(found: re.Match[str]) -> str:
    name = found[1].upper()
    if name not in _KNOWN:
        return found[0]
    if name in _PARTING:
        return "\n"
    if name == "LI":
        return "\n" if found[0].startswith("</") else "\n• "
    return " " if name in {"TD", "TH"} else ""
