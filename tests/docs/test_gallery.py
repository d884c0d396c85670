"""Figures look as their pictures in the gallery do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import evisynth as es

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOCS = Path(__file__).resolve().parents[2] / "docs"
sys.path.insert(0, str(DOCS))

from gallery import DPI, FOLDER, PAGE, Picture, page, pictures  # noqa: E402 - the folder of the script is no package

TOLERANCE = 6.0
"""Root of the mean square of differences of pixels, of 255: the pictures have fewer colours than the figures."""


def compared(picture: Picture) -> Any:  # noqa: ANN401 - pytest's own type is private
    """Compare with the picture of that name; drawings of many studies take their time and wait for the sweep."""
    name = f"{picture.name}.png"
    look = pytest.mark.mpl_image_compare(
        baseline_dir=str(FOLDER),
        filename=name,
        tolerance=TOLERANCE,
        # The plugin's own style hints letters in another way, which changes their widths.
        style="default",
        savefig_kwargs={"dpi": DPI},
    )
    many = (pytest.mark.sweep,) if picture.data.startswith("200") else ()
    return pytest.param(picture, marks=(look, *many), id=picture.name)


@pytest.mark.parametrize("picture", [compared(picture) for picture in pictures()])
def test_the_figure_looks_as_its_picture(picture: Picture) -> Figure:
    return picture.drawn()


def test_the_page_shows_every_picture_and_no_other() -> None:
    every = list(pictures())
    assert PAGE.read_text(encoding="utf-8") == page(every)
    assert {file.name for file in FOLDER.glob("*.png")} == {f"{picture.name}.png" for picture in every}
    assert {picture.figure for picture in every} == {
        record.name for record in es.default_registry().all(es.Reporter) if record.spec is not None
    }
