"""Check intervals for the effect of a new study and for τ²."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from evisynth.fits import symmetric_estimates
from evisynth.kernels.arrays import read_only
from evisynth.kernels.distributions import normal_quantile
from evisynth.testing.conformance import ask, check_record, close, ensure, same
from evisynth.testing.intervals import ANSWERS, BATCH, LEVEL, LEVELS, SHIFT, SIDE_BY_SIDE, TOLERANCE, UNIT
from evisynth.testing.samples import SEED, batch_samples, effect_samples, fits_of, weights_of

if TYPE_CHECKING:
    from evisynth.fits import Fit, Limits
    from evisynth.kernels.arrays import FloatArray
    from evisynth.records import Method, PredictionInterval, Tau2Interval
    from evisynth.testing.samples import Sample


def check_prediction_interval(record: PredictionInterval) -> None:
    """Check an interval for the true effect of a new study; raises `ConformanceError`.

    It encloses the pooled estimate, widens with the level and is at least as wide as mean ± z·τ, the range that would
    hold that share of true effects if mean and τ² were known (unless it takes a τ² of its own); a shift of y shifts it,
    y·2ⁿ with v·4ⁿ multiplies it by 2ⁿ; analyses side by side are single ones; where there is none, as at k = 1, it says
    why.
    """
    check_record(record)
    for sample in effect_samples(least=0, coefficients=(1,)):
        fit = fits_of(sample)
        base = _limits(record, fit, LEVEL, sample.name)
        if np.isnan(base.low):
            continue
        mean, tau = fit.coefficients[0], np.sqrt(fit.tau2)
        seen = f"[{base.low}, {base.high}], mean {mean}, τ {tau}"
        ensure(base.low <= mean <= base.high, record, "limits enclose the pooled estimate", sample.name, seen)
        ensure(
            record.own_tau2 or base.high - base.low >= 2 * normal_quantile(LEVEL) * tau * (1 - BATCH),
            record,
            "at least as wide as mean ± z·τ",
            sample.name,
            seen,
        )
        _nested(record, fit, sample.name)
        _limits_move(record, sample, base, shift=SHIFT)
    _limits_side_by_side(record)


def check_tau2_interval(record: Tau2Interval) -> None:
    """Check an interval for τ²; raises `ConformanceError`.

    Limits are in order and not negative, or there is a reason, for each analysis of a batch; an end that does not exist
    has one too; they widen with the level; a shift of y, its sign and the order of studies change nothing; y·2ⁿ with
    v·4ⁿ multiplies them by 4ⁿ to the bit; analyses side by side are single ones. All of it also with weights of the
    user's.
    """
    check_record(record)
    for sample in effect_samples():
        for weights in (None, weights_of(sample)):
            name = sample.name if weights is None else f"{sample.name}, with weights of the user's"
            fit = fits_of(sample, weights=weights)
            base = _limits(record, fit, LEVEL, name)
            if not np.isnan(base.low):
                ensure(base.low >= 0, record, "limits of τ² are not negative", name, f"[{base.low}, {base.high}]")
                _nested(record, fit, name)
            _tau2_limits_stay(record, sample, base, weights)
            larger = sample.with_effects(sample.y * UNIT, sample.v * UNIT * UNIT)
            scaled = _limits(record, fits_of(larger, weights=weights), LEVEL, name)
            ensure(
                same(scaled.low, base.low * UNIT * UNIT) and same(scaled.high, base.high * UNIT * UNIT),
                record,
                "y·2ⁿ with v·4ⁿ multiplies limits of τ² by 4ⁿ exactly",
                name,
                f"[{scaled.low}, {scaled.high}] from [{base.low}, {base.high}]",
            )
    _limits_side_by_side(record)
    _limits_side_by_side(record, weighted=True)


def _tau2_limits_stay(record: Tau2Interval, sample: Sample, base: Limits, weights: FloatArray | None) -> None:
    order = np.random.default_rng(SEED).permutation(sample.k)
    mixed = None if weights is None else read_only(weights[order])
    # Limits of τ² that are 0 may come out as a rounding; the variances say what counts as one.
    scale = float(np.median(sample.v))
    for law, other, own in (
        ("a shift of y changes nothing", sample.with_effects(sample.y + SHIFT), weights),
        ("the sign of y changes nothing", sample.with_effects(-sample.y), weights),
        ("the order of studies changes nothing", sample.at(order), mixed),
    ):
        seen = _limits(record, fits_of(other, weights=own), LEVEL, sample.name)
        ensure(
            close(seen.low, base.low, TOLERANCE, scale) and close(seen.high, base.high, TOLERANCE, scale),
            record,
            law,
            sample.name,
            f"[{seen.low}, {seen.high}] instead of [{base.low}, {base.high}]",
        )


def _limits(record: Method, fit: Fit, level: float, given: str) -> Limits:
    inputs: dict[str, Any] = {}
    if "estimates" in record.parameters:
        inputs["estimates"] = symmetric_estimates(fit.coefficients, fit.se, level)
    inputs |= record.named_inputs({"adhoc": None, "budget": 200, "seed": 1})
    made: Limits = ask(record, ANSWERS, given, record.function, fit, level, **inputs)
    shapes = (np.shape(made.low), np.shape(made.high))
    # A reason holds for a whole batch, and is given as one number.
    ensure(
        set(shapes) <= {fit.tau2.shape, ()}, record, "two limits per analysis", given, f"{shapes}, not {fit.tau2.shape}"
    )
    absent = np.isnan(made.low) | np.isnan(made.high)
    there = np.broadcast_to(np.isfinite(made.low) & np.isfinite(made.high), fit.tau2.shape).reshape(-1)
    unsaid = [i for i, both in enumerate(there.tolist()) if not both and not made.reason_of(i)]
    ensure(
        not unsaid,
        record,
        "where there is no interval there is a reason",
        given,
        f"[{made.low}, {made.high}], reason {made.reason!r}",
    )
    ensure(
        np.shape(made.empty) in {(), fit.tau2.shape} and (~np.asarray(made.empty) | absent).all(),
        record,
        "an interval that is empty has no limits",
        given,
        f"[{made.low}, {made.high}], empty {made.empty}",
    )
    ensure(absent | (made.low <= made.high), record, "limits are in order", given, f"[{made.low}, {made.high}]")
    return made


def _nested(record: Method, fit: Fit, given: str) -> None:
    made = [(level, _limits(record, fit, level, given)) for level in LEVELS]
    there = [(level, limits) for level, limits in made if not np.isnan(limits.low)]
    for (low_level, narrow), (high_level, wide) in pairwise(there):
        ensure(
            (wide.low <= narrow.low) & (narrow.high <= wide.high),
            record,
            "a higher level gives wider limits",
            f"{given}, levels {low_level} and {high_level}",
            f"[{narrow.low}, {narrow.high}] and [{wide.low}, {wide.high}]",
        )


def _limits_move(record: Method, sample: Sample, base: Limits, *, shift: float) -> None:
    moved = _limits(record, fits_of(sample.with_effects(sample.y + SHIFT)), LEVEL, sample.name)
    # Limits of τ² that are 0 may come out as a rounding; the variances say what counts as one.
    scale = float(np.median(sample.v))
    ensure(
        close(moved.low, base.low + shift, TOLERANCE, scale) and close(moved.high, base.high + shift, TOLERANCE, scale),
        record,
        "limits move with y as they should",
        f"{sample.name}, shifted by {SHIFT}",
        f"[{moved.low}, {moved.high}] from [{base.low}, {base.high}]",
    )
    if shift:
        scaled = _limits(
            record, fits_of(sample.with_effects(sample.y * UNIT, sample.v * UNIT * UNIT)), LEVEL, sample.name
        )
        ensure(
            close(scaled.low, base.low * UNIT, TOLERANCE, scale)
            and close(scaled.high, base.high * UNIT, TOLERANCE, scale),
            record,
            "y·2ⁿ with v·4ⁿ multiplies limits by 2ⁿ",
            sample.name,
            f"[{scaled.low}, {scaled.high}] from [{base.low}, {base.high}]",
        )


def _limits_side_by_side(record: Method, *, weighted: bool = False) -> None:
    batch, singles = batch_samples()

    def fitted(sample: Sample) -> Fit:
        return fits_of(sample, weights=weights_of(sample) if weighted else None)

    made = _limits(record, fitted(batch), LEVEL, batch.name)
    width = len(singles)
    low, high = np.broadcast_to(made.low, (width,)), np.broadcast_to(made.high, (width,))
    for j, single in enumerate(singles):
        one = _limits(record, fitted(single), LEVEL, single.name)
        scale = float(single.v.min())
        ensure(
            close(low[j], one.low, BATCH, scale) and close(high[j], one.high, BATCH, scale),
            record,
            SIDE_BY_SIDE,
            single.name,
            f"[{low[j]}, {high[j]}], not [{one.low}, {one.high}]",
        )
