"""Tables of what a review says of its studies: characteristics, what they report, which criteria they meet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evisynth import Reporter, Review, SettingsError, hookimpl
from evisynth_reporters import printed
from evisynth_reporters.long_text import words_of_text
from evisynth_reporters.table_reporter import table_reporter
from evisynth_reporters.table_sheet import TableColumn, TableRow, TableSheet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evisynth import ReviewRow, ReviewStudy
    from evisynth_reporters.words import Words

PRISMA = "Page et al. (2021), PRISMA 2020, BMJ 372:n71, items 16 to 18"
USUAL = ("methods", "participants", "interventions", "outcomes", "notes")
MET, UNCLEAR, NOT_MET = "✓", "?", "✗"
_MET = re.compile(r"(met|yes|y|true|1|✓|low|adequate|fulfilled)", re.IGNORECASE)
_NOT_MET = re.compile(r"(not met|no|n|false|0|✗|x|high|inadequate|not fulfilled)", re.IGNORECASE)


def characteristics(review: Review, words: Words, *, status: str = "included", title: str = "") -> TableSheet:
    """Describe the studies of a ``status`` (included, excluded, awaiting, ongoing) by their characteristics.

    Excluded studies have the reason for it; raises `SettingsError` for another status.
    """
    if status not in {"included", "excluded", "awaiting", "ongoing"}:
        msg = f"status is one of 'included', 'excluded', 'awaiting', 'ongoing', not {status!r}"
        raise SettingsError(msg)
    studies = [study for study in review.studies if study.status == status]
    keys = ["reason_for_exclusion"] if status == "excluded" else list(USUAL)
    keys += [key for study in studies for key in study.characteristics if key not in {*keys, "reason_for_exclusion"}]
    keys = [key for key in dict.fromkeys(keys) if any(study.characteristics.get(key) for study in studies)]
    heads = (
        TableColumn(words("Study")), TableColumn(words("Year"), "right"),
        *(TableColumn(words(key.replace("_", " ").capitalize())) for key in keys),
    )  # fmt: skip
    rows = tuple(
        TableRow((study.name, study.year or "", *(_text(study.characteristics.get(key, "")) for key in keys)))
        for study in studies
    )
    usual = {"included": "Characteristics of included studies", "excluded": "Excluded studies"}
    notes = () if rows else (words("The review holds no such studies."),)
    return TableSheet(title or words(usual.get(status, "Studies")), heads, rows, notes)


def _text(marked: str) -> str:
    """Read the words of a text with markup."""
    return words_of_text(marked)


def outcome_reporting(review: Review, words: Words, *, title: str = "") -> TableSheet:
    """Show for each included study which outcomes it reports: with numbers, without, or not at all."""
    outcomes = list(review.outcomes)
    found: dict[tuple[str, str], str] = {}
    for place, _, outcome in outcomes:
        for _, row in outcome.all_rows:
            said = MET if _has_numbers(row) else UNCLEAR
            key = (row.study, place)
            found[key] = MET if MET in {said, found.get(key)} else said
    studies = [study for study in review.studies if study.status == "included"]
    heads = (TableColumn(words("Study")), *(TableColumn(place, "center") for place, _, _ in outcomes))
    rows = tuple(
        TableRow((study.name, *(found.get((study.id, place), "–") for place, _, _ in outcomes))) for study in studies
    )
    notes = [words("{met}: with numbers; {open}: without numbers; –: not reported.", met=MET, open=UNCLEAR)]
    notes += [f"{place}: {outcome.name}" for place, _, outcome in outcomes]
    return TableSheet(title or words("Outcome reporting"), heads, rows, tuple(notes))


def _has_numbers(row: ReviewRow) -> bool:
    return any(name not in {"n_1", "n_2"} for name in row.data)


def criteria(review: Review, words: Words, *, criteria: Mapping[str, str] | None = None, title: str = "") -> TableSheet:
    """Show which criteria the included studies meet: met, unclear or not met, by their characteristics.

    ``criteria`` maps names of criteria to keys of the characteristics; by default every characteristic whose values are
    all such words is one.
    """
    studies = [study for study in review.studies if study.status == "included"]
    keys = dict.fromkeys(key for study in studies for key in study.characteristics)
    chosen = _judged_keys(studies, keys) if criteria is None else dict(criteria)
    unknown = [key for key in chosen.values() if key not in keys]
    if unknown:
        have = ", ".join(map(repr, keys)) or "none"
        msg = f"criteria are characteristics of the studies, {have}, not {unknown[0]!r}"
        raise SettingsError(msg)
    heads = (TableColumn(words("Study")), *(TableColumn(name, "center") for name in chosen))
    rows = tuple(
        TableRow((
            study.name,
            *(judged(study.characteristics.get(key, "")) or UNCLEAR for key in chosen.values()),
        ))
        for study in studies
    )  # fmt: skip
    met = [
        f"{name}: {sum(row.cells[i] == MET for row in rows)}/{len(rows)}" for i, name in enumerate(chosen, 1) if rows
    ]
    notes = [words("{met}: met; {open}: unclear; {fails}: not met.", met=MET, open=UNCLEAR, fails=NOT_MET)]
    notes += [words("Met by {counts}.", counts=", ".join(met))] if met else []
    if not chosen:
        notes.append(words("No characteristic holds such words."))
    return TableSheet(title or words("Criteria"), heads, rows, tuple(notes))


def _judged_keys(studies: Sequence[ReviewStudy], keys: Iterable[str]) -> dict[str, str]:
    """Find the characteristics that hold nothing but judgements."""
    found: dict[str, str] = {}
    for key in keys:
        said = [study.characteristics[key] for study in studies if study.characteristics.get(key, "").strip()]
        if said and all(map(judged, said)):
            found[key.replace("_", " ").capitalize()] = key
    return found


def judged(text: str) -> str:
    """Give the sign of a judgement in words; empty where it is none."""
    word = printed.one_line(text).strip(" .")
    if _MET.fullmatch(word):
        return MET
    if _NOT_MET.fullmatch(word):
        return NOT_MET
    return UNCLEAR if word.casefold() in {"unclear", "?", "partly", "not reported", "nr"} else ""


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the tables of studies."""
    return [
        table_reporter("characteristics", characteristics, of="review data", reference=PRISMA),
        table_reporter(
            "outcome-reporting", outcome_reporting, of="review data",
            reference="Kirkham et al. (2010), BMJ 340:c365 (the matrix of studies and outcomes)",
        ),
        table_reporter("criteria", criteria, of="review data", reference=PRISMA),
    ]  # fmt: skip
