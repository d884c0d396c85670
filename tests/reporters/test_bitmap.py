"""Bitmaps: letters take the room that was measured, turned ones too, and colours are where the drawing has them."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from evisynth_reporters.drawing import Curve, Disc, Drawing, Label, Line, Shape

if TYPE_CHECKING:
    from evisynth_reporters.drawing import Align, Item

pytest.importorskip("matplotlib")

from PIL import Image, ImageChops

from evisynth_reporters.bitmap import to_png
from evisynth_reporters.canvas import text_measure

DPI = 144.0
FOOTER = "Heterogeneity: Tau² = 0.02; Chi² = 7.10, df = 6 (P = 0.31); I² = 15%"
TEXTS = ["Study or Subgroup", "0.72 [0.49, 1.06]", FOOTER, "−1.5", "i", "W" * 30]


def painted(*items: Item, width: float = 600.0, height: float = 80.0) -> Image.Image:
    return Image.open(BytesIO(to_png(Drawing(width, height, items), DPI))).convert("RGB")


def ink(image: Image.Image) -> tuple[float, float, float, float]:
    """Give the edges of what is not white, in points."""
    box = ImageChops.difference(image, Image.new("RGB", image.size, "white")).getbbox()
    assert box is not None
    left, top, right, bottom = (edge * 72.0 / DPI for edge in box)
    return left, top, right, bottom


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("bold", [False, True])
def test_texts_take_the_room_that_was_measured(text: str, *, bold: bool) -> None:
    measured = text_measure(DPI)(text, bold=bold)
    aligned: dict[Align, float] = {"left": 100.0, "center": 300.0, "right": 590.0}
    for align, x in aligned.items():
        begin = x - {"left": 0.0, "center": 0.5, "right": 1.0}[align] * measured
        left, top, right, bottom = ink(painted(Label(text, x, 40.0, align, bold=bold)))
        assert left >= begin - 1.0 - 0.01 * measured
        assert right <= begin + 1.01 * measured + 1.0
        assert right - left >= measured - 4.0
        assert 30.0 < top < 40.0
        assert bottom < 43.5


@pytest.mark.parametrize("align", ["left", "center", "right"])
def test_upright_texts_run_up_the_page(align: Align) -> None:
    text = "Standard e"
    measured = text_measure(DPI)(text)
    left, top, right, bottom = ink(painted(Label(text, 50.0, 60.0, align, upright=True), height=130.0))
    assert 38.0 < left < 44.0
    assert right < 53.5
    assert abs((bottom - top) - measured) < 4.0
    middle = {"left": 60.0 - measured / 2, "center": 60.0, "right": 60.0 + measured / 2}[align]
    assert abs((top + bottom) / 2 - middle) < 2.5


def test_colours_are_where_they_are_drawn() -> None:
    image = painted(
        Shape(((10, 10), (30, 10), (30, 30), (10, 30)), "#ff0000", opacity=0.5),
        Disc((60, 20), 8, "#00ff00", "#000000", 1.0),
        Line((80, 20), (100, 20), 2.0, "#0000ff"),
        Curve(((110, 10), (130, 10), (130, 30)), 2.0, "#123456"),
        Line((140, 20), (180, 20), 2.0, "#0000ff", (10.0, 10.0)),
    )

    def at(x: float, y: float) -> tuple[int, ...]:
        found = image.getpixel((round(x * DPI / 72), round(y * DPI / 72)))
        assert isinstance(found, tuple)
        return found

    assert at(20, 20) == pytest.approx((255, 127, 127), abs=2)
    assert at(60, 20) == (0, 255, 0)
    assert at(90, 20) == (0, 0, 255)
    assert at(120, 10) == pytest.approx((0x12, 0x34, 0x56), abs=3)
    assert at(145, 20) == (0, 0, 255)
    assert at(155, 20) == (255, 255, 255)
    assert at(300, 60) == (255, 255, 255)


def test_bitmaps_say_their_resolution_and_nothing_else() -> None:
    drawing = Drawing(72.0, 36.0, (Label("x", 10.0, 20.0),))
    held = Image.open(BytesIO(to_png(drawing, DPI)))
    assert held.size == (144, 72)
    assert held.info["dpi"] == pytest.approx((DPI, DPI), abs=0.1)
    assert set(held.info) == {"dpi"}
