"""Hold a whole review: studies with references, risk of bias, and comparisons ▸ outcomes ▸ subgroups ▸ rows.

Values are what a file says, nothing computed. Long texts (characteristics, support for judgements, footnotes) may hold
the markup that the file has; names and labels are plain text.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - specs of figures that hold judgements are read by their annotations
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

DataType: TypeAlias = Literal["dichotomous", "continuous", "generic", "o-e", "other"]
"""``generic`` is an effect with its standard error, ``o-e`` an O - E with its variance, ``other`` text alone."""
Totals: TypeAlias = Literal["overall", "subgroups", "none"]
SortBy: TypeAlias = Literal["study", "year", "weight", "effect", "user"]
Level: TypeAlias = Literal["both", "subgroup", "overall"]
Status: TypeAlias = Literal["included", "excluded", "awaiting", "ongoing"]

DATA_COLUMNS: Mapping[DataType, tuple[str, ...]] = {
    "dichotomous": ("events_1", "n_1", "events_2", "n_2"),
    "continuous": ("mean_1", "sd_1", "n_1", "mean_2", "sd_2", "n_2"),
    "generic": ("yi", "sei", "n_1", "n_2"),
    "o-e": ("o_e", "o_e_variance", "events_1", "n_1", "events_2", "n_2"),
    "other": (),
}
"""Columns of a row by type of data; ``yi`` is on the analysis scale (a natural logarithm where ``log_data``)."""

STORED_OF_ROWS = (
    *("display", "display_ci_low", "display_ci_high", "log10_display", "log10_display_ci_low", "log10_display_ci_high"),
    *("se", "weight", "o_e", "o_e_variance"),
)
"""Names of numbers that a file may store for a study; ``se`` is on the analysis scale."""
STORED_OF_SUBGROUPS = (
    *STORED_OF_ROWS[:6],
    *("weight", "q", "q_df", "q_p_value", "i2", "tau2", "statistic", "p_value", "studies"),
    *("events_1", "n_1", "events_2", "n_2"),
)
STORED_OF_OUTCOMES = (
    *STORED_OF_SUBGROUPS,
    *("subgroup_q", "subgroup_q_df", "subgroup_q_p_value", "subgroup_i2"),
    *("tau2_ci_low", "tau2_ci_high", "display_prediction_low", "display_prediction_high"),
)


@attrs.frozen
class StoredResults:
    """Hold the numbers that a file stores beside the data, by the names of the glossary; what it lacks is absent.

    ``display`` and its limits are on the scale shown to readers, ``log10_…`` are decimal logarithms of them, I² and
    weights are in percent; ``estimable`` is what the file says of the node, None where it says nothing.
    """

    numbers: Mapping[str, float] = attrs.field(factory=dict[str, float])
    estimable: bool | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing was stored: no number at all, or none that is not 0."""
        return not any(self.numbers.values())


NOTHING_STORED = StoredResults()


@attrs.frozen(kw_only=True)
class ReviewReference:
    """Hold one reference.

    ``fields`` are ``authors``, ``title``, ``source``, ``year``, ``volume``, ``issue``, ``pages``, ``publisher``,
    ``city``, ``editors`` … and whatever else the file has.
    """

    kind: str = "OTHER"
    fields: Mapping[str, str] = attrs.field(factory=dict[str, str])
    identifiers: tuple[tuple[str, str], ...] = ()
    """Kinds and values, such as ``("DOI", "10.1002/…")``."""
    primary: bool = False
    notes: str | None = None


@attrs.frozen(kw_only=True)
class ReviewStudy:
    """Hold one study of a review; ``id`` joins it with rows and judgements, ``name`` is for readers."""

    id: str
    name: str
    year: str | None = None
    status: Status = "included"
    data_source: str | None = None
    references: tuple[ReviewReference, ...] = ()
    characteristics: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """``methods``, ``participants``, ``interventions``, ``outcomes``, ``notes``, ``reason_for_exclusion`` …"""
    identifiers: tuple[tuple[str, str], ...] = ()


@attrs.frozen(kw_only=True)
class Judgement:
    """Hold a judgement on one study: the tool's word in lower case (``low``, ``some concerns``, ``high`` …).

    The word is empty where there is support without a judgement.
    """

    study: str
    """Id of the study."""
    judgement: str
    support: str | None = None
    group: str | None = None
    """Id of the group of outcomes that it is for; None where it is for the whole study."""


@attrs.frozen(kw_only=True)
class OutcomeGroup:
    """Hold a group of outcomes that a domain is judged for separately."""

    id: str
    name: str
    outcomes: tuple[str, ...] = ()
    """Ids of the outcomes."""


@attrs.frozen(kw_only=True)
class BiasDomain:
    """Hold one domain of a tool with its judgements; the overall judgement is the domain ``Overall``."""

    id: str
    name: str
    judgements: tuple[Judgement, ...] = ()
    description: str | None = None
    groups: tuple[OutcomeGroup, ...] = ()
    core: bool = True


@attrs.frozen(kw_only=True)
class RiskOfBias:
    """Hold the judgements by one tool: ``RoB 1``, ``RoB 2``, ``ROBINS-I``, ``ROBINS-E``, ``QUADAS-2``, ``QUIPS`` ….

    Other tools have the names that they are known by.
    """

    tool: str
    domains: tuple[BiasDomain, ...] = ()
    weights: Mapping[str, float] = attrs.field(factory=dict[str, float])
    """Weights of studies (by id) for a weighted summary, where given."""


@attrs.frozen(kw_only=True)
class StudyFlow:
    """Hold the counts of a PRISMA 2020 flow diagram by its keys (``records_screened``, ``dbr_excluded`` …)."""

    counts: Mapping[str, int] = attrs.field(factory=dict[str, int])
    reasons: Mapping[str, tuple[tuple[str, int | None], ...]] = attrs.field(
        factory=dict[str, "tuple[tuple[str, int | None], ...]"]
    )
    """Lists within a box, such as reasons for exclusion; None where no number is filled in."""
    labels: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """Texts of the boxes, where they are not PRISMA's own."""


@attrs.frozen(kw_only=True)
class ReviewRow:
    """Hold one study's data in an outcome; ``data`` has the columns of `DATA_COLUMNS` that the file gives."""

    study: str
    """Id of the study."""
    data: Mapping[str, float] = attrs.field(factory=dict[str, float])
    level: Level = "both"
    """Whether it is pooled in its subgroup, overall, or in both."""
    order: int | None = None
    """Place in the order that the reviewers chose."""
    footnote: str | None = None
    stored: StoredResults = NOTHING_STORED
    text: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """Columns that are not known here, and the text of rows without numbers."""


@attrs.frozen(kw_only=True)
class ReviewSubgroup:
    """Hold a subgroup of an outcome."""

    number: int
    name: str
    id: str | None = None
    rows: tuple[ReviewRow, ...] = ()
    stored: StoredResults = NOTHING_STORED


@attrs.frozen(kw_only=True)
class ReviewOutcome:
    """Hold an outcome: its data, its settings as the file states them, and what the file stores of results."""

    number: int
    name: str
    data_type: DataType
    id: str | None = None
    method: str | None = None
    """``MH``, ``IV`` or ``Peto``."""
    model: str | None = None
    """``common`` or ``random``."""
    measure: str | None = None
    """``OR``, ``RR``, ``RD``, ``PETO``, ``MD``, ``SMD``, ``GEN``, ``O-E``."""
    effect_label: str | None = None
    """Name of the effect where the file gives one of its own (``Hazard Ratio``)."""
    log_data: bool = False
    """Whether generic effects are logarithms of ratios."""
    level: float = 0.95
    study_level: float = 0.95
    totals: Totals = "overall"
    subgroup_test: bool = True
    swap_events: bool = False
    sort_by: SortBy = "study"
    group_1: str | None = None
    group_2: str | None = None
    favours_1: str | None = None
    favours_2: str | None = None
    units: str | None = None
    axis: float | None = None
    """Where the axis ends: ratios from 1/axis to axis, differences from -axis to axis."""
    words: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    """Further words of `Settings` that the file states (``tau2``, ``interval``, ``prediction`` …)."""
    rows: tuple[ReviewRow, ...] = ()
    """Rows outside any subgroup."""
    subgroups: tuple[ReviewSubgroup, ...] = ()
    stored: StoredResults = NOTHING_STORED
    text: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """What else the file says of it, by the file's own headings."""

    @property
    def all_rows(self) -> tuple[tuple[ReviewSubgroup | None, ReviewRow], ...]:
        """Every row with its subgroup, in the order of the file, rows outside any subgroup first."""
        return (
            *((None, row) for row in self.rows),
            *((subgroup, row) for subgroup in self.subgroups for row in subgroup.rows),
        )


@attrs.frozen(kw_only=True)
class ReviewComparison:
    """Hold a comparison with its outcomes."""

    number: int
    name: str
    id: str | None = None
    outcomes: tuple[ReviewOutcome, ...] = ()


@attrs.frozen(kw_only=True)
class Review:
    """Hold a review as a file has it."""

    title: str = ""
    id: str | None = None
    doi: str | None = None
    preset: str = "revman5"
    """Settings that its results were made by, as far as its outcomes do not say otherwise."""
    studies: tuple[ReviewStudy, ...] = ()
    risk_of_bias: tuple[RiskOfBias, ...] = ()
    comparisons: tuple[ReviewComparison, ...] = ()
    flow: StudyFlow | None = None
    decimals: int | None = None
    """Decimals that stored results are rounded to; None where they have all their digits."""
    parts: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """Parts of the file that the engine does not use, as they stand there, so that they can be written again."""
    source: str | None = attrs.field(default=None, eq=False)
    notes: tuple[str, ...] = attrs.field(default=(), eq=False)
    """What a reader of the file should look at."""

    @cached_property
    def study_by_id(self) -> Mapping[str, ReviewStudy]:
        """Studies by the id that rows and judgements have."""
        return {study.id: study for study in self.studies}

    @property
    def outcomes(self) -> Iterator[tuple[str, ReviewComparison, ReviewOutcome]]:
        """Every outcome with its place (``"1.2"``) and comparison."""
        for comparison in self.comparisons:
            for outcome in comparison.outcomes:
                yield f"{comparison.number}.{outcome.number}", comparison, outcome

    def __str__(self) -> str:
        """Name the review and count what is in it."""
        outcomes = [outcome for _, _, outcome in self.outcomes]
        rows = sum(len(outcome.all_rows) for outcome in outcomes)
        counts = f"{len(self.studies)} studies, {len(self.comparisons)} comparisons, {len(outcomes)} outcomes"
        return f"{self.title or 'Review'}: {counts}, {rows} rows"
