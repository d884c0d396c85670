"""Render drawings by matplotlib's canvases directly: no pyplot, no global state, the same bytes every time."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, Any

from evisynth import MissingExtraError
from evisynth_reporters.drawing import TEXT_SIZE, Curve, Disc, Drawing, Label, Line, Measure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties

    from evisynth_reporters.drawing import Point, Shape

FONT = "DejaVu Sans"
"""Comes with matplotlib, so that a figure looks alike on every machine."""
POINTS_PER_INCH = 72.0
MOST_PIXELS = 16000
"""Longest side of a bitmap, beyond which its resolution is lower: browsers and viewers refuse 2¹⁴."""
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


@cache
def text_measure(dpi: float) -> Measure:
    """Give a function that measures texts as the renderer of bitmaps sets them at a resolution."""
    renderer = _matplotlib("backends.backend_agg").RendererAgg(1, 1, dpi)

    @cache
    def width(text: str, *, bold: bool = False, size: float = TEXT_SIZE) -> float:
        shown, style = drawable(text, bold=bold), font(size, bold=bold)
        return float(renderer.get_text_width_height_descent(shown, style, ismath=False)[0]) * POINTS_PER_INCH / dpi

    return width


@cache
def font(size: float, *, bold: bool) -> FontProperties:
    """State a font in full, its file too, so that none of a user's defaults changes the figure and none is searched."""
    manager = _matplotlib("font_manager")
    plain = manager.FontProperties(family=[FONT], weight="bold" if bold else "normal")
    made: FontProperties = manager.FontProperties(
        family=[FONT],
        fname=manager.findfont(plain),
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


def font_file(*, bold: bool) -> str:
    """Give the file of the font that texts are measured and drawn with."""
    return str(font(TEXT_SIZE, bold=bold).get_file())


@cache
def _characters(*, bold: bool) -> frozenset[int]:
    manager = _matplotlib("font_manager")
    return frozenset(manager.get_font(manager.findfont(font(TEXT_SIZE, bold=bold))).get_charmap())


def to_figure(drawing: Drawing, dpi: float) -> Figure:
    """Put a drawing on a figure of its size."""
    figure = _figure(drawing, dpi)
    upwards = _matplotlib("transforms").Affine2D().scale(1, -1).translate(0, drawing.height)
    place = upwards.scale(1 / POINTS_PER_INCH) + figure.dpi_scale_trans
    for artist in _artists(drawing, place, 1.0):
        figure.add_artist(artist)
    return figure


def onto_axes(drawing: Drawing, ax: Any) -> Any:  # noqa: ANN401 - large parts of matplotlib have no types
    """Put a drawing on axes, as large as fits in them, letters and lines with it; new axes for None."""
    if ax is None:
        own: Any = _figure(drawing, 100.0)
        ax = own.add_axes((0.0, 0.0, 1.0, 1.0))
    figure = ax.get_figure(root=True)
    box = ax.get_position()
    width, height = (float(side) * POINTS_PER_INCH for side in figure.get_size_inches())
    scale = min(box.width * width / drawing.width, box.height * height / drawing.height)
    ax.set_axis_off()
    ax.set(xlim=(0.0, drawing.width), ylim=(drawing.height, 0.0))
    ax.set_aspect("equal", adjustable="box", anchor="C")
    for artist in _artists(drawing, ax.transData, scale):
        # Nothing of the sheet is outside the axes, and clipping would cut the halves of lines along its edge.
        artist.set_clip_on(False)
        ax.add_artist(artist)
    return ax


def _figure(drawing: Drawing, dpi: float) -> Figure:
    made: Figure = _matplotlib("figure").Figure(
        figsize=(drawing.width / POINTS_PER_INCH, drawing.height / POINTS_PER_INCH),
        dpi=dpi,
        facecolor="white",
        edgecolor="white",
        linewidth=0,
        frameon=True,
        layout="none",
    )
    return made


def _artists(drawing: Drawing, place: Any, scale: float) -> Iterator[Any]:  # noqa: ANN401 - large parts of matplotlib have no types
    for order, item in enumerate(drawing.flat):
        if isinstance(item, Label):
            made = _text(item, place, scale)
        elif isinstance(item, Line):
            made = _line(item, place, scale)
        elif isinstance(item, Curve):
            made = _curve(item, place, scale)
        else:
            made = _filled(item, place, scale)
        # Else matplotlib would draw all shapes first, then all lines.
        made.set_zorder(order)
        yield made


def _text(label: Label, place: Any, scale: float) -> Any:  # noqa: ANN401 - large parts of matplotlib have no types
    return _matplotlib("text").Text(
        label.x,
        label.y,
        drawable(label.text, bold=label.bold),
        fontproperties=font(label.size * scale, bold=label.bold),
        color=label.colour,
        # Of a text that is turned, matplotlib aligns the box that results.
        ha="right" if label.upright else label.align,
        va={"left": "bottom", "center": "center", "right": "top"}[label.align] if label.upright else "baseline",
        rotation=90.0 if label.upright else 0.0,
        transform=place,
        # Names come from data: a $ in them is a $.
        parse_math=False,
        usetex=False,
    )


def _line(line: Line, place: Any, scale: float) -> Any:  # noqa: ANN401 - large parts of matplotlib have no types
    made = _stroke((line.start, line.end), line, place, scale)
    made.set_snap(True)
    return made


def _curve(curve: Curve, place: Any, scale: float) -> Any:  # noqa: ANN401 - large parts of matplotlib have no types
    made = _stroke(curve.points, curve, place, scale)
    made.set_alpha(curve.opacity)
    return made


def _stroke(points: tuple[Point, ...], stroke: Line | Curve, place: Any, scale: float) -> Any:  # noqa: ANN401 - as above
    made = _matplotlib("lines").Line2D(
        [x for x, _ in points],
        [y for _, y in points],
        color=stroke.colour,
        linewidth=stroke.width * scale,
        marker="",
        solid_capstyle="butt",
        dash_capstyle="butt",
        solid_joinstyle="round",
        antialiased=True,
        transform=place,
    )
    # Lengths of dashes are multiples of the line's width to matplotlib.
    dashes = tuple(length / stroke.width for length in stroke.dash)
    made.set_linestyle((0, dashes) if dashes else "-")
    return made


def _filled(shape: Shape | Disc, place: Any, scale: float) -> Any:  # noqa: ANN401 - large parts of matplotlib have no types
    patches = _matplotlib("patches")
    look: dict[str, Any] = {
        "facecolor": shape.colour or "none",
        "edgecolor": shape.edge or "none",
        "linewidth": shape.edge_width * scale if shape.edge else 0,
        "joinstyle": "miter",
        "alpha": shape.opacity,
        "antialiased": True,
        "transform": place,
    }
    if isinstance(shape, Disc):
        return patches.Circle(shape.centre, shape.radius, **look)
    return patches.Polygon(shape.corners, closed=True, **look)


def to_bytes(drawing: Drawing, suffix: str, dpi: float) -> bytes:
    """Render a drawing as PNG, SVG or PDF, without a date or anything else that changes from run to run.

    The canvases are told to print by themselves: ``Figure.savefig`` would look at the user's defaults.
    """
    if suffix == ".png":
        # The painter measures by this module.
        from evisynth_reporters.bitmap import to_png  # noqa: PLC0415 - as said

        longest = max(drawing.width, drawing.height) / POINTS_PER_INCH
        return to_png(drawing, min(dpi, MOST_PIXELS / longest))
    held = BytesIO()
    if suffix == ".svg":
        figure = to_figure(drawing, POINTS_PER_INCH)
        _matplotlib("backends.backend_svg").FigureCanvasSVG(figure).print_svg(held, metadata={"Date": None})
    else:
        figure = to_figure(drawing, POINTS_PER_INCH)
        _matplotlib("backends.backend_pdf").FigureCanvasPdf(figure).print_pdf(held, metadata={"CreationDate": None})
    return held.getvalue()
