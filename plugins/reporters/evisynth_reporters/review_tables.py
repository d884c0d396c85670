"""Put what a review says of its studies into tables and lists: characteristics, exclusions, references, judgements."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from evisynth_reporters import printed
from evisynth_reporters.article import Cells, Grid, Heading, Link, Listing, Paragraph, Section
from evisynth_reporters.long_text import words_of_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evisynth import BiasDomain, Review, ReviewReference, ReviewStudy, RiskOfBias
    from evisynth_reporters.article import Block, Part
    from evisynth_reporters.words import Words

REASON = "reason_for_exclusion"
CHARACTERISTICS: Mapping[str, str] = {
    "methods": "Methods",
    "participants": "Participants",
    "interventions": "Interventions",
    "outcomes": "Outcomes",
    "notes": "Notes",
}


def study_anchor(review: Review, study: str) -> str:
    """Give the identifier of a study's own section."""
    place = next((i for i, one in enumerate(review.studies, 1) if one.id == study), 0)
    return f"study-{place}"


def names_of(review: Review) -> Mapping[str, str]:
    """Give the studies' names by their ids."""
    return {study.id: printed.one_line(study.name) for study in review.studies}


def _named(study: ReviewStudy) -> str:
    """Give the name of a study with its year, which the names of RevMan's studies end in already."""
    name = printed.one_line(study.name)
    said = not study.year or name.rstrip("abcdefgh").endswith(study.year)
    return name if said else f"{name} ({printed.one_line(study.year or '')})"


def included_section(review: Review, words: Words) -> Section:
    """Describe the included studies, each under a heading of its own where there is something to say."""
    held = [study for study in review.studies if study.status == "included"]
    with_words = {study.id: rows for study in held if (rows := tuple(_characteristics(study, words)))}
    listed = [
        Link(_named(study), study_anchor(review, study.id)) if study.id in with_words else _named(study)
        for study in held
    ]
    blocks: list[Block] = [Paragraph(words("{k} studies were included.", k=len(held)))]
    if listed:
        blocks.append(Listing(listed))
    if held and not with_words:
        blocks.append(Paragraph(words("The file does not describe them."), "note"))
    described = tuple(
        Section(
            study_anchor(review, study.id),
            _named(study),
            (
                Grid(
                    words("Characteristics of {study}", study=_named(study)),
                    (Heading(words("Characteristic")), Heading(words("Description"), wide=True)),
                    with_words[study.id],
                    quiet=True,
                ),
            ),
        )
        for study in held
        if study.id in with_words
    )
    return Section("included", words("Included studies"), tuple(blocks), described)


def _characteristics(study: ReviewStudy, words: Words) -> Iterator[Cells]:
    named = [*CHARACTERISTICS, *(name for name in study.characteristics if name not in CHARACTERISTICS)]
    for name in named:
        said = words_of_text(study.characteristics.get(name))
        if said and name != REASON:
            title = words(CHARACTERISTICS[name]) if name in CHARACTERISTICS else name.replace("_", " ")
            yield Cells((title, said))


def excluded_section(review: Review, words: Words) -> Section:
    """List the studies that were excluded with the reasons, and those that are awaited or under way."""
    blocks: list[Block] = []
    excluded = [study for study in review.studies if study.status == "excluded"]
    if excluded:
        rows = tuple(
            Cells((_named(study), words_of_text(study.characteristics.get(REASON)) or words("not given")))
            for study in excluded
        )
        headings = (Heading(words("Study")), Heading(words("Reason for exclusion"), wide=True))
        blocks.append(Grid(words("Excluded studies with reasons"), headings, rows))
    for status, title in (("awaiting", "Studies awaiting classification"), ("ongoing", "Ongoing studies")):
        others = [study for study in review.studies if study.status == status]
        if others:
            blocks += [
                Paragraph(f"{words(title)}:"),
                Listing([_named(study) for study in others]),
            ]
    if not blocks:
        blocks.append(Paragraph(words("The file lists no excluded studies.")))
    return Section("excluded", words("Excluded studies"), tuple(blocks))


# -- risk of bias -----------------------------------------------------------------------------------------------------


def judgements_grid(review: Review, tool: RiskOfBias, words: Words) -> Grid:
    """Set the judgements in words: a row per study, a column per domain."""
    names = names_of(review)
    # A template's domains that nobody judged are not part of the assessment.
    domains = [domain for domain in tool.domains if any(one.judgement for one in domain.judgements)]
    judged = dict.fromkeys(one.study for domain in domains for one in domain.judgements)
    return Grid(
        words("Judgements by {tool}", tool=tool.tool),
        (Heading(words("Study")), *(Heading(domain.name) for domain in domains)),
        tuple(
            Cells((names.get(study, study), *(_judgement(domain, study, words) for domain in domains)))
            for study in sorted(judged, key=lambda one: names.get(one, one).casefold())
        ),
    )


def _judgement(domain: BiasDomain, study: str, words: Words) -> str:
    groups = {group.id: printed.one_line(group.name) for group in domain.groups} if len(domain.groups) > 1 else {}
    made = [one for one in domain.judgements if one.study == study]
    said = [
        f"{groups[one.group]}: {words(one.judgement or '–')}" if one.group in groups else words(one.judgement or "–")
        for one in made
    ]
    return "\n".join(said)


def support_grid(review: Review, tool: RiskOfBias, words: Words) -> Grid | None:
    """Give the support for the judgements, study by study; None where none is given."""
    names = names_of(review)
    found: dict[str, list[Cells]] = {}
    for domain in tool.domains:
        for one in domain.judgements:
            support = words_of_text(one.support)
            if support:
                found.setdefault(one.study, []).append(
                    Cells((domain.name, words(one.judgement or "–"), support), depth=1)
                )
    if not found:
        return None
    rows: list[Cells] = []
    for study in sorted(found, key=lambda one: names.get(one, one).casefold()):
        rows += [Cells((names.get(study, study),), band=True), *found[study]]
    headings = (Heading(words("Domain")), Heading(words("Judgement")), Heading(words("Support"), wide=True))
    return Grid(words("Support for the judgements by {tool}", tool=tool.tool), headings, tuple(rows))


# -- references -------------------------------------------------------------------------------------------------------


def references_of(study: ReviewStudy) -> list[tuple[Part, ...]]:
    """Print a study's references as they are usually cited."""
    return [(f"{printed.one_line(study.name)}: ", *_cited(one)) for one in study.references if _cited(one)]


def _cited(reference: ReviewReference) -> tuple[Part, ...]:
    held = reference.fields
    volume = held.get("volume", "") + (f"({held['issue']})" if held.get("issue") else "")
    pages = f":{held['pages']}" if held.get("pages") else ""
    when = f"{held.get('year', '')}{';' if volume else ''}{volume}{pages}"
    pieces = (held.get("authors"), held.get("title"), held.get("source"), when, held.get("publisher"))
    said = ". ".join(piece.strip().rstrip(".") for piece in pieces if piece and piece.strip())
    links = [_identified(kind, value) for kind, value in reference.identifiers]
    return (*((f"{said}.",) if said else ()), *(part for link in links for part in (" ", link)))


def _identified(kind: str, value: str) -> Part:
    if kind.upper() == "DOI":
        bare = value.strip().removeprefix("https://doi.org/").removeprefix("http://dx.doi.org/").removeprefix("doi:")
        return Link(f"doi:{bare.strip()}", f"https://doi.org/{quote(bare.strip(), safe='/')}")
    if kind.upper() in {"PUBMED", "PMID"} and value.strip().isdigit() and value.isascii():
        return Link(f"PubMed {value.strip()}", f"https://pubmed.ncbi.nlm.nih.gov/{value.strip()}/")
    return f"{kind} {value}"


def doi_link(doi: str) -> Link:
    """Lead to a publication by its DOI."""
    made = _identified("DOI", doi)
    assert isinstance(made, Link)  # noqa: S101 - a DOI is one
    return made
