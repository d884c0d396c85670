"""Build the report of a review, once, for every format that it is rendered in."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from evisynth import EvisynthError
from evisynth_reporters import printed
from evisynth_reporters.article import Article, Cells, Grid, Heading, Link, Listing, Paragraph, Picture, Script, Section
from evisynth_reporters.methods_section import methods_section, references_section
from evisynth_reporters.outcome_section import anchor, outcome_section, table_of
from evisynth_reporters.review_lines import HEADINGS, NUMBERS, lines_of
from evisynth_reporters.review_tables import (
    doi_link,
    excluded_section,
    included_section,
    judgements_grid,
    support_grid,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evisynth import OutcomeAnalysis, ReviewAnalysis
    from evisynth_reporters.article import Block
    from evisynth_reporters.outcome_section import Asked
    from evisynth_reporters.words import Words


def review_article(made: ReviewAnalysis, asked: Asked, title: str | None = None) -> Article:
    """Put everything that a reader of a review asks for into sections, figures as what they show."""
    words = asked.words
    name = printed.one_line(title or made.review.title) or words("Review")
    sections = (
        summary_section(made, words),
        methods_section(made, words),
        *_flow(made, asked),
        included_section(made.review, words),
        *_risk_of_bias(made, asked),
        *_comparisons(made, asked),
        *_warnings(made, words),
        excluded_section(made.review, words),
        references_section(made, words),
        _scripts(made, words),
        _data(made, words),
    )
    close = words("Made with evisynth {version}.", version=version("evisynth"))
    return Article(name, tuple(_lead(made, words)), sections, close)


def _lead(made: ReviewAnalysis, words: Words) -> Iterator[Block]:
    pooled = sum(one.analysis is not None and one.analysis.pooled is not None for one in made)
    yield Paragraph(
        words(
            "{outcomes} outcomes, {pooled} with a pooled effect; {studies} studies.",
            outcomes=len(made),
            pooled=pooled,
            studies=sum(study.status == "included" for study in made.review.studies),
        )
    )
    source = printed.one_line(made.review.source or "")
    said = words("Report of the data in {file}.", file=source) if source else ""
    if made.review.doi:
        yield Paragraph((f"{said} " if said else "", doi_link(made.review.doi)))
    elif said:
        yield Paragraph(said)
    if made.review.notes:
        yield Listing(made.review.notes, "note")


def summary_section(made: ReviewAnalysis, words: Words) -> Section:
    """Put every outcome and subgroup into one table, with links to the outcomes."""
    rows: list[Cells] = []
    for line in lines_of(made):
        if line.level == 0:
            rows.append(Cells((Link(f"{line.place} {line.name}", anchor(line.place, "comparison")),), band=True))
            continue
        place = Link(line.place, anchor(line.place)) if line.level == 1 else line.place
        note = words(line.note)
        rows.append(Cells((place, *line.cells[1:-1], note), depth=line.level - 1))
    headings = tuple(
        Heading(words(text) if text else words("Number"), number=i in NUMBERS, whole=text in {"Effect", "Method"})
        for i, text in enumerate(HEADINGS)
    )
    return Section("summary", words("Summary of results"), (Grid(words("All outcomes"), headings, tuple(rows)),))


def _flow(made: ReviewAnalysis, asked: Asked) -> Iterator[Section]:
    flow, words = made.review.flow, asked.words
    if flow is None:
        return
    blocks: list[Block] = []
    title = words("PRISMA 2020 flow diagram")
    if asked.figure("prisma"):
        blocks.append(Picture("prisma", made.review, "flow-diagram", title, title, asked.registry))
    rows = [
        Cells((printed.one_line(flow.labels.get(key, key.replace("_", " "))), str(count)))
        for key, count in flow.counts.items()
    ]
    for key, reasons in flow.reasons.items():
        rows.append(Cells((printed.one_line(flow.labels.get(key, key.replace("_", " "))),), band=True))
        rows += [Cells((printed.one_line(reason), "" if n is None else str(n)), depth=1) for reason, n in reasons]
    headings = (Heading(words("Step")), Heading(words("Count"), number=True))
    blocks.append(Grid(words("Numbers of the study flow"), headings, tuple(rows)))
    yield Section("flow", words("Study flow"), tuple(blocks))


def _risk_of_bias(made: ReviewAnalysis, asked: Asked) -> Iterator[Section]:
    review, words = made.review, asked.words
    held = [tool for tool in review.risk_of_bias if tool.domains]
    if not held:
        return
    blocks: list[Block] = []
    title = words("Risk of bias")
    if asked.figure("risk-of-bias"):
        blocks.append(Picture("risk-of-bias", review, "bias-figure", title, title, asked.registry))
    for tool in held:
        blocks.append(judgements_grid(review, tool, words))
        support = support_grid(review, tool, words)
        if support is not None:
            blocks.append(support)
    yield Section("bias", title, tuple(blocks))


def _comparisons(made: ReviewAnalysis, asked: Asked) -> Iterator[Section]:
    """Give a section for each comparison with those of its outcomes in it."""
    found: dict[int, list[OutcomeAnalysis]] = {}
    for one in made:
        found.setdefault(one.comparison.number, []).append(one)
    for number, outcomes in found.items():
        yield Section(
            anchor(str(number), "comparison"),
            asked.words("Comparison {name}", name=f"{number} {printed.one_line(outcomes[0].comparison.name)}"),
            sections=tuple(outcome_section(one, asked) for one in outcomes),
        )


def _warnings(made: ReviewAnalysis, words: Words) -> Iterator[Section]:
    """Gather the warnings, each with the outcomes that it is about."""
    found: dict[str, list[str]] = {}
    for one in made:
        for warning in () if one.analysis is None else one.analysis.warnings:
            found.setdefault(printed.one_line(warning), []).append(one.place)
    if found:
        items = [(*_places(places), f": {warning}") for warning, places in found.items()]
        yield Section("warnings", words("Warnings"), (Listing(items, "note"),))


def _places(places: list[str]) -> Iterator[str | Link]:
    for i, place in enumerate(places):
        if i:
            yield ", "
        yield Link(place, anchor(place))


# -- appendices -------------------------------------------------------------------------------------------------------


def _scripts(made: ReviewAnalysis, words: Words) -> Section:
    sections = tuple(
        Section(anchor(one.place, "script"), _heading(one), (_script(one, words),))
        for one in made
        if one.analysis is not None
    )
    said = words("Scripts for R that compute the pooled results anew, or why R cannot.")
    return Section("scripts", words("Appendix: R scripts"), (Paragraph(said),), sections)


def _script(one: OutcomeAnalysis, words: Words) -> Block:
    assert one.analysis is not None  # noqa: S101 - asked before
    try:
        return Script(one.analysis.to_r())
    except EvisynthError as error:
        return Paragraph(words("There is no R script: {reason}.", reason=printed.one_line(str(error))), "note")


def _data(made: ReviewAnalysis, words: Words) -> Section:
    sections = tuple(
        Section(anchor(one.place, "data"), _heading(one), (data_grid(one, words),))
        for one in made
        if one.analysis is not None
    )
    said = words("The page of this report has review.json and review.csv beside it, which hold the numbers in full.")
    return Section("data", words("Appendix: data"), (Paragraph(said),), sections)


def _heading(one: OutcomeAnalysis) -> str:
    return f"{one.place} {printed.one_line(one.outcome.name)}"


def data_grid(one: OutcomeAnalysis, words: Words) -> Grid:
    """Put the table of a forest plot into a grid, studies with their data and all totals."""
    assert one.analysis is not None  # noqa: S101 - asked before
    table = table_of(one.analysis)
    headings = tuple(
        Heading(f"{column.group}: {column.heading}" if column.group else column.heading, number=i > 0)
        for i, column in enumerate(table.columns)
    )
    rows: list[Cells] = []
    for row in table.rows:
        if row.kind == "blank":
            continue
        cells = row.cells[:1] if row.spans or not any(row.cells[1:]) else row.cells
        rows.append(Cells(cells, band=row.kind == "heading", bold=row.bold))
    return Grid(words("Data and results of outcome {place}", place=one.place), headings, tuple(rows), quiet=True)
