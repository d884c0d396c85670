"""Offer whole reviews as plain folders: CSV and one TOML, to edit by hand and to keep in version control."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evisynth import Converter, FormatError, Review, Source, hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping


def recognises(source: Source) -> float:
    """Look for a folder or an archive with a ``review.toml``, and for our words in it."""
    if source.path is None:
        return 0.0
    try:
        opens = source.is_folder or source.head.startswith(b"PK")
    except FormatError:
        return 0.0
    if not opens:
        return 0.0
    # What reads TOML and many files takes a while to import, and most loads are of a table.
    from evisynth_converters.folder_review import certainty  # noqa: PLC0415

    return certainty(source)


def read(source: Source) -> Review:
    """Read a folder, or an archive of one: see `folder_review`."""
    from evisynth_converters.folder_review import read_folder  # noqa: PLC0415 - as above

    return read_folder(source)


def write_review(review: Review) -> Mapping[str, bytes]:
    """Write the files of a folder: see `folder_review`."""
    from evisynth_converters.folder_review import folder_files  # noqa: PLC0415 - as above

    return folder_files(review)


@hookimpl
def converters() -> list[Converter]:
    """Offer folders of CSV and TOML."""
    return [
        Converter(
            "review-folder",
            read,
            recognises=recognises,
            write_review=write_review,
            reference="Shafranovich (2005), RFC 4180; TOML v1.0.0 (2021), toml.io",
        )
    ]
