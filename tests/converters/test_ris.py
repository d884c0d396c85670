"""References in RIS: joined by study, whole on the way back, and nothing lost of files that bend the format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

import evisynth as es
from evisynth.testing import strategies
from evisynth_converters import ris

if TYPE_CHECKING:
    from collections.abc import Callable

TRIAL = """TY  - JOUR
AU  - Shu, Lei
AU  - Smith, John
TI  - Cord clamping
T2  - Lancet
PY  - 2020/03/01/
VL  - 395
IS  - 2
SP  - 100
EP  - 109
DO  - https://doi.org/10.1000/xyz
AN  - 31234567
DB  - PubMed
AB  - Background.
KW  - cord
KW  - clamping
XX  - unknown to all
ER  -
"""
NAMED = """TY  - JOUR
NS  - GASP
TI  - Main report
ER  -

TY  - CHAP
NS  - GASP
A2  - Jones, A
TI  - Late report
T2  - A book
ER  -

TY  - JOUR
NS  - CDP
ER  -
"""


@pytest.fixture
def review(tmp_path: Path) -> Callable[..., es.Review]:
    """Write text or bytes to a file and load it."""

    def write(content: str | bytes, name: str = "references.ris") -> es.Review:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        held: es.Review = es.load(path)
        return held

    return write


def again(held: es.Review, tmp_path: Path) -> es.Review:
    path = es.save(held, tmp_path / "written.ris")
    back: es.Review = es.load(path)
    return back


def test_tags_become_fields_and_identifiers(review: Callable[..., es.Review]) -> None:
    (study,) = review(TRIAL).studies
    assert (study.name, study.year) == ("Shu 2020", "2020")
    (reference,) = study.references
    assert reference.kind == "JOURNAL_ARTICLE"
    assert reference.identifiers == (("DOI", "10.1000/xyz"), ("PUBMED", "31234567"))
    assert reference.fields == {
        "authors": "Shu, Lei; Smith, John",
        "title": "Cord clamping",
        "source": "Lancet",
        "year": "2020",
        "volume": "395",
        "issue": "2",
        "pages": "100-109",
        "abstract": "Background.",
        "keywords": "cord; clamping",
        "name_of_database": "PubMed",
        "date": "2020/03/01",
        "XX": "unknown to all",
    }


def test_references_of_a_name_are_one_study(review: Callable[..., es.Review]) -> None:
    held = review(NAMED)
    assert [(study.name, len(study.references)) for study in held.studies] == [("GASP", 2), ("CDP", 0)]
    chapter = held.studies[0].references[1]
    assert chapter.kind == "BOOK_SECTION"
    assert chapter.fields == {"title": "Late report", "source": "A book", "editors": "Jones, A"}
    assert [name for name, _ in ris.references_of(NAMED)] == ["GASP", "GASP", "CDP"]
    assert [name for name, _ in ris.references_of(TRIAL)] == [None]


def test_references_without_a_name_are_told_apart(review: Callable[..., es.Review]) -> None:
    held = review(TRIAL + TRIAL + "TY  - JOUR\nNS  - Shu 2020b\nTI  - Other\nER  - \n" + TRIAL)
    assert [study.name for study in held.studies] == ["Shu 2020a", "Shu 2020c", "Shu 2020b", "Shu 2020d"]
    assert [study.year for study in held.studies] == ["2020"] * 4


@pytest.mark.parametrize(
    ("tags", "name"),
    [
        (["AU  - Shu L", "PY  - 1999"], "Shu 1999"),
        (["AU  - van der Berg J.-P.", "PY  - 1999"], "van der Berg 1999"),
        (["AU  - van der Berg JP", "PY  - 1999"], "van der Berg 1999"),
        (["AU  - World Health Organization", "PY  - 1999"], "World Health Organization 1999"),
        (["A1  - MRC", "Y1  - 1999///"], "MRC 1999"),
        (["A2  - Jones, A", "DA  - 12 May 1999"], "Jones 1999"),
        (["TI  - A title alone", "PY  - in press"], "A title alone in press"),
        (["TI  - " + "long " * 50], ("long " * 50)[:59]),
        (["VL  - 3"], "Reference 1"),
    ],
)
def test_a_reference_names_its_study(review: Callable[..., es.Review], tags: list[str], name: str) -> None:
    (study,) = review("\n".join(["TY  - JOUR", *tags, "ER  - "])).studies
    assert study.name == name


def test_letters_go_on_after_z(review: Callable[..., es.Review]) -> None:
    names = [study.name for study in review(TRIAL * 29).studies]
    assert names[25:] == ["Shu 2020z", "Shu 2020aa", "Shu 2020ab", "Shu 2020ac"]


@pytest.mark.parametrize(
    ("type_", "kind"),
    [
        ("JOUR", "JOURNAL_ARTICLE"),
        ("EJOUR", "JOURNAL_ARTICLE"),
        ("BOOK", "BOOK"),
        ("CHAP", "BOOK_SECTION"),
        ("CPAPER", "CONFERENCE_PROC"),
        ("PCOMM", "CORRESPONDENCE"),
        ("COMP", "COMPUTER_PROGRAM"),
        ("UNPB", "UNPUBLISHED"),
        ("THES", "OTHER"),
        ("GEN", "OTHER"),
        ("of its own", "OTHER"),
    ],
)
def test_types_are_plain_kinds_and_come_back(
    review: Callable[..., es.Review], tmp_path: Path, type_: str, kind: str
) -> None:
    held = review(f"TY  - {type_}\nNS  - A\nTI  - t\nER  - \n")
    assert held.studies[0].references[0].kind == kind
    assert again(held, tmp_path) == held


# -- files that bend the format ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        TRIAL.encode("utf-8-sig"),
        TRIAL.replace("\n", "\r\n").encode(),
        TRIAL.replace("\n", "\r").encode(),
        TRIAL.replace("ER  -\n", "").encode(),
        TRIAL.replace("ER  -", "ER  - ").encode(),
        ("1.\n\n" + TRIAL).encode(),
        TRIAL.replace("PY  - 2020/03/01/", "PY  - 2020\nDA  - 2020/03/01").encode(),
        TRIAL.replace("Cord clamping", "Cord\n   clamping\n").encode(),
        TRIAL.replace("TY  - JOUR", "TY - jour").encode(),
    ],
)
@pytest.mark.parametrize("name", ["references.ris", "references.txt", "references"])
def test_every_way_to_write_a_reference_reads_the_same(
    review: Callable[..., es.Review], content: bytes, name: str
) -> None:
    assert review(content, name) == review(TRIAL)


def test_western_encoding(review: Callable[..., es.Review]) -> None:
    held = review(TRIAL.replace("Shu", "Müller").encode("cp1252"))
    assert held.studies[0].name == "Müller 2020"


def test_an_end_that_is_missing_loses_no_reference(review: Callable[..., es.Review]) -> None:
    held = review(NAMED.replace("ER  -\n", ""))
    assert held == review(NAMED)


def test_tags_that_are_repeated_are_all_kept(review: Callable[..., es.Review], tmp_path: Path) -> None:
    held = review("TY  - JOUR\nNS  - A\nTI  - one\nTI  - two\nT1  - three\nPY  - 2001\nDO  - 1\nDO  - 2\nER  - \n")
    (reference,) = held.studies[0].references
    assert reference.fields == {"title": "one\ntwo", "year": "2001", "primary_title": "three"}
    assert reference.identifiers == (("DOI", "1"), ("DOI", "2"))
    assert again(held, tmp_path) == held


def test_a_line_after_the_type_is_a_note_of_the_reference(review: Callable[..., es.Review]) -> None:
    (study,) = review("TY  - JOUR\nstray words\nNS  - A\nER  - \n").studies
    assert [one.notes for one in study.references] == ["stray words"]


def notes_of(tmp_path: Path, content: str) -> tuple[str, ...]:
    path = tmp_path / "references.ris"
    path.write_text(content, encoding="utf-8")
    return ris.read(es.Source(path)).notes


def test_what_is_outside_of_references_is_noted(tmp_path: Path) -> None:
    assert notes_of(tmp_path, f"From a database\n2.\n{TRIAL}AU  - Lost, A\nTY  - JOUR\nER  - \n") == (
        "reference 2 of references.ris is empty and left out",
        "references.ris, line 1: 'From a database' belongs to no reference",
        "references.ris, line 21: 'AU  - Lost, A' belongs to no reference",
    )


def test_notes_are_heard(review: Callable[..., es.Review]) -> None:
    with pytest.warns(es.DataWarning, match="line 19: 'Lost' belongs to no reference"):
        review(TRIAL + "Lost\n")


def test_many_notes_are_counted(tmp_path: Path) -> None:
    notes = notes_of(tmp_path, TRIAL + "stray\n" * 25 + "TY  - JOUR\nER  - \n" * 23)
    assert len(notes) == 42
    assert notes[20] == "and 3 more empty references of references.ris"
    assert notes[41] == "and 5 more lines of references.ris that belong to no reference"


def test_hostile_texts_are_texts(review: Callable[..., es.Review], tmp_path: Path) -> None:
    name, title = "=1+1\x1b[2J<script>", "<b>" + "x" * 200_000 + "\x0b\u2028\x85end"
    held = review(f"TY  - JOUR\nNS  - {name}\nTI  - {title}\nER  - \n")
    assert held.studies[0].name == name
    assert held.studies[0].references[0].fields["title"] == title
    assert again(held, tmp_path) == held


@pytest.mark.parametrize("content", ["study,yi\nA,1\n", "<html>TY  - JOUR", "\0", "AU  - Shu, L\nER  - \n"])
def test_what_is_no_ris_is_refused(review: Callable[..., es.Review], content: str) -> None:
    with pytest.raises(es.FormatError):
        review(content)


def test_a_table_is_not_taken_for_ris(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("study,yi,vi\nTY  - JOUR,1,1\n", encoding="utf-8")
    assert isinstance(es.load(path), es.Studies)
    assert ris.recognises(es.Source({"yi": [1]})) == 0


# -- writing -----------------------------------------------------------------------------------------------------------


def test_what_another_format_has_is_written(tmp_path: Path) -> None:
    reference = es.ReviewReference(
        kind="COCHRANE_REVIEW",
        fields={"authors": "Shu L, Smith J", "medium": "CD\nROM", "pages": "e12", "TY": "x", "end_page": "9"},
        identifiers=(("CENTRAL", "CN-01"), ("OTHER", "a: b"), ("AN", "7")),
        notes="one\ntwo",
    )
    held = es.Review(studies=(es.ReviewStudy(id="S1", name="Shu 2020", references=(reference,)),))
    (back,) = again(held, tmp_path).studies[0].references
    assert back.kind == "JOURNAL_ARTICLE"
    assert back.fields == {"authors": "Shu L, Smith J", "pages": "e12-9"}
    assert back.identifiers == (("CENTRAL", "CN-01"), ("OTHER", "a: b"), ("AN", "7"))
    assert back.notes == "one\ntwo\nmedium: CD ROM\nTY: x"


def test_studies_of_one_name_are_not_written(tmp_path: Path) -> None:
    held = es.Review(studies=(es.ReviewStudy(id="1", name="A"), es.ReviewStudy(id="2", name="A ")))
    with pytest.raises(es.FormatError, match="same name cannot be told apart in RIS: 'A'"):
        es.save(held, tmp_path / "written.ris")


AGREED = (
    *("AU", "A1", "A2", "ED", "TI", "T1", "T2", "JO", "JF", "PY", "Y1", "DA", "SP", "EP", "IS", "CP", "VL", "DO", "AN"),
    *("DB", "AB", "N2", "KW", "UR", "N1", "NS"),
)
tags = st.sampled_from((*AGREED, "XX", "U1", "UK"))
values = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=12),
    st.sampled_from(["2020", "2020/01/02/", "1-2", "a; b", ";", "PMID: 12", "CN-1", "12", "Shu, L", "pubmed", "-"]),
)
entries = st.lists(st.tuples(tags, values), max_size=8)


@given(references=st.lists(st.tuples(st.sampled_from(["JOUR", "THES", "", "x"]), entries), min_size=1, max_size=4))
@strategies.examples(suppress=[HealthCheck.function_scoped_fixture])
def test_what_is_written_reads_back(tmp_path: Path, references: list[tuple[str, list[tuple[str, str]]]]) -> None:
    text = "".join(
        f"TY  - {type_}\n" + "".join(f"{tag}  - {value}\n" for tag, value in tags) + "ER  - \n"
        for type_, tags in references
    )
    path = tmp_path / "any.ris"
    path.write_bytes(text.encode())
    held = ris.read(es.Source(path))
    if held.studies:
        path.write_bytes(ris.write_review(held))
        back = ris.read(es.Source(path))
        assert back.studies == held.studies
        assert not back.notes


def test_the_references_of_a_package() -> None:
    path = Path(__file__).parents[2] / ".." / "shared" / "reference" / "fleiss1993" / "Fleiss1993.zip"
    if not path.is_file():
        pytest.skip("no reference data beside the project")
    container = es.Source(path).container
    assert container is not None
    (name,) = (name for name in container.names if name.endswith("-included.ris"))
    found = ris.references_of(container.read(name).decode("utf-8-sig"))
    assert [study for study, _ in found] == (
        ["AMIS", "CDP", "Davis", "Florell", "GASP", "Gruen", "Hart", "ISIS-2", "MRC-1", "MRC-2", "PARIS", "Wilson"]
    )
