"""Offer workbooks and folders of CSV as reviewers keep them, a sheet an outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evisynth import Converter, FormatError, Source, hookimpl

if TYPE_CHECKING:
    from evisynth import Review, Studies, Table

_MARKS = (b"PK", b"\xd0\xcf\x11\xe0")


def recognises(source: Source) -> float:
    """Look for the parts of a workbook, or for a folder in which a CSV file is a table of studies."""
    if source.path is None:
        return 0.0
    try:
        opens = source.is_folder or source.head.startswith(_MARKS)
    except FormatError:
        return 0.0
    if not opens:
        return 0.0
    # What looks through workbooks takes a while to import, and most loads are of a text.
    from evisynth_converters.workbook_review import certainty  # noqa: PLC0415

    return certainty(source)


def read(source: Source) -> Table | Review:
    """Read the tables of studies that the sheets hold: see `workbook_review`."""
    from evisynth_converters.workbook_review import read_workbook  # noqa: PLC0415 - as above

    return read_workbook(source)


def write(studies: Studies) -> bytes:
    """Write a table of studies as a workbook of one sheet: see `workbook_write`."""
    from evisynth_converters.workbook_write import studies_workbook  # noqa: PLC0415 - as above

    return studies_workbook(studies)


def write_review(review: Review) -> bytes:
    """Write a workbook with a sheet for each outcome: see `workbook_write` for what it does not hold."""
    from evisynth_converters.workbook_write import review_workbook  # noqa: PLC0415 - as above

    return review_workbook(review)


@hookimpl
def converters() -> list[Converter]:
    """Offer workbooks, and folders of CSV; what is written is of Excel 2007 and later."""
    return [
        Converter(
            "workbook",
            read,
            recognises=recognises,
            # Those that are written; others are known by what they hold.
            suffixes=(".xlsx",),
            write=write,
            write_review=write_review,
            reference="ISO/IEC 29500-1 (2016), Office Open XML; ISO/IEC 26300 (2015), OpenDocument",
        )
    ]
