"""Read the CSV of RevMan 5's "export data and analyses".

A line is a comparison where the outcome number is 0, an outcome where it is the first of its outcome, a subgroup where
it is the first of its subgroup, and else a study. Q is heterogeneity and Qint the test for subgroup differences. The
wizard lets users leave out columns and add others; what is not known here is kept as text.

Assumed, because no sample shows it: the codes of data types beyond DIC and CON; that the effect estimate of generic
inverse variance stands on the scale shown and its SE on the analysis scale, as they do for other outcomes. So a ratio's
logarithm is taken here, of an estimate rounded to 8 decimals. Whether it is a ratio says the column for it, or else the
confidence limits (they lie symmetrically on the analysis scale), or else its name.
"""

from __future__ import annotations

import math
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NoReturn

import attrs

from evisynth import (
    Converter,
    FormatError,
    Review,
    ReviewComparison,
    ReviewOutcome,
    ReviewRow,
    ReviewStudy,
    ReviewSubgroup,
    Source,
    hookimpl,
)
from evisynth_converters.review_cells import rounded_to
from evisynth_converters.review_sheets import Record, fold_heading, read_sheet, stored_results
from evisynth_converters.revman_words import DATA_TYPES, METHODS, fold, is_ratio, measure_of, model_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

REFERENCE = "Nordic Cochrane Centre (2014), Review Manager 5.3, Export Analysis Data Wizard"

NUMBERS = ("Comparison Number", "Outcome Number", "Subgroup Number")

_OF_ARMS = {"Events 1": "events_1", "Total 1": "n_1", "Events 2": "events_2", "Total 2": "n_2"}
_DATA: Mapping[str, Mapping[str, str]] = {
    "dichotomous": _OF_ARMS,
    "continuous": dict(
        zip(
            ("Mean 1", "SD 1", "Total 1", "Mean 2", "SD 2", "Total 2"),
            ("mean_1", "sd_1", "n_1", "mean_2", "sd_2", "n_2"),
            strict=True,
        )
    ),
    "generic": {"Total 1": "n_1", "Total 2": "n_2"},
    "o-e": {"O-E": "o_e", "Var": "o_e_variance", "Variance": "o_e_variance", **_OF_ARMS},
    "other": {},
}
_EFFECT = {"Effect Estimate": "display", "CI Start": "display_ci_low", "CI End": "display_ci_high", "Weight": "weight"}
_OF_ROW = {**_EFFECT, "SE": "se"}
_OF_NODE = {
    **_EFFECT,
    "Q": "q",
    "P(Q)": "q_p_value",
    "I²(Q)": "i2",
    "df": "q_df",
    "Tau²": "tau2",
    "Z": "statistic",
    "P(Z)": "p_value",
    **_OF_ARMS,
}
_OF_SUBGROUP_TEST = {"Qint": "subgroup_q", "P(Qint)": "subgroup_q_p_value", "I²(Qint)": "subgroup_i2"}
_COUNTS = frozenset({"q_df", "events_1", "n_1", "events_2", "n_2"})
_LOG_SCALE = "Entered data are on log scale (Generic Inverse Variance only)"
_SETTINGS = (
    *("Data Type", "Statistical Method", "Effect Measure", "Analysis Model"),
    *("Group Label 1", "Group Label 2", "Left Graph Label", "Right Graph Label"),
    *("Totals", "Study Confidence Interval", "Total Confidence Interval", "Test for subgroup differences"),
    *("Swap event and non-event", _LOG_SCALE),
)
_PLACE = (*NUMBERS, "Name", "Year of study", "User defined order")
_KNOWN = frozenset(
    map(
        fold_heading,
        (*_PLACE, *_SETTINGS, *_OF_ROW, *_OF_NODE, *_OF_SUBGROUP_TEST, *(h for one in _DATA.values() for h in one)),
    )
)
_TOTALS = {
    **dict.fromkeys(("yes", "totals and subtotals", "true"), "overall"),
    **dict.fromkeys(("sub", "subtotals only"), "subgroups"),
    **dict.fromkeys(("no", "no totals", "false"), "none"),
}


def recognises(source: Source) -> float:
    """Look for the three numbers at the head of the headings."""
    if source.path is None or b"\0" in source.head:
        return 0.0
    first = source.head.decode("utf-8-sig", errors="replace").lstrip().splitlines()[:1]
    words = fold_heading(first[0].replace('"', "")) if first else ""
    return 0.95 if all(fold_heading(heading) in words for heading in NUMBERS) else 0.0


def read(source: Source) -> Review:
    """Take comparisons, outcomes, subgroups and studies as the lines follow each other.

    Raises `FormatError`, with the line, for a study outside of any outcome and for a type of data that is not known,
    and `DataError` for texts in the place of numbers, each with its study and column.
    """
    sheet = read_sheet(source.name, source.content, known=_KNOWN)
    sheet.need(*NUMBERS, "Name")
    drafts: list[_Comparison] = []
    notes: list[str] = []
    for record in sheet.records:
        _place(record, drafts, notes)
    sheet.refuse()
    studies: dict[str, str | None] = {}
    for record in _study_records(drafts):
        name = record.study or ""
        year = record.text("Year of study")
        if studies.get(name) is not None and year is not None and studies[name] != year:
            notes.append(f"{record.place}: {name} has the year {year}, and {studies[name]} further up, which is kept")
        studies[name] = studies.get(name) or year
    comparisons = tuple(
        ReviewComparison(
            number=one.number, name=one.name, outcomes=tuple(_outcome(outcome, notes) for outcome in one.outcomes)
        )
        for one in drafts
    )
    sheet.refuse()
    return Review(
        title=PurePath(source.name).stem,
        preset="revman5",
        studies=tuple(ReviewStudy(id=name, name=name, year=year) for name, year in studies.items()),
        comparisons=comparisons,
        decimals=rounded_to(sheet.decimals),
        source=source.name,
        notes=tuple(dict.fromkeys(notes)),
    )


@attrs.define
class _Subgroup:
    record: Record
    number: int
    rows: list[Record] = attrs.field(factory=list[Record])


@attrs.define
class _Outcome:
    record: Record
    number: int
    rows: list[Record] = attrs.field(factory=list[Record])
    subgroups: list[_Subgroup] = attrs.field(factory=list[_Subgroup])


@attrs.define
class _Comparison:
    number: int
    name: str
    outcomes: list[_Outcome] = attrs.field(factory=list[_Outcome])


def _study_records(drafts: Sequence[_Comparison]) -> Iterator[Record]:
    for comparison in drafts:
        for outcome in comparison.outcomes:
            yield from outcome.rows
            for subgroup in outcome.subgroups:
                yield from subgroup.rows


def _place(record: Record, drafts: list[_Comparison], notes: list[str]) -> None:
    """Put a line where its numbers say that it belongs."""
    comparison_number, outcome_number = record.needed(NUMBERS[0]), record.whole(NUMBERS[1]) or 0
    subgroup_number = record.whole(NUMBERS[2]) or 0
    name = record.text("Name") or ""
    comparison = next((one for one in drafts if one.number == comparison_number), None)
    if comparison is None:
        comparison = _Comparison(comparison_number, name if outcome_number == 0 else "")
        drafts.append(comparison)
        if outcome_number:
            notes.append(f"{record.place}: comparison {comparison_number} has no line of its own, and so no name")
    elif outcome_number == 0:
        _refuse(record, f"comparison {comparison_number} stands twice")
    if outcome_number == 0:
        return
    outcome = next((one for one in comparison.outcomes if one.number == outcome_number), None)
    here = f"{comparison_number}.{outcome_number}"
    if outcome is None:
        if ("Data Type" in record.sheet and not record.raw("Data Type")) or _is_study(record):
            _refuse(record, f"{name!r} belongs to outcome {here}, which has no line above it")
        comparison.outcomes.append(_Outcome(record, outcome_number))
        return
    if subgroup_number == 0:
        _as_study(record, outcome.rows, name, here)
        return
    subgroup = next((one for one in outcome.subgroups if one.number == subgroup_number), None)
    if subgroup is None:
        if _is_study(record):
            _refuse(record, f"{name!r} belongs to subgroup {here}.{subgroup_number}, which has no line above it")
        outcome.subgroups.append(_Subgroup(record, subgroup_number))
        return
    _as_study(record, subgroup.rows, name, here)


def _is_study(record: Record) -> bool:
    """Tell a study by what only studies have."""
    return bool(record.raw("Year of study") or record.raw("User defined order"))


def _as_study(record: Record, rows: list[Record], name: str, place: str) -> None:
    if record.raw("Data Type"):
        _refuse(record, f"outcome or subgroup {place} stands twice")
    if not name:
        _refuse(record, "a study without a name")
    record.study = name
    rows.append(record)


def _refuse(record: Record, message: str) -> NoReturn:
    msg = f"{record.place}: {message}"
    raise FormatError(msg)


# -- outcomes -------------------------------------------------------------------------------------------------------


def _outcome(draft: _Outcome, notes: list[str]) -> ReviewOutcome:
    record = draft.record
    data_type = _data_type(record)
    measured = measure_of(record.text("Effect Measure"), data_type)
    method = record.text("Statistical Method")
    rows = [*draft.rows, *(row for subgroup in draft.subgroups for row in subgroup.rows)]
    log_data = data_type == "generic" and _log_data(record, rows, measured.label)
    if data_type == "generic" and rows:
        scale = "logarithms of the estimates shown" if log_data else "the estimates shown"
        notes.append(f"{record.place}: effects of {record.text('Name')!r} are {scale}, as exact as those are rounded")
    if data_type == "o-e" and rows and "O-E" not in record.sheet:
        notes.append(f"{record.place}: the columns O-E and Var are missing, choose them in RevMan's export wizard")
    stored = _stored(record, data_type)
    if draft.subgroups:
        # Without subgroups there is no test of them; what stands there is a filler.
        stored |= record.stored(_OF_SUBGROUP_TEST)
    words: dict[str, Any] = {
        "totals": _TOTALS.get(fold(record.raw("Totals"))),
        "level": record.share("Total Confidence Interval"),
        "study_level": record.share("Study Confidence Interval"),
        "subgroup_test": record.flag("Test for subgroup differences"),
    }
    text = record.unknown(_KNOWN)
    if method is not None and fold(method) not in METHODS:
        text["Statistical Method"] = method
    if record.raw("Totals") and words["totals"] is None:
        text["Totals"] = record.raw("Totals")
    return ReviewOutcome(
        number=draft.number,
        name=record.text("Name") or "",
        data_type=data_type,
        method=None if method is None else METHODS.get(fold(method)),
        model=model_of(record.text("Analysis Model")),
        measure=measured.measure,
        effect_label=measured.label,
        log_data=log_data,
        swap_events=bool(record.flag("Swap event and non-event")) or measured.swapped,
        group_1=record.text("Group Label 1"),
        group_2=record.text("Group Label 2"),
        favours_1=record.text("Left Graph Label"),
        favours_2=record.text("Right Graph Label"),
        rows=tuple(_row(row, data_type, log_data=log_data) for row in draft.rows),
        subgroups=tuple(_subgroup(one, data_type, log_data=log_data) for one in draft.subgroups),
        stored=stored_results(record, stored),
        text=text,
        **{name: value for name, value in words.items() if value is not None},
    )


def _data_type(record: Record) -> Any:  # noqa: ANN401 - the words of the model are its own type
    given = record.raw("Data Type")
    found = DATA_TYPES.get(fold(given))
    if fold(record.raw("Statistical Method")) == "exp o e var":
        found = "o-e"
    if found is None:
        known = "DIC, CON, GIV, IPD, OTH"
        _refuse(record, f"the data type {given!r} is not known ({known} are)")
    return found


def _log_data(record: Record, rows: Sequence[Record], label: str | None) -> bool:
    said = record.flag(_LOG_SCALE)
    if said is not None:
        return said
    lean = sum(_leaning(row) for row in rows)
    return lean > 0 if lean else is_ratio(label)


def _leaning(row: Record) -> int:
    """Tell on which scale an estimate lies in the middle of its limits: 1 for logarithms, -1 for the scale itself."""
    limits = [row.number(heading, finite=False) for heading in ("CI Start", "Effect Estimate", "CI End")]
    if any(value is None or not math.isfinite(value) for value in limits):
        return 0
    low, middle, high = (float(value or 0.0) for value in limits)
    if not low < middle < high:
        return 0
    if low <= 0:
        return -1
    plain = abs((high - middle) - (middle - low)) / (high - low)
    log = abs(math.log(high / middle) - math.log(middle / low)) / math.log(high / low)
    return (log < plain) - (plain < log)


def _subgroup(draft: _Subgroup, data_type: str, *, log_data: bool) -> ReviewSubgroup:
    return ReviewSubgroup(
        number=draft.number,
        name=draft.record.text("Name") or "",
        rows=tuple(_row(row, data_type, log_data=log_data) for row in draft.rows),
        stored=stored_results(draft.record, _stored(draft.record, data_type)),
    )


def _stored(record: Record, data_type: str) -> dict[str, float]:
    """Take what is stored for an outcome or subgroup; events, where there are none, are fillers."""
    stored = record.stored(_OF_NODE, counts=_COUNTS)
    counted = data_type in {"dichotomous", "o-e"}
    return {name: value for name, value in stored.items() if counted or not name.startswith("events")}


def _row(record: Record, data_type: str, *, log_data: bool) -> ReviewRow:
    stored = record.stored(_OF_ROW)
    data = {
        name: value
        for heading, name in _DATA[data_type].items()
        if heading in record.sheet and (value := record.number(heading)) is not None
    }
    if data_type in {"generic", "o-e"} and not any(data.get(name) for name in _OF_ARMS.values()):
        # Participants are for display there, and 0 where nobody entered them.
        data = {name: value for name, value in data.items() if name not in _OF_ARMS.values()}
    if data_type == "generic":
        data = _generic(record, stored, log_data=log_data) | data
    return ReviewRow(
        study=record.study or "",
        data=data,
        order=record.whole("User defined order"),
        stored=stored_results(record, stored),
        text=record.unknown(_KNOWN),
    )


def _generic(record: Record, stored: Mapping[str, float], *, log_data: bool) -> dict[str, float]:
    """Take a study's effect back to the analysis scale; one that was not estimable is 0 with an SE of 0."""
    estimate, se = stored.get("display"), stored.get("se")
    if estimate is None or se is None or (estimate == 0 and se == 0):
        return {}
    if not log_data:
        return {"yi": estimate, "sei": se}
    if not 0 < estimate < math.inf:
        record.problem("Effect Estimate", record.raw("Effect Estimate"), "is no ratio: the effect is analysed as a log")
        return {}
    return {"yi": math.log(estimate), "sei": se}


@hookimpl
def converters() -> list[Converter]:
    """Offer RevMan 5's export of analyses."""
    return [Converter("revman-csv", read, recognises=recognises, suffixes=(".csv",), reference=REFERENCE)]
