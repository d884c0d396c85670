"""Transformations agree with 50 digits, undo each other, stand in for what is impossible, and refuse it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import evisynth as es
from evisynth_validation.mpmath.exact import exact, nearest
from evisynth_validation.mpmath.transformation_rows import ROWS, TAKING_PART
from evisynth_validation.mpmath.transformations import VALUES

CLOSED = 1e-13
STEP = exact(2) ** -80
REGISTRY = es.default_registry()


def test_every_transformation_is_compared() -> None:
    assert ROWS.keys() == VALUES.keys()


@pytest.mark.parametrize("name", VALUES)
def test_agrees_with_50_digits(name: str) -> None:
    record = REGISTRY.get(es.Conversion, name)
    rows = ROWS[name]
    sources = record.sources[: TAKING_PART.get(name, len(record.sources))]
    columns = dict(zip(sources, np.array(rows).T, strict=True))
    found = es.convert(name, **columns)[record.targets[0]]
    for value, row in zip(found.tolist(), rows, strict=True):
        point = [exact(x) for x in row]
        truth = VALUES[name](*point)
        grows = exact(0)
        for i, x in enumerate(point):
            if x > 0 or x < 0:
                # Towards 0, to stay within the range of what is transformed.
                moved = VALUES[name](*point[:i], x * (1 - STEP), *point[i + 1 :])
                grows = grows + abs(moved - truth) / STEP
        size = abs(nearest(truth))
        # An integral is compared as one that iterates.
        allowed = 1e-12 if name in {"logit-to-mean-proportion", "z-to-mean-r"} else CLOSED
        assert abs(value - nearest(truth)) <= allowed * max(size, nearest(grows)), (row, value, nearest(truth))


@pytest.mark.parametrize(
    ("there", "back", "values"),
    [
        ("r-to-z", "z-to-r", (-0.9, 0.0, 0.3)),
        ("r-squared-to-z", "z-to-r-squared", (0.0, 0.3, 0.9)),
        ("alpha-to-bonett", "bonett-to-alpha", (0.0, 0.7, 0.95)),
        ("alpha-to-hakstian-whalen", "hakstian-whalen-to-alpha", (0.0, 0.7, 0.95)),
        ("proportion-to-logit", "logit-to-proportion", (0.01, 0.5, 0.9)),
        ("proportion-to-probit", "probit-to-proportion", (0.01, 0.5, 0.9)),
        ("proportion-to-arcsine", "arcsine-to-proportion", (0.0, 0.5, 1.0)),
        ("rate-to-square-root", "square-root-to-rate", (0.0, 0.5, 12.0)),
        ("smd-to-cles", "cles-to-smd", (-1.0, 0.0, 0.8)),
        ("smd-to-r", "r-to-smd", (-1.0, 0.0, 0.8)),
    ],
)
def test_there_and_back(there: str, back: str, values: tuple[float, ...]) -> None:
    one, other = REGISTRY.get(es.Conversion, there), REGISTRY.get(es.Conversion, back)
    given: dict[str, Any] = {one.sources[0]: values}
    made: dict[str, Any] = {other.sources[0]: es.convert(there, **given)[one.targets[0]]}
    assert es.convert(back, **made)[other.targets[0]] == pytest.approx(values, rel=1e-13, abs=1e-15)


@pytest.mark.parametrize(("name", "size"), [("freeman-tukey", "n"), ("freeman-tukey", "time")])
def test_freeman_and_tukey_there_and_back(name: str, size: str) -> None:
    what = "proportion" if size == "n" else "rate"
    values, sizes = [0.0, 0.1, 0.5, 0.9, 1.0], [10.0, 20.0, 7.0, 30.0, 12.0]
    there: dict[str, Any] = {what: values, size: sizes}
    made = es.convert(f"{what}-to-{name}", **there)["freeman_tukey"]
    back: dict[str, Any] = {"freeman_tukey": made, size: sizes}
    again = es.convert(f"{name}-to-{what}", **back)[what]
    assert again == pytest.approx(values, rel=1e-12, abs=1e-15)


def test_what_no_statistic_can_be_stands_for_the_nearer_end() -> None:
    cases = {
        "arcsine-to-proportion": ("arcsine", [-0.1, 2.0], [0.0, 1.0]),
        "square-root-to-rate": ("square_root", [-0.1], [0.0]),
        "bonett-to-alpha": ("bonett", [-0.1], [0.0]),
        "hakstian-whalen-to-alpha": ("hakstian_whalen", [-0.1, 1.2], [0.0, 1.0]),
        "z-to-r-squared": ("z", [-0.5], [0.0]),
    }
    for name, (source, given, expected) in cases.items():
        columns: dict[str, Any] = {source: given}
        (found,) = es.convert(name, **columns).values()
        assert found.tolist() == expected, name
    low = es.convert("freeman-tukey-to-proportion", freeman_tukey=[0.01, 1.57], n=10)["proportion"]
    assert low.tolist() == [0.0, 1.0]
    assert es.convert("freeman-tukey-to-rate", freeman_tukey=0.01, time=10)["rate"].tolist() == [0.0]


def test_ends_of_scales_are_infinite_without_a_warning() -> None:
    assert es.convert("r-to-z", r=[1, -1])["z"].tolist() == [math.inf, -math.inf]
    assert es.convert("proportion-to-logit", proportion=[0, 1])["logit"].tolist() == [-math.inf, math.inf]
    assert es.convert("proportion-to-probit", proportion=[0, 1])["probit"].tolist() == [-math.inf, math.inf]
    assert es.convert("alpha-to-bonett", alpha=1)["bonett"].tolist() == [math.inf]
    assert es.convert("r-to-smd", r=[1, -1])["smd"].tolist() == [math.inf, -math.inf]


@pytest.mark.parametrize(
    ("name", "columns", "said"),
    [
        ("r-to-z", {"r": [0.2, 1.2]}, "row 2"),
        ("r-squared-to-z", {"r_squared": -0.1}, "between 0 and 1"),
        ("alpha-to-bonett", {"alpha": 1.1}, "at most 1"),
        ("proportion-to-logit", {"proportion": 1.1}, "between 0 and 1"),
        ("proportion-to-freeman-tukey", {"proportion": 0.5, "n": 0}, "more than 0"),
        ("rate-to-square-root", {"rate": -1}, "at least 0"),
        ("cles-to-smd", {"cles": 1.5}, "between 0 and 1"),
        ("log-or-to-smd-normal", {"log_or": 1, "log_or_se": -0.1}, "log_or_se"),
        ("logit-to-mean-proportion", {"logit": 0, "tau2": 200}, "between 0 and 100"),
        ("risk-from-or", {"odds_ratio": 0.7, "baseline_risk": 1.2}, "baseline_risk"),
        ("risk-from-rr", {"risk_ratio": 2.0, "baseline_risk": 0.8}, "above 1"),
        ("nnt-from-rr", {"risk_ratio": -2.0, "baseline_risk": 0.8}, "risk_ratio"),
        ("nnt-from-rd", {"risk_difference": 1.5}, "between -1 and 1"),
    ],
)
def test_refuses_what_cannot_be(name: str, columns: dict[str, Any], said: str) -> None:
    with pytest.raises(es.DataError, match=said):
        es.convert(name, **columns)


def test_published_examples() -> None:
    # Cohen (1988), Table 2.2.1: d = 0.8 has U₁ 47.4 %, U₂ 65.5 %, U₃ 78.8 %; eq. 2.2.6: r = .371.
    found = {
        name: 100 * float(next(iter(es.convert(name, smd=0.8).values()))[0])
        for name in ("smd-to-u1", "smd-to-u2", "smd-to-u3", "smd-to-r")
    }
    assert {name: round(value, 1) for name, value in found.items()} == {
        "smd-to-u1": 47.4,
        "smd-to-u2": 65.5,
        "smd-to-u3": 78.8,
        "smd-to-r": 37.1,
    }
    # McGraw & Wong (1992): men are taller than women with probability .92, for means 69.7 and 64.3, SDs 2.8 and 2.6.
    d = (69.7 - 64.3) / math.sqrt((2.8**2 + 2.6**2) / 2)
    assert round(float(es.convert("smd-to-cles", smd=d)["cles"][0]), 2) == 0.92
    # Rosenthal & Rubin (1982): r = .32 is a success rate of 66 % instead of 34 %.
    d = float(es.convert("r-to-smd", r=0.32)["smd"][0])
    assert round(float(es.convert("smd-to-besd", smd=d)["besd"][0]), 2) == 0.66
    # Zhang & Yu (1998): at a baseline risk of 0.1 an odds ratio of 2.5 is a risk ratio of 2.17.
    assert round(float(es.convert("log-or-to-rr", log_or=math.log(2.5), baseline_risk=0.1)["risk_ratio"][0]), 2) == 2.17
    # Cochrane Handbook 15.4.4.1: a risk ratio of 0.92 at a baseline risk of 0.3 prevents one case in 42 (41.7).
    assert round(float(es.convert("nnt-from-rr", risk_ratio=0.92, baseline_risk=0.3)["nnt"][0]), 1) == 41.7
    # Cochrane Handbook 15.4.4.3: an odds ratio of 0.73 at a baseline risk of 0.3 gives an NNT of 17
    # (16.2, rounded up).
    nnt = es.convert("nnt-from-or", odds_ratio=0.73, baseline_risk=0.3)["nnt"][0]
    assert es.number_needed_text(float(nnt)) == "NNTB 17"
    assert 16 < nnt < 17


def test_numbers_needed_in_words() -> None:
    # Altman (1998): a difference of 10 % from -5 % to 25 % is NNTB 10, from NNTB 4 to ∞ to NNTH 20.
    made = es.convert("nnt-from-rd", risk_difference=-0.1, risk_difference_low=-0.25, risk_difference_high=0.05)
    nnt, low, high, through = (float(column[0]) for column in made.values())
    assert (nnt, low, high, through) == (10.0, 4.0, -20.0, 1.0)
    assert es.number_needed_text(nnt, low, high) == "NNTB 10 (NNTB 4 to ∞ to NNTH 20)"
    assert es.number_needed_text(-7.2, -50.0, -3.9) == "NNTH 8 (NNTH 4 to NNTH 50)"
    assert es.number_needed_text(20.0, 10.0, math.inf) == "NNTB 20 (NNTB 10 to ∞)"
    assert es.number_needed_text(-20.0, math.inf, -10.0) == "NNTH 20 (NNTH 10 to ∞)"
    assert es.number_needed_text(12.34, digits=1) == "NNTB 12.4"
    assert es.number_needed_text(math.inf) == "∞"
    assert es.number_needed_text(math.nan) == ""


def test_no_difference_is_an_infinite_number() -> None:
    for made in (
        es.convert("nnt-from-rd", risk_difference=0.0),
        es.convert("nnt-from-rr", risk_ratio=1.0, baseline_risk=0.3),
        es.convert("nnt-from-or", odds_ratio=1.0, baseline_risk=0.3),
        es.convert("nnt-from-or", odds_ratio=2.0, baseline_risk=0.0),
    ):
        assert made["nnt"].tolist() == [math.inf]
    limits = es.convert("nnt-from-rr", risk_ratio=1.0, baseline_risk=0.6, risk_ratio_low=0.5, risk_ratio_high=3.0)
    assert limits["nnt_high"].tolist() == pytest.approx([-1 / 0.4])


def test_risks_at_the_limits() -> None:
    made = es.convert("risk-from-or", odds_ratio=0.5, baseline_risk=0.2, odds_ratio_low=0.25, odds_ratio_high=1.0)
    assert {name: round(float(column[0]), 6) for name, column in made.items()} == {
        "risk": round(0.1 / 0.9, 6),
        "risk_low": round(0.05 / 0.85, 6),
        "risk_high": 0.2,
    }
    assert np.isnan(es.convert("risk-from-rr", risk_ratio=0.5, baseline_risk=0.2)["risk_low"]).all()
    assert es.convert("risk-from-rr", risk_ratio=1.1, baseline_risk=0.8, risk_ratio_high=2.0)["risk_high"] == [1.0]
