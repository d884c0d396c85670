"""Name the colours of figures once: by meaning, in palettes of which one keeps apart what the colour-blind confuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

GRID = "#d9d9d9"
MUTED = "#767676"
"""Grey that still has a contrast of 4.5 with white, for axes and small print."""


@attrs.frozen
class Palette:
    """Hold the colours of a chart by what they mark."""

    study: str
    """Single studies."""
    pooled: str
    """The pooled effect, its interval and its diamond."""
    second: str
    """Another model beside the first."""
    added: str
    """What a method adds: filled studies, predictions."""
    band: str
    """Areas of intervals, pale."""
    series: tuple[str, ...]
    """Groups, in order."""


PALETTES: Mapping[str, Palette] = {
    "standard": Palette(
        "#1f4e79", "#000000", "#b5432a", "#b5432a", "#c9d7e6",
        ("#1f4e79", "#b5432a", "#3f7d3f", "#7a5195", "#a0660a", "#3b8ea5"),
    ),
    # Okabe & Ito (2008), Color Universal Design.
    "colour-blind": Palette(
        "#0072b2", "#000000", "#d55e00", "#d55e00", "#cce3f0",
        ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"),
    ),
    "grey": Palette(
        "#404040", "#000000", "#767676", "#767676", "#e0e0e0",
        ("#000000", "#767676", "#404040", "#a0a0a0", "#5a5a5a", "#8c8c8c"),
    ),
}  # fmt: skip
"""By name; the names are those of `evisynth.FigureSpec`."""


def palette_of(name: str) -> Palette:
    """Give a palette by name."""
    return PALETTES[name]
