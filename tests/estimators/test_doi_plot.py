"""The LFK index: against metasens, exact arithmetic, and data that leave no answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Mapping

LEANING = es.Effects(
    [0.10, 0.15, 0.22, 0.35, 0.31, 0.48, 0.62, 0.80, 0.95, 1.30],
    [0.010, 0.012, 0.020, 0.030, 0.040, 0.080, 0.120, 0.200, 0.260, 0.400],
)
TIED = es.Effects([0.1, 0.4, 0.4, 0.4, 0.9, 1.2], [0.2, 0.01, 0.05, 0.3, 0.1, 0.04])


def test_it_agrees_with_lfkindex(r_cases: Mapping[str, Any]) -> None:
    compared = 0
    for case in r_cases["cases"]:
        if case["group"] != "metasens" or case["fn"] != "lfkindex":
            continue
        inputs, expected = r_cases["inputs"][case["inputs"]["ref"]], case["outputs"]
        effects = es.Effects(np.array(inputs["yi"], dtype=float), np.array(inputs["vi"], dtype=float))
        analysis = es.fit(effects, settings="metafor", tau2="DL")
        made = es.bias(analysis, "LFK", percentile="metasens")
        assert made.statistic == pytest.approx(expected["lfkindex"][0], rel=1e-12), case["id"]
        assert [row["z"] for row in made.table] == pytest.approx(expected["zscore"], rel=1e-9, abs=1e-12)
        assert made.variant.endswith(expected["interpretation"][0])
        # Half a participant of thousands is not much, nor is the order of equal effects.
        assert es.bias(analysis, "LFK").statistic == pytest.approx(made.statistic, abs=0.05)
        compared += 1
    assert compared == 4


@pytest.mark.parametrize("effects", [LEANING, TIED])
def test_it_is_exact(effects: es.Effects) -> None:
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(50):
        y: list[Any] = [mpmath.mpf(float(one)) for one in effects.y]
        v: list[Any] = [mpmath.mpf(float(one)) for one in effects.v]
        size: list[Any] = [100 * max(v) / one for one in v]
        z: list[Any] = []
        for one in y:
            below = sum(n for n, other in zip(size, y, strict=True) if other < one)
            own = sum(n for n, other in zip(size, y, strict=True) if other == one)
            share = (below + own / 2) / sum(size)
            z.append(mpmath.sqrt(2) * mpmath.erfinv(2 * share - 1))
        tip = min(zip(z, y, strict=True), key=lambda pair: abs(pair[0]))[1]
        unit = (max(z) - min(z)) / (max(y) - min(y))
        terms = [q + (one - tip) * unit for q, one in zip(z, y, strict=True)]
        exact = mpmath.mpf("2.5") * sum(terms) / len(y)
        made = es.bias(es.fit(effects, settings="metafor"), "LFK")
        assert made.statistic is not None
        assert abs(made.statistic - exact) <= 1e-13 * abs(exact)
    assert made.p_value is None


def test_sign_and_order_do_not_matter_with_ties() -> None:
    one = es.bias(es.fit(TIED, settings="metafor"), "LFK").statistic
    assert one is not None
    turned = es.Effects(-TIED.y[::-1], TIED.v[::-1])
    assert es.bias(es.fit(turned, settings="metafor"), "LFK").statistic == pytest.approx(-one, rel=1e-13)
    order = [3, 0, 2, 5, 1, 4]
    assert es.bias(es.fit(TIED.take(order), settings="metafor"), "LFK").statistic == pytest.approx(one, rel=1e-13)


def test_equal_precisions_of_mirrored_effects_have_none() -> None:
    for y in ([-1.0, -0.5, 0.5, 1.0], [-1.0, 0.0, 1.0]):
        made = es.bias(es.fit(es.Effects(y, [0.04] * len(y)), settings="metafor"), "LFK")
        assert made.statistic == pytest.approx(0.0, abs=1e-14)
        assert made.variant.endswith("no asymmetry")


@pytest.mark.parametrize(
    ("effects", "says"),
    [
        (es.Effects([], []), "at least 3 studies, and here are 0"),
        (LEANING.take([0]), "at least 3 studies, and here are 1"),
        (LEANING.take([0, 1]), "at least 3 studies, and here are 2"),
        (es.Effects([0.25] * 5, [0.01, 0.04, 0.09, 0.16, 0.25]), "all effects are equal"),
    ],
)
def test_data_that_leave_no_answer_get_a_reason(effects: es.Effects, says: str) -> None:
    made = es.bias(es.fit(effects, settings="metafor"), "LFK")
    assert made.statistic is None
    assert made.reason is not None
    assert says in made.reason


def test_a_meta_regression_has_no_doi_plot() -> None:
    made = es.bias(es.fit(LEANING, settings="metafor", moderators={"x": list(range(10))}), "LFK")
    assert made.reason is not None
    assert "not for a meta-regression" in made.reason


def test_another_percentile_is_refused() -> None:
    with pytest.raises(es.SettingsError, match="percentile of LFK is one of 'middle', 'metasens', not 'low'"):
        es.bias(es.fit(LEANING), "LFK", percentile="low")
