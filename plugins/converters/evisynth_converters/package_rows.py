"""Read and write a package's rows of data and its subgroups.

Columns that do not belong to an analysis' type of data are filled with zeros in the file, and are not data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from evisynth import FormatError, ReviewOutcome, ReviewRow, ReviewSubgroup
from evisynth_converters.package_settings import COUNTS, EFFECT, GROUP, NUMBER, OF_SUBGROUPS, as_record
from evisynth_converters.review_cells import number_cell, text_cell
from evisynth_converters.review_sheets import fold_heading, merged, own_cells, own_numbers, stored_cells, stored_results

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from evisynth_converters.review_sheets import Record

_ARMS = {"Experimental cases": "events_1", "Experimental N": "n_1", "Control cases": "events_2", "Control N": "n_2"}
DATA: Mapping[str, Mapping[str, str]] = {
    "dichotomous": _ARMS,
    "continuous": {
        "Experimental mean": "mean_1",
        "Experimental SD": "sd_1",
        "Experimental N": "n_1",
        "Control mean": "mean_2",
        "Control SD": "sd_2",
        "Control N": "n_2",
    },
    "generic": {"GIV Mean": "yi", "GIV SE": "sei", "Experimental N": "n_1", "Control N": "n_2"},
    "o-e": {"O-E": "o_e", "Variance": "o_e_variance", **_ARMS},
    "other": {},
}
_STORED = {"Weight": "weight", **EFFECT}
_OF_PETO = {"O-E": "o_e", "Variance": "o_e_variance"}
STANDARD_ROWS = (
    *(GROUP, NUMBER, "Analysis name", "Subgroup", "Applicability", "Study", "Study year", "GIV Mean", "GIV SE"),
    *("Experimental mean", "Experimental SD", "Experimental cases", "Experimental N"),
    *("Control mean", "Control SD", "Control cases", "Control N", "O-E", "Variance", *_STORED, "Footnotes"),
)
STANDARD_SUBGROUPS = (GROUP, NUMBER, "Subgroup", "Subgroup number", *OF_SUBGROUPS, "ID")
KNOWN_ROWS = frozenset(map(fold_heading, STANDARD_ROWS))
KNOWN_SUBGROUPS = frozenset(map(fold_heading, (*STANDARD_SUBGROUPS, "Effect T")))
_LEVELS = {"SUBGROUP_AND_OVERALL": "both", "SUBGROUP_ONLY": "subgroup", "OVERALL_ONLY": "overall"}
_APPLICABILITY = {level: word for word, level in _LEVELS.items()}


@attrs.define
class SubgroupDraft:
    """Hold a subgroup while its rows come."""

    subgroup: ReviewSubgroup
    rows: list[ReviewRow] = attrs.field(factory=list[ReviewRow])


@attrs.define
class OutcomeDraft:
    """Hold an outcome while its rows come."""

    outcome: ReviewOutcome
    group: int
    group_name: str
    place: str | None
    rows: list[ReviewRow] = attrs.field(factory=list[ReviewRow])
    subgroups: list[SubgroupDraft] = attrs.field(factory=list[SubgroupDraft])

    def finished(self) -> ReviewOutcome:
        """Give the outcome with its rows."""
        return attrs.evolve(
            self.outcome,
            rows=tuple(self.rows),
            subgroups=tuple(attrs.evolve(one.subgroup, rows=tuple(one.rows)) for one in self.subgroups),
        )


@attrs.define
class Drafts:
    """Find outcomes by evisynth's own places, or else by their numbers."""

    every: list[OutcomeDraft] = attrs.field(factory=list[OutcomeDraft])
    by_place: dict[str, OutcomeDraft | SubgroupDraft] = attrs.field(factory=dict[str, "OutcomeDraft | SubgroupDraft"])
    outcome_of_place: dict[str, OutcomeDraft] = attrs.field(factory=dict[str, OutcomeDraft])
    by_number: dict[tuple[int, int], OutcomeDraft] = attrs.field(factory=dict["tuple[int, int]", OutcomeDraft])

    def add(self, record: Record, draft: OutcomeDraft) -> None:
        """Keep an outcome; raises `FormatError` where another has its place."""
        key = (draft.group, draft.outcome.number)
        if (draft.place is None and key in self.by_number) or draft.place in self.by_place:
            msg = f"{record.place}: analysis {key[0]}.{key[1]} stands twice"
            raise FormatError(msg)
        self.every.append(draft)
        self.by_number.setdefault(key, draft)
        if draft.place is not None:
            self.by_place[draft.place] = self.outcome_of_place[draft.place] = draft

    def outcome_of(self, record: Record) -> OutcomeDraft:
        """Find the outcome that a line belongs to; raises `FormatError` where there is none."""
        place = record.own("place")
        draft = self.outcome_of_place.get(place) if place is not None else None
        if draft is not None:
            return draft
        key = (record.needed(GROUP), record.needed(NUMBER))
        if place is None and key in self.by_number:
            return self.by_number[key]
        msg = f"{record.place}: belongs to analysis {place or f'{key[0]}.{key[1]}'}, which the settings do not have"
        raise FormatError(msg)


def read_subgroup(record: Record, drafts: Drafts) -> None:
    """Put a subgroup into its outcome."""
    outcome = drafts.outcome_of_place.get((record.own("place") or "").rpartition(".")[0]) or drafts.outcome_of(record)
    with_t = "Effect T" in record.sheet and not record.raw("Effect Z")
    names = {"Effect T" if with_t and name == "statistic" else heading: name for heading, name in OF_SUBGROUPS.items()}
    number = record.whole("Subgroup number")
    draft = SubgroupDraft(
        ReviewSubgroup(
            number=len(outcome.subgroups) + 1 if number is None else number,
            name=record.text("Subgroup") or "",
            id=record.text("ID"),
            stored=stored_results(record, record.stored(names, counts=COUNTS)),
        )
    )
    outcome.subgroups.append(draft)
    place = record.own("place")
    if place is not None:
        drafts.by_place[place] = draft
        drafts.outcome_of_place[place] = outcome


def read_row(record: Record, drafts: Drafts, study_of: Callable[[Record], str]) -> None:
    """Put a row into its subgroup, or into its outcome where it has none."""
    record.study = record.text("Study")
    outcome = drafts.outcome_of(record)
    rows = _rows_of(record, outcome, drafts)
    data_type = outcome.outcome.data_type
    stored = record.stored(_STORED)
    if outcome.outcome.method == "Peto" and data_type == "dichotomous" and record.number("Variance"):
        stored |= record.stored(_OF_PETO)
    applicability = record.raw("Applicability")
    level: Any = _LEVELS.get(applicability.upper(), "both")
    if applicability and applicability.upper() not in _LEVELS:
        record.problem("Applicability", applicability[:80], f"is none of {', '.join(_LEVELS)}")
    order = record.own("order")
    rows.append(
        ReviewRow(
            study=study_of(record),
            data=merged(_data(record, data_type), own_numbers(record, "data")),
            level=level,
            order=int(order) if order is not None and order.lstrip("-").isdecimal() else None,
            footnote=record.text("Footnotes"),
            stored=stored_results(record, stored),
            text=record.unknown(KNOWN_ROWS),
        )
    )


def _rows_of(record: Record, outcome: OutcomeDraft, drafts: Drafts) -> list[ReviewRow]:
    place = record.own("place")
    if place is not None:
        return drafts.by_place[place].rows
    name = record.text("Subgroup")
    if name is None:
        return outcome.rows
    draft = next((one for one in outcome.subgroups if one.subgroup.name == name), None)
    if draft is None:
        number = max((one.subgroup.number for one in outcome.subgroups), default=0) + 1
        draft = SubgroupDraft(ReviewSubgroup(number=number, name=name))
        outcome.subgroups.append(draft)
    return draft.rows


def _data(record: Record, data_type: str) -> dict[str, float]:
    read = {name: record.number(heading) for heading, name in DATA[data_type].items()}
    data = {name: value for name, value in read.items() if value is not None}
    filled = data_type in {"generic", "o-e"} and not any(data.get(name) for name in _ARMS.values())
    if filled and not record.sheet.exact:
        # Participants are for display there, and 0 where nobody entered them.
        data = {name: value for name, value in data.items() if name not in _ARMS.values()}
    return data


# -- writing --------------------------------------------------------------------------------------------------------


def write_rows(
    outcome: ReviewOutcome, group: int, place: str, study_cells: Callable[[str], Mapping[str, str]]
) -> Iterator[dict[str, str]]:
    """Write the rows of an outcome as cells; a row's place is that of its subgroup, or else of its outcome."""
    analysis = {GROUP: str(group), NUMBER: str(outcome.number), "Analysis name": text_cell(outcome.name or None)}
    for row in outcome.rows:
        yield {"place": place, **analysis, **_row_cells(row, outcome.data_type, study_cells)}
    for i, subgroup in enumerate(outcome.subgroups, 1):
        held = {**analysis, "Subgroup": text_cell(subgroup.name or None)}
        for row in subgroup.rows:
            yield {"place": f"{place}.{i}", **held, **_row_cells(row, outcome.data_type, study_cells)}


def write_subgroups(outcome: ReviewOutcome, group: int, place: str) -> Iterator[dict[str, str]]:
    """Write the subgroups of an outcome as cells."""
    for i, subgroup in enumerate(outcome.subgroups, 1):
        yield {
            "place": f"{place}.{i}",
            GROUP: str(group),
            NUMBER: str(outcome.number),
            "Subgroup": text_cell(subgroup.name or None),
            "Subgroup number": str(subgroup.number),
            "ID": text_cell(subgroup.id),
            **stored_cells(subgroup.stored, OF_SUBGROUPS, lambda made: as_record(made).stored(OF_SUBGROUPS)),
        }


def _row_cells(row: ReviewRow, data_type: str, study_cells: Callable[[str], Mapping[str, str]]) -> dict[str, str]:
    names = DATA[data_type]
    cells = {heading: number_cell(row.data[name]) for heading, name in names.items() if name in row.data}
    cells |= own_cells("data", row.data, _data(as_record(cells), data_type))
    cells |= {"order": str(row.order)} if row.order is not None else {}
    return {
        **study_cells(row.study),
        "Applicability": _APPLICABILITY[row.level],
        **cells,
        "Footnotes": text_cell(row.footnote),
        **stored_cells(row.stored, _STORED, lambda made: as_record(made).stored(_STORED)),
        **{f"text.{key}": text_cell(value) for key, value in row.text.items()},
    }
