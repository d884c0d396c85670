"""RevMan 4's export for MetaView: fixed fields, kinds of lines, what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import evisynth as es
from evisynth.testing.formats import check_converter
from evisynth_converters import metaview

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COMPARISON = "3 01 01 Spinal manipulation versus café"


def outcome(kind: str = "D", settings: str = "4 2 2 3", number: int = 1, totals: str = "Y") -> str:
    head = f"2 {kind} 01 {number:02d} {totals} {settings} Y 01 "
    labels = "".join(f"{label:21}" for label in ("Favours A", "Favours B", "A", "B"))
    return f"{head}{'Death':<108}{labels}"


def study(
    name: str = "Müller 2001",
    numbers: tuple[str, ...] = ("3", "20", "1.50", "0.25", "6", "21", "2.00", "0.50", "-2.50", "4.00"),
    *,
    group: int = 0,
    number: int = 1,
    order: int = 0,
) -> str:
    widths = (7, 6, 9, 9, 6, 6, 9, 9, 9, 9)
    fields = " ".join(f"{value:>{width}}" for value, width in zip(numbers, widths, strict=True))
    return f"0 01 {number:02d} {group:02d} {name:20} 2001 {fields} {order:>4} A"


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., es.Review]:
    """Load lines from a file whose name says nothing."""

    def from_lines(*lines: str, ends: bool = True) -> es.Review:
        path = tmp_path / "export"
        head = ["METAVIEW:Pain" + " " * 50, "START DATA"]
        text = "\r\n".join([*head, *lines, *(["STUDIES:   1", "END DATA", ""] if ends else [])])
        path.write_bytes(text.encode("latin-1"))
        review: es.Review = es.load(path)
        return review

    return from_lines


def only(review: es.Review) -> es.ReviewOutcome:
    ((_, _, one),) = review.outcomes
    return one


def test_the_real_export(shared_reference: Path) -> None:
    review: es.Review = es.load(shared_reference / "fleiss1993" / "FLEISS1993.MTV")
    assert (review.title, review.preset, review.decimals) == ("Fleiss 1993", "revman5", None)
    (_, comparison, first), (_, _, second) = review.outcomes
    assert comparison.name == "Examples from Fleiss (1993)"
    assert (first.name, first.measure, first.method, first.model) == ("Aspirin vs. Control", "OR", "MH", "common")
    assert (second.name, second.measure, second.method) == ("Mental Health Treatment vs. Control", "MD", "IV")
    assert (first.group_1, first.group_2, first.favours_1) == ("Aspirin", "Control", "Favours Aspirin")
    assert first.rows[6].data == {"events_1": 1570, "n_1": 8587, "events_2": 1720, "n_2": 8600}
    assert second.rows[2].data == {
        "mean_1": 22.5,
        "sd_1": 3.44,
        "n_1": 35,
        "mean_2": 24.9,
        "sd_2": 10.65,
        "n_2": 35,
    }
    assert first.stored.empty
    assert len(review.studies) == 12


def test_fields_stand_in_their_columns(load: Callable[..., es.Review]) -> None:
    review = load(COMPARISON, outcome(), study(order=3))
    read = only(review)
    assert (review.title, review.comparisons[0].name) == ("Pain", "Spinal manipulation versus café")
    assert (read.name, read.favours_1, read.favours_2, read.group_1, read.group_2) == (
        *("Death", "Favours A", "Favours B"),
        *("A", "B"),
    )
    (row,) = read.rows
    assert row.data == {"events_1": 3, "n_1": 20, "events_2": 6, "n_2": 21}
    assert (row.study, row.order, row.text) == ("Müller 2001", 3, {"Allocation concealment": "A"})
    assert review.study_by_id["Müller 2001"].year == "2001"
    assert read.text == {"MetaView settings": "Y 4 2 2 3 Y 01"}


@pytest.mark.parametrize(
    ("kind", "digit", "measure", "data"),
    [
        ("C", "1", "MD", {"mean_1": 1.5, "sd_1": 0.25, "n_1": 20, "mean_2": 2, "sd_2": 0.5, "n_2": 21}),
        ("C", "2", "SMD", {"mean_1": 1.5, "sd_1": 0.25, "n_1": 20, "mean_2": 2, "sd_2": 0.5, "n_2": 21}),
        ("P", "1", "O-E", {"o_e": -2.5, "o_e_variance": 4, "events_1": 3, "n_1": 20, "events_2": 6, "n_2": 21}),
        ("I", "1", "GEN", {"yi": 1.5, "sei": 0.25}),
        ("O", "1", None, {}),
    ],
)
def test_types_of_data_have_letters(
    load: Callable[..., es.Review], kind: str, digit: str, measure: str | None, data: dict[str, float]
) -> None:
    read = only(load(COMPARISON, outcome(kind, f"{digit} 2 2 3"), study()))
    assert (read.measure, read.rows[0].data, read.model) == (measure, data, "common")


def test_settings_that_no_sample_explains_are_left_open(load: Callable[..., es.Review]) -> None:
    for settings in ("2 2 2 3", "4 1 2 3"):
        with pytest.warns(es.DataWarning, match="not documented"):
            read = only(load(COMPARISON, outcome("D", settings), study()))
        assert (read.measure, read.model) == ((None, "common") if settings[0] == "2" else ("OR", None))
        assert settings in read.text["MetaView settings"]


def test_subgroups(load: Callable[..., es.Review]) -> None:
    lines = (study("A", group=2), "1 01 01 01 Y  men", study("B", group=1), study("C"))
    with pytest.raises(es.FormatError, match=r"line 5: belongs to subgroup 1\.1\.2"):
        load(COMPARISON, outcome(totals="N"), *lines)
    read = only(load(COMPARISON, outcome(totals="N"), *lines[1:]))
    assert read.totals == "none"
    assert [(one.number, one.name, one.rows[0].study) for one in read.subgroups] == [(1, "men", "B")]
    assert [row.study for row in read.rows] == ["C"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ((COMPARISON, study()), r"line 4: belongs to outcome 1\.1"),
        ((outcome(),), r"line 3: outcome 1\.1 stands twice, or before its comparison"),
        ((COMPARISON, COMPARISON), "line 4: comparison 1 stands twice"),
        ((COMPARISON, outcome("X")), "line 4: the data type 'X'"),
        ((COMPARISON, outcome(), study("")), "line 5: a study without a name"),
        (("9 what",), "line 3: no line begins with '9'"),
        (("3 xx 01 A",), "columns 3 to 4 hold 'xx'"),
        ((COMPARISON, outcome(), "1 01 01 01 Y  men", "1 01 01 01 Y  men"), r"subgroup 1\.1\.1 stands twice"),
    ],
)
def test_lines_that_do_not_fit_are_refused(
    load: Callable[..., es.Review], lines: tuple[str, ...], message: str
) -> None:
    with pytest.raises(es.FormatError, match=message):
        load(*lines)


def test_fields_that_are_no_numbers_are_named(load: Callable[..., es.Review]) -> None:
    numbers = ("x", "20", "1.50", "0.25", "6", "21", "2.00", "0.50", "0.00", "0.00")
    with pytest.raises(es.DataError, match=r"Müller 2001.*events 1.*not a number \(line 5\) \(given: x\)"):
        load(COMPARISON, outcome(), study(numbers=numbers))


def test_exports_that_are_cut_short_are_noted_or_refused(load: Callable[..., es.Review], tmp_path: Path) -> None:
    with pytest.warns(es.DataWarning, match="END DATA"):
        load(COMPARISON, outcome(), study(), ends=False)
    path = tmp_path / "cut.mtv"
    path.write_bytes(b"METAVIEW:Pain\r\n")
    with pytest.raises(es.FormatError, match="START DATA is missing"):
        es.load(path)
    path.write_bytes(b"METAVIEW:Pain\r\nhello\r\n")
    with pytest.raises(es.FormatError, match="stands before START DATA"):
        es.load(path)


def test_the_record_keeps_the_laws_of_converters() -> None:
    for record in metaview.converters():
        check_converter(record)
