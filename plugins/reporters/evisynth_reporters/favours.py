"""Name what each side of the line of no effect speaks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evisynth_reporters import printed
from evisynth_reporters.words import ENGLISH

if TYPE_CHECKING:
    from evisynth import MetaAnalysis
    from evisynth_reporters.words import Words


def favours(analysis: MetaAnalysis, groups: tuple[str, str], words: Words) -> tuple[str, str]:
    """Name what each side of the axis speaks for: nothing where there are no arms, unless the settings say so."""
    settings = analysis.settings
    said = (settings.favours_1, settings.favours_2)
    names = analysis.methods.measure.columns
    arms = not names or "o_e" in names or any(name.endswith(("_1", "_2")) for name in names)
    # RevMan writes the arms in small letters, which German nouns do not bear.
    shown = tuple(group.lower() if words.language == ENGLISH else group for group in groups)
    usual = tuple(words("Favours [{group}]", group=group) if arms else "" for group in shown)
    if analysis.scale.decreasing:
        usual = usual[::-1]
    return (printed.one_line(said[0] or usual[0]), printed.one_line(said[1] or usual[1]))
