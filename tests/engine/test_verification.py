"""What files store beside what the engine has: all is compared or named, and no more than rounding is forgiven."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import attrs
import pytest

import evisynth as es
from evisynth.reviews.verification import HALF, OF_CHI2, OF_Z, PLAIN
from evisynth.sources import Source
from evisynth_converters.hostile_xml import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EXAMPLE = Path(__file__).parents[2] / "examples" / "review" / "evisynth_example_review.rm5"

# The names that RevMan's files have for results, written down here once more, so that none is forgotten there.
SHOWN = {f"{log}{name}" for log in ("", "LOG_") for name in ("EFFECT_SIZE", "CI_START", "CI_END")}
OF_ROWS = SHOWN | {"WEIGHT", "SE", "O_E", "VAR", "ESTIMABLE"}
OF_NODES = SHOWN | {
    *("WEIGHT", "CHI2", "DF", "P_CHI2", "I2", "TAU2", "Z", "P_Z", "STUDIES", "ESTIMABLE"),
    *("EVENTS_1", "TOTAL_1", "EVENTS_2", "TOTAL_2", "Q", "P_Q", "I2_Q"),
}
DATA = {"IV_DATA": {"SE"}, "IPD_DATA": {"O_E", "VAR"}}
"""Attributes of rows that are data there, not results."""


def numbers_stored(path: Path) -> int:
    """Count the results that a file stores, by its elements alone."""
    count = 0
    for element in parse(Source(path)).iterfind("ANALYSES_AND_DATA//*"):
        if element.tag.endswith("_DATA"):
            wanted = OF_ROWS - DATA.get(element.tag, set())
        elif element.tag.endswith(("_OUTCOME", "_SUBGROUP")):
            wanted = OF_NODES
        else:
            continue
        count += sum(element.get(name, "") not in {"", "NaN", "-Infinity", "Infinity"} for name in wanted)
    return count


def numbers_accounted_for(made: es.Verification) -> int:
    """Count numbers compared and those named as not compared; a whole node stands for what it holds."""
    nodes = dict(nodes_of(made.review))
    count = len(made.compared)
    compared = {(one.place, one.study, one.name) for one in made.compared}
    for one in made.not_compared:
        if one.name is not None:
            count += 1
            continue
        held = nodes[one.place, one.study]
        names = [*held.numbers, *(["estimable"] if held.estimable is not None else [])]
        named = {other.name for other in made.not_compared if (other.place, other.study) == (one.place, one.study)}
        count += sum((one.place, one.study, name) not in compared and name not in named for name in names)
    return count


def nodes_of(review: es.Review) -> Iterator[tuple[tuple[str, str | None], es.StoredResults]]:
    for place, _, outcome in review.outcomes:
        yield (place, None), outcome.stored
        for row in outcome.rows:
            yield (place, row.study), row.stored
        for subgroup in outcome.subgroups:
            yield (f"{place}.{subgroup.number}", None), subgroup.stored
            for row in subgroup.rows:
                yield (f"{place}.{subgroup.number}", row.study), row.stored


@pytest.fixture(scope="module")
def example() -> es.Review:
    """Give the example review."""
    review: es.Review = es.load(EXAMPLE)
    return review


def test_the_example_agrees_in_all_it_stores(example: es.Review) -> None:
    made = es.verify(example)
    assert made.agrees
    assert made.disagreements == ()
    assert len(made.compared) > 19_000
    assert numbers_accounted_for(made) == numbers_stored(EXAMPLE)
    # Arithmetic at 50 digits: the engine is not only within RevMan's tolerances.
    assert max(one.difference / max(1.0, abs(one.stored)) for one in made.compared) < 1e-12
    assert set(made.reasons) == {
        "df = 0: files hold 0 or 100, 1 or 0",
        "a difference has no logarithm: what files hold there means nothing",
        "no analysis: the file holds no studies for this subgroup",
        "no analysis: the file holds no studies for this outcome",
        "whether files count events or non-events here is not known",
    }


def test_real_files_agree_in_all_they_store(shared_reference: Path) -> None:
    found = sorted(shared_reference.glob("*/*.rm5"))
    assert len(found) == 9
    for path in found:
        made = es.verify(es.load(path))
        assert made.agrees, (path.name, made.disagreements[:3])
        assert numbers_accounted_for(made) == numbers_stored(path), path.name


# -- tampering --------------------------------------------------------------------------------------------------------

ROWS = [(12, 60, 18, 58), (3, 25, 4, 27), (9, 40, 2, 38), (7, 31, 15, 30)]


def small(**settings: Any) -> es.Review:  # noqa: ANN401 - the fields of an outcome
    """Make a review of one outcome in two subgroups, with the engine's own numbers stored."""
    rows = tuple(
        es.ReviewRow(study=f"S{i}", data=dict(zip(es.DATA_COLUMNS["dichotomous"], map(float, row), strict=True)))
        for i, row in enumerate(ROWS)
    )
    groups = tuple(
        es.ReviewSubgroup(number=i + 1, name="AB"[i], rows=rows[2 * i : 2 * i + 2], stored=ALL_ZERO) for i in range(2)
    )
    every: dict[str, Any] = {"method": "MH", "model": "random", "measure": "OR", **settings}
    outcome = es.ReviewOutcome(number=1, name="x", data_type="dichotomous", subgroups=groups, **every)
    review = es.Review(
        studies=tuple(es.ReviewStudy(id=f"S{i}", name=f"Study {i}") for i in range(len(ROWS))),
        comparisons=(es.ReviewComparison(number=1, name="c", outcomes=(outcome,)),),
    )
    return with_engines_numbers(review)


ALL_ZERO = es.StoredResults(numbers={"display": 0.0})
NAMES_OF_ROWS = (
    *("display", "display_ci_low", "display_ci_high", "log10_display", "log10_display_ci_low"),
    *("log10_display_ci_high", "se", "vi", "weight"),
)
NAMES_OF_SUBGROUPS = (
    *NAMES_OF_ROWS[:6],
    *("weight", "q", "q_df", "q_p_value", "i2", "tau2", "statistic", "p_value", "studies"),
    *("events_1", "n_1", "events_2", "n_2"),
)
NAMES_OF_OUTCOMES = (*NAMES_OF_SUBGROUPS, "subgroup_q", "subgroup_q_p_value", "subgroup_i2")


def with_engines_numbers(review: es.Review) -> es.Review:
    """Store 1 for all numbers, ask what the engine has instead, and store that."""
    asked = change(review, lambda names, _: es.StoredResults(numbers=dict.fromkeys(names, 1.0), estimable=True))
    held = {(one.place, one.study, one.name): one.computed for one in es.verify(asked).compared}

    def stored(names: tuple[str, ...], key: tuple[str, str | None]) -> es.StoredResults:
        numbers = {name: held[(*key, name)] for name in names}
        return es.StoredResults(
            numbers={name: number for name, number in numbers.items() if number is not None}, estimable=True
        )

    return change(review, stored)


def change(review: es.Review, new: Callable[[tuple[str, ...], tuple[str, str | None]], es.StoredResults]) -> es.Review:
    """Give every node other stored results."""
    (comparison,) = review.comparisons
    (outcome,) = comparison.outcomes
    groups = tuple(
        attrs.evolve(
            group,
            stored=new(NAMES_OF_SUBGROUPS, (f"1.1.{group.number}", None)),
            rows=tuple(
                attrs.evolve(row, stored=new(NAMES_OF_ROWS, (f"1.1.{group.number}", row.study))) for row in group.rows
            ),
        )
        for group in outcome.subgroups
    )
    made = attrs.evolve(outcome, subgroups=groups, stored=new(NAMES_OF_OUTCOMES, ("1.1", None)))
    return attrs.evolve(review, comparisons=(attrs.evolve(comparison, outcomes=(made,)),))


def tampered(review: es.Review, place: str, study: str | None, name: str, by: float) -> es.Review:
    nodes = dict(nodes_of(review))

    def stored(_: tuple[str, ...], key: tuple[str, str | None]) -> es.StoredResults:
        held = nodes[key]
        if key != (place, study):
            return held
        return attrs.evolve(held, numbers={**held.numbers, name: held.numbers[name] + by})

    return change(review, stored)


@pytest.fixture(scope="module")
def own() -> es.Review:
    """Give a review that stores the engine's own numbers."""
    review = small()
    made = es.verify(review)
    assert made.agrees
    assert not made.not_compared
    return review


def tolerance_of(name: str, stored: float) -> float:
    if name in {"q_p_value", "subgroup_q_p_value"}:
        return max(OF_CHI2[0], OF_CHI2[1] * stored)
    return OF_Z if name == "p_value" else PLAIN * max(1.0, abs(stored))


PLACES = [
    *(("1.1", None, name) for name in NAMES_OF_OUTCOMES),
    *(("1.1.2", None, name) for name in NAMES_OF_SUBGROUPS),
    *(("1.1.1", "S1", name) for name in NAMES_OF_ROWS),
]


@pytest.mark.parametrize(("place", "study", "name"), PLACES)
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_number_beyond_its_tolerance_is_reported_and_no_other(
    place: str, study: str | None, name: str, sign: int, own: es.Review
) -> None:
    held = dict(nodes_of(own))[place, study].numbers[name]
    allowed = tolerance_of(name, held)
    (found,) = es.verify(tampered(own, place, study, name, sign * 1.01 * allowed)).disagreements
    assert (found.place, found.study, found.name) == (place, study, name)
    assert found.computed == held
    assert es.verify(tampered(own, place, study, name, sign * 0.99 * allowed)).agrees


def test_tolerances_are_those_of_revmans_arithmetic() -> None:
    assert (PLAIN, OF_Z, OF_CHI2) == (1e-8, 1e-6, (1e-9, 2e-5))


@pytest.mark.parametrize("estimable", [True, False])
def test_whether_there_is_an_effect_is_compared(estimable: bool, own: es.Review) -> None:  # noqa: FBT001 - both cases
    def stored(_: tuple[str, ...], key: tuple[str, str | None]) -> es.StoredResults:
        return attrs.evolve(dict(nodes_of(own))[key], estimable=estimable if key == ("1.1.1", "S0") else True)

    found = [(one.study, one.name) for one in es.verify(change(own, stored)).disagreements]
    assert found == ([] if estimable else [("S0", "estimable")])


def test_a_wrong_standard_error_shows_where(example: es.Review, tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    start = text.index(' SE="', text.index("<DICH_DATA")) + len(' SE="')
    end = text.index('"', start)
    path = tmp_path / "wrong.rm5"
    path.write_text(f"{text[:start]}{float(text[start:end]) + 0.001!r}{text[end:]}", encoding="utf-8")
    (found,) = es.verify(es.load(path), only=["1"]).disagreements
    place, _, outcome = next(iter(example.outcomes))
    assert (found.place, found.study, found.name) == (place, outcome.rows[0].study, "se")
    assert found.difference == pytest.approx(0.001, rel=1e-9)


# -- rounding ---------------------------------------------------------------------------------------------------------


def rounded(review: es.Review, decimals: int, said: int | None) -> es.Review:
    def stored(_: tuple[str, ...], key: tuple[str, str | None]) -> es.StoredResults:
        held = dict(nodes_of(review))[key]
        return attrs.evolve(held, numbers={name: round(number, decimals) for name, number in held.numbers.items()})

    return attrs.evolve(change(review, stored), decimals=said)


@pytest.mark.parametrize("decimals", [2, 6, 8])
def test_rounded_numbers_agree_within_half_of_the_last_digit(decimals: int, own: es.Review) -> None:
    made = es.verify(rounded(own, decimals, decimals))
    assert made.agrees
    assert max(one.difference for one in made.compared) > 0.2 * 10**-decimals
    by = 1.1 * HALF * 10**-decimals + 2 * OF_Z
    for place, study, name in (("1.1", None, "display"), ("1.1.1", "S0", "se"), ("1.1", None, "p_value")):
        held = dict(nodes_of(own))[place, study].numbers[name]
        moved = tampered(rounded(own, decimals, decimals), place, study, name, 0.0)
        shift = held - dict(nodes_of(moved))[place, study].numbers[name]
        (found,) = es.verify(tampered(moved, place, study, name, shift + by)).disagreements
        assert (found.place, found.study, found.name) == (place, study, name)


def test_rounding_is_not_forgiven_where_the_file_has_all_digits(own: es.Review) -> None:
    assert len(es.verify(rounded(own, 4, None)).disagreements) > 50


# -- not stored -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("numbers", [{}, {"display": 0.0, "se": 0.0, "weight": 0.0, "q": 0.0, "tau2": 0.0}])
@pytest.mark.parametrize("estimable", [True, None])
def test_nothing_and_zeros_alone_count_as_not_stored(
    numbers: dict[str, float],
    estimable: bool | None,  # noqa: FBT001 - what a file says
    own: es.Review,
) -> None:
    given = es.StoredResults(numbers=numbers, estimable=estimable)
    made = es.verify(change(own, lambda _, __: given))
    assert made.agrees
    assert made.reasons == {"nothing stored": 7}
    assert {one.name for one in made.compared} == ({"estimable"} if estimable else set())


def test_a_file_that_says_that_there_is_no_effect_disagrees(own: es.Review) -> None:
    zeros = es.StoredResults(numbers={"display": 0.0, "se": 0.0}, estimable=False)
    made = es.verify(change(own, lambda _, __: zeros))
    assert [one.name for one in made.disagreements] == ["estimable"] * 7


def test_results_without_an_analysis_are_no_agreement(own: es.Review) -> None:
    (comparison,) = own.comparisons
    (outcome,) = comparison.outcomes
    broken = attrs.evolve(outcome, measure=None)
    made = es.verify(attrs.evolve(own, comparisons=(attrs.evolve(comparison, outcomes=(broken,)),)))
    assert not made.agrees
    assert all(one.computed is None and math.isinf(one.difference) for one in made.disagreements)
    assert any("which effect measure" in reason for reason in made.reasons)


# -- forms of the result ----------------------------------------------------------------------------------------------


def test_words_change_what_is_compared(own: es.Review) -> None:
    made = es.verify(own, tau2="REML")
    assert {one.name for one in made.disagreements} >= {"tau2", "display"}
    assert es.verify(own, only=["1.1"]).agrees
    with pytest.raises(es.SettingsError, match=r"2\.1"):
        es.verify(own, only=["2.1"])


def test_counts_document_and_frame(own: es.Review) -> None:
    made = es.verify(tampered(own, "1.1", None, "tau2", 0.5))
    document, frame = made.to_dict(), made.to_frame()
    assert (document["agrees"], document["compared"], document["agree"]) == (False, len(made.compared), len(frame) - 1)
    (found,) = document["disagreements"]
    assert (found["place"], found["name"]) == ("1.1", "tau2")
    assert found["difference"] == pytest.approx(0.5)
    assert made.largest is not None
    assert made.largest.name == "tau2"
    count, agree, largest = made.by_name["tau2"]
    assert (count, agree, largest) == (3, 2, made.largest.difference)
    assert frame["agrees"].tolist().count(False) == 1
    assert f"{len(made.compared) - 1} of {len(made.compared)}" in repr(made)


def counts(study: str, events: tuple[float, float], level: Literal["both", "subgroup", "overall"]) -> es.ReviewRow:
    data = {"events_1": events[0], "n_1": 20.0, "events_2": events[1], "n_2": 20.0}
    return es.ReviewRow(study=study, data=data, level=level)


def test_rows_that_are_pooled_at_one_level_have_their_effect_and_count_there() -> None:
    first = es.ReviewSubgroup(number=1, name="x", rows=(counts("A", (3, 5), "both"), counts("B", (2, 6), "subgroup")))
    second = es.ReviewSubgroup(number=2, name="y", rows=(counts("C", (4, 5), "both"),))
    outcome = es.ReviewOutcome(
        number=1,
        name="Relapse",
        data_type="dichotomous",
        measure="RR",
        method="MH",
        model="common",
        subgroups=(first, second),
        rows=(counts("D", (1, 2), "overall"),),
    )
    stored = es.StoredResults({"display": 2 / 6}, estimable=True)
    kept = attrs.evolve(first, rows=(first.rows[0], attrs.evolve(first.rows[1], stored=stored)))
    # Three trials of 20 are counted overall, and two in the first subgroup.
    whole = es.StoredResults({"n_1": 60.0, "studies": 3.0, "events_1": 8.0, "display": 8 / 12})
    part = es.StoredResults({"n_1": 40.0, "studies": 2.0, "events_1": 5.0, "display": 5 / 11})
    outcome = attrs.evolve(outcome, stored=whole, subgroups=(attrs.evolve(kept, stored=part), second))
    review = es.Review(
        studies=tuple(es.ReviewStudy(id=name, name=name) for name in "ABCD"),
        comparisons=(es.ReviewComparison(number=1, name="A versus B", outcomes=(outcome,)),),
    )
    # Arms of one size: the Mantel-Haenszel ratio is that of the events, (3 + 4 + 1) / (5 + 5 + 2) overall.
    assert es.verify(review).disagreements == ()
    analysis = es.fit(review)["1.1"].analysis
    assert analysis is not None
    assert analysis.display is not None
    assert analysis.display.value == pytest.approx(8 / 12)
    assert es.table_tests(analysis).k == 3
    shown = str(es.render(analysis, "text"))
    assert "0.33 [0.08, 1.46]" in shown
    assert "Not estimable" not in shown
    subtotal = next(line for line in shown.splitlines() if line.startswith("Subtotal"))
    assert subtotal.split()[3:5] == ["40", "40"]
