"""RevMan 5's CSV export: kinds of lines, types of data, what is stored, what is refused."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import evisynth as es
from evisynth.sources import Source
from evisynth.testing.formats import check_converter
from evisynth_converters import revman_csv

if TYPE_CHECKING:
    from collections.abc import Callable

HEADINGS = [
    "Comparison Number",
    "Outcome Number",
    "Subgroup Number",
    "Name",
    "Data Type",
    "Statistical Method",
    "Effect Measure",
    "Analysis Model",
    "Events 1",
    "Mean 1",
    "SD 1",
    "Total 1",
    "Events 2",
    "Mean 2",
    "SD 2",
    "Total 2",
    "Effect Estimate",
    "SE",
    "CI Start",
    "CI End",
    "Weight",
    "Q",
    "P(Q)",
    "I²(Q)",
    "Tau²",
    "Z",
    "P(Z)",
    "Qint",
    "P(Qint)",
    "I²(Qint)",
    "df",
    "Group Label 1",
    "Group Label 2",
    "Left Graph Label",
    "Right Graph Label",
    "Year of study",
    "User defined order",
]
COMPARISON = {"Comparison Number": "1", "Outcome Number": "0", "Subgroup Number": "0", "Name": "A versus B"}
OUTCOME = {
    "Comparison Number": "1",
    "Outcome Number": "1",
    "Subgroup Number": "0",
    "Name": "Death",
    "Data Type": "DIC",
    "Statistical Method": "MH",
    "Effect Measure": "RR",
    "Analysis Model": "Random",
}
STUDY = {
    "Comparison Number": "1",
    "Outcome Number": "1",
    "Subgroup Number": "0",
    "Name": "Smith 2001",
    "Events 1": "3",
    "Mean 1": "0",
    "SD 1": "0",
    "Total 1": "20",
    "Events 2": "6",
    "Mean 2": "0",
    "SD 2": "0",
    "Total 2": "21",
    "Effect Estimate": "0.525",
    "SE": "0.6",
    "Year of study": "2001",
    "User defined order": "4",
}


def table(*rows: dict[str, str], headings: list[str] | None = None, delimiter: str = ",") -> bytes:
    columns = list(dict.fromkeys([*(headings or HEADINGS), *(name for row in rows for name in row)]))
    lines = [columns, *([row.get(name, "") for name in columns] for row in rows)]
    quoted = [[f'"{cell}"' if delimiter in cell else cell for cell in line] for line in lines]
    return ("\ufeff" + "".join(delimiter.join(line) + "\r\n" for line in quoted)).encode()


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., es.Review]:
    """Load rows from a file whose name says nothing."""

    def from_rows(*rows: dict[str, str], content: bytes | None = None, delimiter: str = ",") -> es.Review:
        path = tmp_path / "My review"
        path.write_bytes(table(*rows, delimiter=delimiter) if content is None else content)
        review: es.Review = es.load(path)
        return review

    return from_rows


def only(review: es.Review) -> es.ReviewOutcome:
    ((_, _, outcome),) = review.outcomes
    return outcome


def test_the_real_export(shared_reference: Path) -> None:
    review: es.Review = es.load(shared_reference / "fleiss1993" / "Fleiss1993_CR.csv")
    assert (review.title, review.preset, review.decimals) == ("Fleiss1993_CR", "revman5", 8)
    (_, comparison, first), (_, _, second) = review.outcomes
    assert comparison.name == "Examples from Fleiss (1993)"
    assert (first.measure, first.method, first.model) == ("OR", "MH", "common")
    assert (second.measure, second.method, second.data_type) == ("MD", "IV", "continuous")
    assert (first.group_1, first.favours_2) == ("Aspirin", "Favours control")
    assert first.stored.numbers == {
        "display": 0.89686556,
        "display_ci_low": 0.8405144,
        "display_ci_high": 0.95699471,
        "weight": 100,
        "q": 9.94605598,
        "q_p_value": 0.12694225,
        "i2": 39.67458046,
        "q_df": 6,
        "tau2": 0,
        "statistic": 3.28763306,
        "p_value": 0.00101033,
        "events_1": 2128,
        "n_1": 14186,
        "events_2": 2286,
        "n_2": 13817,
    }
    assert (second.stored.numbers["q"], second.stored.numbers["n_1"]) == (5.66012379, 106)
    assert "events_1" not in second.stored.numbers
    assert [row.order for row in first.rows] == [1, 2, 6, 8, 9, 10, 11]
    assert review.study_by_id["ISIS-2"].year == "1988"
    assert first.rows[0].stored.numbers["se"] == 0.19721981


def test_a_plain_table_is_still_a_table(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"study,yi,vi\nA,1,2\n")
    assert isinstance(es.load(path), es.Studies)


def test_subgroups_have_lines_of_their_own(load: Callable[..., es.Review]) -> None:
    of_outcome = {"Q": "5", "df": "2", "Qint": "1.5", "P(Qint)": "0.22", "I²(Qint)": "33.3"}
    for kind in ({}, {"Data Type": "DIC", "Statistical Method": "MH"}):
        review = load(
            COMPARISON,
            OUTCOME | of_outcome,
            {**OUTCOME, **dict.fromkeys(("Data Type", "Statistical Method"), ""), "Subgroup Number": "1", "Name": "men"}
            | {"Weight": "40", "Q": "2", **kind},
            STUDY | {"Subgroup Number": "1"},
            {**OUTCOME, "Subgroup Number": "2", "Name": "women"},
            STUDY | {"Subgroup Number": "2", "Name": "Jones"},
        )
        outcome = only(review)
        assert [(one.number, one.name, [row.study for row in one.rows]) for one in outcome.subgroups] == [
            (1, "men", ["Smith 2001"]),
            (2, "women", ["Jones"]),
        ]
        assert outcome.subgroups[0].stored.numbers == {"weight": 40, "q": 2}
        assert outcome.stored.numbers == {"q": 5, "q_df": 2, "subgroup_q": 1.5, "subgroup_q_p_value": 0.22} | {
            "subgroup_i2": 33.3
        }


def test_a_test_of_subgroups_that_are_not_there_is_a_filler(load: Callable[..., es.Review]) -> None:
    outcome = only(load(COMPARISON, OUTCOME | {"Q": "5", "Qint": "0", "P(Qint)": "1"}, STUDY))
    assert outcome.stored.numbers == {"q": 5}
    assert outcome.rows[0].data == {"events_1": 3, "n_1": 20, "events_2": 6, "n_2": 21}


@pytest.mark.parametrize(
    ("code", "data_type"),
    [
        *(("DIC", "dichotomous"), ("dich", "dichotomous"), ("CON", "continuous"), ("Continuous", "continuous")),
        *(("GIV", "generic"), ("IV", "generic"), ("Generic Inverse Variance", "generic"), ("IPD", "o-e")),
        *(("O-E", "o-e"), ("O-E and Variance", "o-e"), ("OTH", "other"), ("OTHER", "other")),
    ],
)
def test_types_of_data_have_codes(load: Callable[..., es.Review], code: str, data_type: str) -> None:
    assert only(load(COMPARISON, OUTCOME | {"Data Type": code, "Effect Measure": "HR"})).data_type == data_type


GENERIC = OUTCOME | {"Data Type": "GIV", "Statistical Method": "IV", "Effect Measure": "Hazard Ratio"}
LOG_ROW = {
    "Effect Estimate": "0.5",
    "SE": "0.2",
    "CI Start": "0.3378",
    "CI End": "0.74",
    "Total 1": "0",
    "Total 2": "0",
}


def test_ratios_are_analysed_as_logarithms(load: Callable[..., es.Review]) -> None:
    with pytest.warns(es.DataWarning, match="logarithms"):
        outcome = only(load(COMPARISON, GENERIC, STUDY | LOG_ROW))
    assert (outcome.log_data, outcome.measure, outcome.effect_label) == (True, "GEN", "Hazard Ratio")
    assert outcome.rows[0].data == {"yi": math.log(0.5), "sei": 0.2}
    assert outcome.rows[0].stored.numbers["display"] == 0.5


@pytest.mark.parametrize(
    ("outcome", "row", "log_data"),
    [
        # The limits tell the scale, whatever the name.
        ({"Effect Measure": "Effect"}, LOG_ROW, True),
        ({"Effect Measure": "Hazard Ratio"}, {**LOG_ROW, "CI Start": "0.11", "CI End": "0.89"}, False),
        ({"Effect Measure": "Effect"}, {**LOG_ROW, "CI Start": "-0.2", "CI End": "1.2"}, False),
        # Without limits the name does, and the column for it before all.
        ({"Effect Measure": "Rate ratio"}, {**LOG_ROW, "CI Start": "", "CI End": ""}, True),
        ({"Effect Measure": "log Rate ratio"}, {**LOG_ROW, "CI Start": "", "CI End": ""}, False),
        (
            {"Entered data are on log scale (Generic Inverse Variance only)": "NO", "Effect Measure": "Hazard Ratio"},
            LOG_ROW,
            False,
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::evisynth.DataWarning")
def test_the_scale_of_generic_effects(
    load: Callable[..., es.Review], outcome: dict[str, str], row: dict[str, str], *, log_data: bool
) -> None:
    read = only(load(COMPARISON, GENERIC | outcome, STUDY | row))
    assert read.log_data is log_data
    assert read.rows[0].data["yi"] == (math.log(0.5) if log_data else 0.5)


@pytest.mark.filterwarnings("ignore::evisynth.DataWarning")
def test_generic_effects_that_are_not_estimable_have_no_data(load: Callable[..., es.Review]) -> None:
    nothing = dict.fromkeys(("Effect Estimate", "SE", "CI Start", "CI End"), "0")
    outcome = only(load(COMPARISON, GENERIC, STUDY | nothing, STUDY | LOG_ROW | {"Total 1": "5", "Total 2": "6"}))
    assert outcome.rows[0].data == {"n_1": 20, "n_2": 21}
    assert outcome.rows[0].stored.empty
    assert outcome.rows[1].data == {"yi": math.log(0.5), "sei": 0.2, "n_1": 5, "n_2": 6}
    with pytest.raises(es.DataError, match=r"Smith 2001.*Effect Estimate.*no ratio"):
        load(COMPARISON, GENERIC, STUDY | LOG_ROW, STUDY | LOG_ROW | {"Effect Estimate": "-0.5", "CI End": "0.9"})


def test_optional_columns(load: Callable[..., es.Review]) -> None:
    settings = {
        "Totals": "SUB",
        "Study Confidence Interval": "99%",
        "Total Confidence Interval": "90",
        "Test for subgroup differences": "NO",
        "Swap event and non-event": "YES",
        "Data Type": "IPD",
        "Statistical Method": "EXP_O_E_VAR",
        "Effect Measure": "Hazard Ratio",
        "Reviewer": "x",
    }
    outcome = only(load(COMPARISON, OUTCOME | settings, STUDY | {"O-E": "-2.5", "Var": "4", "Reviewer": "y"}))
    assert (outcome.totals, outcome.study_level, outcome.level) == ("subgroups", 0.99, 0.9)
    assert (outcome.subgroup_test, outcome.swap_events, outcome.method) == (False, True, "Peto")
    assert outcome.rows[0].data == {"o_e": -2.5, "o_e_variance": 4, "events_1": 3, "n_1": 20, "events_2": 6, "n_2": 21}
    assert (outcome.text, outcome.rows[0].text) == ({"Reviewer": "x"}, {"Reviewer": "y"})


def test_data_that_the_wizard_left_out_are_noted(load: Callable[..., es.Review]) -> None:
    with pytest.warns(es.DataWarning, match="O-E and Var are missing"):
        load(COMPARISON, OUTCOME | {"Data Type": "IPD"}, STUDY)


def test_decimals_are_those_of_the_results_stored(load: Callable[..., es.Review]) -> None:
    assert load(COMPARISON, OUTCOME, STUDY).decimals == 3
    assert load(COMPARISON, OUTCOME, STUDY | {"SE": "1.25E-3"}).decimals == 5
    assert load(COMPARISON, OUTCOME | {"P(Z)": "0.123456789012"}, STUDY).decimals is None
    assert load(COMPARISON, OUTCOME, STUDY | {"Effect Estimate": "0", "SE": "0.00"}).decimals is None


def test_numbers_in_other_ways(load: Callable[..., es.Review]) -> None:
    outcome = only(load(COMPARISON, OUTCOME, STUDY | {"Total 1": "1,234", "SE": "Infinity"}))
    assert outcome.rows[0].data["n_1"] == 1234
    assert outcome.rows[0].stored.numbers["se"] == math.inf
    semicolons = only(load(COMPARISON, OUTCOME, STUDY | {"Effect Estimate": "0,525", "SE": "1,234"}, delimiter=";"))
    assert semicolons.rows[0].stored.numbers == {"display": 0.525, "se": 1.234}


def test_years_that_differ_are_noted(load: Callable[..., es.Review]) -> None:
    with pytest.warns(es.DataWarning, match="line 5: Smith 2001 has the year 2002, and 2001"):
        review = load(COMPARISON, OUTCOME, STUDY, STUDY | {"Year of study": "2002"})
    assert review.study_by_id["Smith 2001"].year == "2001"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((COMPARISON, STUDY), "line 3: 'Smith 2001' belongs to outcome 1.1"),
        ((COMPARISON, OUTCOME, STUDY | {"Subgroup Number": "3"}), "line 4: 'Smith 2001' belongs to subgroup 1.1.3"),
        ((COMPARISON, OUTCOME | {"Data Type": "SUNDRY"}), "line 3: the data type 'SUNDRY' is not known"),
        ((COMPARISON, OUTCOME, OUTCOME), "line 4: outcome or subgroup 1.1 stands twice"),
        ((COMPARISON, COMPARISON), "line 3: comparison 1 stands twice"),
        ((COMPARISON, OUTCOME, STUDY | {"Name": ""}), "line 4: a study without a name"),
        ((COMPARISON | {"Comparison Number": "one"},), "line 2: 'Comparison Number' is no whole number"),
    ],
)
def test_lines_that_belong_nowhere_are_refused(
    load: Callable[..., es.Review], rows: tuple[dict[str, str], ...], message: str
) -> None:
    with pytest.raises(es.FormatError, match=message):
        load(*rows)


def test_texts_in_the_place_of_numbers_are_named(load: Callable[..., es.Review]) -> None:
    with pytest.raises(es.DataError) as caught:
        load(
            COMPARISON,
            OUTCOME | {"Q": "?"},
            STUDY | {"Events 1": "three", "SE": "x"},
            STUDY | {"User defined order": "1.5"},
        )
    said = [(one.row, one.study, one.column, one.value) for one in caught.value.problems]
    assert (3, "Smith 2001", "Events 1", "three") in said
    assert (3, "Smith 2001", "SE", "x") in said
    assert (2, None, "Q", "?") in said
    assert (4, "Smith 2001", "User defined order", "1.5") in said
    assert "line 4" in str(caught.value)


def test_files_of_other_kinds_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "review.csv"
    for content in (b"<html>Comparison Number,Outcome Number,Subgroup Number</html>", b"a,b\n1,2\n", b'"a'):
        path.write_bytes(content)
        with pytest.raises(es.FormatError):
            es.load(path, format="revman-csv")
    path.write_bytes(table(COMPARISON, headings=["Comparison Number", "Outcome Number"]) + b"1,2,3,4,5,6,7\r\n")
    with pytest.raises(es.FormatError, match="line 3"):
        es.load(path)


def test_recognition_is_by_headings() -> None:
    assert revman_csv.recognises(Source({"study": ["A"]})) == 0.0
    assert revman_csv.recognises(Source(Path(__file__))) == 0.0
    for record in revman_csv.converters():
        check_converter(record)
