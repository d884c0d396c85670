"""Read the words in which RevMan's exports name data types, methods, models and effect measures, and write them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

DATA_TYPES: Mapping[str, str] = {
    **dict.fromkeys(("d", "dic", "dich", "dichotomous"), "dichotomous"),
    **dict.fromkeys(("c", "con", "cont", "continuous"), "continuous"),
    **dict.fromkeys(
        ("g", "giv", "i", "iv", "inv", "generic", "generic inverse variance", "contrast level", "contrast"), "generic"
    ),
    **dict.fromkeys(
        ("p", "ipd", "pet", "o-e", "oe", "oev", "o-e and variance", "o-e & variance", "exp o e var"), "o-e"
    ),
    **dict.fromkeys(("o", "oth", "other", "other data"), "other"),
}
"""RevMan 5's CSV has codes of three letters (DIC and CON are seen; what stands for the rest varies with the version),
RevMan Web has words, RevMan 4 has single letters."""

DATA_TYPE_WORDS: Mapping[str, str] = {
    "dichotomous": "Dichotomous",
    "continuous": "Continuous",
    "generic": "Contrast level",
    "o-e": "O-E and variance",
    "other": "Other data",
}
METHODS: Mapping[str, str] = {
    **dict.fromkeys(("mh", "m-h", "mantel-haenszel"), "MH"),
    **dict.fromkeys(("iv", "inverse variance", "inverse"), "IV"),
    **dict.fromkeys(("peto", "exp o e var", "exp[(o-e) / var]"), "Peto"),
}
MEASURE_WORDS: Mapping[str, str] = {
    "OR": "Odds Ratio",
    "RR": "Risk Ratio",
    "RD": "Risk Difference",
    "PETO": "Peto Odds Ratio",
    "MD": "Mean Difference",
    "SMD": "Std. Mean Difference",
}
_MEASURES: Mapping[str, str] = {
    **{words.casefold(): code for code, words in MEASURE_WORDS.items()},
    **{code.casefold(): code for code in MEASURE_WORDS},
    "peto or": "PETO",
    "relative risk": "RR",
    "weighted mean difference": "MD",
    "wmd": "MD",
    "standardized mean difference": "SMD",
    "standardised mean difference": "SMD",
}
_OF_TYPE = {"dichotomous": ("OR", "RR", "RD", "PETO"), "continuous": ("MD", "SMD")}
_GIVEN = {"generic": "GEN", "o-e": "O-E"}
_NON_EVENT = re.compile(r"\s*\(non-?events?\)\s*$", re.IGNORECASE)
_RATIOS = frozenset({"or", "rr", "hr", "irr", "peto or", "rom", "dor"})


def fold(words: str) -> str:
    """Reduce words to what is compared."""
    return " ".join(words.replace("_", " ").replace("–", "-").casefold().split())


@attrs.frozen
class Measured:
    """Hold what the words for a measure say: our code, the label where it is one of the file's own, swapped events."""

    measure: str | None
    label: str | None
    swapped: bool = False


def measure_of(words: str | None, data_type: str) -> Measured:
    """Find a measure by its words: for given effects (generic, O - E) they are a label, whichever they are."""
    if data_type in _GIVEN:
        return Measured(_GIVEN[data_type], words)
    if words is None:
        return Measured(None, None)
    swapped = _NON_EVENT.search(words) is not None
    code = _MEASURES.get(fold(_NON_EVENT.sub("", words)))
    if code in _OF_TYPE.get(data_type, ()):
        return Measured(code, None, swapped)
    return Measured(None, words)


def type_by_measure(words: str | None) -> str | None:
    """Tell the type of data of arms by the measure, where a file says no more than that there are arms."""
    return next((one for one in _OF_TYPE if measure_of(words, one).measure is not None), None)


def model_of(words: str | None) -> str | None:
    """Find ``common`` or ``random``; None where it is neither."""
    start = (words or "").casefold()
    if start.startswith(("fixed", "common")):
        return "common"
    return "random" if start.startswith("random") else None


def is_ratio(label: str | None) -> bool:
    """Tell by its name whether an effect is a ratio that is analysed as a logarithm."""
    words = fold(label or "")
    return ("ratio" in words.split() or words in _RATIOS) and not words.startswith(("log", "ln"))
