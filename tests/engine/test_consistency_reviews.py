"""A review that is right passes every rule; each number put wrong is found where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest

import evisynth as es
from evisynth.columns import unknown_output_columns
from evisynth.consistency.reviews import randomised_by_text
from evisynth.consistency.trials import trial_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TRIALS = {
    "Shu 2020": (0, 12, 3, 29),
    "Lanzoni 2021": (2, 12, 7, 12),
    "Dilogo 2021": (10, 20, 16, 20),
    "Adas 2021": (3, 10, 6, 10),
    "Monsel 2022": (5, 21, 4, 24),
}
COLUMNS = ("events_1", "n_1", "events_2", "n_2")


def stored_of(analysis: es.MetaAnalysis) -> tuple[es.StoredResults, list[es.StoredResults]]:
    """Store what RevMan would: the pooled result, and a node per study."""
    pooled, found = analysis.pooled, analysis.heterogeneity
    assert pooled is not None
    display = analysis.model.display
    assert display is not None
    assert found.q is not None
    assert found.df is not None
    numbers: dict[str, float | None] = {
        "display": display.value,
        "display_ci_low": display.ci_low,
        "display_ci_high": display.ci_high,
        "statistic": abs(pooled.statistic),
        "p_value": pooled.p_value,
        "q": found.q,
        "q_df": float(found.df),
        "q_p_value": found.p_value,
        "i2": found.i2,
        "studies": float(analysis.k_total),
        **{name: float(sum(study.data[name] or 0.0 for study in analysis.studies)) for name in COLUMNS},
    }
    if analysis.settings.model == "random":
        numbers["tau2"] = analysis.model.tau2
    rows: list[es.StoredResults] = []
    for study in analysis.studies:
        if study.display is None:
            rows.append(es.StoredResults({}, estimable=False))
            continue
        own: dict[str, float | None] = {
            "display": study.display.value,
            "display_ci_low": study.display.ci_low,
            "display_ci_high": study.display.ci_high,
            "se": study.se,
            "weight": study.weight,
        }
        rows.append(es.StoredResults({name: float(value or 0.0) for name, value in own.items()}, estimable=True))
    return es.StoredResults({name: float(value or 0.0) for name, value in numbers.items()}, estimable=True), rows


def outcome_of(
    trials: Mapping[str, Sequence[float]],
    number: int = 1,
    name: str = "Death",
    **words: Any,  # noqa: ANN401 - settings
) -> es.ReviewOutcome:
    settings: dict[str, Any] = {"method": "MH", "model": "common", "measure": "RR", **words}
    columns = {column: [row[i] for row in trials.values()] for i, column in enumerate(COLUMNS)}
    analysis = es.fit(es.load({"study": list(trials), **columns}), settings="revman5", **settings)
    overall, nodes = stored_of(analysis)
    rows = tuple(
        es.ReviewRow(study=study, data=dict(zip(COLUMNS, map(float, row), strict=True)), stored=node)
        for (study, row), node in zip(trials.items(), nodes, strict=True)
    )
    return es.ReviewOutcome(number=number, name=name, data_type="dichotomous", rows=rows, stored=overall, **settings)


def review_of(*outcomes: es.ReviewOutcome, title: str = "A review", decimals: int | None = None) -> es.Review:
    names = dict.fromkeys(row.study for outcome in outcomes for _, row in outcome.all_rows)
    return es.Review(
        title=title,
        studies=tuple(es.ReviewStudy(id=name, name=name, year=name[-4:]) for name in names),
        comparisons=(es.ReviewComparison(number=1, name="Cells v usual care", outcomes=outcomes),),
        decimals=decimals,
    )


def plain(outcome: es.ReviewOutcome) -> es.ReviewOutcome:
    """Drop what is stored."""
    rows = tuple(attrs.evolve(row, stored=es.StoredResults()) for row in outcome.rows)
    return attrs.evolve(outcome, rows=rows, stored=es.StoredResults())


def with_stored(outcome: es.ReviewOutcome, **numbers: float) -> es.ReviewOutcome:
    stored = attrs.evolve(outcome.stored, numbers={**outcome.stored.numbers, **numbers})
    return attrs.evolve(outcome, stored=stored)


def rounded(outcome: es.ReviewOutcome, decimals: int) -> es.ReviewOutcome:
    def node(stored: es.StoredResults) -> es.StoredResults:
        return attrs.evolve(stored, numbers={n: round(value, decimals) for n, value in stored.numbers.items()})

    rows = tuple(attrs.evolve(row, stored=node(row.stored)) for row in outcome.rows)
    return attrs.evolve(outcome, rows=rows, stored=node(outcome.stored))


def rules(found: es.Consistency) -> list[str]:
    return [finding.rule for finding in found.findings]


# -- stored results ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"model": "random"},
        {"measure": "OR"},
        {"measure": "RD", "model": "random"},
        {"measure": "OR", "method": "IV"},
        {"measure": "PETO", "method": "Peto"},
        {"measure": "RR", "method": "IV", "model": "random", "level": 0.99, "study_level": 0.9},
    ],
)
@pytest.mark.parametrize("decimals", [None, 8, 4, 2])
def test_what_revman_stores_passes(words: dict[str, Any], decimals: int | None) -> None:
    outcome = outcome_of(TRIALS, **words)
    if decimals is not None:
        outcome = rounded(outcome, decimals)
    found = es.check(review_of(outcome, decimals=decimals))
    assert found.impossible == ()
    for rule in ("P and limits", "P and Q", "I² and Q", "weights add up to 100 %", "totals are the rows' sums"):
        assert found.checked[rule] >= 1, rule
    assert ("τ² and Q" in found.checked) is (words.get("model") == "random")


@pytest.mark.parametrize(
    ("numbers", "rule"),
    [
        ({"display_ci_high": 1.3}, "estimate amid its limits"),
        ({"display": 2.9}, "estimate amid its limits"),
        ({"display_ci_low": 0.9, "display_ci_high": 0.3}, "limits in order"),
        ({"statistic": 1.1}, "statistic and limits"),
        ({"p_value": 0.4}, "P and limits"),
        ({"i2": 55.0}, "I² and Q"),
        ({"q_p_value": 0.03}, "P and Q"),
        ({"n_1": 85.0}, "totals are the rows' sums"),
        ({"events_2": 37.0}, "totals are the rows' sums"),
        ({"studies": 6.0}, "totals are the rows' sums"),
    ],
)
def test_a_stored_number_put_wrong_is_found(numbers: dict[str, float], rule: str) -> None:
    found = es.check(review_of(with_stored(outcome_of(TRIALS), **numbers)))
    assert rule in rules(found)
    assert {finding.place for finding in found.impossible} == {"1.1"}


def test_a_tau2_above_0_with_q_below_its_degrees_is_found() -> None:
    trials = {name: TRIALS[name] for name in ("Lanzoni 2021", "Dilogo 2021", "Adas 2021")}
    outcome = outcome_of(trials, model="random")
    assert outcome.stored.numbers["tau2"] == 0
    assert es.check(review_of(outcome)).impossible == ()
    assert rules(es.check(review_of(with_stored(outcome, tau2=0.1)))) == ["τ² and Q"]


def test_a_pooled_effect_beyond_its_studies_is_found() -> None:
    outcome = outcome_of({"Dilogo 2021": (10, 20, 16, 20), "Adas 2021": (3, 10, 6, 10)}, method="IV")
    numbers = {"display": 0.8, "display_ci_low": 0.4, "display_ci_high": 1.6}
    assert "pooled effect amid the studies'" in rules(es.check(review_of(with_stored(outcome, **numbers))))


def test_a_common_effect_less_precise_than_a_study_is_found() -> None:
    outcome = outcome_of(TRIALS, method="IV")
    wide = {
        "display_ci_low": outcome.stored.numbers["display"] / 9,
        "display_ci_high": outcome.stored.numbers["display"] * 9,
    }
    assert "pooled SE at most the smallest" in rules(es.check(review_of(with_stored(outcome, **wide))))


def test_weights_that_do_not_add_up_are_found() -> None:
    outcome = outcome_of(TRIALS)
    first, *rest = outcome.rows
    numbers = {**first.stored.numbers, "weight": first.stored.numbers["weight"] + 1.0}
    changed = attrs.evolve(first, stored=attrs.evolve(first.stored, numbers=numbers))
    found = es.check(review_of(attrs.evolve(outcome, rows=(changed, *rest))))
    assert rules(found) == ["weights add up to 100 %"]


def test_a_study_whose_se_is_not_that_of_its_limits_is_named() -> None:
    outcome = outcome_of(TRIALS)
    rows = list(outcome.rows)
    numbers = {**rows[2].stored.numbers, "se": 0.5}
    rows[2] = attrs.evolve(rows[2], stored=attrs.evolve(rows[2].stored, numbers=numbers))
    (finding,) = es.check(review_of(attrs.evolve(outcome, rows=tuple(rows)))).impossible
    assert (finding.rule, finding.place, finding.study) == ("SE and limits", "1.1", "Dilogo 2021")


def test_intervals_by_students_t_are_checked_as_such() -> None:
    columns = {column: [row[i] for row in TRIALS.values()] for i, column in enumerate(COLUMNS)}
    analysis = es.fit(es.load({"study": list(TRIALS), **columns}), "RR", settings="revman-web")
    overall, nodes = stored_of(analysis)
    outcome = attrs.evolve(
        outcome_of(TRIALS, model="random"),
        stored=overall,
        rows=tuple(attrs.evolve(r, stored=n) for r, n in zip(outcome_of(TRIALS).rows, nodes, strict=True)),
    )
    review = attrs.evolve(review_of(outcome), preset="revman-web")
    found = es.check(review)
    assert found.impossible == ()
    assert "P and limits" in found.checked
    assert ("I² and Q", "I² is not from Q here, but from the estimate of τ²", 1) in {
        (entry.rule, entry.reason, entry.count) for entry in found.unchecked
    }
    # Taken for RevMan 5's normal interval the P is of Student's t.
    assert [
        f.severity for f in es.check(attrs.evolve(review, preset="revman5")).findings if f.rule == "P and limits"
    ] == ["suspicious"]


def test_nothing_stored_is_no_contradiction() -> None:
    found = es.check(review_of(plain(outcome_of(TRIALS))))
    assert found.findings == ()
    assert "P and limits" not in found.checked
    assert any(entry.rule == "P and limits" for entry in found.unchecked)


def test_a_subgroup_has_a_place_of_its_own() -> None:
    outcome = outcome_of(TRIALS)
    wrong = attrs.evolve(outcome.stored, numbers={**outcome.stored.numbers, "p_value": 0.5})
    subgroup = es.ReviewSubgroup(number=2, name="severe", rows=outcome.rows, stored=wrong)
    held = attrs.evolve(outcome, rows=(), subgroups=(subgroup,), totals="subgroups", stored=es.StoredResults())
    found = es.check(review_of(held)).impossible
    assert [(f.rule, f.place) for f in found] == [("P and statistic", "1.1.2"), ("P and limits", "1.1.2")]


def test_the_test_of_subgroups_is_checked() -> None:
    numbers = {"subgroup_q": 2.10, "subgroup_q_df": 2.0, "subgroup_q_p_value": 0.3499, "subgroup_i2": 4.76}
    assert es.check(review_of(with_stored(rounded(outcome_of(TRIALS), 2), **numbers), decimals=2)).impossible == ()
    found = es.check(
        review_of(with_stored(rounded(outcome_of(TRIALS), 2), **{**numbers, "subgroup_i2": 40.0}), decimals=2)
    )
    assert rules(found) == ["I² and Q"]
    assert found.findings[0].columns == ("subgroup_i2", "subgroup_q", "subgroup_q_df")


# -- participants -----------------------------------------------------------------------------------------------------


def test_counts_that_cannot_be_are_found() -> None:
    rows = (
        es.ReviewRow(study="A 2001", data={"events_1": 13.0, "n_1": 12.0, "events_2": 3.0, "n_2": 12.0}),
        es.ReviewRow(study="B 2002", data={"events_1": -1.0, "n_1": 12.0, "events_2": 3.0, "n_2": 12.0}),
    )
    outcome = es.ReviewOutcome(number=1, name="Death", data_type="dichotomous", measure="RR", rows=rows)
    found = es.check(review_of(outcome))
    assert [(f.rule, f.study) for f in found.impossible] == [
        ("possible values", "A 2001"),
        ("possible values", "B 2002"),
    ]


def test_more_participants_than_were_randomised() -> None:
    review = review_of(plain(outcome_of(TRIALS)))
    studies = tuple(
        attrs.evolve(study, characteristics={"participants": f"<p>Number randomised: {n}</p>"})
        for study, n in zip(review.studies, (41, 24, 40, 20, 40), strict=True)
    )
    (finding,) = es.check(attrs.evolve(review, studies=studies)).findings
    assert (finding.rule, finding.study, finding.severity) == ("participants randomised", "Monsel 2022", "suspicious")
    assert finding.message == "45 participants (n), 40 randomised"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Number randomised: 120", 120),
        ("N randomized = 1,204 (602/602)", 1204),
        ("A total of 96 patients were randomised to", 96),
        ("72 randomised participants", 72),
        ("669 patients aged from less than 1 year", None),
        ("randomised in blocks of 4", None),
    ],
)
def test_how_many_were_randomised_is_read_where_it_is_said(text: str, number: float | None) -> None:
    assert randomised_by_text({"participants": text}) == number


def by_subgroups(*rows: Sequence[float], names: Sequence[str] = (), totals: str = "overall") -> es.ReviewOutcome:
    subgroups = tuple(
        es.ReviewSubgroup(
            number=i + 1,
            name=f"dose {i + 1}",
            rows=(
                es.ReviewRow(
                    study=names[i] if names else "Three arms 2010",
                    data=dict(zip(COLUMNS, map(float, row), strict=True)),
                ),
            ),
        )
        for i, row in enumerate(rows)
    )
    words: dict[str, Any] = {"totals": totals}
    return es.ReviewOutcome(number=1, name="Death", data_type="dichotomous", measure="RR", subgroups=subgroups, **words)


def test_a_control_group_that_is_counted_twice() -> None:
    outcome = by_subgroups((3, 50, 9, 52), (5, 49, 9, 52))
    (finding,) = es.check(review_of(outcome)).findings
    assert (finding.rule, finding.severity) == ("group counted once", "suspicious")
    assert "the same control group (9/52) stands in 2 rows (Three arms 2010; 1.1.1, 1.1.2)" in finding.message
    # Where only subgroups are pooled nobody is counted twice.
    assert es.check(review_of(attrs.evolve(outcome, totals="subgroups"))).findings == ()
    letters = by_subgroups((3, 50, 9, 52), (5, 49, 9, 52), names=("Three arms 2010a", "Three arms 2010b"))
    assert rules(es.check(review_of(letters))) == ["group counted once"]
    others = by_subgroups((3, 50, 9, 52), (5, 49, 8, 52), names=("Three arms 2010a", "Three arms 2010b"))
    assert es.check(review_of(others)).findings == ()


def test_a_control_group_that_was_divided_is_not_counted_twice() -> None:
    halves = by_subgroups((3, 50, 5, 26), (5, 49, 5, 26))
    whole = attrs.evolve(by_subgroups((8, 99, 12, 52)), number=2, name="Adverse events")
    assert es.check(review_of(halves, whole)).findings == ()
    assert rules(es.check(review_of(halves))) == ["group counted once"]


def test_subgroups_that_hold_a_whole_group_more_than_the_trial() -> None:
    whole = attrs.evolve(by_subgroups((8, 99, 12, 50)), number=2, name="Adverse events")
    found = es.check(review_of(by_subgroups((3, 50, 9, 50), (5, 49, 8, 50)), whole))
    assert [(f.rule, f.columns) for f in found.findings] == [("participants within the trial's arms", ("n_2",))]
    assert "2 rows of the trial hold 100 participants (n_2), 50 in other outcomes" in found.findings[0].message
    # Some data missing elsewhere is ordinary.
    assert es.check(review_of(by_subgroups((3, 50, 9, 26), (5, 49, 8, 26)), whole)).findings == ()


def test_an_outcome_with_far_more_participants_than_every_other() -> None:
    trial = {"Dilogo 2021": (10, 20, 16, 20), "Adas 2021": (3, 10, 6, 10)}
    outcomes = [plain(outcome_of(trial, i, name)) for i, name in enumerate(("Death", "Cough", "Fever"), 1)]
    assert es.check(review_of(*outcomes)).findings == ()
    wrong = plain(outcome_of({**trial, "Dilogo 2021": (10, 200, 16, 20)}, 3, "Fever"))
    (finding,) = es.check(review_of(*outcomes[:2], wrong)).findings
    assert (finding.rule, finding.place, finding.study) == (
        "participants within the trial's arms",
        "1.3",
        "Dilogo 2021",
    )
    fewer = plain(outcome_of({**trial, "Dilogo 2021": (10, 12, 9, 11)}, 3, "Fever"))
    assert es.check(review_of(*outcomes[:2], fewer)).findings == ()


def test_one_trial_under_two_names() -> None:
    twice = {**TRIALS, "Purwati 2022": TRIALS["Dilogo 2021"]}
    (finding,) = es.check(review_of(plain(outcome_of(twice)))).findings
    assert finding.rule == "trial reported once"
    assert "Dilogo 2021 and Purwati 2022 have the same data (10/20 v 16/20)" in finding.message
    # Small counts are the same by chance.
    chance = {**TRIALS, "Zhu 2021": TRIALS["Shu 2020"]}
    assert es.check(review_of(plain(outcome_of(chance)))).findings == ()


# -- the same trial in two places -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "year", "expected"),
    [
        ("Lanzoni 2021", None, ("lanzoni", "2021", "")),
        ("Lanzoni et al. 2021b", None, ("lanzoni", "2021", "b")),
        ("Fathi-Kazerooni", "2022", ("fathi kazerooni", "2022", "")),
        ("Adaş (2021)", "2020", ("adas", "2021", "")),
        ("RECOVERY", None, ("recovery", None, "")),
    ],
)
def test_names_of_trials(name: str, year: str | None, expected: tuple[str, str | None, str]) -> None:
    assert attrs.astuple(trial_name(name, year)) == expected


def test_lanzoni_has_one_death_in_one_review_and_two_in_the_other() -> None:
    ours = review_of(plain(outcome_of(TRIALS)), title="Kirkham 2022")
    theirs = review_of(
        plain(outcome_of({**TRIALS, "Lanzoni 2021": (1, 12, 7, 12)}, name="Mortality at the end")), title="2023"
    )
    (finding,) = es.check(ours, theirs).findings
    assert (finding.rule, finding.severity, finding.source, finding.study) == (
        "same trial, same numbers",
        "suspicious",
        "Kirkham 2022",
        "Lanzoni 2021",
    )
    assert finding.columns == ("events_1",)
    assert finding.message == "2/12 v 7/12 here, 1/12 v 7/12 in 'Mortality at the end' (2023, 1.1)"
    # Outcomes that share neither name nor numbers are others.
    other = review_of(plain(outcome_of({n: (a // 2, b, c + 1, d) for n, (a, b, c, d) in TRIALS.items()}, name="Cough")))
    assert es.check(ours, other).findings == ()


def test_of_several_outcomes_of_a_name_the_most_alike_is_compared() -> None:
    doses = [
        plain(outcome_of({name: (a, b, c + i, d + 7 * i) for name, (a, b, c, d) in TRIALS.items()}, i + 1))
        for i in range(3)
    ]
    review = review_of(*doses)
    assert es.check(review, attrs.evolve(review, title="B")).findings == ()
    wrong = plain(
        outcome_of({**{r.study: tuple(r.data.values()) for r in doses[1].rows}, "Adas 2021": (4, 10, 7, 17)}, 2)
    )
    (finding,) = es.check(review, review_of(doses[0], wrong, doses[2], title="B")).findings
    assert (finding.place, finding.study, finding.columns) == ("1.2", "Adas 2021", ("events_1",))
    # Outcomes of one name whose trials mostly differ are of other groups.
    others = {n: (a // 2, b, c + 1, d) for n, (a, b, c, d) in TRIALS.items()}
    found = es.check(review_of(doses[0]), review_of(plain(outcome_of(others)), title="B"))
    assert found.findings == ()
    assert "outcomes of one name whose trials differ mostly: of other groups or times" in {
        entry.reason for entry in found.unchecked
    }


def test_arms_that_are_exchanged_in_another_review() -> None:
    turned = {name: (c, d, a, b) if name == "Dilogo 2021" else (a, b, c, d) for name, (a, b, c, d) in TRIALS.items()}
    found = es.check(review_of(plain(outcome_of(TRIALS))), review_of(plain(outcome_of(turned)), title="B"))
    assert [(f.rule, f.study) for f in found.findings] == [("arms the same way round", "Dilogo 2021")]


def test_two_outcomes_of_one_name_in_one_review() -> None:
    again = plain(outcome_of({**TRIALS, "Adas 2021": (4, 10, 6, 10)}, 2))
    (finding,) = es.check(review_of(plain(outcome_of(TRIALS)), again)).findings
    assert (finding.rule, finding.place, finding.study) == ("same trial, same numbers", "1.1", "Adas 2021")
    # Arms of other sizes are other groups, or another time.
    later = plain(outcome_of({**TRIALS, "Adas 2021": (4, 9, 6, 10)}, 2))
    assert es.check(review_of(plain(outcome_of(TRIALS)), later)).findings == ()


# -- means, guard rails, results --------------------------------------------------------------------------------------


def means(**arm: float) -> es.Review:
    data = {"mean_1": 3.5, "sd_1": 1.1, "n_1": 20.0, "mean_2": 4.0, "sd_2": 1.2, "n_2": 20.0, **arm}
    rows = (es.ReviewRow(study="A 2001", data=data),)
    return review_of(es.ReviewOutcome(number=1, name="Score", data_type="continuous", measure="MD", rows=rows))


def test_means_are_of_whole_numbers_only_where_that_is_said() -> None:
    review = means(mean_1=3.52)
    found = es.check(review)
    assert found.findings == ()
    assert ("mean of whole numbers", 2) in {(entry.rule, entry.count) for entry in found.unchecked}
    for name in ("mean_1", "1.1"):
        assert rules(es.check(review, integer=[name])) == ["mean of whole numbers"]
    assert es.check(review, integer=["mean_2"]).findings == ()
    assert rules(es.check(means(mean_1=12.0, sd_1=0.0), bounds=(0, 10))) == ["mean within its scale"]


def test_integer_names_what_is_there() -> None:
    with pytest.raises(es.SettingsError, match=r"integer names no means: '1\.7'; there are 1\.1, mean_1, mean_2"):
        es.check(means(), integer=["1.7"])


def test_guard_rails_of_plugins_are_asked() -> None:
    found = es.check(means(sd_1=40.0, sd_2=1.0))
    (finding,) = found.findings
    assert (finding.rule, finding.severity, finding.place, finding.study) == (
        "SDs far apart",
        "suspicious",
        "1.1",
        "A 2001",
    )
    assert "SDs far apart" in found.checked


def test_the_result_is_a_value_a_document_and_a_table() -> None:
    found = es.check(review_of(with_stored(outcome_of(TRIALS), p_value=0.4)))
    assert found == es.check(review_of(with_stored(outcome_of(TRIALS), p_value=0.4)))
    document = found.to_dict()
    assert document["findings"][0]["rule"] == "P and statistic"
    assert document["sources"] == ["A review"]
    frame = found.to_frame()
    assert len(frame) == len(found.findings) == 2
    assert unknown_output_columns(frame.columns) == []
    assert "2 impossible, 0 suspicious" in str(found)
    assert "A review, 1.1: [impossible] P and limits" in str(found)
    assert list(es.check(review_of(outcome_of(TRIALS))).to_frame().columns) == list(frame.columns)


def test_an_empty_review_is_consistent() -> None:
    assert es.check(es.Review()).findings == ()
