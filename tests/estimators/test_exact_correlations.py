"""Correlations, regressions, reliabilities and changes agree with arithmetic of 50 digits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es
from evisynth_validation.mpmath import changes, correlations
from evisynth_validation.mpmath.exact import exact, nearest, total

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evisynth_validation.mpmath.exact import Exact

    Make = Callable[..., es.Studies]
    Effect = Callable[[Sequence[Exact]], tuple[Exact, Exact]]

CLOSED = 1e-13
REGISTRY = es.default_registry()
STEP = exact(2) ** -80
COLUMNS = {
    **dict.fromkeys(("COR", "UCOR", "ZCOR"), ("r", "n")),
    **dict.fromkeys(("PCOR", "ZPCOR"), ("t_value", "n", "predictors")),
    **dict.fromkeys(("SPCOR", "ZSPCOR"), ("t_value", "n", "predictors", "r_squared")),
    **dict.fromkeys(("R2", "ZR2", "R2F", "ZR2F"), ("r_squared", "n", "predictors")),
    **dict.fromkeys(("ARAW", "AHW", "ABT"), ("alpha", "items", "n")),
}
PAIR = ("mean_1", "sd_1", "mean_2", "sd_2", "n", "r")


def rows_of(measure: str) -> list[tuple[float, ...]]:
    rng = np.random.default_rng(1958)
    sizes = [5.0, 6.0, 9.0, 17.0, 18.0, 40.0, 1e4, 1e7]
    if COLUMNS[measure] == ("r", "n"):
        edges = (0.0, 0.3, -0.72, 0.99, 1.0 - 2.0**-40)
        return [(r, n) for n in sizes for r in (*edges, float(rng.uniform(0.3, 0.95)))]
    if "t_value" in COLUMNS[measure]:
        drawn: list[tuple[float, ...]] = []
        for n in (12.0, 30.0, 220.0, 1e5):
            for m in (1.0, 4.0, 8.0):
                for t in (0.0, 1e-7, -0.4, 1.7, 60.0):
                    least = t * t / (t * t + n - m - 1)
                    whole = float(least + (1 - least) * rng.uniform(0.05, 0.9))
                    drawn.append((t, n, m, whole)[: len(COLUMNS[measure])])
        return drawn
    if "alpha" in COLUMNS[measure]:
        alphas = (0.7, 0.93, 1e-7, -0.4, 1.0 - 2.0**-40)
        return [(a, m, n) for a in alphas for m in (2.0, 7.0, 60.0) for n in (3.0, 25.0, 1e6)]
    shares = (0.24, 0.5, 1e-8, 0.999, 1.0 - 2.0**-40)
    return [(share, n, m) for share in shares for n in (12.0, 218.0, 1e6) for m in (1.0, 4.0, 9.0)]


def conditioned(effect: Effect, row: tuple[float, ...]) -> list[tuple[float, float]]:
    """Give effect and variance, each with Σ|x ∂f/∂x|/|f| (1 at the least), as nearest doubles."""
    point = [exact(value) for value in row]
    truth = effect(point)
    growth = [exact(0), exact(0)]
    for i, value in enumerate(point):
        moved = effect([*point[:i], value * (1 + STEP), *point[i + 1 :]])
        growth = [grown + abs(one - other) / STEP for grown, one, other in zip(growth, moved, truth, strict=True)]
    return [
        (nearest(value), max(1.0, nearest(change / abs(value))) if abs(value) > 0 else 1.0)
        for value, change in zip(truth, growth, strict=True)
    ]


def compare(measured: es.Effects, rows: list[tuple[float, ...]], effect: Effect) -> int:
    compared = 0
    for i, row in enumerate(rows):
        if i in measured.reasons:
            continue
        (y, grows), (v, widens) = conditioned(effect, row)
        assert abs(measured.y[i] - y) <= CLOSED * grows * abs(y), (i, row, measured.y[i], y, grows)
        assert abs(measured.v[i] - v) <= CLOSED * widens * abs(v), (i, row, measured.v[i], v, widens)
        compared += 1
    return compared


VARIANTS = [
    (measure, vtype)
    for measure in correlations.EFFECTS
    for vtype in REGISTRY.get(es.EffectMeasure, measure).variances or ("LS",)
]


@pytest.mark.parametrize(("measure", "vtype"), VARIANTS)
def test_correlations(measure: str, vtype: str, make_studies: Make) -> None:
    rows = rows_of(measure)
    if measure in {"R2", "R2F"}:
        rows = [row for row in rows if row[0] < 0.999]
    studies = make_studies(**dict(zip(COLUMNS[measure], np.array(rows).T, strict=True)))
    words: dict[str, Any] = {} if vtype == "LS" else {"vtype": vtype}
    measured = es.effects(studies, measure, settings="metafor", **words)
    extra: dict[str, Any] = {}
    if vtype.startswith("AV"):
        place = COLUMNS[measure].index("n")
        usable = [row for row in rows if measure not in {"COR", "UCOR"} or row[1] > 3]
        points = [[exact(value) for value in row] for row in usable]
        products = [correlations.EFFECTS[measure](point, "LS")[0] * point[place] for point in points]
        extra["average"] = total(products) / total([point[place] for point in points])

    def effect(point: Sequence[Exact]) -> tuple[Exact, Exact]:
        return correlations.EFFECTS[measure](point, vtype, **extra)

    assert compare(measured, rows, effect) >= len(rows) * 0.8, dict(measured.reasons)


def pairs() -> list[tuple[float, ...]]:
    """Draw ordinary pairs of measurements, then pairs that are small, huge, all but equal or strongly correlated."""
    rng = np.random.default_rng(1988)
    rows: list[tuple[float, ...]] = [
        (
            *(float(x) for x in (rng.uniform(20, 80), np.exp(rng.normal(2, 0.6)))),
            *(float(x) for x in (rng.uniform(20, 80), np.exp(rng.normal(2, 0.6)))),
            float(np.floor(np.exp(rng.uniform(1.5, 6)))),
            float(rng.uniform(-0.9, 0.98)),
        )
        for _ in range(16)
    ]
    return [
        *rows,
        (30.6, 15.0, 38.5, 11.6, 20.0, 0.47),
        (10.0, 2.0, 12.5, 3.0, 3.0, 0.5),
        (10.0, 2.0, 12.5, 3.0, 3.0, 0.0),
        (10.0, 2.0, 10.0 * (1.0 + 2.0**-40), 2.0, 50.0, 0.5),
        (10.0, 2.0, 10.5, 2.0, 50.0, 1.0 - 2.0**-30),
        (10.0, 2.0, 10.5, 2.0 + 2.0**-20, 50.0, 0.999),
        (1e6, 2.0, 1e6 + 0.5, 2.5, 1e6, 0.3),
        (12.0, 1e-4, 12.0 + 1e-4, 2e-4, 30.0, -0.5),
    ]


CHANGES = [
    (measure, vtype)
    for measure in changes.EFFECTS
    for vtype in REGISTRY.get(es.EffectMeasure, measure).variances or ("LS",)
]


@pytest.mark.parametrize("correction", ["exact", "approximate", "none"])
@pytest.mark.parametrize(("measure", "vtype"), CHANGES)
def test_changes(measure: str, vtype: str, correction: str, make_studies: Make) -> None:
    rows = pairs()
    studies = make_studies(**dict(zip(PAIR, np.array(rows).T, strict=True)))
    words: dict[str, Any] = {} if vtype == "LS" else {"vtype": vtype}
    measured = es.effects(studies, measure, settings="metafor", smd_correction=correction, **words)

    def effect(point: Sequence[Exact]) -> tuple[Exact, Exact]:
        return changes.EFFECTS[measure](point, vtype, correction)

    assert compare(measured, rows, effect) >= len(rows) - 2, dict(measured.reasons)


def test_ratios_of_means_without_the_term_of_bias(make_studies: Make) -> None:
    rows = pairs()
    studies = make_studies(**dict(zip(PAIR, np.array(rows).T, strict=True)))
    measured = es.effects(studies, "ROMC", settings="metafor", rom_correction="none")
    assert compare(measured, rows, lambda point: changes.ratio_of_means(point, "LS", "none")) == len(rows)


def test_fixed_predictors_have_the_variance_of_the_non_central_beta_in_large_samples() -> None:
    # Exact moments of R² given the predictors: a Poisson mixture of beta distributions.
    from scipy.stats import poisson  # noqa: PLC0415 - for this test

    for share, m in ((0.1, 2), (0.4, 5), (0.8, 3)):
        n = 2_000_000.0
        lam = n * share / (1 - share)
        width = 12 * np.sqrt(lam)
        j = np.arange(max(0, int(lam / 2 - width)), int(lam / 2 + width))
        w = poisson.pmf(j, lam / 2)
        a, b = m / 2 + j, (n - m - 1) / 2
        mean = (w * a / (a + b)).sum()
        spread = (w * ((a / (a + b) - mean) ** 2 + a * b / ((a + b) ** 2 * (a + b + 1)))).sum()
        v = 2 * share * (1 - share) ** 2 * (2 - share) / n
        assert abs(spread / v - 1) < 1e-4
