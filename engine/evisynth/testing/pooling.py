"""Check ways to pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth.cells import Cells
from evisynth.fitting import effects
from evisynth.kernels.arrays import read_only
from evisynth.kernels.weighted_fit import intercept
from evisynth.pooling import Sample
from evisynth.records import Correction, EffectMeasure, PoolingModel
from evisynth.registry import default_registry
from evisynth.settings import Settings
from evisynth.testing.conformance import ask, check_record, close, ensure, same
from evisynth.testing.measures import INCREMENTS
from evisynth.testing.samples import ORDINARY, SEED, effect_samples, study_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evisynth.cells import CorrectedCells
    from evisynth.fits import Fit

ROUNDING = 1e-10
BATCH = 1e-12


def check_pooling_model(record: PoolingModel) -> None:
    """Check a way to pool, on every installed measure that it takes; raises `ConformanceError`.

    It gives one finite estimate with a positive variance and a positive weight per study; one study gives that study
    (unless the record says that it does not);
    the order of studies changes nothing; analyses side by side ``(k, m)`` are single ones. Where it takes any measure
    it pools effect sizes: then a shift of y shifts the estimate, and y·2ⁿ with v·4ⁿ multiplies it by 2ⁿ to the bit.
    """
    check_record(record)
    for sample in _samples(record):
        given = f"{sample.y.shape[0]} studies, measure {sample.measure}"
        base = _pool(record, sample, given)
        if record.one_study_law:
            _one_study(record, sample, given)
        order = np.random.default_rng(SEED).permutation(sample.y.shape[0])
        other = _pool(record, _rows(sample, order), f"{given}, in another order")
        ensure(
            close(other.coefficients, base.coefficients, ROUNDING, base.se) and close(other.se, base.se, ROUNDING),
            record,
            "the order of studies changes nothing",
            given,
            f"{other.coefficients} (SE {other.se}) instead of {base.coefficients} (SE {base.se})",
        )
        _side_by_side(record, sample, base, given)
        if record.measures is None:
            _shifted(record, sample, base, given)
        if record.random == "own":
            _pool(record, sample, f"{given}, random-effects model", model="random")


def _samples(record: PoolingModel) -> Iterator[Sample]:
    if record.measures is None:
        for sample in effect_samples(least=0, coefficients=(1,)):
            yield Sample(sample.y, sample.v, sample.X, "GEN")
    table = study_table().take(range(ORDINARY))
    for measure in default_registry().all(EffectMeasure):
        if record.measures is not None and measure.name in record.measures:
            made = effects(table, measure.name)
            columns = {name: table.columns[name] for name in record.columns if name in table.columns}
            design = read_only(intercept(len(made)))
            yield Sample(made.y, made.v, design, measure.name, made.cells, columns=columns)


def _pool(record: PoolingModel, sample: Sample, given: str, model: str = "common") -> Fit:
    settings = Settings(measure=sample.measure, method=record.name, model=model)
    fit: Fit = ask(record, "answers, and writes nothing into its inputs", given, record.function, sample, settings)
    trailing = sample.y.shape[1:]
    shapes = (np.shape(fit.coefficients), np.shape(fit.covariance), np.shape(fit.w), np.shape(fit.tau2))
    ensure(
        shapes == ((1, *trailing), (1, 1, *trailing), sample.y.shape, trailing),
        record,
        "one estimate per analysis and one weight per study",
        given,
        f"shapes {shapes}",
    )
    ensure(np.isfinite(fit.w) & (fit.w > 0), record, "weights are positive and finite", given, fit.w)
    variance = fit.covariance[0, 0]
    ensure(
        np.isfinite(fit.coefficients[0]) & np.isfinite(variance) & (variance > 0),
        record,
        "the estimate is finite and its variance positive",
        given,
        f"{fit.coefficients[0]}, variance {variance}",
    )
    return fit


def _one_study(record: PoolingModel, sample: Sample, given: str) -> None:
    for i in range(min(sample.y.shape[0], 3)):
        fit = _pool(record, _rows(sample, np.array([i])), f"study {i + 1} alone, of {given}")
        ensure(
            close(fit.coefficients[0], sample.y[i], ROUNDING, np.sqrt(sample.v[i]))
            and close(fit.covariance[0, 0], sample.v[i], ROUNDING),
            record,
            "one study gives that study",
            f"study {i + 1} alone, of {given}",
            f"{fit.coefficients[0]} with variance {fit.covariance[0, 0]}, not {sample.y[i]} with {sample.v[i]}",
        )


def _rows(sample: Sample, index: np.ndarray) -> Sample:
    return attrs.evolve(
        sample,
        y=read_only(sample.y[index]),
        v=read_only(sample.v[index]),
        X=read_only(sample.X[index]),
        cells=None if sample.cells is None else sample.cells.at(index),
        columns={name: read_only(column[index]) for name, column in sample.columns.items()},
    )


def _side_by_side(record: PoolingModel, sample: Sample, base: Fit, given: str) -> None:
    pair = attrs.evolve(
        sample,
        y=read_only(np.column_stack([sample.y, sample.y[::-1]])),
        v=read_only(np.column_stack([sample.v, sample.v[::-1]])),
        cells=None if sample.cells is None else _paired(sample.cells, sample.measure),
        columns={name: read_only(np.column_stack([x, x[::-1]])) for name, x in sample.columns.items()},
    )
    both = _pool(record, pair, f"{given}, two analyses side by side")
    ensure(
        close(both.coefficients[:, 0], base.coefficients, BATCH, base.se) and close(both.se[:, 0], base.se, BATCH),
        record,
        "analyses side by side are single analyses",
        given,
        f"{both.coefficients[:, 0]} (SE {both.se[:, 0]}) instead of {base.coefficients} (SE {base.se})",
    )


def _paired(cells: CorrectedCells, measure: str) -> CorrectedCells:
    raw = cells.raw
    pair = Cells(*(read_only(np.column_stack([x, x[::-1]])) for x in (raw.a, raw.b, raw.c, raw.d)))
    registry = default_registry()
    return registry.get(Correction, "revman").apply(pair, registry.get(EffectMeasure, measure), "MH", INCREMENTS)


def _shifted(record: PoolingModel, sample: Sample, base: Fit, given: str) -> None:
    shifted = _pool(record, attrs.evolve(sample, y=read_only(sample.y + 2.0)), f"{given}, shifted by 2")
    ensure(
        close(shifted.coefficients, base.coefficients + 2.0, ROUNDING) and close(shifted.se, base.se, ROUNDING),
        record,
        "a shift of y shifts the estimate",
        given,
        f"{shifted.coefficients} instead of {base.coefficients + 2.0}",
    )
    unit = 2.0**5
    scaled = _pool(
        record,
        attrs.evolve(sample, y=read_only(sample.y * unit), v=read_only(sample.v * unit * unit)),
        f"{given}, times 32",
    )
    ensure(
        same(scaled.coefficients, base.coefficients * unit),
        record,
        "y·2ⁿ with v·4ⁿ gives the estimate times 2ⁿ exactly",
        given,
        f"{scaled.coefficients!r} instead of {base.coefficients * unit!r}",
    )
