"""2×2 tables from printed statistics: the examples of the sources, and tables that come back from their statistics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import evisynth as es

NAMES = ("events_1", "nonevents_1", "events_2", "nonevents_2")


def cells(name: str, **columns: Any) -> list[float]:  # noqa: ANN401 - a number or a column
    made = es.convert(name, **columns)
    return [float(made[key][0]) for key in NAMES]


# The examples of metafor's page of conv.2x2, whose statistics are rounded to two decimals.


def test_the_table_of_the_manual_comes_back_from_three_statistics() -> None:
    table, margins = [36, 86, 20, 98], {"events": 56, "n_1": 122, "n_2": 118}
    assert cells("or-to-2x2", estimate=2.05, **margins) == table
    assert cells("phi-to-2x2", r=0.15, **margins) == table
    assert cells("chi2-to-2x2", chi2=4.61, direction=1, **margins) == table


def test_ten_times_the_table_is_a_little_off_where_phi_is_rounded() -> None:
    margins = {"events": 560, "n_1": 1220, "n_2": 1180}
    assert cells("or-to-2x2", estimate=2.05, **margins) == [360, 860, 200, 980]
    assert cells("phi-to-2x2", r=0.15, **margins) == [361, 859, 199, 981]


def test_a_wrong_margin_gives_another_table_or_none() -> None:
    assert cells("phi-to-2x2", r=0.54, events=248, n_1=200, n_2=200) == [176, 24, 72, 128]
    assert cells("phi-to-2x2", r=0.54, events=200, n_1=200, n_2=200) == [154, 46, 46, 154]
    assert np.isnan(cells("phi-to-2x2", r=0.54, events=50, n_1=200, n_2=200)).all()


def test_chi_squared_has_no_sign_of_its_own() -> None:
    given = {"events": 100, "n_1": 100, "n_2": 100, "chi2": 7.22}
    assert cells("chi2-to-2x2", direction=-1, **given) == [40, 60, 60, 40]
    assert cells("chi2-to-2x2", direction=1, **given) == [60, 40, 40, 60]


def test_chi_squared_with_and_without_the_correction() -> None:
    # The table 28, 14, 12, 18: χ² 4.05 with Yates's correction and 5.08 without.
    given = {"direction": 1, "events": 40, "n_1": 42, "n_2": 30}
    n, determinant, product = 72, 28 * 18 - 14 * 12, 42 * 30 * 40 * 32
    corrected = round(n * (abs(determinant) - n / 2) ** 2 / product, 2)
    plain = round(n * determinant**2 / product, 2)
    assert cells("chi2-to-2x2", chi2=corrected, **given) == [28, 14, 12, 18]
    assert cells("chi2-to-2x2", chi2=plain, corrected=0, **given) == [28, 14, 12, 18]
    # The p-value leads there through its χ².
    p = float(es.normal_p_value(np.sqrt(corrected))[0])
    chi2 = es.convert("p-to-chi2", p_value=round(p, 2))["chi2"]
    assert cells("chi2-to-2x2", chi2=chi2, **given) == [28, 14, 12, 18]
    assert np.isnan(cells("chi2-to-2x2", chi2=0, **given)).all()
    assert cells("chi2-to-2x2", chi2=0, corrected=0, **given)[0] == np.rint(42 * 40 / 72)


def _tables(count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    rng = np.random.default_rng(20060713)
    n_1, n_2 = rng.integers(5, 400, count), rng.integers(5, 400, count)
    a, c = rng.binomial(n_1, rng.uniform(0.05, 0.6, count)), rng.binomial(n_2, rng.uniform(0.05, 0.6, count))
    keep = (a > 0) & (a < n_1) & (c > 0) & (c < n_2)
    return np.array([a, n_1 - a, c, n_2 - c], dtype=float)[:, keep]


def test_tables_come_back_from_unrounded_statistics() -> None:
    a, b, c, d = _tables(3000)
    n_1, n_2, events = a + b, c + d, a + c
    n = n_1 + n_2
    margins = {"events": events, "n_1": n_1, "n_2": n_2}
    product = n_1 * n_2 * events * (n - events)
    determinant = a * d - b * c
    size = np.abs(determinant) - n / 2
    direction = np.where(determinant < 0, -1, 1)
    plain = {"chi2": n * determinant**2 / product, "corrected": 0}
    yates = {"chi2": n * np.maximum(size, 0) ** 2 / product}
    checks: list[tuple[str, dict[str, Any], Any]] = [
        ("or-to-2x2", {"estimate": a * d / (b * c)}, True),
        ("phi-to-2x2", {"r": determinant / np.sqrt(product)}, True),
        ("chi2-to-2x2", {**plain, "direction": direction}, True),
        # Where the correction took all of the difference, several tables have the χ² of 0.
        ("chi2-to-2x2", {**yates, "direction": direction}, size > 0),
    ]
    for name, given, wanted in checks:
        made = es.convert(name, **given, **margins)
        same = np.all([made[key] == cell for key, cell in zip(NAMES, (a, b, c, d), strict=True)], axis=0)
        assert same[np.broadcast_to(wanted, same.shape)].all(), name
        assert np.broadcast_to(wanted, same.shape).sum() > 1500, name


def test_tables_come_back_from_ratios_with_intervals() -> None:
    a, b, c, d = _tables(3000)
    n_1, n_2 = a + b, c + d
    z = 1.959963984540054
    ratio, half = a * d / (b * c), z * np.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
    given = {
        "estimate": ratio,
        "ci_low": ratio * np.exp(-half),
        "ci_high": ratio * np.exp(half),
        "n_1": n_1,
        "n_2": n_2,
    }
    found = np.zeros(a.shape, dtype=bool)
    for name in ("or-ci-to-2x2-rare", "or-ci-to-2x2-common"):
        made = es.convert(name, **given)
        found |= np.all([made[key] == cell for key, cell in zip(NAMES, (a, b, c, d), strict=True)], axis=0)
    # Where the two solutions lie on one another the discriminant is rounding, and may be below 0.
    assert found.mean() > 0.995
    ratio, half = (a / n_1) / (c / n_2), z * np.sqrt(1 / a - 1 / n_1 + 1 / c - 1 / n_2)
    given |= {"estimate": ratio, "ci_low": ratio * np.exp(-half), "ci_high": ratio * np.exp(half)}
    made = es.convert("rr-ci-to-2x2", **given)
    assert np.all([made[key] == cell for key, cell in zip(NAMES, (a, b, c, d), strict=True)])


def test_the_trial_of_aronson_from_its_printed_ratios() -> None:
    # Colditz and others (1994), JAMA 271:698: 4/123 and 11/139; risk ratio 0.41 (0.13 to 1.26), odds ratio 0.39
    # (0.12 to 1.26).
    table = [4, 119, 11, 128]
    assert cells("rr-ci-to-2x2", estimate=0.411, ci_low=0.134, ci_high=1.257, n_1=123, n_2=139) == table
    assert cells("or-ci-to-2x2-rare", estimate=0.391, ci_low=0.121, ci_high=1.262, n_1=123, n_2=139) == table
    assert cells("or-to-2x2", estimate=0.39, events=15, n_1=123, n_2=139) == table


def test_ratios_that_no_table_has() -> None:
    # An interval narrower than that of any table of this size, and a risk above 1.
    assert np.isnan(cells("or-ci-to-2x2-rare", estimate=2, ci_low=1.9, ci_high=2.1, n_1=20, n_2=20)).all()
    assert np.isnan(cells("rr-ci-to-2x2", estimate=2, ci_low=1.99, ci_high=2.01, n_1=20, n_2=20)).all()


def test_percentages_with_the_counts_that_print_the_same() -> None:
    # 36 of 122 and 20 of 118 are 29.5 % and 16.9 %.
    made = es.convert(
        "percent-to-events",
        percent=[29.5, 16.9, 33, 30, 0, 100],
        n=[122, 118, 1000, 7, 9, 9],
        decimals=[1, 1, 0, 0, 0, 0],
    )
    assert made["events"] == pytest.approx([36, 20, 330, np.nan, 0, 9], nan_ok=True)
    assert made["events_min"] == pytest.approx([36, 20, 325, np.nan, 0, 9], nan_ok=True)
    assert made["events_max"] == pytest.approx([36, 20, 335, np.nan, 0, 9], nan_ok=True)


def test_margins_of_nobody_or_everybody_give_the_only_table() -> None:
    assert cells("phi-to-2x2", r=0.0, events=0, n_1=20, n_2=30) == [0, 20, 0, 30]
    assert cells("or-to-2x2", estimate=1.0, events=50, n_1=20, n_2=30) == [20, 0, 30, 0]
    assert cells("or-to-2x2", estimate=1.0, events=25, n_1=20, n_2=30) == [10, 10, 15, 15]
    with pytest.raises(es.DataError, match="row 1 column events: more events than participants"):
        es.convert("or-to-2x2", estimate=1, events=51, n_1=20, n_2=30)
