"""Make a reporter of a function that lays out a drawing: bitmap, vector graphics, interactive page, axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import attrs

from evisynth import FigureSpec, MetaAnalysis, Reporter
from evisynth_reporters import canvas, printed
from evisynth_reporters.interactive import figure_block, page
from evisynth_reporters.left_out import results_without
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evisynth_reporters.drawing import Drawing, Measure
    from evisynth_reporters.interactive import Without

MEDIA_TYPES: Mapping[str, str] = {**canvas.MEDIA_TYPES, ".html": "text/html"}


class Layout(Protocol):
    """Lay out a result as a drawing.

    One that shows each study's part in the pooled result names ``whole`` as a further keyword: the analysis with every
    study, whose axes and columns it keeps to when one is left out.
    """

    def __call__(self, result: Any, spec: Any, measure: Measure, /, **whole: Any) -> Drawing:  # noqa: ANN401 - each figure has its own
        """Lay out a result by a spec, with a function that measures texts."""
        ...


@attrs.frozen
class Block:
    """Hold a figure as a page takes it: its ``div``, the drawing, and every drawing that it may come to show."""

    html: str
    drawing: Drawing
    drawings: tuple[Drawing, ...]


class Figure:
    """Render a result as a figure: what a reporter of one calls, and what larger pages take their figures from."""

    def __init__(self, lay_out: Layout | Callable[..., Drawing], *, leaves_out: bool) -> None:
        """Take the function that lays out; the figure is described as it is."""
        self.lay_out, self.leaves_out = lay_out, leaves_out
        self.__doc__ = lay_out.__doc__

    def __call__(self, result: Any, made: Any, *, suffix: str) -> bytes:  # noqa: ANN401 - each figure has its own
        """Render as bitmap, vector graphics or a page of its own."""
        canvas.require_matplotlib(f"the {made.figure} figure")
        words = words_of(made.language)
        if suffix != ".html":
            measure = canvas.text_measure(made.dpi if suffix == ".png" else canvas.VECTOR_DPI)
            return canvas.to_bytes(self.lay_out(result, made, measure), suffix, made.dpi)
        block = self.block(result, made, canvas.text_measure(canvas.VECTOR_DPI))
        title = _title(made, block.drawing)
        return page(block.html, block.drawings, title=title, language=words.language).encode(errors="replace")

    def block(
        self,
        result: Any,  # noqa: ANN401 - each figure has its own
        made: Any,  # noqa: ANN401 - as above
        measure: Measure,
        *,
        title: str = "",
        description: str = "",
        identifier: str = "figure",
        leave_out: bool = True,
    ) -> Block:
        """Make the part of a page that shows the figure, with the results without each study where it has them.

        ``title`` and ``description`` are said to those who cannot see it where the figure itself has none;
        ``identifier`` is the only one of the page.
        """
        words = words_of(made.language)
        drawing = self.lay_out(result, made, measure)
        if not drawing.description:
            drawing = attrs.evolve(drawing, description=description)
        without: Mapping[int, Without] = {}
        said = ""
        if leave_out and self.leaves_out and isinstance(result, MetaAnalysis):
            said, without = results_without(result, words, lambda part: self.lay_out(part, made, measure, whole=result))
        held = (drawing, *(other.drawing for other in without.values() if other.drawing is not None))
        shown = title or _title(made, drawing)
        html = figure_block(drawing, title=shown, words=words, identifier=identifier, said=said, without=without)
        return Block(html, drawing, held)

    def draw(self, result: Any, made: Any, ax: Any) -> Any:  # noqa: ANN401 - as above
        """Draw on axes of matplotlib's."""
        canvas.require_matplotlib(f"the {made.figure} figure")
        return canvas.onto_axes(self.lay_out(result, made, canvas.text_measure(canvas.VECTOR_DPI)), ax)


def _title(made: FigureSpec, drawing: Drawing) -> str:
    return printed.one_line(made.title) or drawing.description or made.figure


def figure(
    spec: type[FigureSpec],
    lay_out: Layout | Callable[..., Drawing],
    *,
    reference: str,
    of: Any = "analysis",  # noqa: ANN401 - the words of `Reporter.of`
    leaves_out: bool = False,
    r_equivalent: str | None = None,
    also: tuple[str, ...] = (),
) -> Reporter:
    """Make the reporter that draws a figure; with ``leaves_out`` its page lets readers leave out studies."""
    made = Figure(lay_out, leaves_out=leaves_out)
    return Reporter(
        spec.figure,
        made,
        reference=reference,
        of=of,
        media_types=MEDIA_TYPES,
        spec=attrs.resolve_types(spec),
        draw=made.draw,
        r_equivalent=r_equivalent,
        also=also,
    )
