"""Rows of a table take the way to the effect that their columns allow, and the result says which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
import pytest
from scipy.special import stdtr

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Mapping

mp: Any = mpmath  # it has no types

ARMS: Mapping[str, tuple[float, ...]] = {
    "mean_1": (12.0, 3.5, 7.25, 101.0),
    "sd_1": (4.0, 1.25, 2.0, 15.0),
    "n_1": (30.0, 12.0, 85.0, 8.0),
    "mean_2": (14.0, 3.0, 7.0, 93.0),
    "sd_2": (5.0, 1.5, 2.5, 12.0),
    "n_2": (28.0, 15.0, 80.0, 9.0),
}


def table(**columns: Any) -> es.Studies:  # noqa: ANN401 - columns of any kind
    names = [f"Trial {i + 1}" for i in range(len(next(iter(columns.values()))))]
    studies: es.Studies = es.load({"study": names, **columns})
    return studies


def t_of_arms() -> tuple[np.ndarray, np.ndarray]:
    m1, s1, n1, m2, s2, n2 = (np.array(ARMS[name]) for name in ("mean_1", "sd_1", "n_1", "mean_2", "sd_2", "n_2"))
    df = n1 + n2 - 2
    pooled = np.sqrt(((n1 - 1) * s1**2 + (n2 - 1) * s2**2) / df)
    return (m1 - m2) / (pooled * np.sqrt(1 / n1 + 1 / n2)), df


def statistic(route: str) -> dict[str, Any]:
    t, df = t_of_arms()
    n = {"n_1": ARMS["n_1"], "n_2": ARMS["n_2"]}
    sign = np.sign(t)
    return {
        "d": {"smd": t * np.sqrt(1 / np.array(ARMS["n_1"]) + 1 / np.array(ARMS["n_2"])), **n},
        "t test": {"t_value": t, **n},
        "F test": {"f_value": t * t, "direction": sign, **n},
        "p of a t test": {"p_value": 2 * stdtr(df, -np.abs(t)), "direction": sign, **n},
    }[route]


@pytest.mark.parametrize("vtype", [None, "LS", "UB"])
@pytest.mark.parametrize("preset", ["revman5", "metafor"])
@pytest.mark.parametrize("route", ["d", "t test", "F test", "p of a t test"])
def test_a_test_of_two_means_says_what_the_means_say(route: str, preset: str, vtype: str | None) -> None:
    own = es.effects(table(**ARMS), "SMD", settings=preset, vtype=vtype)
    other = es.effects(table(**statistic(route)), "SMD", settings=preset, vtype=vtype)
    assert set(other.routes.values()) == {route}
    np.testing.assert_allclose(other.y, own.y, rtol=5e-14)
    np.testing.assert_allclose(other.v, own.v, rtol=5e-14)


def test_every_way_stands_in_one_table() -> None:
    columns: dict[str, Any] = {name: [*values[:1], None, None, None, None] for name, values in ARMS.items()}
    t, _ = t_of_arms()
    columns["n_1"] = [30.0, 12.0, 85.0, None, None]
    columns["n_2"] = [28.0, 15.0, 80.0, None, None]
    columns |= {
        "t_value": [None, t[1], None, None, None],
        "smd": [None, None, 0.1, None, None],
        "estimate": [None, None, None, 0.4, None],
        "ci_low": [None, None, None, 0.1, None],
        "ci_high": [None, None, None, 0.7, None],
    }
    analysis = es.fit(table(**columns), "SMD", settings="metafor")
    assert [study.route for study in analysis.studies] == [
        "own columns",
        "t test",
        "d",
        "estimate with interval",
        None,
    ]
    assert analysis.studies[1].formula == "d = t √(1/n₁ + 1/n₂)"
    assert analysis.studies[4].reason == "missing mean_1"
    assert analysis.k == 4
    assert any("Borenstein" in reference for reference in analysis.references)
    document = analysis.to_dict()
    assert document["studies"][3]["route"] == "estimate with interval"
    assert "Trial 4: estimate with interval" in str(analysis)


def test_a_row_that_has_the_measures_own_columns_takes_them() -> None:
    effects = es.effects(
        table(**ARMS, t_value=[9.0] * 4, estimate=[9.0] * 4, ci_low=[8.0] * 4, ci_high=[10.0] * 4), "SMD"
    )
    assert not effects.routes
    assert np.abs(effects.y).max() < 1


@pytest.mark.parametrize(
    ("columns", "route", "y", "v"),
    [
        ({"estimate": [0.5], "ci_low": [0.25], "ci_high": [1.0]}, "estimate with interval", mp.log(0.5), None),
        ({"yi": [-0.7], "sei": [0.3]}, "effect with standard error", mp.mpf(-0.7), mp.mpf(0.3) ** 2),
        ({"yi": [-0.7], "vi": [0.3]}, "effect with variance", mp.mpf(-0.7), mp.mpf(0.3)),
        ({"estimate": [0.5], "z_value": [-2.0]}, "estimate with z", mp.log(0.5), (mp.log(0.5) / 2) ** 2),
    ],
)
def test_reported_effects_of_a_ratio(columns: dict[str, Any], route: str, y: Any, v: Any) -> None:  # noqa: ANN401 - mpmath has no types
    with mp.workdps(50):
        if v is None:
            z = mp.sqrt(2) * mp.erfinv(mp.mpf(0.95))
            v = ((mp.log(1.0) - mp.log(0.25)) / (2 * z)) ** 2
        effects = es.effects(table(**columns), "OR", method="IV")
        assert effects.routes == {0: route}
        assert abs(effects.y[0] / float(y) - 1) < 1e-15
        assert abs(effects.v[0] / float(v) - 1) < 1e-13


def test_an_estimate_with_its_p_value() -> None:
    with mp.workdps(50):
        z = mp.sqrt(2) * mp.erfinv(1 - mp.mpf(0.04))
        v = (mp.log(mp.mpf(0.71)) / z) ** 2
    effects = es.effects(table(estimate=[0.71], p_value=[0.04]), "RR", method="IV")
    assert effects.routes == {0: "estimate with p"}
    assert abs(effects.v[0] / float(v) - 1) < 1e-13


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"estimate": [0.7], "p_value": [0.0]}, "a p-value of 0 gives no standard error"),
        ({"estimate": [1.0], "p_value": [0.3]}, "an estimate without an effect"),
        ({"estimate": [0.7], "p_value": [1.0]}, "an estimate without an effect"),
        ({"estimate": [-0.7], "p_value": [0.2]}, "the estimate has no value on the analysis scale"),
        ({"estimate": [0.7], "z_value": [0.0]}, "an estimate without an effect"),
    ],
)
def test_what_gives_no_effect_has_a_reason(columns: dict[str, Any], reason: str) -> None:
    effects = es.effects(table(**columns), "OR", method="IV")
    assert effects.reasons[0].startswith(reason)
    assert np.isnan(effects.y[0])


@pytest.mark.parametrize(
    ("measure", "estimate"), [("COR", 1.2), ("PR", -0.1), ("AUC", 1.01), ("ARAW", 1.1), ("R2", 1.5), ("IR", -2.0)]
)
def test_an_estimate_beyond_the_possible_has_a_reason(measure: str, estimate: float) -> None:
    columns = {"estimate": [estimate, 0.5], "ci_low": [estimate - 0.1, 0.4], "ci_high": [estimate + 0.1, 0.6]}
    effects = es.effects(table(**columns), measure)
    assert effects.reasons == {0: "the effect given lies beyond what this measure can be"}
    # Limits that were computed on a straight line may lie beyond.
    near = es.effects(table(estimate=[0.9], ci_low=[0.7], ci_high=[1.1]), "COR")
    assert near.v[0] == pytest.approx((0.4 / (2 * es.normal_quantile(0.95))) ** 2, rel=1e-14)


def test_a_table_is_found_from_its_chi_squared() -> None:
    # Yates-free χ² of 6/40 v 14/40.
    events, n_1, n_2 = 20, 40, 40
    chi2 = 80 * (6 * 26 - 14 * 34) ** 2 / (events * 60 * n_1 * n_2)
    effects = es.effects(
        table(chi2=[round(chi2, 2)], direction=[-1], events=[events], n_1=[n_1], n_2=[n_2]), "OR", settings="metafor"
    )
    assert effects.cells is not None
    assert (effects.cells.raw.a[0], effects.cells.raw.c[0]) == (6, 14)
    impossible = es.effects(table(chi2=[70.0], direction=[1], events=[3], n_1=[10], n_2=[10]), "OR")
    assert impossible.reasons == {0: "no table with these margins has such a χ²"}


def test_tables_found_so_are_pooled_by_mantel_and_haenszel() -> None:
    columns: dict[str, Any] = {
        "events_1": [5, 6],
        "nonevents_1": [35, 54],
        "events_2": [11, 12],
        "nonevents_2": [31, 46],
        "n_1": [40, None],
        "n_2": [42, None],
    }
    analysis = es.fit(table(**columns), "RR", settings="revman5")
    complete = es.fit(table(events_1=[5, 6], n_1=[40, 60], events_2=[11, 12], n_2=[42, 58]), "RR", settings="revman5")
    assert analysis.settings.method == "MH"
    assert [study.route for study in analysis.studies] == ["own columns", "events and non-events"]
    assert analysis.pooled == complete.pooled


def test_effects_without_tables_make_the_pooling_inverse_variance_and_say_so() -> None:
    columns: dict[str, Any] = {
        "events_1": [5, None],
        "n_1": [40, None],
        "events_2": [11, None],
        "n_2": [42, None],
        "estimate": [None, 0.6],
        "ci_low": [None, 0.4],
        "ci_high": [None, 0.9],
    }
    analysis = es.fit(table(**columns), "OR", settings="revman5")
    assert analysis.settings.method == "IV"
    assert analysis.k == 2
    assert any("pooled by inverse variance, not M-H" in warning for warning in analysis.warnings)
    asked = es.fit(table(**columns), "OR", settings="revman5", method="MH")
    assert asked.k == 1
    assert "choose method 'IV'" in (asked.studies[1].reason or "")


def test_correlations_from_tests() -> None:
    r, n = 0.4, 50
    t = r * np.sqrt((n - 2) / (1 - r * r))
    reported: list[dict[str, list[float]]] = [
        {"t_value": [t]},
        {"f_value": [t * t], "direction": [1]},
        {"p_value": [2 * stdtr(n - 2, -t)], "direction": [1]},
        {"chi2": [r * r * n], "direction": [1]},
    ]
    routes = [route for route in es.default_registry().all(es.Route) if "COR" in (route.measures or ())]
    for columns in reported:
        route = next(route for route in routes if set(route.columns) == {*columns, "n"})
        made = route.function(**{name: np.array(values) for name, values in columns.items()}, n=np.array([float(n)]))
        assert isinstance(made, es.FilledColumns)
        assert abs(made.columns["r"][0] - r) < 1e-14


def test_predictors_and_regressions_from_their_p_values() -> None:
    t, n, m, r2 = 2.4, 60, 3, 0.3
    p = 2 * stdtr(n - m - 1, -t)
    own = es.effects(table(t_value=[-t], n=[n], predictors=[m], r_squared=[r2]), "SPCOR")
    other = es.effects(table(p_value=[p], direction=[-1], n=[n], predictors=[m], r_squared=[r2]), "SPCOR")
    assert other.routes == {0: "p of a predictor"}
    np.testing.assert_allclose([*other.y, *other.v], [*own.y, *own.v], rtol=1e-13)
    with mp.workdps(50):
        f = mp.mpf(r2) / m / ((1 - mp.mpf(r2)) / (n - m - 1))
        x = (n - m - 1) / (n - m - 1 + m * f)
        p_f = mp.betainc(mp.mpf(n - m - 1) / 2, mp.mpf(m) / 2, 0, x, regularized=True)
    regression = es.effects(table(p_value=[float(p_f)], n=[n], predictors=[m]), "R2")
    assert regression.routes == {0: "p of a regression"}
    np.testing.assert_allclose(regression.y, [r2], rtol=1e-13)


def test_p_is_of_a_test_against_what_stands_for_no_effect() -> None:
    area = es.effects(table(estimate=[0.7], p_value=[0.01]), "AUC")
    with mp.workdps(50):
        z = mp.sqrt(2) * mp.erfinv(1 - mp.mpf(0.01))
        assert abs(area.v[0] / float(((mp.mpf(0.7) - mp.mpf(0.5)) / z) ** 2) - 1) < 1e-13
    alone = es.effects(table(estimate=[0.7], p_value=[0.01]), "PLO")
    assert alone.reasons == {
        0: "this measure has no value of no effect, and so no test that would give a standard error"
    }


def test_many_analyses_take_routes_too() -> None:
    rows = {**{name: np.array([*values, np.nan]) for name, values in ARMS.items()}}
    rows["n_1"][-1], rows["n_2"][-1] = 20, 20
    columns = {**rows, "t_value": np.array([np.nan] * 4 + [1.5]), "outcome": np.array(["a", "a", "b", "b", "b"])}
    frame = es.fit_many(columns, by="outcome", measure="SMD", settings="metafor", tau2="DL")
    single = es.fit(
        table(**{name: values[2:] for name, values in columns.items() if name != "outcome"}),
        "SMD",
        settings="metafor",
        tau2="DL",
    )
    assert frame["k"].tolist() == [2, 3]
    assert single.pooled is not None
    assert abs(frame["effect"][1] - single.pooled.value) < 1e-14


def test_swapped_events_turn_tables_and_leave_no_stated_effect_in() -> None:
    mixed = table(
        events_1=[12.0, 7.0, None, None, None],
        n_1=[100.0, 80.0, None, None, None],
        events_2=[20.0, 9.0, None, None, None],
        n_2=[100.0, 85.0, None, None, None],
        estimate=[None, None, 0.6, 0.7, None],
        ci_low=[None, None, 0.4, None, None],
        ci_high=[None, None, 0.9, None, None],
        p_value=[None, None, None, 0.04, None],
        yi=[None, None, None, None, -0.2],
        sei=[None, None, None, None, 0.1],
    )
    plain, swapped = (es.fit(mixed, "OR", method="IV", swap_events=swap) for swap in (False, True))
    np.testing.assert_allclose(swapped.effects.y[:2], -plain.effects.y[:2], rtol=1e-14)
    assert np.isfinite(plain.effects.y).all()
    assert np.isnan(swapped.effects.y[2:]).all()
    assert swapped.pooled == es.fit(mixed, "OR", method="IV", swap_events=True, exclude=mixed.study[2:]).pooled
    for study in swapped.studies[2:]:
        assert study.reason == "states an effect on events, which no table turns into one on non-events"


def test_events_are_swapped_in_tables_alone() -> None:
    cases: dict[str, dict[str, list[float]]] = {
        "PLO": {"events": [3, 5], "n": [10, 20]},
        "IRR": {"events_1": [3, 5], "time_1": [10, 20], "events_2": [4, 6], "time_2": [11, 19]},
        "SMD": {name: list(values) for name, values in ARMS.items()},
    }
    for measure, columns in cases.items():
        with pytest.raises(es.CombinationError, match=f"2×2 tables, and measure '{measure}' has none"):
            es.fit(table(**columns), measure, swap_events=True)
