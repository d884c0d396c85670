"""Read the words of judgements, and tell by them and by the domains which tool a table is of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evisynth_converters.bias_tools import (
    NO_INFORMATION,
    NOT_APPLICABLE,
    QUADAS_2,
    QUIPS,
    ROB_1,
    ROB_2,
    ROBINS_E,
    ROBINS_I,
    TOOLS,
    BiasTool,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WORDS: Mapping[str, tuple[str, ...]] = {
    "low": ("low",),
    "l": ("low",),
    "+": ("low",),
    "moderate": ("moderate",),
    "m": ("moderate",),
    "some concerns": ("some concerns",),
    "some concern": ("some concerns",),
    "sc": ("some concerns",),
    "s": ("some concerns", "serious"),
    "serious": ("serious",),
    "critical": ("critical",),
    "c": ("critical",),
    "high": ("high",),
    "h": ("high",),
    "-": ("high",),
    "very high": ("very high",),
    "vh": ("very high",),
    "unclear": ("unclear",),
    "u": ("unclear",),
    "?": ("unclear", "some concerns", NO_INFORMATION),
    "no information": (NO_INFORMATION,),
    "no info": (NO_INFORMATION,),
    "ni": (NO_INFORMATION,),
    "not applicable": (NOT_APPLICABLE,),
    "n/a": (NOT_APPLICABLE,),
    "na": (NOT_APPLICABLE,),
    "#n/a": (NOT_APPLICABLE,),
}
_ANSWERS = {"yes": "yes", "y": "yes", "no": "no", "n": "no", "unclear": "unclear"}
_RISK = re.compile(r"\s+(risk( of bias)?|bias|concerns?( (about|regarding) applicability)?)$")


def words_for(given: str) -> tuple[str, ...]:
    """Give the judgements that a cell may mean; none where it is no judgement.

    Symbols are RevMan's: "+" low, "?" unclear (or what stands between low and high), "-" high.
    """
    folded = " ".join(given.casefold().replace("−", "-").replace("–", "-").replace("_", " ").split()).rstrip(".")
    return _WORDS.get(folded) or _WORDS.get(_RISK.sub("", folded), ())


def answer_for(given: str) -> str | None:
    """Give the answer to a signalling question; None where a cell is none."""
    return _ANSWERS.get(given.strip().casefold())


def judgement_in(tool: BiasTool, given: str) -> str | None:
    """Give the tool's word for a cell, None where it has none."""
    return next((word for word in words_for(given) if word in tool.words), None)


def tool_of(ids: Sequence[str], names: Sequence[str], words: set[str]) -> tuple[BiasTool, str | None]:
    """Find the tool of a table by its domains and the words of its judgements; the second part says what is doubtful.

    ``ids`` are the columns D1, D2 …, ``names`` those with names of their own. In this order:

    1. names of domains that are those of a tool, for at least half of them;
    2. a domain D1b or DS is of RoB 2 for cluster-randomized or cross-over trials;
    3. "serious" and "critical" are words of ROBINS-I alone, "very high" of ROBINS-E;
    4. by the number of domains, if the tool has all the words: 4 QUADAS-2, 5 RoB 2, 6 QUIPS, 7 ROBINS-I ("moderate"),
       ROBINS-E ("some concerns") or RoB 1 ("unclear"), in this order where neither is there;
    5. by the words alone, in doubt: "unclear" RoB 1, "some concerns" RoB 2, "moderate" QUIPS.
    """
    named = _by_names(names, words)
    if named is not None:
        return named, None
    if {"D1B", "DS"} & {one.upper() for one in ids}:
        return ROB_2, None
    if words & {"serious", "critical"}:
        return ROBINS_I, None
    if "very high" in words:
        return ROBINS_E, None
    usual = _NUMBERS.get(len(ids), ())
    judged = words - {NO_INFORMATION, NOT_APPLICABLE}
    fitting = [tool for tool in usual if judged <= set(tool.words)]
    if fitting:
        others = ", ".join(tool.name for tool in fitting[1:])
        return fitting[0], f"{others} would fit as well" if others else None
    by_words = [tool for tool in (ROB_1, ROB_2, QUIPS) if judged <= set(tool.words)]
    number = f"{len(ids)} domains are not its number" if ids else "the names of the domains are not its own"
    # Where a word fits no tool beside the others, it is the word that is wrong.
    return (by_words[0], number) if by_words else (usual[0] if usual else ROB_1, None)


_NUMBERS: Mapping[int, tuple[BiasTool, ...]] = {
    4: (QUADAS_2,),
    5: (ROB_2,),
    6: (QUIPS,),
    7: (ROBINS_I, ROBINS_E, ROB_1),
}


def _by_names(names: Sequence[str], words: set[str]) -> BiasTool | None:
    best: tuple[int, int, BiasTool] | None = None
    for tool in TOOLS.values():
        score = (sum(tool.is_domain(name) for name in names), len(words & set(tool.words)))
        if score[0] * 2 >= max(len(names), 1) and (best is None or score > best[:2]):
            best = (*score, tool)
    return best[2] if best is not None else None
