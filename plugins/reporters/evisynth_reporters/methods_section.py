"""Say how the results were come by: methods paragraph, settings in words, sources, versions."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from evisynth_reporters import printed
from evisynth_reporters.article import Link, Listing, Paragraph, Section
from evisynth_reporters.outcome_section import FEWEST, anchor
from evisynth_reporters.review_tables import references_of
from evisynth_reporters.text import settings_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from evisynth import MetaAnalysis, OutcomeAnalysis, ReviewAnalysis
    from evisynth_reporters.article import Block, Part
    from evisynth_reporters.words import Words

ESTIMATORS: Mapping[str, str] = {
    "DL": "DerSimonian and Laird's method of moments",
    "REML": "restricted maximum likelihood",
    "ML": "maximum likelihood",
    "PM": "Paule and Mandel's method",
    "HE": "Hedges and Olkin's method",
    "SJ": "Sidik and Jonkman's method",
    "EB": "empirical Bayes",
    "HS": "Hunter and Schmidt's method",
}
POOLING: Mapping[str, str] = {
    "IV": "inverse variances",
    "MH": "Mantel and Haenszel's method",
    "Peto": "Peto's method",
}
INTERVALS: Mapping[str, str] = {
    "Wald": "the normal distribution (Wald)",
    "HK": "Hartung and Knapp's method",
    "KR": "Kenward and Roger's method",
    "t": "Student's t distribution",
    "HC": "Henmi and Copas's method",
}
HANDBOOK = (
    "Deeks, Higgins, Altman (2023), in: Cochrane Handbook for Systematic Reviews of Interventions 6.4, section 10.10.2"
)
FUNNEL_RULE = "Sterne et al. (2011), BMJ 343:d4002"


def methods_section(made: ReviewAnalysis, words: Words) -> Section:
    """Write the methods paragraph, one for every set of choices that outcomes share."""
    blocks: list[Block] = [Paragraph(_settings(made, words))]
    for outcomes in _alike(made):
        blocks.append(Paragraph(tuple(_methods(outcomes, words))))
        analysis = outcomes[0].analysis
        if analysis is not None:
            blocks.append(Paragraph(words("Settings: {settings}.", settings=settings_line(analysis)), "statistic"))
    bands = words(
        "Heterogeneity is described by the overlapping bands of the Cochrane Handbook: 0% to 40% might not be "
        "important, 30% to 60% may be moderate, 50% to 90% may be substantial, 75% to 100% considerable; what they "
        "mean depends on size and direction of the effects and on the strength of the evidence for heterogeneity."
    )
    small = words("Small-study effects were tested where {k} studies or more were pooled.", k=FEWEST)
    blocks += [Paragraph(bands), Paragraph(small), Paragraph(versions(made, words))]
    return Section("methods", words("Methods"), tuple(blocks))


def _settings(made: ReviewAnalysis, words: Words) -> str:
    if made.settings is None:
        return words("Every outcome was analysed by the settings that the file states for it.")
    name = made.settings if isinstance(made.settings, str) else made.settings.preset
    return words("Every outcome was analysed by the settings {name}.", name=name)


def _alike(made: ReviewAnalysis) -> list[list[OutcomeAnalysis]]:
    """Gather the outcomes whose choices are the same."""
    found: dict[str, list[OutcomeAnalysis]] = {}
    for one in made:
        if one.analysis is not None:
            found.setdefault(settings_line(one.analysis), []).append(one)
    return list(found.values())


def _methods(outcomes: Sequence[OutcomeAnalysis], words: Words) -> Iterator[Part]:
    analysis = outcomes[0].analysis
    if analysis is None:
        return
    yield words("Outcome ") if len(outcomes) == 1 else words("Outcomes ")
    for i, one in enumerate(outcomes):
        if i:
            yield ", "
        yield Link(one.place, anchor(one.place))
    yield ": " + " ".join(sentences(analysis, words))


def sentences(analysis: MetaAnalysis, words: Words) -> Iterator[str]:
    """Say how an analysis pools, in sentences."""
    settings = analysis.settings
    label = printed.one_line(analysis.label)
    pooling = words(POOLING.get(settings.method, settings.method))
    level = printed.level(settings.level)
    if settings.model == "common":
        yield words("{effect}, pooled by {pooling} under a common-effect model.", effect=label, pooling=pooling)
    else:
        yield words("{effect}, pooled by {pooling} under a random-effects model.", effect=label, pooling=pooling)
        if isinstance(settings.tau2, str):
            estimator = words(ESTIMATORS.get(settings.tau2, settings.tau2))
            yield words("The variance between studies (τ²) was estimated by {estimator}.", estimator=estimator)
        else:
            yield words("The variance between studies (τ²) was set to {tau2}.", tau2=printed.entered(settings.tau2))
    interval = words(INTERVALS.get(settings.interval, settings.interval))
    yield words("The {level} confidence intervals of pooled effects are by {interval}.", level=level, interval=interval)
    if settings.model == "random" and settings.prediction:
        yield words("Prediction intervals are by method {name}.", name=settings.prediction)
    if analysis.methods.measure.counts:
        yield words(
            "Where cells are empty, correction {name} adds {increment}.",
            name=settings.correction,
            increment=printed.entered(settings.increment),
        )


def versions(made: ReviewAnalysis, words: Words) -> str:
    """Name the engine, its libraries and plugins from elsewhere with their versions."""
    held = {name: _version(name) for name in ("evisynth", "numpy", "scipy", "matplotlib")}
    for one in made:
        if one.analysis is None:
            continue
        registry = one.analysis.methods.registry
        for plugin in map(registry.provider, one.analysis.methods.used()):
            held.setdefault(plugin.distribution, plugin.version)
    named = ", ".join(f"{name} {number}" for name, number in held.items() if number)
    return words("Computed with {versions} and Python {python}.", versions=named, python=platform.python_version())


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def references_section(made: ReviewAnalysis, words: Words) -> Section:
    """List the sources of the methods, and what the studies were published in."""
    sources = dict.fromkeys(source for one in made if one.analysis is not None for source in one.analysis.references)
    sections = [Section("sources", words("Sources of the methods"), (Listing([*sources, HANDBOOK, FUNNEL_RULE]),))]
    for status, title in (
        ("included", "References to included studies"),
        ("excluded", "References to excluded studies"),
        ("awaiting", "References to studies awaiting classification"),
        ("ongoing", "References to ongoing studies"),
    ):
        cited = [parts for study in made.review.studies if study.status == status for parts in references_of(study)]
        if cited:
            sections.append(Section(f"references-{status}", words(title), (Listing(cited),)))
    return Section("references", words("References"), sections=tuple(sections))
