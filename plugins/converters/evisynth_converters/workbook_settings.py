"""Read the sheet of settings in a workbook: a row an outcome, columns by the words of settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from evisynth import FormatError, Settings
from evisynth_converters.csv_cells import read_number
from evisynth_converters.folder_headings import fold
from evisynth_converters.folder_outcomes import OUTCOME, WORDS
from evisynth_converters.toml_fields import Kind, nearest
from evisynth_converters.workbook_tables import plain_cell, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evisynth_converters.workbook_cells import Sheet

SHEET = "settings"
_WHICH = {"sheet": "outcome"}
_OF_REVIEW = ("title", "preset")
_FIELDS: Mapping[str, Kind] = {name: kind for name, kind in OUTCOME.items() if name not in {"number", "id"}}
_OF_WORDS = {field.name: str(field.type) for field in attrs.fields(Settings)}
_FLAGS = {"yes": True, "true": True, "1": True, "y": True, "no": False, "false": False, "0": False, "n": False}


@attrs.frozen
class SheetSettings:
    """Hold what the sheet says of the review and of its outcomes; of every outcome under no name.

    Names that differ in their signs alone ("Pain!", "Pain?") are kept apart; a name that no outcome bears so is that of
    the outcomes whose words are the same.
    """

    review: Mapping[str, str] = attrs.field(factory=dict[str, str])
    outcomes: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict[str, "Mapping[str, Any]"])
    loosely: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict[str, "Mapping[str, Any]"])

    def of(self, *names: str) -> dict[str, Any]:
        """Give what is said of an outcome by any of its names, over what is said of all."""
        said = dict(self.outcomes.get("", {}))
        for name in names:
            said |= self.outcomes.get(_spelled(name)) or self.loosely.get(fold(name), {})
        return said

    def refuse_unknown(self, names: Sequence[str], where: str) -> None:
        """Raise `FormatError` for a row of an outcome that no sheet has."""
        spelled, folded = {_spelled(name) for name in names}, {fold(name) for name in names}
        for name in (*(self.outcomes.keys() - spelled - {""}), *(self.loosely.keys() - folded)):
            msg = f"{where}: no sheet holds the outcome {name!r}{nearest(name, names)}"
            raise FormatError(msg)


def read_settings(sheet: Sheet, where: str, names: Sequence[str] = ()) -> SheetSettings:
    """Read the rows; the first names the columns. ``names`` are those of the outcomes there may be.

    Columns are ``outcome`` (its sheet, name or place; a row without one is of all outcomes), ``comparison``, ``title``,
    ``preset``, and whatever is set: ``measure``, ``method``, ``tau2``, ``favours_1`` … "none" sets a word to nothing.
    Raises `FormatError` for columns and values that are not understood.
    """
    rows = [row for row in sheet.rows if any(cell is not None for cell in row)]
    if not rows:
        return SheetSettings()
    headings = [_heading(cell, where) for cell in rows[0]]
    spelled = {_spelled(name) for name in names}
    review, outcomes, loosely = dict[str, str](), dict[str, dict[str, Any]](), dict[str, dict[str, Any]]()
    for row in rows[1:]:
        cells = {
            name: text
            for name, cell in zip(headings, row, strict=False)
            if name and (text := text_of(plain_cell(cell, role=None))) is not None
        }
        which = cells.pop("outcome", "")
        for name in _OF_REVIEW:
            text = cells.pop(name, None)
            if text is not None and review.setdefault(name, text) != text:
                msg = f"{where}: two rows say different things of {name}: {review[name]!r} and {text!r}"
                raise FormatError(msg)
        key = _spelled(which)
        of, key = (outcomes, key) if key in spelled or not fold(key) else (loosely, fold(key))
        if key in of:
            msg = f"{where}: two rows are of {which or 'all outcomes'!r}"
            raise FormatError(msg)
        of[key] = {name: _value(name, text, which, where) for name, text in cells.items()}
    for name in outcomes:
        if fold(name) in loosely:
            msg = f"{where}: two rows are of {name!r}"
            raise FormatError(msg)
    return SheetSettings(review, outcomes, loosely)


def _spelled(name: str) -> str:
    return name.strip().casefold()


def _heading(cell: object, where: str) -> str:
    text = cell.strip() if isinstance(cell, str) else ""
    folded = fold(text)
    name = _WHICH.get(folded, folded)
    known = ("outcome", "comparison", *_OF_REVIEW, *_FIELDS, *(word for word in WORDS if word not in _FIELDS))
    if name and name not in known:
        msg = f"{where}: there is no setting {text!r}{nearest(name, known)}"
        raise FormatError(msg)
    return name


def _value(name: str, text: str, which: str, where: str) -> Any:  # noqa: ANN401 - what settings hold
    if name == "comparison":
        return text
    kind = _FIELDS.get(name)
    at = f"{where}, outcome {which!r}, column {name}"
    if isinstance(kind, tuple):
        if text.casefold() not in kind:
            msg = f"{at}: {text!r}{nearest(text, kind)}"
            raise FormatError(msg)
        return text.casefold()
    of_word = _OF_WORDS.get(name, "")
    if text.casefold() == "none" and (name in {"measure", "method", "model"} or (kind is None and "None" in of_word)):
        return None
    if kind is bool or (kind is None and of_word == "bool"):
        if text.casefold() not in _FLAGS:
            msg = f"{at}: {text!r} is neither yes nor no"
            raise FormatError(msg)
        return _FLAGS[text.casefold()]
    number = read_number(text, decimal_comma=True)
    if kind is float or (kind is None and of_word in {"float", "int"}):
        if number is None:
            msg = f"{at}: {text!r} is not a number"
            raise FormatError(msg)
        return int(number) if of_word == "int" and number.is_integer() else number
    return number if kind is None and "float" in of_word and number is not None else text
