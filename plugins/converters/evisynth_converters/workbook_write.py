"""Write Excel workbooks: one of a table of studies, or a sheet for each outcome of a review with its settings."""

from __future__ import annotations

import io
import math
import re
import warnings
from typing import TYPE_CHECKING, Any

from evisynth import DATA_COLUMNS, DataWarning, FormatError, MissingExtraError, ReviewStudy, find_roles
from evisynth_converters.csv_cells import number_text
from evisynth_converters.folder_bias import judgement_cells
from evisynth_converters.folder_flow import flow_cells
from evisynth_converters.folder_headings import in_order
from evisynth_converters.folder_labels import distinct_names
from evisynth_converters.folder_outcomes import OUTCOME
from evisynth_converters.folder_studies import OF_STUDIES, StudyLabels
from evisynth_converters.toml_fields import fields_given

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evisynth import Review, ReviewOutcome, Studies

LONGEST_CELL = 32_767
"""Characters that Excel takes in a cell."""
_FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]")
_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_LONGEST_NAME = 31
_SPECIAL = ("settings", "studies", "prisma", "history")


def studies_workbook(studies: Studies) -> bytes:
    """Write a table of studies as a workbook of one sheet; no cell is a formula, and numbers read back to the bit.

    What a workbook cannot hold (control characters) stands as �. Raises `MissingExtraError` where openpyxl is absent.
    """
    text = {name: column for name, column in studies.text.items() if name != "study"}
    rows: list[list[Any]] = []
    for i, label in enumerate(studies.study):
        numbers = [float(column[i]) for column in studies.columns.values()]
        rows.append([label, *(column[i] for column in text.values()), *numbers])
    return _workbook({"Data": (["study", *text, *studies.columns], rows)})


def review_workbook(review: Review) -> bytes:
    """Write a workbook with a sheet for each outcome, and sheets of settings, studies, judgements and flow.

    Reading gives the same rows of data, subgroups, settings and studies. A workbook does not hold: ids of comparisons,
    outcomes and subgroups, and numbers of subgroups; stored results; levels, orders and footnotes of rows; references
    and identifiers; names and descriptions of domains beyond what rows call them; what the engine does not use
    (``parts``); texts of outcomes; spaces around texts, and empty texts; subgroups and comparisons without rows; and
    words of settings beside the outcome's own of that name. A text under a heading that means a column of data is
    headed "… (text)". A `DataWarning` names what of this the review has.
    """
    for missing in _not_held(review):
        warnings.warn(f"not written, a workbook does not hold it: {missing}", DataWarning, stacklevel=2)
    # Reading makes studies of all that have rows; listed, one may even be called what another is named.
    named = {row.study: None for _, _, outcome in review.outcomes for _, row in outcome.all_rows}
    added = [ReviewStudy(id=study, name=study) for study in named if study not in review.study_by_id]
    studies = [*review.studies, *added]
    labels = StudyLabels.of(studies).labels(studies)
    sheets: dict[str, tuple[Sequence[str], list[list[Any]]]] = {}
    taken: set[str] = set(_SPECIAL)
    settings: list[dict[str, Any]] = []
    for place, comparison, outcome in review.outcomes:
        name = sheet_name(f"{place} {outcome.name}", taken)
        sheets[name] = _outcome_sheet(outcome, labels)
        settings.append(
            {"outcome": name, "comparison": comparison.name, "preset": review.preset, "title": review.title}
            | {"measure": outcome.measure or "none", "method": outcome.method or "none"}
            | {key: value for key, value in fields_given(outcome, OUTCOME).items() if key not in {"number", "id"}}
            | {word: "none" if value is None else value for word, value in outcome.words.items() if word not in OUTCOME}
        )
    columns = in_order((key for row in settings for key in row), ("outcome", "comparison", "title", "preset", *OUTCOME))
    said = [[_setting(row.get(key)) for key in columns] for row in settings]
    made: dict[str, tuple[Sequence[str], list[list[Any]]]] = {"Settings": (columns, said), **sheets}
    if studies:
        made["Studies"] = _studies_sheet(studies)
    for tool in review.risk_of_bias:
        names = distinct_names([domain.name for domain in tool.domains])
        of_bias, cells = judgement_cells(tool, names, labels)
        made[sheet_name(f"Risk of bias {tool.tool}", taken)] = (of_bias, [list(row) for row in cells])
    if review.flow is not None:
        headings, counts = flow_cells(review.flow)
        made["PRISMA"] = (headings, [list(row) for row in counts])
    return _workbook(made)


def _not_held(review: Review) -> Iterable[str]:
    """Name what a reader of the workbook would miss."""
    rows = [(place, row) for place, _, outcome in review.outcomes for _, row in outcome.all_rows]
    levels = dict.fromkeys(place for place, row in rows if row.level != "both")
    if levels:
        yield f"that rows are pooled in their subgroup or overall alone, of outcomes {', '.join(levels)}"
    held = {
        "stored results": any(outcome.stored.numbers for _, _, outcome in review.outcomes)
        or any(row.stored.numbers for _, row in rows),
        "footnotes": any(row.footnote for _, row in rows),
        "references": any(study.references for study in review.studies),
        "other parts of the file": bool(review.parts),
    }
    yield from (what for what, there in held.items() if there)


def _setting(value: Any) -> Any:  # noqa: ANN401 - what settings hold
    return ("yes" if value else "no") if isinstance(value, bool) else value


def sheet_name(name: str, taken: set[str]) -> str:
    """Make a name that Excel takes: of up to 31 characters, without some, and unlike the others in more than case."""
    plain = _CONTROL.sub("", _FORBIDDEN.sub("_", name)).strip().strip("'") or "Sheet"
    made, number = plain[:_LONGEST_NAME].strip().strip("'"), 1
    while made.casefold() in taken:
        number += 1
        end = f" ({number})"
        made = plain[: _LONGEST_NAME - len(end)].rstrip() + end
    taken.add(made.casefold())
    return made


def _outcome_sheet(outcome: ReviewOutcome, labels: Mapping[str, str]) -> tuple[list[str], list[list[Any]]]:
    known = DATA_COLUMNS[outcome.data_type]
    texts = in_order(key for _, row in outcome.all_rows for key in row.text)
    names = dict(zip(map(id, outcome.subgroups), distinct_names([one.name for one in outcome.subgroups]), strict=True))
    headings: list[str] = [*(["subgroup"] if outcome.subgroups else []), "study", *known]
    for key in texts:
        # A text under a heading that means something would be read as that.
        heading = f"{key} (text)" if not key.strip() or find_roles([key]) else key.strip()
        headings.append(heading if heading not in headings else f"{heading} ({len(headings) + 1})")
    rows = [
        [
            *(([None] if subgroup is None else [names[id(subgroup)]]) if outcome.subgroups else []),
            labels.get(row.study, row.study),
            *(row.data.get(column) for column in known),
            *(row.text.get(key) for key in texts),
        ]
        for subgroup, row in outcome.all_rows
    ]
    return headings, rows


def _studies_sheet(studies: Sequence[ReviewStudy]) -> tuple[list[str], list[list[Any]]]:
    texts = in_order(key for study in studies for key in study.characteristics)
    rows = [
        [study.id, study.name, study.year, study.status, *(study.characteristics.get(key) for key in texts)]
        for study in studies
    ]
    return ["id", "name", "year", "status", *map(OF_STUDIES.of_text, texts)], rows


def _workbook(sheets: Mapping[str, tuple[Sequence[str], Iterable[Sequence[Any]]]]) -> bytes:
    try:
        # An optional library, and only workbooks need it.
        import openpyxl  # noqa: PLC0415
    except ImportError:
        what = "writing workbooks"
        raise MissingExtraError(what, "openpyxl", "excel") from None
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, (headings, rows) in sheets.items():
        sheet = book.create_sheet(name)
        cells: list[Sequence[Any]] = [headings, *rows]
        for number, row in enumerate(cells, 1):
            for column, value in enumerate(row, 1):
                if value is not None and value != "" and not (isinstance(value, float) and math.isnan(value)):
                    _fill(sheet.cell(number, column), value, f"sheet {name!r}, row {number}, column {column}")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _fill(cell: Any, value: Any, where: str) -> None:  # noqa: ANN401 - openpyxl's cell, and what goes in
    if isinstance(value, str):
        # What looks like Excel's escape of a character is one to every reader, unless its first sign is escaped.
        text = _ESCAPE.sub("_x005F_", _CONTROL.sub("\ufffd", value))
        if len(text) > LONGEST_CELL:
            msg = f"{where}: a text of {len(text):,} characters; a workbook's cell holds {LONGEST_CELL:,}"
            raise FormatError(msg)
        # Given as a text, nothing is taken for a formula or an error.
        cell.value = text
        cell.data_type = "s"
    elif math.isfinite(value):
        # Of a float, the library writes 16 digits; of a text it writes all, and the type makes a number of it again.
        cell.value = number_text(value)
        cell.data_type = "n"
    else:
        msg = f"{where}: {value} is not finite, and a workbook holds finite numbers"
        raise FormatError(msg)
