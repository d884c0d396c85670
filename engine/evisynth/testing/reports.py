"""Check reporters."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

from evisynth.errors import MissingExtraError
from evisynth.testing.analyses import analyses_without_effect, ordinary_analyses
from evisynth.testing.conformance import ask, check_record, ensure

if TYPE_CHECKING:
    from evisynth.records import Reporter
    from evisynth.results import MetaAnalysis

FEW = ("13 effects", "hostile names", "no study")
MARKUP = ("text/html", "image/svg+xml", "application/xhtml+xml", "application/xml", "text/xml")


def check_reporter(record: Reporter) -> None:
    """Check a reporter in every format that it offers; raises `ConformanceError` for the first law that it breaks.

    It gives text or bytes that are not empty for every analysis: of none, one and two studies, with subgroups, without
    events, with moderators; the same again for the same analysis. Names are escaped in markup, JSON is strict and every
    row of CSV has as many cells as its heading. A format whose optional library is absent is passed over.
    """
    check_record(record)
    ensure(len(record.media_types) > 0, record, "offers at least one format", "the record", dict(record.media_types))
    ensure(
        all(suffix.startswith(".") and "/" in media for suffix, media in record.media_types.items()),
        record,
        "formats are suffixes with media types",
        "the record",
        dict(record.media_types),
    )
    analyses = [*ordinary_analyses(), *analyses_without_effect()]
    few = [(given, analysis) for given, analysis in analyses if given in FEW]
    for number, (suffix, media_type) in enumerate(record.media_types.items()):
        # Other formats differ in how things are written, not in what: a few analyses tell, and drawing takes time.
        for given, analysis in few if number else analyses:
            rendered = _rendered(record, analysis, suffix, given)
            if rendered is None:
                break
            _well_formed(record, rendered, media_type, f"{given}, as {suffix}")
        given, analysis = analyses[0]
        once, twice = (_rendered(record, analysis, suffix, given) for _ in range(2))
        ensure(
            once == twice,
            record,
            "the same analysis gives the same report",
            f"{given}, as {suffix}",
            "two reports differ",
        )


def _rendered(record: Reporter, analysis: MetaAnalysis, suffix: str, given: str) -> str | bytes | None:
    given = f"{given}, as {suffix}"
    rendered = ask(
        record, "reports every analysis", given, record.render, analysis, suffix, {}, refusals=(MissingExtraError,)
    )
    if rendered is not None:
        ensure(
            isinstance(rendered, str | bytes) and len(rendered) > 0,
            record,
            "gives text or bytes that are not empty",
            given,
            repr(rendered)[:80],
        )
    return rendered  # type: ignore[no-any-return] # pyright: ignore[reportUnknownVariableType] - checked above


def _well_formed(record: Reporter, rendered: str | bytes, media_type: str, given: str) -> None:
    base = media_type.partition(";")[0].strip()
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
