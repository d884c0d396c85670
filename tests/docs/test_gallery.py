"""Figures look as their pictures in the gallery do."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import evisynth as es

DOCS = Path(__file__).resolve().parents[2] / "docs"
# The folder of the script is no package.
sys.path.insert(0, str(DOCS))
gallery: Any = import_module("gallery")

TOLERANCE = 1.0
"""Root of the mean square of differences of pixels, of 255: the pictures have fewer colours than the figures."""


def compared(picture: Any) -> Any:  # noqa: ANN401 - pytest's own type is private
    """Compare with the picture of that name; drawings of many studies take their time and wait for the sweep."""
    name = f"{picture.name}.png"
    look = pytest.mark.mpl_image_compare(
        baseline_dir=str(gallery.FOLDER),
        filename=name,
        tolerance=TOLERANCE,
        # The plugin's own style hints letters in another way, which changes their widths.
        style="default",
        savefig_kwargs={"dpi": gallery.DPI},
    )
    many = (pytest.mark.sweep,) if picture.data.startswith("200") else ()
    return pytest.param(picture, marks=(look, *many), id=picture.name)


@pytest.mark.parametrize("picture", [compared(picture) for picture in gallery.pictures()])
def test_the_figure_looks_as_its_picture(picture: Any) -> Any:  # noqa: ANN401 - matplotlib's figure, which is optional
    return picture.drawn()


def test_the_page_shows_every_picture_and_no_other() -> None:
    every = list(gallery.pictures())
    assert gallery.PAGE.read_text(encoding="utf-8") == gallery.page(every)
    assert {file.name for file in gallery.FOLDER.glob("*.png")} == {f"{picture.name}.png" for picture in every}
    assert {picture.figure for picture in every} == {
        record.name for record in es.default_registry().all(es.Reporter) if record.spec is not None
    }
