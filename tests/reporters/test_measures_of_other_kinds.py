"""Reports of measures without arms, without a value of no effect, or that fall where others rise."""

from __future__ import annotations

from typing import Any

import pytest

import evisynth as es
from evisynth_reporters.axis import spanning_axis
from evisynth_reporters.build_table import build_table
from evisynth_reporters.table import Mark

GROUPS = ("Cells", "Placebo")
TABLES: dict[str, dict[str, Any]] = {
    "ZCOR": {"r": [0.3, 0.5, 0.1], "n": [20, 30, 40]},
    "PLO": {"events": [5, 9, 3], "n": [40, 50, 33]},
    "IRLN": {"events": [5, 9, 3], "time": [40.5, 50.0, 33.0]},
    "AUC": {"cles": [0.6, 0.7, 0.65], "n_1": [20, 30, 40], "n_2": [22, 33, 44]},
    "IRR": {"events_1": [5, 9], "time_1": [400, 500], "events_2": [9, 8], "time_2": [410, 490]},
    "VE": {"events_1": [2, 4, 3], "n_1": [100, 90, 80], "events_2": [8, 9, 9], "n_2": [98, 95, 79]},
    "GEN": {"yi": [0.1, 0.2], "sei": [0.1, 0.1]},
}


@pytest.mark.parametrize(
    ("measure", "favours", "null", "headings"),
    [
        ("ZCOR", ("", ""), 0.0, ["r", "Total"]),
        ("PLO", ("", ""), None, ["Events", "Total"]),
        ("IRLN", ("", ""), None, ["Events", "Time"]),
        ("AUC", ("Favours [cells]", "Favours [placebo]"), 0.5, ["CLES", "Total", "Total"]),
        ("IRR", ("Favours [cells]", "Favours [placebo]"), 1.0, ["Events", "Time", "Events", "Time"]),
        # More efficacy is on the right, where a risk ratio has more events.
        ("VE", ("Favours [placebo]", "Favours [cells]"), 0.0, ["Events", "Total", "Events", "Total"]),
        ("GEN", ("Favours [cells]", "Favours [placebo]"), 0.0, ["Effect", "SE"]),
    ],
)
def test_what_stands_beside_a_measure(
    measure: str, favours: tuple[str, str], null: float | None, headings: list[str]
) -> None:
    table = build_table(es.fit(TABLES[measure], measure), GROUPS)
    assert table.favours == favours
    assert table.null == (pytest.approx(null) if null is not None else None)
    assert [column.heading for column in table.columns[1:-2]] == headings
    said = build_table(es.fit(TABLES[measure], measure, favours_1="Less", favours_2="More"), GROUPS)
    assert said.favours == ("Less", "More")


@pytest.mark.parametrize("measure", TABLES)
def test_every_kind_can_be_drawn(measure: str) -> None:
    assert es.render(es.fit(TABLES[measure], measure), "forest", suffix=".svg")


def square(value: float, low: float, high: float) -> Mark:
    return Mark("square", value, low, high, 10.0)


def test_an_axis_without_a_middle_spans_the_numbers() -> None:
    proportions = spanning_axis([square(0.13, 0.04, 0.25), square(0.18, 0.08, 0.3)], log=False)
    assert (proportions.start, proportions.end, proportions.no_effect) == (0.0, 0.4, None)
    assert proportions.place(0.1) == pytest.approx(0.25)
    assert proportions.ticks == pytest.approx((0.0, 0.1, 0.2, 0.3, 0.4))
    rates = spanning_axis([square(0.03, 0.004, 0.2)], log=True)
    assert rates.start == pytest.approx(0.001)
    assert rates.end == pytest.approx(1.0)
    assert rates.place(0.01) == pytest.approx(1 / 3)
    assert rates.ticks == pytest.approx((0.001, 0.01, 0.1, 1.0))
    below = spanning_axis([square(-3.0, -4.5, -1.0)], log=False)
    assert (below.start, below.end) == (-5.0, 0.0)
    assert spanning_axis([], log=False).place(0.5) == 0.5
    area = spanning_axis([square(0.7, 0.6, 0.8)], log=False, null=0.5)
    assert area.place(area.no_effect or 0.0) == 0.5
    assert rates.place(0.0) == -float("inf")
