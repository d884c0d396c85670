"""Carry the letters that a page uses within the page, so that it looks as it was measured wherever it is opened."""

from __future__ import annotations

import base64
from contextlib import closing
from functools import cache
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, Any

from evisynth_reporters.canvas import font_file

if TYPE_CHECKING:
    from evisynth_reporters.drawing import Label


def font_faces(labels: list[Label]) -> str:
    """Write the ``@font-face`` rules for the texts of drawings, with only the letters that they use."""
    rules: list[str] = []
    for bold in (False, True):
        letters = frozenset("".join(label.text for label in labels if label.bold == bold))
        if letters:
            held = base64.b64encode(_subset(letters, bold=bold)).decode()
            weight = "bold" if bold else "normal"
            source = f"url(data:font/woff;base64,{held}) format('woff')"
            rules.append(f"@font-face{{font-family:evisynth-sans;font-weight:{weight};src:{source}}}")
    return "".join(rules)


@cache
def _subset(letters: frozenset[str], *, bold: bool) -> bytes:
    """Cut DejaVu Sans, whose licence allows it, to some letters."""
    # fonttools comes with matplotlib, which every drawing is measured by.
    subset: Any = import_module("fontTools.subset")
    options = subset.Options(flavor="woff", layout_features=[], hinting=False, notdef_outline=True)
    # Letters are drawn without FontForge's own time stamps.
    options.drop_tables += ["FFTM"]
    held = BytesIO()
    with closing(subset.load_font(font_file(bold=bold), options)) as font:
        made = subset.Subsetter(options)
        made.populate(text="".join(sorted(letters)))
        made.subset(font)
        # A date of today would make every page another one.
        font["head"].modified = font["head"].created
        font.recalcTimestamp = False
        subset.save_font(font, held, options)
    return held.getvalue()
