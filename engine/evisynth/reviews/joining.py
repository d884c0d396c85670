"""Join a review with the parts of it that other files hold: judgements, references, the flow of studies."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, cast

import attrs

from evisynth.errors import DataError, InputError, Problem, SettingsError
from evisynth.reviews.matching import By, match_studies, near_name
from evisynth.reviews.model import Review, ReviewStudy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from evisynth.reviews.model import ReviewComparison, RiskOfBias

_SHOWN = 10


def join_reviews(review: Review, *parts: Review, by: str = "name") -> Review:
    """Add to a review the studies, references, risk of bias, flow and (where it has none) comparisons of other parts.

    Studies are matched by ``"name"`` (case, spaces and punctuation aside) or by ``"id"``; one that matches none is
    added, and noted. What the review says stays; what a part says otherwise is kept beside it or noted. Raises
    `DataError` for conflicts: a tool, a flow or comparisons that two parts have differently, names that fit several
    studies, years that differ.
    """
    if by not in {"name", "id"}:
        msg = f"studies are matched by 'name' or by 'id', not by {by!r}"
        raise SettingsError(msg)
    for part in parts:
        if not isinstance(cast("Any", part), Review):
            msg = f"a {type(part).__name__} is no part of a review: load it as a Review first"
            raise InputError(msg)
        review = _joined(review, part, cast("By", by))
    return review


def _joined(review: Review, part: Review, by: By) -> Review:
    source = part.source or part.title or "a part"
    declared = _with_implied(part)
    matches = match_studies(review.studies, declared, by)
    problems = [*matches.problems, *_conflicts(review, part)]
    notes: list[str] = []
    added = _with_own_ids(matches.missing, review.studies)
    ids = {one.id: match.id for one, match in ((one, matches.found.get(one.id)) for one in declared) if match}
    ids |= {given.id: own.id for given, own in zip(matches.missing, added, strict=True)}
    risks = tuple(_renamed_risk(risk, ids) for risk in part.risk_of_bias)
    comparisons = tuple(_renamed_comparison(comparison, ids) for comparison in part.comparisons)
    tools = {risk.tool: risk for risk in review.risk_of_bias}
    problems += [
        Problem(None, None, risk.tool, None, "the review has other judgements by this tool")
        for risk in risks
        if tools.get(risk.tool, risk) != risk
    ]
    if review.comparisons and comparisons and comparisons != review.comparisons:
        problems.append(Problem(None, None, "comparisons", None, "the review has comparisons of its own"))
    if problems:
        msg = f"{source} cannot be joined with {review.source or review.title or 'the review'}"
        raise DataError(msg, problems)
    if added and review.studies:
        notes.append(_added(added, review.studies, source))
    of_match = {match.id: one for one in declared if (match := matches.found.get(one.id))}
    studies = tuple(
        _merged(study, of_match[study.id], source, notes) if study.id in of_match else study for study in review.studies
    )
    takes_results = bool(comparisons) and not review.comparisons
    texts = {name: _text(review, part, name, source, notes) for name in ("title", "id", "doi")}
    return attrs.evolve(
        review,
        **texts,
        studies=(*studies, *added),
        risk_of_bias=(*review.risk_of_bias, *(risk for risk in risks if risk.tool not in tools)),
        comparisons=comparisons if takes_results else review.comparisons,
        preset=part.preset if takes_results else review.preset,
        decimals=part.decimals if takes_results else review.decimals,
        flow=review.flow or part.flow,
        parts=_beside(review.parts, part.parts, source),
        source=review.source or part.source,
        notes=tuple(dict.fromkeys((*review.notes, *part.notes, *notes))),
    )


def _conflicts(review: Review, part: Review) -> Iterator[Problem]:
    if review.flow is not None and part.flow is not None and review.flow != part.flow:
        yield Problem(None, None, "flow", None, "the review has another flow diagram")
    for given, of in ((review, "review"), (part, "part")):
        ids = Counter(study.id for study in given.studies)
        for twice in sorted(id_ for id_, times in ids.items() if times > 1):
            yield Problem(None, twice, "id", None, f"several studies of the {of} have this id")
    tools = [risk.tool for risk in part.risk_of_bias]
    for tool in sorted({tool for tool in tools if tools.count(tool) > 1}):
        yield Problem(None, None, tool, None, "the part has two sets of judgements by this tool")


def _with_implied(part: Review) -> tuple[ReviewStudy, ...]:
    """Give a part's studies, and those that only its judgements and rows name."""
    named = dict.fromkeys(
        (
            *(
                judgement.study
                for risk in part.risk_of_bias
                for domain in risk.domains
                for judgement in domain.judgements
            ),
            *(study for risk in part.risk_of_bias for study in risk.weights),
            *(row.study for _, _, outcome in part.outcomes for _, row in outcome.all_rows),
        )
    )
    known = {study.id for study in part.studies}
    return (*part.studies, *(ReviewStudy(id=name, name=name) for name in named if name not in known))


def _with_own_ids(missing: Iterable[ReviewStudy], known: Iterable[ReviewStudy]) -> tuple[ReviewStudy, ...]:
    """Give studies that are added ids that no other has."""
    taken = {study.id for study in known}
    added: list[ReviewStudy] = []
    for study in missing:
        own, number = study.id, 1
        while own in taken:
            number += 1
            own = f"{study.id} ({number})"
        taken.add(own)
        added.append(study if own == study.id else attrs.evolve(study, id=own))
    return tuple(added)


def _added(added: tuple[ReviewStudy, ...], known: tuple[ReviewStudy, ...], source: str) -> str:
    near = {study.name: near_name(study.name, known) for study in added[:_SHOWN]}
    names = ", ".join(f"{name!r} (near {other!r})" if other else repr(name) for name, other in near.items())
    more = f" and {len(added) - _SHOWN} more" if len(added) > _SHOWN else ""
    return f"{source}: studies that match none of the review are added: {names}{more}"


def _merged(study: ReviewStudy, other: ReviewStudy, source: str, notes: list[str]) -> ReviewStudy:
    if other.status not in {study.status, "included"}:
        notes.append(f"{source}: {study.name!r} is {other.status} there and {study.status} in the review")
    if study.data_source and other.data_source and study.data_source != other.data_source:
        notes.append(f"{source}: {study.name!r} has data source {other.data_source!r}, not {study.data_source!r}")
    return attrs.evolve(
        study,
        year=study.year or other.year,
        data_source=study.data_source or other.data_source,
        references=_union(study.references, other.references),
        characteristics=_beside(study.characteristics, other.characteristics, source),
        identifiers=_union(study.identifiers, other.identifiers),
    )


def _union(own: tuple[Any, ...], others: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*own, *(one for one in others if one not in own))


def _beside(own: Mapping[str, str], others: Mapping[str, str], source: str) -> Mapping[str, str]:
    """Add texts; one that is there with other words stands beside it under the name of its source."""
    held = dict(own)
    for name, text in others.items():
        if held.setdefault(name, text) != text:
            held[_free(f"{name} ({source})", held)] = text
    return held


def _free(name: str, held: Mapping[str, str]) -> str:
    number, free = 1, name
    while free in held:
        number += 1
        free = f"{name} ({number})"
    return free


def _text(review: Review, part: Review, name: str, source: str, notes: list[str]) -> Any:  # noqa: ANN401 - of that field
    own, other = getattr(review, name), getattr(part, name)
    if own and other and own != other:
        notes.append(f"{source}: its {name} {other!r} is not that of the review, {own!r}, which stays")
    return own or other


def _renamed_risk(risk: RiskOfBias, ids: Mapping[str, str]) -> RiskOfBias:
    domains = tuple(
        attrs.evolve(
            domain,
            judgements=tuple(attrs.evolve(one, study=ids.get(one.study, one.study)) for one in domain.judgements),
        )
        for domain in risk.domains
    )
    weights = {ids.get(study, study): weight for study, weight in risk.weights.items()}
    return attrs.evolve(risk, domains=domains, weights=weights)


def _renamed_comparison(comparison: ReviewComparison, ids: Mapping[str, str]) -> ReviewComparison:
    def rows(of: Any) -> Any:  # noqa: ANN401 - an outcome or a subgroup
        return attrs.evolve(of, rows=tuple(attrs.evolve(row, study=ids.get(row.study, row.study)) for row in of.rows))

    outcomes = (
        attrs.evolve(rows(outcome), subgroups=tuple(rows(subgroup) for subgroup in outcome.subgroups))
        for outcome in comparison.outcomes
    )
    return attrs.evolve(comparison, outcomes=tuple(outcomes))
