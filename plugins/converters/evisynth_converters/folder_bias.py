"""Write and read the judgements of risk of bias in a review's folder: domains in the main file, a row a judgement."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from evisynth import BiasDomain, FormatError, Judgement, OutcomeGroup, RiskOfBias
from evisynth_converters.csv_cells import write_csv
from evisynth_converters.folder_headings import TEXT, Headings
from evisynth_converters.folder_labels import ROWS, distinct_names, label_of, part_fields, rows_by_part
from evisynth_converters.toml_fields import Kind, TomlTable, fields_given, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from evisynth_converters.csv_cells import CsvRow, CsvTable
    from evisynth_converters.folder_files import Folder
    from evisynth_converters.folder_studies import StudyLabels

FOLDER = "risk-of-bias"
DOMAIN: Mapping[str, Kind] = {"name": str, "id": str, "description": str, "core": bool}
GROUP: Mapping[str, Kind] = {"name": str, "id": str}

OF_JUDGEMENTS = Headings(("domain", "study", "judgement", "support", "group"))
OF_SUMMARIES = Headings(("study", "weight"))


def write_risk_of_bias(
    tools: Sequence[RiskOfBias], labels: Mapping[str, str]
) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    """Give the tools for the main file, and the files of judgements; ``labels`` calls studies by their ids."""
    files: dict[str, bytes] = {}
    made: list[dict[str, Any]] = []
    for tool in tools:
        stem = re.sub(r"[^a-z0-9]+", "-", tool.tool[:60].casefold()).strip("-") or "tool"
        path, copy = f"{FOLDER}/{stem}.csv", 1
        while path in files:
            copy += 1
            path = f"{FOLDER}/{stem}-{copy}.csv"
        names = distinct_names([domain.name for domain in tool.domains])
        files[path] = write_csv(*judgement_cells(tool, names, labels))
        domains = [_domain_fields(domain, name) for domain, name in zip(tool.domains, names, strict=True)]
        weights = {labels.get(study, study): float(weight) for study, weight in tool.weights.items()}
        made.append(
            {
                "tool": tool.tool,
                "judgements": path,
                **({"weights": dict(sorted(weights.items()))} if weights else {}),
                **({"domain": domains} if domains else {}),
            }
        )
    return made, files


def _domain_fields(domain: BiasDomain, label: str) -> dict[str, Any]:
    fields = part_fields(domain, label, DOMAIN)
    if domain.id == domain.name:
        del fields["id"]
    groups = [
        fields_given(group, GROUP) | ({"outcomes": list(group.outcomes)} if group.outcomes else {})
        for group in domain.groups
    ]
    return fields | ({"group": groups} if groups else {})


def judgement_cells(
    tool: RiskOfBias, names: Sequence[str], labels: Mapping[str, str]
) -> tuple[list[str], list[list[str | None]]]:
    """Give headings and rows of the judgements; ``names`` are what rows call the domains."""
    held = [
        (name, judgement) for name, domain in zip(names, tool.domains, strict=True) for judgement in domain.judgements
    ]
    grouped = any(judgement.group is not None for _, judgement in held)
    rows: list[list[str | None]] = [
        [
            name,
            labels.get(judgement.study, judgement.study),
            judgement.judgement,
            judgement.support,
            *([judgement.group] if grouped else []),
        ]
        for name, judgement in held
    ]
    return ["domain", "study", "judgement", "support", *(["group"] if grouped else [])], rows


def read_risk_of_bias(folder: Folder, review: TomlTable, labels: StudyLabels) -> Iterator[RiskOfBias]:
    """Read the tools of the main file with their judgements.

    A file without a column ``domain`` has a column for each, as other programs take it: ``Study, D1, D2 … Overall``.
    """
    for table in review.tables("risk_of_bias", "risk of bias"):
        table.refuse_unknown(("tool", "judgements", "weights", "domain"))
        given = table.fields({"tool": str, "judgements": str})
        if "tool" not in given:
            msg = f'{table.where} has no tool, such as "RoB 2"'
            raise FormatError(msg)
        listed = list(table.tables("domain", "domain"))
        for one in listed:
            one.refuse_unknown(DOMAIN, (ROWS, "group"))
        weights = table.mapping("weights", float)
        rows: list[tuple[str, int, Judgement]] = []
        if "judgements" in given:
            rows = judgements_of(folder.table(given["judgements"], table.where), labels)
        else:
            folder.notes.append(f"{table.where} names no file of judgements")
        parts = rows_by_part(rows, listed, called="domain", file=str(given.get("judgements")))
        by_label = {label_of(one): one for one in listed}
        yield RiskOfBias(
            tool=given["tool"],
            domains=tuple(_domain(label, by_label.get(label), held) for label, held in parts.items()),
            weights={labels.id_of(study): weight for study, weight in weights.items()},
        )


def _domain(label: str, table: TomlTable | None, judgements: Sequence[Judgement]) -> BiasDomain:
    given: dict[str, Any] = {"name": label, **({} if table is None else table.fields(DOMAIN))}
    groups: list[OutcomeGroup] = []
    for one in () if table is None else table.tables("group", "group"):
        one.refuse_unknown(GROUP, ("outcomes",))
        own = one.fields(GROUP)
        if not own:
            msg = f"{one.where} has neither a name nor an id"
            raise FormatError(msg)
        name: Any = own.get("name", own.get("id"))
        groups.append(OutcomeGroup(id=own.get("id", name), name=name, outcomes=one.texts("outcomes")))
    given.setdefault("id", given["name"])
    return BiasDomain(**given, judgements=tuple(judgements), groups=tuple(groups))


def judgements_of(file: CsvTable, labels: StudyLabels) -> list[tuple[str, int, Judgement]]:
    """Take judgements from a table: what each calls its domain, its line, and the judgement."""
    wide = not any(OF_JUDGEMENTS.kind(heading) == ("own", "domain") for heading in file.headings)
    return _wide(file, labels) if wide else _long(file, labels)


def _long(file: CsvTable, labels: StudyLabels) -> list[tuple[str, int, Judgement]]:
    kinds = OF_JUDGEMENTS.sorted(file)
    unknown = next((heading for heading, (kind, _) in kinds.items() if kind == TEXT), None)
    if unknown is not None:
        msg = f"{file.name}: there is no column {unknown!r}{nearest(unknown, OF_JUDGEMENTS.own)}"
        raise FormatError(msg)
    rows: list[tuple[str, int, Judgement]] = []
    for row in file.rows:
        own = {kinds[heading][1]: cell for heading, cell in row.cells.items()}
        judgement = Judgement(
            study=labels.id_of(_needed(own, "study", file, row)),
            judgement=_needed(own, "judgement", file, row),
            support=own.get("support"),
            group=own.get("group"),
        )
        rows.append((_needed(own, "domain", file, row), row.line, judgement))
    return rows


def _needed(own: Mapping[str, str | None], column: str, file: CsvTable, row: CsvRow) -> str:
    value = own.get(column)
    if value is None:
        msg = f"{file.name}, line {row.line}: {column} is missing"
        raise FormatError(msg)
    return value


def _wide(file: CsvTable, labels: StudyLabels) -> list[tuple[str, int, Judgement]]:
    kinds = OF_SUMMARIES.sorted(file)
    domains = [heading for heading, (kind, _) in kinds.items() if kind == TEXT]
    rows: list[tuple[str, int, Judgement]] = []
    for domain in domains:
        for row in file.rows:
            own = {kinds[heading][1]: cell for heading, cell in row.cells.items()}
            cell = row.cells[domain]
            if cell is not None:
                judgement = Judgement(
                    study=labels.id_of(_needed(own, "study", file, row)), judgement=cell.strip().casefold()
                )
                rows.append((domain, row.line, judgement))
    return rows
