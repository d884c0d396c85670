"""Draw the figures of an article: as parts of a page, or as bitmaps with a text for those who cannot see them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import attrs

from evisynth import EvisynthError, Reporter, render
from evisynth_reporters import canvas, printed
from evisynth_reporters.drawing import Label
from evisynth_reporters.figure import Figure
from evisynth_reporters.marked_up import attribute, text

if TYPE_CHECKING:
    from evisynth import FigureSpec
    from evisynth_reporters.article import Picture
    from evisynth_reporters.drawing import Drawing, Measure
    from evisynth_reporters.words import Words

DPI = 150.0
"""Resolution of bitmaps in documents, which are printed."""


@attrs.frozen
class Bitmap:
    """Hold a figure as PNG, its size in points, and what it shows in words."""

    png: bytes
    width: float
    height: float
    description: str


class Letters:
    """Remember which letters the figures of a page use: the page carries no others."""

    def __init__(self) -> None:
        """Begin with none."""
        self._used: dict[bool, set[str]] = {False: set(), True: set()}

    def of(self, drawing: Drawing) -> None:
        """Take those of a drawing."""
        for item in drawing.flat:
            if isinstance(item, Label):
                self._used[item.bold].update(item.text)

    @property
    def labels(self) -> list[Label]:
        """A label of all plain letters and one of all bold ones."""
        return [Label("".join(sorted(used)), 0.0, 0.0, bold=bold) for bold, used in self._used.items() if used]


@attrs.frozen
class Painter:
    """Draw pictures, with one measure for all their texts: the same names are in many of them."""

    words: Words
    letters: Letters = attrs.field(factory=Letters)
    measure: Measure = attrs.field(factory=lambda: canvas.text_measure(canvas.VECTOR_DPI))
    """Of texts of pages."""
    bitmap_measure: Measure = attrs.field(factory=lambda: canvas.text_measure(DPI))

    def in_page(self, picture: Picture) -> str:
        """Give the part of a page that shows it; where it cannot be drawn, the reason."""
        try:
            record, spec = self._asked(picture)
            if not isinstance(record.function, Figure):
                return self._image(picture, spec)
            block = record.function.block(
                picture.result,
                spec,
                self.measure,
                title=picture.title,
                description=picture.description,
                identifier=picture.identifier,
                leave_out=picture.leave_out,
            )
        except EvisynthError as error:
            return f'<p class="note">{text(self._not_drawn(picture, error))}</p>'
        for drawing in block.drawings:
            self.letters.of(drawing)
        return block.html

    def _image(self, picture: Picture, spec: FigureSpec) -> str:
        """Hold a figure of which only a file is to be had."""
        drawn = render(picture.result, spec, suffix=".svg", registry=picture.registry)
        content = base64.b64encode(drawn if isinstance(drawn, bytes) else str(drawn).encode()).decode()
        described = attribute(picture.description or picture.title)
        return f'<div class="image"><img src="data:image/svg+xml;base64,{content}" alt="{described}"></div>'

    def bitmap(self, picture: Picture) -> Bitmap | str:
        """Draw it for a document; gives the reason where it cannot be drawn."""
        try:
            record, spec = self._asked(picture)
            if isinstance(record.function, Figure):
                drawing = record.function.lay_out(picture.result, spec, self.bitmap_measure)
                size, said = (drawing.width, drawing.height), drawing.description
                png = canvas.to_bytes(drawing, ".png", DPI)
            else:
                drawn = render(picture.result, spec, suffix=".png", registry=picture.registry)
                png, said = drawn if isinstance(drawn, bytes) else b"", ""
                size = _size_of_png(png)
        except EvisynthError as error:
            return self._not_drawn(picture, error)
        return Bitmap(png, *size, said or picture.description or picture.title)

    def _asked(self, picture: Picture) -> tuple[Reporter, FigureSpec]:
        record = picture.registry.get(Reporter, picture.figure)
        assert record.spec is not None  # noqa: S101 - whoever put it there has asked
        return record, record.spec.of({"language": self.words.language, "dpi": DPI})

    def _not_drawn(self, picture: Picture, error: EvisynthError) -> str:
        reason = printed.one_line(str(error))
        return self.words("{figure} could not be drawn: {reason}", figure=picture.title, reason=reason)


def _size_of_png(png: bytes) -> tuple[float, float]:
    """Read width and height of a bitmap, in points at the documents' resolution."""
    pixels = (int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big"))
    width, height = (side * canvas.POINTS_PER_INCH / DPI for side in pixels)
    return width, height
