"""Laws of pooling: what swapping arms or events does, and what tables without information do not do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import evisynth as es
from evisynth.testing import strategies

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Row = tuple[int, int, int, int]
    Make = Callable[..., es.Studies]

few = strategies.examples(50)


def pool(
    rows: Sequence[Row],
    measure: str,
    way: tuple[str, str, str],
    make: Make,
    **words: Any,  # noqa: ANN401 - those of fit
) -> es.MetaAnalysis:
    preset, method, model = way
    columns = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    studies = make(**dict(zip(("events_1", "n_1", "events_2", "n_2"), columns, strict=True)))
    return es.fit(studies, measure, settings=preset, method=method, model=model, **words)


def mirrored(one: es.MetaAnalysis, other: es.MetaAnalysis, sign: int) -> None:
    """Check that a pooled effect changes its sign and nothing else (or, with sign 1, nothing at all)."""
    assert one.k == other.k
    assert (one.pooled is None) == (other.pooled is None)
    if one.pooled is None or other.pooled is None:
        return
    scale = one.pooled.se + abs(one.pooled.value)
    assert other.pooled.value == pytest.approx(sign * one.pooled.value, abs=1e-8 * scale)
    assert other.pooled.se == pytest.approx(one.pooled.se, rel=1e-6)
    low, high = (
        (other.pooled.ci_low, other.pooled.ci_high) if sign > 0 else (-other.pooled.ci_high, -other.pooled.ci_low)
    )
    assert (low, high) == pytest.approx((one.pooled.ci_low, one.pooled.ci_high), rel=1e-6, abs=1e-6 * scale)
    if one.heterogeneity.q is not None:
        assert other.heterogeneity.q == pytest.approx(one.heterogeneity.q, rel=1e-8, abs=1e-9)


@given(data=st.data())
@few
def test_swapping_the_arms_changes_the_sign(data: st.DataObject, make_studies: Make) -> None:
    rows = data.draw(strategies.tables())
    way = data.draw(strategies.combinations())
    measure = "PETO" if way[1] == "Peto" else data.draw(st.sampled_from(["OR", "RR", "RD"]))
    if measure == "RR" and way[1] == "MH":
        # RevMan's term for events in everybody, its weight times 1, is that of one direction.
        rows = [row for row in rows if row[0] < row[1] or row[2] < row[3]]
    swapped = [(c, n_2, a, n_1) for a, n_1, c, n_2 in rows]
    mirrored(pool(rows, measure, way, make_studies), pool(swapped, measure, way, make_studies), -1)


@given(data=st.data())
@few
def test_counting_non_events_changes_the_sign(data: st.DataObject, make_studies: Make) -> None:
    rows = data.draw(strategies.tables())
    way = data.draw(strategies.combinations())
    measure = "PETO" if way[1] == "Peto" else data.draw(st.sampled_from(["OR", "RD"]))
    others = [(n_1 - a, n_1, n_2 - c, n_2) for a, n_1, c, n_2 in rows]
    plain = pool(rows, measure, way, make_studies)
    mirrored(plain, pool(others, measure, way, make_studies), -1)
    mirrored(plain, pool(rows, measure, way, make_studies, swap_events=True), -1)
    mirrored(plain, pool(others, measure, way, make_studies, swap_events=True), 1)


@given(data=st.data())
@few
def test_a_double_zero_changes_no_ratio(data: st.DataObject, make_studies: Make) -> None:
    rows = data.draw(strategies.tables())
    way = data.draw(
        strategies.combinations().filter(lambda way: way[:2] != ("metafor", "IV"))
    )  # which corrects and keeps it
    measure = "PETO" if way[1] == "Peto" else data.draw(st.sampled_from(["OR", "RR"]))
    empty = (0, data.draw(st.integers(1, 99)), 0, data.draw(st.integers(1, 99)))
    place = data.draw(st.integers(0, len(rows)))
    without = pool(rows, measure, way, make_studies)
    more = pool([*rows[:place], empty, *rows[place:]], measure, way, make_studies)
    assert more.k_total == without.k_total + 1
    assert more.studies[place].reason == "no events in either arm"
    mirrored(without, more, 1)


@given(data=st.data())
@few
def test_the_order_of_studies_changes_nothing(data: st.DataObject, make_studies: Make) -> None:
    rows = data.draw(strategies.tables(2))
    way = data.draw(strategies.combinations())
    measure = "PETO" if way[1] == "Peto" else data.draw(st.sampled_from(["OR", "RR", "RD"]))
    order = data.draw(st.permutations(rows))
    mirrored(pool(rows, measure, way, make_studies), pool(order, measure, way, make_studies), 1)


@given(data=st.data())
@few
def test_a_common_ratio_is_found_by_every_method(data: st.DataObject, make_studies: Make) -> None:
    """Tables that are multiples of one another have one odds ratio, risk ratio and risk difference."""
    a, n_1, c, n_2 = data.draw(strategies.tables(1, 1, zeros=False))[0]
    way = data.draw(strategies.combinations().filter(lambda way: way[1] != "Peto"))
    times = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=5))
    rows = [(a * t, n_1 * t, c * t, n_2 * t) for t in times]
    for measure, exact in (
        ("OR", np.log(a * (n_2 - c) / ((n_1 - a) * c))),
        ("RR", np.log(a * n_2 / (n_1 * c))),
        ("RD", a / n_1 - c / n_2),
    ):
        found = pool(rows, measure, way, make_studies)
        assert found.pooled is not None
        assert found.pooled.value == pytest.approx(float(exact), rel=1e-12, abs=1e-13)
        assert found.heterogeneity.q == pytest.approx(0.0, abs=1e-20)


@given(data=st.data())
@few
def test_pooled_effects_lie_between_the_studies(data: st.DataObject, make_studies: Make) -> None:
    rows = data.draw(strategies.tables(zeros=False))
    way = data.draw(strategies.combinations())
    measure = "PETO" if way[1] == "Peto" else data.draw(st.sampled_from(["OR", "RR", "RD"]))
    found = pool(rows, measure, way, make_studies)
    assert found.pooled is not None
    effects = [study.effect for study in found.studies if study.effect is not None]
    slack = 1e-12 * (1 + max(map(abs, effects)))
    assert min(effects) - slack <= found.pooled.value <= max(effects) + slack
