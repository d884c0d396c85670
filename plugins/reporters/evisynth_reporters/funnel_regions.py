"""Draw the regions of a funnel plot: where studies of one effect belong, and where they are significant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evisynth import normal_quantile
from evisynth_reporters.chart import area_key
from evisynth_reporters.drawing import Shape

if TYPE_CHECKING:
    from evisynth import MetaAnalysis
    from evisynth_reporters.chart import Box, Key
    from evisynth_reporters.drawing import Item
    from evisynth_reporters.funnel_heights import Height
    from evisynth_reporters.palettes import Palette
    from evisynth_reporters.turned_box import TurnedBox
    from evisynth_reporters.words import Words

STEPS = 200
CONTOURS = ((0.01, 0.05), (0.05, 0.10))
"""P between these, from the outside in; beyond the first P is smaller, within the last larger."""
SHADES = ("#e4e4e4", "#c6c6c6", "#aaaaaa")


def _sides(
    box: Box | TurnedBox, height: Height, centre: float, z: float
) -> tuple[list[float], list[float], list[float]]:
    """Give heights, with the limits ``centre ± z·SE`` at each; straight lines need no more than their ends."""
    low, high = box.y.low, box.y.high
    # Where the axis is of precision, 0 stands for an infinite standard error.
    heights = [low + (high - low) * i / STEPS for i in range(STEPS + 1)]
    heights = [height for height in heights if height > 0.0 or box.y.reversed]
    spread = [z * height.se_at(one) for one in heights]
    return heights, [centre - one for one in spread], [centre + one for one in spread]


def confidence_region(
    box: Box | TurnedBox, height: Height, centre: float, z: float, dash: tuple[float, ...]
) -> list[Item]:
    """Draw the limits between which a share of studies belongs if they all have the effect in the middle."""
    heights, left, right = _sides(box, height, centre, z)
    return [
        *box.curve(left, heights, width=0.8, dash=dash),
        *box.curve(right, heights, width=0.8, dash=dash),
    ]


def significance_contours(
    box: Box | TurnedBox, height: Height, analysis: MetaAnalysis, palette: Palette, words: Words
) -> tuple[list[Item], list[Key]]:
    """Shade the regions of P about no effect; nothing where the measure has no such value."""
    del palette
    null = analysis.scale.null
    if null is None:
        return [], []
    made: list[Item] = [Shape(box.corners, SHADES[0])]
    keys = [area_key(words("P < {p}", p=f"{CONTOURS[0][0]:g}"), SHADES[0])]
    for (low, high), shade in zip(CONTOURS, SHADES[1:], strict=True):
        made += _within(box, height, null, low, shade)
        keys.append(area_key(words("{low} ≤ P < {high}", low=f"{low:g}", high=f"{high:g}"), shade))
    made += _within(box, height, null, CONTOURS[-1][1], "#ffffff")
    keys.append(area_key(words("P ≥ {p}", p=f"{CONTOURS[-1][1]:g}"), "#ffffff"))
    return made, keys


def _within(box: Box | TurnedBox, height: Height, null: float, p: float, shade: str) -> list[Item]:
    heights, left, right = _sides(box, height, null, normal_quantile(1.0 - p))
    return box.area([*zip(left, heights, strict=True), *zip(right[::-1], heights[::-1], strict=True)], colour=shade)
