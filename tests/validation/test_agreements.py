"""One number beside what it is held to: errors, digits, floors, printed figures, what is missing."""

from __future__ import annotations

import math
from typing import Any

import pytest

import evisynth as es

KEY = ("Tau2Estimator", "DL")


def held(expected: float | str | None, observed: float | str | None, **more: Any) -> es.Agreement:  # noqa: ANN401 - fields
    return es.Agreement(KEY, "case", "quantity", expected, observed, **more)


def test_error_condition_and_tolerance() -> None:
    one = held(2.0, 2.0 * (1 + 1e-10), tolerance=1e-12, condition=1000.0)
    assert one.error == pytest.approx(1e-10, rel=1e-5)
    assert one.own_error == pytest.approx(1e-13, rel=1e-5)
    assert one.excess == pytest.approx(0.1, rel=1e-5)
    assert one.digits == pytest.approx(10.0, abs=1e-4)
    assert (one.verdict, held(2.0, 2.0 * (1 + 1e-8), tolerance=1e-12, condition=1000.0).verdict) == (
        "agrees",
        "differs",
    )


def test_digits_are_those_of_nist() -> None:
    assert held(3.0, 3.0).digits == 15.95
    assert held(3.0, -3.0).digits == 0.0
    # A certified value of 0 has the logarithm of what was found.
    assert held(0.0, 1e-7, floor=1e-6).digits == pytest.approx(7.0)


@pytest.mark.parametrize(
    ("expected", "observed", "verdict"),
    [
        (None, None, "agrees"),
        (None, 1.0, "differs"),
        (1.0, None, "differs"),
        (math.nan, math.nan, "agrees"),
        (math.inf, math.inf, "agrees"),
        (math.inf, 1.0, "differs"),
        (1.0, math.nan, "differs"),
        ("empty", "empty", "agrees"),
        (0.0, 1e-300, "differs"),
    ],
)
def test_missing_and_infinite_numbers_are_only_themselves(
    expected: float | str | None, observed: float | str | None, verdict: str
) -> None:
    assert held(expected, observed, tolerance=1e-9).verdict == verdict


@pytest.mark.parametrize(
    ("printed", "observed", "verdict"),
    [
        ("0.58", 0.5751, "agrees"),
        ("0.58", 0.585, "agrees"),
        ("0.58", 0.5851, "differs"),
        ("1.2e-05", 1.24e-5, "agrees"),
    ],
)
def test_printed_figures_may_be_half_a_unit_away(printed: str, observed: float, verdict: str) -> None:
    assert es.as_printed(KEY, "paper", "risk ratio", printed, observed).verdict == verdict


def test_a_divergence_needs_a_difference() -> None:
    assert es.Agreement(KEY, "case", "q", 1.0, 1.0, divergence="stops early").verdict == "agrees"
    assert es.Agreement(KEY, "case", "q", 1.0, 2.0, divergence="stops early").verdict == "diverges"
