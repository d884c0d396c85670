"""Escape texts for XML and HTML, and leave out what neither may hold."""

from __future__ import annotations

from html import escape

_NOT_IN_XML = dict.fromkeys([
    *(code for code in range(0x20) if code not in {0x09, 0x0A, 0x0D}),
    *(*range(0x7F, 0xA0), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF),
])  # fmt: skip


def legal(content: str) -> str:
    """Leave out the characters that XML may not hold."""
    return content.translate(_NOT_IN_XML)


def text(content: str) -> str:
    """Escape a text that stands between tags."""
    return escape(legal(content), quote=False)


def attribute(content: str) -> str:
    """Escape a text that stands within double quotes."""
    return escape(legal(content), quote=True).replace("\n", "&#10;")
