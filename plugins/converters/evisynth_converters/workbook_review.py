"""Read workbooks and folders of CSV as reviewers keep them: a table of studies, or a review with a sheet an outcome."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import attrs

from evisynth import (
    BiasDomain,
    FormatError,
    Review,
    ReviewComparison,
    ReviewOutcome,
    ReviewStudy,
    RiskOfBias,
    Source,
    Table,
)
from evisynth_converters.csv_cells import CsvRow, CsvTable
from evisynth_converters.folder_bias import judgements_of
from evisynth_converters.folder_flow import flow_of
from evisynth_converters.folder_headings import fold
from evisynth_converters.folder_labels import rows_by_part
from evisynth_converters.folder_outcomes import refuse_unknown_preset
from evisynth_converters.folder_studies import StudiesRead, StudyLabels, studies_of
from evisynth_converters.workbook_cells import Sheet
from evisynth_converters.workbook_settings import SHEET, SheetSettings, read_settings
from evisynth_converters.workbook_sheets import kind_of, read_sheets
from evisynth_converters.workbook_tables import (
    MEASURES,
    StudyTable,
    find_table,
    outcome_rows,
    plain_cell,
    plain_columns,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PRESET = "revman-web"

_SURE = {"xlsx": 0.95, "xlsb": 0.9, "xls": 0.9, "ods": 0.95}
_PLACE = re.compile(r"(-?[0-9]{1,6})\.(-?[0-9]{1,6})(?:[\s_:.-]+(.*))?", re.DOTALL)
_OF_BIAS = re.compile(r"(?:risk[ _-]of[ _-]bias|rob)[\s:(_-]*(.*?)\)?", re.IGNORECASE | re.DOTALL)
_TOOLS = {"rob1": "RoB 1", "rob2": "RoB 2", "1": "RoB 1", "2": "RoB 2", "robinsi": "ROBINS-I", "robinse": "ROBINS-E"}
_FLOWS = frozenset({"prisma", "flow", "prisma_flow", "flow_diagram"})


def certainty(source: Source) -> float:
    """Look for the parts of a workbook, or for a folder in which a CSV file is a table of studies."""
    if source.path is None:
        return 0.0
    try:
        kind = kind_of(source)
        if kind != "folder":
            return _SURE.get(kind, 0.0)
        found = [find_table(sheet, []) for sheet in read_sheets(source, [])]
    except (FormatError, OSError):
        return 0.0
    return 0.3 if any(isinstance(one, StudyTable) for one in found) else 0.0


def read_workbook(source: Source) -> Table | Review:
    """Read the tables of studies that the sheets hold.

    One table alone is a `Table`. Several are outcomes of a `Review`: each sheet's name is its outcome's, with its place
    before it ("1.2 Mortality") or else numbered in order; its columns say what kind of data it is, and no statistic is
    converted into another. Sheets "Settings" (a row an outcome), "Studies", "Risk of bias" and "PRISMA" are read as
    what they say; every other sheet without a table is left out with a note. Raises `FormatError` for what cannot be
    read, and `DataError` for texts in columns of data.
    """
    notes: list[str] = []
    special, others = dict[str, Sheet](), list[Sheet]()
    sheets = read_sheets(source, notes)
    for sheet in sheets:
        kind = _kind(sheet)
        if kind and kind not in special:
            special[kind] = sheet
        else:
            others.append(sheet)
    where = f"{source.name}, sheet {special[SHEET].name!r}" if SHEET in special else source.name
    names = [name for sheet in others for name in _names(sheet.name)]
    settings = read_settings(special[SHEET], where, names) if SHEET in special else SheetSettings()
    tables: list[StudyTable] = []
    for sheet in others:
        found = find_table(sheet, notes, settings.of(*_names(sheet.name)).get("data_type"))
        if isinstance(found, str):
            notes.append(f"sheet {sheet.name!r} was left out: it {found}")
        else:
            tables.append(found)
    if not tables:
        msg = f"{source.name} holds no table of studies: " + ("; ".join(notes[:10]) or "it has no sheet of data")
        raise FormatError(msg)
    if len(tables) == 1 and not special:
        (table,) = tables
        return Table(plain_columns(table), decimal_comma=table.decimal_comma, notes=tuple(notes))
    settings.refuse_unknown([name for table in tables for name in _names(table.name)], where)
    return _review(source, tables, settings, special, notes)


def _kind(sheet: Sheet) -> str:
    """Tell which of the sheets beside the outcomes a sheet is, by its name, unless it holds a table of studies."""
    name = fold(sheet.name)
    if name == SHEET:
        return SHEET
    kind = "flow" if name in _FLOWS else "studies" if name == "studies" else ""
    kind = kind or (f"bias {name}" if _OF_BIAS.fullmatch(sheet.name.strip()) or _tool(sheet.name) else "")
    return kind if kind and isinstance(find_table(sheet, []), str) else ""


def _tool(name: str) -> str | None:
    return _TOOLS.get(re.sub(r"[^a-z0-9]", "", name.casefold()))


def _names(sheet: str) -> tuple[str, ...]:
    """Give what settings may call an outcome: its place, its name, its sheet."""
    found = _PLACE.fullmatch(sheet.strip())
    own = () if found is None else (f"{found[1]}.{found[2]}", *([found[3]] if found[3] else []))
    return (*own, sheet)


def _review(
    source: Source,
    tables: Sequence[StudyTable],
    settings: SheetSettings,
    special: Mapping[str, Sheet],
    notes: list[str],
) -> Review:
    of_studies = special.get("studies")
    held = StudiesRead() if of_studies is None else studies_of(_as_cells(of_studies, source), notes)
    labels = StudyLabels.of(held.studies)
    years: dict[str, str] = {}
    made = list(_outcomes(source, tables, settings, labels, years))
    in_rows = {row.study: None for _, outcome in made for _, row in outcome.all_rows}
    added = [ReviewStudy(id=name, name=name, year=years.get(name)) for name in in_rows if name not in labels.ids]
    if added and of_studies is not None:
        names = ", ".join(repr(study.name) for study in added[:5])
        notes.append(f"sheet {of_studies.name!r} lacks studies that have rows, which were added: {names}")
    flow = special.get("flow")
    preset = settings.review.get("preset", PRESET)
    refuse_unknown_preset(preset, source.name)
    suffix = source.suffix
    return Review(
        title=settings.review.get("title", source.name.removesuffix(suffix) if suffix else source.name),
        preset=preset,
        studies=(*held.studies, *added),
        risk_of_bias=tuple(
            _bias(sheet, source, labels, notes) for kind, sheet in special.items() if kind.startswith("bias")
        ),
        comparisons=_comparisons(made),
        flow=None if flow is None else flow_of(_as_cells(flow, source)),
        source=source.name,
        notes=tuple(notes),
    )


def _outcomes(
    source: Source,
    tables: Sequence[StudyTable],
    settings: SheetSettings,
    labels: StudyLabels,
    years: dict[str, str],
) -> Iterator[tuple[tuple[int, str], ReviewOutcome]]:
    """Go through the outcomes with the number and name of their comparison."""
    ids = {name: labels.id_of(name) for name in labels.by_name}
    places = {table.name: found for table in tables if (found := _PLACE.fullmatch(table.name.strip()))}
    numbers: dict[str, int] = {}
    used = {(int(found[1]), int(found[2])) for found in places.values()}
    for table in tables:
        said = settings.of(*_names(table.name))
        comparison = said.pop("comparison", None)
        found = places.get(table.name)
        if found is not None:
            place = int(found[1]), int(found[2])
        else:
            first = numbers.setdefault(comparison or "", max([*numbers.values(), 0]) + 1)
            place = next((first, n) for n in range(1, len(tables) + 2) if (first, n) not in used)
            used.add(place)
        name = said.pop("name", None) or (found[3] if found is not None else None) or table.name
        data_type = said.pop("data_type", table.data_type)
        measure, method = MEASURES.get(data_type, (None, None))
        rows = outcome_rows(table, data_type, ids, source.name)
        years |= rows.years
        fields = {field.name for field in attrs.fields(ReviewOutcome)}
        given: dict[str, Any] = {
            "measure": measure,
            "method": None if "measure" in said and said["measure"] != measure else method,
            **{key: value for key, value in said.items() if key in fields},
        }
        yield (
            (place[0], comparison or f"Comparison {place[0]}"),
            ReviewOutcome(
                number=place[1],
                name=name,
                data_type=data_type,
                **given,
                words={key: value for key, value in said.items() if key not in fields},
                rows=rows.rows,
                subgroups=rows.subgroups,
            ),
        )


def _comparisons(made: Sequence[tuple[tuple[int, str], ReviewOutcome]]) -> tuple[ReviewComparison, ...]:
    held: dict[tuple[int, str], list[ReviewOutcome]] = {}
    for key, outcome in made:
        held.setdefault(key, []).append(outcome)
    return tuple(
        ReviewComparison(number=number, name=name, outcomes=tuple(outcomes))
        for (number, name), outcomes in held.items()
    )


def _as_cells(sheet: Sheet, source: Source) -> CsvTable:
    """Give a sheet as rows of texts under the headings of its first row that has any."""
    name = f"{source.name}, sheet {sheet.name!r}"
    rows = [(line, row) for line, row in enumerate(sheet.rows, 1) if any(cell is not None for cell in row)]
    if not rows:
        return CsvTable(name, (), ())
    headings = [text_of(plain_cell(cell, role=None)) or "" for cell in rows[0][1]]
    twice = next((heading for heading in headings if heading and headings.count(heading) > 1), None)
    if twice is not None:
        msg = f"{name}: two columns have the heading {twice!r}"
        raise FormatError(msg)
    cells = [
        CsvRow(
            number,
            line,
            {
                heading: text_of(plain_cell(cell, role=None))
                for heading, cell in zip(headings, [*row, *[None] * len(headings)], strict=False)
                if heading
            },
        )
        for number, (line, row) in enumerate(rows[1:], 1)
    ]
    return CsvTable(name, tuple(filter(None, headings)), tuple(cells))


def _bias(sheet: Sheet, source: Source, labels: StudyLabels, notes: list[str]) -> RiskOfBias:
    file = _as_cells(sheet, source)
    rows = judgements_of(file, labels)
    found = _OF_BIAS.fullmatch(sheet.name.strip())
    named = found[1].strip() if found is not None else ""
    tool = _tool(sheet.name) or _tool(named) or named
    if not tool:
        words = {judgement.judgement for _, _, judgement in rows}
        tool = "RoB 1" if "unclear" in words else "ROBINS-I" if words & {"serious", "critical", "moderate"} else "RoB 2"
        notes.append(f"sheet {sheet.name!r} names no tool: its words are those of {tool}")
    parts = rows_by_part(rows, (), called="domain", file=file.name)
    domains = tuple(BiasDomain(id=name, name=name, judgements=tuple(held)) for name, held in parts.items())
    return RiskOfBias(tool=tool, domains=domains)
