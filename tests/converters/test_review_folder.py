"""A review as a folder of CSV and TOML: every value comes back, a person can write one, and what is wrong is named."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

import evisynth as es
from evisynth.archives import write_files
from evisynth.sources import Source
from evisynth.testing import strategies
from evisynth_converters import folder_bias, folder_outcomes, folder_review, folder_studies, review_folder

if TYPE_CHECKING:
    from collections.abc import Callable

few = strategies.examples(suppress=[HealthCheck.data_too_large])

REVIEW = """
title = "Aspirin for prevention"

[[comparison]]
name = "Aspirin versus placebo"

[[comparison.outcome]]
name = "Death"
measure = "RR"
"""
ROWS = "study,events_1,n_1,events_2,n_2\nSmith 2001,3,50,7,49\nWu 1999,0,20,2,22\n"

Files = dict[str, str | bytes | None]


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Write a folder as a person would: the least that is needed, with files changed, added or left out."""

    def write(files: Files | None = None, review: str = REVIEW) -> Path:
        target = tmp_path / "aspirin"
        shutil.rmtree(target, ignore_errors=True)
        for name, content in {"review.toml": review, "data/1.1.csv": ROWS, **(files or {})}.items():
            if content is not None:
                path = target / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.encode() if isinstance(content, str) else content)
        return target

    return write


def outcome_of(review: es.Review) -> es.ReviewOutcome:
    (_, _, outcome), *_ = review.outcomes
    return outcome


# -- round trips ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reviews")


@few
@given(data=st.data(), zipped=st.booleans())
def test_any_review_comes_back(place: Path, data: st.DataObject, *, zipped: bool) -> None:
    review = data.draw(strategies.reviews())
    files = review_folder.write_review(review)
    target = place / ("review.zip" if zipped else "review")
    shutil.rmtree(target, ignore_errors=True)
    write_files(target, files)
    source = Source(target)
    assert review_folder.recognises(source) == 1.0
    back = review_folder.read(source)
    assert back == review
    # To the bit, which equality of numbers is not for a zero with a sign.
    assert review_folder.write_review(back) == files


@pytest.mark.parametrize(
    ("cls", "known"),
    [
        (
            es.Review,
            {*folder_review.REVIEW, "studies", "risk_of_bias", "comparisons", "flow", "parts", "source", "notes"},
        ),
        (es.ReviewComparison, {*folder_outcomes.COMPARISON, "outcomes"}),
        (es.ReviewOutcome, {*folder_outcomes.OUTCOME, "words", "rows", "subgroups", "stored", "text"}),
        (es.ReviewSubgroup, {*folder_outcomes.SUBGROUP, "rows", "stored"}),
        (es.ReviewRow, {"study", "data", "stored", "text", "level", "order", "footnote"}),
        (es.StoredResults, {"numbers", "estimable"}),
        (es.ReviewStudy, {*folder_studies.OF_STUDIES.own} - {"key"} | {"references", "characteristics"}),
        (es.ReviewReference, {*folder_studies.OF_REFERENCES.own} - {"study"} | {"fields"}),
        (es.RiskOfBias, {"tool", "domains", "weights"}),
        (es.BiasDomain, {*folder_bias.DOMAIN, "judgements", "groups"}),
        (es.Judgement, {*folder_bias.OF_JUDGEMENTS.own} - {"domain"}),
        (es.OutcomeGroup, {*folder_bias.GROUP, "outcomes"}),
        (es.StudyFlow, {"counts", "reasons", "labels"}),
    ],
)
def test_every_field_of_the_model_has_a_place(cls: type[Any], known: set[str]) -> None:
    # A field that the model gets and the folder has not would be lost without a word.
    assert {field.name for field in attrs.fields(cls)} == known


def test_files_are_for_people_and_for_version_control() -> None:
    row = es.ReviewRow(study="STD-1", data={"events_1": 3.0, "n_1": 50.0, "events_2": 7.0, "n_2": 49.0})
    outcome = es.ReviewOutcome(number=2, name="Death", data_type="dichotomous", measure="RR", rows=(row,))
    outcome = attrs.evolve(outcome, words={"tau2": "PM", "prediction": None})
    review = es.Review(
        title="Aspirin",
        studies=(es.ReviewStudy(id="STD-1", name="Smith 2001", year="2001"),),
        comparisons=(es.ReviewComparison(number=1, name="Aspirin versus placebo", outcomes=(outcome,)),),
    )
    files = review_folder.write_review(review)
    assert sorted(files) == ["data/1.2.csv", "review.toml", "studies.csv"]
    assert files["data/1.2.csv"] == b"study,events_1,n_1,events_2,n_2\nSmith 2001,3,50,7,49\n"
    assert files["studies.csv"] == b"id,name,year,status\nSTD-1,Smith 2001,2001,included\n"
    lines = [line for line in files["review.toml"].decode().split("\n") if line and not line.startswith("#")]
    assert lines == [
        "evisynth_review = 1",
        'title = "Aspirin"',
        'preset = "revman5"',
        "[[comparison]]",
        "number = 1",
        'name = "Aspirin versus placebo"',
        "[[comparison.outcome]]",
        "number = 2",
        'name = "Death"',
        'data_type = "dichotomous"',
        'measure = "RR"',
        'tau2 = "PM"',
        "without = [",
        '    "prediction",',
        "]",
        'data = "data/1.2.csv"',
    ]
    assert files["review.toml"].startswith(b"# A systematic review")


def test_equal_reviews_give_equal_bytes() -> None:
    def review(order: int) -> es.Review:
        texts = dict([("b", "1"), ("a", "2"), ("methods", "3")][::order])
        stored = es.StoredResults(dict([("weight", 1.5), ("se", 0.1)][::order]))
        row = es.ReviewRow(study="S", data=dict([("yi", 1), ("sei", 2.0)][::order]), stored=stored, text=texts)
        outcome = es.ReviewOutcome(number=1, name="O", data_type="generic", rows=(row,), stored=stored, text=texts)
        return es.Review(
            studies=(es.ReviewStudy(id="S", name="S", characteristics=texts),),
            comparisons=(es.ReviewComparison(number=1, name="C", outcomes=(outcome,)),),
            flow=es.StudyFlow(counts=dict([("x", 1), ("a", 2)][::order])),
            parts=texts,
        )

    assert review(1) == review(-1)
    assert review_folder.write_review(review(1)) == review_folder.write_review(review(-1))
    assert list(review_folder.write_review(review(1))) == list(review_folder.write_review(review(-1)))


def test_cells_are_no_formulas_and_lines_end_alike(tmp_path: Path) -> None:
    row = es.ReviewRow(study="=cmd|' /C calc'!A0", footnote="@SUM(1)", text={"=1+1": "-x\r\ny"})
    outcome = es.ReviewOutcome(number=1, name="=O", data_type="other", rows=(row,))
    review = es.Review(comparisons=(es.ReviewComparison(number=1, name="C", outcomes=(outcome,)),))
    content = review_folder.write_review(review)["data/1.1.csv"]
    assert content.decode().split("\n")[0] == "study,footnote,'=1+1"
    assert b"\n'=cmd|' /C calc'!A0,'@SUM(1),\"'-x\r\ny\"\n" in content
    es.save(review, tmp_path / "r", format="review-folder")
    assert outcome_of(review_folder.read(Source(tmp_path / "r"))).rows == (row,)


def test_save_writes_a_folder_and_load_reads_it(folder: Callable[..., Path], tmp_path: Path) -> None:
    review = es.load(folder())
    for target in (tmp_path / "again", tmp_path / "again.zip"):
        es.save(review, target, format="review-folder")
        assert es.load(target) == review
    assert es.save(review, tmp_path / "plain").is_dir()


def test_a_folder_within_an_archive(folder: Callable[..., Path], tmp_path: Path) -> None:
    review = es.load(folder())
    files = {f"top/{name}": content for name, content in review_folder.write_review(review).items()}
    write_files(tmp_path / "one.zip", {**files, "__MACOSX/top/._review.toml": b"x"})
    assert es.load(tmp_path / "one.zip") == review


# -- written by hand --------------------------------------------------------------------------------------------------


def test_the_least_that_a_person_writes(folder: Callable[..., Path]) -> None:
    review = es.load(folder())
    assert (review.title, review.preset, review.source) == ("Aspirin for prevention", "revman-web", "aspirin")
    assert [(study.id, study.name) for study in review.studies] == [("Smith 2001",) * 2, ("Wu 1999",) * 2]
    (comparison,) = review.comparisons
    outcome = outcome_of(review)
    assert (comparison.number, outcome.number, outcome.data_type, outcome.measure) == (1, 1, "dichotomous", "RR")
    assert (outcome.method, outcome.model) == (None, None)
    assert outcome.rows[1] == es.ReviewRow(
        study="Wu 1999", data={"events_1": 0.0, "n_1": 20.0, "events_2": 2.0, "n_2": 22.0}
    )
    assert review.notes == ()


def test_common_headings_years_and_subgroups(folder: Callable[..., Path]) -> None:
    heading = "Sub-group,Author,Year,Events E,Total E,Events C,Total C"
    rows = heading + "\nMen,A,1999,1,2,3,4\nWomen,B,,1,2,3,4\n,C,,,,,\nMen,D,,1,2,NA,4\n"
    review = es.load(folder({"data/1.1.csv": rows}))
    outcome = outcome_of(review)
    assert [(s.number, s.name, len(s.rows)) for s in outcome.subgroups] == [(1, "Men", 2), (2, "Women", 1)]
    assert [row.study for row in outcome.rows] == ["C"]
    assert outcome.rows[0].data == {}
    assert outcome.subgroups[0].rows[1].data == {"events_1": 1, "n_1": 2, "n_2": 4}
    assert review.studies[1].year == "1999"


@pytest.mark.parametrize(
    "content",
    [
        ROWS.encode("utf-8-sig"),
        ROWS.replace("\n", "\r\n").encode(),
        ROWS.replace("\n", "\r").encode(),
        ROWS.replace(",", ";").encode(),
        ROWS.replace(",", "\t").encode("utf-16"),
        "\n".join('"' + line.replace(",", '" , "') + '"' for line in ROWS.splitlines()).encode(),
        ROWS.replace("\n", "\n,,,,\n\n").encode(),
    ],
)
def test_what_spreadsheets_make_of_the_file(folder: Callable[..., Path], content: bytes) -> None:
    assert outcome_of(es.load(folder({"data/1.1.csv": content}))) == outcome_of(es.load(folder()))


def test_decimal_commas_between_semicolons(folder: Callable[..., Path]) -> None:
    rows = "study;yi;sei\nA;-0,25;1,5e-1\nB;\u22120.5;0.25\n"
    outcome = outcome_of(es.load(folder({"data/1.1.csv": rows}, REVIEW.replace('"RR"', '"GEN"'))))
    assert [row.data for row in outcome.rows] == [{"yi": -0.25, "sei": 0.15}, {"yi": -0.5, "sei": 0.25}]


def test_western_encoding_is_noted(folder: Callable[..., Path]) -> None:
    content = ROWS.replace("Smith", "Núñez").encode("cp1252")
    with pytest.warns(es.DataWarning, match=r"data/1\.1\.csv is not UTF-8"):
        review = es.load(folder({"data/1.1.csv": content}))
    assert review.studies[0].name == "Núñez 2001"


def test_studies_by_name_with_ids_of_their_own(folder: Callable[..., Path]) -> None:
    files: Files = {
        "studies.csv": "id,name,status,Country\nS1,Smith 2001,included,UK\nS2,Wu 1999,Excluded,\n",
        "references.csv": 'study,title,identifiers,primary\nSmith 2001,"On ""it""",DOI: 10.1/x,yes\nS2,Other,,\n',
    }
    review = es.load(folder(files))
    assert [row.study for row in outcome_of(review).rows] == ["S1", "S2"]
    assert review.studies[0].characteristics == {"Country": "UK"}
    assert review.studies[1].status == "excluded"
    (reference,) = review.studies[0].references
    assert reference.fields == {"title": 'On "it"'}
    assert (reference.identifiers, reference.primary) == ((("DOI", "10.1/x"),), True)
    assert len(review.studies) == 2


def test_studies_with_rows_alone_are_added_with_a_note(folder: Callable[..., Path]) -> None:
    with pytest.warns(es.DataWarning, match=r"studies\.csv lacks studies that have rows.*'Wu 1999'"):
        review = es.load(folder({"studies.csv": "name\nSmith 2001\n"}))
    assert [study.name for study in review.studies] == ["Smith 2001", "Wu 1999"]


def test_risk_of_bias_long_and_wide(folder: Callable[..., Path]) -> None:
    table = '\n[[risk_of_bias]]\ntool = "RoB 2"\njudgements = "risk-of-bias/rob2.csv"\n'
    wide = "Study,D1,Overall\nSmith 2001,Low,Some concerns\nWu 1999,High,\n"
    long = "domain,study,judgement\nD1,Smith 2001,low\nD1,Wu 1999,high\nOverall,Smith 2001,some concerns\n"
    read = [es.load(folder({"risk-of-bias/rob2.csv": content}, REVIEW + table)) for content in (wide, long)]
    assert read[0] == read[1]
    first, overall = read[0].risk_of_bias[0].domains
    assert first.judgements[1] == es.Judgement(study="Wu 1999", judgement="high")
    assert (overall.id, overall.name, len(overall.judgements)) == ("Overall", "Overall", 1)


def test_a_flow_diagram(folder: Callable[..., Path]) -> None:
    counts = 'box,n,reason,label\nrecords_screened,"1,204",,\ndbr_excluded,10,No controls,\ndbr_excluded,,Other,\n'
    flow = es.load(folder({"prisma.csv": counts})).flow
    assert flow == es.StudyFlow(
        counts={"records_screened": 1204}, reasons={"dbr_excluded": (("No controls", 10), ("Other", None))}
    )


def test_files_that_nothing_names_are_noted(folder: Callable[..., Path]) -> None:
    with pytest.warns(es.DataWarning, match=r"not read: 'data/1\.2\.csv'"):
        es.load(folder({"data/1.2.csv": ROWS, "notes.docx": b"x"}))


def test_an_outcome_without_a_file_is_noted(folder: Callable[..., Path]) -> None:
    with pytest.warns(es.DataWarning, match=r"outcome 1 \(Death\) has no rows.*data/1\.1\.csv"):
        assert outcome_of(es.load(folder({"data/1.1.csv": None}))).rows == ()


# -- what is wrong is named -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ('measure = "RR"', 'mesure = "RR"'),
            r"outcome 1 \(Death\): there is no 'mesure' \(did you mean 'measure'\?\)",
        ),
        (("title", "titel"), r"there is no 'titel' \(did you mean 'title'\?\)"),
        (('measure = "RR"', ""), "has no data_type: one of dichotomous"),
        (('measure = "RR"', 'data_type = "dichotomus"'), r"cannot be 'dichotomus' \(did you mean 'dichotomous'\?\)"),
        (('measure = "RR"', 'measure = "RR"\ntau = "REML"'), r"there is no 'tau' \(did you mean 'tau2'"),
        (('measure = "RR"', 'measure = "RR"\nlog_data = "no"'), "log_data is true or false, not 'no'"),
        (('measure = "RR"', 'measure = "RR"\nlevel = true'), "level is a number, not True"),
        (('measure = "RR"', 'measure = "RR"\nlevel = 1' + "0" * 400), "level is a number that"),
        (('measure = "RR"', 'measure = "RR"\nnumber = 1.5'), "number is a whole number, not 1.5"),
        (('measure = "RR"', 'measure = "RR"\nnumber = ' + "9" * 5000), "is not TOML"),
        (('measure = "RR"', 'measure = "RR"\nwithout = ["predicton"]'), r"did you mean 'prediction'"),
        (('measure = "RR"', 'measure = "RR"\nsubgroup = "Men"'), r"subgroup is a list of tables: \[\[subgroup\]\]"),
        (
            ('measure = "RR"', 'measure = "RR"\ndata = "data/1.1.cvs"'),
            r"no file 'data/1.1.cvs'.*did you mean 'data/1.1.csv'",
        ),
        (('measure = "RR"', 'measure = "RR"\ndata = "../secret.csv"'), "leads out of the folder"),
        (('measure = "RR"', 'measure = "RR"\ndata = "/etc/passwd"'), "leads out of the folder"),
        (('measure = "RR"', "measure = 'RR'\ndata = 'data\\..\\..\\x'"), "leads out of the folder"),
        (('measure = "RR"', "measure = 'RR'\ndata = 'C:/x'"), "leads out of the folder"),
        (('name = "Death"', ""), "outcome 1 has no name"),
        (('title = "', 'preset = "revmanweb"\ntitle = "'), "settings 'revmanweb' are not known"),
        (('title = "', 'evisynth_review = 2\ntitle = "'), "version 2 of its format"),
        (('title = "', "title = "), r"review\.toml is not TOML: .*line 2"),
        (('title = "', "x = " + "[" * 100_000 + '\ntitle = "'), "nests its values too deep|is not TOML"),
    ],
)
def test_words_that_are_not_understood(folder: Callable[..., Path], change: tuple[str, str], message: str) -> None:
    with pytest.raises(es.FormatError, match=f"(?s){message}"):
        es.load(folder(review=REVIEW.replace(*change)))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("study,event_1,n_1\nA,1,2\n", r"no column 'event_1' \(did you mean 'events_1'\?\).*'text\.event_1'"),
        ("events_1,n_1\n1,2\n", "has no column study"),
        ("study,events_1\n,2\n", "line 2: a row without a study"),
        ("study,events_1\nA,2,3\n", "line 2: 3 cells where the heading has 2"),
        ("study,events_1,n_1\nA,2\n", "line 2: 2 cells where the heading has 3"),
        ("study,n_1,n_1\nA,2,3\n", "two columns have the heading 'n_1'"),
        ("study,n_1,total_1\nA,2,3\n", "the columns 'n_1' and 'total_1' are both read as n_1"),
        ("study,level\nA,bth\n", r"line 2 \(A\), column level: 'bth' \(did you mean 'both'\?\)"),
        ("study,estimable\nA,maybe\n", "line 2, column estimable: 'maybe' is neither yes nor no"),
        ('study,n_1\n"A,2\n', "line 2: a quotation mark is open"),
        ('study,n_1\n"A" B,2\n', "line 2: text after a closing quotation mark"),
        ("study,\nA,2\n", "line 2: '2' stands in a column without a heading"),
        ("\n\n", "is empty"),
        ("," * 3000, "more than 2,000 columns"),
    ],
)
def test_files_that_are_not_understood(folder: Callable[..., Path], rows: str, message: str) -> None:
    with pytest.raises(es.FormatError, match=r"(?s)data/1\.1\.csv.*" + message):
        es.load(folder({"data/1.1.csv": rows}))


def test_texts_in_numbers_are_all_named(folder: Callable[..., Path]) -> None:
    rows = "study,events_1,n_1,events_2,n_2,order\nA,three,50,1_0,49,1\nB,1,2,3,4,first\n"
    with pytest.raises(es.DataError, match=r"data/1\.1\.csv holds 3 values") as caught:
        es.load(folder({"data/1.1.csv": rows}))
    assert [(p.row, p.study, p.column) for p in caught.value.problems] == [
        (1, "A", "events_1"),
        (1, "A", "events_2"),
        (2, "B", "order"),
    ]


def test_subgroups_that_are_listed_are_all_there_are(folder: Callable[..., Path]) -> None:
    listed = '\n[[comparison.outcome.subgroup]]\nname = "Men"\n[[comparison.outcome.subgroup]]\nname = "Women"\n'
    rows = "subgroup,study,events_1\nWoman,A,1\n"
    with pytest.raises(
        es.FormatError, match=r"data/1\.1\.csv, line 2: no subgroup is called 'Woman' \(did you mean 'Women'"
    ):
        es.load(folder({"data/1.1.csv": rows}, REVIEW + listed))
    with pytest.raises(es.FormatError, match=r"another subgroup is called 'Men'"):
        es.load(folder(review=REVIEW + listed.replace("Women", "Men")))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"studies.csv": "name,status\nA,incuded\n"},
            r"studies\.csv, line 2 \(A\), column status: 'incuded' \(did you mean 'included'",
        ),
        ({"studies.csv": "year\n1999\n"}, r"studies\.csv, line 2: a study without a name"),
        ({"studies.csv": "nmae\nA\n"}, r"studies\.csv, line 2: a study without a name|no column 'nmae'"),
        (
            {"references.csv": "study,title\nSmiht 2001,T\n"},
            r"references\.csv, line 2: no study is called 'Smiht 2001' \(did you mean 'Smith 2001'",
        ),
        ({"prisma.csv": "box,count\nx,1\n"}, r"prisma\.csv has the columns box, n, reason, label, not 'count'"),
        ({"prisma.csv": "box,n\nx,1\nx,2\n"}, r"prisma\.csv, line 3: a second count of 'x'"),
        ({"prisma.csv": "box,n\nx,many\n"}, r"prisma\.csv holds counts(?s:.)*column n: is not a whole number"),
        ({"review.toml": b'title = "\xff"'}, r"review\.toml is not UTF-8"),
    ],
)
def test_other_files_that_are_not_understood(folder: Callable[..., Path], files: Files, message: str) -> None:
    with pytest.raises(es.InputError, match=message):
        es.load(folder(files), format="review-folder")


def test_what_cannot_be_written_is_named() -> None:
    outcome = es.ReviewOutcome(number=1, name="O", data_type="other", words={"tau": "x"})
    review = es.Review(comparisons=(es.ReviewComparison(number=1, name="C", outcomes=(outcome,)),))
    with pytest.raises(es.FormatError, match=r"tau = 'x' is no word of settings \(did you mean 'tau2'"):
        review_folder.write_review(review)
    for broken in (es.Review(title="\ud800"), es.Review(studies=(es.ReviewStudy(id="\ud800", name="x"),))):
        with pytest.raises(es.FormatError, match="half of a surrogate pair"):
            review_folder.write_review(broken)


def test_numbers_come_back_to_the_bit(tmp_path: Path) -> None:
    values = {"yi": -0.0, "sei": 0.1 + 0.2, "n_1": 1e300, "n_2": 5e-324}
    stored = {"se": math.inf, "weight": -math.inf, "log10_display": -0.30102999566398120}
    row = es.ReviewRow(study="S", data=values, stored=es.StoredResults(stored, estimable=False))
    outcome = es.ReviewOutcome(number=1, name="O", data_type="generic", rows=(row,), axis=2.0**53 + 2)
    review = es.Review(comparisons=(es.ReviewComparison(number=1, name="C", outcomes=(outcome,)),))
    es.save(review, tmp_path / "r", format="review-folder")
    back = outcome_of(es.load(tmp_path / "r"))
    given: dict[str, Any] = {**back.rows[0].data, **back.rows[0].stored.numbers}
    assert {name: float(value).hex() for name, value in given.items()} == {
        name: value.hex() for name, value in (values | stored).items()
    }
    assert back == outcome


def test_other_sources_are_not_taken_for_one(tmp_path: Path) -> None:
    write_files(tmp_path / "x.zip", {"a/review.toml": b"title = 1", "b/review.toml": b""})
    (tmp_path / "review.toml.csv").write_text("study,yi,vi\nA,1,2\n")
    for value in (tmp_path / "x.zip", tmp_path / "review.toml.csv", tmp_path / "absent", {"yi": [1]}, 5):
        if isinstance(value, Path) and not value.exists():
            continue
        assert review_folder.recognises(Source(value)) == 0.0
