"""Render drawings by matplotlib's canvases directly: no pyplot, no global state, the same bytes every time."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, Any

from evisynth import MissingExtraError
from evisynth_reporters.drawing import BLACK, TEXT_SIZE, Drawing, Label, Line, Measure

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties

    from evisynth_reporters.drawing import Shape

FONT = "DejaVu Sans"
"""Comes with matplotlib, so that a figure looks alike on every machine."""
POINTS_PER_INCH = 72.0
MOST_PIXELS = 32000
"""Longest side of a bitmap; Agg refuses 2¹⁶ and viewers much less."""
VECTOR_DPI = 288.0
"""Resolution to measure text at for vector formats, whose letters are not fitted to pixels."""

MEDIA_TYPES = {".png": "image/png", ".svg": "image/svg+xml", ".pdf": "application/pdf"}


def require_matplotlib(what: str) -> None:
    """Raise `MissingExtraError` where matplotlib is absent."""
    try:
        import_module("matplotlib")
    except ImportError as error:
        raise MissingExtraError(what, "matplotlib", "plots") from error


def _matplotlib(module: str) -> Any:  # noqa: ANN401 - large parts of matplotlib have no types
    """Import a part of matplotlib, which only figures need."""
    return import_module(f"matplotlib.{module}")


def text_measure(dpi: float) -> Measure:
    """Give a function that measures texts as the renderer of bitmaps sets them at a resolution."""
    renderer = _matplotlib("backends.backend_agg").RendererAgg(1, 1, dpi)

    @cache
    def width(text: str, *, bold: bool = False, size: float = TEXT_SIZE) -> float:
        shown, style = drawable(text, bold=bold), font(size, bold=bold)
        return float(renderer.get_text_width_height_descent(shown, style, ismath=False)[0]) * POINTS_PER_INCH / dpi

    return width


def font(size: float, *, bold: bool) -> FontProperties:
    """State a font in full, so that none of a user's defaults changes the figure."""
    made: FontProperties = _matplotlib("font_manager").FontProperties(
        family=[FONT],
        style="normal",
        variant="normal",
        weight="bold" if bold else "normal",
        stretch="normal",
        size=size,
        math_fontfamily="dejavusans",
    )
    return made


def drawable(text: str, *, bold: bool) -> str:
    """Put a box in place of characters that the font lacks, which would else be drawn as one with a warning each."""
    if text.isascii():
        return text
    known = _characters(bold=bold)
    return "".join(character if ord(character) in known else "□" for character in text)


@cache
def _characters(*, bold: bool) -> frozenset[int]:
    manager = _matplotlib("font_manager")
    return frozenset(manager.get_font(manager.findfont(font(TEXT_SIZE, bold=bold))).get_charmap())


def to_figure(drawing: Drawing, dpi: float) -> Figure:
    """Put a drawing on a figure of its size; its texts are the figure's ``texts``."""
    figure: Figure = _matplotlib("figure").Figure(
        figsize=(drawing.width / POINTS_PER_INCH, drawing.height / POINTS_PER_INCH),
        dpi=dpi,
        facecolor="white",
        edgecolor="white",
        linewidth=0,
        frameon=True,
        layout="none",
    )
    upwards = _matplotlib("transforms").Affine2D().scale(1, -1).translate(0, drawing.height)
    place = upwards.scale(1 / POINTS_PER_INCH) + figure.dpi_scale_trans
    for item in drawing.items:
        if isinstance(item, Label):
            _write(figure, item, place)
        else:
            figure.add_artist(_line(item, place) if isinstance(item, Line) else _shape(item, place))
    return figure


def _write(figure: Any, label: Label, place: Any) -> None:  # noqa: ANN401 - large parts of matplotlib have no types
    figure.text(
        label.x,
        label.y,
        drawable(label.text, bold=label.bold),
        fontproperties=font(label.size, bold=label.bold),
        color=BLACK,
        ha=label.align,
        va="baseline",
        transform=place,
        # Names come from data: a $ in them is a $.
        parse_math=False,
        usetex=False,
    )


def _line(line: Line, place: Any) -> Any:  # noqa: ANN401 - large parts of matplotlib have no types
    made = _matplotlib("lines").Line2D(
        [line.start[0], line.end[0]],
        [line.start[1], line.end[1]],
        color=line.colour,
        linewidth=line.width,
        linestyle="-",
        marker="",
        solid_capstyle="butt",
        antialiased=True,
        transform=place,
    )
    made.set_snap(True)
    return made


def _shape(shape: Shape, place: Any) -> Any:  # noqa: ANN401 - large parts of matplotlib have no types
    return _matplotlib("patches").Polygon(
        shape.corners, closed=True, facecolor=shape.colour, linewidth=0, antialiased=True, transform=place
    )


def to_bytes(drawing: Drawing, suffix: str, dpi: float) -> bytes:
    """Render a drawing as PNG, SVG or PDF, without a date or anything else that changes from run to run.

    The canvases are told to print by themselves: ``Figure.savefig`` would look at the user's defaults.
    """
    held = BytesIO()
    if suffix == ".png":
        longest = max(drawing.width, drawing.height) / POINTS_PER_INCH
        figure = to_figure(drawing, min(dpi, MOST_PIXELS / longest))
        _matplotlib("backends.backend_agg").FigureCanvasAgg(figure).print_png(held, metadata={"Software": None})
    elif suffix == ".svg":
        figure = to_figure(drawing, POINTS_PER_INCH)
        _matplotlib("backends.backend_svg").FigureCanvasSVG(figure).print_svg(held, metadata={"Date": None})
    else:
        figure = to_figure(drawing, POINTS_PER_INCH)
        _matplotlib("backends.backend_pdf").FigureCanvasPdf(figure).print_pdf(held, metadata={"CreationDate": None})
    return held.getvalue()
