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

    def render(result: Any, made: Any, *, suffix: str) -> bytes:  # noqa: ANN401 - each figure has its own
        canvas.require_matplotlib(f"the {spec.figure} figure")
        words = words_of(made.language)
        drawing = lay_out(result, made, canvas.text_measure(made.dpi if suffix == ".png" else canvas.VECTOR_DPI))
        if suffix != ".html":
            return canvas.to_bytes(drawing, suffix, made.dpi)
        title = printed.one_line(made.title) or drawing.description or spec.figure
        block, drawings = block_of(result, made, drawing, title=title)
        return page(block, drawings, title=title, language=words.language).encode(errors="replace")

    def block_of(result: Any, made: Any, drawing: Drawing, *, title: str) -> tuple[str, list[Drawing]]:  # noqa: ANN401 - as above
        words = words_of(made.language)
        measure = canvas.text_measure(canvas.VECTOR_DPI)
        without: Mapping[int, Without] = {}
        said = ""
        if leaves_out and isinstance(result, MetaAnalysis):
            said, without = results_without(result, words, lambda part: lay_out(part, made, measure, whole=result))
        block = figure_block(drawing, title=title, words=words, said=said, without=without)
        return block, [drawing, *(other.drawing for other in without.values() if other.drawing is not None)]

    def draw(result: Any, made: Any, ax: Any) -> Any:  # noqa: ANN401 - as above
        canvas.require_matplotlib(f"the {spec.figure} figure")
        return canvas.onto_axes(lay_out(result, made, canvas.text_measure(canvas.VECTOR_DPI)), ax)

    render.__doc__ = lay_out.__doc__
    return Reporter(
        spec.figure,
        render,
        reference=reference,
        of=of,
        media_types=MEDIA_TYPES,
        spec=attrs.resolve_types(spec),
        draw=draw,
        r_equivalent=r_equivalent,
        also=also,
    )
