"""Compute conversions on rows of reported statistics, on a grid of transformed values and on five numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evisynth import Conversion, default_registry
from evisynth_validation.mpmath import conversions, quantiles
from evisynth_validation.mpmath.exact import exact, nearest
from evisynth_validation.mpmath.reported_rows import condition, drawn
from evisynth_validation.mpmath.transformation_rows import ROWS, TAKING_PART
from evisynth_validation.mpmath.transformations import VALUES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from evisynth_validation.mpmath.exact import Exact, Json

SEED = 19980815
STEP = exact(2) ** -80
NOTHING = 1e-30
"""Below this a value is 0: a spread of equal numbers."""
INTEGRALS = frozenset({"logit-to-mean-proportion", "z-to-mean-r"})

FIVE: tuple[tuple[tuple[float, ...], int], ...] = (
    # Five numbers and n: ordinary ones, far from 0, far apart, close together, both sides of every rule for n.
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
)
_NAMES = ("minimum", "q1", "median", "q3", "maximum")
_HELD = {"range": (0, 2, 4), "iqr": (1, 2, 3), "full": (0, 1, 2, 3, 4)}

OF_FIVE: Mapping[str, Callable[[Sequence[float], int, str], tuple[Any, ...]]] = {
    "wan": lambda x, n, s: (quantiles.wan_mean(x, s), quantiles.wan_sd(x, n, s)),
    "luo": lambda x, n, s: (
        quantiles.luo_mean(x, n, s),
        quantiles.shi_sd(x, n) if s == "full" else quantiles.wan_sd(x, n, s),
    ),
    "luo-wan": lambda x, n, s: (quantiles.luo_mean(x, n, s), quantiles.wan_sd(x, n, s)),
    "wan-shi": lambda x, n, s: (quantiles.wan_mean(x, s), quantiles.shi_sd(x, n)),
    "hozo": lambda x, n, _: quantiles.hozo(x, n),
    "bland": lambda x, _n, _s: quantiles.bland(x),
}
CLOSED_FORMS = (
    *("wan-range", "wan-iqr", "wan-full", "luo-range", "luo-iqr", "luo-full"),
    *("luo-wan-full", "wan-shi-full", "hozo-range", "bland-full"),
)


def rows() -> list[dict[str, Json]]:
    """Derive a record for each conversion, its rows as columns."""
    return [*_reported(), *_transformed(), *_five()]


def _record(name: str) -> Conversion:
    return default_registry().get(Conversion, name)


def _laid_out(
    name: str,
    given: Mapping[str, Sequence[float]],
    expected: Sequence[Sequence[float]],
    cond: Sequence[Sequence[float]],
) -> dict[str, Json]:
    targets = _record(name).targets
    made: dict[str, Json] = {"id": name, "given": {key: list(column) for key, column in given.items()}}
    made["expected"] = {
        target: list(column) for target, column in zip(targets, zip(*expected, strict=True), strict=False)
    }
    made["cond"] = {target: list(column) for target, column in zip(targets, zip(*cond, strict=True), strict=False)}
    return made


def _rounded(value: float) -> float:
    return float(f"{min(value, 1e300):.3g}")


def _reported() -> Iterator[dict[str, Json]]:
    for name, formula in conversions.FORMULAS.items():
        given: dict[str, list[float]] = {
            key: np.asarray(column, float).tolist() for key, column in drawn(_record(name)).items()
        }
        if name.startswith("wald"):
            given = {key: column for key, column in given.items() if key not in {"z_value", "p_value"}}
        expected, cond = list[list[float]](), list[list[float]]()
        for row in zip(*given.values(), strict=True):
            x = {key: exact(value) for key, value in zip(given, row, strict=True)}
            values = formula(x)
            zero = [abs(nearest(value)) < NOTHING for value in values]
            expected.append([0.0 if none else nearest(value) for value, none in zip(values, zero, strict=True)])
            cond.append(
                [
                    1.0 if none else _rounded(condition(formula, x, value, i))
                    for i, (value, none) in enumerate(zip(values, zero, strict=True))
                ]
            )
        yield _laid_out(name, given, expected, cond)


def _transformed() -> Iterator[dict[str, Json]]:
    for name, formula in VALUES.items():
        record = _record(name)
        sources = record.sources[: TAKING_PART.get(name, len(record.sources))]
        given = dict(zip(sources, (list(column) for column in zip(*ROWS[name], strict=True)), strict=True))
        expected, cond = list[list[float]](), list[list[float]]()
        for row in ROWS[name]:
            point = [exact(x) for x in row]
            truth = formula(*point)
            grows = exact(0)
            for i, x in enumerate(point):
                if abs(x) > 0:
                    # Towards 0, to stay within the range of what is transformed.
                    moved: Exact = formula(*point[:i], x * (1 - STEP), *point[i + 1 :])
                    grows = grows + abs(moved - truth) / STEP
            size = abs(truth)
            expected.append([nearest(truth)])
            cond.append([_rounded(max(1.0, nearest(grows / size))) if size > 0 else 1.0])
        yield _laid_out(name, given, expected, cond)


def _five() -> Iterator[dict[str, Json]]:
    for name in CLOSED_FORMS:
        method, _, scenario = name.rpartition("-")
        held = _HELD[scenario]
        given = {_NAMES[i]: [five[i] for five, _ in FIVE] for i in held} | {"n": [float(n) for _, n in FIVE]}
        expected = [
            [nearest(value) for value in OF_FIVE[method]([five[i] for i in held], n, scenario)] for five, n in FIVE
        ]
        yield _laid_out(name, given, expected, [[1.0, 1.0]] * len(FIVE))
