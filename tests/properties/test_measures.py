"""Laws of effect measures: signs, scales and what changes nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import evisynth as es
from evisynth.testing import strategies
from evisynth_estimators.two_by_two import log_ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Make = Callable[..., es.Studies]

few = strategies.examples(50)
PRESETS = ["revman5", "revman-web", "metafor", "meta"]


def effect_of(row: Sequence[float], measure: str, preset: str, make: Make) -> tuple[float, float]:
    names = (
        ("mean_1", "sd_1", "n_1", "mean_2", "sd_2", "n_2") if len(row) == 6 else ("events_1", "n_1", "events_2", "n_2")
    )
    made = es.effects(make(**{name: [value] for name, value in zip(names, row, strict=True)}), measure, settings=preset)
    return float(made.y[0]), float(made.v[0])


@pytest.mark.parametrize("measure", ["MD", "SMD"])
@given(data=st.data())
@few
def test_swapping_the_arms_changes_the_sign_of_a_difference(
    measure: str, data: st.DataObject, make_studies: Make
) -> None:
    row = data.draw(strategies.means())
    preset = data.draw(st.sampled_from(PRESETS))
    y, v = effect_of(row, measure, preset, make_studies)
    assert v > 0
    assert effect_of([*row[3:], *row[:3]], measure, preset, make_studies) == (-y, v)
    assert math.copysign(1.0, y) == math.copysign(1.0, row[0] - row[3]) or y == 0


@given(data=st.data())
@few
def test_units_scale_a_mean_difference_and_leave_a_standardised_one(data: st.DataObject, make_studies: Make) -> None:
    row = data.draw(strategies.means())
    preset = data.draw(st.sampled_from(PRESETS))
    unit = 2.0 ** data.draw(st.integers(-30, 30))
    other = [value * unit if i % 3 < 2 else value for i, value in enumerate(row)]
    y, v = effect_of(row, "MD", preset, make_studies)
    assert effect_of(other, "MD", preset, make_studies) == (y * unit, v * unit * unit)
    assert effect_of(other, "SMD", preset, make_studies) == effect_of(row, "SMD", preset, make_studies)


@given(data=st.data())
@few
def test_a_standardised_difference_is_smaller_than_the_plain_ratio(data: st.DataObject, make_studies: Make) -> None:
    row = data.draw(strategies.means().filter(lambda row: row[0] != row[3]))
    m_1, s_1, n_1, m_2, s_2, n_2 = row
    plain = (m_1 - m_2) / math.sqrt(((n_1 - 1) * s_1**2 + (n_2 - 1) * s_2**2) / (n_1 + n_2 - 2))
    factors = [effect_of(row, "SMD", preset, make_studies)[0] / plain for preset in PRESETS]
    assert all(0.4 < factor < 1 for factor in factors)
    # Hedges' approximation is within a few percent even of the smallest samples, and tight in large ones.
    assert max(factors) - min(factors) < 1.2 / (n_1 + n_2) ** 2


@given(numerator=st.integers(1, 10**7), denominator=st.integers(1, 10**7), doubled=st.booleans())
@few
def test_log_ratio_is_antisymmetric(numerator: int, denominator: int, *, doubled: bool) -> None:
    one, other = np.array([float(numerator)]), np.array([denominator * (1.0 if doubled else 0.5)])
    forth, back = float(log_ratio(one, other)[0]), float(log_ratio(other, one)[0])
    assert forth == pytest.approx(-back, rel=4e-15, abs=0)
    assert (forth > 0) == (one[0] > other[0])
    assert (forth == 0) == (one[0] == other[0])


@pytest.mark.parametrize("measure", ["OR", "RR", "RD", "PETO"])
@given(data=st.data())
@few
def test_an_effect_has_the_sign_of_the_difference_in_risk(
    measure: str, data: st.DataObject, make_studies: Make
) -> None:
    row = data.draw(strategies.tables(1, 1, zeros=False))[0]
    preset = data.draw(st.sampled_from(PRESETS))
    a, n_1, c, n_2 = row
    y, v = effect_of(row, measure, preset, make_studies)
    gap = a * n_2 - c * n_1
    assert v > 0
    assert (y > 0, y < 0) == (gap > 0, gap < 0)


@given(data=st.data())
@few
def test_an_odds_ratio_is_that_of_columns_too(data: st.DataObject, make_studies: Make) -> None:
    """Who is exposed among those with the event has the odds ratio of who has the event among the exposed."""
    a, n_1, c, n_2 = data.draw(strategies.tables(1, 1, zeros=False))[0]
    preset = data.draw(st.sampled_from(PRESETS))
    plain = effect_of((a, n_1, c, n_2), "OR", preset, make_studies)
    turned = effect_of((a, a + c, n_1 - a, n_1 - a + n_2 - c), "OR", preset, make_studies)
    assert turned == pytest.approx(plain, rel=1e-14, abs=1e-15)
