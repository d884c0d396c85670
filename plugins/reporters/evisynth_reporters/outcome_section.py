"""Write the section of one outcome: forest plot, footers, heterogeneity in words, tests, warnings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from evisynth import EvisynthError, Reporter, bias_survey, i2_bands
from evisynth_reporters import printed
from evisynth_reporters.article import Cells, Grid, Heading, Link, Listing, Paragraph, Picture, Section
from evisynth_reporters.bias_text import ADJUSTMENTS, TESTS, adjustment_cells, bias_warnings, test_cells
from evisynth_reporters.build_table import build_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evisynth import BiasSurvey, MetaAnalysis, OutcomeAnalysis, Registry
    from evisynth_reporters.article import Block, Part
    from evisynth_reporters.table import ForestTable
    from evisynth_reporters.words import Words

SMALL_STUDY_METHODS = ("Egger", "trim-and-fill")
VERBS = {"considerable": "is considerable"}
"""What a band's words need to be said of something."""
FEWEST = 10
"""Studies from which small-study effects are tested: Sterne et al. (2011), BMJ 343:d4002."""


@attrs.frozen
class Asked:
    """Hold what was asked of a report."""

    words: Words
    registry: Registry
    plots: bool = True
    leave_one_out: int = 20
    """Most studies of an outcome whose figure lets readers leave each out."""

    def figure(self, name: str) -> bool:
        """Whether a figure of that name is wanted and there."""
        return self.plots and any(one.name == name and one.spec is not None for one in self.registry.all(Reporter))


def anchor(place: str, kind: str = "outcome") -> str:
    """Give the identifier of an outcome's section, or of a part elsewhere that is about it."""
    return f"{kind}-{place.replace('.', '-')}"


def outcome_section(one: OutcomeAnalysis, asked: Asked) -> Section:
    """Write all that there is to say of an outcome."""
    title = f"{one.place} {printed.one_line(one.outcome.name)}"
    return Section(anchor(one.place), title, tuple(_blocks(one, title, asked)), place=one.place)


def table_of(analysis: MetaAnalysis) -> ForestTable:
    """Build the table that text, figure and appendix show."""
    return build_table(analysis, printed.arm_names(analysis, None, None))


def _blocks(one: OutcomeAnalysis, title: str, asked: Asked) -> Iterator[Block]:
    words, analysis = asked.words, one.analysis
    if one.note:
        yield Paragraph(_sentence(words(one.note)), "note")
    if analysis is None:
        return
    table = table_of(analysis)
    yield Paragraph(result_in_words(analysis, words))
    if asked.figure("forest"):
        yield _forest(one, analysis, title, asked)
    yield Listing(footers_of(table), "statistic")
    yield from _subgroups(one, analysis, words)
    yield from heterogeneity_in_words(analysis, words)
    yield from _small_studies(one, analysis, title, asked)
    if table.excluded:
        yield Paragraph(words("Not pooled:"))
        yield Listing(table.excluded)
    if table.warnings:
        yield Paragraph(words("Warnings:"), "note")
        yield Listing(table.warnings, "note")
    yield Paragraph(tuple(_links(one, words)))


def _links(one: OutcomeAnalysis, words: Words) -> Iterator[Part]:
    yield Link(words("Data"), anchor(one.place, "data"))
    yield " · "
    yield Link(words("R script"), anchor(one.place, "script"))
    yield " · "
    yield Link(words("Summary of results"), "summary")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def _forest(one: OutcomeAnalysis, analysis: MetaAnalysis, title: str, asked: Asked) -> Picture:
    described = asked.words(
        "Forest plot of {outcome}. {result}", outcome=title, result=result_in_words(analysis, asked.words)
    )
    return Picture(
        "forest",
        analysis,
        anchor(one.place, "forest"),
        asked.words("Forest plot of {outcome}", outcome=title),
        described,
        asked.registry,
        leave_out=analysis.k <= asked.leave_one_out,
    )


def result_in_words(analysis: MetaAnalysis, words: Words) -> str:
    """Say the pooled result with its method, and how many studies and participants it is of."""
    total, shown = analysis.participants["total"], analysis.display
    counted = words("1 study") if analysis.k == 1 else words("{k} studies", k=analysis.k)
    people = "" if total is None else words(", {n} participants", n=printed.entered(float(total)))
    if analysis.settings.totals != "overall" or analysis.pooled is None or shown is None:
        return f"{counted}{people}."
    effect = printed.effect(shown.value, shown.ci_low, shown.ci_high, printed.style_of(analysis))
    level = words("{level} CI", level=printed.level(analysis.settings.level))
    said = f"{counted}{people}: {printed.one_line(analysis.label)} {effect} ({analysis.model.label}, {level})"
    limits = analysis.model.prediction_display
    if limits is not None:
        interval = printed.interval(limits.low, limits.high, printed.style_of(analysis))
        said += words("; prediction interval {interval}", interval=interval)
    return f"{said}."


def footers_of(table: ForestTable) -> list[str]:
    """Take the lines beneath the whole table, as they are printed: those after its last gap."""
    notes: list[str] = []
    for row in table.rows:
        if row.kind == "blank":
            notes = []
        elif row.kind == "note":
            notes.append(row.cells[0])
    return notes


def _subgroups(one: OutcomeAnalysis, analysis: MetaAnalysis, words: Words) -> Iterator[Block]:
    if not one.subgroups:
        return
    rows: list[Cells] = []
    style = printed.style_of(analysis)
    for subgroup, group in one.subgroups:
        name = printed.one_line(subgroup.name)
        if group is None:
            rows.append(Cells((name, "0", "", words("No studies"))))
            continue
        part = group.analysis
        shown = part.display if part.settings.totals != "none" and part.pooled is not None else None
        effect = "" if shown is None else printed.effect(shown.value, shown.ci_low, shown.ci_high, style)
        spread = printed.heterogeneity_line(part).partition(": ")[2] if part.settings.totals != "none" else ""
        rows.append(Cells((name, str(part.k), effect or printed.one_line(part.reason or ""), spread)))
    label = printed.one_line(analysis.label)
    headings = (
        Heading(words("Subgroup")),
        Heading(words("Studies"), number=True),
        Heading(f"{label} [{words('{level} CI', level=printed.level(analysis.settings.level))}]", whole=True),
        Heading(words("Heterogeneity")),
    )
    yield Grid(words("Subgroups of outcome {place}", place=one.place), headings, tuple(rows))
    test = analysis.subgroup_test
    if test is None or not analysis.settings.subgroup_test:
        return
    if test.p_value is None:
        yield Paragraph(words("Subgroups are not compared: {reason}.", reason=words(test.reason or "not applicable")))
    elif test.p_value < 1.0 - analysis.settings.level:
        yield Paragraph(
            words(
                "The effects of the subgroups differ by more than chance explains ({p}).",
                p=printed.p_value(test.p_value),
            )
        )
    else:
        yield Paragraph(
            words(
                "The test does not show that the effects of the subgroups differ ({p}).",
                p=printed.p_value(test.p_value),
            )
        )


def heterogeneity_in_words(analysis: MetaAnalysis, words: Words) -> Iterator[Block]:
    """Say what I² may mean by the Handbook's bands, and how sure it is."""
    found = analysis.heterogeneity
    if analysis.settings.totals != "overall" or found.i2 is None or not found.df:
        return
    bands = [words(VERBS.get(band, band)) for band in i2_bands(found.i2)]
    said = words(
        "Heterogeneity (I² = {i2}%) {bands}, by the overlapping bands of the Cochrane Handbook.",
        i2=printed.number(found.i2, 0),
        bands=words(" or ").join(bands),
    )
    if found.p_value is not None:
        said += " " + words("The test of homogeneity has {p}.", p=printed.p_value(found.p_value))
    if found.i2_ci_low is not None and found.i2_ci_high is not None:
        said += " " + words(
            "The {level} confidence interval of I² runs from {low} to {high}.",
            level=printed.level(analysis.settings.level),
            low=printed.percent(found.i2_ci_low, 0),
            high=printed.percent(found.i2_ci_high, 0),
        )
    yield Paragraph(said)


def _small_studies(one: OutcomeAnalysis, analysis: MetaAnalysis, title: str, asked: Asked) -> Iterator[Block]:
    words = asked.words
    if analysis.k < FEWEST or analysis.settings.totals != "overall":
        return
    if asked.figure("funnel"):
        described = words("Funnel plot of {outcome}", outcome=title)
        yield Picture("funnel", analysis, anchor(one.place, "funnel"), described, described, asked.registry)
    try:
        survey = bias_survey(analysis, SMALL_STUDY_METHODS)
    except EvisynthError as error:
        yield Paragraph(words("Small-study effects were not tested: {reason}", reason=str(error)), "note")
        return
    yield from _survey(survey, one, words)


def _survey(survey: BiasSurvey, one: OutcomeAnalysis, words: Words) -> Iterator[Block]:
    made = [result for result in survey if result.reason is None]
    tests = [test_cells(result, survey) for result in made if result.after is None]
    adjusted = [adjustment_cells(result, survey) for result in made if result.after is not None]
    if tests:
        scale = "" if survey.analysis.scale.as_shown else words(" (asymmetry and limits on the analysis scale)")
        caption = words("Test for small-study effects in outcome {place}{scale}", place=one.place, scale=scale)
        yield Grid(caption, _headings(TESTS, words), tuple(map(Cells, tests)))
    if adjusted:
        caption = words("Effect adjusted for small-study effects in outcome {place}", place=one.place)
        yield Grid(caption, _headings(ADJUSTMENTS, words), tuple(map(Cells, adjusted)))
    said = [f"{result.name}: {result.reason}" for result in survey if result.reason] + bias_warnings(made)
    if said:
        yield Listing(said, "note")


def _headings(texts: tuple[str, ...], words: Words) -> tuple[Heading, ...]:
    return tuple(Heading(words(text), number=text == "k", whole="[CI]" in text) for text in texts)
