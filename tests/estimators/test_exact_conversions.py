"""Conversions of statistics against 50-digit arithmetic: 1e-13 times the condition number, over drawn rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

import evisynth as es
from evisynth_validation.mpmath import conversions as truth
from evisynth_validation.mpmath.exact import exact
from evisynth_validation.mpmath.reported_rows import RNG, ROWS, condition, drawn, start

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth_validation.mpmath.exact import Exact

CLOSED = 1e-13


@pytest.mark.parametrize("name", truth.FORMULAS)
def test_rows_of_every_conversion(name: str) -> None:
    record = es.default_registry().get(es.Conversion, name)
    formula = truth.FORMULAS[name]
    given = drawn(record)
    if name.startswith("wald"):
        given = {key: column for key, column in given.items() if key not in {"z_value", "p_value"}}
    made = es.convert(name, **given)
    compared = 0
    for row in range(ROWS):
        x = {key: exact(float(column[row])) for key, column in given.items()}
        expected = formula(x)
        for target, (column, value) in enumerate(zip(made.values(), expected, strict=True)):
            found = float(column[row])
            if float(abs(value)) < 1e-30:
                assert abs(found) < 1e-7, (name, row)  # a spread of 0 is that to half of the digits
                continue
            by = abs(float((exact(found) - value) / value))
            assert by <= CLOSED * condition(formula, x, value, target), (name, row, found, float(value), by)
            compared += 1
    assert compared >= ROWS - 1


def test_every_conversion_has_its_formula() -> None:
    names = {
        record.name
        for record in es.default_registry().all(es.Conversion)
        if record.function.__module__.removeprefix("evisynth_converters.")
        in {
            *("standard_deviations", "standard_errors", "wald", "delta", "change_scores", "groups", "hazard_ratios"),
            *("cluster_trials", "cross_over"),
        }
        and not record.joins_rows
    }
    assert names == set(truth.FORMULAS)


def _close(made: dict[str, Any], expected: Sequence[Exact], tolerance: float) -> None:
    for column, value in zip(made.values(), expected, strict=True):
        assert abs(float((exact(float(column[0])) - value) / value)) <= tolerance


@pytest.mark.parametrize("shift", [0.0, 1e3, -1e6])
def test_several_groups_together(shift: float) -> None:
    start(f"groups {shift}")
    mean = RNG.normal(shift, 3, 7)
    sd, n = np.exp(RNG.normal(0, 1, 7)), RNG.integers(1, 90, 7).astype(float)
    made = es.convert("combine-rows", mean=mean, sd=sd, n=n)
    of = [[exact(float(value)) for value in column] for column in (mean, sd, n)]
    _close(made, truth.combined_rows(*of), CLOSED * max(1.0, abs(shift) / 3))


def _curves(points: int) -> tuple[Any, list[Any], list[Any]]:
    start(f"curves {points}")
    time = np.concatenate([[0.0], np.cumsum(RNG.uniform(0.5, 5, points))])
    curves = [np.concatenate([[1.0], np.cumprod(RNG.uniform(0.7, 0.99, points))]) for _ in range(2)]
    risks = [np.floor(200 * curve * np.linspace(1, 0.3, points + 1)) for curve in curves]
    return time, curves, risks


@pytest.mark.parametrize("points", [1, 2, 6, 24])
def test_curves(points: int) -> None:
    time, curves, risks = _curves(points)
    exactly = [[exact(float(value)) for value in column] for column in (time, *curves, *risks)]
    t, one, other, risk_1, risk_2 = exactly
    given = {"time": time, "survival_1": curves[0], "survival_2": curves[1]}
    made = es.convert("km-at-risk-to-hr", **cast("Any", given), at_risk_1=risks[0], at_risk_2=risks[1])
    expected = truth.curves_with_numbers_at_risk((one, other), (risk_1, risk_2))
    # Falls of the curve are differences of what was read, down to a hundredth of it.
    _close(made, expected, 1e3 * CLOSED / max(abs(float(expected[0])), 1e-3))
    for shortest, longest in ((0.0, 1.2), (0.4, 1.01), (2.0, 3.0)):
        low, high = (share * float(time[-1]) for share in (shortest, longest))
        ranged = es.convert(
            "km-follow-up-to-hr", **cast("Any", given), n_1=120, n_2=115, follow_up_min=low, follow_up_max=high
        )
        expected = truth.curves_with_follow_up(t, (one, other), (exact(120), exact(115)), exact(low), exact(high))
        _close(ranged, expected, 1e3 * CLOSED / max(abs(float(expected[0])), 1e-3))
