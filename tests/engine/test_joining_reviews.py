"""Parts of a review from several files become one: studies match by name or id, and nothing is lost on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import evisynth as es
from evisynth.reviews.matching import folded_name

if TYPE_CHECKING:
    from pathlib import Path

JOURNAL = es.ReviewReference(kind="JOURNAL_ARTICLE", fields={"title": "Cord clamping"})


def study(name: str, id: str | None = None, **words: Any) -> es.ReviewStudy:  # noqa: A002, ANN401 - those of a study
    return es.ReviewStudy(id=id or f"STD-{name}", name=name, **words)


def judged(*names: str, tool: str = "RoB 2", source: str = "bias.csv", word: str = "low") -> es.Review:
    """Make the review that a table of risk of bias is."""
    domain = es.BiasDomain(
        id="D1", name="Randomisation", judgements=tuple(es.Judgement(study=name, judgement=word) for name in names)
    )
    risk = es.RiskOfBias(tool=tool, domains=(domain,), weights=dict.fromkeys(names, 1.0))
    return es.Review(studies=tuple(study(name, name) for name in names), risk_of_bias=(risk,), source=source)


def with_rows(*names: str, source: str = "review.rm5") -> es.Review:
    """Make a review with a row for each study, half of them in a subgroup."""
    rows = tuple(es.ReviewRow(study=f"STD-{name}", data={"yi": 1.0, "sei": 0.5}) for name in names)
    outcome = es.ReviewOutcome(
        number=1,
        name="Death",
        data_type="generic",
        rows=rows[::2],
        subgroups=(es.ReviewSubgroup(number=1, name="Late", rows=rows[1::2]),),
    )
    comparison = es.ReviewComparison(number=1, name="Cord", outcomes=(outcome,))
    return es.Review(
        title="Cord",
        preset="revman-web",
        decimals=6,
        studies=tuple(study(name) for name in names),
        comparisons=(comparison,),
        source=source,
    )


def test_judgements_find_their_studies() -> None:
    review = with_rows("Shu 2020", "Müller 2019", "MRC-1")
    joined = es.join_reviews(review, judged("SHU, 2020", "MÜLLER  2019", "MRC 1"))
    assert joined.studies == review.studies
    assert not joined.notes
    (risk,) = joined.risk_of_bias
    assert [one.study for one in risk.domains[0].judgements] == [one.id for one in review.studies]
    assert set(risk.weights) == {one.id for one in review.studies}
    assert joined.comparisons == review.comparisons
    assert joined.source == "review.rm5"


def test_what_matches_nothing_is_added_and_noted() -> None:
    joined = es.join_reviews(with_rows("Shu 2020", "Lee 2001"), judged("Shu 2021", "Bo"))
    assert [one.name for one in joined.studies] == ["Shu 2020", "Lee 2001", "Shu 2021", "Bo"]
    assert joined.notes == (
        "bias.csv: studies that match none of the review are added: 'Shu 2021' (near 'Shu 2020'), 'Bo'",
    )
    assert [one.study for one in joined.risk_of_bias[0].domains[0].judgements] == ["Shu 2021", "Bo"]


def test_many_that_match_nothing_are_counted() -> None:
    joined = es.join_reviews(with_rows("x"), judged(*(f"study number {i}" for i in range(25))))
    (note,) = joined.notes
    assert note.endswith("and 15 more")
    assert len(joined.studies) == 26


def test_studies_by_name_and_year() -> None:
    review = es.Review(
        studies=(study("Shu", year="2020"), study("Shu", "other", year="2021"), study("AMIS", year="1980"))
    )
    joined = es.join_reviews(review, judged("Shu 2021", "AMIS 1980"))
    assert [one.study for one in joined.risk_of_bias[0].domains[0].judgements] == ["other", "STD-AMIS"]
    assert joined.studies == review.studies


def test_studies_by_id() -> None:
    review = with_rows("Shu 2020")
    part = attrs.evolve(judged("STD-Shu 2020"), studies=(study("Another name", "STD-Shu 2020"),))
    assert es.join_reviews(review, part, by="id").studies == review.studies
    assert len(es.join_reviews(review, part).studies) == 2
    assert [one.id for one in es.join_reviews(review, part).studies] == ["STD-Shu 2020", "STD-Shu 2020 (2)"]
    assert es.join_reviews(review, part).risk_of_bias[0].domains[0].judgements[0].study == "STD-Shu 2020 (2)"


def test_judgements_without_studies_bring_their_own() -> None:
    part = attrs.evolve(judged("A", "B"), studies=())
    assert [one.name for one in es.join_reviews(es.Review(), part).studies] == ["A", "B"]
    assert es.join_reviews(with_rows("A", "B"), part).studies == with_rows("A", "B").studies


def test_references_and_texts_stand_beside_those_that_are_there() -> None:
    other = es.ReviewReference(kind="BOOK", fields={"title": "Other"})
    own = study("A", references=(JOURNAL,), characteristics={"methods": "RCT", "notes": "n"}, data_source="PUB")
    new = study(
        "a",
        "x",
        year="2001",
        references=(JOURNAL, other),
        characteristics={"methods": "Cohort", "outcomes": "death"},
        identifiers=(("ISRCTN", "1"),),
        data_source="UNPUB",
        status="excluded",
    )
    joined = es.join_reviews(es.Review(studies=(own,)), es.Review(studies=(new,), source="more.ris"))
    (merged,) = joined.studies
    assert (merged.id, merged.name, merged.year, merged.status) == ("STD-A", "A", "2001", "included")
    assert merged.references == (JOURNAL, other)
    assert merged.identifiers == (("ISRCTN", "1"),)
    assert merged.characteristics == {
        "methods": "RCT",
        "notes": "n",
        "methods (more.ris)": "Cohort",
        "outcomes": "death",
    }
    assert joined.notes == (
        "more.ris: 'A' is excluded there and included in the review",
        "more.ris: 'A' has data source 'UNPUB', not 'PUB'",
    )


def test_results_come_where_there_are_none() -> None:
    joined = es.join_reviews(judged("Shu, 2020", "Lee 2001"), with_rows("Shu 2020", "Lee 2001"))
    ((_, _, outcome),) = joined.outcomes
    assert [row.study for _, row in outcome.all_rows] == ["Shu, 2020", "Lee 2001"]
    assert (joined.title, joined.preset, joined.decimals) == ("Cord", "revman-web", 6)


def test_titles_and_parts_that_differ_are_kept_or_said() -> None:
    one = es.Review(title="One", doi="10.1/a", parts={"text": "a", "own": "o"}, source="one")
    two = es.Review(title="Two", id="CD1", doi="10.1/a", parts={"text": "b", "more": "c"}, source="two")
    joined = es.join_reviews(one, two)
    assert (joined.title, joined.id, joined.doi) == ("One", "CD1", "10.1/a")
    assert joined.parts == {"text": "a", "own": "o", "text (two)": "b", "more": "c"}
    assert joined.notes == ("two: its title 'Two' is not that of the review, 'One', which stays",)
    third = attrs.evolve(two, parts={"text": "d"})
    assert es.join_reviews(joined, third).parts["text (two) (2)"] == "d"


def test_notes_of_parts_are_kept_once() -> None:
    part = es.Review(notes=("read with care",))
    assert es.join_reviews(part, part, part).notes == ("read with care",)


FLOW = es.StudyFlow(counts={"records_screened": 5})


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ((judged("A"), judged("A", word="high")), "column RoB 2: the review has other judgements by this tool"),
        ((es.Review(risk_of_bias=judged("A").risk_of_bias * 2),), "column RoB 2: the part has two sets of judgements"),
        (
            (es.Review(flow=FLOW), es.Review(flow=es.StudyFlow(counts={"records_screened": 6}))),
            "column flow: the review has another flow diagram",
        ),
        ((with_rows("A"), with_rows("A", "B")), "column comparisons: the review has comparisons of its own"),
        (
            (judged("MRC 1", "MRC-1"), judged("MRC1", tool="x")),
            r"\(MRC1\) column study: may be any of 'MRC 1', 'MRC-1'",
        ),
        ((judged("MRC 1"), judged("MRC-1", "MRC1", tool="x")), r"\(MRC1\) column study: is 'MRC 1', as is 'MRC-1'"),
        (
            (es.Review(studies=(study("A", year="2001"),)), es.Review(studies=(study("a", year="2002"),))),
            r"\(a\) column year: matches 'A', whose year is 2001 \(given: 2002\)",
        ),
        ((es.Review(studies=(study("A", "1"), study("B", "1"))),), r"\(1\) column id: several studies of the part"),
    ],
)
def test_conflicts_are_named(parts: tuple[es.Review, ...], said: str) -> None:
    with pytest.raises(es.DataError, match=said):
        es.join_reviews(es.Review(), *parts)


def test_an_exact_name_goes_before_a_similar_one() -> None:
    joined = es.join_reviews(judged("MRC 1", "MRC-1"), judged("MRC-1", "MRC 1", tool="x"))
    assert [one.name for one in joined.studies] == ["MRC 1", "MRC-1"]


def test_years_that_say_the_same_do_not_differ() -> None:
    for year in ("2001a", "2001/3", "in press", ""):
        joined = es.join_reviews(
            es.Review(studies=(study("A", year="2001"),)), es.Review(studies=(study("A", year=year),))
        )
        assert joined.studies[0].year == "2001"


@pytest.mark.parametrize("part", [None, "bias.csv", {}, es.Studies(columns={}, study=())])
def test_only_reviews_are_joined(part: object) -> None:
    with pytest.raises(es.InputError, match="is no part of a review: load it as a Review first"):
        es.join_reviews(es.Review(), cast("es.Review", part))


def test_other_ways_to_match_are_refused() -> None:
    with pytest.raises(es.SettingsError, match="by 'name' or by 'id', not by 'year'"):
        es.join_reviews(es.Review(), by="year")


def test_names_without_letters_are_kept_apart() -> None:
    assert folded_name("???") == "???"
    joined = es.join_reviews(judged("???"), judged("!!!", tool="x"))
    assert [one.name for one in joined.studies] == ["???", "!!!"]


def test_the_parts_that_files_hold(tmp_path: Path) -> None:
    files = {
        "refs.ris": "TY  - JOUR\nNS  - Shu 2020\nTI  - Cord\nER  -\nTY  - JOUR\nAU  - Lee, B\nPY  - 2001\nER  -\n",
        "bias.csv": 'Study,D1,D2,D3,D4,D5,Overall\n"Shu, 2020",L,L,L,L,L,L\nlee 2001,L,H,L,L,L,H\n',
        "flow.csv": "data,node,box,boxtext,n\nrecords_screened,NA,NA,NA,5\n",
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    review = with_rows("Shu 2020", "Lee 2001")
    joined = es.join_reviews(review, *(es.load(tmp_path / name) for name in files))
    assert [one.name for one in joined.studies] == ["Shu 2020", "Lee 2001"]
    assert [len(one.references) for one in joined.studies] == [1, 1]
    assert [risk.tool for risk in joined.risk_of_bias] == ["RoB 2"]
    assert joined.flow == FLOW
    assert joined.comparisons == review.comparisons
    assert not joined.notes


names = st.lists(
    st.text(min_size=1, max_size=5), max_size=6, unique_by=lambda name: folded_name(" ".join(name.split()))
)


@given(first=names, second=names)
def test_nothing_is_lost(first: list[str], second: list[str]) -> None:
    one, two = with_rows(*first), judged(*second)
    joined = es.join_reviews(one, two)
    assert [study.id for study in joined.studies][: len(first)] == [study.id for study in one.studies]
    assert len({study.id for study in joined.studies}) == len(joined.studies)
    keys = {folded_name(name) for name in first}
    assert len(joined.studies) == len(first) + sum(folded_name(name) not in keys for name in second)
    judgements = joined.risk_of_bias[0].domains[0].judgements
    assert [folded_name(joined.study_by_id[one.study].name) for one in judgements] == [folded_name(n) for n in second]
    assert es.join_reviews(joined, joined) == es.join_reviews(joined, two) == joined
