"""Find the columns of a table of judgements: domains, groups, support, and what they are judged for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

from evisynth import BiasDomain, find_roles
from evisynth_converters.bias_tools import QUADAS_2, TOOLS, BiasTool
from evisynth_converters.bias_words import answer_for, words_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

JUDGEMENT, SUPPORT = "Domain (judgement): ", "Domain (support): "
DOMAIN_ID = re.compile(r"D(\d{1,2}[a-z]?|S)", re.IGNORECASE)
APPLICABILITY_ID = re.compile(r"A\d", re.IGNORECASE)
_DIRECTION = re.compile(r"d(\d{1,2})([jtd])")
OVERALL = re.compile(r"overall([ ._-]*(risk|of|bias|rob|judge?ment|rating))*", re.IGNORECASE)
_ABOUT_APPLICABILITY = re.compile(r"applicab|are there concerns|review question", re.IGNORECASE)
ROW_NAMES = frozenset({"column 1", "X"})
RESULTS = ("outcome", "result", "result_id")
_ALL = "All outcomes"
_MOSTLY = 0.5


@attrs.frozen
class JudgedColumn:
    """Hold a column of judgements with the column of their support."""

    heading: str
    name: str
    cells: Sequence[str]
    group: str | None = None
    support: Sequence[str] = ()
    # What the cells are: judgements on bias, on applicability, answers to a signalling question, the whole.
    kind: str = "domain"


def may_be_judged(heading: str) -> bool:
    """Tell whether a column can be of judgements: it is none of studies, years, results, weights and tools."""
    known = {"study", "year"} & set(find_roles([heading]))
    return not known and heading not in ROW_NAMES and heading.casefold() not in {"weight", "tool", *RESULTS}


def share_of_judgements(cells: Sequence[str]) -> float:
    """Give the share of filled cells that are words of some tool, 0 where none is filled."""
    filled = [cell for cell in cells if cell]
    return sum(bool(words_for(cell)) for cell in filled) / len(filled) if filled else 0.0


def heading_of(domain: BiasDomain, tool: BiasTool, group: str | None, *, in_full: bool) -> str:
    """Give the heading that reads as a domain: its id where the name is the tool's, else the name."""
    if domain.id == "Overall":
        name = "Overall"
    elif tool.names.get(domain.id, domain.id) == domain.name:
        name = domain.id
    else:
        name = " ".join(domain.name.split())
    if not in_full:
        return name
    # What stands after a colon would be a group.
    return f"{name}: {group or _ALL}" if group is not None or ": " in name else name


def judged_columns(columns: Mapping[str, Sequence[str]]) -> list[JudgedColumn]:
    """Take the columns that RevMan's headings mark; else domains by id, and others that hold words of judgement."""
    if any(heading.startswith(JUDGEMENT) for heading in columns):
        return [
            JudgedColumn(heading, *_split(heading.removeprefix(JUDGEMENT), cells, columns))
            for heading, cells in columns.items()
            if heading.startswith(JUDGEMENT)
        ]
    return [
        JudgedColumn(heading, _plain(heading), cells)
        for heading, cells in columns.items()
        if may_be_judged(heading) and _is_judged(_plain(heading), share_of_judgements(cells))
    ]


def _is_judged(name: str, share: float) -> bool:
    if any(of.fullmatch(name) for of in (DOMAIN_ID, OVERALL, APPLICABILITY_ID)):
        return True
    # Where a text says more of a domain, no cell of its column is a word of judgement.
    return share >= _MOSTLY or (share > 0 and any(tool.is_domain(name) for tool in TOOLS.values()))


def _plain(heading: str) -> str:
    """Put spaces where R has put points."""
    return re.sub(r"(?<=\w)\.+(?=\w)", " ", heading).rstrip(".") if " " not in heading else heading


def _split(
    rest: str, cells: Sequence[str], columns: Mapping[str, Sequence[str]]
) -> tuple[str, Sequence[str], str | None, Sequence[str]]:
    name, colon, group = rest.rpartition(": ")
    if not colon:
        name, group = rest, _ALL
    return name, cells, group if group != _ALL else None, columns.get(f"{SUPPORT}{rest}", ())


def headings_beside(columns: Mapping[str, Sequence[str]]) -> set[str]:
    """Give the headings of support for judgements and of words on the whole table."""
    judged = {heading.removeprefix(JUDGEMENT) for heading in columns if heading.startswith(JUDGEMENT)}
    beside = {f"{SUPPORT}{rest}" for rest in judged} | {
        heading for heading in columns if heading.casefold() in {"weight", "tool"}
    }
    if is_of_directions(columns):
        beside |= {heading for heading in columns if _DIRECTION.fullmatch(heading)}
    return beside


def with_kind(column: JudgedColumn, tool: BiasTool) -> JudgedColumn:
    """Say what a column is judged for; QUADAS-2 has signalling questions and applicability beside its domains."""
    answers = {answer_for(cell) for cell in column.cells if cell}
    if OVERALL.fullmatch(column.name):
        kind = "overall"
    elif tool is QUADAS_2 and answers & {"yes", "no"}:
        kind = "question"
    elif APPLICABILITY_ID.fullmatch(column.name) or (tool is QUADAS_2 and _ABOUT_APPLICABILITY.search(column.name)):
        kind = "applicability"
    else:
        kind = "domain"
    return attrs.evolve(column, kind=kind)


# -- judgements with the type and direction of the bias ---------------------------------------------------------------


def is_of_directions(headings: Iterable[str]) -> bool:
    """Tell whether a table has three columns for each domain: d1j, d1t, d1d."""
    return {"d1j", "d1t", "d1d"} <= set(headings)


def columns_of_directions(columns: Mapping[str, Sequence[str]]) -> list[JudgedColumn]:
    """Keep the type (additive or proportional) and the direction of a bias as the support of its judgement."""
    judged: list[JudgedColumn] = []
    for heading, cells in columns.items():
        found = _DIRECTION.fullmatch(heading)
        if found and found[2] == "j":
            parts = [columns.get(f"d{found[1]}{part}", [""] * len(cells)) for part in "td"]
            support = [
                "; ".join(
                    f"{word}: {said}"
                    for word, said in zip(("type", "direction"), pair, strict=True)
                    if said.casefold() not in {"", "none", "na"}
                )
                for pair in zip(*parts, strict=True)
            ]
            judged.append(JudgedColumn(heading, f"D{found[1]}", cells, None, support))
        elif OVERALL.fullmatch(heading):
            judged.append(JudgedColumn(heading, heading, cells))
    return judged
