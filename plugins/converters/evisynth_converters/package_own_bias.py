"""Read and write evisynth's own tables of a package for the risk of bias: tools, domains, judgements, weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from evisynth import BiasDomain, FormatError, Judgement, OutcomeGroup, RiskOfBias
from evisynth_converters import package_files as files
from evisynth_converters.package_own import DOMAINS, JUDGEMENTS, WEIGHTS, position_in, records_of, text_in
from evisynth_converters.review_cells import flag_cell, number_cell, text_cell
from evisynth_converters.review_sheets import sheet_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from evisynth_converters.package_files import PackageFiles


def write_risk_of_bias(risk_of_bias: Sequence[RiskOfBias]) -> dict[str, bytes]:
    """Write tools, domains, groups, judgements and weights; Tool and Domain count from 1."""
    domains: list[dict[str, str]] = []
    judgements: list[dict[str, str]] = []
    weights: list[dict[str, str]] = []
    for i, one in enumerate(risk_of_bias, 1):
        domains.append({"Tool": str(i), "Part": "tool", "Value": text_cell(one.tool or None)})
        for j, domain in enumerate(one.domains, 1):
            here = {"Tool": str(i), "Domain": str(j)}
            domains += [{**here, **cells} for cells in _of_domain(domain)]
            judgements += [{**here, **_of_judgement(judgement)} for judgement in domain.judgements]
        weights += [
            {"Tool": str(i), "Study": text_cell(study), "Weight": number_cell(weight)}
            for study, weight in one.weights.items()
        ]
    return {
        files.OWN_DOMAINS: sheet_bytes(DOMAINS, domains),
        files.OWN_JUDGEMENTS: sheet_bytes(JUDGEMENTS, judgements),
        files.OWN_WEIGHTS: sheet_bytes(WEIGHTS, weights),
    }


def _of_domain(domain: BiasDomain) -> Iterator[dict[str, str]]:
    yield {"Part": "id", "Value": text_cell(domain.id or None)}
    yield {"Part": "name", "Value": text_cell(domain.name or None)}
    yield {"Part": "core", "Value": flag_cell(domain.core)}
    if domain.description is not None:
        yield {"Part": "description", "Value": text_cell(domain.description or None)}
    for group in domain.groups:
        yield {"Part": "group", "Name": text_cell(group.id or None), "Value": text_cell(group.name or None)}
        yield from ({"Part": "outcome", "Value": text_cell(outcome or None)} for outcome in group.outcomes)


def _of_judgement(judgement: Judgement) -> dict[str, str]:
    return {
        "Study": text_cell(judgement.study),
        "Judgement": text_cell(judgement.judgement or None),
        "Support": text_cell(judgement.support),
        "Group": text_cell(judgement.group),
    }


def read_risk_of_bias(package: PackageFiles) -> tuple[RiskOfBias, ...]:
    """Read tools with their domains and judgements."""
    tools, domains = _tools(package)
    for record in records_of(package, files.OWN_JUDGEMENTS):
        of_tool = domains[position_in(record, "Tool", len(tools))]
        of_tool[position_in(record, "Domain", len(of_tool))]["judgements"].append(
            Judgement(
                study=text_in(record, "Study"),
                judgement=text_in(record, "Judgement"),
                support=record.text("Support"),
                group=record.text("Group"),
            )
        )
    weights: list[dict[str, float]] = [{} for _ in tools]
    for record in records_of(package, files.OWN_WEIGHTS):
        weight = record.number("Weight")
        record.sheet.refuse()
        if weight is not None:
            weights[position_in(record, "Tool", len(tools))][text_in(record, "Study")] = weight
    return tuple(
        attrs.evolve(tool, domains=tuple(map(_domain, of_tool)), weights=of_weights)
        for tool, of_tool, of_weights in zip(tools, domains, weights, strict=True)
    )


def _tools(package: PackageFiles) -> tuple[list[RiskOfBias], list[list[dict[str, Any]]]]:
    """Read the tools, and the fields of each one's domains."""
    tools: list[RiskOfBias] = []
    domains: list[list[dict[str, Any]]] = []
    for record in records_of(package, files.OWN_DOMAINS):
        part, name, value = text_in(record, "Part"), text_in(record, "Name"), text_in(record, "Value")
        if part == "tool":
            tools.append(RiskOfBias(tool=value))
            domains.append([])
            continue
        of_tool = domains[position_in(record, "Tool", len(tools))]
        if part == "id":
            of_tool.append({"id": value, "name": "", "groups": [], "judgements": []})
            continue
        domain = of_tool[position_in(record, "Domain", len(of_tool))]
        if part in {"name", "description"}:
            domain[part] = value
        elif part == "core":
            domain["core"] = value == "true"
        elif part == "group":
            domain["groups"].append(OutcomeGroup(id=name, name=value))
        elif part == "outcome" and domain["groups"]:
            group = domain["groups"][-1]
            domain["groups"][-1] = attrs.evolve(group, outcomes=(*group.outcomes, value))
        else:
            msg = f"{record.place}: {part!r} is no part of a domain"
            raise FormatError(msg)
    return tools, domains


def _domain(held: Mapping[str, Any]) -> BiasDomain:
    fields: dict[str, Any] = {**held, "groups": tuple(held["groups"]), "judgements": tuple(held["judgements"])}
    return BiasDomain(**fields)
