"""Paint drawings as bitmaps by matplotlib's renderer and Pillow: no figure, no artists, nothing of the user's."""

from __future__ import annotations

import math
from functools import cache
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, Any

from evisynth_reporters.canvas import POINTS_PER_INCH, drawable, font_file
from evisynth_reporters.drawing import Curve, Disc, Label, Line

if TYPE_CHECKING:
    from evisynth_reporters.drawing import Drawing, Shape

COMPRESSION = 3
"""The highest level takes four times as long for a twentieth of the size."""
SHARES = {"left": 0.0, "center": 0.5, "right": 1.0}
ANCHORS = {"left": "ls", "center": "ms", "right": "rs"}
"""Pillow's words for the ends of a base line."""


def to_png(drawing: Drawing, dpi: float) -> bytes:
    """Paint a drawing on white and give it as PNG, without a date or anything else that changes from run to run.

    Letters come last: Pillow sets them many times as fast, from the same font.
    """
    scale = dpi / POINTS_PER_INCH
    width, height = round(drawing.width * scale), round(drawing.height * scale)
    agg = import_module("matplotlib.backends.backend_agg")
    brush = _Brush(agg.RendererAgg(width, height, dpi), scale)
    brush.fill_sheet(width, height)
    texts: list[Label] = []
    for item in drawing.flat:
        if isinstance(item, Label):
            texts.append(item)
        elif isinstance(item, Line | Curve):
            brush.stroke(item)
        else:
            brush.fill(item)
    image = import_module("PIL.Image").fromarray(brush.pixels)
    _write(image, texts, scale)
    held = BytesIO()
    image.save(held, format="png", compress_level=COMPRESSION, dpi=(dpi, dpi))
    return held.getvalue()


def _write(image: Any, texts: list[Label], scale: float) -> None:  # noqa: ANN401 - Pillow comes with matplotlib
    pen = import_module("PIL.ImageDraw").Draw(image)
    for label in texts:
        shown = drawable(label.text, bold=label.bold)
        letters = _letters(label.size * scale, bold=label.bold, plain=shown.isascii())
        x, y = label.x * scale, label.y * scale
        if label.upright:
            _write_upright(image, label, shown, letters, (x, y))
        else:
            pen.text((x, y), shown, fill=label.colour, font=letters, anchor=ANCHORS[label.align])


def _write_upright(image: Any, label: Label, shown: str, letters: Any, at: tuple[float, float]) -> None:  # noqa: ANN401 - as above
    """Write a text that runs up the page from a point, through a mask that is turned."""
    pillow, drawing = import_module("PIL.Image"), import_module("PIL.ImageDraw")
    ascent, descent = letters.getmetrics()
    width = math.ceil(letters.getlength(shown)) + 2
    mask = pillow.new("L", (width, ascent + descent), 0)
    drawing.Draw(mask).text((0, ascent), shown, fill=255, font=letters, anchor="ls")
    turned = mask.transpose(pillow.Transpose.ROTATE_90)
    top = round(at[1] - width + SHARES[label.align] * (width - 2))
    image.paste(label.colour, (round(at[0]) - ascent, top), turned)


@cache
def _letters(size: float, *, bold: bool, plain: bool) -> Any:  # noqa: ANN401 - as above
    """Load the font; writing that is not ``plain`` may run to the left and join its letters, where Pillow knows how."""
    fonts = import_module("PIL.ImageFont")
    simple = plain or not import_module("PIL.features").check("raqm")
    engine = fonts.Layout.BASIC if simple else fonts.Layout.RAQM
    return fonts.truetype(font_file(bold=bold), size, layout_engine=engine)


class _Brush:
    """Call the renderer in points with y running down."""

    def __init__(self, renderer: Any, scale: float) -> None:  # noqa: ANN401 - large parts of matplotlib have no types
        self.renderer, self.scale = renderer, scale
        transforms, self.path = import_module("matplotlib.transforms"), import_module("matplotlib.path").Path
        self.to_rgba = import_module("matplotlib.colors").to_rgba
        self.place = transforms.Affine2D().scale(scale, -scale).translate(0.0, renderer.height)

    @property
    def pixels(self) -> Any:  # noqa: ANN401 - as above
        return import_module("numpy").asarray(self.renderer.buffer_rgba())[..., :3].copy()

    def fill_sheet(self, width: float, height: float) -> None:
        corners = [(0.0, 0.0), (width / self.scale, 0.0), (width / self.scale, height / self.scale)]
        corners += [(0.0, height / self.scale), (0.0, 0.0)]
        self._painted(self.path(corners, closed=True), "#ffffff", None, 0.0, 1.0)

    def stroke(self, line: Line | Curve) -> None:
        points = line.points if isinstance(line, Curve) else (line.start, line.end)
        pen = self.renderer.new_gc()
        pen.set_foreground(line.colour)
        pen.set_alpha(line.opacity if isinstance(line, Curve) else 1.0)
        # Widths and dashes are in points to the renderer, places in pixels.
        pen.set_linewidth(line.width)
        pen.set_capstyle("butt")
        pen.set_joinstyle("round")
        if isinstance(line, Line):
            pen.set_snap(True)
        if line.dash:
            pen.set_dashes(0.0, list(line.dash))
        self.renderer.draw_path(pen, self.path(points), self.place, None)
        pen.restore()

    def fill(self, shape: Shape | Disc) -> None:
        if isinstance(shape, Disc):
            path = self.path.circle(shape.centre, shape.radius)
        else:
            path = self.path([*shape.corners, shape.corners[0]], closed=True)
        self._painted(path, shape.colour, shape.edge, shape.edge_width, shape.opacity)

    def _painted(self, path: Any, colour: str | None, edge: str | None, width: float, opacity: float) -> None:  # noqa: ANN401 - as above
        pen = self.renderer.new_gc()
        pen.set_foreground(edge or "#000000")
        pen.set_alpha(opacity)
        pen.set_linewidth(width if edge else 0.0)
        pen.set_joinstyle("miter")
        self.renderer.draw_path(pen, path, self.place, self.to_rgba(colour, opacity) if colour else None)
        pen.restore()
