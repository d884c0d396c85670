"""Tests of funnel plots beside 50-digit arithmetic, and Kendall's exact distribution beside another recursion."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es
from evisynth_estimators.kendall import Kendall, kendall
from evisynth_estimators.schwarzer import standardised_events
from evisynth_validation.mpmath.exact import exact, log, sqrt
from evisynth_validation.mpmath.small_study import (
    Line,
    Table,
    additive,
    begg_deviates,
    exact_p_of_s,
    harbord,
    kendall_s,
    multiplicative,
    normal_p_of_s,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evisynth_validation.mpmath.exact import Exact

DIGITS = 1e-13


def _drawn(k: int, seed: int, decades: float, shift: float = 0.0) -> tuple[es.FloatArray, es.FloatArray]:
    rng = np.random.default_rng(seed)
    v = np.exp(rng.normal(-2.0, decades, k))
    return shift + rng.normal(0.2 + 1.5 * np.sqrt(v), np.sqrt(v + 0.02)), v


EFFECTS: Mapping[str, tuple[es.FloatArray, es.FloatArray]] = {
    "13 studies": _drawn(13, 1, 1.0),
    "60 studies": _drawn(60, 2, 0.7),
    "4 studies": _drawn(4, 3, 1.0),
    "ten decades": _drawn(21, 4, 5.0),
    "far from 0": _drawn(12, 5, 0.8, 500.0),
    "standard errors alike": (_drawn(15, 6, 1.0)[0], 0.04 * (1 + 1e-3 * np.arange(15.0))),
}

# events_1, n_1, events_2, n_2
TABLES: Mapping[str, Sequence[tuple[int, int, int, int]]] = {
    "ordinary": [(3, 40, 8, 42), (12, 60, 15, 58), (5, 55, 4, 50), (7, 33, 9, 30), (30, 200, 41, 199), (2, 19, 6, 22)],
    "sparse": [
        (0, 40, 2, 42),
        (1, 60, 0, 58),
        (5, 55, 4, 50),
        (0, 0, 0, 0),
        (0, 12, 0, 15),
        (3, 500, 9, 490),
        (1, 9, 4, 8),
    ],
    "large": [
        (505, 88391, 499, 88391),
        (62, 13598, 248, 12867),
        (4, 123, 11, 139),
        (186, 50634, 141, 27338),
        (8, 2545, 10, 629),
    ],
    "common events": [(38, 40, 30, 42), (60, 60, 55, 58), (50, 55, 47, 50), (33, 34, 25, 30), (190, 200, 170, 199)],
}


def close(value: float | None, truth: Exact, size: Exact | float = 0.0) -> bool:
    return value is not None and abs(value - truth) <= DIGITS * max(abs(truth), exact(size))


def compare(seen: es.BiasResult, truth: Line) -> None:
    assert seen.reason is None
    assert seen.asymmetry is not None
    intercept = seen.parameters["intercept"]
    t, size = truth.t, max(truth.size, abs(truth.t))
    assert close(seen.statistic, t, size), (seen.statistic, float(t))
    assert seen.df == truth.df
    assert close(seen.asymmetry.value, truth.slope, size * truth.se)
    assert close(seen.asymmetry.se, truth.se, 3 * truth.se)
    assert close(intercept.se, truth.intercept_se, 3 * truth.intercept_se)
    assert close(intercept.value, truth.intercept, size * truth.intercept_se)
    # What an error of t amounts to in p: the logarithm of a tail falls at most like t²/2.
    assert close(seen.p_value, truth.p_value, truth.p_value * (1 + size * (1 + abs(t))))


@pytest.mark.parametrize("name", EFFECTS)
def test_regressions_of_effects(name: str) -> None:
    y, v = EFFECTS[name]
    analysis = es.fit(es.Effects(y, v), settings="metafor", tau2="DL")
    one, two = [exact(value) for value in y.tolist()], [exact(value) for value in v.tolist()]
    n = np.rint(1000 / np.arange(1.0, y.size + 1)) + 3
    sizes = [exact(value) for value in n.tolist()]
    root = [sqrt(value) for value in two]
    compare(es.bias(analysis, "Egger"), multiplicative(one, two, [root]))
    compare(es.bias(analysis, "Thompson-Sharp"), additive(one, two, root))
    predictors: Mapping[str, list[Exact]] = {
        "sei": root,
        "vi": two,
        "ni": sizes,
        "ninv": [1 / value for value in sizes],
        "sqrtni": [sqrt(value) for value in sizes],
        "sqrtninv": [1 / sqrt(value) for value in sizes],
    }
    for predictor, x in predictors.items():
        seen = es.bias(analysis, "regression", predictor=predictor, variant="classical", n=n)
        compare(seen, multiplicative(one, two, [x]))


def test_moderators_stay_in() -> None:
    y, v = EFFECTS["13 studies"]
    year = np.arange(13.0) % 5
    analysis = es.fit(es.Effects(y, v), settings="metafor", moderators={"year": year.tolist()})
    one, two = [exact(value) for value in y.tolist()], [exact(value) for value in v.tolist()]
    truth = multiplicative(one, two, [[exact(value) for value in year.tolist()], [sqrt(value) for value in two]])
    seen = es.bias(analysis, "Egger")
    compare(seen, truth)
    assert seen.limit is None


@pytest.mark.parametrize("name", EFFECTS)
def test_the_rank_correlation(name: str) -> None:
    y, v = EFFECTS[name]
    analysis = es.fit(es.Effects(y, v), settings="metafor", tau2="DL")
    two = [exact(value) for value in v.tolist()]
    s = kendall_s(begg_deviates([exact(value) for value in y.tolist()], two), two)
    by_orders, normal = (es.bias(analysis, "Begg", exact=chosen) for chosen in (True, False))
    assert by_orders.figures["Kendall's S"] == s
    assert close(by_orders.p_value, exact_p_of_s(s, y.size))
    assert close(
        normal.p_value, normal_p_of_s(s, y.size), normal_p_of_s(s, y.size) * (1 + (normal.statistic or 0) ** 2)
    )


@pytest.mark.parametrize("k", [3, 4, 7, 12])
def test_every_value_of_s_has_its_exact_p_value(k: int) -> None:
    for s in range(-k * (k - 1) // 2, k * (k - 1) // 2 + 1, 2):
        assert close(Kendall(s, k, (1,) * k, (1,) * k).exact_p_value(), exact_p_of_s(s, k))


def counted(name: str) -> tuple[es.Studies, list[Table], list[Exact], list[Exact]]:
    rows = TABLES[name]
    names = ("events_1", "n_1", "events_2", "n_2")
    columns = {
        key: es.read_only(np.array(column, float)) for key, column in zip(names, zip(*rows, strict=True), strict=True)
    }
    tables = [Table(a, n_1 - a, c, n_2 - c) for a, n_1, c, n_2 in rows]
    tables = [table for table in tables if table.a + table.c and table.b + table.d]
    y: list[Exact] = []
    v: list[Exact] = []
    for table in tables:
        added = 0 if table.a and table.b and table.c and table.d else exact(1) / 2
        cells = [cell + exact(added) for cell in (table.a, table.b, table.c, table.d)]
        y.append(log(cells[0] * cells[3] / (cells[1] * cells[2])))
        v.append(1 / cells[0] + 1 / cells[1] + 1 / cells[2] + 1 / cells[3])
    return es.Studies(columns=columns, study=tuple(f"S{i}" for i in range(len(rows)))), tables, y, v


@pytest.mark.parametrize("measure", ["OR", "RR"])
@pytest.mark.parametrize("name", TABLES)
def test_regressions_of_tables(name: str, measure: str) -> None:
    studies, tables, y, v = counted(name)
    analysis = es.fit(studies, measure, settings="metafor", method="IV", tau2="DL")
    n = [exact(table.n) for table in tables]
    both = [table.both_arms for table in tables]
    effective = [table.inverse_effective_size for table in tables]
    compare(es.bias(analysis, "Harbord"), harbord(tables))
    compare(es.bias(analysis, "Peters"), multiplicative(y, both, [[1 / size for size in n]]))
    compare(es.bias(analysis, "Macaskill"), multiplicative(y, v, [n]))
    compare(es.bias(analysis, "Macaskill", weights="pooled"), multiplicative(y, both, [n]))
    compare(es.bias(analysis, "Deeks"), multiplicative(y, effective, [[sqrt(one) for one in effective]]))


@pytest.mark.parametrize("name", TABLES)
def test_arcsine_tests(name: str) -> None:
    studies, *_ = counted(name)
    analysis = es.fit(studies, "OR", settings="metafor", method="IV", tau2="DL")
    # Tables without an event count here.
    every = [Table(a, n_1 - a, c, n_2 - c).arcsine for a, n_1, c, n_2 in TABLES[name] if n_1 and n_2]
    y, v = [one for one, _ in every], [one for _, one in every]
    root = [sqrt(value) for value in v]
    compare(es.bias(analysis, "Rücker"), additive(y, v, root))
    compare(es.bias(analysis, "Rücker", variant="Egger"), multiplicative(y, v, [root]))
    s = kendall_s(begg_deviates(y, v), v)
    ranks = es.bias(analysis, "Rücker", variant="Begg")
    assert ranks.figures["Kendall's S"] == s


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("psi", [1.0, 0.4, 3.7, 1e-6, 1e6])
def test_moments_of_the_hypergeometric_distribution(name: str, psi: float) -> None:
    _, tables, *_ = counted(name)
    columns = np.array([[table.a, table.b, table.c, table.d] for table in tables], dtype=float).T
    z, v = standardised_events(es.Cells(*columns), psi)
    for table, seen_z, seen_v in zip(tables, z.tolist(), v.tolist(), strict=True):
        true_z, true_v = table.standardised_events(exact(psi))
        assert close(seen_v, true_v, 10 * true_v), (table, seen_v, float(true_v))
        # The distance from the mean beside the mean itself.
        assert close(seen_z, true_z, 10 * abs(true_z) + 1 / sqrt(true_v)), (table, seen_z, float(true_z))


@pytest.mark.parametrize("name", TABLES)
def test_the_rank_correlation_of_counts(name: str) -> None:
    studies, tables, *_ = counted(name)
    analysis = es.fit(studies, "OR", settings="metafor", method="IV", tau2="DL")
    above = sum((exact(t.a) * t.d / t.n for t in tables), exact(0))
    psi = above / sum((exact(t.b) * t.c / t.n for t in tables), exact(0))
    moments = [table.standardised_events(psi) for table in tables]
    s = kendall_s([z for z, _ in moments], [1 / v for _, v in moments])
    seen = es.bias(analysis, "Schwarzer")
    assert seen.figures["Kendall's S"] == s
    assert close(seen.p_value, normal_p_of_s(s, len(tables)), 10 * normal_p_of_s(s, len(tables)))
    by_orders = es.bias(analysis, "Schwarzer", exact=True)
    assert close(by_orders.p_value, exact_p_of_s(s, len(tables)))


def test_standardised_mean_differences() -> None:
    rng = np.random.default_rng(11)
    k = 12
    n_1, n_2 = rng.integers(5, 80, k), rng.integers(5, 80, k)
    data: dict[str, Any] = {"n_1": n_1, "n_2": n_2}
    for arm, mean in (("1", 1.0), ("2", 0.5)):
        data |= {f"mean_{arm}": rng.normal(mean, 0.5, k), f"sd_{arm}": rng.uniform(1, 2, k)}
    analysis = es.fit(data, "SMD", settings="metafor", tau2="DL")
    y = [exact(value) for value in analysis.effects.y.tolist()]
    v = [exact(value) for value in analysis.effects.v.tolist()]
    modified = [1 / exact(a) + 1 / exact(b) for a, b in zip(n_1.tolist(), n_2.tolist(), strict=True)]
    x = [sqrt(one) for one in modified]
    compare(es.bias(analysis, "Pustejovsky-Rodgers"), multiplicative(y, v, [x]))
    compare(es.bias(analysis, "Pustejovsky-Rodgers", weights="modified"), multiplicative(y, modified, [x]))


def test_ties_are_counted() -> None:
    x, y = np.array([1.0, 1, 2, 3, 3, 3, 5]), np.array([2.0, 1, 2, 2, 4, 4, 0])
    found = kendall(x, y)
    assert (found.s, found.tied) == (kendall_s([*map(exact, x.tolist())], [*map(exact, y.tolist())]), True)
    # The variance is that of S over all orders of y.
    every = [kendall(x[:5], np.array(order)).s ** 2 for order in permutations(y[:5].tolist())]
    assert kendall(x[:5], y[:5]).variance == pytest.approx(sum(every) / len(every), rel=1e-13)
