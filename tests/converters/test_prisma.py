"""Flow diagrams of PRISMA 2020: counts, lists and texts come back, and what does not add up is said."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

import evisynth as es
from evisynth.testing import strategies
from evisynth_converters import prisma
from evisynth_converters.prisma_boxes import BOXES, LISTS

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLE = Path(__file__).parents[2] / ".." / "shared" / "reference" / "prisma" / "PRISMA.csv"
FILLED = {
    "previous_studies": 3,
    "previous_reports": 4,
    "database_results": 900,
    "register_results": 100,
    "website_results": 5,
    "organisation_results": 3,
    "citations_results": 2,
    "duplicates": 200,
    "excluded_automatic": 50,
    "excluded_other": 0,
    "records_screened": 750,
    "records_excluded": 700,
    "dbr_sought_reports": 50,
    "dbr_notretrieved_reports": 5,
    "other_sought_reports": 10,
    "other_notretrieved_reports": 1,
    "dbr_assessed": 45,
    "other_assessed": 9,
    "other_excluded": 9,
    "new_studies": 10,
    "new_reports": 12,
    "total_studies": 13,
    "total_reports": 16,
    "total_studies_ma": 9,
}
REASONS = {
    "dbr_excluded": (("Wrong population", 20), ("Not in English, French or Greek", 13)),
    "database_specific_results": (("MEDLINE", 600), ("Embase", 300)),
}
FLOW = es.StudyFlow(counts=FILLED, reasons=REASONS)


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., es.Review]:
    """Write rows of key, text and number to a table and load it."""

    def write(*rows: tuple[str, str, str] | tuple[str, str], name: str = "flow.csv") -> es.Review:
        lines = [f'{row[0]},node,box,NA,"{row[1] if len(row) > 2 else "NA"}",NA,NA,"{row[-1]}"' for row in rows]
        path = tmp_path / name
        path.write_text("\n".join([",".join(prisma.HEADINGS), *lines]), encoding="utf-8")
        return prisma.read(es.Source(path))

    return write


def flow_of(held: es.Review) -> es.StudyFlow:
    assert held.flow is not None
    return held.flow


def test_the_template() -> None:
    if not SAMPLE.is_file():
        pytest.skip("no reference data beside the project")
    assert prisma.recognises(es.Source(SAMPLE)) > 0.9
    held = prisma.read(es.Source(SAMPLE))
    flow = flow_of(held)
    assert set(flow.counts) == {box.key for box in BOXES if box.key is not None and box.key not in LISTS}
    assert set(flow.counts.values()) == {0}
    assert set(flow.reasons) == LISTS
    assert flow.reasons["dbr_excluded"] == (("Reason1", None), ("Reason2", None), ("Reason3", None))
    assert not flow.labels
    (note,) = held.notes
    assert note == (
        "PRISMA.csv: no number is filled in for Database 1, Database 2, Database 3 (database_specific_results); "
        "Register 1, Register 2, Register 3 (register_specific_results); Reason1, Reason2, Reason3 (dbr_excluded); "
        "Reason1, Reason2, Reason3 (other_excluded)"
    )
    with pytest.warns(es.DataWarning, match="no number is filled in"):
        assert isinstance(es.load(SAMPLE), es.Review)


def test_a_diagram_that_is_filled_in_comes_back_without_notes(tmp_path: Path) -> None:
    held = es.Review(
        flow=es.StudyFlow(counts=FILLED, reasons=REASONS, labels={"new_studies": "Trials", "othstud": "Other"})
    )
    path = es.save(held, tmp_path / "flow.csv", format="prisma")
    assert es.load(path) == held
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(BOXES) + 1
    assert lines[4].startswith("NA,node6,newstud,Yellow title box; Identification of new studies")
    assert '"Wrong population, 20; Not in English, French or Greek, 13"' in lines[23]


def test_lists_and_thousands(read: Callable[..., es.Review]) -> None:
    held = read(
        ("database_results", "1,234"),
        ("register_results", "7.0"),
        ("dbr_excluded", "Wrong design , 3;No data,xxx; Late ; ;Other, 1,234"),
        ("other_excluded", "4"),
        ("register_specific_results", "NA"),
    )
    flow = flow_of(held)
    assert flow.counts == {"database_results": 1234, "register_results": 7, "other_excluded": 4}
    assert flow.reasons == {
        "dbr_excluded": (("Wrong design", 3), ("No data", None), ("Late", None), ("Other, 1", 234)),
    }
    assert held.notes == ("flow.csv: no number is filled in for No data, Late (dbr_excluded)",)


def test_places_that_are_not_filled_in_are_absent(read: Callable[..., es.Review]) -> None:
    assert flow_of(read(("duplicates", ""), ("new_studies", "NA"), ("records_screened", "xxx"))).counts == {}


@pytest.mark.parametrize(
    ("key", "number"),
    [
        ("records_screened", "-1"),
        ("records_screened", "many"),
        ("records_screened", "1.5"),
        ("records_screened", "Reason, 3"),
        ("records_screened", "1e3"),
        ("records_screened", "٣"),
        ("records_screened", "9" * 400),
        ("dbr_excluded", "Reason, many"),
        ("dbr_excluded", "Reason, -2"),
        ("dbr_excluded", "Reason, 2.5; Other, 1"),
    ],
)
def test_bad_counts_name_line_and_key(read: Callable[..., es.Review], key: str, number: str) -> None:
    with pytest.raises(es.DataError, match=f"row 2 column {key}: .* whole numbers? from 0 up"):
        read(("duplicates", "1"), (key, number))


def test_a_key_that_is_there_twice_is_refused(read: Callable[..., es.Review]) -> None:
    with pytest.raises(es.DataError, match="row 2 column duplicates: is there twice"):
        read(("duplicates", "1"), ("duplicates", "1"))


def test_unknown_keys_and_own_texts_are_kept(read: Callable[..., es.Review], tmp_path: Path) -> None:
    held = read(("records_screened", "Titles read", "5"), ("by_hand", "By hand", "2"), ("why", "NA", "Age, 2; Sex, 1"))
    flow = flow_of(held)
    assert flow.labels == {"records_screened": "Titles read", "by_hand": "By hand"}
    assert flow.counts == {"records_screened": 5, "by_hand": 2}
    assert flow.reasons == {"why": (("Age", 2), ("Sex", 1))}
    assert held.notes == ("flow.csv: keys that PRISMA 2020 does not have are kept: by_hand, why",)
    path = es.save(held, tmp_path / "again.csv", format="prisma")
    assert prisma.read(es.Source(path)) == held


def test_what_is_lost_is_said(tmp_path: Path) -> None:
    path = tmp_path / "flow.csv"
    rows = "records_screened,node9,box4,My words,NA,NA,my.html,5\nNA,NA,box4,NA,NA,NA,NA,3\n"
    path.write_text(",".join(prisma.HEADINGS) + "\n" + rows, encoding="utf-8")
    assert prisma.read(es.Source(path)).notes == (
        "flow.csv: numbers without a key are not kept (rows 2)",
        "flow.csv: description, url are not PRISMA's own; they are not kept",
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"records_screened": 751}, "records_screened is 751, but identified less removed .* is 750"),
        ({"dbr_sought_reports": 40}, "dbr_sought_reports is 40, but screened less excluded .* is 50"),
        ({"dbr_assessed": 50}, "dbr_assessed is 50, but sought less not retrieved .* is 45"),
        ({"other_assessed": 8}, "other_assessed is 8, but sought less not retrieved .* is 9"),
        ({"other_sought_reports": 7}, "other_sought_reports is 7, but identified by other methods .* is 10"),
        ({"new_reports": 11}, "new_reports is 11, but assessed less excluded .* is 12"),
        ({"total_studies": 12}, "total_studies is 12, but previous and new .* is 13"),
        ({"total_reports": 15}, "total_reports is 15, but previous and new .* is 16"),
        ({"database_results": 901}, "database_results is 901, but the sum over databases .* is 900"),
        ({"new_studies": 14}, "new_studies is 14, more than new_reports, which is 12"),
        ({"total_studies_ma": 14}, "total_studies_ma is 14, more than total_studies, which is 13"),
    ],
)
def test_what_does_not_add_up_is_said_with_both_numbers(changes: dict[str, int], said: str) -> None:
    notes = "\n".join(es.flow_imbalances(es.StudyFlow(counts={**FILLED, **changes}, reasons=REASONS)))
    assert re.search(said, notes), notes


def test_what_adds_up_is_not_said() -> None:
    assert list(es.flow_imbalances(FLOW)) == []
    assert list(es.flow_imbalances(es.StudyFlow(counts=dict.fromkeys(FILLED, 0)))) == []
    assert list(es.flow_imbalances(es.StudyFlow(counts={"records_screened": 5}))) == []


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "flow.csv"
    path.write_bytes("data,node,box,boxtext,n\nnew_studies,NA,NA,Études,3\n".encode(encoding))
    flow = flow_of(es.load(path, format="prisma"))
    assert (flow.labels, flow.counts) == ({"new_studies": "Études"}, {"new_studies": 3})


def test_hostile_texts_come_back(tmp_path: Path) -> None:
    texts = ("=1+1", "<script>", "x" * 120_000, "\x1b[31m")
    keys = ("new_studies", "duplicates", "records_screened", "dbr_assessed")
    flow = es.StudyFlow(counts=dict.fromkeys(keys, 1), labels=dict(zip(keys, texts, strict=True)))
    path = tmp_path / "flow.csv"
    path.write_bytes(prisma.write_review(es.Review(flow=flow)))
    assert prisma.read(es.Source(path)).flow == flow
    assert ",=1" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("data,n\n", "none of the keys"),
        ("data,n\nfoo,1\n", "none of the keys"),
        ("study,yi\nA,1\n", "no flow diagram of PRISMA 2020"),
        ("data,node,box,boxtext,n\na,b\n", "2 fields"),
    ],
)
def test_what_is_no_flow_diagram_is_refused(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "flow.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(es.FormatError, match=said):
        es.load(path, format="prisma")


def test_a_review_without_a_flow_diagram_is_not_written() -> None:
    with pytest.raises(es.FormatError, match="no flow diagram to write"):
        prisma.write_review(es.Review())


def test_a_text_that_means_none_is_named_and_not_written(tmp_path: Path) -> None:
    flow = es.StudyFlow(counts={"records_screened": 3}, labels={"records_screened": "NA", "dbr_excluded": "Gone"})
    with pytest.warns(es.DataWarning, match="the text 'NA' of records_screened stands for no text"):
        content = prisma.write_review(es.Review(flow=flow))
    (tmp_path / "flow.csv").write_bytes(content)
    assert prisma.read(es.Source(tmp_path / "flow.csv")).flow == attrs.evolve(flow, labels={"dbr_excluded": "Gone"})


names = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Zs", "Zl", "Zp"), exclude_characters=";"),
    min_size=1,
    max_size=8,
).filter(lambda text: text.casefold() != "na")
numbers = st.integers(0, 10**9)


@given(
    counts=st.dictionaries(st.sampled_from([box.key for box in BOXES if box.key and box.key not in LISTS]), numbers),
    reasons=st.dictionaries(
        st.sampled_from(sorted(LISTS)),
        st.lists(st.tuples(names, st.none() | numbers), min_size=1, max_size=4).map(tuple),
    ),
    labels=st.dictionaries(st.sampled_from([box.key or box.box for box in BOXES]), names),
)
@strategies.examples(suppress=[HealthCheck.function_scoped_fixture])
def test_every_flow_comes_back(
    tmp_path: Path,
    counts: dict[str, int],
    reasons: dict[str, tuple[tuple[str, int | None], ...]],
    labels: dict[str, str],
) -> None:
    flow = es.StudyFlow(counts=counts, reasons=reasons, labels=labels)
    path = tmp_path / "any.csv"
    path.write_bytes(prisma.write_review(es.Review(flow=flow)))
    assert prisma.read(es.Source(path)).flow == flow
