"""Read points that WebPlotDigitizer took off a figure: its project (version 4) and its CSV export.

What the points are, `digitised_points` makes of their names. The format is that of the project's own documents: Rohatgi
(2024), WebPlotDigitizer.
"""

from __future__ import annotations

import csv
import io
import math
import tarfile
from collections import Counter
from pathlib import PurePath
from typing import TYPE_CHECKING, TypeGuard, cast

from evisynth import Converter, FormatError, Source, Table, hookimpl, read_json
from evisynth_converters.digitised_points import Point, shown, table_of_points

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

REFERENCE = "Rohatgi (2024), WebPlotDigitizer, https://automeris.io/docs"
PROGRAM = "WebPlotDigitizer"
MOST_POINTS = 20_000
"""A figure has dozens; a curve that was traced automatically has thousands."""
MOST_MEMBERS = 200
LONGEST_PROJECT = 16 * 1024 * 1024

_LOOKED_AT = 1 << 16
_TAR = slice(257, 262)
_AXES = frozenset({"XYAxes", "BarAxes"})


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
    if len(content) > LONGEST_PROJECT:
        msg = f"{source.name} has {len(content):,} bytes; projects of up to {LONGEST_PROJECT:,} are parsed"
        raise FormatError(msg)
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
    return table_of_points(points, source.name, f"{PROGRAM} {version}", _calibrations(axes))


def recognises_csv(source: Source) -> float:
    """Look for two lines of headings (names of datasets, then X, Y), or for pairs of values without a heading."""
    if source.path is None or source.is_folder or b"\0" in source.head:
        return 0.0
    # Two headings over many datasets are longer than what is looked at elsewhere.
    start = source.content[:_LOOKED_AT]
    lines = start.decode("utf-8-sig", errors="replace").splitlines()
    if len(source.content) > len(start):
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
    headed = len(rows) > 1 and _are_axes(rows[1][1])
    names = rows[0][1][::2] if headed else [PurePath(source.name).stem]
    points: list[Point] = []
    counts: Counter[str] = Counter()
    for number, row in rows[2:] if headed else rows:
        if len(row) > 2 * len(names) and any(row[2 * len(names) :]):
            msg = f"{source.name}, line {number}: {len(row)} fields where {len(names)} pairs are announced"
            raise FormatError(msg)
        for j, name in enumerate(names):
            pair = row[2 * j : 2 * j + 2]
            if any(pair):
                counts[name] += 1
                points.append(_point_of_pair(pair, name, counts[name], f"{source.name}, line {number}"))
        if len(points) > MOST_POINTS:
            msg = f"{source.name} holds more than {MOST_POINTS:,} points: a figure with arm values has dozens"
            raise FormatError(msg)
    return table_of_points(points, source.name, PROGRAM, {})


def _point_of_pair(pair: list[str], dataset: str, number: int, where: str) -> Point:
    if len(pair) < 2 or not (_is_number(pair[1]) or not pair[1]):  # noqa: PLR2004 - x and y
        msg = f"{where}: {', '.join(pair)!r} of dataset {shown(dataset)} is no pair of x (or label) and value"
        raise FormatError(msg)
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
    except (tarfile.TarError, EOFError, OSError, ValueError, OverflowError, LookupError, RecursionError) as error:
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
    msg = f"{where} has the version {shown(parts)}: projects of {PROGRAM} from version 4 on are read"
    raise FormatError(msg)


def _text(held: Mapping[str, object], name: str) -> str:
    value = held.get(name)
    return value if isinstance(value, str) else ""


def _points(dataset: Mapping[str, object], axes: Mapping[str, Mapping[str, object]], where: str) -> Iterator[Point]:
    name = _text(dataset, "name")
    held = _objects(dataset, "data", f"{where}, dataset {shown(name)}")
    if not held:
        return
    of = axes.get(_text(dataset, "axesName"))
    kind = "" if of is None else _text(of, "type")
    if kind not in _AXES:
        said = f"are {kind}" if kind else "are not in the file"
        msg = f"{where}: the axes of dataset {shown(name)} {said}; values are read off {' and '.join(sorted(_AXES))}"
        raise FormatError(msg)
    for number, point in enumerate(held, 1):
        yield _point(point, name, number, kind, f"{where}: point {number} of dataset {shown(name)}")


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
    msg = f"{where} has the value {shown(value)}, which is not a number"
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
            said.append(f"{shown(value)[:20].strip(chr(39))} at {point['px']:.1f}, {point['py']:.1f}")
    return f"axes {shown(name)}: {'; '.join(said)}" if said else ""


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
