"""Read and write tables of risk of bias: those for robvis, and those of RevMan and of packages of Cochrane reviews.

robvis has ``Study, D1 … Dn, Overall`` and perhaps ``Weight``, or the domains' own names; RevMan has ``Domain
(judgement): …`` and ``Domain (support): …``, with ": " and a group of outcomes after the domain where it is judged for
groups. What the columns are `bias_tables` finds out.
"""

from __future__ import annotations

import csv
import io
from collections import Counter

from evisynth import Converter, FormatError, Review, RiskOfBias, Source, find_roles, guarded_cell, hookimpl
from evisynth_converters import delimited
from evisynth_converters.bias_columns import (
    JUDGEMENT,
    SUPPORT,
    heading_of,
    is_of_directions,
    may_be_judged,
    share_of_judgements,
)
from evisynth_converters.bias_tables import review_of_table
from evisynth_converters.bias_tools import NOT_APPLICABLE, TOOLS
from evisynth_converters.bias_words import words_for

REFERENCE = "McGuinness & Higgins (2021), Res. Synth. Methods 12:55-61; Cochrane (2024), RevMan data package"

MOST_DOMAINS = 500
"""Columns of a table; a tool has seven domains, and RevMan three columns for each and every group of outcomes."""

_DELIMITERS = ",;\t|"
_NEARLY_ALL = 0.8


def recognises(source: Source) -> float:
    """Look for RevMan's headings, or for a column of studies beside columns that are filled with judgements."""
    if source.path is None or b"\0" in source.head or source.head.lstrip()[:1] in {b"{", b"<", b"["}:
        return 0.0
    try:
        text = source.head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # A letter that is cut in two at the end of what is looked at is no other encoding.
        whole = error.start > len(source.head) - 4
        text = source.head[: error.start].decode("utf-8-sig") if whole else source.head.decode("cp1252", "replace")
    first = text.partition("\n")[0]
    if JUDGEMENT in first:
        return 0.95
    rows = _rows(text, max(_DELIMITERS, key=first.count))
    if len(text.encode()) < len(source.content) and len(rows) > 2:  # noqa: PLR2004 - a heading and a row stay
        rows = rows[:-1]
    if len(rows) < 2:  # noqa: PLR2004 - a heading and a row
        return 0.0
    headings = [heading or f"column {j}" for j, heading in enumerate(rows[0], 1)]
    columns = {heading: [row[j] if j < len(row) else "" for row in rows[1:]] for j, heading in enumerate(headings)}
    if "study" not in find_roles(headings):
        return 0.0
    if is_of_directions(headings):
        return 0.95
    others = [cells for heading, cells in columns.items() if may_be_judged(heading)]
    judged = [cells for cells in others if share_of_judgements(cells) >= _NEARLY_ALL]
    said = any(words_for(cell) not in {(), (NOT_APPLICABLE,)} for cells in judged for cell in cells)
    return 0.85 if said and len(judged) > 1 and len(judged) >= _NEARLY_ALL * len(others) else 0.0


def _rows(text: str, delimiter: str) -> list[list[str]]:
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
        return [[cell.strip() for cell in row] for row in reader if any(row)]
    except csv.Error:
        return []


def read(source: Source) -> Review:
    """Take the judgements of every study.

    Raises `FormatError` for a table without studies or judgements, and `DataError`, with study and column, for words
    that are no judgements of the tool.
    """
    table = delimited.read(source)
    if len(table.columns) > MOST_DOMAINS:
        msg = (
            f"{source.name} has {len(table.columns):,} columns; tables of risk of bias of up to {MOST_DOMAINS} are read"
        )
        raise FormatError(msg)
    columns = {heading: [str(cell) for cell in cells] for heading, cells in table.columns.items()}
    return review_of_table(columns, source.name)


def write_review(review: Review) -> bytes:
    """Write the judgements by a review's one tool: for robvis, or as RevMan does where there is support or a group.

    The table holds the names of the studies, judgements, support and weights, and says its tool in a column where that
    cannot be told from it. It holds no ids, no descriptions of domains and nothing else of a review. Raises
    `FormatError` where there are several tools or none, or names that would be one.
    """
    if len(review.risk_of_bias) != 1 or review.risk_of_bias[0].tool not in TOOLS:
        named = ", ".join(risk.tool for risk in review.risk_of_bias) or "none"
        msg = f"a table of risk of bias holds the judgements by one of {', '.join(TOOLS)}; this review has {named}"
        raise FormatError(msg)
    (risk,) = review.risk_of_bias
    columns = _columns(review, risk)
    again = review_of_table(columns, "the table")
    if again.risk_of_bias[0].tool != risk.tool or again.notes:
        columns["Tool"] = [risk.tool] * len(review.studies)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([guarded_cell(heading) for heading in columns])
    writer.writerows([guarded_cell(cell) for cell in row] for row in zip(*columns.values(), strict=True))
    return out.getvalue().encode()


def _columns(review: Review, risk: RiskOfBias) -> dict[str, list[str]]:
    names = [" ".join(study.name.split()) for study in review.studies]
    columns = {"Study": names}
    judgements = [one for domain in risk.domains for one in domain.judgements]
    in_full = any(one.support or one.group for one in judgements)
    headings: list[str] = []
    for domain in risk.domains:
        labels = {group.id: group.name for group in domain.groups}
        for group in dict.fromkeys(one.group for one in domain.judgements) or (None,):
            held = {one.study: one for one in domain.judgements if one.group == group}
            if len(held) < sum(one.group == group for one in domain.judgements):
                msg = f"domain {domain.name!r} has two judgements on one study: a table holds one"
                raise FormatError(msg)
            group_name = None if group is None else labels.get(group, group)
            heading = heading_of(domain, TOOLS[risk.tool], group_name, in_full=in_full)
            headings.append(heading)
            found = [held.get(study.id) for study in review.studies]
            words = [one.judgement.capitalize() if one else "" for one in found]
            columns[f"{JUDGEMENT}{heading}" if in_full else heading] = words
            if in_full:
                columns[f"{SUPPORT}{heading}"] = [(one.support or "").strip() if one else "" for one in found]
    twice = [name for name, times in Counter([*names, *headings]).items() if times > 1 or not name]
    if twice or not headings or not names:
        msg = f"names of studies and of domains are distinct in a table: {', '.join(map(repr, twice)) or 'none given'}"
        raise FormatError(msg)
    if risk.weights:
        columns["Weight"] = [
            repr(risk.weights[study.id]) if study.id in risk.weights else "" for study in review.studies
        ]
    return columns


@hookimpl
def converters() -> list[Converter]:
    """Offer tables of risk of bias."""
    return [
        Converter(
            "risk-of-bias",
            read,
            recognises=recognises,
            suffixes=(".csv", ".tsv", ".txt"),
            write_review=write_review,
            whole_review=False,
            reference=REFERENCE,
        )
    ]
