"""Printed numbers contradict where no true ones round to them, and nowhere else."""

from __future__ import annotations

import json
import math
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import chi2, norm, t

import evisynth as es
from evisynth.consistency.intervals import bounds_of, p_range
from evisynth.consistency.printed_numbers import read_printed
from evisynth.testing import strategies

if TYPE_CHECKING:
    from collections.abc import Callable

SEEDS = Path(__file__).parents[2] / ".." / "shared" / "reference" / "seed_cases.json"


def printed(value: float, decimals: int, rounding: str = ROUND_HALF_UP) -> str:
    return f"{Decimal(value).quantize(Decimal(1).scaleb(-decimals), rounding=rounding):f}"


def printed_p(p: float) -> str:
    for floor in ("0.00001", "0.0001"):
        if p < float(floor):
            return f"<{floor}"
    return f"{p:.2f}" if p >= 0.01 else f"{Decimal(p).quantize(Decimal(1).scaleb(Decimal(p).adjusted())):f}"


def rules(found: es.Consistency) -> list[tuple[str, str]]:
    return [(finding.rule, finding.severity) for finding in found.findings]


# -- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("0.58", 0.575, 0.585),
        ("0.80", 0.795, 0.805),
        ("0.8", 0.75, 0.85),
        ("7", 6.5, 7.5),
        ("−1.27", -1.275, -1.265),
        ("0,58", 0.575, 0.585),
        ("1,250", 1249.5, 1250.5),
        ("34%", 33.5, 34.5),
        ("1.2e-5", 1.15e-5, 1.25e-5),
        ("3 × 10⁻⁴", 2.5e-4, 3.5e-4),
        ("P = 0.05", 0.045, 0.055),
        ("p < 0.001", -math.inf, 0.001),
        ("P<0.00001", -math.inf, 0.00001),
        ("≥ 0.05", 0.05, math.inf),
    ],
)
def test_a_printed_number_is_all_that_rounds_to_it(text: str, low: float, high: float) -> None:
    number = read_printed(text)
    assert number is not None
    assert (number.low, number.high) == pytest.approx((low, high), rel=1e-9)


@pytest.mark.parametrize("text", ["", "NA", "not reported", "—"])
def test_a_missing_number_is_none(text: str) -> None:
    assert read_printed(text) is None


@pytest.mark.parametrize(
    "text", ["NS", "0.5.8", "abc", "1e999", "9" * 100, "3 × 10^999999", "--1", "0.58 (0.4)", "nan1"]
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(es.DataError, match="is not a number as papers print them"):
        read_printed(text)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        number = read_printed(text)
    except es.DataError:
        return
    assert number is None or number.low <= number.high


def test_numbers_are_given_as_texts() -> None:
    with pytest.raises(es.DataError, match="as its text"):
        es.check_printed(estimate=0.58)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - that is the test


# -- brute force ------------------------------------------------------------------------------------------------------

SCALES: tuple[Literal["log", "linear"], ...] = ("log", "linear")


@strategies.examples(400)
@given(
    st.floats(-3, 3),
    st.floats(0.02, 1.5),
    st.integers(1, 4),
    st.sampled_from(SCALES),
    st.sampled_from([0.9, 0.95, 0.99]),
    st.sampled_from([None, 1, 2, 5, 30]),
    st.sampled_from([ROUND_HALF_UP, ROUND_HALF_EVEN]),
)
def test_what_one_test_gives_is_never_reported(
    effect: float,
    se: float,
    decimals: int,
    scale: Literal["log", "linear"],
    level: float,
    df: int | None,
    rounding: str,
) -> None:
    law = norm if df is None else t(df)
    half = float(law.ppf(0.5 + level / 2)) * se
    assume(half < 50)
    show: Callable[[float], float] = math.exp if scale == "log" else float
    p = float(2 * law.sf(abs(effect / se)))
    found = es.check_printed(
        estimate=printed(show(effect), decimals, rounding),
        ci_low=printed(show(effect - half), decimals, rounding),
        ci_high=printed(show(effect + half), decimals, rounding),
        se=printed(se, decimals, rounding),
        statistic=printed(abs(effect / se), 2, rounding),
        p=printed_p(p),
        scale=scale,
        level=level,
        df=df,
    )
    assert found.findings == ()
    assert found.checked["estimate amid its limits"] == 1


@strategies.examples(200)
@given(st.floats(-5, 5), st.floats(0.05, 2), st.integers(1, 4), st.sampled_from([-1, 1]), st.integers(3, 40))
def test_an_estimate_off_by_more_than_rounding_is_reported(
    effect: float, se: float, decimals: int, sign: int, steps: int
) -> None:
    half = 1.96 * se
    # The middle of the limits and the estimate are each half a unit off at most.
    off = effect + sign * steps * 10.0**-decimals
    found = es.check_printed(
        estimate=printed(off, decimals),
        ci_low=printed(effect - half, decimals),
        ci_high=printed(effect + half, decimals),
        scale="linear",
    )
    assert rules(found) == [("estimate amid its limits", "impossible")]


def test_bounds_are_those_of_all_limits_that_print_so() -> None:
    rng = np.random.default_rng(4)
    results: list[tuple[str, str, str, Literal["log", "linear"]]] = [
        ("0.58", "0.38", "0.87", "log"),
        ("0.8", "0.5", "1.2", "log"),
        ("-0.14", "-0.34", "0.05", "linear"),
        ("0.0", "-0.1", "0.1", "linear"),
        ("2", "1", "3", "linear"),
    ]
    for estimate, low, high, scale in results:
        e, a, b = (read_printed(text) for text in (estimate, low, high))
        assert e is not None
        assert a is not None
        assert b is not None
        take = np.log if scale == "log" else np.asarray
        lower, upper = rng.uniform(a.low, a.high, 400_000), rng.uniform(b.low, b.high, 400_000)
        lower, upper = take(lower), take(upper)
        middle = 0.5 * (lower + upper)
        shown = np.exp(middle) if scale == "log" else middle
        fits = (shown >= e.low) & (shown <= e.high)
        ratio = np.abs((lower + upper) / (upper - lower))[fits]
        least, most = bounds_of(e, a, b, scale).ratio
        assert least <= ratio.min()
        assert ratio.max() <= most
        # A corner is rarely drawn: the sample comes near to it.
        assert (least, most) == pytest.approx((ratio.min(), ratio.max()), abs=0.02 * most)


def test_p_of_another_size_is_reported_and_its_neighbours_are_not() -> None:
    estimate, lower, upper = (read_printed(text) for text in ("0.58", "0.38", "0.87"))
    assert lower is not None
    assert upper is not None
    low, high = p_range(bounds_of(estimate, lower, upper, "log").ratio, 0.95, None)
    assert (low, high) == pytest.approx((0.00776, 0.00979), rel=1e-2)
    for p in ("0.008", "0.009", "0.01", "<0.01", "<0.05"):
        assert es.check_printed(estimate="0.58", ci_low="0.38", ci_high="0.87", p=p, scale="log").findings == ()
    for p in ("0.02", "0.006", "<0.001", ">0.05"):
        assert es.check_printed(estimate="0.58", ci_low="0.38", ci_high="0.87", p=p, scale="log").findings != ()


# -- rules ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"estimate": "0.58", "ci_low": "0.87", "ci_high": "0.38"}, ("limits in order", "impossible")),
        ({"estimate": "0.92", "ci_low": "0.38", "ci_high": "0.87"}, ("estimate amid its limits", "impossible")),
        ({"estimate": "0.70", "ci_low": "0.38", "ci_high": "0.87"}, ("estimate amid its limits", "impossible")),
        (
            {"estimate": "0.62", "ci_low": "0.38", "ci_high": "0.87", "scale": "log"},
            ("estimate amid its limits", "impossible"),
        ),
        ({"ci_low": "-0.9", "ci_high": "-0.1", "scale": "log"}, ("limits in order", "impossible")),
        ({"ci_low": "-2.0", "ci_high": "2.0", "se": "0.5"}, ("SE and limits", "impossible")),
        (
            {"estimate": "1.0", "ci_low": "0.0", "ci_high": "2.0", "statistic": "2.90", "scale": "linear"},
            ("statistic and limits", "impossible"),
        ),
        ({"statistic": "1.96", "p": "0.02"}, ("P and statistic", "impossible")),
        ({"q": "10.71", "q_df": 3, "i2": "62%"}, ("I² and Q", "impossible")),
        ({"q": "2.10", "q_df": 3, "i2": "5%"}, ("I² and Q", "impossible")),
        ({"q": "10.71", "q_df": 3, "q_p": "0.02"}, ("P and Q", "impossible")),
    ],
)
def test_each_rule_reports(words: dict[str, Any], expected: tuple[str, str]) -> None:
    found = es.check_printed(**words)
    assert rules(found) == [expected]
    assert found.findings[0].reasoning
    assert found.findings[0].reference


@pytest.mark.parametrize(
    "words",
    [
        {"estimate": "0.58", "ci_low": "0.38", "ci_high": "0.87"},
        {"ci_low": "-2.0", "ci_high": "2.0", "se": "1.0"},
        {"statistic": "1.96", "p": "0.05"},
        {"statistic": "-1.96", "p": "0.05"},
        {"statistic": "2.57", "p": "0.05", "df": 5},
        {"q": "10.71", "q_df": 3, "i2": "72%", "q_p": "0.01"},
        {"q": "10.71", "q_df": 3, "i2": "0.72"},
        {"q": "2.10", "q_df": 3, "i2": "0%", "q_p": "0.55"},
        {"estimate": "0.00", "ci_low": "0.00", "ci_high": "0.00", "p": "<0.001"},
        {"estimate": "1.00", "ci_low": "1.00", "ci_high": "1.00", "p": "0.60"},
        {"estimate": "0.02", "ci_low": "0.00", "ci_high": "0.34", "p": "0.006", "scale": "log"},
    ],
)
def test_what_fits_is_not_reported(words: dict[str, Any]) -> None:
    assert es.check_printed(**words).findings == ()


def test_students_t_is_told_from_a_contradiction() -> None:
    # Normal limits of these belong to P < 0.0001; with 2 degrees of freedom P is about 0.01.
    estimate, se, df = 1.0, 0.1, 2
    half = float(t(df).ppf(0.975)) * se
    words: dict[str, Any] = {
        "estimate": printed(estimate, 2),
        "ci_low": printed(estimate - half, 2),
        "ci_high": printed(estimate + half, 2),
        "p": printed_p(float(2 * t(df).sf(estimate / se))),
        "scale": "linear",
    }
    assert es.check_printed(**words, df=df).findings == ()
    found = es.check_printed(**words)
    assert rules(found) == [("P and limits", "suspicious")]
    assert "Student's t would give both with 2 degrees of freedom" in found.findings[0].reasoning
    words["p"] = "0.40"
    assert rules(es.check_printed(**words)) == [("P and limits", "impossible")]


def test_a_p_of_the_wrong_test_is_named() -> None:
    found = es.check_printed(
        estimate="0.58", ci_low="0.38", ci_high="0.87", p="0.53", q="4.11", q_df=5, i2="0%", scale="log"
    )
    assert rules(found) == [("P of the test named", "impossible")]
    assert "it is that of heterogeneity (Chi² 4.11, df 5, I² 0%), not of the effect" in found.findings[0].message
    back = es.check_printed(
        estimate="0.58", ci_low="0.38", ci_high="0.87", q_p="0.009", q="4.11", q_df=5, i2="0%", scale="log"
    )
    assert rules(back) == [("P of the test named", "impossible")]
    assert "it is that of the effect" in back.findings[0].message


def test_a_p_can_be_of_either_test_or_none() -> None:
    numbers: dict[str, Any] = {"estimate": "0.58", "ci_low": "0.38", "ci_high": "0.87", "q": "4.11", "q_df": 5}
    assert es.which_test("0.009", **numbers) == ("effect",)
    assert es.which_test("0.53", **numbers) == ("heterogeneity",)
    assert es.which_test("0.20", **numbers) == ()
    assert es.which_test("<1", **numbers) == ("effect", "heterogeneity")


@strategies.examples(200)
@given(st.floats(0, 60), st.integers(1, 30), st.integers(0, 2))
def test_what_q_gives_is_never_reported(q: float, df: int, decimals: int) -> None:
    i2 = 100 * max(0.0, 1 - df / q) if q > 0 else 0.0
    found = es.check_printed(
        q=printed(q, 2), q_df=df, i2=f"{printed(i2, decimals)}%", q_p=printed_p(float(chi2.sf(q, df)))
    )
    assert found.findings == ()


@pytest.mark.parametrize("words", [{"scale": "square"}, {"level": 95}, {"df": 0}])
def test_words_out_of_range_are_refused(words: dict[str, Any]) -> None:
    with pytest.raises(es.SettingsError):
        es.check_printed(estimate="1", ci_low="0", ci_high="2", **words)


# -- the founding reviews ---------------------------------------------------------------------------------------------


@pytest.mark.skipif(not SEEDS.exists(), reason="the shared reference data are not here")
def test_the_founding_reviews_print_p_of_different_tests() -> None:
    told: dict[str, set[tuple[str, ...]]] = {"p_effect": set(), "p_het": set()}
    seen = 0
    for case in json.loads(SEEDS.read_text(encoding="utf-8")):
        shown = case["published"]
        label = next((name for name in told if name in shown), None)
        if label is None or "estimate" not in shown:
            continue
        seen += 1
        p = f"{shown[label]:.2f}" if shown[label] >= 0.01 else str(shown[label])
        words: dict[str, Any] = {name: f"{shown[name]:.2f}" for name in ("estimate", "ci_low", "ci_high")}
        words |= {"i2": f"{shown['i2']}%", "k": shown.get("k"), "scale": "log" if case["measure"] == "RR" else "linear"}
        told[label].add(es.which_test(p, **words))
        # As what it is, each P fits; as the effect's, those of heterogeneity are found out.
        labelled: dict[str, Any] = words | {"p" if label == "p_effect" else "q_p": p}
        assert es.check_printed(**labelled).findings == (), case["id"]
        if label == "p_het":
            assert rules(es.check_printed(**words, p=p)) == [("P of the test named", "impossible")], case["id"]
    assert seen == 27
    assert told["p_het"] == {("heterogeneity",)}
    assert all("effect" in tests for tests in told["p_effect"])
