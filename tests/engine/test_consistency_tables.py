"""Tables: the texts of printed results count by their digits; studies, means and percentages by their columns."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import evisynth as es
from evisynth.testing import strategies

if TYPE_CHECKING:
    from pathlib import Path

RESULTS = """\
outcome,RR,95% CI,P,Chi²,df,I²,P (het)
death,0.58,0.38 to 0.87,0.009,4.11,5,0%,0.53
adverse events,0.81,"[0.53, 1.23]",0.32,10.71,3,72%,0.01
serious,0.66,"(0.33, 1.36)",0.26,3.60,2,44%,0.17
"""
TRIALS = """\
study,events_1,n_1,events_2,n_2
Shu 2020,0,12,3,29
Lanzoni 2021,2,12,7,12
Dilogo 2021,10,20,16,20
Adas 2021,3,10,6,10
Monsel 2022,5,21,4,24
"""

HEADINGS = (
    *("study", "outcome", "comparison", "measure", "RR", "estimate", "95% CI", "ci_low", "ci_high", "se", "z", "P"),
    *("Q", "df", "I²", "τ²", "P (het)", "k", "events_1", "n_1", "events_2", "n_2", "mean_1", "sd_1", "percent_1"),
    *("randomised_1", "n", "mean", "percent"),
)
CELLS = st.one_of(
    st.none(),
    st.floats(),
    st.integers(-5, 200).map(str),
    st.decimals(-5, 120, places=2).map(str),
    st.sampled_from(["<0.001", "0.38 to 0.87", "-1 to -3", "RR", "NA", "0", "1e308", "-1e-300", "50%", "> 1", ""]),
    st.text(max_size=5),
)


def written(path: Path, name: str, text: str) -> Path:
    target = path / name
    target.write_text(text, encoding="utf-8")
    return target


def found_in(path: Path, text: str, **words: Any) -> list[tuple[str, str, str | None]]:  # noqa: ANN401 - those of check
    findings = es.check(written(path, "table.csv", text), **words).findings
    return [(finding.rule, finding.place, finding.study) for finding in findings]


# -- printed results --------------------------------------------------------------------------------------------------


def test_a_table_that_is_right_passes(tmp_path: Path) -> None:
    found = es.check(written(tmp_path, "results.csv", RESULTS))
    assert found.findings == ()
    assert found.sources == ("results.csv",)
    for rule in ("estimate amid its limits", "P and limits", "I² and Q", "P and Q"):
        assert found.checked[rule] == 3, rule


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("0.009", "0.53", ("P of the test named", "row 1", "death")),
        ("0.32", "0.03", ("P and limits", "row 2", "adverse events")),
        ("1.23", "1.43", ("estimate amid its limits", "row 2", "adverse events")),
        ("44%", "54%", ("I² and Q", "row 3", "serious")),
        ("0.17", "0.26", ("P of the test named", "row 3", "serious")),
        ("0.17", "0.71", ("P and Q", "row 3", "serious")),
    ],
)
def test_a_number_put_wrong_is_found_in_its_row(
    tmp_path: Path, old: str, new: str, expected: tuple[str, str, str]
) -> None:
    assert found_in(tmp_path, RESULTS.replace(old, new)) == [expected]


def test_zeros_at_the_end_count(tmp_path: Path) -> None:
    table = "outcome,MD,ci_low,ci_high\nstay,{},-6.73,-2.10\n"
    assert found_in(tmp_path, table.format("-4.4")) == []
    assert found_in(tmp_path, table.format("-4.40")) == [("estimate amid its limits", "row 1", "stay")]
    # In memory the zero is lost, and what is not known is not held against a number.
    assert es.check({"outcome": ["stay"], "MD": [-4.40], "ci_low": [-6.73], "ci_high": [-2.10]}).findings == ()


def test_the_scale_is_that_of_the_heading_the_measure_or_the_request(tmp_path: Path) -> None:
    row = "0.62,0.38,0.87\n"
    assert found_in(tmp_path, f"estimate,ci_low,ci_high\n{row}") == []
    assert found_in(tmp_path, f"HR,ci_low,ci_high\n{row}") == [("estimate amid its limits", "row 1", None)]
    assert found_in(tmp_path, f"estimate,ci_low,ci_high\n{row}", scale="log") != []
    assert found_in(tmp_path, "measure,estimate,ci_low,ci_high\nOdds Ratio,0.62,0.38,0.87\n") != []
    assert found_in(tmp_path, "measure,estimate,ci_low,ci_high\nMD,0.62,0.38,0.87\n") == []


def test_decimal_commas(tmp_path: Path) -> None:
    table = "outcome;MD;ci_low;ci_high\nstay;-4,42;-6,73;{}\n"
    assert found_in(tmp_path, table.format("-2,10")) == []
    assert found_in(tmp_path, table.format("-1,10")) == [("estimate amid its limits", "row 1", "stay")]


def test_headings_of_ones_own(tmp_path: Path) -> None:
    table = "outcome,result,from,to,significance\ndeath,0.58,0.38,0.87,0.53\n"
    roles = {"estimate": "result", "ci_low": "from", "ci_high": "to", "p_value": "significance"}
    assert found_in(tmp_path, table) == []
    assert found_in(tmp_path, table, roles=roles, scale="log") == [("P and limits", "row 1", "death")]
    with pytest.raises(es.SettingsError, match="no column is called 'absent'"):
        es.check(tmp_path / "table.csv", roles={"estimate": "absent"})


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    table = "outcome,RR,95% CI,P\ndeath,0.58,narrow,NS\n"
    found = es.check(written(tmp_path, "t.csv", table))
    assert found.findings == ()
    reasons = {entry.reason for entry in found.unchecked}
    assert "a cell of '95% CI' is not two limits such as '0.38 to 0.87'" in reasons
    assert "a cell of 'P' is not a number" in reasons


@pytest.mark.parametrize("i2", ["72%", "72", "0.72", "71.99"])
def test_i2_in_percent_or_as_a_share(tmp_path: Path, i2: str) -> None:
    assert found_in(tmp_path, f"outcome,Q,df,I2\nae,10.71,3,{i2}\n") == []
    assert found_in(tmp_path, f"outcome,Q,df,I2\nae,9.71,3,{i2}\n") == [("I² and Q", "row 1", "ae")]


@strategies.examples(150)
@given(st.dictionaries(st.sampled_from(HEADINGS), st.lists(CELLS, min_size=3, max_size=3), min_size=1))
def test_any_table_is_checked_or_refused(columns: dict[str, list[str | float | None]]) -> None:
    try:
        found = es.check(columns)
    except es.EvisynthError:
        return
    json.dumps(found.to_dict(), allow_nan=False)


# -- studies ----------------------------------------------------------------------------------------------------------


def test_a_table_of_trials_that_is_right_passes(tmp_path: Path) -> None:
    found = es.check(written(tmp_path, "trials.csv", TRIALS))
    assert found.findings == ()
    assert found.checked["possible values"] == 5


def test_the_shipped_founding_tables_are_consistent() -> None:
    founding = files("evisynth_validation") / "founding"
    tables = [path for path in founding.iterdir() if path.name.endswith(".csv")]
    assert tables
    for path in tables:
        assert es.check(str(path)).impossible == (), path.name


def test_lanzoni_in_two_tables(tmp_path: Path) -> None:
    ours = written(tmp_path, "kirkham.csv", TRIALS)
    theirs = written(tmp_path, "umbilical.csv", TRIALS.replace("Lanzoni 2021,2", "Lanzoni 2021,1"))
    (finding,) = es.check(ours, theirs).findings
    assert (finding.rule, finding.source, finding.place, finding.study) == (
        "same trial, same numbers",
        "kirkham.csv",
        "row 2",
        "Lanzoni 2021",
    )
    assert "2/12 v 7/12 here, 1/12 v 7/12 in" in finding.message
    assert "umbilical.csv, row 2" in finding.message
    assert es.check(ours, ours).findings == ()
    assert es.check(ours, ours).sources == ("kirkham.csv (1)", "kirkham.csv (2)")


def test_a_table_is_compared_with_a_review() -> None:
    rows = [line.split(",") for line in TRIALS.splitlines()]
    columns = {name: [row[i] for row in rows[1:]] for i, name in enumerate(rows[0])}
    names = [row[0] for row in rows[1:]]
    data: list[dict[str, float]] = [
        dict(zip(map(str, rows[0][1:]), map(float, row[1:]), strict=True)) for row in rows[1:]
    ]
    data[2] = {**data[2], "events_2": 15.0}
    outcome = es.ReviewOutcome(
        number=1,
        name="Death",
        data_type="dichotomous",
        rows=tuple(es.ReviewRow(study=name, data=numbers) for name, numbers in zip(names, data, strict=True)),
    )
    review = es.Review(
        title="A review",
        studies=tuple(es.ReviewStudy(id=name, name=name) for name in names),
        comparisons=(es.ReviewComparison(number=1, name="Cells", outcomes=(outcome,)),),
    )
    found = es.check(es.load(columns), review)
    assert [(f.rule, f.study, f.columns) for f in found.findings] == [
        ("same trial, same numbers", "Dilogo 2021", ("events_2",))
    ]


def test_values_that_no_study_can_have_are_findings(tmp_path: Path) -> None:
    text = TRIALS.replace("Adas 2021,3,", "Adas 2021,13,").replace("Shu 2020,0,", "Shu 2020,-1,")
    assert found_in(tmp_path, text) == [
        ("possible values", "row 1", "Shu 2020"),
        ("possible values", "row 4", "Adas 2021"),
    ]


def test_columns_of_participants_randomised(tmp_path: Path) -> None:
    table = "study,events_1,n_1,events_2,n_2,randomised_1,randomised_2\nA 2001,3,{},4,50,50,52\n"
    assert found_in(tmp_path, table.format(50)) == []
    assert found_in(tmp_path, table.format(51)) == [("participants randomised", "row 1", "A 2001")]
    found = es.check(tmp_path / "table.csv")
    assert found.impossible[0].message == "51 participants (n_1), 50 randomised"


def test_outcomes_in_one_long_table(tmp_path: Path) -> None:
    lines = [
        f"{outcome},{name},{numbers}"
        for outcome in ("Death", "Cough", "Fever")
        for name, _, numbers in (line.partition(",") for line in TRIALS.splitlines()[1:])
    ]
    text = "outcome,study,events_1,n_1,events_2,n_2\n" + "\n".join(lines) + "\n"
    assert found_in(tmp_path, text) == []
    wrong = text.replace("Fever,Dilogo 2021,10,20", "Fever,Dilogo 2021,10,200")
    assert found_in(tmp_path, wrong) == [("participants within the trial's arms", "Fever", "Dilogo 2021")]


def test_guard_rails_look_at_a_table(tmp_path: Path) -> None:
    table = "study,mean_1,sd_1,n_1,mean_2,sd_2,n_2\nA 2001,3.5,40,20,4.0,1,20\n"
    assert found_in(tmp_path, table) == [("SDs far apart", "row 1", "A 2001")]
    assert found_in(tmp_path, TRIALS.replace("Adas 2021,3,", "Adas 2021,3.5,")) == [
        ("whole counts", "row 4", "Adas 2021")
    ]


# -- means and percentages --------------------------------------------------------------------------------------------


def test_means_of_whole_numbers_by_their_digits(tmp_path: Path) -> None:
    table = "study,mean_1,sd_1,n_1,mean_2,sd_2,n_2\nA 2001,{},1.10,20,4.00,1.20,20\n"
    assert found_in(tmp_path, table.format("3.52"), integer=["mean_1"]) == [
        ("mean of whole numbers", "row 1", "A 2001")
    ]
    assert found_in(tmp_path, table.format("3.5"), integer=["mean_1"]) == []
    assert found_in(tmp_path, table.format("3.52")) == []
    assert found_in(tmp_path, table.format("13.50"), integer=["mean_1"], bounds=(0, 10)) == [
        ("mean within its scale", "row 1", "A 2001")
    ]
    with pytest.raises(es.SettingsError, match="integer names no means: 'score'"):
        es.check(tmp_path / "table.csv", integer=["score"])


def test_percentages_beside_counts(tmp_path: Path) -> None:
    table = "study,events_1,percent_1,n_1,events_2,percent_2,n_2\nA 2001,3,{},11,4,40.0,10\n"
    assert found_in(tmp_path, table.format("27.3")) == []
    assert found_in(tmp_path, table.format("36.4%")) == [("percentage of participants", "row 1", "A 2001")]
    assert found_in(tmp_path, "study,n,percent\nA 2001,11,27.4\n") == [
        ("percentage of participants", "row 1", "A 2001")
    ]
