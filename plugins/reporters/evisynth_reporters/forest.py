"""Report as a forest plot in RevMan's layout: bitmap or vector figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evisynth import MetaAnalysis, Reporter, SettingsError, hookimpl
from evisynth_reporters import canvas, printed
from evisynth_reporters.build_table import build_table
from evisynth_reporters.forest_layout import lay_out

if TYPE_CHECKING:
    from evisynth_reporters.table import ForestTable

DPI_RANGE = (20.0, 1200.0)
PLOT_WIDTH_RANGE = (100.0, 2000.0)


def forest(  # noqa: PLR0913 - keyword-only, each an option of the figure
    analysis: MetaAnalysis,
    *,
    title: str | None = None,
    group_1: str | None = None,
    group_2: str | None = None,
    decimals: int = 2,
    scale: float | None = None,
    plot_width: float = 200.0,
    notes: bool = False,
    dpi: float = 200.0,
    suffix: str = ".png",
) -> bytes:
    """Draw the table of a forest plot with squares, intervals and diamonds beside it.

    ``group_1`` and ``group_2`` name the arms (else the settings do); ``scale`` is the right end of the axis (100 for
    0.01 to 100), chosen by the data where it is not given; ``plot_width`` is the axis's length in points; ``notes``
    adds the studies not pooled and the warnings; ``dpi`` is the resolution of a bitmap. Raises `MissingExtraError`
    without matplotlib.
    """
    canvas.require_matplotlib("the forest reporter")
    _check("dpi", dpi, DPI_RANGE)
    _check("plot_width", plot_width, PLOT_WIDTH_RANGE)
    table = build_table(analysis, printed.arm_names(analysis, group_1, group_2), decimals)
    drawing = lay_out(
        table,
        canvas.text_measure(dpi if suffix == ".png" else canvas.VECTOR_DPI),
        title=printed.one_line(title or ""),
        scale=scale,
        plot_width=plot_width,
        small_print=_small_print(table) if notes else (),
    )
    return canvas.to_bytes(drawing, suffix, dpi)


def _small_print(table: ForestTable) -> list[str]:
    return [*(f"Not pooled: {study}" for study in table.excluded), *(f"Warning: {text}" for text in table.warnings)]


def _check(name: str, value: float, limits: tuple[float, float]) -> None:
    low, high = limits
    if not low <= value <= high:
        msg = f"{name} is a number from {low:g} to {high:g}, not {value!r}"
        raise SettingsError(msg)


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the forest plot."""
    return [
        Reporter(
            "forest",
            forest,
            reference="Lewis & Clarke (2001), BMJ 322:1479-1480 (layout: RevMan 5.4 and RevMan Web)",
            media_types=canvas.MEDIA_TYPES,
        )
    ]
