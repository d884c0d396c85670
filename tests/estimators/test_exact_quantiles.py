"""Means and standard deviations from quantiles beside arithmetic with 50 digits, and beside searches everywhere."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.optimize import brentq, minimize
from scipy.special import betaincinv, gammaincinv, log_ndtr, ndtr, ndtri

import evisynth as es
from evisynth_converters import quantile_estimation as qe
from evisynth_converters.five_numbers import SCENARIOS
from evisynth_converters.nearest_beta import nearest_beta
from evisynth_converters.range_rules import expected_range
from evisynth_validation.mpmath import quantiles as truth

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evisynth_validation.mpmath.exact import Exact

CLOSED, ITERATIVE = 1e-13, 1e-12

SAMPLES: list[tuple[tuple[float, ...], int]] = [
    # five numbers and n: ordinary ones, far from 0, far apart, close together, both sides of every rule for n
    ((1.0, 3.0, 4.0, 7.0, 15.0), 30),
    ((12.0, 20.0, 26.0, 29.0, 41.0), 25),
    ((0.25, 0.75, 1.0, 1.75, 6.0), 81),
    ((1e6 + 1.0, 1e6 + 2.5, 1e6 + 3.0, 1e6 + 5.0, 1e6 + 11.0), 15),
    ((1e-4, 0.02, 0.5, 40.0, 2e4), 16),
    ((7.0, 7.001, 7.0015, 7.003, 7.006), 70),
    ((0.125, 8.0, 9.0, 9.5, 9.75), 71),
    ((1.0, 2.0, 3.0, 5.0, 8.0), 5),
    ((1.0, 2.0, 3.0, 5.0, 8.0), 26),
    ((1.0, 2.0, 3.0, 5.0, 8.0), 1_000_000),
]


def numbers_of(scenario: str, five: tuple[float, ...]) -> dict[str, Any]:
    every = dict(zip(SCENARIOS["full"], five, strict=True))
    return {name: every[name] for name in SCENARIOS[scenario]}


def converted(name: str, five: tuple[float, ...], n: int) -> dict[str, float]:
    scenario = name.rpartition("-")[2]
    return {key: float(column[0]) for key, column in es.convert(name, **numbers_of(scenario, five), n=n).items()}


def apart(found: float, exact: Exact) -> float:
    return abs(found - float(exact)) / abs(float(exact))


CLOSED_FORMS: dict[str, Callable[[list[float], int, str], tuple[Any, Any]]] = {
    "wan": lambda x, n, s: (truth.wan_mean(x, s), truth.wan_sd(x, n, s)),
    "luo": lambda x, n, s: (
        truth.luo_mean(x, n, s),
        truth.shi_sd(x, n) if s == "full" else truth.wan_sd(x, n, s),
    ),
    "luo-wan": lambda x, n, s: (truth.luo_mean(x, n, s), truth.wan_sd(x, n, s)),
    "wan-shi": lambda x, n, s: (truth.wan_mean(x, s), truth.shi_sd(x, n)),
    "hozo": lambda x, n, _: truth.hozo(x, n),
    "bland": lambda x, _n, _s: truth.bland(x),
}


@pytest.mark.parametrize(
    "name",
    [
        *("wan-range", "wan-iqr", "wan-full", "luo-range", "luo-iqr", "luo-full"),
        *("luo-wan-full", "wan-shi-full", "hozo-range", "bland-full"),
    ],
)
def test_closed_forms(name: str) -> None:
    method, _, scenario = name.rpartition("-")
    for five, n in SAMPLES:
        x = list(numbers_of(scenario, five).values())
        mean, sd = CLOSED_FORMS[method](x, n, scenario)
        made = converted(name, five, n)
        # The SD is made of distances, which a double far from 0 holds exactly; of powers of n come a few roundings.
        assert apart(made["mean"], mean) <= CLOSED, (five, n)
        assert apart(made["sd"], sd) <= CLOSED, (five, n)


@pytest.mark.parametrize(
    ("name", "scenario"), [("wan-sd-range", "range"), ("wan-sd-iqr", "iqr"), ("shi-sd-full", "full")]
)
def test_standard_deviations_alone(name: str, scenario: str) -> None:
    record = es.default_registry().get(es.Conversion, name)
    for five, n in SAMPLES:
        given = {key: value for key, value in numbers_of(scenario, five).items() if key in record.sources}
        made = es.convert(name, **given, n=n)["sd"][0]
        x = list(numbers_of(scenario, five).values())
        assert apart(made, truth.shi_sd(x, n) if scenario == "full" else truth.wan_sd(x, n, scenario)) <= CLOSED


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_log_normal(scenario: str) -> None:
    for five, n in SAMPLES:
        x = list(numbers_of(scenario, five).values())
        mean, sd = truth.log_normal(x, n, scenario)
        made = converted(f"log-normal-{scenario}", five, n)
        logs = [math.log(value) for value in x]
        # Rounded logarithms: their size over their distance for the SD, the exponent's size for both.
        distance = math.log(float(sd)) - math.log(float(mean))
        condition = 1 + max(abs(value) for value in logs) * (1 + 1 / (logs[-1] - logs[0])) + abs(distance)
        assert apart(made["mean"], mean) <= CLOSED * (1 + abs(math.log(float(mean)))), (five, n)
        assert apart(made["sd"], sd) <= CLOSED * condition, (five, n)


def test_the_expected_range() -> None:
    for n in (2, 3, 9, 20, 50, 1000, 1_000_000):
        exact = truth.expected_range(n)
        assert apart(float(expected_range(np.array([float(n)]))[0]), exact) <= CLOSED, n
        made = converted("walter-range", (0.0, 1.0, 2.0, 3.0, 4.0), n)
        assert made["mean"] == 2.0
        assert apart(made["sd"], 4 / exact) <= CLOSED, n


# -- nearest quantiles ------------------------------------------------------------------------------------------------


def nearest_beta_in_ones(q: es.FloatArray, p: es.FloatArray) -> tuple[es.FloatArray, es.FloatArray, es.FloatArray]:
    return nearest_beta(q, p, np.ones(len(q)))


FAMILIES: Mapping[str, Any] = {
    "log-normal": qe.nearest_log_normal,
    "gamma": qe.nearest_gamma,
    "weibull": qe.nearest_weibull,
    "beta": nearest_beta_in_ones,
}
LEVELS = {"range": (0, 2, 4), "iqr": (1, 2, 3), "full": (0, 1, 2, 3, 4)}


def shape_of(family: str, mean: float, sd: float) -> list[float]:
    """Give the logarithm of the shape with a coefficient of variation, or logit and logarithm of a beta's."""
    ratio = sd / mean
    if family == "log-normal":
        return [math.log(math.sqrt(math.log1p(ratio**2)))]
    if family == "gamma":
        return [-2 * math.log(ratio)]
    if family == "weibull":

        def excess(t: float) -> float:
            x = math.exp(-t)
            return math.lgamma(1 + 2 * x) - 2 * math.lgamma(1 + x) - math.log1p(ratio**2)

        return [float(brentq(excess, -3.0, 8.0, xtol=1e-14))]
    return [math.log(mean / (1 - mean)), math.log(mean * (1 - mean) / sd**2 - 1)]


def curve(family: str, shape: list[float], p: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if family == "log-normal":
        return np.asarray(np.exp(math.exp(shape[0]) * ndtri(p)))
    if family == "gamma":
        return np.asarray(gammaincinv(math.exp(shape[0]), p))
    if family == "weibull":
        return np.asarray((-np.log1p(-p)) ** math.exp(-shape[0]))
    size = math.exp(shape[1])
    return np.asarray(betaincinv(size / (1 + math.exp(-shape[0])), size / (1 + math.exp(shape[0])), p))


def distance_of(family: str, shape: list[float], q: np.ndarray[Any, Any], p: np.ndarray[Any, Any]) -> float:
    b = curve(family, shape, p)
    unit = 1.0 if family == "beta" else float(q @ b / (b @ b))
    return float(((q - unit * b) ** 2).sum())


def fitted(family: str, q: np.ndarray[Any, Any], p: np.ndarray[Any, Any]) -> tuple[float, float, float]:
    mean, sd, distance = FAMILIES[family](q[np.newaxis], p[np.newaxis])
    return float(mean[0]), float(sd[0]), float(distance[0])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("row", "scenario"), [(0, "full"), (1, "range"), (2, "iqr")])
def test_nearest_distributions(family: str, row: int, scenario: str) -> None:
    five, n = SAMPLES[row]
    where = list(LEVELS[scenario])
    p = np.array([1 / n, 0.25, 0.5, 0.75, 1 - 1 / n])[where]
    q = np.array(five)[where] / (five[-1] * 1.25 if family == "beta" else 1.0)
    mean, sd, distance = fitted(family, q, p)
    shape = shape_of(family, mean, sd)
    near = curve(family, shape, p)
    exact = truth.nearest(family, q.tolist(), p.tolist(), shape, near.tolist())
    assert apart(mean, exact[0]) <= ITERATIVE
    assert apart(sd, exact[1]) <= ITERATIVE
    assert apart(distance, exact[2]) <= ITERATIVE * (1 + float(q @ q) / float(exact[2]))


def searched(family: str, q: np.ndarray[Any, Any], p: np.ndarray[Any, Any]) -> float:
    """Look for the least distance everywhere: on a fine grid, or from many starts."""
    if family != "beta":
        reach = (-9.0, 3.5) if family == "log-normal" else (-3.0, 18.0)
        return min(distance_of(family, [t], q, p) for t in np.arange(*reach, 0.01))
    starts = [[u, v] for u in (-6.0, -2.0, 0.0, 2.0, 6.0) for v in (-3.0, 0.0, 3.0, 6.0, 9.0)]

    def distance(shape: np.ndarray[Any, Any]) -> float:
        return distance_of("beta", shape.tolist(), q, p)

    return min(float(minimize(distance, start, method="Nelder-Mead").fun) for start in starts)


@pytest.mark.sweep
@pytest.mark.parametrize("family", FAMILIES)
def test_no_shape_anywhere_is_nearer(family: str) -> None:
    rng = np.random.default_rng(7)
    compared = 0
    for scenario, where in LEVELS.items():
        for spread in (0.05, 0.5, 2.0):
            n = int(rng.integers(5, 300))
            p = np.array([1 / n, 0.25, 0.5, 0.75, 1 - 1 / n])[list(where)]
            q = np.sort(np.exp(spread * rng.normal(size=p.size)))
            q = q / (q[-1] * 1.1) if family == "beta" else q
            _, _, distance = fitted(family, q, p)
            least = searched(family, q, p)
            assert distance <= least * (1 + 1e-9) + 1e-28, (scenario, spread, n)
            compared += 1
    assert compared == 9


def test_the_nearest_of_five_is_taken() -> None:
    rng = np.random.default_rng(8)
    q = np.sort(rng.beta(1.5, 3.0, (60, 5)), axis=1)
    n = rng.integers(9, 200, 60).astype(np.float64)
    p = np.stack([1 / n, *(np.full(60, level) for level in (0.25, 0.5, 0.75)), 1 - 1 / n], axis=1)
    made = es.convert("qe-full", **dict(zip(SCENARIOS["full"], q.T, strict=True)), n=n)
    order = [qe.nearest_normal, *(FAMILIES[name] for name in ("log-normal", "gamma", "beta", "weibull"))]
    fits = np.array([fit(q, p) for fit in order])
    best = fits[:, 2].argmin(axis=0)
    assert set(best.tolist()) == {0, 1, 2, 3, 4}
    assert made["distribution"].tolist() == best.tolist()
    for i, target in enumerate(("mean", "sd", "distance")):
        # The unit in which each row is fitted is a power of two, which changes no digit but that of a search's grid.
        assert made[target] == pytest.approx(fits[best, i, np.arange(60)], rel=1e-11, abs=1e-30)


# -- powers -----------------------------------------------------------------------------------------------------------

POWER_ROWS = [(0, "range"), (0, "iqr"), (0, "full"), (1, "full"), (2, "iqr"), (6, "range"), (6, "full")]


@pytest.mark.parametrize(("row", "scenario"), POWER_ROWS)
def test_powers_that_make_symmetric(row: int, scenario: str) -> None:
    five, n = SAMPLES[row]
    made = converted(f"box-cox-{scenario}", five, n)
    mean, sd, power = truth.box_cox(list(numbers_of(scenario, five).values()), n, scenario, made["power"])
    assert apart(made["mean"], mean) <= ITERATIVE
    assert apart(made["sd"], sd) <= ITERATIVE
    assert abs(made["power"] - float(power)) <= ITERATIVE * max(1.0, abs(float(power)))


@pytest.mark.parametrize(("row", "scenario"), [(0, "range"), (0, "iqr"), (0, "full"), (1, "range"), (2, "full")])
def test_likeliest_powers(row: int, scenario: str) -> None:
    five, n = SAMPLES[row]
    made = converted(f"mln-{scenario}", five, n)
    mean, sd, power = truth.likeliest(list(numbers_of(scenario, five).values()), n, scenario, made["power"])
    assert apart(made["mean"], mean) <= ITERATIVE
    assert apart(made["sd"], sd) <= ITERATIVE
    assert abs(made["power"] - float(power)) <= ITERATIVE * max(1.0, abs(float(power)))


@pytest.mark.sweep
def test_no_power_anywhere_is_likelier_or_more_symmetric() -> None:
    rng = np.random.default_rng(9)
    k = 25
    n = rng.integers(5, 300, k).astype(np.float64)
    five = np.sort(np.exp(rng.normal(1.0, 0.8, (5, k))), axis=0)
    columns = dict(zip(SCENARIOS["full"], five, strict=True))
    for scenario, where in LEVELS.items():
        given: dict[str, Any] = {name: columns[name] for name in SCENARIOS[scenario]}
        logs = np.log(five[list(where)] / five[2])
        powers = es.convert(f"mln-{scenario}", **given, n=n)["power"]
        for i in range(k):
            size = np.abs(logs[:, i]).max()
            everywhere = np.sinh(np.arange(-11.0, 11.0, 0.03)) / size
            with np.errstate(all="ignore"):
                heights = [profile(scenario, logs[:, i], n[i], power) for power in everywhere]
            best = profile(scenario, logs[:, i], n[i], powers[i])
            assert best >= np.nanmax(heights) - 1e-9, (scenario, i)
    every: dict[str, Any] = {str(name): column for name, column in columns.items()}
    powers = es.convert("box-cox-full", **every, n=n)["power"]
    logs = np.log(five / five[2])
    for i in range(k):
        ends: list[float] = []
        for name, places in ENDS:
            three: dict[str, Any] = {str(key): five[j, i] for key, j in places.items()}
            ends.append(float(es.convert(f"box-cox-{name}", **three, n=n[i])["power"][0]))
        between = np.linspace(min(ends), max(ends), 5001)
        with np.errstate(all="ignore"):
            assert asymmetry(logs[:, i], powers[i]) <= min(asymmetry(logs[:, i], one) for one in between) * (1 + 1e-9)


ENDS: list[tuple[str, dict[str, int]]] = [
    ("range", {"minimum": 0, "median": 2, "maximum": 4}),
    ("iqr", {"q1": 1, "median": 2, "q3": 3}),
]


def powered(logs: np.ndarray[Any, Any], power: float) -> np.ndarray[Any, Any]:
    return logs if power == 0 else np.expm1(power * logs) / power


def asymmetry(logs: np.ndarray[Any, Any], power: float) -> float:
    y = powered(logs, power)
    return float((y[0] + y[4]) ** 2 + (y[1] + y[3]) ** 2)


def profile(scenario: str, logs: np.ndarray[Any, Any], n: float, power: float) -> float:
    """Give the log-likelihood of a power, written from the definition of order statistics."""
    y = powered(logs, power)
    a, m, b = y[0], y[len(y) // 2], y[-1]
    if scenario == "range":
        w, gap, tail = 4 / (4 + n**0.75), (n - 3) / 2, 0.0
        mu, sigma = w * (a + b) / 2 + (1 - w) * m, (b - a) / (2 * ndtri((n - 0.375) / (n + 0.25)))
    elif scenario == "iqr":
        w, gap, tail = 0.7 + 0.39 / n, (n - 5) / 4, (n - 1) / 4
        mu, sigma = w * (a + b) / 2 + (1 - w) * m, (b - a) / (2 * ndtri((0.75 * n - 0.125) / (n + 0.25)))
    else:
        w, v, gap, tail = 2.2 / (2.2 + n**0.75), 0.7 - 0.72 / n**0.55, (n - 5) / 4, 0.0
        mu = w * (a + b) / 2 + v * (y[1] + y[3]) / 2 + (1 - w - v) * m
        sigma = (b - a) / (4 * ndtri((n - 0.375) / (n + 0.25)))
        sigma += (y[3] - y[1]) / (4 * ndtri((0.75 * n - 0.125) / (n + 0.25)))
    z = (y - mu) / sigma
    below = np.asarray(ndtr(z), dtype=np.float64)
    inside = gap * float(np.log(np.diff(below)).sum()) if gap else 0.0
    ends = np.asarray(log_ndtr(np.array([z[0], -z[-1]])), dtype=np.float64)
    beyond = tail * float(ends.sum())
    densities = -float((z**2 + np.log(2 * np.pi)).sum()) / 2
    return densities - len(y) * math.log(sigma) + inside + beyond + power * float(logs.sum())
