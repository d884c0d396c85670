"""Laws of intervals of single studies: nested, mirrored, about the estimate, exact where they say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.special import bdtr, bdtrc, gammainc, gammaincc

import evisynth as es
from evisynth.testing import strategies

if TYPE_CHECKING:
    from evisynth import FloatArray

few = strategies.examples(20)
OF_COUNTS = ("CP", "WS", "WSCC", "AC", "SA", "SACC")
LEVELS = st.floats(0.5, 0.999)


@st.composite
def _counts(draw: st.DrawFn) -> tuple[float, float]:
    n = draw(st.integers(2, 300))
    return float(draw(st.integers(0, n))), float(n)


COUNTS = _counts()


def limits(name: str, level: float, **columns: float) -> tuple[float, float]:
    record = es.default_registry().get(es.StudyInterval, name)
    made: tuple[FloatArray, FloatArray] = record.function(
        **{key: np.array([value]) for key, value in columns.items()}, level=level
    )
    return float(made[0][0]), float(made[1][0])


@pytest.mark.parametrize("name", OF_COUNTS)
@few
@given(counts=COUNTS, levels=st.tuples(LEVELS, LEVELS))
def test_a_higher_level_is_wider(name: str, counts: tuple[float, float], levels: tuple[float, float]) -> None:
    inner, outer = (limits(name, level, events=counts[0], n=counts[1]) for level in sorted(levels))
    assert outer[0] <= inner[0] + 1e-12
    assert inner[1] <= outer[1] + 1e-12


@pytest.mark.parametrize("name", OF_COUNTS)
@few
@given(counts=COUNTS, level=LEVELS)
def test_the_share_observed_lies_inside(name: str, counts: tuple[float, float], level: float) -> None:
    low, high = limits(name, level, events=counts[0], n=counts[1])
    # Agresti's interval is about a point nearer to a half, and holds the share at usual levels.
    assume(name not in {"AC", "SA", "SACC"} or level > 0.8)
    assert low - 1e-12 <= counts[0] / counts[1] <= high + 1e-12


@pytest.mark.parametrize("name", OF_COUNTS)
@few
@given(counts=COUNTS, level=LEVELS)
def test_non_events_have_the_mirrored_limits(name: str, counts: tuple[float, float], level: float) -> None:
    low, high = limits(name, level, events=counts[0], n=counts[1])
    other = limits(name, level, events=counts[1] - counts[0], n=counts[1])
    assert other == pytest.approx((1 - high, 1 - low), abs=1e-11)


@few
@given(counts=COUNTS, level=LEVELS)
def test_clopper_and_pearson_meet_the_tails_of_the_binomial(counts: tuple[float, float], level: float) -> None:
    events, n = counts
    low, high = limits("CP", level, events=events, n=n)
    tail = (1 - level) / 2
    assert low == 0 if events == 0 else float(bdtrc(events - 1, int(n), low)) == pytest.approx(tail, rel=1e-9)
    assert high == 1 if events == n else float(bdtr(events, int(n), high)) == pytest.approx(tail, rel=1e-9)


@few
@given(counts=COUNTS, level=LEVELS)
def test_wilson_solves_the_score_equation(counts: tuple[float, float], level: float) -> None:
    events, n = counts
    z = float(es.normal_quantile(level))
    for limit in limits("WS", level, events=events, n=n):
        assert n * (events / n - limit) ** 2 == pytest.approx(z * z * limit * (1 - limit), rel=1e-9, abs=1e-12)


@few
@given(counts=COUNTS, level=LEVELS)
def test_a_continuity_correction_widens(counts: tuple[float, float], level: float) -> None:
    plain, corrected = (limits(name, level, events=counts[0], n=counts[1]) for name in ("WS", "WSCC"))
    assert corrected[0] <= plain[0] + 1e-12
    assert plain[1] <= corrected[1] + 1e-12


@few
@given(events=st.integers(0, 300).map(float), time=st.floats(0.5, 5000.0), level=LEVELS)
def test_a_rate_meets_the_tails_of_poisson(events: float, time: float, level: float) -> None:
    low, high = limits("Poisson", level, events=events, time=time)
    tail = (1 - level) / 2
    assert low == 0 if events == 0 else float(gammainc(events, low * time)) == pytest.approx(tail, rel=1e-8)
    assert float(gammaincc(events + 1, high * time)) == pytest.approx(tail, rel=1e-8)


@few
@given(events=st.integers(0, 300).map(float), time=st.floats(0.5, 5000.0), unit=st.integers(-20, 20))
def test_a_rate_has_the_unit_of_its_time(events: float, time: float, unit: int) -> None:
    one, other = (limits("Poisson", 0.95, events=events, time=t) for t in (time, float(np.ldexp(time, unit))))
    assert other == pytest.approx(tuple(np.ldexp(one, -unit)), rel=1e-12)


@pytest.mark.parametrize("name", OF_COUNTS)
@few
@given(rows=st.lists(COUNTS, min_size=2, max_size=6), level=LEVELS)
def test_a_study_has_its_limits_in_any_company(name: str, rows: list[tuple[float, float]], level: float) -> None:
    record = es.default_registry().get(es.StudyInterval, name)
    low, high = record.function(
        events=np.array([row[0] for row in rows]), n=np.array([row[1] for row in rows]), level=level
    )
    assert [(float(a), float(b)) for a, b in zip(low, high, strict=True)] == [
        limits(name, level, events=events, n=n) for events, n in rows
    ]
