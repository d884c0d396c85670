"""Read RevMan 5's files (XML) into a review.

What the engine has no use for (cover sheet, main text, summary of findings …) is kept as it stands, in `Review.parts`;
only marks of who changed what, and when, are not kept where the review holds the content itself. Texts are stripped of
white space at their ends, names of repeated white space and of markup.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

import attrs

from evisynth import (
    BiasDomain,
    DataError,
    FormatError,
    Judgement,
    OutcomeGroup,
    Problem,
    Review,
    ReviewComparison,
    ReviewOutcome,
    ReviewReference,
    ReviewRow,
    ReviewStudy,
    ReviewSubgroup,
    RiskOfBias,
    StoredResults,
)
from evisynth_converters import revman5_names as names
from evisynth_converters.hostile_xml import in_xml, inner_markup, parse, plain_text, serialised

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from evisynth import Source

FULL = 12
"""Decimals from which stored numbers count as having all their digits."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_NOT_STORED = frozenset({"", "nan", "infinity", "-infinity", "+infinity"})
_CHANGES = frozenset({"MODIFIED", "MODIFIED_BY"})


def read(source: Source) -> Review:
    """Read a whole review.

    Raises `FormatError` for what is no review of RevMan 5, and `DataError` for numbers that are none, each with its
    outcome and study.
    """
    root = parse(source)
    if root.tag != names.ROOT:
        msg = f"{source.name} is XML of the kind <{root.tag}>, not a review of RevMan 5 (<{names.ROOT}>)"
        raise FormatError(msg)
    return _Reader(source.name).review(root)


@attrs.define
class _Reader:
    """Keep what is found wrong and how precise stored numbers are while a file is read."""

    name: str
    problems: list[Problem] = attrs.field(factory=list[Problem])
    notes: list[str] = attrs.field(factory=list[str])
    decimals: int = 0

    def review(self, root: Element) -> Review:
        studies = tuple(self._studies(root))
        analyses = root.find("ANALYSES_AND_DATA")
        comparisons = tuple(self._comparison(one) for one in _children(analyses, "COMPARISON"))
        if self.problems:
            summary = f"{self.name} holds numbers that cannot be read"
            raise DataError(summary, self.problems)
        missing = _rows_of_unknown_studies(comparisons, {study.id for study in studies})
        if missing:
            self.notes.append(f"studies with data that the list of studies lacks: {', '.join(missing)}")
            studies += tuple(ReviewStudy(id=one, name=" ".join(in_xml(one).split())) for one in missing)
        for other in _others(analyses, {"COMPARISON"}):
            self.notes.append(f"{other.tag} among the analyses is not read: this kind of data is not known here")
        risk_of_bias = self._risk_of_bias(root.find("QUALITY_ITEMS"))
        title = plain_text(root.find("COVER_SHEET/TITLE"))
        return Review(
            title=title,
            id=root.get("ID") or None,
            doi=root.get("DOI") or None,
            preset="revman5",
            studies=studies,
            risk_of_bias=risk_of_bias,
            comparisons=comparisons,
            decimals=self.decimals if 0 < self.decimals < FULL else None,
            parts=_parts(root),
            source=self.name,
            notes=tuple(self.notes),
        )

    # -- studies ------------------------------------------------------------------------------------------------------

    def _studies(self, root: Element) -> Iterator[ReviewStudy]:
        told = {
            (status, names.study_id(entry.get("STUDY_ID") or "")): entry
            for tag, status in names.CHARACTERISTICS.items()
            for entry in root.iterfind(f"CHARACTERISTICS_OF_STUDIES//{tag}")
        }
        seen: set[str] = set()
        for tag, status in names.STATUSES.items():
            for study in root.iterfind(f"STUDIES_AND_REFERENCES/STUDIES/{tag}/STUDY"):
                key = names.study_id(study.get("ID") or study.get("NAME") or "")
                if key in seen:
                    self.notes.append(f"the study {key} is listed twice; the first is taken")
                    continue
                seen.add(key)
                entry = told.get((status, key))
                yield ReviewStudy(
                    id=key,
                    # An id may hold, as escapes, characters that a name in XML cannot.
                    name=" ".join((study.get("NAME") or "").split()) or " ".join(in_xml(key).split()),
                    year=(study.get("YEAR") or "").strip() or None,
                    status=names.STATUSES[tag],
                    data_source=study.get("DATA_SOURCE") or None,
                    references=tuple(_reference(one) for one in study.iterfind("REFERENCE")),
                    characteristics=_characteristics(entry),
                    identifiers=_identifiers(study.find("IDENTIFIERS")),
                )

    def _risk_of_bias(self, items: Element | None) -> tuple[RiskOfBias, ...]:
        found = sorted(_children(items, "QUALITY_ITEM"), key=lambda item: _whole(item.get("NO")) or 0)
        domains = tuple(self._domain(item) for item in found)
        return (RiskOfBias(tool="RoB 1", domains=domains),) if domains else ()

    def _domain(self, item: Element) -> BiasDomain:
        judged: list[Judgement] = []
        for entry in item.iterfind("QUALITY_ITEM_DATA/QUALITY_ITEM_DATA_ENTRY"):
            word = (entry.get("RESULT") or "").strip()
            judged.append(
                Judgement(
                    study=names.study_id(entry.get("STUDY_ID") or ""),
                    judgement=names.JUDGEMENTS.get(word, word.lower()),
                    support=inner_markup(entry.find("DESCRIPTION")),
                    group=entry.get("GROUP_ID") or None,
                )
            )
        return BiasDomain(
            id=item.get("ID") or "",
            name=plain_text(item.find("NAME")),
            judgements=tuple(judged),
            description=inner_markup(item.find("DESCRIPTION")),
            groups=tuple(
                OutcomeGroup(
                    id=group.get("ID") or "",
                    name=plain_text(group.find("NAME")),
                    outcomes=tuple((group.get("REF_IDS") or "").replace(",", " ").split()),
                )
                for group in item.iterfind("QUALITY_ITEM_DATA_ENTRY_GROUP")
            ),
            core=item.get("CORE_ITEM") != "NO",
        )

    # -- analyses -----------------------------------------------------------------------------------------------------

    def _comparison(self, given: Element) -> ReviewComparison:
        number = _whole(given.get("NO")) or 0
        outcomes: list[ReviewOutcome] = []
        for child in given:
            kind, _, rest = child.tag.rpartition("_")
            if rest == "OUTCOME" and kind in names.DATA_TYPES:
                outcomes.append(self._outcome(child, kind, number))
            elif child.tag != "NAME":
                self.notes.append(
                    f"{child.tag} in comparison {number} is not read: this kind of data is not known here"
                )
        return ReviewComparison(
            number=number,
            name=plain_text(given.find("NAME")),
            id=_own_id(given, number),
            outcomes=tuple(outcomes),
        )

    def _outcome(self, given: Element, kind: str, comparison: int) -> ReviewOutcome:
        data_type = names.DATA_TYPES[kind]
        number = _whole(given.get("NO")) or 0
        place = f"outcome {comparison}.{number}"
        told = dict(given.attrib)
        settings = self._settings(told, data_type, place)
        label = plain_text(given.find("EFFECT_MEASURE")) or None
        labels: dict[str, Any] = {name: plain_text(given.find(tag)) or None for tag, name in names.LABELS.items()}
        stored = self._stored(told, names.OUTCOME_STORED, place)
        for used in ("ID", "NO", "SUBGROUPS", *_CHANGES):
            told.pop(used, None)
        children = {"NAME", "EFFECT_MEASURE", *names.LABELS, f"{kind}_SUBGROUP", f"{kind}_DATA"}
        return ReviewOutcome(
            number=number,
            name=plain_text(given.find("NAME")),
            data_type=data_type,
            id=_own_id(given, comparison, number),
            effect_label=label,
            **settings,
            **labels,
            rows=tuple(self._row(row, data_type, place) for row in given.iterfind(f"{kind}_DATA")),
            subgroups=tuple(
                self._subgroup(one, kind, comparison, number) for one in given.iterfind(f"{kind}_SUBGROUP")
            ),
            stored=stored,
            text=told | {f"<{one.tag}>": inner_markup(one) or "" for one in _others(given, children)},
        )

    def _settings(self, told: dict[str, str], data_type: str, place: str) -> dict[str, Any]:
        """Take the settings out of the attributes."""
        method = told.pop("METHOD", "")
        random = told.pop("RANDOM", "")
        measure = told.pop("EFFECT_MEASURE", "") if data_type in {"dichotomous", "continuous"} else ""
        fixed = {"generic": ("IV", "GEN"), "o-e": ("Peto", "O-E"), "continuous": ("IV", None), "other": (None, None)}
        own_method, own_measure = fixed.get(data_type, (None, None))
        made: dict[str, Any] = {
            "method": names.METHODS.get(method, method or own_method),
            "model": {"YES": "random", "NO": "common"}.get(random),
            "measure": names.MEASURES.get(measure, measure or own_measure),
            "log_data": told.pop("LOG_DATA", "NO") == "YES",
            "level": self._level(told.pop("CI_TOTAL", ""), f"{place}, CI_TOTAL"),
            "study_level": self._level(told.pop("CI_STUDY", ""), f"{place}, CI_STUDY"),
            "totals": names.TOTALS.get(told.pop("TOTALS", "YES"), "overall"),
            "subgroup_test": told.pop("SUBGROUP_TEST", "YES") != "NO",
            "swap_events": told.pop("SWAP_EVENTS", "NO") == "YES",
            "sort_by": names.SORT_BY.get(told.pop("SORT_BY", "STUDY"), "study"),
            "units": " ".join(told.pop("UNITS", "").split()) or None,
            "axis": self._number(told.pop("SCALE", ""), place, None, "SCALE"),
        }
        return made

    def _subgroup(self, given: Element, kind: str, comparison: int, outcome: int) -> ReviewSubgroup:
        number = _whole(given.get("NO")) or 0
        place = f"outcome {comparison}.{outcome}.{number}"
        return ReviewSubgroup(
            number=number,
            name=plain_text(given.find("NAME")),
            id=_own_id(given, comparison, outcome, number),
            rows=tuple(self._row(row, names.DATA_TYPES[kind], place) for row in given.iterfind(f"{kind}_DATA")),
            stored=self._stored(dict(given.attrib), names.SUBGROUP_STORED, place),
        )

    def _row(self, given: Element, data_type: str, place: str) -> ReviewRow:
        told = dict(given.attrib)
        study = names.study_id(told.pop("STUDY_ID", ""))
        data: dict[str, float] = {}
        for attribute, column in names.ROW_DATA[data_type].items():
            number = self._number(told.pop(attribute, ""), place, study, attribute)
            if number is not None:
                data[column] = number
        place = f"{place}, {study}"
        stored = self._stored(told, names.ROW_STORED, place)
        if stored.numbers.get("o_e"):
            # O - E is stored for Peto's method alone, and VAR is then its variance.
            renamed = {"o_e_variance" if name == "vi" else name: number for name, number in stored.numbers.items()}
            stored = attrs.evolve(stored, numbers=renamed)
        order = _whole(told.pop("ORDER", ""))
        for used in _CHANGES:
            told.pop(used, None)
        return ReviewRow(
            study=study,
            data=data,
            order=order,
            footnote=inner_markup(given.find("FOOTNOTE")),
            stored=stored,
            text=told | {f"<{one.tag}>": inner_markup(one) or "" for one in _others(given, {"FOOTNOTE"})},
        )

    # -- numbers ------------------------------------------------------------------------------------------------------

    def _stored(self, told: dict[str, str], known: Mapping[str, str], place: str) -> StoredResults:
        """Take the stored results out of the attributes."""
        numbers: dict[str, float] = {}
        for attribute, name in known.items():
            text = told.pop(attribute, "").strip()
            number = self._number(text, place, None, attribute)
            if number is None:
                continue
            numbers[name] = number
            if attribute not in names.WHOLE:
                self.decimals = max(self.decimals, decimals_of(text))
        estimable = {"YES": True, "NO": False}.get(told.pop("ESTIMABLE", ""))
        return StoredResults(numbers=numbers, estimable=estimable)

    def _level(self, text: str, place: str) -> float:
        percent = self._number(text, place, None, None)
        if percent is None:
            return 0.95
        if not 0 < percent < 100:  # noqa: PLR2004 - percent
            self.problems.append(Problem(None, None, place, text, "a confidence level lies between 0 and 100"))
            return 0.95
        return percent / 100

    def _number(self, text: str, place: str, study: str | None, column: str | None) -> float | None:
        """Read a number; None where there is none, which has several spellings."""
        text = text.strip()
        if text.lower() in _NOT_STORED:
            return None
        number = float(text) if _NUMBER.fullmatch(text) else math.nan
        if math.isfinite(number):
            return number
        where = f"{column} of {place}" if column else place
        self.problems.append(Problem(None, study, where, repr(text[:40]), "is not a number"))
        return None


def decimals_of(text: str) -> int:
    """Count the decimals that a number is written with."""
    mantissa, _, exponent = text.lower().partition("e")
    return max(len(mantissa.partition(".")[2].rstrip("0")) - int(exponent or 0), 0)


def _whole(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if re.fullmatch(r"[+-]?\d{1,9}", text) else None


def _own_id(given: Element, *numbers: int) -> str | None:
    """Take an id that does not follow from the numbers; None where it does."""
    identity = given.get("ID") or None
    return None if identity == names.place_id(*numbers) else identity


def _children(parent: Element | None, tag: str) -> Iterable[Element]:
    return () if parent is None else parent.iterfind(tag)


def _others(parent: Element | None, known: set[str]) -> Iterable[Element]:
    return () if parent is None else (child for child in parent if child.tag not in known)


def _rows_of_unknown_studies(comparisons: Iterable[ReviewComparison], known: set[str]) -> list[str]:
    rows = (row for one in comparisons for outcome in one.outcomes for _, row in outcome.all_rows)
    return list(dict.fromkeys(row.study for row in rows if row.study not in known))


def _reference(given: Element) -> ReviewReference:
    fields: dict[str, str] = {}
    for child in given:
        text = plain_text(child)
        if text and child.tag != "IDENTIFIERS":
            fields[names.REFERENCE_FIELDS.get(child.tag, child.tag)] = text
    return ReviewReference(
        kind=given.get("TYPE") or "OTHER",
        fields=fields,
        identifiers=_identifiers(given.find("IDENTIFIERS")),
        primary=given.get("PRIMARY") == "YES",
        notes=(given.get("NOTES") or "").strip() or None,
    )


def _identifiers(given: Element | None) -> tuple[tuple[str, str], ...]:
    return tuple((one.get("TYPE") or "", one.get("VALUE") or "") for one in _children(given, "IDENTIFIER"))


def _characteristics(entry: Element | None) -> dict[str, str]:
    made: dict[str, str] = {}
    for child in () if entry is None else entry:
        text = inner_markup(child)
        if text:
            made[child.tag.removeprefix("CHAR_").lower()] = text
    return made


def _parts(root: Element) -> dict[str, str]:
    """Keep what a review does not hold itself: whole sections, and those that it holds without their content."""
    own = {key: value for key, value in root.attrib.items() if key not in {"ID", "DOI"}}
    parts = {names.ROOT: serialised(Element(names.ROOT, own))}
    for section in root:
        _take_out_content(section)
        parts.setdefault(section.tag, serialised(section))
    return {tag: kept for tag, kept in parts.items() if re.sub(r">\s+<", "><", kept) != names.BLANK.get(tag)}


def _take_out_content(section: Element) -> None:
    """Empty a section of what the review holds; the file's own tree is not needed any more."""
    taken = {
        "STUDIES_AND_REFERENCES": (".", {"STUDIES"}),
        "CHARACTERISTICS_OF_STUDIES": ("*", names.CHARACTERISTICS.keys()),
        "QUALITY_ITEMS": (".", {"QUALITY_ITEM"}),
        "ANALYSES_AND_DATA": (".", {"COMPARISON"}),
    }
    path, tags = taken.get(section.tag, (".", ()))
    for parent in section.findall(path):
        for child in list(parent):
            if child.tag in tags:
                parent.remove(child)
        if tags and not len(parent):
            parent.text = None
    if section.tag == "ANALYSES_AND_DATA":
        section.attrib.pop("CALCULATED_DATA", None)  # follows from what is stored
    title = section.find("TITLE") if section.tag == "COVER_SHEET" else None
    if title is not None:
        tail = title.tail
        title.clear()
        title.tail = tail
