"""Hold a report as data: sections of paragraphs, lists, tables and figures, which pages and documents are made of.

Texts from outside are made fit to be shown as they come in; whoever renders an article only escapes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import attrs

from evisynth_reporters import printed
from evisynth_reporters.marked_up import legal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from evisynth import Registry

Tone: TypeAlias = Literal["plain", "note", "statistic"]
"""A ``note`` is something to look at, a ``statistic`` a line of numbers as printed under a forest plot."""


def shown(text: str) -> str:
    """Make a text fit to be shown: lines without control characters, nothing that turns writing around."""
    return legal("\n".join(line for line in map(printed.one_line, text.splitlines()) if line))


@attrs.frozen
class Link:
    """Lead to a section of the article by its identifier, or to an address that begins with ``https:``."""

    text: str = attrs.field(converter=shown)
    target: str

    @property
    def outward(self) -> bool:
        """Whether it leaves the article."""
        return self.target.startswith("https:")


Part: TypeAlias = "str | Link"
Parts: TypeAlias = tuple[Part, ...]


def _parts(given: str | Link | Iterable[str | Link]) -> Parts:
    held = (given,) if isinstance(given, str | Link) else tuple(given)
    # A part begins or ends with the space that parts it from its neighbour.
    return tuple(part if isinstance(part, Link) else _spaced(part) for part in held)


def _spaced(text: str) -> str:
    made = shown(text)
    before, after = text[:1] == " ", text[-1:] == " "
    return f"{' ' if before else ''}{made}{' ' if after and made else ''}"


def _rows(given: Iterable[str | Link | Iterable[str | Link]]) -> tuple[Parts, ...]:
    return tuple(map(_parts, given))


def _lines(given: str) -> str:
    return "\n".join(map(_code, given.splitlines()))


def _code(line: str) -> str:
    bare = line.lstrip(" ")
    return " " * (len(line) - len(bare)) + legal(printed.one_line(bare))


@attrs.frozen
class Paragraph:
    """Say something."""

    parts: Parts = attrs.field(converter=_parts)
    tone: Tone = "plain"


@attrs.frozen
class Listing:
    """List items."""

    items: tuple[Parts, ...] = attrs.field(converter=_rows)
    tone: Tone = "plain"


@attrs.frozen
class Heading:
    """Head a column; ``number`` columns are set to the right, ``wide`` ones hold prose, ``whole`` ones never break."""

    text: str = attrs.field(converter=shown)
    number: bool = False
    wide: bool = False
    whole: bool = False


@attrs.frozen
class Cells:
    """Hold a row: the first cell heads it. ``depth`` indents it; a ``band`` is one heading over the rows below."""

    cells: tuple[Parts, ...] = attrs.field(converter=_rows)
    depth: int = 0
    band: bool = False
    bold: bool = False


@attrs.frozen
class Grid:
    """Hold a table with what it is about; a ``quiet`` one stands under a heading that says so already."""

    caption: str = attrs.field(converter=shown)
    headings: tuple[Heading, ...]
    rows: tuple[Cells, ...]
    quiet: bool = False


@attrs.frozen
class Picture:
    """Hold what a figure shows; it is drawn where the article is rendered.

    ``description`` is said where the figure itself gives none; with ``leave_out`` readers can leave out its studies.
    """

    figure: str
    """Name of the reporter that draws it."""
    result: Any
    identifier: str
    title: str = attrs.field(converter=shown)
    description: str = attrs.field(converter=shown)
    registry: Registry
    leave_out: bool = False


@attrs.frozen
class Script:
    """Hold lines of code, spaces and all."""

    text: str = attrs.field(converter=_lines)


Block: TypeAlias = "Paragraph | Listing | Grid | Picture | Script"


@attrs.frozen
class Section:
    """Hold what stands under a heading, and the sections within."""

    identifier: str
    title: str = attrs.field(converter=shown)
    blocks: tuple[Block, ...] = ()
    sections: tuple[Section, ...] = ()
    place: str | None = None
    """Place of the outcome that it is about, for whoever waits."""

    @property
    def empty(self) -> bool:
        """Whether nothing stands in it."""
        return not self.blocks and not self.sections


@attrs.frozen
class Article:
    """Hold a whole report."""

    title: str = attrs.field(converter=shown)
    lead: tuple[Block, ...]
    """What stands between the title and the contents."""
    sections: tuple[Section, ...]
    close: str = attrs.field(converter=shown)
    """The last line: what it was made by."""

    @property
    def every_section(self) -> Iterator[tuple[int, Section]]:
        """Every section with its depth, from 1, in order."""
        yield from _within(self.sections, 1)


def _within(sections: Iterable[Section], depth: int) -> Iterator[tuple[int, Section]]:
    for section in sections:
        yield depth, section
        yield from _within(section.sections, depth + 1)
