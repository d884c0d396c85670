"""Check reporters."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias, cast

from evisynth.errors import MissingExtraError, MissingProgramError
from evisynth.reviews.analysis import fit_review
from evisynth.testing.analyses import analyses_without_effect, ordinary_analyses
from evisynth.testing.conformance import ask, check_record, ensure
from evisynth.testing.reviews import sample_reviews

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth.records import Reporter

FEW = ("13 effects", "hostile names", "no study")
Files: TypeAlias = "Mapping[str, str | bytes]"
KINDS_OF_FILES = {"html": "text/html", "svg": "image/svg+xml", "json": "application/json", "csv": "text/csv"}
MARKUP = ("text/html", "image/svg+xml", "application/xhtml+xml", "application/xml", "text/xml")


def check_reporter(record: Reporter) -> None:
    """Check a reporter in every format that it offers; raises `ConformanceError` for the first law that it breaks.

    It gives text or bytes that are not empty for every analysis: of none, one and two studies, with subgroups, without
    events, with moderators; the same again for the same analysis. Names are escaped in markup, JSON is strict and every
    row of CSV has as many cells as its heading. One that renders whole reviews does so for outcomes of every kind of
    data, and for a review without any. A format whose optional library is absent is passed over.
    """
    check_record(record)
    ensure(len(record.media_types) > 0, record, "offers at least one format", "the record", dict(record.media_types))
    ensure(
        all((suffix.startswith(".") or not suffix) and "/" in media for suffix, media in record.media_types.items()),
        record,
        "formats are suffixes with media types",
        "the record",
        dict(record.media_types),
    )
    if record.of == "analysis":
        analyses = [*ordinary_analyses(), *analyses_without_effect()]
        _check_kind(record, "analysis", analyses, [one for one in analyses if one[0] in FEW])
    if record.function_for("review") is not None:
        reviews = [(given, fit_review(review)) for given, review in sample_reviews()]
        _check_kind(record, "review", reviews, reviews[1:])


def _check_kind(
    record: Reporter, kind: str, results: Sequence[tuple[str, object]], few: Sequence[tuple[str, object]]
) -> None:
    for number, (suffix, media_type) in enumerate(record.media_types.items()):
        # Other formats differ in how things are written, not in what: a few results tell, and drawing takes time.
        for given, result in few if number else results:
            rendered = _rendered(record, result, suffix, given, kind)
            if rendered is None:
                break
            _well_formed(record, rendered, media_type, f"{given}, as {suffix}")
        given, result = results[0]
        once, twice = (_rendered(record, result, suffix, given, kind) for _ in range(2))
        ensure(
            once == twice,
            record,
            f"the same {kind} gives the same report",
            f"{given}, as {suffix}",
            "two reports differ",
        )


def _rendered(record: Reporter, result: object, suffix: str, given: str, kind: str) -> Files | None:
    """Render a result as files by name; one file has no name. None where an optional library is absent."""
    given = f"{given}, as {suffix}"
    made = ask(
        record,
        f"reports every {kind}",
        given,
        record.render,
        result,
        suffix,
        {},
        kind,
        refusals=(MissingExtraError, MissingProgramError),
    )
    if made is None:
        return None
    files: Files = cast("Files", made) if isinstance(made, Mapping) else {"": made}
    ensure(
        len(files) > 0 and all(isinstance(one, str | bytes) and len(one) > 0 for one in files.values()),
        record,
        "gives text or bytes that are not empty",
        given,
        repr(files)[:80],
    )
    return files


def _well_formed(record: Reporter, files: Files, media_type: str, given: str) -> None:
    for name, rendered in files.items():
        kind = KINDS_OF_FILES.get(name.rpartition(".")[2], media_type) if name else media_type
        _well_formed_file(record, rendered, kind.partition(";")[0].strip(), f"{given} {name}".rstrip())


def _well_formed_file(record: Reporter, rendered: str | bytes, base: str, given: str) -> None:
    text = rendered if isinstance(rendered, str) else rendered.decode("utf-8", errors="replace")
    if base in MARKUP:
        raw = [tag for tag in ("<script>alert", "<img src=x") if tag in text]
        ensure(not raw, record, "names are escaped", given, raw)
    elif base == "application/json":
        ask(record, "JSON is strict", given, json.loads, text, parse_constant=_refuse)
    elif base == "text/csv":
        lengths = {len(row) for row in csv.reader(io.StringIO(text)) if row}
        ensure(len(lengths) == 1, record, "every row of CSV has as many cells as its heading", given, lengths)


def _refuse(constant: str) -> float:
    msg = f"{constant} is not JSON"
    raise ValueError(msg)
