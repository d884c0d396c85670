"""Read points that WebPlotDigitizer took off a figure, as arm values: its project (version 4) and its CSV export.

What a point is, the name of its dataset or the label of its bar says, in the words of a table's headings: ``mean_1`` is
the mean of the first arm, ``mean_1 + sd_1`` the end of an error bar that is a standard deviation long,
``mean_1 - se_1`` one of a standard error downwards, ``mean_2 + ci_2`` one of half an interval, ``mean_ci_high_2`` the
end of one as it stands. Where datasets have such names, a bar's label is the study, or without labels the points in
order of x; where labels have them, the dataset is the study. Without any such name the points come as they are, a row
each.

The format is that of the project's own documents: Rohatgi (2024), WebPlotDigitizer.
"""

from __future__ import annotations

import csv
import io
import math
import re
import tarfile
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TypeGuard, cast

import attrs

from evisynth import Converter, FormatError, Source, Table, find_roles, hookimpl, read_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

REFERENCE = "Rohatgi (2024), WebPlotDigitizer, https://automeris.io/docs"
PROGRAM = "WebPlotDigitizer"
MOST_POINTS = 20_000
"""A figure has dozens; a curve that was traced automatically has thousands."""
MOST_MEMBERS = 200
LONGEST_PROJECT = 16 * 1024 * 1024

_END = re.compile(r"(?P<base>[^+\-−–]+?)\s*(?P<sign>[+\-−–])\s*(?P<spread>[^+\-−–]+)")
_HALF_INTERVAL = re.compile(r"ci(?P<arm>_[12])?", re.IGNORECASE)
_UNNAMED = re.compile(r"(default dataset|dataset \d+)?", re.IGNORECASE)
_TAR = slice(257, 262)
_TEXTS = frozenset({"study", "year", "subgroup"})
_AXES = frozenset({"XYAxes", "BarAxes"})


@attrs.frozen
class Point:
    """Hold one point: where it stands in its dataset (from 1), its label or x, its value and where it was seen."""

    dataset: str
    number: int
    label: str | None
    x: float | None
    value: float | None
    place: str = ""


def recognises_project(source: Source) -> float:
    """Look for the collections of a project, or for a tape archive that may hold one."""
    if source.path is None:
        return 0.0
    if source.suffix == ".tar" and source.head[_TAR] == b"ustar":
        return 0.9
    opens = source.head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"
    named = any(word in source.head for word in (b'"axesColl"', b'"datasetColl"', b'"dataSeries"'))
    return 0.95 if opens and named else 0.0


def read_project(source: Source) -> Table:
    """Take the values of all datasets on bar and XY axes.

    Raises `FormatError` for a project of another version, for datasets on other axes, and for points that do not
    belong together, naming the dataset.
    """
    content = _project_of_archive(source) if source.head[_TAR] == b"ustar" else source.content
    project: object = read_json(content, source.name)
    if not _is_object(project):
        msg = f"{source.name} is JSON, but no project of {PROGRAM}"
        raise FormatError(msg)
    if "wpd" in project:
        msg = f"{source.name} is a project of {PROGRAM} 3 or older: open it there and save it with version 4"
        raise FormatError(msg)
    version = _version(project.get("version"), source.name)
    axes = {_text(one, "name"): one for one in _objects(project, "axesColl", source.name)}
    points: list[Point] = []
    for dataset in _objects(project, "datasetColl", source.name):
        points += _points(dataset, axes, source.name)
        if len(points) > MOST_POINTS:
            msg = f"{source.name} holds more than {MOST_POINTS:,} points: a figure with arm values has dozens"
            raise FormatError(msg)
    return _table(points, source, f"{PROGRAM} {version}", _calibrations(axes))


def recognises_csv(source: Source) -> float:
    """Look for two lines of headings (names of datasets, then X, Y), or for pairs of values without a heading."""
    if source.path is None or b"\0" in source.head:
        return 0.0
    lines = source.head.decode("utf-8-sig", errors="replace").splitlines()
    if len(source.content) > len(source.head):
        lines = lines[:-1]
    rows = [_fields(line) for line in lines if line.strip()]
    if len(rows) > 1 and _are_axes(rows[1]) and len(rows[0]) == len(rows[1]):
        return 0.8
    pairs = bool(rows) and all(len(row) == 2 and _is_number(row[1]) and row[0] for row in rows)  # noqa: PLR2004 - x and y
    return 0.6 if pairs and source.suffix in {".csv", ".txt"} else 0.0


def read_csv(source: Source) -> Table:
    """Take the pairs of values of every dataset; without headings they are of one dataset, with the file's name.

    Raises `FormatError`, with the line, for fields that are no pairs.
    """
    rows = [(number, _fields(line)) for number, line in enumerate(source.text.splitlines(), 1) if line.strip()]
    if len(rows) > MOST_POINTS:
        msg = f"{source.name} has more than {MOST_POINTS:,} lines: a figure with arm values has dozens"
        raise FormatError(msg)
    headed = len(rows) > 1 and _are_axes(rows[1][1])
    names = rows[0][1][::2] if headed else [PurePath(source.name).stem]
    points: list[Point] = []
    for number, row in rows[2:] if headed else rows:
        if len(row) > 2 * len(names) and any(row[2 * len(names) :]):
            msg = f"{source.name}, line {number}: {len(row)} fields where {len(names)} pairs are announced"
            raise FormatError(msg)
        for j, name in enumerate(names):
            pair = row[2 * j : 2 * j + 2]
            if any(pair):
                points.append(_point_of_pair(pair, name, points, f"{source.name}, line {number}"))
    return _table(points, source, PROGRAM, {})


def _point_of_pair(pair: list[str], dataset: str, before: list[Point], where: str) -> Point:
    if len(pair) < 2 or not (_is_number(pair[1]) or not pair[1]):  # noqa: PLR2004 - x and y
        msg = f"{where}: {', '.join(pair)!r} of dataset {_short(dataset)} is no pair of x (or label) and value"
        raise FormatError(msg)
    number = sum(point.dataset == dataset for point in before) + 1
    x = float(pair[0]) if _is_number(pair[0]) else None
    value = float(pair[1]) if pair[1] else None
    return Point(dataset, number, None if x is not None else pair[0] or None, x, value)


def _fields(line: str) -> list[str]:
    delimiter = next((mark for mark in ("\t", ";", ",") if mark in line), ",")
    try:
        row = next(csv.reader(io.StringIO(line), delimiter=delimiter, skipinitialspace=True), [""])
    except csv.Error:
        return [line]
    return [field.strip() for field in row]


def _are_axes(row: list[str]) -> bool:
    names = [field.casefold() for field in row]
    pairs = list(zip(names[::2], names[1::2], strict=False))
    return (
        bool(pairs)
        and len(names) % 2 == 0
        and all(one in {"x", "label"} and other in {"y", "value"} for one, other in pairs)
    )


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text)) and "_" not in text
    except ValueError:
        return False


# -- the project ------------------------------------------------------------------------------------------------------


def _project_of_archive(source: Source) -> bytes:
    """Take the project out of the archive that the program saves, in memory and nothing else of it."""
    try:
        with tarfile.open(fileobj=io.BytesIO(source.content), mode="r:") as archive:
            for number, member in enumerate(archive):
                if number >= MOST_MEMBERS:
                    break
                if member.isfile() and PurePath(member.name).name == "wpd.json" and member.size <= LONGEST_PROJECT:
                    held = archive.extractfile(member)
                    if held is not None:
                        return held.read(LONGEST_PROJECT)
    except (tarfile.TarError, EOFError, ValueError) as error:
        msg = f"{source.name} is no whole tape archive: {error}"
        raise FormatError(msg) from None
    msg = f"{source.name} is a tape archive without a wpd.json: save the project of {PROGRAM} again"
    raise FormatError(msg)


def _is_object(value: object) -> TypeGuard[dict[str, object]]:
    return isinstance(value, dict)


def _objects(project: Mapping[str, object], name: str, where: str) -> list[dict[str, object]]:
    held = project.get(name)
    if isinstance(held, list) and all(_is_object(one) for one in cast("list[object]", held)):
        return cast("list[dict[str, object]]", held)
    msg = f"{where} is no project of {PROGRAM} 4: {name} is not a list of objects"
    raise FormatError(msg)


def _version(value: object, where: str) -> str:
    parts: object = value
    if isinstance(value, list) and value and all(type(part) is int for part in cast("list[object]", value)):
        numbers = cast("list[int]", value)
        if numbers[0] >= 4:  # noqa: PLR2004 - the version that brought collections
            return ".".join(map(str, numbers))
    msg = f"{where} has the version {_short(parts)}: projects of {PROGRAM} from version 4 on are read"
    raise FormatError(msg)


def _text(held: Mapping[str, object], name: str) -> str:
    value = held.get(name)
    return value if isinstance(value, str) else ""


def _points(dataset: Mapping[str, object], axes: Mapping[str, Mapping[str, object]], where: str) -> Iterator[Point]:
    name = _text(dataset, "name")
    held = _objects(dataset, "data", f"{where}, dataset {_short(name)}")
    if not held:
        return
    of = axes.get(_text(dataset, "axesName"))
    kind = "" if of is None else _text(of, "type")
    if kind not in _AXES:
        said = f"are {kind}" if kind else "are not in the file"
        msg = f"{where}: the axes of dataset {_short(name)} {said}; values are read off {' and '.join(sorted(_AXES))}"
        raise FormatError(msg)
    for number, point in enumerate(held, 1):
        yield _point(point, name, number, kind, f"{where}: point {number} of dataset {_short(name)}")


def _point(point: Mapping[str, object], dataset: str, number: int, kind: str, where: str) -> Point:
    values = point.get("value")
    length = 1 if kind == "BarAxes" else 2
    if values is None:
        values = [None] * length
    if not isinstance(values, list) or len(cast("list[object]", values)) < length:
        msg = f"{where} has no {length} value{'s' * (length > 1)}, which {kind} give"
        raise FormatError(msg)
    read = [_coordinate(value, where) for value in cast("list[object]", values)[:length]]
    place = ", ".join(f"{point[name]:.1f}" for name in ("x", "y") if isinstance(point.get(name), int | float))
    label = _label(point.get("metadata"))
    return Point(dataset, number, label, read[0] if length > 1 else None, read[-1], f"pixel {place}" if place else "")


def _coordinate(value: object, where: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    msg = f"{where} has the value {_short(value)}, which is not a number"
    raise FormatError(msg)


def _label(metadata: object) -> str | None:
    """Find the bar's label: the first of a list in version 4.0, under its key from version 4.2 on."""
    if isinstance(metadata, list) and metadata:
        metadata = cast("list[object]", metadata)[0]
    if isinstance(metadata, dict):
        metadata = next(
            (value for key, value in cast("dict[str, object]", metadata).items() if key.casefold() == "label"), None
        )
    return metadata.strip() or None if isinstance(metadata, str) else None


def _calibrations(axes: Mapping[str, Mapping[str, object]]) -> dict[str, str]:
    return {name: text for name, one in axes.items() if (text := _calibration(name, one))}


def _calibration(name: str, axes: Mapping[str, object]) -> str:
    held = axes.get("calibrationPoints")
    if _text(axes, "type") not in _AXES or not isinstance(held, list):
        return ""
    said: list[str] = []
    for point in cast("list[object]", held):
        if _is_object(point) and all(isinstance(point.get(pixel), int | float) for pixel in ("px", "py")):
            value = point.get("dy")
            said.append(f"{_short(value)[:20].strip(chr(39))} at {point['px']:.1f}, {point['py']:.1f}")
    return f"axes {_short(name)}: {'; '.join(said)}" if said else ""


# -- arm values -------------------------------------------------------------------------------------------------------


def _table(points: list[Point], source: Source, program: str, calibrations: Mapping[str, str]) -> Table:
    if not points:
        msg = f"{source.name} holds no points"
        raise FormatError(msg)
    named = {point.dataset for point in points if _is_column(point.dataset)}
    by_label = any(point.label is not None and _is_column(point.label) for point in points)
    if not named and not by_label:
        return _as_they_are(points)
    cells: dict[str, dict[str, Point]] = {}
    left_out: list[str] = []
    for dataset in dict.fromkeys(point.dataset for point in points):
        own = [point for point in points if point.dataset == dataset]
        if dataset in named:
            _add(cells, source.name, ((dataset, row, point) for row, point in _rows(own)))
            continue
        row = PurePath(source.name).stem if _UNNAMED.fullmatch(dataset) else dataset
        columns = [point for point in own if point.label is not None and _is_column(point.label)]
        _add(cells, source.name, ((cast("str", point.label), row, point) for point in columns))
        left_out += [f"{_short(dataset)} point {point.number}" for point in own if point not in columns]
    rows = list(dict.fromkeys(row for column in cells.values() for row in column))
    made = _ends_as_spreads(cells, rows, source.name)
    notes = (f"points of the figure that name no column are left out: {', '.join(left_out[:5])}",) if left_out else ()
    how = "; ".join((f"{source.name}, {program}", *calibrations.values()))
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
    return f"{heading} (dataset {_short(point.dataset)}, point {point.number}{at})"


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
            msg = f"{where}: {_short(heading)} of {_short(row)} stands there twice: which point is meant?"
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
            msg = (
                f"{where}: the error bar {_short(heading)} needs the value {_short(found['base'].strip())} it stands at"
            )
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


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"  # noqa: PLR2004 - a line of a message


@hookimpl
def converters() -> list[Converter]:
    """Offer projects and exported points of WebPlotDigitizer."""
    return [
        Converter(
            "webplotdigitizer",
            read_project,
            recognises=recognises_project,
            suffixes=(".json", ".tar"),
            reference=REFERENCE,
        ),
        Converter(
            "webplotdigitizer-csv",
            read_csv,
            recognises=recognises_csv,
            suffixes=(".csv",),
            reference=REFERENCE,
        ),
    ]
