"""Read and write a package's table of the risk of bias.

A column is a domain's judgement (for a group of outcomes, named after a colon) or the support for it.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from evisynth import BiasDomain, Judgement, OutcomeGroup, RiskOfBias
from evisynth_converters.review_cells import text_cell
from evisynth_converters.review_sheets import fold_heading, sheet_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evisynth import ReviewStudy
    from evisynth_converters.package_studies import Studies
    from evisynth_converters.review_sheets import Sheet

KNOWN_RISK = frozenset({"study"})

_JUDGEMENT, _SUPPORT = "Domain (judgement):", "Domain (support):"
_RISK = re.compile(r"\s+risk(\s+of\s+bias)?$")
_GENERAL = ("All outcomes", "All tests")
_TOOLS = {
    "RoB 2": (
        "randomization process",
        "randomisation process",
        "deviations from intended interventions",
        "overall bias",
    ),
    "ROBINS-I": ("due to confounding", "classification of interventions"),
    "QUADAS-2": ("selection of patients", "index test", "reference standard"),
}
_OVERALL = frozenset({"overall", "overall bias", "overall risk of bias", "overall risk of bias judgement"})


def read_risk_of_bias(sheet: Sheet, studies: Studies) -> RiskOfBias | None:
    """Read the judgements: a column for each domain (and group of outcomes, after a colon), and one for its support.

    Several lines of a study are for several results: what the other columns say of them is their group. The tool is
    told by its domains' names.
    """
    columns = [heading for heading in sheet.headings if heading.startswith(_JUDGEMENT)]
    others = [heading for heading in sheet.headings if not heading.startswith((_JUDGEMENT, _SUPPORT))]
    extra = [heading for heading in others if fold_heading(heading) != "study"]
    judged: dict[str, list[Judgement]] = {}
    grouped: dict[str, dict[str, None]] = {}
    names = _split([heading[len(_JUDGEMENT) :].strip() for heading in columns])
    for record in sheet.records:
        record.study = record.text("Study")
        study = studies.study_of(record)
        result = "; ".join(f"{heading}: {text}" for heading in extra if (text := record.text(heading)) is not None)
        for heading, (domain, group) in zip(columns, names, strict=True):
            word, support = record.text(heading), record.text(heading.replace(_JUDGEMENT, _SUPPORT, 1))
            of = "; ".join(part for part in (group, result) if part) or None
            if of is not None:
                grouped.setdefault(domain, {})[of] = None
            if word is not None or support is not None:
                judgement = _RISK.sub("", (word or "").casefold())
                judged.setdefault(domain, []).append(
                    Judgement(study=study, judgement=judgement, support=support, group=of)
                )
    if not columns:
        return None
    domains = list(dict.fromkeys(domain for domain, _ in names))
    ids = iter(range(1, len(domains) + 1))
    return RiskOfBias(
        tool=_tool(domains),
        domains=tuple(
            BiasDomain(
                id="Overall" if _is_overall(domain) else f"D{next(ids)}",
                name="Overall" if _is_overall(domain) else domain,
                judgements=tuple(judged.get(domain, ())),
                groups=tuple(OutcomeGroup(id=group, name=group) for group in grouped.get(domain, ())),
            )
            for domain in domains
        ),
    )


def _split(names: Sequence[str]) -> list[tuple[str, str | None]]:
    """Split names into domain and group, where several groups (or the general one) show that there are groups."""
    starts = Counter(name.rpartition(": ")[0] for name in names)
    split: list[tuple[str, str | None]] = []
    for name in names:
        domain, colon, group = name.rpartition(": ")
        several = colon and (starts[domain] > 1 or group in _GENERAL)
        split.append((domain, group) if several else (name, None))
    return split


def _tool(domains: Sequence[str]) -> str:
    words = " | ".join(domains).casefold()
    return next((tool for tool, names in _TOOLS.items() if any(name in words for name in names)), "RoB 1")


def _is_overall(domain: str) -> bool:
    return domain.casefold() in _OVERALL


def write_risk_of_bias(risk_of_bias: Sequence[RiskOfBias], studies: Mapping[str, ReviewStudy]) -> bytes | None:
    """Write the first tool's judgements for other programs; what it cannot hold is in evisynth's own tables."""
    if not risk_of_bias:
        return None
    rows: dict[str, dict[str, str]] = {
        identity: {"Study": text_cell(study.name or None)} for identity, study in studies.items()
    }
    headings: dict[str, None] = {"Study": None}
    for domain in risk_of_bias[0].domains:
        groups = {group.id: group.name for group in domain.groups}
        for judgement in domain.judgements:
            name = (
                domain.name
                if judgement.group is None
                else f"{domain.name}: {groups.get(judgement.group, judgement.group)}"
            )
            word, support = f"{_JUDGEMENT} {name}", f"{_SUPPORT} {name}"
            headings |= {word: None, support: None}
            row = rows.get(judgement.study)
            if row is not None:
                row[word] = text_cell(_shown(judgement.judgement))
                row[support] = text_cell(judgement.support)
    return sheet_bytes(tuple(headings), rows.values())


def _shown(judgement: str) -> str | None:
    words = judgement.capitalize()
    return f"{words} risk" if judgement in {"low", "high", "unclear"} else words or None
