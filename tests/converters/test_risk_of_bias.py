"""Tables of risk of bias: the tool is told by its domains and words, and each judgement is the tool's own word."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

import evisynth as es
from evisynth.testing import strategies
from evisynth_converters import risk_of_bias
from evisynth_converters.bias_tables import review_of_table
from evisynth_converters.bias_tools import TOOLS, BiasTool
from evisynth_converters.bias_words import words_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SAMPLES = Path(__file__).parents[2] / ".." / "shared" / "reference" / "robvis"


@pytest.fixture
def review(tmp_path: Path) -> Callable[..., es.Review]:
    """Write text or bytes to a file and load it."""

    def write(content: str | bytes, name: str = "bias.csv") -> es.Review:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        held: es.Review = es.load(path)
        return held

    return write


def again(held: es.Review, tmp_path: Path) -> es.Review:
    path = es.save(held, tmp_path / "written.csv", format="risk-of-bias")
    back: es.Review = es.load(path)
    return back


def only(held: es.Review) -> es.RiskOfBias:
    (risk,) = held.risk_of_bias
    return risk


def words(risk: es.RiskOfBias, domain: str) -> dict[str, str]:
    (found,) = (one for one in risk.domains if one.id == domain)
    return {judgement.study: judgement.judgement for judgement in found.judgements}


def table_of(headings: Sequence[str], *rows: Sequence[str]) -> str:
    return "".join(f"{','.join(row)}\n" for row in (headings, *rows))


def numbered(number: int, *cells: str) -> str:
    """Write a table of so many domains, whose cells go round."""
    ids = [f"D{i}" for i in range(1, number + 1)]
    return table_of(
        ("Study", *ids, "Overall"),
        *(("A", *(cells[(i + j) % len(cells)] for j in range(number + 1))) for i in range(1)),
    )


# -- which tool --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "tool", "domains", "studies"),
    [
        ("data_rob2", "RoB 2", 6, 9),
        ("data_rob2_cluster", "RoB 2", 7, 9),
        ("data_robins_i", "ROBINS-I", 8, 10),
        ("data_robins_e", "ROBINS-E", 8, 10),
        ("data_quadas", "QUADAS-2", 5, 12),
        ("data_quips", "QUIPS", 7, 12),
        ("data_rob1", "RoB 1", 8, 9),
    ],
)
def test_the_samples_of_robvis(tmp_path: Path, name: str, tool: str, domains: int, studies: int) -> None:
    path = SAMPLES / f"{name}.csv"
    if not path.is_file():
        pytest.skip("no reference data beside the project")
    held: es.Review = es.load(path)
    risk = only(held)
    assert (risk.tool, len(risk.domains), len(held.studies)) == (tool, domains, studies)
    assert {len(domain.judgements) for domain in risk.domains} == {studies}
    assert risk.domains[-1].id == "Overall"
    assert again(held, tmp_path) == held


def test_the_sample_with_directions_keeps_all_it_says(tmp_path: Path) -> None:
    path = SAMPLES / "bias_direction.csv"
    if not path.is_file():
        pytest.skip("no reference data beside the project")
    with pytest.warns(es.DataWarning, match="kept with the studies: result_id, type, yi, vi"):
        held: es.Review = es.load(path)
    risk = only(held)
    assert (risk.tool, len(risk.domains), len(held.studies)) == ("Bias direction", 8, 20)
    first = risk.domains[0].judgements[0]
    assert (first.judgement, first.support) == ("high", "type: Add; direction: Favours comparator")
    assert words(risk, "D6")["Study 11"] == "not applicable"
    assert held.studies[0].characteristics["yi"] == "-0.127833372"
    assert es.Review(risk_of_bias=again(held, tmp_path).risk_of_bias) == es.Review(risk_of_bias=held.risk_of_bias)


@pytest.mark.parametrize(
    ("content", "tool"),
    [
        (numbered(5, "Low", "Some concerns", "High"), "RoB 2"),
        (numbered(5, "Low", "High"), "RoB 2"),
        (numbered(7, "Low", "Moderate", "Serious", "Critical"), "ROBINS-I"),
        (numbered(7, "Low", "Moderate"), "ROBINS-I"),
        (numbered(6, "Low", "Serious"), "ROBINS-I"),
        (numbered(7, "Low", "Some concerns", "Very high"), "ROBINS-E"),
        (numbered(7, "Low", "Some concerns", "High"), "ROBINS-E"),
        (numbered(7, "Low", "Unclear", "High"), "RoB 1"),
        (numbered(4, "Low", "Unclear", "High"), "QUADAS-2"),
        (numbered(4, "Low", "Some concerns", "High"), "QUADAS-2"),
        (numbered(6, "Low", "Moderate", "High"), "QUIPS"),
        (numbered(6, "Low", "High"), "QUIPS"),
        ("Study,D1,DS,D2,D3,D4,D5,Overall\nA,Low,High,Low,Low,Low,Low,High\n", "RoB 2"),
        ("Study,Sequence generation,Allocation concealment,Other sources of bias\nA,+,?,-\n", "RoB 1"),
        ("Study,Participation,Attrition,Confounding\nA,Low,Moderate,High\n", "QUIPS"),
        ("Study,D1,D2,D3,D4,D5,D6,D7,Tool\nA,L,L,L,L,L,L,L,robins e\n", "ROBINS-E"),
    ],
)
def test_domains_and_words_tell_the_tool(tmp_path: Path, content: str, tool: str) -> None:
    path = tmp_path / "bias.csv"
    path.write_text(content, encoding="utf-8")
    held = risk_of_bias.read(es.Source(path))
    assert only(held).tool == tool
    assert risk_of_bias.recognises(es.Source(path)) > 0.5
    assert again(held, tmp_path) == held


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (numbered(7, "Low"), "ROBINS-I, but ROBINS-E, RoB 1 would fit as well"),
        (numbered(7, "Low", "High"), "ROBINS-E, but RoB 1 would fit as well"),
        (numbered(5, "Low", "Unclear"), "RoB 1, but 5 domains are not its number"),
        (numbered(6, "Low", "Some concerns"), "RoB 2, but 6 domains are not its number"),
        ("Study,Care,Luck\nA,Low,High\n", "RoB 1, but the names of the domains are not its own"),
    ],
)
def test_a_doubtful_tool_is_said(review: Callable[..., es.Review], content: str, said: str) -> None:
    with pytest.warns(es.DataWarning, match=f"is taken for {said}; a column Tool says which it is"):
        review(content)


def test_a_tool_that_is_said_is_taken(review: Callable[..., es.Review], tmp_path: Path) -> None:
    headings, row = ("Study", *(f"D{i}" for i in range(1, 8)), "Tool"), ("A", *["Low"] * 7, "RoB 1")
    held = review(table_of(headings, row))
    assert only(held).tool == "RoB 1"
    assert only(held).domains[1].name == "Allocation concealment (selection bias)"
    assert again(held, tmp_path) == held
    with pytest.raises(es.FormatError, match="column Tool has 'AMSTAR'; a table has one of RoB 2, RoB 1"):
        review(table_of(headings, (*row[:-1], "AMSTAR")))
    with pytest.raises(es.FormatError, match="column Tool has"):
        review(table_of(headings, row, ("B", *row[1:-1], "QUIPS")))


# -- words -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "number", "meant"),
    [
        (["L", "sc", "H", "NI", "low risk of bias"], 5, ["low", "some concerns", "high", "no information", "low"]),
        (["+", "?", "-", "S", "Low Risk"], 5, ["low", "some concerns", "high", "some concerns", "low"]),
        (["High risk", "−", "–", "?", "n/a"], 5, ["high", "high", "high", "some concerns", "not applicable"]),
        (
            ["l", "M", "s", "C", "ni", "?", "NA"],
            7,
            ["low", "moderate", "serious", "critical", *["no information"] * 2, "not applicable"],
        ),
        (
            ["low concern", "unclear risk", "U", "High concern about applicability"],
            4,
            ["low", "unclear", "unclear", "high"],
        ),
        (
            ["low_risk", "some  CONCERNS", "VH", "l", "l", "l", "very high risk of bias."],
            7,
            ["low", "some concerns", "very high", "low", "low", "low", "very high"],
        ),
    ],
)
def test_cells_become_the_words_of_the_tool(cells: list[str], number: int, meant: list[str]) -> None:
    columns = {"Study": ["A"], **{f"D{i + 1}": [cell] for i, cell in enumerate(cells)}}
    assert len(cells) == number
    risk = only(review_of_table(columns, "table"))
    assert [domain.judgements[0].judgement for domain in risk.domains] == meant


def test_what_is_no_judgement_points_at_study_and_column(review: Callable[..., es.Review]) -> None:
    content = "Study,D1,D2,D3,D4,D5,Overall\nA,Low,Low,Low,Low,Low,Low\nB,Low,Lwo,High,Low,Low,unclear\n"
    more = "".join(f"{name},Low,Some concerns,Low,Low,Low,High\n" for name in "CDEF")
    with pytest.raises(
        es.DataError, match=r"judgements of RoB 2: low, some concerns, high, no information, not appl"
    ) as caught:
        review(content + more)
    assert [(one.row, one.study, one.column, one.value) for one in caught.value.problems] == [
        (2, "B", "D2", "'Lwo'"),
        (2, "B", "Overall", "'unclear'"),
    ]


def test_empty_cells_are_no_judgements(review: Callable[..., es.Review], tmp_path: Path) -> None:
    held = review("Study,D1,D2,D3,D4,D5\nA,Low,,Low,Low,\nB,,,High,,Low\nC,,,,,\nD,Low,,Low,Low,Low\n")
    assert [len(domain.judgements) for domain in only(held).domains] == [2, 0, 3, 2, 2]
    assert len(held.studies) == 4
    assert again(held, tmp_path) == held


def test_weights_are_kept(review: Callable[..., es.Review], tmp_path: Path) -> None:
    held = review("Study,D1,D2,D3,D4,Overall,Weight\nA,L,L,L,L,L,33.3%\nB,L,L,L,L,H,\nC,L,L,L,L,L,0.1\n")
    assert only(held).weights == {"A": 33.3, "C": 0.1}
    assert again(held, tmp_path) == held
    for weight in ("-1", "much", "nan", "inf", "1_0"):
        with pytest.raises(es.DataError, match=r"row 1 \(A\) column Weight: a weight is a number"):
            review(f"Study,D1,D2,D3,D4,Overall,Weight\nA,Low,Low,Low,Low,Low,{weight}\n")


def test_years_and_other_columns_stay_with_the_studies(review: Callable[..., es.Review]) -> None:
    with pytest.warns(es.DataWarning, match="no judgements are kept with the studies: Blinding details$"):
        held = review("Study,Year,D1,D2,D3,D4,D5,Overall,Blinding details\nA,2020,L,L,L,L,L,L,by name\n")
    assert held.studies == (
        es.ReviewStudy(id="A", name="A", year="2020", characteristics={"Blinding details": "by name"}),
    )


# -- several results of a study ----------------------------------------------------------------------------------------


def test_results_of_one_study_are_groups(review: Callable[..., es.Review], tmp_path: Path) -> None:
    held = review("Study,Outcome,D1,D2,D3,D4,D5\nA,Death,L,L,L,L,L\nA,Pain,H,L,L,L,L\nB,Pain,L,L,L,L,L\n")
    domain = only(held).domains[0]
    assert [group.name for group in domain.groups] == ["Death", "Pain"]
    assert [(one.study, one.group, one.judgement) for one in domain.judgements] == [
        ("A", "Death", "low"),
        ("A", "Pain", "high"),
        ("B", "Pain", "low"),
    ]
    assert [study.name for study in held.studies] == ["A", "B"]
    assert again(held, tmp_path) == held


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            "Study,D1,D2,D3,D4,D5\nA,L,L,L,L,L\nA,H,L,L,L,L\n",
            r"row 2 \(A\) column Study: stands in row 1 as well, and no",
        ),
        ("Study,Outcome,D1,D2,D3,D4,D5\nA,x,L,L,L,L,L\nA,x,H,L,L,L,L\n", r"row 2 \(A\) column Study: stands in row 1"),
        ("Study,D1,D2,D3,D4,D5\n,L,L,L,L,L\n", r"row 1 column Study: a row without the name"),
        (
            "Study,Outcome,D1,D2,D3,D4,D5,Weight\nA,x,L,L,L,L,L,1\nA,y,H,L,L,L,L,2\n",
            r"row 2 \(A\) column Weight: another weight than in a row above",
        ),
    ],
)
def test_studies_are_told_apart(review: Callable[..., es.Review], content: str, said: str) -> None:
    with pytest.raises(es.DataError, match=said):
        review(content)


# -- RevMan ------------------------------------------------------------------------------------------------------------

J, S = "Domain (judgement): ", "Domain (support): "


def test_a_table_of_revman(review: Callable[..., es.Review], tmp_path: Path) -> None:
    names = (
        "Random sequence generation (selection bias)",
        "Blinding (detection bias): Death",
        "Blinding (detection bias): Pain",
    )
    headings = ["Study", *(f"{part}{name}" for name in names for part in (J, S))]
    held = review(
        table_of(
            headings,
            ("A", "Low risk", '"Drawn, by lot"', "Unclear risk", "", "High risk", "<p>none</p>"),
            ("B", "", "Not said", "Low risk", "", "", ""),
        )
    )
    risk = only(held)
    assert risk.tool == "RoB 1"
    assert [(domain.id, domain.name) for domain in risk.domains] == [
        ("D1", "Random sequence generation (selection bias)"),
        ("D2", "Blinding (detection bias)"),
    ]
    assert risk.domains[0].judgements == (
        es.Judgement(study="A", judgement="low", support="Drawn, by lot"),
        es.Judgement(study="B", judgement="", support="Not said"),
    )
    assert [(one.study, one.group, one.judgement, one.support) for one in risk.domains[1].judgements] == [
        ("A", "Death", "unclear", None),
        ("B", "Death", "low", None),
        ("A", "Pain", "high", "<p>none</p>"),
    ]
    assert again(held, tmp_path) == held


def test_quadas_2_with_applicability_and_questions(review: Callable[..., es.Review], tmp_path: Path) -> None:
    columns = {
        "Was a consecutive or random sample of patients enrolled?": "Yes",
        "Could the selection of patients have introduced bias?": "Low risk",
        "Are there concerns that the included patients do not match the review question?": "Low concern",
        "Could the conduct or interpretation of the index test have introduced bias?: All tests": "Unclear risk",
        "Are there concerns that the index test differs from the review question?: All tests": "High",
        "Could the reference standard, its conduct, or its interpretation have introduced bias?": "High risk",
        "Could the patient flow have introduced bias?": "Unclear risk",
    }
    headings = ["Study", *(f'"{J}{name}"' for name in columns)]
    held = review(table_of(headings, ("A", *columns.values())))
    risk = only(held)
    assert risk.tool == "QUADAS-2"
    assert [(domain.id, domain.core, domain.judgements[0].judgement) for domain in risk.domains] == [
        ("Q1", False, "yes"),
        ("D1", True, "low"),
        ("A1", True, "low"),
        ("D2", True, "unclear"),
        ("A2", True, "high"),
        ("D3", True, "high"),
        ("D4", True, "unclear"),
    ]
    assert risk.domains[3].judgements[0].group == "All tests"
    assert again(held, tmp_path) == held


def test_applicability_by_number(review: Callable[..., es.Review], tmp_path: Path) -> None:
    held = review("Study,D1,D2,D3,D4,A1,A2,A3,Overall\nA,Low,Low,Unclear,Low,Low,High,Low,High\n")
    assert only(held).tool == "QUADAS-2"
    assert only(held).domains[4].name == "Applicability: patient selection"
    assert again(held, tmp_path) == held


def test_rob_2_by_the_names_of_revman(review: Callable[..., es.Review]) -> None:
    names = (
        "Bias arising from the randomization process",
        "Bias due to deviations from intended interventions",
        "Bias due to missing outcome data",
        "Bias in measurement of the outcome",
        "Bias in selection of the reported result",
        "Overall bias",
    )
    held = review(table_of(["Study", *(f"{J}{name}" for name in names)], ("A", "Low risk", *["Some concerns"] * 5)))
    assert only(held).tool == "RoB 2"
    assert [domain.id for domain in only(held).domains] == ["D1", "D2", "D3", "D4", "D5", "Overall"]


def test_answers_of_revman_5_0_are_said(review: Callable[..., es.Review]) -> None:
    with pytest.warns(es.DataWarning, match="yes is taken for a low risk of bias"):
        held = review(table_of(["Study", f"{J}Allocation concealment?"], ("A", "Yes"), ("B", "No"), ("C", "Unclear")))
    assert words(only(held), "D1") == {"A": "low", "B": "high", "C": "unclear"}


def test_the_table_of_a_package() -> None:
    path = SAMPLES.parent / "fleiss1993" / "Fleiss1993.zip"
    if not path.is_file():
        pytest.skip("no reference data beside the project")
    container = es.Source(path).container
    assert container is not None
    (name,) = (name for name in container.names if name.endswith("-risk-of-bias.csv"))
    lines = container.read(name).decode("utf-8-sig").splitlines()
    cells = list(zip(*(line.split(",") for line in lines), strict=True))
    held = review_of_table({heading: column for heading, *column in cells}, name)
    assert only(held).tool == "RoB 1"
    assert [domain.name for domain in only(held).domains] == ["Allocation concealment?"]
    assert set(words(only(held), "D1").values()) == {"not applicable"}
    assert len(held.studies) == 12


# -- recognition and hostile contents ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        "study,yi,vi\nA,1,2\n",
        "study,events_1,n_1,events_2,n_2,D1,D2,Overall\nA,1,2,1,2,Low,High,High\n",
        "study,allocation,yi,vi\nA,high,1,2\n",
        "study,stage\nA,high\n",
        "study,a,b\nA,NA,NA\n",
        "yi,vi\n1,2\n",
        "study,D1,D2\n",
    ],
)
def test_other_tables_stay_tables(tmp_path: Path, content: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(content, encoding="utf-8")
    assert isinstance(es.load(path), es.Studies)


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_delimiters_and_encodings(review: Callable[..., es.Review], mark: str, encoding: str) -> None:
    content = "Study,D1,D2,D3,D4,D5,Overall\nMüller 2020,Low,Low,Low,Low,Low,Low\n" + "é" * 5000 + ",L,L,L,L,L,L\n"
    held = review(content.replace(",", mark).encode(encoding), "bias.txt")
    assert [study.name for study in held.studies] == ["Müller 2020", "é" * 5000]


def test_hostile_names_come_back(review: Callable[..., es.Review], tmp_path: Path) -> None:
    names = ("=1+1", "@sum", "<script>alert(1)</script>", "\x1b[31mred", "x" * 100_000, "'=y")
    rows = "".join(f"{es.guarded_cell(name)},Low,Low,Low,Low,Low,High\n" for name in names)
    held = review("Study,D1,D2,D3,D4,D5,Overall\n" + rows)
    assert [study.name for study in held.studies] == list(names)
    assert again(held, tmp_path) == held
    written = (tmp_path / "written.csv").read_text(encoding="utf-8")
    assert "\n=" not in written


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("Study,D1\n", "has headings, but no study"),
        ("a,b\nLow,High\n", "has no column of studies"),
        ("study,yi\nA,1\n", "has no column of judgements"),
        ("study,D1,D1\nA,Low,Low\n", "columns of the same name"),
    ],
)
def test_what_is_no_such_table_is_refused(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(es.FormatError, match=said):
        es.load(path, format="risk-of-bias")


# -- writing -----------------------------------------------------------------------------------------------------------


def made(*domains: es.BiasDomain, tool: str = "RoB 1", studies: Sequence[str] = ("A",)) -> es.Review:
    risk = es.RiskOfBias(tool=tool, domains=domains)
    return es.Review(
        studies=tuple(es.ReviewStudy(id=f"S{i}", name=name) for i, name in enumerate(studies)), risk_of_bias=(risk,)
    )


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (es.Review(), "this review has none"),
        (made(tool="AMSTAR"), "this review has AMSTAR"),
        (made(), "distinct in a table"),
        (made(es.BiasDomain(id="D1", name="x"), studies=["A", "A "]), "distinct in a table: 'A'"),
        (
            made(es.BiasDomain(id="D1", name="x", judgements=(es.Judgement(study="S0", judgement="low"),) * 2)),
            "two judgements on one study",
        ),
    ],
)
def test_what_a_table_cannot_hold_is_not_written(held: es.Review, said: str) -> None:
    with pytest.raises(es.FormatError, match=said):
        risk_of_bias.write_review(held)


def test_a_review_of_another_format_is_written(tmp_path: Path) -> None:
    domain = es.BiasDomain(
        id="QIT-01",
        name="Blinding",
        groups=(es.OutcomeGroup(id="G1", name="Death"),),
        judgements=(es.Judgement(study="S0", judgement="high", support="open\nlabel", group="G1"),),
    )
    (back,) = only(again(made(domain), tmp_path)).domains
    assert back.name == "Blinding"
    assert back.judgements == (es.Judgement(study="A", judgement="high", support="open\nlabel", group="Death"),)


@given(data=st.data(), tool=st.sampled_from([tool for tool in TOOLS.values() if tool.domains]))
@strategies.examples(suppress=[HealthCheck.function_scoped_fixture])
def test_what_is_written_reads_back(tmp_path: Path, data: st.DataObject, tool: BiasTool) -> None:
    texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp", "Zs")), min_size=1, max_size=6)
    studies = data.draw(st.lists(texts, min_size=1, max_size=4, unique=True))
    support = data.draw(st.booleans())
    domains = tuple(
        es.BiasDomain(
            id=id_,
            name=name,
            judgements=tuple(
                es.Judgement(study=study, judgement=word, support=data.draw(texts) if support else None)
                for study in studies
                if (word := data.draw(st.sampled_from(("", *tool.words))))
            ),
        )
        for id_, name in tool.domains.items()
    )
    weights = {study: data.draw(st.floats(0, 1e9)) for study in studies[:2]}
    held = es.Review(
        studies=tuple(es.ReviewStudy(id=study, name=study) for study in studies),
        risk_of_bias=(es.RiskOfBias(tool=tool.name, domains=domains, weights=weights),),
    )
    path = tmp_path / "any.csv"
    path.write_bytes(risk_of_bias.write_review(held))
    back = risk_of_bias.read(es.Source(path))
    assert back == held
    assert not back.notes


def test_every_word_of_every_tool_is_read() -> None:
    for tool in TOOLS.values():
        for word in tool.words:
            assert words_for(word) == words_for(word.upper()) == (word,)
