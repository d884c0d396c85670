"""Set the boxes of the PRISMA 2020 flow diagram: what each says, where it stands and where its arrows lead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from evisynth_reporters import printed

if TYPE_CHECKING:
    from evisynth import StudyFlow
    from evisynth_reporters.words import Words


@attrs.frozen
class BoxText:
    """Hold a paragraph of a box; those of lists are indented."""

    text: str
    indented: bool = False


@attrs.frozen
class Cell:
    """Hold a box: its key, column (``previous``, ``new``, ``new out``, ``other``, ``other out``), row and phase."""

    key: str
    column: str
    row: int
    phase: int
    texts: tuple[BoxText, ...]
    to: tuple[str, ...] = ()
    """Keys of the boxes that its arrows lead to."""
    is_title: bool = False
    wide: bool = False
    """Whether it spans the column beside it too."""


COLUMNS = ("previous", "new", "new out", "other", "other out")
"""From the left."""
TITLES, FOUND, SCREENED, SOUGHT, ASSESSED, INCLUDED, TOTAL, POOLED = range(8)


def cells_of(flow: StudyFlow, words: Words, *, previous: bool, other: bool) -> list[Cell]:
    """Give the boxes with their texts in the wording of the template; a count that is not given stays open."""
    texts = _Texts(flow, words)
    made = _by_databases(texts, following=("total",) if previous else ("pooled",))
    made += _by_other_methods(texts) if other else []
    made += _with_previous(texts) if previous else []
    if flow.counts.get("total_studies_ma"):
        made.append(Cell("pooled", "new", POOLED, 2, texts.pooled()))
    return sorted(made, key=lambda cell: (COLUMNS.index(cell.column), cell.row))


def _title(key: str, column: str, text: str, *, wide: bool = True) -> Cell:
    return Cell(key, column, TITLES, 0, (BoxText(text),), is_title=True, wide=wide)


def _by_databases(texts: _Texts, *, following: tuple[str, ...]) -> list[Cell]:
    sought = texts.one("dbr_sought_reports", "Reports sought for retrieval")
    assessed = texts.one("dbr_assessed", "Reports assessed for eligibility")
    return [
        _title("new title", "new", texts.own("newstud", "Identification of new studies via databases and registers")),
        Cell("found", "new", FOUND, 0, texts.found(), ("removed", "screened")),
        Cell("removed", "new out", FOUND, 0, texts.removed()),
        Cell("screened", "new", SCREENED, 1, texts.one("records_screened", "Records screened"), ("out", "sought")),
        Cell("out", "new out", SCREENED, 1, texts.one("records_excluded", "Records excluded")),
        Cell("sought", "new", SOUGHT, 1, sought, ("not retrieved", "assessed")),
        Cell("not retrieved", "new out", SOUGHT, 1, texts.one("dbr_notretrieved_reports", "Reports not retrieved")),
        Cell("assessed", "new", ASSESSED, 1, assessed, ("excluded", "included")),
        Cell("excluded", "new out", ASSESSED, 1, texts.excluded("dbr_excluded")),
        Cell("included", "new", INCLUDED, 2, texts.included(), following),
    ]


def _by_other_methods(texts: _Texts) -> list[Cell]:
    sought = texts.one("other_sought_reports", "Reports sought for retrieval")
    lost = texts.one("other_notretrieved_reports", "Reports not retrieved")
    assessed = texts.one("other_assessed", "Reports assessed for eligibility")
    return [
        _title("other title", "other", texts.own("othstud", "Identification of new studies via other methods")),
        Cell("other found", "other", FOUND, 0, texts.other_found(), ("other sought",)),
        Cell("other sought", "other", SOUGHT, 1, sought, ("other not retrieved", "other assessed")),
        Cell("other not retrieved", "other out", SOUGHT, 1, lost),
        Cell("other assessed", "other", ASSESSED, 1, assessed, ("other excluded", "included")),
        Cell("other excluded", "other out", ASSESSED, 1, texts.excluded("other_excluded")),
    ]


def _with_previous(texts: _Texts) -> list[Cell]:
    return [
        _title("previous title", "previous", texts.own("prevstud", "Previous studies"), wide=False),
        Cell("previous", "previous", FOUND, 0, texts.previous(), ("total",)),
        Cell("total", "new", TOTAL, 2, texts.total(), ("pooled",)),
    ]


def _n(number: str) -> str:
    """Write a count so that no line ends within it."""
    return f"(n = {number})".replace(" ", "\u00a0")


@attrs.frozen
class _Texts:
    flow: StudyFlow
    words: Words

    def own(self, key: str, usual: str) -> str:
        """Take the text that a file has for a box, where it is another than the template's."""
        said = self.flow.labels.get(key)
        return printed.one_line(said) if said and said != usual else self.words(usual)

    def counted(self, key: str, usual: str) -> str:
        number = self.flow.counts.get(key)
        shown = "" if number is None else f"{number:,}"
        return f"{self.own(key, usual)} {_n(shown)}"

    def one(self, key: str, usual: str) -> tuple[BoxText, ...]:
        return (BoxText(self.counted(key, usual)),)

    def listed(self, key: str) -> list[BoxText]:
        """Give the items of a list with their numbers; those without stay open."""
        return [
            BoxText(f"{printed.one_line(name)} {_n('' if number is None else f'{number:,}')}", indented=True)
            for name, number in self.flow.reasons.get(key, ())
            if number is not None or self.flow.counts.get(key)
        ]

    def found(self) -> tuple[BoxText, ...]:
        return (
            BoxText(self.words("Records identified from:")),
            BoxText(self.counted("database_results", "Databases"), indented=True),
            *self.listed("database_specific_results"),
            BoxText(self.counted("register_results", "Registers"), indented=True),
            *self.listed("register_specific_results"),
        )

    def removed(self) -> tuple[BoxText, ...]:
        rows = (
            ("duplicates", "Duplicate records"),
            ("excluded_automatic", "Records marked as ineligible by automation tools"),
            ("excluded_other", "Records removed for other reasons"),
        )
        return (
            BoxText(self.words("Records removed before screening:")),
            *(BoxText(self.counted(key, usual), indented=True) for key, usual in rows),
        )

    def excluded(self, key: str) -> tuple[BoxText, ...]:
        reasons = self.listed(key)
        if reasons:
            return (BoxText(f"{self.own(key, 'Reports excluded')}:"), *reasons)
        return self.one(key, "Reports excluded")

    def other_found(self) -> tuple[BoxText, ...]:
        rows = (
            ("website_results", "Websites"),
            ("organisation_results", "Organisations"),
            ("citations_results", "Citation searching"),
        )
        return (
            BoxText(self.words("Records identified from:")),
            *(BoxText(self.counted(key, usual), indented=True) for key, usual in rows),
        )

    def previous(self) -> tuple[BoxText, ...]:
        return (
            BoxText(self.counted("previous_studies", "Studies included in previous version of review")),
            BoxText(self.counted("previous_reports", "Reports of studies included in previous version of review")),
        )

    def included(self) -> tuple[BoxText, ...]:
        return (
            BoxText(self.counted("new_studies", "New studies included in review")),
            BoxText(self.counted("new_reports", "Reports of new included studies")),
        )

    def total(self) -> tuple[BoxText, ...]:
        return (
            BoxText(self.counted("total_studies", "Total studies included in review")),
            BoxText(self.counted("total_reports", "Reports of total included studies")),
        )

    def pooled(self) -> tuple[BoxText, ...]:
        return (
            BoxText(self.counted("total_studies_ma", "Total studies included in meta-analysis")),
            BoxText(self.counted("total_reports_ma", "Reports of total included studies in meta-analysis")),
        )
