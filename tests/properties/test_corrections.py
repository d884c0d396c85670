"""Laws of corrections of zero cells: nothing is touched without one, nothing is lost, rows are alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import evisynth as es
from evisynth.testing import strategies

if TYPE_CHECKING:
    from collections.abc import Sequence

few = strategies.examples(15)
CORRECTIONS = [
    record.name
    for record, plugin in es.default_registry()
    if isinstance(record, es.Correction) and plugin.distribution == "evisynth"
]
Row = tuple[int, int, int, int]


def measured(rows: Sequence[Row], correction: str, measure: str = "OR", increment: float = 0.5) -> es.Effects:
    columns = np.array(rows, dtype=np.float64).T.tolist()
    table = dict(zip(("events_1", "n_1", "events_2", "n_2"), columns, strict=True))
    return es.effects(table, measure, settings="metafor", correction=correction, increment=increment)


def same(one: float, other: float) -> bool:
    return one == other or (np.isnan(one) and np.isnan(other))


@pytest.mark.parametrize("name", CORRECTIONS)
@few
@given(rows=strategies.tables(zeros=False), measure=st.sampled_from(["OR", "RR", "RD"]))
def test_tables_without_a_zero_are_as_they_were(name: str, rows: list[Row], measure: str) -> None:
    plain, made = measured(rows, "none", measure), measured(rows, name, measure)
    assert np.array_equal(plain.y, made.y)
    assert np.array_equal(plain.v, made.v)


@pytest.mark.parametrize("name", CORRECTIONS)
@few
@given(rows=strategies.tables(2, 5), measure=st.sampled_from(["OR", "RR", "RD"]))
def test_a_table_is_corrected_by_itself(name: str, rows: list[Row], measure: str) -> None:
    whole = measured(rows, name, measure)
    for i, row in enumerate(rows):
        single = measured([row], name, measure)
        assert same(float(whole.y[i]), float(single.y[0]))
        assert same(float(whole.v[i]), float(single.v[0]))


@pytest.mark.parametrize("name", CORRECTIONS)
@few
@given(rows=strategies.tables())
def test_swapped_arms_have_the_opposite_odds_ratio(name: str, rows: list[Row]) -> None:
    one, other = measured(rows, name), measured([(c, n_2, a, n_1) for a, n_1, c, n_2 in rows], name)
    assert other.y == pytest.approx(-one.y, rel=1e-12, abs=1e-14, nan_ok=True)
    assert other.v == pytest.approx(one.v, rel=1e-12, nan_ok=True)


@pytest.mark.parametrize("name", CORRECTIONS)
@few
@given(rows=strategies.tables())
def test_an_effect_is_there_or_its_reason(name: str, rows: list[Row]) -> None:
    made = measured(rows, name)
    for i in range(len(rows)):
        assert (i in made.reasons) == bool(np.isnan(made.y[i]) or np.isnan(made.v[i]) or made.v[i] == 0)


@pytest.mark.parametrize("name", [name for name in CORRECTIONS if name != "none"])
@few
@given(n=st.integers(2, 200), c=st.integers(1, 200))
def test_a_larger_increment_draws_the_odds_ratio_of_equal_arms_to_one(name: str, n: int, c: int) -> None:
    rows = [(0, n, min(c, n - 1), n)]
    small, large = (abs(float(measured(rows, name, increment=size).y[0])) for size in (0.25, 1.0))
    assert large < small


@few
@given(rows=strategies.tables())
def test_metafor_adds_a_half_to_every_cell_of_a_table_with_a_zero(rows: list[Row]) -> None:
    made = measured(rows, "metafor")
    for i, (a, n_1, c, n_2) in enumerate(rows):
        cells = np.array([a, n_1 - a, c, n_2 - c], dtype=np.float64)
        cells += 0.5 * float((cells == 0).any())
        assert made.y[i] == pytest.approx(np.log(cells[0] * cells[3] / (cells[1] * cells[2])), rel=1e-12, abs=1e-14)
        assert made.v[i] == pytest.approx((1 / cells).sum(), rel=1e-13)
