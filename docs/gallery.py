"""Draw every figure from small, large and founding data, and set the pictures on a page.

::

    python docs/gallery.py             # draw all pictures and write gallery.md
    python docs/gallery.py funnel      # draw those of some figures anew

The pictures are what the image tests compare with, so that a figure that looks different is seen.
"""  # noqa: INP001 - a script, not a package

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from gallery_data import analyses, regressions, reviews

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matplotlib.figure import Figure

FOLDER = Path(__file__).resolve().parent / "gallery"
PAGE = FOLDER.parent / "gallery.md"
DPI = 80.0
COLOURS = 256
"""A picture of lines and letters needs hardly more, and is a third as large."""

OF_REGRESSIONS = frozenset({"bubble"})
VARIANTS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "forest": (
        {"layout": "revman-web"},
        {"layout": "jama"},
        {"layout": "bmj"},
        {"layout": "plain", "models": "both"},
        {"form": "cumulative", "sort": "year"},
        {"form": "leave-one-out"},
        {"language": "de"},
    ),
    "funnel": ({"contours": True}, {"y_axis": "precision"}, {"palette": "colour-blind", "labels": "all"}),
    "gosh": ({"highlight": "Dilogo 2021"},),
    "drapery": ({"y_axis": "z"},),
    "profile": ({"likelihood": "both"},),
    "timeline": ({"bars": "participants"},),
    "risk-of-bias": ({"palette": "colour-blind"}, {"palette": "grey"}),
}
"""Figure → further options that are worth a picture, of the first data set alone."""


@attrs.frozen
class Picture:
    """Hold one picture of the gallery: which figure, of which data, with which options."""

    figure: str
    data: str
    result: Any = attrs.field(repr=False, eq=False)
    options: Mapping[str, Any] = attrs.field(factory=dict[str, Any])

    @property
    def name(self) -> str:
        """Name of its file, without suffix."""
        words = [self.figure, self.data, *(f"{key} {value}" for key, value in self.options.items())]
        return "-".join("".join(c if c.isalnum() else "-" for c in word.lower()) for word in words)

    def drawn(self) -> Figure:
        """Draw it."""
        figure: Figure = es.draw(self.result, self.figure, **self.options).get_figure()
        return figure


def pictures() -> Iterator[Picture]:
    """Go through all pictures, figure by figure."""
    for record in es.default_registry().all(es.Reporter):
        if record.spec is None:
            continue
        if record.of == "review data":
            data = reviews()
        else:
            data = regressions() if record.name in OF_REGRESSIONS else analyses()
        for name, result in data.items():
            yield Picture(record.name, name, result)
        first, result = next(iter(data.items()))
        for options in VARIANTS.get(record.name, ()):
            yield Picture(record.name, first, result, options)


def main(names: Sequence[str]) -> None:
    """Draw what is asked for, all without names, and write the page."""
    FOLDER.mkdir(exist_ok=True)
    every = list(pictures())
    for picture in every:
        if not names or picture.figure in names:
            (FOLDER / f"{picture.name}.png").write_bytes(_small(picture.drawn()))
    kept = {f"{picture.name}.png" for picture in every}
    for file in FOLDER.glob("*.png"):
        if file.name not in kept:
            file.unlink()
    PAGE.write_text(page(every), encoding="utf-8")


def _small(figure: Figure) -> bytes:
    from PIL import Image  # noqa: PLC0415 - comes with matplotlib

    full, held = BytesIO(), BytesIO()
    figure.savefig(full, format="png", dpi=DPI)
    image = Image.open(full).convert("RGB")
    image.quantize(COLOURS, kmeans=5, dither=Image.Dither.NONE).save(held, "PNG", optimize=True)
    return held.getvalue()


def page(every: Sequence[Picture]) -> str:
    """Write the page of some pictures."""
    lines = [
        "# Gallery",
        "",
        "Every figure, drawn by `python docs/gallery.py` from a founding analysis, from 60 studies, from 200 and one;",
        "each comes as PNG, SVG, PDF, as an interactive page (`.html`) and on axes of matplotlib (`evisynth.draw`).",
        "",
    ]
    figure = ""
    for picture in every:
        if picture.figure != figure:
            figure = picture.figure
            record = es.default_registry().get(es.Reporter, figure)
            lines += [f"## {figure}", "", f"{record.summary} Source: {record.reference}.", ""]
        asked = "".join(f", {key} = {value!r}" for key, value in picture.options.items())
        caption = f"{picture.data}{asked}"
        lines += [f"{caption}:", "", f"![{figure} of {caption}](gallery/{picture.name}.png)", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main(sys.argv[1:])
