"""Read and write a package's studies, their references and the risk of bias.

The tables name studies; a study that only rows or references name is taken from there. Ids are names, as the files
have none; in evisynth's own packages they stand beside the names.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import attrs

from evisynth import BiasDomain, Judgement, OutcomeGroup, ReviewStudy, RiskOfBias
from evisynth_converters.package_files import STATUSES
from evisynth_converters.review_cells import fold_heading, sheet_bytes, text_cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evisynth import ReviewReference
    from evisynth_converters.review_cells import Record, Sheet

_CHARACTERISTICS = {
    f"Char: {name.capitalize()}": name for name in ("methods", "participants", "interventions", "outcomes", "notes")
} | {"Reason for exclusion": "reason_for_exclusion"}
STANDARD_STUDIES = ("Study", "Year", "Data source", *_CHARACTERISTICS)
KNOWN_STUDIES = frozenset(map(fold_heading, STANDARD_STUDIES))
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
_LINE_ENDS = re.compile(r"\s+")
_RIS_FIELDS = (("title", "TI"), ("source", "JO"), ("year", "PY"), ("volume", "VL"), ("issue", "IS"), ("pages", "SP"))
_RIS_KINDS = {
    **dict.fromkeys(("JOURNAL_ARTICLE", "JOUR", "JOURNAL ARTICLE"), "JOUR"),
    **dict.fromkeys(("BOOK", "BOOK_SECTION", "CHAP"), "BOOK"),
    **dict.fromkeys(("CONFERENCE_PROC", "CONF"), "CONF"),
}


@attrs.define
class Studies:
    """Gather the studies of a package by name."""

    by_id: dict[str, ReviewStudy] = attrs.field(factory=dict[str, ReviewStudy])
    exact: list[ReviewStudy] = attrs.field(factory=list[ReviewStudy])
    """Those of evisynth's own table, in its order."""

    def study_of(self, record: Record) -> str:
        """Give the id of a row's study; one that no table has is taken from the row."""
        own = record.own("id")
        if own is not None:
            return own
        name = record.text("Study")
        if name is None:
            record.problem("Study", None, "is missing")
            return ""
        return self.named(name, year=record.text("Study year"))

    def named(self, name: str, *, year: str | None = None, status: Any = "included") -> str:  # noqa: ANN401 - the model's word
        """Give the id of a study by its name, and make one where there is none."""
        for known in self.exact:
            if known.name == name:
                return known.id
        study = self.by_id.get(name)
        if study is None:
            self.by_id[name] = ReviewStudy(id=name, name=name, year=year, status=status)
        elif study.year is None and year is not None:
            self.by_id[name] = attrs.evolve(study, year=year)
        return name

    def finished(self) -> tuple[ReviewStudy, ...]:
        """Give all of them."""
        return (*self.exact, *self.by_id.values())


def read_study(record: Record, studies: Studies) -> None:
    """Read one line of the table of studies."""
    record.study = name = record.text("Study") or ""
    held = {key: record.text(heading) for heading, key in _CHARACTERISTICS.items()}
    characteristics = {key: text for key, text in held.items() if text is not None}
    for heading, text in record.unknown(KNOWN_STUDIES).items():
        named = heading.startswith("Char: ") and not record.sheet.exact
        key = heading[6:].strip().casefold().replace(" ", "_") if named else heading
        characteristics[key] = text
    identity = record.own("id")
    if identity is None and not name:
        record.problem("Study", None, "is missing")
        return
    if identity is None and name in studies.by_id:
        record.problem("Study", name, "stands twice")
        return
    status: Any = record.own("status") or "included"
    if status not in STATUSES.values():
        record.problem("status", status[:80], f"is none of {', '.join(STATUSES.values())}")
        return
    study = ReviewStudy(
        id=name if identity is None else identity,
        name=name,
        year=record.text("Year"),
        data_source=record.text("Data source"),
        status=status,
        characteristics=characteristics,
    )
    if identity is None:
        studies.by_id[study.id] = study
    else:
        studies.exact.append(study)


def write_studies(studies: Sequence[ReviewStudy]) -> bytes:
    """Write the table of studies, those that are not included with it."""
    headings = {key: heading for heading, key in _CHARACTERISTICS.items()}
    rows = [
        {
            "Study": text_cell(study.name or None),
            "Year": text_cell(study.year),
            "Data source": text_cell(study.data_source),
            "place": str(i),
            "id": text_cell(study.id),
            "status": study.status,
            **{headings.get(key, f"text.{key}"): text_cell(text) for key, text in study.characteristics.items()},
        }
        for i, study in enumerate(studies, 1)
    ]
    return sheet_bytes((*STANDARD_STUDIES, "place", "id", "status"), rows)


def add_references(studies: Studies, status: str, references: Iterable[tuple[str | None, ReviewReference]]) -> int:
    """Give studies their references, and tell how many name no study; an empty one says only that a study is there."""
    left = 0
    for name, reference in references:
        if name is None:
            left += 1
            continue
        study = studies.by_id[studies.named(name, status=STATUSES[status])]
        if reference.fields or reference.identifiers or reference.notes:
            studies.by_id[study.id] = attrs.evolve(study, references=(*study.references, reference))
    return left


def write_ris(studies: Iterable[ReviewStudy]) -> bytes:
    """Write references for other programs: a study's name under ``NS``, and one empty reference where it has none."""
    entries: list[str] = []
    for study in studies:
        for reference in study.references or (None,):
            lines = ["TY  - JOUR" if reference is None else f"TY  - {_RIS_KINDS.get(reference.kind, 'GEN')}"]
            lines.append(f"NS  - {_one_line(study.name)}")
            if reference is not None:
                authors = re.split(r"\s*;\s*", reference.fields.get("authors", ""))
                lines += [f"AU  - {_one_line(author)}" for author in authors if author.strip()]
                lines += [
                    f"{tag}  - {_one_line(reference.fields[key])}"
                    for key, tag in _RIS_FIELDS
                    if key in reference.fields
                ]
                lines += [f"DO  - {_one_line(value)}" for kind, value in reference.identifiers if kind == "DOI"]
            entries.append("\r\n".join([*lines, "ER  - "]))
    text = "\r\n\r\n".join(entries) + "\r\n"
    return b"\xef\xbb\xbf" + text.encode(errors="replace")


def _one_line(text: str) -> str:
    return _LINE_ENDS.sub(" ", text).strip()


# -- risk of bias ---------------------------------------------------------------------------------------------------


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
