"""Parse XML from outside: no DTD, no entities, bounded in size and depth, whatever its bytes are said to be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError, TreeBuilder, fromstring, tostring

from evisynth import FormatError
from evisynth_converters.foreign import foreign_kind

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from evisynth import Source

MOST_BYTES = 32 * 1024 * 1024
"""Largest document that is parsed; a review of 900 rows has about 4 MB."""
MOST_ELEMENTS = 1_000_000
DEEPEST = 100
"""Elements within elements; a review has about fifteen levels."""

_DECLARED = re.compile(rb"^\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
# Codecs whose cost is that of reading; those of domain names, for one, take time by the square of the length.
_READ = re.compile(
    r"utf[-_]?(8|16|32)([-_]?[bl]e)?|iso[-_]?8859[-_]\d{1,2}|latin[-_]?\d|(windows|cp)[-_]?125\d|koi8[-_][ru]|mac[-_]?roman"
    r"|gb(k|2312|18030)|big5|shift[-_]jis|euc[-_](jp|kr)"
)
_WESTERN = frozenset({"iso-8859-1", "latin-1", "latin1", "iso8859-1", "windows-1252", "cp1252", "us-ascii", "ascii"})
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def parse(source: Source) -> Element:
    """Parse a file into elements.

    Bytes that are declared to be ISO-8859-1 are read as Windows' Western encoding, which its programs write under that
    name, and so are those that are declared to be UTF-8 and are not. An encoding that no review has is not believed.
    Raises `FormatError` for a DTD, an entity, a document beyond the limits, and what is no XML at all, with the place.
    """
    content = source.content
    if len(content) > MOST_BYTES:
        msg = f"{source.name} has {len(content):,} bytes; XML of up to {MOST_BYTES:,} is parsed"
        raise FormatError(msg)
    foreign = foreign_kind(content)
    if foreign is not None:
        msg = f"{source.name} is {foreign}, not an XML document"
        raise FormatError(msg)
    from defusedxml import DTDForbidden, EntitiesForbidden, ExternalReferenceForbidden  # noqa: PLC0415 - only for XML
    from defusedxml.ElementTree import DefusedXMLParser  # noqa: PLC0415 - as above

    text = _DECLARATION.sub("", _decoded(content, source.name))
    parser = DefusedXMLParser(target=_Builder(source.name), encoding="utf-8", forbid_dtd=True)
    try:
        parser.feed(text.encode())
        root: Element = parser.close()
    except (DTDForbidden, EntitiesForbidden, ExternalReferenceForbidden):
        msg = f"{source.name} declares a document type or entities, which no review needs: refused unread"
        raise FormatError(msg) from None
    except ParseError as error:
        line, column = error.position
        msg = (
            f"{source.name} is not well-formed XML: {str(error).partition(':')[0]} at line {line}, column {column + 1}"
        )
        raise FormatError(msg) from None
    return root


def _decoded(content: bytes, name: str) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError as error:
            msg = f"{name} opens as UTF-16 but is not: {error.reason} at byte {error.start + 1}"
            raise FormatError(msg) from None
    content = content.removeprefix(b"\xef\xbb\xbf")
    declared = _DECLARED.match(content[:200])
    encoding = declared[1].decode("ascii").lower() if declared else "utf-8"
    if encoding not in _WESTERN:
        try:
            return content.decode(encoding if _READ.fullmatch(encoding) else "utf-8")
        except (LookupError, UnicodeDecodeError):
            pass
    # The five bytes that this encoding leaves undefined stand for themselves, as they do in ISO-8859-1.
    return content.decode("cp1252", errors="surrogateescape").translate({0xDC00 + i: i for i in range(128, 160)})


class _Builder(TreeBuilder):
    """Build elements, and stop where a document has more of them, or deeper ones, than any review."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name, self._depth, self._count = name, 0, 0

    def start(self, tag: str, attrs: dict[str, Any], /) -> Element:
        self._depth += 1
        self._count += 1
        if self._depth > DEEPEST:
            msg = f"{self._name} nests elements deeper than {DEEPEST} levels: no review does"
            raise FormatError(msg)
        if self._count > MOST_ELEMENTS:
            msg = f"{self._name} has more than {MOST_ELEMENTS:,} elements: no review has"
            raise FormatError(msg)
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag)


def plain_text(element: Element | None) -> str:
    """Take all the text within an element, markup and repeated white space aside."""
    return "" if element is None else " ".join("".join(element.itertext()).split())


def serialised(element: Element) -> str:
    """Write an element, without what follows it, so that parsing gives it again."""
    tail, element.tail = element.tail, None
    try:
        # A carriage return in a text would come back as a line feed.
        return tostring(element, encoding="unicode").replace("\r", "&#13;")
    finally:
        element.tail = tail


def inner_markup(element: Element | None) -> str | None:
    """Take what is within an element: markup where it has some, else the text itself; None where there is nothing."""
    if element is None:
        return None
    if not len(element):
        return (element.text or "").strip() or None
    # Attribute values are escaped, so that the first ">" ends the tag.
    whole = serialised(element)
    return whole[whole.index(">") + 1 : whole.rindex("</")].strip()


def set_inner(element: Element, markup: str | None) -> None:
    """Put text or markup into an element so that `inner_markup` gives it again."""
    if markup is None:
        return
    try:
        made = fromstring(f"<X>{markup}</X>")  # noqa: S314 - in-memory text without a document type
    except (ParseError, ValueError):
        made = None
    if made is not None and len(made) and inner_markup(made) == markup:
        element.text = made.text
        element.extend(list(made))
    else:
        element.text = markup


def in_xml(text: str) -> str:
    """Replace characters that XML cannot hold."""
    return _NOT_IN_XML.sub("\ufffd", text)
