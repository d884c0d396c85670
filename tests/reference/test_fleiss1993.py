"""The same two analyses in four forms: equal study data, and equal results of the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import evisynth as es

if TYPE_CHECKING:
    from pathlib import Path

FORMS = ("Fleiss1993.rm5", "Fleiss1993.zip", "Fleiss1993_CR.csv", "FLEISS1993.MTV")
MEASURE_OF_1_2 = {"Fleiss1993.rm5": "SMD", "Fleiss1993.zip": "SMD", "Fleiss1993_CR.csv": "MD", "FLEISS1993.MTV": "MD"}


@pytest.fixture(scope="module")
def reviews(shared_reference: Path) -> dict[str, es.Review]:
    return {name: es.load(shared_reference / "fleiss1993" / name) for name in FORMS}


def data_of(review: es.Review, place: str) -> dict[str, dict[str, float]]:
    outcome = next(outcome for own, _, outcome in review.outcomes if own == place)
    return {review.study_by_id[row.study].name: dict(row.data) for _, row in outcome.all_rows}


@pytest.mark.filterwarnings("ignore::evisynth.DataWarning")
def test_study_data_are_equal_in_all_forms(reviews: dict[str, es.Review]) -> None:
    truth = reviews["Fleiss1993.rm5"]
    for name, review in reviews.items():
        for place in ("1.1", "1.2"):
            assert data_of(review, place) == data_of(truth, place), (name, place)
        years = {study.name: study.year for study in review.studies}
        assert years == {study.name: study.year for study in truth.studies}, name


@pytest.mark.filterwarnings("ignore::evisynth.DataWarning")
def test_results_are_equal_and_the_second_outcome_has_the_measure_that_each_form_states(
    reviews: dict[str, es.Review],
) -> None:
    truth = es.fit(reviews["Fleiss1993.rm5"])["1.1"].analysis
    assert truth is not None
    assert truth.display is not None
    # As RevMan stores it.
    assert truth.display.value == pytest.approx(0.8968656, abs=1e-7)
    for name, review in reviews.items():
        made = es.fit(review)
        first, second = made["1.1"].analysis, made["1.2"].analysis
        assert first is not None
        assert second is not None
        # The order of the studies differs, and with it the rounding of sums.
        assert first.display is not None
        assert first.display.value == pytest.approx(truth.display.value, rel=1e-14)
        assert first.display.ci_low == pytest.approx(truth.display.ci_low, rel=1e-14)
        assert first.heterogeneity.q == pytest.approx(truth.heterogeneity.q, rel=1e-12)
        assert second.effects.measure == MEASURE_OF_1_2[name]


@pytest.mark.filterwarnings("ignore::evisynth.DataWarning")
def test_what_is_stored_agrees_at_its_digits(reviews: dict[str, es.Review]) -> None:
    counts = {name: len(es.verify(review).compared) for name, review in reviews.items()}
    assert counts["FLEISS1993.MTV"] == 0
    for name, review in reviews.items():
        found = es.verify(review)
        assert found.disagreements == (), name
        assert name == "FLEISS1993.MTV" or len(found.compared) > 40
    assert [reviews[name].decimals for name in FORMS] == [None, 6, 8, None]
    # The second outcome's results are all 0 in the package, and empty in the file of RevMan 5.
    for name in ("Fleiss1993.rm5", "Fleiss1993.zip"):
        missing = es.verify(reviews[name], only=["1.2"]).reasons
        assert any("nothing stored" in reason for reason in missing), missing
