"""Draw whole reviews and their parts: comparisons, outcomes, subgroups, rows, risk of bias, and hostile texts."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import attrs
from hypothesis import strategies as st

from evisynth.reviews import model
from evisynth.reviews.model import (
    BiasDomain,
    Judgement,
    OutcomeGroup,
    Review,
    ReviewComparison,
    ReviewOutcome,
    ReviewReference,
    ReviewRow,
    ReviewStudy,
    ReviewSubgroup,
    RiskOfBias,
    StoredResults,
    StudyFlow,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypothesis.strategies import SearchStrategy

HOSTILE_TEXTS = (
    *("", " ", "  leading and trailing  ", "two\nlines", "two\r\nlines", "a\rreturn", "\ttab", "\n", "\ufeffmark"),
    *('=cmd|" /C calc"!A0', "+1", "-5", "@SUM(1)", "'=1", "'", "''", '"', '""', '"""', "a,b;c\td|e", "\\n \\ \\\\"),
    *("\u202eright to left\u202c", "עברית", "Núñez‐Ž 李", "e\u0301", "\0\x1b[31m\x7f\x85\u2028", "\U0001f4a9"),
    *("NA", "nan", "true", "1.5", "1e5", "0,5", "# no comment", "[table]", "id", "name", "text.name", "stored.se"),
    *("study", "subgroup", "yi", "total_1", "event_1", "../up", "a/b", "CON", "a.b", "a: b", "<b>&amp;</b>"),
)
"""Texts that formats lose, run, or take for something else."""

_IDS = st.sampled_from(["Smith 2001", "STD-Wu-1999", "=x", "S 3", "name"])
_WORDS: dict[str, SearchStrategy[Any]] = {
    "tau2": st.sampled_from(["DL", "REML", "PM"]) | st.floats(0, 10),
    "interval": st.sampled_from(["Wald", "HK"]),
    "adhoc": st.sampled_from([None, "se", "ci"]),
    "prediction": st.sampled_from([None, "HTS", "V"]),
    "tau2_interval": st.none() | st.just("QP"),
    "level": st.floats(0.5, 0.999),
    "increment": st.floats(0, 1),
    "tau2_common": st.booleans(),
    "seed": st.integers(0, 2**31),
}


@attrs.frozen(slots=False)
class ReviewParts:
    """Give strategies of the parts of reviews; what a format cannot hold is narrowed by the arguments.

    ``texts`` are those of names, labels and long texts, ``keys`` those of headings and names of columns that the engine
    does not know, ``numbers`` those of data and stored results.
    """

    texts: SearchStrategy[str] = st.sampled_from(HOSTILE_TEXTS) | st.text(max_size=6)
    keys: SearchStrategy[str] = st.sampled_from(HOSTILE_TEXTS) | st.text(max_size=4)
    numbers: SearchStrategy[float] = st.integers(-3, 200).map(float) | st.floats(allow_nan=False)
    ids: SearchStrategy[str] = _IDS
    """Ids of studies: so few that rows and judgements name studies of the review mostly, and that some ids repeat."""
    words_of_outcomes: bool = True
    """Whether further words of settings may have the names of an outcome's own fields."""

    def _maybe(self) -> SearchStrategy[str | None]:
        return st.none() | self.texts

    def _mapping(self, values: SearchStrategy[Any] | None = None, most: int = 2) -> SearchStrategy[dict[str, Any]]:
        return st.dictionaries(self.keys, self.texts if values is None else values, max_size=most)

    def _tuple(self, values: SearchStrategy[Any], most: int = 2) -> SearchStrategy[tuple[Any, ...]]:
        return st.lists(values, max_size=most).map(tuple)

    def _filled(self, values: SearchStrategy[Any]) -> SearchStrategy[tuple[Any, ...]]:
        return st.integers(0, 5).flatmap(lambda n: st.lists(values, min_size=min(n, 1), max_size=3)).map(tuple)

    def _pairs(self) -> SearchStrategy[tuple[tuple[str, str], ...]]:
        return self._tuple(st.tuples(self.texts, self.texts))

    def _stored(self, names: Sequence[str]) -> SearchStrategy[StoredResults]:
        held = st.dictionaries(st.sampled_from(names) | self.keys, self.numbers, min_size=1, max_size=3)
        flag = st.sampled_from([None, True, False])
        return (
            st.just(StoredResults()) | st.builds(StoredResults, held, flag) | st.builds(StoredResults, estimable=flag)
        )

    def references(self) -> SearchStrategy[ReviewReference]:
        """Draw references."""
        known = st.dictionaries(st.sampled_from(["authors", "title", "source", "year"]), self.texts, max_size=3)
        return st.builds(
            ReviewReference,
            kind=st.sampled_from(["OTHER", "JOURNAL_ARTICLE"]) | self.texts,
            fields=known | self._mapping(),
            identifiers=self._pairs(),
            primary=st.booleans(),
            notes=self._maybe(),
        )

    def studies(self) -> SearchStrategy[ReviewStudy]:
        """Draw studies."""
        known = st.dictionaries(st.sampled_from(["methods", "participants", "notes"]), self.texts, max_size=2)
        return st.builds(
            ReviewStudy,
            id=self.ids | self.texts,
            name=self.texts | self.ids,
            year=self._maybe(),
            status=st.sampled_from(["included", "excluded", "awaiting", "ongoing"]),
            data_source=self._maybe(),
            references=self._tuple(self.references()),
            characteristics=known | self._mapping(),
            identifiers=self._pairs(),
        )

    def risk_of_bias(self) -> SearchStrategy[RiskOfBias]:
        """Draw judgements by a tool."""
        judgements = st.builds(
            Judgement,
            study=self.ids,
            judgement=st.sampled_from(["low", "some concerns", "high"]) | self.texts,
            support=self._maybe(),
            group=self._maybe(),
        )
        groups = st.builds(OutcomeGroup, id=self.texts, name=self.texts, outcomes=self._tuple(self.texts))
        domains = st.builds(
            BiasDomain,
            id=self.texts,
            name=self.texts,
            judgements=self._tuple(judgements, 3),
            description=self._maybe(),
            groups=self._tuple(groups),
            core=st.booleans(),
        )
        return st.builds(
            RiskOfBias,
            tool=st.sampled_from(["RoB 1", "RoB 2"]) | self.texts,
            domains=self._tuple(domains, 3),
            weights=st.dictionaries(self.ids, self.numbers, max_size=2),
        )

    def flows(self) -> SearchStrategy[StudyFlow]:
        """Draw counts of a flow diagram."""
        keys = st.sampled_from(["records_screened", "dbr_excluded"]) | self.keys
        reasons = self._tuple(st.tuples(self.texts, st.none() | st.integers(0, 10_000)))
        return st.builds(
            StudyFlow,
            counts=st.dictionaries(keys, st.integers(0, 10_000), max_size=3),
            reasons=st.dictionaries(keys, reasons, max_size=2),
            labels=st.dictionaries(keys, self.texts, max_size=2),
        )

    def rows(self, data_type: model.DataType) -> SearchStrategy[ReviewRow]:
        """Draw rows of a type of data, some with columns left out."""
        columns = dict.fromkeys(model.DATA_COLUMNS[data_type], self.numbers)
        return st.builds(
            ReviewRow,
            study=self.ids,
            data=st.fixed_dictionaries(columns) | st.fixed_dictionaries({}, optional=columns),
            level=st.sampled_from(["both", "both", "subgroup", "overall"]),
            order=st.none() | st.integers(-5, 500),
            footnote=self._maybe(),
            stored=self._stored(model.STORED_OF_ROWS),
            text=self._mapping(),
        )

    def outcomes(self) -> SearchStrategy[ReviewOutcome]:
        """Draw outcomes of every type, empty ones and empty subgroups among them."""
        return st.one_of([self._outcomes(data_type) for data_type in model.DATA_COLUMNS])

    def _outcomes(self, data_type: model.DataType) -> SearchStrategy[ReviewOutcome]:
        rows = self._tuple(self.rows(data_type), 3)
        numbers, maybe = st.integers(1, 3) | st.integers(-9, 9999), self._maybe()
        words = {word: held for word, held in _WORDS.items() if self.words_of_outcomes or word != "level"}
        levels = st.just(0.95) | st.floats(0.5, 0.999)
        subgroups = st.builds(
            ReviewSubgroup,
            number=numbers,
            name=st.sampled_from(["Men", "Women"]) | self.texts,
            id=maybe,
            rows=rows,
            stored=self._stored(model.STORED_OF_SUBGROUPS),
        )
        return st.builds(
            ReviewOutcome,
            number=numbers,
            name=self.texts,
            data_type=st.just(data_type),
            id=maybe,
            method=st.sampled_from([None, "MH", "IV", "Peto"]),
            model=st.sampled_from([None, "common", "random"]),
            measure=st.sampled_from([None, "OR", "RR", "RD", "PETO", "MD", "SMD", "GEN", "O-E"]),
            effect_label=maybe,
            log_data=st.booleans(),
            level=levels,
            study_level=levels,
            totals=st.sampled_from(["overall", "subgroups", "none"]),
            subgroup_test=st.booleans(),
            swap_events=st.booleans(),
            sort_by=st.sampled_from(["study", "year", "weight", "effect", "user"]),
            group_1=maybe,
            group_2=maybe,
            favours_1=maybe,
            favours_2=maybe,
            units=maybe,
            axis=st.none() | self.numbers,
            words=st.fixed_dictionaries({}, optional=words),
            rows=rows,
            subgroups=self._tuple(subgroups, 3),
            stored=self._stored(model.STORED_OF_OUTCOMES),
            text=self._mapping(),
        )

    @cached_property
    def reviews(self) -> SearchStrategy[Review]:
        """Reviews with every field of the model used."""
        comparisons = st.builds(
            ReviewComparison,
            number=st.integers(1, 3) | st.integers(-9, 9999),
            name=self.texts,
            id=self._maybe(),
            outcomes=self._filled(self.outcomes()),
        )
        return st.builds(
            Review,
            title=self.texts,
            id=self._maybe(),
            doi=self._maybe(),
            preset=st.sampled_from(["revman5", "revman-web", "metafor", "meta"]),
            studies=self._tuple(self.studies(), 3),
            risk_of_bias=self._tuple(self.risk_of_bias()),
            comparisons=self._filled(comparisons),
            flow=st.none() | self.flows(),
            decimals=st.none() | st.integers(0, 12),
            parts=self._mapping(),
        )


def reviews(**narrower: Any) -> SearchStrategy[Review]:  # noqa: ANN401 - the fields of `ReviewParts`
    """Draw reviews with every field of the model used, of the texts, keys, numbers and ids of `ReviewParts`."""
    return ReviewParts(**narrower).reviews
