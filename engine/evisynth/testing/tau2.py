"""Check estimators of the between-study variance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth.kernels.weighted_fit import weighted_fit
from evisynth.records import Tau2Fit
from evisynth.testing.conformance import ask, check_record, close, ensure, same
from evisynth.testing.samples import SEED, Sample, batch_samples, effect_samples

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth.kernels.arrays import FloatArray
    from evisynth.records import Tau2Estimator

EXPONENTS = (-20, -3, 5, 30)
ITERATIVE = 1e-8
"""Tolerance of laws under which an iteration takes other steps, relative to τ² and the variances."""
BATCH = 1e-12
_ALONG = " (a method that means the variance about the mean, moderators or not, says so by moderator_law=False)"
_PLAIN: Mapping[str, object] = {"centre": None, "weights": None, "common": None, "details": True}


def check_tau2_estimator(record: Tau2Estimator) -> None:
    """Check an estimator of τ²; raises `ConformanceError` for the first law that it breaks.

    It answers, with one finite number per analysis, wherever there are more studies than coefficients, down to k =
    p + 1 and with moderators; it leaves its inputs alone; a shift of y along the columns of X (along the intercept
    where the record claims no more) and the order of studies change nothing; y·2ⁿ with v·4ⁿ gives τ²·4ⁿ to the bit;
    m analyses side by side are m single ones; the inputs that it names beside y, v and X leave τ² as it is where
    they say nothing new (``centre`` at the inverse-variance mean, ``common`` the fit that it would make itself,
    ``details`` or none); entering every study twice changes nothing, and the estimate matches the moment with
    ``moment_weights``, where the record claims so.
    """
    check_record(record)
    for sample in effect_samples():
        base = _tau2(record, sample)
        _shifted(record, sample, base)
        _rescaled(record, sample, base)
        _reordered(record, sample, base)
        if record.duplication_law:
            _duplicated(record, sample, base)
        _told_nothing_new(record, sample, base)
    for p in (1, 2, 3):
        _side_by_side(record, p)
    if record.moment_weights is not None:
        for sample in effect_samples():
            if sample.X.shape[1] == 1:
                _matches_moment(record, sample)


def _tau2(record: Tau2Estimator, sample: Sample, told: Mapping[str, object] = _PLAIN) -> FloatArray:
    inputs = record.named_inputs({**_PLAIN, **told})
    answer = ask(
        record,
        "answers, and writes nothing into its inputs",
        f"{sample.name}: y and v {sample.y.shape}, X {sample.X.shape}",
        record.function,
        sample.y,
        sample.v,
        sample.X,
        **inputs,
    )
    found = np.asarray(answer.tau2 if isinstance(answer, Tau2Fit) else answer)
    expected = sample.y.shape[1:]
    numeric = found.dtype.kind in "fiu"
    ensure(numeric, record, "one τ² per analysis", sample.name, f"{answer!r}, which is no number")
    tau2 = found.astype(np.float64)
    ensure(tau2.shape == expected, record, "one τ² per analysis", sample.name, f"shape {tau2.shape}, not {expected}")
    ensure(np.isfinite(tau2), record, "τ² is finite", sample.name, tau2)
    if isinstance(answer, Tau2Fit):
        for name in ("se", "log_likelihood", "modes"):
            extra = getattr(answer, name)
            shape = expected if extra is None else np.shape(extra)
            ensure(shape == expected, record, "what comes with τ² has its shape", sample.name, f"{name} {shape}")
    return tau2


def _typical(sample: Sample) -> float:
    return float(np.median(sample.v))


def _shifted(record: Tau2Estimator, sample: Sample, base: FloatArray) -> None:
    beta = np.array([2.0, -1.0, 0.5])[: sample.X.shape[1]]
    if not record.moderator_law:
        beta[1:] = 0.0
    seen = _tau2(record, sample.with_effects(sample.y + sample.X @ beta))
    ensure(
        close(seen, base, ITERATIVE, _typical(sample)),
        record,
        "a shift of y along the columns of X changes nothing",
        sample.name,
        f"{seen} instead of {base}{_ALONG if sample.X.shape[1] > 1 else ''}",
    )


def _rescaled(record: Tau2Estimator, sample: Sample, base: FloatArray) -> None:
    for n in EXPONENTS:
        unit = 2.0**n
        seen = _tau2(record, sample.with_effects(sample.y * unit, sample.v * unit * unit))
        expected = base * unit * unit
        ensure(
            same(seen, expected),
            record,
            "y·2ⁿ with v·4ⁿ gives τ²·4ⁿ exactly",
            f"{sample.name}, n = {n}",
            f"{seen!r} instead of {expected!r}",
        )


def _reordered(record: Tau2Estimator, sample: Sample, base: FloatArray) -> None:
    order = np.random.default_rng(SEED).permutation(sample.k)
    seen = _tau2(record, sample.at(order))
    ensure(
        close(seen, base, ITERATIVE, _typical(sample)),
        record,
        "the order of studies changes nothing",
        sample.name,
        f"{seen} instead of {base}",
    )


def _duplicated(record: Tau2Estimator, sample: Sample, base: FloatArray) -> None:
    seen = _tau2(record, sample.at(np.tile(np.arange(sample.k), 2)))
    ensure(
        close(seen, base, ITERATIVE, _typical(sample)),
        record,
        "entering every study twice changes nothing",
        sample.name,
        f"{seen} instead of {base}",
    )


def _matches_moment(record: Tau2Estimator, sample: Sample) -> None:
    assert record.moment_weights is not None  # noqa: S101 - asked for before
    a, base = record.moment_weights(sample.v), _tau2(record, sample)
    fit = weighted_fit(sample.y, a)
    expected = (fit.rss - (a * sample.v * fit.deleted_leverages).sum(axis=0)) / fit.trace
    ensure(
        close(np.maximum(base, 0.0), np.maximum(expected, 0.0), ITERATIVE, _typical(sample)),
        record,
        "τ² matches the moment with moment_weights",
        sample.name,
        f"{base} instead of {expected}",
    )


def _told_nothing_new(record: Tau2Estimator, sample: Sample, base: FloatArray) -> None:
    common = weighted_fit(sample.y, 1.0 / sample.v, sample.X)
    told: dict[str, object] = {"common": common, "details": False}
    if sample.X.shape[1] == 1:
        told["centre"] = common.coefficients[0]
    for name in record.named_inputs(told):
        seen = _tau2(record, sample, {name: told[name]})
        ensure(
            close(seen, base, ITERATIVE, _typical(sample)),
            record,
            "an input that says nothing new changes nothing",
            f"{sample.name}, {name}",
            f"{seen} instead of {base}",
        )


def _side_by_side(record: Tau2Estimator, p: int) -> None:
    batch, singles = batch_samples(p=p)
    expected = np.array([_tau2(record, single) for single in singles])
    seen = _tau2(record, batch)
    ensure(
        close(seen, expected, BATCH, batch.v.min(axis=0)),
        record,
        "analyses side by side are single analyses",
        f"{batch.name}, {p} coefficient(s)",
        f"{seen} instead of {expected}",
    )
