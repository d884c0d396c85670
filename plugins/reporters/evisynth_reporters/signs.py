"""Draw judgements as signs that can be read without their colours: plus, question mark, minus, cross."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from evisynth_reporters.drawing import Disc, Label, Line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth_reporters.drawing import Item

STROKE = 1.3
DARKEST = 4
"""Rank whose colour is too dark for black."""


@attrs.frozen
class Sign:
    """Hold a judgement's rank, from the best on, and the sign in its disc."""

    rank: int
    sign: str


SIGNS: Mapping[str, Sign] = {
    "low": Sign(0, "+"),
    "low (except for concerns about uncontrolled confounding)": Sign(0, "+"),
    "good": Sign(0, "+"),
    "yes": Sign(0, "+"),
    "some concerns": Sign(1, "?"),
    "unclear": Sign(1, "?"),
    "moderate": Sign(1, "?"),
    "high": Sign(3, "−"),
    "no": Sign(3, "−"),
    "serious": Sign(3, "−"),
    "very high": Sign(4, "×"),
    "critical": Sign(4, "×"),
    "no information": Sign(5, "·"),
    "not applicable": Sign(6, "/"),
}
"""Judgements in lower case as the tools name them: RoB 1 and 2, ROBINS-I and -E, QUADAS-2, QUIPS."""

UNKNOWN = Sign(5, "·")
COLOURS: Mapping[str, tuple[str, ...]] = {
    # By rank: low, some concerns, (none), high, critical, no information, not applicable.
    "standard": ("#4fb848", "#f2d43c", "#f2d43c", "#d9352a", "#8b1a14", "#a9c4e0", "#d9d9d9"),
    "colour-blind": ("#5ab4ac", "#f5e3b5", "#f5e3b5", "#c2711a", "#7a3d00", "#bdbdbd", "#e6e6e6"),
    "grey": ("#f2f2f2", "#c4c4c4", "#c4c4c4", "#8a8a8a", "#4d4d4d", "#ffffff", "#ffffff"),
}


def sign_of(judgement: str) -> Sign:
    """Find the sign of a judgement; one that no tool has counts as no information."""
    return SIGNS.get(judgement.strip().casefold(), UNKNOWN)


def colour_of(judgement: str, palette: str) -> str:
    """Give the colour of a judgement."""
    return COLOURS[palette][sign_of(judgement).rank]


def sign_items(judgement: str, x: float, y: float, radius: float, palette: str) -> list[Item]:
    """Draw a judgement about a point."""
    sign, colour = sign_of(judgement), colour_of(judgement, palette)
    ink = "#ffffff" if sign.rank == DARKEST else "#000000"
    made: list[Item] = [Disc((x, y), radius, colour, "#5a5a5a", 0.5)]
    reach = 0.55 * radius
    if sign.sign in {"+", "−"}:
        made.append(Line((x - reach, y), (x + reach, y), STROKE, ink))
        if sign.sign == "+":
            made.append(Line((x, y - reach), (x, y + reach), STROKE, ink))
    elif sign.sign == "×":
        made += [
            Line((x - 0.8 * reach, y - 0.8 * reach), (x + 0.8 * reach, y + 0.8 * reach), STROKE, ink),
            Line((x - 0.8 * reach, y + 0.8 * reach), (x + 0.8 * reach, y - 0.8 * reach), STROKE, ink),
        ]
    elif sign.sign == "/":
        made.append(Line((x - 0.7 * reach, y + 0.7 * reach), (x + 0.7 * reach, y - 0.7 * reach), STROKE, ink))
    elif sign.sign == "?":
        size = 1.6 * radius
        made.append(Label("?", x, y + 0.36 * size, "center", bold=True, size=size, colour=ink))
    else:
        made.append(Disc((x, y), 0.18 * radius, ink))
    return made
