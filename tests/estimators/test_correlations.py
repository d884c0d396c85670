"""Hard rows of correlations, regressions, reliabilities and changes get reasons; reported statistics are routes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., es.Studies]

NAN = math.nan
PAIR = {"mean_1": 10.0, "sd_1": 2.0, "mean_2": 9.0, "sd_2": 3.0, "n": 20.0, "r": 0.5}
REGRESSION = {"t_value": 2.0, "n": 30.0, "predictors": 4.0, "r_squared": 0.4}
ALPHA = {"alpha": 0.8, "items": 10.0, "n": 40.0}
HARD: list[tuple[str, dict[str, float], str]] = [
    *((code, {"r": 1.0, "n": 30.0}, "the correlation is 1 or -1") for code in ("COR", "UCOR", "ZCOR")),
    *((code, {"r": -1.0, "n": 30.0}, "the correlation is 1 or -1") for code in ("COR", "UCOR", "ZCOR")),
    ("COR", {"r": 0.3, "n": 1.0}, "too few participants for the variance of a correlation"),
    *(
        (code, {"r": 0.3, "n": 3.0}, "too few participants for the variance of a correlation")
        for code in ("UCOR", "ZCOR")
    ),
    ("ZCOR", {"r": NAN, "n": 30.0}, "missing r"),
    *(
        (code, {**REGRESSION, "n": 5.0}, "too few participants for the number of predictors")
        for code in ("PCOR", "ZPCOR", "SPCOR", "ZSPCOR", "R2", "ZR2", "R2F", "ZR2F")
    ),
    ("ZPCOR", {**REGRESSION, "n": 6.0}, "too few participants for the number of predictors"),
    *(
        (code, {**REGRESSION, "t_value": 9.0}, "the t statistic is larger than R² allows")
        for code in ("SPCOR", "ZSPCOR")
    ),
    *((code, {**REGRESSION, "r_squared": 1.0}, "R² is 1") for code in ("SPCOR", "ZSPCOR", "R2", "ZR2", "R2F", "ZR2F")),
    *((code, {**REGRESSION, "r_squared": 0.0}, "R² is 0") for code in ("R2", "R2F")),
    *((code, {**ALPHA, "alpha": 1.0}, "alpha is 1") for code in ("ARAW", "AHW", "ABT")),
    *((code, {**ALPHA, "items": 1.0}, "an instrument of one item has no alpha") for code in ("ARAW", "AHW", "ABT")),
    *((code, {**ALPHA, "n": 1.0}, "too few participants for the variance of alpha") for code in ("ARAW", "AHW", "ABT")),
    ("MC", {**PAIR, "n": 0.0}, "too few participants for a standard deviation"),
    ("MC", {**PAIR, "sd_1": 0.0, "sd_2": 0.0}, "the SD of the change is 0"),
    ("MC", {**PAIR, "sd_2": 2.0, "r": 1.0}, "the SD of the change is 0"),
    ("SMCC", {**PAIR, "sd_2": 2.0, "r": 1.0}, "the SD of the change is 0"),
    *(
        (code, {**PAIR, "n": 1.0}, "too few participants for a standard deviation")
        for code in ("SMCC", "SMCR", "SMCRH")
    ),
    *(
        (code, {**PAIR, "n": 1.0}, "too few participants for a standard deviation")
        for code in ("SMCRP", "SMCRPH", "VRC")
    ),
    *((code, {**PAIR, "n": 2.0}, "too few participants for the bias correction") for code in ("SMCC", "SMCR", "SMCRP")),
    *((code, {**PAIR, "sd_1": 0.0}, "SD is 0") for code in ("SMCR", "SMCRH", "VRC", "CVRC")),
    *((code, {**PAIR, "sd_1": 0.0, "sd_2": 0.0}, "SD is 0") for code in ("SMCRP", "SMCRPH", "CLESCN", "AUCCN")),
    ("ROMC", {**PAIR, "mean_1": 0.0}, "a mean is 0: there is no ratio"),
    ("ROMC", {**PAIR, "mean_1": -3.0}, "the means have opposite signs: there is no ratio"),
    ("CVRC", {**PAIR, "mean_1": -3.0}, "a mean is not positive: there is no coefficient of variation"),
    ("VRC", {**PAIR, "r": -1.0}, "the correlation is 1 or -1"),
]


@pytest.mark.parametrize(("measure", "row", "reason"), HARD)
def test_a_hard_row_has_a_reason(measure: str, row: dict[str, float], reason: str, make_studies: Make) -> None:
    effects = es.effects(make_studies(**{name: [value] for name, value in row.items()}), measure, settings="metafor")
    assert dict(effects.reasons) == {0: reason}
    assert np.isnan(effects.y).all()


def test_the_smallest_samples_that_do(make_studies: Make) -> None:
    for measure, row in (
        ("COR", {"r": 0.5, "n": 3.0}),
        ("UCOR", {"r": 0.5, "n": 4.0}),
        ("ZCOR", {"r": 0.5, "n": 4.0}),
        ("SMCRP", {**PAIR, "n": 3.0}),
        ("SMCC", {**PAIR, "n": 3.0}),
        ("MC", {**PAIR, "n": 1.0}),
        ("PCOR", {**REGRESSION, "n": 6.0}),
        ("ABT", {**ALPHA, "items": 2.0, "n": 3.0}),
    ):
        effects = es.effects(
            make_studies(**{name: [value] for name, value in row.items()}), measure, settings="metafor"
        )
        assert not effects.reasons, measure
        assert np.isfinite(effects.v).all()


def test_a_mean_change_takes_what_is_known_of_the_change_itself(make_studies: Make) -> None:
    known = {"mean_1": [-2.5], "sd_1": [4.0], "mean_2": [0.0], "sd_2": [0.0], "n": [25.0], "r": [0.0]}
    effects = es.effects(make_studies(**known), "MC", settings="metafor")
    assert (effects.y[0], effects.v[0]) == (-2.5, 16 / 25)
    assert es.effects(make_studies(**known), "SMCC", settings="metafor", smd_correction="none").y[0] == -2.5 / 4


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"r": [0.2, 1.3], "n": [20, 30]}, "a correlation lies between -1 and 1"),
        ({"alpha": [0.2, 1.3], "items": [5, 6], "n": [20, 30]}, "alpha is at most 1"),
        ({"alpha": [0.2, 0.3], "items": [5, 0], "n": [20, 30]}, "at least 1 item"),
        ({"r_squared": [0.2, -0.3], "n": [20, 30], "predictors": [1, 1]}, "R² lies between 0 and 1"),
        ({"r_squared": [0.2, 0.3], "n": [20, 30], "predictors": [1, 0]}, "at least 1 predictor"),
    ],
)
def test_what_no_study_can_have_is_refused(columns: dict[str, list[Any]], said: str) -> None:
    with pytest.raises(es.DataError, match=said) as caught:
        es.load({"study": ["A", "B"], **columns})
    assert "B" in str(caught.value)


def test_a_partial_correlation_that_is_reported_is_a_route(make_studies: Make) -> None:
    t = np.array([2.0, NAN, NAN])
    r = np.array([NAN, 2 / math.sqrt(4 + 25), 1.0])
    studies = make_studies(t_value=t, r=r, n=[30.0] * 3, predictors=[4.0] * 3, r_squared=[0.4] * 3)
    for measure in ("PCOR", "ZPCOR"):
        effects = es.effects(studies, measure, settings="metafor")
        assert effects.y[1] == pytest.approx(effects.y[0], rel=1e-15)
        assert effects.v[1] == pytest.approx(effects.v[0], rel=1e-15)
        assert dict(effects.routes)[1] == "partial r"
        assert effects.reasons[2] == "the correlation is 1 or -1"
    semi = make_studies(
        t_value=[2.0, NAN], r=[NAN, 2 * math.sqrt(0.6 / 25)], n=[30.0] * 2, predictors=[4.0] * 2, r_squared=[0.4] * 2
    )
    for measure in ("SPCOR", "ZSPCOR"):
        effects = es.effects(semi, measure, settings="metafor")
        assert effects.y[1] == pytest.approx(effects.y[0], rel=1e-15)
        assert effects.v[1] == pytest.approx(effects.v[0], rel=1e-14)


def test_the_f_of_a_regression_is_a_route(make_studies: Make) -> None:
    f = (0.4 / 4) / (0.6 / 25)
    studies = make_studies(r_squared=[0.4, NAN], f_value=[NAN, f], n=[30.0] * 2, predictors=[4.0] * 2)
    for measure in ("R2", "ZR2", "R2F", "ZR2F"):
        effects = es.effects(studies, measure, settings="metafor")
        assert effects.y[1] == pytest.approx(effects.y[0], rel=1e-15)
        assert effects.v[1] == pytest.approx(effects.v[0], rel=1e-14)
        assert dict(effects.routes) == {1: "F of a regression"}


def test_published_examples(make_studies: Make) -> None:
    # Bonett (2010), Table 1 as in metafor's dat.bonett2010: alpha .93 of 20 items in 103 people.
    effects = es.effects(make_studies(alpha=[0.93], items=[20.0], n=[103.0]), "ABT", settings="metafor")
    assert round(float(effects.y[0]), 4) == 2.6593
    assert round(float(effects.v[0]), 4) == 0.0208
    # Morris (2008), Table 5, first study, treated group: a mean change of 7.9 over a pretest SD of 15.0.
    effects = es.effects(
        make_studies(mean_1=[38.5], sd_1=[15.0], mean_2=[30.6], n=[20.0], r=[0.47]), "SMCR", settings="metafor"
    )
    assert round(float(effects.y[0]), 4) == 0.5056
    assert round(float(effects.v[0]), 4) == 0.0594
    # Borenstein et al. (2009), Introduction to Meta-Analysis, p. 29-30: 103 and 100, SD of the change 5.5, r = 0.7.
    sd = 5.5 / math.sqrt(2 * (1 - 0.7))
    paired = make_studies(mean_1=[103.0], sd_1=[sd], mean_2=[100.0], n=[50.0], r=[0.7])
    plain = es.effects(paired, "SMCR", settings="metafor", smd_correction="none")
    assert round(float(plain.y[0]), 4) == 0.4225
    corrected = es.effects(paired, "SMCR", settings="metafor", smd_correction="approximate")
    assert round(float(corrected.y[0]), 4) == 0.4160
    # Borenstein et al. (2009), p. 42: r = 0.50 in 100 people is z = 0.5493 with variance 0.0103.
    effects = es.effects(make_studies(r=[0.5], n=[100.0]), "ZCOR", settings="metafor")
    assert round(float(effects.y[0]), 4) == 0.5493
    assert round(float(effects.v[0]), 4) == 0.0103
