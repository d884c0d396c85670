"""Run every outcome of a review by the settings that its file states, and keep those that cannot be run, with why."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import attrs

from evisynth.errors import EvisynthError, SettingsError
from evisynth.fitting import analyse, leave_out, resolve
from evisynth.measuring import measure_studies
from evisynth.registry import Registry, default_registry
from evisynth.reviews.model import DATA_COLUMNS
from evisynth.reviews.ordering import order_of, reorder
from evisynth.settings import WORDS, Settings, refuse_unknown
from evisynth.sources import Table
from evisynth.studies import distinct_labels
from evisynth.tables import studies_from_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pandas as pd

    from evisynth.pooling import Methods
    from evisynth.results import MetaAnalysis, Subgroup
    from evisynth.reviews.model import Review, ReviewComparison, ReviewOutcome, ReviewSubgroup
    from evisynth.reviews.ordering import Rows
    from evisynth.studies import Effects, Studies

NO_ROWS = "the file holds no studies for this outcome"
NO_NUMBERS = "the file holds text for this outcome, not numbers"
NO_MEASURE = "the file does not say which effect measure this outcome has"

NO_TOTALS = "the review shows no totals"
ONLY_SUBTOTALS = "the review shows subtotals only"
ONE_STUDY = "one study: its own effect, nothing is pooled"


@attrs.frozen(eq=False, slots=False)
class OutcomeAnalysis:
    """Hold one outcome of a review with its analysis, or the reason why there is none.

    ``rows`` are the review's rows in the order of the analysis, so that row i of the one is row i of the other.
    """

    place: str
    """Number of the comparison and of the outcome: ``1.2``."""
    comparison: ReviewComparison
    outcome: ReviewOutcome
    rows: Rows
    analysis: MetaAnalysis | None
    no_analysis: str | None = None

    @property
    def reason(self) -> str | None:
        """Why there is no pooled effect: no analysis at all, or one without; None where there is one."""
        return self.no_analysis if self.analysis is None else self.analysis.reason

    @property
    def note(self) -> str | None:
        """What to know of an outcome that pools nothing although there is an effect."""
        analysis = self.analysis
        if analysis is None or analysis.reason is not None:
            return self.reason
        if analysis.settings.totals != "overall":
            return ONLY_SUBTOTALS if analysis.settings.totals == "subgroups" else NO_TOTALS
        return ONE_STUDY if analysis.k == 1 else None

    @cached_property
    def subgroups(self) -> tuple[tuple[ReviewSubgroup, Subgroup | None], ...]:
        """Every subgroup of the review with its analysis; None where it has no rows."""
        made = {} if self.analysis is None else {group.name: group for group in self.analysis.subgroups}
        names = subgroup_names(self.outcome)
        return tuple((one, made.get(name)) for one, name in zip(self.outcome.subgroups, names, strict=True))

    def __repr__(self) -> str:
        """Say the place, the name and the main numbers in one line."""
        shown = self.no_analysis if self.analysis is None else repr(self.analysis)
        return f"<{self.place} {self.outcome.name}: {shown}>"


@attrs.frozen(eq=False, slots=False)
class ReviewAnalysis:
    """Hold a review with the analysis of every outcome, in the order of the review."""

    review: Review
    outcomes: tuple[OutcomeAnalysis, ...]
    settings: str | Settings | None = None
    """Settings that were asked for in the place of what the files state; None: each outcome's own."""

    def __len__(self) -> int:
        """Count the outcomes."""
        return len(self.outcomes)

    def __iter__(self) -> Iterator[OutcomeAnalysis]:
        """Go through the outcomes."""
        return iter(self.outcomes)

    def __getitem__(self, place: str | int) -> OutcomeAnalysis:
        """Give an outcome by its place (``"1.2"``) or position; raises `KeyError` for a place that is not there."""
        if isinstance(place, int):
            return self.outcomes[place]
        found = [one for one in self.outcomes if one.place == place]
        if not found:
            raise KeyError(place)
        return found[0]

    def to_dict(self) -> dict[str, Any]:
        """Give the whole result as JSON-ready values, without NaN or infinity."""
        from evisynth.reviews.documents import review_document  # noqa: PLC0415 - only when asked for

        return review_document(self)

    def to_json(self, *, indent: int | None = None) -> str:
        """Give the whole result as strict JSON."""
        from evisynth.documents import strict_json  # noqa: PLC0415 - only when asked for

        return strict_json(self.to_dict(), indent=indent)

    def to_frame(self) -> pd.DataFrame:
        """Give a row per outcome and subgroup, with columns of the glossary."""
        from evisynth.reviews.documents import review_frame  # noqa: PLC0415 - pandas only when asked for

        return review_frame(self)

    def __str__(self) -> str:
        """Print as the ``text`` reporter does."""
        from evisynth.reporting import render  # noqa: PLC0415 - reporters need results

        return str(render(self, "text"))

    def __repr__(self) -> str:
        """Count what was pooled in one line."""
        pooled = sum(one.analysis is not None and one.analysis.pooled is not None for one in self.outcomes)
        return f"<ReviewAnalysis {self.review.title!r}: {pooled} of {len(self.outcomes)} outcomes have a pooled effect>"


def fit_review(
    review: Review,
    settings: str | Settings | None = None,
    *,
    exclude: Sequence[str] = (),
    only: Sequence[str] = (),
    registry: Registry | None = None,
    progress: Callable[[OutcomeAnalysis], object] | None = None,
    **words: Any,  # noqa: ANN401 - the fields of Settings
) -> ReviewAnalysis:
    """Run every outcome of a review; none is dropped, and what cannot be analysed says why.

    Without ``settings`` each outcome is made by what its file states (method, model, measure, levels, totals …), over
    the review's preset. With them, what files state of estimators and intervals gives way, and the rest stays.
    ``words`` take precedence over both. ``exclude`` names studies to leave out wherever they are, ``only`` places of
    outcomes (``"1.2"``, or ``"1"`` for a whole comparison); ``progress`` is told of every outcome when it is done.

    Raises `SettingsError` for a word, a preset, a study or a place that is not there.
    """
    registry = registry or default_registry()
    refuse_unknown("settings", words, WORDS)
    if settings is None or isinstance(settings, str):
        Settings(preset=settings or review.preset)
    _refuse_absent(review, exclude, only)
    run = _Run(review, settings, words, exclude, registry)
    made: list[OutcomeAnalysis] = []
    for place, comparison, outcome in review.outcomes:
        if only and place not in only and str(comparison.number) not in only:
            continue
        made.append(run.outcome(place, comparison, outcome))
        if progress is not None:
            progress(made[-1])
    return ReviewAnalysis(review, tuple(made), settings)


def _refuse_absent(review: Review, exclude: Sequence[str], only: Sequence[str]) -> None:
    places = [place for place, _, _ in review.outcomes]
    known = {*places, *(str(one.number) for one in review.comparisons)}
    for place in only:
        if place not in known:
            msg = f"there is no outcome {place!r}; there are {', '.join(places[:20])}{' …' if len(places) > 20 else ''}"  # noqa: PLR2004 - a readable line
            raise SettingsError(msg)
    names = {name for study in review.studies for name in (study.id, study.name)}
    for study in exclude:
        if study not in names:
            msg = f"cannot leave out {study!r}: no study of the review has that name"
            raise SettingsError(msg)


@attrs.frozen
class _Run:
    """Run outcomes, one after another, by one request."""

    review: Review
    settings: str | Settings | None
    words: Mapping[str, Any]
    exclude: Sequence[str]
    registry: Registry

    def outcome(self, place: str, comparison: ReviewComparison, outcome: ReviewOutcome) -> OutcomeAnalysis:
        rows = order_of(outcome, self.review)
        if not rows or outcome.data_type == "other":
            return OutcomeAnalysis(place, comparison, outcome, rows, None, NO_NUMBERS if rows else NO_ROWS)
        stated = words_of(outcome, own=self.settings is None)
        if (self.words.get("measure") or stated.get("measure")) is None:
            return OutcomeAnalysis(place, comparison, outcome, rows, None, NO_MEASURE)
        try:
            settings, methods = resolve(self.settings or self.review.preset, {**stated, **self.words}, self.registry)
            analysis = self.analysis(outcome, rows, settings, methods)
            again = reorder(outcome, rows, analysis)
            if again != rows:
                rows, analysis = again, self.analysis(outcome, again, settings, methods)
        except EvisynthError as error:
            return OutcomeAnalysis(place, comparison, outcome, rows, None, str(error))
        return OutcomeAnalysis(place, comparison, outcome, rows, analysis)

    def analysis(self, outcome: ReviewOutcome, rows: Rows, settings: Settings, methods: Methods) -> MetaAnalysis:
        studies = studies_of(self.review, outcome, rows)
        measured = self.without_excluded(measure_studies(studies, settings, self.registry), rows)
        members = _members(outcome, rows)
        apart = [i for i, (_, row) in enumerate(rows) if row.level == "subgroup"]
        return analyse(measured, settings, methods, members=members or None, only_in_subgroups=apart)

    def without_excluded(self, measured: Effects, rows: Rows) -> Effects:
        known = self.review.study_by_id
        wanted = {
            measured.study_id[i]
            for i, (_, row) in enumerate(rows)
            if row.study in self.exclude or (row.study in known and known[row.study].name in self.exclude)
        }
        return leave_out(measured, sorted(wanted)) if wanted else measured


def words_of(outcome: ReviewOutcome, *, own: bool = True) -> dict[str, Any]:
    """Give an outcome's settings as words of a request; with ``own`` what it states of estimators and intervals too."""
    words: dict[str, Any] = {
        name: value
        for name in ("measure", "method", "model", "effect_label", "group_1", "group_2", "favours_1", "favours_2")
        if (value := getattr(outcome, name)) is not None
    }
    words |= {name: getattr(outcome, name) for name in ("level", "study_level", "subgroup_test")}
    # Subtotals of an outcome without subgroups are none.
    words["totals"] = "none" if outcome.totals == "subgroups" and not outcome.subgroups else outcome.totals
    if outcome.swap_events:
        words["swap_events"] = True
    if outcome.data_type == "generic":
        words["scale"] = "log" if outcome.log_data else "linear"
    return {**words, **outcome.words} if own else words


def subgroup_names(outcome: ReviewOutcome) -> tuple[str, ...]:
    """Give the subgroups' names, made distinct."""
    return distinct_labels([one.name or f"Subgroup {one.number}" for one in outcome.subgroups])


def studies_of(review: Review, outcome: ReviewOutcome, rows: Rows) -> Studies:
    """Make the table of an outcome's rows, in their order; raises `DataError` for impossible numbers."""
    known = review.study_by_id
    names = dict(zip(map(id, outcome.subgroups), subgroup_names(outcome), strict=True))
    columns: dict[str, Any] = {
        "study": [known[row.study].name if row.study in known else row.study for _, row in rows],
        "year": [known[row.study].year if row.study in known else None for _, row in rows],
    }
    if outcome.subgroups:
        columns["subgroup"] = [None if subgroup is None else names[id(subgroup)] for subgroup, _ in rows]
    needed = () if outcome.data_type in {"generic", "o-e"} else DATA_COLUMNS[outcome.data_type]
    for column in dict.fromkeys((*needed, *(name for _, row in rows for name in row.data))):
        columns[column] = [row.data.get(column) for _, row in rows]
    studies = studies_from_table(Table(columns), source=f"outcome {outcome.number} ({outcome.name})")
    # The same study in several subgroups is the review's own doing, and not a slip of whoever made a table.
    return attrs.evolve(studies, notes=(), source=review.source)


def _members(outcome: ReviewOutcome, rows: Rows) -> dict[str, Sequence[int]]:
    """Give the rows of each subgroup; those that are pooled overall alone are in none."""
    made: dict[str, Sequence[int]] = {}
    for name, subgroup in zip(subgroup_names(outcome), outcome.subgroups, strict=True):
        index = [i for i, (own, row) in enumerate(rows) if own is subgroup and row.level != "overall"]
        if index:
            made[name] = index
    return made
