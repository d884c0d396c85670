"""The user's own data are replayed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

import evisynth as es
from evisynth.validation import performance

if TYPE_CHECKING:
    from pathlib import Path

TABLE = "study,events_1,n_1,events_2,n_2\nA,4,123,11,139\nB,6,306,29,303\nC,3,231,11,220\nD,62,13598,248,12867\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "own.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


def test_a_table_is_held_to_50_digits_and_to_itself(table: Path) -> None:
    made = performance.qualify_performance(table, measure="RR")
    assert made.passed
    (one,) = made.analyses
    assert one.k == 4
    assert one.reasons == ()
    quantities = {number.quantity for number in one.agreements}
    assert {"τ²", "pooled effect", "standard error", "Q", "the whole result"} <= quantities
    assert all(number.verdict == "agrees" for number in one.agreements)
    assert len(one.agreements) > 25


def test_without_mpmath_there_is_a_reason(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "evisynth_validation.mpmath", None)
    made = performance.qualify_performance(table, measure="RR")
    assert made.passed
    assert made.analyses[0].reasons == (performance.NO_MPMATH,)


def test_one_study_has_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_text("\n".join(TABLE.splitlines()[:2]), encoding="utf-8")
    (one,) = performance.qualify_performance(path, measure="RR").analyses
    assert one.agreements == ()
    assert one.reasons


def test_stored_results_that_are_not_ours_fail(tmp_path: Path) -> None:
    rows = tuple(
        es.ReviewRow(study=name, data={"events_1": a, "n_1": 50.0, "events_2": c, "n_2": 50.0})
        for name, a, c in (("A 1", 4.0, 9.0), ("B 2", 8.0, 12.0))
    )
    for effect, passed in ((0.5809523809523809, True), (0.58, False)):
        stored = es.StoredResults(numbers={"display": effect} if not passed else {})
        outcome = es.ReviewOutcome(
            number=1,
            name="Death",
            data_type="dichotomous",
            measure="RR",
            method="MH",
            model="common",
            rows=rows,
            stored=stored,
        )
        comparison = es.ReviewComparison(number=1, name="Drug", outcomes=(outcome,))
        folder = es.save(
            es.Review(title="R", comparisons=(comparison,)), tmp_path / str(passed), format="review-folder"
        )
        made = performance.qualify_performance(folder)
        assert made.passed is passed, made.disagreements
        assert made.kind == "review"
        assert (made.stored is None) is passed
