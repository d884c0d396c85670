"""Check converters: readers, and writers where they can, of file formats."""

from __future__ import annotations

import io
import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from evisynth.archives import write_files
from evisynth.errors import DataWarning, EvisynthError, MissingExtraError
from evisynth.kernels.arrays import read_only
from evisynth.reviews.model import Review
from evisynth.sources import Source, Table
from evisynth.studies import Studies
from evisynth.tables import studies_from_table
from evisynth.testing.analyses import HOSTILE_LABELS
from evisynth.testing.conformance import ask, check_record, ensure, same
from evisynth.testing.reviews import sample_reviews
from evisynth.testing.samples import SEED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evisynth.records import Converter


def check_converter(record: Converter) -> None:
    """Check a converter; raises `ConformanceError` for the first law that it breaks.

    It says how sure it is, from 0 to 1, of any value and of hostile bytes under each of its suffixes; what it
    recognises it reads, or refuses with an error of ours; what it writes it recognises and reads back, names and
    numbers to the bit. A review that it writes it recognises and reads again, with every name and, where the format
    holds data at all, every number.
    """
    check_record(record)
    with tempfile.TemporaryDirectory() as folder:
        for given, source in (*_values(), *_files(record, Path(folder))):
            sure = _recognised(record, source, given)
            if sure > 0:
                ask(
                    record,
                    "what it recognises it reads, or refuses with an error of evisynth's",
                    given,
                    record.function,
                    source,
                    refusals=(EvisynthError,),
                )
        if record.write is not None:
            _round_trip(record, Path(folder))
        if record.write_review is not None:
            for position, (given, review) in enumerate(sample_reviews()):
                _review_round_trip(record, review, Path(folder) / str(position), given)


def _recognised(record: Converter, source: Source, given: str) -> float:
    sure = ask(record, "recognises without an exception", given, record.recognises, source)
    ensure(
        isinstance(sure, float | int) and 0 <= sure <= 1, record, "says how sure it is, from 0 to 1", given, repr(sure)
    )
    return float(sure)


def _values() -> Iterator[tuple[str, Source]]:
    yield from (
        (f"the value {value!r}", Source(value))
        for value in (
            None,
            5,
            object,
            [],
            [1, "a"],
            {},
            {"yi": "text"},
            {1: [2]},
            {"yi": None},
            {"yi": [[1], [2]]},
            b"\0",
        )
    )


def hostile_contents() -> Mapping[str, bytes]:
    """Give contents that have broken parsers: cut short, nested deep, of another encoding, full of entities."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("../outside.txt", "0" * 10_000)
        made.writestr("[Content_Types].xml", "<Types/>")
    entities = '<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'
    return {
        "random bytes": np.random.default_rng(SEED).bytes(2000),
        "zero bytes": b"\0" * 500,
        "one quote": b'"',
        "an open quote": b'study,yi,vi\n"A,1,2\nB,3,4\n',
        "separators alone": b",,,;;;\t\t\t\n" * 50,
        "UTF-16": "study,yi,vi\nA,1,2\n".encode("utf-16"),
        "a long line": b"a," * 3000,
        "rows of different length": b"study,yi,vi\nA,1\nB,1,2,3,4\n",
        "a heading alone": b"study,yi,vi\n",
        "a heading twice": b"yi,yi,vi\n1,2,3\n",
        "deep JSON": b"[" * 5000,
        "open JSON": b'{"yi": [1, 2',
        "JSON of another shape": b'{"a": {"b": [null, true, "x"]}}',
        "JSON that is not finite": b'{"yi": [NaN, Infinity], "vi": [1e999, 1]}',
        "XML with entities": entities.encode(),
        "open XML": b"<?xml version='1.0'?><a><b>",
        "an archive that points outside": archive.getvalue(),
        "half an archive": archive.getvalue()[:60],
    }


def _files(record: Converter, folder: Path) -> Iterator[tuple[str, Source]]:
    for number, (name, content) in enumerate(hostile_contents().items()):
        for suffix in dict.fromkeys((*record.suffixes, "", ".xyz")):
            path = folder / f"hostile-{number}{suffix}"
            path.write_bytes(content)
            yield f"{name} in a file {suffix or 'without a suffix'}", Source(path)


def _round_trip(record: Converter, folder: Path) -> None:
    given = "a table with names of every kind, missing values and numbers of 17 digits"
    studies = _table()
    assert record.write is not None  # noqa: S101 - asked for before
    content = ask(record, "writes a table", given, record.write, studies, refusals=(MissingExtraError,))
    if content is None:
        return  # a library that is optional is absent
    ensure(isinstance(content, bytes), record, "writes bytes", given, type(content).__name__)
    path = folder / f"written{next(iter(record.suffixes), '')}"
    path.write_bytes(content)
    source = Source(path)
    ensure(_recognised(record, source, given) > 0, record, "recognises what it has written", given, content[:200])
    read = ask(record, "reads what it has written", given, record.function, source)
    back: Studies = studies_from_table(read) if isinstance(read, Table) else read
    ensure(
        back.study == studies.study, record, "names come back as they were", given, f"{back.study}, not {studies.study}"
    )
    for name, column in studies.columns.items():
        seen = back.columns.get(name)
        ensure(
            seen is not None and same(seen, column),
            record,
            "numbers come back to the bit",
            f"{given}, column {name}",
            f"{seen}, not {column}",
        )


def _review_round_trip(record: Converter, review: Review, folder: Path, given: str) -> None:
    assert record.write_review is not None  # noqa: S101 - asked for before
    with warnings.catch_warnings():
        # What a format has no place for it says in a warning.
        warnings.simplefilter("ignore", DataWarning)
        written = ask(record, "writes a review", given, record.write_review, review, refusals=(EvisynthError,))
        if written is None:
            return
        path = folder / f"written{next(iter(record.suffixes), '')}"
        write_files(path, written)
        source = Source(path)
        ensure(_recognised(record, source, given) > 0, record, "recognises the review that it has written", given, path)
        # A format of data may say that a review without any is not one of its own.
        refused = () if review.comparisons else (EvisynthError,)
        read = ask(record, "reads the review that it has written", given, record.function, source, refusals=refused)
    if isinstance(read, Review) and read.comparisons:
        ensure(_data(read) == _data(review), record, "a review's data come back", given, _data(read))


def _data(review: Review) -> dict[str, list[tuple[str, dict[str, float]]]]:
    names = {study.id: study.name for study in review.studies}
    return {
        place: [(names.get(row.study, row.study), dict(row.data)) for _, row in outcome.all_rows]
        for place, _, outcome in review.outcomes
        if outcome.all_rows
    }


def _table() -> Studies:
    # A name that ends in spaces or holds a line break is not one that every format can keep.
    labels = [label for label in HOSTILE_LABELS if "\n" not in label]
    k = len(labels)
    rng = np.random.default_rng(SEED + 5)
    y, v = rng.normal(size=k), np.exp(rng.normal(size=k))
    y[1] = v[1] = np.nan
    return Studies(
        columns={"yi": read_only(y), "vi": read_only(v), "n_1": read_only(np.arange(10.0, 10.0 + k))},
        study=tuple(labels),
        text={"subgroup": tuple("ab"[i % 2] for i in range(k))},
    )
