"""Make a review of a table of judgements: which columns are domains, of which tool, and what each cell says.

Which tool it is follows from the domains and words, as `bias_tools.tool_of` says; a column ``Tool`` with its name says
it outright. An empty cell is no judgement, "NA" is "not applicable" as in robvis, and support without a judgement is
kept with an empty one. A study that stands in several rows needs a column ``Outcome`` or ``Result``, whose texts become
groups of outcomes. Other columns stay with the studies' characteristics.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from evisynth import (
    BiasDomain,
    DataError,
    FormatError,
    Judgement,
    OutcomeGroup,
    Problem,
    Review,
    ReviewStudy,
    RiskOfBias,
    find_roles,
)
from evisynth_converters.bias_columns import (
    APPLICABILITY_ID,
    DOMAIN_ID,
    OVERALL,
    RESULTS,
    ROW_NAMES,
    JudgedColumn,
    columns_of_directions,
    headings_beside,
    is_of_directions,
    judged_columns,
    with_kind,
)
from evisynth_converters.bias_tools import BIAS_DIRECTION, ROB_1, TOOLS, BiasTool
from evisynth_converters.bias_words import answer_for, judgement_in, tool_of, words_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def review_of_table(columns: Mapping[str, Sequence[str]], name: str) -> Review:
    """Make a review of a table that has been read: heading → cells."""
    roles = find_roles(columns)
    if "study" not in roles:
        msg = f"{name} has no column of studies: a table of risk of bias has Study, D1, D2 … (or the domains' names)"
        raise FormatError(msg)
    labels = [" ".join(label.split()) for label in columns[roles["study"]]]
    if not labels:
        msg = f"{name} has headings, but no study"
        raise FormatError(msg)
    judged = columns_of_directions(columns) if is_of_directions(columns) else judged_columns(columns)
    if not judged:
        msg = f"{name} has no column of judgements: D1, D2 … or domains with words such as low, unclear, high"
        raise FormatError(msg)
    tool, doubt = _tool(columns, judged, name)
    judged = [with_kind(column, tool) for column in judged]
    used = {roles["study"], *(column.heading for column in judged), *headings_beside(columns)}
    result = _column_of_results(columns, labels)
    problems = [*_of_labels(labels, None if result is None else columns[result])]
    domains = _domains(judged, tool, labels, None if result is None else columns[result], problems)
    weights = _weights(columns, labels, problems)
    if problems:
        msg = f"{name} has cells that cannot be used (judgements of {tool.name}: {', '.join(tool.words)})"
        raise DataError(msg, sorted(problems, key=lambda problem: problem.row or 0))
    notes = [f"{name} is taken for {tool.name}, but {doubt}; a column Tool says which it is"] if doubt else []
    if tool is ROB_1 and any(answer_for(cell) in {"yes", "no"} for column in judged for cell in column.cells):
        notes.append(f"{name}: yes is taken for a low risk of bias and no for a high one, as in RevMan 5.0")
    kept = [heading for heading in columns if heading not in {*used, result, *ROW_NAMES, roles.get("year")}]
    if kept:
        notes.append(f"{name}: columns that are no judgements are kept with the studies: {', '.join(kept)}")
    studies = _studies(labels, columns, kept, roles.get("year"))
    risk = RiskOfBias(tool=tool.name, domains=tuple(domains), weights=weights)
    return Review(studies=studies, risk_of_bias=(risk,), source=name, notes=tuple(notes))


def _tool(
    columns: Mapping[str, Sequence[str]], judged: Sequence[JudgedColumn], name: str
) -> tuple[BiasTool, str | None]:
    said = {cell for heading, cells in columns.items() if heading.casefold() == "tool" for cell in cells if cell}
    known = {tool.casefold().replace(" ", "").replace("-", ""): tool for tool in TOOLS}
    if said:
        found = {known.get(word.casefold().replace(" ", "").replace("-", "")) for word in said}
        tool = next(iter(found))
        if len(found) > 1 or tool is None:
            msg = f"{name}: column Tool has {', '.join(sorted(map(repr, said)))}; a table has one of {', '.join(TOOLS)}"
            raise FormatError(msg)
        return TOOLS[tool], None
    if is_of_directions(columns):
        return BIAS_DIRECTION, None
    domains = [column for column in judged if not OVERALL.fullmatch(column.name)]
    ids = [column.name for column in domains if DOMAIN_ID.fullmatch(column.name)]
    names = [
        column.name
        for column in domains
        if not DOMAIN_ID.fullmatch(column.name) and not APPLICABILITY_ID.fullmatch(column.name)
    ]
    cells = [words_for(cell) for column in judged for cell in column.cells]
    return tool_of(ids, names, {words[0] for words in cells if len(words) == 1})


def _column_of_results(columns: Mapping[str, Sequence[str]], labels: Sequence[str]) -> str | None:
    """Give the column that tells the rows of a study apart, where a study has several."""
    if len(set(labels)) == len(labels):
        return None
    return next((heading for heading in columns if heading.casefold() in RESULTS), None)


def _of_labels(labels: Sequence[str], results: Sequence[str] | None) -> Iterable[Problem]:
    seen: dict[tuple[str, str], int] = {}
    for row, label in enumerate(labels, 1):
        key = (label, results[row - 1] if results is not None else "")
        if not label:
            yield Problem(row, None, "Study", None, "a row without the name of its study")
        elif key in seen:
            more = "" if results is not None else ", and no column Outcome tells them apart"
            yield Problem(row, label, "Study", None, f"stands in row {seen[key]} as well{more}")
        seen.setdefault(key, row)


def _domains(
    judged: Sequence[JudgedColumn],
    tool: BiasTool,
    labels: Sequence[str],
    results: Sequence[str] | None,
    problems: list[Problem],
) -> Iterable[BiasDomain]:
    """Join the columns of each domain; words that are not the tool's are added to the problems."""
    by_name: dict[tuple[str, str], list[JudgedColumn]] = {}
    for column in judged:
        by_name.setdefault((column.kind, column.name), []).append(column)
    numbers = {"domain": 0, "applicability": 0, "question": 0}
    made: list[BiasDomain] = []
    for (kind, given), columns in by_name.items():
        if kind == "overall":
            id_, name = "Overall", "Overall"
        else:
            numbers[kind] += 1
            id_, name = _id_and_name(kind, given, numbers[kind], tool)
        judgements = [
            judgement for column in columns for judgement in _judgements(column, tool, labels, results, problems)
        ]
        groups = dict.fromkeys(judgement.group for judgement in judgements if judgement.group is not None)
        made.append(
            BiasDomain(
                id=id_,
                name=name,
                judgements=tuple(judgements),
                groups=tuple(OutcomeGroup(id=group, name=group) for group in groups),
                core=kind != "question",
            )
        )
    return made


def _id_and_name(kind: str, given: str, number: int, tool: BiasTool) -> tuple[str, str]:
    if DOMAIN_ID.fullmatch(given) or APPLICABILITY_ID.fullmatch(given):
        id_ = "DS" if given.upper() == "DS" else given[0].upper() + given[1:].lower()
        return id_, tool.names.get(id_, id_)
    return f"{kind[0].upper()}{number}", given


def _judgements(
    column: JudgedColumn,
    tool: BiasTool,
    labels: Sequence[str],
    results: Sequence[str] | None,
    problems: list[Problem],
) -> Iterable[Judgement]:
    for i, (label, cell) in enumerate(zip(labels, column.cells, strict=True)):
        support = column.support[i] if column.support else ""
        word = _word(column.kind, tool, cell) if cell else ""
        if word is None:
            message = f"no judgement of {tool.name}"
            problems.append(Problem(i + 1, label or None, column.heading, repr(cell[:40]), message))
        elif word or support:
            parts = (column.group, results[i] if results is not None else None)
            group = ", ".join(part for part in parts if part) or None
            yield Judgement(study=label, judgement=word, support=support or None, group=group)


def _word(kind: str, tool: BiasTool, cell: str) -> str | None:
    answer = answer_for(cell)
    if kind == "question":
        return answer or judgement_in(tool, cell)
    if tool is ROB_1 and answer in {"yes", "no"}:
        return "low" if answer == "yes" else "high"
    return judgement_in(tool, cell)


def _weights(
    columns: Mapping[str, Sequence[str]], labels: Sequence[str], problems: list[Problem]
) -> Mapping[str, float]:
    heading = next((heading for heading in columns if heading.casefold() == "weight"), None)
    weights: dict[str, float] = {}
    for i, cell in enumerate(columns[heading] if heading is not None else ()):
        if not cell or cell.casefold() in {"na", "#n/a"}:
            continue
        try:
            weight = float(cell.removesuffix("%").strip().replace(",", "."))
        except ValueError:
            weight = math.nan
        if not (math.isfinite(weight) and weight >= 0) or "_" in cell:
            problems.append(Problem(i + 1, labels[i], heading, repr(cell[:40]), "a weight is a number from 0 up"))
        elif weights.setdefault(labels[i], weight) != weight:
            problems.append(Problem(i + 1, labels[i], heading, repr(cell[:40]), "another weight than in a row above"))
    return weights


def _studies(
    labels: Sequence[str], columns: Mapping[str, Sequence[str]], kept: Sequence[str], year: str | None
) -> tuple[ReviewStudy, ...]:
    held: dict[str, dict[str, list[str]]] = {}
    for i, label in enumerate(labels):
        study = held.setdefault(label, {})
        for heading in (*kept, *((year,) if year is not None else ())):
            cell = columns[heading][i]
            if cell and cell not in study.setdefault(heading, []):
                study[heading].append(cell)
    return tuple(
        ReviewStudy(
            id=label,
            name=label,
            year="; ".join(study.get(year, ())) or None if year is not None else None,
            characteristics={heading: "; ".join(study[heading]) for heading in kept if study.get(heading)},
        )
        for label, study in held.items()
    )
