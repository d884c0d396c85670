"""Read and write the counts of a PRISMA 2020 flow diagram, in the table of the PRISMA2020 package for R.

The table has a line for each number, with its key under ``data`` and the number under ``n``; reasons for exclusion and
single databases are lists such as "Wrong population, 10; No full text, 3". Texts of boxes are kept where they are not
PRISMA's own; descriptions, tooltips and links, which only the interactive diagram has, are not.
"""

from __future__ import annotations

import csv
import io
import re
import warnings
from typing import TYPE_CHECKING

from evisynth import (
    Converter,
    DataError,
    DataWarning,
    FormatError,
    Problem,
    Review,
    Source,
    StudyFlow,
    flow_imbalances,
    guarded_cell,
    hookimpl,
)
from evisynth_converters import delimited
from evisynth_converters.prisma_boxes import BOXES, LISTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HEADINGS = ("data", "node", "box", "description", "boxtext", "tooltips", "url", "n")

_COUNT = re.compile(r"(\d+|\d{1,3}(?:,\d{3})+)(?:\.0+)?")
_LARGEST = 15
"""Digits of a count: more are no count of records."""
_FEW = 20
_NOT_FILLED_IN = frozenset({"", "xxx", "na", "nan"})
_NO_TEXT = frozenset({"", "na"})
NO_LABEL = "the text {label!r} of {key} stands for no text in this format: it is not written"
_BOX_OF_KEY = {box.key: box for box in BOXES if box.key is not None}
_HEADINGS_OF_DIAGRAM = {box.box: box for box in BOXES if box.key is None}


def recognises(source: Source) -> float:
    """Look for the headings of the table."""
    if source.path is None or b"\0" in source.head:
        return 0.0
    first = source.head.decode("utf-8-sig", errors="replace").lstrip().partition("\n")[0]
    fields = {field.strip().strip('"').casefold() for field in re.split(r"[,;\t]", first)}
    return 0.95 if {"data", "node", "box", "boxtext", "n"} <= fields else 0.0


def read(source: Source) -> Review:
    """Take the counts, lists and texts of the boxes.

    Raises `DataError`, with line and key, for counts that are negative, texts or there twice. Counts that do not follow
    from those above them are noted, as are places that are not filled in and keys that PRISMA does not have.
    """
    columns = {heading.casefold(): cells for heading, cells in delimited.read(source).columns.items()}
    if "data" not in columns or "n" not in columns:
        msg = f"{source.name} is no flow diagram of PRISMA 2020: its columns are {', '.join(HEADINGS)}"
        raise FormatError(msg)
    rows = [{heading: str(cells[i]) for heading, cells in columns.items()} for i in range(len(columns["n"]))]
    flow, notes = _flow(rows, source.name)
    return Review(flow=flow, source=source.name, notes=(*notes, *flow_imbalances(flow)))


def _flow(rows: Sequence[Mapping[str, str]], name: str) -> tuple[StudyFlow, list[str]]:
    counts: dict[str, int] = {}
    reasons: dict[str, tuple[tuple[str, int | None], ...]] = {}
    labels: dict[str, str] = {}
    problems: list[Problem] = []
    keys = [_key(held) for held in rows]
    seen: set[str] = set()
    for row, (key, held) in enumerate(zip(keys, rows, strict=True), 1):
        if key is None:
            continue
        if key in seen:
            problems.append(Problem(row, None, key, None, "is there twice"))
        seen.add(key)
        own = _BOX_OF_KEY.get(key) or _HEADINGS_OF_DIAGRAM.get(key)
        text, given = held.get("boxtext", ""), held["n"]
        if text.casefold() not in _NO_TEXT and (own is None or text != own.text):
            labels[key] = text
        if key not in _HEADINGS_OF_DIAGRAM:
            _add_number(key, given, row, counts, reasons, problems)
    if problems:
        msg = f"{name} has counts that cannot be used"
        raise DataError(msg, problems)
    if not seen & set(_BOX_OF_KEY):
        msg = f"{name} has none of the keys of a PRISMA 2020 flow diagram, such as records_screened"
        raise FormatError(msg)
    flow = StudyFlow(counts=counts, reasons=reasons, labels=labels)
    return flow, list(_notes(flow, keys, rows, name))


def _key(held: Mapping[str, str]) -> str | None:
    """Give the key of a line, or the name of the heading that it is; None for a line without either."""
    box = held.get("box", "")
    key = held["data"] if held["data"].casefold() not in {"", "na"} else None
    return key or (box if box in _HEADINGS_OF_DIAGRAM else None)


def _add_number(
    key: str,
    given: str,
    row: int,
    counts: dict[str, int],
    reasons: dict[str, tuple[tuple[str, int | None], ...]],
    problems: list[Problem],
) -> None:
    number = _count(given)
    listed = key in LISTS or (key not in _BOX_OF_KEY and _count(given.rpartition(",")[2].strip()) is not None)
    if number is not None:
        counts[key] = number
    elif given.casefold() in _NOT_FILLED_IN:
        return
    elif listed:
        held = tuple(_reasons(given, row, key, problems))
        if held:
            reasons[key] = held
    else:
        problems.append(Problem(row, None, key, repr(given[:40]), "a count is a whole number from 0 up"))


def _count(given: str) -> int | None:
    found = _COUNT.fullmatch(given) if given.isascii() and len(given) <= _LARGEST else None
    return int(found[1].replace(",", "")) if found else None


def _reasons(given: str, row: int, key: str, problems: list[Problem]) -> Iterator[tuple[str, int | None]]:
    for part in given.split(";"):
        reason, comma, number = (piece.strip() for piece in part.rpartition(","))
        if not comma:
            reason, number = number, ""
        count = _count(number)
        if count is None and number.casefold() not in _NOT_FILLED_IN:
            message = "a list is 'reason, number; reason, number' with whole numbers from 0 up"
            problems.append(Problem(row, None, key, repr(part.strip()[:40]), message))
        elif reason or count is not None:
            yield reason, count


def _notes(flow: StudyFlow, keys: Sequence[str | None], rows: Sequence[Mapping[str, str]], name: str) -> Iterator[str]:
    empty = {key: [reason for reason, number in held if number is None] for key, held in flow.reasons.items()}
    if any(empty.values()):
        said = "; ".join(f"{', '.join(held)} ({key})" for key, held in empty.items() if held)
        yield f"{name}: no number is filled in for {said}"
    unknown = [key for key in keys if key is not None and key not in {*_BOX_OF_KEY, *_HEADINGS_OF_DIAGRAM}]
    if unknown:
        yield f"{name}: keys that PRISMA 2020 does not have are kept: {_few(unknown)}"
    lost = [str(row) for row, key in enumerate(keys, 1) if key is None and _count(rows[row - 1]["n"])]
    if lost:
        yield f"{name}: numbers without a key are not kept (rows {_few(lost)})"
    changed = [
        heading
        for heading in ("description", "tooltips", "url")
        if any(_is_own(held, heading) is False for held in rows)
    ]
    if changed:
        yield f"{name}: {', '.join(changed)} are not PRISMA's own; they are not kept"


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_FEW]) + (f" and {len(names) - _FEW} more" if len(names) > _FEW else "")


def _is_own(held: Mapping[str, str], heading: str) -> bool | None:
    """Tell whether a text of the interactive diagram is the template's; None where there is no text or no such box."""
    box = _BOX_OF_KEY.get(held["data"]) or _HEADINGS_OF_DIAGRAM.get(held.get("box", ""))
    text = held.get(heading, "")
    if box is None or text.casefold() in {"", "na"}:
        return None
    return text == {"description": box.description, "tooltips": box.tooltip, "url": box.url}[heading]


def write_review(review: Review) -> bytes:
    """Write the table of a review's flow diagram; it holds nothing else of a review.

    A semicolon within a reason becomes a comma, since it parts reasons; a label that the format takes for none is left
    out with a warning. Raises `FormatError` for a review without a diagram.
    """
    flow = review.flow
    if flow is None:
        msg = "the review has no flow diagram to write"
        raise FormatError(msg)
    labels = {key: label for key, label in flow.labels.items() if label.casefold() not in _NO_TEXT}
    for key in flow.labels.keys() - labels.keys():
        warnings.warn(NO_LABEL.format(label=flow.labels[key], key=key), DataWarning, stacklevel=2)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADINGS)
    for box in BOXES:
        key = box.key or box.box
        named = box.key or (key if box.description.startswith("Blue") else None)
        text = labels.get(key, box.text)
        number = "0" if box.key is None else _number(flow, key)
        cells = (named, box.node, box.box, box.description, text, box.tooltip or None, box.url or None, number)
        writer.writerow([guarded_cell(cell) if cell is not None else "NA" for cell in cells])
    known = {box.key or box.box for box in BOXES}
    for key in dict.fromkeys((*flow.counts, *flow.reasons, *flow.labels)):
        if key not in known:
            text = labels.get(key, "NA")
            cells = (key, "NA", "NA", key, text, "NA", "NA", _number(flow, key))
            writer.writerow([guarded_cell(cell) for cell in cells])
    return out.getvalue().encode()


def _number(flow: StudyFlow, key: str) -> str:
    held = flow.reasons.get(key)
    if held:
        parts = [(" ".join(reason.replace(";", ",").split()), number) for reason, number in held]
        return "; ".join(f"{reason}, {'xxx' if number is None else number}" for reason, number in parts)
    return str(flow.counts[key]) if key in flow.counts else "NA"


@hookimpl
def converters() -> list[Converter]:
    """Offer the table of a flow diagram."""
    return [
        Converter(
            "prisma",
            read,
            recognises=recognises,
            suffixes=(".csv",),
            write_review=write_review,
            whole_review=False,
            reference="Haddaway et al. (2022), Campbell Syst. Rev. 18:e1230; Page et al. (2021), BMJ 372:n71",
        )
    ]
