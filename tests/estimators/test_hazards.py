"""Hazard ratios and differences are what was published of them, row by row, to 50 digits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

import evisynth as es
from evisynth_validation.mpmath import counts as exact
from evisynth_validation.mpmath.exact import exact as number
from evisynth_validation.mpmath.exact import log

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., es.Studies]

CLOSED = 1e-13
GAP = math.nan


def test_each_row_takes_what_it_has(make_studies: Make) -> None:
    columns = {
        "yi": [math.log(0.7), GAP, GAP, GAP, GAP, GAP],
        "sei": [0.2, GAP, GAP, 0.3, GAP, GAP],
        "estimate": [GAP, 0.8, GAP, 0.9, -1.0, GAP],
        "ci_low": [GAP, 0.5, GAP, GAP, 0.5, GAP],
        "ci_high": [GAP, 1.28, GAP, GAP, 2.0, GAP],
        "o_e": [GAP, GAP, -4.0, GAP, GAP, GAP],
        "o_e_variance": [GAP, GAP, 10.0, GAP, GAP, 3.0],
    }
    made = es.effects(make_studies(**columns), "HR")
    z = exact.probit(number(0.975))
    y = [number(math.log(0.7)), log(number(0.8)), number(-4.0) / 10, log(number(0.9))]
    width = (log(number(1.28)) - log(number(0.5))) / (2 * z)
    v = [number(0.2) ** 2, width**2, number(1.0) / 10, number(0.3) ** 2]
    for i in range(4):
        assert exact.relative_error(float(made.y[i]), y[i]) <= CLOSED
        assert exact.relative_error(float(made.v[i]), v[i]) <= CLOSED
    assert made.reasons == {4: "a ratio that is not positive has no logarithm", 5: "missing effect"}


def test_a_log_hazard_ratio_stands_beside_limits_of_its_own_scale(make_studies: Make) -> None:
    studies = make_studies(yi=[-0.2], ci_low=[-0.5], ci_high=[0.1])
    made = es.effects(studies, "HR", given_level=0.9)
    truth = ((number(0.1) + 0.5) / (2 * exact.probit((1 + number(0.9)) / 2))) ** 2
    assert exact.relative_error(float(made.v[0]), truth) <= CLOSED


def test_hazard_difference(make_studies: Make) -> None:
    columns = {
        "yi": [-0.02, GAP, 0.01, GAP],
        "estimate": [GAP, 0.03, GAP, GAP],
        "vi": [GAP, GAP, 0.0, 1.0],
        "sei": [0.01, GAP, GAP, GAP],
        "ci_low": [GAP, 0.01, GAP, GAP],
        "ci_high": [GAP, 0.05, GAP, GAP],
    }
    made = es.effects(make_studies(**columns), "HD")
    np.testing.assert_allclose(made.y, [-0.02, 0.03, GAP, GAP], rtol=1e-15)
    np.testing.assert_allclose(made.v, [1e-4, (0.04 / (2 * 1.959963984540054)) ** 2, GAP, GAP], rtol=1e-14)
    assert made.reasons == {2: "standard error is 0", 3: "missing effect"}


@pytest.mark.parametrize("measure", ["HR", "HD"])
def test_a_table_without_an_effect_is_refused(measure: str, make_studies: Make) -> None:
    with pytest.raises(es.DataError, match=f"measure {measure} needs the hazard"):
        es.effects(make_studies(sei=[0.1]), measure)
