"""Cochrane's data packages: real and made ones, old and new columns, and that any review comes back equal."""

from __future__ import annotations

import csv
import io
import math
import xml.etree.ElementTree as ET
import zipfile
from typing import TYPE_CHECKING, Any, cast

import attrs
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st

import evisynth as es
from evisynth.sources import Source
from evisynth.testing import strategies
from evisynth.testing.formats import check_converter, hostile_contents
from evisynth_converters import cochrane_package
from evisynth_converters.cochrane_package import read, write_review

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:.*not read:evisynth.DataWarning")

SETTINGS_OLD = [
    "Analysis group",
    "Analysis number",
    "Analysis name",
    "Analysis group name",
    "Data source",
    "Data source eligibility",
    "Data type",
    "Log-scale data",
    "Outcome",
    "Intervention grouping",
    "Experimental intervention",
    "Control intervention",
    "Subgroup by",
    "Filter criteria",
    "Experimental group label",
    "Control group label",
    "Statistical method",
    "Effect measure",
    "Unit of effect measure",
    "Analysis model",
    "Subgroup estimates",
    "Overall estimates",
    "Test for subgroup differences",
    "Swap event and non-event",
    "Study CI",
    "Estimate CI",
    "Experimental cases",
    "Experimental N",
    "Control cases",
    "Control N",
    "Mean",
    "CI start",
    "CI end",
    "Heterogeneity Tau²",
    "Heterogeneity Chi²",
    "Heterogeneity df",
    "Heterogeneity P",
    "Heterogeneity I²",
    "Effect Z",
    "Effect P",
    "Subgroup Chi²",
    "Subgroup df",
    "Subgroup P",
    "Subgroup I²",
    "ID",
]
SETTINGS_NEW = [
    *SETTINGS_OLD[:20],
    *("Heterogeneity estimator", "Tau² CI", "Subgroup estimates", "Overall estimates", "Test for subgroup differences"),
    *("Prediction interval", "Swap event and non-event", "CI method", "CI/PI level", "Sort by", "Graph label (left)"),
    *("Graph label (right)", "Graph scale", "Show risk of bias", "Experimental cases", "Experimental N"),
    *("Control cases", "Control N", "Mean", "CI start", "CI end", "PI start", "PI end", "Heterogeneity Tau²"),
    *("Tau² CI start", "Tau² CI end", "Heterogeneity Chi²", "Heterogeneity df", "Heterogeneity P", "Heterogeneity I²"),
    *("Effect Z", "Effect T", "Effect P", "Subgroup Chi²", "Subgroup df", "Subgroup P", "Subgroup I²", "ID"),
]
ROWS = [
    "Analysis group",
    "Analysis number",
    "Analysis name",
    "Subgroup",
    "Applicability",
    "Study",
    "Study year",
    "GIV Mean",
    "GIV SE",
    "Experimental mean",
    "Experimental SD",
    "Experimental cases",
    "Experimental N",
    "Control mean",
    "Control SD",
    "Control cases",
    "Control N",
    "O-E",
    "Variance",
    "Weight",
    "Mean",
    "CI start",
    "CI end",
    "Footnotes",
]
SUBGROUPS = [
    "Analysis group",
    "Analysis number",
    "Subgroup",
    "Subgroup number",
    "Experimental cases",
    "Experimental N",
    "Control cases",
    "Control N",
    "Weight",
    "Mean",
    "CI start",
    "CI end",
    "Heterogeneity Tau²",
    "Heterogeneity Chi²",
    "Heterogeneity df",
    "Heterogeneity P",
    "Heterogeneity I²",
    "Effect Z",
    "Effect P",
    "ID",
]
ANALYSIS = {
    "Analysis group": "1",
    "Analysis number": "1",
    "Analysis name": "Death",
    "Analysis group name": "A versus B",
    "Data type": "Dichotomous",
    "Log-scale data": "true",
    "Statistical method": "MH",
    "Effect measure": "Risk Ratio",
    "Analysis model": "Random effect",
    "Subgroup estimates": "true",
    "Overall estimates": "true",
    "Test for subgroup differences": "true",
    "Swap event and non-event": "false",
    "Study CI": "95%",
    "Estimate CI": "95%",
    "Data source eligibility": "#N/A",
    "ID": "analysis:1",
}
ROW = {
    "Analysis group": "1",
    "Analysis number": "1",
    "Analysis name": "Death",
    "Study": "Smith 2001",
    "Applicability": "SUBGROUP_AND_OVERALL",
    "Study year": "2001",
    "GIV Mean": "0.0",
    "GIV SE": "0.0",
    "Experimental mean": "0.0",
    "Experimental SD": "0.0",
    "Experimental cases": "3",
    "Experimental N": "20",
    "Control mean": "0.0",
    "Control SD": "0.0",
    "Control cases": "6",
    "Control N": "21",
    "O-E": "0.0",
    "Variance": "0.0",
    "Weight": "100.0",
    "Mean": "0.525",
    "CI start": "0.151",
    "CI end": "1.822",
}


def table(headings: list[str], *rows: Mapping[str, str]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, headings, restval="", lineterminator="\r\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode("utf-8-sig")


def package(
    *rows: Mapping[str, str],
    analysis: Mapping[str, str] | None = None,
    headings: list[str] = SETTINGS_OLD,
    subgroups: tuple[Mapping[str, str], ...] = (),
    **others: bytes,
) -> dict[str, bytes]:
    """Make the files of a review CD1."""
    made = {
        "CD1-analysis-data/CD1-overall-estimates-and-settings.csv": table(headings, {**ANALYSIS, **(analysis or {})}),
        "CD1-analysis-data/CD1-data-rows.csv": table(ROWS, *(rows or (ROW,))),
        "CD1-analysis-data/CD1-subgroup-estimates.csv": table(SUBGROUPS, *subgroups),
    }
    return made | {f"CD1-study-data/CD1-{name.replace('_', '-')}.csv": content for name, content in others.items()}


def zipped(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


@pytest.fixture
def load(tmp_path: Path) -> Callable[[Mapping[str, bytes]], es.Review]:
    """Load files from an archive whose name says nothing."""

    def from_files(files: Mapping[str, bytes]) -> es.Review:
        path = tmp_path / "package"
        path.write_bytes(zipped(files))
        review: es.Review = es.load(path)
        return review

    return from_files


def only(review: es.Review) -> es.ReviewOutcome:
    ((_, _, outcome),) = review.outcomes
    return outcome


# -- the real package -------------------------------------------------------------------------------------------------


def study_data(review: es.Review, place: str) -> dict[str, dict[str, float]]:
    """Give the data of an outcome by studies' names."""
    outcome = next(outcome for at, _, outcome in review.outcomes if at == place)
    names = review.study_by_id
    return {names[row.study].name: dict(row.data) for _, row in outcome.all_rows}


def of_rm5(path: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Parse the study data of the review's own file, by outcome and name."""
    columns = ("EVENTS", "MEAN", "SD", "TOTAL")
    names = {"EVENTS": "events", "MEAN": "mean", "SD": "sd", "TOTAL": "n"}
    root = ET.parse(path).getroot()  # noqa: S314 - a file of ours
    studies = {study.get("ID"): study.get("NAME", "") for study in root.iter("STUDY")}
    found: dict[str, dict[str, dict[str, float]]] = {}
    for tag, place in (("DICH", "1.1"), ("CONT", "1.2")):
        found[place] = {
            studies[row.get("STUDY_ID")]: {
                f"{names[column]}_{arm}": float(row.get(f"{column}_{arm}", ""))
                for arm in (1, 2)
                for column in columns
                if f"{column}_{arm}" in row.attrib
            }
            for row in root.iter(f"{tag}_DATA")
        }
    return found


def test_the_same_review_is_equal_in_all_its_forms(shared_reference: Path, tmp_path: Path) -> None:
    folder = shared_reference / "fleiss1993"
    truth = of_rm5(folder / "Fleiss1993.rm5")
    assert [len(truth[place]) for place in ("1.1", "1.2")] == [7, 5]
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(folder / "Fleiss1993.zip") as archive:
        archive.extractall(unpacked)
    inner = next(unpacked.rglob("*-data.zip"))
    with zipfile.ZipFile(inner) as archive:
        archive.extractall(tmp_path / "data")
    forms = [folder / name for name in ("Fleiss1993.zip", "Fleiss1993_CR.csv", "FLEISS1993.MTV")]
    for form in (*forms, inner):
        renamed = tmp_path / f"{form.stem.lower()} without suffix"
        renamed.write_bytes(form.read_bytes())
        forms.append(renamed)
    for form in (*forms, unpacked, tmp_path / "data", inner):
        review = es.load(form)
        assert isinstance(review, es.Review), form
        for place, rows in truth.items():
            assert study_data(review, place) == rows, (form, place)


def test_the_real_package_says_what_it_stores(shared_reference: Path) -> None:
    review: es.Review = es.load(shared_reference / "fleiss1993" / "Fleiss1993.zip")
    assert (review.id, review.preset, review.decimals) == ("921923100913455418", "revman5", 6)
    (_, comparison, first), (_, _, second) = review.outcomes
    assert comparison.name == "Examples from Fleiss (1993)"
    assert (first.measure, first.method, first.model, second.measure) == ("OR", "MH", "common", "SMD")
    assert (first.level, first.totals, first.log_data, first.swap_events) == (0.95, "overall", False, False)
    assert first.stored.numbers["display"] == 0.896866
    assert first.stored.numbers["q_df"] == 6
    assert "display" not in second.stored.numbers
    assert all(row.stored.empty for row in second.rows)
    assert first.text == {"Data source": "Custom input"}
    (rob,) = review.risk_of_bias
    assert (rob.tool, [domain.name for domain in rob.domains]) == ("RoB 1", ["Allocation concealment?"])
    assert {judgement.judgement for judgement in rob.domains[0].judgements} == {"not applicable"}
    assert [study.references for study in review.studies] == [()] * 12


# -- settings ---------------------------------------------------------------------------------------------------------


def test_zeros_in_columns_of_other_types_are_not_data(load: Callable[[Mapping[str, bytes]], es.Review]) -> None:
    outcome = only(load(package()))
    (row,) = outcome.rows
    assert row.data == {"events_1": 3, "n_1": 20, "events_2": 6, "n_2": 21}
    assert row.stored.numbers == {"weight": 100, "display": 0.525, "display_ci_low": 0.151, "display_ci_high": 1.822}
    assert (outcome.measure, outcome.model, outcome.log_data) == ("RR", "random", False)


@pytest.mark.parametrize(
    ("words", "data_type", "measure", "label"),
    [
        ("Risk Ratio", "Dichotomous", "RR", None),
        ("Odds Ratio", "Dichotomous", "OR", None),
        ("Peto Odds Ratio", "Dichotomous", "PETO", None),
        ("Risk Difference", "Dichotomous", "RD", None),
        ("Risk Ratio", "Arm level", "RR", None),
        ("Mean Difference", "Continuous", "MD", None),
        ("Std. Mean Difference", "Continuous", "SMD", None),
        ("Standardized Mean Difference", "Continuous", "SMD", None),
        ("Ratio of Means", "Continuous", None, "Ratio of Means"),
        ("Hazard Ratio", "Contrast level", "GEN", "Hazard Ratio"),
        ("Risk Ratio", "Contrast level", "GEN", "Risk Ratio"),
        ("Peto Odds Ratio", "O-E and variance", "O-E", "Peto Odds Ratio"),
    ],
)
def test_measures_have_words(
    load: Callable[[Mapping[str, bytes]], es.Review], words: str, data_type: str, measure: str | None, label: str | None
) -> None:
    outcome = only(load(package(analysis={"Effect measure": words, "Data type": data_type})))
    assert (outcome.measure, outcome.effect_label) == (measure, label)


@pytest.mark.parametrize(
    ("words", "flag", "swapped"),
    [
        ("Odds Ratio", "false", False),
        ("Odds Ratio (Non-event)", "false", True),
        ("Odds Ratio", "true", True),
        ("Odds Ratio (Non-event)", "true", True),
        ("Odds Ratio", "#N/A", False),
    ],
)
def test_events_are_swapped_once(
    load: Callable[[Mapping[str, bytes]], es.Review], words: str, flag: str, *, swapped: bool
) -> None:
    outcome = only(load(package(analysis={"Effect measure": words, "Swap event and non-event": flag})))
    assert (outcome.measure, outcome.swap_events) == ("OR", swapped)


@pytest.mark.parametrize(
    ("overall", "subgroups", "totals"),
    [("true", "true", "overall"), ("false", "true", "subgroups"), ("false", "false", "none"), ("", "", "overall")],
)
def test_totals_follow_from_two_columns(
    load: Callable[[Mapping[str, bytes]], es.Review], overall: str, subgroups: str, totals: str
) -> None:
    outcome = only(load(package(analysis={"Overall estimates": overall, "Subgroup estimates": subgroups})))
    assert outcome.totals == totals


def test_new_columns_are_settings(load: Callable[[Mapping[str, bytes]], es.Review]) -> None:
    new = {
        "Heterogeneity estimator": "REML",
        "Tau² CI": "true",
        "CI method": "HKSJ",
        "Prediction interval": "true",
        "CI/PI level": "99%",
        "Sort by": "Weight",
        "Graph label (left)": "Favours A",
        "Graph scale": "100",
        "Show risk of bias": "true",
        "Mean": "0.5",
        "CI start": "0.2",
        "CI end": "1.3",
        "PI start": "0.1",
        "PI end": "2.5",
        "Heterogeneity Tau²": "0.04",
        "Tau² CI start": "0.0",
        "Tau² CI end": "0.9",
        "Effect T": "-1.2345678",
        "Unit of effect measure": "mmHg",
        "Study CI": "",
        "Estimate CI": "",
    }
    review = load(package(analysis=new, headings=SETTINGS_NEW))
    outcome = only(review)
    assert review.preset == "revman-web"
    assert review.decimals == 7
    assert outcome.words == {"tau2": "REML", "tau2_interval": "QP", "interval": "HK", "prediction": "by interval"}
    assert (outcome.level, outcome.study_level, outcome.sort_by, outcome.axis) == (0.99, 0.99, "weight", 100)
    assert (outcome.favours_1, outcome.favours_2, outcome.units) == ("Favours A", None, "mmHg")
    numbers = outcome.stored.numbers
    assert (numbers["display_prediction_low"], numbers["display_prediction_high"]) == (0.1, 2.5)
    assert (numbers["tau2_ci_low"], numbers["tau2_ci_high"], numbers["statistic"]) == (0, 0.9, -1.2345678)
    assert outcome.text == {"Show risk of bias": "true"}
    es.Settings(preset=review.preset, **outcome.words)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"CI method": "Hartung-Knapp-Sidik-Jonkman", "Heterogeneity estimator": "DerSimonian and Laird"},
            ("DL", "HK"),
        ),
        ({"CI method": "Wald-type", "Heterogeneity estimator": "DL"}, ("DL", "Wald")),
        ({"CI method": "Wald", "Heterogeneity estimator": "#N/A"}, (None, "Wald")),
    ],
)
def test_methods_have_several_names(
    load: Callable[[Mapping[str, bytes]], es.Review], given: dict[str, str], words: tuple[str | None, str]
) -> None:
    outcome = only(load(package(analysis=given, headings=[*SETTINGS_OLD, *given])))
    assert (outcome.words.get("tau2"), outcome.words.get("interval")) == words


def test_methods_that_are_not_known_are_kept_and_noted(load: Callable[[Mapping[str, bytes]], es.Review]) -> None:
    given = {"CI method": "Bayesian", "Statistical method": "GLMM", "Sort by": "Mood", "Graph scale": "wide"}
    with pytest.warns(es.DataWarning) as warned:
        outcome = only(load(package(analysis=given, headings=[*SETTINGS_OLD, "CI method", "Sort by", "Graph scale"])))
    assert all(any(word in str(one.message) for one in warned) for word in given.values())
    assert outcome.text == given
    assert (outcome.words, outcome.method, outcome.sort_by, outcome.axis) == ({}, None, "study", None)


# -- rows -------------------------------------------------------------------------------------------------------------


def test_contrast_level_data_are_logarithms_where_the_flag_says_so(
    load: Callable[[Mapping[str, bytes]], es.Review],
) -> None:
    row = {**ROW, "GIV Mean": "-0.25", "GIV SE": "0.11", "Experimental N": "0", "Control N": "0"}
    for flag, log_data in (("true", True), ("false", False), ("", True)):
        made = package(
            row, analysis={"Data type": "Contrast level", "Effect measure": "Hazard Ratio", "Log-scale data": flag}
        )
        outcome = only(load(made))
        assert outcome.log_data is log_data
        assert outcome.rows[0].data == {"yi": -0.25, "sei": 0.11}
    with_n = {**row, "Experimental N": "10", "Control N": "12"}
    outcome = only(load(package(with_n, analysis={"Data type": "Contrast level", "Effect measure": "Mean Difference"})))
    assert outcome.rows[0].data == {"yi": -0.25, "sei": 0.11, "n_1": 10, "n_2": 12}


def test_o_e_data_and_petos_stored_o_e(load: Callable[[Mapping[str, bytes]], es.Review]) -> None:
    row = {**ROW, "O-E": "-2.5", "Variance": "4.25"}
    words = {"Statistical method": "EXP_O_E_VAR", "Data type": "O-E and variance", "Effect measure": "Hazard Ratio"}
    outcome = only(load(package(row, analysis=words)))
    assert (outcome.method, outcome.measure) == ("Peto", "O-E")
    assert outcome.rows[0].data["o_e"] == -2.5
    assert outcome.rows[0].data["o_e_variance"] == 4.25
    peto = only(load(package(row, analysis={"Statistical method": "Peto", "Effect measure": "Peto Odds Ratio"})))
    assert "o_e" not in peto.rows[0].data
    assert (peto.rows[0].stored.numbers["o_e"], peto.rows[0].stored.numbers["o_e_variance"]) == (-2.5, 4.25)


def test_rows_say_where_they_are_pooled_and_subgroups_keep_their_order(
    load: Callable[[Mapping[str, bytes]], es.Review],
) -> None:
    rows = [
        {**ROW, "Subgroup": "women", "Applicability": "SUBGROUP_ONLY", "Footnotes": "<p>as read</p>"},
        {**ROW, "Subgroup": "men", "Study": "Jones"},
        {**ROW, "Subgroup": "children", "Study": "Jones"},
        {**ROW, "Applicability": "OVERALL_ONLY", "Study": "=cmd()"},
    ]
    here = {"Analysis group": "1", "Analysis number": "1", "Weight": "40.5", "Effect Z": "1.2", "Mean": "0.5"}
    subgroups = tuple({**here, "Subgroup": name, "Subgroup number": n} for name, n in (("men", "1"), ("women", "2")))
    review = load(package(*rows, subgroups=subgroups))
    outcome = only(review)
    assert [(one.number, one.name, len(one.rows)) for one in outcome.subgroups] == [
        (1, "men", 1),
        (2, "women", 1),
        (3, "children", 1),
    ]
    assert outcome.subgroups[1].rows[0].level == "subgroup"
    assert outcome.subgroups[1].rows[0].footnote == "<p>as read</p>"
    assert outcome.subgroups[0].stored.numbers == {"weight": 40.5, "statistic": 1.2, "display": 0.5}
    assert [row.level for row in outcome.rows] == ["overall"]
    assert [study.id for study in review.studies] == ["Smith 2001", "Jones", "=cmd()"]
    assert review.study_by_id["Smith 2001"].year == "2001"


def test_new_columns_of_rows_are_kept(load: Callable[[Mapping[str, bytes]], es.Review]) -> None:
    files = package()
    headings = [*ROWS, "Covariate: dose"]
    files["CD1-analysis-data/CD1-data-rows.csv"] = table(headings, {**ROW, "Covariate: dose": "high"})
    assert only(load(files)).rows[0].text == {"Covariate: dose": "high"}


# -- studies ----------------------------------------------------------------------------------------------------------


def test_studies_have_characteristics_and_references(load: Callable[[Mapping[str, bytes]], es.Review]) -> None:
    headings = ["Study", "Year", "Data source", "Char: Methods", "Char: Funding sources", "Region"]
    study = {"Study": "Smith 2001", "Year": "2001", "Data source": "PUB", "Char: Methods": "RCT, <b>blind</b>"}
    information = table(headings, {**study, "Char: Funding sources": "none", "Region": "Europe"})
    files = package(study_information=information)
    files["CD1-study-data/CD1-included.ris"] = (
        b"\xef\xbb\xbfTY  - JOUR\r\nNS  - Smith 2001\r\nAU  - Smith, J.\r\nTI  - A trial\r\nPY  - 2001\r\nER  - \r\n"
    )
    files["CD1-study-data/CD1-excluded.ris"] = b"TY  - JOUR\r\nNS  - Miller 1999\r\nTI  - No trial\r\nER  - \r\n"
    review = load(files)
    smith, miller = review.studies
    assert smith.characteristics == {"methods": "RCT, <b>blind</b>", "funding_sources": "none", "Region": "Europe"}
    assert (smith.data_source, smith.status, miller.name, miller.status) == (
        "PUB",
        "included",
        "Miller 1999",
        "excluded",
    )
    assert [reference.fields["title"] for reference in (*smith.references, *miller.references)] == [
        "A trial",
        "No trial",
    ]


def test_risk_of_bias_has_domains_groups_and_tools(load: Callable[[Mapping[str, bytes]], es.Review]) -> None:
    names = ["Random sequence generation", "Blinding: All outcomes", "Attrition: death", "Attrition: pain"]
    headings = ["Study", *(f"Domain ({what}): {name}" for name in names for what in ("judgement", "support"))]
    row = {
        "Study": "Smith 2001",
        "Domain (judgement): Random sequence generation": "Low risk",
        "Domain (support): Random sequence generation": "Computer",
        "Domain (judgement): Blinding: All outcomes": "Unclear risk",
        "Domain (judgement): Attrition: death": "High risk",
        "Domain (judgement): Attrition: pain": "Not applicable",
    }
    (rob,) = load(package(risk_of_bias=table(headings, row))).risk_of_bias
    assert rob.tool == "RoB 1"
    assert [domain.name for domain in rob.domains] == ["Random sequence generation", "Blinding", "Attrition"]
    assert [group.name for domain in rob.domains for group in domain.groups] == ["All outcomes", "death", "pain"]
    judged = [(one.judgement, one.support, one.group) for domain in rob.domains for one in domain.judgements]
    assert judged == [
        ("low", "Computer", None),
        ("unclear", None, "All outcomes"),
        ("high", None, "death"),
        ("not applicable", None, "pain"),
    ]


def test_risk_of_bias_2_has_a_line_for_each_result(load: Callable[[Mapping[str, bytes]], es.Review]) -> None:
    names = ["Bias arising from the randomization process", "Overall bias"]
    headings = ["Study", "Result", *(f"Domain (judgement): {name}" for name in names)]
    rows = [
        {"Study": "Smith 2001", "Result": result, headings[2]: "Low risk of bias", headings[3]: "Some concerns"}
        for result in ("death", "pain")
    ]
    (rob,) = load(package(risk_of_bias=table(headings, *rows))).risk_of_bias
    assert (rob.tool, [domain.id for domain in rob.domains]) == ("RoB 2", ["D1", "Overall"])
    assert [one.group for one in rob.domains[1].judgements] == ["Result: death", "Result: pain"]
    assert [one.judgement for domain in rob.domains for one in domain.judgements[:1]] == ["low", "some concerns"]


def test_what_is_not_known_is_kept_or_named(load: Callable[[Mapping[str, bytes]], es.Review]) -> None:
    files = package()
    files |= {"CD1-study-data/CD1-study-arms.csv": b"Study,Arm\n", "CD1-figure.png": b"\x89PNG", "else/notes.txt": b"x"}
    path_of_picture = "CD1-figure.png"
    with pytest.warns(es.DataWarning, match=path_of_picture):
        review = load(files)
    assert review.parts == {"study-arms.csv": "Study,Arm\n"}


# -- what is refused --------------------------------------------------------------------------------------------------


def test_files_of_two_reviews_are_refused(load: Callable[[Mapping[str, bytes]], es.Review]) -> None:
    other = {name.replace("CD1", "CD2"): content for name, content in package().items()}
    with pytest.raises(es.FormatError, match=r"files of 2 reviews \(CD1, CD2\)"):
        load(package() | other)
    renamed = {f"copy/{name}": content + b"\r\n1,2,x" for name, content in package().items() if "rows" in name}
    with pytest.raises(es.FormatError, match="that differ"):
        load(package() | renamed)
    assert only(load(package() | {f"copy/{name}": content for name, content in package().items()})).rows


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            ({**ROW, "Experimental cases": "three"},),
            ("data-rows", "line 2", "Smith 2001", "Experimental cases", "three"),
        ),
        (({**ROW, "Study": ""},), ("data-rows", "line 2", "Study", "missing")),
        (({**ROW, "Applicability": "SOMETIMES"},), ("SOMETIMES", "SUBGROUP_ONLY", "line 2")),
        (({**ROW, "Mean": "0,5a"},), ("Mean", "0,5a")),
        (({**ROW, "Control N": "inf"},), ("Control N", "not finite")),
    ],
)
def test_cells_that_cannot_be_read_are_named(
    load: Callable[[Mapping[str, bytes]], es.Review], rows: tuple[Mapping[str, str], ...], said: tuple[str, ...]
) -> None:
    with pytest.raises(es.DataError) as caught:
        load(package(*rows))
    assert all(words in str(caught.value) for words in said), str(caught.value)


def test_all_offending_cells_are_named_at_once(load: Callable[[Mapping[str, bytes]], es.Review]) -> None:
    rows = ({**ROW, "Control N": "a"}, {**ROW, "Study": "Jones", "Control cases": "b", "Weight": "c"})
    with pytest.raises(es.DataError) as caught:
        load(package(*rows))
    assert [(one.row, one.study, one.column) for one in caught.value.problems] == [
        (1, "Smith 2001", "Control N"),
        (2, "Jones", "Weight"),
        (2, "Jones", "Control cases"),
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": table(ROWS, {**ROW, "Analysis number": "7"})}, r"CD1-data-rows.csv, line 2: .*1\.7"),
        ({"rows": table(ROWS, {**ROW, "Analysis number": "x"})}, "CD1-data-rows.csv, line 2: 'Analysis number'"),
        ({"rows": table([one for one in ROWS if one != "Study"])}, "data-rows.csv lacks the column 'Study'"),
        ({"rows": b"<!DOCTYPE html><html><body>log in</body></html>"}, "data-rows.csv is an HTML page"),
        ({"rows": b""}, "data-rows.csv is empty"),
        ({"rows": b'Analysis group,"Analysis'}, "line 1: a quotation mark"),
        ({"rows": table(ROWS) + b"1,1\r\n"}, "line 2: 2 fields where the heading has 24"),
        ({"rows": b"Study,Study\r\n"}, "two columns of the name 'Study'"),
        ({"settings": table(SETTINGS_OLD, ANALYSIS, ANALYSIS)}, "line 3: analysis 1.1 stands twice"),
        ({"settings": table(SETTINGS_OLD, {**ANALYSIS, "Data type": "Sundry", "Effect measure": ""})}, "'Sundry'"),
        ({"settings": table([one for one in SETTINGS_OLD if one != "Analysis group"])}, "lacks the column"),
        ({"subgroups": table(SUBGROUPS, {**ROW, "Analysis group": "9", "Subgroup": "x"})}, "settings do not have"),
        ({"rows": None}, "holds analyses, but no file …data-rows.csv"),
    ],
)
def test_packages_that_do_not_fit_together_are_refused(
    load: Callable[[Mapping[str, bytes]], es.Review], change: dict[str, bytes | None], message: str
) -> None:
    names = {"rows": "data-rows", "settings": "overall-estimates-and-settings", "subgroups": "subgroup-estimates"}
    files = package()
    for key, content in change.items():
        name = f"CD1-analysis-data/CD1-{names[key]}.csv"
        if content is None:
            del files[name]
        else:
            files[name] = content
    with pytest.raises(es.FormatError, match=message):
        load(files)


def test_archives_that_lead_out_or_are_of_another_kind_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "package.zip"
    path.write_bytes(zipped({"../CD1-data-rows.csv": b"x"}))
    with pytest.raises(es.FormatError, match="leads out"):
        es.load(path)
    path.write_bytes(
        zipped({"CD1-analysis-data/CD1-parameters.csv": b"x", "CD1-study-information.csv": b"Study\r\nA\r\n"})
    )
    assert [study.name for study in es.load(path).studies] == ["A"]
    path.write_bytes(zipped({"CD1-analysis-data/CD1-parameters.csv": b"x"}))
    with pytest.raises(es.FormatError, match="diagnostic tests"):
        es.load(path, format="cochrane-package")
    path.write_bytes(zipped({"holiday.txt": b"x"}))
    with pytest.raises(es.FormatError, match="no table of a Cochrane data package"):
        es.load(path, format="cochrane-package")


def test_a_package_of_studies_alone_has_no_comparisons(load: Callable[[Mapping[str, bytes]], es.Review]) -> None:
    review = load({"CD1-study-information.csv": table(["Study", "Year"], {"Study": "A", "Year": "2001"})})
    assert (review.comparisons, review.studies) == ((), (es.ReviewStudy(id="A", name="A", year="2001"),))


@pytest.mark.parametrize("name", ["data-rows.csv", "overall-estimates-and-settings.csv", "study-information.csv"])
def test_hostile_files_are_read_or_refused(tmp_path: Path, name: str) -> None:
    for number, content in enumerate(hostile_contents().values()):
        folder = tmp_path / f"{number}"
        (folder / "CD1-analysis-data").mkdir(parents=True)
        for path, held in package().items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_bytes(content if path.endswith(name) else held)
        (folder / f"CD1-analysis-data/CD1-{name}").write_bytes(content)
        try:
            review = read(Source(folder))
        except es.EvisynthError as error:
            assert str(error)  # noqa: PT017 - some are read
        else:
            assert name == "study-information.csv" or not only(review).rows


def test_the_record_keeps_the_laws_of_converters() -> None:
    for record in cochrane_package.converters():
        check_converter(record)


# -- writing ----------------------------------------------------------------------------------------------------------


def back(review: es.Review, tmp_path: Path) -> es.Review:
    path = tmp_path / "written.zip"
    es.save(review, path)
    read_again: es.Review = es.load(path)
    return read_again


def differences(first: Any, second: Any, place: str = "") -> list[str]:  # noqa: ANN401 - any value of the model
    """Name the fields in which two values of the model differ."""
    kind: Any = cast("Any", type(first))
    pairs: list[tuple[Any, Any, str]]
    if attrs.has(kind) and kind is type(second):
        fields = [field.name for field in attrs.fields(kind) if field.eq]
        pairs = [(getattr(first, name), getattr(second, name), f"{place}.{name}") for name in fields]
    elif kind is tuple and len(cast("tuple[Any, ...]", first)) == len(second):
        held = zip(cast("tuple[Any, ...]", first), second, strict=True)
        pairs = [(one, other, f"{place}[{i}]") for i, (one, other) in enumerate(held)]
    else:
        return [] if first == second else [f"{place}: {first!r} came back as {second!r}"]
    return [said for one, other, at in pairs for said in differences(one, other, at)]


STORED = es.StoredResults(
    numbers={"display": 0.1 + 0.2, "log10_display": -math.inf, "log10_display_ci_low": -0.019090463404662757, "q": 0.0},
    estimable=True,
)
FULL = es.Review(
    title='Aspirin, "again"\nand again',
    id="CD000001.pub2/x y",
    doi="10.1002/1",
    preset="revman5",
    decimals=None,
    studies=(
        es.ReviewStudy(
            id="STD-MRC_x002d_1",
            name="MRC-1",
            year="1974",
            data_source="PUB",
            references=(
                es.ReviewReference(
                    kind="JOURNAL_ARTICLE",
                    fields={"authors": "Elwood P; Cochrane A", "title": "=A trial", "source": "BMJ", "year": "1974"},
                    identifiers=(("DOI", "10.1136/1"), ("DOI", "10.1136/2"), ("MEDLINE", "")),
                    primary=True,
                    notes="",
                ),
                es.ReviewReference(),
            ),
            characteristics={"methods": "<p>RCT</p>", "reason_for_exclusion": "", "Methods": "other", "Char: x": "y"},
            identifiers=(("CRSSTD", "1"), ("", "")),
        ),
        es.ReviewStudy(id="b", name="-1+1", status="excluded"),
        es.ReviewStudy(id="c", name="", status="awaiting", year=""),
        es.ReviewStudy(id="d", name="#N/A", status="ongoing", references=(es.ReviewReference(fields={"": ""}),)),
        es.ReviewStudy(id="", name="b"),
    ),
    risk_of_bias=(
        es.RiskOfBias(
            tool="RoB 1",
            domains=(
                es.BiasDomain(
                    id="QIT-01",
                    name="Blinding",
                    description="<p>Who knew?</p>",
                    core=False,
                    judgements=(
                        es.Judgement(study="b", judgement="high", support="none", group="QIG-1"),
                        es.Judgement(study="b", judgement="high", support=None, group="QIG-1"),
                        es.Judgement(study="gone", judgement="not applicable"),
                    ),
                    groups=(
                        es.OutcomeGroup(id="QIG-1", name="Subjective: all", outcomes=("CMP-001.01", "CMP-001.02")),
                        es.OutcomeGroup(id="QIG-2", name=""),
                    ),
                ),
                es.BiasDomain(id="", name=""),
            ),
            weights={"b": 1 / 3},
        ),
        es.RiskOfBias(tool="RoB 2"),
    ),
    comparisons=(
        es.ReviewComparison(
            number=1,
            name="A versus B",
            id="CMP-001",
            outcomes=(
                es.ReviewOutcome(
                    number=1,
                    name="Death",
                    data_type="dichotomous",
                    id="CMP-001.01",
                    method="MH",
                    model="random",
                    measure="OR",
                    effect_label="Odds",
                    level=0.99,
                    study_level=1 / 3,
                    totals="subgroups",
                    subgroup_test=False,
                    swap_events=True,
                    sort_by="effect",
                    group_1="Aspirin",
                    group_2="",
                    favours_1="Favours =A",
                    favours_2="+B",
                    units="mmol/l",
                    axis=100.0,
                    words={"tau2": 0.5, "interval": "t", "prediction": None, "level": "0.9", "tau2_common": True},
                    rows=(
                        es.ReviewRow(
                            study="STD-MRC_x002d_1",
                            data={"events_1": 49.0, "n_1": 615.0, "events_2": 67.5, "n_2": 1e-300},
                            level="overall",
                            order=-3,
                            footnote="line one\r\nline two",
                            stored=STORED,
                            text={"Study": "x", "place": "y", "A, b": "", "": " "},
                        ),
                        es.ReviewRow(study="not among the studies", level="subgroup"),
                    ),
                    subgroups=(
                        es.ReviewSubgroup(number=2, name="women", id="CMP-001.01.02", stored=STORED),
                        es.ReviewSubgroup(
                            number=2,
                            name="women",
                            rows=(es.ReviewRow(study="b", data={"yi": 0.1}, stored=es.StoredResults(estimable=False)),),
                        ),
                    ),
                    stored=es.StoredResults(numbers={"subgroup_q": 1e22, "studies": 7, "something else": -0.0}),
                    text={"Outcome": "death", "Show risk of bias": "true", "Analysis model": "x", "data source": "y"},
                ),
                es.ReviewOutcome(
                    number=1, name="", data_type="other", rows=(es.ReviewRow(study="b", text={"1": "a"}),)
                ),
                es.ReviewOutcome(
                    number=3,
                    name="HR",
                    data_type="generic",
                    measure="GEN",
                    effect_label="Odds Ratio (Non-event)",
                    log_data=True,
                    rows=(es.ReviewRow(study="b", data={"yi": -0.1, "sei": 0.2, "n_1": 0.0, "n_2": 0.0}),),
                ),
                es.ReviewOutcome(
                    number=4,
                    name="O - E",
                    data_type="o-e",
                    method="Peto",
                    measure="O-E",
                    effect_label="Hazard Ratio",
                    rows=(es.ReviewRow(study="b", data={"o_e": -1.5, "o_e_variance": 2.0, "events_1": 0.0}),),
                ),
                es.ReviewOutcome(number=5, name="BP", data_type="continuous", measure="SMD", method="IV"),
            ),
        ),
        es.ReviewComparison(number=1, name="", id=""),
    ),
    flow=es.StudyFlow(
        counts={"records_screened": 5, "": 0},
        reasons={"dbr_excluded": (("no trial", 3), ("unclear, mostly", None)), "none": ()},
        labels={"included": "", "previous": "=x"},
    ),
    parts={"MAIN_TEXT": "<MAIN_TEXT>ä\r\n</MAIN_TEXT>" + "x" * 200_000, "": ""},
)


def test_every_field_of_the_model_comes_back(tmp_path: Path) -> None:
    for model in (es.Review, es.ReviewStudy, es.ReviewOutcome, es.ReviewRow, es.BiasDomain, es.StudyFlow):
        defaults = {field.name for field in attrs.fields(model) if field.eq}
        assert defaults, model
    assert differences(FULL, back(FULL, tmp_path)) == []
    assert back(FULL, tmp_path) == FULL
    assert list(back(FULL, tmp_path).parts) == ["MAIN_TEXT", ""]


def test_a_folder_holds_the_same_as_an_archive(tmp_path: Path) -> None:
    es.save(FULL, tmp_path / "written", format="cochrane-package")
    assert es.load(tmp_path / "written") == FULL


def test_a_package_that_was_read_is_written_for_others(load: Callable[[Mapping[str, bytes]], es.Review]) -> None:
    new = {"Heterogeneity estimator": "DL", "CI method": "Wald", "Prediction interval": "false", "CI/PI level": "95%"}
    made = package(analysis={**new, "Outcome": "Death", "ID": "analysis:7"}, headings=SETTINGS_NEW)
    review = load(made)
    written = write_review(review)
    assert load(written) == review
    again = list(csv.DictReader(io.StringIO(written[next(iter(written))].decode("utf-8-sig"), newline="")))
    given = list(csv.DictReader(io.StringIO(made[next(iter(made))].decode("utf-8-sig"), newline="")))
    kept = {key: value for key, value in given[0].items() if value and key != "CI/PI level"}
    assert {key: again[0][key] for key in kept if value_differs(kept[key], again[0][key])} == {}
    rows = next(content for name, content in written.items() if name.endswith("-data-rows.csv"))
    (row,) = csv.DictReader(io.StringIO(rows.decode("utf-8-sig"), newline=""))
    assert (row["Study"], row["Experimental cases"], row["Control N"], row["Mean"]) == (
        "Smith 2001",
        "3",
        "21",
        "0.525",
    )


def value_differs(one: str, other: str) -> bool:
    return one not in {other, "#N/A"}


def test_names_that_spreadsheets_would_run_are_guarded() -> None:
    study = es.ReviewStudy(id="a", name="=1+1")
    written = write_review(es.Review(studies=(study,)))
    (name,) = [name for name in written if name.endswith("study-information.csv")]
    assert b"\r\n'=1+1," in written[name]


def test_rows_that_users_add_to_a_written_package_are_found(tmp_path: Path) -> None:
    outcome = es.ReviewOutcome(
        number=2, name="Death", data_type="dichotomous", subgroups=(es.ReviewSubgroup(number=1, name="men"),)
    )
    written = dict(write_review(es.Review(comparisons=(es.ReviewComparison(number=3, name="A", outcomes=(outcome,)),))))
    (name,) = [name for name in written if name.endswith("data-rows.csv")]
    headings = written[name].decode("utf-8-sig").splitlines()[0].split(",")
    added = {**ROW, "Analysis group": "3", "Analysis number": "2", "Subgroup": "men", "Study": "New"}
    path = tmp_path / "edited.zip"
    path.write_bytes(zipped(written | {name: table(headings, added)}))
    review: es.Review = es.load(path)
    assert only(review).subgroups[0].rows[0].data["events_1"] == 3
    assert [study.name for study in review.studies] == ["New"]


@pytest.mark.parametrize(
    ("ending", "old", "new", "message"),
    [
        ("evisynth-review.csv", b"format,1", b"format,9", "format '9'"),
        ("overall-estimates-and-settings.csv", b"field.study_level", b"field.other", "field.other"),
        ("evisynth-judgements.csv", b"1,1,b", b"1,9,b", "Domain 9 is not there"),
        ("evisynth-references.csv", b"\r\n1,", b"\r\n99,", "Study 99 is not there"),
        ("evisynth-parts.csv", b"evisynth-part-1.txt", b"../secret.txt", "is not there"),
        ("evisynth-domains.csv", b"description", b"descriptor", "'descriptor' is no part"),
        ("data-rows.csv", b"-inf", b"minus", "stored.log10_display"),
    ],
)
def test_a_written_package_that_was_spoilt_is_refused(
    tmp_path: Path, ending: str, old: bytes, new: bytes, message: str
) -> None:
    written = dict(write_review(FULL))
    (name,) = [name for name in written if name.endswith(ending)]
    assert old in written[name]
    path = tmp_path / "spoilt.zip"
    path.write_bytes(zipped(written | {name: written[name].replace(old, new)}))
    with pytest.raises((es.FormatError, es.DataError), match=message):
        es.load(path)


# -- any review -------------------------------------------------------------------------------------------------------

TEXTS = st.one_of(
    st.sampled_from(
        ["", " ", "=1", "-5", "'", "'=x", "\\", "\\u0041", "#N/A", "#none", "true", "1,5", "nan", "\ufeff"]
    ),
    st.text(max_size=6),
    st.text(st.sampled_from("a,;\"\n\r\t\\'=#\0\ud800é"), max_size=5),
)
SOME = st.none() | TEXTS
NUMBERS = st.floats(allow_nan=False) | st.integers(-(10**6), 10**6).map(float)
LEVELS = st.sampled_from([0.9, 0.95, 0.99]) | st.floats(0.01, 0.999)
WORDS = st.none() | st.booleans() | NUMBERS | st.integers() | TEXTS
STANDARD_NAMES = (
    *("display", "display_ci_low", "log10_display", "se", "weight", "q", "q_df", "tau2", "statistic", "studies"),
    *("n_1", "events_1", "o_e", "tau2_ci_low", "subgroup_q", "display_prediction_high"),
)
RESULTS = st.builds(
    es.StoredResults,
    numbers=st.dictionaries(st.sampled_from(STANDARD_NAMES) | TEXTS, NUMBERS, max_size=4),
    estimable=st.none() | st.booleans(),
)
COLUMNS = ("events_1", "n_1", "events_2", "n_2", "mean_1", "sd_1", "yi", "sei", "o_e", "o_e_variance")
HEADINGS = st.sampled_from(["Outcome", "ID", "Study", "place", "text.x", "data.yi", "Filter criteria", "Effect T"])
KEPT = st.dictionaries(HEADINGS | TEXTS, TEXTS, max_size=3)
IDS = st.sampled_from(["a", "b", "STD-x_x002d_1"]) | TEXTS
ROWS_OF = st.lists(
    st.builds(
        es.ReviewRow,
        study=IDS,
        data=st.dictionaries(st.sampled_from(COLUMNS) | TEXTS, NUMBERS, max_size=4),
        level=st.sampled_from(["both", "subgroup", "overall"]),
        order=st.none() | st.integers(-5, 5),
        footnote=SOME,
        stored=RESULTS,
        text=KEPT,
    ),
    max_size=2,
).map(tuple)
GROUPS = st.lists(
    st.builds(es.ReviewSubgroup, number=st.integers(-1, 3), name=TEXTS, id=SOME, rows=ROWS_OF, stored=RESULTS),
    max_size=2,
).map(tuple)
SETTING_WORDS = st.dictionaries(
    st.sampled_from(["tau2", "interval", "prediction", "tau2_interval"]) | TEXTS,
    st.sampled_from(["DL", "REML", "Wald", "HK", "QP", "by interval", None]) | WORDS,
    max_size=4,
)
OUTCOMES = st.lists(
    st.builds(
        es.ReviewOutcome,
        number=st.integers(-1, 3),
        name=TEXTS,
        data_type=st.sampled_from(["dichotomous", "continuous", "generic", "o-e", "other"]),
        id=SOME,
        method=st.sampled_from(["MH", "IV", "Peto", None, "EXP_O_E_VAR", "GLMM"]) | TEXTS,
        model=st.sampled_from(["common", "random", None, "fixed"]) | TEXTS,
        measure=st.sampled_from(["OR", "RR", "RD", "PETO", "MD", "SMD", "GEN", "O-E", None]) | TEXTS,
        effect_label=st.sampled_from(["Hazard Ratio", "Odds Ratio (Non-event)", "OR", None]) | TEXTS,
        log_data=st.booleans(),
        level=LEVELS,
        study_level=LEVELS,
        totals=st.sampled_from(["overall", "subgroups", "none"]),
        subgroup_test=st.booleans(),
        swap_events=st.booleans(),
        sort_by=st.sampled_from(["study", "year", "weight", "effect", "user"]),
        group_1=SOME,
        group_2=SOME,
        favours_1=SOME,
        favours_2=SOME,
        units=SOME,
        axis=st.none() | NUMBERS,
        words=SETTING_WORDS,
        rows=ROWS_OF,
        subgroups=GROUPS,
        stored=RESULTS,
        text=KEPT,
    ),
    max_size=2,
).map(tuple)
PAIRS = st.lists(st.tuples(TEXTS, TEXTS), max_size=2).map(tuple)
REFERENCES = st.lists(
    st.builds(
        es.ReviewReference,
        kind=TEXTS,
        fields=st.dictionaries(TEXTS, TEXTS, max_size=2),
        identifiers=PAIRS,
        primary=st.booleans(),
        notes=SOME,
    ),
    max_size=2,
).map(tuple)
STUDIES = st.lists(
    st.builds(
        es.ReviewStudy,
        id=IDS,
        name=TEXTS,
        year=SOME,
        status=st.sampled_from(["included", "excluded", "awaiting", "ongoing"]),
        data_source=SOME,
        references=REFERENCES,
        characteristics=st.dictionaries(
            st.sampled_from(["methods", "notes", "Char: Methods"]) | TEXTS, TEXTS, max_size=3
        ),
        identifiers=PAIRS,
    ),
    max_size=3,
).map(tuple)
DOMAINS = st.lists(
    st.builds(
        es.BiasDomain,
        id=TEXTS,
        name=TEXTS,
        judgements=st.lists(
            st.builds(es.Judgement, study=IDS, judgement=TEXTS, support=SOME, group=SOME), max_size=2
        ).map(tuple),
        description=SOME,
        groups=st.lists(
            st.builds(es.OutcomeGroup, id=TEXTS, name=TEXTS, outcomes=st.lists(TEXTS, max_size=2).map(tuple)),
            max_size=2,
        ).map(tuple),
        core=st.booleans(),
    ),
    max_size=2,
).map(tuple)
FLOWS = st.builds(
    es.StudyFlow,
    counts=st.dictionaries(TEXTS, st.integers(0, 10**9), max_size=2),
    reasons=st.dictionaries(
        TEXTS, st.lists(st.tuples(TEXTS, st.none() | st.integers(0, 99)), max_size=2).map(tuple), max_size=2
    ),
    labels=st.dictionaries(TEXTS, TEXTS, max_size=2),
)
REVIEWS = st.builds(
    es.Review,
    title=TEXTS,
    id=SOME,
    doi=SOME,
    preset=st.sampled_from(["revman5", "revman-web"]) | TEXTS,
    studies=STUDIES,
    risk_of_bias=st.lists(
        st.builds(es.RiskOfBias, tool=TEXTS, domains=DOMAINS, weights=st.dictionaries(IDS, NUMBERS, max_size=2)),
        max_size=2,
    ).map(tuple),
    comparisons=st.lists(
        st.builds(es.ReviewComparison, number=st.integers(-1, 3), name=TEXTS, id=SOME, outcomes=OUTCOMES), max_size=2
    ).map(tuple),
    flow=st.none() | FLOWS,
    decimals=st.none() | st.integers(0, 15),
    parts=st.dictionaries(TEXTS, TEXTS, max_size=2),
)


@given(REVIEWS)
@example(es.Review())
@strategies.examples(60, suppress=[HealthCheck.function_scoped_fixture])
def test_any_review_comes_back_equal(tmp_path: Path, review: es.Review) -> None:
    path = tmp_path / "any.zip"
    path.write_bytes(zipped(write_review(review)))
    read_again = read(Source(path))
    assert differences(review, read_again) == []
    assert read_again == review
