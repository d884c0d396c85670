"""RevMan 5's files: what the reader makes of them, what the writer makes of a review, and that both agree."""

from __future__ import annotations

import re
import warnings
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

import evisynth as es
from evisynth.sources import Source
from evisynth.testing import strategies
from evisynth.testing.formats import check_converter
from evisynth_converters import revman5, revman5_names
from evisynth_converters.hostile_xml import parse
from evisynth_converters.revman5_writer import write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from xml.etree.ElementTree import Element

    Load = Callable[..., es.Review]

EXAMPLE = Path(__file__).parents[2] / "examples" / "review" / "evisynth_example_review.rm5"
OF_CHANGES = {"MODIFIED", "MODIFIED_BY"}
"""Who changed what, and when: the engine does not keep it where it holds the content itself."""

STUDY = '<STUDY DATA_SOURCE="PUB" ID="STD-Wu-2001" NAME="Wu 2001" YEAR="2001"/>'
ROW = '<DICH_DATA STUDY_ID="STD-Wu-2001" EVENTS_1="3" TOTAL_1="20" EVENTS_2="5" TOTAL_2="21" ORDER="7"/>'
OUTCOME = (
    '<DICH_OUTCOME ID="CMP-001.01" NO="1" METHOD="MH" RANDOM="YES" EFFECT_MEASURE="RR" CI_STUDY="90" CI_TOTAL="99" '
    'TOTALS="SUB" SUBGROUP_TEST="NO" SWAP_EVENTS="YES" SORT_BY="EFFECT_SIZE" SCALE="5.5" {0}>'
    "<NAME>Death</NAME><GROUP_LABEL_1>New</GROUP_LABEL_1><GROUP_LABEL_2>Old</GROUP_LABEL_2>"
    "<GRAPH_LABEL_1>Favours new</GRAPH_LABEL_1><GRAPH_LABEL_2/>{1}</DICH_OUTCOME>"
)


def text_of(content: str, *, studies: str = STUDY, bias: str = "") -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<COCHRANE_REVIEW ID="1" DOI="10.5555/x" TYPE="INTERVENTION">'
        "<COVER_SHEET><TITLE>A  review</TITLE></COVER_SHEET>"
        f"<STUDIES_AND_REFERENCES><STUDIES><INCLUDED_STUDIES>{studies}</INCLUDED_STUDIES></STUDIES>"
        f"</STUDIES_AND_REFERENCES>{bias}<ANALYSES_AND_DATA>"
        f'<COMPARISON ID="CMP-001" NO="1"><NAME>New versus old</NAME>{content}</COMPARISON>'
        "</ANALYSES_AND_DATA></COCHRANE_REVIEW>"
    )


def outcome_text(attributes: str = "", content: str = ROW) -> str:
    return text_of(OUTCOME.format(attributes, content))


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load a file of these bytes."""

    def from_text(text: str | bytes) -> es.Review:
        path = tmp_path / "review.rm5"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", es.DataWarning)  # notes are asked for in the review itself
            review: es.Review = es.load(path)
        return review

    return from_text


def only(review: es.Review) -> es.ReviewOutcome:
    ((_, _, outcome),) = review.outcomes
    return outcome


@pytest.fixture(scope="session")
def reference_files(shared_reference: Path) -> list[Path]:
    """Give the nine real files."""
    found = sorted(shared_reference.glob("*/*.rm5"))
    assert len(found) == 9
    return found


# -- reading ----------------------------------------------------------------------------------------------------------


def test_settings_labels_and_data(load: Load) -> None:
    review = load(outcome_text())
    assert (review.title, review.id, review.doi, review.preset) == ("A review", "1", "10.5555/x", "revman5")
    outcome = only(review)
    assert (outcome.method, outcome.model, outcome.measure) == ("MH", "random", "RR")
    assert (outcome.study_level, outcome.level, outcome.axis) == (0.9, 0.99, 5.5)
    assert (outcome.totals, outcome.subgroup_test, outcome.swap_events, outcome.sort_by) == (
        *("subgroups", False, True),
        "effect",
    )
    assert (outcome.group_1, outcome.group_2, outcome.favours_1, outcome.favours_2) == (
        *("New", "Old", "Favours new"),
        None,
    )
    (row,) = outcome.rows
    assert (row.study, row.order) == ("Wu 2001", 7)
    assert row.data == {"events_1": 3.0, "n_1": 20.0, "events_2": 5.0, "n_2": 21.0}
    assert row.stored == es.StoredResults()
    assert review.comparisons[0].name == "New versus old"
    assert not review.notes


def test_markup_in_names_is_taken_as_text(load: Load) -> None:
    text = outcome_text().replace("<NAME>Death</NAME>", "<NAME>Death <SUP>2</SUP>\n from <I>any</I> cause &lt;</NAME>")
    assert only(load(text)).name == "Death 2 from any cause <"


def test_western_bytes_under_another_name(load: Load) -> None:
    text = outcome_text().replace("UTF-8", "ISO-8859-1").replace("Death", "Sjögren’s – 5 €")
    assert only(load(text.encode("cp1252"))).name == "Sjögren’s – 5 €"


def test_an_attribute_a_line_is_the_same_as_one_line(load: Load) -> None:
    on_one = outcome_text()
    assert "\n" not in on_one
    head, body = on_one.split("?>", 1)
    spread = f"{head}?>" + re.sub(r' ([A-Z_0-9]+=")', r"\r\n    \1", body).replace("><", ">\r\n<")
    assert spread.count("\n") > 40
    assert load(spread) == load(on_one)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.5E-4", 1.5e-4),
        ("-2.0E10", -2e10),
        ("2.2204460492503130E-16", 2.220446049250313e-16),
        (".5", 0.5),
        ("3.", 3.0),
        ("0.0", 0.0),
        (" 7 ", 7.0),
        ("", None),
        ("NaN", None),
        ("-Infinity", None),
        ("Infinity", None),
    ],
)
def test_spellings_of_numbers_and_of_none(text: str, number: float | None, load: Load) -> None:
    stored = only(load(outcome_text(f'TAU2="{text}" ESTIMABLE="YES"'))).stored
    assert stored == es.StoredResults(numbers={} if number is None else {"tau2": number}, estimable=True)


def test_escaped_ids_join_rows_with_studies(load: Load) -> None:
    study = '<STUDY ID="STD-MRC_x002d_1-_x0028_A_x0029_" NAME="MRC-1 (a trial)" YEAR=""/>'
    bias = (
        '<QUALITY_ITEMS><QUALITY_ITEM ID="QIT-01" NO="1" LEVEL="STUDY"><NAME>Blinding</NAME><QUALITY_ITEM_DATA>'
        '<QUALITY_ITEM_DATA_ENTRY RESULT="NO" STUDY_ID="STD-MRC_x002d_1-_x0028_A_x0029_">'
        "<DESCRIPTION>Open</DESCRIPTION>"
        "</QUALITY_ITEM_DATA_ENTRY></QUALITY_ITEM_DATA></QUALITY_ITEM></QUALITY_ITEMS>"
    )
    row = ROW.replace("STD-Wu-2001", "STD-MRC_x002d_1-_x0028_A_x0029_")
    review = load(text_of(OUTCOME.format("", row), studies=study, bias=bias))
    (found,) = review.studies
    assert (found.id, found.name, found.year) == ("MRC-1 (A)", "MRC-1 (a trial)", None)
    assert only(review).rows[0].study == found.id
    ((judgement,),) = (domain.judgements for domain in review.risk_of_bias[0].domains)
    assert (judgement.study, judgement.judgement, judgement.support) == (found.id, "high", "Open")
    assert not review.notes


def test_a_row_of_a_study_that_is_not_listed(load: Load) -> None:
    review = load(text_of(OUTCOME.format("", ROW), studies=""))
    assert [study.id for study in review.studies] == ["Wu 2001"]
    (note,) = review.notes
    assert "Wu 2001" in note


def test_a_study_listed_twice(load: Load) -> None:
    review = load(text_of("", studies=STUDY + STUDY.replace('NAME="Wu 2001"', 'NAME="Wu again"')))
    assert [study.name for study in review.studies] == ["Wu 2001"]
    assert any("twice" in note for note in review.notes)


def test_kinds_of_data_that_are_not_known_are_noted(load: Load) -> None:
    review = load(text_of('<NETWORK_OUTCOME NO="1"/>' + OUTCOME.format("", ROW)))
    assert only(review).name == "Death"
    (note,) = review.notes
    assert "NETWORK_OUTCOME" in note
    assert "comparison 1" in note


@pytest.mark.parametrize(
    ("kind", "data_type"),
    [("DICH", "dichotomous"), ("CONT", "continuous"), ("IV", "generic"), ("IPD", "o-e"), ("OTHER", "other")],
)
def test_an_outcome_without_rows_is_kept(kind: str, data_type: str, load: Load) -> None:
    outcome = only(load(text_of(f'<{kind}_OUTCOME NO="4"><NAME>Harms</NAME></{kind}_OUTCOME>')))
    assert (outcome.data_type, outcome.number, outcome.name, outcome.all_rows) == (data_type, 4, "Harms", ())


def test_text_in_numbers_names_outcome_study_and_column(load: Load) -> None:
    text = outcome_text('CHI2="lots"', ROW.replace('"3"', '"three"') + ROW.replace('TOTAL_2="21"', 'TOTAL_2="1,000"'))
    with pytest.raises(es.DataError) as caught:
        load(text)
    found = {(problem.study, problem.column, problem.value) for problem in caught.value.problems}
    assert found == {
        (None, "CHI2 of outcome 1.1", "'lots'"),
        ("Wu 2001", "EVENTS_1 of outcome 1.1", "'three'"),
        ("Wu 2001", "TOTAL_2 of outcome 1.1", "'1,000'"),
    }
    for word in ("1.1", "Wu 2001", "EVENTS_1", "three"):
        assert word in str(caught.value)


@pytest.mark.parametrize("level", ["0", "100", "-5", "1e9"])
def test_a_level_lies_between_0_and_100(level: str, load: Load) -> None:
    with pytest.raises(es.DataError, match="between 0 and 100"):
        load(outcome_text().replace('CI_TOTAL="99"', f'CI_TOTAL="{level}"'))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"<html><body>Sign in</body></html>", "HTML|html"),
        (b'<?xml version="1.0"?><NOT_A_REVIEW/>', "NOT_A_REVIEW"),
        (b'<?xml version="1.0"?><!DOCTYPE COCHRANE_REVIEW><COCHRANE_REVIEW/>', "document type"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><COCHRANE_REVIEW>&b;</COCHRANE_REVIEW>', "document type"),
        (b"<COCHRANE_REVIEW><COVER_SHEET></COCHRANE_REVIEW>", "line 1"),
        (b"<COCHRANE_REVIEW>" + b"<A>" * 200 + b"</A>" * 200 + b"</COCHRANE_REVIEW>", "deeper"),
        (b"<COCHRANE_REVIEW>" + b"\0" * 8 + b"</COCHRANE_REVIEW>", "well-formed|zero|bytes|not"),
    ],
)
def test_what_is_no_review_is_refused_by_name(content: bytes, said: str, load: Load) -> None:
    with pytest.raises(es.FormatError, match=said):
        load(content)


def test_the_variance_is_that_of_o_e_where_o_e_is_stored(load: Load) -> None:
    row = ROW.replace("ORDER", 'O_E="-1.5" VAR="2.5" SE="0.63" ORDER')
    assert only(load(outcome_text(content=row))).rows[0].stored.numbers == {
        "o_e": -1.5,
        "o_e_variance": 2.5,
        "se": 0.63,
    }
    assert only(load(outcome_text(content=row.replace("-1.5", "0.0")))).rows[0].stored.numbers["vi"] == 2.5


@pytest.mark.parametrize(
    ("text", "decimals"), [("0.25", 2), ("0.123456", 6), ("1.2E-4", 5), ("0.12345678901234", None)]
)
def test_decimals_of_stored_numbers(text: str, decimals: int | None, load: Load) -> None:
    assert load(outcome_text(f'TAU2="{text}" Q="1.5"')).decimals == decimals


# -- writing ----------------------------------------------------------------------------------------------------------


def saved(review: es.Review, path: Path) -> es.Review:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        es.save(review, path)
    read: es.Review = es.load(path)
    return read


@pytest.fixture(scope="session")
def example() -> es.Review:
    """Give the review that ships with the examples."""
    review: es.Review = es.load(EXAMPLE)
    return review


def test_the_example_comes_back_equal(example: es.Review, tmp_path: Path) -> None:
    assert saved(example, tmp_path / "again.rm5") == example
    assert (tmp_path / "again.rm5").read_bytes() == EXAMPLE.read_bytes()


def test_real_files_come_back_equal(reference_files: list[Path], tmp_path: Path) -> None:
    for path in reference_files:
        review: es.Review = es.load(path)
        assert saved(review, tmp_path / path.name) == review, path.name


def _kept(element: Element) -> bool:
    return element.tag.endswith(
        ("COMPARISON", "_OUTCOME", "_SUBGROUP", "_DATA", "_DATA_ENTRY", "STUDY", "QUALITY_ITEM")
    )


def _elements(path: Path) -> Iterator[tuple[str, frozenset[str]]]:
    for element in parse(Source(path)).iter():
        if _kept(element):
            yield element.tag, frozenset(element.attrib) - OF_CHANGES


def test_written_elements_have_the_attributes_that_they_had(reference_files: list[Path], tmp_path: Path) -> None:
    for path in reference_files:
        es.save(es.load(path), tmp_path / path.name)
        before, after = Counter(_elements(path)), Counter(_elements(tmp_path / path.name))
        assert len(before) > 5
        assert after == before, path.name


def test_the_examples_elements_are_like_revmans(reference_files: list[Path]) -> None:
    seen: dict[str, set[frozenset[str]]] = defaultdict(set)
    for path in reference_files:
        for tag, attributes in _elements(path):
            # Of a later version of the program than its other attributes.
            seen[tag].add(attributes - {"SHOW_PARTICIPANTS"})
    ours: dict[str, set[frozenset[str]]] = defaultdict(set)
    for tag, attributes in _elements(EXAMPLE):
        ours[tag].add(attributes)
    unknown = {tag for tag in ours if tag not in seen}
    assert unknown == {"IPD_OUTCOME", "IPD_SUBGROUP", "IPD_DATA", "OTHER_OUTCOME", "OTHER_DATA"}
    for tag in ours.keys() - unknown:
        assert ours[tag] <= seen[tag], tag


def test_a_file_says_whether_it_holds_results(example: es.Review, tmp_path: Path) -> None:
    def said(review: es.Review) -> str | None:
        es.save(review, tmp_path / "said.rm5")
        section = parse(Source(tmp_path / "said.rm5")).find("ANALYSES_AND_DATA")
        assert section is not None
        return section.get("CALCULATED_DATA")

    assert said(example) == "YES"
    assert said(es.Review(title="Nothing")) == "NO"


def test_what_is_not_stored_is_written_as_revman_writes_it(tmp_path: Path) -> None:
    stored = es.StoredResults(numbers={"display": -0.25, "display_ci_high": 0.0, "q": 1.0}, estimable=True)
    outcome = es.ReviewOutcome(number=1, name="x", data_type="dichotomous", measure="RD", stored=stored)
    review = es.Review(comparisons=(es.ReviewComparison(number=1, name="c", outcomes=(outcome,)),))
    read = saved(review, tmp_path / "x.rm5")
    assert read == attrs.evolve(review, decimals=2)
    element = parse(Source(tmp_path / "x.rm5")).find(".//DICH_OUTCOME")
    assert element is not None
    names = ("LOG_EFFECT_SIZE", "LOG_CI_END", "LOG_CI_START", "TAU2", "CHI2", "EFFECT_SIZE")
    assert [element.get(name) for name in names] == ["NaN", "-Infinity", "", "", "1.0", "-0.25"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"risk_of_bias": (es.RiskOfBias(tool="RoB 2"),)}, "RoB 2"),
        ({"parts": {"file.txt": "x"}}, "'file.txt'"),
        ({"flow": es.StudyFlow(counts={"records_screened": 3})}, "flow diagram"),
    ],
)
def test_what_has_no_place_is_left_out_with_a_warning(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.warns(es.DataWarning, match=said):
        es.save(attrs.evolve(es.Review(title="x"), **changes), tmp_path / "x.rm5")
    assert es.load(tmp_path / "x.rm5") == es.Review(title="x")


def test_fields_that_are_no_elements_are_left_out_with_a_warning(tmp_path: Path) -> None:
    reference = es.ReviewReference(fields={"title": "T", "web page": "x", "WEB_PAGE": "y"})
    study = es.ReviewStudy(id="S", name="S", references=(reference,), characteristics={"notes": "n", "a b": "c"})
    with pytest.warns(es.DataWarning) as caught:
        es.save(es.Review(studies=(study,)), tmp_path / "x.rm5")
    assert [str(one.message).partition("for it: ")[2] for one in caught] == [
        "fields of references: 'web page'",
        "characteristics of studies: 'a b'",
    ]
    (read,) = es.load(tmp_path / "x.rm5").studies
    assert read.references[0].fields == {"title": "T", "WEB_PAGE": "y"}
    assert read.characteristics == {"notes": "n"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"words": {"tau2": "REML"}}, "settings beyond its own.* 1.1"),
        ({"rows": (es.ReviewRow(study="S", level="overall"),)}, "alone.* 1.1"),
        ({"text": {"Fancy column": "x"}}, "Fancy column"),
        (
            {
                "rows": (es.ReviewRow(study="S"),),
                "subgroups": (es.ReviewSubgroup(number=1, name="g", rows=(es.ReviewRow(study="S"),)),),
            },
            "rows outside any subgroup.* 1.1",
        ),
    ],
)
def test_what_outcomes_have_beyond_revman_5(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    outcome = attrs.evolve(es.ReviewOutcome(number=1, name="o", data_type="dichotomous"), **changes)
    comparison = es.ReviewComparison(number=1, name="c", outcomes=(outcome,))
    with pytest.warns(es.DataWarning, match=said):
        es.save(es.Review(studies=(es.ReviewStudy(id="S", name="S"),), comparisons=(comparison,)), tmp_path / "x.rm5")
    assert [read.name for _, _, read in es.load(tmp_path / "x.rm5").outcomes] == ["o"]


# -- through other formats --------------------------------------------------------------------------------------------


def without_parts(review: es.Review) -> es.Review:
    return attrs.evolve(review, parts={})


def test_the_example_through_a_review_folder(example: es.Review, tmp_path: Path) -> None:
    es.save(example, tmp_path / "folder")
    assert without_parts(es.load(tmp_path / "folder")) == without_parts(example)


def test_the_example_through_a_cochrane_package(example: es.Review, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", es.DataWarning)  # the package's own tests say what it has no place for
        es.save(example, tmp_path / "package.zip", format="cochrane-package")
        package: es.Review = es.load(tmp_path / "package.zip")
    assert [place for place, _, _ in package.outcomes] == [place for place, _, _ in example.outcomes]
    for (place, _, one), (_, _, other) in zip(example.outcomes, package.outcomes, strict=True):
        wanted = [(row.study, row.data) for _, row in one.all_rows]
        assert [(row.study, row.data) for _, row in other.all_rows] == wanted, place
    assert es.verify(package, only="1234").agrees
    again = saved(package, tmp_path / "again.rm5")
    assert es.verify(again, only="1234").agrees


# -- as any converter -------------------------------------------------------------------------------------------------


def test_it_keeps_the_promises_of_converters() -> None:
    (converter,) = revman5.converters()
    assert converter.name == "revman5"
    check_converter(converter)


@pytest.mark.parametrize("identity", ["Wu 2001", "MRC-1", "STD-Wu-1999", "a_x0041_b", "Núñez", "=x", "李", "S 3", "-"])
def test_ids_come_back(identity: str) -> None:
    token = revman5_names.study_token(identity)
    assert re.fullmatch(r"STD-[A-Za-z0-9_-]*", token)
    assert revman5_names.study_id(token) == identity


FINITE = st.integers(-3, 200).map(float) | st.floats(allow_nan=False, allow_infinity=False)


@strategies.examples(10, suppress=[HealthCheck.data_too_large])
@given(data=st.data())
def test_any_review_is_written_and_reads_back_the_same_from_then_on(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    review = data.draw(strategies.reviews(numbers=FINITE))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", es.DataWarning)  # of what RevMan 5 has no place for
        path = tmp_path_factory.mktemp("written") / "x.rm5"
        path.write_bytes(write(review))
        first: es.Review = es.load(path)
        path.write_bytes(write(first))
        second: es.Review = es.load(path)
    assert [place for place, _, _ in first.outcomes] == [place for place, _, _ in review.outcomes]
    for (_, _, before), (_, _, after) in zip(review.outcomes, first.outcomes, strict=True):
        assert sorted(_data(before), key=str) == sorted(_data(after), key=str)
    # Studies that are not listed are added as included ones, which a file has before all others.
    assert attrs.evolve(second, studies=first.studies) == first
    assert {study.id: study for study in second.studies} == {study.id: study for study in first.studies}


def _data(outcome: es.ReviewOutcome) -> list[tuple[str, list[tuple[str, float]]]]:
    # Of zeros with and without a sign, which are equal, the text that rows are sorted by differs.
    return [(row.study, sorted((name, value + 0.0) for name, value in row.data.items())) for _, row in outcome.all_rows]


def test_an_id_stands_for_a_name_as_far_as_a_name_can_hold_it(tmp_path: Path) -> None:
    path = tmp_path / "x.rm5"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", es.DataWarning)
        path.write_bytes(write(es.Review(studies=(es.ReviewStudy(id="O\x1a1", name=""),))))
        first: es.Review = es.load(path)
        path.write_bytes(write(first))
        second: es.Review = es.load(path)
    assert [(study.id, study.name) for study in first.studies] == [("O\x1a1", "O\ufffd1")]
    assert second.studies == first.studies


def test_a_text_with_the_name_of_a_number_is_named_and_not_written(tmp_path: Path) -> None:
    outcome = es.ReviewOutcome(number=1, name="Deaths", data_type="dichotomous", text={"Q": "a/b", "NOTE_X": "kept"})
    review = es.Review(comparisons=(es.ReviewComparison(number=1, name="A", outcomes=(outcome,)),))
    with pytest.warns(es.DataWarning, match="columns of other programs: 'Q'"):
        content = write(review)
    (tmp_path / "x.rm5").write_bytes(content)
    back: es.Review = es.load(tmp_path / "x.rm5")
    assert back.comparisons[0].outcomes[0].text["NOTE_X"] == "kept"
    assert "Q" not in back.comparisons[0].outcomes[0].text
