"""Make a table of points that were taken off a figure, by what their datasets or the labels of their bars are called.

A name is one of a table's headings: ``mean_1`` is the mean of the first arm, ``mean_1 + sd_1`` the end of an error bar
that is a standard deviation long, ``mean_1 - se_1`` one of a standard error downwards, ``mean_2 + ci_2`` one of half an
interval, ``mean_ci_high_2`` the end of one as it stands. Where datasets have such names, a bar's label is the study, or
without labels the points in order of x; where labels have them, the dataset is the study. Without any such name the
points come as they are, a row each.
"""

from __future__ import annotations

import math
import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, cast

import attrs

from evisynth import FormatError, Table, find_roles

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_END = re.compile(r"(?P<base>[^+\-−–]+?)\s*(?P<sign>[+\-−–])\s*(?P<spread>[^+\-−–]+)")
_HALF_INTERVAL = re.compile(r"ci(?P<arm>_[12])?", re.IGNORECASE)
_UNNAMED = re.compile(r"(default dataset|dataset \d+)?", re.IGNORECASE)
_TEXTS = frozenset({"study", "year", "subgroup"})


@attrs.frozen
class Point:
    """Hold one point: where it stands in its dataset (from 1), its label or x, its value and where it was seen."""

    dataset: str
    number: int
    label: str | None
    x: float | None
    value: float | None
    place: str = ""


def table_of_points(points: list[Point], file: str, program: str, calibrations: Mapping[str, str]) -> Table:
    """Put values into columns by name and row, with the place of each point in the rows' origins.

    Raises `FormatError`, naming ``file`` and dataset, where two points are the same number or an error bar stands at
    none.
    """
    if not points:
        msg = f"{file} holds no points"
        raise FormatError(msg)
    datasets: dict[str, list[Point]] = {}
    for point in points:
        datasets.setdefault(point.dataset, []).append(point)
    named = {dataset for dataset in datasets if _is_column(dataset)}
    by_label = any(point.label is not None and _is_column(point.label) for point in points)
    if not named and not by_label:
        return _as_they_are(points)
    cells: dict[str, dict[str, Point]] = {}
    left_out: list[str] = []
    for dataset, own in datasets.items():
        if dataset in named:
            _add(cells, file, ((dataset, row, point) for row, point in _rows(own)))
            continue
        row = PurePath(file).stem if _UNNAMED.fullmatch(dataset) else dataset
        columns = [point for point in own if point.label is not None and _is_column(point.label)]
        _add(cells, file, ((cast("str", point.label), row, point) for point in columns))
        taken = {point.number for point in columns}
        left_out += [f"{shown(dataset)} point {point.number}" for point in own if point.number not in taken]
    rows = list(dict.fromkeys(row for column in cells.values() for row in column))
    made = _ends_as_spreads(cells, rows, file)
    notes = (f"points of the figure that name no column are left out: {', '.join(left_out[:5])}",) if left_out else ()
    how = "; ".join((f"{file}, {program}", *calibrations.values()))
    origins = {
        i: (
            "read off a figure: "
            + ", ".join(_seen(heading, column[row]) for heading, column in cells.items() if row in column)
            + f" ({how})",
        )
        for i, row in enumerate(rows)
    }
    return Table({"study": rows, **made}, origins=origins, notes=notes)


def _seen(heading: str, point: Point) -> str:
    at = f", {point.place}" if point.place else ""
    return f"{heading} (dataset {shown(point.dataset)}, point {point.number}{at})"


def _is_column(name: str) -> bool:
    return _is_heading(name) or _end_of_bar(name) is not None


def _is_heading(name: str) -> bool:
    return bool(set(find_roles([name])) - _TEXTS)


def _end_of_bar(name: str) -> re.Match[str] | None:
    """Take ``mean_1 + sd_1`` apart; None for another name, also one with a hyphen in it."""
    found = None if _is_heading(name) else _END.fullmatch(name.strip())
    if found is None or not _is_heading(found["base"]):
        return None
    spread = found["spread"].strip()
    return found if _HALF_INTERVAL.fullmatch(spread) or _is_heading(spread) else None


def _rows(points: list[Point]) -> Iterator[tuple[str, Point]]:
    """Name the row of each point: by its bar's label, or by its place in order of x."""
    if all(point.label is not None for point in points):
        yield from ((cast("str", point.label), point) for point in points)
        return
    order = sorted(points, key=lambda point: (math.inf if point.x is None else point.x, point.number))
    yield from ((f"Point {place}", point) for place, point in enumerate(order, 1))


def _add(cells: dict[str, dict[str, Point]], where: str, new: Iterable[tuple[str, str, Point]]) -> None:
    for heading, row, point in new:
        column = cells.setdefault(heading.strip(), {})
        if row in column:
            msg = f"{where}: {shown(heading)} of {shown(row)} stands there twice: which point is meant?"
            raise FormatError(msg)
        column[row] = point


def _ends_as_spreads(cells: dict[str, dict[str, Point]], rows: list[str], where: str) -> dict[str, list[float | None]]:
    """Turn ends of error bars into lengths: the end less the value that the bar stands at, both where there are two."""
    made: dict[str, list[float | None]] = {}
    lengths: dict[str, list[list[float]]] = {}
    for heading, column in cells.items():
        found = _end_of_bar(heading)
        values = [None if row not in column else column[row].value for row in rows]
        if found is None:
            made[heading] = values
            continue
        base = next((cells[name] for name in cells if name.casefold() == found["base"].strip().casefold()), None)
        if base is None:
            msg = f"{where}: the error bar {shown(heading)} needs the value {shown(found['base'].strip())} it stands at"
            raise FormatError(msg)
        sign = 1.0 if found["sign"] == "+" else -1.0
        into = lengths.setdefault(found["spread"].strip(), [[] for _ in rows])
        for i, row in enumerate(rows):
            end, foot = values[i], base[row].value if row in base else None
            if end is not None and foot is not None:
                into[i].append(sign * (end - foot))
        arm = _HALF_INTERVAL.fullmatch(found["spread"].strip())
        if arm is not None:
            _limits(made, base, rows, into, arm["arm"] or "")
    for spread, found_lengths in lengths.items():
        if _HALF_INTERVAL.fullmatch(spread) is None:
            made[spread] = [sum(both) / len(both) if both else None for both in found_lengths]
    return made


def _limits(
    made: dict[str, list[float | None]], base: dict[str, Point], rows: list[str], halves: list[list[float]], arm: str
) -> None:
    """Put half an interval on either side of the value; with both ends measured, their mean."""
    for word, sign in (("low", -1.0), ("high", 1.0)):
        made[f"mean_ci_{word}{arm}"] = [
            cast("float", base[row].value) + sign * sum(both) / len(both) if both else None
            for row, both in zip(rows, halves, strict=True)
        ]


def _as_they_are(points: list[Point]) -> Table:
    columns: dict[str, list[Any]] = {
        "study": [point.label or f"{point.dataset or 'Point'} {point.number}" for point in points],
        "dataset": [point.dataset for point in points],
        "x": [point.x for point in points],
        "value": [point.value for point in points],
    }
    note = "the points of the figure name no column: name datasets or bars such as mean_1 and mean_1 + sd_1"
    return Table(columns, notes=(note,))


def shown(value: object) -> str:
    """Show a value from outside in a message, at most sixty characters of it."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"  # noqa: PLR2004 - a line of a message
