"""Write a review as a file that RevMan 5 opens; reading it gives an equal review.

Sections that the review does not hold itself come from `Review.parts`, where it was read from such a file, and are
empty otherwise.
"""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, ParseError, SubElement, fromstring

from evisynth import DataWarning, Review
from evisynth_converters import revman5_names as names
from evisynth_converters.hostile_xml import in_xml, serialised, set_inner

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evisynth import (
        BiasDomain,
        ReviewComparison,
        ReviewOutcome,
        ReviewReference,
        ReviewRow,
        ReviewStudy,
        ReviewSubgroup,
        StoredResults,
    )

_KINDS = {data_type: kind for kind, data_type in names.DATA_TYPES.items()}
_METHODS = {ours: theirs for theirs, ours in names.METHODS.items()}
_MEASURES = {ours: theirs for theirs, ours in names.MEASURES.items()}
_TOTALS = {ours: theirs for theirs, ours in names.TOTALS.items()}
_SORT_BY = {ours: theirs for theirs, ours in names.SORT_BY.items()}
_JUDGEMENTS = {ours: theirs for theirs, ours in names.JUDGEMENTS.items()}
_FIELDS = {ours: theirs for theirs, ours in names.REFERENCE_FIELDS.items()}
_LACKS: Mapping[str, frozenset[str]] = {
    "continuous": frozenset({"LOG_EFFECT_SIZE", "LOG_CI_START", "LOG_CI_END", "EVENTS_1", "EVENTS_2", "O_E", "VAR"}),
    "generic": frozenset({"EVENTS_1", "EVENTS_2", "O_E", "VAR"}),
}
"""Results that RevMan's own files never have for a type of data."""
_OF_REVMAN = re.compile("[A-Z][A-Z0-9_]*")
_NUMBERS = frozenset({*names.OUTCOME_STORED, *names.SUBGROUP_STORED, *names.ROW_STORED}).union(*names.ROW_DATA.values())
"""Attributes that hold numbers in these files: texts of that name would be taken for one."""
_ON_LINES_OF_THEIR_OWN = (
    "STUDY",
    "QUALITY_ITEM",
    "QUALITY_ITEM_DATA_ENTRY",
    "COMPARISON",
    "_OUTCOME",
    "_SUBGROUP",
    "_DATA",
)


def write(review: Review) -> bytes:
    """Write a review; what RevMan 5 has no place for is left out with a `DataWarning` that names it."""
    for missing in _without_a_place(review):
        warnings.warn(f"not written, RevMan 5 has no place for it: {missing}", DataWarning, stacklevel=2)
    root = _part(review, names.ROOT)
    root.attrib |= {"ID": review.id or "", "DOI": review.doi or ""}
    for tag in dict.fromkeys((*names.BLANK, *review.parts)):
        if tag != names.ROOT and _OF_REVMAN.fullmatch(tag):
            section = _part(review, tag)
            _fill(section, review)
            section.tail = "\n"
            root.append(section)
    for tag in ("STUDIES_AND_REFERENCES", "QUALITY_ITEMS", "ANALYSES_AND_DATA"):
        for element in root.iterfind(f"{tag}//*"):
            if element.tag.endswith(_ON_LINES_OF_THEIR_OWN):
                element.tail = "\n"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{in_xml(serialised(root))}\n'.encode()


def _part(review: Review, tag: str) -> Element:
    """Take a section as it was kept; a blank one where nothing was, or something else under its name."""
    try:
        # No document type can stand in the text of an element, and none is expanded.
        made = fromstring(review.parts[tag])  # noqa: S314
    except (KeyError, ParseError, ValueError):
        made = None
    return made if made is not None and made.tag == tag else fromstring(names.BLANK.get(tag, f"<{tag} />"))  # noqa: S314 - as above


def _without_a_place(review: Review) -> Iterable[str]:
    """Name what the structure of these files cannot hold."""
    tools = [one.tool for one in review.risk_of_bias if one.tool != "RoB 1"]
    if tools:
        yield f"risk of bias by {', '.join(tools)}"
    if review.flow is not None:
        yield "the flow diagram's counts"
    yield from _outcomes_without_a_place(review)
    fields = [name for study in review.studies for held in study.references for name in held.fields]
    told = [name for study in review.studies for name in study.characteristics]
    texts = [
        name.strip("<>")
        for _, _, outcome in review.outcomes
        for held in (outcome.text, *(row.text for _, row in outcome.all_rows))
        for name in held
    ]
    for what, given in (
        ("columns of other programs", {name: name for name in texts}),
        ("fields of references", {name: _FIELDS.get(name, name) for name in fields}),
        ("characteristics of studies", {name: f"CHAR_{name.upper()}" for name in told}),
        ("parts of other programs' files", {tag: tag for tag in review.parts}),
    ):
        # Elements and attributes cannot have every name.
        foreign = [name for name, written in given.items() if not _OF_REVMAN.fullmatch(written) or written in _NUMBERS]
        if foreign:
            yield f"{what}: {', '.join(map(repr, foreign))}"


def _outcomes_without_a_place(review: Review) -> Iterable[str]:
    outcomes = [(place, outcome) for place, _, outcome in review.outcomes]
    stated = [place for place, outcome in outcomes if outcome.words]
    levels = [place for place, outcome in outcomes if any(row.level != "both" for _, row in outcome.all_rows)]
    mixed = [place for place, outcome in outcomes if outcome.rows and outcome.subgroups]
    for what, places in (
        ("settings beyond its own", stated),
        ("rows that are pooled in their subgroup or overall alone", levels),
        ("rows outside any subgroup beside others within", mixed),
    ):
        if places:
            yield f"{what}, of outcomes {', '.join(places)}"


def _fill(section: Element, review: Review) -> None:
    """Put into a section what the review holds of it."""
    if section.tag == "COVER_SHEET":
        title = section.find("TITLE")
        if title is None:
            title = Element("TITLE")
            section.insert(0, title)
        title.text = review.title
    elif section.tag == "STUDIES_AND_REFERENCES":
        section.insert(0, _studies(review))
    elif section.tag == "CHARACTERISTICS_OF_STUDIES":
        _characteristics(section, review.studies)
    elif section.tag == "QUALITY_ITEMS":
        domains = [domain for tool in review.risk_of_bias if tool.tool == "RoB 1" for domain in tool.domains]
        section.extend(_domain(domain, number) for number, domain in enumerate(domains, 1))
    elif section.tag == "ANALYSES_AND_DATA":
        section.set("CALCULATED_DATA", "YES" if _any_results(review) else "NO")
        section.extend(_comparison(comparison) for comparison in review.comparisons)


def _any_results(review: Review) -> bool:
    outcomes = [outcome for _, _, outcome in review.outcomes]
    stored = (
        *(outcome.stored for outcome in outcomes),
        *(subgroup.stored for outcome in outcomes for subgroup in outcome.subgroups),
        *(row.stored for outcome in outcomes for _, row in outcome.all_rows),
    )
    return not all(one.empty for one in stored)


# -- studies ----------------------------------------------------------------------------------------------------------


def _studies(review: Review) -> Element:
    studies = Element("STUDIES")
    for tag, status in names.STATUSES.items():
        group = SubElement(studies, tag)
        for study in review.studies:
            if study.status == status:
                group.append(_study(study))
    return studies


def _study(study: ReviewStudy) -> Element:
    made = Element(
        "STUDY",
        {
            "DATA_SOURCE": study.data_source or "",
            "ID": names.study_token(study.id),
            "NAME": study.name,
            "YEAR": study.year or "",
        },
    )
    made.extend(_reference(reference) for reference in study.references)
    made.append(_identifiers(study.identifiers))
    return made


def _reference(reference: ReviewReference) -> Element:
    made = Element("REFERENCE", {"PRIMARY": "YES" if reference.primary else "NO", "TYPE": reference.kind})
    if reference.notes is not None:
        made.set("NOTES", reference.notes)
    for name, text in reference.fields.items():
        if _OF_REVMAN.fullmatch(_FIELDS.get(name, name)):
            SubElement(made, _FIELDS.get(name, name)).text = text
    made.append(_identifiers(reference.identifiers))
    return made


def _identifiers(identifiers: Iterable[tuple[str, str]]) -> Element:
    made = Element("IDENTIFIERS")
    for kind, value in identifiers:
        SubElement(made, "IDENTIFIER", {"TYPE": kind, "VALUE": value})
    return made


def _characteristics(section: Element, studies: Iterable[ReviewStudy]) -> None:
    for tag, status in names.CHARACTERISTICS.items():
        group_tag = f"CHARACTERISTICS_OF_{status.upper()}_STUDIES"
        group = section.find(group_tag)
        if group is None:
            group = SubElement(section, group_tag)
        told = [study for study in studies if study.status == status and study.characteristics]
        for position, study in enumerate(told):
            entry = Element(tag, {"STUDY_ID": names.study_token(study.id)})
            for name, text in study.characteristics.items():
                if _OF_REVMAN.fullmatch(f"CHAR_{name.upper()}"):
                    set_inner(SubElement(entry, f"CHAR_{name.upper()}"), text)
            group.insert(position, entry)


def _domain(domain: BiasDomain, number: int) -> Element:
    made = Element(
        "QUALITY_ITEM",
        {
            "CORE_ITEM": "YES" if domain.core else "NO",
            "ID": domain.id,
            "LEVEL": "GROUP" if domain.groups else "STUDY",
            "NO": str(number),
        },
    )
    SubElement(made, "NAME").text = domain.name
    set_inner(SubElement(made, "DESCRIPTION"), domain.description)
    for position, group in enumerate(domain.groups, 1):
        held = SubElement(made, "QUALITY_ITEM_DATA_ENTRY_GROUP", {"ID": group.id, "NO": str(position)})
        if group.outcomes:
            held.set("REF_IDS", " ".join(group.outcomes))
        SubElement(held, "NAME").text = group.name
    entries = SubElement(made, "QUALITY_ITEM_DATA")
    for judgement in domain.judgements:
        entry = SubElement(entries, "QUALITY_ITEM_DATA_ENTRY")
        if judgement.group is not None:
            entry.set("GROUP_ID", judgement.group)
        entry.set("RESULT", _JUDGEMENTS.get(judgement.judgement, judgement.judgement.upper()))
        entry.set("STUDY_ID", names.study_token(judgement.study))
        set_inner(SubElement(entry, "DESCRIPTION"), judgement.support)
    return made


# -- analyses ---------------------------------------------------------------------------------------------------------


def _comparison(comparison: ReviewComparison) -> Element:
    identity = comparison.id or names.place_id(comparison.number)
    made = Element("COMPARISON", {"ID": identity, "NO": str(comparison.number)})
    SubElement(made, "NAME").text = comparison.name
    made.extend(_outcome(outcome, comparison.number) for outcome in comparison.outcomes)
    return made


def _outcome(outcome: ReviewOutcome, comparison: int) -> Element:
    kind = _KINDS[outcome.data_type]
    attributes = {
        "ID": outcome.id or names.place_id(comparison, outcome.number),
        "NO": str(outcome.number),
        **_settings(outcome),
        **_stored(outcome.stored, names.OUTCOME_STORED, outcome),
        **_attributes(outcome.text),
    }
    made = Element(f"{kind}_OUTCOME", dict(sorted(attributes.items())))
    SubElement(made, "NAME").text = outcome.name
    for tag, name in names.LABELS.items():
        SubElement(made, tag).text = getattr(outcome, name)
    if outcome.data_type in {"generic", "o-e"} or outcome.effect_label is not None:
        SubElement(made, "EFFECT_MEASURE").text = outcome.effect_label
    _append_texts(made, outcome.text)
    made.extend(_subgroup(subgroup, outcome, comparison) for subgroup in outcome.subgroups)
    made.extend(_row(row, outcome) for row in outcome.rows)
    return made


def _settings(outcome: ReviewOutcome) -> dict[str, str]:
    made = {
        "CI_STUDY": _percent(outcome.study_level),
        "CI_TOTAL": _percent(outcome.level),
        "SORT_BY": _SORT_BY[outcome.sort_by],
        "SUBGROUPS": "YES" if outcome.subgroups else "NO",
        "SUBGROUP_TEST": "YES" if outcome.subgroup_test else "NO",
        "TOTALS": _TOTALS[outcome.totals],
    }
    if outcome.model is not None:
        made["RANDOM"] = "YES" if outcome.model == "random" else "NO"
    if outcome.axis is not None:
        made["SCALE"] = _number(outcome.axis)
    if outcome.data_type in {"dichotomous", "continuous"} and outcome.measure is not None:
        made["EFFECT_MEASURE"] = _MEASURES.get(outcome.measure, outcome.measure)
    if outcome.data_type == "dichotomous":
        if outcome.method is not None:
            made["METHOD"] = _METHODS.get(outcome.method, outcome.method)
        made["SWAP_EVENTS"] = "YES" if outcome.swap_events else "NO"
    if outcome.data_type == "continuous":
        made["UNITS"] = outcome.units or ""
    if outcome.data_type == "generic":
        made["LOG_DATA"] = "YES" if outcome.log_data else "NO"
    return made


def _subgroup(subgroup: ReviewSubgroup, outcome: ReviewOutcome, comparison: int) -> Element:
    attributes = {
        "ID": subgroup.id or names.place_id(comparison, outcome.number, subgroup.number),
        "NO": str(subgroup.number),
        **_stored(subgroup.stored, names.SUBGROUP_STORED, outcome),
    }
    made = Element(f"{_KINDS[outcome.data_type]}_SUBGROUP", dict(sorted(attributes.items())))
    SubElement(made, "NAME").text = subgroup.name
    made.extend(_row(row, outcome) for row in subgroup.rows)
    return made


def _row(row: ReviewRow, outcome: ReviewOutcome) -> Element:
    columns = names.ROW_DATA[outcome.data_type]
    data = {
        attribute: _number(row.data[column], attribute) for attribute, column in columns.items() if column in row.data
    }
    known = {attribute: name for attribute, name in names.ROW_STORED.items() if attribute not in columns}
    stored = row.stored.numbers
    if "VAR" in known and "o_e_variance" in stored:
        known["VAR"] = "o_e_variance"
    attributes = {
        "STUDY_ID": names.study_token(row.study),
        "ORDER": "" if row.order is None else str(row.order),
        **data,
        **_stored(row.stored, known, outcome),
        **_attributes(row.text),
    }
    made = Element(f"{_KINDS[outcome.data_type]}_DATA", dict(sorted(attributes.items())))
    if row.footnote is not None:
        set_inner(SubElement(made, "FOOTNOTE"), row.footnote)
    _append_texts(made, row.text)
    return made


def _attributes(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in texts.items() if _OF_REVMAN.fullmatch(name) and name not in _NUMBERS}


def _append_texts(element: Element, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        if name.startswith("<") and _OF_REVMAN.fullmatch(name[1:-1]):
            set_inner(SubElement(element, name[1:-1]), text or None)


def _stored(stored: StoredResults, known: Mapping[str, str], outcome: ReviewOutcome) -> dict[str, str]:
    """Write what is stored; where something is, what is not has the text that it has in RevMan's own files."""
    made: dict[str, str] = {}
    nothing = not stored.numbers and stored.estimable is None
    lacks = _LACKS.get(outcome.data_type, frozenset())
    for attribute, name in known.items():
        number = stored.numbers.get(name)
        if number is not None:
            made[attribute] = _number(number, attribute)
        elif not nothing and attribute not in lacks:
            shown = stored.numbers.get(name.removeprefix("log10_")) if attribute.startswith("LOG_") else None
            made[attribute] = "" if shown is None or shown > 0 else "-Infinity" if shown == 0 else "NaN"
    if stored.estimable is not None:
        made["ESTIMABLE"] = "YES" if stored.estimable else "NO"
    return made


def _number(value: float, attribute: str | None = None) -> str:
    """Write a number so that it reads back to the bit, with an exponent as Java writes it."""
    if attribute in names.WHOLE and value.is_integer():
        return str(int(value))
    text = repr(float(value))
    mantissa, mark, exponent = text.partition("e")
    if not mark:
        return text
    return f"{mantissa if '.' in mantissa else f'{mantissa}.0'}E{int(exponent)}"


def _percent(level: float) -> str:
    # 100 × 0.95 is 95 after rounding the noise of the product away, and reads back as 0.95.
    return _number(round(100 * level, 10)).removesuffix(".0")
