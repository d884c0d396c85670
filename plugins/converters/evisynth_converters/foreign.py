"""Tell what a file is that is not what its name says: an error page, an archive, a picture."""

from __future__ import annotations

_MARKS = {
    b"PK\x03\x04": "a ZIP file or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\x1f\x8b": "a compressed file",
}
_PAGE = (b"<!doctype html", b"<html", b"<head", b"<body")


def foreign_kind(content: bytes) -> str | None:
    """Name the kind of a file that holds no text of a table or a review; None where it may hold one."""
    for mark, kind in _MARKS.items():
        if content.startswith(mark):
            return kind
    start = content[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith(_PAGE):
        return "an HTML page (perhaps the log-in or error page of a web site)"
    if not content.startswith((b"\xff\xfe", b"\xfe\xff")) and b"\0" in content:
        return "a binary file"
    return None
