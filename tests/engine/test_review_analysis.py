"""Whole reviews: each setting that a file states is honoured, nothing is dropped, and what cannot be run says why."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import attrs
import pytest

import evisynth as es
from evisynth.reviews.analysis import NO_MEASURE, NO_NUMBERS, NO_ROWS, NO_TOTALS, ONE_STUDY, ONLY_SUBTOTALS

if TYPE_CHECKING:
    from collections.abc import Sequence

COUNTS = [(12, 60, 18, 58), (3, 25, 4, 27), (9, 40, 2, 38), (7, 31, 15, 30)]
MEANS = [(5.1, 2.2, 30, 6.4, 2.5, 31), (4.0, 1.9, 12, 4.9, 2.8, 14), (3.2, 2.4, 55, 5.9, 2.7, 50)]
EFFECTS = [(-0.5, 0.2), (0.1, 0.35), (-0.9, 0.41)]
NAMES = ["Zhu 1999", "abel 2010", "Moss 2001", "Baker 1987"]
YEARS = ["1999", "2010", None, "1987"]


def rows(table: Sequence[tuple[float, ...]], columns: tuple[str, ...], **every: Any) -> tuple[es.ReviewRow, ...]:  # noqa: ANN401 - fields of a row
    orders = (2, None, 1, 0)
    return tuple(
        es.ReviewRow(
            study=f"s{i}", order=orders[i], data=dict(zip(columns, map(float, numbers), strict=False)), **every
        )
        for i, numbers in enumerate(table)
    )


DATA = {
    "dichotomous": rows(COUNTS, es.DATA_COLUMNS["dichotomous"]),
    "continuous": rows(MEANS, es.DATA_COLUMNS["continuous"]),
    "generic": rows(EFFECTS, ("yi", "sei")),
    "o-e": rows([(-6.2, 14.1), (1.4, 6.75), (-2.5, 9.0)], ("o_e", "o_e_variance")),
}


def outcome(data_type: Any = "dichotomous", **settings: Any) -> es.ReviewOutcome:  # noqa: ANN401 - fields of an outcome
    every: dict[str, Any] = {"number": 1, "name": "Death", "method": "MH", "model": "common", "measure": "OR"}
    held: dict[str, Any] = {} if "subgroups" in settings or "rows" in settings else {"rows": DATA.get(data_type, ())}
    return es.ReviewOutcome(data_type=data_type, **{**every, **held, **settings})


def review(*outcomes: es.ReviewOutcome) -> es.Review:
    numbered = tuple(attrs.evolve(one, number=i) for i, one in enumerate(outcomes, 1))
    return es.Review(
        title="A review",
        studies=tuple(
            es.ReviewStudy(id=f"s{i}", name=name, year=year)
            for i, (name, year) in enumerate(zip(NAMES, YEARS, strict=True))
        ),
        comparisons=(es.ReviewComparison(number=1, name="New versus old", outcomes=numbered),),
    )


def analysed(data_type: Any = "dichotomous", **settings: Any) -> es.OutcomeAnalysis:  # noqa: ANN401 - as above
    return es.fit(review(outcome(data_type, **settings)))["1.1"]


def result(made: es.OutcomeAnalysis) -> es.MetaAnalysis:
    assert made.analysis is not None, made.no_analysis
    return made.analysis


def columns_of(table: Sequence[tuple[float, ...]], names: tuple[str, ...]) -> dict[str, list[Any]]:
    return {"study": NAMES[: len(table)], **{name: [row[i] for row in table] for i, name in enumerate(names)}}


# -- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
@pytest.mark.parametrize("method", ["MH", "IV"])
@pytest.mark.parametrize("model", ["common", "random"])
def test_measure_method_and_model(measure: str, method: str, model: str) -> None:
    words: dict[str, Any] = {"measure": measure, "method": method, "model": model}
    table = columns_of(COUNTS, es.DATA_COLUMNS["dichotomous"])
    assert result(analysed(sort_by="weight", **words)).pooled is not None
    made = result(analysed(**words, sort_by="user"))
    alone = es.fit(table, settings="revman5", **words)
    assert made.pooled is not None
    assert alone.pooled is not None
    assert made.pooled.value == pytest.approx(alone.pooled.value, rel=1e-13)
    assert made.pooled.se == pytest.approx(alone.pooled.se, rel=1e-13)
    assert (made.settings.measure, made.settings.method, made.settings.model) == (measure, method, model)


@pytest.mark.parametrize("log_data", [True, False])
def test_generic_effects_are_shown_as_ratios_where_they_are_logarithms(log_data: bool) -> None:  # noqa: FBT001 - both cases
    own: dict[str, Any] = {"measure": "GEN", "method": "IV", "log_data": log_data, "effect_label": "Hazard Ratio"}
    made = result(analysed("generic", **own))
    assert made.pooled is not None
    assert made.display is not None
    assert made.label == "Hazard Ratio"
    shown = math.exp(made.pooled.value) if log_data else made.pooled.value
    assert made.display.value == pytest.approx(shown, rel=1e-14)


def test_o_e_is_pooled_by_petos_sums() -> None:
    made = result(analysed("o-e", measure="O-E", method="Peto"))
    assert made.pooled is not None
    assert made.display is not None
    assert made.pooled.value == pytest.approx(-7.3 / 29.85, rel=1e-14)
    assert made.pooled.se == pytest.approx(29.85**-0.5, rel=1e-14)
    assert made.display.value == pytest.approx(math.exp(-7.3 / 29.85), rel=1e-14)


def test_levels_of_studies_and_totals_are_apart() -> None:
    made = result(analysed(measure="RD", study_level=0.9, level=0.99))
    assert made.pooled is not None
    assert (made.pooled.ci_high - made.pooled.ci_low) / made.pooled.se == pytest.approx(2 * 2.5758293035489004)
    for study in made.studies:
        assert study.ci_low is not None
        assert study.ci_high is not None
        assert study.se is not None
        assert (study.ci_high - study.ci_low) / study.se == pytest.approx(2 * 1.6448536269514722)


def test_swapped_events_are_non_events() -> None:
    swapped = result(analysed(measure="RR", swap_events=True)).pooled
    turned = rows([(n_1 - a, n_1, n_2 - c, n_2) for a, n_1, c, n_2 in COUNTS], es.DATA_COLUMNS["dichotomous"])
    assert swapped == result(analysed(measure="RR", rows=turned)).pooled
    assert swapped != result(analysed(measure="RR")).pooled


@pytest.mark.parametrize(
    ("sort_by", "order"),
    [
        ("study", ["abel 2010", "Baker 1987", "Moss 2001", "Zhu 1999"]),
        ("year", ["Baker 1987", "Zhu 1999", "abel 2010", "Moss 2001"]),
        ("user", ["Baker 1987", "Moss 2001", "Zhu 1999", "abel 2010"]),
        ("effect", ["Baker 1987", "Zhu 1999", "abel 2010", "Moss 2001"]),
        ("weight", ["Zhu 1999", "Baker 1987", "abel 2010", "Moss 2001"]),
    ],
)
def test_order_of_studies(sort_by: Any, order: list[str]) -> None:  # noqa: ANN401 - a literal
    made = analysed(sort_by=sort_by)
    assert [study.study for study in result(made).studies] == order
    assert [NAMES[int(row.study[1:])] for _, row in made.rows] == order


def test_labels() -> None:
    made = result(analysed(group_1="New", group_2="Old", favours_1="for new", favours_2="for old")).settings
    assert (made.group_1, made.group_2, made.favours_1, made.favours_2) == ("New", "Old", "for new", "for old")


# -- subgroups and totals ---------------------------------------------------------------------------------------------


def grouped(**settings: Any) -> es.OutcomeAnalysis:  # noqa: ANN401 - fields of an outcome
    held = DATA["dichotomous"]
    groups = (
        es.ReviewSubgroup(number=1, name="Men", rows=held[:2]),
        es.ReviewSubgroup(number=2, name="Men", rows=held[2:]),
        es.ReviewSubgroup(number=3, name="None", rows=()),
    )
    return analysed(subgroups=groups, **settings)


@pytest.mark.parametrize("totals", ["overall", "subgroups", "none"])
def test_totals(totals: Any) -> None:  # noqa: ANN401 - a literal
    made = grouped(totals=totals)
    weights = [study.weight or 0.0 for study in result(made).studies]
    (_, first), (_, second), (empty, nothing) = made.subgroups
    assert first is not None
    assert second is not None
    assert nothing is None
    assert empty.name == "None"
    assert made.note == {"overall": None, "subgroups": ONLY_SUBTOTALS, "none": NO_TOTALS}[totals]
    within = math.fsum(weights[:2]), math.fsum(weights[2:])
    if totals == "overall":
        assert math.fsum(weights) == pytest.approx(100)
        assert (first.weight, second.weight) == pytest.approx(within)
    elif totals == "subgroups":
        assert within == pytest.approx((100, 100))
    else:
        assert within == (0, 0)


def test_subtotals_without_subgroups_are_none() -> None:
    made = analysed(totals="subgroups")
    assert result(made).settings.totals == "none"
    assert made.note == NO_TOTALS


def test_each_subgroup_has_a_tau2_of_its_own() -> None:
    made = grouped(model="random")
    spread = [group.analysis.heterogeneity.tau2 for _, group in made.subgroups if group is not None]
    assert len({*spread, result(made).heterogeneity.tau2}) == 3


def test_the_same_study_in_two_subgroups() -> None:
    held = DATA["dichotomous"]
    groups = tuple(es.ReviewSubgroup(number=i, name=f"g{i}", rows=held[:2]) for i in (1, 2))
    made = result(analysed(subgroups=groups))
    assert made.k == 4
    assert not made.notes


def test_rows_of_one_level_are_pooled_there_alone() -> None:
    held = DATA["dichotomous"]
    groups = (
        es.ReviewSubgroup(number=1, name="a", rows=(held[0], attrs.evolve(held[1], level="subgroup"))),
        es.ReviewSubgroup(number=2, name="b", rows=(held[2], attrs.evolve(held[3], level="overall"))),
    )
    made = result(analysed(subgroups=groups, sort_by="user"))
    first, second = (group.analysis for group in made.subgroups)

    def pooled(*kept: int) -> es.Estimate | None:
        return result(analysed(rows=tuple(held[i] for i in kept))).pooled

    for found, wanted in ((made.pooled, pooled(0, 2, 3)), (first.pooled, pooled(0, 1)), (second.pooled, pooled(2))):
        assert found is not None
        assert wanted is not None
        assert found.value == pytest.approx(wanted.value, rel=1e-13)
        assert found.se == pytest.approx(wanted.se, rel=1e-13)
    weights = {study.study: study.weight for study in made.studies}
    assert not weights["abel 2010"]
    assert math.fsum(weight or 0.0 for weight in weights.values()) == pytest.approx(100)


# -- requests ---------------------------------------------------------------------------------------------------------


def test_words_override_what_files_state() -> None:
    held = review(outcome(model="random"), outcome(measure="RR", model="random"))
    made = es.fit(held, model="common", level=0.8)
    assert [result(one).settings.model for one in made] == ["common", "common"]
    assert [result(one).settings.measure for one in made] == ["OR", "RR"]
    assert {result(one).settings.level for one in made} == {0.8}


def test_settings_replace_estimators_and_keep_the_rest() -> None:
    held = review(outcome(model="random", measure="RR", words={"tau2": "PM", "interval": "Wald"}))
    assert result(es.fit(held)["1.1"]).settings.tau2 == "PM"
    made = result(es.fit(held, settings="revman-web")["1.1"]).settings
    assert (made.tau2, made.interval, made.measure, made.model) == ("REML", "HK", "RR", "random")


@pytest.mark.parametrize("name", ["s0", "Zhu 1999"])
def test_a_study_is_left_out_by_id_or_name(name: str) -> None:
    made = result(es.fit(review(outcome()), exclude=[name])["1.1"])
    assert (made.k, made.k_total) == (3, 4)
    (left,) = [study for study in made.studies if not study.included]
    assert left.study == "Zhu 1999"
    assert left.reason


def test_only_some_outcomes() -> None:
    held = review(outcome(), outcome(), outcome())
    told: list[str] = []

    def tell(one: es.OutcomeAnalysis) -> None:
        told.append(one.place)

    made = es.fit(held, only=["1.2"], progress=tell)
    assert [one.place for one in made] == told == ["1.2"]
    assert len(es.fit(held, only=["1"])) == 3
    assert made[0] is made["1.2"]
    with pytest.raises(KeyError):
        made["1.1"]


@pytest.mark.parametrize(
    ("words", "said"),
    [({"only": ["7.1"]}, "7.1"), ({"exclude": ["Nobody"]}, "Nobody"), ({"settings": "revman6"}, "revman6")],
)
def test_requests_for_what_is_not_there(words: dict[str, Any], said: str) -> None:
    with pytest.raises(es.SettingsError, match=said):
        es.fit(review(outcome()), **words)
    with pytest.raises(es.EvisynthError, match="modle"):
        es.fit(review(outcome()), modle="random")


# -- what cannot be pooled --------------------------------------------------------------------------------------------

IMPOSSIBLE = (es.ReviewRow(study="s0", data={"events_1": 70.0, "n_1": 60.0, "events_2": 1.0, "n_2": 58.0}),)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (outcome(rows=()), NO_ROWS),
        (outcome("other", rows=(es.ReviewRow(study="s0", text={"<TR>": "Fine"}),)), NO_NUMBERS),
        (outcome(measure=None), NO_MEASURE),
        (outcome(rows=IMPOSSIBLE), "Zhu 1999"),
    ],
)
def test_outcomes_without_an_analysis_are_kept_with_the_reason(given: es.ReviewOutcome, reason: str) -> None:
    made = es.fit(review(outcome(), given, outcome()))
    assert [one.analysis is None for one in made] == [False, True, False]
    assert reason in (made["1.2"].reason or "")
    assert made["1.2"].note == made["1.2"].reason
    assert "2 of 3" in repr(made)
    document = made.to_dict()["outcomes"][1]
    assert document["result"] is None
    assert reason in document["note"]
    assert made.to_frame()["note"].tolist()[1] == document["note"]


def test_one_study_is_its_own_effect() -> None:
    made = analysed(rows=DATA["dichotomous"][:1])
    assert made.note == ONE_STUDY
    assert result(made).k == 1
    assert result(made).pooled is not None


def test_no_study_with_an_effect() -> None:
    made = analysed(rows=rows([(0, 10, 0, 12)], es.DATA_COLUMNS["dichotomous"]))
    assert result(made).pooled is None
    assert made.reason == result(made).reason
    assert result(made).studies[0].reason == "no events in either arm"
