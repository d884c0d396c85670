"""Effects made of means agree with arithmetic of 50 digits, whose variances come from differentiation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es
from evisynth_validation.mpmath.exact import exact, nearest
from evisynth_validation.mpmath.means import EFFECTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from evisynth_validation.mpmath.exact import Exact

    Make = Callable[..., es.Studies]

CLOSED = 1e-13
ARMS = ("mean_1", "sd_1", "n_1", "mean_2", "sd_2", "n_2")
GROUP = ("mean", "sd", "n")
REPORTED = ("cles", "n_1", "n_2")
CORRECTED = ("SMD", "SMDH", "SMD1", "SMD1H", "VR", "CVR", "SMN", "SDLN", "CVLN")
REGISTRY = es.default_registry()
STEP = exact(2) ** -80


def two_groups() -> list[tuple[float, ...]]:
    """Draw ordinary pairs of groups, then pairs that are small, huge, far apart, all but equal or all but constant."""
    rng = np.random.default_rng(1983)
    rows: list[tuple[float, ...]] = [(*_group(rng, 50.0), *_group(rng, 50.0)) for _ in range(16)]
    base = (55.25, 47.5, 155.0, 75.0, 64.0, 156.0)
    rows += [
        base,
        (*base[3:], *base[:3]),
        (10.0, 2.0, 3.0, 11.0, 3.0, 3.0),
        (10.0, 2.0, 2.0, 12.5, 3.0, 4.0),
        (10.0, 2.0, 4.0, 12.5, 3.0, 3.0),
        (10.0, 2.0, 1e6, 10.001, 2.0, 2e6),
        (10.0, 2.0, 80.0, 10.5, 2.5, 84.0),
        (10.0, 2.0, 81.0, 10.5, 2.5, 81.0),
        (10.0, 2.0, 5.0, 10.5, 2.5, 1e7),
        (10.0, 2.0, 2000.0, 10.0 * (1.0 + 2.0**-40), 2.0, 2000.0),
        (1e6, 2.0, 40.0, 1e6 + 0.5, 2.0 + 2.0**-30, 41.0),
        (0.001, 5.0, 30.0, 0.002, 6.0, 31.0),
        (30.0, 1.0, 25.0, 10.0, 1.5, 25.0),
        (10.0, 1e-6, 25.0, 10.0 + 1e-6, 1e-6, 25.0),
        (3e-7, 1e-7, 12.0, 2e-7, 2e-7, 13.0),
        (10.0, 3.0, 4.0, 10.0, 2.0, 9.0),
    ]
    return rows


def _group(rng: np.random.Generator, mean: float) -> tuple[float, float, float]:
    return (
        float(rng.uniform(0.5 * mean, 1.5 * mean)),
        float(np.exp(rng.normal(2.0, 0.8))),
        float(np.floor(np.exp(rng.uniform(1.4, 7.0)))),
    )


def rows_of(measure: str) -> tuple[tuple[str, ...], list[tuple[float, ...]]]:
    if measure in {"CLES", "AUC"}:
        shares = (0.62, 0.55, 0.71, 0.5, 0.001, 0.999, 1e-9, 1.0 - 2.0**-40)
        sizes = ((20.0, 22.0), (35.0, 30.0), (2.0, 3.0), (1e6, 17.0))
        return REPORTED, [(share, *size) for share in shares for size in sizes]
    if measure in {"MN", "SMN", "MNLN", "SDLN", "CVLN"}:
        return GROUP, [row[:3] for row in two_groups() if row[2] > 2]
    return ARMS, two_groups()


VARIANTS = [(measure, vtype) for measure in EFFECTS for vtype in REGISTRY.get(es.EffectMeasure, measure).variances]


def conditioned(
    effect: Callable[[Sequence[Exact]], tuple[Exact, Exact]], row: tuple[float, ...]
) -> list[tuple[float, float]]:
    """Give effect and variance, each with Σ|x ∂f/∂x|/|f| (1 at the least), as nearest doubles."""
    point = [exact(value) for value in row]
    truth = effect(point)
    growth = [exact(0), exact(0)]
    for i, value in enumerate(point):
        moved = effect([*point[:i], value * (1 + STEP), *point[i + 1 :]])
        growth = [total + abs(one - other) / STEP for total, one, other in zip(growth, moved, truth, strict=True)]
    return [
        (nearest(value), max(1.0, nearest(change / abs(value))) if abs(value) > 0 else 1.0)
        for value, change in zip(truth, growth, strict=True)
    ]


def compare(
    measured: es.Effects, rows: list[tuple[float, ...]], effect: Callable[[Sequence[Exact]], tuple[Exact, Exact]]
) -> int:
    compared = 0
    for i, row in enumerate(rows):
        if i in measured.reasons:
            continue
        (y, grows), (v, widens) = conditioned(effect, row)
        assert abs(measured.y[i] - y) <= CLOSED * grows * abs(y), (i, row, measured.y[i], y, grows)
        assert abs(measured.v[i] - v) <= CLOSED * widens * abs(v), (i, row, measured.v[i], v, widens)
        compared += 1
    return compared


@pytest.mark.parametrize(("measure", "vtype"), VARIANTS)
def test_effects_and_variances(measure: str, vtype: str, make_studies: Make) -> None:
    names, rows = rows_of(measure)
    studies = make_studies(**dict(zip(names, np.array(rows).T, strict=True)))
    corrections: dict[str, dict[str, Any]] = {"": {}}
    if measure in CORRECTED:
        corrections = {word: {"smd_correction": word} for word in ("exact", "none", "approximate")}
    if measure == "ROM":
        corrections = {word: {"rom_correction": word} for word in ("Lajeunesse", "none")}
    for word, settings in corrections.items():
        extra: dict[str, object] = {"correction": word} if word else {}
        if vtype in {"AV", "AVHO"}:
            extra |= averages(measure, vtype, rows, word)

        def effect(point: Sequence[Exact], extra: Mapping[str, object] = extra) -> tuple[Exact, Exact]:
            return EFFECTS[measure](point, vtype, **extra)

        measured = es.effects(studies, measure, settings="metafor", vtype=vtype, **settings)
        assert compare(measured, rows, effect) >= len(rows) - 4, dict(measured.reasons)


def averages(measure: str, vtype: str, rows: list[tuple[float, ...]], correction: str) -> dict[str, object]:
    """Average over the studies what AV and AVHO take from all of them."""
    points = [[exact(value) for value in row] for row in rows]

    def mean(values: Sequence[Exact], sizes: Sequence[Exact]) -> Exact:
        total = sum(sizes[1:], sizes[0])
        products = [value * size for value, size in zip(values, sizes, strict=True)]
        return sum(products[1:], products[0]) / total

    if measure != "ROM":
        enough = [p for p in points if measure == "SMD" or p[5] > 2 or correction != "exact"]
        effects = [EFFECTS[measure](p, "LS", correction=correction)[0] for p in enough]
        return {"average": mean(effects, [p[2] + p[5] for p in enough])}
    one, two = ([p[i + 1] / p[i] for p in points] for i in (0, 3))
    n1, n2 = ([p[i] for p in points] for i in (2, 5))
    if vtype == "AV":
        return {"averages": (mean(one, n1), mean(two, n2))}
    both = mean([*one, *two], [*n1, *n2])
    return {"averages": (both, both)}
