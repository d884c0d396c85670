"""Read RevMan 4's export for MetaView (``.MTV``): lines of fixed fields in latin-1, told apart by their first digit.

3 is a comparison, 2 an outcome, 1 a subgroup, 0 a study; the columns are those that R's package meta documents
(`read.mtv`): numbers of comparison, outcome and subgroup, name, year, events and totals, means and standard deviations,
O - E and its variance, order and concealment. Fields for what does not apply hold 0. No results are stored.

The four digits among an outcome's settings are nowhere documented, and one sample exists. From it is taken: 4 is the
odds ratio for dichotomous data, 1 (the first of two) the mean difference for continuous data, hence 2 the standardised
one; ``2 2 3`` after it go with a fixed effect and limits of 95 %. Where other digits stand there, measure and model are
left open, with a note, and the digits are in the outcome's text. Names are cut to their fields' width (20 characters).
"""

from __future__ import annotations

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
from evisynth_converters.review_sheets import Record, Sheet

if TYPE_CHECKING:
    from collections.abc import Mapping

REFERENCE = "Nordic Cochrane Centre (2003), Review Manager 4.2; Schwarzer, R package meta, read.mtv"

_TYPES = {"D": "dichotomous", "C": "continuous", "I": "generic", "P": "o-e", "O": "other"}
_MEASURES = {("D", "4"): "OR", ("C", "1"): "MD", ("C", "2"): "SMD"}
_GIVEN = {"I": "GEN", "P": "O-E"}
_FIXED_95 = "2 2 3"
_METHODS = {"OR": "MH", "MD": "IV", "SMD": "IV", "GEN": "IV", "O-E": "Peto"}

_STUDY = {
    "study": (11, 31),
    "year": (32, 36),
    "events 1": (38, 44),
    "total 1": (45, 51),
    "mean 1": (52, 61),
    "SD 1": (62, 71),
    "events 2": (72, 78),
    "total 2": (79, 85),
    "mean 2": (86, 95),
    "SD 2": (96, 105),
    "O-E": (106, 115),
    "variance": (116, 125),
    "order": (126, 130),
    "concealment": (131, 132),
}
_OUTCOME = {
    "name": (25, 132),
    "favours 1": (133, 153),
    "favours 2": (154, 174),
    "group 1": (175, 195),
    "group 2": (196, 216),
}
_OF_ARMS = {"events 1": "events_1", "total 1": "n_1", "events 2": "events_2", "total 2": "n_2"}
_DATA: Mapping[str, Mapping[str, str]] = {
    "D": _OF_ARMS,
    "C": {
        "mean 1": "mean_1",
        "SD 1": "sd_1",
        "total 1": "n_1",
        "mean 2": "mean_2",
        "SD 2": "sd_2",
        "total 2": "n_2",
    },
    "I": {"mean 1": "yi", "SD 1": "sei"},
    "P": {"O-E": "o_e", "variance": "o_e_variance", **_OF_ARMS},
    "O": {},
}


def recognises(source: Source) -> float:
    """Look for the program's name at the start, or for the mark before its data."""
    if source.path is None:
        return 0.0
    start = source.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"METAVIEW:"):
        return 0.98
    return 0.4 if source.suffix == ".mtv" and b"START DATA" in start else 0.0


@attrs.define
class _Outcome:
    line: str
    number: int
    rows: list[ReviewRow] = attrs.field(factory=list[ReviewRow])
    subgroups: dict[int, tuple[str, list[ReviewRow]]] = attrs.field(factory=dict[int, "tuple[str, list[ReviewRow]]"])


@attrs.define
class _Draft:
    """Hold what has been read so far."""

    sheet: Sheet
    names: dict[int, str] = attrs.field(factory=dict[int, str])
    outcomes: dict[tuple[int, int], _Outcome] = attrs.field(factory=dict["tuple[int, int]", _Outcome])
    years: dict[str, str | None] = attrs.field(factory=dict[str, "str | None"])
    row: int = 0


def read(source: Source) -> Review:
    """Take the lines between the marks.

    Raises `FormatError`, with the line, for lines of other kinds and for studies of no outcome, and `DataError` for
    fields that are no numbers, each with its study.
    """
    lines = source.content.decode("latin-1").removeprefix("ï»¿").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    draft = _Draft(Sheet(source.name))
    notes: list[str] = []
    title, began, ended = "", False, False
    for number, line in enumerate(lines, 1):
        mark = line.strip()
        if mark.startswith("METAVIEW:"):
            title = mark.removeprefix("METAVIEW:").strip()
        elif mark == "START DATA":
            began = True
        elif mark == "END DATA":
            ended = True
        elif mark and not mark.startswith("STUDIES:"):
            if not began:
                msg = f"{source.name}, line {number}: {mark[:60]!r} stands before START DATA"
                raise FormatError(msg)
            _take(draft, line, number)
    if not began:
        msg = f"{source.name} is no export for MetaView: START DATA is missing"
        raise FormatError(msg)
    draft.sheet.refuse()
    if not ended:
        notes.append(f"{source.name} ends without END DATA: it may be cut short")
    return Review(
        title=title,
        preset="revman5",
        studies=tuple(ReviewStudy(id=name, name=name, year=year) for name, year in draft.years.items()),
        comparisons=tuple(
            ReviewComparison(
                number=key,
                name=name,
                outcomes=tuple(_outcome(one, source, notes) for (of, _), one in draft.outcomes.items() if of == key),
            )
            for key, name in draft.names.items()
        ),
        source=source.name,
        notes=tuple(notes),
    )


def _take(draft: _Draft, line: str, number: int) -> None:
    """Put a line where its numbers say that it belongs."""
    record = Record(draft.sheet, number, draft.row + 1, {})
    kind = line[:1]
    if kind == "3":
        comparison = _digits(record, line, 2, 4)
        if comparison in draft.names:
            _refuse(record, f"comparison {comparison} stands twice")
        draft.names[comparison] = line[8:].strip()
    elif kind == "2":
        _take_outcome(draft, record, line)
    elif kind in {"0", "1"}:
        _take_within(draft, record, line)
    else:
        _refuse(record, f"no line begins with {kind!r} (3 is a comparison, 2 an outcome, 1 a subgroup, 0 a study)")


def _take_outcome(draft: _Draft, record: Record, line: str) -> None:
    key = (_digits(record, line, 4, 6), _digits(record, line, 7, 9))
    if key[0] not in draft.names or key in draft.outcomes:
        _refuse(record, f"outcome {key[0]}.{key[1]} stands twice, or before its comparison")
    if line[2:3] not in _TYPES:
        _refuse(record, f"the data type {line[2:3]!r} is not known ({', '.join(_TYPES)} are)")
    draft.outcomes[key] = _Outcome(line, key[1])


def _take_within(draft: _Draft, record: Record, line: str) -> None:
    """Put a subgroup or a study into its outcome."""
    key = (_digits(record, line, 2, 4), _digits(record, line, 5, 7))
    group = _digits(record, line, 8, 10)
    here = f"{key[0]}.{key[1]}"
    outcome = draft.outcomes.get(key)
    if outcome is None:
        _refuse(record, f"belongs to outcome {here}, which has no line above it")
    if line.startswith("1"):
        if group in outcome.subgroups:
            _refuse(record, f"subgroup {here}.{group} stands twice")
        outcome.subgroups[group] = (line[14:].strip(), [])
        return
    if group and group not in outcome.subgroups:
        _refuse(record, f"belongs to subgroup {here}.{group}, which has no line above it")
    draft.row += 1
    rows = outcome.subgroups[group][1] if group else outcome.rows
    rows.append(_row(record, line, outcome.line[2:3], draft))


def _digits(record: Record, line: str, start: int, end: int) -> int:
    field = line[start:end].strip()
    if not (field.isascii() and field.isdigit()):
        _refuse(record, f"columns {start + 1} to {end} hold {field!r} where a number of two digits belongs")
    return int(field)


def _row(record: Record, line: str, data_type: str, draft: _Draft) -> ReviewRow:
    record.cells = {name: line[start:end].strip() for name, (start, end) in _STUDY.items()}
    draft.sheet.folded |= {name.casefold(): name for name in _STUDY}
    record.study = name = record.text("study") or ""
    if not name:
        _refuse(record, "a study without a name")
    draft.years[name] = draft.years.get(name) or record.text("year")
    data = {column: value for field, column in _DATA[data_type].items() if (value := record.number(field)) is not None}
    if data_type == "P" and not any(data.get(column) for column in _OF_ARMS.values()):
        data = {column: value for column, value in data.items() if column not in _OF_ARMS.values()}
    concealment = record.text("concealment")
    order = record.whole("order")
    return ReviewRow(
        study=name,
        data=data,
        order=order or None,
        text={} if concealment is None else {"Allocation concealment": concealment},
    )


def _outcome(draft: _Outcome, source: Source, notes: list[str]) -> ReviewOutcome:
    line = draft.line
    data_type, digit, others = line[2:3], line[12:13], line[14:19]
    fields = {name: line[start:end].strip() or None for name, (start, end) in _OUTCOME.items()}
    measure = _GIVEN.get(data_type) or _MEASURES.get((data_type, digit))
    words: dict[str, Any] = {"data_type": _TYPES[data_type]}
    if others == _FIXED_95:
        words["model"] = "common"
    if data_type != "O" and (measure is None or others != _FIXED_95):
        notes.append(
            f"{source.name}: what the settings {line[10:21].strip()!r} of {fields['name']!r} say of measure, model and "
            "limits is not documented: look at the review for them"
        )
    return ReviewOutcome(
        number=draft.number,
        name=fields["name"] or "",
        method=None if measure is None else _METHODS[measure],
        measure=measure,
        totals="none" if line[10:11] == "N" else "overall",
        group_1=fields["group 1"],
        group_2=fields["group 2"],
        favours_1=fields["favours 1"],
        favours_2=fields["favours 2"],
        rows=tuple(draft.rows),
        subgroups=tuple(
            ReviewSubgroup(number=number, name=name, rows=tuple(rows))
            for number, (name, rows) in draft.subgroups.items()
        ),
        text={"MetaView settings": line[10:24].strip()},
        **words,
    )


def _refuse(record: Record, message: str) -> NoReturn:
    msg = f"{record.place}: {message}"
    raise FormatError(msg)


@hookimpl
def converters() -> list[Converter]:
    """Offer RevMan 4's export for MetaView."""
    return [Converter("revman4", read, recognises=recognises, suffixes=(".mtv",), reference=REFERENCE)]
