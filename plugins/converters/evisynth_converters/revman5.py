"""Offer RevMan 5's files: reading a review, and writing one that RevMan opens."""

from __future__ import annotations

from evisynth import Converter, Source, hookimpl
from evisynth_converters import revman5_names as names
from evisynth_converters.revman5_reader import read
from evisynth_converters.revman5_writer import write

SUFFIXES = (".rm5",)


def recognises(source: Source) -> float:
    """Look for the root element; the suffix alone is a claim, which the reader then checks."""
    if source.path is None:
        return 0.0
    head = source.head.replace(b"\0", b"")
    return 1.0 if f"<{names.ROOT}".encode() in head else 0.9 if source.suffix in SUFFIXES else 0.0


@hookimpl
def converters() -> list[Converter]:
    """Offer RevMan 5's files."""
    return [
        Converter(
            "revman5",
            read,
            recognises=recognises,
            suffixes=SUFFIXES,
            write_review=write,
            reference="The Nordic Cochrane Centre (2014), Review Manager 5.3; structure as in the files that it wrote",
        )
    ]
