"""Arrange the judgements of a tool for figures: its domains, their groups of outcomes, applicability and the whole."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

from evisynth import SettingsError
from evisynth_reporters import printed
from evisynth_reporters.signs import sign_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evisynth import BiasDomain, Review, RiskOfBias

Block: TypeAlias = Literal["bias", "applicability", "overall"]
_APPLICABILITY = re.compile(r"A\d", re.IGNORECASE)


@attrs.frozen
class JudgedColumn:
    """Hold one column: a domain, or a domain for one group of outcomes, with judgements and support by study."""

    letter: str
    name: str
    block: Block
    judgements: Mapping[str, str]
    support: Mapping[str, str]


def tool_of(review: Review, name: str | None) -> RiskOfBias | None:
    """Find the judgements by a tool, the first where none is named; raises `SettingsError` for one that is absent."""
    if name is None:
        return review.risk_of_bias[0] if review.risk_of_bias else None
    found = [tool for tool in review.risk_of_bias if tool.tool.casefold() == name.casefold()]
    if not found:
        have = ", ".join(repr(tool.tool) for tool in review.risk_of_bias) or "none"
        msg = f"tool is one of those in the review, {have}, not {name!r}"
        raise SettingsError(msg)
    return found[0]


def judged_columns(tool: RiskOfBias) -> list[JudgedColumn]:
    """Give the columns of a tool: its domains, then those on applicability, then the whole."""
    made = [column for domain in tool.domains for column in _columns(domain)]
    order = {"bias": 0, "applicability": 1, "overall": 2}
    return sorted(made, key=lambda column: order[column.block])


def _columns(domain: BiasDomain) -> list[JudgedColumn]:
    block: Block = "bias"
    if domain.name.strip().casefold() == "overall" or domain.id.casefold() == "overall":
        block = "overall"
    elif _APPLICABILITY.fullmatch(domain.id) or "applicab" in domain.name.casefold():
        block = "applicability"
    name = printed.one_line(domain.name)
    used = {judgement.group for judgement in domain.judgements}
    groups = [(group.id, printed.one_line(group.name)) for group in domain.groups if group.id in used]
    letter = "" if block == "overall" else domain.id
    made = [_column(letter, name, block, domain, None)] if None in used or not groups else []
    for place, (identifier, of) in enumerate(groups):
        made.append(_column(f"{letter}{chr(ord('a') + place)}", f"{name}: {of}", block, domain, identifier))
    return made


def _column(letter: str, name: str, block: Block, domain: BiasDomain, group: str | None) -> JudgedColumn:
    held = [judgement for judgement in domain.judgements if judgement.group == group]
    return JudgedColumn(
        letter if len(letter) <= 4 else "",  # noqa: PLR2004 - ids of files may be long
        name,
        block,
        {judgement.study: judgement.judgement for judgement in held},
        {judgement.study: printed.one_line(judgement.support) for judgement in held if judgement.support},
    )


def lettered(columns: Sequence[JudgedColumn]) -> list[JudgedColumn]:
    """Give letters of our own where a tool's ids are none, D1, D2 and so on."""
    if all(column.letter or column.block == "overall" for column in columns):
        return list(columns)
    own = iter(range(1, len(columns) + 1))
    return [attrs.evolve(column, letter="" if column.block == "overall" else f"D{next(own)}") for column in columns]


def words_used(columns: Sequence[JudgedColumn]) -> list[str]:
    """List the judgements that occur, from the best on."""
    seen = {word.strip().casefold(): word for column in columns for word in column.judgements.values() if word.strip()}
    return sorted(seen, key=lambda word: (sign_of(word).rank, word))
