"""Reports of whole reviews: every outcome is there, names from outside stay text, numbers are the results'."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

import attrs
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Sequence

COUNTS = [(12, 60, 18, 58), (3, 25, 4, 27), (9, 40, 2, 38), (7, 31, 15, 30)]
COLUMNS = ("events_1", "n_1", "events_2", "n_2")
HOSTILE = '<script>alert("x")</script>&amp;=1+1\n\x1b[31m'


def rows(table: Sequence[tuple[int, ...]]) -> tuple[es.ReviewRow, ...]:
    return tuple(
        es.ReviewRow(study=f"s{i}", data=dict(zip(COLUMNS, map(float, row), strict=True)))
        for i, row in enumerate(table)
    )


def subgroups() -> tuple[es.ReviewSubgroup, ...]:
    held = rows(COUNTS)
    return (
        es.ReviewSubgroup(number=1, name="Men", rows=held[:2]),
        es.ReviewSubgroup(number=2, name="Women", rows=held[2:]),
        es.ReviewSubgroup(number=3, name="Children", rows=()),
    )


def review(*outcomes: es.ReviewOutcome, title: str = "A review", name: str = "Study") -> es.Review:
    numbered = tuple(attrs.evolve(one, number=i) for i, one in enumerate(outcomes, 1))
    return es.Review(
        title=title,
        studies=tuple(es.ReviewStudy(id=f"s{i}", name=f"{name} {i}", year="2001") for i in range(len(COUNTS))),
        comparisons=(es.ReviewComparison(number=1, name="New versus old", outcomes=numbered),),
    )


def outcome(**settings: Any) -> es.ReviewOutcome:  # noqa: ANN401 - fields of an outcome
    every: dict[str, Any] = {
        "number": 1,
        "name": "Death",
        "data_type": "dichotomous",
        "method": "MH",
        "model": "random",
        "measure": "RR",
    }
    return es.ReviewOutcome(**{**every, **settings})


@pytest.fixture(scope="module")
def made() -> es.ReviewAnalysis:
    """Give a review with an outcome of each fate."""
    return es.fit(
        review(
            outcome(rows=rows(COUNTS)),
            outcome(name="Pain", subgroups=subgroups(), totals="subgroups"),
            outcome(name="Falls", subgroups=subgroups(), totals="none"),
            outcome(name="Not reported"),
            outcome(name="No events", rows=rows([(0, 9, 0, 8)])),
        )
    )


@pytest.fixture(scope="module")
def hostile() -> es.ReviewAnalysis:
    """Give a review whose every name is hostile."""
    groups = tuple(attrs.evolve(one, name=HOSTILE) for one in subgroups())
    held = review(outcome(name=HOSTILE, subgroups=groups, group_1=HOSTILE), title=HOSTILE, name=HOSTILE)
    (comparison,) = held.comparisons
    return es.fit(attrs.evolve(held, comparisons=(attrs.evolve(comparison, name=HOSTILE),), notes=(HOSTILE,)))


def text_of(made: es.ReviewAnalysis | es.MetaAnalysis, reporter: str = "text", **options: Any) -> str:  # noqa: ANN401 - of the reporter
    return str(es.render(made, reporter, **options))


# -- text -------------------------------------------------------------------------------------------------------------


def test_text_has_a_line_per_outcome_and_subgroup(made: es.ReviewAnalysis) -> None:
    text = text_of(made)
    assert text.startswith("A review\n")
    first = made["1.1"].analysis
    assert first is not None
    assert first.display is not None
    line = next(line for line in text.splitlines() if "1.1 Death" in line)
    for part in (
        f"{first.display.value:.2f}",
        f"{first.display.ci_high:.2f}",
        "Risk Ratio (M-H, Random)",
        " 4 ",
        "309",
    ):
        assert part in line
    for name in ("1 New versus old", "1.2 Pain", "1.2.1 Men", "1.2.3 Children", "1.4 Not reported", "1.5 No events"):
        assert name in text
    assert "the file holds no studies for this outcome" in text
    assert "the review shows subtotals only" in text
    assert "the review shows no totals" in text
    without = text_of(made, subgroups=False)
    assert "1.2 Pain" in without
    assert "Men" not in without


def test_text_shows_effects_only_where_the_review_does(made: es.ReviewAnalysis) -> None:
    lines = text_of(made).splitlines()

    def has_effect(start: str) -> bool:
        (line,) = [line for line in lines if line.strip().startswith(start)]
        return re.search(r"\d\.\d\d \[", line) is not None

    assert [has_effect(place) for place in ("1.1 ", "1.2 ", "1.2.1", "1.3 ", "1.3.1")] == [
        True,
        False,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(("totals", "subtotals", "total"), [("overall", 2, 1), ("subgroups", 2, 0), ("none", 0, 0)])
def test_totals_of_the_forest_table(totals: Any, subtotals: int, total: int) -> None:  # noqa: ANN401 - a literal
    analysis = es.fit(review(outcome(subgroups=subgroups(), totals=totals)))["1.1"].analysis
    assert analysis is not None
    text = text_of(analysis)
    assert len(re.findall(r"^ *Subtotal.*\d\.\d\d \[", text, flags=re.MULTILINE)) == subtotals
    assert len(re.findall(r"^ *Total \(.*\d\.\d\d \[", text, flags=re.MULTILINE)) == total
    assert text.count("Study ") >= 4
    assert ("100.0%" in text) == (totals != "none")


def test_no_name_breaks_the_text(hostile: es.ReviewAnalysis) -> None:
    text = text_of(hostile)
    assert "\x1b" not in text
    assert len(text.splitlines()) < 25


# -- data -------------------------------------------------------------------------------------------------------------


def test_csv_has_the_numbers_in_full(made: es.ReviewAnalysis) -> None:
    read = list(csv.DictReader(io.StringIO(text_of(made, "csv"))))
    assert [row["place"] for row in read] == [
        *("1.1", "1.2", "1.2.1", "1.2.2", "1.2.3", "1.3", "1.3.1", "1.3.2", "1.3.3", "1.4", "1.5"),
    ]
    first = made["1.1"].analysis
    assert first is not None
    assert first.display is not None
    assert float(read[0]["display"]) == first.display.value
    assert read[9]["note"] == "the file holds no studies for this outcome"
    assert read[9]["display"] == ""


def test_csv_holds_no_formula(hostile: es.ReviewAnalysis) -> None:
    held = attrs.evolve(hostile.review.comparisons[0].outcomes[0], name="=1+1")
    text = text_of(es.fit(review(held)), "csv")
    (row, *_) = csv.DictReader(io.StringIO(text))
    assert row["outcome"] != "=1+1"
    assert es.unguarded_cell(row["outcome"]) == "=1+1"


def test_json_is_the_whole_result(made: es.ReviewAnalysis, hostile: es.ReviewAnalysis) -> None:
    def refuse(name: str) -> None:
        pytest.fail(f"{name} is not strict JSON")

    document = json.loads(text_of(made, "json"), parse_constant=refuse)
    assert document == json.loads(made.to_json())
    assert [one["place"] for one in document["outcomes"]] == ["1.1", "1.2", "1.3", "1.4", "1.5"]
    assert document["outcomes"][1]["empty_subgroups"] == ["Children"]
    assert json.loads(text_of(hostile, "json"))["outcomes"][0]["name"] == HOSTILE
