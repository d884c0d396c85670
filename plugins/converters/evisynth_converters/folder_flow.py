"""Write and read the counts of a flow diagram in a review's folder: a row a box, and a row a reason within it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evisynth import DataError, FormatError, Problem, StudyFlow
from evisynth_converters.csv_cells import write_csv
from evisynth_converters.folder_headings import TEXT, Headings
from evisynth_converters.toml_fields import TomlTable, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth_converters.csv_cells import CsvRow, CsvTable
    from evisynth_converters.folder_files import Folder

FLOW = "prisma.csv"
_COLUMNS = Headings(("box", "n", "reason", "label"))


def write_flow(flow: StudyFlow | None) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Give the flow for the main file, and the file of its counts."""
    if flow is None:
        return {}, {}
    blank = sorted(box for box, reasons in flow.reasons.items() if not reasons)
    fields = {"counts": FLOW, **({"without_reasons": blank} if blank else {})}
    return {"flow": fields}, {FLOW: write_csv(*flow_cells(flow))}


def flow_cells(flow: StudyFlow) -> tuple[Sequence[str], list[Sequence[str | None]]]:
    """Give headings and rows of the counts."""
    rows: list[Sequence[str | None]] = []
    for box in sorted({*flow.counts, *flow.reasons, *flow.labels}):
        count, label = flow.counts.get(box), flow.labels.get(box)
        if count is not None or label is not None:
            rows.append((box, None if count is None else str(count), None, label))
        rows.extend(
            (box, None if number is None else str(number), reason, None) for reason, number in flow.reasons.get(box, ())
        )
    return _COLUMNS.own, rows


def read_flow(folder: Folder, review: TomlTable) -> StudyFlow | None:
    """Read the counts of the file that the main file names, or of the usual one where that is there."""
    table = review.table("flow")
    if table is None and not folder.has(FLOW):
        return None
    table = table or TomlTable(review.where, {})
    table.refuse_unknown(("counts", "without_reasons"))
    file = folder.table(table.fields({"counts": str}).get("counts", FLOW), table.where)
    return flow_of(file, table.texts("without_reasons"))


def flow_of(file: CsvTable, blank: Sequence[str] = ()) -> StudyFlow:
    """Take counts from a table of them; ``blank`` names boxes whose list of reasons is empty."""
    kinds = _COLUMNS.sorted(file)
    unknown = next((heading for heading, (kind, _) in kinds.items() if kind == TEXT), None)
    if unknown is not None or ("own", "box") not in kinds.values():
        msg = f"{file.name} has the columns {', '.join(_COLUMNS.own)}, not {unknown or file.headings!r}"
        msg += "" if unknown is None else nearest(unknown, _COLUMNS.own)
        raise FormatError(msg)
    counts, labels = dict[str, int](), dict[str, str]()
    reasons: dict[str, list[tuple[str, int | None]]] = {box: [] for box in blank}
    problems: list[Problem] = []
    for row in file.rows:
        own = {kinds[heading][1]: cell for heading, cell in row.cells.items()}
        box, reason, label = own["box"], own.get("reason"), own.get("label")
        if box is None:
            msg = f"{file.name}, line {row.line}: a row without a box"
            raise FormatError(msg)
        number = _count(own.get("n"), row, box, problems)
        if reason is not None:
            reasons.setdefault(box, []).append((reason, number))
        elif number is not None:
            if box in counts:
                msg = f"{file.name}, line {row.line}: a second count of {box!r}"
                raise FormatError(msg)
            counts[box] = number
        if label is not None:
            labels[box] = label
    if problems:
        summary = f"{file.name} holds counts that cannot be used"
        raise DataError(summary, problems)
    return StudyFlow(counts=counts, reasons={box: tuple(held) for box, held in reasons.items()}, labels=labels)


def _count(cell: str | None, row: CsvRow, box: str, problems: list[Problem]) -> int | None:
    if cell is None or not cell.strip():
        return None
    plain = cell.strip().replace(",", "")
    if not plain.isascii() or not plain.lstrip("-").isdigit() or len(plain) > 18:  # noqa: PLR2004 - digits of a count
        problems.append(Problem(row.number, box, "n", repr(cell[:60]), "is not a whole number"))
        return None
    return int(plain)
