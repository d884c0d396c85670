"""Make `Studies` from columns of anything: find the roles, read the numbers, refuse what is impossible."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from evisynth.columns import ALWAYS_NUMBERS, COUNTS, NUMERIC, TEXT, find_roles
from evisynth.errors import DataError, Problem
from evisynth.kernels.arrays import FloatArray, holds_numbers, read_only
from evisynth.studies import Studies

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evisynth.kernels.arrays import BoolArray
    from evisynth.sources import Table

MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", ".", "-", "—", "not reported", "nr"})
_MINUS = str.maketrans({"\u2212": "-", "\u2013": "-", "\u00a0": "", "\u202f": ""})
_THOUSANDS = re.compile(r"^[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?$")
_DECIMAL_COMMA = re.compile(r"^[+-]?(\d+|[1-9]\d{0,2}(\.\d{3})+)?(,\d+)?([eE][+-]?\d+)?$")
NOT_A_NUMBER = "is not a number"
_INFINITE = math.inf
RANGES: Mapping[str, tuple[float, float, str]] = {
    # column: least and largest value that a study can have, and what to say of another
    **dict.fromkeys(COUNTS, (0.0, _INFINITE, "a count cannot be negative")),
    **dict.fromkeys(("sd", "sd_1", "sd_2"), (0.0, _INFINITE, "a standard deviation cannot be negative")),
    **dict.fromkeys(("sei", "se_1", "se_2"), (0.0, _INFINITE, "a standard error cannot be negative")),
    **dict.fromkeys(("vi", "o_e_variance"), (0.0, _INFINITE, "a variance cannot be negative")),
    **dict.fromkeys(("time", "time_1", "time_2"), (0.0, _INFINITE, "person-time cannot be negative")),
    **dict.fromkeys(("f_value", "chi2"), (0.0, _INFINITE, "this statistic cannot be negative")),
    "p_value": (0.0, 1.0, "a p-value lies between 0 and 1"),
    "r_squared": (0.0, 1.0, "R² lies between 0 and 1"),
    "proportion_both": (0.0, 1.0, "a proportion lies between 0 and 1"),
    "cles": (0.0, 1.0, "a probability lies between 0 and 1"),
    "r": (-1.0, 1.0, "a correlation lies between -1 and 1"),
    "alpha": (-_INFINITE, 1.0, "alpha is at most 1"),
    "items": (1.0, _INFINITE, "an instrument has at least 1 item"),
    "predictors": (1.0, _INFINITE, "a regression has at least 1 predictor"),
}


def number_column(
    name: str,
    values: Iterable[Any],
    problems: list[Problem],
    study: Sequence[str] | None,
    *,
    decimal_comma: bool = False,
    whole: bool = False,
) -> FloatArray:
    """Read a column of numbers, NaN where a value is missing; text and infinities are added to ``problems``.

    In a column of ``whole`` numbers "1,250" is a thousand; elsewhere it may be one and a quarter, and is refused.
    """
    if holds_numbers(values):
        column = read_only(np.array(values, dtype=np.float64))
        if not np.isinf(column).any():
            return column
    made: list[float] = []
    for i, value in enumerate(values):
        number = _number(value, decimal_comma=decimal_comma, whole=whole)
        if number is None or math.isinf(number):
            label = study[i] if study is not None and i < len(study) else None
            message = NOT_A_NUMBER if number is None else "is not finite"
            problems.append(Problem(i + 1, label, name, _shown(value), message))
            number = math.nan
        made.append(number)
    return read_only(made)


def _number(value: Any, *, decimal_comma: bool, whole: bool) -> float | None:  # noqa: ANN401 - a cell may hold anything
    """Read a number; NaN where it is missing, None where it is something else."""
    if value is None:
        return math.nan
    if isinstance(value, str):
        return _number_in_text(value.strip().translate(_MINUS), decimal_comma=decimal_comma, whole=whole)
    if isinstance(value, bool | np.bool_):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf  # a whole number beyond what a float holds
    except (TypeError, ValueError):
        return math.nan if _is_missing(value) else None


def _number_in_text(text: str, *, decimal_comma: bool, whole: bool) -> float | None:
    if text.casefold() in MISSING:
        return math.nan
    if decimal_comma:
        # Points may only group thousands; "1.234" alone could be either, and is not guessed at.
        if "." in text and not (("," in text or whole) and _DECIMAL_COMMA.match(text)):
            return None
        text = text.replace(".", "").replace(",", ".")
    elif _THOUSANDS.match(text):
        if text.count(",") == 1 and "." not in text and not whole:
            return None
        text = text.replace(",", "")
    try:
        return float(text) if "_" not in text else None
    except ValueError:
        return None


def _is_missing(value: Any) -> bool:  # noqa: ANN401 - pandas' and polars' markers of a missing value
    return type(value).__name__ in {"NAType", "NaTType", "Null"}


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"  # noqa: PLR2004 - a line of a message


def text_cell(value: Any) -> str | None:  # noqa: ANN401 - a cell may hold anything
    """Read a text; None where it is missing."""
    if value is None or _is_missing(value) or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip() or None


def studies_from_table(table: Table, roles: Mapping[str, str] | None = None, *, source: str | None = None) -> Studies:
    """Make `Studies` of a table as a converter gave it.

    Roles (canonical name → heading) are found by the common headings; those given take precedence. Raises `DataError`
    that lists every offending row and column.
    """
    columns = table.columns
    found = _roles(columns, roles or {})
    lengths = {heading: len(values) for heading, values in columns.items()}
    k = max(lengths.values(), default=0)
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{heading!r} {length}" for heading, length in lengths.items())
        summary = f"the columns differ in length: {shown}"
        raise DataError(summary)
    text = _text_columns(columns, found)
    named = text.pop("study", None)
    study = tuple(name or f"Row {i + 1}" for i, name in enumerate(named)) if named else None
    problems: list[Problem] = []
    numbers: dict[str, FloatArray] = {}
    unread: dict[str, tuple[Problem, ...]] = {}
    notes = [*table.notes, *(_repeated(study) if study is not None else ())]
    for role, heading in found.items():
        if role not in NUMERIC:
            continue
        wrong: list[Problem] = []
        column = number_column(
            heading, columns[heading], wrong, study, decimal_comma=table.decimal_comma, whole=role in COUNTS
        )
        not_numbers = any(problem.message == NOT_A_NUMBER for problem in wrong)
        if not_numbers and role not in ALWAYS_NUMBERS and role not in (roles or {}):
            unread[role] = tuple(wrong)
            text[heading] = tuple(text_cell(value) for value in columns[heading])
            notes.append(
                f"column {heading!r} is kept as text, not read as {role}: row {wrong[0].row} holds {wrong[0].value}"
            )
            continue
        numbers[role] = column
        problems.extend(wrong)
    numbers = complete_totals(numbers)
    problems.extend(impossible_values(numbers, found, study))
    if problems:
        problems.sort(key=lambda problem: problem.row or 0)
        summary = f"{source or 'the table'} holds {_plural(len(problems), 'value')} that cannot be used"
        raise DataError(summary, problems)
    return Studies(
        columns=numbers,
        study=k if study is None else study,
        text=text,
        source=source,
        notes=tuple(notes),
        origins=table.origins,
        unread=unread,
    )


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _roles(columns: Mapping[str, Sequence[Any]], given: Mapping[str, str]) -> dict[str, str]:
    problems: list[Problem] = []
    for role, heading in given.items():
        if role not in NUMERIC and role not in TEXT:
            known = ", ".join((*TEXT, *NUMERIC))
            problems.append(Problem(None, None, None, None, f"there is no role {role!r}; roles are {known}"))
        elif heading not in columns:
            have = ", ".join(map(repr, columns))
            problems.append(
                Problem(None, None, heading, None, f"no such column (asked for as {role}); there are {have}")
            )
    if problems:
        summary = "a column asked for is not there"
        raise DataError(summary, problems)
    claimed = set(given.values())
    return {**find_roles(heading for heading in columns if heading not in claimed), **given}


def _text_columns(columns: Mapping[str, Sequence[Any]], found: Mapping[str, str]) -> dict[str, tuple[str | None, ...]]:
    by_heading = {heading: role for role, heading in found.items()}
    text: dict[str, tuple[str | None, ...]] = {}
    for heading, values in columns.items():
        role = by_heading.get(heading)
        if role is None or role in TEXT:
            text[role or heading] = tuple(text_cell(value) for value in values)
    return text


def complete_totals(numbers: dict[str, FloatArray]) -> dict[str, FloatArray]:
    """Add ``n`` where a table gives events and non-events instead of totals."""
    for arm in ("1", "2"):
        events, others, total = f"events_{arm}", f"nonevents_{arm}", f"n_{arm}"
        if events in numbers and others in numbers and total not in numbers:
            numbers[total] = read_only(numbers[events] + numbers[others])
    return numbers


def impossible_values(
    numbers: Mapping[str, FloatArray], found: Mapping[str, str] | None = None, study: Sequence[str] | None = None
) -> Iterable[Problem]:
    """Point at every number that no study can have; ``found`` gives the headings to name (canonical name → heading)."""
    found = {} if found is None else found

    def at(rows: np.ndarray[Any, Any], role: str, message: str) -> Iterable[Problem]:
        heading = found.get(role, role)
        for i in np.nonzero(rows)[0].tolist():
            yield Problem(i + 1, None if study is None else study[i], heading, f"{numbers[role][i]:g}", message)

    for role, rows, message in _impossible(numbers, found):
        yield from at(rows, role, message)


def _impossible(numbers: Mapping[str, FloatArray], found: Mapping[str, str]) -> Iterable[tuple[str, BoolArray, str]]:
    """Go through the rules: the column, the rows that break it, and what to say."""
    for role, values in numbers.items():
        yield role, np.isinf(values), "is not finite"
        if role in RANGES:
            least, largest, message = RANGES[role]
            yield role, (values < least) | (values > largest), message
    for arm in ("_1", "_2", ""):
        if {f"events{arm}", f"n{arm}"} <= numbers.keys():
            yield from _impossible_arm(numbers, found, arm)
    if "direction" in numbers:
        yield "direction", np.abs(np.nan_to_num(numbers["direction"], nan=1.0)) != 1, "a direction is 1 or -1"
    if "ci_low" in numbers and "ci_high" in numbers:
        yield "ci_low", numbers["ci_low"] > numbers["ci_high"], "the lower limit is above the upper"


def _impossible_arm(
    numbers: Mapping[str, FloatArray], found: Mapping[str, str], arm: str
) -> Iterable[tuple[str, BoolArray, str]]:
    events, total, others = f"events{arm}", f"n{arm}", f"nonevents{arm}"
    yield events, numbers[events] > numbers[total], f"more events than participants ({found.get(total, total)})"
    if others in numbers and total in found:
        gap = numbers[events] + numbers[others] != numbers[total]
        complete = ~np.isnan(numbers[events] + numbers[others] + numbers[total])
        yield others, gap & complete, f"events and non-events do not add up to {found[total]}"


def _repeated(study: Sequence[str]) -> tuple[str, ...]:
    repeated = [name for name, count in Counter(study).items() if count > 1]
    if not repeated:
        return ()
    shown = ", ".join(repeated[:5]) + (" …" if len(repeated) > 5 else "")  # noqa: PLR2004 - a readable line
    return (f"study names that stand in several rows, which are analysed as separate studies: {shown}",)
