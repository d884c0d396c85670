"""Measure rows of every kind of study exactly: effects by formula, variances by differentiation."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

from evisynth import EffectMeasure, default_registry
from evisynth_validation.mpmath import changes, correlations, counts, means
from evisynth_validation.mpmath.exact import Exact, exact, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from evisynth_validation.mpmath.exact import Json

    Row: TypeAlias = Sequence[float]
    Pair: TypeAlias = tuple[Exact, Exact]
    OfRow: TypeAlias = Callable[[Sequence[Exact]], Pair]

SEED = 20261124
STEP = exact(2) ** -80
NOTHING = 1e-40
ARMS = ("mean_1", "sd_1", "n_1", "mean_2", "sd_2", "n_2")
GROUP = ("mean", "sd", "n")
CHANGE = ("mean_1", "sd_1", "mean_2", "sd_2", "n", "r")
MATCHED = ("pairs_both", "pairs_only_1", "pairs_only_2", "pairs_neither")
CORRECTED = frozenset({"SMD", "SMDH", "SMD1", "SMD1H", "VR", "CVR", "SMN", "SDLN", "CVLN"})
OF_ONE = frozenset({"MN", "SMN", "MNLN", "SDLN", "CVLN"})
"""Measures of the mean or the SD of one group."""
ASSOCIATION = {"PHI": "ST", "ZPHI": "ST", "YUQ": "", "YUY": ""}

TABLES: tuple[tuple[float, float, float, float], ...] = (
    (4.0, 119.0, 11.0, 128.0),
    (1.0, 1.0, 1.0, 2.0),
    (12.0, 7.0, 31.0, 2.0),
    (30.0, 70.0, 3001.0, 7000.0),
    (500.0, 500.0, 501.0, 500.0),
    (2000.0, 3.0, 2001.0, 3.0),
    (99999.0, 1.0, 2.0, 88888.0),
    (0.5, 12.5, 3.5, 29.5),
    (7.0, 33.0, 15.0, 26.0),
    (1.0, 99999.0, 2.0, 99998.0),
)
"""Cells of 2×2 tables: ordinary, tiny, near independence, near a perfect association, lopsided, with halves added."""

GROUPS: tuple[tuple[float, ...], ...] = (
    (55.25, 47.5, 155.0, 75.0, 64.0, 156.0),
    (10.0, 2.0, 3.0, 11.0, 3.0, 3.0),
    (10.0, 2.0, 4.0, 12.5, 3.0, 3.0),
    (10.0, 2.0, 1e6, 10.001, 2.0, 2e6),
    (10.0, 2.0, 5.0, 10.5, 2.5, 1e7),
    (1e6, 2.0, 40.0, 1e6 + 0.5, 2.0 + 2.0**-30, 41.0),
    (0.001, 5.0, 30.0, 0.002, 6.0, 31.0),
    (30.0, 1.0, 25.0, 10.0, 1.5, 25.0),
    (3e-7, 1e-7, 12.0, 2e-7, 2e-7, 13.0),
)
"""Means, SDs and sizes of two groups: ordinary, small, huge, far from 0, with large variation, far apart, minute."""

MEASURED_TWICE: tuple[tuple[float, ...], ...] = (
    (30.6, 15.0, 38.5, 11.6, 20.0, 0.47),
    (10.0, 2.0, 12.5, 3.0, 4.0, 0.5),
    (10.0, 2.0, 12.5, 3.0, 12.0, 0.0),
    (10.0, 2.0, 10.5, 2.0, 50.0, 0.999),
    (1e6, 2.0, 1e6 + 0.5, 2.5, 1e6, 0.3),
    (12.0, 1e-4, 12.0 + 1e-4, 2e-4, 30.0, -0.5),
    (52.0, 9.5, 47.25, 11.0, 33.0, 0.81),
)

OF_CORRELATIONS: dict[tuple[str, ...], tuple[tuple[float, ...], ...]] = {
    ("r", "n"): ((0.3, 9.0), (-0.72, 17.0), (0.99, 40.0), (0.0, 25.0), (0.45, 6.0), (0.61, 1e4)),
    ("t_value", "n", "predictors"): ((1.7, 30.0, 4.0), (-0.4, 12.0, 1.0), (60.0, 220.0, 8.0), (1e-7, 220.0, 4.0)),
    ("t_value", "n", "predictors", "r_squared"): (
        (1.7, 30.0, 4.0, 0.35),
        (-0.4, 12.0, 1.0, 0.21),
        (6.0, 220.0, 8.0, 0.62),
        (1e-7, 220.0, 4.0, 0.1),
    ),
    ("r_squared", "n", "predictors"): ((0.24, 12.0, 1.0), (0.5, 218.0, 4.0), (1e-8, 218.0, 1.0), (0.93, 1e6, 9.0)),
    ("alpha", "items", "n"): ((0.7, 7.0, 25.0), (0.93, 2.0, 3.0), (1e-7, 60.0, 25.0), (-0.4, 7.0, 1e6)),
}
_COLUMNS = {
    **dict.fromkeys(("COR", "UCOR", "ZCOR"), ("r", "n")),
    **dict.fromkeys(("PCOR", "ZPCOR"), ("t_value", "n", "predictors")),
    **dict.fromkeys(("SPCOR", "ZSPCOR"), ("t_value", "n", "predictors", "r_squared")),
    **dict.fromkeys(("R2", "ZR2", "R2F", "ZR2F"), ("r_squared", "n", "predictors")),
    **dict.fromkeys(("ARAW", "AHW", "ABT"), ("alpha", "items", "n")),
}


def rows() -> list[dict[str, Json]]:
    """Derive a record for each measure and variance type, its rows as columns."""
    return [*_tables(), *_matched(), *_single(), *_rates(), *_means(), *_changes(), *_correlations()]


def _variances(measure: str) -> tuple[str, ...]:
    held = default_registry().get(EffectMeasure, measure).variances
    # Variances of an average are made of all studies of an analysis, which a row alone does not have.
    return tuple(vtype for vtype in held if not vtype.startswith("AV")) or ("",)


def _record(
    measure: str, columns: dict[str, list[float]], found: Sequence[tuple[Pair, tuple[float, float]]], **settings: str
) -> dict[str, Json]:
    return {
        "id": " ".join((measure, *(word for word in settings.values() if word))),
        "measure": measure,
        "settings": {name: word for name, word in settings.items() if word},
        "given": {name: list(column) for name, column in columns.items()},
        "y": [nearest(y) for (y, _), _ in found],
        "v": [nearest(v) for (_, v), _ in found],
        "cond_y": [cond for _, (cond, _) in found],
        "cond_v": [cond for _, (_, cond) in found],
    }


def _within(effect: Callable[[Sequence[Exact]], Pair], chosen: Sequence[Row]) -> list[Row]:
    """Keep the rows whose effect and variance are real numbers: a correlation beyond 1 has no Fisher z."""
    kept: list[Row] = []
    for row in chosen:
        try:
            values = effect([exact(value) for value in row])
        except ZeroDivisionError:
            continue
        # mpmath takes roots and logarithms of negative numbers to the complex plane.
        real = not any(getattr(value, "imag", 0) for value in values)
        # A probability that is 1 in every double is no effect that could be weighed.
        usable = real and values[1] > NOTHING
        if usable:
            kept.append(row)
    return kept


def _columns(names: Sequence[str], chosen: Sequence[Row]) -> dict[str, list[float]]:
    return {name: list(column) for name, column in zip(names, zip(*chosen, strict=True), strict=True)}


def _plain(y: Exact, v: Exact) -> tuple[Pair, tuple[float, float]]:
    return (y, v), (1.0, 1.0)


def _tables() -> Iterator[dict[str, Json]]:
    cells = {
        "events_1": [a for a, _, _, _ in TABLES],
        "n_1": [a + b for a, b, _, _ in TABLES],
        "events_2": [c for _, _, c, _ in TABLES],
        "n_2": [c + d for _, _, c, d in TABLES],
    }
    for measure, effect in counts.TABLES.items():
        if measure in ASSOCIATION:
            for vtype in ("CS", "ST") if ASSOCIATION[measure] else ("",):
                variance = counts.binomials if vtype == "ST" else counts.multinomial
                found = [_plain(counts.value(effect, *row), variance(effect, *row)) for row in TABLES]
                # A correlation near 0 is a difference of products, which are whole numbers here.
                yield _record(measure, cells, found, vtype=vtype)
        else:
            found = [_plain(counts.value(effect, *row), counts.binomials(effect, *row)) for row in TABLES]
            yield _record(measure, cells, found)
    effect = counts.TABLES["OR"]
    found = [_plain(counts.value(effect, *row), counts.binomials(effect, *row)) for row in TABLES]
    yield _record("DOR", _columns(("tp", "fn", "fp", "tn"), TABLES), found)


def _matched() -> Iterator[dict[str, Json]]:
    chosen = [row for row in TABLES if row[1] != row[2]]
    for measure, effect in counts.PAIRS.items():
        if measure in MARGINAL:
            continue
        found = [_plain(counts.value(effect, *row), counts.multinomial(effect, *row)) for row in chosen]
        yield _record(measure, _columns(MATCHED, chosen), found)


MARGINAL = frozenset({"MPORM"})
"""Measures that take margins in the place of pairs, whose rounding is another matter."""


def _single() -> Iterator[dict[str, Json]]:
    chosen = [(x, x + m) for x, m, _, _ in TABLES if x != m]
    for measure, effect in counts.SINGLE.items():
        found = [_plain(counts.value(effect, x, n - x), counts.binomials(effect, x, n - x)) for x, n in chosen]
        yield _record(measure, _columns(("events", "n"), chosen), found)
    three = [row[:3] for row in TABLES]
    effect_of_three = counts.excess_heterozygosity
    found = [_plain(counts.value(effect_of_three, *row), counts.multinomial(effect_of_three, *row)) for row in three]
    yield _record("REH", _columns(("genotype_11", "genotype_12", "genotype_22"), three), found)


def _rates() -> Iterator[dict[str, Json]]:
    alone = [(x, m / 7) for x, m, _, _ in TABLES]
    for measure, effect in counts.RATES.items():
        found: list[tuple[Pair, tuple[float, float]]] = []
        for row in alone:
            y = counts.value(effect, *row)
            # The quotient of a logarithm near 0 is rounded before the logarithm is taken.
            near = _rounded(max(1.0, 1 / max(abs(nearest(y)), 1e-3))) if measure == "IRLN" else 1.0
            found.append(((y, counts.poisson(effect, *row)), (near, 1.0)))
        yield _record(measure, _columns(("events", "time"), alone), found)
    for measure, effect_of_two in counts.TWO_RATES.items():
        both = [_plain(counts.value(effect_of_two, *row), counts.poisson(effect_of_two, *row)) for row in TABLES]
        yield _record(measure, _columns(("events_1", "time_1", "events_2", "time_2"), TABLES), both)


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


def conditioned(effect: Callable[[Sequence[Exact]], Pair], row: Row) -> tuple[Pair, tuple[float, float]]:
    """Give effect and variance, each with Σ|x ∂f/∂x|/|f|, 1 at the least."""
    point = [exact(value) for value in row]
    truth = effect(point)
    growth = [exact(0), exact(0)]
    for i, value in enumerate(point):
        moved = effect([*point[:i], value * (1 + STEP), *point[i + 1 :]])
        growth = [grown + abs(one - other) / STEP for grown, one, other in zip(growth, moved, truth, strict=True)]
    y, v = (
        _rounded(max(1.0, nearest(grown / abs(value)))) if abs(value) > 0 else 1.0
        for value, grown in zip(truth, growth, strict=True)
    )
    return truth, (y, v)


def _means() -> Iterator[dict[str, Json]]:
    shares = Random(SEED)  # noqa: S311 - a reproducible stream, no secret
    for measure, effect in means.EFFECTS.items():
        names: tuple[str, ...] = ARMS
        chosen: list[Row] = list(GROUPS)
        if measure in {"CLES", "AUC"}:
            names = ("cles", "n_1", "n_2")
            chosen = [(shares.uniform(0.05, 0.95), row[2], row[5]) for row in GROUPS]
        elif measure in OF_ONE:
            names, chosen = GROUP, [row[:3] for row in GROUPS]
        extra: dict[str, Any] = {"correction": "exact"} if measure in CORRECTED else {}
        extra = {"correction": "none"} if measure == "ROM" else extra
        settings = {"rom_correction": "none"} if measure == "ROM" else {}
        for vtype in _variances(measure):
            made: OfRow = partial(_applied, effect, vtype, extra)
            kept = _within(made, chosen)
            yield _record(
                measure, _columns(names, kept), [conditioned(made, row) for row in kept], vtype=vtype, **settings
            )


def _applied(effect: Callable[..., Pair], vtype: str, extra: Mapping[str, Any], row: Sequence[Exact]) -> Pair:
    return effect(row, vtype or "LS", **extra)


def _changes() -> Iterator[dict[str, Json]]:
    for measure, effect in changes.EFFECTS.items():
        for vtype in _variances(measure):
            made: OfRow = partial(_applied, effect, vtype, {"correction": "exact"})
            kept = _within(made, MEASURED_TWICE)
            yield _record(measure, _columns(CHANGE, kept), [conditioned(made, row) for row in kept], vtype=vtype)


def _correlations() -> Iterator[dict[str, Json]]:
    for measure, effect in correlations.EFFECTS.items():
        names = _COLUMNS[measure]
        for vtype in _variances(measure):
            made: OfRow = partial(_applied, effect, vtype, {})
            kept = _within(made, OF_CORRELATIONS[names])
            yield _record(measure, _columns(names, kept), [conditioned(made, row) for row in kept], vtype=vtype)
