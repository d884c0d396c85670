"""Two settings side by side: the conclusions that change, and the choices behind them."""

from __future__ import annotations

import csv
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import attrs
import pytest

import evisynth as es
from evisynth.columns import unknown_output_columns
from evisynth.reviews.analysis import fit_review
from evisynth.reviews.conclusions import shown_number, shown_p_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

COUNTS: tuple[str, ...] = ("events_1", "n_1", "events_2", "n_2")


def review(*outcomes: es.ReviewOutcome, **fields: Any) -> es.Review:  # noqa: ANN401 - of a review
    """Make a review of one comparison."""
    names = dict.fromkeys(row.study for outcome in outcomes for _, row in outcome.all_rows)
    return es.Review(
        title="Made up",
        studies=tuple(es.ReviewStudy(id=name, name=name) for name in names),
        comparisons=(es.ReviewComparison(number=1, name="Drug v placebo", outcomes=outcomes),),
        **fields,
    )


def rows(data: Sequence[Mapping[str, float]], first: int = 1) -> tuple[es.ReviewRow, ...]:
    return tuple(es.ReviewRow(study=f"Study {first + i}", data=one) for i, one in enumerate(data))


def given(effects: Sequence[float], errors: Sequence[float], first: int = 1) -> tuple[es.ReviewRow, ...]:
    return rows([{"yi": y, "sei": se} for y, se in zip(effects, errors, strict=True)], first)


def generic(number: int, own: tuple[es.ReviewRow, ...] = (), **fields: Any) -> es.ReviewOutcome:  # noqa: ANN401 - of an outcome
    words: dict[str, Any] = {"data_type": "generic", "measure": "GEN", "method": "IV", "model": "random"}
    return es.ReviewOutcome(number=number, name=f"Outcome {number}", rows=own, **{**words, **fields})


def founding(file: str, measure: str) -> es.Review:
    """Make a review of a table that ships with the package."""
    text = (files("evisynth_validation") / "founding" / file).read_text(encoding="utf-8")
    table = list(csv.DictReader(text.splitlines()))
    own = tuple(es.ReviewRow(study=one["study"], data={name: float(one[name]) for name in COUNTS}) for one in table)
    outcome = es.ReviewOutcome(
        number=1, name="Death", data_type="dichotomous", measure=measure, method="MH", model="random", rows=own
    )
    return review(outcome)


# Three like studies: t with 2 df is wide. Two that agree closely: the Hartung–Knapp interval is narrower.
LIKE = given([0.5, 0.7, 0.6], [0.2, 0.2, 0.2])
CLOSE = given([0.150, 0.155, 0.152, 0.151], [0.2, 0.2, 0.2, 0.2])


def changes(result: es.ComparedResult) -> dict[str, Any]:
    return {change.kind: change for change in result.changes}


def moved(result: es.ComparedResult) -> dict[str, Any]:
    return {change.kind: change for change in result.moved}


def test_the_founding_mortality_under_todays_settings() -> None:
    whole = es.compare_settings(founding("mortality_kirkham_2022.csv", "RR"))["1.1"].whole
    assert whole.one is not None
    assert whole.other is not None
    assert whole.one.display is not None
    assert whole.other.display is not None
    assert [f"{x:.2f}" for x in attrs.astuple(whole.one.display)] == ["0.63", "0.42", "0.94"]
    assert [f"{x:.2f}" for x in attrs.astuple(whole.other.display)][1:] == ["0.40", "0.98"]
    # Both are significant, and 14 % and 0 % lie in one band: numbers move, conclusions stay.
    assert not whole.changed
    found = moved(whole)
    assert found["i2"].tag == "I² 14 % → 0 %"
    assert found["i2"].how == "needed"
    assert {cause.choice for cause in found["i2"].causes} == {"tau2", "i2"}
    assert "REML estimates tau² 0 where DerSimonian–Laird estimates 0.043" in found["i2"].why
    assert "I² is computed from tau² instead of Q" in found["i2"].why
    assert found["interval"].tag == "interval [0.42, 0.94] → [0.40, 0.98]"
    assert [cause.choice for cause in found["interval"].causes] == ["interval"]
    assert found["interval"].why.startswith("Hartung–Knapp interval (k = 7) instead of Wald's: t with 6 df")
    assert [cause.choice for cause in found["effect"].causes] == ["tau2"]


def test_each_choice_alone_gives_the_numbers_that_its_reason_states() -> None:
    studies = founding("mortality_kirkham_2022.csv", "RR")
    requests: tuple[tuple[dict[str, Any], str], ...] = (
        ({"tau2": "REML"}, "14"),
        ({"i2": "tau2"}, "14"),
        ({"tau2": "REML", "i2": "tau2"}, "0"),
    )
    for words, shown in requests:
        made = fit_review(studies, "revman5", **words)[0].analysis
        assert made is not None
        assert f"{made.heterogeneity.i2:.0f}" == shown


def test_significance_is_lost_by_hartung_and_knapp() -> None:
    whole = es.compare_settings(review(generic(1, given([0.5, 0.9], [0.2, 0.2]))))[0].whole
    change = changes(whole)["significance"]
    assert change.tag == "no longer significant"
    assert change.how == "alone"
    assert [(cause.choice, cause.alone, cause.needed) for cause in change.causes] == [("interval", True, True)]
    assert dict(change.causes[0].one) == {"interval": "Wald"}
    assert dict(change.causes[0].other) == {"interval": "HK"}
    assert "t with 1 df" in change.why
    assert any("two studies" in warning for warning in whole.warnings)


def test_a_narrower_interval_is_a_change_and_a_warning() -> None:
    whole = es.compare_settings(review(generic(1, CLOSE)))[0].whole
    assert set(changes(whole)) == {"significance", "width"}
    assert changes(whole)["significance"].tag == "now significant"
    assert whole.width_ratio is not None
    assert whole.width_ratio < 0.1
    assert any("adhoc='ci'" in warning for warning in whole.warnings)
    kept = es.compare_settings(review(generic(1, CLOSE)), other={"settings": "revman-web", "adhoc": "ci"})[0].whole
    assert not kept.warnings
    assert kept.width_ratio == pytest.approx(1.0)


def test_the_width_that_counts_is_a_parameter() -> None:
    one = review(generic(1, LIKE))
    ratio = es.compare_settings(one)[0].whole.width_ratio
    assert ratio is not None
    assert ratio < 1.2
    assert "width" not in changes(es.compare_settings(one)[0].whole)
    least = max(ratio, 1 / ratio)
    assert "width" in changes(es.compare_settings(one, width_ratio=least * 0.9999)[0].whole)
    for wrong in (1.0, 0.5, float("inf"), float("nan"), True, "2"):
        with pytest.raises(es.SettingsError, match="width_ratio"):
            es.compare_settings(one, width_ratio=wrong)  # type: ignore[arg-type]


def test_the_direction_turns_by_the_model() -> None:
    # The precise study says one thing, the small ones another.
    own = given([-0.10, 0.8, 0.9, 0.7], [0.02, 0.3, 0.3, 0.3])
    made = es.compare_settings(review(generic(1, own)), {"model": "common"}, {"model": "random"})
    change = changes(made[0].whole)["direction"]
    assert [cause.choice for cause in change.causes] == ["model"]
    assert change.why == "random-effects model instead of common-effect"


def test_choices_that_act_only_together_are_named_together() -> None:
    """I² from τ² says what Q says under DL; another τ² alone leaves an I² from Q as it is."""
    own = given([0.0, 0.35, 0.75, -0.2], [0.2, 0.25, 0.2, 0.4])
    one = {"settings": "revman5", "tau2": "DL", "i2": "q"}
    made = es.compare_settings(review(generic(1, own)), one, {**one, "tau2": 0.0, "i2": "tau2"})[0].whole
    change = changes(made)["i2_band"]
    assert change.how == "needed"
    assert [cause.choice for cause in change.causes] == ["tau2", "i2"]
    assert change.why.startswith("together: ")


def test_either_of_two_choices_may_be_enough() -> None:
    own = given([0.2, 0.9, 0.5, 0.1], [0.1, 0.2, 0.3, 0.2])
    made = es.compare_settings(
        review(generic(1, own)),
        {"settings": "revman5", "tau2": 0.0},
        {"settings": "revman5", "interval": "HK", "tau2": 0.2},
    )[0].whole
    change = changes(made)["width"]
    assert change.how == "alone"
    assert [(cause.choice, cause.alone) for cause in change.causes] == [("tau2", True), ("interval", True)]
    assert change.why.startswith("each by itself: tau² is given as 0.2")


def test_a_prediction_interval_says_another_thing_than_the_confidence_interval() -> None:
    own = given([0.2, 0.9, 0.5, 0.7, 0.1, 0.8], [0.1] * 6)
    change = changes(es.compare_settings(review(generic(1, own)))[0].whole)["prediction"]
    assert change.tag == "prediction interval includes no effect"
    assert "prediction" in [cause.choice for cause in change.causes]
    # Where the confidence interval includes no effect as well, it is no news.
    blurred = given([-0.2, 0.9, -0.5, 0.7], [0.1] * 4)
    assert "prediction" not in changes(es.compare_settings(review(generic(1, blurred)))[0].whole)


def test_a_common_effect_stays_as_it_is() -> None:
    made = es.compare_settings(review(generic(1, LIKE, model="common")))
    assert not made[0].whole.changed
    assert not made[0].whole.moved
    assert made.counts["significance"] == (0, 0)
    assert "no conclusion changes" in str(made)


def test_what_the_file_states_stays_under_either_settings() -> None:
    made = es.compare_settings(review(generic(1, LIKE, level=0.9)))[0].whole
    assert made.one is not None
    assert made.other is not None
    assert (made.one.settings.level, made.other.settings.level) == (0.9, 0.9)


def test_words_over_the_files_own_settings() -> None:
    own = generic(1, given([0.2, 0.9, 0.5], [0.1, 0.2, 0.3]), words={"tau2": "PM", "interval": "HK"})
    made = es.compare_settings(review(own), None, {"tau2": "DL"})
    whole = made[0].whole
    assert whole.one is not None
    assert whole.other is not None
    assert (whole.one.settings.tau2, whole.one.settings.interval) == ("PM", "HK")
    assert (whole.other.settings.tau2, whole.other.settings.interval) == ("DL", "HK")
    assert (made.one, made.other) == ("as the file states", "as the file states, tau2 DL")
    both = es.compare_settings(review(own), None, {"tau2": "DL"}, level=0.8)[0].whole
    assert both.one is not None
    assert both.other is not None
    assert (both.one.settings.level, both.other.settings.level) == (0.8, 0.8)


def test_settings_as_a_value_are_called_by_what_they_are() -> None:
    made = es.compare_settings(review(generic(1, LIKE)), "revman5", es.Settings("revman5", tau2="PM"))
    assert made.other == "revman5, tau2 PM"


def test_a_mixture_takes_the_words_of_its_side_over_those_of_the_file() -> None:
    data = [
        dict(zip(COUNTS, numbers, strict=True)) for numbers in ((12, 40, 25, 40), (9, 40, 20, 40), (14, 50, 24, 50))
    ]
    outcome = es.ReviewOutcome(
        number=1, name="Death", data_type="dichotomous", measure="RR", method="MH", model="common", rows=rows(data)
    )
    change = changes(es.compare_settings(review(outcome), {"measure": "RR"}, {"measure": "OR"})[0].whole)["width"]
    assert [cause.choice for cause in change.causes] == ["measure"]
    assert change.why == "measure is OR instead of RR"


def test_subgroups_are_compared_and_counted_apart() -> None:
    subgroups = (
        es.ReviewSubgroup(number=1, name="Two", rows=given([0.5, 0.9], [0.2, 0.2])),
        es.ReviewSubgroup(number=2, name="None"),
    )
    made = es.compare_settings(
        review(generic(1, subgroups=subgroups), generic(2, subgroups=subgroups, totals="subgroups"))
    )
    first, second = made
    assert [result.place for result in first.results] == ["1.1", "1.1.1", "1.1.2"]
    assert "significance" in changes(first.results[1])
    assert first.results[2].reason == "the file holds no studies for this subgroup"
    # Of a result that the review does not show nobody concludes anything.
    assert second.whole.not_shown == "the review shows subtotals only"
    assert not second.whole.changes
    assert second.compared
    assert made.counts["significance"] == (1, 2)


def test_what_cannot_be_run_is_kept_with_the_reason() -> None:
    counts = [dict(zip(COUNTS, numbers, strict=True)) for numbers in ((2, 40, 9, 40), (3, 40, 9, 40))]
    odds = es.ReviewOutcome(
        number=1, name="Death", data_type="dichotomous", measure="RR", method="MH", model="random", rows=rows(counts)
    )
    empty = generic(2)
    hidden = generic(3, LIKE, totals="none")
    made = es.compare_settings(review(odds, empty, hidden), "revman5", "metafor")
    assert [outcome.place for outcome in made] == ["1.1", "1.2", "1.3"]
    change = changes(made[0].whole)["estimability"]
    assert change.tag == "no longer estimable"
    assert "metafor has no random-effect model" in change.difference.other
    assert made.not_compared == {
        "the file holds no studies for this outcome": 1,
        "the review shows no totals": 1,
    }
    assert "1 not compared: the review shows no totals" in str(made)


def test_places_and_words_that_are_not_there_are_refused() -> None:
    one = review(generic(1, LIKE), generic(2, CLOSE))
    assert [outcome.place for outcome in es.compare_settings(one, only=("1.2",))] == ["1.2"]
    with pytest.raises(KeyError):
        es.compare_settings(one, only=("1.2",))["1.1"]
    with pytest.raises(es.SettingsError, match=r"9\.9"):
        es.compare_settings(one, only=("9.9",))
    with pytest.raises(es.SettingsError, match="no 'tau'"):
        es.compare_settings(one, {"tau": "DL"})
    with pytest.raises(es.SettingsError, match="revman4"):
        es.compare_settings(one, other={"settings": "revman4"})


def test_progress_is_told_of_every_outcome() -> None:
    seen: list[es.ComparedOutcome] = []
    made = es.compare_settings(review(generic(1, LIKE), generic(2)), progress=seen.append)
    assert tuple(seen) == made.outcomes


def test_json_and_table() -> None:
    subgroups = (es.ReviewSubgroup(number=1, name="Two", rows=given([0.5, 0.9], [0.2, 0.2])),)
    made = es.compare_settings(review(generic(1, subgroups=subgroups), generic(2)))
    document = json.loads(made.to_json())
    assert document["settings"] == {"one": "revman5", "other": "revman-web"}
    whole = document["outcomes"][0]
    assert whole["one"]["significant"] is True
    assert whole["other"]["significant"] is False
    assert whole["changes"][0]["causes"][0]["other"] == {"interval": "HK"}
    assert whole["differences"]["width_ratio"] == pytest.approx(made[0].whole.width_ratio)
    assert document["outcomes"][1]["reason"] == "the file holds no studies for this outcome"
    assert document["counts"]["significance"] == {"outcomes": 1, "subgroups": 1}
    frame = made.to_frame()
    assert unknown_output_columns(frame.columns) == []
    assert list(frame["place"]) == ["1.1", "1.1.1", "1.2"]
    assert frame["changes"][0].startswith("no longer significant")
    assert frame["reason_other"][2] == "the file holds no studies for this outcome"
    assert repr(made) == "<SettingsComparison revman5 | revman-web: 1 of 1 outcomes change>"


@pytest.mark.parametrize(
    ("i2", "bands"),
    [
        (0, 1),
        (29.9, 1),
        (30, 2),
        (40, 2),
        (45, 1),
        (55, 2),
        (60, 2),
        (74, 1),
        (75, 2),
        (90, 2),
        (90.1, 1),
        (100, 1),
    ],
)
def test_bands_of_i2_overlap(i2: float, bands: int) -> None:
    assert len(es.i2_bands(i2)) == bands


def test_numbers_are_printed_so_that_they_can_be_told_apart() -> None:
    assert [shown_p_value(p) for p in (0.049, 0.0514, 0.3, 1e-9)] == ["= 0.049", "= 0.051", "= 0.30", "< 0.0001"]
    assert [shown_number(x) for x in (-0.001, 2.5e7, float("inf"), 1.005)] == ["0.00", "2.5e+07", "∞", "1.00"]


def test_every_outcome_of_the_reference_files_is_there(shared_reference: Path) -> None:
    for path in sorted((shared_reference / "rm5").glob("*.rm5"))[:3]:
        read = es.load(path)
        assert isinstance(read, es.Review)
        made = es.compare_settings(read)
        assert [outcome.place for outcome in made] == [place for place, _, _ in read.outcomes]
        assert all(outcome.compared or outcome.reason for outcome in made)
        # These settings differ in nothing else than what is explained.
        assert all(change.why for result in made.changed for change in result.changes)
        json.loads(made.to_json())
